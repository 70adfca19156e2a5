/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The grammar as a RELAX NG schema in XML syntax, for editors and `xmllint --relaxng`. It accepts
 * whatever grammar_check() accepts; some values (addresses, ranges) it knows only by their letters.
 */
#ifndef COPSEC_PMT_LANGUAGE_SCHEMA_H
#define COPSEC_PMT_LANGUAGE_SCHEMA_H

#include "common/base/bytes.h"

void schema_print(struct buffer *out);
/* Elements, attributes and known services as mdoc: what copsec-policy(5) holds of them. */
void schema_print_manual(struct buffer *out);

#endif
