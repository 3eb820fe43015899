/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cli.h - the subcommands of shim(1).
 *
 * Each gets its own name as argv[0] and returns the exit status: 0, 1 for "no",
 * 2 for a wrong command line.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <limits.h>
#include <stdbool.h>

#include "shim/config.h"

#define EXIT_USAGE 2
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND 127

int cmd_run(int argc, char **argv);
int cmd_options(int argc, char **argv);
int cmd_check(int argc, char **argv);

/*
 * Take the option flags at the front of argv (--name value, --name=value; up to -- or
 * the first word that is no flag), validate each, and put it into the environment under
 * its SHIM_ name; then load and check the whole configuration.  Returns the index of the
 * first word behind the flags, or -EINVAL after having said on stderr what is wrong.
 */
int flags_take(int argc, char **argv, struct shim_config *cfg);

/*
 * Where libshim.so is: beside this binary, in ../lib of it, or where it was built to be
 * installed.  False if it is nowhere; path then names the first place.
 */
bool library_find(char path[PATH_MAX]);

/* LD_PRELOAD with libshim.so in front of what is there.  0, or -errno after a message. */
int library_preload(const char *path);

/* One line on stderr, "shim: ...". */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
