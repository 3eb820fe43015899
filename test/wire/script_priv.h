/* SPDX-License-Identifier: BSD-3-Clause */
/* script_priv.h - what the files of the script ask of each other. */
#ifndef TEST_WIRE_SCRIPT_PRIV_H
#define TEST_WIRE_SCRIPT_PRIV_H

#include "test/wire/script.h"

void script_trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A segment in relative numbers of the current flow. */
const char *script_describe(const struct frame_tcp *t, bool from_stack, char *buf, size_t len);
/* Everything that can happen now happens, and what came is kept. */
void script_settle(void);
/* The next that was kept, not taken; NULL if there is none. */
const struct script_seen *script_first(void);
/* Until something was kept, at most ns. */
void script_wait(uint64_t ns);

#endif
