/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libc.c - see libc.h.  One function per name in libc.syms.
 *
 * None of them is a cancellation point: DPDK's threads are never cancelled by us, and
 * they live as long as the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_log.h>

#include "dpdk_port/libc.h"

#ifndef __x86_64__
#error "system calls are written for x86-64"
#endif

/* -- entering the kernel ------------------------------------------------------------ */

static long sys_raw(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

static long sys_result(long r)
{
	if ((unsigned long)r > -4096ul) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

#define L(x)			   ((long)(x))
#define SYS0(nr)		   sys_result(sys_raw(nr, 0, 0, 0, 0, 0, 0))
#define SYS1(nr, a)		   sys_result(sys_raw(nr, L(a), 0, 0, 0, 0, 0))
#define SYS2(nr, a, b)		   sys_result(sys_raw(nr, L(a), L(b), 0, 0, 0, 0))
#define SYS3(nr, a, b, c)	   sys_result(sys_raw(nr, L(a), L(b), L(c), 0, 0, 0))
#define SYS4(nr, a, b, c, d)	   sys_result(sys_raw(nr, L(a), L(b), L(c), L(d), 0, 0))
#define SYS5(nr, a, b, c, d, e)	   sys_result(sys_raw(nr, L(a), L(b), L(c), L(d), L(e), 0))
#define SYS6(nr, a, b, c, d, e, f) sys_result(sys_raw(nr, L(a), L(b), L(c), L(d), L(e), L(f)))

/* -- descriptors -------------------------------------------------------------------- */

static struct {
	bool on;
	bool bound;
	int low; /* descriptors move to this number or above; 0: they stay */
	unsigned int n;
	int fds[SYS_MAX_FDS];
} track;

/*
 * Above what a program hands out for itself, below its limit.  Not higher: the kernel
 * copies the descriptor table up to the highest one at every fork.
 */
static int track_low_fd(void)
{
	struct rlimit rl;

	if (SYS4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &rl) < 0 || rl.rlim_cur < 256)
		return 0;
	return (int)(rl.rlim_cur > 4096 ? 4096 : rl.rlim_cur) - 192;
}

void sys_track_begin(void)
{
	track.low = track_low_fd();
	__atomic_store_n(&track.on, true, __ATOMIC_RELEASE);
}

void sys_track_end(void)
{
	__atomic_store_n(&track.on, false, __ATOMIC_RELEASE);
}

bool sys_is_bound(void)
{
	return track.bound;
}

/*
 * EAL's interrupt thread makes descriptors too (memif's), while the thread that opens the
 * port makes its own: slots are taken by compare-and-swap.  A free slot holds 0.
 */
static void track_add(int fd)
{
	int expected;

	for (unsigned int i = 0; i < SYS_MAX_FDS; i++) {
		expected = 0;
		if (__atomic_load_n(&track.fds[i], __ATOMIC_RELAXED) == 0 &&
		    __atomic_compare_exchange_n(&track.fds[i], &expected, fd + 1, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return;
	}
}

static void track_del(int fd)
{
	for (unsigned int i = 0; i < SYS_MAX_FDS; i++) {
		int expected = fd + 1;

		if (__atomic_compare_exchange_n(&track.fds[i], &expected, 0, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return;
	}
}

void sys_track_fd(int fd)
{
	track_add(fd);
}

unsigned int sys_tracked_fds(int *fds, unsigned int n)
{
	unsigned int count = 0, at;

	for (unsigned int i = 0; i < SYS_MAX_FDS && count < n; i++) {
		int fd = __atomic_load_n(&track.fds[i], __ATOMIC_ACQUIRE) - 1;

		if (fd < 0)
			continue;
		for (at = count++; at > 0 && fds[at - 1] > fd; at--)
			fds[at] = fds[at - 1];
		fds[at] = fd;
	}
	return count;
}

/* A descriptor was just made: CLOEXEC, out of the way, remembered. */
static int track_new(int fd)
{
	long moved;

	if (fd < 0 || !__atomic_load_n(&track.on, __ATOMIC_ACQUIRE))
		return fd;
	moved = track.low > 0 ? sys_raw(SYS_fcntl, fd, F_DUPFD_CLOEXEC, track.low, 0, 0, 0) : -1;
	if (moved >= 0) {
		SYS1(SYS_close, fd);
		fd = (int)moved;
	} else {
		SYS3(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
	}
	track_add(fd);
	return fd;
}

int port_sys_socket(int domain, int type, int protocol)
{
	return track_new((int)SYS3(SYS_socket, domain, type | SOCK_CLOEXEC, protocol));
}

int port_sys_accept(int fd, struct sockaddr *sa, socklen_t *len);
int port_sys_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	return track_new((int)SYS4(SYS_accept4, fd, sa, len, SOCK_CLOEXEC));
}

int port_sys_open64(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	return track_new((int)SYS4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode));
}

int port_sys_openat64(int dir, const char *path, int flags, ...);
int port_sys_openat64(int dir, const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	return track_new((int)SYS4(SYS_openat, dir, path, flags | O_CLOEXEC, mode));
}

int port_sys_dup(int fd);
int port_sys_dup(int fd)
{
	return track_new((int)SYS3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0));
}

int port_sys_pipe(int fds[2]);
int port_sys_pipe(int fds[2])
{
	track.bound = true; /* EAL's interrupt thread has one; nobody else asks here */
	if (SYS2(SYS_pipe2, fds, O_CLOEXEC) < 0)
		return -1;
	fds[0] = track_new(fds[0]);
	fds[1] = track_new(fds[1]);
	return 0;
}

int port_sys_epoll_create(int size);
int port_sys_epoll_create(int size)
{
	(void)size;
	return track_new((int)SYS1(SYS_epoll_create1, EPOLL_CLOEXEC));
}

int port_sys_eventfd(unsigned int value, int flags)
{
	return track_new((int)SYS2(SYS_eventfd2, value, flags | O_CLOEXEC));
}

int port_sys_timerfd_create(int clockid, int flags);
int port_sys_timerfd_create(int clockid, int flags)
{
	return track_new((int)SYS2(SYS_timerfd_create, clockid, flags | O_CLOEXEC));
}

int port_sys_memfd_create(const char *name, unsigned int flags);
int port_sys_memfd_create(const char *name, unsigned int flags)
{
	return track_new((int)SYS2(SYS_memfd_create, name, flags | 1u /* MFD_CLOEXEC */));
}

int port_sys_close(int fd)
{
	track_del(fd);
	return (int)SYS1(SYS_close, fd);
}

/* -- descriptors that pass over a socket --------------------------------------------- */

static void (*on_passed_fd)(int sock, const void *msg, size_t len, int fd);

void sys_on_passed_fd(void (*show)(int sock, const void *msg, size_t len, int fd))
{
	on_passed_fd = show;
}

/* Messages that carry descriptors here are one piece. */
static void passed(int sock, const struct msghdr *msg, ssize_t n, bool received)
{
	int saved = errno;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR((struct msghdr *)msg, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t off = 0; off + sizeof(int) <= bytes; off += sizeof(int)) {
			int one;

			memcpy(&one, CMSG_DATA(c) + off, sizeof(one));
			if (received) {
				one = track_new(one);
				memcpy(CMSG_DATA(c) + off, &one, sizeof(one));
			}
			if (on_passed_fd != NULL && msg->msg_iovlen == 1 && bytes == sizeof(int))
				on_passed_fd(sock, msg->msg_iov[0].iov_base, (size_t)n, one);
		}
	}
	errno = saved;
}

/* Those that come are new ones, too. */
ssize_t port_sys_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t port_sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n = SYS3(SYS_recvmsg, fd, msg, flags | MSG_CMSG_CLOEXEC);

	if (n >= 0)
		passed(fd, msg, n, true);
	return n;
}

ssize_t port_sys_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t port_sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t n = SYS3(SYS_sendmsg, fd, msg, flags | MSG_NOSIGNAL);

	if (n >= 0)
		passed(fd, msg, n, false);
	if (n >= 0 || (errno != EPIPE && errno != ECONNRESET))
		return n;
	/*
	 * memif's listener forgets to unregister a connection that it cannot greet.  The same
	 * hang-up ends the connection properly when it is read from, so pretend.
	 */
	n = 0;
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		n += (ssize_t)msg->msg_iov[i].iov_len;
	return n;
}

/* -- plain calls -------------------------------------------------------------------- */

int port_sys_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	return (int)SYS3(SYS_bind, fd, sa, len);
}

int port_sys_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return (int)SYS3(SYS_connect, fd, sa, len);
}

int port_sys_listen(int fd, int backlog);
int port_sys_listen(int fd, int backlog)
{
	return (int)SYS2(SYS_listen, fd, backlog);
}

int port_sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len);
int port_sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	unsigned int fanout;

	/*
	 * net_af_packet has the kernel put fragments together before it spreads frames over
	 * queues: what comes out is larger than a ring frame and lost.  Reassembly is the
	 * stack's.
	 */
	if (level == SOL_PACKET && name == PACKET_FANOUT && len == sizeof(fanout)) {
		memcpy(&fanout, val, sizeof(fanout));
		fanout &= ~((unsigned int)PACKET_FANOUT_FLAG_DEFRAG << 16);
		return (int)SYS5(SYS_setsockopt, fd, level, name, &fanout, len);
	}
	return (int)SYS5(SYS_setsockopt, fd, level, name, val, len);
}

int port_sys_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	return (int)SYS3(SYS_getsockname, fd, sa, len);
}

int port_sys_getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	return (int)SYS3(SYS_getpeername, fd, sa, len);
}

int port_sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	return (int)SYS5(SYS_getsockopt, fd, level, name, val, len);
}

int port_sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
int port_sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	int r = (int)SYS4(SYS_epoll_ctl, epfd, op, fd, ev);

	/* EAL's interrupt thread ends the program over a descriptor that was closed under it. */
	return r < 0 && op == EPOLL_CTL_ADD && errno == EBADF ? 0 : r;
}

int port_sys_epoll_wait(int epfd, struct epoll_event *ev, int n, int timeout_ms);
int port_sys_epoll_wait(int epfd, struct epoll_event *ev, int n, int timeout_ms)
{
	return (int)SYS6(SYS_epoll_pwait, epfd, ev, n, timeout_ms, 0, 8);
}

int port_sys_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms)
{
	return (int)SYS3(SYS_poll, fds, nfds, timeout_ms);
}

int port_sys_fcntl64(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return (int)SYS3(SYS_fcntl, fd, cmd, arg);
}

int port_sys_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	long arg;

	va_start(ap, request);
	arg = va_arg(ap, long);
	va_end(ap);
	/* net_tap's queues: with the header that tells of offloads, for our own bursts (tap.c). */
	if (request == TUNSETIFF)
		((struct ifreq *)arg)->ifr_flags |= IFF_VNET_HDR | IFF_NO_PI;
	return (int)SYS3(SYS_ioctl, fd, request, arg);
}

long port_sys_syscall(long nr, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return SYS6(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t port_sys_read(int fd, void *buf, size_t n)
{
	return SYS3(SYS_read, fd, buf, n);
}

ssize_t port_sys_write(int fd, const void *buf, size_t n)
{
	return SYS3(SYS_write, fd, buf, n);
}

ssize_t port_sys_readv(int fd, const struct iovec *iov, int n)
{
	return SYS3(SYS_readv, fd, iov, n);
}

ssize_t port_sys_writev(int fd, const struct iovec *iov, int n)
{
	return SYS3(SYS_writev, fd, iov, n);
}

ssize_t port_sys_pread64(int fd, void *buf, size_t n, off_t off);
ssize_t port_sys_pread64(int fd, void *buf, size_t n, off_t off)
{
	return SYS4(SYS_pread64, fd, buf, n, off);
}

ssize_t port_sys_pwrite64(int fd, const void *buf, size_t n, off_t off);
ssize_t port_sys_pwrite64(int fd, const void *buf, size_t n, off_t off)
{
	return SYS4(SYS_pwrite64, fd, buf, n, off);
}

ssize_t port_sys_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *sa,
			socklen_t len);
ssize_t port_sys_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *sa,
			socklen_t len)
{
	return SYS6(SYS_sendto, fd, buf, n, flags, sa, len);
}

ssize_t port_sys_send(int fd, const void *buf, size_t n, int flags);
ssize_t port_sys_send(int fd, const void *buf, size_t n, int flags)
{
	return SYS6(SYS_sendto, fd, buf, n, flags, 0, 0);
}

ssize_t port_sys_recv(int fd, void *buf, size_t n, int flags);
ssize_t port_sys_recv(int fd, void *buf, size_t n, int flags)
{
	return SYS6(SYS_recvfrom, fd, buf, n, flags, 0, 0);
}

/* -- time --------------------------------------------------------------------------- */

/*
 * EAL counts TSC ticks over a sleep of exactly 100 ms and rounds the result to 10 MHz: 2 ms
 * are as good for that, and 98 ms of each program's start are saved.
 */
int port_sys_nanosleep(const struct timespec *req, struct timespec *rem);
int port_sys_nanosleep(const struct timespec *req, struct timespec *rem)
{
	static const struct timespec brief = { 0, 2000000 };

	if (__atomic_load_n(&track.on, __ATOMIC_RELAXED) && req->tv_sec == 0 &&
	    req->tv_nsec == 100000000)
		req = &brief;
	return (int)SYS2(SYS_nanosleep, req, rem);
}

int port_sys_usleep(unsigned int us)
{
	struct timespec ts = { us / 1000000, (long)(us % 1000000) * 1000 };

	return (int)SYS2(SYS_nanosleep, &ts, 0);
}

/* -- signals ------------------------------------------------------------------------ */

int sys_sigaction_get(int sig, struct sys_sigaction *sa)
{
	return (int)SYS4(SYS_rt_sigaction, sig, 0, sa, 8);
}

int sys_sigaction_set(int sig, const struct sys_sigaction *sa)
{
	return (int)SYS4(SYS_rt_sigaction, sig, sa, 0, 8);
}

/*
 * net_tap looks for an unused real-time signal to be told of frames by; there is none for
 * it (eal.c says why).  It then polls.  Nothing else in DPDK changes dispositions.
 */
int port_sys_sigaction(int sig, const struct sigaction *act, struct sigaction *old);
int port_sys_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	(void)sig;
	if (act != NULL) {
		errno = EINVAL;
		return -1;
	}
	if (old != NULL) {
		memset(old, 0, sizeof(*old));
		old->sa_handler = SIG_IGN;
	}
	return 0;
}

/* -- syslog: it belongs to the program ------------------------------------------------ */

void port_sys_openlog(const char *ident, int option, int facility);
void port_sys_openlog(const char *ident, int option, int facility)
{
	(void)ident;
	(void)option;
	(void)facility;
}

void port_sys_closelog(void);
void port_sys_closelog(void)
{
}

void port_sys___syslog_chk(int priority, int flag, const char *fmt, ...);
void port_sys___syslog_chk(int priority, int flag, const char *fmt, ...)
{
	(void)priority;
	(void)flag;
	(void)fmt;
}

/* -- stderr ---------------------------------------------------------------------------- */

/* EAL's last words go to stderr behind its log's back; they belong into the log. */
int port_sys___fprintf_chk(FILE *f, int flag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int port_sys___fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = f == stderr ? rte_vlog(RTE_LOG_ERR, RTE_LOGTYPE_EAL, fmt, ap) : vfprintf(f, fmt, ap);
	va_end(ap);
	return n;
}

/* -- libbsd, libnuma ------------------------------------------------------------------ */

size_t port_sys_strlcpy(char *dst, const char *src, size_t size);
size_t port_sys_strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size > 0) {
		size_t n = len < size ? len : size - 1;

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

size_t port_sys_strlcat(char *dst, const char *src, size_t size);
size_t port_sys_strlcat(char *dst, const char *src, size_t size)
{
	size_t have = strnlen(dst, size);

	return have + port_sys_strlcpy(dst + have, src, size - have);
}

/* "No NUMA policy here": EAL then calls none of the others. */
int port_sys_numa_available(void);
int port_sys_numa_available(void)
{
	return -1;
}

static long no_numa(void)
{
	errno = ENOSYS;
	return -1;
}

#define NO_NUMA(name)               \
	long port_sys_##name(void); \
	long port_sys_##name(void)  \
	{                           \
		return no_numa();   \
	}
NO_NUMA(get_mempolicy)
NO_NUMA(set_mempolicy)
NO_NUMA(numa_set_localalloc)
NO_NUMA(numa_set_preferred)
NO_NUMA(numa_bitmask_free)

void *port_sys_numa_allocate_nodemask(void);
void *port_sys_numa_allocate_nodemask(void)
{
	return NULL;
}
