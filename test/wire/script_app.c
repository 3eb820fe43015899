/* SPDX-License-Identifier: BSD-3-Clause */
/* script_app.c - see script.h: handshakes, and the program at its socket. */
#include "test/wire/script_priv.h"

/* -- handshakes --------------------------------------------------------------------------------- */

static void flow_agree(const struct script_handshake *h)
{
	S.f->win = (uint32_t)h->win;
	S.f->ts = h->ts;
	S.f->sack = h->sack;
	S.f->wscale_on = h->wscale >= 0;
	S.f->peer_wscale = h->wscale;
}

void script_peer_syn(const struct script_handshake *h, uint8_t flags)
{
	uint32_t tsval = S.ts_base + (uint32_t)(S.world->now / 1000000);
	int64_t ecr = flags & TCP_ACK ? (int64_t)S.f->stack_tsval : 0;

	peer(flags, .seq = 0, .mss = h->mss, .wscale = h->wscale, .sackok = h->sack ? 1 : NONE,
	     .tsval = h->ts ? (int64_t)tsval : NONE, .tsecr = ecr, .win = h->win);
	flow_agree(h);
}

static struct conn *new_socket(const struct script_handshake *h)
{
	struct conn *c = conn_socket(S.node, SOCK_STREAM);

	c->tx_key = APP_KEY;
	c->rx_key = PEER_KEY;
	if (h->setup != NULL)
		h->setup(c);
	return c;
}

void script_connect_start(const struct script_handshake *h)
{
	S.c = new_socket(h);
	script_trace("  app: connect");
	script_check(conn_connect(S.c, &S.peer_addr, S.f->peer_port), -EINPROGRESS, "connect");
	script_settle();
}

void script_listen_start(const struct script_handshake *h)
{
	S.listener = new_socket(h);
	script_trace("  app: listen");
	script_check(conn_setint(S.listener, SOL_SOCKET, SO_REUSEADDR, 1), 0, "SO_REUSEADDR");
	script_check(conn_bind(S.listener, &S.node->addr, SCRIPT_STACK_PORT), 0, "bind");
	script_check(conn_listen(S.listener, h->backlog), 0, "listen");
	script_settle();
}

void script_accept(const char *file, int line)
{
	script_trace("  app: accept");
	S.c = conn_accept(S.listener);
	if (S.c == NULL)
		fail_at(file, line, "accept: no connection waits");
	S.c->tx_key = APP_KEY;
	S.c->rx_key = PEER_KEY;
	script_settle();
}

void script_connected(const struct script_handshake *h, const char *file, int line)
{
	script_connect_start(h);
	script_expect(SCRIPT_SEG(SYN, .seq = 0, .mss = ANY), file, line);
	script_peer_syn(h, SYNACK);
	script_expect(SCRIPT_SEG(ACK, .seq = 1, .ack = 1), file, line);
	script_expect_nothing(file, line);
	script_poll(EPOLLOUT, file, line);
}

void script_accepted(const struct script_handshake *h, const char *file, int line)
{
	if (S.listener == NULL)
		script_listen_start(h);
	script_peer_syn(h, SYN);
	script_expect(SCRIPT_SEG(SYNACK, .seq = 0, .ack = 1), file, line);
	peer(ACK, .seq = 1, .ack = 1);
	script_expect_nothing(file, line);
	script_accept(file, line);
	script_poll(EPOLLOUT, file, line);
}

/* -- the program ---------------------------------------------------------------------------------- */

void script_equal(int64_t got, int64_t want, const char *what, const char *file, int line)
{
	if (got != want)
		fail_at(file, line, "%s: %lld, expected %lld", what, (long long)got, (long long)want);
}

void app_close(void)
{
	script_trace("  app: close");
	conn_close(S.c);
	script_settle();
}

void script_poll(uint32_t bits, const char *file, int line)
{
	uint32_t mask = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLHUP | EPOLLRDHUP;
	uint32_t got;

	script_settle();
	got = conn_poll(S.c) & mask;
	if (got != bits)
		fail_at(file, line, "poll says 0x%x, expected 0x%x", got, bits);
}
