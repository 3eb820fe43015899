/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of the option table: a configuration, and what setting one option does to it. */
#ifndef TEST_UNIT_OPTIONS_RIG_H
#define TEST_UNIT_OPTIONS_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preload/options.h"
#include "test/check_main.h"

static struct shim_config cfg;
static char err[OPTION_ERR_LEN];

static inline void setup(void)
{
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		char name[32];

		option_env_name(&option_table[i], 0, name, sizeof(name));
		unsetenv(name);
	}
	config_defaults(&cfg);
	err[0] = '\0';
}

static inline int set(enum option_id id, const char *value)
{
	return option_set(&cfg, &option_table[id], value, "--here", err, sizeof(err));
}

/* Is refused; the message is one line that has origin, value and what is allowed. */
static inline void refused(enum option_id id, const char *value)
{
	struct shim_config before = cfg;

	ck_assert_msg(set(id, value) == -EINVAL, "%s took '%s'", option_table[id].name, value);
	ck_assert_msg(memcmp(&before, &cfg, sizeof(cfg)) == 0, "%s '%s' left traces",
		      option_table[id].name, value);
	ck_assert_ptr_eq(strchr(err, '\n'), NULL);
	ck_assert_msg(strncmp(err, "--here: '", 9) == 0, "%s", err);
	ck_assert_msg(strstr(err, option_table[id].allowed) != NULL, "%s", err);
}

static inline void taken(enum option_id id, const char *value)
{
	ck_assert_msg(set(id, value) == 0, "%s refused '%s': %s", option_table[id].name, value,
		      err);
}

static inline struct ipaddr ip(const char *text)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1)
		return ipaddr_from_v4(in.s_addr);
	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6), 1);
	return ipaddr_from_in6(&in6);
}

static inline void same_addr(const struct ipaddr *a, const char *text)
{
	struct ipaddr b = ip(text);

	ck_assert_msg(ipaddr_equal(a, &b), "not %s", text);
}

static inline TCase *add_case(Suite *s, const char *name, void (*before)(void), void (*after)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, before, after);
	suite_add_tcase(s, tc);
	return tc;
}

#endif
