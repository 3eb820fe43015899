/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * placeholder.c - the pool of descriptor numbers (see placeholder.h).
 *
 * The pool is a set of small integers with a find-lowest: three levels of 64-bit
 * words, a word of one level saying which words of the level below are not empty.
 *
 * What is in the pool is taken, for the kernel: open(2) and its like, which are not ours to
 * catch, would fail with EMFILE while the program has closed nearly all it had.  So the pool
 * keeps no more than an eighth of what the program may have.
 */
#include "preload/placeholder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "preload/engine_priv.h"
#include "preload/fdtable.h"
#include "preload/real.h"

#define BATCH_MIN 8
#define BATCH_MAX 64
/* A closed connection's number beyond this goes back to the kernel, or beyond the limit's share. */
#define POOL_KEEP 4096
#define POOL_SHARE 8

static struct {
	uint64_t word[SHM_MAX_FDS / 64];
	uint64_t sum[SHM_MAX_FDS / 64 / 64];
	uint64_t top[SHM_MAX_FDS / 64 / 64 / 64];
	unsigned int count;
	unsigned int batch;
	unsigned int keep;
	int base;
} pool = { .base = -1, .keep = BATCH_MIN };

_Static_assert(SHM_MAX_FDS / 64 / 64 / 64 == 4, "three levels and four words on top");

static void set_add(unsigned int fd)
{
	pool.word[fd >> 6] |= 1ull << (fd & 63);
	pool.sum[fd >> 12] |= 1ull << (fd >> 6 & 63);
	pool.top[fd >> 18] |= 1ull << (fd >> 12 & 63);
	pool.count++;
}

static bool set_has(unsigned int fd)
{
	return (pool.word[fd >> 6] >> (fd & 63) & 1) != 0;
}

static void set_del(unsigned int fd)
{
	pool.count--;
	pool.word[fd >> 6] &= ~(1ull << (fd & 63));
	if (pool.word[fd >> 6] != 0)
		return;
	pool.sum[fd >> 12] &= ~(1ull << (fd >> 6 & 63));
	if (pool.sum[fd >> 12] == 0)
		pool.top[fd >> 18] &= ~(1ull << (fd >> 12 & 63));
}

static int set_lowest(void)
{
	unsigned int t, s, w;

	for (t = 0; t < 4; t++) {
		if (pool.top[t] == 0)
			continue;
		s = t * 64 + (unsigned int)__builtin_ctzll(pool.top[t]);
		w = s * 64 + (unsigned int)__builtin_ctzll(pool.sum[s]);
		return (int)(w * 64 + (unsigned int)__builtin_ctzll(pool.word[w]));
	}
	return -1;
}

static int base_open(void)
{
	int low, high;

	if (pool.base >= 0)
		return 0;
	low = real.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (low < 0)
		return -errno;
	high = fds_move_high(low);
	pool.base = high >= 0 ? high : low;
	fdtable_protect(pool.base);
	return 0;
}

/* The limit is looked at again whenever the pool was empty: programs change it early. */
static void measure(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	pool.keep = rl.rlim_cur / POOL_SHARE < POOL_KEEP ? (unsigned int)(rl.rlim_cur / POOL_SHARE) :
							   POOL_KEEP;
	if (pool.keep < BATCH_MIN)
		pool.keep = BATCH_MIN;
}

static int grow(void)
{
	unsigned int i;
	int fd = base_open();

	if (fd < 0)
		return fd;
	measure();
	pool.batch = pool.batch == 0 ? BATCH_MIN : pool.batch * 2;
	if (pool.batch > BATCH_MAX)
		pool.batch = BATCH_MAX;
	if (pool.batch > pool.keep)
		pool.batch = pool.keep;
	for (i = 0; i < pool.batch; i++) {
		/* 0, 1 and 2 are for whoever closed them. */
		fd = real.fcntl(pool.base, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			break;
		if ((unsigned int)fd >= SHM_MAX_FDS) {
			real.close(fd);
			errno = EMFILE;
			break;
		}
		fdtable_mark(fd, FDT_POOLED);
		set_add((unsigned int)fd);
	}
	return i > 0 ? 0 : -errno;
}

int placeholder_peek(void)
{
	int err;

	if (__builtin_expect(pool.count == 0, 0)) {
		err = grow();
		if (err < 0)
			return err;
	}
	return set_lowest();
}

void placeholder_take(int fd)
{
	set_del((unsigned int)fd);
}

bool placeholder_put(int fd)
{
	if (pool.count >= pool.keep)
		return false;
	set_add((unsigned int)fd);
	fdtable_mark(fd, FDT_POOLED);
	return true;
}

void placeholder_forget(int fd)
{
	if (set_has((unsigned int)fd))
		set_del((unsigned int)fd);
}

unsigned int placeholder_drain(void)
{
	unsigned int n;
	int fd;

	for (n = 0; (fd = set_lowest()) >= 0; n++) {
		set_del((unsigned int)fd);
		fdtable_mark(fd, FDT_NONE);
		real.close(fd);
	}
	return n;
}

bool placeholder_make_room(void)
{
	unsigned int freed;

	if (errno != EMFILE || !engine_is_running() || engine_is_inside())
		return false;
	engine_enter();
	freed = placeholder_drain();
	engine_leave();
	errno = EMFILE;
	return freed > 0;
}
