// SPDX-License-Identifier: BSD-2-Clause
/*
 * tables.c - the core's tables in print: modes, and what requests do in them
 */
#include "restarter/core_internal.h"

static const struct {
	const char *name;
	unsigned state;
	enum vm_phase phase;
	bool slot;
} modes[MODE_N] = {
#define X(id, name, state, phase, slot) { name, INST_##state, VM_##phase, slot },
	INST_MODES(X)
#undef X
};

static void print_modes(struct buf *out)
{
	buf_adds(out, "## instance: modes\n\n| mode | instance state | machine | slot |\n"
		      "|---|---|---|---|\n");
	for (unsigned m = 0; m < MODE_N; m++)
		buf_addf(out, "| %s | %s | %s | %s |\n", modes[m].name,
			 modes[m].state == INST_KEEP ? "as before"
						     : inst_state_names[modes[m].state],
			 vm_phase_names[modes[m].phase],
			 modes[m].slot ? "may hold one" : "no");
	buf_adds(out, "\n");
}

static void print_requests(struct buf *out)
{
	buf_adds(out, "## instance: requests\n\n| mode |");
	for (unsigned verb = EV_BOOT; verb <= EV_MARK_DEGRADED; verb++)
		buf_addf(out, " %s |", core_ev_names[verb]);
	buf_adds(out, "\n|---|");
	for (unsigned verb = EV_BOOT; verb <= EV_MARK_DEGRADED; verb++)
		buf_adds(out, "---|");
	for (unsigned m = 0; m < MODE_N; m++) {
		buf_addf(out, "\n| %s |", modes[m].name);
		for (unsigned verb = EV_BOOT; verb <= EV_MARK_DEGRADED; verb++)
			buf_addf(out, " %s |",
				 op_meaning((enum inst_mode)m, (enum core_ev)verb));
	}
	buf_adds(out, "\n\n");
}

/**
 * core_print_tables() - Append what modes are, and what requests do in them, as Markdown
 */
void core_print_tables(struct buf *out)
{
	print_modes(out);
	print_requests(out);
}
