/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stdio.c - fdopen and dprintf on a descriptor of ours.
 *
 * libc's streams read and write by calls of their own that do not come by here.  So fdopen
 * makes a stream with functions of ours behind it (fopencookie(3)), whose number is set for
 * fileno(3), which otherwise has none for such streams.  freopen(3) on it is not supported.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "preload/call.h"
#include "preload/real.h"

static ssize_t stream_read(void *cookie, char *buf, size_t n)
{
	return read((int)(intptr_t)cookie, buf, n);
}

/* fopencookie(3): all of it, or 0 for an error. */
static ssize_t stream_write(void *cookie, const char *buf, size_t n)
{
	size_t done = 0;
	ssize_t r;

	while (done < n) {
		r = write((int)(intptr_t)cookie, buf + done, n - done);
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

static int stream_seek(void *cookie, off64_t *offset, int whence)
{
	(void)cookie;
	(void)offset;
	(void)whence;
	errno = ESPIPE;
	return -1;
}

static int stream_close(void *cookie)
{
	return close((int)(intptr_t)cookie);
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	static const cookie_io_functions_t functions = {
		.read = stream_read,
		.write = stream_write,
		.seek = stream_seek,
		.close = stream_close,
	};
	FILE *stream;

	if (!call_is_ours(fd) || fdtable_entry(fd) > FDT_SPECIAL)
		return real.fdopen(fd, mode);
	stream = fopencookie((void *)(intptr_t)fd, mode, functions);
	if (stream != NULL)
		stream->_fileno = fd;
	return stream;
}

EXPORT int vdprintf(int fd, const char *restrict fmt, va_list ap)
{
	char *text;
	int n;

	if (!call_is_ours(fd))
		return real.vdprintf(fd, fmt, ap);
	n = vasprintf(&text, fmt, ap);
	if (n < 0)
		return -1;
	if (stream_write((void *)(intptr_t)fd, text, (size_t)n) < n)
		n = -1;
	free(text);
	return n;
}

EXPORT int dprintf(int fd, const char *restrict fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vdprintf(fd, fmt, ap);
	va_end(ap);
	return n;
}

/* -D_FORTIFY_SOURCE.  Deviation: %n in a format in writable memory does not end the program. */
int __vdprintf_chk(int fd, int flag, const char *restrict fmt, va_list ap);
int __dprintf_chk(int fd, int flag, const char *restrict fmt, ...);

EXPORT int __vdprintf_chk(int fd, int flag, const char *restrict fmt, va_list ap)
{
	if (!call_is_ours(fd))
		return real.__vdprintf_chk(fd, flag, fmt, ap);
	return vdprintf(fd, fmt, ap);
}

EXPORT int __dprintf_chk(int fd, int flag, const char *restrict fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __vdprintf_chk(fd, flag, fmt, ap);
	va_end(ap);
	return n;
}
