/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port.h - a DPDK port as a netif: EAL, mbuf pool, queues, sleep and wake.
 *
 * The ports of one stack; opened together, once, before any fork.  After the first fork
 * nothing here allocates, configures, starts or stops: see eal.c for the reasons.
 */
#ifndef DPDK_PORT_PORT_H
#define DPDK_PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/netif.h"

struct rte_mempool;
struct rte_mbuf;
struct port;

#define PORT_MAX_PORTS 4
#define PORT_MAX_WAIT_FDS 8
/* The ifindex of a first port without an interface of the kernel; its own go up from 1. */
#define PORT_IFINDEX 0x40000000u
#define PORT_ERR_LEN	  512

struct port_params {
	const char *vdev; /* a DPDK vdev string, or NULL */
	const char *pci;  /* or a PCI address, or NULL */
	unsigned int queues;
	unsigned int mtu; /* 0: the port's own */
	unsigned int vlan;
	const uint8_t *mac;   /* 6 bytes, or NULL: choose a locally administered one */
	uint64_t memory;      /* bytes for packet buffers */
	int hugepages;	      /* enum config_hugepages */
	bool no_offload;      /* no checksums or segmentation by the device, nor joined segments */
	unsigned int wait_ms; /* memif: how long to wait for the peer; 0: PORT_WAIT_MS */
};

#define PORT_WAIT_MS 30000

/*
 * Start EAL and open, configure and start the port.  Call at most once in a
 * process; nothing may have forked since the program's start that shares it.
 * All signals are blocked and real-time signals ignored meanwhile, the CPU
 * affinity is put back, stdout is not written to, every new descriptor is
 * CLOEXEC.  Descriptors that open here can be learned from port_fds().
 *
 * The port's memory (struct port, its netif) lies in DPDK memory that fork shares.
 *
 * Returns 0, or -errno with one line in err that says what is missing and the way
 * out: -EBUSY (port, interface or memif role in use), -ENOMEM, -EPERM, -ENODEV, -EINVAL,
 * -ETIMEDOUT (memif: no peer), -EINTR (INT, TERM, QUIT or HUP came while waiting for
 * it), -EIO.
 *
 * memif: the peer must be there before the port is: its memory is mapped in this process
 * and inherited from it.  The call blocks until then.
 */
int port_open(const struct port_params *params, struct port **out, char err[PORT_ERR_LEN]);
/*
 * The same for n ports, 1 to PORT_MAX_PORTS, of one stack: all of them or none.  queues, memory
 * and hugepages are the first's; the ports share their mbuf pools.
 */
int ports_open(const struct port_params *params, unsigned int n, struct port **out,
	       char err[PORT_ERR_LEN]);

/*
 * Stop and close; only in a process that never shared the port (tests, errors at start).
 * EAL and its memory stay until the process ends.
 */
void port_close(struct port *port);

struct netif *port_netif(struct port *port);
/* The pool of queue 0, and of any queue (NULL: no such queue). */
struct rte_mempool *port_mbuf_pool(struct port *port);
struct rte_mempool *port_queue_mbuf_pool(struct port *port, uint16_t queue);

/*
 * Descriptors that become readable (poll: POLLIN) when a frame waits on queue.
 * Valid in every process that inherited them.  Returns their number, 0 if the port
 * has none and the sleeper must nap instead.
 */
unsigned int port_wait_fds(const struct port *port, uint16_t queue, int fds[PORT_MAX_WAIT_FDS]);

/*
 * Around a sleep on queue's descriptors, with the queue's lock held: a link may tell of frames
 * only while somebody sleeps.  Frames that wait at port_wait_begin() make them readable at once.
 * port_wait_end() comes after the awakened has taken frames; others: somebody else still sleeps
 * on them.  Who died asleep did no harm.  Without descriptors both do nothing.
 */
void port_wait_begin(struct port *port, uint16_t queue);
void port_wait_end(struct port *port, uint16_t queue, bool others);

/*
 * Every descriptor that EAL and the ports that opened together made: asked of the first, the
 * others have none.  Returns the number stored (at most n).
 */
unsigned int port_fds(const struct port *port, int *fds, unsigned int n);

/*
 * A link whose kernel has to be called for frames to leave (AF_PACKET).  From port_tx_kick_later()
 * on, tx bursts leave that to port_tx_kick(), which needs no lock: a caller that holds one lets
 * go of it first.  port_tx_kick_later() says whether this is such a link.  After somebody
 * died, who may not have come to it, port_tx_kick_again() has the next one do it.
 */
bool port_tx_kick_later(struct port *port);
void port_tx_kick(struct port *port);
void port_tx_kick_again(struct port *port);

/* Packets the port itself dropped or failed, for statistics; safe after fork. */
struct port_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_missed, rx_errors, tx_errors,
		rx_nombuf;
};
void port_read_stats(struct port *port, struct port_stats *stats);

/*
 * Call once in each fork child before it uses the port: resets what DPDK caches
 * per thread.
 */
void port_after_fork(struct port *port);

/* Become / stop being the owner of the stack's lcore id; called at lock and unlock. */
void port_lcore_enter(unsigned int lcore, unsigned int *saved);
void port_lcore_leave(unsigned int saved);

/* -- mbuf pool (mbuf_pool.c) ------------------------------------------------------ */

/*
 * A pool of mbufs used by one stack, under its lock.  It has no per-lcore cache and
 * no multi-producer ring; its free list is a LIFO beside one state byte per
 * mbuf, so that it can be rebuilt after its user was killed in the middle.
 * priv_size bytes of private area per mbuf.  Returns NULL with rte_errno.
 */
struct rte_mempool *mbuf_pool_create(const char *name, unsigned int n, uint16_t priv_size,
				     uint16_t data_room, int socket_id);

/* Number of mbufs that are free now. */
unsigned int mbuf_pool_available(const struct rte_mempool *pool);

/*
 * After the lock's holder died: rebuild the free list.  keep(m, arg) is asked of
 * every mbuf that was taken by the stack's code: true if somebody (a queue, the link)
 * still owns it.  What a driver holds in its receive ring is not asked about and stays.
 * May be called again after a kill in the middle.  Returns how many orphans were
 * taken back; they come back as new: unchained, one reference.
 */
unsigned int mbuf_pool_rebuild(struct rte_mempool *pool,
			       bool (*keep)(const struct rte_mbuf *m, void *arg), void *arg);

#endif
