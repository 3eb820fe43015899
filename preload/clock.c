/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.c - ns of CLOCK_MONOTONIC, from the TSC where the kernel itself trusts it.
 *
 * clock_gettime() costs 23 ns here and every socket call needs the time; rdtsc 10.
 * The rate is measured against CLOCK_MONOTONIC over the 100 ms and more that the start
 * of EAL takes anyway, which is exact to some 10^-6; what drifts apart after that
 * does not matter, as nobody compares the two.  The parameters are inherited by fork,
 * so that all processes of a stack read the same clock.
 */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/real.h"

static struct {
	bool tsc;
	struct clock_sample base;
	uint64_t mult; /* ns per tick << 32 */
} clk;

uint64_t clock_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

#if defined(__x86_64__)
static inline uint64_t read_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

/* The kernel uses the TSC only where it runs at one rate and is the same on all cores. */
static bool kernel_trusts_tsc(void)
{
	char name[16] = "";
	int fd = real.open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
			   O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (real.read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	real.close(fd);
	return strncmp(name, "tsc", 3) == 0;
}
#else
static inline uint64_t read_tsc(void)
{
	return 0;
}

static bool kernel_trusts_tsc(void)
{
	return false;
}
#endif

struct clock_sample clock_take_sample(void)
{
	struct clock_sample best = { 0, 0 };
	uint64_t width = UINT64_MAX;

	/* Of a few tries the one that was not interrupted. */
	for (int i = 0; i < 5; i++) {
		uint64_t before = read_tsc();
		uint64_t ns = clock_monotonic();
		uint64_t after = read_tsc();

		if (after - before < width) {
			width = after - before;
			best.tsc = before + (after - before) / 2;
			best.ns = ns;
		}
	}
	return best;
}

void clock_calibrate(const struct clock_sample *from, const struct clock_sample *to)
{
	uint64_t ticks = to->tsc - from->tsc, ns = to->ns - from->ns;

	/* Under 20 ms the two ends' jitter would show. */
	if (!kernel_trusts_tsc() || ticks == 0 || ns < 20 * NSEC_PER_MSEC)
		return;
	clk.base = *to;
	clk.mult = (uint64_t)(((unsigned __int128)ns << 32) / ticks);
	__atomic_store_n(&clk.tsc, true, __ATOMIC_RELEASE);
}

static uint64_t read_clock(void)
{
	uint64_t ticks;

	if (__builtin_expect(!clk.tsc, 0))
		return clock_monotonic();
	ticks = read_tsc() - clk.base.tsc;
	/* Another core may read some ticks less than the one that took the base. */
	if (__builtin_expect((int64_t)ticks < 0, 0))
		return clk.base.ns;
	return clk.base.ns + (uint64_t)(((unsigned __int128)ticks * clk.mult) >> 32);
}

uint64_t engine_now(void)
{
	return engine_self.now = read_clock();
}

int64_t clock_wall_offset(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)((uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec - engine_now());
}
