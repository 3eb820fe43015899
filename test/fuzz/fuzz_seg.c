/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_seg.c - the TCP header parser on bytes that end exactly where they end.
 *
 * Whatever it accepts must be consistent, and a header built from it must be read back alike.
 */
#include <stdlib.h>
#include <string.h>

#include "stack/tcp/tcp_seg.h"
#include "test/wire/fail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct tcp_seg *seg)
{
	struct tcp_hdr h = { .sport = seg->sport, .dport = seg->dport, .seq = seg->seq, .ack = seg->ack,
			     .wnd = (uint16_t)seg->wnd, .urp = seg->urp, .flags = seg->flags,
			     .opts = (uint8_t)(seg->opts & ~TCP_HAS_FASTOPEN), .wscale = seg->wscale,
			     .nsacks = seg->nsacks, .mss = seg->mss, .tsval = seg->tsval,
			     .tsecr = seg->tsecr, .sacks = seg->sacks };
	uint8_t buf[256];
	struct tcp_seg again;
	size_t len;

	/* Aligned, the same options may need more room than they came in. */
	if (tcp_seg_hdr_len(&h) > TCP_MAX_HDR_LEN)
		return;
	len = tcp_seg_build(buf, &h);
	must(len == tcp_seg_hdr_len(&h) && len % 4 == 0, "built %zu bytes", len);
	must(tcp_seg_parse(&again, buf, len, len), "our own header is refused");
	must(again.seq == seg->seq && again.ack == seg->ack && again.flags == seg->flags &&
	     again.wnd == seg->wnd && again.opts == h.opts, "a field changed");
	must(!(h.opts & TCP_HAS_TS) || (again.tsval == seg->tsval && again.tsecr == seg->tsecr),
	     "timestamps changed");
	must(!(h.opts & TCP_HAS_MSS) || again.mss == seg->mss, "MSS changed");
	must(!(h.opts & TCP_HAS_SACK) ||
		     (again.nsacks == seg->nsacks &&
		      memcmp(again.sacks, seg->sacks, seg->nsacks * sizeof(seg->sacks[0])) == 0),
	     "SACK blocks changed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcp_seg seg;
	size_t total;
	uint8_t *exact;

	if (size < 1)
		return 0;
	/* The first byte: how much more than these bytes the IP layer promised. */
	total = size - 1 + data[0];
	exact = malloc(size - 1 + (size == 1));
	must(exact != NULL, "out of memory");
	memcpy(exact, data + 1, size - 1);
	if (tcp_seg_parse(&seg, exact, size - 1, total)) {
		must(seg.hdr_len >= TCP_HDR_LEN && seg.hdr_len <= TCP_MAX_HDR_LEN &&
		     seg.hdr_len <= size - 1, "header of %u bytes in %zu", seg.hdr_len, size - 1);
		must(seg.len == total - seg.hdr_len, "payload of %u bytes", seg.len);
		must(seg.nsacks <= TCP_MAX_SACKS, "%u SACK blocks", seg.nsacks);
		must(seg.wscale <= TCP_MAX_WSCALE || !(seg.opts & TCP_HAS_WSCALE), "scale %u",
		     seg.wscale);
		check_round_trip(&seg);
	}
	free(exact);
	return 0;
}
