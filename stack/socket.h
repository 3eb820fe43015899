/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * socket.h - the stack's face to the room above: BSD sockets that never block.
 *
 * Every call returns >= 0 or -errno exactly as the system call of that name would on
 * a non-blocking Linux socket; waiting, descriptors, O_NONBLOCK, SIGPIPE, MSG_WAITALL,
 * SO_RCVTIMEO and friends are the caller's.  (MSG_DONTWAIT is implied; MSG_NOSIGNAL
 * ignored.)  The stack stores the timeouts and low-water marks for the caller to read.
 *
 * The caller holds the stack's lock, and calls stack_flush() before it lets go.
 */
#ifndef STACK_SOCKET_H
#define STACK_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "stack/stack.h"

enum socket_state { SS_FREE, SS_UNCONNECTED, SS_CONNECTING, SS_CONNECTED, SS_DISCONNECTING };

struct proto_ops;

struct socket {
	const struct proto_ops *ops;
	struct sock *sk;
	void *owner;	   /* the caller's: struct file */
	uint8_t state;	   /* enum socket_state */
	uint8_t type;	   /* SOCK_STREAM, SOCK_DGRAM, SOCK_RAW */
	uint8_t domain;	   /* AF_INET, AF_INET6 */
	uint8_t protocol;
	uint32_t edges;	   /* EPOLL* raised and not yet taken */
	struct {
		struct socket *next, **pprev; /* on the stack's event list; pprev NULL: not */
	} event;
};

/* AF_INET/AF_INET6 × SOCK_STREAM/DGRAM/RAW (flags stripped): -EAFNOSUPPORT -EPROTONOSUPPORT -ESOCKTNOSUPPORT -ENFILE. */
int socket_create(struct stack *st, int domain, int type, int protocol, struct socket **out,
		  uint64_t now);

/* The last reference is gone: close(2) as Linux does it (linger, RST on unread data, …). */
void socket_release(struct stack *st, struct socket *so, uint64_t now);

/* addr.port 0 chooses one.  -EADDRINUSE -EADDRNOTAVAIL -EINVAL -EAFNOSUPPORT */
int socket_bind(struct stack *st, struct socket *so, const struct sockaddr *sa, socklen_t len,
		uint64_t now);
/*
 * Undo a bind that the caller could not complete elsewhere (the kernel had the port).
 */
void socket_unbind(struct stack *st, struct socket *so, uint64_t now);
/* 0, -EINPROGRESS, -EALREADY, -EISCONN, -ECONNREFUSED …; AF_UNSPEC disconnects. */
int socket_connect(struct stack *st, struct socket *so, const struct sockaddr *sa, socklen_t len,
		   uint64_t now);
int socket_listen(struct stack *st, struct socket *so, int backlog, uint64_t now);
/* -EAGAIN when none waits.  *out is a new connected socket without an owner. */
int socket_accept(struct stack *st, struct socket *so, struct socket **out, uint64_t now);
int socket_shutdown(struct stack *st, struct socket *so, int how, uint64_t now);
int socket_getname(struct stack *st, struct socket *so, struct sockaddr *sa, socklen_t *len,
		   bool peer);
/* The peer of one that socket_accept() made, whatever became of it since: as accept(2) tells. */
void socket_accepted_name(const struct socket *so, struct sockaddr *sa, socklen_t *len);

/* Level: EPOLLIN EPOLLOUT EPOLLPRI EPOLLERR EPOLLHUP EPOLLRDHUP EPOLLRDNORM … as tcp_poll() would say. */
uint32_t socket_poll(struct stack *st, struct socket *so);

/*
 * msg_name, msg_control and the iovec as sendmsg(2)/recvmsg(2).  flags: MSG_*.
 * A stream may take or give less than asked; -EAGAIN when nothing moved.
 */
ssize_t socket_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
		       uint64_t now);
ssize_t socket_recvmsg(struct stack *st, struct socket *so, struct msghdr *msg, int flags,
		       uint64_t now);

int socket_setsockopt(struct stack *st, struct socket *so, int level, int name, const void *val,
		      socklen_t len, uint64_t now);
int socket_getsockopt(struct stack *st, struct socket *so, int level, int name, void *val,
		      socklen_t *len, uint64_t now);
/* FIONREAD/SIOCINQ, SIOCOUTQ, SIOCATMARK, SIOCOUTQNSD: the value in *arg.  -ENOIOCTLCMD as -ENOTTY. */
int socket_ioctl(struct stack *st, struct socket *so, unsigned long request, int *arg, uint64_t now);

/* For the caller's blocking calls: ns, 0 = for ever; bytes. */
uint64_t socket_rcvtimeo(const struct socket *so);
uint64_t socket_sndtimeo(const struct socket *so);
int socket_rcvlowat(const struct socket *so);
/* A blocking send begins to wait for the end of the handshake; its data will follow at once. */
void socket_sender_waits(struct socket *so);
/* Take and clear the pending error (0 or a positive errno), as SO_ERROR does. */
int socket_take_error(struct socket *so);
/* Undo that: the call that met the error had something else to tell. */
void socket_put_error(struct socket *so, int err);
/*
 * Packets are stamped with the caller's monotonic clock; SO_TIMESTAMP shows wall-clock
 * time: offset = CLOCK_REALTIME - that clock, ns.  Set it now and then.
 */
void socket_set_wall_clock(struct stack *st, int64_t offset);
/* Linger to be waited for at close by a blocking caller: ns, 0 = none. */
uint64_t socket_linger(const struct socket *so);

#endif
