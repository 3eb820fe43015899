/* SPDX-License-Identifier: BSD-3-Clause */
/* script.c - see script.h: the far end of the link, its memory and its trace. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/wire/pattern.h"
#include "test/wire/script.h"

#define MAX_TRACE 2048
#define MAX_SEEN 4096

struct script S;

static struct script_seen seen[MAX_SEEN]; /* what came and was not looked at yet */
static unsigned int seen_head, seen_count;
static char *trace[MAX_TRACE];
static unsigned int ntrace;
static struct fail_reporter reporter;

/* -- the trace --------------------------------------------------------------------------- */

static void trace_add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void trace_add(const char *fmt, ...)
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
static const char *describe(const struct frame_tcp *t, bool from_stack, char *buf, size_t len)
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
	struct node_params np = { .addr = IP4(192, 0, 2, 1), .mtu = p->mtu, .caps = p->caps,
				  .tune = p->tune, .tune_arg = p->tune_arg };
	unsigned int i;

	seen_clear();
	ntrace = 0;
	memset(&S, 0, sizeof(S));
	S.world = world_new(p->seed, p->start);
	S.wire = world_add_wire(S.world, 2);
	np.mbufs = p->mbufs != 0 ? p->mbufs : 1024;
	np.caps |= NETIF_TX_MULTI_SEG;
	S.node = world_add_node(S.world, &np);
	S.wire->ports[0].late_dma = p->late_dma;
	S.wire->ports[0].rx_segment = p->rx_segment;
	memcpy(S.path.smac, peer_mac, 6);
	memcpy(S.path.dmac, S.node->nif->mac, 6);
	S.path.src = IP4(192, 0, 2, 2);
	S.path.dst = IP4(192, 0, 2, 1);
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
	must((s->info.proto == 0 || s->info.ip_csum_ok) &&
		     (!(s->info.is_tcp || s->info.is_udp || s->info.is_icmp) || s->info.l4_csum_ok),
	     "the stack sent a bad checksum: %s", frame_describe(bytes, len, line, sizeof(line)));
	seen_count++;
	if (s->info.is_tcp && s->info.tcp.dport == S.f->peer_port) {
		if ((s->info.tcp.flags & TCP_SYN) && !S.f->stack_iss_known) {
			S.f->stack_iss = s->info.tcp.seq;
			S.f->stack_iss_known = true;
		}
		trace_add("stack: %s", describe(&s->info.tcp, true, line, sizeof(line)));
	} else {
		trace_add("stack: %s", frame_describe(bytes, len, line, sizeof(line)));
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
		if (frame_parse(buf, len, &info) && info.is_arp) {
			answer_arp(&info);
			answered = true;
		} else {
			keep(buf, len, time);
		}
	}
	return answered;
}

static void settle(void)
{
	do
		world_settle(S.world);
	while (collect());
}

ssize_t script_after(ssize_t v)
{
	settle();
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

void advance_ms(double ms)
{
	trace_add("-- advance %.3f ms", ms);
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

/* -- what the peer sends --------------------------------------------------------------------- */

static void put_opt(struct frame_tcp *t, const uint8_t *opt, unsigned int len)
{
	must(t->optlen + len <= TCPOPT_MAX, "script: too many options");
	memcpy(t->opt + t->optlen, opt, len);
	t->optlen = (uint8_t)(t->optlen + len);
}

static void put_timestamps(struct frame_tcp *t, const struct script_seg *seg)
{
	uint8_t o[12] = { 1, 1, 8, 10 };
	bool given = seg->tsval != DFLT && seg->tsval != NONE;

	if (seg->tsval == NONE || (!given && (!S.f->ts || (seg->flags & TCP_RST))))
		return;
	frame_put32(o + 4, given ? (uint32_t)seg->tsval :
				   S.ts_base + (uint32_t)(S.world->now / 1000000));
	frame_put32(o + 8, seg->tsecr == DFLT ? S.f->stack_tsval : (uint32_t)seg->tsecr);
	put_opt(t, o, 12);
}

static void put_sack(struct frame_tcp *t, const struct script_seg *seg)
{
	uint8_t o[36] = { 1, 1, 5, 2 };
	unsigned int i;

	for (i = 0; i < 4 && seg->sack[i].to != 0; i++) {
		frame_put32(o + 4 + 8 * i, S.f->stack_iss + (uint32_t)seg->sack[i].from);
		frame_put32(o + 8 + 8 * i, S.f->stack_iss + (uint32_t)seg->sack[i].to);
		o[3] = (uint8_t)(o[3] + 8);
	}
	if (i != 0)
		put_opt(t, o, 4 + 8 * i);
}

static void put_options(struct frame_tcp *t, const struct script_seg *seg)
{
	uint8_t o[4];

	if (seg->opts != NULL) {
		put_opt(t, seg->opts, (unsigned int)seg->optlen);
		return;
	}
	if (seg->mss >= 0) {
		o[0] = 2;
		o[1] = 4;
		frame_put16(o + 2, (uint16_t)seg->mss);
		put_opt(t, o, 4);
	}
	if (seg->wscale >= 0) {
		uint8_t ws[4] = { 1, 3, 3, (uint8_t)seg->wscale };

		put_opt(t, ws, 4);
	}
	if (seg->sackok == 1) {
		uint8_t so[4] = { 1, 1, 4, 2 };

		put_opt(t, so, 4);
	}
	put_timestamps(t, seg);
	put_sack(t, seg);
}

void script_peer(const struct script_seg *seg)
{
	static uint8_t buf[FRAME_MAX], payload[FRAME_MAX];
	struct script_flow *f = S.f;
	struct frame_tcp t = { .sport = f->peer_port, .dport = f->stack_port, .flags = seg->flags };
	uint32_t seq = seg->seq == DFLT ? f->snd_nxt : (uint32_t)seg->seq, end;
	char line[300];
	size_t len;

	must(seg->len >= 0 && seg->len <= 65000, "script: len %lld", (long long)seg->len);
	t.sport = seg->sport == DFLT ? t.sport : (uint16_t)seg->sport;
	t.dport = seg->dport == DFLT ? t.dport : (uint16_t)seg->dport;
	t.seq = f->peer_iss + seq;
	if (seg->flags & TCP_ACK || seg->ack != DFLT)
		t.ack = f->stack_iss + (seg->ack == DFLT ? f->rcv_nxt : (uint32_t)seg->ack);
	t.win = seg->win == DFLT ? (uint16_t)f->win : (uint16_t)seg->win;
	t.urg = seg->urg == DFLT ? 0 : (uint16_t)seg->urg;
	t.flags |= (seg->psh == 1 ? TCP_PSH : 0) | (seg->ece == 1 ? TCP_ECE : 0) |
		   (seg->cwr == 1 ? TCP_CWR : 0);
	t.len = (uint32_t)seg->len;
	t.data = payload;
	if (seg->data != NULL)
		memcpy(payload, seg->data, t.len);
	else
		pattern_fill(payload, t.len, PEER_KEY, (uint64_t)(uint32_t)(seq - 1));
	put_options(&t, seg);
	len = frame_build_tcp(buf, &S.path, &t);
	if (seg->bad_csum)
		buf[ETH_HLEN + 20 + 16] ^= 0x55;
	end = seq + t.len + !!(t.flags & TCP_SYN) + !!(t.flags & TCP_FIN);
	if ((int32_t)(end - f->snd_nxt) > 0 && seg->sport == DFLT && !(t.flags & TCP_RST))
		f->snd_nxt = end;
	trace_add(" peer: %s%s", describe(&t, false, line, sizeof(line)),
		  seg->bad_csum ? " (bad checksum)" : "");
	wire_inject(S.wire, 1, buf, len);
	settle();
}

void script_peer_frame(const uint8_t *frame, size_t len)
{
	char line[300];

	trace_add(" peer: %s", frame_describe(frame, len, line, sizeof(line)));
	wire_inject(S.wire, 1, frame, len);
	settle();
}

/* -- what is expected of the stack ------------------------------------------------------------- */

struct tcp_opts {
	int64_t mss, wscale, sackok, tsval, tsecr;
	unsigned int nsack;
	struct {
		uint32_t from, to;
	} sack[4];
};

static void parse_opts(const struct frame_tcp *t, struct tcp_opts *o)
{
	unsigned int i = 0, k;

	memset(o, 0, sizeof(*o));
	o->mss = o->wscale = o->sackok = o->tsval = o->tsecr = NONE;
	while (i < t->optlen && t->opt[i] != 0) {
		const uint8_t *p = t->opt + i;

		if (*p == 1) {
			i++;
			continue;
		}
		must(i + 1 < t->optlen && p[1] >= 2 && p[1] <= t->optlen - i,
		     "the stack sent a malformed TCP option");
		if (p[0] == 2)
			o->mss = frame_get16(p + 2);
		else if (p[0] == 3)
			o->wscale = p[2];
		else if (p[0] == 4)
			o->sackok = 1;
		else if (p[0] == 8) {
			o->tsval = frame_get32(p + 2);
			o->tsecr = frame_get32(p + 6);
		} else if (p[0] == 5) {
			for (k = 2; k + 8 <= p[1] && o->nsack < 4; k += 8, o->nsack++) {
				o->sack[o->nsack].from = frame_get32(p + k) - S.f->peer_iss;
				o->sack[o->nsack].to = frame_get32(p + k + 4) - S.f->peer_iss;
			}
		}
		i += p[1];
	}
}

struct expectation {
	const struct script_seg *want;
	const struct script_seen *got;
	const char *file;
	int line;
};

static void expect_fail(const struct expectation *e, const char *what, int64_t want, int64_t got)
{
	char seg[300];

	must(e->got->info.is_tcp, "not TCP");
	fail_at(e->file, e->line, "%s is %lld, expected %lld, in  stack: %s", what, (long long)got,
		(long long)want, describe(&e->got->info.tcp, true, seg, sizeof(seg)));
}

static void compare(const struct expectation *e, const char *what, int64_t want, int64_t got)
{
	if (want != ANY && want != got)
		expect_fail(e, what, want, got);
}

static void compare_sack(const struct expectation *e, const struct tcp_opts *o)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (e->want->sack[i].from == ANY)
			return;
		if (e->want->sack[i].to == 0)
			break;
		if (i < o->nsack) {
			compare(e, "SACK left edge", e->want->sack[i].from, o->sack[i].from);
			compare(e, "SACK right edge", e->want->sack[i].to, o->sack[i].to);
		}
	}
	compare(e, "number of SACK blocks", i, o->nsack);
}

static void compare_options(const struct expectation *e, const struct tcp_opts *o)
{
	const struct script_seg *w = e->want;

	if (w->mss != DFLT)
		compare(e, "MSS option", w->mss, o->mss);
	if (w->wscale != DFLT)
		compare(e, "window scale option", w->wscale, o->wscale);
	if (w->sackok != DFLT)
		compare(e, "SACK-permitted option", w->sackok, o->sackok);
	if (w->tsval != DFLT)
		compare(e, "TSval", w->tsval, o->tsval);
	else if (!(w->flags & (TCP_SYN | TCP_RST)))
		compare(e, "timestamps present", S.f->ts, o->tsval != NONE);
	if (w->tsecr != DFLT)
		compare(e, "TSecr", w->tsecr, o->tsecr);
	if (!(w->flags & TCP_SYN)) {
		compare(e, "MSS option", w->mss == DFLT ? NONE : w->mss, o->mss);
		compare(e, "window scale option", w->wscale == DFLT ? NONE : w->wscale, o->wscale);
	}
	compare_sack(e, o);
}

static void check_payload(const struct expectation *e, uint32_t seq)
{
	const struct frame_tcp *t = &e->got->info.tcp;
	int64_t bad;

	if (t->len == 0)
		return;
	bad = pattern_check(t->data, t->len, APP_KEY, (uint64_t)(uint32_t)(seq - 1));
	if (bad >= 0)
		expect_fail(e, "payload: first wrong byte at", -1, bad);
}

/* The flow moves along with what was seen. */
static void account(const struct frame_tcp *t, const struct tcp_opts *o)
{
	uint32_t end = t->seq - S.f->stack_iss + t->len + !!(t->flags & TCP_SYN) +
		       !!(t->flags & TCP_FIN);

	if (!(t->flags & TCP_RST) && (int32_t)(end - S.f->rcv_nxt) > 0)
		S.f->rcv_nxt = end;
	if (o->tsval >= 0)
		S.f->stack_tsval = (uint32_t)o->tsval;
	if ((t->flags & TCP_SYN) && o->wscale >= 0)
		S.f->stack_wscale = (uint8_t)o->wscale;
	S.f->stack_win = t->win;
	if (!(t->flags & TCP_SYN) && S.f->wscale_on)
		S.f->stack_win <<= S.f->stack_wscale;
}

static uint8_t flags_to_compare(const struct script_seg *w)
{
	uint8_t mask = (uint8_t)~TCP_PSH;

	if (w->ece != DFLT)
		mask &= (uint8_t)~TCP_ECE;
	if (w->cwr != DFLT)
		mask &= (uint8_t)~TCP_CWR;
	return mask;
}

static void compare_flags(const struct expectation *e)
{
	uint8_t got = e->got->info.tcp.flags, mask = flags_to_compare(e->want);

	compare(e, "flags", e->want->flags & mask, got & mask);
	if (e->want->psh != DFLT)
		compare(e, "PSH", e->want->psh, !!(got & TCP_PSH));
	if (e->want->ece != DFLT)
		compare(e, "ECE", e->want->ece, !!(got & TCP_ECE));
	if (e->want->cwr != DFLT)
		compare(e, "CWR", e->want->cwr, !!(got & TCP_CWR));
}

static void compare_segment(const struct expectation *e)
{
	const struct frame_tcp *t = &e->got->info.tcp;
	const struct script_seg *w = e->want;
	uint32_t seq = t->seq - S.f->stack_iss;
	struct tcp_opts o;

	parse_opts(t, &o);
	compare(e, "source port", S.f->stack_port, t->sport);
	compare(e, "destination port", S.f->peer_port, t->dport);
	compare_flags(e);
	compare(e, "seq", w->seq == DFLT ? S.f->rcv_nxt : w->seq, seq);
	compare(e, "len", w->len, t->len);
	if (t->flags & TCP_ACK)
		compare(e, "ack", w->ack == DFLT ? S.f->snd_nxt : w->ack,
			(uint32_t)(t->ack - S.f->peer_iss));
	if (w->win != DFLT)
		compare(e, "win", w->win, t->win);
	if (w->urg != DFLT)
		compare(e, "urgent pointer", w->urg, t->urg);
	compare_options(e, &o);
	check_payload(e, seq);
	account(t, &o);
}

void script_expect(const struct script_seg *seg, const char *file, int line)
{
	struct expectation e = { .want = seg, .file = file, .line = line };
	struct script_seen s;
	char buf[10], text[300];

	settle();
	if (!script_next(&s))
		fail_at(file, line, "expected [%s] of len %lld, but nothing was sent",
			frame_flag_names(seg->flags, buf), (long long)seg->len);
	e.got = &s;
	if (!s.info.is_tcp)
		fail_at(file, line, "expected TCP, the stack sent %s",
			frame_describe(s.bytes, s.len, text, sizeof(text)));
	S.last_seen_at = s.time;
	if ((seg->flags & TCP_SYN) && S.f->stack_port != s.info.tcp.sport && S.listener == NULL)
		S.f->stack_port = s.info.tcp.sport; /* an active open: the port is learned */
	compare_segment(&e);
	free(s.bytes);
}

void script_expect_after(double lo, double hi, const struct script_seg *seg, const char *file,
			 int line)
{
	uint64_t t0 = S.world->now;
	double took;

	settle();
	if (seen_count == 0)
		(void)world_run_until(S.world, collect_until_seen, NULL, (uint64_t)(hi * 1e6));
	if (seen_count == 0) {
		char buf[10];

		fail_at(file, line, "expected [%s] after %.3f to %.3f ms, but nothing was sent",
			frame_flag_names(seg->flags, buf), lo, hi);
	}
	took = (double)(seen[seen_head].time - t0) / 1e6;
	if (seen[seen_head].time < t0 || took < lo)
		fail_at(file, line, "the segment came after %.3f ms, expected %.3f to %.3f", took, lo, hi);
	script_expect(seg, file, line);
}

void script_expect_nothing(const char *file, int line)
{
	char text[300];

	settle();
	if (seen_count != 0)
		fail_at(file, line, "expected silence, the stack sent %s",
			seen[seen_head].info.is_tcp && seen[seen_head].info.tcp.dport == S.f->peer_port ?
				describe(&seen[seen_head].info.tcp, true, text, sizeof(text)) :
				frame_describe(seen[seen_head].bytes, seen[seen_head].len, text,
					       sizeof(text)));
}

void script_expect_icmp(int type, int code, const char *file, int line)
{
	struct script_seen s;
	char text[300];

	settle();
	if (!script_next(&s))
		fail_at(file, line, "expected ICMP %d/%d, but nothing was sent", type, code);
	if (!s.info.is_icmp || s.info.icmp_type != type || s.info.icmp_code != code)
		fail_at(file, line, "expected ICMP %d/%d, the stack sent %s", type, code,
			frame_describe(s.bytes, s.len, text, sizeof(text)));
	free(s.bytes);
}

void expect_whatever(void)
{
	struct script_seen s;
	struct tcp_opts o;

	settle();
	while (script_next(&s)) {
		if (s.info.is_tcp && s.info.tcp.dport == S.f->peer_port) {
			parse_opts(&s.info.tcp, &o);
			account(&s.info.tcp, &o);
		}
		free(s.bytes);
	}
}

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
	struct ipaddr to = ipaddr_from_v4(htonl(S.path.src));

	S.c = new_socket(h);
	trace_add("  app: connect");
	script_check(conn_connect(S.c, &to, S.f->peer_port), -EINPROGRESS, "connect");
	settle();
}

void script_listen_start(const struct script_handshake *h)
{
	S.listener = new_socket(h);
	trace_add("  app: listen");
	script_check(conn_setint(S.listener, SOL_SOCKET, SO_REUSEADDR, 1), 0, "SO_REUSEADDR");
	script_check(conn_bind(S.listener, &S.node->addr, SCRIPT_STACK_PORT), 0, "bind");
	script_check(conn_listen(S.listener, h->backlog), 0, "listen");
	settle();
}

void script_accept(const char *file, int line)
{
	trace_add("  app: accept");
	S.c = conn_accept(S.listener);
	if (S.c == NULL)
		fail_at(file, line, "accept: no connection waits");
	S.c->tx_key = APP_KEY;
	S.c->rx_key = PEER_KEY;
	settle();
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
	trace_add("  app: close");
	conn_close(S.c);
	settle();
}

void script_poll(uint32_t bits, const char *file, int line)
{
	uint32_t mask = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLHUP | EPOLLRDHUP;
	uint32_t got;

	settle();
	got = conn_poll(S.c) & mask;
	if (got != bits)
		fail_at(file, line, "poll says 0x%x, expected 0x%x", got, bits);
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
