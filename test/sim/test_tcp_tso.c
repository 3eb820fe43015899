/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_tso.c - segmentation offload: what leaves as one super-packet, and what does not.
 *
 * The link cuts as a NIC does, having looked at what it was given (wire/tso.c); so the peer sees
 * segments, and super_packets() tells how they were handed down.
 */
#include "stack/core/mib.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

#define MSS 1460

static uint64_t super_packets(void)
{
	return S.wire->ports[0].stats.super_packets;
}

static void expect_segments(unsigned int n)
{
	while (n-- > 0)
		expect(ACK, .len = MSS);
}

TEST(a_burst_leaves_as_one_super_packet)
{
	uint64_t segs;

	script(.seed = 1, .caps = NETIF_TX_TSO);
	given_accepted();
	segs = mib(MIB_TCP_OUT_SEGS);
	app_send(10 * MSS);
	expect_segments(10);
	expect_nothing();
	script_check(super_packets(), 1, "super-packets");
	/* RFC 4022: what TCP sent are segments. */
	script_check(mib(MIB_TCP_OUT_SEGS) - segs, 10, "segments");
	peer(ACK);
	script_finish();
}

/* With the link's checksum of the IPv4 header, with options, a short one at the end. */
TEST(headers_of_a_super_packet_are_what_ethdev_demands)
{
	script(.seed = 2, .caps = NETIF_TX_TSO | NETIF_TX_IP4_CSUM);
	given_accepted(.ts = true, .sack = true);
	app_send(4 * (MSS - 12) + 100);
	for (unsigned int i = 0; i < 4; i++)
		expect(ACK, .len = MSS - 12);
	expect(ACK, .len = 100, .psh = 1);
	expect_nothing();
	script_check(super_packets(), 1, "super-packets");
	peer(ACK);
	script_finish();
}

TEST(psh_and_fin_are_on_the_last)
{
	script(.seed = 3, .caps = NETIF_TX_TSO);
	given_accepted();
	app_send(12 * MSS);
	expect_segments(10);
	app_shutdown(SHUT_WR);
	expect_nothing();
	peer(ACK);
	expect(ACK, .len = MSS, .psh = 0);
	expect(FINACK, .len = MSS, .psh = 1);
	expect_nothing();
	script_check(super_packets(), 2, "super-packets");
	peer(ACK);
	script_finish();
}

static void ecn_on(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->ecn = true;
}

/* RFC 3168 6.1.2: on the first new data packet after the window was reduced. */
TEST(cwr_is_on_the_first_segment_only)
{
	unsigned int n = 0, cwr = 0;
	struct script_seen s;

	script(.seed = 4, .caps = NETIF_TX_TSO, .tune = ecn_on);
	given_connecting();
	expect(SYN, .seq = 0, .ece = 1, .cwr = 1);
	peer(SYNACK, .seq = 0, .ack = 1, .mss = MSS, .ece = 1);
	expect(ACK);
	app_send(30 * MSS);
	expect_segments(10);
	peer(ACK, .ack = 1 + 10 * MSS, .ece = 1);
	while (script_next(&s)) {
		if (s.info.tcp.flags & TCP_CWR)
			script_check(n, 0, "segments before the one with CWR");
		cwr += !!(s.info.tcp.flags & TCP_CWR);
		n++;
	}
	script_check(cwr, 1, "segments with CWR");
	script_check(n > 2, true, "more than the one with CWR leave");
	script_check(super_packets(), 2, "super-packets");
	script_finish();
}

TEST(retransmission_after_tso_loses_one_segment_only)
{
	script(.seed = 5, .caps = NETIF_TX_TSO);
	given_accepted(.sack = true);
	app_send(10 * MSS);
	expect_segments(10);
	peer(ACK, .ack = 1, .sack = { { 1 + MSS, 1 + 10 * MSS } });
	expect_after_ms(0, 300, ACK, .seq = 1, .len = MSS);
	expect_nothing();
	peer(ACK, .ack = 1 + 10 * MSS);
	expect_silence_ms(2000);
	script_check(mib(MIB_TCP_RETRANS_SEGS), 1, "segments sent again");
	script_check(super_packets(), 1, "super-packets");
	script_finish();
}

TEST(a_super_packet_fits_cwnd_and_the_peers_window)
{
	script(.seed = 6, .caps = NETIF_TX_TSO);
	given_accepted(.win = 4 * MSS + 100);
	app_send(20 * MSS);
	expect_segments(4);
	expect_nothing();
	peer(ACK, .win = 65535);
	/* cwnd: ten, for it was not what held it back. */
	expect_segments(10);
	expect_nothing();
	/* Of the four, two were written first, half of the window: they went while the rest was copied. */
	script_check(super_packets(), 3, "super-packets");
	peer(ACK, .win = 65535);
	expect_segments(6);
	peer(ACK);
	script_finish();
}

/* RFC 9293 3.7.4: the short end waits while a short segment is in flight. */
TEST(nagle_holds_the_short_end_of_a_burst_back)
{
	script(.seed = 7, .caps = NETIF_TX_TSO);
	given_accepted();
	app_send(100);
	expect(ACK, .len = 100);
	app_send(3 * MSS + 100);
	expect_segments(3);
	expect_nothing();
	script_check(super_packets(), 1, "super-packets");
	peer(ACK);
	expect(ACK, .len = 100);
	peer(ACK);
	script_finish();
}

TEST(a_link_that_takes_few_pieces_gets_short_chains)
{
	script(.seed = 8, .caps = NETIF_TX_TSO);
	S.node->nif->tso_segs = 4;
	given_accepted();
	app_send(10 * MSS);
	expect_segments(10);
	script_check(super_packets(), 3, "super-packets");
	peer(ACK);
	script_finish();
}

/* RFC 9293 3.8.5: the urgent pointer counts from each segment's own number. */
TEST(urgent_data_leaves_in_single_segments)
{
	script(.seed = 9, .caps = NETIF_TX_TSO);
	given_accepted();
	app_send_flags(4 * MSS, MSG_OOB);
	for (unsigned int i = 0; i < 4; i++)
		expect(URGACK, .len = MSS, .urg = (4 - i) * MSS);
	script_check(super_packets(), 0, "super-packets");
	peer(ACK);
	script_finish();
}

/*
 * A NIC that completes late: segments leave the queue while the chain is still its own, are sent
 * again as copies, and come back in the end (script_finish() counts the mbufs).
 */
TEST(segments_of_a_chain_may_be_acknowledged_while_the_link_has_it)
{
	script(.seed = 10, .caps = NETIF_TX_TSO, .late_dma = true);
	given_accepted(.sack = true);
	S.wire->ports[0].tx.rate_bps = 1000000;
	app_send(10 * MSS);
	advance_ms(40);
	expect_segments(2);
	peer(ACK, .ack = 1 + 2 * MSS);
	advance_ms(40);
	expect_whatever();
	peer(ACK, .ack = 1 + 2 * MSS, .sack = { { 1 + 5 * MSS, 1 + 6 * MSS } });
	advance_ms(3000);
	expect_whatever();
	peer(ACK);
	advance_ms(3000);
	expect_whatever();
	script_check(super_packets() >= 1, true, "super-packets");
	script_finish();
}

/* SO_MAX_PACING_RATE: a chain holds a millisecond of the rate, as Linux's tcp_tso_autosize(). */
TEST(a_paced_connection_sends_short_chains)
{
	script(.seed = 11, .caps = NETIF_TX_TSO);
	given_accepted();
	app_setint(SOL_SOCKET, SO_MAX_PACING_RATE, 4 * MSS * 1024);
	app_send(10 * MSS);
	expect_whatever();
	peer(ACK);
	app_send(12 * MSS);
	advance_ms(20);
	expect_segments(12);
	/* Ten before there is a rate to speak of, of which four go at once; then fours. */
	script_check(super_packets() >= 5 && super_packets() <= 7, true, "super-packets");
	peer(ACK);
	script_finish();
}

TEST(without_the_capability_every_segment_leaves_alone)
{
	script(.seed = 12, .caps = NETIF_TX_MULTI_SEG | NETIF_TX_TCP_CSUM);
	given_accepted();
	app_send(10 * MSS);
	expect_segments(10);
	script_check(super_packets(), 0, "super-packets");
	peer(ACK);
	script_finish();
}

SIM_MAIN("tcp-tso")
