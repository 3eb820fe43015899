/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c - shim check: what this machine lacks, in plain words.
 *
 * One line per question: "ok", "note" (works, but), or "MISSING" with the way out.  Exit
 * status 1 if anything that is needed is missing.  Nothing is changed and no port opened.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "cli/cli.h"

static unsigned int missing;

static void report(const char *word, const char *fmt, va_list ap)
{
	printf("%-8s ", word);
	vprintf(fmt, ap);
	putchar('\n');
}

#define REPORT(word)                            \
	do {                                    \
		va_list ap;                     \
		va_start(ap, fmt);              \
		report(word, fmt, ap);          \
		va_end(ap);                     \
	} while (0)

void check_ok(const char *fmt, ...)
{
	REPORT("ok");
}

void check_note(const char *fmt, ...)
{
	REPORT("note");
}

void check_missing(const char *fmt, ...)
{
	missing++;
	REPORT("MISSING");
}

bool check_read_line(const char *path, char *buf, size_t len)
{
	FILE *f = fopen(path, "re");
	bool got;

	if (f == NULL)
		return false;
	got = fgets(buf, (int)len, f) != NULL;
	fclose(f);
	if (got)
		buf[strcspn(buf, "\n")] = '\0';
	return got;
}

bool check_read_field(const char *path, const char *name, int base, unsigned long long *value)
{
	FILE *f = fopen(path, "re");
	size_t len = strlen(name);
	char line[256];
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, len) != 0 || line[len] != ':')
			continue;
		*value = strtoull(line + len + 1, NULL, base);
		found = true;
	}
	fclose(f);
	return found;
}

bool check_capable(unsigned int cap)
{
	unsigned long long caps;

	return check_read_field("/proc/self/status", "CapEff", 16, &caps) && (caps >> cap & 1) != 0;
}

int cmd_check(int argc, char **argv)
{
	struct shim_config cfg;
	int first = flags_take(argc, argv, &cfg);

	if (first < 0)
		return EXIT_USAGE;
	if (first < argc) {
		complain("check takes no '%s'", argv[first]);
		return EXIT_USAGE;
	}
	check_machine(&cfg);
	check_ports(&cfg);
	check_addresses(&cfg);
	if (missing == 0) {
		printf("Nothing that is needed is missing.\n");
		return 0;
	}
	printf("%u thing%s missing.\n", missing, missing == 1 ? " is" : "s are");
	return 1;
}
