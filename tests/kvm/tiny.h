/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tiny.h - guests of a few instructions, for one property of the machine each
 *
 * Their code is in guests.S; TINY(name) declares one.
 */
#ifndef KZ_TESTS_KVM_TINY_H
#define KZ_TESTS_KVM_TINY_H

#include "kzhost/vm/vm.h"
#include "tests/harness/harness.h"

#define TINY_BASE 0x100000

#define TINY(name) extern const uint8_t tiny_##name[], tiny_##name##_end[]

struct tiny {
	struct vm *vm;
	char console[4096]; /* what the guest wrote so far */
	size_t len;
	unsigned mistakes; /* VM_EV_DEVICE events so far: they end nothing */
};

/* A default machine with this code as its kernel; skips the test without /dev/kvm. */
struct vm_config tiny_config(const uint8_t *code, const uint8_t *end);
void tiny_config_done(struct vm_config *c);

/* Creates and starts; the configuration is done with. */
void tiny_run(struct tiny *t, struct vm_config *c);
#define TINY_RUN(t, name) \
	do { \
		struct vm_config c_ = tiny_config(tiny_##name, tiny_##name##_end); \
		tiny_run((t), &c_); \
	} while (0)

/* Waits for the event; console output is collected meanwhile. */
void tiny_expect_event(struct tiny *t, enum vm_event_type type);
/* Waits until the console holds this text. */
void tiny_expect_console(struct tiny *t, const char *text);
void tiny_type(struct tiny *t, const char *text);
void tiny_free(struct tiny *t);

#endif
