/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conform.c - the command `conform`: runs the checks, and what they share
 *
 * One line a check, named by the clause of VIRTIO 1.2 (committee specification 01):
 *
 *	conform 2.1.2 ok|FAIL|n/a TEXT[: what did not hold]
 *
 * A check begins with a device in any state and resets it first. Sectors that block
 * checks write get their old content back.
 */
#include "tests/guest/clock.h"
#include "tests/guest/conform.h"
#include "tests/guest/event.h"
#include "tests/guest/gate.h"
#include "tests/guest/paging.h"
#include "tests/guest/print.h"
#include "tests/guest/serial.h"
#include "tests/guest/string.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define RNG_BYTES     64
#define LOOK_MS       10 /* from one look at the status to the next */

bool conform_ready(struct conform *c, uint64_t features)
{
	unsigned queue = c->d->type == VIRTIO_CONSOLE ? 1 : 0;

	if (!virtio_negotiate(c->d, features | VIRTIO_F_VERSION_1))
		return false;
	if (c->d->pci->n_vectors) {
		pci_msix_unmask(c->d->pci, 0);
		cc_write16(c->d, CC_CONFIG_VECTOR, 0);
	}
	c->r = virtio_queue(c->d, queue);
	if (!c->r)
		return false;
	if (c->d->pci->n_vectors > 1) {
		pci_msix_unmask(c->d->pci, 1);
		cc_write16(c->d, CC_QUEUE_VECTOR, 1);
	}
	vring_interrupts_on(c->r);
	return true;
}

void conform_go(struct conform *c)
{
	virtio_set_status(c->d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER |
					VIRTIO_S_FEATURES_OK | VIRTIO_S_DRIVER_OK);
}

bool conform_start(struct conform *c, uint64_t features)
{
	if (!conform_ready(c, features))
		return false;
	conform_go(c);
	return virtio_status(c->d) & VIRTIO_S_DRIVER_OK;
}

void conform_fill(struct conform *c, uint16_t head)
{
	volatile struct vring_desc *d = &c->r->desc[head];
	uintptr_t mem = (uintptr_t)c->mem, data = mem + CONFORM_DATA;

	c->n_descs = 1;
	c->n_out = c->d->type == VIRTIO_ENTROPY ? 0 : 1;
	if (c->d->type == VIRTIO_ENTROPY) {
		d[0] = (struct vring_desc){ data, RNG_BYTES, VRING_DESC_WRITE, 0 };
		return;
	}
	if (c->d->type == VIRTIO_CONSOLE) {
		c->mem[CONFORM_DATA] = CONFORM_CHAR;
		d[0] = (struct vring_desc){ data, 1, 0, 0 };
		return;
	}
	c->n_descs = 3;
	memset(c->mem, 0, CONFORM_STATUS);
	c->mem[CONFORM_STATUS] = BLK_NO_STATUS;
	d[0] = (struct vring_desc){ mem, sizeof(struct blk_header), VRING_DESC_NEXT,
				    (uint16_t)(head + 1) };
	d[1] = (struct vring_desc){ data, BLK_SECTOR, VRING_DESC_NEXT | VRING_DESC_WRITE,
				    (uint16_t)(head + 2) };
	d[2] = (struct vring_desc){ mem + CONFORM_STATUS, 1, VRING_DESC_WRITE, 0 };
}

void conform_offer(struct conform *c, uint16_t head)
{
	vring_offer(c->r, head);
	vring_publish(c->r);
	vring_ring_bell(c->r);
}

bool conform_used(struct conform *c, unsigned ms)
{
	uint64_t now = rdtsc(), look = now, end = now + ms * clock_ticks_per_ms();

	for (; !vring_has_used(c->r); now = rdtsc()) {
		if (now >= look && virtio_status(c->d) & VIRTIO_S_NEEDS_RESET)
			return false;
		if (now >= look)
			look = now + LOOK_MS * clock_ticks_per_ms();
		if (now > end)
			return false;
	}
	c->used_id = c->r->used->ring[c->r->used_idx & (c->r->size - 1)].id;
	c->used_len = c->r->used->ring[c->r->used_idx & (c->r->size - 1)].len;
	c->r->used_idx++;
	return true;
}

bool conform_request(struct conform *c)
{
	conform_fill(c, 0);
	conform_offer(c, 0);
	return conform_used(c, CONFORM_MS) &&
	       (c->d->type != VIRTIO_BLOCK || c->mem[CONFORM_STATUS] == BLK_OK);
}

uint64_t conform_interrupts(struct conform *c, unsigned entry)
{
	return event_msix_count(pci_msix_slot(c->d->pci, entry));
}

bool conform_interrupted(struct conform *c, unsigned entry, uint64_t before, unsigned ms)
{
	uint64_t end = rdtsc() + ms * clock_ticks_per_ms();

	while (conform_interrupts(c, entry) == before) {
		if (rdtsc() > end)
			return false;
	}
	return true;
}

bool conform_break(struct conform *c)
{
	uint64_t end = rdtsc() + CONFORM_MS * clock_ticks_per_ms();

	conform_offer(c, (uint16_t)c->r->size);
	while (!(virtio_status(c->d) & VIRTIO_S_NEEDS_RESET)) {
		if (rdtsc() > end)
			return false;
	}
	return true;
}

/* What all devices together came to. */
struct tally {
	bool quiet;    /* only failures are printed */
	unsigned n[3]; /* by enum conform_result */
};

static void run_table(struct conform *c, const struct conform_check *table,
		      struct tally *t)
{
	static const char *const names[] = { "FAIL", "ok", "n/a" };

	for (const struct conform_check *k = table; k->clause; k++) {
		enum conform_result result;

		if (!(k->types & 1u << c->d->type) || serial_interrupted())
			continue;
		c->why = NULL;
		result = k->run(c);
		t->n[result]++;
		if (t->quiet && result != CONFORM_FAIL)
			continue;
		print("conform %s %s %s%s%s\n", k->clause, names[result], k->text,
		      c->why ? ": " : "", c->why ? c->why : "");
	}
}

/* Return: false when there is no such device */
static bool run_device(unsigned type, unsigned number, struct tally *t)
{
	static uint8_t *mem;
	struct conform c = { .d = virtio_find(type, number), .number = number };

	if (!mem)
		mem = paging_alloc(CONFORM_MEM);
	c.mem = mem;
	if (!c.d || !mem)
		return false;
	print("conform: %s in slot %u\n", virtio_type_name(type), c.d->pci->slot);
	c.offered = virtio_offered(c.d);
	run_table(&c, conform_basic, t);
	run_table(&c, conform_pci, t);
	run_table(&c, conform_device, t);
	virtio_reset(c.d);
	return true;
}

void conform_command(char *args)
{
	static const struct {
		const char *name;
		unsigned type;
	} types[] = { { "disk", VIRTIO_BLOCK },
		      { "con", VIRTIO_CONSOLE },
		      { "rng", VIRTIO_ENTROPY } };
	const char *name = str_word(&args);
	struct tally t = { .quiet = str_cmp(name, "quiet") == 0 };
	uint64_t number = 0;
	bool found = false;

	if (t.quiet)
		name = str_word(&args);
	if (!str_u64(&args, &number)) {
		print("conform: N must be a number\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!*name || str_cmp(name, types[i].name) == 0)
			found |= run_device(types[i].type, (unsigned)number, &t);
	}
	if (!found)
		print("conform: there is no such device\n");
	print("conform: %u checks, %u ok, %u failed, %u not applicable\n",
	      t.n[0] + t.n[1] + t.n[2], t.n[CONFORM_OK], t.n[CONFORM_FAIL],
	      t.n[CONFORM_NA]);
}
