/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.c - whose is an address (see policy.h).
 */
#include "preload/policy.h"

#include "preload/engine.h"
#include "stack/socket.h"

static const struct config_rule *match(const struct socket *so, const struct endpoint *ep,
				       bool listening)
{
	const struct shim_config *cfg = &shm->cfg;
	uint8_t proto = so->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
	unsigned int i;

	for (i = 0; i < cfg->nrules; i++) {
		const struct config_rule *r = &cfg->rules[i];

		if (r->listen != listening || (r->proto != 0 && r->proto != proto))
			continue;
		if (ep->port < r->port_lo || ep->port > r->port_hi)
			continue;
		/* A prefix of length 0 is everybody, of either family. */
		if (r->plen != 0 && !ipaddr_in_prefix(&ep->addr, &r->prefix, r->plen))
			continue;
		return r;
	}
	return NULL;
}

enum policy_side policy_local(struct stack *st, const struct socket *so, const struct sockaddr *sa,
			      socklen_t len)
{
	const struct config_rule *r;
	struct endpoint ep;

	if (endpoint_from_sockaddr(&ep, sa, len) != 0)
		return POLICY_SHIM;
	if (ipaddr_is_loopback(&ep.addr))
		return POLICY_KERNEL;
	r = match(so, &ep, true);
	if (r != NULL)
		return r->kernel ? POLICY_KERNEL : POLICY_SHIM;
	if (ipaddr_is_any(&ep.addr) || ipaddr_is_multicast(&ep.addr) ||
	    ipaddr_is_limited_broadcast(&ep.addr))
		return POLICY_BOTH;
	return stack_owns_addr(st, &ep.addr) ? POLICY_SHIM : POLICY_KERNEL;
}

enum policy_side policy_remote(struct stack *st, const struct socket *so, const struct sockaddr *sa,
			       socklen_t len)
{
	const struct config_rule *r;
	struct endpoint ep;

	if (endpoint_from_sockaddr(&ep, sa, len) != 0)
		return POLICY_SHIM;
	/* Linux takes 0.0.0.0 and :: as the loopback address. */
	if (ipaddr_is_loopback(&ep.addr) || ipaddr_is_any(&ep.addr))
		return POLICY_KERNEL;
	r = match(so, &ep, false);
	if (r != NULL)
		return r->kernel ? POLICY_KERNEL : POLICY_SHIM;
	if (stack_owns_addr(st, &ep.addr) || stack_routes_addr(st, &ep.addr))
		return POLICY_SHIM;
	return POLICY_KERNEL;
}
