/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tap.c - net_tap: the kernel's TAP device is the other end of the cable.
 *
 * The port's address must differ from the interface's, or the kernel would take our frames
 * for its own; the driver gives both the same one, so we choose another.
 *
 * Each queue is a descriptor of /dev/net/tun, and poll(2) tells when it has a frame: idle
 * processes sleep in the kernel.  The driver does checksums and segmentation in software,
 * the former wrongly for chains with odd-sized segments, the latter with mbufs that it
 * allocates as it goes: neither is claimed.  But our own bursts (tap_burst.c) speak the kernel's
 * virtio header if the interface has it (IFF_VNET_HDR, which libc.c adds to what the driver asks
 * for): then the kernel takes super-packets and sums left open, and gives such.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "dpdk_port/eal.h"
#include "dpdk_port/libc.h"
#include "dpdk_port/port_priv.h"
#include "dpdk_port/tap_burst.h"

#define TUN_PATH "/dev/net/tun"

static int tap_check_device(struct port_open *o)
{
	int fd = port_sys_open64(TUN_PATH, O_RDWR, 0);

	if (fd >= 0) {
		port_sys_close(fd);
		return 0;
	}
	if (errno == EACCES || errno == EPERM)
		return port_fail(o, EPERM,
				 "no access to " TUN_PATH ": chmod 666 it, or run as root");
	return port_fail(o, ENODEV,
			 "no " TUN_PATH ": modprobe tun (container: --device " TUN_PATH ")");
}

/* A TAP of that name may exist (ip tuntap add) as long as nobody has it open. */
static int tap_check_interface(struct port_open *o)
{
	char who[64], name[64] = "";
	int ctl = o->port->ctl_fd, r;

	if (!port_arg(o->args, "iface", name, sizeof(name)))
		return 0;
	if (name[0] == '\0' || strlen(name) >= IFNAMSIZ)
		return port_fail(o, EINVAL, "iface= takes a name of 1 to %d characters",
				 IFNAMSIZ - 1);
	memcpy(o->port->ifname, name, IFNAMSIZ);
	snprintf(who, sizeof(who), "tap:%s", o->port->ifname);
	o->port->lock_fd = port_lock(who);
	if (o->port->lock_fd == -EBUSY)
		return port_fail(o, EBUSY,
				 "interface %s is in use by another program under the shim: "
				 "stop that one, or give this one another iface=",
				 o->port->ifname);
	if (!kernel_if_exists(ctl, o->port->ifname))
		return 0;
	r = kernel_if_carrier(ctl, o->port->ifname);
	if (r > 0)
		return port_fail(o, EBUSY,
				 "interface %s exists and is in use: choose another iface=, "
				 "or remove it (ip link del %s)",
				 o->port->ifname, o->port->ifname);
	return 0;
}

static int tap_check(struct port_open *o)
{
	int r = tap_check_device(o);

	return r < 0 ? r : tap_check_interface(o);
}

static int tap_explain(struct port_open *o, int error)
{
	if (eal_log_contains("Operation not permitted"))
		return port_fail(o, EPERM,
				 "no right to make a TAP here: needs CAP_NET_ADMIN "
				 "(run as root, or inside unshare -rn)");
	if (eal_log_contains("TUNSETIFF") && eal_log_contains("busy"))
		return port_fail(o, EBUSY,
				 "interface %s is in use: choose another iface=", o->port->ifname);
	if (eal_log_contains("TUNSETIFF") && eal_log_contains("Invalid argument"))
		return port_fail(o, EBUSY,
				 "interface %s exists and is no multi-queue TAP: choose another "
				 "iface=, or remove it (ip link del %s)",
				 o->port->ifname, o->port->ifname);
	return port_fail(o, error, "%s", eal_log_why());
}

/*
 * Each queue has two descriptors of one tun file, for reading and writing, made in order of
 * the queues.  The driver's keep-alive file is detached from the device and says so.
 */
static bool tap_find_queues(struct port_open *o)
{
	struct port *p = o->port;
	int fds[SYS_MAX_FDS];
	unsigned int n = sys_tracked_fds(fds, SYS_MAX_FDS), found = 0;
	struct ifreq ifr;

	for (unsigned int i = 0; i < n; i++) {
		memset(&ifr, 0, sizeof(ifr));
		if (!port_fd_is_new(o, fds[i]) || port_sys_ioctl(fds[i], TUNGETIFF, &ifr) < 0 ||
		    (ifr.ifr_flags & IFF_DETACH_QUEUE))
			continue;
		if (found % 2 == 0 && found / 2 < p->netif.nqueues)
			p->wait_fds[found / 2] = fds[i];
		p->tap_vnet = (ifr.ifr_flags & (IFF_VNET_HDR | IFF_NO_PI)) ==
			      (IFF_VNET_HDR | IFF_NO_PI);
		memcpy(p->ifname, ifr.ifr_name, sizeof(p->ifname));
		found++;
	}
	return found == 2u * p->netif.nqueues;
}

/*
 * What the kernel may give us (of the whole interface, as ethtool -K shows it), and what we may
 * give it.  TSO_ECN: a super-packet with CWR has it on the first segment, which changes nothing.
 */
static void tap_offloads(const struct port_open *o)
{
	unsigned long offloads = o->params->no_offload ? 0 :
				 TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int size = sizeof(struct virtio_net_hdr);
	struct port *p = o->port;

	if (!p->tap_vnet)
		return;
	port_sys_ioctl(p->wait_fds[0], TUNSETVNETHDRSZ, &size);
	port_sys_ioctl(p->wait_fds[0], TUNSETOFFLOAD, offloads);
	if (o->params->no_offload)
		return;
	p->netif.caps |= NETIF_TX_TCP_CSUM | NETIF_TX_UDP_CSUM | NETIF_TX_TSO | NETIF_RX_L4_CSUM;
	p->netif.tso_segs = TAP_MAX_SEGS;
}

static int tap_attach(struct port_open *o)
{
	struct port *p = o->port;
	int r;

	if (!tap_find_queues(o))
		return port_fail(o, EIO, "net_tap did not open %u queues", p->netif.nqueues);
	tap_offloads(o);
	if (p->lock_fd < 0) {
		char who[64];

		snprintf(who, sizeof(who), "tap:%s", p->ifname);
		p->lock_fd = port_lock(who);
		if (p->lock_fd < 0)
			return port_fail(o, -p->lock_fd,
					 "interface %s is in use by another program", p->ifname);
	}
	if (o->params->mac == NULL) {
		r = kernel_if_mac(p->ctl_fd, p->ifname, p->netif.mac);
		if (r < 0)
			return port_fail(o, -r, "%s: %s", p->ifname, strerror(-r));
		/* Locally administered and not the interface's; the same at every start. */
		if (p->netif.mac[0] & 0x02)
			p->netif.mac[5] ^= 0x80;
		p->netif.mac[0] = (uint8_t)((p->netif.mac[0] | 0x02) & ~0x01);
	}
	return kernel_if_attach_mtu(o);
}

static void tap_read_stats(const struct port *p, struct port_stats *stats)
{
	*stats = p->own;
}

/*
 * The interface may have been moved to another network namespace, where we cannot ask for
 * it: as long as the queue has a device it counts as up.
 */
static bool tap_link_up(struct port *p)
{
	struct pollfd pfd = { .fd = p->wait_fds[0] };
	int flags;

	if (port_sys_poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLERR))
		return false;
	flags = kernel_if_flags(p->ctl_fd, p->ifname);
	return flags < 0 || (flags & IFF_UP);
}

static const char *const tap_keys[] = { "iface", "mac", "remote", "persist", NULL };

const struct link_type link_tap = {
	.driver = "net_tap",
	.keys = tap_keys,
	.holds_mbufs = true,
	.max_queues = 16,
	.caps = NETIF_TX_MULTI_SEG | NETIF_TX_COPIES,
	.check = tap_check,
	.explain = tap_explain,
	.attach = tap_attach,
	.link_up = tap_link_up,
	.rx_burst = tap_rx_burst,
	.tx_burst = tap_tx_burst,
	.read_stats = tap_read_stats,
};
