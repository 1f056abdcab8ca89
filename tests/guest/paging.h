/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paging.h - page tables beyond the 4 GiB that entry.S brings, memory taken for good
 */
#ifndef GUEST_PAGING_H
#define GUEST_PAGING_H

#include <stdint.h>

/**
 * paging_map_high() - Map all RAM above 4 GiB, identity, for user
 *
 * Tables are taken from the memory behind the image. RAM from 512 GiB on, and what no
 * table can be had for, is left out.
 */
void paging_map_high(void);

/**
 * paging_map_device() - Map device memory, identity, for user, uncached
 * @gpa:	Guest physical address
 * @bytes:	How much; a whole GiB is mapped around it
 *
 * Below 4 GiB everything is mapped already.
 *
 * Return: false beyond 512 GiB, or without memory for a table
 */
_Bool paging_map_device(uint64_t gpa, uint64_t bytes);

/**
 * paging_alloc() - Take memory for good from behind the image
 * @bytes:	How much; rounded up to whole pages
 *
 * What has been taken is not "free memory" to `mem`.
 *
 * Return: zeroed pages, or NULL when RAM ends there
 */
void *paging_alloc(uint64_t bytes);

/* Return: end of image, page tables and memory taken; what is mapped behind it is free */
uint64_t paging_image_end(void);

/* Return: whether @gpa is mapped */
_Bool paging_is_mapped(uint64_t gpa);

#endif
