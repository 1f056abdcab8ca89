// SPDX-License-Identifier: BSD-2-Clause
/*
 * status.c - /run/zones/status.json, replaced atomically when something has changed
 *
 * Changes within INTERVAL_MS become one write, and the last change is always written. A
 * document that takes long to make (thousands of zones) is made less often, so that it
 * never costs more than a tenth of the time. When the file cannot be written that is said
 * once, and tried again every second.
 */
#include "restarter/status.h"
#include "common/sys/file.h"
#include "common/sys/log.h"
#include "restarter/shell.h"
#include "restarter/view.h"

#include <string.h>

#define INTERVAL_MS 100
#define RETRY_MS    1000

struct status {
	struct shell *sh;
	uv_timer_t timer;
	bool begun;
	bool changed;     /* since the last write */
	bool failing;     /* the last write failed, and that was said */
	struct buf text;  /* as last written; its memory is used again */
	uint64_t next_ms; /* not before, on the loop's clock */
};

int status_new(struct shell *sh, struct status **ret_status)
{
	struct status *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->sh = sh;
	*ret_status = s;
	return 0;
}

static void finish(struct status *s)
{
	if (s)
		buf_fini(&s->text);
	free(s);
}

static void timer_closed(uv_handle_t *h)
{
	finish(h->data);
}

void status_free(struct status *s)
{
	if (s && s->begun)
		uv_close((uv_handle_t *)&s->timer, timer_closed);
	else
		finish(s);
}

static int write_file(struct status *s)
{
	cleanup(freep) char *path = paths_get(&s->sh->paths, PATH_STATUS, NULL);

	buf_clear(&s->text);
	view_status(s->sh, &s->text);
	buf_adds(&s->text, "\n");
	if (!path || buf_error(&s->text))
		return -ENOMEM;
	return file_replace(path, s->text.p, s->text.len, 0644, false);
}

static void fired(uv_timer_t *t)
{
	status_flush(t->data);
}

void status_flush(struct status *s)
{
	uint64_t begin = uv_hrtime(), took_ms;
	int r;

	shell_commit(s->sh);
	if (!s->begun || !s->changed)
		return;
	s->changed = false;
	r = write_file(s);
	took_ms = (uv_hrtime() - begin) / 1000000;
	uv_update_time(&s->sh->loop);
	s->next_ms = uv_now(&s->sh->loop) + MAX((uint64_t)INTERVAL_MS, 10 * took_ms);
	if (r < 0) {
		if (!s->failing)
			log_err("status.json cannot be written: %s", strerror(-r));
		s->changed = true;
		uv_timer_start(&s->timer, fired, RETRY_MS, 0);
	} else if (s->failing) {
		log_notice("status.json can be written again");
	}
	s->failing = r < 0;
}

void status_begin(struct status *s)
{
	uv_timer_init(&s->sh->loop, &s->timer);
	s->timer.data = s;
	s->begun = true;
	s->changed = true;
	status_flush(s);
}

void status_changed(struct status *s)
{
	uint64_t now;

	s->changed = true;
	if (!s->begun || uv_is_active((uv_handle_t *)&s->timer))
		return;
	now = uv_now(&s->sh->loop);
	uv_timer_start(&s->timer, fired, s->next_ms > now ? s->next_ms - now : 0, 0);
}
