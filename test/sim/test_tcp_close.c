/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_close.c - how connections end: FIN in every order, TIME_WAIT, resets by close. */
#include "stack/core/mib.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

#define POLL_DEAD (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP)
#define TIME_WAIT_MS 60000

/* -- active close ------------------------------------------------------------------------ */

/* RFC 9293 3.6 figure 12: FIN, ACK, FIN, ACK; then TIME_WAIT for 2 MSL. */
TEST(active_close_runs_through_fin_wait_to_time_wait)
{
	script(.seed = 1);
	given_connected();
	app_close();
	expect(FINACK, .seq = 1);
	peer(ACK, .ack = 2);
	expect_nothing();
	advance_ms(100);
	peer(FINACK, .ack = 2);
	expect(ACK, .seq = 2, .ack = 2);
	expect_nothing();
	/* RFC 9293 3.10.7.4 eighth, TIME-WAIT: a FIN again is acknowledged, 2 MSL start anew. */
	advance_ms(30000);
	peer(FINACK, .seq = 1, .ack = 2);
	expect(ACK, .seq = 2, .ack = 2);
	advance_ms(TIME_WAIT_MS - 1000);
	peer(FINACK, .seq = 1, .ack = 2);
	expect(ACK, .seq = 2, .ack = 2);
	advance_ms(TIME_WAIT_MS + 1000);
	expect_nothing();
	peer(FINACK, .seq = 1, .ack = 2);
	expect(RST, .seq = 2);
	script_finish();
}

/* RFC 9293 3.6: the peer's FIN may carry the ACK of ours. */
TEST(fin_with_ack_of_fin_goes_straight_to_time_wait)
{
	script(.seed = 2);
	given_connected();
	app_close();
	expect(FINACK, .seq = 1);
	peer(FINACK, .ack = 2);
	expect(ACK, .seq = 2, .ack = 2);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.6 figure 13: CLOSING. */
TEST(simultaneous_close_runs_through_closing)
{
	script(.seed = 3);
	given_connected();
	app_close();
	expect(FINACK, .seq = 1);
	peer(FINACK, .seq = 1, .ack = 1);
	expect(ACK, .seq = 2, .ack = 2);
	expect_nothing();
	peer(ACK, .ack = 2);
	expect_nothing();
	/* TIME_WAIT now: a FIN again is acknowledged. */
	peer(FINACK, .seq = 1, .ack = 2);
	expect(ACK, .seq = 2, .ack = 2);
	script_finish();
}

/* RFC 9293 3.10.4: what was written before close is sent, FIN at its end. */
TEST(close_sends_the_rest_and_fin_with_the_last_byte)
{
	script(.seed = 4);
	given_connected();
	app_send(1460);
	expect(ACK, .len = 1460);
	app_send(100);
	expect(ACK, .len = 100);
	app_send(50); /* held by Nagle */
	expect_nothing();
	app_close();
	expect(FINACK, .len = 50);
	expect_nothing();
	peer(ACK);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.8.1: FIN is retransmitted like data. */
TEST(lost_fin_is_retransmitted)
{
	script(.seed = 5);
	given_connected();
	app_close();
	expect(FINACK, .seq = 1);
	expect_after_ms(190, 230, FINACK, .seq = 1);
	expect_after_ms(390, 430, FINACK, .seq = 1);
	peer(FINACK, .ack = 2);
	expect(ACK, .seq = 2);
	script_finish();
}

/* tcp(7) tcp_fin_timeout: an orphan in FIN_WAIT_2 is given up after 60 s. */
TEST(orphan_in_fin_wait_2_is_forgotten_after_sixty_seconds)
{
	script(.seed = 6);
	given_connected();
	app_close();
	expect(FINACK, .seq = 1);
	peer(ACK, .ack = 2);
	advance_ms(59000);
	peer(ACK, .ack = 2);
	expect_whatever();
	advance_ms(62000);
	expect_nothing();
	peer(FINACK, .ack = 2);
	expect(RST, .seq = 2);
	script_finish();
}

/* RFC 1122 4.2.2.13: data that nobody will read is answered by RST. */
TEST(data_after_close_is_reset)
{
	script(.seed = 7);
	given_connected();
	app_close();
	expect(FINACK, .seq = 1);
	peer(ACK, .ack = 2);
	peer(ACK, .len = 100, .ack = 2);
	expect(RST, .seq = 2);
	expect_nothing();
	/* Nothing is left. */
	peer(FINACK, .seq = 101, .ack = 2);
	expect(RST, .seq = 2);
	script_finish();
}

/* The same before our FIN was acknowledged. */
TEST(data_in_fin_wait_1_after_close_is_reset)
{
	script(.seed = 8);
	given_connected();
	app_close();
	expect(FINACK, .seq = 1);
	peer(ACK, .len = 100, .ack = 1);
	expect(RST, .seq = 1);
	expect_nothing();
	script_finish();
}

/* RFC 1122 4.2.2.13: close with unread data sends RST, as Linux does. */
TEST(close_with_unread_data_resets)
{
	script(.seed = 9);
	given_connected();
	peer(ACK, .len = 100);
	expect_whatever();
	app_close();
	expect(RSTACK, .seq = 1, .ack = 101);
	expect_nothing();
	script_check(mib(MIB_TCP_ABORT_ON_CLOSE), 1, "aborts on close");
	peer(ACK, .ack = 1);
	expect(RST, .seq = 1);
	script_finish();
}

/* socket(7) SO_LINGER with 0: close resets and forgets what was not sent. */
TEST(linger_zero_close_resets)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	script(.seed = 10);
	given_connected();
	script_check(socket_setsockopt(S.node->st, S.c->so, SOL_SOCKET, SO_LINGER, &l, sizeof(l),
				       S.world->now), 0, "SO_LINGER");
	app_send(100);
	expect(ACK, .len = 100);
	app_close();
	expect(RSTACK, .seq = 101, .ack = 1);
	expect_nothing();
	script_finish();
}

/* -- passive close -------------------------------------------------------------------------- */

/* RFC 9293 3.6 figure 12, the other side; the FIN's ACK may wait for ours. */
TEST(passive_close_runs_through_close_wait_and_last_ack)
{
	script(.seed = 20);
	given_accepted();
	peer(FINACK);
	app_poll(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	app_recv(10, 0);
	app_recv(10, 0);
	app_close();
	expect(FINACK, .seq = 1, .ack = 2);
	expect_nothing();
	peer(ACK, .ack = 2);
	expect_nothing();
	/* CLOSED, no TIME_WAIT on this side. */
	peer(ACK, .ack = 2);
	expect(RST, .seq = 2);
	script_finish();
}

TEST(fin_is_acknowledged_within_forty_ms)
{
	script(.seed = 21);
	given_accepted();
	peer(FINACK);
	expect_after_ms(0, 42, ACK, .seq = 1, .ack = 2);
	expect_silence_ms(1000);
	app_poll(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	script_finish();
}

/* RFC 9293 3.6: the program may still send after the peer's FIN. */
TEST(close_wait_can_send)
{
	script(.seed = 22);
	given_accepted();
	peer(FINACK, .len = 10);
	app_recv(100, 10);
	app_recv(100, 0);
	app_send(200);
	expect_whatever();
	script_check(S.f->rcv_nxt, 201, "sent");
	peer(ACK);
	app_close();
	expect(FINACK, .seq = 201, .ack = 12);
	peer(ACK);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.10.7.4 eighth: nothing counts after the FIN. */
TEST(data_after_fin_is_ignored)
{
	script(.seed = 23);
	given_accepted();
	peer(FINACK, .len = 10);
	expect_whatever();
	peer(ACK, .seq = 12, .len = 10);
	expect_whatever();
	advance_ms(50);
	expect_whatever();
	app_recv(100, 10);
	app_recv(100, 0);
	script_finish();
}

TEST(out_of_order_fin_waits_for_the_data_before_it)
{
	script(.seed = 24);
	given_accepted();
	peer(FINACK, .seq = 101, .len = 100);
	expect(ACK, .ack = 1);
	app_poll(EPOLLOUT);
	app_recv(100, -EAGAIN);
	peer(ACK, .seq = 1, .len = 100);
	expect_whatever();
	app_recv(500, 200);
	app_recv(500, 0);
	app_poll(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	advance_ms(50);
	expect_whatever();
	script_check(S.f->snd_nxt, 202, "peer's end");
	script_finish();
}

/* -- half close -------------------------------------------------------------------------------- */

/* shutdown(2) SHUT_WR: FIN goes out, reading goes on. */
TEST(half_close_receives_until_the_peers_fin)
{
	script(.seed = 30);
	given_connected();
	app_shutdown(SHUT_WR);
	expect(FINACK, .seq = 1);
	peer(ACK, .ack = 2);
	app_send_gives(10, -EPIPE);
	app_poll(EPOLLOUT);
	peer(ACK, .len = 500);
	expect(ACK, .seq = 2, .ack = 501);
	app_recv(1000, 500);
	peer(FINACK);
	expect(ACK, .seq = 2, .ack = 502);
	app_recv(1000, 0);
	app_poll(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
	app_close();
	expect_nothing();
	script_finish();
}

/* shutdown(2) twice is harmless; on a socket never connected it is ENOTCONN. */
TEST(shutdown_twice_and_unconnected)
{
	struct conn *c;

	script(.seed = 31);
	given_connected();
	app_shutdown(SHUT_WR);
	expect(FINACK, .seq = 1);
	app_shutdown(SHUT_WR);
	expect_nothing();
	c = conn_socket(S.node, SOCK_STREAM);
	script_check(conn_shutdown(c, SHUT_WR), -ENOTCONN, "shutdown");
	script_finish();
}

/* shutdown(2) SHUT_RD: EOF here; Linux goes on acknowledging what comes. */
TEST(shut_rd_reads_eof)
{
	script(.seed = 32);
	given_connected();
	app_shutdown(SHUT_RD);
	expect_nothing();
	app_poll(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	app_recv(10, 0);
	script_finish();
}

/* -- resets ------------------------------------------------------------------------------------- */

/* RFC 9293 3.10.7.4 second: "connection reset". */
TEST(rst_reports_econnreset_once)
{
	script(.seed = 40);
	given_connected();
	peer(RST);
	expect_nothing();
	app_poll(POLL_DEAD);
	app_recv(10, -ECONNRESET);
	app_recv(10, 0);
	app_send_gives(10, -EPIPE);
	app_poll(POLL_DEAD & ~EPOLLERR);
	script_check(mib(MIB_TCP_ESTAB_RESETS), 1, "resets");
	script_finish();
}

/* Linux tcp_reset(): what was received before is lost to an error first, EPIPE in CLOSE_WAIT. */
TEST(rst_in_close_wait_reports_epipe)
{
	script(.seed = 41);
	given_accepted();
	peer(FINACK);
	expect_whatever();
	peer(RST);
	expect_nothing();
	app_error(EPIPE);
	script_finish();
}

TEST(rst_ends_fin_wait_2_silently)
{
	script(.seed = 42);
	given_connected();
	app_close();
	expect(FINACK, .seq = 1);
	peer(ACK, .ack = 2);
	peer(RST);
	expect_nothing();
	peer(FINACK, .ack = 2);
	expect(RST, .seq = 2);
	script_finish();
}

/* RFC 1337 2, as Linux's default: an RST does end TIME_WAIT. */
TEST(rst_ends_time_wait)
{
	script(.seed = 43);
	given_connected();
	app_close();
	expect(FINACK, .seq = 1);
	peer(FINACK, .ack = 2);
	expect(ACK, .seq = 2);
	peer(RST, .seq = 2);
	expect_nothing();
	peer(ACK, .seq = 2, .ack = 2);
	expect(RST, .seq = 2);
	script_finish();
}

/* -- TIME_WAIT ----------------------------------------------------------------------------------- */

/* The stack accepts a connection, closes first, and is in TIME_WAIT; the listener stays. */
static void given_time_wait(bool ts)
{
	given_accepted(.ts = ts);
	app_close();
	expect(FINACK, .seq = 1);
	peer(FINACK, .ack = 2);
	expect(ACK, .seq = 2, .ack = 2);
	expect_nothing();
}

/* RFC 9293 3.6.1, RFC 6191: a SYN beyond the old connection's numbers opens a new one. */
TEST(time_wait_is_reused_by_a_syn_with_higher_sequence)
{
	script(.seed = 50);
	given_time_wait(false);
	advance_ms(1000);
	flow_renew(1000 + 100);
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	expect_nothing();
	peer(ACK, .seq = 1, .ack = 1);
	app_accept();
	peer(ACK, .len = 10);
	expect(ACK);
	app_recv(10, 10);
	script_finish();
}

/* RFC 9293 3.10.7.4: an old duplicate SYN in TIME_WAIT is answered by an ACK. */
TEST(old_syn_in_time_wait_is_acknowledged_only)
{
	script(.seed = 51);
	given_time_wait(false);
	advance_ms(1000);
	peer(SYN, .seq = -500);
	expect(ACK, .seq = 2, .ack = 2);
	expect_nothing();
	must(conn_accept(S.listener) == NULL, "an old SYN was accepted");
	script_finish();
}

/* RFC 6191: with timestamps a higher one is enough, even with a lower sequence number. */
TEST(time_wait_is_reused_by_a_syn_with_higher_timestamp)
{
	script(.seed = 52);
	given_time_wait(true);
	advance_ms(2000);
	flow_renew(100);
	peer_syn(.ts = true);
	expect(SYNACK, .seq = 0, .ack = 1);
	peer(ACK, .seq = 1, .ack = 1);
	app_accept();
	script_finish();
}

/* RFC 6191, RFC 7323 5: a lower timestamp marks an old duplicate. */
TEST(syn_with_older_timestamp_in_time_wait_is_acknowledged_only)
{
	script(.seed = 53);
	given_time_wait(true);
	advance_ms(2000);
	peer(SYN, .seq = 5000, .mss = 1460, .tsval = S.ts_base - 100000, .tsecr = 0);
	expect(ACK, .seq = 2, .ack = 2);
	expect_nothing();
	must(conn_accept(S.listener) == NULL, "an old SYN was accepted");
	script_finish();
}

/* bind(2): TIME_WAIT blocks the port without SO_REUSEADDR, and does not with it. */
TEST(time_wait_blocks_bind_without_reuseaddr)
{
	struct conn *c;

	script(.seed = 54);
	given_time_wait(false);
	conn_close(S.listener);
	c = conn_socket(S.node, SOCK_STREAM);
	script_check(conn_bind(c, &S.node->addr, SCRIPT_STACK_PORT), -EADDRINUSE, "bind");
	script_check(conn_setint(c, SOL_SOCKET, SO_REUSEADDR, 1), 0, "SO_REUSEADDR");
	script_check(conn_bind(c, &S.node->addr, SCRIPT_STACK_PORT), 0, "bind");
	script_check(conn_listen(c, 5), 0, "listen");
	script_finish();
}

SIM_MAIN("tcp-close")
