/* SPDX-License-Identifier: BSD-3-Clause */
/* udp.c - UDP sockets: create, bind, connect, options; their table after a crash. */
#include "stack/inet/filter.h"
#include "stack/inet/udp.h"

#include <errno.h>
#include <string.h>

#define UDPLITE_SEND_CSCOV 10 /* the kernel's, in no header */
#define UDPLITE_RECV_CSCOV 11

/* Put a bound or connected socket into both tables under its present address. */
static void udp_rehash(struct stack *st, struct inet_sock *isk)
{
	udp_table_remove(isk);
	udp_table_insert(st, isk);
	port_addr_changed(st, isk);
}

static struct sock *udp_alloc(struct stack *st, int domain, int protocol, uint64_t now)
{
	struct udp_sock *up = pool_alloc(&st->inet.udp_socks);

	(void)now;
	if (up == NULL)
		return NULL;
	sock_init(st, &up->dg.inet.sk, domain, SOCK_DGRAM, protocol);
	return &up->dg.inet.sk;
}

static void udp_unbind(struct stack *st, struct sock *sk, uint64_t now)
{
	struct inet_sock *isk = inet_sk(sk);

	(void)now;
	udp_table_remove(isk);
	dgram_unname(st, isk);
}

static void udp_release(struct stack *st, struct sock *sk, uint64_t now)
{
	struct udp_sock *up = udp_sk(sk);

	/* What is held back was never sent: udp(7) says nothing, Linux drops it. */
	rte_pktmbuf_free(up->cork);
	up->cork = NULL;
	udp_unbind(st, sk, now);
	dgram_purge(&up->dg);
	filter_detach(st, sk);
	pool_free(&st->inet.udp_socks, up);
}

static int udp_bind(struct stack *st, struct sock *sk, const struct endpoint *ep, uint64_t now)
{
	struct inet_sock *isk = inet_sk(sk);
	int err;

	if (ep->port == 0 && (sk->flags & SOCK_F_BINDADDR_NOPORT) != 0) {
		isk->local = *ep;
		if (!ipaddr_is_any(&ep->addr))
			isk->bound |= BOUND_ADDR;
		return 0;
	}
	err = port_bind(st, isk, ep, now);
	if (err < 0)
		return err;
	udp_table_insert(st, isk);
	return 0;
}

int udp_autobind(struct stack *st, struct inet_sock *isk, uint64_t now)
{
	struct endpoint ep = isk->local;

	if ((isk->bound & BOUND_HASHED) != 0)
		return 0;
	ep.port = 0;
	if (port_bind(st, isk, &ep, now) < 0)
		return -EAGAIN;
	udp_table_insert(st, isk);
	return 0;
}

static void udp_disconnect(struct stack *st, struct sock *sk, uint64_t now)
{
	struct inet_sock *isk = inet_sk(sk);

	sk->state = DGRAM_CLOSED;
	memset(&isk->peer, 0, sizeof(isk->peer));
	sk->bound_if = 0;
	if ((isk->bound & BOUND_ADDR) == 0) {
		memset(&isk->local.addr, 0, sizeof(isk->local.addr));
		if (sk->domain == AF_INET)
			isk->local.addr = ipaddr_from_v4(INADDR_ANY);
	}
	if ((isk->bound & BOUND_HASHED) == 0)
		return;
	if ((isk->bound & BOUND_PORT) != 0) {
		udp_rehash(st, isk);
		return;
	}
	(void)now;
	udp_table_remove(isk);
	port_unbind(st, isk);
	isk->local.port = 0;
}

static int udp_connect(struct stack *st, struct socket *so, const struct endpoint *ep, uint64_t now)
{
	struct sock *sk = so->sk;
	struct inet_sock *isk = inet_sk(sk);
	int err;

	if (ep == NULL) {
		udp_disconnect(st, sk, now);
		return 0;
	}
	err = udp_autobind(st, isk, now);
	if (err < 0)
		return err;
	err = dgram_connect(st, sk, ep, now);
	if (err == 0)
		udp_rehash(st, isk);
	return err;
}

/* -- SOL_UDP ---------------------------------------------------------------------------- */

static int udp_setsockopt(struct stack *st, struct sock *sk, int level, int name, const void *optval,
			  socklen_t len, uint64_t now)
{
	struct udp_sock *up = udp_sk(sk);
	int val;

	if (level != SOL_UDP)
		return -ENOPROTOOPT;
	if (len < (socklen_t)sizeof(val))
		return -EINVAL;
	memcpy(&val, optval, sizeof(val));
	switch (name) {
	case UDP_CORK:
		up->cork_opt = val != 0;
		if (val == 0 && up->cork != NULL)
			udp_push(st, up, now);
		return 0;
	case UDP_SEGMENT:
		if (val < 0 || val > UINT16_MAX)
			return -EINVAL;
		up->gso_size = (uint16_t)val;
		return 0;
	case UDP_GRO:
		up->gro = val != 0;
		return 0;
	case UDP_ENCAP:
		return val == 0 ? 0 : -ENOPROTOOPT;
	case UDP_NO_CHECK6_TX:
		up->no_check6_tx = val != 0;
		return 0;
	case UDP_NO_CHECK6_RX:
		up->no_check6_rx = val != 0;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int udp_getsockopt(struct stack *st, struct sock *sk, int level, int name, void *optval,
			  socklen_t *len, uint64_t now)
{
	struct udp_sock *up = udp_sk(sk);
	int val;

	(void)st;
	(void)now;
	if (level != SOL_UDP)
		return -ENOPROTOOPT;
	if ((int)*len < 0)
		return -EINVAL;
	switch (name) {
	case UDP_CORK:
		val = up->cork_opt;
		break;
	case UDP_SEGMENT:
		val = up->gso_size;
		break;
	case UDP_GRO:
		val = up->gro;
		break;
	case UDPLITE_SEND_CSCOV:
	case UDPLITE_RECV_CSCOV:
	case UDP_ENCAP:
		val = 0; /* UDP-Lite's, and IPsec's: never set */
		break;
	case UDP_NO_CHECK6_TX:
		val = up->no_check6_tx;
		break;
	case UDP_NO_CHECK6_RX:
		val = up->no_check6_rx;
		break;
	default:
		return -ENOPROTOOPT;
	}
	if (*len > (socklen_t)sizeof(val))
		*len = sizeof(val);
	memcpy(optval, &val, *len);
	return 0;
}

static void udp_option_changed(struct stack *st, struct sock *sk, int level, int name, uint64_t now)
{
	(void)st;
	(void)level;
	(void)name;
	(void)now;
	/* Source and link of unconnected sends may be others now. */
	dgram_sk(sk)->tx_cached = false;
}

const struct proto_ops inet_dgram_ops = {
	.type = SOCK_DGRAM,
	.protocol = IPPROTO_UDP,
	.alloc = udp_alloc,
	.release = udp_release,
	.bind = udp_bind,
	.unbind = udp_unbind,
	.connect = udp_connect,
	.shutdown = dgram_shutdown,
	.getname = dgram_getname,
	.poll = dgram_poll,
	.sendmsg = udp_sendmsg,
	.recvmsg = dgram_recvmsg,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
	.ioctl = dgram_ioctl,
	.option_changed = udp_option_changed,
};

/* -- recovery ------------------------------------------------------------------------------- */

/* Is sk a whole socket that a program may still hold, or was it being made or unmade? */
static bool udp_is_whole(const struct sock *sk)
{
	return sk->type == SOCK_DGRAM && sk->socket != NULL && sk->socket->sk == sk;
}

static void udp_sock_recover(struct stack *st, struct udp_sock *up)
{
	struct inet_sock *isk = &up->dg.inet;

	isk->hash2_next = NULL;
	isk->hash2_pprev = NULL;
	isk->mc_list = NULL;
	if (&isk->sk == st->in_hand) {
		dgram_reset(&up->dg);
		up->cork = NULL;
		up->dg.tx_cached = false;
		isk->dst.gen = 0;
		/* The entry of the port table and the name may differ: the name counts. */
		isk->port.addr = isk->local.addr;
		isk->port.protocol = isk->sk.protocol;
		isk->port.port = (isk->bound & BOUND_HASHED) != 0 ? isk->local.port : 0;
	}
	port_restore(st, &isk->port);
	if (isk->port.port != 0)
		udp_table_insert(st, isk);
	else
		isk->bound &= (uint8_t)~BOUND_HASHED;
}

void udp_recover(struct stack *st)
{
	struct inet_tables *t = &st->inet;
	struct udp_sock *up;
	uint32_t i;

	memset(t->udp_hash2, 0, (t->udp_mask + 1) * sizeof(t->udp_hash2[0]));
	pool_for_each(&t->udp_socks, i, up) {
		if (udp_is_whole(&up->dg.inet.sk)) {
			udp_sock_recover(st, up);
		} else {
			if (up->dg.inet.sk.socket != NULL)
				up->dg.inet.sk.socket->sk = NULL;
			t->udp_socks.live[i] = 0;
		}
	}
	pool_rebuild(&t->udp_socks);
}

void udp_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	struct udp_sock *up;
	uint32_t i;

	pool_for_each(&st->inet.udp_socks, i, up) {
		dgram_for_each_mbuf(&up->dg, fn, arg);
		if (up->cork != NULL)
			fn(up->cork, arg);
	}
}
