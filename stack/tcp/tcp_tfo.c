/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_tfo.c - data in the SYN, active side: RFC 7413 4.1.3 and 4.2.1, tcp(7).
 *
 *   MSG_FASTOPEN		connect and send in one call
 *   TCP_FASTOPEN_CONNECT	connect(2) succeeds at once if a cookie is known, the first write sends
 *
 * Both come to the same: connect(2) prepares everything but the SYN (SOCK_F_DEFER_CONNECT), and
 * the data that is there when the SYN goes rides in it, one segment at most.  Without a cookie
 * the SYN asks for one and has no data.
 *
 * The SYN's data is an ordinary segment of the send queue that counts as sent.  A repeated SYN
 * has neither data nor option: a path that drops such SYNs costs one time-out.  What the
 * SYN-ACK does not acknowledge is sent again at once, which is no sign of congestion.
 *
 * Cookies are kept per server in a table of fixed size; in a full set the entry that was not
 * used for the longest time gives way.
 */
#include "stack/tcp/tcp.h"
#include "stack/socket.h"

#include <netinet/in.h>
#include <string.h>

#define TFO_LOSS_PERIOD (60 * NS_PER_SEC)

/* -- what is known of servers --------------------------------------------------------------- */

static struct tfo_entry *cache_set_of(const struct stack *st, const struct ipaddr *raddr)
{
	uint32_t h = stack_hash(st, raddr, sizeof(*raddr), 0x74666f63);

	return st->tcp.tfo_cache + (size_t)(h % TFO_CACHE_SETS) * TFO_CACHE_WAYS;
}

static struct tfo_entry *cache_find(const struct stack *st, const struct ipaddr *raddr)
{
	struct tfo_entry *e = cache_set_of(st, raddr);

	for (unsigned int i = 0; i < TFO_CACHE_WAYS; i++)
		if (ipaddr_equal(&e[i].raddr, raddr))
			return &e[i];
	return NULL;
}

static struct tfo_entry *cache_make(struct stack *st, const struct ipaddr *raddr)
{
	struct tfo_entry *e = cache_find(st, raddr), *set;

	if (e != NULL)
		return e;
	set = e = cache_set_of(st, raddr);
	for (unsigned int i = 1; i < TFO_CACHE_WAYS; i++)
		if (set[i].used < e->used)
			e = &set[i];
	memset(e, 0, sizeof(*e));
	e->raddr = *raddr;
	e->len = -1;
	return e;
}

/* SYNs with data were lost twice in a row: leave it for a while (RFC 7413 4.1.3.1). */
static bool is_avoided(const struct tfo_entry *e, uint64_t now)
{
	unsigned int shift = e->lost < 10 ? e->lost : 10;

	return e->lost > 1 && now - e->lost_stamp < TFO_LOSS_PERIOD << shift;
}

/*
 * What the SYN to tp's peer shall carry: *cookie is set, and *mss to that of the peer's last
 * SYN-ACK, if known.  True: data may go along.
 */
static bool cookie_known(struct stack *st, struct tcp_sock *tp, struct tfo_cookie *cookie,
			 uint16_t *mss, uint64_t now)
{
	struct tfo_entry *e = cache_find(st, &tp->node.key.raddr);

	memset(cookie, 0, sizeof(*cookie));
	if (e != NULL) {
		e->used = now;
		if (e->mss != 0)
			*mss = e->mss;
		if (is_avoided(e, now)) {
			cookie->len = -1;
			return false;
		}
		if (e->len > 0) {
			cookie->len = e->len;
			memcpy(cookie->val, e->cookie, (size_t)e->len);
		}
		cookie->exp = e->exp || (e->len <= 0 && e->try_exp == 1);
	}
	if (tp->tfo & TFO_OPT_NO_COOKIE) {
		cookie->len = -1;
		return true;
	}
	if (cookie->len > 0)
		return true;
	tp->tfo_fail = TFO_FAIL_NO_COOKIE;
	return false;
}

static void cache_learn(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
			uint16_t mss, bool lost, uint8_t try_exp, uint64_t now)
{
	struct tfo_entry *e = cache_make(st, &tp->node.key.raddr);

	e->used = now;
	e->mss = mss;
	if ((seg->opts & TCP_HAS_FASTOPEN) && seg->fo_len > 0) {
		e->len = (int8_t)seg->fo_len;
		e->exp = seg->fo_exp;
		memcpy(e->cookie, seg->fo_cookie, seg->fo_len);
	} else if (try_exp > e->try_exp && e->len <= 0 && !e->exp) {
		e->try_exp = try_exp;
	}
	if (lost) {
		e->lost_stamp = now;
		if (e->lost < UINT8_MAX)
			e->lost++;
	} else {
		e->lost = 0;
	}
}

/* -- the SYN ----------------------------------------------------------------------------------- */

static void ask(struct tcp_sock *tp, const struct tfo_cookie *cookie)
{
	if (cookie->len >= 0)
		tp->tfo |= TFO_ASKED | (cookie->exp ? TFO_ASKED_EXP : 0);
}

/* Does connect(2) leave the SYN to the first write?  If not, what the SYN asks for. */
bool tcp_tfo_defers(struct stack *st, struct tcp_sock *tp, struct tfo_cookie *cookie, uint64_t now)
{
	uint16_t mss;

	cookie->len = -1;
	if (tp->tfo & TFO_SENDMSG)
		return true;
	if (!(tp->tfo & TFO_OPT_CONNECT))
		return false;
	if (cookie_known(st, tp, cookie, &mss, now))
		return true;
	ask(tp, cookie);
	return false;
}

/* Room for data in a SYN: all of TCP's options are reserved for, as Linux does. */
static size_t syn_room(struct stack *st, struct tcp_sock *tp, uint16_t peer_mss, uint64_t now)
{
	if (tp->user_mss != 0 && peer_mss > tp->user_mss)
		peer_mss = tp->user_mss;
	tp->mss_clamp = peer_mss;
	tcp_mss_sync(st, tp, now);
	return tp->mss > TCP_MAX_OPT_LEN ? tp->mss - TCP_MAX_OPT_LEN : 0;
}

/* The segment that the SYN takes along, queued behind it as already sent; NULL: none. */
static struct rte_mbuf *queue_syn_data(struct stack *st, struct tcp_sock *tp, struct iov_iter *it,
				       size_t n, uint64_t now)
{
	struct rte_mbuf *m = n > 0 ? tcp_sndq_new(st, tp) : NULL;
	struct pkt_cb *cb;

	if (m == NULL)
		return NULL;
	cb = pkt_cb(m);
	iov_iter_read(it, tcp_sndq_payload(m), n);
	cb->len = (uint32_t)n;
	cb->end_seq = cb->seq + cb->len;
	cb->tcp_flags |= TH_PUSH;
	tp->write_seq += cb->len;
	tcp_rate_seg_sent(tp, cb, now);
	cb->tstamp = now;
	tp->snd_nxt = cb->end_seq;
	tp->send_head = NULL;
	tp->packets_out = 1;
	tp->bytes_sent += cb->len;
	tp->data_segs_out++;
	tp->lsndtime = now;
	tp->tfo |= TFO_SYN_DATA;
	return m;
}

/* The SYN that connect(2) left to us, with as much of *it as may go along. */
static size_t send_deferred_syn(struct stack *st, struct tcp_sock *tp, struct iov_iter *it,
				uint64_t now)
{
	uint16_t mss = (uint16_t)tp->advmss;
	struct rte_mbuf *m = NULL;
	struct tfo_cookie cookie;
	size_t before = it->count, room;

	if (cookie_known(st, tp, &cookie, &mss, now)) {
		room = syn_room(st, tp, mss, now);
		m = queue_syn_data(st, tp, it, it->count < room ? it->count : room, now);
	}
	ask(tp, &cookie);
	tp->syn_stamp = now;
	tcp_send_syn(st, tp, &cookie, m, now);
	tcp_xmit_timer_set(st, tp, XMIT_RTO, tp->rto, now);
	return before - it->count;
}

/* connect(2) for MSG_FASTOPEN.  0: the SYN waits for us, or the connection is there already. */
static int connect_for_data(struct stack *st, struct socket *so, const struct msghdr *msg,
			    uint64_t now)
{
	struct tcp_sock *tp = tcp_sk(so->sk);
	const struct sockaddr *sa = msg->msg_name;
	struct sockaddr none = { .sa_family = AF_INET }; /* not looked at: the state decides */
	sa_family_t family;
	int err;

	if (sa != NULL && msg->msg_namelen >= sizeof(family)) {
		memcpy(&family, sa, sizeof(family));
		if (family == AF_UNSPEC)
			return -EOPNOTSUPP;
	}
	if (sa == NULL && so->state == SS_UNCONNECTED)
		return so->sk->state == TCPS_CLOSED ? -EINVAL : -EISCONN;
	tp->tfo |= TFO_SENDMSG;
	err = socket_connect(st, so, sa != NULL ? sa : &none,
			     sa != NULL ? msg->msg_namelen : sizeof(none), now);
	tp->tfo &= (uint16_t)~TFO_SENDMSG;
	return err;
}

/*
 * sendmsg(2) with MSG_FASTOPEN, or the first one after a connect(2) that was put off.  The
 * bytes that went with the SYN; -EINPROGRESS if none did; 0 if the connection is there and
 * the call is an ordinary one.  -EISCONN -EALREADY -EOPNOTSUPP and what connect(2) gives.
 */
ssize_t tcp_tfo_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg,
			struct iov_iter *it, uint64_t now)
{
	struct sock *sk = so->sk;
	size_t n;
	int err;

	if (!(sk->flags & SOCK_F_DEFER_CONNECT)) {
		err = connect_for_data(st, so, msg, now);
		if (err != 0 || !(sk->flags & SOCK_F_DEFER_CONNECT))
			return err;
	}
	sk->flags &= ~SOCK_F_DEFER_CONNECT;
	n = send_deferred_syn(st, tcp_sk(sk), it, now);
	return n > 0 ? (ssize_t)n : -EINPROGRESS;
}

/* -- the SYN-ACK ---------------------------------------------------------------------------------- */

/* Take what the SYN-ACK acknowledges off the queue; true: some of the data is left. */
static bool data_is_left(struct stack *st, struct tcp_sock *tp)
{
	struct rte_mbuf *m = tp->snd_head;

	if (m == NULL || tp->packets_out == 0)
		return false;
	if (seq_lt(tp->snd_una, pkt_cb(m)->end_seq)) {
		if (seq_lt(pkt_cb(m)->seq, tp->snd_una))
			tcp_sndq_trim_head(tp, m, tp->snd_una - pkt_cb(m)->seq);
		return true;
	}
	tp->packets_out--;
	tp->delivered++;
	tp->delivered_time = tp->estab_time;
	tcp_sndq_pop(st, tp);
	return false;
}

/* The answer to a SYN with the option or data; the connection has just become ESTABLISHED. */
void tcp_tfo_synack(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint16_t peer_mss,
		    uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;
	bool granted = (seg->opts & TCP_HAS_FASTOPEN) && seg->fo_len > 0;
	bool left = data_is_left(st, tp), lost = false;
	uint8_t try_exp = 0;

	if (tp->total_retrans > 0) {
		/* Only the bare SYN came through: that with data, or its answer, was lost. */
		lost = left && !granted;
	} else if (!granted && !(tp->tfo & TFO_SYN_DATA)) {
		try_exp = tp->tfo & TFO_ASKED_EXP ? 2 : 1;
	}
	if (tp->tfo & TFO_ASKED)
		cache_learn(st, tp, seg, peer_mss, lost, try_exp, now);
	if (left) {
		tp->tfo_fail = tp->total_retrans > 0 ? TFO_FAIL_SYN_LOST : TFO_FAIL_NOT_ACKED;
		MIB_INC(st, TCP_TFO_ACTIVE_FAIL);
		tcp_mark_lost(tp, tp->snd_head);
		tcp_loss_without_congestion(tp);
		tcp_mark_pending(st, tp);
	} else if (tp->tfo & TFO_SYN_DATA) {
		tp->tfo |= TFO_DATA_ACKED;
		MIB_INC(st, TCP_TFO_ACTIVE);
	}
	/* RFC 7413 4.2.2: the server may send data along with its SYN-ACK. */
	if (!left && seg->len > 0)
		tcp_rcv_syn_data(st, tp, rx, now);
}
