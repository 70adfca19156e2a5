/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bundle as a policy again: compiled after that bundle it gives the same sets, octet by octet. That
 * is tried before anything is given out.
 *
 * A set knows rules, selectors and protections, but not the names of networks, nor for which roles
 * a rule was written: a rule gets all roles whose sets have it, in an order that all sets agree on.
 * Addresses stand as such; services get names made of their ports. Tests and statements are not in
 * a bundle. Where short words do not say all of it, the sets are written row by row, with their
 * numbers. So is always the set for what passes a guardian, in which its wards' rules have become its
 * own.
 *
 * What no policy could have been compiled to is refused with the set: nothing is left out.
 */
#ifndef COPSEC_PMT_CONVERT_CONVERT_H
#define COPSEC_PMT_CONVERT_CONVERT_H

#include "pib/set/bundle.h"

enum { CONVERT_RULES_MAX = 65536 };

/* Appends the policy. */
enum err convert(const struct bundle *b, struct buffer *out, struct error *e) MUST_USE;

#endif
