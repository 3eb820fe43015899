/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_rtt.c - round-trip time and retransmission timeout: RFC 6298.
 *
 * srtt is kept in 1/8 ns, the deviation in 1/4 ns, so that the gains 1/8 and 1/4 are shifts.
 *
 * Deviation: RFC 6298 2.4 asks for a minimum RTO of 1 s; Linux's 200 ms is used, and as in
 * Linux it bounds the deviation term: RTO = srtt + max(200 ms, 4 * rttvar).  The deviation
 * used (rttvar) is the largest mdev seen during one round trip and decays by a quarter of
 * the difference once per round trip, so that many samples per round trip do not shrink it.
 */
#include "stack/tcp/tcp.h"

static void rto_bound(struct tcp_sock *tp)
{
	if (tp->rto > TCP_RTO_MAX)
		tp->rto = TCP_RTO_MAX;
}

void tcp_rto_reset(struct tcp_sock *tp)
{
	if (tp->srtt == 0)
		tp->rto = TCP_RTO_INIT;
	else
		tp->rto = (tp->srtt >> 3) + tp->rttvar;
	rto_bound(tp);
}

/* RFC 6298 2.2: the first measurement R: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 * RTTVAR. */
static void first_sample(struct tcp_sock *tp, uint64_t rtt)
{
	tp->srtt = rtt << 3;
	tp->mdev = rtt << 1;
	tp->rttvar = tp->mdev > TCP_RTO_MIN ? tp->mdev : TCP_RTO_MIN;
	tp->mdev_max = tp->rttvar;
	tp->rtt_seq = tp->snd_nxt;
}

void tcp_rtt_sample(struct tcp_sock *tp, uint64_t rtt)
{
	int64_t err;

	if (rtt == 0)
		rtt = 1;
	if (tp->srtt == 0) {
		first_sample(tp, rtt);
		return;
	}
	/* 2.3: SRTT += (R - SRTT) / 8; RTTVAR += (|R - SRTT| - RTTVAR) / 4 */
	err = (int64_t)rtt - (int64_t)(tp->srtt >> 3);
	tp->srtt = (uint64_t)((int64_t)tp->srtt + err);
	if (tp->srtt == 0)
		tp->srtt = 1;
	if (err < 0) {
		err = -err;
		err -= (int64_t)(tp->mdev >> 2);
		/* A round trip that got shorter is not deviation to wait longer for: damp it. */
		if (err > 0)
			err >>= 3;
	} else {
		err -= (int64_t)(tp->mdev >> 2);
	}
	tp->mdev = (uint64_t)((int64_t)tp->mdev + err);
	if (tp->mdev > tp->mdev_max) {
		tp->mdev_max = tp->mdev;
		if (tp->mdev_max > tp->rttvar)
			tp->rttvar = tp->mdev_max;
	}
	if (seq_gt(tp->snd_una, tp->rtt_seq)) {
		if (tp->mdev_max < tp->rttvar)
			tp->rttvar -= (tp->rttvar - tp->mdev_max) >> 2;
		tp->rtt_seq = tp->snd_nxt;
		tp->mdev_max = TCP_RTO_MIN;
	}
}

#define MIN_RTT_WINDOW (300 * NS_PER_SEC)

/* The least round trip of the last five minutes, as far as one register can tell. */
void tcp_min_rtt_update(struct tcp_sock *tp, uint64_t rtt, uint64_t now)
{
	if (rtt == 0)
		return;
	if (tp->min_rtt == 0 || rtt <= tp->min_rtt || now - tp->min_rtt_stamp > MIN_RTT_WINDOW) {
		tp->min_rtt = rtt;
		tp->min_rtt_stamp = now;
	}
}
