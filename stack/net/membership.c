/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * membership.c - the multicast groups we are in, and when to report them.
 *
 * A change is reported at once and again within a second (robustness 2: RFC 3376 8.1,
 * RFC 3810 9.1); a query is answered at a random time within what it allows.  Source
 * filters are the sockets' own: towards routers we want a group from everybody or not at
 * all.  igmp.c and mld.c build the messages.
 */
#include "stack/net/net_priv.h"

#define ROBUSTNESS	     2
#define UNSOLICITED_INTERVAL NSEC_PER_SEC

static bool is_all_nodes(const struct ipaddr *group)
{
	static const struct ipaddr hosts4 = {
		.b = { [10] = 0xff, [11] = 0xff, [12] = 224, [15] = 1 }
	};
	static const struct ipaddr nodes6 = { .b = { 0xff, 0x02, [15] = 1 } };

	return ipaddr_equal(group, &hosts4) || ipaddr_equal(group, &nodes6);
}

/* RFC 3376 6, RFC 3810 6: all-nodes is never reported, nor what never leaves the host. */
static bool is_reported(const struct ipaddr *group)
{
	return !is_all_nodes(group) && (ipaddr_is_v4(group) || (group->b[1] & 0xf) > 1);
}

bool mcast_is_member(const struct stack *st, const struct netif *nif, const struct ipaddr *group)
{
	const struct mcast_group *g;

	if (is_all_nodes(group))
		return true;
	for (g = st->net.mcast; g < st->net.mcast + MCAST_MAX; g++)
		if (g->nif == nif && g->users > 0 && ipaddr_equal(&g->addr, group))
			return true;
	return false;
}

void mcast_mac(const struct ipaddr *group, uint8_t mac[6])
{
	const uint8_t *a = group->b + 12;

	if (ipaddr_is_v4(group)) {
		mac[0] = 0x01;
		mac[1] = 0x00;
		mac[2] = 0x5e;
		mac[3] = a[1] & 0x7f;
		memcpy(mac + 4, a + 2, 2);
	} else {
		mac[0] = mac[1] = 0x33;
		memcpy(mac + 2, a, 4);
	}
}

/* The entry of group, or with create one made for it; NULL if there is none. */
static struct mcast_group *group_find(struct stack *st, struct netif *nif,
				      const struct ipaddr *group, bool create)
{
	struct mcast_group *g, *unused = NULL;

	for (g = st->net.mcast; g < st->net.mcast + MCAST_MAX; g++) {
		if (g->nif == NULL)
			unused = unused != NULL ? unused : g;
		else if (g->nif == nif && ipaddr_equal(&g->addr, group))
			return g;
	}
	if (!create || unused == NULL)
		return NULL;
	memset(unused, 0, sizeof(*unused));
	unused->addr = *group;
	unused->report_at = unused->answer_at = UINT64_MAX;
	unused->nif = nif;
	return unused;
}

static void report_change(struct stack *st, struct mcast_group *g, uint64_t now)
{
	if (!is_reported(&g->addr))
		return;
	g->reports = ROBUSTNESS;
	g->report_at = now;
	net_house_at(st, now);
}

int mcast_add(struct stack *st, struct netif *nif, const struct ipaddr *group, bool asked,
	      uint64_t now)
{
	struct mcast_group *g = group_find(st, nif, group, true);

	if (g == NULL)
		return -ENOBUFS;
	if (g->users++ == 0 && (asked || !st->cfg.quiet_start))
		report_change(st, g, now);
	return 0;
}

/* One user less; when it was the last, routers are told. */
static int group_leave(struct stack *st, struct netif *nif, const struct ipaddr *group, bool quiet,
		       uint64_t now)
{
	struct mcast_group *g = group_find(st, nif, group, false);

	if (g == NULL || g->users == 0)
		return -EADDRNOTAVAIL;
	if (--g->users > 0)
		return 0;
	g->answer_at = UINT64_MAX;
	if (is_reported(group) && !quiet)
		report_change(st, g, now);
	else
		g->nif = NULL;
	return 0;
}

void mcast_drop(struct stack *st, struct netif *nif, const struct ipaddr *group, uint64_t now)
{
	(void)group_leave(st, nif, group, st->cfg.quiet_start, now);
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
	struct netif *nif;
	int err = group_netif(st, group, local, &nif, now);

	return err != 0 ? err : mcast_add(st, nif, group, true, now);
}

int ip_mcast_leave(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
		   uint64_t now)
{
	struct netif *nif;
	int err = group_netif(st, group, local, &nif, now);

	return err != 0 ? err : group_leave(st, nif, group, false, now);
}

void mcast_query(struct stack *st, const struct netif *nif, const struct ipaddr *group, bool v4,
		 uint64_t max_ns, uint64_t now)
{
	struct mcast_group *g;
	uint64_t at;

	for (g = st->net.mcast; g < st->net.mcast + MCAST_MAX; g++) {
		if (g->nif != nif || g->users == 0 || !is_reported(&g->addr) ||
		    ipaddr_is_v4(&g->addr) != v4)
			continue;
		if (!ipaddr_is_any(group) && !ipaddr_equal(group, &g->addr))
			continue;
		at = now + (uint64_t)stack_random(st) * max_ns / UINT32_MAX;
		if (at < g->answer_at)
			g->answer_at = at;
		net_house_at(st, g->answer_at);
	}
}

static void send_report(struct stack *st, const struct mcast_group *g, enum mcast_record type,
			uint64_t now)
{
	if (ipaddr_is_v4(&g->addr))
		igmp_send_report(st, g, type, now);
	else
		mld_send_report(st, g, type, now);
}

static void group_step(struct stack *st, struct mcast_group *g, uint64_t now)
{
	if (g->report_at <= now) {
		send_report(st, g, g->users > 0 ? MCAST_TO_EXCLUDE : MCAST_TO_INCLUDE, now);
		g->reports--;
		g->report_at = UINT64_MAX;
		if (g->reports > 0)
			g->report_at = now + 1 + stack_random(st) % UNSOLICITED_INTERVAL;
	}
	if (g->answer_at <= now) {
		g->answer_at = UINT64_MAX;
		send_report(st, g, MCAST_IS_EXCLUDE, now);
	}
	if (g->users == 0 && g->reports == 0)
		g->nif = NULL;
}

uint64_t mcast_step(struct stack *st, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	struct mcast_group *g;

	for (g = st->net.mcast; g < st->net.mcast + MCAST_MAX; g++) {
		if (g->nif == NULL)
			continue;
		group_step(st, g, now);
		if (g->nif != NULL)
			next = RTE_MIN(next, RTE_MIN(g->report_at, g->answer_at));
	}
	return next;
}
