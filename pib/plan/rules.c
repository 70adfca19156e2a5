/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/build.h"

#include <stdlib.h>
#include <string.h>

/* Where another authority has no rule, there is no PRI either. */
static struct plan_cause cause_of_rule(const struct policy_rule *rule)
{
	if (!rule->instance)
		return build_compiled_in(rule->name);
	return (struct plan_cause){
		.prid = {.class = pib_class(PIB_ipSecRule), .instance = rule->instance},
		.name = rule->name};
}

/* ---- Rules ---- */

static struct plan_counter *rule_counter(struct build *b, struct set *set,
	const struct policy_rule *rule, const struct plan_cause *cause)
{
	struct plan_counter **place = &set->counters[rule->number - 1];

	if (!*place)
		*place = writer_counter(&b->w,
			writer_name(&b->w, writer_text(&b->w, "%s/", set->name), rule->name),
			set->name, cause);
	return *place;
}

static void put_rule_log(struct build *b, struct plan_chain *chain, const struct policy_rule *rule,
	const struct plan_counter *counter)
{
	struct writer *w = &b->w;

	if (!rule->log)
		return;
	step_masked(w, PLAN_KEY_CT_STATE, STATE_NEW, STATE_NEW);
	step_log(w, writer_text(w, "copsec %s: ", counter->name));
	writer_rule(w, chain, &counter->cause);
}

/* Other authorities' limits and logs hold too; what they count is the rule's that decided. */
static void put_beside(struct build *b, const struct set *set, const char *name,
	const struct policy_rule *rule, struct plan_chain *chain, struct plan_chain **place)
{
	for (const struct policy_rule *other = rule->beside; other; other = other->beside) {
		struct plan_counter counter = {
			.name = writer_text(&b->w, "%s/%s", set->name, other->name),
			.roles = set->name,
			.cause = build_keep_cause(b, cause_of_rule(other)),
		};

		*place = build_limits(
			b, writer_text(&b->w, "%s-%s", name, other->name), other, &counter, *place);
		put_rule_log(b, chain, other, &counter);
	}
}

static enum policy_answer answer_of(const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind == POLICY_STEP_DISCARD)
			return rule->steps[i].answer;
	return POLICY_SILENCE;
}

static void put_discard(struct build *b, struct plan_chain *chain, const struct policy_rule *rule,
	const struct plan_counter *counter)
{
	struct writer *w = &b->w;
	uint32_t others = ~b->plan->marks.mask;
	enum policy_answer answer = answer_of(rule);

	b->answers |= answer != POLICY_SILENCE;
	if (answer == POLICY_RESET) {
		step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_TCP);
		step_ct_mark(w, others, 0);
		step_count(w, counter);
		step_reject(w, PLAN_RESET);
		writer_rule(w, chain, &counter->cause);
	}
	step_ct_mark(w, others, 0);
	step_count(w, counter);
	if (answer == POLICY_SILENCE)
		step_drop(w);
	else
		step_reject(w, PLAN_UNREACHABLE);
	writer_rule(w, chain, &counter->cause);
}

/* The chain that carries out a rule's action. */
static struct plan_chain *rule_leaf(struct build *b, struct set *set, enum stage stage,
	const struct policy_rule *rule, enum leg leg)
{
	struct plan_chain **place = &set->leaves[stage][leg][rule->number - 1];
	struct writer *w = &b->w;
	const struct marks *m = &b->plan->marks;
	struct plan_cause cause;
	struct plan_counter *counter;
	struct protecting *p = NULL;
	struct plan_chain *chain;
	const char *name;
	uint32_t mark = 0;

	if (*place)
		return *place;
	cause = build_keep_cause(b, cause_of_rule(rule));
	counter = rule_counter(b, set, rule, &cause);
	if (rule->action == POLICY_PROTECT) {
		p = &b->protecting[set->numbers[rule->protection->number - 1] - 1];
		mark = marks_value(m, p->plan->number, leg == LEG_CAME);
	}
	name = writer_text(w, "%s%s%s/%s", build_stage_names[stage],
		stage == STAGE_FORWARD && p ? "-" : "",
		stage == STAGE_FORWARD && p ? build_leg_names[leg] : "", counter->name);
	chain = writer_chain(w, PLAN_HOOK_NONE, name);
	*place = build_limits(b, name, rule, counter, chain);
	put_rule_log(b, chain, rule, counter);
	put_beside(b, set, name, rule, chain, place);
	if (rule->incomparable)
		writer_conflict(w, set->source->roles, &cause);
	if (p && stage == STAGE_IN) {
		step_mark(w, ~m->flow, mark);
		writer_rule(w, chain, &cause);
	}
	if (p && leg == LEG_OUT) {
		step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_TCP);
		step_masked(w, PLAN_KEY_TCP_FLAGS, TCP_SYN, TCP_SYN);
		step_clamp(w);
		writer_rule(w, chain, &cause);
	}
	if (p && p->plan->required)
		step_is(w, leg == LEG_OUT ? PLAN_KEY_IPSEC_OUT : PLAN_KEY_IPSEC_IN, p->plan->reqid);
	if (rule->action == POLICY_DISCARD) {
		put_discard(b, chain, rule, counter);
		return *place;
	}
	step_ct_mark(w, ~m->mask, rule->stateful ? mark | m->passed : 0);
	step_count(w, counter);
	step_accept(w);
	writer_rule(w, chain, &cause);
	if (p && p->plan->required) {
		step_count(w, p->refused);
		step_drop(w);
		writer_rule(w, chain, &cause);
	}
	return *place;
}

/* ---- Diagrams become chains ---- */

/* What a diagram's leaf number means. */
struct leaf_context {
	struct build *b;
	struct set *set;
	enum stage stage;
};

static const struct policy_rule *numbered_rule(
	const struct set *set, uint32_t number, enum leg *leg)
{
	const struct policy *policy = set->policy;

	*leg = LEG_OUT;
	if (number > policy->rule_count) {
		number -= (uint32_t)policy->rule_count;
		*leg = LEG_CAME;
	}
	return number > 0 ? &policy->rules[number - 1] : NULL;
}

/* A marking stage's number for a rule's: twice that of its protection, one more where packets come
 * from the protected side; 0 for no protection. */
static uint32_t rule_mark(void *context, uint32_t number, uint32_t unused)
{
	struct leaf_context *c = context;
	enum leg leg;
	const struct policy_rule *rule = numbered_rule(c->set, number, &leg);

	(void)unused;
	if (!rule || rule->action != POLICY_PROTECT)
		return 0;
	return c->set->numbers[rule->protection->number - 1] << 1 | (leg == LEG_CAME);
}

struct leaf {
	enum plan_step_kind verdict;
	const struct plan_chain *chain;
};

static struct leaf diagram_leaf(struct leaf_context *c, uint32_t number)
{
	const struct policy_rule *rule;
	enum leg leg;

	if (c->stage >= STAGE_MARK_OUT) {
		if (number == 0)
			return (struct leaf){PLAN_ACCEPT, NULL};
		return (struct leaf){PLAN_GOTO,
			build_known_chain(c->b, c->stage, &c->b->protecting[(number >> 1) - 1],
				number & 1 ? LEG_CAME : LEG_OUT)};
	}
	rule = numbered_rule(c->set, number, &leg);
	if (!rule)
		return (struct leaf){PLAN_GOTO, c->b->drop_no_rule};
	if (c->stage == STAGE_IN)
		leg = LEG_CAME;
	else if (c->stage == STAGE_FORWARD && rule->action != POLICY_PROTECT)
		leg = LEG_OUT;
	return (struct leaf){PLAN_GOTO, rule_leaf(c->b, c->set, c->stage, rule, leg)};
}

static uint32_t family_number(struct flow_value v)
{
	return v.low == FLOW_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
}

struct node_key {
	enum plan_key key;
	uint32_t mask;
	unsigned shift; /* of the value within the key */
};

static struct node_key node_key(const struct flow_node *node)
{
	bool six = node->family == FLOW_IPV6;

	switch (node->field) {
	case FLOW_FAMILY:
		return (struct node_key){PLAN_KEY_FAMILY, 0, 0};
	case FLOW_SOURCE:
		return (struct node_key){six ? PLAN_KEY_SOURCE6 : PLAN_KEY_SOURCE4, 0, 0};
	case FLOW_DESTINATION:
		return (struct node_key){six ? PLAN_KEY_DESTINATION6 : PLAN_KEY_DESTINATION4, 0, 0};
	case FLOW_PROTOCOL:
		return (struct node_key){PLAN_KEY_PROTOCOL, 0, 0};
	case FLOW_SOURCE_PORT:
		return (struct node_key){PLAN_KEY_SOURCE_PORT, 0, 0};
	case FLOW_DESTINATION_PORT:
		return (struct node_key){PLAN_KEY_DESTINATION_PORT, 0, 0};
	case FLOW_ICMP_TYPE:
		return (struct node_key){PLAN_KEY_ICMP_TYPE, 0, 0};
	case FLOW_ICMP_CODE:
		return (struct node_key){PLAN_KEY_ICMP_CODE, 0, 0};
	case FLOW_DSCP:
		return six ? (struct node_key){PLAN_KEY_DSCP6, 0x0fc0, 6}
			   : (struct node_key){PLAN_KEY_DSCP4, 0xfc, 2};
	case FLOW_LABEL:
		return (struct node_key){PLAN_KEY_LABEL, 0x0fffff, 0};
	case FLOW_DIRECTION:
	case FLOW_IN_ROLE:
	case FLOW_OUT_ROLE:
	case FLOW_FIELDS:
		break;
	}
	return (struct node_key){PLAN_KEY_COUNT, 0, 0};
}

static struct plan_value edge_value(
	const struct flow_node *node, struct node_key k, struct flow_value v)
{
	struct plan_value value = {{0}};

	if (node->field == FLOW_SOURCE || node->field == FLOW_DESTINATION) {
		uint8_t octets[16];

		flow_address_octets(v, octets);
		memcpy(value.octets, octets, plan_key_forms[k.key].width);
		return value;
	}
	if (node->field == FLOW_FAMILY)
		return plan_number(k.key, family_number(v));
	return plan_number(k.key, (uint32_t)v.low << k.shift);
}

static void put_leaf(
	struct writer *w, struct plan_chain *chain, struct leaf to, const struct plan_cause *cause)
{
	if (to.chain)
		step_goto(w, to.chain);
	else
		step_accept(w);
	writer_rule(w, chain, cause);
}

/* A chain that goes by the value of one key. */
struct fork {
	struct plan_chain *chain;
	struct node_key key;
	struct plan_element *elements;
	size_t count;
	struct leaf otherwise;
};

static void put_fork(struct leaf_context *c, const struct fork *f, const struct plan_cause *cause)
{
	struct writer *w = &c->b->w;

	if (f->count > NODE_EDGES_AS_RULES) {
		step_map(w, f->key.key, f->key.mask, f->elements, f->count);
		writer_rule(w, f->chain, cause);
	} else {
		for (size_t i = 0; i < f->count; i++) {
			const struct plan_element *e = &f->elements[i];

			step_value(w, f->key.key, f->key.mask, e->low, e->high);
			put_leaf(w, f->chain, (struct leaf){e->verdict, e->chain}, cause);
		}
	}
	put_leaf(w, f->chain, f->otherwise, cause);
}

/* One value in `size`, a power of two, and the same ones in every plan. */
static bool begins_part(const struct plan_value *low, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < sizeof low->octets; i++)
		hash = (hash ^ low->octets[i]) * 0x100000001b3u;
	return ((hash ^ hash >> 32) & (size - 1)) == 0;
}

/*
 * A change makes the whole map anew in which one element differs. So a fork of many ways becomes
 * two of few, one after the other: parts that have chains of their own, and a map of the parts.
 * Where a part begins depends on the value there alone, so that other parts stay as they are.
 */
static void put_split_fork(struct leaf_context *c, struct fork *f, const struct plan_cause *cause)
{
	struct fork all = *f;
	size_t size = 1, parts = 0;

	while (size * size < all.count)
		size *= 2;
	for (size_t i = 0, end; i < all.count; i = end, parts++) {
		struct plan_element part = all.elements[i];

		for (end = i + 1; end < all.count && !begins_part(&all.elements[end].low, size);)
			end++;
		if (end - i > 1) {
			f->chain = writer_chain(&c->b->w, PLAN_HOOK_NONE, all.chain->name);
			f->elements = &all.elements[i];
			f->count = end - i;
			put_fork(c, f, cause);
			part.high = all.elements[end - 1].high;
			part.verdict = PLAN_GOTO;
			part.chain = f->chain;
		}
		/* Those before have been copied. */
		all.elements[parts] = part;
	}
	all.count = parts;
	put_fork(c, &all, cause);
}

static void put_node(struct leaf_context *c, struct plan_chain *chain, const struct flow_node *node,
	struct plan_chain *const *chains, struct plan_element *elements,
	const struct plan_cause *cause)
{
	struct fork f = {.chain = chain,
		.key = node_key(node),
		.elements = elements,
		.count = node->edge_count};

	if (f.key.key == PLAN_KEY_COUNT) {
		c->b->w.error = E_BUG;
		return;
	}
	for (size_t i = 0; i < node->edge_count; i++) {
		const struct flow_edge *edge = &node->edges[i];
		struct leaf to = edge->to.leaf ? diagram_leaf(c, edge->to.number)
					       : (struct leaf){PLAN_GOTO, chains[edge->to.number]};

		elements[i] = (struct plan_element){.low = edge_value(node, f.key, edge->low),
			.high = edge_value(node, f.key, edge->high),
			.verdict = to.verdict,
			.chain = to.chain};
	}
	f.otherwise = node->otherwise.leaf
			      ? diagram_leaf(c, node->otherwise.number)
			      : (struct leaf){PLAN_GOTO, chains[node->otherwise.number]};
	if (f.count > NODE_EDGES_SPLIT)
		put_split_fork(c, &f, cause);
	else
		put_fork(c, &f, cause);
}

/* The chain that `diagram` begins with. */
static struct plan_chain *put_diagram(
	struct leaf_context *c, flow_ref diagram, const char *name, const struct plan_cause *cause)
{
	struct build *b = c->b;
	struct writer *w = &b->w;
	struct flow_walk walk;
	struct plan_chain **chains;
	struct plan_element *elements;
	struct plan_chain *root;
	size_t most = 0;

	if (w->error || (w->error = flow_walk_init(&walk, b->diagrams, diagram)) != E_OK)
		return &w->spare_chain;
	if (walk.node_count == 0) {
		struct leaf only = diagram_leaf(c, walk.root.number);

		root = writer_chain(w, PLAN_HOOK_NONE, name);
		put_leaf(w, root, only, cause);
		flow_walk_fini(&walk);
		return root;
	}
	for (size_t i = 0; i < walk.node_count; i++)
		if (walk.nodes[i].edge_count > most)
			most = walk.nodes[i].edge_count;
	chains = calloc(walk.node_count, sizeof(struct plan_chain *));
	elements = calloc(most, sizeof *elements);
	if (!chains || !elements) {
		w->error = E_MEMORY;
		root = &w->spare_chain;
	} else {
		for (size_t i = 0; i < walk.node_count; i++)
			chains[i] = writer_chain(w, PLAN_HOOK_NONE, name);
		for (size_t i = 0; i < walk.node_count && !w->error; i++)
			put_node(c, chains[i], &walk.nodes[i], chains, elements, cause);
		root = chains[0];
	}
	free(chains);
	free(elements);
	flow_walk_fini(&walk);
	return root;
}

/* The same diagram with the marks of protections for leaves. */
static struct plan_chain *put_marking(
	struct leaf_context *c, flow_ref diagram, const char *name, const struct plan_cause *cause)
{
	flow_ref marks = FLOW_NOTHING;

	if (c->b->w.error)
		return &c->b->w.spare_chain;
	c->b->w.error = flow_combine(
		c->b->diagrams, diagram, FLOW_NOTHING, rule_mark, c, &marks, c->b->error);
	return put_diagram(c, marks, name, cause);
}

static enum err own_diagram(
	struct build *b, const struct set *set, enum flow_direction direction, flow_ref *ret)
{
	if (!set->source->other_count)
		return policy_diagram(set->policy, direction, NULL, b->diagrams, ret, b->error);
	*ret = direction == FLOW_IN ? set->joint.in : set->joint.out;
	return E_OK;
}

enum err build_own_rules(struct build *b, struct set *set)
{
	struct writer *w = &b->w;
	struct leaf_context c = {.b = b, .set = set};
	struct plan_cause cause =
		build_compiled_in(writer_text(w, "rules for %s", set->source->roles));
	enum err err;
	flow_ref in, out;

	err = own_diagram(b, set, FLOW_IN, &in);
	if (!err)
		err = own_diagram(b, set, FLOW_OUT, &out);
	if (err)
		return err;
	c.stage = STAGE_IN;
	set->judge_in = put_diagram(&c, in, writer_name(w, "in-", set->source->roles), &cause);
	c.stage = STAGE_OUT;
	set->judge_out = put_diagram(&c, out, writer_name(w, "out-", set->source->roles), &cause);
	if (b->protects_out) {
		c.stage = STAGE_MARK_OUT;
		set->mark_out = put_marking(
			&c, out, writer_name(w, "mark-out-", set->source->roles), &cause);
	}
	return w->error;
}

/* ---- Transit ---- */

/* What a rule protects is protected on its way out, between out_role and the peer; so in its mirror,
 * which has its number plus the number of rules, the protected side is the one that packets come
 * from. */
static enum err transit_diagram(struct build *b, size_t in, size_t out, flow_ref *ret)
{
	const struct set *node = b->node;
	struct flow_match *matches = NULL;
	struct arena arena;
	size_t count = 0;
	enum err err;

	if (node->source->other_count) {
		*ret = node->joint.transit[in * b->role_count + out];
		return E_OK;
	}
	arena_init(&arena, PLAN_OCTETS_MAX);
	err = policy_transit_matches(node->policy, b->roles[in], b->roles[out], &arena, &matches,
		&count, b->error);
	if (!err)
		err = flow_build(b->diagrams, matches, count, ret, b->error);
	arena_fini(&arena);
	return err;
}

/* From one role combination to another. */
struct pair {
	struct plan_chain *judge;
	struct plan_chain *mark;
};

static enum err put_transit_pair(struct build *b, size_t from, size_t to, struct pair *ret)
{
	const char *in = b->roles[from], *out = b->roles[to];
	struct writer *w = &b->w;
	struct leaf_context c = {.b = b, .set = b->node, .stage = STAGE_FORWARD};
	struct plan_cause cause =
		build_compiled_in(writer_text(w, "transit from %s to %s", in, out));
	const char *name =
		writer_text(w, "%.50s.%.50s", writer_name(w, "", in), writer_name(w, "", out));
	flow_ref diagram = FLOW_NOTHING;
	enum err err = transit_diagram(b, from, to, &diagram);

	if (err)
		return err;
	ret->judge = put_diagram(&c, diagram, writer_text(w, "forward-%s", name), &cause);
	if (b->protects_forward) {
		c.stage = STAGE_MARK_FORWARD;
		ret->mark =
			put_marking(&c, diagram, writer_text(w, "mark-forward-%s", name), &cause);
	}
	return w->error;
}

struct plan_chain *build_choose_role(struct build *b, const char *roles, void *context)
{
	struct plan_chain **by_role = context;

	for (size_t i = 0; i < b->role_count; i++)
		if (strcmp(b->roles[i], roles) == 0)
			return by_role[i];
	return NULL;
}

enum err build_transit(struct build *b, const struct transit *ret)
{
	struct writer *w = &b->w;
	struct plan_chain **judge = calloc(b->role_count + 1, sizeof(struct plan_chain *));
	struct plan_chain **mark = calloc(b->role_count + 1, sizeof(struct plan_chain *));
	enum err err = judge && mark ? E_OK : E_MEMORY;

	for (size_t i = 0; i < b->role_count && !err; i++) {
		const char *in = b->roles[i];

		for (size_t j = 0; j < b->role_count && !err; j++) {
			struct pair pair = {NULL, NULL};

			err = put_transit_pair(b, i, j, &pair);
			judge[j] = pair.judge;
			mark[j] = pair.mark;
		}
		if (err)
			break;
		ret->judge_from[i] =
			writer_chain(w, PLAN_HOOK_NONE, writer_name(w, "forward-from-", in));
		build_interfaces(b, ret->judge_from[i], PLAN_KEY_OUT_NAME, build_choose_role, judge,
			b->drop_no_role);
		if (!b->protects_forward)
			continue;
		ret->mark_from[i] =
			writer_chain(w, PLAN_HOOK_NONE, writer_name(w, "mark-forward-from-", in));
		build_interfaces(
			b, ret->mark_from[i], PLAN_KEY_FIB_OUT_NAME, build_choose_role, mark, NULL);
	}
	free(judge);
	free(mark);
	return err;
}
