/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_child.c - a connection is born: by socket(2), or of a listener and a request.
 */
#include "stack/inet/filter.h"
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#include <netinet/in.h>

static int default_cc(const struct stack *st)
{
	int id = tcp_cc_find(st->cfg.cc);

	return id >= 0 ? id : TCP_CC_CUBIC;
}

struct tcp_sock *tcp_sock_alloc(struct stack *st, int domain, uint64_t now)
{
	struct tcp_sock *tp = pool_alloc(&st->tcp.socks);

	(void)now;
	if (tp == NULL)
		return NULL;
	sock_init(st, tcp_to_sk(tp), domain, SOCK_STREAM, IPPROTO_TCP);
	tp->inet.sk.rcvbuf = st->cfg.rmem[1];
	tp->inet.sk.sndbuf = st->cfg.wmem[1];
	tp->node.kind = TCP_NODE_SOCK;
	tp->timer.kind = TIMER_TCP;
	for (unsigned int i = 0; i < TCPT_COUNT; i++)
		tp->deadline[i] = TIMER_NEVER;
	tp->rto = TCP_RTO_INIT;
	tp->mdev = TCP_RTO_INIT;
	tp->cwnd = TCP_INIT_CWND;
	tp->ssthresh = TCP_SSTHRESH_INF;
	tp->cwnd_clamp = UINT32_MAX;
	tp->reordering = TCP_DUPTHRESH;
	tp->rack.reo_wnd_steps = 1;
	tp->mss = TCP_DEFAULT_MSS4;
	tp->pacing_rate = UINT64_MAX;
	tp->app_limited = 1; /* until the first segment is delivered */
	tp->rate_app_limited = true;
	list_init(&tp->pending_link);
	list_init(&tp->accept_link);
	list_init(&tp->acceptq);
	list_init(&tp->reqs);
	list_init(&tp->tfo_link);
	list_init(&tp->tfo_embryos);
	tcp_cc_assign(tp, (unsigned int)default_cc(st));
	return tp;
}

/* Options that a connection has from its listener (Linux clones the whole socket). */
static void inherit_options(struct tcp_sock *tp, const struct tcp_sock *lsk)
{
	struct sock *sk = tcp_to_sk(tp);
	const struct sock *from = &lsk->inet.sk;

	sk->flags = from->flags & ~(SOCK_F_NOSPACE | SOCK_F_DEAD);
	sk->tsflags = from->tsflags;
	sk->rcvbuf = from->rcvbuf;
	sk->sndbuf = from->sndbuf;
	sk->rcvlowat = from->rcvlowat;
	sk->mark = from->mark;
	sk->priority = from->priority;
	sk->rcvtimeo = from->rcvtimeo;
	sk->sndtimeo = from->sndtimeo;
	sk->linger = from->linger;
	sk->peek_off = from->peek_off;
	sk->max_pacing_rate = from->max_pacing_rate;
	sk->busy_poll_us = from->busy_poll_us;
	sk->opts = from->opts;
	tp->inet.ttl = lsk->inet.ttl;
	tp->inet.tos = lsk->inet.tos;
	tp->inet.min_ttl = lsk->inet.min_ttl;
	tp->inet.mc_ttl = lsk->inet.mc_ttl;
	tp->inet.mc_loop = lsk->inet.mc_loop;
	tp->inet.mc_all = lsk->inet.mc_all;
	tp->inet.pmtudisc = lsk->inet.pmtudisc;
	tp->inet.in6 = lsk->inet.in6;
	tp->inet.cmsg_flags = lsk->inet.cmsg_flags;
	tp->flags |= lsk->flags & (TF_NODELAY | TF_CORK | TF_INQ);
	tp->user_mss = lsk->user_mss;
	tp->keepidle_s = lsk->keepidle_s;
	tp->keepintvl_s = lsk->keepintvl_s;
	tp->keepcnt = lsk->keepcnt;
	tp->user_timeout_ms = lsk->user_timeout_ms;
	tp->linger2_s = lsk->linger2_s;
	tp->syn_retries = lsk->syn_retries;
	tp->notsent_lowat = lsk->notsent_lowat;
	tp->user_clamp = lsk->user_clamp;
	if (lsk->cc_id != tp->cc_id)
		tcp_cc_assign(tp, lsk->cc_id);
}

static void set_identity(struct tcp_sock *tp, const struct tcp_req *req)
{
	const struct tcp_key *key = &req->node.key;

	tp->node.key = *key;
	tp->node.hash = req->node.hash;
	tp->inet.hash = req->node.hash;
	tp->inet.local.addr = key->laddr;
	tp->inet.local.port = key->lport;
	tp->inet.peer.addr = key->raddr;
	tp->inet.peer.port = key->rport;
	tp->iss = req->iss;
	tp->snd_una = tp->snd_nxt = tp->write_seq = tp->pushed_seq = req->iss + 1;
	tp->snd_sml = tp->snd_up = tp->high_seq = tp->snd_nxt;
	tp->irs = req->irs;
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = req->irs + 1;
	tp->rcv_wnd = req->rcv_wnd;
}

static void set_options(struct tcp_sock *tp, const struct tcp_req *req, const struct tcp_seg *seg,
			uint64_t now)
{
	uint32_t clamp = tp->user_clamp;

	tp->flags |= TF_PASSIVE;
	if (req->flags & REQ_TS) {
		tp->flags |= TF_TS;
		tp->ts_recent = req->ts_recent;
		tp->ts_recent_stamp = now;
		tp->ts_off = req->ts_off;
	}
	if (req->flags & REQ_SACK)
		tp->flags |= TF_SACK;
	if (req->flags & REQ_ECN)
		tp->flags |= TF_ECN;
	if (req->flags & REQ_WSCALE) {
		tp->flags |= TF_WSCALE;
		tp->snd_wscale = req->snd_wscale;
		tp->rcv_wscale = tp->syn_wscale = req->rcv_wscale;
	}
	tp->window_clamp = clamp != 0 ? clamp : 65535u << tp->rcv_wscale;
	tp->advmss = req->advmss;
	tp->mss_clamp = req->peer_mss;
	if (tp->user_mss != 0 && tp->mss_clamp > tp->user_mss)
		tp->mss_clamp = tp->user_mss;
	/* RFC 7323 2.2: never scaled in a SYN */
	tp->snd_wnd = seg->wnd << (seg->flags & TH_SYN ? 0 : tp->snd_wscale);
	tp->snd_wl1 = seg->seq;
	tp->max_window = tp->snd_wnd;
}

struct tcp_sock *tcp_child_new(struct stack *st, struct tcp_sock *lsk, const struct tcp_req *req,
			       const struct tcp_seg *seg, uint64_t now)
{
	struct tcp_sock *tp = tcp_sock_alloc(st, lsk->inet.sk.domain, now);

	if (tp == NULL)
		return NULL;
	inherit_options(tp, lsk);
	set_identity(tp, req);
	if (route_lookup(st, &tp->node.key.raddr, &tp->node.key.laddr, &tp->inet.dst, now) < 0) {
		pool_free(&st->tcp.socks, tp);
		return NULL;
	}
	filter_inherit(tcp_to_sk(tp), tcp_to_sk(lsk));
	set_options(tp, req, seg, now);
	tcp_mss_sync(st, tp, now);
	port_inherit(st, &tp->inet, &lsk->inet);
	tp->segs_in = 1; /* the SYN */
	MIB_INC(st, TCP_PASSIVE_OPENS);
	return tp;
}

void tcp_child_offer(struct stack *st, struct tcp_sock *lsk, struct tcp_sock *tp)
{
	tp->listener = lsk;
	list_add_tail(&lsk->acceptq, &tp->accept_link);
	lsk->acceptq_len++;
	sock_raise(st, tcp_to_sk(lsk), EPOLLIN | EPOLLRDNORM);
}

struct tcp_sock *tcp_child_create(struct stack *st, struct tcp_sock *lsk,
				  const struct tcp_req *req, const struct tcp_seg *seg,
				  uint64_t now)
{
	struct tcp_sock *tp = tcp_child_new(st, lsk, req, seg, now);

	if (tp == NULL)
		return NULL;
	tp->total_retrans = req->retrans;
	if (req->retrans == 0) {
		uint64_t rtt = now - req->sent_at;

		tcp_rtt_sample(tp, rtt);
		tcp_min_rtt_update(tp, rtt != 0 ? rtt : 1, now);
	} else if ((req->flags & REQ_TS) && (seg->opts & TCP_HAS_TS) && req->sent_at != 0) {
		uint32_t ms = tcp_ts_clock(now) + req->ts_off - seg->tsecr;

		if (ms < 60000)
			tcp_rtt_sample(tp, (ms != 0 ? ms : 1) * NS_PER_MS);
	}
	tcp_established(st, tp, now);
	tcp_child_offer(st, lsk, tp);
	return tp;
}
