/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_ack.c - RFC 9293 3.10.7.4, fifth: what an acknowledgment does to the send side.
 *
 * Takes acknowledged segments off the queue, measures the round trip, updates the window,
 * and hands a summary (struct tcp_ack_info) to the loss and congestion code.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

void tcp_seg_uncount(struct tcp_sock *tp, struct pkt_cb *cb)
{
	if (cb->sacked & SEG_RETRANS)
		tp->retrans_out--;
	if (cb->sacked & SEG_LOST) {
		tp->lost_out--;
		if (!(cb->sacked & SEG_RETRANS))
			tp->lost_unsent--;
	}
	cb->sacked &= (uint8_t)~(SEG_RETRANS | SEG_LOST);
}

static void update_window(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
			  struct tcp_ack_info *ai, uint64_t now)
{
	uint32_t wnd = seg->wnd << tp->snd_wscale;

	if (!tcp_may_move_window(tp, seg))
		return;
	/* RFC 5681 2, as Linux has it: what may move the window is no duplicate, even if it does not. */
	ai->wnd_updated = true;
	tp->snd_wl1 = seg->seq;
	if (wnd == tp->snd_wnd)
		return;
	tp->snd_wnd = wnd;
	if (wnd > tp->max_window) {
		tp->max_window = wnd;
		tcp_mss_sync(st, tp, now);
	}
}

/* One segment leaves the queue because its end was acknowledged. */
static void ack_segment(struct tcp_sock *tp, struct pkt_cb *cb, struct tcp_ack_info *ai,
			uint64_t *first_sent, uint64_t *last_sent)
{
	if (cb->sacked & SEG_EVER_RETRANS) {
		ai->retrans_acked = true;
	} else if (!(cb->sacked & SEG_SACKED)) {
		*last_sent = cb->tstamp;
		if (*first_sent == 0)
			*first_sent = cb->tstamp;
		if (seq_lt(cb->seq, ai->reord_seq))
			ai->reord_seq = cb->seq;
		if (!seq_gt(cb->end_seq, tp->high_seq))
			ai->orig_sack_acked = true;
	}
	if (cb->sacked & SEG_SACKED) {
		tp->sacked_out--;
	} else {
		tcp_rate_seg_delivered(tp, cb, ai);
		if (tp->flags & TF_SACK) {
			tp->delivered++;
			tcp_rack_advance(tp, cb, ai->now);
		}
	}
	tcp_seg_uncount(tp, cb);
	tp->packets_out--;
	ai->acked++;
	if (!(cb->tcp_flags & TH_SYN))
		ai->data_acked = true;
}

/* RFC 6298 3 (Karn): only segments sent once, or a timestamp's echo, measure the round trip. */
static bool measure_rtt(struct tcp_sock *tp, const struct tcp_seg *seg, struct tcp_ack_info *ai,
			uint64_t first_sent, uint64_t last_sent)
{
	uint64_t rtt = 0;

	if (first_sent != 0 && !ai->retrans_acked) {
		ai->seq_rtt = ai->now - first_sent;
		if (ai->sack_rtt == 0)
			ai->ca_rtt = ai->now - last_sent;
		/* Exact to the ns: a zero is a simulation's, but is still a sample. */
		rtt = ai->seq_rtt != 0 ? ai->seq_rtt : 1;
	}
	if (rtt == 0)
		rtt = ai->sack_rtt;
	if (rtt == 0 && (tp->flags & TF_TS) && (seg->opts & TCP_HAS_TS) && seg->tsecr != 0 &&
	    ai->data_acked) {
		uint32_t ms = tcp_ts_clock(ai->now) + tp->ts_off - seg->tsecr;

		if (ms < 0x7fffffff / 1000)
			rtt = ai->ca_rtt = (ms != 0 ? ms : 1) * NS_PER_MS;
	}
	if (rtt == 0)
		return false;
	if (ai->ca_rtt != 0)
		tcp_min_rtt_update(tp, ai->ca_rtt, ai->now);
	tcp_rtt_sample(tp, rtt);
	tcp_rto_reset(tp);
	/* RFC 6298 5.7: a sample ends the back-off. */
	tp->backoff = 0;
	return true;
}

/*
 * Without SACK the segments that a cumulative ACK covers were counted as dup ACKs before: one
 * filled the hole, the rest eat duplicates, and only what is left is news.
 */
static void reno_uncount(struct tcp_sock *tp, uint32_t acked)
{
	tp->delivered += acked > tp->sacked_out + 1 ? acked - tp->sacked_out : 1;
	if (acked > 1)
		tp->sacked_out = tp->sacked_out > acked - 1 ? tp->sacked_out - (acked - 1) : 0;
	if (tp->sacked_out + tp->lost_out > tp->packets_out)
		tp->sacked_out = tp->packets_out - tp->lost_out;
}

static void clean_queue(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
			struct tcp_ack_info *ai)
{
	uint64_t first_sent = 0, last_sent = 0;
	uint32_t una = tp->snd_una;
	struct rte_mbuf *m;
	bool measured;

	while ((m = tp->snd_head) != tp->send_head && m != NULL &&
	       seq_leq(pkt_cb(m)->end_seq, una)) {
		ack_segment(tp, pkt_cb(m), ai, &first_sent, &last_sent);
		if (unlikely(tp->stampq.head != NULL))
			tcp_txstamp_acked(st, tp, m, ai->now);
		tcp_sndq_pop(st, tp);
	}
	if (m != NULL && m != tp->send_head && seq_lt(pkt_cb(m)->seq, una))
		tcp_sndq_trim_head(tp, m, una - pkt_cb(m)->seq);
	/* Without SACK, what came with a retransmission's ACK may have waited for it all along. */
	if (!(tp->flags & TF_SACK) && ai->retrans_acked)
		ai->orig_sack_acked = false;
	if (ai->acked > 0) {
		if (!(tp->flags & TF_SACK))
			reno_uncount(tp, ai->acked);
		else if (seq_lt(ai->reord_seq, ai->prior_fack) && /* a hole, and nothing went again */
			 tcp_update_reordering(tp, ai->reord_seq))
			MIB_INC(st, TCP_SACK_REORDER);
		tcp_rearm_rto(st, tp, ai->now);
	}
	m = tp->snd_head;
	measured = measure_rtt(tp, seg, ai, first_sent, last_sent);
	if (m == tp->send_head)
		return;
	ai->reneged = ai->una_advanced && (pkt_cb(m)->sacked & SEG_SACKED);
	/* A SACK is progress, but not of what was sent again since: that has its own time. */
	if (ai->acked == 0 && measured && ai->sack_rtt > ai->now - pkt_cb(m)->tstamp)
		tcp_rearm_rto(st, tp, ai->now);
}

/* Nothing was in flight: the ACK answers a probe, or opens the window. */
static void ack_probe(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct rte_mbuf *m = tp->send_head;

	if (m == NULL)
		return;
	if (!seq_gt(pkt_cb(m)->end_seq, tp->snd_una + tp->snd_wnd) ||
	    seq_diff(tp->snd_una + tp->snd_wnd, pkt_cb(m)->seq) >= (int32_t)(tp->max_window / 2)) {
		tp->backoff = 0;
		tp->probes_stamp = 0;
		if (tp->xmit_timer == XMIT_PERSIST)
			tcp_xmit_timer_clear(tp);
		return;
	}
	/* Still shut.  The probe was answered, so the peer lives: the interval begins anew, as in Linux. */
	tcp_probe_restart(st, tp, now);
}

/* RFC 9293 3.10.7.4, with RFC 5961 5: is the number one that a peer could have sent? */
static bool ack_is_acceptable(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
			      uint64_t now)
{
	if (seq_gt(seg->ack, tp->snd_nxt)) {
		MIB_INC(st, TCP_ACK_UNSENT);
		tcp_challenge_ack(st, tp, now);
		return false;
	}
	/* RFC 5961 5.2: older than any window we were offered, or than all that we ever sent. */
	if (seq_lt(seg->ack, tp->snd_una) &&
	    tp->snd_una - seg->ack > RTE_MIN((uint64_t)tp->max_window, tp->bytes_acked)) {
		tcp_challenge_ack(st, tp, now);
		return false;
	}
	return true;
}

static void window_was_urged(struct tcp_sock *tp)
{
	if ((tp->flags & TF_SND_URG) && !seq_gt(tp->snd_up, tp->snd_una))
		tp->flags &= ~TF_SND_URG;
}

/* False: the segment is not to be processed further. */
bool tcp_ack(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;
	struct tcp_ack_info ai;

	if (!ack_is_acceptable(st, tp, seg, now))
		return false;
	memset(&ai, 0, sizeof(ai));
	ai.now = now;
	ai.prior_una = tp->snd_una;
	ai.prior_fack = tcp_fack(tp);
	ai.prior_packets_out = tp->packets_out;
	ai.prior_in_flight = tcp_in_flight(tp);
	ai.prior_delivered = (uint32_t)tp->delivered;
	ai.prior_lost = tp->lost;
	ai.reord_seq = tp->snd_nxt;
	tp->rcv_tstamp = now;
	tp->probes_out = 0;
	tp->keep_probes = 0;
	ai.ece = (tp->flags & TF_ECN) && (seg->flags & TH_ECE) && !(seg->flags & TH_SYN);
	if (seq_lt(seg->ack, tp->snd_una)) {
		MIB_INC(st, TCP_OLD_ACK);
		if ((seg->opts & TCP_HAS_SACK) &&
		    tcp_sack_process(st, tp, seg, &ai))
			tcp_loss_on_old_ack(st, tp, &ai);
		return true;
	}
	update_window(st, tp, seg, &ai, now);
	ai.una_advanced = seg->ack != tp->snd_una;
	ai.acked_bytes = seg->ack - tp->snd_una;
	tp->snd_una = seg->ack;
	tp->bytes_acked += ai.acked_bytes;
	if (ai.una_advanced) {
		tp->retransmits = 0;
		if (unlikely(tp->rto_stamp != 0))
			tcp_chrono_rto_over(tp, now);
	}
	if (unlikely(tp->flags & TF_SND_URG))
		window_was_urged(tp);
	if (ai.prior_packets_out == 0) {
		/* A D-SACK of the last flight may show that its recovery was for nothing. */
		if (unlikely(seg->opts & TCP_HAS_SACK) && tcp_sack_process(st, tp, seg, &ai))
			tcp_loss_on_old_ack(st, tp, &ai);
		ack_probe(st, tp, now);
		if (tp->tlp_high_seq != 0)
			tcp_tlp_ack(st, tp, seg->ack, &ai);
		if (tp->send_head != NULL)
			tcp_mark_pending(st, tp);
		return true;
	}
	if ((seg->opts & TCP_HAS_SACK) && (tp->flags & TF_SACK))
		tcp_sack_process(st, tp, seg, &ai);
	clean_queue(st, tp, seg, &ai);
	if (unlikely(tp->mtup.probe != 0))
		tcp_mtup_acked(st, tp, now);
	/* RFC 5681 2: a duplicate ACK acknowledges nothing new, has no data and changes no window. */
	ai.dup = !ai.una_advanced && !ai.wnd_updated && seg->len == 0 &&
		 !(seg->flags & (TH_SYN | TH_FIN));
	tcp_loss_on_ack(st, tp, &ai);
	if (ai.acked > 0 && !ai.reneged && tp->xmit_timer == XMIT_RTO)
		tcp_tlp_schedule(st, tp, true, now);
	if (ai.una_advanced) {
		MIB_INC(st, TCP_PURE_ACKS);
		tcp_write_space(st, tp);
		if (tp->snd_head == NULL ||
		    (tp->chrono == CHRONO_SNDBUF && !(tp->inet.sk.flags & SOCK_F_NOSPACE)))
			tcp_chrono_stop(tp, CHRONO_SNDBUF, now);
		neigh_confirm(st, &tp->inet.dst, now);
	}
	if (tp->send_head != NULL || tp->lost_unsent != 0)
		tcp_mark_pending(st, tp);
	return true;
}
