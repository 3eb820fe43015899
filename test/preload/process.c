/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * process.c - sockets across fork, exec, spawn and exit.
 */
#include <spawn.h>

#include "calls.h"

extern char **environ;

static void section(const char *name)
{
	printf("-- %s\n", name);
	fflush(stdout);
}

static int child_status(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* A child answers on what its parent accepted, and accepts itself. */
static void shared(int l)
{
	char buf[16];
	int s[2], c;
	pid_t pid;

	section("fork shares");
	test_pair(l, s);
	pid = fork();
	if (pid == 0) {
		close(s[0]);
		if (write(s[1], "child", 5) != 5)
			_exit(1);
		c = accept(l, NULL, NULL);
		if (c < 0 || write(c, "again", 5) != 5)
			_exit(2);
		_exit(0);
	}
	close(s[1]);
	DO(read(s[0], buf, 16));
	c = test_connect(l);
	DO(read(c, buf, 16));
	DO(child_status(pid));
	/* The child has exited: its references are gone. */
	DO(read(s[0], buf, 16));
	DO(read(c, buf, 16));
	close(c);
	close(s[0]);
}

/* The parent goes, as when a daemon starts; what it made lives on. */
static void orphaned(void)
{
	char buf[16];
	int p[2], l, c, go[2];
	pid_t pid;

	section("the parent exits");
	if (pipe(p) < 0 || pipe(go) < 0)
		exit(2);
	pid = fork();
	if (pid == 0) {
		int port;

		l = test_listener();
		port = test_port(l);
		if (fork() != 0)
			_exit(0);
		if (read(go[0], buf, 1) != 1 || write(p[1], &port, sizeof(port)) != sizeof(port))
			_exit(1);
		c = accept(l, NULL, NULL);
		if (write(c, "alive", 5) != 5)
			_exit(2);
		_exit(0);
	}
	DO(child_status(pid));
	DO(write(go[1], "x", 1));
	{
		struct sockaddr_in sin;
		int port = 0, fd = socket(AF_INET, SOCK_STREAM, 0);

		DO(read(p[0], &port, sizeof(port)));
		sin = test_sin(test_addr, port);
		DO(connect(fd, SA(sin)));
		DO(read(fd, buf, 16));
		DO(read(fd, buf, 16));
		close(fd);
	}
	close(p[0]);
	close(p[1]);
	close(go[0]);
	close(go[1]);
}

static void killed(int l)
{
	char buf[16];
	int s[2];
	pid_t pid;
	long t;

	section("the only holder is killed");
	test_pair(l, s);
	pid = fork();
	if (pid == 0) {
		close(s[0]);
		pause();
		_exit(0);
	}
	close(s[1]);
	usleep(20000);
	kill(pid, SIGKILL);
	DO(child_status(pid));
	t = test_ms();
	DO(read(s[0], buf, 16));
	printf("soon %d\n", test_ms() - t < 1000);
	close(s[0]);
}

static void executed(int l)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 7", NULL };
	char buf[16];
	int s[2];
	pid_t pid;

	section("exec and spawn");
	test_pair(l, s);
	fcntl(s[1], F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		execv("/nonexistent", argv);
		if (errno != ENOENT || write(s[1], "still here", 10) != 10)
			_exit(1);
		execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
		_exit(2);
	}
	close(s[1]);
	DO(read(s[0], buf, 10));
	DO(child_status(pid));
	/* CLOEXEC: the exec closed the last descriptor. */
	DO(read(s[0], buf, 16));
	close(s[0]);

	pid = vfork();
	if (pid == 0) {
		execlp("sh", "sh", "-c", "exit 8", (char *)NULL);
		_exit(2);
	}
	DO(child_status(pid));
	DO(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ));
	DO(child_status(pid));
	DO(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ));
	DO(child_status(pid));
	DO(posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, environ));
	DO(system("exit 9") >> 8);
}

/* Daemons close everything; what they open then is what they get. */
static void swept(int l)
{
	char buf[16];
	int s[2], fd;
	pid_t pid;

	section("closing everything");
	test_pair(l, s);
	pid = fork();
	if (pid == 0) {
		for (fd = 3; fd < 1024; fd++)
			close(fd);
		l = test_listener();
		test_pair(l, s);
		if (write(s[0], "x", 1) != 1 || read(s[1], buf, 1) != 1)
			_exit(1);
		close_range(3, ~0u, 0);
		errno = 0;
		if (write(s[0], "x", 1) != -1 || errno != EBADF)
			_exit(2);
		l = test_listener();
		test_pair(l, s);
		if (write(s[0], "x", 1) != 1 || read(s[1], buf, 1) != 1)
			_exit(3);
		closefrom(3);
		_exit(write(s[0], "x", 1) == -1 && errno == EBADF ? 0 : 4);
	}
	DO(child_status(pid));
	DO(write(s[1], "parent", 6));
	DO(read(s[0], buf, 16));
	close(s[0]);
	close(s[1]);
}

/* Many short-lived children, and no SIGCHLD or child that is not the program's. */
static void storm(int l)
{
	int i, s[2], ok = 0;
	char buf[4];

	section("many children");
	for (i = 0; i < 50; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			int c = accept(l, NULL, NULL);

			_exit(c >= 0 && write(c, "ok", 2) == 2 ? 0 : 1);
		}
		s[0] = test_connect(l);
		ok += read(s[0], buf, 4) == 2 && read(s[0], buf, 4) == 0 && child_status(pid) == 0;
		close(s[0]);
	}
	printf("%d\n", ok);
	DO(waitpid(-1, NULL, WNOHANG));
}

int main(int argc, char **argv)
{
	int l;

	test_begin(argc, argv);
	l = test_listener();
	shared(l);
	orphaned();
	killed(l);
	executed(l);
	swept(l);
	storm(l);
	return 0;
}
