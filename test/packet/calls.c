/* SPDX-License-Identifier: BSD-3-Clause */
/* calls.c - the actor's calls on sockets.  The comment above each says its words and what it tells. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "test/packet/actor.h"

#define FD(c)	((int)call_int(c, 0))
#define MAX_LEN (32u << 20)

/* ADDRESS PORT; the address "-" is AF_UNSPEC.  0: words are missing, no address. */
static socklen_t address_of(const struct call *c, int i, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (i + 1 >= c->argc)
		return 0;
	if (strcmp(c->argv[i], "-") == 0)
		return sizeof(*in);
	if (strchr(c->argv[i], ':') != NULL) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)call_int(c, i + 1));
		return inet_pton(AF_INET6, c->argv[i], &in6->sin6_addr) == 1 ? sizeof(*in6) : 0;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)call_int(c, i + 1));
	return inet_pton(AF_INET, c->argv[i], &in->sin_addr) == 1 ? sizeof(*in) : 0;
}

static void tell_address(struct call *c, const struct sockaddr_storage *ss, socklen_t len)
{
	char text[INET6_ADDRSTRLEN] = "-";
	unsigned int port = 0;

	if (len >= sizeof(struct sockaddr_in) && ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)ss)->sin_addr, text, sizeof(text));
		port = ntohs(((const struct sockaddr_in *)ss)->sin_port);
	} else if (len >= sizeof(struct sockaddr_in6) && ss->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)ss)->sin6_addr, text,
			  sizeof(text));
		port = ntohs(((const struct sockaddr_in6 *)ss)->sin6_port);
	}
	call_tell(c, "%s %u", text, port);
}

/* Of what was received: length, a hash of all, and the first bytes. */
static void tell_data(struct call *c, const uint8_t *p, long len)
{
	uint32_t hash = 2166136261u;

	for (long i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 16777619u;
	if (len < 0)
		return;
	call_tell(c, "%08x", hash);
	call_tell_hex(c, p, len > 16 ? 16 : (size_t)len);
}

static uint8_t *buffer(long len)
{
	uint8_t *p = len >= 0 && len <= MAX_LEN ? calloc(1, (size_t)len + 1) : NULL;

	if (p == NULL)
		abort();
	return p;
}

/* Leave errno alone. */
static void drop(void *p)
{
	int err = errno;

	free(p);
	errno = err;
}

/* socket DOMAIN TYPE PROTOCOL; a stream gets the congestion control that ACTOR_CC names */
static long call_socket(struct call *c)
{
	int fd = socket((int)call_int(c, 0), (int)call_int(c, 1), (int)call_int(c, 2));
	const char *cc = getenv("ACTOR_CC");

	if (fd >= 0 && cc != NULL && (call_int(c, 1) & 15) == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc));
	pattern_reset(fd);
	return fd;
}

/* bind FD ADDRESS PORT */
static long call_bind(struct call *c)
{
	struct sockaddr_storage ss;
	socklen_t len = address_of(c, 1, &ss);

	return bind(FD(c), (struct sockaddr *)&ss, len);
}

static long call_connect(struct call *c)
{
	struct sockaddr_storage ss;
	socklen_t len = address_of(c, 1, &ss);

	return connect(FD(c), (struct sockaddr *)&ss, len);
}

static long call_listen(struct call *c)
{
	return listen(FD(c), (int)call_int(c, 1));
}

/* accept FD [FLAGS]: tells the peer's address */
static long call_accept(struct call *c)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = accept4(FD(c), (struct sockaddr *)&ss, &len, (int)call_int(c, 1));

	if (fd >= 0)
		tell_address(c, &ss, len);
	pattern_reset(fd);
	return fd;
}

static long name_of(struct call *c, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int r = get(FD(c), (struct sockaddr *)&ss, &len);

	if (r == 0)
		tell_address(c, &ss, len);
	return r;
}

static long call_getsockname(struct call *c)
{
	return name_of(c, getsockname);
}

static long call_getpeername(struct call *c)
{
	return name_of(c, getpeername);
}

/* send FD LENGTH [FLAGS [ADDRESS PORT]] */
static long call_send(struct call *c)
{
	struct sockaddr_storage ss;
	socklen_t slen = address_of(c, 3, &ss);
	long len = call_int(c, 1), r;
	uint8_t *p = buffer(len);

	pattern_fill(FD(c), p, (size_t)len);
	r = sendto(FD(c), p, (size_t)len, (int)call_int(c, 2), slen ? (struct sockaddr *)&ss : NULL,
		   slen);
	pattern_sent(FD(c), (size_t)len, r);
	drop(p);
	return r;
}

static long call_write(struct call *c)
{
	long len = call_int(c, 1), r;
	uint8_t *p = buffer(len);

	pattern_fill(FD(c), p, (size_t)len);
	r = write(FD(c), p, (size_t)len);
	pattern_sent(FD(c), (size_t)len, r);
	drop(p);
	return r;
}

/* sendhex FD BYTES [FLAGS [ADDRESS PORT]] */
static long call_sendhex(struct call *c)
{
	struct sockaddr_storage ss;
	socklen_t slen = address_of(c, 3, &ss);
	uint8_t data[2048];
	size_t len = unhex(c->argv[1], data, sizeof(data));

	return sendto(FD(c), data, len, (int)call_int(c, 2), slen ? (struct sockaddr *)&ss : NULL,
		      slen);
}

/* writev FD LENGTH... */
static long call_writev(struct call *c)
{
	struct iovec iov[ACTOR_MAX_WORDS];
	size_t total = 0;
	long r;

	for (int i = 1; i < c->argc; i++) {
		iov[i - 1].iov_len = (size_t)call_int(c, i);
		iov[i - 1].iov_base = buffer(call_int(c, i));
		pattern_fill(FD(c), iov[i - 1].iov_base, iov[i - 1].iov_len);
		total += iov[i - 1].iov_len;
	}
	r = writev(FD(c), iov, c->argc - 1);
	pattern_sent(FD(c), total, r);
	for (int i = 1; i < c->argc; i++)
		drop(iov[i - 1].iov_base);
	return r;
}

/* Control messages written LEVEL:TYPE:BYTES, from word i on. */
static size_t control_of(const struct call *c, int i, uint8_t *buf, size_t max)
{
	size_t used = 0;

	for (; i < c->argc; i++) {
		struct cmsghdr *h = (struct cmsghdr *)(buf + used);
		int level, type, at = 0;
		size_t len;

		if (sscanf(c->argv[i], "%d:%d:%n", &level, &type, &at) != 2 || used + 128 > max)
			break;
		len = unhex(c->argv[i] + at, CMSG_DATA(h), 64);
		h->cmsg_len = CMSG_LEN(len);
		h->cmsg_level = level;
		h->cmsg_type = type;
		used += CMSG_SPACE(len);
	}
	return used;
}

/* sendmsg FD LENGTH FLAGS ADDRESS PORT [LEVEL:TYPE:BYTES...]; the address "*" is none */
static long call_sendmsg(struct call *c)
{
	_Alignas(struct cmsghdr) uint8_t control[1024] = { 0 };
	struct sockaddr_storage ss;
	long len = call_int(c, 1), r;
	struct iovec iov = { .iov_base = buffer(len), .iov_len = (size_t)len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (c->argc > 4 && strcmp(c->argv[3], "*") != 0) {
		m.msg_namelen = address_of(c, 3, &ss);
		m.msg_name = &ss;
	}
	m.msg_controllen = control_of(c, 5, control, sizeof(control));
	m.msg_control = m.msg_controllen ? control : NULL;
	pattern_fill(FD(c), iov.iov_base, iov.iov_len);
	r = sendmsg(FD(c), &m, (int)call_int(c, 2));
	pattern_sent(FD(c), iov.iov_len, r);
	drop(iov.iov_base);
	return r;
}

/* recv FD LENGTH [FLAGS]: tells the data */
static long call_recv(struct call *c)
{
	uint8_t *p = buffer(call_int(c, 1));
	long r = recv(FD(c), p, (size_t)call_int(c, 1), (int)call_int(c, 2)), n = call_int(c, 1);

	tell_data(c, p, r < n ? r : n);
	drop(p);
	return r;
}

static long call_read(struct call *c)
{
	uint8_t *p = buffer(call_int(c, 1));
	long r = read(FD(c), p, (size_t)call_int(c, 1));

	tell_data(c, p, r);
	drop(p);
	return r;
}

/* readv FD LENGTH...: tells the data of all, as one */
static long call_readv(struct call *c)
{
	struct iovec iov[ACTOR_MAX_WORDS];
	uint8_t *all;
	long total = 0, r;

	for (int i = 1; i < c->argc; i++)
		total += call_int(c, i);
	all = buffer(total);
	total = 0;
	for (int i = 1; i < c->argc; i++) {
		iov[i - 1].iov_len = (size_t)call_int(c, i);
		iov[i - 1].iov_base = all + total;
		total += call_int(c, i);
	}
	r = readv(FD(c), iov, c->argc - 1);
	tell_data(c, all, r);
	drop(all);
	return r;
}

/* A time of day that a control message has: was it just now? */
static const char *age_of(const struct timespec *ts)
{
	struct timespec now;
	double age;

	if (ts->tv_sec == 0 && ts->tv_nsec == 0)
		return "none";
	clock_gettime(CLOCK_REALTIME, &now);
	age = (double)(now.tv_sec - ts->tv_sec) + (double)(now.tv_nsec - ts->tv_nsec) / 1e9;
	return age >= -0.001 && age < 5 ? "now" : "wrong";
}

/* Times differ from run to run, and only they do. */
static void tell_control(struct call *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		struct timespec ts[3];

		call_tell(c, "%d:%d", h->cmsg_level, h->cmsg_type);
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SO_TIMESTAMPING &&
		    h->cmsg_len == CMSG_LEN(sizeof(ts))) {
			memcpy(ts, CMSG_DATA(h), sizeof(ts));
			call_tell(c, "%s,%s,%s", age_of(&ts[0]), age_of(&ts[1]), age_of(&ts[2]));
		} else {
			call_tell_hex(c, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0));
		}
	}
}

/* recverr FD: an entry of the error queue, of whose data only the length is told */
static long call_recverr(struct call *c)
{
	_Alignas(struct cmsghdr) uint8_t control[1024] = { 0 };
	struct sockaddr_storage ss = { 0 };
	struct iovec iov = { .iov_base = buffer(65536), .iov_len = 65536 };
	struct msghdr m = { .msg_name = &ss, .msg_namelen = sizeof(ss), .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = sizeof(control) };
	long r = recvmsg(FD(c), &m, MSG_ERRQUEUE | MSG_DONTWAIT);

	if (r >= 0) {
		call_tell(c, "flags=%#x", (unsigned int)m.msg_flags);
		tell_address(c, &ss, m.msg_namelen);
		tell_control(c, &m);
	}
	drop(iov.iov_base);
	return r;
}

/* recvmsg FD LENGTH FLAGS CONTROL-ROOM: tells data, flags, address, and each control message */
static long call_recvmsg(struct call *c)
{
	_Alignas(struct cmsghdr) uint8_t control[1024] = { 0 };
	struct sockaddr_storage ss = { 0 };
	long len = call_int(c, 1), room = call_int(c, 3), r;
	struct iovec iov = { .iov_base = buffer(len), .iov_len = (size_t)len };
	struct msghdr m = {
		.msg_name = &ss, .msg_namelen = sizeof(ss), .msg_iov = &iov, .msg_iovlen = 1
	};

	m.msg_control = room > 0 ? control : NULL;
	m.msg_controllen = room > 1024 ? 1024 : (size_t)room;
	r = recvmsg(FD(c), &m, (int)call_int(c, 2));
	if (r >= 0) {
		tell_data(c, iov.iov_base, r < len ? r : len);
		call_tell(c, "flags=%#x", (unsigned int)m.msg_flags);
		tell_address(c, &ss, m.msg_namelen);
		tell_control(c, &m);
	}
	drop(iov.iov_base);
	return r;
}

static long call_shutdown(struct call *c)
{
	return shutdown(FD(c), (int)call_int(c, 1));
}

/* setsockopt FD LEVEL NAME NUMBER, or x and bytes */
static long call_setsockopt(struct call *c)
{
	int v = (int)call_int(c, 3), level = (int)call_int(c, 1), name = (int)call_int(c, 2);
	uint8_t data[512];

	if (c->argv[3][0] == 'x')
		return setsockopt(FD(c), level, name, data,
				  (socklen_t)unhex(c->argv[3] + 1, data, sizeof(data)));
	return setsockopt(FD(c), level, name, &v, sizeof(v));
}

/* getsockopt FD LEVEL NAME LENGTH: tells the length and the bytes */
static long call_getsockopt(struct call *c)
{
	socklen_t len = (socklen_t)call_int(c, 3);
	uint8_t data[1024] = { 0 };
	int r;

	if (len > sizeof(data))
		len = sizeof(data);
	r = getsockopt(FD(c), (int)call_int(c, 1), (int)call_int(c, 2), data, &len);
	if (r == 0) {
		call_tell(c, "%u", len);
		call_tell_hex(c, data, len);
	}
	return r;
}

/* ioctl FD REQUEST [NUMBER]: tells the number then */
static long call_ioctl(struct call *c)
{
	int v = (int)call_int(c, 2);
	int r = ioctl(FD(c), (unsigned long)call_int(c, 1), &v);

	if (r >= 0)
		call_tell(c, "%d", v);
	return r;
}

/* sendfile FD OFFSET LENGTH [FILE-SIZE]: of a patterned file; tells the offset then */
static long call_sendfile(struct call *c)
{
	long size = c->argc > 3 ? call_int(c, 3) : call_int(c, 1) + call_int(c, 2), r;
	int file = memfd_create("file", 0);
	off_t off = call_int(c, 1);
	uint8_t *p = buffer(size);

	pattern_fill(-1, p, (size_t)size);
	if (file < 0 || write(file, p, (size_t)size) != size)
		abort();
	free(p);
	r = sendfile(FD(c), file, &off, (size_t)call_int(c, 2));
	if (r >= 0)
		call_tell(c, "%ld", (long)off);
	size = errno;
	close(file);
	errno = (int)size;
	return r;
}

/* splice FD LENGTH FLAGS in|out: through a pipe of its own, which has the bytes already or gets them */
static long call_splice(struct call *c)
{
	bool in = strcmp(c->argv[3], "in") == 0;
	long len = call_int(c, 1), r;
	uint8_t *p = buffer(len);
	int pipefd[2], err;

	if (pipe(pipefd) != 0)
		abort();
	fcntl(pipefd[0], F_SETPIPE_SZ, 1 << 20);
	if (in) {
		r = splice(FD(c), NULL, pipefd[1], NULL, (size_t)len, (unsigned int)call_int(c, 2));
		err = errno;
		if (r > 0 && read(pipefd[0], p, (size_t)r) == r)
			tell_data(c, p, r);
	} else {
		pattern_fill(FD(c), p, (size_t)len);
		if (write(pipefd[1], p, (size_t)len) != len)
			abort();
		r = splice(pipefd[0], NULL, FD(c), NULL, (size_t)len, (unsigned int)call_int(c, 2));
		err = errno;
		pattern_sent(FD(c), (size_t)len, r);
	}
	free(p);
	close(pipefd[0]);
	close(pipefd[1]);
	errno = err;
	return r;
}

const struct actor_call socket_calls[] = {
	{ "socket", 3, call_socket },
	{ "bind", 3, call_bind },
	{ "connect", 1, call_connect },
	{ "listen", 2, call_listen },
	{ "accept", 1, call_accept },
	{ "getsockname", 1, call_getsockname },
	{ "getpeername", 1, call_getpeername },
	{ "send", 2, call_send },
	{ "write", 2, call_write },
	{ "sendhex", 2, call_sendhex },
	{ "writev", 2, call_writev },
	{ "sendmsg", 3, call_sendmsg },
	{ "recv", 2, call_recv },
	{ "read", 2, call_read },
	{ "readv", 2, call_readv },
	{ "recvmsg", 4, call_recvmsg },
	{ "recverr", 1, call_recverr },
	{ "shutdown", 2, call_shutdown },
	{ "setsockopt", 4, call_setsockopt },
	{ "getsockopt", 4, call_getsockopt },
	{ "ioctl", 2, call_ioctl },
	{ "sendfile", 3, call_sendfile },
	{ "splice", 4, call_splice },
	{ NULL, 0, NULL },
};
