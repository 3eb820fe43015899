/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_recover.c - after a process was killed while it ran TCP: see core/recover.c.
 *
 * The sock in hand may be in any state, half written: it is reset, its queues forgotten (their
 * mbufs return with the rebuild of the packet pool).  All others were whole before their
 * last change was begun, so their own fields are believed; what links objects to each
 * other (tables, lists, timers, counters) is rebuilt.
 */
#include "stack/tcp/tcp.h"

/* Tell both ends: RST to the peer, ECONNRESET to the program. */
static void reset_in_hand(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct sock *sk = tcp_to_sk(tp);
	bool tell = tcp_state_in(tp, TCPS_SYNCHRONISED);

	MIB_INC(st, TCP_ABORT_ON_RECOVERY);
	tp->snd_head = tp->snd_tail = tp->send_head = NULL;
	tp->packets_out = tp->sacked_out = tp->lost_out = tp->retrans_out = tp->lost_unsent = 0;
	tp->ofo_head = tp->ofo_tail = NULL;
	pktq_init(&tp->rcvq);
	pktq_init(&tp->zcq);
	pktq_init(&tp->stampq);
	tp->stamp_unsent = NULL;
	pktq_init(&tp->inet.errq);
	sk->rmem = sk->wmem = 0;
	if (tell)
		tcp_send_reset(st, tp, now);
	sk->state = TCPS_CLOSED;
	sk->shutdown = RCV_SHUTDOWN | SEND_SHUTDOWN;
	sk->err = ECONNRESET;
	for (unsigned int i = 0; i < TCPT_COUNT; i++)
		tp->deadline[i] = TIMER_NEVER;
	tp->xmit_timer = XMIT_NONE;
	tp->tfo &= (uint16_t)~TFO_EMBRYO;
	tp->tfo_listener = NULL;
}

/*
 * Does anybody hold it: a program's socket, a listener's queue, or TCP itself until the
 * connection is over?  If not, the dead process was just making it or handing it over.
 */
static bool has_owner(const struct stack *st, const struct tcp_sock *tp)
{
	const struct socket *so = tp->inet.sk.socket;

	if (tp->listener != NULL || (tp->inet.sk.flags & SOCK_F_DEAD))
		return true;
	return so != NULL && pool_is_live(&st->sockets, pool_index(&st->sockets, so)) &&
	       so->sk == &tp->inet.sk;
}

static void relink_listener(struct stack *st, struct tcp_sock *tp)
{
	list_init(&tp->acceptq);
	list_init(&tp->reqs);
	list_init(&tp->tfo_embryos);
	list_init(&tp->tfo_link);
	tp->tfo_len = 0;
	tp->acceptq_len = 0;
	tp->nreqs = 0;
	if (tp->inet.sk.state == TCPS_LISTEN)
		tcp_table_add_listener(st, tp);
}

static void count_send_queue(struct stack *st, struct tcp_sock *tp)
{
	for (const struct rte_mbuf *m = tp->snd_head; m != NULL; m = pkt_cb(m)->qnext) {
		st->tcp.wmem += tcp_seg_truesize(m);
		tp->inet.sk.wmem += pkt_cb(m)->charged;
	}
}

static void count_queue(uint64_t *total, uint32_t *own, const struct rte_mbuf *m)
{
	for (; m != NULL; m = pkt_cb(m)->qnext) {
		*total += tcp_truesize(m);
		*own += tcp_truesize(m);
	}
}

static void relink_sock(struct stack *st, struct tcp_sock *tp)
{
	struct sock *sk = tcp_to_sk(tp);

	timer_cancel(&st->wheel, &tp->timer);
	tp->timer.next = NULL;
	tp->timer.pprev = NULL;
	tp->timer.kind = TIMER_TCP;
	tp->node.next = NULL;
	tp->node.pprev = NULL;
	tp->inet.hash_next = NULL;
	tp->inet.hash_pprev = NULL;
	list_init(&tp->pending_link);
	list_init(&tp->accept_link);
	tp->flags &= ~TF_PENDING;
	relink_listener(st, tp);
	sk->wmem = sk->rmem = 0;
	count_send_queue(st, tp);
	count_queue(&st->tcp.rmem, &sk->rmem, tp->rcvq.head);
	count_queue(&st->tcp.rmem, &sk->rmem, tp->ofo_head);
	for (const struct rte_mbuf *m = tp->ofo_head; m != NULL; m = pkt_cb(m)->qnext)
		st->tcp.ofo_bytes += tcp_truesize(m);
	if (sk->flags & SOCK_F_DEAD)
		st->tcp.orphans++;
	if (tcp_state_in(tp, TCPS_SYNCHRONISED | TCPS_BIT(TCPS_SYN_SENT) |
				     TCPS_BIT(TCPS_SYN_RECEIVED))) {
		tcp_table_insert(st, &tp->node);
		tcp_timer_rearm(st, tp);
		/* Something may have been owed when the burst was cut short. */
		tcp_mark_pending(st, tp);
	}
	port_restore(st, &tp->inet.port);
}

/* Children wait for their listener in the order of the array: the true order is lost. */
static void relink_child(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct tcp_sock *lsk = tp->listener;

	if (tp->tfo_listener != NULL && tp->tfo_listener->inet.sk.state == TCPS_LISTEN)
		tcp_tfo_link(tp->tfo_listener, tp);
	else
		tp->tfo_listener = NULL;
	if (lsk == NULL)
		return;
	if (lsk->inet.sk.state != TCPS_LISTEN) {
		tp->listener = NULL;
		tcp_child_abort(st, tp, now);
		return;
	}
	list_add_tail(&lsk->acceptq, &tp->accept_link);
	lsk->acceptq_len++;
}

static void relink_reqs(struct stack *st, uint64_t now)
{
	struct tcp_req *req;
	uint32_t i;

	pool_for_each(&st->tcp.reqs, i, req) {
		req->timer.next = NULL;
		req->timer.pprev = NULL;
		req->node.next = NULL;
		req->node.pprev = NULL;
		/* Half made, or its listener is gone: the peer sends its SYN again. */
		if (req->node.kind != TCP_NODE_REQ || req->listener == NULL ||
		    req->listener->inet.sk.state != TCPS_LISTEN || req->iss == 0 ||
		    tcp_table_find(st, &req->node.key, req->node.hash) != NULL) {
			pool_free(&st->tcp.reqs, req);
			continue;
		}
		list_add_tail(&req->listener->reqs, &req->link);
		req->listener->nreqs++;
		tcp_table_insert(st, &req->node);
		timer_arm(&st->wheel, &req->timer, now + TCP_RTO_INIT);
	}
}

static void relink_tws(struct stack *st, uint64_t now)
{
	struct tcp_tw *tw;
	uint32_t i;

	pool_for_each(&st->tcp.tws, i, tw) {
		tw->timer.next = NULL;
		tw->timer.pprev = NULL;
		tw->node.next = NULL;
		tw->node.pprev = NULL;
		if (tw->node.kind != TCP_NODE_TW ||
		    tcp_table_find(st, &tw->node.key, tw->node.hash) != NULL) {
			pool_free(&st->tcp.tws, tw);
			continue;
		}
		tcp_table_insert(st, &tw->node);
		port_restore(st, &tw->port);
		timer_arm(&st->wheel, &tw->timer, now + st->cfg.time_wait_ns);
	}
}

static void clear_tables(struct tcp_tables *t)
{
	memset(t->ehash, 0, (t->ehash_mask + 1) * sizeof(*t->ehash));
	memset(t->lhash, 0, (t->lhash_mask + 1) * sizeof(*t->lhash));
	list_init(&t->pending);
	t->orphans = 0;
	t->listeners = 0;
	t->rmem = t->wmem = t->ofo_bytes = 0;
	pool_rebuild(&t->socks);
	pool_rebuild(&t->reqs);
	pool_rebuild(&t->tws);
}

void tcp_recover(struct stack *st, uint64_t now)
{
	struct tcp_tables *t = &st->tcp;
	struct tcp_sock *tp;
	uint32_t i;

	clear_tables(t);
	if (st->in_hand != NULL && st->in_hand->protocol == IPPROTO_TCP &&
	    st->in_hand->type == SOCK_STREAM && st->in_hand->state != TCPS_LISTEN)
		reset_in_hand(st, tcp_sk(st->in_hand), now);
	pool_for_each(&t->socks, i, tp) {
		if (!has_owner(st, tp)) {
			reset_in_hand(st, tp, now);
			tp->inet.sk.socket = NULL;
			tp->inet.sk.flags |= SOCK_F_DEAD;
		}
	}
	pool_for_each(&t->socks, i, tp)
		relink_sock(st, tp);
	pool_for_each(&t->socks, i, tp)
		relink_child(st, tp, now);
	relink_tws(st, now);
	relink_reqs(st, now);
	/* An orphan that was being freed, or was reset just now. */
	pool_for_each(&t->socks, i, tp)
		if (tp->inet.sk.state == TCPS_CLOSED && (tp->inet.sk.flags & SOCK_F_DEAD))
			tcp_destroy(st, tp);
	st->mib.v[MIB_TCP_CURR_ESTAB] = 0;
	pool_for_each(&t->socks, i, tp)
		if (tcp_state_in(tp, TCPS_CAN_SEND))
			MIB_INC(st, TCP_CURR_ESTAB);
}

static void each_in_queue(struct rte_mbuf *m, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	struct rte_mbuf *next;

	for (; m != NULL; m = next) {
		next = pkt_cb(m)->qnext;
		fn(m, arg);
	}
}

void tcp_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	struct tcp_sock *tp;
	uint32_t i;

	pool_for_each(&st->tcp.socks, i, tp) {
		each_in_queue(tp->rcvq.head, fn, arg);
		each_in_queue(tp->ofo_head, fn, arg);
		each_in_queue(tp->zcq.head, fn, arg);
		each_in_queue(tp->stampq.head, fn, arg);
		each_in_queue(tp->inet.errq.head, fn, arg);
	}
}

void tcp_for_each_segment(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	struct tcp_sock *tp;
	uint32_t i;

	pool_for_each(&st->tcp.socks, i, tp)
		each_in_queue(tp->snd_head, fn, arg);
}
