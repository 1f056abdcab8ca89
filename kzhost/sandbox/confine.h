/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confine.h - what of the host a kzhost leaves behind before it takes its filters
 *
 * DOC: In which order
 *
 * The environment is wiped and limits are set, which needs rights that go later:
 * capabilities, new privileges and system calls, in sandbox_enter(). A step that fails
 * ends the process: a zone runs confined, or not.
 */
#ifndef KZ_SANDBOX_CONFINE_H
#define KZ_SANDBOX_CONFINE_H

#include "common/base/err.h"

/**
 * confine_process() - Leave the host behind; call it once, before any other thread
 *
 * Return: 0, or -errno with a text that names the step
 */
int confine_process(struct errmsg *e);

#endif
