/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_loss.c - retransmission: by timer, by duplicate ACKs, by SACK; and its limits. */
#include "stack/core/mib.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

#define MSS 1460

/* n full segments are in flight, numbers from 1. */
static void given_in_flight(int n)
{
	int i;

	app_send(n * MSS);
	for (i = 0; i < n; i++)
		expect(ACK, .len = MSS);
	expect_nothing();
}

/* RFC 6298 5.4, 5.5: the oldest segment again, the time-out doubles. */
TEST(rto_retransmits_and_backs_off)
{
	double rto = 200;
	int i;

	script(.seed = 1);
	given_connected();
	app_send(100);
	expect(ACK, .len = 100);
	for (i = 0; i < 7; i++, rto *= 2) {
		expect_after_ms(rto * 0.99, rto * 1.03 + 2, ACK, .seq = 1, .len = 100);
		expect_nothing();
	}
	peer(ACK);
	expect_nothing();
	expect_silence_ms(60000);
	app_error(0);
	script_check(mib(MIB_TCP_RETRANS_SEGS), 7, "retransmissions");
	script_finish();
}

/* tcp(7) tcp_retries2 15: ETIMEDOUT after about 924.6 s. */
TEST(unacknowledged_data_ends_in_etimedout)
{
	script(.seed = 2);
	given_connected();
	app_send(100);
	advance_ms(900e3);
	expect_whatever();
	app_error(0);
	advance_ms(200e3);
	expect_whatever();
	app_poll(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP);
	app_error(ETIMEDOUT);
	script_check(mib(MIB_TCP_ABORT_ON_TIMEOUT), 1, "aborts");
	script_finish();
}

/* RFC 5681 3.2, RFC 6582: the third duplicate ACK retransmits. */
TEST(three_duplicate_acks_retransmit_without_sack)
{
	script(.seed = 3);
	given_connected();
	given_in_flight(5);
	peer(ACK, .ack = 1 + MSS);
	expect_whatever();
	peer(ACK, .ack = 1 + MSS);
	peer(ACK, .ack = 1 + MSS);
	expect_nothing();
	peer(ACK, .ack = 1 + MSS);
	expect(ACK, .seq = 1 + MSS, .len = MSS);
	expect_nothing();
	peer(ACK, .ack = 1 + 5 * MSS);
	expect_nothing();
	expect_silence_ms(1000);
	must(mib(MIB_TCP_FAST_RETRANS) == 1, "fast retransmits: %llu",
	     (unsigned long long)mib(MIB_TCP_FAST_RETRANS));
	script_finish();
}

/* RFC 3042: the first two duplicate ACKs let a new segment go each. */
TEST(limited_transmit_sends_new_data_on_duplicate_acks)
{
	int i;

	script(.seed = 4);
	given_connected();
	peer(ACK); /* the first behind the SYN-ACK may move the window: no duplicate, as in Linux */
	app_send(20 * MSS);
	for (i = 0; i < 10; i++)
		expect(ACK, .len = MSS);
	expect_nothing();
	peer(ACK, .ack = 1);
	expect(ACK, .seq = 1 + 10 * MSS, .len = MSS);
	expect_nothing();
	peer(ACK, .ack = 1);
	expect(ACK, .seq = 1 + 11 * MSS, .len = MSS);
	expect_nothing();
	script_finish();
}

/* RFC 6582 3.2 step 3: a partial ACK retransmits the next hole at once. */
TEST(partial_ack_retransmits_the_next_hole)
{
	int i;

	script(.seed = 5);
	given_connected();
	peer(ACK);
	given_in_flight(8);
	/* 1 and 3 are lost: three duplicates from 2, 4, 5. */
	for (i = 0; i < 3; i++)
		peer(ACK, .ack = 1);
	expect(ACK, .seq = 1, .len = MSS);
	expect_nothing();
	peer(ACK, .ack = 1 + 2 * MSS);
	expect(ACK, .seq = 1 + 2 * MSS, .len = MSS);
	peer(ACK, .ack = 1 + 8 * MSS);
	expect_nothing();
	expect_silence_ms(1000);
	script_finish();
}

/* RFC 5681 2: only a pure, unchanged ACK is a duplicate. */
TEST(window_updates_and_data_are_not_duplicate_acks)
{
	int i;

	script(.seed = 6);
	given_connected(.win = 50000);
	given_in_flight(5);
	for (i = 1; i <= 5; i++) {
		peer(ACK, .ack = 1, .win = 50000 + i);
		expect_nothing();
	}
	for (i = 1; i <= 5; i++) {
		peer(ACK, .ack = 1, .len = 10, .win = 50005);
		expect(ACK, .seq = 1 + 5 * MSS);
		expect_nothing();
	}
	script_finish();
}

/* RFC 8985 6.2, RFC 6675: what SACK shows to be missing is retransmitted, and only that. */
TEST(sack_retransmits_the_holes_only)
{
	script(.seed = 7);
	given_connecting();
	expect(SYN, .seq = 0);
	advance_ms(10);
	peer_synack(.sack = true);
	expect(ACK);
	given_in_flight(8);
	advance_ms(10);
	/* 1 and 3 are lost. */
	peer(ACK, .ack = 1, .sack = { { 1 + MSS, 1 + 2 * MSS } });
	peer(ACK, .ack = 1, .sack = { { 1 + 3 * MSS, 1 + 8 * MSS }, { 1 + MSS, 1 + 2 * MSS } });
	advance_ms(20);
	{
		bool seen[8] = { false };
		struct script_seen s;
		unsigned int seg;

		while (script_next(&s)) {
			must(s.info.is_tcp && s.info.tcp.len == MSS, "not a full segment");
			seg = (s.info.tcp.seq - S.f->stack_iss - 1) / MSS;
			must(seg < 8, "segment %u sent", seg);
			must(!seen[seg], "segment %u sent twice", seg);
			seen[seg] = true;
			free(s.bytes);
		}
		must(seen[0] && seen[2], "a hole was not retransmitted");
		must(!seen[1] && !seen[3] && !seen[7], "what was SACKed is retransmitted");
	}
	peer(ACK, .ack = 1 + 8 * MSS);
	expect_nothing();
	expect_silence_ms(2000);
	script_finish();
}

/* RFC 8985 7: a lost tail is probed after about two round trips, well before the RTO. */
TEST(tail_loss_is_probed_before_the_rto)
{
	script(.seed = 8);
	given_connecting();
	expect(SYN, .seq = 0);
	advance_ms(20);
	peer_synack(.sack = true);
	expect(ACK);
	given_in_flight(4);
	/* SRTT 20 ms: the probe comes at about 40 ms. */
	expect_after_ms(35, 60, ACK, .seq = 1 + 3 * MSS, .len = MSS);
	expect_nothing();
	script_check(mib(MIB_TCP_LOSS_PROBES), 1, "loss probes");
	peer(ACK, .ack = 1 + 4 * MSS, .sack = { { 1 + 3 * MSS, 1 + 4 * MSS } });
	expect_nothing();
	expect_silence_ms(1000);
	script_finish();
}

/* RFC 6298 5.2, 5.3: an ACK of new data restarts the timer; all acknowledged stops it. */
TEST(ack_restarts_the_retransmission_timer)
{
	script(.seed = 9);
	given_connected();
	given_in_flight(2);
	advance_ms(150);
	peer(ACK, .ack = 1 + MSS);
	expect_nothing();
	/* The RTO has grown by the sample of 150 ms, and starts now. */
	expect_silence_ms(199);
	expect_after_ms(1, 600, ACK, .seq = 1 + MSS, .len = MSS);
	peer(ACK);
	expect_silence_ms(5000);
	script_finish();
}

/* RFC 6298 3 (Karn): a retransmitted segment gives no sample; the back-off stays. */
TEST(karn_keeps_the_backoff_without_timestamps)
{
	script(.seed = 10);
	given_connected();
	app_send(100);
	expect(ACK, .len = 100);
	expect_after_ms(195, 210, ACK, .seq = 1, .len = 100);
	expect_after_ms(395, 415, ACK, .seq = 1, .len = 100);
	peer(ACK);
	app_send(100);
	expect(ACK, .seq = 101, .len = 100);
	expect_nothing();
	/* No valid sample since: the time-out is still backed off to 800 ms (RFC 6298 5.5 note). */
	expect_after_ms(790, 830, ACK, .seq = 101, .len = 100);
	script_finish();
}

/* RFC 7323 4.1: the timestamp tells which copy was acknowledged, so that one may be measured. */
TEST(timestamps_measure_a_retransmitted_segment)
{
	script(.seed = 14);
	given_connected(.ts = true);
	app_send(100);
	expect(ACK, .len = 100);
	expect_after_ms(195, 210, ACK, .seq = 1, .len = 100);
	expect_after_ms(395, 415, ACK, .seq = 1, .len = 100);
	advance_ms(20);
	peer(ACK);
	/* 20 ms: the back-off is over (RFC 6298 5.7). */
	app_send(100);
	expect(ACK, .seq = 101, .len = 100);
	expect_after_ms(200, 260, ACK, .seq = 101, .len = 100);
	peer(ACK);
	script_finish();
}

/* RFC 6298 5, after an RTO: slow start from one segment. */
TEST(after_an_rto_one_segment_goes)
{
	script(.seed = 11);
	given_connected();
	given_in_flight(6);
	expect_after_ms(195, 210, ACK, .seq = 1, .len = MSS);
	expect_nothing();
	peer(ACK, .ack = 1 + MSS);
	expect(ACK, .seq = 1 + MSS, .len = MSS);
	expect(ACK, .seq = 1 + 2 * MSS, .len = MSS);
	expect_nothing();
	peer(ACK, .ack = 1 + 6 * MSS);
	expect_silence_ms(2000);
	script_finish();
}

/* RFC 5482, tcp(7) TCP_USER_TIMEOUT. */
TEST(user_timeout_limits_retransmission)
{
	script(.seed = 12);
	given_connected();
	app_setint(IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
	app_send(100);
	expect(ACK, .len = 100);
	advance_ms(2900);
	expect_whatever();
	app_error(0);
	advance_ms(3800);
	expect_whatever();
	app_error(ETIMEDOUT);
	script_finish();
}

/* The retransmission uses the mbuf again: the link may still be reading the first copy. */
TEST(retransmission_while_the_link_holds_the_first_copy)
{
	script(.seed = 13, .late_dma = true);
	S.wire->ports[0].tx.rate_bps = 100000; /* 1500 bytes: 120 ms */
	given_connecting();
	expect_after_ms(0, 20, SYN, .seq = 0);
	peer_synack();
	expect_after_ms(0, 20, ACK);
	app_send(3 * MSS);
	expect_after_ms(100, 140, ACK, .seq = 1, .len = MSS);
	expect_after_ms(100, 140, ACK, .seq = 1 + MSS, .len = MSS);
	advance_ms(600);
	expect_whatever();
	peer(ACK, .ack = 1 + 3 * MSS);
	advance_ms(3000);
	expect_whatever();
	app_error(0);
	script_finish();
}

/* -- keepalive: RFC 1122 4.2.3.6 ------------------------------------------------------------------ */

static void keepalive_on(void)
{
	app_setint(SOL_SOCKET, SO_KEEPALIVE, 1);
	app_setint(IPPROTO_TCP, TCP_KEEPIDLE, 10);
	app_setint(IPPROTO_TCP, TCP_KEEPINTVL, 5);
	app_setint(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

TEST(keepalive_is_off_by_default)
{
	script(.seed = 20);
	given_accepted();
	expect_silence_ms(3 * 3600e3);
	app_error(0);
	script_finish();
}

TEST(keepalive_probes_an_idle_peer_and_an_answer_calms_it)
{
	script(.seed = 21);
	given_accepted();
	keepalive_on();
	/* The probe is an old number, without data. */
	expect_after_ms(9990, 10100, ACK, .seq = 0, .ack = 1);
	peer(ACK);
	expect_nothing();
	expect_after_ms(9990, 10200, ACK, .seq = 0);
	expect_after_ms(4990, 5100, ACK, .seq = 0);
	peer(ACK);
	expect_silence_ms(9900);
	app_error(0);
	script_finish();
}

TEST(keepalive_gives_up_after_keepcnt_probes)
{
	script(.seed = 22);
	given_accepted();
	keepalive_on();
	expect_after_ms(9990, 10100, ACK, .seq = 0);
	expect_after_ms(4990, 5100, ACK, .seq = 0);
	expect_after_ms(4990, 5100, ACK, .seq = 0);
	expect_after_ms(4990, 5100, RSTACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_error(ETIMEDOUT);
	script_finish();
}

/* RFC 9293 3.10.7.4: the other side of it: a probe is answered by an ACK. */
TEST(keepalive_probe_of_the_peer_is_answered)
{
	script(.seed = 23);
	given_accepted();
	peer(ACK, .seq = 0, .ack = 1);
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	advance_ms(2000);
	peer(ACK, .seq = 0, .len = 1, .ack = 1); /* 4.2BSD's with a garbage byte */
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_recv(10, -EAGAIN);
	script_finish();
}

SIM_MAIN("tcp-loss")
