/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is no longer good in a row, besides its algorithms (notation.h): AH, IKEv1, keys without
 * perfect forward secrecy.
 */
#ifndef COPSEC_PMT_LANGUAGE_OLD_H
#define COPSEC_PMT_LANGUAGE_OLD_H

#include "pib/schema/schema.h"

/* The number that stands in an attribute of the row, 0 for none. */
typedef uint64_t old_number_fn(const void *row, unsigned attribute);

/* As a message calls it; NULL if nothing is. `extended`: the row has one that extends it. */
const char *old_way(const struct pib_class *class, bool extended, old_number_fn *number,
	const void *row);

#endif
