/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_fsm.c - the states of RFC 9293 3.3.2, who may follow whom, and what a change entails.
 *
 * A half-open passive connection is a struct tcp_req, so SYN_RECEIVED occurs here only in a
 * simultaneous open and with Fast Open.  TIME_WAIT is passed through: tcp_demux.c sends the last ACK and makes
 * a struct tcp_tw of what is left.
 */
#include "stack/inet/filter.h"
#include "stack/tcp/tcp.h"

#include <assert.h>

static const char *const state_names[TCPS_COUNT] = {
	[TCPS_CLOSED] = "CLOSED",
	[TCPS_ESTABLISHED] = "ESTABLISHED",
	[TCPS_SYN_SENT] = "SYN_SENT",
	[TCPS_SYN_RECEIVED] = "SYN_RECEIVED",
	[TCPS_FIN_WAIT_1] = "FIN_WAIT_1",
	[TCPS_FIN_WAIT_2] = "FIN_WAIT_2",
	[TCPS_TIME_WAIT] = "TIME_WAIT",
	[TCPS_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCPS_LAST_ACK] = "LAST_ACK",
	[TCPS_LISTEN] = "LISTEN",
	[TCPS_CLOSING] = "CLOSING",
};

/* Every state may become CLOSED: reset, time-out, close of what was never open. */
static const uint16_t successors[TCPS_COUNT] = {
	[TCPS_CLOSED] = TCPS_BIT(TCPS_LISTEN) | TCPS_BIT(TCPS_SYN_SENT) |
			TCPS_BIT(TCPS_ESTABLISHED) | /* a child is born established */
			TCPS_BIT(TCPS_SYN_RECEIVED), /* or, with Fast Open, before */
	[TCPS_LISTEN] = 0,
	[TCPS_SYN_SENT] = TCPS_BIT(TCPS_SYN_RECEIVED) | TCPS_BIT(TCPS_ESTABLISHED),
	[TCPS_SYN_RECEIVED] = TCPS_BIT(TCPS_ESTABLISHED) | TCPS_BIT(TCPS_FIN_WAIT_1),
	[TCPS_ESTABLISHED] = TCPS_BIT(TCPS_FIN_WAIT_1) | TCPS_BIT(TCPS_CLOSE_WAIT),
	[TCPS_FIN_WAIT_1] = TCPS_BIT(TCPS_FIN_WAIT_2) | TCPS_BIT(TCPS_CLOSING) |
			    TCPS_BIT(TCPS_TIME_WAIT),
	[TCPS_FIN_WAIT_2] = TCPS_BIT(TCPS_TIME_WAIT),
	[TCPS_CLOSE_WAIT] = TCPS_BIT(TCPS_LAST_ACK),
	[TCPS_CLOSING] = TCPS_BIT(TCPS_TIME_WAIT),
	[TCPS_LAST_ACK] = 0,
	[TCPS_TIME_WAIT] = 0,
};

const char *tcp_state_name(uint8_t state)
{
	return state < TCPS_COUNT && state_names[state] != NULL ? state_names[state] : "?";
}

bool tcp_transition_is_legal(uint8_t from, uint8_t to)
{
	if (from >= TCPS_COUNT || to >= TCPS_COUNT)
		return false;
	return to == TCPS_CLOSED || (successors[from] & TCPS_BIT(to)) != 0;
}

/* What TcpCurrEstab counts (RFC 4022). */
static bool counts_as_established(uint8_t state)
{
	return state == TCPS_ESTABLISHED || state == TCPS_CLOSE_WAIT;
}

void tcp_set_state(struct stack *st, struct tcp_sock *tp, uint8_t state)
{
	struct sock *sk = tcp_to_sk(tp);
	uint8_t old = sk->state;

	if (old == state)
		return;
#ifdef SHIM_DEBUG
	assert(tcp_transition_is_legal(old, state));
#endif
	if (counts_as_established(state) && !counts_as_established(old))
		MIB_INC(st, TCP_CURR_ESTAB);
	else if (!counts_as_established(state) && counts_as_established(old))
		MIB_DEC(st, TCP_CURR_ESTAB);
	if (state == TCPS_CLOSED) {
		tcp_table_remove(&tp->node);
		if (old == TCPS_LISTEN)
			tcp_table_remove_listener(st, tp);
		/* A port the program chose stays its own until close(2). */
		if (!(tp->inet.bound & BOUND_PORT))
			port_unbind(st, &tp->inet);
	}
	sk->state = state;
}

static void unpend(struct tcp_sock *tp)
{
	if (tp->flags & TF_PENDING) {
		list_del(&tp->pending_link);
		tp->flags &= ~TF_PENDING;
	}
}

/*
 * Data that was received stays readable; a program that waits learns of everything at once,
 * as Linux tells it: EPOLLIN EPOLLOUT EPOLLRDHUP EPOLLHUP, and EPOLLERR with an error.
 */
void tcp_done(struct stack *st, struct tcp_sock *tp, int err, uint64_t now)
{
	struct sock *sk = tcp_to_sk(tp);

	if (sk->state == TCPS_CLOSED)
		return;
	sk->flags &= ~SOCK_F_DEFER_CONNECT;
	if (tcp_is_embryo(tp))
		tcp_tfo_hatch(tp, err == ECONNRESET, now);
	if (sk->state == TCPS_SYN_SENT || sk->state == TCPS_SYN_RECEIVED)
		MIB_INC(st, TCP_ATTEMPT_FAILS);
	else if (err != 0 && counts_as_established(sk->state))
		MIB_INC(st, TCP_ESTAB_RESETS);
	tcp_set_state(st, tp, TCPS_CLOSED);
	tcp_timer_stop_all(st, tp);
	unpend(tp);
	tcp_sndq_purge(st, tp);
	tcp_ofo_purge(st, tp);
	sk->shutdown = RCV_SHUTDOWN | SEND_SHUTDOWN;
	if (err != 0)
		sock_error(st, sk, err);
	sock_raise(st, sk, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
}

void tcp_destroy(struct stack *st, struct tcp_sock *tp)
{
	struct sock *sk = tcp_to_sk(tp);

	unpend(tp);
	tcp_timer_stop_all(st, tp);
	tcp_table_remove(&tp->node);
	tcp_table_remove_listener(st, tp);
	tcp_sndq_purge(st, tp);
	tcp_ofo_purge(st, tp);
	tcp_rcvq_purge(st, tp);
	pktq_purge(&tp->zcq);
	pktq_purge(&tp->inet.errq);
	port_unbind(st, &tp->inet);
	if (sk->flags & SOCK_F_DEAD)
		st->tcp.orphans--;
	if (st->in_hand == sk)
		st->in_hand = NULL;
	filter_detach(st, sk);
	pool_free(&st->tcp.socks, tp);
}

#ifdef SHIM_DEBUG
static void check_send_queue(const struct tcp_sock *tp)
{
	const struct rte_mbuf *m;
	uint32_t packets = 0, sacked = 0, lost = 0, retrans = 0, unsent_lost = 0;
	uint32_t seq = tp->snd_head != NULL ? pkt_cb(tp->snd_head)->seq : 0;
	bool sent = true;

	for (m = tp->snd_head; m != NULL; m = pkt_cb(m)->qnext) {
		const struct pkt_cb *cb = pkt_cb(m);

		if (m == tp->send_head)
			sent = false;
		assert(cb->seq == seq);
		assert(cb->end_seq == cb->seq + cb->len + !!(cb->tcp_flags & TH_FIN));
		assert(cb->qnext != NULL || m == tp->snd_tail);
		assert(cb->len <= (uint32_t)m->buf_len - cb->off);
		seq = cb->end_seq;
		if (!sent) {
			assert(seq_geq(cb->seq, tp->snd_nxt));
			continue;
		}
		packets++;
		sacked += !!(cb->sacked & SEG_SACKED);
		lost += !!(cb->sacked & SEG_LOST);
		retrans += !!(cb->sacked & SEG_RETRANS);
		unsent_lost += (cb->sacked & (SEG_LOST | SEG_RETRANS)) == SEG_LOST;
	}
	assert(tp->snd_head == NULL || seq == tp->write_seq);
	assert(packets == tp->packets_out);
	assert(lost == tp->lost_out && retrans == tp->retrans_out);
	assert(unsent_lost == tp->lost_unsent);
	assert(!(tp->flags & TF_SACK) || sacked == tp->sacked_out);
	assert(tp->sacked_out + tp->lost_out <= tp->packets_out);
}

static void check_receive_side(const struct tcp_sock *tp)
{
	const struct rte_mbuf *m;
	uint32_t seq = tp->copied_seq;

	for (m = tp->rcvq.head; m != NULL; m = pkt_cb(m)->qnext) {
		assert(seq_geq(pkt_cb(m)->seq, seq));
		seq = pkt_cb(m)->seq + pkt_cb(m)->len;
	}
	assert(seq_leq(seq, tp->rcv_nxt));
	assert(seq_leq(tp->rcv_wup, tp->rcv_nxt));
	for (m = tp->ofo_head; m != NULL; m = pkt_cb(m)->qnext) {
		assert(seq_gt(pkt_cb(m)->seq, tp->rcv_nxt));
		if (pkt_cb(m)->qnext != NULL)
			assert(seq_lt(pkt_cb(m)->seq, pkt_cb(pkt_cb(m)->qnext)->seq));
	}
	for (unsigned int i = 0; i < tp->nsacks_out; i++)
		assert(seq_lt(tp->sacks_out[i].start, tp->sacks_out[i].end));
}

void tcp_check_invariants(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	if (!tcp_state_in(tp, TCPS_SYNCHRONISED))
		return;
	assert(seq_leq(tp->snd_una, tp->snd_nxt));
	assert(seq_leq(tp->snd_nxt, tp->write_seq));
	assert(tp->cwnd >= 1);
	check_send_queue(tp);
	check_receive_side(tp);
	/* Unacknowledged data is watched by a timer that cannot be later than its deadline. */
	if (tp->packets_out > 0)
		assert(tp->xmit_timer != XMIT_NONE && tp->xmit_timer != XMIT_PERSIST);
	if (tcp_timers_next(tp) != TIMER_NEVER)
		assert(timer_is_armed(&tp->timer) && tp->timer.deadline <= tcp_timers_next(tp));
}
#else
void tcp_check_invariants(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	(void)tp;
}
#endif
