/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake.h - a port and a stack that do nothing but what the engine's tests ask for.
 *
 * The port is one end of a datagram socket; a frame is the number of a fake socket, which
 * becomes readable when the stack takes it.  The other end is fake_wire[], made before
 * the engine starts.
 */
#ifndef TEST_ENGINE_FAKE_H
#define TEST_ENGINE_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/socket.h"

#define FAKE_SOCKETS 4096

struct stack {
	struct fake_sock {
		struct socket so;
		bool used;
		bool readable;
		uint32_t events;
	} sockets[FAKE_SOCKETS];
	uint32_t queue[FAKE_SOCKETS]; /* sockets with news */
	uint32_t nqueue;
	uint64_t deadline;	      /* ns, 0: none */
	uint64_t polls, frames, timeouts, recoveries, released, flushes;
	bool busy;		      /* not quiescent */
	bool unsent;
};

/* [0] the test's end, [1] the port's. */
extern int fake_wire[2];
extern bool fake_port_pollable;
extern unsigned int fake_spin_us;
extern unsigned int fake_polls_here; /* of this process */
/* How often the port was kicked, under the lock too, and told that somebody may have died before. */
extern unsigned int fake_kicks, fake_kicks_inside, fake_kicks_again;
extern char fake_port_name[64];

struct socket *fake_socket(struct stack *st);
/* Take what made it readable; false if it is not. */
bool fake_read(struct stack *st, struct socket *so);
uint32_t fake_number(struct stack *st, const struct socket *so);

#endif
