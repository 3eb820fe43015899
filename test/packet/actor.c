/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * actor.c - the program of the packet scripts: it makes the calls that it is told to make.
 *
 * It reads lines `ID THREAD NAME WORDS...` on stdin and answers each, when the call has
 * ended, with `ID RESULT ERRNO BEGIN END MORE...` on stdout; times are of CLOCK_REALTIME in ns, as
 * those of packets are.  Thread 0 is the one that reads; any other number is a thread of its own,
 * made at its first call, so that a call which blocks does not keep the others waiting.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test/packet/actor.h"

#define MAX_THREADS 32
#define MAX_LINE    65536

struct thread {
	pthread_t id;
	int feed[2]; /* a pipe with pointers to lines; 0: not made yet */
};

static struct thread threads[MAX_THREADS];
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t signals[65];
static uint64_t sent[ACTOR_MAX_FDS];

/* -- what calls.c needs ----------------------------------------------------------------------- */
long call_int(const struct call *c, int i)
{
	return i < c->argc ? strtol(c->argv[i], NULL, 0) : 0;
}

void call_tell(struct call *c, const char *fmt, ...)
{
	size_t room = sizeof(c->out) - c->outlen;
	va_list ap;
	int n;

	if (room < 2)
		return;
	c->out[c->outlen] = ' ';
	va_start(ap, fmt);
	n = vsnprintf(c->out + c->outlen + 1, room - 1, fmt, ap);
	va_end(ap);
	c->outlen += (size_t)n + 2 > room ? room - 1 : (size_t)n + 1;
}

void call_tell_hex(struct call *c, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	char text[2 * 1024 + 1];

	if (len > 1024)
		len = 1024;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	text[2 * len] = '\0';
	call_tell(c, "%s", len > 0 ? text : "-");
}

size_t unhex(const char *text, uint8_t *out, size_t max)
{
	unsigned int byte;
	size_t n = 0;

	while (n < max && sscanf(text + 2 * n, "%2x", &byte) == 1)
		out[n++] = (uint8_t)byte;
	return n;
}

void pattern_fill(int fd, uint8_t *p, size_t len)
{
	uint64_t at = fd >= 0 && fd < ACTOR_MAX_FDS ? sent[fd] : 0;

	for (size_t i = 0; i < len; i++, at++)
		p[i] = (uint8_t)(at * 131 + (at >> 8) * 7 + 3);
	pattern_sent(fd, 0, (long)len);
}

void pattern_sent(int fd, size_t len, long taken)
{
	if (fd >= 0 && fd < ACTOR_MAX_FDS)
		sent[fd] += (uint64_t)(taken > 0 ? taken : 0) - len;
}

void pattern_reset(int fd)
{
	if (fd >= 0 && fd < ACTOR_MAX_FDS)
		sent[fd] = 0;
}

/* -- calls about the actor itself ---------------------------------------------------------------- */
static void on_signal(int sig)
{
	signals[sig]++;
}

/* catch SIGNAL: how often it has come is what `caught` tells. */
static long call_catch(struct call *c)
{
	struct sigaction sa = { .sa_handler = on_signal };

	return sigaction((int)call_int(c, 0), &sa, NULL);
}

static long call_caught(struct call *c)
{
	return signals[call_int(c, 0) & 63];
}

/* signal THREAD SIGNAL */
static long call_signal(struct call *c)
{
	return pthread_kill(threads[call_int(c, 0)].id, (int)call_int(c, 1));
}

static const struct actor_call own_calls[] = {
	{ "catch", 1, call_catch },
	{ "caught", 1, call_caught },
	{ "signal", 2, call_signal },
	{ NULL, 0, NULL },
};

/* -- carrying out ---------------------------------------------------------------------------------- */
static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static const struct actor_call *find_call(const char *name)
{
	static const struct actor_call *const tables[] = { own_calls, socket_calls, wait_calls };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct actor_call *a = tables[i]; a->name != NULL; a++)
			if (strcmp(a->name, name) == 0)
				return a;
	return NULL;
}

/* Words: ID THREAD NAME ARGS...; those before ARGS were checked by whoever read the line. */
static void carry_out(char *line)
{
	char *words[ACTOR_MAX_WORDS], *save = NULL, answer[8192 + 128];
	static __thread struct call c;
	const struct actor_call *a;
	long long begin, end;
	long ret = -1;
	int n = 0, err, len;

	for (char *w = strtok_r(line, " \n", &save); w != NULL && n < ACTOR_MAX_WORDS;
	     w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	c.argc = n - 3;
	c.argv = words + 3;
	c.outlen = 0;
	c.out[0] = '\0';
	a = find_call(words[2]);
	begin = now_ns();
	errno = 0;
	if (a != NULL && c.argc >= a->min_args)
		ret = a->fn(&c);
	else
		errno = ENOSYS;
	err = ret < 0 ? errno : 0;
	end = now_ns();
	len = snprintf(answer, sizeof(answer), "%s %ld %d %lld %lld%s\n", words[0], ret, err, begin,
		       end, c.out);
	pthread_mutex_lock(&out_lock);
	if (write(STDOUT_FILENO, answer, (size_t)len) != len)
		_exit(2);
	pthread_mutex_unlock(&out_lock);
	free(line);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	char *line;

	while (read(t->feed[0], &line, sizeof(line)) == sizeof(line))
		carry_out(line);
	return NULL;
}

static void hand_over(unsigned long which, char *line)
{
	struct thread *t = &threads[which];

	if (which == 0) {
		carry_out(line);
		return;
	}
	if (t->feed[1] == 0 &&
	    (pipe(t->feed) != 0 || pthread_create(&t->id, NULL, thread_main, t) != 0))
		_exit(3);
	if (write(t->feed[1], &line, sizeof(line)) != sizeof(line))
		_exit(3);
}

int main(void)
{
	static char line[MAX_LINE];
	FILE *in = fdopen(dup(STDIN_FILENO), "r");
	unsigned long which;
	char name[32];

	signal(SIGPIPE, SIG_IGN);
	threads[0].id = pthread_self();
	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "%*s %lu %31s", &which, name) != 2 || which >= MAX_THREADS)
			return 1;
		if (strcmp(name, "exit") == 0)
			return 0;
		hand_over(which, strdup(line));
	}
	return 0;
}
