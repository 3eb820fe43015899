/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_net.c - values of options: addresses, gateways, policy rules.
 *
 * A list is parsed into place but counted only when the whole of it is good, so that a
 * wrong value never leaves half of itself behind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "preload/options.h"

#define ITEM_LEN 128

static unsigned int family_bits(const struct ipaddr *a)
{
	return ipaddr_is_v4(a) ? 32 : 128;
}

static int text_to_addr(const char *s, struct ipaddr *out)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, s, &in) == 1) {
		*out = ipaddr_from_v4(in.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, s, &in6) != 1)
		return -EINVAL;
	*out = ipaddr_from_in6(&in6);
	/* ::ffff:192.0.2.1 would silently be 192.0.2.1, with a prefix length of the other family. */
	return ipaddr_is_v4(out) ? -EINVAL : 0;
}

/*
 * ADDR/LEN; *plen becomes default_plen where /LEN is missing, -1: it must not be, or the
 * address's full length if default_plen is 255.
 */
#define PLEN_REQUIRED (-1)
#define PLEN_HOST 255

static int text_to_prefix(char *s, struct ipaddr *addr, uint8_t *plen, int default_plen, char *why,
			  size_t whylen)
{
	char *slash = strchr(s, '/');
	unsigned long long n;

	if (slash != NULL)
		*slash++ = '\0';
	if (text_to_addr(s, addr) != 0) {
		snprintf(why, whylen, "'%s' is not an address", s);
		return -EINVAL;
	}
	if (slash == NULL && default_plen == PLEN_REQUIRED) {
		snprintf(why, whylen, "'%s' has no /LEN", s);
		return -EINVAL;
	}
	if (slash == NULL) {
		*plen = (uint8_t)(default_plen == PLEN_HOST ? (int)family_bits(addr) : default_plen);
		return 0;
	}
	if (!text_to_number(slash, strlen(slash), &n) || n > family_bits(addr)) {
		snprintf(why, whylen, "the prefix length '%s' of %s is not 0 to %u", slash, s,
			 family_bits(addr));
		return -EINVAL;
	}
	*plen = (uint8_t)n;
	return 0;
}

/* Is every bit behind the prefix zero? */
static bool host_bits_clear(const struct ipaddr *a, unsigned int plen)
{
	unsigned int i = plen + (128 - family_bits(a));

	for (; i < 128; i++)
		if ((a->b[i / 8] & (0x80 >> i % 8)) != 0)
			return false;
	return true;
}

static bool host_bits_set(const struct ipaddr *a, unsigned int plen)
{
	unsigned int i = plen + (128 - family_bits(a));

	for (; i < 128; i++)
		if ((a->b[i / 8] & (0x80 >> i % 8)) == 0)
			return false;
	return true;
}

static bool is_unicast(const struct ipaddr *a)
{
	return !ipaddr_is_any(a) && !ipaddr_is_loopback(a) && !ipaddr_is_multicast(a) &&
	       !ipaddr_is_limited_broadcast(a);
}

/* -- addr ------------------------------------------------------------------------------ */
static int parse_own_addr(char *item, struct config_addr *out, char *why, size_t whylen)
{
	if (text_to_prefix(item, &out->addr, &out->plen, PLEN_REQUIRED, why, whylen) != 0)
		return -EINVAL;
	if (!is_unicast(&out->addr)) {
		snprintf(why, whylen, "%s cannot be a port's address", item);
		return -EINVAL;
	}
	if (out->plen == 0) {
		snprintf(why, whylen, "%s/0 would put the whole world on the link", item);
		return -EINVAL;
	}
	/* RFC 3021: a /31 has neither network nor broadcast address. */
	if (ipaddr_is_v4(&out->addr) && out->plen < 31 &&
	    (host_bits_clear(&out->addr, out->plen) || host_bits_set(&out->addr, out->plen))) {
		snprintf(why, whylen, "%s is the %s address of its /%u", item,
			 host_bits_clear(&out->addr, out->plen) ? "network" : "broadcast", out->plen);
		return -EINVAL;
	}
	return 0;
}

int parse_addrs(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
		size_t whylen)
{
	struct config_addr addrs[CONFIG_MAX_ADDRS];
	const char *list = value;
	unsigned int n = 0;
	char item[ITEM_LEN];

	(void)row;
	do {
		if (n == CONFIG_MAX_ADDRS) {
			snprintf(why, whylen, "more than %d", CONFIG_MAX_ADDRS);
			return -EINVAL;
		}
		if (text_next_item(&list, ',', item, sizeof(item)) != 0) {
			snprintf(why, whylen, "number %u is empty or too long", n + 1);
			return -EINVAL;
		}
		if (parse_own_addr(item, &addrs[n], why, whylen) != 0)
			return -EINVAL;
		for (unsigned int i = 0; i < n; i++) {
			if (ipaddr_equal(&addrs[i].addr, &addrs[n].addr)) {
				snprintf(why, whylen, "%s is given twice", item);
				return -EINVAL;
			}
		}
		n++;
	} while (list != NULL);
	memcpy(cfg->ports[cfg->port].addrs, addrs, n * sizeof(addrs[0]));
	cfg->ports[cfg->port].naddrs = n;
	return 0;
}

/* -- gateway ----------------------------------------------------------------------------- */
static int parse_gateway(char *item, struct config_route *out, char *why, size_t whylen)
{
	char *at = strchr(item, '@');
	const char *via = at != NULL ? at + 1 : item;

	if (at != NULL)
		*at = '\0';
	if (text_to_addr(via, &out->via) != 0 || !is_unicast(&out->via)) {
		snprintf(why, whylen, "'%s' is not a gateway's address", via);
		return -EINVAL;
	}
	if (at == NULL) {
		memset(&out->prefix, 0, sizeof(out->prefix));
		if (ipaddr_is_v4(&out->via))
			out->prefix = ipaddr_from_v4(0);
		out->plen = 0;
		return 0;
	}
	if (text_to_prefix(item, &out->prefix, &out->plen, PLEN_HOST, why, whylen) != 0)
		return -EINVAL;
	if (ipaddr_is_v4(&out->prefix) != ipaddr_is_v4(&out->via)) {
		snprintf(why, whylen, "%s and %s are of two families", item, via);
		return -EINVAL;
	}
	if (!host_bits_clear(&out->prefix, out->plen)) {
		snprintf(why, whylen, "%s has bits set behind /%u", item, out->plen);
		return -EINVAL;
	}
	return 0;
}

int parse_gateways(struct shim_config *cfg, const struct option_row *row, const char *value,
		   char *why, size_t whylen)
{
	struct config_route routes[CONFIG_MAX_ROUTES];
	const char *list = value;
	unsigned int n = 0;
	char item[ITEM_LEN];

	(void)row;
	do {
		if (n == CONFIG_MAX_ROUTES) {
			snprintf(why, whylen, "more than %d", CONFIG_MAX_ROUTES);
			return -EINVAL;
		}
		if (text_next_item(&list, ',', item, sizeof(item)) != 0) {
			snprintf(why, whylen, "number %u is empty or too long", n + 1);
			return -EINVAL;
		}
		if (parse_gateway(item, &routes[n], why, whylen) != 0)
			return -EINVAL;
		for (unsigned int i = 0; i < n; i++) {
			if (routes[i].plen == routes[n].plen &&
			    ipaddr_equal(&routes[i].prefix, &routes[n].prefix)) {
				snprintf(why, whylen, "number %u is for the same prefix as number %u",
					 n + 1, i + 1);
				return -EINVAL;
			}
		}
		n++;
	} while (list != NULL);
	memcpy(cfg->ports[cfg->port].routes, routes, n * sizeof(routes[0]));
	cfg->ports[cfg->port].nroutes = n;
	return 0;
}

/* -- rules ---------------------------------------------------------------------------------- */
/*
 * One field of a rule, up to the next colon outside brackets; *s moves behind it and
 * becomes NULL after the last.
 */
static char *rule_field(char **s)
{
	char *start = *s, *p = start;
	bool brackets = false;

	if (start == NULL)
		return NULL;
	for (; *p != '\0' && (*p != ':' || brackets); p++) {
		if (*p == '[')
			brackets = true;
		else if (*p == ']')
			brackets = false;
	}
	*s = *p == ':' ? p + 1 : NULL;
	*p = '\0';
	return start;
}

/* The index of word in words, which are separated by |; -1 if it is none of them. */
static int one_of(const char *word, const char *words)
{
	size_t len = strlen(word);
	int i = 0;

	while (words != NULL && len > 0) {
		if (strncmp(words, word, len) == 0 && (words[len] == '|' || words[len] == '\0'))
			return i;
		words = strchr(words, '|');
		words = words != NULL ? words + 1 : NULL;
		i++;
	}
	return -1;
}

/* [2001:db8::]/32 and [2001:db8::/32] lose their brackets; plain IPv6 has none to lose. */
static void drop_brackets(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++)
		if (*s != '[' && *s != ']')
			*to++ = *s;
	*to = '\0';
}

static int rule_prefix(char *s, struct config_rule *rule, char *why, size_t whylen)
{
	if (strcmp(s, "*") == 0) {
		memset(&rule->prefix, 0, sizeof(rule->prefix));
		rule->plen = 0; /* of either family */
		return 0;
	}
	drop_brackets(s);
	if (text_to_prefix(s, &rule->prefix, &rule->plen, PLEN_HOST, why, whylen) != 0)
		return -EINVAL;
	if (rule->plen == 0) {
		snprintf(why, whylen, "write * for every address");
		return -EINVAL;
	}
	if (!host_bits_clear(&rule->prefix, rule->plen)) {
		snprintf(why, whylen, "%s has bits set behind /%u", s, rule->plen);
		return -EINVAL;
	}
	return 0;
}

static int rule_ports(const char *s, struct config_rule *rule)
{
	const char *dash = strchr(s, '-');
	unsigned long long lo = 0, hi = 65535;

	if (strcmp(s, "*") != 0) {
		size_t len = dash != NULL ? (size_t)(dash - s) : strlen(s);

		if (!text_to_number(s, len, &lo))
			return -EINVAL;
		hi = lo;
		if (dash != NULL && !text_to_number(dash + 1, strlen(dash + 1), &hi))
			return -EINVAL;
	}
	if (lo > hi || hi > 65535)
		return -EINVAL;
	rule->port_lo = (uint16_t)lo;
	rule->port_hi = (uint16_t)hi;
	return 0;
}

/* One rule, or the two of WHAT = any, into out[2]; their number or -EINVAL. */
static int parse_rule(char *item, struct config_rule out[2], char *why, size_t whylen)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, 0 };
	char *rest = item, *fields[5];
	int side, proto, what;

	for (unsigned int i = 0; i < 5; i++) {
		fields[i] = rule_field(&rest);
		if (fields[i] == NULL || (i == 4 && rest != NULL)) {
			snprintf(why, whylen, "a rule has five fields");
			return -EINVAL;
		}
	}
	side = one_of(fields[0], "shim|kernel");
	proto = one_of(fields[1], "tcp|udp|any");
	what = one_of(fields[2], "connect|listen|any");
	if (side < 0 || proto < 0 || what < 0) {
		snprintf(why, whylen, side < 0	? "'%.20s' is neither kernel nor shim" :
				      proto < 0 ? "'%.20s' is not tcp, udp or any" :
						  "'%.20s' is not listen, connect or any",
			 fields[side < 0 ? 0 : proto < 0 ? 1 : 2]);
		return -EINVAL;
	}
	memset(out, 0, 2 * sizeof(out[0]));
	out[0].kernel = side == 1;
	out[0].proto = protos[proto];
	out[0].listen = what == 1;
	if (rule_prefix(fields[3], &out[0], why, whylen) != 0)
		return -EINVAL;
	if (rule_ports(fields[4], &out[0]) != 0) {
		snprintf(why, whylen, "'%.20s' is not a port, a range or *", fields[4]);
		return -EINVAL;
	}
	out[1] = out[0];
	out[1].listen = true;
	return what == 2 ? 2 : 1;
}

int parse_rules(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
		size_t whylen)
{
	struct config_rule rules[CONFIG_MAX_RULES], pair[2];
	const char *list = value;
	unsigned int n = 0;
	char item[ITEM_LEN];

	(void)row;
	do {
		int got;

		if (text_next_item(&list, ',', item, sizeof(item)) != 0) {
			snprintf(why, whylen, "rule %u is empty or too long", n + 1);
			return -EINVAL;
		}
		got = parse_rule(item, pair, why, whylen);
		if (got < 0)
			return -EINVAL;
		if (n + (unsigned int)got > CONFIG_MAX_RULES) {
			snprintf(why, whylen, "more than %d (any counts twice)", CONFIG_MAX_RULES);
			return -EINVAL;
		}
		memcpy(&rules[n], pair, (size_t)got * sizeof(pair[0]));
		n += (unsigned int)got;
	} while (list != NULL);
	memcpy(cfg->rules, rules, n * sizeof(rules[0]));
	cfg->nrules = n;
	return 0;
}
