/* SPDX-License-Identifier: BSD-3-Clause */
/* sock.c - what all protocols' socks share: defaults, errors, readiness edges. */
#include "stack/inet/sock.h"

#include <string.h>

#include "stack/core/stack_priv.h"

/* Linux's net.core.{r,w}mem_default: what datagram sockets start with. */
#define SOCK_DGRAM_BUF 212992

void sock_init(struct stack *st, struct sock *sk, int domain, int type, int protocol)
{
	struct inet_sock *isk = inet_sk(sk);

	sk->domain = (uint8_t)domain;
	sk->type = (uint8_t)type;
	sk->protocol = (uint8_t)protocol;
	sk->rcvbuf = type == SOCK_STREAM ? st->cfg.rmem[1] : SOCK_DGRAM_BUF;
	sk->sndbuf = type == SOCK_STREAM ? st->cfg.wmem[1] : SOCK_DGRAM_BUF;
	sk->rcvlowat = 1;
	sk->cookie = ++st->inet.next_cookie;
	sk->peek_off = -1;
	sk->max_pacing_rate = UINT64_MAX;
	sk->incoming_cpu = -1;
	if (domain == AF_INET)
		isk->local.addr = isk->peer.addr = isk->mc_addr = ipaddr_from_v4(INADDR_ANY);
	isk->mc_ttl = 1;
	isk->mc_loop = true;
	isk->mc_all = domain == AF_INET; /* as Linux's inet_create() and inet6_create() */
	isk->pmtudisc = IP_PMTUDISC_WANT;
	isk->in6.hops = -1;
	isk->in6.mc_hops = -1;
	isk->in6.mc_loop = true;
	isk->in6.mc_all = true;
	isk->in6.pmtudisc = IPV6_PMTUDISC_WANT;
}

void sock_raise(struct stack *st, struct sock *sk, uint32_t events)
{
	struct socket *so = sk->socket;

	if (so == NULL)
		return;
	so->edges |= events;
	if (so->event.pprev != NULL)
		return;
	so->event.next = NULL;
	so->event.pprev = st->events_tail;
	*st->events_tail = so;
	st->events_tail = &so->event.next;
}

void sock_forget_events(struct stack *st, struct socket *so)
{
	so->edges = 0;
	if (so->event.pprev == NULL)
		return;
	*so->event.pprev = so->event.next;
	if (so->event.next != NULL)
		so->event.next->event.pprev = so->event.pprev;
	else
		st->events_tail = so->event.pprev;
	so->event.next = NULL;
	so->event.pprev = NULL;
}

void sock_error(struct stack *st, struct sock *sk, int err)
{
	sk->err = err;
	sock_raise(st, sk, EPOLLERR);
}

int sock_take_error(struct sock *sk)
{
	int err = sk->err;

	sk->err = 0;
	return err;
}
