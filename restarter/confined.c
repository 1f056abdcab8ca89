// SPDX-License-Identifier: BSD-2-Clause
/*
 * confined.c - a uid for each zone that runs, namespaces for all
 */
#include "restarter/confined.h"
#include "common/base/json.h"
#include "common/sys/log.h"
#include "restarter/stray.h"

#include <stdio.h>

static bool in_use(const struct shell *sh, uid_t uid)
{
	for (unsigned i = 0; i < sh->zones.n; i++) {
		const struct zone *z = sh->zones.v[i];

		if ((z->host && z->host->uid == uid) ||
		    (z->stray && stray_uid(z->stray) == uid))
			return true;
	}
	return false;
}

int confined_uid(struct shell *sh, uid_t *ret_uid, struct errmsg *e)
{
	if (!jail_may_set_uid()) {
		*ret_uid = 0;
		return 0;
	}
	for (unsigned n = 0; n < CONFINED_UIDS; n++) {
		uid_t uid = sh->config.first_zone_uid + sh->next_uid;

		sh->next_uid = (sh->next_uid + 1) % CONFINED_UIDS;
		if (in_use(sh, uid))
			continue;
		*ret_uid = uid;
		return 0;
	}
	return errmsg_set(e, -EUSERS,
			  "all %u uids from config/first-zone-uid on are in use",
			  CONFINED_UIDS);
}

int confined_jail(struct shell *sh, struct errmsg *e)
{
	struct errmsg why = { "" };
	int r;

	if (sh->jail.n || *sh->jail_why)
		return 0;
	r = jail_make(&sh->jail, &why);
	if (r == 0)
		return 0;
	if (jail_privileged())
		return errmsg_set(e, r, "confinement: %s", why.text);
	snprintf(sh->jail_why, sizeof(sh->jail_why), "%s", why.text);
	log_notice("zones run in the namespaces of svc.zones: %s", sh->jail_why);
	return 0;
}

/* Those that jail_make() always makes; a user namespace is a means, not an end. */
#define WANTED \
	(CTL_HELLO_NS(JAIL_NET) | CTL_HELLO_NS(JAIL_IPC) | CTL_HELLO_NS(JAIL_UTS) | \
	 CTL_HELLO_NS(JAIL_CGROUP) | CTL_HELLO_NS(JAIL_MOUNT))

static void add_lack(struct buf *text, const char *what, const char *why)
{
	if (text->len)
		buf_adds(text, "; ");
	buf_addf(text, "%s%s%s", what, *why ? ": " : "", why);
}

/* What it lacks, for people; nothing for nothing. */
static void add_lacks(const struct shell *sh, uint32_t flags, struct buf *text)
{
	if (!(flags & CTL_HELLO_UID))
		add_lack(text, "it has the uid of svc.zones", "");
	if ((flags & WANTED) != WANTED)
		add_lack(text, "it is in namespaces of svc.zones", sh->jail_why);
	if (!(flags & CTL_HELLO_SECCOMP))
		add_lack(text, "it has no filters of system calls", "");
}

void confined_view(const struct shell *sh, const struct host *h, struct buf *o)
{
	cleanup(buf_fini) struct buf lacks = { 0 };
	const uint32_t flags = h->confined;

	if (!h->greeted) {
		jput_null(o, "confinement");
		return;
	}
	jput_open(o, "confinement", "{");
	jput_number(o, "uid", flags & CTL_HELLO_UID ? h->uid : geteuid());
	jput_open(o, "namespaces", "[");
	for (unsigned i = 0; i < JAIL_NS_N; i++)
		if (flags & CTL_HELLO_NS(i))
			jput_text(o, NULL, jail_ns_names[i]);
	jput_close(o, "]");
	jput_bool(o, "seccomp", flags & CTL_HELLO_SECCOMP);
	jput_open(o, "capabilities", "[");
	if (flags & CTL_HELLO_IPC_LOCK)
		jput_text(o, NULL, "ipc_lock");
	jput_close(o, "]");
	add_lacks(sh, flags, &lacks);
	jput_text(o, "lacks", lacks.len ? lacks.p : NULL);
	jput_close(o, "}");
}
