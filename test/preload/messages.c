/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * messages.c - flags of messages, control messages, peeking at an offset, error queues, times,
 * and calls that a socket does not have.
 */
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <sys/resource.h>

#include "calls.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif

static void section(const char *name)
{
	printf("-- %s\n", name);
}

static void set(int fd, int level, int name, int val)
{
	if (setsockopt(fd, level, name, &val, sizeof(val)) < 0)
		printf("option %d %d: %s\n", level, name, strerrorname_np(errno));
}

/* Datagram sockets of this address: u[0] sends to u[1]. */
static void pair_of_datagrams(int u[2])
{
	struct sockaddr_in any = test_sin("0.0.0.0", 0), to;

	u[0] = socket(AF_INET, SOCK_DGRAM, 0);
	u[1] = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(u[1], SA(any)) < 0)
		perror("bind");
	to = test_sin(test_addr, test_port(u[1]));
	if (connect(u[0], SA(to)) < 0)
		perror("connect");
}

static void close_both(const int s[2])
{
	close(s[0]);
	close(s[1]);
}

/* One message with room for so many bytes of control messages; what came is printed. */
static void receive(int fd, size_t room, int flags)
{
	char control[512], buf[4];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room
	};

	if (DO(recvmsg(fd, &m, flags)) < 0)
		return;
	printf("flags %x, control %zu\n", m.msg_flags, m.msg_controllen);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
		printf("  level %d type %d len %zu\n", c->cmsg_level, c->cmsg_type, c->cmsg_len);
}

static void controls(void)
{
	static const size_t rooms[] = { 0, 1, 15, 16, 17, 20, 24, 40, 64, 96, 128, 160 };
	int u[2];

	section("control messages");
	pair_of_datagrams(u);
	set(u[1], SOL_SOCKET, SO_TIMESTAMP, 1);
	set(u[1], SOL_SOCKET, SO_RXQ_OVFL, 1);
	set(u[1], SOL_SOCKET, SO_RCVMARK, 1);
	set(u[1], SOL_SOCKET, SO_RCVPRIORITY, 1);
	set(u[1], IPPROTO_IP, IP_PKTINFO, 1);
	set(u[1], IPPROTO_IP, IP_RECVTTL, 1);
	set(u[1], IPPROTO_IP, IP_RECVTOS, 1);
	set(u[1], IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		DO(send(u[0], "datagram", 8, 0));
		receive(u[1], rooms[i], i % 2 == 0 ? 0 : MSG_TRUNC);
	}
	DO(send(u[0], "datagram", 8, 0));
	receive(u[1], sizeof(int) * 100, 0);
	set(u[1], SOL_SOCKET, SO_TIMESTAMPNS_NEW, 1);
	set(u[1], SOL_SOCKET, SO_TIMESTAMPING_NEW,
	    SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
	DO(send(u[0], "datagram", 8, 0));
	receive(u[1], 400, 0);
	close_both(u);
}

/* Sent with one control message. */
static void with(int fd, int level, int type, size_t len, const void *data)
{
	_Alignas(struct cmsghdr) char control[64] = "";
	struct iovec iov = { (char[]){ "x" }, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	printf("level %d type %d len %zu: ", level, type, len);
	DO(sendmsg(fd, &m, MSG_DONTWAIT));
}

static void controls_sent(void)
{
	struct sock_txtime t = { CLOCK_MONOTONIC, 0 };
	uint64_t when = 0;
	int u[2], v = 7, big = 300;

	section("control messages that are sent");
	pair_of_datagrams(u);
	with(u[0], SOL_SOCKET, SCM_TXTIME, sizeof(when), &when);
	DO(setsockopt(u[0], SOL_SOCKET, SO_TXTIME, &t, sizeof(t)));
	with(u[0], SOL_SOCKET, SCM_TXTIME, sizeof(when), &when);
	with(u[0], SOL_SOCKET, SCM_TXTIME, 4, &when);
	with(u[0], SOL_SOCKET, SO_MARK, 4, &v);
	with(u[0], SOL_SOCKET, SO_MARK, 2, &v);
	with(u[0], SOL_SOCKET, SO_TYPE, 4, &v);
	with(u[0], IPPROTO_IP, IP_TTL, 4, &v);
	with(u[0], IPPROTO_IP, IP_TTL, 4, &big);
	with(u[0], IPPROTO_IP, IP_TTL, 1, &v);
	with(u[0], IPPROTO_IP, IP_TOS, 4, &v);
	with(u[0], IPPROTO_IP, IP_TOS, 1, &v);
	with(u[0], IPPROTO_IP, IP_TOS, 4, &big);
	with(u[0], IPPROTO_IP, IP_RECVERR, 4, &v);
	with(u[0], IPPROTO_UDP, 103, 2, &v);
	with(u[0], IPPROTO_UDP, 103, 4, &v);
	with(u[0], 99, 1, 4, &v);
	close_both(u);
}

static void peeking(int l)
{
	char buf[16];
	int s[2], u[2], off = 0;
	socklen_t len = sizeof(off);

	section("peeking and cutting");
	test_pair(l, s);
	DO(write(s[0], "abcdefgh", 8));
	set(s[1], SOL_SOCKET, SO_PEEK_OFF, 2);
	DO(recv(s[1], buf, 3, MSG_PEEK));
	printf("%.3s\n", buf);
	DO(recv(s[1], buf, 8, MSG_PEEK));
	printf("%.3s\n", buf);
	DO(getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &off, &len));
	printf("%d\n", off);
	DO(recv(s[1], buf, 4, 0));
	DO(getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &off, &len));
	printf("%d\n", off);
	DO(recv(s[1], buf, 3, MSG_TRUNC));
	DO(recv(s[1], NULL, 1, MSG_TRUNC));
	DO(recv(s[1], buf, 1, MSG_DONTWAIT));
	close_both(s);
	pair_of_datagrams(u);
	DO(send(u[0], "abcdefgh", 8, 0));
	DO(send(u[0], "second", 6, 0));
	DO(recv(u[1], buf, 3, MSG_PEEK));
	DO(recv(u[1], buf, 3, MSG_PEEK | MSG_TRUNC));
	set(u[1], SOL_SOCKET, SO_PEEK_OFF, 6);
	DO(recv(u[1], buf, 8, MSG_PEEK));
	printf("%.2s\n", buf);
	DO(recv(u[1], buf, 8, MSG_PEEK));
	DO(recv(u[1], buf, 3, MSG_TRUNC));
	DO(recv(u[1], buf, 0, MSG_TRUNC));
	DO(recv(u[1], buf, 1, MSG_DONTWAIT));
	close_both(u);
}

static void errors_queued(int l)
{
	struct sockaddr_in closed = test_sin(test_addr, 1);
	struct pollfd p;
	int u = socket(AF_INET, SOCK_DGRAM, 0), s[2];
	char buf[4];

	section("the queue of errors");
	test_pair(l, s);
	DO(recv(s[0], buf, 4, MSG_ERRQUEUE));
	close_both(s);
	DO(recv(u, buf, 4, MSG_ERRQUEUE));
	set(u, IPPROTO_IP, IP_RECVERR, 1);
	DO(connect(u, SA(closed)));
	DO(send(u, "x", 1, 0));
	p = (struct pollfd){ u, 0, 0 };
	DO(poll(&p, 1, 2000));
	printf("%x\n", p.revents);
	receive(u, 200, MSG_ERRQUEUE);
	DO(recv(u, buf, 1, MSG_ERRQUEUE));
	DO(send(u, "x", 1, 0));
	DO(poll(&p, 1, 2000));
	DO(recv(u, buf, 1, MSG_DONTWAIT));
	receive(u, 4, MSG_ERRQUEUE);
	close(u);
}

/* Times are kept as they were set, but for what a tick of 4 ms rounds. */
static void times(int l)
{
	static const struct timeval tvs[] = {
		{ 0, 1 },      { 0, 4000 },	{ 1, 0 },
		{ 0, 999999 }, { 100, 500000 }, { 0, 1000000 },
		{ 0, -1 },     { -1, 0 },	{ 9223372036854775807LL, 999999 }
	};
	struct timeval got;
	struct timespec ts = { 0, 30000000 };
	struct mmsghdr mm[2] = { 0 };
	struct iovec iov = { (char[16]){ 0 }, 16 };
	socklen_t len;
	int s[2], u[2];
	long t;

	section("times");
	test_pair(l, s);
	for (size_t i = 0; i < sizeof(tvs) / sizeof(tvs[0]); i++) {
		DO(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tvs[i], sizeof(tvs[i])));
		DO(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tvs[i], sizeof(tvs[i])));
		len = sizeof(got);
		DO(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &got, &len));
		printf("%u: about %lld ms\n", len,
		       ((long long)(got.tv_sec % 1000000) * 1000 + got.tv_usec / 1000 + 2) / 8 * 8);
	}
	close_both(s);
	pair_of_datagrams(u);
	mm[0].msg_hdr.msg_iov = mm[1].msg_hdr.msg_iov = &iov;
	mm[0].msg_hdr.msg_iovlen = mm[1].msg_hdr.msg_iovlen = 1;
	DO(send(u[0], "one", 3, 0));
	DO(send(u[0], "two", 3, 0));
	DO(recvmmsg(u[1], mm, 2, 0, &ts));
	got = (struct timeval){ 0, 50000 };
	setsockopt(u[1], SOL_SOCKET, SO_RCVTIMEO, &got, sizeof(got));
	DO(send(u[0], "one", 3, 0));
	t = test_ms();
	DO(recvmmsg(u[1], mm, 2, 0, &(struct timespec){ 5, 0 }));
	printf("waited %d\n", test_ms() - t >= 45);
	/* Of what cannot all be sent, as much as can. */
	mm[1].msg_hdr.msg_name = &iov;
	mm[1].msg_hdr.msg_namelen = 3;
	DO(sendmmsg(u[0], mm, 2, 0));
	DO(sendmmsg(u[0], mm + 1, 1, 0));
	close_both(u);
}

static void queues(int l)
{
	int s[2], n = -1;
	char buf[8];

	section("what is queued; urgent data");
	test_pair(l, s);
	DO(ioctl(s[0], SIOCINQ, &n));
	printf("%d\n", n);
	DO(ioctl(s[0], SIOCOUTQ, &n));
	printf("%d\n", n);
	DO(ioctl(s[0], SIOCOUTQNSD, &n));
	printf("%d\n", n);
	DO(recv(s[1], buf, 1, MSG_OOB));
	DO(write(s[0], "ab", 2));
	DO(send(s[0], "c", 1, MSG_OOB));
	DO(write(s[0], "de", 2));
	DO(poll(&(struct pollfd){ s[1], POLLPRI, 0 }, 1, 2000));
	DO(ioctl(s[1], SIOCATMARK, &n));
	printf("%d\n", n);
	DO(recv(s[1], buf, 8, 0));
	DO(ioctl(s[1], SIOCATMARK, &n));
	printf("%d\n", n);
	DO(recv(s[1], buf, 8, MSG_OOB | MSG_PEEK));
	DO(recv(s[1], buf, 8, MSG_OOB));
	DO(recv(s[1], buf, 8, MSG_OOB));
	DO(recv(s[1], buf, 8, 0));
	set(s[1], SOL_SOCKET, SO_OOBINLINE, 1);
	DO(send(s[0], "fg", 2, MSG_OOB));
	DO(recv(s[1], buf, 8, MSG_OOB));
	DO(recv(s[1], buf, 8, 0));
	DO(recv(s[1], buf, 8, 0));
	DO(ioctl(l, SIOCINQ, &n));
	DO(ioctl(l, SIOCOUTQ, &n));
	DO(ioctl(s[0], 0x1234, &n));
	close_both(s);
}

/* What sockets lack, what needs the kernel, and numbers that are large. */
static void oddities(int l)
{
	struct sock_filter code = { BPF_RET | BPF_K, 0, 0, 0xffff };
	struct sock_fprog prog = { 0, &code };
	struct rlimit limit;
	char link[64], path[64];
	int s[2], ep = epoll_create1(0), ep2 = epoll_create1(0), p[2], high;
	struct epoll_event ev = { .events = EPOLLIN };
	struct timeval tv = { 0, 0 };
	struct iovec iov = { link, 4 };
	struct stat st;

	section("oddities");
	test_pair(l, s);
	DO(lseek(s[0], 0, SEEK_SET));
	DO(preadv(s[0], &iov, 1, 0));
	DO(pwritev(s[0], &iov, 1, 0));
	DO(fallocate(s[0], 0, 0, 1));
	DO(fdatasync(s[0]));
	DO(fstat(s[0], &st));
	printf("%o\n", st.st_mode & S_IFMT);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s[0]);
	DO(readlink(path, link, sizeof(link)) > 8);
	printf("%.7s\n", link);
	DO(setsockopt(s[0], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0);
	DO(setsockopt(s[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog)) < 0);
	DO(pipe(p));
	DO(tee(s[0], p[1], 10, 0));
	DO(vmsplice(s[0], &iov, 1, 0));
	/* Sets of sets: no circles, no more than five deep. */
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &ev));
	DO(epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE;
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_MOD, s[0], &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_DEL, s[0], NULL));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &ev));
	DO(epoll_ctl(ep2, 9, s[0], &ev));
	DO(dup3(s[0], 200, 1));
	DO(dup3(s[0], s[0], O_CLOEXEC));
	DO(close_range(5, 4, 0));
	DO(close_range(3, 4, 8));
	DO(fcntl(s[0], F_SETPIPE_SZ, 4096));
	DO(fcntl(s[0], F_GETPIPE_SZ));
	DO(fcntl(s[0], 9999));
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > 3000) {
		high = fcntl(s[0], F_DUPFD, 2000);
		DO(write(s[1], "x", 1));
		unsigned long sets[64] = { [2000 / 64] = 1ul << 2000 % 64 };

		/* libc's own select(2) does not mind more than FD_SETSIZE, if there is room. */
		DO(select(high + 1, (fd_set *)sets, NULL, NULL, &tv));
		close(high);
	}
	/* io_uring does not see what is behind the number; it is made or not as it would be. */
	DO(syscall(SYS_io_uring_setup, 0, NULL));
	close(p[0]);
	close(p[1]);
	close(ep);
	close(ep2);
	close_both(s);
}

int main(int argc, char **argv)
{
	int l;

	test_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	l = test_listener();
	controls();
	controls_sent();
	peeking(l);
	errors_queued(l);
	times(l);
	queues(l);
	oddities(l);
	return 0;
}
