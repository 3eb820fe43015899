/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hidden.h - the kernel socket that lies under the number of one of ours.
 *
 * It takes part as long as nothing has been decided (options and O_NONBLOCK go to
 * both), and for good when the file is DUAL.  All functions return >= 0 or -errno
 * and never block; the lock is held.
 */
#ifndef PRELOAD_HIDDEN_H
#define PRELOAD_HIDDEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct file;
struct stack;

/*
 * May this program use the address and port?  Asked by binding the hidden socket with
 * IP_FREEBIND: -EACCES (a privileged port) or 0; what else the kernel says of
 * an address that is not its own does not matter.
 */
int hidden_bind_ours(const struct file *f, int fd, const struct sockaddr *sa, socklen_t len);
/*
 * Bind both sides to sa.  For port 0 the stack chooses, and chooses again where the
 * kernel has the port taken.
 */
int hidden_bind_both(struct stack *st, struct file *f, int fd, const struct sockaddr *sa,
		     socklen_t len);
/* The same, to the wildcard address and any port: what listen(2) and sendto(2) do by themselves. */
int hidden_bind_any(struct stack *st, struct file *f, int fd);
/* Give the kernel side the port that the stack has chosen for an unbound datagram socket. */
void hidden_bind_late(struct stack *st, struct file *f, int fd);

/* SO_ATTACH_FILTER: what the program has attached to our socket holds for the kernel's. */
void hidden_set_filter(struct stack *st, const struct file *f, int fd);

/* Is that the index of a link that one of our ports has the frames of? */
bool hidden_is_our_link(uint32_t index);

ssize_t hidden_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t hidden_sendmsg(int fd, const struct msghdr *msg, int flags);
/* The accepted connection is the kernel's, and so is its descriptor. */
int hidden_accept(int fd, struct sockaddr *sa, socklen_t *len, int flags);
/* O_NONBLOCK of the kernel's description. */
void hidden_set_nonblock(int fd, bool on);

#endif
