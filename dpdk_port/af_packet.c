/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * af_packet.c - net_af_packet: a packet socket on a kernel interface, one end of a veth for
 * example.  Frames are copied through rings shared with the kernel.
 *
 * The kernel's stack still sees every frame that we see.  So its end has no address (the
 * engine checks) and the peer must send whole checksums and no super-frames: a ring
 * slot takes one frame of the link's MTU, and what is longer arrives cut off.
 *
 * The port has the interface's own address: another would need promiscuous mode.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_ethdev.h>

#include "dpdk_port/eal.h"
#include "dpdk_port/libc.h"
#include "dpdk_port/port_priv.h"

/* TPACKET2_HDRLEN and alignment (52, rounded), the headroom that the kernel leaves, a VLAN tag. */
#define FRAME_OVERHEAD 128
#define RING_BYTES \
	(1u << 20) /* of each of the two rings of a queue, unless framecnt= says otherwise */

/*
 * One ring slot holds one frame.  The driver finds the slots by their number alone, so blocks
 * must be whole pages and whole slots at once; and one mbuf must hold a slot.
 */
static int packet_ring_args(struct port_open *o, unsigned int mtu)
{
	unsigned int frame = 2048;
	char num[16];
	int r;

	if (mtu + FRAME_OVERHEAD > frame)
		frame = (mtu + FRAME_OVERHEAD + 4095) / 4096 * 4096;
	if (frame + 256 > UINT16_MAX)
		return port_fail(o, EINVAL, "an MTU of %u is too large for a packet socket's ring",
				 mtu);
	snprintf(num, sizeof(num), "%u", frame);
	r = port_arg_default(o, "framesz", num);
	snprintf(num, sizeof(num), "%u", frame > 4096 ? frame : 4096);
	if (r == 0)
		r = port_arg_default(o, "blocksz", num);
	port_arg(o->args, "framesz", num, sizeof(num));
	frame = (unsigned int)strtoul(num, NULL, 10);
	if (frame < mtu + FRAME_OVERHEAD || frame + 256 > UINT16_MAX)
		return port_fail(o, EINVAL, "framesz=%s does not hold frames of MTU %u", num, mtu);
	if (frame > o->frame_room)
		o->frame_room = (uint16_t)frame;
	/* The rings are locked memory, of which ordinary users have little (RLIMIT_MEMLOCK). */
	snprintf(num, sizeof(num), "%u",
		 frame > 2048 ? (RING_BYTES / frame) & ~1u : RING_BYTES / frame);
	if (r == 0)
		r = port_arg_default(o, "framecnt", num);
	snprintf(num, sizeof(num), "%u", o->port->netif.nqueues);
	return r == 0 ? port_arg_default(o, "qpairs", num) : r;
}

static int packet_check(struct port_open *o)
{
	struct port *p = o->port;
	char who[64];
	int fd, flags, mtu;

	if (!port_arg(o->args, "iface", p->ifname, sizeof(p->ifname)))
		return port_fail(o, EINVAL, "which interface?  net_af_packet0,iface=veth0");
	if (!kernel_if_exists(p->ctl_fd, p->ifname))
		return port_fail(o, ENODEV,
				 "there is no interface %s here: make it (ip link add %s type "
				 "veth peer ...) or name another with iface=",
				 p->ifname, p->ifname);
	flags = kernel_if_flags(p->ctl_fd, p->ifname);
	if (flags >= 0 && !(flags & IFF_UP))
		return port_fail(o, ENETDOWN, "interface %s is down: ip link set %s up", p->ifname,
				 p->ifname);
	snprintf(who, sizeof(who), "packet:%s", p->ifname);
	p->lock_fd = port_lock(who);
	if (p->lock_fd == -EBUSY)
		return port_fail(o, EBUSY,
				 "interface %s is in use by another program under the shim: "
				 "stop that one, or give this one another iface=",
				 p->ifname);
	fd = port_sys_socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 && (errno == EPERM || errno == EACCES))
		return port_fail(o, EPERM,
				 "no right to open a packet socket: needs CAP_NET_RAW "
				 "(run as root, or inside unshare -rn)");
	if (fd < 0)
		return port_fail(o, errno, "cannot open a packet socket: %s", strerror(errno));
	port_sys_close(fd);
	mtu = kernel_if_mtu(p->ctl_fd, p->ifname);
	if (o->params->mtu != 0)
		mtu = (int)o->params->mtu;
	return packet_ring_args(o, mtu > 0 ? (unsigned int)mtu : RTE_ETHER_MTU);
}

static int packet_explain(struct port_open *o, int error)
{
	if (eal_log_contains("mmap failed"))
		return port_fail(
			o, ENOMEM,
			"the packet rings are more than this user may lock: raise ulimit -l, "
			"or smaller framecnt=");
	if (eal_log_contains("RX_RING") || eal_log_contains("TX_RING"))
		return port_fail(
			o, ENOMEM,
			"the kernel has no memory for the packet rings: smaller framecnt=");
	return port_fail(o, error, "%s", eal_log_why());
}

static uint32_t ring_arg(const struct port_open *o, const char *key)
{
	char num[16] = "";

	port_arg(o->args, key, num, sizeof(num));
	return (uint32_t)strtoul(num, NULL, 10);
}

static int packet_attach(struct port_open *o)
{
	struct port *p = o->port;
	int fds[SYS_MAX_FDS];
	unsigned int n = sys_tracked_fds(fds, SYS_MAX_FDS);
	uint16_t found = 0;

	for (unsigned int i = 0; i < n && found < p->netif.nqueues; i++) {
		int domain = 0;
		socklen_t len = sizeof(domain);

		if (port_fd_is_new(o, fds[i]) &&
		    port_sys_getsockopt(fds[i], SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
		    domain == AF_PACKET)
			p->wait_fds[found++] = fds[i];
	}
	if (found < p->netif.nqueues)
		return port_fail(o, EIO, "%u packet sockets instead of %u", found,
				 p->netif.nqueues);
	for (uint16_t q = 0; q < p->netif.nqueues; q++) {
		int r = packet_rings_map(&p->rings[q], p->wait_fds[q], ring_arg(o, "framesz"),
					 ring_arg(o, "framecnt"));

		if (r < 0)
			return port_fail(o, -r, "cannot map the packet rings: %s", strerror(-r));
	}
	if (o->params->mac != NULL)
		rte_eth_promiscuous_enable(p->id);
	return kernel_if_attach_mtu(o);
}

static bool packet_link_up(struct port *p)
{
	int flags = kernel_if_flags(p->ctl_fd, p->ifname);

	return flags >= 0 && (flags & IFF_UP) && (flags & IFF_RUNNING);
}

static uint16_t packet_rx(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	return packet_rx_burst(&p->rings[queue], p->pools[queue], pkts, n);
}

static uint16_t packet_tx(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	return packet_tx_burst(&p->rings[queue], pkts, n);
}

static void packet_kick(struct port *p, bool again)
{
	for (uint16_t q = 0; q < p->netif.nqueues; q++) {
		if (again)
			packet_tx_again(&p->rings[q]);
		else
			packet_tx_kick(&p->rings[q]);
	}
}

static void packet_kick_later(struct port *p)
{
	for (uint16_t q = 0; q < p->netif.nqueues; q++)
		p->rings[q].kicked_later = true;
}

static void packet_read_stats(const struct port *p, struct port_stats *stats)
{
	for (uint16_t q = 0; q < p->netif.nqueues; q++) {
		const struct packet_rings *r = &p->rings[q];

		stats->rx_packets += r->rx.packets;
		stats->rx_bytes += r->rx.bytes;
		stats->rx_errors += r->rx.dropped;
		stats->tx_packets += r->tx.packets;
		stats->tx_bytes += r->tx.bytes;
		stats->tx_errors += r->tx.dropped;
	}
}

static void packet_detach(struct port *p)
{
	for (uint16_t q = 0; q < p->netif.nqueues; q++)
		packet_rings_unmap(&p->rings[q]);
}

static const char *const packet_keys[] = { "iface",    "qpairs",       "blocksz", "framesz",
					   "framecnt", "qdisc_bypass", NULL };

const struct link_type link_af_packet = {
	.driver = "net_af_packet",
	.keys = packet_keys,
	.holds_mbufs = false,
	.max_queues = 16,
	.caps = NETIF_TX_MULTI_SEG | NETIF_TX_COPIES,
	.check = packet_check,
	.explain = packet_explain,
	.attach = packet_attach,
	.link_up = packet_link_up,
	.rx_burst = packet_rx,
	.tx_burst = packet_tx,
	.tx_kick = packet_kick,
	.tx_kick_later = packet_kick_later,
	.read_stats = packet_read_stats,
	.detach = packet_detach,
};
