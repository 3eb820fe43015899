/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_quickack.c - when ACKs are delayed, and when the peer should not wait (Linux's quick ACKs). */
#define SIM_BOTH_FAMILIES
#include "test/sim/tcp_sim.h"

static void large_rcvbuf(struct conn *c)
{
	script_check(conn_setint(c, SOL_SOCKET, SO_RCVBUF, 400000), 0, "SO_RCVBUF");
}

/* A connection whose ACKs are delayed. */
static void given_slow_acks(void)
{
	given_accepted(.setup = large_rcvbuf);
	app_setint(IPPROTO_TCP, TCP_QUICKACK, 0);
	expect_nothing();
}

/* After a loss the peer is in slow start: it needs every ACK. */
TEST(quick_acks_follow_a_gap)
{
	script(.seed = 1);
	given_slow_acks();
	peer(ACK, .len = 100);
	expect_after_ms(39, 42, ACK);
	peer(ACK, .seq = 201, .len = 100);
	expect(ACK, .ack = 101);
	peer(ACK, .seq = 101, .len = 100);
	expect(ACK, .ack = 301);
	/* A duplicate: the peer has retransmitted. */
	peer(ACK, .seq = 201, .len = 100);
	expect(ACK, .ack = 301);
	for (int i = 0; i < 4; i++) {
		peer(ACK, .len = 100);
		expect(ACK);
		expect_nothing();
	}
	script_finish();
}

/* RFC 1122 4.2.3.2: at most 0.5 s; 40 ms here, however the segments come. */
TEST(delayed_ack_is_never_later_than_forty_ms)
{
	script(.seed = 2);
	given_slow_acks();
	for (int i = 0; i < 20; i++) {
		peer(ACK, .len = 100);
		expect_nothing();
		expect_after_ms(30, 42, ACK);
		app_recv(200, 100);
		app_setint(IPPROTO_TCP, TCP_QUICKACK, 0);
		advance_ms(i * 7);
		expect_nothing();
	}
	script_finish();
}

/* Several short segments within the delay: one ACK for all, counted from the first. */
TEST(delay_counts_from_the_first_segment)
{
	script(.seed = 3);
	given_slow_acks();
	peer(ACK, .len = 100);
	advance_ms(25);
	peer(ACK, .len = 100);
	expect_nothing();
	expect_after_ms(10, 17, ACK, .ack = 201);
	expect_silence_ms(500);
	script_finish();
}

/* tcp(7) TCP_QUICKACK: sends what is owed, and no delay for a while. */
TEST(quickack_option_sends_the_ack_that_is_owed)
{
	script(.seed = 4);
	given_slow_acks();
	peer(ACK, .len = 100);
	expect_nothing();
	app_setint(IPPROTO_TCP, TCP_QUICKACK, 1);
	expect(ACK, .ack = 101);
	peer(ACK, .len = 100);
	expect(ACK, .ack = 201);
	script_finish();
}

SIM_MAIN("tcp-quickack")
