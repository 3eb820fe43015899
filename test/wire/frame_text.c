/* SPDX-License-Identifier: BSD-3-Clause */
/* frame_text.c - see frame.h: one line about a frame. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "test/wire/frame.h"

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

static void describe_ip6(const struct frame_info *f, char *buf, size_t buflen)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	append(buf, buflen, "%s > %s ", inet_ntop(AF_INET6, f->src6, src, sizeof(src)),
	       inet_ntop(AF_INET6, f->dst6, dst, sizeof(dst)));
	if (f->has_frag6)
		append(buf, buflen, "frag %u%s ", f->frag6 & 0xfff8u, f->frag6 & 1 ? "+" : "");
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
	if (f.vlan != 0)
		append(buf, buflen, "vlan %u ", f.vlan);
	if (f.proto == 0 && !f.v6) {
		append(buf, buflen, "ethertype %04x, %zu bytes", f.ethertype, len);
		return buf;
	}
	if (f.v6)
		describe_ip6(&f, buf, buflen);
	else
		describe_ip4(&f, buf, buflen);
	if (f.is_tcp) {
		frame_describe_tcpopts(f.tcp.opt, f.tcp.optlen, opts, sizeof(opts));
		append(buf, buflen, "TCP %u > %u [%s] seq %u len %u ack %u win %u <%s>", f.tcp.sport,
		       f.tcp.dport, frame_flag_names(f.tcp.flags, flags), f.tcp.seq, f.tcp.len,
		       f.tcp.ack, f.tcp.win, opts);
	} else if (f.is_udp) {
		append(buf, buflen, "UDP %u > %u len %u", f.sport, f.dport, f.len);
	} else if (f.is_icmp || f.is_icmp6) {
		append(buf, buflen, "ICMP%s type %u code %u len %u", f.is_icmp6 ? "v6" : "", f.icmp_type, f.icmp_code, f.len);
	} else {
		append(buf, buflen, "proto %u len %u", f.proto, f.l4_len);
	}
	if ((f.is_tcp || f.is_udp || f.is_icmp || f.is_icmp6) && !f.l4_csum_ok)
		append(buf, buflen, " BAD-CSUM");
	return buf;
}
