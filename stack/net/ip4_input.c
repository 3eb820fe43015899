/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ip4_input.c - IPv4 from the link to the transports (RFC 791, RFC 1122 3.2).
 *
 * Every packet that is not delivered is counted under one reason and freed here.  Header
 * options are walked for safety and ignored, except source routes: we neither forward
 * nor answer along them.  Malformed ones get a parameter problem, as from Linux.
 */
#include "stack/net/net_priv.h"

#define OPT_EOL	 0
#define OPT_NOP	 1
#define OPT_RR	 7
#define OPT_TS	 68
#define OPT_LSRR 131
#define OPT_RA	 148
#define OPT_SSRR 137

/* Enough for the longest TCP header, so that transports parse in one piece. */
#define L4_PULLUP 60

enum ip4_verdict {
	IP4_OK,
	IP4_HDR_ERROR,
	IP4_CSUM_ERROR,
	IP4_TRUNCATED,
	IP4_SRC_ROUTE,
	IP4_ADDR_ERROR
};

static void count_drop(struct stack *st, enum ip4_verdict why)
{
	switch (why) {
	case IP4_OK:
		break;
	case IP4_HDR_ERROR:
		MIB_INC(st, IP_IN_HDR_ERRORS);
		break;
	case IP4_CSUM_ERROR:
		MIB_INC(st, IP_IN_CSUM_ERRORS);
		break;
	case IP4_TRUNCATED:
		MIB_INC(st, IP_IN_TRUNCATED);
		break;
	case IP4_SRC_ROUTE:
		MIB_INC(st, IP_IN_SRC_ROUTE);
		break;
	case IP4_ADDR_ERROR:
		MIB_INC(st, IP_IN_ADDR_ERRORS);
		break;
	}
}

/*
 * Where in an option of sound length something is wrong, 0: nowhere.  As ip_options_compile():
 * too short for what it is, or a pointer in front of its data.
 */
static unsigned int option_fault(const uint8_t *opt)
{
	static const struct {
		uint8_t type, least, first; /* bytes in all; the least that its pointer may be */
	} known[] = {
		{ OPT_RR, 3, 4 }, { OPT_LSRR, 3, 4 }, { OPT_SSRR, 3, 4 }, { OPT_TS, 4, 5 },
		{ OPT_RA, 4, 0 },
	};
	unsigned int i, slot = 4;

	for (i = 0; i < RTE_DIM(known) && known[i].type != opt[0]; i++)
		;
	if (i == RTE_DIM(known))
		return 0;
	if (opt[1] < known[i].least)
		return 1;
	if (known[i].first == 0 || opt[0] == OPT_LSRR || opt[0] == OPT_SSRR)
		return known[i].first != 0 && opt[2] < known[i].first ? 2 : 0;
	/* RFC 791: time alone, or address and time; of another kind Linux minds nothing. */
	if (opt[0] == OPT_TS && ((opt[3] & 15) == 1 || (opt[3] & 15) == 3))
		slot = 8;
	/* Full (the pointer beyond it) is sound; room for half an entry is not. */
	return opt[2] < known[i].first || (opt[2] <= opt[1] && opt[2] - 1u + slot > opt[1]) ? 2 : 0;
}

/* An option that may stand once only, seen before? */
static bool option_repeated(uint8_t type, unsigned int *seen)
{
	unsigned int bit = type == OPT_RR ? 1 : type == OPT_TS ? 2 : 0;
	bool repeated = (*seen & bit) != 0;

	*seen |= bit;
	return repeated;
}

/* Walk the options; each byte is checked against what remains.  *fault: the wrong one's place. */
static enum ip4_verdict check_options(const uint8_t *opt, unsigned int left, unsigned int *fault)
{
	const uint8_t *start = opt;
	unsigned int len, seen = 0;

	*fault = 0;
	while (left > 0) {
		*fault = (unsigned int)(opt - start) + (unsigned int)sizeof(struct rte_ipv4_hdr);
		if (opt[0] == OPT_EOL)
			return IP4_OK;
		if (opt[0] == OPT_NOP) {
			opt++;
			left--;
			continue;
		}
		if (left < 2 || opt[1] < 2 || opt[1] > left)
			return IP4_HDR_ERROR;
		len = option_fault(opt);
		if (len != 0 || option_repeated(opt[0], &seen)) {
			*fault += len;
			return IP4_HDR_ERROR;
		}
		if (opt[0] == OPT_LSRR || opt[0] == OPT_SSRR)
			return IP4_SRC_ROUTE;
		len = opt[1];
		opt += len;
		left -= len;
	}
	return IP4_OK;
}

static bool header_csum_ok(const struct netif *nif, const struct rte_mbuf *m, uint16_t l3_off,
			   uint16_t hdr_len)
{
	uint64_t flags = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	if ((nif->caps & NETIF_RX_IP4_CSUM) != 0 && flags == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return true;
	return pkt_sum(m, l3_off, hdr_len) == 0xffff;
}

/* Steps 1 to 4: is this an IPv4 header at all?  Trims the link's padding. */
static enum ip4_verdict check_header(const struct netif *nif, struct rte_mbuf *m, uint16_t l3_off,
				     bool local)
{
	const struct rte_ipv4_hdr *ip;
	uint16_t hdr_len, total;
	uint32_t have;

	/* 1. A whole fixed header, version 4. */
	if (unlikely(!pkt_pullup(m, l3_off + sizeof(*ip))))
		return IP4_TRUNCATED;
	ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, l3_off);
	hdr_len = rte_ipv4_hdr_len(ip);
	if (unlikely((ip->version_ihl >> 4) != 4 || hdr_len < sizeof(*ip)))
		return IP4_HDR_ERROR;
	/* 2. Its options. */
	if (unlikely(!pkt_pullup(m, (uint32_t)l3_off + hdr_len)))
		return IP4_TRUNCATED;
	/* 3. The checksum; looped packets were never at risk. */
	if (unlikely(!local && !header_csum_ok(nif, m, l3_off, hdr_len)))
		return IP4_CSUM_ERROR;
	/* 4. The length: all of it here, the padding off. */
	total = rte_be_to_cpu_16(ip->total_length);
	have = rte_pktmbuf_pkt_len(m) - l3_off;
	if (unlikely(total < hdr_len))
		return IP4_HDR_ERROR;
	if (unlikely(total > have))
		return IP4_TRUNCATED;
	if (total < have)
		pkt_trim_to(m, (uint32_t)l3_off + total);
	return IP4_OK;
}

/* Options that we may not ignore; a packet with broken ones is answered. */
static enum ip4_verdict check_packet_options(struct stack *st, const struct rx_pkt *pkt, uint64_t now)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(pkt->m, const uint8_t *, pkt->l3_off);
	enum ip4_verdict verdict;
	unsigned int fault;

	verdict = check_options(ip + sizeof(struct rte_ipv4_hdr),
				pkt->l4_off - pkt->l3_off -
					(unsigned int)sizeof(struct rte_ipv4_hdr),
				&fault);
	if (verdict == IP4_HDR_ERROR)
		icmp4_send_error(st, pkt, 12, 0, fault << 24, now);
	return verdict;
}

/* May src have sent this?  RFC 1122 3.2.1.3 says which sources are invalid. */
static bool source_ok(const struct stack *st, const struct rx_pkt *pkt, enum addr_class class)
{
	if (pkt->local)
		return true;
	if (ipaddr_is_multicast(&pkt->src) || ipaddr_is_loopback(&pkt->src))
		return false;
	/* 0.0.0.0: a host that asks for its address, by broadcast. */
	if (ipaddr_is_any(&pkt->src))
		return class != ADDR_OURS;
	return !ip_addr_is_broadcast(st, &pkt->src) && !ip_addr_is_ours(st, &pkt->src);
}

static enum ip4_verdict check_addresses(const struct stack *st, struct rx_pkt *pkt)
{
	enum addr_class class = addr_classify(st, pkt->nif, &pkt->dst);

	if (class == ADDR_FOREIGN || !source_ok(st, pkt, class))
		return IP4_ADDR_ERROR;
	pkt->multicast = class != ADDR_OURS || (pkt_cb(pkt->m)->flags & PKT_F_MULTICAST) != 0;
	return IP4_OK;
}

/* A fragment: returns false while the datagram is incomplete (or was given up). */
static bool reassemble(struct stack *st, struct rx_pkt *pkt, const struct rte_ipv4_hdr *ip,
		       uint64_t now)
{
	uint16_t frag = rte_be_to_cpu_16(ip->fragment_offset);
	struct reass_frag f = {
		.src = pkt->src,
		.dst = pkt->dst,
		.nif = pkt->nif,
		.id = ip->packet_id,
		.off = (uint32_t)(frag & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS,
		.len = pkt->l4_len,
		.l3_off = pkt->l3_off,
		.hdr_len = (uint16_t)(pkt->l4_off - pkt->l3_off),
		.proto = pkt->proto,
		.ecn = pkt->tos & 3,
		.more = (frag & RTE_IPV4_HDR_MF_FLAG) != 0,
	};
	struct rte_ipv4_hdr *whole;
	uint16_t hdr_len;
	uint8_t ecn;

	/* As Linux: the bytes beyond the last eight are left out. */
	if (f.more && f.len % 8 != 0) {
		f.len &= ~7u;
		pkt_trim_to(pkt->m, pkt->l4_off + f.len);
	}
	pkt->m = reass_input(st, pkt->m, &f, &ecn, now);
	if (pkt->m == NULL)
		return false;
	/* The first fragment's header speaks for the whole; raw sockets will see it. */
	pkt->l3_off = pkt_cb(pkt->m)->l3_off;
	whole = rte_pktmbuf_mtod_offset(pkt->m, struct rte_ipv4_hdr *, pkt->l3_off);
	hdr_len = rte_ipv4_hdr_len(whole);
	pkt->l4_off = pkt->l3_off + hdr_len;
	pkt->l4_len = rte_pktmbuf_pkt_len(pkt->m) - pkt->l4_off;
	pkt->tos = (whole->type_of_service & 0xfc) | ecn;
	pkt->ttl = whole->time_to_live;
	whole->type_of_service = pkt->tos;
	whole->fragment_offset = 0;
	whole->total_length = rte_cpu_to_be_16((uint16_t)(hdr_len + pkt->l4_len));
	whole->hdr_checksum = 0;
	whole->hdr_checksum = (uint16_t)~pkt_sum(pkt->m, pkt->l3_off, hdr_len);
	return true;
}

/* The bytes of a transport's fixed header; less cannot be parsed by anybody. */
static uint32_t l4_min_len(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
		return 8;
	default:
		return 0;
	}
}

static void deliver(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	struct pkt_cb *cb = pkt_cb(pkt->m);
	uint32_t want = RTE_MIN(pkt->l4_len, (uint32_t)L4_PULLUP);

	if (unlikely(pkt->l4_len < l4_min_len(pkt->proto) ||
		     !pkt_pullup(pkt->m, pkt->l4_off + want))) {
		MIB_INC(st, IP_IN_TRUNCATED);
		rte_pktmbuf_free(pkt->m);
		return;
	}
	cb->l3_off = pkt->l3_off;
	cb->l4_off = pkt->l4_off;
	cb->off = pkt->l4_off;
	cb->len = pkt->l4_len;
	cb->ttl = pkt->ttl;
	cb->tos = pkt->tos;
	cb->proto = pkt->proto;
	ip_deliver(st, pkt, now);
}

void ip4_input(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint16_t l3_off, bool local,
	       uint64_t now)
{
	enum ip4_verdict verdict = check_header(nif, m, l3_off, local);
	const struct rte_ipv4_hdr *ip;
	struct rx_pkt pkt;

	MIB_INC(st, IP_IN_RECEIVES);
	if (unlikely(verdict != IP4_OK))
		goto drop;
	ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, l3_off);
	pkt.m = m;
	pkt.nif = nif;
	pkt.src = ipaddr_from_v4(ip->src_addr);
	pkt.dst = ipaddr_from_v4(ip->dst_addr);
	pkt.l3_off = l3_off;
	pkt.l4_off = l3_off + rte_ipv4_hdr_len(ip);
	pkt.l4_len = rte_pktmbuf_pkt_len(m) - pkt.l4_off;
	pkt.proto = ip->next_proto_id;
	pkt.ttl = ip->time_to_live;
	pkt.tos = ip->type_of_service;
	pkt.local = local;
	verdict = check_addresses(st, &pkt);
	if (unlikely(verdict == IP4_OK && pkt.l4_off > l3_off + sizeof(*ip)))
		verdict = check_packet_options(st, &pkt, now);
	if (unlikely(verdict != IP4_OK))
		goto drop;
	if (unlikely((ip->fragment_offset &
		      RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0) &&
	    !reassemble(st, &pkt, ip, now))
		return;
	deliver(st, &pkt, now);
	return;
drop:
	count_drop(st, verdict);
	rte_pktmbuf_free(m);
}
