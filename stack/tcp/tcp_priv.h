/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_priv.h - what the files of this directory ask of each other; included by tcp.h only.
 */
#ifndef STACK_TCP_TCP_PRIV_H
#define STACK_TCP_TCP_PRIV_H

/* -- tcp_fsm.c ------------------------------------------------------------------------- */
/* The only writer of sk->state.  Counts, hashes and unhashes; an illegal change is a bug (debug assert). */
void tcp_set_state(struct stack *st, struct tcp_sock *tp, uint8_t state);
const char *tcp_state_name(uint8_t state);
bool tcp_transition_is_legal(uint8_t from, uint8_t to);
/* The connection is over: unhash, stop timers, drop queues, wake everybody; err 0: quietly. */
void tcp_done(struct stack *st, struct tcp_sock *tp, int err, uint64_t now);
/* Free an orphan that is closed.  tp is gone afterwards. */
void tcp_destroy(struct stack *st, struct tcp_sock *tp);
void tcp_check_invariants(const struct stack *st, const struct tcp_sock *tp);

/* -- tcp_input.c, tcp_ack.c, tcp_rcv.c, tcp_reass.c ------------------------------------- */
enum tcp_verdict tcp_segment_arrives(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx,
				     uint64_t now);
/* The same in SYN-SENT (tcp_open.c). */
enum tcp_verdict tcp_syn_sent(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx,
			      uint64_t now);
/* The peer's RST is believed. */
void tcp_connection_reset(struct stack *st, struct tcp_sock *tp, uint64_t now);
/* The round trip of our SYN. */
void tcp_sample_syn_rtt(struct tcp_sock *tp, const struct tcp_seg *seg, uint64_t now);
void tcp_established(struct stack *st, struct tcp_sock *tp, uint64_t now);
/* Windows and congestion control for the first data. */
void tcp_init_transfer(struct stack *st, struct tcp_sock *tp, uint64_t now);
/* Data of a SYN or SYN-ACK, whose number before the first byte is taken already. */
void tcp_rcv_syn_data(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now);
void tcp_mark_pending(struct stack *st, struct tcp_sock *tp);
/* RFC 5961: may this connection send one more challenge ACK now? */
void tcp_challenge_ack(struct stack *st, struct tcp_sock *tp, uint64_t now);
bool tcp_oow_ack_allowed(uint64_t *last, uint64_t now);

bool tcp_ack(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now);

void tcp_rcv_data(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now);
/* All of it is old: RFC 2883 tells the peer so. */
void tcp_rcv_again(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg);
/* Must an ACK that is due already go before the one that seg will cause? */
bool tcp_rcv_wants_own_ack(const struct tcp_sock *tp, const struct tcp_seg *seg);
/* Would a reader that waits for more wait for ever? */
bool tcp_rcv_is_cramped(const struct tcp_sock *tp);
/* In-order payload, known to fit: the header-prediction path. */
void tcp_rcv_in_order(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now);
/* m was charged on the reassembly queue; its cb says which bytes continue the stream. */
void tcp_rcv_enqueue_ofo(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m);
void tcp_rcv_fin(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_rcv_ecn(struct tcp_sock *tp, const struct tcp_seg *seg);
void tcp_rcv_event(struct stack *st, struct tcp_sock *tp, const struct tcp_rx *rx, uint32_t len,
		   uint64_t now);
/* How many segments the peer sent for what arrived as one. */
static inline uint32_t tcp_rx_segments(const struct tcp_rx *rx)
{
	return likely(rx->segsz == 0) ? 1 : (rx->seg.len + rx->segsz - 1) / rx->segsz;
}
void tcp_rcv_space_adjust(struct stack *st, struct tcp_sock *tp, uint64_t now);
/* A segment of len bytes in truesize bytes of memory arrived in order. */
void tcp_window_grow(struct stack *st, struct tcp_sock *tp, uint32_t truesize, uint32_t len);
void tcp_rcv_rtt_measure(struct tcp_sock *tp, uint64_t now);
void tcp_rcv_rtt_ts(struct tcp_sock *tp, const struct tcp_seg *seg, uint64_t now);
void tcp_rcv_init_buffer(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_rcvq_free(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m);
void tcp_rcvq_purge(struct stack *st, struct tcp_sock *tp);
uint32_t tcp_select_window(struct stack *st, struct tcp_sock *tp);
uint32_t tcp_window_candidate(struct stack *st, struct tcp_sock *tp);
void tcp_initial_window(const struct stack *st, const struct tcp_sock *tp, uint32_t mss,
			bool wscale_ok, uint32_t *rcv_wnd, uint32_t *window_clamp,
			uint8_t *wscale);
void tcp_enter_quickack(struct tcp_sock *tp, unsigned int max);
/* Decide about the ACK owed after a segment: now or later. */
void tcp_ack_check(struct stack *st, struct tcp_sock *tp, uint64_t now);
/* After the program has read: does the peer want to hear of it? */
bool tcp_read_wants_ack(struct stack *st, struct tcp_sock *tp, uint32_t copied);

/* Unsent bytes from which on the socket has no room. */
static inline uint32_t tcp_notsent_lowat(const struct tcp_sock *tp)
{
	return tp->notsent_lowat != 0 ? tp->notsent_lowat : UINT32_MAX;
}

static inline uint32_t tcp_receive_window(const struct tcp_sock *tp)
{
	int32_t w = seq_diff(tp->rcv_wup + tp->rcv_wnd, tp->rcv_nxt);

	return w > 0 ? (uint32_t)w : 0;
}

/* Bytes of buffer → bytes of window to offer: half of it covers what small segments waste. */
static inline uint32_t tcp_win_from_space(uint32_t space)
{
	return space / 2;
}

void tcp_ofo_queue(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now);
/* Move what has become in-order to the receive queue; true if a FIN was among it. */
bool tcp_ofo_drain(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_ofo_purge(struct stack *st, struct tcp_sock *tp);
void tcp_dsack_set(struct tcp_sock *tp, uint32_t start, uint32_t end);
void tcp_sacks_advance(struct tcp_sock *tp);

/* -- tcp_loss.c, tcp_sack.c, tcp_rack.c ------------------------------------------------- */
/* What one ACK did; filled by tcp_ack() and read by the loss and congestion code. */
struct tcp_ack_info {
	uint32_t prior_una, prior_fack, prior_in_flight, prior_packets_out;
	uint32_t prior_delivered, prior_lost;
	uint32_t acked_bytes;
	uint32_t acked;		/* segments removed from the queue */
	uint32_t newly_sacked;
	uint64_t seq_rtt;	/* ns of a segment never retransmitted; 0: none */
	uint64_t ca_rtt;	/* of the latest such */
	uint64_t sack_rtt;	/* of the first one SACKed */
	uint64_t now;
	bool una_advanced;
	bool data_acked;
	bool orig_sack_acked;	/* something never retransmitted was acknowledged: F-RTO, undo */
	bool retrans_acked;
	bool dup;		/* a duplicate ACK by RFC 5681's definition */
	bool wnd_updated;
	bool ece;
	bool dsack;
	bool dsack_tlp;		/* of the tail loss probe */
	bool reneged;		/* what is oldest was SACKed before, but is not acknowledged */
	uint32_t reord_seq;	/* lowest sequence that shows reordering */
	struct {		/* rate sample */
		uint64_t prior_delivered, prior_time, interval, rtt;
		uint64_t delivered;
		uint64_t first_tx;
		uint32_t send_us; /* how long sending the interval's segments took */
		bool app_limited, retrans;
		uint32_t last_end_seq;
	} rs;
};

static inline uint32_t tcp_in_flight(const struct tcp_sock *tp)
{
	return tp->packets_out + tp->retrans_out - tp->sacked_out - tp->lost_out;
}

bool tcp_sack_process(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
		      struct tcp_ack_info *ai);
void tcp_sack_clear_reneged(struct tcp_sock *tp);
void tcp_loss_on_ack(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai);
/* The same of one that acknowledges nothing that is in flight, but has SACK blocks. */
void tcp_loss_on_old_ack(struct stack *st, struct tcp_sock *tp, struct tcp_ack_info *ai);
void tcp_loss_enter_rto(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_mark_lost(struct tcp_sock *tp, struct rte_mbuf *m);
/* Open, or Disorder if something is missing. */
void tcp_try_keep_open(struct tcp_sock *tp);
/* What was marked lost is not congestion's doing: send it again, keep the window. */
void tcp_loss_without_congestion(struct tcp_sock *tp);
void tcp_enter_recovery(struct stack *st, struct tcp_sock *tp, bool ece, uint64_t now);
/* newly_lost were found by RACK's timer. */
void tcp_loss_by_timer(struct stack *st, struct tcp_sock *tp, uint32_t newly_lost, uint64_t now);
void tcp_enter_cwr(struct stack *st, struct tcp_sock *tp, uint64_t now);
/* What begins at low_seq was delivered.  True: after something sent behind it. */
bool tcp_update_reordering(struct tcp_sock *tp, uint32_t low_seq);
/* The highest end of what is SACKed; snd_una if nothing is. */
static inline uint32_t tcp_fack(const struct tcp_sock *tp)
{
	return tp->sacked_out != 0 ? tp->fack_seq : tp->snd_una;
}
void tcp_tlp_ack(struct stack *st, struct tcp_sock *tp, uint32_t ack, struct tcp_ack_info *ai);
void tcp_rack_advance(struct tcp_sock *tp, const struct pkt_cb *cb, uint64_t now);
/* cb is acknowledged or SACKed: take it out of the counts of what is lost or retransmitted. */
void tcp_seg_uncount(struct tcp_sock *tp, struct pkt_cb *cb);
/* Mark what RACK holds for lost; returns ns until more may be, 0 none. */
uint64_t tcp_rack_detect(struct tcp_sock *tp, uint64_t now);
bool tcp_rack_is_overdue(const struct tcp_sock *tp, uint64_t tstamp, uint64_t now);
#define TCP_REO_WND_PERSIST 16 /* recoveries for which a larger reordering window is kept */
void tcp_rack_update_reo_wnd(struct tcp_sock *tp, const struct tcp_ack_info *ai);
void tcp_rate_seg_sent(struct tcp_sock *tp, struct pkt_cb *cb, uint64_t now);
void tcp_rate_seg_delivered(struct tcp_sock *tp, const struct pkt_cb *cb,
			    struct tcp_ack_info *ai);
void tcp_rate_sample(struct tcp_sock *tp, struct tcp_ack_info *ai);
void tcp_rate_check_app_limited(struct tcp_sock *tp);

/* -- tcp_prr.c ----------------------------------------------------------------------------- */
bool tcp_prr_is_on(const struct tcp_sock *tp);
void tcp_prr_begin(struct tcp_sock *tp);
void tcp_prr_reduce(struct tcp_sock *tp, uint32_t newly_delivered, uint32_t newly_lost,
		    bool una_advanced);
void tcp_prr_end(struct tcp_sock *tp, uint64_t now);
/* cwnd after an ACK, whatever the state. */
void tcp_cwnd_control(struct tcp_sock *tp, struct tcp_ack_info *ai);

/* -- tcp_undo.c --------------------------------------------------------------------------- */
void tcp_undo_init(struct tcp_sock *tp);
bool tcp_undo_is_due(const struct tcp_sock *tp);
bool tcp_any_retrans(const struct tcp_sock *tp);
/* unmark: what is marked lost is not. */
void tcp_undo(struct tcp_sock *tp, bool unmark, uint64_t now);
bool tcp_undo_partial(struct stack *st, struct tcp_sock *tp, const struct tcp_ack_info *ai);
bool tcp_frto_says_spurious(const struct tcp_sock *tp, const struct tcp_ack_info *ai);
bool tcp_frto_step(struct tcp_sock *tp, const struct tcp_ack_info *ai, bool recovered);
/* New data was sent instead of retransmissions; they wait for what its ACK says. */
static inline bool tcp_frto_waits(const struct tcp_sock *tp)
{
	return (tp->flags & TF_FRTO) && seq_gt(tp->snd_nxt, tp->high_seq);
}

/* -- tcp_rtt.c --------------------------------------------------------------------------- */
void tcp_rtt_sample(struct tcp_sock *tp, uint64_t rtt);
void tcp_rto_reset(struct tcp_sock *tp);
void tcp_min_rtt_update(struct tcp_sock *tp, uint64_t rtt, uint64_t now);
static inline uint32_t tcp_ts_clock(uint64_t now)
{
	return (uint32_t)(now / NS_PER_MS);
}

/* -- tcp_xmit.c -------------------------------------------------------------------------- */
/*
 * Transmit n segments of the queue, m and those behind it, of which all but the last are as
 * long as m (tcp_tso.c says when n may be more than one).  0, -ENOBUFS, or what the network
 * layer says.
 */
int tcp_xmit_segments(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint32_t n,
		      bool retrans, uint64_t now);
int tcp_xmit_segment(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, bool retrans,
		     uint64_t now);
void tcp_send_ack(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_send_probe(struct stack *st, struct tcp_sock *tp, bool urgent, uint64_t now);

/* -- tcp_output.c, tcp_ctl.c -------------------------------------------------------------- */
/* Send what may be sent: retransmissions, data, FIN, the ACK owed.  Sets timers. */
void tcp_output(struct stack *st, struct tcp_sock *tp, uint64_t now);
/* The same, of new data no more than one packet of Linux's: while a writer is still at it. */
void tcp_push_one(struct stack *st, struct tcp_sock *tp, uint64_t now);
/* Send a queued segment again; and that is a retransmission which recovery counts as in flight. */
int tcp_resend(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint64_t now);
int tcp_retransmit(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint64_t now);
bool tcp_send_new(struct stack *st, struct tcp_sock *tp, bool probe, uint64_t now);
/* May a segment that is not full wait?  How much of m does the peer's window take, 0: it must wait. */
bool tcp_nagle_holds(const struct tcp_sock *tp, const struct rte_mbuf *m);
uint32_t tcp_window_allows(const struct tcp_sock *tp, const struct rte_mbuf *m);
bool tcp_is_paced(const struct tcp_sock *tp);
/* Window probe: one byte if there is one and it fits nothing, else an old sequence number. */
void tcp_write_wakeup(struct stack *st, struct tcp_sock *tp, uint64_t now);
/* fo: the Fast Open option, NULL: none; data: the queued segment that goes along, or NULL. */
void tcp_send_syn(struct stack *st, struct tcp_sock *tp, const struct tfo_cookie *fo,
		  const struct rte_mbuf *data, uint64_t now);
void tcp_send_reset(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_queue_fin(struct stack *st, struct tcp_sock *tp, uint64_t now);
uint32_t tcp_mss_sync(struct stack *st, struct tcp_sock *tp, uint64_t now);
uint16_t tcp_mss_from_mtu(const struct tcp_key *key, uint16_t mtu);

/*
 * RFC 7323 5.3 R1, as Linux reads it: SEG.TSval is older than TS.Recent by more than tolerance (ms).
 * Just half of the circle is no older.  TS.Recent is void when it is 0, or after 24 days (5.5).
 */
static inline bool tcp_ts_is_old(uint32_t ts_recent, uint64_t stamp, uint32_t tsval,
				 int32_t tolerance, uint64_t now)
{
	return seq_diff(ts_recent, tsval) > tolerance && ts_recent != 0 &&
	       now - stamp < TCP_PAWS_24DAYS;
}

/* RFC 9293 3.10.7.4: SND.WND is updated by segments not older than the last that did (WL1, WL2). */
static inline bool tcp_may_move_window(const struct tcp_sock *tp, const struct tcp_seg *seg)
{
	uint32_t wnd = seg->wnd << tp->snd_wscale;

	return seq_gt(seg->ack, tp->snd_una) || seq_gt(seg->seq, tp->snd_wl1) ||
	       (seg->seq == tp->snd_wl1 && (wnd > tp->snd_wnd || wnd == 0));
}

/* RFC 9293 3.7.1: what any peer takes. */
static inline uint16_t tcp_default_mss(const struct tcp_key *key)
{
	return ipaddr_is_v4(&key->raddr) ? TCP_DEFAULT_MSS4 : TCP_DEFAULT_MSS6;
}

/* The peer's MSS option, or what stands for its absence. */
static inline uint16_t tcp_peer_mss(const struct tcp_key *key, const struct tcp_seg *seg)
{
	return (seg->opts & TCP_HAS_MSS) ? seg->mss : tcp_default_mss(key);
}
int tcp_split(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint32_t len);
/* What ssthresh is worth: at least three quarters of cwnd, unless that is being reduced. */
uint32_t tcp_current_ssthresh(const struct tcp_sock *tp);
void tcp_cwnd_application_limited(struct tcp_sock *tp, uint64_t now);
void tcp_cwnd_restart_after_idle(struct tcp_sock *tp, uint64_t now);
void tcp_cwnd_validate(struct tcp_sock *tp, bool limited, uint64_t now);
/* Segments that belong to no sock. */
void tcp_reply_reset(struct stack *st, const struct tcp_rx *rx, uint64_t now);
void tcp_tw_send_ack(struct stack *st, struct tcp_tw *tw, const struct tcp_seg *seg, uint64_t now);
void tcp_req_send_synack(struct stack *st, struct tcp_req *req, const struct tfo_cookie *fo,
			 uint64_t now);
void tcp_req_send_ack(struct stack *st, struct tcp_req *req, uint64_t now);
void tcp_req_send_reset(struct stack *st, struct tcp_req *req, uint64_t now);

/* What follows the transmission of the first unsent segment. */
void tcp_new_data_sent(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint64_t now);

/* -- tcp_tso.c ------------------------------------------------------------------------------- */
uint32_t tcp_tso_count(struct stack *st, struct tcp_sock *tp, uint64_t now);
struct rte_mbuf *tcp_tso_chain(struct rte_mbuf *w, struct rte_mbuf *m, uint32_t n);
/* Segments after which a bulk writer lets its data go. */
uint32_t tcp_tso_goal(const struct tcp_sock *tp);
/* Segments that Linux would send in one packet, at the rate that cwnd and RTT allow. */
uint16_t tcp_packet_segs(const struct tcp_sock *tp);

/* -- tcp_zerocopy.c ----------------------------------------------------------------------- */
struct tcp_zerocopy {
	struct rte_mbuf *m; /* the entry for the error queue */
	uint32_t begin;
	bool tail_waits; /* what was written before is not all sent */
};
/* Around a send with MSG_ZEROCOPY.  False: no memory. */
bool tcp_zerocopy_begin(struct stack *st, struct tcp_sock *tp, struct tcp_zerocopy *zc, uint64_t now);
void tcp_zerocopy_end(struct tcp_sock *tp, struct tcp_zerocopy *zc, bool sent);
/* The send queue has nothing below seq any more. */
void tcp_zerocopy_acked(struct stack *st, struct tcp_sock *tp, uint32_t seq);

/* -- tcp_txstamp.c -------------------------------------------------------------------------- */
/* SO_TIMESTAMPING was set. */
void tcp_txstamp_option(struct tcp_sock *tp);
/* The stamps that the last byte written gets; wanted: SOF_TIMESTAMPING_TX_*. */
void tcp_txstamp_want(struct stack *st, struct tcp_sock *tp, uint32_t wanted);
/* Bytes seq to end have left, in the packet w. */
void tcp_txstamp_sent(struct stack *st, struct tcp_sock *tp, uint32_t seq, uint32_t end, const struct rte_mbuf *w,
		      uint64_t now);
void tcp_txstamp_purge(struct tcp_sock *tp);
/* The peer has all of m, which is taken off the send queue next. */
void tcp_txstamp_acked(struct stack *st, struct tcp_sock *tp, const struct rte_mbuf *m, uint64_t now);

/* -- tcp_mtup.c ------------------------------------------------------------------------------ */
void tcp_mtup_timeout(struct stack *st, struct tcp_sock *tp, uint64_t now);
bool tcp_mtup_probe(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_mtup_acked(struct stack *st, struct tcp_sock *tp, uint64_t now);
bool tcp_mtup_failed(struct stack *st, struct tcp_sock *tp);

/* -- send queue: tcp_sndq.c ------------------------------------------------------------ */
#define TCP_MBUF_OVERHEAD 384 /* struct rte_mbuf, private area, mempool header */
/* Of a segment on the send queue: one mbuf, whatever it was chained to for the link. */
static inline uint32_t tcp_seg_truesize(const struct rte_mbuf *m)
{
	return m->buf_len + (uint32_t)TCP_MBUF_OVERHEAD;
}
static inline uint32_t tcp_truesize(const struct rte_mbuf *m)
{
	uint32_t n = 0;

	for (; m != NULL; m = m->next)
		n += tcp_seg_truesize(m);
	return n;
}
static inline uint8_t *tcp_sndq_payload(const struct rte_mbuf *m)
{
	return (uint8_t *)m->buf_addr + pkt_cb(m)->off;
}
uint32_t tcp_size_goal(const struct tcp_sock *tp);
/* m was sent for the first time. */
void tcp_sndq_sent(struct tcp_sock *tp, struct rte_mbuf *m);
/* The MSS fell: cut anew what is not sent yet, and what is to be sent again. */
void tcp_sndq_recut(struct stack *st, struct tcp_sock *tp);
/* Take the segment behind m, which was sent too (or neither was), into m; both fit one. */
void tcp_sndq_merge(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m);
void tcp_sndq_append(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m);
/* A new unsent segment at the end of the queue, empty; NULL: no memory. */
struct rte_mbuf *tcp_sndq_new(struct stack *st, struct tcp_sock *tp);
/*
 * m is unsent and was cut for a smaller window or MSS: make it a full segment with bytes of those
 * behind it, as far as the record goes.
 */
void tcp_sndq_fill_up(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m);
/* Make the first len unsent bytes one segment, at send_head; more are queued.  NULL: no memory, or too long. */
struct rte_mbuf *tcp_sndq_gather(struct stack *st, struct tcp_sock *tp, uint32_t len);
void tcp_sndq_pop(struct stack *st, struct tcp_sock *tp);
void tcp_sndq_trim_head(struct tcp_sock *tp, struct rte_mbuf *m, uint32_t n);
void tcp_sndq_purge(struct stack *st, struct tcp_sock *tp);
void tcp_sndbuf_expand(struct stack *st, struct tcp_sock *tp);
/* Room came free: raise EPOLLOUT if a writer waits. */
void tcp_write_space(struct stack *st, struct tcp_sock *tp);
bool tcp_is_writeable(const struct tcp_sock *tp);
bool tcp_has_room(const struct tcp_sock *tp);
/* Is there packet memory for senders? */
bool tcp_memory_available(const struct stack *st);
/* No packet memory for what has to be sent: try again later. */
void tcp_starve(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_unstarve(struct stack *st, struct tcp_sock *tp, uint64_t now);

/* -- tcp_timer.c ------------------------------------------------------------------------ */
void tcp_timer_set(struct stack *st, struct tcp_sock *tp, enum tcp_timer which, uint64_t deadline);
void tcp_timer_clear(struct tcp_sock *tp, enum tcp_timer which);
void tcp_timer_stop_all(struct stack *st, struct tcp_sock *tp);
/* The retransmission family: kind at now + delay. */
void tcp_xmit_timer_set(struct stack *st, struct tcp_sock *tp, enum tcp_xmit_timer kind,
			uint64_t delay, uint64_t now);
void tcp_xmit_timer_clear(struct tcp_sock *tp);
/* An ICMP error came about the segment that timed out. */
void tcp_rto_revert(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_rearm_rto(struct stack *st, struct tcp_sock *tp, uint64_t now);
uint64_t tcp_rto_delay(const struct tcp_sock *tp, uint64_t now);
/* Arm the probe of RFC 8985 7.2 if there is something to probe for: new data was sent, or some acked. */
bool tcp_tlp_schedule(struct stack *st, struct tcp_sock *tp, bool acked, uint64_t now);
void tcp_keepalive_start(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_check_probe_timer(struct stack *st, struct tcp_sock *tp, uint64_t now);
void tcp_probe_restart(struct stack *st, struct tcp_sock *tp, uint64_t now);
uint64_t tcp_timers_next(const struct tcp_sock *tp);
uint64_t tcp_keepidle(const struct tcp_sock *tp);
uint64_t tcp_keepintvl(const struct tcp_sock *tp);
void tcp_timer_rearm(struct stack *st, struct tcp_sock *tp);

/* -- tcp_listen.c, tcp_tw.c, tcp_isn.c, tcp_cookie.c ------------------------------------- */
/* The segment met a listener; *child is set when a SYN cookie made it a connection. */
enum tcp_verdict tcp_listen_input(struct stack *st, struct tcp_sock *lsk, struct tcp_rx *rx,
				  struct tcp_sock **child, uint64_t now);
/* The segment matched a half-open connection; *child is set when it became a full one. */
enum tcp_verdict tcp_req_input(struct stack *st, struct tcp_req *req, struct tcp_rx *rx,
			       struct tcp_sock **child, uint64_t now);
void tcp_req_timer(struct stack *st, struct tcp_req *req, uint64_t now);
void tcp_req_free(struct stack *st, struct tcp_req *req);
void tcp_listen_stop(struct stack *st, struct tcp_sock *lsk, uint64_t now);
struct tcp_sock *tcp_accept_pop(struct tcp_sock *lsk);
/* A connection of lsk in state ESTABLISHED, hashed and on the accept queue; NULL: no memory. */
struct tcp_sock *tcp_child_create(struct stack *st, struct tcp_sock *lsk,
				  const struct tcp_req *req, const struct tcp_seg *seg,
				  uint64_t now);
/* Its parts: one without a state that nobody knows of; and on the accept queue. */
struct tcp_sock *tcp_child_new(struct stack *st, struct tcp_sock *lsk, const struct tcp_req *req,
			       const struct tcp_seg *seg, uint64_t now);
void tcp_child_offer(struct stack *st, struct tcp_sock *lsk, struct tcp_sock *tp);
void tcp_child_abort(struct stack *st, struct tcp_sock *child, uint64_t now);

/* Turn a connection into a small TIME_WAIT (or orphaned FIN_WAIT_2) node; tp becomes closed. */
void tcp_time_wait(struct stack *st, struct tcp_sock *tp, bool fin_wait_2, uint64_t timeout,
		   uint64_t now);
enum tcp_verdict tcp_tw_input(struct stack *st, struct tcp_tw *tw, struct tcp_rx *rx, uint64_t now);
void tcp_tw_free(struct stack *st, struct tcp_tw *tw);
/* RFC 6191: may a new connection of ours take the 4-tuple over?  If so its ISS is *iss. */
bool tcp_tw_reusable(const struct tcp_tw *tw, uint64_t now);
uint32_t tcp_tw_next_iss(const struct tcp_tw *tw);

uint32_t tcp_isn(const struct stack *st, const struct tcp_key *key, uint64_t now);
uint32_t tcp_ts_offset(const struct stack *st, const struct tcp_key *key);

#define TCP_COOKIE_PERIOD (64 * NS_PER_SEC)
uint32_t tcp_cookie_make(const struct stack *st, const struct tcp_key *key, uint32_t irs,
			 uint16_t *mss, uint64_t now);
/* The MSS the cookie stands for, 0: not one of ours. */
uint16_t tcp_cookie_check(const struct stack *st, const struct tcp_key *key, uint32_t irs,
			  uint32_t cookie, uint64_t now);

/* -- tcp_tfo.c, tcp_tfo_listen.c --------------------------------------------------------- */
bool tcp_tfo_defers(struct stack *st, struct tcp_sock *tp, struct tfo_cookie *cookie, uint64_t now);
ssize_t tcp_tfo_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg,
			struct iov_iter *it, uint64_t now);
void tcp_tfo_synack(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint16_t peer_mss,
		    uint64_t now);
bool tcp_tfo_syn(struct stack *st, struct tcp_sock *lsk, const struct tcp_req *req,
		 struct tcp_rx *rx, struct tfo_cookie *cookie, uint64_t now);
void tcp_tfo_link(struct tcp_sock *lsk, struct tcp_sock *tp);
void tcp_tfo_hatch(struct tcp_sock *tp, bool was_reset, uint64_t now);
void tcp_tfo_forget(struct tcp_sock *lsk);
static inline bool tcp_is_embryo(const struct tcp_sock *tp)
{
	return (tp->tfo & TFO_EMBRYO) != 0;
}

/* -- tcp_usr.c, tcp_sockopt.c, tcp_info.c ---------------------------------------------- */
struct tcp_sock *tcp_sock_alloc(struct stack *st, int domain, uint64_t now);
int tcp_sockopt_set(struct stack *st, struct sock *sk, int level, int name, const void *val,
		    socklen_t len, uint64_t now);
int tcp_sockopt_get(struct stack *st, struct sock *sk, int level, int name, void *val,
		    socklen_t *len, uint64_t now);
void tcp_option_changed(struct stack *st, struct sock *sk, int level, int name, uint64_t now);
/* tcp_chrono.c: tell what tp is waiting for from now on, and that it no longer is. */
void tcp_chrono_start(struct tcp_sock *tp, enum tcp_chrono what, uint64_t now);
void tcp_chrono_stop(struct tcp_sock *tp, enum tcp_chrono what, uint64_t now);
/* Something was acknowledged: a row of time-outs is over. */
void tcp_chrono_rto_over(struct tcp_sock *tp, uint64_t now);
void tcp_chrono_rto(struct tcp_sock *tp, uint64_t now);
int tcp_info_get(struct stack *st, struct tcp_sock *tp, void *val, socklen_t *len, uint64_t now);
ssize_t tcp_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
		    uint64_t now);
ssize_t tcp_recvmsg(struct stack *st, struct socket *so, struct msghdr *msg, int flags,
		    uint64_t now);
void tcp_close(struct stack *st, struct sock *sk, uint64_t now);
/* ICMP, PMTU: the path takes packets of mtu bytes only. */
void tcp_mtu_reduced(struct stack *st, struct tcp_sock *tp, uint16_t mtu, uint64_t now);

#endif
