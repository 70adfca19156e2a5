/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing a plan down: counters, chains, and rules step by step.
 *
 * The first failure (memory) sticks in writer.error; everything after it does nothing and gives
 * objects that may be written to but are not in the plan, so build.c writes straight on and looks
 * once. All lives in the plan's arena.
 */
#ifndef COPSEC_PIB_PLAN_VOCABULARY_H
#define COPSEC_PIB_PLAN_VOCABULARY_H

#include "pib/plan/plan.h"

enum { WRITER_STEPS_MAX = 12 };

struct writer {
	struct plan *plan;
	enum err error;
	struct plan_chain *last_chain;
	struct plan_counter *last_counter;
	/* The rule being written. */
	struct plan_step steps[WRITER_STEPS_MAX];
	size_t step_count;
	/* What is written to once the writer has failed. */
	struct plan_chain spare_chain;
	struct plan_counter spare_counter;
};

void writer_init(struct writer *w, struct plan *plan);

char *writer_text(struct writer *w, const char *format, ...) PRINTF_LIKE(2, 3);
/* The text with everything that nft could not read as a name replaced; cut to what fits. */
const char *writer_name(struct writer *w, const char *prefix, const char *text);

/* A name that is taken already is made unique by a number. */
struct plan_counter *writer_counter(
	struct writer *w, const char *name, const char *roles, const struct plan_cause *cause);
/* Of a base chain the name, of another what its name begins with: see build_names(). */
/* Noted once for each cause. */
void writer_conflict(struct writer *w, const char *roles, const struct plan_cause *cause);
struct plan_chain *writer_chain(struct writer *w, enum plan_hook hook, const char *name);
/* The name, or one like it that no chain has yet. */
const char *writer_unique_chain(struct writer *w, const char *name);
/* From now on plan_find_chain() finds it. So many are to come: */
void writer_expect_chains(struct writer *w, size_t count);
void writer_index_chain(struct writer *w, const struct plan_chain *chain);

/* Steps of the rule being written; writer_rule() appends it to the chain. */
void step_is(struct writer *w, enum plan_key key, uint32_t value);
void step_is_not(struct writer *w, enum plan_key key, uint32_t value);
void step_range(struct writer *w, enum plan_key key, uint32_t low, uint32_t high);
/* `mask` 0: none. */
void step_value(struct writer *w, enum plan_key key, uint32_t mask, struct plan_value low,
	struct plan_value high);
/* (key & mask) == value */
void step_masked(struct writer *w, enum plan_key key, uint32_t mask, uint32_t value);
void step_masked_not(struct writer *w, enum plan_key key, uint32_t mask, uint32_t value);
/* The elements are copied. */
void step_map(struct writer *w, enum plan_key key, uint32_t mask,
	const struct plan_element *elements, size_t count);
void step_mark(struct writer *w, uint32_t keep, uint32_t set);
void step_ct_mark(struct writer *w, uint32_t keep, uint32_t set);
void step_count(struct writer *w, const struct plan_counter *counter);
void step_log(struct writer *w, const char *prefix);
void step_clamp(struct writer *w);
/* Limits; `key` PLAN_KEY_COUNT: of all together. */
void step_rate(
	struct writer *w, enum plan_key key, uint32_t limit, uint32_t seconds, uint32_t burst);
void step_connections(struct writer *w, enum plan_key key, uint32_t limit);
void step_reject(struct writer *w, enum plan_answer answer);
void step_accept(struct writer *w);
void step_drop(struct writer *w);
void step_jump(struct writer *w, const struct plan_chain *chain);
void step_goto(struct writer *w, const struct plan_chain *chain);
void writer_rule(struct writer *w, struct plan_chain *chain, const struct plan_cause *cause);

/* A number as the kernel has it under this key. */
struct plan_value plan_number(enum plan_key key, uint32_t value);
struct plan_value plan_name(const char *name);

#endif
