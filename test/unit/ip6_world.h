/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ip6_world.h - IPv6 frames by hand around net_world.h's stack, apart from the stack's own code.
 *
 * Include once per test binary.
 */
#ifndef TEST_UNIT_IP6_WORLD_H
#define TEST_UNIT_IP6_WORLD_H

#include "stack/net/net_priv.h"
#include "test/unit/net_world.h"

#include <arpa/inet.h>
#include <errno.h>

#define ETH 14
#define L4  (ETH + 40)

static struct ipaddr us, peer, us_ll, peer_ll, all_nodes, us_sn;

static inline struct ipaddr ip6(const char *text)
{
	struct ipaddr a;
	struct in6_addr in6;

	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6), 1);
	a = ipaddr_from_in6(&in6);
	return a;
}

static inline void with_v6(struct stack_config *cfg)
{
	cfg->addrs[1] = (struct stack_addr){ addr6(1), 64, 0 };
	cfg->naddrs = 2;
}

static inline void loud_v6(struct stack_config *cfg)
{
	with_v6(cfg);
	cfg->quiet_start = false;
	cfg->addrs[0] = cfg->addrs[1];
	cfg->naddrs = 1;
}

static inline void set_addresses(void)
{
	us = addr6(1);
	peer = addr6(2);
	us_ll = nd_link_local(nw.nif);
	peer_ll = ip6("fe80::99");
	all_nodes = ip6("ff02::1");
	us_sn = ip6("ff02::1:ff00:1");
}

static inline void start(void)
{
	nw_start_with(0, with_v6);
	set_addresses();
}

/* An IPv6 frame around n bytes of payload; next header nh. */
static inline size_t frame6(const struct ipaddr *src, const struct ipaddr *dst, uint8_t nh, uint8_t hlim,
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

static inline uint16_t sum6(const uint8_t *f, uint8_t nh, const uint8_t *l4, size_t n)
{
	uint8_t ph[8] = { 0 };
	uint32_t acc = frame_csum_add(0, f + 22, 32);

	frame_put16(ph + 2, (uint16_t)n);
	ph[7] = nh;
	return frame_csum_fold(frame_csum_add(frame_csum_add(acc, ph, 8), l4, n));
}

static inline size_t icmp6(const struct ipaddr *src, const struct ipaddr *dst, uint8_t hlim, uint8_t type,
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
static inline size_t udp6(uint8_t *buf, const struct ipaddr *src, const struct ipaddr *dst, size_t n)
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
static inline void expect_icmp6(uint8_t type, uint8_t code)
{
	ck_assert_msg(nw_take(), "nothing was sent");
	ck_assert_uint_eq(frame_get16(nw.frame + 12), 0x86dd);
	ck_assert_uint_eq(nw.frame[20], IPPROTO_ICMPV6);
	ck_assert_uint_eq(nw.frame[L4], type);
	ck_assert_uint_eq(nw.frame[L4 + 1], code);
	ck_assert_uint_eq(sum6(nw.frame, IPPROTO_ICMPV6, nw.frame + L4, frame_get16(nw.frame + 18)),
			  0);
}

static inline void introduce_peer6(void)
{
	uint8_t ns[4 + 16 + 8] = { 0 };

	memcpy(ns + 4, us.b, 16);
	ns[20] = 1;
	ns[21] = 1;
	memcpy(ns + 22, PEER_MAC, 6);
	nw_inject(icmp6(&peer, &us_sn, 255, 135, 0, ns, sizeof(ns)));
	expect_icmp6(136, 0);
}

#endif
