/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * packet_ring.h - bursts on the rings of a packet socket (TPACKET_V2), such that a process
 * may be killed at any instruction of one.
 *
 * net_af_packet makes the socket and the rings.  But its bursts keep the place in the ring
 * in a local variable until they end: a process that is killed within one leaves the
 * driver at a slot which the kernel passed long ago, and nothing is received until the kernel
 * has come round to it, and what is sent stays behind by as much.  Here the place is shared and
 * moves with each slot, and the next burst, by any process, can tell where a death left it.
 */
#ifndef DPDK_PORT_PACKET_RING_H
#define DPDK_PORT_PACKET_RING_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;

#define PACKET_STEP 0x80000000u

struct packet_ring {
	uint8_t *slots; /* the kernel's memory, mapped at the same address in all processes */
	uint32_t count, slot_size;
	uint32_t place; /* the slot that comes next; with PACKET_STEP while it changes hands */
	uint64_t packets, bytes;
	uint64_t dropped; /* sent: the kernel refused it; received: its tag had no room */
};

/* A packet socket's two rings: the receiving one is mapped first. */
struct packet_rings {
	int fd;
	struct packet_ring rx, tx;
	bool kicked_later; /* packet_tx_burst() leaves packet_tx_kick() to its caller */
	bool unsent;	   /* there are frames that the kernel has not been told of */
	bool refused;	   /* it did not like one: the next burst sees to it */
};

/* Map the rings that fd has, each of count slots.  0 or -errno. */
int packet_rings_map(struct packet_rings *r, int fd, uint32_t slot_size, uint32_t count);
void packet_rings_unmap(struct packet_rings *r);

/* As rte_eth_rx_burst() and rte_eth_tx_burst(). */
uint16_t packet_rx_burst(struct packet_rings *r, struct rte_mempool *pool, struct rte_mbuf **pkts,
			 uint16_t n);
uint16_t packet_tx_burst(struct packet_rings *r, struct rte_mbuf **pkts, uint16_t n);
/*
 * Have the kernel send what is in the ring, if anything is new.  Any process may, at any time,
 * without the lock; who sets unsent has to see that somebody does.
 */
void packet_tx_kick(struct packet_rings *r);
/* Somebody may have died before he kicked: the next one is to, whether there is anything or not. */
void packet_tx_again(struct packet_rings *r);

#endif
