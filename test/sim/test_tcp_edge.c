/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_edge.c - what is rarely met: windows taken back, orphans, little unsent data. */
#include <linux/sockios.h>

#include "stack/core/stack_priv.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

#ifndef TCP_NOTSENT_LOWAT
#define TCP_NOTSENT_LOWAT 25
#endif

/* RFC 9293 3.8.6: a window shut on data in flight; a peer that answers is not given up. */
TEST(shut_window_on_sent_data_is_not_given_up)
{
	int i;

	script(.seed = 1);
	given_connected();
	app_send(100);
	expect(ACK, .seq = 1, .len = 100);
	peer(ACK, .ack = 1, .win = 0);
	for (i = 0; i < 25; i++) {
		expect_after_ms(1, 125000, ACK, .seq = 1, .len = 100);
		peer(ACK, .ack = 1, .win = 0);
	}
	app_error(0);
	peer(ACK, .ack = 101, .win = 5000);
	expect_nothing();
	app_send(10);
	expect(ACK, .seq = 101, .len = 10);
	peer(ACK);
	script_finish();
}

/* tcp(7) tcp_retries2: one that is silent is. */
TEST(shut_window_and_silence_end_in_etimedout)
{
	script(.seed = 2);
	given_connected();
	app_send(100);
	expect(ACK, .seq = 1, .len = 100);
	peer(ACK, .ack = 1, .win = 0);
	advance_ms(600 * 1000);
	expect_whatever();
	app_error(ETIMEDOUT);
	script_finish();
}

/* An orphan in FIN_WAIT_2 keeps only what is needed to answer. */
TEST(orphan_in_fin_wait_2_is_small_and_still_answers)
{
	struct stack *st;
	uint32_t before;

	script(.seed = 3);
	given_accepted();
	st = S.node->st;
	before = st->tcp.socks.used;
	app_close();
	expect(FINACK, .seq = 1);
	peer(ACK);
	expect_nothing();
	script_check(st->tcp.socks.used, before - 1, "connections");
	script_check(st->tcp.tws.used, 1, "small nodes");
	peer(FINACK);
	expect(ACK, .ack = 2);
	expect_nothing();
	script_check(st->tcp.tws.used, 1, "small nodes");
	script_finish();
}

/* RFC 1122 4.2.2.13: data for a program that is gone is answered with RST there, too. */
TEST(data_for_an_orphan_in_fin_wait_2_is_reset)
{
	script(.seed = 4);
	given_accepted();
	app_close();
	expect(FINACK, .seq = 1);
	peer(ACK);
	expect_nothing();
	peer(ACK, .len = 10);
	expect(RST, .seq = 2);
	expect_nothing();
	script_check(S.node->st->tcp.tws.used, 0, "small nodes");
	script_finish();
}

/* RFC 5082: what crossed a router was sent with 255 by nobody; here 64 is what arrives. */
TEST(segments_from_too_far_away_are_not_heard)
{
	int level = world_v6 ? SOL_IPV6 : SOL_IP, name = world_v6 ? IPV6_MINHOPCOUNT : IP_MINTTL;

	script(.seed = 6);
	given_connected();
	app_setint(level, name, 65);
	peer(ACK, .seq = 1, .len = 100);
	expect_nothing();
	app_setint(level, name, 64);
	peer(ACK, .seq = 1, .len = 100);
	expect(ACK, .ack = 101);
	script_finish();
}

/* tcp(7) TCP_NOTSENT_LOWAT: unsent data is bounded, and the writer is told when it is little. */
TEST(notsent_lowat_bounds_unsent_data_and_wakes_the_writer)
{
	ssize_t n;
	int unsent;

	script(.seed = 5);
	given_connected();
	app_setint(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 5000);
	app_setint(SOL_SOCKET, SO_SNDBUF, 1 << 20);
	n = conn_send(S.c, 60000, 0);
	must(n > 0 && n < 60000, "sent %zd", n);
	(void)socket_ioctl(S.node->st, S.c->so, SIOCOUTQNSD, &unsent, S.world->now);
	/* Looked at where a run of segments begins, half of the peer's window, as in Linux. */
	must(unsent > 0 && unsent <= 5000 + 65535 / 2, "%d unsent", unsent);
	expect_whatever();
	app_poll(0);
	S.c->events = 0;
	while (unsent > 0) {
		peer(ACK);
		expect_whatever();
		(void)socket_ioctl(S.node->st, S.c->so, SIOCOUTQNSD, &unsent, S.world->now);
	}
	app_poll(EPOLLOUT);
	must(S.c->events & EPOLLOUT, "no edge for the writer");
	peer(ACK);
	script_finish();
}

SIM_MAIN("tcp-edge")
