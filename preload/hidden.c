/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hidden.c - the kernel socket under the number of one of ours (see hidden.h).
 */
#include "preload/hidden.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>

#include "preload/call.h"
#include "preload/epoll.h"
#include "preload/real.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

/* How often the stack may choose a port that the kernel turns out to have taken. */
#define BIND_TRIES 64

bool hidden_is_our_link(uint32_t index)
{
	const struct netif *nif;
	unsigned int n;

	for (n = 0; (nif = engine_netif(n)) != NULL; n++)
		if (nif->ifindex == index)
			return true;
	return false;
}

/*
 * Behind an AF_PACKET port the kernel sees the frames that we see, and would deliver those to
 * groups and to all a second time: not to the sockets that lie under ours.  Returns the
 * length of the part of a filter that says so; what it lets pass goes on behind it.
 */
static unsigned int without_our_links(struct sock_filter *code)
{
	const struct netif *nif;
	unsigned int n, links;

	for (links = 0; engine_netif(links) != NULL; links++)
		continue;
	code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
	/* A packet to us alone jumps over the look at its link, to the end. */
	code[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST,
					       (uint8_t)(links + 3), 0);
	code[2] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX));
	for (n = 0; (nif = engine_netif(n)) != NULL; n++)
		code[3 + n] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nif->ifindex,
							   (uint8_t)(links - n), 0);
	code[3 + links] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1);
	code[4 + links] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	/* As a program finds it. */
	code[5 + links] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, 0);
	return links + 6;
}

static const struct sock_filter everything = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);

/* What the program attached: instructions, 0: nothing. */
static unsigned int filter_of_program(struct stack *st, const struct file *f,
				      struct sock_filter code[BPF_MAXINSNS])
{
	socklen_t len = BPF_MAXINSNS;

	return socket_getsockopt(st, f->so, SOL_SOCKET, SO_GET_FILTER, code, &len, engine_now()) == 0 ?
		       len : 0;
}

static bool filter_is_locked(struct stack *st, const struct file *f)
{
	int locked = 0;
	socklen_t len = sizeof(locked);

	return socket_getsockopt(st, f->so, SOL_SOCKET, SO_LOCK_FILTER, &locked, &len, engine_now()) == 0 &&
	       locked != 0;
}

static bool attach(int fd, struct sock_filter *code, unsigned int len)
{
	struct sock_fprog prog = { .filter = code, .len = (unsigned short)len };

	if (len > BPF_MAXINSNS)
		return false;
	if (len > 0)
		return real.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0;
	real.setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int));
	return true;
}

/* links: is the kernel to deliver what came in by our links, too? */
static void set_filter(struct stack *st, const struct file *f, int fd, bool links)
{
	/* The lock is held, and a thread's stack may be too small for it. */
	static struct sock_filter code[STACK_MAX_NETIFS + 6 + BPF_MAXINSNS];
	unsigned int first = links ? 0 : without_our_links(code), own;

	own = filter_of_program(st, f, code + first);
	if (own > 0 && attach(fd, code, first + own))
		return;
	/*
	 * None, or the two are too long for the kernel in one: it delivers more than the program
	 * wanted rather than everything twice.
	 */
	code[first] = everything;
	attach(fd, code, links ? 0 : first + 1);
}

void hidden_set_filter(struct stack *st, const struct file *f, int fd)
{
	set_filter(st, f, fd, f->so->type == SOCK_STREAM);
	/* Datagram sockets get theirs anew whenever they are bound. */
	if (f->so->type == SOCK_STREAM && filter_is_locked(st, f))
		real.setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &(int){ 1 }, sizeof(int));
}

static uint16_t sockaddr_port(const struct sockaddr *sa)
{
	/* sin_port and sin6_port lie at the same place. */
	return ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port);
}

static void sockaddr_set_port(struct sockaddr_storage *ss, uint16_t port)
{
	((struct sockaddr_in *)(void *)ss)->sin_port = htons(port);
}

int hidden_bind_ours(const struct file *f, int fd, const struct sockaddr *sa, socklen_t len)
{
	int one = 1;

	if (f->so->domain == AF_INET6)
		real.setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one));
	else
		real.setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	if (real.bind(fd, sa, len) == 0 || (errno != EACCES && errno != EPERM))
		return 0;
	return -errno;
}

static int stack_port(struct stack *st, struct file *f)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int r = socket_getname(st, f->so, (struct sockaddr *)&ss, &len, false);

	return r < 0 ? r : sockaddr_port((struct sockaddr *)&ss);
}

int hidden_bind_both(struct stack *st, struct file *f, int fd, const struct sockaddr *sa,
		     socklen_t len)
{
	struct sockaddr_storage ss;
	int i, port, r = -EADDRINUSE;

	if (len > sizeof(ss))
		len = sizeof(ss);
	for (i = 0; i < BIND_TRIES; i++) {
		r = socket_bind(st, f->so, sa, len, engine_now());
		if (r < 0)
			return r;
		port = stack_port(st, f);
		if (port < 0)
			return port;
		memcpy(&ss, sa, len);
		sockaddr_set_port(&ss, (uint16_t)port);
		if (f->so->type != SOCK_STREAM)
			hidden_set_filter(st, f, fd);
		if (real.bind(fd, (struct sockaddr *)&ss, len) == 0) {
			f->hidden_bound = true;
			return 0;
		}
		r = -errno;
		socket_unbind(st, f->so, engine_now());
		if (sockaddr_port(sa) != 0 || r != -EADDRINUSE)
			break;
	}
	return r;
}

static socklen_t wildcard(const struct file *f, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	ss->ss_family = f->so->domain;
	return f->so->domain == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

int hidden_bind_any(struct stack *st, struct file *f, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = wildcard(f, &ss);

	return hidden_bind_both(st, f, fd, (struct sockaddr *)&ss, len);
}

void hidden_bind_late(struct stack *st, struct file *f, int fd)
{
	struct sockaddr_storage ss;
	int port = stack_port(st, f);
	socklen_t len;

	if (f->hidden_bound || port <= 0)
		return;
	len = wildcard(f, &ss);
	sockaddr_set_port(&ss, (uint16_t)port);
	if (f->so->type != SOCK_STREAM)
		hidden_set_filter(st, f, fd);
	/* If the kernel has it taken, the two sides have different ports: nobody chose this one. */
	real.bind(fd, (struct sockaddr *)&ss, len);
	f->hidden_bound = true;
}

ssize_t hidden_recvmsg(int fd, struct msghdr *msg, int flags)
{
	return call_result(real.recvmsg(fd, msg, flags | MSG_DONTWAIT));
}

ssize_t hidden_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return call_result(real.sendmsg(fd, msg, flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

int hidden_accept(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	int r = (int)call_result(real.accept4(fd, sa, len, flags));

	if (r >= 0)
		fdtable_fresh(r);
	return r;
}

void hidden_set_nonblock(int fd, bool on)
{
	int now = real.fcntl(fd, F_GETFL);

	if (now >= 0 && ((now & O_NONBLOCK) != 0) != on)
		real.fcntl(fd, F_SETFL, now ^ O_NONBLOCK);
}

/* -- changing sides (file.h) --------------------------------------------------------- */

/* Take f out of every process's table: rare, so the tables are walked. */
static unsigned int forget_everywhere(const struct file *f)
{
	uint32_t want = pool_index(&shm->files, f) + 1;
	unsigned int i, fd, n = 0;

	for (i = 0; i < SHM_MAX_PROCS; i++) {
		struct proc *p = &shm->procs[i];

		if (p->state == PROC_FREE)
			continue;
		for (fd = 0; fd < p->fd_high; fd++) {
			if (p->fdtab[fd] != want)
				continue;
			__atomic_store_n(&p->fdtab[fd], FDT_NONE, __ATOMIC_RELEASE);
			n++;
		}
	}
	return n;
}

void file_to_kernel(struct stack *st, struct file *f, int fd, uint64_t now)
{
	struct list *n, *tmp;
	unsigned int refs;

	list_for_each_safe(n, tmp, &f->waits) {
		struct wait_entry *we = list_entry(n, struct wait_entry, link);

		if (we->kind == WAIT_EPITEM)
			epitem_to_kernel(we->who);
		else
			waiter_notify(we->who);
	}
	/* A DUAL one did not block, whatever the program wants; of ours alone it knows nothing new. */
	hidden_set_nonblock(fd, (f->flags & O_NONBLOCK) != 0);
	if (f->so->type != SOCK_STREAM)
		set_filter(st, f, fd, true);
	if (filter_is_locked(st, f))
		real.setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &(int){ 1 }, sizeof(int));
	if (f->fd_refs == 1) {
		fdtable_remove(fd);
		refs = 1;
	} else {
		refs = forget_everywhere(f);
	}
	while (refs-- > 0)
		file_put_fd(f, now);
}

void file_make_dual(struct file *f, int fd)
{
	struct list *n;

	if (f->side == FILE_DUAL)
		return;
	f->side = FILE_DUAL;
	hidden_set_nonblock(fd, true);
	list_for_each(n, &f->waits) {
		struct wait_entry *we = list_entry(n, struct wait_entry, link);

		if (we->kind == WAIT_EPITEM)
			epitem_watch_hidden(we->who, true);
	}
}

void file_make_shim(struct file *f, int fd)
{
	struct list *n;

	(void)fd;
	if (f->side == FILE_DUAL)
		list_for_each(n, &f->waits) {
			struct wait_entry *we = list_entry(n, struct wait_entry, link);

			if (we->kind == WAIT_EPITEM)
				epitem_watch_hidden(we->who, false);
		}
	f->side = FILE_SHIM;
}
