/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What may be so or not while a policy is in force: a schedule is on, an offer is switched on, an
 * address is in a group that a directory fills. What a set does with a flow may differ from case to
 * case; what is said of it must hold in each.
 *
 * For each rule that is not always there, the case in which just what it needs is so, and no more:
 * these are all that have to be looked at. If a rule decides a flow in some case, no rule before it
 * that matches is there; and all the less in the case in which nothing is so that the rule itself
 * does not need. So n conditions take n + 1 cases and not 2^n. Schedules and offers are taken to be
 * independent of each other: what is true of all of them is true whatever the clock shows. For any
 * flow, its source may be in a group or not, and its destination too; so a group is looked at with
 * nobody in it but whom home names, and with all in it that the delegations of the bundle permit, in
 * selectors by their source and by their destination each for itself.
 */
#ifndef COPSEC_PMT_COMPILER_CASES_H
#define COPSEC_PMT_COMPILER_CASES_H

#include "pmt/compiler/reading.h"

enum { CASES_MAX = 256 }; /* of a set, or of two that are compared */

enum condition_kind {
	CONDITION_SCHEDULE,
	CONDITION_OFFER,
	CONDITION_MEMBERS,
};

struct condition {
	enum condition_kind kind;
	const struct policy_schedule *schedule;
	const char *name;
	/* Of members: where selectors name the group; and who they are, NULL for all permitted. */
	bool source, destination;
	const struct address_list *members;
};

/* That these are so, and no others. */
struct circumstances {
	const struct condition *on;
	size_t count;
};

/* All cases of the set that have to be looked at, the first of them with nothing on. They live as
 * long as the reading. E_LIMIT, E_MEMORY. */
enum err cases_of(struct reading *r, struct reading_set *set, const struct circumstances **ret,
	size_t *ret_count, struct error *e) MUST_USE;
/* And of two sets, which may be of two readings, that are compared: those of each, and each of the
 * one with each of the other. Either may be NULL. */
enum err cases_of_both(struct reading *a, struct reading_set *x, struct reading *b,
	struct reading_set *y, const struct circumstances **ret, size_t *ret_count,
	struct error *e) MUST_USE;

/* The set as it is then: its policy has the rules that are there, under other numbers. Belongs to
 * the reading, and may be the set itself. */
enum err cases_set(struct reading *r, struct reading_set *set, const struct circumstances *c,
	struct reading_set **ret, struct error *e) MUST_USE;

/* For reading_fini() alone: what cases_set() made of it. */
void cases_free(struct reading_set *set);

/* Is all that is on in the second on in the first? */
bool cases_contain(const struct circumstances *all, const struct circumstances *some);

/* `while the schedule "office" is on (mon-fri 08:00-18:00), with the offer "printing" on`; nothing if nothing is. */
void cases_print(const struct circumstances *c, struct buffer *out);

#endif
