// SPDX-License-Identifier: BSD-2-Clause
/*
 * replay.c - a fuzzer's corpus as an ordinary test: every file, and every file cut short
 * and with single bytes changed
 */
#include "common/sys/file.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define CHANGES     4000 /* of all files together */
#define CHANGES_MIN 40   /* of one file */

/* A copy that is just as long as it says, so that the sanitizer sees each step over its
 * end. */
static void one_input(const char *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	ASSERT(copy);
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void changed_inputs(char *data, size_t len, unsigned changes)
{
	unsigned seed = (unsigned)len;

	for (unsigned i = 0; len && i < changes; i++) {
		size_t at = (size_t)rand_r(&seed) % len;
		char was = data[at];

		one_input(data, at);
		data[at] = (char)rand_r(&seed);
		one_input(data, len);
		data[at] = "\"{}[]=;#%\n\\'0 -:"[rand_r(&seed) % 16];
		one_input(data, len);
		data[at] = was;
	}
}

int main(int argc, char **argv)
{
	struct dirent **files;
	int n = argc == 2 ? scandir(argv[1], &files, NULL, alphasort) : -1;
	int tests = 0;

	if (n < 0) {
		fprintf(stderr, "usage: %s corpus-directory\n", argv[0]);
		return 2;
	}
	for (int i = 0; i < n; i++) {
		char path[4096];
		char *data = NULL;
		size_t len = 0;

		snprintf(path, sizeof(path), "%s/%s", argv[1], files[i]->d_name);
		if (files[i]->d_name[0] != '.' &&
		    file_read(path, MIB, &data, &len) == 0) {
			one_input(data, len);
			changed_inputs(data, len,
				       MAX(CHANGES / (unsigned)n, CHANGES_MIN));
			printf("ok %d - %s\n", ++tests, files[i]->d_name);
			fflush(stdout);
		}
		free(data);
		free(files[i]);
	}
	free(files);
	printf("1..%d\n", tests);
	return tests ? 0 : 1;
}
