/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_output.c - what a connection sends, and when.
 *
 * tcp_output() is the one place that decides.  In this order: segments marked lost, as far
 * as cwnd allows; new data, as far as cwnd, the peer's window, Nagle and cork allow; and if
 * none of these carried it, the ACK that is owed.  Afterwards a timer is armed for whatever
 * has to happen if nobody calls again.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#include <netinet/in.h>
#include <string.h>

/* -- maximum segment size: RFC 9293 3.7.1 --------------------------------------------------- */

uint16_t tcp_mss_from_mtu(const struct tcp_key *key, uint16_t mtu)
{
	unsigned int hdrs = (ipaddr_is_v4(&key->raddr) ? 20 : 40) + TCP_HDR_LEN;

	return mtu > hdrs + 48 ? (uint16_t)(mtu - hdrs) : 48;
}

/*
 * Eff.snd.MSS = min(what the peer takes, what the path takes) - options of every segment.
 * A peer whose window is small gets segments of at most half of it, or sending would wait
 * for the persist timer (sender's silly-window avoidance).
 */
uint32_t tcp_mss_sync(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint32_t mss, bound, room;

	(void)now;
	tp->pmtu = tp->inet.dst.mtu;
	mss = tcp_mss_from_mtu(&tp->node.key, tp->mtup.on && tp->mtup.low < tp->pmtu ? tp->mtup.low :
										 tp->pmtu);
	if (mss > tp->mss_clamp)
		mss = tp->mss_clamp;
	/* Linux's tcp_min_snd_mss: room for all options and eight bytes, whatever the peer says. */
	if (mss < TCP_MIN_SND_MSS)
		mss = TCP_MIN_SND_MSS;
	if (tp->flags & TF_TS)
		mss -= TCP_TS_OPT_LEN;
	bound = tp->max_window > TCP_DEFAULT_MSS4 ? tp->max_window / 2 : tp->max_window;
	if (bound != 0 && mss > bound)
		mss = bound > 48 ? bound : 48;
	/* One segment is one mbuf. */
	room = rte_pktmbuf_data_room_size(st->cfg.mbufs) - PKT_HEADROOM;
	if (mss > room)
		mss = room;
	tp->mss = (uint16_t)mss;
	return mss;
}

/* -- retransmission -------------------------------------------------------------------------- */

/* May the segment behind m go along with it? */
static bool can_merge(const struct tcp_sock *tp, const struct rte_mbuf *m)
{
	const struct pkt_cb *cb = pkt_cb(m), *ncb;
	const struct rte_mbuf *next = cb->qnext;

	if (next == NULL || next == tp->send_head || cb->len >= tp->mss || (cb->flags & PKT_F_EOR))
		return false;
	ncb = pkt_cb(next);
	return !((cb->sacked | ncb->sacked) & SEG_SACKED) && cb->len + ncb->len <= tp->mss &&
	       !seq_gt(ncb->end_seq, tp->snd_una + tp->snd_wnd) && rte_mbuf_refcnt_read(m) == 1 &&
	       (uint32_t)cb->off + cb->len + ncb->len <= m->buf_len;
}

/* Cut to the current MSS.  -EAGAIN: outside the window. */
int tcp_resend(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint64_t now)
{
	struct pkt_cb *cb = pkt_cb(m);
	uint32_t wnd_end = tp->snd_una + tp->snd_wnd;
	int ret;

	/* A window that shrank: only the first segment goes, as a probe (RFC 9293 3.8.6). */
	if (!seq_lt(cb->seq, wnd_end) && cb->seq != tp->snd_una && cb->len > 0)
		return -EAGAIN;
	if (cb->len > tp->mss) {
		ret = tcp_split(st, tp, m, tp->mss);
		if (ret < 0)
			return ret;
	}
	/* Small ones that wait behind it, and the FIN, take no packet of their own (RFC 9293 3.8.1). */
	while (can_merge(tp, m))
		tcp_sndq_merge(st, tp, m);
	ret = tcp_xmit_segment(st, tp, m, true, now);
	if (ret == -ENOBUFS)
		return ret;
	cb->sacked |= SEG_EVER_RETRANS;
	if (cb->retrans < UINT8_MAX)
		cb->retrans++;
	tp->total_retrans++;
	tp->bytes_retrans += cb->len;
	MIB_INC(st, TCP_RETRANS_SEGS);
	return 0;
}

int tcp_retransmit(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint64_t now)
{
	struct pkt_cb *cb = pkt_cb(m);
	int ret = tcp_resend(st, tp, m, now);

	if (ret < 0)
		return ret;
	if ((cb->sacked & (SEG_LOST | SEG_RETRANS)) == SEG_LOST)
		tp->lost_unsent--;
	if (!(cb->sacked & SEG_RETRANS))
		tp->retrans_out++;
	cb->sacked |= SEG_RETRANS;
	if (tp->retrans_stamp == 0)
		tp->retrans_stamp = now;
	if (tp->undo_retrans < 0)
		tp->undo_retrans = 0;
	tp->undo_retrans++;
	return 0;
}

static void retransmit_lost(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	bool head = false;
	struct rte_mbuf *m;

	for (m = tp->snd_head; m != tp->send_head && tp->lost_unsent > 0; m = pkt_cb(m)->qnext) {
		struct pkt_cb *cb = pkt_cb(m);

		if (tcp_in_flight(tp) >= tp->cwnd) {
			tp->flags |= TF_CWND_LIMITED;
			break;
		}
		if ((cb->sacked & (SEG_LOST | SEG_RETRANS | SEG_SACKED)) != SEG_LOST)
			continue;
		if (tcp_retransmit(st, tp, m, now) < 0)
			break;
		head |= m == tp->snd_head;
		if (tcp_prr_is_on(tp))
			tp->prr_out++;
	}
	if (tp->packets_out == 0 || tp->xmit_timer == XMIT_REO)
		return;
	/* What is oldest is under way again: all of the RTO is its, not what was left to the copy before it. */
	if (head)
		tcp_xmit_timer_set(st, tp, XMIT_RTO, tcp_rto_delay(tp, now), now);
	else if (tp->xmit_timer == XMIT_NONE || tp->xmit_timer == XMIT_TLP)
		tcp_rearm_rto(st, tp, now);
}

/* -- new data ---------------------------------------------------------------------------------- */

static bool short_one_in_flight(const struct tcp_sock *tp)
{
	return tp->packets_out > 0 && seq_gt(tp->snd_sml, tp->snd_una) &&
	       seq_leq(tp->snd_sml, tp->snd_nxt);
}

/*
 * May a segment that is not full wait?  RFC 9293 3.7.4 (Nagle): while something is in flight.
 * Minshall's refinement, as in Linux: only while a short segment is in flight.  FIN and
 * urgent data do not wait; cork holds them back whatever is in flight.
 */
bool tcp_nagle_holds(const struct tcp_sock *tp, const struct rte_mbuf *m)
{
	const struct pkt_cb *cb = pkt_cb(m);

	if (likely(cb->len >= tp->mss) || cb->qnext != NULL || (cb->tcp_flags & TH_FIN))
		return false;
	if (tp->flags & (TF_NODELAY_PUSH | TF_SND_URG))
		return false;
	if (tp->flags & (TF_CORK | TF_MORE))
		return rte_pktmbuf_tailroom(m) > 0 || cb->len < tp->mss;
	if (tp->flags & TF_NODELAY)
		return false;
	return short_one_in_flight(tp);
}

/* How much of m the peer's window takes; 0: it must wait. */
uint32_t tcp_window_allows(const struct tcp_sock *tp, const struct rte_mbuf *m)
{
	const struct pkt_cb *cb = pkt_cb(m);
	uint32_t need = cb->len < tp->mss ? cb->len : tp->mss;
	int32_t room = seq_diff(tp->snd_una + tp->snd_wnd, cb->seq);

	if (cb->len == 0) /* FIN alone takes one number of the window */
		return room > 0;
	if (room <= 0)
		return 0;
	/*
	 * RFC 9293 3.8.6.2.1: the MSS is no more than half of the largest window (tcp_mss_sync()), or
	 * small; what does not take that much is probed.
	 */
	return (uint32_t)room >= need ? need : 0;
}

void tcp_new_data_sent(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint64_t now)
{
	struct pkt_cb *cb = pkt_cb(m);

	tp->send_head = cb->qnext;
	tp->snd_nxt = cb->end_seq;
	tcp_sndq_sent(tp, m);
	if (cb->len < tp->mss && cb->len > 0)
		tp->snd_sml = cb->end_seq;
	if ((tp->packets_out++ == 0 || tp->xmit_timer == XMIT_TLP || tp->xmit_timer == XMIT_NONE ||
	     tp->xmit_timer == XMIT_PERSIST) && likely(!tcp_is_embryo(tp))) {
		tp->xmit_timer = XMIT_NONE;
		tcp_xmit_timer_set(st, tp, XMIT_RTO, tp->rto, now);
	}
	if (cb->len > 0) {
		/* A reply soon after data came: an interactive exchange (delay ACKs). */
		if (now - tp->lrcvtime < tp->ato && tp->ack_pingpong < UINT8_MAX)
			tp->ack_pingpong++;
		tp->lsndtime = now;
	}
	if (tcp_prr_is_on(tp))
		tp->prr_out++;
}

/* ns until the pacer lets the next segment go; 0: now. */
static uint64_t pacing_wait(const struct tcp_sock *tp, uint64_t now)
{
	return tp->pace_next > now ? tp->pace_next - now : 0;
}

#define PACE_CREDIT (500 * NS_PER_US)

/*
 * Before a paced segment goes.  Time in which nothing was to be sent is lost, but for a little.
 * Time by which we come late is not: nobody calls at the very moment, on a busy machine often
 * ms later, and what the pacer held back then goes at once, or the rate is never reached (and
 * BBR, which measures it, slows down round by round).  The pipe has drained meanwhile by as
 * much, at most by a round trip's worth.
 */
static void pace_catch_up(struct tcp_sock *tp, uint64_t now)
{
	uint64_t credit = PACE_CREDIT;

	if ((tp->flags & TF_PACED) && tp->srtt >> 3 > credit)
		credit = tp->srtt >> 3;
	if (tp->pace_next + credit < now)
		tp->pace_next = now - credit;
}

static void pace(struct tcp_sock *tp, uint32_t len, uint64_t now)
{
	uint64_t rate = tp->pacing_rate;

	if (rate > tp->inet.sk.max_pacing_rate)
		rate = tp->inet.sk.max_pacing_rate;
	if (rate == UINT64_MAX || rate == 0 || tp->data_segs_out < TCP_INIT_CWND)
		return;
	pace_catch_up(tp, now);
	tp->pace_next += len * NS_PER_SEC / rate;
}

bool tcp_is_paced(const struct tcp_sock *tp)
{
	return tp->pacing || tp->inet.sk.max_pacing_rate != UINT64_MAX;
}

/*
 * What fits the peer's window behind full segments that leave with it, as in Linux, where they
 * are one packet (RFC 9293 3.8.6.2.1 would have it wait).  Nagle is asked about the piece.
 */
static uint32_t piece_at_edge(const struct tcp_sock *tp, const struct rte_mbuf *m)
{
	int32_t room = seq_diff(tp->snd_una + tp->snd_wnd, pkt_cb(m)->seq);

	if (room <= 0 || (tp->flags & (TF_CORK | TF_MORE)) ||
	    (!(tp->flags & TF_NODELAY) && short_one_in_flight(tp)))
		return 0;
	return RTE_MIN((uint32_t)room, pkt_cb(m)->len);
}

/*
 * Send the first unsent segment if cwnd, window, Nagle allow, and with it those that may leave
 * as one packet; a probe is one segment and not asked about cwnd and Nagle.  follows: behind a
 * full segment that has just been sent.
 */
static bool send_new(struct stack *st, struct tcp_sock *tp, bool probe, bool follows, uint64_t now)
{
	struct rte_mbuf *m = tp->send_head;
	uint32_t len, n;

	if (m == NULL)
		return false;
	if (!probe && tcp_in_flight(tp) >= tp->cwnd) {
		tp->flags = (tp->flags | TF_CWND_LIMITED) & ~TF_PACED;
		return false;
	}
	if (unlikely(pkt_cb(m)->len < tp->mss) && pkt_cb(m)->qnext != NULL)
		tcp_sndq_fill_up(st, tp, m);
	len = tcp_window_allows(tp, m);
	if (len == 0 && follows)
		len = piece_at_edge(tp, m);
	if (len == 0 || (!probe && tcp_nagle_holds(tp, m))) {
		tp->flags &= ~TF_PACED;
		return false;
	}
	if (!probe && unlikely(tcp_is_paced(tp)) && pacing_wait(tp, now) != 0) {
		tp->flags |= TF_PACED;
		tcp_timer_set(st, tp, TCPT_PACE, tp->pace_next);
		return false;
	}
	if (pkt_cb(m)->len > len) {
		if (tcp_split(st, tp, m, len) < 0)
			return false;
		if (follows)
			pkt_cb(m)->tcp_flags |= TH_PUSH;
	}
	n = 1;
	if (!probe && pkt_cb(m)->qnext != NULL && (tp->inet.dst.nif->caps & NETIF_TX_TSO))
		n = tcp_tso_count(st, tp, now);
	if (tcp_xmit_segments(st, tp, m, n, false, now) == -ENOBUFS)
		return false;
	for (; n > 0; n--, m = tp->send_head) {
		if (unlikely(tcp_is_paced(tp)))
			pace(tp, pkt_cb(m)->len, now);
		tcp_new_data_sent(st, tp, m, now);
	}
	return true;
}

bool tcp_send_new(struct stack *st, struct tcp_sock *tp, bool probe, uint64_t now)
{
	return send_new(st, tp, probe, false, now);
}

/* Is the peer's window, and not cwnd, what the next segment waits for? */
static bool is_rwnd_limited(const struct tcp_sock *tp)
{
	return tp->send_head != NULL && tcp_in_flight(tp) < tp->cwnd &&
	       tcp_window_allows(tp, tp->send_head) == 0;
}

/*
 * Send what may go now of the unsent data, most segments or a few more.  Linux sends several
 * in one packet: only what is within such a one follows to the window's edge.
 */
static void send_new_data(struct stack *st, struct tcp_sock *tp, uint32_t most, uint64_t now)
{
	uint32_t first, n = 0;
	bool sent = false;

	tp->packet_segs = tcp_packet_segs(tp);
	if (tp->packets_out == 0)
		tcp_cwnd_restart_after_idle(tp, now);
	if (unlikely(tp->mtup.on))
		sent = tcp_mtup_probe(st, tp, now);
	first = tp->segs_out;
	while (tp->send_head != NULL && n < most &&
	       send_new(st, tp, false, n % tp->packet_segs != 0 && tp->snd_sml != tp->snd_nxt, now))
		n = tp->segs_out - first;
	sent |= n > 0;
	if (tp->send_head == NULL)
		tp->flags &= ~TF_PACED;
	if (unlikely(is_rwnd_limited(tp)))
		tcp_chrono_start(tp, CHRONO_RWND, now);
	else if (unlikely(tp->chrono == CHRONO_RWND))
		tcp_chrono_stop(tp, CHRONO_RWND, now);
	if (unlikely(tp->send_head == NULL && (tp->inet.sk.flags & SOCK_F_NOSPACE) &&
		     tp->inet.sk.socket != NULL && tcp_in_flight(tp) < tp->cwnd))
		tcp_chrono_start(tp, CHRONO_SNDBUF, now);
	if (sent) {
		tcp_cwnd_validate(tp, (tp->flags & TF_CWND_LIMITED) || tcp_in_flight(tp) >= tp->cwnd,
				  now);
		if (tp->xmit_timer == XMIT_RTO || tp->xmit_timer == XMIT_TLP)
			tcp_tlp_schedule(st, tp, false, now);
	}
}

/* RFC 5682 2.1 step 2.b; if nothing may go, conventional recovery it is. */
static void send_frto(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	tp->flags &= ~TF_FRTO_NEW;
	send_new_data(st, tp, UINT32_MAX, now);
	if (!tcp_frto_waits(tp))
		tp->flags &= ~TF_FRTO;
}

/*
 * The persist timer fired: send what fits the window, cut off if need be, else a probe.
 */
void tcp_write_wakeup(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct rte_mbuf *m = tp->send_head;
	int32_t room;
	uint32_t len;

	if (m == NULL) {
		tcp_send_probe(st, tp, false, now);
		return;
	}
	room = seq_diff(tp->snd_una + tp->snd_wnd, pkt_cb(m)->seq);
	if (room <= 0) {
		tcp_send_probe(st, tp, false, now);
		return;
	}
	len = RTE_MIN((uint32_t)room, (uint32_t)tp->mss);
	if (pkt_cb(m)->len > len && tcp_split(st, tp, m, len) < 0)
		return;
	pkt_cb(m)->tcp_flags |= TH_PUSH;
	if (tcp_xmit_segment(st, tp, m, false, now) != -ENOBUFS)
		tcp_new_data_sent(st, tp, m, now);
}

/* Put FIN behind the last byte: on the last unsent segment, or as a segment of its own. */
void tcp_queue_fin(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct rte_mbuf *m = tp->snd_tail;

	if (tp->flags & TF_FIN_QUEUED)
		return;
	if (m == NULL || tp->send_head == NULL) {
		m = tcp_sndq_new(st, tp);
		if (m == NULL) { /* tcp_output() tries again: the state says that a FIN is due */
			tcp_starve(st, tp, now);
			return;
		}
	}
	pkt_cb(m)->tcp_flags |= TH_FIN | TH_ACK;
	pkt_cb(m)->flags |= PKT_F_FIN;
	pkt_cb(m)->end_seq++;
	tp->write_seq++;
	tp->flags |= TF_FIN_QUEUED;
}

#define FIN_IS_DUE                                                                                 \
	(TCPS_BIT(TCPS_FIN_WAIT_1) | TCPS_BIT(TCPS_CLOSING) | TCPS_BIT(TCPS_LAST_ACK))

static void output(struct stack *st, struct tcp_sock *tp, uint32_t most, uint64_t now)
{
	if (unlikely(!tcp_state_in(tp, TCPS_SYNCHRONISED))) {
		if (tp->inet.sk.state == TCPS_SYN_RECEIVED && (tp->flags & TF_ACK_NOW) &&
		    !tcp_is_embryo(tp))
			tcp_send_syn(st, tp, NULL, NULL, now);
		if (!tcp_is_embryo(tp))
			return;
	}
	if (unlikely(tp->inet.dst.mtu != tp->pmtu))
		tcp_mss_sync(st, tp, now);
	if (unlikely(tcp_state_in(tp, FIN_IS_DUE) && !(tp->flags & TF_FIN_QUEUED)))
		tcp_queue_fin(st, tp, now);
	if (unlikely(tp->flags & TF_STARVED))
		tcp_unstarve(st, tp, now);
	tp->flags &= ~TF_CWND_LIMITED;
	if (unlikely(tp->flags & TF_FRTO_NEW))
		send_frto(st, tp, now);
	if (unlikely(tp->lost_unsent > 0) && !tcp_frto_waits(tp))
		retransmit_lost(st, tp, now);
	if (tp->send_head != NULL)
		send_new_data(st, tp, most, now);
	if (tp->flags & TF_ACK_NOW)
		tcp_send_ack(st, tp, now);
	if (tp->send_head != NULL && tp->packets_out == 0)
		tcp_check_probe_timer(st, tp, now);
	/* What was unsent no longer is: TCP_NOTSENT_LOWAT may let the writer go on. */
	if (unlikely(tp->inet.sk.flags & SOCK_F_NOSPACE))
		tcp_write_space(st, tp);
}

void tcp_output(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	output(st, tp, UINT32_MAX, now);
}

void tcp_push_one(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	output(st, tp, tcp_packet_segs(tp), now);
}

/* -- the end of a burst --------------------------------------------------------------------- */

void tcp_mark_pending(struct stack *st, struct tcp_sock *tp)
{
	if (tp->flags & TF_PENDING)
		return;
	tp->flags |= TF_PENDING;
	list_add_tail(&st->tcp.pending, &tp->pending_link);
}

void tcp_flush_output(struct stack *st, uint64_t now)
{
	struct list *n;

	while ((n = list_pop_head(&st->tcp.pending)) != NULL) {
		struct tcp_sock *tp = list_entry(n, struct tcp_sock, pending_link);

		tp->flags &= ~TF_PENDING;
		st->in_hand = tcp_to_sk(tp);
		tcp_output(st, tp, now);
		tcp_check_invariants(st, tp);
	}
	st->in_hand = NULL;
}
