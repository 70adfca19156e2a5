/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a policy says and no node enforces yet (pib/plan/able.h): a warning at each rule and
 * protection that asks for it, so that nobody signs what every node will refuse.
 */
#ifndef COPSEC_PMT_COMPILER_UNABLE_H
#define COPSEC_PMT_COMPILER_UNABLE_H

#include "pmt/language/model.h"

/* `bundle` is what compile_policy() made of this model. E_MEMORY. */
enum err unable_find(
	const struct model *m, struct view bundle, struct diagnostics *d, struct error *e) MUST_USE;

#endif
