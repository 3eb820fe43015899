/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_filter.c - SO_ATTACH_FILTER: classic BPF programs, checked and run as the kernel does it.
 *
 * Programs of chance are given to a UDP socket of the kernel's and to one of ours, and so are the
 * same datagrams: same ports, no checksum, so that every byte from the UDP header on agrees.
 */
#include "stack/inet/filter.h"

#include "test/unit/udp_both.h"
#include "test/wire/rng.h"

#define NPROGRAMS 30000
#define NRUNS 6000
#define MAX_LEN 14

static int both_attach(struct both *b, struct sock_filter *code, unsigned int len)
{
	struct sock_fprog prog = { .len = (unsigned short)len, .filter = code };
	int k = neg_errno(setsockopt(b->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));

	return same("SO_ATTACH_FILTER", k,
		    socket_setsockopt(stack(), b->so, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
				      sizeof(prog), world->now));
}

/* -- programs of chance ---------------------------------------------------------------------- */

static const uint16_t codes[] = {
	BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS,
	BPF_LD | BPF_W | BPF_IND, BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND,
	BPF_LD | BPF_W | BPF_LEN, BPF_LD | BPF_IMM, BPF_LD | BPF_MEM,
	BPF_LDX | BPF_W | BPF_LEN, BPF_LDX | BPF_B | BPF_MSH, BPF_LDX | BPF_IMM, BPF_LDX | BPF_MEM,
	BPF_ST, BPF_STX, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA,
	BPF_ALU | BPF_ADD | BPF_K, /* NOLINT(misc-redundant-expression): both are 0 */
	BPF_ALU | BPF_ADD | BPF_X, BPF_ALU | BPF_SUB | BPF_K,
	BPF_ALU | BPF_SUB | BPF_X, BPF_ALU | BPF_MUL | BPF_K, BPF_ALU | BPF_MUL | BPF_X,
	BPF_ALU | BPF_DIV | BPF_K, BPF_ALU | BPF_DIV | BPF_X, BPF_ALU | BPF_MOD | BPF_K,
	BPF_ALU | BPF_MOD | BPF_X, BPF_ALU | BPF_AND | BPF_K, BPF_ALU | BPF_AND | BPF_X,
	BPF_ALU | BPF_OR | BPF_K, BPF_ALU | BPF_OR | BPF_X, BPF_ALU | BPF_XOR | BPF_K,
	BPF_ALU | BPF_XOR | BPF_X, BPF_ALU | BPF_LSH | BPF_K, BPF_ALU | BPF_LSH | BPF_X,
	BPF_ALU | BPF_RSH | BPF_K, BPF_ALU | BPF_RSH | BPF_X, BPF_ALU | BPF_NEG,
	BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JEQ | BPF_X,
	BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | BPF_JGT | BPF_X, BPF_JMP | BPF_JGE | BPF_K,
	BPF_JMP | BPF_JGE | BPF_X, BPF_JMP | BPF_JSET | BPF_K, BPF_JMP | BPF_JSET | BPF_X,
	BPF_RET | BPF_K, BPF_RET | BPF_A,
};

/* What both sides have the same of. */
static const uint32_t beyond[] = {
	(uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL), (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE),
	(uint32_t)(SKF_AD_OFF + SKF_AD_MARK), (uint32_t)(SKF_AD_OFF + SKF_AD_QUEUE),
	(uint32_t)(SKF_AD_OFF + SKF_AD_HATYPE), (uint32_t)(SKF_AD_OFF + SKF_AD_ALU_XOR_X),
	(uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG), (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
	(uint32_t)(SKF_AD_OFF + SKF_AD_PAY_OFFSET), (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TPID),
};

static uint32_t some_k(struct rng *r, uint16_t code)
{
	if (BPF_CLASS(code) == BPF_LD && BPF_MODE(code) == BPF_ABS && rng_below(r, 4) == 0)
		return beyond[rng_below(r, sizeof(beyond) / sizeof(beyond[0]))];
	/* Version and length of header; TTL, protocol. */
	if (BPF_CLASS(code) == BPF_LD && BPF_MODE(code) == BPF_ABS && BPF_SIZE(code) == BPF_B &&
	    rng_below(r, 4) == 0)
		return (uint32_t)SKF_NET_OFF + (uint32_t[]){ 0, 8, 9 }[rng_below(r, 3)];
	switch (rng_below(r, 8)) {
	case 0:
		return (uint32_t)rng_next(r);
	case 1:
		return (uint32_t)SKF_AD_OFF + (uint32_t)rng_below(r, 80);
	case 2:
		return (uint32_t)rng_below(r, 80);
	default:
		return (uint32_t)rng_below(r, 20);
	}
}

static unsigned int some_program(struct rng *r, struct sock_filter *code)
{
	unsigned int len = (unsigned int)rng_range(r, 1, MAX_LEN), i;

	for (i = 0; i < len; i++) {
		code[i].code = codes[rng_below(r, sizeof(codes) / sizeof(codes[0]))];
		if (i == len - 1 && rng_below(r, 16) != 0)
			code[i].code = rng_below(r, 2) == 0 ? BPF_RET | BPF_K : BPF_RET | BPF_A;
		else if (rng_below(r, 64) == 0)
			code[i].code = (uint16_t)rng_next(r);
		else if (rng_below(r, 64) == 0)
			code[i].code ^= (uint16_t)(1u << rng_below(r, 10));
		code[i].jt = (uint8_t)rng_below(r, len - i + (rng_below(r, 8) == 0 ? 2 : 0));
		code[i].jf = (uint8_t)rng_below(r, 3);
		code[i].k = some_k(r, code[i].code);
	}
	return len;
}

TEST(programs_are_checked_as_by_the_kernel)
{
	struct sock_filter code[MAX_LEN];
	struct rng r = { 1 };
	unsigned int i, good = 0;
	struct both b;

	flavour = V4;
	world = new_world(1);
	b = both_open();
	for (i = 0; i < NPROGRAMS; i++)
		good += both_attach(&b, code, some_program(&r, code)) == 0;
	/* Enough of either kind. */
	ck_assert_uint_gt(good, NPROGRAMS / 10);
	ck_assert_uint_lt(good, NPROGRAMS - NPROGRAMS / 10);
	both_close(&b);
	ck_assert_uint_eq(stack()->inet.filters.used, 0);
	world_finish(world);
}

/* Does it ask for what is not the same: the interface, a hash, the processor, chance? */
static bool asks_for_more(const struct sock_filter *code, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++) {
		switch (code[i].k - (uint32_t)SKF_AD_OFF) {
		case SKF_AD_IFINDEX:
		case SKF_AD_NLATTR:
		case SKF_AD_NLATTR_NEST:
		case SKF_AD_RXHASH:
		case SKF_AD_CPU:
		case SKF_AD_RANDOM:
			return true;
		default:
			break;
		}
	}
	return false;
}

/* Bind both sides of b to the same port. */
static void bind_alike(struct both *b)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_of(AF_INET, KERNEL_ADDR, 0, &ss);

	ck_assert_int_eq(bind(b->fd, (struct sockaddr *)&ss, len), 0);
	getsockname(b->fd, (struct sockaddr *)&ss, &len);
	b->kport = b->oport = port_of(&ss);
	len = sockaddr_of(AF_INET, OUR_ADDR, b->oport, &ss);
	ck_assert_int_eq(socket_bind(stack(), b->so, (struct sockaddr *)&ss, len, world->now), 0);
	both_set(b, SOL_SOCKET, SO_NO_CHECK, 1);
}

TEST(programs_run_as_in_the_kernel)
{
	struct sock_filter code[MAX_LEN];
	unsigned int i, len, got = 0, runs = 0;
	struct rng r = { 2 };
	struct both a, b;
	uint8_t data[48];
	size_t n, j;

	flavour = V4;
	world = new_world(2);
	a = both_open();
	b = both_open();
	bind_alike(&a);
	bind_alike(&b);
	while (runs < NRUNS) {
		len = some_program(&r, code);
		if (asks_for_more(code, len) || both_attach(&b, code, len) < 0)
			continue;
		runs++;
		n = rng_below(&r, sizeof(data) + 1);
		for (j = 0; j < n; j++)
			data[j] = (uint8_t)rng_below(&r, rng_below(&r, 2) == 0 ? 256 : 24);
		both_sendto(&a, data, n, b.kport, b.oport, 0);
		for (i = 0; i < 2; i++)
			got += both_recv(&b, sizeof(data), 0) > 0;
	}
	ck_assert_uint_gt(got, NRUNS / 10);
	both_close(&a);
	both_close(&b);
	world_finish(world);
}

/* -- the options ----------------------------------------------------------------------------- */

static int both_get_filter(struct both *b, socklen_t room, struct sock_filter *ours)
{
	struct sock_filter kernels[8];
	socklen_t k = room, o = room;

	same("SO_GET_FILTER", neg_errno(getsockopt(b->fd, SOL_SOCKET, SO_GET_FILTER, kernels, &k)),
	     socket_getsockopt(stack(), b->so, SOL_SOCKET, SO_GET_FILTER, ours, &o, world->now));
	return same("instructions", k, o);
}

TEST(a_filter_is_attached_told_detached_and_locked)
{
	struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_filter back[8] = { { 0 } };
	struct sock_fprog none = { .len = 2, .filter = NULL };
	struct both b;

	flavour = V6;
	world = new_world(3);
	b = both_open();
	ck_assert_int_eq(both_get_filter(&b, 8, back), 0);
	ck_assert_int_eq(both_set(&b, SOL_SOCKET, SO_DETACH_FILTER, 0), -ENOENT);
	ck_assert_int_eq(both_attach(&b, code, 0), -EINVAL);
	ck_assert_int_eq(socket_setsockopt(stack(), b.so, SOL_SOCKET, SO_ATTACH_FILTER, &none,
					   sizeof(none), world->now), -EINVAL);
	ck_assert_int_eq(socket_setsockopt(stack(), b.so, SOL_SOCKET, SO_ATTACH_FILTER, &none,
					   sizeof(none) - 1, world->now), -EINVAL);
	ck_assert_int_eq(both_attach(&b, code, 2), 0);
	ck_assert_int_eq(both_get_filter(&b, 0, back), 2);
	both_get_filter(&b, 1, back);
	ck_assert_int_eq(both_get_filter(&b, 8, back), 2);
	ck_assert_int_eq(memcmp(back, code, sizeof(code)), 0);
	ck_assert_int_eq(both_attach(&b, code + 1, 1), 0);
	ck_assert_int_eq(both_get_filter(&b, 8, back), 1);
	ck_assert_uint_eq(stack()->inet.filters.used, 1);
	ck_assert_int_eq(both_set(&b, SOL_SOCKET, SO_DETACH_FILTER, 0), 0);
	ck_assert_int_eq(both_set(&b, SOL_SOCKET, SO_DETACH_FILTER, 0), -ENOENT);
	both_attach(&b, code, 2);
	both_set(&b, SOL_SOCKET, SO_LOCK_FILTER, 1);
	ck_assert_int_eq(both_attach(&b, code, 2), -EPERM);
	ck_assert_int_eq(both_set(&b, SOL_SOCKET, SO_DETACH_FILTER, 0), -EPERM);
	ck_assert_int_eq(both_set(&b, SOL_SOCKET, SO_LOCK_FILTER, 0), -EPERM);
	both_close(&b);
	ck_assert_uint_eq(stack()->inet.filters.used, 0);
	world_finish(world);
}

TEST(the_longest_program_and_the_last_one_that_fits)
{
	static struct sock_filter code[BPF_MAXINSNS + 1];
	struct socket *so[FILTERS_MAX + 1];
	struct sock_fprog prog = { .len = BPF_MAXINSNS, .filter = code };
	unsigned int i;
	struct both b;

	flavour = V4;
	world = new_world(4);
	for (i = 0; i <= BPF_MAXINSNS; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 1);
	for (i = 0; i <= FILTERS_MAX; i++) {
		code[0].k = i; /* equal ones would be one */
		ck_assert_int_eq(socket_create(stack(), AF_INET, SOCK_DGRAM, 0, &so[i], world->now), 0);
		ck_assert_int_eq(socket_setsockopt(stack(), so[i], SOL_SOCKET, SO_ATTACH_FILTER, &prog,
						   sizeof(prog), world->now),
				 i < FILTERS_MAX ? 0 : -ENOMEM);
	}
	/* One of those is there for everybody. */
	code[0].k = 7;
	ck_assert_int_eq(socket_setsockopt(stack(), so[FILTERS_MAX], SOL_SOCKET, SO_ATTACH_FILTER,
					   &prog, sizeof(prog), world->now), 0);
	for (i = 0; i <= FILTERS_MAX; i++)
		socket_release(stack(), so[i], world->now);
	ck_assert_uint_eq(stack()->inet.filters.used, 0);
	b = both_open();
	ck_assert_int_eq(both_attach(&b, code, BPF_MAXINSNS + 1), -EINVAL);
	both_close(&b);
	world_finish(world);
}

TEST(filters_survive_a_crash_and_nobodys_are_freed)
{
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct both a, b;

	flavour = V4;
	world = new_world(5);
	a = both_open();
	b = both_open();
	bind_alike(&a);
	bind_alike(&b);
	both_attach(&b, none, 1);
	/* Half-way through attaching: allocated, and nobody has it yet. */
	ck_assert_ptr_nonnull(pool_alloc(&stack()->inet.filters));
	ck_assert_uint_eq(stack()->inet.filters.used, 2);
	stack_recover(stack(), world->now);
	ck_assert_uint_eq(stack()->inet.filters.used, 1);
	both_sendto(&a, "x", 1, b.kport, b.oport, 0);
	ck_assert_int_eq(both_recv(&b, 10, 0), -EAGAIN);
	both_set(&b, SOL_SOCKET, SO_DETACH_FILTER, 0);
	both_sendto(&a, "x", 1, b.kport, b.oport, 0);
	ck_assert_int_eq(both_recv(&b, 10, 0), 1);
	both_close(&a);
	both_close(&b);
	world_finish(world);
}

SIM_MAIN("filter")
