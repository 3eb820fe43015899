/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dgram.h - what UDP, raw and ping sockets share: queues, sending to an address.
 *
 * A received packet on dg->rxq: cb->off and cb->len say where the datagram is, as the
 * program will see it; cb->l3_off where the IP header is (for addresses), cb->l4_off
 * the transport header; cb->ttl, tos, proto; cb->tstamp when it came; cb->seq the link it
 * came by (ifindex); cb->end_seq how many were dropped before it.
 */
#ifndef STACK_INET_DGRAM_H
#define STACK_INET_DGRAM_H

#include "stack/inet/inet_priv.h"
#include "stack/inet/txstamp.h"

struct dgram_sock {
	struct inet_sock inet;
	struct pktq rxq;
	/* sendto(2) to the same peer again: the way there. */
	struct dst tx_dst;
	struct ipaddr tx_to, tx_from;
	bool tx_cached;
};

static inline struct dgram_sock *dgram_sk(struct sock *sk)
{
	return (struct dgram_sock *)sk;
}

/* One datagram on its way out: the socket's options overridden by control messages. */
struct dgram_tx {
	struct endpoint to;
	struct ipaddr src; /* any: by route */
	struct dst *dst;   /* set by dgram_tx_route() */
	uint32_t oif;	   /* link to leave by: ifindex, 0: by route */
	int ttl, tos, dontfrag; /* -1: not given */
	uint32_t flowlabel; /* IPv6, 0: by the flow's hash */
	uint16_t gso_size;
	bool connected;
	struct txstamp stamp;
};

/* Take in a received packet; false (counted in sk->drops): over rcvbuf, m stays the caller's. */
bool dgram_queue(struct stack *st, struct dgram_sock *dg, struct rte_mbuf *m, uint64_t now);
/* Note where a packet came from, for dgram_queue(); payload: off and len from data start. */
void dgram_note(struct stack *st, const struct rx_pkt *pkt, struct rte_mbuf *m, uint32_t off,
		uint32_t len);
/* Drop whatever is queued. */
void dgram_purge(struct dgram_sock *dg);
/* The holder of the lock died with this sock in hand: forget its queues. */
void dgram_reset(struct dgram_sock *dg);
void dgram_for_each_mbuf(struct dgram_sock *dg, void (*fn)(struct rte_mbuf *m, void *arg), void *arg);

/* Source and destination address of a queued packet. */
void dgram_addrs(const struct rte_mbuf *m, struct ipaddr *src, struct ipaddr *dst);

/* Is there room in the link's queue for a packet that leaves by d? */
bool dgram_may_send(const struct stack *st, const struct dst *d);

/* proto_ops that are the same for all of them */
int dgram_shutdown(struct stack *st, struct socket *so, int how, uint64_t now);
int dgram_getname(struct stack *st, struct sock *sk, struct endpoint *ep, bool peer);
uint32_t dgram_poll(struct stack *st, struct sock *sk);
int dgram_ioctl(struct stack *st, struct sock *sk, unsigned long request, int *arg, uint64_t now);
ssize_t dgram_recvmsg(struct stack *st, struct socket *so, struct msghdr *msg, int flags,
		      uint64_t now);

/*
 * connect(2): the route, the source that it gives an unbound socket, the peer; 0.0.0.0 and ::
 * are an address of ours.  0, -EACCES (broadcast), -ENETUNREACH …
 */
int dgram_connect(struct stack *st, struct sock *sk, const struct endpoint *ep, uint64_t now);
/* Forget the local name: nothing is bound any more.  The protocol's tables are the caller's. */
void dgram_unname(struct stack *st, struct inet_sock *isk);

/*
 * The checksum with IPv6's pseudo-header (RFC 8200 8.1) over len bytes of m from off, network
 * order, as it is stored; 0 if it is over a message with a right one.
 */
uint16_t csum6_over(const struct rte_mbuf *m, uint32_t off, uint32_t len, const struct ipaddr *src,
		    const struct ipaddr *dst, uint8_t proto);

/*
 * Read msg_name and msg_control of sendmsg(2).  need_port: UDP.  0 or -EINVAL
 * -EAFNOSUPPORT -EDESTADDRREQ -ENETUNREACH.
 */
int dgram_tx_prepare(struct stack *st, struct sock *sk, const struct msghdr *msg, bool need_port,
		     struct dgram_tx *tx);
/* Find the way.  0, -EACCES -ENETUNREACH -EHOSTUNREACH -EINVAL. */
int dgram_tx_route(struct stack *st, struct sock *sk, struct dgram_tx *tx, uint64_t now);
/* The IP header's fields for a packet of ip_len bytes in all. */
void dgram_tx_ip(const struct sock *sk, const struct dgram_tx *tx, uint32_t ip_len,
		 struct ip_tx *ip);
/* May a packet of ip_len bytes be fragmented, or must it fit the MTU?  0 or -EMSGSIZE. */
int dgram_tx_size(struct stack *st, struct sock *sk, const struct dgram_tx *tx, uint32_t ip_len,
		  uint64_t now);
/* len bytes of the iovec as a chain with headroom; hdr bytes are left free before them. */
struct rte_mbuf *dgram_copy_in(struct stack *st, struct iov_iter *it, uint32_t hdr, uint32_t len);
/* Add n bytes of the iovec at the end of a chain.  0, -ENOBUFS. */
int dgram_append(struct stack *st, struct rte_mbuf *m, struct iov_iter *it, uint32_t n);
/*
 * Send m, which is consumed: ip says what stands in its IP header, NULL: the program wrote one.  Stamps that were
 * asked for are told.  0 or an error as the program sees it.
 */
int dgram_output(struct stack *st, struct sock *sk, struct dgram_tx *tx, struct rte_mbuf *m,
		 const struct ip_tx *ip, uint64_t now);

/* -- control messages (cmsg.c) ----------------------------------------------------------- */
/* inet_sock.cmsg_flags: what recvmsg(2) hands up */
#define CMSG_F_PKTINFO 0x0001
#define CMSG_F_TTL 0x0002
#define CMSG_F_TOS 0x0004
#define CMSG_F_ORIGDSTADDR 0x0008
#define CMSG_F_RXPKTINFO6 0x0010
#define CMSG_F_HOPLIMIT6 0x0020
#define CMSG_F_TCLASS6 0x0040
#define CMSG_F_ORIGDSTADDR6 0x0080
#define CMSG_F_FLOWINFO6 0x0100

struct cmsg_out {
	char *p;
	size_t left;
	bool truncated;
};

void cmsg_out_init(struct cmsg_out *out, const struct msghdr *msg);
void cmsg_put(struct cmsg_out *out, int level, int type, const void *data, size_t len);
/* Set msg_controllen and MSG_CTRUNC. */
void cmsg_out_finish(struct cmsg_out *out, struct msghdr *msg);
/* What the options ask for about a received packet. */
void cmsg_recv(struct stack *st, struct sock *sk, const struct rte_mbuf *m, struct cmsg_out *out);
/* SO_TIMESTAMP and its relatives, for any protocol; tstamp as of the caller's clock. */
void cmsg_timestamp(struct stack *st, const struct sock *sk, uint64_t tstamp, struct cmsg_out *out);
/* The same of what the error queue has; SO_TIMESTAMPING's only if all of need is set. */
void cmsg_stamp_of_error(struct stack *st, const struct sock *sk, uint64_t tstamp, uint32_t need,
			 struct cmsg_out *out);
/* 0 or -EINVAL */
int cmsg_send_stream(struct sock *sk, const struct msghdr *msg, struct txstamp *stamp);
int cmsg_send(struct stack *st, struct sock *sk, const struct msghdr *msg, struct dgram_tx *tx);

/* -- error queue (errqueue.c): IP_RECVERR, MSG_ZEROCOPY, SO_TIMESTAMPING ----------------------- */
/* An ICMP error about a datagram to port of e->dst, payload from off bytes into what is quoted. */
void errqueue_icmp(struct stack *st, struct inet_sock *isk, const struct icmp_err *e, uint16_t port,
		   uint16_t off, uint64_t now);
/* An error found before sending: EMSGSIZE with the MTU. */
void errqueue_local(struct stack *st, struct inet_sock *isk, int err, const struct endpoint *to,
		    uint32_t info, uint64_t now);
/* An entry for the next MSG_ZEROCOPY send; NULL: no memory. */
struct rte_mbuf *errqueue_zerocopy(struct stack *st, struct inet_sock *isk, uint64_t now);
/* Tell m's sends, if they come next, with those of to. */
bool errqueue_zerocopy_join(struct rte_mbuf *to, const struct rte_mbuf *m);
/* The sends of m are done with the program's buffers.  Takes m. */
void errqueue_zerocopy_done(struct stack *st, struct inet_sock *isk, struct rte_mbuf *m);
/* ev was stamped now; kind: SCM_TSTAMP_*. */
void errqueue_stamp(struct stack *st, struct inet_sock *isk, uint32_t kind, const struct txstamp_event *ev,
		    uint64_t now);
/* recvmsg(MSG_ERRQUEUE): bytes, or -EAGAIN. */
ssize_t errqueue_recvmsg(struct stack *st, struct socket *so, struct msghdr *msg);

#endif
