/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ram.c - guest memory: a locked memfd, filled in while the guest already runs
 *
 * DOC: Locked, yet quick
 *
 * A zone's memory is never paged out. Locking it page by page at the start would make
 * boot time grow with its size, so it is locked on fault: the guest's first touch, or the
 * filler thread, gives a page, and from then on it stays. That the host has the memory is
 * what the restarter's admission has promised; what is checked here is what a process can
 * see.
 *
 * DOC: Huge pages
 *
 * A guest that touches its memory gets pages of 4 KiB. The filler makes pages of 2 MiB of
 * them, and of what was not touched yet, where the host has such pages (MADV_COLLAPSE
 * asks for no setting of the host's). So a disk's request of 128 KiB is one piece of
 * memory for the host's block layer and not 32, and the guest's own page walks are
 * shorter.
 */
#include "kzhost/vm/ram.h"

#include "common/sys/thread.h"
#include "kzhost/vm/layout.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>

/* Linux 6.1; not in every C library. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define FILL_DELAY_MS 1000      /* a guest boots in peace before the filler begins */
#define FILL_CHUNK    (2 * MIB) /* a huge page; between two looks at the stop flag */

static int check_size(uint64_t size, struct errmsg *e)
{
	struct sysinfo si;
	uint64_t total;

	if (size == 0 || size % (2 * MIB))
		return errmsg_set(
			e, -EINVAL,
			"memory of %llu bytes: not a positive multiple of 2 MiB",
			(unsigned long long)size);
	if (sysinfo(&si) < 0)
		return errmsg_set(e, -errno, "sysinfo: %s", strerror(errno));
	total = (uint64_t)si.totalram * si.mem_unit;
	if (size > total)
		return errmsg_set(
			e, -ENOMEM,
			"guest memory: asked for %llu MiB, but the host has %llu MiB "
			"in all, %llu MiB of it free",
			(unsigned long long)(size / MIB),
			(unsigned long long)(total / MIB),
			(unsigned long long)(si.freeram * si.mem_unit / MIB));
	return 0;
}

static int lock_on_fault(const struct ram *ram, struct errmsg *e)
{
	struct rlimit rl = { 0 };
	int err;

	if (mlock2(ram->base, ram->size, MLOCK_ONFAULT) == 0)
		return 0;
	err = errno;
	getrlimit(RLIMIT_MEMLOCK, &rl);
	if (err == ENOMEM || err == EPERM || err == EAGAIN)
		return errmsg_set(
			e, -ENOMEM,
			"guest memory: asked to lock %llu MiB, but this process may "
			"lock %llu MiB (RLIMIT_MEMLOCK)",
			(unsigned long long)(ram->size / MIB),
			(unsigned long long)(rl.rlim_cur / MIB));
	return errmsg_set(e, -err, "mlock2: %s", strerror(err));
}

/* Address space of this size, at a multiple of a huge page; MAP_FAILED and errno. */
static void *reserve(size_t size)
{
	uint8_t *p = mmap(NULL, size + FILL_CHUNK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	size_t before = -(uintptr_t)p % FILL_CHUNK;

	if (p == MAP_FAILED)
		return p;
	if (before > 0)
		munmap(p, before);
	munmap(p + before + size, FILL_CHUNK - before);
	return p + before;
}

static int map_memory(struct ram *ram, struct errmsg *e)
{
	void *p;

	ram->fd = memfd_create("guest-ram", MFD_CLOEXEC);
	if (ram->fd < 0)
		return errmsg_set(e, -errno, "memfd_create: %s", strerror(errno));
	if (ftruncate(ram->fd, (off_t)ram->size) < 0)
		return errmsg_set(e, -errno, "guest memory of %llu MiB: %s",
				  (unsigned long long)(ram->size / MIB), strerror(errno));
	p = reserve(ram->size);
	if (p != MAP_FAILED)
		p = mmap(p, ram->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 ram->fd, 0);
	if (p == MAP_FAILED)
		return errmsg_set(e, -errno, "mapping %llu MiB of guest memory: %s",
				  (unsigned long long)(ram->size / MIB), strerror(errno));
	ram->base = p;
	if (madvise(p, ram->size, MADV_DONTDUMP) < 0)
		return errmsg_set(e, -errno, "madvise: %s", strerror(errno));
	return lock_on_fault(ram, e);
}

int ram_init(struct ram *ram, uint64_t size, struct errmsg *e)
{
	pthread_condattr_t attr;
	uint64_t low;
	int r;

	memset(ram, 0, sizeof(*ram));
	ram->fd = -1;
	pthread_mutex_init(&ram->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ram->wake, &attr);
	pthread_condattr_destroy(&attr);
	r = check_size(size, e);
	if (r < 0)
		return r;
	ram->size = size;
	r = map_memory(ram, e);
	if (r < 0)
		return r;
	low = MIN(size, KZ_GPA_RAM_LOW_END);
	ram->region[0] = (struct ram_region){ .gpa = 0, .size = low, .hva = ram->base };
	ram->region[1] = (struct ram_region){ .gpa = KZ_GPA_RAM_HIGH,
					      .size = size - low,
					      .hva = ram->base + low };
	return 0;
}

void ram_fini(struct ram *ram)
{
	ram_fill_stop(ram);
	if (ram->base)
		munmap(ram->base, ram->size);
	ram->base = NULL;
	closep(&ram->fd);
	pthread_cond_destroy(&ram->wake);
	pthread_mutex_destroy(&ram->lock);
}

void *ram_slice(const struct ram *ram, uint64_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < RAM_REGIONS; i++) {
		const struct ram_region *r = &ram->region[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size && len > 0 &&
		    len <= r->size - (gpa - r->gpa))
			return r->hva + (gpa - r->gpa);
	}
	return NULL;
}

int ram_read(const struct ram *ram, uint64_t gpa, void *data, size_t len)
{
	const void *p = ram_slice(ram, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(data, p, len);
	return 0;
}

int ram_write(const struct ram *ram, uint64_t gpa, const void *data, size_t len)
{
	void *p = ram_slice(ram, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(p, data, len);
	return 0;
}

/* True: stop was asked within the time. */
static bool wait_for_stop(struct ram *ram, long ms)
{
	struct timespec until;
	bool stop;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&ram->lock);
	while (!atomic_load(&ram->stop) && r == 0)
		r = pthread_cond_timedwait(&ram->wake, &ram->lock, &until);
	stop = atomic_load(&ram->stop);
	pthread_mutex_unlock(&ram->lock);
	return stop;
}

/* One huge page, or small ones. A failure is the guest's first touch later on, not an
 * error now. */
static bool fill_chunk(uint8_t *p)
{
	/* Where nothing is there yet the kernel sees nothing to collapse. */
	if (madvise(p, 1, MADV_POPULATE_WRITE) == 0 &&
	    madvise(p, FILL_CHUNK, MADV_COLLAPSE) == 0)
		return true;
	return madvise(p, FILL_CHUNK, MADV_POPULATE_WRITE) == 0 || errno == EINTR ||
	       errno == EAGAIN;
}

static void *fill_main(void *arg)
{
	static const struct sched_param none;
	struct ram *ram = arg;

	thread_set_name("fill");
	if (ram->fill_init && ram->fill_init() < 0)
		return NULL;
	if (wait_for_stop(ram, FILL_DELAY_MS))
		return NULL;
	sched_setscheduler(0, SCHED_IDLE, &none); /* this thread */
	for (uint64_t at = 0; at < ram->size && !atomic_load(&ram->stop);
	     at += FILL_CHUNK) {
		if (!fill_chunk(ram->base + at))
			break;
	}
	return NULL;
}

int ram_fill_start(struct ram *ram, int (*init)(void))
{
	int r;

	ram->fill_init = init;
	r = pthread_create(&ram->filler, NULL, fill_main, ram);
	ram->filling = r == 0;
	return -r;
}

void ram_fill_cancel(struct ram *ram)
{
	pthread_mutex_lock(&ram->lock);
	atomic_store(&ram->stop, true);
	pthread_cond_signal(&ram->wake);
	pthread_mutex_unlock(&ram->lock);
}

void ram_fill_stop(struct ram *ram)
{
	if (!ram->filling)
		return;
	ram_fill_cancel(ram);
	pthread_join(ram->filler, NULL);
	ram->filling = false;
}

uint64_t ram_resident(const struct ram *ram)
{
	struct stat st;

	if (ram->fd < 0 || fstat(ram->fd, &st) < 0)
		return 0;
	return (uint64_t)st.st_blocks * 512;
}
