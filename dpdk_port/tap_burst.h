/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tap_burst.h - bursts on the descriptors of a TAP, such that a process may be killed at any
 * instruction of one; as rte_eth_rx_burst() and rte_eth_tx_burst().
 */
#ifndef DPDK_PORT_TAP_BURST_H
#define DPDK_PORT_TAP_BURST_H

#include <stdint.h>

struct port;
struct rte_mbuf;

#define TAP_MAX_SEGS 64 /* mbufs of a frame */

uint16_t tap_rx_burst(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
uint16_t tap_tx_burst(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);

#endif
