/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * socket.c - the socket calls, on top of the protocols' proto_ops.
 *
 * What is common to all protocols is done here, in the order in which Linux does it, so
 * that the first of several errors is the same one: address length and family, state of
 * the socket, then the protocol.
 */
#include "stack/socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

#include "stack/core/stack_priv.h"
#include "stack/inet/inet_priv.h"
#include "stack/inet/sock.h"

/* sk->state, as far as this file needs it: the numbers of enum tcp_state. */
#define STATE_CLOSED 0
#define STATE_ESTABLISHED 1
#define STATE_SYN_SENT 2
#define STATE_SYN_RECV 3

#define SIN6_LEN_RFC2133 24 /* sockaddr_in6 without sin6_scope_id */
#define SOCK_TYPE_MAX 11

static const struct inet_switch {
	uint8_t domain; /* 0: both */
	uint8_t type;
	uint8_t protocol; /* 0: any but 0 */
	const struct proto_ops *ops;
} inetsw[] = {
	{ 0, SOCK_STREAM, IPPROTO_TCP, &inet_stream_ops },
	{ 0, SOCK_DGRAM, IPPROTO_UDP, &inet_dgram_ops },
	{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP, &inet_ping_ops },
	{ AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, &inet_ping_ops },
	{ 0, SOCK_RAW, 0, &inet_raw_ops },
};

/* As inet_create() looks: protocol 0 means the first of its type; raw needs a protocol. */
static int inetsw_find(int domain, int type, int *protocol, const struct proto_ops **ops)
{
	const struct inet_switch *sw, *end = inetsw + sizeof(inetsw) / sizeof(inetsw[0]);
	int err = -ESOCKTNOSUPPORT;

	for (sw = inetsw; sw < end; sw++) {
		if (sw->type != type || (sw->domain != 0 && sw->domain != domain))
			continue;
		err = -EPROTONOSUPPORT;
		if (sw->protocol == 0 ? *protocol == 0 :
					*protocol != 0 && *protocol != sw->protocol)
			continue;
		if (*protocol == 0)
			*protocol = sw->protocol;
		*ops = sw->ops;
		return 0;
	}
	return err;
}

int socket_create(struct stack *st, int domain, int type, int protocol, struct socket **out,
		  uint64_t now)
{
	const struct proto_ops *ops = NULL;
	struct socket *so;
	struct sock *sk;
	int err;

	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	if (type < 0 || type >= SOCK_TYPE_MAX || protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	err = inetsw_find(domain, type, &protocol, &ops);
	if (err < 0)
		return err;
	so = pool_alloc(&st->sockets);
	if (so == NULL)
		return -ENFILE;
	sk = ops->alloc(st, domain, protocol, now);
	if (sk == NULL) {
		pool_free(&st->sockets, so);
		return -ENOBUFS;
	}
	so->ops = ops;
	so->state = SS_UNCONNECTED;
	so->type = (uint8_t)type;
	so->domain = (uint8_t)domain;
	so->protocol = (uint8_t)protocol;
	so->sk = sk;
	sk->socket = so;
	*out = so;
	return 0;
}

void socket_release(struct stack *st, struct socket *so, uint64_t now)
{
	struct sock *sk = so->sk;

	st->in_hand = sk;
	sock_forget_events(st, so);
	if (sk != NULL) {
		so->sk = NULL;
		mcast_leave_all(st, inet_sk(sk), now);
		sk->socket = NULL;
		sk->flags |= SOCK_F_DEAD;
		so->ops->release(st, sk, now);
	}
	so->state = SS_FREE;
	pool_free(&st->sockets, so);
}

/* -- addresses --------------------------------------------------------------------- */

static sa_family_t family_of(const struct sockaddr *sa)
{
	sa_family_t family;

	memcpy(&family, sa, sizeof(family));
	return family;
}

int sockaddr_to_endpoint(const struct sock *sk, const struct sockaddr *sa, socklen_t len,
			 struct endpoint *ep)
{
	bool datagram6 = sk->domain == AF_INET6 && sk->type != SOCK_STREAM;

	if (len < (socklen_t)sizeof(sa_family_t))
		return -EINVAL;
	if (sk->domain == AF_INET || (datagram6 && family_of(sa) == AF_INET)) {
		if (sk->domain == AF_INET6 && (sk->flags & SOCK_F_V6ONLY) != 0)
			return -EAFNOSUPPORT;
		if (len < (socklen_t)sizeof(struct sockaddr_in))
			return -EINVAL;
		if (family_of(sa) != AF_INET)
			return -EAFNOSUPPORT;
	} else {
		if (len < SIN6_LEN_RFC2133)
			return -EINVAL;
		if (family_of(sa) != AF_INET6)
			return -EAFNOSUPPORT;
	}
	endpoint_from_sockaddr(ep, sa, len);
	if (sk->domain == AF_INET6 && (sk->flags & SOCK_F_V6ONLY) != 0 && ipaddr_is_v4(&ep->addr))
		return -ENETUNREACH;
	return 0;
}

/* bind(2) of an AF_INET socket takes AF_UNSPEC for 0.0.0.0: old programs leave the family out. */
static int bind_endpoint(const struct sock *sk, const struct sockaddr *sa, socklen_t len,
			 struct endpoint *ep)
{
	struct sockaddr_in sin;

	if (sk->domain == AF_INET) {
		if (len < (socklen_t)sizeof(sin))
			return -EINVAL;
		memcpy(&sin, sa, sizeof(sin));
		if (sin.sin_family != AF_INET &&
		    (sin.sin_family != AF_UNSPEC || sin.sin_addr.s_addr != htonl(INADDR_ANY)))
			return -EAFNOSUPPORT;
		sin.sin_family = AF_INET;
		return endpoint_from_sockaddr(ep, (const struct sockaddr *)&sin, sizeof(sin));
	}
	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	if (family_of(sa) != AF_INET6)
		return -EAFNOSUPPORT;
	return endpoint_from_sockaddr(ep, sa, len);
}

/* May a socket be bound to addr?  As __inet_bind() and __inet6_bind(). */
int inet_bind_addr_check(struct stack *st, const struct sock *sk, const struct ipaddr *addr)
{
	bool nonlocal = (sk->flags & (SOCK_F_FREEBIND | SOCK_F_TRANSPARENT)) != 0;

	if (sk->domain == AF_INET6) {
		if (!ipaddr_is_v4(addr) && ipaddr_is_multicast(addr))
			return sk->type == SOCK_STREAM ? -EINVAL : 0;
		if (ipaddr_is_v4(addr) && (sk->flags & SOCK_F_V6ONLY) != 0)
			return -EINVAL;
	}
	if (ipaddr_is_any(addr) || nonlocal || ip_addr_is_ours(st, addr))
		return 0;
	if (ipaddr_is_v4(addr) &&
	    (ipaddr_is_multicast(addr) || ip_addr_is_broadcast(st, addr)))
		return 0;
	return -EADDRNOTAVAIL;
}

int socket_bind(struct stack *st, struct socket *so, const struct sockaddr *sa, socklen_t len,
		uint64_t now)
{
	struct sock *sk = so->sk;
	struct endpoint ep;
	int err;

	st->in_hand = sk;
	err = bind_endpoint(sk, sa, len, &ep);
	if (err < 0)
		return err;
	err = inet_bind_addr_check(st, sk, &ep.addr);
	if (err < 0)
		return err;
	if (so->type != SOCK_RAW &&
	    (sk->state != STATE_CLOSED || (inet_sk(sk)->bound & (BOUND_HASHED | BOUND_ADDR)) != 0))
		return -EINVAL;
	return so->ops->bind(st, sk, &ep, now);
}

void socket_unbind(struct stack *st, struct socket *so, uint64_t now)
{
	st->in_hand = so->sk;
	so->ops->unbind(st, so->sk, now);
}

/* -- connections ------------------------------------------------------------------- */

/* As __inet_stream_connect(): so->state is the program's view, sk->state the protocol's. */
static int stream_connect(struct stack *st, struct socket *so, const struct endpoint *ep,
			  uint64_t now)
{
	struct sock *sk = so->sk;
	int err;

	switch (so->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		if (sk->flags & SOCK_F_DEFER_CONNECT)
			return -EISCONN;
		if (sk->state == STATE_SYN_SENT || sk->state == STATE_SYN_RECV)
			return -EALREADY;
		break;
	case SS_UNCONNECTED:
		if (sk->state != STATE_CLOSED)
			return -EISCONN;
		err = so->ops->connect(st, so, ep, now);
		if (err < 0 && err != -EINPROGRESS)
			return err;
		so->state = SS_CONNECTING;
		/* TCP_FASTOPEN_CONNECT: "connect() will return immediately", the first write connects. */
		if (sk->flags & SOCK_F_DEFER_CONNECT)
			return 0;
		if (sk->state == STATE_SYN_SENT || sk->state == STATE_SYN_RECV)
			return -EINPROGRESS;
		break;
	default:
		return -EINVAL;
	}
	if (sk->state == STATE_CLOSED) {
		err = sock_take_error(sk);
		so->ops->connect(st, so, NULL, now);
		so->state = SS_UNCONNECTED;
		return err != 0 ? -err : -ECONNABORTED;
	}
	so->state = SS_CONNECTED;
	return 0;
}

int socket_connect(struct stack *st, struct socket *so, const struct sockaddr *sa, socklen_t len,
		   uint64_t now)
{
	struct endpoint ep;
	int err;

	st->in_hand = so->sk;
	if (len < (socklen_t)sizeof(sa_family_t))
		return -EINVAL;
	if (family_of(sa) == AF_UNSPEC) {
		err = so->ops->connect(st, so, NULL, now);
		so->state = err < 0 ? SS_DISCONNECTING : SS_UNCONNECTED;
		return err;
	}
	/* A state that already decides comes before the address is looked at. */
	if (so->type == SOCK_STREAM && so->state != SS_UNCONNECTED)
		return stream_connect(st, so, NULL, now);
	if (so->type == SOCK_STREAM && so->sk->state != STATE_CLOSED)
		return -EISCONN;
	err = sockaddr_to_endpoint(so->sk, sa, len, &ep);
	if (err < 0)
		return err;
	if (so->type == SOCK_STREAM)
		return stream_connect(st, so, &ep, now);
	return so->ops->connect(st, so, &ep, now);
}

int socket_listen(struct stack *st, struct socket *so, int backlog, uint64_t now)
{
	st->in_hand = so->sk;
	if (so->ops->listen == NULL)
		return -EOPNOTSUPP;
	if (so->state != SS_UNCONNECTED)
		return -EINVAL;
	return so->ops->listen(st, so, backlog, now);
}

int socket_accept(struct stack *st, struct socket *so, struct socket **out, uint64_t now)
{
	struct socket *new;
	struct sock *sk = NULL;
	int err;

	st->in_hand = so->sk;
	if (so->ops->accept == NULL)
		return -EOPNOTSUPP;
	new = pool_alloc(&st->sockets);
	if (new == NULL)
		return -ENFILE;
	err = so->ops->accept(st, so, &sk, now);
	if (err < 0) {
		pool_free(&st->sockets, new);
		return err;
	}
	new->ops = so->ops;
	new->state = SS_CONNECTED;
	new->type = so->type;
	new->domain = so->domain;
	new->protocol = so->protocol;
	new->sk = sk;
	sk->socket = new;
	*out = new;
	return 0;
}

int socket_shutdown(struct stack *st, struct socket *so, int how, uint64_t now)
{
	struct sock *sk = so->sk;
	int err;

	st->in_hand = sk;
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	if (so->state == SS_CONNECTING) {
		if (sk->state == STATE_SYN_SENT || sk->state == STATE_SYN_RECV ||
		    sk->state == STATE_CLOSED)
			so->state = SS_DISCONNECTING;
		else
			so->state = SS_CONNECTED;
	}
	err = so->ops->shutdown(st, so, how, now);
	/* A connection attempt was given up: the socket may connect again. */
	if (so->state == SS_DISCONNECTING && sk->state == STATE_CLOSED)
		so->state = SS_UNCONNECTED;
	return err;
}

int socket_getname(struct stack *st, struct socket *so, struct sockaddr *sa, socklen_t *len,
		   bool peer)
{
	struct endpoint ep;
	int err;

	if ((int)*len < 0)
		return -EINVAL;
	err = so->ops->getname(st, so->sk, &ep, peer);
	if (err < 0)
		return err;
	endpoint_to_sockaddr(&ep, so->domain, sa, len);
	return 0;
}

void socket_accepted_name(const struct socket *so, struct sockaddr *sa, socklen_t *len)
{
	endpoint_to_sockaddr(&inet_sk(so->sk)->peer, so->domain, sa, len);
}

int inet_getname(struct sock *sk, struct endpoint *ep, bool peer)
{
	struct inet_sock *isk = inet_sk(sk);

	if (!peer) {
		*ep = isk->local;
		return 0;
	}
	if (isk->peer.port == 0 || sk->state == STATE_CLOSED || sk->state == STATE_SYN_SENT)
		return -ENOTCONN;
	*ep = isk->peer;
	return 0;
}

uint32_t socket_poll(struct stack *st, struct socket *so)
{
	return so->ops->poll(st, so->sk);
}

/* -- data -------------------------------------------------------------------------- */

ssize_t socket_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
		       uint64_t now)
{
	st->in_hand = so->sk;
	return so->ops->sendmsg(st, so, msg, flags, now);
}

ssize_t socket_recvmsg(struct stack *st, struct socket *so, struct msghdr *msg, int flags,
		       uint64_t now)
{
	st->in_hand = so->sk;
	return so->ops->recvmsg(st, so, msg, flags, now);
}

int socket_ioctl(struct stack *st, struct socket *so, unsigned long request, int *arg, uint64_t now)
{
	st->in_hand = so->sk;
	return so->ops->ioctl(st, so->sk, request, arg, now);
}

/* -- what a blocking caller wants to know ---------------------------------------------- */

uint64_t socket_rcvtimeo(const struct socket *so)
{
	return so->sk->rcvtimeo;
}

uint64_t socket_sndtimeo(const struct socket *so)
{
	return so->sk->sndtimeo;
}

void socket_sender_waits(struct socket *so)
{
	so->sk->flags |= SOCK_F_SENDER_WAITS;
}

int socket_rcvlowat(const struct socket *so)
{
	return so->sk->rcvlowat;
}

int socket_take_error(struct socket *so)
{
	return sock_take_error(so->sk);
}

void socket_put_error(struct socket *so, int err)
{
	if (so->sk->err == 0)
		so->sk->err = err;
}

uint64_t socket_linger(const struct socket *so)
{
	return (so->sk->flags & SOCK_F_LINGER) != 0 ? so->sk->linger : 0;
}

void socket_set_wall_clock(struct stack *st, int64_t offset)
{
	st->inet.wall_offset = offset;
}
