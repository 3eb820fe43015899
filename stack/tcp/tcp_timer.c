/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_timer.c - time passing on a connection.
 *
 * A connection has four deadlines (enum tcp_timer) and one timer in the wheel, which is
 * armed no later than the earliest of them.  Moving a deadline later, as each ACK does with
 * the RTO, only writes the number: when the wheel's timer fires too early it is armed again.
 *
 *   XMIT_RTO	  no ACK of the oldest segment within the RTO: RFC 6298 5.4, back off, CA_Loss
 *   XMIT_TLP	  no ACK for two round trips: send a probe (RFC 8985 7)
 *   XMIT_REO	  RACK's reordering window is over: mark and retransmit (RFC 8985 6.3)
 *   XMIT_PERSIST the peer's window is shut, or nothing may be sent for another reason and
 *		  nothing is in flight: probe it (RFC 9293 3.8.6.1)
 *   DELACK	  an ACK was held back long enough (RFC 1122 4.2.3.2)
 *   KEEP	  nothing heard for KEEPIDLE: keepalive (RFC 1122 4.2.3.6); for an orphan in
 *		  FIN_WAIT_2: it has waited long enough
 *   PACE	  the next segment's time has come
 */
#include "stack/tcp/tcp_cc.h"
#include "stack/tcp/tcp.h"

/* -- deadlines ----------------------------------------------------------------------- */

uint64_t tcp_timers_next(const struct tcp_sock *tp)
{
	uint64_t next = TIMER_NEVER;

	for (unsigned int i = 0; i < TCPT_COUNT; i++)
		if (tp->deadline[i] < next)
			next = tp->deadline[i];
	return next;
}

void tcp_timer_set(struct stack *st, struct tcp_sock *tp, enum tcp_timer which, uint64_t deadline)
{
	tp->deadline[which] = deadline;
	if (!timer_is_armed(&tp->timer) || deadline < tp->timer.deadline)
		timer_arm(&st->wheel, &tp->timer, deadline);
}

void tcp_timer_clear(struct tcp_sock *tp, enum tcp_timer which)
{
	tp->deadline[which] = TIMER_NEVER;
}

void tcp_timer_rearm(struct stack *st, struct tcp_sock *tp)
{
	uint64_t next = tcp_timers_next(tp);

	if (next == TIMER_NEVER)
		timer_cancel(&st->wheel, &tp->timer);
	else if (!timer_is_armed(&tp->timer) || next < tp->timer.deadline)
		timer_arm(&st->wheel, &tp->timer, next);
}

void tcp_timer_stop_all(struct stack *st, struct tcp_sock *tp)
{
	for (unsigned int i = 0; i < TCPT_COUNT; i++)
		tp->deadline[i] = TIMER_NEVER;
	tp->xmit_timer = XMIT_NONE;
	timer_cancel(&st->wheel, &tp->timer);
}

void tcp_xmit_timer_set(struct stack *st, struct tcp_sock *tp, enum tcp_xmit_timer kind,
			uint64_t delay, uint64_t now)
{
	tp->xmit_timer = (uint8_t)kind;
	tcp_timer_set(st, tp, TCPT_XMIT, now + delay);
}

void tcp_xmit_timer_clear(struct tcp_sock *tp)
{
	tp->xmit_timer = XMIT_NONE;
	tcp_timer_clear(tp, TCPT_XMIT);
}

/*
 * RFC 6298 5.2 and 5.3.  When the RTO takes over from a shorter timer (probe, reordering)
 * it still counts from the oldest segment's transmission.
 */
void tcp_rearm_rto(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint64_t delay = tp->rto;

	if (tp->packets_out == 0) {
		if (tp->xmit_timer != XMIT_PERSIST)
			tcp_xmit_timer_clear(tp);
		return;
	}
	if (tp->xmit_timer == XMIT_REO || tp->xmit_timer == XMIT_TLP) {
		uint64_t due = pkt_cb(tp->snd_head)->tstamp + tp->rto;

		delay = due > now + NS_PER_MS ? due - now : NS_PER_MS;
	}
	tcp_xmit_timer_set(st, tp, XMIT_RTO, delay, now);
}

/* -- the retransmission family --------------------------------------------------------- */

static void give_up(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	int err = tp->inet.sk.err_soft != 0 ? tp->inet.sk.err_soft : ETIMEDOUT;

	MIB_INC(st, TCP_ABORT_ON_TIMEOUT);
	tcp_done(st, tp, err, now);
}

/*
 * Linux's model of "n retransmissions": the time that n exponentially growing time-outs
 * starting at the least RTO would take, so that the limit does not depend on the RTT.
 */
static uint64_t retries_duration(unsigned int n, uint64_t base)
{
	unsigned int doublings = 0;

	while ((base << (doublings + 1)) <= TCP_RTO_MAX)
		doublings++;
	if (n <= doublings)
		return ((2ull << n) - 1) * base;
	return ((2ull << doublings) - 1) * base + (n - doublings) * TCP_RTO_MAX;
}

static bool timed_out(const struct tcp_sock *tp, unsigned int retries, uint64_t now)
{
	uint64_t limit;

	if (tp->retransmits == 0 || tp->retrans_stamp == 0)
		return false;
	/* RFC 5482: the user's limit replaces the count. */
	if (tp->user_timeout_ms != 0)
		limit = tp->user_timeout_ms * NS_PER_MS;
	else
		limit = retries_duration(retries, TCP_RTO_MIN);
	return now - tp->retrans_stamp >= limit;
}

static bool is_orphan(const struct tcp_sock *tp)
{
	return (tp->inet.sk.flags & SOCK_F_DEAD) != 0;
}

/* Too many orphans, or one that has been trying for long: less patience. */
static unsigned int orphan_retries(const struct tcp_sock *tp, bool alive)
{
	if (tp->inet.sk.err_soft != 0 && !alive)
		return 0;
	return TCP_ORPHAN_RETRIES;
}

/* Our SYN or SYN-ACK is what the peer has not answered. */
static bool is_handshaking(const struct tcp_sock *tp)
{
	return tcp_state_in(tp, TCPS_BIT(TCPS_SYN_SENT) | TCPS_BIT(TCPS_SYN_RECEIVED)) ||
	       tcp_is_embryo(tp);
}

static bool rto_gives_up(struct tcp_sock *tp, uint64_t now)
{
	unsigned int retries = TCP_RETRIES2;

	/* As Linux: one attempt more than for a half-open connection. */
	if (unlikely(tcp_is_embryo(tp)))
		return tp->retransmits >= (tp->syn_retries != 0 ? tp->syn_retries :
								  TCP_SYNACK_RETRIES + 1);
	if (tcp_state_in(tp, TCPS_BIT(TCPS_SYN_SENT) | TCPS_BIT(TCPS_SYN_RECEIVED))) {
		retries = tp->syn_retries != 0 ? tp->syn_retries : TCP_SYN_RETRIES;
		if (tp->retransmits >= retries)
			return true;
		return tp->user_timeout_ms != 0 && timed_out(tp, retries, now);
	}
	if (is_orphan(tp))
		retries = orphan_retries(tp, tp->rto < TCP_RTO_MAX);
	return timed_out(tp, retries, now);
}

static void back_off(struct tcp_sock *tp)
{
	/* RFC 6298 5.5: double, up to a maximum. */
	tp->rto = tp->rto * 2 < TCP_RTO_MAX ? tp->rto * 2 : TCP_RTO_MAX;
	if (tp->backoff < UINT8_MAX)
		tp->backoff++;
}

/* RFC 5482: no timer runs beyond the end of the user's patience, which began at since (0: not yet). */
static uint64_t within_user_timeout(const struct tcp_sock *tp, uint64_t delay, uint64_t since,
				    uint64_t now)
{
	uint64_t limit = tp->user_timeout_ms * NS_PER_MS;

	if (limit == 0 || since == 0)
		return delay;
	if (now - since >= limit)
		return NS_PER_MS;
	return RTE_MIN(delay, limit - (now - since));
}

/* Until the next time-out, in a row of them. */
uint64_t tcp_rto_delay(const struct tcp_sock *tp, uint64_t now)
{
	if (tp->retransmits == 0)
		return tp->rto;
	return within_user_timeout(tp, tp->rto, tp->retrans_stamp, now);
}

static void count_retransmit(struct tcp_sock *tp)
{
	if (tp->retransmits < UINT8_MAX)
		tp->retransmits++;
}

static void rto_syn(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	count_retransmit(tp);
	MIB_INC(st, TCP_RETRANS_SEGS);
	tp->total_retrans++;
	if (tp->retrans_stamp == 0)
		tp->retrans_stamp = now;
	/* Fast Open: if the SYN-ACK was lost, so was what followed it. */
	if (tcp_is_embryo(tp) && tp->packets_out > 0 && tp->retransmits == 1)
		tcp_loss_enter_rto(st, tp, now);
	/* RFC 3168 6.1.1.1: perhaps it was lost for what it asks. */
	if (tp->inet.sk.state == TCPS_SYN_SENT)
		tp->flags &= ~TF_ECN;
	tcp_send_syn(st, tp, NULL, NULL, now);
	back_off(tp);
	/* The SYN-ACK of Fast Open has a number of attempts, and no user yet. */
	tcp_xmit_timer_set(st, tp, XMIT_RTO, tcp_is_embryo(tp) ? tp->rto : tcp_rto_delay(tp, now),
			   now);
}

/*
 * The peer took back a window that data was sent into (RFC 9293 3.8.6).  As long as it
 * answers it is alive: its silence counts, not the number of our attempts.
 */
static bool window_was_shut(const struct tcp_sock *tp)
{
	return tp->snd_wnd == 0 && tp->packets_out > 0 && !is_orphan(tp) &&
	       tcp_state_in(tp, TCPS_SYNCHRONISED) && tp->user_timeout_ms == 0;
}

static void on_rto(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	bool shut = window_was_shut(tp);
	uint16_t mss = tp->mss;

	/* Two of the longest intervals: an answer to the last attempt is never older than one. */
	if (shut ? now - tp->rcv_tstamp > 2 * TCP_RTO_MAX : rto_gives_up(tp, now)) {
		give_up(st, tp, now);
		return;
	}
	MIB_INC(st, TCP_TIMEOUTS);
	tcp_chrono_rto(tp, now);
	if (is_handshaking(tp)) {
		rto_syn(st, tp, now);
		return;
	}
	if (tp->packets_out == 0) {
		tcp_xmit_timer_clear(tp);
		return;
	}
	if (tp->retransmits > 0 && tp->retrans_stamp != 0 &&
	    now - tp->retrans_stamp >= retries_duration(TCP_RETRIES1, TCP_RTO_MIN)) {
		tp->inet.dst.gen = 0; /* RFC 1122 4.2.3.5: R1, ask the network layer again */
		if (!shut)
			tcp_mtup_timeout(st, tp, now);
	}
	tcp_loss_enter_rto(st, tp, now);
	if (unlikely(tp->mss < mss)) /* a black hole */
		tcp_sndq_recut(st, tp);
	if (tp->retrans_stamp == 0)
		tp->retrans_stamp = now;
	if (!shut)
		count_retransmit(tp);
	back_off(tp);
	tcp_xmit_timer_set(st, tp, XMIT_RTO, tcp_rto_delay(tp, now), now);
	tcp_mark_pending(st, tp);
}

/*
 * RFC 6069 3: the segment whose retransmission timed out did not get beyond a broken path: take one
 * back-off back, and if the shorter RTO is over already, send it again now.
 */
void tcp_rto_revert(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint64_t due;

	if (tp->retransmits == 0 || tp->backoff == 0 || tp->packets_out == 0 ||
	    tp->xmit_timer != XMIT_RTO)
		return;
	tp->backoff--;
	tcp_rto_reset(tp);
	for (unsigned int i = 0; i < tp->backoff && tp->rto < TCP_RTO_MAX; i++)
		tp->rto *= 2;
	if (tp->rto > TCP_RTO_MAX)
		tp->rto = TCP_RTO_MAX;
	due = pkt_cb(tp->snd_head)->tstamp + tp->rto;
	if (due > now)
		tcp_xmit_timer_set(st, tp, XMIT_RTO, due - now, now);
	else
		on_rto(st, tp, now);
}

/* The persist timer's next interval: the RTO, backed off, between RTO_MIN and RTO_MAX. */
static uint64_t probe_interval(const struct tcp_sock *tp)
{
	uint64_t base = tp->rto > TCP_RTO_MIN ? tp->rto : TCP_RTO_MIN;
	unsigned int shift = tp->backoff < 10 ? tp->backoff : 10;

	base <<= shift;
	return base < TCP_RTO_MAX ? base : TCP_RTO_MAX;
}

/*
 * RFC 9293 3.8.6.1: probing goes on as long as the peer answers.  It ends for a peer that
 * is silent (15 probes in a row) and after TCP_USER_TIMEOUT; for an orphan with the window
 * shut it ends after fewer even if the peer answers, as in Linux.
 */
static void on_persist(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	unsigned int limit = TCP_RETRIES2;

	if (tp->packets_out != 0 || tp->send_head == NULL) {
		tp->probes_out = 0;
		tp->probes_stamp = 0;
		tcp_xmit_timer_clear(tp);
		return;
	}
	if (tp->probes_stamp == 0)
		tp->probes_stamp = now;
	else if (tp->user_timeout_ms != 0 &&
		 now - tp->probes_stamp >= tp->user_timeout_ms * NS_PER_MS) {
		give_up(st, tp, now);
		return;
	}
	if (is_orphan(tp)) {
		bool alive = probe_interval(tp) < TCP_RTO_MAX;

		limit = orphan_retries(tp, alive);
		if (!alive && tp->backoff >= limit) {
			give_up(st, tp, now);
			return;
		}
	}
	if (tp->probes_out >= limit) {
		give_up(st, tp, now);
		return;
	}
	MIB_INC(st, TCP_ZERO_WINDOW_PROBES);
	tcp_write_wakeup(st, tp, now);
	if (tp->packets_out != 0 || tp->send_head == NULL) {
		/* A piece did fit the window: the RTO guards it now. */
		tp->probes_out = 0;
		tp->probes_stamp = 0;
		tp->backoff = 0;
		return;
	}
	tp->probes_out++;
	if (tp->backoff < TCP_RETRIES2)
		tp->backoff++;
	tcp_xmit_timer_set(st, tp, XMIT_PERSIST,
			   within_user_timeout(tp, probe_interval(tp), tp->probes_stamp, now), now);
}

/* Something is queued, nothing is in flight and nothing else will wake us: arm the probe. */
void tcp_check_probe_timer(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (tp->packets_out == 0 && tp->xmit_timer == XMIT_NONE && tp->send_head != NULL)
		tcp_xmit_timer_set(st, tp, XMIT_PERSIST, probe_interval(tp), now);
}

void tcp_probe_restart(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	tcp_xmit_timer_set(st, tp, XMIT_PERSIST,
			   within_user_timeout(tp, probe_interval(tp), tp->probes_stamp, now), now);
}

static void on_reo(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint32_t lost = tp->lost, in_flight = tcp_in_flight(tp);
	uint64_t wait = tcp_rack_detect(tp, now);

	tcp_xmit_timer_clear(tp);
	if (tcp_in_flight(tp) != in_flight)
		tcp_loss_by_timer(st, tp, tp->lost - lost, now);
	if (wait != 0)
		tcp_xmit_timer_set(st, tp, XMIT_REO, wait, now);
	else
		tcp_rearm_rto(st, tp, now);
	tcp_mark_pending(st, tp);
}

/* -- tail loss probe: RFC 8985 7 --------------------------------------------------------- */

bool tcp_tlp_schedule(struct stack *st, struct tcp_sock *tp, bool acked, uint64_t now)
{
	uint64_t pto, rto_due;

	/* 7.2: only with SACK, in Open or CWR, and when neither probe nor recovery is under way. */
	if (!(tp->flags & TF_SACK) || tp->packets_out == 0 || unlikely(tcp_is_embryo(tp)) ||
	    (tp->ca_state != CA_OPEN && tp->ca_state != CA_CWR) || tp->tlp_high_seq != 0)
		return false;
	/* 7.2: PTO = 2 * SRTT, plus the peer's worst delayed ACK if one segment is in flight; 1 s without SRTT. */
	pto = (tp->srtt >> 3) * 2;
	if (tp->srtt == 0)
		pto = TCP_RTO_INIT;
	else if (tp->packets_out == 1)
		pto += TCP_RTO_MIN;
	else
		pto += 2 * NS_PER_MS;
	/* Not later than the RTO, which an ACK has just started anew. */
	rto_due = (acked ? now : pkt_cb(tp->snd_head)->tstamp) + tp->rto;
	if (rto_due <= now)
		return false;
	if (pto > rto_due - now)
		pto = rto_due - now;
	tcp_xmit_timer_set(st, tp, XMIT_TLP, pto, now);
	return true;
}

/* 7.3: send new data if there is some and the window allows, else the last segment again. */
static void on_tlp(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct rte_mbuf *m;

	tcp_xmit_timer_clear(tp);
	if (tp->packets_out == 0 || tp->tlp_high_seq != 0) {
		tcp_rearm_rto(st, tp, now);
		return;
	}
	tp->flags &= ~TF_TLP_RETRANS;
	if (!tcp_send_new(st, tp, true, now)) {
		for (m = tp->snd_head; pkt_cb(m)->qnext != tp->send_head;)
			m = pkt_cb(m)->qnext;
		if (tcp_resend(st, tp, m, now) == 0)
			tp->flags |= TF_TLP_RETRANS;
	}
	tp->tlp_high_seq = tp->snd_nxt;
	MIB_INC(st, TCP_LOSS_PROBES);
	tp->xmit_timer = XMIT_NONE;
	tcp_xmit_timer_set(st, tp, XMIT_RTO, tp->rto, now);
}

static void on_xmit_timer(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	switch (tp->xmit_timer) {
	case XMIT_RTO:
		on_rto(st, tp, now);
		break;
	case XMIT_PERSIST:
		on_persist(st, tp, now);
		break;
	case XMIT_REO:
		on_reo(st, tp, now);
		break;
	case XMIT_TLP:
		on_tlp(st, tp, now);
		break;
	default:
		tcp_xmit_timer_clear(tp);
	}
}

/* -- keepalive ------------------------------------------------------------------------- */

uint64_t tcp_keepidle(const struct tcp_sock *tp)
{
	return (tp->keepidle_s != 0 ? tp->keepidle_s : TCP_KEEPIDLE_S) * NS_PER_SEC;
}

uint64_t tcp_keepintvl(const struct tcp_sock *tp)
{
	return (tp->keepintvl_s != 0 ? tp->keepintvl_s : TCP_KEEPINTVL_S) * NS_PER_SEC;
}

static uint64_t last_heard(const struct tcp_sock *tp)
{
	return tp->lrcvtime > tp->rcv_tstamp ? tp->lrcvtime : tp->rcv_tstamp;
}

void tcp_keepalive_start(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint64_t due = last_heard(tp) + tcp_keepidle(tp);

	if (!tcp_state_in(tp, TCPS_SYNCHRONISED))
		return;
	tcp_timer_set(st, tp, TCPT_KEEP, due > now ? due : now);
}

static bool keepalive_gives_up(const struct tcp_sock *tp, uint64_t idle)
{
	unsigned int limit = tp->keepcnt != 0 ? tp->keepcnt : TCP_KEEPCNT_DEF;

	/* tcp(7): TCP_USER_TIMEOUT overrides keepalive's own limit. */
	if (tp->user_timeout_ms != 0)
		return idle >= tp->user_timeout_ms * NS_PER_MS && tp->keep_probes > 0;
	return tp->keep_probes >= limit;
}

static void on_keep(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint64_t idle = now - last_heard(tp);

	tcp_timer_clear(tp, TCPT_KEEP);
	if (tp->inet.sk.state == TCPS_FIN_WAIT_2 && is_orphan(tp)) {
		/* The peer had its time to finish; Linux keeps the rest as a small TIME_WAIT. */
		tcp_done(st, tp, 0, now);
		return;
	}
	if (!(tp->inet.sk.flags & SOCK_F_KEEPALIVE) || !tcp_state_in(tp, TCPS_SYNCHRONISED))
		return;
	if (tp->packets_out != 0 || tp->send_head != NULL) {
		/* Data in flight is probe enough. */
		tcp_timer_set(st, tp, TCPT_KEEP, now + tcp_keepidle(tp));
		return;
	}
	if (idle < tcp_keepidle(tp)) {
		tp->keep_probes = 0;
		tcp_timer_set(st, tp, TCPT_KEEP, now + tcp_keepidle(tp) - idle);
		return;
	}
	if (keepalive_gives_up(tp, idle)) {
		tcp_send_reset(st, tp, now);
		give_up(st, tp, now);
		return;
	}
	MIB_INC(st, TCP_KEEPALIVE);
	tcp_send_probe(st, tp, false, now);
	if (tp->keep_probes < UINT8_MAX)
		tp->keep_probes++;
	tcp_timer_set(st, tp, TCPT_KEEP, now + tcp_keepintvl(tp));
}

static void on_delack(struct stack *st, struct tcp_sock *tp)
{
	tcp_timer_clear(tp, TCPT_DELACK);
	if (!(tp->flags & TF_ACK_SCHED))
		return;
	if (tp->ack_pingpong == 0) {
		/* The estimate was too short: be slower. */
		tp->ato = tp->ato * 2 < TCP_DELACK_MAX ? tp->ato * 2 : TCP_DELACK_MAX;
	} else {
		/* The reply that was to carry the ACK did not come. */
		tp->ack_pingpong = 0;
		tp->ato = TCP_DELACK_MAX;
	}
	MIB_INC(st, TCP_DELAYED_ACKS);
	tp->flags |= TF_ACK_NOW;
	tcp_mark_pending(st, tp);
}

/* -- the wheel's call ------------------------------------------------------------------- */

typedef void deadline_fn(struct stack *st, struct tcp_sock *tp, uint64_t now);

static void on_delack_at(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	(void)now;
	on_delack(st, tp);
}

static void on_pace(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	(void)now;
	tcp_timer_clear(tp, TCPT_PACE);
	tcp_mark_pending(st, tp);
}

static deadline_fn *const deadline_fns[] = {
	[TCPT_XMIT] = on_xmit_timer,
	[TCPT_DELACK] = on_delack_at,
	[TCPT_KEEP] = on_keep,
	[TCPT_PACE] = on_pace,
};
static_assert(sizeof(deadline_fns) / sizeof(deadline_fns[0]) == TCPT_COUNT, "one per deadline");

static void sock_timer(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	st->in_hand = tcp_to_sk(tp);
	for (unsigned int i = 0; i < TCPT_COUNT && tp->inet.sk.state != TCPS_CLOSED; i++)
		if (tp->deadline[i] <= now)
			deadline_fns[i](st, tp, now);
	if (tp->inet.sk.state == TCPS_CLOSED) {
		tcp_timer_stop_all(st, tp);
		if (is_orphan(tp))
			tcp_destroy(st, tp);
	} else {
		tcp_timer_rearm(st, tp);
		tcp_check_invariants(st, tp);
	}
	st->in_hand = NULL;
}

void tcp_timer_fire(struct stack *st, struct timer *t, uint64_t now)
{
	switch (t->kind) {
	case TIMER_TCP:
		sock_timer(st, container_of(t, struct tcp_sock, timer), now);
		break;
	case TIMER_TCP_REQ:
		tcp_req_timer(st, container_of(t, struct tcp_req, timer), now);
		break;
	case TIMER_TCP_TW:
		tcp_tw_free(st, container_of(t, struct tcp_tw, timer));
		break;
	default:
		break;
	}
}
