/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire.h - a simulated Ethernet segment between netifs, on a virtual clock.
 *
 * Two or more ports; what one sends the others receive, each through the sender's
 * impairments: an exact drop mask or predicate, random loss, burst loss, bit flips,
 * duplication, a bounded queue in front of a rate, delay, jitter, reordering, MTU.
 * Everything random comes from one seed, so a run can be replayed exactly.
 *
 * A port is either a netif (wire_netif(): a stack drives it) or is spoken to in raw
 * frames (wire_inject(), wire_take()).
 *
 * The order of what may happen to a frame: MTU, drop mask, predicate, loss, duplication,
 * corruption, queue limit, rate, delay + jitter, reordering.
 *
 * Like a NIC, the wire may hold a transmitted mbuf until the frame has left
 * (late_dma): it reads the bytes then, and finds out if somebody wrote to them meanwhile.
 * Received frames are copied into mbufs of the receiving port's pool, optionally as
 * chains of small segments, padded to 60 bytes as Ethernet does; padding and the rest of
 * each buffer are junk.
 */
#ifndef TEST_WIRE_WIRE_H
#define TEST_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/netif.h"
#include "test/wire/capture.h"
#include "test/wire/rng.h"

struct rte_mempool;
struct wire_frame;
struct wire_held;

#define WIRE_MAX_PORTS 8
#define WIRE_MASK_BITS 4096
#define WIRE_NEVER UINT64_MAX

/* What a predicate may say about a frame. */
enum wire_verdict { WIRE_PASS, WIRE_DROP, WIRE_DUPLICATE, WIRE_CORRUPT, WIRE_DELAY };

/* What happens to frames that a port sends.  All zero: a perfect, infinitely fast link. */
struct wire_impair {
	uint64_t delay_ns;
	uint64_t jitter_ns;	/* adds uniform [0, jitter] but keeps the order */
	bool jitter_reorders;	/* … and does not keep it */
	uint64_t rate_bps;	/* 0: infinitely fast */
	uint32_t queue_bytes;	/* bytes waiting for the rate; 0: no limit */
	uint32_t mtu;		/* IP bytes; 0: any */
	uint32_t loss_ppm;
	struct {		/* Gilbert-Elliott: a state of loss entered and left at random */
		uint32_t enter_ppm, leave_ppm, loss_ppm;
	} burst;
	uint32_t dup_ppm;
	uint32_t corrupt_ppm;	/* flips 1..3 bits of one word behind the Ethernet header */
	uint32_t reorder_ppm;	/* delayed by a further reorder_ns */
	uint64_t reorder_ns;
	/* Asked for each frame if set; index counts the port's frames from 0. */
	enum wire_verdict (*decide)(void *arg, const uint8_t *frame, size_t len, uint64_t index);
	void *decide_arg;
};

struct wire_stats {
	uint64_t sent, sent_bytes, delivered, lost, masked, queue_full, corrupted, duplicated;
	uint64_t reordered, too_big, no_mbuf, filtered;
	uint64_t super_packets; /* cut by TSO; sent counts what was cut of them */
	uint64_t joined;	/* to the one before by rx_join */
};

struct wire_port {
	struct wire *wire;
	struct netif nif;
	struct rte_mempool *pool; /* for what this port receives; NULL: a raw port */
	struct wire_impair tx;
	struct wire_stats stats;
	uint64_t drop_mask[WIRE_MASK_BITS / 64]; /* bit i: drop the port's i-th frame */
	uint64_t tx_index;
	uint64_t busy_until;   /* when the last queued frame has left */
	uint64_t last_arrival; /* to keep order under jitter */
	bool burst_bad;
	bool link_down;
	bool late_dma;
	bool rx_join;	       /* TCP segments that have arrived together are joined (LRO) */
	bool stale_priv;       /* received mbufs keep what their private area held last */
	uint16_t rx_segment;   /* 0: contiguous; else split what is received into such pieces */
	uint16_t tx_budget;    /* frames tx_burst takes per call at most; 0: all */
	struct wire_frame *inbox, *inbox_last; /* ordered by arrival, then by serial */
	uint32_t inbox_count;
	uint8_t id;
};

struct wire {
	struct wire_port ports[WIRE_MAX_PORTS];
	unsigned int nports;
	uint64_t now;
	uint64_t serial;
	struct rng rng;
	struct wire_held *held; /* late_dma: frames whose bytes the wire still reads, by departure */
	struct capture capture;
};

void wire_init(struct wire *w, unsigned int nports, uint64_t seed, uint64_t now);
/* Frees what is in flight. */
void wire_free(struct wire *w);

/*
 * Port i as a netif with a MAC of its own, MTU 1500 and the given NETIF_* capabilities,
 * which the wire then really has: checksums; TSO, cutting super-packets as a NIC does after
 * a look at all that ethdev demands of them.  pool: where received frames are put.
 */
struct netif *wire_netif(struct wire *w, unsigned int i, struct rte_mempool *pool, uint32_t caps);

/* Drop port i's frame number n, counted from the next one on (0: the very next). */
void wire_drop_nth(struct wire *w, unsigned int i, unsigned int n);

/* Send raw bytes from port i. */
void wire_inject(struct wire *w, unsigned int i, const uint8_t *frame, size_t len);
/* Take the next frame that has arrived at raw port i: its length, 0 if none.  buf: FRAME_MAX. */
size_t wire_take(struct wire *w, unsigned int i, uint8_t *buf, uint64_t *arrival);

/* Time only moves forward.  Lets held frames go whose time has come. */
void wire_set_now(struct wire *w, uint64_t now);
/* When something will happen next, after now: a frame arrives or a held one leaves. */
uint64_t wire_next_event(const struct wire *w);
/* When the first frame in port's inbox arrives or did arrive; WIRE_NEVER if there is none. */
uint64_t wire_port_arrival(const struct wire_port *p);
/* Frames in flight to all ports. */
unsigned int wire_in_flight(const struct wire *w);

#endif
