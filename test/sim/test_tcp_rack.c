/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_rack.c - losses found by time (RACK-TLP, RFC 8985), repaired at a measured rate (PRR, RFC
 * 6937), and a peer that takes its SACKs back.
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/tcp_sim.h"

/* A connection of 100 ms, on which ten segments were sent 100 ms ago. */
static void given_ten_in_flight(void)
{
	given_connected_after(100, .sack = true);
	fly(10);
	advance_ms(100);
}

/* Segment 1 overtook segment 0: the path reorders.  Ten are in flight again, from 2 on. */
static void given_reordering_seen(void)
{
	given_ten_in_flight();
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(2) } });
	expect_nothing();
	peer(ACK, .ack = SEQ(10));
	expect_nothing();
	script_check(mib(MIB_TCP_RETRANS_SEGS), 0, "retransmissions");
	advance_ms(1);
	fly(10);
	advance_ms(100);
}

/* -- the reordering window -------------------------------------------------------------------- */

/* RFC 8985 6.2 step 4: no reordering seen, three segments SACKed: at once. */
TEST(rack_retransmits_at_once_on_three_sacks)
{
	script(.seed = 1);
	given_ten_in_flight();
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(3) } });
	expect_nothing();
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(4) } });
	expect(ACK, .seq = SEQ(0), .len = MSS);
	expect_nothing();
	peer(ACK, .ack = SEQ(10));
	script_finish();
}

/* Step 4, 5: less than three: after a quarter of the least round trip. */
TEST(rack_retransmits_a_quarter_of_a_round_trip_after_one_sack)
{
	script(.seed = 2);
	given_ten_in_flight();
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(2) } });
	expect_nothing();
	expect_after_ms(24, 28, ACK, .seq = SEQ(0), .len = MSS);
	expect_nothing();
	peer(ACK, .ack = SEQ(10));
	script_finish();
}

/* Step 4: on a path that reorders, the window holds whatever is SACKed. */
TEST(rack_waits_where_reordering_was_seen)
{
	script(.seed = 3);
	given_reordering_seen();
	peer(ACK, .ack = SEQ(10), .sack = { { SEQ(11), SEQ(18) } });
	expect_nothing();
	expect_after_ms(24, 28, ACK, .seq = SEQ(10), .len = MSS);
	peer(ACK, .ack = SEQ(20));
	script_finish();
}

/* What comes within the window costs nothing. */
TEST(rack_reordering_within_the_window_is_no_loss)
{
	script(.seed = 4);
	given_reordering_seen();
	peer(ACK, .ack = SEQ(10), .sack = { { SEQ(11), SEQ(18) } });
	expect_nothing();
	advance_ms(20);
	peer(ACK, .ack = SEQ(18));
	expect_silence_ms(20);
	peer(ACK, .ack = SEQ(20));
	expect_silence_ms(1000);
	script_check(mib(MIB_TCP_RETRANS_SEGS), 0, "retransmissions");
	script_check(ssthresh(), SSTHRESH_NONE, "ssthresh");
	script_finish();
}

/* Of the ten in flight the first is late and is sent again after ms; both copies arrive, and D-SACK says so. */
static void needless_recovery(int first, double ms)
{
	peer(ACK, .ack = SEQ(first), .sack = { { SEQ(first + 1), SEQ(first + 8) } });
	expect_after_ms(ms - 1, ms + 3, ACK, .seq = SEQ(first), .len = MSS);
	expect_nothing();
	advance_ms(1);
	peer(ACK, .ack = SEQ(first + 10));
	advance_ms(99);
	peer(ACK, .ack = SEQ(first + 10), .sack = { { SEQ(first), SEQ(first + 1) } });
	expect_nothing();
	fly(10);
	advance_ms(100);
}

/* Step 4: each round trip with a D-SACK widens it by a quarter, up to SRTT. */
TEST(rack_dsack_widens_the_reordering_window)
{
	script(.seed = 5);
	given_reordering_seen();
	needless_recovery(10, 25);
	needless_recovery(20, 50);
	needless_recovery(30, 75);
	peer(ACK, .ack = SEQ(50));
	expect_nothing();
	script_check(tcp_info().tcpi_total_retrans, 3, "retransmissions");
	script_finish();
}

/* Step 5: a segment sent later was delivered: the retransmission was lost as well. */
TEST(rack_finds_a_lost_retransmission)
{
	script(.seed = 6);
	given_connected_after(100, .sack = true);
	fly(10);
	app_send(10 * MSS);
	advance_ms(100);
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(4) } });
	expect(ACK, .seq = SEQ(0), .len = MSS);
	expect_whatever();
	advance_ms(10);
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(10) } });
	expect_whatever(); /* new data goes, after the retransmission */
	must(S.f->rcv_nxt > (uint32_t)SEQ(10), "no new data was sent in recovery");
	advance_ms(100);
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), S.f->rcv_nxt } });
	advance_ms(30);
	{
		struct script_seen s;
		bool again = false;

		while (script_next(&s)) {
			again |= s.info.tcp.seq - S.f->stack_iss == (uint32_t)SEQ(0);
			free(s.bytes);
		}
		must(again, "the lost retransmission was not found");
	}
	script_check(mib(MIB_TCP_TIMEOUTS), 0, "time-outs");
	script_finish();
}

/* RFC 8985 6.3, RACK_mark_losses_on_RTO(): what was sent lately is not lost yet. */
TEST(rack_time_out_spares_what_was_sent_lately)
{
	script(.seed = 7);
	given_connected_after(100, .sack = true);
	fly(4);
	advance_ms(100);
	peer(ACK, .ack = SEQ(2)); /* a round trip is known */
	expect_after_ms(200, 215, ACK, .seq = SEQ(3), .len = MSS); /* the probe */
	advance_ms(250);
	app_send(3 * MSS);
	for (int i = 4; i < 7; i++)
		expect(ACK, .seq = SEQ(i), .len = MSS);
	expect_after_ms(1, 80, ACK, .seq = SEQ(2), .len = MSS);
	expect_nothing();
	script_check(ca_state(), 4, "Loss");
	script_check(tcp_info().tcpi_lost, 2, "lost");
	peer(ACK, .ack = SEQ(7));
	expect_silence_ms(2000);
	script_check(mib(MIB_TCP_RETRANS_SEGS), 2, "retransmissions");
	script_finish();
}

/* -- tail loss probes ---------------------------------------------------------------------------- */

/* RFC 8985 7.3: new data is the better probe. */
TEST(tlp_sends_new_data_if_there_is_some)
{
	script(.seed = 10);
	given_connected_after(100, .sack = true);
	app_send(12 * MSS);
	for (int i = 0; i < 10; i++)
		expect(ACK, .seq = SEQ(i), .len = MSS);
	expect_after_ms(198, 212, ACK, .seq = SEQ(10), .len = MSS);
	expect_nothing();
	script_check(mib(MIB_TCP_LOSS_PROBES), 1, "probes");
	script_check(mib(MIB_TCP_RETRANS_SEGS), 0, "retransmissions");
	peer(ACK, .ack = SEQ(11));
	expect_whatever();
	peer(ACK);
	script_finish();
}

/* 7.2: a lone segment's ACK may be delayed: the probe waits for that. */
TEST(tlp_of_a_lone_segment_waits_for_a_delayed_ack)
{
	script(.seed = 11);
	given_connected_after(20, .sack = true);
	fly(1);
	/* 2 * SRTT + 200 ms, but not later than the RTO of 220 ms. */
	expect_after_ms(215, 230, ACK, .seq = SEQ(0), .len = MSS);
	script_check(mib(MIB_TCP_LOSS_PROBES), 1, "probes");
	peer(ACK);
	script_finish();
}

/* 7.2: without a round trip's measure, after a second. */
TEST(tlp_without_a_round_trip_comes_after_a_second)
{
	script(.seed = 12);
	given_connecting();
	expect(SYN, .seq = 0);
	expect_after_ms(990, 1030, SYN, .seq = 0);
	peer_synack(.sack = true);
	expect(ACK);
	fly(2);
	expect_after_ms(990, 1020, ACK, .seq = SEQ(1), .len = MSS);
	script_check(mib(MIB_TCP_LOSS_PROBES), 1, "probes");
	peer(ACK);
	script_finish();
}

/* 7.4.2: the probe repaired a loss: congestion control hears of it. */
TEST(tlp_that_repairs_a_loss_reduces_the_window)
{
	script(.seed = 13);
	given_connected_after(100, .sack = true);
	fly(10);
	advance_ms(100);
	peer(ACK, .ack = SEQ(9));
	expect_after_ms(195, 320, ACK, .seq = SEQ(9), .len = MSS);
	peer(ACK, .ack = SEQ(10));
	expect_nothing();
	script_check(mib(MIB_TCP_LOSS_PROBE_RECOVERY), 0, "no proof yet");
	/* One ACK and no D-SACK: one copy was lost.  An ACK beyond the probe's end settles it. */
	fly(1);
	peer(ACK, .ack = SEQ(11));
	script_check(mib(MIB_TCP_LOSS_PROBE_RECOVERY), 1, "repaired losses");
	must(ssthresh() < 100, "ssthresh is %u", ssthresh());
	script_finish();
}

/* 7.4.2: original and probe both arrived: D-SACK. */
TEST(tlp_that_was_needless_costs_nothing)
{
	script(.seed = 14);
	given_connected_after(100, .sack = true);
	fly(10);
	advance_ms(100);
	peer(ACK, .ack = SEQ(9));
	expect_after_ms(195, 320, ACK, .seq = SEQ(9), .len = MSS);
	peer(ACK, .ack = SEQ(10));
	peer(ACK, .ack = SEQ(10), .sack = { { SEQ(9), SEQ(10) } });
	fly(1);
	peer(ACK, .ack = SEQ(11));
	script_check(mib(MIB_TCP_LOSS_PROBE_RECOVERY), 0, "repaired losses");
	script_check(ssthresh(), SSTHRESH_NONE, "ssthresh");
	script_finish();
}

/* -- limited transmit, PRR --------------------------------------------------------------------- */

/* RFC 3042 with SACK: what is SACKed has left the network, new data takes its place. */
TEST(limited_transmit_with_sack)
{
	script(.seed = 20);
	given_connected_after(100, .sack = true);
	app_send(20 * MSS);
	for (int i = 0; i < 10; i++)
		expect(ACK, .seq = SEQ(i), .len = MSS);
	advance_ms(100);
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(2) } });
	expect(ACK, .seq = SEQ(10), .len = MSS);
	expect_nothing();
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(3) } });
	expect(ACK, .seq = SEQ(11), .len = MSS);
	expect_nothing();
	script_check(cwnd(), 10, "cwnd");
	peer(ACK, .ack = SEQ(12));
	expect_whatever();
	peer(ACK);
	expect_whatever();
	script_finish();
}

/* NewReno, with room for all that these tests write. */
static void use_reno(struct conn *c)
{
	script_check(conn_setint(c, SOL_SOCKET, SO_SNDBUF, 1 << 20), 0, "SO_SNDBUF");
	script_check(socket_setsockopt(c->node->st, c->so, IPPROTO_TCP, TCP_CONGESTION, "reno", 4,
				       c->world->now),
		     0, "TCP_CONGESTION");
}

static unsigned int take_all(void)
{
	struct script_seen s;
	unsigned int n = 0;

	while (script_next(&s)) {
		uint32_t end = s.info.tcp.seq + s.info.tcp.len - S.f->stack_iss;

		if ((int32_t)(end - S.f->rcv_nxt) > 0)
			S.f->rcv_nxt = end;
		n++;
		free(s.bytes);
	}
	return n;
}

static void given_window_of_twenty(void)
{
	fly(10);
	advance_ms(100);
	for (int i = 2; i <= 10; i += 2)
		peer(ACK, .ack = SEQ(i));
	script_check(cwnd(), 20, "cwnd");
}

/*
 * RFC 6937 3: one of twenty is lost.  Each ACK lets about half a segment go (ssthresh / RecoverFS),
 * evenly over the round trip, and in the end cwnd is ssthresh.
 */
TEST(prr_spreads_the_reduction_over_the_round_trip)
{
	unsigned int sent = 0, n;

	script(.seed = 21);
	given_connected_after(100, .sack = true, .setup = use_reno);
	given_window_of_twenty();
	app_send(40 * MSS);
	app_send(20 * MSS);
	script_check(take_all(), 20, "in flight");
	advance_ms(100);
	/* 10 is lost; 11 to 29 are SACKed one by one. */
	for (int i = 11; i < 30; i++) {
		peer(ACK, .ack = SEQ(10), .sack = { { SEQ(11), SEQ(i + 1) } });
		n = take_all();
		must(n <= 2, "%u segments on one ACK", n);
		sent += n;
		if (i == 13)
			script_check(ca_state(), 3, "Recovery");
	}
	script_check(ssthresh(), 10, "ssthresh");
	/* 19 delivered: half of them, and the retransmission and two of limited transmit above that. */
	must(sent >= 9 && sent <= 12, "%u segments sent in recovery", sent);
	peer(ACK); /* with what limited transmit sent */
	script_check(ca_state(), 0, "Open");
	must(cwnd() == 10 || cwnd() == 11, "cwnd is %u", cwnd());
	(void)take_all();
	script_finish();
}

/* PRR-SSRB: most of the window is lost: slow start back up to ssthresh, not a burst. */
TEST(prr_grows_by_what_was_delivered_when_much_is_lost)
{
	unsigned int n;

	script(.seed = 22);
	given_connected_after(100, .sack = true, .setup = use_reno);
	given_window_of_twenty();
	app_send(40 * MSS);
	app_send(20 * MSS);
	script_check(take_all(), 20, "in flight");
	advance_ms(100);
	/* 10 to 26 are lost. */
	peer(ACK, .ack = SEQ(10), .sack = { { SEQ(27), SEQ(30) } });
	n = take_all();
	must(n >= 1 && n <= 4, "%u segments at the start of the recovery", n);
	script_check(ssthresh(), 10, "ssthresh");
	for (int i = 0; i < 3; i++) {
		advance_ms(100);
		peer(ACK, .ack = SEQ(11 + i), .sack = { { SEQ(27), SEQ(30) } });
		n = take_all();
		must(n >= 1 && n <= 3, "%u segments on ACK %d", n, i);
	}
	must(cwnd() <= 10, "cwnd is %u", cwnd());
	peer(ACK, .ack = S.f->rcv_nxt);
	(void)take_all();
	script_finish();
}

/* -- reneging: RFC 2018 8 -------------------------------------------------------------------------- */

/* The peer drops what it SACKed and never acknowledges it: after a time-out it is sent again. */
TEST(reneging_is_survived)
{
	script(.seed = 30);
	given_ten_in_flight();
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(10) } });
	expect(ACK, .seq = SEQ(0), .len = MSS);
	/* Segment 0 arrives; what waited behind it is gone. */
	peer(ACK, .ack = SEQ(1));
	for (int i = 1; i < 10; i++) {
		expect_after_ms(0, 1000, ACK, .seq = SEQ(i), .len = MSS);
		peer(ACK, .ack = SEQ(i + 1));
	}
	script_check(mib(MIB_TCP_SACK_RENEGING), 1, "reneging");
	expect_silence_ms(5000);
	app_error(0);
	script_finish();
}

SIM_MAIN("tcp-rack")
