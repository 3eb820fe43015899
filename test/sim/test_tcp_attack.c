/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_attack.c - blind attacks and stale segments: RFC 5961, PAWS, malformed input. */
#include "stack/core/mib.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

static void connection_still_works(void)
{
	peer(ACK, .len = 10);
	expect_whatever();
	app_recv(100, 10);
	app_error(0);
}

/* RFC 5961 3.2: RST in the window but not at its left edge: challenge ACK. */
TEST(in_window_rst_is_challenged)
{
	script(.seed = 1);
	given_accepted();
	peer(RST, .seq = 100);
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	connection_still_works();
	script_check(mib(MIB_TCP_CHALLENGE_ACKS), 1, "challenge ACKs");
	script_finish();
}

/* RFC 5961 3.2: RST outside the window: dropped silently. */
TEST(established_out_of_window_rst_is_dropped)
{
	script(.seed = 2);
	given_accepted();
	peer(ACK, .len = 10);
	expect_whatever();
	app_recv(10, 10);
	peer(RST, .seq = 5);
	peer(RST, .seq = 11 + S.f->stack_win + 1000);
	peer(RST, .seq = 11 + 0x80000000u);
	expect_nothing();
	connection_still_works();
	script_finish();
}

TEST(rst_at_the_left_edge_resets)
{
	script(.seed = 3);
	given_accepted();
	peer(ACK, .len = 10);
	expect_whatever();
	peer(RST, .seq = 11);
	expect_nothing();
	app_error(ECONNRESET);
	script_finish();
}

/* Linux tcp_validate_incoming(): with a gap, RST at the end of the last SACK block counts as well. */
TEST(rst_at_the_end_of_sacked_data_resets)
{
	script(.seed = 4);
	given_accepted(.sack = true);
	peer(ACK, .seq = 101, .len = 100);
	expect(ACK, .ack = 1, .sack = { { 101, 201 } });
	peer(RST, .seq = 201);
	expect_nothing();
	app_error(ECONNRESET);
	script_finish();
}

/* RFC 5961 4.2: a SYN on an established connection is challenged, wherever its number lies. */
TEST(syn_on_established_connection_is_challenged)
{
	script(.seed = 5);
	given_accepted();
	peer(SYN, .seq = 50, .mss = 1460);
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	advance_ms(600);
	S.f->snd_nxt = 1;
	peer(SYN, .seq = 0x70000000, .mss = 1460);
	S.f->snd_nxt = 1;
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	connection_still_works();
	script_finish();
}

/* RFC 5961 5.2: an ACK of what was never sent is answered and its segment dropped. */
TEST(ack_of_unsent_data_is_challenged_and_dropped)
{
	script(.seed = 6);
	given_accepted();
	peer(ACK, .seq = 1, .len = 10, .ack = 500);
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_recv(100, -EAGAIN);
	S.f->snd_nxt = 1;
	connection_still_works();
	script_finish();
}

/* RFC 5961 5.2: an ACK older than any window is challenged. */
TEST(ack_older_than_the_largest_window_is_challenged)
{
	script(.seed = 7);
	given_accepted(.win = 1000);
	peer(ACK, .seq = 1, .len = 10, .ack = 1 - 2000);
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_recv(100, -EAGAIN);
	S.f->snd_nxt = 1;
	connection_still_works();
	script_finish();
}

/* RFC 5961 7: challenge ACKs are limited, per connection as Linux does. */
TEST(challenge_acks_are_rate_limited)
{
	int i;

	script(.seed = 8);
	given_accepted();
	for (i = 0; i < 20; i++)
		peer(RST, .seq = 100 + i);
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	advance_ms(600);
	peer(RST, .seq = 100);
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.10.7.4 fifth: a segment without ACK is dropped. */
TEST(segment_without_ack_is_dropped)
{
	script(.seed = 9);
	given_accepted();
	peer(0, .seq = 1, .len = 10);
	expect_nothing();
	app_recv(100, -EAGAIN);
	script_finish();
}

/* RFC 7323 5.3 R1: an old timestamp: acknowledge and drop. */
TEST(paws_drops_segments_with_old_timestamps)
{
	script(.seed = 10);
	given_accepted(.ts = true);
	advance_ms(100);
	peer(ACK, .len = 10);
	expect_whatever();
	app_recv(100, 10);
	peer(ACK, .seq = 11, .len = 10, .tsval = S.ts_base - 5000);
	expect(ACK, .ack = 11);
	expect_nothing();
	app_recv(100, -EAGAIN);
	script_check(mib(MIB_TCP_PAWS_DROP), 1, "PAWS drops");
	S.f->snd_nxt = 11;
	connection_still_works();
	script_finish();
}

/* RFC 7323 5.3 R1: RST is not subject to PAWS. */
TEST(paws_does_not_stop_a_rst)
{
	script(.seed = 11);
	given_accepted(.ts = true);
	advance_ms(100);
	peer(ACK, .len = 10);
	expect_whatever();
	peer(RST, .seq = 11, .tsval = S.ts_base - 5000);
	expect_nothing();
	app_error(ECONNRESET);
	script_finish();
}

/* RFC 7323 5.5: after 24 days of silence the recent timestamp is worth nothing. */
TEST(paws_forgets_after_24_days)
{
	script(.seed = 12);
	given_accepted(.ts = true);
	advance_ms(25.0 * 24 * 3600 * 1000);
	expect_nothing();
	peer(ACK, .len = 10, .tsval = S.ts_base - 5000);
	expect_whatever();
	app_recv(100, 10);
	script_finish();
}

/* RFC 7323 5.4: timestamps wrap; newer is newer in modular arithmetic. */
TEST(timestamps_wrap)
{
	script(.seed = 13);
	S.ts_base = 0u - 1000000u - 50; /* the clock starts at 1000 s: wraps after 50 ms */
	given_accepted(.ts = true);
	peer(ACK, .len = 10);
	expect_whatever();
	advance_ms(100);
	peer(ACK, .len = 10);
	expect_whatever();
	advance_ms(100);
	expect_whatever();
	app_recv(100, 20);
	peer(ACK, .seq = 21, .len = 10, .tsval = 0u - 40);
	expect(ACK, .ack = 21);
	app_recv(100, -EAGAIN);
	script_finish();
}

/* RFC 7323 3.2: a segment without the agreed option: Linux takes it all the same. */
TEST(missing_timestamp_is_tolerated)
{
	script(.seed = 14);
	given_accepted(.ts = true);
	peer(ACK, .len = 10, .tsval = NONE);
	expect_whatever();
	app_recv(100, 10);
	script_finish();
}

/* RFC 9293 3.10.7.4 first: an unacceptable segment is answered by an ACK, limited in rate. */
TEST(old_segments_are_acknowledged_at_a_limited_rate)
{
	int i;

	script(.seed = 15);
	given_accepted();
	peer(ACK, .len = 10);
	expect_whatever();
	for (i = 0; i < 10; i++)
		peer(ACK, .seq = 11 + S.f->stack_win + 1000, .len = 0);
	expect(ACK, .ack = 11);
	S.f->snd_nxt = 11;
	expect_nothing();
	script_finish();
}

/* Malformed options on an established connection: never a crash, and nothing is taken. */
TEST(malformed_options_are_survived)
{
	static const uint8_t bad[][8] = {
		{ 8, 0, 0, 0 }, { 8, 1, 0, 0 }, { 8, 40, 0, 0 }, { 5, 2, 1, 1 },
		{ 5, 3, 1, 1 }, { 2, 0, 0, 0 }, { 254, 0, 0, 0 }, { 1, 1, 1, 8 },
		{ 3, 200, 1, 1 },
	};
	unsigned int i;

	script(.seed = 16);
	given_accepted();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		peer(ACK, .seq = 1, .opts = bad[i], .optlen = 4);
		expect_whatever();
	}
	connection_still_works();
	script_finish();
}

/* The data offset points beyond the segment, or before the header's end. */
TEST(bad_data_offset_is_dropped)
{
	uint8_t buf[FRAME_MAX];
	struct frame_tcp t = { .sport = SCRIPT_PEER_PORT, .dport = SCRIPT_STACK_PORT, .flags = ACK,
			       .win = 1000 };
	unsigned int doff;
	size_t len;

	script(.seed = 17);
	given_accepted();
	t.seq = S.f->peer_iss + 1;
	t.ack = S.f->stack_iss + 1;
	for (doff = 0; doff < 16; doff++) {
		if (doff == 5)
			continue;
		len = frame_build_tcp(buf, &S.path, &t);
		buf[ETH_HLEN + frame_ip_len(&S.path) + 12] = (uint8_t)(doff << 4);
		frame_fill_csums(buf, len);
		script_peer_frame(buf, len);
	}
	expect_nothing();
	must(mib(MIB_TCP_IN_ERRS) >= 15, "only %llu errors counted",
	     (unsigned long long)mib(MIB_TCP_IN_ERRS));
	connection_still_works();
	script_finish();
}

/* RFC 4987 3.1: the SYN queue is bounded; SYN cookies when it is full. */
TEST(syn_flood_is_answered_by_cookies_and_a_real_client_gets_in)
{
	unsigned int i;

	script(.seed = 18);
	given_listening(.backlog = 4);
	for (i = 0; i < 200; i++) {
		S.f->snd_nxt = 0;
		peer(SYN, .seq = 0, .mss = 1460, .sport = 1000 + i);
	}
	expect_whatever();
	must(mib(MIB_TCP_SYNCOOKIES_SENT) > 100, "only %llu cookies sent",
	     (unsigned long long)mib(MIB_TCP_SYNCOOKIES_SENT));
	use_flow(5);
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	peer(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_accept();
	script_check(mib(MIB_TCP_SYNCOOKIES_RECV), 1, "cookies received");
	peer(ACK, .len = 10);
	expect_whatever();
	app_recv(100, 10);
	script_finish();
}

/* A guessed cookie is reset and counted. */
TEST(wrong_cookie_is_reset)
{
	unsigned int i;

	script(.seed = 19);
	given_listening(.backlog = 1);
	for (i = 0; i < 50; i++)
		peer(SYN, .seq = 0, .mss = 1460, .sport = 1000 + i);
	expect_whatever();
	use_flow(5);
	peer(ACK, .seq = 1, .ack = 123456789);
	expect(RST, .seq = 123456789);
	must(conn_accept(S.listener) == NULL, "a guessed cookie was accepted");
	script_finish();
}

SIM_MAIN("tcp-attack")
