/* SPDX-License-Identifier: BSD-3-Clause */
/* test_eth.c - Ethernet filter, VLAN, dispatch; the transmit ring. */
#include "test/unit/net_world.h"

static size_t udp_frame(const uint8_t dmac[6])
{
	struct frame_path p;

	nw_path(&p);
	memcpy(p.dmac, dmac, 6);
	return frame_build_udp(nw.frame, &p, 1000, 2000, "hello", 5);
}

/* Insert a tag behind the addresses. */
static size_t tag(size_t len, uint16_t tci)
{
	memmove(nw.frame + 16, nw.frame + 12, len - 12);
	frame_put16(nw.frame + 12, 0x8100);
	frame_put16(nw.frame + 14, tci);
	return len + 4;
}

static void use_vlan(struct stack_config *cfg)
{
	cfg->netifs[0]->vlan = 42;
}

START_TEST(unicast_to_us_is_delivered)
{
	nw_inject(udp_frame(nw.nif->mac));
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_mem_eq(fake.rx[0].data + 8, "hello", 5);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, 13); /* without the link's padding */
	ck_assert(!fake.rx[0].pkt.multicast);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ETH_IN), 1);
}
END_TEST

START_TEST(unicast_to_others_is_dropped)
{
	const uint8_t other[6] = { 0x02, 1, 2, 3, 4, 5 };

	nw_inject(udp_frame(other));
	ck_assert_uint_eq(fake.nrx, 0);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ETH_DROP_NOTFORUS), 1);
}
END_TEST

START_TEST(link_broadcast_marks_the_packet)
{
	nw_inject(udp_frame(BCAST_MAC));
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].pkt.multicast);
}
END_TEST

START_TEST(unknown_ethertype_is_dropped)
{
	size_t len = udp_frame(nw.nif->mac);

	frame_put16(nw.frame + 12, 0x88cc);
	nw_inject(len);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ETH_DROP_PROTO), 1);
}
END_TEST

START_TEST(shorter_than_a_header_is_dropped)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(nw.pool);

	rte_pktmbuf_append(m, 13);
	eth_input(nw.st, nw.nif, &m, 1, nw.now);
	m = rte_pktmbuf_alloc(nw.pool);
	eth_input(nw.st, nw.nif, &m, 1, nw.now);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ETH_DROP_SHORT), 2);
}
END_TEST

START_TEST(priority_tag_is_taken_as_untagged_other_tags_are_not)
{
	nw_inject(tag(udp_frame(nw.nif->mac), 0x6000));
	ck_assert_uint_eq(fake.nrx, 1);
	nw_inject(tag(udp_frame(nw.nif->mac), 7));
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ETH_DROP_VLAN), 1);
}
END_TEST

START_TEST(vlan_netif_takes_its_own_tag_only_and_tags_what_it_sends)
{
	struct ipaddr peer = addr4(PEER_IP);
	size_t len;

	nw_start_with(0, use_vlan);
	nw_inject(udp_frame(nw.nif->mac));
	nw_inject(tag(udp_frame(nw.nif->mac), 41));
	ck_assert_uint_eq(fake.nrx, 0);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ETH_DROP_VLAN), 2);
	nw_inject(tag(udp_frame(nw.nif->mac), 0xe000 | 42));
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_mem_eq(fake.rx[0].data + 8, "hello", 5);
	/* The ARP question and, once answered, the datagram carry the tag. */
	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	ck_assert(nw_take());
	ck_assert_uint_eq(frame_get16(nw.frame + 12), 0x8100);
	ck_assert_uint_eq(frame_get16(nw.frame + 14), 42);
	ck_assert_uint_eq(frame_get16(nw.frame + 16), 0x0806);
	len = frame_build_arp(nw.frame, nw.nif->mac, 2, PEER_MAC, PEER_IP, nw.nif->mac, OUR_IP);
	nw_inject(tag(len, 42));
	ck_assert(nw_take());
	ck_assert_uint_eq(frame_get16(nw.frame + 14), 42);
	ck_assert_uint_eq(frame_get16(nw.frame + 16), 0x0800);
	nw_stop();
}
END_TEST

START_TEST(a_tag_that_the_link_stripped_counts)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(nw.pool);
	size_t len = udp_frame(nw.nif->mac);

	nw.nif->vlan = 42;
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), nw.frame, len);
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 0x2000 | 42;
	eth_input(nw.st, nw.nif, &m, 1, nw.now);
	ck_assert_uint_eq(fake.nrx, 1);
	nw.nif->vlan = 0;
}
END_TEST

START_TEST(headers_across_many_small_segments_are_pulled_up)
{
	nw.wire.ports[0].rx_segment = 7;
	nw_inject(udp_frame(nw.nif->mac));
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].csum_ok);
	ck_assert_mem_eq(fake.rx[0].data + 8, "hello", 5);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, 13);
}
END_TEST

START_TEST(what_the_link_does_not_take_is_offered_again_in_order)
{
	struct ipaddr peer = addr4(PEER_IP);
	unsigned int i;

	nw_introduce_peer();
	nw.wire.ports[0].tx_budget = 1;
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(nw_send_udp(&peer, 20 + i, true), 0);
	nw_advance(100 * MS);
	for (i = 0; i < 20; i++) {
		ck_assert(nw_take());
		ck_assert_uint_eq(nw.info.len, 20 + i);
	}
	nw_expect_silence();
	ck_assert_uint_eq(nw.st->tx[0].count, 0);
}
END_TEST

static uint16_t take_none(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)nif;
	(void)queue;
	(void)pkts;
	(void)n;
	return 0;
}

START_TEST(a_stuck_link_drops_what_exceeds_the_ring_and_retries_by_deadline)
{
	struct ipaddr peer = addr4(PEER_IP);
	struct netif_ops stuck = *nw.nif->ops;
	const struct netif_ops *working = nw.nif->ops;
	unsigned int i;

	nw_introduce_peer();
	stuck.tx_burst = take_none;
	nw.nif->ops = &stuck;
	for (i = 0; i < 900; i++)
		ck_assert_int_eq(nw_send_udp(&peer, 20, true), 0);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ETH_DROP_TXFULL), 0);
	ck_assert_uint_le(stack_next_deadline(nw.st), nw.now + MS);
	/* Even with the pool nearly empty nothing is lost; then the ring is full. */
	for (; i < 1000; i++)
		nw_send_udp(&peer, 20, true);
	nw.nif->ops = working;
	nw_advance(MS);
	for (i = 0; nw_take(); i++)
		ck_assert(nw.info.is_udp);
	ck_assert_uint_eq(i, 1000);
}
END_TEST

START_TEST(a_link_that_is_down_keeps_nobody_awake)
{
	struct ipaddr peer = addr4(PEER_IP);
	struct netif_ops stuck = *nw.nif->ops;
	const struct netif_ops *working = nw.nif->ops;
	unsigned int i;

	nw_introduce_peer();
	stuck.tx_burst = take_none;
	nw.nif->ops = &stuck;
	nw.wire.ports[0].link_down = true;
	for (i = 0; i < 5; i++)
		nw_send_udp(&peer, 20, true);
	ck_assert_uint_eq(nw.st->tx[0].count, 0);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_ETH_DROP_LINKDOWN), 5);
	ck_assert_uint_ge(stack_next_deadline(nw.st), nw.now + SEC);
	nw.wire.ports[0].link_down = false;
	nw.nif->ops = working;
	nw_send_udp(&peer, 20, true);
	ck_assert(nw_take());
}
END_TEST

static Suite *eth_suite(void)
{
	Suite *s = suite_create("eth");
	TCase *tc = tcase_create("eth"), *own = tcase_create("own world");

	tcase_add_checked_fixture(tc, nw_start, nw_stop);
	tcase_add_test(tc, unicast_to_us_is_delivered);
	tcase_add_test(tc, unicast_to_others_is_dropped);
	tcase_add_test(tc, link_broadcast_marks_the_packet);
	tcase_add_test(tc, unknown_ethertype_is_dropped);
	tcase_add_test(tc, shorter_than_a_header_is_dropped);
	tcase_add_test(tc, priority_tag_is_taken_as_untagged_other_tags_are_not);
	tcase_add_test(tc, a_tag_that_the_link_stripped_counts);
	tcase_add_test(tc, headers_across_many_small_segments_are_pulled_up);
	tcase_add_test(tc, what_the_link_does_not_take_is_offered_again_in_order);
	tcase_add_test(tc, a_stuck_link_drops_what_exceeds_the_ring_and_retries_by_deadline);
	tcase_add_test(tc, a_link_that_is_down_keeps_nobody_awake);
	tcase_add_test(own, vlan_netif_takes_its_own_tag_only_and_tags_what_it_sends);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, own);
	return s;
}

CHECK_MAIN(eth_suite)
