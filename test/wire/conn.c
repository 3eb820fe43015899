/* SPDX-License-Identifier: BSD-3-Clause */
/* conn.c - a program's view of one socket; see world.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/wire/conn.h"
#include "test/wire/pattern.h"
#include "test/wire/world.h"

#define CALL_MAX 16384
#define BUF_MAX 65536
#define READ_EDGES (EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLHUP | EPOLLERR)
#define WRITE_EDGES (EPOLLOUT | EPOLLWRNORM | EPOLLHUP | EPOLLERR)

struct ipaddr ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return ipaddr_from_v4(htonl(IP4(a, b, c, d)));
}

/* Every call of a program ends with what the lock's holder does before letting go. */
static void flush(struct conn *c)
{
	stack_flush(c->node->st, c->world->now);
}

static struct conn *conn_new(struct node *n, struct socket *so)
{
	struct conn *c = calloc(1, sizeof(*c));

	must(c != NULL, "out of memory");
	c->world = n->world;
	c->node = n;
	c->so = so;
	so->owner = c;
	c->next = n->world->conns;
	n->world->conns = c;
	return c;
}

static struct conn *conn_make(struct node *n, int domain, int type, int protocol, int *err)
{
	struct socket *so = NULL;

	*err = socket_create(n->st, domain, type, protocol, &so, n->world->now);
	return *err == 0 ? conn_new(n, so) : NULL;
}

static int domain_of(const struct node *n)
{
	return ipaddr_is_v4(&n->addr) ? AF_INET : AF_INET6;
}

struct conn *conn_socket_proto(struct node *n, int type, int protocol, int *err)
{
	return conn_make(n, domain_of(n), type, protocol, err);
}

struct conn *conn_socket(struct node *n, int type)
{
	int err;
	struct conn *c = conn_make(n, domain_of(n), type, 0, &err);

	must(err == 0, "socket: %s", strerror(-err));
	return c;
}

struct conn *conn_socket6(struct node *n, int type)
{
	int err;
	struct conn *c = conn_make(n, AF_INET6, type, 0, &err);

	must(err == 0, "socket: %s", strerror(-err));
	return c;
}

static socklen_t to_sockaddr(const struct conn *c, const struct ipaddr *addr, uint16_t port,
			     struct sockaddr_storage *ss)
{
	struct endpoint ep = { .addr = *addr, .port = port };
	socklen_t len = sizeof(*ss);

	endpoint_to_sockaddr(&ep, c->so->domain, (struct sockaddr *)ss, &len);
	return len;
}

int conn_bind(struct conn *c, const struct ipaddr *addr, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(c, addr, port, &ss);

	return socket_bind(c->node->st, c->so, (struct sockaddr *)&ss, len, c->world->now);
}

int conn_connect(struct conn *c, const struct ipaddr *addr, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(c, addr, port, &ss);
	int ret = socket_connect(c->node->st, c->so, (struct sockaddr *)&ss, len, c->world->now);

	flush(c);
	return ret;
}

int conn_listen(struct conn *c, int backlog)
{
	int ret = socket_listen(c->node->st, c->so, backlog, c->world->now);

	flush(c);
	return ret;
}

struct conn *conn_accept(struct conn *listener)
{
	struct socket *so = NULL;
	struct conn *c;
	int ret = socket_accept(listener->node->st, listener->so, &so, listener->world->now);

	flush(listener);
	must(ret == 0 || ret == -EAGAIN, "accept: %s", strerror(-ret));
	if (ret != 0)
		return NULL;
	c = conn_new(listener->node, so);
	/* A program looks once: what came before it had the socket raised no edge. */
	c->events |= conn_poll(c);
	return c;
}

int conn_shutdown(struct conn *c, int how)
{
	int ret = socket_shutdown(c->node->st, c->so, how, c->world->now);

	flush(c);
	return ret;
}

void conn_close(struct conn *c)
{
	if (c->so == NULL)
		return;
	socket_release(c->node->st, c->so, c->world->now);
	c->so = NULL;
	c->can_read = c->can_write = false;
	flush(c);
}

uint32_t conn_poll(struct conn *c)
{
	return socket_poll(c->node->st, c->so);
}

int conn_setint(struct conn *c, int level, int name, int value)
{
	int ret = socket_setsockopt(c->node->st, c->so, level, name, &value, sizeof(value),
				    c->world->now);

	flush(c);
	return ret;
}

int conn_getint(struct conn *c, int level, int name)
{
	int value = 0, ret;
	socklen_t len = sizeof(value);

	ret = socket_getsockopt(c->node->st, c->so, level, name, &value, &len, c->world->now);
	must(ret == 0, "getsockopt(%d, %d): %s", level, name, strerror(-ret));
	return value;
}

int conn_take_error(struct conn *c)
{
	return conn_getint(c, SOL_SOCKET, SO_ERROR);
}

uint16_t conn_local_port(struct conn *c)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct endpoint ep;
	int ret = socket_getname(c->node->st, c->so, (struct sockaddr *)&ss, &len, false);

	must(ret == 0, "getsockname: %s", strerror(-ret));
	must(endpoint_from_sockaddr(&ep, (struct sockaddr *)&ss, len) == 0, "getsockname: bad address");
	return ep.port;
}

/* -- data ------------------------------------------------------------------------------ */

ssize_t conn_send(struct conn *c, size_t n, int flags)
{
	static uint8_t buf[BUF_MAX];
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t ret;

	must(n <= sizeof(buf), "conn_send: %zu bytes", n);
	pattern_fill(buf, n, c->tx_key, c->tx_off);
	/* In two pieces, cut at an odd place. */
	iov[0].iov_base = buf;
	iov[0].iov_len = n / 3;
	iov[1].iov_base = buf + n / 3;
	iov[1].iov_len = n - n / 3;
	ret = socket_sendmsg(c->node->st, c->so, &msg, flags, c->world->now);
	flush(c);
	must(ret <= (ssize_t)n, "sendmsg took %zd of %zu bytes", ret, n);
	if (ret > 0)
		c->tx_off += (uint64_t)ret;
	return ret;
}

ssize_t conn_recv(struct conn *c, size_t n, int flags)
{
	static uint8_t buf[BUF_MAX];
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t ret;
	int64_t bad;

	must(n <= sizeof(buf), "conn_recv: %zu bytes", n);
	iov[0].iov_base = buf;
	iov[0].iov_len = n / 3;
	iov[1].iov_base = buf + n / 3;
	iov[1].iov_len = n - n / 3;
	ret = socket_recvmsg(c->node->st, c->so, &msg, flags, c->world->now);
	flush(c);
	must(ret <= (ssize_t)n, "recvmsg gave %zd bytes of %zu", ret, n);
	if (ret <= 0)
		return ret;
	bad = pattern_check(buf, (size_t)ret, c->rx_key, c->rx_off);
	must(bad < 0, "byte %llu of the stream is wrong",
	     (unsigned long long)(c->rx_off + (uint64_t)bad));
	if (!(flags & MSG_PEEK))
		c->rx_off += (uint64_t)ret;
	return ret;
}

ssize_t conn_sendto(struct conn *c, const void *buf, size_t n, const struct ipaddr *addr,
		    uint16_t port)
{
	struct sockaddr_storage ss;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t ret;

	if (addr != NULL) {
		msg.msg_name = &ss;
		msg.msg_namelen = to_sockaddr(c, addr, port, &ss);
	}
	ret = socket_sendmsg(c->node->st, c->so, &msg, 0, c->world->now);
	flush(c);
	return ret;
}

ssize_t conn_recvfrom(struct conn *c, void *buf, size_t n, struct ipaddr *addr, uint16_t *port,
		      int flags)
{
	struct sockaddr_storage ss;
	struct iovec iov = { .iov_base = buf, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &ss,
			      .msg_namelen = sizeof(ss) };
	struct endpoint ep;
	ssize_t ret = socket_recvmsg(c->node->st, c->so, &msg, flags, c->world->now);

	flush(c);
	if (ret >= 0 && addr != NULL) {
		must(endpoint_from_sockaddr(&ep, (struct sockaddr *)&ss, msg.msg_namelen) == 0,
		     "recvmsg: no sender's address");
		*addr = ep.addr;
		*port = ep.port;
	}
	return ret;
}

/* -- streaming --------------------------------------------------------------------------- */

void conn_stream(struct conn *c, uint64_t tx_key, uint64_t tx_total, uint64_t rx_key)
{
	c->streaming = true;
	c->shut_when_done = true;
	c->tx_key = tx_key;
	c->tx_total = tx_total;
	c->rx_key = rx_key;
}

bool node_take_events(struct node *n)
{
	struct socket *so;
	struct conn *c;
	uint32_t events;
	bool any = false;

	while ((so = stack_take_event(n->st, &events)) != NULL) {
		any = true;
		must(events != 0, "an event without bits");
		c = so->owner;
		if (c != NULL)
			c->events |= events;
	}
	return any;
}

static void stream_error(struct conn *c, ssize_t ret)
{
	c->err = (int)-ret;
	c->can_read = c->can_write = false;
}

static bool stream_read(struct conn *c)
{
	uint64_t now = c->world->now;
	bool did = false;
	ssize_t ret;

	while (c->can_read && !c->eof && c->err == 0 && c->read_at <= now) {
		ret = conn_recv(c, c->read_max != 0 ? c->read_max : CALL_MAX, 0);
		did = true;
		if (ret == -EAGAIN) {
			c->can_read = false;
		} else if (ret < 0) {
			stream_error(c, ret);
		} else if (ret == 0) {
			c->eof = true;
			c->finished_at = now;
		} else {
			c->read_at = now + c->read_pause_ns;
		}
	}
	return did;
}

static bool stream_write(struct conn *c)
{
	uint64_t now = c->world->now, left;
	size_t max = c->write_max != 0 ? c->write_max : CALL_MAX;
	bool did = false;
	ssize_t ret;

	while (c->can_write && c->err == 0 && c->tx_off < c->tx_total && c->write_at <= now) {
		left = c->tx_total - c->tx_off;
		ret = conn_send(c, left < max ? (size_t)left : max, MSG_NOSIGNAL);
		did = true;
		if (ret == -EAGAIN) {
			c->can_write = false;
		} else if (ret < 0) {
			stream_error(c, ret);
		} else {
			must(ret > 0, "sendmsg returned 0");
			c->write_at = now + c->write_pause_ns;
		}
	}
	return did;
}

static bool stream_end(struct conn *c)
{
	bool did = false;
	int ret;

	if (c->shut_when_done && !c->wr_shut && c->err == 0 && c->tx_off == c->tx_total &&
	    (c->can_write || c->tx_total != 0)) {
		ret = conn_shutdown(c, SHUT_WR);
		must(ret == 0 || ret == -ENOTCONN, "shutdown: %s", strerror(-ret));
		c->wr_shut = did = true;
	}
	if (c->close_when_done && c->so != NULL && (c->err != 0 || (c->eof && c->wr_shut))) {
		conn_close(c);
		did = true;
	}
	return did;
}

static bool conn_run(struct conn *c)
{
	bool did;

	if (c->events & READ_EDGES)
		c->can_read = true;
	if (c->events & WRITE_EDGES)
		c->can_write = true;
	c->events = 0;
	did = stream_read(c);
	if (stream_write(c))
		did = true;
	return stream_end(c) || did;
}

bool conns_run(struct world *w)
{
	struct conn *c;
	bool did = false;

	for (c = w->conns; c != NULL; c = c->next)
		if (c->streaming && c->so != NULL && conn_run(c))
			did = true;
	return did;
}

static bool wants_write(const struct conn *c)
{
	return c->err == 0 && c->tx_off < c->tx_total;
}

uint64_t conns_next_wake(const struct world *w)
{
	const struct conn *c;
	uint64_t next = UINT64_MAX;

	for (c = w->conns; c != NULL; c = c->next) {
		if (!c->streaming || c->so == NULL)
			continue;
		if (c->can_read && !c->eof && c->err == 0 && c->read_at < next)
			next = c->read_at;
		if (c->can_write && wants_write(c) && c->write_at < next)
			next = c->write_at;
	}
	return next;
}

void conns_check_edges(struct world *w)
{
	struct conn *c;
	uint32_t level;

	for (c = w->conns; c != NULL; c = c->next) {
		if (!c->streaming || c->so == NULL || c->err != 0 || c->node->frozen)
			continue;
		level = conn_poll(c);
		must(!(level & EPOLLIN) || c->can_read || c->eof,
		     "lost edge: readable (poll 0x%x), but the program was not told", level);
		must(!(level & EPOLLOUT) || c->can_write || !wants_write(c),
		     "lost edge: writable (poll 0x%x), but the program was not told", level);
	}
}

/* -- two ends ------------------------------------------------------------------------------ */

struct accept_wait {
	struct conn *listener, *client, *server;
};

static bool both_connected(void *arg)
{
	struct accept_wait *a = arg;

	if (a->server == NULL)
		a->server = conn_accept(a->listener);
	return a->server != NULL && (conn_poll(a->client) & EPOLLOUT) != 0;
}

void world_connect(struct world *w, struct node *a, struct node *b, uint16_t port,
		   struct conn **client, struct conn **server)
{
	struct accept_wait wait = { NULL, NULL, NULL };
	int ret;

	wait.listener = conn_socket(b, SOCK_STREAM);
	ret = conn_setint(wait.listener, SOL_SOCKET, SO_REUSEADDR, 1);
	must(ret == 0, "SO_REUSEADDR: %s", strerror(-ret));
	ret = conn_bind(wait.listener, &b->addr, port);
	must(ret == 0, "bind: %s", strerror(-ret));
	ret = conn_listen(wait.listener, 16);
	must(ret == 0, "listen: %s", strerror(-ret));
	wait.client = conn_socket(a, SOCK_STREAM);
	ret = conn_connect(wait.client, &b->addr, port);
	must(ret == -EINPROGRESS, "connect: %s", strerror(-ret));
	must(world_run_until(w, both_connected, &wait, 300 * SEC), "the connection was not made");
	conn_close(wait.listener);
	wait.client->events |= conn_poll(wait.client);
	*client = wait.client;
	*server = wait.server;
}
