/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_sockopt.c - the options of tcp(7): one table says name, range and where the value is.
 *
 * Options whose value is a plain int in a field are driven by the table alone; the others
 * have a function.  Errors are Linux's: ENOPROTOOPT unknown, EINVAL out of range or short.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* tcp(7), linux/tcp.h; netinet/tcp.h does not know all of them */
enum {
	OPT_NODELAY = 1,
	OPT_MAXSEG = 2,
	OPT_CORK = 3,
	OPT_KEEPIDLE = 4,
	OPT_KEEPINTVL = 5,
	OPT_KEEPCNT = 6,
	OPT_SYNCNT = 7,
	OPT_LINGER2 = 8,
	OPT_DEFER_ACCEPT = 9,
	OPT_WINDOW_CLAMP = 10,
	OPT_INFO = 11,
	OPT_QUICKACK = 12,
	OPT_CONGESTION = 13,
	OPT_THIN_DUPACK = 17,
	OPT_USER_TIMEOUT = 18,
	OPT_FASTOPEN = 23,
	OPT_NOTSENT_LOWAT = 25,
	OPT_CC_INFO = 26,
	OPT_FASTOPEN_CONNECT = 30,
	OPT_FASTOPEN_KEY = 33,
	OPT_FASTOPEN_NO_COOKIE = 34,
	OPT_ULP = 31,
	OPT_INQ = 36,
	OPT_IS_MPTCP = 43,
};

#define MAX_KEEPIDLE 32767
#define MAX_KEEPINTVL 32767
#define MAX_KEEPCNT 127
#define MAX_SYNCNT 127

struct option {
	int name;
	int min, max;
	int (*set)(struct stack *st, struct tcp_sock *tp, int v, uint64_t now);
	int (*get)(const struct stack *st, const struct tcp_sock *tp);
};

static void set_flag(struct tcp_sock *tp, uint32_t flag, bool on)
{
	if (on)
		tp->flags |= flag;
	else
		tp->flags &= ~flag;
}

/* -- sending ------------------------------------------------------------------------------ */

static int set_nodelay(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	set_flag(tp, TF_NODELAY, v != 0);
	if (v != 0) {
		/* tcp(7): setting it flushes what is pending, even under TCP_CORK. */
		tp->flags |= TF_NODELAY_PUSH;
		tcp_output(st, tp, now);
		tp->flags &= ~TF_NODELAY_PUSH;
	}
	return 0;
}

static int get_nodelay(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (tp->flags & TF_NODELAY) != 0;
}

static int set_cork(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	set_flag(tp, TF_CORK, v != 0);
	if (v == 0) /* as far as Nagle lets it: a short segment in flight holds the next one back */
		tcp_output(st, tp, now);
	return 0;
}

static int get_cork(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (tp->flags & TF_CORK) != 0;
}

static int set_maxseg(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	if (v != 0 && (v < TCP_MIN_MSS || v > 32767))
		return -EINVAL;
	tp->user_mss = (uint16_t)v;
	return 0;
}

/* Before a connection: what was asked for, or the default; afterwards what is in use. */
static int get_maxseg(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	if (tp->user_mss != 0 && tcp_state_in(tp, TCPS_BIT(TCPS_CLOSED) | TCPS_BIT(TCPS_LISTEN)))
		return tp->user_mss;
	/* As Linux: what is offered counts as agreed on until the answer comes. */
	return tp->mss - (tcp_state_in(tp, TCPS_BIT(TCPS_SYN_SENT)) ? TCP_TS_OPT_LEN : 0);
}

static int set_notsent_lowat(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)now;
	tp->notsent_lowat = (uint32_t)v;
	tcp_write_space(st, tp);
	return 0;
}

static int get_notsent_lowat(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (int)tp->notsent_lowat;
}

/* -- keepalive and time-outs ----------------------------------------------------------------- */

static int set_keepidle(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	tp->keepidle_s = (uint32_t)v;
	if (tp->inet.sk.flags & SOCK_F_KEEPALIVE)
		tcp_keepalive_start(st, tp, now);
	return 0;
}

static int get_keepidle(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (int)(tcp_keepidle(tp) / NS_PER_SEC);
}

static int set_keepintvl(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	tp->keepintvl_s = (uint32_t)v;
	return 0;
}

static int get_keepintvl(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (int)(tcp_keepintvl(tp) / NS_PER_SEC);
}

static int set_keepcnt(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	tp->keepcnt = (uint8_t)v;
	return 0;
}

static int get_keepcnt(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return tp->keepcnt != 0 ? tp->keepcnt : TCP_KEEPCNT_DEF;
}

static int set_user_timeout(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	tp->user_timeout_ms = (uint32_t)v;
	return 0;
}

static int get_user_timeout(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (int)tp->user_timeout_ms;
}

static int set_linger2(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	/* Linux: negative means no FIN_WAIT_2 at all, more than two minutes is cut. */
	tp->linger2_s = v < 0 ? -1 : v > 120 ? 120 : v;
	return 0;
}

static int get_linger2(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return tp->linger2_s != 0 ? tp->linger2_s : (int)(TCP_FIN_TIMEOUT / NS_PER_SEC);
}

static int set_syncnt(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	tp->syn_retries = (uint8_t)v;
	return 0;
}

static int get_syncnt(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return tp->syn_retries != 0 ? tp->syn_retries : TCP_SYN_RETRIES;
}

/* Seconds become the number of SYN-ACK time-outs that cover them, as in Linux. */
static int set_defer_accept(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	int period = 1, timeout = 1;
	uint8_t n = 0;

	(void)st;
	(void)now;
	if (v > 0) {
		for (n = 1; v > period && n < 255; n++) {
			timeout = timeout * 2 < 120 ? timeout * 2 : 120;
			period += timeout;
		}
	}
	tp->defer_accept = n;
	return 0;
}

static int get_defer_accept(const struct stack *st, const struct tcp_sock *tp)
{
	int period = 0, timeout = 1;

	(void)st;
	for (uint8_t n = tp->defer_accept; n > 0; n--) {
		period += timeout;
		timeout = timeout * 2 < 120 ? timeout * 2 : 120;
	}
	return period;
}

/* -- receiving --------------------------------------------------------------------------------- */

static int set_quickack(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	/* tcp(7): not permanent; an even value other than 0 lasts for the ACK that is due. */
	if (v == 0) {
		tp->ack_pingpong = 1;
		return 0;
	}
	tp->ack_pingpong = 0;
	if (tcp_state_in(tp, TCPS_BIT(TCPS_ESTABLISHED) | TCPS_BIT(TCPS_CLOSE_WAIT)) &&
	    (tp->flags & TF_ACK_SCHED)) {
		tcp_send_ack(st, tp, now);
		if ((v & 1) == 0)
			tp->ack_pingpong = 1;
	}
	return 0;
}

static int get_quickack(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return tp->ack_pingpong == 0;
}

static int set_window_clamp(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	if (v == 0) {
		if (tp->inet.sk.state != TCPS_CLOSED)
			return -EINVAL;
		tp->user_clamp = 0;
		return 0;
	}
	tp->user_clamp = v < 1152 ? 1152 : (uint32_t)v; /* half of the least receive buffer */
	if (tcp_state_in(tp, TCPS_SYNCHRONISED)) {
		tp->window_clamp = tp->user_clamp;
		if (tp->rcv_ssthresh > tp->window_clamp)
			tp->rcv_ssthresh = tp->window_clamp;
	}
	return 0;
}

static int get_window_clamp(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (int)(tcp_state_in(tp, TCPS_SYNCHRONISED) ? tp->window_clamp : tp->user_clamp);
}

static int set_inq(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	set_flag(tp, TF_INQ, v != 0);
	return 0;
}

static int get_inq(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (tp->flags & TF_INQ) != 0;
}

/* Without effect since Linux 4.18. */
static int set_thin_dupack(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)tp;
	(void)v;
	(void)now;
	return 0;
}

static int get_zero(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	(void)tp;
	return 0;
}

/* -- Fast Open: before there is a connection ----------------------------------------------------- */

static int set_fastopen(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	if (!tcp_state_in(tp, TCPS_BIT(TCPS_CLOSED) | TCPS_BIT(TCPS_LISTEN)))
		return -EINVAL;
	tp->tfo_max = (uint32_t)(v < TCP_SOMAXCONN ? v : TCP_SOMAXCONN);
	return 0;
}

static int get_fastopen(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (int)tp->tfo_max;
}

static int set_fastopen_flag(struct tcp_sock *tp, uint8_t flag, bool on)
{
	tp->tfo = (uint16_t)(on ? tp->tfo | flag : tp->tfo & ~flag);
	return 0;
}

static int set_fastopen_connect(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	if (tp->inet.sk.state != TCPS_CLOSED)
		return -EINVAL;
	return set_fastopen_flag(tp, TFO_OPT_CONNECT, v != 0);
}

static int get_fastopen_connect(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (tp->tfo & TFO_OPT_CONNECT) != 0;
}

static int set_fastopen_no_cookie(struct stack *st, struct tcp_sock *tp, int v, uint64_t now)
{
	(void)st;
	(void)now;
	if (!tcp_state_in(tp, TCPS_BIT(TCPS_CLOSED) | TCPS_BIT(TCPS_LISTEN)))
		return -EINVAL;
	return set_fastopen_flag(tp, TFO_OPT_NO_COOKIE, v != 0);
}

static int get_fastopen_no_cookie(const struct stack *st, const struct tcp_sock *tp)
{
	(void)st;
	return (tp->tfo & TFO_OPT_NO_COOKIE) != 0;
}

/* The key in use, and maybe the one before it. */
static int set_fastopen_key(struct tcp_sock *tp, const void *val, socklen_t len)
{
	if (len != 16 && len != 32)
		return -EINVAL;
	memcpy(tp->tfo_keys, val, len);
	tp->tfo_nkeys = (uint8_t)(len / 16);
	return 0;
}

static const struct option options[] = {
	{ OPT_NODELAY, INT_MIN, INT_MAX, set_nodelay, get_nodelay },
	{ OPT_MAXSEG, INT_MIN, INT_MAX, set_maxseg, get_maxseg },
	{ OPT_CORK, INT_MIN, INT_MAX, set_cork, get_cork },
	{ OPT_KEEPIDLE, 1, MAX_KEEPIDLE, set_keepidle, get_keepidle },
	{ OPT_KEEPINTVL, 1, MAX_KEEPINTVL, set_keepintvl, get_keepintvl },
	{ OPT_KEEPCNT, 1, MAX_KEEPCNT, set_keepcnt, get_keepcnt },
	{ OPT_SYNCNT, 1, MAX_SYNCNT, set_syncnt, get_syncnt },
	{ OPT_LINGER2, INT_MIN, INT_MAX, set_linger2, get_linger2 },
	{ OPT_DEFER_ACCEPT, INT_MIN, INT_MAX, set_defer_accept, get_defer_accept },
	{ OPT_WINDOW_CLAMP, INT_MIN, INT_MAX, set_window_clamp, get_window_clamp },
	{ OPT_QUICKACK, INT_MIN, INT_MAX, set_quickack, get_quickack },
	{ OPT_USER_TIMEOUT, 0, INT_MAX, set_user_timeout, get_user_timeout },
	{ OPT_NOTSENT_LOWAT, INT_MIN, INT_MAX, set_notsent_lowat, get_notsent_lowat },
	{ OPT_FASTOPEN, 0, INT_MAX, set_fastopen, get_fastopen },
	{ OPT_FASTOPEN_CONNECT, 0, 1, set_fastopen_connect, get_fastopen_connect },
	{ OPT_FASTOPEN_NO_COOKIE, 0, 1, set_fastopen_no_cookie, get_fastopen_no_cookie },
	{ OPT_INQ, 0, 1, set_inq, get_inq },
	{ OPT_THIN_DUPACK, 0, 1, set_thin_dupack, get_zero },
	{ OPT_IS_MPTCP, 0, 0, NULL, get_zero },
};

static const struct option *find_option(int name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].name == name)
			return &options[i];
	return NULL;
}

/* -- congestion control, by name ------------------------------------------------------------------ */

static int set_congestion(struct tcp_sock *tp, const void *val, socklen_t len, uint64_t now)
{
	char name[TCP_CC_NAME_LEN] = "";
	int id;

	if (len < 1)
		return -EINVAL;
	memcpy(name, val, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	id = tcp_cc_find(name);
	if (id < 0)
		return -ENOENT;
	if (tp->cc_id == id)
		return 0;
	tcp_cc_assign(tp, (unsigned int)id);
	if (tcp_state_in(tp, TCPS_SYNCHRONISED))
		tp->cc->init(tp, now);
	return 0;
}

static int copy_out(void *val, socklen_t *len, const void *from, socklen_t n)
{
	if (*len > n)
		*len = n;
	memcpy(val, from, *len);
	return 0;
}

static int get_congestion(const struct tcp_sock *tp, void *val, socklen_t *len)
{
	char name[TCP_CC_NAME_LEN] = "";

	strncpy(name, tp->cc->name, sizeof(name) - 1);
	return copy_out(val, len, name, sizeof(name));
}

/* -- the calls --------------------------------------------------------------------------------------- */

int tcp_sockopt_set(struct stack *st, struct sock *sk, int level, int name, const void *val,
		    socklen_t len, uint64_t now)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct option *opt;
	int v;

	if (level != IPPROTO_TCP)
		return -ENOPROTOOPT;
	if (name == OPT_CONGESTION)
		return set_congestion(tp, val, len, now);
	if (name == OPT_FASTOPEN_KEY)
		return set_fastopen_key(tp, val, len);
	/* Nothing takes over above a connection: kTLS falls back on the program's own. */
	if (name == OPT_ULP)
		return len < 1 ? -EINVAL : -ENOENT;
	if (len < (socklen_t)sizeof(int))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	opt = find_option(name);
	if (opt == NULL || opt->set == NULL)
		return -ENOPROTOOPT;
	if (v < opt->min || v > opt->max)
		return -EINVAL;
	return opt->set(st, tp, v, now);
}

int tcp_sockopt_get(struct stack *st, struct sock *sk, int level, int name, void *val,
		    socklen_t *len, uint64_t now)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct option *opt;
	int v;

	if (level != IPPROTO_TCP)
		return -ENOPROTOOPT;
	if ((int)*len < 0)
		return -EINVAL;
	if (name == OPT_INFO)
		return tcp_info_get(st, tp, val, len, now);
	if (name == OPT_ULP || name == OPT_CC_INFO) {
		*len = 0; /* none; and what cubic and reno tell, which is nothing */
		return 0;
	}
	if (name == OPT_CONGESTION)
		return get_congestion(tp, val, len);
	if (name == OPT_FASTOPEN_KEY)
		return copy_out(val, len, tp->tfo_keys, tp->tfo_nkeys * 16u);
	opt = find_option(name);
	if (opt == NULL)
		return -ENOPROTOOPT;
	v = opt->get(st, tp);
	return copy_out(val, len, &v, sizeof(v));
}

/* An option of SOL_SOCKET or the IP level changed. */
void tcp_option_changed(struct stack *st, struct sock *sk, int level, int name, uint64_t now)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (level != SOL_SOCKET)
		return;
	switch (name) {
	case SO_KEEPALIVE:
		if (!tcp_state_in(tp, TCPS_SYNCHRONISED))
			break;
		if (sk->flags & SOCK_F_KEEPALIVE) {
			tp->keep_probes = 0;
			/* Counted from now, as Linux resets the timer. */
			tcp_timer_set(st, tp, TCPT_KEEP, now + tcp_keepidle(tp));
		} else if (!(sk->flags & SOCK_F_DEAD)) {
			tcp_timer_clear(tp, TCPT_KEEP);
		}
		break;
	case SO_RCVBUF:
	case SO_RCVBUFFORCE:
		if (tcp_state_in(tp, TCPS_SYNCHRONISED) && tp->user_clamp == 0)
			tp->window_clamp = tcp_win_from_space(sk->rcvbuf);
		break;
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
		tcp_write_space(st, tp);
		break;
	case SO_TIMESTAMPING:
	case SO_TIMESTAMPING_NEW:
		tcp_txstamp_option(tp);
		break;
	case SO_OOBINLINE:
	default:
		break;
	}
}
