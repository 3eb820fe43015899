/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_undo.c - retransmissions that were for nothing.
 *
 * A recovery or a time-out that was spurious is taken back: what was marked lost is in flight
 * again, cwnd and ssthresh are put back.  Three things prove it:
 *
 *   Eifel	(RFC 3522) an ACK that comes after the retransmission echoes a timestamp from before it,
 *		or nothing has been sent again yet
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
	/* D-SACKs may come for each copy that is under way, a tail loss probe's too. */
	tp->undo_retrans = (int32_t)tp->retrans_out +
			   (tp->tlp_high_seq != 0 && (tp->flags & TF_TLP_RETRANS));
	if (tp->undo_retrans == 0)
		tp->undo_retrans = -1; /* none yet: 0 is for all of them told */
}

/* Is anything that is in flight there a second time? */
bool tcp_any_retrans(const struct tcp_sock *tp)
{
	return tp->retrans_out != 0 ||
	       (tp->snd_head != tp->send_head && (pkt_cb(tp->snd_head)->sacked & SEG_EVER_RETRANS));
}

/* RFC 3522: the ACK echoes a timestamp from before the first retransmission. */
static bool acked_the_original(const struct tcp_sock *tp)
{
	/*
	 * Without SACK the stamp is cleared, too, when all is acknowledged and the state is held
	 * all the same: see tcp_loss.c.
	 */
	if (tp->retrans_stamp == 0)
		return (tp->flags & TF_SACK) || seq_lt(tp->snd_una, tp->high_seq);
	return (tp->flags & TF_TS) && tp->rcv_tsecr != 0 &&
	       seq_lt(tp->rcv_tsecr, tcp_ts_clock(tp->retrans_stamp) + tp->ts_off);
}

bool tcp_undo_is_due(const struct tcp_sock *tp)
{
	return tp->undo_marker != 0 && (tp->undo_retrans == 0 || acked_the_original(tp));
}

void tcp_undo(struct tcp_sock *tp, bool unmark, uint64_t now)
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
		if (tp->prior_ssthresh > tp->ssthresh) {
			tp->ssthresh = tp->prior_ssthresh;
			tp->flags &= ~TF_ECN_CWR;
		}
	}
	tp->cwnd_stamp = now;
	tp->undo_marker = 0;
	tp->rack.advanced = true;
}

/*
 * An ACK in the middle of a recovery: is it the original's that was thought lost?  True: other
 * retransmissions are under way; what they repair may be lost indeed, but nothing more is
 * held for lost.
 */
bool tcp_undo_partial(struct stack *st, struct tcp_sock *tp, const struct tcp_ack_info *ai)
{
	if (tp->undo_marker == 0 || !acked_the_original(tp))
		return false;
	if (tcp_update_reordering(tp, ai->prior_una))
		MIB_INC(st, TCP_TS_REORDER);
	if (tp->retrans_out > 0)
		return true;
	if (!tcp_any_retrans(tp))
		tp->retrans_stamp = 0;
	tcp_undo(tp, true, ai->now);
	MIB_INC(st, TCP_PARTIAL_UNDO);
	tcp_try_keep_open(tp);
	return false;
}

/* -- F-RTO: RFC 5682 -------------------------------------------------------------------------- */

/* Step 3.b: acknowledged, by cumulative ACK or SACK, without having been sent again. */
bool tcp_frto_says_spurious(const struct tcp_sock *tp, const struct tcp_ack_info *ai)
{
	return (tp->flags & TF_FRTO) && ai->orig_sack_acked &&
	       (ai->una_advanced || ai->newly_sacked > 0);
}

/* The ACK is no proof: what does it mean for the next step?  True: new data is it. */
bool tcp_frto_step(struct tcp_sock *tp, const struct tcp_ack_info *ai, bool recovered)
{
	if (!(tp->flags & TF_FRTO))
		return false;
	if (seq_gt(tp->snd_nxt, tp->high_seq)) {
		if (ai->newly_sacked > 0 || ai->dup)
			tp->flags &= ~TF_FRTO; /* 3.a */
		return false;
	}
	if (!ai->una_advanced || recovered)
		return false; /* 2.a */
	tp->high_seq = tp->snd_nxt;
	if (tp->send_head == NULL || !seq_gt(tp->snd_una + tp->snd_wnd, tp->snd_nxt)) {
		tp->flags &= ~TF_FRTO;
		return false;
	}
	tp->flags |= TF_FRTO_NEW; /* 2.b */
	return true;
}
