/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * icmp6.c - ICMPv6 (RFC 4443): echo, errors sent and received; ND and MLD go to their files.
 */
#include "stack/net/net_priv.h"

#define ICMP6_UNREACH	    1
#define ICMP6_TOO_BIG	    2
#define ICMP6_TIME_EXCEEDED 3
#define ICMP6_PARAM_PROBLEM 4
#define ICMP6_ECHO_REQUEST  128
#define ICMP6_ECHO_REPLY    129
#define ICMP6_MLD_QUERY	    130

#define PARAM_OPTION 2

#define QUOTE_MAX (IP6_MIN_MTU - 40 - 8) /* RFC 4443 2.4 c */

struct icmp6_hdr {
	uint8_t type, code;
	uint16_t checksum;
	uint32_t word;
} __attribute__((packed));

/* -- errors received ------------------------------------------------------------------------ */

/* What Linux makes of each unreachable code (its icmpv6_err_convert). */
static const struct {
	int err;
	bool hard;
} unreach_errno[] = {
	{ ENETUNREACH, false },	 /* 0 no route */
	{ EACCES, true },	 /* 1 administratively prohibited */
	{ EHOSTUNREACH, false }, /* 2 beyond the scope of the source */
	{ EHOSTUNREACH, false }, /* 3 address unreachable */
	{ ECONNREFUSED, true },	 /* 4 port unreachable */
	{ EACCES, true },	 /* 5 source address failed policy */
	{ EACCES, true },	 /* 6 reject route */
};

static bool classify_error(struct icmp_err *e, const struct icmp6_hdr *ih)
{
	uint32_t word = rte_be_to_cpu_32(ih->word);

	switch (ih->type) {
	case ICMP6_UNREACH:
		e->err = EPROTO;
		e->hard = true;
		if (ih->code < RTE_DIM(unreach_errno)) {
			e->err = unreach_errno[ih->code].err;
			e->hard = unreach_errno[ih->code].hard;
		}
		return true;
	case ICMP6_TOO_BIG:
		/* RFC 8201 4: less than the minimum is a lie or an atomic-fragment wish. */
		if (word < IP6_MIN_MTU)
			return false;
		e->err = EMSGSIZE;
		e->mtu = (uint16_t)RTE_MIN(word, (uint32_t)UINT16_MAX);
		return true;
	case ICMP6_TIME_EXCEEDED:
		e->err = EHOSTUNREACH;
		return true;
	case ICMP6_PARAM_PROBLEM:
		e->err = EPROTO;
		e->hard = true;
		return true;
	default:
		return false;
	}
}

/* Where the transport begins in a quoted packet; 0 if it does not. */
static uint32_t quoted_l4(const uint8_t *p, uint32_t len, uint8_t *proto)
{
	uint32_t off = sizeof(struct rte_ipv6_hdr), size;
	uint16_t frag;

	*proto = p[offsetof(struct rte_ipv6_hdr, proto)];
	while (*proto == IPPROTO_HOPOPTS || *proto == IPPROTO_DSTOPTS ||
	       *proto == IPPROTO_ROUTING || *proto == IPPROTO_FRAGMENT) {
		if (len - off < 8)
			return 0;
		size = p[off + 1] * 8u + 8;
		if (*proto == IPPROTO_FRAGMENT) {
			memcpy(&frag, p + off + 2, sizeof(frag));
			if ((rte_be_to_cpu_16(frag) & 0xfff8) != 0)
				return 0;
			size = 8;
		}
		if (size > len - off)
			return 0;
		*proto = p[off];
		off += size;
	}
	return len - off >= 8 ? off : 0;
}

static void error_input(struct stack *st, const struct rx_pkt *pkt, const struct icmp6_hdr *ih,
			uint64_t now)
{
	struct icmp_err e = { .from = pkt->src, .type = ih->type, .code = ih->code };
	uint32_t len = pkt->l4_len - (uint32_t)sizeof(*ih), off;
	struct rte_ipv6_hdr ip;
	uint8_t buf[256];
	const uint8_t *p;

	/* Enough of the quote for any header chain that we send. */
	len = RTE_MIN(len, (uint32_t)sizeof(buf));
	if (len < sizeof(ip) + 8)
		goto bad;
	p = rte_pktmbuf_read(pkt->m, pkt->l4_off + (uint32_t)sizeof(*ih), len, buf);
	memcpy(&ip, p, sizeof(ip));
	memcpy(e.src.b, ip.src_addr, 16);
	memcpy(e.dst.b, ip.dst_addr, 16);
	off = quoted_l4(p, len, &e.proto);
	if ((ip.vtc_flow & RTE_BE32(0xf0000000)) != RTE_BE32(0x60000000) || off == 0 ||
	    ipaddr_is_v4(&e.dst) || ipaddr_is_v4(&e.src) || !ip_addr_is_ours(st, &e.src))
		goto bad;
	if (!classify_error(&e, ih))
		return;
	e.l4 = p + off;
	e.l4_len = (uint16_t)(len - off);
	icmp_dispatch_error(st, &e, now);
	return;
bad:
	MIB_INC(st, ICMP_IN_ERRORS);
}

/* -- echo ---------------------------------------------------------------------------------- */

/* Consumes pkt->m. */
static void echo_reply(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	struct ip_tx tx = {
		.src = &pkt->dst, .dst = &pkt->src, .proto = IPPROTO_ICMPV6, .tos = pkt->tos
	};
	bool group = ipaddr_is_multicast(&pkt->dst);
	struct rte_mbuf *m = pkt->m;
	struct icmp6_hdr *ih;
	uint32_t sum, len;
	struct dst d;

	if (ipaddr_is_any(&pkt->src) || !icmp_may_echo(st, now) ||
	    route_lookup(st, &pkt->src, group ? NULL : &pkt->dst, &d, now) != 0) {
		rte_pktmbuf_free(m);
		return;
	}
	m = pkt_unshare(st, m);
	if (m == NULL)
		return;
	/* RFC 4443 4.2: an echo to a group may be answered, from an address of ours. */
	tx.src = &d.src;
	rte_pktmbuf_adj(m, pkt->l4_off);
	ih = rte_pktmbuf_mtod(m, struct icmp6_hdr *);
	ih->type = ICMP6_ECHO_REPLY;
	ih->checksum = 0;
	len = rte_pktmbuf_pkt_len(m);
	sum = pkt_sum(m, 0, len) + ip_phdr_sum(tx.src, tx.dst, IPPROTO_ICMPV6, len);
	ih->checksum = (uint16_t)~csum_fold(sum);
	memset(pkt_cb(m), 0, sizeof(struct pkt_cb));
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	MIB_INC(st, ICMP_OUT_ECHO_REPS);
	MIB_INC(st, ICMP_OUT_MSGS);
	ip_output(st, m, &d, &tx, now);
}

static bool csum_ok(const struct rx_pkt *pkt)
{
	uint32_t sum = pkt_sum(pkt->m, pkt->l4_off, pkt->l4_len);

	sum += ip_phdr_sum(&pkt->src, &pkt->dst, IPPROTO_ICMPV6, pkt->l4_len);
	return pkt->local || csum_fold(sum) == 0xffff;
}

void icmp6_input(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	struct icmp6_hdr ih;
	uint8_t buf[32];

	MIB_INC(st, ICMP_IN_MSGS);
	if (!csum_ok(pkt)) {
		MIB_INC(st, ICMP_IN_CSUM_ERRORS);
		rte_pktmbuf_free(pkt->m);
		return;
	}
	memcpy(&ih, rte_pktmbuf_mtod_offset(pkt->m, const void *, pkt->l4_off), sizeof(ih));
	switch (ih.type) {
	case ICMP6_ECHO_REQUEST:
		MIB_INC(st, ICMP_IN_ECHOS);
		echo_reply(st, pkt, now);
		return;
	case ICMP6_UNREACH:
	case ICMP6_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAM_PROBLEM:
		error_input(st, pkt, &ih, now);
		break;
	case ICMP6_MLD_QUERY:
		if (pkt->l4_len >= 24 && !pkt->local)
			mld_query_input(st, pkt, rte_pktmbuf_read(pkt->m, pkt->l4_off, 24, buf),
					pkt->l4_len, now);
		break;
	case ND_ROUTER_SOLICIT:
	case ND_ROUTER_ADVERT:
	case ND_NEIGHBOR_SOLICIT:
	case ND_NEIGHBOR_ADVERT:
	case ND_REDIRECT:
		nd_input(st, pkt, now);
		break;
	default:
		break;
	}
	rte_pktmbuf_free(pkt->m);
}

/* -- errors sent ---------------------------------------------------------------------------- */

/* RFC 4443 2.4 e: about which packets an error may be sent. */
static bool may_complain(const struct rx_pkt *pkt, uint8_t type, uint8_t code)
{
	const uint8_t *l4;

	if (ipaddr_is_any(&pkt->src) || ipaddr_is_multicast(&pkt->src))
		return false;
	if (pkt->multicast && !(type == ICMP6_PARAM_PROBLEM && code == PARAM_OPTION))
		return false;
	if (pkt->proto != IPPROTO_ICMPV6 || pkt->l4_len == 0 ||
	    rte_pktmbuf_data_len(pkt->m) <= pkt->l4_off)
		return true;
	/* Errors (below 128) and redirects are not answered. */
	l4 = rte_pktmbuf_mtod_offset(pkt->m, const uint8_t *, pkt->l4_off);
	return l4[0] >= 128 && l4[0] != ND_REDIRECT;
}

void icmp6_send_error(struct stack *st, const struct rx_pkt *pkt, uint8_t type, uint8_t code,
		      uint32_t info, uint64_t now)
{
	uint32_t sum, len;
	bool ours = ip_addr_is_ours(st, &pkt->dst);
	struct ip_tx tx = { .dst = &pkt->src, .proto = IPPROTO_ICMPV6 };
	struct icmp6_hdr *ih;
	struct rte_mbuf *m;
	struct dst d;

	if (!may_complain(pkt, type, code))
		return;
	if (!icmp_may_send_error(st, pkt, now))
		return;
	if (route_lookup(st, &pkt->src, ours ? &pkt->dst : NULL, &d, now) != 0)
		return;
	tx.src = &d.src;
	m = icmp_build_error(st, pkt, type, code, info, QUOTE_MAX);
	if (m == NULL)
		return;
	ih = rte_pktmbuf_mtod(m, struct icmp6_hdr *);
	len = rte_pktmbuf_pkt_len(m);
	sum = pkt_sum(m, 0, len) + ip_phdr_sum(tx.src, tx.dst, IPPROTO_ICMPV6, len);
	ih->checksum = (uint16_t)~csum_fold(sum);
	if (type == ICMP6_UNREACH)
		MIB_INC(st, ICMP_OUT_DEST_UNREACHS);
	ip_output(st, m, &d, &tx, now);
}
