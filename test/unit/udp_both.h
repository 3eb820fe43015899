/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * udp_both.h - UDP sockets call by call, the kernel's answers against ours.
 *
 * Every step is made on a socket of the kernel's, talking to itself over 127.0.0.1, and on one of
 * the stack's, talking to itself over its own address; results, errnos and data must agree.
 * Include once per test binary.
 */
#ifndef TEST_UNIT_UDP_BOTH_H
#define TEST_UNIT_UDP_BOTH_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "stack/inet/udp.h"
#include "test/own_network.h"
#include "test/sim/sim.h"

/* Each test runs over IPv4, over IPv4 with AF_INET6 sockets, and over IPv6. */
enum flavour { V4, MAPPED, V6, FLAVOURS };

static enum flavour flavour;
static struct world *world;

static inline void add_addr6(struct stack_config *cfg, void *arg)
{
	struct in6_addr in6;

	(void)arg;
	inet_pton(AF_INET6, "2001:db8::1", &in6);
	cfg->addrs[cfg->naddrs++] =
		(struct stack_addr){ .addr = ipaddr_from_in6(&in6), .plen = 64 };
}

static inline struct world *new_world(uint64_t seed)
{
	return world_pair_tuned(seed, 0, add_addr6, NULL);
}

static inline struct stack *stack(void)
{
	return world->nodes[0].st;
}

/* One socket here and one there. */
struct both {
	int fd;
	struct socket *so;
	uint16_t kport, oport; /* where they are bound */
};

static inline void settle(void)
{
	world_run(world, 1000000);
}

static inline int domain_of_flavour(void)
{
	return flavour == V4 ? AF_INET : AF_INET6;
}

static inline struct both both_open(void)
{
	int domain = domain_of_flavour();
	struct both b = { .fd = -1 };

	ck_assert_msg(own_loopback(), "no network namespace: %s", strerror(errno));
	b.fd = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(b.fd, 0);
	ck_assert_int_eq(socket_create(stack(), domain, SOCK_DGRAM, 0, &b.so, world->now), 0);
	return b;
}

static inline void both_close(struct both *b)
{
	close(b->fd);
	socket_release(stack(), b->so, world->now);
}

static inline socklen_t sockaddr_of(int domain, const char *addr, uint16_t port, struct sockaddr_storage *ss)
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

static inline int neg_errno(long r)
{
	return r < 0 ? -errno : (int)r;
}

#define same(what, k, o) same_at(__LINE__, what, k, o)
static inline int same_at(int line, const char *what, long k, long o)
{
	if (k != o)
		ck_abort_msg("line %d: %s: kernel %ld, ours %ld", line, what, k, o);
	return (int)k;
}

static inline uint16_t port_of(const struct sockaddr_storage *ss)
{
	return ntohs(ss->ss_family == AF_INET ? ((const struct sockaddr_in *)ss)->sin_port :
						((const struct sockaddr_in6 *)ss)->sin6_port);
}

static inline int both_bind(struct both *b, bool any)
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

static inline int both_connect(struct both *b, uint16_t kport, uint16_t oport)
{
	struct sockaddr_storage ks, os;
	socklen_t len = sockaddr_of(b->so->domain, KERNEL_ADDR, kport, &ks);
	int k = neg_errno(connect(b->fd, (struct sockaddr *)&ks, len)), o;

	sockaddr_of(b->so->domain, OUR_ADDR, oport, &os);
	o = socket_connect(stack(), b->so, (struct sockaddr *)&os, len, world->now);
	return same("connect", k, o);
}

static inline int both_disconnect(struct both *b)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	return same("disconnect", neg_errno(connect(b->fd, &sa, sizeof(sa))),
		    socket_connect(stack(), b->so, &sa, sizeof(sa), world->now));
}

static inline ssize_t our_send(struct both *b, const void *buf, size_t n, struct sockaddr_storage *to,
			socklen_t tolen, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)buf, n };
	struct msghdr msg = { .msg_name = to, .msg_namelen = tolen, .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r = socket_sendmsg(stack(), b->so, &msg, flags, world->now);

	stack_flush(stack(), world->now);
	settle();
	return r;
}

static inline int both_send(struct both *b, const void *buf, size_t n, int flags)
{
	ssize_t k = neg_errno(send(b->fd, buf, n, flags));

	return same("send", k, our_send(b, buf, n, NULL, 0, flags));
}

static inline int both_sendto(struct both *b, const void *buf, size_t n, uint16_t kport, uint16_t oport,
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
static inline int both_recv_at(int line, struct both *b, size_t n, int flags)
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
static inline uint32_t both_poll_at(int line, struct both *b)
{
	struct pollfd p = { .fd = b->fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM |
						   POLLWRNORM | POLLWRBAND };

	ck_assert_int_ge(poll(&p, 1, 0), 0);
	return (uint32_t)same_at(line, "poll", (uint16_t)p.revents, socket_poll(stack(), b->so));
}

static inline int both_set(struct both *b, int level, int name, int val)
{
	int k = neg_errno(setsockopt(b->fd, level, name, &val, sizeof(val)));

	return same("setsockopt", k, socket_setsockopt(stack(), b->so, level, name, &val,
						       sizeof(val), world->now));
}

static inline int both_get(struct both *b, int level, int name)
{
	int k = 0, o = 0;
	socklen_t len = sizeof(k);

	same("getsockopt", neg_errno(getsockopt(b->fd, level, name, &k, &len)),
	     socket_getsockopt(stack(), b->so, level, name, &o, &len, world->now));
	return same("option", k, o);
}

static inline int both_shutdown(struct both *b, int how)
{
	return same("shutdown", neg_errno(shutdown(b->fd, how)),
		    socket_shutdown(stack(), b->so, how, world->now));
}

static inline int both_fionread(struct both *b)
{
	int k = -1, o = -1;

	same("ioctl", neg_errno(ioctl(b->fd, FIONREAD, &k)),
	     socket_ioctl(stack(), b->so, FIONREAD, &o, world->now));
	return same("FIONREAD", k, o);
}

static inline int both_getpeername(struct both *b)
{
	struct sockaddr_storage ks, os;
	socklen_t kl = sizeof(ks), ol = sizeof(os);
	int r = same("getpeername", neg_errno(getpeername(b->fd, (struct sockaddr *)&ks, &kl)),
		     socket_getname(stack(), b->so, (struct sockaddr *)&os, &ol, true));

	if (r == 0)
		same("name length", kl, ol);
	return r;
}

#endif
