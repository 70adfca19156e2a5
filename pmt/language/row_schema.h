/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of schema.h that comes from the schema of pib/: rows of classes, and lists of them. */
#ifndef COPSEC_PMT_LANGUAGE_ROW_SCHEMA_H
#define COPSEC_PMT_LANGUAGE_ROW_SCHEMA_H

#include "common/base/bytes.h"

/* RELAX NG: a definition "row" for what may stand in <rules>, "library-row" for what may stand in
 * <pib>, "listed-row" for attribute `of` and children of <list>, and all that these lead to. */
void row_schema_print(struct buffer *out);
/* For the manual: which element and attribute gives which attribute of the PIBs. */
void row_schema_print_manual(struct buffer *out);

#endif
