/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sets in force as `pepctl policy` lists them: whose they are, serial, time, roles, and their rules
 * in order, each as a line of text, with what of it all counts at the moment and why the rest does not.
 *
 * It reads the signed sets, not the plan: what authorities come to together is said by the plan. Keys
 * and other secrets of a set are never in it.
 */
#ifndef COPSEC_PEP_ENFORCE_LISTING_H
#define COPSEC_PEP_ENFORCE_LISTING_H

#include <jansson.h>

#include "pib/policy/periods.h"
#include "pib/set/state.h"

enum { LISTING_TEXT_MAX = 8 * 1024 * 1024 }; /* octets of rules; further ones are counted only */

struct listing_terms {
	uint64_t now_utc;
	struct policy_moment moment; /* for rules with times of their own */
	const char *set; /* the name of the only ones that are wanted; NULL: all */
};

/* *ret_sets is a new array. E_NOT_FOUND: there is no set of that name. No state: no sets. */
enum err listing_of_sets(const struct state *s, const struct listing_terms *terms,
                         json_t **ret_sets, struct error *e) MUST_USE;

#endif
