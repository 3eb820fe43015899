/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wait.c - how a blocked call spends its time: spinning on the stack, then asleep.
 *
 * Who wakes a sleeper.  Where the port has a descriptor, sleepers watch it themselves and
 * take the stack's next deadline as their timeout: frames and timers need nobody else.
 * Where it has none, a sleeper naps for a few ms, then leaves the port to the keeper's naps
 * and is woken by its eventfd.  Either way another thread that runs the stack meanwhile
 * writes the eventfds of those it has news for.
 *
 * Timers here: a sleep lasts SLEEP_MAX at most, after which the keeper is looked after.
 *
 * Signals.  A blocking call returns EINTR when a handler ran in its thread while it
 * waited (signal(7)).  Handlers are counted; the count at the beginning is kept in
 * struct wait.  Before the sleep all signals are blocked, the count is looked at, and the
 * kernel unblocks them when it sleeps: none falls in between.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>

#include "preload/engine_priv.h"
#include "preload/real.h"
#include "stack/stack.h"

#define SLEEP_MAX NSEC_PER_SEC
/* Ports without a descriptor: naps of NAP_MIN, growing, until they add up to NAP_TOTAL. */
#define NAP_MIN (20 * NSEC_PER_USEC)
#define NAP_MAX NSEC_PER_MSEC
#define NAP_ROUNDS 16
/* In the spin phase pending signals of the caller's mask are let in every so many rounds. */
#define SPIN_SIGNAL_ROUNDS 32
#define SPIN_YIELD_ROUNDS 16
#define IDLE_WAKES 16

void wait_begin(struct wait *w, uint64_t deadline, const sigset_t *sigmask)
{
	unsigned int spin_us = shm->cfg.spin_us;

	w->deadline = deadline;
	w->sigmask = sigmask;
	w->signals_seen = engine_self.handled;
	w->rounds = 0;
	w->naps = 0;
	w->idle_wakes = 0;
	w->counted = false;
	if (spin_us == CONFIG_SPIN_FOREVER)
		w->spin_until = UINT64_MAX;
	else
		w->spin_until = spin_us == 0 ? 0 : engine_now() + spin_us * NSEC_PER_USEC;
}

bool wait_interrupted(const struct wait *w)
{
	return w->signals_seen != engine_self.handled;
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* The process has given everything back and is about to end: its other threads stay here. */
static void park_if_exiting(void)
{
	if (engine.slot >= 0)
		return;
	engine_leave();
	for (;;)
		real.ppoll(NULL, 0, NULL, NULL);
}

bool wait_spin(struct wait *w)
{
	static const struct timespec zero;

	if (w->spin_until == 0 || (w->spin_until != UINT64_MAX && engine_now() >= w->spin_until))
		return false;
	engine_leave();
	w->rounds++;
	if (w->sigmask != NULL && w->rounds % SPIN_SIGNAL_ROUNDS == 0)
		real.ppoll(NULL, 0, &zero, w->sigmask);
	/* Others of this stack may want this very core. */
	if (w->rounds % SPIN_YIELD_ROUNDS == 0 && shm->proc_high > 1)
		sched_yield();
	else
		cpu_relax();
	engine_enter();
	park_if_exiting();
	engine_poll();
	return true;
}

unsigned int wait_port_fds(int fds[8])
{
	for (unsigned int i = 0; i < engine.nport_fds; i++)
		fds[i] = engine.port_fds[i];
	return engine.nport_fds;
}

static void count_sleeper(bool watches_port, int by)
{
	struct proc *p = &shm->procs[engine.slot];

	p->sleepers = (uint16_t)(p->sleepers + by);
	shm->keeper.sleepers = (uint32_t)((int)shm->keeper.sleepers + by);
	if (!watches_port)
		return;
	p->port_waiters = (uint16_t)(p->port_waiters + by);
	shm->keeper.port_waiters = (uint32_t)((int)shm->keeper.port_waiters + by);
}

uint64_t wait_sleep_begin(struct wait *w, bool watches_port)
{
	uint64_t now = engine_now(), until = w->deadline, sleep;

	if (watches_port) {
		uint64_t next = stack_next_deadline(shm->stack);

		if (next < until)
			until = next;
	}
	sleep = until <= now ? 0 : until - now;
	if (sleep > SLEEP_MAX)
		sleep = SLEEP_MAX;
	/* Without a keeper there is nobody to leave the port to. */
	w->counted = engine.nport_fds > 0 || (w->naps >= NAP_ROUNDS && !keeper_is_dead());
	if (!w->counted) {
		uint64_t nap = w->naps < NAP_ROUNDS ? NAP_MIN << (w->naps / 2) : NAP_MAX;

		if (w->naps < NAP_ROUNDS)
			w->naps++;
		if (nap > NAP_MAX)
			nap = NAP_MAX;
		if (sleep > nap)
			sleep = nap;
	} else {
		count_sleeper(watches_port, 1);
		if (watches_port)
			engine_ports_wait_begin();
	}
	/* Who woke up for nothing and sleeps on did not work. */
	engine_self.quiet_visit = w->idle_wakes > 0;
	engine_leave();
	engine_self.quiet_visit = false;
	return sleep;
}

void wait_sleep_end(struct wait *w, bool watches_port)
{
	unsigned int polled;

	engine_enter();
	park_if_exiting();
	if (w->counted)
		count_sleeper(watches_port, -1);
	/* Woken by the port again and again for nothing: it may have an error to report. */
	polled = engine_poll();
	/* A quiet look changes nothing: the link goes on telling, and no frame slips through in between. */
	if (w->counted && watches_port && polled > 0)
		engine_ports_wait_end();
	if (polled > 0)
		w->idle_wakes = 0;
	else if (++w->idle_wakes % IDLE_WAKES == 0 && watches_port)
		for (unsigned int i = 0; i < engine.nport_fds; i++)
			port_clear_error(engine.port_fds[i]);
}

/* The mask to sleep with, when all signals are blocked in between. */
static const sigset_t *sleep_mask(const struct wait *w, const sigset_t *own)
{
	return w->sigmask != NULL ? w->sigmask : own;
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NSEC_PER_SEC),
				  .tv_nsec = (long)(ns % NSEC_PER_SEC) };
}

/* Of a sleep's result: only a program's handler interrupts a call. */
static int sleep_result(const struct wait *w, int r, int err)
{
	if (wait_interrupted(w) && (r <= 0))
		return -EINTR;
	if (r >= 0)
		return r;
	return err == EINTR ? 0 : -err;
}

int wait_ppoll(struct wait *w, struct pollfd *fds, nfds_t nfds, uint64_t ns)
{
	struct timespec ts = to_timespec(ns);
	int r = -1, err = EINTR;
	sigset_t own;

	signals_block_all(&own);
	if (!wait_interrupted(w)) {
		r = real.ppoll(fds, nfds, &ts, sleep_mask(w, &own));
		err = errno;
	}
	signals_restore(&own);
	return sleep_result(w, r, err);
}

static int epoll_sleep(int epfd, struct epoll_event *events, int max, uint64_t ns,
		       const sigset_t *mask)
{
	static bool no_pwait2;
	struct timespec ts = to_timespec(ns);
	int r;

	if (!no_pwait2) {
		r = real.epoll_pwait2(epfd, events, max, &ts, mask);
		if (r >= 0 || errno != ENOSYS)
			return r;
		no_pwait2 = true; /* before Linux 5.11 */
	}
	return real.epoll_pwait(epfd, events, max,
				(int)((ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC), mask);
}

int wait_epoll(struct wait *w, int epfd, struct epoll_event *events, int maxevents, uint64_t ns)
{
	int r = -1, err = EINTR;
	sigset_t own;

	signals_block_all(&own);
	if (!wait_interrupted(w)) {
		r = epoll_sleep(epfd, events, maxevents, ns, sleep_mask(w, &own));
		err = errno;
	}
	signals_restore(&own);
	return sleep_result(w, r, err);
}
