/* SPDX-License-Identifier: BSD-3-Clause */
/* descriptors, signals, fork */
#include "diff.h"

void socket_arguments(void)
{
	DOFD(socket(family, SOCK_STREAM, IPPROTO_UDP));
	DOFD(socket(family, SOCK_DGRAM, IPPROTO_TCP));
	DOFD(socket(family, 77, 0));
	DOFD(socket(family, SOCK_SEQPACKET, 0));
	DOFD(socket(family, SOCK_STREAM, 9999));
	DOFD(socket(9999, SOCK_STREAM, 0));
	DOFD(socket(family, SOCK_RAW, 0));
	int s = DOFD(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));

	say("F_GETFL %x F_GETFD %x", fcntl(s, F_GETFL), fcntl(s, F_GETFD));
	close(s);
	s = socket(AF_INET6, SOCK_STREAM, 0);
	say("F_GETFL %x F_GETFD %x", fcntl(s, F_GETFL), fcntl(s, F_GETFD));
	DO(close(s));
	DO(close(s));
	DO(close(-1));
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

void sigpipe(void)
{
	int s = tcp_to(ECHO);

	signals = 0;
	signal(SIGPIPE, on_signal);
	DO(shutdown(s, SHUT_WR));
	DO(write(s, "x", 1));
	say("%d signals", signals);
	DO(send(s, "x", 1, MSG_NOSIGNAL));
	say("%d signals", signals);
	signal(SIGPIPE, SIG_IGN);
	close(s);
}

static void interrupted(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };
	struct itimerval it = { { 0, 30000 }, { 0, 30000 } }, off = { { 0, 0 }, { 0, 0 } };
	struct timeval tv = { 0, 200000 };
	int s = tcp_to(MUTE), port, l = listener(family, &port), ep = epoll_create1(0);
	struct pollfd p = { .fd = s, .events = POLLIN };
	struct epoll_event ev = { .events = EPOLLIN };
	char buf[4];
	fd_set set;

	epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev);
	sigaction(SIGALRM, &sa, NULL);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setitimer(ITIMER_REAL, &it, NULL);
	signals = 0;
	DO(recv(s, buf, 4, 0));
	DO(poll(&p, 1, 1000));
	DO(epoll_wait(ep, &ev, 1, 1000));
	FD_ZERO(&set);
	FD_SET(s, &set);
	tv = (struct timeval){ 1, 0 };
	DO(select(s + 1, &set, NULL, NULL, &tv));
	if (!(flags & SA_RESTART))
		DO(accept(l, NULL, NULL));
	setitimer(ITIMER_REAL, &off, NULL);
	say("%s", signals ? "signals came" : "no signal came");
	signal(SIGALRM, SIG_DFL);
	close(s);
	close(l);
	close(ep);
}

void interrupted_calls(void)
{
	interrupted(0);
}

void restarted_calls(void)
{
	interrupted(SA_RESTART);
}

void descriptors(void)
{
	int s = tcp_to(ECHO), d, n;
	struct stat st;
	char buf[10];

	d = dup(s);
	say("dup %s", d >= 0 ? "works" : strerrorname_np(errno));
	DO(write(d, "one", 3));
	DO(recv(s, buf, 3, MSG_WAITALL));
	close(s);
	DO(write(d, "two", 3));
	DO(recv(d, buf, 3, MSG_WAITALL));
	DO(dup2(d, 200));
	DO(dup2(200, 200));
	DO(dup3(d, d, 0));
	DO(dup3(d, 201, O_CLOEXEC));
	say("FD flags %x %x", fcntl(200, F_GETFD), fcntl(201, F_GETFD));
	n = fcntl(d, F_DUPFD, 300);
	say("F_DUPFD gives %s", n >= 300 ? "as asked" : "too low");
	DO(fcntl(d, F_SETFL, O_NONBLOCK));
	say("F_GETFL %x %x", fcntl(200, F_GETFL), fcntl(n, F_GETFL));
	int off = 0;
	DO(ioctl(n, FIONBIO, &off));
	say("F_GETFL %x", fcntl(200, F_GETFL));
	DO(fstat(d, &st));
	say("%s", S_ISSOCK(st.st_mode) ? "a socket" : "no socket");
	DO(isatty(d));
	DO(fsync(d));
	DO(ftruncate(d, 0));
	DO(ioctl(d, TIOCGWINSZ, buf));
	close(d);
	close(200);
	close(201);
	DO(write(n, "end", 3));
	DO(recv(n, buf, 3, MSG_WAITALL));
	close(n);
	DO(write(n, "x", 1));
	DO(close_range(400, 300, 0));
}

void fork_shares(void)
{
	int s = tcp_to(ECHO), status;
	char buf[10];
	pid_t pid;

	DO(write(s, "p", 1));
	DO(recv(s, buf, 1, MSG_WAITALL));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (write(s, "child", 5) != 5)
			_exit(1);
		if (recv(s, buf, 5, MSG_WAITALL) != 5)
			_exit(2);
		_exit(memcmp(buf, "child", 5) ? 3 : 0);
	}
	waitpid(pid, &status, 0);
	say("child %d", WEXITSTATUS(status));
	DO(write(s, "q", 1));
	DO(recv(s, buf, 1, MSG_WAITALL));
	say("%.1s", buf);
	DO(waitpid(-1, &status, 0));
	close(s);
}

void raw_syscalls(void)
{
	union addr echo = at(peer_addr, ECHO);
	char buf[10];
	int s = (int)syscall(SYS_socket, family, SOCK_STREAM, 0);

	DO(syscall(SYS_connect, s, &echo, addr_len(&echo)));
	DO(syscall(SYS_write, s, "abc", 3));
	DO(syscall(SYS_recvfrom, s, buf, 3, MSG_WAITALL, NULL, NULL));
	DO(syscall(SYS_close, s));
	DO(syscall(SYS_close, s));
}

/* The next of the signals, which are blocked; 0: none comes. */
static int next_signal(const sigset_t *set, int ms, siginfo_t *info)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };
	int sig = sigtimedwait(set, info, &ts);

	return sig > 0 ? sig : 0;
}

static void arrivals(int s, int sig, const sigset_t *set)
{
	struct f_owner_ex ex;
	siginfo_t info;
	char buf[4];

	DO(fcntl(s, F_SETSIG, sig));
	DO(fcntl(s, F_GETSIG));
	DO(fcntl(s, F_GETOWN_EX, &ex));
	say("owner of type %d is us: %d", ex.type, ex.pid == getpid());
	for (int i = 0; i < 3; i++) {
		DO(write(s, "x", 1));
		say("arrival: %s", next_signal(set, 5000, &info) == (sig != 0 ? sig : SIGIO) ? "signal" :
											    "none");
		if (sig != 0)
			say("of the descriptor: %d, IN: %d", info.si_fd == s, (info.si_band & POLLIN) != 0);
		DO(recv(s, buf, 4, MSG_DONTWAIT));
	}
}

void sigio(void)
{
	int s = tcp_to(ECHO), port, l = listener(family, &port), c;
	sigset_t set, old;
	siginfo_t info;
	char buf[4];

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGURG);
	sigaddset(&set, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &set, &old);
	DO(fcntl(s, F_SETOWN, 0x7ffffff0));
	DO(fcntl(s, F_SETSIG, 65));
	DO(fcntl(s, F_SETSIG, -1));
	DO(fcntl(s, F_SETOWN, getpid()) == 0 && fcntl(s, F_GETOWN) == getpid());
	DO(write(s, "x", 1));
	say("without O_ASYNC: %d", next_signal(&set, 100, &info));
	DO(recv(s, buf, 4, 0));
	DO(fcntl(s, F_SETFL, O_ASYNC));
	say("flags %x", fcntl(s, F_GETFL));
	arrivals(s, 0, &set);
	arrivals(s, SIGRTMIN + 3, &set);
	DO(fcntl(s, F_SETFL, 0));
	DO(write(s, "x", 1));
	say("no more: %d", next_signal(&set, 100, &info));
	close(s);
	/* A listener, of which both sides are served, and urgent data. */
	DO(ioctl(l, FIOSETOWN, &(int){ getpid() }));
	DO(ioctl(l, FIOASYNC, &(int){ 1 }));
	ask_peer(port, "urgent");
	say("connection: %d", next_signal(&set, 5000, &info) == SIGIO);
	c = accept(l, NULL, NULL);
	fcntl(c, F_SETOWN, getpid());
	until(c, POLLPRI);
	next_signal(&set, 0, &info);
	close(c);
	s = socket(family, SOCK_STREAM, 0);
	union addr to = at(loopback(), port);
	DO(connect(s, SA(to)));
	say("from the kernel's side: %d", next_signal(&set, 5000, &info) == SIGIO);
	close(s);
	close(l);
	sigprocmask(SIG_SETMASK, &old, NULL);
}
