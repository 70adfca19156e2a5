/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What stays when somebody flushes the packet filter: a small table of its own (plan_guard) that
 * drops what lacks the mark "passed", that is, what the table with the policy has not seen. It
 * belongs to the socket that made it: the kernel lets nobody else change or delete it, a flush of
 * the ruleset passes it by, and it goes when the guard is closed, or its process dies. So whoever
 * holds it should do little else.
 */
#ifndef COPSEC_PEP_KERNEL_GUARD_H
#define COPSEC_PEP_KERNEL_GUARD_H

#include "pep/kernel/kernel.h"

struct guard;

/* In the network namespace of the calling thread. E_SYSTEM: the kernel refuses; before Linux 5.12
 * it knows no tables with an owner, and it has one owner at a time. */
enum err guard_open(uint32_t mark_mask, struct guard **ret, struct error *error) MUST_USE;
/* With another mask; on failure it stays as it is. */
enum err guard_change(struct guard *guard, uint32_t mark_mask, struct error *error) MUST_USE;
struct guard *guard_close(struct guard *guard); /* takes NULL, returns NULL */

#endif
