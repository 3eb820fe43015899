/* SPDX-License-Identifier: BSD-3-Clause */
/* test_socket.c - socket(2), connect(2), shutdown(2) and close(2) above the protocols. */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "stack/inet/inet_priv.h"
#include "test/sim/sim.h"

/* Privileges, and protocols that a kernel may have or not, are not the stack's to know. */
TEST(socket_refuses_what_the_kernel_refuses)
{
	static const int domains[] = { AF_INET, AF_INET6 };
	static const int protocols[] = { -1,	      0,	  IPPROTO_ICMP, IPPROTO_TCP,
					 IPPROTO_UDP, IPPROTO_ICMPV6, 254,	IPPROTO_RAW,
					 INT32_MAX };
	struct world *w = world_pair(1);
	struct stack *st = w->nodes[0].st;
	unsigned int d, p, compared = 0;
	int type, fd, k, o;
	struct socket *so;

	for (d = 0; d < 2; d++)
		for (type = -1; type < 14; type++)
			for (p = 0; p < sizeof(protocols) / sizeof(protocols[0]); p++) {
				/* Not ours to answer: AF_INET's own packet sockets. */
				if (type == SOCK_PACKET)
					continue;
				fd = socket(domains[d], type, protocols[p]);
				k = fd < 0 ? -errno : 0;
				if (fd >= 0)
					close(fd);
				if (k == -EPERM || k == -EACCES)
					continue;
				o = socket_create(st, domains[d], type, protocols[p], &so, w->now);
				ck_assert_msg(k == o, "domain %d type %d protocol %d: kernel %d, ours %d",
					      domains[d], type, protocols[p], k, o);
				if (o == 0)
					socket_release(st, so, w->now);
				compared++;
			}
	ck_assert_int_eq(socket_create(st, AF_UNIX, SOCK_STREAM, 0, &so, w->now), -EAFNOSUPPORT);
	ck_assert_uint_gt(compared, 100);
	world_finish(w);
}

static void few_sockets(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->max_sockets = 3;
}

TEST(more_sockets_than_configured_are_refused)
{
	struct world *w = world_pair_tuned(2, 0, few_sockets, NULL);
	struct stack *st = w->nodes[0].st;
	struct socket *so[4];
	int i;

	for (i = 0; i < 3; i++)
		ck_assert_int_eq(socket_create(st, AF_INET, SOCK_DGRAM, 0, &so[i], w->now), 0);
	ck_assert_int_eq(socket_create(st, AF_INET, SOCK_DGRAM, 0, &so[3], w->now), -ENFILE);
	socket_release(st, so[1], w->now);
	ck_assert_int_eq(socket_create(st, AF_INET6, SOCK_DGRAM, 0, &so[1], w->now), 0);
	for (i = 0; i < 3; i++)
		socket_release(st, so[i], w->now);
	world_finish(w);
}

/* connect(2) on a stream: EINPROGRESS, EALREADY, 0 once, EISCONN. */
TEST(connect_reports_each_stage_of_a_stream)
{
	struct world *w = world_pair(3);
	struct node *na = &w->nodes[0], *nb = &w->nodes[1];
	struct conn *a = conn_socket(na, SOCK_STREAM), *l = conn_socket(nb, SOCK_STREAM);

	ck_assert_int_eq(conn_bind(l, &nb->addr, 80), 0);
	ck_assert_int_eq(conn_listen(l, 5), 0);
	ck_assert_int_eq(conn_connect(a, &nb->addr, 80), -EINPROGRESS);
	ck_assert_int_eq(a->so->state, SS_CONNECTING);
	ck_assert_int_eq(conn_connect(a, &nb->addr, 80), -EALREADY);
	ck_assert_int_eq(conn_listen(a, 5), -EINVAL);
	world_run(w, 100 * MS);
	ck_assert_int_eq(conn_connect(a, &nb->addr, 80), 0);
	ck_assert_int_eq(conn_connect(a, &nb->addr, 80), -EISCONN);
	ck_assert_int_eq(a->so->state, SS_CONNECTED);
	world_finish(w);
}

TEST(a_refused_stream_reports_it_once_and_may_try_again)
{
	struct world *w = world_pair(4);
	struct node *nb = &w->nodes[1];
	struct conn *a = conn_socket(&w->nodes[0], SOCK_STREAM), *l;

	ck_assert_int_eq(conn_connect(a, &nb->addr, 80), -EINPROGRESS);
	world_run(w, 100 * MS);
	ck_assert_int_eq(conn_connect(a, &nb->addr, 80), -ECONNREFUSED);
	ck_assert_int_eq(a->so->state, SS_UNCONNECTED);
	l = conn_socket(nb, SOCK_STREAM);
	ck_assert_int_eq(conn_bind(l, &nb->addr, 80), 0);
	ck_assert_int_eq(conn_listen(l, 5), 0);
	ck_assert_int_eq(conn_connect(a, &nb->addr, 80), -EINPROGRESS);
	world_run(w, 100 * MS);
	ck_assert_int_eq(conn_connect(a, &nb->addr, 80), 0);
	world_finish(w);
}

TEST(accept_and_listen_are_for_streams)
{
	struct world *w = world_pair(5);
	struct stack *st = w->nodes[0].st;
	struct socket *so, *out;

	ck_assert_int_eq(socket_create(st, AF_INET, SOCK_DGRAM, 0, &so, w->now), 0);
	ck_assert_int_eq(socket_listen(st, so, 1, w->now), -EOPNOTSUPP);
	ck_assert_int_eq(socket_accept(st, so, &out, w->now), -EOPNOTSUPP);
	ck_assert_int_eq(socket_shutdown(st, so, 7, w->now), -EINVAL);
	socket_release(st, so, w->now);
	ck_assert_int_eq(socket_create(st, AF_INET, SOCK_STREAM, 0, &so, w->now), 0);
	ck_assert_int_eq(socket_accept(st, so, &out, w->now), -EINVAL);
	ck_assert_int_eq(socket_shutdown(st, so, SHUT_RDWR, w->now), -ENOTCONN);
	socket_release(st, so, w->now);
	world_finish(w);
}

TEST(unbind_gives_the_port_back)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(8000) };
	struct world *w = world_pair(6);
	struct stack *st = w->nodes[0].st;
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
	struct socket *a, *b;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(socket_create(st, AF_INET, types[i], 0, &a, w->now), 0);
		ck_assert_int_eq(socket_create(st, AF_INET, types[i], 0, &b, w->now), 0);
		ck_assert_int_eq(socket_bind(st, a, (struct sockaddr *)&sin, sizeof(sin), w->now), 0);
		ck_assert_int_eq(socket_bind(st, b, (struct sockaddr *)&sin, sizeof(sin), w->now),
				 -EADDRINUSE);
		socket_unbind(st, a, w->now);
		ck_assert_int_eq(socket_bind(st, b, (struct sockaddr *)&sin, sizeof(sin), w->now), 0);
		socket_unbind(st, b, w->now);
		ck_assert_int_eq(socket_bind(st, a, (struct sockaddr *)&sin, sizeof(sin), w->now), 0);
		socket_release(st, a, w->now);
		socket_release(st, b, w->now);
	}
	world_finish(w);
}

TEST(bind_takes_own_and_group_addresses_only)
{
	static const struct {
		const char *addr;
		int err;
	} cases[] = {
		{ "0.0.0.0", 0 }, { "192.0.2.1", 0 }, { "192.0.2.2", -EADDRNOTAVAIL },
		{ "198.51.100.1", -EADDRNOTAVAIL }, { "239.1.1.1", 0 }, { "192.0.2.255", 0 },
		{ "255.255.255.255", 0 },
	};
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct world *w = world_pair(7);
	struct stack *st = w->nodes[0].st;
	struct socket *so;
	unsigned int i;
	int one = 1;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(socket_create(st, AF_INET, SOCK_DGRAM, 0, &so, w->now), 0);
		inet_pton(AF_INET, cases[i].addr, &sin.sin_addr);
		ck_assert_int_eq(socket_bind(st, so, (struct sockaddr *)&sin, sizeof(sin), w->now),
				 cases[i].err);
		if (cases[i].err != 0) {
			socket_setsockopt(st, so, SOL_IP, IP_FREEBIND, &one, sizeof(one), w->now);
			ck_assert_int_eq(socket_bind(st, so, (struct sockaddr *)&sin, sizeof(sin),
						     w->now), 0);
		}
		socket_release(st, so, w->now);
	}
	world_finish(w);
}

SIM_MAIN("socket")
