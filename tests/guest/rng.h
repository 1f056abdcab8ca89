/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rng.h - virtio entropy driver, and the command `rng`
 */
#ifndef GUEST_RNG_H
#define GUEST_RNG_H

/* Runs `rng ARGS`. */
void rng_command(char *args);

#endif
