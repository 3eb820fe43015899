/* SPDX-License-Identifier: BSD-3-Clause */
/* filter.c - classic BPF: checking a program, running it, and who has which (see filter.h). */
#include "stack/inet/filter.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <string.h>

#include <rte_ether.h>

#include "stack/inet/raw.h"
#include "stack/inet/udp.h"

/* -- checking ------------------------------------------------------------------------------- */

#define ALU(op) BPF_ALU | (op) | BPF_K: case BPF_ALU | (op) | BPF_X
#define JUMP(op) BPF_JMP | (op) | BPF_K: case BPF_JMP | (op) | BPF_X

/* Words of the memory that an instruction reads or writes: a bit each. */
struct mem_use {
	uint16_t reads, writes;
};

/*
 * One instruction by itself, with left that follow it.  The loads from beyond the packet are
 * those that bpf_anc_helper() knows.
 */
static bool insn_ok(const struct sock_filter *i, uint32_t left, struct mem_use *mem)
{
	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_B | BPF_ABS:
		return i->k < (uint32_t)SKF_AD_OFF ||
		       ((i->k - (uint32_t)SKF_AD_OFF) % 4 == 0 && i->k < (uint32_t)SKF_AD_OFF + SKF_AD_MAX);
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LD | BPF_W | BPF_IND:
	case BPF_LD | BPF_H | BPF_IND:
	case BPF_LD | BPF_B | BPF_IND:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_B | BPF_MSH:
	case BPF_LDX | BPF_IMM:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
	case BPF_ALU | BPF_NEG:
	case ALU(BPF_ADD):
	case ALU(BPF_SUB):
	case ALU(BPF_MUL):
	case ALU(BPF_AND):
	case ALU(BPF_OR):
	case ALU(BPF_XOR):
	case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_MOD | BPF_X:
	case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_X:
		return true;
	case BPF_ALU | BPF_DIV | BPF_K:
	case BPF_ALU | BPF_MOD | BPF_K:
		return i->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return i->k < 32;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
		if (i->k >= BPF_MEMWORDS)
			return false;
		mem->reads = (uint16_t)(1u << i->k);
		return true;
	case BPF_ST:
	case BPF_STX:
		if (i->k >= BPF_MEMWORDS)
			return false;
		mem->writes = (uint16_t)(1u << i->k);
		return true;
	case BPF_JMP | BPF_JA:
		return i->k < left;
	case JUMP(BPF_JEQ):
	case JUMP(BPF_JGT):
	case JUMP(BPF_JGE):
	case JUMP(BPF_JSET):
		return i->jt < left && i->jf < left;
	default:
		return false;
	}
}

int filter_check(const struct sock_filter *code, uint32_t len)
{
	/* Of each instruction: the words that were written on every way to it. */
	uint16_t written[BPF_MAXINSNS];
	uint16_t now = 0;
	uint32_t pc;

	if (code == NULL || len == 0 || len > BPF_MAXINSNS || BPF_CLASS(code[len - 1].code) != BPF_RET)
		return -EINVAL;
	memset(written, 0xff, len * sizeof(written[0]));
	for (pc = 0; pc < len; pc++) {
		const struct sock_filter *i = &code[pc];
		struct mem_use mem = { 0, 0 };

		if (!insn_ok(i, len - pc - 1, &mem))
			return -EINVAL;
		now &= written[pc];
		if ((mem.reads & ~now) != 0)
			return -EINVAL;
		now |= mem.writes;
		if (BPF_CLASS(i->code) != BPF_JMP)
			continue;
		if (BPF_OP(i->code) == BPF_JA) {
			written[pc + 1 + i->k] &= now;
		} else {
			written[pc + 1 + i->jt] &= now;
			written[pc + 1 + i->jf] &= now;
		}
		now = 0xffff; /* the next is reached by jumps alone, which have left their mark */
	}
	return 0;
}

/* -- running -------------------------------------------------------------------------------- */

struct run {
	struct stack *st;
	const struct rx_pkt *pkt;
	uint32_t off, len; /* of the packet as the socket sees it */
	uint32_t a, x, mem[BPF_MEMWORDS];
};

static uint32_t packet_type(const struct rx_pkt *pkt)
{
	const struct rte_ether_addr *to = rte_pktmbuf_mtod(pkt->m, const struct rte_ether_addr *);

	if (pkt->local)
		return pkt->multicast ? PACKET_LOOPBACK : PACKET_HOST;
	if (rte_is_broadcast_ether_addr(to))
		return PACKET_BROADCAST;
	return rte_is_multicast_ether_addr(to) ? PACKET_MULTICAST : PACKET_HOST;
}

/* Where the transport's header ends, as far as skb_get_poff() knows it, for the socket. */
static uint32_t payload_offset(const struct run *r)
{
	uint32_t at = (uint32_t)r->pkt->l4_off - r->off, doff;
	const uint8_t *p;
	uint8_t buf;

	switch (r->pkt->proto) {
	case IPPROTO_TCP:
		p = rte_pktmbuf_read(r->pkt->m, r->pkt->l4_off + 12u, 1, &buf);
		doff = p != NULL ? (uint32_t)(*p >> 4) * 4 : 0;
		return at + (doff > 20 ? doff : 20);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_IGMP:
		return at + 8;
	default:
		return at;
	}
}

/* What a packet has of each: no marks, no queues, no hashes, no tags. */
static uint32_t ancillary(struct run *r, uint32_t what)
{
	switch (what) {
	case SKF_AD_PROTOCOL:
		return ipaddr_is_v4(&r->pkt->dst) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
	case SKF_AD_PKTTYPE:
		return packet_type(r->pkt);
	case SKF_AD_IFINDEX:
		return inet_ifindex(r->st, r->pkt->nif);
	case SKF_AD_HATYPE:
		return r->pkt->local && !r->pkt->multicast ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
	case SKF_AD_PAY_OFFSET:
		return payload_offset(r);
	case SKF_AD_ALU_XOR_X:
		return r->a ^ r->x;
	case SKF_AD_RANDOM:
		return (uint32_t)stack_random(r->st);
	default:
		return 0;
	}
}

/* What stays inside the stack has no link header, where Linux's has one of zeros. */
static bool load_link_header(const struct run *r, uint32_t at, uint32_t size, uint32_t *val)
{
	bool v4 = ipaddr_is_v4(&r->pkt->dst);
	uint16_t type = v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
	uint8_t header[RTE_ETHER_HDR_LEN] = { [12] = (uint8_t)(type >> 8), [13] = (uint8_t)type };

	if (at > sizeof(header) || size > sizeof(header) - at)
		return false;
	for (*val = 0; size > 0; size--)
		*val = *val << 8 | header[at++];
	return true;
}

/* size bytes in network order at k: of the packet, of its network header, or of the frame. */
static bool load(struct run *r, uint32_t k, uint32_t size, uint32_t *val)
{
	uint32_t end = r->off + r->len, at;
	const uint8_t *p;
	uint8_t buf[4];

	if ((int32_t)k >= 0) {
		/* From here on it cannot wrap: packets are small. */
		if (k > r->len)
			return false;
		at = r->off + k;
	} else if (k >= (uint32_t)SKF_NET_OFF) {
		at = r->pkt->l3_off + (k - (uint32_t)SKF_NET_OFF);
	} else if (k >= (uint32_t)SKF_LL_OFF) {
		at = k - (uint32_t)SKF_LL_OFF;
		if (r->pkt->l3_off < RTE_ETHER_HDR_LEN)
			return load_link_header(r, at, size, val);
	} else {
		return false;
	}
	if (at > end || size > end - at)
		return false;
	p = rte_pktmbuf_read(r->pkt->m, at, size, buf);
	if (p == NULL)
		return false;
	for (*val = 0; size > 0; size--)
		*val = *val << 8 | *p++;
	return true;
}

static uint32_t size_of(uint16_t code)
{
	return BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
}

/* To A, or to X.  false: the program ends, and the packet is dropped. */
static bool load_register(struct run *r, const struct sock_filter *i, uint32_t *to)
{
	switch (BPF_MODE(i->code)) {
	case BPF_IMM:
		*to = i->k;
		return true;
	case BPF_MEM:
		*to = r->mem[i->k];
		return true;
	case BPF_LEN:
		*to = r->len;
		return true;
	case BPF_IND:
		return load(r, r->x + i->k, size_of(i->code), to);
	case BPF_MSH: /* the length of an IPv4 header */
		if (!load(r, i->k, 1, to))
			return false;
		*to = (*to & 0xf) << 2;
		return true;
	default: /* BPF_ABS */
		if (i->k < (uint32_t)SKF_AD_OFF)
			return load(r, i->k, size_of(i->code), to);
		*to = ancillary(r, i->k - (uint32_t)SKF_AD_OFF);
		return true;
	}
}

static bool alu(struct run *r, const struct sock_filter *i)
{
	uint32_t by = BPF_SRC(i->code) == BPF_X ? r->x : i->k;

	switch (BPF_OP(i->code)) {
	case BPF_ADD:
		r->a += by;
		return true;
	case BPF_SUB:
		r->a -= by;
		return true;
	case BPF_MUL:
		r->a *= by;
		return true;
	case BPF_DIV:
		if (by != 0)
			r->a /= by;
		return by != 0;
	case BPF_MOD:
		if (by != 0)
			r->a %= by;
		return by != 0;
	case BPF_AND:
		r->a &= by;
		return true;
	case BPF_OR:
		r->a |= by;
		return true;
	case BPF_XOR:
		r->a ^= by;
		return true;
	case BPF_LSH: /* the kernel's interpreter takes the low five bits of X */
		r->a <<= by & 31;
		return true;
	case BPF_RSH:
		r->a >>= by & 31;
		return true;
	default: /* BPF_NEG */
		r->a = -r->a;
		return true;
	}
}

/* How many instructions are skipped. */
static uint32_t jump(const struct run *r, const struct sock_filter *i)
{
	uint32_t with = BPF_SRC(i->code) == BPF_X ? r->x : i->k;
	bool yes;

	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return i->k;
	case BPF_JEQ:
		yes = r->a == with;
		break;
	case BPF_JGT:
		yes = r->a > with;
		break;
	case BPF_JGE:
		yes = r->a >= with;
		break;
	default: /* BPF_JSET */
		yes = (r->a & with) != 0;
		break;
	}
	return yes ? i->jt : i->jf;
}

uint32_t filter_run(struct stack *st, const struct filter *f, const struct rx_pkt *pkt, uint32_t off,
		    uint32_t len)
{
	struct run r = { .st = st, .pkt = pkt, .off = off, .len = len };
	const struct sock_filter *i;

	for (i = f->code;; i++) {
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (!load_register(&r, i, &r.a))
				return 0;
			break;
		case BPF_LDX:
			if (!load_register(&r, i, &r.x))
				return 0;
			break;
		case BPF_ST:
			r.mem[i->k] = r.a;
			break;
		case BPF_STX:
			r.mem[i->k] = r.x;
			break;
		case BPF_ALU:
			if (!alu(&r, i))
				return 0;
			break;
		case BPF_JMP:
			i += jump(&r, i);
			break;
		case BPF_RET:
			return BPF_RVAL(i->code) == BPF_A ? r.a : i->k;
		default: /* BPF_MISC */
			if (BPF_MISCOP(i->code) == BPF_TAX)
				r.x = r.a;
			else
				r.a = r.x;
			break;
		}
	}
}

/* -- who has which -------------------------------------------------------------------------- */

static void put(struct stack *st, struct filter *f)
{
	if (f != NULL && --f->refs == 0)
		pool_free(&st->inet.filters, f);
}

/* The same program, which somebody has. */
static struct filter *find(struct stack *st, const struct sock_filter *code, uint32_t len)
{
	struct filter *f;
	uint32_t i;

	pool_for_each(&st->inet.filters, i, f)
		if (f->len == len && memcmp(f->code, code, len * sizeof(*code)) == 0)
			return f;
	return NULL;
}

int filter_attach(struct stack *st, struct sock *sk, const struct sock_filter *code, uint32_t len)
{
	struct filter *f, *old = sk->filter;

	if (code == NULL || len == 0 || len > BPF_MAXINSNS)
		return -EINVAL;
	f = find(st, code, len);
	if (f == NULL) {
		f = pool_alloc(&st->inet.filters);
		if (f == NULL)
			return filter_check(code, len) < 0 ? -EINVAL : -ENOMEM;
		/* The copy is what is checked: the program's may change meanwhile. */
		memcpy(f->code, code, len * sizeof(*code));
		if (filter_check(f->code, len) < 0) {
			pool_free(&st->inet.filters, f);
			return -EINVAL;
		}
		f->len = len;
	}
	f->refs++;
	/* Whole before it is there: a sock names none that a crash left half-filled. */
	__atomic_store_n(&sk->filter, f, __ATOMIC_RELEASE);
	put(st, old);
	return 0;
}

void filter_detach(struct stack *st, struct sock *sk)
{
	struct filter *f = sk->filter;

	sk->filter = NULL;
	put(st, f);
}

void filter_inherit(struct sock *sk, const struct sock *listener)
{
	sk->filter = listener->filter;
	if (sk->filter != NULL)
		sk->filter->refs++;
}

static void recount(struct stack *st, struct pool *socks)
{
	struct pool *p = &st->inet.filters;
	struct sock *sk;
	uint32_t i;

	pool_for_each(socks, i, sk) {
		if (sk->filter == NULL)
			continue;
		if (pool_is_live(p, pool_index(p, sk->filter)) && sk->filter->len != 0)
			sk->filter->refs++;
		else
			sk->filter = NULL; /* it was killed on the way to free or to fill it */
	}
}

void filter_recover(struct stack *st)
{
	struct pool *p = &st->inet.filters;
	struct filter *f;
	uint32_t i;

	pool_rebuild(p);
	pool_for_each(p, i, f)
		f->refs = 0;
	recount(st, &st->inet.udp_socks);
	recount(st, &st->inet.raw_socks);
	recount(st, &st->tcp.socks);
	pool_for_each(p, i, f)
		if (f->refs == 0)
			pool_free(p, f);
}
