/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - what the user asked for, parsed and validated.
 *
 * Filled by preload/options.c from one table that also drives the SHIM_*
 * environment, the INI file, the flags of `shim run`, `shim options` and the
 * manual page.  Plain data: it can be copied into shared memory.
 */
#ifndef SHIM_CONFIG_H
#define SHIM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/ipaddr.h"

#define CONFIG_MAX_PORTS 4
/* Of all ports together. */
#define CONFIG_MAX_ADDRS 16
#define CONFIG_MAX_ROUTES 16
#define CONFIG_MAX_RULES 32
#define CONFIG_STR_LEN 256

/* An address of ours with the prefix of its link: 192.0.2.1/24. */
struct config_addr {
	struct ipaddr addr;
	uint8_t plen; /* in the address's own family */
};

/* A route through a gateway: `198.18.0.0/15@192.0.2.254`; a bare gateway is the default route. */
struct config_route {
	struct ipaddr prefix;
	uint8_t plen;
	struct ipaddr via;
};

/* A policy rule: what stays in the kernel.  First match wins. */
struct config_rule {
	bool kernel;	  /* true: leave it to the kernel; false: ours */
	uint8_t proto;	  /* IPPROTO_TCP, IPPROTO_UDP, or 0 for both */
	bool listen;	  /* matches bind/listen (true) or connect/send (false) */
	struct ipaddr prefix;
	uint8_t plen;
	uint16_t port_lo, port_hi; /* 0..65535 for all */
};

enum config_hugepages { HUGEPAGES_AUTO, HUGEPAGES_ON, HUGEPAGES_OFF };

enum config_log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* What is said of each port.  One that is not there has neither a vdev nor a PCI address. */
struct config_port {
	char vdev[CONFIG_STR_LEN]; /* a DPDK vdev string: net_tap0,iface=shim0 */
	char pci[32];		   /* or a PCI address: 0000:00:04.0 */
	uint8_t mac[6];		   /* all zero: choose one */
	unsigned int mtu;	   /* 0: the port's own */
	unsigned int vlan;	   /* 0: none */
	struct config_addr addrs[CONFIG_MAX_ADDRS];
	unsigned int naddrs;
	struct config_route routes[CONFIG_MAX_ROUTES];
	unsigned int nroutes;
};

struct shim_config {
	bool enabled; /* a port was named; without one the library passes everything to libc */

	struct config_port ports[CONFIG_MAX_PORTS];
	unsigned int nports;
	unsigned int port; /* while values are read: the port that options of a port go to */

	unsigned int queues; /* of each port */

	uint64_t memory; /* bytes for packet buffers */
	enum config_hugepages hugepages;
	unsigned int max_sockets;
	uint32_t rmem[3]; /* receive buffer bytes: min, default, max */
	uint32_t wmem[3]; /* send buffer bytes: min, default, max */

	unsigned int spin_us; /* busy-poll before sleeping; CONFIG_SPIN_FOREVER never sleeps */
	char cc[16];	      /* congestion control: newreno, cubic, bbr */
	bool ecn;
	bool slaac; /* take IPv6 addresses that routers advertise prefixes for */
	bool offload; /* the port may make checksums, cut and join segments */
	unsigned int syncookies;   /* 0 never, 1 when the SYN queue is full, 2 always */
	unsigned int time_wait_ms; /* 2 MSL */

	enum config_log_level log_level;
	char log_file[CONFIG_STR_LEN]; /* empty: stderr */

	struct config_rule rules[CONFIG_MAX_RULES];
	unsigned int nrules;
};

#define CONFIG_SPIN_FOREVER UINT32_MAX

/*
 * Fill cfg with the defaults, then the INI file (SHIM_CONFIG), then the SHIM_*
 * environment.  Returns 0, or -EINVAL with one line in err that names the option,
 * the value and what is allowed.  Uses no stdio stream and no heap.
 */
int config_load(struct shim_config *cfg, char *err, size_t errlen);

#endif
