/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_txstamp.c - SO_TIMESTAMPING of what is sent (the kernel's timestamping.rst).
 *
 * A send that asks for stamps gets them for its last byte: when that leaves, each time it does, and when the peer
 * has acknowledged it.  Such bytes wait on stampq in the order of their numbers, in an mbuf each whose cb has the
 * byte's end in end_seq and what is wanted in len.  As in Linux, a later send whose bytes join the same run
 * of unsent ones, which is one sk_buff there, takes the stamps over.
 *
 * Deviation: a blocking send that has to wait for room is stamped for each part of it that found some.
 */
#include "stack/tcp/tcp.h"

#include "stack/inet/dgram.h"

void tcp_txstamp_option(struct tcp_sock *tp)
{
	struct inet_sock *isk = &tp->inet;

	/* Bytes are counted from where the option was set: zero says that it just was. */
	if ((isk->sk.tsflags & SOF_TIMESTAMPING_OPT_ID) != 0 && isk->stamp_key == 0)
		isk->stamp_key = (isk->sk.tsflags & SOF_TIMESTAMPING_OPT_ID_TCP) != 0 ?
					 tp->write_seq :
					 tp->snd_una;
}

void tcp_txstamp_want(struct stack *st, struct tcp_sock *tp, uint32_t wanted)
{
	struct rte_mbuf *m = tp->stampq.tail;

	if (tp->stamp_unsent == NULL || seq_leq(pkt_cb(m)->end_seq, seq_max(tp->snd_run, tp->snd_nxt))) {
		m = pkt_alloc(st);
		if (m == NULL)
			return;
		pkt_cb(m)->len = 0;
		pktq_push(&tp->stampq, m);
		if (tp->stamp_unsent == NULL)
			tp->stamp_unsent = m;
	}
	pkt_cb(m)->end_seq = tp->write_seq;
	pkt_cb(m)->len |= wanted;
}

void tcp_txstamp_purge(struct tcp_sock *tp)
{
	pktq_purge(&tp->stampq);
	tp->stamp_unsent = NULL;
}

static void tell(struct stack *st, struct tcp_sock *tp, uint32_t kind, const struct rte_mbuf *stamp,
		 struct txstamp_event *ev, uint64_t now)
{
	ev->key = pkt_cb(stamp)->end_seq - 1 - tp->inet.stamp_key;
	errqueue_stamp(st, &tp->inet, kind, ev, now);
}

void tcp_txstamp_sent(struct stack *st, struct tcp_sock *tp, uint32_t seq, uint32_t end, const struct rte_mbuf *w,
		      uint64_t now)
{
	struct txstamp_event ev = { .src = &tp->node.key.laddr,
				    .packet = rte_pktmbuf_mtod(w, const void *),
				    .len = w->data_len };
	bool again = seq_lt(seq, tp->snd_nxt);
	struct rte_mbuf *m = again ? tp->stampq.head : tp->stamp_unsent;

	for (; m != NULL && seq_leq(pkt_cb(m)->end_seq, end); m = pkt_cb(m)->qnext) {
		if (seq_leq(pkt_cb(m)->end_seq, seq))
			continue;
		if ((pkt_cb(m)->len & SOF_TIMESTAMPING_TX_SCHED) != 0)
			tell(st, tp, SCM_TSTAMP_SCHED, m, &ev, now);
		if ((pkt_cb(m)->len & SOF_TIMESTAMPING_TX_SOFTWARE) != 0)
			tell(st, tp, SCM_TSTAMP_SND, m, &ev, now);
	}
	if (!again)
		tp->stamp_unsent = m;
}

void tcp_txstamp_acked(struct stack *st, struct tcp_sock *tp, const struct rte_mbuf *m,
		       uint64_t now)
{
	struct txstamp_event ev = { .packet = tcp_sndq_payload(m), .len = pkt_cb(m)->len };
	struct rte_mbuf *stamp;

	while ((stamp = tp->stampq.head) != NULL &&
	       seq_leq(pkt_cb(stamp)->end_seq, pkt_cb(m)->end_seq)) {
		if ((pkt_cb(stamp)->len & SOF_TIMESTAMPING_TX_ACK) != 0)
			tell(st, tp, SCM_TSTAMP_ACK, stamp, &ev, now);
		/* Where sending it failed, its stamp was left out. */
		if (tp->stamp_unsent == stamp)
			tp->stamp_unsent = pkt_cb(stamp)->qnext;
		rte_pktmbuf_free(pktq_pop(&tp->stampq));
	}
}
