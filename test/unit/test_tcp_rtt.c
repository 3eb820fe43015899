/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_rtt.c - RFC 6298 on a sock of its own; congestion control; the states' table. */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#include "test/check_main.h"
#include "test/wire/rng.h"

static struct tcp_sock sock;
static struct tcp_sock *const tp = &sock;

static void setup(void)
{
	memset(tp, 0, sizeof(*tp));
	tp->cwnd = TCP_INIT_CWND;
	tp->ssthresh = TCP_SSTHRESH_INF;
	tp->cwnd_clamp = UINT32_MAX;
	tp->reordering = TCP_DUPTHRESH;
	tp->mss = 1460;
	tp->rto = TCP_RTO_INIT;
}

/* -- RTT ---------------------------------------------------------------------------------------- */

START_TEST(before_any_sample_the_rto_is_one_second)
{
	tcp_rto_reset(tp);
	ck_assert_uint_eq(tp->rto, NS_PER_SEC);
}
END_TEST

/* RFC 6298 2.2: SRTT = R, RTTVAR = R/2, RTO = R + 4 * R/2. */
START_TEST(the_first_sample_gives_three_times_the_rtt)
{
	tcp_rtt_sample(tp, 400 * NS_PER_MS);
	tcp_rto_reset(tp);
	ck_assert_uint_eq(tp->srtt >> 3, 400 * NS_PER_MS);
	ck_assert_uint_eq(tp->rto, 1200 * NS_PER_MS);
}
END_TEST

START_TEST(the_rto_never_falls_below_200_ms_over_the_rtt_nor_rises_above_the_maximum)
{
	for (int i = 0; i < 1000; i++) {
		tp->snd_una += 1000;
		tp->snd_nxt = tp->snd_una + 1000;
		tcp_rtt_sample(tp, 50 * NS_PER_US);
		tcp_rto_reset(tp);
		ck_assert_uint_ge(tp->rto, TCP_RTO_MIN);
	}
	ck_assert_uint_le(tp->rto, TCP_RTO_MIN + NS_PER_MS);
	for (int i = 0; i < 100; i++)
		tcp_rtt_sample(tp, 100 * NS_PER_SEC);
	tcp_rto_reset(tp);
	ck_assert_uint_eq(tp->rto, TCP_RTO_MAX);
}
END_TEST

/* RFC 6298 2.3: a smoothed mean with gain 1/8 stays within the samples. */
START_TEST(the_mean_follows_the_samples)
{
	struct rng r = { 7 };

	for (int i = 0; i < 5000; i++) {
		tp->snd_una += 1000;
		tp->snd_nxt = tp->snd_una + 10000;
		tcp_rtt_sample(tp, rng_range(&r, 10 * NS_PER_MS, 30 * NS_PER_MS));
		ck_assert_uint_ge(tp->srtt >> 3, 10 * NS_PER_MS - 1);
		ck_assert_uint_le(tp->srtt >> 3, 30 * NS_PER_MS);
	}
	ck_assert_uint_gt(tp->srtt >> 3, 15 * NS_PER_MS);
	ck_assert_uint_lt(tp->srtt >> 3, 25 * NS_PER_MS);
}
END_TEST

START_TEST(the_least_rtt_is_kept_five_minutes)
{
	tcp_min_rtt_update(tp, 10 * NS_PER_MS, 1);
	tcp_min_rtt_update(tp, 20 * NS_PER_MS, 100 * NS_PER_SEC);
	ck_assert_uint_eq(tp->min_rtt, 10 * NS_PER_MS);
	tcp_min_rtt_update(tp, 20 * NS_PER_MS, 302 * NS_PER_SEC);
	ck_assert_uint_eq(tp->min_rtt, 20 * NS_PER_MS);
	tcp_min_rtt_update(tp, 0, 303 * NS_PER_SEC); /* no sample is no RTT */
	ck_assert_uint_eq(tp->min_rtt, 20 * NS_PER_MS);
}
END_TEST

/* -- congestion control ----------------------------------------------------------------------- */

static void use(const char *name)
{
	int id = tcp_cc_find(name);

	ck_assert_int_ge(id, 0);
	tcp_cc_assign(tp, (unsigned int)id);
	tp->cc->init(tp, 1);
}

START_TEST(algorithms_are_found_by_linux_names)
{
	ck_assert_int_eq(tcp_cc_find("cubic"), TCP_CC_CUBIC);
	ck_assert_int_eq(tcp_cc_find("reno"), TCP_CC_NEWRENO);
	ck_assert_int_eq(tcp_cc_find("newreno"), TCP_CC_NEWRENO);
	ck_assert_int_eq(tcp_cc_find("vegas"), -1);
	ck_assert_int_eq(tcp_cc_find(""), -1);
	for (unsigned int i = 0; i < TCP_CC_COUNT; i++)
		ck_assert_int_eq(tcp_cc_find(tcp_cc_by_id(i)->name), (int)i);
}
END_TEST

/* One segment per segment acknowledged, up to ssthresh exactly. */
START_TEST(slow_start_stops_at_ssthresh_and_returns_the_rest)
{
	tp->ssthresh = 15;
	ck_assert_uint_eq(tcp_slow_start(tp, 3), 0);
	ck_assert_uint_eq(tp->cwnd, 13);
	ck_assert_uint_eq(tcp_slow_start(tp, 5), 3);
	ck_assert_uint_eq(tp->cwnd, 15);
	tp->cwnd_clamp = 16;
	tp->ssthresh = 100;
	tcp_slow_start(tp, 50);
	ck_assert_uint_eq(tp->cwnd, 16);
}
END_TEST

/* RFC 5681 3.1: one segment per round trip, however the ACKs are divided. */
START_TEST(newreno_adds_one_segment_per_window)
{
	struct tcp_ack_info ai = { .now = NS_PER_SEC };
	uint32_t step = 1u << _i; /* segments per ACK: 1, 2, 4, 8 */

	use("reno");
	tp->cwnd = 64;
	tp->ssthresh = 32;
	for (uint32_t acked = 0; acked < 64; acked += step)
		tp->cc->cong_avoid(tp, step, &ai);
	ck_assert_uint_eq(tp->cwnd, 65);
	ck_assert_uint_eq(tp->cc->ssthresh(tp), 32);
	tp->cwnd = 3;
	ck_assert_uint_eq(tp->cc->ssthresh(tp), 2);
}
END_TEST

/* Runs rounds of rtt ns, each acknowledging a window; returns the rounds until cwnd >= target. */
static unsigned int rounds_until(uint32_t target, uint64_t rtt, uint64_t *now)
{
	unsigned int n = 0;

	tp->min_rtt = rtt;
	tp->srtt = rtt << 3;
	for (; tp->cwnd < target && n < 100000; n++) {
		uint32_t w = tp->cwnd;

		for (uint32_t i = 0; i < w; i++) {
			struct tcp_ack_info ai = { .now = *now + rtt * i / w };

			tp->cc->cong_avoid(tp, 1, &ai);
		}
		*now += rtt;
	}
	return n;
}

/* RFC 9438 4.2 and figure of K: back at W_max after K = cbrt(W_max * 0.3 / 0.4) seconds. */
START_TEST(cubic_returns_to_w_max_after_k_seconds)
{
	uint64_t now = 100 * NS_PER_SEC, start, rtt = 100 * NS_PER_MS;
	double took, k = 9.08; /* cbrt(1000 * 0.75) */

	use("cubic");
	tp->cwnd = 1000;
	tp->ssthresh = tp->cc->ssthresh(tp);
	ck_assert_uint_eq(tp->ssthresh, 700);
	tp->cwnd = tp->ssthresh;
	start = now;
	rounds_until(999, rtt, &now);
	took = (double)(now - start) / NS_PER_SEC;
	ck_assert_msg(took > k * 0.6 && took < k * 1.15, "took %.2f s, K is %.2f s", took, k);
}
END_TEST

/* 4.3: where AIMD is faster (short RTT, small window) CUBIC is not slower than it by much. */
START_TEST(cubic_is_not_slower_than_reno_on_a_short_path)
{
	uint64_t now = 100 * NS_PER_SEC, rtt = 1 * NS_PER_MS;
	unsigned int reno, cubic;

	use("reno");
	tp->cwnd = tp->ssthresh = 35;
	reno = rounds_until(50, rtt, &now);
	setup();
	use("cubic");
	tp->cwnd = 50;
	tp->ssthresh = tp->cc->ssthresh(tp);
	tp->cwnd = tp->ssthresh;
	cubic = rounds_until(50, rtt, &now);
	/* alpha is 0.53 until W_max, from 0.7 W_max instead of 0.5: about the same average. */
	ck_assert_msg(cubic <= 2 * reno + 2, "cubic %u rounds, reno %u", cubic, reno);
}
END_TEST

/* 4.7: a flow that is hit again below its old W_max gives way. */
START_TEST(cubic_fast_convergence_lowers_w_max)
{
	uint64_t now = 100 * NS_PER_SEC;
	uint32_t high, low;

	use("cubic");
	tp->cwnd = 1000;
	tp->cwnd = tp->ssthresh = tp->cc->ssthresh(tp);
	tp->cwnd = 800;
	tp->cwnd = tp->ssthresh = tp->cc->ssthresh(tp); /* W_max becomes 680 */
	ck_assert_uint_eq(tp->cwnd, 560);
	low = rounds_until(680, 100 * NS_PER_MS, &now);
	high = rounds_until(800, 100 * NS_PER_MS, &now);
	ck_assert_uint_gt(low, 0);
	ck_assert_uint_gt(high, low / 2);
}
END_TEST

/* RFC 9406: a round trip that grows by more than an eighth ends slow start within CSS_ROUNDS. */
START_TEST(hystart_leaves_slow_start_when_the_delay_grows)
{
	uint64_t rtt = 20 * NS_PER_MS;
	unsigned int rounds = 0;

	use("cubic");
	for (; tp->cwnd < tp->ssthresh && rounds < 40; rounds++) {
		uint32_t w = tp->cwnd;

		tp->snd_nxt = tp->snd_una + w;
		for (uint32_t i = 0; i < w; i++) {
			struct tcp_ack_info ai = { .now = NS_PER_SEC, .ca_rtt = rtt };

			tp->snd_una++;
			tp->cc->pkts_acked(tp, &ai);
			tp->cc->cong_avoid(tp, 1, &ai);
		}
		if (rounds >= 4) /* the queue builds up */
			rtt += 6 * NS_PER_MS;
	}
	ck_assert_msg(rounds >= 5 && rounds <= 12, "%u rounds", rounds);
	ck_assert_uint_lt(tp->cwnd, 10u << 9);
}
END_TEST

/* -- states ------------------------------------------------------------------------------------ */

/* RFC 9293 figure 5, spelt out; everything else is illegal. */
START_TEST(only_the_transitions_of_the_diagram_are_legal)
{
	static const uint8_t legal[][2] = {
		{ TCPS_CLOSED, TCPS_LISTEN },
		{ TCPS_CLOSED, TCPS_SYN_SENT },
		{ TCPS_CLOSED, TCPS_ESTABLISHED },
		{ TCPS_CLOSED, TCPS_SYN_RECEIVED },
		{ TCPS_SYN_SENT, TCPS_SYN_RECEIVED },
		{ TCPS_SYN_SENT, TCPS_ESTABLISHED },
		{ TCPS_SYN_RECEIVED, TCPS_ESTABLISHED },
		{ TCPS_SYN_RECEIVED, TCPS_FIN_WAIT_1 },
		{ TCPS_ESTABLISHED, TCPS_FIN_WAIT_1 },
		{ TCPS_ESTABLISHED, TCPS_CLOSE_WAIT },
		{ TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2 },
		{ TCPS_FIN_WAIT_1, TCPS_CLOSING },
		{ TCPS_FIN_WAIT_1, TCPS_TIME_WAIT },
		{ TCPS_FIN_WAIT_2, TCPS_TIME_WAIT },
		{ TCPS_CLOSE_WAIT, TCPS_LAST_ACK },
		{ TCPS_CLOSING, TCPS_TIME_WAIT },
	};
	bool expected[TCPS_COUNT][TCPS_COUNT] = { { false } };

	for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++)
		expected[legal[i][0]][legal[i][1]] = true;
	for (uint8_t from = 0; from < TCPS_COUNT; from++) {
		expected[from][TCPS_CLOSED] = true;
		for (uint8_t to = 0; to < TCPS_COUNT; to++)
			ck_assert_msg(tcp_transition_is_legal(from, to) == expected[from][to],
				      "%s to %s", tcp_state_name(from), tcp_state_name(to));
	}
	ck_assert(!tcp_transition_is_legal(TCPS_COUNT, TCPS_CLOSED));
}
END_TEST

static Suite *rtt_suite(void)
{
	Suite *s = suite_create("tcp-rtt");
	TCase *tc = tcase_create("tcp-rtt");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, before_any_sample_the_rto_is_one_second);
	tcase_add_test(tc, the_first_sample_gives_three_times_the_rtt);
	tcase_add_test(tc, the_rto_never_falls_below_200_ms_over_the_rtt_nor_rises_above_the_maximum);
	tcase_add_test(tc, the_mean_follows_the_samples);
	tcase_add_test(tc, the_least_rtt_is_kept_five_minutes);
	tcase_add_test(tc, algorithms_are_found_by_linux_names);
	tcase_add_test(tc, slow_start_stops_at_ssthresh_and_returns_the_rest);
	tcase_add_loop_test(tc, newreno_adds_one_segment_per_window, 0, 4);
	tcase_add_test(tc, cubic_returns_to_w_max_after_k_seconds);
	tcase_add_test(tc, cubic_is_not_slower_than_reno_on_a_short_path);
	tcase_add_test(tc, cubic_fast_convergence_lowers_w_max);
	tcase_add_test(tc, hystart_leaves_slow_start_when_the_delay_grows);
	tcase_add_test(tc, only_the_transitions_of_the_diagram_are_legal);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(rtt_suite)
