/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SAs as the kernel's XFRM messages say them (RFC 4301 section 4.4.2): who with whom, by which
 * algorithms, how much they have carried and when they end. The kernel tells their keys with them;
 * these are never read, and wiped with the answer. Inside of pep/kernel.
 */
#ifndef COPSEC_PEP_KERNEL_SAD_H
#define COPSEC_PEP_KERNEL_SAD_H

#include "pep/kernel/exchange.h"

void sad_dump(struct requests *r);
/* E_NOT_FOUND: the message is no SA. */
enum err sad_read_one(const struct nlmsghdr *message, struct kernel_sa *ret) MUST_USE;
enum err sad_read(struct exchange *x, struct kernel_sas *ret, struct error *error) MUST_USE;

#endif
