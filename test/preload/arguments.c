/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arguments.c - calls with arguments that are wrong, odd or at a limit, and calls in states
 * that do not allow them.
 */
#include <sys/mman.h>

#include "calls.h"

static void *bad;		/* a page that may not be touched */
static volatile int minus = -1; /* which the compiler does not see */

static void section(const char *name)
{
	printf("-- %s\n", name);
}

static void making(void)
{
	static const int families[] = { 0, AF_INET, AF_INET6, AF_UNIX, 46, 1000, -1 };
	static const int types[] = { 0,	       SOCK_STREAM, SOCK_DGRAM,
				     SOCK_RAW, SOCK_RDM,    SOCK_SEQPACKET,
				     11,       99,	    -1 };
	static const int protocols[] = {
		0,	     IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6,
		IPPROTO_RAW, 255,	  256,	       300,	     -1
	};
	static const int flags[] = { SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC,
				     0x100, 0x40000 };
	int fd, fds[2];

	section("socket");
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++)
		for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
			for (size_t p = 0; p < sizeof(protocols) / sizeof(protocols[0]); p++) {
				errno = 0;
				fd = socket(families[f], types[t], protocols[p]);
				printf("socket(%d, %d, %d): %s\n", families[f], types[t],
				       protocols[p], fd >= 0 ? "made" : strerrorname_np(errno));
				if (fd >= 0)
					close(fd);
			}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		fd = socket(AF_INET, SOCK_STREAM | flags[i], 0);
		printf("flags %x: %s %x %x\n", flags[i], fd >= 0 ? "made" : strerrorname_np(errno),
		       fd >= 0 ? fcntl(fd, F_GETFL) : 0, fd >= 0 ? fcntl(fd, F_GETFD) : 0);
		if (fd >= 0)
			close(fd);
	}
	DO(socketpair(AF_INET, SOCK_STREAM, 0, fds));
	DO(socketpair(AF_INET, SOCK_DGRAM, 0, fds));
	DO(socketpair(AF_INET6, SOCK_STREAM, 0, fds));
	DO(socketpair(AF_INET, SOCK_RAW, 0, fds));
	DO(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)bad));
	DO(socketpair(AF_INET, 75, 0, fds));
}

static void naming(void)
{
	struct sockaddr_in any = test_sin("0.0.0.0", 0), mine = test_sin(test_addr, 0), other;
	struct sockaddr_in foreign = test_sin("203.0.113.9", 0);
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT };
	struct sockaddr_storage ss = { 0 };
	int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0), u, v, one = 1;

	section("bind");
	DO(bind(a, (struct sockaddr *)&any, 0));
	DO(bind(a, (struct sockaddr *)&any, -1));
	DO(bind(a, (struct sockaddr *)&ss, sizeof(ss) + 1));
	DO(bind(a, bad, sizeof(any)));
	DO(bind(a, SA(six)));
	DO(bind(a, SA(foreign)));
	DO(bind(a, SA(mine)));
	DO(bind(a, SA(mine)));
	mine.sin_port = htons((uint16_t)test_port(a));
	any.sin_port = mine.sin_port;
	/* In use: by the same address, by all of them, and shared by a word of both. */
	DO(bind(b, SA(mine)));
	DO(bind(b, SA(any)));
	DO(setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	DO(bind(b, SA(mine)));
	DO(setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	DO(bind(b, SA(mine)));
	DO(listen(a, 5));
	DO(listen(b, 5));
	close(b);
	u = socket(AF_INET, SOCK_DGRAM, 0);
	v = socket(AF_INET, SOCK_DGRAM, 0);
	DO(bind(u, SA(mine)));
	DO(bind(v, SA(mine)));
	DO(setsockopt(u, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	DO(setsockopt(v, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	DO(bind(v, SA(mine)));
	close(v);
	v = socket(AF_INET6, SOCK_DGRAM, 0);
	six.sin6_port = mine.sin_port;
	DO(bind(v, SA(six)));
	DO(setsockopt(v, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	DO(bind(v, SA(six)));
	DO(bind(v, (struct sockaddr *)&six, 24));
	DO(bind(v, (struct sockaddr *)&six, 23));
	close(u);
	close(v);
	other = test_sin(test_addr, 0);
	other.sin_family = AF_UNSPEC;
	u = socket(AF_INET, SOCK_DGRAM, 0);
	DO(bind(u, SA(other)));
	other.sin_addr.s_addr = INADDR_ANY;
	DO(bind(u, SA(other)));
	close(u);
	close(a);
}

/* Ports below 1024 are root's. */
static void privileged(void)
{
	struct sockaddr_in low = test_sin(test_addr, 81);
	int status;
	pid_t pid;

	section("privileged ports");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);

		DO(setresuid(33, 33, 33));
		DO(bind(s, SA(low)));
		DO(bind(u, SA(low)));
		DOFD(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
		DO(setsockopt(s, SOL_SOCKET, SO_PRIORITY, &(int){ 7 }, sizeof(int)));
		DO(setsockopt(s, SOL_SOCKET, SO_PRIORITY, &(int){ 6 }, sizeof(int)));
		DO(setsockopt(s, SOL_SOCKET, SO_MARK, &(int){ 1 }, sizeof(int)));
		DO(setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &(int){ 100000 }, sizeof(int)));
		DO(setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &(int){ 100000 }, sizeof(int)));
		DO(setsockopt(s, SOL_SOCKET, SO_BUSY_POLL, &(int){ 100 }, sizeof(int)));
		DO(setsockopt(s, IPPROTO_IP, IP_TRANSPARENT, &(int){ 1 }, sizeof(int)));
		DO(setsockopt(s, IPPROTO_IP, IP_FREEBIND, &(int){ 1 }, sizeof(int)));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("child %d\n", WEXITSTATUS(status));
}

static void listening(void)
{
	struct sockaddr_in to, from = test_sin("0.0.0.0", 0);
	socklen_t len = sizeof(from);
	int l = socket(AF_INET, SOCK_STREAM, 0), c, d, u = socket(AF_INET, SOCK_DGRAM, 0);

	section("listen and accept");
	DO(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)));
	/* A port that was asked for: one that was given is another after shutdown(2). */
	DO(bind(u, SA(from)));
	from.sin_port = htons((uint16_t)test_port(u));
	DO(bind(l, SA(from)));
	DO(listen(l, 0));
	DO(listen(l, -1));
	DO(listen(l, 1));
	DO(listen(l, 1000000));
	to = test_sin(test_addr, test_port(l));
	DO(connect(l, SA(to)));
	DO(shutdown(l, 7));
	DO(shutdown(l, -1));
	DO(send(l, "x", 1, MSG_NOSIGNAL));
	DO(recv(l, &len, 1, 0));
	c = test_connect(l);
	DO(listen(c, 5));
	DO(connect(c, SA(to)));
	DO(accept(c, NULL, NULL));
	DO(accept4(l, NULL, NULL, 1));
	DO(accept4(l, NULL, NULL, SOCK_NONBLOCK | 1));
	/* What goes wrong with the address loses the connection, as in Linux. */
	DO(accept(l, (struct sockaddr *)&from, bad));
	close(c);
	c = test_connect(l);
	DO(accept(l, (struct sockaddr *)&from, &(socklen_t){ (socklen_t)-1 }));
	close(c);
	c = test_connect(l);
	DO(accept(l, bad, &len));
	close(c);
	c = test_connect(l);
	len = 4;
	d = DOFD(accept4(l, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC));
	printf("%u %x %x\n", len, fcntl(d, F_GETFL), fcntl(d, F_GETFD));
	DO(shutdown(d, SHUT_RD));
	DO(shutdown(d, SHUT_WR));
	DO(shutdown(d, SHUT_WR));
	DO(recv(c, &len, 1, 0));
	close(d);
	close(c);
	DO(shutdown(l, SHUT_RDWR));
	DO(accept(l, NULL, NULL));
	DO(listen(l, 5));
	c = test_connect(l);
	DOFD(accept(l, NULL, NULL));
	close(c);
	close(l);
	DO(listen(u, 1));
	DO(shutdown(u, SHUT_RDWR));
	close(u);
}

static void connecting(int l)
{
	struct sockaddr_in to = test_sin(test_addr, test_port(l)),
			   none = { .sin_family = AF_UNSPEC };
	struct sockaddr_in any = test_sin("0.0.0.0", test_port(l));
	int s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0), c;

	section("connect");
	DO(connect(s, (struct sockaddr *)&to, -1));
	DO(connect(s, (struct sockaddr *)&to, 0));
	DO(connect(s, bad, sizeof(to)));
	to.sin_family = AF_INET6;
	DO(connect(s, SA(to)));
	to.sin_family = 99;
	DO(connect(s, SA(to)));
	to.sin_family = AF_INET;
	DO(connect(s, SA(none)));
	DO(connect(s, (struct sockaddr *)&none, 2));
	DO(connect(s, (struct sockaddr *)&none, 1));
	DO(connect(s, SA(to)));
	c = accept(l, NULL, NULL);
	DO(connect(s, SA(to)));
	DO(connect(s, SA(none)));
	DO(recv(c, &any, 1, 0));
	close(c);
	DO(connect(s, SA(to)));
	c = accept(l, NULL, NULL);
	close(c);
	close(s);
	DO(connect(u, SA(none)));
	DO(connect(u, SA(to)));
	DO(getpeername(u, (struct sockaddr *)&any, &(socklen_t){ sizeof(any) }));
	DO(connect(u, SA(none)));
	DO(getpeername(u, (struct sockaddr *)&any, &(socklen_t){ sizeof(any) }));
	close(u);
}

/* Not zero, and nowhere: EFAULT from every call that looks. */
static void nowhere(int l)
{
	struct mmsghdr mm = { .msg_hdr = { .msg_iov = bad, .msg_iovlen = 1 } };
	struct iovec iov = { &mm, 4 };
	struct msghdr name = {
		.msg_name = bad, .msg_namelen = 16, .msg_iov = &iov, .msg_iovlen = 1
	};
	struct msghdr control = {
		.msg_control = bad, .msg_controllen = 64, .msg_iov = &iov, .msg_iovlen = 1
	};
	struct epoll_event ev = { .events = EPOLLIN };
	struct timeval tv = { 0, 0 };
	int s[2], ep = epoll_create1(0);
	socklen_t len = 16;
	fd_set set;

	section("pointers that lead nowhere");
	test_pair(l, s);
	DO(getsockname(s[0], bad, &len));
	DO(getsockname(s[0], (struct sockaddr *)&mm, bad));
	DO(getpeername(s[0], bad, &len));
	DO(getpeername(s[0], (struct sockaddr *)&mm, bad));
	DO(getsockopt(s[0], SOL_SOCKET, SO_TYPE, bad, &len));
	DO(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &mm, bad));
	DO(setsockopt(s[0], SOL_SOCKET, SO_LINGER, bad, 8));
	DO(getsockopt(s[0], IPPROTO_TCP, TCP_INFO, bad, &(socklen_t){ 200 }));
	DO(setsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, bad, 5));
	DO(send(s[0], bad, 1, MSG_DONTWAIT));
	DO(sendmmsg(s[0], bad, 1, MSG_DONTWAIT));
	DO(sendmmsg(s[0], &mm, 1, MSG_DONTWAIT));
	DO(sendmsg(s[0], &control, MSG_DONTWAIT));
	DO(sendmsg(s[0], &name, MSG_DONTWAIT));
	DO(write(s[1], "data", 4));
	DO(recvmmsg(s[0], bad, 1, 0, NULL));
	DO(recvmmsg(s[0], &mm, 1, 0, NULL));
	DO(recvmmsg(s[0], &mm, 1, 0, bad));
	DO(ioctl(s[0], FIONREAD, bad));
	DO(ioctl(s[0], FIOASYNC, bad));
	DO(ioctl(s[0], SIOCATMARK, bad));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &ev));
	DO(epoll_wait(ep, bad, 1, 0));
	DO(epoll_wait(ep, &ev, 0, 0));
	DO(epoll_wait(ep, &ev, minus, 0));
	DO(epoll_pwait(ep, &ev, 1, 0, bad));
	DO(epoll_pwait2(ep, &ev, 1, bad, NULL));
	DO(epoll_ctl(ep, EPOLL_CTL_MOD, s[0], bad));
	DO(poll(bad, 1, 0));
	FD_ZERO(&set);
	FD_SET(s[0], &set);
	DO(select(s[0] + 1, bad, NULL, NULL, &tv));
	DO(select(s[0] + 1, NULL, bad, NULL, &tv));
	DO(sendfile(s[0], 0, bad, 10));
	DO(splice(s[0], NULL, s[1], NULL, 10, 0));
	DO(fstat(s[0], bad));
	DO(recv(s[0], &mm, 4, 0));
	close(ep);
	close(s[0]);
	close(s[1]);
}

static void limits(int l)
{
	static struct iovec many[1025];
	struct mmsghdr *mm = calloc(1025, sizeof(*mm));
	struct msghdr msg = { .msg_iov = many, .msg_iovlen = 1025 };
	struct sockaddr_in from;
	char buf[8] = "";
	int s[2], i;

	section("limits");
	test_pair(l, s);
	for (i = 0; i < 1025; i++)
		many[i] = (struct iovec){ buf, i < 4 ? 1 : 0 };
	DO(sendmsg(s[0], &msg, 0));
	DO(recvmsg(s[1], &msg, MSG_DONTWAIT));
	DO(writev(s[0], many, 1025));
	DO(readv(s[1], many, 1025));
	DO(writev(s[0], many, minus));
	msg.msg_iovlen = 1024;
	DO(sendmsg(s[0], &msg, 0));
	DO(recvmsg(s[1], &msg, 0));
	msg.msg_iovlen = (size_t)-1;
	DO(sendmsg(s[0], &msg, 0));
	many[0].iov_len = (size_t)-1;
	msg.msg_iovlen = 1;
	DO(sendmsg(s[0], &msg, 0));
	DO(recvmsg(s[1], &msg, MSG_DONTWAIT));
	many[0].iov_len = 1;
	msg.msg_name = &from;
	msg.msg_namelen = (socklen_t)-1;
	DO(sendmsg(s[0], &msg, 0));
	DO(recvmsg(s[1], &msg, MSG_DONTWAIT));
	msg.msg_namelen = 1000;
	DO(sendmsg(s[0], &msg, 0));
	DO(recvmsg(s[1], &msg, MSG_DONTWAIT));
	printf("name of %u\n", msg.msg_namelen);
	msg = (struct msghdr){ .msg_iov = NULL, .msg_iovlen = 0 };
	DO(sendmsg(s[0], &msg, 0));
	DO(recvmsg(s[1], &msg, MSG_DONTWAIT));
	DO(write(s[0], "x", 1));
	DO(recvmsg(s[1], &msg, MSG_DONTWAIT));
	DO(recvfrom(s[1], buf, 1, MSG_DONTWAIT, (struct sockaddr *)&from,
		    &(socklen_t){ (socklen_t)-1 }));
	for (i = 0; i < 1025; i++)
		mm[i].msg_hdr = (struct msghdr){ .msg_iov = many, .msg_iovlen = 1 };
	DO(sendmmsg(s[0], mm, 1025, 0));
	DO(sendmmsg(s[0], mm, 0, 0));
	DO(recvmmsg(s[1], mm, 0, 0, NULL));
	free(mm);
	close(s[0]);
	close(s[1]);
}

int main(int argc, char **argv)
{
	int l;

	test_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	making();
	naming();
	privileged();
	listening();
	l = test_listener();
	connecting(l);
	nowhere(l);
	limits(l);
	return 0;
}
