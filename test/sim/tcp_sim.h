/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_sim.h - what scenario tests of loss and congestion share: connections whose round trip
 * is known, flights of full segments, and the sender's numbers as TCP_INFO tells them.
 */
#ifndef TEST_SIM_TCP_SIM_H
#define TEST_SIM_TCP_SIM_H

#include "stack/core/mib.h"
#include "test/sim/sim.h"
#include "test/wire/script.h"

#define MSS 1460

/* Connected by the stack; the handshake took ms, so SRTT is that and the RTO 200 ms more. */
#define given_connected_after(ms, ...)                                                             \
	do {                                                                                       \
		given_connecting(__VA_ARGS__);                                                     \
		expect(SYN, .seq = 0);                                                             \
		advance_ms(ms);                                                                    \
		peer_synack(__VA_ARGS__);                                                          \
		expect(ACK);                                                                       \
	} while (0)

/* The program sends n full segments, all of which leave at once. */
static inline void fly(int n)
{
	int i;

	app_send(n * MSS);
	for (i = 0; i < n; i++)
		expect(ACK, .len = MSS);
	expect_nothing();
}

/* Number k, from 0, of the full segments. */
#define SEQ(k) (1 + (k) * MSS)

static inline struct tcp_info tcp_info(void)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	memset(&ti, 0, sizeof(ti));
	script_check(socket_getsockopt(S.node->st, S.c->so, IPPROTO_TCP, TCP_INFO, &ti, &len,
				       S.world->now),
		     0, "TCP_INFO");
	return ti;
}
#define cwnd() tcp_info().tcpi_snd_cwnd
#define ssthresh() tcp_info().tcpi_snd_ssthresh
#define ca_state() tcp_info().tcpi_ca_state
#define SSTHRESH_NONE 0x7fffffff /* never reduced yet */

#endif
