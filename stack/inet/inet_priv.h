/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inet_priv.h - what the files of stack/inet/ ask of each other.
 */
#ifndef STACK_INET_INET_PRIV_H
#define STACK_INET_INET_PRIV_H

#include "stack/core/stack_priv.h"
#include "stack/inet/sock.h"

#define NS_PER_SECOND 1000000000ull

/* sk->state of datagram sockets */
#define DGRAM_CLOSED 0
#define DGRAM_CONNECTED 1

/* The address of a call, checked as Linux does for the socket's domain.  0 or -errno. */
int sockaddr_to_endpoint(const struct sock *sk, const struct sockaddr *sa, socklen_t len,
			 struct endpoint *ep);
/* 0, -EADDRNOTAVAIL, -EINVAL */
int inet_bind_addr_check(struct stack *st, const struct sock *sk, const struct ipaddr *addr);
int inet_getname(struct sock *sk, struct endpoint *ep, bool peer);

/* -- netifs by the number that programs see in ifindex fields (inet.c) -------------- */
/* NULL: no such link. */
struct netif *inet_netif(const struct stack *st, uint32_t ifindex);
uint32_t inet_ifindex(const struct stack *st, const struct netif *nif);
/* Some address of ours on that link (0: any link), of the family; false: it has none. */
bool inet_addr_of(const struct stack *st, uint32_t ifindex, bool v4, struct ipaddr *out);
/* 0: none */
uint32_t inet_ifindex_of_addr(const struct stack *st, const struct ipaddr *addr);

/* -- rooms of one protocol each -------------------------------------------------------- */
void udp_recover(struct stack *st);
void udp_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg);
void raw_recover(struct stack *st);
void raw_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg);
void ports_clear(struct stack *st);
/* The users of a port; for UDP it is the demux table by port. */
struct port_slot *port_slot(const struct stack *st, enum port_space space, uint16_t port);
/* SO_REUSEADDR, SO_REUSEPORT changed after bind(2). */
void port_options_changed(struct stack *st, struct inet_sock *isk);

/* -- multicast membership (mcast.c) ------------------------------------------------------ */
void mcast_leave_all(struct stack *st, struct inet_sock *isk, uint64_t now);
/* Does isk want a multicast datagram from src to group that came in on link ifindex? */
bool mcast_allows(const struct inet_sock *isk, const struct ipaddr *group,
		  const struct ipaddr *src, uint32_t ifindex);
void mcast_recover(struct stack *st);

#endif
