/* SPDX-License-Identifier: BSD-3-Clause */
/* test_udp_send.c - UDP sockets against the kernel's: sending and its errors (udp_both.h). */
#include "test/unit/udp_both.h"

/* -- sending ------------------------------------------------------------------------------- */

static void corked_pieces_leave_as_one_datagram_once(void)
{
	static char big[40000];
	struct both a, b;

	world = new_world(8);
	a = both_open();
	b = both_open();
	both_bind(&b, true);
	both_connect(&a, b.kport, b.oport);
	both_send(&a, "one ", 4, MSG_MORE);
	both_send(&a, "two ", 4, MSG_MORE);
	ck_assert_int_eq(both_recv(&b, 100, 0), -EAGAIN);
	both_send(&a, "three", 5, 0);
	ck_assert_int_eq(both_recv(&b, 100, 0), 13);
	both_set(&a, SOL_UDP, UDP_CORK, 1);
	both_send(&a, "abc", 3, 0);
	both_send(&a, "def", 3, 0);
	ck_assert_int_eq(both_recv(&b, 100, 0), -EAGAIN);
	both_set(&a, SOL_UDP, UDP_CORK, 0);
	stack_flush(stack(), world->now);
	settle();
	ck_assert_int_eq(both_recv(&b, 100, 0), 6);
	/* Too much: the whole datagram is lost. */
	ck_assert_int_eq(both_send(&a, big, sizeof(big), MSG_MORE), (int)sizeof(big));
	ck_assert_int_eq(both_send(&a, big, sizeof(big), MSG_MORE), -EMSGSIZE);
	both_send(&a, "after", 5, 0);
	ck_assert_int_eq(both_recv(&b, 100, 0), 5);
	both_close(&a);
	both_close(&b);
	world_finish(world);
}

TEST(corked_pieces_leave_as_one_datagram)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++)
		corked_pieces_leave_as_one_datagram_once();
}

static void the_largest_datagram_is_as_the_kernels_once(void)
{
	static char big[65536];
	struct both a, b;
	size_t i;
	int max;

	world = new_world(9);
	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + (i >> 8));
	a = both_open();
	b = both_open();
	both_bind(&b, true);
	both_connect(&a, b.kport, b.oport);
	/* 65535 less the headers that count: IPv6's own does not. */
	max = flavour == V6 ? 65527 : 65507;
	ck_assert_int_eq(both_send(&a, big, (size_t)max + 1, 0), -EMSGSIZE);
	ck_assert_int_eq(both_send(&a, big, (size_t)max, 0), max);
	ck_assert_int_eq(both_recv(&b, 65536, 0), max);
	both_close(&a);
	both_close(&b);
	world_finish(world);
}

TEST(the_largest_datagram_is_as_the_kernels)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++)
		the_largest_datagram_is_as_the_kernels_once();
}

static void udp_segment_cuts_and_gro_puts_together_once(void)
{
	static char buf[10000];
	struct both a, b;
	unsigned int i;

	world = new_world(10);
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 13);
	a = both_open();
	b = both_open();
	both_bind(&b, true);
	both_connect(&a, b.kport, b.oport);
	both_set(&a, SOL_UDP, UDP_SEGMENT, 1000);
	ck_assert_int_eq(both_send(&a, buf, 4500, 0), 4500);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(both_recv(&b, 10000, 0), 1000);
	ck_assert_int_eq(both_recv(&b, 10000, 0), 500);
	/* One segment or less is an ordinary datagram. */
	ck_assert_int_eq(both_send(&a, buf, 1000, 0), 1000);
	ck_assert_int_eq(both_recv(&b, 10000, 0), 1000);
	both_set(&b, SOL_UDP, UDP_GRO, 1);
	ck_assert_int_eq(both_send(&a, buf, 4500, 0), 4500);
	ck_assert_int_eq(both_recv(&b, 10000, 0), 4500);
	both_close(&a);
	both_close(&b);
	world_finish(world);
}

TEST(udp_segment_cuts_and_gro_puts_together)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++)
		udp_segment_cuts_and_gro_puts_together_once();
}

/* -- errors ---------------------------------------------------------------------------------- */

static void port_unreachable_reaches_connected_sockets_only_once(void)
{
	struct both a, b;
	uint16_t kdead, odead;

	world = new_world(11);
	a = both_open();
	b = both_open();
	both_bind(&b, false);
	kdead = b.kport;
	odead = b.oport;
	both_close(&b);
	/* Unconnected: not told. */
	both_sendto(&a, "x", 1, kdead, odead, 0);
	both_poll(&a);
	ck_assert_int_eq(both_get(&a, SOL_SOCKET, SO_ERROR), 0);
	both_connect(&a, kdead, odead);
	both_send(&a, "x", 1, 0);
	both_poll(&a);
	ck_assert_int_eq(both_recv(&a, 10, 0), -ECONNREFUSED);
	ck_assert_int_eq(both_recv(&a, 10, 0), -EAGAIN);
	both_send(&a, "x", 1, 0);
	ck_assert_int_eq(both_send(&a, "y", 1, 0), -ECONNREFUSED);
	both_send(&a, "x", 1, 0);
	ck_assert_int_eq(both_get(&a, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	both_close(&a);
	world_finish(world);
}

TEST(port_unreachable_reaches_connected_sockets_only)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++)
		port_unreachable_reaches_connected_sockets_only_once();
}

static void compare_errqueue(struct both *b)
{
	char kc[512] = { 0 }, oc[512] = { 0 }, kb[100] = "", ob[100] = "";
	struct sockaddr_storage kn, on;
	struct iovec kv = { kb, 100 }, ov = { ob, 100 };
	struct msghdr km = { .msg_name = &kn, .msg_namelen = sizeof(kn), .msg_iov = &kv,
			     .msg_iovlen = 1, .msg_control = kc, .msg_controllen = sizeof(kc) };
	struct msghdr om = { .msg_name = &on, .msg_namelen = sizeof(on), .msg_iov = &ov,
			     .msg_iovlen = 1, .msg_control = oc, .msg_controllen = sizeof(oc) };
	struct cmsghdr *k, *o;

	same("recvmsg", neg_errno(recvmsg(b->fd, &km, MSG_ERRQUEUE)),
	     socket_recvmsg(stack(), b->so, &om, MSG_ERRQUEUE, world->now));
	same("msg_flags", km.msg_flags, om.msg_flags);
	same("namelen", km.msg_namelen, om.msg_namelen);
	same("controllen", (long)km.msg_controllen, (long)om.msg_controllen);
	ck_assert_mem_eq(kb, ob, sizeof(kb));
	k = CMSG_FIRSTHDR(&km);
	o = CMSG_FIRSTHDR(&om);
	same("cmsg_len", (long)k->cmsg_len, (long)o->cmsg_len);
	same("cmsg_level", k->cmsg_level, o->cmsg_level);
	same("cmsg_type", k->cmsg_type, o->cmsg_type);
	ck_assert_mem_eq(CMSG_DATA(k), CMSG_DATA(o), sizeof(struct sock_extended_err));
}

static void recverr_queues_what_icmp_said_once(void)
{
	int connected;

	for (connected = 0; connected < 2; connected++) {
		struct both a, b;

		world = new_world(12);
		a = both_open();
		b = both_open();
		both_bind(&b, false);
		both_set(&a, flavour != V6 ? SOL_IP : SOL_IPV6,
			 flavour != V6 ? IP_RECVERR : IPV6_RECVERR, 1);
		both_close(&b);
		if (connected)
			both_connect(&a, b.kport, b.oport);
		both_sendto(&a, "lost one", 8, b.kport, b.oport, 0);
		both_poll(&a);
		compare_errqueue(&a);
		ck_assert_int_eq(both_recv(&a, 10, MSG_ERRQUEUE), -EAGAIN);
		both_poll(&a);
		both_get(&a, SOL_SOCKET, SO_ERROR);
		/* Left unread: turning the option off throws it away. */
		both_sendto(&a, "lost two", 8, b.kport, b.oport, 0);
		both_set(&a, flavour != V6 ? SOL_IP : SOL_IPV6,
			 flavour != V6 ? IP_RECVERR : IPV6_RECVERR, 0);
		ck_assert_int_eq(both_recv(&a, 10, MSG_ERRQUEUE), -EAGAIN);
		both_close(&a);
		world_finish(world);
	}
}

TEST(recverr_queues_what_icmp_said)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++)
		recverr_queues_what_icmp_said_once();
}

TEST(msg_zerocopy_is_completed_with_one_entry_per_run)
{
	struct both a, b;
	int i;

	flavour = V4;
	world = new_world(13);
	a = both_open();
	b = both_open();
	both_bind(&b, false);
	both_connect(&a, b.kport, b.oport);
	/* Without the option the flag says nothing. */
	both_send(&a, "x", 1, MSG_ZEROCOPY);
	ck_assert_int_eq(both_recv(&a, 10, MSG_ERRQUEUE), -EAGAIN);
	both_set(&a, SOL_SOCKET, SO_ZEROCOPY, 1);
	for (i = 0; i < 3; i++) {
		both_send(&a, "x", 1, MSG_ZEROCOPY);
		both_recv(&b, 10, 0);
		both_recv(&b, 10, 0);
	}
	both_poll(&a);
	compare_errqueue(&a);
	ck_assert_int_eq(both_recv(&a, 10, MSG_ERRQUEUE), -EAGAIN);
	both_close(&a);
	both_close(&b);
	world_finish(world);
}

SIM_MAIN("udp-sockets")
