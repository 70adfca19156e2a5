/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a node can do what a policy set asks for: better refused as a whole, with words for what
 * is missing, than in force with protections that can never come to be.
 */
#ifndef COPSEC_PIB_FRAMEWORK_NEEDS_H
#define COPSEC_PIB_FRAMEWORK_NEEDS_H

#include "pib/framework/capabilities.h"

/*
 * `rows`: a set that passed its checks. E_UNSUPPORTED with a failure (CPERR 4, with the attribute)
 * for each transform that needs an algorithm which is not among these.
 */
enum err needs_check(const struct pri_store *rows, const struct capability_algorithms *has,
	struct pri_failures *failures, struct error *e) MUST_USE;

/* Names of the algorithms of one type that a node can use in ESP: "a, b"; "none". Appends. */
void needs_names(
	const struct capability_algorithms *has, int32_t type, struct buffer *out);

#endif
