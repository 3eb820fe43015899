/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * start.c - the engine's start: the ports' names, the ports, the reservation, the stack.
 *
 * Happens at the first socket that needs it, so that a shell or `ls` that merely inherited
 * LD_PRELOAD never pays for it.  Order: what can be refused is asked first (does the
 * kernel own our address, is the port somebody else's), then EAL and the port, then
 * memory and the stack in it, descriptors, the process's slot, signals, the keeper.
 * All signals are blocked meanwhile.  What fails is told in one line and remembered: DPDK
 * starts once in a process.
 *
 * The reservation is address space only; pages are committed when touched.  Where even
 * that is scarce (RLIMIT_AS, strict overcommit) it is tried again with smaller pools.
 */
#include <errno.h>
#include <fcntl.h>
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dpdk_port/port.h"
#include "preload/engine_priv.h"
#include "preload/fdtable.h"
#include "preload/real.h"
#include "shim/config.h"
#include "stack/core/pool.h"
#include "stack/stack.h"

#define START_ERR 512
#define PAGE 4096

static struct shim_config config;

const struct shim_config *engine_config(void)
{
	return &config;
}

const struct netif *engine_netif(unsigned int port)
{
	return engine_is_running() && port < engine.nports ? port_netif(engine.ports[port]) : NULL;
}

/* -- what can be refused before anything is started ---------------------------------------- */
static const char *port_name(unsigned int i)
{
	return config.ports[i].vdev[0] != '\0' ? config.ports[i].vdev : config.ports[i].pci;
}

static int kernel_owns(const struct ipaddr *addr, char *ifname, size_t len)
{
	struct ifaddrs *all, *ifa;
	struct endpoint ep;
	int found = 0;

	if (real.getifaddrs(&all) != 0)
		return 0;
	for (ifa = all; ifa != NULL && !found; ifa = ifa->ifa_next) {
		if (ifa->ifa_addr == NULL ||
		    endpoint_from_sockaddr(&ep, ifa->ifa_addr, sizeof(struct sockaddr_in6)) != 0 ||
		    !ipaddr_equal(&ep.addr, addr))
			continue;
		snprintf(ifname, len, "%s", ifa->ifa_name);
		found = 1;
	}
	real.freeifaddrs(all);
	return found;
}

static int check_addresses(const struct config_port *port, char *err, size_t len)
{
	for (unsigned int i = 0; i < port->naddrs; i++) {
		const struct ipaddr *a = &port->addrs[i].addr;
		char text[64], ifname[32];
		struct sockaddr_storage ss;
		socklen_t sslen = sizeof(ss);
		struct endpoint ep = { .addr = *a };
		bool v4 = ipaddr_is_v4(a);

		if (!kernel_owns(a, ifname, sizeof(ifname)))
			continue;
		endpoint_to_sockaddr(&ep, v4 ? AF_INET : AF_INET6, (struct sockaddr *)&ss, &sslen);
		inet_ntop(v4 ? AF_INET : AF_INET6,
			  v4 ? (void *)&((struct sockaddr_in *)&ss)->sin_addr :
			       (void *)&((struct sockaddr_in6 *)&ss)->sin6_addr,
			  text, sizeof(text));
		snprintf(err, len,
			 "the kernel has address %s on %s: take it away there (ip addr del), or "
			 "give the shim another (SHIM_ADDR)",
			 text, ifname);
		return -EADDRINUSE;
	}
	return 0;
}

static int open_ports(char *err)
{
	static const uint8_t no_mac[6];
	struct port_params params[CONFIG_MAX_PORTS];
	int r;

	for (unsigned int i = 0; i < config.nports; i++) {
		const struct config_port *port = &config.ports[i];

		params[i] = (struct port_params){
			.vdev = port->vdev[0] != '\0' ? port->vdev : NULL,
			.pci = port->pci[0] != '\0' ? port->pci : NULL,
			.queues = config.queues,
			.mtu = port->mtu,
			.vlan = port->vlan,
			.mac = memcmp(port->mac, no_mac, 6) != 0 ? port->mac : NULL,
			.memory = config.memory,
			.hugepages = config.hugepages,
			.no_offload = !config.offload,
		};
	}
	r = ports_open(params, config.nports, engine.ports, err);
	if (r == 0)
		engine.nports = config.nports;
	return r;
}

/* -- memory ----------------------------------------------------------------------------------- */
_Static_assert(CONFIG_MAX_PORTS <= PORT_MAX_PORTS, "all ports can be opened");
_Static_assert(CONFIG_MAX_PORTS <= STACK_MAX_NETIFS, "all ports have room in the stack");
_Static_assert(CONFIG_MAX_ADDRS <= STACK_MAX_ADDRS, "and so have their addresses");
_Static_assert(CONFIG_MAX_ROUTES <= STACK_MAX_ROUTES, "and their routes");

static void add_netif(struct stack_config *sc, unsigned int n)
{
	const struct config_port *port = &config.ports[n];

	sc->netifs[sc->nnetifs++] = port_netif(engine.ports[n]);
	for (unsigned int i = 0; i < port->naddrs; i++)
		sc->addrs[sc->naddrs++] = (struct stack_addr){ .addr = port->addrs[i].addr,
							       .plen = port->addrs[i].plen,
							       .netif = (uint8_t)n };
	for (unsigned int i = 0; i < port->nroutes; i++)
		sc->routes[sc->nroutes++] = (struct stack_route){ .prefix = port->routes[i].prefix,
								  .plen = port->routes[i].plen,
								  .netif = (uint8_t)n,
								  .via = port->routes[i].via };
}

static int stack_params(struct stack_config *sc)
{
	stack_config_defaults(sc);
	sc->mbufs = port_mbuf_pool(engine.ports[0]);
	for (unsigned int i = 0; i < engine.nports; i++)
		add_netif(sc, i);
	if (config.max_sockets != 0)
		sc->max_sockets = config.max_sockets;
	for (unsigned int i = 0; i < 3; i++) {
		sc->rmem[i] = config.rmem[i] != 0 ? config.rmem[i] : sc->rmem[i];
		sc->wmem[i] = config.wmem[i] != 0 ? config.wmem[i] : sc->wmem[i];
	}
	if (config.time_wait_ms != 0)
		sc->time_wait_ns = config.time_wait_ms * NSEC_PER_MSEC;
	if (config.cc[0] != '\0')
		memcpy(sc->cc, config.cc, sizeof(sc->cc));
	sc->ecn = config.ecn;
	sc->slaac = config.slaac;
	sc->syncookies = (uint8_t)config.syncookies;
	return getrandom(sc->secret, sizeof(sc->secret), 0) == sizeof(sc->secret) ? 0 : -errno;
}

/* The pools beside the stack, and how many of each at most. */
struct pool_spec {
	size_t offset; /* in struct shm */
	uint32_t objsize, max;
};

static void pool_specs(struct pool_spec specs[5], unsigned int shrink)
{
	specs[0] = (struct pool_spec){ offsetof(struct shm, files), sizeof(struct file),
				       SHM_MAX_FILES >> shrink };
	specs[1] = (struct pool_spec){ offsetof(struct shm, eventpolls), eventpoll_objsize,
				       SHM_MAX_EVENTPOLLS >> shrink };
	specs[2] = (struct pool_spec){ offsetof(struct shm, epitems), epitem_objsize,
				       SHM_MAX_EPITEMS >> shrink };
	specs[3] = (struct pool_spec){ offsetof(struct shm, waiters), sizeof(struct waiter),
				       SHM_MAX_WAITERS >> shrink };
	specs[4] = (struct pool_spec){ offsetof(struct shm, wait_entries),
				       sizeof(struct wait_entry), SHM_MAX_WAIT_ENTRIES >> shrink };
}

static size_t page_up(size_t n)
{
	return (n + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static size_t reservation_size(const struct stack_config *sc, unsigned int shrink)
{
	struct pool_spec specs[5];
	size_t size = page_up(sizeof(struct shm)) + page_up(stack_footprint(sc));

	pool_specs(specs, shrink);
	for (unsigned int i = 0; i < 5; i++)
		size += page_up(pool_footprint(specs[i].objsize, specs[i].max)) + PAGE;
	/* Each aligned to its page. */
	return size + (SHM_MAX_PROCS >> shrink) * sizeof(uint32_t) * (size_t)SHM_MAX_FDS + PAGE;
}

static void *reserve(struct stack_config *sc, size_t *size, unsigned int *shrink)
{
	for (*shrink = 0; *shrink <= 8; *shrink += 2) {
		void *mem;

		*size = reservation_size(sc, *shrink);
		mem = mmap(NULL, *size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (mem != MAP_FAILED) {
			madvise(mem, *size, MADV_DONTDUMP);
			return mem;
		}
		if (sc->max_sockets > 4096)
			sc->max_sockets /= 4;
	}
	return NULL;
}

static int build_shm(char *err, size_t len)
{
	struct stack_config sc;
	struct pool_spec specs[5];
	struct arena arena;
	unsigned int shrink;
	struct shm *s;
	size_t size, need;
	void *mem;
	int r = stack_params(&sc);

	if (r < 0)
		return r;
	mem = reserve(&sc, &size, &shrink);
	if (mem == NULL) {
		snprintf(err, len,
			 "no address space for the stack's memory, not even %zu MB: raise the limit "
			 "(ulimit -v)",
			 size >> 20);
		return -ENOMEM;
	}
	arena_init(&arena, mem, size);
	s = arena_alloc(&arena, sizeof(*s), PAGE);
	s->reservation = size;
	s->cfg = config;
	s->nprocs = SHM_MAX_PROCS >> shrink;
	pool_specs(specs, shrink);
	for (unsigned int i = 0; i < 5; i++) {
		r = pool_init((struct pool *)((char *)s + specs[i].offset), &arena,
			      specs[i].objsize, specs[i].max);
		if (r < 0)
			goto fail;
	}
	for (uint32_t i = 0; i < s->nprocs; i++) {
		s->procs[i].fdtab = arena_alloc(&arena, sizeof(uint32_t) * (size_t)SHM_MAX_FDS, PAGE);
		list_init(&s->procs[i].waiters);
	}
	need = stack_footprint(&sc);
	s->stack = stack_create(arena_alloc(&arena, need, PAGE), need, &sc, &r, engine_now());
	if (s->stack == NULL)
		goto fail;
	if (getrandom(&s->epoll_magic, sizeof(s->epoll_magic), 0) != sizeof(s->epoll_magic)) {
		r = -errno;
		goto fail;
	}
	shm = s;
	return 0;
fail:
	munmap(mem, size);
	snprintf(err, len, "the stack cannot be built: %s", strerror(-r));
	return r;
}

/* -- descriptors, slot, keeper ------------------------------------------------------------------ */
static void protect_port_fds(void)
{
	int fds[256], wait[PORT_MAX_WAIT_FDS];
	unsigned int n = port_fds(engine.ports[0], fds, 256), nwait;

	for (unsigned int i = 0; i < n; i++) {
		real.fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		fdtable_protect(fds[i]);
	}
	/* A frame on a port without one would wake nobody: then all are looked at by napping. */
	engine.nport_fds = 0;
	for (unsigned int i = 0; i < engine.nports; i++) {
		nwait = port_wait_fds(engine.ports[i], 0, wait);
		if (nwait == 0 || engine.nport_fds + nwait > sizeof(engine.port_fds) / sizeof(int)) {
			engine.nport_fds = 0;
			break;
		}
		memcpy(engine.port_fds + engine.nport_fds, wait, nwait * sizeof(int));
		engine.nport_fds += nwait;
	}
}

static void kick_ports_later(void)
{
	for (unsigned int i = 0; i < engine.nports; i++)
		engine.kicks_ports |= port_tx_kick_later(engine.ports[i]);
}

static int move_and_protect(int fd)
{
	int high = fds_move_high(fd);

	if (high >= 0)
		return high;
	fdtable_protect(fd);
	return fd;
}

static int make_channels(void)
{
	int pair[2];

	if (real.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return -errno;
	engine.ctl_fd = move_and_protect(pair[0]);
	engine.ctl_keeper_fd = move_and_protect(pair[1]);
	for (unsigned int i = 0; i < engine.nports; i++)
		engine.listen_fds[i] = move_and_protect(engine.listen_fds[i]);
	return 0;
}

static unsigned int want_evslots(void)
{
	struct fds_limit limit;

	/* A program with few descriptors keeps most of them. */
	fds_limit_raise(&limit);
	fds_limit_restore(&limit);
	return limit.max / 8 < SHM_MAX_EVSLOTS ? (unsigned int)(limit.max / 8) : SHM_MAX_EVSLOTS;
}

static int people(char *err, size_t len)
{
	int r;

	shm->mbufs_at_start = mbuf_pool_available(port_mbuf_pool(engine.ports[0]));
	r = registry_start();
	if (r < 0)
		goto out;
	log_open();
	protect_port_fds();
	kick_ports_later();
	r = make_channels();
	if (r < 0)
		goto out;
	if (evslot_create(want_evslots()) < 2) {
		r = -EMFILE;
		goto out;
	}
	signals_start();
	engine_enter();
	socket_set_wall_clock(shm->stack, clock_wall_offset());
	r = keeper_start();
	registry_announce();
	engine_leave();
out:
	if (r < 0)
		snprintf(err, len, "the engine cannot start: %s", strerror(-r));
	return r;
}

/* -- the start ------------------------------------------------------------------------------------ */
static void undo(void)
{
	struct shm *s = shm;

	fdtable = NULL;
	shm = NULL;
	engine.slot = -1;
	if (s != NULL)
		munmap(s, s->reservation);
	for (unsigned int i = 0; i < engine.nports; i++)
		port_close(engine.ports[i]);
	engine.nports = 0;
	for (unsigned int i = 0; i < CONFIG_MAX_PORTS; i++) {
		if (engine.listen_fds[i] >= 0)
			real.close(engine.listen_fds[i]);
		engine.listen_fds[i] = -1;
	}
}

static int start(char *err, size_t len)
{
	struct clock_sample from, to;
	int r;

	r = thread_init();
	for (unsigned int i = 0; i < config.nports && r == 0; i++)
		r = check_addresses(&config.ports[i], err, len);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < config.nports; i++) {
		r = takeover_claim(port_name(i), err, len);
		if (r < 0)
			return r;
		engine.listen_fds[i] = r;
	}
	from = clock_take_sample();
	r = open_ports(err);
	if (r < 0)
		return r;
	to = clock_take_sample();
	clock_calibrate(&from, &to);
	r = build_shm(err, len);
	if (r < 0)
		return r;
	return people(err, len);
}

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static int start_result = 1; /* 1: not tried */

/* A fork while another thread starts the engine: the child's half of it is of no use. */
static void start_atfork_child(void)
{
	pthread_mutex_init(&start_lock, NULL);
	if (start_result == 2)
		start_result = -EAGAIN;
}

int engine_start(void)
{
	char err[START_ERR] = "";
	struct rights rights;
	sigset_t mask;
	int r;

	if (engine_is_running())
		return 0;
	if (!config.enabled)
		return -ENOSYS;
	signals_block_all(&mask);
	pthread_mutex_lock(&start_lock);
	if (start_result == 1) {
		start_result = 2;
		pthread_atfork(NULL, NULL, start_atfork_child);
		engine_inside_begin();
		rights_raise(&rights);
		start_result = start(err, sizeof(err));
		rights_restore(&rights);
		if (start_result < 0) {
			shim_log(LOG_LEVEL_ERROR, "%s",
				 err[0] != '\0' ? err : strerror(-start_result));
			undo();
		} else {
			__atomic_store_n(&engine_ready, true, __ATOMIC_RELEASE);
			for (unsigned int i = 0; i < engine.nports; i++)
				shim_log(LOG_LEVEL_INFO, "port %s is open, keeper is process %d",
					 port_name(i), (int)shm->keeper.pid);
		}
		engine_inside_end();
	}
	r = start_result;
	pthread_mutex_unlock(&start_lock);
	signals_restore(&mask);
	return r;
}

/* -- before main ------------------------------------------------------------------------------------ */
__attribute__((constructor)) static void load(void)
{
	char err[START_ERR];

	real_init();
	if (config_load(&config, err, sizeof(err)) == 0)
		return;
	/* A wrong value stops the program: a server on the wrong side is worse than none. */
	config.log_level = LOG_LEVEL_ERROR;
	shim_log(LOG_LEVEL_ERROR, "%s", err);
	real._exit(127);
}
