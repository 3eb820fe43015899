/* SPDX-License-Identifier: BSD-3-Clause */
/* script_peer.c - see script.h: what the peer sends. */
#include <string.h>

#include "test/wire/pattern.h"
#include "test/wire/script_priv.h"

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

static void set_ecn(uint8_t *frame, size_t len, uint8_t bits)
{
	if (S.path.v6)
		frame[ETH_HLEN + 1] |= (uint8_t)(bits << 4);
	else
		frame[ETH_HLEN + 1] |= bits;
	frame_fill_csums(frame, len);
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
	if (seg->ecn != DFLT)
		set_ecn(buf, len, (uint8_t)seg->ecn);
	if (seg->bad_csum)
		buf[ETH_HLEN + frame_ip_len(&S.path) + 16] ^= 0x55;
	end = seq + t.len + !!(t.flags & TCP_SYN) + !!(t.flags & TCP_FIN);
	if ((int32_t)(end - f->snd_nxt) > 0 && seg->sport == DFLT && !(t.flags & TCP_RST))
		f->snd_nxt = end;
	script_trace(" peer: %s%s", script_describe(&t, false, line, sizeof(line)),
		  seg->bad_csum ? " (bad checksum)" : "");
	wire_inject(S.wire, 1, buf, len);
	script_settle();
}

void script_peer_frame(const uint8_t *frame, size_t len)
{
	char line[300];

	script_trace(" peer: %s", frame_describe(frame, len, line, sizeof(line)));
	wire_inject(S.wire, 1, frame, len);
	script_settle();
}

/* The type and code by which IPv6 says the same (RFC 4443 against RFC 792). */
static void to_icmp6(uint8_t *type, uint8_t *code)
{
	static const uint8_t unreach[] = { 0, 3, 0, 4 };

	if (*type == 3 && *code == 4) {
		*type = 2;
		*code = 0;
	} else if (*type == 3) {
		*type = 1;
		*code = *code < sizeof(unreach) ? unreach[*code] : 1;
	} else {
		*type = *type == 11 ? 3 : 4;
	}
}

void script_peer_icmp(uint8_t type, uint8_t code, const struct script_icmp *e)
{
	uint8_t rest[4 + 40 + 8] = { 0 }, buf[200], *ip = rest + 4, *l4 = ip + frame_ip_len(&S.path);

	if (S.path.v6) {
		if (type == 3 && code == 4)
			frame_put32(rest, e->mtu + 20u);
		to_icmp6(&type, &code);
		frame_put32(ip, 0x60000000);
		frame_put16(ip + 4, 1460);
		ip[6] = e->proto;
		ip[7] = 64;
		memcpy(ip + 8, S.path.dst6, 16);
		memcpy(ip + 24, S.path.src6, 16);
	} else {
		frame_put16(rest + 2, e->mtu);
		ip[0] = 0x45;
		frame_put16(ip + 2, 1500);
		frame_put16(ip + 6, 0x4000);
		ip[8] = 64;
		ip[9] = e->proto;
		frame_put32(ip + 12, S.path.dst);
		frame_put32(ip + 16, S.path.src);
	}
	frame_put16(l4, S.f->stack_port);
	frame_put16(l4 + 2, S.f->peer_port);
	frame_put32(l4 + 4, S.f->stack_iss + e->seq);
	script_peer_frame(buf, frame_build_icmp(buf, &S.path, type, code, rest,
						(size_t)(l4 + 8 - rest)));
}

void script_peer_fragment(uint32_t id, uint8_t proto, uint32_t off, bool more, const uint8_t *data,
			  size_t len)
{
	static uint8_t buf[FRAME_MAX], body[FRAME_MAX];

	if (!S.path.v6) {
		script_peer_frame(buf, frame_build_ip4(buf, &S.path, proto, (uint16_t)id,
						       (uint16_t)(off / 8 | (more ? 0x2000 : 0)), data,
						       len));
		return;
	}
	body[0] = proto;
	body[1] = 0;
	frame_put16(body + 2, (uint16_t)(off | more));
	frame_put32(body + 4, id);
	memcpy(body + 8, data, len);
	script_peer_frame(buf, frame_build_ip6(buf, &S.path, 44, 64, body, len + 8));
}
