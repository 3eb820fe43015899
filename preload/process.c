/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * process.c - fork, exec, spawn and exit.
 *
 * fork	a child shares the stack: the engine gives it a slot with a copy of the fd
 *	table before, and it takes the slot over after.  vfork becomes fork then, since a child
 *	that borrows its parent's memory would work on its parent's slot.
 * exec	nothing of ours survives yet.  Descriptors that the program wanted to keep are made
 *	CLOEXEC for the call (and put back if it fails), and one line says so.  The
 *	references are given back by the keeper, which sees the exec by the hang-up of the
 *	process's CLOEXEC pipe: not before, as exec may fail.
 * exit	gives the references back at once; who is killed has the keeper for it.
 */
#include <alloca.h>
#include <fcntl.h>
#include <paths.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "preload/call.h"
#include "preload/real.h"

extern char **environ;

/* -- fork --------------------------------------------------------------------------------- */

EXPORT pid_t fork(void)
{
	int slot, saved;
	pid_t pid;

	if (!engine_is_running() || engine_proc() == NULL || engine_is_inside())
		return real.fork();
	slot = engine_fork_prepare();
	if (slot < 0)
		return (pid_t)call_return(-EAGAIN);
	pid = real.fork();
	saved = errno;
	if (pid == 0)
		engine_fork_child(slot);
	else if (pid > 0)
		engine_fork_parent(slot, pid);
	else
		engine_fork_failed(slot);
	errno = saved;
	return pid;
}

pid_t __fork(void);
EXPORT pid_t __fork(void)
{
	return fork();
}

/*
 * vfork() cannot be called and returned from: the child would run on frames that its
 * parent then leaves.  Without a stack it is jumped to; with one it is fork().
 */
#if defined(__x86_64__)
__attribute__((visibility("hidden"))) pid_t (*process_vfork)(void) = fork;

__asm__(".text\n"
	".globl vfork, __vfork\n"
	".type vfork, @function\n"
	".type __vfork, @function\n"
	"vfork:\n"
	"__vfork:\n"
	"	cmpq $0, fdtable(%rip)\n"
	"	jne fork@PLT\n"
	"	jmp *process_vfork(%rip)\n"
	".size vfork, . - vfork\n"
	".size __vfork, . - __vfork\n");

static void resolve_vfork(void)
{
	real_init();
	process_vfork = real.vfork;
}
#else
EXPORT pid_t vfork(void)
{
	return fork();
}

pid_t __vfork(void);
EXPORT pid_t __vfork(void)
{
	return fork();
}

static void resolve_vfork(void)
{
}
#endif

EXPORT int daemon(int nochdir, int noclose)
{
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		return -1;
	if (pid > 0)
		_exit(0);
	if (setsid() < 0)
		return -1;
	if (!nochdir && chdir("/") < 0)
		return -1;
	if (noclose)
		return 0;
	fd = real.open(_PATH_DEVNULL, O_RDWR);
	if (fd < 0)
		return -1;
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		return -1;
	if (fd > STDERR_FILENO)
		close(fd);
	return 0;
}

/* -- exec ---------------------------------------------------------------------------------- */

/*
 * Make descriptors of ours CLOEXEC that the program wants to survive (on), or put them back.
 * Placeholders always are, and the kernel's own descriptors are none of our business.
 */
static unsigned int shut_ours(bool on)
{
	unsigned int fd, high, n = 0;
	struct file *f;

	if (!engine_is_running() || fdtable == NULL || engine_is_inside())
		return 0;
	engine_enter();
	high = fdtable_high();
	for (fd = 0; fd < high; fd++) {
		f = fdtable_file((int)fd);
		if (f == NULL || !fdtable_inherits((int)fd))
			continue;
		n++;
		if (!f->placeholder)
			real.fcntl((int)fd, F_SETFD, on ? FD_CLOEXEC : 0);
	}
	engine_leave();
	return n;
}

static void before_exec(const char *path)
{
	static bool told;
	unsigned int n = shut_ours(true);

	if (n > 0 && !told) {
		told = true;
		shim_log(LOG_LEVEL_INFO,
			 "%u sockets of the port do not survive the exec of %s: closed there", n,
			 path != NULL ? path : "a program");
	}
}

static int after_exec(int r)
{
	int saved = errno;

	shut_ours(false);
	errno = saved;
	return r;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	before_exec(path);
	return after_exec(real.execve(path, argv, envp));
}

EXPORT int execv(const char *path, char *const argv[])
{
	before_exec(path);
	return after_exec(real.execv(path, argv));
}

EXPORT int execvp(const char *file, char *const argv[])
{
	before_exec(file);
	return after_exec(real.execvp(file, argv));
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	before_exec(file);
	return after_exec(real.execvpe(file, argv, envp));
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	before_exec(NULL);
	return after_exec(real.fexecve(fd, argv, envp));
}

EXPORT int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	before_exec(path);
	return after_exec(real.execveat(dirfd, path, argv, envp, flags));
}

static size_t count_args(va_list ap)
{
	size_t n = 1;

	while (va_arg(ap, char *) != NULL)
		n++;
	return n;
}

static void copy_args(char **argv, const char *arg, va_list ap)
{
	*argv = (char *)(uintptr_t)arg;
	while (*argv++ != NULL)
		*argv = va_arg(ap, char *);
}

/* argv[] out of the arguments, on the caller's stack: exec has no room for a malloc. */
#define ARGV_OF(argv, arg, ap)                                                                     \
	do {                                                                                       \
		va_start(ap, arg);                                                                 \
		(argv) = alloca(((arg) == NULL ? 1 : count_args(ap) + 1) * sizeof(char *));        \
		va_end(ap);                                                                        \
		va_start(ap, arg);                                                                 \
		copy_args(argv, arg, ap);                                                          \
	} while (0)

EXPORT int execl(const char *path, const char *arg, ...)
{
	char **argv;
	va_list ap;

	ARGV_OF(argv, arg, ap);
	va_end(ap);
	return execve(path, argv, environ);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	char **argv;
	va_list ap;

	ARGV_OF(argv, arg, ap);
	va_end(ap);
	return execvp(file, argv);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char **argv, **envp;
	va_list ap;

	ARGV_OF(argv, arg, ap);
	envp = va_arg(ap, char **);
	va_end(ap);
	return execve(path, argv, envp);
}

/*
 * posix_spawn's child borrows our memory until it execs, but runs libc's code only, on a
 * copy of the descriptors: the file actions work on that, also on ours.
 */
EXPORT int posix_spawn(pid_t *restrict pid, const char *restrict path,
		       const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *restrict attr, char *const argv[restrict],
		       char *const envp[restrict])
{
	int r;

	before_exec(path);
	r = real.posix_spawn(pid, path, actions, attr, argv, envp);
	return after_exec(r);
}

EXPORT int posix_spawnp(pid_t *restrict pid, const char *restrict file,
			const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *restrict attr, char *const argv[restrict],
			char *const envp[restrict])
{
	int r;

	before_exec(file);
	r = real.posix_spawnp(pid, file, actions, attr, argv, envp);
	return after_exec(r);
}

/* -- exit ------------------------------------------------------------------------------------ */

EXPORT __attribute__((noreturn)) void _exit(int status)
{
	if (!engine_is_inside())
		engine_proc_exit();
	for (;;)
		real._exit(status);
}

EXPORT __attribute__((noreturn)) void _Exit(int status)
{
	_exit(status);
}

/* exit(3): after the program's own handlers, which may still use sockets. */
static __attribute__((destructor)) void leave(void)
{
	engine_proc_exit();
}

static __attribute__((constructor)) void enter(void)
{
	resolve_vfork();
	/* quick_exit(3) runs no destructors, only what was registered here; ours first, hence last. */
	at_quick_exit(engine_proc_exit);
}
