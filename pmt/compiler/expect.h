/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tests inside a policy, run against what was compiled: the sets as a node would read them.
 *
 * An expectation speaks of all flows that its attributes leave open, not of some: the diagram of
 * each set concerned is restricted to them, and every rule that is still reached must give the
 * verdict. A failed one is reported at its place, with the rule that decides otherwise, its place,
 * and a flow that shows it.
 */
#ifndef COPSEC_PMT_COMPILER_EXPECT_H
#define COPSEC_PMT_COMPILER_EXPECT_H

#include "pmt/language/model.h"

/* `bundle` is what compile_policy() made of this model. Failures go to `d`, as errors. */
enum err expect_run(
	const struct model *m, struct view bundle, struct diagnostics *d, struct error *e) MUST_USE;

/* Also which rules decide some flow of some expectation: touched[i] is about m->rules[i]. */
enum err expect_cover(const struct model *m, struct view bundle, struct diagnostics *d,
	bool *touched, struct error *e) MUST_USE;

#endif
