/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_send.c - sendmsg(2): bytes from the caller's iovec into the send queue, the only copy.
 */
#include "stack/inet/dgram.h"
#include "stack/tcp/tcp.h"

#include <string.h>

/* -EPIPE unless an error waits to be told first (Linux's sk_stream_error()). */
static int send_error(struct sock *sk)
{
	int err = sock_take_error(sk);

	return err != 0 ? -err : -EPIPE;
}

static int may_send(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (unlikely(tcp_is_embryo(tp)) && sk->state == TCPS_SYN_RECEIVED && sk->err == 0 &&
	    !(sk->shutdown & SEND_SHUTDOWN))
		return 0;
	if (sk->state == TCPS_SYN_SENT || sk->state == TCPS_SYN_RECEIVED) {
		if (sk->err != 0 || (sk->shutdown & SEND_SHUTDOWN))
			return send_error(sk);
		sk->flags |= SOCK_F_NOSPACE;
		return -EAGAIN;
	}
	if (!tcp_state_in(tp, TCPS_CAN_SEND) || sk->err != 0 || (sk->shutdown & SEND_SHUTDOWN))
		return send_error(sk);
	return 0;
}

/*
 * Linux asks for room when it begins an sk_buff, and fills what it has begun: here a run of
 * size_goal bytes, or of what is left of one that is partly sent.  How many bytes it still takes.
 */
static uint32_t run_left(const struct tcp_sock *tp)
{
	uint32_t used = tp->write_seq - seq_max(tp->snd_run, tp->snd_nxt), goal = tcp_size_goal(tp);

	if (tp->send_head == NULL || used >= goal || (pkt_cb(tp->snd_tail)->flags & PKT_F_EOR))
		return 0;
	return goal - used;
}

/* A run is full: one packet of it, or all if half of the peer's window was written since. */
static void push_run(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (tp->write_seq - tp->pushed_seq <= tp->max_window / 2) {
		tcp_push_one(st, tp, now);
		return;
	}
	tp->pushed_seq = tp->write_seq;
	tcp_output(st, tp, now);
}

/* May the run go on, or another one begin?  *left: what it takes. */
static bool get_run(struct stack *st, struct tcp_sock *tp, uint32_t *left, uint64_t now)
{
	if (*left == 0 && tp->send_head != NULL) {
		push_run(st, tp, now);
		*left = run_left(tp);
	}
	if (*left != 0)
		return true;
	/* TCP_NOTSENT_LOWAT: what can leave now makes room. */
	if (!tcp_has_room(tp) && tcp_notsent_lowat(tp) != UINT32_MAX)
		tcp_output(st, tp, now);
	if (!tcp_has_room(tp))
		return false;
	tp->snd_run = tp->write_seq;
	*left = tcp_size_goal(tp);
	return true;
}

/* Bytes that may still be added to the last unsent segment. */
static uint32_t tail_room(const struct tcp_sock *tp)
{
	const struct rte_mbuf *m = tp->snd_tail;
	const struct pkt_cb *cb;
	uint32_t room;

	if (m == NULL || tp->send_head == NULL)
		return 0;
	cb = pkt_cb(m);
	if (cb->len >= tp->mss || (cb->tcp_flags & TH_FIN) || (cb->flags & PKT_F_EOR))
		return 0;
	room = tp->mss - cb->len;
	if (room > (uint32_t)m->buf_len - cb->off - cb->len)
		room = (uint32_t)m->buf_len - cb->off - cb->len;
	return room;
}

static void append(struct tcp_sock *tp, struct rte_mbuf *m, struct iov_iter *it, uint32_t n)
{
	struct pkt_cb *cb = pkt_cb(m);

	iov_iter_read(it, tcp_sndq_payload(m) + cb->len, n);
	cb->len += n;
	cb->end_seq += n;
	/* What follows may come with the next call: the message does not end here. */
	cb->tcp_flags &= (uint8_t)~TH_PUSH;
	tp->write_seq += n;
}

/*
 * Copy as much as fits.  While a bulk sender fills the queue full segments leave early, so
 * that the link works while we copy (Linux's tcp_push_one() and forced push).
 */
static size_t fill(struct stack *st, struct tcp_sock *tp, struct iov_iter *it, uint64_t now)
{
	size_t total = it->count;
	uint32_t since_push = 0, goal = tcp_tso_goal(tp), left = run_left(tp);

	while (it->count > 0) {
		uint32_t room = tail_room(tp), n;
		struct rte_mbuf *m = tp->snd_tail;

		if (room == 0) {
			if (!get_run(st, tp, &left, now))
				break;
			m = st->tcp.wmem < st->tcp.wmem_max ? tcp_sndq_new(st, tp) : NULL;
			if (m == NULL) {
				tcp_starve(st, tp, now);
				break;
			}
			room = tail_room(tp);
		}
		n = it->count < room ? (uint32_t)it->count : room;
		append(tp, m, it, n);
		left -= RTE_MIN(left, n);
		since_push += n;
		if (since_push >= goal * tp->mss && it->count > 0) {
			tcp_output(st, tp, now);
			since_push = 0;
		}
	}
	return total - it->count;
}

static ssize_t do_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
			  uint64_t now)
{
	struct sock *sk = so->sk;
	struct tcp_sock *tp = tcp_sk(sk);
	struct txstamp stamp = { .flags = sk->tsflags & TXSTAMP_ANY };
	struct iov_iter it;
	size_t total, sent;
	int ret;

	iov_iter_init(&it, msg->msg_iov, msg->msg_iovlen);
	if (unlikely((flags & MSG_FASTOPEN) || (sk->flags & SOCK_F_DEFER_CONNECT))) {
		ssize_t done = tcp_tfo_sendmsg(st, so, msg, &it, now);

		if (done != 0)
			return done;
	}
	ret = may_send(sk);
	if (ret == 0 && unlikely(msg->msg_controllen > 0))
		ret = cmsg_send_stream(sk, msg, &stamp);
	if (ret < 0)
		return ret;
	/* Segments are cut here: has what was learned of the path expired? */
	if (unlikely(dst_check(st, &tp->inet.dst, &tp->node.key.raddr, &tp->node.key.laddr, now) == 0 &&
		     tp->inet.dst.mtu != tp->pmtu))
		tcp_mss_sync(st, tp, now);
	total = it.count;
	if (total == 0)
		return 0;
	if ((flags & MSG_OOB) && tcp_has_room(tp)) {
		/* RFC 9293 3.8.5: the pointer says where urgent data ends. */
		tp->flags |= TF_SND_URG;
	}
	sent = fill(st, tp, &it, now);
	if (sent == 0) {
		if (flags & MSG_OOB && !seq_gt(tp->snd_up, tp->snd_una))
			tp->flags &= ~TF_SND_URG;
		sk->flags |= SOCK_F_NOSPACE;
		return -EAGAIN;
	}
	tcp_chrono_start(tp, CHRONO_BUSY, now);
	if (sent < total)
		sk->flags |= SOCK_F_NOSPACE;
	if (flags & MSG_OOB)
		tp->snd_up = tp->write_seq;
	if (flags & MSG_MORE)
		tp->flags |= TF_MORE;
	else
		pkt_cb(tp->snd_tail)->tcp_flags |= TH_PUSH;
	if (unlikely(stamp.flags != 0))
		tcp_txstamp_want(st, tp, stamp.flags);
	if (unlikely(flags & MSG_EOR) && sent == total)
		pkt_cb(tp->snd_tail)->flags |= PKT_F_EOR;
	tcp_output(st, tp, now);
	tp->flags &= ~TF_MORE;
	if (tp->send_head == NULL)
		tcp_rate_check_app_limited(tp);
	tcp_check_invariants(st, tp);
	return (ssize_t)sent;
}

ssize_t tcp_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
		    uint64_t now)
{
	struct tcp_zerocopy zc;
	ssize_t ret;

	if (likely(!(flags & MSG_ZEROCOPY) || !(so->sk->flags & SOCK_F_ZEROCOPY)))
		return do_sendmsg(st, so, msg, flags, now);
	if (!tcp_zerocopy_begin(st, tcp_sk(so->sk), &zc, now))
		return -ENOBUFS;
	ret = do_sendmsg(st, so, msg, flags, now);
	tcp_zerocopy_end(tcp_sk(so->sk), &zc, ret > 0);
	return ret;
}
