/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_init.c - TCP's memory, and whether anything in it still wants driving.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

static uint32_t round_up_pow2(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

/* Half-open and TIME_WAIT connections cost a tenth, so there may be as many as sockets, and some at least. */
static uint32_t max_small(const struct stack_config *cfg)
{
	return cfg->max_sockets > 4096 ? cfg->max_sockets : 4096;
}

static uint32_t ehash_size(const struct stack_config *cfg)
{
	return round_up_pow2(cfg->max_sockets * 2);
}

static uint32_t lhash_size(const struct stack_config *cfg)
{
	uint32_t n = round_up_pow2(cfg->max_sockets / 4 + 1);

	return n < 64 ? 64 : n > 4096 ? 4096 : n;
}

size_t tcp_footprint(const struct stack_config *cfg)
{
	/* Orphans outlive their sockets: room for as many again. */
	return pool_footprint(sizeof(struct tcp_sock), cfg->max_sockets * 2) +
	       pool_footprint(sizeof(struct tcp_req), max_small(cfg)) +
	       pool_footprint(sizeof(struct tcp_tw), max_small(cfg)) +
	       ehash_size(cfg) * sizeof(struct tcp_node *) +
	       lhash_size(cfg) * sizeof(struct inet_sock *) +
	       TFO_CACHE_SETS * TFO_CACHE_WAYS * sizeof(struct tfo_entry) + 4096;
}

/* What queues may hold together, as parts of the packet memory: the links need the rest. */
static void set_limits(struct stack *st)
{
	const struct rte_mempool *mp = st->cfg.mbufs;
	uint64_t total = (uint64_t)mp->size *
			 (rte_pktmbuf_data_room_size(st->cfg.mbufs) + TCP_MBUF_OVERHEAD);

	st->tcp.rmem_max = total * 3 / 8;
	st->tcp.wmem_max = total * 3 / 8;
}

int tcp_init(struct stack *st, uint64_t now)
{
	struct tcp_tables *t = &st->tcp;
	uint32_t n = st->cfg.max_sockets;

	(void)now;
	if (pool_init(&t->socks, &st->arena, sizeof(struct tcp_sock), n * 2) < 0 ||
	    pool_init(&t->reqs, &st->arena, sizeof(struct tcp_req), max_small(&st->cfg)) < 0 ||
	    pool_init(&t->tws, &st->arena, sizeof(struct tcp_tw), max_small(&st->cfg)) < 0)
		return -ENOMEM;
	t->ehash_mask = ehash_size(&st->cfg) - 1;
	t->lhash_mask = lhash_size(&st->cfg) - 1;
	t->ehash = arena_alloc(&st->arena, (t->ehash_mask + 1) * sizeof(*t->ehash), 64);
	t->lhash = arena_alloc(&st->arena, (t->lhash_mask + 1) * sizeof(*t->lhash), 64);
	t->tfo_cache = arena_alloc(&st->arena,
				   TFO_CACHE_SETS * TFO_CACHE_WAYS * sizeof(*t->tfo_cache), 64);
	if (t->ehash == NULL || t->lhash == NULL || t->tfo_cache == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < 3; i++)
		t->hash_key[i] = stack_prf(st, &i, sizeof(i), 0x74637068) | 1;
	list_init(&t->pending);
	set_limits(st);
	return 0;
}

/* Connections that no program holds but that still have something to say. */
bool tcp_is_quiescent(const struct stack *st, bool time_wait_counts)
{
	struct tcp_sock *tp;
	uint32_t i;

	if (time_wait_counts && st->tcp.tws.used > 0)
		return false;
	if (st->tcp.reqs.used > 0)
		return false;
	pool_for_each(&st->tcp.socks, i, tp)
		if (tcp_state_in(tp, TCPS_SYNCHRONISED | TCPS_BIT(TCPS_SYN_SENT) |
					     TCPS_BIT(TCPS_SYN_RECEIVED) | TCPS_BIT(TCPS_LISTEN)))
			return false;
	return true;
}
