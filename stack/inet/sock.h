/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sock.h - struct sock ⊂ struct inet_sock ⊂ struct tcp_sock, udp_sock, raw_sock.
 *
 * As in the kernel: struct socket is what a program holds, struct sock what the
 * protocol keeps.  A sock may outlive its socket (orphaned, closing) or precede it
 * (established, not yet accepted).
 */
#ifndef STACK_INET_SOCK_H
#define STACK_INET_SOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shim/ipaddr.h"
#include "stack/core/list.h"
#include "stack/core/pktbuf.h"
#include "stack/net/ip.h"
#include "stack/socket.h"
#include "stack/stack.h"

/* sk->flags: boolean SOL_SOCKET options and conditions */
enum sock_flag {
	SOCK_F_REUSEADDR = 1u << 0,
	SOCK_F_REUSEPORT = 1u << 1,
	SOCK_F_BROADCAST = 1u << 2,
	SOCK_F_KEEPALIVE = 1u << 3,
	SOCK_F_LINGER = 1u << 4,
	SOCK_F_OOBINLINE = 1u << 5,
	SOCK_F_TIMESTAMP = 1u << 6,
	SOCK_F_TIMESTAMPNS = 1u << 7,
	SOCK_F_RCVBUF_LOCK = 1u << 8, /* set by the program: no autotuning */
	SOCK_F_SNDBUF_LOCK = 1u << 9,
	SOCK_F_RXQ_OVFL = 1u << 10,
	SOCK_F_DEAD = 1u << 11, /* no socket any more: orphan */
	SOCK_F_ZEROCOPY = 1u << 12,
	SOCK_F_NOSPACE = 1u << 13, /* a writer found no room: raise EPOLLOUT when there is */
	SOCK_F_V6ONLY = 1u << 14,
	SOCK_F_FREEBIND = 1u << 15,
	SOCK_F_BINDADDR_NOPORT = 1u << 16,
	SOCK_F_TIMESTAMPING = 1u << 17,
	SOCK_F_DEBUG = 1u << 18,
	SOCK_F_DONTROUTE = 1u << 19,
	SOCK_F_NO_CHECK_TX = 1u << 20,
	SOCK_F_SELECT_ERRQ = 1u << 21,
	SOCK_F_TRANSPARENT = 1u << 22,
	SOCK_F_RECVERR = 1u << 23,  /* IP_RECVERR */
	SOCK_F_RECVERR6 = 1u << 24, /* IPV6_RECVERR */
	SOCK_F_HDRINCL = 1u << 25,
	SOCK_F_SENDER_WAITS = 1u << 27, /* a blocking send waits for the handshake to end */
	SOCK_F_DEFER_CONNECT = 1u << 26, /* Fast Open: connected to the program, the SYN waits for data */
};

/* sock.opts: options that are remembered and change little or nothing of what the stack does. */
enum sock_opt {
	SOCK_O_WIFI_STATUS = 1u << 0,
	SOCK_O_NOFCS = 1u << 1,
	SOCK_O_PREFER_BUSY_POLL = 1u << 2,
	SOCK_O_LOCK_FILTER = 1u << 3,
	SOCK_O_NO_TXREHASH = 1u << 4,
	SOCK_O_RCVMARK = 1u << 5,     /* recvmsg(2) tells the packet's mark */
	SOCK_O_RCVPRIORITY = 1u << 6, /* … and priority */
	SOCK_O_TSTAMP_NEW = 1u << 7,  /* time stamps have the _NEW options' numbers */
	SOCK_O_TXTIME = 1u << 8,
};

struct filter; /* stack/inet/filter.h */

#define RCV_SHUTDOWN 1
#define SEND_SHUTDOWN 2

struct sock {
	struct socket *socket; /* NULL: not accepted yet, or orphaned */
	uint8_t domain;	       /* AF_INET, AF_INET6: what addresses look like to the program */
	uint8_t type;
	uint8_t protocol;
	uint8_t state;	       /* TCPS_*; TCPS_CLOSED / TCPS_ESTABLISHED for connected datagrams */
	uint8_t shutdown;      /* RCV_SHUTDOWN | SEND_SHUTDOWN */
	uint32_t flags;	       /* enum sock_flag */
	int err;	       /* positive errno, reported and cleared once */
	int err_soft;	       /* reported only if the operation fails in the end */
	uint32_t rcvbuf, sndbuf; /* bytes, as SO_RCVBUF reports them */
	uint32_t rmem, wmem;   /* bytes in use against them */
	int32_t rcvlowat;
	uint32_t mark;
	uint32_t priority;
	uint64_t rcvtimeo, sndtimeo; /* ns, 0: for ever */
	uint32_t tsflags;	     /* SO_TIMESTAMPING */
	int32_t incoming_cpu;	     /* SO_INCOMING_CPU, -1: none */
	uint32_t bound_if;	     /* SO_BINDTODEVICE: ifindex, 0: any */
	uint64_t linger;	     /* ns */
	uint64_t cookie;
	int32_t peek_off;	     /* SO_PEEK_OFF, -1: off */
	uint32_t drops;
	uint64_t max_pacing_rate;    /* bytes/s, UINT64_MAX: none */
	uint32_t busy_poll_us;
	uint32_t opts;		     /* enum sock_opt */
	struct filter *filter;	     /* SO_ATTACH_FILTER, NULL: none */
	int8_t txtime_clock;	     /* SO_TXTIME */
	uint8_t txtime_flags;
};

/* inet_sock.bound: what bind(2) fixed */
#define BOUND_ADDR 1 /* the program chose the address */
#define BOUND_PORT 2 /* the program chose the port */
#define BOUND_HASHED 4 /* in the port table */

/*
 * One user of a local port: a socket, or what a socket left behind in TIME_WAIT.
 * Private to inet/ports.c but for its place in other structures.
 */
struct port_owner {
	struct port_owner *next, **pprev; /* pprev NULL: not in the table */
	struct ipaddr addr;		  /* local address, any: all */
	uint16_t port;
	uint8_t protocol; /* IPPROTO_TCP, _UDP; _ICMP for ping sockets */
	uint8_t flags;	  /* PORT_F_* */
};

#define PORT_F_REUSEADDR 0x01
#define PORT_F_REUSEPORT 0x02
#define PORT_F_V6ONLY 0x04
#define PORT_F_INET6 0x08  /* an AF_INET6 socket */
#define PORT_F_LISTEN 0x10 /* a listener: REUSEADDR does not share it */
#define PORT_F_CONN 0x20   /* on the slot's list of connections */

struct mc_member;

struct inet_sock {
	struct sock sk;
	struct endpoint local; /* addr any until bound or connected */
	struct endpoint peer;  /* port 0: not connected */
	struct dst dst;
	uint8_t bound;
	uint8_t ttl;	  /* 0: default */
	uint8_t tos;
	uint8_t mc_ttl;
	uint8_t min_ttl;
	uint8_t pmtudisc; /* IP_PMTUDISC_* */
	bool mc_loop;
	bool mc_all;
	uint32_t cmsg_flags; /* what recvmsg(2) hands up: CMSG_F_* in inet/cmsg.h */
	struct {
		int16_t hops;	 /* IPV6_UNICAST_HOPS, -1: default */
		int16_t mc_hops; /* -1: default (1) */
		uint8_t tclass;
		uint8_t pmtudisc; /* IPV6_PMTUDISC_* */
		bool mc_loop;
		bool mc_all;
		bool dontfrag;
		bool no_autolabel; /* IPV6_AUTOFLOWLABEL 0: flow label zero */
		bool sndflow;	   /* IPV6_FLOWINFO_SEND */
		uint8_t min_hops;  /* IPV6_MINHOPCOUNT */
		uint16_t frag_size; /* IPV6_MTU, 0: the path's */
		uint32_t mc_ifindex; /* 0: by route */
	} in6;
	struct ipaddr mc_addr; /* IP_MULTICAST_IF */
	uint16_t port_lo, port_hi; /* IP_LOCAL_PORT_RANGE, 0: the default */
	uint32_t hash;	     /* of the 4-tuple when connected */
	uint32_t mc_ifindex;	   /* IP_MULTICAST_IF: ifindex, 0: by mc_addr or route */
	struct mc_member *mc_list; /* groups joined (inet/mcast.c) */
	struct pktq errq;	   /* what recvmsg(MSG_ERRQUEUE) gives (inet/errqueue.c) */
	uint32_t zerocopy_next;	   /* number of the next MSG_ZEROCOPY send */
	uint32_t stamp_key;	   /* of the next datagram that is stamped; TCP: where the counted bytes begin */
	struct port_owner port;	   /* this socket's entry in the port table (inet/ports.c) */
	struct inet_sock *hash_next, **hash_pprev; /* the protocol's demux table */
	struct inet_sock *hash2_next, **hash2_pprev; /* its second one (UDP: address and port) */
};

static inline struct inet_sock *inet_sk(struct sock *sk)
{
	return (struct inet_sock *)sk;
}

/* The TTL or hop limit (0: the link's default), and TOS or traffic class, of unicast packets to peers of that family. */
#define INET_DEFAULT_TTL 64
static inline uint8_t inet_ttl(const struct inet_sock *isk, bool v4)
{
	if (v4)
		return isk->ttl != 0 ? isk->ttl : INET_DEFAULT_TTL;
	return isk->in6.hops >= 0 ? (uint8_t)isk->in6.hops : 0;
}

static inline uint8_t inet_tos(const struct inet_sock *isk, bool v4)
{
	return v4 ? isk->tos : isk->in6.tclass;
}

/*
 * What a protocol does for a struct socket; named as in the kernel.  Arguments were
 * checked for NULL by socket.c; everything else is the protocol's to check.
 */
struct proto_ops {
	uint8_t type;	  /* SOCK_* */
	uint8_t protocol; /* IPPROTO_*; 0: any (raw) */
	struct sock *(*alloc)(struct stack *st, int domain, int protocol, uint64_t now);
	/* close(2).  The socket is detached already: sk->socket is NULL, SOCK_F_DEAD set. */
	void (*release)(struct stack *st, struct sock *sk, uint64_t now);
	int (*bind)(struct stack *st, struct sock *sk, const struct endpoint *ep, uint64_t now);
	void (*unbind)(struct stack *st, struct sock *sk, uint64_t now);
	/* ep NULL: AF_UNSPEC, disconnect */
	/*
	 * Streams: called in SS_UNCONNECTED (or to disconnect) only; socket.c keeps so->state
	 * from the result and from sk->state, and answers EISCONN and EALREADY itself.
	 */
	int (*connect)(struct stack *st, struct socket *so, const struct endpoint *ep, uint64_t now);
	int (*listen)(struct stack *st, struct socket *so, int backlog, uint64_t now);
	/* Returns the accepted sock through out; socket.c gives it a struct socket. */
	int (*accept)(struct stack *st, struct socket *so, struct sock **out, uint64_t now);
	int (*shutdown)(struct stack *st, struct socket *so, int how, uint64_t now);
	int (*getname)(struct stack *st, struct sock *sk, struct endpoint *ep, bool peer);
	uint32_t (*poll)(struct stack *st, struct sock *sk);
	ssize_t (*sendmsg)(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
			   uint64_t now);
	ssize_t (*recvmsg)(struct stack *st, struct socket *so, struct msghdr *msg, int flags,
			   uint64_t now);
	/* Levels other than SOL_SOCKET, SOL_IP and SOL_IPV6; -ENOPROTOOPT if unknown; NULL: all are. */
	int (*setsockopt)(struct stack *st, struct sock *sk, int level, int name, const void *val,
			  socklen_t len, uint64_t now);
	int (*getsockopt)(struct stack *st, struct sock *sk, int level, int name, void *val,
			  socklen_t *len, uint64_t now);
	int (*ioctl)(struct stack *st, struct sock *sk, unsigned long request, int *arg, uint64_t now);
	/* A SOL_SOCKET or IP option changed that the protocol must act on (KEEPALIVE, RCVBUF, TOS …). */
	void (*option_changed)(struct stack *st, struct sock *sk, int level, int name, uint64_t now);
};

extern const struct proto_ops inet_stream_ops; /* tcp/tcp_usr.c */
extern const struct proto_ops inet_dgram_ops;  /* inet/udp.c */
extern const struct proto_ops inet_ping_ops;   /* inet/ping.c */
extern const struct proto_ops inet_raw_ops;    /* inet/raw.c */

/* Fill the parts of a zeroed sock that all protocols share. */
void sock_init(struct stack *st, struct sock *sk, int domain, int type, int protocol);

/* Raise readiness edges (EPOLL* bits) for whoever watches the socket; nothing if it has none. */
void sock_raise(struct stack *st, struct sock *sk, uint32_t events);

/* Record an error and raise EPOLLERR. err is positive. */
void sock_error(struct stack *st, struct sock *sk, int err);

/* Take a socket that is about to go off the event list. */
void sock_forget_events(struct stack *st, struct socket *so);

/* Take the pending error: 0 or positive. */
int sock_take_error(struct sock *sk);

/* -- local ports (inet/ports.c): one space per protocol, bind conflicts as Linux ------ */
/*
 * Bind isk to ep (port 0: choose, RFC 6056).  Checks REUSEADDR/REUSEPORT against all
 * others of the protocol.  0, -EADDRINUSE.  Sets isk->local and isk->bound.
 */
int port_bind(struct stack *st, struct inet_sock *isk, const struct endpoint *ep, uint64_t now);
/*
 * For connect(2) of a socket without a port: choose one such that the 4-tuple is free
 * (asked through used(); NULL: no socket may have the port).  isk->local.addr and
 * isk->peer are set already; sets isk->local.port.  0, -EADDRNOTAVAIL as connect(2).
 */
int port_bind_connect(struct stack *st, struct inet_sock *isk,
		      bool (*used)(struct stack *st, const struct inet_sock *isk, uint16_t port,
				   uint64_t now),
		      uint64_t now);
/* Give the port back; isk->local.port stays for whoever still wants to read it. */
void port_unbind(struct stack *st, struct inet_sock *isk);
/* An accepted connection shares its listener's port. isk->local is set already. */
void port_inherit(struct stack *st, struct inet_sock *isk, struct inet_sock *listener);
/*
 * listen(2): from now on SO_REUSEADDR does not share the port (another listener came
 * first: -EADDRINUSE).  port_unlisten() takes it back.
 */
int port_listen(struct stack *st, struct inet_sock *isk);
void port_unlisten(struct stack *st, struct inet_sock *isk);
/* The local address of a bound socket changed (connect chose it, disconnect reset it). */
void port_addr_changed(struct stack *st, struct inet_sock *isk);
/* TIME_WAIT keeps isk's port: po takes over the entry of isk, which loses it. */
void port_hold(struct stack *st, struct port_owner *po, struct inet_sock *isk);
void port_drop(struct stack *st, struct port_owner *po);
/*
 * Recovery: inet_recover() empties the table; each room then puts back what its live
 * objects hold (po->port 0: nothing).  Links in po are not trusted.
 */
void port_restore(struct stack *st, struct port_owner *po);

/* Copying between a caller's iovec and packets (inet/iov.c). */
struct iov_iter {
	const struct iovec *iov;
	size_t niov;
	size_t skip;  /* bytes of iov[0] already used */
	size_t count; /* bytes left */
};
void iov_iter_init(struct iov_iter *it, const struct iovec *iov, size_t niov);
size_t iov_iter_read(struct iov_iter *it, void *to, size_t n);
size_t iov_iter_write(struct iov_iter *it, const void *from, size_t n);
/* Bytes [off, off + n) of an mbuf chain's data to the iovec. */
size_t iov_iter_write_mbuf(struct iov_iter *it, const struct rte_mbuf *m, size_t off, size_t n);

#endif
