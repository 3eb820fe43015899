/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ports.c - who may bind what: the kernel's answers against ours, and ephemeral ports.
 *
 * The kernel's sockets are bound on its loopback addresses, ours on the stack's; nothing is
 * connected, so nothing is sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "stack/inet/inet_priv.h"
#include "test/sim/sim.h"

enum where { ANY, ONE, TWO, ANY6, ONE6, MAPPED_ONE, MAPPED_ANY, WHERES };

static const struct place {
	const char *kernel, *ours, *text;
	int domain;
} places[WHERES] = {
	[ANY] = { "0.0.0.0", "0.0.0.0", "0.0.0.0", AF_INET },
	[ONE] = { "127.0.0.1", "192.0.2.1", "v4-1", AF_INET },
	[TWO] = { "127.0.0.2", "192.0.2.3", "v4-2", AF_INET },
	[ANY6] = { "::", "::", "::", AF_INET6 },
	[ONE6] = { "::1", "2001:db8::1", "v6-1", AF_INET6 },
	[MAPPED_ONE] = { "::ffff:127.0.0.1", "::ffff:192.0.2.1", "mapped v4-1", AF_INET6 },
	[MAPPED_ANY] = { "::ffff:0.0.0.0", "::ffff:0.0.0.0", "mapped 0.0.0.0", AF_INET6 },
};

struct binder {
	enum where where;
	bool v6only, reuseaddr, reuseport, listen;
};

static struct world *world;
static unsigned int differences, pairs;

static struct stack *stack(void)
{
	return world->nodes[0].st;
}

static void add_addrs(struct stack_config *cfg, void *arg)
{
	struct stack_addr *a = &cfg->addrs[cfg->naddrs];
	struct in6_addr in6;

	(void)arg;
	inet_pton(AF_INET6, "2001:db8::1", &in6);
	a[0] = (struct stack_addr){ .addr = ip4(192, 0, 2, 3), .plen = 24 };
	a[1] = (struct stack_addr){ .addr = ipaddr_from_in6(&in6), .plen = 64 };
	cfg->naddrs += 2;
}

static socklen_t address(enum where where, bool kernel, uint16_t port, struct sockaddr_storage *ss)
{
	const char *text = kernel ? places[where].kernel : places[where].ours;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)places[where].domain;
	if (places[where].domain == AF_INET) {
		sin->sin_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET, text, &sin->sin_addr), 1);
		return sizeof(*sin);
	}
	sin6->sin6_port = htons(port);
	ck_assert_int_eq(inet_pton(AF_INET6, text, &sin6->sin6_addr), 1);
	return sizeof(*sin6);
}

/* Bind, and listen if asked: the first error, or 0. */
static int kernel_bind(const struct binder *b, int type, uint16_t port, int *fd)
{
	struct sockaddr_storage ss;
	socklen_t len = address(b->where, true, port, &ss);
	int one = 1, v6only = b->v6only;

	*fd = socket(places[b->where].domain, type, 0);
	ck_assert_int_ge(*fd, 0);
	if (places[b->where].domain == AF_INET6)
		setsockopt(*fd, SOL_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (b->reuseaddr)
		setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (b->reuseport)
		setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(*fd, (struct sockaddr *)&ss, len) < 0)
		return -errno;
	return b->listen && listen(*fd, 5) < 0 ? -errno : 0;
}

static int our_bind(const struct binder *b, int type, uint16_t port, struct socket **so)
{
	struct sockaddr_storage ss;
	socklen_t len = address(b->where, false, port, &ss);
	int one = 1, v6only = b->v6only, err;

	err = socket_create(stack(), places[b->where].domain, type, 0, so, world->now);
	ck_assert_int_eq(err, 0);
	if (places[b->where].domain == AF_INET6)
		socket_setsockopt(stack(), *so, SOL_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only),
				  world->now);
	if (b->reuseaddr)
		socket_setsockopt(stack(), *so, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one),
				  world->now);
	if (b->reuseport)
		socket_setsockopt(stack(), *so, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one),
				  world->now);
	err = socket_bind(stack(), *so, (struct sockaddr *)&ss, len, world->now);
	return err == 0 && b->listen ? socket_listen(stack(), *so, 5, world->now) : err;
}

static void print_binder(const struct binder *b)
{
	fprintf(stderr, "[%s%s%s%s%s]", places[b->where].text, b->v6only ? " v6only" : "",
		b->reuseaddr ? " reuseaddr" : "", b->reuseport ? " reuseport" : "",
		b->listen ? " listen" : "");
}

static void compare_pair(const struct binder *x, const struct binder *y, int type, uint16_t port)
{
	struct socket *sx, *sy;
	int fx, fy, kx, ky, ox, oy;

	kx = kernel_bind(x, type, port, &fx);
	ky = kernel_bind(y, type, port, &fy);
	ox = our_bind(x, type, port, &sx);
	oy = our_bind(y, type, port, &sy);
	pairs++;
	if (kx != ox || ky != oy) {
		if (differences++ < 40) {
			fprintf(stderr, "%s ", type == SOCK_STREAM ? "tcp" : "udp");
			print_binder(x);
			fprintf(stderr, " then ");
			print_binder(y);
			fprintf(stderr, ": kernel %d %d, ours %d %d\n", kx, ky, ox, oy);
		}
	}
	close(fx);
	close(fy);
	socket_release(stack(), sx, world->now);
	socket_release(stack(), sy, world->now);
}

static unsigned int all_binders(struct binder *out, bool listen)
{
	unsigned int n = 0, i;
	enum where w;

	for (w = ANY; w < WHERES; w++) {
		for (i = 0; i < (places[w].domain == AF_INET6 ? 8u : 4u); i++) {
			out[n++] = (struct binder){ w, (i & 4) != 0, (i & 1) != 0, (i & 2) != 0, false };
			if (listen) {
				out[n] = out[n - 1];
				out[n++].listen = true;
			}
		}
	}
	return n;
}

/* A port that the kernel has free for all addresses. */
static uint16_t free_port(int type)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(sin6);
	int fd = socket(AF_INET6, type, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin6, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin6, &len), 0);
	close(fd);
	return ntohs(sin6.sin6_port);
}

static void compare_all(int type)
{
	struct binder all[128];
	unsigned int n = all_binders(all, type == SOCK_STREAM), i, j;
	uint16_t port = free_port(type);

	world = world_pair_tuned(1, 0, add_addrs, NULL);
	differences = pairs = 0;
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			compare_pair(&all[i], &all[j], type, port);
	world_finish(world);
	fprintf(stderr, "%u pairs of sockets\n", pairs);
	ck_assert_uint_eq(differences, 0);
}

TEST(udp_bind_conflicts_are_the_kernels)
{
	compare_all(SOCK_DGRAM);
}

TEST(tcp_bind_and_listen_conflicts_are_the_kernels)
{
	compare_all(SOCK_STREAM);
}

/* -- ephemeral ports ------------------------------------------------------------------ */

static void many_sockets(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->max_sockets = 30000;
}

TEST(bind_to_port_zero_gives_every_port_of_the_range_once)
{
	enum { N = 60999 - 32768 + 1 };
	static struct socket *socks[N + 1];
	static uint8_t seen[65536];
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	struct sockaddr_in got;
	unsigned int i;
	int err;

	memset(seen, 0, sizeof(seen));
	world = world_new(3, 0);
	world_add_wire(world, 2);
	world_add_node(world, &(struct node_params){ .addr = 0xc0000201, .tune = many_sockets });
	for (i = 0; i < N; i++) {
		ck_assert_int_eq(socket_create(stack(), AF_INET, SOCK_DGRAM, 0, &socks[i],
					       world->now), 0);
		err = socket_bind(stack(), socks[i], (struct sockaddr *)&sin, sizeof(sin),
				  world->now);
		ck_assert_int_eq(err, 0);
		socket_getname(stack(), socks[i], (struct sockaddr *)&got, &len, false);
		ck_assert_uint_ge(ntohs(got.sin_port), 32768);
		ck_assert_uint_le(ntohs(got.sin_port), 60999);
		ck_assert_uint_eq(seen[ntohs(got.sin_port)]++, 0);
	}
	ck_assert_int_eq(socket_create(stack(), AF_INET, SOCK_DGRAM, 0, &socks[N], world->now), 0);
	ck_assert_int_eq(socket_bind(stack(), socks[N], (struct sockaddr *)&sin, sizeof(sin), world->now),
			 -EADDRINUSE);
	for (i = 0; i <= N; i++)
		socket_release(stack(), socks[i], world->now);
	world_finish(world);
}

TEST(a_port_range_of_two_is_used_up_and_then_refused)
{
	uint32_t range = 40001u << 16 | 40000u;
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct socket *so[3];
	int err[3], i;

	world = world_pair(4);
	for (i = 0; i < 3; i++) {
		socket_create(stack(), AF_INET, SOCK_DGRAM, 0, &so[i], world->now);
		ck_assert_int_eq(socket_setsockopt(stack(), so[i], SOL_IP, 51, &range,
						   sizeof(range), world->now), 0);
		err[i] = socket_bind(stack(), so[i], (struct sockaddr *)&sin, sizeof(sin),
				     world->now);
	}
	ck_assert_int_eq(err[0], 0);
	ck_assert_int_eq(err[1], 0);
	ck_assert_int_eq(err[2], -EADDRINUSE);
	for (i = 0; i < 3; i++)
		socket_release(stack(), so[i], world->now);
	world_finish(world);
}

/* RFC 6056 3.3.4: ports to one peer in sequence (the first try fits), to others unrelated. */
static unsigned int probes;
static uint8_t taken[65536];

static bool is_taken(struct stack *st, const struct inet_sock *isk, uint16_t port, uint64_t now)
{
	(void)st;
	(void)isk;
	(void)now;
	probes++;
	return taken[port] != 0;
}

TEST(connect_finds_a_free_port_at_once_with_28000_connections_to_one_peer)
{
	static struct inet_sock socks[28000];
	unsigned int i, worst = 0;

	memset(taken, 0, sizeof(taken));
	memset(socks, 0, sizeof(socks));
	world = world_pair(5);
	for (i = 0; i < 28000; i++) {
		socks[i].sk.protocol = IPPROTO_TCP;
		socks[i].sk.domain = AF_INET;
		socks[i].local.addr = ip4(192, 0, 2, 1);
		socks[i].peer.addr = ip4(192, 0, 2, 2);
		socks[i].peer.port = 80;
		probes = 0;
		ck_assert_int_eq(port_bind_connect(stack(), &socks[i], is_taken, 0), 0);
		ck_assert_uint_eq(taken[socks[i].local.port]++, 0);
		if (probes > worst)
			worst = probes;
	}
	ck_assert_uint_le(worst, 2);
	for (i = 0; i < 28000; i++)
		port_unbind(stack(), &socks[i]);
	world_finish(world);
}

TEST(connect_refuses_when_every_port_is_taken)
{
	struct inet_sock isk;

	memset(taken, 1, sizeof(taken));
	memset(&isk, 0, sizeof(isk));
	world = world_pair(6);
	isk.sk.protocol = IPPROTO_TCP;
	ck_assert_int_eq(port_bind_connect(stack(), &isk, is_taken, 0), -EADDRNOTAVAIL);
	world_finish(world);
}

/* What TIME_WAIT holds refuses a bind without SO_REUSEADDR and suffers one with it. */
TEST(a_held_port_refuses_bind_without_reuseaddr)
{
	struct inet_sock old, new;
	struct port_owner tw;
	struct endpoint ep = { .addr = ip4(192, 0, 2, 1), .port = 8080 };

	memset(&old, 0, sizeof(old));
	memset(&new, 0, sizeof(new));
	world = world_pair(7);
	old.sk.protocol = new.sk.protocol = IPPROTO_TCP;
	old.sk.domain = new.sk.domain = AF_INET;
	old.sk.flags = SOCK_F_REUSEADDR;
	ck_assert_int_eq(port_bind(stack(), &old, &ep, 0), 0);
	port_hold(stack(), &tw, &old);
	ck_assert_int_eq(port_bind(stack(), &new, &ep, 0), -EADDRINUSE);
	new.sk.flags = SOCK_F_REUSEADDR;
	ck_assert_int_eq(port_bind(stack(), &new, &ep, 0), 0);
	port_unbind(stack(), &new);
	port_drop(stack(), &tw);
	new.sk.flags = 0;
	ck_assert_int_eq(port_bind(stack(), &new, &ep, 0), 0);
	port_unbind(stack(), &new);
	world_finish(world);
}

SIM_MAIN("ports")
