/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memif.c - net_memif: shared memory with another process, which is server or client.
 *
 * The driver maps the memory when the two have met, in the process where EAL's interrupt
 * thread runs.  A process that was forked before does not have the mapping, so the
 * port is not open before the peer is there: the server waits for a client, the client
 * tries again until there is a server.
 *
 * After that the interrupt thread is stopped (eal_freeze()), and with it reconnection: stale
 * frames would be delivered and new ones stick (DPDK 22.11).  When the control connection
 * hangs up the link is down for good, in all processes.
 *
 * No zero-copy: it would hand the peer our mbufs' memory.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "dpdk_port/eal.h"
#include "dpdk_port/libc.h"
#include "dpdk_port/memif_wake.h"
#include "dpdk_port/port_priv.h"

#define MEMIF_SOCKET "/run/memif.sock" /* the driver's default */
#define BSIZE 2048		       /* likewise */
#define FRAME_OVERHEAD 18	       /* Ethernet header and a VLAN tag */

struct memif_args {
	char socket[108];
	char id[16];
	bool server, abstract;
};

static void memif_parse(const struct port_open *o, struct memif_args *a)
{
	char value[16];

	memset(a, 0, sizeof(*a));
	if (!port_arg(o->args, "socket", a->socket, sizeof(a->socket)))
		snprintf(a->socket, sizeof(a->socket), "%s", MEMIF_SOCKET);
	if (!port_arg(o->args, "id", a->id, sizeof(a->id)))
		snprintf(a->id, sizeof(a->id), "0");
	a->server = port_arg(o->args, "role", value, sizeof(value)) &&
		    (strcmp(value, "server") == 0 || strcmp(value, "master") == 0);
	a->abstract = !port_arg(o->args, "socket-abstract", value, sizeof(value)) ||
		      strcmp(value, "yes") == 0;
}

/*
 * A server's path that is there already: somebody listens (-EBUSY), or it was left behind
 * by one that died and is removed.
 */
static int memif_check_path(struct port_open *o, const struct memif_args *a)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, r;

	if (a->abstract || lstat(a->socket, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return port_fail(o, EINVAL, "socket=%s exists and is no socket", a->socket);
	/* A stream: a listening packet socket refuses it (EPROTOTYPE) without noticing. */
	fd = port_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return port_fail(o, errno, "%s", strerror(errno));
	memcpy(sun.sun_path, a->socket, sizeof(sun.sun_path));
	r = port_sys_connect(fd, (const struct sockaddr *)&sun, sizeof(sun));
	port_sys_close(fd);
	if (r == 0 || errno != ECONNREFUSED)
		return port_fail(o, EBUSY,
				 "another program serves socket=%s: stop it, use another "
				 "socket=, or role=client",
				 a->socket);
	if (unlink(a->socket) < 0)
		return port_fail(o, errno, "cannot remove the stale socket=%s: %s", a->socket,
				 strerror(errno));
	return 0;
}

/*
 * A frame has to fit one of the ring's buffers.  The driver (DPDK 22.11) loses those that it
 * should chain over several, or writes beyond one: frames that begin in the mbuf's
 * headroom are longer than it reckons with.
 */
static int memif_check_bsize(struct port_open *o)
{
	unsigned int frame = (o->params->mtu != 0 ? o->params->mtu : RTE_ETHER_MTU) + FRAME_OVERHEAD;
	unsigned int bsize = frame > BSIZE ? RTE_ALIGN_CEIL(frame, 64) : BSIZE;
	char num[16];
	int r;

	snprintf(num, sizeof(num), "%u", bsize);
	r = port_arg_default(o, "bsize", num);
	port_arg(o->args, "bsize", num, sizeof(num));
	if (r == 0 && strtoul(num, NULL, 10) < frame)
		r = port_fail(o, EINVAL, "bsize=%s does not hold frames of MTU %u: %u are the least", num,
			      frame - FRAME_OVERHEAD, frame);
	return r;
}

static int memif_check(struct port_open *o)
{
	struct port *p = o->port;
	struct memif_args a;
	char who[160], value[8];
	int r;

	if (port_arg(o->args, "zero-copy", value, sizeof(value)) && strcmp(value, "yes") == 0)
		return port_fail(o, EINVAL, "zero-copy=yes cannot be used by several processes");
	r = memif_check_bsize(o);
	if (r < 0)
		return r;
	memif_parse(o, &a);
	if (strlen(a.socket) + 2 > sizeof(((struct sockaddr_un *)NULL)->sun_path) - 13)
		return port_fail(o, EINVAL, "socket= is too long");
	snprintf(who, sizeof(who), "m:%s:%s:%c", a.socket, a.id, a.server ? 's' : 'c');
	p->lock_fd = port_lock(who);
	if (p->lock_fd == -EBUSY)
		return port_fail(o, EBUSY,
				 "the %s of memif id %s on %s is another program under the shim: "
				 "stop that one, or use another id= or socket=",
				 a.server ? "server" : "client", a.id, a.socket);
	memif_wake_listen();
	return a.server ? memif_check_path(o, &a) : 0;
}

static int memif_explain(struct port_open *o, int error)
{
	struct memif_args a;

	memif_parse(o, &a);
	if (eal_log_contains("Address already in use"))
		return port_fail(
			o, EBUSY,
			"another program serves socket=%s: stop it, use another socket=, or "
			"role=client",
			a.socket);
	if (eal_log_contains("Failed to setup socket") ||
	    eal_log_contains("Invalid socket directory"))
		return port_fail(o, EINVAL,
				 "cannot listen on socket=%s: does its directory exist, may it be "
				 "written?",
				 a.socket);
	return port_fail(o, error, "%s", eal_log_why());
}

/* The MTU is an agreement with the peer, as bsize= is. */
static int memif_attach(struct port_open *o)
{
	if (o->params->mtu != 0)
		o->port->netif.mtu = (uint16_t)o->params->mtu;
	return 0;
}

/* Does a port that opens with this one have it? */
static bool memif_is_taken(const struct port_open *o, int fd)
{
	for (o = o->prev; o != NULL; o = o->prev)
		if (o->port->link_fd == fd)
			return true;
	return false;
}

/* Is it a connection of this path's listener, ours or the peer's? */
static bool memif_is_of(int fd, const struct memif_args *a)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sun);
	const char *path;
	size_t n;

	if ((a->server ? port_sys_getsockname(fd, (struct sockaddr *)&sun, &len) :
			 port_sys_getpeername(fd, (struct sockaddr *)&sun, &len)) < 0)
		return false;
	path = sun.sun_path + (a->abstract ? 1 : 0);
	n = strlen(a->socket);
	return len >= offsetof(struct sockaddr_un, sun_path) + (size_t)(path - sun.sun_path) + n &&
	       strncmp(path, a->socket, n) == 0 &&
	       (path + n == (char *)&sun + len || path[n] == '\0');
}

/* The control connection: a connected SOCK_SEQPACKET socket among our descriptors. */
static int memif_control_fd(const struct port_open *o, const struct memif_args *a)
{
	int fds[SYS_MAX_FDS];
	unsigned int n = sys_tracked_fds(fds, SYS_MAX_FDS);

	for (unsigned int i = n; i-- > 0;) {
		int type = 0, listening = 1;
		socklen_t len = sizeof(type);

		if (port_sys_getsockopt(fds[i], SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
		    type != SOCK_SEQPACKET || memif_is_taken(o, fds[i]) || !memif_is_of(fds[i], a))
			continue;
		len = sizeof(listening);
		if (port_sys_getsockopt(fds[i], SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 &&
		    !listening)
			return fds[i];
	}
	return -1;
}

static bool memif_is_linked(const struct port *p)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/*
 * Neither side is told by anything but the driver's own thread, so both look every few
 * milliseconds.  Handlers of the program do not run meanwhile: they might use sockets.
 */
static int memif_connect(struct port_open *o)
{
	unsigned int wait_ms = o->params->wait_ms != 0 ? o->params->wait_ms : PORT_WAIT_MS;
	uint64_t deadline = now_ms() + wait_ms;
	struct port *p = o->port;
	bool running = false;
	struct memif_args a;

	memif_parse(o, &a);
	eal_log_clear();
	for (;;) {
		if (!running)
			running = rte_eth_dev_start(p->id) == 0;
		if (running && memif_is_linked(p)) {
			p->link_fd = memif_control_fd(o, &a);
			return 0;
		}
		if (now_ms() >= deadline)
			break;
		port_sys_poll(NULL, 0, 5);
		if (eal_shelter_end_wanted())
			return port_fail(o, EINTR, "interrupted while waiting for the peer on %s",
					 a.socket);
	}
	if (!a.server && running)
		return port_fail(o, EBUSY,
				 "the server on socket=%s does not answer for memif id %s: it has "
				 "another client, or serves another id=",
				 a.socket, a.id);
	return port_fail(o, ETIMEDOUT,
			 "no %s came to memif id %s on socket=%s within %.1f s: start it, or "
			 "check that both name the same socket= and id=",
			 a.server ? "client" : "server", a.id, a.socket, wait_ms / 1e3);
}

static void memif_settle(struct port_open *o)
{
	struct memif_args a;

	memif_parse(o, &a);
	if (memif_is_linked(o->port))
		memif_wake_attach(o->port, a.server);
}

static bool memif_link_up(struct port *p)
{
	struct pollfd pfd = { .fd = p->link_fd, .events = POLLRDHUP };

	if (!p->link_dead && port_sys_poll(&pfd, 1, 0) > 0 &&
	    (pfd.revents & (POLLRDHUP | POLLHUP | POLLERR)))
		p->link_dead = true;
	return !p->link_dead;
}

static const char *const memif_keys[] = { "id",	   "role",	"bsize",
					  "rsize", "socket",	"socket-abstract",
					  "mac",   "zero-copy", "secret",
					  NULL };

const struct link_type link_memif = {
	.driver = "net_memif",
	.keys = memif_keys,
	.holds_mbufs = false,
	.max_queues = 16,
	.caps = NETIF_TX_MULTI_SEG | NETIF_TX_COPIES,
	.check = memif_check,
	.explain = memif_explain,
	.attach = memif_attach,
	.connect = memif_connect,
	.settle = memif_settle,
	.link_up = memif_link_up,
	.rx_burst = memif_rx_burst,
	.wait_begin = memif_wait_begin,
	.wait_end = memif_wait_end,
};

/* Everything else that DPDK drives: what the device reports is believed. */
const struct link_type link_other = {
	.holds_mbufs = true,
	.max_queues = PORT_MAX_QUEUES,
	.caps_from_device = true,
};
