/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aml.h - ACPI machine language, the few terms that our tables need
 *
 * Appends to a struct buf, whose sticky error stands for all. A block (device, method, …)
 * is opened by one function and closed by aml_end() with what the opening returned; what
 * is appended in between is inside.
 */
#ifndef KZ_VM_AML_H
#define KZ_VM_AML_H

#include "common/base/buf.h"

/* Names are paths of four-letter segments: "_CRS", "\\_SB_", "\\_SB_.PWRB". */
void aml_path(struct buf *b, const char *path);
void aml_int(struct buf *b, uint64_t value);
void aml_string(struct buf *b, const char *s);
/* "PNP0501" as the number it stands for. */
void aml_eisa_id(struct buf *b, const char *id);

/* Name (path, …): the value is appended next. */
void aml_name(struct buf *b, const char *path);

size_t aml_scope(struct buf *b, const char *path);
size_t aml_device(struct buf *b, const char *path);
size_t aml_method(struct buf *b, const char *path, unsigned n_args);
/* If: the predicate is appended first, then what is done. */
size_t aml_if(struct buf *b);
size_t aml_package(struct buf *b, unsigned n_elements);
void aml_end(struct buf *b, size_t block);

/* A region of I/O ports with one field of 32 bits over its first four. */
void aml_port_field(struct buf *b, const char *region, const char *field, uint16_t port);

/* Resources, between aml_resources() and aml_resources_end(). */
size_t aml_resources(struct buf *b);
void aml_io(struct buf *b, uint16_t port, uint8_t len);
/* What a bridge passes on: bus numbers, memory below 4 GiB (not cached) and above. */
void aml_bus_range(struct buf *b, uint8_t first, uint8_t last);
void aml_window32(struct buf *b, uint32_t base, uint32_t size);
void aml_window64(struct buf *b, uint64_t base, uint64_t size);
/* Memory that the device itself takes. */
void aml_memory32(struct buf *b, uint32_t base, uint32_t size);
void aml_isa_irq(struct buf *b, unsigned irq);
void aml_edge_interrupt(struct buf *b, uint32_t gsi);
void aml_resources_end(struct buf *b, size_t block);

/* Operators; operands follow in order. */
#define AML_STORE  0x70 /* value, target */
#define AML_AND    0x7b /* value, value, target (aml_int 0: none) */
#define AML_NOTIFY 0x86 /* object, value */
#define AML_LOCAL0 0x60
void aml_op(struct buf *b, uint8_t op);

#endif
