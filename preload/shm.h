/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shm.h - what every process of a stack shares, and nothing else.
 *
 * One reservation (MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE) is made when the engine
 * starts; fork keeps its address, so plain pointers into it are valid in every process.
 * Everything in it is a typed pool or a fixed array, and is changed only under the
 * engine's lock, so that it can be rebuilt when a process is killed in the middle.
 *
 * Process-private state lives in engine.c (struct engine) and in thread-local storage.
 */
#ifndef PRELOAD_SHM_H
#define PRELOAD_SHM_H

#include <linux/futex.h>
#include <stdint.h>
#include <sys/types.h>

#include "shim/config.h"
#include "stack/core/list.h"
#include "stack/core/pool.h"
#include "stack/stack.h"

#define SHM_MAX_PROCS 1024
#define SHM_MAX_FDS (1u << 20)	/* descriptors per process that can be ours */
#define SHM_MAX_EVSLOTS 128	/* eventfds, hence sleepers that can be woken by descriptor */
#define SHM_MAX_FILES (1u << 20)
#define SHM_MAX_EVENTPOLLS 16384
#define SHM_MAX_EPITEMS (1u << 21)
#define SHM_MAX_WAITERS 65536
#define SHM_MAX_WAIT_ENTRIES (1u << 20)
#define SHM_KICK_SLOT 0		/* the evslot that wakes the keeper */

/*
 * One entry of a process's fd table: what the descriptor is to us.  Anything above
 * FDT_SPECIAL is not a file; below, it is 1 + the index of its struct file.
 */
#define FDT_NONE 0u		  /* the kernel's: straight to libc */
#define FDT_SPECIAL 0xfffffff0u
#define FDT_PROTECTED 0xfffffff1u /* of the engine itself: EBADF for the program */
#define FDT_POOLED 0xfffffff2u	  /* placeholder waiting to be handed out: EBADF */

enum proc_state {
	PROC_FREE,
	PROC_EMBRYO, /* fork prepared: holds references, pid not known yet */
	PROC_LIVE,
};

struct proc {
	uint8_t state;
	pid_t pid;
	pid_t parent;
	uint64_t start_time;	/* field 22 of /proc/PID/stat, against pid reuse */
	uint64_t born;		/* ns: when the slot was taken */
	uint16_t sleepers;	/* its threads in wait_sleep_begin() … wait_sleep_end() */
	uint16_t port_waiters;	/* those of them that watch the port */
	uint32_t fd_high;	/* fdtab[0..fd_high) may be non-zero */
	uint32_t *fdtab;	/* SHM_MAX_FDS entries in the reservation; of this slot for ever */
	struct list waiters;	/* struct waiter.proc_link: given back when the process dies */
	uint32_t watched;	/* generation of the keeper that watches its death, 0: none */
};

struct evslot {
	int fd;			/* the same number in every process of the stack */
	uint8_t used;
	uint16_t proc;		/* who uses it: freed when that process dies */
};

/* The stack's lock: lock.c */
struct engine_lock {
	uint32_t word;		/* robust-futex format: tid | FUTEX_WAITERS | FUTEX_OWNER_DIED */
	uint32_t contended, sleeps; /* how often it was found busy, and slept for: logged at the end */
	uint32_t hungry; /* a sleeper was woken twice and found it taken again */
	uint32_t pad[12];
};

/* What the keeper and the sleepers tell each other: keeper.c */
/* The other two bits of a robust futex are its thread id and FUTEX_OWNER_DIED. */
#define KEEPER_STARTING 0x80000000u

struct keeper_shared {
	/*
	 * On the keeper's own robust list: when it dies the kernel sets FUTEX_OWNER_DIED in
	 * word, so that everybody learns of it by one load.  Else its thread id, or
	 * KEEPER_STARTING with its generation until it is on that list.
	 */
	struct robust_list node;
	uint32_t word;
	pid_t pid;
	uint32_t generation;	/* counts replacements */
	uint32_t rescan;	/* a process was born that may die before it can say so */
	uint32_t deep_sleep;	/* it waits without a tick: kick it when activity begins */
	bool watches;		/* it sleeps, or is about to, on the port's descriptors itself */
	uint32_t port_waiters;	/* threads asleep with the port's descriptor in their wait set */
	uint32_t sleepers;	/* threads asleep at all */
	uint64_t started;	/* ns: when it was last cloned */
	uint64_t last_poll;	/* ns: when anybody last ran the stack */
	uint64_t last_active;	/* ns: when a program last called in */
};

struct shm {
	struct engine_lock lock;
	struct keeper_shared keeper;
	uint64_t epoch;		/* counts recoveries */
	struct shim_config cfg;
	struct stack *stack;
	struct proc procs[SHM_MAX_PROCS];
	struct evslot evslots[SHM_MAX_EVSLOTS];
	unsigned int nevslots;
	uint32_t nprocs;	/* slots that have an fd table: fewer when address space is scarce */
	uint32_t proc_high;	/* slots [0, proc_high) were ever used */
	uint64_t epoll_magic;	/* upper half of epoll_event.data of our own registrations */
	struct pool files;	  /* struct file */
	struct pool eventpolls;	  /* struct eventpoll */
	struct pool epitems;	  /* struct epitem */
	struct pool waiters;	  /* struct waiter */
	struct pool wait_entries; /* struct wait_entry */
	size_t reservation;	/* bytes */
	uint32_t mbufs_at_start; /* free packet buffers when the stack began */
};

extern struct shm *shm; /* NULL until the engine has started in this process or an ancestor */

#endif
