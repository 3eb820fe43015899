/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_more.c - urgent data, TCP_INFO, cookies with options, ECN, path MTU, self-connection. */
#include "stack/core/mib.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

/* -- urgent data: RFC 9293 3.8.5, RFC 6093, tcp(7) ------------------------------------------ */

static ssize_t recv_oob(uint8_t *byte, int flags)
{
	struct iovec iov = { byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return socket_recvmsg(S.node->st, S.c->so, &msg, MSG_OOB | flags, S.world->now);
}

static int at_mark(void)
{
	int v = -1;

	script_check(socket_ioctl(S.node->st, S.c->so, 0x8905 /* SIOCATMARK */, &v, S.world->now), 0,
		     "SIOCATMARK");
	return v;
}

/* The urgent byte is the one before the pointer, out of the stream. */
TEST(urgent_byte_is_received_out_of_band)
{
	uint8_t byte = 0;

	script(.seed = 1);
	given_accepted();
	peer(URGACK, .len = 5, .urg = 5, .data = "abcdX");
	expect_whatever();
	app_poll(EPOLLIN | EPOLLOUT | EPOLLPRI);
	script_check(recv_oob(&byte, MSG_PEEK), 1, "MSG_OOB|MSG_PEEK");
	script_check(recv_oob(&byte, 0), 1, "MSG_OOB");
	script_check(byte, 'X', "urgent byte");
	script_check(recv_oob(&byte, 0), -EINVAL, "MSG_OOB again");
	script_finish();
}

/* A read stops at the mark; SIOCATMARK says so. */
TEST(read_stops_at_the_urgent_mark)
{
	uint8_t buf[10];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	script(.seed = 2);
	given_accepted();
	peer(URGACK, .len = 5, .urg = 3, .data = "abXcd");
	expect_whatever();
	script_check(at_mark(), 0, "at mark");
	script_check(socket_recvmsg(S.node->st, S.c->so, &msg, 0, S.world->now), 2, "recv");
	must(memcmp(buf, "ab", 2) == 0, "other bytes");
	script_check(at_mark(), 1, "at mark");
	script_check(socket_recvmsg(S.node->st, S.c->so, &msg, 0, S.world->now), 2, "recv");
	must(memcmp(buf, "cd", 2) == 0, "other bytes");
	script_check(at_mark(), 0, "at mark");
	script_finish();
}

/* SO_OOBINLINE: it stays in the stream. */
TEST(oobinline_keeps_the_urgent_byte_in_the_stream)
{
	uint8_t buf[10], byte;
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	script(.seed = 3);
	given_accepted();
	app_setint(SOL_SOCKET, SO_OOBINLINE, 1);
	peer(URGACK, .len = 5, .urg = 3, .data = "abXcd");
	expect_whatever();
	script_check(recv_oob(&byte, 0), -EINVAL, "MSG_OOB");
	n = socket_recvmsg(S.node->st, S.c->so, &msg, 0, S.world->now);
	script_check(n, 2, "recv");
	script_check(at_mark(), 1, "at mark");
	n = socket_recvmsg(S.node->st, S.c->so, &msg, 0, S.world->now);
	script_check(n, 3, "recv");
	must(memcmp(buf, "Xcd", 3) == 0, "other bytes");
	script_finish();
}

/* MSG_OOB sets URG and the pointer behind the byte. */
TEST(send_oob_sets_the_urgent_pointer)
{
	script(.seed = 4);
	given_connected();
	app_send_flags(5, MSG_OOB);
	expect(URGACK, .len = 5, .urg = 5);
	expect_nothing();
	peer(ACK);
	app_send(10);
	expect(ACK, .len = 10, .urg = ANY);
	script_finish();
}

/* Without urgent data MSG_OOB is EINVAL. */
TEST(recv_oob_without_urgent_data_is_einval)
{
	uint8_t byte;

	script(.seed = 5);
	given_accepted();
	script_check(recv_oob(&byte, 0), -EINVAL, "MSG_OOB");
	script_finish();
}

/* -- TCP_INFO ----------------------------------------------------------------------------------- */

TEST(tcp_info_tells_the_truth)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	script(.seed = 10);
	given_connecting();
	expect(SYN, .seq = 0);
	advance_ms(30);
	peer_synack(.ts = true, .sack = true, .wscale = 5);
	expect(ACK);
	app_send(3000);
	expect_whatever();
	memset(&ti, 0, sizeof(ti));
	script_check(socket_getsockopt(S.node->st, S.c->so, IPPROTO_TCP, TCP_INFO, &ti, &len,
				       S.world->now), 0, "TCP_INFO");
	script_check(ti.tcpi_state, 1, "state");
	script_check(ti.tcpi_options & 7, 7, "options");
	script_check(ti.tcpi_snd_wscale, 5, "snd_wscale");
	script_check(ti.tcpi_rcv_wscale, 7, "rcv_wscale");
	script_check(ti.tcpi_snd_mss, 1448, "snd_mss");
	script_check(ti.tcpi_snd_cwnd, 10, "snd_cwnd");
	must(ti.tcpi_rtt >= 29000 && ti.tcpi_rtt <= 31000, "rtt %u", ti.tcpi_rtt);
	script_check(ti.tcpi_unacked, 3, "unacked");
	must(ti.tcpi_rto >= 200000, "rto %u", ti.tcpi_rto);
	script_check(ti.tcpi_retransmits, 0, "retransmits");
	expect_nothing();
	script_finish();
}

/* -- SYN cookies: RFC 4987 3.6 ---------------------------------------------------------------------- */

static void always_cookies(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->syncookies = 2;
}

/* The timestamp carries the options that a cookie has no room for. */
TEST(cookie_connection_keeps_scale_sack_and_mss)
{
	script(.seed = 20, .tune = always_cookies);
	given_listening();
	peer_syn(.ts = true, .sack = true, .wscale = 4, .mss = 1220);
	expect(SYNACK, .seq = 0, .ack = 1, .tsval = ANY, .sackok = 1, .wscale = ANY);
	expect_nothing();
	advance_ms(100);
	peer(ACK, .seq = 1, .ack = 1, .win = 1000);
	expect_nothing();
	app_accept();
	script_check(mib(MIB_TCP_SYNCOOKIES_RECV), 1, "cookies received");
	S.f->win = 1000; /* << 4 */
	app_send(20000);
	expect_whatever();
	must(S.f->rcv_nxt - 1 > 1000 && S.f->rcv_nxt - 1 <= 16000, "%u bytes sent into 16000",
	     S.f->rcv_nxt - 1);
	peer(ACK, .seq = 101, .len = 10);
	expect_whatever();
	script_finish();
}

/* Data with the ACK of a cookie is not lost. */
TEST(cookie_ack_with_data_is_delivered)
{
	script(.seed = 21, .tune = always_cookies);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	peer(ACK, .seq = 1, .len = 30);
	expect_whatever();
	app_accept();
	app_recv(100, 30);
	script_finish();
}

/* A cookie is good for a minute or two. */
TEST(old_cookie_is_refused)
{
	script(.seed = 22, .tune = always_cookies);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	advance_ms(300e3);
	expect_nothing();
	peer(ACK, .seq = 1, .ack = 1);
	expect(RST, .seq = 1);
	must(conn_accept(S.listener) == NULL, "an old cookie was accepted");
	script_finish();
}

/* -- ECN: RFC 3168 ---------------------------------------------------------------------------------- */

static void ecn_on(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->ecn = true;
}

/* 6.1.1: asked for with ECE and CWR, agreed with ECE alone. */
TEST(ecn_is_negotiated_when_configured)
{
	script(.seed = 30, .tune = ecn_on);
	given_connecting();
	expect(SYN, .seq = 0, .ece = 1, .cwr = 1);
	peer(SYNACK, .seq = 0, .ack = 1, .mss = 1460, .ece = 1);
	expect(ACK);
	/* 6.1.3: an ECE halves the window once, and CWR says so. */
	app_send(10 * 1460);
	expect_whatever();
	peer(ACK, .ack = 1461, .ece = 1);
	app_send(1460);
	expect_whatever();
	peer(ACK);
	app_send(1460);
	expect_whatever();
	script_check(mib(MIB_TCP_RETRANS_SEGS), 0, "retransmissions");
	script_finish();
}

/* 6.1.1.1, and Linux's tcp_ecn 2: who asks gets it, who does not gets none. */
TEST(ecn_setup_syn_is_answered_and_a_plain_one_is_not)
{
	script(.seed = 31);
	given_listening();
	peer(SYN, .seq = 0, .mss = 1460, .ece = 1, .cwr = 1);
	expect(SYNACK, .seq = 0, .ece = 1, .cwr = 0);
	use_flow(1);
	peer(SYN, .seq = 0, .mss = 1460);
	expect(SYNACK, .seq = 0, .ece = 0, .cwr = 0);
	use_flow(2);
	peer(SYN, .seq = 0, .mss = 1460, .ece = 1);
	expect(SYNACK, .seq = 0, .ece = 0, .cwr = 0);
	script_finish();
}

/* -- path MTU: RFC 1191, 5927 --------------------------------------------------------------------------- */

TEST(fragmentation_needed_shrinks_the_segments)
{
	struct script_seen s;
	unsigned int n = 0;

	script(.seed = 40);
	given_connected();
	app_send(4 * 1460);
	expect_whatever();
	peer_icmp(3, 4, .mtu = 1300, .seq = 1);
	advance_ms(250);
	while (script_next(&s)) {
		must(s.info.l4_len <= 1300 - 20, "a frame of %zu bytes", s.len);
		n++;
		free(s.bytes);
	}
	must(n > 0, "nothing was retransmitted");
	script_finish();
}

/* RFC 5927 4: believed only about a segment in flight. */
TEST(fragmentation_needed_for_a_strange_sequence_number_is_ignored)
{
	script(.seed = 41);
	given_connected();
	app_send(1460);
	expect(ACK, .len = 1460);
	peer_icmp(3, 4, .mtu = 1300, .seq = 1000000);
	peer(ACK);
	app_send(1460);
	expect(ACK, .len = 1460);
	script_finish();
}

/* RFC 5927 5, RFC 1122 4.2.3.9: hard errors are soft for an established connection. */
TEST(icmp_unreachable_does_not_kill_an_established_connection)
{
	uint8_t code;

	script(.seed = 42);
	given_connected();
	app_send(100);
	expect(ACK, .len = 100);
	for (code = 0; code < 4; code++)
		peer_icmp(3, code, .seq = 1);
	app_poll(EPOLLOUT);
	peer(ACK);
	app_send(10);
	expect(ACK, .len = 10);
	/* Linux's SO_ERROR shows the soft error, once. */
	script_check(conn_take_error(S.c) != 0, 1, "soft error");
	app_error(0);
	script_finish();
}

/* RFC 1122 4.2.3.9, Linux: in SYN-SENT it ends the attempt. */
TEST(icmp_port_unreachable_refuses_a_connect)
{
	script(.seed = 43);
	given_connecting();
	expect(SYN, .seq = 0);
	peer_icmp(3, 3, .seq = 0);
	app_error(ECONNREFUSED);
	script_finish();
}

/* -- inside one stack -------------------------------------------------------------------------------------- */

/* Client and server on one stack, over its own address. */
TEST(connection_to_own_address_works)
{
	struct world *w = world_new(50, 0);
	struct node_params p = { .addr = IP4(192, 0, 2, 1), .mbufs = 2048 };
	struct conn *a, *b;

	world_add_wire(w, 2);
	world_add_node(w, &p);
	world_connect(w, &w->nodes[0], &w->nodes[0], 80, &a, &b);
	conn_stream(a, 1, 500000, 2);
	conn_stream(b, 2, 500000, 1);
	world_run(w, 60 * SEC);
	must(a->eof && b->eof && a->rx_off == 500000 && b->rx_off == 500000,
	     "a got %llu, b got %llu", (unsigned long long)a->rx_off, (unsigned long long)b->rx_off);
	must(w->wires[0].ports[0].stats.sent == 0, "packets to ourselves went out");
	world_finish(w);
}

/* SO_REUSEPORT: connections are spread over the group. */
TEST(reuseport_listeners_share_connections)
{
	struct world *w = world_pair(51);
	struct conn *l[2], *c[40], *x;
	unsigned int i, n[2] = { 0, 0 };

	for (i = 0; i < 2; i++) {
		l[i] = conn_socket(&w->nodes[1], SOCK_STREAM);
		must(conn_setint(l[i], SOL_SOCKET, SO_REUSEPORT, 1) == 0, "SO_REUSEPORT");
		script_check(conn_bind(l[i], &w->nodes[1].addr, 80), 0, "bind");
		script_check(conn_listen(l[i], 64), 0, "listen");
	}
	for (i = 0; i < 40; i++) {
		c[i] = conn_socket(&w->nodes[0], SOCK_STREAM);
		(void)conn_connect(c[i], &w->nodes[1].addr, 80);
		world_run(w, 1 * MS);
	}
	for (i = 0; i < 2; i++)
		while ((x = conn_accept(l[i])) != NULL) {
			conn_close(x);
			n[i]++;
		}
	script_check(n[0] + n[1], 40, "accepted");
	must(n[0] >= 8 && n[1] >= 8, "spread %u to %u", n[0], n[1]);
	world_finish(w);
}

/* send(2): MSG_EOR ends a record, and what ends one takes no more, sent again or not. */
TEST(a_record_is_not_joined_with_the_next)
{
	script(.seed = 53);
	given_accepted();
	app_setint(IPPROTO_TCP, TCP_NODELAY, 1);
	app_send_flags(100, MSG_EOR);
	expect(ACK, .seq = 1, .len = 100);
	app_send(100);
	expect(ACK, .seq = 101, .len = 100);
	expect_after_ms(100, 400, ACK, .seq = 1, .len = 100);
	peer(ACK, .ack = 201);
	script_finish();
}

/* The kernel's msg_zerocopy.rst: EPOLLERR, when the bytes are acknowledged and not before. */
TEST(zero_copy_is_told_when_acknowledged)
{
	script(.seed = 54);
	given_accepted();
	app_setint(SOL_SOCKET, SO_ZEROCOPY, 1);
	app_send_flags(100, MSG_ZEROCOPY);
	expect(ACK, .seq = 1, .len = 100);
	app_poll(EPOLLOUT);
	peer(ACK, .ack = 101);
	app_poll(EPOLLOUT | EPOLLERR);
	script_finish();
}

/* bind(2): two listeners on one port are one too many. */
TEST(second_listener_on_a_port_is_refused)
{
	struct world *w = world_pair(52);
	struct conn *a = conn_socket(&w->nodes[0], SOCK_STREAM);
	struct conn *b = conn_socket(&w->nodes[0], SOCK_STREAM);

	(void)conn_setint(a, SOL_SOCKET, SO_REUSEADDR, 1);
	(void)conn_setint(b, SOL_SOCKET, SO_REUSEADDR, 1);
	script_check(conn_bind(a, &w->nodes[0].addr, 80), 0, "bind");
	script_check(conn_listen(a, 5), 0, "listen");
	script_check(conn_bind(b, &w->nodes[0].addr, 80), -EADDRINUSE, "bind");
	world_finish(w);
}

SIM_MAIN("tcp-more")
