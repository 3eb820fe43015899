/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_cc_newreno.c - RFC 5681 3.1 with byte counting (RFC 3465), the reference.
 *
 * What counts is the data acknowledged, all of it: RFC 3465's limit of two segments per ACK is for
 * receivers that acknowledge every second one.  Those of today join what arrives together and
 * acknowledge ten at once, and with the limit slow start would be as slow as avoidance is.  Linux
 * has none either.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

static void newreno_init(struct tcp_sock *tp, uint64_t now)
{
	(void)tp;
	(void)now;
}

/* (4): half of the flight; cwnd stands for it, as cwnd validation keeps them close. */
static uint32_t newreno_ssthresh(struct tcp_sock *tp)
{
	return tp->cwnd >> 1 > 2 ? tp->cwnd >> 1 : 2;
}

static void newreno_cong_avoid(struct tcp_sock *tp, uint32_t acked, const struct tcp_ack_info *ai)
{
	(void)ai;
	if (tp->cwnd < tp->ssthresh) {
		acked = tcp_slow_start(tp, acked);
		if (acked == 0)
			return;
	}
	tcp_additive_increase(tp, tp->cwnd, acked);
}

static uint32_t newreno_undo_cwnd(struct tcp_sock *tp)
{
	return tp->cwnd > tp->prior_cwnd ? tp->cwnd : tp->prior_cwnd;
}

const struct tcp_cc_ops tcp_cc_newreno = {
	.name = "reno",
	.init = newreno_init,
	.ssthresh = newreno_ssthresh,
	.cong_avoid = newreno_cong_avoid,
	.undo_cwnd = newreno_undo_cwnd,
};
