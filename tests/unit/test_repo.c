// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_repo.c - state.json is written whole or not at all, and read back as it was
 */
#include "common/sys/file.h"
#include "restarter/repo.h"
#include "tests/harness/harness.h"

#include <unistd.h>

/* An installed zone with everything that is persisted, and one being installed. */
static void fill(struct shell *sh)
{
	struct core_event ev = { .type = EV_ZONE_SET, .zone = "db" };
	struct core_actions actions = { 0 };
	struct zone *z;

	T_OK(paths_init(&sh->paths, t_root(), NULL));
	T_OK(dir_make(t_path("var/lib/zones"), 0755));
	T_OK(core_new(&sh->core));
	strcpy(sh->boot_id, "boot");
	sh->next_id = 8;
	T_OK(zones_get(&sh->zones, "db", &z));
	z->life = LIFE_INSTALLED;
	z->id = 7;
	z->boot_args = strdup("quiet");
	z->started_ms = 1;
	z->running_ms = 2;
	z->online_ms = 3;
	T_OK(uuid_random(z->uuid));
	T_OK(zones_get(&sh->zones, "web", &z));
	z->life = LIFE_INCOMPLETE;
	T_OK(core_step(sh->core, &ev, &actions));
	core_actions_fini(&actions);
}

static void fini(struct shell *sh)
{
	zones_fini(&sh->zones);
	buf_fini(&sh->state_text);
	core_free(sh->core);
	paths_fini(&sh->paths);
}

TEST(repo, survives_every_oom_and_what_is_written_is_whole)
{
	struct shell sh = { 0 }, again = { 0 };
	const char *state = t_path("var/lib/zones/state.json"), *whole;
	bool previous;
	int r = -ENOMEM;

	fill(&sh);
	T_OK(repo_save(&sh));
	whole = t_read_file(state);
	for (long n = 0; r == -ENOMEM; n++) {
		t_write_file(state, "as it was");
		sh.zones.v[0]->unsaved = true;
		fault_arm(n);
		r = repo_save(&sh);
		fault_disarm();
		T_STREQ(t_read_file(state), r ? "as it was" : whole);
	}
	T_OK(r);
	T_OK(paths_init(&again.paths, t_root(), NULL));
	T_OK(repo_load(&again, &previous, NULL));
	T_FALSE(previous);
	T_EQ(again.zones.n, 2);
	T_EQ(again.next_id, 8);
	T_MEMEQ(again.zones.v[0]->uuid, sh.zones.v[0]->uuid, 16);
	T_STREQ(again.zones.v[0]->boot_args, "quiet");
	T_EQ(again.zones.v[0]->online_ms, 3);
	T_TRUE(again.zones.v[0]->has_saved);
	T_EQ(again.zones.v[1]->life, LIFE_INCOMPLETE);
	fini(&again);
	fini(&sh);
}

/* The faults of the last 600 s outlive svc.zones. */
TEST(repo, faults_are_kept)
{
	struct shell sh = { 0 }, again = { 0 };
	struct core_event ev = { .type = EV_ZONE_RESTORE,
				 .zone = "db",
				 .now_ms = 900000 };
	struct core_actions actions = { 0 };
	const char *state = t_path("var/lib/zones/state.json");
	bool previous;

	fill(&sh);
	ev.saved = (struct core_saved){ .state = INST_OFFLINE,
					.failures = 1,
					.n_faults = 3,
					.fault_ms = { 300000, 300001, 800000 } };
	T_OK(core_step(sh.core, &ev, &actions));
	core_actions_fini(&actions);
	T_OK(repo_save(&sh));
	T_HAS(t_read_file(state), "\"faults_ms\": [300001,800000]");
	T_OK(paths_init(&again.paths, t_root(), NULL));
	T_OK(repo_load(&again, &previous, NULL));
	T_EQ(again.zones.v[0]->saved.n_faults, 2);
	T_EQ(again.zones.v[0]->saved.fault_ms[1], 800000);
	t_write_file(state,
		     "{\"version\": 1, \"boot_id\": \"\", \"next_id\": 1, \"zones\": "
		     "{\"db\": {\"state\": \"incomplete\", \"instance\": \"offline\", "
		     "\"enabled\": true, \"faults_ms\": [-1]}}}");
	T_EQ(repo_load(&again, &previous, &(struct errmsg){ "" }), -EINVAL);
	fini(&again);
	fini(&sh);
}

/* Whoever changes a zone says so; the others cost nothing. */
TEST(repo, only_what_has_changed_is_formatted_again)
{
	struct shell sh = { 0 };
	const char *state = t_path("var/lib/zones/state.json"), *record;

	fill(&sh);
	T_OK(repo_save(&sh));
	record = sh.zones.v[1]->record;
	sh.zones.v[0]->started_ms = 77;
	sh.zones.v[0]->unsaved = true;
	sh.next_id = 9;
	T_OK(repo_save(&sh));
	T_HAS(t_read_file(state), "\"started_ms\": 77");
	T_HAS(t_read_file(state), "\"next_id\": 9");
	T_HAS(t_read_file(state), record);
	T_TRUE(sh.zones.v[1]->record == record);
	T_FALSE(sh.zones.v[0]->unsaved);
	/* One that is no longer there leaves nothing behind. */
	zones_remove(&sh.zones, sh.zones.v[0]);
	T_OK(repo_save(&sh));
	T_NULL(strstr(t_read_file(state), "\"db\""));
	fini(&sh);
}

/* A reason may be cut in the middle of a character: that must not keep it from disk. */
TEST(repo, text_that_is_not_utf8_is_written)
{
	struct shell sh = { 0 };

	fill(&sh);
	strcpy(sh.boot_id, "caf\xc3");
	T_OK(repo_save(&sh));
	T_HAS(t_read_file(t_path("var/lib/zones/state.json")), "\"caf?\"");
	fini(&sh);
}
