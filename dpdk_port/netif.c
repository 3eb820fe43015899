/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netif.c - an open port at work: bursts, link state, statistics.
 *
 * Everything here may be done by any process of the stack, under the lock of the queue's.
 */
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "dpdk_port/mbuf_pool.h"
#include "dpdk_port/port_priv.h"

static uint16_t port_rx_burst(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct port *p = nif->priv;

	if (p->type->rx_burst != NULL)
		return p->type->rx_burst(p, queue, pkts, n);
	if (!p->holds_mbufs)
		return rte_eth_rx_burst(p->id, queue, pkts, n);
	mbuf_pool_lend(p->pools[queue]);
	n = rte_eth_rx_burst(p->id, queue, pkts, n);
	mbuf_pool_take(p->pools[queue], pkts, n);
	return n;
}

/*
 * Devices differ in what they want to find in a super-packet's checksum field: the driver puts
 * it there, again if the frame was not taken the last time.  What it refuses is lost.
 */
static uint16_t prepared_tx_burst(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t ready = rte_eth_tx_prepare(p->id, queue, pkts, n);
	uint16_t sent = rte_eth_tx_burst(p->id, queue, pkts, ready);

	if (unlikely(sent == ready && ready < n)) {
		rte_pktmbuf_free(pkts[sent]);
		sent++;
	}
	return sent;
}

static uint16_t port_tx_burst(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct port *p = nif->priv;

	if (p->type->tx_burst != NULL)
		return p->type->tx_burst(p, queue, pkts, n);
	if (p->netif.caps & NETIF_TX_TSO)
		return prepared_tx_burst(p, queue, pkts, n);
	return rte_eth_tx_burst(p->id, queue, pkts, n);
}

bool port_tx_kick_later(struct port *port)
{
	if (port->type->tx_kick_later == NULL)
		return false;
	port->type->tx_kick_later(port);
	return true;
}

void port_tx_kick(struct port *port)
{
	if (port->type->tx_kick != NULL)
		port->type->tx_kick(port, false);
}

void port_tx_kick_again(struct port *port)
{
	if (port->type->tx_kick != NULL)
		port->type->tx_kick(port, true);
}

static bool device_link_up(struct port *p)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

/* Asked of the system at most every 2^28 ticks, about a tenth of a second. */
static bool port_link_is_up(struct netif *nif)
{
	struct port *p = nif->priv;
	uint64_t now = rte_rdtsc();

	if ((int64_t)(now - p->link_next_tsc) >= 0) {
		p->link_next_tsc = now + (1u << 28);
		p->link_up = p->type->link_up != NULL ? p->type->link_up(p) : device_link_up(p);
	}
	return p->link_up;
}

const struct netif_ops port_netif_ops = {
	.rx_burst = port_rx_burst,
	.tx_burst = port_tx_burst,
	.link_is_up = port_link_is_up,
};

/* -- questions ---------------------------------------------------------------------- */

struct netif *port_netif(struct port *port)
{
	return &port->netif;
}

struct rte_mempool *port_mbuf_pool(struct port *port)
{
	return port->pools[0];
}

struct rte_mempool *port_queue_mbuf_pool(struct port *port, uint16_t queue)
{
	return queue < port->netif.nqueues ? port->pools[queue] : NULL;
}

unsigned int port_wait_fds(const struct port *port, uint16_t queue, int fds[PORT_MAX_WAIT_FDS])
{
	if (queue >= port->netif.nqueues || port->wait_fds[queue] < 0)
		return 0;
	fds[0] = port->wait_fds[queue];
	return 1;
}

void port_wait_begin(struct port *port, uint16_t queue)
{
	if (port->type->wait_begin != NULL && port->wait_fds[queue] >= 0)
		port->type->wait_begin(port, queue);
}

void port_wait_end(struct port *port, uint16_t queue, bool others)
{
	if (port->type->wait_end != NULL && port->wait_fds[queue] >= 0)
		port->type->wait_end(port, queue, others);
}

unsigned int port_fds(const struct port *port, int *fds, unsigned int n)
{
	if (n > port->nfds)
		n = port->nfds;
	memcpy(fds, port->fds, n * sizeof(fds[0]));
	return n;
}

void port_read_stats(struct port *port, struct port_stats *stats)
{
	struct rte_eth_stats s;

	memset(stats, 0, sizeof(*stats));
	if (port->type->read_stats != NULL) {
		port->type->read_stats(port, stats);
		return;
	}
	if (rte_eth_stats_get(port->id, &s) != 0)
		return;
	stats->rx_packets = s.ipackets;
	stats->rx_bytes = s.ibytes;
	stats->tx_packets = s.opackets;
	stats->tx_bytes = s.obytes;
	stats->rx_missed = s.imissed;
	stats->rx_errors = s.ierrors;
	stats->tx_errors = s.oerrors;
	stats->rx_nombuf = s.rx_nombuf;
}

/* -- per process, per thread -------------------------------------------------------- */

void port_after_fork(struct port *port)
{
	(void)port;
	/* rte_gettid() keeps the thread id; a child has another. */
	RTE_PER_LCORE(_thread_id) = -1;
}

void port_lcore_enter(unsigned int lcore, unsigned int *saved)
{
	*saved = RTE_PER_LCORE(_lcore_id);
	RTE_PER_LCORE(_lcore_id) = lcore;
}

void port_lcore_leave(unsigned int saved)
{
	RTE_PER_LCORE(_lcore_id) = saved;
}
