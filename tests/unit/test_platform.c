/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_platform.c - the devices beside the PCI bus come back as they were, each field of
 * them; what no guest can bring about is refused, and changes nothing
 */
#include "common/proto/machine.h"
#include "kzhost/vm/machine.h"
#include "kzhost/vm/platform.h"
#include "tests/harness/harness.h"

#include <linux/serial_reg.h>
#include <stdio.h>

#define N_DEVICES 7 /* struct vm counts as one */
#define OFFSET_S  86400

struct bed {
	struct vm vm;
	bool line; /* of the serial port */
	unsigned wakes, pulses;
	struct errmsg e;
};

static void on_irq(void *arg, unsigned gsi, bool level)
{
	struct bed *b = arg;

	if (gsi == KZ_COM1_IRQ)
		b->line = level;
	b->pulses += gsi == KZ_GED_GSI && level;
}

static void on_event(void *arg, enum vm_event_type type, const char *text)
{
	T_FAIL("%s", text);
}

static void on_wake(void *arg)
{
	struct bed *b = arg;

	b->wakes++;
}

static struct bed *bed_new(void)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct dev_env env = {
		.irq = on_irq, .event = on_event, .wake = on_wake, .arg = b
	};

	T_NOT_NULL(b);
	b->vm.n_vcpus = 2;
	b->vm.ram.region[0].size = 64 * MIB; /* nobody looks into it */
	T_OK(platform_init(&b->vm, &env, OFFSET_S, true));
	return b;
}

static void bed_free(struct bed **b)
{
	platform_fini(&(*b)->vm);
	free(*b);
}
#define BED(b) cleanup(bed_free) struct bed *b = bed_new()

static void out(struct bed *b, unsigned port, unsigned size, uint64_t value)
{
	T_TRUE(bus_write(&b->vm.pio, port, size, value));
}

static uint64_t in(struct bed *b, unsigned port, unsigned size)
{
	uint64_t value;

	T_TRUE(bus_read(&b->vm.pio, port, size, &value));
	return value;
}

static void com(struct bed *b, unsigned reg, uint8_t value)
{
	out(b, KZ_COM1_PORT + reg, 1, value);
}

static void cmos(struct bed *b, uint8_t reg, uint8_t value)
{
	out(b, KZ_CMOS_PORT, 1, reg);
	out(b, KZ_CMOS_PORT + 1, 1, value);
}

/* A port that is looped back until it overruns, then open, with input waiting. */
static void live_serial(struct bed *b)
{
	com(b, UART_LCR, UART_LCR_DLAB);
	com(b, UART_DLL, 12);
	com(b, UART_DLM, 3);
	com(b, UART_LCR, UART_LCR_WLEN8);
	com(b, UART_SCR, 0x5a);
	com(b, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_14);
	for (const char *c = "Linux"; *c; c++)
		com(b, UART_TX, (uint8_t)*c);
	com(b, UART_IER, UART_IER_THRI);
	com(b, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1);
	for (char c = 'a'; c <= 'a' + SERIAL_FIFO; c++)
		com(b, UART_TX, (uint8_t)c);
	com(b, UART_MCR, UART_MCR_OUT2);
	T_EQ(serial_write_in(&b->vm.serial, "typed", 5), 5);
	in(b, KZ_COM1_PORT + UART_IIR, 1); /* the transmitter's is taken */
	com(b, UART_IER, UART_IER_THRI | UART_IER_RDI);
}

/* Each kind of state is other than in a new machine. */
static void live(struct bed *b)
{
	live_serial(b);
	cmos(b, 0x0b, 0x82); /* the clock stands still, at no time there is */
	cmos(b, 0x00, 0x99);
	cmos(b, 0x02, 0x61);
	cmos(b, 0x04, 0x25);
	cmos(b, 0x07, 0x31);
	cmos(b, 0x08, 0x00);
	cmos(b, 0x09, 0x38);
	cmos(b, 0x01, 0x59);
	cmos(b, 0x40, 0x77);
	out(b, KZ_PM1_EVENT_PORT + 2, 2, 0x120);
	power_raise(&b->vm.power, KZ_GED_POWER | KZ_GED_VMGEN);
	out(b, KZ_FWCFG_PORT, 2, FWCFG_SIGNATURE);
	T_EQ(in(b, KZ_FWCFG_PORT + 1, 1), 'Q');
	out(b, KZ_FWCFG_DMA_PORT, 4, 0x12345678);
	b->vm.input_to_hvc = true;
}

static int load(struct bed *b, const void *data, size_t len)
{
	struct state_reader r;
	int err;

	b->e.text[0] = '\0';
	T_OK(state_open(&r, DEVSTATE_VERSION, data, len, &b->e));
	err = platform_load(&b->vm, &r, &b->e);
	if (err == 0)
		err = state_end(&r, &b->e);
	T_EQ(err < 0, b->e.text[0] != '\0');
	return err;
}

static void move(struct bed *from, struct bed *to)
{
	cleanup(buf_fini) struct buf record = { 0 };

	T_OK(platform_save(&from->vm, &record));
	T_OK(load(to, record.p, record.len));
}

static void same_serial(struct bed *a, struct bed *b)
{
	char text[2][8];

	T_TRUE(a->line && b->line);
	for (unsigned i = 0; i < SERIAL_FIFO + 8; i++) {
		for (unsigned reg = 0; reg < SERIAL_PORTS; reg++)
			T_EQ(in(a, KZ_COM1_PORT + reg, 1), in(b, KZ_COM1_PORT + reg, 1));
	}
	T_FALSE(a->line || b->line);
	com(a, UART_LCR, UART_LCR_DLAB);
	com(b, UART_LCR, UART_LCR_DLAB);
	T_EQ(in(b, KZ_COM1_PORT + UART_DLL, 1), 12);
	T_EQ(in(b, KZ_COM1_PORT + UART_DLM, 1), 3);
	T_EQ(serial_read_out(&b->vm.serial, text[1], sizeof(text[1])), 5);
	T_MEMEQ(text[1], "Linux", 5);
}

TEST(platform, a_machine_comes_back_as_it_was)
{
	BED(a);
	BED(b);

	live(a);
	move(a, b);
	T_TRUE(b->wakes > 0); /* somebody looks after the output */
	T_EQ(b->pulses, 0);
	T_EQ(in(b, KZ_FWCFG_PORT + 1, 1), 'E');
	T_EQ(b->vm.fwcfg.dma_high, a->vm.fwcfg.dma_high);
	T_EQ(in(b, KZ_GED_PORT, 4), KZ_GED_POWER | KZ_GED_VMGEN);
	T_EQ(in(b, KZ_GED_PORT, 4), 0);
	T_EQ(in(b, KZ_PM1_EVENT_PORT + 2, 2), 0x120);
	T_TRUE(b->vm.input_to_hvc);
	T_EQ(in(b, KZ_CMOS_PORT + 1, 1), 0x77); /* the index is there, too */
	for (unsigned reg = 0; reg < 128; reg++) {
		out(a, KZ_CMOS_PORT, 1, reg);
		out(b, KZ_CMOS_PORT, 1, reg);
		T_EQ(in(a, KZ_CMOS_PORT + 1, 1), in(b, KZ_CMOS_PORT + 1, 1));
	}
	same_serial(a, b);
}

TEST(platform, a_clock_that_goes_goes_on)
{
	BED(a);
	BED(b);

	cmos(a, 0x09, 0x31); /* another year */
	T_NE(a->vm.cmos.offset_s, OFFSET_S);
	move(a, b);
	T_EQ(cmos_offset(&b->vm.cmos), cmos_offset(&a->vm.cmos));
	out(b, KZ_CMOS_PORT, 1, 0x09);
	T_EQ(in(b, KZ_CMOS_PORT + 1, 1), 0x31);
}

TEST(platform, saved_again_it_is_the_same_record)
{
	cleanup(buf_fini) struct buf first = { 0 };
	cleanup(buf_fini) struct buf second = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		BED(a);
		BED(b);

		if (i)
			live(a);
		buf_clear(&first);
		buf_clear(&second);
		T_OK(platform_save(&a->vm, &first));
		T_OK(load(b, first.p, first.len));
		T_OK(platform_save(&b->vm, &second));
		T_EQ(first.len, second.len);
		T_MEMEQ(first.p, second.p, first.len);
	}
}

/* Calls @f with each field of each device and the place where it is. */
static void each_field(struct bed *b,
		       void (*f)(struct bed *b, const struct state_field *f, void *at))
{
	const struct state_table *t;
	void *dev;

	for (unsigned i = 0; (t = platform_device(&b->vm, i, &dev)); i++) {
		for (unsigned k = 0; k < t->n_fields; k++)
			f(b, &t->field[k], (uint8_t *)dev + t->field[k].offset);
	}
}

static bool same(struct vm *a, struct vm *b)
{
	cleanup(buf_fini) struct buf first = { 0 };
	cleanup(buf_fini) struct buf second = { 0 };

	T_OK(platform_save(a, &first));
	T_OK(platform_save(b, &second));
	return first.len == second.len && memcmp(first.p, second.p, first.len) == 0;
}

static void changes_record(struct bed *b, const struct state_field *f, void *at)
{
	size_t last = (size_t)f->count * f->width - 1;
	struct ring *ring = at;
	BED(fresh);

	if (f->storage) {
		ring_put(ring, 1);
		if (same(&b->vm, &fresh->vm))
			T_FAIL("the number of bytes in %s is not saved", f->name);
		ring_get(ring);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *byte = (uint8_t *)at + (i ? last : 0);

		*byte ^= 1;
		if (same(&b->vm, &fresh->vm))
			T_FAIL("%s is not saved", f->name);
		*byte ^= 1;
	}
}

TEST(platform, each_field_is_in_the_record)
{
	BED(b);

	each_field(b, changes_record);
}

/* Loading what @b is into a new machine fails with this text, and the device that was
 * refused and those behind it are new as before. */
static void refused(struct bed *b, const char *why)
{
	cleanup(buf_fini) struct buf record = { 0 };
	const struct state_table *t;
	bool from_here = false;
	void *dev, *was;
	BED(to);
	BED(fresh);

	T_OK(platform_save(&b->vm, &record));
	if (load(to, record.p, record.len) != -EINVAL)
		T_FAIL("taken: %s", why);
	T_HAS(to->e.text, why);
	for (unsigned i = 0; (t = platform_device(&to->vm, i, &dev)); i++) {
		size_t len = strlen(t->name);

		platform_device(&fresh->vm, i, &was);
		from_here |= !strncmp(to->e.text, t->name, len) && to->e.text[len] == ':';
		for (unsigned k = 0; from_here && k < t->n_fields; k++)
			T_MEMEQ((uint8_t *)dev + t->field[k].offset,
				(uint8_t *)was + t->field[k].offset,
				t->field[k].storage
					? 0
					: (size_t)t->field[k].count * t->field[k].width);
	}
	T_TRUE(from_here);
	if (!strncmp(why, "serial", 6))
		T_FALSE(to->line || to->wakes);
}

/* One more than there can be, and each bit that cannot. */
static void refused_beyond(struct bed *b, const struct state_field *f, void *at)
{
	struct ring *ring = at;
	uint64_t was = 0, v;
	char text[64];

	snprintf(text, sizeof(text), ": %s ", f->name);
	if (f->storage) {
		ring->tail = ring->head + f->count + 1;
		refused(b, text);
		ring->tail = ring->head;
		return;
	}
	memcpy(&was, at, f->width <= 8 ? f->width : 8);
	for (unsigned bit = 0; f->bits && bit < f->width * 8u; bit++) {
		v = 1ull << bit;
		if (v & f->bits)
			continue;
		memcpy(at, &v, f->width);
		refused(b, text);
	}
	v = f->max + 1;
	memcpy(at, &v, f->width);
	if (f->max)
		refused(b, text);
	memcpy(at, &was, f->width);
}

TEST(platform, values_that_a_field_cannot_have_are_refused)
{
	BED(b);

	each_field(b, refused_beyond);
}

/* Hostile records: each value can be, but not beside the others. */

static void fifo_bits_without_fifo(struct bed *b)
{
	b->vm.serial.fcr = UART_FCR_TRIGGER_14;
}

static void fifo_cleared_for_ever(struct bed *b)
{
	b->vm.serial.fcr |= UART_FCR_CLEAR_RCVR;
}

static void many_bytes_without_fifo(struct bed *b)
{
	b->vm.serial.fcr = 0;
}

static void input_held_back(struct bed *b)
{
	ring_get(&b->vm.serial.fifo);
}

static void update_in_progress(struct bed *b)
{
	b->vm.cmos.ram[0x0a] |= 0x80;
}

static void interrupt_flags(struct bed *b)
{
	b->vm.cmos.ram[0x0c] = 0x80;
}

static void battery_low(struct bed *b)
{
	b->vm.cmos.ram[0x0d] = 0;
}

static void time_in_memory(struct bed *b)
{
	b->vm.cmos.ram[0x32] = 0x20;
}

static void offset_beyond_time(struct bed *b)
{
	b->vm.cmos.offset_s = INT64_MAX;
}

static void offset_before_time(struct bed *b)
{
	b->vm.cmos.offset_s = INT64_MIN;
}

static void month_before_any(struct bed *b)
{
	b->vm.cmos.stopped.tm_mon = -2;
}

static void month_after_any(struct bed *b)
{
	b->vm.cmos.stopped.tm_mon = 255;
}

static void year_after_any(struct bed *b)
{
	b->vm.cmos.stopped.tm_year = INT32_MAX;
}

static void second_before_any(struct bed *b)
{
	b->vm.cmos.stopped.tm_sec = -1;
}

static void behind_the_item(struct bed *b)
{
	b->vm.fwcfg.at = 5;
}

static void inside_no_item(struct bed *b)
{
	b->vm.fwcfg.key = 0x1234;
}

static const struct {
	void (*sin)(struct bed *b);
	const char *text;
} sins[] = {
	{ fifo_bits_without_fifo, "serial: fcr is c0" },
	{ fifo_cleared_for_ever, "serial: fcr is c3" },
	{ many_bytes_without_fifo, "serial: 16 bytes in a FIFO of 1" },
	{ input_held_back, "serial: 5 bytes wait for a FIFO that has room" },
	{ update_in_progress, "cmos: register 0a is a6" },
	{ interrupt_flags, "cmos: register 0c is 80" },
	{ battery_low, "cmos: register 0d is 00" },
	{ time_in_memory, "cmos: register 32 is 20" },
	{ offset_beyond_time, "cmos: an offset of 9223372036854775807 seconds" },
	{ offset_before_time, "cmos: an offset of -9223372036854775808 seconds" },
	{ month_before_any, "cmos: month -2 of year 138, as" },
	{ month_after_any, "cmos: month 255 of year 138, as" },
	{ year_after_any, "cmos: month -1 of year 2147483647, as" },
	{ second_before_any, "cmos: stopped.tm_sec is 4294967295, at most 255 can be" },
	{ behind_the_item, "fwcfg: byte 5 of item 0000, which has 4" },
	{ inside_no_item, "fwcfg: byte 1 of item 1234, which has 0" },
};

TEST(platform, what_no_guest_can_bring_about_is_refused)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sins); i++) {
		BED(b);

		live(b);
		sins[i].sin(b);
		refused(b, sins[i].text);
	}
}

TEST(platform, a_record_is_neither_shorter_nor_longer)
{
	cleanup(buf_fini) struct buf record = { 0 };
	BED(a);

	live(a);
	T_OK(platform_save(&a->vm, &record));
	for (size_t len = 0; len <= record.len + 1; len++) {
		uint8_t *exact = calloc(1, len + 1);
		BED(b);

		T_NOT_NULL(exact);
		memcpy(exact + 1, record.p, MIN(len, record.len));
		T_EQ(load(b, exact + 1, len), len == record.len ? 0 : -EINVAL);
		free(exact);
	}
}

TEST(platform, without_memory_there_is_no_record_and_no_machine)
{
	cleanup(buf_fini) struct buf record = { 0 };
	int r = -ENOMEM;
	BED(a);

	live(a);
	for (long n = 0; r == -ENOMEM; n++) {
		buf_fini(&record);
		fault_arm(n);
		r = platform_save(&a->vm, &record);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
	}
	fault_disarm();
	for (long n = 0; n < N_DEVICES; n++) {
		BED(b);

		fault_arm(n);
		T_EQ(load(b, record.p, record.len), -ENOMEM);
		fault_disarm();
	}
}
