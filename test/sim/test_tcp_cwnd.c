/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_cwnd.c - the congestion window is only as good as its last use (RFC 2861), and what a
 * peer that acknowledges oddly can make of it (RFC 3465, 5681 5).
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/tcp_sim.h"

/* Segments that were sent and not looked at. */
static unsigned int take_all(void)
{
	struct script_seen s;
	unsigned int n = 0;

	while (script_next(&s)) {
		uint32_t end = s.info.tcp.seq + s.info.tcp.len - S.f->stack_iss;

		if ((int32_t)(end - S.f->rcv_nxt) > 0)
			S.f->rcv_nxt = end;
		n += s.info.tcp.len > 0;
		free(s.bytes);
	}
	return n;
}

static void roomy(struct conn *c)
{
	script_check(conn_setint(c, SOL_SOCKET, SO_SNDBUF, 1 << 20), 0, "SO_SNDBUF");
}

static void use_reno(struct conn *c)
{
	roomy(c);
	script_check(socket_setsockopt(c->node->st, c->so, IPPROTO_TCP, TCP_CONGESTION, "reno", 4,
				       c->world->now),
		     0, "TCP_CONGESTION");
}

/* -- after idle, and when the program is the limit --------------------------------------------------- */

/* RFC 5681 4.1, RFC 2861: after a pause of more than an RTO cwnd is halved for each, down to ten. */
TEST(cwnd_is_halved_for_each_rto_of_idle_time)
{
	script(.seed = 1);
	given_connected_after(100, .setup = roomy);
	fly(10);
	advance_ms(100);
	peer(ACK);
	fly(20);
	advance_ms(100);
	peer(ACK);
	fly(40);
	advance_ms(100);
	peer(ACK);
	script_check(cwnd(), 80, "cwnd");
	/* The RTO is 300 ms: 100 and 600 since the last segment are two of them. */
	advance_ms(600);
	app_send(MSS);
	expect(ACK, .len = MSS);
	script_check(cwnd(), 20, "cwnd");
	script_check(ssthresh(), SSTHRESH_NONE, "ssthresh");
	peer(ACK);
	advance_ms(20000);
	app_send(MSS);
	expect(ACK, .len = MSS);
	script_check(cwnd(), 10, "cwnd");
	peer(ACK);
	script_finish();
}

/* A pause of less than an RTO since the last segment costs nothing. */
TEST(cwnd_survives_a_short_pause)
{
	script(.seed = 2);
	given_connected_after(100, .setup = roomy);
	fly(10);
	advance_ms(100);
	peer(ACK);
	advance_ms(150);
	fly(20);
	peer(ACK);
	script_finish();
}

/* RFC 2861 3.2, RFC 7661 4.3: cwnd does not grow while the program does not fill it. */
TEST(cwnd_does_not_grow_when_the_program_is_the_limit)
{
	script(.seed = 3);
	given_connected_after(100, .setup = roomy);
	for (int i = 0; i < 30; i++) {
		app_send(2 * MSS);
		expect(ACK, .len = MSS);
		expect(ACK, .len = MSS);
		advance_ms(100);
		peer(ACK);
	}
	script_check(cwnd(), 10, "cwnd");
	/* Nor in congestion avoidance. */
	script_finish();
}

/* RFC 2861 3.2: an RTO in which little of it was used moves it half way there. */
TEST(cwnd_decays_towards_what_is_used)
{
	uint32_t before;

	script(.seed = 4);
	given_connected_after(100, .setup = roomy);
	fly(10);
	advance_ms(100);
	peer(ACK);
	fly(20);
	advance_ms(100);
	peer(ACK);
	fly(40);
	advance_ms(100);
	peer(ACK);
	before = cwnd();
	script_check(before, 80, "cwnd");
	for (int i = 0; i < 10; i++) {
		fly(1);
		advance_ms(100);
		peer(ACK);
	}
	must(cwnd() < before / 2, "cwnd is %u", cwnd());
	must(cwnd() >= 10, "cwnd is %u", cwnd());
	script_finish();
}

/* -- slow start and congestion avoidance: RFC 5681 3.1 ----------------------------------------------- */

/* Each acknowledged segment is worth one, however the ACKs are cut. */
TEST(slow_start_counts_segments_not_acks)
{
	script(.seed = 10);
	given_connected_after(100, .setup = roomy);
	fly(10);
	advance_ms(100);
	peer(ACK, .ack = SEQ(1));
	script_check(cwnd(), 11, "cwnd");
	peer(ACK, .ack = SEQ(3));
	script_check(cwnd(), 13, "cwnd");
	peer(ACK, .ack = SEQ(10));
	script_check(cwnd(), 20, "cwnd");
	script_finish();
}

/* All that an ACK acknowledges counts: who joins what arrives acknowledges much at once. */
TEST(slow_start_of_newreno_counts_segments_not_acks)
{
	script(.seed = 11);
	given_connected_after(100, .setup = use_reno);
	fly(10);
	advance_ms(100);
	peer(ACK, .ack = SEQ(1));
	script_check(cwnd(), 11, "cwnd");
	peer(ACK, .ack = SEQ(10));
	script_check(cwnd(), 20, "cwnd");
	script_finish();
}

/* After a time-out as well, up to ssthresh; what is beyond it is congestion avoidance. */
TEST(slow_start_of_newreno_after_a_time_out_ends_at_ssthresh)
{
	script(.seed = 12);
	given_connected_after(100, .setup = use_reno);
	fly(10);
	expect_after_ms(295, 310, ACK, .seq = SEQ(0), .len = MSS);
	script_check(ssthresh(), 5, "ssthresh");
	peer(ACK, .ack = SEQ(6));
	script_check(cwnd(), 5, "cwnd");
	for (int i = 6; i < 10; i++)
		expect(ACK, .seq = SEQ(i), .len = MSS);
	expect_nothing();
	peer(ACK, .ack = SEQ(10));
	script_finish();
}

/* RFC 5681 3.1: a window's worth of ACKs is one segment. */
TEST(congestion_avoidance_adds_a_segment_per_round_trip)
{
	script(.seed = 13);
	given_connected_after(100, .setup = use_reno);
	peer(ACK);
	fly(10);
	advance_ms(100);
	/* A loss: ssthresh is 5. */
	for (int i = 0; i < 3; i++)
		peer(ACK, .ack = SEQ(0));
	expect(ACK, .seq = SEQ(0), .len = MSS);
	peer(ACK, .ack = SEQ(10));
	fly(1);
	advance_ms(100);
	peer(ACK, .ack = SEQ(11));
	script_check(ca_state(), 0, "Open");
	script_check(ssthresh(), 5, "ssthresh");
	for (int w = 5, n = 11; w < 9; w++) {
		int sent;

		app_send(w * MSS);
		sent = (int)take_all();
		script_check(sent, w, "a window");
		advance_ms(100);
		for (int i = 1; i <= sent; i++)
			peer(ACK, .ack = SEQ(n + i));
		n += sent;
		script_check(cwnd(), w + 1, "cwnd");
	}
	script_finish();
}

/* -- odd peers: RFC 5681 5, RFC 3465 2.1 ------------------------------------------------------------------ */

/* ACK division: a segment acknowledged in a hundred parts is one segment. */
TEST(ack_division_opens_no_more_window)
{
	script(.seed = 20);
	given_connected_after(100, .setup = roomy);
	fly(10);
	advance_ms(100);
	for (int i = 1; i <= 100; i++)
		peer(ACK, .ack = 1 + i * MSS / 100);
	script_check(cwnd(), 11, "cwnd");
	peer(ACK, .ack = SEQ(10));
	script_check(cwnd(), 20, "cwnd");
	script_finish();
}

/* Optimistic ACKs: of what was not sent, believed not at all. */
TEST(optimistic_acks_are_not_believed)
{
	script(.seed = 21);
	given_connected_after(100, .setup = roomy);
	fly(10);
	app_send(30 * MSS);
	expect_nothing();
	for (int i = 11; i < 40; i++)
		peer(ACK, .ack = SEQ(i));
	/* One challenge ACK, no data. */
	expect(ACK);
	expect_nothing();
	script_check(cwnd(), 10, "cwnd");
	script_check(tcp_info().tcpi_unacked, 10, "in flight");
	must(mib(MIB_TCP_ACK_UNSENT) >= 29, "%llu counted", (unsigned long long)mib(MIB_TCP_ACK_UNSENT));
	peer(ACK, .ack = SEQ(10));
	(void)take_all();
	peer(ACK);
	(void)take_all();
	peer(ACK);
	script_finish();
}

/* Spoofed duplicates: no more of them count than segments are in flight. */
TEST(a_flood_of_duplicate_acks_does_not_let_a_flood_of_data_out)
{
	unsigned int n;

	script(.seed = 22);
	given_connected_after(100, .win = 60000, .setup = roomy);
	fly(10);
	app_send(40 * MSS);
	advance_ms(100);
	for (int i = 0; i < 1000; i++)
		peer(ACK, .ack = SEQ(0));
	n = take_all();
	/* The retransmission, and new data up to the peer's own window: 41 segments of it. */
	must(n <= 32, "%u segments for 1000 duplicate ACKs", n);
	must(cwnd() <= 10, "cwnd is %u", cwnd());
	must(S.f->rcv_nxt <= 60001, "beyond the window");
	script_finish();
}

/* Repeated ACKs with nothing in flight, and of what was acknowledged long ago, do nothing at all. */
TEST(an_ack_flood_on_an_idle_connection_is_silent)
{
	script(.seed = 23);
	given_connected_after(100, .setup = roomy);
	fly(10);
	advance_ms(100);
	peer(ACK);
	for (int i = 0; i < 1000; i++)
		peer(ACK);
	for (int i = 0; i < 100; i++)
		peer(ACK, .ack = SEQ(5));
	expect_nothing();
	script_check(cwnd(), 20, "cwnd");
	fly(20);
	script_finish();
}

/* SACK blocks of what was never sent, and D-SACKs from nowhere, let nothing out. */
TEST(invented_sack_blocks_are_not_believed)
{
	script(.seed = 24);
	given_connected_after(100, .sack = true, .setup = roomy);
	fly(10);
	app_send(20 * MSS);
	for (int i = 0; i < 50; i++)
		peer(ACK, .ack = SEQ(0), .sack = { { SEQ(20 + i), SEQ(21 + i) } });
	expect_nothing();
	script_check(tcp_info().tcpi_sacked, 0, "SACKed");
	script_check(tcp_info().tcpi_lost, 0, "lost");
	script_check(cwnd(), 10, "cwnd");
	script_finish();
}

SIM_MAIN("tcp-cwnd")
