// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_fwcfg.c - any accesses to fw_cfg's ports, any transfers
 *
 * The steps are those of a driver (guest.h), accesses to the ports, and whole transfers.
 * A model knows the item and the position; beside not crashing: bytes are those of the
 * item, zeroes behind it, a refused transfer copies nothing, and nothing else is written.
 */
#include "kzhost/dev/fwcfg.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

#include <string.h>

#define TRANSFER 0x5000u /* where whole transfers are described */
#define ITEM     300u    /* bytes */

enum { PORT = GUEST_OP_N, DMA, MOVE };

static struct fwcfg fw;
static uint8_t item[ITEM];

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* What the item holds from a position on. */
static uint8_t byte_of(const struct fwcfg_item *i, uint64_t at)
{
	return i && at < i->size ? i->data[at] : 0;
}

static void port(const uint8_t *s)
{
	const struct fwcfg_item *was = fw.selected;
	unsigned size = 1u << s[2] % 2, offset = s[1] % FWCFG_PORTS;
	uint32_t at = fw.at;
	uint64_t value;

	if (s[3] & 1) {
		fwcfg_ops.write(&fw, offset, size, s[4] | (uint64_t)s[5] << 8);
		ASSERT(fw.selected != was || fw.at == at || fw.at == 0);
		return;
	}
	value = fwcfg_ops.read(&fw, offset, size);
	ASSERT(offset == 0 ? value == UINT64_MAX : value == byte_of(was, at));
}

/* What a transfer at @gpa would do, from what is there now. */
struct expected {
	uint8_t t[16];
	uint32_t length;
	uint64_t to;
	bool there, reads;
};

static struct expected expect(uint64_t gpa)
{
	struct expected x = { .there = ram_read(&guest_ram, gpa, x.t, 16) == 0 };
	bool wants;

	x.length = be32(x.t + 4);
	x.to = (uint64_t)be32(x.t + 8) << 32 | be32(x.t + 12);
	wants = x.there && x.t[3] & 2 && x.length > 0;
	x.reads = wants && x.length <= FWCFG_DMA_MAX &&
		  ram_slice(&guest_ram, x.to, x.length);
	if (x.there)
		guest_allow(gpa, 4);
	if (x.reads)
		guest_allow(x.to, x.length);
	return x;
}

static void dma(uint64_t gpa)
{
	const struct fwcfg_item *was = fw.selected;
	struct expected x = expect(gpa);
	uint32_t at = fw.at;
	uint8_t *data;

	fwcfg_dma_ops.write(&fw, 0, 4, __builtin_bswap32((uint32_t)(gpa >> 32)));
	fwcfg_dma_ops.write(&fw, 4, 4, __builtin_bswap32((uint32_t)gpa));
	if (x.there && x.t[3] & 8) {
		was = fw.selected;
		at = 0;
		ASSERT(!was || was->key == (uint16_t)(x.t[0] << 8 | x.t[1]));
	}
	data = x.reads ? ram_slice(&guest_ram, x.to, x.length) : NULL;
	for (uint32_t i = 0; data && i < x.length; i++)
		ASSERT(data[i] == byte_of(was, (uint64_t)at + i) ||
		       (x.to + i >= gpa && x.to + i < gpa + 4));
	ASSERT(!fw.selected || fw.at <= fw.selected->size);
	guest_check();
}

static void step(const uint8_t *s)
{
	const uint8_t transfer[16] = {
		0,        s[1] % 40, 0,           s[2] & 31, 0, s[3] >> 7 ? 0x20 : 0,
		s[3] & 3, s[4],      0,           0,         0, s[5] >> 7,
		0,        0,         s[5] & 0x7f, s[6]
	};

	switch (s[0] % 16) {
	case PORT:
		port(s);
		break;
	case DMA:
		dma((uint64_t)(s[3] & 1) << 32 | (uint64_t)s[1] << 8 | s[2]);
		break;
	case MOVE:
		guest_write(TRANSFER, transfer, sizeof(transfer));
		dma(TRANSFER);
		break;
	default: /* any access */
		if (s[3] & 1)
			fwcfg_dma_ops.read(&fw, s[1] % 2 * 4, 4);
		else if (s[1] % 2 == 0)
			fwcfg_dma_ops.write(&fw, 0, 4, s[2]);
		break;
	}
}

static void begin(void)
{
	for (unsigned i = 0; i < ITEM; i++)
		item[i] = (uint8_t)(i * 7 + 1);
	fwcfg_init(&fw, &guest_ram);
	ASSERT(fwcfg_add(&fw, FWCFG_SIGNATURE, "QEMU", 4) == 0);
	ASSERT(fwcfg_add(&fw, FWCFG_ID, "\3\0\0\0", 4) == 0);
	ASSERT(fwcfg_add_file(&fw, "etc/item", item, ITEM) == 0);
	ASSERT(fwcfg_add_file(&fw, "etc/empty", item, 0) == 0);
	ASSERT(fwcfg_add_file(&fw, "etc/one", item, 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;

	if (!begun)
		begin();
	begun = true;
	guest_begin(0);
	fw.selected = NULL;
	fw.at = fw.dma_high = 0;
	for (size_t i = 0, n = 0; i + GUEST_STEP <= size && n < GUEST_STEPS;
	     i += GUEST_STEP, n++) {
		if (!guest_step(data + i))
			step(data + i);
	}
	return 0;
}
