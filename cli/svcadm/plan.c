// SPDX-License-Identifier: BSD-2-Clause
/*
 * plan.c - svcadm --plan: the order of a boot of the host, wave by wave, without acting
 */
#include "cli/columns.h"
#include "cli/svcadm/svcadm.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "?";
}

static void add_row(struct buf *out, const char *wave, const char *priority,
		    const char *zone, const char *why)
{
	columns_cell(out, wave, 5);
	buf_adds(out, " ");
	columns_cell(out, priority, 8);
	buf_adds(out, " ");
	columns_cell(out, zone, 16);
	buf_addf(out, " %s\n", why);
}

static void add_plan(struct buf *out, const json_t *plan)
{
	json_t *one;
	size_t n;

	add_row(out, "WAVE", "PRIORITY", "ZONE", "WAITS FOR");
	json_array_foreach (json_object_get(plan, "boots"), n, one) {
		const char *waits = text_of(one, "waits");
		char wave[24];

		snprintf(wave, sizeof(wave), "%lld",
			 (long long)json_integer_value(json_object_get(one, "wave")));
		add_row(out, wave, text_of(one, "priority"), text_of(one, "zone"),
			*waits ? waits : "-");
	}
	json_array_foreach (json_object_get(plan, "others"), n, one)
		add_row(out, "-", "-", text_of(one, "zone"), text_of(one, "reason"));
}

int plan_show(struct svcadm *s)
{
	cleanup(buf_fini) struct buf out = { 0 };
	struct client_error e = { 0 };
	json_t *plan = NULL;

	if (client_call(&s->client, KZ_PLAN, json_object(), &plan, &e) < 0)
		return svcadm_failed("%s", e.msg.text);
	add_plan(&out, plan);
	json_decref(plan);
	if (buf_error(&out))
		return svcadm_failed("out of memory");
	fwrite(out.p, 1, out.len, stdout);
	return fflush(stdout) ? svcadm_failed("%s", strerror(errno)) : EXIT_DONE;
}
