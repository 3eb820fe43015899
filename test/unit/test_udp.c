/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_udp.c - UDP sockets call by call, the kernel's answers against ours.
 *
 * Every step is made on a socket of the kernel's, talking to itself over 127.0.0.1, and on one of
 * the stack's, talking to itself over its own address; results, errnos and data must agree.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "stack/inet/udp.h"
#include "test/sim/sim.h"

/* Each test runs over IPv4, over IPv4 with AF_INET6 sockets, and over IPv6. */
enum flavour { V4, MAPPED, V6, FLAVOURS };

static enum flavour flavour;
static struct world *world;

static void add_addr6(struct stack_config *cfg, void *arg)
{
	struct in6_addr in6;

	(void)arg;
	inet_pton(AF_INET6, "2001:db8::1", &in6);
	cfg->addrs[cfg->naddrs++] =
		(struct stack_addr){ .addr = ipaddr_from_in6(&in6), .plen = 64 };
}

static struct world *new_world(uint64_t seed)
{
	return world_pair_tuned(seed, 0, add_addr6, NULL);
}

static struct stack *stack(void)
{
	return world->nodes[0].st;
}

/* One socket here and one there. */
struct both {
	int fd;
	struct socket *so;
	uint16_t kport, oport; /* where they are bound */
};

static void settle(void)
{
	world_run(world, 1000000);
}

static int domain_of_flavour(void)
{
	return flavour == V4 ? AF_INET : AF_INET6;
}

static struct both both_open(void)
{
	int domain = domain_of_flavour();
	struct both b = { .fd = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK, 0) };

	ck_assert_int_ge(b.fd, 0);
	ck_assert_int_eq(socket_create(stack(), domain, SOCK_DGRAM, 0, &b.so, world->now), 0);
	return b;
}

static void both_close(struct both *b)
{
	close(b->fd);
	socket_release(stack(), b->so, world->now);
}

static socklen_t sockaddr_of(int domain, const char *addr, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	char text[64];

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)domain;
	if (domain == AF_INET) {
		sin->sin_port = htons(port);
		inet_pton(AF_INET, addr, &sin->sin_addr);
		return sizeof(*sin);
	}
	snprintf(text, sizeof(text), "%s%s", flavour == MAPPED ? "::ffff:" : "", addr);
	sin6->sin6_port = htons(port);
	inet_pton(AF_INET6, text, &sin6->sin6_addr);
	return sizeof(*sin6);
}

#define KERNEL_ADDR (flavour == V6 ? "::1" : "127.0.0.1")
#define OUR_ADDR (flavour == V6 ? "2001:db8::1" : "192.0.2.1")

static int neg_errno(long r)
{
	return r < 0 ? -errno : (int)r;
}

#define same(what, k, o) same_at(__LINE__, what, k, o)
static int same_at(int line, const char *what, long k, long o)
{
	if (k != o)
		ck_abort_msg("line %d: %s: kernel %ld, ours %ld", line, what, k, o);
	return (int)k;
}

static uint16_t port_of(const struct sockaddr_storage *ss)
{
	return ntohs(ss->ss_family == AF_INET ? ((const struct sockaddr_in *)ss)->sin_port :
						((const struct sockaddr_in6 *)ss)->sin6_port);
}

static int both_bind(struct both *b, bool any)
{
	struct sockaddr_storage ks, os;
	socklen_t len = sockaddr_of(b->so->domain, any ? "0.0.0.0" : KERNEL_ADDR, 0, &ks);
	int k, o;

	if (any && b->so->domain == AF_INET6)
		memset(&((struct sockaddr_in6 *)&ks)->sin6_addr, 0, 16);
	k = neg_errno(bind(b->fd, (struct sockaddr *)&ks, len));
	len = sockaddr_of(b->so->domain, any ? "0.0.0.0" : OUR_ADDR, 0, &os);
	if (any && b->so->domain == AF_INET6)
		memset(&((struct sockaddr_in6 *)&os)->sin6_addr, 0, 16);
	o = socket_bind(stack(), b->so, (struct sockaddr *)&os, len, world->now);
	getsockname(b->fd, (struct sockaddr *)&ks, &len);
	b->kport = port_of(&ks);
	socket_getname(stack(), b->so, (struct sockaddr *)&os, &len, false);
	b->oport = port_of(&os);
	return same("bind", k, o);
}

static int both_connect(struct both *b, uint16_t kport, uint16_t oport)
{
	struct sockaddr_storage ks, os;
	socklen_t len = sockaddr_of(b->so->domain, KERNEL_ADDR, kport, &ks);
	int k = neg_errno(connect(b->fd, (struct sockaddr *)&ks, len)), o;

	sockaddr_of(b->so->domain, OUR_ADDR, oport, &os);
	o = socket_connect(stack(), b->so, (struct sockaddr *)&os, len, world->now);
	return same("connect", k, o);
}

static int both_disconnect(struct both *b)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	return same("disconnect", neg_errno(connect(b->fd, &sa, sizeof(sa))),
		    socket_connect(stack(), b->so, &sa, sizeof(sa), world->now));
}

static ssize_t our_send(struct both *b, const void *buf, size_t n, struct sockaddr_storage *to,
			socklen_t tolen, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)buf, n };
	struct msghdr msg = { .msg_name = to, .msg_namelen = tolen, .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r = socket_sendmsg(stack(), b->so, &msg, flags, world->now);

	stack_flush(stack(), world->now);
	settle();
	return r;
}

static int both_send(struct both *b, const void *buf, size_t n, int flags)
{
	ssize_t k = neg_errno(send(b->fd, buf, n, flags));

	return same("send", k, our_send(b, buf, n, NULL, 0, flags));
}

static int both_sendto(struct both *b, const void *buf, size_t n, uint16_t kport, uint16_t oport,
		       int flags)
{
	struct sockaddr_storage ks, os;
	socklen_t len = sockaddr_of(b->so->domain, KERNEL_ADDR, kport, &ks);
	ssize_t k = neg_errno(sendto(b->fd, buf, n, flags, (struct sockaddr *)&ks, len));

	sockaddr_of(b->so->domain, OUR_ADDR, oport, &os);
	return same("sendto", k, our_send(b, buf, n, &os, len, flags));
}

/* Receive into n bytes: result, flags and data must agree. */
#define both_recv(b, n, flags) both_recv_at(__LINE__, b, n, flags)
static int both_recv_at(int line, struct both *b, size_t n, int flags)
{
	static char kb[70000], ob[70000];
	struct iovec kv = { kb, n }, ov = { ob, n };
	struct msghdr km = { .msg_iov = &kv, .msg_iovlen = 1 }, om = { .msg_iov = &ov, .msg_iovlen = 1 };
	ssize_t k, o;

	k = neg_errno(recvmsg(b->fd, &km, flags | MSG_DONTWAIT));
	o = socket_recvmsg(stack(), b->so, &om, flags | MSG_DONTWAIT, world->now);
	same_at(line, "recvmsg", k, o);
	if (k >= 0)
		same_at(line, "msg_flags", km.msg_flags, om.msg_flags);
	if (k > 0)
		ck_assert_msg(memcmp(kb, ob, (size_t)k < n ? (size_t)k : n) == 0, "line %d: data", line);
	return (int)k;
}

#define both_poll(b) both_poll_at(__LINE__, b)
static uint32_t both_poll_at(int line, struct both *b)
{
	struct pollfd p = { .fd = b->fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM |
						   POLLWRNORM | POLLWRBAND };

	ck_assert_int_ge(poll(&p, 1, 0), 0);
	return (uint32_t)same_at(line, "poll", (uint16_t)p.revents, socket_poll(stack(), b->so));
}

static int both_set(struct both *b, int level, int name, int val)
{
	int k = neg_errno(setsockopt(b->fd, level, name, &val, sizeof(val)));

	return same("setsockopt", k, socket_setsockopt(stack(), b->so, level, name, &val,
						       sizeof(val), world->now));
}

static int both_get(struct both *b, int level, int name)
{
	int k = 0, o = 0;
	socklen_t len = sizeof(k);

	same("getsockopt", neg_errno(getsockopt(b->fd, level, name, &k, &len)),
	     socket_getsockopt(stack(), b->so, level, name, &o, &len, world->now));
	return same("option", k, o);
}

static int both_shutdown(struct both *b, int how)
{
	return same("shutdown", neg_errno(shutdown(b->fd, how)),
		    socket_shutdown(stack(), b->so, how, world->now));
}

static int both_fionread(struct both *b)
{
	int k = -1, o = -1;

	same("ioctl", neg_errno(ioctl(b->fd, FIONREAD, &k)),
	     socket_ioctl(stack(), b->so, FIONREAD, &o, world->now));
	return same("FIONREAD", k, o);
}

static int both_getpeername(struct both *b)
{
	struct sockaddr_storage ks, os;
	socklen_t kl = sizeof(ks), ol = sizeof(os);
	int r = same("getpeername", neg_errno(getpeername(b->fd, (struct sockaddr *)&ks, &kl)),
		     socket_getname(stack(), b->so, (struct sockaddr *)&os, &ol, true));

	if (r == 0)
		same("name length", kl, ol);
	return r;
}

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
