// SPDX-License-Identifier: BSD-2-Clause
/*
 * settings.c - svc.zones.json takes effect; the properties as operators see them
 */
#include "restarter/settings.h"
#include "common/sys/log.h"
#include "restarter/http.h"
#include "restarter/status.h"

#include <string.h>

/* A limit that is larger now lets those in that waited for it. */
static void apply_limits(struct shell *sh)
{
	struct core_event ev = { .type = EV_LIMITS };

	ev.limits.boot_shutdown = sh->config.concurrent_boot_shutdown;
	ev.limits.suspend_resume = sh->config.concurrent_suspend_resume;
	(void)shell_step(sh, &ev);
}

void settings_listen(struct shell *sh)
{
	int r = sh->http ? http_listen_tcp(sh->http, sh->config.metrics_listen) : 0;

	if (r < 0)
		log_err("metrics on %s: %s", sh->config.metrics_listen, strerror(-r));
}

int settings_load(struct shell *sh, struct errmsg *e)
{
	struct restarter_config old = sh->config;
	int r = config_load(&sh->paths, &sh->config, NULL, e);

	apply_limits(sh);
	if (r < 0)
		return r;
	settings_listen(sh);
	status_changed(sh->status);
	if (old.track_zone_goals == sh->config.track_zone_goals || !sh->begun)
		return 0;
	for (unsigned i = 0; i < sh->zones.n; i++)
		if (shell_zone_refresh(sh, sh->zones.v[i]) < 0)
			return errmsg_set(e, -ENOMEM, "out of memory");
	return 0;
}

static json_t *view_one(enum config_id id, const struct restarter_config *file, bool set,
			const struct restarter_config *running,
			const struct restarter_config *defaults)
{
	const struct config_prop *p = &config_props[id];
	char value[CONFIG_TEXT_SIZE], now[CONFIG_TEXT_SIZE], def[CONFIG_TEXT_SIZE];
	json_t *o;

	config_text(file, id, value);
	config_text(running, id, now);
	config_text(defaults, id, def);
	o = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "type",
		      config_type_names[p->type], "value", value, "default", def, "set",
		      set, "running", now, "help", p->help);
	json_object_set_new(o, "name", json_sprintf(CONFIG_GROUP "%s", p->name));
	return o;
}

int settings_view(const struct shell *sh, json_t **ret_view, struct errmsg *e)
{
	struct restarter_config file, defaults;
	unsigned set = 0;
	json_t *all;
	int r = config_load(&sh->paths, &file, &set, e);

	if (r < 0)
		return r;
	config_defaults(&defaults);
	all = json_array();
	for (unsigned i = 0; i < CONFIG_N; i++)
		json_array_append_new(all,
				      view_one((enum config_id)i, &file, set & 1u << i,
					       &sh->config, &defaults));
	*ret_view = all;
	return 0;
}
