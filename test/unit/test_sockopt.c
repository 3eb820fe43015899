/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sockopt.c - setsockopt(2) and getsockopt(2), the kernel's answers against ours.
 *
 * Every option of a table is set to every value of a list, in buffers of every length, on a
 * fresh socket of the kernel's and on one of the stack's, and read back in buffers of every
 * length.  Results, errnos, lengths and bytes must agree.  The kernel's sockets are never
 * bound nor connected, so nothing is sent.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <unistd.h>

#include "test/sim/sim.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

struct option {
	int level, name;
	const char *text;
	/* Socket kinds whose kernel needs a privilege or differs by design are left out. */
	unsigned int kinds;
	bool set; /* also try to set it */
};

enum { TCP4 = 1, TCP6 = 2, UDP4 = 4, UDP6 = 8, TCP = 3, UDP = 12, ALL = 15 };

static const struct kind {
	unsigned int bit;
	int domain, type;
	const char *text;
} kinds[] = {
	{ TCP4, AF_INET, SOCK_STREAM, "tcp4" },
	{ TCP6, AF_INET6, SOCK_STREAM, "tcp6" },
	{ UDP4, AF_INET, SOCK_DGRAM, "udp4" },
	{ UDP6, AF_INET6, SOCK_DGRAM, "udp6" },
};

#define O(level, name, kinds, set) { level, name, #name, kinds, set }
static const struct option options[] = {
	O(SOL_SOCKET, SO_DEBUG, ALL, false),
	O(SOL_SOCKET, SO_REUSEADDR, ALL, true),
	O(SOL_SOCKET, SO_REUSEPORT, ALL, true),
	O(SOL_SOCKET, SO_TYPE, ALL, true),
	O(SOL_SOCKET, SO_PROTOCOL, ALL, true),
	O(SOL_SOCKET, SO_DOMAIN, ALL, true),
	O(SOL_SOCKET, SO_ERROR, ALL, true),
	O(SOL_SOCKET, SO_ACCEPTCONN, ALL, true),
	O(SOL_SOCKET, SO_DONTROUTE, ALL, true),
	O(SOL_SOCKET, SO_BROADCAST, ALL, true),
	O(SOL_SOCKET, SO_KEEPALIVE, ALL, true),
	O(SOL_SOCKET, SO_OOBINLINE, ALL, true),
	O(SOL_SOCKET, SO_NO_CHECK, ALL, true),
	O(SOL_SOCKET, SO_LINGER, ALL, true),
	O(SOL_SOCKET, SO_RCVLOWAT, ALL, true),
	O(SOL_SOCKET, SO_SNDLOWAT, ALL, true),
	O(SOL_SOCKET, SO_TIMESTAMP, ALL, true),
	O(SOL_SOCKET, SO_TIMESTAMPNS, ALL, true),
	O(SOL_SOCKET, SO_RXQ_OVFL, ALL, true),
	O(SOL_SOCKET, SO_PEEK_OFF, ALL, true),
	O(SOL_SOCKET, SO_SELECT_ERR_QUEUE, ALL, true),
	O(SOL_SOCKET, SO_INCOMING_CPU, ALL, true),
	O(SOL_SOCKET, SO_ZEROCOPY, ALL, true),
	O(SOL_SOCKET, SO_MAX_PACING_RATE, ALL, true),
	O(SOL_SOCKET, SO_PEERCRED, ALL, false),
	O(SOL_SOCKET, SO_PEERNAME, ALL, false),
	O(SOL_SOCKET, SO_BINDTOIFINDEX, ALL, false),
	O(SOL_SOCKET, 9999, ALL, true),
	O(SOL_IP, IP_TOS, ALL, true),
	O(SOL_IP, IP_TTL, ALL, true),
	O(SOL_IP, IP_MINTTL, ALL, true),
	O(SOL_IP, IP_MTU, ALL, true),
	O(SOL_IP, IP_MTU_DISCOVER, ALL, true),
	O(SOL_IP, IP_PKTINFO, ALL, true),
	O(SOL_IP, IP_RECVTOS, ALL, true),
	O(SOL_IP, IP_RECVTTL, ALL, true),
	O(SOL_IP, IP_RECVERR, ALL, true),
	O(SOL_IP, IP_ORIGDSTADDR, ALL, true),
	O(SOL_IP, IP_FREEBIND, ALL, true),
	O(SOL_IP, IP_BIND_ADDRESS_NO_PORT, ALL, true),
	O(SOL_IP, IP_LOCAL_PORT_RANGE, ALL, true),
	O(SOL_IP, IP_MULTICAST_TTL, ALL, true),
	O(SOL_IP, IP_MULTICAST_LOOP, ALL, true),
	O(SOL_IP, IP_MULTICAST_ALL, ALL, true),
	O(SOL_IP, IP_MULTICAST_IF, ALL, false),
	O(SOL_IP, IP_ADD_MEMBERSHIP, UDP4, true),
	O(SOL_IP, IP_HDRINCL, ALL, true),
	O(SOL_IP, 9999, ALL, true),
	O(SOL_IPV6, IPV6_V6ONLY, ALL, true),
	O(SOL_IPV6, IPV6_UNICAST_HOPS, ALL, true),
	O(SOL_IPV6, IPV6_MULTICAST_HOPS, ALL, true),
	O(SOL_IPV6, IPV6_MULTICAST_LOOP, ALL, true),
	O(SOL_IPV6, IPV6_MULTICAST_ALL, ALL, true),
	O(SOL_IPV6, IPV6_MTU, ALL, false),
	O(SOL_IPV6, IPV6_MTU_DISCOVER, ALL, true),
	O(SOL_IPV6, IPV6_RECVERR, ALL, true),
	O(SOL_IPV6, IPV6_RECVPKTINFO, ALL, true),
	O(SOL_IPV6, IPV6_RECVHOPLIMIT, ALL, true),
	O(SOL_IPV6, IPV6_RECVTCLASS, ALL, true),
	O(SOL_IPV6, IPV6_TCLASS, ALL, true),
	O(SOL_IPV6, IPV6_DONTFRAG, ALL, true),
	O(SOL_IPV6, 9999, ALL, true),
	O(SOL_UDP, UDP_CORK, ALL & ~TCP, true),
	O(SOL_UDP, UDP_SEGMENT, ALL & ~TCP, true),
	O(SOL_UDP, UDP_GRO, ALL & ~TCP, true),
	O(SOL_UDP, 9999, UDP, true),
	O(SOL_TCP, TCP_NODELAY, UDP, true),
	O(SOL_RAW, 1, UDP, true),
	O(4242, 1, ALL, true),
};

static const int values[] = { INT_MIN, -2, -1, 0, 1, 2, 3, 5, 6, 7, 63, 64, 255, 256, 65535, 65536,
			      100000, INT_MAX };
static const socklen_t lens[] = { 0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 32 };

static struct world *world;
static unsigned int differences;

struct pair {
	int fd;
	struct socket *so;
};

static struct stack *stack(void)
{
	return world->nodes[0].st;
}

static struct pair pair_open(const struct kind *k)
{
	struct pair p;
	int err;

	p.fd = socket(k->domain, k->type, 0);
	ck_assert_msg(p.fd >= 0, "socket: %s", strerror(errno));
	err = socket_create(stack(), k->domain, k->type, 0, &p.so, world->now);
	ck_assert_int_eq(err, 0);
	return p;
}

static void pair_close(struct pair p)
{
	close(p.fd);
	socket_release(stack(), p.so, world->now);
}

static void differ(const struct kind *k, const struct option *o, const char *what, int val,
		   socklen_t len, long kernel, long ours)
{
	static const struct option *last;
	static const struct kind *last_kind;

	differences++;
	if (o != last || k != last_kind)
		fprintf(stderr, "%s level %d %s: %s value %d len %u: kernel %ld, ours %ld\n",
			k->text, o->level, o->text, what, val, len, kernel, ours);
	last = o;
	last_kind = k;
}

static void compare_get(const struct kind *k, const struct option *o, struct pair p, int val)
{
	uint8_t a[64], b[64];
	socklen_t la, lb;
	unsigned int i;
	int ra, rb;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		memset(a, 0xa5, sizeof(a));
		memset(b, 0xa5, sizeof(b));
		la = lb = lens[i];
		ra = getsockopt(p.fd, o->level, o->name, a, &la) < 0 ? -errno : 0;
		rb = socket_getsockopt(stack(), p.so, o->level, o->name, b, &lb, world->now);
		if (ra != rb)
			differ(k, o, "get", val, lens[i], ra, rb);
		else if (ra == 0 && la != lb)
			differ(k, o, "get length", val, lens[i], la, lb);
		else if (ra == 0 && memcmp(a, b, sizeof(a)) != 0)
			differ(k, o, "get bytes", val, lens[i], *(long *)a, *(long *)b);
	}
}

static void compare_set(const struct kind *k, const struct option *o, int val, socklen_t len)
{
	uint8_t buf[64] = { 0 };
	struct pair p = pair_open(k);
	int ra, rb;

	memcpy(buf, &val, sizeof(val));
	ra = setsockopt(p.fd, o->level, o->name, buf, len) < 0 ? -errno : 0;
	rb = socket_setsockopt(stack(), p.so, o->level, o->name, buf, len, world->now);
	if (ra != rb)
		differ(k, o, "set", val, len, ra, rb);
	else
		compare_get(k, o, p, val);
	pair_close(p);
}

static void compare(const struct kind *k, const struct option *o)
{
	struct pair p = pair_open(k);
	unsigned int i, j;

	compare_get(k, o, p, 0);
	pair_close(p);
	for (i = 0; o->set && i < sizeof(values) / sizeof(values[0]); i++)
		for (j = 0; j < sizeof(lens) / sizeof(lens[0]); j++)
			compare_set(k, o, values[i], lens[j]);
}

/* The machine's own limits, so that both clamp alike. */
static void tune(struct stack_config *cfg, void *arg)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_rmem", "r");

	(void)arg;
	ck_assert(f != NULL);
	ck_assert_int_eq(fscanf(f, "%u %u %u", &cfg->rmem[0], &cfg->rmem[1], &cfg->rmem[2]), 3);
	fclose(f);
}

TEST(every_option_value_and_length_gets_the_kernels_answer)
{
	unsigned int i, j;

	world = world_pair_tuned(1, 0, tune, NULL);
	differences = 0;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (j = 0; j < sizeof(options) / sizeof(options[0]); j++)
			if ((options[j].kinds & kinds[i].bit) != 0)
				compare(&kinds[i], &options[j]);
	world_finish(world);
	ck_assert_uint_eq(differences, 0);
}

SIM_MAIN("sockopt")
