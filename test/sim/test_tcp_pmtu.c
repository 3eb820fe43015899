/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_pmtu.c - paths that take smaller packets: RFC 1191, 8201, 5927, 4821. */
#include <netinet/in.h>

#include "stack/core/mib.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

static int64_t tcpi(unsigned int off)
{
	uint32_t info[64] = { 0 };
	socklen_t len = sizeof(info);

	script_check(socket_getsockopt(S.node->st, S.c->so, IPPROTO_TCP, TCP_INFO, info, &len,
				       S.world->now),
		     0, "TCP_INFO");
	return info[off / 4];
}
#define TCPI_MSS 16   /* offsetof(struct tcp_info, tcpi_snd_mss) */
#define TCPI_PMTU 60
#define TCPI_CWND 80

/* RFC 1191 6.4: what was too big goes again at once, in pieces; it is no sign of congestion. */
TEST(packet_too_big_resends_at_once_in_pieces_and_keeps_cwnd)
{
	script(.seed = 1);
	given_connected(.sack = true);
	app_send(2 * 1460 + 500);
	expect(ACK, .seq = 1, .len = 1460);
	expect(ACK, .seq = 1461, .len = 1460);
	expect(ACK, .seq = 2921, .len = 500);
	peer_icmp(3, 4, .mtu = 1300, .seq = 1);
	expect(ACK, .seq = 1, .len = 1260);
	expect(ACK, .seq = 1261, .len = 1260); /* cut anew, not each in two */
	expect(ACK, .seq = 2521, .len = 900);
	expect_nothing();
	script_check(tcpi(TCPI_CWND), 10, "cwnd");
	script_check(tcpi(TCPI_MSS), 1260, "MSS");
	script_check(tcpi(TCPI_PMTU), world_v6 ? 1320 : 1300, "path MTU");
	peer(ACK, .ack = 3421);
	app_send(1500);
	expect(ACK, .seq = 3421, .len = 1260);
	expect(ACK, .seq = 4681, .len = 240);
	peer(ACK);
	expect_silence_ms(2000);
	must(tcpi(TCPI_CWND) >= 10, "the window shrank");
	script_finish();
}

/* What waits behind it is cut anew, too: full segments, in order, every byte once. */
TEST(packet_too_big_cuts_what_waits_anew)
{
	int next = 1;

	script(.seed = 14);
	given_connected(.sack = true);
	app_send(40 * 1460);
	for (int i = 0; i < 10; i++)
		expect(ACK, .seq = 1 + i * 1460, .len = 1460);
	expect_nothing();
	peer_icmp(3, 4, .mtu = 1300, .seq = 1);
	while (next < 14601) {
		expect_whatever();
		must(S.f->rcv_nxt > (uint32_t)next, "nothing came from %d on", next);
		next = (int)S.f->rcv_nxt;
		peer(ACK);
		if (next >= 14601)
			break;
	}
	for (int i = 0; i < 5; i++)
		expect(ACK, .len = 1260);
	expect_whatever();
	peer(ACK);
	expect_whatever();
	peer(ACK);
	expect_whatever();
	script_check(S.f->rcv_nxt, 1 + 40 * 1460, "all of it");
	script_finish();
}

/* Without SACK as well. */
TEST(packet_too_big_without_sack)
{
	script(.seed = 2);
	given_connected();
	app_send(1460);
	expect(ACK, .seq = 1, .len = 1460);
	peer_icmp(3, 4, .mtu = 1300, .seq = 1);
	expect(ACK, .seq = 1, .len = 1260);
	expect(ACK, .seq = 1261, .len = 200);
	peer(ACK, .ack = 1461);
	expect_silence_ms(2000);
	script_check(tcpi(TCPI_CWND) >= 10, 1, "cwnd");
	script_finish();
}

/* The other segments of the flight are believed only about their own numbers: RFC 5927 7.2. */
TEST(packet_too_big_about_acknowledged_data_is_ignored)
{
	script(.seed = 3);
	given_connected();
	app_send(1460);
	expect(ACK, .seq = 1, .len = 1460);
	peer(ACK, .ack = 1461);
	app_send(1460);
	expect(ACK, .seq = 1461, .len = 1460);
	peer_icmp(3, 4, .mtu = 1300, .seq = 1);
	expect_nothing();
	script_check(tcpi(TCPI_MSS), 1460, "MSS");
	script_finish();
}

/* A size that is not smaller changes nothing. */
TEST(packet_too_big_that_does_not_shrink_is_ignored)
{
	script(.seed = 4);
	given_connected();
	app_send(1460);
	expect(ACK, .seq = 1, .len = 1460);
	peer_icmp(3, 4, .mtu = 1500, .seq = 1);
	peer_icmp(3, 4, .mtu = 9000, .seq = 1);
	expect_nothing();
	script_check(tcpi(TCPI_MSS), 1460, "MSS");
	script_finish();
}

/* RFC 8201 4: a router that claims less than 1280 is not believed. */
TEST6(packet_too_big_below_the_minimum_is_ignored)
{
	script(.seed = 5);
	given_connected();
	app_send(1460);
	expect(ACK, .seq = 1, .len = 1460);
	peer_icmp(3, 4, .mtu = 1200, .seq = 1);
	expect_nothing();
	peer_icmp(3, 4, .mtu = 1260, .seq = 1);
	expect(ACK, .seq = 1, .len = 1220);
	expect(ACK, .seq = 1221, .len = 240);
	script_finish();
}

/* Linux's net.ipv4.route.min_pmtu: 552. */
TEST4(packet_too_big_has_a_floor)
{
	script(.seed = 5);
	given_connected();
	app_send(1460);
	expect(ACK, .seq = 1, .len = 1460);
	peer_icmp(3, 4, .mtu = 68, .seq = 1);
	expect(ACK, .seq = 1, .len = 512);
	expect_whatever();
	script_finish();
}

/* ip(7), ipv6(7): IP_PMTUDISC_INTERFACE ignores what the network says. */
TEST(packet_too_big_is_ignored_by_request)
{
	script(.seed = 6);
	given_connected();
	if (world_v6)
		app_setint(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_INTERFACE);
	else
		app_setint(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_INTERFACE);
	app_send(1460);
	expect(ACK, .seq = 1, .len = 1460);
	peer_icmp(3, 4, .mtu = 1300, .seq = 1);
	expect_nothing();
	script_finish();
}

/* RFC 1191 6.3: a larger size is found out by time. */
TEST(path_mtu_is_forgotten_after_ten_minutes)
{
	script(.seed = 7);
	given_connected();
	app_send(1460);
	expect(ACK, .seq = 1, .len = 1460);
	peer_icmp(3, 4, .mtu = 1300, .seq = 1);
	expect_whatever();
	peer(ACK, .ack = 1461);
	advance_ms(601000);
	app_send(1460);
	expect(ACK, .seq = 1461, .len = 1460);
	script_finish();
}

/* RFC 4821 7.7: after R1 (RFC 1122 4.2.3.5) the segments shrink to the base size. */
TEST(black_hole_is_found_by_time_outs)
{
	int base = world_v6 ? 1220 : 1024;

	script(.seed = 8);
	given_connected();
	app_send(1460);
	expect(ACK, .seq = 1, .len = 1460);
	for (int i = 0; i < 4; i++)
		expect_after_ms(1, 2000, ACK, .seq = 1, .len = 1460);
	expect_after_ms(1, 4000, ACK, .seq = 1, .len = base);
	script_check(mib(MIB_TCP_MTU_BLACK_HOLE), 1, "black holes");
	peer(ACK, .ack = 1 + base);
	expect(ACK, .seq = 1 + base, .len = 1460 - base);
	peer(ACK, .ack = 1461);
	app_send(1460);
	expect(ACK, .seq = 1461, .len = base);
	expect_whatever();
	script_finish();
}

/* Time-outs of segments that any path takes say nothing about its MTU. */
TEST(time_outs_of_short_segments_are_no_black_hole)
{
	script(.seed = 9);
	given_connected();
	app_send(1000);
	for (int i = 0; i < 8; i++)
		expect_after_ms(0, 60000, ACK, .seq = 1, .len = 1000);
	script_check(mib(MIB_TCP_MTU_BLACK_HOLE), 0, "black holes");
	script_finish();
}

static bool stream_done(void *arg)
{
	const struct conn *c = arg;

	return c->eof || c->err != 0;
}

/* RFC 4821 7.3: the search ends where the path's MTU is, without a word from the network. */
TEST(probes_find_the_mtu_of_a_black_hole)
{
	struct world *w = world_pair(11);
	struct wire_port *p = &w->wires[0].ports[0];
	struct conn *a, *b;
	socklen_t len;
	uint32_t info[64] = { 0 };
	int mtu = world_v6 ? 1420 : 1400, hdrs = world_v6 ? 60 : 40;

	for (unsigned int i = 0; i < 2; i++)
		w->wires[0].ports[i].tx.delay_ns = 5 * MS;
	world_connect(w, &w->nodes[0], &w->nodes[1], 80, &a, &b);
	p->tx.mtu = (uint32_t)mtu;
	conn_stream(a, 1, 8000000, 2);
	conn_stream(b, 2, 0, 1);
	a->shut_when_done = true;
	must(world_run_until(w, stream_done, b, 120 * SEC), "the stream did not end");
	must(b->rx_off == 8000000, "%llu bytes came", (unsigned long long)b->rx_off);
	script_equal((int64_t)stack_mib(w->nodes[0].st, MIB_TCP_MTU_BLACK_HOLE), 1, "black holes",
		     __FILE__, __LINE__);
	must(stack_mib(w->nodes[0].st, MIB_TCP_MTU_PROBE_OK) > 0, "no probe got through");
	must(stack_mib(w->nodes[0].st, MIB_TCP_MTU_PROBE_FAIL) > 0, "no probe was lost");
	len = sizeof(info);
	must(socket_getsockopt(w->nodes[0].st, a->so, IPPROTO_TCP, TCP_INFO, info, &len, w->now) == 0,
	     "TCP_INFO");
	must((int)info[TCPI_MSS / 4] + 12 + hdrs <= mtu && (int)info[TCPI_MSS / 4] + 12 + hdrs > mtu - 10,
	     "MSS %u", info[TCPI_MSS / 4]);
	conn_close(a);
	conn_close(b);
	world_finish(w);
}

/* What the path takes whole is found as well, and a probe that gets through costs nothing. */
TEST(probes_return_to_the_full_size_when_the_hole_is_gone)
{
	struct world *w = world_pair(12);
	struct wire_port *p = &w->wires[0].ports[0];
	struct conn *a, *b;
	uint64_t timeouts;

	for (unsigned int i = 0; i < 2; i++)
		w->wires[0].ports[i].tx.delay_ns = 5 * MS;
	world_connect(w, &w->nodes[0], &w->nodes[1], 80, &a, &b);
	p->tx.mtu = 1300;
	conn_stream(a, 1, 8000000, 2);
	conn_stream(b, 2, 0, 1);
	a->shut_when_done = true;
	world_run(w, 7 * SEC);
	p->tx.mtu = 0;
	timeouts = stack_mib(w->nodes[0].st, MIB_TCP_TIMEOUTS);
	must(world_run_until(w, stream_done, b, 120 * SEC), "the stream did not end");
	must(b->rx_off == 8000000, "%llu bytes came", (unsigned long long)b->rx_off);
	must(stack_mib(w->nodes[0].st, MIB_TCP_TIMEOUTS) == timeouts, "time-outs");
	must(stack_mib(w->nodes[0].st, MIB_TCP_MTU_PROBE_OK) > 0, "no probe got through");
	conn_close(a);
	conn_close(b);
	world_finish(w);
}

SIM_MAIN("tcp-pmtu")
