// SPDX-License-Identifier: BSD-2-Clause
/*
 * attach.c - zoneadm attach, detach
 *
 * A zone whose disks are there already is taken over by attach and let go by detach;
 * neither touches them. Attach is also the way back from unavailable: svc.zones tries it
 * once when it starts, an operator whenever the storage has come back. When it fails the
 * zone stays what it was.
 */
#include "cli/zoneadm/zoneadm.h"
#include "common/zone/storage.h"

/**
 * zoneadm_attach() - attach
 */
int zoneadm_attach(struct zoneadm *z, int argc, char **argv)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	struct errmsg e = { "" };
	int status, r;

	if (zoneadm_options(NULL, 0, 0, argc, argv, &status) < 0)
		return status;
	c = zoneadm_load(z);
	if (!c || zoneadm_begin(z, VERB_ATTACH, NULL) != EXIT_DONE)
		return EXIT_FAILED;
	r = zone_storage_present(&z->paths, c, NULL, NULL, &e);
	if (r < 0)
		zoneadm_error(z, "attach failed: %s", e.text);
	status = zoneadm_end(z, VERB_ATTACH, r == 0);
	return r < 0 ? EXIT_FAILED : status;
}

/**
 * zoneadm_detach() - detach
 */
int zoneadm_detach(struct zoneadm *z, int argc, char **argv)
{
	int status;

	if (zoneadm_options(NULL, 0, 0, argc, argv, &status) < 0)
		return status;
	if (zoneadm_begin(z, VERB_DETACH, NULL) != EXIT_DONE)
		return EXIT_FAILED;
	return zoneadm_end(z, VERB_DETACH, true);
}
