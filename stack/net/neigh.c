/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * neigh.c - the neighbour cache, for IPv4 (asked by ARP) and IPv6 (by ND) alike.
 *
 * States and events (RFC 4861 7.3.2, as Linux applies them to ARP too):
 *
 *   none/FAILED --packet--> INCOMPLETE: ask all, 3 times 1 s apart; packets wait
 *   INCOMPLETE --answer--> REACHABLE, the waiting packets leave
 *   INCOMPLETE --no answer--> FAILED: the packets' transports hear EHOSTUNREACH
 *   REACHABLE --15..45 s without confirmation, then a packet--> DELAY
 *   DELAY --5 s--> PROBE: ask that one, 3 times 1 s apart --no answer--> FAILED
 *   any --answer to us, or progress of the upper layer (neigh_confirm)--> REACHABLE
 *   any --other news of its MAC--> STALE: used, and checked when used
 *
 * Cost: a packet to a resolved neighbour reads the first cache line of struct neigh,
 * compares, and copies the prebuilt header.  Only while n->valid_until lies ahead may it
 * do so; every other state goes through neigh_output_slow().  An idle neighbour has no
 * timer: REACHABLE ends by the clock, noticed by the next packet.
 *
 * Limits: NEIGH_MAX entries.  A new one replaces the least useful of a random sample;
 * a cached struct dst notices by comparing address and netif.  At most half of the
 * table may be INCOMPLETE, so that a scan cannot drive out the known.
 */
#include "stack/net/net_priv.h"

#define REACHABLE_TIME (30 * NSEC_PER_SEC) /* times 0.5 to 1.5 */
#define DELAY_TIME     (5 * NSEC_PER_SEC)
#define RETRANS_TIME   (1 * NSEC_PER_SEC)
#define MAX_PROBES     3
#define MAX_INCOMPLETE (NEIGH_MAX / 2)
#define VICTIM_SAMPLE  16
/* While a timer will decide, the header stays valid a little longer than the timer takes. */
#define TIMER_SLACK (10 * NSEC_PER_MSEC)

static_assert(offsetof(struct neigh, updated) <= 64, "sending reads one cache line of a neighbour");

int neigh_init(struct stack *st)
{
	return pool_init(&st->net.neigh.pool, &st->arena, sizeof(struct neigh), NEIGH_MAX);
}

static struct neigh **bucket_of(struct stack *st, const struct ipaddr *addr)
{
	uint32_t h = stack_hash(st, addr, sizeof(*addr), 0x6e656967);

	return &st->net.neigh.buckets[h % NEIGH_BUCKETS];
}

struct neigh *neigh_find(struct stack *st, const struct netif *nif, const struct ipaddr *addr)
{
	struct neigh *n;

	for (n = *bucket_of(st, addr); n != NULL; n = n->hash_next)
		if (ipaddr_equal(&n->addr, addr) && n->nif == nif)
			return n;
	return NULL;
}

static void set_state(struct stack *st, struct neigh *n, enum neigh_state state, uint64_t now)
{
	if (n->state == NEIGH_INCOMPLETE)
		st->net.neigh.incomplete--;
	if (state == NEIGH_INCOMPLETE)
		st->net.neigh.incomplete++;
	n->state = (uint8_t)state;
	n->updated = now;
	n->probes = 0;
	n->valid_until = 0;
}

static void drop_queue(struct neigh *n)
{
	while (n->nqueue > 0)
		rte_pktmbuf_free(n->queue[--n->nqueue]);
}

static void neigh_delete(struct stack *st, struct neigh *n, uint64_t now)
{
	struct neigh **p = bucket_of(st, &n->addr);

	while (*p != n)
		p = &(*p)->hash_next;
	*p = n->hash_next;
	timer_cancel(&st->wheel, &n->timer);
	drop_queue(n);
	set_state(st, n, NEIGH_FREE, now);
	/* A struct dst that still points here must not match. */
	memset(&n->addr, 0, sizeof(n->addr));
	pool_free(&st->net.neigh.pool, n);
}

/* The lower the sooner it may go; within a rank the older. */
static unsigned int usefulness(const struct neigh *n)
{
	switch (n->state) {
	case NEIGH_FREE:
	case NEIGH_FAILED:
		return 0;
	case NEIGH_PERMANENT:
		return 1;
	case NEIGH_STALE:
		return 2;
	case NEIGH_INCOMPLETE:
		return 3;
	default:
		return 4;
	}
}

static void evict_one(struct stack *st, uint64_t now)
{
	struct pool *pool = &st->net.neigh.pool;
	struct neigh *n, *victim = NULL;
	unsigned int i;

	for (i = 0; i < VICTIM_SAMPLE; i++) {
		n = pool_at(pool, stack_random(st) % pool->max);
		if (victim == NULL || usefulness(n) < usefulness(victim) ||
		    (usefulness(n) == usefulness(victim) && n->updated < victim->updated))
			victim = n;
	}
	neigh_delete(st, victim, now);
}

static struct neigh *neigh_create(struct stack *st, struct netif *nif, const struct ipaddr *addr,
				  uint64_t now)
{
	struct pool *pool = &st->net.neigh.pool;
	struct neigh *n, **bucket = bucket_of(st, addr);

	if (pool->used == pool->max) {
		MIB_INC(st, NEIGH_TABLE_FULL);
		evict_one(st, now);
	}
	n = pool_alloc(pool);
	n->addr = *addr;
	n->nif = nif;
	n->updated = now;
	timer_init(&n->timer, TIMER_NEIGH);
	n->hash_next = *bucket;
	*bucket = n;
	return n;
}

static void set_mac(struct neigh *n, const uint8_t mac[6])
{
	n->hdr_len = eth_header_build(n->hdr, n->nif, mac,
				      ipaddr_is_v4(&n->addr) ? RTE_ETHER_TYPE_IPV4 :
							       RTE_ETHER_TYPE_IPV6);
}

static int transmit(struct stack *st, const struct neigh *n, struct rte_mbuf *m, uint64_t now)
{
	char *p = pkt_push(st, m, n->hdr_len);

	if (p == NULL)
		return -ENOBUFS;
	memcpy(p, n->hdr, n->hdr_len);
	stack_tx(st, n->nif, m, now);
	return 0;
}

/* 15 to 45 s, so that hosts do not probe in step (RFC 4861 6.3.2). */
static void set_reachable(struct stack *st, struct neigh *n, uint64_t now)
{
	uint64_t base = REACHABLE_TIME;

	if (!ipaddr_is_v4(&n->addr) && st->net.nd_reachable[netif_index(st, n->nif)] != 0)
		base = st->net.nd_reachable[netif_index(st, n->nif)];
	timer_cancel(&st->wheel, &n->timer);
	set_state(st, n, NEIGH_REACHABLE, now);
	n->valid_until = now + base / 2 + (uint64_t)stack_random(st) * base / UINT32_MAX;
}

static void release_queue(struct stack *st, struct neigh *n, uint64_t now)
{
	struct rte_mbuf *queue[NEIGH_QUEUE];
	unsigned int i, count = n->nqueue;

	memcpy(queue, n->queue, count * sizeof(queue[0]));
	n->nqueue = 0;
	for (i = 0; i < count; i++)
		transmit(st, n, queue[i], now);
}

/* Between two questions: IPv6's a router may set (RFC 4861 6.3.4). */
static uint64_t retrans_time(const struct stack *st, const struct neigh *n)
{
	uint64_t advertised = st->net.nd_retrans[netif_index(st, n->nif)];

	return !ipaddr_is_v4(&n->addr) && advertised != 0 ? advertised : RETRANS_TIME;
}

/* -- asking ----------------------------------------------------------------------------- */

/*
 * Whose question it is: the address that the first waiting packet comes from (RFC 4861 7.2.2, and
 * ARP as Linux), for a probe the link-local one (Linux), else whichever suits the neighbour.
 */
static const struct ifaddr *ask_as(struct stack *st, const struct neigh *n, uint64_t now)
{
	const struct ifaddr *mine = NULL;
	struct ipaddr src;
	const uint8_t *ip;
	uint32_t v4;

	if (n->nqueue > 0 && ipaddr_is_v4(&n->addr)) {
		ip = rte_pktmbuf_mtod(n->queue[0], const uint8_t *);
		memcpy(&v4, ip + offsetof(struct rte_ipv4_hdr, src_addr), sizeof(v4));
		src = ipaddr_from_v4(v4);
		mine = ifaddr_find(st, &src);
	} else if (n->nqueue > 0) {
		ip = rte_pktmbuf_mtod(n->queue[0], const uint8_t *);
		memcpy(src.b, ip + offsetof(struct rte_ipv6_hdr, src_addr), sizeof(src.b));
		mine = ifaddr_find(st, &src);
	} else if (!ipaddr_is_v4(&n->addr)) {
		src = nd_link_local(n->nif);
		mine = ifaddr_find(st, &src);
	}
	return mine != NULL && mine->nif == n->nif ? mine :
						     ifaddr_select(st, n->nif, &n->addr, now);
}

static void ask(struct stack *st, struct neigh *n, uint64_t now)
{
	const uint8_t *mac = n->state == NEIGH_PROBE ? n->hdr : NULL;
	const struct ifaddr *src = ask_as(st, n, now);

	n->probes++;
	timer_arm(&st->wheel, &n->timer, now + retrans_time(st, n));
	if (src == NULL)
		return;
	if (ipaddr_is_v4(&n->addr))
		arp_send_request(st, n->nif, ipaddr_to_v4(&n->addr), ipaddr_to_v4(&src->addr), mac,
				 now);
	else
		nd_send_ns(st, n->nif, &n->addr, &src->addr, mac, now);
}

static void neigh_fail(struct stack *st, struct neigh *n, uint64_t now)
{
	struct rte_mbuf *queue[NEIGH_QUEUE];
	unsigned int i, count = n->nqueue;

	MIB_INC(st, NEIGH_FAILED);
	set_state(st, n, NEIGH_FAILED, now);
	/* Who sends through a gateway that is dead looks for another (RFC 4861 7.2.2). */
	if (n->router || route_has_gateway(st, n->nif, &n->addr))
		route_changed(st);
	/* Taken off first: a transport may answer with another packet to the same neighbour. */
	memcpy(queue, n->queue, count * sizeof(queue[0]));
	n->nqueue = 0;
	for (i = 0; i < count; i++) {
		icmp_local_unreach(st, queue[i], now);
		rte_pktmbuf_free(queue[i]);
	}
}

void neigh_timer_fire(struct stack *st, struct timer *t, uint64_t now)
{
	struct neigh *n = container_of(t, struct neigh, timer);

	if (n->state == NEIGH_DELAY)
		set_state(st, n, NEIGH_PROBE, now);
	else if (n->state != NEIGH_INCOMPLETE && n->state != NEIGH_PROBE)
		return;
	if (n->probes >= MAX_PROBES) {
		neigh_fail(st, n, now);
		return;
	}
	ask(st, n, now);
	if (n->state == NEIGH_PROBE)
		n->valid_until = now + retrans_time(st, n) + TIMER_SLACK;
}

/* -- learning ----------------------------------------------------------------------------- */

void neigh_learn(struct stack *st, struct netif *nif, const struct ipaddr *addr,
		 const uint8_t mac[6], unsigned int how, uint64_t now)
{
	struct neigh *n = neigh_find(st, nif, addr);
	bool known, same;

	if (n == NULL) {
		if ((how & NEIGH_LEARN_CREATE) == 0)
			return;
		n = neigh_create(st, nif, addr, now);
	}
	if (n->state == NEIGH_PERMANENT)
		return;
	known = n->state >= NEIGH_REACHABLE && n->state <= NEIGH_PROBE;
	same = known && memcmp(n->hdr, mac, 6) == 0;
	/* RFC 4861 7.2.5: an answer without override that disagrees makes us doubt, no more. */
	if (known && !same && (how & NEIGH_LEARN_OVERRIDE) == 0) {
		if (n->state == NEIGH_REACHABLE)
			set_state(st, n, NEIGH_STALE, now);
		return;
	}
	if (!same)
		set_mac(n, mac);
	if ((how & NEIGH_LEARN_SOLICITED) != 0) {
		set_reachable(st, n, now);
	} else if (!same) {
		timer_cancel(&st->wheel, &n->timer);
		set_state(st, n, NEIGH_STALE, now);
	}
	release_queue(st, n, now);
}

void neigh_confirm(struct stack *st, struct dst *d, uint64_t now)
{
	struct neigh *n = d->neigh;

	if (!neigh_is(n, d) || n->state < NEIGH_REACHABLE || n->state > NEIGH_PROBE)
		return;
	/* Called for every ACK: leave the line alone while there is time. */
	if (n->state == NEIGH_REACHABLE && n->valid_until > now + REACHABLE_TIME / 4)
		return;
	set_reachable(st, n, now);
}

/* -- sending ------------------------------------------------------------------------------- */

/* Multicast and broadcast addresses are computed, not asked for. */
static void make_permanent(struct stack *st, struct neigh *n, bool broadcast, uint64_t now)
{
	uint8_t mac[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (!broadcast)
		mcast_mac(&n->addr, mac);
	set_mac(n, mac);
	set_state(st, n, NEIGH_PERMANENT, now);
	n->valid_until = UINT64_MAX;
}

/*
 * A packet waits until its neighbour answers; the oldest makes room.  It may wait for
 * seconds while TCP, that has a reference, sends it again with another header: a copy.
 */
static int enqueue(struct stack *st, struct neigh *n, struct rte_mbuf *m)
{
	m = pkt_unshare(st, m);
	if (m == NULL)
		return -ENOBUFS;
	if (n->nqueue == NEIGH_QUEUE) {
		MIB_INC(st, NEIGH_DROP_QUEUE);
		rte_pktmbuf_free(n->queue[0]);
		n->nqueue--;
		memmove(&n->queue[0], &n->queue[1], n->nqueue * sizeof(n->queue[0]));
	}
	n->queue[n->nqueue] = m;
	n->nqueue++;
	return 0;
}

static int resolve(struct stack *st, struct neigh *n, struct rte_mbuf *m, uint64_t now)
{
	int err;

	if (n->state == NEIGH_INCOMPLETE)
		return enqueue(st, n, m);
	if (st->net.neigh.incomplete >= MAX_INCOMPLETE) {
		MIB_INC(st, NEIGH_TABLE_FULL);
		rte_pktmbuf_free(m);
		return -ENOBUFS;
	}
	set_state(st, n, NEIGH_INCOMPLETE, now);
	err = enqueue(st, n, m);
	ask(st, n, now);
	return err;
}

int neigh_output_slow(struct stack *st, struct dst *d, struct rte_mbuf *m, uint64_t now)
{
	struct neigh *n = d->neigh;

	if (!neigh_is(n, d)) {
		n = neigh_find(st, d->nif, &d->nexthop);
		if (n == NULL)
			n = neigh_create(st, d->nif, &d->nexthop, now);
		d->neigh = n;
	}
	if (n->state == NEIGH_FREE && (d->broadcast || d->multicast))
		make_permanent(st, n, d->broadcast, now);
	switch ((enum neigh_state)n->state) {
	case NEIGH_REACHABLE:
		if (now < n->valid_until)
			break;
		/* fallthrough */
	case NEIGH_STALE:
		set_state(st, n, NEIGH_DELAY, now);
		timer_arm(&st->wheel, &n->timer, now + DELAY_TIME);
		n->valid_until = now + DELAY_TIME + TIMER_SLACK;
		break;
	case NEIGH_DELAY:
	case NEIGH_PROBE:
	case NEIGH_PERMANENT:
		break;
	case NEIGH_FREE:
	case NEIGH_INCOMPLETE:
	case NEIGH_FAILED:
		return resolve(st, n, m, now);
	}
	return transmit(st, n, m, now);
}

/* -- recovery -------------------------------------------------------------------------------- */

/*
 * What is half-way between two states starts again: whatever waited for an answer is
 * asked for by the next packet.
 */
void neigh_recover(struct stack *st)
{
	struct neigh_table *t = &st->net.neigh;
	struct neigh *n, **bucket;
	uint32_t i;

	memset(t->buckets, 0, sizeof(t->buckets));
	t->incomplete = 0;
	pool_for_each(&t->pool, i, n) {
		timer_init(&n->timer, TIMER_NEIGH);
		n->nqueue = 0;
		n->probes = 0;
		n->valid_until = 0;
		if (n->nif == NULL || ipaddr_is_any(&n->addr)) {
			memset(&n->addr, 0, sizeof(n->addr));
			t->pool.live[i] = 0;
			continue;
		}
		if (n->state >= NEIGH_REACHABLE && n->state <= NEIGH_PROBE)
			n->state = NEIGH_STALE;
		else
			n->state = NEIGH_FREE;
		bucket = bucket_of(st, &n->addr);
		n->hash_next = *bucket;
		*bucket = n;
	}
	pool_rebuild(&t->pool);
}
