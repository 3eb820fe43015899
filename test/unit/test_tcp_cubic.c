/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_cubic.c - CUBIC (RFC 9438) and HyStart++ (RFC 9406) on a sock of their own, round by round. */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#include "test/check_main.h"

static struct tcp_sock sock;
static struct tcp_sock *const tp = &sock;
static uint64_t now;

static void setup(void)
{
	memset(tp, 0, sizeof(*tp));
	tp->cwnd = TCP_INIT_CWND;
	tp->ssthresh = TCP_SSTHRESH_INF;
	tp->cwnd_clamp = UINT32_MAX;
	tp->reordering = TCP_DUPTHRESH;
	tp->mss = 1460;
	tp->rto = TCP_RTO_INIT;
	now = 100 * NS_PER_SEC;
	tcp_cc_assign(tp, TCP_CC_CUBIC);
	tp->cc->init(tp, now);
}

/* One round trip of rtt ns: a window is acknowledged, a segment per ACK.  What cwnd grew by. */
static uint32_t round_trip(uint64_t rtt)
{
	uint32_t w = tp->cwnd;

	tp->min_rtt = tp->min_rtt == 0 || rtt < tp->min_rtt ? rtt : tp->min_rtt;
	for (uint32_t i = 0; i < w; i++) {
		struct tcp_ack_info ai = { .now = now + rtt * i / w, .ca_rtt = rtt };

		tp->snd_una++;
		tp->snd_nxt = tp->snd_una + tp->cwnd;
		tp->cc->pkts_acked(tp, &ai);
		tp->cc->cong_avoid(tp, 1, &ai);
	}
	now += rtt;
	return tp->cwnd - w;
}

static unsigned int rounds_until(uint32_t target, uint64_t rtt)
{
	unsigned int n = 0;

	for (; tp->cwnd < target && n < 100000; n++)
		round_trip(rtt);
	return n;
}

/* A loss at cwnd: fast recovery is over, congestion avoidance begins. */
static void lose(uint32_t cwnd)
{
	tp->cwnd = tp->prior_cwnd = cwnd;
	tp->cwnd = tp->ssthresh = tp->cc->ssthresh(tp);
}

/* -- the curve ----------------------------------------------------------------------------------- */

/* 4.3: on a short path the Reno-friendly region rules, alpha = 0.53 a round, at any window. */
START_TEST(the_reno_friendly_region_holds_for_large_windows)
{
	static const uint32_t windows[] = { 50, 500, 2000, 10000 };
	uint32_t w = windows[_i];
	unsigned int n, want;

	lose(w);
	want = (unsigned int)((w - tp->cwnd) / 0.5294);
	n = rounds_until(w, 100 * NS_PER_US);
	ck_assert_msg(n > want * 0.9 && n < want * 1.1 + 3, "%u rounds, expected %u", n, want);
}
END_TEST

/* 4.3: above the old W_max it is as Reno: one segment a round. */
START_TEST(the_reno_friendly_region_turns_to_one_segment_a_round)
{
	unsigned int n;

	lose(100);
	rounds_until(105, 100 * NS_PER_US);
	n = rounds_until(125, 100 * NS_PER_US);
	ck_assert_msg(n >= 18 && n <= 23, "%u rounds for 20 segments", n);
}
END_TEST

/* 4.4, 4.5: concave up to W_max, flat there, convex beyond. */
START_TEST(the_curve_is_flat_around_w_max)
{
	uint64_t rtt = 100 * NS_PER_MS;
	uint32_t first, before, after, later;

	lose(1000); /* K = 9.09 s */
	first = round_trip(rtt);
	for (int i = 0; i < 79; i++)
		round_trip(rtt);
	before = tp->cwnd;
	for (int i = 0; i < 20; i++)
		round_trip(rtt);
	after = tp->cwnd - before;
	ck_assert_msg(first >= 5, "%u in the first round", first);
	ck_assert_msg(before > 990 && before <= 1001, "cwnd is %u after 8 s", before);
	ck_assert_msg(after <= 3, "%u in the two seconds around W_max", after);
	for (int i = 0; i < 100; i++)
		round_trip(rtt);
	later = tp->cwnd;
	/* C * (20 - 9.09)^3 = 519 */
	ck_assert_msg(later > 1400 && later < 1600, "cwnd is %u after 20 s", later);
}
END_TEST

/* Whole segments, as in Linux: below W_max a small window gains one a round trip. */
START_TEST(a_small_window_gains_a_segment_a_round_below_w_max)
{
	lose(10); /* K = 1.96 s */
	ck_assert_uint_eq(tp->cwnd, 7);
	ck_assert_uint_eq(round_trip(60 * NS_PER_MS), 1);
}
END_TEST

/* 4.8: after a time-out K is 0: no climb to the old W_max. */
START_TEST(after_a_time_out_the_curve_begins_flat)
{
	uint64_t rtt = 100 * NS_PER_MS;

	tp->cwnd = tp->prior_cwnd = 1000;
	tp->ssthresh = tp->cc->ssthresh(tp);
	tp->cc->on_rto(tp, now);
	tp->cwnd = tp->ssthresh; /* where slow start ends */
	for (int i = 0; i < 20; i++)
		round_trip(rtt);
	/* 700 + C * 2^3; with K from the old W_max it would be 860. */
	ck_assert_msg(tp->cwnd >= 700 && tp->cwnd < 720, "cwnd is %u after 2 s", tp->cwnd);
}
END_TEST

/* 4.9: a reduction that was for nothing leaves no trace. */
START_TEST(an_undone_reduction_leaves_the_curve_alone)
{
	uint64_t rtt = 100 * NS_PER_MS;
	uint32_t without;
	struct tcp_sock saved;

	lose(1000);
	for (int i = 0; i < 50; i++)
		round_trip(rtt);
	saved = *tp;
	for (int i = 0; i < 50; i++)
		round_trip(rtt);
	without = tp->cwnd;
	*tp = saved;
	now -= 50 * rtt;
	tp->prior_cwnd = tp->cwnd;
	tp->cwnd = tp->cc->ssthresh(tp);
	tp->cwnd = tp->cc->undo_cwnd(tp);
	tp->ssthresh = saved.ssthresh;
	ck_assert_uint_eq(tp->cwnd, saved.cwnd);
	for (int i = 0; i < 50; i++)
		round_trip(rtt);
	ck_assert_msg(tp->cwnd + 1 >= without && tp->cwnd <= without + 1, "%u, without it %u", tp->cwnd,
		      without);
}
END_TEST

/* 4.7: two flows, of which one has more: the larger gives way. */
START_TEST(fast_convergence_remembers_less)
{
	uint64_t rtt = 100 * NS_PER_MS;

	lose(1000);
	lose(900); /* W_max was not reached again: it becomes 900 * 0.85 */
	ck_assert_uint_eq(tp->cwnd, 630);
	for (int i = 0; i < 70; i++) /* K = cbrt(135 / 0.4) = 7 s */
		round_trip(rtt);
	ck_assert_msg(tp->cwnd >= 755 && tp->cwnd <= 772, "cwnd is %u after K", tp->cwnd);
}
END_TEST

/* -- HyStart++ --------------------------------------------------------------------------------------- */

START_TEST(slow_start_doubles_while_the_round_trip_stays)
{
	for (int i = 0; i < 6; i++)
		ck_assert_uint_eq(round_trip(50 * NS_PER_MS), 10u << i);
}
END_TEST

/* 4.2: the threshold is an eighth of the round trip, at least 4 ms, at most 16. */
START_TEST(a_delay_below_the_threshold_changes_nothing)
{
	static const struct {
		uint64_t rtt, more;
	} cases[] = { { 8, 3 }, { 80, 9 }, { 400, 15 } };

	for (int i = 0; i < 3; i++)
		round_trip(cases[_i].rtt * NS_PER_MS);
	ck_assert_uint_eq(round_trip((cases[_i].rtt + cases[_i].more) * NS_PER_MS), 80);
	ck_assert_uint_eq(round_trip((cases[_i].rtt + cases[_i].more) * NS_PER_MS), 160);
}
END_TEST

/* 4.2: conservative slow start grows by a quarter, for five rounds; then congestion avoidance. */
START_TEST(conservative_slow_start_grows_by_a_quarter_for_five_rounds)
{
	unsigned int n;

	for (int i = 0; i < 3; i++)
		round_trip(40 * NS_PER_MS);
	ck_assert_uint_eq(tp->cwnd, 80);
	/* The round in which it shows: eight samples at full growth, the rest at a quarter. */
	n = round_trip(50 * NS_PER_MS);
	ck_assert_msg(n >= 8 + 70 / 4 && n <= 8 + 74 / 4 + 1, "%u in the first round", n);
	for (int i = 0; i < 4; i++) {
		uint32_t w = tp->cwnd;

		n = round_trip(50 * NS_PER_MS);
		ck_assert_msg(n >= w / 4 - 1 && n <= w / 4 + 1, "%u of %u", n, w);
	}
	ck_assert_uint_eq(tp->ssthresh, TCP_SSTHRESH_INF);
	n = round_trip(50 * NS_PER_MS);
	ck_assert_uint_lt(tp->ssthresh, TCP_SSTHRESH_INF);
	ck_assert_msg(n < 10, "%u in congestion avoidance", n);
}
END_TEST

/* 4.2: the delay was noise: back to slow start. */
START_TEST(conservative_slow_start_ends_when_the_delay_goes)
{
	uint32_t w;

	for (int i = 0; i < 3; i++)
		round_trip(40 * NS_PER_MS);
	round_trip(50 * NS_PER_MS);
	round_trip(40 * NS_PER_MS); /* ends within it, after eight samples */
	w = tp->cwnd;
	ck_assert_uint_eq(round_trip(40 * NS_PER_MS), w);
	ck_assert_uint_eq(tp->ssthresh, TCP_SSTHRESH_INF);
}
END_TEST

/* 4.3: only the initial slow start; a later one has ssthresh to go by. */
START_TEST(a_later_slow_start_is_not_watched)
{
	tp->ssthresh = 1000;
	for (int i = 0; i < 3; i++)
		round_trip(40 * NS_PER_MS);
	ck_assert_uint_eq(round_trip(60 * NS_PER_MS), 80);
	ck_assert_uint_eq(round_trip(60 * NS_PER_MS), 160);
	ck_assert_uint_eq(tp->ssthresh, 1000);
}
END_TEST

/* -- byte counting --------------------------------------------------------------------------------------- */

/* RFC 3465 2.2, 2.3: NewReno grows by two segments per ACK at most, after a time-out by one. */
START_TEST(newreno_counts_all_that_an_ack_acknowledges)
{
	struct tcp_ack_info ai = { .now = now };

	tcp_cc_assign(tp, TCP_CC_NEWRENO);
	tp->cc->cong_avoid(tp, 1, &ai);
	ck_assert_uint_eq(tp->cwnd, 11);
	tp->cc->cong_avoid(tp, 2, &ai);
	ck_assert_uint_eq(tp->cwnd, 13);
	tp->cc->cong_avoid(tp, 10, &ai);
	ck_assert_uint_eq(tp->cwnd, 23);
	/* Across ssthresh: the rest is a part of congestion avoidance's next segment. */
	tp->ssthresh = 25;
	tp->cc->cong_avoid(tp, 10, &ai);
	ck_assert_uint_eq(tp->cwnd, 25);
	ck_assert_uint_eq(tp->cwnd_cnt, 8);
}
END_TEST

static Suite *cubic_suite(void)
{
	Suite *s = suite_create("tcp-cubic");
	TCase *tc = tcase_create("tcp-cubic");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, the_reno_friendly_region_holds_for_large_windows, 0, 4);
	tcase_add_test(tc, the_reno_friendly_region_turns_to_one_segment_a_round);
	tcase_add_test(tc, the_curve_is_flat_around_w_max);
	tcase_add_test(tc, after_a_time_out_the_curve_begins_flat);
	tcase_add_test(tc, a_small_window_gains_a_segment_a_round_below_w_max);
	tcase_add_test(tc, an_undone_reduction_leaves_the_curve_alone);
	tcase_add_test(tc, fast_convergence_remembers_less);
	tcase_add_test(tc, slow_start_doubles_while_the_round_trip_stays);
	tcase_add_loop_test(tc, a_delay_below_the_threshold_changes_nothing, 0, 3);
	tcase_add_test(tc, conservative_slow_start_grows_by_a_quarter_for_five_rounds);
	tcase_add_test(tc, conservative_slow_start_ends_when_the_delay_goes);
	tcase_add_test(tc, a_later_slow_start_is_not_watched);
	tcase_add_test(tc, newreno_counts_all_that_an_ack_acknowledges);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(cubic_suite)
