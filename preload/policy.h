/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.h - whose is an address: the stack's, the kernel's, or both's.
 *
 * The user's rules come first (config_rule, first match wins), then the stack's routing.
 */
#ifndef PRELOAD_POLICY_H
#define PRELOAD_POLICY_H

#include <sys/socket.h>

struct socket;
struct stack;

enum policy_side { POLICY_KERNEL, POLICY_SHIM, POLICY_BOTH };

/*
 * For bind(2) and listen(2): a wildcard is both's.  An address that cannot be read is
 * POLICY_SHIM: the stack knows the right errno.
 */
enum policy_side policy_local(struct stack *st, const struct socket *so, const struct sockaddr *sa,
			      socklen_t len);
/* For connect(2) and sendto(2): never both's.  AF_UNSPEC and unreadable ones as above. */
enum policy_side policy_remote(struct stack *st, const struct socket *so, const struct sockaddr *sa,
			       socklen_t len);

#endif
