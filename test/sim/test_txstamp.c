/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_txstamp.c - SO_TIMESTAMPING of what is sent: which times are told.  What is told at all is compared with the
 * kernel's in test/packet/scripts/stamps.py.
 */
#define SIM_BOTH_FAMILIES
#include <linux/net_tstamp.h>

#include "test/sim/dgram_script.h"

#define ALL                                                                                   \
	(SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK | \
	 SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY)

/* The next stamp is of this kind and key, and of a virtual time from lo to hi. */
static void stamp_is(struct conn *c, uint32_t kind, uint32_t key, uint64_t lo, uint64_t hi)
{
	struct sock_extended_err ee;
	struct ipaddr offender;
	uint64_t stamp;
	char buf[10];

	script_check(read_stamped_error(c, &ee, &offender, &stamp, buf, sizeof(buf)), 0,
		     "MSG_ERRQUEUE");
	script_check(ee.ee_errno, ENOMSG, "ee_errno");
	script_check(ee.ee_origin, SO_EE_ORIGIN_TIMESTAMPING, "ee_origin");
	script_check(ee.ee_info, kind, "ee_info");
	script_check(ee.ee_data, key, "ee_data");
	must(stamp >= lo && stamp <= hi, "the stamp is of another time");
}

static void no_stamp(struct conn *c)
{
	struct sock_extended_err ee;
	struct ipaddr offender;
	char buf[10];

	script_check(read_error(c, &ee, &offender, buf, sizeof(buf)), -EAGAIN, "MSG_ERRQUEUE");
}

static void wants(struct conn *c, int flags)
{
	script_check(conn_setint(c, SOL_SOCKET, SO_TIMESTAMPING, flags), 0, "SO_TIMESTAMPING");
}

/* The kernel's timestamping.rst: when the last byte left, and when the peer had it. */
TEST(a_send_is_stamped_when_it_leaves_and_when_it_is_acknowledged)
{
	uint64_t sent;

	script(.seed = 1);
	given_accepted();
	wants(S.c, ALL);
	sent = S.world->now;
	app_send(100);
	expect(ACK, .seq = 1, .len = 100);
	stamp_is(S.c, SCM_TSTAMP_SCHED, 99, sent, sent);
	stamp_is(S.c, SCM_TSTAMP_SND, 99, sent, sent);
	no_stamp(S.c);
	advance_ms(30);
	peer(ACK, .ack = 101);
	app_poll(EPOLLOUT | EPOLLERR);
	stamp_is(S.c, SCM_TSTAMP_ACK, 99, sent + 30 * MS, S.world->now);
	app_poll(EPOLLOUT);
	script_finish();
}

/* … each time it leaves. */
TEST(what_is_sent_again_is_stamped_again)
{
	uint64_t sent;

	script(.seed = 2);
	given_accepted();
	wants(S.c, ALL & ~SOF_TIMESTAMPING_TX_SCHED);
	sent = S.world->now;
	app_send(100);
	expect(ACK, .seq = 1, .len = 100);
	stamp_is(S.c, SCM_TSTAMP_SND, 99, sent, sent);
	expect_after_ms(100, 400, ACK, .seq = 1, .len = 100);
	stamp_is(S.c, SCM_TSTAMP_SND, 99, sent + 100 * MS, S.world->now);
	peer(ACK, .ack = 101);
	stamp_is(S.c, SCM_TSTAMP_ACK, 99, sent + 100 * MS, S.world->now);
	no_stamp(S.c);
	script_finish();
}

/* A byte that is never acknowledged has no stamp of it, and nothing is lost with the connection. */
TEST(a_reset_leaves_stamps_that_are_not_made)
{
	script(.seed = 3);
	given_accepted();
	wants(S.c, ALL);
	app_send(100);
	app_send(100);
	expect_whatever();
	stamp_is(S.c, SCM_TSTAMP_SCHED, 99, S.world->now, S.world->now);
	peer(RST);
	app_close();
	script_finish();
}

/* Stamps that nobody reads: the queue has an end, and what finds no room is counted. */
TEST(stamps_that_nobody_reads_are_bounded)
{
	unsigned int n = 0;
	struct sock_extended_err ee;
	struct ipaddr offender;
	struct conn *c;
	char buf[10];

	script(.seed = 4);
	c = udp_bound(PORT_A);
	wants(c,
	      SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID);
	for (unsigned int i = 0; i < 400; i++)
		send_to_peer(c, "x", 1, 1);
	while (read_error(c, &ee, &offender, buf, sizeof(buf)) >= 0) {
		script_check(ee.ee_data, n, "ee_data");
		n++;
	}
	must(n >= 64 && n < 400, "the queue is not bounded");
	script_finish();
}

SIM_MAIN("txstamp")
