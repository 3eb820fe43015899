/* SPDX-License-Identifier: BSD-3-Clause */
/* script_expect.c - see script.h: what is expected of the stack. */
#include <stdlib.h>
#include <string.h>

#include "test/wire/pattern.h"
#include "test/wire/script_priv.h"

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
		(long long)want, script_describe(&e->got->info.tcp, true, seg, sizeof(seg)));
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
	if (w->ecn != DFLT)
		compare(e, "ECN", w->ecn, e->got->info.tos & 3);
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

	script_settle();
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

	script_settle();
	if (script_first() == NULL)
		script_wait((uint64_t)(hi * 1e6));
	if (script_first() == NULL) {
		char buf[10];

		fail_at(file, line, "expected [%s] after %.3f to %.3f ms, but nothing was sent",
			frame_flag_names(seg->flags, buf), lo, hi);
	}
	took = (double)(script_first()->time - t0) / 1e6;
	if (script_first()->time < t0 || took < lo)
		fail_at(file, line, "the segment came after %.3f ms, expected %.3f to %.3f", took, lo, hi);
	script_expect(seg, file, line);
}

void script_expect_nothing(const char *file, int line)
{
	const struct script_seen *s;
	char text[300];

	script_settle();
	s = script_first();
	if (s != NULL)
		fail_at(file, line, "expected silence, the stack sent %s",
			s->info.is_tcp && s->info.tcp.dport == S.f->peer_port ?
				script_describe(&s->info.tcp, true, text, sizeof(text)) :
				frame_describe(s->bytes, s->len, text, sizeof(text)));
}

void script_expect_icmp(int type, int code, const char *file, int line)
{
	struct script_seen s;
	char text[300];

	script_settle();
	if (!script_next(&s))
		fail_at(file, line, "expected ICMP %d/%d, but nothing was sent", type, code);
	if ((!s.info.is_icmp && !s.info.is_icmp6) || s.info.icmp_type != type || s.info.icmp_code != code)
		fail_at(file, line, "expected ICMP %d/%d, the stack sent %s", type, code,
			frame_describe(s.bytes, s.len, text, sizeof(text)));
	free(s.bytes);
}

void expect_whatever(void)
{
	struct script_seen s;
	struct tcp_opts o;

	script_settle();
	while (script_next(&s)) {
		if (s.info.is_tcp && s.info.tcp.dport == S.f->peer_port) {
			parse_opts(&s.info.tcp, &o);
			account(&s.info.tcp, &o);
		}
		free(s.bytes);
	}
}
