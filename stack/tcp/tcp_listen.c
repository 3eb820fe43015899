/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_listen.c - LISTEN and half-open connections: RFC 9293 3.10.7.2, RFC 4987.
 *
 * A SYN makes a struct tcp_req (a tenth of a connection); the handshake's ACK makes the
 * connection, which waits on its listener's accept queue.
 *
 *   SYN queue	at most `backlog` requests, and st->tcp.reqs of all listeners; then SYN cookies,
 *		or the SYN is dropped
 *   accept queue	at most backlog + 1 connections; while it is full SYNs are dropped, and the
 *		handshake's ACK is dropped too, so that the SYN-ACK is sent again and the ACK comes
 *		again (Linux with tcp_abort_on_overflow = 0)
 *   timer	SYN-ACK after 1, 2, 4, 8, 16 s; given up with the next time-out
 *   TCP_DEFER_ACCEPT	the bare ACK only stops the retransmissions; data makes the
 *		connection, or, when the time is over, the ACK to one more SYN-ACK
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

/* -- requests ---------------------------------------------------------------------------- */

void tcp_req_free(struct stack *st, struct tcp_req *req)
{
	tcp_table_remove(&req->node);
	timer_cancel(&st->wheel, &req->timer);
	list_del(&req->link);
	req->listener->nreqs--;
	pool_free(&st->tcp.reqs, req);
}

static bool acceptq_is_full(const struct tcp_sock *lsk)
{
	return lsk->acceptq_len > lsk->backlog;
}

static uint16_t req_advmss(const struct tcp_sock *lsk, const struct tcp_key *key,
			   const struct dst *dst)
{
	uint16_t mss = tcp_mss_from_mtu(key, dst->nif != NULL ? dst->nif->mtu : dst->mtu);

	return lsk->user_mss != 0 && lsk->user_mss < mss ? lsk->user_mss : mss;
}

/* Whole segments of mss. */
static void offer_window(struct stack *st, struct tcp_sock *lsk, struct tcp_req *req, uint32_t mss)
{
	uint32_t clamp;

	tcp_initial_window(st, lsk, mss, (req->flags & REQ_WSCALE) != 0, &req->rcv_wnd, &clamp,
			   &req->rcv_wscale);
}

/* What the SYN says, and what we answer. -errno: no way back to the peer. */
static int req_init(struct stack *st, struct tcp_sock *lsk, struct tcp_req *req, struct tcp_rx *rx,
		    uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;
	struct tcp_key *key = &req->node.key;
	struct dst dst = { 0 };
	int ret;

	key->laddr = rx->pkt->dst;
	key->raddr = rx->pkt->src;
	key->lport = seg->dport;
	key->rport = seg->sport;
	key->zero = 0;
	req->node.hash = rx->hash;
	req->node.kind = TCP_NODE_REQ;
	ret = route_lookup(st, &key->raddr, &key->laddr, &dst, now);
	if (ret < 0)
		return ret;
	req->listener = lsk;
	req->irs = seg->seq;
	req->tos = inet_tos(&lsk->inet, ipaddr_is_v4(&key->raddr));
	req->ttl = inet_ttl(&lsk->inet, ipaddr_is_v4(&key->raddr));
	req->peer_mss = tcp_peer_mss(key, seg);
	req->advmss = req_advmss(lsk, key, &dst);
	if (seg->opts & TCP_HAS_TS) {
		req->flags |= REQ_TS;
		req->ts_recent = seg->tsval;
		req->ts_off = tcp_ts_offset(st, key);
	}
	if (seg->opts & TCP_HAS_SACK_PERM)
		req->flags |= REQ_SACK;
	if (seg->opts & TCP_HAS_WSCALE) {
		req->flags |= REQ_WSCALE;
		req->snd_wscale = seg->wscale;
	}
	/* RFC 3168 6.1.1: an ECN-setup SYN is itself not ECT. */
	if ((seg->flags & (TH_ECE | TH_CWR)) == (TH_ECE | TH_CWR) && seg->ecn == 0)
		req->flags |= REQ_ECN;
	offer_window(st, lsk, req, req->advmss - ((req->flags & REQ_TS) ? TCP_TS_OPT_LEN : 0));
	return 0;
}

/* -- SYN cookies ------------------------------------------------------------------------------ */

/*
 * With timestamps the options that a cookie has no room for ride in the low bits of the
 * TSval that the peer will echo: window scale (15: none), SACK, ECN.
 */
#define COOKIE_TS_BITS 6
#define COOKIE_TS_MASK ((1u << COOKIE_TS_BITS) - 1)
#define COOKIE_NO_WSCALE 15u

static uint32_t cookie_tsval(const struct tcp_req *req, uint64_t now)
{
	uint32_t opts = (req->flags & REQ_WSCALE) ? req->snd_wscale : COOKIE_NO_WSCALE;
	uint32_t ts = tcp_ts_clock(now) + req->ts_off;
	uint32_t v;

	opts |= (req->flags & REQ_SACK) ? 1u << 4 : 0;
	opts |= (req->flags & REQ_ECN) ? 1u << 5 : 0;
	v = (ts & ~COOKIE_TS_MASK) | opts;
	if (seq_gt(v, ts)) /* never ahead of the clock */
		v -= 1u << COOKIE_TS_BITS;
	return v;
}

static void send_cookie(struct stack *st, struct tcp_sock *lsk, struct tcp_rx *rx, uint64_t now)
{
	struct tcp_req req;

	memset(&req, 0, sizeof(req));
	if (req_init(st, lsk, &req, rx, now) < 0)
		return;
	if (!(req.flags & REQ_TS)) /* nowhere to remember them */
		req.flags &= (uint8_t)~(REQ_SACK | REQ_WSCALE | REQ_ECN);
	else
		req.ts_low_bits = cookie_tsval(&req, now);
	if (!(req.flags & REQ_WSCALE))
		req.rcv_wscale = 0;
	req.iss = tcp_cookie_make(st, &req.node.key, req.irs, &req.peer_mss, now);
	lsk->cookie_stamp = now != 0 ? now : 1;
	MIB_INC(st, TCP_SYNCOOKIES_SENT);
	tcp_req_send_synack(st, &req, NULL, now);
}

/* What the SYN must have said, for an ACK that echoes a cookie. */
static void cookie_restore_syn(struct tcp_seg *seg)
{
	uint32_t bits = seg->tsecr & COOKIE_TS_MASK;

	seg->seq--;
	seg->flags = TH_SYN;
	seg->opts &= TCP_HAS_TS;
	seg->ecn = 0;
	if (!(seg->opts & TCP_HAS_TS))
		return;
	if ((bits & 15) != COOKIE_NO_WSCALE) {
		seg->opts |= TCP_HAS_WSCALE;
		seg->wscale = bits & 15;
	}
	if (bits & 1u << 4)
		seg->opts |= TCP_HAS_SACK_PERM;
	if (bits & 1u << 5)
		seg->flags |= TH_ECE | TH_CWR;
}

/*
 * An ACK to a listener: is it the echo of a cookie?  Then the request is as good as
 * remembered.  Cookies are believed only while some were sent lately.
 */
static enum tcp_verdict cookie_echoed(struct stack *st, struct tcp_sock *lsk, struct tcp_rx *rx,
				      struct tcp_sock **child, uint64_t now)
{
	struct tcp_rx syn = *rx;
	struct tcp_req req;

	if (lsk->cookie_stamp == 0 || now - lsk->cookie_stamp > 2 * TCP_COOKIE_PERIOD)
		return TCP_V_RESET;
	memset(&req, 0, sizeof(req));
	cookie_restore_syn(&syn.seg);
	if (req_init(st, lsk, &req, &syn, now) < 0)
		return TCP_V_DONE;
	req.peer_mss = tcp_cookie_check(st, &req.node.key, req.irs, rx->seg.ack - 1, now);
	if (req.peer_mss == 0) {
		MIB_INC(st, TCP_SYNCOOKIES_FAILED);
		return TCP_V_RESET;
	}
	MIB_INC(st, TCP_SYNCOOKIES_RECV);
	/* As Linux, which knows the peer's MSS here, not its own. */
	offer_window(st, lsk, &req, req.peer_mss);
	req.iss = rx->seg.ack - 1;
	req.retrans = 1; /* the handshake's round trip is unknown */
	if (acceptq_is_full(lsk)) {
		MIB_INC(st, TCP_LISTEN_OVERFLOWS);
		MIB_INC(st, TCP_LISTEN_DROPS);
		return TCP_V_DONE;
	}
	*child = tcp_child_create(st, lsk, &req, &rx->seg, now);
	if (*child != NULL)
		tcp_table_insert(st, &(*child)->node);
	return TCP_V_DONE;
}

/* -- LISTEN ------------------------------------------------------------------------------------ */

static bool wants_cookie(const struct stack *st, const struct tcp_sock *lsk)
{
	return st->cfg.syncookies == 2 || lsk->nreqs >= lsk->backlog;
}

static enum tcp_verdict syn_arrives(struct stack *st, struct tcp_sock *lsk, struct tcp_rx *rx,
				    uint64_t now)
{
	struct tfo_cookie cookie;
	struct tcp_req *req;

	if (acceptq_is_full(lsk)) {
		MIB_INC(st, TCP_LISTEN_OVERFLOWS);
		MIB_INC(st, TCP_LISTEN_DROPS);
		return TCP_V_DONE;
	}
	if (wants_cookie(st, lsk)) {
		if (st->cfg.syncookies == 0) {
			MIB_INC(st, TCP_REQ_QFULL_DROP);
			MIB_INC(st, TCP_LISTEN_DROPS);
		} else {
			send_cookie(st, lsk, rx, now);
		}
		return TCP_V_DONE;
	}
	req = pool_alloc(&st->tcp.reqs);
	if (req == NULL && st->cfg.syncookies != 0) { /* all listeners together are full */
		send_cookie(st, lsk, rx, now);
		return TCP_V_DONE;
	}
	if (req == NULL || req_init(st, lsk, req, rx, now) < 0) {
		if (req != NULL)
			pool_free(&st->tcp.reqs, req);
		MIB_INC(st, TCP_LISTEN_DROPS);
		return TCP_V_DONE;
	}
	req->iss = tcp_isn(st, &req->node.key, now);
	/* A SYN that re-uses a 4-tuple in TIME_WAIT (RFC 6191) continues above its old numbers. */
	if (rx->tw_iss != 0)
		req->iss = rx->tw_iss;
	if (tcp_tfo_syn(st, lsk, req, rx, &cookie, now)) {
		pool_free(&st->tcp.reqs, req);
		return TCP_V_DONE;
	}
	req->sent_at = now;
	req->timer.kind = TIMER_TCP_REQ;
	list_add_tail(&lsk->reqs, &req->link);
	lsk->nreqs++;
	tcp_table_insert(st, &req->node);
	timer_arm(&st->wheel, &req->timer, now + TCP_RTO_INIT);
	tcp_req_send_synack(st, req, &cookie, now);
	return TCP_V_DONE;
}

enum tcp_verdict tcp_listen_input(struct stack *st, struct tcp_sock *lsk, struct tcp_rx *rx,
				  struct tcp_sock **child, uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;

	/* First: RST is ignored.  Second: an ACK has no business here, unless it is a cookie's. */
	if (seg->flags & TH_RST)
		return TCP_V_DONE;
	if (seg->flags & TH_ACK) {
		if (seg->flags & TH_SYN)
			return TCP_V_RESET;
		return cookie_echoed(st, lsk, rx, child, now);
	}
	/* Third: SYN.  Linux drops SYN with FIN set; so do we. */
	if (!(seg->flags & TH_SYN) || (seg->flags & TH_FIN))
		return TCP_V_DONE;
	return syn_arrives(st, lsk, rx, now);
}

/* -- half-open: the state SYN-RECEIVED ----------------------------------------------------------- */

static uint8_t max_synack_retries(const struct tcp_req *req)
{
	uint8_t n = req->listener->syn_retries;

	return n != 0 ? n : TCP_SYNACK_RETRIES;
}

void tcp_req_timer(struct stack *st, struct tcp_req *req, uint64_t now)
{
	uint8_t max = max_synack_retries(req), defer = req->listener->defer_accept;
	bool acked = (req->flags & REQ_ACKED) != 0;
	bool expire, resend;

	if (defer == 0) {
		expire = req->timeouts >= max;
		resend = true;
	} else {
		expire = req->timeouts >= max && (!acked || req->timeouts >= defer);
		/* An acknowledged one is asked again only at the end of its time. */
		resend = !acked || req->timeouts + 1 >= defer;
	}
	if (expire) {
		tcp_req_free(st, req);
		return;
	}
	req->timeouts++;
	timer_arm(&st->wheel, &req->timer,
		  now + RTE_MIN(TCP_RTO_INIT << req->timeouts, TCP_RTO_MAX));
	if (resend) {
		req->retrans++;
		MIB_INC(st, TCP_RETRANS_SEGS);
		tcp_req_send_synack(st, req, NULL, now);
	}
}

/* The window check of RFC 9293 table 6, for a connection that has received nothing yet. */
static bool req_seq_acceptable(const struct tcp_req *req, const struct tcp_seg *seg)
{
	uint32_t start = req->irs + 1, end = start + req->rcv_wnd;

	if (seg->seq == end && seg->seq == seg->end_seq)
		return true;
	return seq_lt(seg->seq, end) && seq_gt(seg->end_seq, start - (seg->seq == start));
}

static bool req_paws_rejects(const struct tcp_req *req, const struct tcp_seg *seg)
{
	/* No request lives for 24 days. */
	return (req->flags & REQ_TS) && (seg->opts & TCP_HAS_TS) &&
	       tcp_ts_is_old(req->ts_recent, 0, seg->tsval, 0, 0);
}

/* What is echoed must be what a SYN-ACK of ours said: a blind attacker has to guess that, too. */
static bool req_tsecr_rejects(const struct tcp_req *req, const struct tcp_seg *seg)
{
	return (req->flags & REQ_TS) && (seg->opts & TCP_HAS_TS) && seg->tsecr != 0 &&
	       !seq_between(req->ts_first, seg->tsecr, req->ts_last);
}

static enum tcp_verdict syn_repeated(struct stack *st, struct tcp_req *req, uint64_t now)
{
	/* The peer did not get our SYN-ACK. */
	if (tcp_oow_ack_allowed(&req->last_oow_ack, now)) {
		req->retrans++;
		tcp_req_send_synack(st, req, NULL, now);
	}
	return TCP_V_DONE;
}

enum tcp_verdict tcp_req_input(struct stack *st, struct tcp_req *req, struct tcp_rx *rx,
			       struct tcp_sock **child, uint64_t now)
{
	struct tcp_seg *seg = &rx->seg;
	struct tcp_sock *lsk = req->listener;
	bool paws = req_paws_rejects(req, seg);

	if (seg->seq == req->irs && (seg->flags & (TH_SYN | TH_ACK | TH_RST | TH_FIN)) == TH_SYN &&
	    !paws)
		return syn_repeated(st, req, now);
	/* RFC 9293: an unacceptable ACK in SYN-RECEIVED is answered with RST. */
	if ((seg->flags & TH_ACK) && seg->ack != req->iss + 1)
		return (seg->flags & TH_RST) ? TCP_V_DONE : TCP_V_RESET;
	if (paws || req_tsecr_rejects(req, seg) || !req_seq_acceptable(req, seg)) {
		if (paws)
			MIB_INC(st, TCP_PAWS_DROP);
		else if (req_tsecr_rejects(req, seg))
			MIB_INC(st, TCP_TSECR_REJECTED);
		/* Data is not likely part of a loop of ACKs. */
		if (!(seg->flags & TH_RST) &&
		    ((seg->end_seq != seg->seq && !(seg->flags & TH_SYN)) ||
		     tcp_oow_ack_allowed(&req->last_oow_ack, now)))
			tcp_req_send_ack(st, req, now);
		return TCP_V_DONE;
	}
	if ((req->flags & REQ_TS) && (seg->opts & TCP_HAS_TS) && !seq_gt(seg->seq, req->irs + 1))
		req->ts_recent = seg->tsval;
	if (seg->flags & TH_RST) {
		/* RFC 5961 3.2 applies as well: the exact number, or prove it. */
		if (seg->seq == req->irs + 1) {
			MIB_INC(st, TCP_ATTEMPT_FAILS);
			tcp_req_free(st, req);
		} else if (tcp_oow_ack_allowed(&req->last_oow_ack, now)) {
			tcp_req_send_ack(st, req, now);
		}
		return TCP_V_DONE;
	}
	if (seg->flags & TH_SYN) {
		tcp_req_free(st, req);
		MIB_INC(st, TCP_ATTEMPT_FAILS);
		return TCP_V_RESET;
	}
	if (!(seg->flags & TH_ACK))
		return TCP_V_DONE;
	if (req->timeouts < lsk->defer_accept && seg->end_seq == req->irs + 1) {
		req->flags |= REQ_ACKED;
		return TCP_V_DONE;
	}
	if (acceptq_is_full(lsk)) {
		MIB_INC(st, TCP_LISTEN_OVERFLOWS);
		MIB_INC(st, TCP_LISTEN_DROPS);
		req->flags |= REQ_ACKED;
		return TCP_V_DONE;
	}
	*child = tcp_child_create(st, lsk, req, seg, now);
	if (*child == NULL) {
		MIB_INC(st, TCP_LISTEN_DROPS);
		return TCP_V_DONE;
	}
	tcp_req_free(st, req);
	tcp_table_insert(st, &(*child)->node);
	return TCP_V_DONE;
}

/* -- the accept queue ----------------------------------------------------------------------------- */

struct tcp_sock *tcp_accept_pop(struct tcp_sock *lsk)
{
	struct list *n = list_pop_head(&lsk->acceptq);
	struct tcp_sock *child;

	if (n == NULL)
		return NULL;
	child = list_entry(n, struct tcp_sock, accept_link);
	lsk->acceptq_len--;
	child->listener = NULL;
	return child;
}

/* The listener is gone: nobody will ever accept this one. */
void tcp_child_abort(struct stack *st, struct tcp_sock *child, uint64_t now)
{
	if (tcp_state_in(child, TCPS_SYNCHRONISED | TCPS_BIT(TCPS_SYN_RECEIVED)))
		tcp_send_reset(st, child, now);
	child->inet.sk.flags |= SOCK_F_DEAD;
	st->tcp.orphans++;
	tcp_done(st, child, ECONNRESET, now);
	tcp_destroy(st, child);
}

void tcp_listen_stop(struct stack *st, struct tcp_sock *lsk, uint64_t now)
{
	struct tcp_sock *child;
	struct list *n, *tmp;

	tcp_tfo_forget(lsk);
	list_for_each_safe(n, tmp, &lsk->reqs)
		tcp_req_free(st, list_entry(n, struct tcp_req, link));
	while ((child = tcp_accept_pop(lsk)) != NULL)
		tcp_child_abort(st, child, now);
}
