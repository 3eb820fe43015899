/* SPDX-License-Identifier: BSD-3-Clause */
/* mib.c - the names of the counters. */
#include "stack/core/mib.h"

#include <stddef.h>

#include "stack/stack.h"

static const char *const mib_names[MIB_COUNT] = {
#define X(symbol, name) [MIB_##symbol] = name,
	MIB_TABLE(X)
#undef X
};

const char *stack_mib_name(unsigned int which)
{
	return which < MIB_COUNT ? mib_names[which] : NULL;
}
