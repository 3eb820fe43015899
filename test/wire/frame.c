/* SPDX-License-Identifier: BSD-3-Clause */
/* frame.c - see frame.h. */
#include <stdarg.h>
#include <stdio.h>
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

/* The sum over the pseudo-header and the transport bytes as they are. */
static uint32_t l4_sum(const uint8_t *ip, const uint8_t *l4, size_t l4_len)
{
	uint32_t acc = frame_csum_add(0, ip + 12, 8);

	return frame_csum_add(acc + ip[9] + (uint32_t)l4_len, l4, l4_len);
}

static size_t l4_csum_off(uint8_t proto)
{
	switch (proto) {
	case 6:
		return 16;
	case 17:
		return 6;
	case 1:
		return 2;
	default:
		return 0;
	}
}

void frame_fill_csums(uint8_t *frame, size_t len)
{
	uint8_t *ip = frame + ETH_HLEN, *l4;
	size_t hlen, l4_len, off;
	uint16_t c;

	if (len < ETH_HLEN + 20 || frame_get16(frame + 12) != 0x0800)
		return;
	hlen = (size_t)(ip[0] & 15) * 4;
	frame_put16(ip + 10, 0);
	frame_put16(ip + 10, frame_csum_fold(frame_csum_add(0, ip, hlen)));
	if ((frame_get16(ip + 6) & 0x3fff) != 0)
		return;
	l4 = ip + hlen;
	l4_len = frame_get16(ip + 2) - hlen;
	off = l4_csum_off(ip[9]);
	if (off == 0 || l4_len < off + 2)
		return;
	frame_put16(l4 + off, 0);
	c = ip[9] == 1 ? frame_csum_fold(frame_csum_add(0, l4, l4_len)) :
			 frame_csum_fold(l4_sum(ip, l4, l4_len));
	if (ip[9] == 17 && c == 0)
		c = 0xffff; /* RFC 768: zero means none */
	frame_put16(l4 + off, c);
}

static size_t build_eth_ip4(uint8_t *buf, const struct frame_path *p, uint8_t proto, uint16_t id,
			    uint16_t frag, size_t l4_len)
{
	uint8_t *ip = buf + ETH_HLEN;

	memcpy(buf, p->dmac, 6);
	memcpy(buf + 6, p->smac, 6);
	frame_put16(buf + 12, 0x0800);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	frame_put16(ip + 2, (uint16_t)(20 + l4_len));
	frame_put16(ip + 4, id);
	frame_put16(ip + 6, frag);
	ip[8] = 64;
	ip[9] = proto;
	frame_put32(ip + 12, p->src);
	frame_put32(ip + 16, p->dst);
	return ETH_HLEN + 20;
}

size_t frame_build_ip4(uint8_t *buf, const struct frame_path *p, uint8_t proto, uint16_t id,
		       uint16_t frag, const uint8_t *l4, size_t l4_len)
{
	size_t off = build_eth_ip4(buf, p, proto, id, frag, l4_len);
	uint8_t *ip = buf + ETH_HLEN;

	if (l4_len != 0)
		memcpy(buf + off, l4, l4_len);
	frame_put16(ip + 10, frame_csum_fold(frame_csum_add(0, ip, 20)));
	return off + l4_len;
}

size_t frame_build_tcp(uint8_t *buf, const struct frame_path *p, const struct frame_tcp *t)
{
	size_t optlen = (t->optlen + 3u) & ~3u, off;
	uint8_t *th;

	off = build_eth_ip4(buf, p, 6, 0, 0x4000, 20 + optlen + t->len);
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
	size_t off = build_eth_ip4(buf, p, 17, 0, 0x4000, 8 + len);
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
	size_t off = build_eth_ip4(buf, p, 1, 0, 0, 4 + len);

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

static bool parse_l4(const uint8_t *ip, const uint8_t *l4, size_t len, struct frame_info *out)
{
	switch (out->proto) {
	case 6:
		out->l4_csum_ok = frame_csum_fold(l4_sum(ip, l4, len)) == 0;
		return parse_tcp(l4, len, out);
	case 17:
		if (len < 8 || frame_get16(l4 + 4) > len || frame_get16(l4 + 4) < 8)
			return false;
		out->l4_csum_ok = frame_get16(l4 + 6) == 0 ||
				  frame_csum_fold(l4_sum(ip, l4, len)) == 0;
		out->sport = frame_get16(l4);
		out->dport = frame_get16(l4 + 2);
		out->data = l4 + 8;
		out->len = frame_get16(l4 + 4) - 8u;
		out->is_udp = true;
		return true;
	case 1:
		if (len < 8)
			return false;
		out->l4_csum_ok = frame_csum_fold(frame_csum_add(0, l4, len)) == 0;
		out->icmp_type = l4[0];
		out->icmp_code = l4[1];
		out->data = l4 + 4;
		out->len = (uint32_t)len - 4;
		out->is_icmp = true;
		return true;
	default:
		return true;
	}
}

bool frame_parse(const uint8_t *frame, size_t len, struct frame_info *out)
{
	const uint8_t *ip = frame + ETH_HLEN;
	size_t hlen, total;

	memset(out, 0, sizeof(*out));
	if (len < ETH_HLEN)
		return false;
	out->ethertype = frame_get16(frame + 12);
	if (out->ethertype == 0x0806)
		return parse_arp(ip, len - ETH_HLEN, out);
	if (out->ethertype != 0x0800)
		return true;
	if (len < ETH_HLEN + 20 || ip[0] >> 4 != 4)
		return false;
	hlen = (size_t)(ip[0] & 15) * 4;
	total = frame_get16(ip + 2);
	if (hlen < 20 || total < hlen || total > len - ETH_HLEN)
		return false;
	out->tos = ip[1];
	out->id = frame_get16(ip + 4);
	out->frag = frame_get16(ip + 6);
	out->ttl = ip[8];
	out->proto = ip[9];
	out->src = frame_get32(ip + 12);
	out->dst = frame_get32(ip + 16);
	out->ip_csum_ok = frame_csum_fold(frame_csum_add(0, ip, hlen)) == 0;
	out->l4_off = (uint16_t)(ETH_HLEN + hlen);
	out->l4_len = (uint32_t)(total - hlen);
	if ((out->frag & 0x3fff) != 0)
		return true; /* a fragment: no transport header to look at */
	return parse_l4(ip, ip + hlen, out->l4_len, out);
}

const char *frame_flag_names(uint8_t flags, char buf[10])
{
	static const char names[] = "FSRP.UEW";
	size_t n = 0;
	int i;

	/* In tcpdump's order: the ACK's dot comes last. */
	for (i = 0; i < 8; i++)
		if ((flags & (1 << i)) && i != 4)
			buf[n++] = names[i];
	if (flags & TCP_ACK)
		buf[n++] = '.';
	if (n == 0)
		buf[n++] = '-';
	buf[n] = '\0';
	return buf;
}

static void append(char *buf, size_t buflen, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *buf, size_t buflen, const char *fmt, ...)
{
	size_t n = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + n, buflen - n, fmt, ap);
	va_end(ap);
}

static void describe_one_opt(const uint8_t *o, uint8_t olen, char *buf, size_t buflen)
{
	size_t i;

	if (o[0] == 2 && olen == 4) {
		append(buf, buflen, "mss %u", frame_get16(o + 2));
	} else if (o[0] == 3 && olen == 3) {
		append(buf, buflen, "wscale %u", o[2]);
	} else if (o[0] == 4 && olen == 2) {
		append(buf, buflen, "sackOK");
	} else if (o[0] == 8 && olen == 10) {
		append(buf, buflen, "TS val %u ecr %u", frame_get32(o + 2), frame_get32(o + 6));
	} else if (o[0] == 5) {
		append(buf, buflen, "sack");
		for (i = 2; i + 8 <= olen; i += 8)
			append(buf, buflen, " {%u:%u}", frame_get32(o + i), frame_get32(o + i + 4));
	} else {
		append(buf, buflen, "opt-%u[%u]", o[0], olen);
	}
}

void frame_describe_tcpopts(const uint8_t *opt, size_t len, char *buf, size_t buflen)
{
	size_t i = 0;

	buf[0] = '\0';
	while (i < len) {
		uint8_t kind = opt[i], olen;

		if (i != 0)
			append(buf, buflen, ",");
		if (kind == 0) {
			append(buf, buflen, "eol");
			return;
		}
		if (kind == 1) {
			append(buf, buflen, "nop");
			i++;
			continue;
		}
		olen = i + 1 < len ? opt[i + 1] : 0;
		if (olen < 2 || olen > len - i) {
			append(buf, buflen, "bad-opt-%u", kind);
			return;
		}
		describe_one_opt(opt + i, olen, buf, buflen);
		i += olen;
	}
}

static void describe_ip4(const struct frame_info *f, char *buf, size_t buflen)
{
	append(buf, buflen, "%u.%u.%u.%u > %u.%u.%u.%u ", f->src >> 24, f->src >> 16 & 255,
	       f->src >> 8 & 255, f->src & 255, f->dst >> 24, f->dst >> 16 & 255,
	       f->dst >> 8 & 255, f->dst & 255);
	if ((f->frag & 0x3fff) != 0)
		append(buf, buflen, "frag %u%s ", (f->frag & 0x1fff) * 8u,
		       f->frag & 0x2000 ? "+" : "");
	if (!f->ip_csum_ok)
		append(buf, buflen, "BAD-IP-CSUM ");
}

const char *frame_describe(const uint8_t *frame, size_t len, char *buf, size_t buflen)
{
	struct frame_info f;
	char flags[10], opts[200];

	buf[0] = '\0';
	if (!frame_parse(frame, len, &f)) {
		snprintf(buf, buflen, "malformed frame, %zu bytes", len);
		return buf;
	}
	if (f.is_arp) {
		append(buf, buflen, "ARP op %u %08x -> %08x", f.arp_op, f.arp_spa, f.arp_tpa);
		return buf;
	}
	if (f.ethertype != 0x0800) {
		append(buf, buflen, "ethertype %04x, %zu bytes", f.ethertype, len);
		return buf;
	}
	describe_ip4(&f, buf, buflen);
	if (f.is_tcp) {
		frame_describe_tcpopts(f.tcp.opt, f.tcp.optlen, opts, sizeof(opts));
		append(buf, buflen, "TCP %u > %u [%s] seq %u len %u ack %u win %u <%s>", f.tcp.sport,
		       f.tcp.dport, frame_flag_names(f.tcp.flags, flags), f.tcp.seq, f.tcp.len,
		       f.tcp.ack, f.tcp.win, opts);
	} else if (f.is_udp) {
		append(buf, buflen, "UDP %u > %u len %u", f.sport, f.dport, f.len);
	} else if (f.is_icmp) {
		append(buf, buflen, "ICMP type %u code %u len %u", f.icmp_type, f.icmp_code, f.len);
	} else {
		append(buf, buflen, "proto %u len %u", f.proto, f.l4_len);
	}
	if ((f.is_tcp || f.is_udp || f.is_icmp) && !f.l4_csum_ok)
		append(buf, buflen, " BAD-CSUM");
	return buf;
}
