// SPDX-License-Identifier: BSD-2-Clause
/*
 * fmri.c - which instances an operator's word means
 */
#include "cli/fmri.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define LOCALHOST "svc://localhost/"

/* The word is all of the text, or all of it before the instance's name. */
static bool covers(const char *word, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (strpbrk(word, "*?["))
		return fnmatch(word, text, 0) == 0;
	return strcmp(word, text) == 0 ||
	       (strlen(word) == len && memcmp(word, text, len) == 0);
}

bool fmri_matches(const char *word, const char *fmri)
{
	cleanup(freep) char *local = NULL;

	if (!*word)
		return false;
	/* The scope may be named, or left out. */
	if (strncmp(word, LOCALHOST, strlen(LOCALHOST)) == 0) {
		if (asprintf(&local, "svc:/%s", word + strlen(LOCALHOST)) < 0)
			return false;
		word = local;
	}
	if (covers(word, fmri))
		return true;
	for (const char *c = fmri; *c; c++)
		if ((*c == '/' || *c == ':') && c[1] && covers(word, c + 1))
			return true;
	return false;
}
