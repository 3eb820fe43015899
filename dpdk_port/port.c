/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port.c - opening a DPDK port, and the netif it is for the stack.
 *
 * Opening, in order; each step that fails undoes the ones before it:
 *
 *	parse	   what the user named: driver, name, arguments
 *	check	   (by kind of link) permission, interface, lock: plain words before
 *		   DPDK is asked
 *	EAL	   eal.c
 *	memory	   struct port and one mbuf pool per queue, in DPDK memory
 *	probe	   the vdev; configure, queues, start
 *	attach	   (by kind) addresses, MTU, descriptors to sleep on
 *	connect	   (by kind) the peer; the wait is bounded and ends early for a signal
 *		   that wants the program to end
 *	freeze	   EAL's interrupt thread
 *
 * From then on only bursts are made, by any process, under the lock of the queue's stack.
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

/* net_tap and net_memif chain mbufs; elsewhere a frame has to fit one. */
static uint16_t data_room(const struct port_open *o)
{
	unsigned int room = o->frame_room;

	if (o->port->type->caps_from_device && o->params->mtu + ETHER_OVERHEAD > room)
		room = o->params->mtu + ETHER_OVERHEAD;
	return (uint16_t)RTE_ALIGN_CEIL(RTE_PKTMBUF_HEADROOM + room, 64);
}

static int open_memory(struct port_open *o, struct port *local)
{
	const struct port_params *params = o->params;
	uint16_t room = data_room(o);
	uint64_t one = mbuf_pool_bytes(4096, MBUF_PRIV_SIZE, room) / 4096 + 1;
	uint64_t n = params->memory / local->netif.nqueues / one;
	const struct rte_memzone *mz;
	struct port *p;
	char name[24];

	if (n < POOL_MIN_MBUFS)
		return port_fail(o, ENOMEM,
				 "%llu bytes of memory hold %llu packet buffers for each of "
				 "%u queues, %u are the least: more SHIM_MEMORY",
				 (unsigned long long)params->memory, (unsigned long long)n,
				 local->netif.nqueues, POOL_MIN_MBUFS);
	mz = rte_memzone_reserve("shim_port", sizeof(*p), SOCKET_ID_ANY, 0);
	if (mz == NULL)
		return port_fail(o, ENOMEM, "no memory: %s", rte_strerror(rte_errno));
	p = mz->addr;
	*p = *local;
	o->port = p;
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

	if (params->vlan == 0)
		trusted &= ~(uint32_t)(NETIF_TX_VLAN | NETIF_RX_VLAN_STRIP);
	memset(conf, 0, sizeof(*conf));
	conf->txmode.offloads = choose_offloads(tx_offloads, RTE_DIM(tx_offloads),
						info->tx_offload_capa, trusted, &p->netif.caps);
	conf->rxmode.offloads = choose_offloads(rx_offloads, RTE_DIM(rx_offloads),
						info->rx_offload_capa, trusted, &p->netif.caps);
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

/* -- the netif ---------------------------------------------------------------------- */

static uint16_t port_rx_burst(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct port *p = nif->priv;

	if (p->type->rx_burst != NULL)
		return p->type->rx_burst(p, queue, pkts, n);
	if (!p->holds_mbufs)
		return rte_eth_rx_burst(p->id, queue, pkts, n);
	mbuf_pool_lend(p->pools[queue]);
	n = rte_eth_rx_burst(p->id, queue, pkts, n);
	mbuf_pool_take(p->pools[queue], pkts, n);
	return n;
}

static uint16_t port_tx_burst(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct port *p = nif->priv;

	if (p->type->tx_burst != NULL)
		return p->type->tx_burst(p, queue, pkts, n);
	return rte_eth_tx_burst(p->id, queue, pkts, n);
}

static bool device_link_up(struct port *p)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

/* Asked of the system at most every 2^28 ticks, about a tenth of a second. */
static bool port_link_is_up(struct netif *nif)
{
	struct port *p = nif->priv;
	uint64_t now = rte_rdtsc();

	if ((int64_t)(now - p->link_next_tsc) >= 0) {
		p->link_next_tsc = now + (1u << 28);
		p->link_up = p->type->link_up != NULL ? p->type->link_up(p) : device_link_up(p);
	}
	return p->link_up;
}

static const struct netif_ops port_ops = {
	.rx_burst = port_rx_burst,
	.tx_burst = port_tx_burst,
	.link_is_up = port_link_is_up,
};

/* -- open and close ----------------------------------------------------------------- */

static int open_inside(struct port_open *o, struct eal_shelter *shelter, struct port *local)
{
	/* Before EAL the port is a local one; o->port moves to DPDK's memory in open_memory(). */
	struct eal_params ep = { .pci = o->params->pci,
				 .hugepages = o->params->hugepages,
				 .memory = o->params->memory + EAL_OVERHEAD };
	char words[PORT_ERR_LEN - 96];
	struct port *p;
	int r = open_parse(o, local);

	if (r == 0 && local->type->check != NULL)
		r = local->type->check(o);
	if (r < 0)
		return r;
	r = eal_start(&ep, words, sizeof(words));
	if (r < 0)
		return port_fail(o, -r, "%s", words);
	r = open_memory(o, local);
	if (r == 0)
		r = open_probe(o);
	if (r == 0)
		r = open_start(o);
	if (r < 0)
		return r;
	eal_shelter_collect(shelter);
	p = o->port;
	p->netif.ops = &port_ops;
	p->netif.priv = p;
	p->netif.vlan = (uint16_t)o->params->vlan;
	r = p->type->attach != NULL ? p->type->attach(o) : 0;
	/* Programs know it by the name of the interface it is the other end of, if there is one. */
	snprintf(p->netif.name, sizeof(p->netif.name), "%.*s", NETIF_NAME_LEN - 1,
		 p->ifname[0] != '\0' ? p->ifname : o->name);
	return r;
}

static void close_fds(struct port *p)
{
	if (p->ctl_fd >= 0)
		port_sys_close(p->ctl_fd);
	if (p->lock_fd >= 0)
		port_sys_close(p->lock_fd);
}

int port_open(const struct port_params *params, struct port **out, char err[PORT_ERR_LEN])
{
	struct port local = { .ctl_fd = -1, .lock_fd = -1, .link_fd = -1 };
	struct port_open o = {
		.params = params, .err = err, .port = &local, .frame_room = FRAME_ROOM
	};
	struct eal_shelter *shelter;
	int r;

	err[0] = '\0';
	for (unsigned int q = 0; q < PORT_MAX_QUEUES; q++)
		local.wait_fds[q] = -1;
	shelter = eal_shelter_begin();
	r = open_inside(&o, shelter, &local);
	if (r == 0 && o.port->type->connect != NULL)
		r = o.port->type->connect(&o);
	if (r == 0)
		r = eal_freeze();
	eal_shelter_end(shelter);
	if (r < 0) {
		if (err[0] == '\0')
			port_fail(&o, -r, "%s", strerror(-r));
		if (o.port != &local)
			port_close(o.port);
		else
			close_fds(&local);
		return r;
	}
	o.port->nfds = sys_tracked_fds(o.port->fds, PORT_MAX_FDS);
	*out = o.port;
	return 0;
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

/* -- questions ---------------------------------------------------------------------- */

struct netif *port_netif(struct port *port)
{
	return &port->netif;
}

struct rte_mempool *port_mbuf_pool(struct port *port)
{
	return port->pools[0];
}

struct rte_mempool *port_queue_mbuf_pool(struct port *port, uint16_t queue)
{
	return queue < port->netif.nqueues ? port->pools[queue] : NULL;
}

unsigned int port_wait_fds(const struct port *port, uint16_t queue, int fds[PORT_MAX_WAIT_FDS])
{
	if (queue >= port->netif.nqueues || port->wait_fds[queue] < 0)
		return 0;
	fds[0] = port->wait_fds[queue];
	return 1;
}

unsigned int port_fds(const struct port *port, int *fds, unsigned int n)
{
	if (n > port->nfds)
		n = port->nfds;
	memcpy(fds, port->fds, n * sizeof(fds[0]));
	return n;
}

void port_read_stats(struct port *port, struct port_stats *stats)
{
	struct rte_eth_stats s;

	memset(stats, 0, sizeof(*stats));
	if (port->type->read_stats != NULL) {
		port->type->read_stats(port, stats);
		return;
	}
	if (rte_eth_stats_get(port->id, &s) != 0)
		return;
	stats->rx_packets = s.ipackets;
	stats->rx_bytes = s.ibytes;
	stats->tx_packets = s.opackets;
	stats->tx_bytes = s.obytes;
	stats->rx_missed = s.imissed;
	stats->rx_errors = s.ierrors;
	stats->tx_errors = s.oerrors;
	stats->rx_nombuf = s.rx_nombuf;
}

/* -- per process, per thread -------------------------------------------------------- */

void port_after_fork(struct port *port)
{
	(void)port;
	/* rte_gettid() keeps the thread id; a child has another. */
	RTE_PER_LCORE(_thread_id) = -1;
}

void port_lcore_enter(unsigned int lcore, unsigned int *saved)
{
	*saved = RTE_PER_LCORE(_lcore_id);
	RTE_PER_LCORE(_lcore_id) = lcore;
}

void port_lcore_leave(unsigned int saved)
{
	RTE_PER_LCORE(_lcore_id) = saved;
}
