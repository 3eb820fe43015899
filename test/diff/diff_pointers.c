/* SPDX-License-Identifier: BSD-3-Clause */
/* pointers that lead nowhere: EFAULT, and faults of the program's own */
#include "diff.h"

#include <setjmp.h>
#include <sys/mman.h>

/* Mapped by nobody, by the kernel alone, and a page that may not be touched. */
static void *nowhere[3];

static void make_nowhere(void)
{
	nowhere[0] = (void *)8;
	nowhere[1] = (void *)-1;
	nowhere[2] = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void on_a_stream(int s, void *bad)
{
	struct iovec iov = { bad, 4 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	char buf[4];
	socklen_t len = 4;
	int one = 1;

	DO(write(s, bad, 4));
	DO(send(s, bad, 4, 0));
	DO(writev(s, bad, 1));
	DO(writev(s, &iov, 1));
	DO(sendmsg(s, &m, 0));
	DO(sendmsg(s, bad, 0));
	DO(write(s, "data", 4));
	until(s, POLLIN);
	DO(read(s, bad, 4));
	DO(recv(s, bad, 4, MSG_PEEK));
	DO(readv(s, bad, 1));
	DO(readv(s, &iov, 1));
	DO(recvmsg(s, &m, 0));
	DO(recvmsg(s, bad, 0));
	DO(recv(s, buf, 4, MSG_WAITALL));
	DO(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, bad, 4));
	DO(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &one, 4));
	DO(getsockopt(s, SOL_SOCKET, SO_KEEPALIVE, bad, &len));
	DO(getsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &one, bad));
	DO(getsockname(s, bad, &len));
	DO(getsockname(s, (struct sockaddr *)buf, bad));
	DO(getpeername(s, bad, &len));
	DO(ioctl(s, FIONREAD, bad));
	DO(ioctl(s, FIONBIO, bad));
}

static void on_others(int u, void *bad)
{
	union addr echo = at(peer_addr, UECHO);
	int t = socket(family, SOCK_STREAM, 0), ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN };
	struct timeval tv = { 0, 0 };
	char buf[4];

	DO(bind(t, bad, 16));
	DO(connect(t, bad, 16));
	DO(sendto(u, bad, 4, 0, SA(echo)));
	DO(sendto(u, "data", 4, 0, bad, 16));
	DO(sendto(u, "data", 4, 0, SA(echo)));
	until(u, POLLIN);
	DO(recvfrom(u, bad, 4, MSG_PEEK, NULL, NULL));
	DO(recv(u, buf, 4, 0));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, u, bad));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, u, &ev));
	DO(poll(bad, 1, 0));
	DO(select(u + 1, bad, NULL, NULL, &tv));
	close(t);
	close(ep);
}

void bad_pointers(void)
{
	int s = tcp_to(ECHO), u = socket(family, SOCK_DGRAM, 0);

	make_nowhere();
	for (int i = 0; i < 3; i++) {
		on_a_stream(s, nowhere[i]);
		on_others(u, nowhere[i]);
	}
	close(s);
	close(u);
}

static sigjmp_buf back;

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

/* What ends a process that does fn: a signal or its exit status. */
static void in_child(const char *what, void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fn();
		_exit(7);
	}
	waitpid(pid, &status, 0);
	say("%s: %s %d", what, WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void touch(void)
{
	*(volatile char *)nowhere[2] = 1;
}

static void touch_ignoring(void)
{
	signal(SIGSEGV, SIG_IGN);
	raise(SIGSEGV);
	touch();
}

static void touch_handling(void)
{
	signal(SIGSEGV, on_fault);
	if (sigsetjmp(back, 1) == 0)
		touch();
}

static void touch_no_longer_handling(void)
{
	signal(SIGSEGV, on_fault);
	signal(SIGSEGV, SIG_DFL);
	touch();
}

static void raise_it(void)
{
	raise(SIGSEGV);
}

static void raise_bus(void)
{
	kill(getpid(), SIGBUS);
	for (;;)
		pause();
}

/* Our own faults are as they were. */
void own_faults(void)
{
	int s = tcp_to(ECHO);
	struct sigaction old;

	make_nowhere();
	DO(sigaction(SIGSEGV, NULL, &old));
	say("%s", old.sa_handler == SIG_DFL && old.sa_flags == 0 ? "default" : "a handler");
	in_child("touch", touch);
	in_child("touch, ignoring", touch_ignoring);
	in_child("touch, handling", touch_handling);
	in_child("touch, no longer handling", touch_no_longer_handling);
	in_child("raise", raise_it);
	in_child("kill with SIGBUS", raise_bus);
	close(s);
}
