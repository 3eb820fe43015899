/* SPDX-License-Identifier: BSD-3-Clause */
/* test_route.c - look-ups by longest prefix, sources, several links, path MTUs, cached routes. */
#include "stack/net/net_priv.h"
#include "test/unit/net_world.h"

#include <errno.h>

static struct netif second;

static void two_links(struct stack_config *cfg)
{
	second = *cfg->netifs[0];
	second.mtu = 9000;
	second.mac[5] = 0x22;
	cfg->netifs[1] = &second;
	cfg->nnetifs = 2;
	cfg->addrs[1] = (struct stack_addr){ addr4(IP4(198, 18, 0, 1)), 16, 1 };
	cfg->addrs[2] = (struct stack_addr){ addr4(IP4(192, 0, 2, 9)), 24, 0 };
	cfg->addrs[3] = (struct stack_addr){ addr4(IP4(198, 18, 0, 7)), 30, 1 };
	cfg->naddrs = 4;
	cfg->routes[0] = (struct stack_route){ addr4(0), 0, 0, addr4(IP4(192, 0, 2, 254)) };
	cfg->routes[1] = (struct stack_route){ addr4(IP4(198, 19, 0, 0)), 16, 1,
					       addr4(IP4(198, 18, 0, 254)) };
	cfg->routes[2] = (struct stack_route){ addr4(IP4(198, 19, 7, 0)), 24, 0,
					       addr4(IP4(192, 0, 2, 253)) };
	cfg->nroutes = 3;
}

static struct dst d;

static int look(uint32_t dst, uint32_t src)
{
	struct ipaddr a = addr4(dst), s = addr4(src);

	return route_lookup(nw.st, &a, src != 0 ? &s : NULL, &d, nw.now);
}

static void expect(uint32_t dst, struct netif *nif, uint32_t via, uint32_t src)
{
	ck_assert_int_eq(look(dst, 0), 0);
	ck_assert_ptr_eq(d.nif, nif);
	ck_assert_uint_eq(ntohl(ipaddr_to_v4(&d.nexthop)), via);
	ck_assert_uint_eq(ntohl(ipaddr_to_v4(&d.src)), src);
	ck_assert_uint_eq(d.mtu, nif->mtu);
	ck_assert(!d.loop && !d.broadcast && !d.multicast);
}

static void start(void)
{
	nw_start_with(0, two_links);
}

START_TEST(the_longest_prefix_wins)
{
	expect(IP4(192, 0, 2, 2), nw.nif, IP4(192, 0, 2, 2), OUR_IP);
	expect(IP4(198, 18, 9, 9), &second, IP4(198, 18, 9, 9), IP4(198, 18, 0, 1));
	expect(IP4(198, 19, 1, 1), &second, IP4(198, 18, 0, 254), IP4(198, 18, 0, 1));
	expect(IP4(198, 19, 7, 1), nw.nif, IP4(192, 0, 2, 253), OUR_IP);
	expect(IP4(203, 0, 113, 1), nw.nif, IP4(192, 0, 2, 254), OUR_IP);
	/* Two prefixes cover it: the source comes from the narrower one. */
	expect(IP4(198, 18, 0, 6), &second, IP4(198, 18, 0, 6), IP4(198, 18, 0, 7));
}
END_TEST

START_TEST(a_given_source_is_kept_or_refused)
{
	ck_assert_int_eq(look(IP4(203, 0, 113, 1), IP4(192, 0, 2, 9)), 0);
	ck_assert_uint_eq(ntohl(ipaddr_to_v4(&d.src)), IP4(192, 0, 2, 9));
	ck_assert_int_eq(look(IP4(203, 0, 113, 1), IP4(192, 0, 2, 10)), -EADDRNOTAVAIL);
}
END_TEST

START_TEST(own_addresses_loop)
{
	ck_assert_int_eq(look(IP4(198, 18, 0, 1), 0), 0);
	ck_assert(d.loop);
	ck_assert_uint_eq(ntohl(ipaddr_to_v4(&d.src)), IP4(198, 18, 0, 1));
	ck_assert_int_eq(look(OUR_IP, IP4(192, 0, 2, 9)), 0);
	ck_assert(d.loop);
	ck_assert_uint_eq(ntohl(ipaddr_to_v4(&d.src)), IP4(192, 0, 2, 9));
}
END_TEST

START_TEST(broadcasts_know_their_link)
{
	ck_assert_int_eq(look(IP4(192, 0, 2, 255), 0), 0);
	ck_assert(d.broadcast && d.nif == nw.nif);
	ck_assert_int_eq(look(IP4(198, 18, 255, 255), 0), 0);
	ck_assert(d.broadcast && d.nif == &second);
	ck_assert_int_eq(look(IP4(255, 255, 255, 255), IP4(198, 18, 0, 1)), 0);
	ck_assert(d.broadcast && d.nif == &second);
	ck_assert_int_eq(look(IP4(224, 1, 2, 3), IP4(198, 18, 0, 1)), 0);
	ck_assert(d.multicast && d.nif == &second);
	ck_assert_int_eq(look(IP4(224, 1, 2, 3), 0), 0);
	ck_assert(d.multicast && d.nif == nw.nif);
}
END_TEST

START_TEST(no_way_is_said_so)
{
	struct ipaddr six = addr6(9);

	nw_stop();
	nw_start();
	ck_assert_int_eq(look(IP4(203, 0, 113, 1), 0), -ENETUNREACH);
	ck_assert_int_eq(look(IP4(127, 0, 0, 1), 0), -ENETUNREACH);
	ck_assert_int_eq(look(0, 0), -ENETUNREACH);
	ck_assert_int_eq(route_lookup(nw.st, &six, NULL, &d, nw.now), -ENETUNREACH);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_OUT_NO_ROUTES), 4);
	ck_assert(!stack_routes_addr(nw.st, &six));
}
END_TEST

START_TEST(what_the_stack_owns_and_reaches)
{
	static const struct {
		uint32_t addr;
		bool owns, reaches;
	} t[] = {
		{ OUR_IP, true, true },
		{ IP4(198, 18, 0, 7), true, true },
		{ IP4(192, 0, 2, 2), false, true },
		{ IP4(203, 0, 113, 9), false, true },
		{ IP4(192, 0, 2, 255), false, true },
		{ IP4(239, 1, 1, 1), false, true },
		{ IP4(127, 0, 0, 1), false, false },
		{ 0, false, false },
	};
	struct ipaddr a = addr4(t[_i].addr);

	ck_assert_int_eq(stack_owns_addr(nw.st, &a), t[_i].owns);
	ck_assert_int_eq(stack_routes_addr(nw.st, &a), t[_i].reaches);
}
END_TEST

START_TEST(path_mtu_is_remembered_lowered_only_and_forgotten)
{
	struct ipaddr far = addr4(IP4(198, 19, 1, 1)), other = addr4(IP4(198, 19, 1, 2));
	struct dst cached;

	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &cached, nw.now), 0);
	ck_assert_uint_eq(cached.mtu, 9000);
	ip_update_pmtu(nw.st, &far, 1400, nw.now);
	ck_assert_uint_ne(cached.gen, nw.st->net.route.gen);
	ck_assert_int_eq(dst_check(nw.st, &cached, &far, NULL, nw.now), 0);
	ck_assert_uint_eq(cached.mtu, 1400);
	ip_update_pmtu(nw.st, &far, 2000, nw.now); /* no reason to believe a rise */
	dst_check(nw.st, &cached, &far, NULL, nw.now);
	ck_assert_uint_eq(cached.mtu, 1400);
	ip_update_pmtu(nw.st, &far, 68, nw.now);
	dst_check(nw.st, &cached, &far, NULL, nw.now);
	ck_assert_uint_eq(cached.mtu, 552);
	ck_assert_int_eq(route_lookup(nw.st, &other, NULL, &d, nw.now), 0);
	ck_assert_uint_eq(d.mtu, 9000);
	nw_advance(601 * SEC);
	dst_check(nw.st, &cached, &far, NULL, nw.now);
	ck_assert_uint_eq(cached.mtu, 9000);
}
END_TEST

START_TEST(a_fresh_dst_is_stale)
{
	struct dst zeroed = { 0 };
	struct ipaddr a = addr4(PEER_IP);

	ck_assert_int_eq(dst_check(nw.st, &zeroed, &a, NULL, nw.now), 0);
	ck_assert_ptr_eq(zeroed.nif, nw.nif);
}
END_TEST

START_TEST(host_prefixes_have_no_broadcast)
{
	struct ipaddr a = addr4(IP4(198, 18, 0, 7));

	ck_assert(!ip_addr_is_broadcast(nw.st, &(struct ipaddr){ .q = { 0, 0 } }));
	ck_assert(ip_addr_is_ours(nw.st, &a)); /* the last of its /30, but ours all the same */
}
END_TEST

static void one_v6(struct stack_config *cfg)
{
	cfg->addrs[1] = (struct stack_addr){ addr6(1), 64, 0 };
	cfg->naddrs = 2;
}

START_TEST(ipv6_sources_match_the_scope)
{
	struct ipaddr ll = { .b = { 0xfe, 0x80, [15] = 9 } }, global = addr6(9);
	struct ipaddr own_ll;

	nw_stop();
	nw_start_with(0, one_v6);
	own_ll = nd_link_local(nw.nif);
	ck_assert_int_eq(route_lookup(nw.st, &global, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.src, &(struct ipaddr){ .b = { 0x20, 1, 0xd, 0xb8, [15] = 1 } }));
	ck_assert_int_eq(route_lookup(nw.st, &ll, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.src, &own_ll));
}
END_TEST

START_TEST(a_group_on_the_second_link_loops_back_there)
{
	struct ipaddr group = addr4(IP4(239, 7, 7, 7)), local = addr4(IP4(198, 18, 0, 1));
	struct ip_tx tx = { .src = &local, .dst = &group, .proto = 99, .mc_loop = true };
	struct rte_mbuf *m;

	fake.raw_takes = true;
	ck_assert_int_eq(ip_mcast_join(nw.st, &group, &local, nw.now), 0);
	ck_assert(!mcast_is_member(nw.st, nw.nif, &group));
	ck_assert_int_eq(route_lookup(nw.st, &group, &local, &d, nw.now), 0);
	m = pkt_alloc(nw.st);
	rte_pktmbuf_append(m, 20);
	ck_assert_int_eq(ip_output(nw.st, m, &d, &tx, nw.now), 0);
	nw_settle();
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_ptr_eq(fake.rx[0].pkt.nif, &second);
	ck_assert(fake.rx[0].pkt.multicast && fake.rx[0].pkt.local);
	/* Not asked to: it only leaves. */
	tx.mc_loop = false;
	m = pkt_alloc(nw.st);
	rte_pktmbuf_append(m, 20);
	ck_assert_int_eq(ip_output(nw.st, m, &d, &tx, nw.now), 0);
	nw_settle();
	ck_assert_uint_eq(fake.nrx, 1);
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
	struct stack_config cfg = nw.cfg;
	static _Alignas(4096) char mem[4096];
	int err = 0;

	switch (_i) {
	case 0:
		cfg.nnetifs = 0;
		break;
	case 1:
		cfg.mbufs = NULL;
		break;
	case 2:
		cfg.addrs[0].plen = 33;
		break;
	case 3:
		cfg.addrs[0].addr = addr4(IP4(224, 0, 0, 1));
		break;
	case 4:
		cfg.addrs[0].netif = 2;
		break;
	case 5:
		cfg.routes[0].via = addr6(1);
		break;
	case 6:
		cfg.rmem[1] = cfg.rmem[2] + 1;
		break;
	case 7:
		cfg.queue = 1;
		break;
	case 8:
		cfg.max_sockets = 0;
		break;
	default:
		break;
	}
	ck_assert_ptr_null(stack_create(mem, sizeof(mem), &cfg, &err, nw.now));
	ck_assert_int_eq(err, _i == 9 ? -ENOMEM : -EINVAL);
}
END_TEST

static Suite *route_suite(void)
{
	Suite *s = suite_create("route");
	TCase *tc = tcase_create("route");

	tcase_add_checked_fixture(tc, start, nw_stop);
	tcase_add_test(tc, the_longest_prefix_wins);
	tcase_add_test(tc, a_given_source_is_kept_or_refused);
	tcase_add_test(tc, own_addresses_loop);
	tcase_add_test(tc, broadcasts_know_their_link);
	tcase_add_test(tc, no_way_is_said_so);
	tcase_add_loop_test(tc, what_the_stack_owns_and_reaches, 0, 8);
	tcase_add_test(tc, path_mtu_is_remembered_lowered_only_and_forgotten);
	tcase_add_test(tc, a_fresh_dst_is_stale);
	tcase_add_test(tc, host_prefixes_have_no_broadcast);
	tcase_add_test(tc, ipv6_sources_match_the_scope);
	tcase_add_test(tc, a_group_on_the_second_link_loops_back_there);
	tcase_add_loop_test(tc, bad_configurations_are_refused, 0, 10);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(route_suite)
