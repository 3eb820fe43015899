/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port_priv.h - what the files of this directory share: the port, and a table per kind of
 * link for what differs between them.
 */
#ifndef DPDK_PORT_PORT_PRIV_H
#define DPDK_PORT_PORT_PRIV_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "dpdk_port/libc.h"
#include "dpdk_port/packet_ring.h"
#include "dpdk_port/port.h"
#include "dpdk_port/port.h"

#define PORT_MAX_QUEUES 16
#define PORT_MAX_FDS	96
#define PORT_ARGS_LEN	512

struct link_type;

/* memif_wake.c: the head of a ring that frames come in by, NULL if it is not known. */
struct memif_rx {
	struct memif_ring *ring;
	uint16_t ahead; /* head is this much ahead of tail when no frame waits */
	bool stuck;	/* frames wait, but there is no memory to take them */
};

struct port {
	struct netif netif;
	const struct link_type *type;
	uint16_t id;	  /* DPDK's */
	bool holds_mbufs; /* the driver has mbufs in its receive ring */
	bool started;
	struct port_stats own; /* of bursts made here, not by the driver: tap */
	bool tap_vnet;	       /* tap: frames have a struct virtio_net_hdr, else a struct tun_pi */
	bool tap_large;	       /* the last frame read was a super-packet */
	struct packet_rings rings[PORT_MAX_QUEUES]; /* af_packet */
	struct memif_rx memif[PORT_MAX_QUEUES];
	struct rte_mempool *pools[PORT_MAX_QUEUES];

	/* link_is_up(): asked of the system every so often */
	bool link_up;
	bool link_dead; /* memif: gone for good */
	uint64_t link_next_tsc;

	int ctl_fd;		       /* AF_INET datagram socket for interface ioctls, -1: none */
	int lock_fd;		       /* keeps others from the same link */
	int link_fd;		       /* memif: the control connection */
	int wait_fds[PORT_MAX_QUEUES]; /* -1: none */
	int fds[PORT_MAX_FDS];
	unsigned int nfds;
	char ifname[IFNAMSIZ]; /* the kernel's interface, "" if there is none */
};

/* What is known while a port opens. */
struct port_open {
	const struct port_params *params;
	char driver[32];	  /* net_tap */
	char name[64];		  /* net_tap0 */
	char args[PORT_ARGS_LEN]; /* iface=shim0,… */
	uint16_t frame_room;	  /* bytes that one mbuf must hold behind its headroom */
	char *err;
	struct port *port; /* NULL before EAL runs */
	unsigned int number; /* of the ports that open together */
	const struct port_open *first, *prev;
	int known[SYS_MAX_FDS]; /* tracked descriptors that were there before the device */
	unsigned int nknown;
};

/*
 * A kind of link.  Functions that can fail return -errno with a line in o->err; a NULL
 * function means that nothing differs from the common way.
 */
struct link_type {
	const char *driver;	 /* the vdev's name without its number; NULL: anything else */
	const char *const *keys; /* the arguments it takes, NULL-terminated; NULL: unknown */
	bool holds_mbufs;
	uint16_t max_queues;
	uint32_t caps;	       /* NETIF_* that the driver may be trusted with */
	bool caps_from_device; /* with whatever it reports; it has receive rings and a frame limit */

	/* Before EAL: can this work here?  May add to o->args and take the lock. */
	int (*check)(struct port_open *o);
	/* The driver refused: say why. */
	int (*explain)(struct port_open *o, int error);
	/* Started: names, MAC, MTU, wait descriptors. */
	int (*attach)(struct port_open *o);
	/* Signals of the program are open: wait for the peer, if there is one. */
	int (*connect)(struct port_open *o);
	/* EAL's threads have stopped, and all ports are connected: nothing of the device changes any more. */
	void (*settle)(struct port_open *o);
	bool (*link_up)(struct port *p);
	/* Instead of the driver's bursts. */
	uint16_t (*rx_burst)(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
	uint16_t (*tx_burst)(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
	/* What is left to do after a burst, without the lock; again: even if it seems done. */
	void (*tx_kick)(struct port *p, bool again);
	void (*tx_kick_later)(struct port *p);
	/* As port_wait_begin(), port_wait_end(). */
	void (*wait_begin)(struct port *p, uint16_t queue);
	void (*wait_end)(struct port *p, uint16_t queue, bool others);
	/* Of those bursts: the driver knows nothing of them. */
	void (*read_stats)(const struct port *p, struct port_stats *stats);
	/* The device is about to close. */
	void (*detach)(struct port *p);
};

extern const struct link_type link_tap, link_af_packet, link_memif, link_other;

extern const struct netif_ops port_netif_ops; /* netif.c */

/* Was the descriptor made by this port's device, rather than by EAL or another's? */
bool port_fd_is_new(const struct port_open *o, int fd);

/* One line of error; returns -error. */
int port_fail(struct port_open *o, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The value of key in "a=1,b=2", copied; false if it is not there. */
bool port_arg(const char *args, const char *key, char *value, size_t len);
/* Append ",key=value" to the driver's arguments unless the user gave the key. */
int port_arg_default(struct port_open *o, const char *key, const char *value);

/*
 * Take "who" for this stack: -EBUSY if a process of another has it.  Held until the last
 * process with the descriptor ends; valid in one network namespace.  Returns the fd.
 */
int port_lock(const char *who);

/* kernel_if.c: the kernel's side of a link.  fd: any socket. */
bool kernel_if_exists(int fd, const char *ifname);
int kernel_if_mtu(int fd, const char *ifname);
int kernel_if_set_mtu(int fd, const char *ifname, unsigned int mtu);
/* IFF_* or -errno. */
int kernel_if_flags(int fd, const char *ifname);
/* Is the link of the interface there (also while it is down)?  -errno */
int kernel_if_carrier(int fd, const char *ifname);
/* Set the interface's MTU if the user named one; o->port->netif.mtu becomes what it has. */
int kernel_if_attach_mtu(struct port_open *o);
/* 0: there is none of that name. */
uint32_t kernel_if_index(int fd, const char *ifname);
int kernel_if_mac(int fd, const char *ifname, uint8_t mac[6]);

#endif
