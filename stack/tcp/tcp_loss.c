/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_loss.c - what is lost, and what that does to the congestion window.
 *
 *   Open		nothing unusual
 *   Disorder	duplicate or selective ACKs, not enough to act on; new data keeps the ACK
 *		clock going (limited transmit, RFC 3042: in-flight shrinks with each SACK)
 *   CWR	congestion was signalled (ECN): cwnd is being reduced, nothing is retransmitted
 *   Recovery	fast retransmit: PRR (RFC 6937) reduces cwnd while lost segments are sent
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

/* -- window reduction: PRR, RFC 6937 ---------------------------------------------------------- */

static void begin_reduction(struct tcp_sock *tp)
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
static void reduce_cwnd(struct tcp_sock *tp, uint32_t newly_delivered, uint32_t newly_lost,
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

static void end_reduction(struct tcp_sock *tp, uint64_t now)
{
	if (tp->cc->control != NULL)
		return;
	if (tp->ssthresh < TCP_SSTHRESH_INF &&
	    (tp->ca_state == CA_CWR || tp->undo_marker != 0)) {
		tp->cwnd = tp->ssthresh;
		tp->cwnd_stamp = now;
	}
}

static void set_ca_state(struct tcp_sock *tp, enum ca_state state)
{
	tp->ca_state = (uint8_t)state;
}

void tcp_try_keep_open(struct tcp_sock *tp)
{
	set_ca_state(tp, tp->sacked_out != 0 || tp->lost_out != 0 || tp->retrans_out != 0 ?
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
	if (tp->ca_state < CA_CWR) {
		if (!ece)
			tp->prior_ssthresh = tp->ssthresh;
		begin_reduction(tp);
	} else {
		/* CWR was reducing already; only the end moves. */
		tp->high_seq = tp->snd_nxt;
	}
	tp->retrans_stamp = 0;
	set_ca_state(tp, CA_RECOVERY);
}

/* RFC 3168 6.1.2: as for a loss, but nothing is retransmitted; once per round trip. */
void tcp_enter_cwr(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	(void)st;
	(void)now;
	tp->prior_ssthresh = 0;
	if (tp->ca_state < CA_CWR) {
		tp->undo_marker = 0;
		begin_reduction(tp);
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
	struct rte_mbuf *m;

	tp->mtup.probe = 0; /* inconclusive */

	/* The head SACKed and yet not acknowledged: the receiver reneged (RFC 2018 8). */
	if (tp->snd_head != NULL && (pkt_cb(tp->snd_head)->sacked & SEG_SACKED)) {
		MIB_INC(st, TCP_SACK_RENEGING);
		tcp_sack_clear_reneged(tp);
	}
	if (!(tp->flags & TF_SACK))
		tp->sacked_out = 0;
	/* RFC 8985 6.3: the head, and what else has had the time to arrive. */
	for (m = tp->snd_head; m != tp->send_head; m = pkt_cb(m)->qnext)
		if (m == tp->snd_head || tcp_rack_is_overdue(tp, pkt_cb(m)->tstamp, now))
			tcp_mark_lost(tp, m);
	if (tp->ca_state <= CA_DISORDER || !seq_gt(tp->high_seq, tp->snd_una) ||
	    (tp->ca_state == CA_LOSS && tp->retransmits == 0)) {
		tp->prior_ssthresh = tp->ca_state == CA_CWR || tp->ca_state == CA_RECOVERY ?
					     tp->ssthresh : (tp->ssthresh > tp->cwnd * 3 / 4 ?
								     tp->ssthresh : tp->cwnd * 3 / 4);
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

static void rack_identify(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	uint64_t wait;

	if (!(tp->flags & TF_SACK))
		return;
	tcp_rack_update_reo_wnd(tp, ai);
	if (!tp->rack.advanced)
		return;
	wait = tcp_rack_detect(tp, ai->now);
	if (wait != 0 && tp->packets_out > 0)
		tcp_xmit_timer_set(st, tp, XMIT_REO, wait, ai->now);
	else if (tp->xmit_timer == XMIT_REO)
		tcp_rearm_rto(st, tp, ai->now);
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
static bool reno_holds(const struct tcp_sock *tp)
{
	return !(tp->flags & TF_SACK) && tp->snd_una == tp->high_seq;
}

static void leave_recovery(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (!(tp->flags & TF_SACK))
		tp->sacked_out = 0;
	if (tcp_undo_is_due(tp)) {
		tcp_undo(st, tp, false, ai->now);
	} else {
		end_reduction(tp, ai->now);
		if (tp->rack.reo_wnd_persist > 0) /* RFC 8985 6.2 step 4 */
			tp->rack.reo_wnd_persist--;
	}
	/* undo_marker stays: D-SACKs that tell that all was spurious may still come. */
	tp->retrans_stamp = 0;
	if (!reno_holds(tp))
		set_ca_state(tp, CA_OPEN);
}

static void in_recovery(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (ai->una_advanced && tcp_undo_partial(st, tp, ai->now))
		return;
	if (!(tp->flags & TF_SACK)) {
		if (ai->una_advanced) /* RFC 6582 3.2 step 3, a partial ACK: the next one is lost as well. */
			mark_head_lost(tp);
		else if (ai->dup)
			reno_duplicate(tp);
		return;
	}
	if (ai->dsack && tp->undo_marker != 0 && tp->undo_retrans == 0) {
		tcp_undo(st, tp, true, ai->now);
		tcp_try_keep_open(tp);
		return;
	}
	rack_identify(st, tp, ai);
}

static void in_loss(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	bool recovered = !seq_lt(tp->snd_una, tp->high_seq);
	bool spurious = tcp_frto_says_spurious(tp, ai);

	if (spurious || (ai->una_advanced && tcp_undo_is_due(tp) &&
			 (tcp_acked_the_original(tp) || ai->dsack))) {
		MIB_INC(st, TCP_SPURIOUS_RTOS);
		tcp_undo(st, tp, true, ai->now);
		tp->retransmits = 0;
		tp->backoff = 0;
		tp->flags &= ~(TF_FRTO | TF_FRTO_NEW);
		tcp_rto_reset(tp);
		tcp_try_keep_open(tp);
		tp->retrans_stamp = 0;
		return;
	}
	tcp_frto_step(tp, ai, recovered);
	if (recovered) {
		tp->flags &= ~TF_FRTO;
		if (!(tp->flags & TF_SACK))
			tp->sacked_out = 0;
		tp->retrans_stamp = 0;
		if (tp->rack.reo_wnd_persist > 0)
			tp->rack.reo_wnd_persist--;
		if (!reno_holds(tp))
			set_ca_state(tp, CA_OPEN);
		return;
	}
	if (!(tp->flags & TF_SACK)) {
		if (ai->dup)
			reno_duplicate(tp);
		else if (ai->una_advanced)
			tp->sacked_out = 0;
		return;
	}
	rack_identify(st, tp, ai);
}

static void in_open(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	if (!(tp->flags & TF_SACK)) {
		if (ai->una_advanced)
			tp->sacked_out = 0;
		else if (ai->dup)
			reno_duplicate(tp);
	} else {
		if (ai->dsack && tp->ca_state <= CA_DISORDER && tp->undo_marker != 0 &&
		    tp->undo_retrans == 0)
			tcp_undo(st, tp, false, ai->now);
		rack_identify(st, tp, ai);
	}
	if (time_to_recover(tp)) {
		if (!(tp->flags & TF_SACK))
			mark_head_lost(tp);
		tcp_enter_recovery(st, tp, ai->ece, ai->now);
		return;
	}
	if (tp->ca_state != CA_CWR)
		tcp_try_keep_open(tp);
}

/* RFC 8985 7.4: what became of the tail loss probe. */
void tcp_tlp_ack(struct stack *st, struct tcp_sock *tp, uint32_t ack, struct tcp_ack_info *ai)
{
	if (seq_lt(ack, tp->tlp_high_seq))
		return;
	if (!(tp->flags & TF_TLP_RETRANS)) {
		/* New data was the probe. */
		tp->tlp_high_seq = 0;
	} else if (ai->dsack) {
		/* The original and the probe both arrived: nothing was lost. */
		tp->tlp_high_seq = 0;
	} else if (seq_gt(ack, tp->tlp_high_seq)) {
		/* The probe repaired a loss that nobody noticed: react to congestion all the same. */
		tcp_enter_cwr(st, tp, ai->now);
		end_reduction(tp, ai->now);
		tcp_try_keep_open(tp);
		MIB_INC(st, TCP_LOSS_PROBE_RECOVERY);
	} else if (!ai->una_advanced && ai->newly_sacked == 0 && !ai->wnd_updated) {
		tp->tlp_high_seq = 0;
	}
}

/* The window grows only while it is what limits us (RFC 7661's concern). */
static bool cwnd_was_used(const struct tcp_sock *tp)
{
	if (tp->was_cwnd_limited)
		return true;
	return tp->cwnd < tp->ssthresh && tp->cwnd < 2 * tp->max_packets_out;
}

static void control_cwnd(struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	uint32_t delivered = (uint32_t)tp->delivered - ai->prior_delivered;
	uint32_t lost = tp->lost - ai->prior_lost;

	if (tp->cc->control != NULL) {
		tp->cc->control(tp, ai);
		return;
	}
	if (tp->ca_state == CA_CWR || tp->ca_state == CA_RECOVERY) {
		reduce_cwnd(tp, delivered, lost, ai->una_advanced);
		return;
	}
	if (ai->una_advanced || ai->newly_sacked > 0) {
		/* Where reordering is normal, what is SACKed counts as well; but each segment once. */
		bool raise = tp->reordering > TCP_DUPTHRESH || ai->data_acked;

		if (raise && delivered > 0 && cwnd_was_used(tp))
			tp->cc->cong_avoid(tp, delivered, ai);
	}
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
		control_cwnd(tp, ai);
		return;
	}
	if (tp->packets_out == 0)
		tp->sacked_out = 0;
	if (tp->tlp_high_seq != 0)
		tcp_tlp_ack(st, tp, tp->snd_una, ai);
	if (ai->ece)
		tp->prior_ssthresh = 0;
	if (ai->ece && tp->ca_state < CA_CWR)
		tcp_enter_cwr(st, tp, ai->now);
	if (tp->ca_state != CA_OPEN && !seq_lt(tp->snd_una, tp->high_seq)) {
		if (tp->ca_state == CA_RECOVERY) {
			leave_recovery(st, tp, ai);
		} else if (tp->ca_state == CA_CWR && seq_gt(tp->snd_una, tp->high_seq)) {
			end_reduction(tp, ai->now);
			set_ca_state(tp, CA_OPEN);
		}
	}
	switch (tp->ca_state) {
	case CA_RECOVERY:
		if (seq_lt(tp->snd_una, tp->high_seq))
			in_recovery(st, tp, ai);
		break;
	case CA_LOSS:
		in_loss(st, tp, ai);
		break;
	default:
		in_open(st, tp, ai);
	}
	tcp_rate_sample(tp, ai);
	control_cwnd(tp, ai);
}
