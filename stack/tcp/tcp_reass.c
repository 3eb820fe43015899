/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_reass.c - segments that arrived before their time, and the SACK blocks about them.
 *
 * The queue is sorted by sequence number.  A segment that is wholly there already is
 * dropped; one that covers others replaces them; partial overlaps stay and are cut when they
 * are drained.  Memory counts against rcvbuf like everything received, and all connections
 * together are bounded: what is dropped here will be sent again.
 */
#include "stack/tcp/tcp.h"

static void uncharge_ofo(struct stack *st, const struct rte_mbuf *m)
{
	st->tcp.ofo_bytes -= tcp_truesize(m);
}

void tcp_ofo_purge(struct stack *st, struct tcp_sock *tp)
{
	struct rte_mbuf *m, *next;

	for (m = tp->ofo_head; m != NULL; m = next) {
		next = pkt_cb(m)->qnext;
		uncharge_ofo(st, m);
		tcp_rcvq_free(st, tp, m);
	}
	tp->ofo_head = tp->ofo_tail = NULL;
}

/* -- what we tell the peer ------------------------------------------------------------------- */

/* RFC 2883 4: [start, end) came twice; said once, in the next ACK. */
void tcp_dsack_set(struct tcp_sock *tp, uint32_t start, uint32_t end)
{
	if (!(tp->flags & TF_SACK) || !seq_lt(start, end))
		return;
	if (tp->dsack_out && seq_leq(start, tp->dsack.end) && seq_geq(end, tp->dsack.start)) {
		tp->dsack.start = seq_min(start, tp->dsack.start);
		tp->dsack.end = seq_max(end, tp->dsack.end);
		return;
	}
	tp->dsack.start = start;
	tp->dsack.end = end;
	tp->dsack_out = true;
}

/* Further duplicates of one segment: told if they adjoin those that are. */
static void dsack_extend(struct tcp_sock *tp, uint32_t start, uint32_t end)
{
	if (!tp->dsack_out || (seq_leq(start, tp->dsack.end) && seq_geq(end, tp->dsack.start)))
		tcp_dsack_set(tp, start, end);
}

/* RFC 2018 4: the block with the newest segment first, then those told most recently. */
static void sacks_push(struct tcp_sock *tp, uint32_t start, uint32_t end)
{
	struct tcp_sack *s = tp->sacks_out;
	unsigned int n = 0;

	for (unsigned int i = 0; i < tp->nsacks_out; i++) {
		/* What the new block touches is part of it. */
		if (seq_leq(s[i].start, end) && seq_geq(s[i].end, start)) {
			start = seq_min(start, s[i].start);
			end = seq_max(end, s[i].end);
			continue;
		}
		s[n++] = s[i];
	}
	if (n == TCP_MAX_SACKS)
		n--;
	for (unsigned int i = n; i > 0; i--)
		s[i] = s[i - 1];
	s[0].start = start;
	s[0].end = end;
	tp->nsacks_out = (uint8_t)(n + 1);
}

/* rcv_nxt moved: forget the blocks it has passed. */
void tcp_sacks_advance(struct tcp_sock *tp)
{
	unsigned int n = 0;

	if (tp->ofo_head == NULL) {
		tp->nsacks_out = 0;
		return;
	}
	for (unsigned int i = 0; i < tp->nsacks_out; i++)
		if (seq_gt(tp->sacks_out[i].start, tp->rcv_nxt))
			tp->sacks_out[n++] = tp->sacks_out[i];
	tp->nsacks_out = (uint8_t)n;
}

/* -- the queue ---------------------------------------------------------------------------------- */

static bool has_room(const struct stack *st, const struct tcp_sock *tp)
{
	return tp->inet.sk.rmem < tp->inet.sk.rcvbuf && st->tcp.rmem < st->tcp.rmem_max &&
	       st->tcp.ofo_bytes < st->tcp.rmem_max / 2;
}

/* Remove the segments after prev that [.., end) covers. */
static void drop_covered(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *prev, uint32_t end)
{
	struct rte_mbuf **link = prev != NULL ? &pkt_cb(prev)->qnext : &tp->ofo_head;

	while (*link != NULL && seq_leq(pkt_cb(*link)->end_seq, end)) {
		struct rte_mbuf *m = *link;

		dsack_extend(tp, pkt_cb(m)->seq, pkt_cb(m)->end_seq);
		*link = pkt_cb(m)->qnext;
		if (tp->ofo_tail == m)
			tp->ofo_tail = prev;
		uncharge_ofo(st, m);
		tcp_rcvq_free(st, tp, m);
	}
	if (*link != NULL && seq_gt(end, pkt_cb(*link)->seq))
		dsack_extend(tp, pkt_cb(*link)->seq, end);
}

/* The last segment that begins at or before seq; NULL: none.  Most arrivals go to the end. */
static struct rte_mbuf *find_before(const struct tcp_sock *tp, uint32_t seq)
{
	struct rte_mbuf *m, *prev = NULL;

	if (tp->ofo_tail != NULL && seq_geq(seq, pkt_cb(tp->ofo_tail)->seq))
		return tp->ofo_tail;
	for (m = tp->ofo_head; m != NULL && seq_leq(pkt_cb(m)->seq, seq); m = pkt_cb(m)->qnext)
		prev = m;
	return prev;
}

static void insert(struct tcp_sock *tp, struct rte_mbuf *prev, struct rte_mbuf *m)
{
	struct rte_mbuf **link = prev != NULL ? &pkt_cb(prev)->qnext : &tp->ofo_head;

	pkt_cb(m)->qnext = *link;
	*link = m;
	if (tp->ofo_tail == prev)
		tp->ofo_tail = m;
}

/* Another segment beyond this hole. */
static void count_dup_ack(struct tcp_sock *tp)
{
	if (tp->dup_acks_nxt != tp->rcv_nxt) {
		tp->dup_acks_nxt = tp->rcv_nxt;
		tp->dup_acks = 0;
	}
	if (tp->dup_acks < TCP_DUPTHRESH)
		tp->dup_acks++;
}

void tcp_ofo_queue(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now)
{
	struct tcp_seg *seg = &rx->seg;
	struct rte_mbuf *m = rx->pkt->m, *prev;
	struct pkt_cb *cb = pkt_cb(m);
	uint32_t truesize = tcp_truesize(m);

	count_dup_ack(tp);
	tcp_rcv_ecn(tp, seg);
	/* RFC 5681 4.2: a duplicate ACK at once. */
	tp->flags |= TF_ACK_SCHED | TF_ACK_NOW;
	tcp_mark_pending(st, tp);
	tp->rcv_ooopack++;
	if (!has_room(st, tp)) {
		MIB_INC(st, TCP_OFO_DROP);
		tp->inet.sk.drops++;
		return;
	}
	prev = find_before(tp, seg->seq);
	if (prev != NULL && seq_geq(pkt_cb(prev)->end_seq, seg->end_seq)) {
		tcp_dsack_set(tp, seg->seq, seg->end_seq);
		/* RFC 2883 4: the block that it is part of follows. */
		if (tp->flags & TF_SACK)
			sacks_push(tp, seg->seq, seg->end_seq);
		return;
	}
	if (prev != NULL && seq_gt(pkt_cb(prev)->end_seq, seg->seq))
		tcp_dsack_set(tp, seg->seq, pkt_cb(prev)->end_seq);
	/* One with the same start is shorter: it is among what the new one covers. */
	if (prev != NULL && pkt_cb(prev)->seq == seg->seq) {
		struct rte_mbuf *before = NULL, *i;

		for (i = tp->ofo_head; i != prev; i = pkt_cb(i)->qnext)
			before = i;
		prev = before;
	}
	drop_covered(st, tp, prev, seg->end_seq);
	cb->seq = seg->seq;
	cb->end_seq = seg->end_seq;
	cb->off = rx->off;
	cb->len = seg->len;
	cb->tstamp = now;
	cb->flags = (uint8_t)((cb->flags & ~PKT_F_FIN) | ((seg->flags & TH_FIN) ? PKT_F_FIN : 0));
	rx->taken = true;
	insert(tp, prev, m);
	tp->inet.sk.rmem += truesize;
	st->tcp.rmem += truesize;
	st->tcp.ofo_bytes += truesize;
	MIB_INC(st, TCP_OFO_QUEUE);
	tp->lrcvtime = now;
	if (tp->flags & TF_SACK)
		sacks_push(tp, cb->seq, cb->end_seq);
}

bool tcp_ofo_drain(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	/* RFC 2883 4: what filled the hole may have come before, up to here at most. */
	const uint32_t dup_end = tp->rcv_nxt;
	struct rte_mbuf *m;

	(void)now;
	while ((m = tp->ofo_head) != NULL && seq_leq(pkt_cb(m)->seq, tp->rcv_nxt)) {
		struct pkt_cb *cb = pkt_cb(m);
		bool fin = (cb->flags & PKT_F_FIN) != 0;
		uint32_t skip = tp->rcv_nxt - cb->seq;

		tp->ofo_head = cb->qnext;
		if (tp->ofo_head == NULL)
			tp->ofo_tail = NULL;
		uncharge_ofo(st, m);
		if (seq_lt(cb->seq, dup_end))
			dsack_extend(tp, cb->seq, seq_min(dup_end, cb->end_seq));
		if (seq_leq(cb->end_seq, tp->rcv_nxt)) {
			tcp_rcvq_free(st, tp, m);
			continue;
		}
		tp->rcv_nxt = cb->end_seq;
		if (cb->len > skip) {
			cb->seq += skip;
			cb->off = (uint16_t)(cb->off + skip);
			cb->len -= skip;
			tcp_rcv_enqueue_ofo(st, tp, m);
		} else {
			tcp_rcvq_free(st, tp, m);
		}
		if (fin)
			return true;
	}
	return false;
}
