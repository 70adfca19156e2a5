/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RELAX NG in the compact syntax, for editors that want it so: made of the XML syntax, as much of it
 * as schema.h uses, so that the two cannot disagree.
 */
#ifndef COPSEC_PMT_LANGUAGE_COMPACT_H
#define COPSEC_PMT_LANGUAGE_COMPACT_H

#include "common/base/bytes.h"

/* `schema` is what schema_print() wrote. E_BUG for what has no form here. */
enum err compact_print(struct view schema, struct buffer *out) MUST_USE;

#endif
