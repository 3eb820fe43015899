/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_bbr.c - pacing, and congestion control that follows a model instead of losses. */
#include <netinet/in.h>

#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

#define MBPS 1000000ull

static void set_link(struct world *w, uint64_t delay_ns, uint64_t rate_bps, uint32_t loss_ppm,
		     uint32_t queue)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct wire_impair *t = &w->wires[0].ports[i].tx;

		t->delay_ns = delay_ns;
		t->rate_bps = rate_bps;
		t->queue_bytes = queue;
	}
	w->wires[0].ports[0].tx.loss_ppm = loss_ppm;
}

static struct world *roomy_pair(uint64_t seed)
{
	struct world *w = world_new(seed, 0);

	world_add_wire(w, 2);
	for (unsigned int i = 0; i < 2; i++) {
		struct node_params p = { .addr = IP4(192, 0, 2, 1 + i), .port = i, .mbufs = 20000 };

		world_add_node(w, &p);
	}
	return w;
}

static bool stream_done(void *arg)
{
	const struct conn *c = arg;

	return c->eof || c->err != 0;
}

static void use_cc(struct conn *c, const char *name)
{
	must(socket_setsockopt(c->node->st, c->so, IPPROTO_TCP, TCP_CONGESTION, name,
			       (socklen_t)strlen(name), c->world->now) == 0,
	     "TCP_CONGESTION %s", name);
}

/* Mbit/s of one stream of n bytes by that algorithm. */
static double goodput(const char *cc, uint64_t n, uint64_t delay_ns, uint64_t rate_bps,
		      uint32_t loss_ppm, uint32_t queue)
{
	struct world *w = roomy_pair(7);
	struct conn *a, *b;
	uint64_t start;
	double rate;

	set_link(w, delay_ns, rate_bps, loss_ppm, queue);
	world_connect(w, &w->nodes[0], &w->nodes[1], 5001, &a, &b);
	use_cc(a, cc);
	start = w->now;
	conn_stream(a, 1, n, 2);
	conn_stream(b, 2, 0, 1);
	must(world_run_until(w, stream_done, b, 300 * SEC), "%s: the stream does not end", cc);
	must(a->err == 0 && b->err == 0, "error %d %d", a->err, b->err);
	rate = (double)n * 8 / ((double)(b->finished_at - start) / 1e9) / 1e6;
	world_free(w);
	return rate;
}

/* SO_MAX_PACING_RATE, socket(7): bytes per second that are not exceeded, and nearly reached. */
TEST(max_pacing_rate_is_kept)
{
	struct world *w = roomy_pair(3);
	uint64_t rate = 1000000, start;
	struct conn *a, *b;
	double got;

	set_link(w, 1 * MS, 1000 * MBPS, 0, 1 << 20);
	world_connect(w, &w->nodes[0], &w->nodes[1], 5001, &a, &b);
	must(socket_setsockopt(a->node->st, a->so, SOL_SOCKET, SO_MAX_PACING_RATE, &rate,
			       sizeof(rate), w->now) == 0, "SO_MAX_PACING_RATE");
	start = w->now;
	conn_stream(a, 1, 3000000, 2);
	conn_stream(b, 2, 0, 1);
	must(world_run_until(w, stream_done, b, 60 * SEC), "the stream does not end");
	got = 3000000 / ((double)(b->finished_at - start) / 1e9);
	must(got > 0.93 * (double)rate && got < 1.02 * (double)rate, "%.0f bytes/s", got);
	world_free(w);
}

/* Run the world for ns, but node only every late ns: a program that is woken late. */
static void run_late(struct world *w, struct node *node, uint64_t late, uint64_t ns)
{
	for (uint64_t end = w->now + ns; w->now < end;) {
		node->frozen = true;
		world_run(w, late);
		node->frozen = false;
		world_settle(w);
	}
}

/* Nobody calls at the very moment when the next segment is due: what was held back meanwhile goes then. */
TEST(the_pacer_makes_up_for_late_calls)
{
	struct world *w = roomy_pair(4);
	uint64_t rate = 1000000;
	struct conn *a, *b;
	double got;

	set_link(w, 10 * MS, 1000 * MBPS, 0, 1 << 20);
	world_connect(w, &w->nodes[0], &w->nodes[1], 5001, &a, &b);
	must(socket_setsockopt(a->node->st, a->so, SOL_SOCKET, SO_MAX_PACING_RATE, &rate,
			       sizeof(rate), w->now) == 0, "SO_MAX_PACING_RATE");
	conn_stream(a, 1, 100000000, 2);
	conn_stream(b, 2, 0, 1);
	run_late(w, a->node, 8 * MS, 5 * SEC);
	got = (double)b->rx_off / 5;
	must(got > 0.93 * (double)rate && got < 1.02 * (double)rate, "%.0f bytes/s", got);
	world_free(w);
}

TEST(bbr_on_a_busy_machine_fills_the_path)
{
	struct world *w = roomy_pair(5);
	struct conn *a, *b;
	double got;

	set_link(w, 10 * MS, 100 * MBPS, 0, 256000);
	world_connect(w, &w->nodes[0], &w->nodes[1], 5001, &a, &b);
	use_cc(a, "bbr");
	conn_stream(a, 1, 100000000, 2);
	conn_stream(b, 2, 0, 1);
	run_late(w, a->node, 4 * MS, 5 * SEC);
	got = (double)b->rx_off * 8 / 5 / 1e6;
	must(got > 80, "bbr has %.2f of 100 Mbit/s", got);
	world_free(w);
}

/* draft-cardwell-iccrg-bbr 1: losses that do not come from congestion do not slow it down. */
TEST(bbr_fills_a_lossy_path_where_cubic_cannot)
{
	double bbr = goodput("bbr", 20000000, 20 * MS, 50 * MBPS, 10000, 1 << 20);
	double cubic = goodput("cubic", 5000000, 20 * MS, 50 * MBPS, 10000, 1 << 20);

	must(bbr > 35, "bbr has %.2f of 50 Mbit/s", bbr);
	must(bbr > 3 * cubic, "bbr has %.2f Mbit/s, cubic %.2f", bbr, cubic);
}

TEST(bbr_fills_a_clean_path)
{
	double bbr = goodput("bbr", 40000000, 10 * MS, 100 * MBPS, 0, 1 << 20);

	must(bbr > 80, "bbr has %.2f of 100 Mbit/s", bbr);
}

/* 3.2: it finds the rate of a bottleneck with little queue. */
TEST(bbr_lives_with_a_shallow_queue)
{
	double bbr = goodput("bbr", 20000000, 20 * MS, 50 * MBPS, 0, 30000);

	must(bbr > 35, "bbr has %.2f of 50 Mbit/s", bbr);
}

/* A request now and then: the program's idle time is not taken for a slow path. */
TEST(bbr_is_not_fooled_by_an_idle_program)
{
	struct world *w = roomy_pair(5);
	struct conn *a, *b;
	uint64_t start;

	set_link(w, 10 * MS, 100 * MBPS, 0, 1 << 20);
	world_connect(w, &w->nodes[0], &w->nodes[1], 5001, &a, &b);
	use_cc(a, "bbr");
	conn_stream(a, 1, 10000000, 2);
	conn_stream(b, 2, 0, 1);
	a->write_max = 1000;
	a->write_pause_ns = 50 * MS;
	world_run(w, 30 * SEC);
	must(b->rx_off >= 500000, "%llu bytes of a slow program", (unsigned long long)b->rx_off);
	a->write_max = 65536;
	a->write_pause_ns = 0;
	start = w->now;
	must(world_run_until(w, stream_done, b, 20 * SEC), "the stream does not end");
	must(b->finished_at - start < 3 * SEC, "took %.2f s", (double)(b->finished_at - start) / 1e9);
	world_free(w);
}

/* 4.2.1: always paced: a window that opens at once does not leave at once. */
TEST(bbr_paces_its_segments)
{
	struct script_seen s;
	uint64_t last = 0;
	unsigned int n = 0, together = 0;

	script(.seed = 6);
	given_connecting();
	expect(SYN, .seq = 0);
	advance_ms(100);
	peer_synack(.sack = true);
	expect(ACK);
	use_cc(S.c, "bbr");
	app_send(10 * 1460);
	expect_whatever();
	advance_ms(100);
	peer(ACK);
	app_send(20 * 1460);
	advance_ms(100);
	while (script_next(&s)) {
		together += n > 0 && s.time == last;
		last = s.time;
		n++;
		free(s.bytes);
	}
	must(n >= 15, "%u segments in a round trip", n);
	must(together <= 4, "%u of %u left together with the one before", together, n);
	script_finish();
}

SIM_MAIN("tcp-bbr")
