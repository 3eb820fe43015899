/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * igmp.c - IGMPv3 messages (RFC 3376), and version 2's while such a querier is about
 * (RFC 3376 7.2.1).
 */
#include "stack/net/net_priv.h"

#define IGMP_QUERY	  0x11
#define IGMP2_REPORT	  0x16
#define IGMP2_LEAVE	  0x17
#define IGMP3_REPORT	  0x22
#define IGMP3_QUERY_LEN	  12 /* without sources */
#define OLDER_QUERIER	  (260 * NSEC_PER_SEC) /* RFC 3376 8.12: 2 * 125 s + 10 s */
#define ALL_ROUTERS	  RTE_BE32(0xe0000002) /* 224.0.0.2 */
#define ALL_IGMP3_ROUTERS RTE_BE32(0xe0000016) /* 224.0.0.22 */

struct igmp_msg {
	uint8_t type, code;
	uint16_t checksum;
	uint32_t group;
} __attribute__((packed));

struct igmp3_report {
	uint8_t type, reserved;
	uint16_t checksum;
	uint16_t reserved2, nrecords;
	uint8_t record, auxlen;
	uint16_t nsources;
	uint32_t group;
} __attribute__((packed));

struct ip4_alert {
	struct rte_ipv4_hdr ip;
	uint8_t option[4];
} __attribute__((packed));

/* m is an IGMP message with its checksum zero: TTL 1, router alert (RFC 3376 4). */
static void igmp_send(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint32_t dst,
		      uint64_t now)
{
	struct ipaddr group = ipaddr_from_v4(dst);
	const struct ifaddr *src = ifaddr_select(st, nif, &group, now);
	struct igmp_msg *msg = rte_pktmbuf_mtod(m, struct igmp_msg *);
	struct ip4_alert *h;
	uint8_t mac[6];

	msg->checksum = (uint16_t)~pkt_sum(m, 0, rte_pktmbuf_pkt_len(m));
	h = pkt_push(st, m, sizeof(*h));
	if (h == NULL)
		return;
	memset(h, 0, sizeof(*h));
	h->ip.version_ihl = 0x46;
	h->ip.type_of_service = 0xc0;
	h->ip.total_length = rte_cpu_to_be_16((uint16_t)rte_pktmbuf_pkt_len(m));
	h->ip.time_to_live = 1;
	h->ip.next_proto_id = IPPROTO_IGMP;
	h->ip.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	h->ip.src_addr = src != NULL ? ipaddr_to_v4(&src->addr) : 0;
	h->ip.dst_addr = dst;
	h->option[0] = 148;
	h->option[1] = 4;
	h->ip.hdr_checksum = (uint16_t)~pkt_sum(m, 0, sizeof(*h));
	mcast_mac(&group, mac);
	eth_output(st, nif, m, mac, RTE_ETHER_TYPE_IPV4, now);
}

static void send_v2(struct stack *st, const struct mcast_report *r, uint64_t now)
{
	struct igmp_msg *msg;
	struct rte_mbuf *m = pkt_alloc_data(st, sizeof(*msg), (void **)&msg);

	if (m == NULL)
		return;
	memset(msg, 0, sizeof(*msg));
	msg->type = r->left ? IGMP2_LEAVE : IGMP2_REPORT;
	msg->group = ipaddr_to_v4(r->group);
	/* A leave goes to all routers, a report to the group itself. */
	igmp_send(st, r->nif, m, r->left ? ALL_ROUTERS : msg->group, now);
}

void igmp_send_report(struct stack *st, const struct mcast_report *report, uint64_t now)
{
	unsigned int n = report->sources->n, i;
	uint16_t len = (uint16_t)(sizeof(struct igmp3_report) + n * sizeof(uint32_t));
	struct igmp3_report *r;
	struct rte_mbuf *m;
	uint32_t source;

	if (now < st->net.igmp2_until) {
		send_v2(st, report, now);
		return;
	}
	m = pkt_alloc_data(st, len, (void **)&r);
	if (m == NULL)
		return;
	memset(r, 0, len);
	r->type = IGMP3_REPORT;
	r->nrecords = RTE_BE16(1);
	r->record = (uint8_t)report->type;
	r->nsources = rte_cpu_to_be_16((uint16_t)n);
	r->group = ipaddr_to_v4(report->group);
	for (i = 0; i < n; i++) {
		source = ipaddr_to_v4(&report->sources->sources[i]);
		memcpy((char *)(r + 1) + i * sizeof(source), &source, sizeof(source));
	}
	igmp_send(st, report->nif, m, ALL_IGMP3_ROUTERS, now);
}

/* The sources of a version 3 query (RFC 3376 4.1); too many count as none: all is told. */
static void query_sources(const struct rx_pkt *pkt, struct mcast_filter *out)
{
	uint16_t n, i;
	uint32_t source;

	out->n = 0;
	if (pkt->l4_len < IGMP3_QUERY_LEN ||
	    !pkt_read(pkt->m, pkt->l4_off + 10u, sizeof(n), &n))
		return;
	n = rte_be_to_cpu_16(n);
	if (n > MCAST_FILTER_MAX || pkt->l4_len < IGMP3_QUERY_LEN + n * sizeof(source))
		return;
	for (i = 0; i < n; i++) {
		if (!pkt_read(pkt->m, pkt->l4_off + IGMP3_QUERY_LEN + i * (uint32_t)sizeof(source),
			      sizeof(source), &source))
			break;
		out->sources[out->n++] = ipaddr_from_v4(source);
	}
}

/* RFC 3376 4.1.1: above 127 a float of four bits mantissa; tenths of a second. */
static uint64_t max_response(uint8_t code)
{
	uint64_t tenths = code;

	if (code >= 128)
		tenths = (uint64_t)((code & 0xf) | 0x10) << (((code >> 4) & 7) + 3);
	return tenths * 100 * NSEC_PER_MSEC;
}

void igmp_input(struct stack *st, const struct rx_pkt *pkt, uint64_t now)
{
	struct mcast_filter sources = { .include = true };
	struct igmp_msg msg;
	struct ipaddr group;

	if (pkt->local)
		return;
	if (pkt_sum(pkt->m, pkt->l4_off, pkt->l4_len) != 0xffff) {
		MIB_INC(st, ICMP_IN_CSUM_ERRORS);
		return;
	}
	memcpy(&msg, rte_pktmbuf_mtod_offset(pkt->m, const void *, pkt->l4_off), sizeof(msg));
	if (msg.type != IGMP_QUERY)
		return; /* others' reports: since version 3 they are not for hosts */
	/* A query of eight bytes comes from an older querier; version 1's has no time in it. */
	if (pkt->l4_len == sizeof(msg)) {
		st->net.igmp2_until = now + OLDER_QUERIER;
		if (msg.code == 0)
			msg.code = 100;
	}
	group = ipaddr_from_v4(msg.group);
	query_sources(pkt, &sources);
	mcast_query(st, pkt->nif, &group, &sources, true, max_response(msg.code), now);
}
