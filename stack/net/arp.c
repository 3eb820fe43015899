/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arp.c - address resolution for IPv4 (RFC 826), probes and announcements (RFC 5227).
 *
 * Learning: an answer to us, or a question for us, may make an entry; anything else
 * (gratuitous ARP) only changes an entry that is there.
 *
 * Our own addresses are probed and announced at start.  Deviation: RFC 5227 2.1.1 wants
 * the address unused for some seconds until the probes are done; a server must answer
 * at once, and Linux does not probe at all, so the address works from the start and
 * the probes only find conflicts.  A conflict is counted and the address defended, at
 * most every DEFEND_INTERVAL (RFC 5227 2.4 b).
 */
#include <rte_arp.h>

#include "stack/net/net_priv.h"

#define ARP_HRD_IEEE802	  6
#define PROBE_NUM	  3
#define PROBE_INTERVAL	  (200 * NSEC_PER_MSEC)
#define ANNOUNCE_NUM	  2
#define ANNOUNCE_INTERVAL (2 * NSEC_PER_SEC)
#define DEFEND_INTERVAL	  (10 * NSEC_PER_SEC)

static const uint8_t mac_broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void arp_send(struct stack *st, struct netif *nif, uint16_t op, uint32_t sip, uint32_t tip,
		     const uint8_t *tha, const uint8_t *dst, uint64_t now)
{
	struct rte_arp_hdr *arp;
	struct rte_mbuf *m = pkt_alloc_data(st, sizeof(*arp), (void **)&arp);

	if (m == NULL)
		return;
	memset(arp, 0, sizeof(*arp));
	arp->arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = 6;
	arp->arp_plen = 4;
	arp->arp_opcode = rte_cpu_to_be_16(op);
	memcpy(arp->arp_data.arp_sha.addr_bytes, nif->mac, 6);
	arp->arp_data.arp_sip = sip;
	if (tha != NULL)
		memcpy(arp->arp_data.arp_tha.addr_bytes, tha, 6);
	arp->arp_data.arp_tip = tip;
	MIB_INC(st, ARP_OUT);
	eth_output(st, nif, m, dst, RTE_ETHER_TYPE_ARP, now);
}

void arp_send_request(struct stack *st, struct netif *nif, uint32_t target, uint32_t src,
		      const uint8_t *mac, uint64_t now)
{
	arp_send(st, nif, RTE_ARP_OP_REQUEST, src, target, NULL, mac != NULL ? mac : mac_broadcast,
		 now);
}

void arp_address_step(struct stack *st, struct ifaddr *a, uint64_t now)
{
	uint32_t ip = ipaddr_to_v4(&a->addr);

	if (a->probes < PROBE_NUM) {
		arp_send_request(st, a->nif, ip, 0, NULL, now);
		a->next_at = now + PROBE_INTERVAL;
	} else {
		arp_send_request(st, a->nif, ip, ip, NULL, now);
		a->next_at = now + ANNOUNCE_INTERVAL;
	}
	if (++a->probes >= PROBE_NUM + ANNOUNCE_NUM)
		a->next_at = UINT64_MAX;
}

/* Another host speaks as owner of our address. */
static void conflict(struct stack *st, struct ifaddr *a, uint64_t now)
{
	uint32_t ip = ipaddr_to_v4(&a->addr);

	MIB_INC(st, ARP_CONFLICT);
	if (a->defended != 0 && now - a->defended < DEFEND_INTERVAL)
		return;
	a->defended = now;
	arp_send_request(st, a->nif, ip, ip, NULL, now);
}

static bool arp_is_valid(const struct rte_arp_hdr *arp, const struct netif *nif)
{
	const struct rte_arp_ipv4 *d = &arp->arp_data;

	/* RFC 1042's number for IEEE 802 is taken for Ethernet's, as by Linux. */
	if ((arp->arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) &&
	     arp->arp_hardware != RTE_BE16(ARP_HRD_IEEE802)) ||
	    arp->arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) || arp->arp_hlen != 6 ||
	    arp->arp_plen != 4)
		return false;
	if (arp->arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST) &&
	    arp->arp_opcode != RTE_BE16(RTE_ARP_OP_REPLY))
		return false;
	/* A sender that is a group, or that claims to be us, cannot be a neighbour. */
	if (!rte_is_unicast_ether_addr(&d->arp_sha) || rte_is_zero_ether_addr(&d->arp_sha) ||
	    memcmp(d->arp_sha.addr_bytes, nif->mac, 6) == 0)
		return false;
	return true;
}

/* sip is a unicast address that a neighbour may have. */
static bool sender_is_plausible(uint32_t sip)
{
	struct ipaddr a = ipaddr_from_v4(sip);

	return sip != 0 && !ipaddr_is_multicast(&a) && !ipaddr_is_limited_broadcast(&a) &&
	       !ipaddr_is_loopback(&a);
}

static void arp_process(struct stack *st, struct netif *nif, const struct rte_arp_hdr *arp,
			bool multicast, uint64_t now)
{
	const struct rte_arp_ipv4 *d = &arp->arp_data;
	struct ipaddr sender = ipaddr_from_v4(d->arp_sip), target = ipaddr_from_v4(d->arp_tip);
	bool request = arp->arp_opcode == RTE_BE16(RTE_ARP_OP_REQUEST);
	bool plausible = sender_is_plausible(d->arp_sip) && !ip_addr_is_broadcast(st, &sender);
	struct ifaddr *mine = ifaddr_find(st, &sender);
	unsigned int how = NEIGH_LEARN_OVERRIDE;

	if (mine != NULL && mine->nif == nif) {
		conflict(st, mine, now);
		return;
	}
	mine = ifaddr_find(st, &target);
	if (mine != NULL && mine->nif != nif)
		mine = NULL;
	if (plausible) {
		if (mine != NULL && request)
			how |= NEIGH_LEARN_CREATE;
		/* A broadcast reply proves nothing about the way back. */
		if (mine != NULL && !request && !multicast)
			how |= NEIGH_LEARN_SOLICITED;
		neigh_learn(st, nif, &sender, d->arp_sha.addr_bytes, how, now);
	}
	/* RFC 5227: a probe comes from nobody. */
	if (request && mine != NULL && (plausible || d->arp_sip == 0))
		arp_send(st, nif, RTE_ARP_OP_REPLY, d->arp_tip, d->arp_sip, d->arp_sha.addr_bytes,
			 d->arp_sha.addr_bytes, now);
}

void arp_input(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint16_t l3_off,
	       uint64_t now)
{
	struct rte_arp_hdr arp;

	MIB_INC(st, ARP_IN);
	if (!pkt_pullup(m, l3_off + sizeof(arp))) {
		MIB_INC(st, ARP_DROP_BAD);
		rte_pktmbuf_free(m);
		return;
	}
	memcpy(&arp, rte_pktmbuf_mtod_offset(m, const void *, l3_off), sizeof(arp));
	if (arp_is_valid(&arp, nif))
		arp_process(st, nif, &arp, (pkt_cb(m)->flags & PKT_F_MULTICAST) != 0, now);
	else
		MIB_INC(st, ARP_DROP_BAD);
	rte_pktmbuf_free(m);
}
