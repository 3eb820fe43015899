/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memif_wake.h - a descriptor to sleep on for net_memif, see memif_wake.c.
 */
#ifndef DPDK_PORT_MEMIF_WAKE_H
#define DPDK_PORT_MEMIF_WAKE_H

#include "dpdk_port/port_priv.h"

/* Before the device is made: what it agrees on with its peer is overheard from here on. */
void memif_wake_listen(void);
/*
 * The two have met.  If all queues' rings are known, the port has wait descriptors; otherwise
 * none, and sleepers nap.
 */
void memif_wake_attach(struct port *p, bool server);

/* As port_wait_begin() and port_wait_end(), of a port with wait descriptors. */
void memif_wait_begin(struct port *p, uint16_t queue);
void memif_wait_end(struct port *p, uint16_t queue, bool others);
/* The driver's, and what it leaves wakes those that still sleep. */
uint16_t memif_rx_burst(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t max);

#endif
