/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * icmp.c - ICMP for IPv4 (RFC 792, RFC 1122 3.2.2), and what both families share:
 * errors on their way to the transports.
 */
#include <netinet/ip_icmp.h>

#include "stack/net/net_priv.h"

/* The header; packed, for it may lie at any address. */
struct icmp_hdr {
	uint8_t type, code;
	uint16_t checksum;
	uint32_t word; /* by type: MTU, identifier and sequence, ... */
} __attribute__((packed));

#define QUOTE_MAX (576 - 20 - 8) /* RFC 1812 4.3.2.3: as much as fits 576 bytes */

/* -- errors received ------------------------------------------------------------------------ */

/* What Linux makes of each unreachable code (its icmp_err_convert, icmp(7)). */
static const struct {
	int err;
	bool hard;
} unreach_errno[] = {
	[ICMP_NET_UNREACH] = { ENETUNREACH, false },
	[ICMP_HOST_UNREACH] = { EHOSTUNREACH, false },
	[ICMP_PROT_UNREACH] = { ENOPROTOOPT, true },
	[ICMP_PORT_UNREACH] = { ECONNREFUSED, true },
	[ICMP_FRAG_NEEDED] = { EMSGSIZE, false },
	[ICMP_SR_FAILED] = { EOPNOTSUPP, false },
	[ICMP_NET_UNKNOWN] = { ENETUNREACH, true },
	[ICMP_HOST_UNKNOWN] = { EHOSTDOWN, true },
	[ICMP_HOST_ISOLATED] = { ENONET, true },
	[ICMP_NET_ANO] = { ENETUNREACH, true },
	[ICMP_HOST_ANO] = { EHOSTUNREACH, true },
	[ICMP_NET_UNR_TOS] = { ENETUNREACH, false },
	[ICMP_HOST_UNR_TOS] = { EHOSTUNREACH, false },
	[ICMP_PKT_FILTERED] = { EHOSTUNREACH, true },
	[ICMP_PREC_VIOLATION] = { EHOSTUNREACH, true },
	[ICMP_PREC_CUTOFF] = { EHOSTUNREACH, true },
};
static_assert(RTE_DIM(unreach_errno) == NR_ICMP_UNREACH + 1, "every unreachable code has an errno");

void icmp_dispatch_error(struct stack *st, const struct icmp_err *e, uint64_t now)
{
	raw_icmp_error(st, e, now);
	if (e->proto == IPPROTO_TCP)
		tcp_icmp_error(st, e, now);
	else if (e->proto == IPPROTO_UDP)
		udp_icmp_error(st, e, now);
}

/* RFC 1191 7.1: routers that do not say get the next lower plateau. */
static uint16_t plateau_below(uint16_t len)
{
	static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002,
					     1492,  1006,  508,	 296,  68 };
	unsigned int i;

	for (i = 0; i < RTE_DIM(plateaus); i++)
		if (plateaus[i] < len)
			return plateaus[i];
	return 68;
}

static bool classify_error(struct icmp_err *e, const struct icmp_hdr *ih, uint16_t quoted_len)
{
	switch (ih->type) {
	case ICMP_DEST_UNREACH:
		if (ih->code >= RTE_DIM(unreach_errno))
			return false;
		e->err = unreach_errno[ih->code].err;
		e->hard = unreach_errno[ih->code].hard;
		if (ih->code == ICMP_FRAG_NEEDED) {
			e->mtu = (uint16_t)rte_be_to_cpu_32(ih->word);
			if (e->mtu == 0)
				e->mtu = plateau_below(quoted_len);
		}
		return true;
	case ICMP_TIME_EXCEEDED:
		e->err = EHOSTUNREACH;
		return ih->code != ICMP_EXC_FRAGTIME; /* that one Linux keeps to itself */
	case ICMP_PARAMETERPROB:
		e->err = EPROTO;
		e->hard = true;
		return true;
	default:
		return false; /* source quench: RFC 6633 wants it ignored */
	}
}

static void error_input(struct stack *st, const struct rx_pkt *pkt, const struct icmp_hdr *ih,
			uint64_t now)
{
	struct icmp_err e = { .from = pkt->src, .type = ih->type, .code = ih->code };
	const uint8_t *quote = (const uint8_t *)(ih + 1);
	uint32_t len = rte_pktmbuf_data_len(pkt->m) - pkt->l4_off - (uint32_t)sizeof(*ih);
	struct rte_ipv4_hdr ip;
	uint16_t hdr_len;

	/* Not more of the quote than the datagram has and than lies in one piece. */
	len = RTE_MIN(len, pkt->l4_len - (uint32_t)sizeof(*ih));
	if (len < sizeof(ip) + 8)
		goto bad;
	memcpy(&ip, quote, sizeof(ip));
	hdr_len = rte_ipv4_hdr_len(&ip);
	if ((ip.version_ihl >> 4) != 4 || hdr_len < sizeof(ip) || len < hdr_len + 8u)
		goto bad;
	e.src = ipaddr_from_v4(ip.src_addr);
	e.dst = ipaddr_from_v4(ip.dst_addr);
	/* RFC 1122 3.2.2: of a packet that we may have sent; and about its first fragment. */
	if (!ip_addr_is_ours(st, &e.src) || ip_addr_is_broadcast(st, &e.dst) ||
	    (ip.fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		goto bad;
	if (!classify_error(&e, ih, rte_be_to_cpu_16(ip.total_length)))
		return;
	e.l4 = quote + hdr_len;
	e.l4_len = (uint16_t)(len - hdr_len);
	e.proto = ip.next_proto_id;
	icmp_dispatch_error(st, &e, now);
	return;
bad:
	MIB_INC(st, ICMP_IN_ERRORS);
}

/* RFC 1122 3.2.2.2: a better gateway to the quoted packet's destination. */
static void redirect4_input(struct stack *st, const struct rx_pkt *pkt, const struct icmp_hdr *ih,
			    uint64_t now)
{
	struct ipaddr via = ipaddr_from_v4(ih->word), src, dst;
	struct rte_ipv4_hdr ip;
	const void *p;

	p = rte_pktmbuf_read(pkt->m, pkt->l4_off + (uint32_t)sizeof(*ih), sizeof(ip), &ip);
	if (p == NULL || pkt->l4_len < sizeof(*ih) + sizeof(ip) || ih->code > ICMP_REDIR_HOSTTOS) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	if (p != &ip)
		memcpy(&ip, p, sizeof(ip));
	src = ipaddr_from_v4(ip.src_addr);
	dst = ipaddr_from_v4(ip.dst_addr);
	if (!ip_addr_is_ours(st, &src)) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	redirect_input(st, pkt->nif, &pkt->src, &dst, &via, now);
}

/* -- echo ---------------------------------------------------------------------------------- */

/* Turn the request round in place; consumes pkt->m. */
static void echo_reply(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	struct ip_tx tx = {
		.src = &pkt->dst, .dst = &pkt->src, .proto = IPPROTO_ICMP, .tos = pkt->tos
	};
	struct rte_mbuf *m = pkt->m;
	struct icmp_hdr *ih;
	struct dst d;

	/* RFC 1122 3.2.2.6 allows silence to a broadcast echo; how the frame came is all one. */
	if (!ip_addr_is_ours(st, &pkt->dst) || !icmp_may_echo(st, now) ||
	    route_lookup(st, &pkt->src, &pkt->dst, &d, now) != 0) {
		rte_pktmbuf_free(m);
		return;
	}
	m = pkt_unshare(st, m);
	if (m == NULL)
		return;
	rte_pktmbuf_adj(m, pkt->l4_off);
	ih = rte_pktmbuf_mtod(m, struct icmp_hdr *);
	ih->type = ICMP_ECHOREPLY;
	/* RFC 1624: the word (type, code) became smaller by 0x0800. */
	ih->checksum = csum_fold((uint32_t)ih->checksum + RTE_BE16(ICMP_ECHO << 8));
	memset(pkt_cb(m), 0, sizeof(struct pkt_cb));
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	MIB_INC(st, ICMP_OUT_ECHO_REPS);
	MIB_INC(st, ICMP_OUT_MSGS);
	ip_output(st, m, &d, &tx, now);
}

/*
 * RFC 792, RFC 1122 3.2.2.8: milliseconds since midnight UT, when the request came and when
 * the answer leaves.
 */
static void timestamp_reply(struct stack *st, const struct rx_pkt *pkt, const struct icmp_hdr *ih,
			    uint64_t now)
{
	struct ip_tx tx = {
		.src = &pkt->dst, .dst = &pkt->src, .proto = IPPROTO_ICMP, .tos = pkt->tos
	};
	uint64_t wall = now + (uint64_t)st->inet.wall_offset;
	struct {
		struct icmp_hdr ih;
		uint32_t originate, receive, transmit;
	} __attribute__((packed)) *reply;
	uint32_t originate;
	struct rte_mbuf *m;
	struct dst d;

	if (!ip_addr_is_ours(st, &pkt->dst) ||
	    !pkt_read(pkt->m, pkt->l4_off + (uint32_t)sizeof(*ih), sizeof(originate), &originate) ||
	    pkt->l4_len < sizeof(*ih) + sizeof(originate) || !icmp_may_echo(st, now) ||
	    route_lookup(st, &pkt->src, &pkt->dst, &d, now) != 0)
		return;
	m = pkt_alloc_data(st, sizeof(*reply), (void **)&reply);
	if (m == NULL)
		return;
	reply->ih = *ih;
	reply->ih.type = ICMP_TIMESTAMPREPLY;
	reply->ih.checksum = 0;
	reply->originate = originate;
	reply->receive = rte_cpu_to_be_32((uint32_t)(wall / NSEC_PER_MSEC % 86400000));
	reply->transmit = reply->receive;
	reply->ih.checksum = (uint16_t)~pkt_sum(m, 0, sizeof(*reply));
	MIB_INC(st, ICMP_OUT_MSGS);
	ip_output(st, m, &d, &tx, now);
}

void icmp_input(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	struct icmp_hdr ih;

	MIB_INC(st, ICMP_IN_MSGS);
	if (!pkt->local && pkt_sum(pkt->m, pkt->l4_off, pkt->l4_len) != 0xffff) {
		MIB_INC(st, ICMP_IN_CSUM_ERRORS);
		rte_pktmbuf_free(pkt->m);
		return;
	}
	memcpy(&ih, rte_pktmbuf_mtod_offset(pkt->m, const void *, pkt->l4_off), sizeof(ih));
	switch (ih.type) {
	case ICMP_ECHO:
		MIB_INC(st, ICMP_IN_ECHOS);
		echo_reply(st, pkt, now); /* whatever the code, as Linux */
		return;
	case ICMP_TIMESTAMP:
		timestamp_reply(st, pkt, &ih, now);
		break;
	case ICMP_DEST_UNREACH:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETERPROB:
		error_input(st, pkt,
			    rte_pktmbuf_mtod_offset(pkt->m, const struct icmp_hdr *, pkt->l4_off),
			    now);
		break;
	case ICMP_REDIRECT:
		redirect4_input(st, pkt, &ih, now);
		break;
	default:
		break; /* replies went to ping sockets */
	}
	rte_pktmbuf_free(pkt->m);
}

/* -- errors sent ---------------------------------------------------------------------------- */

struct rte_mbuf *icmp_build_error(struct stack *st, const struct rx_pkt *pkt, uint8_t type,
				  uint8_t code, uint32_t info, uint32_t quote_max)
{
	uint32_t quote = pkt->l4_off - pkt->l3_off + pkt->l4_len;
	struct icmp_hdr *ih;
	struct rte_mbuf *m;

	m = pkt_copy(st, pkt->m, pkt->l3_off, RTE_MIN(quote, quote_max));
	if (m == NULL)
		return NULL;
	ih = pkt_push(st, m, sizeof(*ih));
	if (ih == NULL)
		return NULL;
	ih->type = type;
	ih->code = code;
	ih->checksum = 0;
	ih->word = rte_cpu_to_be_32(info);
	MIB_INC(st, ICMP_OUT_MSGS);
	return m;
}

/* RFC 1122 3.2.2: about which packets an error may be sent. */
static bool may_complain(struct stack *st, const struct rx_pkt *pkt)
{
	uint8_t type;

	if (pkt->multicast || ipaddr_is_any(&pkt->src) || ipaddr_is_multicast(&pkt->src) ||
	    ip_addr_is_broadcast(st, &pkt->src) || !ip_addr_is_ours(st, &pkt->dst))
		return false;
	if (pkt->proto != IPPROTO_ICMP)
		return true;
	type = *rte_pktmbuf_mtod_offset(pkt->m, const uint8_t *, pkt->l4_off);
	return type == ICMP_ECHO || type == ICMP_TIMESTAMP;
}

void icmp4_send_error(struct stack *st, const struct rx_pkt *pkt, uint8_t type, uint8_t code,
		      uint32_t info, uint64_t now)
{
	struct ip_tx tx = { .src = &pkt->dst,
			    .dst = &pkt->src,
			    .proto = IPPROTO_ICMP,
			    .tos = (pkt->tos & 0x1e) | 0xc0 }; /* RT_TOS, internetwork control */
	struct icmp_hdr *ih;
	struct rte_mbuf *m;
	struct dst d;

	if (!may_complain(st, pkt))
		return;
	if (!icmp_may_send_error(st, pkt, now))
		return;
	if (route_lookup(st, &pkt->src, &pkt->dst, &d, now) != 0)
		return;
	m = icmp_build_error(st, pkt, type, code, info, QUOTE_MAX);
	if (m == NULL)
		return;
	ih = rte_pktmbuf_mtod(m, struct icmp_hdr *);
	ih->checksum = (uint16_t)~pkt_sum(m, 0, rte_pktmbuf_pkt_len(m));
	if (type == ICMP_DEST_UNREACH)
		MIB_INC(st, ICMP_OUT_DEST_UNREACHS);
	ip_output(st, m, &d, &tx, now);
}

/* RFC 4443 3.1: the codes of IPv6 that say the same. */
static uint8_t unreach6_code(uint8_t code)
{
	switch (code) {
	case ICMP_PORT_UNREACH:
		return 4;
	case ICMP_HOST_UNREACH:
		return 3;
	case ICMP_PKT_FILTERED:
		return 1;
	default:
		return 0;
	}
}

void icmp_send_unreach(struct stack *st, const struct rx_pkt *pkt, uint8_t code, uint64_t now)
{
	if (ipaddr_is_v4(&pkt->dst))
		icmp4_send_error(st, pkt, ICMP_DEST_UNREACH, code, 0, now);
	else
		icmp6_send_error(st, pkt, 1, unreach6_code(code), 0, now);
}

/* -- errors of our own making ------------------------------------------------------------------ */

static void local_unreach4(struct stack *st, struct icmp_err *e, const uint8_t *p, uint16_t len,
			   uint64_t now)
{
	struct rte_ipv4_hdr ip;

	memcpy(&ip, p, sizeof(ip));
	if ((ip.fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		return;
	e->type = ICMP_DEST_UNREACH;
	e->code = ICMP_HOST_UNREACH;
	e->src = e->from = ipaddr_from_v4(ip.src_addr);
	e->dst = ipaddr_from_v4(ip.dst_addr);
	e->l4 = p + sizeof(ip);
	e->l4_len = (uint16_t)(len - sizeof(ip));
	e->proto = ip.next_proto_id;
	icmp_dispatch_error(st, e, now);
}

static void local_unreach6(struct stack *st, struct icmp_err *e, const uint8_t *p, uint16_t len,
			   uint64_t now)
{
	struct rte_ipv6_hdr ip;

	memcpy(&ip, p, sizeof(ip));
	e->type = 1; /* destination unreachable: address unreachable */
	e->code = 3;
	memcpy(e->src.b, ip.src_addr, 16);
	memcpy(e->dst.b, ip.dst_addr, 16);
	e->from = e->src;
	e->l4 = p + sizeof(ip);
	e->l4_len = (uint16_t)(len - sizeof(ip));
	e->proto = ip.proto;
	icmp_dispatch_error(st, e, now);
}

void icmp_local_unreach(struct stack *st, struct rte_mbuf *m, uint64_t now)
{
	struct icmp_err e = { .err = EHOSTUNREACH };
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t len = rte_pktmbuf_data_len(m);

	if (len >= sizeof(struct rte_ipv4_hdr) + 8 && p[0] >> 4 == 4)
		local_unreach4(st, &e, p, len, now);
	else if (len >= sizeof(struct rte_ipv6_hdr) + 8 && p[0] >> 4 == 6)
		local_unreach6(st, &e, p, len, now);
}
