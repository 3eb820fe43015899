/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mbuf_pool.h - between the port and its pools; the rest of the pool's face is in port.h.
 */
#ifndef DPDK_PORT_MBUF_POOL_H
#define DPDK_PORT_MBUF_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;

/* Bytes of DPDK memory that a pool of n mbufs takes, everything included. */
uint64_t mbuf_pool_bytes(unsigned int n, uint16_t priv_size, uint16_t data_room);

/*
 * A driver with a receive ring of mbufs keeps what it allocates until a frame has come.
 * lend() before it runs, take() with the frames that it returned: what it allocated
 * and did not return is the driver's, and a rebuild leaves it there.  Drivers that
 * keep nothing between calls need neither.
 */
void mbuf_pool_lend(struct rte_mempool *pool);
void mbuf_pool_take(struct rte_mempool *pool, struct rte_mbuf **pkts, uint16_t n);

/* How often a free mbuf was freed or a foreign one given (refused); 0 in a correct program. */
uint64_t mbuf_pool_bad_frees(const struct rte_mempool *pool);

#endif
