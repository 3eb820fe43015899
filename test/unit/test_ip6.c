/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ip6.c - IPv6 in and out, extension headers, fragments, ICMPv6 (RFC 8200, 4443). */
#include "test/unit/ip6_world.h"

/* -- input ----------------------------------------------------------------------------------- */

START_TEST(a_datagram_is_delivered)
{
	uint8_t buf[2048];
	size_t n = udp6(buf, &peer, &us, 100 + (size_t)_i);

	nw.wire.ports[0].rx_segment = _i % 2 ? 33 : 0;
	n = frame6(&peer, &us, IPPROTO_UDP, 44, buf, n);
	nw.frame[14] = 0x6b;
	nw.frame[15] = 0x3f; /* traffic class 0xb3, some flow label */
	nw_inject(n);
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].csum_ok);
	ck_assert(ipaddr_equal(&fake.rx[0].pkt.src, &peer));
	ck_assert(ipaddr_equal(&fake.rx[0].pkt.dst, &us));
	ck_assert_uint_eq(fake.rx[0].pkt.ttl, 44);
	ck_assert_uint_eq(fake.rx[0].pkt.tos, 0xb3);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, 108 + (unsigned int)_i);
	ck_assert_uint_eq(fake.rx[0].data[8 + 50], 50 * 7 % 251);
	ck_assert(!fake.rx[0].pkt.multicast);
}
END_TEST

START_TEST(a_bad_or_absent_udp_checksum_is_bad)
{
	uint8_t buf[2048];
	size_t n = udp6(buf, &peer, &us, 100);

	buf[20] ^= 1;
	nw_inject(frame6(&peer, &us, IPPROTO_UDP, 64, buf, n));
	ck_assert(!fake.rx[0].csum_ok);
	frame_put16(buf + 6, 0); /* RFC 8200 8.1: none is not allowed */
	nw_inject(frame6(&peer, &us, IPPROTO_UDP, 64, buf, n));
	ck_assert(!fake.rx[1].csum_ok);
}
END_TEST

START_TEST(impossible_addresses_are_dropped)
{
	static const struct {
		const char *src, *dst;
	} bad[] = {
		{ "::ffff:192.0.2.2", "2001:db8::1" }, /* would pass for IPv4 inside */
		{ "2001:db8::2", "::ffff:192.0.2.1" },
		{ "ff02::1", "2001:db8::1" },
		{ "::1", "2001:db8::1" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "::", "2001:db8::1" },
		{ "::", "ff02::1" }, /* only ND and MLD may ask from :: */
		{ "2001:db8::2", "2001:db8::77" },
		{ "2001:db8::2", "ff02::1:ff00:77" },
		{ "2001:db8::2", "ff02::fb" },
		{ "2001:db8::2", "::1" },
	};
	struct ipaddr src = ip6(bad[_i].src), dst = ip6(bad[_i].dst);
	uint8_t buf[64];
	size_t n = udp6(buf, &src, &dst, 10);

	n = frame6(&src, &dst, IPPROTO_UDP, 64, buf, n);
	if (!ipaddr_is_multicast(&dst))
		memcpy(nw.frame, nw.nif->mac, 6);
	nw_inject(n);
	ck_assert_uint_eq(fake.nrx, 0);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_ADDR_ERRORS), 1);
	nw_expect_silence();
}
END_TEST

START_TEST(length_and_version_are_checked)
{
	uint8_t buf[64];
	size_t n = udp6(buf, &peer, &us, 40), len = frame6(&peer, &us, IPPROTO_UDP, 64, buf, n);

	frame_put16(nw.frame + 18, (uint16_t)(n + 1));
	nw_inject(len);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_TRUNCATED), 1);
	frame6(&peer, &us, IPPROTO_UDP, 64, buf, n);
	nw.frame[14] = 0x45;
	nw_inject(len);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_HDR_ERRORS), 1);
	frame6(&peer, &us, IPPROTO_UDP, 64, buf, 7);
	nw_inject(len);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_TRUNCATED), 2);
	ck_assert_uint_eq(fake.nrx, 0);
}
END_TEST

/* RFC 2675 3: a length of zero goes with a jumbo option, whose length is none for this packet. */
START_TEST(a_jumbo_payload_of_no_jumbo_length_is_answered)
{
	uint8_t buf[64] = { IPPROTO_UDP, 0, 0xc2, 4, 0, 0, 0, 48 };
	size_t n = 8 + udp6(buf + 8, &peer, &us, 32), len;

	introduce_peer6();
	len = frame6(&peer, &us, 0, 64, buf, n);
	frame_put16(nw.frame + 18, 0);
	nw_inject(len);
	expect_icmp6(4, 0);
	ck_assert_uint_eq(frame_get32(nw.frame + L4 + 4), 44);
	buf[5] = 1; /* more than there is: nothing to be said */
	len = frame6(&peer, &us, 0, 64, buf, n);
	frame_put16(nw.frame + 18, 0);
	nw_inject(len);
	nw_expect_silence();
	ck_assert_uint_eq(fake.nrx, 0);
}
END_TEST

/* Headers in front of a UDP datagram; each chain's last next-header byte is UDP's. */
START_TEST(extension_headers_are_walked)
{
	static const struct {
		uint8_t first;
		uint8_t n;
		uint8_t h[64];
	} good[] = {
		{ 0, 8, { 17, 0, 1, 4 } },	       /* PadN */
		{ 0, 8, { 17, 0, 0, 0, 0, 0, 0, 0 } }, /* Pad1s */
		{ 0, 8, { 17, 0, 5, 2, 0, 0, 1, 0 } }, /* router alert */
		{ 60, 8, { 17, 0, 0x1e, 4 } },	       /* unknown: skip */
		{ 60, 16, { 17, 1, 0x1e, 5, 1, 2, 3, 4, 5, 1, 5 } },
		{ 43, 8, { 17, 0, 0, 0 } }, /* routing, used up */
		{ 0, 16, { 60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4 } },
		{ 60, 24, { 43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 253, 0, 0, 0, 0, 0, 17, 0, 1, 4 } },
	};
	uint8_t buf[256], all[256];
	size_t n = udp6(buf, &peer, &us, 40);

	memcpy(all, good[_i].h, good[_i].n);
	memcpy(all + good[_i].n, buf, n);
	nw.wire.ports[0].rx_segment = 17;
	nw_inject(frame6(&peer, &us, good[_i].first, 64, all, n + good[_i].n));
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].csum_ok);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, 48);
	ck_assert_uint_eq(fake.rx[0].pkt.proto, IPPROTO_UDP);
}
END_TEST

START_TEST(bad_extension_headers_are_answered_or_dropped)
{
	static const struct {
		uint8_t first;
		uint8_t n;
		uint8_t h[16];
		int code; /* of the parameter problem, -1: silence */
		uint32_t pointer;
		unsigned int mib;
	} bad[] = {
		{ 60, 8, { 17, 0, 0x5e, 4 }, -1, 0, MIB_IP_IN_HDR_ERRORS }, /* discard */
		{ 60, 8, { 17, 0, 0x9e, 4 }, 2, 42, MIB_IP_IN_HDR_ERRORS },
		{ 60, 8, { 17, 0, 0xde, 4 }, 2, 42, MIB_IP_IN_HDR_ERRORS },
		{ 60, 8, { 17, 0, 1, 5 }, -1, 0, MIB_IP_IN_HDR_ERRORS }, /* beyond the header */
		{ 60, 16, { 17, 1, 1, 12 }, -1, 0, MIB_IP_IN_HDR_ERRORS }, /* more than padding */
		{ 60, 8, { 17, 0, 1, 4, 0, 0, 7 }, -1, 0, MIB_IP_IN_HDR_ERRORS }, /* not empty */
		{ 43, 8, { 17, 0, 4, 0 }, -1, 0, MIB_IP_IN_SRC_ROUTE }, /* segments: not for us */
		{ 43, 8, { 17, 0, 3, 1 }, -1, 0, MIB_IP_IN_SRC_ROUTE },
		{ 0, 8, { 17, 0, 5, 3 }, -1, 0, MIB_IP_IN_HDR_ERRORS }, /* alert of another length */
		{ 0, 8, { 17, 0, 0xc2, 4, 0, 1, 0, 0 }, 0, 42, MIB_IP_IN_HDR_ERRORS }, /* jumbo */
		{ 0, 8, { 17, 0, 0xc2, 4, 0, 0, 0, 1 }, 0, 44, MIB_IP_IN_HDR_ERRORS },
		{ 0, 8, { 17, 0, 0xc2, 3, 0, 0, 0, 0 }, -1, 0, MIB_IP_IN_HDR_ERRORS },
		{ 44, 8, { 44, 0, 0, 0, 0, 0, 0, 1, 17 }, 0, 48, MIB_IP_IN_HDR_ERRORS }, /* again */
		{ 60, 8, { 17, 0, 1, 3 }, 0, 0, MIB_COUNT },		 /* a last Pad1: fine */
		{ 60, 8, { 17, 99 }, -1, 0, MIB_IP_IN_TRUNCATED },
		{ 43, 8, { 17, 0, 0, 1 }, 0, 42, MIB_IP_IN_SRC_ROUTE },
		{ 60, 16, { 0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4 }, 1, 40, MIB_IP_IN_HDR_ERRORS },
	};
	uint8_t buf[256], all[256];
	size_t n = udp6(buf, &peer, &us, 40);

	introduce_peer6();
	memcpy(all, bad[_i].h, bad[_i].n);
	memcpy(all + bad[_i].n, buf, n);
	nw_inject(frame6(&peer, &us, bad[_i].first, 64, all, n + bad[_i].n));
	if (bad[_i].mib == MIB_COUNT) {
		ck_assert_uint_eq(fake.nrx, 1);
		return;
	}
	ck_assert_uint_eq(fake.nrx, 0);
	ck_assert_uint_eq(stack_mib(nw.st, bad[_i].mib), 1);
	if (bad[_i].code < 0) {
		nw_expect_silence();
		return;
	}
	expect_icmp6(4, (uint8_t)bad[_i].code);
	ck_assert_uint_eq(frame_get32(nw.frame + L4 + 4), bad[_i].pointer);
}
END_TEST

/* n destination options headers, then a datagram of size bytes; the bytes of all. */
static size_t chain(uint8_t *out, size_t n, size_t size)
{
	size_t i;

	memset(out, 0, n * 8);
	for (i = 0; i < n; i++) {
		out[i * 8] = i + 1 < n ? IPPROTO_DSTOPTS : IPPROTO_UDP;
		out[i * 8 + 2] = 1;
		out[i * 8 + 3] = 4;
	}
	return n * 8 + udp6(out + n * 8, &peer, &us, size);
}

START_TEST(a_long_header_chain_is_walked)
{
	uint8_t all[1400];

	nw.wire.ports[0].rx_segment = _i == 0 ? 0 : 100;
	nw_inject(frame6(&peer, &us, IPPROTO_DSTOPTS, 64, all, chain(all, 130, 40)));
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].csum_ok);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, 48);
}
END_TEST

START_TEST(unknown_next_header_is_answered)
{
	uint8_t buf[32] = { 0 };

	introduce_peer6();
	nw_inject(frame6(&peer, &us, 200, 64, buf, sizeof(buf)));
	expect_icmp6(4, 1);
	ck_assert_uint_eq(frame_get32(nw.frame + L4 + 4), 6);
	/* Behind a header the pointer names that one's field. */
	buf[0] = 200;
	buf[2] = 1;
	buf[3] = 4;
	nw_inject(frame6(&peer, &us, 60, 64, buf, sizeof(buf)));
	expect_icmp6(4, 1);
	ck_assert_uint_eq(frame_get32(nw.frame + L4 + 4), 40);
}
END_TEST

/* Protocols of IPv4 are unknown here. */
START_TEST(ipv4s_protocols_are_unknown_next_headers)
{
	uint8_t buf[32] = { 0 };

	introduce_peer6();
	nw_inject(frame6(&peer, &us, _i == 0 ? 1 : 2, 64, buf, sizeof(buf)));
	expect_icmp6(4, 1);
	ck_assert_uint_eq(frame_get32(nw.frame + L4 + 4), 6);
}
END_TEST

/* RFC 8200 4.7 */
START_TEST(no_next_header_is_silently_dropped)
{
	uint8_t buf[32] = { 0 };

	introduce_peer6();
	nw_inject(frame6(&peer, &us, 59, 64, buf, sizeof(buf)));
	nw_expect_silence();
}
END_TEST

/* RFC 6437: one flow, one label, of its own. */
START_TEST(a_flow_has_one_label_and_another_flow_another)
{
	struct ipaddr other = addr6(3);
	uint32_t first;

	introduce_peer6();
	ck_assert_int_eq(nw_send_udp(&peer, 100, true), 0);
	ck_assert(nw_take());
	first = nw.info.flow;
	ck_assert_uint_ne(first, 0);
	ck_assert_int_eq(nw_send_udp(&peer, 200, true), 0);
	ck_assert(nw_take());
	ck_assert_uint_eq(nw.info.flow, first);
	neigh_learn(nw.st, nw.nif, &other, PEER_MAC, NEIGH_LEARN_CREATE, nw.now);
	ck_assert_int_eq(nw_send_udp(&other, 100, true), 0);
	ck_assert(nw_take());
	ck_assert_uint_ne(nw.info.flow, first);
}
END_TEST

/* -- fragments --------------------------------------------------------------------------------- */

static void fragment6(const uint8_t *l4, uint32_t off, uint32_t len, bool more, uint32_t id,
		      uint8_t nh)
{
	uint8_t all[2048] = { nh, 0 };

	frame_put16(all + 2, (uint16_t)(off | more));
	frame_put32(all + 4, id);
	memcpy(all + 8, l4 + off, len);
	nw_inject(frame6(&peer, &us, IPPROTO_FRAGMENT, 64, all, len + 8));
}

START_TEST(fragments_come_together)
{
	static uint8_t l4[FRAME_MAX];
	uint32_t n = (uint32_t)udp6(l4, &peer, &us, 5000), off;

	for (off = 0; off < n; off += 1232) {
		uint32_t at = _i ? (n - 1) / 1232 * 1232 - off : off; /* forwards, backwards */

		fragment6(l4, at, RTE_MIN(1232u, n - at), at + 1232 < n, 7, IPPROTO_UDP);
	}
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].csum_ok);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, n);
	ck_assert_uint_eq(fake.rx[0].pkt.l3_off, ETH + 8);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_OKS), 1);
}
END_TEST

START_TEST(overlapping_fragments_kill_the_datagram)
{
	static uint8_t l4[FRAME_MAX];

	udp6(l4, &peer, &us, 3000);
	fragment6(l4, 0, 1232, true, 7, IPPROTO_UDP);
	fragment6(l4, 1224, 1232, true, 7, IPPROTO_UDP);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_OVERLAPS), 1);
	ck_assert_uint_eq(nw.st->net.reass.pool.used, 0);
}
END_TEST

START_TEST(an_atomic_fragment_is_whole_by_itself)
{
	static uint8_t l4[FRAME_MAX];
	uint32_t n = (uint32_t)udp6(l4, &peer, &us, 100);

	fragment6(l4, 0, 64, true, 7, IPPROTO_UDP); /* same id, waiting */
	fragment6(l4, 0, n, false, 7, IPPROTO_UDP);
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].csum_ok);
	ck_assert_uint_eq(nw.st->net.reass.pool.used, 1);
}
END_TEST

START_TEST(fragment_errors_are_answered)
{
	static uint8_t l4[FRAME_MAX];

	udp6(l4, &peer, &us, 3000);
	introduce_peer6();
	fragment6(l4, 0, 1001, true, 7, IPPROTO_UDP); /* not a multiple of eight */
	expect_icmp6(4, 0);
	ck_assert_uint_eq(frame_get32(nw.frame + L4 + 4), 4);
	fragment6(l4, 0, 8, true, 7, IPPROTO_TCP); /* without the whole TCP header */
	expect_icmp6(4, 3);
	fragment6(l4, 0, 8, false, 7, IPPROTO_TCP); /* that is the whole datagram */
	nw_expect_silence();
	fragment6(l4, 0, 1232, true, 7, IPPROTO_UDP);
	nw_advance(59 * SEC);
	while (nw_take())
		continue;
	introduce_peer6();
	nw_advance(2 * SEC);
	expect_icmp6(3, 1);
	ck_assert_mem_eq(nw.frame + L4 + 8 + 40 + 8, l4, 1000);
}
END_TEST

START_TEST(a_large_datagram_leaves_in_fragments)
{
	static uint8_t whole[70000];
	uint32_t total = 0, count = 0, id = 0;

	introduce_peer6();
	ck_assert_int_eq(nw_send_udp(&peer, 5000, true), -EMSGSIZE);
	ck_assert_int_eq(nw_send_udp(&peer, 5000, false), 0);
	while (nw_take()) {
		uint32_t plen = frame_get16(nw.frame + 18), off = frame_get16(nw.frame + L4 + 2);

		ck_assert_uint_le(plen + 40, 1500);
		ck_assert_uint_eq(nw.frame[20], IPPROTO_FRAGMENT);
		ck_assert_uint_eq(nw.frame[L4], IPPROTO_UDP);
		if (count++ == 0)
			id = frame_get32(nw.frame + L4 + 4);
		ck_assert_uint_eq(frame_get32(nw.frame + L4 + 4), id);
		memcpy(whole + (off & ~7u), nw.frame + L4 + 8, plen - 8);
		if ((off & 1) == 0)
			total = (off & ~7u) + plen - 8;
	}
	ck_assert_uint_eq(total, 5008);
	ck_assert_uint_eq(count, 4);
	memcpy(nw.frame + 22, us.b, 16);
	memcpy(nw.frame + 38, peer.b, 16);
	ck_assert_uint_eq(sum6(nw.frame, IPPROTO_UDP, whole, total), 0);
}
END_TEST

START_TEST(a_datagram_leaves_whole_and_right)
{
	introduce_peer6();
	ck_assert_int_eq(nw_send_udp(&peer, 1000, true), 0);
	ck_assert(nw_take());
	ck_assert_uint_eq(frame_get32(nw.frame + 14) >> 20, 0x600);
	ck_assert_uint_eq(frame_get16(nw.frame + 18), 1008);
	ck_assert_uint_eq(nw.frame[20], IPPROTO_UDP);
	ck_assert_uint_eq(nw.frame[21], 64);
	ck_assert_mem_eq(nw.frame + 22, us.b, 16);
	ck_assert_mem_eq(nw.frame + 38, peer.b, 16);
	ck_assert_mem_eq(nw.frame, PEER_MAC, 6);
	ck_assert_uint_eq(sum6(nw.frame, IPPROTO_UDP, nw.frame + L4, 1008), 0);
}
END_TEST

/* -- ICMPv6 ------------------------------------------------------------------------------------- */

START_TEST(echo_is_answered)
{
	uint8_t rest[1200];
	size_t i, n = 4 + (size_t)_i * 97;

	introduce_peer6();
	for (i = 0; i < n; i++)
		rest[i] = (uint8_t)(i * 5 + 1);
	nw_inject(icmp6(&peer, &us, 64, 128, 0, rest, n));
	expect_icmp6(129, 0);
	ck_assert_mem_eq(nw.frame + L4 + 4, rest, n);
	nw_inject(icmp6(&peer, &all_nodes, 64, 128, 0, rest, n));
	expect_icmp6(129, 0);
	ck_assert_mem_eq(nw.frame + 22, us.b, 16);
	icmp6(&peer, &us, 64, 128, 0, rest, n);
	nw.frame[L4 + 5] ^= 1;
	nw_inject(L4 + 4 + n);
	nw_expect_silence();
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_CSUM_ERRORS), 1);
}
END_TEST

START_TEST(errors_reach_the_transport_as_linux_maps_them)
{
	static const struct {
		uint8_t type, code;
		uint32_t word;
		int err;
		bool hard;
	} map[] = {
		{ 1, 0, 0, ENETUNREACH, false },  { 1, 1, 0, EACCES, true },
		{ 1, 3, 0, EHOSTUNREACH, false }, { 1, 4, 0, ECONNREFUSED, true },
		{ 1, 5, 0, EACCES, true },	  { 2, 0, 1400, EMSGSIZE, false },
		{ 3, 0, 0, EHOSTUNREACH, false }, { 4, 1, 0, EPROTO, true },
		{ 2, 0, 1279, 0, false },	  { 1, 7, 0, EPROTO, true },
	};
	uint8_t rest[4 + 40 + 8] = { 0 };

	frame_put32(rest, map[_i].word);
	rest[4] = 0x60;
	rest[4 + 6] = IPPROTO_TCP;
	memcpy(rest + 4 + 8, us.b, 16);
	memcpy(rest + 4 + 24, peer.b, 16);
	frame_put16(rest + 44, 1111);
	nw_inject(icmp6(&peer, &us, 64, map[_i].type, map[_i].code, rest, sizeof(rest)));
	if (map[_i].err == 0) {
		ck_assert_uint_eq(fake.nerr, 0);
		return;
	}
	ck_assert_uint_eq(fake.nerr, 1);
	ck_assert_int_eq(fake.err[0].e.err, map[_i].err);
	ck_assert_int_eq(fake.err[0].e.hard, map[_i].hard);
	ck_assert_uint_eq(fake.err[0].e.mtu, map[_i].word);
	ck_assert_uint_eq(fake.err[0].e.proto, IPPROTO_TCP);
	ck_assert_uint_eq(frame_get16(fake.err[0].l4), 1111);
	/* Of a packet that was not ours. */
	memcpy(rest + 4 + 8, peer.b, 16);
	nw_inject(icmp6(&peer, &us, 64, map[_i].type, map[_i].code, rest, sizeof(rest)));
	ck_assert_uint_eq(fake.nerr, 1);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_ERRORS), 1);
}
END_TEST

START_TEST(port_unreachable_is_sent)
{
	uint8_t buf[2000];
	size_t n = udp6(buf, &peer, &us, 1400);

	introduce_peer6();
	fake.refuse = true;
	nw_inject(frame6(&peer, &us, IPPROTO_UDP, 64, buf, n));
	expect_icmp6(1, 4);
	ck_assert_uint_eq(frame_get16(nw.frame + 18) + 40, 1280);
	ck_assert_mem_eq(nw.frame + L4 + 8 + 40, buf, 1000);
	nw_inject(
		frame6(&peer, &all_nodes, IPPROTO_UDP, 64, buf, udp6(buf, &peer, &all_nodes, 10)));
	nw_expect_silence();
}
END_TEST

START_TEST(random_bytes_never_hurt)
{
	struct rng rng = { .s = (uint64_t)_i + 9000 };
	uint8_t buf[400];
	unsigned int k, i, flips;
	size_t len, n;

	introduce_peer6();
	for (k = 0; k < 300; k++) {
		n = (size_t)rng_below(&rng, sizeof(buf));
		for (i = 0; i < n; i++)
			buf[i] = (uint8_t)rng_next(&rng);
		if (n > 2 && rng_below(&rng, 2))
			buf[1] = (uint8_t)rng_below(&rng, 4);
		nw.wire.ports[0].rx_segment = (uint16_t)(rng_below(&rng, 3) * 20);
		if (rng_below(&rng, 3) == 0 && n > 4)
			len = icmp6(&peer_ll, &us_ll, 255, (uint8_t)rng_range(&rng, 128, 143), 0,
				    buf, n);
		else
			len = frame6(&peer, &us,
				     (uint8_t[]){ 0, 60, 43, 44, 58, 17, 6 }[rng_below(&rng, 7)],
				     255, buf, n);
		flips = (unsigned int)rng_below(&rng, 3);
		while (flips-- > 0)
			nw.frame[14 + rng_below(&rng, len - 14)] ^=
				(uint8_t)(1 << rng_below(&rng, 8));
		nw_inject(len);
		nw_advance(rng_below(&rng, SEC));
		while (nw_take())
			continue;
	}
}
END_TEST

static Suite *ip6_suite(void)
{
	Suite *s = suite_create("ip6");
	TCase *tc = tcase_create("ip6");

	tcase_add_checked_fixture(tc, start, nw_stop);
	tcase_add_loop_test(tc, a_datagram_is_delivered, 0, 10);
	tcase_add_test(tc, a_bad_or_absent_udp_checksum_is_bad);
	tcase_add_loop_test(tc, impossible_addresses_are_dropped, 0, 11);
	tcase_add_test(tc, length_and_version_are_checked);
	tcase_add_loop_test(tc, extension_headers_are_walked, 0, 8);
	tcase_add_loop_test(tc, bad_extension_headers_are_answered_or_dropped, 0, 17);
	tcase_add_loop_test(tc, a_long_header_chain_is_walked, 0, 2);
	tcase_add_test(tc, a_jumbo_payload_of_no_jumbo_length_is_answered);
	tcase_add_test(tc, unknown_next_header_is_answered);
	tcase_add_loop_test(tc, ipv4s_protocols_are_unknown_next_headers, 0, 2);
	tcase_add_test(tc, no_next_header_is_silently_dropped);
	tcase_add_test(tc, a_flow_has_one_label_and_another_flow_another);
	tcase_add_loop_test(tc, fragments_come_together, 0, 2);
	tcase_add_test(tc, overlapping_fragments_kill_the_datagram);
	tcase_add_test(tc, an_atomic_fragment_is_whole_by_itself);
	tcase_add_test(tc, fragment_errors_are_answered);
	tcase_add_test(tc, a_large_datagram_leaves_in_fragments);
	tcase_add_test(tc, a_datagram_leaves_whole_and_right);
	tcase_add_loop_test(tc, echo_is_answered, 0, 12);
	tcase_add_loop_test(tc, errors_reach_the_transport_as_linux_maps_them, 0, 10);
	tcase_add_test(tc, port_unreachable_is_sent);
	tcase_add_loop_test(tc, random_bytes_never_hurt, 0, 20);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(ip6_suite)
