/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mld.c - MLDv2 messages (RFC 3810), and version 1's while such a querier is about
 * (RFC 3810 8.2.1).
 */
#include "stack/net/net_priv.h"

#define MLD1_REPORT    131
#define MLD1_DONE      132
#define MLD2_REPORT    143
#define MLD1_LEN       24
#define MLD2_QUERY_MIN 28
#define OLDER_QUERIER  (260 * NSEC_PER_SEC)

struct mld1_msg {
	uint8_t type, code;
	uint16_t checksum;
	uint16_t delay, reserved;
	uint8_t group[16];
} __attribute__((packed));

struct mld2_report {
	uint8_t type, reserved;
	uint16_t checksum;
	uint16_t reserved2, nrecords;
	uint8_t record, auxlen;
	uint16_t nsources;
	uint8_t group[16];
} __attribute__((packed));

struct ip6_alert {
	struct rte_ipv6_hdr ip;
	uint8_t hbh[8];
} __attribute__((packed));

/* RFC 3810 5: hop limit 1, router alert, from a link-local address or :: */
static void mld_send(struct stack *st, struct netif *nif, struct rte_mbuf *m,
		     const struct ipaddr *dst, uint64_t now)
{
	static const uint8_t alert[8] = { IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	struct ipaddr src = nd_link_local(nif);
	uint32_t len = rte_pktmbuf_pkt_len(m), sum;
	struct ip6_alert *h;
	uint16_t csum;
	uint8_t mac[6];

	if (!ip_addr_is_ours(st, &src))
		memset(&src, 0, sizeof(src));
	sum = pkt_sum(m, 0, len) + ip_phdr_sum(&src, dst, IPPROTO_ICMPV6, len);
	csum = (uint16_t)~csum_fold(sum);
	memcpy(rte_pktmbuf_mtod_offset(m, char *, 2), &csum, sizeof(csum));
	h = pkt_push(st, m, sizeof(*h));
	if (h == NULL)
		return;
	h->ip.vtc_flow = RTE_BE32(0x60000000);
	h->ip.payload_len = rte_cpu_to_be_16((uint16_t)(len + sizeof(h->hbh)));
	h->ip.proto = IPPROTO_HOPOPTS;
	h->ip.hop_limits = 1;
	memcpy(h->ip.src_addr, src.b, 16);
	memcpy(h->ip.dst_addr, dst->b, 16);
	memcpy(h->hbh, alert, sizeof(alert));
	mcast_mac(dst, mac);
	eth_output(st, nif, m, mac, RTE_ETHER_TYPE_IPV6, now);
}

static void send_v1(struct stack *st, const struct mcast_report *r, uint64_t now)
{
	static const struct ipaddr all_routers = { .b = { 0xff, 0x02, [15] = 2 } };
	struct mld1_msg *msg;
	struct rte_mbuf *m = pkt_alloc_data(st, sizeof(*msg), (void **)&msg);

	if (m == NULL)
		return;
	memset(msg, 0, sizeof(*msg));
	msg->type = r->left ? MLD1_DONE : MLD1_REPORT;
	memcpy(msg->group, r->group->b, 16);
	mld_send(st, r->nif, m, r->left ? &all_routers : r->group, now);
}

void mld_send_report(struct stack *st, const struct mcast_report *report, uint64_t now)
{
	static const struct ipaddr all_mld2_routers = { .b = { 0xff, 0x02, [15] = 0x16 } };
	unsigned int n = report->sources->n, i;
	uint16_t len = (uint16_t)(sizeof(struct mld2_report) + n * 16);
	struct mld2_report *r;
	struct rte_mbuf *m;

	if (now < st->net.mld1_until) {
		send_v1(st, report, now);
		return;
	}
	m = pkt_alloc_data(st, len, (void **)&r);
	if (m == NULL)
		return;
	memset(r, 0, len);
	r->type = MLD2_REPORT;
	r->nrecords = RTE_BE16(1);
	r->record = (uint8_t)report->type;
	r->nsources = rte_cpu_to_be_16((uint16_t)n);
	memcpy(r->group, report->group->b, 16);
	for (i = 0; i < n; i++)
		memcpy((char *)(r + 1) + i * 16, report->sources->sources[i].b, 16);
	mld_send(st, report->nif, m, &all_mld2_routers, now);
}

/* RFC 3810 5.1.3: above 32767 a float of twelve bits mantissa; milliseconds. */
static uint64_t max_response(uint16_t code)
{
	uint64_t ms = code;

	if (code >= 32768)
		ms = (uint64_t)((code & 0xfff) | 0x1000) << (((code >> 12) & 7) + 3);
	return ms * NSEC_PER_MSEC;
}

/* The sources of a version 2 query (RFC 3810 5.1); too many count as none: all is told. */
static void query_sources(const struct rx_pkt *pkt, struct mcast_filter *out)
{
	uint16_t n, i;

	out->n = 0;
	if (pkt->l4_len < MLD2_QUERY_MIN || !pkt_read(pkt->m, pkt->l4_off + 26u, sizeof(n), &n))
		return;
	n = rte_be_to_cpu_16(n);
	if (n > MCAST_FILTER_MAX || pkt->l4_len < MLD2_QUERY_MIN + n * 16u)
		return;
	for (i = 0; i < n; i++) {
		if (!pkt_read(pkt->m, pkt->l4_off + MLD2_QUERY_MIN + i * 16u, 16,
			      out->sources[i].b))
			break;
		out->n++;
	}
}

void mld_query_input(struct stack *st, const struct rx_pkt *pkt, const uint8_t *msg, uint32_t len,
		     uint64_t now)
{
	struct mcast_filter sources = { .include = true };
	struct ipaddr group;
	uint16_t code;

	/* RFC 3810 6.2: only from a link-local address, with hop limit 1. */
	if (pkt->ttl != 1 || !ipaddr_is_linklocal(&pkt->src) ||
	    (len != MLD1_LEN && len < MLD2_QUERY_MIN)) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	if (len == MLD1_LEN)
		st->net.mld1_until = now + OLDER_QUERIER;
	memcpy(&code, msg + 4, sizeof(code));
	memcpy(group.b, msg + 8, sizeof(group.b));
	query_sources(pkt, &sources);
	mcast_query(st, pkt->nif, &group, &sources, false, max_response(rte_be_to_cpu_16(code)), now);
}
