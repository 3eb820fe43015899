/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process killed at any instruction of a burst leaves a port that goes on at once.
 *
 * The victim is single-stepped into its burst and killed there, a few instructions further
 * each time, until it gets through; after each death the pool is rebuilt, as the engine does, and
 * a frame must come back from another process without delay.
 */
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "test/unit/port_world.h"

#define VICTIM_FRAMES 3	 /* in the port when the victim looks */
#define STRIDE	      61 /* instructions between two deaths */
#define MAX_STEPS     60000

static void send_ask(int fd, uint32_t seq)
{
	uint8_t out[FRAME] = { 0 };
	struct ether_header *eth = (void *)out;

	memset(eth->ether_dhost, 0x02, 6);
	memset(eth->ether_shost, 0x04, 6);
	eth->ether_type = htons(TYPE_ASK);
	memcpy(eth + 1, &seq, sizeof(seq));
	must(send(fd, out, sizeof(out), 0) == sizeof(out));
}

/* Did the echo of seq arrive?  Those of earlier ones may come before it. */
static bool echo_came(int fd, uint32_t seq)
{
	uint8_t in[2048];
	uint32_t got;

	while (recv(fd, in, sizeof(in), MSG_DONTWAIT) >= FRAME) {
		memcpy(&got, in + sizeof(struct ether_header), sizeof(got));
		if (got == seq)
			return true;
	}
	return false;
}

/* One burst, and what is left to do after the unlock, if the port is one of those. */
static uint16_t echo_and_kick(struct port *port, uint32_t *echoed)
{
	uint16_t n = echo_burst(port, 0, echoed);

	port_tx_kick(port);
	return n;
}

/* Step a child so far into one burst and kill it; false: it came through before. */
static bool kill_within_burst(struct port *port, uint32_t steps)
{
	uint32_t echoed = 0;
	int status;
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		port_after_fork(port);
		must(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
		raise(SIGSTOP);
		echo_and_kick(port, &echoed);
		raise(SIGSTOP);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	for (uint32_t i = 0; i < steps; i++) {
		must(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0);
		must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGSTOP)
			break;
	}
	must(kill(pid, SIGKILL) == 0);
	must(waitpid(pid, NULL, 0) == pid);
	return WSTOPSIG(status) != SIGSTOP;
}

static bool nobody_keeps(const struct rte_mbuf *m, void *arg)
{
	(void)m;
	(void)arg;
	return false;
}

static void must_go_on(struct port *port, int fd, uint32_t seq, uint32_t steps)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint32_t echoed = 0;

	mbuf_pool_rebuild(port_mbuf_pool(port), nobody_keeps, NULL);
	port_tx_kick_again(port);
	send_ask(fd, seq);
	for (unsigned int tries = 0; tries < 200; tries++) {
		while (echo_and_kick(port, &echoed) > 0)
			;
		if (echo_came(fd, seq))
			return;
		poll(&pfd, 1, 5);
	}
	give_up("nothing comes back after a death at instruction %u", steps);
}

/* A process that has let go of the lock and calls the kernel, at any time. */
static pid_t kick_all_the_time(struct port *port)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pid == 0) {
		port_tx_kick_again(port);
		port_tx_kick(port);
		sched_yield();
	}
	return pid;
}

static void die_in_bursts(const char *vdev, const char *peer_if, bool kicked)
{
	struct port *port = open_port(vdev, 0, 1);
	uint32_t seq = 0, steps = 0, deaths = 0;
	pid_t kicker = -1;
	int fd;

	if (kicked) {
		must(port_tx_kick_later(port));
		kicker = kick_all_the_time(port);
	}

	fd = packet_socket(peer_if);
	must_go_on(port, fd, seq++, 0);
	do {
		for (unsigned int i = 0; i < VICTIM_FRAMES; i++)
			send_ask(fd, seq++);
		steps += STRIDE;
		deaths++;
		must(steps < MAX_STEPS);
	} while (kill_within_burst(port, steps) && (must_go_on(port, fd, seq++, steps), true));
	must(deaths > 10);
	if (kicked)
		must(kill(kicker, SIGKILL) == 0 && waitpid(kicker, NULL, 0) == kicker);
}

static void body_packet(void)
{
	make_veth();
	die_in_bursts("net_af_packet0,iface=tv0", "tv1", false);
}

static void body_packet_kicked(void)
{
	make_veth();
	die_in_bursts("net_af_packet0,iface=tv0", "tv1", true);
}

static void body_tap(void)
{
	die_in_bursts("net_tap0,iface=tp0", "tp0", false);
}

START_TEST(a_death_at_any_instruction_of_a_burst_leaves_the_port_working)
{
	static void (*const bodies[])(void) = { body_packet, body_packet_kicked, body_tap };

	in_process(bodies[_i]);
}
END_TEST

static Suite *port_death_suite(void)
{
	Suite *s = suite_create("port_death");
	TCase *tc = tcase_create("bursts");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_death_at_any_instruction_of_a_burst_leaves_the_port_working, 0,
			    3);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(port_death_suite)
