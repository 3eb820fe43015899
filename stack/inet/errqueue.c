/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * errqueue.c - what recvmsg(MSG_ERRQUEUE) gives: ICMP errors (IP_RECVERR, ip(7)), MSG_ZEROCOPY sends that
 * are done, stamps of what was sent (SO_TIMESTAMPING).
 *
 * An entry is a packet buffer: struct errq_item at the start of its data, then as much of
 * the datagram's payload as the ICMP message quoted, or of the packet that was stamped.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <string.h>

#include <linux/errqueue.h>

#include "stack/inet/dgram.h"

/* Entries per socket; the oldest errors are the interesting ones. */
#define ERRQ_MAX 64
#define ERRQ_MAX_STAMPS 256

struct errq_item {
	struct sock_extended_err ee;
	struct ipaddr offender; /* who sent the ICMP message; IPv6: the packet that was stamped */
	bool has_offender;
	struct endpoint to;	/* whom the datagram was for */
};

static struct rte_mbuf *errq_new(struct stack *st, const struct errq_item *item, const void *payload,
				 uint32_t len, uint64_t now)
{
	struct rte_mbuf *m = pkt_alloc(st);

	if (m == NULL)
		return NULL;
	if (len > rte_pktmbuf_tailroom(m) - sizeof(*item))
		len = rte_pktmbuf_tailroom(m) - sizeof(*item);
	memcpy(rte_pktmbuf_mtod(m, void *), item, sizeof(*item));
	if (len > 0)
		memcpy(rte_pktmbuf_mtod_offset(m, char *, sizeof(*item)), payload, len);
	m->data_len = (uint16_t)(sizeof(*item) + len);
	m->pkt_len = m->data_len;
	pkt_cb(m)->off = sizeof(*item);
	pkt_cb(m)->len = len;
	pkt_cb(m)->tstamp = now;
	return m;
}

static void errq_push(struct stack *st, struct inet_sock *isk, const struct errq_item *item,
		      const void *payload, uint32_t len, uint64_t now)
{
	uint32_t max = item->ee.ee_origin == SO_EE_ORIGIN_TIMESTAMPING ? ERRQ_MAX_STAMPS : ERRQ_MAX;
	struct rte_mbuf *m;

	if (isk->errq.count >= max) {
		MIB_INC(st, SOCK_ERRQ_FULL);
		return;
	}
	m = errq_new(st, item, payload, len, now);
	if (m == NULL)
		return;
	pktq_push(&isk->errq, m);
	sock_raise(st, &isk->sk, EPOLLERR);
}

void errqueue_icmp(struct stack *st, struct inet_sock *isk, const struct icmp_err *e, uint16_t port,
		   uint16_t off, uint64_t now)
{
	struct errq_item item = { .offender = e->from, .has_offender = true, .to = { .addr = e->dst, .port = port } };

	item.ee.ee_errno = (uint32_t)e->err;
	item.ee.ee_origin = ipaddr_is_v4(&e->dst) ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
	item.ee.ee_type = e->type;
	item.ee.ee_code = e->code;
	item.ee.ee_info = e->mtu;
	if (e->l4_len < off)
		off = e->l4_len;
	errq_push(st, isk, &item, e->l4 + off, e->l4_len - off, now);
}

void errqueue_local(struct stack *st, struct inet_sock *isk, int err, const struct endpoint *to,
		    uint32_t info, uint64_t now)
{
	struct errq_item item = { .to = *to };

	item.ee.ee_errno = (uint32_t)err;
	item.ee.ee_origin = SO_EE_ORIGIN_LOCAL;
	item.ee.ee_info = info;
	errq_push(st, isk, &item, NULL, 0, now);
}

/*
 * MSG_ZEROCOPY: sends are numbered, and the queue says which ones no longer need their
 * buffer.  Ours are copied at once, which the code tells; a run of numbers is one entry.
 */
struct rte_mbuf *errqueue_zerocopy(struct stack *st, struct inet_sock *isk, uint64_t now)
{
	struct errq_item item = { .ee.ee_origin = SO_EE_ORIGIN_ZEROCOPY,
				  .ee.ee_code = SO_EE_CODE_ZEROCOPY_COPIED };
	struct rte_mbuf *m;

	item.ee.ee_info = item.ee.ee_data = isk->zerocopy_next;
	m = errq_new(st, &item, NULL, 0, now);
	if (m != NULL)
		isk->zerocopy_next++;
	return m;
}

bool errqueue_zerocopy_join(struct rte_mbuf *to, const struct rte_mbuf *m)
{
	const struct errq_item *item = rte_pktmbuf_mtod(m, const struct errq_item *);
	struct errq_item *last = rte_pktmbuf_mtod(to, struct errq_item *);

	if (last->ee.ee_origin != SO_EE_ORIGIN_ZEROCOPY || last->ee.ee_data + 1 != item->ee.ee_info)
		return false;
	last->ee.ee_data = item->ee.ee_data;
	return true;
}

void errqueue_zerocopy_done(struct stack *st, struct inet_sock *isk, struct rte_mbuf *m)
{
	sock_raise(st, &isk->sk, EPOLLERR);
	if (isk->errq.tail != NULL && errqueue_zerocopy_join(isk->errq.tail, m))
		rte_pktmbuf_free(m);
	else
		pktq_push(&isk->errq, m);
}

void errqueue_stamp(struct stack *st, struct inet_sock *isk, uint32_t kind, const struct txstamp_event *ev,
		    uint64_t now)
{
	bool only = (isk->sk.tsflags & SOF_TIMESTAMPING_OPT_TSONLY) != 0;
	struct errq_item item = { .ee.ee_errno = ENOMSG,
				  .ee.ee_origin = SO_EE_ORIGIN_TIMESTAMPING,
				  .ee.ee_info = kind,
				  .has_offender = isk->sk.domain == AF_INET6 && ev->src != NULL && !only };

	if ((isk->sk.flags & SOCK_F_DEAD) != 0)
		return;
	if (item.has_offender)
		item.offender = *ev->src;
	if ((isk->sk.tsflags & SOF_TIMESTAMPING_OPT_ID) != 0)
		item.ee.ee_data = ev->key;
	errq_push(st, isk, &item, ev->packet, only ? 0 : ev->len, now);
}

static bool is_icmp(const struct errq_item *item)
{
	return item->ee.ee_origin == SO_EE_ORIGIN_ICMP || item->ee.ee_origin == SO_EE_ORIGIN_ICMP6;
}

/* The SO_TIMESTAMPING flags that tell an entry's time: what nobody sent or received has none. */
static uint32_t stamp_flags(const struct errq_item *item)
{
	if (item->ee.ee_origin == SO_EE_ORIGIN_TIMESTAMPING)
		return SOF_TIMESTAMPING_SOFTWARE;
	return is_icmp(item) ? SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE : UINT32_MAX;
}

/* IP_RECVERR or IPV6_RECVERR with the offender's address behind it (SO_EE_OFFENDER). */
static void put_extended_err(const struct sock *sk, const struct errq_item *item,
			     struct cmsg_out *out)
{
	struct {
		struct sock_extended_err ee;
		union {
			struct sockaddr_in sin;
			struct sockaddr_in6 sin6;
		} offender;
	} data;
	socklen_t len = sk->domain == AF_INET ? sizeof(struct sockaddr_in) :
						sizeof(struct sockaddr_in6);
	struct endpoint ep = { .addr = item->offender };

	memset(&data, 0, sizeof(data));
	data.ee = item->ee;
	if (item->has_offender)
		endpoint_to_sockaddr(&ep, sk->domain, (struct sockaddr *)&data.offender, &len);
	if (sk->domain == AF_INET)
		cmsg_put(out, SOL_IP, IP_RECVERR, &data, sizeof(data.ee) + sizeof(data.offender.sin));
	else
		cmsg_put(out, SOL_IPV6, IPV6_RECVERR, &data,
			 sizeof(data.ee) + sizeof(data.offender.sin6));
}

/* taken is gone: the next entry's error becomes the pending one, or its own is none any more. */
static void errq_next(struct stack *st, struct inet_sock *isk, const struct errq_item *taken)
{
	const struct errq_item *item;

	if (is_icmp(taken))
		isk->sk.err = 0;
	if (isk->errq.head == NULL)
		return;
	item = rte_pktmbuf_mtod(isk->errq.head, const struct errq_item *);
	if (is_icmp(item))
		isk->sk.err = (int)item->ee.ee_errno;
	sock_raise(st, &isk->sk, EPOLLERR);
}

ssize_t errqueue_recvmsg(struct stack *st, struct socket *so, struct msghdr *msg)
{
	struct inet_sock *isk = inet_sk(so->sk);
	struct errq_item item;
	struct cmsg_out out;
	struct rte_mbuf *m;
	struct iov_iter it;
	size_t done;

	m = pktq_pop(&isk->errq);
	if (m == NULL)
		return -EAGAIN;
	msg->msg_flags = 0;
	memcpy(&item, rte_pktmbuf_mtod(m, const void *), sizeof(item));
	iov_iter_init(&it, msg->msg_iov, msg->msg_iovlen);
	done = iov_iter_write_mbuf(&it, m, pkt_cb(m)->off, pkt_cb(m)->len);
	if (done < pkt_cb(m)->len)
		msg->msg_flags |= MSG_TRUNC;
	msg->msg_flags |= MSG_ERRQUEUE;
	if (!is_icmp(&item) && item.ee.ee_origin != SO_EE_ORIGIN_LOCAL)
		msg->msg_namelen = 0;
	else if (msg->msg_name != NULL)
		endpoint_to_sockaddr(&item.to, so->domain, msg->msg_name, &msg->msg_namelen);
	cmsg_out_init(&out, msg);
	cmsg_stamp_of_error(st, so->sk, pkt_cb(m)->tstamp, stamp_flags(&item), &out);
	put_extended_err(so->sk, &item, &out);
	cmsg_out_finish(&out, msg);
	rte_pktmbuf_free(m);
	errq_next(st, isk, &item);
	return (ssize_t)done;
}
