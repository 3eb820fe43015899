/* SPDX-License-Identifier: BSD-3-Clause */
/* link.c - the ports by name and by index (see link.h). */
#include "preload/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preload/call.h"
#include "preload/real.h"
#include "shim/netif.h"

uint32_t link_kernel_index(const char *name)
{
	return real.if_nametoindex(name);
}

/* "net_tap0,iface=shim0" is shim0, without iface= it is net_tap0; a PCI port is its address. */
static void configured_name(const struct config_port *port, char name[IFNAMSIZ])
{
	const char *from = port->vdev[0] != '\0' ? port->vdev : port->pci, *iface;
	size_t n;

	iface = strstr(from, "iface=");
	if (iface != NULL)
		from = iface + strlen("iface=");
	n = strcspn(from, ",");
	snprintf(name, IFNAMSIZ, "%.*s", (int)(n < IFNAMSIZ ? n : IFNAMSIZ - 1), from);
}

bool link_get(unsigned int n, struct link *out)
{
	const struct shim_config *cfg = engine_config();
	const struct netif *nif;

	if (n >= cfg->nports || engine_is_inside())
		return false;
	memset(out, 0, sizeof(*out));
	out->port = &cfg->ports[n];
	out->flags = IFF_UP | IFF_RUNNING | IFF_BROADCAST | IFF_MULTICAST;
	nif = engine_netif(n);
	if (nif == NULL) {
		configured_name(out->port, out->name);
		out->index = link_kernel_index(out->name);
		out->mtu = out->port->mtu;
		return true;
	}
	snprintf(out->name, sizeof(out->name), "%.*s", IFNAMSIZ - 1, nif->name);
	out->index = nif->ifindex;
	out->mtu = nif->mtu;
	memcpy(out->mac, nif->mac, sizeof(out->mac));
	return true;
}

bool link_by_name(const char *name, struct link *out)
{
	for (unsigned int n = 0; link_get(n, out); n++)
		if (strncmp(out->name, name, IFNAMSIZ) == 0)
			return true;
	return false;
}

bool link_by_index(uint32_t index, struct link *out)
{
	for (unsigned int n = 0; link_get(n, out); n++)
		if (out->index == index && index != 0)
			return true;
	return false;
}

/* -- addresses -------------------------------------------------------------------------------- */
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

void link_addr(const struct config_addr *ca, struct sockaddr_storage *addr,
	       struct sockaddr_storage *mask, struct sockaddr_storage *broad)
{
	struct ipaddr m = make_mask(&ca->addr, ca->plen), b = ca->addr;

	to_sockaddr(&ca->addr, addr);
	to_sockaddr(&m, mask);
	for (unsigned int i = 12; i < 16 && ipaddr_is_v4(&ca->addr); i++)
		b.b[i] |= (uint8_t)~m.b[i];
	to_sockaddr(&b, broad);
}

/* -- if_nametoindex(3) and its kin --------------------------------------------------------------- */
EXPORT unsigned int if_nametoindex(const char *name)
{
	unsigned int index = real.if_nametoindex(name);
	struct link link;
	int err = errno;

	if (index != 0 || !link_by_name(name, &link) || link.index == 0) {
		errno = err;
		return index;
	}
	return link.index;
}

EXPORT char *if_indextoname(unsigned int index, char name[IF_NAMESIZE])
{
	char *found = real.if_indextoname(index, name);
	struct link link;
	int err = errno;

	if (found != NULL || !link_by_index(index, &link)) {
		errno = err;
		return found;
	}
	memcpy(name, link.name, IFNAMSIZ);
	return name;
}

/* The kernel's and ours in one piece of memory, the names behind the elements. */
EXPORT struct if_nameindex *if_nameindex(void)
{
	struct if_nameindex *kernel = real.if_nameindex(), *all;
	unsigned int n = 0, more = 0;
	struct link link;
	char *names;

	if (kernel == NULL)
		return NULL;
	while (kernel[n].if_index != 0)
		n++;
	all = calloc(n + CONFIG_MAX_PORTS + 1, sizeof(*all) + IFNAMSIZ);
	if (all == NULL) {
		real.if_freenameindex(kernel);
		errno = ENOBUFS;
		return NULL;
	}
	names = (char *)&all[n + CONFIG_MAX_PORTS + 1];
	for (unsigned int i = 0; i < n; i++, names += IFNAMSIZ) {
		all[i].if_index = kernel[i].if_index;
		all[i].if_name = strncpy(names, kernel[i].if_name, IFNAMSIZ - 1);
	}
	real.if_freenameindex(kernel);
	for (unsigned int i = 0; link_get(i, &link); i++) {
		if (link.index == 0 || link_kernel_index(link.name) == link.index)
			continue;
		all[n + more].if_index = link.index;
		all[n + more].if_name = memcpy(names + more * IFNAMSIZ, link.name, IFNAMSIZ);
		more++;
	}
	return all;
}

EXPORT void if_freenameindex(struct if_nameindex *all)
{
	free(all);
}
