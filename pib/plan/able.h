/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this version cannot enforce: the one place that says so.
 *
 * A policy lists what it needs (pib/policy/needs.h). What stands in able.c's table is refused, by
 * PRI and attribute, before anything is planned; what does not stand there, plan_build() and the
 * enforcer do. So a row goes from the table in the commit that makes it true.
 */
#ifndef COPSEC_PIB_PLAN_ABLE_H
#define COPSEC_PIB_PLAN_ABLE_H

#include "pib/policy/policy.h"

/* Refuses all at once: each need with its PRI is in `failures`, the first one in `error`. Returns
 * its code (E_UNSUPPORTED), or E_OK. plan_build() refuses the same policies. */
enum err plan_check(
	const struct policy *policy, struct pri_failures *failures, struct error *error) MUST_USE;

/* The first need that is refused, with its sentence in `error`; NULL: none. */
const struct policy_need *plan_unable(const struct policy *policy, struct error *error);

/* What it is that is refused, as in "a time of validity"; NULL: the attribute of this class is not. */
const char *plan_unable_what(enum pib_class_id class, unsigned attribute);

/* May a policy set hold instances of this class, and may the attribute have another value than its
 * default? What a node says that it supports. */
bool plan_supports(enum pib_class_id class);
bool plan_supports_attribute(enum pib_class_id class, unsigned attribute);

#endif
