/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libc.h - system calls for DPDK and for this directory, past every interposed name.
 *
 * Inside libshim.so the names socket, close, read … are the ones that the program calls:
 * DPDK's own calls must not go there (it would find itself starting the engine, or
 * told that its own descriptors are protected).  So they are bound to these, which
 * enter the kernel directly.
 *
 * Between sys_track_begin() and sys_track_end() every descriptor that is made here
 * becomes CLOEXEC and moves above the low numbers that programs expect for themselves;
 * it is remembered until it is closed.
 */
#ifndef DPDK_PORT_LIBC_H
#define DPDK_PORT_LIBC_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The same meaning as without the prefix: -1 and errno. */
int port_sys_socket(int domain, int type, int protocol);
int port_sys_bind(int fd, const struct sockaddr *sa, socklen_t len);
int port_sys_connect(int fd, const struct sockaddr *sa, socklen_t len);
int port_sys_getsockname(int fd, struct sockaddr *sa, socklen_t *len);
int port_sys_getpeername(int fd, struct sockaddr *sa, socklen_t *len);
int port_sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len);
int port_sys_open64(const char *path, int flags, ...);
int port_sys_close(int fd);
int port_sys_fcntl64(int fd, int cmd, ...);
int port_sys_ioctl(int fd, unsigned long request, ...);
int port_sys_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms);
int port_sys_eventfd(unsigned int value, int flags);
ssize_t port_sys_read(int fd, void *buf, size_t n);
ssize_t port_sys_write(int fd, const void *buf, size_t n);
ssize_t port_sys_writev(int fd, const struct iovec *iov, int n);
ssize_t port_sys_readv(int fd, const struct iovec *iov, int n);
long port_sys_syscall(long nr, ...);
int port_sys_usleep(unsigned int us);

/* Signal dispositions as the kernel has them, kept to put them back unchanged. */
struct sys_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};
int sys_sigaction_get(int sig, struct sys_sigaction *sa);
int sys_sigaction_set(int sig, const struct sys_sigaction *sa);

#define SYS_MAX_FDS 128

/*
 * Remember descriptors from here on.  Meanwhile EAL's calibration of its clock is made
 * short, too: nothing here asks DPDK for its clock's rate.
 */
void sys_track_begin(void);
void sys_track_end(void);
/* The descriptors made while tracking and not closed since, ascending; returns how many were stored. */
unsigned int sys_tracked_fds(int *fds, unsigned int n);
/* Add one that was not made through these calls. */
void sys_track_fd(int fd);
/*
 * Have descriptors that pass over a socket shown, sent or received, with the message that they
 * passed with, one alone; by the thread that sends or receives.
 */
void sys_on_passed_fd(void (*show)(int sock, const void *msg, size_t len, int fd));
/* Did any call of DPDK's arrive here (is DPDK linked so that they do)? */
bool sys_is_bound(void);

#endif
