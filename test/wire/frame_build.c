/* SPDX-License-Identifier: BSD-3-Clause */
/* frame_build.c - see frame.h: whole frames from their fields. */
#include <string.h>

#include "test/wire/frame.h"

/* Addresses, tag and type; returns its length. */
static size_t build_eth(uint8_t *buf, const struct frame_path *p)
{
	uint16_t type = p->v6 ? 0x86dd : 0x0800;

	memcpy(buf, p->dmac, 6);
	memcpy(buf + 6, p->smac, 6);
	if (p->vlan == 0) {
		frame_put16(buf + 12, type);
		return ETH_HLEN;
	}
	frame_put16(buf + 12, 0x8100);
	frame_put16(buf + 14, p->vlan);
	frame_put16(buf + 16, type);
	return ETH_HLEN + 4;
}

static size_t build_eth_ip4(uint8_t *buf, const struct frame_path *p, uint8_t proto, uint16_t id,
			    uint16_t frag, size_t l4_len)
{
	size_t off = build_eth(buf, p);
	uint8_t *ip = buf + off;

	memset(ip, 0, 20);
	ip[0] = 0x45;
	frame_put16(ip + 2, (uint16_t)(20 + l4_len));
	frame_put16(ip + 4, id);
	frame_put16(ip + 6, frag);
	ip[8] = 64;
	ip[9] = proto;
	frame_put32(ip + 12, p->src);
	frame_put32(ip + 16, p->dst);
	return off + 20;
}

static size_t build_eth_ip6(uint8_t *buf, const struct frame_path *p, uint8_t nh, uint8_t hop_limit,
			    size_t len)
{
	size_t off = build_eth(buf, p);
	uint8_t *ip = buf + off;

	frame_put32(ip, 0x60000000);
	frame_put16(ip + 4, (uint16_t)len);
	ip[6] = nh;
	ip[7] = hop_limit;
	memcpy(ip + 8, p->src6, 16);
	memcpy(ip + 24, p->dst6, 16);
	return off + 40;
}

/* The headers below a transport header, for a datagram that is whole. */
static size_t build_below(uint8_t *buf, const struct frame_path *p, uint8_t proto, size_t l4_len)
{
	if (p->v6)
		return build_eth_ip6(buf, p, proto, 64, l4_len);
	return build_eth_ip4(buf, p, proto, 0, 0x4000, l4_len);
}

size_t frame_build_ip6(uint8_t *buf, const struct frame_path *p, uint8_t next_header, uint8_t hop_limit,
		       const uint8_t *payload, size_t len)
{
	size_t off = build_eth_ip6(buf, p, next_header, hop_limit, len);

	if (len != 0)
		memcpy(buf + off, payload, len);
	return off + len;
}

size_t frame_build_ip4(uint8_t *buf, const struct frame_path *p, uint8_t proto, uint16_t id,
		       uint16_t frag, const uint8_t *l4, size_t l4_len)
{
	size_t off = build_eth_ip4(buf, p, proto, id, frag, l4_len);
	uint8_t *ip = buf + off - 20;

	if (l4_len != 0)
		memcpy(buf + off, l4, l4_len);
	frame_put16(ip + 10, frame_csum_fold(frame_csum_add(0, ip, 20)));
	return off + l4_len;
}

size_t frame_build_tcp(uint8_t *buf, const struct frame_path *p, const struct frame_tcp *t)
{
	size_t optlen = (t->optlen + 3u) & ~3u, off;
	uint8_t *th;

	off = build_below(buf, p, 6, 20 + optlen + t->len);
	th = buf + off;
	frame_put16(th, t->sport);
	frame_put16(th + 2, t->dport);
	frame_put32(th + 4, t->seq);
	frame_put32(th + 8, t->ack);
	th[12] = (uint8_t)((20 + optlen) / 4 << 4);
	th[13] = t->flags;
	frame_put16(th + 14, t->win);
	frame_put16(th + 16, 0);
	frame_put16(th + 18, t->urg);
	memset(th + 20, 0, optlen);
	memcpy(th + 20, t->opt, t->optlen);
	if (t->len != 0)
		memcpy(th + 20 + optlen, t->data, t->len);
	frame_fill_csums(buf, off + 20 + optlen + t->len);
	return off + 20 + optlen + t->len;
}

size_t frame_build_udp(uint8_t *buf, const struct frame_path *p, uint16_t sport, uint16_t dport,
		       const void *data, size_t len)
{
	size_t off = build_below(buf, p, 17, 8 + len);
	uint8_t *uh = buf + off;

	frame_put16(uh, sport);
	frame_put16(uh + 2, dport);
	frame_put16(uh + 4, (uint16_t)(8 + len));
	frame_put16(uh + 6, 0);
	if (len != 0)
		memcpy(uh + 8, data, len);
	frame_fill_csums(buf, off + 8 + len);
	return off + 8 + len;
}

size_t frame_build_icmp(uint8_t *buf, const struct frame_path *p, uint8_t type, uint8_t code,
			const uint8_t *rest, size_t len)
{
	size_t off = p->v6 ? build_eth_ip6(buf, p, 58, 255, 4 + len) :
			     build_eth_ip4(buf, p, 1, 0, 0, 4 + len);

	buf[off] = type;
	buf[off + 1] = code;
	if (len != 0)
		memcpy(buf + off + 4, rest, len);
	frame_fill_csums(buf, off + 4 + len);
	return off + 4 + len;
}

size_t frame_build_arp(uint8_t *buf, const uint8_t dmac[6], uint16_t op, const uint8_t sha[6],
		       uint32_t spa, const uint8_t tha[6], uint32_t tpa)
{
	uint8_t *a = buf + ETH_HLEN;

	memset(buf, 0, 60);
	memcpy(buf, dmac, 6);
	memcpy(buf + 6, sha, 6);
	frame_put16(buf + 12, 0x0806);
	frame_put16(a, 1);
	frame_put16(a + 2, 0x0800);
	a[4] = 6;
	a[5] = 4;
	frame_put16(a + 6, op);
	memcpy(a + 8, sha, 6);
	frame_put32(a + 14, spa);
	memcpy(a + 18, tha, 6);
	frame_put32(a + 24, tpa);
	return 60;
}

