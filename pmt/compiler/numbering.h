/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers of a set's PRIs, from one compilation to the next.
 *
 * A set is compiled afresh each time, with numbers that nobody has seen before. Here it is laid
 * beside what the last compilation made: rows and lists that mean the same keep their InstanceIds
 * and TagIds; what has taken the place of something else (the rule of that name, the selector of
 * that rule, the addresses of that group) takes over its number too; the others get numbers that
 * were free. So what refers to something is the same as before wherever the change is elsewhere,
 * and a small change of a policy is a small one of its PRIs.
 *
 * The Orders of rules are spread out, so that a rule can be put between two others: rules that
 * follow each other as before keep theirs, and as few as possible are moved to make room.
 *
 * Nothing but numbers is changed, each to one that nothing else has: the set means what it meant,
 * however badly the two fit together.
 */
#ifndef COPSEC_PMT_COMPILER_NUMBERING_H
#define COPSEC_PMT_COMPILER_NUMBERING_H

#include "pib/store/store.h"

enum {
	ORDER_LAST = 65535, /* ipSecRuleOrder has 16 bits; 0 is not used */
	ORDER_STEP = 64,    /* between rules, if there is room */
	ORDER_ROOM = 49152, /* for the first rules; the rest is for those that are added */
};

/* What an author fixed: a number within the block, the Order of a rule, or both. */
struct numbering_pin {
	enum pib_class_id class;
	bool list;      /* a TagId */
	uint32_t id;    /* as it is in the set that was made; with `fixed` also as it is to be */
	bool fixed;     /* the number */
	bool ordered;   /* the Order */
	uint32_t order;
};

/* Sorted by class, list and id. */
struct numbering_pins {
	struct numbering_pin *items;
	size_t count;
};

/*
 * `made` with the numbers of `previous`, as PRID and EPD objects in numeric OID order, appended.
 * Both have their numbers in `block`; `previous` has passed pri_store_check(), or is NULL. `pins`
 * are of `made`, or NULL. E_RANGE: between Orders that are fixed there is no room for the rules that
 * stand there.
 */
enum err numbering_keep(const struct pri_store *made, const struct pri_store *previous,
	const struct numbering_pins *pins, uint32_t block, struct buffer *out,
	struct error *e) MUST_USE;

/*
 * Ascending numbers, 1..ORDER_LAST, for `count` things of which some have one already: orders[i] is
 * it, or 0. Those that have one are in ascending order, and keep it if they can. There are not more
 * than half of ORDER_LAST.
 */
void numbering_orders(uint32_t *orders, size_t count);

#endif
