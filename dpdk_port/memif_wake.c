/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memif_wake.c - what wakes a sleeper on net_memif: the descriptor that comes with each ring.
 *
 * Theory.  Two that meet on memif agree, for each ring, on an eventfd that the sender writes
 * when it has added frames, unless the receiver masks that in the ring's flags.  The driver
 * always masks, and shows nobody its rings; but what the two agree on passes as messages
 * over the control connection (type, ring, place in the shared memory, descriptor), and all
 * system calls of the driver go through libc.c.  So the messages are overheard, the ring's
 * head is mapped once more, and the mask is ours: off while somebody sleeps on the
 * descriptor, on again when the last one has woken, since each write costs the sender a
 * system call.
 *
 * While the mask is off the driver empties the eventfd before it looks at the ring, so a frame
 * that comes later is announced.  One that a burst left behind is announced by us.
 *
 * The sender (DPDK 22.11) stores the ring's head and loads the flags without a barrier in
 * between: in the few ns in which the mask goes off it may write nothing, and we see no frame
 * yet.  So it goes off only when a program that took frames sleeps, and the keeper, which looks at
 * the port some ms after that before it sleeps itself, finds that one.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "dpdk_port/memif_wake.h"
#include "dpdk_port/port_priv.h"

/* Control messages: 128 bytes, a type and what belongs to it. */
enum { MSG_ADD_REGION = 4, MSG_ADD_RING = 5, MSG_LEN = 128 };

struct msg_add_region {
	uint16_t type;
	uint16_t index;
	uint64_t size; /* bytes, as its owner says: the descriptor is asked instead */
} __attribute__((packed));

#define ADD_RING_C2S 1u /* the client sends, the server receives */

struct msg_add_ring {
	uint16_t type;
	uint16_t flags;
	uint16_t index;
	uint16_t region;
	uint32_t offset; /* in the region */
	uint8_t log2_size;
	uint16_t private_hdr_size;
} __attribute__((packed));

#define RING_COOKIE   0x3e31f20u
#define RING_MASK_INT 1u

/* head and tail count up and wrap; the client makes room by head in rings of its own. */
struct memif_ring {
	uint32_t cookie;
	_Atomic uint16_t flags;
	_Atomic uint16_t head;
	uint8_t pad[56];
	_Atomic uint16_t tail;
};

/* -- overhearing -------------------------------------------------------------------- */

struct heard {
	int ctl_fd;
	int fd; /* that came with it */
	bool is_ring;
	union {
		struct msg_add_region region;
		struct msg_add_ring ring;
	};
};

/*
 * Each message takes the next place, round and round; there is room for what all ports can agree
 * on, so one that tries again and again pushes out its own older ones.  Written by EAL's
 * interrupt thread.
 */
#define NHEARD (PORT_MAX_PORTS * (2 * PORT_MAX_QUEUES + 1))
static struct heard heard[NHEARD];
static unsigned int nheard;

static void hear(int ctl_fd, const void *msg, size_t len, int fd)
{
	struct heard *h = &heard[nheard % NHEARD];
	uint16_t type;

	if (len != MSG_LEN)
		return;
	memcpy(&type, msg, sizeof(type));
	if (type != MSG_ADD_REGION && type != MSG_ADD_RING)
		return;
	h->ctl_fd = ctl_fd;
	h->fd = fd;
	h->is_ring = type == MSG_ADD_RING;
	if (h->is_ring)
		memcpy(&h->ring, msg, sizeof(h->ring));
	else
		memcpy(&h->region, msg, sizeof(h->region));
	__atomic_store_n(&nheard, nheard + 1, __ATOMIC_RELEASE);
}

void memif_wake_listen(void)
{
	sys_on_passed_fd(hear);
}

/* The newest that matches; NULL: there was none. */
static const struct heard *recall(const struct port *p, bool (*is_it)(const struct heard *h, uint16_t what),
				  uint16_t what)
{
	unsigned int n = __atomic_load_n(&nheard, __ATOMIC_ACQUIRE);

	for (unsigned int back = 1; back <= n && back <= NHEARD; back++) {
		const struct heard *h = &heard[(n - back) % NHEARD];

		if (h->ctl_fd == p->link_fd && is_it(h, what))
			return h;
	}
	return NULL;
}

static bool is_region(const struct heard *h, uint16_t index)
{
	return !h->is_ring && h->region.index == index;
}

static bool is_server_rx(const struct heard *h, uint16_t queue)
{
	return h->is_ring && h->ring.index == queue && (h->ring.flags & ADD_RING_C2S) != 0;
}

static bool is_client_rx(const struct heard *h, uint16_t queue)
{
	return h->is_ring && h->ring.index == queue && (h->ring.flags & ADD_RING_C2S) == 0;
}

/* -- attaching ---------------------------------------------------------------------- */

/* The ring's head in memory of its own; NULL if it is not what was said. */
static struct memif_ring *map_ring(const struct heard *region, const struct msg_add_ring *ring)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), in_page = ring->offset % page;
	struct memif_ring *r;
	struct stat st;
	uint8_t *mem;

	if (ring->offset % 64 != 0 || port_sys_syscall(SYS_fstat, region->fd, &st) < 0 ||
	    ring->offset + sizeof(*r) > (uint64_t)st.st_size)
		return NULL;
	mem = mmap(NULL, in_page + sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED, region->fd,
		   (off_t)(ring->offset - in_page));
	if (mem == MAP_FAILED)
		return NULL;
	r = (struct memif_ring *)(mem + in_page);
	if (r->cookie == RING_COOKIE)
		return r;
	munmap(mem, in_page + sizeof(*r));
	return NULL;
}

/* Is fd an eventfd, which has no type of file, with the flag that the driver's read needs? */
static bool make_eventfd(int fd)
{
	struct stat st;
	int flags;

	if (port_sys_syscall(SYS_fstat, fd, &st) < 0 || (st.st_mode & S_IFMT) != 0)
		return false;
	flags = port_sys_fcntl64(fd, F_GETFL);
	return flags >= 0 && port_sys_fcntl64(fd, F_SETFL, flags | O_NONBLOCK) >= 0;
}

/* Returns the descriptor, -1 if the queue has none. */
static int attach_queue(struct port *p, bool server, uint16_t queue)
{
	const struct heard *ring = recall(p, server ? is_server_rx : is_client_rx, queue), *region;

	if (ring == NULL)
		return -1;
	region = recall(p, is_region, ring->ring.region);
	/* The driver reads it with the lock held. */
	if (region == NULL || !make_eventfd(ring->fd))
		return -1;
	p->memif[queue].ring = map_ring(region, &ring->ring);
	/* The client fills its ring with room for frames: what it has taken is a ring's size behind. */
	p->memif[queue].ahead = server ? 0 : (uint16_t)(1u << ring->ring.log2_size);
	return p->memif[queue].ring != NULL ? ring->fd : -1;
}

void memif_wake_attach(struct port *p, bool server)
{
	uint16_t n = p->netif.nqueues;
	int fds[PORT_MAX_QUEUES] = { 0 };

	for (uint16_t q = 0; q < n; q++) {
		fds[q] = attach_queue(p, server, q);
		if (fds[q] < 0)
			return;
	}
	memcpy(p->wait_fds, fds, n * sizeof(fds[0]));
}

/* -- asleep and awake ---------------------------------------------------------------- */

static bool has_frames(const struct memif_rx *rx)
{
	uint16_t head = atomic_load_explicit(&rx->ring->head, memory_order_relaxed);
	uint16_t tail = atomic_load_explicit(&rx->ring->tail, memory_order_relaxed);

	return (uint16_t)(head - rx->ahead) != tail;
}

static void announce(int fd)
{
	static const uint64_t one = 1;

	/* Full is as good as written. */
	(void)!port_sys_write(fd, &one, sizeof(one));
}

void memif_wait_begin(struct port *p, uint16_t queue)
{
	const struct memif_rx *rx = &p->memif[queue];

	atomic_fetch_and_explicit(&rx->ring->flags, (uint16_t)~RING_MASK_INT, memory_order_seq_cst);
	if (has_frames(rx) && !rx->stuck)
		announce(p->wait_fds[queue]);
}

void memif_wait_end(struct port *p, uint16_t queue, bool others)
{
	if (!others)
		atomic_fetch_or_explicit(&p->memif[queue].ring->flags, RING_MASK_INT,
					 memory_order_relaxed);
}

static bool is_masked(const struct memif_ring *ring)
{
	return (atomic_load_explicit(&ring->flags, memory_order_relaxed) & RING_MASK_INT) != 0;
}

uint16_t memif_rx_burst(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t max)
{
	struct memif_rx *rx = &p->memif[queue];
	bool waited;
	uint16_t n;

	if (likely(p->wait_fds[queue] < 0 || is_masked(rx->ring)))
		return rte_eth_rx_burst(p->id, queue, pkts, max);
	waited = has_frames(rx);
	n = rte_eth_rx_burst(p->id, queue, pkts, max);
	rx->stuck = n == 0 && waited;
	if (n == max)
		announce(p->wait_fds[queue]);
	return n;
}
