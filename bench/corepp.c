/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * corepp - how far apart are two cores?
 *
 * Two threads pinned to the cores named on the command line bounce a word in one
 * cache line; prints the median half round trip in ns.  A virtual machine's cores may be
 * hyperthreads of one core (about 30 ns) or lie on different sockets (about 160 ns), which
 * decides what any link between two processes can carry: only pairs of runs with the
 * same distance may be compared.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 20000
#define BATCHES 25

static _Alignas(128) atomic_uint word;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0) {
		perror("corepp: sched_setaffinity");
		exit(1);
	}
}

static void *answer(void *arg)
{
	pin(*(int *)arg);
	for (unsigned int i = 0; i < ROUNDS * BATCHES; i++) {
		while (atomic_load_explicit(&word, memory_order_acquire) != 2 * i + 1)
			;
		atomic_store_explicit(&word, 2 * i + 2, memory_order_release);
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int cpus[2] = { argc > 1 ? atoi(argv[1]) : 0, argc > 2 ? atoi(argv[2]) : 1 };
	double half[BATCHES];
	pthread_t thread;
	unsigned int i = 0;

	if (pthread_create(&thread, NULL, answer, &cpus[1]) != 0)
		return 1;
	pin(cpus[0]);
	for (int b = 0; b < BATCHES; b++) {
		struct timespec t0, t1;

		clock_gettime(CLOCK_MONOTONIC, &t0);
		for (int r = 0; r < ROUNDS; r++, i++) {
			atomic_store_explicit(&word, 2 * i + 1, memory_order_release);
			while (atomic_load_explicit(&word, memory_order_acquire) != 2 * i + 2)
				;
		}
		clock_gettime(CLOCK_MONOTONIC, &t1);
		half[b] = ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) /
			  ROUNDS / 2;
	}
	pthread_join(thread, NULL);
	qsort(half, BATCHES, sizeof(half[0]), compare);
	printf("%.0f\n", half[BATCHES / 2]);
	return 0;
}
