/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net.h - the network layer's own structures: neighbours, routes, reassembly.
 *
 * What transports may use is in net/ip.h; this header is for stack/net/ itself and
 * for stack/core/, which embeds struct net_tables in struct stack.
 */
#ifndef STACK_NET_NET_H
#define STACK_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/ipaddr.h"
#include "shim/netif.h"
#include "stack/core/pktbuf.h"
#include "stack/core/pool.h"
#include "stack/core/timer.h"
#include "stack/net/ip.h"
#include "stack/stack.h"

/* -- neighbours (neigh.c): one cache for ARP and ND, RFC 4861 7.3.2 ------------------ */

enum neigh_state {
	NEIGH_FREE,
	NEIGH_INCOMPLETE, /* asked, no answer yet; packets wait in the queue */
	NEIGH_REACHABLE,  /* known good until valid_until */
	NEIGH_STALE,	  /* usable, to be checked when next used */
	NEIGH_DELAY,	  /* used while stale: give the upper layer a chance to confirm */
	NEIGH_PROBE,	  /* asking by unicast */
	NEIGH_FAILED,	  /* no answer; the next packet asks again */
	NEIGH_PERMANENT,  /* broadcast and multicast: computed, never asked */
};

#define NEIGH_MAX     4096
#define NEIGH_BUCKETS 1024
#define NEIGH_QUEUE   32 /* packets that wait for one unresolved neighbour */

struct neigh {
	/* First cache line: all that sending to a resolved neighbour reads. */
	struct ipaddr addr; /* any: free */
	struct netif *nif;
	uint64_t valid_until; /* ns; 0 unless the header below may be used without a thought */
	uint8_t hdr[18];      /* prebuilt Ethernet header, with the VLAN tag if any */
	uint8_t hdr_len;      /* 14 or 18 */
	uint8_t state;	      /* enum neigh_state */
	uint8_t probes;	      /* sent in this state */
	uint8_t nqueue;
	bool router; /* ND: says it is one */
	/* Colder. */
	uint64_t updated; /* ns: last change of state */
	struct neigh *hash_next;
	struct timer timer;
	struct rte_mbuf
		*queue[NEIGH_QUEUE]; /* IP packets; an array, because their cb may be TCP's */
};

struct neigh_table {
	struct pool pool;
	struct neigh *buckets[NEIGH_BUCKETS];
	uint32_t incomplete; /* entries in NEIGH_INCOMPLETE: bounded */
};

/* -- addresses and routes (route.c) ------------------------------------------------- */

#define ADDR_MAX  (STACK_MAX_ADDRS + 4 * STACK_MAX_NETIFS)
#define ROUTE_MAX (ADDR_MAX + STACK_MAX_ROUTES + 2 * STACK_MAX_NETIFS)
#define PMTU_MAX  256

enum ifaddr_state {
	IFADDR_OK,
	IFADDR_OPTIMISTIC, /* duplicate address detection runs meanwhile (RFC 4429) */
	IFADDR_DUPLICATE,  /* another host has it: not used */
};

struct ifaddr {
	struct ipaddr addr;
	struct ipaddr broadcast; /* IPv4 with plen < 31, else any */
	struct netif *nif;
	uint64_t valid_until, preferred_until; /* ns, UINT64_MAX: for ever */
	uint64_t defended;		       /* ns: last defence against a conflict */
	uint64_t next_at; /* ns: next probe or announcement, UINT64_MAX: done */
	uint8_t plen;
	uint8_t state;	/* enum ifaddr_state */
	bool autoconf;	/* from an advertised prefix: whether that is on link is another matter */
	uint8_t probes; /* ARP probes and announcements, or DAD solicitations, sent */
};

struct route {
	struct ipaddr prefix;
	struct ipaddr via; /* any: on link */
	struct netif *nif;
	uint64_t valid_until; /* ns, UINT64_MAX: for ever */
	uint8_t plen;	      /* in the prefix's family */
	uint8_t rank;	      /* compares across families: longest first */
	bool advertised;      /* learned from a router */
	int8_t pref;	      /* RFC 4191 2.1: 1 high, 0 medium, -1 low */
};

struct pmtu {
	struct ipaddr addr;
	uint64_t expires; /* ns; 0: free */
	uint16_t mtu;
	bool locked; /* told less than the floor: packets may be cut on their way */
};

/* A better first hop to one destination, as a router told (redirect.c). */
#define REDIRECT_MAX 256

struct redirect {
	struct ipaddr addr, via;
	struct netif *nif;
	uint64_t expires; /* ns; 0: free */
};

struct route_table {
	uint32_t gen; /* changes whenever a cached struct dst may have become wrong */
	uint32_t naddrs, nroutes;
	struct ifaddr addrs[ADDR_MAX];
	struct route routes[ROUTE_MAX];
	struct pmtu pmtu[PMTU_MAX];
	struct redirect redirects[REDIRECT_MAX];
};

/* -- reassembly (reass.c): RFC 791, RFC 8200 4.5, RFC 5722 ---------------------------- */

#define REASS_MAX	128  /* datagrams in pieces at one time */
#define REASS_MAX_FRAGS 2048 /* mbufs they may hold in all */

struct reass {
	struct ipaddr src, dst;
	struct netif *nif;
	struct reass *newer, *older;
	struct rte_mbuf *head; /* fragments by offset, linked through cb->qnext, */
	struct rte_mbuf *tail; /* their bytes in cb->seq .. cb->end_seq, from cb->off on */
	struct timer timer;
	uint32_t id;
	uint32_t total;	 /* payload bytes, 0: last fragment not seen yet */
	uint32_t have;	 /* payload bytes held */
	uint16_t nfrags; /* mbufs */
	uint8_t proto;
	uint8_t ecn; /* OR of 1 << ECN codepoint of the fragments: RFC 3168 5.3 */
};

struct reass_table {
	struct pool pool;
	struct reass *oldest, *newest;
	uint32_t nfrags;
};

/* -- multicast groups that we are in (membership.c): IGMPv3, MLDv2 -------------------- */

#define MCAST_MAX 256

struct mcast_group {
	struct ipaddr addr;
	struct netif *nif;  /* NULL: free */
	uint32_t users;	    /* 0 while the leave is still being reported */
	uint64_t report_at; /* ns: next report of the change, UINT64_MAX: none */
	uint64_t answer_at; /* ns: when to answer a query, UINT64_MAX: none */
	uint8_t reports;    /* of the change, still to send */
};

/* Of the same number as the group: its filter, and what routers are still to hear or asked for. */
struct mcast_state {
	struct mcast_filter filter;
	struct mcast_filter allow, block; /* the last change of sources */
	struct mcast_filter asked;	  /* by a group-and-source query; empty: for the group */
	bool mode_changed;		  /* between include and exclude: TO_IN, TO_EX */
};

/* -- everything of stack/net/ in struct stack ------------------------------------------ */

/* A token bucket: so many events per second, bursts of so many. */
struct ratelimit {
	uint64_t last; /* ns */
	uint32_t tokens;
};

/* A host that ICMP errors were sent to (icmp_limit.c). */
#define ICMP_PEERS 1024

struct icmp_peer {
	struct ipaddr addr;
	uint64_t last;	 /* ns */
	uint64_t credit; /* ns of waiting that it has earned */
};

#define IP_IDENTS 256

struct net_tables {
	struct neigh_table neigh;
	struct route_table route;
	struct reass_table reass;
	struct mcast_group mcast[MCAST_MAX];
	struct mcast_state mcast_state[MCAST_MAX];
	struct ratelimit icmp_err_limit, icmp_echo_limit;
	struct icmp_peer icmp_peers[ICMP_PEERS];
	uint16_t ip_ident[IP_IDENTS]; /* IPv4 identification counters by hash of the destination */
	struct timer house; /* address announcements, DAD, router solicitations, reports */
	/* Router solicitations per link: when the next is due (UINT64_MAX: none), and the wait after it. */
	uint64_t rs_at[STACK_MAX_NETIFS], rs_wait[STACK_MAX_NETIFS]; /* ns */
	/* As a router advertised, 0: the link's, and ours. */
	uint16_t ip6_mtu[STACK_MAX_NETIFS];
	uint8_t ip6_hop_limit[STACK_MAX_NETIFS];
	uint64_t nd_reachable[STACK_MAX_NETIFS], nd_retrans[STACK_MAX_NETIFS]; /* ns */
	uint64_t igmp2_until, mld1_until;   /* ns: an older querier is on the link */
};

#endif
