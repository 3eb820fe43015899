/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fdtable.h - is this descriptor ours?
 *
 * The table of this process lies in the shared reservation (struct proc.fdtab), so that
 * the keeper can give its references back after a crash.  The test is one load and one
 * compare and comes before any argument check: for a kernel descriptor every call
 * behaves to the letter as without us.
 */
#ifndef PRELOAD_FDTABLE_H
#define PRELOAD_FDTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/file.h"
#include "preload/shm.h"

extern uint32_t *fdtable; /* of this process; NULL before the engine runs */

static inline uint32_t fdtable_entry(int fd)
{
	if (__builtin_expect(fdtable == NULL, 0) || (unsigned int)fd >= SHM_MAX_FDS)
		return FDT_NONE;
	return __atomic_load_n(&fdtable[fd], __ATOMIC_RELAXED);
}

/* Needs no lock: false means "give the call to libc". */
static inline bool fdtable_is_ours(int fd)
{
	return fdtable_entry(fd) != FDT_NONE;
}

/* The file of a descriptor, or NULL if it has none (then the call is EBADF or libc's); lock held. */
static inline struct file *fdtable_file(int fd)
{
	uint32_t e = fdtable_entry(fd);

	return e == FDT_NONE || e > FDT_SPECIAL ? NULL : pool_at(&shm->files, e - 1);
}

/* Enter f under fd, taking over one reference. */
void fdtable_install(int fd, struct file *f);
/* Forget fd; the reference is the caller's to drop.  NULL if it was not a file. */
struct file *fdtable_remove(int fd);
/*
 * The kernel has just handed out fd: whatever the table has under that number was closed
 * behind our back (by libc's own code, say) and is dropped.
 */
void fdtable_fresh(int fd);
/* Mark a descriptor of the engine: close(2) of it is EBADF for the program. */
void fdtable_protect(int fd);
/* Enter one of FDT_NONE, FDT_POOLED, FDT_PROTECTED; lock held (or no other thread yet). */
void fdtable_mark(int fd, uint32_t what);
/* The lowest descriptor of f in this process, or -1.  Walks the table: for rare occasions. */
int fdtable_find(const struct file *f);
/* Entries below this may be ours. */
unsigned int fdtable_high(void);

/*
 * What the program believes of FD_CLOEXEC: true if it wants fd to survive exec.  Kept
 * here because a placeholder is always CLOEXEC for the kernel; private to the process.
 */
void fdtable_set_inherit(int fd, bool inherit);
bool fdtable_inherits(int fd);

#endif
