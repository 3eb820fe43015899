/* SPDX-License-Identifier: BSD-3-Clause */
/* test_raw_sock.c - ping sockets and raw sockets: what ping and traceroute need. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/ip.h>

#include "stack/inet/filter.h"
#include "stack/inet/raw.h"
#include "test/sim/sim.h"

static struct world *world;

static struct stack *stack(void)
{
	return world->nodes[0].st;
}

static struct socket *open_socket(int type, int protocol)
{
	struct socket *so;

	ck_assert_int_eq(socket_create(stack(), AF_INET, type, protocol, &so, world->now), 0);
	return so;
}

static ssize_t send_to(struct socket *so, const void *buf, size_t n, const char *to, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct iovec iov = { (void *)(uintptr_t)buf, n };
	struct msghdr msg = { .msg_name = &sin, .msg_namelen = sizeof(sin), .msg_iov = &iov,
			      .msg_iovlen = 1 };
	ssize_t r;

	inet_pton(AF_INET, to, &sin.sin_addr);
	r = socket_sendmsg(stack(), so, &msg, 0, world->now);
	stack_flush(stack(), world->now);
	world_run(world, 10 * MS);
	return r;
}

static ssize_t recv_from(struct socket *so, void *buf, size_t n, struct sockaddr_in *from)
{
	struct iovec iov = { buf, n };
	struct msghdr msg = { .msg_name = from, .msg_namelen = sizeof(*from), .msg_iov = &iov,
			      .msg_iovlen = 1 };

	return socket_recvmsg(stack(), so, &msg, 0, world->now);
}

static struct icmphdr echo_request(uint16_t id, uint16_t seq)
{
	struct icmphdr h = { .type = ICMP_ECHO, .un.echo = { htons(id), htons(seq) } };

	return h;
}

TEST(a_ping_socket_gets_its_own_replies)
{
	struct socket *a, *b;
	struct icmphdr h = echo_request(4711, 1), reply;
	struct sockaddr_in from;
	char buf[100];

	world = world_pair(1);
	a = open_socket(SOCK_DGRAM, IPPROTO_ICMP);
	b = open_socket(SOCK_DGRAM, IPPROTO_ICMP);
	ck_assert_int_eq(send_to(b, &h, 4, "192.0.2.2", 0), -EINVAL);
	ck_assert_int_eq(send_to(a, &h, sizeof(h), "192.0.2.2", 0), sizeof(h));
	ck_assert_int_eq(recv_from(b, buf, sizeof(buf), &from), -EAGAIN);
	ck_assert_int_eq(recv_from(a, &reply, sizeof(reply), &from), sizeof(reply));
	ck_assert_int_eq(reply.type, ICMP_ECHOREPLY);
	ck_assert_int_eq(ntohs(reply.un.echo.sequence), 1);
	/* The identifier is the socket's, whatever the program wrote. */
	ck_assert_int_eq(ntohs(reply.un.echo.id), inet_sk(a->sk)->local.port);
	ck_assert_int_eq(from.sin_addr.s_addr, inet_addr("192.0.2.2"));
	ck_assert_int_eq(from.sin_port, 0);
	h.type = ICMP_ECHOREPLY;
	ck_assert_int_eq(send_to(a, &h, sizeof(h), "192.0.2.2", 0), -EINVAL);
	socket_release(stack(), a, world->now);
	socket_release(stack(), b, world->now);
	world_finish(world);
}

/* As on Linux, where SO_REUSEADDR is on of them from the beginning. */
TEST(ping_sockets_share_an_identifier_unless_one_forbids_it)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(77) };
	struct socket *a, *b, *c;
	int off = 0;

	world = world_pair(2);
	a = open_socket(SOCK_DGRAM, IPPROTO_ICMP);
	b = open_socket(SOCK_DGRAM, IPPROTO_ICMP);
	c = open_socket(SOCK_DGRAM, IPPROTO_ICMP);
	ck_assert_int_eq(socket_bind(stack(), a, (struct sockaddr *)&sin, sizeof(sin), 0), 0);
	ck_assert_int_eq(socket_bind(stack(), c, (struct sockaddr *)&sin, sizeof(sin), 0), 0);
	socket_release(stack(), c, world->now);
	ck_assert_int_eq(socket_setsockopt(stack(), b, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off), 0), 0);
	ck_assert_int_eq(socket_bind(stack(), b, (struct sockaddr *)&sin, sizeof(sin), 0), -EADDRINUSE);
	socket_release(stack(), a, world->now);
	ck_assert_int_eq(socket_bind(stack(), b, (struct sockaddr *)&sin, sizeof(sin), 0), 0);
	socket_release(stack(), b, world->now);
	world_finish(world);
}

/* As the ICMP checksum is the program's business on a raw socket. */
static void icmp_fill_checksum(struct icmphdr *h)
{
	const uint16_t *w = (const uint16_t *)h;
	uint32_t sum = 0;
	unsigned int i;

	h->checksum = 0;
	for (i = 0; i < sizeof(*h) / 2; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	h->checksum = (uint16_t)~(sum + (sum >> 16));
}

/* Keep five bytes of what has type at the socket's byte number off. */
static void attach_type_filter(struct socket *so, uint32_t off, uint32_t type)
{
	struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, off),
				      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, type, 0, 1),
				      BPF_STMT(BPF_RET | BPF_K, off + 5), BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog prog = { .len = 4, .filter = code };

	ck_assert_int_eq(socket_setsockopt(stack(), so, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
					   sizeof(prog), world->now), 0);
}

static void keep(struct socket *so, uint32_t n)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, n) };
	struct sock_fprog prog = { .len = 1, .filter = code };

	ck_assert_int_eq(socket_setsockopt(stack(), so, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
					   sizeof(prog), world->now), 0);
}

/* As on Linux: a raw IPv4 socket's filter sees the IP header, a ping socket's does not. */
TEST(filters_of_raw_and_ping_sockets_begin_where_the_packets_do)
{
	struct icmphdr h = echo_request(9, 3);
	struct socket *raw, *ping;
	struct sockaddr_in from;
	char buf[100];

	world = world_pair(4);
	raw = open_socket(SOCK_RAW, IPPROTO_ICMP);
	ping = open_socket(SOCK_DGRAM, IPPROTO_ICMP);
	attach_type_filter(raw, sizeof(struct iphdr), ICMP_ECHOREPLY);
	attach_type_filter(ping, 0, ICMP_ECHOREPLY);
	ck_assert_int_eq(send_to(ping, &h, sizeof(h), "192.0.2.2", 0), sizeof(h));
	ck_assert_int_eq(recv_from(ping, buf, sizeof(buf), &from), 5);
	ck_assert_int_eq(recv_from(raw, buf, sizeof(buf), &from), (int)sizeof(struct iphdr) + 5);
	/* However little is left of it, it is known whose it was. */
	keep(raw, 1);
	ck_assert_int_eq(send_to(ping, &h, sizeof(h), "192.0.2.2", 0), sizeof(h));
	from.sin_addr.s_addr = 0;
	ck_assert_int_eq(recv_from(raw, buf, sizeof(buf), &from), 1);
	ck_assert_int_eq(from.sin_addr.s_addr, inet_addr("192.0.2.2"));
	ck_assert_int_eq(recv_from(ping, buf, sizeof(buf), &from), 5);
	attach_type_filter(raw, sizeof(struct iphdr), ICMP_ECHO);
	attach_type_filter(ping, 0, ICMP_ECHO);
	ck_assert_int_eq(send_to(ping, &h, sizeof(h), "192.0.2.2", 0), sizeof(h));
	ck_assert_int_eq(recv_from(ping, buf, sizeof(buf), &from), -EAGAIN);
	ck_assert_int_eq(recv_from(raw, buf, sizeof(buf), &from), -EAGAIN);
	socket_release(stack(), raw, world->now);
	socket_release(stack(), ping, world->now);
	ck_assert_uint_eq(stack()->inet.filters.used, 0);
	world_finish(world);
}

TEST(a_raw_icmp_socket_sees_whole_packets_and_filters_types)
{
	struct socket *a, *u;
	struct icmphdr h = echo_request(9, 3);
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
	} pkt;
	struct sockaddr_in from;
	uint32_t filter;

	world = world_pair(3);
	a = open_socket(SOCK_RAW, IPPROTO_ICMP);
	u = open_socket(SOCK_RAW, IPPROTO_UDP);
	icmp_fill_checksum(&h);
	ck_assert_int_eq(send_to(a, &h, sizeof(h), "192.0.2.2", 0), sizeof(h));
	ck_assert_int_eq(recv_from(a, &pkt, sizeof(pkt), &from), sizeof(pkt));
	ck_assert_int_eq(pkt.ip.version, 4);
	ck_assert_int_eq(ntohs(pkt.ip.tot_len), sizeof(pkt));
	ck_assert_int_eq(pkt.icmp.type, ICMP_ECHOREPLY);
	ck_assert_int_eq(ntohs(pkt.icmp.un.echo.id), 9);
	ck_assert_int_eq(recv_from(a, &pkt, sizeof(pkt), &from), -EAGAIN);
	filter = 1u << ICMP_ECHOREPLY;
	ck_assert_int_eq(socket_setsockopt(stack(), a, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter),
					   world->now), 0);
	send_to(a, &h, sizeof(h), "192.0.2.2", 0);
	ck_assert_int_eq(recv_from(a, &pkt, sizeof(pkt), &from), -EAGAIN);
	ck_assert_int_eq(recv_from(u, &pkt, sizeof(pkt), &from), -EAGAIN);
	socket_release(stack(), a, world->now);
	socket_release(stack(), u, world->now);
	world_finish(world);
}

TEST(ip_hdrincl_sends_the_programs_header)
{
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
	} pkt = { .ip = { .version = 4, .ihl = 5, .ttl = 33, .tos = 8, .protocol = IPPROTO_ICMP } }, got;
	struct socket *tx, *rx;
	struct sockaddr_in from;

	world = world_pair(4);
	tx = open_socket(SOCK_RAW, IPPROTO_RAW);
	rx = open_socket(SOCK_RAW, IPPROTO_ICMP);
	inet_pton(AF_INET, "192.0.2.2", &pkt.ip.daddr);
	pkt.icmp = echo_request(5, 6);
	icmp_fill_checksum(&pkt.icmp);
	ck_assert_int_eq(send_to(tx, &pkt, sizeof(pkt), "192.0.2.2", 0), sizeof(pkt));
	ck_assert_int_eq(recv_from(rx, &got, sizeof(got), &from), sizeof(got));
	ck_assert_int_eq(ntohs(got.icmp.un.echo.id), 5);
	ck_assert_int_eq(send_to(tx, &pkt, 10, "192.0.2.2", 0), -EINVAL);
	pkt.ip.ihl = 15;
	ck_assert_int_eq(send_to(tx, &pkt, sizeof(pkt), "192.0.2.2", 0), -EINVAL);
	socket_release(stack(), tx, world->now);
	socket_release(stack(), rx, world->now);
	world_finish(world);
}

/* traceroute: a UDP socket with IP_RECVERR hears who answered. */
TEST(the_error_queue_names_who_sent_the_icmp_message)
{
	char control[200], buf[100];
	struct sockaddr_in name, *offender;
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &iov,
			      .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct sock_extended_err *ee;
	struct socket *so;
	int one = 1;

	world = world_pair(5);
	so = open_socket(SOCK_DGRAM, 0);
	socket_setsockopt(stack(), so, SOL_IP, IP_RECVERR, &one, sizeof(one), world->now);
	ck_assert_int_eq(send_to(so, "probe", 5, "192.0.2.2", 33434), 5);
	ck_assert(socket_poll(stack(), so) & EPOLLERR);
	ck_assert_int_eq(socket_recvmsg(stack(), so, &msg, MSG_ERRQUEUE, world->now), 5);
	ck_assert_mem_eq(buf, "probe", 5);
	ck_assert_int_eq(ntohs(name.sin_port), 33434);
	ee = (struct sock_extended_err *)CMSG_DATA(CMSG_FIRSTHDR(&msg));
	ck_assert_int_eq(ee->ee_origin, SO_EE_ORIGIN_ICMP);
	ck_assert_int_eq(ee->ee_errno, ECONNREFUSED);
	offender = (struct sockaddr_in *)SO_EE_OFFENDER(ee);
	ck_assert_int_eq(offender->sin_addr.s_addr, inet_addr("192.0.2.2"));
	socket_release(stack(), so, world->now);
	world_finish(world);
}

/* traceroute -T and -I: the answer to a probe is an error, and must not swallow the next probe. */
TEST(a_pending_error_fails_a_send_only_with_the_callers_own_header)
{
	struct {
		struct iphdr ip;
		uint16_t udp[4];
	} pkt = { .ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP },
		  .udp = { htons(4000), htons(9), htons(8), 0 } };
	struct socket *so;
	int one = 1;

	world = world_pair(5);
	pkt.ip.daddr = inet_addr("192.0.2.2");
	so = open_socket(SOCK_RAW, IPPROTO_UDP);
	socket_setsockopt(stack(), so, SOL_IP, IP_RECVERR, &one, sizeof(one), world->now);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(send_to(so, pkt.udp, sizeof(pkt.udp), "192.0.2.2", 0),
				 sizeof(pkt.udp));
	ck_assert(socket_poll(stack(), so) & EPOLLERR);
	socket_setsockopt(stack(), so, SOL_IP, IP_HDRINCL, &one, sizeof(one), world->now);
	ck_assert_int_eq(send_to(so, &pkt, sizeof(pkt), "192.0.2.2", 0), -ECONNREFUSED);
	ck_assert_int_eq(send_to(so, &pkt, sizeof(pkt), "192.0.2.2", 0), sizeof(pkt));
	socket_release(stack(), so, world->now);
	world_finish(world);
}

TEST(the_checksum_option_of_ipv6_exists_at_the_raw_level)
{
	struct socket *so;
	int val = 2;
	socklen_t len = sizeof(val);

	world = world_pair(6);
	ck_assert_int_eq(socket_create(stack(), AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, &so, world->now), 0);
	ck_assert_int_eq(socket_setsockopt(stack(), so, SOL_RAW, IPV6_CHECKSUM, &val, sizeof(val),
					   world->now), 0);
	/* RFC 3542 3.1 wants an error; Linux gives it at the level of IPv6 alone. */
	ck_assert_int_eq(socket_setsockopt(stack(), so, SOL_IPV6, IPV6_CHECKSUM, &val, sizeof(val),
					   world->now), -EINVAL);
	val = 3;
	ck_assert_int_eq(socket_setsockopt(stack(), so, SOL_RAW, IPV6_CHECKSUM, &val, sizeof(val),
					   world->now), -EINVAL);
	ck_assert_int_eq(socket_setsockopt(stack(), so, SOL_RAW, IPV6_CHECKSUM, &val, 2, world->now),
			 -EINVAL);
	ck_assert_int_eq(socket_getsockopt(stack(), so, SOL_RAW, IPV6_CHECKSUM, &val, &len, world->now),
			 0);
	ck_assert_int_eq(val, 2);
	ck_assert_int_eq(socket_setsockopt(stack(), so, SOL_RAW, ICMP_FILTER, &val, sizeof(val),
					   world->now), -ENOPROTOOPT);
	socket_release(stack(), so, world->now);
	world_finish(world);
}

SIM_MAIN("raw")
