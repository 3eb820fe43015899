/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numbers.c - what a limit of descriptors leaves: numbers of closed connections are free for
 * files, whatever the library keeps for the next connections.
 */
#include <sys/resource.h>

#include "calls.h"

#define LIMIT 1024
#define PAIRS 450

static int files[LIMIT];

/* Files that open(2) gives until EMFILE. */
static int open_all(void)
{
	int n = 0;

	while (n < LIMIT && (files[n] = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	printf("then %s\n", strerrorname_np(errno));
	for (int i = 0; i < n; i++)
		close(files[i]);
	return n;
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	static int pairs[PAIRS][2];
	int l, before, after;

	test_begin(argc, argv);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = LIMIT;
	DO(setrlimit(RLIMIT_NOFILE, &limit));
	l = test_listener();
	before = open_all();
	for (int i = 0; i < PAIRS; i++)
		test_pair(l, pairs[i]);
	for (int i = 0; i < PAIRS; i++) {
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
	after = open_all();
	/* A few are the library's, which may keep an eighth for connections. */
	printf("of %d numbers, at first %s, later %s\n", LIMIT,
	       before > LIMIT - 24 ? "nearly all" : "few",
	       after > LIMIT - 24 - LIMIT / 8 ? "nearly all" : "few");
	if (before <= LIMIT - 24 || after <= LIMIT - 24 - LIMIT / 8)
		printf("%d %d\n", before, after);
	/* Connections find numbers again, and all of them. */
	for (int i = 0; i < PAIRS; i++)
		test_pair(l, pairs[i]);
	DO(write(pairs[PAIRS - 1][0], "x", 1));
	DO(read(pairs[PAIRS - 1][1], &l, 1));
	return 0;
}
