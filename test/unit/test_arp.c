/* SPDX-License-Identifier: BSD-3-Clause */
/* test_arp.c - ARP (RFC 826, 5227) and the neighbour cache's states (RFC 4861 7.3.2). */
#include "stack/net/net_priv.h"
#include "test/unit/net_world.h"

#include <errno.h>

static struct ipaddr peer;

static void start(void)
{
	nw_start();
	peer = addr4(PEER_IP);
}

static void loud(struct stack_config *cfg)
{
	cfg->quiet_start = false;
}

static void expect_request(uint32_t spa, uint32_t tpa, const uint8_t dmac[6])
{
	ck_assert_msg(nw_take(), "no ARP request");
	ck_assert(nw.info.is_arp);
	ck_assert_uint_eq(nw.info.arp_op, 1);
	ck_assert_uint_eq(nw.info.arp_spa, spa);
	ck_assert_uint_eq(nw.info.arp_tpa, tpa);
	ck_assert_mem_eq(nw.info.arp_sha, nw.nif->mac, 6);
	ck_assert_mem_eq(nw.frame, dmac, 6);
}

static void answer(const uint8_t mac[6])
{
	nw_inject(frame_build_arp(nw.frame, nw.nif->mac, 2, mac, PEER_IP, nw.nif->mac, OUR_IP));
}

static void expect_datagram(const uint8_t mac[6])
{
	ck_assert_msg(nw_take(), "no datagram");
	ck_assert(nw.info.is_udp);
	ck_assert_mem_eq(nw.frame, mac, 6);
}

START_TEST(request_for_us_is_answered_and_the_asker_learned)
{
	nw_introduce_peer();
	ck_assert_uint_eq(nw.info.arp_spa, OUR_IP);
	ck_assert_uint_eq(nw.info.arp_tpa, PEER_IP);
	ck_assert_mem_eq(nw.frame, PEER_MAC, 6);
	/* No question needed. */
	ck_assert_int_eq(nw_send_udp(&peer, 1, true), 0);
	expect_datagram(PEER_MAC);
	nw_expect_silence();
}
END_TEST

START_TEST(request_for_others_is_ignored_and_not_learned)
{
	nw_inject(frame_build_arp(nw.frame, BCAST_MAC, 1, PEER_MAC, PEER_IP, NO_MAC,
				  IP4(192, 0, 2, 77)));
	nw_expect_silence();
	nw_send_udp(&peer, 1, true);
	expect_request(OUR_IP, PEER_IP, BCAST_MAC);
}
END_TEST

START_TEST(probe_for_our_address_is_answered)
{
	nw_inject(frame_build_arp(nw.frame, BCAST_MAC, 1, PEER_MAC, 0, NO_MAC, OUR_IP));
	ck_assert(nw_take());
	ck_assert_uint_eq(nw.info.arp_op, 2);
	ck_assert_mem_eq(nw.frame, PEER_MAC, 6);
}
END_TEST

START_TEST(packets_wait_for_the_answer_and_leave_in_order)
{
	unsigned int i;

	for (i = 0; i < 5; i++)
		ck_assert_int_eq(nw_send_udp(&peer, 10 + i, true), 0);
	expect_request(OUR_IP, PEER_IP, BCAST_MAC);
	nw_expect_silence();
	answer(PEER_MAC);
	for (i = 0; i < 5; i++) {
		expect_datagram(PEER_MAC);
		ck_assert_uint_eq(nw.info.len, 10 + i);
		ck_assert(nw.info.ip_csum_ok && nw.info.l4_csum_ok);
	}
	nw_expect_silence();
}
END_TEST

START_TEST(the_queue_is_bounded_and_the_oldest_goes)
{
	unsigned int i;

	for (i = 0; i < NEIGH_QUEUE + 3; i++)
		nw_send_udp(&peer, 10 + i, true);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_NEIGH_DROP_QUEUE), 3);
	expect_request(OUR_IP, PEER_IP, BCAST_MAC);
	answer(PEER_MAC);
	expect_datagram(PEER_MAC);
	ck_assert_uint_eq(nw.info.len, 13);
	for (i = 1; i < NEIGH_QUEUE; i++)
		expect_datagram(PEER_MAC);
	nw_expect_silence();
}
END_TEST

START_TEST(three_questions_a_second_apart_then_host_unreachable)
{
	unsigned int i;

	nw_send_udp(&peer, 10, true);
	nw_send_udp(&peer, 11, true);
	for (i = 0; i < 3; i++) {
		expect_request(OUR_IP, PEER_IP, BCAST_MAC);
		nw_expect_silence();
		ck_assert_uint_eq(fake.nerr, 0);
		nw_advance(SEC + MS);
	}
	nw_expect_silence();
	ck_assert_uint_eq(fake.nerr, 2);
	ck_assert_int_eq(fake.err[0].e.err, EHOSTUNREACH);
	ck_assert(!fake.err[0].e.hard);
	ck_assert_int_eq(fake.err[0].e.proto, IPPROTO_UDP);
	ck_assert(ipaddr_equal(&fake.err[0].e.dst, &peer));
	ck_assert_uint_eq(frame_get16(fake.err[0].l4), 0x1234); /* source port */
	ck_assert_uint_eq(stack_mib(nw.st, MIB_NEIGH_FAILED), 1);
	/* The next packet asks again. */
	nw_send_udp(&peer, 12, true);
	expect_request(OUR_IP, PEER_IP, BCAST_MAC);
	answer(PEER_MAC);
	expect_datagram(PEER_MAC);
}
END_TEST

START_TEST(a_stale_neighbour_is_used_and_asked_by_unicast)
{
	nw_send_udp(&peer, 1, true);
	expect_request(OUR_IP, PEER_IP, BCAST_MAC);
	answer(PEER_MAC);
	expect_datagram(PEER_MAC);
	nw_advance(14 * SEC); /* reachable for at least 15 s: nothing is asked */
	nw_send_udp(&peer, 2, true);
	expect_datagram(PEER_MAC);
	nw_advance(60 * SEC); /* idle: no traffic of our own */
	nw_expect_silence();
	nw_send_udp(&peer, 3, true);
	expect_datagram(PEER_MAC);
	nw_expect_silence();
	nw_advance(5 * SEC + MS);
	expect_request(OUR_IP, PEER_IP, PEER_MAC);
	answer(PEER_MAC);
	nw_advance(10 * SEC);
	nw_expect_silence();
}
END_TEST

START_TEST(upper_layer_progress_spares_the_question)
{
	struct dst d;

	nw_introduce_peer();
	ck_assert_int_eq(route_lookup(nw.st, &peer, NULL, &d, nw.now), 0);
	nw_send_udp(&peer, 3, true); /* learned from a request: stale, so DELAY */
	expect_datagram(PEER_MAC);
	neigh_confirm(nw.st, &d, nw.now);
	nw_advance(10 * SEC);
	nw_expect_silence();
}
END_TEST

START_TEST(a_neighbour_that_stops_answering_fails_and_is_asked_anew)
{
	unsigned int i;

	nw_introduce_peer();
	nw_send_udp(&peer, 3, true);
	expect_datagram(PEER_MAC);
	nw_advance(5 * SEC + MS);
	for (i = 0; i < 3; i++) {
		expect_request(OUR_IP, PEER_IP, PEER_MAC);
		nw_send_udp(&peer, 3, true); /* still used meanwhile */
		expect_datagram(PEER_MAC);
		nw_advance(SEC + MS);
	}
	nw_expect_silence();
	nw_send_udp(&peer, 4, true);
	expect_request(OUR_IP, PEER_IP, BCAST_MAC);
	nw_expect_silence();
}
END_TEST

START_TEST(gratuitous_arp_updates_what_is_known_but_creates_nothing)
{
	const uint8_t moved[6] = { 0x02, 0, 0, 0, 0, 0x77 };

	nw_inject(frame_build_arp(nw.frame, BCAST_MAC, 1, moved, PEER_IP, NO_MAC, PEER_IP));
	ck_assert_uint_eq(nw.st->net.neigh.pool.used, 0);
	nw_introduce_peer();
	nw_inject(frame_build_arp(nw.frame, BCAST_MAC, 1, moved, PEER_IP, NO_MAC, PEER_IP));
	nw_send_udp(&peer, 1, true);
	expect_datagram(moved);
}
END_TEST

START_TEST(another_owner_of_our_address_is_counted_and_answered_once)
{
	unsigned int i;

	for (i = 0; i < 5; i++)
		nw_inject(
			frame_build_arp(nw.frame, BCAST_MAC, 1, PEER_MAC, OUR_IP, NO_MAC, OUR_IP));
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ARP_CONFLICT), 5);
	expect_request(OUR_IP, OUR_IP, BCAST_MAC);
	nw_expect_silence();
	nw_advance(11 * SEC);
	nw_inject(frame_build_arp(nw.frame, BCAST_MAC, 1, PEER_MAC, OUR_IP, NO_MAC, OUR_IP));
	expect_request(OUR_IP, OUR_IP, BCAST_MAC);
	ck_assert_uint_eq(nw.st->net.neigh.pool.used, 0);
}
END_TEST

/* RFC 1122 3.2.1.3: nobody has these addresses, so nobody is answered (as Linux). */
START_TEST(impossible_askers_are_not_answered)
{
	static const uint32_t askers[] = { IP4(127, 0, 0, 1), IP4(224, 0, 0, 9),
					   IP4(255, 255, 255, 255), IP4(192, 0, 2, 255) };

	nw_inject(frame_build_arp(nw.frame, BCAST_MAC, 1, PEER_MAC, askers[_i], NO_MAC, OUR_IP));
	nw_expect_silence();
	ck_assert_uint_eq(nw.st->net.neigh.pool.used, 0);
}
END_TEST

/* RFC 1042 numbers IEEE 802 six; Linux takes it for Ethernet. */
START_TEST(ieee_802_is_ethernet)
{
	size_t len = frame_build_arp(nw.frame, BCAST_MAC, 1, PEER_MAC, PEER_IP, NO_MAC, OUR_IP);

	nw.frame[15] = 6;
	nw_inject(len);
	ck_assert(nw_take());
	ck_assert(nw.info.is_arp && nw.info.arp_op == 2);
}
END_TEST

START_TEST(malformed_arp_is_dropped)
{
	static const struct {
		unsigned int off;
		uint8_t value;
	} damage[] = {
		{ 14 + 1, 9 },	  /* hardware type */
		{ 14 + 2, 0x86 }, /* protocol type */
		{ 14 + 4, 8 },	  /* hardware length */
		{ 14 + 5, 16 },	  /* protocol length */
		{ 14 + 7, 9 },	  /* operation */
		{ 14 + 8, 0x01 }, /* sender is a group */
	};
	size_t len = frame_build_arp(nw.frame, BCAST_MAC, 1, PEER_MAC, PEER_IP, NO_MAC, OUR_IP);

	nw.frame[damage[_i].off] = damage[_i].value;
	nw_inject(len);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ARP_DROP_BAD), 1);
	nw_expect_silence();
	ck_assert_uint_eq(nw.st->net.neigh.pool.used, 0);
}
END_TEST

START_TEST(truncated_arp_is_dropped)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(nw.pool);
	size_t len = frame_build_arp(nw.frame, BCAST_MAC, 1, PEER_MAC, PEER_IP, NO_MAC, OUR_IP);

	(void)len;
	memcpy(rte_pktmbuf_append(m, 14 + 27), nw.frame, 14 + 27);
	eth_input(nw.st, nw.nif, &m, 1, nw.now);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ARP_DROP_BAD), 1);
}
END_TEST

START_TEST(start_probes_thrice_and_announces_twice)
{
	unsigned int i;

	nw_start_with(0, loud);
	nw_advance(10 * SEC);
	for (i = 0; i < 3; i++)
		expect_request(0, OUR_IP, BCAST_MAC);
	for (i = 0; i < 2; i++)
		expect_request(OUR_IP, OUR_IP, BCAST_MAC);
	nw_expect_silence();
	ck_assert_uint_eq(stack_next_deadline(nw.st), UINT64_MAX);
	nw_stop();
}
END_TEST

START_TEST(announcements_wait_for_the_link)
{
	unsigned int n = 0;

	nw_start_with(0, loud);
	nw.wire.ports[0].link_down = true;
	nw_advance(20 * SEC);
	nw_expect_silence();
	nw.wire.ports[0].link_down = false;
	nw_advance(10 * SEC);
	while (nw_take())
		n++;
	ck_assert_uint_eq(n, 5);
	nw_stop();
}
END_TEST

START_TEST(a_scan_cannot_drive_out_the_known)
{
	struct ipaddr a;
	unsigned int i;

	nw_introduce_peer();
	for (i = 0; i < NEIGH_MAX; i++) {
		a = addr4(IP4(192, 0, 2, 0) + (i & 0xff));
		a.b[13] = (uint8_t)(i >> 8); /* 192.x.2.y is not ours: straight into the cache */
		neigh_learn(nw.st, nw.nif, &a, PEER_MAC, 1, nw.now);
		ck_assert_uint_le(nw.st->net.neigh.pool.used, NEIGH_MAX);
	}
	ck_assert_uint_eq(nw.st->net.neigh.pool.used, NEIGH_MAX);
	/* A full table still takes a new one. */
	ck_assert_int_eq(nw_send_udp(&(struct ipaddr){ .w = { 0, 0, htonl(0xffff),
							      htonl(IP4(192, 0, 2, 222)) } },
				     1, true),
			 0);
	ck_assert_uint_le(nw.st->net.neigh.pool.used, NEIGH_MAX);
}
END_TEST

START_TEST(a_cached_route_survives_the_replacement_of_its_neighbour)
{
	struct ip_tx tx = { .dst = &peer, .proto = 99, .df = true };
	struct rte_mbuf *m;
	struct dst d;
	uint32_t i;
	struct neigh *n;

	nw_introduce_peer();
	ck_assert_int_eq(route_lookup(nw.st, &peer, NULL, &d, nw.now), 0);
	tx.src = &d.src;
	ck_assert_ptr_nonnull(d.neigh);
	/* Another neighbour moves into its place, as after an eviction. */
	pool_for_each(&nw.st->net.neigh.pool, i, n)
		n->addr = addr4(IP4(192, 0, 2, 200));
	memset(nw.st->net.neigh.buckets, 0, sizeof(nw.st->net.neigh.buckets));
	m = pkt_alloc(nw.st);
	rte_pktmbuf_append(m, 20);
	ck_assert_int_eq(ip_output(nw.st, m, &d, &tx, nw.now), 0);
	stack_flush(nw.st, nw.now);
	expect_request(OUR_IP, PEER_IP, BCAST_MAC);
	nw_expect_silence();
}
END_TEST

START_TEST(a_shared_packet_is_copied_before_it_waits)
{
	struct ip_tx tx = { .dst = &peer, .proto = 99, .df = true };
	struct rte_mbuf *m;
	struct dst d;

	ck_assert_int_eq(route_lookup(nw.st, &peer, NULL, &d, nw.now), 0);
	tx.src = &d.src;
	m = pkt_alloc(nw.st);
	memcpy(rte_pktmbuf_append(m, 20), "0123456789abcdefghij", 20);
	rte_mbuf_refcnt_update(m, 1); /* TCP keeps it */
	ck_assert_int_eq(ip_output(nw.st, m, &d, &tx, nw.now), 0);
	stack_flush(nw.st, nw.now);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 1);
	memset(rte_pktmbuf_mtod(m, char *), 0xff, 20 + 20); /* TCP writes another header */
	rte_pktmbuf_free(m);
	expect_request(OUR_IP, PEER_IP, BCAST_MAC);
	answer(PEER_MAC);
	ck_assert(nw_take());
	ck_assert_mem_eq(nw.frame + 34, "0123456789abcdefghij", 20);
}
END_TEST

static Suite *arp_suite(void)
{
	Suite *s = suite_create("arp");
	TCase *tc = tcase_create("arp"), *own = tcase_create("own world");

	tcase_add_checked_fixture(tc, start, nw_stop);
	tcase_add_test(tc, request_for_us_is_answered_and_the_asker_learned);
	tcase_add_test(tc, request_for_others_is_ignored_and_not_learned);
	tcase_add_test(tc, probe_for_our_address_is_answered);
	tcase_add_test(tc, packets_wait_for_the_answer_and_leave_in_order);
	tcase_add_test(tc, the_queue_is_bounded_and_the_oldest_goes);
	tcase_add_test(tc, three_questions_a_second_apart_then_host_unreachable);
	tcase_add_test(tc, a_stale_neighbour_is_used_and_asked_by_unicast);
	tcase_add_test(tc, upper_layer_progress_spares_the_question);
	tcase_add_test(tc, a_neighbour_that_stops_answering_fails_and_is_asked_anew);
	tcase_add_test(tc, gratuitous_arp_updates_what_is_known_but_creates_nothing);
	tcase_add_test(tc, another_owner_of_our_address_is_counted_and_answered_once);
	tcase_add_loop_test(tc, malformed_arp_is_dropped, 0, 6);
	tcase_add_loop_test(tc, impossible_askers_are_not_answered, 0, 4);
	tcase_add_test(tc, ieee_802_is_ethernet);
	tcase_add_test(tc, truncated_arp_is_dropped);
	tcase_add_test(tc, a_scan_cannot_drive_out_the_known);
	tcase_add_test(tc, a_cached_route_survives_the_replacement_of_its_neighbour);
	tcase_add_test(tc, a_shared_packet_is_copied_before_it_waits);
	tcase_add_test(own, announcements_wait_for_the_link);
	tcase_add_test(own, start_probes_thrice_and_announces_twice);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, own);
	return s;
}

CHECK_MAIN(arp_suite)
