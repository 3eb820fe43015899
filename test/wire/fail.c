/* SPDX-License-Identifier: BSD-3-Clause */
/* fail.c - see fail.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test/wire/fail.h"

const char *test_name = "test";
void (*fail_end)(const char *file, int line, const char *msg);

static struct fail_reporter *reporters;
static bool failing;

void fail_reporter_add(struct fail_reporter *r)
{
	r->next = reporters;
	reporters = r;
}

void fail_reporter_del(struct fail_reporter *r)
{
	struct fail_reporter **pp;

	for (pp = &reporters; *pp != NULL; pp = &(*pp)->next) {
		if (*pp == r) {
			*pp = r->next;
			return;
		}
	}
}

void fail_at(const char *file, int line, const char *fmt, ...)
{
	struct fail_reporter *r;
	char msg[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n%s:%d: %s: %s\n", file, line, test_name, msg);
	if (!failing) {
		failing = true; /* a reporter that fails must not recurse */
		for (r = reporters; r != NULL; r = r->next)
			r->fn(r->arg);
		failing = false;
	}
	fflush(stderr);
	if (fail_end != NULL)
		fail_end(file, line, msg);
	abort();
}

uint64_t test_env(const char *name, uint64_t dflt)
{
	const char *s = getenv(name);

	return s == NULL || *s == '\0' ? dflt : strtoull(s, NULL, 0);
}

uint64_t test_seed(uint64_t dflt)
{
	return test_env("SEED", dflt);
}

const char *test_out_dir(void)
{
	const char *dir = getenv("TEST_OUT");

	if (dir == NULL || *dir == '\0')
		dir = "build/test-out";
	if (mkdir(dir, 0777) != 0 && errno == ENOENT) {
		/* Only the default has a parent to make. */
		(void)mkdir("build", 0777);
		(void)mkdir(dir, 0777);
	}
	return dir;
}
