/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * user.h - pointers that the program gives us, where the kernel would answer EFAULT.
 *
 * The kernel copies with instructions that may fault, and knows where to go on after each of
 * them.  So does user_is_bad(): it reads one byte, and if that faults, the handler of
 * SIGSEGV or SIGBUS (signals.c) continues at its other end.  On the way of good pointers it
 * is one instruction that touches what is needed anyway.
 *
 * Limits: the first byte speaks for all, and memory that may be read passes for memory that
 * may be written; a thread that blocks SIGSEGV dies of a bad pointer, as any program would.
 */
#ifndef PRELOAD_USER_H
#define PRELOAD_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an instruction may fault, and where to go on then; relative to the words themselves. */
struct user_fixup {
	int32_t from, to;
};

#if defined(__x86_64__)
#include <ucontext.h>

/* The linker's names for the ends of the table; weak, since a test may have no entry. */
extern const struct user_fixup user_fixups_begin[] __asm__("__start_shim_fixups")
	__attribute__((weak, visibility("hidden")));
extern const struct user_fixup user_fixups_end[] __asm__("__stop_shim_fixups")
	__attribute__((weak, visibility("hidden")));

static inline bool user_is_bad(const void *p)
{
	__asm__ goto("1:	testb	$0, (%0)\n"
		     "	.pushsection shim_fixups, \"a\"\n"
		     "	.balign	4\n"
		     "	.long	1b - .\n"
		     "	.long	%l[bad] - .\n"
		     "	.popsection"
		     :
		     : "r"(p)
		     : "cc"
		     : bad);
	return false;
bad:
	return true;
}

/* In a fault's handler: was it one of ours?  Then it goes on where it should. */
static inline bool user_fixup(ucontext_t *uc)
{
	intptr_t at = (intptr_t)uc->uc_mcontext.gregs[REG_RIP], to;
	const struct user_fixup *f = user_fixups_begin;

	for (; (uintptr_t)f < (uintptr_t)user_fixups_end; f++) {
		if ((intptr_t)&f->from + f->from != at)
			continue;
		to = (intptr_t)&f->to + f->to;
		uc->uc_mcontext.gregs[REG_RIP] = to;
		return true;
	}
	return false;
}
#else
static inline bool user_is_bad(const void *p)
{
	return p == NULL;
}

static inline bool user_fixup(void *uc)
{
	(void)uc;
	return false;
}
#endif

#endif
