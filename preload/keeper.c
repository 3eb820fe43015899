/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keeper.c - the process that keeps the stack going when no program does.
 *
 * Theory.  Right after the port is open a helper process is cloned, with exit signal 0, so
 * that the program gets no SIGCHLD and its wait(-1) does not see it.  It has its own
 * session, none of the program's descriptors, no privileges, all signals blocked; it uses
 * neither heap nor stdio, since it is a copy of a process that may have had threads.
 *
 * What it does: runs the stack when a timer is due or frames wait and nobody else comes;
 * waits on the port when no sleeping thread does; watches the processes
 * (keeper_watch.c); yields the port to a successor of an ended program (takeover.c).
 *
 * How it sleeps (keeper_decide(), a pure function):
 *   programs came in less than ACTIVE ago    it ticks every TICK, and runs the stack if
 *                                            nobody has for STALE; from then on it
 *                                            watches the port if no sleeper does
 *   quiet, and sleepers watch the port       deep sleep until the next deadline
 *   quiet, and nobody watches it             the same, and it watches the port itself
 *   the port has no descriptor               naps, 50 µs to 1 ms, growing to 6 ms while all
 *                                            is quiet; sleepers nap for themselves at
 *                                            first (wait.c)
 * In deep sleep it is kicked through its eventfd by whoever comes first, which costs him
 * some 8 µs once; it then ticks until it is quiet again.
 *
 * It ends when the last process is gone and the stack has nothing left to do.  If it dies
 * before, the kernel marks the word on its robust list, and the next program that comes
 * in clones another.  It may also die before the word is on its list, and with it the
 * process that made it: the word then says KEEPER_STARTING for longer than START_LIMIT, and
 * another is cloned; one that was only slow sees that its turn is over, and leaves.
 * A parent that is PID 1 of its namespace takes it along.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dpdk_port/port.h"
#include "preload/engine_priv.h"
#include "preload/fdtable.h"
#include "preload/keeper.h"
#include "preload/real.h"
#include "stack/stack.h"

#define ACTIVE (20 * NSEC_PER_MSEC)
#define TICK (4 * NSEC_PER_MSEC)
#define STALE (2 * NSEC_PER_MSEC)
#define SLEEP_MIN (200 * NSEC_PER_USEC)
#define SLEEP_MAX NSEC_PER_SEC
#define NAP_MIN (50 * NSEC_PER_USEC)
#define NAP_MAX NSEC_PER_MSEC
/*
 * What was quiet for 64 naps may wait for one: a nap costs some 20 µs of CPU in a virtual
 * machine, on a poor one 60, which is 1 % of a core at NAP_IDLE.
 */
#define NAP_IDLE (6 * NSEC_PER_MSEC)
#define NAP_IDLE_PARTS 64
/* Bursts taken in a row before others get the lock. */
#define DRIVE_BURSTS 8
/* A clone that failed is not tried again at once. */
#define RETRY NSEC_PER_SEC
#define START_LIMIT NSEC_PER_SEC

static uint64_t clamp(uint64_t ns, uint64_t min, uint64_t max)
{
	return ns < min ? min : ns > max ? max : ns;
}

static uint64_t until(uint64_t now, uint64_t deadline, uint64_t min, uint64_t max)
{
	return clamp(deadline <= now ? 0 : deadline - now, min, max);
}

struct keeper_plan keeper_decide(const struct keeper_view *v)
{
	struct keeper_plan plan = { .nap = NAP_MIN };
	uint64_t idle = v->now - v->last_active;

	if (idle < ACTIVE && (v->pollable || v->sleepers == 0)) {
		/* It computes: frames shall not wait for the tick. */
		plan.watch_port = v->pollable && v->port_waiters == 0 && idle >= STALE;
		plan.sleep = until(v->now, v->next_deadline, SLEEP_MIN, idle < STALE ? STALE : TICK);
	} else if (v->pollable) {
		plan.deep = true;
		plan.watch_port = v->port_waiters == 0;
		plan.sleep = until(v->now, v->next_deadline, SLEEP_MIN, SLEEP_MAX);
	} else {
		uint64_t longest = clamp(idle / NAP_IDLE_PARTS, NAP_MAX, NAP_IDLE);

		plan.nap = v->had_frames ? NAP_MIN : 2 * v->last_nap;
		if (plan.nap > longest)
			plan.nap = longest;
		plan.sleep = until(v->now, v->next_deadline, NAP_MIN, plan.nap);
	}
	return plan;
}

/* -- becoming the keeper ------------------------------------------------------------------ */
static void drop_privileges(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* The user id stays: whoever may kill the program may kill its keeper. */
	real.syscall(SYS_capset, &head, none);
}

static int compare_ints(int a, int b)
{
	return a < b ? -1 : a > b;
}

/* A listener's port, a pipe's end: nothing of the program may stay open through us. */
static void close_all_but(int *keep, unsigned int n)
{
	unsigned int next = 0;

	/* Insertion sort: few, and no libc function that might allocate. */
	for (unsigned int i = 1; i < n; i++)
		for (unsigned int j = i; j > 0 && compare_ints(keep[j], keep[j - 1]) < 0; j--) {
			int t = keep[j];

			keep[j] = keep[j - 1];
			keep[j - 1] = t;
		}
	for (unsigned int i = 0; i < n; i++) {
		if (keep[i] < 0 || (unsigned int)keep[i] < next)
			continue;
		if ((unsigned int)keep[i] > next)
			real.syscall(SYS_close_range, next, keep[i] - 1, 0);
		next = (unsigned int)keep[i] + 1;
	}
	real.syscall(SYS_close_range, next, ~0u, 0);
}

static void shed_descriptors(void)
{
	int keep[SHM_MAX_EVSLOTS + 256];
	unsigned int n = 0, room = sizeof(keep) / sizeof(keep[0]);

	for (unsigned int i = 0; i < shm->nevslots; i++)
		keep[n++] = shm->evslots[i].fd;
	for (unsigned int i = 0; i < engine.nports; i++)
		keep[n++] = engine.listen_fds[i];
	/* Both ends: without processes left it would else stay readable for ever. */
	keep[n++] = engine.ctl_keeper_fd;
	keep[n++] = engine.ctl_fd;
	keep[n++] = engine.log_fd;
	n += port_fds(engine.ports[0], keep + n, room - n);
	close_all_but(keep, n);
	/* So that nothing opened later gets these numbers. */
	for (int fd = 0; fd <= 2; fd++)
		real.open("/dev/null", O_RDWR);
}

static void enter_robust_list(struct engine_thread *t, uint32_t starting)
{
	struct keeper_shared *k = &shm->keeper;

	thread_refresh(t);
	/* A raw clone has no robust list: thread_refresh() made one with our offset. */
	k->node.next = &t->robust->list;
	t->robust->list.next = &k->node;
	if (!__atomic_compare_exchange_n(&k->word, &starting, (uint32_t)t->tid, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		_exit(0);
}

static void become_keeper(uint32_t starting)
{
	struct engine_thread *t = &engine_self;

	engine.is_keeper = true;
	engine.slot = -1;
	engine.pid = getpid();
	fdtable = NULL;
	*engine_fork_pid = engine.pid;
	*t = (struct engine_thread){ .inside = 1 };
	enter_robust_list(t, starting);
	setsid();
	prctl(PR_SET_NAME, "shim-keeper", 0, 0, 0);
	/* Naps are to last what they say. */
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	shed_descriptors();
	if (chdir("/") != 0)
		errno = 0;
	drop_privileges();
	port_after_fork(engine.ports[0]);
}

/* -- at work -------------------------------------------------------------------------------- */
struct keeper_self {
	struct pollfd fds[1 + 8]; /* the watch's epoll instance, the port */
	struct keeper_plan plan;
	bool had_frames;
	bool port_ready;
};

static void drive(struct keeper_self *k)
{
	const struct keeper_shared *ks = &shm->keeper;
	uint64_t now = engine_now();

	k->had_frames = false;
	if (!k->port_ready && engine.nport_fds > 0 && now - ks->last_poll < STALE &&
	    stack_next_deadline(shm->stack) > now)
		return;
	for (int i = 0; i < DRIVE_BURSTS && engine_poll() > 0; i++)
		k->had_frames = true;
}

/* Lock held: from here on, whoever comes in sees what we sleep on. */
static void plan_sleep(struct keeper_self *k)
{
	struct keeper_shared *ks = &shm->keeper;
	struct keeper_view v = {
		.now = engine_now(),
		.last_poll = ks->last_poll,
		.last_active = ks->last_active,
		.next_deadline = stack_next_deadline(shm->stack),
		.sleepers = ks->sleepers,
		.port_waiters = ks->port_waiters,
		.pollable = engine.nport_fds > 0,
		.had_frames = k->had_frames,
		.last_nap = k->plan.nap,
	};

	k->plan = keeper_decide(&v);
	ks->deep_sleep = k->plan.deep;
	/* The link goes on telling until a program that took frames sleeps no more (wait.c). */
	ks->watches = k->plan.watch_port;
	if (ks->watches)
		engine_ports_wait_begin();
}

/*
 * Programs are at it and nothing is due: another tick, without asking for the lock.  Processes are
 * looked at all the same, however busy the others are: no descriptor tells of those that were killed
 * as they forked.
 */
static bool may_skip(const struct keeper_self *k, int nready)
{
	uint64_t now = engine_now();

	return nready == 0 && !k->plan.deep && engine.nport_fds > 0 && !keeper_watch_is_due(now) &&
	       now - __atomic_load_n(&shm->keeper.last_poll, __ATOMIC_RELAXED) < STALE;
}

static int keeper_sleep(struct keeper_self *k)
{
	struct timespec ts = { .tv_sec = (time_t)(k->plan.sleep / NSEC_PER_SEC),
			       .tv_nsec = (long)(k->plan.sleep % NSEC_PER_SEC) };
	nfds_t n = 1 + (k->plan.watch_port ? engine.nport_fds : 0);
	int r;

	for (nfds_t i = 0; i < n; i++)
		k->fds[i].revents = 0;
	r = real.ppoll(k->fds, n, &ts, NULL);
	k->port_ready = false;
	for (nfds_t i = 1; i < n; i++) {
		k->port_ready |= k->fds[i].revents != 0;
		if ((k->fds[i].revents & POLLERR) != 0)
			port_clear_error(k->fds[i].fd);
	}
	return r;
}

/* What nstat(8) would print; the kernel's own counts are gone with us. */
static void log_counters(void)
{
	for (unsigned int i = 0; stack_mib_name(i) != NULL; i++)
		if (stack_mib(shm->stack, i) != 0)
			shim_log(LOG_LEVEL_DEBUG, "%s %lu", stack_mib_name(i),
				 (unsigned long)stack_mib(shm->stack, i));
}

/*
 * The ports' names go last: who gets one finds the port free.  What is left behind now was
 * leaked; the system tests read this line.
 */
static __attribute__((noreturn)) void leave_port(void)
{
	int lost = (int)(shm->mbufs_at_start - mbuf_pool_available(port_mbuf_pool(engine.ports[0])));

	shim_log(LOG_LEVEL_INFO, "the keeper ends: %u files, %u waits, %d packet buffers left behind",
		 shm->files.used, shm->wait_entries.used + shm->waiters.used, lost);
	shim_log(LOG_LEVEL_INFO, "the stack was found busy %u times, and waited for asleep %u times",
		 shm->lock.contended, shm->lock.sleeps);
	log_counters();
	close_all_but(engine.listen_fds, engine.nports);
	_exit(0);
}

static __attribute__((noreturn)) void keeper_main(uint32_t starting)
{
	struct keeper_self k = { .plan = { .nap = NAP_MIN } };
	int r = 1;

	become_keeper(starting);
	k.fds[0] = (struct pollfd){ .fd = keeper_watch_start(), .events = POLLIN };
	for (unsigned int i = 0; i < engine.nport_fds; i++)
		k.fds[1 + i] = (struct pollfd){ .fd = engine.port_fds[i], .events = POLLIN };
	for (;;) {
		if (!may_skip(&k, r)) {
			engine_enter();
			keeper_watch_run(k.fds[0].revents != 0);
			drive(&k);
			plan_sleep(&k);
			if (keeper_watch_is_over()) {
				/* The word stays ours until the kernel marks it: nobody is left to see. */
				engine_leave();
				leave_port();
			}
			engine_leave();
		}
		r = keeper_sleep(&k);
	}
}

/* -- seen from the programs --------------------------------------------------------------------- */
void port_clear_error(int fd)
{
	socklen_t len = sizeof(int);
	int err;

	/* A packet socket whose interface went down stays readable until somebody asks why. */
	real.getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

/* With no place left the oldest stays a zombie as long as we live. */
static void remember_child(pid_t pid)
{
	unsigned int i = 0;

	while (i < KEEPER_CHILDREN - 1 && engine.keeper_children[i] != 0)
		i++;
	engine.keeper_children[i] = pid;
}

int keeper_start(void)
{
	struct keeper_shared *k = &shm->keeper;
	uint32_t starting = KEEPER_STARTING | (++k->generation & FUTEX_TID_MASK);
	sigset_t mask;
	long pid;

	signals_block_all(&mask);
	k->started = engine_now();
	__atomic_store_n(&k->word, starting, __ATOMIC_RELEASE);
	k->deep_sleep = 0;
	k->watches = false;
	engine_kick_again();
	/* Exit signal 0, nothing shared but what is MAP_SHARED. */
	pid = real.syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
	if (pid == 0)
		keeper_main(starting);
	if (pid < 0) {
		pid = -errno;
		__atomic_store_n(&k->word, FUTEX_OWNER_DIED, __ATOMIC_RELEASE);
	} else {
		k->pid = (pid_t)pid;
		remember_child((pid_t)pid);
	}
	signals_restore(&mask);
	return pid < 0 ? (int)pid : 0;
}

/* Take the exit status of those that we made; nobody else can. */
static void reap_keepers(void)
{
	for (unsigned int i = 0; i < KEEPER_CHILDREN; i++) {
		pid_t pid = engine.keeper_children[i];

		if (pid == 0 || waitpid(pid, NULL, WNOHANG | __WALL) == 0)
			continue;
		engine.keeper_children[i] = 0;
		/* It may have died before it could enter its robust list. */
		if (shm->keeper.pid == pid)
			__atomic_store_n(&shm->keeper.word, FUTEX_OWNER_DIED, __ATOMIC_RELEASE);
	}
}

static bool is_overdue(uint64_t now)
{
	const struct keeper_shared *k = &shm->keeper;

	return (__atomic_load_n(&k->word, __ATOMIC_RELAXED) & KEEPER_STARTING) != 0 &&
	       now - k->started > START_LIMIT;
}

void keeper_check(uint64_t now)
{
	static uint64_t failed;
	int r;

	reap_keepers();
	if ((keeper_is_dead() || is_overdue(now)) && (failed == 0 || now - failed >= RETRY)) {
		r = keeper_start();
		failed = r < 0 ? now : 0;
		if (r < 0)
			shim_log(LOG_LEVEL_ERROR, "the keeper died and clone(2) fails: %d", -r);
		else
			shim_log(LOG_LEVEL_WARN, "the keeper died: process %d takes its place",
				 (int)shm->keeper.pid);
	}
	if (engine.keeper_seen != shm->keeper.generation)
		registry_announce();
}
