/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_undo.c - retransmissions that were for nothing.
 *
 * A recovery or a time-out that was spurious is taken back: what was marked lost is in flight
 * again, cwnd and ssthresh are put back.  Three things prove it:
 *
 *   Eifel	(RFC 3522) an ACK that comes after the retransmission echoes a timestamp from before it
 *   D-SACK	(RFC 3708) the peer reports each of our retransmissions as a duplicate
 *   F-RTO	(RFC 5682) after a time-out, what was never sent again is acknowledged.  The head goes
 *		again (step 1); when the ACK advances, new data is sent instead of more
 *		retransmissions (step 2.b, TF_FRTO_NEW); if the next ACK advances as well, over segments
 *		sent once, the originals had only been late (3.b), else the loss was real (3.a)
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

void tcp_undo_init(struct tcp_sock *tp)
{
	tp->undo_marker = tp->snd_una != 0 ? tp->snd_una : 1;
	tp->undo_retrans = tp->retrans_out > 0 ? (int32_t)tp->retrans_out : -1;
}

/* RFC 3522: the ACK echoes a timestamp from before the first retransmission. */
bool tcp_acked_the_original(const struct tcp_sock *tp)
{
	return (tp->flags & TF_TS) && tp->rcv_tsecr != 0 && tp->retrans_stamp != 0 &&
	       seq_lt(tp->rcv_tsecr, tcp_ts_clock(tp->retrans_stamp) + tp->ts_off);
}

bool tcp_undo_is_due(const struct tcp_sock *tp)
{
	return tp->undo_marker != 0 && (tp->undo_retrans == 0 || tcp_acked_the_original(tp));
}

void tcp_undo(struct stack *st, struct tcp_sock *tp, bool unmark, uint64_t now)
{
	struct rte_mbuf *m;

	if (unmark) {
		for (m = tp->snd_head; m != tp->send_head; m = pkt_cb(m)->qnext) {
			struct pkt_cb *cb = pkt_cb(m);

			if (cb->sacked & SEG_LOST) {
				tp->lost_out--;
				if (!(cb->sacked & SEG_RETRANS))
					tp->lost_unsent--;
				cb->sacked &= (uint8_t)~SEG_LOST;
			}
		}
	}
	if (tp->prior_ssthresh != 0) {
		tp->cwnd = tp->cc->undo_cwnd(tp);
		if (tp->prior_ssthresh > tp->ssthresh)
			tp->ssthresh = tp->prior_ssthresh;
		tp->flags &= ~TF_ECN_CWR;
	}
	tp->cwnd_stamp = now;
	tp->undo_marker = 0;
	tp->rack.advanced = true;
	MIB_INC(st, TCP_UNDO);
}

/* An ACK in the middle of a recovery: is it the original's that was thought lost?  True: dealt with. */
bool tcp_undo_partial(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (tp->undo_marker == 0 || !tcp_acked_the_original(tp))
		return false;
	/* Other retransmissions are under way: what they repair may be lost indeed. */
	if (tp->retrans_out > 0)
		return true;
	tp->retrans_stamp = 0;
	tcp_undo(st, tp, true, now);
	tcp_try_keep_open(tp);
	return true;
}

/* -- F-RTO: RFC 5682 -------------------------------------------------------------------------- */

/* Step 3.b: acknowledged, by cumulative ACK or SACK, without having been sent again. */
bool tcp_frto_says_spurious(const struct tcp_sock *tp, const struct tcp_ack_info *ai)
{
	return (tp->flags & TF_FRTO) && ai->orig_sack_acked &&
	       (ai->una_advanced || ai->newly_sacked > 0);
}

/* The ACK is no proof: what does it mean for the next step? */
void tcp_frto_step(struct tcp_sock *tp, const struct tcp_ack_info *ai, bool recovered)
{
	if (!(tp->flags & TF_FRTO))
		return;
	if (tcp_frto_waits(tp)) {
		if (ai->una_advanced || ai->newly_sacked > 0 || ai->dup)
			tp->flags &= ~TF_FRTO; /* 3.a */
	} else if (ai->una_advanced && !recovered && tp->send_head != NULL) {
		tp->high_seq = tp->snd_nxt;
		tp->flags |= TF_FRTO_NEW; /* 2.b */
	} else if (ai->una_advanced || ai->dup) {
		tp->flags &= ~TF_FRTO; /* 2.a, or nothing new to send */
	}
}
