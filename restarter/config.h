/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h - the restarter's own properties: /etc/zones/svc.zones.json
 */
#ifndef KZ_RESTARTER_CONFIG_H
#define KZ_RESTARTER_CONFIG_H

#include "common/sys/paths.h"

struct restarter_config {
	unsigned concurrent_boot_shutdown;  /* 0 = unlimited */
	unsigned concurrent_suspend_resume; /* 0 = unlimited */
	unsigned stop_timeout_s;
};

/* What holds when the file says nothing: twice the processors, twice them, 90 s. */
void config_defaults(struct restarter_config *ret_config);

/**
 * config_load() - Read /etc/zones/svc.zones.json
 *
 * Return: 0 (also when there is no file), -EINVAL (what is wrong and where), -ENOMEM, or
 * what reading gave. On failure @ret_config is untouched.
 */
int config_load(const struct paths *p, struct restarter_config *ret_config,
		struct errmsg *e);

#endif
