/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port.c - opening DPDK ports.
 *
 * Opening, in order, each step for all ports; one that fails undoes the ones before it:
 *
 *	parse	   what the user named: driver, name, arguments
 *	check	   (by kind of link) permission, interface, lock: plain words before
 *		   DPDK is asked
 *	EAL	   eal.c
 *	memory	   struct port and one mbuf pool per queue, in DPDK memory; several ports have
 *		   their pools in common, as the stack that owns them has
 *	probe	   the vdev; configure, queues, start
 *	attach	   (by kind) addresses, MTU, descriptors to sleep on
 *	connect	   (by kind) the peer; the wait is bounded and ends early for a signal
 *		   that wants the program to end
 *	freeze	   EAL's interrupt thread
 *
 * From then on only bursts are made (netif.c).
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_memzone.h>

#include "dpdk_port/eal.h"
#include "dpdk_port/libc.h"
#include "dpdk_port/mbuf_pool.h"
#include "dpdk_port/port_priv.h"

#define MBUF_PRIV_SIZE 128   /* = PKT_PRIV_SIZE of the stack, which asserts it */
#define FRAME_ROOM     2048  /* an ordinary frame; mbufs are not made smaller */
#define MTU_MAX	       16000 /* what IPv4 and mbuf lengths have room for, with a margin */
#define MTU_MIN	       576   /* RFC 1122 3.3.2 */
#define ETHER_OVERHEAD 18    /* header and a VLAN tag */
#define POOL_MIN_MBUFS 512
#define EAL_OVERHEAD   (12ull << 20) /* drivers' queues, ethdev's tables, heap headers */
#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
/*
 * Devices say how many pieces a packet may have (nb_seg_max), but vmxnet3 says 255 and refuses
 * super-packets of more than 24.  What is paid once for 16 segments is little for each.
 */
#define TSO_MAX_SEGS 16

static const struct link_type *const link_types[] = { &link_tap, &link_af_packet, &link_memif };

/* -- words -------------------------------------------------------------------------- */

int port_fail(struct port_open *o, int error, const char *fmt, ...)
{
	const char *what = o->params->pci != NULL ? o->params->pci : o->name;
	va_list ap;
	int n = snprintf(o->err, PORT_ERR_LEN, "port %s: ", what);

	va_start(ap, fmt);
	if (n > 0 && n < PORT_ERR_LEN)
		vsnprintf(o->err + n, (size_t)(PORT_ERR_LEN - n), fmt, ap);
	va_end(ap);
	return -error;
}

bool port_arg(const char *args, const char *key, char *value, size_t len)
{
	size_t klen = strlen(key);

	for (const char *s = args; *s != '\0';) {
		const char *end = strchrnul(s, ',');

		if ((size_t)(end - s) > klen && strncmp(s, key, klen) == 0 && s[klen] == '=') {
			snprintf(value, len, "%.*s", (int)(end - s - (ptrdiff_t)klen - 1),
				 s + klen + 1);
			return true;
		}
		s = *end == ',' ? end + 1 : end;
	}
	return false;
}

int port_arg_default(struct port_open *o, const char *key, const char *value)
{
	size_t len = strlen(o->args);
	char have[8];
	int n;

	if (port_arg(o->args, key, have, sizeof(have)))
		return 0;
	n = snprintf(o->args + len, sizeof(o->args) - len, "%s%s=%s", len > 0 ? "," : "", key,
		     value);
	if (n < 0 || (size_t)n >= sizeof(o->args) - len)
		return port_fail(o, EINVAL, "arguments longer than %zu characters",
				 sizeof(o->args));
	return 0;
}

int port_lock(const char *who)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1, "libshim-port:%s", who);
	if (n < 0 || (size_t)n >= sizeof(sun.sun_path) - 1)
		return -ENAMETOOLONG;
	fd = port_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	if (port_sys_bind(fd, (const struct sockaddr *)&sun,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) <
	    0) {
		n = errno == EADDRINUSE ? -EBUSY : -errno;
		port_sys_close(fd);
		return n;
	}
	return fd;
}

/* -- parse -------------------------------------------------------------------------- */

/* "net_tap0,iface=shim0" into its name, its driver (without the number) and arguments. */
static int parse_vdev(struct port_open *o, const char *vdev)
{
	size_t len = strcspn(vdev, ","), digits = len;

	snprintf(o->name, sizeof(o->name), "%.*s", (int)len, vdev);
	while (digits > 0 && vdev[digits - 1] >= '0' && vdev[digits - 1] <= '9')
		digits--;
	if (len == 0 || len >= sizeof(o->name) || digits == 0 || digits >= sizeof(o->driver))
		return port_fail(o, EINVAL, "no driver's name in '%s' (net_tap0,iface=shim0)",
				 vdev);
	snprintf(o->driver, sizeof(o->driver), "%.*s", (int)digits, vdev);
	if (snprintf(o->args, sizeof(o->args), "%s", vdev[len] == ',' ? vdev + len + 1 : "") >=
	    (int)sizeof(o->args))
		return port_fail(o, EINVAL, "arguments longer than %zu characters",
				 sizeof(o->args));
	return 0;
}

static const struct link_type *find_type(const char *driver)
{
	for (size_t i = 0; i < sizeof(link_types) / sizeof(link_types[0]); i++)
		if (strcmp(driver, link_types[i]->driver) == 0)
			return link_types[i];
	return &link_other;
}

/* Drivers ignore all arguments when they do not know one of them. */
static int check_keys(struct port_open *o, const char *const *keys)
{
	for (const char *s = o->args; *s != '\0';) {
		size_t len = strcspn(s, "=,"), i = 0;

		while (keys[i] != NULL && (strlen(keys[i]) != len || strncmp(s, keys[i], len) != 0))
			i++;
		if (keys[i] == NULL)
			return port_fail(o, EINVAL,
					 "%s takes no argument '%.*s' (the first of those it takes "
					 "is %s=)",
					 o->driver, (int)len, s, keys[0]);
		s += strcspn(s, ",");
		s += *s == ',';
	}
	return 0;
}

static int open_parse(struct port_open *o, struct port *p)
{
	const struct port_params *params = o->params;
	int r = 0;

	if ((params->vdev == NULL) == (params->pci == NULL))
		return port_fail(o, EINVAL, "name one port: a vdev or a PCI address");
	if (params->vdev != NULL)
		r = parse_vdev(o, params->vdev);
	else
		snprintf(o->name, sizeof(o->name), "%s", params->pci);
	if (r < 0)
		return r;
	p->type = find_type(o->driver);
	if (p->type->keys != NULL)
		r = check_keys(o, p->type->keys);
	if (r < 0)
		return r;
	if (params->mtu != 0 && (params->mtu < MTU_MIN || params->mtu > MTU_MAX))
		return port_fail(o, EINVAL, "an MTU of %u; %u to %u are possible", params->mtu,
				 MTU_MIN, MTU_MAX);
	p->holds_mbufs = p->type->holds_mbufs;
	p->netif.nqueues = (uint16_t)(params->queues > 0 ? params->queues : 1);
	if (params->queues > p->type->max_queues || params->queues > PORT_MAX_QUEUES)
		return port_fail(o, EINVAL, "%u queues; this kind of port has at most %u",
				 params->queues, p->type->max_queues);
	p->ctl_fd = port_sys_socket(AF_INET, SOCK_DGRAM, 0);
	if (p->ctl_fd < 0)
		return port_fail(o, errno, "cannot make a control socket: %s", strerror(errno));
	return 0;
}

/* -- memory ------------------------------------------------------------------------- */

/*
 * A frame of the MTU that the user named has to fit one mbuf: TCP's segments are no longer than
 * one, and many drivers chain none.
 */
static uint16_t data_room(const struct port_open *o)
{
	unsigned int room = o->frame_room;

	if (o->params->mtu + ETHER_OVERHEAD > room)
		room = o->params->mtu + ETHER_OVERHEAD;
	return (uint16_t)RTE_ALIGN_CEIL(RTE_PKTMBUF_HEADROOM + room, 64);
}

static int make_pools(struct port_open *o, const struct port *local, uint16_t room)
{
	uint64_t one = mbuf_pool_bytes(4096, MBUF_PRIV_SIZE, room) / 4096 + 1;
	uint64_t n = o->params->memory / local->netif.nqueues / one;
	struct port *p = o->port;
	char name[24];

	if (n < POOL_MIN_MBUFS)
		return port_fail(o, ENOMEM,
				 "%llu bytes of memory hold %llu packet buffers for each of "
				 "%u queues, %u are the least: more SHIM_MEMORY",
				 (unsigned long long)o->params->memory, (unsigned long long)n,
				 local->netif.nqueues, POOL_MIN_MBUFS);
	for (uint16_t q = 0; q < p->netif.nqueues; q++) {
		snprintf(name, sizeof(name), "shim_q%u", q);
		p->pools[q] = mbuf_pool_create(name, (unsigned int)n, MBUF_PRIV_SIZE, room,
					       SOCKET_ID_ANY);
		if (p->pools[q] == NULL)
			return port_fail(o, ENOMEM, "no memory for %llu packet buffers: %s",
					 (unsigned long long)n, rte_strerror(rte_errno));
	}
	return 0;
}

/* The port moves from local to DPDK's memory.  Each buffer has room for a frame of any port. */
static int open_memory(struct port_open *o, const struct port *local, uint16_t room)
{
	const struct rte_memzone *mz;
	char name[24];

	snprintf(name, sizeof(name), "shim_port%u", o->number);
	mz = rte_memzone_reserve(name, sizeof(*local), SOCKET_ID_ANY, 0);
	if (mz == NULL)
		return port_fail(o, ENOMEM, "no memory: %s", rte_strerror(rte_errno));
	o->port = mz->addr;
	*o->port = *local;
	if (o->number == 0)
		return make_pools(o, local, room);
	memcpy(o->port->pools, o->first->port->pools, sizeof(o->port->pools));
	return 0;
}

/* -- probe, configure, start -------------------------------------------------------- */

static int open_probe(struct port_open *o)
{
	struct port *p = o->port;
	int r;

	eal_log_clear();
	if (o->params->pci == NULL) {
		r = rte_vdev_init(o->name, o->args);
		if (r > 0 || (r < 0 && eal_log_why()[0] == '\0'))
			return port_fail(
				o, ENODEV,
				"no driver is called %s: net_tap, net_af_packet, net_memif "
				"and net_virtio_user are built in",
				o->driver);
		/* A failing probe returns -1, whatever was the matter. */
		if (r < 0)
			return p->type->explain != NULL ? p->type->explain(o, EINVAL) :
							  port_fail(o, EINVAL, "%s", eal_log_why());
	}
	r = rte_eth_dev_get_port_by_name(o->name, &p->id);
	if (r < 0)
		return p->type->explain != NULL ?
			       p->type->explain(o, ENODEV) :
			       port_fail(o, ENODEV, "no driver took it: %s", eal_log_why());
	return 0;
}

/* DPDK's offload bits, and what the stack calls them. */
struct offload {
	uint64_t dpdk;
	uint32_t netif;
};

static const struct offload tx_offloads[] = {
	{ RTE_ETH_TX_OFFLOAD_IPV4_CKSUM, NETIF_TX_IP4_CSUM },
	{ RTE_ETH_TX_OFFLOAD_TCP_CKSUM, NETIF_TX_TCP_CSUM },
	{ RTE_ETH_TX_OFFLOAD_UDP_CKSUM, NETIF_TX_UDP_CSUM },
	{ RTE_ETH_TX_OFFLOAD_TCP_TSO, NETIF_TX_TSO },
	{ RTE_ETH_TX_OFFLOAD_MULTI_SEGS, NETIF_TX_MULTI_SEG },
	{ RTE_ETH_TX_OFFLOAD_VLAN_INSERT, NETIF_TX_VLAN },
};

static const struct offload rx_offloads[] = {
	{ RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, NETIF_RX_IP4_CSUM },
	{ RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM, NETIF_RX_L4_CSUM },
	{ RTE_ETH_RX_OFFLOAD_VLAN_STRIP, NETIF_RX_VLAN_STRIP },
};

/* Which of the rows the device can do and the kind of link is trusted with. */
static uint64_t choose_offloads(const struct offload *rows, size_t n, uint64_t device,
				uint32_t trusted, uint32_t *caps)
{
	uint64_t chosen = 0;

	for (size_t i = 0; i < n; i++) {
		if ((device & rows[i].dpdk) != rows[i].dpdk || !(trusted & rows[i].netif))
			continue;
		chosen |= rows[i].dpdk;
		*caps |= rows[i].netif;
	}
	return chosen;
}

static void choose_conf(struct port *p, const struct port_params *params,
			const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint32_t trusted = p->type->caps_from_device ? ~0u : p->type->caps;

	if (params->no_offload)
		trusted &= NETIF_TX_MULTI_SEG | NETIF_TX_VLAN | NETIF_RX_VLAN_STRIP;
	if (params->vlan == 0)
		trusted &= ~(uint32_t)(NETIF_TX_VLAN | NETIF_RX_VLAN_STRIP);
	memset(conf, 0, sizeof(*conf));
	p->netif.caps = p->type->caps & NETIF_TX_COPIES;
	conf->txmode.offloads = choose_offloads(tx_offloads, RTE_DIM(tx_offloads),
						info->tx_offload_capa, trusted, &p->netif.caps);
	conf->rxmode.offloads = choose_offloads(rx_offloads, RTE_DIM(rx_offloads),
						info->rx_offload_capa, trusted, &p->netif.caps);
	/* A super-packet is a chain without a checksum. */
	if ((p->netif.caps & (NETIF_TX_MULTI_SEG | NETIF_TX_TCP_CSUM)) !=
	    (NETIF_TX_MULTI_SEG | NETIF_TX_TCP_CSUM))
		p->netif.caps &= ~(uint32_t)NETIF_TX_TSO;
	p->netif.tso_segs = RTE_MIN(info->tx_desc_lim.nb_seg_max, (uint16_t)TSO_MAX_SEGS);
	if (p->netif.tso_segs < 2)
		p->netif.caps &= ~(uint32_t)NETIF_TX_TSO;
	if (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER)
		conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	if (p->netif.nqueues > 1 && info->flow_type_rss_offloads != 0) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf =
			info->flow_type_rss_offloads &
			(RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
	}
	/* A link without a frame limit of its own takes what the stack makes (type->attach). */
	if (p->type->caps_from_device)
		conf->rxmode.mtu = params->mtu;
}

static int open_queues(struct port_open *o)
{
	struct port *p = o->port;
	uint16_t rx = RX_DESCRIPTORS, tx = TX_DESCRIPTORS;
	unsigned int room = mbuf_pool_available(p->pools[0]) / 4;
	int r;

	/* Rings may hold a quarter of the mbufs. */
	if (rx > room)
		rx = (uint16_t)(1u << (31 - __builtin_clz(room)));
	if (!p->type->caps_from_device)
		rx = 8; /* net_tap: the most segments of a frame; the others have their own rings */
	r = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);
	for (uint16_t q = 0; r == 0 && q < p->netif.nqueues; q++) {
		if (p->holds_mbufs)
			mbuf_pool_lend(p->pools[q]);
		r = rte_eth_rx_queue_setup(p->id, q, rx, (unsigned int)rte_eth_dev_socket_id(p->id),
					   NULL, p->pools[q]);
		mbuf_pool_take(p->pools[q], NULL, 0);
		if (r == 0)
			r = rte_eth_tx_queue_setup(
				p->id, q, tx, (unsigned int)rte_eth_dev_socket_id(p->id), NULL);
	}
	return r;
}

/* The driver may fill its receive rings here. */
static int start_device(struct port *p)
{
	int r;

	for (uint16_t q = 0; p->holds_mbufs && q < p->netif.nqueues; q++)
		mbuf_pool_lend(p->pools[q]);
	r = rte_eth_dev_start(p->id);
	for (uint16_t q = 0; q < p->netif.nqueues; q++)
		mbuf_pool_take(p->pools[q], NULL, 0);
	return r;
}

static int open_start(struct port_open *o)
{
	const struct port_params *params = o->params;
	struct port *p = o->port;
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	struct rte_ether_addr mac;
	int r;

	r = rte_eth_dev_info_get(p->id, &info);
	if (r < 0)
		return port_fail(o, -r, "%s", rte_strerror(-r));
	if (p->netif.nqueues > info.max_rx_queues || p->netif.nqueues > info.max_tx_queues)
		return port_fail(o, EINVAL, "%u queues; it has %u for receiving, %u for sending",
				 p->netif.nqueues, info.max_rx_queues, info.max_tx_queues);
	choose_conf(p, params, &info, &conf);
	r = rte_eth_dev_configure(p->id, p->netif.nqueues, p->netif.nqueues, &conf);
	if (r < 0)
		return port_fail(o, -r, "%s", eal_log_why());
	r = open_queues(o);
	if (r == 0 && rte_eth_macaddr_get(p->id, &mac) == 0)
		memcpy(p->netif.mac, mac.addr_bytes, NETIF_MAC_LEN);
	if (r == 0 && rte_eth_dev_get_mtu(p->id, &p->netif.mtu) < 0)
		p->netif.mtu = RTE_ETHER_MTU;
	if (r == 0 && p->type->connect == NULL)
		r = start_device(p);
	if (r < 0)
		return p->type->explain != NULL ? p->type->explain(o, -r) :
						  port_fail(o, -r, "%s", eal_log_why());
	p->started = true;
	if (params->mac != NULL)
		memcpy(p->netif.mac, params->mac, NETIF_MAC_LEN);
	return 0;
}

/* -- open and close ----------------------------------------------------------------- */

/* What is local to the opening of one port; it moves to DPDK's memory in open_memory(). */
struct opening {
	struct port_open o;
	struct port local;
};

static int check_all(struct opening *all, unsigned int n)
{
	int r = 0;

	for (unsigned int i = 0; i < n && r == 0; i++) {
		r = open_parse(&all[i].o, &all[i].local);
		if (r == 0 && all[i].local.type->check != NULL)
			r = all[i].local.type->check(&all[i].o);
	}
	return r;
}

static int start_eal(struct opening *all, unsigned int n)
{
	const struct port_params *params = all[0].o.params;
	struct eal_params ep = { .hugepages = params->hugepages,
				 .memory = params->memory + n * EAL_OVERHEAD };
	char words[PORT_ERR_LEN - 96];
	int r;

	for (unsigned int i = 0; i < n; i++)
		if (all[i].o.params->pci != NULL)
			ep.pci[ep.npci++] = all[i].o.params->pci;
	r = eal_start(&ep, words, sizeof(words));
	return r < 0 ? port_fail(&all[0].o, -r, "%s", words) : 0;
}

static int memory_all(struct opening *all, unsigned int n)
{
	uint16_t room = 0;
	int r = 0;

	for (unsigned int i = 0; i < n; i++)
		if (data_room(&all[i].o) > room)
			room = data_room(&all[i].o);
	for (unsigned int i = 0; i < n && r == 0; i++)
		r = open_memory(&all[i].o, &all[i].local, room);
	return r;
}

static int open_device(struct port_open *o, struct eal_shelter *shelter)
{
	struct port *p = o->port;
	int r;

	o->nknown = sys_tracked_fds(o->known, SYS_MAX_FDS);
	r = open_probe(o);
	if (r == 0)
		r = open_start(o);
	if (r < 0)
		return r;
	eal_shelter_collect(shelter);
	p->netif.ops = &port_netif_ops;
	p->netif.priv = p;
	p->netif.vlan = (uint16_t)o->params->vlan;
	r = p->type->attach != NULL ? p->type->attach(o) : 0;
	/* Programs know it by the name of the interface it is the other end of, if there is one. */
	snprintf(p->netif.name, sizeof(p->netif.name), "%.*s", NETIF_NAME_LEN - 1,
		 p->ifname[0] != '\0' ? p->ifname : o->name);
	p->netif.ifindex = p->ifname[0] != '\0' ? kernel_if_index(p->ctl_fd, p->ifname) : 0;
	if (p->netif.ifindex == 0)
		p->netif.ifindex = PORT_IFINDEX + o->number;
	return r;
}

static int open_all(struct opening *all, unsigned int n, struct eal_shelter *shelter)
{
	int r = check_all(all, n);

	if (r == 0)
		r = start_eal(all, n);
	if (r == 0)
		r = memory_all(all, n);
	for (unsigned int i = 0; i < n && r == 0; i++)
		r = open_device(&all[i].o, shelter);
	/* The interrupt thread works until here: memif's peers are met by it. */
	for (unsigned int i = 0; i < n && r == 0; i++)
		if (all[i].o.port->type->connect != NULL)
			r = all[i].o.port->type->connect(&all[i].o);
	if (r == 0)
		r = eal_freeze();
	for (unsigned int i = 0; i < n && r == 0; i++)
		if (all[i].o.port->type->settle != NULL)
			all[i].o.port->type->settle(&all[i].o);
	return r;
}

bool port_fd_is_new(const struct port_open *o, int fd)
{
	for (unsigned int i = 0; i < o->nknown; i++)
		if (o->known[i] == fd)
			return false;
	return true;
}

static void close_fds(struct port *p)
{
	if (p->ctl_fd >= 0)
		port_sys_close(p->ctl_fd);
	if (p->lock_fd >= 0)
		port_sys_close(p->lock_fd);
}

static void begin_opening(struct opening *all, unsigned int i, const struct port_params *params,
			  char *err)
{
	struct opening *op = &all[i];

	memset(op, 0, sizeof(*op));
	op->local.ctl_fd = op->local.lock_fd = op->local.link_fd = -1;
	for (unsigned int q = 0; q < PORT_MAX_QUEUES; q++)
		op->local.wait_fds[q] = -1;
	op->o = (struct port_open){ .params = params, .err = err, .port = &op->local,
				    .frame_room = FRAME_ROOM, .number = i, .first = &all[0].o,
				    .prev = i > 0 ? &all[i - 1].o : NULL };
}

int ports_open(const struct port_params *params, unsigned int n, struct port **out,
	       char err[PORT_ERR_LEN])
{
	/* Large, and there is but one opening in a process. */
	static struct opening all[PORT_MAX_PORTS];
	struct eal_shelter *shelter;
	int r;

	err[0] = '\0';
	if (n == 0 || n > PORT_MAX_PORTS)
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++)
		begin_opening(all, i, &params[i], err);
	shelter = eal_shelter_begin();
	r = open_all(all, n, shelter);
	eal_shelter_end(shelter);
	if (r < 0 && err[0] == '\0')
		port_fail(&all[0].o, -r, "%s", strerror(-r));
	for (unsigned int i = 0; i < n; i++) {
		if (r == 0)
			out[i] = all[i].o.port;
		else if (all[i].o.port != &all[i].local)
			port_close(all[i].o.port);
		else
			close_fds(&all[i].local);
	}
	if (r == 0)
		out[0]->nfds = sys_tracked_fds(out[0]->fds, PORT_MAX_FDS);
	return r;
}

int port_open(const struct port_params *params, struct port **out, char err[PORT_ERR_LEN])
{
	return ports_open(params, 1, out, err);
}

void port_close(struct port *port)
{
	eal_freeze(); /* before descriptors of its list close */
	if (port->started) {
		if (port->type->detach != NULL)
			port->type->detach(port);
		rte_eth_dev_stop(port->id);
		rte_eth_dev_close(port->id);
	}
	close_fds(port);
}
