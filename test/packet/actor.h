/* SPDX-License-Identifier: BSD-3-Clause */
/* actor.h - one call of a script: its words, and what is told of it besides its result. */
#ifndef TEST_PACKET_ACTOR_H
#define TEST_PACKET_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ACTOR_MAX_WORDS 64
#define ACTOR_MAX_FDS	4096

struct call {
	int argc; /* words after the name */
	char **argv;
	char out[8192];
	size_t outlen;
};

struct actor_call {
	const char *name;
	int min_args;
	long (*fn)(struct call *c);
};

/* calls.c: sockets; calls_wait.c: waiting and files. Both end with a NULL name. */
extern const struct actor_call socket_calls[], wait_calls[];

/* A number in any base of C; 0 for a word that is not there. */
long call_int(const struct call *c, int i);
/* Append a word, a blank before it, to what is told. */
void call_tell(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void call_tell_hex(struct call *c, const void *data, size_t len);
/* Bytes written as hex; returns how many, at most max. */
size_t unhex(const char *text, uint8_t *out, size_t max);

/* What an fd sends is patterned by how much it has sent. */
void pattern_fill(int fd, uint8_t *p, size_t len);
/* Undo for what was not taken of len filled bytes. */
void pattern_sent(int fd, size_t len, long taken);
void pattern_reset(int fd);

#endif
