/* SPDX-License-Identifier: BSD-3-Clause */
/* inet.c - the socket layer's tables: set up, rebuild after a crash, enumerate packets. */
#include <errno.h>

#include "stack/inet/filter.h"
#include "stack/inet/inet_priv.h"
#include "stack/inet/mcast.h"
#include "stack/inet/raw.h"
#include "stack/inet/udp.h"

#define INET_ALIGN 64
#define INET_SALT 0x696e6574

static uint32_t udp_buckets(const struct stack_config *cfg)
{
	uint32_t n = 256;

	while (n < cfg->max_sockets && n < 65536)
		n <<= 1;
	return n;
}

size_t inet_footprint(const struct stack_config *cfg)
{
	return PORT_SPACES * 65536 * sizeof(struct port_slot) + PORT_COUNTERS * sizeof(uint16_t) +
	       udp_buckets(cfg) * sizeof(struct inet_sock *) +
	       pool_footprint(sizeof(struct udp_sock), cfg->max_sockets) +
	       pool_footprint(sizeof(struct raw_sock), cfg->max_sockets) +
	       pool_footprint(sizeof(struct mc_member), MCAST_MEMBERS_MAX) +
	       pool_footprint(sizeof(struct filter), FILTERS_MAX) + 16 * INET_ALIGN;
}

int inet_init(struct stack *st, uint64_t now)
{
	struct inet_tables *t = &st->inet;
	struct arena *a = &st->arena;
	unsigned int i;
	int err;

	(void)now;
	for (i = 0; i < PORT_SPACES; i++) {
		t->ports[i] = arena_alloc(a, 65536 * sizeof(struct port_slot), INET_ALIGN);
		if (t->ports[i] == NULL)
			return -ENOMEM;
	}
	t->port_counters = arena_alloc(a, PORT_COUNTERS * sizeof(uint16_t), INET_ALIGN);
	t->udp_mask = udp_buckets(&st->cfg) - 1;
	for (i = 0; i < 2; i++)
		t->udp_key[i] = stack_prf(st, &i, sizeof(i), INET_SALT);
	t->udp_hash2 = arena_alloc(a, (t->udp_mask + 1) * sizeof(struct inet_sock *), INET_ALIGN);
	if (t->port_counters == NULL || t->udp_hash2 == NULL)
		return -ENOMEM;
	err = pool_init(&t->udp_socks, a, sizeof(struct udp_sock), st->cfg.max_sockets);
	if (err == 0)
		err = pool_init(&t->raw_socks, a, sizeof(struct raw_sock), st->cfg.max_sockets);
	if (err == 0)
		err = pool_init(&t->mc_members, a, sizeof(struct mc_member), MCAST_MEMBERS_MAX);
	if (err == 0)
		err = pool_init(&t->filters, a, sizeof(struct filter), FILTERS_MAX);
	return err;
}

void inet_recover(struct stack *st, uint64_t now)
{
	(void)now;
	ports_clear(st);
	udp_recover(st);
	raw_recover(st);
	/* Their socks that were half released are gone; those of TCP are released after it. */
	filter_recover(st);
	mcast_recover(st);
}

void inet_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	udp_for_each_mbuf(st, fn, arg);
	raw_for_each_mbuf(st, fn, arg);
}

/* Datagrams in a receive queue want nothing but a reader; nothing is driven by time. */
bool inet_is_quiescent(const struct stack *st)
{
	(void)st;
	return true;
}

/* -- netifs as programs see them ------------------------------------------------------------------ */

/* Of the netif with a number. */
static uint32_t ifindex_of(const struct stack *st, uint32_t i)
{
	return st->cfg.netifs[i]->ifindex != 0 ? st->cfg.netifs[i]->ifindex : i + 1;
}

struct netif *inet_netif(const struct stack *st, uint32_t ifindex)
{
	uint32_t i;

	for (i = 0; i < st->cfg.nnetifs; i++)
		if (ifindex_of(st, i) == ifindex)
			return st->cfg.netifs[i];
	return NULL;
}

uint32_t inet_ifindex(const struct stack *st, const struct netif *nif)
{
	uint32_t i;

	for (i = 0; i < st->cfg.nnetifs; i++)
		if (st->cfg.netifs[i] == nif)
			return ifindex_of(st, i);
	return 0;
}

bool inet_addr_of(const struct stack *st, uint32_t ifindex, bool v4, struct ipaddr *out)
{
	const struct netif *nif = inet_netif(st, ifindex);

	if (ifindex != 0 && nif == NULL)
		return false;
	return ip_addr_of_link(st, nif, v4, out);
}

uint32_t inet_ifindex_of_addr(const struct stack *st, const struct ipaddr *addr)
{
	const struct netif *nif = ip_addr_link(st, addr);

	return nif != NULL ? inet_ifindex(st, nif) : 0;
}
