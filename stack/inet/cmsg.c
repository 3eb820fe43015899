/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmsg.c - control messages of recvmsg(2) and sendmsg(2): ip(7), ipv6(7), udp(7), socket(7).
 *
 * They are handed up in Linux's order: socket level first, then the address family's.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include "stack/inet/dgram.h"
#include "stack/inet/udp.h"

#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11 /* <linux/in6.h>, which glibc's headers exclude */
#endif
#ifndef IPV6_ORIGDSTADDR
#define IPV6_ORIGDSTADDR 74
#endif
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif

void cmsg_out_init(struct cmsg_out *out, const struct msghdr *msg)
{
	out->p = msg->msg_control;
	out->left = msg->msg_control != NULL ? msg->msg_controllen : 0;
	out->truncated = false;
}

/* As put_cmsg(): what does not fit whole is cut, and MSG_CTRUNC says so. */
void cmsg_put(struct cmsg_out *out, int level, int type, const void *data, size_t len)
{
	struct cmsghdr h = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };
	size_t space = CMSG_SPACE(len);

	if (out->left < sizeof(h)) {
		out->truncated = true;
		return;
	}
	if (out->left < h.cmsg_len) {
		out->truncated = true;
		h.cmsg_len = out->left;
	}
	memcpy(out->p, &h, sizeof(h));
	memcpy(out->p + CMSG_LEN(0), data, h.cmsg_len - CMSG_LEN(0));
	if (space > out->left)
		space = out->left;
	out->p += space;
	out->left -= space;
}

void cmsg_out_finish(struct cmsg_out *out, struct msghdr *msg)
{
	if (out->truncated)
		msg->msg_flags |= MSG_CTRUNC;
	msg->msg_controllen = msg->msg_control != NULL ?
				      (size_t)(out->p - (char *)msg->msg_control) :
				      0;
}

/* -- up ------------------------------------------------------------------------------------ */

static void put_timestamp(struct stack *st, const struct sock *sk, uint64_t tstamp, uint32_t need,
			  struct cmsg_out *out)
{
	int64_t wall = (int64_t)tstamp + st->inet.wall_offset;
	struct timespec ts[3] = { { .tv_sec = wall / (int64_t)NS_PER_SECOND,
				    .tv_nsec = wall % (int64_t)NS_PER_SECOND } };
	struct timeval tv = { .tv_sec = ts[0].tv_sec, .tv_usec = ts[0].tv_nsec / 1000 };
	bool new = (sk->opts & SOCK_O_TSTAMP_NEW) != 0; /* the same structures, on 64 bits */

	if ((sk->flags & SOCK_F_TIMESTAMP) != 0)
		cmsg_put(out, SOL_SOCKET, new ? SO_TIMESTAMP_NEW : SO_TIMESTAMP, &tv, sizeof(tv));
	else if ((sk->flags & SOCK_F_TIMESTAMPNS) != 0)
		cmsg_put(out, SOL_SOCKET, new ? SO_TIMESTAMPNS_NEW : SO_TIMESTAMPNS, &ts[0],
			 sizeof(ts[0]));
	if ((sk->tsflags & need) == need)
		cmsg_put(out, SOL_SOCKET, new ? SO_TIMESTAMPING_NEW : SO_TIMESTAMPING, ts, sizeof(ts));
}

void cmsg_timestamp(struct stack *st, const struct sock *sk, uint64_t tstamp, struct cmsg_out *out)
{
	if (unlikely((sk->flags &
		      (SOCK_F_TIMESTAMP | SOCK_F_TIMESTAMPNS | SOCK_F_TIMESTAMPING)) != 0))
		put_timestamp(st, sk, tstamp, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE, out);
}

void cmsg_stamp_of_error(struct stack *st, const struct sock *sk, uint64_t tstamp, uint32_t need,
			 struct cmsg_out *out)
{
	put_timestamp(st, sk, tstamp, need, out);
}

/* Nothing on the way marks a packet or gives it a priority. */
static void put_marks(const struct sock *sk, struct cmsg_out *out)
{
	uint32_t none = 0;

	if ((sk->opts & SOCK_O_RCVMARK) != 0)
		cmsg_put(out, SOL_SOCKET, SO_MARK, &none, sizeof(none));
	if ((sk->opts & SOCK_O_RCVPRIORITY) != 0)
		cmsg_put(out, SOL_SOCKET, SO_PRIORITY, &none, sizeof(none));
}

/* The local address that a packet was meant for: of a group's or broadcast's, the link's. */
static struct ipaddr spec_dst(const struct stack *st, const struct ipaddr *dst, uint32_t ifindex)
{
	struct ipaddr addr;

	if (!ip_addr_is_ours(st, dst) && inet_addr_of(st, ifindex, ipaddr_is_v4(dst), &addr))
		return addr;
	return *dst;
}

static void recv_ip4(struct stack *st, const struct inet_sock *isk, const struct rte_mbuf *m,
		     const struct ipaddr *dst, uint16_t dport, struct cmsg_out *out)
{
	const struct pkt_cb *cb = pkt_cb(m);

	if ((isk->cmsg_flags & CMSG_F_PKTINFO) != 0) {
		struct ipaddr spec = spec_dst(st, dst, cb->seq);
		struct in_pktinfo info = { .ipi_ifindex = (int)cb->seq,
					   .ipi_spec_dst.s_addr = ipaddr_to_v4(&spec),
					   .ipi_addr.s_addr = ipaddr_to_v4(dst) };

		cmsg_put(out, SOL_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if ((isk->cmsg_flags & CMSG_F_TTL) != 0) {
		int ttl = cb->ttl;

		cmsg_put(out, SOL_IP, IP_TTL, &ttl, sizeof(ttl));
	}
	if ((isk->cmsg_flags & CMSG_F_TOS) != 0)
		cmsg_put(out, SOL_IP, IP_TOS, &cb->tos, sizeof(cb->tos));
	if ((isk->cmsg_flags & CMSG_F_ORIGDSTADDR) != 0) {
		struct sockaddr_in sin = { .sin_family = AF_INET,
					   .sin_port = htons(dport),
					   .sin_addr.s_addr = ipaddr_to_v4(dst) };

		cmsg_put(out, SOL_IP, IP_ORIGDSTADDR, &sin, sizeof(sin));
	}
}

static void recv_ip6(const struct inet_sock *isk, const struct rte_mbuf *m,
		     const struct ipaddr *dst, uint16_t dport, struct cmsg_out *out)
{
	const struct pkt_cb *cb = pkt_cb(m);
	int val;

	if ((isk->cmsg_flags & CMSG_F_RXPKTINFO6) != 0) {
		struct in6_pktinfo info = { .ipi6_ifindex = cb->seq };

		memcpy(info.ipi6_addr.s6_addr, dst->b, sizeof(dst->b));
		cmsg_put(out, SOL_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	if (ipaddr_is_v4(dst))
		return;
	if ((isk->cmsg_flags & CMSG_F_HOPLIMIT6) != 0) {
		val = cb->ttl;
		cmsg_put(out, SOL_IPV6, IPV6_HOPLIMIT, &val, sizeof(val));
	}
	if ((isk->cmsg_flags & CMSG_F_TCLASS6) != 0) {
		val = cb->tos;
		cmsg_put(out, SOL_IPV6, IPV6_TCLASS, &val, sizeof(val));
	}
	if ((isk->cmsg_flags & CMSG_F_FLOWINFO6) != 0) {
		uint32_t flowinfo;

		memcpy(&flowinfo, rte_pktmbuf_mtod_offset(m, const char *, cb->l3_off),
		       sizeof(flowinfo));
		flowinfo &= htonl(0x0fffffff);
		if (flowinfo != 0)
			cmsg_put(out, SOL_IPV6, IPV6_FLOWINFO, &flowinfo, sizeof(flowinfo));
	}
	if ((isk->cmsg_flags & CMSG_F_ORIGDSTADDR6) != 0) {
		struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(dport) };

		memcpy(sin6.sin6_addr.s6_addr, dst->b, sizeof(dst->b));
		if (IN6_IS_ADDR_LINKLOCAL(&sin6.sin6_addr))
			sin6.sin6_scope_id = cb->seq;
		cmsg_put(out, SOL_IPV6, IPV6_ORIGDSTADDR, &sin6, sizeof(sin6));
	}
}

void cmsg_recv(struct stack *st, struct sock *sk, const struct rte_mbuf *m, struct cmsg_out *out)
{
	const struct inet_sock *isk = inet_sk(sk);
	const struct pkt_cb *cb = pkt_cb(m);
	struct ipaddr src, dst;
	uint16_t dport = 0;

	cmsg_timestamp(st, sk, cb->tstamp, out);
	if ((sk->flags & SOCK_F_RXQ_OVFL) != 0 && cb->end_seq != 0)
		cmsg_put(out, SOL_SOCKET, SO_RXQ_OVFL, &cb->end_seq, sizeof(cb->end_seq));
	if (unlikely((sk->opts & (SOCK_O_RCVMARK | SOCK_O_RCVPRIORITY)) != 0))
		put_marks(sk, out);
	if (isk->cmsg_flags == 0)
		return;
	dgram_addrs(m, &src, &dst);
	if (cb->proto == IPPROTO_UDP)
		dport = isk->local.port;
	if (sk->domain == AF_INET6)
		recv_ip6(isk, m, &dst, dport, out);
	if (ipaddr_is_v4(&dst))
		recv_ip4(st, isk, m, &dst, dport, out);
}

/* -- down ---------------------------------------------------------------------------------- */

static int send_int(const struct cmsghdr *c, int lo, int hi, int *out)
{
	int val;

	if (c->cmsg_len != CMSG_LEN(sizeof(val)))
		return -EINVAL;
	memcpy(&val, CMSG_DATA(c), sizeof(val));
	if (val < lo || val > hi)
		return -EINVAL;
	*out = val;
	return 0;
}

static int send_pktinfo4(const struct cmsghdr *c, struct dgram_tx *tx)
{
	struct in_pktinfo info;

	if (c->cmsg_len != CMSG_LEN(sizeof(info)))
		return -EINVAL;
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	if (info.ipi_ifindex != 0)
		tx->oif = (uint32_t)info.ipi_ifindex;
	if (info.ipi_spec_dst.s_addr != 0)
		tx->src = ipaddr_from_v4(info.ipi_spec_dst.s_addr);
	return 0;
}

static int send_ip4(const struct cmsghdr *c, struct dgram_tx *tx)
{
	switch (c->cmsg_type) {
	case IP_PKTINFO:
		return send_pktinfo4(c, tx);
	case IP_TTL:
		return send_int(c, 1, 255, &tx->ttl);
	case IP_TOS:
		if (c->cmsg_len == CMSG_LEN(1)) {
			tx->tos = *CMSG_DATA(c);
			return 0;
		}
		return send_int(c, 0, 255, &tx->tos);
	default:
		return -EINVAL;
	}
}

static int send_ip6(struct stack *st, const struct cmsghdr *c, struct dgram_tx *tx)
{
	struct in6_pktinfo info;
	struct ipaddr src;

	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
		if (c->cmsg_len < CMSG_LEN(sizeof(info)))
			return -EINVAL;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		if (info.ipi6_ifindex != 0)
			tx->oif = info.ipi6_ifindex;
		src = ipaddr_from_in6(&info.ipi6_addr);
		if (ipaddr_is_any(&src))
			return 0;
		if (!ip_addr_is_ours(st, &src))
			return -EINVAL;
		tx->src = src;
		return 0;
	case IPV6_HOPLIMIT:
		return send_int(c, -1, 255, &tx->ttl);
	case IPV6_TCLASS:
		return send_int(c, -1, 255, &tx->tos);
	case IPV6_DONTFRAG:
		return send_int(c, 0, 1, &tx->dontfrag);
	default:
		return -EINVAL;
	}
}

static int send_stamp(const struct cmsghdr *c, struct txstamp *stamp)
{
	uint32_t flags;

	if (c->cmsg_len != CMSG_LEN(sizeof(flags)))
		return -EINVAL;
	memcpy(&flags, CMSG_DATA(c), sizeof(flags));
	if ((flags & ~(uint32_t)TXSTAMP_BY_CMSG) != 0)
		return -EINVAL;
	stamp->flags = flags & TXSTAMP_ANY;
	return 0;
}

static int send_stamp_key(const struct sock *sk, const struct cmsghdr *c, struct txstamp *stamp)
{
	if (sk->type == SOCK_STREAM || (sk->tsflags & SOF_TIMESTAMPING_OPT_ID) == 0 ||
	    c->cmsg_len != CMSG_LEN(sizeof(stamp->key)))
		return -EINVAL;
	memcpy(&stamp->key, CMSG_DATA(c), sizeof(stamp->key));
	stamp->has_key = true;
	return 0;
}

static int send_socket(struct sock *sk, const struct cmsghdr *c, struct txstamp *stamp)
{
	switch (c->cmsg_type) {
	case SO_MARK: /* of this packet alone, and nothing looks at them */
	case SO_PRIORITY:
		return c->cmsg_len == CMSG_LEN(sizeof(uint32_t)) ? 0 : -EINVAL;
	case SCM_TXTIME:
		return (sk->opts & SOCK_O_TXTIME) != 0 && c->cmsg_len == CMSG_LEN(sizeof(uint64_t)) ?
			       0 :
			       -EINVAL;
	case SO_TIMESTAMPING:
	case SO_TIMESTAMPING_NEW:
		return send_stamp(c, stamp);
	case SCM_TS_OPT_ID:
		return send_stamp_key(sk, c, stamp);
	case SCM_RIGHTS:
	case SCM_CREDENTIALS:
		return 0;
	default:
		return -EINVAL;
	}
}

static int send_udp(const struct cmsghdr *c, struct dgram_tx *tx)
{
	if (c->cmsg_type != UDP_SEGMENT || c->cmsg_len != CMSG_LEN(sizeof(tx->gso_size)))
		return -EINVAL;
	memcpy(&tx->gso_size, CMSG_DATA(c), sizeof(tx->gso_size));
	return 0;
}

static int send_one(struct stack *st, struct sock *sk, const struct cmsghdr *c, struct dgram_tx *tx)
{
	switch (c->cmsg_level) {
	case SOL_SOCKET:
		return send_socket(sk, c, &tx->stamp);
	case SOL_IP:
		return sk->domain == AF_INET || ipaddr_is_v4(&tx->to.addr) ? send_ip4(c, tx) : 0;
	case SOL_IPV6:
		return sk->domain == AF_INET6 ? send_ip6(st, c, tx) : 0;
	case SOL_UDP:
		return sk->protocol == IPPROTO_UDP ? send_udp(c, tx) : 0;
	default:
		return 0; /* another level's: ignored, as in Linux */
	}
}

static bool header_ok(const struct msghdr *msg, const struct cmsghdr *c)
{
	const char *end = (const char *)msg->msg_control + msg->msg_controllen;

	return c->cmsg_len >= sizeof(*c) && c->cmsg_len <= (size_t)(end - (const char *)c);
}

static struct cmsghdr *next_header(const struct msghdr *msg, struct cmsghdr *c)
{
	return CMSG_NXTHDR((struct msghdr *)(uintptr_t)msg, c);
}

int cmsg_send_stream(struct sock *sk, const struct msghdr *msg, struct txstamp *stamp)
{
	struct cmsghdr *c;
	int err = 0;

	for (c = CMSG_FIRSTHDR(msg); c != NULL && err == 0; c = next_header(msg, c)) {
		if (!header_ok(msg, c))
			return -EINVAL;
		if (c->cmsg_level == SOL_SOCKET)
			err = send_socket(sk, c, stamp);
	}
	return err;
}

int cmsg_send(struct stack *st, struct sock *sk, const struct msghdr *msg, struct dgram_tx *tx)
{
	struct cmsghdr *c;
	int err = 0;

	for (c = CMSG_FIRSTHDR(msg); c != NULL && err == 0; c = next_header(msg, c))
		err = header_ok(msg, c) ? send_one(st, sk, c, tx) : -EINVAL;
	return err;
}
