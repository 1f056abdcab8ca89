/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_saved.c - of every device each member is saved, or said not to be
 *
 * The compiler knows where a struct has padding; every other byte has to be in one row of
 * its table. vcon.c is compiled once more here: its struct is nobody else's.
 */
#include "kzhost/dev/vcon.c"
#undef QUEUE_SIZE

#include "kzhost/dev/device.h"
#include "kzhost/dev/vblk_internal.h"
#include "kzhost/dev/virtio_pci.h"
#include "kzhost/vm/machine.h"
#include "kzhost/vm/platform.h"
#include "tests/harness/harness.h"

#ifndef __has_builtin
#define __has_builtin(x) 0
#endif
#if __has_builtin(__builtin_clear_padding)
#define CLEAR_PADDING(p) __builtin_clear_padding(p)
#define KNOWS_PADDING    true
#else
#define CLEAR_PADDING(p) (void)(p)
#define KNOWS_PADDING    false
#endif

#define STRUCTS(X) \
	X(vm, &vm_table) \
	X(serial, &serial_table) \
	X(cmos, &cmos_table) \
	X(i8042, &i8042_table) \
	X(pvpanic, &pvpanic_table) \
	X(power, &power_table) \
	X(fwcfg, &fwcfg_table) \
	X(pci, &pci_table) \
	X(pci_function, &pci_function_table) \
	X(msix, &msix_table) \
	X(msix_vector, &msix_vector_table) \
	X(virtio_pci, &virtio_pci_table) \
	X(vdev, &vdev_table) \
	X(vqueue, &vqueue_table) \
	X(vblk, vblk_class.state) \
	X(vcon, vcon_class.state)

/* In a union, as GCC 12 forgets what stands behind an array of structs. */
#define X(type, table) \
	static void clear_##type(void *p) \
	{ \
		union { \
			struct type one; \
		} *u = p; \
\
		CLEAR_PADDING(u); \
	}
STRUCTS(X)
#undef X

static const struct state_table *nth(unsigned i, size_t *ret_size,
				     void (**ret_clear)(void *p))
{
	const struct {
		const struct state_table *table;
		size_t size;
		void (*clear)(void *p);
	} structs[] = {
#define X(type, table) { table, sizeof(struct type), clear_##type },
		STRUCTS(X)
#undef X
	};

	if (i >= ARRAY_SIZE(structs))
		return NULL;
	*ret_size = structs[i].size;
	*ret_clear = structs[i].clear;
	return structs[i].table;
}

/* How many rows have each byte; the name of the last row that begins at or before it. */
struct coverage {
	const struct state_table *table;
	uint8_t *rows;
};

static void cover(const struct coverage *c, const char *name, size_t offset, size_t size)
{
	T_TRUE(size > 0 && offset <= c->table->size && size <= c->table->size - offset);
	for (size_t i = offset; i < offset + size; i++) {
		if (c->rows[i]++)
			T_FAIL("%s: %s stands in two rows", c->table->name, name);
	}
}

static void cover_all(const struct coverage *c)
{
	const struct state_table *t = c->table;

	for (unsigned i = 0; i < t->n_fields; i++) {
		const struct state_field *f = &t->field[i];
		size_t bytes = (size_t)f->count * f->width;

		T_TRUE(f->width <= 8 && __builtin_popcount(f->width) == 1);
		T_TRUE(f->since > 0 && f->since <= DEVSTATE_VERSION);
		cover(c, f->name, f->offset, f->storage ? sizeof(struct ring) : bytes);
		if (f->storage)
			cover(c, f->name, f->storage, bytes);
	}
	for (unsigned i = 0; i < t->n_rest; i++)
		cover(c, t->rest[i].name, t->rest[i].offset, t->rest[i].size);
}

TEST(saved, each_member_is_a_field_or_said_to_be_none)
{
	void (*clear)(void *p);
	size_t size;

	if (!KNOWS_PADDING)
		T_SKIP("this compiler does not say where padding is");
	for (unsigned i = 0; (nth(i, &size, &clear)); i++) {
		const struct state_table *t = nth(i, &size, &clear);
		struct coverage c = { t, calloc(1, size) };
		uint8_t *real = malloc(size);

		T_EQ(t->size, size);
		T_TRUE(c.rows && real);
		memset(real, 0xff, size);
		clear(real);
		cover_all(&c);
		for (size_t k = 0; k < size; k++) {
			if (real[k] && !c.rows[k])
				T_FAIL("%s: the member at offset %zu stands in no row",
				       t->name, k);
		}
		free(c.rows);
		free(real);
	}
}

static bool is_listed(const struct state_table *wanted)
{
	const struct state_table *t;
	void (*clear)(void *p);
	size_t size;

	for (unsigned i = 0; (t = nth(i, &size, &clear)) && t != wanted; i++)
		;
	return t;
}

TEST(saved, no_device_is_left_out_above)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	const struct state_table *t;
	void *dev;

	T_NOT_NULL(vm);
	for (unsigned i = 0; (t = platform_device(vm, i, &dev)); i++)
		T_TRUE(is_listed(t));
	for (unsigned i = 0; i < n_dev_classes; i++)
		T_TRUE(!dev_classes[i]->state || is_listed(dev_classes[i]->state));
	free(vm);
}

/* vblk.no_flush_works_after_one_that_failed has what follows from the one,
 * vblk.backing_that_shrank_is_not_made_to_grow_again from the other. */
TEST(saved, a_disk_that_lost_something_remembers)
{
	cleanup(freep) struct vblk *disk = calloc(2, sizeof(*disk));
	cleanup(buf_fini) struct buf record = { 0 };
	struct errmsg e = { "" };
	struct state_reader r;

	T_NOT_NULL(disk);
	disk[0].lossy = true;
	disk[0].end = 4096;
	state_put(&record, &disk[0], vblk_class.state);
	T_OK(state_open(&r, DEVSTATE_VERSION, record.p, record.len, &e));
	T_OK(state_load(&r, &disk[1], vblk_class.state, &e));
	T_OK(state_end(&r, &e));
	T_TRUE(disk[1].lossy);
	T_EQ(disk[1].end, 4096);
	record.p[0] = 2;
	T_OK(state_open(&r, DEVSTATE_VERSION, record.p, record.len, &e));
	T_EQ(state_load(&r, &disk[1], vblk_class.state, &e), -EINVAL);
	T_STREQ(e.text, "lossy is 2, at most 1 can be");
}
