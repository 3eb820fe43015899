/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_recover.c - the lock's holder dies at any instruction inside the stack, and the others
 * go on.
 *
 * Death is exact and can be replayed: the processor single-steps (the trap flag) through
 * a call into the stack, and at the n-th instruction the call is left for good by
 * siglongjmp(), with everything as it was at that moment.  Then comes what the engine does:
 * stack_recover(), stack_mark_mbufs(), the mbuf pool's rebuild.  What must hold after:
 * at most the connection in hand is reset, both of its ends are told, all the others
 * deliver every byte, and in the end nothing is left.
 *
 * The link's own code is the test's, not the stack's: nobody dies in there.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include <rte_mempool.h>

#include "dpdk_port/mbuf_pool.h"
#include "dpdk_port/port.h"
#include "stack/core/mib.h"
#include "stack/core/stack_priv.h"
#include "stack/inet/filter.h"
#define SIM_OFFLOADS
#include "test/sim/sim.h"

#define NCONNS 6
#define POOL_MBUFS 2048

static sigjmp_buf death;
static volatile long steps_left;
static volatile sig_atomic_t in_link;
static unsigned long deaths, survived_calls;

/* -- single steps --------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void trap_flag(bool on)
{
	/* Past the red zone, which the compiler may be using. */
	if (on)
		__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
				 "lea 128(%%rsp), %%rsp" ::: "memory", "cc");
	else
		__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq\n\t"
				 "lea 128(%%rsp), %%rsp" ::: "memory", "cc");
}

static void on_step(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	if (--steps_left <= 0 && !in_link)
		siglongjmp(death, 1);
}

static uint16_t link_rx(struct netif *nif, uint16_t q, struct rte_mbuf **pkts, uint16_t n);
static uint16_t link_tx(struct netif *nif, uint16_t q, struct rte_mbuf **pkts, uint16_t n);
static const struct netif_ops *link_ops;
static struct netif_ops guarded_ops;

/* The link runs at full speed and dies never. */
static uint16_t link_rx(struct netif *nif, uint16_t q, struct rte_mbuf **pkts, uint16_t n)
{
	bool stepping = steps_left > 0;
	uint16_t got;

	in_link = 1;
	trap_flag(false);
	got = link_ops->rx_burst(nif, q, pkts, n);
	if (stepping)
		trap_flag(true);
	in_link = 0;
	return got;
}

static uint16_t link_tx(struct netif *nif, uint16_t q, struct rte_mbuf **pkts, uint16_t n)
{
	bool stepping = steps_left > 0;
	uint16_t sent;

	in_link = 1;
	trap_flag(false);
	sent = link_ops->tx_burst(nif, q, pkts, n);
	if (stepping)
		trap_flag(true);
	in_link = 0;
	return sent;
}

/* -- a world whose first node may die --------------------------------------------------------- */

/* One pool as long as nothing leaks from it: a test must not suffer from the one before. */
static struct rte_mempool *victim_pool(void)
{
	static struct rte_mempool *pool;
	static unsigned int serial;
	char name[32];

	if (pool != NULL && rte_mempool_avail_count(pool) != POOL_MBUFS)
		pool = NULL;
	if (pool == NULL) {
		snprintf(name, sizeof(name), "victim%u", serial++);
		pool = mbuf_pool_create(name, POOL_MBUFS, PKT_PRIV_SIZE, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
	}
	ck_assert_ptr_nonnull(pool);
	return pool;
}

static void tune(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->max_sockets = 64;
	cfg->time_wait_ns = 2 * SEC;
}

static struct world *mortal_world(uint64_t seed)
{
	struct world *w = world_new(seed, 0);
	struct wire *wire = world_add_wire(w, 2);
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_NODEFER };
	unsigned int i;

	test_eal_init();
	for (i = 0; i < 2; i++) {
		struct node_params p = { .addr = IP4(192, 0, 2, 1 + i), .port = i,
					 .mbufs = POOL_MBUFS, .caps = NETIF_TX_MULTI_SEG,
					 .tune = tune };

		if (i == 0)
			p.pool = victim_pool();
		world_add_node(w, &p);
		wire->ports[i].tx.delay_ns = 1 * MS;
		wire->ports[i].tx.rate_bps = 50000000;
		wire->ports[i].tx.queue_bytes = 100000;
		wire->ports[i].late_dma = rng_chance(&w->rng, 500000);
		wire->ports[i].stale_priv = rng_chance(&w->rng, 500000);
	}
	link_ops = w->nodes[0].nif->ops;
	guarded_ops = *link_ops;
	guarded_ops.rx_burst = link_rx;
	guarded_ops.tx_burst = link_tx;
	w->nodes[0].nif->ops = &guarded_ops;
	sigaction(SIGTRAP, &sa, NULL);
	return w;
}

/* What the engine does for a dead holder. */
static void recover(struct node *n)
{
	deaths++;
	/*
	 * Frames marked as the link's when death came just before tx_burst() took them, or a
	 * reference raised for a retransmission: the link might be reading, so they are given up.
	 */
	n->mbufs_forgiven += STACK_BURST;
	stack_recover(n->st, n->world->now);
	stack_mark_mbufs(n->st);
	(void)mbuf_pool_rebuild(n->pool, stack_owns_mbuf, n->st);
	(void)stack_release_ownerless(n->st, n->world->now);
	stack_flush(n->st, n->world->now);
}

/* Call fn(arg) and die at its n-th instruction; true: it died, and the stack was recovered. */
static bool call_mortally(struct node *n, long steps, void (*fn)(struct node *n, void *arg), void *arg)
{
	steps_left = steps;
	if (sigsetjmp(death, 1) != 0) {
		steps_left = 0;
		recover(n);
		return true;
	}
	trap_flag(true);
	fn(n, arg);
	trap_flag(false);
	steps_left = 0;
	survived_calls++;
	return false;
}

static void do_poll(struct node *n, void *arg)
{
	(void)arg;
	(void)stack_poll(n->st, n->world->now);
}

/* -- streams, and a death in the middle ---------------------------------------------------------- */

static bool finished(const struct conn *c)
{
	return c->err != 0 || (c->eof && c->wr_shut);
}

static bool all_finished(void *arg)
{
	struct conn **c = arg;
	unsigned int i;

	for (i = 0; i < 2 * NCONNS; i++)
		if (!finished(c[i]))
			return false;
	return true;
}

static bool reset_error(int err)
{
	return err == ECONNRESET || err == EPIPE;
}

/* Each pair is whole, or was reset; of those there may be one per death. */
static void check_pairs(struct conn **c, unsigned int deaths_here)
{
	unsigned int i, broken = 0;

	for (i = 0; i < NCONNS; i++) {
		struct conn *a = c[2 * i], *b = c[2 * i + 1];

		must(finished(a) && finished(b),
		     "pair %u hangs: a sent %llu got %llu err %d eof %d, b sent %llu got %llu err %d eof %d",
		     i, (unsigned long long)a->tx_off, (unsigned long long)a->rx_off, a->err, a->eof,
		     (unsigned long long)b->tx_off, (unsigned long long)b->rx_off, b->err, b->eof);
		if (a->err == 0 && b->err == 0) {
			must(a->rx_off == b->tx_total && b->rx_off == a->tx_total, "pair %u is not whole",
			     i);
			continue;
		}
		must((a->err == 0 || reset_error(a->err)) && (b->err == 0 || reset_error(b->err)),
		     "pair %u: errors %d %d", i, a->err, b->err);
		broken++;
	}
	must(broken <= deaths_here, "%u connections were broken by %u deaths", broken, deaths_here);
}

static void start_pairs(struct world *w, struct conn **c, uint64_t bytes)
{
	unsigned int i;

	for (i = 0; i < NCONNS; i++) {
		/* Opened from either side. */
		if (i % 2 == 0)
			world_connect(w, &w->nodes[0], &w->nodes[1], (uint16_t)(1000 + i), &c[2 * i],
				      &c[2 * i + 1]);
		else
			world_connect(w, &w->nodes[1], &w->nodes[0], (uint16_t)(1000 + i),
				      &c[2 * i + 1], &c[2 * i]);
		conn_stream(c[2 * i], 10 + i, bytes, 20 + i);
		conn_stream(c[2 * i + 1], 20 + i, bytes, 10 + i);
	}
}

static void poll_round(uint64_t seed)
{
	struct world *w = mortal_world(seed);
	struct conn *c[2 * NCONNS];
	unsigned int n = 0, tries, died = 0;

	start_pairs(w, c, 100000);
	for (tries = 0; tries < 8 && died < 3; tries++) {
		world_run(w, rng_range(&w->rng, 1, 60) * MS);
		/* To where something waits for the node. */
		w->nodes[0].frozen = true;
		for (n = 0; n < 50 && wire_port_arrival(w->nodes[0].nif->priv) > w->now; n++)
			world_run(w, 1 * MS);
		w->nodes[0].frozen = false;
		if (call_mortally(&w->nodes[0], (long)rng_range(&w->rng, 1, 6000), do_poll, NULL))
			died++;
	}
	(void)world_run_until(w, all_finished, c, 300 * SEC);
	check_pairs(c, died);
	world_finish(w);
	ck_assert_uint_eq(mbuf_pool_bad_frees(victim_pool()), 0);
}

TEST(death_anywhere_in_stack_poll_breaks_at_most_the_connection_in_hand)
{
	unsigned int i, rounds = (unsigned int)test_env("ROUNDS", 20);

	deaths = 0;
	if (getenv("SEED") != NULL)
		rounds = 1;
	for (i = 0; i < rounds; i++)
		poll_round(test_seed(1000 + i));
	must(deaths >= rounds / 2, "only %lu deaths in %u rounds", deaths, rounds);
}

/* -- death in a socket call: the process takes its socket with it ------------------------------------ */

static void do_send(struct node *n, void *arg)
{
	static char buf[30000];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)socket_sendmsg(n->st, arg, &msg, 0, n->world->now);
	stack_flush(n->st, n->world->now);
}

static void do_recv(struct node *n, void *arg)
{
	static char buf[30000];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)socket_recvmsg(n->st, arg, &msg, 0, n->world->now);
	stack_flush(n->st, n->world->now);
}

static void do_shutdown(struct node *n, void *arg)
{
	(void)socket_shutdown(n->st, arg, SHUT_WR, n->world->now);
	stack_flush(n->st, n->world->now);
}

static void call_round(uint64_t seed)
{
	static void (*const calls[])(struct node *n, void *arg) = { do_send, do_recv, do_shutdown };
	struct world *w = mortal_world(seed);
	struct conn *c[2 * NCONNS], *victim, *peer_end;

	start_pairs(w, c, 100000);
	world_run(w, rng_range(&w->rng, 1, 60) * MS);
	victim = c[0];
	peer_end = c[1];
	victim->streaming = false; /* its program does other things from now on, and dies */
	peer_end->streaming = false;
	(void)call_mortally(&w->nodes[0], (long)rng_range(&w->rng, 1, 8000),
			    calls[rng_below(&w->rng, 3)], victim->so);
	/* Dead or not: its end is closed for it. */
	conn_close(victim);
	world_run(w, 100 * MS);
	must((conn_poll(peer_end) & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0 || peer_end->eof,
	     "the peer was not told: poll 0x%x", conn_poll(peer_end));
	victim->err = peer_end->err = ECONNRESET;
	(void)world_run_until(w, all_finished, c, 300 * SEC);
	check_pairs(c, 1);
	world_finish(w);
}

TEST(death_in_a_call_breaks_only_its_own_connection)
{
	unsigned int i, rounds = (unsigned int)test_env("ROUNDS", 20);

	if (getenv("SEED") != NULL)
		rounds = 1;
	for (i = 0; i < rounds; i++)
		call_round(test_seed(3000 + i));
}

/* -- death while connections come and go --------------------------------------------------------------- */

static void attach_filter(struct node *n, struct socket *so)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, UINT32_MAX) };
	struct sock_fprog prog = { .len = 1, .filter = all };

	(void)socket_setsockopt(n->st, so, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog),
				n->world->now);
}

static void do_accept(struct node *n, void *arg)
{
	struct socket *so = NULL;

	(void)socket_accept(n->st, arg, &so, n->world->now);
	stack_flush(n->st, n->world->now);
	if (so != NULL)
		socket_release(n->st, so, n->world->now);
	stack_flush(n->st, n->world->now);
}

static void do_create(struct node *n, void *arg)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(2000) };
	struct socket *so = NULL;

	(void)arg;
	if (socket_create(n->st, AF_INET, SOCK_STREAM, 0, &so, n->world->now) != 0)
		return;
	sin.sin_addr.s_addr = ipaddr_to_v4(&n->world->nodes[1].addr);
	attach_filter(n, so);
	(void)socket_connect(n->st, so, (struct sockaddr *)&sin, sizeof(sin), n->world->now);
	stack_flush(n->st, n->world->now);
	socket_release(n->st, so, n->world->now);
	stack_flush(n->st, n->world->now);
}

static void churn_round(uint64_t seed)
{
	struct world *w = mortal_world(seed);
	struct conn *listener = conn_socket(&w->nodes[0], SOCK_STREAM), *client[4];
	struct conn *other = conn_socket(&w->nodes[1], SOCK_STREAM), *a, *b;
	unsigned int i;

	must(conn_bind(listener, &w->nodes[0].addr, 80) == 0, "bind");
	must(conn_listen(listener, 8) == 0, "listen");
	attach_filter(&w->nodes[0], listener->so); /* which its connections share */
	must(w->nodes[0].st->inet.filters.used == 1, "no filter");
	must(conn_bind(other, &w->nodes[1].addr, 2000) == 0, "bind");
	must(conn_listen(other, 8) == 0, "listen");
	for (i = 0; i < 4; i++) {
		client[i] = conn_socket(&w->nodes[1], SOCK_STREAM);
		(void)conn_connect(client[i], &w->nodes[0].addr, 80);
		if (rng_chance(&w->rng, 500000))
			world_run(w, rng_below(&w->rng, 3) * MS);
		(void)call_mortally(&w->nodes[0], (long)rng_range(&w->rng, 1, 8000),
				    rng_chance(&w->rng, 500000) ? do_accept :
				    rng_chance(&w->rng, 500000) ? do_create : do_poll, listener->so);
	}
	/* The listener goes on: a new client gets in and is served. */
	world_run(w, 3 * SEC);
	while ((a = conn_accept(listener)) != NULL)
		conn_close(a);
	while ((a = conn_accept(other)) != NULL)
		conn_close(a);
	conn_close(listener);
	world_connect(w, &w->nodes[1], &w->nodes[0], 81, &a, &b);
	conn_stream(a, 1, 20000, 2);
	conn_stream(b, 2, 20000, 1);
	world_run(w, 10 * SEC);
	must(a->eof && b->eof && a->rx_off == 20000 && b->rx_off == 20000, "not served any more");
	must(w->nodes[0].st->inet.filters.used == 0, "filters that nobody has");
	world_finish(w);
}

TEST(death_among_connects_and_accepts_leaves_a_working_stack)
{
	unsigned int i, rounds = (unsigned int)test_env("ROUNDS", 20);

	if (getenv("SEED") != NULL)
		rounds = 1;
	for (i = 0; i < rounds; i++)
		churn_round(test_seed(5000 + i));
}

SIM_MAIN("recover")
