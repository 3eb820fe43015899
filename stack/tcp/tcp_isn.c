/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_isn.c - what a peer must not be able to guess: initial sequence numbers (RFC 6528),
 * timestamp offsets (RFC 7323 5.4) and SYN cookies (RFC 4987 3.6).
 */
#include "stack/tcp/tcp.h"

enum prf_salt { SALT_ISN = 0x49534e00, SALT_TS, SALT_COOKIE };

/*
 * RFC 6528 3: ISN = M + F(localip, localport, remoteip, remoteport, secret).  M is a clock
 * of 64 ns per step as in Linux, so that a 4-tuple used again starts above its last life.
 */
uint32_t tcp_isn(const struct stack *st, const struct tcp_key *key, uint64_t now)
{
	return (uint32_t)stack_prf(st, key, sizeof(*key), SALT_ISN) + (uint32_t)(now >> 6);
}

/*
 * Each 4-tuple has a fixed offset: the clock (and with it the uptime) stays hidden, yet
 * timestamps grow from one life of a 4-tuple to the next, which PAWS and RFC 6191 need.
 */
uint32_t tcp_ts_offset(const struct stack *st, const struct tcp_key *key)
{
	return (uint32_t)stack_prf(st, key, sizeof(*key), SALT_TS);
}

/*
 * A cookie is the ISS of a SYN-ACK for which nothing is remembered:
 *
 *   cookie = hash(4-tuple) + irs + (minute << 24) + (hash(4-tuple, minute, irs) + mss) mod 2^24
 *
 * The top bits tell the minute, the low ones an index into a short table of MSS values.
 */
#define COOKIE_MAX_AGE 2

static const uint16_t cookie_mss[] = { 536, 1220, 1300, 1440, 1452, 1460, 4312, 8960 };
#define COOKIE_NMSS (sizeof(cookie_mss) / sizeof(cookie_mss[0]))

static uint32_t cookie_hash(const struct stack *st, const struct tcp_key *key, uint32_t count,
			    uint32_t which)
{
	struct {
		struct tcp_key key;
		uint32_t count, which;
	} in = { .key = *key, .count = count, .which = which };

	return (uint32_t)stack_prf(st, &in, sizeof(in), SALT_COOKIE);
}

uint32_t tcp_cookie_make(const struct stack *st, const struct tcp_key *key, uint32_t irs,
			 uint16_t *mss, uint64_t now)
{
	uint32_t count = (uint32_t)(now / TCP_COOKIE_PERIOD);
	uint32_t i = COOKIE_NMSS - 1;

	while (i > 0 && cookie_mss[i] > *mss)
		i--;
	*mss = cookie_mss[i];
	return cookie_hash(st, key, 0, 0) + irs + (count << 24) +
	       ((cookie_hash(st, key, count, ~irs) + i) & 0xffffff);
}

uint16_t tcp_cookie_check(const struct stack *st, const struct tcp_key *key, uint32_t irs,
			  uint32_t cookie, uint64_t now)
{
	uint32_t count = (uint32_t)(now / TCP_COOKIE_PERIOD);
	uint32_t age, i;

	cookie -= cookie_hash(st, key, 0, 0) + irs;
	age = (count - (cookie >> 24)) & 0xff;
	if (age >= COOKIE_MAX_AGE)
		return 0;
	i = (cookie - cookie_hash(st, key, count - age, ~irs)) & 0xffffff;
	return i < COOKIE_NMSS ? cookie_mss[i] : 0;
}
