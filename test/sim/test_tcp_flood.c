/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_flood.c - what strangers can make us keep and send is bounded: half-open connections,
 * TIME_WAIT, segments out of order, challenge ACKs, answers to groups (RFC 4987, 5961).
 */
#include <netinet/in.h>

#include "stack/core/stack_priv.h"
#include "stack/tcp/tcp_table.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/tcp_sim.h"

#define ST (S.node->st)

static void no_cookies(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->syncookies = 0;
}

static void flood(unsigned int n, uint16_t first_port)
{
	for (unsigned int i = 0; i < n; i++)
		peer(SYN, .seq = 0, .mss = MSS, .sport = first_port + i);
	expect_whatever();
}

/* -- half-open connections ------------------------------------------------------------------------ */

/* Without cookies: as many as the backlog, the other SYNs are dropped and counted. */
TEST(half_open_connections_are_bounded_by_the_backlog)
{
	script(.seed = 1, .tune = no_cookies);
	given_listening(.backlog = 8);
	flood(500, 1000);
	must(ST->tcp.reqs.used <= 9, "%u half-open connections", ST->tcp.reqs.used);
	must(mib(MIB_TCP_REQ_QFULL_DROP) >= 490, "%llu drops counted",
	     (unsigned long long)mib(MIB_TCP_REQ_QFULL_DROP));
	script_check(mib(MIB_TCP_SYNCOOKIES_SENT), 0, "cookies");
	/* They are given up, and the port serves again. */
	advance_ms(130000);
	expect_whatever();
	script_check(ST->tcp.reqs.used, 0, "half-open connections");
	use_flow(1);
	given_accepted();
	script_finish();
}

/* With them nothing more is kept either, but everybody is answered. */
TEST(half_open_connections_are_bounded_with_cookies)
{
	script(.seed = 2);
	given_listening(.backlog = 8);
	flood(500, 1000);
	must(ST->tcp.reqs.used <= 9, "%u half-open connections", ST->tcp.reqs.used);
	must(mib(MIB_TCP_SYNCOOKIES_SENT) >= 490, "%llu cookies",
	     (unsigned long long)mib(MIB_TCP_SYNCOOKIES_SENT));
	advance_ms(130000);
	expect_whatever();
	script_finish();
}

/* All listeners together have a limit as well; beyond it cookies go out. */
TEST(half_open_connections_are_bounded_in_all)
{
	struct conn *second;
	unsigned int most;

	script(.seed = 3);
	given_listening(.backlog = 4000);
	second = conn_socket(S.node, SOCK_STREAM);
	script_check(conn_bind(second, &S.node->addr, 81), 0, "bind");
	script_check(conn_listen(second, 4000), 0, "listen");
	most = ST->tcp.reqs.max;
	for (unsigned int i = 0; i < most + 100; i++) {
		peer(SYN, .seq = 0, .mss = MSS, .sport = 1000 + i % 3000,
		     .dport = i < 3000 ? SCRIPT_STACK_PORT : 81);
		if (i % 500 == 0)
			expect_whatever();
	}
	expect_whatever();
	must(ST->tcp.reqs.used <= most, "%u half-open connections", ST->tcp.reqs.used);
	must(mib(MIB_TCP_SYNCOOKIES_SENT) >= 90, "%llu cookies",
	     (unsigned long long)mib(MIB_TCP_SYNCOOKIES_SENT));
	conn_close(second);
	conn_close(S.listener);
	S.listener = NULL;
	expect_whatever();
	script_check(ST->tcp.reqs.used, 0, "half-open connections");
	script_finish();
}

/* -- SYN cookies: what they carry ------------------------------------------------------------------- */

static void always_cookies(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->syncookies = 2;
}

/* The timestamp's low bits have room for ECN. */
TEST(cookie_connection_keeps_ecn)
{
	script(.seed = 10, .tune = always_cookies);
	given_listening();
	peer(SYN, .seq = 0, .mss = MSS, .tsval = 1000, .tsecr = 0, .ece = 1, .cwr = 1);
	S.f->ts = true;
	expect(SYNACK, .seq = 0, .ack = 1, .ece = 1, .tsval = ANY, .tsecr = 1000);
	peer(ACK, .seq = 1, .ack = 1, .tsval = 1001);
	app_accept();
	script_check(mib(MIB_TCP_SYNCOOKIES_RECV), 1, "cookies received");
	app_send(100);
	expect(ACK, .len = 100, .ecn = 2);
	peer(ACK, .tsval = 1002);
	script_finish();
}

/* Without timestamps there is no place for them: the SYN-ACK must not agree to what is forgotten. */
TEST(cookie_without_timestamps_agrees_to_no_options)
{
	script(.seed = 11, .tune = always_cookies);
	given_listening();
	peer(SYN, .seq = 0, .mss = 1300, .wscale = 7, .sackok = 1, .ece = 1, .cwr = 1);
	expect(SYNACK, .seq = 0, .ack = 1, .wscale = NONE, .sackok = NONE, .tsval = NONE, .ece = 0);
	peer(ACK, .seq = 1, .ack = 1, .win = 4000);
	app_accept();
	S.f->win = 4000;
	app_send(10000);
	expect(ACK, .len = 1300);
	expect(ACK, .len = 1300);
	expect(ACK, .len = 1300);
	expect_nothing();
	script_finish();
}

/* A full accept queue is full for cookies as well: the ACK is dropped, not reset. */
TEST(cookie_echo_to_a_full_accept_queue_is_dropped)
{
	script(.seed = 12, .tune = always_cookies);
	given_listening(.backlog = 1);
	for (unsigned int i = 0; i < 3; i++) {
		use_flow(i);
		peer_syn();
		expect(SYNACK, .seq = 0, .ack = 1);
	}
	for (unsigned int i = 0; i < 3; i++) {
		use_flow(i);
		peer(ACK, .seq = 1, .ack = 1);
		expect_nothing();
	}
	must(mib(MIB_TCP_LISTEN_OVERFLOWS) >= 1, "overflow not counted");
	app_accept();
	peer(ACK, .seq = 1, .ack = 1); /* flow 2 once more, with data it would be the same */
	expect_nothing();
	app_accept();
	app_accept();
	must(conn_accept(S.listener) == NULL, "a fourth connection");
	script_finish();
}

/* -- TIME_WAIT ---------------------------------------------------------------------------------------- */

static void short_time_wait(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->time_wait_ns = 5 * SEC;
}

static void close_first(void)
{
	given_accepted();
	app_close();
	expect(FINACK, .seq = 1);
	peer(FINACK, .ack = 2);
	expect(ACK, .seq = 2, .ack = 2);
}

TEST(time_wait_lasts_as_configured)
{
	script(.seed = 20, .tune = short_time_wait);
	close_first();
	advance_ms(4900);
	script_check(ST->tcp.tws.used, 1, "TIME_WAIT");
	advance_ms(200);
	script_check(ST->tcp.tws.used, 0, "TIME_WAIT");
	script_finish();
}

TEST(time_wait_memory_is_bounded)
{
	unsigned int most;

	script(.seed = 21);
	most = ST->tcp.tws.max;
	for (unsigned int i = 0; i < most + 20; i++) {
		S.f->peer_port = (uint16_t)(1000 + i);
		flow_renew(1000 + i);
		close_first();
	}
	script_check(ST->tcp.tws.used, most, "TIME_WAIT");
	script_check(mib(MIB_TCP_TW_OVERFLOW), 20, "overflows");
	script_finish();
}

/* -- out of order --------------------------------------------------------------------------------------- */

/* Many connections, each with holes in its stream: half of the receive memory at most. */
TEST(out_of_order_memory_is_bounded_in_all)
{
	uint64_t most;

	script(.seed = 30, .mbufs = 400);
	most = ST->tcp.rmem_max / 2 + 5000;
	for (unsigned int i = 0; i < 10; i++) {
		use_flow(i);
		given_accepted();
		for (int k = 1; k <= 30; k++) {
			peer(ACK, .seq = 1 + 200 * k, .len = 100);
			expect_whatever();
			must(ST->tcp.ofo_bytes <= most, "%llu bytes wait",
			     (unsigned long long)ST->tcp.ofo_bytes);
		}
		S.f->snd_nxt = 1;
	}
	must(mib(MIB_TCP_OFO_DROP) > 0, "nothing was dropped");
	/* What is in order is taken all the same, by the last as by the first. */
	peer(ACK, .seq = 1, .len = 200);
	expect_whatever();
	app_recv(200, 200);
	script_finish();
}

/* -- challenge ACKs: RFC 5961 7 --------------------------------------------------------------------------- */

/* One budget for all connections, besides each one's own limit. */
TEST(challenge_acks_are_limited_for_the_whole_stack)
{
	script(.seed = 40);
	for (unsigned int i = 0; i < 6; i++) {
		use_flow(i);
		given_accepted();
	}
	ST->tcp.challenge_period = S.world->now / SEC;
	ST->tcp.challenge_left = 3;
	for (unsigned int i = 0; i < 6; i++) {
		use_flow(i);
		peer(RST, .seq = 100);
		if (i < 3)
			expect(ACK, .seq = 1, .ack = 1);
		expect_nothing();
	}
	script_check(mib(MIB_TCP_CHALLENGE_LIMIT), 3, "held back");
	/* The next second has a budget of its own, whose size nobody can tell. */
	advance_ms(1000);
	peer(RST, .seq = 100);
	expect(ACK, .seq = 1, .ack = 1);
	must(ST->tcp.challenge_left >= 499 && ST->tcp.challenge_left < 1500, "%u left",
	     ST->tcp.challenge_left);
	script_finish();
}

/* -- the rest ------------------------------------------------------------------------------------------------ */

/* Where a flow lands in the table is a secret of the stack. */
TEST(table_is_keyed_with_a_secret)
{
	struct tcp_key key = { .lport = 80, .rport = 40000 };
	uint32_t hash[2], mask = 0xff, same = 0;

	for (unsigned int n = 0; n < 64; n++) {
		key.rport = (uint16_t)(40000 + n);
		for (unsigned int i = 0; i < 2; i++) {
			struct world *w = world_pair(100 + i);

			hash[i] = tcp_hash(&w->nodes[0].st->tcp, &key);
			world_free(w);
		}
		same += (hash[0] & mask) == (hash[1] & mask);
	}
	must(same < 8, "%u of 64 flows are in the same bucket of two stacks", same);
}

/* RFC 6056: one connection's port says little about the next one's, or about another machine's. */
TEST(ephemeral_ports_are_not_to_be_guessed)
{
	uint16_t ports[2][32];
	unsigned int next = 0, same = 0;

	for (unsigned int i = 0; i < 2; i++) {
		struct world *w = world_pair(200 + i);

		for (unsigned int n = 0; n < 32; n++) {
			struct conn *c = conn_socket(&w->nodes[0], SOCK_STREAM);

			(void)conn_connect(c, &w->nodes[1].addr, (uint16_t)(1000 + n));
			ports[i][n] = conn_local_port(c);
			must(ports[i][n] >= 1024, "port %u", ports[i][n]);
		}
		world_free(w);
	}
	for (unsigned int n = 0; n < 32; n++) {
		same += ports[0][n] == ports[1][n];
		if (n > 0)
			next += (uint16_t)(ports[0][n] - ports[0][n - 1]) <= 8;
	}
	must(same <= 2, "%u of 32 ports are the same in two stacks", same);
	must(next <= 4, "%u of 31 ports follow closely upon the last", next);
}

/* RFC 1122 4.2.3.10: neither SYN-ACK nor RST for what was sent to a group or to all. */
TEST(segments_to_groups_and_broadcasts_are_never_answered)
{
	static const uint8_t group6[16] = { 0xff, 2, [15] = 1 }, mac6[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t flags[] = { SYN, ACK, SYNACK, FINACK, RST };
	uint8_t buf[FRAME_MAX];

	script(.seed = 50);
	given_listening();
	for (unsigned int i = 0; i < sizeof(flags) * 2; i++) {
		struct frame_tcp t = { .sport = 40000, .dport = i % 2 == 0 ? 80 : 81,
				       .flags = flags[i / 2], .seq = 1000, .ack = 5000, .win = 1000 };
		struct frame_path path = S.path;

		/* To our address, in a frame to all. */
		memset(path.dmac, 0xff, 6);
		script_peer_frame(buf, frame_build_tcp(buf, &path, &t));
		if (path.v6) {
			memcpy(path.dst6, group6, 16);
			memcpy(path.dmac, mac6, 6);
		} else {
			path.dst = IP4(192, 0, 2, 255);
			script_peer_frame(buf, frame_build_tcp(buf, &path, &t));
			path.dst = IP4(224, 0, 0, 1);
		}
		script_peer_frame(buf, frame_build_tcp(buf, &path, &t));
	}
	expect_nothing();
	script_check(ST->tcp.reqs.used, 0, "half-open connections");
	script_check(mib(MIB_TCP_OUT_RSTS), 0, "resets");
	script_finish();
}

/* A peer's tiny MSS does not make us send a packet per byte: Linux's tcp_min_snd_mss. */
TEST(tiny_mss_is_raised)
{
	script(.seed = 60);
	given_accepted(.mss = 5, .ts = true);
	app_send(100);
	expect(ACK, .len = 36);
	expect(ACK, .len = 36);
	expect(ACK, .len = 28);
	peer(ACK);
	use_flow(1);
	given_accepted(.mss = 12, .ts = true);
	app_send(36);
	expect(ACK, .len = 36);
	peer(ACK);
	script_finish();
}

SIM_MAIN("tcp-flood")
