/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.c - one line to stderr or the log file; never stdout, no heap, no stdio stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/fdtable.h"
#include "preload/real.h"

#define LOG_LINE 512

/* The file stays open, out of the program's way, so that it can still be written after a chroot. */
void log_open(void)
{
	const struct shim_config *cfg = engine_config();
	int fd, high;

	if (engine.log_fd < 0 && cfg->log_file[0] != '\0') {
		fd = real.open(cfg->log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return;
		high = fds_move_high(fd);
		engine.log_fd = high >= 0 ? high : fd;
	}
	if (engine.log_fd >= 0 && fdtable != NULL)
		fdtable_protect(engine.log_fd);
}

static int log_fd(void)
{
	if (engine.log_fd < 0)
		log_open();
	return engine.log_fd >= 0 ? engine.log_fd : STDERR_FILENO;
}

void shim_log(enum config_log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[LOG_LINE];
	int saved = errno, n, m, fd;
	va_list ap;

	if (level > engine_config()->log_level)
		return;
	fd = log_fd();
	/* A program may have put one of its sockets there. */
	if (fd == STDERR_FILENO && fdtable_is_ours(fd))
		return;
	n = snprintf(line, sizeof(line), "libshim[%d]: %s: ", (int)getpid(), names[level]);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	if (m > 0)
		n += m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	/* There is nobody to tell if this fails. */
	if (real.write(fd, line, (size_t)n) < 0)
		errno = 0;
	errno = saved;
}
