/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tx.c - frames on their way to the links, and packets to ourselves.
 *
 * A frame handed to tx_burst() is never written again.  What a link does not take stays
 * in the ring in order and is offered again by the next flush; when the ring is full
 * the new frame is dropped, as a full qdisc would, and when the link is down all are.
 */
#include "stack/core/stack_priv.h"

#define TX_RETRY_NS 100000u /* when the link was full: look again after 100 us */

/* Recovery must know, for each segment, that the link may hold it, and whether we do, too. */
static void mark_given(struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		pkt_cb(m)->owner = rte_mbuf_refcnt_read(m) > 1 ? PKT_SHARED : PKT_LINK;
}

/* The link did not take it.  An earlier transmission of a shared one may still be there. */
static void mark_kept(struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		if (pkt_cb(m)->owner == PKT_LINK)
			pkt_cb(m)->owner = PKT_STACK;
}

static void mark_ours(struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		pkt_cb(m)->owner = PKT_STACK;
}

/* A link that is down will not take them soon, and nobody should be kept awake for them. */
static void drop_all(struct stack *st, struct txq *q)
{
	MIB_ADD(st, ETH_DROP_LINKDOWN, q->count);
	while (q->count > 0) {
		q->count--;
		rte_pktmbuf_free(q->pkts[(q->head + q->count) & (STACK_TXQ - 1)]);
	}
}

static void txq_flush(struct stack *st, unsigned int i, uint64_t now)
{
	struct netif *nif = st->cfg.netifs[i];
	struct txq *q = &st->tx[i];
	uint32_t n, k;
	uint16_t sent;

	while (q->count > 0) {
		n = RTE_MIN(q->count, STACK_TXQ - q->head);
		n = RTE_MIN(n, (uint32_t)STACK_BURST);
		for (k = 0; k < n; k++)
			mark_given(q->pkts[q->head + k]);
		store_order();
		q->offered = n;
		store_order();
		sent = nif->ops->tx_burst(nif, st->cfg.queue, &q->pkts[q->head], (uint16_t)n);
		q->count -= sent;
		q->head = (q->head + sent) & (STACK_TXQ - 1);
		for (k = 0; k < n - sent; k++)
			mark_kept(q->pkts[(q->head + k) & (STACK_TXQ - 1)]);
		store_order();
		q->offered = 0;
		MIB_ADD(st, ETH_OUT, sent);
		if (sent < n) {
			q->retry_at = now + TX_RETRY_NS;
			if (!nif->ops->link_is_up(nif))
				drop_all(st, q);
			return;
		}
	}
	q->head = 0;
}

/*
 * After a death: what waited here goes to nobody.  Unless it died while the link was being
 * offered them, none is the link's, though some may have been marked so.  And of a burst cut
 * short, what eth_input() had not come to is ours, whatever an earlier life left in its cb.
 */
void stack_forget_frames(struct stack *st)
{
	struct txq *q;
	uint32_t i, k;

	for (i = 0; i < st->cfg.nnetifs; i++) {
		q = &st->tx[i];
		for (k = 0; q->offered == 0 && k < q->count && k < STACK_TXQ; k++)
			mark_kept(q->pkts[(q->head + k) & (STACK_TXQ - 1)]);
		q->head = q->count = q->offered = 0;
	}
	for (i = st->rx.done; i < st->rx.n && i < STACK_BURST; i++)
		mark_ours(st->rx.pkts[i]);
	st->rx.n = st->rx.done = 0;
}

void stack_tx_flush(struct stack *st, uint64_t now)
{
	unsigned int i;

	for (i = 0; i < st->cfg.nnetifs; i++)
		if (st->tx[i].count > 0)
			txq_flush(st, i, now);
}

unsigned int netif_index(const struct stack *st, const struct netif *nif)
{
	unsigned int i = 0;

	while (i + 1 < st->cfg.nnetifs && st->cfg.netifs[i] != nif)
		i++;
	return i;
}

/* For links that cannot gather: one buffer with a copy of the chain. */
static struct rte_mbuf *linearize(struct stack *st, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = pkt_copy(st, m, 0, rte_pktmbuf_pkt_len(m));

	if (copy != NULL && copy->nb_segs > 1) {
		MIB_INC(st, PKT_NOMEM);
		rte_pktmbuf_free(copy);
		copy = NULL;
	}
	if (copy != NULL) {
		copy->ol_flags = m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
		copy->tx_offload = m->tx_offload;
	}
	rte_pktmbuf_free(m);
	return copy;
}

void stack_tx(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint64_t now)
{
	unsigned int i = netif_index(st, nif);
	struct txq *q = &st->tx[i];

	if (unlikely(m->nb_segs > 1 && (nif->caps & NETIF_TX_MULTI_SEG) == 0)) {
		m = linearize(st, m);
		if (m == NULL)
			return;
	}
	if (q->count >= STACK_BURST && q->count % STACK_BURST == 0)
		txq_flush(st, i, now);
	if (q->count == STACK_TXQ) {
		MIB_INC(st, ETH_DROP_TXFULL);
		rte_pktmbuf_free(m);
		return;
	}
	q->pkts[(q->head + q->count) & (STACK_TXQ - 1)] = m;
	store_order();
	q->count++;
}

void stack_loop(struct stack *st, struct netif *nif, struct rte_mbuf *m)
{
	if (st->loop.count >= STACK_TXQ) {
		MIB_INC(st, ETH_DROP_TXFULL);
		rte_pktmbuf_free(m);
		return;
	}
	/* The receiver edits the packet and queues it by its cb: it needs one of its own. */
	m = pkt_unshare(st, m);
	if (m == NULL)
		return;
	m->port = (uint16_t)netif_index(st, nif);
	pktq_push(&st->loop, m);
}
