/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Confirmed commit: a new policy is on trial until the PDP is heard under it.
 *
 *	NONE --applied--> TRIAL --heard--> NONE
 *	                    |
 *	                 overdue: try the previous policy
 *	                    v
 *	                  PROBE --heard--> BACK   the new policy was the fault: stay, and say so
 *	                    |
 *	                 overdue: nobody is heard either way, so the new one returns, for good
 *	                    v
 *	                   NONE
 *
 * Each policy is on trial once, so whoever cuts the wire has the previous one in force for one window
 * and no longer. In BACK the refused policy is not taken again; the next one that is applied begins
 * its own trial. After a restart of the process on the same boot things go on where they were; a
 * reboot ends a probe, and the new policy returns.
 *
 * A pure machine: time is an argument (milliseconds, CLOCK_BOOTTIME), and each event returns what the
 * caller must do. A value; nothing to release.
 */
#ifndef COPSEC_PEP_ENFORCE_CONFIRM_H
#define COPSEC_PEP_ENFORCE_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

enum confirm_phase { CONFIRM_NONE, CONFIRM_TRIAL, CONFIRM_PROBE, CONFIRM_BACK, CONFIRM_PHASES };

enum confirm_action {
	CONFIRM_NOTHING,
	CONFIRM_FORGET,       /* the previous policy is not needed any more */
	CONFIRM_TRY_PREVIOUS, /* put it in force */
	CONFIRM_RETURN,       /* put the new one in force, and forget the previous one */
	CONFIRM_STAY,         /* report failure, and ask for full state */
};

struct confirm {
	enum confirm_phase phase;
	uint64_t window;   /* ms; 0: nothing is ever on trial */
	uint64_t deadline; /* of TRIAL and PROBE */
};

/* Another policy is in force; `may_return`: there is one to go back to, and nothing forbids it.
 * The answer, where it is CONFIRM_FORGET, is for what was kept before. */
enum confirm_action confirm_applied(struct confirm *c, bool may_return, uint64_t now);
/* Something came from the PDP that it can only have sent under the policy in force. */
enum confirm_action confirm_heard(struct confirm *c);
enum confirm_action confirm_tick(struct confirm *c, uint64_t now);
/* What was remembered, after a restart. */
enum confirm_action confirm_restarted(
	struct confirm *c, enum confirm_phase phase, uint64_t deadline, bool same_boot, uint64_t now);

#endif
