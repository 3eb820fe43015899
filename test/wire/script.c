/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * script.c - see script.h: the far end of the link, its memory and its trace.
 * script_peer.c sends, script_expect.c judges, script_app.c is the program.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/wire/script_priv.h"

#define MAX_TRACE 2048
#define MAX_SEEN 4096

struct script S;

static struct script_seen seen[MAX_SEEN]; /* what came and was not looked at yet */
static unsigned int seen_head, seen_count;
static char *trace[MAX_TRACE];
static unsigned int ntrace;
static struct fail_reporter reporter;

/* -- the trace --------------------------------------------------------------------------- */

void script_trace(const char *fmt, ...)
{
	char line[400];
	va_list ap;
	int n;

	n = snprintf(line, sizeof(line), "%12.3f ms  ", (double)(S.world->now - S.world->start) / 1e6);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	free(trace[ntrace % MAX_TRACE]);
	trace[ntrace++ % MAX_TRACE] = strdup(line);
}

static void report(void *arg)
{
	unsigned int i = ntrace > 60 ? ntrace - 60 : 0;

	(void)arg;
	fprintf(stderr, "the script's trace (relative numbers):\n");
	for (; i < ntrace; i++)
		fprintf(stderr, "%s\n", trace[i % MAX_TRACE]);
}

/* A segment in relative numbers of the current flow. */
const char *script_describe(const struct frame_tcp *t, bool from_stack, char *buf, size_t len)
{
	uint32_t seq_base = from_stack ? S.f->stack_iss : S.f->peer_iss;
	uint32_t ack_base = from_stack ? S.f->peer_iss : S.f->stack_iss;
	char flags[10], opts[200];

	frame_describe_tcpopts(t->opt, t->optlen, opts, sizeof(opts));
	snprintf(buf, len, "[%s] seq %u len %u ack %u win %u%s%s%s", frame_flag_names(t->flags, flags),
		 t->seq - seq_base, t->len, t->flags & TCP_ACK ? t->ack - ack_base : 0, t->win,
		 *opts ? " <" : "", opts, *opts ? ">" : "");
	return buf;
}

/* -- life -------------------------------------------------------------------------------- */

static void seen_clear(void)
{
	while (seen_count > 0) {
		free(seen[seen_head].bytes);
		seen_head = (seen_head + 1) % MAX_SEEN;
		seen_count--;
	}
}

void script_begin(const struct script_params *p)
{
	static const uint8_t peer_mac[6] = { 0x02, 0x50, 0x45, 0x45, 0x52, 0x01 };
	struct node_params np = { .addr = IP4(192, 0, 2, 1), .caps = p->caps, .tune = p->tune,
				  .tune_arg = p->tune_arg };
	unsigned int i;

	seen_clear();
	ntrace = 0;
	memset(&S, 0, sizeof(S));
	S.world = world_new(p->seed, p->start);
	S.wire = world_add_wire(S.world, 2);
	np.mbufs = p->mbufs != 0 ? p->mbufs : 1024;
	np.caps |= NETIF_TX_MULTI_SEG;
	np.mtu = p->mtu != 0 ? p->mtu : 1500;
	if (world_v6)
		np.mtu += 20; /* so that segments are as long as with IPv4 */
	S.node = world_add_node(S.world, &np);
	S.wire->ports[0].late_dma = p->late_dma;
	S.wire->ports[0].rx_segment = p->rx_segment;
	memcpy(S.path.smac, peer_mac, 6);
	memcpy(S.path.dmac, S.node->nif->mac, 6);
	S.path.src = IP4(192, 0, 2, 2);
	S.path.dst = IP4(192, 0, 2, 1);
	S.path.v6 = world_v6;
	S.peer_addr = world_addr(S.path.src);
	memcpy(S.path.src6, S.peer_addr.b, 16);
	memcpy(S.path.dst6, S.node->addr.b, 16);
	S.ts_base = 0x10000000;
	for (i = 0; i < SCRIPT_MAX_FLOWS; i++) {
		S.f = &S.flows[i];
		S.f->stack_port = SCRIPT_STACK_PORT;
		S.f->peer_port = (uint16_t)(SCRIPT_PEER_PORT + i);
		flow_renew(p->peer_iss);
	}
	use_flow(0);
	fail_reporter_del(&reporter);
	reporter.fn = report;
	fail_reporter_add(&reporter);
}

void use_flow(unsigned int i)
{
	must(i < SCRIPT_MAX_FLOWS, "script: flow %u", i);
	S.f = &S.flows[i];
}

void flow_renew(uint32_t peer_iss)
{
	S.f->peer_iss = peer_iss;
	S.f->stack_iss = 0;
	S.f->stack_iss_known = false;
	S.f->snd_nxt = S.f->rcv_nxt = 0;
	S.f->win = 65535;
	S.f->ts = S.f->sack = S.f->wscale_on = false;
}

/* -- what comes from the stack -------------------------------------------------------------- */

static void answer_arp(const struct frame_info *in)
{
	uint8_t buf[FRAME_MAX];

	if (in->arp_op != 1 || in->arp_tpa != S.path.src || S.mute_arp)
		return;
	wire_inject(S.wire, 1, buf, frame_build_arp(buf, in->arp_sha, 2, S.path.smac, S.path.src,
						    in->arp_sha, in->arp_spa));
}

/* A neighbour solicitation for the peer gets its advertisement (RFC 4861 7.2.4). */
static void answer_nd(const struct frame_info *in)
{
	uint8_t rest[4 + 16 + 8] = { 0x60 }, buf[FRAME_MAX];

	if (in->icmp_type != 135 || in->len < 20 || memcmp(in->data + 4, S.path.src6, 16) != 0 ||
	    S.mute_arp)
		return;
	memcpy(rest + 4, S.path.src6, 16);
	rest[20] = 2;
	rest[21] = 1;
	memcpy(rest + 22, S.path.smac, 6);
	wire_inject(S.wire, 1, buf, frame_build_icmp(buf, &S.path, 136, 0, rest, sizeof(rest)));
}

/* What keeps the link going is not part of a trace: ND and MLD as little as ARP. */
static bool is_housekeeping(const struct frame_info *f)
{
	return f->is_arp || (f->is_icmp6 && ((f->icmp_type >= 133 && f->icmp_type <= 137) ||
					    f->icmp_type == 143));
}

static void keep(const uint8_t *bytes, size_t len, uint64_t time)
{
	struct script_seen *s = &seen[(seen_head + seen_count) % MAX_SEEN];
	char line[300];

	must(seen_count < MAX_SEEN, "script: the stack sends without end");
	s->bytes = malloc(len);
	must(s->bytes != NULL, "out of memory");
	memcpy(s->bytes, bytes, len);
	s->len = len;
	s->time = time;
	must(frame_parse(s->bytes, len, &s->info), "the stack sent a malformed frame: %s",
	     frame_describe(bytes, len, line, sizeof(line)));
	if (S.no_csum_ok && s->info.is_udp && frame_get16(s->bytes + s->info.l4_off + 6) == 0)
		s->info.l4_csum_ok = true;
	must((s->info.proto == 0 || s->info.ip_csum_ok) &&
		     (!(s->info.is_tcp || s->info.is_udp || s->info.is_icmp ||
			s->info.is_icmp6) || s->info.l4_csum_ok),
	     "the stack sent a bad checksum: %s", frame_describe(bytes, len, line, sizeof(line)));
	seen_count++;
	if (s->info.is_tcp && s->info.tcp.dport == S.f->peer_port) {
		if ((s->info.tcp.flags & TCP_SYN) && !S.f->stack_iss_known) {
			S.f->stack_iss = s->info.tcp.seq;
			S.f->stack_iss_known = true;
		}
		script_trace("stack: %s", script_describe(&s->info.tcp, true, line, sizeof(line)));
	} else {
		script_trace("stack: %s", frame_describe(bytes, len, line, sizeof(line)));
	}
}

/* Take in everything that has reached the script; true if it answered something itself. */
static bool collect(void)
{
	static uint8_t buf[FRAME_MAX];
	struct frame_info info;
	bool answered = false;
	uint64_t time;
	size_t len;

	while ((len = wire_take(S.wire, 1, buf, &time)) != 0) {
		if (frame_parse(buf, len, &info) && is_housekeeping(&info)) {
			if (info.is_arp)
				answer_arp(&info);
			else
				answer_nd(&info);
			answered = true;
		} else {
			keep(buf, len, time);
		}
	}
	return answered;
}

void script_settle(void)
{
	if (S.held)
		return;
	do
		world_settle(S.world);
	while (collect());
}

void script_hold(void)
{
	S.held = true;
}

void script_release(void)
{
	S.held = false;
	script_settle();
}

ssize_t script_after(ssize_t v)
{
	script_settle();
	return v;
}

static bool collect_only(void *arg)
{
	(void)arg;
	(void)collect();
	return false;
}

static bool collect_until_seen(void *arg)
{
	(void)arg;
	(void)collect();
	return seen_count != 0;
}

const struct script_seen *script_first(void)
{
	return seen_count != 0 ? &seen[seen_head] : NULL;
}

void script_wait(uint64_t ns)
{
	(void)world_run_until(S.world, collect_until_seen, NULL, ns);
}

void advance_ms(double ms)
{
	script_trace("-- advance %.3f ms", ms);
	(void)world_run_until(S.world, collect_only, NULL, (uint64_t)(ms * 1e6));
}

bool script_next(struct script_seen *out)
{
	if (seen_count == 0)
		return false;
	*out = seen[seen_head];
	seen_head = (seen_head + 1) % MAX_SEEN;
	seen_count--;
	return true;
}

static bool answer_resets(void *arg)
{
	(void)arg;
	(void)collect();
	seen_clear();
	return false;
}

void script_finish(void)
{
	struct conn *c;

	/* The peer vanishes: what is still open times out, and nothing may be left then. */
	for (c = S.world->conns; c != NULL; c = c->next)
		conn_close(c);
	(void)world_run_until(S.world, answer_resets, NULL, 1500 * SEC);
	seen_clear();
	world_check_clean(S.world);
	fail_reporter_del(&reporter);
	world_free(S.world);
	S.world = NULL;
}
