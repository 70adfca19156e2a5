/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SPD entries as the kernel's XFRM messages. Ours are those for any addresses whose template has a
 * reqid of ours, and the blocking ones of our last priority.
 */
#ifndef COPSEC_PEP_KERNEL_XFRM_H
#define COPSEC_PEP_KERNEL_XFRM_H

#include "pep/kernel/messages.h"

/* `replace`: there is one for these packets already. */
void xfrm_add(struct requests *r, const struct plan_spd *entry, bool replace);
void xfrm_delete(struct requests *r, const struct plan_spd *entry);
void xfrm_dump(struct requests *r);

/* E_NOT_FOUND: an entry that is not ours, or no entry at all. The entry borrows nothing. */
enum err xfrm_read(const struct nlmsghdr *message, struct plan_spd *ret) MUST_USE;

/* For the same packets: the kernel holds one of them. */
bool xfrm_same_packets(const struct plan_spd *a, const struct plan_spd *b);
/* The same in all that the kernel keeps. */
bool xfrm_equal(const struct plan_spd *a, const struct plan_spd *b);

#endif
