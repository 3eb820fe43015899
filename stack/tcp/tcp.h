/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp.h - struct tcp_sock, and what the files of this directory ask of each other.
 *
 * Theory of operation
 *
 *   tcp_demux.c	finds what a segment belongs to and carries out the verdict
 *   tcp_input.c	RFC 9293 3.10.7 step by step on one connection; changes state, never sends
 *   tcp_ack.c		what an acknowledgment does to the send queue
 *   tcp_loss.c		what it says about losses (with tcp_sack.c, tcp_rack.c, tcp_undo.c, tcp_cc*.c)
 *   tcp_rcv.c		receive queue and the window we offer (with tcp_reass.c)
 *   tcp_output.c	the only place that decides to send, and sends
 *   tcp_tso.c		segments that leave together, where the link cuts them
 *   tcp_mtup.c		black holes of the path's MTU
 *   tcp_timer.c	one wheel timer per connection, many deadlines
 *   tcp_usr.c		what programs ask
 *   tcp_tfo.c		data in the SYN, active side; tcp_tfo_listen.c passive side (RFC 7413)
 *
 * A segment changes a connection and puts it on the pending list; tcp_flush_output(), once
 * per burst, lets tcp_output() look at each.  Calls of a program run tcp_output() at once.
 *
 * The send queue is a list of mbufs of at most one segment's payload, in sequence order:
 * first what was sent and is not acknowledged (from snd_una), then, from send_head on, what
 * was not sent yet.  An mbuf is transmitted by reference: its header is prepended in its
 * own headroom and the link gets a reference.  data_off and data_len belong to the link
 * while refcnt > 1, so the queue's own idea is kept in pkt_cb: off (from buf_addr), len, seq,
 * end_seq.  snd_nxt is the highest sequence number sent and never goes back: what to
 * retransmit is marked on the mbufs (cb->sacked).
 *
 * Windows and congestion are counted in segments, as Linux does: cwnd, packets_out and
 * friends, where a segment is one mbuf of the send queue.
 */
#ifndef STACK_TCP_TCP_H
#define STACK_TCP_TCP_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/core/stack_priv.h"
#include "stack/inet/sock.h"
#include "stack/tcp/seq.h"
#include "stack/tcp/tcp_seg.h"
#include "stack/tcp/tcp_table.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_SEC 1000000000ull

/* -- constants: what Linux has as sysctls, at its defaults -------------------------- */
#define TCP_RTO_INIT (1 * NS_PER_SEC)	/* RFC 6298 2.1 */
#define TCP_RTO_MIN (200 * NS_PER_MS)	/* Linux; RFC 6298 2.4 says 1 s, see tcp_rtt.c */
#define TCP_RTO_MAX (120 * NS_PER_SEC)
#define TCP_TIMEOUT_MIN (8 * NS_PER_MS)
#define TCP_RTO_FALLBACK (3 * NS_PER_SEC) /* RFC 6298 5.7: after a lost SYN */
#define TCP_DELACK_MAX (40 * NS_PER_MS)
#define TCP_LAST_ACK_MAX (200 * NS_PER_MS) /* of the handshake, where data is to go with it */
#define TCP_SYN_RETRIES 6
#define TCP_SYNACK_RETRIES 5
#define TCP_RETRIES1 3	/* before the route is looked at again */
#define TCP_RETRIES2 15 /* before an established connection is given up */
#define TCP_ORPHAN_RETRIES 8
#define TCP_KEEPIDLE_S 7200
#define TCP_KEEPINTVL_S 75
#define TCP_KEEPCNT_DEF 9
#define TCP_FIN_TIMEOUT (60 * NS_PER_SEC)
#define TCP_INIT_CWND 10 /* RFC 6928 */
#define TCP_DEFAULT_MSS4 536
#define TCP_DEFAULT_MSS6 1220
#define TCP_MIN_MSS 88
#define TCP_MIN_SND_MSS 48 /* with options: what a peer that asks for less is sent all the same */
#define TCP_MAX_QUICKACKS 16
#define TCP_DUPTHRESH 3
#define TCP_MAX_REORDERING 300
#define TCP_CHALLENGE_PER_SEC 1000
#define TCP_STARVED_RETRY (10 * NS_PER_MS) /* out of packet memory: look again */
#define TCP_OOW_ACK_NS (500 * NS_PER_MS) /* per connection; Linux tcp_invalid_ratelimit */
#define TCP_SOMAXCONN 4096
#define TCP_PAWS_24DAYS (24ull * 24 * 3600 * NS_PER_SEC)
#define TCP_SSTHRESH_INF 0x7fffffffu

/* Linux's numbers, which TCP_INFO shows; only CLOSED is 0 here, so that zeroed memory is closed. */
enum tcp_state {
	TCPS_CLOSED = 0,
	TCPS_ESTABLISHED = 1,
	TCPS_SYN_SENT = 2,
	TCPS_SYN_RECEIVED = 3,
	TCPS_FIN_WAIT_1 = 4,
	TCPS_FIN_WAIT_2 = 5,
	TCPS_TIME_WAIT = 6,
	TCPS_CLOSE_WAIT = 8,
	TCPS_LAST_ACK = 9,
	TCPS_LISTEN = 10,
	TCPS_CLOSING = 11,
	TCPS_COUNT = 12
};

#define TCPS_BIT(s) (1u << (s))
/* SYN exchanged: sequence numbers are synchronised. */
#define TCPS_SYNCHRONISED                                                                          \
	(TCPS_BIT(TCPS_ESTABLISHED) | TCPS_BIT(TCPS_FIN_WAIT_1) | TCPS_BIT(TCPS_FIN_WAIT_2) |      \
	 TCPS_BIT(TCPS_CLOSE_WAIT) | TCPS_BIT(TCPS_LAST_ACK) | TCPS_BIT(TCPS_CLOSING))
/* The peer has not sent FIN yet. */
#define TCPS_CAN_RECEIVE                                                                           \
	(TCPS_BIT(TCPS_ESTABLISHED) | TCPS_BIT(TCPS_FIN_WAIT_1) | TCPS_BIT(TCPS_FIN_WAIT_2))
/* The program may still queue data. */
#define TCPS_CAN_SEND (TCPS_BIT(TCPS_ESTABLISHED) | TCPS_BIT(TCPS_CLOSE_WAIT))
/* Data or FIN may (still) be transmitted. */
#define TCPS_CAN_TRANSMIT                                                                          \
	(TCPS_CAN_SEND | TCPS_BIT(TCPS_FIN_WAIT_1) | TCPS_BIT(TCPS_CLOSING) |                      \
	 TCPS_BIT(TCPS_LAST_ACK))

/* tcp_sock.flags */
enum tcp_flag {
	TF_TS = 1u << 0,	/* timestamps agreed */
	TF_SACK = 1u << 1,	/* SACK agreed */
	TF_WSCALE = 1u << 2,
	TF_ECN = 1u << 3,	/* ECN agreed */
	TF_NODELAY = 1u << 4,
	TF_CORK = 1u << 5,
	TF_PENDING = 1u << 6,	/* on st->tcp.pending */
	TF_ACK_NOW = 1u << 7,	/* send an ACK with the next output */
	TF_ACK_SCHED = 1u << 8, /* an ACK is owed; may wait for TCPT_DELACK */
	TF_ACK_PUSHED = 1u << 9,  /* a short segment came: the peer waits for us */
	TF_ACK_PUSHED2 = 1u << 10, /* a second one */
	TF_FIN_QUEUED = 1u << 11, /* our FIN is at the end of the send queue */
	TF_ECN_ECE = 1u << 12,	/* echo congestion (RFC 3168 6.1.3) until CWR is seen */
	TF_ECN_CWR = 1u << 13,	/* say CWR with the next new data */
	TF_FRTO_NEW = 1u << 14,	/* F-RTO: new data goes first (RFC 5682 2.1 step 2.b) */
	TF_MORE = 1u << 15,	/* MSG_MORE of the call being handled */
	TF_CWND_LIMITED = 1u << 16,
	TF_PACED = 1u << 26,	/* the pacer alone held back what is next */
	TF_FRTO = 1u << 17,
	TF_URG_SEEN = 1u << 18, /* urg_seq is valid: urgent data not read past yet */
	TF_URG_VALID = 1u << 19, /* the urgent byte is in urg_byte */
	TF_INQ = 1u << 20,	/* TCP_INQ control messages wanted */
	TF_NODELAY_PUSH = 1u << 21, /* TCP_NODELAY just set: push once past Nagle and cork */
	TF_TLP_RETRANS = 1u << 22,
	TF_REORD_SEEN = 1u << 23,
	TF_DSACK_SEEN = 1u << 24,
	TF_SND_URG = 1u << 27,	/* snd_up is ahead of snd_una */
	TF_STARVED = 1u << 25,	/* a writer found no packet memory: not writable until there is */
	TF_PASSIVE = 1u << 29,	/* accepted, not connected */
	TF_RCV_DONE = 1u << 28,	/* the peer's FIN was received */
};

/* Deadlines of a connection; the earliest of them decides when its one timer must fire. */
enum tcp_timer {
	TCPT_XMIT,   /* what it stands for is in xmit_timer */
	TCPT_DELACK,
	TCPT_KEEP,   /* keepalive, FIN_WAIT_2 of an orphan */
	TCPT_PACE,
	TCPT_COUNT
};

/* The retransmission family excludes each other by sharing one deadline. */
enum tcp_xmit_timer {
	XMIT_NONE,
	XMIT_RTO,
	XMIT_PERSIST,
	XMIT_REO, /* RACK's reordering timer (RFC 8985 6.3) */
	XMIT_TLP, /* tail loss probe (RFC 8985 7) */
};

/* Loss recovery: the states that Linux shows in tcpi_ca_state. */
enum ca_state {
	CA_OPEN,
	CA_DISORDER,
	CA_CWR,
	CA_RECOVERY,
	CA_LOSS,
};

/* pkt_cb.sacked of a queued segment */
#define SEG_SACKED 0x01	 /* the peer has it */
#define SEG_RETRANS 0x02 /* retransmitted, and that copy is in flight */
#define SEG_LOST 0x04
#define SEG_EVER_RETRANS 0x08

/* tcp_sock.tfo: Fast Open, RFC 7413 */
#define TFO_OPT_CONNECT 0x01	/* TCP_FASTOPEN_CONNECT */
#define TFO_OPT_NO_COOKIE 0x02	/* TCP_FASTOPEN_NO_COOKIE */
#define TFO_SENDMSG 0x04	/* connect(2) is called by MSG_FASTOPEN: the SYN waits for its data */
#define TFO_ASKED 0x08		/* our SYN had the option */
#define TFO_ASKED_EXP 0x10	/* in its experimental form (RFC 6994) */
#define TFO_SYN_DATA 0x20	/* our SYN had data */
#define TFO_DATA_ACKED 0x40	/* the SYN's data was taken: TCPI_OPT_SYN_DATA */
#define TFO_EMBRYO 0x80		/* passive: data was taken, the handshake is not complete */
#define TFO_CHILD 0x100		/* passive: it began with a SYN that had the option */

/* Why an active Fast Open failed: Linux's enum tcp_fastopen_client_fail. */
enum tfo_fail { TFO_FAIL_NONE, TFO_FAIL_NO_COOKIE, TFO_FAIL_NOT_ACKED, TFO_FAIL_SYN_LOST };

#define TFO_COOKIE_MAX 16
struct tfo_cookie {
	int8_t len; /* -1: no option; 0: the request for one */
	bool exp;   /* option kind 254 */
	uint8_t val[TFO_COOKIE_MAX];
};

/* What the time of a connection that has something to send is spent on (TCP_INFO). */
enum tcp_chrono { CHRONO_IDLE, CHRONO_BUSY, CHRONO_RWND, CHRONO_SNDBUF, CHRONO_COUNT };

struct tcp_cc_ops;

struct tcp_sock {
	struct inet_sock inet;
	struct tcp_node node;

	/* -- one line: sequence numbers of both directions ------------------------------ */
	uint32_t snd_una __attribute__((aligned(64)));
	uint32_t snd_nxt;
	uint32_t snd_wnd;
	uint32_t snd_wl1;
	uint32_t write_seq; /* end of what the program has queued */
	uint32_t rcv_nxt;
	uint32_t rcv_wup;   /* rcv_nxt when we last sent an ACK */
	uint32_t rcv_wnd;   /* as offered then */
	uint32_t copied_seq; /* the program has read up to here */
	uint32_t ts_recent;
	uint32_t ts_off;
	uint32_t flags; /* enum tcp_flag */
	uint64_t ts_recent_stamp; /* ns */
	uint16_t mss;		  /* payload bytes of a full segment, all options considered */
	uint8_t snd_wscale, rcv_wscale;
	uint8_t ca_state; /* enum ca_state */
	uint8_t xmit_timer; /* enum tcp_xmit_timer */
	uint8_t ack_quick;  /* ACKs to send at once, still */
	uint8_t ack_pingpong; /* > 0: interactive, delay ACKs */

	/* -- send queue and congestion ---------------------------------------------------- */
	struct rte_mbuf *snd_head, *snd_tail, *send_head;
	uint32_t cwnd, ssthresh; /* segments */
	uint32_t packets_out, sacked_out, lost_out, retrans_out;
	uint32_t cwnd_cnt;
	uint32_t snd_sml; /* end of the last short segment sent (Nagle, Minshall) */
	uint64_t lsndtime; /* ns of the last data sent */

	/* -- receive queue ----------------------------------------------------------------- */
	struct pktq rcvq;
	struct rte_mbuf *ofo_head, *ofo_tail;
	uint32_t rcv_mss;	/* estimate of the peer's segment size */
	uint32_t rcv_ssthresh;	/* clamp of the window we offer */
	uint32_t window_clamp;
	uint32_t advmss;
	uint64_t lrcvtime;	/* ns of the last data received */

	/* -- timers ------------------------------------------------------------------------ */
	struct timer timer;
	uint64_t deadline[TCPT_COUNT];
	uint64_t rto;		/* ns, with back-off */
	uint64_t srtt;		/* ns << 3; 0: no sample yet */
	uint64_t rttvar;	/* ns << 2: the deviation used */
	uint64_t mdev, mdev_max; /* ns << 2 */
	uint32_t rtt_seq;
	uint8_t backoff;
	uint8_t retransmits;	/* RTOs in a row */
	uint8_t probes_out;	/* unanswered keepalive or window probes */
	uint8_t syn_retries;	/* option; 0: the default */
	uint64_t ato;		/* ns, delayed ACK estimate */
	uint32_t rcv_tsecr;	/* last echo received */
	uint64_t syn_stamp;	/* ns of the first SYN */
	uint64_t rcv_tstamp;	/* ns of the last ACK received */
	uint64_t retrans_stamp;	/* ns of the first retransmission of this episode, or of SYN; 0 none */
	uint64_t probes_stamp;	/* ns when the window closed */
	struct list pending_link;

	/* -- identity of the connection ---------------------------------------------------- */
	uint32_t iss, irs;
	uint32_t snd_up;	/* end of urgent data we sent */
	uint32_t snd_run;	/* where the run of unsent data that may be filled began */
	struct pktq zcq;	/* MSG_ZEROCOPY sends that are not acknowledged: tcp_zerocopy.c */
	struct pktq stampq;	/* bytes to be stamped: tcp_txstamp.c */
	struct rte_mbuf *stamp_unsent; /* of them: the first that has not left yet */
	uint32_t urg_seq;	/* sequence number of the urgent byte received */
	uint8_t urg_byte;
	bool urg_taken;		/* read with MSG_OOB */
	uint16_t mss_clamp;	/* the peer's MSS option */
	uint16_t user_mss;	/* TCP_MAXSEG, 0: none */
	uint16_t pmtu;		/* IP bytes of the path as mss was computed from */
	uint32_t pushed_seq;	/* end of what a long write has let go so far */
	uint16_t packet_segs;	/* tcp_packet_segs() when this output began */
	uint32_t max_window;	/* largest window the peer offered */

	/* -- loss recovery ----------------------------------------------------------------- */
	uint32_t lost_unsent;	/* of lost_out: not retransmitted yet */
	uint32_t fack_seq;	/* highest end of a SACKed segment */
	uint32_t high_seq;	/* snd_nxt at the onset of recovery */
	uint32_t undo_marker;
	int32_t undo_retrans;
	uint32_t prior_cwnd, prior_ssthresh;
	uint32_t prr_delivered, prr_out;
	uint32_t reordering;
	uint32_t reord_seen_cnt;
	uint32_t tlp_high_seq;	/* snd_nxt at the probe; 0: none under way */
	uint64_t delivered;	/* segments */
	uint64_t delivered_ce;
	uint64_t delivered_time;
	uint64_t first_tx_time;
	uint64_t app_limited;	/* delivered until which samples are app-limited; 0: not */
	uint32_t lost;		/* segments, ever */
	uint32_t total_retrans;
	struct {
		uint64_t mstamp; /* xmit time of the latest delivered segment */
		uint64_t rtt;	 /* ns */
		uint32_t end_seq;
		uint32_t last_delivered;
		uint8_t reo_wnd_steps;
		uint8_t reo_wnd_persist;
		bool advanced;
		bool dsack_seen;
	} rack;
	uint64_t rate_delivered, rate_interval; /* last good sample: segments, ns */
	bool rate_app_limited;

	struct tcp_sack sacks_out[TCP_MAX_SACKS]; /* what we tell the peer, newest first */
	uint8_t nsacks_out;
	bool dsack_out;	 /* dsack is to be told first */
	uint8_t keep_probes;
	struct tcp_sack dsack;

	/* -- min RTT (windowed) ------------------------------------------------------------ */
	uint64_t min_rtt, min_rtt_stamp;

	/* -- congestion control ------------------------------------------------------------ */
	const struct tcp_cc_ops *cc; /* const data, valid in every process of a fork family */
	uint8_t cc_id;
	uint32_t cwnd_clamp;
	uint32_t cwnd_used;
	uint64_t cwnd_stamp;
	uint32_t max_packets_out;
	uint32_t max_packets_seq;
	uint32_t cwnd_usage_seq;
	bool was_cwnd_limited;
	uint64_t pace_next;	/* ns: when the next segment may go */
	uint64_t pacing_rate;	/* bytes/s; UINT64_MAX: none */
	bool pacing;		/* cc needs pacing */
	uint64_t cc_priv[16];

	/* -- receive-buffer autotuning ----------------------------------------------------- */
	struct {
		uint32_t seq, space;
		uint64_t time;
	} rcvq_space;
	struct {
		uint64_t rtt; /* ns << 3 */
		uint32_t seq;
		uint64_t time;
		uint32_t tsecr;
	} rcv_rtt;

	/* -- options and keepalive --------------------------------------------------------- */
	uint32_t keepidle_s, keepintvl_s; /* 0: the default */
	uint8_t keepcnt;
	uint8_t defer_accept; /* SYN-ACK retransmissions to wait for data; seconds converted */
	uint32_t user_timeout_ms;
	uint32_t user_clamp;	/* TCP_WINDOW_CLAMP, 0: none */
	uint8_t syn_wscale;	/* what our SYN offered */
	int32_t linger2_s;    /* 0: default, < 0: none */
	uint32_t notsent_lowat; /* TCP_NOTSENT_LOWAT as it was set; 0: no limit */
	uint64_t last_oow_ack; /* ns */
	uint64_t rx_stamp;     /* SO_TIMESTAMP of the data last queued */

	/* -- passive open ------------------------------------------------------------------ */
	struct tcp_sock *listener; /* of a child that was not accepted yet */
	struct list accept_link;
	struct list acceptq;	   /* listener: children */
	struct list reqs;	   /* listener: half-open */
	uint32_t acceptq_len, backlog, nreqs;
	uint64_t cookie_stamp; /* listener: when a cookie was last sent, 0: never */

	/* -- Fast Open ------------------------------------------------------------------------ */
	uint16_t tfo;	       /* TFO_* */
	uint8_t tfo_fail;      /* enum tfo_fail */
	uint8_t tfo_nkeys;     /* TCP_FASTOPEN_KEY, 0: the stack's own */
	uint8_t tfo_keys[32];
	uint32_t tfo_max;      /* listener: TCP_FASTOPEN, embryos at most */
	uint32_t tfo_len;      /* listener: embryos now */
	uint32_t tfo_resets;   /* listener: embryos that were reset lately count, RFC 7413 5.1 */
	uint64_t tfo_reset_stamp;
	struct tcp_sock *tfo_listener; /* embryo: whose tfo_len counts it; NULL: nobody's */
	struct list tfo_link;	       /* embryo: on tfo_listener->tfo_embryos */
	struct list tfo_embryos;

	/* -- counters of TCP_INFO ---------------------------------------------------------- */
	uint64_t bytes_acked, bytes_received, bytes_sent, bytes_retrans;
	uint32_t segs_in, segs_out, data_segs_in, data_segs_out;
	uint32_t dsack_cnt, rcv_ooopack, reneg_cnt;
	bool ecn_seen; /* data came that was ECN-capable */
	struct { /* tcp_mtup.c: sizes of IP packets */
		uint16_t low, high; /* gets through; does not, or was not tried */
		uint16_t probe;	    /* under way, 0: none */
		bool on;
		uint32_t probe_seq, probe_end;
		uint64_t stamp; /* ns of the last probe or black hole */
	} mtup;

	uint64_t estab_time;
	uint32_t dup_acks_nxt; /* rcv_nxt that dup_acks is about */
	uint8_t dup_acks;      /* segments that came beyond it, up to TCP_DUPTHRESH */
	uint8_t chrono; /* enum tcp_chrono */
	uint16_t total_rto;	 /* time-outs, of SYNs as well */
	uint16_t rto_recoveries; /* rows of them */
	uint32_t rto_time_ms;	 /* spent in rows that are over */
	uint64_t rto_stamp;	 /* ns when the present one began, 0: none */
	uint64_t chrono_since;
	uint64_t chrono_spent[CHRONO_COUNT]; /* ns */
};

static_assert(offsetof(struct tcp_sock, node) % 64 == 0, "the key is one line");
static_assert(offsetof(struct tcp_sock, snd_head) - offsetof(struct tcp_sock, snd_una) == 64,
	      "sequence numbers are one line");
static_assert(offsetof(struct tcp_sock, rcvq) - offsetof(struct tcp_sock, snd_head) == 64,
	      "the send queue is one line");
static_assert(offsetof(struct tcp_sock, timer) - offsetof(struct tcp_sock, rcvq) == 64,
	      "the receive queue is one line");
static_assert(sizeof(struct tcp_sock) <= 2048, "a million idle connections");

static inline struct tcp_sock *tcp_sk(struct sock *sk)
{
	return (struct tcp_sock *)sk;
}

static inline struct sock *tcp_to_sk(struct tcp_sock *tp)
{
	return &tp->inet.sk;
}

static inline bool tcp_state_in(const struct tcp_sock *tp, uint32_t set)
{
	return (TCPS_BIT(tp->inet.sk.state) & set) != 0;
}

/* A half-open connection: SYN received, SYN-ACK sent. */
struct tcp_req {
	struct tcp_node node;
	struct timer timer;
	struct list link; /* on listener->reqs */
	struct tcp_sock *listener;
	uint64_t sent_at; /* ns of the first SYN-ACK, for the RTT */
	uint64_t last_oow_ack;
	uint32_t irs, iss;
	uint32_t rcv_wnd;
	uint32_t ts_recent, ts_off;
	uint16_t peer_mss, advmss;
	uint8_t snd_wscale, rcv_wscale;
	uint8_t flags;	 /* REQ_* */
	uint8_t ttl;
	uint8_t timeouts; /* timer expiries */
	uint8_t retrans; /* SYN-ACKs repeated */
	uint8_t tos;
	uint32_t ts_low_bits; /* cookie: the TSval to send; 0: none */
	uint32_t ts_first, ts_last; /* TSvals of our SYN-ACKs */
};

#define REQ_TS 0x01
#define REQ_SACK 0x02
#define REQ_WSCALE 0x04
#define REQ_ECN 0x08
#define REQ_ACKED 0x10 /* the handshake's ACK came, but no room in the accept queue, or no data yet */

/* A connection in TIME_WAIT (or FIN_WAIT_2 of an orphan): only what is needed to answer. */
struct tcp_tw {
	struct tcp_node node;
	struct timer timer;
	uint32_t rcv_nxt, snd_nxt;
	uint32_t rcv_wnd;
	uint32_t ts_recent, ts_off;
	uint64_t ts_recent_stamp;
	uint64_t last_oow_ack;
	uint8_t rcv_wscale;
	uint8_t tos, ttl;
	bool ts;
	bool fin_wait_2;
	struct port_owner port; /* bind(2) still sees the port taken */
};

/* One received segment on its way through the input functions. */
struct tcp_rx {
	struct rx_pkt *pkt;
	struct tcp_seg seg;
	uint32_t hash;
	uint16_t off;	/* payload, from the start of the mbuf's data */
	uint16_t segsz; /* joined from segments of this size; 0: one segment */
	bool taken;	/* a queue owns pkt->m now */
	uint32_t tw_iss; /* a SYN that takes a TIME_WAIT over: our ISS; 0: not one */
};

/* What is to be done after a segment, beyond the connection's own output. */
enum tcp_verdict {
	TCP_V_DONE,
	TCP_V_RESET,	/* answer with RST as RFC 9293 3.10.7.1 says */
	TCP_V_RETRY,	/* the node is gone: look up again (TIME_WAIT that was reused) */
};

#include "stack/tcp/tcp_priv.h"

#endif
