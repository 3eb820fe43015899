/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port_world.h - processes with a network of their own, a port in them, and the kernel's end
 * of its link.
 *
 * EAL starts once in a process, so each test runs in a process of its own, in a user and
 * network namespace of its own (no root needed where the kernel allows those).  Frames
 * are of Ethernet type 0x88b5 (local experiments).
 */
#ifndef TEST_UNIT_PORT_WORLD_H
#define TEST_UNIT_PORT_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "dpdk_port/port.h"
#include "shim/config.h"
#include "test/check_main.h"
#include "test/own_network.h"

#define TYPE_ASK  0x88b5
#define TYPE_ECHO 0x88b6
#define FRAME	  60
#define MEMORY	  (8u << 20)

/* -- processes ------------------------------------------------------------------------ */

/* Ends the process of a test with words; a test's process says nothing when it is content. */
static void give_up(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1);
}

#define must(x)                                                                   \
	do {                                                                      \
		if (!(x))                                                         \
			give_up("%s:%d: not so: %s (%s)", __FILE__, __LINE__, #x, \
				strerror(errno));                                 \
	} while (0)

/* Runs body in a process with its own network; the test passes if it exits with 0. */
static inline void in_process(void (*body)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		alarm(40);
		must(own_network());
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the test's process: %#x",
		      status);
}

static inline struct port *open_port(const char *vdev, unsigned int mtu, unsigned int queues)
{
	struct port_params params = { .vdev = vdev,
				      .queues = queues,
				      .mtu = mtu,
				      .memory = MEMORY,
				      .hugepages = HUGEPAGES_OFF,
				      .wait_ms = 15000 };
	char err[PORT_ERR_LEN];
	struct port *port = NULL;

	if (port_open(&params, &port, err) < 0)
		give_up("%s", err);
	must(err[0] == '\0');
	return port;
}

/* -- the kernel's end ----------------------------------------------------------------- */

static inline int packet_socket(const char *ifname)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE_ECHO) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(TYPE_ECHO));
	struct timeval tv = { .tv_sec = 5 };

	must(fd >= 0);
	sll.sll_ifindex = (int)if_nametoindex(ifname);
	must(sll.sll_ifindex > 0);
	must(bind(fd, (struct sockaddr *)&sll, sizeof(sll)) == 0);
	must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	return fd;
}

/* -- our end -------------------------------------------------------------------------- */

static inline uint16_t echo_burst(struct port *port, uint16_t queue, uint32_t *echoed)
{
	struct netif *nif = port_netif(port);
	struct rte_mbuf *pkts[8];
	uint16_t n = nif->ops->rx_burst(nif, queue, pkts, 8);

	for (uint16_t i = 0; i < n; i++) {
		struct ether_header *eth = rte_pktmbuf_mtod(pkts[i], struct ether_header *);
		uint8_t mac[6];

		if (eth->ether_type != htons(TYPE_ASK)) {
			rte_pktmbuf_free(pkts[i]);
			continue;
		}
		memcpy(mac, eth->ether_dhost, 6);
		memcpy(eth->ether_dhost, eth->ether_shost, 6);
		memcpy(eth->ether_shost, mac, 6);
		eth->ether_type = htons(TYPE_ECHO);
		must(nif->ops->tx_burst(nif, queue, &pkts[i], 1) == 1);
		++*echoed;
	}
	return n;
}

static inline void run(const char *command)
{
	must(system(command) == 0); /* NOLINT(cert-env33-c): fixed commands */
}

static inline void make_veth(void)
{
	run("ip link add tv0 type veth peer name tv1 && ip link set tv0 up && ip link set tv1 up");
}

#endif
