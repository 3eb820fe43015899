/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.c - the stack's lock: one word, shared by processes, outlives its holder.
 *
 * Theory.  The word is in the kernel's robust-futex format: the holder's thread id,
 * FUTEX_WAITERS when somebody may sleep on it.  A thread that takes or lets go of it
 * says so before in list_op_pending of its robust list (the one glibc registered; a
 * robust mutex of the program uses the same field only inside its own lock and unlock,
 * and its value is put back).  When a thread dies, however, the kernel looks
 * there: if the word carries its id it becomes FUTEX_OWNER_DIED and one sleeper is
 * woken; if the word is 0 the death came between the unlock and the wake-up, and one
 * sleeper is woken too (kernel/futex/core.c, handle_futex_death).  Who takes the
 * lock over from the dead repairs what it guards (recover.c).
 *
 * This is lighter than a robust process-shared mutex, which enters itself into a doubly
 * linked list at each lock.
 *
 * One death is not seen by the kernel: of a thread that has let go and not come to the wake-up
 * yet, when another has taken the lock meanwhile.  The word is that one's, so the kernel
 * does nothing, and it carries no mark that somebody sleeps, as it was free.  Nor of one that
 * was woken, and is killed before it can take the lock.  So sleepers look every LOOK_NS for
 * themselves.  (To leave the mark in the free word would not do: it can only be taken away by
 * one who knows that nobody sleeps any more, and he can die between that and doing so.)
 *
 * States of the word:  0 free · tid held · tid|WAITERS held, wake on unlock ·
 * OWNER_DIED[|WAITERS] the holder died.  Taken by a thread that has slept it always
 * carries WAITERS, as there may be more sleepers; that costs one wake-up too many at
 * most.
 *
 * Limits.  A stopped holder (SIGSTOP, a debugger) stops all others.  Thread ids are those
 * of one pid namespace: the processes of a stack must not be spread over several.
 *
 * Every place that lets the lock go while a call is under way: engine_leave() at the end
 * of each call, wait_spin() between two looks, wait_sleep_begin() before a sleep.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include "preload/engine_priv.h"
#include "preload/real.h"

/*
 * Pauses at a busy lock before sleeping: some 20 µs, which is longer than calls hold it, and
 * less than a sleep and its wake-up cost (30 to 50 µs).
 */
#define LOCK_PAUSES 1000
/* The longest of them in a row: each look takes the word's cache line from its holder. */
#define LOCK_PAUSE_MAX 128

/*
 * A sleeper takes longer to wake up than a thread that is at it takes to come back, which may go on
 * for long.  One that found the lock taken again so many times is given way to: who lets go
 * waits for it to be taken, in pauses, which is longer than a wake-up lasts.
 */
#define LOCK_HUNGRY_AFTER 2
#define LOCK_GIVE_WAY 4000

/* A sleeper that was forgotten because of a death finds out. */
#define LOOK_NS (10 * NSEC_PER_MSEC)

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline bool word_is_free(uint32_t v)
{
	return (v & FUTEX_TID_MASK) == 0;
}

/* Take a free or orphaned word; keeps the mark that others sleep. */
static bool word_take(struct engine_lock *l, uint32_t v, uint32_t mine)
{
	return __atomic_compare_exchange_n(&l->word, &v, mine | (v & FUTEX_WAITERS), false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/*
 * Looks grow rarer, so that a thread which is at it goes on for some calls while the stack is in
 * its core's cache.  That matters more than whose turn it is: to move the stack to another
 * core costs more than a call.
 */
static void pause_between_looks(unsigned int *paused)
{
	unsigned int n = *paused / 2 + 1;

	if (n > LOCK_PAUSE_MAX)
		n = LOCK_PAUSE_MAX;
	*paused += n;
	while (n-- > 0)
		cpu_relax();
}

static int lock_slow(struct engine_lock *l, uint32_t tid)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };
	uint32_t mine = tid;
	unsigned int paused = 0, slept = 0;

	__atomic_add_fetch(&l->contended, 1, __ATOMIC_RELAXED);
	for (;;) {
		uint32_t v = __atomic_load_n(&l->word, __ATOMIC_RELAXED);

		if (word_is_free(v)) {
			if (!word_take(l, v, mine))
				continue;
			if (slept >= LOCK_HUNGRY_AFTER)
				__atomic_store_n(&l->hungry, 0, __ATOMIC_RELAXED);
			return (v & FUTEX_OWNER_DIED) != 0 ? -EOWNERDEAD : 0;
		}
		if (paused < LOCK_PAUSES) {
			pause_between_looks(&paused);
			continue;
		}
		if ((v & FUTEX_WAITERS) == 0 &&
		    !__atomic_compare_exchange_n(&l->word, &v, v | FUTEX_WAITERS, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		if (slept++ >= LOCK_HUNGRY_AFTER)
			__atomic_store_n(&l->hungry, 1, __ATOMIC_RELAXED);
		/* Not PRIVATE: other processes sleep on it.  Returns early for any reason. */
		__atomic_add_fetch(&l->sleeps, 1, __ATOMIC_RELAXED);
		real.syscall(SYS_futex, &l->word, FUTEX_WAIT, v | FUTEX_WAITERS, &look, NULL, 0);
		mine = tid | FUTEX_WAITERS;
		paused = 0;
	}
}

int lock_acquire(struct engine_lock *l, struct engine_thread *t)
{
	struct robust_list_head *head = t->robust;
	uint32_t v = 0;

	t->saved_pending = head->list_op_pending;
	head->list_op_pending = (struct robust_list *)((char *)&l->word - head->futex_offset);
	/* The kernel reads it in this thread: program order is enough. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_compare_exchange_n(&l->word, &v, (uint32_t)t->tid, false,
							 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED),
			     1))
		return 0;
	return lock_slow(l, (uint32_t)t->tid);
}

/* Whoever takes it ends this.  It may be that nobody does, who was hungry being dead. */
static void give_way(struct engine_lock *l)
{
	for (unsigned int i = 0; i < LOCK_GIVE_WAY; i++) {
		if (!word_is_free(__atomic_load_n(&l->word, __ATOMIC_RELAXED)))
			return;
		cpu_relax();
	}
	__atomic_store_n(&l->hungry, 0, __ATOMIC_RELAXED);
}

static void wake_one(struct engine_lock *l)
{
	real.syscall(SYS_futex, &l->word, FUTEX_WAKE, 1, NULL, NULL, 0);
	if (__atomic_load_n(&l->hungry, __ATOMIC_RELAXED) != 0)
		give_way(l);
}

void lock_release(struct engine_lock *l, struct engine_thread *t)
{
	uint32_t v = __atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE);

	if (__builtin_expect((v & FUTEX_WAITERS) != 0, 0))
		wake_one(l);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	t->robust->list_op_pending = t->saved_pending;
}
