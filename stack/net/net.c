/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net.c - the network layer's set-up, timers, housekeeping and recovery.
 *
 * One timer serves everything that happens seldom: announcements of our addresses,
 * duplicate address detection, router solicitations, group reports, lifetimes.
 */
#include "stack/net/net_priv.h"

#define LINK_WAIT (1 * NSEC_PER_SEC)

size_t net_footprint(const struct stack_config *cfg)
{
	(void)cfg;
	return pool_footprint(sizeof(struct neigh), NEIGH_MAX) +
	       pool_footprint(sizeof(struct reass), REASS_MAX);
}

int net_init(struct stack *st, uint64_t now)
{
	int err;

	timer_init(&st->net.house, TIMER_STACK);
	err = neigh_init(st);
	if (err == 0)
		err = reass_init(st);
	if (err == 0)
		err = route_init(st, now);
	return err;
}

void net_house_at(struct stack *st, uint64_t at)
{
	struct timer *t = &st->net.house;

	if (!timer_is_armed(t) || at < t->deadline)
		timer_arm(&st->wheel, t, at);
}

/* What is said to a link that is down is heard by nobody: wait for it. */
static void address_step(struct stack *st, struct ifaddr *a, uint64_t now)
{
	if (!a->nif->ops->link_is_up(a->nif))
		a->next_at = now + LINK_WAIT;
	else if (ipaddr_is_v4(&a->addr))
		arp_address_step(st, a, now);
	else
		nd_address_step(st, a, now);
}

static uint64_t address_steps(struct stack *st, uint64_t now)
{
	struct route_table *t = &st->net.route;
	uint64_t next = UINT64_MAX;
	struct ifaddr *a;

	for (a = t->addrs; a < t->addrs + t->naddrs; a++) {
		if (a->next_at <= now)
			address_step(st, a, now);
		next = RTE_MIN(next, a->next_at);
	}
	return next;
}

static void net_house(struct stack *st, uint64_t now)
{
	uint64_t next = address_steps(st, now);

	next = RTE_MIN(next, ifaddr_expire(st, now));
	next = RTE_MIN(next, route_expire(st, now));
	next = RTE_MIN(next, redirect_expire(st, now));
	next = RTE_MIN(next, mcast_step(st, now));
	next = RTE_MIN(next, nd_router_step(st, now));
	if (next != UINT64_MAX)
		net_house_at(st, next);
}

void net_timer_fire(struct stack *st, struct timer *t, uint64_t now)
{
	switch ((enum timer_kind)t->kind) {
	case TIMER_NEIGH:
		neigh_timer_fire(st, t, now);
		break;
	case TIMER_REASS:
		reass_timer_fire(st, t, now);
		break;
	default:
		net_house(st, now);
		break;
	}
}

/* Every cached struct dst is looked up again: what it points to may have been half-written. */
void net_recover(struct stack *st, uint64_t now)
{
	neigh_recover(st);
	reass_recover(st);
	route_recover(st);
	/* Advertised routes are asked for again. */
	memset(st->net.rs_at, 0, sizeof(st->net.rs_at));
	memset(st->net.rs_wait, 0, sizeof(st->net.rs_wait));
	timer_init(&st->net.house, TIMER_STACK);
	net_house_at(st, now);
}

void net_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	struct rte_mbuf *m;
	struct neigh *n;
	struct reass *r;
	uint32_t i, k;

	pool_for_each(&st->net.neigh.pool, i, n)
		for (k = 0; k < n->nqueue; k++)
			fn(n->queue[k], arg);
	for (r = st->net.reass.oldest; r != NULL; r = r->newer)
		for (m = r->head; m != NULL; m = pkt_cb(m)->qnext)
			fn(m, arg);
}
