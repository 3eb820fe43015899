/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * icmp_limit.c - how many ICMP messages may leave (RFC 1812 4.3.2.8, RFC 4443 2.4 f).
 *
 * Errors, as Linux limits them: each host gets PEER_BURST at once and then one per second
 * (IPv4's icmp_ratelimit) or ten (icmpv6's), and all hosts together ERR_RATE per second.
 * Answers to echo are limited for all together.  What we tell ourselves is not limited.
 *
 * Hosts have slots by a keyed hash; one that takes another's slot begins anew, which
 * the limit for all together keeps harmless.
 */
#include "stack/net/net_priv.h"

#define ERR_RATE       1000 /* icmp_msgs_per_sec, icmp_msgs_burst */
#define ERR_BURST      50
#define ECHO_RATE      100000
#define ECHO_BURST     1000
#define PEER_INTERVAL4 NSEC_PER_SEC
#define PEER_INTERVAL6 (100 * NSEC_PER_MSEC)
#define PEER_BURST     6 /* XRLIM_BURST_FACTOR */

/* May one more event happen?  rate per second, burst at most. */
static bool ratelimit_ok(struct ratelimit *rl, uint32_t rate, uint32_t burst, uint64_t now)
{
	uint64_t gap = NSEC_PER_SEC / rate, earned = (now - rl->last) / gap;

	if (rl->last == 0 || earned >= burst) {
		rl->last = now;
		rl->tokens = burst;
	} else {
		rl->last += earned * gap;
		rl->tokens = RTE_MIN(burst, rl->tokens + (uint32_t)earned);
	}
	if (rl->tokens == 0)
		return false;
	rl->tokens--;
	return true;
}

/* One more error to this host? */
static bool peer_ok(struct stack *st, const struct ipaddr *to, uint64_t now)
{
	uint32_t h = stack_hash(st, to, sizeof(*to), 0x69636d70);
	struct icmp_peer *p = &st->net.icmp_peers[h % ICMP_PEERS];
	uint64_t gap = ipaddr_is_v4(to) ? PEER_INTERVAL4 : PEER_INTERVAL6;

	if (ipaddr_equal(&p->addr, to)) {
		p->credit = RTE_MIN(PEER_BURST * gap, p->credit + (now - p->last));
	} else {
		p->addr = *to;
		p->credit = PEER_BURST * gap;
	}
	p->last = now;
	if (p->credit < gap)
		return false;
	p->credit -= gap;
	return true;
}

static bool limited(struct stack *st, bool ok)
{
	if (!ok)
		MIB_INC(st, ICMP_OUT_RATELIMIT);
	return ok;
}

bool icmp_may_send_error(struct stack *st, const struct rx_pkt *pkt, uint64_t now)
{
	if (pkt->local)
		return true;
	return limited(st, peer_ok(st, &pkt->src, now) &&
				   ratelimit_ok(&st->net.icmp_err_limit, ERR_RATE, ERR_BURST, now));
}

bool icmp_may_echo(struct stack *st, uint64_t now)
{
	return limited(st, ratelimit_ok(&st->net.icmp_echo_limit, ECHO_RATE, ECHO_BURST, now));
}
