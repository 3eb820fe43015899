/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_ecn.c - explicit congestion notification, RFC 3168 6.1. */
#define SIM_BOTH_FAMILIES
#include "test/sim/tcp_sim.h"

enum { NOT_ECT = 0, ECT0 = 2, CE = 3 };

static void ecn_on(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->ecn = true;
}

/* Connected with ECN agreed; the round trip is 100 ms. */
static void given_ecn(uint64_t seed, bool sack)
{
	script(.seed = seed, .tune = ecn_on);
	given_connecting();
	expect(SYN, .seq = 0, .ece = 1, .cwr = 1, .ecn = NOT_ECT);
	advance_ms(100);
	peer(SYNACK, .seq = 0, .ack = 1, .mss = MSS, .ece = 1, .sackok = sack ? 1 : NONE);
	S.f->sack = sack;
	expect(ACK, .ecn = NOT_ECT);
}

/* -- who is marked -------------------------------------------------------------------------------- */

/* 6.1.4, 6.1.5: new data is ECT; SYN, pure ACKs and retransmissions are not. */
TEST(ecn_marks_new_data_only)
{
	given_ecn(1, false);
	app_send(MSS);
	expect(ACK, .len = MSS, .ecn = ECT0, .ece = 0, .cwr = 0);
	expect_after_ms(290, 320, ACK, .seq = SEQ(0), .len = MSS, .ecn = NOT_ECT);
	peer(ACK);
	peer(ACK, .len = 10);
	expect(ACK, .ecn = NOT_ECT, .ece = 0);
	script_finish();
}

/* Not asked for, not done: Linux's default is to answer only. */
TEST(ecn_is_not_asked_for_by_default)
{
	script(.seed = 2);
	given_connecting();
	expect(SYN, .seq = 0, .ece = 0, .cwr = 0);
	peer(SYNACK, .seq = 0, .ack = 1, .mss = MSS, .ece = 1);
	expect(ACK);
	app_send(100);
	expect(ACK, .len = 100, .ecn = NOT_ECT);
	peer(ACK);
	script_finish();
}

/* 6.1.1: a SYN-ACK with both bits, as an old host reflects them, is no agreement. */
TEST(ecn_reflected_bits_are_no_agreement)
{
	script(.seed = 3, .tune = ecn_on);
	given_connecting();
	expect(SYN, .seq = 0, .ece = 1, .cwr = 1);
	peer(SYNACK, .seq = 0, .ack = 1, .mss = MSS, .ece = 1, .cwr = 1);
	expect(ACK);
	app_send(100);
	expect(ACK, .len = 100, .ecn = NOT_ECT);
	peer(ACK);
	script_finish();
}

/* 6.1.1.1: a path that drops ECN-setup SYNs gets plain ones. */
TEST(ecn_is_given_up_if_the_setup_syn_is_lost)
{
	script(.seed = 4, .tune = ecn_on);
	given_connecting();
	expect(SYN, .seq = 0, .ece = 1, .cwr = 1);
	expect_after_ms(990, 1030, SYN, .seq = 0, .ece = 0, .cwr = 0);
	/* What was not asked for again is not agreed on. */
	peer(SYNACK, .seq = 0, .ack = 1, .mss = MSS, .ece = 1);
	expect(ACK);
	app_send(100);
	expect(ACK, .len = 100, .ecn = NOT_ECT);
	peer(ACK);
	script_finish();
}

/* 6.1.1: the passive side answers with ECE, and its data is ECT. */
TEST(ecn_is_agreed_to_when_the_peer_asks)
{
	script(.seed = 5);
	given_listening();
	peer(SYN, .seq = 0, .mss = MSS, .ece = 1, .cwr = 1);
	expect(SYNACK, .seq = 0, .ece = 1, .cwr = 0, .ecn = NOT_ECT);
	peer(ACK, .seq = 1, .ack = 1);
	app_accept();
	app_send(100);
	expect(ACK, .len = 100, .ecn = ECT0);
	peer(ACK);
	must((tcp_info().tcpi_options & TCPI_OPT_ECN) != 0, "TCP_INFO does not tell");
	script_finish();
}

/* -- the receiver: 6.1.3 ---------------------------------------------------------------------------- */

/* CE is echoed in every ACK, those on data too, until CWR comes. */
TEST(ce_is_echoed_until_cwr)
{
	given_ecn(10, false);
	peer(ACK, .len = 100, .ecn = ECT0);
	expect(ACK, .ece = 0);
	peer(ACK, .len = 100, .ecn = CE);
	expect(ACK, .ece = 1);
	peer(ACK, .len = 100, .ecn = ECT0);
	expect(ACK, .ece = 1);
	app_recv(1000, 300);
	app_send(50);
	expect(ACK, .len = 50, .ece = 1);
	peer(ACK, .len = 100, .ecn = ECT0, .cwr = 1);
	advance_ms(50);
	expect(ACK, .ece = 0);
	peer(ACK, .len = 100, .ecn = ECT0);
	advance_ms(50);
	expect(ACK, .ece = 0);
	must((tcp_info().tcpi_options & TCPI_OPT_ECN_SEEN) != 0, "TCP_INFO does not tell");
	script_finish();
}

/* The segment that says CWR may itself have met congestion: the echo begins anew. */
TEST(ce_together_with_cwr_is_echoed_again)
{
	given_ecn(11, false);
	peer(ACK, .len = 100, .ecn = CE);
	expect(ACK, .ece = 1);
	peer(ACK, .len = 100, .ecn = CE, .cwr = 1);
	expect(ACK, .ece = 1);
	peer(ACK, .len = 100, .ecn = ECT0, .cwr = 1);
	advance_ms(50);
	expect(ACK, .ece = 0);
	script_finish();
}

/* Without an agreement the bits of the IP header mean nothing. */
TEST(ce_without_ecn_is_ignored)
{
	script(.seed = 12);
	given_connected();
	peer(ACK, .len = 100, .ecn = CE);
	expect(ACK, .ece = 0);
	app_send(10);
	expect(ACK, .len = 10, .ece = 0, .ecn = NOT_ECT);
	peer(ACK, .ece = 1);
	script_check(ssthresh(), SSTHRESH_NONE, "ssthresh");
	script_finish();
}

/* -- the sender: 6.1.2 --------------------------------------------------------------------------------- */

/* ECE reduces as a loss does, once per window; the next new data says CWR, once. */
TEST(ece_reduces_the_window_once_per_round_trip_and_cwr_says_so)
{
	given_ecn(20, true);
	fly(10);
	advance_ms(100);
	for (int i = 1; i < 10; i++)
		peer(ACK, .ack = SEQ(i), .ece = 1);
	script_check(ca_state(), 2, "CWR");
	script_check(ssthresh(), 7, "ssthresh");
	must(cwnd() <= 8, "cwnd is %u", cwnd());
	app_send(2 * MSS);
	expect(ACK, .seq = SEQ(10), .len = MSS, .cwr = 1, .ecn = ECT0);
	expect(ACK, .seq = SEQ(11), .len = MSS, .cwr = 0, .ecn = ECT0);
	expect_nothing();
	/* The rest of that window still says ECE. */
	peer(ACK, .ack = SEQ(10), .ece = 1);
	script_check(ssthresh(), 7, "ssthresh");
	/* What the receiver echoes of the next window is news. */
	advance_ms(100);
	peer(ACK, .ack = SEQ(12));
	script_check(ca_state(), 0, "Open");
	must(cwnd() >= 5 && cwnd() <= 8, "cwnd is %u", cwnd());
	fly(4);
	advance_ms(100);
	peer(ACK, .ack = SEQ(14), .ece = 1);
	must(ssthresh() < 7, "ssthresh is %u", ssthresh());
	script_check(mib(MIB_TCP_RETRANS_SEGS), 0, "retransmissions");
	must(tcp_info().tcpi_retransmits == 0, "retransmits");
	peer(ACK);
	script_finish();
}

/* 6.1.2: a loss is told with CWR as well. */
TEST(a_loss_is_told_with_cwr)
{
	given_ecn(21, true);
	app_send(12 * MSS);
	for (int i = 0; i < 10; i++)
		expect(ACK, .seq = SEQ(i), .len = MSS, .ecn = ECT0);
	advance_ms(100);
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(9) } });
	/* The retransmission is not ECT and cannot say it; the new data behind it does. */
	expect(ACK, .seq = SEQ(0), .len = MSS, .ecn = NOT_ECT, .cwr = 0);
	expect(ACK, .seq = SEQ(10), .len = MSS, .ecn = ECT0, .cwr = 1);
	expect_whatever();
	peer(ACK, .ack = SEQ(12));
	script_finish();
}

/* ECE on a SYN's ACK or in an old segment reduces nothing twice: the counter of Linux shows what met CE. */
TEST(delivered_ce_counts_what_was_acknowledged_with_ece)
{
	uint32_t info[64] = { 0 };
	socklen_t len = sizeof(info);

	given_ecn(22, true);
	fly(6);
	advance_ms(100);
	peer(ACK, .ack = SEQ(2));
	peer(ACK, .ack = SEQ(5), .ece = 1);
	peer(ACK, .ack = SEQ(6));
	script_check(socket_getsockopt(S.node->st, S.c->so, IPPROTO_TCP, TCP_INFO, info, &len,
				       S.world->now),
		     0, "TCP_INFO");
	script_check(info[192 / 4], 7, "tcpi_delivered"); /* offsets in linux/tcp.h */
	script_check(info[196 / 4], 3, "tcpi_delivered_ce");
	script_finish();
}

SIM_MAIN("tcp-ecn")
