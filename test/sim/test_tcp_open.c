/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_open.c - how connections begin, and how they fail to. */
#include "stack/core/mib.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

#define POLL_DEAD (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP)

/* -- active open ---------------------------------------------------------------------- */

/* RFC 9293 3.5 figure 6; RFC 7323, 2018: all options are offered by an active opener. */
TEST(connect_offers_all_options_and_completes)
{
	script(.seed = 1);
	given_connecting();
	expect(SYN, .seq = 0, .mss = 1460, .wscale = 7, .sackok = 1, .tsval = ANY, .tsecr = 0);
	expect_nothing();
	app_poll(0);
	peer_synack(.ts = true, .sack = true, .wscale = 7);
	expect(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_poll(EPOLLOUT);
	app_error(0);
	script_check(mib(MIB_TCP_ACTIVE_OPENS), 1, "active opens");
	script_finish();
}

/* RFC 7323 1.3: an option is used only if both SYNs had it. */
TEST(connect_without_peer_options_sends_bare_segments)
{
	script(.seed = 2);
	given_connected(.mss = NONE);
	app_send(100);
	expect(ACK, .seq = 1, .len = 100, .tsval = NONE);
	expect_nothing();
	script_finish();
}

/* connect(2): EALREADY while it goes on, EISCONN after. */
TEST(connect_again_says_already_then_connected)
{
	struct ipaddr to = ip4(192, 0, 2, 2);

	script(.seed = 3);
	given_connecting();
	expect(SYN, .seq = 0);
	script_check(conn_connect(S.c, &to, SCRIPT_PEER_PORT), -EALREADY, "connect");
	expect_nothing();
	peer_synack();
	expect(ACK);
	/* The first call after completion reports success, as on Linux. */
	script_check(conn_connect(S.c, &to, SCRIPT_PEER_PORT), 0, "connect");
	script_check(conn_connect(S.c, &to, SCRIPT_PEER_PORT), -EISCONN, "connect");
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.10.7.3 second; connect(2) ECONNREFUSED. */
TEST(refused_connect_reports_econnrefused_once)
{
	script(.seed = 4);
	given_connecting();
	expect(SYN, .seq = 0);
	peer(RSTACK, .seq = 0, .ack = 1, .win = 0);
	expect_nothing();
	app_poll(POLL_DEAD);
	app_error(ECONNREFUSED);
	app_error(0);
	app_recv(10, 0);
	app_send_gives(10, -EPIPE);
	expect_silence_ms(5000);
	script_finish();
}

/* RFC 9293 3.10.7.3 second: an RST counts only if its ACK is acceptable. */
TEST(syn_sent_ignores_rst_without_or_with_wrong_ack)
{
	script(.seed = 5);
	given_connecting();
	expect(SYN, .seq = 0);
	peer(RST, .seq = 0);
	peer(RSTACK, .seq = 0, .ack = 7);
	expect_nothing();
	app_poll(0);
	peer_synack();
	expect(ACK);
	app_poll(EPOLLOUT);
	script_finish();
}

/* RFC 9293 3.10.7.3 first: an unacceptable ACK is answered by RST with its number. */
TEST(syn_sent_resets_unacceptable_ack)
{
	script(.seed = 6);
	given_connecting();
	expect(SYN, .seq = 0);
	peer(SYNACK, .seq = 0, .ack = 5);
	expect(RST, .seq = 5);
	expect_nothing();
	peer_synack();
	expect(ACK, .seq = 1);
	app_poll(EPOLLOUT);
	script_finish();
}

/* RFC 9293 3.10.7.3: an ACK without SYN or RST is dropped. */
TEST(syn_sent_drops_acceptable_ack_without_syn)
{
	script(.seed = 7);
	given_connecting();
	expect(SYN, .seq = 0);
	peer(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_poll(0);
	script_finish();
}

/* RFC 6298 2.1, 5.5; tcp(7) tcp_syn_retries 6: 1, 3, 7, 15, 31, 63 s, given up at 127 s. */
TEST(syn_is_retransmitted_with_backoff_until_etimedout)
{
	double gap = 1000;
	int i;

	script(.seed = 8);
	given_connecting();
	expect(SYN, .seq = 0);
	for (i = 0; i < 6; i++, gap *= 2)
		expect_after_ms(gap - 1, gap + gap / 50 + 2, SYN, .seq = 0);
	advance_ms(gap - 1000);
	expect_nothing();
	app_poll(0);
	advance_ms(4000);
	expect_nothing();
	app_poll(POLL_DEAD);
	app_error(ETIMEDOUT);
	script_finish();
}

/* tcp(7) TCP_SYNCNT. */
TEST(syncnt_limits_syn_retransmissions)
{
	script(.seed = 9);
	S.c = conn_socket(S.node, SOCK_STREAM);
	app_setint(IPPROTO_TCP, TCP_SYNCNT, 2);
	script_check(conn_connect(S.c, &S.peer_addr, SCRIPT_PEER_PORT), -EINPROGRESS, "connect");
	expect(SYN, .seq = 0);
	expect_after_ms(999, 1030, SYN, .seq = 0);
	expect_after_ms(1999, 2060, SYN, .seq = 0);
	expect_silence_ms(4200);
	app_error(ETIMEDOUT);
	script_finish();
}

/* RFC 6298 5.7: when the SYN timed out, the RTO for data starts at 3 s. */
TEST(after_a_lost_syn_without_timestamps_the_rto_is_three_seconds)
{
	script(.seed = 10);
	given_connecting();
	expect(SYN, .seq = 0);
	expect_after_ms(999, 1030, SYN, .seq = 0);
	peer_synack();
	expect(ACK);
	app_send(10);
	expect(ACK, .len = 10);
	expect_after_ms(2990, 3070, ACK, .seq = 1, .len = 10);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.5 figure 7. */
TEST(simultaneous_open_completes_with_plain_ack)
{
	script(.seed = 11);
	given_connecting();
	expect(SYN, .seq = 0);
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1, .mss = 1460);
	expect_nothing();
	app_poll(0);
	peer(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_poll(EPOLLOUT);
	peer(ACK, .len = 10);
	expect(ACK, .ack = 11);
	app_recv(100, 10);
	script_finish();
}

/* RFC 9293 3.5 figure 7: both answer with SYN-ACK, and both are established. */
TEST(simultaneous_open_completes_with_crossed_syn_acks)
{
	script(.seed = 12);
	given_connecting();
	expect(SYN, .seq = 0);
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	peer(SYNACK, .seq = 0, .ack = 1, .mss = 1460);
	/* An ACK may answer the repeated SYN; the connection stands without it. */
	expect_whatever();
	app_poll(EPOLLOUT);
	app_send(10);
	expect(ACK, .seq = 1, .ack = 1, .len = 10);
	script_finish();
}

/* close(2) in SYN-SENT: RFC 9293 3.10.4, the TCB is deleted, nothing is sent. */
TEST(close_while_connecting_is_silent)
{
	script(.seed = 13);
	given_connecting();
	expect(SYN, .seq = 0);
	app_close();
	expect_nothing();
	/* What comes later belongs to nobody. */
	peer_synack();
	expect(RST, .seq = 1);
	expect_silence_ms(5000);
	script_finish();
}

/* -- passive open ----------------------------------------------------------------------- */

/* RFC 7323 2.2, 3.2; RFC 2018 2: a SYN-ACK repeats only what the SYN offered. */
TEST(syn_ack_repeats_only_offered_options)
{
	script(.seed = 20);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1, .mss = 1460, .wscale = NONE, .sackok = NONE,
	       .tsval = NONE);
	expect_nothing();
	use_flow(1);
	peer_syn(.ts = true, .sack = true, .wscale = 3);
	expect(SYNACK, .seq = 0, .ack = 1, .mss = 1460, .wscale = 7, .sackok = 1, .tsval = ANY,
	       .tsecr = (uint32_t)(S.ts_base + S.world->now / 1000000));
	expect_nothing();
	script_finish();
}

TEST(accepted_connection_works)
{
	script(.seed = 21);
	given_accepted();
	script_check(mib(MIB_TCP_PASSIVE_OPENS), 1, "passive opens");
	peer(ACK, .len = 100);
	expect(ACK, .ack = 101);
	app_poll(EPOLLIN | EPOLLOUT);
	app_recv(1000, 100);
	app_poll(EPOLLOUT);
	app_recv(1000, -EAGAIN);
	app_send(50);
	expect(ACK, .len = 50);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.10.7.4: data with the handshake's last ACK is delivered. */
TEST(data_in_the_third_segment_is_delivered)
{
	script(.seed = 22);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0);
	peer(ACK, .seq = 1, .len = 20);
	expect(ACK, .ack = 21);
	expect_nothing();
	app_accept();
	app_poll(EPOLLIN | EPOLLOUT);
	app_recv(100, 20);
	script_finish();
}

/* RFC 9293 3.10.7.4: the final ACK may be lost; data acknowledges as well. */
TEST(fin_with_the_third_segment_is_seen_by_the_accepting_program)
{
	script(.seed = 23);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0);
	peer(FINACK, .seq = 1, .len = 20);
	app_accept();
	app_recv(100, 20);
	app_recv(100, 0);
	expect_whatever();
	script_finish();
}

/* tcp(7) tcp_synack_retries 5: 1, 3, 7, 15, 31 s. */
TEST(syn_ack_is_retransmitted_five_times_then_forgotten)
{
	double gap = 1000;
	int i;

	script(.seed = 24);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0);
	for (i = 0; i < 5; i++, gap *= 2)
		expect_after_ms(gap - 1, gap + gap / 50 + 2, SYNACK, .seq = 0);
	expect_silence_ms(40000);
	/* Forgotten: the late ACK meets a listener. */
	peer(ACK, .seq = 1, .ack = 1);
	expect(RST, .seq = 1);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.10.7.4: a retransmitted SYN is answered by the same SYN-ACK. */
TEST(repeated_syn_gets_the_syn_ack_again)
{
	script(.seed = 25);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	advance_ms(600);
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	expect_nothing();
	peer(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_accept();
	script_finish();
}

/* RFC 9293 3.10.7.4 fifth, SYN-RECEIVED: an unacceptable ACK is answered by RST. */
TEST(bad_ack_in_syn_received_is_reset_and_the_request_survives)
{
	script(.seed = 26);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0);
	peer(ACK, .seq = 1, .ack = 77);
	expect(RST, .seq = 77);
	expect_nothing();
	peer(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_accept();
	script_finish();
}

/* RFC 9293 3.10.7.4 second: RST in SYN-RECEIVED returns to LISTEN, the program hears nothing. */
TEST(rst_in_syn_received_forgets_the_request)
{
	script(.seed = 27);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0);
	peer(RST, .seq = 1);
	expect_nothing();
	must(conn_accept(S.listener) == NULL, "a reset request was accepted");
	peer(ACK, .seq = 1, .ack = 1);
	expect(RST, .seq = 1);
	expect_silence_ms(5000);
	script_finish();
}

/* A connection reset before accept(2) is still accepted on Linux, and reports the reset. */
TEST(connection_reset_before_accept_is_accepted_and_reports_it)
{
	script(.seed = 28);
	given_listening();
	peer_syn();
	expect(SYNACK, .seq = 0);
	peer(ACK, .seq = 1, .ack = 1);
	peer(RST, .seq = 1);
	expect_nothing();
	app_accept();
	app_recv(10, -ECONNRESET);
	script_finish();
}

/* -- no connection ------------------------------------------------------------------------ */

/* RFC 9293 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
TEST(syn_to_closed_port_is_reset)
{
	script(.seed = 30);
	S.f->stack_port = 81;
	S.f->stack_iss_known = true; /* numbers as they are */
	peer_syn();
	expect(RSTACK, .seq = 0, .ack = 1);
	expect_nothing();
	script_check(mib(MIB_TCP_OUT_RSTS), 1, "resets sent");
	script_finish();
}

/* RFC 9293 3.10.7.1: the acknowledgment covers the segment's text, too. */
TEST(reset_of_data_without_ack_acknowledges_it)
{
	script(.seed = 31);
	S.f->stack_port = 81;
	S.f->stack_iss_known = true;
	peer(FIN, .seq = 100, .len = 50);
	expect(RSTACK, .seq = 0, .ack = 151);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.10.7.1: <SEQ=SEG.ACK><CTL=RST> */
TEST(ack_to_closed_port_is_reset_with_its_ack_number)
{
	script(.seed = 32);
	S.f->stack_port = 81;
	S.f->stack_iss_known = true;
	peer(ACK, .seq = 100, .ack = 4711, .len = 50);
	expect(RST, .seq = 4711);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.5.2: never a reset in answer to a reset. */
TEST(rst_to_closed_port_is_dropped)
{
	script(.seed = 33);
	S.f->stack_port = 81;
	peer(RST, .seq = 100);
	peer(RSTACK, .seq = 100, .ack = 5);
	expect_nothing();
	script_finish();
}

/* RFC 1122 4.2.3.10: a segment to a broadcast or multicast address is dropped silently. */
TEST(syn_to_broadcast_address_is_dropped)
{
	uint8_t buf[FRAME_MAX];
	struct frame_path path;
	struct frame_tcp t = { .sport = 40000, .dport = 80, .flags = SYN, .win = 1000 };

	script(.seed = 34);
	given_listening();
	path = S.path;
	memset(path.dmac, 0xff, 6);
	path.dst = IP4(192, 0, 2, 255);
	script_peer_frame(buf, frame_build_tcp(buf, &path, &t));
	path.dst = IP4(224, 0, 0, 1);
	script_peer_frame(buf, frame_build_tcp(buf, &path, &t));
	/* To our address, but in a broadcast frame. */
	path.dst = S.path.dst;
	script_peer_frame(buf, frame_build_tcp(buf, &path, &t));
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.10.7.2: LISTEN drops RST, resets ACK, ignores segments without SYN. */
TEST(listener_drops_rst_resets_ack_and_ignores_the_rest)
{
	script(.seed = 35);
	given_listening();
	S.f->stack_iss_known = true;
	peer(RST, .seq = 5);
	peer(RSTACK, .seq = 5, .ack = 9);
	expect_nothing();
	peer(ACK, .seq = 5, .ack = 1234);
	expect(RST, .seq = 1234);
	peer(SYNACK, .seq = 5, .ack = 1235);
	expect(RST, .seq = 1235);
	peer(FIN, .seq = 5);
	peer(0, .seq = 5, .len = 10);
	peer(SYN | FIN, .seq = 5);
	expect_nothing();
	script_finish();
}

TEST(segment_with_bad_checksum_is_dropped_and_counted)
{
	script(.seed = 36);
	given_listening();
	peer(SYN, .seq = 0, .bad_csum = true);
	expect_nothing();
	script_check(mib(MIB_TCP_IN_CSUM_ERRORS), 1, "bad checksums");
	peer_syn();
	expect(SYNACK, .seq = 0);
	script_finish();
}

/* -- backlog: listen(2), Linux's accept queue holds backlog + 1 ------------------------------ */

static void handshake(unsigned int flow)
{
	use_flow(flow);
	peer_syn();
	expect(SYNACK, .seq = 0);
	peer(ACK, .seq = 1, .ack = 1);
	expect_nothing();
}

TEST(full_accept_queue_drops_syns_until_accept)
{
	script(.seed = 40);
	given_listening(.backlog = 1);
	handshake(0);
	handshake(1);
	use_flow(2);
	peer_syn();
	expect_nothing();
	must(mib(MIB_TCP_LISTEN_OVERFLOWS) >= 1, "overflow not counted");
	app_accept();
	peer_syn();
	expect(SYNACK, .seq = 0);
	peer(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_accept();
	app_accept();
	must(conn_accept(S.listener) == NULL, "a fourth connection");
	script_finish();
}

TEST(full_accept_queue_ignores_the_final_ack_and_repeats_the_syn_ack)
{
	script(.seed = 41);
	given_listening(.backlog = 1);
	use_flow(2);
	peer_syn();
	expect(SYNACK, .seq = 0);
	handshake(0);
	handshake(1);
	use_flow(2);
	peer(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	expect_after_ms(900, 1030, SYNACK, .seq = 0);
	app_accept();
	peer(ACK, .seq = 1, .ack = 1);
	expect_nothing();
	app_accept();
	app_accept();
	script_finish();
}

/* close(2) of a listener resets what was not accepted. */
TEST(closing_a_listener_resets_unaccepted_connections)
{
	script(.seed = 42);
	given_listening();
	handshake(0);
	conn_close(S.listener);
	expect(RSTACK, .seq = 1, .ack = 1);
	expect_nothing();
	peer(SYN, .seq = 100, .mss = 1460);
	S.f->stack_iss = 0;
	expect(RSTACK, .seq = 0, .ack = 101);
	script_finish();
}

/* -- MSS and window scale --------------------------------------------------------------------- */

/* RFC 9293 3.7.1: the peer's MSS limits our segments. */
TEST(segments_do_not_exceed_the_peers_mss)
{
	script(.seed = 50);
	given_connected(.mss = 500);
	app_send(1200);
	expect(ACK, .len = 500);
	expect(ACK, .len = 500);
	peer(ACK);
	expect(ACK, .len = 200);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.7.1: without an option the MSS is 536, over IPv6 1220. */
TEST(without_mss_option_segments_have_the_default_size)
{
	int mss = world_v6 ? 1220 : 536;

	script(.seed = 51);
	given_connected(.mss = NONE);
	app_send(2 * mss);
	expect(ACK, .len = mss);
	expect(ACK, .len = mss);
	expect_nothing();
	script_finish();
}

/* RFC 6691 2: the MSS option tells the MTU without options; payload shrinks by them. */
TEST(timestamps_are_taken_out_of_the_segment_size)
{
	script(.seed = 52);
	given_connected(.mss = 1460, .ts = true);
	app_send(2896);
	expect(ACK, .len = 1448);
	expect(ACK, .len = 1448);
	expect_nothing();
	script_finish();
}

/* RFC 7323 2.2: the window in a SYN is not scaled, later ones are. */
TEST(peer_window_is_scaled_except_in_the_syn)
{
	script(.seed = 53);
	given_connected(.wscale = 3, .win = 100);
	/* 100 << 3 = 800 from the next segment on; the SYN-ACK's 100 was bytes. */
	app_send(2000);
	expect_whatever();
	script_check(S.f->rcv_nxt, 101, "sent");
	peer(ACK, .win = 100);
	expect_whatever();
	script_check(S.f->rcv_nxt, 901, "sent");
	script_finish();
}

/* RFC 7323 2.3: a shift above 14 is taken as 14. */
TEST(window_scale_above_fourteen_is_fourteen)
{
	script(.seed = 54);
	given_connected(.wscale = 15, .win = 1);
	peer(ACK, .seq = 1, .ack = 1, .win = 1);
	app_send(16000);
	expect_whatever();
	/* All that the initial window lets go went: nothing was cut down to a small window. */
	script_check(S.f->rcv_nxt, 1 + 10 * 1460, "sent");
	peer(ACK, .win = 1);
	expect(ACK, .len = 16000 - 10 * 1460);
	expect_nothing();
	script_finish();
}

/* RFC 9293 3.1: unknown options are skipped, EOL ends the list, a bad length drops the segment. */
TEST(unknown_syn_options_are_skipped)
{
	static const uint8_t opts[] = { 77, 6, 1, 2, 3, 4, 1, 1, 2, 4, 1, 244, 0, 2, 4, 9 };

	script(.seed = 55);
	given_listening();
	peer(SYN, .seq = 0, .opts = opts, .optlen = sizeof(opts));
	expect(SYNACK, .seq = 0, .ack = 1);
	peer(ACK, .seq = 1, .ack = 1);
	app_accept();
	app_send(1000);
	expect(ACK, .len = 500);
	expect(ACK, .len = 500);
	script_finish();
}

TEST(syn_data_without_fast_open_is_not_acknowledged)
{
	script(.seed = 56);
	given_listening();
	peer(SYN, .seq = 0, .len = 100, .mss = 1460);
	expect(SYNACK, .seq = 0, .ack = 1);
	expect_nothing();
	script_finish();
}

SIM_MAIN("tcp-open")
