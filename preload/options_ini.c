/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_ini.c - the INI file: lines NAME = VALUE, optionally below [shim].
 *
 *	# nginx on the second port
 *	[shim]
 *	vdev    = net_af_packet0,iface=eth1
 *	addr    = 192.0.2.1/24
 *	spin-us = 50
 *
 * Lines that begin with # or ; are comments; there are no others, since a value may
 * contain either.  Blanks around names and values do not count.  A name twice, another
 * section, an unknown name: errors, with file and line.
 *
 * open(), read() and close() are in libshim.so the interposed ones, which pass
 * descriptors that are not the stack's on to libc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "preload/options.h"

#define INI_MAX_BYTES 65536

static int ini_fail(char *err, size_t errlen, const char *path, unsigned int line, const char *fmt,
		    ...) __attribute__((format(printf, 5, 6)));

static int ini_fail(char *err, size_t errlen, const char *path, unsigned int line, const char *fmt,
		    ...)
{
	va_list ap;
	int n = line != 0 ? snprintf(err, errlen, "%s:%u: ", path, line) :
			    snprintf(err, errlen, "%s: ", path);

	if (n >= 0 && (size_t)n < errlen) {
		va_start(ap, fmt);
		vsnprintf(err + n, errlen - (size_t)n, fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

/* The whole file and a NUL; its length or -errno (-EFBIG: longer than size - 1). */
static ssize_t read_file(const char *path, char *buf, size_t size)
{
	size_t have = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (have < size) {
		n = read(fd, buf + have, size - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	if (have == size)
		return -EFBIG;
	buf[have] = '\0';
	return (ssize_t)have;
}

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t\r");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r", end[-1]) != NULL)
		end--;
	*end = '\0';
	return s;
}

static int ini_line(struct shim_config *cfg, char *line, const char *path, unsigned int number,
		    unsigned int seen[OPTION_COUNT], char *err, size_t errlen)
{
	const struct option_row *row;
	char origin[CONFIG_STR_LEN + 64], *value, *name;

	line = trim(line);
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return 0;
	if (line[0] == '[') {
		if (strcmp(line, "[shim]") == 0)
			return 0;
		return ini_fail(err, errlen, path, number, "section '%.40s': there is only [shim]", line);
	}
	value = strchr(line, '=');
	if (value == NULL)
		return ini_fail(err, errlen, path, number, "'%.40s' is not NAME = VALUE", line);
	*value++ = '\0';
	name = trim(line);
	value = trim(value);
	row = option_find(name, strlen(name));
	if (row == NULL)
		return ini_fail(err, errlen, path, number,
				"'%.40s': there is no such option; `shim options` lists them", name);
	if (row == &option_table[OPTION_CONFIG])
		return ini_fail(err, errlen, path, number, "config: a file cannot name another");
	if (seen[row - option_table] != 0)
		return ini_fail(err, errlen, path, number, "%s is given again (first in line %u)",
				row->name, seen[row - option_table]);
	seen[row - option_table] = number;
	snprintf(origin, sizeof(origin), "%s:%u: %s", path, number, row->name);
	return option_set(cfg, row, value, origin, err, errlen);
}

int config_load_ini(struct shim_config *cfg, const char *path, char *err, size_t errlen)
{
	/* Not on the stack of whatever thread loads us; used once, before main(). */
	static char buf[INI_MAX_BYTES + 1];
	unsigned int seen[OPTION_COUNT] = { 0 }, number = 0;
	ssize_t len;
	char *line = buf;

	if (strlen(path) >= CONFIG_STR_LEN)
		return ini_fail(err, errlen, "SHIM_CONFIG", 0, "a file name of %zu characters is too long",
				strlen(path));
	len = read_file(path, buf, sizeof(buf));
	if (len == -EFBIG)
		return ini_fail(err, errlen, path, 0, "more than %d bytes: is this the right file?",
				INI_MAX_BYTES);
	if (len < 0)
		return ini_fail(err, errlen, path, 0, "cannot read the configuration: %s",
				strerror((int)-len));
	if (strlen(buf) != (size_t)len)
		return ini_fail(err, errlen, path, 0, "a NUL byte: is this a text file?");
	while (line != NULL) {
		char *next = strchr(line, '\n');
		int r;

		if (next != NULL)
			*next++ = '\0';
		r = ini_line(cfg, line, path, ++number, seen, err, errlen);
		if (r != 0)
			return r;
		line = next;
	}
	return 0;
}
