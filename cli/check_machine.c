/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check_machine.c - processor, kernel, memory, limits, and the library itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/cli.h"

#define MB (1ull << 20)
/* DPDK's and the stack's tables, beside the packet buffers. */
#define OVERHEAD_MB 64
/* Descriptors the library takes for itself: EAL, port, pools of eventfds and placeholders. */
#define OWN_FDS 256

static void check_processor(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		check_ok("processor has SSE4.2");
	else
		check_missing("processor has no SSE4.2, which DPDK needs");
#endif
}

/* Linux 5.3 brought pidfd_open(2); the library watches its processes with it. */
static void check_kernel(void)
{
	long fd = syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0) {
		close((int)fd);
		check_ok("kernel has pidfd_open");
	} else {
		check_missing("kernel refuses pidfd_open (%s): Linux 5.3 or later is needed, and a "
			      "sandbox must allow it",
			      strerror(errno));
	}
}

static bool read_number(const char *path, unsigned long long *value)
{
	char line[64];

	if (!check_read_line(path, line, sizeof(line)))
		return false;
	*value = strtoull(line, NULL, 10);
	return true;
}

/* Huge pages of the default size that are free, in MB. */
static unsigned long long hugepages_free_mb(void)
{
	unsigned long long pages = 0, kb = 0;

	check_read_field("/proc/meminfo", "HugePages_Free", 10, &pages);
	check_read_field("/proc/meminfo", "Hugepagesize", 10, &kb);
	return pages * kb / 1024;
}

static void check_hugepages(const struct shim_config *cfg)
{
	unsigned long long want = (cfg->memory + MB - 1) / MB + OVERHEAD_MB;
	unsigned long long have = hugepages_free_mb(), kb = 2048;

	check_read_field("/proc/meminfo", "Hugepagesize", 10, &kb);
	if (cfg->hugepages == HUGEPAGES_OFF) {
		check_ok("huge pages are not wanted");
	} else if (have >= want) {
		check_ok("%llu MB of huge pages are free", have);
	} else if (cfg->hugepages == HUGEPAGES_ON) {
		check_missing("%llu MB of huge pages are free and about %llu are needed: as root, "
			      "echo %llu > /proc/sys/vm/nr_hugepages",
			      have, want, (want * 1024 + kb - 1) / kb);
	} else {
		check_note("%llu MB of huge pages are free, about %llu would be used: ordinary pages "
			   "are taken, which is slower (echo %llu > /proc/sys/vm/nr_hugepages)",
			   have, want, (want * 1024 + kb - 1) / kb);
	}
}

static void check_memory(const struct shim_config *cfg)
{
	unsigned long long want = (cfg->memory + MB - 1) / MB + OVERHEAD_MB, kb = 0, mode = 0;
	struct rlimit as;

	check_hugepages(cfg);
	if (check_read_field("/proc/meminfo", "MemAvailable", 10, &kb)) {
		if (kb / 1024 >= want || hugepages_free_mb() >= want)
			check_ok("%llu MB of memory are available", kb / 1024);
		else
			check_missing("%llu MB of memory are available and about %llu are needed: a "
				      "smaller --memory",
				      kb / 1024, want);
	}
	if (getrlimit(RLIMIT_AS, &as) == 0 && as.rlim_cur != RLIM_INFINITY) {
		if (as.rlim_cur < (want + 1024) * MB)
			check_missing("address space is limited to %llu MB (ulimit -v): ulimit -v unlimited",
				      (unsigned long long)as.rlim_cur / MB);
		else
			check_note("address space is limited to %llu MB (ulimit -v): fewer sockets are "
				   "possible",
				   (unsigned long long)as.rlim_cur / MB);
	}
	if (read_number("/proc/sys/vm/overcommit_memory", &mode) && mode == 2)
		check_note("the kernel does not overcommit memory (vm.overcommit_memory=2): fewer sockets "
			   "are possible");
}

static void check_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return;
	if (lim.rlim_cur <= OWN_FDS)
		check_missing("only %llu open files are allowed and the library itself takes up to %d: "
			      "ulimit -n 4096",
			      (unsigned long long)lim.rlim_cur, OWN_FDS);
	else if (lim.rlim_cur < 4096)
		check_note("%llu open files are allowed, of which every connection takes one (ulimit -n)",
			   (unsigned long long)lim.rlim_cur);
	else
		check_ok("%llu open files are allowed", (unsigned long long)lim.rlim_cur);
}

/* Without rights of our own, a user namespace is the way to a try-out. */
static void check_namespaces(void)
{
	unsigned long long n;

	if (check_capable(CHECK_CAP_NET_ADMIN))
		return;
	if ((read_number("/proc/sys/kernel/unprivileged_userns_clone", &n) && n == 0) ||
	    (read_number("/proc/sys/user/max_user_namespaces", &n) && n == 0))
		check_note("user namespaces are switched off: a try-out without root (unshare -rn) is not "
			   "possible here");
	else
		check_note("not privileged: `unshare -rn` gives a network namespace to try things in");
}

/*
 * Start ourselves with the library preloaded and no port given: ld.so tells what is wrong
 * with it (a missing libnuma, say) on stderr, and goes on without it.
 */
static void check_library(void)
{
	char path[PATH_MAX], said[512] = "", preload[PATH_MAX + 16];
	char *argv[] = { (char *)"shim", (char *)"version", NULL };
	char *envp[] = { preload, NULL };
	posix_spawn_file_actions_t actions;
	int fds[2], status = 0, r;
	ssize_t n;
	pid_t pid;

	if (!library_find(path)) {
		check_missing("there is no %s: `make` builds it, `make install` installs it", path);
		return;
	}
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", path);
	if (pipe2(fds, O_CLOEXEC) != 0)
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	r = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (r == 0) {
		n = read(fds[0], said, sizeof(said) - 1);
		said[n > 0 ? n : 0] = '\0';
		said[strcspn(said, "\n")] = '\0';
		waitpid(pid, &status, 0);
	}
	close(fds[0]);
	if (r == 0 && said[0] == '\0' && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		check_ok("%s can be preloaded", path);
	else
		check_missing("%s cannot be preloaded: %s", path,
			      r != 0	       ? strerror(r) :
			      said[0] != '\0' ? said :
						"the program ended at once");
}

void check_machine(const struct shim_config *cfg)
{
	check_processor();
	check_kernel();
	check_library();
	check_memory(cfg);
	check_files();
	check_namespaces();
}
