// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_zone_json.c - any bytes as a configuration file
 *
 * Beside not crashing: what is accepted can be written and read back the same.
 */
#include "common/base/utf8.h"
#include "common/zone/conf.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zconf *c = NULL, *again = NULL;
	struct errmsg e = { "" };
	char *text = NULL;
	int r = zconf_parse("db", (const char *)data, size, "f", &c, &e);

	ASSERT((r == 0) == (e.text[0] == '\0') && utf8_is_plain(e.text));
	if (r == 0) {
		ASSERT(zconf_format(c, &text) == 0);
		ASSERT(zconf_parse("db", text, strlen(text), "f", &again, &e) == 0);
		ASSERT(zconf_equal(c, again));
	}
	free(text);
	zconf_free(c);
	zconf_free(again);
	return 0;
}
