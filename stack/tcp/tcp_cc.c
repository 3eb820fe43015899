/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_cc.c - the register of congestion control algorithms, what they share, and the
 * validation of cwnd that applies to all of them.
 */
#include "stack/tcp/tcp_cc.h"

#include <string.h>

#include "stack/tcp/tcp.h"

static const struct tcp_cc_ops *const algorithms[] = {
	[TCP_CC_CUBIC] = &tcp_cc_cubic,
	[TCP_CC_NEWRENO] = &tcp_cc_newreno,
	[TCP_CC_BBR] = &tcp_cc_bbr,
};
static_assert(sizeof(algorithms) / sizeof(algorithms[0]) == TCP_CC_COUNT, "one per id");

int tcp_cc_find(const char *name)
{
	for (int i = 0; i < TCP_CC_COUNT; i++)
		if (strcmp(algorithms[i]->name, name) == 0)
			return i;
	/* Linux calls it reno; RFC 6582, which it does, NewReno. */
	if (strcmp(name, "newreno") == 0)
		return TCP_CC_NEWRENO;
	return -1;
}

const struct tcp_cc_ops *tcp_cc_by_id(unsigned int id)
{
	return algorithms[id < TCP_CC_COUNT ? id : TCP_CC_CUBIC];
}

void tcp_cc_assign(struct tcp_sock *tp, unsigned int id)
{
	tp->cc_id = (uint8_t)id;
	tp->cc = tcp_cc_by_id(id);
	tp->pacing = tp->cc->needs_pacing;
	tp->pacing_rate = UINT64_MAX;
	memset(tp->cc_priv, 0, sizeof(tp->cc_priv));
}

uint32_t tcp_slow_start(struct tcp_sock *tp, uint32_t acked)
{
	uint32_t cwnd = tp->cwnd + acked;

	if (cwnd > tp->ssthresh)
		cwnd = tp->ssthresh;
	if (cwnd < tp->cwnd)
		cwnd = tp->cwnd;
	acked -= cwnd - tp->cwnd;
	tp->cwnd = cwnd < tp->cwnd_clamp ? cwnd : tp->cwnd_clamp;
	return acked;
}

void tcp_additive_increase(struct tcp_sock *tp, uint32_t w, uint32_t acked)
{
	if (w == 0)
		w = 1;
	/* The threshold may have shrunk since the last credit. */
	if (tp->cwnd_cnt >= w) {
		tp->cwnd_cnt = 0;
		tp->cwnd++;
	}
	tp->cwnd_cnt += acked;
	if (tp->cwnd_cnt >= w) {
		uint32_t n = tp->cwnd_cnt / w;

		tp->cwnd_cnt -= n * w;
		tp->cwnd += n;
	}
	if (tp->cwnd > tp->cwnd_clamp)
		tp->cwnd = tp->cwnd_clamp;
}

/* -- RFC 2861: cwnd is only as good as its last use ---------------------------------------- */

static uint32_t restart_cwnd(const struct tcp_sock *tp)
{
	return tp->cwnd < TCP_INIT_CWND ? tp->cwnd : TCP_INIT_CWND;
}

uint32_t tcp_current_ssthresh(const struct tcp_sock *tp)
{
	uint32_t keep = (tp->cwnd >> 1) + (tp->cwnd >> 2);

	if (tcp_prr_is_on(tp))
		return tp->ssthresh;
	return tp->ssthresh > keep ? tp->ssthresh : keep;
}

/* RFC 5681 4.1, RFC 2861: after an RTO without sending, halve per RTO down to the restart window. */
void tcp_cwnd_restart_after_idle(struct tcp_sock *tp, uint64_t now)
{
	uint64_t idle;
	uint32_t floor, cwnd = tp->cwnd;

	if (tp->lsndtime == 0 || now - tp->lsndtime <= tp->rto || tp->cc->control != NULL)
		return;
	idle = now - tp->lsndtime;
	if (tp->cc->on_restart != NULL)
		tp->cc->on_restart(tp, idle, now);
	floor = restart_cwnd(tp);
	tp->ssthresh = tcp_current_ssthresh(tp);
	for (; idle > tp->rto && cwnd > floor; idle -= tp->rto)
		cwnd >>= 1;
	tp->cwnd = cwnd > floor ? cwnd : floor;
	tp->cwnd_stamp = now;
	tp->cwnd_used = 0;
}

/* Once per RTO in which cwnd was not the limit: move it half-way to what was used. */
void tcp_cwnd_application_limited(struct tcp_sock *tp, uint64_t now)
{
	if (tp->ca_state == CA_OPEN) {
		uint32_t used = tp->cwnd_used > TCP_INIT_CWND ? tp->cwnd_used : TCP_INIT_CWND;

		if (used < tp->cwnd) {
			tp->ssthresh = tcp_current_ssthresh(tp);
			tp->cwnd = (tp->cwnd + used) >> 1;
		}
		tp->cwnd_used = 0;
	}
	tp->cwnd_stamp = now;
}

void tcp_cwnd_validate(struct tcp_sock *tp, bool limited, uint64_t now)
{
	/* The largest flight of this round trip tells whether cwnd was in use: see tcp_cwnd_is_limited(). */
	if (!seq_lt(tp->snd_una, tp->cwnd_usage_seq) || limited ||
	    (!tp->was_cwnd_limited && tp->packets_out > tp->max_packets_out)) {
		tp->was_cwnd_limited = limited;
		tp->max_packets_out = tp->packets_out;
		tp->cwnd_usage_seq = tp->snd_nxt;
	}
	if (limited || tp->packets_out >= tp->cwnd) {
		tp->cwnd_used = 0;
		tp->cwnd_stamp = now;
		return;
	}
	if (tp->packets_out > tp->cwnd_used)
		tp->cwnd_used = tp->packets_out;
	if (now - tp->cwnd_stamp >= tp->rto && tp->cc->control == NULL)
		tcp_cwnd_application_limited(tp, now);
}
