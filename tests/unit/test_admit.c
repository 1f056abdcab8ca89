// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_admit.c - what running zones were promised is looked at when it matters, and once
 */
#include "restarter/admit.h"
#include "restarter/hosts.h"
#include "tests/harness/harness.h"

#include <sys/mman.h>

#define RAM (8 * MIB)

/* Two zones of RAM bytes; this process plays the kzhost of both. */
static void fill(struct shell *sh, struct host hosts[2])
{
	static const char *const names[] = { "db", "web" };
	struct zone *z;

	for (unsigned i = 0; i < 2; i++) {
		T_OK(zones_get(&sh->zones, names[i], &z));
		hosts[i] = (struct host){ .pid = getpid() };
		z->host = &hosts[i];
		z->ram_bytes = RAM;
	}
}

static void fini(struct shell *sh)
{
	for (unsigned i = 0; i < sh->zones.n; i++)
		sh->zones.v[i]->host = NULL;
	zones_fini(&sh->zones);
}

TEST(admit, looks_only_while_the_promised_is_too_much)
{
	struct shell sh = { 0 };
	struct host hosts[2];
	char *shared = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);

	T_TRUE(shared != MAP_FAILED);
	memset(shared, 1, RAM);
	fill(&sh, hosts);
	/* There is room for all that was promised. */
	T_EQ(admit_promised(&sh, NULL, 2 * RAM), 2 * RAM);
	T_EQ(hosts[0].resident_bytes, 0);
	/* One look is enough, and the zone that asks is not counted. */
	T_EQ(admit_promised(&sh, NULL, RAM), RAM);
	T_TRUE(hosts[0].resident_bytes >= RAM);
	T_EQ(hosts[1].resident_bytes, 0);
	T_EQ(admit_promised(&sh, sh.zones.v[1], 0), 0);
	T_EQ(admit_promised(&sh, NULL, 0), 0);
	/* Its RAM is complete: nobody looks again, not even for a process that is gone.
	 */
	hosts[0].pid = hosts[1].pid = 0;
	T_EQ(admit_promised(&sh, NULL, 0), 0);
	munmap(shared, RAM);
	fini(&sh);
}

TEST(admit, what_was_not_touched_stays_promised)
{
	struct shell sh = { 0 };
	struct host hosts[2];

	fill(&sh, hosts);
	for (unsigned i = 0; i < 2; i++)
		sh.zones.v[i]->ram_bytes = 1024 * GIB;
	hosts[1].resident_bytes = 1023 * GIB;
	T_TRUE(admit_promised(&sh, NULL, 0) > 1024 * GIB);
	T_TRUE(admit_promised(&sh, NULL, 0) <= 1025 * GIB);
	fini(&sh);
}

TEST(admit, boot_on_its_way_has_its_memory_promised)
{
	struct shell sh = { 0 };
	struct host hosts[2];
	int some;

	fill(&sh, hosts);
	sh.zones.v[0]->host = NULL;
	sh.zones.v[0]->launch = (struct launch *)(void *)&some;
	/* There is nobody to look at: all of it counts, however often it is asked. */
	hosts[1].resident_bytes = RAM;
	T_EQ(admit_promised(&sh, NULL, 0), RAM);
	T_EQ(admit_promised(&sh, NULL, 0), RAM);
	T_EQ(admit_promised(&sh, sh.zones.v[0], 0), 0);
	sh.zones.v[0]->launch = NULL;
	T_EQ(admit_promised(&sh, NULL, 0), 0);
	fini(&sh);
}
