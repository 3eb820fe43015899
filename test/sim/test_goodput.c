/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_goodput.c - how fast a stream is, over delay, rate and loss, and how fairly streams
 * share: a table on the virtual clock, compared with test/sim/golden_goodput.txt.
 *
 * Everything is deterministic, so a difference is a change of behaviour.  Cells may move by
 * a tenth without notice; beyond that the test fails, and `UPDATE_GOLDEN=1` writes the new
 * table for review.
 */
#include <stdio.h>
#include <stdlib.h>

#define SIM_OFFLOADS
#include "test/sim/sim.h"

#define GOLDEN "test/sim/golden_goodput.txt"
#define MAX_LINES 128
#define BYTES 10000000u
#define TOLERANCE 0.10

struct line {
	char key[64];
	double value;
};

static struct line table[MAX_LINES];
static unsigned int nlines;

static void put(const char *key, double value)
{
	must(nlines < MAX_LINES, "table too long");
	snprintf(table[nlines].key, sizeof(table[nlines].key), "%s", key);
	table[nlines++].value = value;
}

static bool stream_done(void *arg)
{
	const struct conn *c = arg;

	return c->eof || c->err != 0;
}

static void set_link(struct world *w, double delay_ms, uint64_t mbps, uint32_t loss_ppm)
{
	unsigned int i;
	/* A queue of one bandwidth-delay product, but not less than 64 KiB. */
	uint64_t bdp = (uint64_t)(mbps * 1e6 / 8 * 2 * delay_ms / 1e3);

	for (i = 0; i < 2; i++) {
		struct wire_impair *t = &w->wires[0].ports[i].tx;

		t->delay_ns = (uint64_t)(delay_ms * 1e6);
		t->rate_bps = mbps * 1000000;
		t->queue_bytes = bdp > 65536 ? (uint32_t)bdp : 65536;
	}
	w->wires[0].ports[0].tx.loss_ppm = loss_ppm;
}

static void tune_cc(struct stack_config *cfg, void *arg)
{
	snprintf(cfg->cc, sizeof(cfg->cc), "%s", (const char *)arg);
}

/* Two nodes with packet memory for any window. */
static struct world *roomy_pair(uint64_t seed, const char *cc)
{
	struct world *w = world_new(seed, 0);
	char name[16];
	unsigned int i;

	snprintf(name, sizeof(name), "%s", cc);
	world_add_wire(w, 2);
	for (i = 0; i < 2; i++) {
		struct node_params p = { .addr = IP4(192, 0, 2, 1 + i), .port = i, .mbufs = 20000,
					 .caps = NETIF_TX_MULTI_SEG, .tune = tune_cc,
					 .tune_arg = name };

		world_add_node(w, &p);
	}
	return w;
}

/* Mbit/s that the receiving program got, from the first byte to the EOF or for 60 s. */
static double goodput(const char *cc, double delay_ms, uint64_t mbps, uint32_t loss_ppm)
{
	struct world *w = roomy_pair(12345 + loss_ppm, cc);
	struct conn *a, *b;
	uint64_t start, end;
	double rate;

	set_link(w, delay_ms, mbps, loss_ppm);
	world_connect(w, &w->nodes[0], &w->nodes[1], 5001, &a, &b);
	start = w->now;
	conn_stream(a, 1, BYTES, 2);
	conn_stream(b, 2, 0, 1);
	(void)world_run_until(w, stream_done, b, 60 * SEC);
	must(a->err == 0 && b->err == 0, "error %d %d", a->err, b->err);
	end = b->eof ? b->finished_at : w->now;
	rate = (double)b->rx_off * 8 / ((double)(end - start) / 1e9) / 1e6;
	world_free(w);
	return rate;
}

static void fill_goodput(const char *cc)
{
	static const double delays[] = { 0.05, 5, 40 };
	static const uint64_t rates[] = { 10, 100, 1000 };
	static const uint32_t losses[] = { 0, 1000, 10000, 30000 };
	unsigned int d, r, l;
	char key[64];

	for (d = 0; d < 3; d++)
		for (r = 0; r < 3; r++)
			for (l = 0; l < 4; l++) {
				snprintf(key, sizeof(key), "%s delay=%gms rate=%llu loss=%g%%", cc,
					 delays[d], (unsigned long long)rates[r], losses[l] / 1e4);
				put(key, goodput(cc, delays[d], rates[r], losses[l]));
			}
}

/* Jain's index of n streams that share a bottleneck for ten seconds; 1: equal shares. */
static double fairness(unsigned int n, double delay_ms, uint64_t mbps)
{
	struct world *w = roomy_pair(99, "cubic");
	struct conn *a[8], *b[8];
	double sum = 0, squares = 0;
	unsigned int i;

	set_link(w, delay_ms, mbps, 0);
	for (i = 0; i < n; i++) {
		world_connect(w, &w->nodes[0], &w->nodes[1], (uint16_t)(5001 + i), &a[i], &b[i]);
		conn_stream(a[i], i, 1000000000, 100 + i);
		conn_stream(b[i], 100 + i, 0, i);
		world_run(w, 300 * MS);
	}
	world_run(w, 2 * SEC);
	for (i = 0; i < n; i++)
		b[i]->finished_at = b[i]->rx_off; /* what came before the measurement */
	world_run(w, 10 * SEC);
	for (i = 0; i < n; i++) {
		double x = (double)(b[i]->rx_off - b[i]->finished_at);

		sum += x;
		squares += x * x;
	}
	world_free(w);
	return sum * sum / (n * squares);
}

static void write_table(const char *path)
{
	FILE *fp = fopen(path, "w");
	unsigned int i;

	must(fp != NULL, "cannot write %s", path);
	fprintf(fp, "# Goodput in Mbit/s of one stream of 10 MB, and Jain's index of streams that share.\n"
		    "# Written by UPDATE_GOLDEN=1 build/test/sim/test_goodput; review the difference.\n");
	for (i = 0; i < nlines; i++)
		fprintf(fp, "%-50s %.4g\n", table[i].key, table[i].value);
	fclose(fp);
}

static double golden_value(const char *path, const char *key)
{
	FILE *fp = fopen(path, "r");
	char line[200];
	double v = -1;

	must(fp != NULL, "%s is missing", path);
	while (fgets(line, sizeof(line), fp) != NULL)
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ' ')
			v = strtod(line + strlen(key), NULL);
	fclose(fp);
	return v;
}

static void compare_table(void)
{
	unsigned int i, bad = 0;

	for (i = 0; i < nlines; i++) {
		double want = golden_value(GOLDEN, table[i].key), got = table[i].value;

		if (want < 0 || got < want * (1 - TOLERANCE) || got > want * (1 + TOLERANCE)) {
			fprintf(stderr, "%-50s %.4g, golden %.4g\n", table[i].key, got, want);
			bad++;
		}
	}
	must(bad == 0, "%u of %u cells differ from " GOLDEN, bad, nlines);
}

TEST(goodput_and_fairness_are_as_in_the_golden_table)
{
	nlines = 0;
	fill_goodput("cubic");
	put("newreno delay=5ms rate=100 loss=0%", goodput("newreno", 5, 100, 0));
	put("newreno delay=5ms rate=100 loss=1%", goodput("newreno", 5, 100, 10000));
	put("fairness of 2 delay=5ms rate=100", fairness(2, 5, 100));
	put("fairness of 4 delay=20ms rate=50", fairness(4, 20, 50));
	if (test_env("UPDATE_GOLDEN", 0) != 0)
		write_table(GOLDEN);
	compare_table();
}

/* Floors that hold whatever the table says. */
TEST(a_clean_link_is_filled)
{
	double v;

	v = goodput("cubic", 0.05, 100, 0);
	must(v > 85, "%.1f Mbit/s on a clean link of 100", v);
	v = goodput("cubic", 5, 10, 0);
	must(v > 8.5, "%.2f Mbit/s on a clean link of 10", v);
}

SIM_MAIN("goodput")
