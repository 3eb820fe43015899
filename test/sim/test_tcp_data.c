/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_data.c - data both ways: acknowledging, coalescing, windows. */
#include "stack/core/mib.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"


/* So much room that the window stays at its most: else reading, not arrival, sends the ACK. */
static void give_room(void)
{
	app_setint(SOL_SOCKET, SO_RCVBUF, 400000);
}

/* A connection that has left the quick ACKs of the start behind. */
static void given_slow_acks(void)
{
	given_accepted();
	give_room();
	app_setint(IPPROTO_TCP, TCP_QUICKACK, 0);
	expect_nothing();
}

/* -- acknowledging ------------------------------------------------------------------------ */

/* Linux tcp_enter_quickack_mode(): the first segments are acknowledged at once. */
TEST(first_segments_are_acknowledged_at_once)
{
	int i;

	script(.seed = 1);
	given_accepted();
	for (i = 1; i <= 4; i++) {
		peer(ACK, .len = 100);
		expect(ACK, .ack = 1 + 100 * i);
		expect_nothing();
	}
	app_recv(1000, 400);
	script_finish();
}

/* RFC 1122 4.2.3.2, RFC 5681 4.2: the ACK of a lone segment may wait; 40 ms here. */
TEST(lone_segment_is_acknowledged_after_forty_ms)
{
	script(.seed = 2);
	given_slow_acks();
	peer(ACK, .len = 6);
	expect_nothing();
	expect_after_ms(39, 42, ACK, .ack = 7);
	expect_nothing();
	script_check(mib(MIB_TCP_DELAYED_ACKS), 1, "delayed ACKs");
	expect_silence_ms(1000);
	script_finish();
}

/* RFC 5681 4.2: an ACK at least every second full-sized segment. */
TEST(every_second_full_segment_is_acknowledged_at_once)
{
	int i;

	script(.seed = 3);
	given_slow_acks();
	for (i = 0; i < 3; i++) {
		peer(ACK, .len = 1460);
		expect_nothing();
		peer(ACK, .len = 1460);
		expect(ACK);
		expect_nothing();
		app_recv(4000, 2920);
	}
	script_finish();
}

/* RFC 1122 4.2.3.2: the reply carries the ACK. */
TEST(reply_carries_the_ack)
{
	script(.seed = 4);
	given_slow_acks();
	peer(ACK, .len = 6);
	app_recv(100, 6);
	app_send(10);
	expect(ACK, .len = 10, .ack = 7);
	expect_nothing();
	peer(ACK);
	expect_silence_ms(500);
	script_finish();
}

/* RFC 5681 4.2: out of order is acknowledged at once, and so is what fills the gap. */
TEST(out_of_order_and_gap_fill_are_acknowledged_at_once)
{
	script(.seed = 5);
	given_slow_acks();
	peer(ACK, .seq = 101, .len = 100);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 201, .len = 100);
	expect(ACK, .ack = 1);
	app_poll(EPOLLOUT);
	peer(ACK, .seq = 1, .len = 100);
	expect(ACK, .ack = 301);
	expect_nothing();
	app_recv(1000, 300);
	script_finish();
}

/* RFC 9293 3.10.7.4 first: a duplicate is acknowledged and dropped. */
TEST(duplicate_segment_is_acknowledged_at_once)
{
	script(.seed = 6);
	given_slow_acks();
	peer(ACK, .seq = 1, .len = 100);
	expect_after_ms(39, 42, ACK, .ack = 101);
	peer(ACK, .seq = 1, .len = 100);
	expect(ACK, .ack = 101);
	expect_nothing();
	app_recv(1000, 100);
	app_recv(1000, -EAGAIN);
	script_finish();
}

/* RFC 9293 3.10.7.4: only the new part of an overlapping segment counts. */
TEST(segment_overlapping_the_left_edge_is_trimmed)
{
	script(.seed = 7);
	given_accepted();
	peer(ACK, .seq = 1, .len = 100);
	expect(ACK, .ack = 101);
	peer(ACK, .seq = 51, .len = 100);
	expect(ACK, .ack = 151);
	expect_nothing();
	app_recv(1000, 150);
	script_finish();
}

/* Out-of-order pieces in any arrangement: contained, containing, overlapping both ways. */
TEST(overlapping_out_of_order_segments_make_one_stream)
{
	script(.seed = 8);
	given_accepted();
	peer(ACK, .seq = 301, .len = 100);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 251, .len = 100);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 351, .len = 100);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 320, .len = 10);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 201, .len = 300);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 101, .len = 50);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 1, .len = 120);
	expect(ACK, .ack = 151);
	peer(ACK, .seq = 140, .len = 100);
	expect(ACK, .ack = 501);
	expect_nothing();
	app_recv(1000, 500);
	script_finish();
}

/* RFC 2018 4: newest block first; RFC 2883 4: the duplicate told before. */
TEST(sack_blocks_tell_newest_first_and_duplicates)
{
	script(.seed = 9);
	given_accepted(.sack = true);
	peer(ACK, .seq = 101, .len = 100);
	expect(ACK, .ack = 1, .sack = { { 101, 201 } });
	peer(ACK, .seq = 301, .len = 100);
	expect(ACK, .ack = 1, .sack = { { 301, 401 }, { 101, 201 } });
	peer(ACK, .seq = 201, .len = 50);
	expect(ACK, .ack = 1, .sack = { { 101, 251 }, { 301, 401 } });
	/* RFC 2883 4.1.1: a whole duplicate of what waits; what it is part of comes second. */
	peer(ACK, .seq = 301, .len = 100);
	expect(ACK, .ack = 1, .sack = { { 301, 401 }, { 301, 401 }, { 101, 251 } });
	peer(ACK, .seq = 1, .len = 100);
	expect(ACK, .ack = 251, .sack = { { 301, 401 } });
	/* RFC 2883 4.1.2: below the cumulative ACK. */
	peer(ACK, .seq = 1, .len = 100);
	expect(ACK, .ack = 251, .sack = { { 1, 101 }, { 301, 401 } });
	peer(ACK, .seq = 251, .len = 50);
	expect(ACK, .ack = 401);
	expect_nothing();
	app_recv(1000, 400);
	script_finish();
}

/* RFC 2018 4: with timestamps there is room for three blocks. */
TEST(three_sack_blocks_beside_timestamps)
{
	script(.seed = 10);
	given_accepted(.sack = true, .ts = true);
	peer(ACK, .seq = 101, .len = 10);
	expect(ACK, .ack = 1, .sack = { { 101, 111 } });
	peer(ACK, .seq = 201, .len = 10);
	expect(ACK, .ack = 1, .sack = { { 201, 211 }, { 101, 111 } });
	peer(ACK, .seq = 301, .len = 10);
	expect(ACK, .ack = 1, .sack = { { 301, 311 }, { 201, 211 }, { 101, 111 } });
	peer(ACK, .seq = 401, .len = 10);
	expect(ACK, .ack = 1, .sack = { { 401, 411 }, { 301, 311 }, { 201, 211 } });
	expect_nothing();
	script_finish();
}

/* -- sending ---------------------------------------------------------------------------------- */

/* RFC 6928: ten segments to begin with; then slow start. */
TEST(initial_window_is_ten_segments)
{
	int i;

	script(.seed = 20);
	given_connected(.win = 65535);
	app_send(40000);
	for (i = 0; i < 10; i++)
		expect(ACK, .len = 1460);
	expect_nothing();
	/* RFC 5681 3.1: one ACK of two segments opens the window by two, four may go. */
	peer(ACK, .ack = 1 + 2 * 1460);
	for (i = 0; i < 4; i++)
		expect(ACK, .len = 1460);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.7.4: PSH at the end of what the program wrote. */
TEST(last_segment_of_a_write_is_pushed)
{
	script(.seed = 21);
	given_connected();
	app_send(3000);
	expect(ACK, .len = 1460);
	expect(ACK, .len = 1460);
	peer(ACK);
	expect(ACK, .len = 80, .psh = 1);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.7.4, RFC 896: a short segment waits while data is unacknowledged. */
TEST(nagle_holds_a_short_segment_until_the_ack)
{
	script(.seed = 22);
	given_connected();
	app_send(10);
	expect(ACK, .len = 10);
	app_send(20);
	expect_nothing();
	app_send(30);
	expect_nothing();
	peer(ACK);
	expect(ACK, .len = 50);
	expect_nothing();
	peer(ACK);
	expect_nothing();
	script_finish();
}

/* Minshall's refinement, as Linux: only a short segment in flight holds a short one back. */
TEST(nagle_lets_a_short_segment_follow_full_ones)
{
	script(.seed = 23);
	given_connected();
	app_send(1460);
	expect(ACK, .len = 1460);
	app_send(10);
	expect(ACK, .len = 10);
	app_send(10);
	expect_nothing();
	script_finish();
}

TEST(nodelay_sends_short_segments_at_once)
{
	script(.seed = 24);
	given_connected();
	app_setint(IPPROTO_TCP, TCP_NODELAY, 1);
	app_send(10);
	expect(ACK, .len = 10);
	app_send(20);
	expect(ACK, .len = 20);
	app_send(30);
	expect(ACK, .len = 30);
	expect_nothing();
	script_finish();
}

/* tcp(7): setting TCP_NODELAY flushes what waits. */
TEST(setting_nodelay_flushes)
{
	script(.seed = 25);
	given_connected();
	app_send(10);
	expect(ACK, .len = 10);
	app_send(20);
	expect_nothing();
	app_setint(IPPROTO_TCP, TCP_NODELAY, 1);
	expect(ACK, .len = 20);
	expect_nothing();
	script_finish();
}

/* tcp(7) TCP_CORK: no partial frames; taking it out flushes. */
TEST(cork_holds_partial_segments_and_uncorking_flushes)
{
	script(.seed = 26);
	given_connected();
	app_setint(IPPROTO_TCP, TCP_CORK, 1);
	app_send(10);
	expect_nothing();
	app_send(1500);
	expect(ACK, .len = 1460);
	expect_nothing();
	peer(ACK);
	expect_nothing();
	app_setint(IPPROTO_TCP, TCP_CORK, 0);
	expect(ACK, .len = 50);
	expect_nothing();
	script_finish();
}

/* tcp(7) TCP_CORK: "there is a 200 millisecond ceiling". */
TEST(corked_data_goes_after_two_hundred_ms)
{
	script(.seed = 27);
	given_connected();
	app_setint(IPPROTO_TCP, TCP_CORK, 1);
	app_send(10);
	expect_nothing();
	expect_after_ms(199, 210, ACK, .len = 10);
	expect_nothing();
	script_finish();
}

/* send(2) MSG_MORE: as TCP_CORK, for one call. */
TEST(msg_more_holds_back_until_the_next_send)
{
	script(.seed = 28);
	given_connected();
	app_send_flags(10, MSG_MORE);
	expect_nothing();
	app_send(20);
	expect(ACK, .len = 30);
	expect_nothing();
	script_finish();
}

/* -- the peer's window -------------------------------------------------------------------------- */

/* RFC 9293 3.8.6: never beyond the window. */
TEST(sender_stays_within_the_window)
{
	script(.seed = 30);
	given_connected(.win = 4000);
	app_send(10000);
	expect_whatever();
	must(S.f->rcv_nxt <= 1 + 4000, "%u bytes sent into a window of 4000", S.f->rcv_nxt - 1);
	must(S.f->rcv_nxt >= 1 + 2000, "only %u bytes sent into a window of 4000", S.f->rcv_nxt - 1);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.8.6.1: the zero window is probed, with back-off, as long as the peer answers. */
TEST(zero_window_is_probed_with_backoff)
{
	double gap = 200;
	int i;

	script(.seed = 31);
	given_connected(.win = 1460);
	app_send(1460);
	expect_whatever();
	peer(ACK, .win = 0);
	expect_nothing();
	S.f->win = 0;
	app_send(3000);
	expect_nothing();
	for (i = 0; i < 8; i++, gap *= 2) {
		/* A probe is an old sequence number: it cannot fill the window. */
		expect_after_ms(gap * 0.95, gap * 1.1 + 5, ACK, .seq = 1460, .len = 0);
		expect_nothing();
		peer(ACK, .win = 0);
		expect_nothing();
	}
	/* The window opens: data flows at once. */
	S.f->win = 20000;
	peer(ACK);
	expect_whatever();
	peer(ACK); /* Nagle may have held the last piece */
	expect_whatever();
	script_check(S.f->rcv_nxt, 1 + 1460 + 3000, "sent");
	script_finish();
}

/* RFC 9293 3.8.6.1: a lost window update does not hang the connection. */
TEST(answer_to_a_probe_reopens_the_window)
{
	script(.seed = 32);
	given_connected(.win = 1460);
	app_send(1460);
	expect_whatever();
	peer(ACK, .win = 0);
	app_send(500);
	expect_after_ms(190, 230, ACK, .seq = 1460, .len = 0);
	peer(ACK, .win = 5000);
	expect(ACK, .seq = 1461, .len = 500);
	expect_nothing();
	script_finish();
}

/* Linux tcp_retries2: a peer that never answers the probes is given up. */
TEST(unanswered_window_probes_end_in_etimedout)
{
	script(.seed = 33);
	given_connected(.win = 1460);
	app_send(1460);
	expect_whatever();
	peer(ACK, .win = 0);
	app_send(500);
	advance_ms(1200e3);
	expect_whatever();
	app_error(ETIMEDOUT);
	script_finish();
}

/* RFC 9293 3.8.6: a receiver that shrinks its window is survived. */
TEST(shrunken_window_is_survived)
{
	script(.seed = 34);
	given_connected(.win = 8000);
	app_send(5840);
	expect_whatever();
	script_check(S.f->rcv_nxt, 5841, "sent");
	peer(ACK, .ack = 1461, .win = 1000);
	expect_nothing();
	S.f->win = 8000;
	peer(ACK, .ack = 5841);
	expect_nothing();
	app_send(1000);
	expect(ACK, .len = 1000);
	script_finish();
}

/* RFC 9293 3.8.6.2.1: no segment smaller than the MSS and half the window, while data is coming. */
TEST(sender_avoids_silly_windows)
{
	script(.seed = 35);
	given_connected(.win = 8000);
	app_send(8000);
	expect_whatever();
	S.f->win = 0;
	peer(ACK, .ack = S.f->rcv_nxt, .win = 0);
	expect_nothing();
	app_send(8000);
	expect_nothing();
	peer(ACK, .win = 100);
	expect_nothing();
	peer(ACK, .win = 5000);
	expect_whatever();
	must(S.f->rcv_nxt > 8001 + 2900, "the window did not reopen");
	script_finish();
}

/* -- our window ------------------------------------------------------------------------------------ */

static void small_rcvbuf(struct conn *c)
{
	script_check(conn_setint(c, SOL_SOCKET, SO_RCVBUF, 16384), 0, "SO_RCVBUF");
}

/* Fill the window until it is shut; the bytes sent. */
static uint32_t fill_window(void)
{
	uint32_t n = 0, len;
	int i;

	for (i = 0; i < 200 && S.f->stack_win > 0; i++) {
		len = S.f->stack_win < 1460 ? S.f->stack_win : 1460;
		peer(ACK, .len = len);
		n += len;
		advance_ms(45);
		expect_whatever();
	}
	must(i < 200, "the window never closed");
	return n;
}

/* RFC 9293 3.8.6: the window shuts as the buffer fills, and its right edge never retreats. */
TEST(our_window_shuts_when_nobody_reads_and_reopens)
{
	uint32_t n, right;

	script(.seed = 40);
	given_accepted(.setup = small_rcvbuf);
	peer(ACK, .len = 1460);
	expect_whatever();
	right = S.f->snd_nxt + S.f->stack_win;
	n = 1460 + fill_window();
	must((int32_t)(S.f->snd_nxt - right) >= 0, "the right edge retreated");
	must(n >= 4000, "only %u bytes fit", n);
	/* A probe beyond the window is not accepted, but answered. */
	peer(ACK, .seq = S.f->snd_nxt, .len = 1);
	expect(ACK, .ack = n + 1, .win = 0);
	expect_nothing();
	S.f->snd_nxt = n + 1;
	/* Reading it all opens the window, and the peer is told. */
	app_recv(65000, n);
	expect(ACK, .ack = n + 1);
	must(S.f->stack_win >= 1460, "window of %u after reading all", S.f->stack_win);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.8.6.2.2: the window is not opened by a few bytes. */
TEST(receiver_avoids_silly_windows)
{
	script(.seed = 41);
	given_accepted(.setup = small_rcvbuf);
	peer(ACK, .len = 1460);
	expect_whatever();
	fill_window();
	app_recv(100, 100);
	expect_nothing();
	app_recv(100, 100);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.10.7.4: what lies beyond the window is not taken. */
TEST(data_beyond_the_window_is_dropped_and_acknowledged)
{
	script(.seed = 42);
	given_accepted();
	peer(ACK, .len = 10);
	expect_whatever();
	peer(ACK, .seq = 11 + S.f->stack_win + 1, .len = 100);
	expect(ACK, .ack = 11);
	expect_nothing();
	app_recv(1000, 10);
	script_finish();
}

/* -- the program's calls ------------------------------------------------------------------------------ */

/* recv(2) MSG_PEEK leaves the data. */
TEST(peek_leaves_the_data)
{
	script(.seed = 50);
	given_accepted();
	peer(ACK, .len = 100);
	expect_whatever();
	script_check(conn_recv(S.c, 60, MSG_PEEK), 60, "peek");
	script_check(conn_recv(S.c, 100, MSG_PEEK), 100, "peek");
	app_recv(30, 30);
	script_check(conn_recv(S.c, 100, MSG_PEEK), 70, "peek");
	app_recv(100, 70);
	app_recv(100, -EAGAIN);
	script_finish();
}

/* recv(2) MSG_TRUNC on TCP: the data is thrown away. */
TEST(trunc_discards_stream_data)
{
	struct iovec iov = { NULL, 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	uint8_t buf[40];

	script(.seed = 51);
	given_accepted();
	peer(ACK, .len = 100);
	expect_whatever();
	iov.iov_base = buf;
	iov.iov_len = sizeof(buf);
	script_check(socket_recvmsg(S.node->st, S.c->so, &msg, MSG_TRUNC, S.world->now), 40, "trunc");
	S.c->rx_off = 40;
	app_recv(100, 60);
	script_finish();
}

/* tcp(7): SIOCINQ, SIOCOUTQ, SIOCOUTQNSD. */
TEST(ioctls_tell_the_queues)
{
	int v = -1;

	script(.seed = 52);
	given_connected(.win = 1000);
	peer(ACK, .len = 123);
	expect_whatever();
	script_check(socket_ioctl(S.node->st, S.c->so, 0x541b /* FIONREAD */, &v, S.world->now), 0,
		     "FIONREAD");
	script_check(v, 123, "FIONREAD");
	app_send(3000);
	expect_whatever();
	script_check(socket_ioctl(S.node->st, S.c->so, 0x5411 /* SIOCOUTQ */, &v, S.world->now), 0,
		     "SIOCOUTQ");
	script_check(v, 3000, "SIOCOUTQ");
	script_check(socket_ioctl(S.node->st, S.c->so, 0x894b /* SIOCOUTQNSD */, &v, S.world->now), 0,
		     "SIOCOUTQNSD");
	script_check(v, 3000 - ((int)S.f->rcv_nxt - 1), "SIOCOUTQNSD");
	script_finish();
}

/* socket(7) SO_RCVLOWAT: readiness waits for so many bytes. */
TEST(rcvlowat_delays_readiness)
{
	script(.seed = 53);
	given_accepted();
	app_setint(SOL_SOCKET, SO_RCVLOWAT, 100);
	peer(ACK, .len = 99);
	expect_whatever();
	app_poll(EPOLLOUT);
	peer(ACK, .len = 1);
	expect_whatever();
	app_poll(EPOLLIN | EPOLLOUT);
	script_finish();
}

/* A full send buffer: EAGAIN, and EPOLLOUT when a third of it is free. */
TEST(full_send_buffer_says_eagain_and_wakes_the_writer)
{
	ssize_t n;

	script(.seed = 54);
	given_connected(.win = 65535);
	app_setint(SOL_SOCKET, SO_SNDBUF, 8192);
	while ((n = conn_send(S.c, 10000, 0)) > 0)
		expect_whatever();
	script_check(n, -EAGAIN, "send");
	app_poll(0);
	expect_whatever();
	S.c->events = 0;
	for (int i = 0; i < 3; i++) {
		peer(ACK);
		expect_whatever();
	}
	app_poll(EPOLLOUT);
	must(S.c->events & EPOLLOUT, "no edge for the writer");
	script_finish();
}

/* Linux: recv of nothing waits for data all the same (read(2) of nothing does not). */
TEST(zero_byte_send_does_nothing_and_recv_waits_for_data)
{
	script(.seed = 55);
	given_accepted();
	app_send(0);
	expect_nothing();
	app_recv(0, -EAGAIN);
	script_finish();
}

/* RFC 7323 3.2: TSecr echoes the timestamp of the segment that moved the left edge (4.3). */
TEST(timestamp_echo_follows_the_left_edge)
{
	uint32_t ts;

	script(.seed = 56);
	given_accepted(.ts = true);
	give_room();
	app_setint(IPPROTO_TCP, TCP_QUICKACK, 0);
	advance_ms(10);
	ts = S.ts_base + (uint32_t)(S.world->now / 1000000);
	peer(ACK, .seq = 1, .len = 100, .tsval = ts);
	peer(ACK, .seq = 101, .len = 1348, .tsval = ts + 5);
	/* RFC 7323 4.3: with a delayed ACK the first of the two is echoed. */
	expect(ACK, .ack = 1449, .tsecr = ts);
	advance_ms(100);
	expect_nothing();
	peer(ACK, .seq = 1449, .len = 100, .tsval = ts + 100);
	expect_whatever();
	advance_ms(100);
	expect_whatever();
	/* Out of order: the echo stays with the last in-order one. */
	peer(ACK, .seq = 2000, .len = 100, .tsval = ts + 300);
	expect(ACK, .ack = 1549, .tsecr = ts + 100);
	expect_nothing();
	script_finish();
}

/* Sequence numbers wrap: both directions across 2^32. */
TEST(sequence_numbers_wrap_both_ways)
{
	uint32_t iss;
	int i;

	/* Learn the ISS, which moves by one each 64 ns, then live again so that it is near the end. */
	script(.seed = 57, .peer_iss = 0xffffff00u);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0);
	iss = S.f->stack_iss;
	script_finish();
	script(.seed = 57, .peer_iss = 0xffffff00u,
	       .start = 1000 * SEC + (uint64_t)(0xffffff80u - iss) * 64);
	given_accepted();
	must(S.f->stack_iss >= 0xffffff00u, "the ISS is 0x%x", S.f->stack_iss);
	for (i = 0; i < 4; i++) {
		peer(ACK, .len = 100);
		advance_ms(50);
		expect_whatever();
		app_recv(1000, 100);
		app_send(100);
		expect(ACK, .len = 100);
		peer(ACK);
	}
	expect_nothing();
	/* Out of order across the wrap, too. */
	script_finish();
	script(.seed = 58, .peer_iss = 0xffffffc0u);
	given_accepted();
	peer(ACK, .seq = 101, .len = 100);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 31, .len = 70);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 1, .len = 30);
	expect(ACK, .ack = 201);
	app_recv(1000, 200);
	script_finish();
}

/* Frames cut into small mbufs by the link change nothing. */
TEST(chained_mbufs_are_received_whole)
{
	script(.seed = 59, .rx_segment = 100);
	given_accepted();
	peer(ACK, .seq = 1461, .len = 1460);
	expect(ACK, .ack = 1);
	peer(ACK, .seq = 1, .len = 1460);
	expect(ACK, .ack = 2921);
	app_recv(1000, 1000);
	app_recv(5000, 1920);
	script_finish();
}

SIM_MAIN("tcp-data")
