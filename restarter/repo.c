// SPDX-License-Identifier: BSD-2-Clause
/*
 * repo.c - state.json: what must outlive the restarter
 *
 * The document is written whole, and so are the bytes that must be on the disk; but each
 * zone's record is kept as text, and only that of a zone that has changed is made anew.
 */
#include "restarter/repo.h"
#include "common/base/json.h"
#include "common/sys/file.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

static void put_ms(struct buf *to, const char *key, uint64_t ms)
{
	if (ms)
		jput_number(to, key, (int64_t)ms);
}

static void put_saved(struct buf *to, const struct core_saved *s)
{
	jput_bool(to, "enabled", s->enabled);
	if (s->enabled_temporary)
		jput_bool(to, "enabled_temporary", s->enabled);
	jput_text(to, "instance", inst_state_names[s->state]);
	if (s->to_maint)
		jput_bool(to, "to_maintenance", true);
	if (s->again)
		jput_text(to, "to_boot_again", core_again_names[s->again]);
	if (s->marked)
		jput_bool(to, "marked", true);
	if (s->failures)
		jput_number(to, "failures", s->failures);
	if (s->n_faults) {
		jput_open(to, "faults_ms", "[");
		for (unsigned n = 0; n < s->n_faults; n++)
			jput_number(to, NULL, (int64_t)s->fault_ms[n]);
		jput_close(to, "]");
	}
	put_ms(to, "retry_ms", s->retry_ms);
	jput_number(to, "since_ms", (int64_t)s->since_ms);
	if (*s->reason) {
		jput_text(to, "reason", s->reason);
		jput_text(to, "auxiliary_state", kz_reason_token(s->why));
	}
}

/* What the core knows of the zone's instance, if there is one. */
static void put_instance(struct shell *sh, struct zone *z, struct buf *to)
{
	struct inst *inst =
		z->life == LIFE_INSTALLED ? core_find(sh->core, z->name) : NULL;
	struct core_view v;

	if (inst) {
		core_view(sh->core, inst, &v);
		z->running_ms = v.running_ms ? v.running_ms : z->running_ms;
		z->online_ms = v.online_ms ? v.online_ms : z->online_ms;
	}
	put_ms(to, "started_ms", z->started_ms);
	put_ms(to, "running_ms", z->running_ms);
	put_ms(to, "online_ms", z->online_ms);
	if (inst) {
		core_saved_of(sh->core, inst, &z->saved);
		put_saved(to, &z->saved);
	}
}

/* Its member of "zones", as it is now, into z->record. 0 or -ENOMEM. */
static int format(struct shell *sh, struct zone *z)
{
	cleanup(buf_fini) struct buf to = { 0 };
	char uuid[UUID_TEXT_SIZE], *record;
	int r;

	jput_open(&to, z->name, "{");
	jput_text(&to, "state", life_state_names[zone_life(sh->core, z)]);
	if (!uuid_is_zero(z->uuid)) {
		uuid_format(z->uuid, uuid);
		jput_text(&to, "uuid", uuid);
	}
	if (z->id >= 0)
		jput_number(&to, "id", z->id);
	if (z->has_ended)
		jput_text(&to, "ended", ctl_cause_names[z->ended]);
	if (z->boot_args)
		jput_text(&to, "boot_args", z->boot_args);
	put_instance(sh, z, &to);
	jput_close(&to, "}");
	r = buf_take(&to, &record);
	if (r < 0)
		return r;
	free(z->record);
	z->record = record;
	z->record_len = strlen(record);
	z->unsaved = false;
	return 0;
}

/*
 * DOC: The checksum
 *
 * A flipped bit may leave a document that reads well and says another uuid. So the first
 * line carries a checksum of all that comes behind it, eight bytes at a time: each step
 * can be undone, so that no change within eight bytes goes unseen, and what else changes
 * does so with a chance of 2^-64. A document without it (made by hand) is taken as it is.
 */
#define CHECK_BEGIN "{\n \"check\": \""
#define CHECK_END   "\",\n"
#define CHECK_LEN   16 /* hexadecimal digits */
#define CHECK_HEAD  (strlen(CHECK_BEGIN) + CHECK_LEN + strlen(CHECK_END))

static uint64_t checksum(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull ^ len, word;

	for (size_t at = 0; at < len; at += sizeof(word)) {
		word = 0;
		memcpy(&word, text + at, MIN(len - at, sizeof(word)));
		h = (h ^ le64toh(word)) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return h;
}

static void put_check(struct buf *to)
{
	char digits[CHECK_LEN + 1];

	if (buf_error(to))
		return;
	snprintf(digits, sizeof(digits), "%016llx",
		 (unsigned long long)checksum(to->p + CHECK_HEAD, to->len - CHECK_HEAD));
	memcpy(to->p + strlen(CHECK_BEGIN), digits, CHECK_LEN);
}

/* Is it as it was written, as far as it tells? */
static bool check_holds(const char *text, size_t len)
{
	char digits[CHECK_LEN + 1];

	if (len < CHECK_HEAD || strncmp(text, CHECK_BEGIN, strlen(CHECK_BEGIN)) != 0)
		return true;
	snprintf(digits, sizeof(digits), "%016llx",
		 (unsigned long long)checksum(text + CHECK_HEAD, len - CHECK_HEAD));
	return memcmp(text + strlen(CHECK_BEGIN), digits, CHECK_LEN) == 0;
}

/* The whole document; only zones that have changed are formatted. 0 or -ENOMEM. */
static int compose(struct shell *sh, struct buf *to)
{
	buf_adds(to, CHECK_BEGIN "0000000000000000" CHECK_END);
	buf_adds(to, " ");
	jput_number(to, "version", REPO_VERSION);
	jput_line(to, 1);
	jput_text(to, "boot_id", sh->boot_id);
	jput_number(to, "next_id", sh->next_id);
	if (sh->stopping)
		put_ms(to, "stop_deadline_ms", sh->stop_deadline_ms);
	jput_line(to, 1);
	jput_open(to, "zones", "{");
	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];

		if (z->life == LIFE_CONFIGURED)
			continue;
		if ((z->unsaved || !z->record) && format(sh, z) < 0)
			return -ENOMEM;
		jput_line(to, 2);
		buf_add(to, z->record, z->record_len);
	}
	jput_close(to, "}}\n");
	put_check(to);
	return buf_error(to);
}

/* The new file in the place of the old, and that one as state.json.1. */
static int replace(const char *path, const struct buf *text)
{
	cleanup(freep) char *prev = NULL;
	cleanup(freep) char *temp = NULL;
	bool kept;
	int r;

	if (asprintf(&prev, "%s.1", path) < 0 || asprintf(&temp, "%s.2", path) < 0)
		return -ENOMEM;
	(void)unlink(temp);
	kept = link(path, temp) == 0; /* losing that one is no reason to stop */
	r = file_replace(path, text->p, text->len, 0640, true);
	if (kept && (r < 0 || rename(temp, prev) < 0))
		(void)unlink(temp);
	return r;
}

int repo_save(struct shell *sh)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_STATE, NULL);
	int r = path ? 0 : -ENOMEM;

	buf_clear(&sh->state_text);
	if (r == 0)
		r = compose(sh, &sh->state_text);
	if (r == 0)
		r = replace(path, &sh->state_text);
	return r;
}

static int inst_state_parse(const char *name, enum inst_state *ret_state)
{
	for (unsigned i = 0; name && i < INST_STATE_N; i++) {
		if (strcmp(name, inst_state_names[i]) == 0) {
			*ret_state = (enum inst_state)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* A time that must be there as a number not below 0, or not at all. */
static int take_ms(const json_t *o, const char *key, uint64_t *ret_ms)
{
	const json_t *v = json_object_get(o, key);

	if (v && (!json_is_integer(v) || json_integer_value(v) < 0))
		return -EINVAL;
	*ret_ms = v ? (uint64_t)json_integer_value(v) : 0;
	return 0;
}

/* The times of faults. 0 or -EINVAL. */
static int take_faults(const json_t *o, struct core_saved *s)
{
	const json_t *v = json_object_get(o, "faults_ms"), *at;

	if (v && (!json_is_array(v) || json_array_size(v) > CORE_FAULTS_KEPT))
		return -EINVAL;
	for (s->n_faults = 0; s->n_faults < json_array_size(v); s->n_faults++) {
		at = json_array_get(v, s->n_faults);
		if (!json_is_integer(at) || json_integer_value(at) < 0)
			return -EINVAL;
		s->fault_ms[s->n_faults] = (uint64_t)json_integer_value(at);
	}
	return 0;
}

/* How it was being stopped for a reboot. 0 or -EINVAL. */
static int take_again(const json_t *o, struct core_saved *s)
{
	const json_t *v = json_object_get(o, "to_boot_again");

	s->again = AGAIN_NO;
	if (!v)
		return 0;
	for (unsigned i = 0; json_is_string(v) && i < CORE_AGAIN_N; i++) {
		if (strcmp(json_string_value(v), core_again_names[i]) != 0)
			continue;
		s->again = (enum core_again)i;
		return 0;
	}
	return -EINVAL;
}

static int take_saved(const json_t *o, struct zone *z)
{
	const json_t *temporary = json_object_get(o, "enabled_temporary");
	const json_t *enabled = json_object_get(o, "enabled");
	const char *reason = json_string_value(json_object_get(o, "reason"));
	const char *state = json_string_value(json_object_get(o, "instance"));
	const char *why = json_string_value(json_object_get(o, "auxiliary_state"));
	uint64_t failures = 0;

	if (!state)
		return 0;
	if (inst_state_parse(state, &z->saved.state) < 0 ||
	    take_ms(o, "failures", &failures) < 0 || failures > UINT16_MAX ||
	    take_ms(o, "retry_ms", &z->saved.retry_ms) < 0 ||
	    take_faults(o, &z->saved) < 0 || take_again(o, &z->saved) < 0 ||
	    take_ms(o, "since_ms", &z->saved.since_ms) < 0 || !json_is_boolean(enabled) ||
	    (temporary && !json_is_boolean(temporary)))
		return -EINVAL;
	z->saved.enabled_temporary = temporary != NULL;
	z->saved.enabled = json_is_true(enabled);
	z->saved.to_maint = json_is_true(json_object_get(o, "to_maintenance"));
	z->saved.failures = (unsigned)failures;
	z->saved.marked = json_is_true(json_object_get(o, "marked"));
	snprintf(z->saved.reason, sizeof(z->saved.reason), "%s", reason ? reason : "");
	z->saved.why = kz_reason_of(why ? why : "");
	z->has_saved = true;
	return 0;
}

/* How its guest ended its machine before svc.zones did. 0 or -EINVAL. */
static int take_ended(const json_t *o, struct zone *z)
{
	const json_t *v = json_object_get(o, "ended");

	for (unsigned i = 0; json_is_string(v) && i < CTL_CAUSE_N; i++) {
		if (strcmp(json_string_value(v), ctl_cause_names[i]) != 0)
			continue;
		z->has_ended = true;
		z->ended = (enum ctl_cause)i;
	}
	return v && !z->has_ended ? -EINVAL : 0;
}

static int take_zone(struct zones *t, const char *name, const json_t *o)
{
	const json_t *id = json_object_get(o, "id"),
		     *args = json_object_get(o, "boot_args");
	const char *state = json_string_value(json_object_get(o, "state"));
	const json_t *uuid = json_object_get(o, "uuid");
	enum life_state life;
	struct zone *z;
	int r = zones_get(t, name, &z);

	if (r < 0)
		return r;
	if (!json_is_object(o) || !state || life_parse(state, &life) < 0 ||
	    (id && (json_integer_value(id) < 1 || json_integer_value(id) > INT32_MAX)) ||
	    (args && !json_is_string(args)) || (uuid && !json_is_string(uuid)) ||
	    (uuid && uuid_parse(json_string_value(uuid), z->uuid) < 0) ||
	    (life >= LIFE_UNAVAILABLE && !uuid) || take_ended(o, z) < 0 ||
	    take_ms(o, "started_ms", &z->started_ms) < 0 ||
	    take_ms(o, "running_ms", &z->running_ms) < 0 ||
	    take_ms(o, "online_ms", &z->online_ms) < 0)
		return -EINVAL;
	z->id = id ? (int)json_integer_value(id) : -1;
	z->saved.unavailable = life == LIFE_UNAVAILABLE;
	z->life = z->saved.unavailable ? LIFE_INSTALLED : life;
	if (args) {
		z->boot_args = strdup(json_string_value(args));
		if (!z->boot_args)
			return -ENOMEM;
	}
	return take_saved(o, z);
}

static int take_root(struct shell *sh, const json_t *root, struct errmsg *e)
{
	const json_t *version = json_object_get(root, "version");
	const json_t *next = json_object_get(root, "next_id");
	const char *boot_id = json_string_value(json_object_get(root, "boot_id"));
	json_t *all = json_object_get(root, "zones"), *o;
	struct zones t = { 0 };
	uint64_t stop_ms = 0;
	const char *name;
	int r = 0;

	if (!json_is_integer(version) || json_integer_value(version) != REPO_VERSION)
		return errmsg_set(e, -EINVAL, "not of version %d", REPO_VERSION);
	if (!json_is_object(all) || !json_is_integer(next) ||
	    json_integer_value(next) < 1 || json_integer_value(next) > INT32_MAX ||
	    !boot_id || strlen(boot_id) >= sizeof(sh->boot_id) ||
	    take_ms(root, "stop_deadline_ms", &stop_ms) < 0)
		return errmsg_set(e, -EINVAL,
				  "zones, next_id, boot_id or stop_deadline_ms is wrong");
	json_object_foreach (all, name, o) {
		r = take_zone(&t, name, o);
		if (r < 0) {
			errmsg_set(e, r, "zone '%.64s': %s", name,
				   r == -ENOMEM ? "out of memory"
						: "not a zone's record");
			zones_fini(&t);
			return r;
		}
	}
	zones_fini(&sh->zones);
	sh->zones = t;
	sh->stop_deadline_ms = stop_ms;
	sh->next_id = (int)json_integer_value(next);
	strcpy(sh->boot_id, boot_id);
	return 0;
}

static int load_file(struct shell *sh, const char *path, struct errmsg *e)
{
	cleanup(freep) char *text = NULL;
	json_error_t je;
	json_t *root;
	size_t len;
	int r;

	r = file_read(path, REPO_MAX_BYTES, &text, &len);
	if (r < 0)
		return errmsg_set(e, r, "%s: %s", path, strerror(-r));
	if (!check_holds(text, len))
		return errmsg_set(e, -EINVAL,
				  "%s: the checksum does not fit: it was changed", path);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!root)
		return errmsg_set(e, -EINVAL, "%s: line %d: %s", path, je.line, je.text);
	r = take_root(sh, root, e);
	json_decref(root);
	return r < 0 ? errmsg_prefix(e, r, "%s", path) : 0;
}

int repo_load(struct shell *sh, bool *ret_used_previous, struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_STATE, NULL);
	cleanup(freep) char *prev = NULL;
	cleanup(freep) char *bad = NULL;
	struct errmsg second;
	int r;

	if (!path || asprintf(&prev, "%s.1", path) < 0 ||
	    asprintf(&bad, "%s.bad", path) < 0)
		return errmsg_set(e, -ENOMEM, "out of memory");
	*ret_used_previous = false;
	r = load_file(sh, path, e);
	if (r == -ENOENT) {
		/* Never written, unless an earlier generation says otherwise. */
		if (access(prev, F_OK) < 0)
			return 0;
	} else if (r != -EINVAL && r != -EFBIG) {
		return r;
	}
	if (load_file(sh, prev, &second) < 0)
		return errmsg_prefix(e, r, "%s", second.text);
	if (r != -ENOENT && !sh->check_only)
		(void)rename(path, bad);
	*ret_used_previous = true;
	return 0;
}
