/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tap_burst.c - see tap_burst.h.
 *
 * A system call for each frame, as the driver does.  Its own receive burst has the mbuf for the
 * next frame in one variable and the place to read into in another: a process killed between
 * them left every frame to be delivered with the bytes of the one before.  And it sends nothing
 * longer than its own idea of an MTU, which ends at 1504 bytes in DPDK 22.11.
 *
 * In front of each frame the kernel has a struct virtio_net_hdr (virtio 1.2, 5.1.6), by which a
 * frame of up to 64 KiB stands for many segments, and a checksum may be left to whoever needs
 * it: a packet that stays within the host never has one.  Without it, a struct tun_pi.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "dpdk_port/libc.h"
#include "dpdk_port/port_priv.h"
#include "dpdk_port/tap_burst.h"

#define TAP_MAX_FRAME (65535 + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)

/* What precedes a frame, in either form. */
union tap_header {
	struct virtio_net_hdr vnet;
	struct tun_pi pi;
};

static size_t header_len(const struct port *p)
{
	return p->tap_vnet ? sizeof(struct virtio_net_hdr) : sizeof(struct tun_pi);
}

/* -- receiving ------------------------------------------------------------------------ */

/* A chain with room for want bytes, its places in iov.  NULL: no memory. */
static struct rte_mbuf *rx_chain(struct port *p, uint16_t queue, uint32_t want, struct iovec *iov,
				 int *n)
{
	struct rte_mbuf *head = NULL, **tail = &head;

	for (*n = 0; want > 0 && *n < TAP_MAX_SEGS; tail = &(*tail)->next) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(p->pools[queue]);
		uint32_t room;

		if (m == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		*tail = m;
		/* Only the first has a use for headroom. */
		if (m != head)
			m->data_off = 0;
		room = rte_pktmbuf_tailroom(m);
		iov[(*n)++] =
			(struct iovec){ .iov_base = rte_pktmbuf_mtod(m, void *), .iov_len = room };
		want -= want < room ? want : room;
	}
	return head;
}

/* len bytes were read into the chain: set its lengths, give back what stayed empty. */
static void rx_lengths(struct rte_mbuf *head, uint32_t len)
{
	struct rte_mbuf *m = head;

	head->pkt_len = len;
	for (;; m = m->next) {
		uint32_t room = rte_pktmbuf_tailroom(m);

		m->data_len = (uint16_t)(len < room ? len : room);
		len -= m->data_len;
		if (len == 0)
			break;
		head->nb_segs++;
	}
	rte_pktmbuf_free(m->next);
	m->next = NULL;
}

/* What the chain had no room for, behind it.  False: no memory. */
static bool rx_append(struct port *p, uint16_t queue, struct rte_mbuf *head, const uint8_t *from,
		      uint32_t len)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(head), *m;
	uint32_t n;

	for (; len > 0; last = m, from += n, len -= n) {
		m = rte_pktmbuf_alloc(p->pools[queue]);
		if (m == NULL)
			return false;
		m->data_off = 0;
		n = len < m->buf_len ? len : m->buf_len;
		memcpy(m->buf_addr, from, n);
		m->data_len = (uint16_t)n;
		last->next = m;
		head->nb_segs++;
		head->pkt_len += n;
	}
	return true;
}

/* Is the sum in order, or was it never made; and of what size were the segments? */
static void rx_offloads(struct rte_mbuf *m, const struct virtio_net_hdr *h)
{
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE && h->gso_size != 0) {
		m->ol_flags |= RTE_MBUF_F_RX_LRO;
		m->tso_segsz = h->gso_size;
	}
}

/*
 * The next frame; NULL: none, or no memory.  How long it is the kernel says only with the frame.
 * So there is always room for the longest, in a buffer behind the mbufs; and after a long one,
 * which seldom comes alone, in mbufs.
 */
static struct rte_mbuf *rx_one(struct port *p, uint16_t queue)
{
	static uint8_t overflow[TAP_MAX_FRAME]; /* used within this call only */
	uint32_t room = 0, want = p->netif.mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
	struct iovec iov[TAP_MAX_SEGS + 2];
	union tap_header h;
	struct rte_mbuf *m;
	ssize_t len;
	int segs;

	if (p->tap_large)
		want = TAP_MAX_FRAME;
	m = rx_chain(p, queue, want, iov + 1, &segs);
	if (m == NULL)
		return NULL;
	iov[0] = (struct iovec){ .iov_base = &h, .iov_len = header_len(p) };
	for (int i = 1; i <= segs; i++)
		room += (uint32_t)iov[i].iov_len;
	iov[segs + 1] = (struct iovec){ .iov_base = overflow, .iov_len = sizeof(overflow) };
	len = port_sys_readv(p->wait_fds[queue], iov, segs + 2) - (ssize_t)header_len(p);
	if (len < RTE_ETHER_HDR_LEN) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	p->tap_large = len > p->netif.mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
	rx_lengths(m, (uint32_t)len < room ? (uint32_t)len : room);
	if ((uint32_t)len > room && !rx_append(p, queue, m, overflow, (uint32_t)len - room)) {
		rte_pktmbuf_free(m);
		p->own.rx_nombuf++;
		return NULL;
	}
	if (p->tap_vnet)
		rx_offloads(m, &h.vnet);
	p->own.rx_packets++;
	p->own.rx_bytes += m->pkt_len;
	return m;
}

uint16_t tap_rx_burst(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t got = 0;

	while (got < n && (pkts[got] = rx_one(p, queue)) != NULL)
		got++;
	if (got == 0)
		p->tap_large = false;
	return got;
}

/* -- sending -------------------------------------------------------------------------- */

/* The kernel wants the length of the whole in the pseudo header's sum, ethdev none. */
static void tx_whole_sum(const struct rte_mbuf *m)
{
	char *ip = rte_pktmbuf_mtod_offset(m, char *, m->l2_len);
	struct rte_tcp_hdr *tcp = (void *)(ip + m->l3_len);

	tcp->cksum = m->ol_flags & RTE_MBUF_F_TX_IPV4 ? rte_ipv4_phdr_cksum((void *)ip, 0) :
							rte_ipv6_phdr_cksum((void *)ip, 0);
}

static void tx_offloads(struct virtio_net_hdr *h, const struct rte_mbuf *m)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	bool tso = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;

	if (l4 == 0 && !tso)
		return;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = (uint16_t)(m->l2_len + m->l3_len);
	h->csum_offset = l4 == RTE_MBUF_F_TX_UDP_CKSUM ? offsetof(struct rte_udp_hdr, dgram_cksum) :
							 offsetof(struct rte_tcp_hdr, cksum);
	if (!tso)
		return;
	h->gso_type = m->ol_flags & RTE_MBUF_F_TX_IPV4 ? VIRTIO_NET_HDR_GSO_TCPV4 :
							 VIRTIO_NET_HDR_GSO_TCPV6;
	h->gso_size = m->tso_segsz;
	h->hdr_len = (uint16_t)(m->l2_len + m->l3_len + m->l4_len);
	tx_whole_sum(m);
}

/* False: the kernel has no room.  A chain that is too long for a call is lost. */
static bool tx_one(const struct port *p, uint16_t queue, const struct rte_mbuf *m)
{
	struct iovec iov[1 + TAP_MAX_SEGS];
	uint16_t n = m->nb_segs, i;
	union tap_header h;

	if (n > TAP_MAX_SEGS)
		return true;
	memset(&h, 0, sizeof(h));
	if (p->tap_vnet)
		tx_offloads(&h.vnet, m);
	iov[0] = (struct iovec){ .iov_base = &h, .iov_len = header_len(p) };
	for (i = 1; i <= n && m != NULL; i++, m = m->next)
		iov[i] = (struct iovec){ .iov_base = rte_pktmbuf_mtod(m, void *),
					 .iov_len = rte_pktmbuf_data_len(m) };
	return port_sys_writev(p->wait_fds[queue], iov, i) > 0;
}

uint16_t tap_tx_burst(struct port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t sent;

	for (sent = 0; sent < n && tx_one(p, queue, pkts[sent]); sent++) {
		p->own.tx_packets++;
		p->own.tx_bytes += rte_pktmbuf_pkt_len(pkts[sent]);
		rte_pktmbuf_free(pkts[sent]);
	}
	return sent;
}
