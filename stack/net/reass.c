/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reass.c - reassembly of fragments, IPv4 (RFC 791 3.2) and IPv6 (RFC 8200 4.5).
 *
 * Fragments of a datagram are kept sorted by offset.  One that overlaps another kills
 * the datagram (RFC 5722; for IPv4 as Linux does); one that brings nothing new, all of its
 * bytes being here, is a repetition and ignored, also as Linux does.
 * When the last hole is filled the payloads are chained behind the first fragment.
 *
 * Limits: REASS_MAX datagrams, REASS_MAX_FRAGS mbufs and no more than a quarter of the
 * pool; the oldest datagram makes room.  After REASS_TIME a datagram is given up, and
 * its sender told if we have seen its first fragment (RFC 792, RFC 4443 3.3).
 */
#include "stack/net/net_priv.h"

#define REASS4_TIME	       (30 * NSEC_PER_SEC) /* Linux's ipfrag_time */
#define REASS6_TIME	       (60 * NSEC_PER_SEC) /* RFC 8200 4.5 */
#define REASS_MAX_PER_DATAGRAM 256
#define REASS_MAX_LEN	       65535u

#define IP6_FRAG_HLEN 8u /* the fragment header, which goes */

#define ECN_NOT_ECT 0
#define ECN_CE	    3

int reass_init(struct stack *st)
{
	return pool_init(&st->net.reass.pool, &st->arena, sizeof(struct reass), REASS_MAX);
}

static struct reass *reass_find(struct stack *st, const struct reass_frag *f)
{
	struct reass *r;

	for (r = st->net.reass.newest; r != NULL; r = r->older)
		if (r->id == f->id && ipaddr_equal(&r->src, &f->src) &&
		    ipaddr_equal(&r->dst, &f->dst) && r->nif == f->nif &&
		    (r->proto == f->proto || !ipaddr_is_v4(&f->dst)))
			return r;
	return NULL;
}

/* Forget r; its fragments are the caller's. */
static void reass_delete(struct stack *st, struct reass *r)
{
	struct reass_table *t = &st->net.reass;

	timer_cancel(&st->wheel, &r->timer);
	*(r->older != NULL ? &r->older->newer : &t->oldest) = r->newer;
	*(r->newer != NULL ? &r->newer->older : &t->newest) = r->older;
	t->nfrags -= r->nfrags;
	pool_free(&t->pool, r);
}

static void free_frags(struct rte_mbuf *m)
{
	struct rte_mbuf *next;

	for (; m != NULL; m = next) {
		next = pkt_cb(m)->qnext;
		rte_pktmbuf_free(m);
	}
}

static void reass_fail(struct stack *st, struct reass *r)
{
	MIB_INC(st, IP_REASM_FAILS);
	free_frags(r->head);
	reass_delete(st, r);
}

static struct reass *reass_create(struct stack *st, const struct reass_frag *f, uint64_t now)
{
	struct reass_table *t = &st->net.reass;
	struct reass *r;

	if (t->pool.used == t->pool.max)
		reass_fail(st, t->oldest);
	r = pool_alloc(&t->pool);
	r->src = f->src;
	r->dst = f->dst;
	r->nif = f->nif;
	r->id = f->id;
	r->proto = f->proto;
	timer_init(&r->timer, TIMER_REASS);
	timer_arm(&st->wheel, &r->timer, now + (ipaddr_is_v4(&f->dst) ? REASS4_TIME : REASS6_TIME));
	r->older = t->newest;
	*(t->newest != NULL ? &t->newest->newer : &t->oldest) = r;
	t->newest = r;
	return r;
}

/* Make room for n mbufs more, from the oldest on; r itself stays. */
static bool make_room(struct stack *st, const struct reass *r, uint32_t n)
{
	struct reass_table *t = &st->net.reass;
	uint32_t max = RTE_MIN((uint32_t)REASS_MAX_FRAGS, st->cfg.mbufs->size / 4);

	while (t->nfrags + n > max) {
		if (t->oldest == r)
			return false;
		reass_fail(st, t->oldest);
	}
	return true;
}

/* Does the end of f agree with what is known of the datagram's end? */
static bool end_is_consistent(struct reass *r, const struct reass_frag *f)
{
	uint32_t end = f->off + f->len;

	if (f->more)
		return r->total == 0 || end < r->total;
	if (r->total != 0)
		return end == r->total;
	return r->tail == NULL || pkt_cb(r->tail)->end_seq <= end;
}

enum place { PLACED, DUPLICATE, OVERLAP };

/* Are all bytes of [start, end) here already?  Fragments from next on, next the first beyond start. */
static bool is_covered(const struct rte_mbuf *prev, const struct rte_mbuf *next, uint32_t start,
		       uint32_t end)
{
	const struct rte_mbuf *m = prev;
	uint32_t pos = start;

	if (m != NULL && pkt_cb(m)->end_seq > pos)
		pos = pkt_cb(m)->end_seq;
	for (m = next; m != NULL && pkt_cb(m)->seq == pos && pos < end; m = pkt_cb(m)->qnext)
		pos = pkt_cb(m)->end_seq;
	return pos >= end;
}

static enum place insert(struct reass *r, struct rte_mbuf *m, uint32_t start, uint32_t end)
{
	struct rte_mbuf *prev = NULL, *next = r->head;

	/* Most arrive in order. */
	if (r->tail != NULL && pkt_cb(r->tail)->end_seq <= start) {
		prev = r->tail;
		next = NULL;
	}
	while (next != NULL && pkt_cb(next)->seq < start) {
		prev = next;
		next = pkt_cb(next)->qnext;
	}
	if (is_covered(prev, next, start, end))
		return DUPLICATE;
	if ((prev != NULL && pkt_cb(prev)->end_seq > start) ||
	    (next != NULL && pkt_cb(next)->seq < end))
		return OVERLAP;
	pkt_cb(m)->qnext = next;
	if (prev != NULL)
		pkt_cb(prev)->qnext = m;
	else
		r->head = m;
	if (next == NULL)
		r->tail = m;
	return PLACED;
}

/*
 * RFC 3168 5.3: CE if any fragment was marked; but one that is not ECN-capable among others
 * that are (which Linux takes for marked ones, too) makes the datagram void.
 */
static bool ecn_of_whole(uint8_t seen, uint8_t first, uint8_t *ecn)
{
	*ecn = (seen & 1u << ECN_CE) != 0 ? ECN_CE : first;
	return (seen & 1u << ECN_NOT_ECT) == 0 || seen == 1u << ECN_NOT_ECT;
}

/* All there: chain the payloads behind the first fragment. */
static struct rte_mbuf *assemble(struct stack *st, struct reass *r)
{
	struct rte_mbuf *head = r->head, *last, *m, *next;

	for (m = pkt_cb(head)->qnext; m != NULL; m = next) {
		next = pkt_cb(m)->qnext;
		rte_pktmbuf_adj(m, pkt_cb(m)->off);
		last = rte_pktmbuf_lastseg(head);
		last->next = m;
		head->nb_segs += m->nb_segs;
		head->pkt_len += m->pkt_len;
	}
	pkt_cb(head)->qnext = NULL;
	pkt_cb(head)->flags |= PKT_F_FRAGMENT;
	/* What the link said of the first fragment's checksum is not about the datagram. */
	head->ol_flags &= ~(RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_IP_CKSUM_MASK);
	MIB_INC(st, IP_REASM_OKS);
	reass_delete(st, r);
	return head;
}

static bool frag_is_valid(const struct reass_frag *f)
{
	/* IPv4's length counts its header, IPv6's only those behind the fixed one. */
	uint32_t headers = f->hdr_len;

	if (!ipaddr_is_v4(&f->dst))
		headers -= (uint32_t)sizeof(struct rte_ipv6_hdr) + IP6_FRAG_HLEN;
	if (f->off + f->len + headers > REASS_MAX_LEN)
		return false;
	return !f->more || f->len % 8 == 0;
}

static struct rte_mbuf *add(struct stack *st, struct reass *r, struct rte_mbuf *m,
			    const struct reass_frag *f, uint8_t *ecn)
{
	struct pkt_cb *cb = pkt_cb(m);
	uint16_t nb_segs = m->nb_segs;

	if (r->nfrags + nb_segs > REASS_MAX_PER_DATAGRAM || !make_room(st, r, nb_segs) ||
	    !end_is_consistent(r, f)) {
		rte_pktmbuf_free(m);
		reass_fail(st, r);
		return NULL;
	}
	cb->seq = f->off;
	cb->end_seq = f->off + f->len;
	cb->l3_off = f->l3_off;
	cb->off = f->l3_off + f->hdr_len;
	switch (insert(r, m, cb->seq, cb->end_seq)) {
	case DUPLICATE:
		rte_pktmbuf_free(m);
		return NULL;
	case OVERLAP:
		MIB_INC(st, IP_REASM_OVERLAPS);
		rte_pktmbuf_free(m);
		reass_fail(st, r);
		return NULL;
	case PLACED:
		break;
	}
	r->nfrags += nb_segs;
	st->net.reass.nfrags += nb_segs;
	r->have += f->len;
	r->ecn |= (uint8_t)(1u << f->ecn);
	if (f->off == 0) {
		cb->tos = f->ecn;
		r->proto = f->proto; /* RFC 8200 4.5: the first fragment's next header counts */
	}
	if (!f->more)
		r->total = cb->end_seq;
	if (r->total == 0 || r->have != r->total)
		return NULL;
	if (!ecn_of_whole(r->ecn, pkt_cb(r->head)->tos, ecn)) {
		reass_fail(st, r);
		return NULL;
	}
	return assemble(st, r);
}

struct rte_mbuf *reass_input(struct stack *st, struct rte_mbuf *m, const struct reass_frag *f,
			     uint8_t *ecn, uint64_t now)
{
	struct reass *r;

	MIB_INC(st, IP_REASM_REQDS);
	/* Sorting links it by its cb, and the chain may be edited: it must be ours alone. */
	m = pkt_unshare(st, m);
	if (m == NULL)
		return NULL;
	if (!frag_is_valid(f)) {
		MIB_INC(st, IP_REASM_FAILS);
		rte_pktmbuf_free(m);
		return NULL;
	}
	r = reass_find(st, f);
	if (f->len == 0) {
		/* Only a forger sends one that brings nothing: as Linux, that is the end of it. */
		rte_pktmbuf_free(m);
		if (r != NULL)
			reass_fail(st, r);
		else
			MIB_INC(st, IP_REASM_FAILS);
		return NULL;
	}
	if (r == NULL)
		r = reass_create(st, f, now);
	return add(st, r, m, f, ecn);
}

/* The time is up: tell the sender, if its first fragment is here to be quoted. */
void reass_timer_fire(struct stack *st, struct timer *t, uint64_t now)
{
	struct reass *r = container_of(t, struct reass, timer);
	struct rx_pkt pkt = {
		.m = r->head, .nif = r->nif, .src = r->src, .dst = r->dst, .proto = r->proto
	};
	struct pkt_cb *cb;

	MIB_INC(st, IP_REASM_TIMEOUT);
	if (r->head != NULL && pkt_cb(r->head)->seq == 0) {
		cb = pkt_cb(r->head);
		pkt.l3_off = cb->l3_off;
		pkt.l4_off = cb->off;
		pkt.l4_len = cb->end_seq;
		pkt.multicast = (cb->flags & PKT_F_MULTICAST) != 0;
		if (ipaddr_is_v4(&r->dst))
			icmp4_send_error(st, &pkt, 11, 1, 0, now);
		else
			icmp6_send_error(st, &pkt, 3, 1, 0, now);
	}
	reass_fail(st, r);
}

/* Half a datagram is loss: the mbufs go back with the rebuild of their pool. */
void reass_recover(struct stack *st)
{
	struct reass_table *t = &st->net.reass;

	memset(t->pool.live, 0, t->pool.high);
	pool_rebuild(&t->pool);
	t->oldest = t->newest = NULL;
	t->nfrags = 0;
}
