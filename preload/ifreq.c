/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ifreq.c - SIOCGIF*: netdevice(7), answered for the ports.
 *
 * The kernel has answered already.  Where it says that there is no such interface, and where
 * it knows the name but the port is the one whose addresses matter to the program (its own end
 * of the TAP's cable), the answer is ours.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

#include "preload/call.h"
#include "preload/link.h"
#include "preload/real.h"

bool link_knows(unsigned long request)
{
	switch (request) {
	case SIOCGIFCONF:
	case SIOCGIFADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
	case SIOCGIFFLAGS:
	case SIOCGIFMTU:
	case SIOCGIFINDEX:
	case SIOCGIFHWADDR:
	case SIOCGIFNAME:
		return true;
	}
	return false;
}

/*
 * SIOCGIFCONF lists IPv4 addresses alone.  Ours come behind the kernel's, as many as have
 * room; with a NULL buffer the room that is needed is told.
 */
static void add_conf(struct ifconf *ifc, size_t room)
{
	struct sockaddr_storage addr, mask, broad;
	struct ifreq ifr;
	struct link link;

	for (unsigned int n = 0; link_get(n, &link); n++) {
		for (unsigned int i = 0; i < link.port->naddrs; i++) {
			if (!ipaddr_is_v4(&link.port->addrs[i].addr))
				continue;
			if (ifc->ifc_buf != NULL) {
				if ((size_t)ifc->ifc_len + sizeof(ifr) > room)
					return;
				link_addr(&link.port->addrs[i], &addr, &mask, &broad);
				memset(&ifr, 0, sizeof(ifr));
				memcpy(ifr.ifr_name, link.name, IFNAMSIZ);
				memcpy(&ifr.ifr_addr, &addr, sizeof(ifr.ifr_addr));
				memcpy(ifc->ifc_buf + ifc->ifc_len, &ifr, sizeof(ifr));
			}
			ifc->ifc_len += (int)sizeof(ifr);
		}
	}
}

/* An accepted connection's descriptor is no socket of the kernel's that it could be asked by. */
static bool is_placeholder(int fd)
{
	struct file *f;
	bool is;

	if (!call_is_ours(fd))
		return false;
	engine_enter();
	f = fdtable_file(fd);
	is = f != NULL && f->type == FILE_SOCKET && f->placeholder;
	engine_leave();
	return is;
}

static long ask_kernel(int fd, unsigned long request, void *arg)
{
	long r;
	int s;

	if (!is_placeholder(fd))
		return call_result(real.ioctl(fd, request, arg));
	s = real.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	r = call_result(real.ioctl(s, request, arg));
	real.close(s);
	return r;
}

static long conf(int fd, struct ifconf *ifc)
{
	size_t room = ifc->ifc_len > 0 ? (size_t)ifc->ifc_len : 0;
	long r = ask_kernel(fd, SIOCGIFCONF, ifc);

	if (r == 0)
		add_conf(ifc, room);
	return r;
}

/* The first IPv4 address, its mask or its broadcast address. */
static long address(const struct link *link, unsigned long request, struct ifreq *ifr)
{
	struct sockaddr_storage addr, mask, broad;

	for (unsigned int i = 0; i < link->port->naddrs; i++) {
		if (!ipaddr_is_v4(&link->port->addrs[i].addr))
			continue;
		link_addr(&link->port->addrs[i], &addr, &mask, &broad);
		memcpy(&ifr->ifr_addr,
		       request == SIOCGIFADDR	 ? &addr :
		       request == SIOCGIFNETMASK ? &mask :
						   &broad,
		       sizeof(ifr->ifr_addr));
		return 0;
	}
	return -EADDRNOTAVAIL;
}

static long of_link(const struct link *link, unsigned long request, struct ifreq *ifr)
{
	switch (request) {
	case SIOCGIFFLAGS:
		ifr->ifr_flags = (short)link->flags;
		return 0;
	case SIOCGIFMTU:
		ifr->ifr_mtu = (int)link->mtu;
		return 0;
	case SIOCGIFINDEX:
		ifr->ifr_ifindex = (int)link->index;
		return 0;
	case SIOCGIFHWADDR:
		memset(&ifr->ifr_hwaddr, 0, sizeof(ifr->ifr_hwaddr));
		ifr->ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(ifr->ifr_hwaddr.sa_data, link->mac, sizeof(link->mac));
		return 0;
	}
	return address(link, request, ifr);
}

long link_ioctl(int fd, unsigned long request, void *arg)
{
	struct ifreq *ifr = arg;
	struct link link;
	long r;

	if (user_is_bad(arg))
		return ask_kernel(fd, request, arg);
	if (request == SIOCGIFCONF)
		return conf(fd, arg);
	r = ask_kernel(fd, request, arg);
	/* No socket, no memory: what is asked does not matter. */
	if ((r < 0 && r != -ENODEV && r != -ENXIO && r != -EADDRNOTAVAIL) || !engine_is_running())
		return r;
	if (request == SIOCGIFNAME) {
		if (r < 0 && link_by_index((uint32_t)ifr->ifr_ifindex, &link)) {
			memcpy(ifr->ifr_name, link.name, IFNAMSIZ);
			r = 0;
		}
		return r;
	}
	return link_by_name(ifr->ifr_name, &link) ? of_link(&link, request, ifr) : r;
}
