/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mib.h - every counter of the stack, by the name nstat(8) would give it.
 *
 * One table: the enum, the names and `shim stat` come from it.  A packet that is
 * dropped is counted under exactly one reason.
 */
#ifndef STACK_CORE_MIB_H
#define STACK_CORE_MIB_H

#include <stdint.h>

/* X(symbol, "Name") */
#define MIB_TABLE(X)                                                                               \
	/* link and Ethernet */                                                                    \
	X(ETH_IN, "EthInFrames")                                                                   \
	X(ETH_OUT, "EthOutFrames")                                                                 \
	X(ETH_DROP_SHORT, "EthDropShort")                                                          \
	X(ETH_DROP_NOTFORUS, "EthDropNotForUs")                                                    \
	X(ETH_DROP_VLAN, "EthDropVlan")                                                            \
	X(ETH_DROP_PROTO, "EthDropUnknownProto")                                                   \
	X(ETH_DROP_TXFULL, "EthDropTxQueueFull")                                                   \
	X(ETH_DROP_LINKDOWN, "EthDropLinkDown")                                                    \
	X(PKT_NOMEM, "PktNoMemory")                                                                \
	X(SOCK_ERRQ_FULL, "SockErrorQueueFull")                                                    \
	/* ARP and neighbours */                                                                   \
	X(ARP_IN, "ArpIn")                                                                         \
	X(ARP_OUT, "ArpOut")                                                                       \
	X(ARP_DROP_BAD, "ArpDropMalformed")                                                        \
	X(ARP_CONFLICT, "ArpAddressConflict")                                                      \
	X(NEIGH_DROP_QUEUE, "NeighDropQueueFull")                                                  \
	X(NEIGH_FAILED, "NeighResolveFailed")                                                      \
	X(NEIGH_TABLE_FULL, "NeighTableFull")                                                      \
	/* IP */                                                                                   \
	X(IP_IN_RECEIVES, "IpInReceives")                                                          \
	X(IP_IN_DELIVERS, "IpInDelivers")                                                          \
	X(IP_IN_HDR_ERRORS, "IpInHdrErrors")                                                       \
	X(IP_IN_CSUM_ERRORS, "IpInCsumErrors")                                                     \
	X(IP_IN_ADDR_ERRORS, "IpInAddrErrors")                                                     \
	X(IP_IN_TRUNCATED, "IpInTruncatedPkts")                                                    \
	X(IP_IN_SRC_ROUTE, "IpInSourceRoute")                                                      \
	X(IP_IN_UNKNOWN_PROTO, "IpInUnknownProtos")                                                \
	X(IP_OUT_REQUESTS, "IpOutRequests")                                                        \
	X(IP_OUT_NO_ROUTES, "IpOutNoRoutes")                                                       \
	X(IP_REASM_REQDS, "IpReasmReqds")                                                          \
	X(IP_REASM_OKS, "IpReasmOKs")                                                              \
	X(IP_REASM_FAILS, "IpReasmFails")                                                          \
	X(IP_REASM_TIMEOUT, "IpReasmTimeout")                                                      \
	X(IP_REASM_OVERLAPS, "IpReasmOverlaps")                                                    \
	X(IP_FRAG_CREATES, "IpFragCreates")                                                        \
	X(IP_FRAG_FAILS, "IpFragFails")                                                            \
	/* ICMP */                                                                                 \
	X(ICMP_IN_MSGS, "IcmpInMsgs")                                                              \
	X(ICMP_IN_ERRORS, "IcmpInErrors")                                                          \
	X(ICMP_IN_CSUM_ERRORS, "IcmpInCsumErrors")                                                 \
	X(ICMP_IN_ECHOS, "IcmpInEchos")                                                            \
	X(ICMP_OUT_ECHO_REPS, "IcmpOutEchoReps")                                                   \
	X(ICMP_OUT_MSGS, "IcmpOutMsgs")                                                            \
	X(ICMP_OUT_DEST_UNREACHS, "IcmpOutDestUnreachs")                                           \
	X(ICMP_OUT_RATELIMIT, "IcmpOutRateLimited")                                                \
	/* UDP */                                                                                  \
	X(UDP_IN_DATAGRAMS, "UdpInDatagrams")                                                      \
	X(UDP_NO_PORTS, "UdpNoPorts")                                                              \
	X(UDP_IN_ERRORS, "UdpInErrors")                                                            \
	X(UDP_IN_CSUM_ERRORS, "UdpInCsumErrors")                                                   \
	X(UDP_OUT_DATAGRAMS, "UdpOutDatagrams")                                                    \
	X(UDP_RCVBUF_ERRORS, "UdpRcvbufErrors")                                                    \
	X(UDP_SNDBUF_ERRORS, "UdpSndbufErrors")                                                    \
	/* TCP */                                                                                  \
	X(TCP_ACTIVE_OPENS, "TcpActiveOpens")                                                      \
	X(TCP_PASSIVE_OPENS, "TcpPassiveOpens")                                                    \
	X(TCP_ATTEMPT_FAILS, "TcpAttemptFails")                                                    \
	X(TCP_ESTAB_RESETS, "TcpEstabResets")                                                      \
	X(TCP_CURR_ESTAB, "TcpCurrEstab")                                                          \
	X(TCP_IN_SEGS, "TcpInSegs")                                                                \
	X(TCP_OUT_SEGS, "TcpOutSegs")                                                              \
	X(TCP_RETRANS_SEGS, "TcpRetransSegs")                                                      \
	X(TCP_IN_ERRS, "TcpInErrs")                                                                \
	X(TCP_IN_CSUM_ERRORS, "TcpInCsumErrors")                                                   \
	X(TCP_OUT_RSTS, "TcpOutRsts")                                                              \
	X(TCP_LISTEN_OVERFLOWS, "TcpExtListenOverflows")                                           \
	X(TCP_LISTEN_DROPS, "TcpExtListenDrops")                                                   \
	X(TCP_SYNCOOKIES_SENT, "TcpExtSyncookiesSent")                                             \
	X(TCP_SYNCOOKIES_RECV, "TcpExtSyncookiesRecv")                                             \
	X(TCP_SYNCOOKIES_FAILED, "TcpExtSyncookiesFailed")                                         \
	X(TCP_REQ_QFULL_DROP, "TcpExtTCPReqQFullDrop")                                             \
	X(TCP_TW, "TcpExtTW")                                                                      \
	X(TCP_TW_RECYCLED, "TcpExtTWRecycled")                                                     \
	X(TCP_TW_OVERFLOW, "TcpExtTCPTimeWaitOverflow")                                            \
	X(TCP_TSECR_REJECTED, "TcpExtTSEcrRejected")                                               \
	X(TCP_MD5_UNEXPECTED, "TcpExtTCPMD5Unexpected")                                            \
	X(TCP_PAWS_DROP, "TcpExtPAWSEstab")                                                        \
	X(TCP_PAWS_OLD_ACK, "TcpExtPAWSOldAck")                                                    \
	X(TCP_DELAYED_ACKS, "TcpExtDelayedACKs")                                                   \
	X(TCP_CHALLENGE_ACKS, "TcpExtTCPChallengeACK")                                             \
	X(TCP_CHALLENGE_LIMIT, "TcpExtTCPACKSkippedChallenge")                                     \
	X(TCP_OUT_OF_WINDOW, "TcpExtOutOfWindow")                                                  \
	X(TCP_OLD_ACK, "TcpExtOldAck")                                                             \
	X(TCP_ACK_UNSENT, "TcpExtAckUnsent")                                                       \
	X(TCP_DATA_AFTER_CLOSE, "TcpExtTCPAbortOnData")                                            \
	X(TCP_ABORT_ON_CLOSE, "TcpExtTCPAbortOnClose")                                             \
	X(TCP_ABORT_ON_TIMEOUT, "TcpExtTCPAbortOnTimeout")                                         \
	X(TCP_ABORT_ON_LINGER, "TcpExtTCPAbortOnLinger")                                           \
	X(TCP_ABORT_ON_MEMORY, "TcpExtTCPAbortOnMemory")                                           \
	X(TCP_ABORT_ON_RECOVERY, "TcpExtAbortOnHolderDeath")                                       \
	X(TCP_TIMEOUTS, "TcpExtTCPTimeouts")                                                       \
	X(TCP_FAST_RETRANS, "TcpExtTCPFastRetrans")                                                \
	X(TCP_SACK_RECOVERY, "TcpExtTCPSackRecovery")                                              \
	X(TCP_RENO_RECOVERY, "TcpExtTCPRenoRecovery")                                              \
	X(TCP_LOSS_PROBES, "TcpExtTCPLossProbes")                                                  \
	X(TCP_LOSS_PROBE_RECOVERY, "TcpExtTCPLossProbeRecovery")                                   \
	X(TCP_SPURIOUS_RTOS, "TcpExtTCPSpuriousRTOs")                                              \
	X(TCP_FULL_UNDO, "TcpExtTCPFullUndo")                                                      \
	X(TCP_PARTIAL_UNDO, "TcpExtTCPPartialUndo")                                                \
	X(TCP_DSACK_UNDO, "TcpExtTCPDSACKUndo")                                                    \
	X(TCP_LOSS_UNDO, "TcpExtTCPLossUndo")                                                      \
	X(TCP_TS_REORDER, "TcpExtTCPTSReorder")                                                    \
	X(TCP_SACK_REORDER, "TcpExtTCPSACKReorder")                                                \
	X(TCP_SACK_RENEGING, "TcpExtTCPSACKReneging")                                              \
	X(TCP_SACK_DISCARD, "TcpExtTCPSACKDiscard")                                                \
	X(TCP_DSACK_RECV, "TcpExtTCPDSACKRecv")                                                    \
	X(TCP_DSACK_SENT, "TcpExtTCPDSACKOldSent")                                                 \
	X(TCP_OFO_QUEUE, "TcpExtTCPOFOQueue")                                                      \
	X(TCP_OFO_DROP, "TcpExtTCPOFODrop")                                                        \
	X(TCP_RCV_QDROP, "TcpExtTCPRcvQDrop")                                                      \
	X(TCP_RCV_COLLAPSED, "TcpExtTCPRcvCollapsed")                                              \
	X(TCP_ZERO_WINDOW_PROBES, "TcpExtTCPWinProbe")                                             \
	X(TCP_KEEPALIVE, "TcpExtTCPKeepAlive")                                                     \
	X(TCP_SLOWPATH, "TcpExtTCPSlowPath")                                                       \
	X(TCP_PURE_ACKS, "TcpExtTCPPureAcks")                                                      \
	X(TCP_HP_HITS, "TcpExtTCPHPHits")                                                          \
	X(TCP_HP_ACKS, "TcpExtTCPHPAcks")                                                          \
	X(TCP_TFO_ACTIVE, "TcpExtTCPFastOpenActive")                                               \
	X(TCP_TFO_ACTIVE_FAIL, "TcpExtTCPFastOpenActiveFail")                                      \
	X(TCP_TFO_PASSIVE, "TcpExtTCPFastOpenPassive")                                             \
	X(TCP_TFO_PASSIVE_FAIL, "TcpExtTCPFastOpenPassiveFail")                                    \
	X(TCP_TFO_PASSIVE_OLD_KEY, "TcpExtTCPFastOpenPassiveAltKey")                               \
	X(TCP_TFO_OVERFLOW, "TcpExtTCPFastOpenListenOverflow")                                     \
	X(TCP_TFO_COOKIE_REQD, "TcpExtTCPFastOpenCookieReqd")                                      \
	X(TCP_MTU_BLACK_HOLE, "TcpExtTCPMTUBlackHole")                                             \
	X(TCP_MTU_PROBE_OK, "TcpExtTCPMTUPSuccess")                                                \
	X(TCP_MTU_PROBE_FAIL, "TcpExtTCPMTUPFail")                                                 \
	X(TCP_NOMEM, "TcpExtTCPNoMemory")                                                          \
	/* recovery after a killed lock holder */                                                  \
	X(RECOVERIES, "ShimRecoveries")

enum mib_id {
#define X(symbol, name) MIB_##symbol,
	MIB_TABLE(X)
#undef X
	MIB_COUNT
};

struct mib {
	uint64_t v[MIB_COUNT];
};

#define MIB_INC(st, symbol) ((st)->mib.v[MIB_##symbol]++)
#define MIB_DEC(st, symbol) ((st)->mib.v[MIB_##symbol]--)
#define MIB_ADD(st, symbol, n) ((st)->mib.v[MIB_##symbol] += (n))

#endif
