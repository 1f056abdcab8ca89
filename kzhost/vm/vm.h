/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.h - one virtual machine: memory, vCPUs, devices, from creation to the last thread
 *
 * DOC: Threads
 *
 * The main thread owns struct vm and makes every call below. vCPU threads run guest code
 * and device emulation; what they have to tell the main thread goes through a small
 * mailbox (events, console output) and one eventfd. No callback ever runs on a vCPU
 * thread. Nothing here opens a path: all descriptors come in with struct vm_config.
 */
#ifndef KZ_VM_VM_H
#define KZ_VM_VM_H

#include "common/base/err.h"

#include <sys/types.h>

struct vblk_config; /* kzhost/dev/vblk.h */
struct vm;

struct vm_config {
	uint64_t ram_bytes; /* multiple of 2 MiB */
	unsigned n_vcpus;
	const char *cmdline;  /* borrowed for vm_create() */
	int64_t tod_offset_s; /* guest clock minus host clock */
	int kvm_fd;           /* /dev/kvm; borrowed for vm_create() */
	int kernel_fd;        /* -1 = none; borrowed for vm_create() */
	int initrd_fd;        /* the same */
	int firmware_fd;      /* the same; a kernel or firmware, one of the two */
	int (*thread_init)(
		void); /* run first on every vCPU thread (its seccomp filter); 0 or
			* -errno, which ends the machine with VM_EV_FAULT */
	int (*slow_init)(void); /* the same for the thread of slow devices */
	int (*fill_init)(void); /* the thread that fills RAM; what fails is not filled */
	/* Closes KVM's machine, which takes the kernel long, for vm_free(); NULL =
	 * close(2). */
	void (*close_vm)(void *arg, int fd);
	void *close_arg;
};

enum vm_event_type {
	VM_EV_POWEROFF, /* the guest switched itself off */
	VM_EV_RESET,    /* the guest reset itself; vCPUs are stopped */
	VM_EV_PANIC,    /* pvpanic; vCPUs are held */
	VM_EV_FAULT,    /* KVM or a thread of ours could not go on */
	VM_EV_DEVICE,   /* a driver in the guest broke the rules; all goes on */
};

struct vm_event {
	enum vm_event_type type;
	char text[256]; /* what exactly, for people */
};

struct vm_stats {
	uint64_t ram_bytes;
	uint64_t resident_bytes;
	uint64_t exits;
	uint64_t console_bytes;
	uint64_t console_lost;
	uint64_t guest_errors; /* of drivers of virtio devices */
	uint64_t disk_errors;  /* requests that failed for the host's reasons */
	unsigned n_disks, n_page_cache, n_read_only; /* see struct vblk_stats */
	const char *disk_engine;                     /* NULL: there are no disks */
};

/**
 * vm_create() - Build the machine and load its kernel; nothing runs yet
 *
 * RAM is a memfd, locked on fault. The kernel is a PVH ELF or a bzImage (64-bit boot
 * protocol); firmware is a PC BIOS, which boots from the machine's disks. The texts of
 * failures name what was asked, what was found and what is allowed.
 *
 * Return: 0, -ENOMEM (asked and available amounts in the text), -ENOEXEC (kernel neither
 * ELF nor bzImage, truncated, or does not fit), -EINVAL, or what KVM gave
 */
int vm_create(const struct vm_config *config, struct vm **ret_vm, struct errmsg *e);

/**
 * vm_add_disk() - Give the machine a disk, before vm_start()
 * @config:	Its descriptors are the machine's from here on, also on failure
 *
 * Return: 0, -EBUSY (there is a device in the id's slot), -EINVAL, -ENOMEM or what the
 * disk's engine gave; the text says which
 */
int vm_add_disk(struct vm *vm, const struct vblk_config *config, struct errmsg *e);

/**
 * vm_boot_order() - Say from which disks firmware shall boot, before vm_start(), once
 * @slot:	Their PCI slots, in the order in which they are tried
 *
 * Return: 0 or -ENOMEM
 */
int vm_boot_order(struct vm *vm, const unsigned *slot, unsigned n);

/* Starts the vCPU threads, those of the devices and the one that fills RAM. 0 or -errno.
 */
int vm_start(struct vm *vm, struct errmsg *e);

/* Readable when vm_take_event(), vm_console_read() or vm_port_read() have something.
 * Owned by vm. */
int vm_event_fd(const struct vm *vm);

/*
 * Next event: true, or false when there is none; then the eventfd is clear. Read the
 * console after that, until it gives 0 or again a moment later: only a byte that comes
 * after it gave 0 wakes, and one that makes it half full.
 */
bool vm_take_event(struct vm *vm, struct vm_event *ret_event);

/* A zone's console is two devices. */
enum vm_console {
	VM_CONSOLE_SERIAL,
	VM_CONSOLE_HVC,
	VM_CONSOLE_N,
};

/* Bytes the guest wrote to its console by one of them; 0 = none. */
size_t vm_console_read(struct vm *vm, enum vm_console from, void *data, size_t size);

/* Bytes for the guest's console, where it listens (ports.h); returns how many fitted.
 * Room again makes event_fd ready. */
size_t vm_console_write(struct vm *vm, const void *data, size_t len);

/* Named ports of the console device. */
enum vm_port {
	VM_PORT_AGENT, /* org.qemu.guest_agent.0 */
	VM_PORT_GOALS, /* org.kzones.goals */
	VM_PORT_N
};

/* Bytes the guest wrote to a port; 0 = none. Read as the console is; what is not read is
 * dropped, the oldest first. */
size_t vm_port_read(struct vm *vm, enum vm_port port, void *data, size_t size);

/* A message to a port, all or nothing. False: there is no room, or the guest does not
 * have the port open. */
bool vm_port_write(struct vm *vm, enum vm_port port, const void *data, size_t len);

/* Does the guest have the port open? A change makes event_fd ready. */
bool vm_port_is_open(struct vm *vm, enum vm_port port);

/* Presses the power button (KZ_GED_POWER). */
void vm_power_button(struct vm *vm);

/* Stops and joins every thread but the filler, which vm_free() joins; never waits for the
 * guest. May be called at any time. */
void vm_stop(struct vm *vm);

void vm_stats(struct vm *vm, struct vm_stats *ret_stats);

/* vm_stop() and release everything. NULL is fine. */
void vm_free(struct vm *vm);
DEFINE_FREEP(struct vm, vm_free)

#endif
