/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * membership.c - the multicast groups we are in, and when to report them.
 *
 * A change is reported at once and again within a second (robustness 2: RFC 3376 8.1,
 * RFC 3810 9.1); a query is answered at a random time within what it allows.  stack/inet/
 * merges what its sockets want of a group into one filter; here it is compared with the last
 * one, and routers hear of the difference.  igmp.c and mld.c build the messages.
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

static struct mcast_state *state_of(struct stack *st, const struct mcast_group *g)
{
	return &st->net.mcast_state[g - st->net.mcast];
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
	memset(state_of(st, unused), 0, sizeof(struct mcast_state));
	state_of(st, unused)->filter.include = true; /* from nobody: as if it did not exist */
	unused->addr = *group;
	unused->report_at = unused->answer_at = UINT64_MAX;
	unused->nif = nif;
	return unused;
}

/* From now on f; what is new is reported unless quiet.  RFC 3376 5.1's table. */
static void filter_change(struct stack *st, struct mcast_group *g, const struct mcast_filter *f,
			  bool quiet, uint64_t now)
{
	struct mcast_state *s = state_of(st, g);
	struct mcast_filter more, less;

	mcfilter_minus(&more, f, &s->filter);
	mcfilter_minus(&less, &s->filter, f);
	if (f->include == s->filter.include && more.n == 0 && less.n == 0)
		return;
	/* A change of mode that routers have not heard twice swallows what comes after it. */
	s->mode_changed = f->include != s->filter.include || (s->mode_changed && g->reports > 0);
	s->allow = f->include ? more : less;
	s->block = f->include ? less : more;
	s->filter = *f;
	if (quiet || !is_reported(&g->addr))
		return;
	g->reports = ROBUSTNESS;
	g->report_at = now;
	net_house_at(st, now);
}

static const struct mcast_filter everybody, nobody = { .include = true };

static int group_join(struct stack *st, struct netif *nif, const struct ipaddr *group,
		      const struct mcast_filter *f, bool quiet, uint64_t now)
{
	struct mcast_group *g = group_find(st, nif, group, true);

	if (g == NULL)
		return -ENOBUFS;
	g->users++;
	filter_change(st, g, f, quiet, now);
	return 0;
}

int mcast_add(struct stack *st, struct netif *nif, const struct ipaddr *group, bool asked,
	      uint64_t now)
{
	return group_join(st, nif, group, &everybody, !asked && st->cfg.quiet_start, now);
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
	filter_change(st, g, &nobody, quiet, now);
	if (quiet || !is_reported(group))
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

int ip_mcast_join_filtered(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
			   const struct mcast_filter *f, uint64_t now)
{
	struct netif *nif;
	int err = group_netif(st, group, local, &nif, now);

	return err != 0 ? err : group_join(st, nif, group, f, false, now);
}

int ip_mcast_join(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
		  uint64_t now)
{
	return ip_mcast_join_filtered(st, group, local, &everybody, now);
}

void ip_mcast_set_filter(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
			 const struct mcast_filter *f, uint64_t now)
{
	struct mcast_group *g;
	struct netif *nif;

	if (group_netif(st, group, local, &nif, now) != 0)
		return;
	g = group_find(st, nif, group, false);
	if (g != NULL && g->users > 0)
		filter_change(st, g, f, false, now);
}

int ip_mcast_leave(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
		   uint64_t now)
{
	struct netif *nif;
	int err = group_netif(st, group, local, &nif, now);

	return err != 0 ? err : group_leave(st, nif, group, false, now);
}

/*
 * RFC 3376 5.2: sources add up while an answer to such a query waits; without sources, or
 * with too many, all is told.
 */
static void note_asked(struct mcast_state *s, const struct mcast_filter *sources, bool pending)
{
	unsigned int i;

	if (!pending)
		s->asked = *sources;
	else if (s->asked.n > 0 && sources->n == 0)
		s->asked.n = 0;
	else if (s->asked.n > 0)
		for (i = 0; i < sources->n; i++)
			if (!mcfilter_add(&s->asked, &sources->sources[i])) {
				s->asked.n = 0;
				return;
			}
}

void mcast_query(struct stack *st, const struct netif *nif, const struct ipaddr *group,
		 const struct mcast_filter *sources, bool v4, uint64_t max_ns, uint64_t now)
{
	struct mcast_group *g;
	uint64_t at;

	for (g = st->net.mcast; g < st->net.mcast + MCAST_MAX; g++) {
		if (g->nif != nif || g->users == 0 || !is_reported(&g->addr) ||
		    ipaddr_is_v4(&g->addr) != v4)
			continue;
		if (!ipaddr_is_any(group) && !ipaddr_equal(group, &g->addr))
			continue;
		note_asked(state_of(st, g), sources, g->answer_at != UINT64_MAX);
		at = now + (uint64_t)stack_random(st) * max_ns / UINT32_MAX;
		if (at < g->answer_at)
			g->answer_at = at;
		net_house_at(st, g->answer_at);
	}
}

static void send_report(struct stack *st, const struct mcast_group *g, enum mcast_record type,
			const struct mcast_filter *sources, uint64_t now)
{
	struct mcast_report r = { .nif = g->nif, .group = &g->addr, .sources = sources,
				  .type = type, .left = g->users == 0 };

	if (ipaddr_is_v4(&g->addr))
		igmp_send_report(st, &r, now);
	else
		mld_send_report(st, &r, now);
}

static void send_change(struct stack *st, const struct mcast_group *g, uint64_t now)
{
	struct mcast_state *s = state_of(st, g);

	if (s->mode_changed) {
		send_report(st, g, s->filter.include ? MCAST_TO_INCLUDE : MCAST_TO_EXCLUDE,
			    &s->filter, now);
		return;
	}
	if (s->allow.n > 0)
		send_report(st, g, MCAST_ALLOW, &s->allow, now);
	if (s->block.n > 0)
		send_report(st, g, MCAST_BLOCK, &s->block, now);
}

/* RFC 3376 5.2, step 5: of the sources asked for those that are wanted; or all that there is. */
static void send_answer(struct stack *st, const struct mcast_group *g, uint64_t now)
{
	struct mcast_state *s = state_of(st, g);
	struct mcast_filter wanted;

	if (s->asked.n == 0) {
		send_report(st, g, s->filter.include ? MCAST_IS_INCLUDE : MCAST_IS_EXCLUDE,
			    &s->filter, now);
		return;
	}
	if (s->filter.include)
		mcfilter_common(&wanted, &s->asked, &s->filter);
	else
		mcfilter_minus(&wanted, &s->asked, &s->filter);
	if (wanted.n > 0)
		send_report(st, g, MCAST_IS_INCLUDE, &wanted, now);
}

static void group_step(struct stack *st, struct mcast_group *g, uint64_t now)
{
	if (g->report_at <= now) {
		send_change(st, g, now);
		g->reports--;
		g->report_at = UINT64_MAX;
		if (g->reports > 0)
			g->report_at = now + 1 + stack_random(st) % UNSOLICITED_INTERVAL;
		else
			state_of(st, g)->mode_changed = false;
	}
	if (g->answer_at <= now) {
		g->answer_at = UINT64_MAX;
		send_answer(st, g, now);
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
