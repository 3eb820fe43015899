/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_seg.c - parse and build TCP headers; see tcp_seg.h.
 */
#include "stack/tcp/tcp_seg.h"

#include <string.h>

/* Option kinds: IANA "TCP Option Kind Numbers". */
enum {
	OPT_EOL = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_PERM = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
	OPT_MD5 = 19, /* RFC 2385 */
	OPT_FASTOPEN = 34,
	OPT_EXP = 254, /* RFC 6994: two bytes of magic follow */
};
#define EXP_FASTOPEN 0xf989

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
	return p + 4;
}

static void parse_sack(struct tcp_seg *seg, const uint8_t *p, unsigned int len)
{
	if (len < 8 || len % 8 != 0)
		return;
	seg->opts |= TCP_HAS_SACK;
	for (seg->nsacks = 0; len >= 8 && seg->nsacks < TCP_MAX_SACKS; len -= 8, p += 8) {
		seg->sacks[seg->nsacks].start = get32(p);
		seg->sacks[seg->nsacks].end = get32(p + 4);
		seg->nsacks++;
	}
}

/* RFC 7413 4.1.1: empty, or an even length of 4 to 16; only in SYN segments. */
static void parse_fastopen(struct tcp_seg *seg, const uint8_t *p, unsigned int len, bool exp)
{
	if (!(seg->flags & TH_SYN) || (len != 0 && (len < 4 || len > 16 || len % 2 != 0)))
		return;
	seg->opts |= TCP_HAS_FASTOPEN;
	seg->fo_cookie = p;
	seg->fo_len = (uint8_t)len;
	seg->fo_exp = exp;
}

/*
 * One option's payload of len bytes.  An option whose size is wrong for its kind is ignored,
 * as every stack does: its extent is still known, so the segment stays parseable.
 */
static void parse_option(struct tcp_seg *seg, uint8_t kind, const uint8_t *p, unsigned int len)
{
	bool syn = (seg->flags & TH_SYN) != 0;

	switch (kind) {
	case OPT_MSS: /* RFC 9293 3.7.1: only in SYN segments; zero is meaningless */
		if (len == 2 && syn && get16(p) != 0) {
			seg->opts |= TCP_HAS_MSS;
			seg->mss = get16(p);
		}
		break;
	case OPT_WSCALE:
		if (len == 1 && syn) {
			seg->opts |= TCP_HAS_WSCALE;
			/* RFC 7323 2.3: larger values are to be taken as 14 */
			seg->wscale = p[0] > TCP_MAX_WSCALE ? TCP_MAX_WSCALE : p[0];
		}
		break;
	case OPT_SACK_PERM:
		if (len == 0 && syn)
			seg->opts |= TCP_HAS_SACK_PERM;
		break;
	case OPT_TS:
		if (len == 8) {
			seg->opts |= TCP_HAS_TS;
			seg->tsval = get32(p);
			seg->tsecr = get32(p + 4);
		}
		break;
	case OPT_SACK:
		if (!syn)
			parse_sack(seg, p, len);
		break;
	case OPT_MD5:
		if (len == 16)
			seg->opts |= TCP_HAS_MD5;
		break;
	case OPT_FASTOPEN:
		parse_fastopen(seg, p, len, false);
		break;
	case OPT_EXP:
		if (len >= 2 && get16(p) == EXP_FASTOPEN)
			parse_fastopen(seg, p + 2, len - 2, true);
		break;
	default: /* RFC 9293 MUST-6: unknown options are ignored by their length */
		break;
	}
}

static bool parse_options(struct tcp_seg *seg, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;

	while (p < end) {
		unsigned int optlen;

		if (*p == OPT_EOL)
			return true;
		if (*p == OPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2)
			return false;
		optlen = p[1];
		if (optlen < 2 || optlen > (size_t)(end - p))
			return false;
		parse_option(seg, p[0], p + 2, optlen - 2);
		p += optlen;
	}
	return true;
}

/* NOP NOP TS, the only options of nearly every segment of a connection (RFC 7323 appendix A). */
static bool parse_only_ts(struct tcp_seg *seg, const uint8_t *p)
{
	if (get32(p) != (OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10))
		return false;
	seg->opts = TCP_HAS_TS;
	seg->tsval = get32(p + 4);
	seg->tsecr = get32(p + 8);
	return true;
}

bool tcp_seg_parse(struct tcp_seg *seg, const uint8_t *p, size_t avail, size_t total)
{
	size_t hdr_len;

	if (avail < TCP_HDR_LEN || total < TCP_HDR_LEN)
		return false;
	hdr_len = (size_t)(p[12] >> 4) * 4;
	if (hdr_len < TCP_HDR_LEN || hdr_len > total || hdr_len > avail)
		return false;
	seg->sport = get16(p);
	seg->dport = get16(p + 2);
	seg->seq = get32(p + 4);
	seg->ack = get32(p + 8);
	seg->hdr_len = (uint8_t)hdr_len;
	seg->flags = p[13];
	seg->wnd = get16(p + 14);
	seg->urp = get16(p + 18);
	seg->opts = 0;
	seg->nsacks = 0;
	seg->ecn = 0;
	seg->fo_len = 0;
	seg->fo_exp = false;
	seg->fo_cookie = NULL;
	seg->len = (uint32_t)(total - hdr_len);
	seg->end_seq = seg->seq + seg->len + !!(seg->flags & TH_SYN) + !!(seg->flags & TH_FIN);
	if (hdr_len == TCP_HDR_LEN)
		return true;
	if (hdr_len == TCP_HDR_LEN + TCP_TS_OPT_LEN && parse_only_ts(seg, p + TCP_HDR_LEN))
		return true;
	return parse_options(seg, p + TCP_HDR_LEN, hdr_len - TCP_HDR_LEN);
}

/* Kind and length, and the magic of the experimental form. */
static unsigned int fastopen_len(const struct tcp_hdr *h)
{
	return (h->fo_exp ? 4u : 2u) + h->fo_len;
}

size_t tcp_seg_hdr_len(const struct tcp_hdr *h)
{
	size_t n = TCP_HDR_LEN;

	if (h->opts & TCP_HAS_MSS)
		n += 4;
	if (h->opts & TCP_HAS_TS)
		n += (h->opts & TCP_HAS_SACK_PERM) ? 10 : 12;
	if (h->opts & TCP_HAS_SACK_PERM)
		n += (h->opts & TCP_HAS_TS) ? 2 : 4;
	if (h->opts & TCP_HAS_WSCALE)
		n += 4;
	if (h->opts & TCP_HAS_SACK)
		n += 4 + 8u * h->nsacks;
	if (h->opts & TCP_HAS_FASTOPEN)
		n += (fastopen_len(h) + 3) & ~3u;
	return n;
}

/* The order is Linux's: MSS, SACK-permitted and timestamps, window scale; each padded to 4. */
static uint8_t *build_options(uint8_t *p, const struct tcp_hdr *h)
{
	if (h->opts & TCP_HAS_MSS)
		p = put32(p, OPT_MSS << 24 | 4 << 16 | h->mss);
	if (h->opts & TCP_HAS_TS) {
		if (h->opts & TCP_HAS_SACK_PERM)
			p = put32(p, OPT_SACK_PERM << 24 | 2 << 16 | OPT_TS << 8 | 10);
		else
			p = put32(p, OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10);
		p = put32(p, h->tsval);
		p = put32(p, h->tsecr);
	} else if (h->opts & TCP_HAS_SACK_PERM) {
		p = put32(p, OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACK_PERM << 8 | 2);
	}
	if (h->opts & TCP_HAS_WSCALE)
		p = put32(p, (uint32_t)(OPT_NOP << 24 | OPT_WSCALE << 16 | 3 << 8 | h->wscale));
	if (h->opts & TCP_HAS_SACK) {
		p = put32(p, (uint32_t)(OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACK << 8 |
					(2 + 8 * h->nsacks)));
		for (unsigned int i = 0; i < h->nsacks; i++) {
			p = put32(p, h->sacks[i].start);
			p = put32(p, h->sacks[i].end);
		}
	}
	if (h->opts & TCP_HAS_FASTOPEN) {
		unsigned int len = fastopen_len(h), pad = (4 - len % 4) % 4;

		*p++ = h->fo_exp ? OPT_EXP : OPT_FASTOPEN;
		*p++ = (uint8_t)len;
		if (h->fo_exp)
			p = put16(p, EXP_FASTOPEN);
		if (h->fo_len > 0)
			memcpy(p, h->fo_cookie, h->fo_len);
		p += h->fo_len;
		memset(p, OPT_NOP, pad);
		p += pad;
	}
	return p;
}

size_t tcp_seg_build(uint8_t *p, const struct tcp_hdr *h)
{
	uint8_t *end;
	size_t len;

	put16(p, h->sport);
	put16(p + 2, h->dport);
	put32(p + 4, h->seq);
	put32(p + 8, h->ack);
	p[13] = h->flags;
	put16(p + 14, h->wnd);
	put16(p + 16, 0);
	put16(p + 18, h->urp);
	end = build_options(p + TCP_HDR_LEN, h);
	len = (size_t)(end - p);
	p[12] = (uint8_t)(len / 4 << 4);
	return len;
}
