/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_sack.c - the scoreboard: RFC 2018, RFC 2883, RFC 6675 4.
 *
 * The blocks of an ACK are sorted and the queue is walked once.  A segment counts as SACKed
 * when a block covers all of it; what only partly overlaps is not (the receivers that matter
 * report whole segments, and nothing is lost but a retransmission).
 */
#include "stack/tcp/tcp.h"

/* RFC 2883 4: the first block lies below the ACK, or within the second. */
static bool is_dsack(const struct tcp_seg *seg)
{
	const struct tcp_sack *s = seg->sacks;

	if (seq_lt(s[0].start, seg->ack))
		return true;
	return seg->nsacks > 1 && seq_leq(s[0].end, s[1].end) && seq_geq(s[0].start, s[1].start);
}

/* The retransmissions of this episode that were not needed: undo counts them down. */
static void count_needless(struct tcp_sock *tp, uint32_t end, uint32_t segs)
{
	if (tp->undo_marker != 0 && tp->undo_retrans > 0 && seq_gt(end, tp->undo_marker))
		tp->undo_retrans = tp->undo_retrans > (int32_t)segs ?
					   tp->undo_retrans - (int32_t)segs : 0;
}

/* What came twice is still on the queue: more is known than a number. */
static void dsack_segment(struct tcp_sock *tp, struct pkt_cb *cb, struct tcp_ack_info *ai)
{
	if (!(cb->sacked & SEG_EVER_RETRANS))
		return;
	count_needless(tp, cb->end_seq, 1);
	if ((cb->sacked & SEG_SACKED) && seq_lt(cb->seq, ai->reord_seq))
		ai->reord_seq = cb->seq;
	if ((cb->sacked & (SEG_RETRANS | SEG_LOST)) == SEG_RETRANS) {
		cb->sacked &= (uint8_t)~SEG_RETRANS;
		tp->retrans_out--;
	}
}

static void dsack_received(struct stack *st, struct tcp_sock *tp, const struct tcp_sack *s,
			   struct tcp_ack_info *ai)
{
	uint32_t len = s->end - s->start, segs = 1;
	struct rte_mbuf *m;

	MIB_INC(st, TCP_DSACK_RECV);
	if (!seq_lt(s->start, s->end) || len > tp->max_window)
		return;
	if (tp->mss != 0 && len > tp->mss)
		segs = (len + tp->mss - 1) / tp->mss;
	else if (tp->tlp_high_seq != 0 && tp->tlp_high_seq == s->end)
		ai->dsack_tlp = true;
	tp->dsack_cnt += segs;
	/* More than we ever sent twice: the network copies, or the peer is odd.  It proves nothing. */
	if (tp->dsack_cnt > tp->total_retrans)
		return;
	ai->dsack = true;
	tp->flags |= TF_DSACK_SEEN;
	tp->delivered += segs; /* the needless copy arrived as well */
	/* The probe goes by the clock: that it was needless says nothing of RACK's window. */
	if ((tp->flags & TF_REORD_SEEN) && !ai->dsack_tlp)
		tp->rack.dsack_seen = true;
	if (seq_leq(s->end, ai->prior_una)) {
		count_needless(tp, s->end, segs);
		return;
	}
	for (m = tp->snd_head; m != tp->send_head && seq_lt(pkt_cb(m)->seq, s->end);
	     m = pkt_cb(m)->qnext)
		if (seq_geq(pkt_cb(m)->seq, s->start) && seq_leq(pkt_cb(m)->end_seq, s->end))
			dsack_segment(tp, pkt_cb(m), ai);
}

/* RFC 5927, RFC 2018 8: only what was really sent can be SACKed. */
static bool block_is_valid(const struct tcp_sock *tp, const struct tcp_sack *s)
{
	if (!seq_lt(s->start, s->end) || seq_gt(s->end, tp->snd_nxt) ||
	    seq_lt(s->start, tp->snd_una))
		return false;
	return true;
}

static void sort_blocks(struct tcp_sack *s, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++) {
		struct tcp_sack x = s[i];
		unsigned int j = i;

		for (; j > 0 && seq_lt(x.start, s[j - 1].start); j--)
			s[j] = s[j - 1];
		s[j] = x;
	}
}

/* Blocks may overlap if the peer is odd: any of those not passed yet may cover the segment. */
static bool is_covered(const struct pkt_cb *cb, const struct tcp_sack *s, unsigned int n)
{
	for (; n > 0; n--, s++)
		if (seq_geq(cb->seq, s->start) && seq_leq(cb->end_seq, s->end))
			return true;
	return false;
}

static void sack_segment(struct tcp_sock *tp, struct pkt_cb *cb, struct tcp_ack_info *ai)
{
	if (!(cb->sacked & SEG_EVER_RETRANS)) {
		if (ai->sack_rtt == 0)
			ai->sack_rtt = ai->now - cb->tstamp;
		ai->ca_rtt = ai->now - cb->tstamp;
		/* Sent once and below what is SACKed already: it was reordered, not lost. */
		if (seq_lt(cb->seq, tp->fack_seq) && seq_lt(cb->seq, ai->reord_seq))
			ai->reord_seq = cb->seq;
		if (!seq_gt(cb->end_seq, tp->high_seq))
			ai->orig_sack_acked = true;
	}
	tcp_rack_advance(tp, cb, ai->now);
	tcp_seg_uncount(tp, cb);
	cb->sacked |= SEG_SACKED;
	tp->sacked_out++;
	tp->delivered++;
	ai->newly_sacked++;
	tcp_rate_seg_delivered(tp, cb, ai);
}

/* Returns whether the ACK told anything that was not known. */
bool tcp_sack_process(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
		      struct tcp_ack_info *ai)
{
	struct tcp_sack blocks[TCP_MAX_SACKS];
	unsigned int n = 0, b = 0;
	uint32_t fack = tp->fack_seq;
	struct rte_mbuf *m;

	if (seg->nsacks == 0 || !(tp->flags & TF_SACK))
		return false;
	if (tp->sacked_out == 0)
		fack = tp->fack_seq = tp->snd_una;
	for (unsigned int i = 0; i < seg->nsacks; i++) {
		if (i == 0 && is_dsack(seg)) {
			dsack_received(st, tp, &seg->sacks[0], ai);
			continue;
		}
		if (!block_is_valid(tp, &seg->sacks[i])) {
			if (!seq_lt(seg->sacks[i].end, tp->snd_una))
				MIB_INC(st, TCP_SACK_DISCARD);
			continue;
		}
		blocks[n++] = seg->sacks[i];
	}
	sort_blocks(blocks, n);
	for (m = tp->snd_head; m != tp->send_head && b < n; m = pkt_cb(m)->qnext) {
		struct pkt_cb *cb = pkt_cb(m);

		while (b < n && seq_geq(cb->seq, blocks[b].end))
			b++;
		if (b == n)
			break;
		if (!(cb->sacked & SEG_SACKED) && is_covered(cb, &blocks[b], n - b)) {
			sack_segment(tp, cb, ai);
			fack = seq_max(fack, cb->end_seq);
		}
	}
	tp->fack_seq = fack;
	if (tp->ca_state != CA_LOSS || tp->undo_marker != 0)
		MIB_ADD(st, TCP_SACK_REORDER, tcp_update_reordering(tp, ai->reord_seq));
	ai->reord_seq = tp->snd_nxt;
	return ai->newly_sacked > 0 || ai->dsack;
}

/* RFC 2018 8: after an RTO the receiver may have dropped what it SACKed; believe nothing. */
void tcp_sack_clear_reneged(struct tcp_sock *tp)
{
	struct rte_mbuf *m;

	for (m = tp->snd_head; m != tp->send_head; m = pkt_cb(m)->qnext)
		pkt_cb(m)->sacked &= (uint8_t)~SEG_SACKED;
	tp->sacked_out = 0;
	tp->fack_seq = tp->snd_una;
	tp->reneg_cnt++;
}

/*
 * What begins at low_seq was delivered after something sent behind it, if that was: the network
 * reorders by so many segments.  Raises the threshold of duplicate ACKs (RFC 4653's idea, Linux's bound).
 */
bool tcp_update_reordering(struct tcp_sock *tp, uint32_t low_seq)
{
	uint32_t distance = tcp_fack(tp) - low_seq;
	uint32_t segs = (distance + tp->mss - 1) / (tp->mss != 0 ? tp->mss : 1);

	if (!seq_lt(low_seq, tcp_fack(tp)))
		return false;
	if (segs > tp->reordering)
		tp->reordering = segs < TCP_MAX_REORDERING ? segs : TCP_MAX_REORDERING;
	tp->flags |= TF_REORD_SEEN;
	tp->reord_seen_cnt++;
	return true;
}
