// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_varlink.c - any bytes as a Varlink call
 *
 * Beside not crashing: what is accepted can be written and read back the same; what is
 * refused has a text, and an error name when it is to be answered.
 */
#include "common/base/utf8.h"
#include "common/proto/varlink.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_again(const struct varlink_call *c)
{
	struct varlink_call again;
	struct errmsg e = { "" };
	const char *error = NULL;
	struct buf b = { 0 };

	varlink_add_call(&b, c->method, c->params, c->more);
	ASSERT(buf_error(&b) == 0 && strlen(b.p) == b.len - 1);
	ASSERT(varlink_parse_call(b.p, b.len - 1, &again, &error, &e) == 0);
	ASSERT(again.method == c->method && again.more == c->more);
	ASSERT(json_equal(again.params, c->params));
	varlink_call_fini(&again);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct varlink_call c = { .params = NULL };
	struct errmsg e = { "" };
	const char *error = NULL;
	struct buf b = { 0 };
	int r = varlink_parse_call((const char *)data, size, &c, &error, &e);

	ASSERT(utf8_is_plain(e.text));
	if (r == 0) {
		check_again(&c);
		varlink_call_fini(&c);
		return 0;
	}
	ASSERT(e.text[0] && (r == -EPROTO || (r == -EINVAL && error)));
	varlink_add_error(&b, error ? error : KZ_ERR_FAILED, e.text);
	ASSERT(buf_error(&b) == 0);
	buf_fini(&b);
	return 0;
}
