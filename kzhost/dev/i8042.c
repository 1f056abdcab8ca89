/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * i8042.c - keyboard controller without a keyboard: the guest's way to reset the machine
 *
 * DOC: A status that saves time
 *
 * The output buffer always reads full, the input buffer always empty. A driver that looks
 * for a keyboard drains the buffer, sees that it never ends, and concludes at once that
 * there is no controller; answering "empty" would make it wait half a second for the
 * reply to its first command. A guest that wants to reset waits for the input buffer to
 * be empty: it is.
 */
#include "kzhost/dev/i8042.h"

#include "common/proto/machine.h"

#define STATUS_OUT_FULL 0x01

static uint64_t i8042_read(void *dev, uint64_t offset, unsigned size)
{
	return STATUS_OUT_FULL;
}

static void i8042_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct i8042 *k = dev;

	if (value == KZ_I8042_RESET)
		k->env.event(k->env.arg, VM_EV_RESET, "the guest reset itself (i8042)");
}

const struct bus_ops i8042_ops = {
	.widths = BUS_W1,
	.read = i8042_read,
	.write = i8042_write,
};

void i8042_init(struct i8042 *k, const struct dev_env *env)
{
	k->env = *env;
}

static const struct state_rest rest[] = {
	STATE_REST(struct i8042, env),
};

const struct state_table i8042_table = {
	.name = "i8042",
	.size = sizeof(struct i8042),
	STATE_RESTS(rest),
};
