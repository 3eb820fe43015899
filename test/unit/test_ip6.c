/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ip6.c - IPv6 in and out, ICMPv6, neighbour discovery, MLD (RFC 8200, 4443, 4861, 4862,
 * 3810).  Frames are built by hand here, apart from the stack's own code.
 */
#include "stack/net/net_priv.h"
#include "test/unit/net_world.h"

#include <arpa/inet.h>
#include <errno.h>

#define ETH 14
#define L4  (ETH + 40)

static struct ipaddr us, peer, us_ll, peer_ll, all_nodes, us_sn;

static struct ipaddr ip6(const char *text)
{
	struct ipaddr a;
	struct in6_addr in6;

	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6), 1);
	a = ipaddr_from_in6(&in6);
	return a;
}

static void with_v6(struct stack_config *cfg)
{
	cfg->addrs[1] = (struct stack_addr){ addr6(1), 64, 0 };
	cfg->naddrs = 2;
}

static void loud_v6(struct stack_config *cfg)
{
	with_v6(cfg);
	cfg->quiet_start = false;
	cfg->addrs[0] = cfg->addrs[1];
	cfg->naddrs = 1;
}

static void set_addresses(void)
{
	us = addr6(1);
	peer = addr6(2);
	us_ll = nd_link_local(nw.nif);
	peer_ll = ip6("fe80::99");
	all_nodes = ip6("ff02::1");
	us_sn = ip6("ff02::1:ff00:1");
}

static void start(void)
{
	nw_start_with(0, with_v6);
	set_addresses();
}

/* An IPv6 frame around n bytes of payload; next header nh. */
static size_t frame6(const struct ipaddr *src, const struct ipaddr *dst, uint8_t nh, uint8_t hlim,
		     const void *payload, size_t n)
{
	uint8_t *f = nw.frame;
	uint8_t copy[FRAME_MAX];

	memcpy(copy, payload, n);
	if (ipaddr_is_multicast(dst)) {
		f[0] = f[1] = 0x33;
		memcpy(f + 2, dst->b + 12, 4);
	} else {
		memcpy(f, nw.nif->mac, 6);
	}
	memcpy(f + 6, PEER_MAC, 6);
	frame_put16(f + 12, 0x86dd);
	frame_put32(f + 14, 0x60000000);
	frame_put16(f + 18, (uint16_t)n);
	f[20] = nh;
	f[21] = hlim;
	memcpy(f + 22, src->b, 16);
	memcpy(f + 38, dst->b, 16);
	memcpy(f + L4, copy, n);
	return L4 + n;
}

static uint16_t sum6(const uint8_t *f, uint8_t nh, const uint8_t *l4, size_t n)
{
	uint8_t ph[8] = { 0 };
	uint32_t acc = frame_csum_add(0, f + 22, 32);

	frame_put16(ph + 2, (uint16_t)n);
	ph[7] = nh;
	return frame_csum_fold(frame_csum_add(frame_csum_add(acc, ph, 8), l4, n));
}

static size_t icmp6(const struct ipaddr *src, const struct ipaddr *dst, uint8_t hlim, uint8_t type,
		    uint8_t code, const void *rest, size_t n)
{
	uint8_t msg[2048] = { type, code };
	size_t len;

	memcpy(msg + 4, rest, n);
	len = frame6(src, dst, IPPROTO_ICMPV6, hlim, msg, n + 4);
	frame_put16(nw.frame + L4 + 2, sum6(nw.frame, IPPROTO_ICMPV6, nw.frame + L4, n + 4));
	return len;
}

/* A UDP datagram of n patterned bytes, with its checksum, into buf. */
static size_t udp6(uint8_t *buf, const struct ipaddr *src, const struct ipaddr *dst, size_t n)
{
	size_t i;

	frame_put16(buf, 1000);
	frame_put16(buf + 2, 2000);
	frame_put16(buf + 4, (uint16_t)(n + 8));
	frame_put16(buf + 6, 0);
	for (i = 0; i < n; i++)
		buf[8 + i] = (uint8_t)(i * 7 % 251);
	frame6(src, dst, IPPROTO_UDP, 64, buf, n + 8);
	frame_put16(buf + 6, sum6(nw.frame, IPPROTO_UDP, buf, n + 8));
	return n + 8;
}

/* What the stack sent last is an ICMPv6 message of type, rightly summed. */
static void expect_icmp6(uint8_t type, uint8_t code)
{
	ck_assert_msg(nw_take(), "nothing was sent");
	ck_assert_uint_eq(frame_get16(nw.frame + 12), 0x86dd);
	ck_assert_uint_eq(nw.frame[20], IPPROTO_ICMPV6);
	ck_assert_uint_eq(nw.frame[L4], type);
	ck_assert_uint_eq(nw.frame[L4 + 1], code);
	ck_assert_uint_eq(sum6(nw.frame, IPPROTO_ICMPV6, nw.frame + L4, frame_get16(nw.frame + 18)),
			  0);
}

static void introduce_peer6(void)
{
	uint8_t ns[4 + 16 + 8] = { 0 };

	memcpy(ns + 4, us.b, 16);
	ns[20] = 1;
	ns[21] = 1;
	memcpy(ns + 22, PEER_MAC, 6);
	nw_inject(icmp6(&peer, &us_sn, 255, 135, 0, ns, sizeof(ns)));
	expect_icmp6(136, 0);
}

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
		{ 60, 16, { 17, 1, 1, 12 } },
		{ 43, 8, { 17, 0, 0, 0 } }, /* routing, used up */
		{ 0, 16, { 60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4 } },
		{ 60, 24, { 43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 4, 0, 0, 0, 0, 0, 17, 0, 1, 4 } },
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

START_TEST(an_endless_header_chain_is_cut)
{
	uint8_t all[1200] = { 0 };
	size_t i;

	for (i = 0; i < 100; i++) {
		all[i * 8] = 60;
		all[i * 8 + 2] = 1;
		all[i * 8 + 3] = 4;
	}
	nw_inject(frame6(&peer, &us, 60, 64, all, sizeof(all)));
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_HDR_ERRORS), 1);
}
END_TEST

START_TEST(unknown_next_header_is_answered)
{
	uint8_t buf[32] = { 0 };

	introduce_peer6();
	nw_inject(frame6(&peer, &us, 200, 64, buf, sizeof(buf)));
	expect_icmp6(4, 1);
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
	ck_assert_uint_eq(frame_get32(nw.frame + 14), 0x60000000);
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
		{ 2, 0, 1279, 0, false },
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

/* -- neighbour discovery --------------------------------------------------------------------------- */

START_TEST(solicitation_is_answered_and_the_asker_learned)
{
	introduce_peer6();
	ck_assert_uint_eq(nw.frame[21], 255);
	ck_assert_uint_eq(nw.frame[L4 + 4], 0x60); /* solicited, override */
	ck_assert_mem_eq(nw.frame + L4 + 8, us.b, 16);
	ck_assert_uint_eq(nw.frame[L4 + 24], 2);
	ck_assert_mem_eq(nw.frame + L4 + 26, nw.nif->mac, 6);
	ck_assert_mem_eq(nw.frame + 38, peer.b, 16);
	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	ck_assert(nw_take());
	ck_assert_uint_eq(nw.frame[20], IPPROTO_UDP);
}
END_TEST

START_TEST(unbelievable_neighbour_messages_are_dropped)
{
	uint8_t ns[28] = { 0 };
	struct ipaddr any = { .q = { 0, 0 } };
	uint8_t hlim = 255, code = 0;
	const struct ipaddr *src = &peer, *dst = &us_sn;
	size_t n = sizeof(ns);

	memcpy(ns + 4, us.b, 16);
	ns[20] = ns[21] = 1;
	memcpy(ns + 22, PEER_MAC, 6);
	switch (_i) {
	case 0:
		hlim = 254; /* forwarded */
		break;
	case 1:
		code = 1;
		break;
	case 2:
		ns[21] = 0; /* an option of no length */
		break;
	case 3:
		ns[21] = 2; /* beyond the message */
		break;
	case 4:
		src = &any; /* with a source link-layer option */
		break;
	case 5:
		src = &any;
		dst = &us;
		n = 20;
		break;
	case 6:
		memcpy(ns + 4, all_nodes.b, 16);
		break;
	case 7:
		ns[22] |= 1; /* a group as neighbour */
		break;
	default:
		n = 16;
		break;
	}
	nw_inject(icmp6(src, dst, hlim, 135, code, ns, n));
	nw_expect_silence();
	ck_assert_uint_eq(
		stack_mib(nw.st, MIB_ICMP_IN_ERRORS) + stack_mib(nw.st, MIB_IP_IN_ADDR_ERRORS), 1);
	ck_assert_uint_eq(nw.st->net.neigh.pool.used, 0);
}
END_TEST

static void advertise(uint8_t flags, const uint8_t mac[6])
{
	uint8_t na[28] = { flags };

	memcpy(na + 4, peer.b, 16);
	na[20] = 2;
	na[21] = 1;
	memcpy(na + 22, mac, 6);
	nw_inject(icmp6(&peer, &us, 255, 136, 0, na, mac != NO_MAC ? 28 : 20));
}

START_TEST(resolution_by_solicitation)
{
	const uint8_t sn_mac[6] = { 0x33, 0x33, 0xff, 0, 0, 2 };

	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	expect_icmp6(135, 0);
	ck_assert_mem_eq(nw.frame, sn_mac, 6);
	ck_assert_uint_eq(nw.frame[21], 255);
	ck_assert_mem_eq(nw.frame + L4 + 8, peer.b, 16);
	ck_assert_uint_eq(nw.frame[L4 + 24], 1);
	advertise(0x40, NO_MAC); /* no address, no help */
	nw_expect_silence();
	advertise(0x60, PEER_MAC);
	ck_assert(nw_take());
	ck_assert_uint_eq(nw.frame[20], IPPROTO_UDP);
	nw_advance(14 * SEC);
	nw_send_udp(&peer, 10, true);
	ck_assert(nw_take());
	nw_advance(60 * SEC);
	nw_send_udp(&peer, 10, true);
	ck_assert(nw_take());
	nw_advance(5 * SEC + MS);
	expect_icmp6(135, 0);
	ck_assert_mem_eq(nw.frame, PEER_MAC, 6);
	ck_assert_mem_eq(nw.frame + 38, peer.b, 16);
	advertise(0x40, NO_MAC); /* confirms what is known */
	nw_advance(10 * SEC);
	nw_expect_silence();
}
END_TEST

START_TEST(no_answer_is_address_unreachable)
{
	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	nw_advance(4 * SEC);
	ck_assert_uint_eq(fake.nerr, 1);
	ck_assert_int_eq(fake.err[0].e.err, EHOSTUNREACH);
	ck_assert(ipaddr_equal(&fake.err[0].e.dst, &peer));
}
END_TEST

START_TEST(advertisement_without_override_does_not_replace)
{
	const uint8_t thief[6] = { 2, 0, 0, 0, 0, 0x66 };

	introduce_peer6();
	advertise(0x00, thief);
	nw_send_udp(&peer, 10, true);
	ck_assert(nw_take());
	ck_assert_mem_eq(nw.frame, PEER_MAC, 6);
	advertise(0x20, thief);
	nw_send_udp(&peer, 10, true);
	ck_assert(nw_take());
	ck_assert_mem_eq(nw.frame, thief, 6);
}
END_TEST

static unsigned int count_type(uint8_t type, const struct ipaddr *target)
{
	unsigned int n = 0;

	while (nw_take())
		if (nw.frame[20] == IPPROTO_ICMPV6 && nw.frame[L4] == type &&
		    (target == NULL || memcmp(nw.frame + L4 + 8, target->b, 16) == 0))
			n++;
	return n;
}

START_TEST(start_detects_duplicates_solicits_routers_and_reports_groups)
{
	unsigned int dad = 0, rs = 0, na = 0, mld = 0;

	nw_start_with(0, loud_v6);
	set_addresses();
	nw_advance(20 * SEC);
	while (nw_take()) {
		if (nw.frame[20] == IPPROTO_HOPOPTS) {
			mld++;
			ck_assert_uint_eq(nw.frame[L4 + 8], 143);
			ck_assert_uint_eq(nw.frame[21], 1);
			continue;
		}
		ck_assert_uint_eq(
			sum6(nw.frame, IPPROTO_ICMPV6, nw.frame + L4, frame_get16(nw.frame + 18)),
			0);
		dad += nw.frame[L4] == 135;
		rs += nw.frame[L4] == 133;
		na += nw.frame[L4] == 136;
	}
	ck_assert_uint_eq(dad, 2); /* the global and the link-local address */
	ck_assert_uint_eq(na, 2);
	ck_assert_uint_eq(rs, 3);
	ck_assert_uint_eq(mld, 4); /* two solicited-node groups, twice */
	ck_assert_uint_eq(stack_next_deadline(nw.st), UINT64_MAX);
	nw_stop();
}
END_TEST

START_TEST(a_duplicate_address_is_given_up)
{
	uint8_t msg[28] = { 0x20 };
	struct ipaddr any = { .q = { 0, 0 } };

	nw_start_with(0, loud_v6);
	set_addresses();
	nw_advance(100 * MS);
	ck_assert(stack_owns_addr(nw.st, &us));
	memcpy(msg + 4, us.b, 16);
	msg[20] = 2;
	msg[21] = 1;
	memcpy(msg + 22, PEER_MAC, 6);
	if (_i == 0) { /* somebody answers */
		nw_inject(icmp6(&peer, &all_nodes, 255, 136, 0, msg, 28));
	} else { /* somebody else tries at the same time */
		msg[0] = 0;
		nw_inject(icmp6(&any, &us_sn, 255, 135, 0, msg, 20));
	}
	ck_assert(!stack_owns_addr(nw.st, &us));
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ARP_CONFLICT), 1);
	ck_assert(stack_owns_addr(nw.st, &us_ll));
	nw_advance(10 * SEC);
	count_type(135, NULL);
	/* Later attacks do not take a confirmed address away. */
	memcpy(msg + 4, us_ll.b, 16);
	msg[0] = 0x20;
	nw_inject(icmp6(&peer, &all_nodes, 255, 136, 0, msg, 28));
	ck_assert(stack_owns_addr(nw.st, &us_ll));
	nw_stop();
}
END_TEST

START_TEST(neighbour_messages_in_fragments_are_dropped)
{
	uint8_t all[8 + 32] = { IPPROTO_ICMPV6 };
	uint8_t ns[28] = { 0 };

	memcpy(ns + 4, us.b, 16);
	ns[20] = ns[21] = 1;
	memcpy(ns + 22, PEER_MAC, 6);
	icmp6(&peer, &us, 255, 135, 0, ns, sizeof(ns));
	memcpy(all + 8, nw.frame + L4, 32);
	nw_inject(frame6(&peer, &us, IPPROTO_FRAGMENT, 255, all, sizeof(all)));
	nw_expect_silence();
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_ERRORS), 1);
	ck_assert_uint_eq(nw.st->net.neigh.pool.used, 0);
}
END_TEST

START_TEST(another_hosts_detection_is_answered)
{
	struct ipaddr any = { .q = { 0, 0 } };
	uint8_t ns[20] = { 0 };

	memcpy(ns + 4, us.b, 16);
	nw_inject(icmp6(&any, &us_sn, 255, 135, 0, ns, 20));
	expect_icmp6(136, 0);
	ck_assert_mem_eq(nw.frame + 38, all_nodes.b, 16);
	ck_assert_uint_eq(nw.frame[L4 + 4], 0x20);
}
END_TEST

START_TEST(router_advertisement_gives_routes_and_mtu_for_a_while)
{
	struct ipaddr far = ip6("2001:db8:ffff::1"), near = ip6("2001:db8:7::9");
	uint8_t ra[12 + 8 + 8 + 32] = { 64, 0, 0x07, 0x08 }; /* 1800 s */
	uint8_t *opt = ra + 12;
	struct dst d;

	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), -ENETUNREACH);
	opt[0] = 1;
	opt[1] = 1;
	memcpy(opt + 2, PEER_MAC, 6);
	opt[8] = 5;
	opt[9] = 1;
	frame_put32(opt + 12, 1400);
	opt[16] = 3;
	opt[17] = 4;
	opt[18] = 64;
	opt[19] = 0x80;
	frame_put32(opt + 20, 3600);
	memcpy(opt + 32, near.b, 8);
	nw_inject(icmp6(&peer, &all_nodes, 255, 134, 0, ra, sizeof(ra))); /* not link-local */
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), -ENETUNREACH);
	nw_inject(icmp6(&peer_ll, &all_nodes, 255, 134, 0, ra, sizeof(ra)));
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.nexthop, &peer_ll));
	ck_assert_ptr_nonnull(d.neigh);
	ck_assert_uint_eq(d.mtu, 1400);
	ck_assert(ipaddr_equal(&d.src, &us));
	ck_assert_int_eq(route_lookup(nw.st, &near, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.nexthop, &near));
	nw_advance(1801 * SEC);
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), -ENETUNREACH);
	ck_assert_int_eq(route_lookup(nw.st, &near, NULL, &d, nw.now), 0);
	nw_advance(1801 * SEC);
	ck_assert_int_eq(route_lookup(nw.st, &near, NULL, &d, nw.now), -ENETUNREACH);
	/* A lifetime of zero ends a router at once. */
	nw_inject(icmp6(&peer_ll, &all_nodes, 255, 134, 0, ra, sizeof(ra)));
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	ra[2] = ra[3] = 0;
	nw_inject(icmp6(&peer_ll, &all_nodes, 255, 134, 0, ra, sizeof(ra)));
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), -ENETUNREACH);
}
END_TEST

/* -- groups ------------------------------------------------------------------------------------------ */

START_TEST(joined_groups_are_received_and_reported)
{
	struct ipaddr group = _i ? ip6("ff15::1234") : addr4(IP4(239, 1, 2, 3)),
		      any = { .q = { 0, 0 } };
	unsigned int reports = 0, leaves = 0;
	uint8_t buf[64];
	struct frame_path p;

	ck_assert_int_eq(ip_mcast_join(nw.st, &group, &any, nw.now), 0);
	ck_assert_int_eq(ip_mcast_join(nw.st, &group, &any, nw.now), 0);
	nw_advance(3 * SEC);
	while (nw_take()) {
		const uint8_t *r = nw.frame + (_i ? L4 + 8 : ETH + 24);

		ck_assert_uint_eq(r[0], _i ? 143 : 0x22);
		ck_assert_uint_eq(r[8], 4); /* change to exclude nothing */
		ck_assert_mem_eq(r + 12, group.b + (_i ? 0 : 12), _i ? 16 : 4);
		if (!_i) {
			ck_assert_uint_eq(frame_csum_fold(frame_csum_add(0, r, 16)), 0);
			ck_assert_uint_eq(frame_csum_fold(frame_csum_add(0, nw.frame + ETH, 24)),
					  0);
			ck_assert_uint_eq(nw.frame[ETH + 8], 1);
		}
		reports++;
	}
	ck_assert_uint_eq(reports, 2);
	if (_i) {
		nw_inject(frame6(&peer, &group, IPPROTO_UDP, 1, buf, udp6(buf, &peer, &group, 10)));
	} else {
		nw_path(&p);
		p.dst = IP4(239, 1, 2, 3);
		memcpy(p.dmac, "\x01\x00\x5e\x01\x02\x03", 6);
		nw_inject(frame_build_udp(nw.frame, &p, 1, 2, "x", 1));
	}
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].pkt.multicast);
	ck_assert_int_eq(ip_mcast_leave(nw.st, &group, &any, nw.now), 0);
	nw_advance(3 * SEC);
	nw_expect_silence();
	ck_assert_int_eq(ip_mcast_leave(nw.st, &group, &any, nw.now), 0);
	ck_assert_int_eq(ip_mcast_leave(nw.st, &group, &any, nw.now), -EADDRNOTAVAIL);
	nw_advance(3 * SEC);
	while (nw_take()) {
		ck_assert_uint_eq((nw.frame + (_i ? L4 + 8 : ETH + 24))[8],
				  3); /* change to include nothing */
		leaves++;
	}
	ck_assert_uint_eq(leaves, 2);
	ck_assert(!mcast_is_member(nw.st, nw.nif, &group));
}
END_TEST

START_TEST(queries_are_answered_in_their_time_and_version)
{
	struct ipaddr group = ip6("ff15::1234"), any = { .q = { 0, 0 } };
	uint8_t q[24] = { 0x03, 0xe8 }; /* one second */
	uint8_t hbh[8 + 28] = { IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	unsigned int n = 0;

	ck_assert_int_eq(ip_mcast_join(nw.st, &group, &any, nw.now), 0);
	nw_advance(3 * SEC);
	while (nw_take())
		continue;
	icmp6(&peer_ll, &all_nodes, 1, 130, 0, q, 24); /* version 2: 28 bytes */
	memcpy(hbh + 8, nw.frame + L4, 28);
	nw_inject(frame6(&peer_ll, &all_nodes, IPPROTO_HOPOPTS, 1, hbh, sizeof(hbh)));
	nw_expect_silence();
	nw_advance(SEC + MS);
	while (nw_take()) {
		ck_assert_uint_eq(nw.frame[L4 + 8], 143);
		ck_assert_uint_eq(nw.frame[L4 + 8 + 8], 2); /* is exclude */
		n++;
	}
	ck_assert_uint_eq(n, 3);		       /* ours, and two solicited-node groups */
	icmp6(&peer_ll, &all_nodes, 1, 130, 0, q, 20); /* version 1: 24 bytes */
	memcpy(hbh + 8, nw.frame + L4, 24);
	nw_inject(frame6(&peer_ll, &all_nodes, IPPROTO_HOPOPTS, 1, hbh, 8 + 24));
	nw_advance(SEC + MS);
	for (n = 0; nw_take(); n++)
		ck_assert_uint_eq(nw.frame[L4 + 8], 131);
	ck_assert_uint_eq(n, 3);
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
	TCase *tc = tcase_create("ip6"), *own = tcase_create("own world");

	tcase_add_checked_fixture(tc, start, nw_stop);
	tcase_add_loop_test(tc, a_datagram_is_delivered, 0, 10);
	tcase_add_test(tc, a_bad_or_absent_udp_checksum_is_bad);
	tcase_add_loop_test(tc, impossible_addresses_are_dropped, 0, 11);
	tcase_add_test(tc, length_and_version_are_checked);
	tcase_add_loop_test(tc, extension_headers_are_walked, 0, 8);
	tcase_add_loop_test(tc, bad_extension_headers_are_answered_or_dropped, 0, 8);
	tcase_add_test(tc, an_endless_header_chain_is_cut);
	tcase_add_test(tc, unknown_next_header_is_answered);
	tcase_add_loop_test(tc, fragments_come_together, 0, 2);
	tcase_add_test(tc, overlapping_fragments_kill_the_datagram);
	tcase_add_test(tc, an_atomic_fragment_is_whole_by_itself);
	tcase_add_test(tc, fragment_errors_are_answered);
	tcase_add_test(tc, a_large_datagram_leaves_in_fragments);
	tcase_add_test(tc, a_datagram_leaves_whole_and_right);
	tcase_add_loop_test(tc, echo_is_answered, 0, 12);
	tcase_add_loop_test(tc, errors_reach_the_transport_as_linux_maps_them, 0, 9);
	tcase_add_test(tc, port_unreachable_is_sent);
	tcase_add_test(tc, solicitation_is_answered_and_the_asker_learned);
	tcase_add_loop_test(tc, unbelievable_neighbour_messages_are_dropped, 0, 9);
	tcase_add_test(tc, resolution_by_solicitation);
	tcase_add_test(tc, no_answer_is_address_unreachable);
	tcase_add_test(tc, advertisement_without_override_does_not_replace);
	tcase_add_test(tc, neighbour_messages_in_fragments_are_dropped);
	tcase_add_test(tc, another_hosts_detection_is_answered);
	tcase_add_test(tc, router_advertisement_gives_routes_and_mtu_for_a_while);
	tcase_add_loop_test(tc, joined_groups_are_received_and_reported, 0, 2);
	tcase_add_test(tc, queries_are_answered_in_their_time_and_version);
	tcase_add_loop_test(tc, random_bytes_never_hurt, 0, 20);
	tcase_add_test(own, start_detects_duplicates_solicits_routers_and_reports_groups);
	tcase_add_loop_test(own, a_duplicate_address_is_given_up, 0, 2);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, own);
	return s;
}

CHECK_MAIN(ip6_suite)
