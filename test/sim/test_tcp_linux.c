/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_linux.c - particulars that the packet scripts (test/packet) found to differ from
 * Linux, each as a scenario of its own.
 */
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

/* -- handshake ----------------------------------------------------------------------------- */

TEST(one_segment_of_the_buffer_is_kept_back_from_the_window)
{
	script(.seed = 1);
	given_accepted();
	/* 64240 in the SYN-ACK; what was used does not come back until the buffer grows. */
	peer(ACK, .len = 100);
	expect(ACK, .ack = 101, .win = 64140);
	app_recv(100, 100);
	peer(ACK, .len = 100);
	expect(ACK, .ack = 201, .win = 64040);
	script_finish();
}

static void large_buffer(struct conn *c)
{
	script_check(conn_setint(c, SOL_SOCKET, SO_RCVBUF, 300000), 0, "SO_RCVBUF");
}

TEST(a_large_first_window_is_cut_in_the_header_only)
{
	script(.seed = 2);
	given_listening(.setup = large_buffer);
	peer_syn(.wscale = 7);
	expect(SYNACK, .win = 65535, .mss = ANY, .wscale = ANY);
	script_finish();
}

TEST(a_peer_that_asks_for_less_than_48_bytes_gets_48)
{
	script(.seed = 3);
	given_accepted(.mss = 40);
	app_send(96);
	expect(ACK, .seq = 1, .len = 48);
	expect(ACK, .seq = 49, .len = 48);
	script_finish();
}

TEST(a_simultaneous_open_offers_all_options_again)
{
	script(.seed = 4);
	given_connecting();
	expect(SYN, .mss = ANY, .wscale = ANY, .sackok = 1, .tsval = ANY, .tsecr = 0);
	peer_syn();
	expect(SYNACK, .seq = 0, .mss = ANY, .wscale = ANY, .sackok = 1, .tsval = ANY, .tsecr = 0);
	script_finish();
}

TEST(a_wrong_ack_of_the_syn_is_reset_and_the_syn_sent_again)
{
	script(.seed = 5);
	given_connecting();
	expect(SYN, .mss = ANY, .wscale = ANY, .sackok = 1, .tsval = ANY, .tsecr = 0);
	peer(ACK, .seq = 0, .ack = 5);
	expect(RST, .seq = 5, .ack = ANY);
	expect_after_ms(0, 12, SYN, .seq = 0, .mss = ANY, .wscale = ANY, .sackok = 1, .tsval = ANY,
			.tsecr = 0);
	script_finish();
}

/* -- acknowledgments ------------------------------------------------------------------------- */

TEST(a_fin_without_data_is_acknowledged_at_once)
{
	script(.seed = 10);
	given_accepted();
	peer(FINACK);
	expect_after_ms(0, 1, ACK, .ack = 2);
	script_finish();
}

TEST(an_ack_older_than_all_that_was_sent_is_challenged)
{
	script(.seed = 11);
	given_accepted();
	peer(ACK, .ack = -100, .len = 10);
	expect(ACK, .ack = 1);
	app_recv(10, -EAGAIN);
	script_finish();
}

TEST(a_timestamp_with_an_unacceptable_ack_is_not_remembered)
{
	script(.seed = 12);
	given_accepted(.ts = true);
	peer(ACK, .seq = 1, .ack = 1000, .len = 10, .tsval = 300000000);
	expect(ACK, .ack = 1, .tsval = ANY, .tsecr = ANY);
	/* Else this one would be taken for an old duplicate. */
	peer(ACK, .seq = 1, .ack = 1, .len = 10, .tsval = 290000000);
	expect(ACK, .ack = 11, .tsval = ANY, .tsecr = 290000000);
	script_finish();
}

TEST(data_in_time_wait_is_acknowledged_each_time)
{
	script(.seed = 13);
	given_accepted();
	app_close();
	expect(FINACK, .seq = 1);
	peer(FINACK);
	expect(ACK, .seq = 2, .ack = 2);
	for (int i = 0; i < 3; i++) {
		peer(FINACK, .seq = 1);
		expect(ACK, .seq = 2, .ack = 2);
	}
	script_finish();
}

/* -- closing ------------------------------------------------------------------------------------ */

TEST(data_after_a_full_shutdown_resets)
{
	script(.seed = 20);
	given_accepted();
	app_shutdown(SHUT_RDWR);
	expect(FINACK, .seq = 1);
	peer(ACK, .ack = 2);
	peer(ACK, .len = 10);
	expect(RST, .seq = 2, .ack = ANY);
	app_recv(10, -ECONNRESET);
	script_finish();
}

TEST(a_retransmission_takes_the_fin_along)
{
	script(.seed = 21);
	given_accepted();
	app_send(1000);
	expect(ACK, .seq = 1, .len = 1000);
	app_close();
	expect(FINACK, .seq = 1001);
	expect_after_ms(100, 1100, FINACK, .seq = 1, .len = 1000);
	peer(FINACK);
	expect(ACK, .ack = 2);
	script_finish();
}

TEST(small_segments_are_sent_again_as_one)
{
	script(.seed = 22);
	given_accepted();
	app_setint(IPPROTO_TCP, TCP_NODELAY, 1);
	for (unsigned int i = 0; i < 3; i++) {
		app_send(100);
		expect(ACK, .seq = 1 + 100 * i, .len = 100);
	}
	expect_after_ms(100, 1100, ACK, .seq = 1, .len = 300);
	peer(ACK, .ack = 301);
	expect_nothing();
	script_finish();
}

/* -- the send buffer ------------------------------------------------------------------------------- */

TEST(a_send_buffer_takes_what_it_takes_on_linux)
{
	script(.seed = 30);
	given_accepted();
	app_setint(SOL_SOCKET, SO_SNDBUF, 4096);
	/* Half of the peer's window at a time, the ten segments that leave besides. */
	app_send_gives(60000, 14600 + 32120);
	app_send_gives(1000, -EAGAIN);
	expect_whatever();
	script_finish();
}

SIM_MAIN("tcp-linux")
