/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mcast.c - a socket's multicast memberships and source filters.
 *
 * The network layer counts which groups the host wants on which link (ip_mcast_join());
 * here is which socket wants what, and from whom (RFC 3376 2, RFC 3810 4).
 */
#include "stack/inet/mcast.h"

#include <errno.h>
#include <string.h>

/* The link that a call means: by index, by one of our addresses, or by route. */
static int find_link(struct stack *st, const struct ipaddr *group, uint32_t *ifindex,
		     struct ipaddr *local, uint64_t now)
{
	bool v4 = ipaddr_is_v4(group);
	struct dst d;

	if (*ifindex == 0 && !ipaddr_is_any(local)) {
		*ifindex = inet_ifindex_of_addr(st, local);
		return *ifindex != 0 ? 0 : -ENODEV;
	}
	if (*ifindex == 0) {
		if (route_lookup(st, group, NULL, &d, now) < 0)
			return -ENODEV;
		*ifindex = inet_ifindex(st, d.nif);
	}
	if (inet_netif(st, *ifindex) == NULL || !inet_addr_of(st, *ifindex, v4, local))
		return -ENODEV;
	return 0;
}

/* ifindex 0 and local any: the first that matches, as ip_mc_leave_group(). */
static struct mc_member **find_member(struct stack *st, struct inet_sock *isk,
				      const struct ipaddr *group, uint32_t ifindex,
				      const struct ipaddr *local)
{
	struct mc_member **p;

	if (ifindex == 0 && !ipaddr_is_any(local)) {
		ifindex = inet_ifindex_of_addr(st, local);
		if (ifindex == 0)
			return NULL;
	}
	for (p = &isk->mc_list; *p != NULL; p = &(*p)->next)
		if (ipaddr_equal(&(*p)->group, group) && (ifindex == 0 || (*p)->ifindex == ifindex))
			return p;
	return NULL;
}

static int source_find(const struct mc_member *mc, const struct ipaddr *source)
{
	int i;

	for (i = 0; i < mc->nsources; i++)
		if (ipaddr_equal(&mc->sources[i], source))
			return i;
	return -1;
}

/* -- what all sockets together want of a group on a link: RFC 3376 3.2 ------------------------ */

static bool concerns(const struct mc_member *mc, const struct mc_member *like)
{
	return mc->owner != NULL && mc->ifindex == like->ifindex &&
	       ipaddr_equal(&mc->group, &like->group);
}

/* Is source blocked by every member that blocks, and let in by none that chooses? */
static bool blocked_by_all(struct stack *st, const struct mc_member *like,
			   const struct ipaddr *source)
{
	const struct mc_member *mc;
	uint32_t i;

	pool_for_each(&st->inet.mc_members, i, mc)
		if (concerns(mc, like) && mc->include == (source_find(mc, source) >= 0))
			return false;
	return true;
}

/* More sources than a filter holds: then from everybody, which the sockets sort out themselves. */
static void merge(struct stack *st, const struct mc_member *like, struct mcast_filter *f)
{
	const struct mc_member *mc, *exclude = NULL;
	uint32_t i;
	int k;

	f->include = true;
	f->n = 0;
	pool_for_each(&st->inet.mc_members, i, mc)
		if (concerns(mc, like) && !mc->include)
			exclude = mc;
	if (exclude != NULL) {
		f->include = false;
		for (k = 0; k < exclude->nsources; k++)
			if (blocked_by_all(st, like, &exclude->sources[k]) &&
			    !mcfilter_add(f, &exclude->sources[k]))
				break;
		return;
	}
	pool_for_each(&st->inet.mc_members, i, mc) {
		for (k = 0; concerns(mc, like) && k < mc->nsources; k++) {
			if (!mcfilter_add(f, &mc->sources[k])) {
				f->include = false;
				f->n = 0;
				return;
			}
		}
	}
}

static void filter_changed(struct stack *st, const struct mc_member *mc, uint64_t now)
{
	struct mcast_filter f;

	merge(st, mc, &f);
	ip_mcast_set_filter(st, &mc->group, &mc->local, &f, now);
}

/* source NULL: from everybody */
static int member_add(struct stack *st, struct inet_sock *isk, const struct ipaddr *group,
		      uint32_t ifindex, const struct ipaddr *local, const struct ipaddr *source,
		      uint64_t now)
{
	struct mcast_filter filter;
	struct ipaddr addr = *local;
	struct mc_member *mc;
	unsigned int n = 0;
	int err;

	if (!ipaddr_is_multicast(group))
		return -EINVAL;
	err = find_link(st, group, &ifindex, &addr, now);
	if (err < 0)
		return err;
	for (mc = isk->mc_list; mc != NULL; mc = mc->next, n++)
		if (ipaddr_equal(&mc->group, group) && mc->ifindex == ifindex)
			return -EADDRINUSE;
	if (n >= MCAST_PER_SOCKET)
		return -ENOBUFS;
	mc = pool_alloc(&st->inet.mc_members);
	if (mc == NULL)
		return -ENOBUFS;
	mc->owner = isk;
	mc->group = *group;
	mc->local = addr;
	mc->ifindex = ifindex;
	if (source != NULL) {
		mc->include = true;
		mc->sources[mc->nsources++] = *source;
	}
	merge(st, mc, &filter);
	err = ip_mcast_join_filtered(st, group, &addr, &filter, now);
	if (err < 0) {
		mc->owner = NULL;
		pool_free(&st->inet.mc_members, mc);
		return err;
	}
	mc->next = isk->mc_list;
	isk->mc_list = mc;
	return 0;
}

static void member_remove(struct stack *st, struct mc_member **p, uint64_t now)
{
	struct mc_member *mc = *p;

	*p = mc->next;
	mc->owner = NULL;
	ip_mcast_leave(st, &mc->group, &mc->local, now);
	filter_changed(st, mc, now);
	pool_free(&st->inet.mc_members, mc);
}

int mcast_join(struct stack *st, struct inet_sock *isk, const struct ipaddr *group,
	       uint32_t ifindex, const struct ipaddr *local, uint64_t now)
{
	return member_add(st, isk, group, ifindex, local, NULL, now);
}

int mcast_leave(struct stack *st, struct inet_sock *isk, const struct ipaddr *group,
		uint32_t ifindex, const struct ipaddr *local, uint64_t now)
{
	struct mc_member **p = find_member(st, isk, group, ifindex, local);
	struct ipaddr addr = *local;

	if (p == NULL)
		return ifindex == 0 && ipaddr_is_any(local) &&
				       find_link(st, group, &ifindex, &addr, now) < 0 ?
			       -ENODEV :
			       -EADDRNOTAVAIL;
	member_remove(st, p, now);
	return 0;
}

void mcast_leave_all(struct stack *st, struct inet_sock *isk, uint64_t now)
{
	while (isk->mc_list != NULL)
		member_remove(st, &isk->mc_list, now);
}

/* -- sources --------------------------------------------------------------------------------- */

static int source_add(struct mc_member *mc, const struct ipaddr *source)
{
	if (source_find(mc, source) >= 0)
		return -EADDRNOTAVAIL;
	if (mc->nsources == MCAST_SOURCES_MAX)
		return -ENOBUFS;
	mc->sources[mc->nsources++] = *source;
	return 0;
}

static int source_del(struct mc_member *mc, const struct ipaddr *source)
{
	int i = source_find(mc, source);

	if (i < 0)
		return -EADDRNOTAVAIL;
	mc->sources[i] = mc->sources[--mc->nsources];
	return 0;
}

int mcast_source(struct stack *st, struct inet_sock *isk, enum mcast_source_op op,
		 const struct ipaddr *group, const struct ipaddr *source, uint32_t ifindex,
		 const struct ipaddr *local, uint64_t now)
{
	bool include = op == MCAST_SOURCE_JOIN || op == MCAST_SOURCE_LEAVE;
	struct mc_member **p, *mc;
	int err;

	if (!ipaddr_is_multicast(group))
		return -EINVAL;
	p = find_member(st, isk, group, ifindex, local);
	if (p == NULL && op == MCAST_SOURCE_JOIN)
		return member_add(st, isk, group, ifindex, local, source, now);
	if (p == NULL)
		return -EINVAL;
	mc = *p;
	/* A filter has one mode: it changes only while it is empty. */
	if (mc->include != include) {
		if (mc->nsources > 0 || mc->include)
			return -EINVAL;
		mc->include = include;
	}
	if (op == MCAST_SOURCE_JOIN || op == MCAST_SOURCE_BLOCK)
		err = source_add(mc, source);
	else
		err = source_del(mc, source);
	/* The last source of an include filter: the group is left. */
	if (err == 0 && op == MCAST_SOURCE_LEAVE && mc->nsources == 0)
		member_remove(st, p, now);
	else if (err == 0)
		filter_changed(st, mc, now);
	return err;
}

/* As ip_mc_sf_allow(). */
bool mcast_allows(const struct inet_sock *isk, const struct ipaddr *group,
		  const struct ipaddr *src, uint32_t ifindex)
{
	const struct mc_member *mc;

	for (mc = isk->mc_list; mc != NULL; mc = mc->next)
		if (mc->ifindex == ifindex && ipaddr_equal(&mc->group, group))
			return (source_find(mc, src) >= 0) == mc->include;
	/* Not a member: IP_MULTICAST_ALL decides whether others' memberships do. */
	return ipaddr_is_v4(group) ? isk->mc_all : isk->in6.mc_all;
}

/* -- recovery ------------------------------------------------------------------------------- */

void mcast_recover(struct stack *st)
{
	struct pool *pool = &st->inet.mc_members;
	struct mc_member *mc;
	uint32_t i;

	/* udp_recover() and raw_recover() have emptied their socks' lists. */
	pool_for_each(pool, i, mc) {
		if (mc->owner == NULL || mc->owner->sk.socket == NULL ||
		    mc->owner->sk.socket->sk != &mc->owner->sk) {
			pool->live[i] = 0;
			continue;
		}
		mc->next = mc->owner->mc_list;
		mc->owner->mc_list = mc;
	}
	pool_rebuild(pool);
}
