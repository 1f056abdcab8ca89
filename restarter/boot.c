// SPDX-License-Identifier: BSD-2-Clause
/*
 * boot.c - everything that one boot of a zone needs, opened and checked before kzhost
 * runs
 *
 * The order is that of what an operator can mend: configuration, a kzhost that nobody
 * knows, memory, /dev/kvm, disks, kernel and initrd or firmware, logs, sockets. The first
 * that fails is the reason of maintenance.
 */
#include "restarter/boot.h"
#include "common/proto/machine.h"
#include "common/sys/sock.h"
#include "common/zone/storage.h"
#include "restarter/admit.h"
#include "restarter/booted.h"
#include "restarter/logs.h"
#include "restarter/stray.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RAM_UNIT (2 * MIB)

/* Of Debian's package seabios. */
#define FIRMWARE "/usr/share/seabios/bios-256k.bin"

void boot_free(struct boot *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < CTL_FD_N; i++)
		closep(&b->fds[i]);
	disks_close(&b->disks);
	closep(&b->messages_fd);
	closep(&b->listen_fd);
	free(b->kernel);
	free(b->initrd);
	zconf_free(b->conf);
	paths_fini(&b->paths);
	free(b);
}

static struct boot *boot_new(const struct paths *p)
{
	struct boot *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->paths.root = strdup(p->root);
	for (unsigned i = 0; i < CTL_FD_N; i++)
		b->fds[i] = -1;
	b->messages_fd = -1;
	b->listen_fd = -1;
	if (!b->paths.root)
		boot_free(take_ptr(&b));
	return b;
}

static int open_kvm(struct boot *b, struct errmsg *e)
{
	const char *path = getenv("KZONES_KVM");

	if (!path || !*path)
		path = "/dev/kvm";
	b->fds[CTL_FD_KVM] = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (b->fds[CTL_FD_KVM] >= 0)
		return 0;
	if (errno == ENOENT)
		return errmsg_set(
			e, -errno,
			"%s does not exist: load the module kvm_intel or kvm_amd "
			"(and see that virtualization is on in the firmware)",
			path);
	if (errno == EACCES || errno == EPERM)
		return errmsg_set(e, -errno, "%s: %s: svc.zones may not use it", path,
				  strerror(errno));
	return errmsg_set(e, -errno, "%s: %s", path, strerror(errno));
}

/* A regular file that the configuration names. */
static int open_image(struct slow *slow, const char *path, const char *property,
		      int *ret_fd, struct errmsg *e)
{
	cleanup(closep) int fd = -1;
	char room[PATH_SAID + 4];
	struct stat st;

	if (slow_at(slow, path) < 0)
		return -ECANCELED;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errmsg_set(e, -errno, "%s %s: %s", property, path_said(path, room),
				  strerror(errno));
	if (!S_ISREG(st.st_mode))
		return errmsg_set(e, -EINVAL, "%s %s: not a regular file", property,
				  path_said(path, room));
	*ret_fd = take_fd(&fd);
	return 0;
}

static int open_direct_boot(struct boot *b, const struct zres *direct, struct slow *slow,
			    struct errmsg *e)
{
	const struct zconf *c = b->conf;
	int r;

	b->kernel = zres_get(c, direct, PROP_KERNEL);
	b->initrd = zres_get(c, direct, PROP_INITRD);
	if (!b->kernel)
		return errmsg_set(e, -EINVAL, "direct-boot: kernel is not set");
	r = open_image(slow, b->kernel, "direct-boot kernel", &b->fds[CTL_FD_KERNEL], e);
	if (r == 0 && b->initrd)
		r = open_image(slow, b->initrd, "direct-boot initrd",
			       &b->fds[CTL_FD_INITRD], e);
	return r;
}

/* Firmware boots what is on the zone's own disk. */
static int open_firmware(struct boot *b, struct slow *slow, struct errmsg *e)
{
	const char *path = getenv("KZONES_FIRMWARE");

	if (!path || !*path)
		path = FIRMWARE;
	if (slow_at(slow, path) < 0)
		return -ECANCELED;
	if (access(path, F_OK) < 0)
		return errmsg_set(e, -errno,
				  "firmware %s: %s: install the package seabios", path,
				  strerror(errno));
	return open_image(slow, path, "firmware", &b->fds[CTL_FD_FIRMWARE], e);
}

static int open_kernel(struct boot *b, struct slow *slow, struct errmsg *e)
{
	const struct zres *direct = zconf_next(b->conf, RES_DIRECT_BOOT, NULL);
	int r = zone_boot_check(b->conf, e);

	if (r < 0)
		return r;
	return direct ? open_direct_boot(b, direct, slow, e) : open_firmware(b, slow, e);
}

int boot_open(struct boot *b, struct slow *slow, struct errmsg *e)
{
	const struct disks_ask ask = {
		.paths = &b->paths, .conf = b->conf, .uuid = b->create.uuid, .slow = slow
	};
	int r = disks_open(&ask, &b->disks, e);

	return r < 0 ? r : open_kernel(b, slow, e);
}

static int fill_cmdline(struct boot *b, const struct zone *z, const struct zconf *c,
			struct errmsg *e)
{
	cleanup(freep) char *args = z->boot_args ? strdup(z->boot_args)
						 : zres_get(c, &c->global, PROP_BOOTARGS);
	int n = snprintf(b->create.cmdline, sizeof(b->create.cmdline), "%s%s%s%s",
			 args ? args : "", args && *args ? " " : "", KZ_CMDLINE_ZONE,
			 z->name);

	if (n < 0 || (size_t)n >= sizeof(b->create.cmdline))
		return errmsg_set(e, -E2BIG,
				  "bootargs: %d bytes are too many, the kernel's command "
				  "line takes %zu",
				  n, sizeof(b->create.cmdline) - 1);
	return 0;
}

/* What to wait for is kzhost's to see: "none", "agent", "port" or "console:TEXT". */
static int fill_goals(struct boot *b, const struct zconf *c, struct errmsg *e)
{
	const char *goals = zres_text(&c->global, PROP_GOALS);
	size_t len = strcspn(goals, ":");
	unsigned kind = 0;

	while (kind < CTL_GOALS_N && (strlen(ctl_goals_names[kind]) != len ||
				      strncmp(goals, ctl_goals_names[kind], len) != 0))
		kind++;
	if (kind == CTL_GOALS_N)
		return errmsg_set(e, -EINVAL, "goals=%s: unknown", goals);
	b->create.goals_kind = le32_of(kind);
	if (kind == CTL_GOALS_CONSOLE)
		snprintf(b->create.goals, sizeof(b->create.goals), "%s", goals + len + 1);
	return 0;
}

static int fill_machine(struct boot *b, struct zone *z, const struct zconf *c,
			struct errmsg *e)
{
	const struct zres *memory = zconf_next(c, RES_CAPPED_MEMORY, NULL);
	uint64_t ram;
	int r;

	/* A zone without the resource has what the resource's defaults say. */
	ram = zres_number(c, memory, PROP_PHYSICAL);
	ram = (ram + RAM_UNIT - 1) / RAM_UNIT * RAM_UNIT;
	z->ram_bytes = ram;
	b->create.ram_bytes = le64_of(ram);
	b->create.n_vcpus = le32_of(zconf_vcpus(c));
	memcpy(b->create.uuid, z->uuid, sizeof(b->create.uuid));
	strcpy(b->create.zone, z->name); /* at most ZONE_NAME_MAX */
	r = fill_goals(b, c, e);
	return r < 0 ? r : fill_cmdline(b, z, c, e);
}

static int open_logs(struct shell *sh, struct boot *b, const struct zone *z,
		     struct errmsg *e)
{
	int r = log_open(&sh->paths, PATH_CONSOLE_LOG, z->name, &b->fds[CTL_FD_LOG]);

	if (r < 0)
		return errmsg_set(e, r, "console log: %s", strerror(-r));
	r = log_open(&sh->paths, PATH_MESSAGES_LOG, z->name, &b->messages_fd);
	if (r < 0)
		return errmsg_set(e, r, "messages log: %s", strerror(-r));
	return 0;
}

/* Somebody who answers on the zone's control socket is a kzhost that we do not know. */
static int check_alone(struct shell *sh, struct zone *z, struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_CTL, z->name);
	cleanup(closep) int probe = -1;
	char text[256];
	int r;

	if (!path)
		return errmsg_no_memory(e);
	r = sock_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK, &probe);
	if (z->stray && (r == 0 || r == -EAGAIN)) {
		stray_text(z, text, sizeof(text));
		return errmsg_set(e, -EBUSY, "%s", text);
	}
	if (r == 0 || r == -EAGAIN)
		return errmsg_set(e, -EBUSY, "somebody serves %s: end that", path);
	stray_forget(z);
	return 0;
}

static int open_sockets(struct shell *sh, struct boot *b, struct zone *z,
			struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_CTL, z->name);
	int r = shell_zone_dir(sh, z);

	if (r < 0)
		return errmsg_set(e, r, "runtime directory: %s", strerror(-r));
	r = path ? sock_listen(path, SOCK_SEQPACKET, 0600, &b->listen_fd) : -ENOMEM;
	if (r == -ENOSPC) { /* what room there is, is for the socket */
		booted_do_without(sh, z, strerror(-r));
		r = sock_listen(path, SOCK_SEQPACKET, 0600, &b->listen_fd);
	}
	if (r < 0)
		return errmsg_set(e, r, "%s: %s", path ? path : "socket", strerror(-r));
	shell_console_listen(sh, z);
	if (z->console_fd < 0)
		return errmsg_set(e, -EIO, "the console socket could not be bound");
	b->fds[CTL_FD_CONSOLE] = fcntl(z->console_fd, F_DUPFD_CLOEXEC, 3);
	if (b->fds[CTL_FD_CONSOLE] < 0)
		return errmsg_set(e, -errno, "console socket: %s", strerror(errno));
	return 0;
}

static int load(struct shell *sh, const struct zone *z, struct boot *b, struct errmsg *e)
{
	int r = zconf_load(&sh->paths, z->name, &b->conf, e);

	if (r == -ENOENT)
		return errmsg_set(e, r, "the zone's configuration is gone");
	return r < 0 ? errmsg_prefix(e, r, "configuration") : 0;
}

int boot_begin(struct shell *sh, struct zone *z, struct boot **ret_boot, struct errmsg *e)
{
	cleanup(boot_freep) struct boot *b = boot_new(&sh->paths);
	int r;

	if (!b)
		return errmsg_no_memory(e);
	r = load(sh, z, b, e);
	if (r == 0)
		r = fill_machine(b, z, b->conf, e);
	if (r == 0)
		r = check_alone(sh, z, e);
	if (r == 0)
		r = admit_memory(sh, z, z->ram_bytes, e);
	if (r == 0)
		r = open_kvm(b, e);
	if (r < 0)
		return r;
	(void)shell_zone_dir(sh, z); /* when it cannot be, the sockets will say so */
	booted_write(sh, z, b->conf);
	*ret_boot = take_ptr(&b);
	return 0;
}

/* A zone has the disk that this one could not get: which, and what about that. */
static int say_holder(struct shell *sh, const struct boot *b, int r, struct errmsg *e)
{
	const struct zone *holder = zones_find(&sh->zones, b->disks.holder);
	const struct errmsg disk = *e;
	char text[256];

	if (holder && holder->stray)
		stray_text(holder, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "in use by zone '%s'", b->disks.holder);
	return errmsg_set(e, r, "%s: %s", disk.text, text);
}

int boot_end(struct shell *sh, struct zone *z, struct boot *b, int r, struct errmsg *e)
{
	disks_note(&b->disks, &sh->paths, z->name);
	if (r < 0 && *b->disks.holder)
		return say_holder(sh, b, r, e);
	if (r == 0)
		r = open_logs(sh, b, z, e);
	return r < 0 ? r : open_sockets(sh, b, z, e);
}
