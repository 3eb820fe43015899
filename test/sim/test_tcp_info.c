/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_info.c - TCP_INFO in all its fields, in Linux's units. */
#include <linux/tcp.h>
#include <netinet/in.h>

#include "stack/core/mib.h"
/* The two headers that know TCP's options may not be included together. */
#define _NETINET_TCP_H 1
#include "test/sim/sim.h"
#include "test/wire/script.h"

/* What Linux has behind the fields of the header. */
struct info {
	struct tcp_info i;
	uint32_t rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time;
};

static struct info info(void)
{
	struct info f;
	socklen_t len = sizeof(f);

	memset(&f, 0xff, sizeof(f));
	script_check(socket_getsockopt(S.node->st, S.c->so, IPPROTO_TCP, TCP_INFO, &f, &len,
				       S.world->now),
		     0, "TCP_INFO");
	script_check(len, sizeof(f), "length");
	return f;
}
#define field(f, want) script_check(info().i.tcpi_##f, want, #f)

static void between(uint64_t got, uint64_t lo, uint64_t hi, const char *what)
{
	must(got >= lo && got <= hi, "%s is %llu, expected %llu to %llu", what,
	     (unsigned long long)got, (unsigned long long)lo, (unsigned long long)hi);
}

/* As the kernel says right after accept(2) and connect(2): measured there. */
TEST(counters_begin_as_in_the_kernel)
{
	script(.seed = 1);
	given_accepted(.ts = true, .sack = true, .wscale = 7);
	field(segs_in, 2);
	field(segs_out, 0);
	field(bytes_acked, 0);
	field(delivered, 1);
	field(advmss, 1448);
	field(snd_mss, 1448);
	field(rcv_mss, 536);
	field(options, TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE);
	field(snd_wscale, 7);
	field(delivery_rate_app_limited, 1);
	field(rcv_space, 14480);
	field(snd_cwnd, 10);
	field(snd_ssthresh, 0x7fffffff);
	field(reordering, 3);
	script_check(info().rcv_wnd, 65160, "rcv_wnd");
	app_close();
	expect_whatever();
	use_flow(1);
	conn_close(S.listener);
	S.listener = NULL;
	S.f->stack_port = 0;
	given_connected(.ts = true, .sack = true, .wscale = 7);
	field(segs_in, 1);
	field(segs_out, 2);
	field(bytes_acked, 1);
	field(delivered, 1);
	field(advmss, 1448);
	script_check(info().rcv_wnd, 64256, "rcv_wnd"); /* in the unit of the window scale */
	script_finish();
}

TEST(bytes_and_segments_are_counted_both_ways)
{
	script(.seed = 2);
	given_accepted();
	peer(ACK, .len = 1000);
	expect(ACK, .ack = 1001);
	app_recv(2000, 1000);
	app_send(3000);
	expect(ACK, .seq = 1, .len = 1460);
	expect(ACK, .seq = 1461, .len = 1460);
	expect(ACK, .seq = 2921, .len = 80);
	field(unacked, 3);
	field(bytes_received, 1000);
	field(data_segs_in, 1);
	field(data_segs_out, 3);
	field(bytes_sent, 3000);
	field(bytes_acked, 0);
	field(notsent_bytes, 0);
	advance_ms(20);
	peer(ACK, .ack = 3001);
	field(unacked, 0);
	field(bytes_acked, 3000);
	field(delivered, 4);
	between(info().i.tcpi_rtt, 1000, 20000, "rtt");
	field(min_rtt, 0xffffffff & info().i.tcpi_min_rtt);
	advance_ms(100);
	field(last_data_sent, 120);
	field(last_data_recv, 120);
	field(last_ack_recv, 100);
	peer(FINACK);
	expect_whatever();
	field(bytes_received, 1001); /* Linux counts what RCV.NXT moves */
	field(state, 8);
	script_finish();
}

/* The time with something unacknowledged, and of it what the peer's window cost. */
TEST(busy_time_and_time_limited_by_the_peers_window)
{
	script(.seed = 3);
	given_connected();
	app_send(1000);
	expect(ACK, .seq = 1, .len = 1000);
	advance_ms(30);
	between(info().i.tcpi_busy_time, 29000, 31000, "busy");
	field(rwnd_limited, 0);
	peer(ACK, .ack = 1001, .win = 500);
	advance_ms(1000);
	between(info().i.tcpi_busy_time, 29000, 31000, "busy, when idle");
	app_send(2000);
	expect_whatever();
	advance_ms(100);
	between(info().i.tcpi_busy_time, 129000, 132000, "busy");
	between(info().i.tcpi_rwnd_limited, 99000, 101000, "limited by the window");
	expect_whatever();
	peer(ACK, .win = 60000);
	expect_whatever();
	advance_ms(50);
	between(info().i.tcpi_rwnd_limited, 99000, 101000, "limited by the window");
	between(info().i.tcpi_busy_time, 178000, 183000, "busy");
	peer(ACK);
	advance_ms(1000);
	between(info().i.tcpi_busy_time, 178000, 183000, "busy");
	script_finish();
}

static void small_buffer(struct conn *c)
{
	script_check(conn_setint(c, SOL_SOCKET, SO_SNDBUF, 4608), 0, "SO_SNDBUF");
}

/* All that the buffer takes is in flight, and the program has more. */
TEST(time_limited_by_the_send_buffer)
{
	script(.seed = 4);
	given_connected(.setup = small_buffer, .win = 20000);
	/* What cwnd lets go at once, and a run that is begun: half of the peer's window. */
	must(script_after(conn_send(S.c, 60000, 0)) <= 10 * 1460 + 10000, "a small buffer takes little");
	expect_whatever();
	peer(ACK);
	expect_whatever();
	advance_ms(100);
	between(info().i.tcpi_sndbuf_limited, 99000, 101000, "limited by the buffer");
	between(info().i.tcpi_busy_time, 99000, 101000, "busy");
	peer(ACK);
	app_poll(EPOLLOUT);
	advance_ms(100);
	between(info().i.tcpi_sndbuf_limited, 99000, 101000, "limited by the buffer");
	script_finish();
}

TEST(time_outs_are_counted_in_rows)
{
	script(.seed = 5);
	given_connected(.sack = true);
	field(retransmits, 0);
	app_send(100);
	expect(ACK, .seq = 1, .len = 100);
	expect_after_ms(1, 3000, ACK, .seq = 1, .len = 100);
	expect_after_ms(1, 3000, ACK, .seq = 1, .len = 100);
	expect_after_ms(1, 3000, ACK, .seq = 1, .len = 100);
	between(info().total_rto, 2, 3, "time-outs");
	script_check(info().total_rto_recoveries, 1, "rows");
	field(ca_state, 4);
	between(info().i.tcpi_retransmits, 2, 3, "retransmits");
	between(info().i.tcpi_backoff, 2, 3, "backoff");
	field(total_retrans, 3);
	field(retrans, 1);
	field(bytes_retrans, 300);
	field(snd_cwnd, 1);
	advance_ms(10);
	peer(ACK, .ack = 101);
	field(retransmits, 0);
	field(ca_state, 0);
	between(info().total_rto_time, 400, 3000, "time");
	field(retrans, 0);
	field(unacked, 0);
	script_finish();
}

TEST(losses_and_sacks_are_shown)
{
	script(.seed = 6);
	given_connected(.sack = true);
	app_send(5 * 1460);
	for (int i = 0; i < 5; i++)
		expect(ACK, .seq = 1 + 1460 * i, .len = 1460);
	advance_ms(1);
	peer(ACK, .ack = 1, .sack = { { 1461, 1 + 4 * 1460 } });
	expect(ACK, .seq = 1, .len = 1460);
	field(sacked, 3);
	field(lost, 1);
	field(retrans, 1);
	field(ca_state, 3);
	field(unacked, 5);
	field(delivered, 1 + 3);
	field(rcv_ooopack, 0);
	peer(ACK, .ack = 1 + 5 * 1460, .sack = { { 1, 1461 } });
	field(dsack_dups, 1);
	field(sacked, 0);
	field(lost, 0);
	field(delivered, 1 + 5 + 1); /* the copy arrived as well */
	peer(ACK, .seq = 101, .len = 100);
	expect_whatever();
	field(rcv_ooopack, 1);
	script_finish();
}

/* A listener shows its queue in two fields. */
TEST(listener_shows_its_accept_queue)
{
	script(.seed = 7);
	given_listening(.backlog = 5);
	peer_syn();
	expect(SYNACK, .seq = 0, .ack = 1);
	peer(ACK, .seq = 1, .ack = 1);
	S.c = S.listener;
	field(state, 10);
	field(unacked, 1);
	field(sacked, 5);
	script_finish();
}

TEST(a_short_buffer_gets_the_first_bytes)
{
	uint8_t buf[8] = { 0 };
	socklen_t len = 5;

	script(.seed = 8);
	given_connected();
	script_check(socket_getsockopt(S.node->st, S.c->so, IPPROTO_TCP, TCP_INFO, buf, &len,
				       S.world->now),
		     0, "TCP_INFO");
	script_check(len, 5, "length");
	script_check(buf[0], 1, "state");
	script_finish();
}

SIM_MAIN("tcp-info")
