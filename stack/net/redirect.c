/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * redirect.c - routers that know a better first hop (RFC 792, RFC 1122 3.2.2.2, RFC 4861 8).
 *
 * Believed as Linux believes them by default, in both families: from the hop that we use for
 * that destination now, and to a neighbour on the same link.  A redirect lasts for ten
 * minutes or until the new hop is found dead; the table is bounded, newer ones win.
 */
#include "stack/net/net_priv.h"

#define REDIRECT_LIFETIME (600 * NSEC_PER_SEC)

static struct redirect *slot_of(const struct stack *st, const struct ipaddr *addr)
{
	uint32_t h = stack_hash(st, addr, sizeof(*addr), 0x72646972);

	return (struct redirect *)(uintptr_t)&st->net.route.redirects[h % REDIRECT_MAX];
}

static bool is_dead(const struct stack *st, const struct redirect *r)
{
	const struct neigh *n = neigh_find((struct stack *)(uintptr_t)st, r->nif, &r->via);

	return n != NULL && n->state == NEIGH_FAILED;
}

const struct ipaddr *redirect_find(const struct stack *st, const struct netif *nif,
				   const struct ipaddr *addr, uint64_t now)
{
	const struct redirect *r = slot_of(st, addr);

	if (r->expires <= now || r->nif != nif || !ipaddr_equal(&r->addr, addr) || is_dead(st, r))
		return NULL;
	return &r->via;
}

void redirect_input(struct stack *st, struct netif *nif, const struct ipaddr *from,
		    const struct ipaddr *addr, const struct ipaddr *via, uint64_t now)
{
	const struct route *r;
	struct redirect *slot;
	struct dst d;

	if (ipaddr_is_multicast(addr) || route_lookup(st, addr, NULL, &d, now) != 0 || d.loop ||
	    d.nif != nif || !ipaddr_equal(&d.nexthop, from) || ip_addr_is_ours(st, via) ||
	    ipaddr_is_any(via) || ipaddr_is_multicast(via) || ip_addr_is_broadcast(st, via)) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	/* The new hop is on our link, by its prefix; IPv6's is a link-local address or addr. */
	r = route_find(st, via, nif, now);
	if (!ipaddr_equal(via, addr) && (r == NULL || !ipaddr_is_any(&r->via))) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	slot = slot_of(st, addr);
	slot->addr = *addr;
	slot->via = *via;
	slot->nif = nif;
	slot->expires = now + REDIRECT_LIFETIME;
	route_changed(st);
	net_house_at(st, slot->expires);
}

uint64_t redirect_expire(struct stack *st, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	struct redirect *r;

	for (r = st->net.route.redirects; r < st->net.route.redirects + REDIRECT_MAX; r++) {
		if (r->expires == 0)
			continue;
		if (r->expires <= now) {
			r->expires = 0;
			route_changed(st);
		} else {
			next = RTE_MIN(next, r->expires);
		}
	}
	return next;
}
