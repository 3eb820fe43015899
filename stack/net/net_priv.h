/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_priv.h - what the files of stack/net/ ask of each other.
 */
#ifndef STACK_NET_NET_PRIV_H
#define STACK_NET_NET_PRIV_H

#include <errno.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "stack/core/stack_priv.h"
#include "stack/net/ip.h"
#include "stack/net/net.h"

#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull

#define IP_DEFAULT_TTL 64
#define IP4_MIN_PMTU   552  /* Linux's net.ipv4.route.min_pmtu */
#define IP6_MIN_MTU    1280 /* RFC 8200 5 */

#define ND_ROUTER_SOLICIT   133
#define ND_ROUTER_ADVERT    134
#define ND_NEIGHBOR_SOLICIT 135
#define ND_NEIGHBOR_ADVERT  136
#define ND_REDIRECT	    137

/* -- Ethernet (eth.c) -------------------------------------------------------------------- */
/* Build the header for frames from nif to mac; returns its length. */
uint8_t eth_header_build(uint8_t hdr[18], const struct netif *nif, const uint8_t mac[6],
			 uint16_t ethertype);
/* Send m, whose data starts behind the Ethernet header; consumed. */
void eth_output(struct stack *st, struct netif *nif, struct rte_mbuf *m, const uint8_t mac[6],
		uint16_t ethertype, uint64_t now);

/* -- ARP (arp.c) ------------------------------------------------------------------------- */
/* data at l3_off; consumed */
void arp_input(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint16_t l3_off,
	       uint64_t now);
/* Who has target?  src 0: a probe (RFC 5227).  mac NULL: ask all, else ask that one. */
void arp_send_request(struct stack *st, struct netif *nif, uint32_t target, uint32_t src,
		      const uint8_t *mac, uint64_t now);
/* One step of probing and announcing an address of ours; sets a->next_at. */
void arp_address_step(struct stack *st, struct ifaddr *a, uint64_t now);

/* -- neighbours (neigh.c) ----------------------------------------------------------------- */
/* What an ARP packet or an ND option said about a neighbour. */
#define NEIGH_LEARN_CREATE    1 /* make an entry if there is none */
#define NEIGH_LEARN_OVERRIDE  2 /* a different MAC replaces the known one */
#define NEIGH_LEARN_SOLICITED 4 /* it answers our question: reachability is proved */
void neigh_learn(struct stack *st, struct netif *nif, const struct ipaddr *addr,
		 const uint8_t mac[6], unsigned int how, uint64_t now);
struct neigh *neigh_find(struct stack *st, const struct netif *nif, const struct ipaddr *addr);
/* Resolve, queue, probe: whatever sending to d's next hop takes; m starts at its IP header. */
int neigh_output_slow(struct stack *st, struct dst *d, struct rte_mbuf *m, uint64_t now);
void neigh_timer_fire(struct stack *st, struct timer *t, uint64_t now);
int neigh_init(struct stack *st);
void neigh_recover(struct stack *st);

static inline bool neigh_is(const struct neigh *n, const struct dst *d)
{
	return n != NULL && ipaddr_equal(&n->addr, &d->nexthop) && n->nif == d->nif;
}

/* -- routes and addresses (route.c) ----------------------------------------------------------- */
int route_init(struct stack *st, uint64_t now);
void route_recover(struct stack *st);
const struct route *route_find(const struct stack *st, const struct ipaddr *addr,
			       const struct netif *nif, uint64_t now);
int route_add(struct stack *st, const struct route *r);
/* r is in the table; those behind it move up. */
void route_remove(struct stack *st, struct route *r);
bool route_has_gateway(const struct stack *st, const struct netif *nif, const struct ipaddr *via);
void route_changed(struct stack *st);
/* The entry of one of our addresses in use, or NULL. */
struct ifaddr *ifaddr_find(struct stack *st, const struct ipaddr *addr);
/* 0, or -ENOBUFS when the table is full.  The connected prefix comes with it. */
int ifaddr_add(struct stack *st, struct netif *nif, const struct ipaddr *addr, uint8_t plen,
	       uint64_t now);
/* The best source on nif for packets to addr, or NULL: RFC 6724 5 for IPv6. */
const struct ifaddr *ifaddr_select(const struct stack *st, const struct netif *nif,
				   const struct ipaddr *addr, uint64_t now);
/*
 * Autoconfiguration (RFC 4862 5.5.3): an address for an advertised prefix, or new lifetimes
 * (ns from now, UINT64_MAX: for ever) of the one that it has.
 */
void ifaddr_autoconf(struct stack *st, struct netif *nif, const struct ipaddr *prefix,
		     uint64_t valid, uint64_t preferred, uint64_t now);
/* Forgets autoconfigured addresses that are no longer valid; returns when to come again. */
uint64_t ifaddr_expire(struct stack *st, uint64_t now);

/* -- redirects (redirect.c) --------------------------------------------------------------------- */
/* from, the first hop to addr, says that via is a better one. */
void redirect_input(struct stack *st, struct netif *nif, const struct ipaddr *from,
		    const struct ipaddr *addr, const struct ipaddr *via, uint64_t now);
/* The better hop from nif to addr, NULL: none is known. */
const struct ipaddr *redirect_find(const struct stack *st, const struct netif *nif,
				   const struct ipaddr *addr, uint64_t now);
uint64_t redirect_expire(struct stack *st, uint64_t now);

/* Forget the advertised routes through a host that is no router any more. */
void route_drop_gateway(struct stack *st, const struct netif *nif, const struct ipaddr *via);
/* Drops what has expired; returns when to come again. */
uint64_t route_expire(struct stack *st, uint64_t now);

enum addr_class {
	ADDR_FOREIGN,
	ADDR_OURS,
	ADDR_BROADCAST, /* IPv4: limited, or of one of our prefixes */
	ADDR_MULTICAST, /* a group that we are in */
};
enum addr_class addr_classify(const struct stack *st, const struct netif *nif,
			      const struct ipaddr *addr);

/* -- IP (ip.c, ip4_input.c, ip4_output.c, ip6_input.c, ip6_output.c) ---------------------------- */
void ip4_input(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint16_t l3_off, bool local,
	       uint64_t now);
void ip6_input(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint16_t l3_off, bool local,
	       uint64_t now);
int ip4_output(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx,
	       uint64_t now);
int ip6_output(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx,
	       uint64_t now);
/* Hand a parsed packet to its transport; consumes pkt->m. */
void ip_deliver(struct stack *st, struct rx_pkt *pkt, uint64_t now);
/* The sum of the pseudo header: RFC 793 3.1, RFC 8200 8.1; not inverted. */
uint32_t ip_phdr_sum(const struct ipaddr *src, const struct ipaddr *dst, uint8_t proto,
		     uint32_t len);
/*
 * Fill the TCP or UDP checksum that m->ol_flags asks for, or prepare it for the link.
 * m's data starts at the transport header; l3_len is what will come before it.
 */
void ip_l4_csum_fill(struct rte_mbuf *m, const struct dst *d, const struct ip_tx *tx,
		     uint16_t l3_len);
/* The next identification of IPv4 packets like tx's, network byte order. */
uint16_t ip4_next_ident(struct stack *st, const struct ip_tx *tx);
/*
 * Cut m (data at the transport header) into fragments with room payload bytes each, a multiple
 * of eight; push() prepends the headers to each and frees it when it cannot.  m is consumed.
 */
int ip_fragment(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx,
		uint32_t room,
		bool (*push)(struct stack *st, struct rte_mbuf *m, const struct dst *d,
			     const struct ip_tx *tx, uint32_t id, uint32_t off, bool more),
		uint32_t id, uint64_t now);
/* Send an IP packet (data at its header): to ourselves, or through the neighbour. */
int ip_transmit(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx,
		uint64_t now);
/* Copy n bytes at off of a packet, wherever they lie; false if it is shorter. */
static inline bool pkt_read(const struct rte_mbuf *m, uint32_t off, uint32_t n, void *to)
{
	const void *p = rte_pktmbuf_read(m, off, n, to);

	if (p != NULL && p != to)
		memcpy(to, p, n);
	return p != NULL;
}

/* Where the first 16-bit checksum over an ICMP message lands: fills it (v4: no pseudo header). */
static inline uint16_t csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* -- reassembly (reass.c) ------------------------------------------------------------------------ */
/* One fragment, data trimmed to the datagram. */
struct reass_frag {
	struct ipaddr src, dst;
	struct netif *nif;
	uint32_t id;
	uint32_t off; /* bytes */
	uint32_t len;
	uint16_t l3_off;  /* data start to IP header */
	uint16_t hdr_len; /* IP header(s) up to the fragmented part; the payload follows */
	uint8_t proto;
	uint8_t ecn;
	bool more;
};
/*
 * Take a fragment (consumed).  Returns the whole datagram: the first fragment's headers
 * with all payload behind them, as received but for the lengths; or NULL.
 * *ecn is the codepoint that RFC 3168 5.3 gives the whole.
 */
struct rte_mbuf *reass_input(struct stack *st, struct rte_mbuf *m, const struct reass_frag *f,
			     uint8_t *ecn, uint64_t now);
int reass_init(struct stack *st);
void reass_timer_fire(struct stack *st, struct timer *t, uint64_t now);
void reass_recover(struct stack *st);

/* -- ICMP (icmp.c, icmp6.c) ---------------------------------------------------------------------- */
void icmp_input(struct stack *st, struct rx_pkt *pkt, uint64_t now);
void icmp6_input(struct stack *st, struct rx_pkt *pkt, uint64_t now);
/* An error about pkt, rate-limited, to its sender; info is the second word of the header. */
void icmp4_send_error(struct stack *st, const struct rx_pkt *pkt, uint8_t type, uint8_t code,
		      uint32_t info, uint64_t now);
void icmp6_send_error(struct stack *st, const struct rx_pkt *pkt, uint8_t type, uint8_t code,
		      uint32_t info, uint64_t now);
/*
 * Such a message: the header of both families, checksum zero, and at most quote_max bytes of
 * the packet; NULL when there is no memory.
 */
struct rte_mbuf *icmp_build_error(struct stack *st, const struct rx_pkt *pkt, uint8_t type,
				  uint8_t code, uint32_t info, uint32_t quote_max);
/* Give an error to the transport that sent the quoted packet. */
void icmp_dispatch_error(struct stack *st, const struct icmp_err *e, uint64_t now);
/* A packet of ours (data at its IP header) could not be delivered: tell its transport. */
void icmp_local_unreach(struct stack *st, struct rte_mbuf *m, uint64_t now);

/* -- rate limits (icmp_limit.c); a refusal is counted -------------------------------------------- */
/* One more error about pkt, to its sender? */
bool icmp_may_send_error(struct stack *st, const struct rx_pkt *pkt, uint64_t now);
/* One more answer, of either family? */
bool icmp_may_echo(struct stack *st, uint64_t now);

/* -- IPv6 neighbour discovery (nd.c, nd_router.c) ----------------------------------------------- */
/* An ICMPv6 message 133..137; pkt->m is not consumed. */
void nd_input(struct stack *st, const struct rx_pkt *pkt, uint64_t now);
void nd_redirect_input(struct stack *st, const struct rx_pkt *pkt, const uint8_t *msg, uint32_t len,
		       uint64_t now);
void nd_router_input(struct stack *st, const struct rx_pkt *pkt, const uint8_t *msg, uint32_t len,
		     uint64_t now);
/* mac NULL: ask all that may have target (its solicited-node group), else ask that one. */
void nd_send_ns(struct stack *st, struct netif *nif, const struct ipaddr *target,
		const struct ipaddr *src, const uint8_t *mac, uint64_t now);
/* One step of duplicate address detection; sets a->next_at. */
void nd_address_step(struct stack *st, struct ifaddr *a, uint64_t now);
uint64_t nd_router_step(struct stack *st, uint64_t now);
/* Find option type in len bytes; NULL if absent.  False if the options are malformed. */
bool nd_option(const uint8_t *opt, uint32_t len, uint8_t type, const uint8_t **found);
/* Send an ICMPv6 message m (checksum zero) straight to mac, hop limit 255; consumed. */
void nd_send(struct stack *st, struct netif *nif, struct rte_mbuf *m, const struct ipaddr *src,
	     const struct ipaddr *dst, const uint8_t mac[6], uint64_t now);
/* ff02::1:ffXX:XXXX (RFC 4291 2.7.1) */
struct ipaddr nd_solicited_node(const struct ipaddr *addr);
/* fe80::/64 with the interface identifier that the MAC gives (RFC 4291 appendix A). */
struct ipaddr nd_link_local(const struct netif *nif);
/* Is IPv6 in use on the link? */
bool nd_is_enabled(const struct stack *st, const struct netif *nif);

/* -- multicast membership (membership.c, igmp.c, mld.c) ------------------------------------------- */
enum mcast_record { /* RFC 3376 4.2.12, RFC 3810 5.2.12 */
		    MCAST_IS_INCLUDE = 1,
		    MCAST_IS_EXCLUDE = 2,
		    MCAST_TO_INCLUDE = 3,
		    MCAST_TO_EXCLUDE = 4,
		    MCAST_ALLOW = 5,
		    MCAST_BLOCK = 6,
};
/* What a report says about a group; the older versions know joining and leaving only. */
struct mcast_report {
	struct netif *nif;
	const struct ipaddr *group;
	const struct mcast_filter *sources;
	enum mcast_record type;
	bool left; /* nobody is in the group any more */
};
/* a without b; what is in both. */
void mcfilter_minus(struct mcast_filter *out, const struct mcast_filter *a,
		    const struct mcast_filter *b);
void mcfilter_common(struct mcast_filter *out, const struct mcast_filter *a,
		     const struct mcast_filter *b);
bool mcast_is_member(const struct stack *st, const struct netif *nif, const struct ipaddr *group);
/* Join for the stack's own needs; asked: report it also under quiet_start. */
void mcast_drop(struct stack *st, struct netif *nif, const struct ipaddr *group, uint64_t now);
int mcast_add(struct stack *st, struct netif *nif, const struct ipaddr *group, bool asked,
	      uint64_t now);
/*
 * A query: group any asks for all, sources (if not empty) for those of them that are wanted.
 * Answers fall at random within max_ns.
 */
void mcast_query(struct stack *st, const struct netif *nif, const struct ipaddr *group,
		 const struct mcast_filter *sources, bool v4, uint64_t max_ns, uint64_t now);
/* Reports that are due; returns when the next is. */
uint64_t mcast_step(struct stack *st, uint64_t now);
/* Ethernet address of a group: RFC 1112 6.4, RFC 2464 7. */
void mcast_mac(const struct ipaddr *group, uint8_t mac[6]);
void igmp_input(struct stack *st, const struct rx_pkt *pkt, uint64_t now);
void igmp_send_report(struct stack *st, const struct mcast_report *r, uint64_t now);
void mld_query_input(struct stack *st, const struct rx_pkt *pkt, const uint8_t *msg, uint32_t len,
		     uint64_t now);
void mld_send_report(struct stack *st, const struct mcast_report *r, uint64_t now);

/* -- housekeeping (net.c) ---------------------------------------------------------------------- */
/* Look at announcements, DAD, reports and lifetimes no later than at. */
void net_house_at(struct stack *st, uint64_t at);

#endif
