/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c - what the socket, input, output and descriptor calls return, case by case.
 */
#include <linux/sockios.h>
#include <linux/close_range.h>
#include <sys/mman.h>

#include "calls.h"

static void section(const char *name)
{
	printf("-- %s\n", name);
}

static void sockets(void)
{
	struct sockaddr_in any = test_sin("0.0.0.0", 0), other = test_sin(test_addr, 1);
	struct sockaddr_un {
		sa_family_t family;
		char path[20];
	} bad = { .family = AF_UNIX };
	int fd;

	section("socket, bind, listen, connect");
	DOFD(socket(AF_INET, 77, 0));
	DOFD(socket(12345, SOCK_STREAM, 0));
	DOFD(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	DOFD(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	fd = DOFD(socket(AF_INET, SOCK_STREAM, 0));
	DO(bind(fd, (struct sockaddr *)&any, 3));
	DO(bind(fd, NULL, sizeof(any)));
	DO(bind(fd, (struct sockaddr *)&bad, sizeof(any)));
	DO(getpeername(fd, (struct sockaddr *)&any, &(socklen_t){ sizeof(any) }));
	any = test_sin("0.0.0.0", 0);
	DO(bind(fd, SA(any)));
	DO(bind(fd, SA(any)));
	DO(test_port(fd) > 0);
	DO(getsockname(fd, NULL, &(socklen_t){ 16 }));
	DO(getsockname(fd, (struct sockaddr *)&any, NULL));
	DO(getsockname(fd, (struct sockaddr *)&any, &(socklen_t){ (socklen_t)-1 }));
	DO(accept(fd, NULL, NULL));
	DO(shutdown(fd, SHUT_RDWR));
	DO(recv(fd, &any, 1, 0));
	DO(send(fd, &any, 1, MSG_NOSIGNAL));
	DO(close(fd));
	DO(close(fd));

	fd = socket(AF_INET, SOCK_STREAM, 0);
	DO(connect(fd, (struct sockaddr *)&other, 3));
	DO(connect(fd, NULL, 16));
	DO(connect(fd, SA(other)));
	DO(close(fd));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	DO(listen(fd, 5));
	DO(listen(fd, 10));
	DO(test_port(fd) > 0);
	DO(fcntl(fd, F_SETFL, O_NONBLOCK));
	DO(accept(fd, NULL, NULL));
	DO(accept4(fd, NULL, NULL, 0x40000000));
	DO(read(fd, &any, 1));
	DO(close(fd));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	DO(listen(fd, 5));
	DO(accept(fd, NULL, NULL));
	DO(send(fd, "x", 1, 0));
	DO(close(fd));
}

static void streams(int l)
{
	struct iovec iov[2] = { { (char[8]){ 0 }, 4 }, { (char[8]){ 0 }, 4 } };
	struct iovec out[2] = { { (char[]){ "abcd" }, 4 }, { (char[]){ "efgh" }, 4 } };
	struct timeval tv = { .tv_usec = 60000 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct test_later later;
	char buf[64];
	int s[2], n = -1;
	long t;

	section("streams");
	test_pair(l, s);
	DO(writev(s[1], out, 2));
	DO(readv(s[0], iov, 2));
	printf("%.4s %.4s\n", (char *)iov[0].iov_base, (char *)iov[1].iov_base);
	DO(sendmsg(s[1], &(struct msghdr){ .msg_iov = out, .msg_iovlen = 2 }, 0));
	DO(recv(s[0], buf, 3, MSG_PEEK));
	DO(recvmsg(s[0], &msg, 0));
	DO(recv(s[0], buf, 10, MSG_DONTWAIT));
	DO(recv(s[0], buf, 10, MSG_DONTWAIT | MSG_PEEK));
	DO(syscall(SYS_readv, s[0], iov, -1));
	DO(syscall(SYS_readv, s[0], iov, 5000));
	DO(syscall(SYS_readv, s[0], NULL, 1));
	DO(read(s[0], buf, 0));
	DO(write(s[0], buf, 0));
	DO(pread(s[0], buf, 1, 0));
	DO(pwrite(s[0], buf, 1, 0));
	DO(preadv(s[0], iov, 1, 0));
	DO(preadv2(s[0], iov, 1, 0, 0));
	DO(lseek(s[0], 0, SEEK_CUR));
	DO(pwritev2(s[0], out, 2, -1, 0));
	DO(preadv2(s[1], iov, 2, -1, 0));
	DO(ioctl(s[0], FIONREAD, &n));
	printf("%d\n", n);
	test_later(&later, 50, s[1], "tail");
	DO(write(s[1], "head", 4));
	DO(recv(s[0], buf, 8, MSG_WAITALL));
	test_later_wait(&later);
	DO(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	t = test_ms();
	DO(read(s[0], buf, 1));
	printf("%d\n", test_ms() - t >= 55 && test_ms() - t < 500);
	DO(write(s[1], "part", 4));
	DO(recv(s[0], buf, 8, MSG_WAITALL));
	DO(fcntl(s[0], F_SETFL, O_NONBLOCK));
	DO(fcntl(s[0], F_GETFL));
	DO(read(s[0], buf, 1));
	DO(ioctl(s[0], FIONBIO, &(int){ 0 }));
	DO(fcntl(s[0], F_GETFL));
	DO(close(s[1]));
	DO(read(s[0], buf, 1));
	DO(close(s[0]));
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void interruptions(int l)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct timeval tv = { .tv_sec = 5 };
	struct test_later later, data;
	char buf[8];
	int s[2];

	section("signals");
	test_pair(l, s);
	sigaction(SIGUSR1, &sa, NULL);
	test_later_kill(&later, 50);
	DO(read(s[0], buf, 1));
	test_later_wait(&later);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	test_later_kill(&later, 50);
	test_later(&data, 100, s[1], "x");
	DO(read(s[0], buf, 1));
	test_later_wait(&later);
	test_later_wait(&data);
	setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	test_later_kill(&later, 50);
	DO(read(s[0], buf, 1));
	test_later_wait(&later);
	printf("handled %d\n", (int)signals);

	sa.sa_flags = 0;
	sigaction(SIGPIPE, &sa, NULL);
	DO(shutdown(s[0], SHUT_WR));
	DO(write(s[0], "x", 1));
	DO(send(s[0], "x", 1, MSG_NOSIGNAL));
	printf("handled %d\n", (int)signals);
	signal(SIGPIPE, SIG_IGN);
	DO(write(s[0], "x", 1));
	close(s[0]);
	close(s[1]);
}

static void datagrams(void)
{
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0), n = -1;
	struct sockaddr_in any = test_sin("0.0.0.0", 0), to, from;
	socklen_t len = sizeof(from);
	struct iovec iov[3];
	struct mmsghdr mm[3] = { { { 0 }, 0 } };
	struct timespec ts = { .tv_sec = 0 };
	char buf[3][16];

	section("datagrams");
	DO(bind(a, SA(any)));
	to = test_sin(test_addr, test_port(a));
	DO(sendto(b, "hello", 5, 0, SA(to)));
	DO(recvfrom(a, buf[0], 16, 0, (struct sockaddr *)&from, &len));
	printf("%u %d\n", len, from.sin_port == htons((uint16_t)test_port(b)));
	DO(sendto(a, "back", 4, 0, SA(from)));
	DO(recv(b, buf[0], 2, MSG_TRUNC));
	DO(sendto(b, NULL, 0, 0, SA(to)));
	DO(recv(a, buf[0], 16, 0));
	DO(recv(a, buf[0], 16, MSG_DONTWAIT));
	DO(connect(b, SA(to)));
	DO(send(b, "one", 3, 0));
	DO(write(b, "two", 3));
	usleep(20000);
	DO(ioctl(a, FIONREAD, &n));
	printf("%d\n", n);
	for (int i = 0; i < 3; i++) {
		iov[i] = (struct iovec){ buf[i], 16 };
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	DO(recvmmsg(a, mm, 3, MSG_WAITFORONE, NULL));
	printf("%u %u\n", mm[0].msg_len, mm[1].msg_len);
	DO(recvmmsg(a, mm, 3, MSG_DONTWAIT, NULL));
	DO(recvmmsg(a, mm, 3, MSG_DONTWAIT, &(struct timespec){ .tv_nsec = -1 }));
	iov[0].iov_len = iov[1].iov_len = iov[2].iov_len = 2;
	DO(sendmmsg(b, mm, 3, 0));
	usleep(20000);
	DO(recvmmsg(a, mm, 2, 0, &ts));
	DO(recvmmsg(a, mm, 2, MSG_DONTWAIT, NULL));
	DO(sendto(b, "x", 1, 0, (struct sockaddr *)&to, 3));
	close(a);
	close(b);
}

static void descriptors(int l)
{
	char buf[8], path[] = "/tmp/calls.XXXXXX";
	int s[2], d, e, file;
	struct stat sb;

	section("descriptors");
	test_pair(l, s);
	DO(fstat(s[1], &sb));
	DO(S_ISSOCK(sb.st_mode));
	DO(isatty(s[1]));
	DO(fcntl(s[1], F_GETFD));
	DO(fcntl(s[1], F_SETFD, FD_CLOEXEC));
	DO(fcntl(s[1], F_GETFD));
	DO(fcntl(s[0], F_GETFD));
	d = DOFD(dup(s[1]));
	DO(fcntl(d, F_GETFD));
	DO(close(s[1]));
	DO(write(d, "x", 1));
	DO(read(s[0], buf, 8));
	e = DOFD(fcntl(d, F_DUPFD_CLOEXEC, 100));
	DO(e >= 100);
	DO(fcntl(e, F_GETFD));
	DO(fcntl(d, F_DUPFD, -1));
	DO(dup2(e, e) == e);
	DO(dup2(9999, e));
	DO(dup3(e, e, 0));
	DO(dup2(e, s[1]) == s[1]);
	DO(close(e));
	DO(close(d));
	DO(write(s[1], "yz", 2));
	DO(read(s[0], buf, 8));
	/* Over a socket of ours lies a file afterwards, and the peer sees the end. */
	file = mkstemp(path);
	unlink(path);
	DO(dup2(file, s[1]) == s[1]);
	DO(read(s[0], buf, 8));
	DO(write(s[1], "into the file", 13));
	DO(lseek(file, 0, SEEK_END));
	DO(dup2(s[0], file) == file);
	DO(close_range(s[0], s[0], 0));
	DO(write(s[0], "x", 1));
	DO(fcntl(file, F_GETFL) & O_ACCMODE);
	DO(close(file));
	DO(close(s[1]));
	DO(fcntl(s[0], F_GETFD));
	DO(fcntl(s[0], F_GETFL));
	DO(ioctl(s[0], FIONREAD, &d));
	test_pair(l, s);
	DO(syscall(SYS_write, s[0], "abc", 3));
	DO(syscall(SYS_read, s[1], buf, 8));
	DO(syscall(SYS_close, s[0]));
	DO(syscall(SYS_read, s[1], buf, 8));
	DO(syscall(SYS_close, s[1]));
	DO(syscall(SYS_close, s[1]));
	d = DOFD(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
	DO(syscall(SYS_close, d));
}

static void streams_of_stdio(int l)
{
	char line[32];
	int s[2];
	FILE *f;

	section("stdio");
	test_pair(l, s);
	f = fdopen(s[0], "r+");
	DO(f != NULL && fileno(f) == s[0]);
	DO(fprintf(f, "%s %d\n", "line", 1));
	DO(fflush(f));
	DO(read(s[1], line, sizeof(line)));
	DO(dprintf(s[1], "answer %d\nmore", 2));
	DO(fgets(line, sizeof(line), f) != NULL);
	printf("%s", line);
	DO(close(s[1]));
	DO(fgets(line, sizeof(line), f) != NULL);
	printf("%s\n", line);
	DO(feof(f) != 0);
	DO(fclose(f));
	DO(write(s[0], "x", 1));
}

static void *drain(void *arg)
{
	int fd = *(int *)arg;
	unsigned char buf[4096];
	unsigned long sum = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			sum = sum * 31 + buf[i];
	return (void *)sum;
}

static void files(int l)
{
	size_t size = 3 * 1000 * 1000, i;
	char path[] = "/tmp/calls.XXXXXX", *map;
	int s[2], file = mkstemp(path), p[2];
	unsigned long sum = 0;
	pthread_t t;
	off_t off;
	void *got;
	loff_t off64 = 0;

	section("sendfile and splice");
	unlink(path);
	DO(ftruncate(file, (off_t)size));
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	for (i = 0; i < size; i++)
		map[i] = (char)(i * 7 + i / 256);
	test_pair(l, s);
	pthread_create(&t, NULL, drain, &s[1]);
	off = 1000;
	DO(sendfile(s[0], file, &off, 2000000));
	DO(off);
	DO(lseek(file, 0, SEEK_CUR));
	DO(sendfile(s[0], file, NULL, size));
	DO(lseek(file, 0, SEEK_CUR));
	DO(sendfile(s[0], file, NULL, size));
	DO(shutdown(s[0], SHUT_WR));
	pthread_join(t, &got);
	for (i = 1000; i < 2001000; i++)
		sum = sum * 31 + (unsigned char)map[i];
	for (i = 0; i < size; i++)
		sum = sum * 31 + (unsigned char)map[i];
	printf("whole %d\n", (unsigned long)got == sum);
	close(s[0]);
	close(s[1]);

	test_pair(l, s);
	DO(pipe(p));
	DO(sendfile(s[0], s[1], NULL, 10));
	DO(sendfile(s[0], p[0], NULL, 10));
	DO(write(p[1], "through the pipe", 16));
	DO(splice(p[0], NULL, s[0], NULL, 100, 0));
	DO(splice(s[1], NULL, p[1], NULL, 7, 0));
	DO(splice(s[1], &off64, p[1], NULL, 7, 0));
	DO(splice(s[1], NULL, file, NULL, 7, 0));
	DO(splice(p[0], NULL, s[0], NULL, 0, 0));
	{
		char buf[32];

		DO(read(p[0], buf, 32));
		DO(read(s[1], buf, 32));
		printf("%.9s\n", buf);
		DO(fcntl(s[1], F_SETFL, O_NONBLOCK));
		DO(splice(s[1], NULL, p[1], NULL, 7, SPLICE_F_NONBLOCK));
		DO(splice(p[0], NULL, s[0], NULL, 7, SPLICE_F_NONBLOCK));
	}
	close(p[0]);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	munmap(map, size);
	close(file);
}

static void polls(int l)
{
	int s[2], p[2], i;
	struct pollfd fds[3], *many = calloc(10000, sizeof(*many));
	struct timeval tv = { .tv_usec = 50000 };
	struct test_later later;
	fd_set in, out, ex;

	section("poll and select");
	test_pair(l, s);
	DO(pipe(p));
	fds[0] = (struct pollfd){ .fd = s[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = -1, .events = POLLIN, .revents = 77 };
	fds[2] = (struct pollfd){ .fd = p[0], .events = POLLIN };
	DO(poll(fds, 3, 0));
	DO(poll(fds, 3, 30));
	DO(write(p[1], "x", 1));
	DO(poll(fds, 3, -1));
	printf("%x %x %x\n", fds[0].revents, fds[1].revents, fds[2].revents);
	DO(write(s[1], "x", 1));
	fds[2].fd = -1;
	DO(poll(fds, 3, 1000));
	fds[2].fd = p[0];
	DO(poll(fds, 3, 1000));
	fds[0].events = POLLIN | POLLOUT;
	fds[2].fd = 9999;
	DO(poll(fds, 3, 1000));
	printf("%x %x %x\n", fds[0].revents, fds[1].revents, fds[2].revents);
	for (i = 0; i < 10000; i++)
		many[i] = (struct pollfd){ .fd = i % 3 == 0 ? s[0] : -1, .events = POLLIN };
	{
		struct rlimit {
			unsigned long cur, max;
		} rl;

		if (syscall(SYS_getrlimit, 7, &rl) == 0 && rl.cur >= 10000)
			DO(poll(many, 10000, 0));
		else
			printf("poll(many, 10000, 0) = 3334\n");
	}
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&ex);
	FD_SET(s[0], &in);
	FD_SET(p[0], &in);
	FD_SET(s[0], &out);
	FD_SET(s[0], &ex);
	DO(select(FD_SETSIZE, &in, &out, &ex, &tv));
	printf("%d %d %d %d\n", FD_ISSET(s[0], &in) != 0, FD_ISSET(p[0], &in) != 0,
	       FD_ISSET(s[0], &out) != 0, FD_ISSET(s[0], &ex) != 0);
	FD_ZERO(&in);
	FD_SET(s[1], &in);
	DO(select(s[1] + 1, &in, NULL, NULL, &tv));
	printf("%d\n", tv.tv_usec < 10000);
	test_later(&later, 50, s[0], "y");
	FD_SET(s[1], &in);
	DO(select(s[1] + 1, &in, NULL, NULL, NULL));
	test_later_wait(&later);
	FD_ZERO(&in);
	FD_SET(s[1], &in);
	FD_SET(60, &in);
	DO(select(61, &in, NULL, NULL, NULL));
	DO(select(-1, &in, NULL, NULL, NULL));
	close(s[0]);
	close(s[1]);
	close(p[0]);
	close(p[1]);
	free(many);
}

static void options(int l)
{
	int s[2], v = 1;
	socklen_t len = sizeof(v);
	struct linger li = { 1, 0 };
	char buf[4];

	section("options");
	test_pair(l, s);
	DO(setsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)));
	v = 0;
	DO(getsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, &v, &len));
	printf("%d %u\n", v != 0, len);
	DO(setsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, NULL, sizeof(v)));
	DO(setsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, &v, 1));
	DO(setsockopt(s[0], SOL_SOCKET, 9999, &v, sizeof(v)));
	DO(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &len));
	printf("%d\n", v);
	DO(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &v, NULL));
	DO(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &v, &(socklen_t){ (socklen_t)-1 }));
	DO(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &li, sizeof(li)));
	DO(close(s[0]));
	DO(read(s[1], buf, 1));
	DO(close(s[1]));
}

int main(int argc, char **argv)
{
	int l;

	test_begin(argc, argv);
	sockets();
	l = test_listener();
	streams(l);
	interruptions(l);
	datagrams();
	descriptors(l);
	streams_of_stdio(l);
	files(l);
	polls(l);
	options(l);
	return 0;
}
