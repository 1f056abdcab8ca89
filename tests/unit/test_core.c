// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_core.c - the core's tables and small promises that no scenario shows
 */
#include "common/zone/props.h"
#include "restarter/core.h"
#include "restarter/units.h"
#include "tests/harness/harness.h"

TEST(core, instance_table_is_sound)
{
	struct errmsg e = { "" };

	T_OK(fsm_check(&inst_fsm, &e));
	T_STREQ(e.text, "");
}

TEST(core, every_name_is_there)
{
	for (unsigned n = 0; n < INST_STATE_N; n++)
		T_NOT_NULL(inst_state_names[n]);
	for (unsigned n = 0; n < CORE_EV_N; n++)
		T_NOT_NULL(core_ev_names[n]);
	for (unsigned n = 0; n < CORE_ACT_N; n++)
		T_NOT_NULL(core_act_names[n]);
}

TEST(core, words_stand_in_the_order_of_the_property_table)
{
#define X(id, name) "|" name
	static const struct {
		enum prop_id prop;
		const char *words;
	} lists[] = {
		{ PROP_DEP_GROUPING, DEP_GROUPINGS(X) },
		{ PROP_BOOT_PRIORITY, BOOT_PRIORITIES(X) },
		{ PROP_ON_PANIC, ON_PANICS(X) },
		{ PROP_AUTOSHUTDOWN, AUTOSHUTDOWNS(X) },
	};
#undef X

	for (unsigned n = 0; n < ARRAY_SIZE(lists); n++)
		T_STREQ(lists[n].words + 1, prop_def(lists[n].prop)->words);
}

TEST(core, units_are_named_as_configurations_do)
{
	T_STREQ(CORE_UNIT_FMRI_PREFIX, UNIT_FMRI_PREFIX);
	for (unsigned n = 0; n < UNIT_STATE_N; n++)
		T_NOT_NULL(unit_state_names[n]);
}

TEST(core, systemd_states_as_dependencies_see_them)
{
	static const struct {
		const char *load, *active, *job;
		enum unit_state state;
	} rows[] = {
		{ "loaded", "active", "", UNIT_ONLINE },
		{ "loaded", "active", "stop", UNIT_ONLINE },
		{ "loaded", "reloading", "", UNIT_ONLINE },
		{ "not-found", "active", "", UNIT_ONLINE }, /* its file is gone */
		{ "loaded", "activating", "start", UNIT_OFFLINE },
		{ "loaded", "activating", "", UNIT_OFFLINE }, /* will be restarted */
		{ "loaded", "deactivating", "", UNIT_OFFLINE },
		{ "loaded", "inactive", "start", UNIT_OFFLINE },
		{ "loaded", "failed", "restart", UNIT_OFFLINE },
		{ "loaded", "inactive", "", UNIT_DISABLED },
		{ "loaded", "inactive", "stop", UNIT_DISABLED },
		{ "masked", "inactive", "", UNIT_DISABLED },
		{ "not-found", "inactive", "", UNIT_ABSENT },
		{ "loaded", "failed", "", UNIT_MAINT },
		{ "bad-setting", "inactive", "", UNIT_MAINT },
		{ "error", "inactive", "", UNIT_MAINT },
	};

	for (unsigned n = 0; n < ARRAY_SIZE(rows); n++)
		T_EQ(unit_state_of(rows[n].load, rows[n].active, rows[n].job),
		     rows[n].state);
}

TEST(core, units_are_those_that_dependencies_name)
{
	const struct core_dep deps[] = {
		{ "", CORE_UNIT_FMRI_PREFIX "b.service", DEP_REQUIRE_ALL },
		{ "", "svc://localhost/host/systemd/unit:a.mount", DEP_OPTIONAL_ALL },
		{ "", CORE_UNIT_FMRI_PREFIX, DEP_OPTIONAL_ALL },
		{ "", CORE_FMRI_PREFIX "zz", DEP_OPTIONAL_ALL },
	};
	struct core_event set = { .type = EV_ZONE_SET,
				  .zone = "a",
				  .spec = { .deps = deps, .n_deps = 4 } };
	struct core_event unit = { .type = EV_HOST_UNIT };
	struct core_actions actions = { 0 };
	struct inst *i;
	struct core *c;

	T_OK(core_new(&c));
	T_NULL(core_next_unit(c, NULL));
	T_OK(core_step(c, &set, &actions));
	i = core_next_unit(c, NULL);
	T_STREQ(core_unit_name(i), "a.mount");
	i = core_next_unit(c, i);
	T_STREQ(core_unit_name(i), "b.service");
	T_EQ(core_unit_state(i), UNIT_UNKNOWN);
	T_NULL(core_next_unit(c, i));
	unit.unit.name = "b.service";
	unit.unit.state = UNIT_MAINT;
	T_OK(core_step(c, &unit, &actions));
	T_EQ(core_unit_find(c, "b.service"), UNIT_MAINT);
	T_EQ(core_unit_find(c, "a.mount"), UNIT_UNKNOWN);
	unit.unit.name = "c.service";
	T_EQ(core_step(c, &unit, &actions), -ENOENT);
	T_NULL(core_find(c, "host/systemd/unit:b.service"));
	T_NULL(core_next(c, core_next(c, NULL)));
	core_actions_fini(&actions);
	core_free(c);
}

TEST(core, new_survives_every_oom)
{
	struct core *c = NULL;
	int r = -ENOMEM;

	for (long n = 0; r == -ENOMEM; n++) {
		fault_arm(n);
		r = core_new(&c);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(fault.live == 0, r != 0);
	}
	core_free(c);
	T_EQ(fault.live, 0);
	core_free(NULL);
}

/* A zone with dependencies: a failed step leaves no block behind that a later one misses.
 */
TEST(core, zone_set_leaks_nothing)
{
	const struct core_dep deps[] = {
		{ "data", CORE_FMRI_PREFIX "a", DEP_REQUIRE_ANY },
		{ "", CORE_FMRI_PREFIX "web", DEP_REQUIRE_ALL },
		{ "data", "svc://localhost/system/zones/zone:b", DEP_REQUIRE_ALL },
		{ NULL, "svc:/network/physical:default", DEP_OPTIONAL_ALL },
		{ NULL, CORE_UNIT_FMRI_PREFIX "ssh.service", DEP_OPTIONAL_ALL },
	};
	const struct core_event ev = { .type = EV_ZONE_SET,
				       .zone = "web",
				       .spec = { .deps = deps, .n_deps = 5 } };
	struct core_actions actions = { 0 };
	struct core *c;
	int r = -ENOMEM;

	for (long n = 0; r == -ENOMEM; n++) {
		fault_arm(-1);
		T_OK(core_new(&c));
		fault_arm(n);
		r = core_step(c, &ev, &actions);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(core_find(c, "web") != NULL, r == 0);
		T_NULL(core_find(c, "a"));
		fault_disarm();
		core_free(c);
	}
	core_actions_fini(&actions);
}

TEST(core, unknown_zone_is_enoent)
{
	const struct core_event ev = { .type = EV_BOOT, .zone = "web", .op = 1 };
	struct core_actions actions = { 0 };
	struct core *c;

	T_OK(core_new(&c));
	T_EQ(core_step(c, &ev, &actions), -ENOENT);
	T_EQ(actions.n, 0);
	T_NULL(core_next(c, NULL));
	T_EQ(core_deadline_ms(c) == UINT64_MAX, 1);
	core_actions_fini(&actions);
	core_free(c);
}

TEST(core, views_are_in_order_of_name)
{
	static const char *const names[] = { "web", "a", "db", "b10", "b9" };
	static const char *const sorted[] = { "a", "b10", "b9", "db", "web" };
	struct core_actions actions = { 0 };
	struct core_totals totals;
	struct core_view v;
	struct core *c;
	unsigned n = 0;

	T_OK(core_new(&c));
	for (n = 0; n < ARRAY_SIZE(names); n++) {
		struct core_event ev = { .type = EV_ZONE_SET, .zone = names[n] };

		T_OK(core_step(c, &ev, &actions));
	}
	n = 0;
	for (struct inst *i = core_next(c, NULL); i; i = core_next(c, i)) {
		core_view(c, i, &v);
		T_STREQ(v.zone, sorted[n++]);
		T_EQ(v.state, INST_UNINIT);
	}
	T_EQ(n, ARRAY_SIZE(names));
	core_totals(c, &totals);
	T_EQ(totals.n_instances, 5);
	T_EQ(totals.by_state[INST_UNINIT], 5);
	core_actions_fini(&actions);
	core_free(c);
}

TEST(core, every_reason_has_its_own_word)
{
	for (unsigned i = 0; i < KZ_WHY_N; i++) {
		const char *token = kz_reason_token((enum kz_reason)i);

		T_EQ(kz_reason_of(token), i);
		T_EQ(strspn(token, "abcdefghijklmnopqrstuvwxyz_"), strlen(token));
		T_EQ(!*kz_reason_next((enum kz_reason)i), i == KZ_WHY_NONE);
	}
	T_EQ(kz_reason_of("tired"), KZ_WHY_UNKNOWN);
	T_EQ(kz_reason_of(""), KZ_WHY_UNKNOWN);
}
