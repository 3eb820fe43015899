/* SPDX-License-Identifier: BSD-3-Clause */
/* test_udp.c - datagrams between two stacks and against raw frames. */
#define SIM_BOTH_FAMILIES
#include "test/sim/dgram_script.h"

static void bind_ok(struct conn *c, const struct ipaddr *addr, uint16_t port)
{
	script_check(conn_bind(c, addr, port), 0, "bind");
}

static void bind_any(struct conn *c, uint16_t port)
{
	struct ipaddr any = any_addr();

	bind_ok(c, &any, port);
}

/* RFC 768: what is sent is received, from whom it came. */
TEST(datagram_is_echoed_with_addresses)
{
	struct world *w = world_pair(1);
	struct node *na = &w->nodes[0], *nb = &w->nodes[1];
	struct conn *a = conn_socket(na, SOCK_DGRAM), *b = conn_socket(nb, SOCK_DGRAM);
	struct ipaddr from;
	uint16_t port = 0;
	uint8_t buf[2000];

	bind_ok(b, &nb->addr, PORT_B);
	script_check(conn_sendto(a, "hello", 5, &nb->addr, PORT_B), 5, "sendto");
	world_run(w, 10 * MS);
	must(conn_poll(b) & EPOLLIN, "not readable");
	must(b->events & EPOLLIN, "no edge");
	script_check(conn_recvfrom(b, buf, sizeof(buf), &from, &port, 0), 5, "recvfrom");
	must(memcmp(buf, "hello", 5) == 0, "other bytes");
	must(ipaddr_equal(&from, &na->addr), "from another address");
	script_check(port, conn_local_port(a), "port");
	script_check(conn_sendto(b, buf, 5, &from, port), 5, "sendto");
	world_run(w, 10 * MS);
	script_check(conn_recvfrom(a, buf, sizeof(buf), &from, &port, 0), 5, "recvfrom");
	script_check(port, PORT_B, "port");
	script_check(conn_recvfrom(a, buf, sizeof(buf), &from, &port, 0), -EAGAIN, "recvfrom");
	world_finish(w);
}

/* udp(7): an empty datagram is a datagram. */
TEST(empty_datagram_is_received_as_zero_bytes)
{
	struct world *w = world_pair(2);
	struct node *nb = &w->nodes[1];
	struct conn *a = conn_socket(&w->nodes[0], SOCK_DGRAM), *b = conn_socket(nb, SOCK_DGRAM);
	struct ipaddr from;
	uint16_t port;
	uint8_t buf[10];

	bind_any(b, PORT_B);
	script_check(conn_sendto(a, "", 0, &nb->addr, PORT_B), 0, "sendto");
	world_run(w, 10 * MS);
	must(conn_poll(b) & EPOLLIN, "not readable");
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), 0, "recvfrom");
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), -EAGAIN, "recvfrom");
	world_finish(w);
}

/* recv(2): the rest of a long datagram is discarded; MSG_TRUNC tells its true length. */
TEST(long_datagram_is_cut_and_msg_trunc_tells)
{
	struct world *w = world_pair(3);
	struct node *nb = &w->nodes[1];
	struct conn *a = conn_socket(&w->nodes[0], SOCK_DGRAM), *b = conn_socket(nb, SOCK_DGRAM);
	struct ipaddr from;
	uint16_t port;
	uint8_t buf[1000];

	memset(buf, 'x', sizeof(buf));
	bind_any(b, PORT_B);
	script_check(conn_sendto(a, buf, 1000, &nb->addr, PORT_B), 1000, "sendto");
	script_check(conn_sendto(a, buf, 999, &nb->addr, PORT_B), 999, "sendto");
	world_run(w, 10 * MS);
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), 10, "recvfrom");
	script_check(conn_recvfrom(b, buf, 10, &from, &port, MSG_TRUNC), 999, "recvfrom");
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), -EAGAIN, "recvfrom");
	world_finish(w);
}

/* RFC 1122 4.1.3.1; connect(2): a connected socket hears of ECONNREFUSED. */
TEST(datagram_to_closed_port_refuses_a_connected_sender)
{
	struct world *w = world_pair(4);
	struct conn *a = conn_socket(&w->nodes[0], SOCK_DGRAM);

	script_check(conn_connect(a, &w->nodes[1].addr, 9), 0, "connect");
	script_check(conn_sendto(a, "x", 1, NULL, 0), 1, "send");
	world_run(w, 10 * MS);
	must(conn_poll(a) & EPOLLERR, "no error shown");
	script_check(conn_sendto(a, "x", 1, NULL, 0), -ECONNREFUSED, "send");
	script_check(stack_mib(w->nodes[1].st, MIB_UDP_NO_PORTS), 1, "UdpNoPorts");
	world_finish(w);
}

/* An unconnected socket does not (without IP_RECVERR). */
TEST(datagram_to_closed_port_leaves_an_unconnected_sender_alone)
{
	struct world *w = world_pair(5);
	struct conn *a = conn_socket(&w->nodes[0], SOCK_DGRAM);

	script_check(conn_sendto(a, "x", 1, &w->nodes[1].addr, 9), 1, "sendto");
	world_run(w, 10 * MS);
	script_check(conn_take_error(a), 0, "SO_ERROR");
	script_check(conn_sendto(a, "x", 1, &w->nodes[1].addr, 9), 1, "sendto");
	world_finish(w);
}

/* The kernel's scoring: connected beats bound to the address beats wildcard. */
TEST(demux_prefers_connected_then_specific_then_wildcard)
{
	struct world *w = world_pair(6);
	struct node *nb = &w->nodes[1];
	struct conn *a = conn_socket(&w->nodes[0], SOCK_DGRAM);
	struct conn *a2 = conn_socket(&w->nodes[0], SOCK_DGRAM);
	struct conn *wild = conn_socket(nb, SOCK_DGRAM), *spec = conn_socket(nb, SOCK_DGRAM);
	struct conn *conn = conn_socket(nb, SOCK_DGRAM);
	struct conn *all[3] = { wild, spec, conn };
	struct ipaddr from;
	uint16_t port;
	uint8_t buf[10];
	int i;

	for (i = 0; i < 3; i++)
		script_check(conn_setint(all[i], SOL_SOCKET, SO_REUSEADDR, 1), 0, "SO_REUSEADDR");
	bind_ok(a, &w->nodes[0].addr, PORT_A);
	bind_any(wild, PORT_B);
	bind_ok(spec, &nb->addr, PORT_B);
	bind_ok(conn, &nb->addr, PORT_B);
	script_check(conn_connect(conn, &w->nodes[0].addr, PORT_A), 0, "connect");
	script_check(conn_sendto(a, "1", 1, &nb->addr, PORT_B), 1, "sendto");
	script_check(conn_sendto(a2, "2", 1, &nb->addr, PORT_B), 1, "sendto");
	world_run(w, 10 * MS);
	script_check(conn_recvfrom(conn, buf, 10, &from, &port, 0), 1, "connected");
	script_check(buf[0], '1', "connected");
	script_check(conn_recvfrom(conn, buf, 10, &from, &port, 0), -EAGAIN, "connected");
	script_check(conn_recvfrom(spec, buf, 10, &from, &port, 0), 1, "specific");
	script_check(buf[0], '2', "specific");
	conn_close(spec);
	script_check(conn_sendto(a2, "3", 1, &nb->addr, PORT_B), 1, "sendto");
	world_run(w, 10 * MS);
	script_check(conn_recvfrom(wild, buf, 10, &from, &port, 0), 1, "wildcard");
	script_check(buf[0], '3', "wildcard");
	world_finish(w);
}

/* connect(2) AF_UNSPEC is not reachable through conn.h; a connected socket filters by peer. */
TEST(connected_socket_takes_from_its_peer_only)
{
	struct world *w = world_pair(7);
	struct node *nb = &w->nodes[1];
	struct conn *a = conn_socket(&w->nodes[0], SOCK_DGRAM);
	struct conn *other = conn_socket(&w->nodes[0], SOCK_DGRAM);
	struct conn *b = conn_socket(nb, SOCK_DGRAM);
	struct ipaddr from;
	uint16_t port;
	uint8_t buf[10];

	bind_ok(a, &w->nodes[0].addr, PORT_A);
	bind_ok(b, &nb->addr, PORT_B);
	script_check(conn_connect(b, &w->nodes[0].addr, PORT_A), 0, "connect");
	script_check(conn_sendto(other, "no", 2, &nb->addr, PORT_B), 2, "sendto");
	script_check(conn_sendto(a, "yes", 3, &nb->addr, PORT_B), 3, "sendto");
	world_run(w, 10 * MS);
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), 3, "recvfrom");
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), -EAGAIN, "recvfrom");
	world_finish(w);
}

/* RFC 791 2.3, 3.2: large datagrams are cut and put together, in any order, pieces doubled. */
TEST(large_datagrams_are_fragmented_and_reassembled)
{
	static uint8_t buf[66000], got[66000];
	static const size_t sizes[] = { 1432, 1452, 1453, 1472, 1473, 3000, 8192, 65507 };
	struct world *w = world_pair(test_seed(8));
	struct node *nb = &w->nodes[1];
	struct conn *a = conn_socket(&w->nodes[0], SOCK_DGRAM), *b = conn_socket(nb, SOCK_DGRAM);
	struct ipaddr from;
	uint16_t port;
	unsigned int i;

	w->wires[0].ports[0].tx.jitter_ns = 5 * MS;
	w->wires[0].ports[0].tx.jitter_reorders = true;
	w->wires[0].ports[0].tx.dup_ppm = 0;
	script_check(conn_setint(b, SOL_SOCKET, SO_RCVBUF, 500000), 0, "SO_RCVBUF");
	script_check(conn_setint(a, SOL_SOCKET, SO_SNDBUF, 500000), 0, "SO_SNDBUF");
	bind_ok(b, &nb->addr, PORT_B);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pattern_fill(buf, sizes[i], i, 0);
		script_check(conn_sendto(a, buf, sizes[i], &nb->addr, PORT_B), (int64_t)sizes[i],
			     "sendto");
		world_run(w, 100 * MS);
		script_check(conn_recvfrom(b, got, sizeof(got), &from, &port, 0), (int64_t)sizes[i],
			     "recvfrom");
		must(memcmp(buf, got, sizes[i]) == 0, "datagram of %zu bytes differs", sizes[i]);
	}
	script_check(conn_sendto(a, buf, world_v6 ? 65528 : 65508, &nb->addr, PORT_B), -EMSGSIZE,
		     "sendto");
	world_finish(w);
}

/*
 * RFC 768: a wrong checksum is dropped and counted; zero means none was made, which IPv6
 * does not allow (RFC 8200 8.1).
 */
TEST(udp_checksum_rules)
{
	size_t field = ETH_HLEN + (world_v6 ? 40 : 20) + 6;
	uint8_t buf[FRAME_MAX];
	struct conn *b;
	struct ipaddr from;
	uint16_t port;
	size_t len;

	script(.seed = 11);
	b = conn_socket(S.node, SOCK_DGRAM);
	bind_ok(b, &S.node->addr, PORT_B);
	len = frame_build_udp(buf, &S.path, 1234, PORT_B, "abcd", 4);
	buf[field] ^= 1;
	script_peer_frame(buf, len);
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), -EAGAIN, "recvfrom");
	script_check(mib(MIB_UDP_IN_CSUM_ERRORS), 1, "checksum errors");
	len = frame_build_udp(buf, &S.path, 1234, PORT_B, "abcd", 4);
	frame_put16(buf + field, 0);
	script_peer_frame(buf, len);
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), world_v6 ? -EAGAIN : 4, "recvfrom");
	script_check(mib(MIB_UDP_IN_CSUM_ERRORS), world_v6 ? 2 : 1, "checksum errors");
	expect_nothing();
	script_finish();
}

/* RFC 6935: UDP_NO_CHECK6_RX takes datagrams without one, UDP_NO_CHECK6_TX sends them. */
TEST6(no_check6_takes_and_sends_datagrams_without_a_checksum)
{
	const struct script_seen *s;
	uint8_t buf[FRAME_MAX];
	struct conn *c;
	size_t len;

	script(.seed = 19);
	c = udp_bound(PORT_B);
	script_check(conn_setint(c, SOL_UDP, 102, 1), 0, "UDP_NO_CHECK6_RX");
	len = frame_build_udp(buf, &S.path, 1234, PORT_B, "abcd", 4);
	frame_put16(buf + ETH_HLEN + 46, 0);
	script_peer_frame(buf, len);
	recv_is(c, "abcd");
	script_check(conn_setint(c, SOL_UDP, 101, 1), 0, "UDP_NO_CHECK6_TX");
	S.no_csum_ok = true;
	send_to_peer(c, "x", 1, 1);
	s = expect_udp(PORT_B, PORT_A, 1);
	script_check(frame_get16(s->bytes + s->info.l4_off + 6), 0, "checksum");
	script_finish();
}

/* RFC 768: a length beyond the packet is malformed. */
TEST(udp_length_beyond_the_packet_is_dropped)
{
	uint8_t buf[FRAME_MAX];
	struct conn *b;
	struct ipaddr from;
	uint16_t port;
	uint16_t lens[] = { 0, 7, 13, 1000, 65535 };
	unsigned int i;
	size_t len;

	script(.seed = 12);
	b = conn_socket(S.node, SOCK_DGRAM);
	bind_ok(b, &S.node->addr, PORT_B);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		len = frame_build_udp(buf, &S.path, 1234, PORT_B, "abcd", 4);
		frame_put16(buf + ETH_HLEN + (world_v6 ? 40 : 20) + 4, lens[i]);
		if (!world_v6)
			frame_put16(buf + 40, 0);
		script_peer_frame(buf, len);
	}
	expect_nothing();
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), -EAGAIN, "recvfrom");
	script_finish();
}

/* RFC 1122 3.2.2: the unreachable message quotes the packet; none about broadcasts or fragments. */
TEST(port_unreachable_quotes_the_datagram)
{
	uint8_t buf[FRAME_MAX];
	const struct script_seen *s;
	struct frame_path path;
	size_t len;

	script(.seed = 13);
	len = frame_build_udp(buf, &S.path, 1234, 9, "abcdefgh", 8);
	script_peer_frame(buf, len);
	s = expect_icmp_46(3, 3, 1, 4);
	must(s->info.len == 4 + len - ETH_HLEN &&
		     memcmp(s->info.data + 4, buf + ETH_HLEN, len - ETH_HLEN) == 0,
	     "the quotation differs");
	expect_nothing();
	if (world_v6) {
		script_finish();
		return;
	}
	path = S.path;
	path.dst = IP4(192, 0, 2, 255);
	memset(path.dmac, 0xff, 6);
	script_peer_frame(buf, frame_build_udp(buf, &path, 1234, 9, "x", 1));
	expect_nothing();
	script_finish();
}

/* RFC 1122 3.2.2.6: echo, whole, with the payload. */
TEST(ping_is_answered)
{
	uint8_t rest[104], buf[FRAME_MAX];
	const struct script_seen *s;

	script(.seed = 14);
	pattern_fill(rest, sizeof(rest), 5, 0);
	script_peer_frame(buf, frame_build_icmp(buf, &S.path, world_v6 ? 128 : 8, 0, rest,
						sizeof(rest)));
	s = expect_icmp_46(0, 0, 129, 0);
	script_check(s->info.len, sizeof(rest), "length");
	must(memcmp(s->info.data, rest, sizeof(rest)) == 0, "payload differs");
	expect_nothing();
	script_finish();
}

/* Linux: SO_RCVBUF bounds the queue; what does not fit is dropped and counted. */
TEST(full_receive_queue_drops_and_counts)
{
	static uint8_t buf[1000];
	struct world *w = world_pair(15);
	struct node *nb = &w->nodes[1];
	struct conn *a = conn_socket(&w->nodes[0], SOCK_DGRAM), *b = conn_socket(nb, SOCK_DGRAM);
	struct ipaddr from;
	uint16_t port;
	int i, n = 0;

	script_check(conn_setint(b, SOL_SOCKET, SO_RCVBUF, 10000), 0, "SO_RCVBUF");
	bind_ok(b, &nb->addr, PORT_B);
	for (i = 0; i < 100; i++) {
		script_check(conn_sendto(a, buf, 1000, &nb->addr, PORT_B), 1000, "sendto");
		world_run(w, 1 * MS);
	}
	while (conn_recvfrom(b, buf, 1000, &from, &port, 0) == 1000)
		n++;
	must(n >= 4 && n <= 30, "%d datagrams were queued", n);
	script_check(stack_mib(nb->st, MIB_UDP_RCVBUF_ERRORS), 100 - n, "drops");
	world_finish(w);
}

/* AF_INET6 with V6ONLY=0: IPv4 peers appear as mapped addresses. */
TEST4(dual_stack_socket_talks_to_ipv4)
{
	struct world *w = world_pair(16);
	struct node *nb = &w->nodes[1];
	struct conn *a = conn_socket6(&w->nodes[0], SOCK_DGRAM), *b = conn_socket6(nb, SOCK_DGRAM);
	struct ipaddr any6 = { .q = { 0, 0 } }, from;
	uint16_t port;
	uint8_t buf[10];

	bind_ok(b, &any6, PORT_B);
	script_check(conn_sendto(a, "v4", 2, &nb->addr, PORT_B), 2, "sendto");
	world_run(w, 10 * MS);
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), 2, "recvfrom");
	must(ipaddr_equal(&from, &w->nodes[0].addr), "not the mapped address");
	world_finish(w);
}

/* ARP, ND: an unresolved neighbour queues a few, fails after its probes, and is tried again. */
TEST(unanswered_resolution_ends_in_ehostunreach_and_frees_the_queue)
{
	struct conn *a;
	struct ipaddr to = world_addr(IP4(192, 0, 2, 99));
	int i;

	script(.seed = 17);
	a = conn_socket(S.node, SOCK_DGRAM);
	for (i = 0; i < 20; i++)
		(void)conn_sendto(a, "x", 1, &to, 9);
	must(node_mbufs_used(S.node) > 0, "nothing waits");
	advance_ms(10000);
	expect_nothing();
	script_check(node_mbufs_used(S.node), 0, "mbufs in use");
	script_finish();
}

/* A packet to ourselves stays inside. */
TEST(datagram_to_own_address_is_looped)
{
	struct conn *a, *b;
	struct ipaddr from;
	uint16_t port;
	uint8_t buf[10];

	script(.seed = 18);
	a = conn_socket(S.node, SOCK_DGRAM);
	b = conn_socket(S.node, SOCK_DGRAM);
	bind_ok(b, &S.node->addr, PORT_B);
	script_check(conn_sendto(a, "me", 2, &S.node->addr, PORT_B), 2, "sendto");
	advance_ms(1);
	script_check(conn_recvfrom(b, buf, 10, &from, &port, 0), 2, "recvfrom");
	must(ipaddr_equal(&from, &S.node->addr), "from another address");
	expect_nothing();
	script_finish();
}

SIM_MAIN("udp")
