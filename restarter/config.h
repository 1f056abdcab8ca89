/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h - the restarter's own properties: /etc/zones/svc.zones.json
 *
 * The file holds explicit values only, as {"config": {NAME: value}}; it is written by
 * config_set() and by people. What it says takes effect when it is read again:
 * settings.h.
 */
#ifndef KZ_RESTARTER_CONFIG_H
#define KZ_RESTARTER_CONFIG_H

#include "common/sys/paths.h"

#include <sys/socket.h>

#define CONFIG_GROUP     "config/" /* what all names begin with, for people */
#define CONFIG_TEXT_SIZE 64        /* of any value as text, with its NUL */

/*
 * Properties: id, name, type, field, minimum, maximum, help. Defaults are in
 * config_defaults(). Types are those of SMF.
 */
#define CONFIG_PROPS(X) \
	X(BOOT_SHUTDOWN, "concurrent-boot-shutdown", COUNT, concurrent_boot_shutdown, 0, \
	  100000, "zones that boot or shut down at the same time; 0: any number") \
	X(SUSPEND_RESUME, "concurrent-suspend-resume", COUNT, concurrent_suspend_resume, \
	  0, 100000, "zones that suspend or resume at the same time; 0: any number") \
	X(FIRST_UID, "first-zone-uid", COUNT, first_zone_uid, 65536, 4294901759, \
	  "the first of 65536 uids and gids for the processes of zones that run") \
	X(METRICS_LISTEN, "metrics-listen", ASTRING, metrics_listen, 0, 0, \
	  "loopback address and port that metrics are also read from, or nothing") \
	X(STOP_TIMEOUT, "stop-timeout", COUNT, stop_timeout_s, 1, 86400, \
	  "seconds in which all zones are down when the host stops") \
	X(TRACK_GOALS, "track-zone-goals", BOOLEAN, track_zone_goals, 0, 0, \
	  "a zone is online when its guest has reached its goals, not before")

enum config_type { CONFIG_COUNT, CONFIG_BOOLEAN, CONFIG_ASTRING, CONFIG_TYPE_N };

enum config_id {
#define X(id, name, type, field, min, max, help) CONFIG_##id,
	CONFIG_PROPS(X)
#undef X
		CONFIG_N
};

struct restarter_config {
	unsigned concurrent_boot_shutdown;  /* 0 = unlimited */
	unsigned concurrent_suspend_resume; /* 0 = unlimited */
	unsigned first_zone_uid;
	unsigned stop_timeout_s;
	bool track_zone_goals;
	char metrics_listen[CONFIG_TEXT_SIZE]; /* "" = nowhere */
};

struct config_prop {
	const char *name; /* without CONFIG_GROUP */
	enum config_type type;
	size_t offset; /* in struct restarter_config */
	unsigned min, max;
	const char *help;
};
extern const struct config_prop config_props[CONFIG_N];
extern const char *const config_type_names[CONFIG_TYPE_N];

/*
 * What holds when the file says nothing: twice the processors, twice them, uids from
 * 1900000000, no listener, 90 s, goals are tracked. Those uids are beyond all that Debian
 * and systemd give to users, services and containers (Debian policy 9.2.2; systemd,
 * UIDS-GIDS: 1879048192 to 2147352575 are unused).
 */
void config_defaults(struct restarter_config *ret_config);

/* A value as people read and write it; "" is printed as it is. */
void config_text(const struct restarter_config *config, enum config_id id,
		 char text[CONFIG_TEXT_SIZE]);

/**
 * config_load() - Read /etc/zones/svc.zones.json
 * @ret_set:	Bit (1 << enum config_id) for what the file says; may be NULL
 *
 * Return: 0 (also when there is no file), -EINVAL (what is wrong and where), -ENOMEM, or
 * what reading gave. On failure @ret_config is untouched.
 */
int config_load(const struct paths *p, struct restarter_config *ret_config,
		unsigned *ret_set, struct errmsg *e);

/**
 * config_set() - Write one property to the file, or take it out
 * @name:	With or without CONFIG_GROUP
 * @value:	As people write it; NULL: back to the default
 *
 * Return: 0, -ENOENT (no such property; the text lists them), -EINVAL (what is allowed,
 * or what is wrong with the file), -ENOMEM, or what reading or writing gave
 */
int config_set(const struct paths *p, const char *name, const char *value,
	       struct errmsg *e);

/**
 * config_listen_address() - 127.0.0.1:PORT or [::1]:PORT into an address
 *
 * Return: 0 or -EINVAL (anything else, also addresses that are not loopback)
 */
int config_listen_address(const char *text, struct sockaddr_storage *ret_addr,
			  socklen_t *ret_len);

#endif
