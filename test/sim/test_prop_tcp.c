/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_prop_tcp.c - whatever the wire does, the byte streams arrive whole, in order, once,
 * or the error is reported; and nothing leaks at either end.
 *
 * Each round draws a world from a seed: delay, rate, queue, loss, bursts, reordering,
 * duplication, corruption, buffer sizes, sizes of calls, slow programs, several
 * connections, offloads, mbufs in pieces.  SEED=n replays one round of any test; ROUNDS=n
 * runs more of them.
 */
#include <stdio.h>

#include "stack/core/mib.h"
#define SIM_BOTH_FAMILIES
#define SIM_OFFLOADS
#include "test/sim/sim.h"

struct mix {
	const char *name;
	uint32_t loss_max, reorder_max, dup_max, corrupt_max; /* ppm */
	bool bursts, rates;
	unsigned int conns_max;
	uint64_t bytes_max;
	uint64_t limit; /* ns of virtual time */
};

static void tune_random(struct stack_config *cfg, void *arg)
{
	struct rng *r = arg;

	if (rng_chance(r, 300000)) {
		cfg->rmem[1] = (uint32_t)rng_range(r, 8192, 400000);
		cfg->wmem[1] = (uint32_t)rng_range(r, 4608, 400000);
	}
	if (rng_chance(r, 300000))
		strcpy(cfg->cc, "newreno");
	cfg->time_wait_ns = 2 * SEC;
}

static void impair(struct wire_impair *t, struct rng *r, const struct mix *m)
{
	t->delay_ns = rng_chance(r, 200000) ? 0 : rng_below(r, 60 * MS);
	if (rng_chance(r, 500000))
		t->jitter_ns = rng_below(r, 10 * MS);
	t->jitter_reorders = rng_chance(r, 300000) && m->reorder_max != 0;
	if (m->rates && rng_chance(r, 600000)) {
		t->rate_bps = rng_range(r, 2000000, 1000000000);
		t->queue_bytes = (uint32_t)rng_range(r, 8000, 200000);
	}
	t->loss_ppm = (uint32_t)rng_below(r, m->loss_max + 1);
	t->reorder_ppm = (uint32_t)rng_below(r, m->reorder_max + 1);
	t->reorder_ns = rng_below(r, 20 * MS);
	t->dup_ppm = (uint32_t)rng_below(r, m->dup_max + 1);
	t->corrupt_ppm = (uint32_t)rng_below(r, m->corrupt_max + 1);
	if (m->bursts && rng_chance(r, 500000)) {
		t->burst.enter_ppm = 2000;
		t->burst.leave_ppm = 200000;
		t->burst.loss_ppm = 700000;
	}
}

static struct world *make_world_of(uint64_t seed, uint32_t mbufs)
{
	struct rng *r;
	struct world *w = world_new(seed, rng_mix(seed) % (1ull << 50) + SEC);
	struct wire *wire = world_add_wire(w, 2);
	unsigned int i;

	r = &w->rng;
	for (i = 0; i < 2; i++) {
		struct node_params p = { .addr = IP4(192, 0, 2, 1 + i), .port = i,
					 .tune = tune_random, .tune_arg = r, .mbufs = mbufs };

		if (rng_chance(r, 500000))
			p.caps |= NETIF_TX_MULTI_SEG;
		if (rng_chance(r, 500000))
			p.caps |= NETIF_TX_TCP_CSUM | NETIF_TX_IP4_CSUM;
		if (rng_chance(r, 500000))
			p.caps |= NETIF_RX_L4_CSUM | NETIF_RX_IP4_CSUM;
		world_add_node(w, &p);
		wire->ports[i].late_dma = rng_chance(r, 300000);
		if (rng_chance(r, 200000))
			wire->ports[i].rx_segment = (uint16_t)rng_range(r, 60, 1000);
		if (rng_chance(r, 200000))
			wire->ports[i].tx_budget = (uint16_t)rng_range(r, 1, 20);
	}
	return w;
}

static struct world *make_world(uint64_t seed)
{
	return make_world_of(seed, 0);
}

static void randomize_conn(struct conn *c, struct rng *r)
{
	c->write_max = rng_range(r, 1, 30000);
	c->read_max = rng_range(r, 1, 30000);
	/* Not byte by byte for a whole megabyte. */
	if (c->tx_total / c->write_max > 5000)
		c->write_max = c->tx_total / 5000;
	if (rng_chance(r, 100000)) {
		c->read_pause_ns = rng_below(r, 5 * MS);
		c->read_max = 8000;
	}
	if (rng_chance(r, 100000)) {
		c->write_pause_ns = rng_below(r, 5 * MS);
		c->write_max = 8000;
	}
	if (rng_chance(r, 300000))
		(void)conn_setint(c, IPPROTO_TCP, 1 /* TCP_NODELAY */, 1);
	c->close_when_done = rng_chance(r, 700000);
}

static bool all_done(void *arg)
{
	const struct world *w = arg;
	const struct conn *c;

	for (c = w->conns; c != NULL; c = c->next)
		if (c->streaming && c->err == 0 && !(c->eof && c->wr_shut))
			return false;
	return true;
}

static bool impair_acceptable(int err)
{
	return err == ETIMEDOUT || err == ECONNRESET || err == EPIPE || err == EHOSTUNREACH;
}

/* Every stream arrived whole, or both ends know that it did not. */
static void check_streams(struct world *w, const struct mix *m, bool errors_allowed)
{
	struct conn *c;

	for (c = w->conns; c != NULL; c = c->next) {
		if (!c->streaming)
			continue;
		if (c->err != 0) {
			must(errors_allowed && impair_acceptable(c->err), "%s: error %d", m->name,
			     c->err);
			continue;
		}
		must(c->eof && c->wr_shut, "%s: a stream hangs: sent %llu of %llu, received %llu, eof %d",
		     m->name, (unsigned long long)c->tx_off, (unsigned long long)c->tx_total,
		     (unsigned long long)c->rx_off, c->eof);
	}
}

static void run_round(const struct mix *m, uint64_t seed)
{
	struct world *w = make_world(seed);
	struct rng *r = &w->rng;
	unsigned int i, n = (unsigned int)rng_range(r, 1, m->conns_max);
	struct conn *a[16], *b[16];
	uint64_t na[16], nb[16];

	for (i = 0; i < n; i++) {
		world_connect(w, &w->nodes[0], &w->nodes[1], (uint16_t)(1000 + i), &a[i], &b[i]);
		na[i] = rng_chance(r, 100000) ? 0 : rng_below(r, m->bytes_max);
		nb[i] = rng_chance(r, 300000) ? 0 : rng_below(r, m->bytes_max);
	}
	impair(&w->wires[0].ports[0].tx, r, m);
	impair(&w->wires[0].ports[1].tx, r, m);
	for (i = 0; i < n; i++) {
		conn_stream(a[i], 100 + i, na[i], 200 + i);
		conn_stream(b[i], 200 + i, nb[i], 100 + i);
		randomize_conn(a[i], r);
		randomize_conn(b[i], r);
	}
	(void)world_run_until(w, all_done, w, m->limit);
	/* At these loss rates an error would be a mistake: 15 time-outs in a row. */
	check_streams(w, m, false);
	for (i = 0; i < n; i++) {
		must(b[i]->rx_off == na[i], "%s: %llu of %llu bytes arrived", m->name,
		     (unsigned long long)b[i]->rx_off, (unsigned long long)na[i]);
		must(a[i]->rx_off == nb[i], "%s: %llu of %llu bytes arrived", m->name,
		     (unsigned long long)a[i]->rx_off, (unsigned long long)nb[i]);
	}
	world_finish(w);
}

static void run_mix(const struct mix *m, unsigned int rounds)
{
	uint64_t seed = test_seed(0), base = rng_mix((uint64_t)(uintptr_t)m->name[0] * 7919 + m->loss_max);
	unsigned int i;

	if (getenv("SEED") != NULL) {
		run_round(m, seed);
		return;
	}
	rounds = (unsigned int)test_env("ROUNDS", rounds);
	for (i = 0; i < rounds; i++)
		run_round(m, (base + i) & 0xffffffff);
}

TEST(streams_survive_a_clean_wire)
{
	static const struct mix m = { .name = "clean", .conns_max = 4, .bytes_max = 1000000,
				      .limit = 600 * SEC };

	run_mix(&m, 30);
}

TEST(streams_survive_rates_and_small_queues)
{
	static const struct mix m = { .name = "rates", .rates = true, .conns_max = 4,
				      .bytes_max = 500000, .limit = 1800 * SEC };

	run_mix(&m, 30);
}

TEST(streams_survive_loss)
{
	static const struct mix m = { .name = "loss", .loss_max = 50000, .conns_max = 3,
				      .bytes_max = 300000, .limit = 3600 * SEC };

	run_mix(&m, 40);
}

TEST(streams_survive_reordering_and_duplication)
{
	static const struct mix m = { .name = "disorder", .reorder_max = 200000, .dup_max = 100000,
				      .conns_max = 3, .bytes_max = 300000, .limit = 3600 * SEC };

	run_mix(&m, 40);
}

TEST(streams_survive_corruption)
{
	static const struct mix m = { .name = "flips", .corrupt_max = 30000, .conns_max = 3,
				      .bytes_max = 300000, .limit = 3600 * SEC };

	run_mix(&m, 20);
}

TEST(streams_survive_everything_at_once)
{
	static const struct mix m = { .name = "all", .loss_max = 30000, .reorder_max = 50000,
				      .dup_max = 30000, .corrupt_max = 10000, .bursts = true,
				      .rates = true, .conns_max = 4, .bytes_max = 200000,
				      .limit = 7200 * SEC };

	run_mix(&m, 60);
}

/* -- errors are reported ------------------------------------------------------------------ */

/* The link goes down in the middle, for good: both ends learn of it, and nothing is left. */
TEST(streams_on_a_dead_link_report_timeouts)
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		/* More than the send buffers take: who waits for memory looks for it 100 times a second. */
		struct world *w = make_world_of(test_seed(77 + i), 16384);
		struct conn *a, *b;

		world_connect(w, &w->nodes[0], &w->nodes[1], 1000, &a, &b);
		w->wires[0].ports[0].tx.delay_ns = w->wires[0].ports[1].tx.delay_ns = 10 * MS;
		w->wires[0].ports[0].tx.rate_bps = 100000000;
		conn_stream(a, 1, 100000000, 2);
		conn_stream(b, 2, 100000000, 1);
		world_run(w, rng_range(&w->rng, 1, 2000) * MS);
		must(a->err == 0 && b->err == 0, "an error before the link was cut");
		w->wires[0].ports[0].tx.loss_ppm = 1000000;
		w->wires[0].ports[1].tx.loss_ppm = 1000000;
		world_run(w, 1200 * SEC);
		must(a->err == ETIMEDOUT || a->err == EHOSTUNREACH, "a: error %d", a->err);
		must(b->err == ETIMEDOUT || b->err == EHOSTUNREACH, "b: error %d", b->err);
		world_finish(w);
	}
}

/* One end closes with data unread: the other is told, neither hangs. */
TEST(streams_reset_in_the_middle_report_it)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		struct world *w = make_world(test_seed(500 + i));
		struct conn *a, *b;

		world_connect(w, &w->nodes[0], &w->nodes[1], 1000, &a, &b);
		w->wires[0].ports[0].tx.delay_ns = w->wires[0].ports[1].tx.delay_ns = 3 * MS;
		w->wires[0].ports[0].tx.rate_bps = 50000000;
		conn_stream(a, 1, 100000000, 2);
		conn_stream(b, 2, 1000, 1);
		world_run(w, rng_range(&w->rng, 1, 500) * MS);
		conn_close(b);
		world_run(w, 10 * SEC);
		must(a->err == ECONNRESET || a->err == EPIPE, "a: error %d", a->err);
		world_finish(w);
	}
}

/* -- scarcity ------------------------------------------------------------------------------- */

/* So few mbufs that both stacks run out all the time: slow, but whole. */
TEST(streams_survive_an_exhausted_mbuf_pool)
{
	unsigned int i;

	for (i = 0; i < 6; i++) {
		struct world *w = world_new(test_seed(900 + i), 0);
		struct wire *wire = world_add_wire(w, 2);
		struct conn *a, *b;
		unsigned int k;

		for (k = 0; k < 2; k++) {
			struct node_params p = { .addr = IP4(192, 0, 2, 1 + k), .port = k,
						 .mbufs = 60 + 20 * i };

			world_add_node(w, &p);
			wire->ports[k].tx.delay_ns = 2 * MS;
		}
		world_connect(w, &w->nodes[0], &w->nodes[1], 1000, &a, &b);
		conn_stream(a, 1, 300000, 2);
		conn_stream(b, 2, 300000, 1);
		must(world_run_until(w, all_done, w, 7200 * SEC),
		     "hangs with %u mbufs: a sent %llu got %llu, b sent %llu got %llu", 60 + 20 * i,
		     (unsigned long long)a->tx_off, (unsigned long long)a->rx_off,
		     (unsigned long long)b->tx_off, (unsigned long long)b->rx_off);
		must(a->rx_off == 300000 && b->rx_off == 300000, "incomplete");
		world_finish(w);
	}
}

/* -- many short connections ------------------------------------------------------------------ */

/* Connect, one exchange, close by either side, over a lossy wire: all come and go. */
TEST(short_connections_come_and_go_on_a_lossy_wire)
{
	static const struct mix m = { .name = "short", .loss_max = 30000, .reorder_max = 30000,
				      .dup_max = 30000, .conns_max = 1, .bytes_max = 1,
				      .limit = 1 };
	struct world *w = make_world(test_seed(4242));
	struct rng *r = &w->rng;
	struct conn *a, *b;
	unsigned int i;

	impair(&w->wires[0].ports[0].tx, r, &m);
	impair(&w->wires[0].ports[1].tx, r, &m);
	for (i = 0; i < 200; i++) {
		world_connect(w, &w->nodes[i % 2], &w->nodes[1 - i % 2], 1000, &a, &b);
		conn_stream(a, i, rng_below(r, 5000), i + 1000);
		conn_stream(b, i + 1000, rng_below(r, 5000), i);
		a->close_when_done = b->close_when_done = true;
		must(world_run_until(w, all_done, w, 600 * SEC), "connection %u hangs", i);
		check_streams(w, &m, false);
	}
	world_finish(w);
}

SIM_MAIN("tcp-properties")
