/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_nd.c - neighbour discovery, duplicate addresses, routers, autoconfiguration, redirects,
 * MLD (RFC 4861, 4862, 3810).
 */
#include "test/unit/ip6_world.h"

/* -- neighbour discovery --------------------------------------------------------------------------- */

START_TEST(solicitation_is_answered_and_the_asker_learned)
{
	introduce_peer6();
	ck_assert_uint_eq(nw.frame[21], 255);
	ck_assert_uint_eq(nw.frame[L4 + 4], 0x60); /* solicited, override */
	ck_assert_mem_eq(nw.frame + L4 + 8, us.b, 16);
	ck_assert_uint_eq(nw.frame[L4 + 24], 2);
	ck_assert_mem_eq(nw.frame + L4 + 26, nw.nif->mac, 6);
	ck_assert_mem_eq(nw.frame + 38, peer.b, 16);
	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	ck_assert(nw_take());
	ck_assert_uint_eq(nw.frame[20], IPPROTO_UDP);
}
END_TEST

START_TEST(unbelievable_neighbour_messages_are_dropped)
{
	uint8_t ns[28] = { 0 };
	struct ipaddr any = { .q = { 0, 0 } };
	uint8_t hlim = 255, code = 0;
	const struct ipaddr *src = &peer, *dst = &us_sn;
	size_t n = sizeof(ns);

	memcpy(ns + 4, us.b, 16);
	ns[20] = ns[21] = 1;
	memcpy(ns + 22, PEER_MAC, 6);
	switch (_i) {
	case 0:
		hlim = 254; /* forwarded */
		break;
	case 1:
		code = 1;
		break;
	case 2:
		ns[21] = 0; /* an option of no length */
		break;
	case 3:
		ns[21] = 2; /* beyond the message */
		break;
	case 4:
		src = &any; /* with a source link-layer option */
		break;
	case 5:
		src = &any;
		dst = &us;
		n = 20;
		break;
	case 6:
		memcpy(ns + 4, all_nodes.b, 16);
		break;
	case 7:
		ns[22] |= 1; /* a group as neighbour */
		break;
	default:
		n = 16;
		break;
	}
	nw_inject(icmp6(src, dst, hlim, 135, code, ns, n));
	nw_expect_silence();
	ck_assert_uint_eq(
		stack_mib(nw.st, MIB_ICMP_IN_ERRORS) + stack_mib(nw.st, MIB_IP_IN_ADDR_ERRORS), 1);
	ck_assert_uint_eq(nw.st->net.neigh.pool.used, 0);
}
END_TEST

static void advertise(uint8_t flags, const uint8_t mac[6])
{
	uint8_t na[28] = { flags };

	memcpy(na + 4, peer.b, 16);
	na[20] = 2;
	na[21] = 1;
	memcpy(na + 22, mac, 6);
	nw_inject(icmp6(&peer, &us, 255, 136, 0, na, mac != NO_MAC ? 28 : 20));
}

/* RFC 4861 7.2.4, as Linux: who asks us alone has our address; the answer overrides nothing. */
START_TEST(a_unicast_question_is_answered_without_our_address)
{
	uint8_t ns[20] = { 0 };

	memcpy(ns + 4, us.b, 16);
	nw_inject(icmp6(&peer, &us, 255, 135, 0, ns, 20));
	expect_icmp6(136, 0);
	ck_assert_uint_eq(nw.frame[L4 + 4], 0x40);
	ck_assert_uint_eq(frame_get16(nw.frame + 18), 24);
	ck_assert_mem_eq(nw.frame, PEER_MAC, 6);
}
END_TEST

START_TEST(resolution_by_solicitation)
{
	const uint8_t sn_mac[6] = { 0x33, 0x33, 0xff, 0, 0, 2 };
	struct ipaddr link_local = nd_link_local(nw.nif);

	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	expect_icmp6(135, 0);
	ck_assert_mem_eq(nw.frame, sn_mac, 6);
	ck_assert_uint_eq(nw.frame[21], 255);
	ck_assert_mem_eq(nw.frame + 22, us.b, 16); /* the waiting packet's source */
	ck_assert_mem_eq(nw.frame + L4 + 8, peer.b, 16);
	ck_assert_uint_eq(nw.frame[L4 + 24], 1);
	advertise(0x40, NO_MAC); /* no address, no help */
	nw_expect_silence();
	advertise(0x60, PEER_MAC);
	ck_assert(nw_take());
	ck_assert_uint_eq(nw.frame[20], IPPROTO_UDP);
	nw_advance(14 * SEC);
	nw_send_udp(&peer, 10, true);
	ck_assert(nw_take());
	nw_advance(60 * SEC);
	nw_send_udp(&peer, 10, true);
	ck_assert(nw_take());
	nw_advance(5 * SEC + MS);
	expect_icmp6(135, 0);
	ck_assert_mem_eq(nw.frame, PEER_MAC, 6);
	ck_assert_mem_eq(nw.frame + 22, link_local.b, 16);
	ck_assert_mem_eq(nw.frame + 38, peer.b, 16);
	advertise(0x40, NO_MAC); /* confirms what is known */
	nw_advance(10 * SEC);
	nw_expect_silence();
}
END_TEST

START_TEST(no_answer_is_address_unreachable)
{
	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	nw_advance(4 * SEC);
	ck_assert_uint_eq(fake.nerr, 1);
	ck_assert_int_eq(fake.err[0].e.err, EHOSTUNREACH);
	ck_assert(ipaddr_equal(&fake.err[0].e.dst, &peer));
}
END_TEST

START_TEST(advertisement_without_override_does_not_replace)
{
	const uint8_t thief[6] = { 2, 0, 0, 0, 0, 0x66 };

	introduce_peer6();
	advertise(0x00, thief);
	nw_send_udp(&peer, 10, true);
	ck_assert(nw_take());
	ck_assert_mem_eq(nw.frame, PEER_MAC, 6);
	advertise(0x20, thief);
	nw_send_udp(&peer, 10, true);
	ck_assert(nw_take());
	ck_assert_mem_eq(nw.frame, thief, 6);
}
END_TEST

static unsigned int count_type(uint8_t type, const struct ipaddr *target)
{
	unsigned int n = 0;

	while (nw_take())
		if (nw.frame[20] == IPPROTO_ICMPV6 && nw.frame[L4] == type &&
		    (target == NULL || memcmp(nw.frame + L4 + 8, target->b, 16) == 0))
			n++;
	return n;
}

START_TEST(start_detects_duplicates_solicits_routers_and_reports_groups)
{
	unsigned int dad = 0, rs = 0, na = 0, mld = 0;

	nw_start_with(0, loud_v6);
	set_addresses();
	nw_advance(20 * SEC);
	while (nw_take()) {
		if (nw.frame[20] == IPPROTO_HOPOPTS) {
			mld++;
			ck_assert_uint_eq(nw.frame[L4 + 8], 143);
			ck_assert_uint_eq(nw.frame[21], 1);
			continue;
		}
		ck_assert_uint_eq(
			sum6(nw.frame, IPPROTO_ICMPV6, nw.frame + L4, frame_get16(nw.frame + 18)),
			0);
		dad += nw.frame[L4] == 135;
		rs += nw.frame[L4] == 133;
		na += nw.frame[L4] == 136;
	}
	ck_assert_uint_eq(dad, 2); /* the global and the link-local address */
	ck_assert_uint_eq(na, 2);
	ck_assert_uint_eq(rs, 3);
	ck_assert_uint_eq(mld, 4); /* two solicited-node groups, twice */
	nw_stop();
}
END_TEST

static unsigned int solicitations_in(uint64_t ns)
{
	unsigned int n = 0;

	nw_advance(ns);
	while (nw_take())
		n += nw.frame[L4] == 133;
	return n;
}

/* RFC 7559 2: after 4, 12, 28, 60, 124 ... s, a tenth of each wait more or less; at last each hour. */
START_TEST(routers_are_asked_for_ever_more_rarely)
{
	uint8_t ra[12] = { 64, 0, 0x07, 0x08 };

	nw_start_with(0, loud_v6);
	set_addresses();
	ck_assert_uint_eq(solicitations_in(20 * SEC), 3);
	ck_assert_uint_eq(solicitations_in(15 * SEC), 1);
	ck_assert_uint_eq(solicitations_in(40 * SEC), 1);
	ck_assert_uint_lt(solicitations_in(36000 * SEC), 20);
	ck_assert_uint_ge(solicitations_in(36000 * SEC), 9);
	/* Until one answers. */
	nw_inject(icmp6(&peer_ll, &all_nodes, 255, 134, 0, ra, sizeof(ra)));
	ck_assert_uint_eq(solicitations_in(7200 * SEC), 0);
	ck_assert_uint_eq(stack_next_deadline(nw.st), UINT64_MAX);
	nw_stop();
}
END_TEST

static struct ipaddr router_for(const char *text)
{
	struct ipaddr far = ip6(text);
	struct dst d;

	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	return d.nexthop;
}

/* RFC 4191 3.2 */
START_TEST(the_preferred_router_is_used)
{
	struct ipaddr other = ip6("fe80::77"), got;
	uint8_t medium[12] = { 64, 0, 0x07, 0x08 }, high[12] = { 64, 0x08, 0x07, 0x08 },
		low[12] = { 64, 0x18, 0x07, 0x08 }, gone[12] = { 64 };
	/* What the other says, and whether it is used then: of two that are alike the first known is. */
	const struct {
		const uint8_t *said;
		bool used;
	} steps[] = { { medium, false }, { high, true }, { low, false }, { high, true }, { gone, false } };

	nw_inject(icmp6(&peer_ll, &all_nodes, 255, 134, 0, medium, 12));
	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		nw_inject(icmp6(&other, &all_nodes, 255, 134, 0, steps[i].said, 12));
		got = router_for("2001:db8:ffff::1");
		ck_assert_msg(ipaddr_equal(&got, steps[i].used ? &other : &peer_ll), "step %u", i);
	}
}
END_TEST

START_TEST(a_duplicate_address_is_given_up)
{
	uint8_t msg[28] = { 0x20 };
	struct ipaddr any = { .q = { 0, 0 } };

	nw_start_with(0, loud_v6);
	set_addresses();
	nw_advance(100 * MS);
	ck_assert(stack_owns_addr(nw.st, &us));
	memcpy(msg + 4, us.b, 16);
	msg[20] = 2;
	msg[21] = 1;
	memcpy(msg + 22, PEER_MAC, 6);
	if (_i == 0) { /* somebody answers */
		nw_inject(icmp6(&peer, &all_nodes, 255, 136, 0, msg, 28));
	} else { /* somebody else tries at the same time */
		msg[0] = 0;
		nw_inject(icmp6(&any, &us_sn, 255, 135, 0, msg, 20));
	}
	ck_assert(!stack_owns_addr(nw.st, &us));
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ARP_CONFLICT), 1);
	ck_assert(stack_owns_addr(nw.st, &us_ll));
	nw_advance(10 * SEC);
	count_type(135, NULL);
	/* Later attacks do not take a confirmed address away. */
	memcpy(msg + 4, us_ll.b, 16);
	msg[0] = 0x20;
	nw_inject(icmp6(&peer, &all_nodes, 255, 136, 0, msg, 28));
	ck_assert(stack_owns_addr(nw.st, &us_ll));
	nw_stop();
}
END_TEST

START_TEST(neighbour_messages_in_fragments_are_dropped)
{
	uint8_t all[8 + 32] = { IPPROTO_ICMPV6 };
	uint8_t ns[28] = { 0 };

	memcpy(ns + 4, us.b, 16);
	ns[20] = ns[21] = 1;
	memcpy(ns + 22, PEER_MAC, 6);
	icmp6(&peer, &us, 255, 135, 0, ns, sizeof(ns));
	memcpy(all + 8, nw.frame + L4, 32);
	nw_inject(frame6(&peer, &us, IPPROTO_FRAGMENT, 255, all, sizeof(all)));
	nw_expect_silence();
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ICMP_IN_ERRORS), 1);
	ck_assert_uint_eq(nw.st->net.neigh.pool.used, 0);
}
END_TEST

START_TEST(another_hosts_detection_is_answered)
{
	struct ipaddr any = { .q = { 0, 0 } };
	uint8_t ns[20] = { 0 };

	memcpy(ns + 4, us.b, 16);
	nw_inject(icmp6(&any, &us_sn, 255, 135, 0, ns, 20));
	expect_icmp6(136, 0);
	ck_assert_mem_eq(nw.frame + 38, all_nodes.b, 16);
	ck_assert_uint_eq(nw.frame[L4 + 4], 0x20);
}
END_TEST

START_TEST(router_advertisement_gives_routes_and_mtu_for_a_while)
{
	struct ipaddr far = ip6("2001:db8:ffff::1"), near = ip6("2001:db8:7::9");
	uint8_t ra[12 + 8 + 8 + 32] = { 64, 0, 0x07, 0x08 }; /* 1800 s */
	uint8_t *opt = ra + 12;
	struct dst d;

	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), -ENETUNREACH);
	opt[0] = 1;
	opt[1] = 1;
	memcpy(opt + 2, PEER_MAC, 6);
	opt[8] = 5;
	opt[9] = 1;
	frame_put32(opt + 12, 1400);
	opt[16] = 3;
	opt[17] = 4;
	opt[18] = 64;
	opt[19] = 0x80;
	frame_put32(opt + 20, 3600);
	memcpy(opt + 32, near.b, 8);
	nw_inject(icmp6(&peer, &all_nodes, 255, 134, 0, ra, sizeof(ra))); /* not link-local */
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), -ENETUNREACH);
	nw_inject(icmp6(&peer_ll, &all_nodes, 255, 134, 0, ra, sizeof(ra)));
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.nexthop, &peer_ll));
	ck_assert_ptr_nonnull(d.neigh);
	ck_assert_uint_eq(d.mtu, 1400);
	ck_assert(ipaddr_equal(&d.src, &us));
	ck_assert_int_eq(route_lookup(nw.st, &near, NULL, &d, nw.now), 0);
	ck_assert(ipaddr_equal(&d.nexthop, &near));
	nw_advance(1801 * SEC);
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), -ENETUNREACH);
	ck_assert_int_eq(route_lookup(nw.st, &near, NULL, &d, nw.now), 0);
	nw_advance(1801 * SEC);
	ck_assert_int_eq(route_lookup(nw.st, &near, NULL, &d, nw.now), -ENETUNREACH);
	/* A lifetime of zero ends a router at once. */
	nw_inject(icmp6(&peer_ll, &all_nodes, 255, 134, 0, ra, sizeof(ra)));
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), 0);
	ra[2] = ra[3] = 0;
	nw_inject(icmp6(&peer_ll, &all_nodes, 255, 134, 0, ra, sizeof(ra)));
	ck_assert_int_eq(route_lookup(nw.st, &far, NULL, &d, nw.now), -ENETUNREACH);
}
END_TEST

/* -- groups ------------------------------------------------------------------------------------------ */

START_TEST(joined_groups_are_received_and_reported)
{
	struct ipaddr group = _i ? ip6("ff15::1234") : addr4(IP4(239, 1, 2, 3)),
		      any = { .q = { 0, 0 } };
	unsigned int reports = 0, leaves = 0;
	uint8_t buf[64];
	struct frame_path p;

	ck_assert_int_eq(ip_mcast_join(nw.st, &group, &any, nw.now), 0);
	ck_assert_int_eq(ip_mcast_join(nw.st, &group, &any, nw.now), 0);
	nw_advance(3 * SEC);
	while (nw_take()) {
		const uint8_t *r = nw.frame + (_i ? L4 + 8 : ETH + 24);

		ck_assert_uint_eq(r[0], _i ? 143 : 0x22);
		ck_assert_uint_eq(r[8], 4); /* change to exclude nothing */
		ck_assert_mem_eq(r + 12, group.b + (_i ? 0 : 12), _i ? 16 : 4);
		if (!_i) {
			ck_assert_uint_eq(frame_csum_fold(frame_csum_add(0, r, 16)), 0);
			ck_assert_uint_eq(frame_csum_fold(frame_csum_add(0, nw.frame + ETH, 24)),
					  0);
			ck_assert_uint_eq(nw.frame[ETH + 8], 1);
		}
		reports++;
	}
	ck_assert_uint_eq(reports, 2);
	if (_i) {
		nw_inject(frame6(&peer, &group, IPPROTO_UDP, 1, buf, udp6(buf, &peer, &group, 10)));
	} else {
		nw_path(&p);
		p.dst = IP4(239, 1, 2, 3);
		memcpy(p.dmac, "\x01\x00\x5e\x01\x02\x03", 6);
		nw_inject(frame_build_udp(nw.frame, &p, 1, 2, "x", 1));
	}
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].pkt.multicast);
	ck_assert_int_eq(ip_mcast_leave(nw.st, &group, &any, nw.now), 0);
	nw_advance(3 * SEC);
	nw_expect_silence();
	ck_assert_int_eq(ip_mcast_leave(nw.st, &group, &any, nw.now), 0);
	ck_assert_int_eq(ip_mcast_leave(nw.st, &group, &any, nw.now), -EADDRNOTAVAIL);
	nw_advance(3 * SEC);
	while (nw_take()) {
		ck_assert_uint_eq((nw.frame + (_i ? L4 + 8 : ETH + 24))[8],
				  3); /* change to include nothing */
		leaves++;
	}
	ck_assert_uint_eq(leaves, 2);
	ck_assert(!mcast_is_member(nw.st, nw.nif, &group));
}
END_TEST

START_TEST(queries_are_answered_in_their_time_and_version)
{
	struct ipaddr group = ip6("ff15::1234"), any = { .q = { 0, 0 } };
	uint8_t q[24] = { 0x03, 0xe8 }; /* one second */
	uint8_t hbh[8 + 28] = { IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	unsigned int n = 0;

	ck_assert_int_eq(ip_mcast_join(nw.st, &group, &any, nw.now), 0);
	nw_advance(3 * SEC);
	while (nw_take())
		continue;
	icmp6(&peer_ll, &all_nodes, 1, 130, 0, q, 24); /* version 2: 28 bytes */
	memcpy(hbh + 8, nw.frame + L4, 28);
	nw_inject(frame6(&peer_ll, &all_nodes, IPPROTO_HOPOPTS, 1, hbh, sizeof(hbh)));
	nw_expect_silence();
	nw_advance(SEC + MS);
	while (nw_take()) {
		ck_assert_uint_eq(nw.frame[L4 + 8], 143);
		ck_assert_uint_eq(nw.frame[L4 + 8 + 8], 2); /* is exclude */
		n++;
	}
	ck_assert_uint_eq(n, 3);		       /* ours, and two solicited-node groups */
	icmp6(&peer_ll, &all_nodes, 1, 130, 0, q, 20); /* version 1: 24 bytes */
	memcpy(hbh + 8, nw.frame + L4, 24);
	nw_inject(frame6(&peer_ll, &all_nodes, IPPROTO_HOPOPTS, 1, hbh, 8 + 24));
	nw_advance(SEC + MS);
	for (n = 0; nw_take(); n++)
		ck_assert_uint_eq(nw.frame[L4 + 8], 131);
	ck_assert_uint_eq(n, 3);
}
END_TEST

static Suite *nd_suite(void)
{
	Suite *s = suite_create("nd");
	TCase *tc = tcase_create("nd"), *own = tcase_create("own world");

	tcase_add_checked_fixture(tc, start, nw_stop);
	tcase_add_test(tc, solicitation_is_answered_and_the_asker_learned);
	tcase_add_loop_test(tc, unbelievable_neighbour_messages_are_dropped, 0, 9);
	tcase_add_test(tc, a_unicast_question_is_answered_without_our_address);
	tcase_add_test(tc, resolution_by_solicitation);
	tcase_add_test(tc, no_answer_is_address_unreachable);
	tcase_add_test(tc, advertisement_without_override_does_not_replace);
	tcase_add_test(tc, neighbour_messages_in_fragments_are_dropped);
	tcase_add_test(tc, another_hosts_detection_is_answered);
	tcase_add_test(tc, the_preferred_router_is_used);
	tcase_add_test(tc, router_advertisement_gives_routes_and_mtu_for_a_while);
	tcase_add_loop_test(tc, joined_groups_are_received_and_reported, 0, 2);
	tcase_add_test(tc, queries_are_answered_in_their_time_and_version);
	tcase_add_test(own, start_detects_duplicates_solicits_routers_and_reports_groups);
	tcase_add_test(own, routers_are_asked_for_ever_more_rarely);
	tcase_add_loop_test(own, a_duplicate_address_is_given_up, 0, 2);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, own);
	return s;
}

CHECK_MAIN(nd_suite)
