/* SPDX-License-Identifier: BSD-3-Clause */
/* sockopt_socket.c - SOL_SOCKET: socket(7). */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>

#include "stack/inet/sockopt.h"
#include "stack/inet/txstamp.h"

/* Linux: SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF on a 64-bit machine. */
#define MIN_RCVBUF 2304
#define MIN_SNDBUF 4608

#define SOF_TIMESTAMPING_KNOWN 0x7ffff /* the bits that Linux 6.18 accepts */

static void set_flag(const struct optctx *c, uint32_t flag, bool on)
{
	if (on)
		c->sk->flags |= flag;
	else
		c->sk->flags &= ~flag;
}

static int set_reuseaddr(const struct optctx *c, int val)
{
	set_flag(c, SOCK_F_REUSEADDR, val != 0);
	port_options_changed(c->st, c->isk);
	return 0;
}

static int set_reuseport(const struct optctx *c, int val)
{
	set_flag(c, SOCK_F_REUSEPORT, val != 0);
	port_options_changed(c->st, c->isk);
	return 0;
}

static int get_type(const struct optctx *c, int *val)
{
	*val = c->sk->type;
	return 0;
}

static int get_protocol(const struct optctx *c, int *val)
{
	*val = c->sk->protocol;
	return 0;
}

static int get_domain(const struct optctx *c, int *val)
{
	*val = c->sk->domain;
	return 0;
}

static int get_error(const struct optctx *c, int *val)
{
	*val = sock_take_error(c->sk);
	if (*val == 0) {
		*val = c->sk->err_soft;
		c->sk->err_soft = 0;
	}
	return 0;
}

static int get_acceptconn(const struct optctx *c, int *val)
{
	*val = (c->isk->port.flags & PORT_F_LISTEN) != 0;
	return 0;
}

/* -- buffers: socket(7) "the kernel doubles this value" ------------------------------------ */

static uint32_t doubled(int val, uint32_t max, uint32_t min)
{
	uint32_t size = val < 0 || (uint32_t)val > max ? max : (uint32_t)val;

	if (size > INT_MAX / 2)
		size = INT_MAX / 2;
	return size * 2 < min ? min : size * 2;
}

static void set_rcvbuf(const struct optctx *c, int val, uint32_t max)
{
	c->sk->flags |= SOCK_F_RCVBUF_LOCK;
	c->sk->rcvbuf = doubled(val, max, MIN_RCVBUF);
}

static void set_sndbuf(const struct optctx *c, int val, uint32_t max)
{
	c->sk->flags |= SOCK_F_SNDBUF_LOCK;
	c->sk->sndbuf = doubled(val, max, MIN_SNDBUF);
	sock_raise(c->st, c->sk, EPOLLOUT | EPOLLWRNORM);
}

static int set_rcvbuf_max(const struct optctx *c, int val)
{
	set_rcvbuf(c, val, c->st->cfg.rmem[2]);
	return 0;
}

static int set_sndbuf_max(const struct optctx *c, int val)
{
	set_sndbuf(c, val, c->st->cfg.wmem[2]);
	return 0;
}

static int set_rcvbuf_force(const struct optctx *c, int val)
{
	set_rcvbuf(c, val < 0 ? 0 : val, INT_MAX);
	return 0;
}

static int set_sndbuf_force(const struct optctx *c, int val)
{
	set_sndbuf(c, val < 0 ? 0 : val, INT_MAX);
	return 0;
}

static int get_rcvbuf(const struct optctx *c, int *val)
{
	*val = (int)c->sk->rcvbuf;
	return 0;
}

static int get_sndbuf(const struct optctx *c, int *val)
{
	*val = (int)c->sk->sndbuf;
	return 0;
}

static int set_rcvlowat(const struct optctx *c, int val)
{
	uint32_t cap = c->st->cfg.rmem[2] / 2;

	if (val < 0)
		val = INT_MAX;
	/* tcp_set_rcvlowat(): never more than the buffer could hold. */
	if ((c->sk->flags & SOCK_F_RCVBUF_LOCK) != 0)
		cap = c->sk->rcvbuf / 2;
	if (c->sk->type == SOCK_STREAM && (uint32_t)val > cap)
		val = (int)cap;
	c->sk->rcvlowat = val != 0 ? val : 1;
	return 0;
}

static int get_rcvlowat(const struct optctx *c, int *val)
{
	*val = c->sk->rcvlowat;
	return 0;
}

static int get_sndlowat(const struct optctx *c, int *val)
{
	(void)c;
	*val = 1;
	return 0;
}

/* -- plain numbers -------------------------------------------------------------------------- */

/* Linux: 0 to 6 for everybody, more with CAP_NET_ADMIN, which the caller has looked at. */
static int set_priority(const struct optctx *c, int val)
{
	c->sk->priority = (uint32_t)val;
	return 0;
}

static int get_priority(const struct optctx *c, int *val)
{
	*val = (int)c->sk->priority;
	return 0;
}

static int set_mark(const struct optctx *c, int val)
{
	c->sk->mark = (uint32_t)val;
	return 0;
}

static int get_mark(const struct optctx *c, int *val)
{
	*val = (int)c->sk->mark;
	return 0;
}

static int set_incoming_cpu(const struct optctx *c, int val)
{
	c->sk->incoming_cpu = val;
	return 0;
}

static int get_incoming_cpu(const struct optctx *c, int *val)
{
	*val = c->sk->incoming_cpu;
	return 0;
}

static int set_busy_poll(const struct optctx *c, int val)
{
	if (val < 0)
		return -EINVAL;
	c->sk->busy_poll_us = (uint32_t)val;
	return 0;
}

static int get_busy_poll(const struct optctx *c, int *val)
{
	*val = (int)c->sk->busy_poll_us;
	return 0;
}

static int set_peek_off(const struct optctx *c, int val)
{
	if (c->so->ops != &inet_dgram_ops && c->so->ops != &inet_stream_ops)
		return -EOPNOTSUPP;
	c->sk->peek_off = val;
	return 0;
}

static int get_peek_off(const struct optctx *c, int *val)
{
	if (c->so->ops != &inet_dgram_ops && c->so->ops != &inet_stream_ops)
		return -EOPNOTSUPP;
	*val = c->sk->peek_off;
	return 0;
}

static int set_zerocopy(const struct optctx *c, int val)
{
	if (c->so->ops != &inet_dgram_ops && c->so->ops != &inet_stream_ops)
		return -EOPNOTSUPP;
	if (val < 0 || val > 1)
		return -EINVAL;
	set_flag(c, SOCK_F_ZEROCOPY, val != 0);
	return 0;
}

static int get_zerocopy(const struct optctx *c, int *val)
{
	*val = (c->sk->flags & SOCK_F_ZEROCOPY) != 0;
	return 0;
}

/* Everything that could be behind it is: the answer of a kernel with BPF_EXTENSIONS. */
static int get_bpf_extensions(const struct optctx *c, int *val)
{
	(void)c;
	*val = 64;
	return 0;
}

/* -- timestamps: of SO_TIMESTAMP and SO_TIMESTAMPNS the last one set counts ---------------- */

static int set_stamps(const struct optctx *c, uint32_t flag, uint32_t opt, int val)
{
	set_flag(c, SOCK_F_TIMESTAMP | SOCK_F_TIMESTAMPNS, false);
	if (val != 0) {
		set_flag(c, flag, true);
		c->sk->opts = (c->sk->opts & ~(uint32_t)SOCK_O_TSTAMP_NEW) | opt;
	}
	return 0;
}

static int get_stamps(const struct optctx *c, uint32_t flag, uint32_t opt, int *val)
{
	*val = (c->sk->flags & flag) != 0 && (c->sk->opts & SOCK_O_TSTAMP_NEW) == opt;
	return 0;
}

#define STAMP_OPTION(name, flag, opt)                                 \
	static int set_##name(const struct optctx *c, int val)        \
	{                                                             \
		return set_stamps(c, flag, opt, val);                 \
	}                                                             \
	static int get_##name(const struct optctx *c, int *val)       \
	{                                                             \
		return get_stamps(c, flag, opt, val);                 \
	}

STAMP_OPTION(timestamp, SOCK_F_TIMESTAMP, 0)
STAMP_OPTION(timestampns, SOCK_F_TIMESTAMPNS, 0)
STAMP_OPTION(timestamp_new, SOCK_F_TIMESTAMP, SOCK_O_TSTAMP_NEW)
STAMP_OPTION(timestampns_new, SOCK_F_TIMESTAMPNS, SOCK_O_TSTAMP_NEW)

/* An int of flags, or struct so_timestamping, whose second half names a hardware clock. */
static int set_timestamping(const struct optctx *c, int val)
{
	if ((val & ~SOF_TIMESTAMPING_KNOWN) != 0)
		return -EINVAL;
	if ((val & SOF_TIMESTAMPING_OPT_ID_TCP) != 0 && (val & SOF_TIMESTAMPING_OPT_ID) == 0)
		return -EINVAL;
	/* A stream's bytes can be counted from where it begins. */
	if ((val & SOF_TIMESTAMPING_OPT_STATS) != 0 && (val & SOF_TIMESTAMPING_OPT_TSONLY) == 0)
		return -EINVAL;
	if ((val & ~c->sk->tsflags & SOF_TIMESTAMPING_OPT_ID) != 0) {
		if (c->sk->type == SOCK_STREAM && c->so->state != SS_CONNECTED && c->so->state != SS_CONNECTING)
			return -EINVAL;
		inet_sk(c->sk)->stamp_key = 0;
	}
	c->sk->tsflags = (uint32_t)val;
	set_flag(c, SOCK_F_TIMESTAMPING, val != 0);
	return 0;
}

static int set_timestamping_old(const struct optctx *c, int val)
{
	int err = set_timestamping(c, val);

	if (err == 0)
		c->sk->opts &= ~(uint32_t)SOCK_O_TSTAMP_NEW;
	return err;
}

static int set_timestamping_new(const struct optctx *c, int val)
{
	int err = set_timestamping(c, val);

	if (err == 0)
		c->sk->opts |= SOCK_O_TSTAMP_NEW;
	return err;
}

static int get_timestamping(const struct optctx *c, void *val, socklen_t *len)
{
	int32_t v[2] = { (int32_t)c->sk->tsflags, 0 };

	return sockopt_put(val, len, v, sizeof(v));
}

/* It tells only what it set itself. */
static int get_timestamping_new(const struct optctx *c, void *val, socklen_t *len)
{
	int32_t none[2] = { 0, 0 };

	if ((c->sk->opts & SOCK_O_TSTAMP_NEW) == 0)
		return sockopt_put(val, len, none, sizeof(none));
	return get_timestamping(c, val, len);
}

/* -- structures ------------------------------------------------------------------------------ */

static int set_linger(const struct optctx *c, const void *val, socklen_t len)
{
	struct linger l;

	if (len < (socklen_t)sizeof(l))
		return -EINVAL;
	memcpy(&l, val, sizeof(l));
	set_flag(c, SOCK_F_LINGER, l.l_onoff != 0);
	if (l.l_onoff != 0)
		c->sk->linger = (uint64_t)(uint32_t)l.l_linger * NS_PER_SECOND;
	return 0;
}

static int get_linger(const struct optctx *c, void *val, socklen_t *len)
{
	struct linger l = { .l_onoff = (c->sk->flags & SOCK_F_LINGER) != 0,
			    .l_linger = (int)(c->sk->linger / NS_PER_SECOND) };

	return sockopt_put(val, len, &l, sizeof(l));
}

/* 0: for ever; a negative time is over at once. */
static int read_timeo(const void *val, socklen_t len, uint64_t *timeo)
{
	struct timeval tv;

	if (len < (socklen_t)sizeof(tv))
		return -EINVAL;
	memcpy(&tv, val, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		*timeo = 1;
	else if ((uint64_t)tv.tv_sec >= UINT64_MAX / NS_PER_SECOND - 1)
		*timeo = 0;
	else
		*timeo = (uint64_t)tv.tv_sec * NS_PER_SECOND + (uint64_t)tv.tv_usec * 1000;
	return 0;
}

static int put_timeo(uint64_t timeo, void *val, socklen_t *len)
{
	struct timeval tv = { .tv_sec = (time_t)(timeo / NS_PER_SECOND),
			      .tv_usec = (suseconds_t)(timeo % NS_PER_SECOND / 1000) };

	return sockopt_put(val, len, &tv, sizeof(tv));
}

static int set_rcvtimeo(const struct optctx *c, const void *val, socklen_t len)
{
	return read_timeo(val, len, &c->sk->rcvtimeo);
}

static int set_sndtimeo(const struct optctx *c, const void *val, socklen_t len)
{
	return read_timeo(val, len, &c->sk->sndtimeo);
}

static int get_rcvtimeo(const struct optctx *c, void *val, socklen_t *len)
{
	return put_timeo(c->sk->rcvtimeo, val, len);
}

static int get_sndtimeo(const struct optctx *c, void *val, socklen_t *len)
{
	return put_timeo(c->sk->sndtimeo, val, len);
}

static int get_cookie(const struct optctx *c, void *val, socklen_t *len)
{
	if (*len < sizeof(c->sk->cookie))
		return -EINVAL;
	return sockopt_put(val, len, &c->sk->cookie, sizeof(c->sk->cookie));
}

/* 32 or 64 bits; all ones: no limit. */
static int set_max_pacing_rate(const struct optctx *c, const void *val, socklen_t len)
{
	uint32_t rate32;

	if (len >= (socklen_t)sizeof(c->sk->max_pacing_rate)) {
		memcpy(&c->sk->max_pacing_rate, val, sizeof(c->sk->max_pacing_rate));
		return 0;
	}
	if (len < (socklen_t)sizeof(rate32))
		return -EINVAL;
	memcpy(&rate32, val, sizeof(rate32));
	c->sk->max_pacing_rate = rate32 == UINT32_MAX ? UINT64_MAX : rate32;
	return 0;
}

static int get_max_pacing_rate(const struct optctx *c, void *val, socklen_t *len)
{
	uint64_t rate = c->sk->max_pacing_rate;
	uint32_t rate32 = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate;

	if (*len >= sizeof(rate))
		return sockopt_put(val, len, &rate, sizeof(rate));
	return sockopt_put(val, len, &rate32, sizeof(rate32));
}

static int get_peername(const struct optctx *c, void *val, socklen_t *len)
{
	struct sockaddr_in6 sin6;
	socklen_t full = sizeof(sin6);
	int err;

	err = socket_getname(c->st, c->so, (struct sockaddr *)&sin6, &full, true);
	if (err < 0)
		return -ENOTCONN;
	if (full < *len)
		return -EINVAL;
	memcpy(val, &sin6, *len);
	return 0;
}

/* An internet socket has no peer process. */
static int get_peercred(const struct optctx *c, void *val, socklen_t *len)
{
	struct ucred cred = { .pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1 };

	(void)c;
	return sockopt_put(val, len, &cred, sizeof(cred));
}

static int set_bindtodevice(const struct optctx *c, const void *val, socklen_t len)
{
	char name[NETIF_NAME_LEN] = "";
	uint32_t i;

	memcpy(name, val, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	if (name[0] == '\0') {
		c->sk->bound_if = 0;
		return 0;
	}
	for (i = 0; i < c->st->cfg.nnetifs; i++) {
		if (strcmp(c->st->cfg.netifs[i]->name, name) == 0) {
			c->sk->bound_if = inet_ifindex(c->st, c->st->cfg.netifs[i]);
			return 0;
		}
	}
	return -ENODEV;
}

static int get_bindtodevice(const struct optctx *c, void *val, socklen_t *len)
{
	const struct netif *nif = inet_netif(c->st, c->sk->bound_if);
	char name[16] = ""; /* IFNAMSIZ */

	if (nif == NULL) {
		*len = 0;
		return 0;
	}
	if (*len < sizeof(name))
		return -EINVAL;
	memcpy(name, nif->name, sizeof(name) - 1);
	return sockopt_put(val, len, name, (socklen_t)strlen(name) + 1);
}

static int set_bindtoifindex(const struct optctx *c, int val)
{
	if (val < 0)
		return -EINVAL;
	if (val != 0 && inet_netif(c->st, (uint32_t)val) == NULL)
		return -ENODEV;
	c->sk->bound_if = (uint32_t)val;
	return 0;
}

static int get_bindtoifindex(const struct optctx *c, int *val)
{
	*val = (int)c->sk->bound_if;
	return 0;
}

static int get_meminfo(const struct optctx *c, void *val, socklen_t *len)
{
	/* SK_MEMINFO_RMEM_ALLOC, RCVBUF, WMEM_ALLOC, SNDBUF, FWD, WMEM_QUEUED, OPTMEM, BACKLOG, DROPS */
	uint32_t mem[9] = { c->sk->rmem, c->sk->rcvbuf, 0, c->sk->sndbuf, 0, c->sk->wmem, 0, 0,
			    c->sk->drops };

	return sockopt_put(val, len, mem, sizeof(mem));
}

static const struct sockopt rows[] = {
	{ SO_DEBUG, .flag = SOCK_F_DEBUG },
	{ SO_REUSEADDR, .flag = SOCK_F_REUSEADDR, .set_int = set_reuseaddr },
	{ SO_TYPE, .get_int = get_type },
	{ SO_ERROR, .get_int = get_error },
	{ SO_DONTROUTE, .flag = SOCK_F_DONTROUTE },
	{ SO_BROADCAST, .flag = SOCK_F_BROADCAST },
	{ SO_SNDBUF, .set_int = set_sndbuf_max, .get_int = get_sndbuf },
	{ SO_RCVBUF, .set_int = set_rcvbuf_max, .get_int = get_rcvbuf },
	{ SO_SNDBUFFORCE, .set_int = set_sndbuf_force },
	{ SO_RCVBUFFORCE, .set_int = set_rcvbuf_force },
	{ SO_KEEPALIVE, .flag = SOCK_F_KEEPALIVE },
	{ SO_OOBINLINE, .flag = SOCK_F_OOBINLINE },
	{ SO_NO_CHECK, .flag = SOCK_F_NO_CHECK_TX },
	{ SO_PRIORITY, .set_int = set_priority, .get_int = get_priority },
	{ SO_LINGER, .set = set_linger, .get = get_linger },
	{ SO_REUSEPORT, .flag = SOCK_F_REUSEPORT, .set_int = set_reuseport },
	{ SO_PEERCRED, .get = get_peercred },
	{ SO_RCVLOWAT, .set_int = set_rcvlowat, .get_int = get_rcvlowat },
	{ SO_SNDLOWAT, .get_int = get_sndlowat },
	{ SO_RCVTIMEO, .set = set_rcvtimeo, .get = get_rcvtimeo },
	{ SO_SNDTIMEO, .set = set_sndtimeo, .get = get_sndtimeo },
	{ SO_BINDTODEVICE, .set = set_bindtodevice, .get = get_bindtodevice },
	{ SO_PEERNAME, .get = get_peername },
	{ SO_TIMESTAMP, .set_int = set_timestamp, .get_int = get_timestamp },
	{ SO_ACCEPTCONN, .get_int = get_acceptconn },
	{ SO_TIMESTAMPNS, .set_int = set_timestampns, .get_int = get_timestampns },
	{ SO_MARK, .set_int = set_mark, .get_int = get_mark },
	{ SO_TIMESTAMPING, .set_int = set_timestamping_old, .get = get_timestamping },
	{ SO_PROTOCOL, .get_int = get_protocol },
	{ SO_DOMAIN, .get_int = get_domain },
	{ SO_RXQ_OVFL, .flag = SOCK_F_RXQ_OVFL },
	{ SO_PEEK_OFF, .set_int = set_peek_off, .get_int = get_peek_off },
	{ SO_SELECT_ERR_QUEUE, .flag = SOCK_F_SELECT_ERRQ },
	{ SO_BUSY_POLL, .set_int = set_busy_poll, .get_int = get_busy_poll },
	{ SO_MAX_PACING_RATE, .set = set_max_pacing_rate, .get = get_max_pacing_rate },
	{ SO_BPF_EXTENSIONS, .get_int = get_bpf_extensions },
	{ SO_INCOMING_CPU, .set_int = set_incoming_cpu, .get_int = get_incoming_cpu },
	{ SO_MEMINFO, .get = get_meminfo },
	{ SO_COOKIE, .get = get_cookie },
	{ SO_ZEROCOPY, .set_int = set_zerocopy, .get_int = get_zerocopy },
	{ SO_BINDTOIFINDEX, .set_int = set_bindtoifindex, .get_int = get_bindtoifindex },
	{ SO_TIMESTAMP_NEW, .set_int = set_timestamp_new, .get_int = get_timestamp_new },
	{ SO_TIMESTAMPNS_NEW, .set_int = set_timestampns_new, .get_int = get_timestampns_new },
	{ SO_TIMESTAMPING_NEW, .set_int = set_timestamping_new, .get = get_timestamping_new },
	{ SO_RCVTIMEO_NEW, .set = set_rcvtimeo, .get = get_rcvtimeo },
	{ SO_SNDTIMEO_NEW, .set = set_sndtimeo, .get = get_sndtimeo },
};

const struct sockopt_table sockopt_socket = { rows, sizeof(rows) / sizeof(rows[0]), sizeof(int), false,
					      &sockopt_rare };
