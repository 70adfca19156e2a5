/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a rule counts, as PRIs: time periods and offers.
 *
 * The periods of a schedule all bear its name. UNIQUENESS looks at a period without what COPSEC-PIB
 * adds, so one that differs from another in name, zone or days from the end alone says something
 * that it leaves open in another way (all months instead of none in particular).
 */
#ifndef COPSEC_PMT_COMPILER_CONDITIONS_H
#define COPSEC_PMT_COMPILER_CONDITIONS_H

#include "pmt/compiler/rows.h"
#include "pmt/language/model.h"

/* The TagId of the schedule's periods; 0 for NULL. */
uint32_t conditions_schedule(struct rows *r, const struct model_schedule *schedule);
/* The InstanceId of the offer; 0 for NULL. */
uint32_t conditions_offer(struct rows *r, const struct model_offer *offer);

#endif
