/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_reass.c - reassembly of IPv4 fragments (RFC 791 3.2, RFC 5722 for overlaps): in any
 * order, with repetitions, holes, overlaps and lies about the length.
 */
#include "stack/net/net_priv.h"
#include "test/unit/net_world.h"

static uint8_t datagram[70000]; /* UDP header and payload */
static uint32_t datagram_len;

static void make_datagram(uint32_t n)
{
	static uint8_t frame[FRAME_MAX];
	static uint8_t data[FRAME_MAX];
	struct frame_path p;
	uint32_t i;

	for (i = 0; i < n; i++)
		data[i] = (uint8_t)(i * 13 % 253);
	nw_path(&p);
	datagram_len = (uint32_t)frame_build_udp(frame, &p, 1000, 2000, data, n) - 34;
	memcpy(datagram, frame + 34, datagram_len);
}

static void send_fragment_of(uint16_t id, uint32_t off, uint32_t len, bool more, uint8_t tos)
{
	struct frame_path p;
	size_t flen;

	nw_path(&p);
	flen = frame_build_ip4(nw.frame, &p, IPPROTO_UDP, id,
			       (uint16_t)(off / 8 | (more ? 0x2000 : 0)), datagram + off, len);
	if (tos != 0) {
		nw.frame[15] = tos;
		frame_put16(nw.frame + 24, 0);
		frame_put16(nw.frame + 24, frame_csum_fold(frame_csum_add(0, nw.frame + 14, 20)));
	}
	nw_inject(flen);
}

static void send_fragment(uint32_t off, uint32_t len)
{
	send_fragment_of(77, off, len, off + len < datagram_len, 0);
}

static void expect_whole(void)
{
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, datagram_len);
	ck_assert(fake.rx[0].csum_ok);
	ck_assert((fake.rx[0].cb_flags & PKT_F_FRAGMENT) != 0);
	ck_assert_mem_eq(fake.rx[0].data, datagram, RTE_MIN(datagram_len, (uint32_t)FAKE_BYTES));
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_OKS), 1);
	ck_assert_uint_eq(nw.st->net.reass.pool.used, 0);
	ck_assert_uint_eq(nw.st->net.reass.nfrags, 0);
}

static void expect_nothing(void)
{
	ck_assert_uint_eq(fake.nrx, 0);
	ck_assert_uint_eq(nw.st->net.reass.pool.used, 0);
	ck_assert_uint_eq(nw.st->net.reass.nfrags, 0);
}

START_TEST(any_order_and_size_comes_together)
{
	struct rng rng = { .s = (uint64_t)_i + 1 };
	uint32_t piece, n, i, k, t, order[256];

	make_datagram((uint32_t)rng_range(&rng, 1, 20000));
	piece = (uint32_t)rng_range(&rng, datagram_len / 200 / 8 + 1, 180) * 8;
	n = (datagram_len + piece - 1) / piece;
	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n; i > 1; i--) {
		k = (uint32_t)rng_below(&rng, i);
		t = order[i - 1];
		order[i - 1] = order[k];
		order[k] = t;
	}
	nw.wire.ports[0].rx_segment = _i % 3 == 0 ? 100 : 0;
	for (i = 0; i < n; i++) {
		ck_assert_uint_eq(fake.nrx, 0);
		send_fragment(order[i] * piece, RTE_MIN(piece, datagram_len - order[i] * piece));
		/* Exact repetitions change nothing. */
		if (i + 1 < n && rng_below(&rng, 3) == 0) {
			k = order[rng_below(&rng, i + 1)];
			send_fragment(k * piece, RTE_MIN(piece, datagram_len - k * piece));
		}
	}
	if (n == 1)
		ck_assert_uint_eq(fake.nrx, 1);
	else
		expect_whole();
}
END_TEST

START_TEST(the_largest_datagram_comes_together)
{
	uint32_t off;

	make_datagram(65507);
	for (off = 0; off < datagram_len; off += 1480)
		send_fragment(off, RTE_MIN(1480u, datagram_len - off));
	expect_whole();
	ck_assert_uint_eq(fake.last_full, 65515);
}
END_TEST

START_TEST(overlaps_kill_the_datagram)
{
	static const struct {
		uint32_t off, len;
	} bad[] = { { 8, 800 }, { 792, 808 }, { 0, 808 }, { 1592, 16 }, { 800, 1600 } };

	make_datagram(4000);
	send_fragment(0, 800);
	send_fragment(1600, 800);
	send_fragment(bad[_i].off, bad[_i].len);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_OVERLAPS), 1);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_FAILS), 1);
	expect_nothing();
}
END_TEST

/* As Linux: what brings nothing new is a repetition, however it is cut. */
START_TEST(a_fragment_within_what_is_here_is_a_repetition)
{
	make_datagram(4000);
	send_fragment(0, 800);
	send_fragment(800, 800);
	send_fragment(0, 800);
	send_fragment(0, 792);
	send_fragment(8, 792);
	send_fragment(400, 800);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_OVERLAPS), 0);
	send_fragment(1600, 1600);
	send_fragment(3200, 808);
	expect_whole();
}
END_TEST

START_TEST(contradictory_ends_kill_the_datagram)
{
	make_datagram(4000);
	switch (_i) {
	case 0: /* two different last fragments */
		send_fragment_of(77, 1600, 800, false, 0);
		send_fragment_of(77, 800, 400, false, 0);
		break;
	case 1: /* data behind the last */
		send_fragment_of(77, 1600, 800, false, 0);
		send_fragment_of(77, 2400, 800, true, 0);
		break;
	case 2: /* a last fragment before data that is there */
		send_fragment_of(77, 2400, 800, true, 0);
		send_fragment_of(77, 800, 800, false, 0);
		break;
	default: /* reaches the end, but says that more follows */
		send_fragment_of(77, 1600, 800, false, 0);
		send_fragment_of(77, 800, 1600, true, 0);
		break;
	}
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_FAILS), 1);
	expect_nothing();
}
END_TEST

/* As Linux. */
START_TEST(an_empty_fragment_ends_the_datagram)
{
	make_datagram(1600 - 8);
	send_fragment_of(77, 0, 800, true, 0);
	send_fragment_of(77, 800, 0, true, 0);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_FAILS), 1);
	expect_nothing();
}
END_TEST

START_TEST(bytes_beyond_the_last_eight_are_left_out)
{
	make_datagram(4000);
	send_fragment(0, 801);
	send_fragment(800, 1607);
	send_fragment(2400, 1608);
	expect_whole();
}
END_TEST

/* The ping of death: the last fragment ends beyond 65535. */
START_TEST(beyond_64_kib_is_dropped)
{
	make_datagram(4000);
	struct frame_path p;

	nw_path(&p);
	nw_inject(frame_build_ip4(nw.frame, &p, IPPROTO_UDP, 77, 0x1fff, datagram, 1000));
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_FAILS), 1);
	expect_nothing();
}
END_TEST

START_TEST(datagrams_are_told_apart_by_their_identification)
{
	make_datagram(1600 - 8);
	send_fragment_of(1, 0, 800, true, 0);
	send_fragment_of(2, 800, 800, false, 0);
	ck_assert_uint_eq(fake.nrx, 0);
	send_fragment_of(2, 0, 800, true, 0);
	send_fragment_of(1, 800, 800, false, 0);
	ck_assert_uint_eq(fake.nrx, 2);
	ck_assert(fake.rx[0].csum_ok && fake.rx[1].csum_ok);
}
END_TEST

START_TEST(after_30_seconds_the_sender_hears_time_exceeded)
{
	nw_introduce_peer();
	make_datagram(3000);
	send_fragment(0, 800);
	nw_advance(29 * SEC);
	ck_assert_uint_eq(nw.st->net.reass.pool.used, 1);
	nw_advance(2 * SEC);
	ck_assert(nw_take());
	ck_assert(nw.info.is_icmp && nw.info.icmp_type == 11 && nw.info.icmp_code == 1);
	ck_assert(nw.info.l4_csum_ok);
	ck_assert_mem_eq(nw.frame + 14 + 20 + 8 + 20, datagram, 400);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_REASM_TIMEOUT), 1);
	expect_nothing();
}
END_TEST

START_TEST(without_the_first_fragment_nobody_is_told)
{
	nw_introduce_peer();
	make_datagram(3000);
	send_fragment(800, 800);
	nw_advance(31 * SEC);
	while (nw_take())
		ck_assert(!nw.info.is_icmp);
	expect_nothing();
}
END_TEST

START_TEST(a_flood_of_first_fragments_is_bounded_and_the_oldest_goes)
{
	unsigned int i;

	make_datagram(1600 - 8);
	for (i = 0; i < 1000; i++)
		send_fragment_of((uint16_t)i, 0, 800, true, 0);
	ck_assert_uint_le(nw.st->net.reass.pool.used, REASS_MAX);
	ck_assert_uint_le(nw.st->net.reass.nfrags, 1023 / 4);
	send_fragment_of(999, 800, 800, false, 0);
	ck_assert_uint_eq(fake.nrx, 1);
	send_fragment_of(0, 800, 800, false, 0);
	ck_assert_uint_eq(fake.nrx, 1);
}
END_TEST

START_TEST(one_datagram_cannot_hold_the_whole_pool)
{
	uint32_t off;

	make_datagram(20000);
	for (off = 0; off < 16000; off += 8)
		send_fragment_of(5, off, 8, true, 0);
	ck_assert_uint_le(nw.st->net.reass.nfrags, 256);
	ck_assert_uint_ge(stack_mib(nw.st, MIB_IP_REASM_FAILS), 1);
}
END_TEST

START_TEST(congestion_marks_survive)
{
	static const struct {
		uint8_t first, second;
		int whole; /* -1: dropped */
	} cases[] = {
		{ 0, 0, 0 }, { 2, 2, 2 },  { 2, 3, 3 },	 { 3, 2, 3 },
		{ 1, 3, 3 }, { 0, 3, -1 }, { 3, 0, -1 }, { 2, 0, -1 },
	};

	make_datagram(1600 - 8);
	send_fragment_of(9, 0, 800, true, 0x20 | cases[_i].first);
	send_fragment_of(9, 800, 800, false, 0x20 | cases[_i].second);
	if (cases[_i].whole < 0) {
		expect_nothing();
		return;
	}
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_uint_eq(fake.rx[0].pkt.tos, 0x20u | (unsigned int)cases[_i].whole);
}
END_TEST

START_TEST(random_fragments_never_deliver_wrong_bytes)
{
	struct rng rng = { .s = (uint64_t)_i + 500 };
	uint32_t k, off, len, delivered = 0;

	make_datagram(2000);
	for (k = 0; k < 400; k++) {
		off = (uint32_t)rng_below(&rng, 12) * 160;
		len = RTE_MIN((uint32_t)rng_range(&rng, 1, 3) * 160, datagram_len - off);
		send_fragment_of((uint16_t)rng_below(&rng, 3), off, len, off + len < datagram_len,
				 0);
		while (delivered < fake.nrx) {
			const struct fake_rx *r = &fake.rx[delivered++ % FAKE_MAX];

			ck_assert_uint_eq(r->pkt.l4_len, datagram_len);
			ck_assert_mem_eq(r->data, datagram, datagram_len);
		}
	}
}
END_TEST

static Suite *reass_suite(void)
{
	Suite *s = suite_create("reass");
	TCase *tc = tcase_create("reass");

	tcase_add_checked_fixture(tc, nw_start, nw_stop);
	tcase_add_loop_test(tc, any_order_and_size_comes_together, 0, 60);
	tcase_add_test(tc, the_largest_datagram_comes_together);
	tcase_add_loop_test(tc, overlaps_kill_the_datagram, 0, 5);
	tcase_add_test(tc, a_fragment_within_what_is_here_is_a_repetition);
	tcase_add_loop_test(tc, contradictory_ends_kill_the_datagram, 0, 4);
	tcase_add_test(tc, an_empty_fragment_ends_the_datagram);
	tcase_add_test(tc, bytes_beyond_the_last_eight_are_left_out);
	tcase_add_test(tc, beyond_64_kib_is_dropped);
	tcase_add_test(tc, datagrams_are_told_apart_by_their_identification);
	tcase_add_test(tc, after_30_seconds_the_sender_hears_time_exceeded);
	tcase_add_test(tc, without_the_first_fragment_nobody_is_told);
	tcase_add_test(tc, a_flood_of_first_fragments_is_bounded_and_the_oldest_goes);
	tcase_add_test(tc, one_datagram_cannot_hold_the_whole_pool);
	tcase_add_loop_test(tc, congestion_marks_survive, 0, 8);
	tcase_add_loop_test(tc, random_fragments_never_deliver_wrong_bytes, 0, 20);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(reass_suite)
