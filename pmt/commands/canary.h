/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes of a policy that some nodes try: whether to go on waiting, to give it to all, or to
 * take it back. Pure: it is told the time and how it stands with the nodes.
 *
 * The hold begins when each node that tries and is there has reported. It is taken back as soon as
 * one refuses it or falls silent, when one has not reported in time, and at the end of the hold if
 * one that was there is gone (it may be the policy that keeps it away), or if nobody has it.
 */
#ifndef COPSEC_PMT_COMMANDS_CANARY_H
#define COPSEC_PMT_COMMANDS_CANARY_H

#include "pmt/commands/standing.h"

struct canary {
	uint64_t hold_ms, report_ms; /* how long to hold it, and to wait for reports */
	uint64_t begun;              /* monotonic, ms, as all times here */
	bool holding;
	uint64_t held_since;
};

enum canary_verdict { CANARY_WAIT, CANARY_PROMOTE, CANARY_BACK };

/* `t` is whole. *ret_until is when to ask again if nothing changes; why is set with CANARY_BACK. */
enum canary_verdict canary_judge(struct canary *c, const struct standing_table *t, uint64_t now,
	uint64_t *ret_until, struct error *why);

#endif
