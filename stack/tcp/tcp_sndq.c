/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_sndq.c - the send queue: bytes from the caller until the peer has them.
 *
 *   snd_head ──► … ──► send_head ──► … ──► snd_tail
 *   sent, not acknowledged │ not sent yet
 *
 * Two accounts.  st->tcp.wmem has true bytes, whole buffers, of all connections: it guards the
 * packet memory.  sk->wmem, which sndbuf limits, has what Linux would count, so that a buffer
 * of a size takes as much here as there: payload, and the overhead of one sk_buff for as many
 * segments as Linux keeps in one: size_goal bytes as long as they are unsent, later what went in one packet.
 */
#include "stack/tcp/tcp.h"

#define SKB_OVERHEAD 1390 /* measured: what an sk_buff counts for besides its payload */
#define SIZE_GOAL_MAX 65000

/* Bytes of whole segments that Linux gathers in one sk_buff: at most half of the peer's window. */
uint32_t tcp_size_goal(const struct tcp_sock *tp)
{
	uint32_t goal = tp->max_window > TCP_DEFAULT_MSS4 ? tp->max_window / 2 : tp->max_window;

	if (goal > SIZE_GOAL_MAX)
		goal = SIZE_GOAL_MAX;
	return goal > tp->mss ? goal - goal % tp->mss : tp->mss;
}

static void charge(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m)
{
	pkt_cb(m)->charged = tp->mss + SKB_OVERHEAD / (tcp_size_goal(tp) / tp->mss);
	tp->inet.sk.wmem += pkt_cb(m)->charged;
	st->tcp.wmem += tcp_seg_truesize(m);
}

static void uncharge(struct stack *st, struct tcp_sock *tp, const struct rte_mbuf *m)
{
	tp->inet.sk.wmem -= pkt_cb(m)->charged;
	st->tcp.wmem -= tcp_seg_truesize(m);
}

void tcp_sndq_sent(struct tcp_sock *tp, struct rte_mbuf *m)
{
	struct pkt_cb *cb = pkt_cb(m);
	uint32_t segs = 2, n;

	if (cb->len < tp->mss)
		segs = 1;
	else if (tp->packet_segs > 2)
		segs = tp->packet_segs;
	n = cb->len + SKB_OVERHEAD / segs;

	tp->inet.sk.wmem += n - cb->charged;
	cb->charged = n;
}

void tcp_sndq_append(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m)
{
	pkt_cb(m)->qnext = NULL;
	if (tp->snd_tail != NULL)
		pkt_cb(tp->snd_tail)->qnext = m;
	else
		tp->snd_head = m;
	tp->snd_tail = m;
	if (tp->send_head == NULL)
		tp->send_head = m;
	charge(st, tp, m);
}

struct rte_mbuf *tcp_sndq_new(struct stack *st, struct tcp_sock *tp)
{
	struct rte_mbuf *m = pkt_alloc(st);
	struct pkt_cb *cb;

	if (m == NULL)
		return NULL;
	cb = pkt_cb(m);
	cb->off = m->data_off;
	cb->seq = cb->end_seq = tp->write_seq;
	cb->tcp_flags = TH_ACK;
	tcp_sndq_append(st, tp, m);
	return m;
}

/* Does a record (MSG_EOR) end within the next len unsent bytes? */
static bool record_ends_within(const struct tcp_sock *tp, uint32_t len)
{
	const struct rte_mbuf *m;
	uint32_t seen = 0;

	for (m = tp->send_head; m != NULL && seen < len; m = pkt_cb(m)->qnext) {
		if (pkt_cb(m)->flags & PKT_F_EOR)
			return true;
		seen += pkt_cb(m)->len;
	}
	return false;
}

struct rte_mbuf *tcp_sndq_gather(struct stack *st, struct tcp_sock *tp, uint32_t len)
{
	struct rte_mbuf *m = tp->send_head, *prev = NULL, *big, *p;
	struct pkt_cb *cb;

	if (len + PKT_HEADROOM > rte_pktmbuf_data_room_size(st->cfg.mbufs) ||
	    record_ends_within(tp, len))
		return NULL;
	big = pkt_alloc(st);
	if (big == NULL)
		return NULL;
	for (p = tp->snd_head; p != m; p = pkt_cb(p)->qnext)
		prev = p;
	cb = pkt_cb(big);
	cb->off = big->data_off;
	cb->seq = cb->end_seq = pkt_cb(m)->seq;
	cb->tcp_flags = TH_ACK;
	while (cb->len < len) {
		uint32_t n = RTE_MIN(len - cb->len, pkt_cb(m)->len);

		memcpy(tcp_sndq_payload(big) + cb->len, tcp_sndq_payload(m), n);
		cb->len += n;
		tcp_sndq_trim_head(tp, m, n);
		if (pkt_cb(m)->len > 0)
			break;
		p = m;
		m = pkt_cb(m)->qnext;
		uncharge(st, tp, p);
		rte_pktmbuf_free(p);
	}
	cb->end_seq = cb->seq + cb->len;
	cb->qnext = m;
	tp->send_head = big;
	if (prev != NULL)
		pkt_cb(prev)->qnext = big;
	else
		tp->snd_head = big;
	charge(st, tp, big);
	return big;
}

/* Take the acknowledged head off and give it back. */
void tcp_sndq_pop(struct stack *st, struct tcp_sock *tp)
{
	struct rte_mbuf *m = tp->snd_head;

	tp->snd_head = pkt_cb(m)->qnext;
	if (tp->snd_head == NULL)
		tp->snd_tail = NULL;
	if (unlikely(tp->zcq.head != NULL))
		tcp_zerocopy_acked(st, tp, pkt_cb(m)->end_seq);
	uncharge(st, tp, m);
	pkt_let_go_seg(m);
}

/* The first n payload bytes of the head are acknowledged.  A copy that the link holds is not touched. */
void tcp_sndq_trim_head(struct tcp_sock *tp, struct rte_mbuf *m, uint32_t n)
{
	struct pkt_cb *cb = pkt_cb(m);

	(void)tp;
	cb->off = (uint16_t)(cb->off + n);
	cb->len -= n;
	cb->seq += n;
}

void tcp_sndq_purge(struct stack *st, struct tcp_sock *tp)
{
	while (tp->snd_head != NULL)
		tcp_sndq_pop(st, tp);
	tp->send_head = NULL;
	tcp_txstamp_purge(tp);
	tp->packets_out = tp->sacked_out = tp->lost_out = tp->retrans_out = 0;
}

/*
 * Cut m after len payload bytes; the rest becomes a segment of its own behind it.  For a
 * path whose MSS shrank and for windows smaller than a segment.  -ENOMEM
 */
int tcp_split(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint32_t len)
{
	struct pkt_cb *cb = pkt_cb(m), *rest_cb;
	struct rte_mbuf *rest = pkt_alloc(st);
	bool sent = seq_lt(cb->seq, tp->snd_nxt);

	if (rest == NULL)
		return -ENOMEM;
	rest_cb = pkt_cb(rest);
	*rest_cb = *cb;
	rest_cb->off = rest->data_off;
	rest_cb->seq = cb->seq + len;
	rest_cb->len = cb->len - len;
	memcpy(tcp_sndq_payload(rest), tcp_sndq_payload(m) + len, rest_cb->len);
	cb->len = len;
	cb->end_seq = rest_cb->seq;
	cb->flags &= (uint8_t)~(PKT_F_FIN | PKT_F_EOR); /* they, and PSH, stay at the end */
	cb->tcp_flags &= (uint8_t)~(TH_PUSH | TH_FIN);
	cb->qnext = rest;
	if (tp->snd_tail == m)
		tp->snd_tail = rest;
	charge(st, tp, rest);
	if (sent) {
		tp->packets_out++;
		tp->sacked_out += !!(cb->sacked & SEG_SACKED);
		tp->lost_out += !!(cb->sacked & SEG_LOST);
		tp->lost_unsent += (cb->sacked & (SEG_LOST | SEG_RETRANS)) == SEG_LOST;
		tp->retrans_out += !!(cb->sacked & SEG_RETRANS);
	}
	return 0;
}

/* Room behind m's payload for n bytes more, if need be by moving it to the front.  m is unsent. */
static bool make_tail_room(struct rte_mbuf *m, uint32_t n)
{
	struct pkt_cb *cb = pkt_cb(m);

	if ((uint32_t)cb->off + cb->len + n <= m->buf_len)
		return true;
	if (PKT_HEADROOM + cb->len + n > m->buf_len || rte_mbuf_refcnt_read(m) != 1)
		return false;
	memmove((char *)m->buf_addr + PKT_HEADROOM, tcp_sndq_payload(m), cb->len);
	cb->off = PKT_HEADROOM;
	return true;
}

void tcp_sndq_fill_up(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m)
{
	struct pkt_cb *cb = pkt_cb(m), *ncb;
	struct rte_mbuf *next;
	uint32_t n;

	while (cb->len < tp->mss && (next = cb->qnext) != NULL && !(cb->flags & PKT_F_EOR)) {
		ncb = pkt_cb(next);
		n = RTE_MIN(tp->mss - cb->len, ncb->len);
		if (!make_tail_room(m, n))
			return;
		memcpy(tcp_sndq_payload(m) + cb->len, tcp_sndq_payload(next), n);
		cb->len += n;
		cb->end_seq += n;
		tcp_sndq_trim_head(tp, next, n);
		if (ncb->len > 0)
			return;
		cb->end_seq = ncb->end_seq;
		cb->tcp_flags |= ncb->tcp_flags;
		cb->flags |= ncb->flags & (PKT_F_FIN | PKT_F_EOR);
		cb->qnext = ncb->qnext;
		if (tp->snd_tail == next)
			tp->snd_tail = m;
		uncharge(st, tp, next);
		rte_pktmbuf_free(next);
	}
}

void tcp_sndq_merge(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m)
{
	struct pkt_cb *cb = pkt_cb(m);
	struct rte_mbuf *next = cb->qnext;
	struct pkt_cb *ncb = pkt_cb(next);
	bool sent = seq_lt(cb->seq, tp->snd_nxt);

	memcpy(tcp_sndq_payload(m) + cb->len, tcp_sndq_payload(next), ncb->len);
	cb->len += ncb->len;
	cb->end_seq = ncb->end_seq;
	cb->tcp_flags |= ncb->tcp_flags;
	cb->flags |= ncb->flags & (PKT_F_FIN | PKT_F_EOR);
	tcp_seg_uncount(tp, ncb);
	cb->sacked |= ncb->sacked & SEG_EVER_RETRANS;
	if (sent)
		tp->packets_out--;
	cb->qnext = ncb->qnext;
	if (tp->snd_tail == next)
		tp->snd_tail = m;
	uncharge(st, tp, next);
	tp->inet.sk.wmem += ncb->len;
	cb->charged += ncb->len;
	pkt_let_go_seg(next);
}

/* Was m, like first, never sent; or were both sent in one call, once, and are to be sent again? */
static bool is_of_train(const struct tcp_sock *tp, const struct rte_mbuf *m, const struct pkt_cb *first)
{
	if (m == NULL || rte_mbuf_refcnt_read(m) != 1 ||
	    seq_lt(pkt_cb(m)->seq, tp->snd_nxt) != seq_lt(first->seq, tp->snd_nxt))
		return false;
	return !seq_lt(first->seq, tp->snd_nxt) ||
	       (pkt_cb(m)->tstamp == first->tstamp && pkt_cb(m)->sacked == SEG_LOST);
}

/* Fill m up to a segment from the one behind it.  True: nothing is left of that. */
static bool fill_up(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m)
{
	struct pkt_cb *cb = pkt_cb(m), *ncb = pkt_cb(cb->qnext);
	uint32_t n = tp->mss - cb->len;

	/* It may itself be a rest, at the end of its buffer. */
	if ((uint32_t)cb->off + tp->mss > m->buf_len) {
		memmove((uint8_t *)m->buf_addr + PKT_HEADROOM, tcp_sndq_payload(m), cb->len);
		cb->off = PKT_HEADROOM;
	}
	if (ncb->len <= n) {
		tcp_sndq_merge(st, tp, m);
		return true;
	}
	memcpy(tcp_sndq_payload(m) + cb->len, tcp_sndq_payload(cb->qnext), n);
	cb->len += n;
	cb->end_seq += n;
	tcp_sndq_trim_head(tp, cb->qnext, n);
	return false;
}

/*
 * The MSS fell: cut what is not sent yet, and what is to be sent again, anew, and not each segment in
 * two, a full one and a rest.  As Linux has it, which keeps segments that left together in one
 * sk_buff, and cuts that.
 *
 * Smaller segments are more of them: a deep queue must not take the packet memory of all
 * connections.  What is left as it is here is cut in two when it is sent.
 */
void tcp_sndq_recut(struct stack *st, struct tcp_sock *tp)
{
	struct rte_mbuf *m = tp->snd_head;

	while (m != NULL) {
		const struct pkt_cb first = *pkt_cb(m);
		uint32_t left = seq_lt(first.seq, tp->snd_nxt) ?
					tcp_packet_segs(tp) : UINT32_MAX / 2;

		if (!is_of_train(tp, m, &first)) {
			m = pkt_cb(m)->qnext;
			continue;
		}
		for (; is_of_train(tp, m, &first) && left > 0; left--, m = pkt_cb(m)->qnext) {
			if (pkt_cb(m)->len > tp->mss) {
				if (rte_mempool_avail_count(st->cfg.mbufs) < st->cfg.mbufs->size / 2 ||
				    tcp_split(st, tp, m, tp->mss) < 0)
					return;
				left++;
			}
			while (pkt_cb(m)->len < tp->mss && left > 1 && !(pkt_cb(m)->flags & PKT_F_EOR) &&
			       is_of_train(tp, pkt_cb(m)->qnext, &first) && fill_up(st, tp, m))
				left--;
		}
	}
}

/* -- buffer space -------------------------------------------------------------------------- */

/*
 * Linux's autotuning: room for twice the congestion window, so that a full window can be
 * refilled while it is being acknowledged.
 */
void tcp_sndbuf_expand(struct stack *st, struct tcp_sock *tp)
{
	uint64_t segs = tp->cwnd > TCP_INIT_CWND ? tp->cwnd : TCP_INIT_CWND;
	uint64_t want;

	if (tp->inet.sk.flags & SOCK_F_SNDBUF_LOCK)
		return;
	if (segs < tp->reordering + 1)
		segs = tp->reordering + 1;
	/* A segment occupies a power of two and its descriptor, as the kernel accounts it. */
	want = 2 * segs * (4096 + 256);
	if (want > st->cfg.wmem[2])
		want = st->cfg.wmem[2];
	if (want > tp->inet.sk.sndbuf)
		tp->inet.sk.sndbuf = (uint32_t)want;
}

bool tcp_has_room(const struct tcp_sock *tp)
{
	return tp->inet.sk.wmem < tp->inet.sk.sndbuf &&
	       tp->write_seq - tp->snd_nxt < tcp_notsent_lowat(tp);
}

/* Linux's sk_stream_is_writeable(): a third of the buffer is free, and not too much unsent. */
bool tcp_is_writeable(const struct tcp_sock *tp)
{
	const struct sock *sk = &tp->inet.sk;

	if ((tp->flags & TF_STARVED) || sk->wmem >= sk->sndbuf || sk->sndbuf - sk->wmem < sk->wmem >> 1)
		return false;
	return tp->write_seq - tp->snd_nxt < tcp_notsent_lowat(tp);
}

void tcp_write_space(struct stack *st, struct tcp_sock *tp)
{
	struct sock *sk = tcp_to_sk(tp);

	if (!(sk->flags & SOCK_F_NOSPACE) || sk->socket == NULL)
		return;
	if (tp->packets_out < tp->cwnd)
		tcp_sndbuf_expand(st, tp);
	if (!tcp_is_writeable(tp))
		return;
	sk->flags &= ~SOCK_F_NOSPACE;
	sock_raise(st, sk, EPOLLOUT | EPOLLWRNORM);
}

/* -- out of packet memory ---------------------------------------------------------------------- */

/* Senders leave a reserve, so that what is queued can be acknowledged and retransmitted. */
bool tcp_memory_available(const struct stack *st)
{
	return st->tcp.wmem < st->tcp.wmem_max &&
	       rte_mempool_avail_count(st->cfg.mbufs) > st->cfg.mbufs->size / 64;
}

/*
 * The socket's own buffer has room, but there is no mbuf.  No ACK may come to wake the
 * writer, so a timer looks again; meanwhile the socket is not writable.
 */
void tcp_starve(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	MIB_INC(st, TCP_NOMEM);
	tp->flags |= TF_STARVED;
	tcp_timer_set(st, tp, TCPT_PACE, now + TCP_STARVED_RETRY);
}

void tcp_unstarve(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (!tcp_memory_available(st)) {
		tcp_timer_set(st, tp, TCPT_PACE, now + TCP_STARVED_RETRY);
		return;
	}
	tp->flags &= ~TF_STARVED;
	tcp_write_space(st, tp);
}
