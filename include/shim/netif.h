/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netif.h - the only door between the stack and a link.
 *
 * A netif is a table of operations over one or more queue pairs.  dpdk_port/
 * implements it for DPDK ports, test/wire/ for the simulated link.  The stack
 * sends and receives rte_mbufs through it and knows nothing else of the link.
 *
 * A netif lies in memory that fork shares, and so does everything its operations
 * touch; the operations themselves run in any process of the stack, always under
 * the lock of the stack that owns the queue.  They must not allocate from DPDK's
 * heap (see ARCHITECTURE.md, "shared by fork").
 */
#ifndef SHIM_NETIF_H
#define SHIM_NETIF_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct netif;

#define NETIF_NAME_LEN 32
#define NETIF_MAC_LEN 6

/* What the link does by itself; where a bit is missing the stack does it in software. */
enum netif_caps {
	NETIF_TX_IP4_CSUM = 1u << 0,
	NETIF_TX_TCP_CSUM = 1u << 1,
	NETIF_TX_UDP_CSUM = 1u << 2,
	/*
	 * TCP segmentation, IPv4 and IPv6: a chain with RTE_MBUF_F_TX_TCP_SEG, tso_segsz and the
	 * lengths of its headers leaves as segments of tso_segsz bytes.  Needs the next and
	 * NETIF_TX_TCP_CSUM.
	 */
	NETIF_TX_TSO = 1u << 3,
	NETIF_TX_MULTI_SEG = 1u << 4, /* mbuf chains may be given to tx_burst */
	NETIF_TX_VLAN = 1u << 5,
	NETIF_RX_IP4_CSUM = 1u << 6, /* RX ol_flags carry RTE_MBUF_F_RX_IP_CKSUM_* */
	NETIF_RX_L4_CSUM = 1u << 7,  /* RX ol_flags carry RTE_MBUF_F_RX_L4_CKSUM_* */
	NETIF_RX_VLAN_STRIP = 1u << 8,
	/* What tx_burst took is freed when it returns: none is the link's between bursts. */
	NETIF_TX_COPIES = 1u << 9,
};

struct netif_ops {
	/*
	 * Take up to n received frames; each starts at its Ethernet header.  The
	 * caller owns what is returned.  One that the link has joined from segments of a
	 * TCP flow, up to 64 KiB, has RTE_MBUF_F_RX_LRO and their size in tso_segsz.
	 */
	uint16_t (*rx_burst)(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
	/*
	 * Hand over up to n frames; returns how many were taken (from the front),
	 * which the link now owns.  The rest stay the caller's.
	 */
	uint16_t (*tx_burst)(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
	/* Is the link up?  Cheap; may be cached by the implementation. */
	bool (*link_is_up)(struct netif *nif);
};

struct netif {
	const struct netif_ops *ops;
	void *priv;
	uint32_t caps; /* enum netif_caps */
	uint16_t mtu;  /* IP bytes in a frame */
	uint16_t nqueues;
	uint16_t tso_segs; /* NETIF_TX_TSO: how many mbufs a chain may have */
	uint16_t vlan; /* 802.1Q id the stack tags and expects, 0: none */
	uint32_t ifindex; /* what programs call it by, unique; 0: its number in the stack + 1 */
	uint8_t mac[NETIF_MAC_LEN];
	char name[NETIF_NAME_LEN];
};

#endif
