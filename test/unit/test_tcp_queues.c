/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_queues.c - reassembly and scoreboard against naive twins; cookies; tables. */
#include "stack/tcp/tcp.h"

#include "test/check_main.h"
#include "test/wire/rng.h"
#include "test/wire/world.h"

static struct world *w;
static struct stack *st;
static struct tcp_sock *tp;

static void setup(void)
{
	w = world_pair(1);
	st = w->nodes[0].st;
	tp = tcp_sock_alloc(st, AF_INET, w->now);
	tp->inet.sk.rcvbuf = 4 << 20;
	tp->flags |= TF_SACK;
	tp->mss = 100;
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = 0xfffffc00u; /* the wrap is on the way */
	tp->rcv_wnd = 1 << 20;
}

static void teardown(void)
{
	tp->inet.sk.flags |= SOCK_F_DEAD;
	st->tcp.orphans++;
	tcp_destroy(st, tp);
	world_finish(w);
}

/* -- reassembly ------------------------------------------------------------------------------- */

#define STREAM 4096

static uint8_t byte_at(uint32_t pos)
{
	return (uint8_t)(pos * 31 + (pos >> 8));
}

/* A segment of bytes [pos, pos + len) of the stream, as input would hand it over. */
static void arrive(uint32_t base, uint32_t pos, uint32_t len, bool fin)
{
	struct rte_mbuf *m = pkt_alloc(st);
	struct rx_pkt pkt = { .m = m };
	struct tcp_rx rx = { .pkt = &pkt, .off = 54 };

	for (uint32_t i = 0; i < len; i++)
		rte_pktmbuf_mtod(m, uint8_t *)[54 + i] = byte_at(pos + i);
	m->data_len = (uint16_t)(54 + len);
	m->pkt_len = m->data_len;
	rx.seg.seq = base + pos;
	rx.seg.len = len;
	rx.seg.flags = TH_ACK | (fin ? TH_FIN : 0);
	rx.seg.end_seq = rx.seg.seq + len + fin;
	tcp_rcv_data(st, tp, &rx, w->now);
	if (!rx.taken)
		rte_pktmbuf_free(m);
}

/* The blocks we tell are true: within what came, above rcv_nxt, apart from each other. */
static void check_sacks(uint32_t base, const bool *have)
{
	for (unsigned int i = 0; i < tp->nsacks_out; i++) {
		struct tcp_sack s = tp->sacks_out[i];

		ck_assert(seq_gt(s.start, tp->rcv_nxt) && seq_lt(s.start, s.end));
		for (uint32_t p = s.start - base; p != s.end - base && p < STREAM; p++)
			ck_assert_msg(have[p], "byte %u is told but did not come", p);
		for (unsigned int k = 0; k < i; k++)
			ck_assert(seq_lt(tp->sacks_out[k].end, s.start) ||
				  seq_gt(tp->sacks_out[k].start, s.end));
	}
}

static void check_stream(uint32_t n)
{
	struct rte_mbuf *m;
	uint32_t pos = 0;

	for (m = tp->rcvq.head; m != NULL; m = pkt_cb(m)->qnext)
		for (uint32_t i = 0; i < pkt_cb(m)->len; i++, pos++)
			ck_assert_uint_eq(*rte_pktmbuf_mtod_offset(m, uint8_t *, pkt_cb(m)->off + i),
					  byte_at(pos));
	ck_assert_uint_eq(pos, n);
	ck_assert_uint_eq(tp->rcvq.bytes, n);
}

START_TEST(any_order_of_overlapping_segments_gives_the_stream_once)
{
	struct rng r = { (uint64_t)_i + 100 };
	bool have[STREAM + 1] = { false };
	uint32_t base = tp->rcv_nxt, edge = 0;

	while (edge < STREAM) {
		uint32_t pos = (uint32_t)rng_below(&r, STREAM);
		uint32_t len = (uint32_t)rng_range(&r, 1, 300);
		uint32_t i;

		if (rng_below(&r, 4) == 0) /* help it along */
			pos = edge - (uint32_t)rng_below(&r, edge + 1) % 50;
		if (pos + len > STREAM)
			len = STREAM - pos;
		/* A twin that marks bytes must agree after each segment. */
		arrive(base, pos, len, pos + len == STREAM);
		for (i = pos; i < pos + len; i++)
			have[i] = true;
		while (edge < STREAM && have[edge])
			edge++;
		ck_assert_uint_eq(tp->rcv_nxt - base, edge == STREAM ? edge + 1 : edge);
		check_sacks(base, have);
	}
	check_stream(STREAM);
	ck_assert_ptr_null(tp->ofo_head);
	ck_assert_uint_eq(st->tcp.ofo_bytes, 0);
	ck_assert_uint_eq(tp->nsacks_out, 0);
	ck_assert(tp->inet.sk.shutdown & RCV_SHUTDOWN);
}
END_TEST

/* RFC 2018 4: the first block contains the segment that came last. */
START_TEST(the_newest_block_is_told_first)
{
	uint32_t base = tp->rcv_nxt;

	arrive(base, 1000, 100, false);
	arrive(base, 2000, 100, false);
	arrive(base, 3000, 100, false);
	ck_assert_uint_eq(tp->sacks_out[0].start - base, 3000);
	arrive(base, 1100, 100, false);
	ck_assert_uint_eq(tp->nsacks_out, 3);
	ck_assert_uint_eq(tp->sacks_out[0].start - base, 1000);
	ck_assert_uint_eq(tp->sacks_out[0].end - base, 1200);
	ck_assert_uint_eq(tp->sacks_out[1].start - base, 3000);
}
END_TEST

/* RFC 2883 4.1: a duplicate is told, once. */
START_TEST(a_duplicate_is_told_as_dsack)
{
	uint32_t base = tp->rcv_nxt;

	arrive(base, 0, 100, false);
	ck_assert(!tp->dsack_out);
	arrive(base, 0, 100, false);
	ck_assert(tp->dsack_out);
	ck_assert_uint_eq(tp->dsack.start - base, 0);
	ck_assert_uint_eq(tp->dsack.end - base, 100);
}
END_TEST

START_TEST(reassembly_memory_is_bounded_by_the_buffer)
{
	uint32_t base = tp->rcv_nxt;

	tp->inet.sk.rcvbuf = 64 << 10;
	for (uint32_t i = 0; i < 1000; i++)
		arrive(base, 10 + i * 10, 5, false);
	ck_assert_uint_le(tp->inet.sk.rmem, tp->inet.sk.rcvbuf + 4096);
	ck_assert_uint_gt(st->mib.v[MIB_TCP_OFO_DROP], 0);
	/* What is in order still gets in, at the cost of what is not. */
	arrive(base, 0, 10, false);
	ck_assert_uint_ge(tp->rcv_nxt - base, 10);
}
END_TEST

/* -- scoreboard ---------------------------------------------------------------------------------- */

#define SEGS 50

static void fill_send_queue(void)
{
	tp->write_seq = tp->snd_una = tp->snd_nxt = 0xffffff00u;
	for (int i = 0; i < SEGS; i++) {
		struct rte_mbuf *m = tcp_sndq_new(st, tp);

		pkt_cb(m)->len = 100;
		pkt_cb(m)->end_seq += 100;
		pkt_cb(m)->tstamp = w->now;
		tp->write_seq += 100;
	}
	tp->snd_nxt = tp->write_seq;
	tp->send_head = NULL;
	tp->packets_out = SEGS;
	tp->high_seq = tp->snd_una;
	tp->fack_seq = tp->snd_una;
}

START_TEST(the_scoreboard_agrees_with_a_naive_twin)
{
	struct rng r = { (uint64_t)_i + 5 };
	bool sacked[SEGS] = { false };
	uint32_t una;

	fill_send_queue();
	una = tp->snd_una;
	for (int n = 0; n < 60; n++) {
		struct tcp_seg seg = { .ack = una, .opts = TCP_HAS_SACK };
		struct tcp_ack_info ai = { .now = w->now + NS_PER_MS, .reord_seq = tp->snd_nxt };
		struct rte_mbuf *m = tp->snd_head;
		uint32_t count = 0, before = tp->sacked_out, fresh = 0;

		seg.nsacks = (uint8_t)rng_range(&r, 1, 4);
		for (unsigned int b = 0; b < seg.nsacks; b++) {
			uint32_t from = (uint32_t)rng_range(&r, 1, SEGS * 100 - 1);
			uint32_t to = from + (uint32_t)rng_range(&r, 1, 700);

			if (to > SEGS * 100)
				to = SEGS * 100;
			seg.sacks[b] = (struct tcp_sack){ una + from, una + to };
			/* The second containing the first would make that one a D-SACK. */
			if (b == 1 && seq_leq(seg.sacks[0].end, seg.sacks[1].end) &&
			    seq_geq(seg.sacks[0].start, seg.sacks[1].start))
				seg.nsacks = 1;
			else
				for (uint32_t s = 0; s < SEGS; s++)
					if (s * 100 >= from && s * 100 + 100 <= to) {
						fresh += !sacked[s];
						sacked[s] = true;
					}
			if (seg.nsacks == 1 && b == 1)
				break;
		}
		tcp_sack_process(st, tp, &seg, &ai);
		ck_assert_uint_eq(ai.newly_sacked, fresh);
		for (int s = 0; s < SEGS; s++, m = pkt_cb(m)->qnext) {
			ck_assert_int_eq((pkt_cb(m)->sacked & SEG_SACKED) != 0, sacked[s]);
			count += sacked[s];
		}
		ck_assert_uint_eq(tp->sacked_out, count);
		ck_assert_uint_eq(count - before, fresh);
	}
	tcp_sndq_purge(st, tp);
}
END_TEST

/* RFC 5927's spirit: blocks about what was never sent, or about nothing, change nothing. */
START_TEST(impossible_sack_blocks_are_ignored)
{
	struct tcp_seg seg = { .opts = TCP_HAS_SACK, .nsacks = 3 };
	struct tcp_ack_info ai = { .now = w->now, .reord_seq = 0 };

	fill_send_queue();
	ai.reord_seq = tp->snd_nxt;
	seg.ack = tp->snd_una;
	seg.sacks[0] = (struct tcp_sack){ tp->snd_una + 100, tp->snd_nxt + 1 };
	seg.sacks[1] = (struct tcp_sack){ tp->snd_una + 300, tp->snd_una + 200 };
	seg.sacks[2] = (struct tcp_sack){ tp->snd_una + 300, tp->snd_una + 300 };
	ck_assert(!tcp_sack_process(st, tp, &seg, &ai));
	ck_assert_uint_eq(tp->sacked_out, 0);
	tcp_sndq_purge(st, tp);
}
END_TEST

/* Splitting keeps the bytes, the numbers and the counts. */
START_TEST(a_split_segment_has_the_same_bytes)
{
	struct rte_mbuf *m, *rest;

	fill_send_queue();
	m = tp->snd_head;
	for (uint32_t i = 0; i < 100; i++)
		tcp_sndq_payload(m)[i] = byte_at(i);
	tcp_mark_lost(tp, m);
	ck_assert_int_eq(tcp_split(st, tp, m, 30), 0);
	rest = pkt_cb(m)->qnext;
	ck_assert_uint_eq(pkt_cb(m)->len, 30);
	ck_assert_uint_eq(pkt_cb(rest)->len, 70);
	ck_assert_uint_eq(pkt_cb(rest)->seq, pkt_cb(m)->end_seq);
	for (uint32_t i = 0; i < 70; i++)
		ck_assert_uint_eq(tcp_sndq_payload(rest)[i], byte_at(30 + i));
	ck_assert_uint_eq(tp->packets_out, SEGS + 1);
	ck_assert_uint_eq(tp->lost_out, 2);
	ck_assert_uint_eq(tp->lost_unsent, 2);
	tp->lost_unsent = 0;
	tcp_sndq_purge(st, tp);
}
END_TEST

/* -- secrets ----------------------------------------------------------------------------------- */

static const struct tcp_key some_key = { .lport = 80, .rport = 40000 };

START_TEST(cookies_are_recognised_for_two_minutes_at_most)
{
	struct rng r = { 3 };

	for (int i = 0; i < 500; i++) {
		uint64_t now = rng_below(&r, 1ull << 60), later;
		uint32_t irs = (uint32_t)rng_next(&r), cookie;
		uint16_t want = (uint16_t)rng_range(&r, 536, 9000), mss = want;

		cookie = tcp_cookie_make(st, &some_key, irs, &mss, now);
		ck_assert_uint_le(mss, want);
		ck_assert_uint_eq(tcp_cookie_check(st, &some_key, irs, cookie, now), mss);
		later = now + rng_below(&r, TCP_COOKIE_PERIOD);
		ck_assert_uint_eq(tcp_cookie_check(st, &some_key, irs, cookie, later), mss);
		ck_assert_uint_eq(tcp_cookie_check(st, &some_key, irs, cookie,
						   now + 2 * TCP_COOKIE_PERIOD), 0);
		ck_assert_uint_eq(tcp_cookie_check(st, &some_key, irs + 1, cookie, now), 0);
	}
}
END_TEST

/* RFC 6528: differs by 4-tuple, grows with time. */
START_TEST(initial_numbers_grow_and_differ)
{
	struct tcp_key other = some_key;
	uint32_t a = tcp_isn(st, &some_key, NS_PER_SEC);

	other.rport++;
	ck_assert_uint_ne(a, tcp_isn(st, &other, NS_PER_SEC));
	ck_assert_uint_eq(tcp_isn(st, &some_key, 2 * NS_PER_SEC) - a, NS_PER_SEC / 64);
	ck_assert_uint_ne(tcp_ts_offset(st, &some_key), tcp_ts_offset(st, &other));
	ck_assert_uint_eq(tcp_ts_offset(st, &some_key), tcp_ts_offset(st, &some_key));
}
END_TEST

/* -- one deadline each, one timer for all ------------------------------------------------------- */

START_TEST(moving_a_deadline_later_does_not_touch_the_wheel)
{
	uint64_t now = w->now;

	tcp_timer_set(st, tp, TCPT_XMIT, now + 200 * NS_PER_MS);
	ck_assert_uint_eq(tp->timer.deadline, now + 200 * NS_PER_MS);
	tcp_timer_set(st, tp, TCPT_XMIT, now + 300 * NS_PER_MS);
	ck_assert_uint_eq(tp->timer.deadline, now + 200 * NS_PER_MS);
	tcp_timer_set(st, tp, TCPT_DELACK, now + 40 * NS_PER_MS);
	ck_assert_uint_eq(tp->timer.deadline, now + 40 * NS_PER_MS);
	tcp_timer_clear(tp, TCPT_DELACK);
	ck_assert_uint_eq(tcp_timers_next(tp), now + 300 * NS_PER_MS);
	tcp_timer_stop_all(st, tp);
	ck_assert(!timer_is_armed(&tp->timer));
	ck_assert_uint_eq(tcp_timers_next(tp), TIMER_NEVER);
}
END_TEST

static Suite *queues_suite(void)
{
	Suite *s = suite_create("tcp-queues");
	TCase *tc = tcase_create("tcp-queues");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, any_order_of_overlapping_segments_gives_the_stream_once, 0, 20);
	tcase_add_test(tc, the_newest_block_is_told_first);
	tcase_add_test(tc, a_duplicate_is_told_as_dsack);
	tcase_add_test(tc, reassembly_memory_is_bounded_by_the_buffer);
	tcase_add_loop_test(tc, the_scoreboard_agrees_with_a_naive_twin, 0, 20);
	tcase_add_test(tc, impossible_sack_blocks_are_ignored);
	tcase_add_test(tc, a_split_segment_has_the_same_bytes);
	tcase_add_test(tc, cookies_are_recognised_for_two_minutes_at_most);
	tcase_add_test(tc, initial_numbers_grow_and_differ);
	tcase_add_test(tc, moving_a_deadline_later_does_not_touch_the_wheel);
	suite_add_tcase(s, tc);
	return s;
}

int main(int argc, char **argv)
{
	(void)argc;
	test_eal_init();
	return check_main(queues_suite(), argv[0]);
}
