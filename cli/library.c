/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * library.c - where libshim.so is, and how a program gets it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#ifndef SHIM_LIBDIR
#define SHIM_LIBDIR "/usr/local/lib"
#endif

bool library_find(char path[PATH_MAX])
{
	static const char *const places[] = { "", "/../lib", "/../lib/x86_64-linux-gnu", "/../lib64" };
	char self[PATH_MAX / 2], try[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(try, sizeof(try), "%s%s/libshim.so", self, places[i]);
		if (access(try, R_OK) == 0 && realpath(try, path) != NULL)
			return true;
	}
	if (access(SHIM_LIBDIR "/libshim.so", R_OK) == 0) {
		strcpy(path, SHIM_LIBDIR "/libshim.so");
		return true;
	}
	snprintf(path, PATH_MAX, "%s/libshim.so", self);
	return false;
}

int library_preload(const char *path)
{
	const char *before = getenv("LD_PRELOAD");
	char *value;
	int r;

	/* ld.so(8): the names in LD_PRELOAD are separated by spaces or colons, with no escaping. */
	if (strpbrk(path, " :") != NULL) {
		complain("'%s': LD_PRELOAD cannot name a file whose path has a space or a colon", path);
		return -EINVAL;
	}
	if (before == NULL || before[0] == '\0')
		r = setenv("LD_PRELOAD", path, 1);
	else if (asprintf(&value, "%s:%s", path, before) < 0)
		r = -1;
	else
		r = setenv("LD_PRELOAD", value, 1);
	if (r == 0)
		return 0;
	complain("LD_PRELOAD: %s", strerror(errno));
	return -errno;
}
