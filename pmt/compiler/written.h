/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows that the author wrote as such, as PRIs of a set: those that stand in its rules, and what they
 * lead to. A row that is equal to another, also to one that was made for a short rule, is the same.
 *
 * What an author fixed, InstanceIds, TagIds and the Order of rules, is kept in `pins` for
 * numbering.h.
 */
#ifndef COPSEC_PMT_COMPILER_WRITTEN_H
#define COPSEC_PMT_COMPILER_WRITTEN_H

#include "pmt/compiler/numbering.h"
#include "pmt/compiler/rules.h"

struct written {
	struct rows *rows;
	const struct model *model;
	const struct rule_needs *needs;
	uint32_t *instances; /* by model_row.index; 0: not there yet */
	uint32_t *tags;      /* by model_list.index */
	struct numbering_pins pins;
	size_t pin_room;
	struct error *e;
};

/* E_MEMORY. written_fini() also after a failure. */
enum err written_init(struct written *w, struct rows *rows, const struct model *m,
	const struct rule_needs *needs, struct error *e) MUST_USE;
void written_fini(struct written *w);

/* Before any row of the set: nothing else gets a number that these rows have. */
enum err written_reserve(struct written *w, const struct model_block *block) MUST_USE;
enum err written_put(struct written *w, const struct model_row *row) MUST_USE;
/* With the rule's place among all rules of the set. */
enum err written_put_rule(
	struct written *w, const struct model_row *row, uint32_t order) MUST_USE;
/* All of it is there: the pins are in the order that numbering.h wants. */
void written_finish(struct written *w);

/* The row that has this InstanceId; NULL if none of them has. */
const struct model_row *written_row(
	const struct written *w, const struct pib_class *class, uint32_t instance);

#endif
