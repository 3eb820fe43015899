/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_netifs.c - several links in one stack, gateways, VLANs, jumbo frames, traffic to our own
 * addresses.
 *
 * The world: M has a link to A (192.0.2.0/24, or 2001:db8::/64) and one to B (198.18.0.0/24, or
 * 2001:db8:12::/64).
 */
#define SIM_BOTH_FAMILIES
#include "stack/core/stack_priv.h"
#include "test/sim/dgram_script.h"

#define M0 IP4(192, 0, 2, 1)
#define A  IP4(192, 0, 2, 2)
#define A2 IP4(192, 0, 2, 3)
#define M1 IP4(198, 18, 0, 1)
#define B  IP4(198, 18, 0, 2)

static struct world *w;
static struct node *m, *a, *b;

static struct ipaddr prefix_of(uint32_t v4, uint8_t *plen)
{
	*plen = world_v6 ? 64 : 24;
	return world_addr(v4 & 0xffffff00);
}

static void route_to(struct stack_config *cfg, uint32_t prefix, uint32_t via, uint8_t netif)
{
	struct stack_route *r = &cfg->routes[cfg->nroutes++];

	r->prefix = prefix_of(prefix, &r->plen);
	r->via = world_addr(via);
	r->netif = netif;
}

static void two_links(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->netifs[1] = wire_netif(&w->wires[1], 0, cfg->mbufs, NETIF_TX_MULTI_SEG);
	cfg->nnetifs = 2;
	cfg->addrs[1] = cfg->addrs[0];
	cfg->addrs[1].addr = world_addr(M1);
	cfg->addrs[1].netif = 1;
	cfg->naddrs = 2;
	/* 198.18.7.0/24 through A, or A2 if A is dead; 198.18.8.0/24 through B. */
	route_to(cfg, IP4(198, 19, 7, 0), A, 0);
	route_to(cfg, IP4(198, 19, 7, 0), A2, 0);
	route_to(cfg, IP4(198, 20, 8, 0), B, 1);
}

/* A and B know the far addresses that the tests send to as their own. */
static void with_far(struct stack_config *cfg, void *arg)
{
	const uint32_t *far = arg;

	cfg->addrs[1] = cfg->addrs[0];
	cfg->addrs[1].addr = world_addr(*far);
	cfg->naddrs = 2;
}

static struct node *add(uint32_t addr, unsigned int wire, unsigned int port,
			void (*tune)(struct stack_config *, void *), void *arg)
{
	struct node_params p = { .addr = addr, .wire = wire, .port = port, .tune = tune,
				 .tune_arg = arg, .caps = NETIF_TX_MULTI_SEG };

	return world_add_node(w, &p);
}

static uint32_t far7 = IP4(198, 19, 7, 9), far8 = IP4(198, 20, 8, 9);

static void given_two_links(uint64_t seed)
{
	w = world_new(seed, 0);
	world_add_wire(w, 3);
	world_add_wire(w, 2);
	m = add(M0, 0, 0, two_links, NULL);
	a = add(A, 0, 1, with_far, &far7);
	b = add(B, 1, 1, with_far, &far8);
}

static void send_ok(struct conn *c, const char *text, uint32_t to)
{
	struct ipaddr addr = world_addr(to);

	script_check(conn_sendto(c, text, strlen(text), &addr, PORT_B), strlen(text), "sendto");
	world_run(w, 10 * MS);
}

static void recv_from(struct conn *c, const char *text, uint32_t from)
{
	struct ipaddr addr, want = world_addr(from);
	char buf[100];
	uint16_t port;

	script_check(conn_recvfrom(c, buf, sizeof(buf), &addr, &port, 0), strlen(text), "recvfrom");
	must(ipaddr_equal(&addr, &want), "from another address");
}

/* RFC 1122 3.3.1: each destination by its own link, from that link's address. */
TEST(each_destination_leaves_by_its_own_link)
{
	struct conn *c, *ca, *cb;

	given_two_links(1);
	c = udp_on(m, 0);
	ca = udp_on(a, PORT_B);
	cb = udp_on(b, PORT_B);
	send_ok(c, "to a", A);
	recv_from(ca, "to a", M0);
	send_ok(c, "to b", B);
	recv_from(cb, "to b", M1);
	recv_nothing(ca);
	recv_nothing(cb);
	world_finish(w);
}

TEST(tcp_runs_over_both_links)
{
	struct conn *c1, *s1, *c2, *s2;

	given_two_links(2);
	world_connect(w, m, a, 80, &c1, &s1);
	world_connect(w, m, b, 80, &c2, &s2);
	conn_stream(c1, 1, 200000, 2);
	conn_stream(s1, 2, 100000, 1);
	conn_stream(c2, 3, 200000, 4);
	conn_stream(s2, 4, 100000, 3);
	world_run(w, 5 * SEC);
	must(s1->eof && s1->rx_off == 200000 && c1->rx_off == 100000, "link 0");
	must(s2->eof && s2->rx_off == 200000 && c2->rx_off == 100000, "link 1");
	world_finish(w);
}

TEST(gateways_are_chosen_by_prefix)
{
	struct conn *c, *ca, *cb;
	struct ipaddr nowhere = world_addr(IP4(198, 21, 9, 9));

	given_two_links(3);
	c = udp_on(m, 0);
	ca = udp_on(a, PORT_B);
	cb = udp_on(b, PORT_B);
	send_ok(c, "seven", far7);
	recv_from(ca, "seven", M0);
	send_ok(c, "eight", far8);
	recv_from(cb, "eight", M1);
	script_check(conn_sendto(c, "x", 1, &nowhere, PORT_B), -ENETUNREACH, "sendto");
	world_finish(w);
}

/* RFC 1122 3.3.1.6, RFC 4861 6.3.6: a gateway that does not answer gives way to the next. */
TEST(a_dead_gateway_gives_way_to_the_next)
{
	struct conn *c, *ca2;
	struct node *a2;

	given_two_links(4);
	a2 = add(A2, 0, 2, with_far, &far7);
	a->frozen = true;
	c = udp_on(m, 0);
	ca2 = udp_on(a2, PORT_B);
	send_ok(c, "lost", far7);
	world_run(w, 5 * SEC);
	recv_nothing(ca2);
	send_ok(c, "found", far7);
	recv_from(ca2, "found", M0);
	a->frozen = false;
	world_finish(w);
}

/* socket(7) SO_BINDTODEVICE: nothing comes in by another link. */
TEST(a_socket_bound_to_a_link_hears_only_that)
{
	struct ipaddr any = any_addr();
	struct conn *on1, *ca, *cb;

	given_two_links(5);
	on1 = udp_on(m, 0);
	/* Both netifs are port 0 of their wires, and called so: a name of its own. */
	strcpy(m->st->cfg.netifs[1]->name, "second");
	script_check(socket_setsockopt(m->st, on1->so, SOL_SOCKET, SO_BINDTODEVICE, "second", 6,
				       w->now), 0, "SO_BINDTODEVICE");
	script_check(conn_bind(on1, &any, PORT_B), 0, "bind");
	ca = udp_on(a, 0);
	cb = udp_on(b, 0);
	send_ok(ca, "wrong", M0);
	recv_nothing(on1);
	send_ok(cb, "right", M1);
	recv_from(on1, "right", B);
	script_check(mib_of(m, MIB_UDP_NO_PORTS), 1, "UdpNoPorts");
	world_finish(w);
}

/* -- our own addresses --------------------------------------------------------------------- */

/* A program's client and server on one stack: nothing reaches the link. */
TEST(tcp_to_our_own_address_stays_inside)
{
	struct conn *client, *server;

	w = world_pair(10);
	world_connect(w, &w->nodes[0], &w->nodes[0], 80, &client, &server);
	conn_stream(client, 1, 300000, 2);
	conn_stream(server, 2, 300000, 1);
	world_run(w, 5 * SEC);
	must(server->eof && server->rx_off == 300000 && client->rx_off == 300000, "not all came");
	script_check(w->wires[0].ports[0].stats.sent, 0, "frames on the wire");
	world_finish(w);
}

TEST(tcp_to_our_other_links_address_stays_inside)
{
	struct conn *client, *server, *listener;
	struct ipaddr m1 = world_addr(M1);

	given_two_links(11);
	listener = conn_socket(m, SOCK_STREAM);
	script_check(conn_bind(listener, &m1, 80), 0, "bind");
	script_check(conn_listen(listener, 1), 0, "listen");
	client = conn_socket(m, SOCK_STREAM);
	(void)conn_connect(client, &m1, 80);
	world_run(w, 10 * MS);
	server = conn_accept(listener);
	must(server != NULL && (conn_poll(client) & EPOLLOUT), "not connected");
	script_check(w->wires[1].ports[0].stats.sent, 0, "frames on the wire");
	world_finish(w);
}

TEST(refused_by_our_own_address)
{
	struct conn *c;

	w = world_pair(12);
	c = conn_socket(&w->nodes[0], SOCK_STREAM);
	(void)conn_connect(c, &w->nodes[0].addr, 81);
	world_run(w, 10 * MS);
	script_check(conn_take_error(c), ECONNREFUSED, "SO_ERROR");
	c = udp_on(&w->nodes[0], 0);
	script_check(conn_connect(c, &w->nodes[0].addr, 9), 0, "connect");
	script_check(conn_sendto(c, "x", 1, NULL, 0), 1, "send");
	world_run(w, 10 * MS);
	script_check(conn_take_error(c), ECONNREFUSED, "SO_ERROR");
	script_check(w->wires[0].ports[0].stats.sent, 0, "frames on the wire");
	world_finish(w);
}

TEST(datagrams_of_all_sizes_loop_whole)
{
	static const size_t sizes[] = { 0, 1, 1472, 1473, 9000, 65000 };
	static uint8_t data[65536], got[65536];
	struct conn *c, *s;
	struct ipaddr from;
	uint16_t port;
	unsigned int i;

	w = world_pair(13);
	c = udp_on(&w->nodes[0], 0);
	s = udp_on(&w->nodes[0], PORT_B);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pattern_fill(data, sizes[i], i, 0);
		script_check(conn_sendto(c, data, sizes[i], &w->nodes[0].addr, PORT_B), sizes[i], "send");
		world_run(w, MS);
		script_check(conn_recvfrom(s, got, sizeof(got), &from, &port, 0), sizes[i], "recv");
		must(memcmp(data, got, sizes[i]) == 0, "other bytes");
	}
	script_check(w->wires[0].ports[0].stats.sent, 0, "frames on the wire");
	world_finish(w);
}

/* -- VLANs, jumbo frames ----------------------------------------------------------------------- */

static void tagged(struct stack_config *cfg, void *arg)
{
	cfg->netifs[0]->vlan = *(const uint16_t *)arg;
}

/* IEEE 802.1Q: only our VLAN's frames are ours, the others are counted; all of ours are tagged. */
TEST(a_vlan_keeps_to_itself)
{
	static uint16_t five = 5, six = 6, none;
	struct conn *c, *s, *other;
	struct node *n[4];
	struct conn *tc, *ts;

	w = world_new(20, 0);
	world_add_wire(w, 4);
	n[0] = add(IP4(192, 0, 2, 1), 0, 0, tagged, &five);
	n[1] = add(IP4(192, 0, 2, 2), 0, 1, tagged, &five);
	n[2] = add(IP4(192, 0, 2, 3), 0, 2, tagged, &six);
	n[3] = add(IP4(192, 0, 2, 4), 0, 3, tagged, &none);
	c = udp_on(n[0], 0);
	s = udp_on(n[1], PORT_B);
	other = udp_on(n[0], 0);
	send_ok(c, "same", IP4(192, 0, 2, 2));
	recv_from(s, "same", IP4(192, 0, 2, 1));
	world_connect(w, n[0], n[1], 80, &tc, &ts);
	conn_stream(tc, 1, 100000, 2);
	conn_stream(ts, 2, 100000, 1);
	world_run(w, SEC);
	must(ts->eof && ts->rx_off == 100000, "TCP over the VLAN");
	script_check(conn_sendto(other, "x", 1, &n[2]->addr, PORT_B), 1, "sendto");
	script_check(conn_sendto(other, "x", 1, &n[3]->addr, PORT_B), 1, "sendto");
	world_run(w, 10 * SEC);
	must(mib_of(n[2], MIB_ETH_DROP_VLAN) > 0 && mib_of(n[3], MIB_ETH_DROP_VLAN) > 0,
	     "foreign tags are not counted");
	script_check(mib_of(n[2], MIB_IP_IN_RECEIVES), 0, "packets");
	script_check(mib_of(n[3], MIB_IP_IN_RECEIVES), 0, "packets");
	world_finish(w);
}

static void jumbo(struct stack_config *cfg, void *arg)
{
	(void)arg;
	cfg->netifs[0]->mtu = 9000;
}

/* A datagram of 9000 bytes is five mbufs, in and out; received in pieces of any size. */
TEST(jumbo_frames_are_chains)
{
	static const uint16_t pieces[] = { 0, 2000, 500 };
	static uint8_t data[9000], got[9000];
	struct conn *c, *s, *tc, *ts;
	struct ipaddr from;
	uint16_t port;
	unsigned int i;
	size_t n = 9000 - 8 - (world_v6 ? 40 : 20);

	for (i = 0; i < 3; i++) {
		w = world_pair_tuned(21, NETIF_TX_MULTI_SEG, jumbo, NULL);
		w->wires[0].ports[1].rx_segment = pieces[i];
		c = udp_on(&w->nodes[0], 0);
		s = udp_on(&w->nodes[1], PORT_B);
		script_check(conn_sendto(c, data, 1, &w->nodes[1].addr, PORT_B), 1, "sendto");
		world_run(w, MS);
		recv_len(s, 1);
		pattern_fill(data, n - 10, 1, 0);
		script_check(conn_sendto(c, data, n - 10, &w->nodes[1].addr, PORT_B), n - 10, "sendto");
		world_run(w, MS);
		script_check(conn_recvfrom(s, got, sizeof(got), &from, &port, 0), n - 10, "recvfrom");
		must(memcmp(data, got, n - 10) == 0, "other bytes");
		script_check(mib_of(&w->nodes[0], MIB_IP_FRAG_CREATES), 0, "fragments");
		world_connect(w, &w->nodes[0], &w->nodes[1], 80, &tc, &ts);
		conn_stream(tc, 1, 500000, 2);
		conn_stream(ts, 2, 500000, 1);
		world_run(w, 5 * SEC);
		must(ts->eof && ts->rx_off == 500000 && tc->rx_off == 500000, "TCP");
		world_finish(w);
	}
}

/* -- checksums that the link checks ---------------------------------------------------------------- */

/* Bad is bad, whether the link says so or we find out; good is not summed again. */
TEST(a_bad_checksum_is_a_counted_drop_whoever_finds_it)
{
	static const uint32_t caps[] = { 0, NETIF_RX_IP4_CSUM | NETIF_RX_L4_CSUM };
	size_t ip = ETH_HLEN, l4;
	uint8_t buf[FRAME_MAX];
	struct conn *c;
	unsigned int i;
	size_t len;

	for (i = 0; i < 2; i++) {
		script(.seed = 30, .caps = caps[i]);
		l4 = ip + frame_ip_len(&S.path);
		c = udp_bound(PORT_B);
		peer_udp(PORT_A, PORT_B, "good", 4);
		recv_is(c, "good");
		len = frame_build_udp(buf, &S.path, PORT_A, PORT_B, "bad!", 4);
		buf[l4 + 8] ^= 0x10;
		script_peer_frame(buf, len);
		recv_nothing(c);
		script_check(mib(MIB_UDP_IN_CSUM_ERRORS), 1, "UdpInCsumErrors");
		if (!world_v6) {
			len = frame_build_udp(buf, &S.path, PORT_A, PORT_B, "bad!", 4);
			buf[ip + 10] ^= 0x10;
			script_peer_frame(buf, len);
			recv_nothing(c);
			script_check(mib(MIB_IP_IN_CSUM_ERRORS), 1, "IpInCsumErrors");
		}
		expect_nothing();
		script_finish();
	}
}

SIM_MAIN("netifs")
