/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * link.h - the ports as interfaces, as programs ask for them: name, index, MTU, addresses.
 *
 * A port that is the other end of a kernel interface has that one's name and index, so that
 * both are looked at as one interface with the addresses of both; what is asked of it
 * in particular (SIOCGIFADDR …) is answered for the port.  Other ports have the name of their
 * DPDK device.  Names and addresses are known from the configuration, also before the
 * port is open.
 */
#ifndef PRELOAD_LINK_H
#define PRELOAD_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shim/config.h"

struct link {
	char name[IFNAMSIZ];
	uint32_t index;	  /* 0: not known before the port is open */
	unsigned int mtu; /* 0: likewise */
	uint8_t mac[6];
	unsigned int flags; /* IFF_* */
	const struct config_port *port;
};

/* The n-th port; false if there is none, or if this is not the program that asks. */
bool link_get(unsigned int n, struct link *out);
bool link_by_name(const char *name, struct link *out);
bool link_by_index(uint32_t index, struct link *out);
/* Has the kernel an interface of that name, and which index? */
uint32_t link_kernel_index(const char *name);

/* An address of the port's, its netmask and its IPv4 broadcast address; lengths are its family's. */
void link_addr(const struct config_addr *ca, struct sockaddr_storage *addr,
	       struct sockaddr_storage *mask, struct sockaddr_storage *broad);

/* Is it one of SIOCGIF* that are answered for ports (ifreq.c)? */
bool link_knows(unsigned long request);
/*
 * Such a request on any socket: the port's answer where it is about one, else the kernel's;
 * 0 or -errno.
 */
long link_ioctl(int fd, unsigned long request, void *arg);

#endif
