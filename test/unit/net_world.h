/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_world.h - one stack's lower half on a simulated link, and a peer of raw frames.
 *
 * The transports are fakes that keep a copy of what they get, so that the network layer is
 * tested without them: this header defines the functions that stack/inet/ and
 * stack/tcp/ would.  The stack is 192.0.2.1 and 2001:db8::1; the peer 192.0.2.2, ::2.
 *
 * Include once per test binary.
 */
#ifndef TEST_UNIT_NET_WORLD_H
#define TEST_UNIT_NET_WORLD_H

#include <stdlib.h>
#include <sys/mman.h>

#include <rte_mbuf.h>

#include "stack/core/stack_priv.h"
#include "stack/net/ip.h"
#include "test/check_main.h"
#include "test/wire/frame.h"
#include "test/wire/wire.h"
#include "test/wire/world.h"

#define OUR_IP	   IP4(192, 0, 2, 1)
#define PEER_IP	   IP4(192, 0, 2, 2)
#define FAKE_MAX   64
#define FAKE_BYTES 2048

static const uint8_t PEER_MAC[6] __attribute__((unused)) = { 0x02, 0, 0, 0, 0, 0x99 };
static const uint8_t BCAST_MAC[6] __attribute__((unused)) = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t NO_MAC[6] __attribute__((unused));

/* -- the fakes ------------------------------------------------------------------------- */

struct fake_rx {
	struct rx_pkt pkt;	  /* m is NULL */
	uint8_t data[FAKE_BYTES]; /* from the transport header on */
	uint32_t len;
	bool csum_ok;
	uint8_t cb_flags;
	struct pkt_cb cb;
};

struct fake_err {
	struct icmp_err e;
	uint8_t l4[64];
};

static struct {
	struct fake_rx rx[FAKE_MAX];
	unsigned int nrx;
	struct fake_err err[FAKE_MAX];
	unsigned int nerr;
	unsigned int nraw_err;
	bool refuse;	    /* answer UDP with port unreachable */
	bool raw_takes;	    /* a raw socket takes everything */
	uint64_t last_full; /* whole payload length of the last packet, even if longer than data */
	uint32_t last_sum;
} fake;

static void fake_record(const struct rx_pkt *pkt)
{
	struct fake_rx *r = &fake.rx[fake.nrx % FAKE_MAX];
	uint32_t n = RTE_MIN(pkt->l4_len, (uint32_t)FAKE_BYTES), got = 0, i;
	const struct rte_mbuf *m = pkt->m;
	uint32_t off = pkt->l4_off;

	fake.nrx++;
	r->pkt = *pkt;
	r->pkt.m = NULL;
	r->cb = *pkt_cb(pkt->m);
	r->cb_flags = r->cb.flags;
	r->csum_ok = pkt->proto == IPPROTO_TCP || pkt->proto == IPPROTO_UDP ? ip_l4_csum_ok(pkt) :
									      true;
	fake.last_full = pkt->l4_len;
	fake.last_sum = pkt_sum(pkt->m, pkt->l4_off, pkt->l4_len);
	for (; m != NULL && got < n; m = m->next) {
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

		for (i = off; i < m->data_len && got < n; i++)
			r->data[got++] = p[i];
		off = off > m->data_len ? off - m->data_len : 0;
	}
	r->len = got;
}

void tcp_input(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	(void)st;
	(void)now;
	fake_record(pkt);
	rte_pktmbuf_free(pkt->m);
}

void udp_input(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	fake_record(pkt);
	if (fake.refuse)
		icmp_send_unreach(st, pkt, 3, now);
	rte_pktmbuf_free(pkt->m);
}

bool raw_input(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	(void)st;
	(void)now;
	if (fake.raw_takes)
		fake_record(pkt);
	return fake.raw_takes;
}

static void fake_error(const struct icmp_err *e)
{
	struct fake_err *f = &fake.err[fake.nerr++ % FAKE_MAX];

	f->e = *e;
	memcpy(f->l4, e->l4, RTE_MIN(e->l4_len, (uint16_t)sizeof(f->l4)));
	f->e.l4 = f->l4;
}

void tcp_icmp_error(struct stack *st, const struct icmp_err *e, uint64_t now)
{
	(void)st;
	(void)now;
	fake_error(e);
}

void udp_icmp_error(struct stack *st, const struct icmp_err *e, uint64_t now)
{
	(void)st;
	(void)now;
	fake_error(e);
}

void raw_icmp_error(struct stack *st, const struct icmp_err *e, uint64_t now)
{
	(void)st;
	(void)now;
	(void)e;
	fake.nraw_err++;
}

size_t inet_footprint(const struct stack_config *cfg)
{
	(void)cfg;
	return 0;
}

size_t tcp_footprint(const struct stack_config *cfg)
{
	(void)cfg;
	return 0;
}

int inet_init(struct stack *st, uint64_t now)
{
	(void)st;
	(void)now;
	return 0;
}

int tcp_init(struct stack *st, uint64_t now)
{
	(void)st;
	(void)now;
	return 0;
}

void tcp_flush_output(struct stack *st, uint64_t now)
{
	(void)st;
	(void)now;
}

void tcp_timer_fire(struct stack *st, struct timer *t, uint64_t now)
{
	(void)st;
	(void)t;
	(void)now;
}

void inet_recover(struct stack *st, uint64_t now)
{
	(void)st;
	(void)now;
}

void tcp_recover(struct stack *st, uint64_t now)
{
	(void)st;
	(void)now;
}

/* A test may hang packets here: then the fake transport holds them. */
static struct rte_mbuf *fake_held[FAKE_MAX];

void inet_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	unsigned int i;

	(void)st;
	for (i = 0; i < FAKE_MAX; i++)
		if (fake_held[i] != NULL)
			fn(fake_held[i], arg);
}

void tcp_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	(void)st;
	(void)fn;
	(void)arg;
}

void tcp_for_each_segment(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	(void)st;
	(void)fn;
	(void)arg;
}

bool tcp_is_quiescent(const struct stack *st, bool time_wait_counts)
{
	(void)st;
	(void)time_wait_counts;
	return true;
}

bool inet_is_quiescent(const struct stack *st)
{
	(void)st;
	return true;
}

void inet_tx_space(struct stack *st)
{
	(void)st;
}

static unsigned int fake_released;

void socket_release(struct stack *st, struct socket *so, uint64_t now)
{
	(void)now;
	fake_released++;
	pool_free(&st->sockets, so);
}

/* -- the world ------------------------------------------------------------------------- */

static struct {
	struct wire wire;
	struct stack_config cfg;
	struct stack *st;
	struct netif *nif;
	void *mem;
	size_t size;
	struct rte_mempool *pool;
	uint64_t now;
	uint8_t frame[FRAME_MAX];
	size_t len;
	struct frame_info info;
} nw;

static inline struct ipaddr addr4(uint32_t host_order)
{
	return ipaddr_from_v4(htonl(host_order));
}

static inline struct ipaddr addr6(uint8_t last)
{
	struct ipaddr a = { .b = { 0x20, 0x01, 0x0d, 0xb8, [15] = last } };

	return a;
}

static inline void nw_settle(void)
{
	wire_set_now(&nw.wire, nw.now);
	while (stack_poll(nw.st, nw.now) > 0)
		continue;
}

/* caps: NETIF_*; tune: the last word on the configuration. */
static inline void nw_start_with(uint32_t caps, void (*tune)(struct stack_config *cfg))
{
	static unsigned int serial;
	char name[32];
	int err;

	test_eal_init();
	memset(&nw, 0, sizeof(nw));
	memset(&fake, 0, sizeof(fake));
	memset(fake_held, 0, sizeof(fake_held));
	snprintf(name, sizeof(name), "nw%u", serial++);
	nw.pool = rte_pktmbuf_pool_create(name, 1023, 0, PKT_PRIV_SIZE, PKT_HEADROOM + 2048, -1);
	ck_assert_ptr_nonnull(nw.pool);
	nw.now = 1000 * SEC;
	wire_init(&nw.wire, 2, 1, nw.now);
	nw.nif = wire_netif(&nw.wire, 0, nw.pool, caps);
	stack_config_defaults(&nw.cfg);
	nw.cfg.netifs[0] = nw.nif;
	nw.cfg.nnetifs = 1;
	nw.cfg.mbufs = nw.pool;
	nw.cfg.addrs[0] = (struct stack_addr){ .addr = addr4(OUR_IP), .plen = 24 };
	nw.cfg.naddrs = 1;
	nw.cfg.quiet_start = true;
	memset(nw.cfg.secret, 0x5c, sizeof(nw.cfg.secret));
	if (tune != NULL)
		tune(&nw.cfg);
	nw.size = stack_footprint(&nw.cfg);
	nw.mem = mmap(NULL, nw.size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert(nw.mem != MAP_FAILED);
	nw.st = stack_create(nw.mem, nw.size, &nw.cfg, &err, nw.now);
	ck_assert_msg(nw.st != NULL, "stack_create: %d", err);
}

static inline void nw_start(void)
{
	nw_start_with(0, NULL);
}

/* Everything given back: nothing of a test may stay in use. */
static inline void nw_stop(void)
{
	stack_destroy(nw.st);
	wire_free(&nw.wire);
	ck_assert_uint_eq(rte_mempool_in_use_count(nw.pool), 0);
	rte_mempool_free(nw.pool);
	munmap(nw.mem, nw.size);
}

static inline void nw_inject_raw(const uint8_t *frame, size_t len)
{
	wire_inject(&nw.wire, 1, frame, len);
	nw_settle();
}

static inline void nw_inject(size_t len)
{
	nw_inject_raw(nw.frame, len);
}

/* Time passes; the stack is polled whenever it asked for it. */
static inline void nw_advance(uint64_t ns)
{
	uint64_t end = nw.now + ns, next;

	for (;;) {
		next = stack_next_deadline(nw.st);
		if (next > end)
			break;
		nw.now = next > nw.now ? next : nw.now;
		nw_settle();
	}
	nw.now = end;
	nw_settle();
}

/* The next frame from the stack, into nw.frame, nw.len and nw.info; false if there is none. */
static inline bool nw_take(void)
{
	uint64_t arrival;

	wire_set_now(&nw.wire, nw.now);
	nw.len = wire_take(&nw.wire, 1, nw.frame, &arrival);
	memset(&nw.info, 0, sizeof(nw.info));
	if (nw.len == 0)
		return false;
	frame_parse(nw.frame, nw.len, &nw.info);
	return true;
}

static inline void nw_expect_silence(void)
{
	char text[256];

	if (nw_take())
		ck_abort_msg("unexpected: %s",
			     frame_describe(nw.frame, nw.len, text, sizeof(text)));
}

static inline void nw_path(struct frame_path *p)
{
	memset(p, 0, sizeof(*p));
	memcpy(p->smac, PEER_MAC, 6);
	memcpy(p->dmac, nw.nif->mac, 6);
	p->src = PEER_IP;
	p->dst = OUR_IP;
}

/* The stack learns the peer's MAC as it would on a link: it is asked for its own. */
static inline void nw_introduce_peer(void)
{
	size_t len = frame_build_arp(nw.frame, BCAST_MAC, 1, PEER_MAC, PEER_IP, NO_MAC, OUR_IP);

	nw_inject(len);
	ck_assert(nw_take());
	ck_assert(nw.info.is_arp && nw.info.arp_op == 2);
}

/* A datagram of n patterned bytes from the stack's fake transport; what ip_output() said. */
static inline int nw_send_udp(const struct ipaddr *dst, uint32_t n, bool df)
{
	static struct dst d;
	struct ip_tx tx = { .dst = dst, .proto = IPPROTO_UDP, .df = df };
	struct rte_mbuf *head, *m;
	uint8_t hdr[8] = { 0x12, 0x34, 0, 7, (uint8_t)((n + 8) >> 8), (uint8_t)(n + 8), 0, 0 };
	uint32_t off = 0, k;
	char *p;
	int err;

	err = route_lookup(nw.st, dst, NULL, &d, nw.now);
	if (err != 0)
		return err;
	tx.src = &d.src;
	head = m = pkt_alloc(nw.st);
	memcpy(rte_pktmbuf_append(head, 8), hdr, 8);
	while (off < n) {
		k = RTE_MIN(n - off, (uint32_t)1400);
		if (off > 0) {
			m = pkt_alloc(nw.st);
			ck_assert_ptr_nonnull(m);
		}
		p = rte_pktmbuf_append(m, (uint16_t)k);
		for (uint32_t i = 0; i < k; i++)
			p[i] = (char)((off + i) * 7 % 251);
		if (m != head)
			ck_assert_int_eq(rte_pktmbuf_chain(head, m), 0);
		off += k;
	}
	head->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
	head->l4_len = 8;
	err = ip_output(nw.st, head, &d, &tx, nw.now);
	stack_flush(nw.st, nw.now);
	return err;
}

#endif
