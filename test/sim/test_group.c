/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_group.c - multicast and broadcast datagrams (RFC 1112, 3376, 3678, 3810; ip(7), ipv6(7)).
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/dgram_script.h"

#include <arpa/inet.h>

static struct ipaddr group_n(uint8_t n)
{
	struct ipaddr g = { .b = { 0xff, 0x15, [15] = n } };

	return world_v6 ? g : ip4(239, 1, 1, n);
}

static int membership(struct conn *c, const struct ipaddr *group, bool join)
{
	struct ipv6_mreq m6 = { .ipv6mr_interface = 1 };
	struct ip_mreqn m4 = { .imr_ifindex = 1 };

	if (world_v6) {
		memcpy(&m6.ipv6mr_multiaddr, group->b, 16);
		return socket_setsockopt(c->node->st, c->so, SOL_IPV6,
					 join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &m6, sizeof(m6),
					 c->world->now);
	}
	m4.imr_multiaddr.s_addr = ipaddr_to_v4(group);
	return socket_setsockopt(c->node->st, c->so, SOL_IP,
				 join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &m4, sizeof(m4),
				 c->world->now);
}

static int source_option(struct conn *c, int name, const struct ipaddr *group,
			 const struct ipaddr *source)
{
	struct group_source_req r = { .gsr_interface = 1 };
	struct endpoint g = { .addr = *group }, s = { .addr = *source };
	socklen_t len = sizeof(r.gsr_group);

	endpoint_to_sockaddr(&g, world_v6 ? AF_INET6 : AF_INET, (struct sockaddr *)&r.gsr_group, &len);
	len = sizeof(r.gsr_source);
	endpoint_to_sockaddr(&s, world_v6 ? AF_INET6 : AF_INET, (struct sockaddr *)&r.gsr_source, &len);
	return socket_setsockopt(c->node->st, c->so, ip_level(), name, &r, sizeof(r), c->world->now);
}

static void group_mac(const struct ipaddr *g, uint8_t mac[6])
{
	const uint8_t v4[6] = { 1, 0, 0x5e, g->b[13] & 0x7f, g->b[14], g->b[15] };
	const uint8_t v6[6] = { 0x33, 0x33, g->b[12], g->b[13], g->b[14], g->b[15] };

	memcpy(mac, world_v6 ? v6 : v4, 6);
}

/* The peer sends to a group. */
static void peer_to_group(const struct ipaddr *g, uint16_t port, const char *text)
{
	struct frame_path path = S.path;
	uint8_t buf[FRAME_MAX];

	path.dst = ntohl(ipaddr_to_v4(g));
	memcpy(path.dst6, g->b, 16);
	group_mac(g, path.dmac);
	script_peer_frame(buf, frame_build_udp(buf, &path, PORT_A, port, text, strlen(text)));
}

static struct conn *reuse_bound(uint16_t port)
{
	struct conn *c = conn_socket(S.node, SOCK_DGRAM);
	struct ipaddr any = any_addr();

	script_check(conn_setint(c, SOL_SOCKET, SO_REUSEADDR, 1), 0, "SO_REUSEADDR");
	script_check(conn_bind(c, &any, port), 0, "bind");
	return c;
}

/* IP_MULTICAST_ALL is on by default: a member's group comes to every socket on the port. */
TEST(a_datagram_to_a_group_reaches_every_member)
{
	struct ipaddr g = group_n(1), other = group_n(2);
	struct conn *a, *b, *wrong_port;

	script(.seed = 1);
	a = reuse_bound(PORT_B);
	b = reuse_bound(PORT_B);
	wrong_port = reuse_bound(PORT_B + 1);
	peer_to_group(&g, PORT_B, "nobody");
	script_check(mib(MIB_IP_IN_ADDR_ERRORS), 1, "not a member");
	script_check(membership(a, &g, true), 0, "join");
	script_check(membership(b, &g, true), 0, "join");
	script_check(membership(b, &g, true), -EADDRINUSE, "join twice");
	peer_to_group(&g, PORT_B, "all");
	recv_is(a, "all");
	recv_is(b, "all");
	recv_nothing(wrong_port);
	peer_to_group(&other, PORT_B, "other");
	recv_nothing(a);
	script_check(membership(a, &g, false), 0, "leave");
	peer_to_group(&g, PORT_B, "still");
	recv_is(b, "still");
	recv_is(a, "still");
	script_check(membership(b, &g, false), 0, "leave");
	script_check(membership(b, &g, false), -EADDRNOTAVAIL, "leave twice");
	peer_to_group(&g, PORT_B, "gone");
	recv_nothing(b);
	/* RFC 1122 3.2.2: no error about a multicast. */
	expect_nothing();
	script_finish();
}

TEST(multicast_all_off_hears_its_own_groups_only)
{
	struct ipaddr g = group_n(1), h = group_n(2);
	struct conn *a, *b;

	script(.seed = 2);
	a = reuse_bound(PORT_B);
	b = reuse_bound(PORT_B);
	set_ip(b, IP_MULTICAST_ALL, IPV6_MULTICAST_ALL, 0);
	script_check(membership(a, &g, true), 0, "join");
	script_check(membership(b, &h, true), 0, "join");
	peer_to_group(&g, PORT_B, "g");
	recv_is(a, "g");
	recv_nothing(b);
	peer_to_group(&h, PORT_B, "h");
	recv_is(b, "h");
	script_finish();
}

/* RFC 3678: any source but the blocked; or only the named ones. */
TEST(source_filters_choose_who_is_heard)
{
	struct ipaddr g = group_n(1), stranger = world_addr(IP4(192, 0, 2, 77));
	struct conn *c;

	script(.seed = 3);
	c = udp_bound(PORT_B);
	script_check(membership(c, &g, true), 0, "join");
	script_check(source_option(c, MCAST_BLOCK_SOURCE, &g, &S.peer_addr), 0, "block");
	peer_to_group(&g, PORT_B, "blocked");
	recv_nothing(c);
	script_check(source_option(c, MCAST_UNBLOCK_SOURCE, &g, &S.peer_addr), 0, "unblock");
	peer_to_group(&g, PORT_B, "again");
	recv_is(c, "again");
	script_check(membership(c, &g, false), 0, "leave");
	script_check(source_option(c, MCAST_JOIN_SOURCE_GROUP, &g, &stranger), 0, "join source");
	peer_to_group(&g, PORT_B, "not wanted");
	recv_nothing(c);
	script_check(source_option(c, MCAST_JOIN_SOURCE_GROUP, &g, &S.peer_addr), 0, "join source");
	peer_to_group(&g, PORT_B, "wanted");
	recv_is(c, "wanted");
	script_check(source_option(c, MCAST_LEAVE_SOURCE_GROUP, &g, &S.peer_addr), 0, "leave source");
	peer_to_group(&g, PORT_B, "not any more");
	recv_nothing(c);
	script_finish();
}

/* RFC 1112 6.4, RFC 2464 7: the group's MAC; TTL 1 unless told otherwise; no resolution. */
TEST(datagrams_to_a_group_have_its_mac_and_ttl)
{
	struct ipaddr g = group_n(9);
	const struct script_seen *s;
	struct conn *c;
	uint8_t mac[6];

	script(.seed = 4);
	c = udp_bound(PORT_B);
	group_mac(&g, mac);
	script_check(script_after(conn_sendto(c, "x", 1, &g, PORT_A)), 1, "sendto");
	s = expect_udp(PORT_B, PORT_A, 1);
	must(memcmp(s->bytes, mac, 6) == 0, "another MAC");
	script_check(s->info.ttl, 1, "TTL");
	set_ip(c, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, 33);
	script_check(script_after(conn_sendto(c, "x", 1, &g, PORT_A)), 1, "sendto");
	script_check(expect_udp(PORT_B, PORT_A, 1)->info.ttl, 33, "TTL");
	expect_nothing();
	script_finish();
}

/* IP_MULTICAST_LOOP, on by default: our own members hear us. */
TEST(our_own_members_hear_us_unless_loop_is_off)
{
	struct ipaddr g = group_n(9);
	struct conn *c, *member;

	script(.seed = 5);
	c = udp_bound(PORT_B);
	member = udp_bound(PORT_A);
	script_check(membership(member, &g, true), 0, "join");
	expect_whatever(); /* IGMP reports */
	script_check(script_after(conn_sendto(c, "in", 2, &g, PORT_A)), 2, "sendto");
	expect_udp(PORT_B, PORT_A, 2);
	recv_is(member, "in");
	set_ip(c, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, 0);
	script_check(script_after(conn_sendto(c, "out", 3, &g, PORT_A)), 3, "sendto");
	expect_udp(PORT_B, PORT_A, 3);
	recv_nothing(member);
	script_finish();
}

/* ip(7): a TTL of 0 keeps a datagram on the host. */
TEST(ttl_zero_stays_on_the_host)
{
	struct ipaddr g = group_n(9);
	struct conn *c, *member;

	script(.seed = 6);
	c = udp_bound(PORT_B);
	member = udp_bound(PORT_A);
	script_check(membership(member, &g, true), 0, "join");
	advance_ms(2000);
	expect_whatever();
	set_ip(c, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, 0);
	script_check(script_after(conn_sendto(c, "in", 2, &g, PORT_A)), 2, "sendto");
	recv_is(member, "in");
	expect_nothing();
	script_finish();
}

/* -- what routers hear: RFC 3376 5, RFC 3810 6 ------------------------------------------------ */

enum { IS_IN = 1, IS_EX, TO_IN, TO_EX, ALLOW, BLOCK };

/* Reports are taken from the wire itself: the script hides IPv6's as housekeeping. */
struct report {
	uint8_t record;
	unsigned int nsources;
	uint8_t source[16]; /* the first one; IPv4's four bytes */
};

static unsigned int nreports;
static struct report reports[16];

static enum wire_verdict note_report(void *arg, const uint8_t *frame, size_t len, uint64_t index)
{
	struct report *r = &reports[nreports % 16];
	struct frame_info f;
	const uint8_t *m;

	(void)arg;
	(void)index;
	if (!frame_parse(frame, len, &f) || (f.proto != 2 && !(f.is_icmp6 && f.icmp_type == 143)))
		return WIRE_PASS;
	m = frame + f.l4_off;
	must(f.ttl == 1, "a report with TTL %u", f.ttl);
	must(frame_csum_fold(frame_csum_add(0, m, f.l4_len)) == 0 || f.v6, "IGMP checksum");
	must(frame_get16(m + 6) == 1 && m[0] == (f.v6 ? 143 : 0x22), "not one record");
	r->record = m[8];
	r->nsources = frame_get16(m + 10);
	must(f.l4_len == (f.v6 ? 28 + 16 * r->nsources : 16 + 4 * r->nsources), "length %u", f.l4_len);
	memcpy(r->source, m + (f.v6 ? 28 : 16), f.v6 ? 16 : 4);
	nreports++;
	return WIRE_PASS;
}

static void watch_reports(void)
{
	advance_ms(2000);
	expect_whatever();
	nreports = 0;
	S.wire->ports[0].tx.decide = note_report;
}

/* n reports of one record with so many sources, the first of them source. */
static void expect_reports(unsigned int n, uint8_t record, unsigned int nsources,
			   const struct ipaddr *source)
{
	unsigned int i;

	advance_ms(2500);
	expect_whatever();
	script_check(nreports, n, "reports");
	for (i = 0; i < n; i++) {
		script_check(reports[i].record, record, "record");
		script_check(reports[i].nsources, nsources, "sources");
		must(source == NULL || memcmp(reports[i].source,
					      world_v6 ? source->b : source->b + 12,
					      world_v6 ? 16 : 4) == 0, "another source");
	}
	nreports = 0;
}

/* A change is reported, twice; so is the end. */
TEST(joining_and_leaving_is_reported_to_routers)
{
	struct ipaddr g = group_n(9);
	struct conn *c, *d;

	script(.seed = 7);
	c = reuse_bound(PORT_B);
	d = reuse_bound(PORT_B);
	watch_reports();
	script_check(membership(c, &g, true), 0, "join");
	expect_reports(2, TO_EX, 0, NULL);
	script_check(membership(d, &g, true), 0, "join");
	expect_reports(0, 0, 0, NULL);
	script_check(membership(c, &g, false), 0, "leave");
	expect_reports(0, 0, 0, NULL);
	script_check(membership(d, &g, false), 0, "leave");
	expect_reports(2, TO_IN, 0, NULL);
	script_finish();
}

/* RFC 3376 5.1: sources allowed and blocked, and changes of mode. */
TEST(source_filters_are_reported_to_routers)
{
	struct ipaddr g = group_n(9), s1 = world_addr(IP4(192, 0, 2, 71)), s2 = world_addr(IP4(192, 0, 2, 72));
	struct conn *c, *d;

	script(.seed = 12);
	c = reuse_bound(PORT_B);
	d = reuse_bound(PORT_B);
	watch_reports();
	script_check(source_option(c, MCAST_JOIN_SOURCE_GROUP, &g, &s1), 0, "join source");
	expect_reports(2, ALLOW, 1, &s1);
	script_check(source_option(d, MCAST_JOIN_SOURCE_GROUP, &g, &s2), 0, "join source");
	expect_reports(2, ALLOW, 1, &s2);
	script_check(source_option(d, MCAST_LEAVE_SOURCE_GROUP, &g, &s2), 0, "leave source");
	expect_reports(2, BLOCK, 1, &s2);
	/* One who wants all: from now on all but those that nobody wants. */
	script_check(membership(d, &g, true), 0, "join");
	expect_reports(2, TO_EX, 0, NULL);
	script_check(source_option(d, MCAST_BLOCK_SOURCE, &g, &s2), 0, "block");
	expect_reports(2, BLOCK, 1, &s2);
	script_check(source_option(d, MCAST_BLOCK_SOURCE, &g, &s1), 0, "block");
	expect_reports(0, 0, 0, NULL); /* c wants that one */
	script_check(source_option(d, MCAST_UNBLOCK_SOURCE, &g, &s2), 0, "unblock");
	expect_reports(2, ALLOW, 1, &s2);
	script_check(membership(d, &g, false), 0, "leave");
	expect_reports(2, TO_IN, 1, &s1);
	script_check(source_option(c, MCAST_LEAVE_SOURCE_GROUP, &g, &s1), 0, "leave source");
	expect_reports(2, BLOCK, 1, &s1);
	script_finish();
}

/* A query about a group, or about sources of it. */
static void query(const struct ipaddr *g, unsigned int nsources, const struct ipaddr *sources)
{
	static const struct ipaddr from = { .b = { 0xfe, 0x80, [15] = 0x99 } };
	uint8_t body[64] = { 0 }, frame[200], *m = body, *p;
	struct frame_path path = S.path;
	unsigned int i;
	size_t len;

	if (!world_v6) {
		m[0] = 0x11;
		m[1] = 10; /* one second */
		memcpy(m + 4, g->b + 12, 4);
		frame_put16(m + 10, (uint16_t)nsources);
		for (i = 0; i < nsources; i++)
			memcpy(m + 12 + 4 * i, sources[i].b + 12, 4);
		len = 12 + 4 * nsources;
		frame_put16(m + 2, frame_csum_fold(frame_csum_add(0, m, len)));
		path.dst = ntohl(ipaddr_to_v4(g));
		group_mac(g, path.dmac);
		script_peer_frame(frame, frame_build_ip4(frame, &path, 2, 1, 0, m, len));
		return;
	}
	frame_put16(m, 1000);
	memcpy(m + 4, g->b, 16);
	frame_put16(m + 22, (uint16_t)nsources);
	for (i = 0; i < nsources; i++)
		memcpy(m + 24 + 16 * i, sources[i].b, 16);
	memcpy(path.src6, from.b, 16);
	memcpy(path.dst6, g->b, 16);
	group_mac(g, path.dmac);
	len = frame_build_icmp(frame, &path, 130, 0, m, 24 + 16 * nsources);
	p = frame + ETH_HLEN;
	p[7] = 1;
	script_peer_frame(frame, len);
}

/* RFC 3376 5.2: the current state; of sources that are asked for, those that are wanted. */
TEST(queries_are_answered_with_the_filter)
{
	struct ipaddr g = group_n(9), s[2] = { world_addr(IP4(192, 0, 2, 71)), world_addr(IP4(192, 0, 2, 72)) };
	struct conn *c, *d;

	script(.seed = 13);
	c = reuse_bound(PORT_B);
	d = reuse_bound(PORT_B);
	watch_reports();
	script_check(source_option(c, MCAST_JOIN_SOURCE_GROUP, &g, &s[0]), 0, "join source");
	expect_reports(2, ALLOW, 1, &s[0]);
	query(&g, 0, NULL);
	expect_reports(1, IS_IN, 1, &s[0]);
	query(&g, 2, s);
	expect_reports(1, IS_IN, 1, &s[0]);
	query(&g, 1, &s[1]);
	expect_reports(0, 0, 0, NULL);
	script_check(membership(d, &g, true), 0, "join");
	expect_reports(2, TO_EX, 0, NULL);
	query(&g, 1, &s[1]);
	expect_reports(1, IS_IN, 1, &s[1]);
	query(&g, 0, NULL);
	expect_reports(1, IS_EX, 0, NULL);
	script_finish();
}

/* A close is a leave. */
TEST(closing_leaves_the_groups)
{
	struct ipaddr g = group_n(9);
	struct conn *c, *d;

	script(.seed = 8);
	c = reuse_bound(PORT_B);
	d = reuse_bound(PORT_B);
	script_check(membership(c, &g, true), 0, "join");
	conn_close(c);
	advance_ms(2000);
	expect_whatever();
	peer_to_group(&g, PORT_B, "x");
	recv_nothing(d);
	script_check(mib(MIB_IP_IN_ADDR_ERRORS), 1, "dropped");
	script_finish();
}

/* -- broadcast (IPv4) -------------------------------------------------------------------------- */

TEST4(broadcast_needs_leave_and_reaches_all)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct ipaddr subnet = ip4(192, 0, 2, 255), limited = ip4(255, 255, 255, 255);
	const struct ipaddr *to[2] = { &subnet, &limited };
	const struct script_seen *s;
	struct conn *c, *here;
	unsigned int i;

	script(.seed = 9);
	c = udp_bound(PORT_B);
	here = udp_bound(PORT_A);
	for (i = 0; i < 2; i++) {
		script_check(conn_setint(c, SOL_SOCKET, SO_BROADCAST, 0), 0, "SO_BROADCAST");
		script_check(script_after(conn_sendto(c, "x", 1, to[i], PORT_A)), -EACCES, "sendto");
		expect_nothing();
		script_check(conn_setint(c, SOL_SOCKET, SO_BROADCAST, 1), 0, "SO_BROADCAST");
		script_check(script_after(conn_sendto(c, "x", 1, to[i], PORT_A)), 1, "sendto");
		s = expect_udp(PORT_B, PORT_A, 1);
		must(memcmp(s->bytes, all, 6) == 0, "not to ff:ff:ff:ff:ff:ff");
		recv_is(here, "x");
	}
	script_finish();
}

TEST4(a_received_broadcast_reaches_every_socket_of_the_port)
{
	struct frame_path path;
	uint8_t buf[FRAME_MAX];
	struct conn *a, *b;

	script(.seed = 10);
	a = reuse_bound(PORT_B);
	b = reuse_bound(PORT_B);
	path = S.path;
	path.dst = IP4(192, 0, 2, 255);
	memset(path.dmac, 0xff, 6);
	script_peer_frame(buf, frame_build_udp(buf, &path, PORT_A, PORT_B, "hi", 2));
	recv_is(a, "hi");
	recv_is(b, "hi");
	script_peer_frame(buf, frame_build_udp(buf, &path, PORT_A, 9, "hi", 2));
	expect_nothing();
	script_finish();
}

/* RFC 1122 3.2.2.6, Linux's icmp_echo_ignore_broadcasts; RFC 4443 4.2 answers a group. */
TEST(echo_to_a_group)
{
	uint8_t rest[12] = { 0, 1, 0, 1 }, buf[FRAME_MAX];
	struct ipaddr g = { .b = { 0xff, 2, [15] = 1 } };
	struct frame_path path;

	script(.seed = 11);
	path = S.path;
	path.dst = IP4(224, 0, 0, 1);
	memcpy(path.dst6, g.b, 16);
	if (!world_v6)
		g = ip4(224, 0, 0, 1);
	group_mac(&g, path.dmac);
	script_peer_frame(buf, frame_build_icmp(buf, &path, world_v6 ? 128 : 8, 0, rest, sizeof(rest)));
	if (world_v6)
		expect_icmp_46(0, 0, 129, 0);
	expect_nothing();
	script_finish();
}

SIM_MAIN("groups")
