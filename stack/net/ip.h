/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ip.h - what transports ask of the network layer and get from it, v4 and v6 alike.
 */
#ifndef STACK_NET_IP_H
#define STACK_NET_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/ipaddr.h"
#include "shim/netif.h"

struct stack;
struct rte_mbuf;
struct neigh;

/*
 * One received packet, parsed once.  The mbuf's data still starts at the Ethernet
 * header; its first segment holds at least l4_off bytes plus the fixed transport header
 * (the network layer pulls it up if need be).  l4_len is what the IP header says, with
 * link padding already trimmed off.
 */
struct rx_pkt {
	struct rte_mbuf *m;
	struct netif *nif;
	struct ipaddr src, dst;
	uint32_t l4_len;   /* transport header and payload, bytes */
	uint16_t l3_off;   /* from data start */
	uint16_t l4_off;
	uint16_t nh_off;   /* IPv6: of the byte that names proto, from the IP header */
	uint8_t proto;	   /* IPPROTO_* */
	uint8_t ttl;
	uint8_t tos;	   /* or traffic class; the low two bits are ECN */
	bool multicast;	   /* dst is multicast or broadcast, at link or IP level */
	bool local;	   /* looped back inside the stack: checksums need no test */
};

/* Where packets to one destination go: the result of a route look-up, cached per socket. */
struct dst {
	struct netif *nif;
	struct neigh *neigh; /* NULL: not resolved yet, or loop */
	struct ipaddr nexthop;
	struct ipaddr src;   /* preferred source (RFC 6724 for v6) */
	uint32_t gen;	     /* stack->route.gen at look-up: stale when different */
	uint16_t mtu;	     /* IP bytes, after path MTU discovery */
	bool mtu_locked;     /* IPv4: the path takes less than the floor of mtu: no DF unless asked for */
	bool loop;	     /* one of our own addresses: stays inside */
	bool broadcast;
	bool multicast;
	bool foreign_src;    /* looked up for a source that need not be ours */
	struct netif *oif;   /* looked up for this link; NULL: for any */
};

/* Options of one outgoing packet. */
struct ip_tx {
	const struct ipaddr *src, *dst;
	uint8_t proto;
	uint8_t ttl;
	uint8_t tos;
	bool df; /* do not fragment: IPv4 DF; an oversized packet is -EMSGSIZE */
	bool whole_link; /* up to the link's MTU, whatever was learnt of the path (IP_PMTUDISC_PROBE) */
	bool host_only; /* multicast with a TTL of 0: for our own members, not for the link */
	bool mc_loop; /* multicast: a copy to our own members, too (IP_MULTICAST_LOOP) */
	uint32_t flowlabel; /* IPv6; 0: a hash of the flow (RFC 6437 3) unless no_autolabel */
	bool no_autolabel;
	uint16_t frag_size; /* IPv6: larger packets are fragmented even if the path takes them (IPV6_MTU); 0: not */
};

/*
 * Find the way to addr.  src any: choose one; else it must be ours.
 * Returns 0, -ENETUNREACH, -EHOSTUNREACH (neighbour known to be dead), -EADDRNOTAVAIL.
 */
int route_lookup(struct stack *st, const struct ipaddr *addr, const struct ipaddr *src,
		 struct dst *out, uint64_t now);
/*
 * The same for whom the link is given (oif, NULL: any), as SO_BINDTODEVICE does, and whose
 * source may be anybody's (IP_TRANSPARENT, headers of the program's own).  An IPv4 destination
 * without a route is then taken to be on the link, as Linux does.
 */
int route_lookup_by(struct stack *st, const struct ipaddr *addr, const struct ipaddr *src,
		    struct netif *oif, bool foreign_src, struct dst *out, uint64_t now);
/* Refresh d if it is stale, in the way it was looked up. */
int dst_check(struct stack *st, struct dst *d, const struct ipaddr *addr,
	      const struct ipaddr *src, uint64_t now);

/*
 * Send one transport packet.  m's data starts at the transport header, with
 * PKT_HEADROOM in front of it; the network layer adds IP and Ethernet, fragments if
 * allowed and needed, resolves the neighbour (queueing meanwhile), and puts it on
 * the transmit batch.  The transport's checksum: the caller has set
 * RTE_MBUF_F_TX_TCP_CKSUM or _UDP_CKSUM in m->ol_flags with m->l4_len and left the
 * field zero; it is filled here, by the link or in software.
 *
 * m is consumed whatever is returned: 0, or -EMSGSIZE -ENOBUFS -EHOSTUNREACH, which a
 * transport may ignore.
 */
int ip_output(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx,
	      uint64_t now);

/*
 * Send a packet whose IP header the program wrote (m's data starts there) by d.  IPv4: total
 * length and checksum are filled in, identification and source where they are zero; as
 * Linux's raw_send_hdrinc().  m is consumed.  0, or -EMSGSIZE -EINVAL -ENOBUFS -EHOSTUNREACH.
 */
int ip_output_own_header(struct stack *st, struct rte_mbuf *m, struct dst *d, bool mc_loop,
			 uint64_t now);

/* The MTU that counts for a packet. */
static inline uint16_t ip_tx_mtu(const struct ip_tx *tx, const struct dst *d)
{
	uint16_t mtu = tx->whole_link ? d->nif->mtu : d->mtu;

	return tx->frag_size != 0 && tx->frag_size < mtu ? tx->frag_size : mtu;
}

/* Is addr ours, and not multicast/broadcast? */
bool ip_addr_is_ours(const struct stack *st, const struct ipaddr *addr);
/* An address of ours on a link (NULL: on any) to show to programs: no link-local one if there is another. */
bool ip_addr_of_link(const struct stack *st, const struct netif *nif, bool v4, struct ipaddr *out);
/* The link of an address of ours, NULL if it is not. */
struct netif *ip_addr_link(const struct stack *st, const struct ipaddr *addr);
/* A broadcast address of one of our links, or 255.255.255.255? */
bool ip_addr_is_broadcast(const struct stack *st, const struct ipaddr *addr);

/*
 * Verify the transport checksum of a received TCP or UDP packet, trusting the link
 * where it vouches for it.  Handles mbuf chains.
 */
bool ip_l4_csum_ok(const struct rx_pkt *pkt);

/*
 * Reply with destination unreachable (rate-limited); pkt is not consumed.  code is an
 * ICMP_*_UNREACH of IPv4 for both families; IPv6's own code is derived from it.
 */
void icmp_send_unreach(struct stack *st, const struct rx_pkt *pkt, uint8_t code, uint64_t now);

/*
 * A transport's view of an ICMP error about a packet that we sent.
 * err is the positive errno that Linux gives for it; hard says whether it may abort
 * a connection at all (RFC 1122 4.2.3.9); mtu is non-zero for fragmentation-needed
 * and packet-too-big.  l4 points to the (at least 8) quoted transport bytes.
 */
struct icmp_err {
	struct ipaddr src, dst; /* of the packet quoted: src is ours */
	struct ipaddr from;	/* who sent the error */
	const uint8_t *l4;
	uint16_t l4_len;
	uint16_t mtu;
	uint8_t type, code;
	uint8_t proto; /* IPPROTO_* of the packet quoted */
	bool hard;
	int err;
};

/*
 * A transport believes e->mtu of a packet-too-big about one of its packets: remember it
 * for the destination (10 minutes, RFC 1191 6.3); every cached dst becomes stale.
 * Never below 552 (IPv4, as Linux) or 1280 bytes (IPv6): a router that says less gets packets
 * without DF.
 */
void ip_update_pmtu(struct stack *st, const struct ipaddr *dst, uint16_t mtu, uint64_t now);

/*
 * Join or leave a multicast group on the link of addr local (any: by the routing table).
 * Counted: leave as often as joined.  0, -ENODEV (no such link), -ENOBUFS (table full),
 * -EADDRNOTAVAIL (leave: not a member).
 */
int ip_mcast_join(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
		  uint64_t now);
int ip_mcast_leave(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
		   uint64_t now);

/* What a link's members want of a group: only from sources, or from all but them. */
#define MCAST_FILTER_MAX 16

struct mcast_filter {
	bool include;
	uint8_t n;
	struct ipaddr sources[MCAST_FILTER_MAX];
};

/*
 * Join with a filter, and tell the network layer what all members together want now
 * (RFC 3376 3.2): routers hear of the difference.  A plain join wants everything.
 */
int ip_mcast_join_filtered(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
			   const struct mcast_filter *f, uint64_t now);
void ip_mcast_set_filter(struct stack *st, const struct ipaddr *group, const struct ipaddr *local,
			 const struct mcast_filter *f, uint64_t now);
bool mcfilter_has(const struct mcast_filter *f, const struct ipaddr *source);
/* False if it is full. */
bool mcfilter_add(struct mcast_filter *f, const struct ipaddr *source);

/* A neighbour was found to be alive through upper-layer progress (RFC 4861 7.3.1). */
void neigh_confirm(struct stack *st, struct dst *d, uint64_t now);

/* -- entries of the transports, called by the network layer ------------------------ */
/* Each consumes pkt->m. */
void tcp_input(struct stack *st, struct rx_pkt *pkt, uint64_t now);
void udp_input(struct stack *st, struct rx_pkt *pkt, uint64_t now);
/* Raw and ping sockets get a copy of what they match; pkt is not consumed; true if any did. */
bool raw_input(struct stack *st, struct rx_pkt *pkt, uint64_t now);
void tcp_icmp_error(struct stack *st, const struct icmp_err *e, uint64_t now);
void udp_icmp_error(struct stack *st, const struct icmp_err *e, uint64_t now);
void raw_icmp_error(struct stack *st, const struct icmp_err *e, uint64_t now);

#endif
