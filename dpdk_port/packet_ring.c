/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * packet_ring.c - see packet_ring.h; Documentation/networking/packet_mmap.rst of the kernel.
 *
 * Whose a slot is, is said by its status alone:
 *
 *	receiving	KERNEL (0)  the kernel will fill it; USER  it holds a frame for us
 *	sending		AVAILABLE (0)  ours to fill; TX_FILLING  being filled, means nothing to the
 *			kernel; SEND_REQUEST  to be sent; SENDING  on its way
 *
 * and both sides go round in order.  Handing a slot over and moving on are two stores, with a
 * word before and after:
 *
 *	(sending: status = TX_FILLING)
 *	place = i | PACKET_STEP
 *	the slot's status		receiving: KERNEL; sending, when filled: SEND_REQUEST
 *	place = i + 1
 *
 * A burst that finds PACKET_STEP knows of a death in between; the status says whether the slot
 * was handed over.  One that is received into cannot have come back meanwhile: the kernel has all
 * the others to fill first.  One that is sent may be AVAILABLE again, as the kernel may have been
 * called at any time (packet_tx_kick()): it was handed over unless it says TX_FILLING.
 *
 * The kernel sends what it finds when it is called, and over veth does all that the other end's
 * kernel has to do with it then.  So that is not done under the lock where it can be helped:
 * r->unsent says that it has to be done, by whoever comes first.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "dpdk_port/libc.h"
#include "dpdk_port/packet_ring.h"

/* Where the frame starts in a slot that is sent: the address behind the header is left out. */
#define TX_OFFSET (TPACKET2_HDRLEN - sizeof(struct sockaddr_ll))

/* A status of ours: the kernel compares with its own and passes over nothing. */
#define TX_FILLING 0x100u

/* Order for whoever comes after this thread's death: the compiler's; the lock orders the CPUs. */
#define step_barrier() __asm__ volatile("" ::: "memory")

static struct tpacket2_hdr *slot_at(const struct packet_ring *ring, uint32_t i)
{
	return (struct tpacket2_hdr *)(void *)(ring->slots + (size_t)i * ring->slot_size);
}

static uint32_t slot_after(const struct packet_ring *ring, uint32_t i)
{
	return i + 1 < ring->count ? i + 1 : 0;
}

static uint32_t status_of(const struct packet_ring *ring, uint32_t i)
{
	return __atomic_load_n(&slot_at(ring, i)->tp_status, __ATOMIC_ACQUIRE);
}

static void set_status(const struct packet_ring *ring, uint32_t i, uint32_t status)
{
	__atomic_store_n(&slot_at(ring, i)->tp_status, status, __ATOMIC_RELEASE);
}

int packet_rings_map(struct packet_rings *r, int fd, uint32_t slot_size, uint32_t count)
{
	size_t one = (size_t)slot_size * count;
	uint8_t *map = mmap(NULL, 2 * one, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	*r = (struct packet_rings){
		.fd = fd,
		.rx = { .slots = map, .count = count, .slot_size = slot_size },
		.tx = { .slots = map + one, .count = count, .slot_size = slot_size },
	};
	return 0;
}

void packet_rings_unmap(struct packet_rings *r)
{
	if (r->rx.slots != NULL)
		munmap(r->rx.slots, 2 * (size_t)r->rx.slot_size * r->rx.count);
	r->rx.slots = NULL;
}

/*
 * The slot that comes next.  A death between two stores is seen here: handed is whether a slot
 * of that status has left our hands.
 */
static uint32_t ring_place(struct packet_ring *ring, bool (*handed)(uint32_t status))
{
	uint32_t i = ring->place & ~PACKET_STEP;

	if (unlikely(ring->place & PACKET_STEP))
		ring->place = i = handed(status_of(ring, i)) ? slot_after(ring, i) : i;
	return i;
}

/* -- receiving ------------------------------------------------------------------------ */

static bool rx_handed(uint32_t status)
{
	return !(status & TP_STATUS_USER);
}

/* The frame in a slot as an mbuf, its VLAN tag put back; NULL: counted. */
static struct rte_mbuf *rx_copy(struct packet_ring *ring, const struct tpacket2_hdr *h,
				struct rte_mbuf *m)
{
	uint32_t len = h->tp_snaplen;

	if (h->tp_mac > ring->slot_size || len > ring->slot_size - h->tp_mac ||
	    len > rte_pktmbuf_tailroom(m))
		goto drop;
	memcpy(rte_pktmbuf_mtod(m, void *), (const uint8_t *)h + h->tp_mac, len);
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	if (h->tp_status & TP_STATUS_VLAN_VALID) {
		m->vlan_tci = h->tp_vlan_tci;
		if (rte_vlan_insert(&m) != 0)
			goto drop;
	}
	ring->packets++;
	ring->bytes += m->pkt_len;
	return m;
drop:
	rte_pktmbuf_free(m);
	ring->dropped++;
	return NULL;
}

uint16_t packet_rx_burst(struct packet_rings *r, struct rte_mempool *pool, struct rte_mbuf **pkts,
			 uint16_t n)
{
	struct packet_ring *ring = &r->rx;
	uint32_t i = ring_place(ring, rx_handed);
	struct rte_mbuf *m;
	uint16_t got = 0;

	while (got < n && !rx_handed(status_of(ring, i))) {
		m = rte_pktmbuf_alloc(pool);
		if (m == NULL)
			break;
		m = rx_copy(ring, slot_at(ring, i), m);
		if (m != NULL)
			pkts[got++] = m;
		ring->place = i | PACKET_STEP;
		step_barrier();
		set_status(ring, i, TP_STATUS_KERNEL);
		step_barrier();
		ring->place = i = slot_after(ring, i);
	}
	return got;
}

/* -- sending -------------------------------------------------------------------------- */

static bool tx_handed(uint32_t status)
{
	return status != TX_FILLING;
}

static bool tx_is_free(const struct packet_ring *ring, uint32_t i)
{
	return status_of(ring, i) == TP_STATUS_AVAILABLE;
}

/* What a death within tx_put() or tx_take_back() left in the slot that comes next. */
static uint32_t tx_place(struct packet_ring *ring)
{
	uint32_t i = ring_place(ring, tx_handed), status = status_of(ring, i);

	if (unlikely(status == TX_FILLING || (status & TP_STATUS_WRONG_FORMAT)))
		set_status(ring, i, TP_STATUS_AVAILABLE);
	return i;
}

/*
 * The kernel stops at a frame that it does not like (longer than the interface's MTU, which may
 * have been lowered): that one and what follows are taken back, as lost on the wire.
 */
static void tx_take_back(struct packet_ring *ring)
{
	uint32_t bad = 0, i;

	while (bad < ring->count && !(status_of(ring, bad) & TP_STATUS_WRONG_FORMAT))
		bad++;
	if (bad == ring->count)
		return;
	for (i = slot_after(ring, bad); i != ring->place; i = slot_after(ring, i)) {
		set_status(ring, i, TP_STATUS_AVAILABLE);
		ring->dropped++;
	}
	ring->dropped++;
	ring->place = bad;
	set_status(ring, bad, TP_STATUS_AVAILABLE);
}

static void tx_send(struct packet_rings *r)
{
	if (port_sys_syscall(SYS_sendto, r->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 &&
	    errno != EAGAIN && errno != ENOBUFS && errno != ENETDOWN)
		__atomic_store_n(&r->refused, true, __ATOMIC_RELEASE);
}

void packet_tx_kick(struct packet_rings *r)
{
	if (__atomic_load_n(&r->unsent, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(&r->unsent, false, __ATOMIC_ACQ_REL))
		tx_send(r);
}

void packet_tx_again(struct packet_rings *r)
{
	__atomic_store_n(&r->unsent, true, __ATOMIC_RELEASE);
}

static void tx_copy(struct tpacket2_hdr *h, const struct rte_mbuf *m)
{
	uint8_t *to = (uint8_t *)h + TX_OFFSET;

	h->tp_len = h->tp_snaplen = m->pkt_len;
	for (; m != NULL; m = m->next) {
		memcpy(to, rte_pktmbuf_mtod(m, const void *), m->data_len);
		to += m->data_len;
	}
}

static uint32_t tx_put(struct packet_ring *ring, uint32_t i, const struct rte_mbuf *m)
{
	if (m->pkt_len > ring->slot_size - TX_OFFSET) {
		ring->dropped++;
		return i;
	}
	set_status(ring, i, TX_FILLING);
	step_barrier();
	ring->place = i | PACKET_STEP;
	step_barrier();
	tx_copy(slot_at(ring, i), m);
	set_status(ring, i, TP_STATUS_SEND_REQUEST);
	step_barrier();
	i = slot_after(ring, i);
	ring->place = i;
	ring->packets++;
	ring->bytes += m->pkt_len;
	return i;
}

uint16_t packet_tx_burst(struct packet_rings *r, struct rte_mbuf **pkts, uint16_t n)
{
	struct packet_ring *ring = &r->tx;
	uint32_t i = tx_place(ring);
	uint16_t sent;

	if (unlikely(__atomic_exchange_n(&r->refused, false, __ATOMIC_ACQ_REL))) {
		tx_take_back(ring);
		i = ring->place;
	}
	for (sent = 0; sent < n; sent++) {
		if (unlikely(!tx_is_free(ring, i))) {
			tx_send(r);
			if (!tx_is_free(ring, i))
				break;
		}
		i = tx_put(ring, i, pkts[sent]);
		rte_pktmbuf_free(pkts[sent]);
	}
	/* Not before the slots say so: who has just been called by another looks no more. */
	if (sent > 0)
		packet_tx_again(r);
	if (!r->kicked_later)
		packet_tx_kick(r);
	return sent;
}
