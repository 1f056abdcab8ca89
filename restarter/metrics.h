/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics.h - what a monitoring system wants to know, in Prometheus' text format
 */
#ifndef KZ_RESTARTER_METRICS_H
#define KZ_RESTARTER_METRICS_H

#include "common/base/buf.h"
#include "restarter/shell.h"

/* Appends all of them; @out's sticky error says -ENOMEM. */
void metrics_add(struct buf *out, const struct shell *sh);

#endif
