/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire.c - see wire.h.
 *
 * A sent frame becomes one struct wire_frame per receiving port, put into that port's
 * inbox with its time of arrival; receiving is taking from the inbox what has arrived.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "test/wire/fail.h"
#include "test/wire/frame.h"
#include "test/wire/tso.h"
#include "test/wire/wire.h"

#define ETH_MIN 60 /* without FCS */

struct wire_frame {
	struct wire_frame *next;
	uint64_t arrival;
	uint64_t serial;
	uint32_t len;
	uint8_t bytes[];
};

/* -- late DMA ----------------------------------------------------------------------- */

/* An mbuf that the wire still reads from, and what it held when it was sent. */
struct wire_held {
	struct wire_held *next;
	struct rte_mbuf *m;
	uint64_t departure;
	uint32_t len;
	uint8_t bytes[];
};

static uint32_t mbuf_linearize(const struct rte_mbuf *m, uint8_t *buf)
{
	uint32_t n = 0;

	for (; m != NULL; m = m->next) {
		must(n + m->data_len <= FRAME_MAX, "a frame longer than %d bytes was sent", FRAME_MAX);
		memcpy(buf + n, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
		n += m->data_len;
	}
	return n;
}

static void held_release(struct wire_held *h)
{
	uint8_t buf[FRAME_MAX];
	uint32_t n = mbuf_linearize(h->m, buf);

	must(n == h->len && memcmp(buf, h->bytes, n) == 0,
	     "a frame was changed after it was handed to tx_burst()");
	rte_pktmbuf_free(h->m);
	free(h);
}

static void hold(struct wire *w, struct rte_mbuf *m, const uint8_t *bytes, uint32_t len,
		 uint64_t departure)
{
	struct wire_held *h = malloc(sizeof(*h) + len);
	struct wire_held **pp = &w->held;

	must(h != NULL, "out of memory");
	h->m = m;
	h->departure = departure;
	h->len = len;
	memcpy(h->bytes, bytes, len);
	while (*pp != NULL && (*pp)->departure <= departure)
		pp = &(*pp)->next;
	h->next = *pp;
	*pp = h;
}

/* -- life --------------------------------------------------------------------------- */

void wire_init(struct wire *w, unsigned int nports, uint64_t seed, uint64_t now)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	must(nports >= 2 && nports <= WIRE_MAX_PORTS, "wire: %u ports", nports);
	w->nports = nports;
	w->now = now;
	w->rng.s = rng_mix(seed ^ 0x3177);
	capture_init(&w->capture, 4096);
	for (i = 0; i < nports; i++) {
		w->ports[i].wire = w;
		w->ports[i].id = (uint8_t)i;
	}
}

void wire_free(struct wire *w)
{
	struct wire_frame *f;
	struct wire_held *h;
	unsigned int i;

	for (i = 0; i < w->nports; i++) {
		while ((f = w->ports[i].inbox) != NULL) {
			w->ports[i].inbox = f->next;
			free(f);
		}
	}
	while ((h = w->held) != NULL) {
		w->held = h->next;
		rte_pktmbuf_free(h->m);
		free(h);
	}
	capture_free(&w->capture);
}

void wire_set_now(struct wire *w, uint64_t now)
{
	struct wire_held *h;

	must(now >= w->now, "wire: time moved backwards");
	w->now = now;
	while ((h = w->held) != NULL && h->departure <= now) {
		w->held = h->next;
		held_release(h);
	}
}

uint64_t wire_next_event(const struct wire *w)
{
	const struct wire_held *h = w->held;
	uint64_t next = h != NULL ? h->departure : WIRE_NEVER;
	const struct wire_frame *f;
	unsigned int i;

	for (i = 0; i < w->nports; i++) {
		for (f = w->ports[i].inbox; f != NULL && f->arrival <= w->now; f = f->next)
			;
		if (f != NULL && f->arrival < next)
			next = f->arrival;
	}
	return next;
}

uint64_t wire_port_arrival(const struct wire_port *p)
{
	return p->inbox != NULL ? p->inbox->arrival : WIRE_NEVER;
}

unsigned int wire_in_flight(const struct wire *w)
{
	unsigned int i, n = 0;

	for (i = 0; i < w->nports; i++)
		n += w->ports[i].inbox_count;
	return n;
}

void wire_drop_nth(struct wire *w, unsigned int i, unsigned int n)
{
	struct wire_port *p = &w->ports[i];
	uint64_t bit = p->tx_index + n;

	must(bit < WIRE_MASK_BITS, "wire: drop mask too short for frame %llu",
	     (unsigned long long)bit);
	p->drop_mask[bit / 64] |= 1ull << (bit % 64);
}

/* -- sending ------------------------------------------------------------------------ */

static void inbox_insert(struct wire_port *to, struct wire_frame *f)
{
	struct wire_frame **pp = &to->inbox;

	/* Most come in order. */
	if (to->inbox != NULL && to->inbox_last->arrival <= f->arrival)
		pp = &to->inbox_last->next;
	while (*pp != NULL && ((*pp)->arrival < f->arrival ||
			       ((*pp)->arrival == f->arrival && (*pp)->serial < f->serial)))
		pp = &(*pp)->next;
	f->next = *pp;
	if (f->next == NULL)
		to->inbox_last = f;
	*pp = f;
	to->inbox_count++;
}

/* A unicast frame goes to the netif with that address; to all if no netif has it. */
static bool wants(const struct wire *w, const struct wire_port *to, const uint8_t *frame)
{
	unsigned int i;

	if (to->pool == NULL || (frame[0] & 1) != 0)
		return true;
	if (memcmp(frame, to->nif.mac, 6) == 0)
		return true;
	for (i = 0; i < w->nports; i++)
		if (w->ports[i].pool != NULL && memcmp(frame, w->ports[i].nif.mac, 6) == 0)
			return false;
	return true;
}

static void deliver(struct wire_port *from, const uint8_t *bytes, uint32_t len, uint64_t arrival)
{
	struct wire *w = from->wire;
	uint32_t size = len < ETH_MIN ? ETH_MIN : len;
	struct wire_frame *f;
	unsigned int i;

	for (i = 0; i < w->nports; i++) {
		struct wire_port *to = &w->ports[i];

		if (to == from || to->link_down || !wants(w, to, bytes))
			continue;
		f = malloc(sizeof(*f) + size);
		must(f != NULL, "out of memory");
		f->arrival = arrival;
		f->serial = w->serial++;
		f->len = size;
		memcpy(f->bytes, bytes, len);
		memset(f->bytes + len, 0xe5, size - len);
		inbox_insert(to, f);
	}
}

static bool burst_loses(struct wire_port *p)
{
	struct rng *r = &p->wire->rng;

	if (p->tx.burst.enter_ppm == 0)
		return false;
	if (rng_chance(r, p->burst_bad ? p->tx.burst.leave_ppm : p->tx.burst.enter_ppm))
		p->burst_bad = !p->burst_bad;
	return p->burst_bad && rng_chance(r, p->tx.burst.loss_ppm);
}

/*
 * One to three bits of one 16-bit word: a change that a one's complement sum is sure to see.
 * Flips in several words may cancel out, as they may in life, and then nobody could tell.
 */
static void flip_bits(struct rng *r, uint8_t *bytes, uint32_t len)
{
	uint64_t n = rng_range(r, 1, 3), bit;
	uint32_t word;

	if (len < ETH_HLEN + 2)
		return;
	word = ETH_HLEN + 2 * (uint32_t)rng_below(r, (len - ETH_HLEN) / 2);
	for (; n > 0; n--) {
		bit = rng_below(r, 16);
		bytes[word + bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
}

/* When the frame has left the queue and the rate limiter; 0 if the queue was full. */
static uint64_t departure_time(struct wire_port *p, uint32_t len)
{
	uint64_t now = p->wire->now, start, waiting;

	if (p->tx.rate_bps == 0)
		return now == 0 ? 1 : now;
	start = p->busy_until > now ? p->busy_until : now;
	waiting = (uint64_t)((unsigned __int128)(start - now) * p->tx.rate_bps / 8000000000ull);
	if (p->tx.queue_bytes != 0 && waiting + len > p->tx.queue_bytes)
		return 0;
	/* 24 bytes of preamble, FCS and gap travel with each frame. */
	p->busy_until = start + (uint64_t)((unsigned __int128)(len + 24) * 8000000000ull /
					   p->tx.rate_bps);
	return p->busy_until;
}

static uint64_t arrival_time(struct wire_port *p, uint64_t departure, bool late)
{
	struct rng *r = &p->wire->rng;
	uint64_t t = departure + p->tx.delay_ns;

	if (p->tx.jitter_ns != 0)
		t += rng_below(r, p->tx.jitter_ns + 1);
	if (late || rng_chance(r, p->tx.reorder_ppm)) {
		p->stats.reordered++;
		return t + (p->tx.reorder_ns != 0 ? p->tx.reorder_ns : 1000000);
	}
	if (!p->tx.jitter_reorders && t < p->last_arrival)
		t = p->last_arrival;
	if (t > p->last_arrival)
		p->last_arrival = t;
	return t;
}

/* What the masks and dice say before the queue; notes why a frame is not passed. */
static enum wire_verdict judge(struct wire_port *p, const uint8_t *bytes, uint32_t len,
			       const char **note)
{
	uint64_t index = p->tx_index++;
	enum wire_verdict v = WIRE_PASS;
	struct rng *r = &p->wire->rng;

	if (p->tx.mtu != 0 && len > ETH_HLEN + p->tx.mtu) {
		p->stats.too_big++;
		*note = "dropped: larger than the MTU";
		return WIRE_DROP;
	}
	if (index < WIRE_MASK_BITS && (p->drop_mask[index / 64] >> (index % 64) & 1)) {
		p->stats.masked++;
		*note = "dropped: by the mask";
		return WIRE_DROP;
	}
	if (p->tx.decide != NULL)
		v = p->tx.decide(p->tx.decide_arg, bytes, len, index);
	if (v == WIRE_DROP) {
		p->stats.masked++;
		*note = "dropped: by the predicate";
	} else if (v == WIRE_PASS && (rng_chance(r, p->tx.loss_ppm) || burst_loses(p))) {
		p->stats.lost++;
		*note = "dropped: lost";
		return WIRE_DROP;
	}
	if (v == WIRE_PASS && rng_chance(r, p->tx.dup_ppm))
		return WIRE_DUPLICATE;
	if (v == WIRE_PASS && rng_chance(r, p->tx.corrupt_ppm))
		return WIRE_CORRUPT;
	return v;
}

/* Returns when the frame has left the sender. */
static uint64_t wire_send(struct wire_port *p, uint8_t *bytes, uint32_t len)
{
	struct wire *w = p->wire;
	const char *note = "";
	enum wire_verdict v;
	uint64_t departure = w->now;

	must(len >= ETH_HLEN, "a frame of %u bytes was sent", len);
	p->stats.sent++;
	p->stats.sent_bytes += len;
	v = judge(p, bytes, len, &note);
	if (v != WIRE_DROP) {
		departure = departure_time(p, len);
		if (departure == 0) {
			p->stats.queue_full++;
			note = "dropped: queue full";
			v = WIRE_DROP;
			departure = w->now;
		}
	}
	if (v == WIRE_CORRUPT) {
		p->stats.corrupted++;
		note = "bits flipped";
	} else if (v == WIRE_DUPLICATE) {
		p->stats.duplicated++;
		note = "duplicated";
	} else if (v == WIRE_DELAY) {
		note = "delayed";
	}
	capture_add(&w->capture, w->now, p->id, bytes, len, note);
	if (v == WIRE_DROP)
		return departure;
	if (v == WIRE_CORRUPT)
		flip_bits(&w->rng, bytes, len);
	deliver(p, bytes, len, arrival_time(p, departure, v == WIRE_DELAY));
	if (v == WIRE_DUPLICATE)
		deliver(p, bytes, len, arrival_time(p, departure, false));
	return departure;
}

void wire_inject(struct wire *w, unsigned int i, const uint8_t *frame, size_t len)
{
	uint8_t buf[FRAME_MAX];

	must(len <= sizeof(buf), "wire_inject: %zu bytes", len);
	memcpy(buf, frame, len);
	(void)wire_send(&w->ports[i], buf, (uint32_t)len);
}

size_t wire_take(struct wire *w, unsigned int i, uint8_t *buf, uint64_t *arrival)
{
	struct wire_port *p = &w->ports[i];
	struct wire_frame *f = p->inbox;
	size_t len;

	if (f == NULL || f->arrival > w->now)
		return 0;
	p->inbox = f->next;
	p->inbox_count--;
	p->stats.delivered++;
	len = f->len;
	memcpy(buf, f->bytes, len);
	if (arrival != NULL)
		*arrival = f->arrival;
	free(f);
	return len;
}

/* -- the netif ---------------------------------------------------------------------- */

/* Do what the port promised to do: fill in the checksums that the mbuf asks for. */
static void offload_csums(const struct wire_port *p, const struct rte_mbuf *m, uint8_t *bytes,
			  uint32_t len)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;

	must(!(m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) || (p->nif.caps & NETIF_TX_IP4_CSUM),
	     "IPv4 checksum was asked of a port without it");
	must(l4 != RTE_MBUF_F_TX_TCP_CKSUM || (p->nif.caps & NETIF_TX_TCP_CSUM),
	     "TCP checksum was asked of a port without it");
	must(l4 != RTE_MBUF_F_TX_UDP_CKSUM || (p->nif.caps & NETIF_TX_UDP_CSUM),
	     "UDP checksum was asked of a port without it");
	if (l4 != 0 || (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM))
		frame_fill_csums(bytes, len);
}

/* Cut as a NIC does.  Returns when the last piece has left. */
static uint64_t tso_send(struct wire_port *p, const struct rte_mbuf *m, const uint8_t *bytes,
			 uint32_t len)
{
	uint64_t departure = p->wire->now;
	uint8_t piece[FRAME_MAX];
	uint32_t i, n;

	tso_check(&p->nif, m, bytes, len);
	p->stats.super_packets++;
	for (i = 0; !p->link_down && (n = tso_cut(m, bytes, len, i, piece)) > 0; i++)
		departure = wire_send(p, piece, n);
	return departure;
}

/* Returns when the frame has left. */
static uint64_t send_frame(struct wire_port *p, const struct rte_mbuf *m, uint8_t *bytes, uint32_t len)
{
	uint32_t max = ETH_HLEN + (uint32_t)p->nif.mtu + (p->nif.vlan != 0 ? 4 : 0);

	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		return tso_send(p, m, bytes, len);
	must(len <= max, "a frame of %u bytes was sent on a link of MTU %u", len, p->nif.mtu);
	offload_csums(p, m, bytes, len);
	return p->link_down ? p->wire->now : wire_send(p, bytes, len);
}

static uint16_t wire_tx_burst(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct wire_port *p = nif->priv;
	uint8_t buf[FRAME_MAX];
	uint64_t departure;
	uint32_t len;
	uint16_t i;

	(void)queue;
	if (p->tx_budget != 0 && n > p->tx_budget)
		n = p->tx_budget;
	for (i = 0; i < n; i++) {
		must(pkts[i]->next == NULL || (nif->caps & NETIF_TX_MULTI_SEG),
		     "a chain was given to a port without NETIF_TX_MULTI_SEG");
		len = mbuf_linearize(pkts[i], buf);
		must(len == rte_pktmbuf_pkt_len(pkts[i]), "pkt_len %u but %u bytes in the chain",
		     rte_pktmbuf_pkt_len(pkts[i]), len);
		if (p->late_dma) {
			uint8_t copy[FRAME_MAX];

			memcpy(copy, buf, len);
			departure = send_frame(p, pkts[i], buf, len);
			/* Completion comes a little after the frame has left. */
			hold(p->wire, pkts[i], copy, len, departure + 5000);
			continue;
		}
		(void)send_frame(p, pkts[i], buf, len);
		rte_pktmbuf_free(pkts[i]);
	}
	return n;
}

/* Put bytes into an mbuf chain as the port is set up to; NULL if the pool is empty. */
static struct rte_mbuf *mbuf_from_bytes(struct wire_port *p, const uint8_t *bytes, uint32_t len)
{
	struct rte_mbuf *head = NULL, *last = NULL, *m;
	uint32_t room, n;

	do {
		m = rte_pktmbuf_alloc(p->pool);
		if (m == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		/* Junk where nobody may look. */
		if (!p->stale_priv)
			memset(rte_mbuf_to_priv(m), 0xe5, rte_pktmbuf_priv_size(p->pool));
		memset(m->buf_addr, 0xe5, m->buf_len);
		room = rte_pktmbuf_tailroom(m);
		n = p->rx_segment != 0 && p->rx_segment < room ? p->rx_segment : room;
		n = n < len ? n : len;
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), bytes, n);
		bytes += n;
		len -= n;
		if (head == NULL) {
			head = m;
		} else {
			last->next = m;
			head->nb_segs++;
			head->pkt_len += n;
		}
		last = m;
	} while (len > 0);
	return head;
}

static void set_rx_flags(struct wire_port *p, struct rte_mbuf *m, const uint8_t *bytes, uint32_t len)
{
	struct frame_info info;

	if (!(p->nif.caps & (NETIF_RX_IP4_CSUM | NETIF_RX_L4_CSUM)) ||
	    !frame_parse(bytes, len, &info) || info.proto == 0)
		return;
	if (p->nif.caps & NETIF_RX_IP4_CSUM)
		m->ol_flags |= info.ip_csum_ok ? RTE_MBUF_F_RX_IP_CKSUM_GOOD :
						 RTE_MBUF_F_RX_IP_CKSUM_BAD;
	if ((p->nif.caps & NETIF_RX_L4_CSUM) && (info.is_tcp || info.is_udp))
		m->ol_flags |= info.l4_csum_ok ? RTE_MBUF_F_RX_L4_CKSUM_GOOD :
						 RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

static bool has_arrived(const struct wire_port *p)
{
	return p->inbox != NULL && p->inbox->arrival <= p->wire->now;
}

static void inbox_pop(struct wire_port *p)
{
	struct wire_frame *f = p->inbox;

	p->inbox = f->next;
	p->inbox_count--;
	free(f);
}

/* The frame that has arrived first, and with it what may be joined to it. */
static struct rte_mbuf *receive_one(struct wire_port *p)
{
	uint32_t len = p->inbox->len, segsz = 0;
	uint8_t bytes[FRAME_MAX];
	struct rte_mbuf *m;

	memcpy(bytes, p->inbox->bytes, len);
	inbox_pop(p);
	while (p->rx_join && has_arrived(p) &&
	       lro_join(bytes, &len, &segsz, p->inbox->bytes, p->inbox->len)) {
		inbox_pop(p);
		p->stats.joined++;
	}
	m = mbuf_from_bytes(p, bytes, len);
	if (m == NULL) {
		p->stats.no_mbuf++;
		return NULL;
	}
	set_rx_flags(p, m, bytes, len);
	if (segsz != 0) {
		m->ol_flags |= RTE_MBUF_F_RX_LRO;
		m->tso_segsz = (uint16_t)segsz;
	}
	p->stats.delivered++;
	return m;
}

static uint16_t wire_rx_burst(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct wire_port *p = nif->priv;
	uint16_t got = 0;

	(void)queue;
	while (got < n && has_arrived(p)) {
		pkts[got] = receive_one(p);
		got += pkts[got] != NULL;
	}
	return got;
}

static bool wire_link_is_up(struct netif *nif)
{
	const struct wire_port *p = nif->priv;

	return !p->link_down;
}

static const struct netif_ops wire_netif_ops = {
	.rx_burst = wire_rx_burst,
	.tx_burst = wire_tx_burst,
	.link_is_up = wire_link_is_up,
};

struct netif *wire_netif(struct wire *w, unsigned int i, struct rte_mempool *pool, uint32_t caps)
{
	static const uint8_t mac[6] = { 0x02, 0x57, 0x49, 0x52, 0x45, 0x00 };
	struct wire_port *p = &w->ports[i];

	must(i < w->nports, "wire: no port %u", i);
	must(!(caps & (NETIF_TX_VLAN | NETIF_RX_VLAN_STRIP)), "wire: capability not simulated");
	if (caps & NETIF_TX_TSO)
		caps |= NETIF_TX_MULTI_SEG | NETIF_TX_TCP_CSUM;
	p->pool = pool;
	p->nif.ops = &wire_netif_ops;
	p->nif.priv = p;
	p->nif.caps = caps;
	p->nif.mtu = 1500;
	p->nif.nqueues = 1;
	p->nif.tso_segs = 64;
	memcpy(p->nif.mac, mac, 6);
	p->nif.mac[5] = (uint8_t)(i + 1);
	strcpy(p->nif.name, "wire0");
	p->nif.name[4] = (char)('0' + i);
	return &p->nif;
}
