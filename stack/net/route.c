/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * route.c - where packets go: routes by longest prefix, sources, path MTUs.
 *
 * The table is short and kept sorted, longest prefix first, so a look-up is a scan; it
 * happens once per socket, which caches the result (struct dst) until route.gen moves.
 * gen moves when an address, a route or a path MTU changes.
 */
#include "stack/net/net_priv.h"

#define PMTU_LIFETIME (600 * NSEC_PER_SEC) /* RFC 1191 6.3 */

void route_changed(struct stack *st)
{
	st->net.route.gen++;
}

/* -- routes -------------------------------------------------------------------------------- */

int route_add(struct stack *st, const struct route *r)
{
	struct route_table *t = &st->net.route;
	uint8_t rank = r->plen + (ipaddr_is_v4(&r->prefix) ? 96 : 0);
	uint32_t i = 0;

	if (t->nroutes == ROUTE_MAX)
		return -ENOBUFS;
	while (i < t->nroutes && (t->routes[i].rank > rank ||
				  (t->routes[i].rank == rank && t->routes[i].pref >= r->pref)))
		i++;
	memmove(&t->routes[i + 1], &t->routes[i], (t->nroutes - i) * sizeof(t->routes[0]));
	t->routes[i] = *r;
	t->routes[i].rank = rank;
	t->nroutes++;
	route_changed(st);
	return 0;
}

void route_remove(struct stack *st, struct route *r)
{
	struct route_table *t = &st->net.route;

	t->nroutes--;
	memmove(r, r + 1, (size_t)(t->routes + t->nroutes - r) * sizeof(*r));
	route_changed(st);
}

static bool gateway_is_dead(const struct stack *st, const struct route *r)
{
	const struct neigh *n;

	if (ipaddr_is_any(&r->via))
		return false;
	n = neigh_find((struct stack *)(uintptr_t)st, r->nif, &r->via);
	return n != NULL && n->state == NEIGH_FAILED;
}

/*
 * The longest prefix; of several gateways for it the most preferred (RFC 4191 3.2) and the
 * first that is not known to be dead (RFC 4861 6.3.6, RFC 1122 3.3.1.2), or the first if all are.
 */
const struct route *route_find(const struct stack *st, const struct ipaddr *addr,
			       const struct netif *nif, uint64_t now)
{
	const struct route_table *t = &st->net.route;
	const struct route *r, *best = NULL;

	for (r = t->routes; r < t->routes + t->nroutes; r++) {
		if (best != NULL && r->rank != best->rank)
			break;
		if (r->valid_until <= now || (nif != NULL && r->nif != nif) ||
		    !ipaddr_in_prefix(addr, &r->prefix, r->plen))
			continue;
		if (!gateway_is_dead(st, r))
			return r;
		if (best == NULL)
			best = r;
	}
	return best;
}

bool route_has_gateway(const struct stack *st, const struct netif *nif, const struct ipaddr *via)
{
	const struct route_table *t = &st->net.route;
	const struct route *r;

	for (r = t->routes; r < t->routes + t->nroutes; r++)
		if (r->nif == nif && ipaddr_equal(&r->via, via))
			return true;
	return false;
}

/* The netif on which all of a gateway's neighbours are, for routes given without one. */
static int config_routes(struct stack *st)
{
	const struct stack_route *c;
	struct route r;
	unsigned int i;
	int err = 0;

	for (i = 0; i < st->cfg.nroutes && err == 0; i++) {
		c = &st->cfg.routes[i];
		memset(&r, 0, sizeof(r));
		r.prefix = c->prefix;
		r.plen = c->plen;
		r.via = c->via;
		r.nif = st->cfg.netifs[c->netif];
		r.valid_until = UINT64_MAX;
		err = route_add(st, &r);
	}
	return err;
}

/* RFC 4291 2.1: every link with IPv6 has a link-local address. */
static int add_link_locals(struct stack *st, uint64_t now)
{
	struct ipaddr ll;
	unsigned int i;
	int err = 0;

	for (i = 0; i < st->cfg.nnetifs && err == 0; i++) {
		ll = nd_link_local(st->cfg.netifs[i]);
		if ((st->cfg.slaac || nd_is_enabled(st, st->cfg.netifs[i])) && !ip_addr_is_ours(st, &ll))
			err = ifaddr_add(st, st->cfg.netifs[i], &ll, 64, now);
	}
	return err;
}

int route_init(struct stack *st, uint64_t now)
{
	const struct stack_addr *a;
	unsigned int i;
	int err = 0;

	st->net.route.gen = 1; /* a zeroed struct dst is stale */
	for (i = 0; i < st->cfg.naddrs && err == 0; i++) {
		a = &st->cfg.addrs[i];
		err = ifaddr_add(st, st->cfg.netifs[a->netif], &a->addr, a->plen, now);
	}
	if (err == 0)
		err = add_link_locals(st, now);
	return err == 0 ? config_routes(st) : err;
}

/* A table shifted half-way by a killed process: again from the addresses and the configuration. */
void route_recover(struct stack *st)
{
	struct route_table *t = &st->net.route;
	const struct ifaddr *a;
	struct route r;

	t->nroutes = 0;
	for (a = t->addrs; a < t->addrs + t->naddrs; a++) {
		if (a->autoconf)
			continue;
		memset(&r, 0, sizeof(r));
		r.prefix = a->addr;
		r.plen = a->plen;
		r.nif = a->nif;
		r.valid_until = a->valid_until;
		route_add(st, &r);
	}
	config_routes(st);
}

/* -- path MTUs ----------------------------------------------------------------------------- */

static struct pmtu *pmtu_slot(const struct stack *st, const struct ipaddr *addr)
{
	uint32_t h = stack_hash(st, addr, sizeof(*addr), 0x706d7475);

	return (struct pmtu *)&st->net.route.pmtu[h % PMTU_MAX];
}

static void pmtu_apply(const struct stack *st, const struct ipaddr *addr, struct dst *out, uint64_t now)
{
	const struct pmtu *p = pmtu_slot(st, addr);

	out->mtu_locked = false;
	if (p->expires <= now || !ipaddr_equal(&p->addr, addr) || p->mtu > out->mtu)
		return;
	out->mtu = p->mtu;
	out->mtu_locked = p->locked;
}

void ip_update_pmtu(struct stack *st, const struct ipaddr *dst, uint16_t mtu, uint64_t now)
{
	struct pmtu *p = pmtu_slot(st, dst);
	uint16_t floor = ipaddr_is_v4(dst) ? IP4_MIN_PMTU : IP6_MIN_MTU;

	bool locked = mtu < floor;

	if (locked)
		mtu = floor;
	/* Never up, only down: a larger one is learned by expiry (RFC 1191 3). */
	if (p->expires > now && ipaddr_equal(&p->addr, dst) && p->mtu <= mtu &&
	    p->locked >= locked)
		return;
	p->addr = *dst;
	p->mtu = mtu;
	p->locked = locked;
	p->expires = now + PMTU_LIFETIME;
	route_changed(st);
	net_house_at(st, p->expires);
}

/* -- look-up ------------------------------------------------------------------------------- */

static struct netif *netif_of_addr(const struct stack *st, const struct ipaddr *addr)
{
	const struct ifaddr *a = ifaddr_find((struct stack *)st, addr);

	return a != NULL ? a->nif : NULL;
}

/* Which of our links a directed broadcast belongs to. */
static struct netif *netif_of_broadcast(const struct stack *st, const struct ipaddr *addr)
{
	const struct route_table *t = &st->net.route;
	const struct ifaddr *a;

	for (a = t->addrs; a < t->addrs + t->naddrs; a++)
		if (ipaddr_equal(&a->broadcast, addr))
			return a->nif;
	return NULL;
}

/* A group or 255.255.255.255: the source's link, else the route's, else the first. */
static struct netif *netif_of_group(const struct stack *st, const struct ipaddr *addr,
				    const struct ipaddr *src, uint64_t now)
{
	const struct route *r;
	struct netif *nif = NULL;

	if (src != NULL && !ipaddr_is_any(src))
		nif = netif_of_addr(st, src);
	if (nif != NULL)
		return nif;
	r = route_find(st, addr, NULL, now);
	return r != NULL ? r->nif : st->cfg.netifs[0];
}

static int lookup_own(struct stack *st, const struct ipaddr *addr, const struct ipaddr *src,
		      struct dst *out)
{
	const struct ifaddr *a = ifaddr_find(st, addr);

	if (a == NULL)
		return -ENETUNREACH;
	out->loop = true;
	out->nif = a->nif;
	out->nexthop = *addr;
	out->src = src != NULL && !ipaddr_is_any(src) ? *src : *addr;
	return 0;
}

/* Fill nif, nexthop and the kind for a destination that is not ours. */
static int lookup_link(struct stack *st, const struct ipaddr *addr, const struct ipaddr *src,
		       struct dst *out, uint64_t now)
{
	const struct ipaddr *better;
	const struct route *r;

	out->nexthop = *addr;
	out->multicast = ipaddr_is_multicast(addr);
	if (out->multicast || ipaddr_is_limited_broadcast(addr)) {
		out->broadcast = !out->multicast;
		out->nif = out->oif != NULL ? out->oif : netif_of_group(st, addr, src, now);
		return 0;
	}
	if (ipaddr_is_v4(addr)) {
		out->nif = netif_of_broadcast(st, addr);
		out->broadcast = out->nif != NULL;
		if (out->broadcast)
			return 0;
	}
	r = route_find(st, addr, out->oif, now);
	if (r == NULL && out->oif != NULL && ipaddr_is_v4(addr)) {
		out->nif = out->oif;
		return 0;
	}
	if (r == NULL)
		return -ENETUNREACH;
	out->nif = r->nif;
	better = redirect_find(st, r->nif, addr, now);
	if (better != NULL)
		out->nexthop = *better;
	else if (!ipaddr_is_any(&r->via))
		out->nexthop = r->via;
	return 0;
}

static uint16_t link_mtu(const struct stack *st, const struct netif *nif, const struct ipaddr *addr)
{
	uint16_t advertised = st->net.ip6_mtu[netif_index(st, nif)];

	return advertised != 0 && !ipaddr_is_v4(addr) ? advertised : nif->mtu;
}

static int lookup(struct stack *st, const struct ipaddr *addr, const struct ipaddr *src,
		  struct dst *out, uint64_t now)
{
	const struct ifaddr *a;
	int err;

	if (ipaddr_is_any(addr) || ipaddr_is_loopback(addr))
		return -ENETUNREACH;
	if (src != NULL && !ipaddr_is_any(src) && !out->foreign_src && !ip_addr_is_ours(st, src))
		return -EADDRNOTAVAIL;
	if (ip_addr_is_ours(st, addr)) {
		err = lookup_own(st, addr, src, out);
		if (err == 0)
			out->mtu = out->nif->mtu;
		return err;
	}
	err = lookup_link(st, addr, src, out, now);
	if (err != 0)
		return err;
	out->mtu = link_mtu(st, out->nif, addr);
	pmtu_apply(st, addr, out, now);
	if (src != NULL && !ipaddr_is_any(src)) {
		out->src = *src;
	} else {
		/* IPv4: the address that shares a link with the next hop, as Linux chooses. */
		a = ifaddr_select(st, out->nif, ipaddr_is_v4(addr) ? &out->nexthop : addr, now);
		if (a == NULL)
			return -EADDRNOTAVAIL;
		out->src = a->addr;
	}
	out->neigh = neigh_find(st, out->nif, &out->nexthop);
	return 0;
}

int route_lookup_by(struct stack *st, const struct ipaddr *addr, const struct ipaddr *src,
		    struct netif *oif, bool foreign_src, struct dst *out, uint64_t now)
{
	int err;

	memset(out, 0, sizeof(*out));
	out->oif = oif;
	out->foreign_src = foreign_src;
	err = lookup(st, addr, src, out, now);
	if (err != 0) {
		MIB_INC(st, IP_OUT_NO_ROUTES);
		return err;
	}
	out->gen = st->net.route.gen;
	return 0;
}

int route_lookup(struct stack *st, const struct ipaddr *addr, const struct ipaddr *src,
		 struct dst *out, uint64_t now)
{
	return route_lookup_by(st, addr, src, NULL, false, out, now);
}

int dst_check(struct stack *st, struct dst *d, const struct ipaddr *addr, const struct ipaddr *src,
	      uint64_t now)
{
	if (likely(d->gen == st->net.route.gen))
		return 0;
	return route_lookup_by(st, addr, src, d->oif, d->foreign_src, d, now);
}

bool stack_routes_addr(const struct stack *st, const struct ipaddr *addr)
{
	if (ipaddr_is_any(addr) || ipaddr_is_loopback(addr))
		return false;
	if (ip_addr_is_ours(st, addr) || ip_addr_is_broadcast(st, addr))
		return true;
	/* Groups without a route leave through the first link if it has that family. */
	if (ipaddr_is_multicast(addr) && ifaddr_select(st, st->cfg.netifs[0], addr, 0) != NULL)
		return true;
	/* At time 0 none has expired; net_house() takes out those that have. */
	return route_find(st, addr, NULL, 0) != NULL;
}

void route_drop_gateway(struct stack *st, const struct netif *nif, const struct ipaddr *via)
{
	struct route_table *t = &st->net.route;
	struct route *r;

	for (r = t->routes; r < t->routes + t->nroutes; r++) {
		if (r->advertised && r->nif == nif && ipaddr_equal(&r->via, via)) {
			r->valid_until = 0;
			route_changed(st);
			net_house_at(st, 0);
		}
	}
}

/* -- expiry -------------------------------------------------------------------------------- */

uint64_t route_expire(struct stack *st, uint64_t now)
{
	struct route_table *t = &st->net.route;
	uint64_t next = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < PMTU_MAX; i++) {
		if (t->pmtu[i].expires == 0)
			continue;
		if (t->pmtu[i].expires <= now) {
			t->pmtu[i].expires = 0;
			route_changed(st);
		} else if (t->pmtu[i].expires < next) {
			next = t->pmtu[i].expires;
		}
	}
	for (i = 0; i < t->nroutes;) {
		if (t->routes[i].valid_until <= now) {
			route_remove(st, &t->routes[i]);
			continue;
		}
		if (t->routes[i].valid_until < next)
			next = t->routes[i].valid_until;
		i++;
	}
	return next;
}
