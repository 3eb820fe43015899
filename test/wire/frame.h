/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frame.h - building, parsing and printing of raw frames by the tests' own hand.
 *
 * Independent of the stack's parsers and builders on purpose: a shared mistake would
 * be invisible.  A frame is plain bytes from the Ethernet header on, without FCS.
 */
#ifndef TEST_WIRE_FRAME_H
#define TEST_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 65600
#define ETH_HLEN 14

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20
#define TCP_ECE 0x40
#define TCP_CWR 0x80

#define TCPOPT_MAX 40

/* An IPv4 address in host byte order, as 192,0,2,1. */
#define IP4(a, b, c, d)                                                                            \
	(((uint32_t)(a) << 24) | ((uint32_t)(b) << 16) | ((uint32_t)(c) << 8) | (uint32_t)(d))

/* Who talks to whom: enough to build Ethernet and IP of either family. */
struct frame_path {
	uint8_t smac[6], dmac[6];
	uint32_t src, dst; /* IPv4, host byte order */
	bool v6;	   /* then these instead: */
	uint8_t src6[16], dst6[16];
	uint16_t vlan; /* 0: no 802.1Q tag */
};

struct frame_tcp {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t win; /* as on the wire */
	uint16_t urg;
	uint8_t flags;
	uint8_t optlen; /* padded to four when built */
	uint8_t opt[TCPOPT_MAX];
	const uint8_t *data;
	uint32_t len;
};

/* What frame_parse() found; offsets from the start of the frame. */
struct frame_info {
	uint16_t ethertype; /* the inner one of a tagged frame */
	uint16_t vlan;	   /* 0: no tag */
	uint16_t ip_off;
	uint8_t proto;	   /* 0: not IP; of IPv6: the last of the next headers */
	uint8_t ttl, tos;  /* or hop limit and traffic class */
	uint16_t id, frag; /* IPv4's flags-and-offset word */
	uint32_t src, dst;
	bool v6;
	uint8_t src6[16], dst6[16];
	uint32_t flow;	  /* IPv6's flow label */
	bool fragment;	  /* a part of a datagram, in either family */
	uint16_t frag6;	  /* IPv6: offset, and the M bit in bit 0 */
	uint32_t frag6_id;
	bool has_frag6;	  /* a fragment header is there; with an atomic fragment, only this */
	uint16_t l4_off;
	uint32_t l4_len;
	bool is_tcp, is_udp, is_icmp, is_icmp6, is_arp;
	bool ip_csum_ok, l4_csum_ok;
	struct frame_tcp tcp; /* data points into the frame */
	uint16_t sport, dport; /* of UDP */
	const uint8_t *data;   /* UDP: payload; ICMP: after type, code, checksum */
	uint32_t len;
	uint8_t icmp_type, icmp_code;
	uint16_t arp_op;
	uint32_t arp_spa, arp_tpa;
	uint8_t arp_sha[6];
};

uint16_t frame_get16(const uint8_t *p);
uint32_t frame_get32(const uint8_t *p);
void frame_put16(uint8_t *p, uint16_t v);
void frame_put32(uint8_t *p, uint32_t v);

/* The one's complement sum (RFC 1071) of n bytes added to acc; fold with frame_csum_fold(). */
uint32_t frame_csum_add(uint32_t acc, const uint8_t *p, size_t n);
uint16_t frame_csum_fold(uint32_t acc);
/* Fill in the IPv4 header checksum and the TCP/UDP/ICMP(v6) one of an unfragmented frame. */
void frame_fill_csums(uint8_t *frame, size_t len);

/* Each builds a whole frame with right checksums into buf (FRAME_MAX) and returns its length. */
size_t frame_build_ip6(uint8_t *buf, const struct frame_path *p, uint8_t next_header, uint8_t hop_limit,
		       const uint8_t *payload, size_t len);
size_t frame_build_ip4(uint8_t *buf, const struct frame_path *p, uint8_t proto, uint16_t id,
		       uint16_t frag, const uint8_t *l4, size_t l4_len);
size_t frame_build_tcp(uint8_t *buf, const struct frame_path *p, const struct frame_tcp *t);
size_t frame_build_udp(uint8_t *buf, const struct frame_path *p, uint16_t sport, uint16_t dport,
		       const void *data, size_t len);
/* type, code and the rest of the message after the checksum; ICMPv6 (hop limit 255) on a path of it. */
size_t frame_build_icmp(uint8_t *buf, const struct frame_path *p, uint8_t type, uint8_t code,
			const uint8_t *rest, size_t len);
/* Bytes from the frame's start to its IP header: 14, or 18 with a tag. */
size_t frame_eth_len(const uint8_t *frame);
/* From the IP header to the transport's: 20 or 40. */
static inline size_t frame_ip_len(const struct frame_path *p)
{
	return p->v6 ? 40 : 20;
}
/* op 1 request (dmac broadcast), 2 reply. */
size_t frame_build_arp(uint8_t *buf, const uint8_t dmac[6], uint16_t op, const uint8_t sha[6],
		       uint32_t spa, const uint8_t tha[6], uint32_t tpa);

/* Understand a frame; false if it is malformed.  Never reads beyond len. */
bool frame_parse(const uint8_t *frame, size_t len, struct frame_info *out);

/* One line about a frame, tcpdump's way, absolute numbers; returns buf. */
const char *frame_describe(const uint8_t *frame, size_t len, char *buf, size_t buflen);
/* "S.", ".", "FP." of TCP flags. */
const char *frame_flag_names(uint8_t flags, char buf[10]);
/* TCP options as text: "mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7". */
void frame_describe_tcpopts(const uint8_t *opt, size_t len, char *buf, size_t buflen);

#endif
