/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_usr.c - inet_stream_ops: what socket calls do to a connection, in the order and with
 * the errors of Linux (net/ipv4/af_inet.c and tcp.c describe it, connect(2), close(2)).
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#include <asm/ioctls.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>

static struct sock *usr_alloc(struct stack *st, int domain, int protocol, uint64_t now)
{
	struct tcp_sock *tp = tcp_sock_alloc(st, domain, now);

	(void)protocol;
	return tp != NULL ? tcp_to_sk(tp) : NULL;
}

/* -- bind ------------------------------------------------------------------------------- */

static int usr_bind(struct stack *st, struct sock *sk, const struct endpoint *ep, uint64_t now)
{
	/* Multicast and broadcast addresses name no connection's end. */
	if (ipaddr_is_multicast(&ep->addr) || ip_addr_is_broadcast(st, &ep->addr))
		return -EADDRNOTAVAIL;
	return port_bind(st, inet_sk(sk), ep, now);
}

static void reset_local(struct inet_sock *isk)
{
	bool v4 = isk->sk.domain == AF_INET;

	memset(&isk->local, 0, sizeof(isk->local));
	if (v4)
		isk->local.addr = ipaddr_from_v4(0);
	isk->bound = 0;
}

static void usr_unbind(struct stack *st, struct sock *sk, uint64_t now)
{
	(void)now;
	port_unbind(st, inet_sk(sk));
	reset_local(inet_sk(sk));
}

/* -- connect ------------------------------------------------------------------------------ */

static void set_key(struct stack *st, struct tcp_sock *tp)
{
	tp->node.key.laddr = tp->inet.local.addr;
	tp->node.key.raddr = tp->inet.peer.addr;
	tp->node.key.lport = tp->inet.local.port;
	tp->node.key.rport = tp->inet.peer.port;
	tp->node.hash = tcp_hash(&st->tcp, &tp->node.key);
	tp->inet.hash = tp->node.hash;
}

static struct tcp_node *find_taken(struct stack *st, const struct inet_sock *isk, uint16_t port)
{
	struct tcp_key key = {
		.laddr = isk->local.addr,
		.raddr = isk->peer.addr,
		.lport = port,
		.rport = isk->peer.port,
	};

	return tcp_table_find(st, &key, tcp_hash(&st->tcp, &key));
}

/* For port_bind_connect(): TIME_WAIT does not stop us where RFC 6191 allows reuse. */
static bool tuple_is_used(struct stack *st, const struct inet_sock *isk, uint16_t port, uint64_t now)
{
	struct tcp_node *n = find_taken(st, isk, port);

	if (n == NULL)
		return false;
	return n->kind != TCP_NODE_TW || !tcp_tw_reusable(container_of(n, struct tcp_tw, node), now);
}

static int choose_port(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (tp->inet.local.port == 0)
		return port_bind_connect(st, &tp->inet, tuple_is_used, now);
	if (tuple_is_used(st, &tp->inet, tp->inet.local.port, now))
		return -EADDRNOTAVAIL;
	port_addr_changed(st, &tp->inet);
	return 0;
}

/* Numbers, windows and options before the SYN. */
static void prepare_syn(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct tcp_node *old = find_taken(st, &tp->inet, tp->inet.local.port);
	uint16_t link_mtu = tp->inet.dst.nif != NULL ? tp->inet.dst.nif->mtu : tp->inet.dst.mtu;

	set_key(st, tp);
	tp->iss = tcp_isn(st, &tp->node.key, now);
	tp->ts_off = tcp_ts_offset(st, &tp->node.key);
	tp->ts_recent_stamp = 0;
	if (old != NULL && old->kind == TCP_NODE_TW) {
		struct tcp_tw *tw = container_of(old, struct tcp_tw, node);

		tp->iss = tcp_tw_next_iss(tw);
		tp->ts_recent = tw->ts_recent;
		tp->ts_recent_stamp = tw->ts_recent_stamp;
		MIB_INC(st, TCP_TW_RECYCLED);
		tcp_tw_free(st, tw);
	}
	tp->snd_una = tp->iss;
	tp->snd_nxt = tp->write_seq = tp->snd_sml = tp->snd_up = tp->pushed_seq = tp->iss + 1;
	tp->high_seq = tp->snd_nxt;
	tp->flags &= TF_NODELAY | TF_CORK | TF_INQ;
	tp->inet.sk.flags &= ~SOCK_F_SENDER_WAITS;
	tp->tfo &= TFO_OPT_CONNECT | TFO_OPT_NO_COOKIE | TFO_SENDMSG;
	tp->tfo_fail = TFO_FAIL_NONE;
	memset(&tp->mtup, 0, sizeof(tp->mtup));
	tp->mss_clamp = tp->user_mss != 0 ? tp->user_mss : UINT16_MAX;
	tp->advmss = tcp_mss_from_mtu(&tp->node.key, link_mtu);
	if (tp->user_mss != 0 && tp->advmss > tp->user_mss)
		tp->advmss = tp->user_mss;
	tcp_mss_sync(st, tp, now);
	/* As Linux: the option's room counts only if the last life of the 4-tuple had timestamps. */
	tcp_initial_window(st, tp, tp->advmss - (tp->ts_recent_stamp != 0 ? TCP_TS_OPT_LEN : 0), true,
			   &tp->rcv_wnd, &tp->window_clamp, &tp->rcv_wscale);
	tp->syn_wscale = tp->rcv_wscale;
	tp->rcv_ssthresh = tp->rcv_wnd;
	tp->rto = TCP_RTO_INIT;
	tp->srtt = 0;
	tp->retransmits = 0;
	tp->retrans_stamp = 0;
	tp->total_retrans = 0;
	tp->syn_stamp = now;
	tp->ecn_seen = false;
	if (st->cfg.ecn)
		tp->flags |= TF_ECN;
}

static int connect_checks(struct stack *st, const struct sock *sk, const struct endpoint *ep)
{
	/* connect(2): broadcast and multicast are no peers of a stream. */
	if (ipaddr_is_multicast(&ep->addr) || ip_addr_is_broadcast(st, &ep->addr))
		return -ENETUNREACH;
	if (sk->domain == AF_INET6 && (sk->flags & SOCK_F_V6ONLY) && ipaddr_is_v4(&ep->addr))
		return -ENETUNREACH;
	return 0;
}

static int start_connect(struct stack *st, struct tcp_sock *tp, const struct endpoint *ep,
			 uint64_t now)
{
	struct inet_sock *isk = &tp->inet;
	struct ipaddr before = isk->local.addr;
	struct tfo_cookie cookie;
	int ret;

	ret = route_lookup(st, &ep->addr, ipaddr_is_any(&before) ? NULL : &before, &isk->dst, now);
	if (ret < 0)
		return ret;
	isk->peer = *ep;
	if (ipaddr_is_any(&before))
		isk->local.addr = isk->dst.src;
	ret = choose_port(st, tp, now);
	if (ret < 0) {
		isk->local.addr = before;
		memset(&isk->peer, 0, sizeof(isk->peer));
		return ret;
	}
	prepare_syn(st, tp, now);
	tcp_set_state(st, tp, TCPS_SYN_SENT);
	tcp_table_insert(st, &tp->node);
	MIB_INC(st, TCP_ACTIVE_OPENS);
	if (tcp_tfo_defers(st, tp, &cookie, now)) {
		isk->sk.flags |= SOCK_F_DEFER_CONNECT;
		sock_raise(st, &isk->sk, EPOLLOUT | EPOLLWRNORM);
		return 0;
	}
	tcp_send_syn(st, tp, &cookie, NULL, now);
	tcp_xmit_timer_set(st, tp, XMIT_RTO, tp->rto, now);
	return -EINPROGRESS;
}

static bool wants_reset_on_disconnect(const struct tcp_sock *tp)
{
	return tcp_state_in(tp, TCPS_BIT(TCPS_ESTABLISHED) | TCPS_BIT(TCPS_CLOSE_WAIT) |
					TCPS_BIT(TCPS_FIN_WAIT_1) | TCPS_BIT(TCPS_FIN_WAIT_2) |
					TCPS_BIT(TCPS_SYN_RECEIVED)) ||
	       (tp->snd_nxt != tp->write_seq &&
		tcp_state_in(tp, TCPS_BIT(TCPS_CLOSING) | TCPS_BIT(TCPS_LAST_ACK)));
}

/* What TCP_INFO tells of one connection is not told of the socket's next. */
static void clear_counts(struct tcp_sock *tp)
{
	tp->bytes_acked = tp->bytes_received = tp->bytes_sent = tp->bytes_retrans = 0;
	tp->segs_in = tp->segs_out = tp->data_segs_in = tp->data_segs_out = 0;
	tp->dsack_cnt = tp->rcv_ooopack = tp->reord_seen_cnt = 0;
	tp->total_retrans = tp->lost = 0;
	tp->delivered = tp->delivered_ce = 0;
	tp->delivered_time = tp->first_tx_time = 0;
	tp->rate_delivered = tp->rate_interval = 0;
	tp->app_limited = 1;
	tp->rate_app_limited = true;
	tp->total_rto = tp->rto_recoveries = 0;
	tp->rto_time_ms = 0;
	tp->rto_stamp = 0;
	tp->chrono = CHRONO_IDLE;
	memset(tp->chrono_spent, 0, sizeof(tp->chrono_spent));
}

/* AF_UNSPEC, or the end of a failed attempt: a fresh socket with its options kept. */
static int disconnect(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct sock *sk = tcp_to_sk(tp);
	struct inet_sock *isk = &tp->inet;
	int err = 0;

	if (sk->state == TCPS_LISTEN) {
		tcp_set_state(st, tp, TCPS_CLOSED);
		tcp_listen_stop(st, tp, now);
	} else if (wants_reset_on_disconnect(tp)) {
		tcp_send_reset(st, tp, now);
		err = ECONNRESET;
	} else if (sk->state == TCPS_SYN_SENT) {
		err = ECONNRESET;
	}
	tcp_done(st, tp, 0, now);
	tcp_rcvq_purge(st, tp);
	sk->err = err;
	sk->err_soft = 0;
	sk->shutdown = 0;
	if (!(isk->bound & BOUND_PORT)) {
		port_unbind(st, isk);
		isk->local.port = 0;
	}
	if (!(isk->bound & BOUND_ADDR)) {
		uint16_t port = isk->local.port;
		uint8_t bound = isk->bound;

		reset_local(isk);
		isk->local.port = port;
		isk->bound = bound;
	}
	memset(&isk->peer, 0, sizeof(isk->peer));
	memset(&isk->dst, 0, sizeof(isk->dst));
	tp->flags &= TF_NODELAY | TF_CORK | TF_INQ;
	tp->tfo &= TFO_OPT_CONNECT | TFO_OPT_NO_COOKIE;
	tp->nsacks_out = 0;
	tp->dsack_out = false;
	tp->srtt = tp->min_rtt = 0;
	tp->rcv_rtt.rtt = tp->rcv_rtt.time = 0;
	tp->ato = 0;
	tp->backoff = tp->retransmits = tp->probes_out = 0;
	tp->probes_stamp = 0;
	tp->ca_state = CA_OPEN;
	tp->ssthresh = TCP_SSTHRESH_INF;
	tp->cwnd = TCP_INIT_CWND;
	tp->cwnd_cnt = 0;
	tp->undo_marker = 0;
	tp->tlp_high_seq = 0;
	tp->max_window = 0;
	tp->ts_recent = 0;
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = 0;
	memset(&tp->rack, 0, sizeof(tp->rack));
	tp->rack.reo_wnd_steps = 1;
	clear_counts(tp);
	/* Whoever sleeps on it looks again, as after tcp_disconnect()'s sk_error_report(). */
	sock_raise(st, sk, EPOLLERR);
	return 0;
}

static int usr_connect(struct stack *st, struct socket *so, const struct endpoint *ep, uint64_t now)
{
	struct tcp_sock *tp = tcp_sk(so->sk);
	struct endpoint peer;
	int ret;

	if (ep == NULL)
		return disconnect(st, tp, now);
	ret = connect_checks(st, so->sk, ep);
	if (ret < 0)
		return ret;
	peer = *ep;
	/* An any address means this host (Linux: loopback); ours is reached inside the stack. */
	if (ipaddr_is_any(&peer.addr) && !ipaddr_is_any(&tp->inet.local.addr))
		peer.addr = tp->inet.local.addr;
	return start_connect(st, tp, &peer, now);
}

/* -- listen, accept -------------------------------------------------------------------------- */

static int usr_listen(struct stack *st, struct socket *so, int backlog, uint64_t now)
{
	struct tcp_sock *tp = tcp_sk(so->sk);
	struct endpoint any = tp->inet.local;
	int ret;

	if (so->sk->state != TCPS_CLOSED && so->sk->state != TCPS_LISTEN)
		return -EINVAL;
	/* listen(2) again only changes the backlog; a negative one is the maximum. */
	tp->backlog = backlog < 0 || backlog > TCP_SOMAXCONN ? TCP_SOMAXCONN : (uint32_t)backlog;
	if (so->sk->state == TCPS_LISTEN)
		return 0;
	if (!(tp->inet.bound & BOUND_HASHED)) {
		any.port = 0;
		ret = port_bind(st, &tp->inet, &any, now);
		if (ret < 0)
			return ret;
	}
	ret = port_listen(st, &tp->inet);
	if (ret < 0)
		return ret;
	tcp_set_state(st, tp, TCPS_LISTEN);
	tcp_table_add_listener(st, tp);
	return 0;
}

static int usr_accept(struct stack *st, struct socket *so, struct sock **out, uint64_t now)
{
	struct tcp_sock *tp = tcp_sk(so->sk), *child;

	(void)st;
	(void)now;
	if (so->sk->state != TCPS_LISTEN)
		return -EINVAL;
	child = tcp_accept_pop(tp);
	if (child == NULL)
		return -EAGAIN;
	*out = tcp_to_sk(child);
	return 0;
}

/* -- close, shutdown --------------------------------------------------------------------------- */

/* Our side is done: FIN after what is queued.  True if a FIN is due now. */
static bool close_send_side(struct stack *st, struct tcp_sock *tp)
{
	switch (tp->inet.sk.state) {
	case TCPS_SYN_RECEIVED:
		/* The FIN waits for the handshake: ack_of_syn(); but a closed embryo finishes. */
		if (!tcp_is_embryo(tp) || tp->inet.sk.socket != NULL)
			return false;
		tcp_set_state(st, tp, TCPS_FIN_WAIT_1);
		return true;
	case TCPS_ESTABLISHED:
		tcp_set_state(st, tp, TCPS_FIN_WAIT_1);
		return true;
	case TCPS_CLOSE_WAIT:
		tcp_set_state(st, tp, TCPS_LAST_ACK);
		return true;
	default:
		return false;
	}
}

static void send_fin(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	/* Nothing is held back any more: no Nagle, no cork (as Linux's tcp_send_fin()). */
	tp->flags &= ~TF_CORK;
	tcp_queue_fin(st, tp, now);
	tp->flags |= TF_NODELAY_PUSH;
	tcp_output(st, tp, now);
	tp->flags &= ~TF_NODELAY_PUSH;
}

static void close_fin_wait_2(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (tp->linger2_s < 0) {
		tcp_send_reset(st, tp, now);
		MIB_INC(st, TCP_ABORT_ON_LINGER);
		tcp_done(st, tp, 0, now);
		return;
	}
	tcp_time_wait(st, tp, true,
		      tp->linger2_s > 0 ? (uint64_t)tp->linger2_s * NS_PER_SEC : TCP_FIN_TIMEOUT, now);
}

/* close(2), the last reference: RFC 9293 3.10.4, RFC 1122 4.2.2.13, RFC 2525 2.17. */
void tcp_close(struct stack *st, struct sock *sk, uint64_t now)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool unread = tp->rcvq.bytes > 0;

	st->tcp.orphans++;
	sk->shutdown = RCV_SHUTDOWN | SEND_SHUTDOWN;
	tcp_rcvq_purge(st, tp);
	if (sk->state == TCPS_LISTEN) {
		tcp_set_state(st, tp, TCPS_CLOSED);
		tcp_listen_stop(st, tp, now);
	} else if (sk->state == TCPS_CLOSED) {
		/* nothing to say */
	} else if (sk->state == TCPS_SYN_SENT) {
		tcp_done(st, tp, 0, now);
	} else if (unread) {
		MIB_INC(st, TCP_ABORT_ON_CLOSE);
		tcp_send_reset(st, tp, now);
		tcp_done(st, tp, 0, now);
	} else if ((sk->flags & SOCK_F_LINGER) && sk->linger == 0) {
		MIB_INC(st, TCP_DATA_AFTER_CLOSE);
		if (wants_reset_on_disconnect(tp))
			tcp_send_reset(st, tp, now);
		tcp_done(st, tp, 0, now);
	} else if (close_send_side(st, tp)) {
		send_fin(st, tp, now);
	}
	if (sk->state == TCPS_FIN_WAIT_2)
		close_fin_wait_2(st, tp, now);
	if (sk->state == TCPS_CLOSED) {
		tcp_destroy(st, tp);
		return;
	}
	tcp_check_invariants(st, tp);
	st->in_hand = NULL;
}

static int usr_shutdown(struct stack *st, struct socket *so, int how, uint64_t now)
{
	struct sock *sk = so->sk;
	struct tcp_sock *tp = tcp_sk(sk);
	uint8_t bits = (uint8_t)(how + 1); /* SHUT_RD, SHUT_WR, SHUT_RDWR → bits 1, 2, 3 */

	switch (sk->state) {
	case TCPS_CLOSED:
		/* As inet_shutdown(): "Hack to wake up other listeners"; and a read is at the end. */
		sk->shutdown |= bits;
		if (sk->socket != NULL)
			sock_raise(st, sk, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
		return -ENOTCONN;
	case TCPS_LISTEN:
		if (bits & RCV_SHUTDOWN) {
			disconnect(st, tp, now);
			sock_raise(st, sk, EPOLLIN | EPOLLOUT | EPOLLHUP);
		}
		return 0;
	case TCPS_SYN_SENT:
		disconnect(st, tp, now);
		sock_raise(st, sk, EPOLLIN | EPOLLOUT | EPOLLHUP);
		return 0;
	default:
		break;
	}
	sk->shutdown |= bits;
	if ((bits & SEND_SHUTDOWN) && close_send_side(st, tp))
		send_fin(st, tp, now);
	sock_raise(st, sk,
		   ((sk->shutdown & RCV_SHUTDOWN) ? EPOLLIN | EPOLLRDNORM | EPOLLRDHUP : 0) |
			   EPOLLOUT |
			   (sk->shutdown == (RCV_SHUTDOWN | SEND_SHUTDOWN) ? EPOLLHUP : 0));
	tcp_check_invariants(st, tp);
	return 0;
}

/* -- state ------------------------------------------------------------------------------------- */

static int usr_getname(struct stack *st, struct sock *sk, struct endpoint *ep, bool peer)
{
	struct inet_sock *isk = inet_sk(sk);

	(void)st;
	if (!peer) {
		*ep = isk->local;
		return 0;
	}
	if (isk->peer.port == 0 || sk->state == TCPS_CLOSED || sk->state == TCPS_SYN_SENT)
		return -ENOTCONN;
	*ep = isk->peer;
	return 0;
}

static bool is_readable(const struct tcp_sock *tp)
{
	uint32_t target = tp->inet.sk.rcvlowat > 0 ? (uint32_t)tp->inet.sk.rcvlowat : 1;

	/* An urgent byte that is read out of band is not there for recv(2). */
	if ((tp->flags & TF_URG_SEEN) && tp->urg_seq == tp->copied_seq && target == 1 &&
	    !(tp->inet.sk.flags & SOCK_F_OOBINLINE))
		target++;
	return tp->rcvq.bytes >= target || (tp->rcvq.bytes > 0 && tcp_rcv_is_cramped(tp));
}

/* Linux's tcp_poll(). */
static uint32_t usr_poll(struct stack *st, struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t mask = 0;

	(void)st;
	if (sk->state == TCPS_LISTEN)
		return list_is_empty(&tp->acceptq) ? 0 : EPOLLIN | EPOLLRDNORM;
	if (sk->shutdown == (RCV_SHUTDOWN | SEND_SHUTDOWN) || sk->state == TCPS_CLOSED)
		mask |= EPOLLHUP;
	if (sk->shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if ((sk->state != TCPS_SYN_SENT && sk->state != TCPS_SYN_RECEIVED) || tcp_is_embryo(tp)) {
		if (is_readable(tp))
			mask |= EPOLLIN | EPOLLRDNORM;
		if (sk->shutdown & SEND_SHUTDOWN)
			mask |= EPOLLOUT | EPOLLWRNORM;
		else if (tcp_is_writeable(tp))
			mask |= EPOLLOUT | EPOLLWRNORM;
		else
			sk->flags |= SOCK_F_NOSPACE;
		if ((tp->flags & TF_URG_VALID) && !tp->urg_taken)
			mask |= EPOLLPRI;
	} else if (sk->flags & SOCK_F_DEFER_CONNECT) {
		mask |= EPOLLOUT | EPOLLWRNORM;
	}
	if (sk->err != 0 || tp->inet.errq.head != NULL)
		mask |= EPOLLERR;
	return mask;
}

static int usr_ioctl(struct stack *st, struct sock *sk, unsigned long request, int *arg,
		     uint64_t now)
{
	struct tcp_sock *tp = tcp_sk(sk);

	(void)st;
	(void)now;
	if (sk->state == TCPS_LISTEN && (request == SIOCINQ || request == SIOCOUTQ ||
					 request == SIOCOUTQNSD))
		return -EINVAL;
	switch (request) {
	case SIOCINQ:
		*arg = tcp_state_in(tp, TCPS_BIT(TCPS_SYN_RECEIVED)) ? 0 : (int)tp->rcvq.bytes;
		/* Bytes up to the urgent mark, as tcp_inq() counts. */
		if ((tp->flags & TF_URG_SEEN) && !(sk->flags & SOCK_F_OOBINLINE) &&
		    seq_leq(tp->copied_seq, tp->urg_seq) && seq_lt(tp->urg_seq, tp->rcv_nxt))
			*arg = (int)(tp->urg_seq - tp->copied_seq);
		return 0;
	case SIOCATMARK:
		*arg = (tp->flags & TF_URG_SEEN) && tp->urg_seq == tp->copied_seq;
		return 0;
	case SIOCOUTQ:
		*arg = tcp_state_in(tp, TCPS_SYNCHRONISED) ? (int)(tp->write_seq - tp->snd_una) : 0;
		return 0;
	case SIOCOUTQNSD:
		*arg = tcp_state_in(tp, TCPS_SYNCHRONISED) ? (int)(tp->write_seq - tp->snd_nxt) : 0;
		return 0;
	default:
		return -ENOTTY;
	}
}

const struct proto_ops inet_stream_ops = {
	.type = SOCK_STREAM,
	.protocol = IPPROTO_TCP,
	.alloc = usr_alloc,
	.release = tcp_close,
	.bind = usr_bind,
	.unbind = usr_unbind,
	.connect = usr_connect,
	.listen = usr_listen,
	.accept = usr_accept,
	.shutdown = usr_shutdown,
	.getname = usr_getname,
	.poll = usr_poll,
	.sendmsg = tcp_sendmsg,
	.recvmsg = tcp_recvmsg,
	.setsockopt = tcp_sockopt_set,
	.getsockopt = tcp_sockopt_get,
	.ioctl = usr_ioctl,
	.option_changed = tcp_option_changed,
};
