/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * real.c - resolve libc's own functions (see real.h).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>

#include "preload/real.h"

/*
 * One resolver per function: until the table is filled, a call fills it and goes on.
 * If libc has no such function the resolver stays in its place and says ENOSYS.
 */
#define BOOT(ret, name, params, args)                                                              \
	static ret boot_##name params                                                              \
	{                                                                                          \
		real_init();                                                                       \
		if (real.name != boot_##name)                                                      \
			return real.name args;                                                     \
		errno = ENOSYS;                                                                    \
		return (ret)-1;                                                                    \
	}
#define BOOT_V(name, params, args)                                                                 \
	static void boot_##name params                                                             \
	{                                                                                          \
		real_init();                                                                       \
		if (real.name != boot_##name)                                                      \
			real.name args;                                                            \
	}
/*
 * Variable arguments cannot be passed on as such.  Those of all these functions are of
 * integer class and travel in the same registers as fixed ones would (System V
 * x86-64 and AAPCS64).
 */
#define BOOT_X(ret, name, params)                                                                  \
	static ret boot_##name(long a, long b, long c, long d, long e, long f, long g)             \
	{                                                                                          \
		real_init();                                                                       \
		if ((void *)real.name != (void *)boot_##name)                                      \
			return ((ret(*)(long, long, long, long, long, long,                        \
					long))(void *)real.name)(a, b, c, d, e, f, g);             \
		errno = ENOSYS;                                                                    \
		return (ret)-1;                                                                    \
	}
REAL_TABLE(BOOT, BOOT_V, BOOT_X)

struct real_table real = {
#define ENTRY(ret, name, params, args) .name = boot_##name,
#define ENTRY_V(name, params, args) .name = boot_##name,
#define ENTRY_X(ret, name, params) .name = (ret(*) params)(void *)boot_##name,
	REAL_TABLE(ENTRY, ENTRY_V, ENTRY_X)
};

void real_init(void)
{
	static int done;
	void *sym;

	if (__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		return;
	/* Two threads at once store the same values. */
#define RESOLVE(ret, name, params, args)                                                           \
	sym = dlsym(RTLD_NEXT, #name);                                                             \
	if (sym != NULL)                                                                           \
		__atomic_store_n((void **)&real.name, sym, __ATOMIC_RELAXED);
#define RESOLVE_V(name, params, args) RESOLVE(void, name, params, args)
#define RESOLVE_X(ret, name, params) RESOLVE(ret, name, params, ())
	REAL_TABLE(RESOLVE, RESOLVE_V, RESOLVE_X)
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
}
