/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sockopt.h - socket options as tables: one row per option, the table is the documentation.
 */
#ifndef STACK_INET_SOCKOPT_H
#define STACK_INET_SOCKOPT_H

#include "stack/inet/inet_priv.h"

struct optctx {
	struct stack *st;
	struct socket *so;
	struct sock *sk;
	struct inet_sock *isk;
	uint64_t now;
};

/*
 * Integer options have set_int/get_int (or a flag of sk->flags); others take the raw
 * buffer.  No setter: -ENOPROTOOPT, as for an unknown name; so for getters.
 */
struct sockopt {
	int name;
	uint32_t flag; /* boolean kept in sk->flags */
	uint32_t opt;  /* boolean kept in sk->opts */
	int (*set_int)(const struct optctx *c, int val);
	int (*get_int)(const struct optctx *c, int *val);
	int (*set)(const struct optctx *c, const void *val, socklen_t len);
	int (*get)(const struct optctx *c, void *val, socklen_t *len);
	int min_len; /* shorter is -EINVAL to set; 0: as the level has it, OPT_LEN_ANY: none */
	uint32_t not_set_of; /* OPT_TYPE(): -ENOPROTOOPT, whatever the length */
};

#define OPT_LEN_ANY (-1)

/* sockopt.not_set_of: types of sockets of which it cannot be set, a bit each */
#define OPT_TYPE(type) (1u << (type))

struct sockopt_table {
	const struct sockopt *rows;
	unsigned int count;
	int min_len;
	/* SOL_IP: a buffer too short for an int holds one byte. */
	bool bytes;
	const struct sockopt_table *next; /* more rows of the level */
};

extern const struct sockopt_table sockopt_socket; /* sockopt_socket.c */
extern const struct sockopt_table sockopt_rare;	  /* sockopt_rare.c */
extern const struct sockopt_table sockopt_ip;	  /* sockopt_ip.c */
extern const struct sockopt_table sockopt_ip6;	  /* sockopt_ip6.c */

/* Copy at most *len of the size bytes at from and set *len; what most getters end with. */
int sockopt_put(void *val, socklen_t *len, const void *from, socklen_t size);
/* IP_MTU, IPV6_MTU: the MTU of the way to the peer, of whatever family it is. */
int sockopt_path_mtu(const struct optctx *c, int *val);

/*
 * MCAST_JOIN_GROUP and its relatives (RFC 3678 5.1), the same numbers at SOL_IP and SOL_IPV6:
 * family is 4 or 6 (sockopt_mcast.c).
 */
#define SOCKOPT_MCAST_DECLARE(name) \
	int sockopt_##name##_4(const struct optctx *c, const void *val, socklen_t len); \
	int sockopt_##name##_6(const struct optctx *c, const void *val, socklen_t len)
SOCKOPT_MCAST_DECLARE(join_group);
SOCKOPT_MCAST_DECLARE(leave_group);
SOCKOPT_MCAST_DECLARE(join_source);
SOCKOPT_MCAST_DECLARE(leave_source);
SOCKOPT_MCAST_DECLARE(block_source);
SOCKOPT_MCAST_DECLARE(unblock_source);

#define SOCKOPT_MCAST_ROWS(family) \
	{ MCAST_JOIN_GROUP, .set = sockopt_join_group_##family }, \
	{ MCAST_LEAVE_GROUP, .set = sockopt_leave_group_##family }, \
	{ MCAST_JOIN_SOURCE_GROUP, .set = sockopt_join_source_##family }, \
	{ MCAST_LEAVE_SOURCE_GROUP, .set = sockopt_leave_source_##family }, \
	{ MCAST_BLOCK_SOURCE, .set = sockopt_block_source_##family }, \
	{ MCAST_UNBLOCK_SOURCE, .set = sockopt_unblock_source_##family }

#endif
