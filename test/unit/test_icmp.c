/* SPDX-License-Identifier: BSD-3-Clause */
/* test_icmp.c - ICMP for IPv4: echo, errors sent and received (RFC 792, RFC 1122 3.2.2, icmp(7)). */
#include "stack/net/net_priv.h"
#include "test/unit/net_world.h"

#include <errno.h>

static size_t echo(const struct frame_path *p, uint32_t n)
{
	static uint8_t rest[FRAME_MAX];
	uint32_t i;

	frame_put16(rest, 0x4242);
	frame_put16(rest + 2, 7);
	for (i = 0; i < n; i++)
		rest[4 + i] = (uint8_t)(i * 3 + n);
	return frame_build_icmp(nw.frame, p, 8, 0, rest, n + 4);
}

START_TEST(echo_is_answered_with_the_same_bytes)
{
	static const uint32_t sizes[] = { 0, 1, 2, 55, 56, 57, 1000, 1472 };
	uint32_t n = sizes[_i % 8], i;
	struct frame_path p;

	nw_introduce_peer();
	nw_path(&p);
	nw.wire.ports[0].rx_segment = _i >= 8 ? 64 : 0;
	nw_inject(echo(&p, n));
	ck_assert(nw_take());
	ck_assert(nw.info.is_icmp);
	ck_assert_uint_eq(nw.info.icmp_type, 0);
	ck_assert(nw.info.ip_csum_ok && nw.info.l4_csum_ok);
	ck_assert_uint_eq(nw.info.src, OUR_IP);
	ck_assert_uint_eq(nw.info.dst, PEER_IP);
	ck_assert_uint_eq(nw.info.len, n + 4);
	ck_assert_uint_eq(frame_get16(nw.info.data), 0x4242);
	for (i = 0; i < n; i++)
		ck_assert_uint_eq(nw.info.data[4 + i], (uint8_t)(i * 3 + n));
	nw_expect_silence();
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_ECHOS), 1);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_OUT_ECHO_REPS), 1);
}
END_TEST

START_TEST(echo_checksums_of_all_kinds_come_out_right)
{
	struct frame_path p;
	uint32_t i;

	nw_introduce_peer();
	nw_path(&p);
	for (i = 0; i < 2000; i++) {
		nw_advance(MS);
		while (nw_take())
			continue;
		size_t len = echo(&p, 56);

		frame_put16(nw.frame + 34 + 8, (uint16_t)(i * 33));
		frame_put16(nw.frame + 34 + 2, 0);
		frame_put16(nw.frame + 34 + 2,
			    frame_csum_fold(frame_csum_add(0, nw.frame + 34, len - 34)));
		nw_inject(len);
		do {
			ck_assert(nw_take());
		} while (nw.info.is_arp);
		ck_assert(nw.info.is_icmp && nw.info.l4_csum_ok);
	}
}
END_TEST

/* RFC 792, RFC 1122 3.2.2.8: the question's time comes back, and two of ours. */
START_TEST(a_timestamp_request_is_answered)
{
	uint8_t rest[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint64_t ms = nw.now / MS % 86400000;
	struct frame_path p;

	nw_introduce_peer();
	nw_path(&p);
	nw_inject(frame_build_icmp(nw.frame, &p, 13, 0, rest, sizeof(rest)));
	ck_assert(nw_take());
	ck_assert(nw.info.is_icmp && nw.info.icmp_type == 14 && nw.info.l4_csum_ok);
	ck_assert_uint_eq(nw.info.len, 16);
	ck_assert_mem_eq(nw.info.data, rest, 8);
	ck_assert_uint_eq(frame_get32(nw.info.data + 8), ms);
	ck_assert_uint_eq(frame_get32(nw.info.data + 12), ms);
	p.dst = IP4(192, 0, 2, 255);
	memcpy(p.dmac, BCAST_MAC, 6);
	nw_inject(frame_build_icmp(nw.frame, &p, 13, 0, rest, sizeof(rest)));
	nw_expect_silence();
}
END_TEST

START_TEST(echo_with_a_bad_checksum_is_dropped)
{
	struct frame_path p;
	size_t len;

	nw_introduce_peer();
	nw_path(&p);
	len = echo(&p, 100);
	nw.frame[80] ^= 4;
	nw_inject(len);
	nw_expect_silence();
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_CSUM_ERRORS), 1);
}
END_TEST

START_TEST(broadcast_echo_is_not_answered)
{
	static const uint32_t dst[] = { IP4(192, 0, 2, 255), IP4(255, 255, 255, 255),
					IP4(224, 0, 0, 1) };
	struct frame_path p;

	nw_introduce_peer();
	nw_path(&p);
	p.dst = dst[_i];
	memcpy(p.dmac, BCAST_MAC, 6);
	nw_inject(echo(&p, 10));
	nw_expect_silence();
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_ECHOS), 1);
}
END_TEST

/* As Linux: what the address says counts, not how the frame came. */
START_TEST(an_echo_to_us_in_a_broadcast_frame_is_answered)
{
	struct frame_path p;

	nw_introduce_peer();
	nw_path(&p);
	memcpy(p.dmac, BCAST_MAC, 6);
	nw_inject(echo(&p, 10));
	ck_assert(nw_take());
	ck_assert(nw.info.is_icmp && nw.info.icmp_type == 0);
}
END_TEST

START_TEST(a_large_echo_comes_back_in_fragments)
{
	static uint8_t msg[4000];
	struct frame_path p;
	uint32_t off, got = 0;

	nw_introduce_peer();
	nw_path(&p);
	memset(msg, 0x5a, sizeof(msg));
	memset(msg, 0, 8);
	msg[0] = 8;
	frame_put16(msg + 2, frame_csum_fold(frame_csum_add(0, msg, sizeof(msg))));
	for (off = 0; off < sizeof(msg); off += 1480)
		nw_inject(frame_build_ip4(
			nw.frame, &p, IPPROTO_ICMP, 5,
			(uint16_t)(off / 8 | (off + 1480 < sizeof(msg) ? 0x2000 : 0)), msg + off,
			RTE_MIN(1480u, (uint32_t)sizeof(msg) - off)));
	while (nw_take())
		got += frame_get16(nw.frame + 16) - 20u;
	ck_assert_uint_eq(got, sizeof(msg));
}
END_TEST

START_TEST(an_echo_flood_is_limited)
{
	struct frame_path p;
	unsigned int i, answers = 0;

	nw_introduce_peer();
	nw_path(&p);
	for (i = 0; i < 3000; i++) {
		nw_inject(echo(&p, 10));
		answers += nw_take();
	}
	ck_assert_uint_ge(answers, 1000);
	ck_assert_uint_lt(answers, 1200);
	nw_advance(SEC);
	while (nw_take())
		continue;
	nw_inject(echo(&p, 10));
	ck_assert(nw_take());
}
END_TEST

/* -- errors sent -------------------------------------------------------------------------- */

static size_t udp_to(uint32_t src, uint32_t dst, const uint8_t *dmac, uint32_t n)
{
	static uint8_t data[2000];
	struct frame_path p;

	memset(data, 'd', sizeof(data));
	nw_path(&p);
	p.src = src;
	p.dst = dst;
	memcpy(p.dmac, dmac, 6);
	return frame_build_udp(nw.frame, &p, 1000, 2000, data, n);
}

START_TEST(port_unreachable_quotes_the_packet)
{
	static uint8_t orig[FRAME_MAX];
	size_t len;

	nw_introduce_peer();
	fake.refuse = true;
	len = udp_to(PEER_IP, OUR_IP, nw.nif->mac, 30);
	memcpy(orig, nw.frame, len);
	nw_inject(len);
	ck_assert(nw_take());
	ck_assert(nw.info.is_icmp && nw.info.icmp_type == 3 && nw.info.icmp_code == 3);
	ck_assert(nw.info.ip_csum_ok && nw.info.l4_csum_ok);
	ck_assert_uint_eq(nw.info.dst, PEER_IP);
	ck_assert_uint_eq(frame_get32(nw.info.data), 0);
	ck_assert_uint_eq(nw.info.len, 4 + len - 14);
	ck_assert_mem_eq(nw.info.data + 4, orig + 14, len - 14);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_OUT_DEST_UNREACHS), 1);
}
END_TEST

START_TEST(the_quote_fits_576_bytes)
{
	nw_introduce_peer();
	fake.refuse = true;
	nw.wire.ports[0].rx_segment = 200;
	nw_inject(udp_to(PEER_IP, OUR_IP, nw.nif->mac, 1400));
	ck_assert(nw_take());
	ck_assert_uint_eq(frame_get16(nw.frame + 16), 576);
	ck_assert(nw.info.l4_csum_ok);
}
END_TEST

START_TEST(no_error_about_broadcast_or_link_broadcast)
{
	nw_introduce_peer();
	fake.refuse = true;
	nw_inject(udp_to(PEER_IP, IP4(192, 0, 2, 255), BCAST_MAC, 10));
	nw_inject(udp_to(PEER_IP, IP4(224, 0, 0, 1), BCAST_MAC, 10));
	nw_inject(udp_to(PEER_IP, OUR_IP, BCAST_MAC, 10));
	ck_assert_uint_eq(fake.nrx, 3);
	nw_expect_silence();
}
END_TEST

START_TEST(errors_are_rate_limited)
{
	unsigned int i, n = 0;

	fake.refuse = true;
	for (i = 0; i < 60; i++) {
		struct ipaddr from = addr4(IP4(192, 0, 2, 10) + i);

		neigh_learn(nw.st, nw.nif, &from, PEER_MAC, NEIGH_LEARN_CREATE, nw.now);
	}
	for (i = 0; i < 180; i++) {
		nw_inject(udp_to(IP4(192, 0, 2, 10) + i % 60, OUR_IP, nw.nif->mac, 10));
		n += nw_take();
	}
	ck_assert_uint_eq(n, 50);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_OUT_RATELIMIT), 130);
	nw_advance(10 * MS); /* a thousand per second */
	for (i = 0, n = 0; i < 50; i++) {
		nw_inject(udp_to(IP4(192, 0, 2, 10) + i, OUR_IP, nw.nif->mac, 10));
		n += nw_take();
	}
	ck_assert_uint_ge(n, 9);
	ck_assert_uint_le(n, 11);
}
END_TEST

static unsigned int answered(unsigned int tries, uint32_t src)
{
	unsigned int i, n = 0;

	for (i = 0; i < tries; i++) {
		nw_inject(udp_to(src, OUR_IP, nw.nif->mac, 10));
		n += nw_take();
	}
	return n;
}

/* As Linux's inet_peer_xrlim_allow(): six at once, then one per second, to each. */
START_TEST(errors_to_one_host_are_few)
{
	struct ipaddr other = addr4(IP4(192, 0, 2, 77));

	nw_introduce_peer();
	neigh_learn(nw.st, nw.nif, &other, PEER_MAC, NEIGH_LEARN_CREATE, nw.now);
	fake.refuse = true;
	ck_assert_uint_eq(answered(20, PEER_IP), 6);
	ck_assert_uint_eq(answered(20, IP4(192, 0, 2, 77)), 6);
	nw_advance(999 * MS);
	ck_assert_uint_eq(answered(3, PEER_IP), 0);
	nw_advance(MS);
	ck_assert_uint_eq(answered(3, PEER_IP), 1);
	nw_advance(3 * SEC);
	ck_assert_uint_eq(answered(20, PEER_IP), 3);
}
END_TEST

/* -- errors received ----------------------------------------------------------------------- */

/* An ICMP error about a packet of ours: 20 bytes of IP, then 8 of the transport. */
static size_t error(uint8_t type, uint8_t code, uint32_t word, uint8_t proto, uint32_t quoted_src,
		    uint32_t nbytes)
{
	uint8_t rest[4 + 20 + 64] = { 0 };
	struct frame_path p;

	frame_put32(rest, word);
	rest[4] = 0x45;
	frame_put16(rest + 4 + 2, 1500);
	rest[4 + 8] = 64;
	rest[4 + 9] = proto;
	frame_put32(rest + 4 + 12, quoted_src);
	frame_put32(rest + 4 + 16, IP4(198, 18, 0, 5));
	frame_put16(rest + 24, 1111);
	frame_put16(rest + 26, 2222);
	frame_put32(rest + 28, 0xdeadbeef);
	nw_path(&p);
	return frame_build_icmp(nw.frame, &p, type, code, rest, nbytes);
}

START_TEST(errors_reach_the_transport_as_linux_maps_them)
{
	static const struct {
		uint8_t type, code;
		int err;
		bool hard;
	} map[] = {
		{ 3, 0, ENETUNREACH, false },	{ 3, 1, EHOSTUNREACH, false },
		{ 3, 2, ENOPROTOOPT, true },	{ 3, 3, ECONNREFUSED, true },
		{ 3, 4, EMSGSIZE, false },	{ 3, 5, EOPNOTSUPP, false },
		{ 3, 6, ENETUNREACH, true },	{ 3, 7, EHOSTDOWN, true },
		{ 3, 8, ENONET, true },		{ 3, 9, ENETUNREACH, true },
		{ 3, 10, EHOSTUNREACH, true },	{ 3, 11, ENETUNREACH, false },
		{ 3, 12, EHOSTUNREACH, false }, { 3, 13, EHOSTUNREACH, true },
		{ 11, 0, EHOSTUNREACH, false }, { 12, 0, EPROTO, true },
	};
	uint8_t proto = _i % 2 ? IPPROTO_TCP : IPPROTO_UDP;
	const struct icmp_err *e = &fake.err[0].e;

	nw_inject(error(map[_i].type, map[_i].code, 1400, proto, OUR_IP, 4 + 20 + 8));
	ck_assert_uint_eq(fake.nerr, 1);
	ck_assert_uint_eq(fake.nraw_err, 1);
	ck_assert_int_eq(e->err, map[_i].err);
	ck_assert_int_eq(e->hard, map[_i].hard);
	ck_assert_uint_eq(e->type, map[_i].type);
	ck_assert_uint_eq(e->code, map[_i].code);
	ck_assert_uint_eq(e->proto, proto);
	ck_assert_uint_eq(e->mtu, map[_i].err == EMSGSIZE ? 1400 : 0);
	ck_assert_uint_eq(e->l4_len, 8);
	ck_assert_uint_eq(frame_get16(fake.err[0].l4), 1111);
	ck_assert_uint_eq(frame_get32(fake.err[0].l4 + 4), 0xdeadbeef);
	ck_assert_uint_eq(ntohl(ipaddr_to_v4(&e->src)), OUR_IP);
	ck_assert_uint_eq(ntohl(ipaddr_to_v4(&e->dst)), IP4(198, 18, 0, 5));
	ck_assert_uint_eq(ntohl(ipaddr_to_v4(&e->from)), PEER_IP);
}
END_TEST

/* As Linux: that the pieces came too late is no error of a socket. */
START_TEST(reassembly_time_is_not_told_to_the_transport)
{
	nw_inject(error(11, 1, 0, IPPROTO_UDP, OUR_IP, 4 + 20 + 8));
	ck_assert_uint_eq(fake.nerr, 0);
}
END_TEST

START_TEST(frag_needed_without_an_mtu_gets_the_next_plateau)
{
	nw_inject(error(3, 4, 0, IPPROTO_TCP, OUR_IP, 4 + 20 + 8));
	ck_assert_uint_eq(fake.err[0].e.mtu, 1492);
}
END_TEST

START_TEST(errors_about_packets_not_ours_or_too_short_are_counted)
{
	nw_inject(error(3, 3, 0, IPPROTO_UDP, PEER_IP, 4 + 20 + 8));
	nw_inject(error(3, 3, 0, IPPROTO_UDP, OUR_IP, 4 + 20 + 7));
	nw_inject(error(3, 3, 0, IPPROTO_UDP, OUR_IP, 4 + 10));
	nw_inject(error(3, 3, 0, IPPROTO_UDP, OUR_IP, 4));
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_ERRORS), 4);
	/* Unknown codes and types are ignored. */
	nw_inject(error(3, 99, 0, IPPROTO_UDP, OUR_IP, 4 + 20 + 8));
	nw_inject(error(4, 0, 0, IPPROTO_UDP, OUR_IP, 4 + 20 + 8));
	nw_inject(error(5, 0, 0, IPPROTO_UDP, OUR_IP, 4 + 20 + 8));
	ck_assert_uint_eq(fake.nerr, 0);
	nw_expect_silence();
}
END_TEST

static Suite *icmp_suite(void)
{
	Suite *s = suite_create("icmp");
	TCase *tc = tcase_create("icmp");

	tcase_add_checked_fixture(tc, nw_start, nw_stop);
	tcase_add_loop_test(tc, echo_is_answered_with_the_same_bytes, 0, 16);
	tcase_add_test(tc, echo_checksums_of_all_kinds_come_out_right);
	tcase_add_test(tc, echo_with_a_bad_checksum_is_dropped);
	tcase_add_test(tc, a_timestamp_request_is_answered);
	tcase_add_loop_test(tc, broadcast_echo_is_not_answered, 0, 3);
	tcase_add_test(tc, an_echo_to_us_in_a_broadcast_frame_is_answered);
	tcase_add_test(tc, a_large_echo_comes_back_in_fragments);
	tcase_add_test(tc, an_echo_flood_is_limited);
	tcase_add_test(tc, port_unreachable_quotes_the_packet);
	tcase_add_test(tc, the_quote_fits_576_bytes);
	tcase_add_test(tc, no_error_about_broadcast_or_link_broadcast);
	tcase_add_test(tc, errors_are_rate_limited);
	tcase_add_test(tc, errors_to_one_host_are_few);
	tcase_add_loop_test(tc, errors_reach_the_transport_as_linux_maps_them, 0, 16);
	tcase_add_test(tc, reassembly_time_is_not_told_to_the_transport);
	tcase_add_test(tc, frag_needed_without_an_mtu_gets_the_next_plateau);
	tcase_add_test(tc, errors_about_packets_not_ours_or_too_short_are_counted);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(icmp_suite)
