/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmri.h - which instances an operator's word means
 */
#ifndef KZ_CLI_FMRI_H
#define KZ_CLI_FMRI_H

#include "common/base/base.h"

/**
 * fmri_matches() - Does a word mean this instance?
 * @word:	A whole FMRI (svc:/ or svc://localhost/), the last parts of one
 * ("zone:web", "zones/zone"), the instance's name alone, or a pattern with * ? [ over any
 * of these
 */
bool fmri_matches(const char *word, const char *fmri);

#endif
