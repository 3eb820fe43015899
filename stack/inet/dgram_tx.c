/* SPDX-License-Identifier: BSD-3-Clause */
/* dgram_tx.c - sending, as UDP, raw and ping sockets do it. */
#include <errno.h>
#include <string.h>

#include "stack/inet/dgram.h"

static const struct ipaddr *bound_source(const struct inet_sock *isk)
{
	/* A group or broadcast address that a socket is bound to is no source. */
	return ipaddr_is_multicast(&isk->local.addr) ? NULL : &isk->local.addr;
}

/* sin6_scope_id names the link of an address that is valid on one link only (RFC 4007). */
static uint32_t scope_oif(const struct endpoint *ep)
{
	bool linklocal = ipaddr_is_linklocal(&ep->addr) ||
			 (ipaddr_is_multicast(&ep->addr) && (ep->addr.b[1] & 0xf) <= 2);

	return !ipaddr_is_v4(&ep->addr) && linklocal ? ep->scope : 0;
}

/* IPV6_FLOWINFO_SEND: class and label are in the destination's sin6_flowinfo. */
static void take_flowinfo(const struct msghdr *msg, struct dgram_tx *tx)
{
	struct sockaddr_in6 sin6;

	if (msg->msg_namelen < offsetof(struct sockaddr_in6, sin6_scope_id))
		return;
	memcpy(&sin6, msg->msg_name, offsetof(struct sockaddr_in6, sin6_scope_id));
	tx->flowlabel = ntohl(sin6.sin6_flowinfo) & 0xfffff;
	tx->tos = (int)(ntohl(sin6.sin6_flowinfo) >> 20 & 0xff);
}

/* As udpv6_sendmsg(): 1 for AF_UNSPEC, which is no name at all. */
static int name_to_endpoint6(const struct sock *sk, const struct msghdr *msg, struct endpoint *ep)
{
	sa_family_t family;

	if (msg->msg_namelen < sizeof(family))
		return -EINVAL;
	memcpy(&family, msg->msg_name, sizeof(family));
	if (family == AF_UNSPEC)
		return 1;
	if (family != AF_INET && family != AF_INET6)
		return -EINVAL;
	if (family == AF_INET && (sk->flags & SOCK_F_V6ONLY) != 0)
		return -ENETUNREACH;
	return sockaddr_to_endpoint(sk, msg->msg_name, msg->msg_namelen, ep);
}

/* msg_name of sendmsg(2).  AF_UNSPEC counts as AF_INET: udp_sendmsg(). */
static int name_to_endpoint(const struct sock *sk, const struct msghdr *msg, struct endpoint *ep)
{
	struct sockaddr_in sin;

	if (sk->domain == AF_INET) {
		if (msg->msg_namelen < (socklen_t)sizeof(sin))
			return -EINVAL;
		memcpy(&sin, msg->msg_name, sizeof(sin));
		if (sin.sin_family != AF_INET && sin.sin_family != AF_UNSPEC)
			return -EAFNOSUPPORT;
		ep->addr = ipaddr_from_v4(sin.sin_addr.s_addr);
		ep->port = ntohs(sin.sin_port);
		ep->scope = 0;
		return 0;
	}
	if (sk->protocol == IPPROTO_UDP)
		return name_to_endpoint6(sk, msg, ep);
	return sockaddr_to_endpoint(sk, msg->msg_name, msg->msg_namelen, ep);
}

int dgram_tx_prepare(struct stack *st, struct sock *sk, const struct msghdr *msg, bool need_port,
		     struct dgram_tx *tx)
{
	struct inet_sock *isk = inet_sk(sk);
	const struct ipaddr *src = bound_source(isk);
	int err = 1;

	tx->ttl = tx->tos = tx->dontfrag = -1;
	tx->flowlabel = 0;
	tx->gso_size = 0;
	tx->oif = sk->bound_if;
	tx->connected = false;
	tx->stamp = (struct txstamp){ .flags = sk->tsflags & TXSTAMP_SENT };
	if (msg->msg_name != NULL && msg->msg_namelen > 0) {
		err = name_to_endpoint(sk, msg, &tx->to);
		if (err < 0)
			return err;
		if (err == 0 && need_port && tx->to.port == 0)
			return -EINVAL;
	}
	if (err > 0) {
		if (sk->state != DGRAM_CONNECTED)
			return -EDESTADDRREQ;
		tx->to = isk->peer;
		tx->connected = true;
	}
	tx->src = src != NULL ? *src : (struct ipaddr){ .q = { 0, 0 } };
	if (tx->oif == 0)
		tx->oif = scope_oif(&tx->to);
	if (err == 0 && sk->domain == AF_INET6 && isk->in6.sndflow)
		take_flowinfo(msg, tx);
	if (msg->msg_control == NULL || msg->msg_controllen == 0)
		return 0;
	return cmsg_send(st, sk, msg, tx);
}

/*
 * May packets have a source that is not ours?  Linux asks with IPv4 only, and there FREEBIND
 * is not enough to send.
 */
static bool foreign_source_ok(const struct sock *sk, bool v4)
{
	return !v4 || (sk->flags & (SOCK_F_TRANSPARENT | SOCK_F_HDRINCL)) != 0;
}

/* What a source that is not ours is to the program. */
static int source_error(int err, const struct ipaddr *src)
{
	return err == -EADDRNOTAVAIL && src != NULL && !ipaddr_is_any(src) ? -ENETUNREACH : err;
}

/* The link that multicast leaves by, if the program chose one. */
static uint32_t mcast_oif(const struct stack *st, const struct inet_sock *isk, bool v4)
{
	if (!v4)
		return isk->in6.mc_ifindex;
	if (isk->mc_ifindex != 0)
		return isk->mc_ifindex;
	return ipaddr_is_any(&isk->mc_addr) ? 0 : inet_ifindex_of_addr(st, &isk->mc_addr);
}

static int check_broadcast(const struct sock *sk, const struct dst *d)
{
	return d->broadcast && (sk->flags & SOCK_F_BROADCAST) == 0 ? -EACCES : 0;
}

/* 0.0.0.0 and :: as destination mean this host: the first address of ours. */
static void resolve_any(const struct stack *st, const struct ipaddr *local, struct ipaddr *addr)
{
	if (!ipaddr_is_any(addr))
		return;
	if (!ipaddr_is_any(local) && !ipaddr_is_multicast(local))
		*addr = *local;
	else if (!inet_addr_of(st, 0, ipaddr_is_v4(addr), addr))
		inet_addr_of(st, 0, !ipaddr_is_v4(addr), addr);
}

/* A source of the other family cannot reach the destination. */
static bool family_mismatch(const struct ipaddr *src, const struct ipaddr *dst)
{
	return !ipaddr_is_any(src) && ipaddr_is_v4(src) != ipaddr_is_v4(dst);
}

static int dgram_connect_route(struct stack *st, struct sock *sk, struct endpoint *ep, struct dst *d,
			uint64_t now)
{
	struct inet_sock *isk = inet_sk(sk);
	const struct ipaddr *src = bound_source(isk);
	struct ipaddr mc_src;
	uint32_t oif;
	int err;

	resolve_any(st, &isk->local.addr, &ep->addr);
	if (src != NULL && (isk->bound & BOUND_ADDR) == 0)
		src = NULL;
	if (src != NULL && family_mismatch(src, &ep->addr))
		return -ENETUNREACH;
	if (src == NULL && ipaddr_is_multicast(&ep->addr) &&
	    inet_addr_of(st, mcast_oif(st, isk, ipaddr_is_v4(&ep->addr)), ipaddr_is_v4(&ep->addr),
			 &mc_src))
		src = &mc_src;
	oif = sk->bound_if != 0 ? sk->bound_if : scope_oif(ep);
	err = route_lookup_by(st, &ep->addr, src, inet_netif(st, oif),
			      foreign_source_ok(sk, ipaddr_is_v4(&ep->addr)), d, now);
	return err < 0 ? source_error(err, src) : check_broadcast(sk, d);
}

int dgram_connect(struct stack *st, struct sock *sk, const struct endpoint *ep, uint64_t now)
{
	struct inet_sock *isk = inet_sk(sk);
	struct endpoint peer = *ep;
	struct dst d;
	int err;

	err = dgram_connect_route(st, sk, &peer, &d, now);
	if (err < 0)
		return err;
	/* A socket bound to no address takes the route's; connecting again may change it. */
	if ((isk->bound & BOUND_ADDR) == 0)
		isk->local.addr = d.src;
	isk->peer = peer;
	isk->dst = d;
	sk->state = DGRAM_CONNECTED;
	return 0;
}

/* The link that a datagram has to leave by, NULL: by route. */
static int tx_netif(struct stack *st, struct sock *sk, const struct dgram_tx *tx, struct netif **nif)
{
	uint32_t oif = tx->oif;

	if (oif == 0 && ipaddr_is_multicast(&tx->to.addr) && ipaddr_is_any(&tx->src))
		oif = mcast_oif(st, inet_sk(sk), ipaddr_is_v4(&tx->to.addr));
	*nif = inet_netif(st, oif);
	return oif != 0 && *nif == NULL ? -ENODEV : 0;
}

int dgram_tx_route(struct stack *st, struct sock *sk, struct dgram_tx *tx, uint64_t now)
{
	struct dgram_sock *dg = dgram_sk(sk);
	struct inet_sock *isk = inet_sk(sk);
	struct netif *oif;
	int err;

	if (tx->connected && tx->oif == 0 && ipaddr_equal(&tx->src, &isk->local.addr)) {
		tx->dst = &isk->dst;
		err = dst_check(st, tx->dst, &tx->to.addr, &tx->src, now);
		return err < 0 ? err : check_broadcast(sk, tx->dst);
	}
	resolve_any(st, &tx->src, &tx->to.addr);
	if (family_mismatch(&tx->src, &tx->to.addr))
		return -ENETUNREACH;
	err = tx_netif(st, sk, tx, &oif);
	if (err < 0)
		return err;
	tx->dst = &dg->tx_dst;
	if (dg->tx_cached && ipaddr_equal(&dg->tx_to, &tx->to.addr) &&
	    ipaddr_equal(&dg->tx_from, &tx->src) && tx->dst->oif == oif) {
		err = dst_check(st, tx->dst, &tx->to.addr, &tx->src, now);
	} else {
		err = route_lookup_by(st, &tx->to.addr, &tx->src, oif,
				      foreign_source_ok(sk, ipaddr_is_v4(&tx->to.addr)), tx->dst,
				      now);
		err = source_error(err, &tx->src);
		dg->tx_to = tx->to.addr;
		dg->tx_from = tx->src;
	}
	dg->tx_cached = err == 0;
	if (err == 0)
		err = check_broadcast(sk, tx->dst);
	if (err == 0 && ipaddr_is_any(&tx->src))
		tx->src = tx->dst->src;
	return err;
}

static uint8_t mtu_discover(const struct sock *sk, bool v4)
{
	return v4 ? ((const struct inet_sock *)sk)->pmtudisc :
		    ((const struct inet_sock *)sk)->in6.pmtudisc;
}

void dgram_tx_ip(const struct sock *sk, const struct dgram_tx *tx, uint32_t ip_len,
		 struct ip_tx *ip)
{
	const struct inet_sock *isk = (const struct inet_sock *)sk;
	bool v4 = ipaddr_is_v4(&tx->to.addr);
	uint8_t pmtudisc = mtu_discover(sk, v4);

	memset(ip, 0, sizeof(*ip));
	ip->src = &tx->src;
	ip->dst = &tx->to.addr;
	ip->proto = sk->protocol;
	ip->tos = tx->tos >= 0 ? (uint8_t)tx->tos : inet_tos(isk, v4);
	if (tx->ttl >= 0)
		ip->ttl = (uint8_t)tx->ttl;
	else if (!tx->dst->multicast)
		ip->ttl = inet_ttl(isk, v4);
	else if (v4)
		ip->ttl = isk->mc_ttl;
	else
		ip->ttl = isk->in6.mc_hops >= 0 ? (uint8_t)isk->in6.mc_hops : 1;
	ip->host_only = tx->dst->multicast && ip->ttl == 0;
	ip->flowlabel = tx->flowlabel;
	ip->no_autolabel = isk->in6.no_autolabel;
	ip->frag_size = v4 ? 0 : isk->in6.frag_size;
	ip->mc_loop = v4 ? isk->mc_loop : isk->in6.mc_loop;
	ip->whole_link = pmtudisc >= IP_PMTUDISC_PROBE;
	/* IPv4: what fits carries DF, so that the path's MTU is learnt (ip(7), IP_PMTUDISC_WANT). */
	ip->df = pmtudisc == IP_PMTUDISC_DO || pmtudisc == IP_PMTUDISC_PROBE ||
		 (pmtudisc == IP_PMTUDISC_WANT && ip_len <= ip_tx_mtu(ip, tx->dst));
	if (tx->dontfrag > 0)
		ip->df = true;
	/* A multicast or broadcast destination sends no fragmentation-needed: no use in DF. */
	if (v4 && ip_len > tx->dst->mtu && pmtudisc < IP_PMTUDISC_DO)
		ip->df = false;
}

int dgram_tx_size(struct stack *st, struct sock *sk, const struct dgram_tx *tx, uint32_t ip_len,
		  uint64_t now)
{
	struct inet_sock *isk = inet_sk(sk);
	bool v4 = ipaddr_is_v4(&tx->to.addr);
	uint8_t pmtudisc = mtu_discover(sk, v4);
	uint32_t limit = v4 ? 65535 : 65535 + 40, mtu = tx->dst->mtu;
	bool dontfrag = tx->dontfrag >= 0 ? tx->dontfrag > 0 : isk->in6.dontfrag;

	/* PROBE and INTERFACE go by the link's MTU, not the path's. */
	if (pmtudisc == IP_PMTUDISC_PROBE || pmtudisc == IP_PMTUDISC_INTERFACE)
		mtu = tx->dst->nif != NULL ? tx->dst->nif->mtu : mtu;
	if (!v4 && isk->in6.frag_size != 0 && isk->in6.frag_size < mtu)
		mtu = isk->in6.frag_size;
	if (pmtudisc == IP_PMTUDISC_DO || pmtudisc == IP_PMTUDISC_PROBE ||
	    pmtudisc == IP_PMTUDISC_INTERFACE || (!v4 && dontfrag))
		limit = mtu;
	if (ip_len <= limit)
		return 0;
	if ((sk->flags & (v4 ? SOCK_F_RECVERR : SOCK_F_RECVERR6)) != 0) {
		struct endpoint to = tx->to;

		if (v4) /* as ip_local_error(): the port that the socket is connected to */
			to.port = isk->peer.port;
		errqueue_local(st, isk, EMSGSIZE, &to, mtu, now);
	}
	return -EMSGSIZE;
}

int dgram_append(struct stack *st, struct rte_mbuf *m, struct iov_iter *it, uint32_t n)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(m);
	uint32_t piece;

	while (n > 0) {
		piece = rte_pktmbuf_tailroom(last);
		if (piece == 0) {
			last->next = pkt_alloc(st);
			if (last->next == NULL)
				return -ENOBUFS;
			last = last->next;
			/* Headers go into the first segment only. */
			last->data_off = 0;
			m->nb_segs++;
			continue;
		}
		if (piece > n)
			piece = n;
		if (iov_iter_read(it, rte_pktmbuf_mtod_offset(last, char *, last->data_len),
				  piece) != piece)
			return -EFAULT;
		last->data_len += (uint16_t)piece;
		m->pkt_len += piece;
		n -= piece;
	}
	return 0;
}

struct rte_mbuf *dgram_copy_in(struct stack *st, struct iov_iter *it, uint32_t hdr, uint32_t len)
{
	struct rte_mbuf *m = pkt_alloc(st);

	if (m == NULL)
		return NULL;
	m->data_len = (uint16_t)hdr;
	m->pkt_len = hdr;
	if (dgram_append(st, m, it, len) < 0) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	return m;
}

/* m waits for the link, and we have a reference. */
static void tell_stamps(struct stack *st, struct inet_sock *isk, struct dgram_tx *tx, const struct rte_mbuf *m,
			uint64_t now)
{
	struct txstamp_event ev = { .key = tx->stamp.key,
				    .src = &tx->src,
				    .packet = rte_pktmbuf_mtod(m, const void *),
				    .len = m->data_len };

	if ((tx->stamp.flags & SOF_TIMESTAMPING_TX_SCHED) != 0)
		errqueue_stamp(st, isk, SCM_TSTAMP_SCHED, &ev, now);
	if ((tx->stamp.flags & SOF_TIMESTAMPING_TX_SOFTWARE) != 0)
		errqueue_stamp(st, isk, SCM_TSTAMP_SND, &ev, now);
	tx->stamp.flags = 0; /* of many segments the first is stamped */
}

int dgram_output(struct stack *st, struct sock *sk, struct dgram_tx *tx, struct rte_mbuf *m,
		 const struct ip_tx *ip, uint64_t now)
{
	bool stamped = unlikely((tx->stamp.flags & TXSTAMP_SENT) != 0);
	struct inet_sock *isk = inet_sk(sk);
	int err;

	if (stamped) {
		rte_pktmbuf_refcnt_update(m, 1);
		if (!tx->stamp.has_key && (sk->tsflags & SOF_TIMESTAMPING_OPT_ID) != 0)
			tx->stamp.key = isk->stamp_key++;
	}
	if (ip != NULL)
		err = ip_output(st, m, tx->dst, ip, now);
	else
		err = ip_output_own_header(st, m, tx->dst,
					   sk->domain == AF_INET ? isk->mc_loop : isk->in6.mc_loop, now);
	if (stamped) {
		if (err == 0)
			tell_stamps(st, isk, tx, m, now);
		rte_pktmbuf_free(m); /* it waits for the link: who hands it over notes the owner */
	}
	/* Linux hides a full device queue from who did not ask for errors: net_xmit_errno(). */
	if (err == -ENOBUFS && (sk->flags & (SOCK_F_RECVERR | SOCK_F_RECVERR6)) == 0)
		return 0;
	return err;
}
