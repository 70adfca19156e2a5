/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all authorities say where one of home's sets holds, case by case.
 *
 * Home's set is the first layer, and every set of another authority whose pattern of roles fits is
 * one more (pib/policy/layers.h). Each has its own cases (cases.h), independent of the others': so
 * all combinations are gone through, up to a limit.
 */
#ifndef COPSEC_PMT_REASONING_SAYINGS_H
#define COPSEC_PMT_REASONING_SAYINGS_H

#include "pib/policy/layers.h"
#include "pmt/compiler/cases.h"

enum { SAYINGS_CASES_MAX = 4096 }; /* combinations at one place */

/* Home, or another authority. */
struct sayer {
	struct reading *reading;
	const char *authority;
};

struct saying {
	size_t sayer;
	struct reading_set *set;
	const struct circumstances *cases;
	size_t case_count, at;
};

struct sayings {
	const struct sayer *sayers;
	struct saying list[POLICY_LAYERS_MAX];
	size_t count;
	bool begun;
	/* Of the combination at hand, as many as `count`. */
	struct policy_layer layers[POLICY_LAYERS_MAX];
};

/* sayers[0] is home's, whose set it is. E_LIMIT: too many sets or combinations. */
enum err sayings_begin(struct sayings *s, const struct sayer *sayers, size_t count,
	struct reading_set *home, struct error *e) MUST_USE;
/* *ret_more: there is a combination at hand, else all have been there. */
enum err sayings_next(struct sayings *s, bool *ret_more, struct error *e) MUST_USE;
/* In which one of them is so at the moment. */
const struct circumstances *saying_when(const struct saying *saying);

/* The rule that decides the flow now, as policy_decide() says; the pointers in it live as long as
 * `rules`, of POLICY_LAYERS_MAX. */
struct policy_decision sayings_decide(const struct sayings *s, const struct flow *flow,
	const struct policy_rule *rules[POLICY_LAYERS_MAX]);

#endif
