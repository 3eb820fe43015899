/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine_priv.h - what the files of the engine share among themselves.
 *
 * Three kinds of state, by who sees it: struct shm (all processes), struct engine (one
 * process, copied by fork), struct engine_thread (one thread).
 */
#ifndef PRELOAD_ENGINE_PRIV_H
#define PRELOAD_ENGINE_PRIV_H

#include <linux/capability.h>
#include <linux/futex.h>

#include "preload/engine.h"
#include "preload/file.h"
#include "preload/shm.h"

struct port;

#define NSEC_PER_SEC UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

/* A killed keeper is replaced before the kernel has made it a zombie: more than one may be unreaped. */
#define KEEPER_CHILDREN 8

/* -- one process -------------------------------------------------------------------- */
struct engine {
	struct port *ports[CONFIG_MAX_PORTS];
	unsigned int nports;
	int slot;	       /* in shm->procs; -1: none (not started, the keeper, after exit) */
	pid_t pid;
	bool is_keeper;
	int listen_fds[CONFIG_MAX_PORTS]; /* the ports' names as abstract unix sockets: their exclusive locks */
	int ctl_fd;	       /* to the keeper; the same socket in all processes */
	int ctl_keeper_fd;     /* the keeper's end; kept by all for its successors */
	int pipe_fds[2];       /* CLOEXEC pipe: its hang-up tells the keeper of an exec */
	uint32_t keeper_seen;  /* generation of the keeper that has our pipe */
	pid_t keeper_children[KEEPER_CHILDREN]; /* keepers this process made and has not reaped; 0: none */
	uint64_t next_check;   /* ns: when to look after the keeper again */
	unsigned int nport_fds; /* 0: some port has none, and sleepers nap */
	int port_fds[8];       /* what to sleep on */
	bool kicks_ports;      /* some port's frames leave when it is kicked, after the unlock */
	int log_fd;	       /* -1: stderr */
};
extern struct engine engine;

/* -- async.c -------------------------------------------------------------------------- */
#define ASYNC_MAX 16

struct async_signal {
	int pid;	 /* as file.owner_pid */
	uint8_t type;
	int sig;	 /* 0: SIGIO */
	int fd;
	uint32_t events; /* EPOLL* */
};

/* -- one thread (thread.c) ------------------------------------------------------------ */
struct engine_thread {
	pid_t tid;
	pid_t pid;		     /* of the process these were read in; 0: never */
	struct robust_list_head *robust; /* the thread's own, as the kernel knows it */
	struct robust_list *saved_pending;
	uint32_t depth;		     /* > 0: has or is taking the lock; handlers are deferred */
	uint32_t inside;
	bool quiet_visit;	     /* this call does not make the program count as active */
	unsigned int saved_lcore;
	uint64_t now;		     /* what engine_now() said last since engine_enter(); 0: nothing */
	uint64_t kicks[(SHM_MAX_EVSLOTS + 63) / 64]; /* evslots to write after the unlock */
	struct async_signal async[ASYNC_MAX]; /* to be sent after the unlock */
	unsigned int nasync;
	/* signals.c */
	uint32_t handled;	     /* program handlers that ran in this thread */
	bool last_restarts;
	bool deferred;		     /* signals are blocked until the unlock */
	bool in_fault;		     /* a handler of a fault raised under the lock runs */
	bool fault_on_altstack;
	void *fault_frame;
	sigset_t deferred_mask;	     /* what to go back to */
	sigset_t fork_mask;
	/* for threads that have no robust list of their own */
	struct robust_list_head own_robust;
};
extern __thread struct engine_thread engine_self;

/*
 * This thread's state with tid and robust list known to be current: the page of
 * engine_fork_pid is wiped by fork, however the fork was made.
 */
extern pid_t *engine_fork_pid;
void thread_refresh(struct engine_thread *t);
static inline struct engine_thread *thread_self(void)
{
	struct engine_thread *t = &engine_self;

	if (__builtin_expect(t->pid == 0 || t->pid != *engine_fork_pid, 0))
		thread_refresh(t);
	return t;
}
/* Make the page; 0 or -errno. */
int thread_init(void);

/* -- lock.c --------------------------------------------------------------------------- */
/* 0, or -EOWNERDEAD: the lock is taken and its last holder died with it. */
int lock_acquire(struct engine_lock *l, struct engine_thread *t);
void lock_release(struct engine_lock *l, struct engine_thread *t);

/* -- engine.c ------------------------------------------------------------------------- */
void engine_deliver(void);
/* A process died that may not have come to kicking the ports: whoever unlocks next does. */
void engine_kick_again(void);
/* port_wait_begin() and port_wait_end() of all ports, around a sleep that is counted as watching them. */
void engine_ports_wait_begin(void);
void engine_ports_wait_end(void);

/* -- log.c ---------------------------------------------------------------------------- */
/* Open the log file while its path can be reached; protected once the fd table is there. */
void log_open(void);

/* -- clock.c -------------------------------------------------------------------------- */
/* Two samples of (TSC, CLOCK_MONOTONIC) some 100 ms apart make engine_now() cheap. */
struct clock_sample {
	uint64_t tsc, ns;
};
struct clock_sample clock_take_sample(void);
void clock_calibrate(const struct clock_sample *from, const struct clock_sample *to);
uint64_t clock_monotonic(void);
/* CLOCK_REALTIME - engine_now(), ns: what packets' stamps lack to be time of day. */
int64_t clock_wall_offset(void);

/* -- fds.c ---------------------------------------------------------------------------- */
/*
 * Move fd out of the program's way: a CLOEXEC duplicate high up, protected once the
 * fd table is there.  Returns the new descriptor (fd is closed), or -errno (fd stays).
 */
int fds_move_high(int fd);
/* Let descriptors go up to the hard limit for a while. */
struct fds_limit {
	uint64_t cur, max;
	bool raised;
};
void fds_limit_raise(struct fds_limit *l);
void fds_limit_restore(const struct fds_limit *l);

/* -- evslot.c ------------------------------------------------------------------------- */
/* Make n eventfds; returns how many there are. */
unsigned int evslot_create(unsigned int n);
/* Write the eventfds whose kick was asked for under the lock. */
void evslot_write_kicks(struct engine_thread *t);
/* Give back those of a dead process; n < 0: of none, only repair. */
void evslot_proc_gone(int slot);
void evslot_kick_all(void);

/* -- registry.c ----------------------------------------------------------------------- */
/* Take a slot for this process (the first of the stack).  0 or -errno. */
int registry_start(void);
/* Drop all that a process holds and free its slot; lock held. */
void registry_reap(int slot);
/* Field 22 of /proc/PID/stat, 0 if there is no such process. */
uint64_t registry_start_time(pid_t pid);
/* Has it begun to die, rather than become another program? */
bool registry_is_exiting(pid_t pid);
/* Hand the pipe to the keeper (again). */
void registry_announce(void);
/* Recount what processes contribute to the totals; lock held. */
void registry_recount(void);
unsigned int registry_live(void);
/* A thread found itself in a process that no wrapper of fork made. */
void registry_adopt(void);

/* A message to the keeper; the pipe's read end travels with it. */
struct ctl_msg {
	int32_t slot;
	pid_t pid;
};

/* -- keeper.c ------------------------------------------------------------------------- */
/* Clone a keeper if there is none; lock held.  0 or -errno. */
int keeper_start(void);
/* Look after it: called with the lock held, when it died or now and then. */
void keeper_check(uint64_t now);
/* Make a descriptor of the port that reports an error (the link went) silent again. */
void port_clear_error(int fd);
static inline bool keeper_is_dead(void)
{
	return (__atomic_load_n(&shm->keeper.word, __ATOMIC_RELAXED) & FUTEX_OWNER_DIED) != 0;
}

/* What the keeper does next; pure, for its tests. */
struct keeper_view {
	uint64_t now, last_poll, last_active, next_deadline;
	uint32_t sleepers, port_waiters;
	bool pollable;	   /* the port has a descriptor to wait on */
	bool had_frames;   /* the last poll brought some */
	uint64_t last_nap; /* ns */
};
struct keeper_plan {
	bool deep;	 /* programs kick it when they begin to work */
	bool watch_port;
	uint64_t sleep;	 /* ns */
	uint64_t nap;	 /* to be given back as last_nap */
};
struct keeper_plan keeper_decide(const struct keeper_view *v);

/* -- rights.c -------------------------------------------------------------------------- */
/* Switch on, for a while, whatever this thread is permitted; see the file. */
struct rights {
	bool raised;
	struct __user_cap_data_struct caps[2];
};
void rights_raise(struct rights *saved);
void rights_restore(const struct rights *saved);

/* -- takeover.c ------------------------------------------------------------------------ */
/*
 * Own the port's name.  Asks a keeper that only holds what is left of an ended program to
 * yield, and waits for it.  The listening socket, or -errno with a line in err.
 */
int takeover_claim(const char *port_name, char *err, size_t errlen);
/* The keeper's answer to who connects to the name. */
struct takeover_reply {
	pid_t pid; /* a process that lives; 0: none, the keeper goes */
};

struct engine_thread;
void async_send(struct engine_thread *t);

/* -- signals.c ------------------------------------------------------------------------- */
/* From now on handlers are wrapped, also those already installed. */
void signals_start(void);
void signals_fork_child(void);
/* After the unlock: let what was deferred come. */
void signals_release(struct engine_thread *t);
/* A handler of a fault under the lock left by siglongjmp(): the call it interrupted is gone. */
bool signals_call_abandoned(const struct engine_thread *t);
/* Block everything but faults; old may be NULL. */
void signals_block_all(sigset_t *old);
void signals_restore(const sigset_t *old);

/* -- wait.c / waiter.c ------------------------------------------------------------------ */
struct waiter {
	struct list proc_link; /* struct proc.waiters */
	struct list entries;   /* struct wait_entry.set_link */
	int32_t owner;	       /* slot of the process + 1; 0: a call was killed as it began */
	int32_t slot;	       /* evslot while asleep, else -1 */
	bool notified;
};
/* Give back the waiters of a dead process; lock held. */
void waiter_proc_gone(int slot, uint64_t now);
/* After a killed holder: rebuild their lists from the pools; lock held. */
void waiter_recover(uint64_t now);

/* -- recover.c -------------------------------------------------------------------------- */
void engine_recover(void);

#endif
