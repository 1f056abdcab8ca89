/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmos.c - MC146818 clock: host time plus the zone's offset; memory sizes for firmware
 *
 * DOC: Setting the clock
 *
 * There is no clock of our own that could be set: a guest that writes the time changes
 * the offset. While SET is on in register B the time stands still in `stopped`; when it
 * goes off, the difference to the host's clock becomes the offset. A field written
 * without SET goes the same way at once. Periodic, alarm and update interrupts are not
 * raised.
 *
 * The offset is saved: a guest that comes back finds the time of then, not of before,
 * unless it had stopped the clock.
 */
#include "kzhost/dev/cmos.h"

#define REG_SEC     0x00
#define REG_MIN     0x02
#define REG_HOUR    0x04
#define REG_WDAY    0x06
#define REG_MDAY    0x07
#define REG_MON     0x08
#define REG_YEAR    0x09
#define REG_A       0x0a
#define REG_B       0x0b
#define REG_C       0x0c
#define REG_D       0x0d
#define REG_CENTURY 0x32

#define A_UIP      0x80
#define A_DEFAULT  0x26
#define B_SET      0x80
#define B_BINARY   0x04
#define B_24H      0x02
#define D_VALID    0x80
#define HOUR_PM    0x80
#define UIP_NS     244000 /* the update cycle announces itself so long before it */
#define NS_PER_SEC 1000000000
#define OFFSET_MAX INT64_C(250000000000) /* some eight thousand years */
#define YEAR_MAX   30000                 /* what a century of one byte can say is less */
#define INDEX_BITS 0x7f /* the top bit masks NMIs, of which there are none */

static uint8_t encode(const struct cmos *c, int value)
{
	unsigned v = (unsigned)value % 100;

	return (uint8_t)(c->ram[REG_B] & B_BINARY ? v : v / 10 << 4 | v % 10);
}

static int decode(const struct cmos *c, uint8_t value)
{
	return c->ram[REG_B] & B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static uint8_t encode_hour(const struct cmos *c, int hour)
{
	if (c->ram[REG_B] & B_24H)
		return encode(c, hour);
	return encode(c, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct cmos *c, uint8_t value)
{
	if (c->ram[REG_B] & B_24H)
		return decode(c, value);
	return decode(c, value & (uint8_t)~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Guest time in whole seconds; the rest of the second in *ret_ns. */
static int64_t guest_now(const struct cmos *c, long *ret_ns)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ret_ns)
		*ret_ns = ts.tv_nsec;
	return ts.tv_sec + c->offset_s;
}

static void get_time(const struct cmos *c, struct tm *ret_tm)
{
	time_t now = guest_now(c, NULL);

	if (c->ram[REG_B] & B_SET || !gmtime_r(&now, ret_tm))
		*ret_tm = c->stopped;
}

/* A guest that writes without end must not get out of what gmtime_r() can say. */
static void set_offset(struct cmos *c, int64_t offset_s)
{
	c->offset_s = MAX(-OFFSET_MAX, MIN(OFFSET_MAX, offset_s));
}

static void set_time(struct cmos *c, const struct tm *tm)
{
	struct tm copy = *tm;

	c->stopped = *tm;
	if (!(c->ram[REG_B] & B_SET))
		set_offset(c, c->offset_s + timegm(&copy) - guest_now(c, NULL));
}

static uint8_t read_time(const struct cmos *c)
{
	struct tm tm;

	get_time(c, &tm);
	switch (c->index) {
	case REG_SEC:
		return encode(c, tm.tm_sec);
	case REG_MIN:
		return encode(c, tm.tm_min);
	case REG_HOUR:
		return encode_hour(c, tm.tm_hour);
	case REG_WDAY:
		return encode(c, tm.tm_wday + 1);
	case REG_MDAY:
		return encode(c, tm.tm_mday);
	case REG_MON:
		return encode(c, tm.tm_mon + 1);
	case REG_YEAR:
		return encode(c, (tm.tm_year + 1900) % 100);
	default: /* REG_CENTURY */
		return encode(c, (tm.tm_year + 1900) / 100);
	}
}

static void write_time(struct cmos *c, uint8_t value)
{
	int v = decode(c, value);
	struct tm tm;
	int year; /* of which a write changes one half: it cannot grow without end */

	get_time(c, &tm);
	year = tm.tm_year + 1900;
	switch (c->index) {
	case REG_SEC:
		tm.tm_sec = v;
		break;
	case REG_MIN:
		tm.tm_min = v;
		break;
	case REG_HOUR:
		tm.tm_hour = decode_hour(c, value);
		break;
	case REG_MDAY:
		tm.tm_mday = v;
		break;
	case REG_MON:
		tm.tm_mon = v - 1;
		break;
	case REG_YEAR:
		tm.tm_year = year / 100 * 100 + v % 100 - 1900;
		break;
	case REG_CENTURY:
		tm.tm_year = v * 100 + year % 100 - 1900;
		break;
	default: /* the day of the week follows from the date */
		return;
	}
	set_time(c, &tm);
}

static bool is_time(uint8_t index)
{
	switch (index) {
	case REG_SEC:
	case REG_MIN:
	case REG_HOUR:
	case REG_WDAY:
	case REG_MDAY:
	case REG_MON:
	case REG_YEAR:
	case REG_CENTURY:
		return true;
	default:
		return false;
	}
}

/* Is the register memory, which a guest may write as it likes? */
static bool is_memory(uint8_t index)
{
	return !is_time(index) && index != REG_C && index != REG_D;
}

static uint8_t read_status_a(const struct cmos *c)
{
	long ns;

	guest_now(c, &ns);
	if (!(c->ram[REG_B] & B_SET) && ns >= NS_PER_SEC - UIP_NS)
		return c->ram[REG_A] | A_UIP;
	return c->ram[REG_A];
}

static void write_status_b(struct cmos *c, uint8_t value)
{
	struct tm tm;

	get_time(c, &tm);
	if ((value ^ c->ram[REG_B]) & B_SET) {
		c->ram[REG_B] = value;
		set_time(c, &tm);
	}
	c->ram[REG_B] = value;
}

static uint64_t cmos_read(void *dev, uint64_t offset, unsigned size)
{
	struct cmos *c = dev;
	uint8_t value;

	if (offset == 0)
		return 0xff; /* the index can only be written */
	pthread_mutex_lock(&c->lock);
	if (is_time(c->index))
		value = read_time(c);
	else if (c->index == REG_A)
		value = read_status_a(c);
	else
		value = c->ram[c->index];
	pthread_mutex_unlock(&c->lock);
	return value;
}

static void cmos_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct cmos *c = dev;
	uint8_t v = (uint8_t)value;

	pthread_mutex_lock(&c->lock);
	if (offset == 0)
		c->index = v & INDEX_BITS;
	else if (is_time(c->index))
		write_time(c, v);
	else if (c->index == REG_A)
		c->ram[REG_A] = v & (uint8_t)~A_UIP;
	else if (c->index == REG_B)
		write_status_b(c, v);
	else if (is_memory(c->index))
		c->ram[c->index] = v;
	pthread_mutex_unlock(&c->lock);
}

const struct bus_ops cmos_ops = {
	.widths = BUS_W1,
	.read = cmos_read,
	.write = cmos_write,
};

/* What firmware reads instead of a memory map: sizes in units, as many as fit. */
static void set_memory(struct cmos *c, unsigned at, unsigned n_bytes, uint64_t units)
{
	uint64_t most = (UINT64_C(1) << n_bytes * 8) - 1;

	units = MIN(units, most);
	for (unsigned i = 0; i < n_bytes; i++)
		c->ram[at + i] = (uint8_t)(units >> i * 8);
}

void cmos_init(struct cmos *c, int64_t offset_s, uint64_t low, uint64_t high,
	       unsigned n_vcpus)
{
	uint64_t ext = low > MIB ? low - MIB : 0;
	uint64_t ext16 = low > 16 * MIB ? low - 16 * MIB : 0;

	pthread_mutex_init(&c->lock, NULL);
	set_offset(c, offset_s);
	c->stopped.tm_mday = 1;
	c->stopped.tm_year = 70;
	c->ram[REG_A] = A_DEFAULT;
	c->ram[REG_B] = B_24H;
	c->ram[REG_D] = D_VALID;
	set_memory(c, 0x15, 2, 640);
	set_memory(c, 0x17, 2, ext / KIB);
	set_memory(c, 0x30, 2, ext / KIB);
	set_memory(c, 0x34, 2, ext16 / (64 * KIB));
	set_memory(c, 0x5b, 3, high / (64 * KIB));
	c->ram[0x5f] = (uint8_t)(n_vcpus - 1);
}

void cmos_fini(struct cmos *c)
{
	pthread_mutex_destroy(&c->lock);
}

int64_t cmos_offset(struct cmos *c)
{
	int64_t offset;

	pthread_mutex_lock(&c->lock);
	offset = c->offset_s;
	pthread_mutex_unlock(&c->lock);
	return offset;
}

/* Saving and loading. */

static const struct state_field fields[] = {
	STATE_FIELD_BITS(struct cmos, index, 1, INDEX_BITS),
	STATE_ARRAY(struct cmos, ram, 1),
	STATE_FIELD(struct cmos, offset_s, 1),
	/* As the guest wrote them: what decode() gives, and a month less one. */
	STATE_FIELD_MAX(struct cmos, stopped.tm_sec, 1, UINT8_MAX),
	STATE_FIELD_MAX(struct cmos, stopped.tm_min, 1, UINT8_MAX),
	STATE_FIELD_MAX(struct cmos, stopped.tm_hour, 1, UINT8_MAX),
	STATE_FIELD_MAX(struct cmos, stopped.tm_mday, 1, UINT8_MAX),
	STATE_FIELD(struct cmos, stopped.tm_mon, 1),
	STATE_FIELD(struct cmos, stopped.tm_year, 1),
	STATE_FIELD_MAX(struct cmos, stopped.tm_wday, 1, 6),
};

static const struct state_rest rest[] = {
	STATE_REST(struct cmos, lock),
	STATE_REST(struct cmos, stopped.tm_yday), /* nobody reads these */
	STATE_REST(struct cmos, stopped.tm_isdst),
	STATE_REST(struct cmos, stopped.tm_gmtoff),
	STATE_REST(struct cmos, stopped.tm_zone),
};

static bool is_between(int64_t v, int64_t least, int64_t most)
{
	return v >= least && v <= most;
}

static int check(const void *in, const void *now, struct errmsg *e)
{
	const struct cmos *c = in, *made = now;

	for (unsigned i = 0; i < sizeof(c->ram); i++) {
		uint8_t differ = c->ram[i] ^ made->ram[i];

		if (i == REG_A ? differ & A_UIP : differ && !is_memory((uint8_t)i))
			return errmsg_set(e, -EINVAL, "register %02x is %02x", i,
					  c->ram[i]);
	}
	if (!is_between(c->offset_s, -OFFSET_MAX, OFFSET_MAX))
		return errmsg_set(e, -EINVAL, "an offset of %lld seconds",
				  (long long)c->offset_s);
	if (!is_between(c->stopped.tm_mon, -1, UINT8_MAX - 1) ||
	    !is_between(c->stopped.tm_year, -YEAR_MAX, YEAR_MAX))
		return errmsg_set(e, -EINVAL,
				  "month %d of year %d, as struct tm has them",
				  c->stopped.tm_mon, c->stopped.tm_year);
	return 0;
}

const struct state_table cmos_table = {
	.name = "cmos",
	.size = sizeof(struct cmos),
	STATE_FIELDS(fields),
	STATE_RESTS(rest),
	.check = check,
};
