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

#define PORT_FIELD(f) .offset = offsetof(struct config_port, f), \
		.size = sizeof(((struct config_port *)0)->f), .per_port = true
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
			"Without a port everything stays in the kernel. Given again it begins another "
			"port, of which there may be 4: what follows is said of that.",
		.parse = parse_string, PORT_FIELD(vdev), .max = CONFIG_STR_LEN - 1 },
	[OPTION_PCI] = { .name = "pci", .arg = "ADDRESS", .def = "",
		.allowed = "a PCI address such as 0000:00:04.0 or 00:04.0",
		.help = "The port: a PCI device bound to a driver that DPDK can use (vfio-pci). "
			"Instead of --vdev, or after one as another port.",
		.parse = parse_pci, PORT_FIELD(pci) },
	[OPTION_ADDR] = { .name = "addr", .arg = "ADDR/LEN[,...]", .def = "",
		.allowed = "up to 16 addresses with prefix length, separated by commas, such as "
			   "192.0.2.1/24,2001:db8::1/64",
		.help = "The shim's own addresses, IPv4 and IPv6. The kernel must not have them.",
		.parse = parse_addrs, PORT_FIELD(naddrs) },
	[OPTION_GATEWAY] = { .name = "gateway", .arg = "[PREFIX@]ADDR[,...]", .def = "",
		.allowed = "up to 16 gateways, separated by commas, each an address (the default "
			   "route) or PREFIX/LEN@ADDR, such as 192.0.2.254,198.18.0.0/15@192.0.2.253",
		.help = "Routes through gateways on the port's networks. A bare address is the default "
			"route of its family; without one, what is not on the port's networks stays in "
			"the kernel.",
		.parse = parse_gateways, PORT_FIELD(nroutes) },
	[OPTION_SLAAC] = { .name = "slaac", .arg = "on|off", .def = "off",
		.allowed = "on or off",
		.help = "Take IPv6 addresses for the prefixes that routers advertise, besides those "
			"given. Advertised routes are taken in either case.",
		.parse = parse_bool, FIELD(slaac) },
	[OPTION_OFFLOAD] = { .name = "offload", .arg = "on|off", .def = "on",
		.allowed = "on or off",
		.help = "Let the port make checksums, cut TCP segments and join those that it receives "
			"(what ethtool -K calls tx, rx, tso and lro), if it can. Off is for a TAP whose "
			"frames are read by something that knows nothing of offloads.",
		.parse = parse_bool, FIELD(offload) },
	[OPTION_MTU] = { .name = "mtu", .arg = "BYTES", .def = "0",
		.allowed = "0 (the port's own) or a number from 576 to 9600",
		.help = "Largest IP packet on the port, in bytes. 0 takes the port's own.",
		.parse = parse_mtu, PORT_FIELD(mtu), .min = 576, .max = 9600 },
	[OPTION_VLAN] = { .name = "vlan", .arg = "ID", .def = "0",
		.allowed = "a number from 0 (no VLAN) to 4094",
		.help = "802.1Q VLAN of all traffic on the port. 0 sends and expects untagged frames.",
		.parse = parse_uint, PORT_FIELD(vlan), .min = 0, .max = 4094 },
	[OPTION_MAC] = { .name = "mac", .arg = "ADDRESS", .def = "",
		.allowed = "six bytes in hexadecimal such as 02:00:00:00:00:01, neither multicast nor "
			   "all zero",
		.help = "Ethernet address of the port. By default the port's own, or a locally "
			"administered one where that is the kernel's.",
		.parse = parse_mac, PORT_FIELD(mac) },
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

void option_env_name(const struct option_row *row, unsigned int port, char *buf, size_t len)
{
	if (port == 0)
		snprintf(buf, len, "%s%s", OPTION_ENV_PREFIX, row->name);
	else
		snprintf(buf, len, "%s%s_%u", OPTION_ENV_PREFIX, row->name, port + 1);
	for (char *p = buf; *p != '\0'; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

/* The row and the port of a variable: upper case and underscores only. */
static const struct option_row *find_env(const char *name, size_t len, unsigned int *port)
{
	char env[32];

	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		for (*port = 0; *port < (option_table[i].per_port ? CONFIG_MAX_PORTS : 1); ++*port) {
			option_env_name(&option_table[i], *port, env, sizeof(env));
			if (strlen(env) == len && memcmp(env, name, len) == 0)
				return &option_table[i];
		}
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

void *option_field(struct shim_config *cfg, const struct option_row *row)
{
	return (row->per_port ? (char *)&cfg->ports[cfg->port] : (char *)cfg) + row->offset;
}

int option_set(struct shim_config *cfg, const struct option_row *row, const char *value,
	       const char *origin, char *err, size_t errlen)
{
	char shown[SHOWN_MAX + 4], why[160] = "";

	if (value[0] == '\0')
		value = row->def;
	if (value[0] == '\0') {
		/* Of a list the field is its count. */
		memset(option_field(cfg, row), 0, row->size);
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
		for (cfg->port = 0; cfg->port < (row->per_port ? CONFIG_MAX_PORTS : 1); cfg->port++) {
			r = row->parse(cfg, row, row->def, why, sizeof(why));
			assert(r == 0);
			(void)r;
		}
		cfg->port = 0;
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
		unsigned int port;
		int r;

		if (eq == NULL || strncmp(entry, OPTION_ENV_PREFIX, skip) != 0)
			continue;
		row = find_env(entry, (size_t)(eq - entry), &port);
		if (row == NULL) {
			show_value(entry, name, sizeof(name));
			name[strcspn(name, "=")] = '\0';
			snprintf(err, errlen, "%s: there is no such option; `shim options` lists them",
				 name);
			return -EINVAL;
		}
		if (row == &option_table[OPTION_CONFIG])
			continue; /* read before all others */
		option_env_name(row, port, name, sizeof(name));
		cfg->port = port;
		r = option_set(cfg, row, eq + 1, name, err, errlen);
		cfg->port = 0;
		if (r != 0)
			return r;
	}
	return 0;
}

/* -- all together ------------------------------------------------------------------------ */
static bool on_link(const struct config_port *port, const struct ipaddr *via)
{
	if (!ipaddr_is_v4(via) && ipaddr_is_linklocal(via))
		return true;
	for (unsigned int i = 0; i < port->naddrs; i++)
		if (ipaddr_in_prefix(via, &port->addrs[i].addr, port->addrs[i].plen))
			return true;
	return false;
}

static bool is_named(const struct config_port *port)
{
	return port->vdev[0] != '\0' || port->pci[0] != '\0';
}

/* "addr of port 2 is ..."; where there is but one port its number is not told. */
static int port_fail(const struct shim_config *cfg, char *err, size_t errlen, unsigned int port,
		     const char *option, const char *what)
{
	if (cfg->nports > 1)
		snprintf(err, errlen, "%s of port %u %s", option, port + 1, what);
	else
		snprintf(err, errlen, "%s %s", option, what);
	return -EINVAL;
}

static int check_port(struct shim_config *cfg, unsigned int n, char *err, size_t errlen)
{
	const struct config_port *port = &cfg->ports[n];
	char what[160];

	if (!is_named(port))
		return port_fail(cfg, err, errlen, n, "vdev", "is missing, and there is a port behind it");
	if (port->vdev[0] != '\0' && port->pci[0] != '\0')
		return port_fail(cfg, err, errlen, n, "vdev",
				 "and pci are both given: name the port once");
	if (port->naddrs == 0) {
		snprintf(what, sizeof(what), "is missing: the port needs %s",
			 option_table[OPTION_ADDR].allowed);
		return port_fail(cfg, err, errlen, n, "addr", what);
	}
	for (unsigned int i = 0; i < port->nroutes; i++) {
		if (on_link(port, &port->routes[i].via))
			continue;
		snprintf(what, sizeof(what),
			 "number %u is on none of the networks given by addr, so it cannot be reached",
			 i + 1);
		return port_fail(cfg, err, errlen, n, "gateway", what);
	}
	return 0;
}

/* The length of a vdev's name, which DPDK knows it by: net_tap0. */
static size_t name_len(const struct config_port *port)
{
	return strcspn(port->vdev, ",");
}

static bool same_device(const struct config_port *a, const struct config_port *b)
{
	if (a->pci[0] != '\0' || b->pci[0] != '\0')
		return strcmp(a->pci, b->pci) == 0;
	return name_len(a) == name_len(b) && strncmp(a->vdev, b->vdev, name_len(a)) == 0;
}

/* What two ports must not have in common: the device, an address, a route's prefix. */
static int check_pair(struct shim_config *cfg, unsigned int first, unsigned int n, char *err,
		      size_t errlen)
{
	const struct config_port *a = &cfg->ports[first], *b = &cfg->ports[n];
	char what[160];

	if (same_device(a, b)) {
		snprintf(what, sizeof(what), "is the device of port %u too; a second TAP is net_tap1",
			 first + 1);
		return port_fail(cfg, err, errlen, n, b->pci[0] != '\0' ? "pci" : "vdev", what);
	}
	for (unsigned int i = 0; i < a->naddrs * b->naddrs; i++) {
		if (!ipaddr_equal(&a->addrs[i % a->naddrs].addr, &b->addrs[i / a->naddrs].addr))
			continue;
		snprintf(what, sizeof(what), "number %u is an address of port %u too",
			 i / a->naddrs + 1, first + 1);
		return port_fail(cfg, err, errlen, n, "addr", what);
	}
	for (unsigned int i = 0; i < a->nroutes * b->nroutes; i++) {
		const struct config_route *ra = &a->routes[i % a->nroutes],
					  *rb = &b->routes[i / a->nroutes];

		if (ra->plen != rb->plen || !ipaddr_equal(&ra->prefix, &rb->prefix))
			continue;
		snprintf(what, sizeof(what), "number %u is for the same prefix as one of port %u",
			 i / a->nroutes + 1, first + 1);
		return port_fail(cfg, err, errlen, n, "gateway", what);
	}
	return 0;
}

/* An option of a port that is not there is a mistake; of the first it means "not enabled". */
static int check_strays(struct shim_config *cfg, char *err, size_t errlen)
{
	for (unsigned int n = cfg->nports > 0 ? cfg->nports : 1; n < CONFIG_MAX_PORTS; n++) {
		const struct config_port *port = &cfg->ports[n];

		if (port->naddrs == 0 && port->nroutes == 0 && port->mtu == 0 && port->vlan == 0)
			continue;
		snprintf(err, errlen, "options of port %u are given, but no vdev or pci for it", n + 1);
		return -EINVAL;
	}
	return 0;
}

int config_check(struct shim_config *cfg, char *err, size_t errlen)
{
	unsigned int naddrs = 0, nroutes = 0;
	int r;

	cfg->nports = 0;
	for (unsigned int n = 0; n < CONFIG_MAX_PORTS; n++)
		if (is_named(&cfg->ports[n]))
			cfg->nports = n + 1;
	cfg->enabled = cfg->nports > 0;
	for (unsigned int n = 0; n < cfg->nports; n++) {
		r = check_port(cfg, n, err, errlen);
		for (unsigned int i = 0; r == 0 && i < n; i++)
			r = check_pair(cfg, i, n, err, errlen);
		if (r != 0)
			return r;
		naddrs += cfg->ports[n].naddrs;
		nroutes += cfg->ports[n].nroutes;
	}
	if (naddrs > CONFIG_MAX_ADDRS || nroutes > CONFIG_MAX_ROUTES) {
		snprintf(err, errlen, "%s: all ports together have more than %d",
			 naddrs > CONFIG_MAX_ADDRS ? "addr" : "gateway",
			 naddrs > CONFIG_MAX_ADDRS ? CONFIG_MAX_ADDRS : CONFIG_MAX_ROUTES);
		return -EINVAL;
	}
	return check_strays(cfg, err, errlen);
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
