/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_goodput.c - how fast a stream is, over delay, rate, loss, reordering and the bottleneck's
 * buffer, and how streams share: a table on the virtual clock for CUBIC, NewReno and BBR.
 *
 * Everything is deterministic, so the table must be test/sim/golden_goodput.txt to the last digit: a
 * difference is a change of behaviour.  UPDATE_GOLDEN=1 writes the new table for review.  Over links
 * that cut and join segments single streams must not be slower than that by more than a tenth.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SIM_OFFLOADS
#include "test/sim/sim.h"

#define GOLDEN "test/sim/golden_goodput.txt"
#define MAX_LINES 160
#define BYTES 10000000u

static char table[MAX_LINES][120];
static unsigned int nlines;

static void put(const char *key, double value)
{
	must(nlines < MAX_LINES, "table too long");
	snprintf(table[nlines++], sizeof(table[0]), "%-56.80s %.4g\n", key, value);
}

/* One path.  buffer: in bandwidth-delay products, but not less than four packets; 0: one, at least 64 KiB. */
struct path {
	double delay_ms; /* each way */
	uint64_t mbps;
	uint32_t loss_ppm, reorder_ppm;
	double reorder_ms, buffer;
};

static bool stream_done(void *arg)
{
	const struct conn *c = arg;

	return c->eof || c->err != 0;
}

static uint32_t queue_of(const struct path *p)
{
	double bdp = (double)p->mbps * 1e6 / 8 * 2 * p->delay_ms / 1e3;

	if (p->buffer != 0)
		return bdp * p->buffer > 6000 ? (uint32_t)(bdp * p->buffer) : 6000;
	return bdp > 65536 ? (uint32_t)bdp : 65536;
}

static void set_link(struct world *w, const struct path *p)
{
	struct wire_impair *data = &w->wires[0].ports[0].tx;

	for (unsigned int i = 0; i < 2; i++) {
		struct wire_impair *t = &w->wires[0].ports[i].tx;

		t->delay_ns = (uint64_t)(p->delay_ms * 1e6);
		t->rate_bps = p->mbps * 1000000;
		t->queue_bytes = queue_of(p);
	}
	data->loss_ppm = p->loss_ppm;
	data->reorder_ppm = p->reorder_ppm;
	data->reorder_ns = (uint64_t)(p->reorder_ms * 1e6);
}

/* Two nodes with packet memory for any window. */
static struct world *roomy_pair(uint64_t seed)
{
	struct world *w = world_new(seed, 0);

	world_add_wire(w, 2);
	for (unsigned int i = 0; i < 2; i++) {
		struct node_params p = { .addr = IP4(192, 0, 2, 1 + i), .port = i, .mbufs = 20000,
					 .caps = NETIF_TX_MULTI_SEG };

		world_add_node(w, &p);
	}
	return w;
}

static void use_cc(struct conn *c, const char *cc)
{
	must(socket_setsockopt(c->node->st, c->so, IPPROTO_TCP, 13 /* TCP_CONGESTION */, cc,
			       (socklen_t)strlen(cc), c->world->now) == 0,
	     "no congestion control called %s", cc);
}

/* Mbit/s that the receiving program got, from the first byte to the EOF or for so many seconds. */
static double goodput(const char *cc, const struct path *p, uint64_t bytes, uint64_t seconds)
{
	struct world *w = roomy_pair(12345 + p->loss_ppm);
	struct conn *a, *b;
	uint64_t start, end;
	double rate;

	set_link(w, p);
	world_connect(w, &w->nodes[0], &w->nodes[1], 5001, &a, &b);
	use_cc(a, cc);
	start = w->now;
	conn_stream(a, 1, bytes, 2);
	conn_stream(b, 2, 0, 1);
	(void)world_run_until(w, stream_done, b, seconds * SEC);
	must(a->err == 0 && b->err == 0, "error %d %d", a->err, b->err);
	end = b->eof ? b->finished_at : w->now;
	rate = (double)b->rx_off * 8 / ((double)(end - start) / 1e9) / 1e6;
	world_free(w);
	return rate;
}

static void put_goodput(const char *cc, const struct path *p, const char *axis, double value)
{
	char key[80], more[40] = "";

	if (axis != NULL)
		snprintf(more, sizeof(more), " %s=%g%s", axis, value, axis[0] == 'b' ? "BDP" : "%");
	snprintf(key, sizeof(key), "%s delay=%gms rate=%llu%s", cc, p->delay_ms,
		 (unsigned long long)p->mbps, more);
	put(key, goodput(cc, p, BYTES, 60));
}

static void fill_clean(const char *cc)
{
	static const double delays[] = { 0.05, 5, 40 };
	static const uint64_t rates[] = { 10, 100, 1000 };

	for (unsigned int i = 0; i < 9; i++) {
		struct path p = { .delay_ms = delays[i / 3], .mbps = rates[i % 3] };

		put_goodput(cc, &p, NULL, 0);
	}
}

static void fill_loss(const char *cc)
{
	static const struct path paths[] = { { .delay_ms = 0.05, .mbps = 1000 },
					     { .delay_ms = 5, .mbps = 100 },
					     { .delay_ms = 40, .mbps = 10 },
					     { .delay_ms = 40, .mbps = 100 } };
	static const uint32_t losses[] = { 1000, 10000, 30000 };

	for (unsigned int i = 0; i < 12; i++) {
		struct path p = paths[i / 3];

		p.loss_ppm = losses[i % 3];
		put_goodput(cc, &p, "loss", p.loss_ppm / 1e4);
	}
}

/* A share of the packets is late by half a round trip. */
static void fill_reordering(const char *cc)
{
	static const struct path paths[] = { { .delay_ms = 5, .mbps = 100, .reorder_ms = 5 },
					     { .delay_ms = 40, .mbps = 10, .reorder_ms = 40 } };
	static const uint32_t shares[] = { 1000, 10000, 100000 };

	for (unsigned int i = 0; i < 6; i++) {
		struct path p = paths[i / 3];

		p.reorder_ppm = shares[i % 3];
		put_goodput(cc, &p, "reordering", p.reorder_ppm / 1e4);
	}
}

static void fill_buffers(const char *cc)
{
	static const double buffers[] = { 0.05, 0.25, 1, 4 };

	for (unsigned int i = 0; i < 4; i++) {
		struct path p = { .delay_ms = 20, .mbps = 50, .buffer = buffers[i] };

		put_goodput(cc, &p, "buffer", p.buffer);
	}
}

/* -- sharing --------------------------------------------------------------------------------------- */

#define MAX_STREAMS 8

/* n streams that share a bottleneck for twenty seconds, the i-th by cc[i]; Mbit/s of each. */
static void share(const char *const *cc, unsigned int n, const struct path *p, double *mbps)
{
	struct world *w = roomy_pair(99);
	struct conn *a[MAX_STREAMS], *b[MAX_STREAMS];
	uint64_t before[MAX_STREAMS];

	set_link(w, p);
	for (unsigned int i = 0; i < n; i++) {
		world_connect(w, &w->nodes[0], &w->nodes[1], (uint16_t)(5001 + i), &a[i], &b[i]);
		use_cc(a[i], cc[i]);
		conn_stream(a[i], i, 1000000000, 100 + i);
		conn_stream(b[i], 100 + i, 0, i);
		world_run(w, 300 * MS);
	}
	world_run(w, 5 * SEC);
	for (unsigned int i = 0; i < n; i++)
		before[i] = b[i]->rx_off;
	world_run(w, 20 * SEC);
	for (unsigned int i = 0; i < n; i++)
		mbps[i] = (double)(b[i]->rx_off - before[i]) * 8 / 20e6;
	world_free(w);
}

/* Jain's index; 1: equal shares. */
static double fairness(const char *cc, unsigned int n, const struct path *p)
{
	const char *all[MAX_STREAMS];
	double x[MAX_STREAMS], sum = 0, squares = 0;

	for (unsigned int i = 0; i < n; i++)
		all[i] = cc;
	share(all, n, p, x);
	for (unsigned int i = 0; i < n; i++) {
		sum += x[i];
		squares += x[i] * x[i];
	}
	return sum * sum / (n * squares);
}

static const struct path two_share = { .delay_ms = 5, .mbps = 100 };
static const struct path four_share = { .delay_ms = 20, .mbps = 50 };

static void fill_fairness(const char *cc)
{
	char key[80];

	snprintf(key, sizeof(key), "fairness of 2 %s delay=5ms rate=100", cc);
	put(key, fairness(cc, 2, &two_share));
	snprintf(key, sizeof(key), "fairness of 4 %s delay=20ms rate=50", cc);
	put(key, fairness(cc, 4, &four_share));
}

static void fill_mixed(const char *one, const char *two)
{
	const char *cc[2] = { one, two };
	double x[2];
	char key[80];

	share(cc, 2, &four_share, x);
	snprintf(key, sizeof(key), "%s beside %s delay=20ms rate=50", one, two);
	put(key, x[0]);
	snprintf(key, sizeof(key), "%s beside %s delay=20ms rate=50", two, one);
	put(key, x[1]);
}

/* -- the file ---------------------------------------------------------------------------------------- */

static void write_table(const char *path)
{
	FILE *fp = fopen(path, "w");

	must(fp != NULL, "cannot write %s", path);
	fprintf(fp, "# Goodput in Mbit/s of one stream of 10 MB, and Jain's index of streams that share.\n"
		    "# Written by UPDATE_GOLDEN=1 build/test/sim/test_goodput; review the difference.\n");
	for (unsigned int i = 0; i < nlines; i++)
		fputs(table[i], fp);
	fclose(fp);
}

/* Both are "key value". */
static bool is_as_fast(const char *golden, const char *now)
{
	const char *g = strrchr(golden, ' '), *n = strrchr(now, ' ');
	double want, got, least = 0.9;

	if (g == NULL || n == NULL || g - golden != n - now || strncmp(golden, now, (size_t)(g - golden)) != 0)
		return false;
	want = strtod(g, NULL);
	got = strtod(n, NULL);
	/* A queue of eight packets is shorter than BBR's trains at its start: 0.83; with trains of four at most, 0.9. */
	if (strncmp(golden, "bbr", 3) == 0 && strstr(golden, "buffer=0.05BDP") != NULL)
		least = 0.8;
	return got > least * want;
}

/* Who of several streams gets more turns on single packets: over other links only the totals hold. */
static bool is_sharing(const char *line)
{
	return strstr(line, "fairness of ") != NULL || strstr(line, " beside ") != NULL;
}

static bool is_same(const char *golden, const char *now)
{
	if (!world_offloads)
		return strcmp(golden, now) == 0;
	return is_sharing(golden) ? is_sharing(now) : is_as_fast(golden, now);
}

static void compare_table(const char *path)
{
	FILE *fp = fopen(path, "r");
	char line[200];
	unsigned int n = 0, bad = 0;

	must(fp != NULL, "%s is missing", path);
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (line[0] == '#')
			continue;
		if (n >= nlines || !is_same(line, table[n])) {
			fprintf(stderr, "golden: %snow:    %s", line, n < nlines ? table[n] : "\n");
			bad++;
		}
		n++;
	}
	fclose(fp);
	must(n == nlines, "%u cells, in " GOLDEN " %u", nlines, n);
	must(bad == 0, "%u of %u cells differ from " GOLDEN, bad, nlines);
}

TEST(goodput_and_fairness_are_as_in_the_golden_table)
{
	static const char *const algorithms[] = { "cubic", "newreno", "bbr" };

	nlines = 0;
	for (unsigned int i = 0; i < 3; i++) {
		fill_clean(algorithms[i]);
		fill_loss(algorithms[i]);
		fill_reordering(algorithms[i]);
		fill_buffers(algorithms[i]);
		fill_fairness(algorithms[i]);
	}
	fill_mixed("cubic", "newreno");
	fill_mixed("cubic", "bbr");
	if (test_env("UPDATE_GOLDEN", 0) != 0 && !world_offloads)
		write_table(GOLDEN);
	compare_table(GOLDEN);
}

/* -- what theory says, whatever the table does ------------------------------------------------------ */

TEST4(a_clean_link_is_filled)
{
	struct path lan = { .delay_ms = 0.05, .mbps = 100 }, slow = { .delay_ms = 5, .mbps = 10 };
	double v;

	v = goodput("cubic", &lan, BYTES, 60);
	must(v > 85, "%.1f Mbit/s on a clean link of 100", v);
	v = goodput("cubic", &slow, BYTES, 60);
	must(v > 8.5, "%.2f Mbit/s on a clean link of 10", v);
}

/* RFC 9438 4.3, table 1: AIMD's window is 1.2 / sqrt(p) segments. */
TEST4(newreno_follows_its_response_function)
{
	static const uint32_t losses[] = { 300, 1000, 3000, 10000 };

	for (unsigned int i = 0; i < 4; i++) {
		struct path p = { .delay_ms = 20, .mbps = 1000, .loss_ppm = losses[i] };
		double want = 1.22 / sqrt(losses[i] / 1e6) * 1448 * 8 / 0.040 / 1e6;
		double got = goodput("newreno", &p, 1ull << 40, 200);

		must(got > 0.75 * want && got < 1.25 * want, "%.2f Mbit/s at a loss of %u ppm, expected %.2f",
		     got, losses[i], want);
	}
}

/*
 * RFC 9438 5.1: 1.054 * (RTT / p)^(3/4) where that is more, else as AIMD.  The formula has losses at
 * equal distances; with random ones the long convex runs bring more.
 */
TEST4(cubic_follows_its_response_function)
{
	static const uint32_t losses[] = { 100, 300, 3000 };

	for (unsigned int i = 0; i < 3; i++) {
		struct path p = { .delay_ms = 50, .mbps = 1000, .loss_ppm = losses[i] };
		double loss = losses[i] / 1e6, rtt = 0.1;
		double cubic = 1.054 * pow(rtt / loss, 0.75), aimd = 1.22 / sqrt(loss);
		double want = (cubic > aimd ? cubic : aimd) * 1448 * 8 / rtt / 1e6;
		double got = goodput("cubic", &p, 1ull << 40, 400);

		must(got > 0.7 * want && got < 1.5 * want, "%.2f Mbit/s at a loss of %u ppm, expected %.2f",
		     got, losses[i], want);
	}
}

/* Streams of one kind share alike. */
TEST4(streams_share_fairly)
{
	static const char *const algorithms[] = { "cubic", "newreno", "bbr" };

	for (unsigned int i = 0; i < 3; i++) {
		double two = fairness(algorithms[i], 2, &two_share);
		double four = fairness(algorithms[i], 4, &four_share);

		must(two > 0.9, "%s: two streams share with an index of %.3f", algorithms[i], two);
		/* BBR's streams meet only in PROBE_RTT, every ten seconds: four take longer than this. */
		must(four > 0.9 || strcmp(algorithms[i], "bbr") == 0, "%s: four streams share with an index of %.3f", algorithms[i], four);
	}
}

SIM_MAIN("goodput")
