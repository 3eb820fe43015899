/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tso.h - what a NIC does with TCP segments by itself: it looks at what it was told of a
 * super-packet, and cuts it; and joins what it receives (LRO).
 */
#ifndef TEST_WIRE_TSO_H
#define TEST_WIRE_TSO_H

#include <stdbool.h>
#include <stdint.h>

struct netif;
struct rte_mbuf;

/* Is the super-packet, of which bytes is a copy in one piece, what ethdev demands?  Else the test fails. */
void tso_check(const struct netif *nif, const struct rte_mbuf *m, const uint8_t *bytes,
	       uint32_t len);
/* Segment number i into out (FRAME_MAX): its length, 0 behind the last. */
uint32_t tso_cut(const struct rte_mbuf *m, const uint8_t *bytes, uint32_t len, uint32_t i,
		 uint8_t *out);

/*
 * Can the segment next be joined to the len bytes of frame?  Then they are, and true.  *segsz:
 * payload of each joined so far; 0: frame is one segment.  frame: FRAME_MAX.
 */
bool lro_join(uint8_t *frame, uint32_t *len, uint32_t *segsz, const uint8_t *next,
	      uint32_t next_len);

#endif
