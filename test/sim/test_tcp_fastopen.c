/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_fastopen.c - data in the SYN, both sides: RFC 7413, tcp(7). */
#include <linux/tcp.h>

#include "stack/core/mib.h"
/* One of the two headers that know TCP's options may be included; script.h's is the other. */
#define _NETINET_TCP_H 1
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/pattern.h"
#include "test/wire/script.h"

#define HOUR_MS (3600.0 * 1000)
#define COOKIE_LEN 8

static uint8_t cookie[16]; /* the last one that a SYN or SYN-ACK of the stack had */

/* Option 34, or 254 with its magic, of a segment: the cookie's length, -1: not there. */
static int fastopen_option(const struct frame_tcp *t, uint8_t kind)
{
	int skip = kind == 254 ? 4 : 2;

	for (unsigned int i = 0; i + 1 < t->optlen && t->opt[i] != 0;) {
		if (t->opt[i] == 1) {
			i++;
			continue;
		}
		if (t->opt[i] == kind) {
			memcpy(cookie, t->opt + i + skip, (size_t)(t->opt[i + 1] - skip));
			return t->opt[i + 1] - skip;
		}
		i += t->opt[i + 1];
	}
	return -1;
}

/* The stack's next segment is a SYN or SYN-ACK with so much data and such a Fast Open option. */
static void take_syn(uint8_t flags, int64_t ack, uint32_t len, int fo_len, uint8_t kind, int line)
{
	struct script_seen s;
	const struct frame_tcp *t = &s.info.tcp;

	(void)script_after(0);
	if (!script_next(&s) || !s.info.is_tcp)
		fail_at(__FILE__, line, "no SYN came");
	if (S.listener == NULL)
		S.f->stack_port = t->sport;
	script_equal(t->flags, flags, "flags", __FILE__, line);
	script_equal(t->len, len, "length", __FILE__, line);
	script_equal(fastopen_option(t, kind), fo_len, "Fast Open option", __FILE__, line);
	if (flags & TCP_ACK)
		script_equal(t->ack - S.f->peer_iss, ack, "ack", __FILE__, line);
	script_equal(pattern_check(t->data, t->len, APP_KEY, 0), -1, "data", __FILE__, line);
	S.f->stack_iss = t->seq;
	S.f->rcv_nxt = 1 + t->len;
	free(s.bytes);
}
#define expect_syn(len, fo) take_syn(SYN, 0, (len), (fo), 34, __LINE__)
#define expect_synack(ack, fo) take_syn(SYNACK, (ack), 0, (fo), 34, __LINE__)

/* The peer's SYN or SYN-ACK with data and the cookie seen last (fo_len 0: a request; -1: none). */
static void peer_syn_fo(uint8_t flags, uint32_t len, int fo_len, int64_t ack)
{
	static uint8_t data[2000];
	uint8_t opts[40] = { 2, 4, 1460 >> 8, 1460 & 255, 34, (uint8_t)(2 + fo_len) };
	unsigned int n = 4;

	if (fo_len >= 0) {
		memcpy(opts + 6, cookie, (size_t)fo_len);
		n = 6 + (unsigned int)fo_len;
	}
	while (n % 4 != 0)
		opts[n++] = 1;
	pattern_fill(data, len, PEER_KEY, 0);
	peer(flags, .seq = 0, .len = len, .data = data, .opts = opts, .optlen = n, .ack = ack);
}

static void fast_listener(struct conn *c)
{
	script_check(conn_setint(c, IPPROTO_TCP, TCP_FASTOPEN, 2), 0, "TCP_FASTOPEN");
}

static struct tcp_info info_of(struct conn *c)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);

	memset(&i, 0, sizeof(i));
	script_check(socket_getsockopt(c->node->st, c->so, IPPROTO_TCP, TCP_INFO, &i, &len,
				       c->world->now),
		     0, "TCP_INFO");
	return i;
}

/* A listener that has granted its cookie over flow 1. */
static void given_fast_listener(void)
{
	given_listening(.setup = fast_listener);
	use_flow(1);
	peer_syn_fo(SYN, 0, 0, DFLT);
	expect_synack(1, COOKIE_LEN);
	peer(RST, .seq = 1);
	use_flow(0);
	expect_nothing();
}

/* -- passive side ------------------------------------------------------------------------- */

/* RFC 7413 4.1.2: a request is answered with a cookie, and the handshake is a common one. */
TEST(cookie_is_granted_on_request)
{
	script(.seed = 1);
	given_listening(.setup = fast_listener);
	peer_syn_fo(SYN, 0, 0, DFLT);
	expect_synack(1, COOKIE_LEN);
	expect_nothing();
	peer(ACK, .seq = 1, .ack = 1);
	app_accept();
	app_poll(EPOLLOUT);
	script_check(info_of(S.c).tcpi_options & TCPI_OPT_SYN_DATA, 0, "SYN data");
	script_check(mib(MIB_TCP_TFO_COOKIE_REQD), 1, "requests");
	script_finish();
}

/* RFC 7413 4.2.2: with the cookie the data is the program's before the handshake is complete. */
TEST(syn_data_with_the_cookie_is_delivered_at_once_and_may_be_answered)
{
	script(.seed = 2);
	given_fast_listener();
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(101, -1);
	app_accept();
	script_check(info_of(S.c).tcpi_state, 3, "SYN_RECV");
	app_poll(EPOLLIN | EPOLLOUT);
	app_recv(1000, 100);
	app_send(500);
	expect(ACK, .seq = 1, .len = 500, .ack = 101);
	expect_nothing();
	peer(ACK, .seq = 101, .ack = 501);
	expect_nothing();
	script_check(info_of(S.c).tcpi_state, 1, "ESTABLISHED");
	script_check(!!(info_of(S.c).tcpi_options & TCPI_OPT_SYN_DATA), 1, "SYN data");
	script_check(info_of(S.c).tcpi_bytes_received, 100, "bytes received");
	script_check(info_of(S.c).tcpi_unacked, 0, "unacked");
	script_check(mib(MIB_TCP_TFO_PASSIVE), 1, "passive");
	peer(ACK, .seq = 101, .len = 50);
	app_recv(1000, 50);
	script_finish();
}

/* A cookie without data is worth as much. */
TEST(cookie_without_data_makes_a_connection)
{
	script(.seed = 3);
	given_fast_listener();
	peer_syn_fo(SYN, 0, COOKIE_LEN, DFLT);
	expect_synack(1, -1);
	app_accept();
	app_poll(EPOLLOUT);
	app_send(10);
	expect(ACK, .seq = 1, .len = 10, .ack = 1);
	peer(ACK, .seq = 1, .ack = 11);
	expect_nothing();
	script_check(info_of(S.c).tcpi_options & TCPI_OPT_SYN_DATA, 0, "SYN data");
	script_finish();
}

/* RFC 7413 4.1.2: a wrong cookie gets the right one, and the data is left for later. */
TEST(wrong_cookie_gets_a_new_one_and_the_data_is_not_taken)
{
	script(.seed = 4);
	given_fast_listener();
	cookie[3] ^= 1;
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(1, COOKIE_LEN);
	script_check(mib(MIB_TCP_TFO_PASSIVE_FAIL), 1, "failed");
	script_check(conn_accept(S.listener) == NULL, 1, "nothing to accept");
	use_flow(2);
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(101, -1);
	script_finish();
}

/* RFC 7413 4.1.2: keys change; the last one still counts, and the new cookie comes along. */
TEST(cookie_of_the_last_key_is_good_and_renewed)
{
	uint8_t old[COOKIE_LEN];

	script(.seed = 5);
	given_fast_listener();
	memcpy(old, cookie, sizeof(old));
	advance_ms(HOUR_MS);
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(101, COOKIE_LEN);
	script_check(memcmp(old, cookie, sizeof(old)) != 0, 1, "a new cookie");
	script_check(mib(MIB_TCP_TFO_PASSIVE_OLD_KEY), 1, "old key");
	advance_ms(HOUR_MS);
	memcpy(cookie, old, sizeof(old));
	use_flow(2);
	expect_whatever();
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(1, COOKIE_LEN);
	script_finish();
}

/* tcp(7), TCP_FASTOPEN: so many at a time; more are common connections. */
TEST(embryos_are_limited_by_the_option)
{
	script(.seed = 6);
	given_fast_listener();
	for (unsigned int i = 2; i < 4; i++) {
		use_flow(i);
		peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
		expect_synack(101, -1);
	}
	use_flow(4);
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(1, -1);
	script_check(mib(MIB_TCP_TFO_OVERFLOW), 1, "overflow");
	use_flow(2);
	peer(ACK, .seq = 101, .ack = 1);
	use_flow(5);
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(101, -1);
	script_finish();
}

/* RFC 7413 5.1: embryos that are reset count for another minute. */
TEST(reset_embryos_count_for_a_minute)
{
	script(.seed = 7);
	given_fast_listener();
	for (unsigned int i = 2; i < 4; i++) {
		use_flow(i);
		peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
		expect_synack(101, -1);
		peer(RST, .seq = 101);
		app_accept();
		app_recv(200, 100);
		app_recv(200, -ECONNRESET);
		app_close();
	}
	use_flow(4);
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(1, -1);
	advance_ms(61000);
	expect_whatever();
	use_flow(5);
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(101, -1);
	script_finish();
}

/* The SYN-ACK is repeated by time and when the SYN comes again, without losing the data. */
TEST(lost_syn_ack_of_an_embryo_is_repeated)
{
	script(.seed = 8);
	given_fast_listener();
	peer_syn_fo(SYN, 100, COOKIE_LEN, DFLT);
	expect_synack(101, -1);
	expect_silence_ms(995);
	expect_after_ms(1, 30, SYNACK, .seq = 0, .ack = 101);
	advance_ms(600);
	S.f->snd_nxt = 0;
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 101);
	expect_nothing();
	S.f->snd_nxt = 101;
	peer(ACK, .seq = 101, .ack = 1);
	app_accept();
	app_recv(200, 100);
	script_check(info_of(S.c).tcpi_snd_cwnd, 1, "cwnd after a lost SYN-ACK");
	expect_silence_ms(5000);
	script_finish();
}

/* Data that was sent before the handshake's ACK is guarded by the RTO afterwards. */
TEST(answer_of_an_embryo_is_retransmitted_after_the_handshake)
{
	script(.seed = 9);
	given_fast_listener();
	peer_syn_fo(SYN, 10, COOKIE_LEN, DFLT);
	expect_synack(11, -1);
	app_accept();
	app_send(300);
	expect(ACK, .seq = 1, .len = 300, .ack = 11);
	peer(ACK, .seq = 11, .ack = 1);
	expect_after_ms(190, 420, ACK, .seq = 1, .len = 300, .ack = 11);
	peer(ACK, .seq = 11, .ack = 301);
	expect_silence_ms(3000);
	script_finish();
}

/* tcp(7), tcp_synack_retries: one attempt more than for a half-open connection. */
TEST(unanswered_embryo_is_given_up)
{
	double gap = 1000;

	script(.seed = 10);
	given_fast_listener();
	peer_syn_fo(SYN, 10, COOKIE_LEN, DFLT);
	expect_synack(11, -1);
	app_accept();
	for (int i = 0; i < 6; i++, gap *= 2)
		expect_after_ms(gap - 1, gap + gap / 50 + 2, SYNACK, .seq = 0, .ack = 11);
	expect_silence_ms(gap + 2000);
	app_recv(100, 10);
	app_recv(100, -ETIMEDOUT);
	script_finish();
}

/* close(2) before the handshake's ACK: FIN at once; the ACK of both completes it. */
TEST(closed_embryo_finishes)
{
	script(.seed = 11);
	given_fast_listener();
	peer_syn_fo(SYN, 10, COOKIE_LEN, DFLT);
	expect_synack(11, -1);
	app_accept();
	app_recv(100, 10);
	app_send(20);
	expect(ACK, .seq = 1, .len = 20, .ack = 11);
	app_close();
	expect(FINACK, .seq = 21, .ack = 11);
	peer(FINACK, .seq = 11, .ack = 22);
	expect(ACK, .seq = 22, .ack = 12);
	expect_nothing();
	script_finish();
}

TEST(shutdown_of_an_embryo_waits_for_the_handshake)
{
	script(.seed = 12);
	given_fast_listener();
	peer_syn_fo(SYN, 10, COOKIE_LEN, DFLT);
	expect_synack(11, -1);
	app_accept();
	app_shutdown(SHUT_WR);
	expect_nothing();
	peer(ACK, .seq = 11, .ack = 1);
	expect(FINACK, .seq = 1, .ack = 11);
	expect_nothing();
	script_finish();
}

/* Nobody will accept it any more. */
TEST(closing_the_listener_resets_its_embryos)
{
	script(.seed = 13);
	given_fast_listener();
	peer_syn_fo(SYN, 10, COOKIE_LEN, DFLT);
	expect_synack(11, -1);
	conn_close(S.listener);
	expect(RSTACK, .seq = 1, .ack = 11);
	expect_nothing();
	script_finish();
}

TEST(disconnecting_an_embryo_resets_it)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	script(.seed = 14);
	given_fast_listener();
	peer_syn_fo(SYN, 10, COOKIE_LEN, DFLT);
	expect_synack(11, -1);
	app_accept();
	script_check(script_after(socket_connect(S.node->st, S.c->so, &none, sizeof(none),
						 S.world->now)),
		     0, "disconnect");
	expect(RSTACK, .seq = 1, .ack = 11);
	expect_nothing();
	script_finish();
}

static void set_key(const void *key, socklen_t len)
{
	script_check(socket_setsockopt(S.node->st, S.listener->so, IPPROTO_TCP, TCP_FASTOPEN_KEY, key,
				       len, S.world->now),
		     0, "TCP_FASTOPEN_KEY");
}

/* Linux's cookie: SipHash-2-4 of client and server address under the listener's key. */
TEST4(listener_has_keys_of_its_own)
{
	/* for 192.0.2.2 → 192.0.2.1 and the key 00 01 … 0f, computed by another implementation */
	static const uint8_t right[] = { 0xdf, 0xd0, 0x79, 0x8e, 0x5a, 0x20, 0x8d, 0x57 };
	uint8_t keys[32];

	script(.seed = 15);
	given_listening(.setup = fast_listener);
	for (unsigned int i = 0; i < sizeof(keys); i++)
		keys[i] = (uint8_t)(i + 16);
	memcpy(keys + 16, "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16);
	set_key(keys + 16, 16);
	peer_syn_fo(SYN, 0, 0, DFLT);
	expect_synack(1, COOKIE_LEN);
	script_check(memcmp(cookie, right, sizeof(right)), 0, "cookie");
	/* The same as backup of another: good, and the new one comes along. */
	set_key(keys, 32);
	use_flow(1);
	peer_syn_fo(SYN, 10, COOKIE_LEN, DFLT);
	expect_synack(11, COOKIE_LEN);
	script_check(memcmp(cookie, right, sizeof(right)) != 0, 1, "a new cookie");
	script_check(socket_setsockopt(S.node->st, S.listener->so, IPPROTO_TCP, TCP_FASTOPEN_KEY, keys,
				       15, S.world->now),
		     -EINVAL, "a short key");
	script_finish();
}

/* -- active side ------------------------------------------------------------------------------ */

static void fast_socket(bool by_connect)
{
	S.c = conn_socket(S.node, SOCK_STREAM);
	S.c->tx_key = APP_KEY;
	S.c->rx_key = PEER_KEY;
	if (by_connect)
		app_setint(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
}

static socklen_t peer_address(struct sockaddr_storage *ss)
{
	struct endpoint ep = { .addr = S.peer_addr, .port = S.f->peer_port };
	socklen_t len = sizeof(*ss);

	endpoint_to_sockaddr(&ep, world_v6 ? AF_INET6 : AF_INET, (struct sockaddr *)ss, &len);
	return len;
}

static ssize_t send_to(size_t n)
{
	static uint8_t buf[100000];
	struct sockaddr_storage ss;
	struct iovec iov = { .iov_base = buf, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &ss,
			      .msg_namelen = peer_address(&ss) };
	ssize_t ret;

	pattern_fill(buf, n, APP_KEY, S.c->tx_off);
	ret = socket_sendmsg(S.node->st, S.c->so, &msg, MSG_FASTOPEN, S.world->now);
	if (ret > 0)
		S.c->tx_off += (uint64_t)ret;
	return script_after(ret);
}

static int connect_to(void)
{
	struct sockaddr_storage ss;
	socklen_t len = peer_address(&ss);

	return (int)script_after(socket_connect(S.node->st, S.c->so, (struct sockaddr *)&ss, len,
						S.world->now));
}

/* A socket that asked the peer for a cookie and has it, over flow 1, and is gone again. */
static void given_a_cookie(void)
{
	use_flow(1);
	fast_socket(false);
	script_check(send_to(100), -EINPROGRESS, "sendto without a cookie");
	expect_syn(0, 0);
	memcpy(cookie, "12345678", 8);
	peer_syn_fo(SYNACK, 0, 8, 1);
	expect(ACK, .seq = 1, .ack = 1);
	peer(RST, .seq = 1);
	app_close();
	use_flow(0);
	expect_nothing();
}

/* tcp(7), MSG_FASTOPEN: without a cookie it is a connect(2) that asks for one. */
TEST(fastopen_without_a_cookie_asks_for_one_and_keeps_the_data)
{
	script(.seed = 20);
	fast_socket(false);
	script_check(send_to(100), -EINPROGRESS, "sendto");
	expect_syn(0, 0);
	script_check(send_to(100), -EALREADY, "sendto again");
	memcpy(cookie, "12345678", 8);
	peer_syn_fo(SYNACK, 0, 8, 1);
	expect(ACK, .seq = 1, .ack = 1);
	script_check(info_of(S.c).tcpi_fastopen_client_fail, 1, "no cookie");
	app_send(100);
	expect(ACK, .seq = 1, .len = 100);
	peer(ACK, .seq = 1, .ack = 101);
	/* As connect(2): the first call after completion finds it out. */
	script_check(send_to(100), 100, "sendto");
	expect(ACK, .seq = 101, .len = 100);
	script_check(send_to(100), -EISCONN, "sendto on a connection");
	expect_nothing();
	script_finish();
}

/* RFC 7413 4.2.1: with the cookie the data goes with the SYN. */
TEST(fastopen_with_a_cookie_sends_data_in_the_syn)
{
	script(.seed = 21);
	given_a_cookie();
	fast_socket(false);
	script_check(send_to(100), 100, "sendto");
	expect_syn(100, 8);
	script_check(memcmp(cookie, "12345678", 8), 0, "the cookie");
	app_poll(0);
	peer_syn_fo(SYNACK, 0, -1, 101);
	expect(ACK, .seq = 101, .ack = 1);
	expect_nothing();
	app_poll(EPOLLOUT);
	script_check(!!(info_of(S.c).tcpi_options & TCPI_OPT_SYN_DATA), 1, "SYN data");
	script_check(info_of(S.c).tcpi_unacked, 0, "unacked");
	script_check(info_of(S.c).tcpi_fastopen_client_fail, 0, "no failure");
	script_check(mib(MIB_TCP_TFO_ACTIVE), 1, "active");
	app_send(50);
	expect(ACK, .seq = 101, .len = 50);
	expect_nothing();
	script_finish();
}

/* RFC 7413 4.2.1: what the SYN-ACK does not acknowledge is sent again with the ACK. */
TEST(syn_data_that_was_not_taken_is_sent_again_at_once)
{
	script(.seed = 22);
	given_a_cookie();
	fast_socket(false);
	script_check(send_to(100), 100, "sendto");
	expect_syn(100, 8);
	peer_syn_fo(SYNACK, 0, -1, 1);
	expect(ACK, .seq = 1, .len = 100, .ack = 1);
	expect_nothing();
	script_check(info_of(S.c).tcpi_fastopen_client_fail, 2, "not acknowledged");
	script_check(info_of(S.c).tcpi_options & TCPI_OPT_SYN_DATA, 0, "SYN data");
	script_check(info_of(S.c).tcpi_snd_cwnd, 10, "cwnd");
	script_check(mib(MIB_TCP_TFO_ACTIVE_FAIL), 1, "failed");
	peer(ACK, .seq = 1, .ack = 101);
	expect_silence_ms(3000);
	app_send(10);
	expect(ACK, .seq = 101, .len = 10);
	peer(ACK);
	script_check(info_of(S.c).tcpi_ca_state, 0, "open again");
	script_finish();
}

TEST(syn_data_that_was_taken_in_part_is_completed)
{
	script(.seed = 23);
	given_a_cookie();
	fast_socket(false);
	script_check(send_to(100), 100, "sendto");
	expect_syn(100, 8);
	peer_syn_fo(SYNACK, 0, -1, 41);
	expect(ACK, .seq = 41, .len = 60, .ack = 1);
	peer(ACK, .seq = 1, .ack = 101);
	expect_silence_ms(3000);
	script_finish();
}

/* RFC 7413 4.1.3.1: a SYN with data that is lost is followed by a bare one. */
TEST(lost_syn_with_data_is_followed_by_a_bare_one)
{
	script(.seed = 24);
	given_a_cookie();
	fast_socket(false);
	script_check(send_to(100), 100, "sendto");
	expect_syn(100, 8);
	advance_ms(1010);
	expect_syn(0, -1);
	peer_syn_fo(SYNACK, 0, -1, 1);
	expect(ACK, .seq = 1, .len = 100, .ack = 1);
	script_check(info_of(S.c).tcpi_fastopen_client_fail, 3, "SYN lost");
	peer(ACK, .seq = 1, .ack = 101);
	expect_silence_ms(3000);
	script_finish();
}

/* Two losses in a row: for two minutes at least no data goes in SYNs to this peer. */
TEST(path_that_drops_syns_with_data_is_avoided_for_a_while)
{
	script(.seed = 25);
	given_a_cookie();
	for (unsigned int i = 2; i < 4; i++) {
		use_flow(i);
		fast_socket(false);
		script_check(send_to(100), 100, "sendto");
		expect_syn(100, 8);
		advance_ms(1010);
		expect_syn(0, -1);
		peer_syn_fo(SYNACK, 0, -1, 1);
		expect(ACK, .seq = 1, .len = 100, .ack = 1);
		peer(ACK, .seq = 1, .ack = 101);
		peer(RST, .seq = 1);
	}
	use_flow(4);
	fast_socket(false);
	script_check(send_to(100), -EINPROGRESS, "sendto");
	expect_syn(0, -1);
	peer(RSTACK, .seq = 0, .ack = 1);
	advance_ms(5 * 60000);
	use_flow(5);
	fast_socket(false);
	script_check(send_to(100), 100, "sendto");
	expect_syn(100, 8);
	script_finish();
}

/* One segment at most, with room for all options; the rest follows the handshake. */
TEST(more_than_a_segment_of_data_waits_for_the_handshake)
{
	script(.seed = 26);
	given_a_cookie();
	fast_socket(false);
	script_check(send_to(5000), 1420, "sendto");
	expect_syn(1420, 8);
	app_send_gives(3580, -EAGAIN);
	peer_syn_fo(SYNACK, 0, -1, 1421);
	expect(ACK, .seq = 1421, .ack = 1);
	app_poll(EPOLLOUT);
	app_send(3580);
	expect(ACK, .seq = 1421, .len = 1460);
	expect(ACK, .seq = 2881, .len = 1460);
	expect(ACK, .seq = 4341, .len = 660);
	expect_nothing();
	script_finish();
}

/* tcp(7), TCP_FASTOPEN_CONNECT: connect(2) succeeds at once, the first write is the SYN's. */
TEST(fastopen_connect_puts_the_syn_off_to_the_first_write)
{
	script(.seed = 27);
	given_a_cookie();
	fast_socket(true);
	script_check(connect_to(), 0, "connect");
	expect_nothing();
	app_poll(EPOLLOUT);
	script_check(connect_to(), -EISCONN, "connect again");
	app_recv(10, -EAGAIN);
	app_send(200);
	expect_syn(200, 8);
	peer_syn_fo(SYNACK, 0, -1, 201);
	expect(ACK, .seq = 201, .ack = 1);
	app_poll(EPOLLOUT);
	expect_silence_ms(3000);
	script_finish();
}

TEST(fastopen_connect_without_a_cookie_connects_and_asks)
{
	script(.seed = 28);
	fast_socket(true);
	script_check(connect_to(), -EINPROGRESS, "connect");
	expect_syn(0, 0);
	peer_syn_fo(SYNACK, 0, -1, 1);
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	script_finish();
}

TEST(closing_before_the_first_write_sends_nothing)
{
	script(.seed = 29);
	given_a_cookie();
	fast_socket(true);
	script_check(connect_to(), 0, "connect");
	app_close();
	expect_silence_ms(3000);
	script_finish();
}

/* A server that ignores option 34 may know the experimental one (RFC 7413 4.1.1). */
TEST(experimental_option_is_tried_after_the_standard_one_was_ignored)
{
	script(.seed = 30);
	fast_socket(false);
	script_check(send_to(100), -EINPROGRESS, "sendto");
	expect_syn(0, 0);
	peer_syn_fo(SYNACK, 0, -1, 1);
	expect(ACK, .seq = 1, .ack = 1);
	use_flow(1);
	fast_socket(false);
	script_check(send_to(100), -EINPROGRESS, "sendto");
	take_syn(SYN, 0, 0, 0, 254, __LINE__);
	script_finish();
}

/* tcp(7), TCP_FASTOPEN_NO_COOKIE: data in the first SYN, without any option. */
TEST(no_cookie_option_sends_data_without_a_cookie)
{
	script(.seed = 31);
	fast_socket(false);
	app_setint(IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
	script_check(send_to(100), 100, "sendto");
	expect_syn(100, -1);
	peer_syn_fo(SYNACK, 0, -1, 101);
	expect(ACK, .seq = 101, .ack = 1);
	script_finish();
}

/* RFC 7413 4.2.2: a server may answer in its SYN-ACK. */
TEST(data_of_the_syn_ack_is_delivered)
{
	script(.seed = 32);
	given_a_cookie();
	fast_socket(false);
	script_check(send_to(100), 100, "sendto");
	expect_syn(100, 8);
	peer_syn_fo(SYNACK, 30, -1, 101);
	expect(ACK, .seq = 101, .ack = 31);
	app_recv(100, 30);
	script_finish();
}

TEST(refused_fastopen_reports_econnrefused)
{
	script(.seed = 33);
	given_a_cookie();
	fast_socket(false);
	script_check(send_to(100), 100, "sendto");
	expect_syn(100, 8);
	peer(RSTACK, .seq = 0, .ack = 101);
	expect_nothing();
	app_error(ECONNREFUSED);
	script_finish();
}

SIM_MAIN("tcp-fastopen")
