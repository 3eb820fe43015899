/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eal.h - DPDK's environment layer: started late, quiet, and then kept still.
 */
#ifndef DPDK_PORT_EAL_H
#define DPDK_PORT_EAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What must not reach the program while DPDK starts: signals taken by its threads,
 * real-time signals taken by net_tap, the CPU affinity of EAL's main thread, open
 * descriptors.  begin() and end() go around everything that makes threads or
 * descriptors; nothing in between may run the program's code.
 */
struct eal_shelter;
struct eal_shelter *eal_shelter_begin(void);
/*
 * Bring sys_tracked_fds() up to date.  When DPDK is linked dynamically its calls do not come
 * through libc.c: then by comparing /proc/self/fd.
 */
void eal_shelter_collect(struct eal_shelter *shelter);
/* In the shelter: has a signal come that asks the program to end (INT, TERM, QUIT, HUP)? */
bool eal_shelter_end_wanted(void);
void eal_shelter_end(struct eal_shelter *shelter);

#define EAL_MAX_PCI 4

struct eal_params {
	const char *pci[EAL_MAX_PCI]; /* the PCI devices to look at */
	unsigned int npci;	      /* 0: no PCI at all */
	uint64_t memory; /* bytes */
	int hugepages;	 /* enum config_hugepages */
};

/*
 * Start EAL.  0, or -errno with a line in err: -ENOMEM (no hugepages, no memory),
 * -EALREADY (a second time in this process), -EIO (what EAL said last).
 */
int eal_start(const struct eal_params *params, char *err, size_t errlen);

/*
 * DPDK's log goes nowhere but here: the first error since eal_log_clear(), or the first
 * warning if there was no error; "" if neither.
 */
const char *eal_log_why(void);
/* Has any line since eal_log_clear() this text in it? */
bool eal_log_contains(const char *text);
void eal_log_clear(void);

/*
 * Stop EAL's interrupt thread where it is, for good.  It exists in this process only: after
 * a fork, what it would do (memif's reconnect, link state) would happen in one process and
 * not in the others that share the port.  0 or -errno; a second call does nothing.
 */
int eal_freeze(void);

#endif
