/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * evslot.c - eventfds that let any process wake any other.
 *
 * They are all made when the engine starts, so that every process of the stack has them
 * under the same number, and are handed out from shared memory.  A kick asked for
 * under the lock is written after the unlock, as the write costs several µs; a process
 * that is killed in between leaves the keeper to kick everybody (keeper_watch.c).
 *
 * Slot SHM_KICK_SLOT is the keeper's.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/real.h"

unsigned int evslot_create(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		int fd = real.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		int high;

		if (fd < 0)
			break;
		high = fds_move_high(fd);
		shm->evslots[i].fd = high >= 0 ? high : fd;
	}
	shm->nevslots = i;
	if (i > SHM_KICK_SLOT)
		shm->evslots[SHM_KICK_SLOT].used = 1;
	return i;
}

int evslot_get(void)
{
	static unsigned int hint; /* where this process found one last */
	unsigned int n = shm->nevslots;

	for (unsigned int k = 0, i = hint < n ? hint : 0; k < n; k++, i = i + 1 < n ? i + 1 : 0) {
		struct evslot *slot = &shm->evslots[i];

		if (slot->used)
			continue;
		/* In this order: one that is used has an owner, whose end frees it. */
		slot->proc = (uint16_t)engine.slot;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		slot->used = 1;
		hint = i;
		return (int)i;
	}
	return -1;
}

void evslot_put(int slot)
{
	if (slot > SHM_KICK_SLOT && slot < SHM_MAX_EVSLOTS)
		shm->evslots[slot].used = 0;
}

int evslot_fd(int slot)
{
	return shm->evslots[slot].fd;
}

void evslot_kick(int slot)
{
	if (slot >= 0)
		engine_self.kicks[slot / 64] |= UINT64_C(1) << (slot % 64);
}

void evslot_kick_all(void)
{
	for (unsigned int i = 0; i < shm->nevslots; i++)
		if (shm->evslots[i].used)
			evslot_kick((int)i);
}

void evslot_drain(int slot)
{
	uint64_t count;
	int saved = errno;

	/* -EAGAIN: nobody wrote, or another reader was faster. */
	if (real.syscall(SYS_read, shm->evslots[slot].fd, &count, sizeof(count)) < 0)
		errno = saved;
}

void evslot_write_kicks(struct engine_thread *t)
{
	static const uint64_t one = 1;
	int saved = errno;

	for (unsigned int w = 0; w < sizeof(t->kicks) / sizeof(t->kicks[0]); w++) {
		while (t->kicks[w] != 0) {
			unsigned int i = w * 64 + (unsigned int)__builtin_ctzll(t->kicks[w]);

			t->kicks[w] &= t->kicks[w] - 1;
			/* -EAGAIN: the counter is full, hence readable. */
			if (real.syscall(SYS_write, shm->evslots[i].fd, &one, sizeof(one)) < 0)
				errno = saved;
		}
	}
}

void evslot_proc_gone(int slot)
{
	for (unsigned int i = SHM_KICK_SLOT + 1; i < shm->nevslots; i++)
		if (shm->evslots[i].used && shm->evslots[i].proc == slot)
			shm->evslots[i].used = 0;
}
