/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * membership.c - the multicast groups we are in.
 */
#include "stack/net/net_priv.h"

bool mcast_is_member(const struct stack *st, const struct netif *nif, const struct ipaddr *group)
{
	static const struct ipaddr all_hosts4 = { .b = { [10] = 0xff, [11] = 0xff, [12] = 224, [15] = 1 } };
	static const struct ipaddr all_nodes6 = { .b = { 0xff, 0x02, [15] = 1 } };
	const struct mcast_group *g;

	if (ipaddr_equal(group, &all_hosts4) || ipaddr_equal(group, &all_nodes6))
		return true;
	for (g = st->net.mcast; g < st->net.mcast + MCAST_MAX; g++)
		if (g->users > 0 && g->nif == nif && ipaddr_equal(&g->addr, group))
			return true;
	return false;
}

static struct mcast_group *group_find(struct stack *st, const struct netif *nif,
				      const struct ipaddr *group)
{
	struct mcast_group *g, *unused = NULL;

	for (g = st->net.mcast; g < st->net.mcast + MCAST_MAX; g++) {
		if (g->users == 0)
			unused = unused != NULL ? unused : g;
		else if (g->nif == nif && ipaddr_equal(&g->addr, group))
			return g;
	}
	return unused;
}

static int group_netif(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
		       struct netif **nif, uint64_t now)
{
	struct dst d;

	if (!ipaddr_is_multicast(group))
		return -EINVAL;
	if (route_lookup(st, group, local, &d, now) != 0)
		return -ENODEV;
	*nif = d.nif;
	return 0;
}

int ip_mcast_join(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
		  uint64_t now)
{
	struct mcast_group *g;
	struct netif *nif;
	int err = group_netif(st, group, local, &nif, now);

	if (err != 0)
		return err;
	g = group_find(st, nif, group);
	if (g == NULL)
		return -ENOBUFS;
	if (g->users == 0) {
		g->addr = *group;
		g->nif = nif;
	}
	g->users++;
	return 0;
}

int ip_mcast_leave(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
		   uint64_t now)
{
	struct mcast_group *g;
	struct netif *nif;
	int err = group_netif(st, group, local, &nif, now);

	if (err != 0)
		return err;
	g = group_find(st, nif, group);
	if (g == NULL || g->users == 0)
		return -EADDRNOTAVAIL;
	g->users--;
	return 0;
}
