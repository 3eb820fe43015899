/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check_main.h - main() of a Check binary.
 *
 *	static Suite *options_suite(void) { ... }
 *	CHECK_MAIN(options_suite)
 *
 * Tests run in this process, not in a fork each: the stack's memory is shared by
 * fork, so a forked test would leave its mbufs behind (and a debugger or sanitizer
 * sees more).  CK_FORK=yes in the environment brings the forks back, CK_RUN_CASE and
 * CK_RUN_SUITE select, CK_VERBOSITY=verbose names every test.
 *
 * The last line, "NAME: N passed, N failed, N skipped", is what test/ci/suites.sh
 * reads; a suite that ends without it (crash, exit() in a test) counts as failed.
 */
#ifndef TEST_CHECK_MAIN_H
#define TEST_CHECK_MAIN_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline int check_main(Suite *suite, const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	SRunner *sr = srunner_create(suite);
	int run, failed;

	if (getenv("CK_FORK") == NULL)
		srunner_set_fork_status(sr, CK_NOFORK);
	setvbuf(stdout, NULL, _IOLBF, 0);
	srunner_run_all(sr, CK_ENV);
	run = srunner_ntests_run(sr);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	printf("%s: %d passed, %d failed, 0 skipped\n", slash != NULL ? slash + 1 : argv0,
	       run - failed, failed);
	return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define CHECK_MAIN(suite_function)                         \
	int main(int argc, char **argv)                    \
	{                                                  \
		(void)argc;                                \
		return check_main(suite_function(), argv[0]); \
	}

#endif
