/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_window.c - windows that are small, shut, taken back or lost on the way: RFC 9293 3.8.6,
 * RFC 1122 4.2.3.3 and 4.2.3.4.
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/tcp_sim.h"

/* -- the sender ------------------------------------------------------------------------------------ */

/* All that was sent is acknowledged, and the window is shut with 3000 bytes waiting. */
static void given_shut_window(void)
{
	given_connected(.win = 8000);
	app_send(4000);
	expect_whatever();
	peer(ACK);
	expect_whatever();
	peer(ACK, .win = 0);
	S.f->win = 0;
	app_send(3000);
	expect_nothing();
}

/* RFC 9293 3.8.6.2.1: less than half of the largest window waits for the override time-out. */
TEST(small_window_is_used_only_after_the_override_time)
{
	script(.seed = 1);
	given_shut_window();
	S.f->win = 100;
	peer(ACK);
	expect_nothing();
	expect_after_ms(150, 450, ACK, .seq = 4001, .len = 100);
	expect_nothing();
	S.f->win = 8000;
	peer(ACK);
	expect_whatever();
	peer(ACK);
	expect_whatever();
	script_check(S.f->rcv_nxt, 7001, "sent");
	script_finish();
}

/* (3): half of the largest window the peer ever offered is worth a segment. */
TEST(half_of_the_largest_window_is_used_at_once)
{
	script(.seed = 2);
	given_connected(.win = 1000);
	app_send(500);
	expect(ACK, .len = 500);
	peer(ACK, .win = 0);
	app_send(1000);
	expect_nothing();
	peer(ACK, .win = 499);
	expect_nothing();
	peer(ACK, .win = 500);
	expect(ACK, .len = 500);
	expect_nothing();
	script_finish();
}

/* 3.8.6.1: the interval doubles up to a limit, as RTOs do, and goes on for as long as it is answered. */
TEST(persist_interval_is_bounded)
{
	double gap = 200;

	script(.seed = 3);
	given_shut_window();
	for (int i = 0; i < 14; i++) {
		double hi = gap < 120e3 ? gap : 120e3;

		expect_after_ms(hi * 0.95, hi * 1.1 + 5, ACK, .seq = 4000, .len = 0);
		peer(ACK);
		expect_nothing();
		gap *= 2;
	}
	app_error(0);
	script_finish();
}

/* 3.8.6: a window taken back while data is in flight: what lies beyond is not sent again until it fits. */
TEST(data_beyond_a_shrunken_window_waits)
{
	script(.seed = 4);
	given_connected(.win = 8000);
	fly(4);
	peer(ACK, .ack = SEQ(1), .win = MSS);
	expect_nothing();
	/* The time-out repeats what is within the window, and nothing else. */
	expect_after_ms(150, 450, ACK, .seq = SEQ(1), .len = MSS);
	expect_nothing();
	peer(ACK, .ack = SEQ(2), .win = MSS);
	expect(ACK, .seq = SEQ(2), .len = MSS);
	expect_nothing();
	peer(ACK, .ack = SEQ(3), .win = MSS);
	expect(ACK, .seq = SEQ(3), .len = MSS);
	peer(ACK, .ack = SEQ(4), .win = 8000);
	expect_silence_ms(1000);
	fly(2);
	peer(ACK);
	script_finish();
}

/* An older segment's window does not count: WL1, WL2 (RFC 9293 3.10.7.4 fifth). */
TEST(old_window_update_is_ignored)
{
	script(.seed = 5);
	given_connected(.win = 1000);
	peer(ACK, .len = 10, .win = 3000);
	expect_whatever();
	/* Sent before those ten bytes, and overtaken by them: once with another window. */
	peer(ACK, .seq = 1, .len = 5, .win = 200);
	expect_whatever();
	S.f->win = 3000;
	app_send(3000);
	expect_whatever();
	must(S.f->rcv_nxt - 1 > 2000, "only %u bytes sent into a window of 3000", S.f->rcv_nxt - 1);
	script_finish();
}

/* -- the receiver --------------------------------------------------------------------------------------- */

static void small_rcvbuf(struct conn *c)
{
	script_check(conn_setint(c, SOL_SOCKET, SO_RCVBUF, 16384), 0, "SO_RCVBUF");
}

/* The peer fills our window; the bytes it took. */
static uint32_t given_full_buffer(void)
{
	uint32_t n = 0;

	given_accepted(.setup = small_rcvbuf);
	peer(ACK, .len = MSS);
	expect_whatever();
	n = MSS;
	for (int i = 0; i < 100 && S.f->stack_win > 0; i++) {
		uint32_t len = S.f->stack_win < MSS ? S.f->stack_win : MSS;

		peer(ACK, .len = len);
		n += len;
		advance_ms(45);
		expect_whatever();
	}
	script_check(S.f->stack_win, 0, "window");
	return n;
}

/* 3.8.6.1: the window update was lost: the peer's probe brings it. */
TEST(probe_brings_a_lost_window_update)
{
	uint32_t n;

	script(.seed = 10);
	n = given_full_buffer();
	app_recv(65000, n);
	expect(ACK); /* lost */
	/* A byte: there is room for it now. */
	peer(ACK, .seq = n + 1, .len = 1);
	advance_ms(50);
	expect(ACK, .ack = n + 2);
	must(S.f->stack_win >= MSS, "window %u", S.f->stack_win);
	app_recv(10, 1);
	/* Linux's probe: an old number without data. */
	peer(ACK, .seq = n + 1, .len = 0);
	expect(ACK, .ack = n + 2);
	must(S.f->stack_win >= MSS, "window %u", S.f->stack_win);
	script_finish();
}

/* RFC 1122 4.2.3.3: reading in small pieces reopens the window once, by a segment or half the buffer. */
TEST(window_reopens_in_one_step)
{
	uint32_t n, got = 0;
	int updates = 0;

	script(.seed = 11);
	n = given_full_buffer();
	while (got < n) {
		uint32_t step = n - got < 100 ? n - got : 100, before = S.f->stack_win;
		struct script_seen s;

		app_recv(step, step);
		got += step;
		while (script_next(&s)) {
			uint32_t win = s.info.tcp.win;

			must(win >= before + MSS, "the window went from %u to %u", before, win);
			before = S.f->stack_win = win;
			updates++;
			free(s.bytes);
		}
	}
	must(updates >= 1 && updates <= 6, "%d updates for %u bytes read", updates, n);
	script_finish();
}

SIM_MAIN("tcp-window")
