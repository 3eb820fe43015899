/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_recv.c - recvmsg(2): from the receive queue into the caller's iovec, the only copy.
 */
#include "stack/tcp/tcp.h"

#include <netinet/in.h>
#include <string.h>

#include "stack/inet/dgram.h"

#ifndef TCP_INQ
#define TCP_INQ 36
#endif
#define TCP_CM_INQ TCP_INQ

/* MSG_OOB: Linux's tcp_recv_urg(). */
static ssize_t recv_urgent(struct tcp_sock *tp, struct msghdr *msg, int flags)
{
	struct sock *sk = tcp_to_sk(tp);
	struct iov_iter it;

	if ((sk->flags & SOCK_F_OOBINLINE) || !(tp->flags & TF_URG_SEEN) || tp->urg_taken)
		return -EINVAL;
	if (sk->state == TCPS_CLOSED && !(tp->flags & TF_RCV_DONE))
		return -ENOTCONN;
	if (tp->flags & TF_URG_VALID) {
		iov_iter_init(&it, msg->msg_iov, msg->msg_iovlen);
		msg->msg_flags |= MSG_OOB;
		if (!(flags & MSG_PEEK))
			tp->urg_taken = true;
		if (flags & MSG_TRUNC)
			return 1;
		return iov_iter_write(&it, &tp->urg_byte, 1) == 1 ? 1 : (msg->msg_flags |= MSG_TRUNC, 0);
	}
	if (sk->state == TCPS_CLOSED || (sk->shutdown & RCV_SHUTDOWN))
		return 0;
	return -EAGAIN;
}

/*
 * How far a call may read: not past the urgent mark; and at the mark, if the byte is not
 * inline, it is stepped over.  Returns the bytes that may be read from seq on, and sets
 * *skip if the next byte is the urgent one.
 */
static uint32_t urgent_limit(const struct tcp_sock *tp, uint32_t seq, uint32_t n, bool *skip)
{
	uint32_t off;

	*skip = false;
	if (likely(!(tp->flags & TF_URG_SEEN)))
		return n;
	off = tp->urg_seq - seq;
	if (off >= n)
		return n;
	if (off > 0)
		return off;
	if (tp->inet.sk.flags & SOCK_F_OOBINLINE)
		return n;
	*skip = true;
	return n;
}

static void consume(struct stack *st, struct tcp_sock *tp, uint32_t n)
{
	struct rte_mbuf *m = tp->rcvq.head;
	struct pkt_cb *cb = pkt_cb(m);

	tp->copied_seq += n;
	tp->rcvq.bytes -= n;
	if ((tp->flags & TF_URG_SEEN) && seq_gt(tp->copied_seq, tp->urg_seq)) {
		tp->flags &= ~(TF_URG_SEEN | TF_URG_VALID);
		tp->urg_taken = false;
	}
	if (cb->len == n) {
		pktq_pop(&tp->rcvq);
		tcp_rcvq_free(st, tp, m);
		return;
	}
	cb->off = (uint16_t)(cb->off + n);
	cb->seq += n;
	cb->len -= n;
}

/* Read, and take off the queue. */
static size_t take(struct stack *st, struct tcp_sock *tp, struct iov_iter *it, bool discard)
{
	size_t done = 0;
	struct rte_mbuf *m;

	while (it->count > 0 && (m = tp->rcvq.head) != NULL) {
		struct pkt_cb *cb = pkt_cb(m);
		uint32_t n = it->count < cb->len ? (uint32_t)it->count : cb->len;
		bool skip;

		if (m->next == NULL)
			rte_prefetch0((char *)m->buf_addr + m->data_off + cb->off);
		n = urgent_limit(tp, tp->copied_seq, n, &skip);
		if (unlikely(skip)) {
			/* At the mark: a call that has read something stops before it. */
			if (done > 0)
				break;
			consume(st, tp, 1);
			continue;
		}
		if (discard)
			it->count -= n;
		else
			iov_iter_write_mbuf(it, m, cb->off, n);
		consume(st, tp, n);
		done += n;
		if (unlikely((tp->flags & TF_URG_SEEN) && tp->urg_seq == tp->copied_seq))
			break;
	}
	return done;
}

/* Read at an offset and leave everything as it is. */
static size_t peek(const struct tcp_sock *tp, struct iov_iter *it, uint32_t offset, bool discard)
{
	struct rte_mbuf *m;
	size_t done = 0;

	for (m = tp->rcvq.head; m != NULL && it->count > 0; m = pkt_cb(m)->qnext) {
		const struct pkt_cb *cb = pkt_cb(m);
		uint32_t n, limit;
		bool skip;

		if (offset >= cb->len) {
			offset -= cb->len;
			continue;
		}
		n = cb->len - offset;
		if (n > it->count)
			n = (uint32_t)it->count;
		limit = urgent_limit(tp, cb->seq + offset, n, &skip);
		if (skip) {
			if (done > 0)
				break;
			offset++;
			if (offset >= cb->len) {
				offset = 0;
				continue;
			}
			limit = n = RTE_MIN((uint32_t)it->count, cb->len - offset);
		}
		if (discard)
			it->count -= limit;
		else
			iov_iter_write_mbuf(it, m, cb->off + offset, limit);
		done += limit;
		offset = 0;
		if (limit < n)
			break;
	}
	return done;
}

/* Nothing to read: why?  In Linux's order. */
static ssize_t nothing_to_read(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (tp->flags & TF_RCV_DONE)
		return 0;
	if (sk->err != 0)
		return -sock_take_error(sk);
	if (sk->shutdown & RCV_SHUTDOWN)
		return 0;
	if (sk->state == TCPS_CLOSED)
		return -ENOTCONN;
	return -EAGAIN;
}

/* got_data: there is a segment whose stamp may be asked for. */
static void put_cmsgs(struct stack *st, struct tcp_sock *tp, struct msghdr *msg, bool got_data)
{
	struct sock *sk = tcp_to_sk(tp);
	struct cmsg_out out;

	if (msg->msg_control == NULL ||
	    (!(tp->flags & TF_INQ) &&
	     !(sk->flags & (SOCK_F_TIMESTAMP | SOCK_F_TIMESTAMPNS | SOCK_F_TIMESTAMPING)))) {
		msg->msg_controllen = 0;
		return;
	}
	cmsg_out_init(&out, msg);
	if (got_data)
		cmsg_timestamp(st, sk, tp->rx_stamp, &out);
	if (tp->flags & TF_INQ) {
		int inq = (int)tp->rcvq.bytes;

		/* As Linux counts, the FIN is one more: there is an end of file to read. */
		inq += (tp->flags & TF_RCV_DONE) != 0;
		cmsg_put(&out, IPPROTO_TCP, TCP_CM_INQ, &inq, sizeof(inq));
	}
	cmsg_out_finish(&out, msg);
}

ssize_t tcp_recvmsg(struct stack *st, struct socket *so, struct msghdr *msg, int flags,
		    uint64_t now)
{
	struct sock *sk = so->sk;
	struct tcp_sock *tp = tcp_sk(sk);
	bool discard = (flags & MSG_TRUNC) != 0;
	struct iov_iter it;
	size_t done;

	if (unlikely(flags & MSG_ERRQUEUE))
		return errqueue_recvmsg(st, so, msg);
	msg->msg_namelen = 0;
	msg->msg_flags = 0;
	if (sk->state == TCPS_LISTEN)
		return -ENOTCONN;
	if (flags & MSG_OOB) {
		msg->msg_controllen = 0;
		return recv_urgent(tp, msg, flags);
	}
	iov_iter_init(&it, msg->msg_iov, msg->msg_iovlen);
	if (it.count == 0 && tp->rcvq.bytes > 0) {
		msg->msg_controllen = 0;
		return 0;
	}
	if (flags & MSG_PEEK) {
		done = peek(tp, &it, sk->peek_off > 0 ? (uint32_t)sk->peek_off : 0, discard);
		if (done > 0 && sk->peek_off >= 0)
			sk->peek_off += (int32_t)done;
	} else {
		done = take(st, tp, &it, discard);
		if (done > 0 && sk->peek_off >= 0)
			sk->peek_off = sk->peek_off > (int32_t)done ? sk->peek_off - (int32_t)done : 0;
		if (done > 0) {
			tcp_rcv_space_adjust(st, tp, now);
			if (tcp_state_in(tp, TCPS_SYNCHRONISED) &&
			    tcp_read_wants_ack(st, tp, (uint32_t)done))
				tcp_send_ack(st, tp, now);
		}
	}
	if (done == 0) {
		ssize_t end = nothing_to_read(sk);

		if (end == 0)
			put_cmsgs(st, tp, msg, false);
		else
			msg->msg_controllen = 0;
		return end;
	}
	put_cmsgs(st, tp, msg, true);
	tcp_check_invariants(st, tp);
	return (ssize_t)done;
}
