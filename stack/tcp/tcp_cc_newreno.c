/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_cc_newreno.c - RFC 5681 3.1 with byte counting (RFC 3465), the reference.
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
		/*
		 * RFC 3465 2.2: L = 2 segments per ACK; 2.3: after a time-out one, because the ACK of
		 * a hole covers what has left the network long ago.
		 */
		uint32_t limit = tp->ca_state == CA_LOSS ? 1 : 2;

		acked = tcp_slow_start(tp, acked < limit ? acked : limit);
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
