/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ip6_output.c - IPv6 headers and fragments for transports (RFC 8200).
 */
#include "stack/net/net_priv.h"

#define IP6_MAX_PAYLOAD 65535u
#define FRAG_HDR_LEN	8u

/* The default: what a router of the link advertised (RFC 4861 6.3.2), or 64. */
static uint8_t hop_limit(const struct stack *st, const struct dst *d)
{
	uint8_t advertised = st->net.ip6_hop_limit[netif_index(st, d->nif)];

	return advertised != 0 ? advertised : IP_DEFAULT_TTL;
}

static bool push_header(struct stack *st, struct rte_mbuf *m, const struct ip_tx *tx, uint8_t next)
{
	uint32_t len = rte_pktmbuf_pkt_len(m);
	struct rte_ipv6_hdr *ip = pkt_push(st, m, sizeof(*ip));

	if (unlikely(ip == NULL))
		return false;
	ip->vtc_flow =
		rte_cpu_to_be_32(6u << 28 | (uint32_t)tx->tos << 20 | (tx->flowlabel & 0xfffff));
	ip->payload_len = rte_cpu_to_be_16((uint16_t)len);
	ip->proto = next;
	ip->hop_limits = tx->ttl;
	memcpy(ip->src_addr, tx->src->b, 16);
	memcpy(ip->dst_addr, tx->dst->b, 16);
	return true;
}

static int too_big(struct stack *st, struct rte_mbuf *m)
{
	MIB_INC(st, IP_FRAG_FAILS);
	rte_pktmbuf_free(m);
	return -EMSGSIZE;
}

/* One fragment's header: offset in bytes, a multiple of eight. */
static bool push_fragment(struct stack *st, struct rte_mbuf *m, const struct dst *d,
			  const struct ip_tx *tx, uint32_t id, uint32_t off, bool more)
{
	uint8_t *p = pkt_push(st, m, FRAG_HDR_LEN);
	uint16_t word = rte_cpu_to_be_16((uint16_t)(off | more));

	(void)d;
	if (p == NULL)
		return false;
	p[0] = tx->proto;
	p[1] = 0;
	memcpy(p + 2, &word, sizeof(word));
	memcpy(p + 4, &id, sizeof(id));
	return push_header(st, m, tx, IPPROTO_FRAGMENT);
}

/*
 * RFC 6437 3: one label for all packets of a flow, that nobody else can guess; a flow being
 * addresses, protocol and ports.
 */
static uint32_t flow_label(const struct stack *st, const struct rte_mbuf *m, const struct ip_tx *tx)
{
	struct {
		struct ipaddr src, dst;
		uint32_t ports, proto;
	} key = { *tx->src, *tx->dst, 0, tx->proto };

	if (tx->no_autolabel)
		return 0;
	if ((tx->proto == IPPROTO_TCP || tx->proto == IPPROTO_UDP) &&
	    rte_pktmbuf_data_len(m) >= sizeof(key.ports))
		memcpy(&key.ports, rte_pktmbuf_mtod(m, const void *), sizeof(key.ports));
	return stack_hash(st, &key, sizeof(key), 0x666c6f77) & 0xfffff;
}

int ip6_output(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *want,
	       uint64_t now)
{
	uint32_t len = rte_pktmbuf_pkt_len(m);
	struct ip_tx labelled = *want, *tx = &labelled;

	if (tx->ttl == 0 && !tx->host_only)
		tx->ttl = hop_limit(st, d);
	if (tx->flowlabel == 0)
		tx->flowlabel = flow_label(st, m, tx);

	m->ol_flags &= ~(RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6);
	if (unlikely(len > IP6_MAX_PAYLOAD))
		return too_big(st, m);
	if (unlikely(len + sizeof(struct rte_ipv6_hdr) > ip_tx_mtu(tx, d) &&
		     (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0 && !d->loop)) {
		if (tx->df)
			return too_big(st, m);
		return ip_fragment(st, m, d, tx,
				   (ip_tx_mtu(tx, d) - (uint32_t)sizeof(struct rte_ipv6_hdr) -
				    FRAG_HDR_LEN) & ~7u,
				   push_fragment, stack_random(st), now);
	}
	ip_l4_csum_fill(m, d, tx, sizeof(struct rte_ipv6_hdr));
	if (unlikely(!push_header(st, m, tx, tx->proto)))
		return -ENOBUFS;
	return ip_transmit(st, m, d, tx, now);
}
