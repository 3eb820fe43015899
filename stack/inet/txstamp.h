/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * txstamp.h - SO_TIMESTAMPING of what is sent (the kernel's timestamping.rst): which stamps a send asks for.
 *
 * All are made by software.  A packet enters the device's queue (SCHED) and leaves it (SND) in the same moment:
 * when the stack hands it to the link.  For a hardware clock nothing is told, and OPT_CMSG and OPT_STATS bring nothing.
 *
 * Deviation: a packet that waits for its neighbour's address, or finds the link's queue full, is stamped as if it had left.
 * Deviation: of a packet that is cut into fragments or chained from several buffers, the first buffer is handed up.
 */
#ifndef STACK_INET_TXSTAMP_H
#define STACK_INET_TXSTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include "shim/ipaddr.h"

/* Newer than the headers of Debian 12. */
#define SOF_TIMESTAMPING_OPT_ID_TCP    (1 << 16)
#define SOF_TIMESTAMPING_TX_COMPLETION (1 << 18)
#define SCM_TS_OPT_ID		       81

#define TXSTAMP_SENT (SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED)
#define TXSTAMP_ANY  (TXSTAMP_SENT | SOF_TIMESTAMPING_TX_ACK)
/* What a control message may choose. */
#define TXSTAMP_BY_CMSG \
	(TXSTAMP_ANY | SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_TX_COMPLETION)

struct txstamp {
	uint32_t flags; /* TXSTAMP_ANY */
	uint32_t key;
	bool has_key; /* the program chose it: SCM_TS_OPT_ID */
};

/* What was stamped. */
struct txstamp_event {
	uint32_t key; /* which send */
	const struct ipaddr
		*src;	    /* from whom the packet went; NULL: from none, it is acknowledged */
	const void *packet; /* with all headers, or what is acknowledged */
	uint32_t len;
};

#endif
