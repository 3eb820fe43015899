/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ifaddrs.c - getifaddrs tells of the ports' addresses too.
 *
 * They come after the kernel's, under the name of the port's interface, each in memory of
 * its own; the kernel's lie in one piece, which starts with the first.  freeifaddrs tells
 * ours by the name, which is kept within the element.
 */
#include <ifaddrs.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>

#include "preload/call.h"
#include "preload/link.h"
#include "preload/real.h"

struct own {
	struct ifaddrs ifa;
	struct sockaddr_storage addr, mask, broad;
	char name[IFNAMSIZ];
};

static bool is_own(const struct ifaddrs *ifa)
{
	return ifa->ifa_name == ((const struct own *)ifa)->name;
}

/* An element of a link, behind *end; NULL: no memory. */
static struct own *append(struct ifaddrs ***end, const struct link *link)
{
	struct own *own = calloc(1, sizeof(*own));

	if (own == NULL)
		return NULL;
	memcpy(own->name, link->name, sizeof(own->name));
	own->ifa.ifa_name = own->name;
	own->ifa.ifa_flags = link->flags;
	own->ifa.ifa_addr = (struct sockaddr *)&own->addr;
	**end = &own->ifa;
	*end = &own->ifa.ifa_next;
	return own;
}

/* The link itself, where the kernel has no interface of its name. */
static bool append_link(struct ifaddrs ***end, const struct link *link)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)link->index,
				  .sll_hatype = ARPHRD_ETHER,
				  .sll_halen = sizeof(link->mac) };
	struct own *own;

	if (link->index == 0 || link_kernel_index(link->name) != 0)
		return true;
	own = append(end, link);
	if (own == NULL)
		return false;
	memcpy(ll.sll_addr, link->mac, sizeof(link->mac));
	memcpy(&own->addr, &ll, sizeof(ll));
	return true;
}

static bool append_addr(struct ifaddrs ***end, const struct link *link, const struct config_addr *ca)
{
	struct own *own = append(end, link);

	if (own == NULL)
		return false;
	link_addr(ca, &own->addr, &own->mask, &own->broad);
	own->ifa.ifa_netmask = (struct sockaddr *)&own->mask;
	if (ipaddr_is_v4(&ca->addr))
		own->ifa.ifa_broadaddr = (struct sockaddr *)&own->broad;
	return true;
}

EXPORT int getifaddrs(struct ifaddrs **list)
{
	struct ifaddrs **end = list;
	struct link link;
	bool room = true;

	if (real.getifaddrs(list) < 0)
		return -1;
	while (*end != NULL)
		end = &(*end)->ifa_next;
	for (unsigned int n = 0; room && link_get(n, &link); n++) {
		room = append_link(&end, &link);
		for (unsigned int i = 0; room && i < link.port->naddrs; i++)
			room = append_addr(&end, &link, &link.port->addrs[i]);
	}
	if (room)
		return 0;
	freeifaddrs(*list);
	*list = NULL;
	errno = ENOMEM;
	return -1;
}

EXPORT void freeifaddrs(struct ifaddrs *list)
{
	struct ifaddrs **end = &list, *own, *next;

	while (*end != NULL && !is_own(*end))
		end = &(*end)->ifa_next;
	own = *end;
	*end = NULL;
	real.freeifaddrs(list);
	for (; own != NULL; own = next) {
		next = own->ifa_next;
		free(own);
	}
}
