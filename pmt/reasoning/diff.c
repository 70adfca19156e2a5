/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/reasoning/diff.h"

#include <stdlib.h>
#include <string.h>

#include "pib/flow/lists.h"
#include "pib/flow/sets.h"

enum { DIFF_ARENA = 512 << 20, DIFF_NODES_MAX = 1 << 22, DIFF_PLACES_MAX = 1 << 20 };

struct run {
	struct diff *d;
	struct reading *before, *after;
	struct policy_verdicts *verdicts;
	size_t place_capacity;
	struct error *e;
};

static enum err no_memory(struct run *r)
{
	return error_set(r->e, E_MEMORY, "out of memory");
}

/* --- what widens --- */

static bool same_address(const struct policy_address *a, const struct policy_address *b)
{
	return a->family == b->family && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

static bool offers_esp(const struct policy_protection *p, const struct policy_esp *esp)
{
	for (size_t i = 0; i < p->proposal_count; i++) {
		for (size_t j = 0; j < p->proposals[i].esp_count; j++) {
			const struct policy_esp *own = &p->proposals[i].esp[j];

			if (own->encryption == esp->encryption &&
				own->key_length == esp->key_length &&
				own->integrity == esp->integrity && own->group == esp->group &&
				own->esn == esp->esn)
				return true;
		}
	}
	return false;
}

/* ESP alone, and one key exchange: what accepts_no_more() can compare part by part. */
static bool is_plain(const struct policy_protection *p)
{
	for (size_t i = 0; i < p->proposal_count; i++)
		if (p->proposals[i].ah_count || p->proposals[i].ipcomp_count)
			return false;
	return p->ike_count == 1 && p->ike->version == 2;
}

static bool offers_ike(const struct policy_ike *ike, const struct policy_ike_proposal *proposal)
{
	for (size_t i = 0; i < ike->proposal_count; i++) {
		const struct policy_ike_proposal *own = &ike->proposals[i];

		if (own->encryption == proposal->encryption &&
			own->key_length == proposal->key_length &&
			own->integrity == proposal->integrity && own->prf == proposal->prf &&
			own->group == proposal->group)
			return true;
	}
	return false;
}

/* Would an SA that the second accepts have been one for the first? */
static bool accepts_no_more(const struct policy_protection *a, const struct policy_protection *b)
{
	if (!is_plain(a) || !is_plain(b))
		return policy_protection_equal(a, b);
	if (a->mode != b->mode || !same_address(&a->endpoint, &b->endpoint) ||
		a->ike->authentication != b->ike->authentication ||
		!same_address(&a->ike->peer_address, &b->ike->peer_address) ||
		a->ike->peer.type != b->ike->peer.type ||
		a->ike->peer.negated != b->ike->peer.negated ||
		!view_equal(a->ike->peer.value, b->ike->peer.value))
		return false;
	for (size_t i = 0; i < b->proposal_count; i++)
		for (size_t j = 0; j < b->proposals[i].esp_count; j++)
			if (!offers_esp(a, &b->proposals[i].esp[j]))
				return false;
	for (size_t i = 0; i < b->ike->proposal_count; i++)
		if (!offers_ike(a->ike, &b->ike->proposals[i]))
			return false;
	return true;
}

static bool action_widens(const struct policy_verdict *before, const struct policy_verdict *after)
{
	const enum policy_strictness was = policy_strictness(before), is = policy_strictness(after);

	if (is < was)
		return true;
	if (before->compound || after->compound)
		return !policy_verdict_same_action(before, after);
	return before->action == POLICY_PROTECT && after->action == POLICY_PROTECT &&
	       !accepts_no_more(before->protection, after->protection);
}

enum diff_effect verdict_effect(
	const struct policy_verdict *before, const struct policy_verdict *after)
{
	const bool same = policy_verdict_same_action(before, after);
	bool more, less;

	if (action_widens(before, after))
		return DIFF_WIDENS;
	if (after->action == POLICY_DISCARD)
		return same ? DIFF_LOGS : DIFF_TIGHTENS;
	more = policy_manner_exceeds(&before->manner, &after->manner);
	less = !same || policy_manner_exceeds(&after->manner, &before->manner);
	if (more)
		return less ? DIFF_CHANGES : DIFF_WIDENS;
	return less ? DIFF_TIGHTENS : DIFF_LOGS;
}

bool diff_lets_more(enum diff_effect effect)
{
	return effect == DIFF_WIDENS || effect == DIFF_CHANGES;
}

/* --- roles: the numbers of both readings --- */

static enum err join_roles(struct run *r)
{
	const struct policy_roles *a = &r->before->roles, *b = &r->after->roles;
	const char **names = arena_calloc(&r->d->arena, a->count + b->count + 1, sizeof *names);
	size_t count = 0;

	if (!names)
		return no_memory(r);
	for (size_t i = 0; i < a->count + b->count; i++) {
		const char *name = i < a->count ? a->names[i] : b->names[i - a->count];
		bool known = false;

		for (size_t k = 0; k < count; k++)
			known = known || strcmp(names[k], name) == 0;
		if (!known)
			names[count++] = name;
	}
	r->d->roles = (struct policy_roles){names, count};
	return E_OK;
}

/* --- places --- */

static struct diff_place *find_place(
	struct run *r, enum flow_direction direction, const char *before, const char *after)
{
	struct diff *d = r->d;
	struct diff_place *places;

	for (size_t i = 0; i < d->place_count; i++)
		if (d->places[i].direction == direction &&
			strcmp(d->places[i].before, before) == 0 &&
			strcmp(d->places[i].after, after) == 0)
			return &d->places[i];
	if (d->place_count == r->place_capacity) {
		r->place_capacity = r->place_capacity ? 2 * r->place_capacity : 64;
		places = arena_calloc(&d->arena, r->place_capacity, sizeof *places);
		if (!places)
			return NULL;
		if (d->place_count)
			memcpy(places, d->places, d->place_count * sizeof *places);
		d->places = places;
	}
	d->places[d->place_count] =
		(struct diff_place){.direction = direction, .before = before, .after = after};
	return &d->places[d->place_count++];
}

/* The list doubles when its length is a power of two. */
static enum err add_who(struct run *r, struct diff_place *place, const char *node, const char *part)
{
	const size_t count = place->who_count;
	struct buffer text;

	if ((count & (count - 1)) == 0) {
		const char **who = arena_calloc(&r->d->arena, count ? 2 * count : 1, sizeof *who);

		if (!who)
			return no_memory(r);
		if (count)
			memcpy(who, place->who, count * sizeof *who);
		place->who = who;
	}
	buffer_init(&text, 4096);
	buffer_put_text(&text, "%s%s%s", node, *part ? " " : "", part);
	place->who[count] = arena_strdup(&r->d->arena, buffer_string(&text));
	buffer_fini(&text);
	if (!place->who[count])
		return no_memory(r);
	place->who_count++;
	return E_OK;
}

static enum err add_place(struct run *r, enum flow_direction direction, const char *before,
	const char *after, const char *node, const char *part)
{
	struct diff_place *place = find_place(r, direction, before, after);

	return place ? add_who(r, place, node, part) : no_memory(r);
}

static bool has_interface(const struct reading_node *node, const char *name)
{
	for (size_t i = 0; i < node->interface_count; i++)
		if (strcmp(node->interfaces[i].name, name) == 0)
			return true;
	return false;
}

/* The name of the set that the node has for these roles; the roles if there is none. */
static const char *set_name(struct reading *r, const struct reading_node *node, const char *roles)
{
	const struct reading_set *set = reading_set_at(r, node->name, roles);

	return set ? set->name : roles;
}

static enum err add_interface(struct run *r, const struct reading_node *before,
	const struct reading_node *after, const char *name)
{
	const char *was = set_name(r->before, before, reading_interface_roles(before, name)),
		   *is = set_name(r->after, after, reading_interface_roles(after, name));
	enum err code = add_place(r, FLOW_IN, was, is, before->name, name);

	return code ? code : add_place(r, FLOW_OUT, was, is, before->name, name);
}

static enum err compare_node(
	struct run *r, const struct reading_node *before, const struct reading_node *after)
{
	enum err code = add_place(r, FLOW_FORWARD, set_name(r->before, before, before->roles),
		set_name(r->after, after, after->roles), before->name, "");

	for (size_t i = 0; i < before->interface_count && !code; i++)
		code = add_interface(r, before, after, before->interfaces[i].name);
	for (size_t i = 0; i < after->interface_count && !code; i++)
		if (!has_interface(before, after->interfaces[i].name))
			code = add_interface(r, before, after, after->interfaces[i].name);
	return code;
}

/* Who knows no nodes: each set that there is or was, in all directions. */
static enum err compare_floors(struct run *r)
{
	static const enum flow_direction directions[] = {FLOW_IN, FLOW_OUT, FLOW_FORWARD};
	enum err code = E_OK;

	for (size_t i = 0; i < r->before->set_count + r->after->set_count && !code; i++) {
		const char *name = i < r->before->set_count
					   ? r->before->sets[i].name
					   : r->after->sets[i - r->before->set_count].name;

		if (i >= r->before->set_count && reading_find(r->before, name))
			continue;
		for (size_t k = 0; k < 3 && !code; k++)
			code = add_place(r, directions[k], name, name, "every node", "");
	}
	return code;
}

static enum err find_places(struct run *r)
{
	struct diff *d = r->d;
	enum err code = E_OK;

	d->new_nodes = arena_calloc(&d->arena, r->after->node_count + 1, sizeof *d->new_nodes);
	d->gone_nodes = arena_calloc(&d->arena, r->before->node_count + 1, sizeof *d->gone_nodes);
	if (!d->new_nodes || !d->gone_nodes)
		return no_memory(r);
	if (r->before->node_count == 0 && r->after->node_count == 0)
		return compare_floors(r);
	for (size_t i = 0; i < r->before->node_count && !code; i++) {
		const struct reading_node *after = reading_node(r->after, r->before->nodes[i].name);

		if (after)
			code = compare_node(r, &r->before->nodes[i], after);
		else
			d->gone_nodes[d->gone_count++] = r->before->nodes[i].name;
	}
	for (size_t i = 0; i < r->after->node_count; i++)
		if (!reading_node(r->before, r->after->nodes[i].name))
			d->new_nodes[d->new_count++] = r->after->nodes[i].name;
	return code;
}

/* --- changes of a place --- */

static bool node_has_roles(const struct reading_node *node, const char *roles)
{
	for (size_t i = 0; node && i < node->interface_count; i++)
		if (strcmp(node->interfaces[i].roles, roles) == 0)
			return true;
	return false;
}

/* The interfaces that the nodes of the place have, now or before, as numbers of their roles. */
static enum err interfaces_of(
	struct run *r, const struct diff_place *place, struct flow_intervals *ret)
{
	const struct policy_roles *roles = &r->d->roles;
	struct flow_interval *list = arena_calloc(&r->d->arena, roles->count + 1, sizeof *list);
	size_t count = 0;

	if (!list)
		return no_memory(r);
	for (size_t n = 0; n < roles->count; n++) {
		bool has = r->before->node_count == 0 && r->after->node_count == 0;

		for (size_t i = 0; i < place->who_count && !has; i++)
			has = node_has_roles(
				      reading_node(r->before, place->who[i]), roles->names[n]) ||
			      node_has_roles(
				      reading_node(r->after, place->who[i]), roles->names[n]);
		if (has)
			list[count++] =
				(struct flow_interval){FLOW_VALUE(n + 1), FLOW_VALUE(n + 1)};
	}
	*ret = count ? flow_intervals_join(FLOW_IN_ROLE, list, count) : (struct flow_intervals){0};
	return E_OK;
}

/* What is done where an authority other than home says nothing. */
static const struct policy_step let_pass_step = {.kind = POLICY_STEP_BYPASS};
static const struct policy_rule let_pass = {.name = "",
	.action = POLICY_BYPASS,
	.stateful = true,
	.strategy = POLICY_DO_ALL,
	.steps = &let_pass_step,
	.step_count = 1};

static enum err say_nothing(struct run *r, flow_ref *ret)
{
	uint32_t number = POLICY_VERDICT_DISCARD;

	if ((r->before->node_count || r->after->node_count) ||
		!policy_verdicts_number(r->verdicts, &let_pass, &number)) {
		*ret = FLOW_LEAF(number);
		return E_OK;
	}
	return no_memory(r);
}

/* No set: nothing is said. Of home's, everything is discarded then. */
static enum err partition(struct run *r, const struct policy *policy,
	const struct diff_place *place, struct flow_manager *m, flow_ref *ret)
{
	struct flow_match interfaces = {.number = 1};

	interfaces.field[FLOW_IN_ROLE] = interfaces.field[FLOW_OUT_ROLE] = place->interfaces;
	*ret = FLOW_NOTHING;
	if (!policy)
		return say_nothing(r, ret);
	if (place->direction == FLOW_FORWARD && place->interfaces.count == 0)
		return E_OK;
	return policy_partition(policy, place->direction, &r->d->roles,
		place->direction == FLOW_FORWARD ? &interfaces : NULL, m, r->verdicts, ret, r->e);
}

static bool same_intervals(struct flow_intervals a, struct flow_intervals b)
{
	bool same = a.count == b.count;

	for (size_t i = 0; i < a.count && same; i++)
		same = flow_value_compare(a.list[i].low, b.list[i].low) == 0 &&
		       flow_value_compare(a.list[i].high, b.list[i].high) == 0;
	return same;
}

/* All interfaces that there are need not be named. */
static void forget_interfaces(
	const struct diff_place *place, struct flow_match *boxes, size_t count)
{
	static const enum flow_field fields[] = {FLOW_IN_ROLE, FLOW_OUT_ROLE};

	for (size_t i = 0; i < count; i++)
		for (size_t f = 0; f < 2; f++)
			if (same_intervals(boxes[i].field[fields[f]], place->interfaces))
				boxes[i].field[fields[f]] = (struct flow_intervals){0};
}

static enum err describe(struct run *r, const struct diff_place *place,
	const struct flow_changes *changes, size_t which, struct flow_manager *m,
	const struct policy *before, const struct policy *after, struct diff_change *ret)
{
	const struct flow_change *change = &changes->list[which];
	struct flow_match *boxes;
	flow_ref flows;
	enum err code;

	ret->before = *policy_verdicts_get(r->verdicts, change->from);
	ret->after = *policy_verdicts_get(r->verdicts, change->to);
	ret->effect = verdict_effect(&ret->before, &ret->after);
	code = flows_with_number(m, changes->diagram, (uint32_t)which + 1, &flows, r->e);
	if (!code)
		code = flows_boxes(m, flows, DIFF_BOXES_SHOWN, &r->d->arena, &boxes,
			&ret->box_count, &ret->more_boxes, r->e);
	if (code)
		return code;
	forget_interfaces(place, boxes, ret->box_count);
	ret->boxes = boxes;
	code = flows_sample(m, flows, &ret->sample);
	if (code)
		return error_set(r->e, code, "there is no flow where there must be one");
	ret->sample.direction = place->direction;
	ret->rule_before = before ? policy_evaluate(before, &ret->sample, &r->d->roles) : NULL;
	ret->rule_after = after ? policy_evaluate(after, &ret->sample, &r->d->roles) : NULL;
	return E_OK;
}

/* What widens comes first, then the greater steps. */
static int by_weight(const void *a, const void *b)
{
	const struct diff_change *x = a, *y = b;

	if (x->effect != y->effect)
		return (int)x->effect - (int)y->effect;
	return (int)policy_strictness(&x->after) - (int)policy_strictness(&y->after);
}

/* --- case by case --- */

/* What a place does with its flows in one case, before and after. */
struct comparison {
	const struct circumstances *when;
	const struct policy *before, *after;
	flow_ref pairs; /* numbers are places in the list of pairs */
};

/* Two verdicts, from one to the other. */
struct verdict_pair {
	uint32_t from, to;
};

struct verdict_pairs {
	struct verdict_pair *list;
	size_t count, capacity;
	bool no_memory;
};

/* Number 0 is for what is discarded before and after, and for what is told elsewhere. */
static uint32_t pair_of(void *context, uint32_t from, uint32_t to)
{
	struct verdict_pairs *p = context;

	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].from == from && p->list[i].to == to)
			return (uint32_t)i;
	if (p->count == p->capacity) {
		size_t capacity = p->capacity ? 2 * p->capacity : 64;
		struct verdict_pair *list = reallocarray(p->list, capacity, sizeof *list);

		if (!list) {
			p->no_memory = true;
			return 0;
		}
		p->list = list;
		p->capacity = capacity;
	}
	p->list[p->count] = (struct verdict_pair){from, to};
	return (uint32_t)p->count++;
}

static uint32_t unless_told(void *context, uint32_t now, uint32_t told)
{
	(void)context;
	return now == told ? 0 : now;
}

static uint32_t pair_before(void *context, uint32_t number)
{
	return ((struct verdict_pairs *)context)->list[number].from;
}

static uint32_t pair_after(void *context, uint32_t number)
{
	return ((struct verdict_pairs *)context)->list[number].to;
}

static enum err policies_of(struct run *r, struct reading_set *was, struct reading_set *is,
	struct comparison *c)
{
	struct reading_set *now;
	enum err code = E_OK;

	if (was) {
		code = cases_set(r->before, was, c->when, &now, r->e);
		c->before = code ? NULL : now->policy;
	}
	if (is && !code) {
		code = cases_set(r->after, is, c->when, &now, r->e);
		c->after = code ? NULL : now->policy;
	}
	return code;
}

static enum err find_pairs(struct run *r, const struct diff_place *place, struct flow_manager *m,
	struct verdict_pairs *pairs, struct comparison *c)
{
	flow_ref a, b;
	enum err code = partition(r, c->before, place, m, &a);

	if (!code)
		code = partition(r, c->after, place, m, &b);
	if (!code)
		code = flow_combine(m, a, b, pair_of, pairs, &c->pairs, r->e);
	return !code && pairs->no_memory ? no_memory(r) : code;
}

/* Changes of one case; those that a case before it has in the same way are told there. */
static enum err add_changes(struct run *r, struct diff_place *place, struct flow_manager *m,
	struct verdict_pairs *pairs, const struct comparison *all, size_t which)
{
	const struct comparison *c = &all[which];
	struct flow_changes changes = {0};
	flow_ref left = c->pairs, a, b;
	struct diff_change *list;
	enum err code = E_OK;

	for (size_t i = 0; i < which && !code; i++)
		if (cases_contain(c->when, all[i].when))
			code = flow_combine(
				m, left, all[i].pairs, unless_told, NULL, &left, r->e);
	if (!code)
		code = flow_map(m, left, pair_before, pairs, &a, r->e);
	if (!code)
		code = flow_map(m, left, pair_after, pairs, &b, r->e);
	if (!code && a != b)
		code = flow_changes(m, a, b, &r->d->arena, &changes, r->e);
	if (code || changes.count == 0)
		return code;
	list = arena_calloc(
		&r->d->arena, place->change_count + changes.count, sizeof *place->changes);
	if (!list)
		return no_memory(r);
	if (place->change_count)
		memcpy(list, place->changes, place->change_count * sizeof *list);
	place->changes = list;
	for (size_t i = 0; i < changes.count && !code; i++) {
		struct diff_change *change = &place->changes[place->change_count++];

		code = describe(r, place, &changes, i, m, c->before, c->after, change);
		change->when = c->when;
		r->d->widening += !code && diff_lets_more(change->effect);
	}
	qsort(list + place->change_count - changes.count, changes.count, sizeof *list, by_weight);
	return code;
}

static enum err compare_place(struct run *r, struct diff_place *place)
{
	struct reading_set *was = reading_find(r->before, place->before),
			   *is = reading_find(r->after, place->after);
	struct flow_manager *m = flow_manager_new(DIFF_NODES_MAX);
	struct verdict_pairs pairs = {0};
	const struct circumstances *cases;
	struct comparison *all = NULL;
	size_t count = 0;
	enum err code = m ? E_OK : no_memory(r);

	if (!code && place->direction == FLOW_FORWARD)
		code = interfaces_of(r, place, &place->interfaces);
	if (!code)
		code = cases_of_both(r->before, was, r->after, is, &cases, &count, r->e);
	if (!code) {
		all = arena_calloc(&r->d->arena, count, sizeof *all);
		code = all ? E_OK : no_memory(r);
	}
	pair_of(&pairs, POLICY_VERDICT_DISCARD, POLICY_VERDICT_DISCARD);
	for (size_t i = 0; i < count && !code; i++) {
		all[i].when = &cases[i];
		code = policies_of(r, was, is, &all[i]);
		if (!code)
			code = find_pairs(r, place, m, &pairs, &all[i]);
		if (!code)
			code = add_changes(r, place, m, &pairs, all, i);
	}
	r->d->changes += place->change_count;
	free(pairs.list);
	flow_manager_free(m);
	if (code)
		error_prefix(r->e, "the sets \"%s\" and \"%s\"", place->before, place->after);
	return code;
}

enum err diff_find(struct diff *d, struct reading *before, struct reading *after, struct error *e)
{
	struct run r = {.d = d, .before = before, .after = after, .e = e};
	size_t kept = 0;
	enum err code;

	*d = (struct diff){0};
	arena_init(&d->arena, DIFF_ARENA);
	r.verdicts = policy_verdicts_new();
	code = r.verdicts ? join_roles(&r) : no_memory(&r);
	if (!code)
		code = find_places(&r);
	for (size_t i = 0; i < d->place_count && !code; i++) {
		code = compare_place(&r, &d->places[i]);
		if (d->places[i].change_count)
			d->places[kept++] = d->places[i];
	}
	d->place_count = kept;
	policy_verdicts_free(r.verdicts);
	return code;
}

void diff_fini(struct diff *d)
{
	arena_fini(&d->arena);
}
