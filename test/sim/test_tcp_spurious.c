/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_spurious.c - retransmissions that were for nothing are found out and taken back: F-RTO
 * (RFC 5682), Eifel (RFC 3522, 4015), D-SACK (RFC 3708).
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/tcp_sim.h"

/* -- F-RTO ----------------------------------------------------------------------------------- */

/* RFC 5682 2.1: the ACKs of the originals come after the time-out; the second one proves it. */
TEST(frto_sends_new_data_and_finds_the_time_out_spurious)
{
	script(.seed = 1);
	given_connected_after(100);
	fly(6);
	app_send(10 * MSS);
	for (int i = 6; i < 10; i++) /* the initial window */
		expect(ACK, .seq = SEQ(i), .len = MSS);
	expect_after_ms(295, 310, ACK, .seq = SEQ(0), .len = MSS);
	expect_nothing();
	script_check(cwnd(), 1, "cwnd");
	/* Step 2.b: the first ACK that advances lets two new segments go, nothing old. */
	peer(ACK, .ack = SEQ(1));
	expect(ACK, .seq = SEQ(10), .len = MSS);
	expect(ACK, .seq = SEQ(11), .len = MSS);
	expect_nothing();
	/* Step 3.b: the next acknowledges what was never sent again. */
	peer(ACK, .ack = SEQ(2));
	script_check(mib(MIB_TCP_SPURIOUS_RTOS), 1, "spurious time-outs");
	script_check(ssthresh(), SSTHRESH_NONE, "ssthresh");
	must(cwnd() >= 10, "cwnd is %u after the undo", cwnd());
	script_check(mib(MIB_TCP_RETRANS_SEGS), 1, "retransmissions");
	expect_whatever();
	peer(ACK);
	expect_whatever();
	peer(ACK);
	expect_silence_ms(2000);
	script_check(mib(MIB_TCP_RETRANS_SEGS), 1, "retransmissions");
	script_finish();
}

/* 2.1 step 3.a: a duplicate ACK follows: the loss was real, and is repaired in slow start. */
TEST(frto_duplicate_ack_shows_a_real_loss)
{
	script(.seed = 2);
	given_connected_after(100);
	fly(10);
	app_send(10 * MSS);
	expect_nothing();
	expect_after_ms(295, 310, ACK, .seq = SEQ(0), .len = MSS);
	peer(ACK, .ack = SEQ(1));
	expect(ACK, .seq = SEQ(10), .len = MSS);
	expect(ACK, .seq = SEQ(11), .len = MSS);
	expect_nothing();
	/* Segment 1 is lost as well: the two new ones bring duplicates. */
	peer(ACK, .ack = SEQ(1));
	expect(ACK, .seq = SEQ(1), .len = MSS);
	script_check(mib(MIB_TCP_SPURIOUS_RTOS), 0, "spurious time-outs");
	must(ssthresh() < 10, "ssthresh is %u", ssthresh());
	must(cwnd() <= 3, "cwnd is %u", cwnd());
	peer(ACK, .ack = SEQ(20));
	expect_whatever();
	script_finish();
}

/* 2.1 step 2.a: the first ACK covers all of it: a repaired loss, nothing is taken back. */
TEST(frto_ack_of_everything_after_the_retransmission_is_a_real_loss)
{
	script(.seed = 3);
	given_connected_after(100);
	fly(3);
	expect_after_ms(295, 310, ACK, .seq = SEQ(0), .len = MSS);
	peer(ACK, .ack = SEQ(3));
	expect_nothing();
	script_check(mib(MIB_TCP_SPURIOUS_RTOS), 0, "spurious time-outs");
	script_check(ssthresh(), 7, "ssthresh");
	script_finish();
}

/* Nothing new to send: conventional recovery goes on (2.1 step 2.b, last sentence). */
TEST(frto_without_new_data_retransmits)
{
	script(.seed = 4);
	given_connected_after(100);
	fly(6);
	expect_after_ms(295, 310, ACK, .seq = SEQ(0), .len = MSS);
	peer(ACK, .ack = SEQ(1));
	expect(ACK, .seq = SEQ(1), .len = MSS);
	expect(ACK, .seq = SEQ(2), .len = MSS);
	expect_nothing();
	peer(ACK, .ack = SEQ(6));
	expect_silence_ms(2000);
	script_finish();
}

/* 3.1: with SACK the proof may be a SACK block of what was never sent again. */
TEST(frto_sack_of_an_original_is_proof)
{
	script(.seed = 5);
	given_connected_after(100, .sack = true);
	fly(10);
	/* The tail loss probe (RFC 8985 7) comes first, then the time-out. */
	expect_after_ms(195, 215, ACK, .seq = SEQ(9), .len = MSS);
	expect_after_ms(250, 320, ACK, .seq = SEQ(0), .len = MSS);
	expect_nothing();
	script_check(ca_state(), 4, "Loss");
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(2) } });
	script_check(mib(MIB_TCP_SPURIOUS_RTOS), 1, "spurious time-outs");
	must(cwnd() >= 10, "cwnd is %u", cwnd());
	expect_whatever();
	peer(ACK, .ack = SEQ(10));
	expect_silence_ms(1000);
	script_finish();
}

/* -- Eifel ------------------------------------------------------------------------------------ */

#define TSMSS 1448
#define TSEQ(k) (1 + (k) * TSMSS)

static void fly_ts(int n)
{
	app_send(n * TSMSS);
	for (int i = 0; i < n; i++)
		expect(ACK, .len = TSMSS);
	expect_nothing();
}

/* RFC 3522 3.2: the first ACK after a time-out echoes the original's timestamp: undone at once. */
TEST(eifel_takes_a_spurious_time_out_back)
{
	uint32_t ts;

	script(.seed = 10);
	given_connected_after(100, .ts = true);
	fly_ts(6);
	ts = S.f->stack_tsval;
	expect_after_ms(295, 310, ACK, .seq = TSEQ(0), .len = TSMSS);
	script_check(cwnd(), 1, "cwnd");
	peer(ACK, .ack = TSEQ(1), .tsecr = ts);
	script_check(mib(MIB_TCP_LOSS_UNDO), 1, "undone");
	script_check(ssthresh(), SSTHRESH_NONE, "ssthresh");
	must(cwnd() >= 10, "cwnd is %u", cwnd());
	/* The rest is in flight, not lost. */
	expect_nothing();
	peer(ACK, .ack = TSEQ(6), .tsecr = ts);
	expect_silence_ms(1000);
	script_check(mib(MIB_TCP_RETRANS_SEGS), 1, "retransmissions");
	script_finish();
}

/* The retransmission's own timestamp proves nothing. */
TEST(eifel_believes_in_a_loss_if_the_retransmission_is_echoed)
{
	script(.seed = 11);
	given_connected_after(100, .ts = true);
	fly_ts(6);
	expect_after_ms(295, 310, ACK, .seq = TSEQ(0), .len = TSMSS);
	peer(ACK, .ack = TSEQ(1));
	script_check(mib(MIB_TCP_SPURIOUS_RTOS), 0, "spurious time-outs");
	script_check(ssthresh(), 7, "ssthresh");
	expect_whatever();
	peer(ACK, .ack = TSEQ(6));
	expect_silence_ms(2000);
	script_finish();
}

/* A fast retransmission made by reordering: the ACK of the late original ends it, in the middle too. */
TEST(eifel_takes_a_spurious_fast_retransmission_back)
{
	uint32_t ts;

	script(.seed = 12);
	given_connected_after(100, .ts = true, .sack = true);
	fly_ts(10);
	ts = S.f->stack_tsval;
	advance_ms(100);
	peer(ACK, .ack = TSEQ(0), .tsecr = ts, .sack = { { TSEQ(1), TSEQ(4) } });
	expect(ACK, .seq = TSEQ(0), .len = TSMSS);
	expect_nothing();
	script_check(ca_state(), 3, "Recovery");
	must(ssthresh() <= 7, "ssthresh is %u", ssthresh());
	advance_ms(10);
	/* The original came; segments 4 to 9 are still on their way: a partial ACK. */
	peer(ACK, .ack = TSEQ(4), .tsecr = ts);
	script_check(ca_state(), 0, "Open");
	script_check(ssthresh(), SSTHRESH_NONE, "ssthresh");
	must(cwnd() >= 10, "cwnd is %u", cwnd());
	script_check(mib(MIB_TCP_PARTIAL_UNDO), 1, "undone");
	expect_nothing();
	peer(ACK, .ack = TSEQ(10), .tsecr = ts);
	expect_silence_ms(1000);
	script_finish();
}

/* -- D-SACK -------------------------------------------------------------------------------------- */

/* RFC 3708 3: both copies arrived, the peer says so after the recovery has ended. */
TEST(dsack_takes_a_spurious_fast_retransmission_back)
{
	script(.seed = 20);
	given_connected_after(100, .sack = true);
	fly(10);
	advance_ms(100);
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(1), SEQ(4) } });
	expect(ACK, .seq = SEQ(0), .len = MSS);
	script_check(ca_state(), 3, "Recovery");
	peer(ACK, .ack = SEQ(10));
	must(cwnd() <= 8, "cwnd is %u after the recovery", cwnd());
	expect_nothing();
	peer(ACK, .ack = SEQ(10), .sack = { { SEQ(0), SEQ(1) } });
	must(cwnd() >= 10, "cwnd is %u", cwnd());
	script_check(ssthresh(), SSTHRESH_NONE, "ssthresh");
	script_check(mib(MIB_TCP_DSACK_UNDO), 1, "undone");
	script_finish();
}

/* Two retransmissions, of which one was needed: nothing is taken back. */
TEST(dsack_of_only_one_of_two_retransmissions_undoes_nothing)
{
	script(.seed = 21);
	given_connected_after(100, .sack = true);
	fly(10);
	advance_ms(100);
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(2), SEQ(8) } });
	expect(ACK, .seq = SEQ(0), .len = MSS);
	peer(ACK, .ack = SEQ(0), .sack = { { SEQ(2), SEQ(9) } });
	expect(ACK, .seq = SEQ(1), .len = MSS);
	peer(ACK, .ack = SEQ(10));
	peer(ACK, .ack = SEQ(10), .sack = { { SEQ(0), SEQ(1) } });
	script_check(mib(MIB_TCP_DSACK_UNDO), 0, "undone");
	must(cwnd() <= 8, "cwnd is %u", cwnd());
	script_finish();
}

SIM_MAIN("tcp-spurious")
