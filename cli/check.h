/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.h - the questions of `shim check` and how their answers are reported.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "shim/config.h"

/* Capabilities, by their numbers in capabilities(7). */
#define CHECK_CAP_NET_ADMIN 12
#define CHECK_CAP_NET_RAW 13

/* There, as it should be. */
void check_ok(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Needed and not there: shim check fails. */
void check_missing(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Works without, but worth knowing. */
void check_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Processor, kernel, memory, limits, the library itself (check_machine.c). */
void check_machine(const struct shim_config *cfg);
/* What the ports need (check_port.c). */
void check_ports(const struct shim_config *cfg);
/* Does the kernel have an address of ours?  (check_port.c) */
void check_addresses(const struct shim_config *cfg);

/* Does this process have the capability in its namespace? */
bool check_capable(unsigned int cap);
/* The first line of a file without its end; false if it cannot be read. */
bool check_read_line(const char *path, char *buf, size_t len);
/* The number behind "name:" in /proc/meminfo or /proc/self/status; false if it is not there. */
bool check_read_field(const char *path, const char *name, int base, unsigned long long *value);

#endif
