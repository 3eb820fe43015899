/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_gro.c - segments that the link has joined (LRO, a TAP's super-packets): to the peer it
 * must not matter.
 */
#include "stack/core/mib.h"
#include "stack/inet/filter.h"
#define SIM_BOTH_FAMILIES
#include "test/sim/sim.h"
#include "test/wire/script.h"

#define MSS 1460

/* So much room that the window stays at its most: else reading, not arrival, sends the ACK. */
static void give_room(void)
{
	app_setint(SOL_SOCKET, SO_RCVBUF, 400000);
}

/* A connection past its first quick ACKs, on a link that joins. */
static void given_joining(void)
{
	S.wire->ports[0].rx_join = true;
	given_accepted();
	give_room();
	app_setint(IPPROTO_TCP, TCP_QUICKACK, 0);
	expect_nothing();
}

/* What the peer sends until arrive() arrives in one burst. */
static void hold(void)
{
	S.node->frozen = true;
}

static void arrive(void)
{
	S.node->frozen = false;
	world_settle(S.world);
}

static uint64_t joined(void)
{
	return S.wire->ports[0].stats.joined;
}

/* RFC 5681 4.2: at least every second full segment, whatever they arrive as. */
TEST(joined_segments_are_acknowledged_at_once)
{
	uint64_t segs;
	unsigned int n;

	script(.seed = 1);
	given_joining();
	for (n = 2; n <= 5; n++) {
		segs = mib(MIB_TCP_IN_SEGS);
		hold();
		for (unsigned int i = 0; i < n; i++)
			peer(ACK, .len = MSS);
		arrive();
		expect(ACK);
		expect_nothing();
		app_recv(10 * MSS, n * MSS);
		script_check(mib(MIB_TCP_IN_SEGS) - segs, n, "segments counted");
	}
	script_check(joined(), 1 + 2 + 3 + 4, "joined segments");
	script_finish();
}

/* A full one and a short one: no two full segments, so the ACK may wait. */
TEST(the_ack_of_less_than_two_full_segments_waits)
{
	script(.seed = 2);
	given_joining();
	peer(ACK, .len = MSS);
	peer(ACK, .len = MSS);
	expect(ACK);
	hold();
	peer(ACK, .len = 700);
	peer(ACK, .len = 700);
	arrive();
	script_check(joined(), 1, "joined segments");
	expect_nothing();
	expect_after_ms(39, 42, ACK);
	app_recv(10 * MSS, 2 * MSS + 1400);
	script_finish();
}

/* The last byte of 64 KiB is further from the frame's start than 16 bits can say. */
TEST(the_longest_joined_frame_is_read_in_any_pieces)
{
	uint32_t len, left;

	script(.seed = 3, .mbufs = 4096);
	given_joining();
	hold();
	/* The window takes 64240 bytes: 44 segments. */
	for (len = 0; len < 44 * MSS; len += MSS)
		peer(ACK, .len = MSS);
	arrive();
	script_check(joined(), 43, "joined segments");
	expect(ACK, .ack = 1 + 44 * MSS);
	for (left = len; left > 999; left -= 999)
		app_recv(999, 999);
	app_recv(999, left);
	expect_whatever();
	script_finish();
}

/* SO_ATTACH_FILTER: keep so many bytes, headers included, of segments with these flags alone. */
static void attach_flags_filter(uint8_t flags, uint32_t keep)
{
	struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
				      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, flags, 0, 1),
				      BPF_STMT(BPF_RET | BPF_K, keep), BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog prog = { .len = 4, .filter = code };

	script_check(socket_setsockopt(S.node->st, S.c->so, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
				       sizeof(prog), S.world->now), 0, "SO_ATTACH_FILTER");
}

/* The headers of a joined frame were taken off before its socket was known: it sees them still. */
TEST(a_filter_sees_the_headers_of_a_joined_frame)
{
	script(.seed = 9);
	given_joining();
	attach_flags_filter(0x10, 20 + MSS + 500); /* ACK */
	hold();
	peer(ACK, .len = MSS);
	peer(ACK, .len = MSS);
	arrive();
	script_check(joined(), 1, "joined segments");
	expect(ACK, .ack = 1 + MSS + 500);
	app_recv(10 * MSS, MSS + 500);
	attach_flags_filter(0x11, 4096);
	hold();
	peer(ACK, .seq = 1 + MSS + 500, .len = MSS);
	peer(ACK, .len = MSS);
	arrive();
	script_check(joined(), 2, "joined segments");
	expect_nothing();
	script_finish();
}

TEST(the_new_part_of_a_joined_frame_is_taken)
{
	script(.seed = 4);
	given_joining();
	peer(ACK, .seq = 1, .len = MSS);
	peer(ACK, .seq = 1 + MSS, .len = MSS);
	expect(ACK);
	hold();
	for (unsigned int i = 0; i < 4; i++)
		peer(ACK, .seq = 1 + i * MSS, .len = MSS);
	arrive();
	script_check(joined(), 3, "joined segments");
	expect(ACK, .ack = 1 + 4 * MSS);
	app_recv(10 * MSS, 4 * MSS);
	script_finish();
}

TEST(a_joined_frame_out_of_order_is_queued_and_reported)
{
	script(.seed = 5);
	S.wire->ports[0].rx_join = true;
	given_accepted(.sack = true);
	give_room();
	hold();
	for (unsigned int i = 1; i < 4; i++)
		peer(ACK, .seq = 1 + i * MSS, .len = MSS);
	arrive();
	script_check(joined(), 2, "joined segments");
	expect(ACK, .ack = 1, .sack = { { 1 + MSS, 1 + 4 * MSS } });
	peer(ACK, .seq = 1, .len = MSS);
	expect(ACK, .ack = 1 + 4 * MSS);
	app_recv(10 * MSS, 4 * MSS);
	script_finish();
}

SIM_MAIN("tcp-gro")
