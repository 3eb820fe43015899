/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ip.c - what IPv4 and IPv6 share: transport checksums, dispatch to transports, the way
 * out to a link or back to ourselves.
 */
#include <rte_tcp.h>
#include <rte_udp.h>

#include "stack/net/net_priv.h"

/* -- transport checksums ------------------------------------------------------------------ */

static uint32_t sum_words(const uint32_t *w, unsigned int n)
{
	uint64_t sum = 0;

	while (n-- > 0)
		sum += *w++;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

uint32_t ip_phdr_sum(const struct ipaddr *src, const struct ipaddr *dst, uint8_t proto,
		     uint32_t len)
{
	uint32_t sum = rte_cpu_to_be_16(proto);

	sum += rte_cpu_to_be_16((uint16_t)(len >> 16)) + rte_cpu_to_be_16((uint16_t)len);
	if (ipaddr_is_v4(dst))
		return sum + sum_words(&src->w[3], 1) + sum_words(&dst->w[3], 1);
	return sum + sum_words(src->w, 4) + sum_words(dst->w, 4);
}

/* Does the link vouch for the checksum? */
static bool link_verified(const struct rx_pkt *pkt)
{
	uint64_t flags = pkt->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (pkt->local)
		return true;
	if ((pkt->nif->caps & NETIF_RX_L4_CSUM) == 0)
		return false;
	/*
	 * NONE is not "unknown": a virtual link that carries packets of its own host says
	 * that the field is unfinished but the data never left memory.
	 */
	return flags == RTE_MBUF_F_RX_L4_CKSUM_GOOD || flags == RTE_MBUF_F_RX_L4_CKSUM_NONE;
}

bool ip_l4_csum_ok(const struct rx_pkt *pkt)
{
	struct pkt_cb *cb = pkt_cb(pkt->m);
	uint32_t sum;

	if ((cb->flags & PKT_F_L4_OK) != 0 || link_verified(pkt))
		return true;
	if (pkt->proto == IPPROTO_UDP && ipaddr_is_v4(&pkt->dst)) {
		const struct rte_udp_hdr *uh =
			rte_pktmbuf_mtod_offset(pkt->m, const struct rte_udp_hdr *, pkt->l4_off);

		/* RFC 768: zero says that the sender made none. */
		if (uh->dgram_cksum == 0)
			return true;
	}
	sum = pkt_sum(pkt->m, pkt->l4_off, pkt->l4_len);
	sum += ip_phdr_sum(&pkt->src, &pkt->dst, pkt->proto, pkt->l4_len);
	if (csum_fold(sum) != 0xffff)
		return false;
	cb->flags |= PKT_F_L4_OK;
	return true;
}

/* Where in the transport header, which m's data starts with, its checksum is. */
static void csum_store(struct rte_mbuf *m, bool tcp, uint16_t value)
{
	size_t off = tcp ? offsetof(struct rte_tcp_hdr, cksum) :
			   offsetof(struct rte_udp_hdr, dgram_cksum);

	memcpy(rte_pktmbuf_mtod_offset(m, char *, off), &value, sizeof(value));
}

void ip_l4_csum_fill(struct rte_mbuf *m, const struct dst *d, const struct ip_tx *tx,
		     uint16_t l3_len)
{
	uint64_t want = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	bool tcp = want == RTE_MBUF_F_TX_TCP_CKSUM || (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
	uint32_t len = rte_pktmbuf_pkt_len(m), sum;
	uint16_t value;

	if (want == 0 && !tcp)
		return;
	if (!d->loop && (d->nif->caps & (tcp ? NETIF_TX_TCP_CSUM : NETIF_TX_UDP_CSUM)) != 0) {
		/* The link adds the data; with TSO also the length, which differs per segment. */
		if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0)
			len = 0;
		csum_store(m, tcp, csum_fold(ip_phdr_sum(tx->src, tx->dst, tx->proto, len)));
		m->ol_flags |= ipaddr_is_v4(tx->dst) ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
		m->l2_len = d->nif->vlan != 0 ? 18 : 14;
		m->l3_len = l3_len;
		return;
	}
	m->ol_flags &= ~(RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6);
	csum_store(m, tcp, 0);
	sum = pkt_sum(m, 0, len) + ip_phdr_sum(tx->src, tx->dst, tx->proto, len);
	value = (uint16_t)~csum_fold(sum);
	/* RFC 768: a sum of zero is sent as all ones, for zero means none. */
	if (value == 0 && !tcp)
		value = 0xffff;
	csum_store(m, tcp, value);
}

/* -- up --------------------------------------------------------------------------------------- */

static void proto_unknown(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	MIB_INC(st, IP_IN_UNKNOWN_PROTO);
	if (ipaddr_is_v4(&pkt->dst))
		icmp4_send_error(st, pkt, 3, 2, 0, now);
	else
		icmp6_send_error(st, pkt, 4, 1, pkt->nh_off, now);
}

void ip_deliver(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	bool v4 = ipaddr_is_v4(&pkt->dst), taken;

	MIB_INC(st, IP_IN_DELIVERS);
	if (likely(pkt->proto == IPPROTO_TCP && !pkt->multicast)) {
		raw_input(st, pkt, now);
		tcp_input(st, pkt, now);
		return;
	}
	taken = raw_input(st, pkt, now);
	switch (pkt->proto) {
	case IPPROTO_UDP:
		udp_input(st, pkt, now);
		return;
	case IPPROTO_TCP:
		MIB_INC(st, IP_IN_ADDR_ERRORS); /* RFC 1122 4.2.3.10: no TCP to groups */
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (v4 && pkt->proto == IPPROTO_ICMP) {
			icmp_input(st, pkt, now);
			return;
		}
		if (!v4 && pkt->proto == IPPROTO_ICMPV6) {
			icmp6_input(st, pkt, now);
			return;
		}
		if (!taken)
			proto_unknown(st, pkt, now);
		break;
	case IPPROTO_NONE:
		if (v4 && !taken)
			proto_unknown(st, pkt, now);
		break; /* RFC 8200 4.7: nothing follows, and nobody minds */
	case IPPROTO_IGMP:
		if (v4)
			igmp_input(st, pkt, now);
		else if (!taken)
			proto_unknown(st, pkt, now);
		break;
	default:
		if (!taken)
			proto_unknown(st, pkt, now);
		break;
	}
	rte_pktmbuf_free(pkt->m);
}

void ip_loop_input(struct stack *st, struct rte_mbuf *m, uint64_t now)
{
	struct netif *nif = st->cfg.netifs[m->port]; /* as stack_loop() noted */
	struct pkt_cb *cb = pkt_cb(m);
	uint8_t version = *rte_pktmbuf_mtod(m, const uint8_t *) >> 4;

	memset(cb, 0, sizeof(*cb));
	cb->tstamp = now;
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	if (version == 4)
		ip4_input(st, nif, m, 0, true, now);
	else
		ip6_input(st, nif, m, 0, true, now);
}

/* -- down --------------------------------------------------------------------------------------- */

int ip_output(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx,
	      uint64_t now)
{
	int err = dst_check(st, d, tx->dst, tx->src, now);

	if (unlikely(err != 0)) {
		rte_pktmbuf_free(m);
		return err;
	}
	MIB_INC(st, IP_OUT_REQUESTS);
	if (ipaddr_is_v4(tx->dst))
		return ip4_output(st, m, d, tx, now);
	return ip6_output(st, m, d, tx, now);
}

int ip_fragment(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx,
		uint32_t room,
		bool (*push)(struct stack *st, struct rte_mbuf *m, const struct dst *d,
			     const struct ip_tx *tx, uint32_t id, uint32_t off, bool more),
		uint32_t id, uint64_t now)
{
	uint32_t len = rte_pktmbuf_pkt_len(m), off, n;
	struct rte_mbuf *piece;
	struct dst plain = *d;
	int err = 0;

	/* The link cannot sum over fragments: in software, now. */
	plain.loop = true;
	ip_l4_csum_fill(m, &plain, tx, 0);
	for (off = 0; off < len && err == 0; off += n) {
		n = RTE_MIN(room, len - off);
		piece = pkt_copy(st, m, off, n);
		if (piece == NULL || !push(st, piece, d, tx, id, off, off + n < len)) {
			err = -ENOBUFS;
		} else {
			MIB_INC(st, IP_FRAG_CREATES);
			err = ip_transmit(st, piece, d, tx, now);
		}
	}
	rte_pktmbuf_free(m);
	return err;
}

static int own_header4(struct stack *st, struct rte_mbuf *m, const struct dst *d, struct ipaddr *src,
		       struct ipaddr *dst)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct ip_tx tx = { .src = src, .dst = dst, .proto = ip->next_proto_id };
	uint16_t hdr_len = rte_ipv4_hdr_len(ip);

	if (hdr_len < sizeof(*ip) || hdr_len > rte_pktmbuf_data_len(m))
		return -EINVAL;
	if (ip->src_addr == 0)
		ip->src_addr = ipaddr_to_v4(&d->src);
	*src = ipaddr_from_v4(ip->src_addr);
	*dst = ipaddr_from_v4(ip->dst_addr);
	if (ip->packet_id == 0)
		ip->packet_id = ip4_next_ident(st, &tx);
	ip->total_length = rte_cpu_to_be_16((uint16_t)rte_pktmbuf_pkt_len(m));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~pkt_sum(m, 0, hdr_len);
	return 0;
}

int ip_output_own_header(struct stack *st, struct rte_mbuf *m, struct dst *d, bool mc_loop,
			 uint64_t now)
{
	bool v4 = ipaddr_is_v4(&d->nexthop);
	struct ipaddr src = d->src, dst = d->nexthop;
	struct ip_tx tx = { .src = &src, .dst = &dst, .mc_loop = mc_loop };
	int err = 0;

	if (rte_pktmbuf_pkt_len(m) > d->mtu)
		err = -EMSGSIZE;
	else if (rte_pktmbuf_data_len(m) <
		 (v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr)))
		err = -EINVAL;
	else if (v4)
		err = own_header4(st, m, d, &src, &dst);
	if (err != 0) {
		rte_pktmbuf_free(m);
		return err;
	}
	MIB_INC(st, IP_OUT_REQUESTS);
	return ip_transmit(st, m, d, &tx, now);
}

/* A group that we are in, or a broadcast, also comes back to us. */
static void loop_copy(struct stack *st, struct netif *nif, const struct rte_mbuf *m)
{
	struct rte_mbuf *copy = pkt_copy(st, m, 0, rte_pktmbuf_pkt_len(m));

	if (copy != NULL)
		stack_loop(st, nif, copy);
}

int ip_transmit(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx,
		uint64_t now)
{
	struct neigh *n = d->neigh;
	char *p;

	if (likely(neigh_is(n, d) && now < n->valid_until && !d->loop && !d->multicast &&
		   !d->broadcast)) {
		p = pkt_push(st, m, n->hdr_len);
		if (unlikely(p == NULL))
			return -ENOBUFS;
		if (likely(n->hdr_len == 14))
			memcpy(p, n->hdr, 14);
		else
			memcpy(p, n->hdr, 18);
		stack_tx(st, d->nif, m, now);
		return 0;
	}
	if (d->loop) {
		stack_loop(st, d->nif, m);
		return 0;
	}
	if (d->broadcast || (d->multicast && tx->mc_loop && mcast_is_member(st, d->nif, tx->dst)))
		loop_copy(st, d->nif, m);
	if (unlikely(tx->host_only)) {
		rte_pktmbuf_free(m);
		return 0;
	}
	return neigh_output_slow(st, d, m, now);
}
