/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ip6_input.c - IPv6 from the link to the transports (RFC 8200).
 *
 * Extension headers are walked once, each pulled up and checked against what remains
 * before it is read.  Hop-by-hop and destination options, routing headers that are used
 * up, and fragments are understood; anything else is a transport, or unknown.  Their number
 * is limited by the packet's length alone, as Linux has it.
 *
 * Addresses of the form ::ffff:a.b.c.d must never come from a wire (RFC 4291 2.5.5.2; here
 * they would pass for IPv4).
 */
#include "stack/net/net_priv.h"

#define MAX_OPTIONS 8 /* in one header: Linux's max_dst_opts_number */
#define MAX_PADDING 7 /* bytes in a row */
#define L4_PULLUP   60

#define OPT_PAD1	 0
#define OPT_ROUTER_ALERT 5
#define OPT_PADN	 1
#define OPT_JUMBO	 0xc2

#define ROUTING_RPL 3 /* RFC 6554 */
#define ROUTING_SRH 4 /* RFC 8754 */

#define PARAM_PROBLEM	  4
#define PARAM_HEADER	  0 /* codes: erroneous header field, */
#define PARAM_NEXT_HEADER 1 /* unrecognised next header, */
#define PARAM_OPTION	  2 /* unrecognised option, */
#define PARAM_CHAIN	  3 /* first fragment without the whole header chain (RFC 7112) */

struct frag_hdr {
	uint8_t next, reserved;
	uint16_t off; /* in eights, shifted by three; bit 0: more */
	uint32_t id;
} __attribute__((packed));

enum walk { WALK_L4, WALK_DROP, WALK_FRAGMENT };

/* Where the walk is. */
struct walker {
	struct stack *st;
	struct rx_pkt *pkt;
	uint32_t off;	 /* of the next header, from data start */
	uint32_t end;	 /* of the datagram */
	uint32_t nh_off; /* of the byte that names the next header */
	uint8_t next;
	bool hop_by_hop_ok; /* nothing but the fixed header so far */
	bool fragment_seen;
	uint64_t now;
};

static enum walk param_problem(struct walker *w, uint8_t code, uint32_t off)
{
	MIB_INC(w->st, IP_IN_HDR_ERRORS);
	w->pkt->l4_off = (uint16_t)w->off;
	w->pkt->l4_len = w->end - w->off;
	icmp6_send_error(w->st, w->pkt, PARAM_PROBLEM, code, off - w->pkt->l3_off, w->now);
	return WALK_DROP;
}

static enum walk truncated(struct walker *w)
{
	MIB_INC(w->st, IP_IN_TRUNCATED);
	return WALK_DROP;
}

static const uint8_t *walk_at(const struct walker *w)
{
	return rte_pktmbuf_mtod_offset(w->pkt->m, const uint8_t *, w->off);
}

/* Make n bytes at the walk's place readable. */
static bool walk_pull(struct walker *w, uint32_t n)
{
	return n <= w->end - w->off && pkt_pullup(w->pkt->m, w->off + n);
}

/* RFC 8200 4.2: the top two bits of an unknown option say what to do. */
static bool unknown_option_ok(struct walker *w, uint8_t type, uint32_t off)
{
	switch (type >> 6) {
	case 0:
		return true;
	case 2:
		param_problem(w, PARAM_OPTION, off);
		return false;
	case 3:
		if (!w->pkt->multicast) {
			param_problem(w, PARAM_OPTION, off);
			return false;
		}
		/* fallthrough */
	default:
		MIB_INC(w->st, IP_IN_HDR_ERRORS);
		return false;
	}
}

/*
 * The length of the padding at p (of n bytes) if there is padding, else 0.  As Linux takes RFC
 * 4942 2.1.9.5: padding aligns, so more than seven bytes of it, or other bytes than zero in
 * it, are a channel for something else: *bad.
 */
static uint32_t padding_len(const uint8_t *p, uint32_t n, uint32_t *padded, bool *bad)
{
	uint32_t len, i;

	if (p[0] == OPT_PAD1) {
		*bad = ++*padded > MAX_PADDING;
		return 1;
	}
	if (p[0] != OPT_PADN || n < 2 || 2u + p[1] > n)
		return 0;
	len = 2u + p[1];
	*padded += len;
	*bad = *padded > MAX_PADDING;
	for (i = 2; i < len; i++)
		if (p[i] != 0)
			*bad = true;
	return len;
}

/* RFC 2675 3: in a packet that has a length of its own, or with less than its least, an error. */
static bool jumbo_ok(struct walker *w, const uint8_t *opt, uint32_t off)
{
	const struct rte_ipv6_hdr *ip =
		rte_pktmbuf_mtod_offset(w->pkt->m, const struct rte_ipv6_hdr *, w->pkt->l3_off);
	uint32_t len;

	if (opt[1] != 4 || (off - w->pkt->l3_off) % 4 != 2) {
		MIB_INC(w->st, IP_IN_HDR_ERRORS);
		return false;
	}
	memcpy(&len, opt + 2, sizeof(len));
	if (rte_be_to_cpu_32(len) <= UINT16_MAX)
		param_problem(w, PARAM_HEADER, off + 2);
	else if (ip->payload_len != 0)
		param_problem(w, PARAM_HEADER, off);
	else
		MIB_INC(w->st, IP_IN_HDR_ERRORS);
	return false; /* and jumbograms themselves are not offered */
}

/* One option that is no padding, its length checked. */
static bool option_ok(struct walker *w, const uint8_t *opt, uint32_t off)
{
	bool hop_by_hop = w->next == IPPROTO_HOPOPTS;

	if (hop_by_hop && opt[0] == OPT_JUMBO)
		return jumbo_ok(w, opt, off);
	if (!hop_by_hop || opt[0] != OPT_ROUTER_ALERT)
		return unknown_option_ok(w, opt[0], off);
	if (opt[1] != 2) /* RFC 2711 2.1 */
		MIB_INC(w->st, IP_IN_HDR_ERRORS);
	return opt[1] == 2;
}

/* The options in a header of len bytes at the walk's place; false if the packet must go. */
static bool options_ok(struct walker *w, uint32_t len)
{
	const uint8_t *p = walk_at(w);
	uint32_t i, padded = 0, n, count = 0;
	bool bad = false;

	for (i = 2; i < len && !bad; i += n) {
		n = padding_len(p + i, len - i, &padded, &bad);
		if (n != 0)
			continue;
		padded = 0;
		n = i + 1 < len ? 2u + p[i + 1] : len;
		bad = n > len - i || ++count > MAX_OPTIONS;
		if (!bad && !option_ok(w, p + i, w->off + i))
			return false;
	}
	if (bad)
		MIB_INC(w->st, IP_IN_HDR_ERRORS);
	return !bad;
}

/* Step over a header of len bytes. */
static void walk_step(struct walker *w, uint32_t len)
{
	w->next = *walk_at(w);
	w->nh_off = w->off;
	w->off += len;
	w->hop_by_hop_ok = false;
}

/* Hop-by-hop, destination options, routing: length in eights beyond the first. */
static bool walk_header(struct walker *w)
{
	const uint8_t *p;
	uint32_t len;

	if (!walk_pull(w, 8)) {
		truncated(w);
		return false;
	}
	len = walk_at(w)[1] * 8u + 8;
	if (!walk_pull(w, len)) {
		truncated(w);
		return false;
	}
	p = walk_at(w);
	if (w->next == IPPROTO_ROUTING) {
		/* Segment routing is for whom it is configured. */
		if (p[2] == ROUTING_RPL || p[2] == ROUTING_SRH) {
			MIB_INC(w->st, IP_IN_SRC_ROUTE);
			return false;
		}
		/* RFC 8200 4.4, RFC 5095: only one that is used up; type 0 is dead anyway. */
		if (p[3] != 0) {
			MIB_INC(w->st, IP_IN_SRC_ROUTE);
			w->pkt->l4_off = (uint16_t)w->off;
			w->pkt->l4_len = w->end - w->off;
			icmp6_send_error(w->st, w->pkt, PARAM_PROBLEM, PARAM_HEADER,
					 w->off + 2 - w->pkt->l3_off, w->now);
			return false;
		}
	} else if (!options_ok(w, len)) {
		return false;
	}
	walk_step(w, len);
	return true;
}

static enum walk walk(struct walker *w)
{
	for (;;) {
		switch (w->next) {
		case IPPROTO_HOPOPTS:
			/* RFC 8200 4.1: only right behind the fixed header. */
			if (!w->hop_by_hop_ok)
				return param_problem(w, PARAM_NEXT_HEADER, w->nh_off);
			/* fallthrough */
		case IPPROTO_DSTOPTS:
		case IPPROTO_ROUTING:
			if (!walk_header(w))
				return WALK_DROP;
			break;
		case IPPROTO_FRAGMENT:
			return WALK_FRAGMENT;
		default:
			return WALK_L4;
		}
	}
}

static uint32_t l4_min_len(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
	case IPPROTO_ICMPV6:
		return 8;
	default:
		return 0;
	}
}

/* -- fragments -------------------------------------------------------------------------------- */

/*
 * RFC 7112, RFC 8200 4.5: the first fragment must hold all headers, or filters are blind.
 * A small walk of its own, for the fragment's data is not yet known to be whole.
 * Deviation: where a whole extension header is missing, Linux waits for the next fragment.
 */
static bool chain_is_complete(const struct rte_mbuf *m, uint32_t off, uint32_t end, uint8_t next)
{
	uint8_t buf[2];
	const uint8_t *p;

	for (;;) {
		if (next == IPPROTO_NONE)
			return true;
		if (next != IPPROTO_DSTOPTS && next != IPPROTO_ROUTING && next != IPPROTO_HOPOPTS)
			return end - off >= RTE_MAX(l4_min_len(next), 1u);
		if (end - off < 8)
			return false;
		p = rte_pktmbuf_read(m, off, 2, buf);
		if (p == NULL || p[1] * 8u + 8 > end - off)
			return false;
		off += p[1] * 8u + 8;
		next = p[0];
	}
}

/*
 * Take the fragment header out of the reassembled packet: what came before moves up.
 * nh_off is the place of the byte that named it.
 */
static void drop_frag_header(struct walker *w, uint32_t nh_off, uint8_t ecn)
{
	struct rx_pkt *pkt = w->pkt;
	struct pkt_cb *cb = pkt_cb(pkt->m);
	uint32_t frag_off = cb->off - (uint32_t)sizeof(struct frag_hdr);
	char *start = rte_pktmbuf_mtod_offset(pkt->m, char *, cb->l3_off);
	struct rte_ipv6_hdr *ip;
	uint32_t vtc;

	*rte_pktmbuf_mtod_offset(pkt->m, uint8_t *, nh_off) = w->next;
	memmove(start + sizeof(struct frag_hdr), start, frag_off - cb->l3_off);
	pkt->l3_off = cb->l3_off + (uint16_t)sizeof(struct frag_hdr);
	ip = rte_pktmbuf_mtod_offset(pkt->m, struct rte_ipv6_hdr *, pkt->l3_off);
	ip->payload_len = rte_cpu_to_be_16(
		(uint16_t)(rte_pktmbuf_pkt_len(pkt->m) - pkt->l3_off - sizeof(*ip)));
	vtc = (rte_be_to_cpu_32(ip->vtc_flow) & ~(3u << 20)) | (uint32_t)ecn << 20;
	ip->vtc_flow = rte_cpu_to_be_32(vtc);
	pkt->tos = (uint8_t)(vtc >> 20);
	pkt->ttl = ip->hop_limits;
}

static void frag_problem(struct walker *w, uint32_t off)
{
	param_problem(w, PARAM_HEADER, off);
	rte_pktmbuf_free(w->pkt->m);
}

/* Consumes the fragment; true when pkt is the whole datagram and the walk may go on. */
static bool reassemble(struct walker *w)
{
	struct rx_pkt *pkt = w->pkt;
	struct reass_frag f = { .src = pkt->src,
				.dst = pkt->dst,
				.nif = pkt->nif,
				.l3_off = pkt->l3_off,
				.ecn = pkt->tos & 3 };
	uint32_t nh_off = w->nh_off;
	struct frag_hdr fh;
	uint8_t ecn = f.ecn;

	/* Cut short, or a fragment of a fragment: as Linux. */
	if (w->fragment_seen || !walk_pull(w, sizeof(fh))) {
		frag_problem(w, w->off);
		return false;
	}
	w->fragment_seen = true;
	memcpy(&fh, walk_at(w), sizeof(fh));
	f.off = rte_be_to_cpu_16(fh.off) & 0xfff8u;
	f.more = (fh.off & RTE_BE16(1)) != 0;
	f.id = fh.id;
	f.proto = fh.next;
	f.hdr_len = (uint16_t)(w->off + sizeof(fh) - pkt->l3_off);
	f.len = w->end - w->off - (uint32_t)sizeof(fh);
	if (f.more && f.len % 8 != 0) {
		frag_problem(w, pkt->l3_off + 4u);
		return false;
	}
	if (f.off + f.len > 65535) {
		frag_problem(w, w->off + 2);
		return false;
	}
	if (f.off == 0 && !f.more) {
		/* RFC 6946: an atomic fragment is whole by itself, whatever else has its id. */
		pkt_cb(pkt->m)->flags |= PKT_F_FRAGMENT;
		walk_step(w, sizeof(fh));
		return true;
	}
	if (f.off == 0 &&
	    !chain_is_complete(pkt->m, w->off + (uint32_t)sizeof(fh), w->end, fh.next)) {
		param_problem(w, PARAM_CHAIN, pkt->l3_off);
		rte_pktmbuf_free(pkt->m);
		return false;
	}
	pkt_cb(pkt->m)->l4_off = (uint16_t)nh_off;
	pkt_cb(pkt->m)->proto = fh.next;
	pkt->m = reass_input(w->st, pkt->m, &f, &ecn, w->now);
	if (pkt->m == NULL)
		return false;
	/* The first fragment's headers are the datagram's. */
	nh_off = pkt_cb(pkt->m)->l4_off;
	w->next = pkt_cb(pkt->m)->proto;
	drop_frag_header(w, nh_off, ecn);
	w->off = pkt_cb(pkt->m)->off;
	w->nh_off = nh_off + (uint32_t)sizeof(fh);
	w->end = rte_pktmbuf_pkt_len(pkt->m);
	w->hop_by_hop_ok = false;
	return true;
}

/* -- the way in ----------------------------------------------------------------------------------- */

/* A whole fixed header and all that it promises; trims the link's padding. */
static bool check_header(struct stack *st, struct rte_mbuf *m, uint16_t l3_off)
{
	const struct rte_ipv6_hdr *ip;
	uint32_t len, have;

	if (!pkt_pullup(m, l3_off + (uint32_t)sizeof(*ip))) {
		MIB_INC(st, IP_IN_TRUNCATED);
		return false;
	}
	ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, l3_off);
	if ((ip->vtc_flow & RTE_BE32(0xf0000000)) != RTE_BE32(0x60000000)) {
		MIB_INC(st, IP_IN_HDR_ERRORS);
		return false;
	}
	have = rte_pktmbuf_pkt_len(m) - l3_off;
	/* RFC 2675: a length of zero means "see the option", if there may be one. */
	if (ip->payload_len == 0 && ip->proto == IPPROTO_HOPOPTS)
		return true;
	len = rte_be_to_cpu_16(ip->payload_len) + (uint32_t)sizeof(*ip);
	if (len > have) {
		MIB_INC(st, IP_IN_TRUNCATED);
		return false;
	}
	if (len < have)
		pkt_trim_to(m, l3_off + len);
	return true;
}

static bool addresses_ok(struct stack *st, struct rx_pkt *pkt)
{
	enum addr_class class;

	if (ipaddr_is_v4(&pkt->src) || ipaddr_is_v4(&pkt->dst) || ipaddr_is_multicast(&pkt->src))
		return false;
	class = addr_classify(st, pkt->nif, &pkt->dst);
	if (class == ADDR_FOREIGN)
		return false;
	pkt->multicast = class != ADDR_OURS || (pkt_cb(pkt->m)->flags & PKT_F_MULTICAST) != 0;
	if (pkt->local)
		return true;
	/* RFC 4291 2.5.2, 2.5.3: :: only asks (ND, MLD), ::1 never leaves a host. */
	if (ipaddr_is_any(&pkt->src))
		return class != ADDR_OURS;
	return !ipaddr_is_loopback(&pkt->src) && !ip_addr_is_ours(st, &pkt->src);
}

static void deliver(struct walker *w)
{
	struct rx_pkt *pkt = w->pkt;
	struct pkt_cb *cb = pkt_cb(pkt->m);

	pkt->proto = w->next;
	pkt->l4_len = w->end - w->off;
	if (pkt->l4_len < l4_min_len(pkt->proto) ||
	    !walk_pull(w, RTE_MIN(pkt->l4_len, (uint32_t)L4_PULLUP))) {
		MIB_INC(w->st, IP_IN_TRUNCATED);
		rte_pktmbuf_free(pkt->m);
		return;
	}
	pkt->l4_off = (uint16_t)w->off;
	pkt->nh_off = (uint16_t)(w->nh_off - pkt->l3_off);
	if (ipaddr_is_any(&pkt->src) && pkt->proto != IPPROTO_ICMPV6) {
		MIB_INC(w->st, IP_IN_ADDR_ERRORS);
		rte_pktmbuf_free(pkt->m);
		return;
	}
	cb->l3_off = pkt->l3_off;
	cb->l4_off = pkt->l4_off;
	cb->off = pkt->l4_off;
	cb->seq = 0;
	cb->len = pkt->l4_len;
	cb->ttl = pkt->ttl;
	cb->tos = pkt->tos;
	cb->proto = pkt->proto;
	ip_deliver(w->st, pkt, w->now);
}

void ip6_input(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint16_t l3_off, bool local,
	       uint64_t now)
{
	struct rx_pkt pkt = { .m = m, .nif = nif, .l3_off = l3_off, .local = local };
	struct walker w = { .st = st, .pkt = &pkt, .hop_by_hop_ok = true, .now = now };
	const struct rte_ipv6_hdr *ip;
	enum walk result;

	MIB_INC(st, IP_IN_RECEIVES);
	if (unlikely(!check_header(st, m, l3_off))) {
		rte_pktmbuf_free(m);
		return;
	}
	ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, l3_off);
	memcpy(pkt.src.b, ip->src_addr, 16);
	memcpy(pkt.dst.b, ip->dst_addr, 16);
	pkt.ttl = ip->hop_limits;
	pkt.tos = (uint8_t)(rte_be_to_cpu_32(ip->vtc_flow) >> 20);
	pkt.proto = w.next = ip->proto;
	if (unlikely(!addresses_ok(st, &pkt))) {
		MIB_INC(st, IP_IN_ADDR_ERRORS);
		rte_pktmbuf_free(m);
		return;
	}
	w.off = l3_off + (uint32_t)sizeof(*ip);
	w.nh_off = l3_off + (uint32_t)offsetof(struct rte_ipv6_hdr, proto);
	w.end = rte_pktmbuf_pkt_len(m);
	while ((result = walk(&w)) == WALK_FRAGMENT)
		if (!reassemble(&w))
			return;
	if (result == WALK_DROP)
		rte_pktmbuf_free(pkt.m);
	else
		deliver(&w);
}
