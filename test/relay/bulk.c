/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bulk - move bytes over TCP, check each one, say how fast.
 *
 * usage: bulk serve ADDRESS PORT                   answers one client after the other
 *        bulk send|fetch ADDRESS PORT SECONDS MAX  to or from it, until one limit is reached
 *
 * The byte at position i is a function of i, so whatever is lost, repeated or moved is found.
 * Prints "goodput MBIT bytes N" where the receiving end has seen everything, or why not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536

/* What the client asks of the server, in network byte order. */
struct request {
	uint32_t fetch; /* 1: send to me; 0: I send */
	uint32_t milliseconds;
	uint32_t max_mib;
};

static unsigned char buf[CHUNK], want[CHUNK];

/* The same algorithm on every stack and side: the kernel's default here may be another. */
static int new_socket(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) < 0)
		perror("bulk: TCP_CONGESTION cubic");
	return s;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void fill(unsigned char *p, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++, at++)
		p[i] = (unsigned char)(at * 131 + (at >> 8) * 7 + (at >> 16));
}

static int write_all(int s, const void *p, size_t n)
{
	const char *c = p;

	while (n > 0) {
		ssize_t r = send(s, c, n, MSG_NOSIGNAL);

		if (r < 0)
			return -errno;
		c += r;
		n -= (size_t)r;
	}
	return 0;
}

/* Send until the time or the bytes are over, then FIN; wait for the other end's verdict. */
static int send_bulk(int s, double seconds, uint64_t max)
{
	double end = now_s() + seconds;
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && at < max && now_s() < end) {
		fill(buf, at, CHUNK);
		r = write_all(s, buf, CHUNK);
		at += CHUNK;
	}
	shutdown(s, SHUT_WR);
	return r;
}

/* Receive to the end and check; *bytes and *seconds say what came. */
static int receive_bulk(int s, uint64_t *bytes, double *seconds)
{
	double start = now_s();
	uint64_t at = 0;
	ssize_t n;

	while ((n = recv(s, buf, CHUNK, 0)) > 0) {
		fill(want, at, (size_t)n);
		if (memcmp(buf, want, (size_t)n) != 0)
			return -EILSEQ;
		at += (uint64_t)n;
	}
	*bytes = at;
	*seconds = now_s() - start;
	return n < 0 ? -errno : 0;
}

static void serve_one(int s)
{
	struct request rq;
	char line[100];
	double seconds;
	uint64_t bytes;
	int r;

	if (recv(s, &rq, sizeof(rq), MSG_WAITALL) != sizeof(rq))
		return;
	if (ntohl(rq.fetch) != 0) {
		send_bulk(s, ntohl(rq.milliseconds) / 1e3, (uint64_t)ntohl(rq.max_mib) << 20);
		recv(s, line, 1, 0); /* until the client has closed */
		return;
	}
	r = receive_bulk(s, &bytes, &seconds);
	if (r < 0)
		snprintf(line, sizeof(line), "error %s\n", strerror(-r));
	else
		snprintf(line, sizeof(line), "goodput %.3f bytes %" PRIu64 "\n",
			 (double)bytes * 8 / seconds / 1e6, bytes);
	write_all(s, line, strlen(line));
}

static int serve(const struct sockaddr_in *sin)
{
	int l = new_socket(), one = 1, s;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l, (const struct sockaddr *)sin, sizeof(*sin)) < 0 || listen(l, 8) < 0) {
		perror("bulk: listen");
		return 1;
	}
	while ((s = accept(l, NULL, NULL)) >= 0) {
		serve_one(s);
		close(s);
	}
	perror("bulk: accept");
	return 1;
}

static int client(const struct sockaddr_in *sin, int fetch, double seconds, uint32_t max_mib)
{
	struct request rq = { htonl((uint32_t)fetch), htonl((uint32_t)(seconds * 1e3)), htonl(max_mib) };
	int s = new_socket(), r;
	char line[200] = { 0 };
	uint64_t bytes = 0;
	double took = 1;

	if (connect(s, (const struct sockaddr *)sin, sizeof(*sin)) < 0) {
		perror("bulk: connect");
		return 1;
	}
	r = write_all(s, &rq, sizeof(rq));
	if (r == 0 && fetch) {
		r = receive_bulk(s, &bytes, &took);
		snprintf(line, sizeof(line), "goodput %.3f bytes %" PRIu64 "\n",
			 (double)bytes * 8 / took / 1e6, bytes);
	} else if (r == 0) {
		r = send_bulk(s, seconds, (uint64_t)max_mib << 20);
		if (r == 0 && recv(s, line, sizeof(line) - 1, MSG_WAITALL) <= 0)
			r = -errno;
	}
	if (r < 0)
		snprintf(line, sizeof(line), "error %s\n", strerror(-r));
	fputs(line, stdout);
	close(s);
	return strncmp(line, "goodput", 7) != 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	signal(SIGPIPE, SIG_IGN);
	if (argc >= 4 && inet_pton(AF_INET, argv[2], &sin.sin_addr) == 1) {
		sin.sin_port = htons((uint16_t)atoi(argv[3]));
		if (strcmp(argv[1], "serve") == 0)
			return serve(&sin);
		if (argc == 6)
			return client(&sin, strcmp(argv[1], "fetch") == 0, atof(argv[4]),
				      (uint32_t)atoi(argv[5]));
	}
	fprintf(stderr, "usage: bulk serve ADDRESS PORT | bulk send|fetch ADDRESS PORT SECONDS MAX-MIB\n");
	return 2;
}
