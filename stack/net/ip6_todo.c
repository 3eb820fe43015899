/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/net/net_priv.h"
void ip6_input(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint16_t l3_off, bool local, uint64_t now)
{ (void)nif; (void)l3_off; (void)local; (void)now; MIB_INC(st, ETH_DROP_PROTO); rte_pktmbuf_free(m); }
int ip6_output(struct stack *st, struct rte_mbuf *m, struct dst *d, const struct ip_tx *tx, uint64_t now)
{ (void)st; (void)d; (void)tx; (void)now; rte_pktmbuf_free(m); return -ENETUNREACH; }
void icmp6_input(struct stack *st, struct rx_pkt *pkt, uint64_t now) { (void)st; (void)now; rte_pktmbuf_free(pkt->m); }
void icmp6_send_error(struct stack *st, const struct rx_pkt *pkt, uint8_t type, uint8_t code, uint32_t info, uint64_t now)
{ (void)st; (void)pkt; (void)type; (void)code; (void)info; (void)now; }
void nd_send_ns(struct stack *st, struct netif *nif, const struct ipaddr *target, const struct ipaddr *src, const uint8_t *mac, uint64_t now)
{ (void)st; (void)nif; (void)target; (void)src; (void)mac; (void)now; }
void nd_address_step(struct stack *st, struct ifaddr *a, uint64_t now) { (void)st; (void)now; a->next_at = UINT64_MAX; }
uint64_t nd_router_step(struct stack *st, uint64_t now) { (void)st; (void)now; return UINT64_MAX; }
void igmp_input(struct stack *st, struct rx_pkt *pkt, uint64_t now) { (void)st; (void)now; rte_pktmbuf_free(pkt->m); }
uint64_t mcast_step(struct stack *st, uint64_t now) { (void)st; (void)now; return UINT64_MAX; }
