/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ipaddr.h - one address type for IPv4 and IPv6.
 *
 * Every address inside the shim is 128 bits in network byte order; an IPv4
 * address is kept in its mapped form ::ffff:a.b.c.d (RFC 4291 2.5.5.2).  So one
 * comparison, one hash and one table serve both families, and an AF_INET6 socket
 * with IPV6_V6ONLY=0 needs no special case below the socket layer.
 *
 * Ports travel beside addresses in host byte order; they are swapped where a
 * sockaddr or a packet header is read or written.
 */
#ifndef SHIM_IPADDR_H
#define SHIM_IPADDR_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct ipaddr {
	union {
		uint8_t b[16];
		uint16_t h[8];
		uint32_t w[4];
		uint64_t q[2];
	};
};

/* An address and a port (host byte order); scope is the IPv6 zone index. */
struct endpoint {
	struct ipaddr addr;
	uint32_t scope;
	uint16_t port;
};

#define IPADDR_V4MAPPED_W2 htonl(0x0000ffff)

/* The mapped form of an IPv4 address given in network byte order. */
static inline struct ipaddr ipaddr_from_v4(uint32_t be)
{
	struct ipaddr a = { .w = { 0, 0, IPADDR_V4MAPPED_W2, be } };

	return a;
}

static inline struct ipaddr ipaddr_from_in6(const struct in6_addr *in6)
{
	struct ipaddr a;

	memcpy(a.b, in6->s6_addr, sizeof(a.b));
	return a;
}

static inline bool ipaddr_is_v4(const struct ipaddr *a)
{
	return a->q[0] == 0 && a->w[2] == IPADDR_V4MAPPED_W2;
}

/* The IPv4 address, network byte order; meaningful only if ipaddr_is_v4(). */
static inline uint32_t ipaddr_to_v4(const struct ipaddr *a)
{
	return a->w[3];
}

static inline bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

/* 0.0.0.0 or :: */
static inline bool ipaddr_is_any(const struct ipaddr *a)
{
	return a->q[0] == 0 && a->w[3] == 0 && (a->w[2] == 0 || a->w[2] == IPADDR_V4MAPPED_W2);
}

/* 127.0.0.0/8 or ::1 */
static inline bool ipaddr_is_loopback(const struct ipaddr *a)
{
	if (ipaddr_is_v4(a))
		return a->b[12] == 127;
	return a->q[0] == 0 && a->w[2] == 0 && a->w[3] == htonl(1);
}

static inline bool ipaddr_is_multicast(const struct ipaddr *a)
{
	if (ipaddr_is_v4(a))
		return (a->b[12] & 0xf0) == 0xe0;
	return a->b[0] == 0xff;
}

/* 255.255.255.255 */
static inline bool ipaddr_is_limited_broadcast(const struct ipaddr *a)
{
	return ipaddr_is_v4(a) && a->w[3] == 0xffffffffu;
}

/* fe80::/10 or 169.254.0.0/16 */
static inline bool ipaddr_is_linklocal(const struct ipaddr *a)
{
	if (ipaddr_is_v4(a))
		return a->b[12] == 169 && a->b[13] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* Do the first plen bits agree?  plen counts in the address's own family: 24 for a /24 of IPv4. */
static inline bool ipaddr_in_prefix(const struct ipaddr *a, const struct ipaddr *prefix,
				    unsigned int plen)
{
	unsigned int bits = plen, full;

	if (ipaddr_is_v4(a) != ipaddr_is_v4(prefix))
		return false;
	if (ipaddr_is_v4(a))
		bits += 96;
	full = bits / 8;
	if (memcmp(a->b, prefix->b, full) != 0)
		return false;
	if (bits % 8 == 0)
		return true;
	return ((a->b[full] ^ prefix->b[full]) & (uint8_t)(0xff << (8 - bits % 8))) == 0;
}

/*
 * Read a sockaddr of family AF_INET or AF_INET6.
 * Returns 0, -EINVAL (too short) or -EAFNOSUPPORT.
 */
static inline int endpoint_from_sockaddr(struct endpoint *ep, const struct sockaddr *sa,
					 socklen_t len)
{
	sa_family_t family;

	if (sa == NULL || len < (socklen_t)sizeof(sa_family_t))
		return -EINVAL;
	memcpy(&family, sa, sizeof(family));
	memset(ep, 0, sizeof(*ep));
	if (family == AF_INET) {
		struct sockaddr_in sin;

		if (len < (socklen_t)sizeof(sin))
			return -EINVAL;
		memcpy(&sin, sa, sizeof(sin));
		ep->addr = ipaddr_from_v4(sin.sin_addr.s_addr);
		ep->port = ntohs(sin.sin_port);
		return 0;
	}
	if (family == AF_INET6) {
		struct sockaddr_in6 sin6;

		/* SIN6_LEN_RFC2133: Linux takes an address without the scope. */
		if (len < 24)
			return -EINVAL;
		memset(&sin6, 0, sizeof(sin6));
		memcpy(&sin6, sa, len < (socklen_t)sizeof(sin6) ? len : (socklen_t)sizeof(sin6));
		ep->addr = ipaddr_from_in6(&sin6.sin6_addr);
		ep->port = ntohs(sin6.sin6_port);
		ep->scope = sin6.sin6_scope_id;
		return 0;
	}
	return -EAFNOSUPPORT;
}

/*
 * Write an endpoint as a sockaddr of the socket's domain (AF_INET, or AF_INET6
 * with IPv4 as a mapped address) the way getpeername(2) does: at most *len bytes
 * are stored, *len becomes the full length.
 */
static inline void endpoint_to_sockaddr(const struct endpoint *ep, int domain,
					struct sockaddr *sa, socklen_t *len)
{
	union {
		struct sockaddr_in sin;
		struct sockaddr_in6 sin6;
	} u;
	socklen_t full;

	memset(&u, 0, sizeof(u));
	if (domain == AF_INET) {
		u.sin.sin_family = AF_INET;
		u.sin.sin_port = htons(ep->port);
		u.sin.sin_addr.s_addr = ipaddr_to_v4(&ep->addr);
		full = sizeof(u.sin);
	} else {
		u.sin6.sin6_family = AF_INET6;
		u.sin6.sin6_port = htons(ep->port);
		memcpy(u.sin6.sin6_addr.s6_addr, ep->addr.b, sizeof(ep->addr.b));
		u.sin6.sin6_scope_id = ep->scope;
		full = sizeof(u.sin6);
	}
	memcpy(sa, &u, *len < full ? *len : full);
	*len = full;
}

#endif
