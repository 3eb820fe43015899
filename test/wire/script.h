/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * script.h - scenario tests that read like packet traces.
 *
 * One stack is under test; the far end of its link is the script, which sends exactly what
 * it is told and checks everything that comes:
 *
 *	given_accepted(.mss = 1460);
 *	peer(ACK, .len = 6);			six bytes at the peer's next sequence number
 *	expect_nothing();
 *	expect_after_ms(38, 42, ACK, .ack = 7);	the delayed ACK, and when
 *	expect_nothing();
 *
 * Sequence numbers are relative: 0 is the SYN, 1 the first byte, each way.  The peer's ISS is
 * chosen, the stack's is learned from its SYN.  What is not said has a default:
 *
 *	peer()	 seq: the next one · ack: all that was seen · len 0 · win 65535 or as given at
 *		 the handshake · timestamps when agreed: the clock, and the stack's last one
 *	expect() seq: the next one · ack: all that the peer sent · len 0 · win: any ·
 *		 no SACK blocks · timestamps present if and only if agreed
 *
 * PSH is not compared unless .psh is given.  Payload of both sides is patterned by position
 * and always checked; ARP is answered behind the scenes.
 *
 * A script speaks IPv4 or IPv6 (world_v6): both addresses are there, the MTU grows by the 20
 * bytes by which headers differ, and the same numbers hold.  sim.h runs tests over both.
 *
 * A script has several flows (peer ports), of which one is current: use_flow().
 */
#ifndef TEST_WIRE_SCRIPT_H
#define TEST_WIRE_SCRIPT_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>

#include "test/wire/world.h"

/* glibc's <netinet/tcp.h> has enums of the same names as nothing here; flags are TCP_* of frame.h. */
#define SYN TCP_SYN
#define SYNACK (TCP_SYN | TCP_ACK)
#define ACK TCP_ACK
#define FIN TCP_FIN
#define FINACK (TCP_FIN | TCP_ACK)
#define RST TCP_RST
#define RSTACK (TCP_RST | TCP_ACK)
#define URGACK (TCP_URG | TCP_ACK)

/* Values of a field besides numbers. */
#define DFLT INT64_MIN	      /* see above */
#define ANY (INT64_MIN + 1)   /* expect(): whatever */
#define NONE (INT64_MIN + 2)  /* the option must not be there, or is not sent */

struct script_seg {
	uint8_t flags;
	int64_t seq, ack, len, win, urg;
	int64_t mss, wscale, sackok, tsval, tsecr;
	int64_t psh, ece, cwr;
	int64_t ecn; /* the IP header's: 0 none, 1 and 2 ECT, 3 CE; default: 0, any */
	struct {
		int64_t from, to; /* relative to the direction that the blocks tell about */
	} sack[4];
	const void *data;     /* instead of the pattern */
	const uint8_t *opts;  /* instead of all options */
	int64_t optlen;
	int64_t sport, dport; /* peer(): instead of the flow's */
	bool bad_csum;
};

#define SCRIPT_SEG(fl, ...)                                                                        \
	&(const struct script_seg)                                                                 \
	{                                                                                          \
		.seq = DFLT, .ack = DFLT, .len = 0, .win = DFLT, .urg = DFLT, .mss = DFLT,         \
		.wscale = DFLT, .sackok = DFLT, .tsval = DFLT, .tsecr = DFLT, .psh = DFLT,         \
		.ece = DFLT, .cwr = DFLT, .ecn = DFLT, .sport = DFLT, .dport = DFLT, .flags = (fl), __VA_ARGS__ \
	}

/* Later initialisers override the defaults on purpose. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif

struct script_params {
	uint64_t seed;
	uint64_t start; /* ns; 0: 1000 s */
	uint32_t peer_iss;
	uint16_t mtu;	/* 0: 1500; over IPv6 20 more, so that segments are as long */
	uint32_t caps;
	unsigned int mbufs;
	bool late_dma;
	uint16_t rx_segment;
	void (*tune)(struct stack_config *cfg, void *arg);
	void *tune_arg;
};

/* How connections are made by given_*(); what the peer's SYN says. */
struct script_handshake {
	int64_t mss;	/* default 1460; NONE: no option */
	int64_t wscale; /* default NONE */
	bool ts, sack;
	int64_t win;	/* as on the wire, in the SYN and later; default 65535 */
	int backlog;
	/* Called on the listening or connecting socket before the handshake. */
	void (*setup)(struct conn *c);
};

#define HANDSHAKE(...)                                                                             \
	&(const struct script_handshake)                                                           \
	{                                                                                          \
		.mss = 1460, .wscale = NONE, .win = 65535, .backlog = 8, __VA_ARGS__               \
	}

#define SCRIPT_MAX_FLOWS 64
#define SCRIPT_STACK_PORT 80
#define SCRIPT_PEER_PORT 40000 /* of flow 0; flow n has this + n */

struct script_flow {
	uint16_t stack_port, peer_port;
	uint32_t peer_iss, stack_iss;
	bool stack_iss_known;
	uint32_t snd_nxt;  /* relative: what the peer sends next */
	uint32_t rcv_nxt;  /* relative: end of what was seen from the stack */
	uint32_t stack_tsval; /* last seen */
	uint32_t win;	   /* what the peer offers by default, as on the wire */
	bool ts, sack, wscale_on;
	uint8_t stack_wscale;
	uint32_t stack_win; /* what the stack offered last, bytes */
	int64_t peer_wscale;
};

struct script {
	struct world *world;
	struct node *node;
	struct wire *wire;
	struct conn *listener;
	struct conn *c; /* the connection or socket under test */
	struct script_flow flows[SCRIPT_MAX_FLOWS];
	struct script_flow *f;
	struct frame_path path; /* peer → stack */
	struct ipaddr peer_addr;
	uint32_t ts_base;
	uint64_t last_seen_at; /* ns, of the segment that expect() took last */
	bool mute_arp;	 /* nor ND: questions for the peer stay unanswered */
	bool no_csum_ok; /* UDP over IPv6 may come without a checksum */
	bool held;	 /* by script_hold() */
};
extern struct script S;

/* Stream keys of the pattern. */
#define APP_KEY 0xa11ce
#define PEER_KEY 0xb0b

void script_begin(const struct script_params *p);
#define script(...) script_begin(&(const struct script_params){ .peer_iss = 1000, __VA_ARGS__ })
/* Close what is open, reset what hangs, check for leaks. */
void script_finish(void);

/* What the peer sends in between arrives at once, and only then the stack runs. */
void script_hold(void);
void script_release(void);

/* An established connection: made by the stack's connect(), or accepted by it. */
void script_connected(const struct script_handshake *h, const char *file, int line);
void script_accepted(const struct script_handshake *h, const char *file, int line);
#define given_connected(...) script_connected(HANDSHAKE(__VA_ARGS__), __FILE__, __LINE__)
#define given_accepted(...) script_accepted(HANDSHAKE(__VA_ARGS__), __FILE__, __LINE__)
/* Parts of it: a socket that connects / listens; nothing is exchanged yet. */
void script_connect_start(const struct script_handshake *h);
void script_listen_start(const struct script_handshake *h);
#define given_connecting(...) script_connect_start(HANDSHAKE(__VA_ARGS__))
#define given_listening(...) script_listen_start(HANDSHAKE(__VA_ARGS__))
/* The peer's SYN or SYN-ACK with the options of h. */
void script_peer_syn(const struct script_handshake *h, uint8_t flags);
#define peer_syn(...) script_peer_syn(HANDSHAKE(__VA_ARGS__), SYN)
#define peer_synack(...) script_peer_syn(HANDSHAKE(__VA_ARGS__), SYNACK)
/* Take the waiting connection into S.c. */
void script_accept(const char *file, int line);
#define app_accept() script_accept(__FILE__, __LINE__)

void use_flow(unsigned int i);
/* Forget the connection that the current flow had: numbers start anew. */
void flow_renew(uint32_t peer_iss);

void script_peer(const struct script_seg *seg);
#define peer(fl, ...) script_peer(SCRIPT_SEG(fl, __VA_ARGS__))
/* A frame of any kind, as it is. */
void script_peer_frame(const uint8_t *frame, size_t len);

/*
 * An ICMP error about the flow's segment at seq (relative).  Named as in IPv4; over IPv6 its
 * counterpart is sent (3/4: packet too big, 3/3: port unreachable ...), and mtu grows by 20.
 */
struct script_icmp {
	uint32_t seq;
	uint16_t mtu;
	uint8_t proto; /* default TCP */
};
void script_peer_icmp(uint8_t type, uint8_t code, const struct script_icmp *e);
#define peer_icmp(type, code, ...)                                                                 \
	script_peer_icmp(type, code, &(const struct script_icmp){ .proto = 6, __VA_ARGS__ })

/* A fragment of a datagram of proto: len bytes at off. */
void script_peer_fragment(uint32_t id, uint8_t proto, uint32_t off, bool more, const uint8_t *data,
			  size_t len);

void script_expect(const struct script_seg *seg, const char *file, int line);
#define expect(fl, ...) script_expect(SCRIPT_SEG(fl, __VA_ARGS__), __FILE__, __LINE__)
/* The next segment comes not before lo and not after hi ms from now; time moves there. */
void script_expect_after(double lo, double hi, const struct script_seg *seg, const char *file,
			 int line);
#define expect_after_ms(lo, hi, fl, ...)                                                           \
	script_expect_after(lo, hi, SCRIPT_SEG(fl, __VA_ARGS__), __FILE__, __LINE__)
void script_expect_nothing(const char *file, int line);
#define expect_nothing() script_expect_nothing(__FILE__, __LINE__)
/* Nothing for so long. */
#define expect_silence_ms(ms)                                                                      \
	do {                                                                                       \
		advance_ms(ms);                                                                    \
		expect_nothing();                                                                  \
	} while (0)
/* An ICMP message from the stack, of the script's family. */
void script_expect_icmp(int type, int code, const char *file, int line);
#define expect_icmp(type, code) script_expect_icmp(type, code, __FILE__, __LINE__)
/* What the next segment is, without expecting anything of it; false: none. */
struct script_seen {
	uint64_t time;
	size_t len;
	struct frame_info info;
	uint8_t *bytes;
};
bool script_next(struct script_seen *out);
/* Drop whatever was sent so far; the flow's idea of what was seen moves along. */
void expect_whatever(void);

void advance_ms(double ms);

/* -- the program ---------------------------------------------------------------------- */

#define script_check(got, want, what)                                                              \
	script_equal((int64_t)(got), (int64_t)(want), what, __FILE__, __LINE__)
void script_equal(int64_t got, int64_t want, const char *what, const char *file, int line);
/* Send n patterned bytes: all must be taken. */
#define app_send(n) script_check(script_after(conn_send(S.c, (n), 0)), (n), "send")
#define app_send_flags(n, fl) script_check(script_after(conn_send(S.c, (n), (fl))), (n), "send")
#define app_send_gives(n, want) script_check(script_after(conn_send(S.c, (n), 0)), want, "send")
/* Receive up to n: must give exactly want (0 at EOF, or -errno). */
#define app_recv(n, want) script_check(script_after(conn_recv(S.c, (n), 0)), want, "recv")
#define app_shutdown(how) script_check(script_after(conn_shutdown(S.c, (how))), 0, "shutdown")
void app_close(void);
#define app_setint(level, name, v)                                                                 \
	script_check(script_after(conn_setint(S.c, (level), (name), (v))), 0, "setsockopt " #name)
/* All of these bits, and of EPOLLIN|OUT|PRI|ERR|HUP|RDHUP no others. */
#define app_poll(bits) script_poll((bits), __FILE__, __LINE__)
void script_poll(uint32_t bits, const char *file, int line);
#define app_error(want) script_check(conn_take_error(S.c), want, "SO_ERROR")
/* Let the stack do what the call brought about; gives v back. */
ssize_t script_after(ssize_t v);
#define mib(which) stack_mib(S.node->st, (which))

#endif
