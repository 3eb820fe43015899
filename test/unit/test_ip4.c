/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ip4.c - IPv4 in and out: validation, options, checksums, fragments (RFC 791, 1122). */
#include "stack/net/net_priv.h"
#include "test/unit/net_world.h"

static struct ipaddr peer;

static void start(void)
{
	nw_start();
	peer = addr4(PEER_IP);
}

static size_t udp(uint32_t src, uint32_t dst, size_t n)
{
	static uint8_t data[FRAME_MAX];
	struct frame_path p;
	size_t i;

	for (i = 0; i < n; i++)
		data[i] = (uint8_t)(i * 7 % 251);
	nw_path(&p);
	p.src = src;
	p.dst = dst;
	return frame_build_udp(nw.frame, &p, 1000, 2000, data, n);
}

static void refill_header_csum(void)
{
	uint8_t hlen = (nw.frame[14] & 0xf) * 4;

	frame_put16(nw.frame + 24, 0);
	frame_put16(nw.frame + 24, frame_csum_fold(frame_csum_add(0, nw.frame + 14, hlen)));
}

static void expect_drop(size_t len, unsigned int mib)
{
	uint64_t before = stack_mib(nw.st, mib);

	nw_inject(len);
	ck_assert_uint_eq(fake.nrx, 0);
	ck_assert_uint_eq(stack_mib(nw.st, mib), before + 1);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_DELIVERS), 0);
	nw_expect_silence();
}

START_TEST(header_checksum_is_checked)
{
	size_t len = udp(PEER_IP, OUR_IP, 10);

	nw.frame[24] ^= 1;
	expect_drop(len, MIB_IP_IN_CSUM_ERRORS);
}
END_TEST

START_TEST(version_and_header_length_are_checked)
{
	static const uint8_t bad[] = { 0x65, 0x44, 0x40, 0x00, 0x55 };
	size_t len = udp(PEER_IP, OUR_IP, 10);

	nw.frame[14] = bad[_i];
	refill_header_csum();
	expect_drop(len, MIB_IP_IN_HDR_ERRORS);
}
END_TEST

START_TEST(total_length_beyond_the_frame_is_truncation)
{
	size_t len = udp(PEER_IP, OUR_IP, 100);

	frame_put16(nw.frame + 16, 129);
	refill_header_csum();
	expect_drop(len, MIB_IP_IN_TRUNCATED);
}
END_TEST

START_TEST(total_length_below_the_header_is_an_error)
{
	size_t len = udp(PEER_IP, OUR_IP, 10);

	frame_put16(nw.frame + 16, 19);
	refill_header_csum();
	expect_drop(len, MIB_IP_IN_HDR_ERRORS);
}
END_TEST

START_TEST(a_packet_too_short_for_its_transport_is_dropped)
{
	size_t len = udp(PEER_IP, OUR_IP, 0);

	frame_put16(nw.frame + 16, 20 + 7);
	refill_header_csum();
	expect_drop(len, MIB_IP_IN_TRUNCATED);
}
END_TEST

START_TEST(padding_is_trimmed_over_segments)
{
	size_t len = udp(PEER_IP, OUR_IP, 300);

	memset(nw.frame + len, 0xee, 200);
	nw.wire.ports[0].rx_segment = (uint16_t)(30 + _i * 17);
	nw_inject(len + 200);
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, 308);
	ck_assert(fake.rx[0].csum_ok);
}
END_TEST

START_TEST(foreign_and_impossible_addresses_are_dropped)
{
	static const struct {
		uint32_t src, dst;
	} bad[] = {
		{ PEER_IP, IP4(192, 0, 2, 77) }, /* not ours; we do not forward */
		{ PEER_IP, IP4(127, 0, 0, 1) },
		{ PEER_IP, IP4(224, 0, 0, 251) }, /* a group we are not in */
		{ IP4(127, 0, 0, 1), OUR_IP },
		{ IP4(224, 0, 0, 1), OUR_IP },
		{ IP4(255, 255, 255, 255), OUR_IP },
		{ IP4(192, 0, 2, 255), OUR_IP },
		{ OUR_IP, OUR_IP }, /* only we can be the sender */
		{ 0, OUR_IP },
	};

	expect_drop(udp(bad[_i].src, bad[_i].dst, 10), MIB_IP_IN_ADDR_ERRORS);
}
END_TEST

START_TEST(broadcast_and_all_hosts_are_delivered_as_multicast)
{
	static const uint32_t dst[] = { IP4(255, 255, 255, 255), IP4(192, 0, 2, 255),
					IP4(224, 0, 0, 1) };

	nw_inject(udp(PEER_IP, dst[_i], 10));
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].pkt.multicast);
}
END_TEST

START_TEST(tcp_to_a_group_is_dropped)
{
	struct frame_tcp t = { .sport = 1, .dport = 80, .flags = TCP_SYN };
	struct frame_path p;

	nw_path(&p);
	p.dst = IP4(192, 0, 2, 255);
	memcpy(p.dmac, BCAST_MAC, 6);
	nw_inject(frame_build_tcp(nw.frame, &p, &t));
	nw_path(&p);
	memcpy(p.dmac, BCAST_MAC, 6); /* to us, but by link broadcast */
	nw_inject(frame_build_tcp(nw.frame, &p, &t));
	ck_assert_uint_eq(fake.nrx, 0);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_ADDR_ERRORS), 2);
	nw_expect_silence();
}
END_TEST

/* Put options between header and payload. */
static size_t with_options(const uint8_t *opt, unsigned int n)
{
	size_t len = udp(PEER_IP, OUR_IP, 40);
	unsigned int padded = (n + 3) & ~3u;

	memmove(nw.frame + 34 + padded, nw.frame + 34, len - 34);
	memset(nw.frame + 34, 0, padded);
	memcpy(nw.frame + 34, opt, n);
	nw.frame[14] = (uint8_t)(0x40 | (5 + padded / 4));
	frame_put16(nw.frame + 16, (uint16_t)(len - 14 + padded));
	refill_header_csum();
	return len + padded;
}

START_TEST(options_are_skipped)
{
	static const struct {
		uint8_t opt[40];
		unsigned int n;
	} good[] = {
		{ { 1, 1, 1, 0 }, 4 },	   { { 7, 39, 4 }, 40 }, /* record route */
		{ { 68, 12, 5 }, 12 },				 /* timestamp */
		{ { 148, 4, 0, 0 }, 4 },			 /* router alert */
		{ { 0, 131, 3, 4 }, 4 },			 /* behind the end nothing counts */
		{ { 200, 2, 200, 2 }, 4 },			 /* unknown */
	};

	nw_inject(with_options(good[_i].opt, good[_i].n));
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, 48);
	ck_assert_uint_eq(fake.rx[0].data[8 + 39], 39 * 7 % 251);
	ck_assert(fake.rx[0].csum_ok);
}
END_TEST

/* RFC 1122 3.2.2.5: the sender hears where the problem is. */
START_TEST(broken_options_are_answered_with_a_parameter_problem)
{
	static const struct {
		uint8_t opt[4], pointer;
	} bad[] = {
		{ { 7, 0, 0, 0 }, 20 },	  { { 7, 1, 0, 0 }, 20 },     { { 7, 5, 0, 0 }, 20 },
		{ { 1, 1, 1, 7 }, 23 },	  { { 68, 255, 0, 0 }, 20 },  { { 7, 3, 3, 0 }, 22 },
		{ { 7, 2, 0, 0 }, 21 },	  { { 1, 148, 3, 0 }, 22 },   { { 68, 4, 4, 0 }, 22 },
		{ { 131, 2, 0, 0 }, 21 }, { { 137, 3, 3, 0 }, 22 },
	};
	size_t len;

	nw_introduce_peer();
	len = with_options(bad[_i].opt, 4);
	nw_inject(len);
	ck_assert_uint_eq(fake.nrx, 0);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_HDR_ERRORS), 1);
	ck_assert(nw_take());
	ck_assert(nw.info.is_icmp && nw.info.icmp_type == 12 && nw.info.icmp_code == 0);
	ck_assert_uint_eq(nw.info.data[0], bad[_i].pointer);
	ck_assert_uint_eq(nw.info.data[4], 0x46);
	nw_expect_silence();
}
END_TEST

START_TEST(source_routes_are_dropped)
{
	static const uint8_t opt[][8] = { { 131, 7, 4, 192, 0, 2, 9, 0 },
					  { 137, 7, 4, 192, 0, 2, 9, 0 } };

	expect_drop(with_options(opt[_i], 8), MIB_IP_IN_SRC_ROUTE);
}
END_TEST

START_TEST(what_the_transport_learns)
{
	size_t len = udp(PEER_IP, OUR_IP, 10);

	nw.frame[15] = 0x2e | 1;
	nw.frame[22] = 33;
	refill_header_csum();
	nw_inject(len);
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_uint_eq(fake.rx[0].pkt.tos, 0x2f);
	ck_assert_uint_eq(fake.rx[0].pkt.ttl, 33);
	ck_assert_uint_eq(fake.rx[0].pkt.proto, IPPROTO_UDP);
	ck_assert_uint_eq(fake.rx[0].pkt.l3_off, 14);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_off, 34);
	ck_assert(ipaddr_equal(&fake.rx[0].pkt.src, &peer));
	ck_assert_uint_eq(fake.rx[0].cb.l4_off, 34);
	ck_assert_uint_eq(fake.rx[0].cb.tstamp, nw.now);
	ck_assert_uint_eq(fake.rx[0].cb.owner, PKT_STACK);
	ck_assert_ptr_null(fake.rx[0].cb.qnext);
}
END_TEST

START_TEST(transport_checksums_are_verified)
{
	size_t len = udp(PEER_IP, OUR_IP, 11 + (size_t)_i);

	nw_inject(len);
	ck_assert(fake.rx[0].csum_ok);
	udp(PEER_IP, OUR_IP, 11 + (size_t)_i);
	nw.frame[34 + 8 + 5] ^= 0x10;
	nw_inject(len);
	ck_assert(!fake.rx[1].csum_ok);
	/* RFC 768: none was made. */
	udp(PEER_IP, OUR_IP, 11 + (size_t)_i);
	frame_put16(nw.frame + 34 + 6, 0);
	nw_inject(len);
	ck_assert(fake.rx[2].csum_ok);
}
END_TEST

START_TEST(the_links_word_on_checksums_is_taken)
{
	size_t len;

	nw_start_with(NETIF_RX_IP4_CSUM | NETIF_RX_L4_CSUM, NULL);
	len = udp(PEER_IP, OUR_IP, 100);
	nw_inject(len);
	ck_assert(fake.rx[0].csum_ok);
	udp(PEER_IP, OUR_IP, 100);
	nw.frame[60] ^= 1;
	nw_inject(len);
	ck_assert(!fake.rx[1].csum_ok);
	udp(PEER_IP, OUR_IP, 100);
	nw.frame[24] ^= 1;
	nw_inject(len);
	ck_assert_uint_eq(fake.nrx, 2);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_CSUM_ERRORS), 1);
	nw_stop();
}
END_TEST

START_TEST(unknown_protocol_is_answered_unless_a_raw_socket_takes_it)
{
	struct frame_path p;
	size_t len;

	nw_introduce_peer();
	nw_path(&p);
	len = frame_build_ip4(nw.frame, &p, 200, 1, 0, (const uint8_t *)"abcdefgh", 8);
	nw_inject(len);
	ck_assert(nw_take());
	ck_assert(nw.info.is_icmp && nw.info.icmp_type == 3 && nw.info.icmp_code == 2);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_IN_UNKNOWN_PROTO), 1);
	fake.raw_takes = true;
	nw_inject(frame_build_ip4(nw.frame, &p, 200, 1, 0, (const uint8_t *)"abcdefgh", 8));
	nw_expect_silence();
	ck_assert_uint_eq(fake.nrx, 1);
}
END_TEST

/* -- output ------------------------------------------------------------------------------ */

static void check_payload(const uint8_t *p, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (p[i] != i * 7 % 251)
			ck_abort_msg("byte %u is wrong", i);
}

START_TEST(a_datagram_leaves_whole_and_right)
{
	nw_start_with(_i == 0 ? 0 :
				NETIF_TX_IP4_CSUM | NETIF_TX_UDP_CSUM | NETIF_TX_TCP_CSUM |
					NETIF_TX_MULTI_SEG,
		      NULL);
	peer = addr4(PEER_IP);
	nw_introduce_peer();
	ck_assert_int_eq(nw_send_udp(&peer, 1465, true), 0);
	ck_assert(nw_take());
	ck_assert(nw.info.is_udp && nw.info.ip_csum_ok && nw.info.l4_csum_ok);
	ck_assert_uint_eq(nw.info.ttl, 64);
	ck_assert_uint_eq(nw.info.frag, 0x4000);
	ck_assert_uint_eq(nw.info.src, OUR_IP);
	ck_assert_uint_eq(nw.info.dst, PEER_IP);
	ck_assert_uint_eq(nw.info.len, 1465);
	check_payload(nw.info.data, 1465);
	ck_assert_mem_eq(nw.frame + 6, nw.nif->mac, 6);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_OUT_REQUESTS), 2 - 1);
	nw_stop();
}
END_TEST

START_TEST(an_oversized_datagram_with_df_is_refused)
{
	nw_introduce_peer();
	ck_assert_int_eq(nw_send_udp(&peer, 1473, true), -EMSGSIZE);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_FRAG_FAILS), 1);
	nw_expect_silence();
	ck_assert_int_eq(nw_send_udp(&peer, 1472, true), 0);
	ck_assert(nw_take());
}
END_TEST

/* Collect fragments as a receiver would, by hand. */
START_TEST(an_oversized_datagram_without_df_is_fragmented)
{
	static uint8_t whole[70000];
	uint32_t n = (uint32_t[]){ 1473, 3000, 8000, 65507 }[_i], total = 0, off, len;
	uint16_t id = 0;
	unsigned int count = 0;

	nw_start_with(NETIF_TX_IP4_CSUM | NETIF_TX_UDP_CSUM | NETIF_TX_MULTI_SEG, NULL);
	peer = addr4(PEER_IP);
	nw_introduce_peer();
	ck_assert_int_eq(nw_send_udp(&peer, n, false), 0);
	while (nw_take()) {
		ck_assert(nw.info.ip_csum_ok);
		ck_assert_uint_eq(frame_get16(nw.frame + 16) <= 1500, 1);
		if (count++ == 0)
			id = nw.info.id;
		ck_assert_uint_eq(nw.info.id, id);
		off = (nw.info.frag & 0x1fffu) * 8;
		len = frame_get16(nw.frame + 16) - 20u;
		memcpy(whole + off, nw.frame + 34, len);
		if ((nw.info.frag & 0x2000) == 0)
			total = off + len;
		else
			ck_assert_uint_eq(len % 8, 0);
	}
	ck_assert_uint_eq(total, n + 8);
	ck_assert_uint_eq(count, (n + 8 + 1479) / 1480);
	ck_assert_uint_eq(stack_mib(nw.st, MIB_IP_FRAG_CREATES), count);
	check_payload(whole + 8, n);
	/* And the receiver's sum over it all. */
	{
		uint8_t ph[12] = { 192, 0, 2, 1, 192, 0, 2, 2, 0, 17 };

		frame_put16(ph + 10, (uint16_t)total);
		ck_assert_uint_eq(
			frame_csum_fold(frame_csum_add(frame_csum_add(0, ph, 12), whole, total)),
			0);
	}
	nw_stop();
}
END_TEST

START_TEST(more_than_64_kib_is_refused)
{
	nw_introduce_peer();
	ck_assert_int_eq(nw_send_udp(&peer, 65508, false), -EMSGSIZE);
}
END_TEST

START_TEST(identifications_of_fragmentable_datagrams_differ)
{
	uint16_t last = 0;
	unsigned int i;

	nw_introduce_peer();
	for (i = 0; i < 50; i++) {
		nw_send_udp(&peer, 10, false);
		ck_assert(nw_take());
		ck_assert_uint_eq(nw.info.frag, 0);
		ck_assert_uint_ne(nw.info.id, last);
		last = nw.info.id;
	}
}
END_TEST

START_TEST(headers_are_prepended_without_touching_the_payload_mbuf_behind)
{
	struct ip_tx tx = { .dst = &peer, .proto = IPPROTO_TCP, .df = true };
	struct rte_mbuf *head = NULL, *data;
	struct dst d;

	nw_introduce_peer();
	ck_assert_int_eq(route_lookup(nw.st, &peer, NULL, &d, nw.now), 0);
	tx.src = &d.src;
	head = pkt_alloc(nw.st);
	data = pkt_alloc(nw.st);
	memset(rte_pktmbuf_append(head, 20), 0, 20);
	*rte_pktmbuf_mtod_offset(head, uint8_t *, 12) = 0x50; /* data offset */
	memset(rte_pktmbuf_append(data, 100), 'x', 100);
	head->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM;
	head->l4_len = 20;
	rte_mbuf_refcnt_update(data, 1);
	fake_held[0] = data;
	rte_pktmbuf_chain(head, data);
	ck_assert_int_eq(ip_output(nw.st, head, &d, &tx, nw.now), 0);
	stack_flush(nw.st, nw.now);
	ck_assert(nw_take());
	ck_assert(nw.info.is_tcp && nw.info.l4_csum_ok && nw.info.ip_csum_ok);
	ck_assert_uint_eq(data->data_len, 100);
	ck_assert_uint_eq(data->data_off, PKT_HEADROOM);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(data), 1);
}
END_TEST

START_TEST(packets_to_ourselves_stay_inside)
{
	struct ipaddr self = addr4(OUR_IP);

	ck_assert_int_eq(nw_send_udp(&self, 3000, true), 0);
	ck_assert_uint_eq(stack_next_deadline(nw.st), 0);
	nw_settle();
	nw_expect_silence();
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].pkt.local);
	ck_assert(fake.rx[0].csum_ok);
	ck_assert(!fake.rx[0].pkt.multicast);
	ck_assert_uint_eq(fake.rx[0].pkt.l4_len, 3008);
	check_payload(fake.rx[0].data + 8, FAKE_BYTES - 8);
}
END_TEST

START_TEST(a_shared_packet_to_ourselves_is_a_copy)
{
	struct ipaddr self = addr4(OUR_IP);
	struct ip_tx tx = { .dst = &self, .src = &self, .proto = 99, .df = true };
	struct rte_mbuf *m = pkt_alloc(nw.st);
	struct dst d;

	ck_assert_int_eq(route_lookup(nw.st, &self, NULL, &d, nw.now), 0);
	ck_assert(d.loop);
	memcpy(rte_pktmbuf_append(m, 8), "ABCDEFGH", 8);
	rte_mbuf_refcnt_update(m, 1);
	pkt_cb(m)->seq = 4711; /* TCP's */
	fake.raw_takes = true;
	ck_assert_int_eq(ip_output(nw.st, m, &d, &tx, nw.now), 0);
	nw_settle();
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert_mem_eq(fake.rx[0].data, "ABCDEFGH", 8);
	ck_assert_uint_eq(pkt_cb(m)->seq, 4711);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 1);
	rte_pktmbuf_free(m);
}
END_TEST

START_TEST(broadcast_leaves_and_comes_back)
{
	struct ipaddr all = addr4(IP4(192, 0, 2, 255));

	ck_assert_int_eq(nw_send_udp(&all, 10, false), 0);
	ck_assert(nw_take());
	ck_assert_mem_eq(nw.frame, BCAST_MAC, 6);
	nw_settle();
	ck_assert_uint_eq(fake.nrx, 1);
	ck_assert(fake.rx[0].pkt.multicast);
}
END_TEST

START_TEST(multicast_mac_is_computed)
{
	const uint8_t mac[6] = { 0x01, 0x00, 0x5e, 0x65, 0x02, 0x03 };
	struct ipaddr group = addr4(IP4(239, 229, 2, 3));

	ck_assert_int_eq(nw_send_udp(&group, 10, false), 0);
	ck_assert(nw_take());
	ck_assert_mem_eq(nw.frame, mac, 6);
	nw_settle();
	ck_assert_uint_eq(fake.nrx, 0);
}
END_TEST

START_TEST(memory_exhaustion_is_loss_not_a_crash)
{
	struct rte_mbuf *hoard[1024];
	unsigned int n = 0;

	nw_introduce_peer();
	while ((hoard[n] = rte_pktmbuf_alloc(nw.pool)) != NULL)
		n++;
	ck_assert_ptr_null(pkt_alloc(nw.st));
	rte_pktmbuf_free(hoard[--n]);
	rte_pktmbuf_free(hoard[--n]);
	rte_pktmbuf_free(hoard[--n]);
	/* Three are enough for the datagram, not for its fragments. */
	ck_assert_int_eq(nw_send_udp(&peer, 4000, false), -ENOBUFS);
	ck_assert_uint_ge(stack_mib(nw.st, MIB_PKT_NOMEM), 1);
	while (n > 0)
		rte_pktmbuf_free(hoard[--n]);
}
END_TEST

static Suite *ip4_suite(void)
{
	Suite *s = suite_create("ip4");
	TCase *tc = tcase_create("ip4"), *own = tcase_create("own world");

	tcase_add_checked_fixture(tc, start, nw_stop);
	tcase_add_test(tc, header_checksum_is_checked);
	tcase_add_loop_test(tc, version_and_header_length_are_checked, 0, 4);
	tcase_add_test(tc, total_length_beyond_the_frame_is_truncation);
	tcase_add_test(tc, total_length_below_the_header_is_an_error);
	tcase_add_test(tc, a_packet_too_short_for_its_transport_is_dropped);
	tcase_add_loop_test(tc, padding_is_trimmed_over_segments, 0, 8);
	tcase_add_loop_test(tc, foreign_and_impossible_addresses_are_dropped, 0, 9);
	tcase_add_loop_test(tc, broadcast_and_all_hosts_are_delivered_as_multicast, 0, 3);
	tcase_add_test(tc, tcp_to_a_group_is_dropped);
	tcase_add_loop_test(tc, options_are_skipped, 0, 6);
	tcase_add_loop_test(tc, broken_options_are_answered_with_a_parameter_problem, 0, 11);
	tcase_add_loop_test(tc, source_routes_are_dropped, 0, 2);
	tcase_add_test(tc, what_the_transport_learns);
	tcase_add_loop_test(tc, transport_checksums_are_verified, 0, 40);
	tcase_add_test(tc, unknown_protocol_is_answered_unless_a_raw_socket_takes_it);
	tcase_add_test(tc, an_oversized_datagram_with_df_is_refused);
	tcase_add_test(tc, more_than_64_kib_is_refused);
	tcase_add_test(tc, identifications_of_fragmentable_datagrams_differ);
	tcase_add_test(tc, headers_are_prepended_without_touching_the_payload_mbuf_behind);
	tcase_add_test(tc, packets_to_ourselves_stay_inside);
	tcase_add_test(tc, a_shared_packet_to_ourselves_is_a_copy);
	tcase_add_test(tc, broadcast_leaves_and_comes_back);
	tcase_add_test(tc, multicast_mac_is_computed);
	tcase_add_test(tc, memory_exhaustion_is_loss_not_a_crash);
	tcase_add_test(own, the_links_word_on_checksums_is_taken);
	tcase_add_loop_test(own, a_datagram_leaves_whole_and_right, 0, 2);
	tcase_add_loop_test(own, an_oversized_datagram_without_df_is_fragmented, 0, 4);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, own);
	return s;
}

CHECK_MAIN(ip4_suite)
