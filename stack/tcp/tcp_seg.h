/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_seg.h - a TCP segment on the wire and parsed: RFC 9293 3.1, 3.2, RFC 7323, RFC 2018.
 *
 * Pure: bytes to struct and back.  Byte order is converted here and nowhere else.
 */
#ifndef STACK_TCP_TCP_SEG_H
#define STACK_TCP_TCP_SEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TH_FIN 0x01
#define TH_SYN 0x02
#define TH_RST 0x04
#define TH_PUSH 0x08
#define TH_ACK 0x10
#define TH_URG 0x20
#define TH_ECE 0x40
#define TH_CWR 0x80

#define TCP_HDR_LEN 20
#define TCP_MAX_OPT_LEN 40
#define TCP_MAX_HDR_LEN (TCP_HDR_LEN + TCP_MAX_OPT_LEN)
#define TCP_MAX_WSCALE 14 /* RFC 7323 2.3 */
#define TCP_MAX_SACKS 4
#define TCP_TS_OPT_LEN 12 /* with the two NOPs that align it */

struct tcp_sack {
	uint32_t start, end; /* [start, end) */
};

/* Options present: struct tcp_seg.opts */
enum {
	TCP_HAS_MSS = 1,
	TCP_HAS_WSCALE = 2,
	TCP_HAS_SACK_PERM = 4,
	TCP_HAS_TS = 8,
	TCP_HAS_SACK = 16,
	TCP_HAS_FASTOPEN = 32,
	TCP_HAS_MD5 = 64, /* a signature; we have no keys */
};

struct tcp_seg {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint32_t wnd;	  /* as in the header: unscaled */
	uint32_t len;	  /* payload bytes */
	uint32_t end_seq; /* seq + len + SYN + FIN */
	uint32_t tsval, tsecr;
	uint16_t urp;
	uint16_t mss;
	uint8_t flags; /* TH_* */
	uint8_t hdr_len;
	uint8_t opts; /* TCP_HAS_* */
	uint8_t wscale;
	uint8_t nsacks;
	uint8_t ecn;	  /* the IP header's ECN bits */
	uint8_t fo_len;	  /* Fast Open cookie; 0: a request for one */
	bool fo_exp;	  /* as experimental option (RFC 6994) */
	const uint8_t *fo_cookie;
	struct tcp_sack sacks[TCP_MAX_SACKS];
};

/*
 * Parse the header at p; avail contiguous bytes are there, the IP layer says the segment
 * has total bytes.  False: malformed (too short, data offset out of range, options whose
 * length lies; RFC 9293 3.1 and MUST-7).  Unknown options are skipped (MUST-6).
 */
bool tcp_seg_parse(struct tcp_seg *seg, const uint8_t *p, size_t avail, size_t total);

/* What a header to be built says. */
struct tcp_hdr {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t wnd; /* already scaled */
	uint16_t urp;
	uint8_t flags;
	uint8_t opts; /* TCP_HAS_* */
	uint8_t wscale;
	uint8_t nsacks;
	uint16_t mss;
	uint8_t fo_len;
	bool fo_exp;
	uint32_t tsval, tsecr;
	const uint8_t *fo_cookie;
	const struct tcp_sack *sacks;
};

/* Bytes that tcp_seg_build() will write: a multiple of 4, at most TCP_MAX_HDR_LEN. */
size_t tcp_seg_hdr_len(const struct tcp_hdr *h);
/* Write the header with a zero checksum; returns its length. */
size_t tcp_seg_build(uint8_t *p, const struct tcp_hdr *h);

#endif
