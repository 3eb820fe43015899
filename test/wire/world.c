/* SPDX-License-Identifier: BSD-3-Clause */
/* world.c - see world.h: life, time and the leak check; conn.c has the sockets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_errno.h>
#include <rte_mbuf.h>

#include "stack/core/mib.h"
#include "stack/core/stack_priv.h"
#include "test/wire/conn.h"
#include "test/wire/world.h"

#define DEFAULT_MBUFS 4096
#define MAX_ROUNDS 20000 /* polls without time passing before it is called a livelock */

bool world_v6;
bool world_offloads;

static struct world *live_worlds;

/* -- mbuf pools, kept from one world to the next: making them is what takes time --------- */

static struct {
	struct rte_mempool *pool;
	unsigned int n;
} spare_pools[16];
static unsigned int nspare_pools;

static struct rte_mempool *pool_get(unsigned int n)
{
	static unsigned int serial;
	struct rte_mempool *pool;
	char name[32];
	unsigned int i;

	for (i = 0; i < nspare_pools; i++) {
		if (spare_pools[i].n == n) {
			pool = spare_pools[i].pool;
			spare_pools[i] = spare_pools[--nspare_pools];
			return pool;
		}
	}
	snprintf(name, sizeof(name), "test%u", serial++);
	pool = rte_pktmbuf_pool_create(name, n, 0, PKT_PRIV_SIZE, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
	must(pool != NULL, "mbuf pool of %u: %s", n, rte_strerror(rte_errno));
	return pool;
}

/* A pool with holes is not given to the next test. */
static void pool_put(struct rte_mempool *pool, unsigned int n)
{
	if (rte_mempool_avail_count(pool) != n ||
	    nspare_pools == sizeof(spare_pools) / sizeof(spare_pools[0])) {
		rte_mempool_free(pool);
		return;
	}
	spare_pools[nspare_pools].pool = pool;
	spare_pools[nspare_pools++].n = n;
}

/* -- life ------------------------------------------------------------------------------- */

static void report(void *arg)
{
	struct world *w = arg;
	char path[512];
	unsigned int i;

	fprintf(stderr, "world: seed 0x%llx, %.6f s after the start, last frames (times in ms):\n",
		(unsigned long long)w->seed, (double)(w->now - w->start) / 1e9);
	for (i = 0; i < w->nwires; i++) {
		capture_print(&w->wires[i].capture, 40);
		snprintf(path, sizeof(path), "%s/%s-wire%u.pcapng", test_out_dir(), test_name, i);
		if (capture_write(&w->wires[i].capture, path, w->wires[i].nports) == 0)
			fprintf(stderr, "capture: %s\n", path);
	}
	fprintf(stderr, "replay: SEED=0x%llx CK_RUN_CASE=%s %s\n", (unsigned long long)w->seed,
		test_name, program_invocation_name);
}

struct world *world_new(uint64_t seed, uint64_t start)
{
	struct world *w;

	test_eal_init();
	w = calloc(1, sizeof(*w));
	must(w != NULL, "out of memory");
	w->seed = seed;
	w->rng.s = rng_mix(seed);
	w->now = w->start = start != 0 ? start : 1000 * SEC;
	w->reporter.fn = report;
	w->reporter.arg = w;
	fail_reporter_add(&w->reporter);
	w->next_live = live_worlds;
	live_worlds = w;
	return w;
}

struct wire *world_add_wire(struct world *w, unsigned int nports)
{
	struct wire *wire = &w->wires[w->nwires];

	must(w->nwires < WORLD_MAX_WIRES, "too many wires");
	wire_init(wire, nports, w->seed + w->nwires, w->now);
	w->nwires++;
	return wire;
}

struct ipaddr world_addr(uint32_t v4)
{
	struct ipaddr a = { .b = { 0x20, 0x01, 0x0d, 0xb8 } };

	if (!world_v6)
		return ipaddr_from_v4(htonl(v4));
	a.b[5] = (uint8_t)(v4 >> 16);
	a.b[14] = (uint8_t)(v4 >> 8);
	a.b[15] = (uint8_t)v4;
	return a;
}

static void node_config(struct node *n, const struct node_params *p, struct stack_config *cfg)
{
	struct rng secret = { rng_mix(n->world->seed) + n->id };
	uint64_t word;
	unsigned int i;

	stack_config_defaults(cfg);
	cfg->netifs[0] = n->nif;
	cfg->nnetifs = 1;
	cfg->mbufs = n->pool;
	cfg->addrs[0].addr = n->addr;
	cfg->addrs[0].plen = p->plen != 0 ? p->plen : world_v6 ? 64 : 24;
	cfg->naddrs = 1;
	cfg->quiet_start = true;
	for (i = 0; i < sizeof(cfg->secret); i += 8) {
		word = rng_next(&secret);
		memcpy(cfg->secret + i, &word, 8);
	}
	if (p->tune != NULL)
		p->tune(cfg, p->tune_arg);
}

struct node *world_add_node(struct world *w, const struct node_params *p)
{
	struct node *n = &w->nodes[w->nnodes];
	struct stack_config cfg;
	int err = 0;

	must(w->nnodes < WORLD_MAX_NODES && p->wire < w->nwires, "no such node or wire");
	memset(n, 0, sizeof(*n));
	n->world = w;
	n->id = w->nnodes;
	n->addr = world_addr(p->addr);
	n->mbufs = p->mbufs != 0 ? p->mbufs : DEFAULT_MBUFS;
	n->foreign_pool = p->pool != NULL;
	n->pool = n->foreign_pool ? p->pool : pool_get(n->mbufs);
	n->nif = wire_netif(&w->wires[p->wire], p->port, n->pool,
			    p->caps | (world_offloads ? NETIF_TX_TSO : 0));
	w->wires[p->wire].ports[p->port].rx_join = world_offloads;
	if (p->mtu != 0)
		n->nif->mtu = p->mtu;
	node_config(n, p, &cfg);
	n->memsize = stack_footprint(&cfg);
	n->mem = mmap(NULL, n->memsize, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(n->mem != MAP_FAILED, "no memory for a stack of %zu bytes", n->memsize);
	n->st = stack_create(n->mem, n->memsize, &cfg, &err, w->now);
	must(n->st != NULL, "stack_create: %s", strerror(-err));
	w->nnodes++;
	return n;
}

struct world *world_pair_tuned(uint64_t seed, uint32_t caps,
			       void (*tune)(struct stack_config *cfg, void *arg), void *arg)
{
	struct node_params p = { .caps = caps, .tune = tune, .tune_arg = arg };
	struct world *w = world_new(seed, 0);
	unsigned int i;

	world_add_wire(w, 2);
	for (i = 0; i < 2; i++) {
		p.addr = IP4(192, 0, 2, 1 + i);
		p.port = i;
		world_add_node(w, &p);
	}
	return w;
}

struct world *world_pair(uint64_t seed)
{
	return world_pair_tuned(seed, NETIF_TX_MULTI_SEG, NULL, NULL);
}

static void world_unlink(struct world *w)
{
	struct world **pp;

	for (pp = &live_worlds; *pp != NULL; pp = &(*pp)->next_live) {
		if (*pp == w) {
			*pp = w->next_live;
			break;
		}
	}
	fail_reporter_del(&w->reporter);
}

static void world_release(struct world *w)
{
	struct conn *c;
	unsigned int i;

	for (i = 0; i < w->nwires; i++)
		wire_free(&w->wires[i]);
	for (i = 0; i < w->nnodes; i++) {
		munmap(w->nodes[i].mem, w->nodes[i].memsize);
		if (!w->nodes[i].foreign_pool)
			pool_put(w->nodes[i].pool, w->nodes[i].mbufs);
	}
	while ((c = w->conns) != NULL) {
		w->conns = c->next;
		free(c);
	}
	world_unlink(w);
	free(w);
}

void world_free(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->nnodes; i++)
		stack_destroy(w->nodes[i].st);
	world_release(w);
}

void world_abandon_all(void)
{
	while (live_worlds != NULL)
		world_release(live_worlds);
}

/* -- the leak check ----------------------------------------------------------------------- */

static void check_pool(const struct node *n, const char *what, uint32_t used)
{
	must(used == 0, "node %u: %u %s left", n->id, used, what);
}

unsigned int node_mbufs_used(const struct node *n)
{
	return n->mbufs - rte_mempool_avail_count(n->pool);
}

static void check_node_clean(struct node *n)
{
	const struct stack *st = n->st;

	check_pool(n, "sockets", st->sockets.used);
	check_pool(n, "TCP socks", st->tcp.socks.used);
	check_pool(n, "half-open connections", st->tcp.reqs.used);
	check_pool(n, "TIME_WAIT", st->tcp.tws.used);
	check_pool(n, "UDP socks", st->inet.udp_socks.used);
	check_pool(n, "raw socks", st->inet.raw_socks.used);
	check_pool(n, "orphans", st->tcp.orphans);
	check_pool(n, "listeners", st->tcp.listeners);
	must(stack_mib(st, MIB_TCP_CURR_ESTAB) == 0, "node %u: TcpCurrEstab %llu", n->id,
	     (unsigned long long)stack_mib(st, MIB_TCP_CURR_ESTAB));
	must(st->tcp.rmem == 0 && st->tcp.wmem == 0 && st->tcp.ofo_bytes == 0,
	     "node %u: TCP memory rmem %llu wmem %llu ofo %llu left", n->id,
	     (unsigned long long)st->tcp.rmem, (unsigned long long)st->tcp.wmem,
	     (unsigned long long)st->tcp.ofo_bytes);
	must(stack_is_quiescent(st), "node %u: not quiescent", n->id);
	must(!stack_has_unsent_state(st), "node %u: unsent state", n->id);
	must(node_mbufs_used(n) <= n->mbufs_forgiven, "node %u: %u of %u mbufs leaked", n->id, node_mbufs_used(n),
	     n->mbufs);
}

void world_check_clean(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->nnodes; i++)
		check_node_clean(&w->nodes[i]);
}

static bool is_at_rest(void *arg)
{
	struct world *w = arg;
	unsigned int i;

	for (i = 0; i < w->nwires; i++)
		if (wire_next_event(&w->wires[i]) != WIRE_NEVER)
			return false;
	for (i = 0; i < w->nnodes; i++) {
		const struct stack *st = w->nodes[i].st;

		/* Reassembly queues and packets that wait for a neighbour hold mbufs, too. */
		if (!stack_is_quiescent(st) || st->tcp.reqs.used != 0 ||
		    node_mbufs_used(&w->nodes[i]) > w->nodes[i].mbufs_forgiven)
			return false;
	}
	return true;
}

void world_finish(struct world *w)
{
	struct conn *c;

	for (c = w->conns; c != NULL; c = c->next)
		conn_close(c);
	/* 2 MSL of both, and the last of the retransmission timeouts (924.6 s on Linux). */
	(void)world_run_until(w, is_at_rest, w, 1500 * SEC);
	world_check_clean(w);
	world_free(w);
}

/* -- time --------------------------------------------------------------------------------- */

static bool poll_nodes(struct world *w)
{
	bool busy = false;
	unsigned int i;

	for (i = 0; i < w->nnodes; i++) {
		if (w->nodes[i].frozen)
			continue;
		if (stack_poll(w->nodes[i].st, w->now) != 0)
			busy = true;
		if (node_take_events(&w->nodes[i]))
			busy = true;
	}
	return busy;
}

/* The earliest thing that will happen: a frame, a timer, a program that wakes up. */
static uint64_t next_event(const struct world *w)
{
	uint64_t next = conns_next_wake(w), t;
	unsigned int i;

	for (i = 0; i < w->nwires; i++) {
		t = wire_next_event(&w->wires[i]);
		next = t < next ? t : next;
	}
	for (i = 0; i < w->nnodes; i++) {
		t = w->nodes[i].frozen ? UINT64_MAX : stack_next_deadline(w->nodes[i].st);
		next = t < next ? t : next;
	}
	return next;
}

static bool due_now(const struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->nnodes; i++) {
		const struct node *n = &w->nodes[i];

		if (!n->frozen && (stack_next_deadline(n->st) <= w->now ||
				   wire_port_arrival(n->nif->priv) <= w->now))
			return true;
	}
	return conns_next_wake(w) <= w->now;
}

void world_settle(struct world *w)
{
	unsigned int rounds = 0;
	bool busy;

	do {
		busy = poll_nodes(w);
		if (conns_run(w))
			busy = true;
		must(++rounds < MAX_ROUNDS, "livelock: the stacks never come to rest");
	} while (busy || due_now(w));
	conns_check_edges(w);
	w->steps++;
}

static void set_now(struct world *w, uint64_t t)
{
	unsigned int i;

	w->now = t;
	for (i = 0; i < w->nwires; i++)
		wire_set_now(&w->wires[i], t);
}

bool world_run_until(struct world *w, bool (*cond)(void *arg), void *arg, uint64_t ns)
{
	uint64_t end = w->now + ns, next;

	for (;;) {
		world_settle(w);
		if (cond != NULL && cond(arg))
			return true;
		if (due_now(w))
			continue; /* cond sent something */
		if (w->now >= end)
			return false;
		next = next_event(w);
		must(next > w->now, "world: time stands still");
		set_now(w, next < end ? next : end);
	}
}

void world_run_to(struct world *w, uint64_t t)
{
	must(t >= w->now, "world_run_to: into the past");
	(void)world_run_until(w, NULL, NULL, t - w->now);
}

void world_run(struct world *w, uint64_t ns)
{
	(void)world_run_until(w, NULL, NULL, ns);
}
