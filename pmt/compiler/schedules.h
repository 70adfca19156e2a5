/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Schedules that are over, or that never come: rules for them wait in vain. Looked at day by day
 * over as many years as it takes for every date to have been every weekday; zones shift a moment,
 * but hardly a schedule that never comes.
 */
#ifndef COPSEC_PMT_COMPILER_SCHEDULES_H
#define COPSEC_PMT_COMPILER_SCHEDULES_H

#include "pmt/language/model.h"

/* `now` in seconds since 1970; warnings go to `d`, at the schedule. */
void schedules_find(const struct model *m, uint64_t now, struct diagnostics *d);

#endif
