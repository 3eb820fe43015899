/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tso.h - what a NIC does with a TCP super-packet: look at what it was told, and cut.
 */
#ifndef TEST_WIRE_TSO_H
#define TEST_WIRE_TSO_H

#include <stdint.h>

struct netif;
struct rte_mbuf;

/* Is the super-packet, of which bytes is a copy in one piece, what ethdev demands?  Else the test fails. */
void tso_check(const struct netif *nif, const struct rte_mbuf *m, const uint8_t *bytes, uint32_t len);
/* Segment number i into out (FRAME_MAX): its length, 0 behind the last. */
uint32_t tso_cut(const struct rte_mbuf *m, const uint8_t *bytes, uint32_t len, uint32_t i, uint8_t *out);

#endif
