/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pktbuf.h - what the stack keeps beside a packet: the mbuf's private area.
 *
 * Like the kernel's skb->cb: parsed once on receive, reused by whoever owns the
 * packet.  Queues of packets are linked through cb->qnext, never through m->next
 * (which chains the segments of one packet) nor m->nb_segs.
 *
 * Received packet: data starts at the Ethernet header until eth_input() has parsed
 * it; the offsets below are from the start of data.  Packet on a socket's receive
 * queue: cb->off and cb->len say which bytes of the (maybe chained) mbuf data are
 * still unread payload.
 *
 * owner tells recovery who had the packet when a process was killed.
 */
#ifndef STACK_CORE_PKTBUF_H
#define STACK_CORE_PKTBUF_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define PKT_HEADROOM 128 /* room for Ethernet + VLAN + IPv6 + TCP with options; = RTE_PKTMBUF_HEADROOM */

enum pkt_owner {
	PKT_STACK = 0,	/* some queue or the running code */
	PKT_LINK = 1,	/* handed to tx_burst, and no queue of ours has it any more */
	PKT_SHARED = 2, /* handed to tx_burst once, and kept on a queue of ours (TCP's send queue) */
};

struct pkt_cb {
	struct rte_mbuf *qnext;
	uint64_t tstamp;   /* ns: when received, or last sent */
	uint32_t seq;	   /* TCP: first sequence number of the payload */
	uint32_t end_seq;  /* TCP: seq + payload + SYN + FIN */
	uint32_t len;	   /* payload bytes (still unread on a receive queue) */
	uint16_t off;	   /* payload (still unread), from data start */
	uint16_t l3_off;   /* IP header */
	uint16_t l4_off;   /* transport header */
	uint8_t owner;	   /* enum pkt_owner */
	uint8_t flags;	   /* PKT_F_* */
	uint8_t tcp_flags; /* TH_* of the segment */
	uint8_t sacked;	   /* send queue: scoreboard bits, tcp/sack.h */
	uint8_t retrans;   /* send queue: times retransmitted, saturating */
	uint8_t ttl;
	uint8_t tos;
	uint8_t proto;
	uint32_t charged;  /* send queue: bytes that it counts for in the socket's buffer */
	uint64_t delivered_time; /* ns, send queue: rate sample (tcp/rate) */
	uint64_t delivered;	 /* bytes, send queue: rate sample */
};

#define PKT_F_MULTICAST 0x01 /* link-layer multicast or broadcast destination */
#define PKT_F_L4_OK 0x02     /* transport checksum already verified */
#define PKT_F_FRAGMENT 0x04  /* reassembled from fragments */
#define PKT_F_APP_LIMITED 0x08
#define PKT_F_FIN 0x10	     /* receive/send queue: a FIN ends this packet */
#define PKT_F_EOR 0x20	     /* send queue: a record ends here (MSG_EOR), nothing is added */

/*
 * Beside the cb, in a cache line of its own that only recovery touches: how many times
 * the last stack_mark_mbufs() found the mbuf in the stack's queues.
 */
struct pkt_mark {
	uint32_t refs;
};

#define PKT_MARK_OFF 64
#define PKT_PRIV_SIZE 128
static_assert(sizeof(struct pkt_cb) == PKT_MARK_OFF, "pkt_cb is one cache line");
static_assert(PKT_MARK_OFF + sizeof(struct pkt_mark) <= PKT_PRIV_SIZE,
	      "pkt_cb and pkt_mark must fit the mbuf's private area");

static inline struct pkt_cb *pkt_cb(const struct rte_mbuf *m)
{
	return (struct pkt_cb *)rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m);
}

static inline struct pkt_mark *pkt_mark(const struct rte_mbuf *m)
{
	return (struct pkt_mark *)((char *)pkt_cb(m) + PKT_MARK_OFF);
}

/*
 * Free a packet that the link may still be reading.  The link keeps its references; recovery
 * is told that they are the only ones left.
 */
static inline void pkt_let_go(struct rte_mbuf *m)
{
	struct rte_mbuf *seg;

	for (seg = m; seg != NULL; seg = seg->next)
		if (rte_mbuf_refcnt_read(seg) > 1)
			pkt_cb(seg)->owner = PKT_LINK;
	rte_pktmbuf_free(m);
}

/* The same for one segment of a chain that was made for the link: the others are not touched. */
static inline void pkt_let_go_seg(struct rte_mbuf *m)
{
	if (rte_mbuf_refcnt_read(m) > 1)
		pkt_cb(m)->owner = PKT_LINK;
	rte_pktmbuf_free_seg(m);
}

/* A FIFO of packets. */
struct pktq {
	struct rte_mbuf *head, *tail;
	uint32_t count;
	uint32_t bytes; /* sum of cb->len as maintained by the user of the queue */
};

static inline void pktq_init(struct pktq *q)
{
	q->head = q->tail = NULL;
	q->count = q->bytes = 0;
}

static inline void pktq_push(struct pktq *q, struct rte_mbuf *m)
{
	pkt_cb(m)->qnext = NULL;
	if (q->tail != NULL)
		pkt_cb(q->tail)->qnext = m;
	else
		q->head = m;
	q->tail = m;
	q->count++;
}

static inline struct rte_mbuf *pktq_pop(struct pktq *q)
{
	struct rte_mbuf *m = q->head;

	if (m != NULL) {
		q->head = pkt_cb(m)->qnext;
		if (q->head == NULL)
			q->tail = NULL;
		q->count--;
	}
	return m;
}

static inline void pktq_purge(struct pktq *q)
{
	struct rte_mbuf *m;

	while ((m = pktq_pop(q)) != NULL)
		rte_pktmbuf_free(m);
	q->bytes = 0;
}

#endif
