/* SPDX-License-Identifier: BSD-3-Clause */
/* tso.c - see tso.h. */
#include <string.h>

#include <rte_mbuf.h>

#include "shim/netif.h"
#include "test/wire/fail.h"
#include "test/wire/frame.h"
#include "test/wire/tso.h"

static uint32_t header_len(const struct rte_mbuf *m)
{
	return m->l2_len + m->l3_len + (uint32_t)m->l4_len;
}

static void check_lengths(const struct netif *nif, const struct rte_mbuf *m, const uint8_t *bytes,
			  uint32_t len)
{
	uint32_t max = ETH_HLEN + (uint32_t)nif->mtu + (nif->vlan != 0 ? 4 : 0),
		 hdrs = header_len(m);
	bool v6 = (m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0;
	const uint8_t *ip = bytes + m->l2_len;

	must(m->l2_len == frame_eth_len(bytes), "TSO: l2_len %u", m->l2_len);
	must(ip[0] >> 4 == (v6 ? 6 : 4) && m->l3_len == (v6 ? 40 : 4 * (ip[0] & 15)),
	     "TSO: l3_len %u", m->l3_len);
	must(m->l4_len == 4 * (ip[m->l3_len + 12] >> 4), "TSO: l4_len %u", m->l4_len);
	must(m->data_len >= hdrs, "TSO: the headers are in pieces");
	must(m->tso_segsz > 0 && hdrs + m->tso_segsz <= max && len > hdrs + m->tso_segsz,
	     "TSO: %u bytes in segments of %u", len - hdrs, m->tso_segsz);
	must(m->nb_segs <= nif->tso_segs, "TSO: %u pieces on a port that takes %u", m->nb_segs,
	     nif->tso_segs);
	must(frame_get16(ip + (v6 ? 4 : 2)) == len - m->l2_len - (v6 ? 40 : 0),
	     "TSO: the IP length");
}

void tso_check(const struct netif *nif, const struct rte_mbuf *m, const uint8_t *bytes,
	       uint32_t len)
{
	const uint8_t *ip = bytes + m->l2_len, *tcp = ip + m->l3_len;
	bool v6 = (m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0;
	uint32_t sum = 6; /* the protocol */

	must(nif->caps & NETIF_TX_TSO, "TSO was asked of a port without it");
	must(v6 == !(m->ol_flags & RTE_MBUF_F_TX_IPV4), "TSO: IPv4 or IPv6?");
	check_lengths(nif, m, bytes, len);
	must(v6 || !(nif->caps & NETIF_TX_IP4_CSUM) == !(m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM),
	     "TSO: IP checksum");
	must(!(tcp[13] & (TCP_CWR | TCP_URG)), "TSO: CWR or URG on more than one segment");
	/* The pseudo header's sum without the length, which differs from piece to piece. */
	sum = frame_csum_add(sum, ip + (v6 ? 8 : 12), v6 ? 32 : 8);
	must((frame_get16(tcp + 16) ^ frame_csum_fold(sum)) == 0xffff,
	     "TSO: 0x%04x is not the pseudo header's sum", frame_get16(tcp + 16));
}

/* The same headers, but for lengths, identification, sequence number and flags. */
uint32_t tso_cut(const struct rte_mbuf *m, const uint8_t *bytes, uint32_t len, uint32_t i,
		 uint8_t *out)
{
	uint32_t hdrs = header_len(m), off = hdrs + i * m->tso_segsz, n;
	uint8_t *ip = out + m->l2_len, *tcp = ip + m->l3_len;

	if (off >= len)
		return 0;
	n = len - off < m->tso_segsz ? len - off : m->tso_segsz;
	memcpy(out, bytes, hdrs);
	memcpy(out + hdrs, bytes + off, n);
	if (m->ol_flags & RTE_MBUF_F_TX_IPV4) {
		frame_put16(ip + 2, (uint16_t)(hdrs + n - m->l2_len));
		frame_put16(ip + 4, (uint16_t)(frame_get16(ip + 4) + i));
	} else {
		frame_put16(ip + 4, (uint16_t)(m->l4_len + n));
	}
	frame_put32(tcp + 4, frame_get32(tcp + 4) + off - hdrs);
	if (off + n < len)
		tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	frame_fill_csums(out, hdrs + n);
	return hdrs + n;
}

/* -- receiving ------------------------------------------------------------------------ */

/* A whole data segment with nothing special about it. */
static bool is_plain(const uint8_t *frame, uint32_t len, struct frame_info *info)
{
	return frame_parse(frame, len, info) && info->is_tcp && !info->fragment &&
	       info->ip_csum_ok && info->l4_csum_ok && info->tcp.len > 0 &&
	       !(info->tcp.flags & ~(TCP_ACK | TCP_PSH)) && (info->tcp.flags & TCP_ACK);
}

/* The same but for lengths, identification, number, PSH and checksums. */
static bool is_same_flow(const uint8_t *a, const struct frame_info *i, const uint8_t *b,
			 const struct frame_info *k)
{
	const uint8_t *ta = a + i->l4_off, *tb = b + k->l4_off;

	return i->l4_off == k->l4_off && i->v6 == k->v6 && i->tos == k->tos && i->ttl == k->ttl &&
	       memcmp(a, b, i->ip_off) == 0 &&
	       memcmp(a + i->ip_off + (i->v6 ? 8 : 12), b + k->ip_off + (i->v6 ? 8 : 12),
		      i->v6 ? 32 : 8) == 0 &&
	       memcmp(ta, tb, 4) == 0 && memcmp(ta + 8, tb + 8, 5) == 0 &&
	       memcmp(ta + 14, tb + 14, 2) == 0 && i->tcp.optlen == k->tcp.optlen &&
	       memcmp(ta + 20, tb + 20, i->tcp.optlen) == 0;
}

bool lro_join(uint8_t *frame, uint32_t *len, uint32_t *segsz, const uint8_t *next,
	      uint32_t next_len)
{
	struct frame_info i, k;
	uint32_t end;

	if (!is_plain(frame, *len, &i) || !is_plain(next, next_len, &k) ||
	    (i.tcp.flags & TCP_PSH) || !is_same_flow(frame, &i, next, &k) ||
	    k.tcp.seq != i.tcp.seq + i.tcp.len)
		return false;
	if (*segsz == 0)
		*segsz = i.tcp.len;
	/* A short one ends it; and the IP length has 16 bits. */
	end = i.l4_off + i.l4_len;
	if (i.tcp.len % *segsz != 0 || k.tcp.len > *segsz || end - i.ip_off + k.tcp.len > 65535)
		return false;
	memcpy(frame + end, k.tcp.data, k.tcp.len);
	*len = end + k.tcp.len;
	frame_put16(frame + i.ip_off + (i.v6 ? 4 : 2),
		    (uint16_t)(*len - i.ip_off - (i.v6 ? 40 : 0)));
	frame[i.l4_off + 13] |= k.tcp.flags;
	frame_fill_csums(frame, *len);
	return true;
}
