/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/warn.h"

#include <stdlib.h>
#include <string.h>

#include "pib/flow/lists.h"
#include "pib/policy/verdicts.h"
#include "pmt/compiler/cases.h"
#include "pmt/compiler/reading.h"
#include "pmt/compiler/region.h"

enum {
	RULE_NAME_MAX = 255,
	REGIONS_ARENA = 256 << 20,
	DECIDERS_SHOWN = 3,
	MEETINGS_MAX = 256,      /* of rules of one set with those of another, that are told of */
	ENDS_NODES_MAX = 1 << 20 /* of the diagrams in which ends are compared */
};

/* Two rules that do not fit, of these sets. */
struct told {
	const char *start, *end, *from, *to;
	struct told *next;
};

struct warning_run {
	const struct model *m;
	struct diagnostics *d;
	struct error *e;
	struct arena arena;
	struct reading reading;
	const struct model_rule **by_name; /* sorted */
	bool *present, *reached, *needed;  /* of by_name */
	bool *answered;                    /* some other end protects flows of this rule too */
	struct lonely *lonely;             /* this one has no rule for them */
	struct told *told;
};

struct lonely {
	const struct policy_rule *rule; /* NULL: none */
	const char *roles;
	struct flow sample;
};

static enum err no_memory(struct warning_run *r)
{
	return error_set(r->e, E_MEMORY, "out of memory");
}

/* --- rules by name --- */

static int compare_names(const void *a, const void *b)
{
	const struct model_rule *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static enum err sort_rules(struct warning_run *r)
{
	const size_t count = r->m->rule_count;

	r->by_name = arena_calloc(&r->arena, count + 1, sizeof(struct model_rule *));
	r->present = arena_calloc(&r->arena, count + 1, sizeof *r->present);
	r->reached = arena_calloc(&r->arena, count + 1, sizeof *r->reached);
	r->needed = arena_calloc(&r->arena, count + 1, sizeof *r->needed);
	r->answered = arena_calloc(&r->arena, count + 1, sizeof *r->answered);
	r->lonely = arena_calloc(&r->arena, count + 1, sizeof *r->lonely);
	if (!r->by_name || !r->present || !r->reached || !r->needed || !r->answered || !r->lonely)
		return no_memory(r);
	for (size_t i = 0; i < count; i++)
		r->by_name[i] = r->m->rules[i];
	if (count)
		qsort(r->by_name, count, sizeof(struct model_rule *), compare_names);
	return E_OK;
}

/* The rule that a compiled one was made of; those of a guardian's have more in their names. */
static size_t rule_index(const struct warning_run *r, const struct policy_rule *rule)
{
	char name[RULE_NAME_MAX + 1];
	const struct model_rule wanted = {.name = name}, *key = &wanted;
	size_t len = strlen(rule->name);

	if (len > RULE_NAME_MAX)
		return r->m->rule_count;
	memcpy(name, rule->name, len + 1);
	do {
		const struct model_rule **found = bsearch(&key, r->by_name, r->m->rule_count,
			sizeof(struct model_rule *), compare_names);

		if (found)
			return (size_t)(found - r->by_name);
		while (len && name[len] != '.')
			len--;
		name[len] = '\0';
	} while (len);
	return r->m->rule_count;
}

/* NULL for what a guardian does with what no rule of its ward matched. */
static const struct model_rule *written(const struct warning_run *r, const struct policy_rule *rule)
{
	return r->by_name[rule_index(r, rule)];
}

static void put_rule(
	const struct warning_run *r, const struct policy_rule *rule, struct buffer *out)
{
	const struct model_rule *source = written(r, rule);

	buffer_put_text(out, "\"%s\"", rule->name);
	if (!source)
		return;
	buffer_put_text(out, " at ");
	place_print(r->d, source->at, out);
}

/* --- rules that never match --- */

/* Where a direction is of no concern, there is no diagram. */
static bool has_direction(const struct policy *p, enum flow_direction direction)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *rule = &p->rules[i];

		if (direction == FLOW_FORWARD
				? rule->forward
				: !rule->forward && (rule->direction == POLICY_BOTH_DIRECTIONS ||
							    (rule->direction == POLICY_IN) ==
								    (direction == FLOW_IN)))
			return true;
	}
	return false;
}

/* What a rule does, as the number of its verdict. */
struct actions {
	const struct policy *policy;
	struct policy_verdicts *verdicts;
	bool no_memory;
};

static uint32_t action_of(void *context, uint32_t number)
{
	struct actions *a = context;
	uint32_t verdict = POLICY_VERDICT_DISCARD;

	if (number && policy_verdicts_number(a->verdicts, policy_rule(a->policy, number), &verdict))
		a->no_memory = true;
	return verdict;
}

/* Without which rules something would change. */
static enum err mark_needed(
	struct warning_run *r, struct reading_set *set, enum flow_direction direction)
{
	const size_t count = set->policy->rule_count + 1;
	struct actions actions = {set->policy, policy_verdicts_new(), false};
	struct flow_manager *m = flow_manager_new(FLOW_NODES_DEFAULT);
	bool *needed = calloc(count, sizeof *needed);
	struct flow_match *matches;
	size_t match_count;
	struct arena arena;
	flow_ref diagram;
	enum err code = E_OK;

	arena_init(&arena, REGIONS_ARENA);
	if (!actions.verdicts || !m || !needed)
		code = no_memory(r);
	if (!code)
		code = policy_matches(set->policy, direction, &r->reading.roles, &arena, &matches,
			&match_count, r->e);
	if (!code)
		code = flow_build_needed(
			m, matches, match_count, action_of, &actions, &diagram, r->e);
	if (!code && (actions.no_memory || flow_numbers(m, diagram, needed, count)))
		code = no_memory(r);
	for (uint32_t n = 1; n < count && !code; n++) {
		const size_t which = rule_index(r, policy_rule(set->policy, n));

		if (which < r->m->rule_count)
			r->needed[which] |= needed[n];
	}
	arena_fini(&arena);
	flow_manager_free(m);
	policy_verdicts_free(actions.verdicts);
	free(needed);
	return code;
}

/* In one case; a shadow rule decides nothing anywhere. */
static enum err mark_direction(
	struct warning_run *r, struct reading_set *set, enum flow_direction direction)
{
	const size_t count = set->policy->rule_count + 1;
	bool *seen;
	enum err code;

	if (!has_direction(set->policy, direction))
		return E_OK;
	code = reading_diagram(&r->reading, set, direction, r->e);
	if (code)
		return code;
	seen = calloc(count, sizeof *seen);
	if (!seen || flow_numbers(set->manager[direction], set->diagram[direction], seen, count)) {
		free(seen);
		return no_memory(r);
	}
	for (uint32_t n = 1; n < count; n++) {
		size_t which = rule_index(r, policy_rule(set->policy, n));

		if (which == r->m->rule_count || r->by_name[which]->shadow)
			continue;
		r->present[which] = true;
		r->reached[which] |= seen[n];
	}
	free(seen);
	return mark_needed(r, set, direction);
}

/* Which rules have the flows of rule `number`: sets deciders[n]. */
static enum err find_deciders(struct warning_run *r, struct reading_set *set,
	enum flow_direction direction, uint32_t number, bool *deciders)
{
	const uint32_t outside = (uint32_t)set->policy->rule_count + 1;
	struct flow_match *matches;
	struct arena arena;
	size_t count;
	enum err code;

	if (!has_direction(set->policy, direction))
		return E_OK;
	code = reading_diagram(&r->reading, set, direction, r->e);
	if (code)
		return code;
	arena_init(&arena, REGIONS_ARENA);
	code = policy_matches(
		set->policy, direction, &r->reading.roles, &arena, &matches, &count, r->e);
	for (size_t i = 0; !code && i < count; i++) {
		flow_ref inside;

		if (matches[i].number != number)
			continue;
		code = flow_restrict(set->manager[direction], set->diagram[direction], &matches[i],
			outside, &inside, r->e);
		if (!code && flow_numbers(set->manager[direction], inside, deciders, outside + 1))
			code = no_memory(r);
	}
	arena_fini(&arena);
	return code;
}

/* Which rules have the flows of `which`, in all directions that it is for. */
static enum err find_all_deciders(
	struct warning_run *r, struct reading_set *set, size_t which, bool *deciders)
{
	enum err code = E_OK;

	for (uint32_t n = 1; n <= set->policy->rule_count; n++)
		for (int d = FLOW_IN; !code && d <= FLOW_FORWARD; d++)
			if (rule_index(r, policy_rule(set->policy, n)) == which)
				code = find_deciders(r, set, (enum flow_direction)d, n, deciders);
	return code;
}

static bool does_otherwise(const struct model_rule *rule, const struct policy_rule *decider)
{
	static const enum policy_action actions[] = {[VERDICT_ALLOW] = POLICY_BYPASS,
		[VERDICT_DENY] = POLICY_DISCARD,
		[VERDICT_PROTECT] = POLICY_PROTECT};

	/* What a row says is not known here. */
	if (rule->row)
		return false;
	return decider->action != actions[rule->verdict] ||
	       (rule->verdict == VERDICT_PROTECT &&
		       strcmp(decider->protection->name, rule->protections[0]->name) != 0);
}

static enum err report_unreached(struct warning_run *r, struct reading_set *set, size_t which)
{
	const size_t count = set->policy->rule_count;
	const struct model_rule *rule = r->by_name[which];
	bool *deciders = calloc(count + 2, sizeof *deciders);
	size_t total = 0, shown = 0;
	bool contradicted = false;
	struct buffer text;
	enum err code = deciders ? E_OK : no_memory(r);

	/* What will not be shown need not be known. */
	if (!code && r->d->finding_count < DIAGNOSTICS_MAX)
		code = find_all_deciders(r, set, which, deciders);
	for (uint32_t n = 1; !code && n <= count; n++)
		total += deciders[n];
	buffer_init(&text, 1 << 16);
	if (total == 0)
		buffer_put_text(&text, "there is no flow that it speaks of");
	else
		buffer_put_text(&text, "all its flows are decided before, by ");
	for (uint32_t n = 1; !code && n <= count && shown < DECIDERS_SHOWN; n++) {
		if (!deciders[n])
			continue;
		buffer_put_text(&text, "%s", shown++ ? ", " : "");
		put_rule(r, policy_rule(set->policy, n), &text);
	}
	if (shown < total)
		buffer_put_text(&text, " and %zu more", total - shown);
	for (uint32_t n = 1; !code && n <= count && !contradicted; n++)
		contradicted = deciders[n] && does_otherwise(rule, policy_rule(set->policy, n));
	if (contradicted)
		buffer_put_text(&text, "; that contradicts it");
	if (!code)
		report_warning(r->d, rule->at, "the rule \"%s\" never matches: %s", rule->name,
			buffer_string(&text));
	buffer_fini(&text);
	free(deciders);
	return code;
}

/* One that denies what would be denied anyway is a word to the reader; one that logs does that. */
static void report_needless(struct warning_run *r)
{
	for (size_t i = 0; i < r->m->rule_count; i++) {
		const struct model_rule *rule = r->by_name[i];

		if (r->present[i] && r->reached[i] && !r->needed[i] && !rule->row && !rule->log &&
			rule->verdict != VERDICT_DENY && rule->stateful && !rule->rate.count &&
			!rule->connections.count)
			report_warning(r->d, rule->at,
				"the rule \"%s\" changes nothing: without it others would do the "
				"same with all its flows",
				rule->name);
	}
}

typedef enum err case_fn(struct warning_run *r, struct reading_set *set);

/* Does it for each set in each of its cases. */
static enum err each_case(struct warning_run *r, case_fn *do_this)
{
	enum err code = E_OK;

	for (size_t i = 0; i < r->reading.set_count && !code; i++) {
		const struct circumstances *cases;
		size_t count = 0;

		code = cases_of(&r->reading, &r->reading.sets[i], &cases, &count, r->e);
		for (size_t k = 0; k < count && !code; k++) {
			struct reading_set *set;

			code = cases_set(&r->reading, &r->reading.sets[i], &cases[k], &set, r->e);
			if (!code)
				code = do_this(r, set);
		}
	}
	return code;
}

static enum err mark_set(struct warning_run *r, struct reading_set *set)
{
	enum err code = E_OK;

	for (int d = FLOW_IN; d <= FLOW_FORWARD && !code; d++)
		code = mark_direction(r, set, (enum flow_direction)d);
	return code;
}

static enum err report_set(struct warning_run *r, struct reading_set *set)
{
	enum err code = E_OK;

	for (uint32_t n = 1; n <= set->policy->rule_count && !code; n++) {
		size_t which = rule_index(r, policy_rule(set->policy, n));

		if (which == r->m->rule_count || !r->present[which] || r->reached[which])
			continue;
		r->reached[which] = true; /* once is enough */
		code = report_unreached(r, set, which);
	}
	return code;
}

static enum err find_unreached(struct warning_run *r)
{
	enum err code = each_case(r, mark_set);

	if (!code)
		report_needless(r);
	return code ? code : each_case(r, report_set);
}

/* --- the other end --- */

enum meeting_kind { END_CLEAR, END_OTHER, END_NOTHING, START_CLEAR };

/* Two rules between which a flow goes wrong. */
struct meeting {
	const struct policy_rule *start, *end; /* end NULL: none */
	enum meeting_kind kind;
	bool sampled;
	struct flow sample;
};

/* A set as one end: where its interfaces are, what leaves them and what comes in. */
struct end {
	const struct reading_set *set;
	bool protects;
	struct address_list addresses;
	const struct model_node *only; /* all of them are on this node; NULL: on several */
	struct flow_match *out, *in;
	size_t out_count, in_count;
};

struct end_read {
	struct end end;
	struct end_read *next;
};

struct ends_read {
	struct arena arena;
	struct end_read *first;
};

struct ends {
	struct warning_run *run;
	const struct policy *start, *end;
	struct meeting meetings[MEETINGS_MAX];
	size_t count;
};

/* True if the two do not fit. */
static bool disagree(struct ends *x, const struct policy_rule *start, const struct policy_rule *end,
	enum meeting_kind *ret)
{
	const bool demands = end && end->action == POLICY_PROTECT;

	if (start->action == POLICY_BYPASS) {
		*ret = START_CLEAR;
		return demands && end->protection->mode == POLICY_TRANSPORT &&
		       end->protection->demand == POLICY_REQUIRED;
	}
	if (start->action != POLICY_PROTECT || start->protection->mode != POLICY_TRANSPORT ||
		(demands && end->protection->mode != POLICY_TRANSPORT))
		return false;
	if (demands && policy_protection_equal(start->protection, end->protection)) {
		x->run->answered[rule_index(x->run, start)] = true;
		return false;
	}
	*ret = !end ? END_NOTHING : demands ? END_OTHER : END_CLEAR;
	if (*ret == END_CLEAR && start->protection->demand == POLICY_PREFERRED)
		return false;
	return !end || end->action != POLICY_DISCARD;
}

static uint32_t meet(void *context, uint32_t a, uint32_t b)
{
	struct ends *x = context;
	const struct policy_rule *start = policy_rule(x->start, a);
	const struct policy_rule *end = policy_rule(x->end, b);
	enum meeting_kind kind;

	if (!start || !disagree(x, start, end, &kind))
		return 0;
	for (size_t i = 0; i < x->count; i++)
		if (x->meetings[i].start == start && x->meetings[i].end == end)
			return (uint32_t)i + 1;
	if (x->count == MEETINGS_MAX)
		return 0;
	x->meetings[x->count++] = (struct meeting){.start = start, .end = end, .kind = kind};
	return (uint32_t)x->count;
}

static void report_meeting(struct warning_run *r, const struct meeting *met, const char *roles)
{
	const struct policy_rule *at = met->kind == START_CLEAR ? met->end : met->start;
	struct buffer text;

	buffer_init(&text, 1 << 16);
	switch (met->kind) {
	case END_CLEAR:
		buffer_put_text(&text,
			"the other end, with the roles %s, lets in in clear what "
			"this protects, by ",
			roles);
		break;
	case END_OTHER:
		buffer_put_text(&text,
			"the other end, with the roles %s, wants another protection "
			"for this, by ",
			roles);
		break;
	default:
		buffer_put_text(&text,
			"with the roles %s it is sent in clear what this wants to be "
			"protected, by ",
			roles);
	}
	if (met->kind == START_CLEAR)
		put_rule(r, met->start, &text);
	else
		put_rule(r, met->end, &text);
	if (met->sampled) {
		buffer_put_text(&text, ", for example ");
		flow_print(&text, &met->sample);
	}
	report_warning(r->d, written(r, at)->at, "%s", buffer_string(&text));
	buffer_fini(&text);
}

/* Rules that meet in several cases are told of once. */
static bool is_news(
	struct warning_run *r, const struct meeting *met, const char *from, const char *to)
{
	struct told *told;

	for (told = r->told; told; told = told->next)
		if (strcmp(told->start, met->start->name) == 0 &&
			strcmp(told->end, met->end ? met->end->name : "") == 0 &&
			strcmp(told->from, from) == 0 && strcmp(told->to, to) == 0)
			return false;
	told = arena_calloc(&r->arena, 1, sizeof *told);
	if (!told)
		return true;
	*told = (struct told){met->start->name, met->end ? met->end->name : "", from, to, r->told};
	r->told = told;
	return true;
}

static void report_lonely(struct warning_run *r, const struct lonely *l)
{
	struct buffer text;

	buffer_init(&text, 1 << 16);
	flow_print(&text, &l->sample);
	report_warning(r->d, written(r, l->rule)->at,
		"no node protects at the other end what this protects; with the roles %s there is "
		"no rule at all for it, for example %s",
		l->roles, buffer_string(&text));
	buffer_fini(&text);
}

/* Addresses of the interfaces that the set serves, as far as the policy says. */
static enum err addresses_of(struct warning_run *r, const struct reading_set *set,
	struct address_list *ret, const struct model_node **ret_only)
{
	size_t most = 0, nodes = 0;

	*ret = (struct address_list){0};
	*ret_only = NULL;
	for (size_t i = 0; i < r->m->node_count; i++) {
		most += r->m->nodes[i].addresses.count;
		for (size_t k = 0; k < r->m->nodes[i].interface_count; k++)
			most += r->m->nodes[i].interfaces[k].addresses.count;
	}
	ret->items = arena_calloc(&r->arena, most + 1, sizeof *ret->items);
	if (!ret->items)
		return no_memory(r);
	for (size_t i = 0; i < r->m->node_count; i++) {
		const struct model_node *node = &r->m->nodes[i];
		size_t before = ret->count;

		for (size_t k = 0; node->has_key && k < node->interface_count; k++) {
			const struct model_interface *interface = &node->interfaces[k];
			const struct address_list *list = &interface->addresses;

			if (strcmp(interface->roles, set->roles) != 0 ||
				strcmp(reading_set_at(&r->reading, node->name, set->roles)->name,
					set->name) != 0)
				continue;
			if (!list->count && node->interface_count == 1)
				list = &node->addresses;
			for (size_t n = 0; n < list->count; n++)
				ret->items[ret->count++] = list->items[n];
		}
		if (ret->count > before) {
			nodes++;
			*ret_only = node;
		}
	}
	if (nodes != 1)
		*ret_only = NULL;
	return E_OK;
}

static bool any_protects(const struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++)
		if (p->rules[i].action == POLICY_PROTECT && !p->rules[i].forward)
			return true;
	return false;
}

/* Two ends within the box, in a manager of their own: what it holds is gone with it. Of either list
 * only what lies in the box becomes a diagram, and that is little: the box leads from the
 * interfaces of one combination to those of another. Outside both give 0, no rule. */
static enum err compare_inside(struct warning_run *r, struct ends *x,
	const struct flow_match *start_list, size_t start_count, const struct flow_match *end_list,
	size_t end_count)
{
	struct flow_manager *m = flow_manager_new(ENDS_NODES_MAX);
	flow_ref start, end, both;
	enum err code;

	if (!m)
		return no_memory(r);
	code = flow_build(m, start_list, start_count, &start, r->e);
	if (!code)
		code = flow_build(m, end_list, end_count, &end, r->e);
	if (!code)
		code = flow_combine(m, start, end, meet, x, &both, r->e);
	for (size_t i = 0; !code && i < x->count; i++) {
		struct meeting *met = &x->meetings[i];

		if (met->sampled || flow_sample(m, both, (uint32_t)i + 1, &met->sample))
			continue;
		met->sample.direction = met->kind == START_CLEAR ? FLOW_IN : FLOW_OUT;
		met->sampled = true;
	}
	flow_manager_free(m);
	return code;
}

static enum err compare_family(struct warning_run *r, struct ends *x, const struct end *from,
	const struct end *to, enum flow_family family)
{
	struct flow_match box = {.number = 1};
	struct flow_interval one = {FLOW_VALUE(family), FLOW_VALUE(family)};

	struct flow_match *start, *end;
	size_t start_count, end_count;
	struct arena arena;
	enum err code = E_OK;

	arena_init(&arena, REGIONS_ARENA);
	box.field[FLOW_FAMILY] = flow_intervals_join(FLOW_FAMILY, &one, 1);
	if (!region_addresses(&arena, &box, FLOW_SOURCE, &from->addresses, family) ||
		!region_addresses(&arena, &box, FLOW_DESTINATION, &to->addresses, family))
		goto out;
	if (flow_restrict_matches(&arena, from->out, from->out_count, &box, &start, &start_count) ||
		flow_restrict_matches(&arena, to->in, to->in_count, &box, &end, &end_count))
		code = no_memory(r);
	else if (start_count) /* else nothing goes that way */
		code = compare_inside(r, x, start, start_count, end, end_count);
out:
	arena_fini(&arena);
	return code;
}

static enum err compare_ends(struct warning_run *r, const struct end *from, const struct end *to)
{
	struct ends *x;
	enum err code;

	if (!from->addresses.count || !to->addresses.count ||
		(from->only && from->only == to->only))
		return E_OK;
	x = calloc(1, sizeof *x);
	if (!x)
		return no_memory(r);
	x->run = r;
	x->start = from->set->policy;
	x->end = to->set->policy;
	code = compare_family(r, x, from, to, FLOW_IPV6);
	if (!code)
		code = compare_family(r, x, from, to, FLOW_IPV4);
	for (size_t i = 0; !code && i < x->count; i++) {
		const struct meeting *met = &x->meetings[i];

		if (met->kind == END_NOTHING)
			r->lonely[rule_index(r, met->start)] =
				(struct lonely){met->start, to->set->name, met->sample};
		else if (is_news(r, met, from->set->name, to->set->name))
			report_meeting(r, met,
				met->kind == START_CLEAR ? from->set->name : to->set->name);
	}
	free(x);
	return code;
}

static enum err read_end(
	struct warning_run *r, struct arena *arena, const struct reading_set *set, struct end *ret)
{
	enum err code;

	ret->set = set;
	ret->protects = any_protects(set->policy);
	code = addresses_of(r, set, &ret->addresses, &ret->only);
	if (!code)
		code = policy_matches(set->policy, FLOW_OUT, &r->reading.roles, arena, &ret->out,
			&ret->out_count, r->e);
	if (!code)
		code = policy_matches(set->policy, FLOW_IN, &r->reading.roles, arena, &ret->in,
			&ret->in_count, r->e);
	return code;
}

/* The end that a set is in some case, read once. */
static enum err end_of(struct warning_run *r, struct ends_read *all,
	const struct reading_set *set, const struct end **ret)
{
	struct end_read *one;
	enum err code;

	for (one = all->first; one; one = one->next)
		if (one->end.set == set) {
			*ret = &one->end;
			return E_OK;
		}
	one = arena_calloc(&all->arena, 1, sizeof *one);
	code = one ? read_end(r, &all->arena, set, &one->end) : no_memory(r);
	if (code)
		return code;
	one->next = all->first;
	all->first = one;
	*ret = &one->end;
	return E_OK;
}

/* Of two sets, whenever the same rules are there. */
static enum err compare_sets(struct warning_run *r, struct ends_read *all,
	struct reading_set *from, struct reading_set *to)
{
	struct reading *reading = &r->reading;
	const struct circumstances *cases;
	size_t count = 0;
	enum err code = cases_of_both(reading, from, reading, to, &cases, &count, r->e);

	for (size_t i = 0; i < count && !code; i++) {
		struct reading_set *start_set, *end_set;
		const struct end *start, *end;

		code = cases_set(reading, from, &cases[i], &start_set, r->e);
		if (!code)
			code = cases_set(reading, to, &cases[i], &end_set, r->e);
		if (!code)
			code = end_of(r, all, start_set, &start);
		if (!code)
			code = end_of(r, all, end_set, &end);
		if (!code && (start->protects || end->protects))
			code = compare_ends(r, start, end);
	}
	return code;
}

static enum err find_ends(struct warning_run *r)
{
	const size_t count = r->reading.set_count;
	struct ends_read all = {0};
	enum err code = E_OK;

	arena_init(&all.arena, SIZE_MAX);
	for (size_t i = 0; i < count && !code; i++)
		for (size_t k = 0; k < count && !code; k++)
			code = compare_sets(r, &all, &r->reading.sets[i], &r->reading.sets[k]);
	for (size_t i = 0; i < r->m->rule_count && !code; i++)
		if (r->lonely[i].rule && !r->answered[i])
			report_lonely(r, &r->lonely[i]);
	arena_fini(&all.arena);
	return code;
}

/* --- groups --- */

static void report_groups(struct warning_run *r)
{
	for (size_t i = 0; i < r->m->group_count; i++) {
		const struct model_group *group = &r->m->groups[i];

		if (group->directory && !group->granted)
			report_warning(r->d, group->at,
				"no delegation lets a directory fill the group \"%s\": nobody will be "
				"in it%s",
				group->name,
				group->addresses.count ? " but whom it names here" : "");
	}
}

enum err warn_find(
	const struct model *m, struct view bundle, struct diagnostics *d, struct error *e)
{
	static enum err (*const finders[])(struct warning_run * r) = {find_unreached, find_ends};
	struct warning_run r = {.m = m, .d = d, .e = e};
	enum err code;

	arena_init(&r.arena, REGIONS_ARENA);
	code = reading_init(&r.reading, bundle, e);
	if (!code)
		code = sort_rules(&r);
	report_groups(&r);
	for (size_t i = 0; i < sizeof finders / sizeof *finders && !code; i++) {
		code = finders[i](&r);
		if (code == E_LIMIT)
			code = E_OK;
	}
	reading_fini(&r.reading);
	arena_fini(&r.arena);
	return code;
}
