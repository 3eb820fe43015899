/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sockopt_rare.c - options of SOL_SOCKET that Linux remembers, or refuses in words of its own,
 * and that change little or nothing of what is sent and received.
 */
#include <errno.h>
#include <string.h>

#include <linux/net_tstamp.h>

#include "stack/inet/filter.h"
#include "stack/inet/sockopt.h"

/* Newer than the headers. */
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#define OPT_PASSPIDFD	76
#define OPT_PEERPIDFD	77
#define OPT_RCVPRIORITY 82
#define OPT_PASSRIGHTS	83

/* It has been without effect since Linux 2.2, and is accepted for old programs. */
static int set_bsdcompat(const struct optctx *c, int val)
{
	(void)c;
	(void)val;
	return 0;
}

static int get_zero(const struct optctx *c, int *val)
{
	(void)c;
	*val = 0;
	return 0;
}

/* AF_UNIX has these. */
static int set_of_unix(const struct optctx *c, int val)
{
	(void)c;
	(void)val;
	return -EOPNOTSUPP;
}

static int get_of_unix(const struct optctx *c, int *val)
{
	(void)c;
	(void)val;
	return -EOPNOTSUPP;
}

static int get_of_peer(const struct optctx *c, int *val)
{
	(void)c;
	(void)val;
	return -ENODATA;
}

static bool filter_is_locked(const struct sock *sk)
{
	return (sk->opts & SOCK_O_LOCK_FILTER) != 0;
}

static int set_attach_filter(const struct optctx *c, const void *val, socklen_t len)
{
	struct sock_fprog prog;

	if (len != sizeof(prog))
		return -EINVAL;
	memcpy(&prog, val, sizeof(prog));
	return filter_is_locked(c->sk) ? -EPERM : filter_attach(c->st, c->sk, prog.filter, prog.len);
}

static int set_detach_filter(const struct optctx *c, int val)
{
	(void)val;
	if (filter_is_locked(c->sk))
		return -EPERM;
	if (c->sk->filter == NULL)
		return -ENOENT;
	filter_detach(c->st, c->sk);
	return 0;
}

static int set_detach_reuseport(const struct optctx *c, int val)
{
	(void)c;
	(void)val;
	return -EINVAL; /* no program there, either */
}

/* socket(7): "once set, it is impossible to unset". */
static int set_lock_filter(const struct optctx *c, int val)
{
	if (val == 0 && filter_is_locked(c->sk))
		return -EPERM;
	if (val != 0)
		c->sk->opts |= SOCK_O_LOCK_FILTER;
	return 0;
}

/* As sk_get_filter(): lengths are in instructions, and 0 only asks for how many there are. */
static int get_filter(const struct optctx *c, void *val, socklen_t *len)
{
	const struct filter *f = c->sk->filter;
	uint32_t n = f != NULL ? f->len : 0;

	if (*len != 0 && *len < n)
		return -EINVAL;
	if (*len != 0 && n > 0)
		memcpy(val, f->code, n * sizeof(f->code[0]));
	*len = n;
	return 0;
}

/* The program's word that the path does not work: dst_negative_advice(); routes are looked up anew. */
static int set_cnx_advice(const struct optctx *c, int val)
{
	if (val == 1)
		c->isk->dst.gen = 0;
	return 0;
}

static int set_busy_poll_budget(const struct optctx *c, int val)
{
	(void)c;
	return val < 0 || val > UINT16_MAX ? -EINVAL : 0;
}

static int set_buf_lock(const struct optctx *c, int val)
{
	if ((val & ~(SOCK_SNDBUF_LOCK | SOCK_RCVBUF_LOCK)) != 0)
		return -EINVAL;
	c->sk->flags &= ~(uint32_t)(SOCK_F_SNDBUF_LOCK | SOCK_F_RCVBUF_LOCK);
	if ((val & SOCK_SNDBUF_LOCK) != 0)
		c->sk->flags |= SOCK_F_SNDBUF_LOCK;
	if ((val & SOCK_RCVBUF_LOCK) != 0)
		c->sk->flags |= SOCK_F_RCVBUF_LOCK;
	return 0;
}

static int get_buf_lock(const struct optctx *c, int *val)
{
	*val = ((c->sk->flags & SOCK_F_SNDBUF_LOCK) != 0 ? SOCK_SNDBUF_LOCK : 0) |
	       ((c->sk->flags & SOCK_F_RCVBUF_LOCK) != 0 ? SOCK_RCVBUF_LOCK : 0);
	return 0;
}

/* Memory can be reserved where a memory cgroup accounts for sockets: never here. */
static int set_reserve_mem(const struct optctx *c, int val)
{
	(void)c;
	return val < 0 ? -EINVAL : -EOPNOTSUPP;
}

/* Nothing of ours rehashes: the answer of the kernel, whose default is that it may. */
static int set_txrehash(const struct optctx *c, int val)
{
	if (c->sk->type != SOCK_STREAM)
		return -EOPNOTSUPP;
	if (val < -1 || val > 1)
		return -EINVAL;
	c->sk->opts &= ~(uint32_t)SOCK_O_NO_TXREHASH;
	if (val == 0)
		c->sk->opts |= SOCK_O_NO_TXREHASH;
	return 0;
}

static int get_txrehash(const struct optctx *c, int *val)
{
	if (c->sk->type != SOCK_STREAM)
		return -EOPNOTSUPP;
	*val = (c->sk->opts & SOCK_O_NO_TXREHASH) == 0;
	return 0;
}

/*
 * Deviation: the times of SCM_TXTIME are accepted and not kept to, as by a kernel without
 * the qdiscs fq and etf, which alone look at them.
 */
static int set_txtime(const struct optctx *c, const void *val, socklen_t len)
{
	struct sock_txtime t;

	if (len != sizeof(t))
		return -EINVAL;
	memcpy(&t, val, sizeof(t));
	if ((t.flags & ~(uint32_t)SOF_TXTIME_FLAGS_MASK) != 0 || t.clockid < 0 ||
	    t.clockid > INT8_MAX)
		return -EINVAL;
	c->sk->opts |= SOCK_O_TXTIME;
	c->sk->txtime_clock = (int8_t)t.clockid;
	c->sk->txtime_flags = (uint8_t)t.flags;
	return 0;
}

static int get_txtime(const struct optctx *c, void *val, socklen_t *len)
{
	struct sock_txtime t = { c->sk->txtime_clock, c->sk->txtime_flags };

	return sockopt_put(val, len, &t, sizeof(t));
}

static const struct sockopt rows[] = {
	{ SO_BSDCOMPAT, .set_int = set_bsdcompat, .get_int = get_zero },
	{ SO_PASSCRED, .set_int = set_of_unix, .get_int = get_of_unix },
	{ SO_PASSSEC, .set_int = set_of_unix, .get_int = get_of_unix },
	{ OPT_PASSPIDFD, .set_int = set_of_unix, .get_int = get_of_unix },
	{ OPT_PASSRIGHTS, .set_int = set_of_unix, .get_int = get_of_unix },
	{ SO_PEERGROUPS, .get_int = get_of_peer },
	{ OPT_PEERPIDFD, .get_int = get_of_peer },
	{ SO_ATTACH_FILTER, .set = set_attach_filter, .get = get_filter },
	{ SO_DETACH_FILTER, .set_int = set_detach_filter },
	{ SO_DETACH_REUSEPORT_BPF, .set_int = set_detach_reuseport },
	{ SO_LOCK_FILTER, .opt = SOCK_O_LOCK_FILTER, .set_int = set_lock_filter },
	{ SO_WIFI_STATUS, .opt = SOCK_O_WIFI_STATUS },
	{ SO_NOFCS, .opt = SOCK_O_NOFCS },
	{ SO_CNX_ADVICE, .set_int = set_cnx_advice },
	/* No NAPI instance of the kernel's brought anything. */
	{ SO_INCOMING_NAPI_ID, .get_int = get_zero },
	{ SO_TXTIME, .set = set_txtime, .get = get_txtime },
	{ SO_PREFER_BUSY_POLL, .opt = SOCK_O_PREFER_BUSY_POLL },
	{ SO_BUSY_POLL_BUDGET, .set_int = set_busy_poll_budget },
	{ SO_BUF_LOCK, .set_int = set_buf_lock, .get_int = get_buf_lock },
	{ SO_RESERVE_MEM, .set_int = set_reserve_mem, .get_int = get_zero },
	{ SO_TXREHASH, .set_int = set_txrehash, .get_int = get_txrehash },
	{ SO_RCVMARK, .opt = SOCK_O_RCVMARK },
	{ OPT_RCVPRIORITY, .opt = SOCK_O_RCVPRIORITY },
};

const struct sockopt_table sockopt_rare = { rows, sizeof(rows) / sizeof(rows[0]), sizeof(int),
					    false, NULL };
