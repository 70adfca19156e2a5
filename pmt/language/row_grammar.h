/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The structural check of rows: elements that are called as classes, and their attributes. Part of
 * grammar_check(), which alone calls it.
 */
#ifndef COPSEC_PMT_LANGUAGE_ROW_GRAMMAR_H
#define COPSEC_PMT_LANGUAGE_ROW_GRAMMAR_H

#include "pmt/language/classes.h"
#include "pmt/language/document.h"

/* Where a row of el->class may stand is more than its kind says. Reports. */
bool row_may_stand(const struct element *el, struct diagnostics *d);
/* Is it an attribute of el->class? Sets a->pib; false also if the element has none. */
bool row_has_attribute(const struct element *el, struct attribute *a);
/* Reports what is wrong with its value, and resets a->pib. */
bool row_check_attribute(struct attribute *a, struct diagnostics *d);
/* Reports the attributes of el->class that are missing, and those that a list gives already. */
bool row_check_required(const struct element *el, struct diagnostics *d);
/* Behind other names. */
void row_put_attribute_names(const struct element *el, struct buffer *out);

enum err row_check_instance(struct view word, struct error *e) MUST_USE;
enum err row_check_listed(struct view word, struct error *e) MUST_USE;

#endif
