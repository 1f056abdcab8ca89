// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_ctl.c - any bytes as a message of the control protocol
 *
 * The first byte says from which side it comes and how many descriptors came along.
 * Beside not crashing: what is accepted has the id and the size that it claims, and ends
 * its texts.
 */
#include "common/base/utf8.h"
#include "common/proto/ctl.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void request(const uint8_t *data, size_t size, unsigned n_fds)
{
	const struct ctl_create *create = (const void *)data;
	struct errmsg e = { "" };
	int r = ctl_check_request(data, size, n_fds, &e);

	ASSERT(utf8_is_plain(e.text));
	if (r < 0) {
		ASSERT(e.text[0] &&
		       (r == -EPROTO || r == -EPROTONOSUPPORT || r == -EINVAL));
		return;
	}
	ASSERT(r < CTL_REQ_END && le16_get(create->hdr.id) == r);
	if (r != CTL_REQ_CREATE)
		return;
	ASSERT(size == sizeof(*create));
	ASSERT((unsigned)__builtin_popcount(le32_get(create->fd_mask)) == n_fds);
	ASSERT(strlen(create->zone) < CTL_NAME_SIZE);
	ASSERT(strlen(create->cmdline) < CTL_CMDLINE_SIZE);
}

static void answer(const uint8_t *data, size_t size)
{
	const struct ctl_exiting *exiting = (const void *)data;
	const struct ctl_hello_reply *hello = (const void *)data;
	struct errmsg e = { "" };
	int r = ctl_check_answer(data, size, &e);

	ASSERT(utf8_is_plain(e.text));
	if (r < 0) {
		ASSERT(e.text[0] && (r == -EPROTO || r == -EPROTONOSUPPORT));
		return;
	}
	ASSERT(le16_get(exiting->hdr.id) == r &&
	       strcmp(ctl_id_name((unsigned)r), "?") != 0);
	if (r == CTL_EV_EXITING)
		ASSERT(ctl_cause_names[le32_get(exiting->cause)] &&
		       strlen(exiting->text) < CTL_TEXT_SIZE);
	if (r == CTL_REQ_HELLO)
		ASSERT(ctl_state_names[le32_get(hello->state)] &&
		       strlen(hello->zone) < CTL_NAME_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 0x80)
		answer(data + 1, size - 1);
	else
		request(data + 1, size - 1, data[0]);
	return 0;
}
