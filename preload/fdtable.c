/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fdtable.c - which descriptors of this process are ours.
 */
#include "preload/fdtable.h"

#include "preload/engine.h"
#include "preload/placeholder.h"

uint32_t *fdtable;

/* One bit per descriptor; fork copies it with the rest of the process. */
static uint64_t inherit_bits[SHM_MAX_FDS / 64];

void fdtable_mark(int fd, uint32_t what)
{
	struct proc *p = engine_proc();

	if (fdtable == NULL || (unsigned int)fd >= SHM_MAX_FDS)
		return;
	if (p != NULL && (uint32_t)fd >= p->fd_high && what != FDT_NONE)
		p->fd_high = (uint32_t)fd + 1;
	__atomic_store_n(&fdtable[fd], what, __ATOMIC_RELEASE);
}

void fdtable_install(int fd, struct file *f)
{
	fdtable_mark(fd, pool_index(&shm->files, f) + 1);
}

struct file *fdtable_remove(int fd)
{
	struct file *f = fdtable_file(fd);

	if (f != NULL)
		fdtable_mark(fd, FDT_NONE);
	return f;
}

void fdtable_fresh(int fd)
{
	struct file *f;

	if (__builtin_expect(!fdtable_is_ours(fd), 1))
		return;
	if (fdtable_entry(fd) == FDT_POOLED)
		placeholder_forget(fd);
	f = fdtable_remove(fd);
	fdtable_mark(fd, FDT_NONE);
	if (f != NULL)
		file_put_fd(f, engine_now());
}

void fdtable_protect(int fd)
{
	fdtable_mark(fd, FDT_PROTECTED);
}

unsigned int fdtable_high(void)
{
	struct proc *p = engine_proc();

	return p == NULL ? 0 : p->fd_high;
}

int fdtable_find(const struct file *f)
{
	uint32_t want = pool_index(&shm->files, f) + 1;
	unsigned int fd, high = fdtable_high();

	for (fd = 0; fd < high; fd++)
		if (fdtable_entry((int)fd) == want)
			return (int)fd;
	return -1;
}

void fdtable_set_inherit(int fd, bool inherit)
{
	uint64_t bit = 1ull << (fd & 63);

	if ((unsigned int)fd >= SHM_MAX_FDS)
		return;
	if (inherit)
		inherit_bits[fd / 64] |= bit;
	else
		inherit_bits[fd / 64] &= ~bit;
}

bool fdtable_inherits(int fd)
{
	return (unsigned int)fd < SHM_MAX_FDS && (inherit_bits[fd / 64] >> (fd & 63) & 1) != 0;
}
