/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_frame.c - frames into a stack with open sockets, IPv4 and IPv6.
 *
 * The input is a sequence of records: one byte of control, two of length, the frame.  The
 * control byte says how the frame is cut into segments, whether its checksums are put right
 * first (else hardly anything would get past them), and how far the clock moves.
 *
 * Each segment's bytes end where its malloc'd buffer ends, so that AddressSanitizer sees a
 * read beyond the data, which it cannot inside an mbuf pool.  After each input every packet
 * must be back: a leak is a crash.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_mbuf.h>

#include "stack/core/pktbuf.h"
#include "stack/socket.h"
#include "stack/stack.h"
#include "test/wire/fail.h"
#include "test/wire/frame.h"
#include "test/wire/world.h"

#define MBUFS 2047
#define ROOM  128

static struct {
	struct netif nif;
	struct rte_mempool *pool;
	struct stack_config cfg;
	void *mem;
	size_t size;
	struct rte_mbuf *rx;
} fz;

struct seg {
	struct rte_mbuf_ext_shared_info info;
	char *buf;
};

static void seg_free(void *addr, void *opaque)
{
	struct seg *seg = opaque;

	(void)addr;
	free(seg->buf);
	free(seg);
}

static struct rte_mbuf *segment(const uint8_t *data, uint16_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(fz.pool);
	struct seg *seg = malloc(sizeof(*seg));

	must(m != NULL && seg != NULL, "no memory for a segment");
	seg->buf = malloc(ROOM + n);
	must(seg->buf != NULL, "no memory for %u bytes", n);
	memcpy(seg->buf + ROOM, data, n);
	seg->info.free_cb = seg_free;
	seg->info.fcb_opaque = seg;
	rte_mbuf_ext_refcnt_set(&seg->info, 1);
	rte_pktmbuf_attach_extbuf(m, seg->buf, 0, (uint16_t)(ROOM + n), &seg->info);
	m->data_off = ROOM;
	m->data_len = n;
	m->pkt_len = n;
	return m;
}

/* Headers whole in the first segment if cut is 0; else pieces of that many bytes. */
static struct rte_mbuf *frame_to_mbuf(const uint8_t *data, uint16_t n, uint16_t cut)
{
	struct rte_mbuf *head = NULL, *m;
	uint16_t k, off;

	for (off = 0; off < n || head == NULL; off = (uint16_t)(off + k)) {
		k = (uint16_t)(n - off);
		if (cut != 0 && k > cut)
			k = cut;
		m = segment(data + off, k);
		if (head == NULL)
			head = m;
		else
			must(rte_pktmbuf_chain(head, m) == 0, "chain");
		if (k == 0)
			break;
	}
	return head;
}

static uint16_t rx_burst(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)nif;
	(void)queue;
	if (fz.rx == NULL || n == 0)
		return 0;
	pkts[0] = fz.rx;
	fz.rx = NULL;
	return 1;
}

static uint16_t tx_burst(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t i;

	(void)nif;
	(void)queue;
	for (i = 0; i < n; i++)
		rte_pktmbuf_free(pkts[i]);
	return n;
}

static bool link_is_up(struct netif *nif)
{
	(void)nif;
	return true;
}

static const struct netif_ops ops = { rx_burst, tx_burst, link_is_up };

static void set_up(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	test_eal_init();
	fz.pool = rte_pktmbuf_pool_create("fuzz", MBUFS, 0, PKT_PRIV_SIZE, PKT_HEADROOM + 2048, -1);
	must(fz.pool != NULL, "no pool");
	fz.nif.ops = &ops;
	fz.nif.mtu = 1500;
	fz.nif.nqueues = 1;
	fz.nif.caps = NETIF_TX_MULTI_SEG;
	memcpy(fz.nif.mac, mac, 6);
	stack_config_defaults(&fz.cfg);
	fz.cfg.netifs[0] = &fz.nif;
	fz.cfg.nnetifs = 1;
	fz.cfg.mbufs = fz.pool;
	fz.cfg.max_sockets = 64;
	fz.cfg.addrs[0] = (struct stack_addr){ ip4(192, 0, 2, 1), 24, 0 };
	fz.cfg.addrs[1] = (struct stack_addr){ { .b = { 0x20, 1, 0xd, 0xb8, [15] = 1 } }, 64, 0 };
	fz.cfg.naddrs = 2;
	fz.cfg.quiet_start = true;
	fz.size = stack_footprint(&fz.cfg);
}

static void open_socket(struct stack *st, int type, uint64_t now)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	struct socket *so;

	must(socket_create(st, AF_INET6, type, 0, &so, now) == 0, "socket");
	must(socket_bind(st, so, (struct sockaddr *)&any, sizeof(any), now) == 0, "bind");
	if (type == SOCK_STREAM)
		must(socket_listen(st, so, 16, now) == 0, "listen");
}

/* A program that takes what comes. */
static void serve(struct stack *st, uint64_t now)
{
	struct socket *so, *conn;
	char buf[4096];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	uint32_t events;

	while ((so = stack_take_event(st, &events)) != NULL) {
		if (socket_accept(st, so, &conn, now) == 0)
			so = conn;
		if (socket_recvmsg(st, so, &msg, 0, now) > 0)
			(void)socket_sendmsg(st, so, &msg, 0, now);
	}
	stack_flush(st, now);
}

/* Most frames are for us; else nothing would be reached. */
static void direct(uint8_t *frame, uint16_t n)
{
	if (n >= 14)
		memcpy(frame, fz.nif.mac, 6);
}

/* May frame_fill_csums(), which believes what it is given, be let at it? */
static bool is_sane4(const uint8_t *f, uint16_t n)
{
	uint16_t hlen = (uint16_t)((f[14] & 0xf) * 4), total;

	if (n < 34 || frame_get16(f + 12) != 0x0800)
		return false;
	total = frame_get16(f + 16);
	return hlen >= 20 && total >= hlen + 20 && total <= n - 14;
}

/* Checksums of IPv6 without extension headers. */
static void fill_csum6(uint8_t *f, uint16_t n)
{
	static const struct {
		uint8_t proto;
		uint8_t off;
	} fields[] = { { IPPROTO_TCP, 16 }, { IPPROTO_UDP, 6 }, { IPPROTO_ICMPV6, 2 } };
	uint8_t ph[8] = { 0 };
	unsigned int i;
	uint16_t len;

	if (n < 54 || frame_get16(f + 12) != 0x86dd)
		return;
	len = frame_get16(f + 18);
	for (i = 0; i < 3; i++) {
		if (f[20] != fields[i].proto || len > n - 54 || len < fields[i].off + 2)
			continue;
		frame_put16(f + 54 + fields[i].off, 0);
		frame_put16(ph + 2, len);
		ph[7] = f[20];
		frame_put16(f + 54 + fields[i].off,
			    frame_csum_fold(frame_csum_add(
				    frame_csum_add(frame_csum_add(0, f + 22, 32), ph, 8), f + 54,
				    len)));
	}
}

static void run_record(struct stack *st, uint8_t control, const uint8_t *data, uint16_t n,
		       uint64_t *now)
{
	static const uint16_t cuts[4] = { 0, 14, 33, 61 };
	uint8_t frame[2048];

	if (n > sizeof(frame))
		n = sizeof(frame);
	memcpy(frame, data, n);
	if ((control & 1) == 0)
		direct(frame, n);
	if ((control & 2) == 0) {
		if (is_sane4(frame, n))
			frame_fill_csums(frame, n);
		fill_csum6(frame, n);
	}
	fz.rx = frame_to_mbuf(frame, n, cuts[control >> 2 & 3]);
	stack_poll(st, *now);
	serve(st, *now);
	*now += (control >> 4) * (control >> 4) * 20 * MS;
	stack_poll(st, *now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t now = 1000 * SEC;
	struct stack *st;
	uint16_t n;
	int err;

	if (fz.pool == NULL)
		set_up();
	fz.mem = mmap(NULL, fz.size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(fz.mem != MAP_FAILED, "mmap");
	st = stack_create(fz.mem, fz.size, &fz.cfg, &err, now);
	must(st != NULL, "stack_create: %d", err);
	open_socket(st, SOCK_STREAM, now);
	open_socket(st, SOCK_DGRAM, now);
	while (size >= 3) {
		n = (uint16_t)(data[1] << 8 | data[2]);
		if (n > size - 3)
			n = (uint16_t)(size - 3);
		run_record(st, data[0], data + 3, n, &now);
		data += 3 + n;
		size -= 3u + n;
	}
	stack_destroy(st);
	must(rte_mempool_in_use_count(fz.pool) == 0, "%u mbufs leaked",
	     rte_mempool_in_use_count(fz.pool));
	munmap(fz.mem, fz.size);
	return 0;
}
