/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * names.c - the same calls under the other names that programs are linked to: what
 * -D_FORTIFY_SOURCE makes of them, 64 bits, BSD's and System V's, and the family of exec.
 */
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* siginterrupt(3) is one of them */

extern char **environ;

/* In no header, or only under other macros. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags, struct sockaddr *sa,
		       socklen_t *len);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *mask,
		size_t size);
int __dprintf_chk(int fd, int flag, const char *fmt, ...);
int __vdprintf_chk(int fd, int flag, const char *fmt, va_list ap);
pid_t __fork(void);
pid_t __vfork(void);
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
void (*__sysv_signal(int sig, void (*handler)(int)))(int);
void (*sysv_signal(int sig, void (*handler)(int)))(int);
void (*bsd_signal(int sig, void (*handler)(int)))(int);
void (*ssignal(int sig, void (*handler)(int)))(int);

static void section(const char *name)
{
	printf("-- %s\n", name);
	fflush(stdout);
}

static int vprint(int fd, bool checked, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = checked ? __vdprintf_chk(fd, 1, fmt, ap) : vdprintf(fd, fmt, ap);
	va_end(ap);
	return r;
}

static void input(int l)
{
	struct iovec iov;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char buf[8];
	int s[2], file;
	off64_t off = 0;
	fd_set set;
	struct pollfd p;

	section("input and output");
	test_pair(l, s);
	iov = (struct iovec){ (char[]){ "abcd" }, 4 };
	p = (struct pollfd){ s[1], POLLIN, 0 };
	DO(__dprintf_chk(s[0], 1, "%d", 12));
	DO(vprint(s[0], true, "%d", 34));
	DO(vprint(s[0], false, "%d", 56));
	DO(__poll_chk(&p, 1, 2000, sizeof(p)));
	DO(__ppoll_chk(&p, 1, NULL, NULL, sizeof(p)));
	FD_ZERO(&set);
	FD_SET(s[1], &set);
	DO(pselect(s[1] + 1, &set, NULL, NULL, &(struct timespec){ 2, 0 }, NULL));
	DO(__read_chk(s[1], buf, 2, 8));
	DO(__recv_chk(s[1], buf, 2, 8, MSG_WAITALL));
	DO(__recvfrom_chk(s[1], buf, 2, 8, 0, (struct sockaddr *)&from, &len));
	DO(pwritev64v2(s[0], &iov, 1, -1, 0));
	DO(preadv64v2(s[1], &iov, 1, -1, 0));
	DO(send(s[0], "!", 1, MSG_OOB));
	p.events = POLLPRI;
	DO(poll(&p, 1, 2000));
	DO(sockatmark(s[1]));
	DO(sockatmark(s[0]));
	file = open("/proc/self/exe", O_RDONLY);
	DO(sendfile64(s[0], file, &off, 4));
	DO(recv(s[1], buf, 4, MSG_WAITALL));
	DO(off);
	close(file);
	DO(fcntl64(s[0], F_SETFL, O_NONBLOCK));
	DO(fcntl64(s[0], F_GETFL));
	DO(mlockall(MCL_CURRENT));
	DO(munlockall());
	close(s[0]);
	close(s[1]);
}

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static void signals(int l)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;
	struct test_later later, data;
	char buf[4];
	int s[2];

	section("signals");
	test_pair(l, s);
	DO(__sigaction(SIGUSR1, &sa, &old));
	test_later_kill(&later, 30);
	DO(read(s[0], buf, 1));
	test_later_wait(&later);
	DO(siginterrupt(SIGUSR1, 0));
	for (int i = 0; i < 4; i++) {
		void (*before)(int) = i == 0 ? bsd_signal(SIGUSR1, on_signal) :
				      i == 1 ? ssignal(SIGUSR1, on_signal) :
				      i == 2 ? sysv_signal(SIGUSR1, on_signal) :
					       __sysv_signal(SIGUSR1, on_signal);

		DO(before == on_signal || (i == 3 && before == SIG_DFL));
		sigaction(SIGUSR1, NULL, &old);
		printf("flags %x\n",
		       (unsigned int)old.sa_flags & (SA_RESTART | SA_RESETHAND | SA_NODEFER));
		test_later_kill(&later, 30);
		test_later(&data, 90, s[1], "x");
		/* Restarted, or not and once more. */
		if (DO(read(s[0], buf, 1)) < 0)
			DO(read(s[0], buf, 1));
		test_later_wait(&later);
		test_later_wait(&data);
	}
	printf("handled %d\n", (int)handled);
	close(s[0]);
	close(s[1]);
}

static int ended(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Each ends as a shell that exits with its number. */
static void run(int how)
{
	static char name[] = "sh", c[] = "-c", text[] = "exit 5";
	char *argv[] = { name, c, text, NULL };

	switch (how) {
	case 0:
		execve("/bin/sh", argv, environ);
		break;
	case 1:
		execv("/bin/sh", argv);
		break;
	case 2:
		execvp("sh", argv);
		break;
	case 3:
		execvpe("sh", argv, environ);
		break;
	case 4:
		execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
		break;
	case 5:
		execlp("sh", "sh", "-c", "exit 5", (char *)NULL);
		break;
	case 6:
		execle("/bin/sh", "sh", "-c", "exit 5", (char *)NULL, environ);
		break;
	case 7:
		fexecve(open("/bin/sh", O_RDONLY | O_CLOEXEC), argv, environ);
		break;
	case 8:
		execveat(AT_FDCWD, "/bin/sh", argv, environ, 0);
		break;
	case 9:
		execv("/nonexistent", argv);
		_Exit(errno == ENOENT ? 6 : 7);
	}
	_exit(99);
}

/* A connection ends for its peer when a process that had it alone execs or exits. */
static void processes(int l)
{
	char buf[4];
	int s[2];
	pid_t pid;

	section("processes");
	for (int how = 0; how < 10; how++) {
		test_pair(l, s);
		fcntl(s[1], F_SETFD, FD_CLOEXEC);
		pid = how % 2 == 0 ? fork() : __fork();
		if (pid == 0)
			run(how);
		close(s[1]);
		printf("exec %d: ", how);
		DO(ended(pid));
		DO(read(s[0], buf, 1));
		close(s[0]);
	}
	test_pair(l, s);
	pid = __vfork();
	if (pid == 0)
		_exit(3);
	DO(ended(pid));
	DO(write(s[0], "x", 1));
	DO(read(s[1], buf, 1));
	close(s[0]);
	close(s[1]);
}

/* Who reads arguments after the first socket finds getopt(3) as if nobody had used it. */
static void arguments(void)
{
	static char name[] = "program", file[] = "file", x[] = "-x";
	char *argv[] = { name, file, x, NULL };

	section("getopt");
	DO(getopt(3, argv, "+x"));
	DO(optind);
}

int main(int argc, char **argv)
{
	int l;

	test_begin(argc, argv);
	l = test_listener();
	fcntl(l, F_SETFD, FD_CLOEXEC);
	arguments();
	input(l);
	signals(l);
	processes(l);
	return 0;
}
