/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ifaddr.c - our addresses: whose is a destination, which source to use.
 *
 * Any of our addresses is accepted on any link (the weak end system model, RFC 1122
 * 3.3.4.2), as Linux does.
 */
#include "stack/net/net_priv.h"

/* All ones behind the prefix; none for /31 and /32 (RFC 3021). */
static struct ipaddr broadcast_of(const struct ipaddr *addr, uint8_t plen)
{
	struct ipaddr none = { .q = { 0, 0 } };

	if (!ipaddr_is_v4(addr) || plen >= 31)
		return none;
	return ipaddr_from_v4(ipaddr_to_v4(addr) | rte_cpu_to_be_32(UINT32_MAX >> plen));
}

static int ifaddr_insert(struct stack *st, struct netif *nif, const struct ipaddr *addr,
			 uint8_t plen, bool autoconf, uint64_t now)
{
	struct route_table *t = &st->net.route;
	struct route r = { .prefix = *addr, .nif = nif, .valid_until = UINT64_MAX, .plen = plen };
	struct ifaddr *a = &t->addrs[t->naddrs];
	struct ipaddr group;
	int err = 0;

	if (t->naddrs == ADDR_MAX)
		return -ENOBUFS;
	memset(a, 0, sizeof(*a));
	a->addr = *addr;
	a->broadcast = broadcast_of(addr, plen);
	a->nif = nif;
	a->plen = plen;
	a->valid_until = a->preferred_until = UINT64_MAX;
	a->state = ipaddr_is_v4(addr) || st->cfg.quiet_start ? IFADDR_OK : IFADDR_OPTIMISTIC;
	a->next_at = st->cfg.quiet_start ? UINT64_MAX : now;
	a->autoconf = autoconf;
	if (!autoconf)
		err = route_add(st, &r);
	if (err == 0 && !ipaddr_is_v4(addr)) {
		/* RFC 4291 2.7.1: where questions about this address go. */
		group = nd_solicited_node(addr);
		err = mcast_add(st, nif, &group, false, now);
	}
	if (err != 0)
		return err;
	t->naddrs++;
	route_changed(st);
	net_house_at(st, a->next_at);
	return 0;
}

int ifaddr_add(struct stack *st, struct netif *nif, const struct ipaddr *addr, uint8_t plen,
	       uint64_t now)
{
	return ifaddr_insert(st, nif, addr, plen, false, now);
}

/* -- autoconfiguration: RFC 4862 5.5.3 -------------------------------------------------------- */

#define TWO_HOURS (7200 * NSEC_PER_SEC)

static uint64_t end_of(uint64_t lifetime, uint64_t now)
{
	return lifetime == UINT64_MAX ? UINT64_MAX : now + lifetime;
}

static struct ifaddr *autoconf_find(struct stack *st, const struct netif *nif,
				    const struct ipaddr *addr)
{
	struct route_table *t = &st->net.route;
	struct ifaddr *a;

	for (a = t->addrs; a < t->addrs + t->naddrs; a++)
		if (a->nif == nif && ipaddr_equal(&a->addr, addr))
			return a;
	return NULL;
}

/*
 * RFC 4862 5.5.3 e: a forged advertisement must not take an address away at once; less than
 * what remains is believed down to two hours only.
 */
static void renew(struct ifaddr *a, uint64_t valid, uint64_t preferred, uint64_t now)
{
	uint64_t remains = a->valid_until == UINT64_MAX ? UINT64_MAX : a->valid_until - now;

	a->preferred_until = end_of(preferred, now);
	if (valid > TWO_HOURS || valid > remains)
		a->valid_until = end_of(valid, now);
	else if (remains > TWO_HOURS)
		a->valid_until = now + TWO_HOURS;
}

void ifaddr_autoconf(struct stack *st, struct netif *nif, const struct ipaddr *prefix,
		     uint64_t valid, uint64_t preferred, uint64_t now)
{
	struct ipaddr addr = nd_link_local(nif); /* for the interface identifier */
	struct ifaddr *a;

	addr.q[0] = prefix->q[0];
	a = autoconf_find(st, nif, &addr);
	if (a == NULL) {
		if (valid == 0 || ifaddr_insert(st, nif, &addr, 64, true, now) != 0)
			return;
		a = autoconf_find(st, nif, &addr);
		a->valid_until = end_of(valid, now);
		a->preferred_until = end_of(preferred, now);
	} else if (a->autoconf) {
		renew(a, valid, preferred, now);
	} else {
		return; /* configured by hand */
	}
	route_changed(st);
	net_house_at(st, RTE_MIN(a->valid_until, RTE_MAX(a->preferred_until, now)));
}

uint64_t ifaddr_expire(struct stack *st, uint64_t now)
{
	struct route_table *t = &st->net.route;
	uint64_t next = UINT64_MAX;
	struct ipaddr group;
	struct ifaddr *a = t->addrs;

	while (a < t->addrs + t->naddrs) {
		if (a->valid_until <= now) {
			group = nd_solicited_node(&a->addr);
			mcast_drop(st, a->nif, &group, now);
			t->naddrs--;
			memmove(a, a + 1, (size_t)(t->addrs + t->naddrs - a) * sizeof(*a));
			route_changed(st);
			continue;
		}
		next = RTE_MIN(next, a->valid_until);
		/* The choice of a source changes when an address is deprecated. */
		if (a->preferred_until > now)
			next = RTE_MIN(next, a->preferred_until);
		else if (a->preferred_until != 0 && a->autoconf) {
			a->preferred_until = 0;
			route_changed(st);
		}
		a++;
	}
	return next;
}

/* -- whose is an address ---------------------------------------------------------------------- */

static bool is_usable(const struct ifaddr *a)
{
	return a->state != IFADDR_DUPLICATE;
}

struct ifaddr *ifaddr_find(struct stack *st, const struct ipaddr *addr)
{
	struct route_table *t = &st->net.route;
	struct ifaddr *a;

	for (a = t->addrs; a < t->addrs + t->naddrs; a++)
		if (ipaddr_equal(&a->addr, addr) && is_usable(a))
			return a;
	return NULL;
}

bool ip_addr_is_ours(const struct stack *st, const struct ipaddr *addr)
{
	return ifaddr_find((struct stack *)st, addr) != NULL;
}

struct netif *ip_addr_link(const struct stack *st, const struct ipaddr *addr)
{
	const struct ifaddr *a = ifaddr_find((struct stack *)(uintptr_t)st, addr);

	return a != NULL ? a->nif : NULL;
}

bool ip_addr_of_link(const struct stack *st, const struct netif *nif, bool v4, struct ipaddr *out)
{
	const struct route_table *t = &st->net.route;
	const struct ifaddr *a, *best = NULL;

	for (a = t->addrs; a < t->addrs + t->naddrs; a++) {
		if (!is_usable(a) || (nif != NULL && a->nif != nif) || ipaddr_is_v4(&a->addr) != v4)
			continue;
		if (best == NULL ||
		    (ipaddr_is_linklocal(&best->addr) && !ipaddr_is_linklocal(&a->addr)))
			best = a;
	}
	if (best != NULL)
		*out = best->addr;
	return best != NULL;
}

bool ip_addr_is_broadcast(const struct stack *st, const struct ipaddr *addr)
{
	const struct route_table *t = &st->net.route;
	const struct ifaddr *a;

	if (!ipaddr_is_v4(addr))
		return false;
	if (ipaddr_is_limited_broadcast(addr))
		return true;
	for (a = t->addrs; a < t->addrs + t->naddrs; a++)
		if (ipaddr_equal(&a->broadcast, addr))
			return true;
	return false;
}

enum addr_class addr_classify(const struct stack *st, const struct netif *nif,
			      const struct ipaddr *addr)
{
	if (likely(ip_addr_is_ours(st, addr)))
		return ADDR_OURS;
	if (ipaddr_is_multicast(addr))
		return mcast_is_member(st, nif, addr) ? ADDR_MULTICAST : ADDR_FOREIGN;
	return ip_addr_is_broadcast(st, addr) ? ADDR_BROADCAST : ADDR_FOREIGN;
}

/* -- source selection --------------------------------------------------------------------- */

/* RFC 4007 6: link-local 2, (deprecated) site-local 5, global 14; of a group its own field. */
static unsigned int scope_of(const struct ipaddr *a)
{
	if (ipaddr_is_v4(a))
		return ipaddr_is_linklocal(a) ? 2 : 14;
	if (ipaddr_is_multicast(a))
		return a->b[1] & 0xf;
	if (ipaddr_is_linklocal(a))
		return 2;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0xc0 ? 5 : 14;
}

static unsigned int common_prefix(const struct ipaddr *a, const struct ipaddr *b)
{
	uint64_t x = rte_be_to_cpu_64(a->q[0] ^ b->q[0]);

	if (x != 0)
		return (unsigned int)__builtin_clzll(x);
	x = rte_be_to_cpu_64(a->q[1] ^ b->q[1]);
	return x != 0 ? 64 + (unsigned int)__builtin_clzll(x) : 128;
}

/* RFC 6724 2.2: the common prefix, no longer than the source's own; IPv4: on its link or not. */
static unsigned int match_len(const struct ifaddr *a, const struct ipaddr *dst)
{
	unsigned int common;

	if (ipaddr_is_v4(dst))
		return ipaddr_in_prefix(dst, &a->addr, a->plen) ? a->plen + 1u : 0;
	common = common_prefix(&a->addr, dst);
	return RTE_MIN(common, (unsigned int)a->plen);
}

/* RFC 6724 2.1, without what never is a destination here; longest prefix first. */
static const struct {
	uint8_t prefix[4];
	uint8_t plen, label;
} labels[] = {
	{ { 0x20, 0x01, 0x00, 0x00 }, 32, 5 },	/* Teredo */
	{ { 0x20, 0x02 }, 16, 2 },		/* 6to4 */
	{ { 0x3f, 0xfe }, 16, 12 },		/* 6bone */
	{ { 0xfe, 0xc0 }, 10, 11 },		/* site-local */
	{ { 0xfc }, 7, 13 },			/* unique local */
};

static unsigned int label_of(const struct ipaddr *a)
{
	struct ipaddr prefix;
	unsigned int i;

	for (i = 0; i < RTE_DIM(labels); i++) {
		memset(&prefix, 0, sizeof(prefix));
		memcpy(prefix.b, labels[i].prefix, sizeof(labels[i].prefix));
		if (ipaddr_in_prefix(a, &prefix, labels[i].plen))
			return labels[i].label;
	}
	return 1;
}

/* RFC 6724 5: is a a better source for dst than b, by the first rule that tells them apart? */
static bool is_better(const struct ifaddr *a, const struct ifaddr *b, const struct netif *nif,
		      const struct ipaddr *dst, uint64_t now)
{
	unsigned int sa = scope_of(&a->addr), sb = scope_of(&b->addr), sd = scope_of(dst);

	/* Rule 1: the destination itself is served by lookup_own(). */
	/* Rule 2: appropriate scope. */
	if (sa != sb)
		return sa < sb ? sa >= sd : sb < sd;
	/* Rule 3: avoid deprecated addresses (and those not yet known to be unique, RFC 4429). */
	if ((a->preferred_until > now) != (b->preferred_until > now))
		return a->preferred_until > now;
	if ((a->state == IFADDR_OK) != (b->state == IFADDR_OK))
		return a->state == IFADDR_OK;
	/* Rule 4, home addresses: there are none.  Rule 5: outgoing interface. */
	if ((a->nif == nif) != (b->nif == nif))
		return a->nif == nif;
	/* Rule 6: matching label.  Rule 7, temporary addresses: there are none. */
	if (!ipaddr_is_v4(dst) && (label_of(&a->addr) == label_of(dst)) !=
					  (label_of(&b->addr) == label_of(dst)))
		return label_of(&a->addr) == label_of(dst);
	/* Rule 8: longest matching prefix. */
	return match_len(a, dst) > match_len(b, dst);
}

const struct ifaddr *ifaddr_select(const struct stack *st, const struct netif *nif,
				   const struct ipaddr *addr, uint64_t now)
{
	const struct route_table *t = &st->net.route;
	const struct ifaddr *a, *best = NULL;

	for (a = t->addrs; a < t->addrs + t->naddrs; a++) {
		if (!is_usable(a) || ipaddr_is_v4(&a->addr) != ipaddr_is_v4(addr))
			continue;
		if (best == NULL || is_better(a, best, nif, addr, now))
			best = a;
	}
	return best;
}
