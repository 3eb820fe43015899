/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recover.c - after the lock's holder was killed inside the stack.
 *
 * Any store may have been the last one, so nothing that is linked is trusted: the wheel,
 * the event list, hashes and free lists are rebuilt from the arrays of live objects.
 * Frames that waited for a link or a neighbour, half-reassembled datagrams and packets to
 * ourselves are forgotten: to their senders that is loss, which every protocol survives,
 * and the rebuild of the mbuf pool takes them back.
 *
 * Order: core empties what it owns; the rooms rebuild from below (net before inet before
 * tcp), because a reset that tcp sends needs routes; last the events, because what
 * the rooms did changed readiness.
 */
#include <sys/epoll.h>

#include "stack/core/stack_priv.h"
#include "stack/socket.h"

#define ALL_EDGES (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLHUP | EPOLLRDHUP)

/* An edge too many is a spurious wake-up; an edge too few is a hang. */
static void rebuild_events(struct stack *st)
{
	struct socket *so;
	uint32_t i;

	st->events = NULL;
	st->events_tail = &st->events;
	pool_for_each(&st->sockets, i, so) {
		so->event.next = NULL;
		so->event.pprev = NULL;
		so->edges = 0;
		if (so->owner == NULL || so->sk == NULL)
			continue;
		so->edges = ALL_EDGES;
		so->event.pprev = st->events_tail;
		*st->events_tail = so;
		st->events_tail = &so->event.next;
	}
}

void stack_recover(struct stack *st, uint64_t now)
{
	MIB_INC(st, RECOVERIES);
	stack_forget_frames(st);
	pktq_init(&st->loop);
	st->events = NULL;
	st->events_tail = &st->events;
	timer_wheel_init(&st->wheel, now);
	pool_rebuild(&st->sockets);
	net_recover(st, now);
	inet_recover(st, now);
	tcp_recover(st, now);
	rebuild_events(st);
	st->in_hand = NULL;
}

unsigned int stack_release_ownerless(struct stack *st, uint64_t now)
{
	struct socket *so;
	unsigned int n = 0;
	uint32_t i;

	pool_for_each(&st->sockets, i, so) {
		if (so->owner != NULL)
			continue;
		if (so->sk != NULL)
			socket_release(st, so, now);
		else
			pool_free(&st->sockets, so);
		n++;
	}
	return n;
}

static void clear_mark(struct rte_mempool *pool, void *arg, void *obj, unsigned int i)
{
	(void)pool;
	(void)arg;
	(void)i;
	pkt_mark(obj)->refs = 0;
}

/*
 * Make reference counts agree with what was found.
 *
 * What never went to a link has exactly our references: the killed process may have raised
 * the count and not queued the packet, or queued it where it was now forgotten.
 *
 * What we shared with a link and have forgotten (the queue of the sock in hand) has the
 * link's references and the one that was ours.  If there is but one, it is ours: the link is
 * done.  What is still on a queue is left alone: the link's share cannot be known.
 *
 * Unless the links copy: then all references are ours.
 */
static void fix_refcnt(struct rte_mempool *pool, void *links_copy, void *obj, unsigned int i)
{
	struct rte_mbuf *m = obj;
	uint32_t refs = pkt_mark(m)->refs, count = rte_mbuf_refcnt_read(m);
	struct pkt_cb *cb = pkt_cb(m);

	(void)pool;
	(void)i;
	if (links_copy != NULL)
		cb->owner = PKT_STACK;
	if (refs > 0) {
		if (cb->owner == PKT_STACK)
			rte_mbuf_refcnt_set(m, (uint16_t)refs);
	} else if (cb->owner == PKT_SHARED) {
		cb->owner = count > 1 ? PKT_LINK : PKT_STACK;
		if (count > 1)
			rte_mbuf_refcnt_set(m, (uint16_t)(count - 1));
	} else if (cb->owner == PKT_LINK && count > 1) {
		rte_mbuf_refcnt_set(m, 1); /* it died in pkt_let_go() */
	}
}

static void mark(struct rte_mbuf *m, void *arg)
{
	(void)arg;
	for (; m != NULL; m = m->next)
		pkt_mark(m)->refs++;
}

static void mark_one(struct rte_mbuf *m, void *arg)
{
	(void)arg;
	pkt_mark(m)->refs++;
}

void stack_count_mbufs(struct stack *st)
{
	struct rte_mbuf *m;
	struct txq *q;
	uint32_t i, k;

	rte_mempool_obj_iter(st->cfg.mbufs, clear_mark, NULL);
	for (i = 0; i < st->cfg.nnetifs; i++) {
		q = &st->tx[i];
		for (k = 0; k < q->count; k++)
			mark(q->pkts[(q->head + k) & (STACK_TXQ - 1)], NULL);
	}
	for (m = st->loop.head; m != NULL; m = pkt_cb(m)->qnext)
		mark(m, NULL);
	net_for_each_mbuf(st, mark, NULL);
	inet_for_each_mbuf(st, mark, NULL);
	tcp_for_each_mbuf(st, mark, NULL);
	tcp_for_each_segment(st, mark_one, NULL);
}

static bool links_copy(const struct stack *st)
{
	uint32_t i;

	for (i = 0; i < st->cfg.nnetifs; i++)
		if (!(st->cfg.netifs[i]->caps & NETIF_TX_COPIES))
			return false;
	return true;
}

void stack_mark_mbufs(struct stack *st)
{
	stack_count_mbufs(st);
	rte_mempool_obj_iter(st->cfg.mbufs, fix_refcnt, links_copy(st) ? st : NULL);
}

bool stack_owns_mbuf(const struct rte_mbuf *m, void *st)
{
	(void)st;
	return pkt_mark(m)->refs > 0 || pkt_cb(m)->owner == PKT_LINK;
}
