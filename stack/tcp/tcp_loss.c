/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_loss.c - what is lost, and what that does to the congestion window.
 *
 *   Open		nothing unusual
 *   Disorder	duplicate or selective ACKs, not enough to act on; new data keeps the ACK
 *		clock going (limited transmit, RFC 3042: in-flight shrinks with each SACK)
 *   CWR	congestion was signalled (ECN): cwnd is being reduced, nothing is retransmitted
 *   Recovery	fast retransmit: PRR (tcp_prr.c) reduces cwnd while lost segments are sent
 *		again.  With SACK losses are found by RACK; without by duplicate ACKs and
 *		partial ACKs (NewReno, RFC 6582)
 *   Loss	an RTO: all that is overdue is marked lost, one more segment may go, slow start
 *
 * Recovery and Loss end when high_seq (snd_nxt at their beginning) is acknowledged, or when the
 * ACKs show that nothing had been lost (tcp_undo.c).
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

/* -- marking -------------------------------------------------------------------------------- */

void tcp_mark_lost(struct tcp_sock *tp, struct rte_mbuf *m)
{
	struct pkt_cb *cb = pkt_cb(m);

	if (cb->sacked & SEG_SACKED)
		return;
	if (cb->sacked & SEG_LOST) {
		if (!(cb->sacked & SEG_RETRANS))
			return;
		/* The retransmission was lost, too. */
		cb->sacked &= (uint8_t)~SEG_RETRANS;
		tp->retrans_out--;
		tp->lost_unsent++;
		tp->lost++;
		return;
	}
	if (cb->sacked & SEG_RETRANS) {
		cb->sacked &= (uint8_t)~SEG_RETRANS;
		tp->retrans_out--;
	}
	cb->sacked |= SEG_LOST;
	tp->lost_out++;
	tp->lost_unsent++;
	tp->lost++;
	/* Without SACK, sacked_out is a guess: the counts must still add up. */
	if (!(tp->flags & TF_SACK) && tp->sacked_out + tp->lost_out > tp->packets_out)
		tp->sacked_out = tp->packets_out - tp->lost_out;
}

static void mark_head_lost(struct tcp_sock *tp)
{
	if (tp->snd_head != tp->send_head && tp->snd_head != NULL &&
	    !(pkt_cb(tp->snd_head)->sacked & SEG_LOST))
		tcp_mark_lost(tp, tp->snd_head);
}

static void set_ca_state(struct tcp_sock *tp, enum ca_state state)
{
	tp->ca_state = (uint8_t)state;
}

void tcp_try_keep_open(struct tcp_sock *tp)
{
	set_ca_state(tp, tp->sacked_out != 0 || tp->lost_out != 0 || tcp_any_retrans(tp) ?
				 CA_DISORDER : CA_OPEN);
	if (tp->ca_state == CA_OPEN)
		tp->high_seq = tp->snd_nxt;
}

/* -- entering ------------------------------------------------------------------------------------ */

void tcp_enter_recovery(struct stack *st, struct tcp_sock *tp, bool ece, uint64_t now)
{
	(void)now;
	if (unlikely(tcp_mtup_failed(st, tp)))
		return;
	if (tp->flags & TF_SACK)
		MIB_INC(st, TCP_SACK_RECOVERY);
	else
		MIB_INC(st, TCP_RENO_RECOVERY);
	MIB_INC(st, TCP_FAST_RETRANS);
	tp->prior_ssthresh = 0;
	tcp_undo_init(tp);
	if (!tcp_prr_is_on(tp)) {
		if (!ece)
			tp->prior_ssthresh = tcp_current_ssthresh(tp);
		tcp_prr_begin(tp);
	} else {
		/* CWR was reducing already; only the end moves. */
		tp->high_seq = tp->snd_nxt;
	}
	if (!tcp_any_retrans(tp))
		tp->retrans_stamp = 0;
	set_ca_state(tp, CA_RECOVERY);
}

/* RACK's timer found something lost: as if an ACK had told of it that delivered one segment. */
void tcp_loss_by_timer(struct stack *st, struct tcp_sock *tp, uint32_t newly_lost, uint64_t now)
{
	if (tp->ca_state == CA_RECOVERY)
		return;
	tcp_enter_recovery(st, tp, false, now);
	if (tp->ca_state == CA_RECOVERY && tp->cc->control == NULL)
		tcp_prr_reduce(tp, 1, newly_lost, false);
}

/* RFC 3168 6.1.2: as for a loss, but nothing is retransmitted; once per round trip. */
void tcp_enter_cwr(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	(void)st;
	(void)now;
	tp->prior_ssthresh = 0;
	if (tp->ca_state < CA_CWR) {
		tp->undo_marker = 0;
		tcp_prr_begin(tp);
		set_ca_state(tp, CA_CWR);
	}
}

/* As Linux's tcp_non_congestion_loss_retransmit(): in Loss, but with cwnd as it was. */
void tcp_loss_without_congestion(struct tcp_sock *tp)
{
	if (tp->ca_state == CA_LOSS)
		return;
	tp->high_seq = tp->snd_nxt;
	if (tp->ca_state != CA_CWR && tp->ca_state != CA_RECOVERY &&
	    tp->ssthresh < tp->cwnd / 4 * 3)
		tp->ssthresh = tp->cwnd / 4 * 3;
	tp->prior_ssthresh = 0;
	tp->undo_marker = 0;
	tp->flags &= ~(TF_FRTO | TF_FRTO_NEW);
	set_ca_state(tp, CA_LOSS);
}

/* RFC 5681 3.1 (4), RFC 6298 5.4-5.7, RFC 5682 2.1: the retransmission timer fired. */
void tcp_loss_enter_rto(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	bool new_episode = tp->ca_state < CA_RECOVERY, probing = tp->mtup.probe != 0;
	bool reneged = tp->snd_head != NULL && (pkt_cb(tp->snd_head)->sacked & SEG_SACKED);
	struct rte_mbuf *m;

	tp->mtup.probe = 0; /* inconclusive */

	/* Time-outs although much was SACKed: the path does not reorder as far as was thought. */
	if (tp->ca_state <= CA_DISORDER && tp->sacked_out >= TCP_DUPTHRESH &&
	    tp->reordering > TCP_DUPTHRESH)
		tp->reordering = TCP_DUPTHRESH;
	/* The head SACKed and yet not acknowledged: the receiver reneged (RFC 2018 8). */
	if (reneged) {
		MIB_INC(st, TCP_SACK_RENEGING);
		tcp_sack_clear_reneged(tp);
	}
	if (!(tp->flags & TF_SACK))
		tp->sacked_out = 0;
	/* RFC 8985 6.3: the head, and what else has had the time to arrive. */
	for (m = tp->snd_head; m != tp->send_head; m = pkt_cb(m)->qnext)
		if (m == tp->snd_head || reneged ||
		    tcp_rack_is_overdue(tp, pkt_cb(m)->tstamp, now))
			tcp_mark_lost(tp, m);
	if (tp->ca_state <= CA_DISORDER || !seq_gt(tp->high_seq, tp->snd_una) ||
	    (tp->ca_state == CA_LOSS && tp->retransmits == 0)) {
		tp->prior_ssthresh = tcp_current_ssthresh(tp);
		tp->prior_cwnd = tp->cwnd;
		tp->ssthresh = tp->cc->ssthresh(tp);
		tcp_undo_init(tp);
	}
	if (tp->cc->on_rto != NULL)
		tp->cc->on_rto(tp, now);
	tp->cwnd = tcp_in_flight(tp) + 1; /* the loss window */
	tp->cwnd_cnt = 0;
	tp->cwnd_stamp = now;
	set_ca_state(tp, CA_LOSS);
	tp->high_seq = tp->snd_nxt;
	tp->tlp_high_seq = 0;
	tp->flags &= ~(TF_FRTO | TF_FRTO_NEW);
	if (tp->flags & TF_ECN)
		tp->flags |= TF_ECN_CWR;
	/* RFC 5682 3.1 step 1: not if a recovery was interrupted, but again for the same segment (3.2). */
	if ((new_episode || tp->retransmits > 0) && !probing)
		tp->flags |= TF_FRTO;
	if (tp->undo_retrans < 0)
		tp->undo_retrans = 0;
}

/* -- the states ------------------------------------------------------------------------------------ */

/* A duplicate ACK is a delivery somewhere. */
static void reno_duplicate(struct tcp_sock *tp)
{
	if (tp->sacked_out + tp->lost_out >= tp->packets_out)
		return;
	tp->sacked_out++;
	tp->delivered++;
}

/* True: a retransmission was lost, too. */
static bool rack_identify(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	uint32_t retrans = tp->retrans_out;
	uint64_t wait;

	if (!(tp->flags & TF_SACK) || !tp->rack.advanced)
		return false;
	wait = tcp_rack_detect(tp, ai->now);
	if (wait != 0 && tp->packets_out > 0)
		tcp_xmit_timer_set(st, tp, XMIT_REO, wait, ai->now);
	else if (tp->xmit_timer == XMIT_REO)
		tcp_rearm_rto(st, tp, ai->now);
	return tp->retrans_out < retrans;
}

/* RFC 6582 3.2: three duplicates, or as many as reordering makes normal. */
static bool time_to_recover(const struct tcp_sock *tp)
{
	if (tp->lost_out > 0)
		return true;
	return !(tp->flags & TF_SACK) && tp->sacked_out >= tp->reordering;
}

/*
 * RFC 6582 4.1, as Linux: without SACK a recovery is over only when something above high_seq is
 * acknowledged.  Until then duplicate ACKs may be echoes of what was sent twice.
 */
static bool reno_holds(struct tcp_sock *tp)
{
	if ((tp->flags & TF_SACK) || tp->snd_una != tp->high_seq)
		return false;
	if (!tcp_any_retrans(tp))
		tp->retrans_stamp = 0;
	return true;
}

/* high_seq is acknowledged, in Recovery or Loss.  undo_marker stays: D-SACKs may come later. */
static bool leave(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (tcp_undo_is_due(tp)) {
		tcp_undo(tp, false, ai->now);
		if (tp->ca_state == CA_LOSS)
			MIB_INC(st, TCP_LOSS_UNDO);
		else
			MIB_INC(st, TCP_FULL_UNDO);
	} else if (tp->rack.reo_wnd_persist > 0) { /* RFC 8985 6.2 step 4 */
		tp->rack.reo_wnd_persist--;
	}
	tp->flags &= ~TF_FRTO;
	if (reno_holds(tp))
		return false;
	set_ca_state(tp, CA_OPEN);
	return true;
}

/* All retransmissions were reported as duplicates. */
static bool undo_by_dsack(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (tp->undo_marker == 0 || tp->undo_retrans != 0)
		return false;
	if (tp->rack.reo_wnd_persist < TCP_REO_WND_PERSIST)
		tp->rack.reo_wnd_persist++;
	tcp_undo(tp, false, ai->now);
	MIB_INC(st, TCP_DSACK_UNDO);
	return true;
}

static void in_recovery(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (ai->una_advanced) {
		if (tcp_undo_partial(st, tp, ai))
			return;
	} else if (!(tp->flags & TF_SACK) && ai->dup) {
		reno_duplicate(tp);
	}
	if (undo_by_dsack(st, tp, ai))
		tcp_try_keep_open(tp);
	if ((tp->flags & TF_SACK))
		rack_identify(st, tp, ai);
	else if (tp->ca_state == CA_RECOVERY && ai->una_advanced)
		mark_head_lost(tp); /* RFC 6582 3.2 step 3, a partial ACK: the next one is lost as well. */
	/* That was none; but what is found now may be. */
	if (tp->ca_state != CA_RECOVERY && time_to_recover(tp)) {
		if (!(tp->flags & TF_SACK))
			mark_head_lost(tp);
		tcp_enter_recovery(st, tp, ai->ece, ai->now);
	}
}

/* The time-out was spurious.  Without SACK the state is kept until what was sent before it is acknowledged. */
static void undo_loss(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai, bool frto)
{
	tcp_undo(tp, true, ai->now);
	MIB_INC(st, TCP_LOSS_UNDO);
	if (frto)
		MIB_INC(st, TCP_SPURIOUS_RTOS);
	tp->retransmits = 0;
	tp->flags &= ~TF_FRTO;
	if (!reno_holds(tp) && (frto || (tp->flags & TF_SACK)))
		set_ca_state(tp, CA_OPEN);
}

static void process_loss(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	bool recovered = !seq_lt(tp->snd_una, tp->high_seq);

	if (ai->una_advanced && tcp_undo_is_due(tp)) {
		undo_loss(st, tp, ai, false);
		return;
	}
	if (tcp_frto_says_spurious(tp, ai)) {
		undo_loss(st, tp, ai, true);
		return;
	}
	if (tcp_frto_step(tp, ai, recovered))
		return;
	if (recovered) {
		leave(st, tp, ai);
		return;
	}
	if (tp->flags & TF_SACK)
		return;
	if (seq_gt(tp->snd_nxt, tp->high_seq) && ai->dup)
		reno_duplicate(tp);
	else if (ai->una_advanced)
		tp->sacked_out = 0;
}

static void in_open(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (!(tp->flags & TF_SACK)) {
		if (ai->una_advanced)
			tp->sacked_out = 0;
		else if (ai->dup)
			reno_duplicate(tp);
	}
	if (tp->ca_state <= CA_DISORDER)
		undo_by_dsack(st, tp, ai);
	rack_identify(st, tp, ai);
	if (time_to_recover(tp)) {
		if (!(tp->flags & TF_SACK))
			mark_head_lost(tp);
		tcp_enter_recovery(st, tp, ai->ece, ai->now);
		return;
	}
	if (!tcp_any_retrans(tp))
		tp->retrans_stamp = 0;
	if (ai->ece && tp->ca_state < CA_CWR)
		tcp_enter_cwr(st, tp, ai->now);
	if (tp->ca_state != CA_CWR)
		tcp_try_keep_open(tp);
}

/* Undone, or even the retransmissions are lost: then what holds in any other state holds here. */
static void in_loss(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	bool again;

	process_loss(st, tp, ai);
	again = rack_identify(st, tp, ai);
	if (tp->ca_state == CA_OPEN || again)
		in_open(st, tp, ai);
}

/* RFC 8985 7.4: what became of the tail loss probe. */
void tcp_tlp_ack(struct stack *st, struct tcp_sock *tp, uint32_t ack, struct tcp_ack_info *ai)
{
	if (seq_lt(ack, tp->tlp_high_seq))
		return;
	if (!(tp->flags & TF_TLP_RETRANS)) {
		/* New data was the probe. */
		tp->tlp_high_seq = 0;
	} else if (ai->dsack_tlp) {
		/* The original and the probe both arrived: nothing was lost. */
		tp->tlp_high_seq = 0;
	} else if (seq_gt(ack, tp->tlp_high_seq)) {
		/* The probe repaired a loss that nobody noticed: react to congestion all the same. */
		tcp_enter_cwr(st, tp, ai->now);
		tcp_prr_end(tp, ai->now);
		tcp_try_keep_open(tp);
		MIB_INC(st, TCP_LOSS_PROBE_RECOVERY);
	} else if (!ai->una_advanced && ai->newly_sacked == 0 && !ai->wnd_updated) {
		tp->tlp_high_seq = 0;
	}
}

/* False: it stays, and nothing else is to be done. */
static bool leave_recovery(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (!(tp->flags & TF_SACK))
		tp->sacked_out = 0;
	if (!leave(st, tp, ai))
		return false;
	tcp_prr_end(tp, ai->now);
	return true;
}

static void change_state(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (tp->packets_out == 0)
		tp->sacked_out = 0;
	if (ai->ece)
		tp->prior_ssthresh = 0;
	if (ai->reneged) {
		/* RFC 2018 8.  It may be on its way to acknowledge it: half a round trip, at least 10 ms. */
		tcp_xmit_timer_set(st, tp, XMIT_RTO,
				   RTE_MAX(tp->srtt >> 4, 10 * NS_PER_MS), ai->now);
		return;
	}
	if (tp->ca_state == CA_OPEN) {
		tp->retrans_stamp = 0;
	} else if (!seq_lt(tp->snd_una, tp->high_seq)) {
		if (tp->ca_state == CA_RECOVERY && !leave_recovery(st, tp, ai))
			return;
		if (tp->ca_state == CA_CWR && seq_gt(tp->snd_una, tp->high_seq)) {
			tcp_prr_end(tp, ai->now);
			set_ca_state(tp, CA_OPEN);
		}
	}
	switch (tp->ca_state) {
	case CA_RECOVERY:
		in_recovery(st, tp, ai);
		break;
	case CA_LOSS:
		in_loss(st, tp, ai);
		break;
	default:
		in_open(st, tp, ai);
	}
}

/* Only what it says of losses counts: it is no measure of what the path carries now. */
void tcp_loss_on_old_ack(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (ai->ece)
		tp->delivered_ce += (uint32_t)tp->delivered - ai->prior_delivered;
	tcp_rack_update_reo_wnd(tp, ai);
	change_state(st, tp, ai);
}

void tcp_loss_on_ack(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (ai->ece) /* as Linux counts: what this ACK delivered went through the congestion */
		tp->delivered_ce += (uint32_t)tp->delivered - ai->prior_delivered;
	if (tp->cc->pkts_acked != NULL && ai->data_acked)
		tp->cc->pkts_acked(tp, ai);
	if (likely(tp->ca_state == CA_OPEN && !ai->dup && ai->newly_sacked == 0 && !ai->ece &&
		   !ai->dsack && tp->sacked_out == 0 && tp->tlp_high_seq == 0 && tp->lost_out == 0)) {
		tp->high_seq = tp->snd_nxt;
		tp->rack.advanced = false;
		tcp_rate_sample(tp, ai);
		tcp_cwnd_control(tp, ai);
		return;
	}
	tcp_rack_update_reo_wnd(tp, ai);
	if (tp->tlp_high_seq != 0)
		tcp_tlp_ack(st, tp, tp->snd_una, ai);
	change_state(st, tp, ai);
	tcp_rate_sample(tp, ai);
	tcp_cwnd_control(tp, ai);
}
