/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_stack.c - segments, frames, socket calls and time in any order on one stack.
 *
 * The input is a little program: each step is one byte that says what, then its operands.
 * Segments are built with right checksums and numbers near those of the connection, so that
 * the state machine is reached and not only the parser.  After the last step everything is
 * closed, half an hour of virtual time passes, and nothing may be left: an mbuf, a
 * sock, a request or a timer that leaked is a finding like any other.
 *
 * Built with debug checks, the stack's invariants are tested after every entry as well.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "test/wire/script.h"

#define MAX_STEPS 120
#define MAX_CONNS 8

struct input {
	const uint8_t *p;
	size_t left;
};

static struct conn *conns[MAX_CONNS];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t take8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

static uint16_t take16(struct input *in)
{
	uint16_t hi = take8(in);

	return (uint16_t)(hi << 8 | take8(in));
}

/* Near zero most of the time, anywhere if the input insists. */
static int64_t take_near(struct input *in)
{
	uint8_t b = take8(in);

	if (b < 0xf0)
		return (int8_t)(b - 0x78);
	if (b < 0xf8)
		return (int16_t)take16(in);
	return (int32_t)((uint32_t)take16(in) << 16 | take16(in));
}

static void small_config(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->max_sockets = 64;
	cfg->time_wait_ns = 5 * SEC;
	cfg->ecn = true;
}

static struct conn **slot(struct input *in)
{
	return &conns[take8(in) % MAX_CONNS];
}

/* -- what the peer does ------------------------------------------------------------------ */

static void step_segment(struct input *in)
{
	struct script_seg seg = *SCRIPT_SEG(take8(in));
	static uint8_t opts[TCPOPT_MAX];
	uint8_t what, i;

	use_flow(take8(in) % 4);
	S.f->stack_port = (uint16_t)(80 + take8(in) % 3);
	what = take8(in);
	seg.seq = (uint32_t)(S.f->snd_nxt + take_near(in));
	seg.ack = (uint32_t)(S.f->rcv_nxt + take_near(in));
	seg.len = what & 1 ? take16(in) % 1461 : 0;
	if (what & 2)
		seg.win = take16(in);
	if (what & 4)
		seg.urg = take16(in);
	if (what & 8) {
		seg.optlen = take8(in) % 10 * 4;
		for (i = 0; i < seg.optlen; i++)
			opts[i] = take8(in);
		seg.opts = opts;
	} else if (what & 16) {
		seg.mss = take16(in);
		seg.wscale = take8(in);
		seg.sackok = 1;
		seg.tsval = S.ts_base + take8(in);
	} else if (what & 32) {
		seg.sack[0].from = (uint32_t)(S.f->rcv_nxt + take_near(in));
		seg.sack[0].to = (uint32_t)(S.f->rcv_nxt + take_near(in));
		seg.sack[1].from = (uint32_t)(S.f->rcv_nxt + take_near(in));
		seg.sack[1].to = (uint32_t)(S.f->rcv_nxt + take_near(in));
	}
	if (what & 64)
		S.f->ts = !S.f->ts;
	script_peer(&seg);
	expect_whatever();
}

/* Segments that follow one another and arrive at once: a port that can joins them. */
static void step_train(struct input *in)
{
	unsigned int n = 2 + take8(in) % 15, len, i;
	uint8_t what;

	use_flow(take8(in) % 4);
	S.f->stack_port = (uint16_t)(80 + take8(in) % 3);
	what = take8(in);
	len = what & 1 ? 1460 : 1 + take16(in) % 1460;
	script_hold();
	for (i = 0; i < n; i++)
		peer(ACK, .len = i == n - 1 && what & 2 ? 1 : len, .psh = what & 4 && i == n / 2,
		     .ecn = what & 8 && i == n / 2 ? 3 : DFLT);
	script_release();
	expect_whatever();
}

/* Whole handshakes are long for a fuzzer to find: one step each. */
static void step_handshake(struct input *in)
{
	uint8_t what;

	use_flow(take8(in) % 4);
	S.f->stack_port = (uint16_t)(80 + take8(in) % 3);
	what = take8(in);
	flow_renew(0xfffffff0u + what);
	script_peer_syn(HANDSHAKE(.ts = what & 1, .sack = what & 2, .wscale = what & 4 ? 7 : NONE,
				  .mss = what & 8 ? 100 : 1460), SYN);
	expect_whatever();
	peer(ACK, .seq = 1, .ack = 1);
	expect_whatever();
}

/* The SYN-ACK to whatever the stack's latest SYN was. */
static void step_answer_syn(struct input *in)
{
	uint8_t what = take8(in);
	struct script_seen s;

	use_flow(take8(in) % 4);
	while (script_next(&s)) {
		if (s.info.is_tcp && (s.info.tcp.flags & TCP_SYN) &&
		    s.info.tcp.dport >= SCRIPT_PEER_PORT && s.info.tcp.dport < SCRIPT_PEER_PORT + 4) {
			use_flow(s.info.tcp.dport - SCRIPT_PEER_PORT);
			flow_renew(1000);
			S.f->stack_port = s.info.tcp.sport;
			S.f->stack_iss = s.info.tcp.seq;
			S.f->stack_iss_known = true;
			S.f->rcv_nxt = 1;
		}
		free(s.bytes);
	}
	script_peer_syn(HANDSHAKE(.ts = what & 1, .sack = what & 2, .wscale = what & 4 ? 7 : NONE),
			what & 8 ? SYN : SYNACK);
	expect_whatever();
}

static void step_frame(struct input *in)
{
	uint8_t buf[2100], payload[1500];
	size_t len = take16(in) % 1500, i, n;
	uint8_t how = take8(in);

	for (i = 0; i < len && in->left > 0; i++)
		payload[i] = take8(in);
	len = i;
	switch (how % 4) {
	case 0: /* an IP packet of any protocol, fragments too */
		n = frame_build_ip4(buf, &S.path, take8(in), take8(in), take16(in), payload, len);
		break;
	case 1: { /* any fragment of a UDP datagram */
		uint16_t frag = (uint16_t)((how & 0x80 ? 0x2000 : 0) | (how >> 2 & 31) * 8);

		n = frame_build_ip4(buf, &S.path, 17, 7, frag, payload, len & ~(size_t)7);
		break;
	}
	case 2:
		n = frame_build_icmp(buf, &S.path, take8(in), take8(in), payload, len);
		break;
	default: /* anything at all behind our address */
		memcpy(buf, S.path.dmac, 6);
		memcpy(buf + 6, S.path.smac, 6);
		memcpy(buf + 12, payload, len);
		n = 12 + len;
		if (n < ETH_HLEN)
			return;
		if (how & 0x40)
			frame_fill_csums(buf, n);
	}
	wire_inject(S.wire, 1, buf, n);
	(void)script_after(0);
	expect_whatever();
}

/* An ICMP error about a segment of a connection. */
static void step_icmp_error(struct input *in)
{
	uint8_t rest[4 + 28] = { 0 }, buf[200];

	use_flow(take8(in) % 4);
	frame_put16(rest + 2, take16(in)); /* the MTU */
	rest[4] = 0x45;
	frame_put16(rest + 6, 40);
	rest[12] = 64;
	rest[13] = 6;
	frame_put32(rest + 16, S.path.dst);
	frame_put32(rest + 20, S.path.src);
	frame_put16(rest + 24, S.f->stack_port);
	frame_put16(rest + 26, S.f->peer_port);
	frame_put32(rest + 28, S.f->stack_iss + S.f->rcv_nxt + (uint32_t)take_near(in));
	wire_inject(S.wire, 1, buf,
		    frame_build_icmp(buf, &S.path, 3 + 8 * (take8(in) & 1), take8(in) % 16, rest,
				     sizeof(rest)));
	(void)script_after(0);
	expect_whatever();
}

/* -- what the program does ------------------------------------------------------------------ */

static void step_socket(struct input *in)
{
	static const int types[] = { SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW };
	struct conn **c = slot(in);
	uint8_t what = take8(in);
	struct socket *so = NULL;

	if (*c != NULL)
		conn_close(*c);
	*c = NULL;
	if (socket_create(S.node->st, what & 1 ? AF_INET6 : AF_INET, types[what >> 1 & 3],
			  what & 8 ? 1 : 0, &so, S.world->now) != 0)
		return;
	socket_release(S.node->st, so, S.world->now);
	/* Through conn.h again, which fails on errors: only what is known to work. */
	if (types[what >> 1 & 3] != SOCK_RAW)
		*c = what & 1 ? conn_socket6(S.node, types[what >> 1 & 3]) :
				conn_socket(S.node, types[what >> 1 & 3]);
}

static void call_send(struct conn *c, struct input *in)
{
	static uint8_t buf[20000];
	struct iovec iov[2] = { { buf, take8(in) }, { buf, take16(in) % 20000 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(SCRIPT_PEER_PORT) };
	uint8_t how = take8(in);

	sin.sin_addr.s_addr = htonl(how & 1 ? S.path.src : S.path.dst);
	if (how & 2) {
		msg.msg_name = &sin;
		msg.msg_namelen = sizeof(sin);
	}
	(void)socket_sendmsg(S.node->st, c->so, &msg, (how & 4 ? MSG_OOB : 0) | (how & 8 ? MSG_MORE : 0),
			     S.world->now);
}

static void call_recv(struct conn *c, struct input *in)
{
	static uint8_t buf[20000];
	char control[256];
	struct sockaddr_storage ss;
	struct iovec iov = { buf, take16(in) % 20000 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control), .msg_name = &ss,
			      .msg_namelen = sizeof(ss) };
	uint8_t how = take8(in);

	(void)socket_recvmsg(S.node->st, c->so, &msg,
			     (how & 1 ? MSG_PEEK : 0) | (how & 2 ? MSG_OOB : 0) |
				     (how & 4 ? MSG_TRUNC : 0) | (how & 8 ? MSG_ERRQUEUE : 0),
			     S.world->now);
}

static void call_option(struct conn *c, struct input *in)
{
	static const int levels[] = { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP };
	uint8_t val[64];
	socklen_t len = take8(in) % 65, i;
	int level = levels[take8(in) % 5], name = take8(in);

	for (i = 0; i < len; i++)
		val[i] = i < 2 ? take8(in) : 0;
	if (take8(in) & 1)
		(void)socket_setsockopt(S.node->st, c->so, level, name, val, len, S.world->now);
	else
		(void)socket_getsockopt(S.node->st, c->so, level, name, val, &len, S.world->now);
}

static void call_accept(struct conn *c)
{
	struct socket *so = NULL;
	unsigned int i;

	for (i = 0; i < MAX_CONNS && conns[i] != NULL; i++)
		;
	if (socket_accept(S.node->st, c->so, &so, S.world->now) != 0)
		return;
	if (i == MAX_CONNS) {
		socket_release(S.node->st, so, S.world->now);
		return;
	}
	conns[i] = calloc(1, sizeof(*conns[i]));
	must(conns[i] != NULL, "out of memory");
	conns[i]->world = S.world;
	conns[i]->node = S.node;
	conns[i]->so = so;
	so->owner = conns[i];
	conns[i]->next = S.world->conns;
	S.world->conns = conns[i];
}

static void step_call(struct input *in)
{
	struct conn **slotp = slot(in), *c = *slotp;
	uint8_t what = take8(in);
	struct ipaddr to = ip4(192, 0, 2, what & 0x80 ? 1 : 2), any = ip4(0, 0, 0, 0);
	int v;

	if (c == NULL || c->so == NULL)
		return;
	switch (what % 12) {
	case 0:
		(void)conn_bind(c, what & 0x40 ? &any : &S.node->addr, (uint16_t)(80 + take8(in) % 3));
		break;
	case 1:
		(void)conn_listen(c, take8(in) % 8);
		break;
	case 2:
		(void)conn_connect(c, &to, what & 0x80 ? 80 : (uint16_t)(SCRIPT_PEER_PORT + take8(in) % 4));
		break;
	case 3:
		call_accept(c);
		break;
	case 4:
	case 5:
		call_send(c, in);
		break;
	case 6:
	case 7:
		call_recv(c, in);
		break;
	case 8:
		(void)conn_shutdown(c, take8(in) % 4);
		break;
	case 9:
		conn_close(c);
		*slotp = NULL;
		break;
	case 10:
		call_option(c, in);
		break;
	case 11:
		(void)conn_poll(c);
		(void)socket_ioctl(S.node->st, c->so, 0x5400u + take8(in), &v, S.world->now);
		break;
	}
	stack_flush(S.node->st, S.world->now);
	(void)script_after(0);
}

static void step(struct input *in)
{
	switch (take8(in) % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		step_segment(in);
		break;
	case 5:
		step_handshake(in);
		break;
	case 6:
		step_answer_syn(in);
		break;
	case 7:
		step_frame(in);
		break;
	case 8:
		step_icmp_error(in);
		break;
	case 9:
		step_socket(in);
		break;
	case 10:
		advance_ms((double)take8(in));
		break;
	case 11:
		advance_ms((double)take8(in) * 100);
		break;
	case 12:
		step_train(in);
		break;
	default:
		step_call(in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int steps;

	memset(conns, 0, sizeof(conns));
	/* A port that cuts and joins segments itself, or one that does not. */
	world_offloads = size > 0 && (data[size - 1] & 1) != 0;
	script(.seed = 1, .mbufs = 512, .tune = small_config);
	/* A listener and a datagram socket stand ready. */
	conns[0] = conn_socket(S.node, SOCK_STREAM);
	(void)conn_bind(conns[0], &S.node->addr, 80);
	(void)conn_listen(conns[0], 4);
	conns[1] = conn_socket(S.node, SOCK_DGRAM);
	(void)conn_bind(conns[1], &S.node->addr, 81);
	for (steps = 0; in.left > 0 && steps < MAX_STEPS; steps++)
		step(&in);
	script_finish();
	return 0;
}
