/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dgram_script.h - datagram sockets in a script (script.h), in both families.
 *
 *	c = udp_bound(PORT);
 *	peer_udp(1234, PORT, "abc", 3);
 *	recv_is(c, "abc");
 *	s = expect_udp(PORT, 1234, 3);		what the stack sent, looked at until the next expect
 */
#ifndef TEST_SIM_DGRAM_SCRIPT_H
#define TEST_SIM_DGRAM_SCRIPT_H

#include <netinet/icmp6.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include <linux/errqueue.h>

#include "stack/core/mib.h"
#include "test/sim/sim.h"
#include "test/wire/pattern.h"
#include "test/wire/script.h"

#define PORT_A 5000
#define PORT_B 6000

/* 0.0.0.0 or :: */
static inline struct ipaddr any_addr(void)
{
	return world_v6 ? (struct ipaddr){ .q = { 0, 0 } } : ipaddr_from_v4(0);
}

static inline uint64_t mib_of(const struct node *n, unsigned int which)
{
	return stack_mib(n->st, which);
}

static inline int ip_level(void)
{
	return world_v6 ? SOL_IPV6 : SOL_IP;
}

/* An option that has one name in each family. */
static inline void set_ip(struct conn *c, int name4, int name6, int value)
{
	script_check(conn_setint(c, ip_level(), world_v6 ? name6 : name4, value), 0, "setsockopt");
}

static inline struct conn *socket_of(struct node *n, int type, int proto4, int proto6)
{
	int err;
	struct conn *c = conn_socket_proto(n, type, world_v6 ? proto6 : proto4, &err);

	script_check(err, 0, "socket");
	return c;
}

static inline struct conn *udp_on(struct node *n, uint16_t port)
{
	struct conn *c = conn_socket(n, SOCK_DGRAM);
	struct ipaddr any = any_addr();

	if (port != 0)
		script_check(conn_bind(c, &any, port), 0, "bind");
	return c;
}

/* On the script's stack; port 0: not bound yet. */
static inline struct conn *udp_bound(uint16_t port)
{
	return udp_on(S.node, port);
}

static inline void send_to_peer(struct conn *c, const void *data, size_t n, int64_t want)
{
	script_check(script_after(conn_sendto(c, data, n, &S.peer_addr, PORT_A)), want, "sendto");
}

static inline void app_error_of(struct conn *c, int want)
{
	script_check(conn_take_error(c), want, "SO_ERROR");
}

static inline void recv_len(struct conn *c, int64_t want)
{
	static uint8_t buf[FRAME_MAX];
	struct ipaddr from;
	uint16_t port;

	script_check(conn_recvfrom(c, buf, sizeof(buf), want >= 0 ? &from : NULL, &port, 0), want,
		     "recvfrom");
}

static inline void recv_nothing(struct conn *c)
{
	recv_len(c, -EAGAIN);
}

static inline void recv_is(struct conn *c, const char *text)
{
	struct ipaddr from;
	char buf[200];
	uint16_t port;

	script_check(conn_recvfrom(c, buf, sizeof(buf), &from, &port, 0), strlen(text), "recvfrom");
	must(memcmp(buf, text, strlen(text)) == 0, "received \"%.*s\", not \"%s\"",
	     (int)strlen(text), buf, text);
}

static inline void peer_udp(uint16_t sport, uint16_t dport, const void *data, size_t n)
{
	static uint8_t buf[FRAME_MAX];

	script_peer_frame(buf, frame_build_udp(buf, &S.path, sport, dport, data, n));
}

/* The next frame from the stack; NULL if there is none.  Its bytes live until the next call. */
static inline const struct script_seen *next_seen(void)
{
	static struct script_seen s;

	free(s.bytes);
	s.bytes = NULL;
	(void)script_after(0);
	return script_next(&s) ? &s : NULL;
}

static inline const struct script_seen *expect_udp_at(uint16_t sport, uint16_t dport, int64_t len,
						      const char *file, int line)
{
	const struct script_seen *s = next_seen();

	if (s == NULL)
		fail_at(file, line, "expected UDP, but nothing was sent");
	if (!s->info.is_udp)
		fail_at(file, line, "expected UDP, the stack sent something else");
	script_equal(s->info.sport, sport, "source port", file, line);
	script_equal(s->info.dport, dport, "destination port", file, line);
	script_equal(s->info.len, len, "length", file, line);
	return s;
}
#define expect_udp(sport, dport, len) expect_udp_at(sport, dport, len, __FILE__, __LINE__)

/* An ICMP message by its IPv4 or IPv6 type and code. */
static inline const struct script_seen *expect_icmp_at(int type4, int code4, int type6, int code6,
						       const char *file, int line)
{
	const struct script_seen *s = next_seen();

	if (s == NULL)
		fail_at(file, line, "expected ICMP, but nothing was sent");
	if (!s->info.is_icmp && !s->info.is_icmp6)
		fail_at(file, line, "expected ICMP, the stack sent something else");
	script_equal(s->info.icmp_type, world_v6 ? type6 : type4, "type", file, line);
	script_equal(s->info.icmp_code, world_v6 ? code6 : code4, "code", file, line);
	return s;
}
#define expect_icmp_46(t4, c4, t6, c6) expect_icmp_at(t4, c4, t6, c6, __FILE__, __LINE__)

/* The next entry of the error queue; what it says, its software time stamp, and its bytes of payload. */
static inline ssize_t read_stamped_error(struct conn *c, struct sock_extended_err *ee, struct ipaddr *offender,
					 uint64_t *stamp, char *data, size_t room)
{
	char control[512];
	struct sockaddr_storage name;
	struct iovec iov = { data, room };
	struct msghdr msg = { .msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &iov,
			      .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = socket_recvmsg(c->node->st, c->so, &msg, MSG_ERRQUEUE, c->world->now);
	struct cmsghdr *cm;
	struct endpoint ep;

	if (n < 0)
		return n;
	*stamp = 0;
	for (cm = CMSG_FIRSTHDR(&msg); cm != NULL; cm = CMSG_NXTHDR(&msg, cm)) {
		if (cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SO_TIMESTAMPING) {
			struct timespec ts;

			memcpy(&ts, CMSG_DATA(cm), sizeof(ts));
			*stamp = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
		}
		if (cm->cmsg_level == ip_level() &&
		    cm->cmsg_type == (world_v6 ? IPV6_RECVERR : IP_RECVERR))
			break;
	}
	must(cm != NULL && (msg.msg_flags & MSG_ERRQUEUE) != 0, "no extended error");
	memcpy(ee, CMSG_DATA(cm), sizeof(*ee));
	memset(offender, 0, sizeof(*offender));
	if (endpoint_from_sockaddr(&ep, (struct sockaddr *)(CMSG_DATA(cm) + sizeof(*ee)),
				   sizeof(struct sockaddr_in6)) == 0)
		*offender = ep.addr;
	return n;
}

static inline ssize_t read_error(struct conn *c, struct sock_extended_err *ee, struct ipaddr *offender, char *data,
				 size_t room)
{
	uint64_t stamp;

	return read_stamped_error(c, ee, offender, &stamp, data, room);
}

#endif
