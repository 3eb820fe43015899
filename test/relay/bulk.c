/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bulk - move bytes over TCP, check each one, say how fast.
 *
 * usage: bulk [-c ALGORITHM] [-n FLOWS] serve ADDRESS PORT
 *        bulk [-c ALGORITHM] [-n FLOWS] send|fetch ADDRESS PORT SECONDS MAX-MIB
 *
 * serve answers any number of clients at once.  The others move bytes to or from it, in each of
 * FLOWS connections (one thread each) until one of the limits is reached.
 *
 * The byte at position i is a function of i, so whatever is lost, repeated or moved is found.
 * Prints "goodput MBIT bytes N fairness J" where the receiving ends have seen everything, or why
 * not.  MBIT is the sum of the flows; J Jain's index of them: 1 if all got the same.
 *
 * Both sides set the same congestion control: the kernel's default here may be another.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	  65536
#define MAX_FLOWS 64

/* What the client asks of the server, in network byte order. */
struct request {
	uint32_t fetch; /* 1: send to me; 0: I send */
	uint32_t milliseconds;
	uint32_t max_mib;
};

/* One connection; its thread alone writes to it. */
struct flow {
	pthread_t thread;
	double mbit;
	uint64_t bytes;
	int err;
	unsigned char buf[CHUNK], want[CHUNK];
};

static const char *algorithm = "cubic";
static struct addrinfo *target;
static struct request request;

static int new_socket(void)
{
	int s = socket(target->ai_family, SOCK_STREAM, 0);

	if (s < 0)
		return -errno;
	if (setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, algorithm, (socklen_t)strlen(algorithm)) < 0)
		fprintf(stderr, "bulk: TCP_CONGESTION %s: %s\n", algorithm, strerror(errno));
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

/* Send until the time or the bytes are over, then FIN. */
static int send_bulk(struct flow *f, int s, const struct request *rq)
{
	double end = now_s() + ntohl(rq->milliseconds) / 1e3;
	uint64_t at = 0, max = (uint64_t)ntohl(rq->max_mib) << 20;
	int r = 0;

	while (r == 0 && at < max && now_s() < end) {
		fill(f->buf, at, CHUNK);
		r = write_all(s, f->buf, CHUNK);
		at += CHUNK;
	}
	shutdown(s, SHUT_WR);
	return r;
}

/* Receive to the end and check: f->bytes and f->mbit say what came. */
static int receive_bulk(struct flow *f, int s)
{
	double start = now_s();
	ssize_t n;

	f->bytes = 0;
	while ((n = recv(s, f->buf, CHUNK, 0)) > 0) {
		fill(f->want, f->bytes, (size_t)n);
		if (memcmp(f->buf, f->want, (size_t)n) != 0)
			return -EILSEQ;
		f->bytes += (uint64_t)n;
	}
	f->mbit = (double)f->bytes * 8 / (now_s() - start) / 1e6;
	return n < 0 ? -errno : 0;
}

/* -- the server --------------------------------------------------------------------------- */

static void serve_one(struct flow *f, int s)
{
	struct request rq;
	char line[100];
	int r;

	if (recv(s, &rq, sizeof(rq), MSG_WAITALL) != sizeof(rq))
		return;
	if (ntohl(rq.fetch) != 0) {
		send_bulk(f, s, &rq);
		recv(s, line, 1, 0); /* until the client has closed */
		return;
	}
	r = receive_bulk(f, s);
	if (r < 0)
		snprintf(line, sizeof(line), "error %s\n", strerror(-r));
	else
		snprintf(line, sizeof(line), "goodput %.3f bytes %" PRIu64 "\n", f->mbit, f->bytes);
	write_all(s, line, strlen(line));
}

static void *serve_thread(void *arg)
{
	struct flow *f = malloc(sizeof(*f));
	int s = (int)(intptr_t)arg;

	if (f != NULL)
		serve_one(f, s);
	free(f);
	close(s);
	return NULL;
}

static int serve(void)
{
	int l = new_socket(), one = 1, s;
	pthread_t t;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l, target->ai_addr, target->ai_addrlen) < 0 || listen(l, MAX_FLOWS) < 0) {
		perror("bulk: listen");
		return 1;
	}
	while ((s = accept(l, NULL, NULL)) >= 0) {
		if (pthread_create(&t, NULL, serve_thread, (void *)(intptr_t)s) != 0) {
			close(s);
			continue;
		}
		pthread_detach(t);
	}
	perror("bulk: accept");
	return 1;
}

/* -- the client --------------------------------------------------------------------------- */

/* What the server says of what it received. */
static int read_verdict(struct flow *f, int s)
{
	char line[200] = { 0 };

	if (recv(s, line, sizeof(line) - 1, MSG_WAITALL) < 0)
		return -errno;
	if (sscanf(line, "goodput %lf bytes %" SCNu64, &f->mbit, &f->bytes) == 2)
		return 0;
	fprintf(stderr, "bulk: the server: %s", line);
	return -EPROTO;
}

static int run_flow(struct flow *f)
{
	int s = new_socket(), r;

	if (s < 0)
		return s;
	if (connect(s, target->ai_addr, target->ai_addrlen) < 0)
		r = -errno;
	else
		r = write_all(s, &request, sizeof(request));
	if (r == 0 && ntohl(request.fetch) != 0) {
		r = receive_bulk(f, s);
	} else if (r == 0) {
		r = send_bulk(f, s, &request);
		if (r == 0)
			r = read_verdict(f, s);
	}
	close(s);
	return r;
}

static void *flow_thread(void *arg)
{
	struct flow *f = arg;

	f->err = run_flow(f);
	return NULL;
}

static int client(int n)
{
	static struct flow flows[MAX_FLOWS];
	double sum = 0, squares = 0;
	uint64_t bytes = 0;
	int i, bad = 0;

	for (i = 0; i < n; i++)
		if (pthread_create(&flows[i].thread, NULL, flow_thread, &flows[i]) != 0)
			return 1;
	for (i = 0; i < n; i++) {
		pthread_join(flows[i].thread, NULL);
		if (flows[i].err != 0)
			printf("error %s\n", strerror(-flows[i].err));
		bad |= flows[i].err != 0;
		sum += flows[i].mbit;
		squares += flows[i].mbit * flows[i].mbit;
		bytes += flows[i].bytes;
	}
	if (!bad)
		printf("goodput %.3f bytes %" PRIu64 " fairness %.3f\n", sum, bytes,
		       squares > 0 ? sum * sum / (n * squares) : 1);
	return bad;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: bulk [-c ALGORITHM] [-n FLOWS] serve ADDRESS PORT\n"
		"       bulk [-c ALGORITHM] [-n FLOWS] send|fetch ADDRESS PORT SECONDS MAX-MIB\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	int opt, flows = 1;

	signal(SIGPIPE, SIG_IGN);
	while ((opt = getopt(argc, argv, "c:n:")) != -1)
		switch (opt) {
		case 'c':
			algorithm = optarg;
			break;
		case 'n':
			flows = atoi(optarg);
			break;
		default:
			return usage();
		}
	argc -= optind;
	argv += optind;
	if (argc < 3 || flows < 1 || flows > MAX_FLOWS ||
	    getaddrinfo(argv[1], argv[2], &hints, &target) != 0)
		return usage();
	if (strcmp(argv[0], "serve") == 0)
		return serve();
	if (argc != 5)
		return usage();
	request.fetch = htonl(strcmp(argv[0], "fetch") == 0);
	request.milliseconds = htonl((uint32_t)(atof(argv[3]) * 1e3));
	request.max_mib = htonl((uint32_t)atoi(argv[4]));
	return client(flows);
}
