/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_prr.c - cwnd while something is lost: proportional rate reduction, RFC 6937.
 *
 *   begin	a congestion event: ssthresh is where cwnd is to go, prior_cwnd where it came from
 *   reduce	each ACK: for what it says was delivered, ssthresh / prior_cwnd as much may be sent,
 *		as long as more is in flight than ssthresh; below it, what was delivered, and one
 *		more where the ACK shows progress and no further loss (slow start reduction bound)
 *   end	all of what was in flight at the beginning is acknowledged: cwnd is ssthresh
 *
 * Outside of CWR and Recovery the window is the congestion control's to open.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

bool tcp_prr_is_on(const struct tcp_sock *tp)
{
	return tp->ca_state == CA_CWR || tp->ca_state == CA_RECOVERY;
}

void tcp_prr_begin(struct tcp_sock *tp)
{
	tp->high_seq = tp->snd_nxt;
	tp->tlp_high_seq = 0;
	tp->cwnd_cnt = 0;
	tp->prior_cwnd = tp->cwnd;
	tp->prr_delivered = 0;
	tp->prr_out = 0;
	tp->ssthresh = tp->cc->ssthresh(tp);
	if (tp->flags & TF_ECN)
		tp->flags |= TF_ECN_CWR;
}

/* RFC 6937 3.1, with slow start reduction bound. */
void tcp_prr_reduce(struct tcp_sock *tp, uint32_t newly_delivered, uint32_t newly_lost,
			bool una_advanced)
{
	int64_t sndcnt, delta = (int64_t)tp->ssthresh - tcp_in_flight(tp);

	if (newly_delivered == 0 || tp->prior_cwnd == 0)
		return;
	tp->prr_delivered += newly_delivered;
	if (delta < 0) {
		sndcnt = ((int64_t)tp->ssthresh * tp->prr_delivered + tp->prior_cwnd - 1) /
				 tp->prior_cwnd - tp->prr_out;
	} else {
		sndcnt = (int64_t)tp->prr_delivered - tp->prr_out;
		if (sndcnt < newly_delivered)
			sndcnt = newly_delivered;
		if (una_advanced && newly_lost == 0)
			sndcnt++;
		if (sndcnt > delta)
			sndcnt = delta;
	}
	/* The first retransmission goes out whatever the arithmetic says. */
	if (tp->prr_out == 0 && sndcnt < 1)
		sndcnt = 1;
	if (sndcnt < 0)
		sndcnt = 0;
	tp->cwnd = tcp_in_flight(tp) + (uint32_t)sndcnt;
	if (tp->cwnd == 0)
		tp->cwnd = 1;
}

void tcp_prr_end(struct tcp_sock *tp, uint64_t now)
{
	if (tp->cc->control != NULL)
		return;
	if (tp->ssthresh < TCP_SSTHRESH_INF &&
	    (tp->ca_state == CA_CWR || tp->undo_marker != 0)) {
		tp->cwnd = tp->ssthresh;
		tp->cwnd_stamp = now;
	}
}

/* The window grows only while it is what limits us (RFC 7661's concern). */
static bool cwnd_was_used(const struct tcp_sock *tp)
{
	if (tp->was_cwnd_limited)
		return true;
	return tp->cwnd < tp->ssthresh && tp->cwnd < 2 * tp->max_packets_out;
}

void tcp_cwnd_control(struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	uint32_t delivered = (uint32_t)tp->delivered - ai->prior_delivered;
	uint32_t lost = tp->lost - ai->prior_lost;

	if (tp->cc->control != NULL) {
		tp->cc->control(tp, ai);
		return;
	}
	if (tcp_prr_is_on(tp)) {
		tcp_prr_reduce(tp, delivered, lost, ai->una_advanced);
		return;
	}
	if (ai->una_advanced || ai->newly_sacked > 0) {
		/* Where reordering is normal, what is SACKed counts as well; but each segment once. */
		bool raise = tp->reordering > TCP_DUPTHRESH || ai->data_acked;

		if (raise && delivered > 0 && cwnd_was_used(tp))
			tp->cc->cong_avoid(tp, delivered, ai);
	}
}
