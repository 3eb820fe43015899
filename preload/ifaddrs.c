/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ifaddrs.c - getifaddrs tells of the port's addresses too.
 *
 * They come after the kernel's, under the name of the port's interface, each in memory of
 * its own; the kernel's lie in one piece, which starts with the first.  freeifaddrs tells
 * ours by the name, which is kept within the element.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preload/call.h"
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

/* "net_tap0,iface=shim0" is shim0, without iface= it is net_tap0; a PCI port is its address. */
static void port_name(char name[IFNAMSIZ])
{
	const struct shim_config *cfg = engine_config();
	const char *from = cfg->vdev[0] != '\0' ? cfg->vdev : cfg->pci, *iface;
	size_t n;

	iface = strstr(from, "iface=");
	if (iface != NULL)
		from = iface + strlen("iface=");
	n = strcspn(from, ",");
	snprintf(name, IFNAMSIZ, "%.*s", (int)(n < IFNAMSIZ ? n : IFNAMSIZ - 1), from);
}

static void to_sockaddr(const struct ipaddr *a, struct sockaddr_storage *ss)
{
	struct endpoint ep = { .addr = *a };
	socklen_t len = sizeof(*ss);

	memset(ss, 0, sizeof(*ss));
	endpoint_to_sockaddr(&ep, ipaddr_is_v4(a) ? AF_INET : AF_INET6, (struct sockaddr *)ss,
			     &len);
}

/* The first plen bits of the address's own family. */
static struct ipaddr make_mask(const struct ipaddr *a, unsigned int plen)
{
	struct ipaddr mask = { .q = { 0, 0 } };
	unsigned int i, first = 0;

	if (ipaddr_is_v4(a)) {
		mask = ipaddr_from_v4(0);
		first = 96;
	}
	for (i = first; i < first + plen && i < 128; i++)
		mask.b[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	return mask;
}

static struct ifaddrs *make(const struct config_addr *ca)
{
	struct own *own = calloc(1, sizeof(*own));
	struct ipaddr mask, broad = ca->addr;
	unsigned int i;

	if (own == NULL)
		return NULL;
	port_name(own->name);
	own->ifa.ifa_name = own->name;
	own->ifa.ifa_flags = IFF_UP | IFF_RUNNING | IFF_BROADCAST | IFF_MULTICAST;
	mask = make_mask(&ca->addr, ca->plen);
	to_sockaddr(&ca->addr, &own->addr);
	to_sockaddr(&mask, &own->mask);
	own->ifa.ifa_addr = (struct sockaddr *)&own->addr;
	own->ifa.ifa_netmask = (struct sockaddr *)&own->mask;
	if (ipaddr_is_v4(&ca->addr)) {
		for (i = 12; i < 16; i++)
			broad.b[i] |= (uint8_t)~mask.b[i];
		to_sockaddr(&broad, &own->broad);
		own->ifa.ifa_broadaddr = (struct sockaddr *)&own->broad;
	}
	return &own->ifa;
}

EXPORT int getifaddrs(struct ifaddrs **list)
{
	const struct shim_config *cfg = engine_config();
	struct ifaddrs **end = list;
	unsigned int i;

	if (real.getifaddrs(list) < 0)
		return -1;
	if (!engine_is_running() || engine_is_inside())
		return 0;
	while (*end != NULL)
		end = &(*end)->ifa_next;
	for (i = 0; i < cfg->naddrs; i++) {
		*end = make(&cfg->addrs[i]);
		if (*end == NULL) {
			freeifaddrs(*list);
			*list = NULL;
			errno = ENOMEM;
			return -1;
		}
		end = &(*end)->ifa_next;
	}
	return 0;
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
