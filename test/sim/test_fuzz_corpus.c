/* SPDX-License-Identifier: BSD-3-Clause */
/* test_fuzz_corpus.c - what the fuzzer of the stack found worth keeping, once more. */
#include <dirent.h>
#include <stdio.h>

#include "test/fuzz/fuzz_stack.c"
#include "test/sim/sim.h"

#define CORPUS "test/fuzz/corpus/fuzz_stack"
#define INPUT_MAX 65536

static char input_path[512];

static void print_input(void *arg)
{
	(void)arg;
	fprintf(stderr, "input: %s\n", input_path);
}

static void replay(const char *name)
{
	static uint8_t buf[INPUT_MAX];
	FILE *fp;
	size_t n;

	snprintf(input_path, sizeof(input_path), "%s/%s", CORPUS, name);
	fp = fopen(input_path, "rb");
	must(fp != NULL, "cannot read %s", input_path);
	n = fread(buf, 1, sizeof(buf), fp);
	fclose(fp);
	(void)LLVMFuzzerTestOneInput(buf, n);
}

TEST(corpus_of_the_stack_fuzzer_replays)
{
	struct fail_reporter reporter = { .fn = print_input };
	struct dirent *e;
	unsigned int n = 0;
	DIR *dir = opendir(CORPUS);

	must(dir != NULL, "%s is missing", CORPUS);
	fail_reporter_add(&reporter);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		replay(e->d_name);
		n++;
	}
	fail_reporter_del(&reporter);
	closedir(dir);
	must(n >= 20, "only %u inputs in %s", n, CORPUS);
}

SIM_MAIN("fuzz-corpus")
