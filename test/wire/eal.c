/* SPDX-License-Identifier: BSD-3-Clause */
/* eal.c - EAL for tests: mbufs in plain memory, no device, no root. */
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "test/wire/world.h"

void test_eal_init(void)
{
	static bool done;
	static char args[][32] = { "test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
				   "-m", "768", "--log-level=lib.*:error", "--lcores=0@(0-1)" };
	char *argv[sizeof(args) / sizeof(args[0]) + 1];
	int argc = sizeof(args) / sizeof(args[0]), i;
	cpu_set_t cpus;
	bool have_cpus;

	if (done)
		return;
	/* Not bound to one processor; the affinity is put back. */
	have_cpus = sched_getaffinity(0, sizeof(cpus), &cpus) == 0;
	if (!have_cpus || CPU_COUNT(&cpus) < 2)
		argc--;
	for (i = 0; i < argc; i++)
		argv[i] = args[i];
	argv[argc] = NULL;
	must(rte_eal_init(argc, argv) >= 0, "EAL: %s", rte_strerror(rte_errno));
	if (have_cpus)
		(void)sched_setaffinity(0, sizeof(cpus), &cpus);
	done = true;
}
