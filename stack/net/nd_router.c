/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nd_router.c - routers of IPv6 links: solicitations sent, advertisements believed
 * (RFC 4861 6.3).
 *
 * Taken from an advertisement: the default route (unless one is configured), on-link
 * prefixes, the MTU, hop limit and times; addresses (RFC 4862) only if the configuration
 * asks for them, for a server's are better given to it.
 */
#include "stack/net/net_priv.h"

/* RFC 7559 2: they go on, ever more rarely, until a router answers. */
#define RTR_SOLICITATION_INTERVAL (4 * NSEC_PER_SEC)
#define MAX_RTR_SOLICITATION_INTERVAL (3600 * NSEC_PER_SEC)

#define OPT_SLLA       1
#define OPT_PREFIX     3
#define OPT_MTU	       5
#define OPT_TLLA       2
#define PREFIX_ON_LINK 0x80
#define PREFIX_AUTO    0x40
#define MAX_REACHABLE  (3600 * NSEC_PER_SEC) /* RFC 4861 6.2.1 */

struct router_advert {
	uint8_t type, code;
	uint16_t checksum;
	uint8_t hop_limit, flags;
	uint16_t lifetime; /* s */
	uint32_t reachable, retrans;
} __attribute__((packed));

struct prefix_option {
	uint8_t type, len, plen, flags;
	uint32_t valid, preferred, reserved; /* s */
	uint8_t prefix[16];
} __attribute__((packed));

static void send_rs(struct stack *st, struct netif *nif, uint64_t now)
{
	static const struct ipaddr all_routers = { .b = { 0xff, 0x02, [15] = 2 } };
	struct ipaddr src = nd_link_local(nif);
	struct rte_mbuf *m;
	uint8_t *msg, mac[6];

	m = pkt_alloc_data(st, 16, (void **)&msg);
	if (m == NULL)
		return;
	memset(msg, 0, 16);
	msg[0] = ND_ROUTER_SOLICIT;
	msg[8] = OPT_SLLA;
	msg[9] = 1;
	memcpy(msg + 10, nif->mac, 6);
	mcast_mac(&all_routers, mac);
	nd_send(st, nif, m, &src, &all_routers, mac, now);
}

/* RFC 7559 2: twice as long as before, and a tenth more or less. */
static uint64_t next_wait(struct stack *st, uint64_t wait)
{
	wait = wait == 0 ? RTR_SOLICITATION_INTERVAL : 2 * wait;
	wait = RTE_MIN(wait, MAX_RTR_SOLICITATION_INTERVAL);
	return wait * (900 + stack_random(st) % 201) / 1000;
}

uint64_t nd_router_step(struct stack *st, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	struct netif *nif;
	unsigned int i;

	for (i = 0; i < st->cfg.nnetifs; i++) {
		nif = st->cfg.netifs[i];
		if (st->cfg.quiet_start || st->net.rs_at[i] == UINT64_MAX || !nd_is_enabled(st, nif))
			continue;
		if (st->net.rs_at[i] <= now) {
			if (nif->ops->link_is_up(nif)) {
				send_rs(st, nif, now);
				st->net.rs_wait[i] = next_wait(st, st->net.rs_wait[i]);
			}
			st->net.rs_at[i] = now + (st->net.rs_wait[i] != 0 ? st->net.rs_wait[i] :
									    RTR_SOLICITATION_INTERVAL);
		}
		next = RTE_MIN(next, st->net.rs_at[i]);
	}
	return next;
}

static uint64_t lifetime(uint32_t seconds)
{
	return seconds == UINT32_MAX ? UINT64_MAX : seconds * NSEC_PER_SEC;
}

/* Add, prolong or (lifetime 0) end an advertised route: its prefix, plen, via, valid_until, pref. */
static void advertise(struct stack *st, struct netif *nif, const struct route *said, uint64_t now)
{
	struct route_table *t = &st->net.route;
	struct route r = *said, *old;

	r.nif = nif;
	r.advertised = true;
	for (old = t->routes; old < t->routes + t->nroutes; old++) {
		if (old->plen != r.plen || !ipaddr_equal(&old->prefix, &r.prefix) || old->nif != nif)
			continue;
		/* What is configured, or follows from our addresses, stays as it is. */
		if (old->valid_until == UINT64_MAX && !old->advertised)
			return;
		if (!ipaddr_equal(&old->via, &r.via))
			continue;
		if (old->pref != r.pref && r.valid_until > now) {
			/* It has another place in the table. */
			route_remove(st, old);
			break;
		}
		old->valid_until = r.valid_until;
		net_house_at(st, RTE_MAX(r.valid_until, now));
		return;
	}
	if (r.valid_until > now && route_add(st, &r) == 0 && r.valid_until != UINT64_MAX)
		net_house_at(st, r.valid_until);
}

static void prefix_input(struct stack *st, struct netif *nif, const uint8_t *opt, uint64_t now)
{
	struct route r = { .plen = 0 };
	struct prefix_option p;
	struct ipaddr prefix;
	uint64_t valid, preferred;

	memcpy(&p, opt, sizeof(p));
	memcpy(prefix.b, p.prefix, 16);
	if (p.plen > 128 || ipaddr_is_linklocal(&prefix) || ipaddr_is_multicast(&prefix) ||
	    ipaddr_is_v4(&prefix))
		return;
	valid = lifetime(rte_be_to_cpu_32(p.valid));
	preferred = lifetime(rte_be_to_cpu_32(p.preferred));
	/* RFC 4862 5.5.3: a prefix that leaves room for the 64 bits of an identifier. */
	if (st->cfg.slaac && (p.flags & PREFIX_AUTO) != 0 && p.plen == 64 && preferred <= valid)
		ifaddr_autoconf(st, nif, &prefix, valid, preferred, now);
	if ((p.flags & PREFIX_ON_LINK) == 0)
		return;
	r.prefix = prefix;
	r.plen = p.plen;
	r.valid_until = valid == UINT64_MAX ? valid : now + valid;
	advertise(st, nif, &r, now);
}

static void options_input(struct stack *st, const struct rx_pkt *pkt, const uint8_t *opt,
			  uint32_t len, uint64_t now)
{
	unsigned int i = netif_index(st, pkt->nif);
	uint32_t size, mtu;

	for (; len > 0; opt += size, len -= size) {
		size = opt[1] * 8u; /* sound: nd_option() has walked them */
		if (opt[0] == OPT_SLLA && size == 8 && (opt[2] & 1) == 0) {
			neigh_learn(st, pkt->nif, &pkt->src, opt + 2,
				    NEIGH_LEARN_CREATE | NEIGH_LEARN_OVERRIDE, now);
		} else if (opt[0] == OPT_PREFIX && size == sizeof(struct prefix_option)) {
			prefix_input(st, pkt->nif, opt, now);
		} else if (opt[0] == OPT_MTU) {
			/* RFC 4861 4.6.4 has it 8 bytes long; Linux takes a longer one, too. */
			memcpy(&mtu, opt + 4, sizeof(mtu));
			mtu = rte_be_to_cpu_32(mtu);
			if (mtu >= IP6_MIN_MTU && mtu <= pkt->nif->mtu &&
			    mtu != st->net.ip6_mtu[i]) {
				st->net.ip6_mtu[i] = (uint16_t)mtu;
				route_changed(st);
			}
		}
	}
}

/* RFC 4191 2.1: two bits of a signed number, of which -2 is taken for 0. */
static int8_t preference(uint8_t flags)
{
	static const int8_t of_bits[] = { 0, 1, 0, -1 };

	return of_bits[flags >> 3 & 3];
}

/* RFC 4861 6.3.4: what hosts on the link shall use; zero says nothing. */
static void parameters_input(struct stack *st, const struct netif *nif,
			     const struct router_advert *ra)
{
	uint64_t reachable = rte_be_to_cpu_32(ra->reachable) * NSEC_PER_MSEC;
	unsigned int i = netif_index(st, nif);

	if (ra->hop_limit != 0)
		st->net.ip6_hop_limit[i] = ra->hop_limit;
	if (reachable != 0 && reachable <= MAX_REACHABLE)
		st->net.nd_reachable[i] = reachable;
	if (ra->retrans != 0)
		st->net.nd_retrans[i] = rte_be_to_cpu_32(ra->retrans) * NSEC_PER_MSEC;
}

void nd_redirect_input(struct stack *st, const struct rx_pkt *pkt, const uint8_t *msg, uint32_t len,
		       uint64_t now)
{
	struct ipaddr target, dst;
	const uint8_t *lla;

	/* RFC 4861 8.1 */
	if (len < 40 || !ipaddr_is_linklocal(&pkt->src) ||
	    !nd_option(msg + 40, len - 40, OPT_TLLA, &lla)) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	memcpy(target.b, msg + 8, 16);
	memcpy(dst.b, msg + 24, 16);
	if (ipaddr_is_v4(&target) || ipaddr_is_v4(&dst) || ipaddr_is_multicast(&dst) ||
	    (!ipaddr_is_linklocal(&target) && !ipaddr_equal(&target, &dst))) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	redirect_input(st, pkt->nif, &pkt->src, &dst, &target, now);
	if (lla != NULL && lla[1] == 1 && (lla[2] & 1) == 0 &&
	    redirect_find(st, pkt->nif, &dst, now) != NULL)
		neigh_learn(st, pkt->nif, &target, lla + 2,
			    NEIGH_LEARN_CREATE | NEIGH_LEARN_OVERRIDE, now);
}

void nd_router_input(struct stack *st, const struct rx_pkt *pkt, const uint8_t *msg, uint32_t len,
		     uint64_t now)
{
	struct route r = { .via = pkt->src };
	struct router_advert ra;
	const uint8_t *unused;

	/* RFC 4861 6.1.2 */
	if (len < sizeof(ra) || !ipaddr_is_linklocal(&pkt->src) || !nd_is_enabled(st, pkt->nif) ||
	    !nd_option(msg + sizeof(ra), len - (uint32_t)sizeof(ra), 0, &unused)) {
		MIB_INC(st, ICMP_IN_ERRORS);
		return;
	}
	memcpy(&ra, msg, sizeof(ra));
	st->net.rs_at[netif_index(st, pkt->nif)] = UINT64_MAX;
	parameters_input(st, pkt->nif, &ra);
	r.valid_until = now + rte_be_to_cpu_16(ra.lifetime) * NSEC_PER_SEC;
	r.pref = preference(ra.flags);
	advertise(st, pkt->nif, &r, now);
	options_input(st, pkt, msg + sizeof(ra), len - (uint32_t)sizeof(ra), now);
}
