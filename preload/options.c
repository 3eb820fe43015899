/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c - the option table, and configuration from it (see options.h).
 *
 * A variable that begins with SHIM_ and is no option is an error: a misspelt one
 * that is silently ignored is worse than a program that does not start.
 */
#include "preload/options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIELD(f) .offset = offsetof(struct shim_config, f), .size = sizeof(((struct shim_config *)0)->f)

#define KB 1024ull
#define MB (1024ull * KB)
#define GB (1024ull * MB)

/* Values longer than this are cut in messages. */
#define SHOWN_MAX 100

static const struct option_word hugepages_words[] = {
	{ "auto", HUGEPAGES_AUTO }, { "on", HUGEPAGES_ON }, { "off", HUGEPAGES_OFF }, { NULL, 0 }
};
static const struct option_word log_words[] = { { "error", LOG_LEVEL_ERROR },
						{ "warn", LOG_LEVEL_WARN },
						{ "info", LOG_LEVEL_INFO },
						{ "debug", LOG_LEVEL_DEBUG },
						{ NULL, 0 } };
static const struct option_word syncookies_words[] = {
	{ "never", 0 }, { "full", 1 }, { "always", 2 }, { "0", 0 }, { "1", 1 }, { "2", 2 }, { NULL, 0 }
};

const struct option_row option_table[OPTION_COUNT] = {
	[OPTION_VDEV] = { .name = "vdev", .arg = "DEVICE", .def = "",
		.allowed = "a DPDK vdev string such as net_tap0,iface=shim0, at most 255 characters "
			   "without blanks",
		.help = "The port: a DPDK virtual device, such as net_tap0,iface=shim0 or "
			"net_af_packet0,iface=eth1 or net_memif0,role=client,socket=/run/m.sock. "
			"Without a port everything stays in the kernel.",
		.parse = parse_string, FIELD(vdev), .max = CONFIG_STR_LEN - 1 },
	[OPTION_PCI] = { .name = "pci", .arg = "ADDRESS", .def = "",
		.allowed = "a PCI address such as 0000:00:04.0 or 00:04.0",
		.help = "The port: a PCI device bound to a driver that DPDK can use (vfio-pci). "
			"Instead of --vdev.",
		.parse = parse_pci, FIELD(pci) },
	[OPTION_ADDR] = { .name = "addr", .arg = "ADDR/LEN[,...]", .def = "",
		.allowed = "up to 16 addresses with prefix length, separated by commas, such as "
			   "192.0.2.1/24,2001:db8::1/64",
		.help = "The shim's own addresses, IPv4 and IPv6. The kernel must not have them.",
		.parse = parse_addrs, FIELD(naddrs) },
	[OPTION_GATEWAY] = { .name = "gateway", .arg = "[PREFIX@]ADDR[,...]", .def = "",
		.allowed = "up to 16 gateways, separated by commas, each an address (the default "
			   "route) or PREFIX/LEN@ADDR, such as 192.0.2.254,198.18.0.0/15@192.0.2.253",
		.help = "Routes through gateways on the port's networks. A bare address is the default "
			"route of its family; without one, what is not on the port's networks stays in "
			"the kernel.",
		.parse = parse_gateways, FIELD(nroutes) },
	[OPTION_SLAAC] = { .name = "slaac", .arg = "on|off", .def = "off",
		.allowed = "on or off",
		.help = "Take IPv6 addresses for the prefixes that routers advertise, besides those "
			"given. Advertised routes are taken in either case.",
		.parse = parse_bool, FIELD(slaac) },
	[OPTION_MTU] = { .name = "mtu", .arg = "BYTES", .def = "0",
		.allowed = "0 (the port's own) or a number from 576 to 9600",
		.help = "Largest IP packet on the port, in bytes. 0 takes the port's own.",
		.parse = parse_mtu, FIELD(mtu), .min = 576, .max = 9600 },
	[OPTION_VLAN] = { .name = "vlan", .arg = "ID", .def = "0",
		.allowed = "a number from 0 (no VLAN) to 4094",
		.help = "802.1Q VLAN of all traffic on the port. 0 sends and expects untagged frames.",
		.parse = parse_uint, FIELD(vlan), .min = 0, .max = 4094 },
	[OPTION_MAC] = { .name = "mac", .arg = "ADDRESS", .def = "",
		.allowed = "six bytes in hexadecimal such as 02:00:00:00:00:01, neither multicast nor "
			   "all zero",
		.help = "Ethernet address of the port. By default the port's own, or a locally "
			"administered one where that is the kernel's.",
		.parse = parse_mac, FIELD(mac) },
	[OPTION_QUEUES] = { .name = "queues", .arg = "N", .def = "1",
		.allowed = "1 (this version drives one queue)",
		.help = "Receive and transmit queues of the port.",
		.parse = parse_uint, FIELD(queues), .min = 1, .max = 1 },
	[OPTION_MEMORY] = { .name = "memory", .arg = "SIZE", .def = "256M",
		.allowed = "a size from 16M to 64G, with K, M or G",
		.help = "Memory for packet buffers. Both what is received and not yet read and what is "
			"sent and not yet acknowledged lies in it.",
		.parse = parse_size, FIELD(memory), .min = 16 * MB, .max = 64 * GB },
	[OPTION_HUGEPAGES] = { .name = "hugepages", .arg = "auto|on|off", .def = "auto",
		.allowed = "auto, on or off",
		.help = "Take the memory from huge pages. auto does when enough of them are free.",
		.parse = parse_word, FIELD(hugepages), .words = hugepages_words },
	[OPTION_MAX_SOCKETS] = { .name = "max-sockets", .arg = "N", .def = "65536",
		.allowed = "a number from 64 to 1048576",
		.help = "Most sockets that exist at one time, in all processes of the program. Only "
			"those that are used take memory.",
		.parse = parse_uint, FIELD(max_sockets), .min = 64, .max = 1048576 },
	[OPTION_SPIN_US] = { .name = "spin-us", .arg = "MICROSECONDS", .def = "20",
		.allowed = "a number from 0 to 1000000, or forever",
		.help = "How long a waiting thread polls the port before it sleeps. More is less "
			"latency and more CPU; forever never sleeps and fills a core per waiting thread.",
		.parse = parse_spin, FIELD(spin_us), .min = 0, .max = 1000000 },
	[OPTION_RMEM] = { .name = "rmem", .arg = "MIN,DEFAULT,MAX", .def = "4K,128K,6M",
		.allowed = "three sizes from 1K to 1G in rising order, such as 4K,128K,6M",
		.help = "Receive buffer of a TCP socket: least, initial and most bytes, as in the "
			"kernel's tcp_rmem.",
		.parse = parse_buffers, FIELD(rmem), .min = KB, .max = GB },
	[OPTION_WMEM] = { .name = "wmem", .arg = "MIN,DEFAULT,MAX", .def = "4K,64K,4M",
		.allowed = "three sizes from 1K to 1G in rising order, such as 4K,64K,4M",
		.help = "Send buffer of a TCP socket: least, initial and most bytes, as in the kernel's "
			"tcp_wmem.",
		.parse = parse_buffers, FIELD(wmem), .min = KB, .max = GB },
	[OPTION_CC] = { .name = "cc", .arg = "NAME", .def = "cubic",
		.allowed = "cubic, bbr or newreno (which Linux calls reno)",
		.help = "Congestion control of new connections; TCP_CONGESTION changes that of one "
			"socket.",
		.parse = parse_cc, FIELD(cc) },
	[OPTION_ECN] = { .name = "ecn", .arg = "on|off", .def = "off",
		.allowed = "on or off",
		.help = "Ask for Explicit Congestion Notification on connections of our own. It is "
			"granted to peers that ask in either case.",
		.parse = parse_bool, FIELD(ecn) },
	[OPTION_SYNCOOKIES] = { .name = "syncookies", .arg = "never|full|always", .def = "full",
		.allowed = "never, full or always (or 0, 1, 2 as in the kernel's tcp_syncookies)",
		.help = "Answer SYNs statelessly: never, when a listener's queue is full, or always.",
		.parse = parse_word, FIELD(syncookies), .words = syncookies_words },
	[OPTION_TIME_WAIT] = { .name = "time-wait", .arg = "SECONDS", .def = "60",
		.allowed = "1 to 600 seconds, or 1ms to 600000ms",
		.help = "How long a closed connection is remembered (TIME_WAIT, 2 MSL).",
		.parse = parse_time, FIELD(time_wait_ms), .min = 1, .max = 600000 },
	[OPTION_LOG] = { .name = "log", .arg = "LEVEL", .def = "warn",
		.allowed = "error, warn, info or debug",
		.help = "Least serious messages that are written.",
		.parse = parse_word, FIELD(log_level), .words = log_words },
	[OPTION_LOG_FILE] = { .name = "log-file", .arg = "FILE", .def = "",
		.allowed = "a file name of at most 255 characters",
		.help = "Append messages to this file instead of standard error. Never written to "
			"standard output.",
		.parse = parse_path, FIELD(log_file), .max = CONFIG_STR_LEN - 1 },
	[OPTION_RULES] = { .name = "rules", .arg = "RULE[,...]", .def = "",
		.allowed = "up to 32 rules SIDE:PROTO:WHAT:PREFIX:PORTS, separated by commas, such as "
			   "kernel:tcp:listen:*:22,kernel:udp:connect:198.18.0.0/15:53",
		.help = "What stays in the kernel, or not, against the routing table; the first rule "
			"that matches wins. SIDE is kernel or shim. PROTO is tcp, udp or any. WHAT is "
			"listen (bind and listen), connect (connect and send) or any. PREFIX is "
			"*, ADDR or ADDR/LEN, IPv6 in brackets: [2001:db8::]/32. PORTS is *, N or N-M. "
			"PREFIX and PORTS are the local ones for listen, the peer's for connect.",
		.parse = parse_rules, FIELD(nrules) },
	[OPTION_CONFIG] = { .name = "config", .arg = "FILE", .def = "",
		.allowed = "a file name of at most 255 characters",
		.help = "Read options from this INI file: lines NAME = VALUE with the names of the flags "
			"without dashes, optionally below [shim]; # and ; begin comment lines. "
			"Environment and flags win over it.",
		.parse = parse_path, .max = CONFIG_STR_LEN - 1 },
};

/* -- names ---------------------------------------------------------------------------- */
static bool same_name(const char *name, const char *given, size_t len)
{
	size_t i;

	for (i = 0; i < len && name[i] != '\0'; i++) {
		char c = given[i] == '_' ? '-' : given[i];

		if (name[i] != c)
			return false;
	}
	return i == len && name[i] == '\0';
}

const struct option_row *option_find(const char *name, size_t len)
{
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		if (same_name(option_table[i].name, name, len))
			return &option_table[i];
	return NULL;
}

void option_env_name(const struct option_row *row, char *buf, size_t len)
{
	snprintf(buf, len, "%s%s", OPTION_ENV_PREFIX, row->name);
	for (char *p = buf; *p != '\0'; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

/* The row of a variable's name without SHIM_: upper case and underscores only. */
static const struct option_row *find_env(const char *name, size_t len)
{
	char env[32];

	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		const size_t skip = sizeof(OPTION_ENV_PREFIX) - 1;

		option_env_name(&option_table[i], env, sizeof(env));
		if (strlen(env + skip) == len && memcmp(env + skip, name, len) == 0)
			return &option_table[i];
	}
	return NULL;
}

/* -- values --------------------------------------------------------------------------- */
/* A value as it may stand in a one-line message: cut, and nothing unprintable. */
static void show_value(const char *value, char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len - 4 && value[i] != '\0'; i++)
		buf[i] = isprint((unsigned char)value[i]) ? value[i] : '?';
	strcpy(buf + i, value[i] != '\0' ? "..." : "");
}

int option_set(struct shim_config *cfg, const struct option_row *row, const char *value,
	       const char *origin, char *err, size_t errlen)
{
	char shown[SHOWN_MAX + 4], why[160] = "";

	if (value[0] == '\0')
		value = row->def;
	if (value[0] == '\0') {
		/* Of a list the field is its count. */
		memset((char *)cfg + row->offset, 0, row->size);
		return 0;
	}
	if (row->parse(cfg, row, value, why, sizeof(why)) == 0)
		return 0;
	show_value(value, shown, sizeof(shown));
	snprintf(err, errlen, "%s: '%s' is not allowed%s%s%s: it takes %s", origin, shown,
		 why[0] != '\0' ? " (" : "", why, why[0] != '\0' ? ")" : "", row->allowed);
	return -EINVAL;
}

void config_defaults(struct shim_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_table[i];
		char why[160];
		int r;

		if (row->def[0] == '\0')
			continue;
		r = row->parse(cfg, row, row->def, why, sizeof(why));
		assert(r == 0);
		(void)r;
	}
}

/* -- environment ------------------------------------------------------------------------ */
int config_load_env(struct shim_config *cfg, const char *const *envp, char *err, size_t errlen)
{
	const size_t skip = sizeof(OPTION_ENV_PREFIX) - 1;

	for (; envp != NULL && *envp != NULL; envp++) {
		const char *entry = *envp, *eq = strchr(entry, '=');
		const struct option_row *row;
		char name[SHOWN_MAX + 4];
		int r;

		if (eq == NULL || strncmp(entry, OPTION_ENV_PREFIX, skip) != 0)
			continue;
		row = find_env(entry + skip, (size_t)(eq - entry) - skip);
		if (row == NULL) {
			show_value(entry, name, sizeof(name));
			name[strcspn(name, "=")] = '\0';
			snprintf(err, errlen, "%s: there is no such option; `shim options` lists them",
				 name);
			return -EINVAL;
		}
		if (row == &option_table[OPTION_CONFIG])
			continue; /* read before all others */
		option_env_name(row, name, sizeof(name));
		r = option_set(cfg, row, eq + 1, name, err, errlen);
		if (r != 0)
			return r;
	}
	return 0;
}

/* -- all together ------------------------------------------------------------------------ */
static bool on_link(const struct shim_config *cfg, const struct ipaddr *via)
{
	if (!ipaddr_is_v4(via) && ipaddr_is_linklocal(via))
		return true;
	for (unsigned int i = 0; i < cfg->naddrs; i++)
		if (ipaddr_in_prefix(via, &cfg->addrs[i].addr, cfg->addrs[i].plen))
			return true;
	return false;
}

int config_check(struct shim_config *cfg, char *err, size_t errlen)
{
	bool vdev = cfg->vdev[0] != '\0', pci = cfg->pci[0] != '\0';

	cfg->enabled = vdev || pci;
	if (vdev && pci) {
		snprintf(err, errlen, "vdev and pci are both given: there is one port, name it once");
		return -EINVAL;
	}
	if (cfg->enabled && cfg->naddrs == 0) {
		snprintf(err, errlen, "addr is missing: the port needs %s",
			 option_table[OPTION_ADDR].allowed);
		return -EINVAL;
	}
	for (unsigned int i = 0; cfg->enabled && i < cfg->nroutes; i++) {
		if (on_link(cfg, &cfg->routes[i].via))
			continue;
		snprintf(err, errlen,
			 "gateway: number %u is on none of the networks given by addr, so it cannot be "
			 "reached",
			 i + 1);
		return -EINVAL;
	}
	return 0;
}

int config_load(struct shim_config *cfg, char *err, size_t errlen)
{
	const char *path = getenv("SHIM_CONFIG");
	int r;

	config_defaults(cfg);
	if (path != NULL && path[0] != '\0') {
		r = config_load_ini(cfg, path, err, errlen);
		if (r != 0)
			return r;
	}
	r = config_load_env(cfg, (const char *const *)environ, err, errlen);
	return r != 0 ? r : config_check(cfg, err, errlen);
}
