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

int ifaddr_add(struct stack *st, struct netif *nif, const struct ipaddr *addr, uint8_t plen,
	       uint64_t now)
{
	struct route_table *t = &st->net.route;
	struct route r = { .prefix = *addr, .nif = nif, .valid_until = UINT64_MAX, .plen = plen };
	struct ifaddr *a = &t->addrs[t->naddrs];
	struct ipaddr group;
	int err;

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
	err = route_add(st, &r);
	if (err == 0 && !ipaddr_is_v4(addr)) {
		/* RFC 4291 2.7.1: where questions about this address go. */
		group = nd_solicited_node(addr);
		err = mcast_add(st, nif, &group, false, now);
	}
	if (err != 0)
		return err;
	t->naddrs++;
	net_house_at(st, a->next_at);
	return 0;
}

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
	/* Rules 6 and 7, labels and temporary addresses: there are none. */
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
