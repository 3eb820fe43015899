/* SPDX-License-Identifier: BSD-3-Clause */
/* test_udp.c - UDP sockets against the kernel's: addresses, connections, receiving (udp_both.h). */
#include "test/unit/udp_both.h"

/* -- addresses and connections ----------------------------------------------------------------- */

TEST(calls_on_an_unconnected_socket_fail_as_the_kernels)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++) {
		struct both b;

		world = new_world(1);
		b = both_open();
		ck_assert_int_eq(both_send(&b, "x", 1, 0), -EDESTADDRREQ);
		ck_assert_int_eq(both_getpeername(&b), -ENOTCONN);
		ck_assert_int_eq(both_sendto(&b, "x", 1, 0, 0, 0), -EINVAL);
		ck_assert_int_eq(both_recv(&b, 10, 0), -EAGAIN);
		ck_assert_int_eq(both_recv(&b, 10, MSG_ERRQUEUE), -EAGAIN);
		both_poll(&b);
		ck_assert_int_eq(both_fionread(&b), 0);
		/* A failed send has given it a port. */
		ck_assert_int_eq(both_bind(&b, false), -EINVAL);
		both_close(&b);
		b = both_open();
		ck_assert_int_eq(both_bind(&b, false), 0);
		ck_assert_int_eq(both_bind(&b, false), -EINVAL);
		ck_assert_int_eq(both_sendto(&b, "x", 70000, 9, 9, 0), -EMSGSIZE);
		ck_assert_int_eq(both_sendto(&b, "x", 1, 9, 9, MSG_OOB),
				 flavour == V6 ? 1 : -EOPNOTSUPP);
		ck_assert_int_eq(both_shutdown(&b, SHUT_WR), -ENOTCONN);
		ck_assert_int_eq(both_shutdown(&b, 3), -EINVAL);
		both_poll(&b);
		ck_assert_int_eq(same("listen", neg_errno(listen(b.fd, 1)),
				      socket_listen(stack(), b.so, 1, world->now)), -EOPNOTSUPP);
		both_close(&b);
		world_finish(world);
	}
}

TEST(short_and_foreign_addresses_fail_as_the_kernels)
{
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX, 99 };
	struct sockaddr_storage ss;
	unsigned int i, call;
	socklen_t len;
	struct both b;
	int k, o;

	for (flavour = V4; flavour < V6; flavour++)
		for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
			for (len = 0; len <= 32; len++)
				for (call = 0; call < 3; call++) {
					struct iovec iov = { (char[]){ 'x' }, 1 };
					struct msghdr msg = { .msg_name = &ss, .msg_namelen = len,
							      .msg_iov = &iov, .msg_iovlen = 1 };

					/* No destination that either would send to. */
					if (call > 0 && len >= 8)
						continue;
					world = new_world(1);
					b = both_open();
					memset(&ss, 0, sizeof(ss));
					ss.ss_family = (sa_family_t)families[i];
					if (call == 0) {
						k = neg_errno(bind(b.fd, (struct sockaddr *)&ss, len));
						o = len < 2 && k == -EINVAL ? -EINVAL :
						    socket_bind(stack(), b.so, (struct sockaddr *)&ss, len,
								world->now);
					} else if (call == 1) {
						k = neg_errno(connect(b.fd, (struct sockaddr *)&ss, len));
						o = socket_connect(stack(), b.so, (struct sockaddr *)&ss, len,
								   world->now);
					} else {
						k = neg_errno(sendmsg(b.fd, &msg, 0));
						o = (int)socket_sendmsg(stack(), b.so, &msg, 0, world->now);
					}
					ck_assert_msg(k == o, "domain %d family %d len %u call %u: %d %d",
						      domain_of_flavour(), families[i], len, call, k,
						      o);
					both_close(&b);
					world_finish(world);
				}
}

TEST(connect_and_disconnect_change_names_and_delivery)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++) {
		struct both a, b;

		world = new_world(2);
		a = both_open();
		b = both_open();
		both_bind(&b, false);
		ck_assert_int_eq(both_connect(&a, b.kport, b.oport), 0);
		ck_assert_int_eq(both_getpeername(&a), 0);
		ck_assert_int_eq(both_send(&a, "hello", 5, 0), 5);
		ck_assert_int_eq(both_fionread(&b), 5);
		both_poll(&b);
		ck_assert_int_eq(both_recv(&b, 100, 0), 5);
		ck_assert_int_eq(both_disconnect(&a), 0);
		ck_assert_int_eq(both_getpeername(&a), -ENOTCONN);
		ck_assert_int_eq(both_send(&a, "hello", 5, 0), -EDESTADDRREQ);
		/* Connected: nobody else is heard. */
		ck_assert_int_eq(both_connect(&b, 9, 9), 0);
		ck_assert_int_eq(both_sendto(&a, "x", 1, b.kport, b.oport, 0), 1);
		ck_assert_int_eq(both_recv(&b, 100, 0), -EAGAIN);
		ck_assert_int_eq(both_disconnect(&b), 0);
		ck_assert_int_eq(both_disconnect(&a), 0);
		ck_assert_int_eq(both_sendto(&a, "y", 1, b.kport, b.oport, 0), 1);
		both_recv(&b, 100, 0);
		both_close(&a);
		both_close(&b);
		world_finish(world);
	}
}

/* -- receiving ----------------------------------------------------------------------------- */

static void peek_trunc_and_empty_datagrams_read_as_the_kernels_once(void)
{
	struct both a, b;

	world = new_world(3);
	a = both_open();
	b = both_open();
	both_bind(&b, true);
	both_connect(&a, b.kport, b.oport);
	both_send(&a, "0123456789", 10, 0);
	both_send(&a, "", 0, 0);
	both_send(&a, "abc", 3, 0);
	ck_assert_int_eq(both_recv(&b, 4, MSG_PEEK), 4);
	ck_assert_int_eq(both_recv(&b, 4, MSG_PEEK | MSG_TRUNC), 10);
	ck_assert_int_eq(both_recv(&b, 100, MSG_PEEK), 10);
	ck_assert_int_eq(both_recv(&b, 0, 0), 0);
	both_poll(&b);
	ck_assert_int_eq(both_fionread(&b), 0);
	ck_assert_int_eq(both_recv(&b, 100, MSG_PEEK), 0);
	ck_assert_int_eq(both_recv(&b, 100, 0), 0);
	ck_assert_int_eq(both_recv(&b, 2, MSG_TRUNC), 3);
	ck_assert_int_eq(both_recv(&b, 100, 0), -EAGAIN);
	both_close(&a);
	both_close(&b);
	world_finish(world);
}

TEST(peek_trunc_and_empty_datagrams_read_as_the_kernels)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++)
		peek_trunc_and_empty_datagrams_read_as_the_kernels_once();
}

static void peek_off_walks_through_the_queue_once(void)
{
	struct both a, b;

	world = new_world(4);
	a = both_open();
	b = both_open();
	both_bind(&b, true);
	both_connect(&a, b.kport, b.oport);
	both_set(&b, SOL_SOCKET, SO_PEEK_OFF, 0);
	both_send(&a, "0123456789", 10, 0);
	both_send(&a, "abcdef", 6, 0);
	both_recv(&b, 4, MSG_PEEK);
	both_get(&b, SOL_SOCKET, SO_PEEK_OFF);
	both_recv(&b, 4, MSG_PEEK);
	both_recv(&b, 4, MSG_PEEK);
	both_get(&b, SOL_SOCKET, SO_PEEK_OFF);
	both_recv(&b, 4, MSG_PEEK);
	both_recv(&b, 100, 0);
	both_get(&b, SOL_SOCKET, SO_PEEK_OFF);
	both_recv(&b, 100, MSG_PEEK);
	both_recv(&b, 100, 0);
	both_get(&b, SOL_SOCKET, SO_PEEK_OFF);
	both_close(&a);
	both_close(&b);
	world_finish(world);
}

TEST(peek_off_walks_through_the_queue)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++)
		peek_off_walks_through_the_queue_once();
}

static void shutdown_shows_in_poll_recv_and_send_once(void)
{
	static const int hows[] = { SHUT_RD, SHUT_WR, SHUT_RDWR };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct both a, b;

		world = new_world(5);
		a = both_open();
		b = both_open();
		both_bind(&b, true);
		both_connect(&a, b.kport, b.oport);
		both_shutdown(&a, hows[i]);
		both_poll(&a);
		both_send(&a, "x", 1, MSG_NOSIGNAL);
		both_recv(&a, 10, 0);
		both_recv(&b, 10, 0);
		both_close(&a);
		both_close(&b);
		world_finish(world);
	}
}

TEST(shutdown_shows_in_poll_recv_and_send)
{
	for (flavour = V4; flavour < FLAVOURS; flavour++)
		shutdown_shows_in_poll_recv_and_send_once();
}

/* The same number of datagrams fits SO_RCVBUF; then they are dropped and counted. */
TEST(the_receive_queue_holds_as_many_datagrams_as_the_kernels)
{
	static const size_t sizes[] = { 1, 100, 500, 1000, 1400 };
	static char buf[2000];
	unsigned int i, n;

	flavour = V4;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned int k = 0, o = 0;
		struct both a, b;

		world = new_world(6);
		a = both_open();
		b = both_open();
		both_set(&b, SOL_SOCKET, SO_RCVBUF, 50000);
		both_bind(&b, true);
		both_connect(&a, b.kport, b.oport);
		for (n = 0; n < 300; n++)
			both_send(&a, buf, sizes[i], 0);
		while (recv(b.fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
			k++;
		while (true) {
			struct iovec iov = { buf, sizeof(buf) };
			struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

			if (socket_recvmsg(stack(), b.so, &msg, MSG_DONTWAIT, world->now) < 0)
				break;
			o++;
		}
		ck_assert_msg(k == o, "size %zu: kernel %u, ours %u", sizes[i], k, o);
		both_close(&a);
		both_close(&b);
		world_finish(world);
	}
}

/* -- control messages --------------------------------------------------------------------- */

/* Addresses, links and times differ; the rest must not. */
static void normalise(struct msghdr *msg)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type != SO_RXQ_OVFL)
			memset(CMSG_DATA(c), 0, c->cmsg_len - CMSG_LEN(0));
		if ((c->cmsg_level == SOL_IP &&
		     (c->cmsg_type == IP_PKTINFO || c->cmsg_type == IP_ORIGDSTADDR)) ||
		    (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO))
			memset(CMSG_DATA(c), 0, c->cmsg_len - CMSG_LEN(0));
	}
}

static void compare_control(struct both *b, size_t room)
{
	char kc[512] = { 0 }, oc[512] = { 0 }, kb[10], ob[10];
	struct iovec kv = { kb, 10 }, ov = { ob, 10 };
	struct msghdr km = { .msg_iov = &kv, .msg_iovlen = 1, .msg_control = kc, .msg_controllen = room };
	struct msghdr om = { .msg_iov = &ov, .msg_iovlen = 1, .msg_control = oc, .msg_controllen = room };

	same("recvmsg", neg_errno(recvmsg(b->fd, &km, 0)),
	     socket_recvmsg(stack(), b->so, &om, 0, world->now));
	same("msg_flags", km.msg_flags, om.msg_flags);
	same("msg_controllen", (long)km.msg_controllen, (long)om.msg_controllen);
	if ((km.msg_flags & MSG_CTRUNC) != 0)
		return;
	normalise(&km);
	normalise(&om);
	ck_assert_msg(memcmp(kc, oc, km.msg_controllen) == 0, "control messages with room %zu", room);
}

TEST(control_messages_are_the_kernels_in_order_and_size)
{
	size_t room;

	for (flavour = V4; flavour < FLAVOURS; flavour++) {
		struct both a, b;

		world = new_world(7);
		a = both_open();
		b = both_open();
		both_bind(&b, true);
		both_set(&b, SOL_SOCKET, SO_TIMESTAMP, 1);
		both_set(&b, SOL_IP, IP_PKTINFO, 1);
		both_set(&b, SOL_IP, IP_RECVTTL, 1);
		both_set(&b, SOL_IP, IP_RECVTOS, 1);
		both_set(&b, SOL_IP, IP_RECVORIGDSTADDR, 1);
		if (flavour != V4) {
			both_set(&b, SOL_IPV6, IPV6_RECVPKTINFO, 1);
			both_set(&b, SOL_IPV6, IPV6_RECVHOPLIMIT, 1);
			both_set(&b, SOL_IPV6, IPV6_RECVTCLASS, 1);
		}
		both_set(&a, SOL_IP, IP_TTL, 77);
		both_set(&a, SOL_IP, IP_TOS, 0x48);
		if (flavour != V4) {
			both_set(&a, SOL_IPV6, IPV6_UNICAST_HOPS, 78);
			both_set(&a, SOL_IPV6, IPV6_TCLASS, 0x50);
		}
		both_connect(&a, b.kport, b.oport);
		for (room = 0; room <= 300; room += 4) {
			both_send(&a, "x", 1, 0);
			compare_control(&b, room);
		}
		both_close(&a);
		both_close(&b);
		world_finish(world);
	}
}

SIM_MAIN("udp-sockets")
