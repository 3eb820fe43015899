/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * real.h - libc's own functions, under the names that preload interposes.
 *
 * real.close(fd) is the close() that comes after ours in the search order.  A row per
 * function; add the ones you need (R: returns a value, RV: returns nothing, RX: takes
 * variable arguments, at most six more of integer class).
 *
 * The table may be used at any time, also by a constructor that runs before ours: every
 * entry starts as a resolver that fills the table and goes on.  A function this
 * libc lacks fails with ENOSYS.
 */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <ifaddrs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct if_nameindex;

/* clang-format off */
#define REAL_TABLE(R, RV, RX)                                                                      \
	/* sockets */                                                                              \
	R(int, socket, (int a, int b, int c), (a, b, c))                                           \
	R(int, socketpair, (int a, int b, int c, int *d), (a, b, c, d))                            \
	R(int, bind, (int a, const struct sockaddr *b, socklen_t c), (a, b, c))                    \
	R(int, listen, (int a, int b), (a, b))                                                     \
	R(int, accept, (int a, struct sockaddr *b, socklen_t *c), (a, b, c))                       \
	R(int, accept4, (int a, struct sockaddr *b, socklen_t *c, int d), (a, b, c, d))            \
	R(int, connect, (int a, const struct sockaddr *b, socklen_t c), (a, b, c))                 \
	R(int, shutdown, (int a, int b), (a, b))                                                   \
	R(int, getsockname, (int a, struct sockaddr *b, socklen_t *c), (a, b, c))                  \
	R(int, getpeername, (int a, struct sockaddr *b, socklen_t *c), (a, b, c))                  \
	R(int, getsockopt, (int a, int b, int c, void *d, socklen_t *e), (a, b, c, d, e))          \
	R(int, setsockopt, (int a, int b, int c, const void *d, socklen_t e), (a, b, c, d, e))     \
	R(int, sockatmark, (int a), (a))                                                           \
	/* in */                                                                                   \
	R(ssize_t, read, (int a, void *b, size_t c), (a, b, c))                                    \
	R(ssize_t, readv, (int a, const struct iovec *b, int c), (a, b, c))                        \
	R(ssize_t, recv, (int a, void *b, size_t c, int d), (a, b, c, d))                          \
	R(ssize_t, recvfrom,                                                                       \
	  (int a, void *b, size_t c, int d, struct sockaddr *e, socklen_t *f), (a, b, c, d, e, f)) \
	R(ssize_t, recvmsg, (int a, struct msghdr *b, int c), (a, b, c))                           \
	R(int, recvmmsg,                                                                           \
	  (int a, struct mmsghdr *b, unsigned int c, int d, struct timespec *e), (a, b, c, d, e))  \
	R(ssize_t, pread, (int a, void *b, size_t c, off_t d), (a, b, c, d))                       \
	R(ssize_t, pread64, (int a, void *b, size_t c, off64_t d), (a, b, c, d))                   \
	R(ssize_t, preadv, (int a, const struct iovec *b, int c, off_t d), (a, b, c, d))           \
	R(ssize_t, preadv64, (int a, const struct iovec *b, int c, off64_t d), (a, b, c, d))       \
	R(ssize_t, preadv2, (int a, const struct iovec *b, int c, off_t d, int e),                 \
	  (a, b, c, d, e))                                                                         \
	R(ssize_t, preadv64v2, (int a, const struct iovec *b, int c, off64_t d, int e),            \
	  (a, b, c, d, e))                                                                         \
	R(ssize_t, __read_chk, (int a, void *b, size_t c, size_t d), (a, b, c, d))                 \
	R(ssize_t, __recv_chk, (int a, void *b, size_t c, size_t d, int e), (a, b, c, d, e))       \
	R(ssize_t, __recvfrom_chk,                                                                 \
	  (int a, void *b, size_t c, size_t d, int e, struct sockaddr *f, socklen_t *g),           \
	  (a, b, c, d, e, f, g))                                                                   \
	/* out */                                                                                  \
	R(ssize_t, write, (int a, const void *b, size_t c), (a, b, c))                             \
	R(ssize_t, writev, (int a, const struct iovec *b, int c), (a, b, c))                       \
	R(ssize_t, send, (int a, const void *b, size_t c, int d), (a, b, c, d))                    \
	R(ssize_t, sendto,                                                                         \
	  (int a, const void *b, size_t c, int d, const struct sockaddr *e, socklen_t f),          \
	  (a, b, c, d, e, f))                                                                      \
	R(ssize_t, sendmsg, (int a, const struct msghdr *b, int c), (a, b, c))                     \
	R(int, sendmmsg, (int a, struct mmsghdr *b, unsigned int c, int d), (a, b, c, d))          \
	R(ssize_t, pwrite, (int a, const void *b, size_t c, off_t d), (a, b, c, d))                \
	R(ssize_t, pwrite64, (int a, const void *b, size_t c, off64_t d), (a, b, c, d))            \
	R(ssize_t, pwritev, (int a, const struct iovec *b, int c, off_t d), (a, b, c, d))          \
	R(ssize_t, pwritev64, (int a, const struct iovec *b, int c, off64_t d), (a, b, c, d))      \
	R(ssize_t, pwritev2, (int a, const struct iovec *b, int c, off_t d, int e),                \
	  (a, b, c, d, e))                                                                         \
	R(ssize_t, pwritev64v2, (int a, const struct iovec *b, int c, off64_t d, int e),           \
	  (a, b, c, d, e))                                                                         \
	R(ssize_t, sendfile, (int a, int b, off_t *c, size_t d), (a, b, c, d))                     \
	R(ssize_t, sendfile64, (int a, int b, off64_t *c, size_t d), (a, b, c, d))                 \
	R(ssize_t, splice, (int a, off64_t *b, int c, off64_t *d, size_t e, unsigned int f),       \
	  (a, b, c, d, e, f))                                                                      \
	/* descriptors */                                                                          \
	R(int, close, (int a), (a))                                                                \
	R(int, close_range, (unsigned int a, unsigned int b, int c), (a, b, c))                    \
	RV(closefrom, (int a), (a))                                                                \
	R(int, dup, (int a), (a))                                                                  \
	R(int, dup2, (int a, int b), (a, b))                                                       \
	R(int, dup3, (int a, int b, int c), (a, b, c))                                             \
	RX(int, fcntl, (int fd, int cmd, ...))                                                     \
	RX(int, fcntl64, (int fd, int cmd, ...))                                                   \
	RX(int, ioctl, (int fd, unsigned long request, ...))                                       \
	RX(int, open, (const char *path, int flags, ...))                                          \
	R(int, fstat, (int a, struct stat *b), (a, b))                                             \
	R(int, fstat64, (int a, struct stat64 *b), (a, b))                                         \
	R(int, fstatat, (int a, const char *b, struct stat *c, int d), (a, b, c, d))               \
	R(int, fstatat64, (int a, const char *b, struct stat64 *c, int d), (a, b, c, d))           \
	R(int, __fxstat, (int a, int b, struct stat *c), (a, b, c))                                \
	R(int, __fxstat64, (int a, int b, struct stat64 *c), (a, b, c))                            \
	R(int, statx, (int a, const char *b, int c, unsigned int d, struct statx *e),              \
	  (a, b, c, d, e))                                                                         \
	R(int, isatty, (int a), (a))                                                               \
	R(FILE *, fdopen, (int a, const char *b), (a, b))                                          \
	R(int, vdprintf, (int a, const char *b, va_list c), (a, b, c))                             \
	R(int, __vdprintf_chk, (int a, int b, const char *c, va_list d), (a, b, c, d))             \
	R(int, pipe2, (int *a, int b), (a, b))                                                     \
	R(int, eventfd, (unsigned int a, int b), (a, b))                                           \
	/* waiting */                                                                              \
	R(int, select, (int a, fd_set *b, fd_set *c, fd_set *d, struct timeval *e),                \
	  (a, b, c, d, e))                                                                         \
	R(int, pselect,                                                                            \
	  (int a, fd_set *b, fd_set *c, fd_set *d, const struct timespec *e, const sigset_t *f),   \
	  (a, b, c, d, e, f))                                                                      \
	R(int, poll, (struct pollfd *a, nfds_t b, int c), (a, b, c))                               \
	R(int, ppoll,                                                                              \
	  (struct pollfd *a, nfds_t b, const struct timespec *c, const sigset_t *d), (a, b, c, d)) \
	R(int, __poll_chk, (struct pollfd *a, nfds_t b, int c, size_t d), (a, b, c, d))            \
	R(int, __ppoll_chk,                                                                        \
	  (struct pollfd *a, nfds_t b, const struct timespec *c, const sigset_t *d, size_t e),     \
	  (a, b, c, d, e))                                                                         \
	R(int, epoll_create, (int a), (a))                                                         \
	R(int, epoll_create1, (int a), (a))                                                        \
	R(int, epoll_ctl, (int a, int b, int c, struct epoll_event *d), (a, b, c, d))              \
	R(int, epoll_wait, (int a, struct epoll_event *b, int c, int d), (a, b, c, d))             \
	R(int, epoll_pwait, (int a, struct epoll_event *b, int c, int d, const sigset_t *e),       \
	  (a, b, c, d, e))                                                                         \
	R(int, epoll_pwait2,                                                                       \
	  (int a, struct epoll_event *b, int c, const struct timespec *d, const sigset_t *e),      \
	  (a, b, c, d, e))                                                                         \
	/* processes, threads, signals */                                                          \
	R(pid_t, fork, (void), ())                                                                 \
	R(pid_t, vfork, (void), ())                                                                \
	R(int, daemon, (int a, int b), (a, b))                                                     \
	R(int, execve, (const char *a, char *const *b, char *const *c), (a, b, c))                 \
	R(int, execvpe, (const char *a, char *const *b, char *const *c), (a, b, c))                \
	R(int, execv, (const char *a, char *const *b), (a, b))                                     \
	R(int, execvp, (const char *a, char *const *b), (a, b))                                    \
	R(int, fexecve, (int a, char *const *b, char *const *c), (a, b, c))                        \
	R(int, execveat, (int a, const char *b, char *const *c, char *const *d, int e),            \
	  (a, b, c, d, e))                                                                         \
	R(int, posix_spawn,                                                                        \
	  (pid_t *a, const char *b, const posix_spawn_file_actions_t *c,                           \
	   const posix_spawnattr_t *d, char *const *e, char *const *f), (a, b, c, d, e, f))        \
	R(int, posix_spawnp,                                                                       \
	  (pid_t *a, const char *b, const posix_spawn_file_actions_t *c,                           \
	   const posix_spawnattr_t *d, char *const *e, char *const *f), (a, b, c, d, e, f))        \
	RV(_exit, (int a), (a))                                                                    \
	RV(_Exit, (int a), (a))                                                                    \
	RV(exit, (int a), (a))                                                                     \
	RV(quick_exit, (int a), (a))                                                               \
	R(int, sigaction, (int a, const struct sigaction *b, struct sigaction *c), (a, b, c))      \
	R(int, siginterrupt, (int a, int b), (a, b))                                               \
	R(int, pthread_sigmask, (int a, const sigset_t *b, sigset_t *c), (a, b, c))                \
	RX(long, syscall, (long nr, ...))                                                          \
	/* memory */                                                                               \
	R(int, mlockall, (int a), (a))                                                             \
	/* interfaces */                                                                           \
	R(int, getifaddrs, (struct ifaddrs **a), (a))                                              \
	RV(freeifaddrs, (struct ifaddrs *a), (a))                                                  \
	R(unsigned int, if_nametoindex, (const char *a), (a))                                      \
	R(char *, if_indextoname, (unsigned int a, char *b), (a, b))                               \
	R(struct if_nameindex *, if_nameindex, (void), ())                                         \
	RV(if_freenameindex, (struct if_nameindex *a), (a))
/* clang-format on */

struct real_table {
#define REAL_MEMBER(ret, name, params, args) ret(*name) params;
#define REAL_MEMBER_V(name, params, args) void(*name) params;
#define REAL_MEMBER_X(ret, name, params) ret(*name) params;
	REAL_TABLE(REAL_MEMBER, REAL_MEMBER_V, REAL_MEMBER_X)
#undef REAL_MEMBER
#undef REAL_MEMBER_V
#undef REAL_MEMBER_X
};

extern struct real_table real;

/* Resolve everything now; idempotent.  The constructor calls it. */
void real_init(void);

#endif
