/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports.c - which device a byte of the console comes from or goes to
 */
#include "kzhost/vm/ports.h"

#include "kzhost/dev/vcon.h"
#include "kzhost/vm/machine.h"

static const enum vcon_port_id port_ids[VM_PORT_N] = {
	[VM_PORT_AGENT] = VCON_AGENT,
	[VM_PORT_GOALS] = VCON_GOALS,
};

size_t vm_console_read(struct vm *vm, enum vm_console from, void *data, size_t size)
{
	size_t n;

	if (from == VM_CONSOLE_SERIAL)
		return serial_read_out(&vm->serial, data, size);
	n = vcon_read(vm->con, VCON_CONSOLE, data, size);
	if (n > 0 && !serial_listens(&vm->serial))
		vm->input_to_hvc = true;
	return n;
}

size_t vm_console_write(struct vm *vm, const void *data, size_t len)
{
	if (serial_listens(&vm->serial) || !vcon_is_open(vm->con, VCON_CONSOLE))
		vm->input_to_hvc = false;
	return vm->input_to_hvc ? vcon_write(vm->con, VCON_CONSOLE, data, len)
				: serial_write_in(&vm->serial, data, len);
}

size_t vm_port_read(struct vm *vm, enum vm_port port, void *data, size_t size)
{
	return vcon_read(vm->con, port_ids[port], data, size);
}

bool vm_port_write(struct vm *vm, enum vm_port port, const void *data, size_t len)
{
	return vcon_write(vm->con, port_ids[port], data, len) == len;
}

bool vm_port_is_open(struct vm *vm, enum vm_port port)
{
	return vcon_is_open(vm->con, port_ids[port]);
}

void ports_console_counts(struct vm *vm, uint64_t *ret_bytes, uint64_t *ret_lost)
{
	uint64_t bytes, lost;

	serial_counts(&vm->serial, ret_bytes, ret_lost);
	vcon_counts(vm->con, VCON_CONSOLE, &bytes, &lost);
	*ret_bytes += bytes;
	*ret_lost += lost;
}
