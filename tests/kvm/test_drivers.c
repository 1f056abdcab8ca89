/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_drivers.c - the built-in guest's drivers on a machine's virtio devices
 *
 * The guest does the checking: `conform` (device requirements of VIRTIO 1.2), `evil`
 * (what drivers must not do), `disk verify`. What it prints other than it shall is
 * printed here.
 */
#include "kzhost/dev/vblk.h"
#include "tests/kvm/tiny.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#define DISKS      2
#define DISK_BYTES (8 * MIB)
#define RAM_BYTES  (64 * MIB)

struct machine {
	struct vm *vm;
	char *console;
	size_t len, size;
};

static void machine_fini(struct machine *m)
{
	vm_free(m->vm);
	free(m->console);
}

/* Return: an empty file without name */
static int disk_file(void)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/kz-disk.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	T_TRUE(fd >= 0);
	unlink(path);
	T_EQ(ftruncate(fd, DISK_BYTES), 0);
	return fd;
}

static void add_disk(struct machine *m, unsigned id, bool read_only)
{
	struct vblk_config c = {
		.id = id,
		.bytes = DISK_BYTES,
		.read_only = read_only,
		.can_discard = true,
		.block_bytes = 512,
		.n_queues = 2,
	};
	struct errmsg e = { 0 };
	int fd;

	fd = disk_file();
	c.can_zero = fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096) == 0;
	c.take_backing = (struct blkio_backing){ .direct_fd = -1, .buffered_fd = fd };
	snprintf(c.serial, sizeof(c.serial), "disk%u", id);
	if (vm_add_disk(m->vm, &c, &e) < 0)
		T_FAIL("vm_add_disk: %s", e.text);
}

/* Takes what the guest printed. Return: true when it has switched itself off */
static bool collect(struct machine *m)
{
	struct vm_event ev;
	bool off = false;
	size_t n;

	while (vm_take_event(m->vm, &ev)) {
		if (ev.type != VM_EV_DEVICE && ev.type != VM_EV_POWEROFF)
			T_FAIL("event %d (%s); console: %s", ev.type, ev.text,
			       m->console);
		off |= ev.type == VM_EV_POWEROFF;
	}
	do {
		if (m->size - m->len < 1024) {
			m->size = 2 * m->size + 4096;
			m->console = realloc(m->console, m->size);
			T_TRUE(m->console);
		}
		n = vm_console_read(m->vm, VM_CONSOLE_SERIAL, m->console + m->len,
				    m->size - 1 - m->len);
		m->len += n;
		m->console[m->len] = '\0';
	} while (n);
	return off;
}

/* Boots the guest with two disks and these commands, to its end. */
static void run(struct machine *m, const char *commands, bool read_only)
{
	struct vm_config c = tiny_config(NULL, NULL);
	struct errmsg e = { 0 };
	char path[512], cmdline[512];
	int r;

	snprintf(path, sizeof(path), "%s/tests/guest/guest.elf",
		 getenv("KZ_BUILD") ?: ".");
	snprintf(cmdline, sizeof(cmdline), "kzones.zone=d run='%s' poweroff", commands);
	closep(&c.kernel_fd);
	c.kernel_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c.kernel_fd < 0)
		T_FAIL("%s: %s", path, strerror(errno));
	c.cmdline = cmdline;
	c.ram_bytes = RAM_BYTES;
	*m = (struct machine){ 0 };
	r = vm_create(&c, &m->vm, &e);
	tiny_config_done(&c);
	if (r == -ENOMEM && strstr(e.text, "RLIMIT_MEMLOCK"))
		T_SKIP("%s", e.text);
	if (r < 0)
		T_FAIL("vm_create: %d: %s", r, e.text);
	for (unsigned i = 0; i < DISKS; i++)
		add_disk(m, i, read_only);
	r = vm_start(m->vm, &e);
	if (r < 0)
		T_FAIL("vm_start: %d: %s", r, e.text);
	while (!collect(m))
		T_WAIT_FD(vm_event_fd(m->vm), POLLIN);
}

/* The guest says this, and FAIL in no line. */
static void expect(const struct machine *m, const char *sum)
{
	cleanup(freep) char *copy = strdup(m->console);
	unsigned n_failed = 0;
	char *save = NULL;

	T_TRUE(copy);
	for (char *l = strtok_r(copy, "\r\n", &save); l;
	     l = strtok_r(NULL, "\r\n", &save)) {
		if (!strstr(l, "FAIL"))
			continue;
		printf("# %s\n", l);
		n_failed++;
	}
	T_EQ(n_failed, 0);
	T_TRUE(!strstr(m->console, "there is no"));
	T_HAS(m->console, sum);
}

/* One run of the guest, which sums it up. */
#define SAYS(name, commands, read_only, sum) \
	TEST(drivers, name) \
	{ \
		cleanup(machine_fini) struct machine m; \
\
		run(&m, commands, read_only); \
		expect(&m, sum); \
	}
SAYS(entropy_device_conforms, "conform quiet rng", false, " ok, 0 failed, ")
SAYS(console_conforms, "conform quiet con", false, " ok, 0 failed, ")
SAYS(disk_conforms, "conform quiet disk", false, " ok, 0 failed, ")
SAYS(read_only_disk_conforms, "conform quiet disk", true, " ok, 0 failed, ")
SAYS(every_misdeed_has_its_outcome, "evil all", false, "misdeeds, 0 not as expected")

TEST(drivers, disk_holds_what_is_written)
{
	cleanup(machine_fini) struct machine m;

	run(&m,
	    "disk write 0 7 9000 5;disk flush 0;disk reset 0;disk verify 0 7 9000 5;"
	    "disk id 1",
	    false);
	expect(&m, "disk verify: 9000 sectors, 0 bad, ok");
	T_HAS(m.console, "disk id: ok 'disk1'");
}

TEST(drivers, many_requests_in_flight_on_two_queues)
{
	cleanup(machine_fini) struct machine m;

	run(&m,
	    "disk bench 0 randwrite 4096 64 200 2;disk bench 1 randread 512 1 100 1 0;"
	    "disk bench 0 seqread 131072 16 200 2",
	    false);
	expect(&m, "seqread bs 131072 depth 16 queues 2:");
	for (const char *l = m.console; (l = strstr(l, "disk bench: ")); l++)
		T_TRUE(strstr(l, " interrupts, 0 errors"));
}
