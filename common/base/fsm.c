// SPDX-License-Identifier: BSD-2-Clause
/*
 * fsm.c - state machines as tables: lookup, check, print
 */
#include "common/base/fsm.h"

#include <string.h>

const struct fsm_rule *fsm_find(const struct fsm *m, unsigned state, unsigned event)
{
	for (unsigned i = 0; i < m->n_rules; i++)
		if (m->rules[i].from == state && m->rules[i].on == event)
			return &m->rules[i];
	return NULL;
}

/* Every name is there. */
static int check_names(const struct fsm *m, struct errmsg *e)
{
	if (m->n_states == 0 || m->n_states > UINT8_MAX || m->n_events > UINT8_MAX)
		return errmsg_set(e, -EINVAL, "%s: %u states, %u events", m->name,
				  m->n_states, m->n_events);
	for (unsigned s = 0; s < m->n_states; s++)
		if (!m->state_names[s])
			return errmsg_set(e, -EINVAL, "%s: state %u has no name", m->name,
					  s);
	for (unsigned v = 0; v < m->n_events; v++)
		if (!m->event_names[v])
			return errmsg_set(e, -EINVAL, "%s: event %u has no name", m->name,
					  v);
	if (m->initial >= m->n_states)
		return errmsg_set(e, -EINVAL, "%s: initial state %u of %u", m->name,
				  m->initial, m->n_states);
	return 0;
}

/* One rule: in range, not said before, an ignored pair changes nothing. */
static int check_rule(const struct fsm *m, const struct fsm_rule *r, struct errmsg *e)
{
	const char *from, *on;

	if (r->from >= m->n_states || r->to >= m->n_states || r->on >= m->n_events)
		return errmsg_set(e, -EINVAL, "%s: rule %td: out of range (%u, %u, %u)",
				  m->name, r - m->rules, r->from, r->on, r->to);
	from = m->state_names[r->from];
	on = m->event_names[r->on];
	if (fsm_find(m, r->from, r->on) != r)
		return errmsg_set(e, -EINVAL, "%s: (%s, %s) is there twice", m->name,
				  from, on);
	if (r->action < 0 || (r->action > 0 && !m->action_names) ||
	    (m->action_names && !m->action_names[r->action]))
		return errmsg_set(e, -EINVAL, "%s: (%s, %s): action %d has no name",
				  m->name, from, on, r->action);
	if (r->ignore && (r->to != r->from || r->action))
		return errmsg_set(e, -EINVAL,
				  "%s: (%s, %s) is ignored, yet changes something",
				  m->name, from, on);
	return 0;
}

/* Every state can be reached from the initial one. */
static int check_reach(const struct fsm *m, struct errmsg *e)
{
	bool reached[UINT8_MAX + 1] = { false };
	bool more = true;

	reached[m->initial] = true;
	while (more) {
		more = false;
		for (unsigned i = 0; i < m->n_rules; i++) {
			const struct fsm_rule *r = &m->rules[i];

			if (reached[r->from] && !reached[r->to])
				reached[r->to] = more = true;
		}
	}
	for (unsigned s = 0; s < m->n_states; s++)
		if (!reached[s])
			return errmsg_set(e, -EINVAL, "%s: state %s cannot be reached",
					  m->name, m->state_names[s]);
	return 0;
}

int fsm_check(const struct fsm *m, struct errmsg *e)
{
	int r = check_names(m, e);

	for (unsigned i = 0; r == 0 && i < m->n_rules; i++)
		r = check_rule(m, &m->rules[i], e);
	return r < 0 ? r : check_reach(m, e);
}

/* Rows in the order of states and events, so that the page does not depend on the
 * array's. */
void fsm_print(const struct fsm *m, struct buf *out)
{
	const struct fsm_rule *r;

	buf_addf(out, "## %s\n\n| state | event | becomes |%s\n|---|---|---|%s\n",
		 m->name, m->action_names ? " action |" : "",
		 m->action_names ? "---|" : "");
	for (unsigned s = 0; s < m->n_states; s++) {
		for (unsigned v = 0; v < m->n_events; v++) {
			r = fsm_find(m, s, v);
			if (!r)
				continue;
			buf_addf(out, "| %s | %s | %s |", m->state_names[s],
				 m->event_names[v],
				 r->ignore ? "(ignored)" : m->state_names[r->to]);
			if (m->action_names)
				buf_addf(out, " %s |",
					 r->action ? m->action_names[r->action] : "");
			buf_adds(out, "\n");
		}
	}
	buf_adds(out, "\n");
}
