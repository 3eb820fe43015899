/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_router.c - what routers tell a host: addresses (RFC 4862), parameters and themselves (RFC
 * 4861 6.3), better first hops (RFC 4861 8, RFC 792); and which source is chosen then (RFC 6724).
 */
#include "test/unit/ip6_world.h"

static struct ipaddr far, prefix, auto_addr;

static void with_slaac(struct stack_config *cfg)
{
	with_v6(cfg);
	cfg->slaac = true;
}

static void slaac_alone(struct stack_config *cfg)
{
	cfg->slaac = true;
}

static void set_up(void (*tune)(struct stack_config *))
{
	nw_start_with(0, tune);
	set_addresses();
	far = ip6("2001:db8:ffff::1");
	prefix = ip6("2001:db8:5::");
	auto_addr = us_ll;
	auto_addr.q[0] = prefix.q[0];
}

static void start_slaac(void)
{
	set_up(with_slaac);
}

static void start_plain(void)
{
	set_up(with_v6);
}

struct advert {
	uint8_t hop_limit, flags;
	uint16_t lifetime;
	uint32_t reachable, retrans;
};

/* An advertisement; prefix lifetimes in s, pflags 0: without a prefix. */
static void advertise_from(const struct ipaddr *src, const struct advert *ra, uint8_t pflags,
			   uint32_t valid, uint32_t preferred, uint8_t plen)
{
	uint8_t rest[12 + 32] = { ra->hop_limit, ra->flags };

	frame_put16(rest + 2, ra->lifetime);
	frame_put32(rest + 4, ra->reachable);
	frame_put32(rest + 8, ra->retrans);
	rest[12] = 3;
	rest[13] = 4;
	rest[14] = plen;
	rest[15] = pflags;
	frame_put32(rest + 16, valid);
	frame_put32(rest + 20, preferred);
	memcpy(rest + 28, prefix.b, 16);
	nw_inject(icmp6(src, &all_nodes, 255, 134, 0, rest, pflags != 0 ? 44 : 12));
}

static void advertise_prefix(uint8_t pflags, uint32_t valid, uint32_t preferred)
{
	static const struct advert ra = { .lifetime = 1800 };

	advertise_from(&peer_ll, &ra, pflags, valid, preferred, 64);
}

static bool has_address(void)
{
	return ip_addr_is_ours(nw.st, &auto_addr);
}

/* Over how many seconds from now the address stays, to the second; for ever: UINT64_MAX. */
static uint64_t seconds_left(uint64_t most)
{
	uint64_t t;

	for (t = 0; t <= most; t += 10) {
		if (!has_address())
			return t;
		nw_advance(10 * SEC);
	}
	return UINT64_MAX;
}

/* -- autoconfiguration: RFC 4862 5.5.3 ------------------------------------------------------ */

START_TEST(an_advertised_prefix_gives_an_address)
{
	struct ipaddr group;
	struct dst d;

	ck_assert(!has_address());
	advertise_prefix(0xc0, 86400, 3600);
	ck_assert(has_address());
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.nexthop, &peer_ll));
	/* Its solicited-node group is ours, too. */
	group = nd_solicited_node(&auto_addr);
	ck_assert(mcast_is_member(nw.st, nw.nif, &group));
}
END_TEST

START_TEST(without_the_option_no_address_is_taken)
{
	advertise_prefix(0xc0, 86400, 3600);
	ck_assert(!has_address());
}
END_TEST

/* a: without the flag; c: preferred beyond valid; d: another length; b: link-local. */
START_TEST(unfit_prefixes_give_none)
{
	static const struct advert ra = { .lifetime = 1800 };

	switch (_i) {
	case 0:
		advertise_prefix(0x80, 86400, 3600);
		break;
	case 1:
		advertise_prefix(0xc0, 3600, 86400);
		break;
	case 2:
		advertise_from(&peer_ll, &ra, 0xc0, 86400, 3600, 63);
		break;
	case 3:
		advertise_prefix(0xc0, 0, 0);
		break;
	case 4: /* not from a link-local address: the whole advertisement is void */
		advertise_from(&peer, &ra, 0xc0, 86400, 3600, 64);
		break;
	default:
		prefix = ip6("fe80::");
		auto_addr = us_ll;
		advertise_prefix(0xc0, 86400, 3600);
		ck_assert_uint_eq(nw.st->net.route.naddrs, 3);
		return;
	}
	ck_assert(!has_address());
}
END_TEST

START_TEST(an_address_lives_as_long_as_advertised)
{
	uint64_t left;

	advertise_prefix(0xc0, 10000, 5000);
	left = seconds_left(20000);
	ck_assert_uint_ge(left, 9990);
	ck_assert_uint_le(left, 10010);
}
END_TEST

/* e: what would shorten the life below two hours is not believed, for anyone may send it. */
START_TEST(the_two_hour_rule)
{
	uint64_t left;

	advertise_prefix(0xc0, 86400, 3600);
	advertise_prefix(0xc0, 60, 60);
	left = seconds_left(10000);
	ck_assert_uint_ge(left, 7190);
	ck_assert_uint_le(left, 7210);
	/* With less than two hours left it is ignored. */
	advertise_prefix(0xc0, 7000, 3600);
	advertise_prefix(0xc0, 60, 60);
	left = seconds_left(10000);
	ck_assert_uint_ge(left, 6990);
	/* More is always taken. */
	advertise_prefix(0xc0, 3000, 3000);
	advertise_prefix(0xc0, 5000, 3000);
	left = seconds_left(10000);
	ck_assert_uint_ge(left, 4990);
}
END_TEST

START_TEST(a_renewed_address_stays)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		advertise_prefix(0xc0, 9000, 4500);
		nw_advance(4000 * SEC);
		ck_assert(has_address());
	}
}
END_TEST

/* Without any configured address the link has a link-local one, and asks for routers. */
START_TEST(an_interface_without_addresses_configures_itself)
{
	struct dst d;

	set_up(slaac_alone);
	ck_assert(ip_addr_is_ours(nw.st, &us_ll));
	advertise_prefix(0xc0, 86400, 3600);
	ck_assert(has_address());
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.src, &auto_addr));
	nw_stop();
}
END_TEST

/* RFC 6724 rule 3: a deprecated address is used only if there is no other. */
START_TEST(a_deprecated_address_is_no_source)
{
	struct ipaddr near = prefix;
	struct dst d;

	near.b[15] = 9;
	advertise_prefix(0xc0, 86400, 100);
	ck_assert_int_eq(route_lookup(nw.st, &near, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.src, &auto_addr)); /* rule 8: longest match */
	nw_advance(110 * SEC);
	ck_assert_int_eq(dst_check(nw.st, &d, &near, NULL, nw.now), 0);
	ck_assert(ipaddr_equal(&d.src, &us));
	ck_assert(has_address());
}
END_TEST

/* -- parameters: RFC 4861 6.3.4 ------------------------------------------------------------------ */

START_TEST(the_advertised_hop_limit_is_the_default)
{
	static const struct advert ra = { .hop_limit = 33, .lifetime = 1800 };

	advertise_from(&peer_ll, &ra, 0, 0, 0, 0);
	introduce_peer6();
	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	ck_assert(nw_take());
	ck_assert_uint_eq(nw.info.ttl, 33);
}
END_TEST

START_TEST(the_advertised_retransmission_time_counts)
{
	static const struct advert ra = { .lifetime = 1800, .retrans = 250 };

	advertise_from(&peer_ll, &ra, 0, 0, 0, 0);
	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	ck_assert(nw_take());
	nw_advance(240 * MS);
	nw_expect_silence();
	nw_advance(20 * MS);
	ck_assert(nw_take());
	ck_assert_uint_eq(nw.info.icmp_type, 135);
	nw_advance(250 * MS);
	ck_assert(nw_take());
	nw_advance(SEC);
	nw_expect_silence();
	ck_assert_uint_eq(fake.nerr, 1);
}
END_TEST

/* RFC 4861 7.2.5: a router that says that it is none. */
START_TEST(a_router_that_resigns_is_dropped)
{
	uint8_t na[4 + 16 + 8] = { 0x60 };
	struct dst d;

	neigh_learn(nw.st, nw.nif, &peer_ll, PEER_MAC, NEIGH_LEARN_CREATE, nw.now);
	advertise_prefix(0x80, 3600, 3600);
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	memcpy(na + 4, peer_ll.b, 16);
	na[20] = 2;
	na[21] = 1;
	memcpy(na + 22, PEER_MAC, 6);
	na[0] = 0xe0; /* a router */
	nw_inject(icmp6(&peer_ll, &us_ll, 255, 136, 0, na, sizeof(na)));
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	na[0] = 0x60;
	nw_inject(icmp6(&peer_ll, &us_ll, 255, 136, 0, na, sizeof(na)));
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), -ENETUNREACH);
}
END_TEST

/* RFC 4861 6.3.6: unreachable routers come last. */
START_TEST(a_router_that_fails_gives_way)
{
	static const struct advert ra = { .lifetime = 1800 };
	struct ipaddr second = ip6("fe80::98");
	struct dst d;

	advertise_from(&peer_ll, &ra, 0, 0, 0, 0);
	advertise_from(&second, &ra, 0, 0, 0, 0);
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.nexthop, &peer_ll));
	ck_assert_int_eq(nw_send_udp(&far, 10, true), 0);
	nw_advance(5 * SEC);
	while (nw_take())
		continue;
	ck_assert_int_eq(dst_check(nw.st, &d, &far, NULL, nw.now), 0);
	ck_assert(ipaddr_equal(&d.nexthop, &second));
}
END_TEST

/* -- redirects: RFC 4861 8.1, 8.3 ------------------------------------------------------------------ */

static const struct ipaddr *hop_to(const struct ipaddr *dst)
{
	static struct dst d;

	ck_assert_int_eq(route_lookup(nw.st, dst, NULL, &d, nw.now), 0);
	return &d.nexthop;
}

static void redirect(const struct ipaddr *from, const struct ipaddr *target,
		     const struct ipaddr *dst, uint8_t hlim, uint8_t code)
{
	uint8_t rest[4 + 32 + 8] = { 0 };

	memcpy(rest + 4, target->b, 16);
	memcpy(rest + 20, dst->b, 16);
	rest[36] = 2;
	rest[37] = 1;
	memcpy(rest + 38, "\x02\0\0\0\0\x77", 6);
	nw_inject(icmp6(from, &us, hlim, 137, code, rest, sizeof(rest)));
}

START_TEST(a_redirect_from_the_first_hop_is_followed_for_a_while)
{
	struct ipaddr better = ip6("fe80::77"), other = ip6("2001:db8:ffff::2");
	struct neigh *n;

	advertise_prefix(0x80, 3600, 3600);
	redirect(&peer_ll, &better, &far, 255, 0);
	ck_assert(ipaddr_equal(hop_to(&far), &better));
	ck_assert(ipaddr_equal(hop_to(&other), &peer_ll));
	/* The option told the new hop's MAC. */
	n = neigh_find(nw.st, nw.nif, &better);
	ck_assert_ptr_nonnull(n);
	ck_assert_mem_eq(n->hdr, "\x02\0\0\0\0\x77", 6);
	ck_assert_uint_eq(n->state, NEIGH_STALE);
	nw_advance(601 * SEC);
	ck_assert(ipaddr_equal(hop_to(&far), &peer_ll));
	/* "On link": the target is the destination itself. */
	redirect(&peer_ll, &far, &far, 255, 0);
	ck_assert(ipaddr_equal(hop_to(&far), &far));
}
END_TEST

START_TEST(other_redirects_are_not_believed)
{
	struct ipaddr better = ip6("fe80::77"), stranger = ip6("fe80::66"), group = ip6("ff15::1");
	struct ipaddr global = ip6("2001:db8::77");

	advertise_prefix(0x80, 3600, 3600);
	redirect(&stranger, &better, &far, 255, 0); /* not the first hop */
	redirect(&peer, &better, &far, 255, 0);	    /* not link-local */
	redirect(&peer_ll, &better, &far, 254, 0);  /* forwarded */
	redirect(&peer_ll, &better, &far, 255, 1);
	redirect(&peer_ll, &better, &group, 255, 0);
	redirect(&peer_ll, &global, &far, 255, 0); /* target neither link-local nor the destination */
	ck_assert(ipaddr_equal(hop_to(&far), &peer_ll));
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_ERRORS), 6);
}
END_TEST

START_TEST(a_dead_better_hop_is_forgotten)
{
	struct ipaddr better = ip6("fe80::77");

	advertise_prefix(0x80, 3600, 3600);
	redirect(&peer_ll, &better, &far, 255, 0);
	ck_assert(ipaddr_equal(hop_to(&far), &better));
	ck_assert_int_eq(nw_send_udp(&far, 10, true), 0);
	nw_advance(20 * SEC); /* DELAY, PROBE, FAILED */
	while (nw_take())
		continue;
	ck_assert(ipaddr_equal(hop_to(&far), &peer_ll));
}
END_TEST

/* -- redirects of IPv4: RFC 792, RFC 1122 3.2.2.2, as Linux ------------------------------------------- */

#define GATEWAY PEER_IP
#define FAR4	IP4(198, 18, 7, 7)

static void with_gateway(struct stack_config *cfg)
{
	cfg->routes[0] = (struct stack_route){ .prefix = addr4(0), .via = addr4(GATEWAY) };
	cfg->nroutes = 1;
}

static void start_gateway(void)
{
	set_up(with_gateway);
}

static void redirect4(uint32_t from, uint32_t via, uint32_t dst, uint8_t code, uint32_t quoted_src)
{
	uint8_t rest[4 + 28] = { 0 };
	struct frame_path p;

	nw_path(&p);
	p.src = from;
	frame_put32(rest, via);
	rest[4] = 0x45;
	rest[12] = 64;
	rest[13] = 17;
	frame_put32(rest + 16, quoted_src);
	frame_put32(rest + 20, dst);
	nw_inject(frame_build_icmp(nw.frame, &p, 5, code, rest, sizeof(rest)));
}

START_TEST(an_ipv4_redirect_from_the_gateway_in_use_is_followed)
{
	struct ipaddr dst = addr4(FAR4), via = addr4(IP4(192, 0, 2, 77)), gw = addr4(GATEWAY);

	redirect4(GATEWAY, IP4(192, 0, 2, 77), FAR4, (uint8_t)_i, OUR_IP);
	ck_assert(ipaddr_equal(hop_to(&dst), &via));
	dst = addr4(FAR4 + 1);
	ck_assert(ipaddr_equal(hop_to(&dst), &gw));
}
END_TEST

START_TEST(other_ipv4_redirects_are_not_believed)
{
	struct ipaddr dst = addr4(FAR4), gw = addr4(GATEWAY);

	redirect4(IP4(192, 0, 2, 66), IP4(192, 0, 2, 77), FAR4, 1, OUR_IP); /* not the gateway */
	redirect4(GATEWAY, IP4(198, 19, 0, 1), FAR4, 1, OUR_IP);	    /* not on our link */
	redirect4(GATEWAY, OUR_IP, FAR4, 1, OUR_IP);
	redirect4(GATEWAY, IP4(192, 0, 2, 255), FAR4, 1, OUR_IP);
	redirect4(GATEWAY, IP4(224, 0, 0, 1), FAR4, 1, OUR_IP);
	redirect4(GATEWAY, IP4(192, 0, 2, 77), FAR4, 4, OUR_IP); /* no such code */
	redirect4(GATEWAY, IP4(192, 0, 2, 77), FAR4, 1, IP4(192, 0, 2, 9)); /* not our packet */
	ck_assert(ipaddr_equal(hop_to(&dst), &gw));
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_ERRORS), 7);
	while (nw_take())
		ck_assert(nw.info.is_arp);
}
END_TEST

/* -- source choice: RFC 6724 5 -------------------------------------------------------------------------- */

static void with_many(struct stack_config *cfg)
{
	static const char *const text[] = { "2001:db8::1", "fd00::1", "2002:102::1", "2001:db8:1::1" };
	unsigned int i;

	for (i = 0; i < 4; i++)
		cfg->addrs[i] = (struct stack_addr){ ip6(text[i]), 64, 0 };
	cfg->naddrs = 4;
	cfg->routes[0] = (struct stack_route){ .via = ip6("fe80::99") };
	cfg->nroutes = 1;
}

START_TEST(the_source_suits_the_destination)
{
	static const struct {
		const char *dst, *src;
	} want[] = {
		{ "2001:db8:1::7", "2001:db8:1::1" }, /* rule 8: longest match */
		{ "2001:db8::7", "2001:db8::1" },
		{ "fd00::7", "fd00::1" },	  /* rule 6: label */
		{ "fd11::7", "fd00::1" },
		{ "2002:909::7", "2002:102::1" },
		{ "fd00::1", "fd00::1" },	  /* rule 1: itself */
		{ "2001:db8:1:ffff::7", "2001:db8:1::1" },
	};
	struct ipaddr dst, src;
	struct dst d;

	set_up(with_many);
	dst = ip6(want[_i].dst);
	src = ip6(want[_i].src);
	ck_assert_int_eq(route_lookup(nw.st, &dst, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.src, &src));
	/* Rule 2: a link-local neighbour from the link-local address. */
	dst = ip6("fe80::77");
	ck_assert_int_eq(route_lookup(nw.st, &dst, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.src, &us_ll));
	nw_stop();
}
END_TEST

static Suite *router_suite(void)
{
	Suite *s = suite_create("router");
	TCase *slaac = tcase_create("slaac"), *plain = tcase_create("plain"),
	      *gateway = tcase_create("gateway"), *own = tcase_create("own world"),
	      *alone = tcase_create("alone");

	tcase_add_checked_fixture(slaac, start_slaac, nw_stop);
	tcase_add_test(slaac, an_advertised_prefix_gives_an_address);
	tcase_add_loop_test(slaac, unfit_prefixes_give_none, 0, 6);
	tcase_add_test(slaac, an_address_lives_as_long_as_advertised);
	tcase_add_test(slaac, the_two_hour_rule);
	tcase_add_test(slaac, a_renewed_address_stays);
	tcase_add_test(slaac, a_deprecated_address_is_no_source);
	tcase_add_checked_fixture(plain, start_plain, nw_stop);
	tcase_add_test(plain, without_the_option_no_address_is_taken);
	tcase_add_test(plain, the_advertised_hop_limit_is_the_default);
	tcase_add_test(plain, the_advertised_retransmission_time_counts);
	tcase_add_test(plain, a_router_that_resigns_is_dropped);
	tcase_add_test(plain, a_router_that_fails_gives_way);
	tcase_add_test(plain, a_redirect_from_the_first_hop_is_followed_for_a_while);
	tcase_add_test(plain, other_redirects_are_not_believed);
	tcase_add_test(plain, a_dead_better_hop_is_forgotten);
	tcase_add_checked_fixture(gateway, start_gateway, nw_stop);
	tcase_add_loop_test(gateway, an_ipv4_redirect_from_the_gateway_in_use_is_followed, 0, 4);
	tcase_add_test(gateway, other_ipv4_redirects_are_not_believed);
	tcase_add_loop_test(own, the_source_suits_the_destination, 0, 7);
	tcase_add_test(alone, an_interface_without_addresses_configures_itself);
	suite_add_tcase(s, slaac);
	suite_add_tcase(s, plain);
	suite_add_tcase(s, gateway);
	suite_add_tcase(s, own);
	suite_add_tcase(s, alone);
	return s;
}

CHECK_MAIN(router_suite)
