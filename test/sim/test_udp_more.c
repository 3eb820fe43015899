/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_udp_more.c - many datagrams by one call, spreading, lost ones counted, connecting and
 * disconnecting (udp(7), socket(7), connect(2)).
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/dgram_script.h"

#define SEGMENT_OPTION 103 /* UDP_SEGMENT */
#define GRO_OPTION     104 /* UDP_GRO */

static uint8_t data[65536];

/* UDP_SEGMENT: each piece a datagram of its own, the last as long as what is left. */
static void expect_segments(const uint8_t *bytes, size_t len, size_t size)
{
	const struct script_seen *s;
	size_t off, n;

	for (off = 0; off < len; off += n) {
		n = len - off < size ? len - off : size;
		s = expect_udp(PORT_B, PORT_A, (int64_t)n);
		must(memcmp(s->info.data, bytes + off, n) == 0, "other bytes at %zu", off);
		must(!s->info.fragment, "a fragment");
	}
	expect_nothing();
}

TEST(udp_segment_cuts_one_send_into_datagrams)
{
	static const size_t sizes[][2] = { { 3000, 1000 }, { 3001, 1000 }, { 999, 1000 },
					   { 128, 1 },	   { 14520, 1452 } };
	unsigned int i;
	struct conn *c;

	script(.seed = 1);
	pattern_fill(data, sizeof(data), 5, 0);
	c = udp_bound(PORT_B);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		script_check(conn_setint(c, SOL_UDP, SEGMENT_OPTION, (int)sizes[i][1]), 0, "UDP_SEGMENT");
		send_to_peer(c, data, sizes[i][0], (int64_t)sizes[i][0]);
		expect_segments(data, sizes[i][0], sizes[i][1]);
	}
	script_finish();
}

/* The kernel's answers, measured; one line per call. */
TEST(udp_segment_refuses_what_the_kernel_refuses)
{
	/* The script's MTU makes room for 1472 in both families. */
	static const struct {
		int size, len, want4, want6;
		bool no_check;
	} calls[] = {
		{ 1472, 1473, 1473, 1473, false },   { 1473, 1473, -EMSGSIZE, -EMSGSIZE, false },
		{ 1473, 1472, 1472, 1472, false },   { 65535, 10, 10, 10, false },
		{ 1, 129, -EINVAL, -EINVAL, false }, { 1000, 65508, -EMSGSIZE, 65508, false },
		{ 1000, 65528, -EMSGSIZE, -EMSGSIZE, false },
		{ 1000, 900, -EINVAL, 900, true },   { 1000, 3000, -EINVAL, 3000, true },
	};
	unsigned int i;
	struct conn *c;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		script(.seed = 2);
		c = udp_bound(PORT_B);
		script_check(conn_setint(c, SOL_UDP, SEGMENT_OPTION, calls[i].size), 0, "UDP_SEGMENT");
		if (calls[i].no_check)
			script_check(conn_setint(c, SOL_SOCKET, SO_NO_CHECK, 1), 0, "SO_NO_CHECK");
		send_to_peer(c, data, (size_t)calls[i].len, world_v6 ? calls[i].want6 : calls[i].want4);
		expect_whatever();
		script_finish();
	}
}

TEST(corked_data_is_cut_into_segments_too)
{
	struct conn *c;

	script(.seed = 3);
	pattern_fill(data, sizeof(data), 5, 0);
	c = udp_bound(PORT_B);
	script_check(conn_setint(c, SOL_UDP, SEGMENT_OPTION, 1000), 0, "UDP_SEGMENT");
	script_check(conn_setint(c, SOL_UDP, UDP_CORK, 1), 0, "UDP_CORK");
	send_to_peer(c, data, 1500, 1500);
	send_to_peer(c, data + 1500, 1500, 1500);
	expect_nothing();
	script_check(script_after(conn_setint(c, SOL_UDP, UDP_CORK, 0)), 0, "UDP_CORK");
	expect_segments(data, 3000, 1000);
	script_finish();
}

static ssize_t recv_gro(struct conn *c, int *size)
{
	char control[64];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = socket_recvmsg(c->node->st, c->so, &msg, 0, c->world->now);
	struct cmsghdr *cm = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*size = 0;
	if (cm != NULL && cm->cmsg_level == SOL_UDP && cm->cmsg_type == GRO_OPTION)
		memcpy(size, CMSG_DATA(cm), sizeof(*size));
	return n;
}

/* UDP_GRO: equal datagrams of one sender come up as one, with their size; the last may be shorter. */
TEST(udp_gro_hands_up_equal_datagrams_as_one)
{
	struct conn *c;
	int size;

	script(.seed = 4);
	c = udp_bound(PORT_B);
	script_check(conn_setint(c, SOL_UDP, GRO_OPTION, 1), 0, "UDP_GRO");
	peer_udp(PORT_A, PORT_B, data, 100);
	peer_udp(PORT_A, PORT_B, data, 100);
	peer_udp(PORT_A, PORT_B, data, 60);
	peer_udp(PORT_A, PORT_B, data, 100); /* behind a shorter one: anew */
	peer_udp(PORT_A + 1, PORT_B, data, 100);
	peer_udp(PORT_A + 1, PORT_B, data, 200);
	script_check(recv_gro(c, &size), 260, "recvmsg");
	script_check(size, 100, "size");
	script_check(recv_gro(c, &size), 100, "recvmsg");
	script_check(size, 0, "size");
	script_check(recv_gro(c, &size), 100, "recvmsg");
	script_check(recv_gro(c, &size), 200, "recvmsg");
	script_check(recv_gro(c, &size), -EAGAIN, "recvmsg");
	script_finish();
}

/* socket(7) SO_REUSEPORT: flows spread over the group, and each flow stays where it was. */
TEST(reuseport_spreads_flows)
{
	unsigned int i, k, count[4] = { 0 }, where[64];
	struct ipaddr any = any_addr(), from;
	struct conn *c[4];
	uint8_t buf[8];
	uint16_t port;

	script(.seed = 5);
	for (i = 0; i < 4; i++) {
		c[i] = conn_socket(S.node, SOCK_DGRAM);
		script_check(conn_setint(c[i], SOL_SOCKET, SO_REUSEPORT, 1), 0, "SO_REUSEPORT");
		script_check(conn_bind(c[i], &any, PORT_B), 0, "bind");
	}
	for (i = 0; i < 128; i++) {
		peer_udp((uint16_t)(PORT_A + i % 64), PORT_B, "x", 1);
		for (k = 0; k < 4; k++)
			if (conn_recvfrom(c[k], buf, 8, &from, &port, 0) == 1)
				break;
		must(k < 4, "nobody has it");
		if (i < 64)
			where[i] = k;
		script_check(k, where[i % 64], "the flow's socket");
		count[k]++;
	}
	for (k = 0; k < 4; k++)
		must(count[k] >= 10, "socket %u has %u of 128", k, count[k]);
	script_finish();
}

/* socket(7) SO_RXQ_OVFL: how many were dropped before this one. */
TEST(rxq_ovfl_counts_what_was_dropped)
{
	char control[64];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	uint32_t drops = 0, seen = 0;
	struct cmsghdr *cm;
	struct conn *c;
	unsigned int i, n = 0;

	script(.seed = 6);
	c = udp_bound(PORT_B);
	script_check(conn_setint(c, SOL_SOCKET, SO_RCVBUF, 3000), 0, "SO_RCVBUF");
	script_check(conn_setint(c, SOL_SOCKET, SO_RXQ_OVFL, 1), 0, "SO_RXQ_OVFL");
	for (i = 0; i < 20; i++)
		peer_udp(PORT_A, PORT_B, data, 1000);
	while (conn_poll(c) & EPOLLIN) {
		recv_len(c, 1000);
		n++;
	}
	must(n > 0 && n < 20, "%u of 20 were queued", n);
	peer_udp(PORT_A, PORT_B, data, 10);
	msg.msg_control = control;
	msg.msg_controllen = sizeof(control);
	script_check(socket_recvmsg(S.node->st, c->so, &msg, 0, S.world->now), 10, "recvmsg");
	for (cm = CMSG_FIRSTHDR(&msg); cm != NULL; cm = CMSG_NXTHDR(&msg, cm)) {
		if (cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&drops, CMSG_DATA(cm), sizeof(drops));
			seen++;
		}
	}
	script_check(seen, 1, "control messages");
	script_check(drops, 20 - n, "drops");
	script_finish();
}

/* connect(2): AF_UNSPEC dissolves the association; then anybody is heard again. */
TEST(disconnecting_opens_the_socket_again)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct ipaddr other = world_addr(IP4(192, 0, 2, 77));
	struct conn *c;

	script(.seed = 7);
	c = udp_bound(PORT_B);
	script_check(conn_connect(c, &other, PORT_A), 0, "connect");
	peer_udp(PORT_A, PORT_B, "deaf", 4);
	recv_nothing(c);
	script_check(mib(MIB_UDP_NO_PORTS), 1, "UdpNoPorts");
	expect_icmp_46(3, 3, 1, 4);
	script_check(socket_connect(S.node->st, c->so, &none, sizeof(none), S.world->now), 0, "connect");
	peer_udp(PORT_A, PORT_B, "hears", 5);
	recv_is(c, "hears");
	script_check(conn_sendto(c, "x", 1, NULL, 0), -EDESTADDRREQ, "send");
	script_finish();
}

/* Control messages speak for one datagram: TTL, TOS, and who it was for. */
TEST(control_messages_override_and_tell)
{
	union {
		char buf[CMSG_SPACE(sizeof(int)) * 2];
		struct cmsghdr align;
	} u;
	struct iovec iov = { data, 10 };
	struct sockaddr_storage to;
	struct endpoint ep = { .port = PORT_A };
	socklen_t len = sizeof(to);
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &to,
			      .msg_control = u.buf, .msg_controllen = sizeof(u.buf) };
	const struct script_seen *s;
	struct cmsghdr *cm;
	int ttl = 7, tos = 0x28;
	struct conn *c;

	script(.seed = 8);
	c = udp_bound(PORT_B);
	ep.addr = S.peer_addr;
	endpoint_to_sockaddr(&ep, world_v6 ? AF_INET6 : AF_INET, (struct sockaddr *)&to, &len);
	msg.msg_namelen = len;
	memset(&u, 0, sizeof(u));
	cm = CMSG_FIRSTHDR(&msg);
	cm->cmsg_level = ip_level();
	cm->cmsg_type = world_v6 ? IPV6_HOPLIMIT : IP_TTL;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &ttl, sizeof(ttl));
	cm = CMSG_NXTHDR(&msg, cm);
	cm->cmsg_level = ip_level();
	cm->cmsg_type = world_v6 ? IPV6_TCLASS : IP_TOS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &tos, sizeof(tos));
	script_check(script_after(socket_sendmsg(S.node->st, c->so, &msg, 0, S.world->now)), 10, "sendmsg");
	stack_flush(S.node->st, S.world->now);
	s = expect_udp(PORT_B, PORT_A, 10);
	script_check(s->info.ttl, 7, "TTL");
	script_check(s->info.tos, 0x28, "TOS");
	send_to_peer(c, "x", 1, 1);
	s = expect_udp(PORT_B, PORT_A, 1);
	script_check(s->info.ttl, 64, "TTL");
	script_check(s->info.tos, 0, "TOS");
	script_finish();
}

SIM_MAIN("udp-more")
