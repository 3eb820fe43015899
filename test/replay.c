/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replay.c - main() that gives a fuzzer's corpus back to it, without libFuzzer.
 *
 * usage: replay_NAME [FILE...]     (default: every file in test/fuzz/corpus/fuzz_NAME)
 *
 * Every input that once was interesting, or once was a finding, is a test from then on.
 * The name of each file is said before it runs, so that a crash tells which one it was.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX_LEN (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX_LEN), *exact;
	size_t size;

	if (f == NULL || data == NULL) {
		fprintf(stderr, "%s cannot be read\n", path);
		free(data);
		if (f != NULL)
			fclose(f);
		return -1;
	}
	size = fread(data, 1, INPUT_MAX_LEN, f);
	fclose(f);
	/* Exactly as long as the input, so that a sanitizer sees a read beyond its end. */
	exact = malloc(size > 0 ? size : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, data, size);
	free(data);
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

static void replay_corpus(const char *name, unsigned int *passed, unsigned int *failed)
{
	char dir[256], path[1024];
	struct dirent **entries;
	int n;

	snprintf(dir, sizeof(dir), "test/fuzz/corpus/fuzz_%s", name);
	n = scandir(dir, &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			++*(replay(path) == 0 ? passed : failed);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *self = slash != NULL ? slash + 1 : argv[0];
	const char *name = strchr(self, '_');
	unsigned int passed = 0, failed = 0;

	/* A fuzzer without a corpus yet still has to take the empty input. */
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	passed++;
	for (int i = 1; i < argc; i++)
		++*(replay(argv[i]) == 0 ? &passed : &failed);
	if (argc == 1 && name != NULL)
		replay_corpus(name + 1, &passed, &failed);
	printf("%s: %u passed, %u failed, 0 skipped\n", self, passed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
