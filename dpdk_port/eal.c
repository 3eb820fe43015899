/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eal.c - see eal.h.
 *
 * EAL is made for programs that are its own.  Here it starts in the middle of somebody
 * else's, possibly with threads, before a fork, and everything it does beside our port
 * is unwanted:
 *
 *  signals     Its interrupt thread would take the program's signals (nginx's master
 *              lost QUIT to it): it is made with all of them blocked.
 *  RT signals  net_tap takes one per process as its receive trigger: after a fork the
 *              child receives nothing, and after an exec the packet's signal kills.  With
 *              all of them ignored while the device starts, it polls.
 *  affinity    rte_eal_init() pins the calling thread; put back.
 *  getopt      EAL reads its arguments with it.  It puts optind back, but what getopt(3)
 *              keeps for itself is EAL's then, whether "+" was asked for, for one: who has
 *              not begun yet begins anew (optind 0).
 *  limits      It raises RLIMIT_NOFILE, by which programs size their tables and whose
 *              end select(2) relies on; put back.
 *  log         Written to stderr and syslog; kept in a buffer, of which one line is told
 *              when something fails.
 *  memory      DPDK's heap locks are private to each process in the modes below, but the
 *              memory is shared by fork: after the first fork nobody may allocate from it
 *              or free to it, nor configure, start or stop a device.
 *  files       Nothing under /run: --in-memory or --no-shconf.
 *  threads     Only the interrupt thread; eal_freeze() stops it once the port is up.
 *  end	        None: rte_eal_cleanup() unmaps memory that the interrupt thread may be
 *              using, and EAL starts only once in a process anyhow.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_alarm.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "dpdk_port/eal.h"
#include "dpdk_port/libc.h"
#include "shim/config.h"

/* -- shelter ------------------------------------------------------------------------ */

#define RT_FIRST 34 /* glibc keeps 32 and 33 for itself */
#define RT_LAST	 64

struct eal_shelter {
	sigset_t mask;
	cpu_set_t cpus;
	bool have_cpus;
	int optind;
	struct rlimit nofile;
	bool have_nofile;
	struct sys_sigaction rt[RT_LAST - RT_FIRST + 1];
	unsigned char open_before[8192 / 8]; /* descriptors, where DPDK's calls do not tell us */
};

static struct eal_shelter shelter_one;

static void for_each_fd(void (*visit)(int fd, void *arg), void *arg)
{
	struct entry {
		uint64_t ino;
		int64_t off;
		unsigned short reclen;
		unsigned char type;
		char name[];
	};
	int dir = port_sys_open64("/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
	_Alignas(8) char buf[4096];
	long n;

	if (dir < 0)
		return;
	while ((n = port_sys_syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (long off = 0; off < n;) {
			const struct entry *e = (const void *)(buf + off);
			int fd = atoi(e->name);

			if (e->name[0] >= '0' && e->name[0] <= '9' && fd != dir)
				visit(fd, arg);
			off += e->reclen;
		}
	}
	port_sys_close(dir);
}

static void note_open(int fd, void *arg)
{
	struct eal_shelter *s = arg;

	if (fd < (int)sizeof(s->open_before) * 8)
		s->open_before[fd / 8] |= (unsigned char)(1u << (fd % 8));
}

static void adopt_new(int fd, void *arg)
{
	const struct eal_shelter *s = arg;

	if (fd >= (int)sizeof(s->open_before) * 8 || (s->open_before[fd / 8] & 1u << (fd % 8)))
		return;
	port_sys_fcntl64(fd, F_SETFD, FD_CLOEXEC);
	sys_track_fd(fd);
}

struct eal_shelter *eal_shelter_begin(void)
{
	static const struct sys_sigaction ignore = { .handler = SIG_IGN };
	struct eal_shelter *s = &shelter_one;
	sigset_t all;

	memset(s, 0, sizeof(*s));
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &s->mask);
	s->have_cpus = sched_getaffinity(0, sizeof(s->cpus), &s->cpus) == 0;
	s->optind = optind;
	s->have_nofile = getrlimit(RLIMIT_NOFILE, &s->nofile) == 0;
	for (int sig = RT_FIRST; sig <= RT_LAST; sig++) {
		sys_sigaction_get(sig, &s->rt[sig - RT_FIRST]);
		sys_sigaction_set(sig, &ignore);
	}
	for_each_fd(note_open, s)
		;
	sys_track_begin();
	return s;
}

void eal_shelter_collect(struct eal_shelter *s)
{
	int fds[SYS_MAX_FDS];
	unsigned int n;

	if (sys_is_bound())
		return;
	n = sys_tracked_fds(fds, SYS_MAX_FDS);
	for (unsigned int i = 0; i < n; i++)
		note_open(fds[i], s);
	for_each_fd(adopt_new, s)
		;
}

bool eal_shelter_end_wanted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
		sigismember(&pending, SIGQUIT) || sigismember(&pending, SIGHUP));
}

void eal_shelter_end(struct eal_shelter *s)
{
	eal_shelter_collect(s);
	sys_track_end();
	for (int sig = RT_FIRST; sig <= RT_LAST; sig++)
		sys_sigaction_set(sig, &s->rt[sig - RT_FIRST]);
	if (s->have_cpus)
		sched_setaffinity(0, sizeof(s->cpus), &s->cpus);
	optind = s->optind > 1 ? s->optind : 0;
	if (s->have_nofile)
		setrlimit(RLIMIT_NOFILE, &s->nofile);
	pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
}

/* -- log ---------------------------------------------------------------------------- */

static char log_text[4096]; /* whole lines, the oldest dropped */
static char log_line[256];
static char log_bad[256]; /* the first error, or the first warning while there is none */
static unsigned int log_bad_level = RTE_LOG_DEBUG;
static size_t log_len;

static void log_note_bad(const char *buf, size_t n)
{
	unsigned int level = (unsigned int)rte_log_cur_msg_loglevel();
	size_t len = n < sizeof(log_bad) ? n : sizeof(log_bad) - 1;

	if (level > RTE_LOG_WARNING || level >= log_bad_level)
		return;
	while (len > 0 && (buf[len - 1] == '\n' || buf[len - 1] == '\r'))
		len--;
	if (len == 0)
		return;
	memcpy(log_bad, buf, len);
	log_bad[len] = '\0';
	log_bad_level = level;
}

static ssize_t log_write(void *cookie, const char *buf, size_t n)
{
	size_t take = n < sizeof(log_text) / 2 ? n : sizeof(log_text) / 2;

	(void)cookie;
	if (log_len + take >= sizeof(log_text)) {
		size_t half = log_len / 2;

		memmove(log_text, log_text + half, log_len - half);
		log_len -= half;
	}
	memcpy(log_text + log_len, buf, take);
	log_len += take;
	log_text[log_len] = '\0';
	log_note_bad(buf, take);
	return (ssize_t)n;
}

static void log_capture(void)
{
	static const cookie_io_functions_t io = { .write = log_write };
	FILE *f = fopencookie(NULL, "w", io);

	if (f == NULL)
		return;
	setvbuf(f, log_line, _IOLBF, sizeof(log_line));
	rte_openlog_stream(f);
}

const char *eal_log_why(void)
{
	return log_bad;
}

bool eal_log_contains(const char *text)
{
	return strstr(log_text, text) != NULL;
}

void eal_log_clear(void)
{
	log_len = 0;
	log_text[0] = log_bad[0] = '\0';
	log_bad_level = RTE_LOG_DEBUG;
}

/* -- memory ------------------------------------------------------------------------- */

#define MB	(1024ul * 1024)
#define HUGE_2M (2 * MB)

/*
 * Would the kernel give us that much of hugepages now?  A shared mapping reserves them, so
 * that this answer includes cgroup limits and other users' reservations.
 */
static bool hugepages_free(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, bytes);
	return true;
}

static unsigned long hugepages_count(const char *what)
{
	char path[96], buf[32] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-2048kB/%s", what);
	fd = port_sys_open64(path, O_RDONLY, 0);
	if (fd < 0)
		return 0;
	n = port_sys_read(fd, buf, sizeof(buf) - 1);
	port_sys_close(fd);
	return n > 0 ? strtoul(buf, NULL, 10) : 0;
}

/* "N,N,N": the same limit for every NUMA node (EAL's own default is none, and grows). */
static void socket_limits(char *buf, size_t len, unsigned long mb)
{
	unsigned int nodes = 0;
	size_t off;
	char path[64];

	do {
		nodes++;
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", nodes);
	} while (nodes < 8 && access(path, F_OK) == 0);
	off = (size_t)snprintf(buf, len, "--socket-limit=%lu", mb);
	for (unsigned int i = 1; i < nodes && off < len; i++)
		off += (size_t)snprintf(buf + off, len - off, ",%lu", mb);
}

/* Hugepages or not; -ENOMEM when they were demanded and are not there. */
static int choose_hugepages(const struct eal_params *params, unsigned long mb, bool *use, char *err,
			    size_t errlen)
{
	/* EAL's own structures beside the heap take some, too. */
	uint64_t bytes = (mb * MB + 2 * HUGE_2M) / HUGE_2M * HUGE_2M;

	*use = params->hugepages != HUGEPAGES_OFF && hugepages_count("free_hugepages") > 0 &&
	       hugepages_free(bytes);
	if (*use || params->hugepages != HUGEPAGES_ON)
		return 0;
	snprintf(err, errlen,
		 "hugepages are asked for, but %lu of 2 MB are needed and %lu are free: "
		 "echo %lu > /proc/sys/vm/nr_hugepages as root, or do without (SHIM_HUGEPAGES=off)",
		 (unsigned long)(bytes / HUGE_2M), hugepages_count("free_hugepages"),
		 (unsigned long)(bytes / HUGE_2M) + hugepages_count("nr_hugepages"));
	return -ENOMEM;
}

/* -- start -------------------------------------------------------------------------- */

static int first_cpu(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &cpus))
				return cpu;
	return 0;
}

int eal_start(const struct eal_params *params, char *err, size_t errlen)
{
	static bool started;
	static char mem[32], limit[128], cores[32];
	unsigned long mb = (params->memory + MB - 1) / MB;
	char *argv[16 + 2 * EAL_MAX_PCI];
	bool huge;
	int argc = 0, r;

	if (started) {
		snprintf(err, errlen, "DPDK was started before in this process");
		return -EALREADY;
	}
	r = choose_hugepages(params, mb, &huge, err, errlen);
	if (r < 0)
		return r;
	snprintf(mem, sizeof(mem), "%lu", mb);
	snprintf(cores, sizeof(cores), "--lcores=0@%d", first_cpu());
	argv[argc++] = (char *)"shim";
	argv[argc++] = cores;
	argv[argc++] = (char *)"--no-telemetry";
	argv[argc++] = (char *)"-m";
	argv[argc++] = mem;
	if (huge) {
		socket_limits(limit, sizeof(limit), mb);
		argv[argc++] = (char *)"--in-memory";
		argv[argc++] = (char *)"--single-file-segments";
		argv[argc++] = limit;
	} else {
		argv[argc++] = (char *)"--no-huge";
		argv[argc++] = (char *)"--no-shconf";
	}
	for (unsigned int i = 0; i < params->npci; i++) {
		argv[argc++] = (char *)"-a";
		argv[argc++] = (char *)(uintptr_t)params->pci[i];
	}
	if (params->npci == 0) {
		argv[argc++] = (char *)"--no-pci";
		argv[argc++] = (char *)"--iova-mode=va";
	}
	argv[argc] = NULL;

	log_capture();
	started = true;
	if (rte_eal_init(argc, argv) >= 0)
		return 0;
	r = rte_errno == ENOMEM || eal_log_contains("annot allocate memory") ? -ENOMEM : -EIO;
	if (r == -ENOMEM)
		snprintf(err, errlen,
			 "no memory for %lu MB of packet buffers (SHIM_MEMORY, or the limits of "
			 "this process or container): %s",
			 mb, eal_log_why());
	else
		snprintf(err, errlen, "DPDK does not start: %s",
			 log_bad[0] != '\0' ? log_bad : rte_strerror(rte_errno));
	return r;
}

/* -- freeze ------------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopped;
} freeze = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* An alarm: runs in the interrupt thread, and stays. */
static void freeze_callback(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&freeze.lock);
	freeze.stopped = true;
	pthread_cond_broadcast(&freeze.changed);
	for (;;)
		pthread_cond_wait(&freeze.changed, &freeze.lock);
}

int eal_freeze(void)
{
	int r;

	if (freeze.stopped)
		return 0;
	r = rte_eal_alarm_set(1, freeze_callback, NULL);
	if (r < 0)
		return r;
	pthread_mutex_lock(&freeze.lock);
	while (!freeze.stopped)
		pthread_cond_wait(&freeze.changed, &freeze.lock);
	pthread_mutex_unlock(&freeze.lock);
	return 0;
}
