/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_ini.c - the INI file: lines NAME = VALUE, optionally below [shim].
 *
 *	# nginx on two ports
 *	[shim]
 *	spin-us = 50
 *	vdev    = net_af_packet0,iface=eth1
 *	addr    = 192.0.2.1/24
 *	[port inside]
 *	vdev    = net_af_packet1,iface=eth2
 *	addr    = 198.18.0.1/16
 *
 * Below [port NAME] is what concerns one port; the name is for the reader.  The first of them
 * is the second port, unless nothing outside of them is said of the first.
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

struct ini {
	struct shim_config *cfg;
	const char *path;
	unsigned int line;
	unsigned int seen[OPTION_COUNT]; /* in this section: where */
	unsigned int shim_seen[OPTION_COUNT]; /* in [shim], which may be gone on with */
	bool in_port;
	bool ports; /* there was a [port] */
	char *err;
	size_t errlen;
};

/* Has anything been said of the first port, so that the next is another? */
static bool first_is_used(const struct ini *in)
{
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].per_port && in->shim_seen[i] != 0)
			return true;
	return in->ports;
}

static int ini_section(struct ini *in, const char *line)
{
	size_t len = strlen(line);

	if (strcmp(line, "[shim]") == 0) {
		if (in->in_port)
			return ini_fail(in->err, in->errlen, in->path, in->line,
					"[shim] goes before the first [port]");
		return 0;
	}
	if (strncmp(line, "[port", 5) != 0 || line[len - 1] != ']' ||
	    (line[5] != ' ' && line[5] != '\t' && line[5] != ']'))
		return ini_fail(in->err, in->errlen, in->path, in->line,
				"section '%.40s': there are [shim] and [port NAME]", line);
	if (first_is_used(in)) {
		if (in->cfg->port + 1 == CONFIG_MAX_PORTS)
			return ini_fail(in->err, in->errlen, in->path, in->line, "more than %d ports",
					CONFIG_MAX_PORTS);
		in->cfg->port++;
	}
	in->in_port = in->ports = true;
	memset(in->seen, 0, sizeof(in->seen));
	return 0;
}

static int ini_line(struct ini *in, char *line)
{
	struct shim_config *cfg = in->cfg;
	const char *path = in->path;
	unsigned int number = in->line, *seen = in->in_port ? in->seen : in->shim_seen;
	char *err = in->err;
	size_t errlen = in->errlen;
	const struct option_row *row;
	char origin[CONFIG_STR_LEN + 64], *value, *name;

	line = trim(line);
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return 0;
	if (line[0] == '[')
		return ini_section(in, line);
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
	if (in->in_port && !row->per_port)
		return ini_fail(err, errlen, path, number, "%s is no option of a port: it goes below [shim]",
				row->name);
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
	struct ini in = { .cfg = cfg, .path = path, .err = err, .errlen = errlen };
	char *line = buf;
	ssize_t len;
	int r = 0;

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
	cfg->port = 0;
	while (line != NULL && r == 0) {
		char *next = strchr(line, '\n');

		if (next != NULL)
			*next++ = '\0';
		in.line++;
		r = ini_line(&in, line);
		line = next;
	}
	cfg->port = 0;
	return r;
}
