/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_if.c - the kernel's interface at the other end of a TAP or packet socket.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "dpdk_port/libc.h"
#include "dpdk_port/port_priv.h"

static void ifr_init(struct ifreq *ifr, const char *ifname)
{
	memset(ifr, 0, sizeof(*ifr));
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%.*s", IFNAMSIZ - 1, ifname);
}

bool kernel_if_exists(int fd, const char *ifname)
{
	struct ifreq ifr;

	ifr_init(&ifr, ifname);
	return port_sys_ioctl(fd, SIOCGIFINDEX, &ifr) == 0;
}

int kernel_if_mtu(int fd, const char *ifname)
{
	struct ifreq ifr;

	ifr_init(&ifr, ifname);
	return port_sys_ioctl(fd, SIOCGIFMTU, &ifr) == 0 ? ifr.ifr_mtu : -errno;
}

int kernel_if_set_mtu(int fd, const char *ifname, unsigned int mtu)
{
	struct ifreq ifr;

	ifr_init(&ifr, ifname);
	ifr.ifr_mtu = (int)mtu;
	return port_sys_ioctl(fd, SIOCSIFMTU, &ifr) == 0 ? 0 : -errno;
}

int kernel_if_flags(int fd, const char *ifname)
{
	struct ifreq ifr;

	ifr_init(&ifr, ifname);
	return port_sys_ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 ? (unsigned short)ifr.ifr_flags : -errno;
}

int kernel_if_carrier(int fd, const char *ifname)
{
	struct ethtool_value ev = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr;

	ifr_init(&ifr, ifname);
	ifr.ifr_data = (void *)&ev;
	return port_sys_ioctl(fd, SIOCETHTOOL, &ifr) == 0 ? ev.data != 0 : -errno;
}

uint32_t kernel_if_index(int fd, const char *ifname)
{
	struct ifreq ifr;

	ifr_init(&ifr, ifname);
	return port_sys_ioctl(fd, SIOCGIFINDEX, &ifr) == 0 ? (uint32_t)ifr.ifr_ifindex : 0;
}

int kernel_if_mac(int fd, const char *ifname, uint8_t mac[6])
{
	struct ifreq ifr;

	ifr_init(&ifr, ifname);
	if (port_sys_ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}

int kernel_if_attach_mtu(struct port_open *o)
{
	struct port *p = o->port;
	int mtu = kernel_if_mtu(p->ctl_fd, p->ifname), r = 0;

	if (mtu >= 0 && o->params->mtu != 0 && (unsigned int)mtu != o->params->mtu) {
		r = kernel_if_set_mtu(p->ctl_fd, p->ifname, o->params->mtu);
		mtu = kernel_if_mtu(p->ctl_fd, p->ifname);
	}
	if (r < 0)
		return port_fail(o, -r, "cannot set the MTU of %s to %u: %s", p->ifname,
				 o->params->mtu, strerror(-r));
	if (mtu < 0)
		return port_fail(o, -mtu, "%s: %s", p->ifname, strerror(-mtu));
	p->netif.mtu = (uint16_t)(mtu > UINT16_MAX ? UINT16_MAX : mtu);
	return 0;
}
