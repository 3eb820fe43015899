/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_cc_cubic.c - CUBIC (RFC 9438) with HyStart++ (RFC 9406).
 *
 *   W_cubic(t) = C * (t - K)^3 + W_max,  K = cbrt((W_max - cwnd_epoch) / C),  C = 0.4
 *
 * t in seconds since the epoch (the last reduction) began, windows in segments.  Integer
 * arithmetic: times in ms; W_est, to which each ACK adds alpha / cwnd, in 1/2^24, so that nothing is
 * lost to rounding where windows are large.
 *
 * What the curve is away from W_max is rounded down to whole segments, as in Linux: below W_max the
 * window aims at the next segment, and gains at least one in a round trip.  To the letter, windows
 * of ten segments would take twice as long to come back as those of the neighbours that they share
 * a path with.
 *
 * Deviation: RFC 9406 4.2 lets an unpaced sender grow by at most L = 8 segments per ACK in slow
 * start.  As in Linux there is no such bound: a receiver that coalesces (GRO) acknowledges up to
 * 44 segments at once, and slow start would no longer double.  Nobody gains by it: what was not
 * sent cannot be acknowledged, and a segment counts once.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#define BETA_NUM 7 /* beta_cubic = 0.7 */
#define BETA_DEN 10
#define C_NUM 4 /* C = 0.4 */
#define C_DEN 10
#define EST_SHIFT 24 /* w_est */

/* HyStart++: RFC 9406 4.3 */
#define HS_MIN_RTT_THRESH (4 * NS_PER_MS)
#define HS_MAX_RTT_THRESH (16 * NS_PER_MS)
#define HS_RTT_DIVISOR 8
#define HS_N_RTT_SAMPLE 8
#define HS_CSS_GROWTH_DIVISOR 4
#define HS_CSS_ROUNDS 5

struct cubic {
	uint64_t epoch;	     /* ns, 0: not started */
	uint32_t w_max;	     /* segments; 0: no event yet, or a time-out */
	uint32_t origin;     /* of the curve: W_max, or cwnd where the epoch began above it */
	uint32_t k_ms;
	uint32_t cwnd_prior; /* cwnd at the last event, without fast convergence (4.3) */
	uint64_t w_est;	     /* segments << EST_SHIFT: what AIMD would have (4.3) */
	struct {	     /* before the last event, should it turn out to be none (4.9) */
		uint32_t w_max, k_ms, cwnd_prior;
		uint64_t epoch, w_est;
	} undo;
	/* HyStart++ */
	uint64_t last_rtt, curr_rtt, css_baseline; /* ns; UINT64_MAX: none */
	uint32_t round_end;
	uint16_t samples;
	uint8_t css_rounds;
	bool css;
	uint32_t css_cnt;
};
static_assert(sizeof(struct cubic) <= sizeof(((struct tcp_sock *)0)->cc_priv), "fits");

static struct cubic *cubic_of(struct tcp_sock *tp)
{
	return (struct cubic *)tp->cc_priv;
}

static void hystart_reset(struct tcp_sock *tp, struct cubic *cu)
{
	cu->last_rtt = cu->curr_rtt = cu->css_baseline = UINT64_MAX;
	cu->round_end = tp->snd_nxt;
	cu->samples = 0;
	cu->css_rounds = 0;
	cu->css = false;
	cu->css_cnt = 0;
}

static void cubic_init(struct tcp_sock *tp, uint64_t now)
{
	struct cubic *cu = cubic_of(tp);

	(void)now;
	memset(cu, 0, sizeof(*cu));
	hystart_reset(tp, cu);
}

/* Integer cube root, rounded down. */
static uint64_t cube_root(uint64_t x)
{
	uint64_t r = 0;

	for (int s = 63; s >= 0; s -= 3) {
		uint64_t b;

		r <<= 1;
		b = 3 * r * (r + 1) + 1;
		if ((x >> s) >= b) {
			x -= b << s;
			r++;
		}
	}
	return r;
}

static void start_epoch(struct tcp_sock *tp, struct cubic *cu, uint64_t now)
{
	cu->epoch = now;
	cu->w_est = (uint64_t)tp->cwnd << EST_SHIFT;
	if (cu->w_max <= tp->cwnd) {
		cu->k_ms = 0;
		cu->origin = tp->cwnd;
	} else {
		cu->origin = cu->w_max;
		/* (2): K^3 = (W_max - cwnd_epoch) / C s^3; in ms^3 that is * 10^9 */
		cu->k_ms = (uint32_t)cube_root((uint64_t)(cu->w_max - tp->cwnd) * C_DEN *
					       1000000000ull / C_NUM);
	}
}

/* (1) at t_ms after the epoch began, in segments; never below 0. */
static uint64_t w_cubic(const struct cubic *cu, uint64_t t_ms)
{
	int64_t d = (int64_t)t_ms - (int64_t)cu->k_ms;
	bool below = d < 0;
	uint64_t off;

	if (below)
		d = -d;
	if (d > 1000000) /* 1000 s from the inflection: the clamp below decides anyway */
		d = 1000000;
	/* C * d^3 [ms^3] / 10^9; d^3 <= 10^18 */
	off = (uint64_t)d * (uint64_t)d * (uint64_t)d / C_DEN * C_NUM / 1000000000ull;
	if (below)
		return off > cu->origin ? 0 : cu->origin - off;
	return cu->origin + off;
}

/* 4.3: what AIMD with the same average would have; alpha = 3 (1 - beta) / (1 + beta) until W_max. */
static void reno_friendly(struct tcp_sock *tp, struct cubic *cu, uint32_t acked)
{
	uint64_t num = 9, den = 17; /* 3 * 0.3 / 1.7 */

	if (cu->w_est >= (uint64_t)cu->cwnd_prior << EST_SHIFT)
		num = den = 1;
	cu->w_est += ((uint64_t)acked << EST_SHIFT) * num / den / (tp->cwnd > 0 ? tp->cwnd : 1);
}

/* 4.4, 4.5: (target - cwnd) / cwnd per segment acknowledged: one segment per so many of them. */
static uint32_t growth_interval(const struct tcp_sock *tp, const struct cubic *cu, uint64_t now)
{
	uint64_t cwnd = tp->cwnd, target, est = cu->w_est >> EST_SHIFT, cnt;

	/* 4.2: aim at where the curve is one round trip from now */
	target = w_cubic(cu, (now - cu->epoch + (tp->min_rtt != 0 ? tp->min_rtt : tp->srtt >> 3)) /
				     NS_PER_MS);
	cnt = target > cwnd ? cwnd / (target - cwnd) : 100 * cwnd;
	if (est > cwnd && cnt > cwnd / (est - cwnd))
		cnt = cwnd / (est - cwnd);
	if (cnt < 2)
		cnt = 2; /* no faster than half of slow start */
	return cnt < UINT32_MAX ? (uint32_t)cnt : UINT32_MAX;
}

static void congestion_avoidance(struct tcp_sock *tp, struct cubic *cu, uint32_t acked, uint64_t now)
{
	if (cu->epoch == 0)
		start_epoch(tp, cu, now);
	reno_friendly(tp, cu, acked);
	tcp_additive_increase(tp, growth_interval(tp, cu, now), acked);
}

/* RFC 9406 4.3: for the initial slow start; later ones know where to end. */
static bool hystart_applies(const struct tcp_sock *tp)
{
	return tp->ssthresh >= TCP_SSTHRESH_INF;
}

/* RFC 9406 4.2: in conservative slow start a quarter of the growth. */
static uint32_t hystart_growth(const struct tcp_sock *tp, struct cubic *cu, uint32_t acked)
{
	uint32_t n;

	if (!cu->css || !hystart_applies(tp))
		return acked;
	cu->css_cnt += acked;
	n = cu->css_cnt / HS_CSS_GROWTH_DIVISOR;
	cu->css_cnt %= HS_CSS_GROWTH_DIVISOR;
	return n;
}

static void cubic_cong_avoid(struct tcp_sock *tp, uint32_t acked, const struct tcp_ack_info *ai)
{
	struct cubic *cu = cubic_of(tp);

	if (tp->cwnd < tp->ssthresh) {
		acked = tcp_slow_start(tp, hystart_growth(tp, cu, acked));
		if (acked == 0)
			return;
	}
	congestion_avoidance(tp, cu, acked, ai->now);
}

static uint32_t cubic_ssthresh(struct tcp_sock *tp)
{
	struct cubic *cu = cubic_of(tp);
	uint32_t w;

	cu->undo.w_max = cu->w_max;
	cu->undo.k_ms = cu->k_ms;
	cu->undo.cwnd_prior = cu->cwnd_prior;
	cu->undo.epoch = cu->epoch;
	cu->undo.w_est = cu->w_est;
	cu->epoch = 0;
	cu->cwnd_prior = tp->cwnd;
	/* 4.7: fast convergence, a flow that does not reach its old W_max makes room. */
	if (tp->cwnd < cu->w_max)
		cu->w_max = tp->cwnd * (BETA_DEN + BETA_NUM) / (2 * BETA_DEN);
	else
		cu->w_max = tp->cwnd;
	w = tp->cwnd * BETA_NUM / BETA_DEN;
	return w > 2 ? w : 2;
}

/* 4.9: the curve goes on where it was. */
static uint32_t cubic_undo_cwnd(struct tcp_sock *tp)
{
	struct cubic *cu = cubic_of(tp);

	cu->w_max = cu->undo.w_max;
	cu->k_ms = cu->undo.k_ms;
	cu->cwnd_prior = cu->undo.cwnd_prior;
	cu->epoch = cu->undo.epoch;
	cu->w_est = cu->undo.w_est;
	return tp->cwnd > tp->prior_cwnd ? tp->cwnd : tp->prior_cwnd;
}

/* RFC 9406 4.2: at the end of each round compare its RTT with the last one's. */
static void hystart_round(struct tcp_sock *tp, struct cubic *cu)
{
	if (cu->css && ++cu->css_rounds >= HS_CSS_ROUNDS)
		tp->ssthresh = tp->cwnd;
	cu->round_end = tp->snd_nxt;
	cu->last_rtt = cu->curr_rtt;
	cu->curr_rtt = UINT64_MAX;
	cu->samples = 0;
}

static void hystart_sample(struct cubic *cu, uint64_t rtt)
{
	uint64_t thresh;

	if (rtt < cu->curr_rtt)
		cu->curr_rtt = rtt;
	if (cu->samples < HS_N_RTT_SAMPLE && ++cu->samples < HS_N_RTT_SAMPLE)
		return;
	if (cu->css) {
		/* The delay was noise: back to slow start. */
		if (cu->curr_rtt < cu->css_baseline) {
			cu->css = false;
			cu->css_baseline = UINT64_MAX;
		}
		return;
	}
	if (cu->last_rtt == UINT64_MAX)
		return;
	thresh = cu->last_rtt / HS_RTT_DIVISOR;
	thresh = thresh < HS_MIN_RTT_THRESH ? HS_MIN_RTT_THRESH : thresh;
	thresh = thresh > HS_MAX_RTT_THRESH ? HS_MAX_RTT_THRESH : thresh;
	if (cu->curr_rtt >= cu->last_rtt + thresh) {
		cu->css = true;
		cu->css_baseline = cu->curr_rtt;
		cu->css_rounds = 0;
		cu->css_cnt = 0;
	}
}

static void cubic_pkts_acked(struct tcp_sock *tp, const struct tcp_ack_info *ai)
{
	struct cubic *cu = cubic_of(tp);

	if (!hystart_applies(tp))
		return;
	if (seq_geq(tp->snd_una, cu->round_end))
		hystart_round(tp, cu);
	if (ai->ca_rtt != 0)
		hystart_sample(cu, ai->ca_rtt);
}

static void cubic_on_rto(struct tcp_sock *tp, uint64_t now)
{
	struct cubic *cu = cubic_of(tp);

	(void)now;
	/* 4.8: K is 0 and W_max is cwnd where the next congestion avoidance begins. */
	cu->w_max = 0;
	cu->epoch = 0;
	hystart_reset(tp, cu);
}

/* 5.8: time in which nothing was sent does not count as time on the curve. */
static void cubic_on_restart(struct tcp_sock *tp, uint64_t idle, uint64_t now)
{
	struct cubic *cu = cubic_of(tp);

	if (cu->epoch == 0)
		return;
	cu->epoch += idle;
	if (cu->epoch > now)
		cu->epoch = now;
}

const struct tcp_cc_ops tcp_cc_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.ssthresh = cubic_ssthresh,
	.cong_avoid = cubic_cong_avoid,
	.undo_cwnd = cubic_undo_cwnd,
	.pkts_acked = cubic_pkts_acked,
	.on_rto = cubic_on_rto,
	.on_restart = cubic_on_restart,
};
