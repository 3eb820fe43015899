/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_seg.c - sequence arithmetic; headers parsed, built, and parsed again. */
#include "stack/tcp/tcp_seg.h"

#include "stack/tcp/seq.h"
#include "test/check_main.h"
#include "test/wire/rng.h"

/* -- seq.h ------------------------------------------------------------------------------- */

START_TEST(comparisons_hold_across_the_wrap)
{
	uint32_t base[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };

	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
		uint32_t a = base[i], b = a + 100;

		ck_assert(seq_lt(a, b) && seq_leq(a, b) && !seq_gt(a, b) && !seq_geq(a, b));
		ck_assert(seq_gt(b, a) && seq_geq(b, a) && seq_leq(a, a) && seq_geq(a, a));
		ck_assert(!seq_lt(a, a) && !seq_gt(a, a));
		ck_assert_int_eq(seq_diff(b, a), 100);
		ck_assert_int_eq(seq_diff(a, b), -100);
		ck_assert_uint_eq(seq_max(a, b), b);
		ck_assert_uint_eq(seq_min(a, b), a);
		ck_assert(seq_between(a, a, b) && seq_between(a, b, b) && seq_between(a, a + 50, b));
		ck_assert(!seq_between(a, b + 1, b) && !seq_between(a, a - 1, b));
	}
}
END_TEST

/* -- parse ---------------------------------------------------------------------------------- */

/* A header with options opt[0..n), padded with EOL to a multiple of 4. */
static size_t header(uint8_t *p, uint8_t flags, const uint8_t *opt, size_t n)
{
	size_t len = 20 + (n + 3) / 4 * 4;

	memset(p, 0, len);
	p[1] = 80;
	p[12] = (uint8_t)(len / 4 << 4);
	p[13] = flags;
	if (n > 0)
		memcpy(p + 20, opt, n);
	return len;
}

START_TEST(lengths_are_checked_against_what_is_there)
{
	uint8_t p[64] = { 0 };
	struct tcp_seg s;

	p[12] = 5 << 4;
	ck_assert(tcp_seg_parse(&s, p, 20, 20));
	ck_assert_uint_eq(s.len, 0);
	ck_assert(tcp_seg_parse(&s, p, 20, 1480)); /* payload in further mbufs */
	ck_assert_uint_eq(s.len, 1460);
	ck_assert(!tcp_seg_parse(&s, p, 19, 20));
	ck_assert(!tcp_seg_parse(&s, p, 20, 19));
	p[12] = 4 << 4; /* data offset below the fixed header */
	ck_assert(!tcp_seg_parse(&s, p, 64, 64));
	p[12] = 6 << 4; /* beyond the segment, or beyond what is contiguous */
	ck_assert(!tcp_seg_parse(&s, p, 64, 20));
	ck_assert(!tcp_seg_parse(&s, p, 20, 24));
	p[12] = 0xf0;
	ck_assert(tcp_seg_parse(&s, p, 60, 60));
}
END_TEST

START_TEST(syn_and_fin_count_in_the_sequence_space)
{
	uint8_t p[64];
	struct tcp_seg s;

	header(p, TH_SYN, NULL, 0);
	ck_assert(tcp_seg_parse(&s, p, 20, 20));
	ck_assert_uint_eq(s.end_seq - s.seq, 1);
	header(p, TH_FIN | TH_ACK, NULL, 0);
	ck_assert(tcp_seg_parse(&s, p, 20, 30));
	ck_assert_uint_eq(s.end_seq - s.seq, 11);
}
END_TEST

/* RFC 9293 MUST-5: options may begin anywhere, without the usual padding. */
START_TEST(options_are_found_wherever_they_stand)
{
	static const uint8_t opt[] = { 1, 2, 4, 5, 0xb4, 3, 3, 7, 1, 1, 4, 2,
				       8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
	uint8_t p[64];
	struct tcp_seg s;
	size_t n = header(p, TH_SYN, opt, sizeof(opt));

	ck_assert(tcp_seg_parse(&s, p, n, n));
	ck_assert_uint_eq(s.opts, TCP_HAS_MSS | TCP_HAS_WSCALE | TCP_HAS_SACK_PERM | TCP_HAS_TS);
	ck_assert_uint_eq(s.mss, 1460);
	ck_assert_uint_eq(s.wscale, 7);
	ck_assert_uint_eq(s.tsval, 1);
	ck_assert_uint_eq(s.tsecr, 2);
}
END_TEST

/* RFC 9293 MUST-6, MUST-7; RFC 7323 2.3. */
START_TEST(unknown_options_are_skipped_and_lying_lengths_refused)
{
	static const uint8_t unknown[] = { 253, 6, 1, 2, 3, 4, 2, 4, 2, 0x18 };
	static const uint8_t zero[] = { 253, 0, 1, 1 };
	static const uint8_t one[] = { 253, 1, 1, 1 };
	static const uint8_t beyond[] = { 2, 40, 5, 0xb4 };
	static const uint8_t cut[] = { 1, 1, 1, 8 };
	static const uint8_t after_eol[] = { 0, 0, 253, 0 };
	static const uint8_t wscale15[] = { 3, 3, 15, 0 };
	static const uint8_t wrong_size[] = { 2, 3, 5, 3, 3, 2 };
	static const uint8_t mss0[] = { 2, 4, 0, 0 };
	uint8_t p[64];
	struct tcp_seg s;
	size_t n;

	n = header(p, TH_SYN, unknown, sizeof(unknown));
	ck_assert(tcp_seg_parse(&s, p, n, n));
	ck_assert_uint_eq(s.mss, 536);
	n = header(p, TH_SYN, zero, sizeof(zero));
	ck_assert(!tcp_seg_parse(&s, p, n, n));
	n = header(p, TH_SYN, one, sizeof(one));
	ck_assert(!tcp_seg_parse(&s, p, n, n));
	n = header(p, TH_SYN, beyond, sizeof(beyond));
	ck_assert(!tcp_seg_parse(&s, p, n, n));
	n = header(p, TH_SYN, cut, sizeof(cut));
	ck_assert(!tcp_seg_parse(&s, p, n, n));
	n = header(p, TH_SYN, after_eol, sizeof(after_eol));
	ck_assert(tcp_seg_parse(&s, p, n, n));
	n = header(p, TH_SYN, wscale15, sizeof(wscale15));
	ck_assert(tcp_seg_parse(&s, p, n, n));
	ck_assert_uint_eq(s.wscale, 14);
	n = header(p, TH_SYN, wrong_size, sizeof(wrong_size));
	ck_assert(tcp_seg_parse(&s, p, n, n));
	ck_assert(!(s.opts & TCP_HAS_MSS));
	n = header(p, TH_SYN, mss0, sizeof(mss0));
	ck_assert(tcp_seg_parse(&s, p, n, n));
	ck_assert(!(s.opts & TCP_HAS_MSS));
}
END_TEST

/* MSS, window scale and SACK-permitted mean nothing outside a SYN, SACK nothing inside one. */
START_TEST(options_count_only_where_they_belong)
{
	static const uint8_t opt[] = { 2, 4, 5, 0xb4, 3, 3, 7, 4, 2, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9 };
	uint8_t p[64];
	struct tcp_seg s;
	size_t n = header(p, TH_ACK, opt, sizeof(opt));

	ck_assert(tcp_seg_parse(&s, p, n, n));
	ck_assert_uint_eq(s.opts, TCP_HAS_SACK);
	ck_assert_uint_eq(s.nsacks, 1);
	ck_assert_uint_eq(s.sacks[0].start, 1);
	ck_assert_uint_eq(s.sacks[0].end, 9);
	p[13] = TH_SYN;
	ck_assert(tcp_seg_parse(&s, p, n, n));
	ck_assert_uint_eq(s.opts, TCP_HAS_MSS | TCP_HAS_WSCALE | TCP_HAS_SACK_PERM);
}
END_TEST

/* -- build -------------------------------------------------------------------------------------- */

static void random_header(struct rng *r, struct tcp_hdr *h, struct tcp_sack *sacks, uint8_t *cookie)
{
	bool syn = rng_below(r, 2) != 0;

	memset(h, 0, sizeof(*h));
	h->sport = (uint16_t)rng_next(r);
	h->dport = (uint16_t)rng_next(r);
	h->seq = (uint32_t)rng_next(r);
	h->ack = (uint32_t)rng_next(r);
	h->wnd = (uint16_t)rng_next(r);
	h->urp = (uint16_t)rng_next(r);
	h->flags = (uint8_t)((rng_next(r) & ~(uint64_t)TH_SYN) | (syn ? TH_SYN : 0));
	if (rng_below(r, 2)) {
		h->opts |= TCP_HAS_TS;
		h->tsval = (uint32_t)rng_next(r);
		h->tsecr = (uint32_t)rng_next(r);
	}
	if (!syn) {
		h->nsacks = (uint8_t)rng_below(r, (h->opts & TCP_HAS_TS) ? 4 : 5);
		if (h->nsacks > 0)
			h->opts |= TCP_HAS_SACK;
		for (unsigned int i = 0; i < h->nsacks; i++)
			sacks[i] = (struct tcp_sack){ (uint32_t)rng_next(r), (uint32_t)rng_next(r) };
		h->sacks = sacks;
		return;
	}
	if (rng_below(r, 2)) {
		h->opts |= TCP_HAS_MSS;
		h->mss = (uint16_t)rng_range(r, 1, 65535);
	}
	if (rng_below(r, 2))
		h->opts |= TCP_HAS_SACK_PERM;
	if (rng_below(r, 2)) {
		h->opts |= TCP_HAS_WSCALE;
		h->wscale = (uint8_t)rng_below(r, 15);
	}
	if (rng_below(r, 2)) {
		h->opts |= TCP_HAS_FASTOPEN;
		h->fo_len = (uint8_t)(rng_below(r, 2) ? 0 : 2 * rng_range(r, 2, 8));
		if (h->fo_len > 14) /* what fits beside all the others */
			h->fo_len = 14;
		h->fo_cookie = cookie;
	}
}

START_TEST(what_is_built_parses_to_the_same)
{
	struct rng r = { (uint64_t)_i * 977 + 1 };
	struct tcp_sack sacks[4];
	uint8_t p[TCP_MAX_HDR_LEN], cookie[16];
	struct tcp_hdr h;
	struct tcp_seg s;

	for (unsigned int i = 0; i < sizeof(cookie); i++)
		cookie[i] = (uint8_t)rng_next(&r);
	for (int n = 0; n < 2000; n++) {
		size_t len;

		random_header(&r, &h, sacks, cookie);
		ck_assert_uint_le(tcp_seg_hdr_len(&h), TCP_MAX_HDR_LEN);
		len = tcp_seg_build(p, &h);
		ck_assert_uint_eq(len, tcp_seg_hdr_len(&h));
		ck_assert(tcp_seg_parse(&s, p, len, len + 7));
		ck_assert_uint_eq(s.sport, h.sport);
		ck_assert_uint_eq(s.dport, h.dport);
		ck_assert_uint_eq(s.seq, h.seq);
		ck_assert_uint_eq(s.ack, h.ack);
		ck_assert_uint_eq(s.wnd, h.wnd);
		ck_assert_uint_eq(s.urp, h.urp);
		ck_assert_uint_eq(s.flags, h.flags);
		ck_assert_uint_eq(s.opts, h.opts);
		ck_assert_uint_eq(s.hdr_len, len);
		ck_assert_uint_eq(s.len, 7);
		if (h.opts & TCP_HAS_TS)
			ck_assert(s.tsval == h.tsval && s.tsecr == h.tsecr);
		if (h.opts & TCP_HAS_MSS)
			ck_assert_uint_eq(s.mss, h.mss);
		if (h.opts & TCP_HAS_WSCALE)
			ck_assert_uint_eq(s.wscale, h.wscale);
		ck_assert_uint_eq(s.nsacks, h.nsacks);
		ck_assert_mem_eq(s.sacks, sacks, h.nsacks * sizeof(sacks[0]));
		if (h.opts & TCP_HAS_FASTOPEN) {
			ck_assert_uint_eq(s.fo_len, h.fo_len);
			ck_assert_mem_eq(s.fo_cookie, cookie, h.fo_len);
		}
	}
}
END_TEST

/* No input reads beyond its end; the heap block's end is ASan's to guard. */
START_TEST(noise_is_parsed_or_refused_but_never_overrun)
{
	struct rng r = { (uint64_t)_i + 42 };
	struct tcp_seg s;

	for (int n = 0; n < 5000; n++) {
		size_t len = (size_t)rng_below(&r, 64);
		uint8_t *p = malloc(len != 0 ? len : 1);

		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)(rng_below(&r, 3) ? rng_below(&r, 12) : rng_next(&r));
		if (len > 12)
			p[12] = (uint8_t)(rng_range(&r, 4, 15) << 4);
		if (tcp_seg_parse(&s, p, len, len)) {
			ck_assert_uint_le(s.hdr_len, len);
			ck_assert_uint_le(s.nsacks, TCP_MAX_SACKS);
		}
		free(p);
	}
}
END_TEST

static Suite *seg_suite(void)
{
	Suite *s = suite_create("tcp-seg");
	TCase *tc = tcase_create("tcp-seg");

	tcase_add_test(tc, comparisons_hold_across_the_wrap);
	tcase_add_test(tc, lengths_are_checked_against_what_is_there);
	tcase_add_test(tc, syn_and_fin_count_in_the_sequence_space);
	tcase_add_test(tc, options_are_found_wherever_they_stand);
	tcase_add_test(tc, unknown_options_are_skipped_and_lying_lengths_refused);
	tcase_add_test(tc, options_count_only_where_they_belong);
	tcase_add_loop_test(tc, what_is_built_parses_to_the_same, 0, 5);
	tcase_add_loop_test(tc, noise_is_parsed_or_refused_but_never_overrun, 0, 5);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(seg_suite)
