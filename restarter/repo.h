/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * repo.h - state.json: what must outlive the restarter
 *
 * {"version": 1, "boot_id": "...", "next_id": N, "stop_deadline_ms"
 * (while the host stops), "zones": {NAME: {"state", "uuid", "id",
 * "boot_args", "enabled_temporary", "instance", "since_ms", "reason", ...}}}. Replaced
 * atomically and durably; the generation before stays as state.json.1.
 */
#ifndef KZ_RESTARTER_REPO_H
#define KZ_RESTARTER_REPO_H

#include "restarter/shell.h"

#define REPO_VERSION   1
#define REPO_MAX_BYTES (256 * 1024 * 1024)

/**
 * repo_load() - Read state.json into the table of zones
 * @ret_used_previous: true when state.json was damaged and state.json.1 was taken
 * instead; the text says what was wrong, and the damaged file is kept as state.json.bad
 *
 * Return: 0 (also when there is none), -EINVAL (damaged, and no earlier generation that
 * can be used), -ENOMEM, or what reading gave
 */
int repo_load(struct shell *sh, bool *ret_used_previous, struct errmsg *e);

/*
 * Writes it; of zones that are not unsaved what was written last. 0, -ENOMEM or what the
 * system gave.
 */
int repo_save(struct shell *sh);

#endif
