/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_tfo_listen.c - data in the SYN, passive side: RFC 7413 4.1.2 and 4.2.2.
 *
 * A SYN with the right cookie makes a connection at once, an embryo: it is in SYN-RECEIVED (or
 * FIN-WAIT-1, closed early), on the accept queue, its data is readable and it may send.  Its
 * retransmission timer repeats the SYN-ACK until the handshake's ACK comes.
 *
 * A listener has at most TCP_FASTOPEN embryos, accepted or not; SYNs beyond that are handled as
 * if they had no data.  One that is reset counts for another minute (RFC 7413 5.1: an
 * attacker with a cookie could make the program work for spoofed addresses).
 *
 * A cookie is SipHash of both addresses.  The key of the stack changes every hour; the one
 * before still counts, and the SYN-ACK then brings the new one.  A listener may have keys of its own
 * (TCP_FASTOPEN_KEY), which never change by themselves.
 */
#include "stack/tcp/tcp.h"

#include <string.h>

#define TFO_KEY_PERIOD (3600 * NS_PER_SEC)
#define TFO_COOKIE_LEN 8
#define TFO_RESET_PENALTY (60 * NS_PER_SEC)

/* -- cookies ----------------------------------------------------------------------------------- */

static void key_of(const struct stack *st, const struct tcp_sock *lsk, unsigned int age,
		   uint8_t key[16], uint64_t now)
{
	uint64_t in[2] = { now / TFO_KEY_PERIOD - age, 0 }, out[2];

	if (lsk->tfo_nkeys > 0) {
		memcpy(key, lsk->tfo_keys + 16 * age, 16);
		return;
	}
	out[0] = stack_prf(st, in, sizeof(in), 0x74666f6b);
	in[1] = 1;
	out[1] = stack_prf(st, in, sizeof(in), 0x74666f6b);
	memcpy(key, out, 16);
}

/* As Linux computes it: the client's address, then ours, as on the wire. */
static void cookie_of(const uint8_t key[16], const struct tcp_key *conn, uint8_t cookie[TFO_COOKIE_LEN])
{
	uint64_t v;

	if (ipaddr_is_v4(&conn->raddr)) {
		uint32_t addrs[2] = { ipaddr_to_v4(&conn->raddr), ipaddr_to_v4(&conn->laddr) };

		v = siphash24(key, addrs, sizeof(addrs));
	} else {
		struct ipaddr addrs[2] = { conn->raddr, conn->laddr };

		v = siphash24(key, addrs, sizeof(addrs));
	}
	memcpy(cookie, &v, TFO_COOKIE_LEN);
}

static void grant(const struct stack *st, const struct tcp_sock *lsk, const struct tcp_key *conn,
		  struct tfo_cookie *cookie, uint64_t now)
{
	uint8_t key[16];

	key_of(st, lsk, 0, key, now);
	cookie_of(key, conn, cookie->val);
	cookie->len = TFO_COOKIE_LEN;
}

enum cookie_age { COOKIE_WRONG, COOKIE_NEW, COOKIE_OLD };

static enum cookie_age judge(const struct stack *st, const struct tcp_sock *lsk,
			     const struct tcp_key *conn, const struct tcp_seg *seg, uint64_t now)
{
	unsigned int nkeys = lsk->tfo_nkeys == 1 ? 1 : 2;
	uint8_t key[16], right[TFO_COOKIE_LEN];

	if (seg->fo_len != TFO_COOKIE_LEN)
		return COOKIE_WRONG;
	for (unsigned int i = 0; i < nkeys; i++) {
		key_of(st, lsk, i, key, now);
		cookie_of(key, conn, right);
		if (memcmp(right, seg->fo_cookie, TFO_COOKIE_LEN) == 0)
			return i == 0 ? COOKIE_NEW : COOKIE_OLD;
	}
	return COOKIE_WRONG;
}

/* -- embryos ------------------------------------------------------------------------------------ */

static bool has_room(struct stack *st, struct tcp_sock *lsk, uint64_t now)
{
	if (lsk->tfo_max == 0)
		return false;
	if (lsk->tfo_resets > 0 && now - lsk->tfo_reset_stamp > TFO_RESET_PENALTY)
		lsk->tfo_resets = 0;
	if (lsk->tfo_len + lsk->tfo_resets < lsk->tfo_max)
		return true;
	MIB_INC(st, TCP_TFO_OVERFLOW);
	return false;
}

/* tp is no embryo any more: it grew up, or was_reset, or is closed. */
void tcp_tfo_hatch(struct tcp_sock *tp, bool was_reset, uint64_t now)
{
	struct tcp_sock *lsk = tp->tfo_listener;

	tp->tfo &= (uint16_t)~TFO_EMBRYO;
	if (lsk == NULL)
		return;
	list_del(&tp->tfo_link);
	tp->tfo_listener = NULL;
	lsk->tfo_len--;
	if (was_reset) {
		lsk->tfo_resets++;
		lsk->tfo_reset_stamp = now;
	}
}

void tcp_tfo_link(struct tcp_sock *lsk, struct tcp_sock *tp)
{
	tp->tfo_listener = lsk;
	list_add_tail(&lsk->tfo_embryos, &tp->tfo_link);
	lsk->tfo_len++;
}

/* The listener goes; embryos that were accepted live on. */
void tcp_tfo_forget(struct tcp_sock *lsk)
{
	struct list *n;

	while ((n = list_pop_head(&lsk->tfo_embryos)) != NULL)
		list_entry(n, struct tcp_sock, tfo_link)->tfo_listener = NULL;
	lsk->tfo_len = 0;
}

static bool make_embryo(struct stack *st, struct tcp_sock *lsk, const struct tcp_req *req,
			struct tcp_rx *rx, const struct tfo_cookie *cookie, uint64_t now)
{
	struct tcp_sock *tp = tcp_child_new(st, lsk, req, &rx->seg, now);

	if (tp == NULL)
		return false;
	tp->tfo |= TFO_EMBRYO | TFO_CHILD;
	tcp_set_state(st, tp, TCPS_SYN_RECEIVED);
	tcp_table_insert(st, &tp->node);
	tcp_tfo_link(lsk, tp);
	tp->syn_stamp = now;
	tcp_init_transfer(st, tp, now);
	if (rx->seg.len > 0) {
		tp->data_segs_in = 1;
		tcp_rcv_syn_data(st, tp, rx, now);
		tp->tfo |= TFO_DATA_ACKED;
	}
	tcp_send_syn(st, tp, cookie, NULL, now);
	tcp_xmit_timer_set(st, tp, XMIT_RTO, tp->rto, now);
	tcp_child_offer(st, lsk, tp);
	return true;
}

/*
 * A SYN for a listener.  True: an embryo was made of it.  Else it is handled as any SYN, and
 * *cookie is what the SYN-ACK brings (len -1: nothing).
 */
bool tcp_tfo_syn(struct stack *st, struct tcp_sock *lsk, const struct tcp_req *req,
		 struct tcp_rx *rx, struct tfo_cookie *cookie, uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;
	bool option = (seg->opts & TCP_HAS_FASTOPEN) != 0;
	enum cookie_age age = COOKIE_NEW;

	memset(cookie, 0, sizeof(*cookie));
	cookie->len = -1;
	cookie->exp = option && seg->fo_exp;
	if (option && seg->fo_len == 0)
		MIB_INC(st, TCP_TFO_COOKIE_REQD);
	if ((seg->len == 0 && !option) || !has_room(st, lsk, now))
		return false;
	if (!(lsk->tfo & TFO_OPT_NO_COOKIE)) {
		if (!option)
			return false;
		age = judge(st, lsk, &req->node.key, seg, now);
	}
	if (age != COOKIE_NEW)
		grant(st, lsk, &req->node.key, cookie, now);
	if (age != COOKIE_WRONG && make_embryo(st, lsk, req, rx, cookie, now)) {
		if (age == COOKIE_OLD)
			MIB_INC(st, TCP_TFO_PASSIVE_OLD_KEY);
		MIB_INC(st, TCP_TFO_PASSIVE);
		return true;
	}
	if (option && seg->fo_len > 0)
		MIB_INC(st, TCP_TFO_PASSIVE_FAIL);
	return false;
}
