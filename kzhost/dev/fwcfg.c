/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwcfg.c - selector, data port and transfers of fw_cfg
 */
#include "kzhost/dev/fwcfg.h"

#include "common/base/trace.h"

#include <string.h>

#define DMA_ERROR  0x01u
#define DMA_READ   0x02u
#define DMA_SKIP   0x04u
#define DMA_SELECT 0x08u
#define DMA_WRITE  0x10u

/* Big-endian numbers of byte type. */
typedef struct {
	uint8_t b[2];
} be16;
typedef struct {
	uint8_t b[4];
} be32;
typedef struct {
	uint8_t b[8];
} be64;

/* One entry of the directory, which begins with their number. */
struct fwcfg_dir_entry {
	be32 size;
	be16 key;
	be16 reserved;
	char name[FWCFG_NAME_SIZE];
};
static_assert(sizeof(struct fwcfg_dir_entry) == 64, "fw_cfg");

struct fwcfg_transfer {
	be32 control; /* DMA_*; the item to select in the upper half */
	be32 length;
	be64 gpa;
};
static_assert(sizeof(struct fwcfg_transfer) == 16, "fw_cfg");

static uint64_t be_get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void be_put(uint8_t *p, unsigned n, uint64_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* Filling it. */

void fwcfg_init(struct fwcfg *f, const struct ram *ram)
{
	f->ram = ram;
	f->key = FWCFG_NONE;
	pthread_mutex_init(&f->lock, NULL);
}

void fwcfg_fini(struct fwcfg *f)
{
	for (unsigned i = 0; i < f->n; i++)
		free(f->item[i].data);
	f->n = 0;
	pthread_mutex_destroy(&f->lock);
}

static const struct fwcfg_item *by_key(const struct fwcfg *f, uint16_t key)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->item[i].key == key)
			return &f->item[i];
	}
	return NULL;
}

const struct fwcfg_item *fwcfg_find(const struct fwcfg *f, const char *name)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (strcmp(f->item[i].name, name) == 0)
			return &f->item[i];
	}
	return NULL;
}

int fwcfg_add(struct fwcfg *f, uint16_t key, const void *data, size_t len)
{
	uint8_t *copy;

	if (f->n == FWCFG_ITEMS)
		return -ENOSPC;
	copy = malloc(len + 1); /* an item may be empty */
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	f->item[f->n++] =
		(struct fwcfg_item){ .key = key, .data = copy, .size = (uint32_t)len };
	return 0;
}

/* The directory, grown by the file that was added last. */
static int grow_directory(struct fwcfg *f, const struct fwcfg_item *file)
{
	size_t old = sizeof(be32) + f->n_files * sizeof(struct fwcfg_dir_entry);
	struct fwcfg_item *dir = &f->item[by_key(f, FWCFG_DIRECTORY) - f->item];
	struct fwcfg_dir_entry e = { 0 };
	uint8_t *data;

	data = realloc(dir->data, old + sizeof(e));
	if (!data)
		return -ENOMEM;
	be_put(e.size.b, sizeof(e.size), file->size);
	be_put(e.key.b, sizeof(e.key), file->key);
	memcpy(e.name, file->name, sizeof(e.name));
	memcpy(data + old, &e, sizeof(e));
	be_put(data, sizeof(be32), ++f->n_files);
	dir->data = data;
	dir->size = (uint32_t)(old + sizeof(e));
	return 0;
}

int fwcfg_add_file(struct fwcfg *f, const char *name, const void *data, size_t len)
{
	static const be32 none = { { 0 } };
	struct fwcfg_item *file;
	int r = 0;

	ASSERT(strlen(name) < FWCFG_NAME_SIZE && !fwcfg_find(f, name));
	if (!by_key(f, FWCFG_DIRECTORY))
		r = fwcfg_add(f, FWCFG_DIRECTORY, &none, sizeof(none));
	if (r == 0)
		r = fwcfg_add(f, (uint16_t)(FWCFG_FILE + f->n_files), data, len);
	if (r < 0)
		return r;
	file = &f->item[f->n - 1];
	memcpy(file->name, name, strlen(name));
	r = grow_directory(f, file);
	if (r < 0)
		free(f->item[--f->n].data);
	return r;
}

/* Taking it. The lock is held. */

static void choose(struct fwcfg *f, uint16_t key)
{
	f->key = key;
	f->selected = by_key(f, key);
	f->at = 0;
}

/* How much of the item is left, at most len; all of it counts as taken. */
static uint32_t take(struct fwcfg *f, uint32_t len, const uint8_t **ret_data)
{
	uint32_t n;

	*ret_data = NULL;
	if (!f->selected)
		return 0;
	n = MIN(len, f->selected->size - f->at);
	*ret_data = f->selected->data + f->at;
	f->at += n;
	return n;
}

static uint32_t transfer(struct fwcfg *f, const struct fwcfg_transfer *t)
{
	uint32_t control = (uint32_t)be_get(t->control.b, sizeof(t->control));
	uint32_t len = (uint32_t)be_get(t->length.b, sizeof(t->length)), n;
	const uint8_t *data;
	uint8_t *to;

	if (control & DMA_SELECT)
		choose(f, (uint16_t)(control >> 16));
	if (!(control & (DMA_READ | DMA_SKIP)))
		return control & DMA_WRITE ? DMA_ERROR : 0;
	if (!(control & DMA_READ) || len == 0) {
		take(f, len, &data);
		return 0;
	}
	to = len <= FWCFG_DMA_MAX
		     ? ram_slice(f->ram, be_get(t->gpa.b, sizeof(t->gpa)), len)
		     : NULL;
	if (!to)
		return DMA_ERROR;
	n = take(f, len, &data);
	if (n > 0)
		memcpy(to, data, n);
	memset(to + n, 0, len - n);
	return 0;
}

static void run_dma(struct fwcfg *f, uint64_t gpa)
{
	struct fwcfg_transfer t;
	be32 result = { { 0 } };

	if (ram_read(f->ram, gpa, &t, sizeof(t)) < 0) {
		TRACE(dev, "fw_cfg: no memory at 0x%llx", (unsigned long long)gpa);
		return;
	}
	be_put(result.b, sizeof(result), transfer(f, &t));
	ram_write(f->ram, gpa + offsetof(struct fwcfg_transfer, control), &result,
		  sizeof(result));
}

/* Ports. */

static uint64_t port_read(void *dev, uint64_t offset, unsigned size)
{
	struct fwcfg *f = dev;
	const uint8_t *data;
	uint8_t value = 0;

	if (offset != 1)
		return UINT64_MAX; /* the selector can only be written */
	pthread_mutex_lock(&f->lock);
	if (take(f, 1, &data) == 1)
		value = *data;
	pthread_mutex_unlock(&f->lock);
	return value;
}

static void port_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct fwcfg *f = dev;

	if (offset != 0 || size != 2)
		return;
	pthread_mutex_lock(&f->lock);
	choose(f, (uint16_t)value);
	pthread_mutex_unlock(&f->lock);
}

const struct bus_ops fwcfg_ops = { BUS_W1 | BUS_W2, port_read, port_write };

/* Says, big-endian, that it is there. */
static uint64_t dma_read(void *dev, uint64_t offset, unsigned size)
{
	static const char sign[] = "QEMU CFG";
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)(uint8_t)sign[offset + i] << 8 * i;
	return value;
}

static void dma_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	uint32_t half = __builtin_bswap32((uint32_t)value);
	struct fwcfg *f = dev;

	if (offset % 4)
		return;
	pthread_mutex_lock(&f->lock);
	if (offset == 0) {
		f->dma_high = half;
	} else {
		run_dma(f, (uint64_t)f->dma_high << 32 | half);
		f->dma_high = 0;
	}
	pthread_mutex_unlock(&f->lock);
}

const struct bus_ops fwcfg_dma_ops = { BUS_W4, dma_read, dma_write };

/* Saving and loading. */

static const struct state_field fields[] = {
	STATE_FIELD(struct fwcfg, key, 1),
	STATE_FIELD(struct fwcfg, at, 1),
	STATE_FIELD(struct fwcfg, dma_high, 1),
};

static const struct state_rest rest[] = {
	STATE_REST(struct fwcfg, ram),
	STATE_REST(struct fwcfg, n), /* items are made anew */
	STATE_REST(struct fwcfg, n_files),
	STATE_REST(struct fwcfg, item),
	STATE_REST(struct fwcfg, lock),
	STATE_REST(struct fwcfg, selected), /* by the key */
};

static int check(const void *in, const void *now, struct errmsg *e)
{
	const struct fwcfg *f = in;
	const struct fwcfg_item *item = by_key(f, f->key);
	uint32_t size = item ? item->size : 0;

	if (f->at > size)
		return errmsg_set(e, -EINVAL, "byte %u of item %04x, which has %u", f->at,
				  f->key, size);
	return 0;
}

static void loaded(void *dev)
{
	struct fwcfg *f = dev;

	f->selected = by_key(f, f->key);
}

const struct state_table fwcfg_table = {
	.name = "fwcfg",
	.size = sizeof(struct fwcfg),
	STATE_FIELDS(fields),
	STATE_RESTS(rest),
	.check = check,
	.loaded = loaded,
};
