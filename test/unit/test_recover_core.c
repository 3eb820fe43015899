/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_recover_core.c - after a death inside the stack: links scribbled over, then recovery;
 * the stack works, no mbuf is lost, no reader left asleep.
 */
#include <sys/epoll.h>

#include "stack/net/net_priv.h"
#include "stack/socket.h"
#include "test/unit/net_world.h"

/* What the engine does with its pool: free what nobody owns.  Returns how many it freed. */
static unsigned int sweep_orphans(void)
{
	static struct rte_mbuf *free_ones[1024];
	unsigned int nfree = 0, orphans = 0, i, j;
	static struct rte_mbuf *all[1023];
	unsigned int nall = 0;
	struct rte_mempool_objhdr *hdr;

	while ((free_ones[nfree] = rte_mbuf_raw_alloc(nw.pool)) != NULL)
		nfree++;
	STAILQ_FOREACH(hdr, &nw.pool->elt_list, next)
	all[nall++] = (struct rte_mbuf *)((char *)hdr + sizeof(*hdr));
	for (i = 0; i < nall; i++) {
		for (j = 0; j < nfree && free_ones[j] != all[i]; j++)
			continue;
		if (j == nfree && !stack_owns_mbuf(all[i], nw.st)) {
			orphans++;
			all[i]->next = NULL;
			all[i]->nb_segs = 1;
			rte_mbuf_refcnt_set(all[i], 1);
			rte_mbuf_raw_free(all[i]);
		}
	}
	for (j = 0; j < nfree; j++)
		rte_mbuf_raw_free(free_ones[j]);
	return orphans;
}

static uint16_t take_none(struct netif *nif, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)nif;
	(void)queue;
	(void)pkts;
	(void)n;
	return 0;
}

static bool is_up(struct netif *nif)
{
	(void)nif;
	return true;
}

static const struct netif_ops stuck_ops = { take_none, take_none, is_up };

static void scribble(void *p, size_t n)
{
	memset(p, 0xa5, n);
}

START_TEST(neighbours_come_back_and_waiting_packets_are_forgotten)
{
	struct ipaddr peer = addr4(PEER_IP), silent = addr4(IP4(192, 0, 2, 66));
	unsigned int i;
	struct neigh *n;

	nw_introduce_peer();
	for (i = 0; i < 4; i++)
		nw_send_udp(&silent, 2000, false); /* waits for ARP */
	while (nw_take())
		continue;
	scribble(nw.st->net.neigh.buckets, sizeof(nw.st->net.neigh.buckets));
	scribble(&nw.st->wheel, sizeof(nw.st->wheel));
	scribble(&nw.st->net.neigh.incomplete, sizeof(nw.st->net.neigh.incomplete));
	pool_for_each(&nw.st->net.neigh.pool, i, n) {
		scribble(&n->timer, sizeof(n->timer));
		scribble(&n->hash_next, sizeof(n->hash_next));
	}
	scribble(&nw.st->net.neigh.pool.free_head, sizeof(uint32_t));
	scribble(&nw.st->net.neigh.pool.used, sizeof(uint32_t));
	scribble(&nw.st->net.house, sizeof(nw.st->net.house));
	stack_recover(nw.st, nw.now);
	stack_mark_mbufs(nw.st);
	ck_assert_uint_eq(sweep_orphans(), 8); /* four datagrams of two fragments */
	ck_assert_uint_eq(stack_mib(nw.st, MIB_RECOVERIES), 1);
	/* The peer is still known; the silent one is asked for again by the next packet. */
	ck_assert_int_eq(nw_send_udp(&peer, 10, true), 0);
	ck_assert(nw_take());
	ck_assert(nw.info.is_udp);
	ck_assert_int_eq(nw_send_udp(&silent, 10, true), 0);
	ck_assert(nw_take());
	ck_assert(nw.info.is_arp);
	nw_advance(10 * SEC);
	ck_assert_uint_ge(fake.nerr, 1);
}
END_TEST

START_TEST(fragments_and_looped_packets_are_forgotten)
{
	struct ipaddr self = addr4(OUR_IP);
	uint8_t data[800] = { 0 };
	struct frame_path p;

	nw_path(&p);
	nw_inject(frame_build_ip4(nw.frame, &p, IPPROTO_UDP, 7, 0x2000, data, sizeof(data)));
	nw_send_udp(&self, 10, true);
	ck_assert_uint_eq(nw.st->net.reass.pool.used, 1);
	ck_assert_uint_eq(nw.st->loop.count, 1);
	scribble(&nw.st->net.reass.oldest, 2 * sizeof(void *));
	scribble(&nw.st->loop, sizeof(nw.st->loop));
	scribble(&nw.st->wheel, sizeof(nw.st->wheel));
	stack_recover(nw.st, nw.now);
	stack_mark_mbufs(nw.st);
	ck_assert_uint_eq(sweep_orphans(), 2);
	ck_assert_uint_eq(rte_mempool_in_use_count(nw.pool), 0);
	nw_advance(100 * SEC);
	ck_assert_uint_eq(fake.nrx, 0);
}
END_TEST

START_TEST(routes_are_rebuilt)
{
	struct ipaddr peer = addr4(PEER_IP);
	struct dst d;

	scribble(nw.st->net.route.routes, sizeof(nw.st->net.route.routes));
	scribble(&nw.st->net.route.nroutes, sizeof(nw.st->net.route.nroutes));
	stack_recover(nw.st, nw.now);
	ck_assert_int_eq(route_lookup(nw.st, &peer, NULL, &d, nw.now), 0);
	ck_assert_ptr_eq(d.nif, nw.nif);
}
END_TEST

START_TEST(every_owned_socket_reports_all_edges_once)
{
	struct socket *so[5], *got;
	uint32_t events, i, seen = 0;
	struct sock *sk = (struct sock *)&seen; /* not looked into */

	for (i = 0; i < 5; i++) {
		so[i] = pool_alloc(&nw.st->sockets);
		so[i]->sk = sk;
		so[i]->owner = i == 2 ? NULL : &so[i];
		scribble(&so[i]->event, sizeof(so[i]->event));
	}
	scribble(&nw.st->events, sizeof(nw.st->events));
	scribble(&nw.st->events_tail, sizeof(nw.st->events_tail));
	nw.st->in_hand = sk;
	stack_recover(nw.st, nw.now);
	ck_assert_ptr_null(nw.st->in_hand);
	while ((got = stack_take_event(nw.st, &events)) != NULL) {
		ck_assert_ptr_ne(got, so[2]);
		ck_assert_uint_eq(events & (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP),
				  EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP);
		ck_assert_ptr_null(got->event.pprev);
		seen++;
	}
	ck_assert_uint_eq(seen, 4);
	fake_released = 0;
	ck_assert_uint_eq(stack_release_ownerless(nw.st, nw.now), 1);
	ck_assert_uint_eq(fake_released, 1);
	ck_assert_uint_eq(nw.st->sockets.used, 4);
}
END_TEST

START_TEST(reference_counts_are_put_right)
{
	struct rte_mbuf *m = pkt_alloc(nw.st), *sent = pkt_alloc(nw.st);

	/* Killed between taking a second reference and handing the packet over. */
	rte_mbuf_refcnt_update(m, 1);
	fake_held[0] = m;
	/* This one is with the link: its second reference is real. */
	rte_mbuf_refcnt_update(sent, 1);
	pkt_cb(sent)->owner = PKT_LINK;
	fake_held[1] = sent;
	stack_recover(nw.st, nw.now);
	stack_mark_mbufs(nw.st);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 1);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(sent), 2);
	ck_assert(stack_owns_mbuf(m, nw.st) && stack_owns_mbuf(sent, nw.st));
	fake_held[0] = fake_held[1] = NULL;
	stack_mark_mbufs(nw.st);
	ck_assert(!stack_owns_mbuf(m, nw.st));
	ck_assert(stack_owns_mbuf(sent, nw.st));
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(sent);
	rte_pktmbuf_free(sent);
}
END_TEST

START_TEST(frames_that_never_reached_the_link_are_taken_back)
{
	struct ipaddr peer = addr4(PEER_IP);
	struct rte_mbuf *m;
	unsigned int i;

	nw_introduce_peer();
	/* It died when all were marked as the link's, before the link was asked. */
	nw.nif->ops = &stuck_ops;
	for (i = 0; i < 10; i++)
		nw_send_udp(&peer, 10, true);
	ck_assert_uint_eq(nw.st->tx[0].count, 10);
	for (i = 0; i < 10; i++)
		pkt_cb(nw.st->tx[0].pkts[i])->owner = PKT_LINK;
	/* And another time in the middle of a received burst. */
	for (i = 0; i < 5; i++) {
		m = rte_pktmbuf_alloc(nw.pool);
		pkt_cb(m)->owner = PKT_LINK; /* of an earlier life */
		nw.st->rx.pkts[i] = m;
	}
	nw.st->rx.n = 5;
	nw.st->rx.done = 0;
	stack_recover(nw.st, nw.now);
	stack_mark_mbufs(nw.st);
	ck_assert_uint_eq(sweep_orphans(), 15);
	ck_assert_uint_eq(rte_mempool_in_use_count(nw.pool), 0);
}
END_TEST

START_TEST(frames_that_the_link_was_being_offered_are_its_own)
{
	struct ipaddr peer = addr4(PEER_IP);
	unsigned int i;

	nw_introduce_peer();
	nw.nif->ops = &stuck_ops;
	for (i = 0; i < 10; i++)
		nw_send_udp(&peer, 10, true);
	for (i = 0; i < 4; i++)
		pkt_cb(nw.st->tx[0].pkts[i])->owner = PKT_LINK;
	nw.st->tx[0].offered = 4;
	stack_recover(nw.st, nw.now);
	stack_mark_mbufs(nw.st);
	ck_assert_uint_eq(sweep_orphans(), 6);
	ck_assert_uint_eq(rte_mempool_in_use_count(nw.pool), 4);
	/* The link is done with them. */
	for (i = 0; i < 4; i++)
		rte_pktmbuf_free(nw.st->tx[0].pkts[i]);
}
END_TEST

START_TEST(a_link_that_copies_holds_nothing_after_a_death)
{
	struct ipaddr peer = addr4(PEER_IP);
	struct rte_mbuf *kept = pkt_alloc(nw.st);
	unsigned int i;

	nw_introduce_peer();
	nw.nif->ops = &stuck_ops;
	nw.nif->caps |= NETIF_TX_COPIES;
	for (i = 0; i < 10; i++)
		nw_send_udp(&peer, 10, true);
	for (i = 0; i < 4; i++)
		pkt_cb(nw.st->tx[0].pkts[i])->owner = PKT_LINK;
	nw.st->tx[0].offered = 4;
	/* It died before the link gave up the reference of one that TCP keeps. */
	rte_mbuf_refcnt_update(kept, 1);
	pkt_cb(kept)->owner = PKT_SHARED;
	fake_held[0] = kept;
	stack_recover(nw.st, nw.now);
	stack_mark_mbufs(nw.st);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(kept), 1);
	ck_assert_uint_eq(sweep_orphans(), 10);
	ck_assert_uint_eq(rte_mempool_in_use_count(nw.pool), 1);
	fake_held[0] = NULL;
	rte_pktmbuf_free(kept);
}
END_TEST

START_TEST(destroy_frees_every_reference_of_every_segment)
{
	struct rte_mbuf *head = pkt_alloc(nw.st), *tail = pkt_alloc(nw.st);

	rte_pktmbuf_append(head, 10);
	rte_pktmbuf_append(tail, 10);
	rte_pktmbuf_chain(head, tail);
	rte_mbuf_refcnt_update(tail, 1);
	fake_held[0] = head;
	fake_held[1] = tail;
	/* nw_stop() destroys the stack and looks at the pool. */
}
END_TEST

static Suite *recover_suite(void)
{
	Suite *s = suite_create("recover_core");
	TCase *tc = tcase_create("recover_core");

	tcase_add_checked_fixture(tc, nw_start, nw_stop);
	tcase_add_test(tc, neighbours_come_back_and_waiting_packets_are_forgotten);
	tcase_add_test(tc, fragments_and_looped_packets_are_forgotten);
	tcase_add_test(tc, routes_are_rebuilt);
	tcase_add_test(tc, every_owned_socket_reports_all_edges_once);
	tcase_add_test(tc, reference_counts_are_put_right);
	tcase_add_test(tc, frames_that_never_reached_the_link_are_taken_back);
	tcase_add_test(tc, frames_that_the_link_was_being_offered_are_its_own);
	tcase_add_test(tc, a_link_that_copies_holds_nothing_after_a_death);
	tcase_add_test(tc, destroy_frees_every_reference_of_every_segment);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(recover_suite)
