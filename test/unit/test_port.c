/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports on real links: TAP, a packet socket on a veth, memif; driven by a grandchild after the
 * process that opened them, and its child, have gone.
 *
 * EAL starts once in a process, so each test runs in a process of its own, in a user and
 * network namespace of its own (port_world.h).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "test/unit/port_world.h"

#define ROUNDS 100

/* -- asking ------------------------------------------------------------------------------ */

/* One frame there, its echo back, the same bytes. */
static void ask(int fd, uint32_t seq, size_t len)
{
	static uint8_t out[10000], in[10000];
	struct ether_header *eth = (void *)out;
	ssize_t n;

	memset(eth->ether_dhost, 0x02, 6);
	memset(eth->ether_shost, 0x04, 6);
	eth->ether_type = htons(TYPE_ASK);
	for (size_t i = sizeof(*eth); i < len; i++)
		out[i] = (uint8_t)(seq + i * 7);
	must(send(fd, out, len, 0) == (ssize_t)len);
	n = recv(fd, in, sizeof(in), 0);
	must(n == (ssize_t)len);
	must(memcmp(in + 14, out + 14, len - 14) == 0);
	must(memcmp(in, eth->ether_shost, 6) == 0);
}

/* -- echoing ----------------------------------------------------------------------------- */

/* Echo so many frames, asleep in poll() between them where the port can wake. */
static void echo_until(struct port *port, uint32_t frames, uint32_t *wakes)
{
	uint32_t echoed = 0;

	while (echoed < frames) {
		struct pollfd pfd[8];
		int fds[PORT_MAX_WAIT_FDS];
		unsigned int nfds = 0;
		uint16_t n = 0;

		for (uint16_t q = 0; q < port_netif(port)->nqueues; q++)
			n = (uint16_t)(n + echo_burst(port, q, &echoed));
		if (n > 0 || echoed >= frames)
			continue;
		for (uint16_t q = 0; q < port_netif(port)->nqueues; q++)
			if (port_wait_fds(port, q, fds) == 1)
				pfd[nfds++] = (struct pollfd){ .fd = fds[0], .events = POLLIN };
		if (nfds == 0) {
			usleep(50);
			continue;
		}
		for (uint16_t q = 0; q < port_netif(port)->nqueues; q++)
			port_wait_begin(port, q);
		must(poll(pfd, nfds, 5000) > 0);
		for (uint16_t q = 0; q < port_netif(port)->nqueues; q++)
			port_wait_end(port, q, false);
		++*wakes;
	}
}

struct shared {
	uint32_t wakes;
	pid_t server;
};

/*
 * A grandchild that echoes; returns when its parent has been reaped.  It is our orphan, so what
 * it found out comes by way of shared memory and an end of a pipe.
 */
static int start_server(struct port *port, uint32_t frames, struct shared *sh)
{
	int done[2];
	pid_t child;

	must(pipe(done) == 0);
	child = fork();
	must(child >= 0);
	if (child == 0) {
		if (fork() == 0) {
			unsigned int before = mbuf_pool_available(port_mbuf_pool(port));

			alarm(30);
			sh->server = getpid();
			port_after_fork(port);
			echo_until(port, frames, &sh->wakes);
			must(mbuf_pool_available(port_mbuf_pool(port)) == before);
			must(write(done[1], "k", 1) == 1);
		}
		_exit(0);
	}
	close(done[1]);
	must(waitpid(child, NULL, 0) == child);
	return done[0];
}

/*
 * Opens the port in a process that ends at once, echoes in its grandchild, asks from here:
 * the asker never had the port.
 */
static uint32_t echo_by_grandchild(const char *vdev, const char *peer_if, unsigned int mtu,
				   unsigned int queues, size_t len)
{
	struct shared *sh =
		mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ready[2], done[2], fd;
	pid_t opener;
	char c;

	must(sh != MAP_FAILED && pipe(ready) == 0 && pipe(done) == 0);
	opener = fork();
	must(opener >= 0);
	if (opener == 0) {
		struct port *port = open_port(vdev, mtu, queues);
		int result = start_server(port, ROUNDS, sh);

		/* Hand the server's verdict on, from a process that has no part in the port. */
		if (fork() == 0) {
			close(done[0]);
			must(read(result, &c, 1) == 1);
			must(write(done[1], "k", 1) == 1);
		} else {
			must(write(ready[1], "r", 1) == 1);
		}
		_exit(0);
	}
	close(done[1]);
	close(ready[1]);
	must(waitpid(opener, NULL, 0) == opener);
	must(read(ready[0], &c, 1) == 1);
	fd = packet_socket(peer_if);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		usleep(500); /* time to fall asleep: being woken is part of the test */
		ask(fd, i, len);
	}
	must(read(done[0], &c, 1) == 1);
	return sh->wakes;
}

/* -- tests ---------------------------------------------------------------------------- */

static void body_tap(void)
{
	must(echo_by_grandchild("net_tap0,iface=tp0", "tp0", 0, 1, FRAME) >= ROUNDS / 2);
}

static void body_tap_queues(void)
{
	must(echo_by_grandchild("net_tap0,iface=tp0", "tp0", 0, 2, FRAME) >= ROUNDS / 2);
}

static void body_tap_jumbo(void)
{
	must(echo_by_grandchild("net_tap0,iface=tp0", "tp0", 9000, 1, 9014) >= ROUNDS / 2);
}

static void body_packet(void)
{
	make_veth();
	must(echo_by_grandchild("net_af_packet0,iface=tv0", "tv1", 0, 1, FRAME) >= ROUNDS / 2);
}

static void body_packet_jumbo(void)
{
	make_veth();
	run("ip link set tv1 mtu 9000");
	must(echo_by_grandchild("net_af_packet0,iface=tv0", "tv1", 9000, 1, 9014) >= ROUNDS / 2);
}

START_TEST(port_is_driven_by_a_grandchild_after_its_opener)
{
	static void (*const bodies[])(void) = { body_tap, body_tap_queues, body_tap_jumbo,
						body_packet, body_packet_jumbo };

	in_process(bodies[_i]);
}
END_TEST

/* Ask over memif, from the other role. */
static void ask_over_memif(struct port *port)
{
	struct netif *nif = port_netif(port);

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(port_mbuf_pool(port));
		struct ether_header *eth;
		bool came = false;

		must(m != NULL);
		eth = (void *)rte_pktmbuf_append(m, FRAME);
		must(eth != NULL);
		memset(eth, 0, FRAME);
		eth->ether_type = htons(TYPE_ASK);
		memcpy(eth + 1, &i, sizeof(i));
		/* A server sends into buffers that the client posts when it first looks. */
		for (unsigned int wait = 0; wait < 100000 && nif->ops->tx_burst(nif, 0, &m, 1) == 0;
		     wait++)
			usleep(50);
		for (unsigned int wait = 0; wait < 100000 && !came; wait++) {
			if (nif->ops->rx_burst(nif, 0, &m, 1) == 0) {
				usleep(50);
				continue;
			}
			eth = rte_pktmbuf_mtod(m, struct ether_header *);
			came = eth->ether_type == htons(TYPE_ECHO) &&
			       memcmp(eth + 1, &i, sizeof(i)) == 0;
			rte_pktmbuf_free(m);
		}
		must(came);
	}
}

static void memif_pair(const char *echo_role, const char *ask_role)
{
	struct shared *sh =
		mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char vdev[128], c;
	struct port *port;
	int result[2];
	bool down = false;

	must(sh != MAP_FAILED && pipe(result) == 0);
	if (fork() == 0) {
		int done;

		snprintf(vdev, sizeof(vdev), "net_memif0,role=%s,socket=test_port", echo_role);
		done = start_server(open_port(vdev, 0, 1), ROUNDS, sh);
		if (fork() == 0) {
			must(read(done, &c, 1) == 1);
			must(write(result[1], "k", 1) == 1);
		}
		_exit(0);
	}
	close(result[1]);
	snprintf(vdev, sizeof(vdev), "net_memif0,role=%s,socket=test_port", ask_role);
	port = open_port(vdev, 0, 1);
	must(port_netif(port)->ops->link_is_up(port_netif(port)));
	ask_over_memif(port);
	must(read(result[0], &c, 1) == 1);
	must(sh->wakes >= ROUNDS / 2);
	/* The last process of the other side is gone: so is the link, and it stays so. */
	for (unsigned int i = 0; i < 300 && !down; i++) {
		down = !port_netif(port)->ops->link_is_up(port_netif(port));
		usleep(10000);
	}
	must(down);
	port_close(port);
}

static void body_memif_server(void)
{
	memif_pair("server", "client");
}

static void body_memif_client(void)
{
	memif_pair("client", "server");
}

START_TEST(memif_works_in_both_roles_and_ends_with_its_peer)
{
	in_process(_i == 0 ? body_memif_server : body_memif_client);
}
END_TEST

static void count_fd_flags(unsigned int *all, unsigned int *inherited)
{
	*all = *inherited = 0;
	for (int fd = 3; fd < 8192; fd++) {
		int flags = fcntl(fd, F_GETFD);

		*all += flags >= 0;
		*inherited += flags >= 0 && !(flags & FD_CLOEXEC);
	}
}

/* The signals that the threads other than this one do not block. */
static unsigned long open_signals_of_others(unsigned int *threads)
{
	unsigned long open_signals = 0;
	char line[256];
	FILE *f = popen("cat /proc/$PPID/task/*/status", "r"); /* NOLINT(cert-env33-c) */
	bool mine = false;

	must(f != NULL);
	*threads = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "Pid:", 4) == 0) {
			mine = atoi(line + 4) == getpid();
			*threads += !mine;
		}
		/* 32 and 33 are glibc's, SIGKILL and SIGSTOP cannot be blocked. */
		if (strncmp(line, "SigBlk:", 7) == 0 && !mine)
			open_signals |= ~strtoul(line + 7, NULL, 16) &
					~(3ul << 31 | 1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1));
	}
	pclose(f);
	return open_signals;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void body_quiet(void)
{
	unsigned int all, inherited, inherited_before, before, threads;
	struct sigaction rt = { .sa_handler = on_signal }, now;
	sigset_t mask, mask_after;
	cpu_set_t cpus, cpus_after;
	int words, out[2], fds[64], lowest = INT32_MAX;
	struct port *port;
	char c;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	must(sigprocmask(SIG_SETMASK, &mask, NULL) == 0);
	must(sigaction(SIGRTMIN + 3, &rt, NULL) == 0);
	must(sched_getaffinity(0, sizeof(cpus), &cpus) == 0);
	must(pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0);
	words = fcntl(2, F_DUPFD_CLOEXEC, 3);
	count_fd_flags(&before, &inherited_before);
	must(dup2(out[1], 1) == 1 && dup2(out[1], 2) == 2);

	port = open_port("net_tap0,iface=tp0", 0, 1);

	must(dup2(words, 2) == 2);
	must(read(out[0], &c, 1) < 0 && errno == EAGAIN); /* not a word */
	must(sigprocmask(SIG_SETMASK, NULL, &mask_after) == 0);
	for (int sig = 1; sig < 65; sig++)
		must(sigismember(&mask_after, sig) == (sig == SIGUSR1));
	must(sigaction(SIGRTMIN + 3, NULL, &now) == 0 && now.sa_handler == on_signal);
	must(sigaction(SIGRTMIN + 1, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
	must(sched_getaffinity(0, sizeof(cpus_after), &cpus_after) == 0 &&
	     CPU_EQUAL(&cpus, &cpus_after));
	count_fd_flags(&all, &inherited);
	must(inherited == inherited_before);
	must(port_fds(port, fds, 64) == all - before);
	for (unsigned int i = 0; i < all - before; i++)
		lowest = fds[i] < lowest ? fds[i] : lowest;
	must(lowest > 256);
	must(open_signals_of_others(&threads) == 0 && threads == 1);
	port_close(port);
}

START_TEST(opening_leaves_the_program_as_it_was)
{
	in_process(body_quiet);
}
END_TEST

/* The next body's port, what is expected of it. */
static struct {
	const char *vdev;
	unsigned int mtu, queues;
	uint64_t memory;
	int error;
	const char *words;
} refused;

static void body_refused(void)
{
	struct port_params params = { .vdev = refused.vdev,
				      .queues = refused.queues,
				      .mtu = refused.mtu,
				      .memory = refused.memory,
				      .hugepages = HUGEPAGES_OFF,
				      .wait_ms = 100 };
	char err[PORT_ERR_LEN] = "";
	struct port *port;
	int r = port_open(&params, &port, err);

	if (r != -refused.error || strstr(err, refused.words) == NULL || strchr(err, '\n') != NULL)
		give_up("%s: %d (%s) instead of %d (%s): '%s'", refused.vdev, r, strerror(-r),
			-refused.error, refused.words, err);
}

START_TEST(what_cannot_be_opened_is_said_in_one_line)
{
	static const struct {
		const char *vdev;
		unsigned int mtu, queues;
		uint64_t memory;
		int error;
		const char *words;
	} rows[] = {
		{ "net_nothing0", 0, 1, MEMORY, ENODEV, "no driver is called net_nothing" },
		{ "shim", 0, 1, MEMORY, ENODEV, "no driver is called shim" },
		{ ",iface=x", 0, 1, MEMORY, EINVAL, "no driver's name" },
		{ "net_tap0,ifcae=x", 0, 1, MEMORY, EINVAL, "takes no argument 'ifcae'" },
		{ "net_tap0,iface=", 0, 1, MEMORY, EINVAL, "1 to 15 characters" },
		{ "net_tap0,iface=a23456789abcdefgh", 0, 1, MEMORY, EINVAL, "1 to 15 characters" },
		{ "net_tap0,iface=x,mac=zz", 0, 1, MEMORY, EINVAL, "zz" },
		{ "net_tap0,iface=lo", 0, 1, MEMORY, EBUSY, "choose another iface=" },
		{ "net_tap0,iface=x", 100, 1, MEMORY, EINVAL, "MTU of 100" },
		{ "net_tap0,iface=x", 0, 17, MEMORY, EINVAL, "at most 16" },
		{ "net_tap0,iface=x", 0, 1, 100000, ENOMEM, "SHIM_MEMORY" },
		{ "net_tap0,iface=x", 0, 1, 1ull << 50, ENOMEM, "no memory" },
		{ "net_af_packet0", 0, 1, MEMORY, EINVAL, "which interface" },
		{ "net_af_packet0,iface=nope", 0, 1, MEMORY, ENODEV, "no interface nope" },
		{ "net_af_packet0,iface=lo", 0, 1, MEMORY, ENETDOWN, "ip link set lo up" },
		{ "net_memif0,role=client,socket=nobody", 0, 1, MEMORY, ETIMEDOUT,
		  "no server came" },
		{ "net_memif0,role=server,socket=nobody", 0, 1, MEMORY, ETIMEDOUT,
		  "no client came" },
		{ "net_memif0,bsize=1500", 0, 1, MEMORY, EINVAL, "1518 are the least" },
		{ "net_memif0,bsize=9000", 9000, 1, MEMORY, EINVAL, "MTU 9000" },
		{ "net_memif0,zero-copy=yes", 0, 1, MEMORY, EINVAL, "zero-copy" },
		{ "net_memif0,role=server,socket-abstract=no,socket=/nonexistent/s", 0, 1, MEMORY,
		  EINVAL, "directory" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(&refused, &rows[i], sizeof(refused));
		in_process(body_refused);
	}
}
END_TEST

static void busy(const char *vdev, const char *words)
{
	int opened[2], tried[2];
	char c;

	must(pipe(opened) == 0 && pipe(tried) == 0);
	if (fork() == 0) {
		struct port *port = open_port(vdev, 0, 1);

		/* The holder is a child of the opener, as after a daemon's fork. */
		if (fork() == 0) {
			close(tried[1]);
			must(write(opened[1], "o", 1) == 1);
			(void)!read(tried[0], &c, 1);
			port_after_fork(port);
		}
		_exit(0);
	}
	close(opened[1]);
	must(read(opened[0], &c, 1) == 1);
	refused.vdev = vdev;
	refused.queues = 1;
	refused.memory = MEMORY;
	refused.mtu = 0;
	refused.error = EBUSY;
	refused.words = words;
	body_refused();
}

static void body_busy_tap(void)
{
	busy("net_tap0,iface=tp0", "tp0 is in use");
}

static void body_busy_packet(void)
{
	make_veth();
	busy("net_af_packet0,iface=tv0", "tv0 is in use");
}

START_TEST(a_port_in_use_by_a_forked_child_is_busy)
{
	in_process(body_busy_tap);
	in_process(body_busy_packet);
}
END_TEST

static void body_signal_ends_the_wait(void)
{
	struct port_params params = { .vdev = "net_memif0,role=server,socket=alone",
				      .queues = 1,
				      .memory = MEMORY,
				      .hugepages = HUGEPAGES_OFF,
				      .wait_ms = 20000 };
	struct sigaction sa = { .sa_handler = on_signal };
	char err[PORT_ERR_LEN];
	struct port *port;

	must(sigaction(SIGTERM, &sa, NULL) == 0);
	if (fork() == 0) {
		kill(getppid(), SIGCHLD); /* no reason to stop */
		usleep(300000);
		kill(getppid(), SIGTERM);
		_exit(0);
	}
	must(port_open(&params, &port, err) == -EINTR);
}

START_TEST(waiting_for_a_peer_can_be_interrupted)
{
	in_process(body_signal_ends_the_wait);
}
END_TEST

static Suite *port_suite(void)
{
	Suite *s = suite_create("port");
	TCase *tc = tcase_create("links");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, port_is_driven_by_a_grandchild_after_its_opener, 0, 5);
	tcase_add_loop_test(tc, memif_works_in_both_roles_and_ends_with_its_peer, 0, 2);
	tcase_add_test(tc, opening_leaves_the_program_as_it_was);
	tcase_add_test(tc, what_cannot_be_opened_is_said_in_one_line);
	tcase_add_test(tc, a_port_in_use_by_a_forked_child_is_busy);
	tcase_add_test(tc, waiting_for_a_peer_can_be_interrupted);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(port_suite)
