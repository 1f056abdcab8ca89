/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paging.h - page tables beyond the 4 GiB that entry.S brings
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

/* Return: end of image and page tables; what is mapped behind it is free */
uint64_t paging_image_end(void);

/* Return: whether @gpa is mapped */
_Bool paging_is_mapped(uint64_t gpa);

#endif
