/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine.h - preload's back room: the stack's lock, its keeper, its processes, waiting.
 *
 * The pattern of every call on a descriptor of ours:
 *
 *	st = engine_enter();			lock; handlers of signals are deferred
 *	f = fdtable_file(fd);			(fdtable.h)
 *	r = socket_recvmsg(st, f->so, …, engine_now());
 *	if (r == -EAGAIN && blocking) …		waiter_*() below
 *	engine_leave();				send, deliver readiness, unlock, wake others
 *
 * Whoever calls in runs the stack: engine_poll() is called by calls that would
 * otherwise come back empty-handed, and by every wait.
 */
#ifndef PRELOAD_ENGINE_H
#define PRELOAD_ENGINE_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "preload/shm.h"

struct epoll_event;
struct file;
struct netif;
struct waiter;

/* -- life ------------------------------------------------------------------------ */
/*
 * Make the reservation, start EAL, the port, the stack and the keeper.  Thread-safe
 * and idempotent.  0 when running; -errno when it cannot (logged once, with the way
 * out); -ENOSYS when no port is configured.
 */
int engine_start(void);
extern bool engine_ready;
static inline bool engine_is_running(void)
{
	return __atomic_load_n(&engine_ready, __ATOMIC_ACQUIRE);
}
/* The netif of a port of the configuration; NULL before the engine runs. */
const struct netif *engine_netif(unsigned int port);
/* The program's configuration, loaded by the constructor (also before engine_start()). */
const struct shim_config *engine_config(void);

/* -- the lock (lock.c lists every place that lets it go) ---------------------------- */
struct stack *engine_enter(void);
/* Flush, deliver readiness, unlock, write the wake-ups, run deferred signal handlers. */
void engine_leave(void);
/* The calling thread holds the lock. */
bool engine_is_held(void);
/*
 * True while this thread runs the engine's own code (start, keeper, under the lock):
 * calls of libc names that arrive here then come from our own libraries and go
 * straight to libc.
 */
bool engine_is_inside(void);
void engine_inside_begin(void);
void engine_inside_end(void);

/* ns of the monotonic clock (TSC based, the same in all processes). */
uint64_t engine_now(void);

/* Run the stack once and deliver readiness; lock held.  Returns frames received. */
unsigned int engine_poll(void);

/* -- waking ------------------------------------------------------------------------ */
/* Take an eventfd slot for this process, or -1 when none is left (then nap). */
int evslot_get(void);
void evslot_put(int slot);
int evslot_fd(int slot);
/* Have the slot's eventfd written after the unlock. */
void evslot_kick(int slot);
/* Make it unreadable again. */
void evslot_drain(int slot);

/* -- waiting ----------------------------------------------------------------------- */
/*
 * A blocking call, from its first look to its last: the spin phase lasts spin_us from
 * wait_begin(), then the thread sleeps.  deadline: ns, UINT64_MAX for ever.
 */
struct wait {
	uint64_t deadline;
	uint64_t spin_until;
	const sigset_t *sigmask; /* of ppoll & co., or NULL */
	uint32_t signals_seen;	 /* handler count of this thread at the beginning */
	uint32_t rounds;	 /* of the spin phase */
	uint32_t naps;
	uint32_t idle_wakes;
	bool counted;		 /* among the keeper's sleepers */
};
void wait_begin(struct wait *w, uint64_t deadline, const sigset_t *sigmask);
/* Did a signal handler run in this thread since wait_begin()?  Then the call is -EINTR (signal(7)). */
bool wait_interrupted(const struct wait *w);
/*
 * One round of the spin phase: lets others have the lock, runs the stack.  True: look
 * again (there is spin time left); false: the spin is over, sleep.  Lock held before and
 * after.
 */
bool wait_spin(struct wait *w);
/*
 * Around a sleep in the kernel.  wait_sleep_begin() is called with the lock held and
 * every interest registered; it says how long the sleep may last (ns, bounded by the
 * deadline and by the stack's next timer), marks the thread asleep and unlocks.
 * watches_port: the port's wait descriptors are in what the thread sleeps on.
 * wait_sleep_end() takes the lock again and runs the stack.
 */
uint64_t wait_sleep_begin(struct wait *w, bool watches_port);
void wait_sleep_end(struct wait *w, bool watches_port);
/* The port's descriptors for a sleeper's own poll set; returns their number (0: naps bound the sleep). */
unsigned int wait_port_fds(int fds[8]);

/*
 * What to sleep in between the two: ppoll(2) and epoll_pwait2(2) with the signal mask of
 * wait_begin() (NULL: the thread's own), for at most ns.  A handler that ran since
 * wait_begin(), also one that came after the last look, makes them return -EINTR
 * without sleeping: there is no window in which a signal is lost.  Else the number
 * of descriptors, 0 when the time is over (or for no reason), -errno.
 */
int wait_ppoll(struct wait *w, struct pollfd *fds, nfds_t nfds, uint64_t ns);
int wait_epoll(struct wait *w, int epfd, struct epoll_event *events, int maxevents, uint64_t ns);

/*
 * A thread that blocks in something else than epoll_wait.  It watches files and sleeps
 * in ppoll() on its eventfd, the port and the kernel descriptors it was given.
 * NULL: -ENOMEM.  Freed by the reaper when its process dies.
 */
struct waiter *waiter_get(void);
int waiter_watch(struct waiter *wt, struct file *f, uint32_t events);
/*
 * Wait until a watched file is notified, one of kfds is ready (revents filled, may be
 * NULL/0), or time or a signal ends it.  0, -ETIMEDOUT, -EINTR.  Spurious returns of 0
 * happen: look again.  Lock held before and after.
 */
int waiter_wait(struct waiter *wt, struct wait *w, struct pollfd *kfds, nfds_t nkfds);
void waiter_put(struct waiter *wt);
/* A WAIT_CALL entry's file became ready (called by file_notify()). */
void waiter_notify(struct waiter *wt);

/* -- SIGIO (async.c) -------------------------------------------------------------------- */
/* A file that has an owner became ready: signals for it are sent after the unlock. */
void async_note(const struct file *f, uint32_t events);

/* -- processes (registry.c) ---------------------------------------------------------- */
/* This process's slot; NULL before the engine runs. */
struct proc *engine_proc(void);
/*
 * Around fork(2): prepare gives the child a slot with a copy of the fd table and the
 * references (returns the slot or -errno); then exactly one of the other three.
 */
int engine_fork_prepare(void);
void engine_fork_parent(int slot, pid_t child);
void engine_fork_child(int slot);
void engine_fork_failed(int slot);
/* The process ends (or is about to exec): give its references back.  Async-signal-safe. */
void engine_proc_exit(void);

/* -- signals (signals.c) --------------------------------------------------------------- */
/*
 * Handlers of the program never run while the lock is held: sigaction is wrapped, the
 * wrapper's handler defers by re-sending the signal to the thread after the unlock.
 * These are what the interposed names call.
 */
int signals_sigaction(int sig, const struct sigaction *act, struct sigaction *old);
/* The handler was installed with SA_RESTART? (the last one that interrupted this thread) */
bool signals_last_restarts(void);

/* -- what the engine asks of the rest of preload --------------------------------------- */
/* sizeof(struct eventpoll) and sizeof(struct epitem), for their pools (epoll.c). */
extern const uint32_t eventpoll_objsize, epitem_objsize;
/*
 * A process is gone (killed, exited, exec'd): forget its threads that wait on epoll
 * instances.  Its descriptors are given back after this.  Lock held.
 */
void eventpoll_proc_gone(int slot);

/* -- log (log.c): never stdout, no heap, one line --------------------------------------- */
void shim_log(enum config_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
