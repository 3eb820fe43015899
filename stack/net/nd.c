/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nd.c - neighbour discovery for IPv6 (RFC 4861), duplicate address detection (RFC 4862).
 *
 * Every message is believed only with hop limit 255 (it was not forwarded) and options
 * of sound length.
 *
 * Our addresses work from the start while they are checked (optimistic, RFC 4429): a server
 * must answer at once.  Until the check is done they do not override what others have
 * cached, and an address that another host has is given up.
 */
#include "stack/net/net_priv.h"

#define DAD_TRANSMITS 1 /* RFC 4862 5.1 */
#define RETRANS_TIMER (1 * NSEC_PER_SEC)

#define OPT_SLLA 1
#define OPT_TLLA 2

#define NA_ROUTER    0x80
#define NA_SOLICITED 0x40
#define NA_OVERRIDE  0x20

/* Neighbour solicitation and advertisement have one layout. */
struct nd_msg {
	uint8_t type, code;
	uint16_t checksum;
	uint8_t flags, reserved[3];
	uint8_t target[16];
} __attribute__((packed));

struct nd_msg_lla {
	struct nd_msg nd;
	uint8_t opt_type, opt_len;
	uint8_t mac[6];
} __attribute__((packed));

static const struct ipaddr all_nodes = { .b = { 0xff, 0x02, [15] = 1 } };

struct ipaddr nd_solicited_node(const struct ipaddr *addr)
{
	struct ipaddr a = { .b = { 0xff, 0x02, [11] = 1, [12] = 0xff } };

	memcpy(a.b + 13, addr->b + 13, 3);
	return a;
}

struct ipaddr nd_link_local(const struct netif *nif)
{
	struct ipaddr a = { .b = { 0xfe, 0x80, [11] = 0xff, [12] = 0xfe } };

	memcpy(a.b + 8, nif->mac, 3);
	memcpy(a.b + 13, nif->mac + 3, 3);
	a.b[8] ^= 0x02;
	return a;
}

bool nd_is_enabled(const struct stack *st, const struct netif *nif)
{
	const struct route_table *t = &st->net.route;
	const struct ifaddr *a;

	for (a = t->addrs; a < t->addrs + t->naddrs; a++)
		if (a->nif == nif && !ipaddr_is_v4(&a->addr))
			return true;
	return false;
}

bool nd_option(const uint8_t *opt, uint32_t len, uint8_t type, const uint8_t **found)
{
	uint32_t size;

	*found = NULL;
	while (len > 0) {
		if (len < 2)
			return false;
		size = opt[1] * 8u;
		if (size == 0 || size > len)
			return false;
		if (opt[0] == type && *found == NULL)
			*found = opt;
		opt += size;
		len -= size;
	}
	return true;
}

/* -- sending ---------------------------------------------------------------------------------- */

void nd_send(struct stack *st, struct netif *nif, struct rte_mbuf *m, const struct ipaddr *src,
	     const struct ipaddr *dst, const uint8_t mac[6], uint64_t now)
{
	uint32_t len = rte_pktmbuf_pkt_len(m), sum;
	struct rte_ipv6_hdr *ip;
	uint16_t csum;

	sum = pkt_sum(m, 0, len) + ip_phdr_sum(src, dst, IPPROTO_ICMPV6, len);
	csum = (uint16_t)~csum_fold(sum);
	memcpy(rte_pktmbuf_mtod_offset(m, char *, 2), &csum, sizeof(csum));
	ip = pkt_push(st, m, sizeof(*ip));
	if (ip == NULL)
		return;
	ip->vtc_flow = RTE_BE32(0x60000000);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)len);
	ip->proto = IPPROTO_ICMPV6;
	ip->hop_limits = 255;
	memcpy(ip->src_addr, src->b, 16);
	memcpy(ip->dst_addr, dst->b, 16);
	MIB_INC(st, ICMP_OUT_MSGS);
	eth_output(st, nif, m, mac, RTE_ETHER_TYPE_IPV6, now);
}

/* lla: with our link-layer address. */
static void send_msg(struct stack *st, struct netif *nif, uint8_t type, uint8_t flags, bool lla,
		     const struct ipaddr *target, const struct ipaddr *src,
		     const struct ipaddr *dst, const uint8_t *mac, uint64_t now)
{
	uint16_t len = lla ? sizeof(struct nd_msg_lla) : sizeof(struct nd_msg);
	struct nd_msg_lla *msg;
	struct rte_mbuf *m = pkt_alloc_data(st, len, (void **)&msg);
	uint8_t group_mac[6];

	if (m == NULL)
		return;
	memset(msg, 0, len);
	msg->nd.type = type;
	msg->nd.flags = flags;
	memcpy(msg->nd.target, target->b, 16);
	if (lla) {
		msg->opt_type = type == ND_NEIGHBOR_SOLICIT ? OPT_SLLA : OPT_TLLA;
		msg->opt_len = 1;
		memcpy(msg->mac, nif->mac, 6);
	}
	if (mac == NULL)
		mcast_mac(dst, group_mac);
	nd_send(st, nif, m, src, dst, mac != NULL ? mac : group_mac, now);
}

void nd_send_ns(struct stack *st, struct netif *nif, const struct ipaddr *target,
		const struct ipaddr *src, const uint8_t *mac, uint64_t now)
{
	struct ipaddr group = nd_solicited_node(target);

	/* RFC 4861 4.3: no source link-layer option from the unspecified address. */
	send_msg(st, nif, ND_NEIGHBOR_SOLICIT, 0, !ipaddr_is_any(src), target, src, mac != NULL ? target : &group, mac,
		 now);
}

void nd_address_step(struct stack *st, struct ifaddr *a, uint64_t now)
{
	static const struct ipaddr unspecified;

	if (a->state == IFADDR_DUPLICATE) {
		a->next_at = UINT64_MAX;
	} else if (a->probes < DAD_TRANSMITS) {
		a->probes++;
		nd_send_ns(st, a->nif, &a->addr, &unspecified, NULL, now);
		a->next_at = now + RETRANS_TIMER;
	} else {
		a->state = IFADDR_OK;
		a->next_at = UINT64_MAX;
		/* The neighbours of a predecessor with this address learn of us. */
		send_msg(st, a->nif, ND_NEIGHBOR_ADVERT, NA_OVERRIDE, true, &a->addr, &a->addr,
			 &all_nodes, NULL, now);
	}
}

/* -- receiving ----------------------------------------------------------------------------------- */

/* Somebody else has, or tries to get, our address. */
static void duplicate(struct stack *st, struct ifaddr *a)
{
	MIB_INC(st, ARP_CONFLICT);
	if (a->state != IFADDR_OPTIMISTIC)
		return;
	a->state = IFADDR_DUPLICATE;
	route_changed(st);
}

static bool ns_input(struct stack *st, const struct rx_pkt *pkt, const struct nd_msg *msg,
		     const uint8_t *lla, uint64_t now)
{
	const struct rte_ether_hdr *eth;
	struct ipaddr target, group;
	struct ifaddr *mine;
	uint8_t flags;
	bool told;

	memcpy(target.b, msg->target, 16);
	group = nd_solicited_node(&target);
	/* RFC 4861 7.1.1 */
	if (ipaddr_is_multicast(&target) ||
	    (ipaddr_is_any(&pkt->src) && (lla != NULL || !ipaddr_equal(&pkt->dst, &group))))
		return false;
	mine = ifaddr_find(st, &target);
	if (mine == NULL || mine->nif != pkt->nif)
		return true;
	if (ipaddr_is_any(&pkt->src)) {
		/* Another host's detection: ours is not done, so neither may have it. */
		if (mine->state == IFADDR_OPTIMISTIC)
			duplicate(st, mine);
		else
			send_msg(st, pkt->nif, ND_NEIGHBOR_ADVERT, NA_OVERRIDE, true, &target, &target,
				 &all_nodes, NULL, now);
		return true;
	}
	if (lla != NULL)
		neigh_learn(st, pkt->nif, &pkt->src, lla + 2,
			    NEIGH_LEARN_CREATE | NEIGH_LEARN_OVERRIDE, now);
	/* RFC 4861 7.2.4: who asks us alone knows our address, and need not be told; as Linux. */
	told = ipaddr_is_multicast(&pkt->dst);
	flags = NA_SOLICITED | (told && mine->state == IFADDR_OK ? NA_OVERRIDE : 0);
	/* A unicast question need not say where from: the frame does. */
	eth = rte_pktmbuf_mtod(pkt->m, const struct rte_ether_hdr *);
	send_msg(st, pkt->nif, ND_NEIGHBOR_ADVERT, flags, told, &target, &target, &pkt->src,
		 lla != NULL ? lla + 2 : eth->src_addr.addr_bytes, now);
	return true;
}

static bool na_input(struct stack *st, const struct rx_pkt *pkt, const struct nd_msg *msg,
		     const uint8_t *lla, uint64_t now)
{
	unsigned int how = (msg->flags & NA_OVERRIDE) != 0 ? NEIGH_LEARN_OVERRIDE : 0;
	struct ipaddr target;
	struct ifaddr *mine;
	struct neigh *n;
	uint8_t mac[6];

	memcpy(target.b, msg->target, 16);
	/* RFC 4861 7.1.2 */
	if (ipaddr_is_multicast(&target) ||
	    (ipaddr_is_multicast(&pkt->dst) && (msg->flags & NA_SOLICITED) != 0))
		return false;
	mine = ifaddr_find(st, &target);
	if (mine != NULL && mine->nif == pkt->nif) {
		duplicate(st, mine);
		return true;
	}
	n = neigh_find(st, pkt->nif, &target);
	if (n == NULL)
		return true; /* RFC 4861 7.2.5: nobody asked */
	/* RFC 4861 7.2.5: a router that says it is none any more. */
	if (n->router && (msg->flags & NA_ROUTER) == 0)
		route_drop_gateway(st, pkt->nif, &target);
	n->router = (msg->flags & NA_ROUTER) != 0;
	if ((msg->flags & NA_SOLICITED) != 0)
		how |= NEIGH_LEARN_SOLICITED;
	/* Without a link-layer address it can only confirm what is known. */
	if (lla == NULL && (n->state < NEIGH_REACHABLE || n->state > NEIGH_PROBE))
		return true;
	memcpy(mac, lla != NULL ? lla + 2 : n->hdr, sizeof(mac));
	neigh_learn(st, pkt->nif, &target, mac, how, now);
	return true;
}

static bool neighbor_input(struct stack *st, const struct rx_pkt *pkt, const uint8_t *p,
			   uint32_t len, uint64_t now)
{
	const uint8_t *lla;
	struct nd_msg msg;
	bool solicit;

	if (len < sizeof(msg))
		return false;
	memcpy(&msg, p, sizeof(msg));
	solicit = msg.type == ND_NEIGHBOR_SOLICIT;
	if (!nd_option(p + sizeof(msg), len - (uint32_t)sizeof(msg), solicit ? OPT_SLLA : OPT_TLLA,
		       &lla))
		return false;
	if (lla != NULL && (lla[1] != 1 || (lla[2] & 1) != 0))
		return false;
	return solicit ? ns_input(st, pkt, &msg, lla, now) : na_input(st, pkt, &msg, lla, now);
}

void nd_input(struct stack *st, const struct rx_pkt *pkt, uint64_t now)
{
	const uint8_t *p = rte_pktmbuf_mtod_offset(pkt->m, const uint8_t *, pkt->l4_off);
	uint8_t buf[512];
	bool ok = true;

	/* RFC 6980 5: never in fragments, where filters would not see it. */
	if ((pkt_cb(pkt->m)->flags & PKT_F_FRAGMENT) != 0) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	/* Options may lie in several segments: one flat copy, as long as any sane message. */
	if (pkt->ttl != 255 || p[1] != 0 || pkt->l4_len > sizeof(buf) || pkt->local) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	p = rte_pktmbuf_read(pkt->m, pkt->l4_off, pkt->l4_len, buf);
	switch (p[0]) {
	case ND_NEIGHBOR_SOLICIT:
	case ND_NEIGHBOR_ADVERT:
		ok = neighbor_input(st, pkt, p, pkt->l4_len, now);
		break;
	case ND_ROUTER_ADVERT:
		nd_router_input(st, pkt, p, pkt->l4_len, now);
		break;
	case ND_REDIRECT:
		nd_redirect_input(st, pkt, p, pkt->l4_len, now);
		break;
	default:
		break; /* solicitations are for routers */
	}
	if (!ok)
		MIB_INC(st, ICMP_IN_ERRORS);
}
