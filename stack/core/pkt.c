/* SPDX-License-Identifier: BSD-3-Clause */
/* pkt.c - packets as rte_mbuf chains: allocate, copy, pull up, trim, sum. */
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "stack/core/stack_priv.h"

struct rte_mbuf *pkt_alloc(struct stack *st)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(st->cfg.mbufs);

	if (unlikely(m == NULL)) {
		MIB_INC(st, PKT_NOMEM);
		return NULL;
	}
	memset(pkt_cb(m), 0, sizeof(struct pkt_cb));
	m->data_off = PKT_HEADROOM;
	return m;
}

struct rte_mbuf *pkt_alloc_data(struct stack *st, uint16_t len, void **data)
{
	struct rte_mbuf *m = pkt_alloc(st);

	if (m == NULL)
		return NULL;
	*data = rte_pktmbuf_append(m, len);
	if (*data != NULL)
		return m;
	MIB_INC(st, PKT_NOMEM);
	rte_pktmbuf_free(m);
	return NULL;
}

bool pkt_is_shared(const struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		if (rte_mbuf_refcnt_read(m) > 1)
			return true;
	return false;
}

/* One segment more for a copy: as much of src's data from *off on as fits, at most len. */
static struct rte_mbuf *copy_segment(struct stack *st, const struct rte_mbuf **src, uint32_t *off,
				     uint32_t len)
{
	struct rte_mbuf *m = pkt_alloc(st);
	uint32_t n;

	if (m == NULL)
		return NULL;
	while (len > 0 && rte_pktmbuf_tailroom(m) > 0 && *src != NULL) {
		n = RTE_MIN(len, (*src)->data_len - *off);
		n = RTE_MIN(n, rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_mtod_offset(m, char *, m->data_len),
		       rte_pktmbuf_mtod_offset(*src, const char *, *off), n);
		m->data_len += (uint16_t)n;
		m->pkt_len += n;
		len -= n;
		*off += n;
		if (*off == (*src)->data_len) {
			*src = (*src)->next;
			*off = 0;
		}
	}
	return m;
}

struct rte_mbuf *pkt_copy(struct stack *st, const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	struct rte_mbuf *head = NULL, *last = NULL, *seg;
	uint32_t left = len;

	while (m != NULL && off >= m->data_len) {
		off -= m->data_len;
		m = m->next;
	}
	do {
		seg = copy_segment(st, &m, &off, left);
		if (seg == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		left -= seg->data_len;
		if (head == NULL) {
			head = seg;
		} else {
			last->next = seg;
			head->nb_segs++;
			head->pkt_len += seg->data_len;
		}
		last = seg;
	} while (left > 0 && m != NULL);
	return head;
}

struct rte_mbuf *pkt_unshare(struct stack *st, struct rte_mbuf *m)
{
	struct rte_mbuf *copy;

	if (!pkt_is_shared(m))
		return m;
	copy = pkt_copy(st, m, 0, rte_pktmbuf_pkt_len(m));
	if (copy != NULL) {
		memcpy(pkt_cb(copy), pkt_cb(m), sizeof(struct pkt_cb));
		pkt_cb(copy)->qnext = NULL;
		pkt_cb(copy)->owner = PKT_STACK;
		copy->ol_flags = m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
		copy->packet_type = m->packet_type;
		copy->tx_offload = m->tx_offload;
	}
	rte_pktmbuf_free(m);
	return copy;
}

bool pkt_pullup_slow(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *seg;
	uint32_t n;

	if (len > rte_pktmbuf_pkt_len(m) || len > m->data_len + (uint32_t)rte_pktmbuf_tailroom(m))
		return false;
	while (m->data_len < len) {
		seg = m->next;
		n = RTE_MIN((uint32_t)seg->data_len, len - m->data_len);
		memcpy(rte_pktmbuf_mtod_offset(m, char *, m->data_len),
		       rte_pktmbuf_mtod(seg, const char *), n);
		m->data_len += (uint16_t)n;
		seg->data_off += (uint16_t)n;
		seg->data_len -= (uint16_t)n;
		if (seg->data_len == 0) {
			m->next = seg->next;
			m->nb_segs--;
			rte_pktmbuf_free_seg(seg);
		}
	}
	return true;
}

void pkt_trim_to(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *seg = m;
	uint32_t left = len;
	uint16_t nsegs = 1;

	if (len >= rte_pktmbuf_pkt_len(m))
		return;
	m->pkt_len = len;
	while (seg->data_len < left) {
		left -= seg->data_len;
		seg = seg->next;
		nsegs++;
	}
	seg->data_len = (uint16_t)left;
	if (seg->next != NULL) {
		rte_pktmbuf_free(seg->next);
		seg->next = NULL;
	}
	m->nb_segs = nsegs;
}

/*
 * Sum 16-bit words in native order, as wider words: one's complement addition does not care
 * where the carries are collected (RFC 1071 2).  32 bytes a step; 1460 bytes take some 60
 * cycles with SSE2, twice that in plain C.
 */
#ifdef __SSE2__
static uint64_t sum_blocks(const uint8_t *p, uint32_t len)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i a = zero, b = zero, x, y;
	uint64_t halves[2];

	for (; len >= 32; len -= 32, p += 32) {
		x = _mm_loadu_si128((const __m128i *)(const void *)p);
		y = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));
		a = _mm_add_epi64(
			a, _mm_add_epi64(_mm_unpacklo_epi32(x, zero), _mm_unpackhi_epi32(x, zero)));
		b = _mm_add_epi64(
			b, _mm_add_epi64(_mm_unpacklo_epi32(y, zero), _mm_unpackhi_epi32(y, zero)));
	}
	_mm_storeu_si128((__m128i *)(void *)halves, _mm_add_epi64(a, b));
	return halves[0] + halves[1];
}
#else
static uint64_t sum_blocks(const uint8_t *p, uint32_t len)
{
	uint64_t a = 0, b = 0, w[4];

	for (; len >= 32; len -= 32, p += 32) {
		memcpy(w, p, 32);
		a += (w[0] & 0xffffffff) + (w[1] & 0xffffffff) + (w[2] & 0xffffffff) +
		     (w[3] & 0xffffffff);
		b += (w[0] >> 32) + (w[1] >> 32) + (w[2] >> 32) + (w[3] >> 32);
	}
	return a + b;
}
#endif

static uint64_t sum_bytes(const uint8_t *p, uint32_t len)
{
	uint64_t sum = sum_blocks(p, len), tail = 0;
	uint32_t v;

	p += len & ~31u;
	for (len &= 31; len >= 4; len -= 4, p += 4) {
		memcpy(&v, p, 4);
		sum += v;
	}
	memcpy(&tail, p, len); /* the odd byte is padded with zero behind it */
	return sum + tail;
}

static uint16_t fold16(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t pkt_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint64_t total = 0;
	bool odd = false;
	uint16_t part;
	uint32_t n;

	for (; m != NULL && off >= m->data_len; m = m->next)
		off -= m->data_len;
	for (; m != NULL && len > 0; m = m->next, off = 0) {
		n = RTE_MIN(len, m->data_len - off);
		part = fold16(sum_bytes(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n));
		/* A segment that starts at an odd offset has its bytes the other way round. */
		total += odd ? rte_bswap16(part) : part;
		odd ^= n & 1;
		len -= n;
	}
	return fold16(total);
}
