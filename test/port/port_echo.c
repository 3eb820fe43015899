/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port_echo.c - open a port, fork twice, and let the grandchild drive it after the others
 * have gone.
 *
 *	port_echo [options] VDEV
 *	  -c N   end after N frames of the test's type (default 100)
 *	  -t S   end after S seconds (default 10), a failure if frames are missing
 *	  -s     send: transmit the frames and count the echoes, instead of echoing
 *	  -H x   hugepages: on, off, auto
 *	  -q N   queues      -m BYTES   MTU      -M MB   memory
 *	  -n     open only: print what was learned
 *	  -p     poll only: do not sleep in poll(2)
 *	  -w MS  how long memif waits for its peer
 *	  -1     do not fork
 *
 * Frames are Ethernet type 0x88b5 (for local experiments); the echo swaps the addresses and
 * changes the type to 0x88b6.  Prints one line of results; exit status 0 when all came.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "dpdk_port/port.h"
#include "shim/config.h"

#define TYPE_ASK  0x88b5
#define TYPE_ECHO 0x88b6

struct result {
	unsigned int frames, wakes, spurious, naps;
	int bad;
};

static struct {
	unsigned int count, seconds, wait_ms, mtu, queues, memory_mb;
	int hugepages;
	bool send, open_only, poll_only, no_fork;
} opt = { .count = 100, .seconds = 10, .queues = 1, .memory_mb = 16, .hugepages = HUGEPAGES_AUTO };

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int open_fds(bool *cloexec)
{
	int n = 0;

	*cloexec = true;
	for (int fd = 3; fd < 8192; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0)
			continue;
		n++;
		if (!(flags & FD_CLOEXEC))
			*cloexec = false;
	}
	return n;
}

/* Turn a frame around where it lies. */
static void echo(struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ether_addr dst = eth->dst_addr;

	eth->dst_addr = eth->src_addr;
	eth->src_addr = dst;
	eth->ether_type = rte_cpu_to_be_16(TYPE_ECHO);
}

static bool is_type(struct rte_mbuf *m, uint16_t type)
{
	return rte_pktmbuf_data_len(m) >= sizeof(struct rte_ether_hdr) &&
	       rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->ether_type == rte_cpu_to_be_16(type);
}

static void send_one(struct port *port, uint32_t seq)
{
	struct netif *nif = port_netif(port);
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_mbuf_pool(port));
	struct rte_ether_hdr *eth;

	eth = m != NULL ? (void *)rte_pktmbuf_append(m, 64) : NULL;
	if (eth == NULL)
		return;
	memset(eth, 0, 64);
	memset(eth->dst_addr.addr_bytes, 0xff, 6);
	memcpy(eth->src_addr.addr_bytes, nif->mac, 6);
	eth->ether_type = rte_cpu_to_be_16(TYPE_ASK);
	memcpy(eth + 1, &seq, sizeof(seq));
	if (nif->ops->tx_burst(nif, 0, &m, 1) == 0)
		rte_pktmbuf_free(m);
}

static unsigned int serve(struct port *port, uint16_t queue, struct result *res)
{
	struct netif *nif = port_netif(port);
	struct rte_mbuf *pkts[32];
	uint16_t n = nif->ops->rx_burst(nif, queue, pkts, 32), sent;

	for (uint16_t i = 0; i < n; i++) {
		if (!is_type(pkts[i], opt.send ? TYPE_ECHO : TYPE_ASK)) {
			rte_pktmbuf_free(pkts[i]);
			continue;
		}
		res->frames++;
		if (opt.send) {
			rte_pktmbuf_free(pkts[i]);
			continue;
		}
		echo(pkts[i]);
		do {
			sent = nif->ops->tx_burst(nif, queue, &pkts[i], 1);
		} while (sent == 0 && nif->ops->link_is_up(nif));
		if (sent == 0)
			rte_pktmbuf_free(pkts[i]);
	}
	return n;
}

static void sleep_on_port(struct port *port, struct result *res)
{
	struct pollfd pfd[PORT_MAX_WAIT_FDS * 4];
	int fds[PORT_MAX_WAIT_FDS];
	unsigned int n = 0, got;

	for (uint16_t q = 0; q < port_netif(port)->nqueues && q < 4; q++) {
		got = port_wait_fds(port, q, fds);
		for (unsigned int i = 0; i < got; i++)
			pfd[n++] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	}
	if (n == 0 || opt.poll_only) {
		struct timespec ts = { 0, 50000 };

		res->naps++;
		nanosleep(&ts, NULL);
	} else if (poll(pfd, n, 200) > 0) {
		res->wakes++;
	}
}

static void drive(struct port *port, struct result *res)
{
	unsigned int available = mbuf_pool_available(port_mbuf_pool(port));
	double end = now() + opt.seconds, next = now();
	uint32_t seq = 0;

	port_after_fork(port);
	while (res->frames < opt.count && now() < end) {
		unsigned int n = 0;

		if (opt.send && now() >= next) {
			send_one(port, seq++);
			next = now() + 0.002;
		}
		for (uint16_t q = 0; q < port_netif(port)->nqueues; q++)
			n += serve(port, q, res);
		if (n == 0 && !opt.send)
			sleep_on_port(port, res);
	}
	if (res->frames < opt.count)
		res->bad |= 1;
	/* A driver's ring may hold as many as before: nothing may have leaked. */
	if (mbuf_pool_available(port_mbuf_pool(port)) != available)
		res->bad |= 2;
	fprintf(stderr, "port_echo: %u frames, %u wakes, %u naps, cpu %.1f ms, mbufs %u of %u%s\n",
		res->frames, res->wakes, res->naps, (double)cpu_ns() / 1e6,
		mbuf_pool_available(port_mbuf_pool(port)), available, res->bad ? " BAD" : "");
}

static void describe(const struct port_params *params, struct port *port, double ms, int before)
{
	struct netif *nif = port_netif(port);
	int fds[64], wait[PORT_MAX_WAIT_FDS];
	bool cloexec;
	int after = open_fds(&cloexec);
	unsigned int known = port_fds(port, fds, 64);

	fprintf(stderr,
		"port_echo: %s open in %.1f ms; mac %02x:%02x:%02x:%02x:%02x:%02x mtu %u caps %#x "
		"link %s, %u fds (%u known%s), lowest %d, %u to wait on, %u mbufs\n",
		params->vdev, ms, nif->mac[0], nif->mac[1], nif->mac[2], nif->mac[3], nif->mac[4],
		nif->mac[5], nif->mtu, nif->caps, nif->ops->link_is_up(nif) ? "up" : "down",
		(unsigned int)(after - before), known, cloexec ? ", all cloexec" : "", fds[0],
		port_wait_fds(port, 0, wait), mbuf_pool_available(port_mbuf_pool(port)));
}

static int usage(void)
{
	fputs("usage: port_echo [-1nps] [-c frames] [-t seconds] [-H on|off|auto] [-q queues] [-m mtu]"
	      " [-M MB] [-w ms] vdev\n",
	      stderr);
	return 2;
}

static int parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "1c:H:m:M:npq:st:w:")) != -1) {
		switch (c) {
		case '1':
			opt.no_fork = true;
			break;
		case 'c':
			opt.count = (unsigned int)atoi(optarg);
			break;
		case 'H':
			opt.hugepages = strcmp(optarg, "on") == 0  ? HUGEPAGES_ON :
					strcmp(optarg, "off") == 0 ? HUGEPAGES_OFF :
								     HUGEPAGES_AUTO;
			break;
		case 'm':
			opt.mtu = (unsigned int)atoi(optarg);
			break;
		case 'M':
			opt.memory_mb = (unsigned int)atoi(optarg);
			break;
		case 'n':
			opt.open_only = true;
			break;
		case 'p':
			opt.poll_only = true;
			break;
		case 'q':
			opt.queues = (unsigned int)atoi(optarg);
			break;
		case 's':
			opt.send = true;
			break;
		case 't':
			opt.seconds = (unsigned int)atoi(optarg);
			break;
		case 'w':
			opt.wait_ms = (unsigned int)atoi(optarg);
			break;
		default:
			return -1;
		}
	}
	return optind == argc - 1 ? 0 : -1;
}

/*
 * The port's opener and its child are gone when the grandchild begins; it says so itself,
 * by the end of the pipe that both had open.
 */
static int fork_and_drive(struct port *port)
{
	struct result *res =
		mmap(NULL, sizeof(*res), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int parents[2];
	char c;

	if (res == MAP_FAILED || pipe(parents) < 0)
		return 1;
	if (opt.no_fork) {
		drive(port, res);
		return res->bad;
	}
	if (fork() != 0)
		_exit(0);
	if (fork() != 0)
		_exit(0);
	close(parents[1]);
	if (read(parents[0], &c, 1) != 0)
		return 1;
	drive(port, res);
	return res->bad;
}

int main(int argc, char **argv)
{
	struct port_params params = { 0 };
	char err[PORT_ERR_LEN];
	struct port *port;
	int before, r, waiter[2];
	char status;
	bool cloexec;
	double t0;

	if (parse(argc, argv) < 0)
		return usage();
	params = (struct port_params){ .vdev = argv[optind],
				       .queues = opt.queues,
				       .mtu = opt.mtu,
				       .memory = (uint64_t)opt.memory_mb << 20,
				       .hugepages = opt.hugepages,
				       .wait_ms = opt.wait_ms };
	/* The program that the user waits for stays outside; it holds no port. */
	if (!opt.no_fork && !opt.open_only) {
		if (pipe(waiter) < 0)
			return 1;
		if (fork() != 0) {
			close(waiter[1]);
			return read(waiter[0], &status, 1) == 1 ? status : 1;
		}
		close(waiter[0]);
	}
	before = open_fds(&cloexec);
	t0 = now();
	r = port_open(&params, &port, err);
	if (r < 0) {
		fprintf(stderr, "port_echo: %s (%s)\n", err, strerror(-r));
		status = 3;
	} else {
		describe(&params, port, (now() - t0) * 1e3, before);
		status = opt.open_only ? 0 : (char)fork_and_drive(port);
		if (opt.open_only || opt.no_fork)
			port_close(port);
	}
	if (!opt.no_fork && !opt.open_only && write(waiter[1], &status, 1) != 1)
		return 1;
	return status;
}
