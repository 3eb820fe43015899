/* SPDX-License-Identifier: BSD-3-Clause */
/* test_frag.c - fragments in both families, in and out (RFC 791, 8200, 5722, 6946). */
#define SIM_BOTH_FAMILIES
#include "test/sim/dgram_script.h"

/* A UDP datagram of n patterned bytes to PORT_B, with its checksum: the bytes behind the IP header. */
static size_t datagram(uint8_t *l4, size_t n)
{
	static uint8_t frame[FRAME_MAX], data[FRAME_MAX];
	size_t ip = frame_ip_len(&S.path);

	pattern_fill(data, n, 7, 0);
	frame_build_udp(frame, &S.path, PORT_A, PORT_B, data, n);
	memcpy(l4, frame + ETH_HLEN + ip, n + 8);
	return n + 8;
}

static void recv_datagram(struct conn *c, size_t n)
{
	static uint8_t buf[FRAME_MAX];
	struct ipaddr from;
	uint16_t port;

	script_check(conn_recvfrom(c, buf, sizeof(buf), &from, &port, 0), n, "recvfrom");
	must(pattern_check(buf, n, 7, 0) < 0, "other bytes");
	must(ipaddr_equal(&from, &S.peer_addr) && port == PORT_A, "from somebody else");
}

TEST(fragments_in_any_order_make_the_datagram)
{
	uint8_t l4[4096];
	struct conn *c;
	size_t len;

	script(.seed = 1);
	c = udp_bound(PORT_B);
	len = datagram(l4, 3000);
	script_peer_fragment(1, 17, 2000, false, l4 + 2000, len - 2000);
	script_peer_fragment(1, 17, 0, true, l4, 1000);
	recv_nothing(c);
	script_peer_fragment(1, 17, 1000, true, l4 + 1000, 1000);
	recv_datagram(c, 3000);
	expect_nothing();
	script_finish();
}

TEST(fragments_of_two_datagrams_do_not_mix)
{
	uint8_t l4[4096];
	struct conn *c;
	size_t len;

	script(.seed = 2);
	c = udp_bound(PORT_B);
	len = datagram(l4, 1600);
	script_peer_fragment(1, 17, 0, true, l4, 800);
	script_peer_fragment(2, 17, 800, false, l4 + 800, len - 800);
	recv_nothing(c);
	script_peer_fragment(2, 17, 0, true, l4, 800);
	recv_datagram(c, 1600);
	script_peer_fragment(1, 17, 800, false, l4 + 800, len - 800);
	recv_datagram(c, 1600);
	script_finish();
}

/* RFC 5722, for IPv4 as Linux: overlapping fragments drop the whole datagram, silently. */
TEST(overlapping_fragments_drop_the_datagram)
{
	uint8_t l4[4096];
	struct conn *c;
	size_t len;

	script(.seed = 3);
	c = udp_bound(PORT_B);
	len = datagram(l4, 2000);
	script_peer_fragment(1, 17, 0, true, l4, 1008);
	script_peer_fragment(1, 17, 960, true, l4 + 960, 1000);
	script_peer_fragment(1, 17, 1008, false, l4 + 1008, len - 1008);
	recv_nothing(c);
	script_check(mib(MIB_IP_REASM_OVERLAPS), 1, "overlaps");
	expect_nothing();
	script_finish();
}

TEST(a_repeated_fragment_does_no_harm)
{
	uint8_t l4[4096];
	struct conn *c;
	size_t len;

	script(.seed = 4);
	c = udp_bound(PORT_B);
	len = datagram(l4, 2000);
	script_peer_fragment(1, 17, 0, true, l4, 1000);
	script_peer_fragment(1, 17, 0, true, l4, 1000);
	script_peer_fragment(1, 17, 1000, false, l4 + 1000, len - 1000);
	recv_datagram(c, 2000);
	recv_nothing(c);
	script_check(mib(MIB_IP_REASM_OVERLAPS), 0, "overlaps");
	script_finish();
}

/*
 * RFC 1122 3.3.2, Linux's ipfrag_time: after 30 s, with IPv6 60 s (RFC 8200 4.5), the sender of
 * the first fragment hears time exceeded, code 1, with that fragment quoted.
 */
TEST(incomplete_reassembly_times_out_and_the_sender_is_told)
{
	uint8_t l4[1000] = { 0x13, 0x88, 0x17, 0x70 };
	double limit = world_v6 ? 60000 : 30000;
	const struct script_seen *s;

	script(.seed = 5);
	script_peer_fragment(77, 17, 0, true, l4, 1000);
	script_peer_fragment(77, 17, 1600, true, l4, 1000);
	must(node_mbufs_used(S.node) > 0, "nothing is held");
	expect_silence_ms(limit - 100);
	advance_ms(200);
	s = expect_icmp_46(11, 1, 3, 1);
	script_check(s->info.len, 4 + (world_v6 ? 48 + 1000 : 548), "length");
	must(memcmp(s->info.data + 4 + frame_ip_len(&S.path) + (world_v6 ? 8 : 0), l4, 500) == 0,
	     "the quotation differs");
	expect_nothing();
	script_check(node_mbufs_used(S.node), 0, "mbufs in use");
	script_check(mib(MIB_IP_REASM_TIMEOUT), 1, "timeouts");
	script_finish();
}

/* RFC 792: "if fragment zero is not available then no time exceeded need be sent". */
TEST(without_the_first_fragment_nobody_is_told)
{
	uint8_t l4[1000] = { 0 };

	script(.seed = 6);
	script_peer_fragment(77, 17, 800, true, l4, 1000);
	expect_silence_ms(70000);
	script_check(node_mbufs_used(S.node), 0, "mbufs in use");
	script_finish();
}

/* Bounded: a flood of first fragments holds no more than its share of the packets. */
TEST(a_flood_of_fragments_is_bounded)
{
	uint8_t l4[4096];
	unsigned int i;
	struct conn *c;
	size_t len;

	script(.seed = 7);
	c = udp_bound(PORT_B);
	len = datagram(l4, 2000);
	for (i = 0; i < 2000; i++)
		script_peer_fragment(1000 + i, 17, 0, true, l4, 1000);
	must(node_mbufs_used(S.node) <= 1024 / 4 + 8, "%u mbufs are held", node_mbufs_used(S.node));
	script_peer_fragment(1, 17, 0, true, l4, 1000);
	script_peer_fragment(1, 17, 1000, false, l4 + 1000, len - 1000);
	recv_datagram(c, 2000);
	advance_ms(100000);
	expect_whatever();
	script_finish();
}

/* RFC 6946: a fragment that is the whole is delivered, also while others of its id wait. */
TEST6(an_atomic_fragment_is_delivered_by_itself)
{
	uint8_t l4[4096];
	struct conn *c;
	size_t len;

	script(.seed = 8);
	c = udp_bound(PORT_B);
	len = datagram(l4, 100);
	script_peer_fragment(9, 17, 0, true, l4, 96);
	script_peer_fragment(9, 17, 0, false, l4, len);
	recv_datagram(c, 100);
	script_check(mib(MIB_IP_REASM_OVERLAPS), 0, "overlaps");
	advance_ms(61000);
	expect_whatever();
	script_finish();
}

/* RFC 8200 4.5: a length that is no multiple of eight: parameter problem at the payload length. */
TEST6(an_uneven_fragment_is_a_parameter_problem)
{
	const struct script_seen *s;
	uint8_t l4[1000] = { 0 };

	script(.seed = 9);
	script_peer_fragment(1, 17, 0, true, l4, 99);
	s = expect_icmp_46(0, 0, 4, 0);
	script_check(frame_get32(s->info.data), 4, "pointer");
	/* Beyond 64 KiB: at the fragment's offset. */
	script_peer_fragment(2, 17, 65528, false, l4, 100);
	s = expect_icmp_46(0, 0, 4, 0);
	script_check(frame_get32(s->info.data), 42, "pointer");
	expect_nothing();
	script_finish();
}

/* RFC 7112: the header chain must be in the first fragment. */
TEST6(a_first_fragment_without_its_transport_header_is_a_parameter_problem)
{
	const struct script_seen *s;
	uint8_t ext[8] = { 17, 1, 1, 4 };

	script(.seed = 10);
	script_peer_fragment(1, 60, 0, true, ext, 8);
	s = expect_icmp_46(0, 0, 4, 3);
	script_check(frame_get32(s->info.data), 0, "pointer");
	script_finish();
}

/* Out: pieces in order that fill the MTU, one identification, the last one without "more". */
TEST(a_large_datagram_leaves_in_fragments_that_fit)
{
	uint8_t data[4000], whole[4096];
	const struct script_seen *s;
	uint32_t off = 0, id = 0, n;
	struct conn *c;
	bool more = true;

	script(.seed = 11, .mtu = 1480);
	c = udp_bound(PORT_B);
	pattern_fill(data, sizeof(data), 3, 0);
	send_to_peer(c, data, sizeof(data), sizeof(data));
	while (more) {
		s = next_seen();
		must(s != NULL && s->info.fragment, "no fragment");
		must(s->len <= ETH_HLEN + (size_t)S.node->nif->mtu, "%zu bytes", s->len);
		script_check(world_v6 ? s->info.frag6 & ~7u : (s->info.frag & 0x1fffu) * 8, off, "offset");
		if (off == 0)
			id = world_v6 ? s->info.frag6_id : s->info.id;
		script_check(world_v6 ? s->info.frag6_id : s->info.id, id, "identification");
		more = world_v6 ? s->info.frag6 & 1 : (s->info.frag & 0x2000) != 0;
		script_check(s->info.frag & 0x4000, 0, "DF");
		n = s->info.l4_len;
		must(!more || n > 1440, "a fragment of %u bytes", n);
		memcpy(whole + off, s->bytes + s->info.l4_off, n);
		off += n;
	}
	script_check(off, sizeof(data) + 8, "length");
	must(memcmp(whole + 8, data, sizeof(data)) == 0, "other bytes");
	expect_nothing();
	script_check(mib(MIB_IP_FRAG_CREATES), 3, "fragments");
	script_finish();
}

SIM_MAIN("fragments")
