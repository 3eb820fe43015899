/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_order.c - SEGMENT ARRIVES takes its steps in their order (RFC 9293 3.10.7.4): sequence
 * number, RST, SYN, ACK, URG, text, FIN.  And connections opened from both sides at once.
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/tcp_sim.h"

#define POLL_DEAD (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP)

/* -- the steps --------------------------------------------------------------------------------------- */

/* First: what lies outside the window is judged by nothing else: no reset, no error, no data. */
TEST(first_the_sequence_number)
{
	script(.seed = 1);
	given_accepted();
	peer(ACK, .len = 10);
	expect_whatever();
	app_recv(100, 10);
	peer(RSTACK, .seq = 11 + 100000);
	expect_nothing();
	/* FIN and an ACK of what was never sent, behind the window: an ACK tells where we are. */
	peer(FINACK, .seq = 11 + 100000, .len = 10, .ack = 77);
	S.f->snd_nxt = 11;
	expect(ACK, .seq = 1, .ack = 11);
	expect_nothing();
	app_poll(EPOLLOUT);
	script_finish();
}

/* Second, before fourth and fifth: RST with SYN and with an unacceptable ACK resets all the same. */
TEST(second_rst_before_syn_and_ack)
{
	script(.seed = 2);
	given_accepted();
	peer(RST | SYN | ACK, .seq = 1, .ack = 5000);
	expect_nothing();
	script_check(mib(MIB_TCP_CHALLENGE_ACKS), 0, "challenge ACKs");
	app_error(ECONNRESET);
	script_finish();
}

/* Second, before seventh: the text of a reset is not taken. */
TEST(second_rst_before_text)
{
	script(.seed = 3);
	given_accepted();
	peer(RSTACK, .seq = 1, .len = 20);
	expect_nothing();
	app_recv(100, -ECONNRESET);
	app_recv(100, 0);
	script_finish();
}

/* Fourth, before fifth: a SYN is challenged, whatever its ACK would do. */
TEST(fourth_syn_before_ack_and_text)
{
	script(.seed = 4);
	given_accepted();
	app_send(100);
	expect(ACK, .len = 100);
	peer(SYNACK, .seq = 1, .ack = 101, .len = 20);
	S.f->snd_nxt = 1;
	expect(ACK, .seq = 101, .ack = 1);
	script_check(mib(MIB_TCP_CHALLENGE_ACKS), 1, "challenge ACKs");
	script_check(tcp_info().tcpi_unacked, 1, "in flight");
	app_recv(100, -EAGAIN);
	peer(ACK, .ack = 101);
	script_finish();
}

/* Fifth, before eighth: FIN without ACK is dropped. */
TEST(fifth_without_ack_nothing_counts)
{
	script(.seed = 5);
	given_accepted();
	peer(FIN, .seq = 1, .len = 10);
	S.f->snd_nxt = 1;
	expect_nothing();
	app_poll(EPOLLOUT);
	script_finish();
}

/* Sixth, before seventh: the mark is known when the text in front of it is read. */
TEST(sixth_urgent_before_text)
{
	script(.seed = 6);
	given_accepted();
	peer(URGACK, .seq = 1, .len = 10, .urg = 20);
	expect_whatever();
	app_poll(EPOLLIN | EPOLLOUT);
	peer(ACK, .seq = 11, .len = 20);
	expect_whatever();
	app_poll(EPOLLIN | EPOLLOUT | EPOLLPRI);
	app_recv(100, 19);
	script_finish();
}

/* Eighth, after seventh: text and FIN of one segment: the text first, then the end. */
TEST(eighth_fin_after_text)
{
	script(.seed = 7);
	given_accepted();
	peer(FINACK, .seq = 1, .len = 10);
	advance_ms(50);
	expect(ACK, .ack = 12);
	app_poll(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	app_recv(100, 10);
	app_recv(100, 0);
	app_close();
	expect(FINACK, .seq = 1, .ack = 12);
	peer(ACK, .ack = 2);
	script_finish();
}

/* -- simultaneous open: RFC 9293 3.5 figure 7 ----------------------------------------------------------- */

/* The options of the two crossed SYNs are agreed. */
TEST(simultaneous_open_agrees_on_the_options)
{
	script(.seed = 20);
	given_connecting();
	expect(SYN, .seq = 0, .mss = MSS, .wscale = 7, .sackok = 1, .tsval = ANY);
	peer_syn(.ts = true, .sack = true, .wscale = 4, .mss = 1000);
	expect(SYNACK, .seq = 0, .ack = 1, .mss = MSS, .wscale = 7, .sackok = 1, .tsval = ANY);
	S.f->win = 1000; /* << 4 */
	peer(ACK, .seq = 1, .ack = 1);
	app_poll(EPOLLOUT);
	app_send(3000);
	expect(ACK, .len = 988);
	expect(ACK, .len = 988);
	expect(ACK, .len = 988);
	expect(ACK, .len = 36);
	peer(ACK, .seq = 101, .len = 10);
	expect(ACK, .ack = 1, .sack = { { 101, 111 } });
	S.f->snd_nxt = 1;
	script_finish();
}

/* The SYN-ACK is repeated like a SYN. */
TEST(simultaneous_open_repeats_a_lost_syn_ack)
{
	script(.seed = 21);
	given_connecting();
	expect(SYN, .seq = 0);
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	expect_after_ms(900, 2100, SYNACK, .seq = 0, .ack = 1);
	peer(ACK, .seq = 1, .ack = 1);
	app_poll(EPOLLOUT);
	app_send(10);
	expect(ACK, .len = 10);
	peer(ACK);
	script_finish();
}

/* 3.10.7.4 second: a reset in SYN-RECEIVED ends the attempt; the program is told. */
TEST(simultaneous_open_that_is_reset_fails)
{
	script(.seed = 22);
	given_connecting();
	expect(SYN, .seq = 0);
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	peer(RST, .seq = 1);
	expect_nothing();
	app_poll(POLL_DEAD);
	script_check(conn_take_error(S.c) != 0, 1, "an error");
	script_finish();
}

/* shutdown(2) before it is complete: the FIN follows the handshake. */
TEST(simultaneous_open_then_fin)
{
	script(.seed = 23);
	given_connecting();
	expect(SYN, .seq = 0);
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	app_shutdown(SHUT_WR);
	expect_nothing();
	peer(ACK, .seq = 1, .ack = 1);
	expect(FINACK, .seq = 1, .ack = 1);
	peer(FINACK, .ack = 2);
	expect(ACK, .seq = 2, .ack = 2);
	script_finish();
}

/* -- simultaneous close ----------------------------------------------------------------------------------- */

/* Both close with data on the way: it is delivered, each FIN is acknowledged, both wait. */
TEST(simultaneous_half_close_delivers_what_was_on_the_way)
{
	script(.seed = 30);
	given_connected();
	app_send(100);
	expect(ACK, .len = 100);
	app_shutdown(SHUT_WR);
	expect(FINACK, .seq = 101);
	/* The peer's data and FIN left before ours came. */
	peer(FINACK, .seq = 1, .len = 50, .ack = 1);
	expect(ACK, .seq = 102, .ack = 52);
	app_recv(100, 50);
	app_recv(100, 0);
	peer(ACK, .ack = 102);
	expect_nothing();
	app_close();
	/* TIME_WAIT: the FIN again is acknowledged again. */
	peer(FINACK, .seq = 51, .ack = 102);
	expect(ACK, .seq = 102, .ack = 52);
	script_finish();
}

SIM_MAIN("tcp-order")
