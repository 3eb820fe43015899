/* SPDX-License-Identifier: BSD-3-Clause */
/* dgram.c - queues and receiving, as UDP, raw and ping sockets do it. */
#include "stack/inet/dgram.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/sockios.h>

#include <rte_ip.h>

#include "stack/inet/udp.h"

#define SOCK_SHUTDOWN_MASK (RCV_SHUTDOWN | SEND_SHUTDOWN)

/*
 * What a packet counts against SO_RCVBUF: what Linux's allocator takes for its payload with
 * 59 bytes of headers and headroom and 320 of trailer, and 256 for the sk_buff.  A program
 * that sized its buffer for bursts on Linux gets as many datagrams into it here.
 */
static uint32_t truesize(const struct rte_mbuf *m)
{
	uint32_t need = pkt_cb(m)->len + 59 + 320, size = 1024;

	if (need <= 576)
		return 576 + 256;
	if (need > 16384)
		return pkt_cb(m)->len + 832;
	while (size < need)
		size <<= 1;
	return size + 256;
}

void dgram_note(struct stack *st, const struct rx_pkt *pkt, struct rte_mbuf *m, uint32_t off,
		uint32_t len)
{
	struct pkt_cb *cb = pkt_cb(m);

	cb->off = (uint16_t)off;
	cb->len = len;
	cb->l3_off = pkt->l3_off;
	cb->l4_off = pkt->l4_off;
	cb->ttl = pkt->ttl;
	cb->tos = pkt->tos;
	cb->proto = pkt->proto;
	cb->seq = inet_ifindex(st, pkt->nif);
}

bool dgram_queue(struct stack *st, struct dgram_sock *dg, struct rte_mbuf *m, uint64_t now)
{
	struct sock *sk = &dg->inet.sk;
	struct pkt_cb *cb = pkt_cb(m);
	uint32_t size = truesize(m);

	/* One always fits, however large. */
	if (unlikely(sk->rmem > 0 && sk->rmem + size > sk->rcvbuf)) {
		sk->drops++;
		return false;
	}
	cb->tstamp = now;
	cb->end_seq = sk->drops;
	cb->owner = PKT_STACK;
	sk->rmem += size;
	dg->rxq.bytes += cb->len;
	pktq_push(&dg->rxq, m);
	sock_raise(st, sk, EPOLLIN | EPOLLRDNORM);
	return true;
}

static void dgram_unqueue_head(struct dgram_sock *dg)
{
	struct rte_mbuf *m = pktq_pop(&dg->rxq);

	dg->rxq.bytes -= pkt_cb(m)->len;
	dg->inet.sk.rmem -= truesize(m);
	rte_pktmbuf_free(m);
}

void dgram_purge(struct dgram_sock *dg)
{
	pktq_purge(&dg->rxq);
	pktq_purge(&dg->inet.errq);
	dg->inet.sk.rmem = 0;
}

void dgram_reset(struct dgram_sock *dg)
{
	pktq_init(&dg->rxq);
	pktq_init(&dg->inet.errq);
	dg->inet.sk.rmem = 0;
}

void dgram_for_each_mbuf(struct dgram_sock *dg, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	struct rte_mbuf *m;

	for (m = dg->rxq.head; m != NULL; m = pkt_cb(m)->qnext)
		fn(m, arg);
	for (m = dg->inet.errq.head; m != NULL; m = pkt_cb(m)->qnext)
		fn(m, arg);
}

void dgram_addrs(const struct rte_mbuf *m, struct ipaddr *src, struct ipaddr *dst)
{
	const char *l3 = rte_pktmbuf_mtod_offset(m, const char *, pkt_cb(m)->l3_off);

	if (((uint8_t)*l3 >> 4) == 4) {
		struct rte_ipv4_hdr ip;

		memcpy(&ip, l3, sizeof(ip));
		*src = ipaddr_from_v4(ip.src_addr);
		*dst = ipaddr_from_v4(ip.dst_addr);
	} else {
		memcpy(src->b, l3 + offsetof(struct rte_ipv6_hdr, src_addr), 16);
		memcpy(dst->b, l3 + offsetof(struct rte_ipv6_hdr, dst_addr), 16);
	}
}

uint16_t csum6_over(const struct rte_mbuf *m, uint32_t off, uint32_t len, const struct ipaddr *src,
		    const struct ipaddr *dst, uint8_t proto)
{
	struct {
		struct ipaddr src, dst;
		uint32_t len, proto;
	} ph = { *src, *dst, htonl(len), htonl(proto) };
	uint32_t total = (uint32_t)pkt_sum(m, off, len) + rte_raw_cksum(&ph, sizeof(ph));

	total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

/* -- proto_ops ----------------------------------------------------------------------------- */

int dgram_shutdown(struct stack *st, struct socket *so, int how, uint64_t now)
{
	struct sock *sk = so->sk;
	int err = sk->state == DGRAM_CLOSED ? -ENOTCONN : 0;

	(void)now;
	/* Linux reports ENOTCONN and shuts down all the same, to wake up whoever waits. */
	sk->shutdown |= (uint8_t)(how + 1);
	sock_raise(st, sk, EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLOUT | EPOLLHUP);
	return err;
}

void dgram_unname(struct stack *st, struct inet_sock *isk)
{
	port_unbind(st, isk);
	memset(&isk->local, 0, sizeof(isk->local));
	if (isk->sk.domain == AF_INET)
		isk->local.addr = ipaddr_from_v4(INADDR_ANY);
	isk->bound = 0;
}

int dgram_getname(struct stack *st, struct sock *sk, struct endpoint *ep, bool peer)
{
	(void)st;
	return inet_getname(sk, ep, peer);
}

bool dgram_may_send(const struct stack *st, const struct dst *d)
{
	unsigned int i;

	if (d->loop)
		return st->loop.count < STACK_TXQ / 2;
	for (i = 0; i < st->cfg.nnetifs; i++)
		if (st->cfg.netifs[i] == d->nif)
			return st->tx[i].count < STACK_TXQ / 2;
	return true;
}

/* As datagram_poll(). */
uint32_t dgram_poll(struct stack *st, struct sock *sk)
{
	const struct dgram_sock *dg = dgram_sk(sk);
	uint32_t mask = 0;

	if (sk->err != 0 || dg->inet.errq.head != NULL)
		mask |= EPOLLERR | ((sk->flags & SOCK_F_SELECT_ERRQ) != 0 ? EPOLLPRI : 0);
	if ((sk->shutdown & RCV_SHUTDOWN) != 0)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (sk->shutdown == SOCK_SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (dg->rxq.head != NULL)
		mask |= EPOLLIN | EPOLLRDNORM;
	if ((sk->flags & SOCK_F_NOSPACE) == 0 || dgram_may_send(st, &dg->tx_dst))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return mask;
}

int dgram_ioctl(struct stack *st, struct sock *sk, unsigned long request, int *arg, uint64_t now)
{
	const struct dgram_sock *dg = dgram_sk(sk);

	(void)st;
	(void)now;
	switch (request) {
	case FIONREAD: /* = SIOCINQ: the next datagram's size */
		*arg = dg->rxq.head != NULL ? (int)pkt_cb(dg->rxq.head)->len : 0;
		return 0;
	case SIOCOUTQ:
		*arg = 0; /* what was sent is the link's */
		return 0;
	default:
		return -ENOTTY;
	}
}

/* -- receiving ------------------------------------------------------------------------------ */

static void put_name(const struct sock *sk, const struct rte_mbuf *m, struct msghdr *msg)
{
	const struct pkt_cb *cb = pkt_cb(m);
	struct endpoint ep = { .port = 0 };
	struct ipaddr dst;

	if (msg->msg_name == NULL)
		return;
	dgram_addrs(m, &ep.addr, &dst);
	if (sk->protocol == IPPROTO_UDP && sk->type == SOCK_DGRAM)
		ep.port = udp_source_port(m);
	if (!ipaddr_is_v4(&ep.addr) && ipaddr_is_linklocal(&ep.addr))
		ep.scope = cb->seq;
	endpoint_to_sockaddr(&ep, sk->domain, msg->msg_name, &msg->msg_namelen);
}

/* The packet to read: the head, or with MSG_PEEK and SO_PEEK_OFF the one at that offset. */
static struct rte_mbuf *rx_choose(const struct dgram_sock *dg, int flags, uint32_t *skip)
{
	struct rte_mbuf *m = dg->rxq.head;

	*skip = 0;
	if ((flags & MSG_PEEK) == 0 || dg->inet.sk.peek_off < 0)
		return m;
	*skip = (uint32_t)dg->inet.sk.peek_off;
	while (m != NULL && *skip >= pkt_cb(m)->len && *skip > 0) {
		*skip -= pkt_cb(m)->len;
		m = pkt_cb(m)->qnext;
	}
	return m;
}

/*
 * UDP_GRO: datagrams of the same size from the same sender, one after another in the queue,
 * are handed up as one; the last may be shorter.  Returns the bytes added to what was
 * read of the head; *gso is the size of each if there was more than one.
 */
static size_t gro_merge(struct dgram_sock *dg, struct rte_mbuf *head, struct iov_iter *it, int *gso)
{
	struct rte_mbuf *m;
	struct ipaddr src, dst, src2, dst2;
	uint32_t size = pkt_cb(head)->len, n = 1, len;
	size_t done = 0;

	dgram_addrs(head, &src, &dst);
	while ((m = pkt_cb(head)->qnext) != NULL && size > 0 && n < UDP_MAX_SEGMENTS) {
		len = pkt_cb(m)->len;
		dgram_addrs(m, &src2, &dst2);
		if (len == 0 || len > size || len > it->count || !ipaddr_equal(&src, &src2) ||
		    !ipaddr_equal(&dst, &dst2) || pkt_cb(m)->tos != pkt_cb(head)->tos ||
		    udp_source_port(m) != udp_source_port(head))
			break;
		done += iov_iter_write_mbuf(it, m, pkt_cb(m)->off, len);
		*gso = (int)size;
		n++;
		pkt_cb(head)->qnext = pkt_cb(m)->qnext;
		if (dg->rxq.tail == m)
			dg->rxq.tail = head;
		dg->rxq.count--;
		dg->rxq.bytes -= len;
		dg->inet.sk.rmem -= truesize(m);
		rte_pktmbuf_free(m);
		if (len < size)
			break;
	}
	return done;
}

/* Nothing to read: why? */
static ssize_t rx_empty(const struct sock *sk, int flags)
{
	/*
	 * recv(2) of a socket that is shut down returns 0 if it may wait, EAGAIN if not.
	 */
	if ((sk->shutdown & RCV_SHUTDOWN) != 0 && (flags & MSG_DONTWAIT) == 0)
		return 0;
	return -EAGAIN;
}

ssize_t dgram_recvmsg(struct stack *st, struct socket *so, struct msghdr *msg, int flags,
		      uint64_t now)
{
	struct dgram_sock *dg = dgram_sk(so->sk);
	struct sock *sk = so->sk;
	struct cmsg_out out;
	struct iov_iter it;
	struct rte_mbuf *m;
	uint32_t skip, len;
	ssize_t done;
	int gso = 0;

	(void)now;
	if ((flags & MSG_ERRQUEUE) != 0)
		return errqueue_recvmsg(st, so, msg);
	/* A call that fails leaves msg as it is: it may be tried again. */
	if (sk->err != 0)
		return -sock_take_error(sk);
	m = rx_choose(dg, flags, &skip);
	if (m == NULL) {
		if (rx_empty(sk, flags) < 0)
			return -EAGAIN;
		msg->msg_flags = 0;
		msg->msg_controllen = 0;
		return 0;
	}
	msg->msg_flags = 0;
	iov_iter_init(&it, msg->msg_iov, msg->msg_iovlen);
	len = pkt_cb(m)->len - skip;
	done = (ssize_t)iov_iter_write_mbuf(&it, m, pkt_cb(m)->off + skip, len);
	if ((uint32_t)done < len)
		msg->msg_flags |= MSG_TRUNC;
	put_name(sk, m, msg);
	if (udp_gro_wanted(sk) && (flags & MSG_PEEK) == 0 && it.count > 0)
		done += (ssize_t)gro_merge(dg, m, &it, &gso);
	cmsg_out_init(&out, msg);
	cmsg_recv(st, sk, m, &out);
	if (gso > 0)
		cmsg_put(&out, SOL_UDP, UDP_GRO, &gso, sizeof(gso));
	cmsg_out_finish(&out, msg);
	if ((flags & MSG_PEEK) != 0) {
		if (sk->peek_off >= 0)
			sk->peek_off += (int32_t)done;
	} else {
		if (sk->peek_off > 0)
			sk->peek_off = sk->peek_off > (int32_t)len ? sk->peek_off - (int32_t)len : 0;
		dgram_unqueue_head(dg);
	}
	return (flags & MSG_TRUNC) != 0 && (msg->msg_flags & MSG_TRUNC) != 0 ? (ssize_t)len : done;
}
