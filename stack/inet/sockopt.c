/* SPDX-License-Identifier: BSD-3-Clause */
/* sockopt.c - setsockopt(2) and getsockopt(2): from the level to its table to the row. */
#include "stack/inet/sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

int sockopt_put(void *val, socklen_t *len, const void *from, socklen_t size)
{
	if (*len > size)
		*len = size;
	memcpy(val, from, *len);
	return 0;
}

/*
 * NULL: the protocol's.  An AF_INET socket has no SOL_IPV6 options; an AF_INET6 one has both,
 * but for raw sockets, whose packets are all IPv6.
 */
static const struct sockopt_table *table_of(const struct socket *so, int level)
{
	if (level == SOL_SOCKET)
		return &sockopt_socket;
	if (level == SOL_IP && (so->domain == AF_INET || so->type != SOCK_RAW))
		return &sockopt_ip;
	if (level == SOL_IPV6 && so->domain == AF_INET6)
		return &sockopt_ip6;
	return NULL;
}

static const struct sockopt *row_of(const struct sockopt_table *t, int name)
{
	unsigned int i;

	for (; t != NULL; t = t->next)
		for (i = 0; i < t->count; i++)
			if (t->rows[i].name == name)
				return &t->rows[i];
	return NULL;
}

static bool is_number(bool has_function, const struct sockopt *row)
{
	return has_function || row->flag != 0 || row->opt != 0;
}

/* An int; or of a shorter buffer its first byte, or nothing, which is 0. */
static int read_int(const struct sockopt_table *t, const struct sockopt *row, const void *optval,
		    socklen_t len, int *val)
{
	int min_len = row != NULL && row->min_len != 0 ? row->min_len : t->min_len;

	if ((int)len < min_len)
		return -EINVAL;
	*val = 0;
	if (len >= (socklen_t)sizeof(*val))
		memcpy(val, optval, sizeof(*val));
	else if (t->bytes && len > 0)
		*val = *(const uint8_t *)optval;
	return 0;
}

static int set_int(const struct optctx *c, const struct sockopt_table *t, const struct sockopt *row,
		   const void *optval, socklen_t len)
{
	int val, err;

	err = read_int(t, row, optval, len, &val);
	if (err < 0)
		return err;
	if (row->set_int != NULL)
		return row->set_int(c, val);
	if (val != 0) {
		c->sk->flags |= row->flag;
		c->sk->opts |= row->opt;
	} else {
		c->sk->flags &= ~row->flag;
		c->sk->opts &= ~row->opt;
	}
	return 0;
}

int socket_setsockopt(struct stack *st, struct socket *so, int level, int name, const void *val,
		      socklen_t len, uint64_t now)
{
	struct optctx c = { st, so, so->sk, inet_sk(so->sk), now };
	const struct sockopt_table *t = table_of(so, level);
	const struct sockopt *row;
	int err, probe;

	st->in_hand = so->sk;
	if ((int)len < 0)
		return -EINVAL;
	if (t == NULL)
		return so->ops->setsockopt == NULL ?
			       -ENOPROTOOPT :
			       so->ops->setsockopt(st, so->sk, level, name, val, len, now);
	row = row_of(t, name);
	if (row != NULL && (row->not_set_of & OPT_TYPE(so->type)) != 0)
		err = -ENOPROTOOPT;
	else if (row != NULL && row->set != NULL)
		err = row->set(&c, val, len);
	else if (row != NULL && is_number(row->set_int != NULL, row))
		err = set_int(&c, t, row, val, len);
	else
		/* SOL_SOCKET complains about a short buffer before it looks at the name. */
		err = level == SOL_SOCKET && read_int(t, NULL, val, len, &probe) < 0 ? -EINVAL :
										       -ENOPROTOOPT;
	if (err == 0 && so->ops->option_changed != NULL)
		so->ops->option_changed(st, so->sk, level, name, now);
	return err;
}

static int get_int(const struct optctx *c, const struct sockopt_table *t, const struct sockopt *row,
		   void *optval, socklen_t *len)
{
	int val = 0, err = 0;
	uint8_t byte;

	if (row->get_int != NULL)
		err = row->get_int(c, &val);
	else
		val = (c->sk->flags & row->flag) != 0 || (c->sk->opts & row->opt) != 0;
	if (err < 0)
		return err;
	if (t->bytes && *len < sizeof(val) && *len > 0 && val >= 0 && val <= 255) {
		byte = (uint8_t)val;
		return sockopt_put(optval, len, &byte, sizeof(byte));
	}
	return sockopt_put(optval, len, &val, sizeof(val));
}

/* A level that is not the protocol's own falls through to IPv4's, which has another errno. */
static int get_protocol_level(struct stack *st, struct socket *so, int level, int name, void *val,
			      socklen_t *len, uint64_t now)
{
	int err = so->ops->getsockopt == NULL ?
			  -ENOPROTOOPT :
			  so->ops->getsockopt(st, so->sk, level, name, val, len, now);

	if (err == -ENOPROTOOPT && so->domain == AF_INET && level != so->protocol &&
	    !(so->type == SOCK_RAW && level == SOL_RAW))
		return -EOPNOTSUPP;
	return err;
}

int socket_getsockopt(struct stack *st, struct socket *so, int level, int name, void *val,
		      socklen_t *len, uint64_t now)
{
	struct optctx c = { st, so, so->sk, inet_sk(so->sk), now };
	const struct sockopt_table *t = table_of(so, level);
	const struct sockopt *row;

	st->in_hand = so->sk;
	if (t == NULL)
		return get_protocol_level(st, so, level, name, val, len, now);
	/* IPv6's options take a negative length for a large one. */
	if ((int)*len < 0 && level != SOL_IPV6)
		return -EINVAL;
	row = row_of(t, name);
	if (row != NULL && row->get != NULL)
		return row->get(&c, val, len);
	if (row != NULL && is_number(row->get_int != NULL, row))
		return get_int(&c, t, row, val, len);
	return -ENOPROTOOPT;
}
