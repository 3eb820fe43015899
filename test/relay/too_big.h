/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * too_big.h - what a router says about a packet that its next link does not carry.
 *
 * ICMP "fragmentation needed" (RFC 1191 4) or ICMPv6 "packet too big" (RFC 4443 3.2), from the
 * address the packet was sent to, with the MTU and the beginning of the packet.
 */
#ifndef TEST_RELAY_TOO_BIG_H
#define TEST_RELAY_TOO_BIG_H

#include <stddef.h>
#include <stdint.h>

/*
 * The message about frame into buf (FRAME_MAX).  Returns its length; 0 if nothing is said: the
 * frame is not IP, malformed, may be fragmented, or not the first piece of a packet.
 */
size_t too_big_build(uint8_t *buf, const uint8_t *frame, size_t len, uint32_t mtu);

#endif
