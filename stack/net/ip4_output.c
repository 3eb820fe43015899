/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ip4_output.c - IPv4 headers and fragments for transports (RFC 791 3.2).
 */
#include "stack/net/net_priv.h"

#define IP4_MAX_LEN 65535u

/*
 * Identification (RFC 6864): a datagram that must not be fragmented needs none.  The
 * others count up per destination, from a start and by steps that an observer cannot
 * guess, so that ids of one destination neither collide soon nor show our traffic to others.
 */
uint16_t ip4_next_ident(struct stack *st, const struct ip_tx *tx)
{
	uint32_t key[3] = { tx->src->w[3], tx->dst->w[3], tx->proto };
	uint32_t h = stack_hash(st, key, sizeof(key), 0x69643464);
	uint16_t *counter = &st->net.ip_ident[h % IP_IDENTS];

	*counter += 1 + stack_random(st) % 8;
	return rte_cpu_to_be_16((uint16_t)(*counter + (h >> 16)));
}

static uint16_t header_csum(const struct rte_ipv4_hdr *ip)
{
	uint32_t w[5];
	uint64_t sum;

	memcpy(w, ip, sizeof(w));
	sum = (uint64_t)w[0] + w[1] + w[2] + w[3] + w[4];
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint16_t)~csum_fold((uint32_t)((sum & 0xffff) + (sum >> 16)));
}

/* Prepend the header; frag is the field in host order.  False if there is no room (m is freed). */
static bool push_header(struct stack *st, struct rte_mbuf *m, const struct dst *d,
			const struct ip_tx *tx, uint16_t ident, uint16_t frag)
{
	struct rte_ipv4_hdr *ip = pkt_push(st, m, sizeof(*ip));

	if (unlikely(ip == NULL))
		return false;
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->type_of_service = tx->tos;
	ip->total_length = rte_cpu_to_be_16((uint16_t)rte_pktmbuf_pkt_len(m));
	ip->packet_id = ident;
	ip->fragment_offset = rte_cpu_to_be_16(frag);
	ip->time_to_live = tx->ttl != 0 || tx->host_only ? tx->ttl : IP_DEFAULT_TTL;
	ip->next_proto_id = tx->proto;
	ip->hdr_checksum = 0;
	ip->src_addr = ipaddr_to_v4(tx->src);
	ip->dst_addr = ipaddr_to_v4(tx->dst);
	if ((d->nif->caps & NETIF_TX_IP4_CSUM) != 0 && !d->loop) {
		m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
		m->l2_len = d->nif->vlan != 0 ? 18 : 14;
		m->l3_len = sizeof(*ip);
	} else {
		ip->hdr_checksum = header_csum(ip);
	}
	return true;
}

static bool push_fragment(struct stack *st, struct rte_mbuf *m, const struct dst *d,
			  const struct ip_tx *tx, uint32_t ident, uint32_t off, bool more)
{
	return push_header(st, m, d, tx, (uint16_t)ident,
			   (uint16_t)(off / RTE_IPV4_HDR_OFFSET_UNITS |
				      (more ? RTE_IPV4_HDR_MF_FLAG : 0)));
}

static int too_big(struct stack *st, struct rte_mbuf *m)
{
	MIB_INC(st, IP_FRAG_FAILS);
	rte_pktmbuf_free(m);
	return -EMSGSIZE;
}

int ip4_output(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx,
	       uint64_t now)
{
	uint32_t total = rte_pktmbuf_pkt_len(m) + sizeof(struct rte_ipv4_hdr);

	/* A retransmitted packet still has the last transmission's flags. */
	m->ol_flags &= ~(RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6);
	if (unlikely(total > IP4_MAX_LEN))
		return too_big(st, m);
	if (unlikely(total > ip_tx_mtu(tx, d) && (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0 && !d->loop)) {
		if (tx->df)
			return too_big(st, m);
		return ip_fragment(st, m, d, tx,
				   (ip_tx_mtu(tx, d) - (uint32_t)sizeof(struct rte_ipv4_hdr)) & ~7u,
				   push_fragment, ip4_next_ident(st, tx), now);
	}
	ip_l4_csum_fill(m, d, tx, sizeof(struct rte_ipv4_hdr));
	if (unlikely(!push_header(st, m, d, tx, tx->df ? 0 : ip4_next_ident(st, tx),
				  tx->df ? RTE_IPV4_HDR_DF_FLAG : 0)))
		return -ENOBUFS;
	return ip_transmit(st, m, d, tx, now);
}
