/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/difference.h"

#include <stdlib.h>
#include <string.h>

/* What happens to a chain's map. */
enum map_fate {
	MAP_NONE, /* there is none, or it stays as it is */
	MAP_EDIT,
	MAP_MAKE, /* after the old one, if there is one, has gone */
	MAP_TAKE,
};

/* One chain that is not the same. */
struct change {
	const struct plan_chain *old; /* NULL: it comes */
	const struct plan_chain *new; /* NULL: it goes */
	enum map_fate map;
	bool rules; /* anew */
};

struct difference {
	struct nft_batch batch;
	struct change *changes;
	size_t count;
	size_t capacity;
	const struct plan_counter **come, **gone;
	size_t come_count, gone_count;
	enum err error;
};

/* ---- Finding by name ---- */

enum { NEAR = 16 };

/* The chains or counters of one plan, by name: their first member. They mostly come in the order of
 * the other plan's, so the places are only filled when one is not where it was. */
struct index {
	const char *const **things;  /* in their order */
	const char *const ***places; /* open addressing, into things */
	size_t count;
	size_t size; /* of places: a power of two; 0 as long as they are empty */
	size_t next; /* where the next is expected */
	bool *found;
};

static enum err index_init(struct index *x, size_t count)
{
	x->things = calloc(count + 1, sizeof *x->things);
	x->found = calloc(count + 1, sizeof *x->found);
	return x->things && x->found ? E_OK : E_MEMORY;
}

static void index_fini(struct index *x)
{
	free(x->things);
	free(x->places);
	free(x->found);
}

static void index_add(struct index *x, const char *const *thing)
{
	x->things[x->count++] = thing;
}

static size_t index_place(const struct index *x, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t at;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
	for (at = (size_t)(hash ^ hash >> 32) & (x->size - 1);
		x->places[at] && strcmp(**x->places[at], name) != 0;)
		at = (at + 1) & (x->size - 1);
	return at;
}

static enum err index_fill(struct index *x)
{
	x->size = 64;
	while (x->size < 2 * x->count)
		x->size *= 2;
	x->places = calloc(x->size, sizeof *x->places);
	if (!x->places)
		return E_MEMORY;
	for (size_t i = 0; i < x->count; i++)
		x->places[index_place(x, *x->things[i])] = &x->things[i];
	return E_OK;
}

/* *ret is NULL if there is no such thing. */
static enum err index_find(struct index *x, const char *name, const void **ret)
{
	const char *const *const *place = NULL;

	for (size_t i = x->next; !place && i < x->count && i < x->next + NEAR; i++)
		if (strcmp(*x->things[i], name) == 0)
			place = &x->things[i];
	if (!place && x->size == 0 && index_fill(x) != E_OK)
		return E_MEMORY;
	if (!place)
		place = x->places[index_place(x, name)];
	*ret = place ? *place : NULL;
	if (place) {
		x->next = (size_t)(place - (const char *const *const *)x->things);
		x->found[x->next++] = true;
	}
	return E_OK;
}

/* ---- Comparing ---- */

static bool same_chain_name(const struct plan_chain *a, const struct plan_chain *b)
{
	return a && b ? strcmp(a->name, b->name) == 0 : a == b;
}

static bool same_values(const struct plan_step *a, const struct plan_step *b)
{
	return memcmp(&a->low, &b->low, sizeof a->low) == 0 &&
	       memcmp(&a->high, &b->high, sizeof a->high) == 0;
}

static bool same_load(const struct plan_step *a, const struct plan_step *b)
{
	return a->key == b->key && a->masked == b->masked &&
	       memcmp(a->mask, b->mask, sizeof a->mask) == 0;
}

/* Maps are compared elsewhere. */
static bool same_step(const struct plan_step *a, const struct plan_step *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case PLAN_MATCH:
		return same_load(a, b) && a->negate == b->negate && same_values(a, b);
	case PLAN_MAP:
		return same_load(a, b);
	case PLAN_MARK:
	case PLAN_CT_MARK:
		return a->keep == b->keep && a->set == b->set;
	case PLAN_COUNT:
		return strcmp(a->counter->name, b->counter->name) == 0;
	case PLAN_LOG:
		return strcmp(a->text, b->text) == 0;
	case PLAN_JUMP:
	case PLAN_GOTO:
		return same_chain_name(a->chain, b->chain);
	case PLAN_CLAMP:
	case PLAN_ACCEPT:
	case PLAN_DROP:
	case PLAN_STEP_KINDS:
		break;
	}
	return true;
}

/* As the kernel has it: with the comment. */
static bool same_rule(const struct plan_rule *a, const struct plan_rule *b)
{
	if (a->step_count != b->step_count || !a->cause.prid.class != !b->cause.prid.class)
		return false;
	if (a->cause.prid.class && strcmp(a->cause.name, b->cause.name) != 0)
		return false;
	for (size_t i = 0; i < a->step_count; i++)
		if (!same_step(&a->steps[i], &b->steps[i]))
			return false;
	return true;
}

static bool same_rules(const struct plan_chain *a, const struct plan_chain *b)
{
	const struct plan_rule *x = a->rules, *y = b->rules;

	while (x && y && same_rule(x, y)) {
		x = x->next;
		y = y->next;
	}
	return !x && !y;
}

static bool same_element(const struct plan_element *a, const struct plan_element *b)
{
	return memcmp(&a->low, &b->low, sizeof a->low) == 0 &&
	       memcmp(&a->high, &b->high, sizeof a->high) == 0 && a->verdict == b->verdict &&
	       same_chain_name(a->chain, b->chain);
}

/* Two ascending lists of elements of one key, side by side. */
struct merge {
	const struct plan_step *old, *new;
	size_t old_at, new_at;
};

static int value_order(enum plan_key key, const struct plan_value *a, const struct plan_value *b)
{
	uint32_t x, y;

	if (!plan_key_forms[key].host_order)
		return memcmp(a, b, sizeof *a);
	memcpy(&x, a->octets, sizeof x);
	memcpy(&y, b->octets, sizeof y);
	return x < y ? -1 : x > y;
}

/* The next that goes and the next that comes, NULL if none; false at the end. */
static bool merge_next(
	struct merge *m, const struct plan_element **ret_gone, const struct plan_element **ret_come)
{
	for (;;) {
		const struct plan_element *old =
			m->old_at < m->old->element_count ? &m->old->elements[m->old_at] : NULL;
		const struct plan_element *new =
			m->new_at < m->new->element_count ? &m->new->elements[m->new_at] : NULL;
		int order = !new ? -1 : !old ? 1 : value_order(m->old->key, &old->low, &new->low);

		if (!old && !new)
			return false;
		m->old_at += order <= 0;
		m->new_at += order >= 0;
		*ret_gone = order <= 0 ? old : NULL;
		*ret_come = order >= 0 ? new : NULL;
		if (order != 0 || !same_element(old, new))
			return true;
	}
}

static enum map_fate map_fate(const struct plan_step *old, const struct plan_step *new)
{
	struct merge m = {old, new, 0, 0};
	const struct plan_element *gone, *come;
	size_t gone_count = 0, come_count = 0;

	if (!new)
		return old ? MAP_TAKE : MAP_NONE;
	if (!old || old->key != new->key || old->interval != new->interval ||
		nft_map_places(old) != nft_map_places(new))
		return MAP_MAKE;
	while (merge_next(&m, &gone, &come)) {
		gone_count += gone != NULL;
		come_count += come != NULL;
	}
	if (gone_count + come_count == 0)
		return MAP_NONE;
	if (gone_count + come_count > new->element_count ||
		(!new->interval && old->element_count + come_count > nft_map_places(old)))
		return MAP_MAKE;
	return MAP_EDIT;
}

/* ---- What differs ---- */

static void add_change(struct difference *d, struct change change)
{
	if (d->count == d->capacity) {
		size_t capacity = d->capacity ? 2 * d->capacity : 64;
		struct change *changes = reallocarray(d->changes, capacity, sizeof *changes);

		if (!changes) {
			d->error = E_MEMORY;
			return;
		}
		d->changes = changes;
		d->capacity = capacity;
	}
	d->changes[d->count++] = change;
}

static const struct plan_step *map_of(const struct plan_chain *chain)
{
	const struct plan_rule *rule;

	return chain ? nft_map_of(chain, &rule) : NULL;
}

static void compare_chains(
	struct difference *d, const struct plan_chain *old, const struct plan_chain *new)
{
	struct change change = {.old = old, .new = new};

	if (old && new && old->hook != new->hook) {
		d->error = E_UNSUPPORTED;
		return;
	}
	change.map = map_fate(map_of(old), map_of(new));
	/* A map goes only without the rule that looks into it. */
	change.rules = !old || !new || change.map == MAP_MAKE || change.map == MAP_TAKE ||
		       !same_rules(old, new);
	if (change.rules || change.map)
		add_change(d, change);
}

static enum err find_chains(struct difference *d, const struct plan *old, const struct plan *new)
{
	struct index olds = {0};
	enum err err = index_init(&olds, old->chain_count);

	for (const struct plan_chain *c = old->chains; c && !err; c = c->next)
		index_add(&olds, &c->name);
	for (const struct plan_chain *c = new->chains; c && !err; c = c->next) {
		const void *beside = NULL;

		err = index_find(&olds, c->name, &beside);
		if (!err)
			compare_chains(d, beside, c);
		if (!err)
			err = d->error;
	}
	for (size_t i = 0; i < olds.count && !err; i++) {
		if (!olds.found[i])
			compare_chains(d, (const void *)olds.things[i], NULL);
		err = d->error;
	}
	index_fini(&olds);
	return err;
}

static enum err find_counters(struct difference *d, const struct plan *old, const struct plan *new)
{
	struct index olds = {0};
	enum err err = index_init(&olds, old->counter_count);

	d->come = calloc(new->counter_count + 1, sizeof *d->come);
	d->gone = calloc(old->counter_count + 1, sizeof *d->gone);
	if (!d->come || !d->gone)
		err = E_MEMORY;
	for (const struct plan_counter *c = old->counters; c && !err; c = c->next)
		index_add(&olds, &c->name);
	for (const struct plan_counter *c = new->counters; c && !err; c = c->next) {
		const void *beside = NULL;

		err = index_find(&olds, c->name, &beside);
		if (!err && !beside)
			d->come[d->come_count++] = c;
	}
	for (size_t i = 0; i < olds.count && !err; i++)
		if (!olds.found[i])
			d->gone[d->gone_count++] = (const void *)olds.things[i];
	index_fini(&olds);
	return err;
}

/* ---- The batch ---- */

static void edit_map(struct difference *d, const struct change *change, bool take)
{
	const struct plan_rule *old_rule = NULL, *new_rule = NULL;
	struct merge m = {
		nft_map_of(change->old, &old_rule), nft_map_of(change->new, &new_rule), 0, 0};
	const struct plan_element *gone, *come;
	bool before = nft_map_has_border(m.old), after = nft_map_has_border(m.new);
	struct nft_elements run;

	nft_elements_begin(&run, &d->batch, change->new->name, take ? m.old : m.new,
		take ? old_rule : new_rule, take);
	if (before != after && before == take)
		nft_elements_border(&run);
	while (merge_next(&m, &gone, &come))
		if (take ? gone : come)
			nft_elements_put(&run, take ? gone : come);
	nft_elements_end(&run);
}

static void write_map(struct difference *d, const struct change *change)
{
	const struct plan_rule *rule;
	const struct plan_step *map;

	if (change->map == MAP_EDIT)
		edit_map(d, change, false);
	if (change->map != MAP_MAKE)
		return;
	map = nft_map_of(change->new, &rule);
	nft_put_map(&d->batch, map, change->new->name, rule);
}

static void take_old(struct difference *d, const struct change *change)
{
	const struct plan_rule *rule = NULL;

	if (change->old && change->rules && change->old->rules)
		nft_take_rules(&d->batch, change->old);
	if (change->map == MAP_EDIT)
		edit_map(d, change, true);
	else if (change->map && change->old && nft_map_of(change->old, &rule))
		nft_take_map(&d->batch, change->old->name, rule);
}

static void write_batch(struct difference *d, const struct plan *new)
{
	struct nft_batch *b = &d->batch;

	for (size_t i = 0; i < d->come_count; i++)
		nft_put_counter(b, d->come[i]);
	for (size_t i = 0; i < d->count; i++)
		if (!d->changes[i].old)
			nft_put_chain(b, d->changes[i].new);
	for (size_t i = 0; i < d->count; i++)
		take_old(d, &d->changes[i]);
	for (size_t i = 0; i < d->count; i++)
		write_map(d, &d->changes[i]);
	for (size_t i = 0; i < d->count; i++) {
		const struct change *change = &d->changes[i];

		if (!change->new || !change->rules)
			continue;
		for (const struct plan_rule *r = change->new->rules; r; r = r->next)
			nft_put_rule(b, change->new, r);
	}
	for (size_t i = 0; i < d->count; i++)
		if (!d->changes[i].new)
			nft_take_chain(b, d->changes[i].old);
	for (size_t i = 0; i < d->gone_count; i++)
		nft_take_counter(b, d->gone[i]);
	nft_relabel(b, new);
}

enum err nft_difference(
	struct requests *r, const struct plan *old, const struct plan *new, uint32_t generation)
{
	struct difference d = {0};
	enum err err = find_chains(&d, old, new);

	if (!err)
		err = find_counters(&d, old, new);
	if (!err && (d.count + d.come_count + d.gone_count > 0 || strcmp(old->id, new->id) != 0)) {
		nft_begin(&d.batch, r, &generation);
		write_batch(&d, new);
		nft_end(&d.batch);
	}
	free(d.changes);
	free(d.come);
	free(d.gone);
	return err;
}
