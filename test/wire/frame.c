/* SPDX-License-Identifier: BSD-3-Clause */
/* frame.c - see frame.h: bytes, sums and parsing. */
#include <string.h>

#include "test/wire/frame.h"

uint16_t frame_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t frame_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void frame_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void frame_put32(uint8_t *p, uint32_t v)
{
	frame_put16(p, (uint16_t)(v >> 16));
	frame_put16(p + 2, (uint16_t)v);
}

uint32_t frame_csum_add(uint32_t acc, const uint8_t *p, size_t n)
{
	uint64_t sum = acc;
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		sum += frame_get16(p + i);
	if (i < n)
		sum += (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

uint16_t frame_csum_fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)~acc;
}

size_t frame_eth_len(const uint8_t *frame)
{
	return frame_get16(frame + 12) == 0x8100 ? ETH_HLEN + 4 : ETH_HLEN;
}

/* The sum over the pseudo-header (RFC 9293 3.1, RFC 8200 8.1) and the transport bytes as they are. */
static uint32_t l4_sum(const struct frame_info *f, const uint8_t *ip, const uint8_t *l4, size_t len)
{
	uint32_t acc;

	if (f->proto == 1)
		return frame_csum_add(0, l4, len);
	acc = f->v6 ? frame_csum_add(0, ip + 8, 32) : frame_csum_add(0, ip + 12, 8);
	return frame_csum_add(acc + f->proto + (uint32_t)len, l4, len);
}

static size_t l4_csum_off(uint8_t proto)
{
	switch (proto) {
	case 6:
		return 16;
	case 17:
		return 6;
	case 1:
	case 58:
		return 2;
	default:
		return 0;
	}
}

static bool parse_arp(const uint8_t *a, size_t len, struct frame_info *out)
{
	if (len < 28 || frame_get16(a) != 1 || frame_get16(a + 2) != 0x0800)
		return false;
	out->is_arp = true;
	out->arp_op = frame_get16(a + 6);
	memcpy(out->arp_sha, a + 8, 6);
	out->arp_spa = frame_get32(a + 14);
	out->arp_tpa = frame_get32(a + 24);
	return true;
}

static bool parse_tcp(const uint8_t *th, size_t len, struct frame_info *out)
{
	struct frame_tcp *t = &out->tcp;
	size_t hlen;

	if (len < 20)
		return false;
	hlen = (size_t)(th[12] >> 4) * 4;
	if (hlen < 20 || hlen > len)
		return false;
	t->sport = frame_get16(th);
	t->dport = frame_get16(th + 2);
	t->seq = frame_get32(th + 4);
	t->ack = frame_get32(th + 8);
	t->flags = th[13];
	t->win = frame_get16(th + 14);
	t->urg = frame_get16(th + 18);
	t->optlen = (uint8_t)(hlen - 20);
	memcpy(t->opt, th + 20, t->optlen);
	t->data = th + hlen;
	t->len = (uint32_t)(len - hlen);
	out->is_tcp = true;
	return true;
}

static bool parse_udp(const uint8_t *l4, size_t len, struct frame_info *out)
{
	if (len < 8 || frame_get16(l4 + 4) > len || frame_get16(l4 + 4) < 8)
		return false;
	/* RFC 768: zero means that there is none; RFC 8200 8.1: not so with IPv6. */
	if (frame_get16(l4 + 6) == 0)
		out->l4_csum_ok = !out->v6;
	out->sport = frame_get16(l4);
	out->dport = frame_get16(l4 + 2);
	out->data = l4 + 8;
	out->len = frame_get16(l4 + 4) - 8u;
	out->is_udp = true;
	return true;
}

static bool parse_icmp(const uint8_t *l4, size_t len, struct frame_info *out)
{
	if (len < 8)
		return false;
	out->icmp_type = l4[0];
	out->icmp_code = l4[1];
	out->data = l4 + 4;
	out->len = (uint32_t)len - 4;
	out->is_icmp = !out->v6;
	out->is_icmp6 = out->v6;
	return true;
}

static bool parse_l4(const uint8_t *ip, const uint8_t *l4, size_t len, struct frame_info *out)
{
	if (l4_csum_off(out->proto) != 0)
		out->l4_csum_ok = frame_csum_fold(l4_sum(out, ip, l4, len)) == 0;
	if (out->proto == 6)
		return parse_tcp(l4, len, out);
	if (out->proto == 17)
		return parse_udp(l4, len, out);
	if (out->proto == (out->v6 ? 58 : 1))
		return parse_icmp(l4, len, out);
	return true;
}

/* Everything up to the transport header; false if it is malformed. */
static bool parse_ip4(const uint8_t *ip, size_t len, struct frame_info *out)
{
	size_t hlen, total;

	if (len < 20 || ip[0] >> 4 != 4)
		return false;
	hlen = (size_t)(ip[0] & 15) * 4;
	total = frame_get16(ip + 2);
	if (hlen < 20 || total < hlen || total > len)
		return false;
	out->tos = ip[1];
	out->id = frame_get16(ip + 4);
	out->frag = frame_get16(ip + 6);
	out->ttl = ip[8];
	out->proto = ip[9];
	out->src = frame_get32(ip + 12);
	out->dst = frame_get32(ip + 16);
	out->ip_csum_ok = frame_csum_fold(frame_csum_add(0, ip, hlen)) == 0;
	out->fragment = (out->frag & 0x3fff) != 0;
	out->l4_off = (uint16_t)(out->ip_off + hlen);
	out->l4_len = (uint32_t)(total - hlen);
	return true;
}

/* One extension header: its length, 0 if nh is none, SIZE_MAX if it is malformed. */
static size_t ext_len(uint8_t nh, const uint8_t *p, size_t len)
{
	size_t n;

	if (nh != 0 && nh != 43 && nh != 44 && nh != 60)
		return 0;
	n = len < 8 ? SIZE_MAX : nh == 44 ? 8 : 8 * ((size_t)p[1] + 1);
	return n > len ? SIZE_MAX : n;
}

static bool parse_ip6(const uint8_t *ip, size_t len, struct frame_info *out)
{
	size_t payload, off = 40, n;

	if (len < 40 || ip[0] >> 4 != 6)
		return false;
	payload = frame_get16(ip + 4);
	if (payload > len - 40)
		return false;
	out->v6 = out->ip_csum_ok = true;
	out->tos = (uint8_t)(frame_get16(ip) >> 4);
	out->flow = frame_get32(ip) & 0xfffff;
	out->proto = ip[6];
	out->ttl = ip[7];
	memcpy(out->src6, ip + 8, 16);
	memcpy(out->dst6, ip + 24, 16);
	while (!out->fragment && (n = ext_len(out->proto, ip + off, 40 + payload - off)) != 0) {
		if (n == SIZE_MAX)
			return false;
		if (out->proto == 44) {
			out->has_frag6 = true;
			out->frag6 = frame_get16(ip + off + 2);
			out->frag6_id = frame_get32(ip + off + 4);
			out->fragment = (out->frag6 & 0xfff9) != 0;
		}
		out->proto = ip[off];
		off += n;
	}
	out->l4_off = (uint16_t)(out->ip_off + off);
	out->l4_len = (uint32_t)(40 + payload - off);
	return true;
}

/* The headers up to the transport's. */
static bool parse_below(const uint8_t *frame, size_t len, struct frame_info *out)
{
	memset(out, 0, sizeof(*out));
	if (len < ETH_HLEN || len < frame_eth_len(frame))
		return false;
	out->ip_off = (uint16_t)frame_eth_len(frame);
	out->vlan = out->ip_off == ETH_HLEN ? 0 : frame_get16(frame + 14) & 0xfff;
	out->ethertype = frame_get16(frame + out->ip_off - 2);
	frame += out->ip_off;
	len -= out->ip_off;
	if (out->ethertype == 0x0806)
		return parse_arp(frame, len, out);
	if (out->ethertype == 0x0800)
		return parse_ip4(frame, len, out);
	if (out->ethertype == 0x86dd)
		return parse_ip6(frame, len, out);
	return true;
}

bool frame_parse(const uint8_t *frame, size_t len, struct frame_info *out)
{
	if (!parse_below(frame, len, out))
		return false;
	if ((out->ethertype != 0x0800 && !out->v6) || out->fragment)
		return true; /* a fragment has no transport header to look at */
	return parse_l4(frame + out->ip_off, frame + out->l4_off, out->l4_len, out);
}

void frame_fill_csums(uint8_t *frame, size_t len)
{
	struct frame_info f;
	uint8_t *ip, *l4;
	size_t off;
	uint16_t c;

	if (!parse_below(frame, len, &f) || (f.ethertype != 0x0800 && !f.v6))
		return;
	ip = frame + f.ip_off;
	l4 = frame + f.l4_off;
	if (!f.v6) {
		frame_put16(ip + 10, 0);
		frame_put16(ip + 10, frame_csum_fold(frame_csum_add(0, ip, (ip[0] & 15) * 4u)));
	}
	off = l4_csum_off(f.proto);
	if (f.fragment || off == 0 || f.l4_len < off + 2)
		return;
	frame_put16(l4 + off, 0);
	c = frame_csum_fold(l4_sum(&f, ip, l4, f.l4_len));
	if (f.proto == 17 && c == 0)
		c = 0xffff; /* RFC 768: zero means none */
	frame_put16(l4 + off, c);
}
