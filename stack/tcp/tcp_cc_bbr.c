/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_cc_bbr.c - BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00).
 *
 * Not loss but a model of the path decides: the largest delivery rate of the last ten round
 * trips (btl_bw) and the least round trip of the last ten seconds (tp->min_rtt's own window
 * is longer, so one is kept here).  Sending is paced at gain * btl_bw, with cwnd as the limit
 * at cwnd_gain * btl_bw * min_rtt.
 *
 *   STARTUP	 doubles each round trip until the rate stops growing (25 % in three rounds)
 *   DRAIN	 empties the queue that STARTUP made
 *   PROBE_BW	 eight phases of one min_rtt: faster, slower, six at the rate
 *   PROBE_RTT	 after ten seconds without a smaller RTT: four segments in flight for 200 ms
 *
 * Rates are in segments per microsecond << 24, gains in 1/256.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#define BW_SHIFT 24
#define GAIN_UNIT 256u
#define HIGH_GAIN 739u	/* 2 / ln 2 = 2.885 */
#define DRAIN_GAIN 88u	/* its inverse */
#define CWND_GAIN 512u	/* 2 */
#define BW_ROUNDS 10
#define CYCLE_PHASES 8
#define MIN_RTT_WINDOW (10 * NS_PER_SEC)
#define PROBE_RTT_TIME (200 * NS_PER_MS)
#define MIN_CWND 4u
#define FULL_BW_ROUNDS 3

enum bbr_mode { BBR_STARTUP, BBR_DRAIN, BBR_PROBE_BW, BBR_PROBE_RTT };

struct bbr {
	uint64_t min_rtt, min_rtt_stamp; /* ns */
	uint64_t probe_rtt_done;	 /* ns, 0: not yet down to MIN_CWND */
	uint64_t cycle_stamp;
	uint32_t bw[BW_ROUNDS];		 /* largest of each of the last rounds */
	uint32_t round;
	uint32_t next_round_delivered;
	uint32_t full_bw;
	uint32_t prior_cwnd;
	uint8_t full_bw_cnt;
	uint8_t mode;
	uint8_t phase;
	uint8_t prev_ca_state;
	bool round_start;
	bool full_bw_reached;
	bool conserve; /* first round of a recovery: send only what was delivered */
	bool probe_rtt_round_done;
};
static_assert(sizeof(struct bbr) <= sizeof(((struct tcp_sock *)0)->cc_priv), "fits");

static const uint16_t phase_gain[CYCLE_PHASES] = { 320, 192, 256, 256, 256, 256, 256, 256 };

static struct bbr *bbr_of(struct tcp_sock *tp)
{
	return (struct bbr *)tp->cc_priv;
}

static uint32_t max_bw(const struct bbr *b)
{
	uint32_t bw = 0;

	for (unsigned int i = 0; i < BW_ROUNDS; i++)
		if (b->bw[i] > bw)
			bw = b->bw[i];
	return bw;
}

static uint32_t pacing_gain(const struct bbr *b)
{
	switch (b->mode) {
	case BBR_STARTUP:
		return HIGH_GAIN;
	case BBR_DRAIN:
		return DRAIN_GAIN;
	case BBR_PROBE_BW:
		return phase_gain[b->phase];
	default:
		return GAIN_UNIT;
	}
}

static uint32_t cwnd_gain(const struct bbr *b)
{
	return b->mode == BBR_STARTUP || b->mode == BBR_DRAIN ? HIGH_GAIN : CWND_GAIN;
}

/* 4.2.1: one percent below the estimate, so that queues drain. */
static uint64_t rate_of(const struct tcp_sock *tp, uint32_t bw, uint32_t gain)
{
	uint64_t rate = (uint64_t)bw * (tp->mss + 40u); /* bytes per us << 24 */

	rate = (rate >> 8) * gain; /* GAIN_UNIT is 2^8 */
	return (rate >> BW_SHIFT) * 990000 + (((rate & ((1u << BW_SHIFT) - 1)) * 990000) >> BW_SHIFT);
}

/* 4.2.3.2: gain * bw * min_rtt in segments, and what acknowledgments in bulk need beyond. */
static uint32_t inflight_of(const struct bbr *b, uint32_t bw, uint32_t gain)
{
	uint64_t bdp;

	if (b->min_rtt == UINT64_MAX)
		return TCP_INIT_CWND;
	bdp = (uint64_t)bw * (b->min_rtt / NS_PER_US);
	bdp = ((bdp >> 8) * gain + (1u << BW_SHIFT) - 1) >> BW_SHIFT;
	bdp += 3;
	return bdp < 0x7fffffff ? (uint32_t)bdp : 0x7fffffff;
}

/* -- the model ------------------------------------------------------------------------------ */

static void update_round(struct tcp_sock *tp, struct bbr *b, const struct tcp_ack_info *ai)
{
	b->round_start = false;
	if (ai->rs.prior_time == 0 ||
	    seq_lt((uint32_t)ai->rs.prior_delivered, b->next_round_delivered))
		return;
	b->next_round_delivered = (uint32_t)tp->delivered;
	b->round++;
	b->round_start = true;
	b->conserve = false;
	b->bw[b->round % BW_ROUNDS] = 0;
}

static void update_bw(struct bbr *b, const struct tcp_ack_info *ai)
{
	uint64_t us = ai->rs.interval / NS_PER_US, bw;

	if (ai->rs.interval == 0 || ai->rs.delivered == 0)
		return;
	bw = (ai->rs.delivered << BW_SHIFT) / (us != 0 ? us : 1);
	if (bw > UINT32_MAX)
		bw = UINT32_MAX;
	if (ai->rs.app_limited && bw < max_bw(b))
		return; /* the program's rate, not the path's */
	if (bw > b->bw[b->round % BW_ROUNDS])
		b->bw[b->round % BW_ROUNDS] = (uint32_t)bw;
}

/* 4.3.2.2: the rate did not grow by a quarter in three rounds: the pipe is full. */
static void check_full_pipe(struct bbr *b, const struct tcp_ack_info *ai)
{
	uint32_t bw = max_bw(b);

	if (b->full_bw_reached || !b->round_start || ai->rs.app_limited)
		return;
	if (bw >= (uint64_t)b->full_bw * 5 / 4) {
		b->full_bw = bw;
		b->full_bw_cnt = 0;
		return;
	}
	if (++b->full_bw_cnt >= FULL_BW_ROUNDS)
		b->full_bw_reached = true;
}

/* -- the states -------------------------------------------------------------------------------- */

static void enter_probe_bw(struct tcp_sock *tp, struct bbr *b, uint64_t now)
{
	b->mode = BBR_PROBE_BW;
	/* 4.3.4.2: a random phase, but not the draining one; the delivered count is random enough. */
	b->phase = (uint8_t)((tp->delivered ^ tp->iss) % (CYCLE_PHASES - 1));
	if (b->phase > 0)
		b->phase++;
	b->cycle_stamp = now;
}

static void leave_startup(struct tcp_sock *tp, struct bbr *b, uint64_t now)
{
	if (b->mode == BBR_STARTUP && b->full_bw_reached)
		b->mode = BBR_DRAIN;
	if (b->mode == BBR_DRAIN && tcp_in_flight(tp) <= inflight_of(b, max_bw(b), GAIN_UNIT))
		enter_probe_bw(tp, b, now);
}

static void next_phase(struct tcp_sock *tp, struct bbr *b, const struct tcp_ack_info *ai)
{
	bool over = ai->now - b->cycle_stamp > b->min_rtt;
	uint32_t gain = phase_gain[b->phase];

	if (b->mode != BBR_PROBE_BW)
		return;
	/* Faster until it shows (losses, or the pipe holds it); slower until the queue is gone. */
	if (gain > GAIN_UNIT)
		over = over && (tp->lost != ai->prior_lost ||
				ai->prior_in_flight >= inflight_of(b, max_bw(b), gain));
	else if (gain < GAIN_UNIT)
		over = over || ai->prior_in_flight <= inflight_of(b, max_bw(b), GAIN_UNIT);
	if (!over)
		return;
	b->phase = (uint8_t)((b->phase + 1) % CYCLE_PHASES);
	b->cycle_stamp = ai->now;
}

static void save_cwnd(struct tcp_sock *tp, struct bbr *b)
{
	if (tp->ca_state < CA_RECOVERY && b->mode != BBR_PROBE_RTT)
		b->prior_cwnd = tp->cwnd;
	else if (tp->cwnd > b->prior_cwnd)
		b->prior_cwnd = tp->cwnd;
}

static void update_min_rtt(struct tcp_sock *tp, struct bbr *b, const struct tcp_ack_info *ai)
{
	bool expired = ai->now - b->min_rtt_stamp > MIN_RTT_WINDOW;

	if (ai->ca_rtt != 0 && (ai->ca_rtt <= b->min_rtt || expired)) {
		b->min_rtt = ai->ca_rtt;
		b->min_rtt_stamp = ai->now;
	}
	if (expired && b->mode != BBR_PROBE_RTT && tp->packets_out > 0) {
		save_cwnd(tp, b);
		b->mode = BBR_PROBE_RTT;
		b->probe_rtt_done = 0;
	}
	if (b->mode != BBR_PROBE_RTT)
		return;
	/* Samples while we hold back say nothing about the path's rate. */
	tp->app_limited = tp->delivered + tcp_in_flight(tp);
	if (b->probe_rtt_done == 0) {
		if (tcp_in_flight(tp) <= MIN_CWND) {
			b->probe_rtt_done = ai->now + PROBE_RTT_TIME;
			b->probe_rtt_round_done = false;
			b->next_round_delivered = (uint32_t)tp->delivered;
		}
		return;
	}
	if (b->round_start)
		b->probe_rtt_round_done = true;
	if (!b->probe_rtt_round_done || ai->now < b->probe_rtt_done)
		return;
	b->min_rtt_stamp = ai->now;
	if (tp->cwnd < b->prior_cwnd)
		tp->cwnd = b->prior_cwnd;
	if (b->full_bw_reached)
		enter_probe_bw(tp, b, ai->now);
	else
		b->mode = BBR_STARTUP;
}

/* -- what comes of it ---------------------------------------------------------------------------- */

/* 4.2.3.4: in the first round of a recovery packets are conserved; after it the model rules. */
static bool recovery_cwnd(struct tcp_sock *tp, struct bbr *b, const struct tcp_ack_info *ai,
			  uint32_t delivered)
{
	uint32_t lost = tp->lost - ai->prior_lost;

	if (lost > 0)
		tp->cwnd = tp->cwnd > lost ? tp->cwnd - lost : 1;
	if (tp->ca_state == CA_RECOVERY && b->prev_ca_state != CA_RECOVERY) {
		b->conserve = true;
		b->next_round_delivered = (uint32_t)tp->delivered;
		tp->cwnd = tcp_in_flight(tp) + delivered;
	} else if (b->prev_ca_state >= CA_RECOVERY && tp->ca_state < CA_RECOVERY) {
		if (tp->cwnd < b->prior_cwnd)
			tp->cwnd = b->prior_cwnd;
		b->conserve = false;
	}
	b->prev_ca_state = tp->ca_state;
	if (!b->conserve)
		return false;
	if (tp->cwnd < tcp_in_flight(tp) + delivered)
		tp->cwnd = tcp_in_flight(tp) + delivered;
	return true;
}

static void set_cwnd(struct tcp_sock *tp, struct bbr *b, const struct tcp_ack_info *ai)
{
	uint32_t delivered = (uint32_t)tp->delivered - ai->prior_delivered;
	uint32_t target = inflight_of(b, max_bw(b), cwnd_gain(b));

	if (delivered > 0 && !recovery_cwnd(tp, b, ai, delivered)) {
		if (b->full_bw_reached)
			tp->cwnd = tp->cwnd + delivered < target ? tp->cwnd + delivered : target;
		else if (tp->cwnd < target || tp->delivered < TCP_INIT_CWND)
			tp->cwnd += delivered;
	}
	if (tp->cwnd < MIN_CWND)
		tp->cwnd = MIN_CWND;
	if (tp->cwnd > tp->cwnd_clamp)
		tp->cwnd = tp->cwnd_clamp;
	if (b->mode == BBR_PROBE_RTT && tp->cwnd > MIN_CWND)
		tp->cwnd = MIN_CWND;
}

static void set_pacing(struct tcp_sock *tp, struct bbr *b)
{
	uint64_t rate = rate_of(tp, max_bw(b), pacing_gain(b));

	/* Until the pipe is full the first guess, made from the RTT, is only raised. */
	if (rate != 0 && (b->full_bw_reached || rate > tp->pacing_rate))
		tp->pacing_rate = rate;
}

static void bbr_control(struct tcp_sock *tp, const struct tcp_ack_info *ai)
{
	struct bbr *b = bbr_of(tp);

	update_round(tp, b, ai);
	update_bw(b, ai);
	next_phase(tp, b, ai);
	check_full_pipe(b, ai);
	leave_startup(tp, b, ai->now);
	update_min_rtt(tp, b, ai);
	set_pacing(tp, b);
	set_cwnd(tp, b, ai);
}

static void bbr_init(struct tcp_sock *tp, uint64_t now)
{
	struct bbr *b = bbr_of(tp);
	uint64_t rtt = tp->srtt != 0 ? tp->srtt >> 3 : NS_PER_MS;

	memset(b, 0, sizeof(*b));
	b->min_rtt = tp->min_rtt != 0 ? tp->min_rtt : UINT64_MAX;
	b->min_rtt_stamp = now;
	b->prev_ca_state = tp->ca_state;
	tp->ssthresh = TCP_SSTHRESH_INF;
	/* 4.3.1: the initial window per round trip, at the gain of STARTUP. */
	if (rtt < 10 * NS_PER_US)
		rtt = 10 * NS_PER_US;
	tp->pacing_rate = (uint64_t)tp->cwnd * tp->mss * NS_PER_SEC / rtt * HIGH_GAIN / GAIN_UNIT;
}

static uint32_t bbr_ssthresh(struct tcp_sock *tp)
{
	save_cwnd(tp, bbr_of(tp));
	return tp->ssthresh;
}

static void bbr_cong_avoid(struct tcp_sock *tp, uint32_t acked, const struct tcp_ack_info *ai)
{
	(void)acked;
	bbr_control(tp, ai);
}

static uint32_t bbr_undo_cwnd(struct tcp_sock *tp)
{
	struct bbr *b = bbr_of(tp);

	/* The loss was none: the estimates that it may have spoilt are made again. */
	b->full_bw = 0;
	b->full_bw_cnt = 0;
	return tp->cwnd;
}

static void bbr_on_rto(struct tcp_sock *tp, uint64_t now)
{
	struct bbr *b = bbr_of(tp);

	(void)now;
	save_cwnd(tp, b);
	b->prev_ca_state = CA_LOSS;
	b->full_bw = 0;
	b->round_start = true;
}

const struct tcp_cc_ops tcp_cc_bbr = {
	.name = "bbr",
	.needs_pacing = true,
	.init = bbr_init,
	.ssthresh = bbr_ssthresh,
	.cong_avoid = bbr_cong_avoid,
	.undo_cwnd = bbr_undo_cwnd,
	.on_rto = bbr_on_rto,
	.control = bbr_control,
};
