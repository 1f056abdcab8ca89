// SPDX-License-Identifier: BSD-2-Clause
/*
 * goalwatch.c - the console, the port or the agent, as CREATE said
 */
#include "kzhost/goalwatch.h"

#include <time.h>
#include <unistd.h>

static bool reach(struct goalwatch *g, bool now)
{
	if (!now)
		return false;
	g->reached = true;
	uv_timer_stop(&g->timer);
	return true;
}

/* No port of its own, or no room there: the next time. */
static void ask(struct goalwatch *g)
{
	(void)vm_port_write(g->vm, VM_PORT_AGENT, g->agent.question,
			    g->agent.question_len);
}

static void on_tick(uv_timer_t *timer)
{
	ask(timer->data);
}

void goalwatch_init(struct goalwatch *g, uv_loop_t *loop)
{
	*g = (struct goalwatch){ .kind = CTL_GOALS_NONE };
	uv_timer_init(loop, &g->timer);
	g->timer.data = g;
}

void goalwatch_set(struct goalwatch *g, enum ctl_goals kind, const char *text)
{
	struct timespec now;

	g->kind = kind;
	for (unsigned i = 0; i < VM_CONSOLE_N; i++)
		goals_init(&g->text[i], text);
	clock_gettime(CLOCK_REALTIME, &now);
	agent_init(&g->agent, (uint32_t)(now.tv_nsec ^ now.tv_sec ^ getpid() << 12));
}

void goalwatch_start(struct goalwatch *g, struct vm *vm)
{
	g->vm = vm;
	if (g->kind == CTL_GOALS_AGENT)
		uv_timer_start(&g->timer, on_tick, GOALWATCH_ASK_MS, GOALWATCH_ASK_MS);
}

void goalwatch_stop(struct goalwatch *g)
{
	uv_timer_stop(&g->timer);
	g->vm = NULL;
}

bool goalwatch_console(struct goalwatch *g, enum vm_console from, const void *data,
		       size_t len)
{
	return !g->reached && reach(g, goals_feed(&g->text[from], data, len));
}

static bool look_at_agent(struct goalwatch *g, bool *ret_more)
{
	bool open = vm_port_is_open(g->vm, VM_PORT_AGENT);
	uint8_t data[1024];
	size_t len = vm_port_read(g->vm, VM_PORT_AGENT, data, sizeof(data));

	if (open && !g->agent_open)
		ask(g);
	g->agent_open = open;
	*ret_more = len > 0;
	return reach(g, agent_feed(&g->agent, data, len));
}

bool goalwatch_ports(struct goalwatch *g, bool *ret_more)
{
	uint8_t byte;

	*ret_more = false;
	if (!g->vm || g->reached)
		return false;
	if (g->kind == CTL_GOALS_AGENT)
		return look_at_agent(g, ret_more);
	return g->kind == CTL_GOALS_PORT &&
	       reach(g, vm_port_read(g->vm, VM_PORT_GOALS, &byte, 1) > 0);
}

void goalwatch_close(struct goalwatch *g)
{
	uv_close((uv_handle_t *)&g->timer, NULL);
}
