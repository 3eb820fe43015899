/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_udp_path.c - what a datagram socket learns of its path: MTUs, ICMP errors, IP_RECVERR
 * (ip(7), ipv6(7), RFC 1191, 8201).
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/dgram_script.h"

#define DATA (1500 - 20 - 8) /* that fill the link; over IPv6 the MTU is 20 more */

static uint8_t data[4000];

static struct conn *udp_connected(void)
{
	struct conn *c = udp_bound(PORT_B);

	script_check(conn_connect(c, &S.peer_addr, PORT_A), 0, "connect");
	S.f->stack_port = PORT_B;
	S.f->peer_port = PORT_A;
	return c;
}

static int path_mtu(struct conn *c)
{
	/* As a script's MTU: what IPv6's header is longer is left out. */
	return conn_getint(c, ip_level(), world_v6 ? IPV6_MTU : IP_MTU) - (world_v6 ? 20 : 0);
}

static void send_connected(struct conn *c, size_t n, int64_t want)
{
	script_check(script_after(conn_sendto(c, data, n, NULL, 0)), want, "send");
}

static void expect_fragments(unsigned int n)
{
	const struct script_seen *s;

	while (n-- > 0) {
		s = next_seen();
		must(s != NULL && s->info.fragment, "no fragment");
	}
	expect_nothing();
}

/* IP_PMTUDISC_WANT, the default: IPv4 sets DF on what fits; a router's word makes it smaller. */
TEST(fragmentation_needed_lowers_the_path_mtu)
{
	const struct script_seen *s;
	struct conn *c;

	script(.seed = 1);
	c = udp_connected();
	script_check(path_mtu(c), 1500, "IP_MTU");
	send_connected(c, DATA, DATA);
	s = expect_udp(PORT_B, PORT_A, DATA);
	if (!world_v6)
		script_check(s->info.frag, 0x4000, "DF");
	peer_icmp(3, 4, .mtu = 1300, .proto = 17);
	script_check(path_mtu(c), 1300, "IP_MTU");
	app_error_of(c, EMSGSIZE);
	send_connected(c, DATA, DATA);
	expect_fragments(2);
	send_connected(c, 1300 - 28, 1300 - 28);
	expect_udp(PORT_B, PORT_A, 1300 - 28);
	script_finish();
}

/* RFC 1191 6.3: after ten minutes it is tried anew. */
TEST(a_learnt_path_mtu_is_forgotten)
{
	struct conn *c;

	script(.seed = 2);
	c = udp_connected();
	peer_icmp(3, 4, .mtu = 1300, .proto = 17);
	script_check(path_mtu(c), 1300, "IP_MTU");
	advance_ms(599000);
	script_check(path_mtu(c), 1300, "IP_MTU");
	advance_ms(2000);
	script_check(path_mtu(c), 1500, "IP_MTU");
	script_finish();
}

/* Linux's min_pmtu, RFC 8200 5: less is not believed. */
TEST(an_absurd_mtu_is_raised_to_the_least)
{
	struct conn *c;

	script(.seed = 3);
	c = udp_connected();
	peer_icmp(3, 4, .mtu = 100, .proto = 17);
	script_check(path_mtu(c), world_v6 ? 1500 : 552, "IP_MTU");
	script_finish();
}

/* RFC 5927: a packet that we never sent. */
TEST(fragmentation_needed_about_a_foreign_port_is_ignored)
{
	struct conn *c;

	script(.seed = 4);
	c = udp_connected();
	S.f->stack_port = PORT_B + 1;
	peer_icmp(3, 4, .mtu = 1300, .proto = 17);
	script_check(path_mtu(c), 1500, "IP_MTU");
	app_error_of(c, 0);
	script_finish();
}

TEST(pmtudisc_do_refuses_what_is_too_long)
{
	struct conn *c;

	script(.seed = 5);
	c = udp_connected();
	set_ip(c, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_DO);
	send_connected(c, DATA + 1, -EMSGSIZE);
	send_connected(c, DATA, DATA);
	expect_udp(PORT_B, PORT_A, DATA);
	peer_icmp(3, 4, .mtu = 1300, .proto = 17);
	app_error_of(c, EMSGSIZE);
	send_connected(c, DATA, -EMSGSIZE);
	send_connected(c, 1300 - 28, 1300 - 28);
	expect_udp(PORT_B, PORT_A, 1300 - 28);
	expect_nothing();
	script_finish();
}

/* PROBE sends with DF up to the link's MTU, whatever was learnt. */
TEST(pmtudisc_probe_goes_beyond_the_path_mtu)
{
	struct conn *c;

	script(.seed = 6);
	c = udp_connected();
	set_ip(c, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	peer_icmp(3, 4, .mtu = 1300, .proto = 17);
	(void)conn_take_error(c);
	send_connected(c, DATA, DATA);
	expect_udp(PORT_B, PORT_A, DATA);
	send_connected(c, DATA + 1, -EMSGSIZE);
	script_finish();
}

/* INTERFACE and OMIT do not let others lower the MTU. */
TEST(pmtudisc_interface_does_not_learn)
{
	struct conn *c;

	script(.seed = 7);
	c = udp_connected();
	set_ip(c, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_INTERFACE);
	peer_icmp(3, 4, .mtu = 1300, .proto = 17);
	script_check(path_mtu(c), 1500, "IP_MTU");
	set_ip(c, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	peer_icmp(3, 4, .mtu = 1300, .proto = 17);
	script_check(path_mtu(c), 1500, "IP_MTU");
	script_finish();
}

TEST4(pmtudisc_dont_never_sets_df)
{
	const struct script_seen *s;
	struct conn *c;

	script(.seed = 8);
	c = udp_connected();
	set_ip(c, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_DONT);
	send_connected(c, 10, 10);
	s = expect_udp(PORT_B, PORT_A, 10);
	script_check(s->info.frag, 0, "DF");
	must(s->info.id != 0, "no identification");
	send_connected(c, DATA + 1, DATA + 1);
	expect_fragments(2);
	script_finish();
}

/* RFC 3542 11.2 */
TEST6(dontfrag_refuses_what_is_too_long)
{
	struct conn *c;

	script(.seed = 9);
	c = udp_connected();
	script_check(conn_setint(c, SOL_IPV6, IPV6_DONTFRAG, 1), 0, "IPV6_DONTFRAG");
	send_connected(c, DATA + 1, -EMSGSIZE);
	send_connected(c, DATA, DATA);
	expect_udp(PORT_B, PORT_A, DATA);
	script_check(conn_setint(c, SOL_IPV6, IPV6_DONTFRAG, 0), 0, "IPV6_DONTFRAG");
	send_connected(c, DATA + 1, DATA + 1);
	expect_fragments(2);
	script_finish();
}

/* ipv6(7), IPV6_MTU: what the link would take whole is cut, and what may not be cut refused. */
TEST6(fragments_are_as_small_as_the_program_wants)
{
	struct conn *c;

	script(.seed = 16);
	c = udp_connected();
	script_check(conn_setint(c, SOL_IPV6, IPV6_MTU, 1279), -EINVAL, "IPV6_MTU");
	script_check(conn_setint(c, SOL_IPV6, IPV6_MTU, 1300), 0, "IPV6_MTU");
	send_connected(c, 1300 - 40 - 8, 1300 - 40 - 8);
	expect_udp(PORT_B, PORT_A, 1300 - 40 - 8);
	send_connected(c, 1300 - 40 - 8 + 1, 1300 - 40 - 8 + 1);
	expect_fragments(2);
	script_check(conn_setint(c, SOL_IPV6, IPV6_DONTFRAG, 1), 0, "IPV6_DONTFRAG");
	send_connected(c, 1300 - 40 - 8 + 1, -EMSGSIZE);
	script_check(conn_setint(c, SOL_IPV6, IPV6_MTU, 0), 0, "IPV6_MTU");
	send_connected(c, DATA, DATA);
	expect_udp(PORT_B, PORT_A, DATA);
	script_finish();
}

/* With IP_RECVERR the queue says how large it may be: local origin, the MTU, whom it was for. */
TEST(emsgsize_is_queued_with_the_mtu)
{
	struct sock_extended_err ee;
	struct ipaddr offender;
	struct conn *c;
	char buf[10];

	script(.seed = 10);
	c = udp_connected();
	set_ip(c, IP_RECVERR, IPV6_RECVERR, 1);
	set_ip(c, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_DO);
	send_connected(c, DATA + 1, -EMSGSIZE);
	must(conn_poll(c) & EPOLLERR, "no EPOLLERR");
	script_check(read_error(c, &ee, &offender, buf, sizeof(buf)), 0, "MSG_ERRQUEUE");
	script_check(ee.ee_errno, EMSGSIZE, "ee_errno");
	script_check(ee.ee_origin, SO_EE_ORIGIN_LOCAL, "ee_origin");
	script_check(ee.ee_info, S.node->nif->mtu, "ee_info");
	script_check(read_error(c, &ee, &offender, buf, sizeof(buf)), -EAGAIN, "MSG_ERRQUEUE");
	script_finish();
}

/* A router's fragmentation-needed is queued with its MTU, too. */
TEST(fragmentation_needed_is_queued_with_its_mtu)
{
	struct sock_extended_err ee;
	struct ipaddr offender;
	struct conn *c;
	char buf[10];

	script(.seed = 11);
	c = udp_connected();
	set_ip(c, IP_RECVERR, IPV6_RECVERR, 1);
	peer_icmp(3, 4, .mtu = 1300, .proto = 17);
	script_check(read_error(c, &ee, &offender, buf, sizeof(buf)), 0, "MSG_ERRQUEUE");
	script_check(ee.ee_errno, EMSGSIZE, "ee_errno");
	script_check(ee.ee_origin, world_v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP, "ee_origin");
	script_check(ee.ee_type, world_v6 ? 2 : 3, "ee_type");
	script_check(ee.ee_code, world_v6 ? 0 : 4, "ee_code");
	script_check(ee.ee_info, world_v6 ? 1320 : 1300, "ee_info");
	must(ipaddr_equal(&offender, &S.peer_addr), "another offender");
	script_finish();
}

/* udp(7): without IP_RECVERR only hard errors reach a connected socket, none another. */
TEST(soft_errors_are_for_those_with_recverr)
{
	struct sock_extended_err ee;
	struct ipaddr offender;
	struct conn *c;
	char buf[10];

	script(.seed = 12);
	c = udp_connected();
	peer_icmp(3, 1, .proto = 17);
	app_error_of(c, 0);
	peer_icmp(11, 0, .proto = 17);
	app_error_of(c, 0);
	peer_icmp(3, 3, .proto = 17);
	app_error_of(c, ECONNREFUSED);
	set_ip(c, IP_RECVERR, IPV6_RECVERR, 1);
	peer_icmp(3, 1, .proto = 17);
	script_check(read_error(c, &ee, &offender, buf, sizeof(buf)), 0, "MSG_ERRQUEUE");
	script_check(ee.ee_errno, EHOSTUNREACH, "ee_errno");
	peer_icmp(11, 0, .proto = 17);
	script_check(read_error(c, &ee, &offender, buf, sizeof(buf)), 0, "MSG_ERRQUEUE");
	script_check(ee.ee_errno, EHOSTUNREACH, "ee_errno");
	script_check(ee.ee_type, world_v6 ? 3 : 11, "ee_type");
	script_finish();
}

/* An unconnected socket with IP_RECVERR hears, and may go on. */
TEST(recverr_works_unconnected)
{
	struct sock_extended_err ee;
	struct ipaddr offender;
	struct conn *c;
	char buf[10];

	script(.seed = 13);
	c = udp_bound(PORT_B);
	set_ip(c, IP_RECVERR, IPV6_RECVERR, 1);
	send_to_peer(c, "abc", 3, 3);
	expect_udp(PORT_B, PORT_A, 3);
	S.f->stack_port = PORT_B;
	S.f->peer_port = PORT_A;
	peer_icmp(3, 3, .proto = 17);
	send_to_peer(c, "abc", 3, -ECONNREFUSED);
	send_to_peer(c, "abc", 3, 3);
	expect_udp(PORT_B, PORT_A, 3);
	script_check(read_error(c, &ee, &offender, buf, sizeof(buf)), 0, "MSG_ERRQUEUE");
	script_check(ee.ee_errno, ECONNREFUSED, "ee_errno");
	must(!(conn_poll(c) & EPOLLERR), "EPOLLERR stays");
	script_finish();
}

/* RFC 4443 2.4: an error quotes as much as fits 1280 bytes, IPv4 576 (RFC 1812 4.3.2.3). */
TEST(an_unreachable_quotes_as_much_as_fits)
{
	const struct script_seen *s;

	script(.seed = 14);
	peer_udp(PORT_A, 9, data, 1400);
	s = expect_icmp_46(3, 3, 1, 4);
	script_check(s->len, ETH_HLEN + (world_v6 ? 1280 : 576), "frame");
	script_check(s->info.ttl, 64, "TTL");
	if (!world_v6)
		script_check(s->info.tos, 0xc0, "TOS");
	expect_nothing();
	script_finish();
}

/* Errors are limited, whoever provokes them. */
TEST(errors_are_rate_limited)
{
	unsigned int i, n = 0;

	script(.seed = 15);
	for (i = 0; i < 300; i++)
		peer_udp(PORT_A, 9, "x", 1);
	while (next_seen() != NULL)
		n++;
	must(n == 6, "%u errors to one host at once", n);
	must(mib(MIB_ICMP_OUT_RATELIMIT) == 300 - n, "the others are not counted");
	advance_ms(1000);
	peer_udp(PORT_A, 9, "x", 1);
	expect_icmp_46(3, 3, 1, 4);
	script_finish();
}

SIM_MAIN("udp-path")
