/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack.c - a stack's life: create, poll, flush, report.
 *
 * One round of stack_poll(): what we sent to ourselves, one burst from each link, the
 * timers that are due, TCP's one pass of output decisions over the sockets that all of
 * this touched, and one transmit burst per link.
 */
#include "stack/stack.h"

#include <errno.h>
#include <string.h>

#include "stack/core/stack_priv.h"
#include "stack/inet/sock.h"

#define STACK_ALIGN    4096
#define STACK_MIN_MTU  576  /* RFC 791: every host accepts that much */
#define STACK_MIN_MTU6 1280 /* RFC 8200 5 */
/* A handshake takes three, the end of both directions four. */
#define LOOP_ROUNDS 16

void stack_config_defaults(struct stack_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->max_sockets = 1024;
	/* Linux's tcp_rmem and tcp_wmem. */
	cfg->rmem[0] = 4096;
	cfg->rmem[1] = 131072;
	cfg->rmem[2] = 6291456;
	cfg->wmem[0] = 4096;
	cfg->wmem[1] = 16384;
	cfg->wmem[2] = 4194304;
	cfg->time_wait_ns = 60ull * 1000000000;
	strcpy(cfg->cc, "cubic");
	cfg->syncookies = 1;
}

static bool plen_is_valid(const struct ipaddr *addr, unsigned int plen)
{
	return plen <= (ipaddr_is_v4(addr) ? 32 : 128);
}

static bool addr_is_valid(const struct stack_config *cfg, const struct stack_addr *a)
{
	if (!ipaddr_is_v4(&a->addr) && a->netif < cfg->nnetifs &&
	    cfg->netifs[a->netif]->mtu < STACK_MIN_MTU6)
		return false;
	return a->netif < cfg->nnetifs && plen_is_valid(&a->addr, a->plen) &&
	       !ipaddr_is_any(&a->addr) && !ipaddr_is_multicast(&a->addr) &&
	       !ipaddr_is_limited_broadcast(&a->addr) && !ipaddr_is_loopback(&a->addr);
}

static bool route_is_valid(const struct stack_config *cfg, const struct stack_route *r)
{
	return r->netif < cfg->nnetifs && plen_is_valid(&r->prefix, r->plen) &&
	       !ipaddr_is_multicast(&r->via) && !ipaddr_is_limited_broadcast(&r->via) &&
	       (ipaddr_is_any(&r->via) || ipaddr_is_v4(&r->via) == ipaddr_is_v4(&r->prefix));
}

static bool bufs_are_valid(const uint32_t mem[3])
{
	return mem[0] > 0 && mem[0] <= mem[1] && mem[1] <= mem[2];
}

static int config_check(const struct stack_config *cfg)
{
	unsigned int i;

	if (cfg->nnetifs == 0 || cfg->nnetifs > STACK_MAX_NETIFS || cfg->mbufs == NULL ||
	    cfg->naddrs > STACK_MAX_ADDRS || cfg->nroutes > STACK_MAX_ROUTES)
		return -EINVAL;
	if (rte_pktmbuf_priv_size(cfg->mbufs) < PKT_PRIV_SIZE ||
	    rte_pktmbuf_data_room_size(cfg->mbufs) < PKT_HEADROOM + STACK_MIN_MTU)
		return -EINVAL;
	for (i = 0; i < cfg->nnetifs; i++)
		if (cfg->netifs[i] == NULL || cfg->queue >= cfg->netifs[i]->nqueues ||
		    cfg->netifs[i]->mtu < STACK_MIN_MTU || cfg->netifs[i]->vlan > 4094)
			return -EINVAL;
	for (i = 0; i < cfg->naddrs; i++)
		if (!addr_is_valid(cfg, &cfg->addrs[i]))
			return -EINVAL;
	for (i = 0; i < cfg->nroutes; i++)
		if (!route_is_valid(cfg, &cfg->routes[i]))
			return -EINVAL;
	if (cfg->max_sockets == 0 || cfg->max_sockets >= POOL_NIL / 4 ||
	    !bufs_are_valid(cfg->rmem) || !bufs_are_valid(cfg->wmem))
		return -EINVAL;
	return 0;
}

size_t stack_footprint(const struct stack_config *cfg)
{
	size_t size = sizeof(struct stack) +
		      pool_footprint(sizeof(struct socket), cfg->max_sockets) + net_footprint(cfg) +
		      inet_footprint(cfg) + tcp_footprint(cfg);

	/* Room for the alignment of what each room takes, and whole pages. */
	return (size + 2 * STACK_ALIGN) & ~(size_t)(STACK_ALIGN - 1);
}

static int stack_init(struct stack *st, uint64_t now)
{
	unsigned int i;
	int err;

	memcpy(&st->rng, st->cfg.secret, sizeof(st->rng));
	st->rng ^= now;
	timer_wheel_init(&st->wheel, now);
	pktq_init(&st->loop);
	st->events_tail = &st->events;
	for (i = 0; i < STACK_MAX_NETIFS; i++)
		st->tx[i].head = st->tx[i].count = 0;
	err = pool_init(&st->sockets, &st->arena, sizeof(struct socket), st->cfg.max_sockets);
	if (err == 0)
		err = net_init(st, now);
	if (err == 0)
		err = inet_init(st, now);
	if (err == 0)
		err = tcp_init(st, now);
	return err;
}

struct stack *stack_create(void *mem, size_t size, const struct stack_config *cfg, int *err,
			   uint64_t now)
{
	struct arena arena;
	struct stack *st;

	*err = config_check(cfg);
	if (*err != 0)
		return NULL;
	arena_init(&arena, mem, size);
	st = arena_alloc(&arena, sizeof(*st), 64);
	if (st == NULL) {
		*err = -ENOMEM;
		return NULL;
	}
	st->arena = arena;
	st->cfg = *cfg;
	*err = stack_init(st, now);
	return *err == 0 ? st : NULL;
}

/* Give back each reference that stack_count_mbufs() found; every segment was marked itself. */
static void free_marked(struct rte_mempool *pool, void *arg, void *obj, unsigned int i)
{
	struct rte_mbuf *m = obj;
	uint32_t refs = pkt_mark(m)->refs;

	(void)pool;
	(void)arg;
	(void)i;
	pkt_mark(m)->refs = 0;
	for (; refs > 0; refs--)
		rte_pktmbuf_free_seg(m);
}

void stack_destroy(struct stack *st)
{
	stack_count_mbufs(st);
	rte_mempool_obj_iter(st->cfg.mbufs, free_marked, NULL);
}

static void timer_fire(struct stack *st, struct timer *t, uint64_t now)
{
	switch ((enum timer_kind)t->kind) {
	case TIMER_TCP:
	case TIMER_TCP_REQ:
	case TIMER_TCP_TW:
		tcp_timer_fire(st, t, now);
		break;
	case TIMER_NEIGH:
	case TIMER_REASS:
	case TIMER_STACK:
		net_timer_fire(st, t, now);
		break;
	case TIMER_KIND_COUNT:
		break;
	}
}

/* What was looped when the round began; what it causes to be looped waits for the next. */
static unsigned int loop_deliver(struct stack *st, uint64_t now)
{
	unsigned int n = st->loop.count, i;

	if (n > STACK_BURST)
		n = STACK_BURST;
	for (i = 0; i < n; i++)
		ip_loop_input(st, pktq_pop(&st->loop), now);
	return n;
}

static unsigned int receive(struct stack *st, struct netif *nif, uint64_t now)
{
	struct rxq *rx = &st->rx;
	uint16_t n = nif->ops->rx_burst(nif, st->cfg.queue, rx->pkts, STACK_BURST);

	if (n == 0)
		return 0;
	rx->done = 0;
	store_order();
	rx->n = n;
	eth_input(st, nif, rx->pkts, n, now);
	rx->n = 0;
	return n;
}

unsigned int stack_poll(struct stack *st, uint64_t now)
{
	unsigned int total, i;
	struct timer *t;

	total = loop_deliver(st, now);
	for (i = 0; i < st->cfg.nnetifs; i++)
		total += receive(st, st->cfg.netifs[i], now);
	while ((t = timer_pop_due(&st->wheel, now)) != NULL)
		timer_fire(st, t, now);
	stack_flush(st, now);
	return total;
}

void stack_flush(struct stack *st, uint64_t now)
{
	tcp_flush_output(st, now);
	stack_tx_flush(st, now);
	if (st->inet.tx_waiters)
		inet_tx_space(st);
	st->in_hand = NULL;
}

void stack_settle(struct stack *st, uint64_t now)
{
	unsigned int rounds;

	stack_flush(st, now);
	for (rounds = 0; unlikely(st->loop.count > 0) && rounds < LOOP_ROUNDS; rounds++) {
		loop_deliver(st, now);
		stack_flush(st, now);
	}
}

uint64_t stack_next_deadline(const struct stack *st)
{
	uint64_t deadline = timer_next_deadline(&st->wheel);
	unsigned int i;

	if (st->loop.count > 0)
		return 0;
	for (i = 0; i < st->cfg.nnetifs; i++)
		if (st->tx[i].count > 0 && st->tx[i].retry_at < deadline)
			deadline = st->tx[i].retry_at;
	return deadline;
}

struct socket *stack_take_event(struct stack *st, uint32_t *events)
{
	struct socket *so = st->events;

	if (so == NULL)
		return NULL;
	st->events = so->event.next;
	if (st->events == NULL)
		st->events_tail = &st->events;
	else
		st->events->event.pprev = &st->events;
	so->event.next = NULL;
	so->event.pprev = NULL;
	*events = so->edges;
	so->edges = 0;
	return so;
}

bool stack_owns_addr(const struct stack *st, const struct ipaddr *addr)
{
	return ip_addr_is_ours(st, addr);
}

static bool tx_is_idle(const struct stack *st)
{
	unsigned int i;

	for (i = 0; i < st->cfg.nnetifs; i++)
		if (st->tx[i].count > 0)
			return false;
	return st->loop.count == 0;
}

bool stack_is_quiescent(const struct stack *st)
{
	return tx_is_idle(st) && tcp_is_quiescent(st, true) && inet_is_quiescent(st);
}

bool stack_has_unsent_state(const struct stack *st)
{
	return !tx_is_idle(st) || !tcp_is_quiescent(st, false);
}

uint64_t stack_mib(const struct stack *st, unsigned int which)
{
	return which < MIB_COUNT ? st->mib.v[which] : 0;
}
