/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.c - mlockall(2), which would commit the whole reservation.
 *
 * The stack's memory is address space of which little is ever touched; locking it as
 * mlockall() does by default would first fill it with pages, some GB.  MCL_ONFAULT
 * locks what is there and what comes, when it comes.
 */
#include <sys/mman.h>

#include "preload/call.h"
#include "preload/real.h"

EXPORT int mlockall(int flags)
{
	if (engine_config()->enabled)
		flags |= MCL_ONFAULT;
	return real.mlockall(flags);
}
