/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_rcv.c - the receive queue, and when to acknowledge.
 *
 * Payload stays in the mbufs it came in; small pieces are copied into the tail of the one
 * before, so that a stream of tiny segments cannot pin 2 KiB per byte.  rmem counts whole
 * buffers against rcvbuf.
 */
#include "stack/tcp/tcp.h"

#include <string.h>

#define COALESCE_MAX 512 /* copy no more than this to save a buffer */
#define ATO_MIN TCP_DELACK_MAX

/* -- memory ------------------------------------------------------------------------------- */

static void charge(struct stack *st, struct tcp_sock *tp, const struct rte_mbuf *m)
{
	uint32_t n = tcp_truesize(m);

	tp->inet.sk.rmem += n;
	st->tcp.rmem += n;
}

void tcp_rcvq_free(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m)
{
	uint32_t n = tcp_truesize(m);

	tp->inet.sk.rmem -= n;
	st->tcp.rmem -= n;
	rte_pktmbuf_free(m);
}

void tcp_rcvq_purge(struct stack *st, struct tcp_sock *tp)
{
	struct rte_mbuf *m;

	while ((m = pktq_pop(&tp->rcvq)) != NULL)
		tcp_rcvq_free(st, tp, m);
	tp->rcvq.bytes = 0;
}

/* -- acknowledgments ----------------------------------------------------------------------------- */

static void more_quickacks(struct tcp_sock *tp, unsigned int max)
{
	unsigned int n = tp->rcv_wnd / (2 * (tp->rcv_mss != 0 ? tp->rcv_mss : TCP_MIN_MSS));

	if (n == 0)
		n = 2;
	if (n > max)
		n = max;
	if (n > tp->ack_quick)
		tp->ack_quick = (uint8_t)n;
}

/* Something is wrong or new: acknowledge at once for a while. */
void tcp_enter_quickack(struct tcp_sock *tp, unsigned int max)
{
	more_quickacks(tp, max);
	tp->ack_pingpong = 0;
	tp->ato = ATO_MIN;
}

static bool in_quickack(const struct tcp_sock *tp)
{
	return tp->ack_quick > 0 && tp->ack_pingpong == 0;
}

static void measure_rcv_mss(struct tcp_sock *tp, uint32_t len)
{
	if (len >= tp->rcv_mss) {
		tp->rcv_mss = len < tp->advmss ? len : tp->advmss;
		return;
	}
	/* A short segment ends a message: the peer may be waiting. */
	if (tp->flags & TF_ACK_PUSHED)
		tp->flags |= TF_ACK_PUSHED2;
	tp->flags |= TF_ACK_PUSHED;
}

/*
 * RFC 3168 6.1.3: CE of data that is new begins the echo.  As Linux: data that is not ECN-capable
 * among some that is comes again, and its sender has little in flight.
 */
void tcp_rcv_ecn(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	if (likely(!(tp->flags & TF_ECN))) {
		tp->ecn_seen |= seg->ecn != 0;
		return;
	}
	if (seg->ecn == 0) {
		if (tp->ecn_seen)
			tcp_enter_quickack(tp, 2);
		return;
	}
	tp->ecn_seen = true;
	if (seg->ecn != 3)
		return;
	if (!(tp->flags & TF_ECN_ECE))
		tcp_enter_quickack(tp, 2);
	tp->flags |= TF_ECN_ECE;
}

/* Data arrived (in order or not): owe an ACK, learn from its timing. */
void tcp_rcv_event(struct stack *st, struct tcp_sock *tp, const struct tcp_rx *rx, uint32_t len,
		   uint64_t now)
{
	tp->flags |= TF_ACK_SCHED;
	measure_rcv_mss(tp, rx->segsz != 0 && rx->segsz < len ? rx->segsz : len);
	tcp_rcv_rtt_measure(tp, now);
	if (tp->ato == 0) {
		/* The first data: quick ACKs open the peer's window fast (slow start). */
		more_quickacks(tp, TCP_MAX_QUICKACKS);
		tp->ato = ATO_MIN;
	} else {
		uint64_t gap = now - tp->lrcvtime;

		if (gap <= ATO_MIN / 2)
			tp->ato = tp->ato / 2 + ATO_MIN / 2;
		else if (gap < tp->ato)
			tp->ato = tp->ato / 2 + gap;
		else if (gap > tp->rto) /* a pause: the peer may be in slow start again */
			more_quickacks(tp, TCP_MAX_QUICKACKS);
	}
	tp->lrcvtime = now;
	tcp_rcv_ecn(tp, &rx->seg);
	if (len >= 128)
		tcp_window_grow(st, tp, tcp_truesize(tp->rcvq.tail), len);
}

/*
 * More than a segment waits for its ACK, and the window can be kept up.  If not, the reader's
 * next call tells the peer of both, unless it waits for more (SO_RCVLOWAT).
 */
static bool two_segments_are_due(struct stack *st, struct tcp_sock *tp)
{
	return tp->rcv_nxt - tp->rcv_wup > tp->rcv_mss &&
	       (tp->rcv_nxt - tp->copied_seq < (uint32_t)tp->inet.sk.rcvlowat ||
		tcp_window_candidate(st, tp) >= tp->rcv_wnd);
}

/*
 * RFC 9293 3.8.6.3, RFC 5681 4.2: at least every second full segment at once; otherwise
 * within TCP_DELACK_MAX.
 */
void tcp_ack_check(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (!(tp->flags & TF_ACK_SCHED) || (tp->flags & TF_ACK_NOW))
		return;
	if (two_segments_are_due(st, tp) || in_quickack(tp) || tp->ofo_head != NULL) {
		tp->flags |= TF_ACK_NOW;
		return;
	}
	/*
	 * Never later than an ACK that was already due.  As long as no data came there is no
	 * estimate to delay by: a lone FIN is acknowledged at once, as by Linux.
	 */
	if (tp->deadline[TCPT_DELACK] == TIMER_NEVER)
		tcp_timer_set(st, tp, TCPT_DELACK, now + (tp->ato != 0 ? TCP_DELACK_MAX : 0));
}

/* Linux's tcp_cleanup_rbuf(): tell the peer when reading made much room, or it waits for us. */
bool tcp_read_wants_ack(struct stack *st, struct tcp_sock *tp, uint32_t copied)
{
	uint32_t cur, new;

	if (tp->flags & TF_ACK_SCHED) {
		if (tp->rcv_nxt - tp->rcv_wup > tp->rcv_mss)
			return true;
		if (copied > 0 && tp->rcvq.head == NULL &&
		    ((tp->flags & TF_ACK_PUSHED2) ||
		     ((tp->flags & TF_ACK_PUSHED) && tp->ack_pingpong == 0)))
			return true;
	}
	if (copied == 0 || (tp->inet.sk.shutdown & RCV_SHUTDOWN))
		return false;
	cur = tcp_receive_window(tp);
	if (2 * cur > tp->window_clamp)
		return false;
	new = tcp_window_candidate(st, tp);
	return new != 0 && new >= 2 * cur;
}

/* -- the queue -------------------------------------------------------------------------------------- */

/* Copy a small payload behind the last one.  True: done, m is not needed any more. */
static bool coalesce(struct tcp_sock *tp, struct rte_mbuf *m, uint16_t off, uint32_t len)
{
	struct rte_mbuf *t = tp->rcvq.tail;
	struct pkt_cb *cb;
	uint32_t end;

	if (t == NULL || len > COALESCE_MAX || t->next != NULL || m->next != NULL)
		return false;
	cb = pkt_cb(t);
	end = t->data_off + cb->off + cb->len;
	if (end + len > t->buf_len || rte_mbuf_refcnt_read(t) != 1 || !RTE_MBUF_DIRECT(t))
		return false;
	memcpy((char *)t->buf_addr + end, rte_pktmbuf_mtod_offset(m, char *, off), len);
	cb->len += len;
	t->data_len = (uint16_t)(cb->off + cb->len);
	t->pkt_len = t->data_len;
	return true;
}

/*
 * Append payload that continues rcv_nxt; m's cb->off, len, seq are set.  Takes m.
 * charged: m's memory is already counted (it comes from the reassembly queue).
 */
static void enqueue(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, bool charged)
{
	struct pkt_cb *cb = pkt_cb(m);
	uint32_t len = cb->len;

	tp->rcvq.bytes += len;
	tp->bytes_received += len;
	tp->rx_stamp = cb->tstamp;
	if (coalesce(tp, m, cb->off, len)) {
		MIB_INC(st, TCP_RCV_COLLAPSED);
		if (charged)
			tcp_rcvq_free(st, tp, m);
		else
			rte_pktmbuf_free(m);
		return;
	}
	if (!charged)
		charge(st, tp, m);
	pktq_push(&tp->rcvq, m);
}

void tcp_rcv_enqueue_ofo(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m)
{
	enqueue(st, tp, m, true);
}

/*
 * A low-water mark above what the window lets in, or the buffer holds, must not hang the reader:
 * Linux's tcp_epollin_ready().
 */
bool tcp_rcv_is_cramped(const struct tcp_sock *tp)
{
	const struct sock *sk = &tp->inet.sk;

	return tcp_receive_window(tp) <= tp->rcv_mss || sk->rmem > sk->rcvbuf - (sk->rcvbuf >> 3);
}

static void announce(struct stack *st, struct tcp_sock *tp)
{
	if (tp->rcvq.bytes >= (uint32_t)tp->inet.sk.rcvlowat || tcp_rcv_is_cramped(tp))
		sock_raise(st, tcp_to_sk(tp), EPOLLIN | EPOLLRDNORM);
}

/* Take seg's bytes [skip, len) from the packet to the queue. */
static void take_payload(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint32_t skip,
			 uint64_t now)
{
	struct pkt_cb *cb = pkt_cb(rx->pkt->m);

	cb->off = (uint16_t)(rx->off + skip);
	cb->len = rx->seg.len - skip;
	cb->seq = rx->seg.seq + skip;
	cb->end_seq = cb->seq + cb->len;
	cb->tstamp = now;
	rx->taken = true;
	tp->rcv_nxt = cb->end_seq;
	enqueue(st, tp, rx->pkt->m, false);
}

void tcp_rcv_syn_data(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now)
{
	rx->seg.seq++; /* the SYN */
	take_payload(st, tp, rx, 0, now);
	tp->lrcvtime = now;
	announce(st, tp);
}

void tcp_rcv_in_order(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now)
{
	uint32_t len = rx->seg.len;

	take_payload(st, tp, rx, 0, now);
	tcp_rcv_event(st, tp, rx, len, now);
	announce(st, tp);
}

static void ack_at_once(struct stack *st, struct tcp_sock *tp)
{
	tcp_enter_quickack(tp, TCP_MAX_QUICKACKS);
	tp->flags |= TF_ACK_NOW | TF_ACK_SCHED;
	tcp_mark_pending(st, tp);
}

/* No room for what is new: drop what waits out of order first, it can be sent again. */
static bool make_room(struct stack *st, struct tcp_sock *tp)
{
	if (tp->inet.sk.rmem < tp->inet.sk.rcvbuf && st->tcp.rmem < st->tcp.rmem_max)
		return true;
	if (tp->ofo_head != NULL) {
		MIB_INC(st, TCP_OFO_DROP);
		tcp_ofo_purge(st, tp);
		tcp_sacks_advance(tp);
	}
	return tp->inet.sk.rmem < tp->inet.sk.rcvbuf && st->tcp.rmem < st->tcp.rmem_max;
}

/*
 * What a burst brings is acknowledged at its end, once.  But a sender counts the ACKs of what
 * came out of order (RFC 5681 3.2), and each tells of its own duplicate and hole.  From the fourth
 * of a hole on one for all is enough, as Linux's compression of SACKs has it.
 */
bool tcp_rcv_wants_own_ack(const struct tcp_sock *tp, const struct tcp_seg *seg)
{
	bool counted = tp->dup_acks_nxt == tp->rcv_nxt && tp->dup_acks == TCP_DUPTHRESH;

	if (tp->dsack_out)
		return true;
	if (seg->end_seq == seg->seq || (seg->seq == tp->rcv_nxt && tp->ofo_head == NULL))
		return false;
	return !counted || !(tp->flags & TF_SACK);
}

void tcp_rcv_again(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg)
{
	tcp_dsack_set(tp, seg->seq, seg->end_seq);
	ack_at_once(st, tp);
}

/*
 * RFC 9293 3.10.7.4, seventh and eighth: the segment text, and FIN at its end.
 */
void tcp_rcv_data(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now)
{
	struct tcp_seg *seg = &rx->seg;
	uint32_t skip = 0;
	bool fin = (seg->flags & TH_FIN) != 0;

	/* The SYN of a SYN-ACK that completed a simultaneous open is an old number as any. */
	if (seg->end_seq == seg->seq)
		return;
	if (seq_leq(seg->end_seq, tp->rcv_nxt)) {
		tcp_rcv_again(st, tp, seg);
		return;
	}
	if (seq_geq(seg->seq, tp->rcv_nxt + tcp_receive_window(tp)) &&
	    (seq_gt(seg->seq, tp->rcv_nxt) || seg->len > 0)) {
		MIB_INC(st, TCP_OUT_OF_WINDOW);
		ack_at_once(st, tp);
		return;
	}
	if (seq_gt(seg->seq, tp->rcv_nxt)) {
		tcp_ofo_queue(st, tp, rx, now);
		return;
	}
	if (seq_lt(seg->seq, tp->rcv_nxt)) {
		tcp_dsack_set(tp, seg->seq, tp->rcv_nxt);
		skip = tp->rcv_nxt - seg->seq;
	}
	if (seg->len > skip) {
		if (!make_room(st, tp)) {
			MIB_INC(st, TCP_RCV_QDROP);
			tp->inet.sk.drops++;
			ack_at_once(st, tp);
			return;
		}
		take_payload(st, tp, rx, skip, now);
		tcp_rcv_event(st, tp, rx, seg->len - skip, now);
	}
	if (fin) {
		tp->rcv_nxt = seg->end_seq;
	} else if (tp->ofo_head != NULL) {
		fin = tcp_ofo_drain(st, tp, now);
		/* RFC 5681 4.2: an ACK at once when a gap is filled, all or in part. */
		tp->flags |= TF_ACK_NOW;
	}
	if (tp->nsacks_out != 0)
		tcp_sacks_advance(tp);
	announce(st, tp);
	if (fin)
		tcp_rcv_fin(st, tp, now);
}

/* The peer's FIN is in order: rcv_nxt is behind it. */
void tcp_rcv_fin(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct sock *sk = tcp_to_sk(tp);

	(void)now;
	tp->bytes_received++; /* as Linux counts: what rcv_nxt moves */
	tp->flags |= TF_ACK_SCHED | TF_RCV_DONE;
	sk->shutdown |= RCV_SHUTDOWN;
	tcp_ofo_purge(st, tp);
	/* As Linux: nothing is told of what came before the end. */
	tp->nsacks_out = 0;
	tp->dsack_out = false;
	switch (sk->state) {
	case TCPS_SYN_RECEIVED:
	case TCPS_ESTABLISHED:
		tcp_set_state(st, tp, TCPS_CLOSE_WAIT);
		/* A program that reads to the end answers with its own FIN: let that carry the ACK. */
		tp->ack_pingpong = 1;
		break;
	case TCPS_FIN_WAIT_1:
		tp->flags |= TF_ACK_NOW;
		tcp_set_state(st, tp, TCPS_CLOSING);
		break;
	case TCPS_FIN_WAIT_2:
		tp->flags |= TF_ACK_NOW;
		tcp_set_state(st, tp, TCPS_TIME_WAIT);
		break;
	default: /* a FIN again: the numbers say that this cannot be */
		break;
	}
	sock_raise(st, sk, EPOLLIN | EPOLLRDNORM | EPOLLRDHUP |
				   (sk->shutdown == (RCV_SHUTDOWN | SEND_SHUTDOWN) ? EPOLLHUP : 0));
}
