/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_raw.c - raw and ping sockets on the wire (raw(7), icmp(7), RFC 3542), and packets from
 * addresses that are not ours.
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/dgram_script.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>

#define ICMP_FILTER_OPTION 1 /* ICMP_FILTER of <linux/icmp.h> */

static struct conn *raw_socket(int proto4, int proto6)
{
	return socket_of(S.node, SOCK_RAW, proto4, proto6);
}

/* sin6_port would name a protocol (RFC 3542 3): none. */
static void send_raw(struct conn *c, const void *data, size_t n, int64_t want)
{
	script_check(script_after(conn_sendto(c, data, n, &S.peer_addr, 0)), want, "sendto");
}

/* -- IP_HDRINCL: the kernel's answers, see raw_send_hdrinc() ----------------------------------- */

static struct iphdr header(size_t extra)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 33, .tos = 8, .protocol = 253,
			    .saddr = htonl(IP4(192, 0, 2, 1)), .daddr = htonl(IP4(192, 0, 2, 2)),
			    .id = htons(77), .tot_len = htons((uint16_t)extra) };

	return ip;
}

static const struct script_seen *send_header(struct conn *c, const struct iphdr *ip, size_t n,
					     int64_t want)
{
	static uint8_t pkt[4000];
	const struct script_seen *s;

	memcpy(pkt, ip, sizeof(*ip));
	memset(pkt + sizeof(*ip), 1, sizeof(pkt) - sizeof(*ip));
	send_to_peer(c, pkt, n, want);
	s = next_seen();
	must((s != NULL) == (want >= 0), "a frame %s", s != NULL ? "left" : "did not leave");
	return s;
}

TEST4(hdrincl_keeps_what_the_program_wrote)
{
	const struct script_seen *s;
	struct iphdr ip = header(5);
	struct conn *c;

	script(.seed = 1);
	c = raw_socket(IPPROTO_RAW, 0);
	ip.saddr = htonl(IP4(198, 18, 0, 7)); /* not ours */
	ip.frag_off = htons(0x2000);
	ip.check = 3;
	s = send_header(c, &ip, 28, 28);
	script_check(s->info.id, 77, "identification");
	script_check(s->info.frag, 0x2000, "fragment field");
	script_check(s->info.ttl, 33, "TTL");
	script_check(s->info.tos, 8, "TOS");
	script_check(s->info.src, IP4(198, 18, 0, 7), "source");
	script_check(s->info.l4_len, 8, "total length");
	must(s->info.ip_csum_ok, "checksum");
	expect_nothing();
	script_finish();
}

TEST4(hdrincl_fills_in_zeros)
{
	const struct script_seen *s;
	struct iphdr ip = header(0);
	struct conn *c;

	script(.seed = 2);
	c = raw_socket(IPPROTO_UDP, 0);
	script_check(conn_setint(c, SOL_IP, IP_HDRINCL, 1), 0, "IP_HDRINCL");
	ip.saddr = 0;
	ip.id = 0;
	s = send_header(c, &ip, 20, 20);
	script_check(s->info.src, IP4(192, 0, 2, 1), "source");
	must(s->info.id != 0, "no identification");
	script_finish();
}

/* The route is sendto's; the header may say otherwise. */
TEST4(hdrincl_routes_by_the_call)
{
	const struct script_seen *s;
	struct iphdr ip = header(0);
	struct conn *c;

	script(.seed = 3);
	c = raw_socket(IPPROTO_RAW, 0);
	ip.daddr = htonl(IP4(192, 0, 2, 99));
	s = send_header(c, &ip, 40, 40);
	script_check(s->info.dst, IP4(192, 0, 2, 99), "destination");
	must(memcmp(s->bytes, S.path.smac, 6) == 0, "not to the peer's MAC");
	script_finish();
}

TEST4(hdrincl_keeps_options_and_refuses_what_is_no_header)
{
	const struct script_seen *s;
	struct iphdr ip = header(0);
	struct conn *c;

	script(.seed = 4);
	c = raw_socket(IPPROTO_RAW, 0);
	ip.ihl = 6; /* then four bytes of NOP */
	s = send_header(c, &ip, 28, 28);
	script_check(s->bytes[ETH_HLEN], 0x46, "header length");
	script_check(s->bytes[ETH_HLEN + 20], 1, "option");
	ip.ihl = 15;
	send_header(c, &ip, 28, -EINVAL);
	ip.ihl = 4;
	send_header(c, &ip, 28, -EINVAL);
	ip.ihl = 5;
	send_header(c, &ip, 19, -EINVAL);
	send_header(c, &ip, 1501, -EMSGSIZE);
	s = send_header(c, &ip, 1500, 1500);
	script_check(s->len, ETH_HLEN + 1500, "length");
	expect_nothing();
	script_finish();
}

/* IPPROTO_RAW of AF_INET6: the packet as it is. */
TEST6(raw_ipv6_packets_leave_as_they_are)
{
	uint8_t pkt[60] = { 0x61, 0x23, 0x45, 0x67, 0, 20, 253, 9 };
	const struct script_seen *s;
	struct conn *c;

	script(.seed = 5);
	c = raw_socket(0, IPPROTO_RAW);
	memset(pkt + 8, 0x20, 16);
	memcpy(pkt + 24, S.path.src6, 16);
	send_raw(c, pkt, sizeof(pkt), sizeof(pkt));
	s = next_seen();
	must(s != NULL && memcmp(s->bytes + ETH_HLEN, pkt, sizeof(pkt)) == 0, "another packet");
	script_finish();
}

/* -- IPV6_CHECKSUM: RFC 3542 3.1 ------------------------------------------------------------------ */

TEST6(ipv6_checksum_is_filled_in_and_checked)
{
	uint8_t data[8] = { 1, 2, 3, 4, 0, 0, 5, 6 }, buf[FRAME_MAX];
	struct frame_path path;
	const struct script_seen *s;
	struct conn *c;
	size_t len;

	script(.seed = 6);
	c = raw_socket(0, 253);
	script_check(conn_setint(c, SOL_IPV6, IPV6_CHECKSUM, 3), -EINVAL, "odd");
	script_check(conn_setint(c, SOL_IPV6, IPV6_CHECKSUM, 4), 0, "IPV6_CHECKSUM");
	send_raw(c, data, sizeof(data), sizeof(data));
	s = next_seen();
	must(s != NULL && s->info.proto == 253, "nothing left");
	must(frame_get16(s->bytes + s->info.l4_off + 4) != 0, "no checksum");
	/* It comes back over the wire with the addresses exchanged: the sum is the same. */
	path = S.path;
	len = frame_build_ip6(buf, &path, 253, 64, s->bytes + s->info.l4_off, 8);
	script_peer_frame(buf, len);
	recv_len(c, 8);
	buf[len - 1] ^= 1;
	script_peer_frame(buf, len);
	recv_nothing(c);
	send_raw(c, data, 4, -EINVAL); /* too short for the field */
	send_to_peer(c, data, 8, -EINVAL); /* another protocol in sin6_port */
	script_finish();
}

/* -- receiving ------------------------------------------------------------------------------------ */

/* raw(7): IPv4 with its header, IPv6 without. */
TEST(raw_sockets_see_their_protocol)
{
	uint8_t rest[12] = { 0x12, 0x34, 0, 1 }, buf[FRAME_MAX];
	struct conn *icmp, *other, *bound_elsewhere;

	script(.seed = 7);
	icmp = raw_socket(IPPROTO_ICMP, IPPROTO_ICMPV6);
	other = raw_socket(253, 253);
	bound_elsewhere = raw_socket(IPPROTO_ICMP, IPPROTO_ICMPV6);
	script_check(conn_connect(bound_elsewhere, &S.node->addr, 0), 0, "connect");
	script_peer_frame(buf, frame_build_icmp(buf, &S.path, world_v6 ? 128 : 8, 0, rest, sizeof(rest)));
	expect_icmp_46(0, 0, 129, 0); /* the stack answers all the same */
	recv_len(icmp, world_v6 ? 16 : 36);
	recv_nothing(other);
	recv_nothing(bound_elsewhere);
	script_finish();
}

/* An unknown protocol is nobody's: unreachable, unless a raw socket has it. */
TEST(a_raw_socket_takes_an_unknown_protocol)
{
	static const uint8_t data[16];
	uint8_t buf[FRAME_MAX];
	struct conn *c;
	size_t len;

	script(.seed = 8);
	len = world_v6 ? frame_build_ip6(buf, &S.path, 253, 64, data, 16) :
			 frame_build_ip4(buf, &S.path, 253, 1, 0, data, 16);
	script_peer_frame(buf, len);
	expect_icmp_46(3, 2, 4, 1);
	c = raw_socket(253, 253);
	script_peer_frame(buf, len);
	recv_len(c, world_v6 ? 16 : 36);
	expect_nothing();
	script_finish();
}

TEST(icmp_filters_hide_types)
{
	uint8_t rest[12] = { 0 }, buf[FRAME_MAX];
	struct icmp6_filter f6;
	uint32_t f4 = 1u << 8; /* a set bit hides */
	struct conn *c;

	script(.seed = 9);
	c = raw_socket(IPPROTO_ICMP, IPPROTO_ICMPV6);
	ICMP6_FILTER_SETBLOCKALL(&f6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f6);
	script_check(world_v6 ? socket_setsockopt(S.node->st, c->so, IPPROTO_ICMPV6, ICMP6_FILTER, &f6,
						  sizeof(f6), S.world->now) :
				socket_setsockopt(S.node->st, c->so, SOL_RAW, ICMP_FILTER_OPTION, &f4,
						  sizeof(f4), S.world->now),
		     0, "filter");
	script_peer_frame(buf, frame_build_icmp(buf, &S.path, world_v6 ? 128 : 8, 0, rest, sizeof(rest)));
	expect_icmp_46(0, 0, 129, 0);
	recv_nothing(c);
	script_peer_frame(buf, frame_build_icmp(buf, &S.path, world_v6 ? 129 : 0, 0, rest, sizeof(rest)));
	recv_len(c, world_v6 ? 16 : 36);
	script_finish();
}

/* -- ping sockets --------------------------------------------------------------------------------- */

TEST(a_ping_socket_asks_and_hears_its_answer)
{
	uint8_t request[16] = { world_v6 ? 128 : 8, 0, 0, 0, 9, 9, 0, 7, 'p', 'i', 'n', 'g' };
	uint8_t rest[12], buf[FRAME_MAX];
	const struct script_seen *s;
	struct conn *c, *other;

	script(.seed = 10);
	c = socket_of(S.node, SOCK_DGRAM, IPPROTO_ICMP, IPPROTO_ICMPV6);
	other = socket_of(S.node, SOCK_DGRAM, IPPROTO_ICMP, IPPROTO_ICMPV6);
	send_to_peer(c, request, sizeof(request), sizeof(request));
	s = expect_icmp_46(8, 0, 128, 0);
	must(s->info.l4_csum_ok && memcmp(s->info.data + 4, request + 8, 8) == 0, "another request");
	must(frame_get16(s->info.data) == conn_local_port(c), "the identifier is not the socket's");
	memcpy(rest, s->info.data, sizeof(rest));
	send_to_peer(other, request, sizeof(request), sizeof(request));
	expect_icmp_46(8, 0, 128, 0);
	script_peer_frame(buf, frame_build_icmp(buf, &S.path, world_v6 ? 129 : 0, 0, rest, sizeof(rest)));
	recv_len(c, 16);
	recv_nothing(other);
	request[0] = world_v6 ? 129 : 0; /* requests only */
	send_to_peer(c, request, sizeof(request), -EINVAL);
	expect_nothing();
	script_finish();
}

/* -- sources that are not ours ----------------------------------------------------------------------- */

static struct conn *bound_to_foreign(int option4, int option6)
{
	struct ipaddr foreign = world_addr(IP4(198, 18, 0, 9));
	struct conn *c = conn_socket(S.node, SOCK_DGRAM);

	script_check(conn_bind(c, &foreign, PORT_B), -EADDRNOTAVAIL, "bind");
	set_ip(c, option4, option6, 1);
	script_check(conn_bind(c, &foreign, PORT_B), 0, "bind");
	return c;
}

TEST(transparent_sends_from_a_foreign_address)
{
	struct ipaddr foreign = world_addr(IP4(198, 18, 0, 9)), src;
	const struct script_seen *s;
	struct conn *c;

	script(.seed = 11);
	c = bound_to_foreign(IP_TRANSPARENT, IPV6_TRANSPARENT);
	send_to_peer(c, "x", 1, 1);
	s = expect_udp(PORT_B, PORT_A, 1);
	src = ipaddr_from_v4(htonl(s->info.src));
	must(world_v6 ? memcmp(s->info.src6, foreign.b, 16) == 0 : ipaddr_equal(&src, &foreign),
	     "from another address");
	script_finish();
}

/* Measured on Linux: FREEBIND binds, but with IPv4 it does not send; IPv6 never asks. */
TEST(freebind_sends_over_ipv6_only)
{
	struct conn *c;

	script(.seed = 12);
	c = bound_to_foreign(IP_FREEBIND, IPV6_FREEBIND);
	send_to_peer(c, "x", 1, world_v6 ? 1 : -ENETUNREACH);
	script_check(conn_connect(c, &S.peer_addr, PORT_A), world_v6 ? 0 : -ENETUNREACH, "connect");
	script_finish();
}

/* -- flow labels: RFC 6437, Linux's IPV6_AUTOFLOWLABEL --------------------------------------------------- */

TEST6(flow_labels_are_automatic_and_can_be_turned_off)
{
	struct conn *c;
	uint32_t label;

	script(.seed = 13);
	c = udp_bound(PORT_B);
	script_check(conn_getint(c, SOL_IPV6, IPV6_AUTOFLOWLABEL), 1, "IPV6_AUTOFLOWLABEL");
	send_to_peer(c, "x", 1, 1);
	label = expect_udp(PORT_B, PORT_A, 1)->info.flow;
	must(label != 0, "no label");
	send_to_peer(c, "y", 1, 1);
	script_check(expect_udp(PORT_B, PORT_A, 1)->info.flow, label, "label");
	script_check(conn_setint(c, SOL_IPV6, IPV6_AUTOFLOWLABEL, 0), 0, "IPV6_AUTOFLOWLABEL");
	send_to_peer(c, "x", 1, 1);
	script_check(expect_udp(PORT_B, PORT_A, 1)->info.flow, 0, "label");
	script_finish();
}

SIM_MAIN("raw")
