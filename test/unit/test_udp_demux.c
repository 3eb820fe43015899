/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_udp_demux.c - which socket a datagram goes to: scores, groups, multicast, recovery.
 *
 * A script of binds and connects is made on sockets of the kernel's and on ours; one
 * datagram is sent, and the same socket must get it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "stack/inet/mcast.h"
#include "stack/inet/udp.h"
#include "test/own_network.h"
#include "test/sim/sim.h"

#define MAX_SOCKS 8

/* Where a socket of a script is bound; and whether it is connected to the sender or elsewhere. */
struct spec {
	const char *kernel, *ours;
	bool connect_sender, connect_other, v6only;
};

static struct world *world;

static struct stack *stack(void)
{
	return world->nodes[0].st;
}

static socklen_t make_address(const char *text, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (strchr(text, ':') == NULL) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET, text, &sin->sin_addr), 1);
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	ck_assert_int_eq(inet_pton(AF_INET6, text, &sin6->sin6_addr), 1);
	return sizeof(*sin6);
}

static const char *mapped(int domain, const char *v4, char *buf, size_t n)
{
	snprintf(buf, n, "%s%s", domain == AF_INET6 ? "::ffff:" : "", v4);
	return buf;
}

/* The index of the kernel's socket that got the datagram, -1: none. */
static int kernel_winner(const struct spec *specs, unsigned int n)
{
	int fd[MAX_SOCKS], sender, one = 1, only, winner = -1;
	struct sockaddr_storage ss, from;
	socklen_t len = make_address("127.0.0.1", 0, &from);
	uint16_t port = 0, sport;
	char buf[64];
	unsigned int i;

	ck_assert_msg(own_loopback(), "no network namespace: %s", strerror(errno));
	sender = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(sender, (struct sockaddr *)&from, len), 0);
	getsockname(sender, (struct sockaddr *)&from, &len);
	sport = ntohs(((struct sockaddr_in *)&from)->sin_port);
	for (i = 0; i < n; i++) {
		len = make_address(specs[i].kernel, port, &ss);
		fd[i] = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		only = specs[i].v6only;
		if (ss.ss_family == AF_INET6)
			setsockopt(fd[i], SOL_IPV6, IPV6_V6ONLY, &only, sizeof(only));
		setsockopt(fd[i], SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		ck_assert_int_eq(bind(fd[i], (struct sockaddr *)&ss, len), 0);
		getsockname(fd[i], (struct sockaddr *)&ss, &len);
		port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
		if (specs[i].connect_sender || specs[i].connect_other) {
			len = make_address(mapped(ss.ss_family, "127.0.0.1", buf, sizeof(buf)),
					   specs[i].connect_sender ? sport : 9, &ss);
			ck_assert_int_eq(connect(fd[i], (struct sockaddr *)&ss, len), 0);
		}
	}
	len = make_address("127.0.0.1", port, &ss);
	ck_assert_int_eq(sendto(sender, "x", 1, 0, (struct sockaddr *)&ss, len), 1);
	for (i = 0; i < n; i++) {
		if (recv(fd[i], buf, 1, 0) == 1)
			winner = (int)i;
		close(fd[i]);
	}
	close(sender);
	return winner;
}

static struct socket *our_socket(int domain)
{
	struct socket *so;

	ck_assert_int_eq(socket_create(stack(), domain, SOCK_DGRAM, 0, &so, world->now), 0);
	return so;
}

static int our_setint(struct socket *so, int level, int name, int val)
{
	return socket_setsockopt(stack(), so, level, name, &val, sizeof(val), world->now);
}

static int our_bind(struct socket *so, const char *text, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = make_address(text, port, &ss);

	return socket_bind(stack(), so, (struct sockaddr *)&ss, len, world->now);
}

static int our_connect(struct socket *so, const char *text, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = make_address(text, port, &ss);

	return socket_connect(stack(), so, (struct sockaddr *)&ss, len, world->now);
}

static ssize_t our_sendto(struct socket *so, const char *text, uint16_t port)
{
	struct sockaddr_storage ss;
	struct iovec iov = { (char[]){ 'x' }, 1 };
	struct msghdr msg = { .msg_name = &ss, .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r;

	msg.msg_namelen = make_address(text, port, &ss);
	r = socket_sendmsg(stack(), so, &msg, 0, world->now);
	stack_flush(stack(), world->now);
	world_run(world, 1000000);
	return r;
}

/* How many datagrams wait; they are read. */
static int our_drain(struct socket *so)
{
	char c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int n = 0;

	while (socket_recvmsg(stack(), so, &msg, 0, world->now) == 1)
		n++;
	return n;
}

static int our_winner(const struct spec *specs, unsigned int n)
{
	struct socket *so[MAX_SOCKS], *sender;
	int winner = -1;
	unsigned int i;
	char buf[64];

	world = world_pair(1);
	sender = our_socket(AF_INET);
	ck_assert_int_eq(our_bind(sender, "192.0.2.1", 7000), 0);
	for (i = 0; i < n; i++) {
		so[i] = our_socket(strchr(specs[i].ours, ':') != NULL ? AF_INET6 : AF_INET);
		our_setint(so[i], SOL_SOCKET, SO_REUSEADDR, 1);
		if (so[i]->domain == AF_INET6)
			our_setint(so[i], SOL_IPV6, IPV6_V6ONLY, specs[i].v6only);
		ck_assert_int_eq(our_bind(so[i], specs[i].ours, 8000), 0);
		mapped(so[i]->domain, "192.0.2.1", buf, sizeof(buf));
		if (specs[i].connect_sender || specs[i].connect_other)
			ck_assert_int_eq(our_connect(so[i], buf, specs[i].connect_sender ? 7000 : 9), 0);
	}
	ck_assert_int_eq(our_sendto(sender, "192.0.2.1", 8000), 1);
	for (i = 0; i < n; i++) {
		if (our_drain(so[i]) == 1)
			winner = (int)i;
		socket_release(stack(), so[i], world->now);
	}
	socket_release(stack(), sender, world->now);
	world_finish(world);
	return winner;
}

#define WILD { "0.0.0.0", "0.0.0.0", false, false, false }
#define ADDR { "127.0.0.1", "192.0.2.1", false, false, false }
#define WILD6 { "::", "::", false, false, false }
#define WILD6ONLY { "::", "::", false, false, true }
#define MAPPED { "::ffff:127.0.0.1", "::ffff:192.0.2.1", false, false, false }
#define TO_SENDER { "0.0.0.0", "0.0.0.0", true, false, false }
#define TO_OTHER { "127.0.0.1", "192.0.2.1", false, true, false }
#define TO_SENDER6 { "::", "::", true, false, false }

/* One four-tuple connected twice, by either family: nobody's program, and left to chance. */
static bool is_ambiguous(const struct spec *s, unsigned int n)
{
	bool v4 = false, v6 = false;
	unsigned int i;

	for (i = 0; i < n; i++) {
		v4 |= s[i].connect_sender && strchr(s[i].ours, ':') == NULL;
		v6 |= s[i].connect_sender && strchr(s[i].ours, ':') != NULL;
	}
	return v4 && v6;
}

/* All scripts of up to three sockets. */
TEST(the_same_socket_gets_a_datagram_as_on_the_kernel)
{
	static const struct spec all[] = { WILD,   ADDR,      WILD6,	WILD6ONLY,
					   MAPPED, TO_SENDER, TO_OTHER, TO_SENDER6 };
	enum { N = sizeof(all) / sizeof(all[0]) };
	unsigned int i, j, k, n = 0, wrong = 0;
	struct spec s[3];
	int kernel, ours;

	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++)
			for (k = 0; k <= N; k++) {
				s[0] = all[i];
				s[1] = all[j];
				s[2] = all[k % N];
				if (is_ambiguous(s, k == N ? 2 : 3))
					continue;
				kernel = kernel_winner(s, k == N ? 2 : 3);
				ours = our_winner(s, k == N ? 2 : 3);
				n++;
				if (kernel != ours && wrong++ < 20)
					fprintf(stderr, "sockets %u %u %u: kernel %d, ours %d\n", i, j, k,
						kernel, ours);
			}
	fprintf(stderr, "%u scripts\n", n);
	ck_assert_uint_eq(wrong, 0);
}

/* SO_REUSEPORT: one sender always meets the same socket, many senders spread over all. */
TEST(a_reuseport_group_shares_by_flow)
{
	struct socket *group[4], *sender;
	int got[4] = { 0 }, i, j, n;

	world = world_pair(2);
	for (i = 0; i < 4; i++) {
		group[i] = our_socket(AF_INET);
		our_setint(group[i], SOL_SOCKET, SO_REUSEPORT, 1);
		ck_assert_int_eq(our_bind(group[i], "0.0.0.0", 8000), 0);
	}
	for (j = 0; j < 400; j++) {
		int with = 0;

		sender = our_socket(AF_INET);
		for (i = 0; i < 3; i++)
			our_sendto(sender, "192.0.2.1", 8000);
		for (i = 0; i < 4; i++) {
			n = our_drain(group[i]);
			ck_assert(n == 0 || n == 3);
			with += n != 0;
			got[i] += n != 0;
		}
		ck_assert_int_eq(with, 1);
		socket_release(stack(), sender, world->now);
	}
	for (i = 0; i < 4; i++) {
		ck_assert_int_ge(got[i], 60);
		ck_assert_int_le(got[i], 140);
		socket_release(stack(), group[i], world->now);
	}
	world_finish(world);
}

/* -- multicast and broadcast --------------------------------------------------------------- */

static int join(struct socket *so, const char *group, int name)
{
	struct ip_mreq mreq;

	inet_pton(AF_INET, group, &mreq.imr_multiaddr);
	inet_pton(AF_INET, "192.0.2.1", &mreq.imr_interface);
	return socket_setsockopt(stack(), so, SOL_IP, name, &mreq, sizeof(mreq), world->now);
}

static int join_source(struct socket *so, const char *group, const char *source, int name)
{
	struct ip_mreq_source mreq;

	inet_pton(AF_INET, group, &mreq.imr_multiaddr);
	inet_pton(AF_INET, "192.0.2.1", &mreq.imr_interface);
	inet_pton(AF_INET, source, &mreq.imr_sourceaddr);
	return socket_setsockopt(stack(), so, SOL_IP, name, &mreq, sizeof(mreq), world->now);
}

TEST(a_multicast_datagram_reaches_every_member_and_no_other)
{
	struct socket *so[4], *sender;
	unsigned int i;

	world = world_pair(3);
	sender = our_socket(AF_INET);
	for (i = 0; i < 4; i++) {
		so[i] = our_socket(AF_INET);
		our_setint(so[i], SOL_SOCKET, SO_REUSEADDR, 1);
		our_setint(so[i], SOL_IP, IP_MULTICAST_ALL, 0);
		ck_assert_int_eq(our_bind(so[i], "0.0.0.0", 8000), 0);
	}
	/* Nobody joined. */
	our_sendto(sender, "239.1.2.3", 8000);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(our_drain(so[i]), 0);
	ck_assert_int_eq(join(so[0], "239.1.2.3", IP_ADD_MEMBERSHIP), 0);
	ck_assert_int_eq(join(so[0], "239.1.2.3", IP_ADD_MEMBERSHIP), -EADDRINUSE);
	ck_assert_int_eq(join(so[1], "239.1.2.3", IP_ADD_MEMBERSHIP), 0);
	ck_assert_int_eq(join(so[2], "239.1.2.4", IP_ADD_MEMBERSHIP), 0);
	ck_assert_int_eq(join(so[2], "192.0.2.9", IP_ADD_MEMBERSHIP), -EINVAL);
	our_setint(so[3], SOL_IP, IP_MULTICAST_ALL, 1);
	our_sendto(sender, "239.1.2.3", 8000);
	ck_assert_int_eq(our_drain(so[0]), 1);
	ck_assert_int_eq(our_drain(so[1]), 1);
	ck_assert_int_eq(our_drain(so[2]), 0);
	ck_assert_int_eq(our_drain(so[3]), 1);
	/* Without IP_MULTICAST_LOOP nothing comes back. */
	our_setint(sender, SOL_IP, IP_MULTICAST_LOOP, 0);
	our_sendto(sender, "239.1.2.3", 8000);
	ck_assert_int_eq(our_drain(so[0]), 0);
	our_setint(sender, SOL_IP, IP_MULTICAST_LOOP, 1);
	ck_assert_int_eq(join(so[0], "239.1.2.3", IP_DROP_MEMBERSHIP), 0);
	ck_assert_int_eq(join(so[0], "239.1.2.3", IP_DROP_MEMBERSHIP), -EADDRNOTAVAIL);
	our_sendto(sender, "239.1.2.3", 8000);
	ck_assert_int_eq(our_drain(so[0]), 0);
	ck_assert_int_eq(our_drain(so[1]), 1);
	for (i = 0; i < 4; i++)
		socket_release(stack(), so[i], world->now);
	socket_release(stack(), sender, world->now);
	world_finish(world);
}

TEST(source_filters_let_in_who_is_wanted)
{
	struct socket *so, *sender;

	world = world_pair(4);
	sender = our_socket(AF_INET);
	so = our_socket(AF_INET);
	ck_assert_int_eq(our_bind(so, "0.0.0.0", 8000), 0);
	ck_assert_int_eq(join_source(so, "239.1.2.3", "192.0.2.7", IP_ADD_SOURCE_MEMBERSHIP), 0);
	our_sendto(sender, "239.1.2.3", 8000);
	ck_assert_int_eq(our_drain(so), 0);
	ck_assert_int_eq(join_source(so, "239.1.2.3", "192.0.2.1", IP_ADD_SOURCE_MEMBERSHIP), 0);
	our_sendto(sender, "239.1.2.3", 8000);
	ck_assert_int_eq(our_drain(so), 1);
	ck_assert_int_eq(join_source(so, "239.1.2.3", "192.0.2.1", IP_BLOCK_SOURCE), -EINVAL);
	ck_assert_int_eq(join_source(so, "239.1.2.3", "192.0.2.1", IP_DROP_SOURCE_MEMBERSHIP), 0);
	ck_assert_int_eq(join_source(so, "239.1.2.3", "192.0.2.7", IP_DROP_SOURCE_MEMBERSHIP), 0);
	/* The last source gone: not a member any more. */
	ck_assert_int_eq(join(so, "239.1.2.3", IP_DROP_MEMBERSHIP), -EADDRNOTAVAIL);
	ck_assert_int_eq(join(so, "239.1.2.3", IP_ADD_MEMBERSHIP), 0);
	ck_assert_int_eq(join_source(so, "239.1.2.3", "192.0.2.1", IP_BLOCK_SOURCE), 0);
	our_sendto(sender, "239.1.2.3", 8000);
	ck_assert_int_eq(our_drain(so), 0);
	ck_assert_int_eq(join_source(so, "239.1.2.3", "192.0.2.1", IP_UNBLOCK_SOURCE), 0);
	our_sendto(sender, "239.1.2.3", 8000);
	ck_assert_int_eq(our_drain(so), 1);
	socket_release(stack(), so, world->now);
	socket_release(stack(), sender, world->now);
	world_finish(world);
}

TEST(broadcast_needs_so_broadcast)
{
	struct socket *so[2], *sender;
	unsigned int i;

	world = world_pair(5);
	sender = our_socket(AF_INET);
	for (i = 0; i < 2; i++) {
		so[i] = our_socket(AF_INET);
		our_setint(so[i], SOL_SOCKET, SO_REUSEADDR, 1);
		ck_assert_int_eq(our_bind(so[i], "0.0.0.0", 8000), 0);
	}
	ck_assert_int_eq(our_sendto(sender, "192.0.2.255", 8000), -EACCES);
	ck_assert_int_eq(our_sendto(sender, "255.255.255.255", 8000), -EACCES);
	ck_assert_int_eq(our_connect(sender, "192.0.2.255", 8000), -EACCES);
	our_setint(sender, SOL_SOCKET, SO_BROADCAST, 1);
	ck_assert_int_eq(our_sendto(sender, "192.0.2.255", 8000), 1);
	ck_assert_int_eq(our_drain(so[0]), 1);
	ck_assert_int_eq(our_drain(so[1]), 1);
	for (i = 0; i < 2; i++)
		socket_release(stack(), so[i], world->now);
	socket_release(stack(), sender, world->now);
	world_finish(world);
}

/* -- readiness ------------------------------------------------------------------------------- */

static struct socket *take(uint32_t *events)
{
	return stack_take_event(stack(), events);
}

TEST(events_come_first_in_first_out_and_once)
{
	struct socket *so[3], *sender;
	uint32_t events;
	unsigned int i;

	world = world_pair(6);
	sender = our_socket(AF_INET);
	for (i = 0; i < 3; i++) {
		so[i] = our_socket(AF_INET);
		ck_assert_int_eq(our_bind(so[i], "0.0.0.0", (uint16_t)(8000 + i)), 0);
		sock_raise(stack(), so[i]->sk, EPOLLIN);
	}
	sock_raise(stack(), so[0]->sk, EPOLLOUT);
	ck_assert_ptr_eq(take(&events), so[0]);
	ck_assert_uint_eq(events, EPOLLIN | EPOLLOUT);
	sock_raise(stack(), so[0]->sk, EPOLLERR);
	/* One that is closed while it waits is not handed out. */
	socket_release(stack(), so[1], world->now);
	ck_assert_ptr_eq(take(&events), so[2]);
	ck_assert_ptr_eq(take(&events), so[0]);
	ck_assert_uint_eq(events, EPOLLERR);
	ck_assert_ptr_null(take(&events));
	sock_raise(stack(), so[0]->sk, EPOLLIN);
	sock_raise(stack(), so[2]->sk, EPOLLIN);
	socket_release(stack(), so[2], world->now);
	sock_raise(stack(), sender->sk, EPOLLIN);
	ck_assert_ptr_eq(take(&events), so[0]);
	ck_assert_ptr_eq(take(&events), sender);
	ck_assert_ptr_null(take(&events));
	socket_release(stack(), so[0], world->now);
	socket_release(stack(), sender, world->now);
	world_finish(world);
}

/* A link that takes nothing for a while: the sender is held up, and told when it goes on. */
static uint16_t take_nothing(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)nif;
	(void)queue;
	(void)pkts;
	(void)n;
	return 0;
}

TEST(a_full_link_holds_up_the_sender_and_wakes_it)
{
	const struct netif_ops *ops;
	struct netif_ops stuck;
	struct netif *nif;
	uint32_t events, seen = 0;
	struct socket *so;
	unsigned int n = 0;
	ssize_t r = 1;

	world = world_pair(7);
	nif = world->nodes[0].nif;
	ops = nif->ops;
	stuck = *ops;
	stuck.tx_burst = take_nothing;
	so = our_socket(AF_INET);
	our_bind(so, "0.0.0.0", 8000);
	our_setint(so, SOL_IP, IP_RECVERR, 0);
	ck_assert_int_eq(our_sendto(so, "192.0.2.2", 9), 1); /* resolves the neighbour */
	nif->ops = &stuck;
	ck_assert(socket_poll(stack(), so) & EPOLLOUT);
	for (n = 0; n < 2 * STACK_TXQ && r == 1; n++) {
		struct sockaddr_storage ss;
		struct iovec iov = { (char[]){ 'x' }, 1 };
		struct msghdr msg = { .msg_name = &ss, .msg_iov = &iov, .msg_iovlen = 1 };

		msg.msg_namelen = make_address("192.0.2.2", 9, &ss);
		r = socket_sendmsg(stack(), so, &msg, 0, world->now);
	}
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_uint_lt(n, STACK_TXQ);
	ck_assert(!(socket_poll(stack(), so) & EPOLLOUT));
	while (take(&events) != NULL)
		;
	nif->ops = ops;
	stack_flush(stack(), world->now);
	while (take(&events) != NULL)
		seen |= events;
	ck_assert(seen & EPOLLOUT);
	ck_assert(socket_poll(stack(), so) & EPOLLOUT);
	ck_assert_uint_eq(stack()->mib.v[MIB_ETH_DROP_TXFULL], 0);
	world_run(world, 1000000);
	socket_release(stack(), so, world->now);
	world_finish(world);
}

/* -- recovery -------------------------------------------------------------------------------- */

/* Nothing linked is trusted: it may hold anything. */
static void wreck_tables(void)
{
	struct inet_tables *t = &stack()->inet;
	struct udp_sock *up;
	uint32_t i;

	memset(t->udp_hash2, 0x5a, (t->udp_mask + 1) * sizeof(t->udp_hash2[0]));
	for (i = 0; i < 65536; i++)
		memset(&t->ports[PORT_SPACE_UDP][i], 0x5a, sizeof(t->ports[0][0]));
	pool_for_each(&t->udp_socks, i, up) {
		up->dg.inet.hash2_next = (void *)0x5a5a;
		up->dg.inet.hash2_pprev = (void *)0x5a5a;
		up->dg.inet.port.next = (void *)0x5a5a;
		up->dg.inet.port.pprev = (void *)0x5a5a;
		up->dg.inet.mc_list = (void *)0x5a5a;
	}
	t->udp_socks.free_head = 12345;
}

TEST(after_recovery_sockets_are_found_and_only_the_one_in_hand_lost_its_queue)
{
	struct socket *a, *b, *c, *sender;
	unsigned int used;
	uint32_t events;

	world = world_pair(8);
	a = our_socket(AF_INET);
	b = our_socket(AF_INET);
	sender = our_socket(AF_INET);
	our_bind(a, "0.0.0.0", 8000);
	our_bind(b, "192.0.2.1", 8001);
	join(a, "239.1.2.3", IP_ADD_MEMBERSHIP);
	our_sendto(sender, "192.0.2.1", 8000);
	our_sendto(sender, "192.0.2.1", 8001);
	a->owner = b->owner = sender->owner = world;
	wreck_tables();
	stack()->in_hand = b->sk;
	used = stack()->inet.udp_socks.used;
	/* The queue of the sock in hand may be torn. */
	{
		struct rte_mbuf *m = pktq_pop(&dgram_sk(b->sk)->rxq);

		rte_pktmbuf_free(m);
		dgram_sk(b->sk)->rxq.head = (void *)0x5a5a;
	}
	stack_recover(stack(), world->now);
	/* The world would take the owners for its own. */
	a->owner = b->owner = sender->owner = NULL;
	while (stack_take_event(stack(), &events) != NULL)
		;
	ck_assert_uint_eq(stack()->inet.udp_socks.used, used);
	ck_assert_int_eq(our_drain(a), 1);
	ck_assert_int_eq(our_drain(b), 0);
	our_sendto(sender, "192.0.2.1", 8000);
	our_sendto(sender, "192.0.2.1", 8001);
	ck_assert_int_eq(our_drain(a), 1);
	ck_assert_int_eq(our_drain(b), 1);
	our_sendto(sender, "239.1.2.3", 8000);
	ck_assert_int_eq(our_drain(a), 1);
	c = our_socket(AF_INET);
	ck_assert_int_eq(our_bind(c, "0.0.0.0", 8000), -EADDRINUSE);
	socket_release(stack(), c, world->now);
	socket_release(stack(), a, world->now);
	c = our_socket(AF_INET);
	ck_assert_int_eq(our_bind(c, "0.0.0.0", 8000), 0);
	socket_release(stack(), c, world->now);
	socket_release(stack(), b, world->now);
	socket_release(stack(), sender, world->now);
	world_finish(world);
}

/* A sock whose socket was not attached yet, or detached already, goes. */
TEST(recovery_frees_a_sock_that_was_being_made)
{
	struct udp_sock *half;

	world = world_pair(9);
	half = pool_alloc(&stack()->inet.udp_socks);
	ck_assert_ptr_nonnull(half);
	stack()->in_hand = &half->dg.inet.sk;
	stack_recover(stack(), world->now);
	ck_assert_uint_eq(stack()->inet.udp_socks.used, 0);
	world_finish(world);
}

SIM_MAIN("udp-demux")
