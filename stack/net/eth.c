/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eth.c - Ethernet: filter, VLAN tag, dispatch; build and send headers.
 *
 * A netif with a VLAN id takes only frames with that tag (or whose tag the link has
 * stripped and reported) and tags all that it sends.  One without takes untagged
 * frames and priority-tagged ones (VID 0: IEEE 802.1Q 9.6).
 */
#include "stack/net/net_priv.h"

#define PREFETCH_AHEAD 3

/* The first 14 bytes as words, so that the filter is a few compares. */
static inline bool mac_is_ours(const struct rte_ether_hdr *eth, const struct netif *nif)
{
	return memcmp(eth->dst_addr.addr_bytes, nif->mac, NETIF_MAC_LEN) == 0;
}

static void drop(struct rte_mbuf *m)
{
	rte_pktmbuf_free(m);
}

/*
 * Is the frame on the netif's VLAN?  Moves *l3_off and *type past a tag in the frame.
 */
static bool vlan_ok(const struct netif *nif, struct rte_mbuf *m, uint16_t *l3_off, uint16_t *type)
{
	const struct rte_vlan_hdr *tag;
	uint16_t vid = 0;

	if ((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) {
		vid = m->vlan_tci & 0xfff;
	} else if (*type == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		if (!pkt_pullup(m, sizeof(struct rte_ether_hdr) + sizeof(*tag)))
			return false;
		tag = rte_pktmbuf_mtod_offset(m, const struct rte_vlan_hdr *,
					      sizeof(struct rte_ether_hdr));
		vid = rte_be_to_cpu_16(tag->vlan_tci) & 0xfff;
		*type = tag->eth_proto;
		*l3_off += sizeof(*tag);
	}
	return vid == nif->vlan;
}

static inline void eth_input_one(struct stack *st, struct netif *nif, struct rte_mbuf *m,
				 uint64_t now)
{
	uint16_t l3_off = sizeof(struct rte_ether_hdr), type;
	const struct rte_ether_hdr *eth;
	struct pkt_cb *cb = pkt_cb(m);

	memset(cb, 0, sizeof(*cb));
	cb->tstamp = now;
	if (unlikely(!pkt_pullup(m, sizeof(*eth)))) {
		MIB_INC(st, ETH_DROP_SHORT);
		drop(m);
		return;
	}
	eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	if (unlikely(!mac_is_ours(eth, nif))) {
		if (!rte_is_multicast_ether_addr(&eth->dst_addr)) {
			MIB_INC(st, ETH_DROP_NOTFORUS);
			drop(m);
			return;
		}
		cb->flags |= PKT_F_MULTICAST;
	}
	type = eth->ether_type;
	if (unlikely(nif->vlan != 0 || type == RTE_BE16(RTE_ETHER_TYPE_VLAN) ||
		     (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) &&
	    !vlan_ok(nif, m, &l3_off, &type)) {
		MIB_INC(st, ETH_DROP_VLAN);
		drop(m);
		return;
	}
	switch (type) {
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
		ip4_input(st, nif, m, l3_off, false, now);
		break;
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		ip6_input(st, nif, m, l3_off, false, now);
		break;
	case RTE_BE16(RTE_ETHER_TYPE_ARP):
		arp_input(st, nif, m, l3_off, now);
		break;
	default:
		MIB_INC(st, ETH_DROP_PROTO);
		drop(m);
		break;
	}
}

/* The mbuf's cb is in the line after its header, the packet in its buffer. */
static inline void prefetch(const struct rte_mbuf *m)
{
	rte_prefetch0(pkt_cb(m));
	rte_prefetch0(rte_pktmbuf_mtod(m, const void *));
}

void eth_input(struct stack *st, struct netif *nif, struct rte_mbuf **pkts, uint16_t n,
	       uint64_t now)
{
	uint16_t i;

	for (i = 0; i < n && i < PREFETCH_AHEAD; i++)
		prefetch(pkts[i]);
	for (i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			prefetch(pkts[i + PREFETCH_AHEAD]);
		st->rx.done = i + 1;
		eth_input_one(st, nif, pkts[i], now);
	}
	MIB_ADD(st, ETH_IN, n);
}

uint8_t eth_header_build(uint8_t hdr[18], const struct netif *nif, const uint8_t mac[6],
			 uint16_t ethertype)
{
	uint16_t tag[3] = { RTE_BE16(RTE_ETHER_TYPE_VLAN), rte_cpu_to_be_16(nif->vlan),
			    rte_cpu_to_be_16(ethertype) };

	memcpy(hdr, mac, 6);
	memcpy(hdr + 6, nif->mac, 6);
	if (nif->vlan != 0) {
		memcpy(hdr + 12, tag, 6);
		return 18;
	}
	memcpy(hdr + 12, &tag[2], 2);
	return 14;
}

void eth_output(struct stack *st, struct netif *nif, struct rte_mbuf *m, const uint8_t mac[6],
		uint16_t ethertype, uint64_t now)
{
	uint8_t hdr[18], len = eth_header_build(hdr, nif, mac, ethertype);
	char *p = pkt_push(st, m, len);

	if (p == NULL)
		return;
	memcpy(p, hdr, len);
	stack_tx(st, nif, m, now);
}
