/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_zerocopy.c - MSG_ZEROCOPY: when a send is told to be done with.
 *
 * Bytes are copied into the send queue as always, so the program could have its buffer back at
 * once.  It is told as by Linux nevertheless, where buffers are held until the peer has
 * acknowledged them, and that they were copied (SO_EE_CODE_ZEROCOPY_COPIED).  An entry for the error
 * queue is made by the send, and waits on zcq with its last sequence number in end_seq; sends
 * whose bytes wait in the queue's tail together are one entry.
 */
#include "stack/tcp/tcp.h"

#include "stack/inet/dgram.h"

bool tcp_zerocopy_begin(struct stack *st, struct tcp_sock *tp, struct tcp_zerocopy *zc, uint64_t now)
{
	zc->begin = tp->write_seq;
	zc->tail_waits = tp->send_head != NULL;
	zc->m = errqueue_zerocopy(st, &tp->inet, now);
	return zc->m != NULL;
}

void tcp_zerocopy_end(struct tcp_sock *tp, struct tcp_zerocopy *zc, bool sent)
{
	struct rte_mbuf *last = tp->zcq.tail;

	if (sent && (last == NULL || !zc->tail_waits || pkt_cb(last)->end_seq != zc->begin)) {
		pkt_cb(zc->m)->end_seq = tp->write_seq;
		pktq_push(&tp->zcq, zc->m);
		return;
	}
	if (sent) {
		errqueue_zerocopy_join(last, zc->m);
		pkt_cb(last)->end_seq = tp->write_seq;
	} else {
		tp->inet.zerocopy_next--;
	}
	rte_pktmbuf_free(zc->m);
}

void tcp_zerocopy_acked(struct stack *st, struct tcp_sock *tp, uint32_t seq)
{
	struct rte_mbuf *m;

	while ((m = tp->zcq.head) != NULL && seq_leq(pkt_cb(m)->end_seq, seq)) {
		pktq_pop(&tp->zcq);
		errqueue_zerocopy_done(st, &tp->inet, m);
	}
}
