/* SPDX-License-Identifier: BSD-3-Clause */
/* too_big.c - see too_big.h. */
#include <string.h>

#include "test/relay/too_big.h"
#include "test/wire/frame.h"

#define IP4_DF 0x4000
/* RFC 1812 4.3.2.3 asks for more than RFC 792's 8 bytes: the headers, whatever options they have. */
#define QUOTE4 (60 + 60)
#define QUOTE6 (1280 - 40 - 8) /* RFC 4443 2.4 (c): as much as fits the least MTU */

size_t too_big_build(uint8_t *buf, const uint8_t *frame, size_t len, uint32_t mtu)
{
	struct frame_path back = { 0 };
	uint8_t rest[4 + QUOTE6] = { 0 };
	struct frame_info in;
	size_t n;

	if (!frame_parse(frame, len, &in) || in.proto == 0 || in.fragment)
		return 0;
	if (!in.v6 && !(in.frag & IP4_DF))
		return 0;
	memcpy(back.dmac, frame + 6, 6);
	memcpy(back.smac, frame, 6);
	back.v6 = in.v6;
	back.vlan = in.vlan;
	back.src = in.dst;
	back.dst = in.src;
	memcpy(back.src6, in.dst6, 16);
	memcpy(back.dst6, in.src6, 16);
	n = len - in.ip_off;
	if (n > (in.v6 ? QUOTE6 : QUOTE4))
		n = in.v6 ? QUOTE6 : QUOTE4;
	frame_put32(rest, mtu); /* IPv4: 16 unused bits, then the next hop's MTU */
	memcpy(rest + 4, frame + in.ip_off, n);
	return frame_build_icmp(buf, &back, in.v6 ? 2 : 3, in.v6 ? 0 : 4, rest, 4 + n);
}
