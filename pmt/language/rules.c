/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include <stdio.h>
#include <string.h>

static void check_directions(struct builder *b, const struct element *el, struct model_rule *rule)
{
	if (rule->both && (rule->in || rule->out))
		report_error(
			b->d, element_place(el, ATTRIBUTE_BOTH), "both means in and out already");
	if (rule->in || rule->out || rule->forward || rule->both) {
		if (!rule->forward && (rule->in_role || rule->out_role))
			report_error(b->d,
				element_place(
					el, rule->in_role ? ATTRIBUTE_IN_ROLE : ATTRIBUTE_OUT_ROLE),
				"only a forward rule has in-role and out-role");
	} else if (rule->verdict == VERDICT_DENY) {
		rule->forward = true;
		rule->in = rule->out = !rule->in_role && !rule->out_role;
	} else {
		report_error(
			b->d, el->at, "<%s> needs a direction: in, out, forward or both", el->name);
	}
}

const char *role_of(struct builder *b, const struct element *el, enum attribute_id id)
{
	const struct attribute *a = element_attribute(el, id);

	if (!a)
		return NULL;
	refer(b, &b->places, view_of_string(a->value), a->value_at, 1u << KIND_ROLE, "role");
	return a->value;
}

/* Where the tunnel ends. */
static void resolve_via(struct builder *b, const struct element *el, struct model_rule *rule)
{
	const struct attribute *a = element_attribute(el, ATTRIBUTE_VIA);
	const struct model_protection *first = rule->protection_count ? rule->protections[0] : NULL;
	const struct model_node *node;
	struct named *n;
	struct error e;

	rule->via_guardian = first && first->tunnel && !a;
	if (first && !first->tunnel && a)
		report_error(
			b->d, a->value_at, "the protection \"%s\" is no tunnel", first->name);
	if (!a || !parse_address(view_of_string(a->value), &rule->via, &e))
		return;
	n = refer(b, &b->places, view_of_string(a->value), a->value_at, 1u << KIND_NODE, "node");
	node = n ? n->object : NULL;
	if (!node)
		return;
	if (node->addresses.count != 1)
		report_error(b->d, a->value_at,
			"the node \"%s\" has %zu addresses; write the one meant", node->name,
			node->addresses.count);
	else
		rule->via = node->addresses.items[0];
}

static void resolve_protections(
	struct builder *b, const struct element *el, struct model_rule *rule)
{
	struct words w = words_of(el, ATTRIBUTE_WITH);

	rule->protections =
		take(b, count_words(el, ATTRIBUTE_WITH), sizeof(struct model_protection *));
	while (rule->protections && words_next(&w)) {
		struct named *n = refer(
			b, &b->protections, w.word, w.at, 1u << KIND_PROTECTION, "protection");
		const struct model_protection *p = n ? n->object : NULL;

		for (size_t i = 0; p && i < rule->protection_count; i++)
			if (rule->protections[i] == p) {
				report_error(b->d, w.at, "the protection \"%s\" stands here twice",
					p->name);
				p = NULL;
			}
		if (p && rule->protection_count && p->tunnel != rule->protections[0]->tunnel)
			report_error(b->d, w.at,
				"of several protections all are tunnels or none: \"%s\" is %s, "
				"\"%s\" is %s",
				rule->protections[0]->name, p->tunnel ? "none" : "one", p->name,
				p->tunnel ? "one" : "none");
		else if (p)
			rule->protections[rule->protection_count++] = p;
	}
	for (size_t i = 0; i + 1 < rule->protection_count; i++)
		if (rule->protections[i]->preferred)
			report_error(b->d, element_place(el, ATTRIBUTE_WITH),
				"the protection \"%s\" is only preferred: nothing behind it is tried",
				rule->protections[i]->name);
	resolve_via(b, el, rule);
}

/* --- limits --- */

static enum limit_scope scope_of(const struct element *el, enum attribute_id id)
{
	const char *word = element_value(el, id);

	if (word && strcmp(word, "source") == 0)
		return LIMIT_OF_SOURCE;
	return word && strcmp(word, "destination") == 0 ? LIMIT_OF_DESTINATION : LIMIT_OF_RULE;
}

/* A word that qualifies another says nothing without it. */
static void check_needs(struct builder *b, const struct element *el, enum attribute_id id,
	enum attribute_id needed)
{
	if (element_attribute(el, id) && !element_attribute(el, needed))
		report_error(b->d, element_place(el, id), "%s without %s says nothing",
			grammar_attribute_name(id), grammar_attribute_name(needed));
}

static void read_limits(struct builder *b, const struct element *el, struct model_rule *rule)
{
	const struct attribute *rate = element_attribute(el, ATTRIBUTE_RATE);
	const struct attribute *burst = element_attribute(el, ATTRIBUTE_BURST);
	const struct attribute *connections = element_attribute(el, ATTRIBUTE_CONNECTIONS);
	bool good = true;
	struct error e;

	if (rate)
		good = !parse_rate(view_of_string(rate->value), &rule->rate.count,
			&rule->rate.seconds, &e);
	if (burst)
		good = good && !parse_count(view_of_string(burst->value), &rule->rate.burst, &e);
	if (connections)
		good = good && !parse_count(view_of_string(connections->value),
				       &rule->connections.count, &e);
	if (!good)
		report_error(b->d, el->at, "%s", e.text);
	rule->rate.scope = scope_of(el, ATTRIBUTE_RATE_FOR);
	rule->connections.scope = scope_of(el, ATTRIBUTE_CONNECTIONS_FOR);
	check_needs(b, el, ATTRIBUTE_BURST, ATTRIBUTE_RATE);
	check_needs(b, el, ATTRIBUTE_RATE_FOR, ATTRIBUTE_RATE);
	check_needs(b, el, ATTRIBUTE_CONNECTIONS_FOR, ATTRIBUTE_CONNECTIONS);
}

/* --- a rule --- */

static const struct model_schedule *schedule_of(struct builder *b, const struct element *el)
{
	const struct attribute *when = element_attribute(el, ATTRIBUTE_WHEN);
	struct named *n = NULL;

	if (when)
		n = refer(b, &b->schedules, view_of_string(when->value), when->value_at,
			1u << KIND_SCHEDULE, "schedule");
	return n ? n->object : NULL;
}

/* `offer` NULL: it stands in none. */
static void build_rule(struct builder *b, const struct element *el, struct model_block *block,
	const struct model_offer *offer)
{
	struct model_rule *rule = &block->rules[block->rule_count];

	define(b, &b->rules, el, KIND_RULE, rule);
	if (el->faulty)
		return;
	rule->name = element_value(el, ATTRIBUTE_NAME);
	rule->at = el->at;
	rule->verdict = el->rule->kind == ELEMENT_ALLOW  ? VERDICT_ALLOW
			: el->rule->kind == ELEMENT_DENY ? VERDICT_DENY
							 : VERDICT_PROTECT;
	rule->in = element_yes(el, ATTRIBUTE_IN);
	rule->out = element_yes(el, ATTRIBUTE_OUT);
	rule->forward = element_yes(el, ATTRIBUTE_FORWARD);
	rule->both = element_yes(el, ATTRIBUTE_BOTH);
	rule->in_role = role_of(b, el, ATTRIBUTE_IN_ROLE);
	rule->out_role = role_of(b, el, ATTRIBUTE_OUT_ROLE);
	rule->schedule = schedule_of(b, el);
	rule->offer = offer;
	rule->log = element_yes(el, ATTRIBUTE_LOG);
	rule->shadow = element_yes(el, ATTRIBUTE_SHADOW);
	rule->stateful = rule->verdict == VERDICT_DENY || element_yes(el, ATTRIBUTE_STATEFUL);
	rule->from = addresses_of_peers_but(b, el, ATTRIBUTE_FROM, ATTRIBUTE_EXCEPT_FROM);
	rule->to = addresses_of_peers_but(b, el, ATTRIBUTE_TO, ATTRIBUTE_EXCEPT_TO);
	rule->traffic = traffic_of_services(b, el);
	read_limits(b, el, rule);
	if (rule->verdict == VERDICT_PROTECT)
		resolve_protections(b, el, rule);
	check_directions(b, el, rule);
	check_families(b, el, &rule->from, &rule->to);
	b->m->rules[b->m->rule_count++] = rule;
	block->rule_count++;
}

/*
 * A rule that is written as a row. Without copsecRule it has no name; and two may have the same one,
 * as the same rule of two sets has.
 */
static void build_row_rule(struct builder *b, const struct model_row *row, struct model_block *block)
{
	struct model_rule *rule = &block->rules[block->rule_count++];
	const struct model_value *name =
		row->extension ? &row->extension->values[copsecRuleName - 1] : NULL;

	*rule = (struct model_rule){.at = row->at, .row = row, .name = ""};
	if (!name || name->kind != VALUE_OCTETS || !name->octets.len)
		return;
	rule->name = (const char *)arena_copy(&b->m->arena, name->octets).data;
	if (!rule->name) {
		b->no_memory = true;
		rule->name = "";
		return;
	}
	if (names_find(&b->rules, name->octets))
		return;
	*names_add(&b->rules, rule->name) = (struct named){
		.name = rule->name, .at = name->at, .kind = KIND_RULE, .object = rule};
	b->m->rules[b->m->rule_count++] = rule;
}

/* Only one enforcer can open a secret, and only it is to have it. */
static void check_secret(
	struct builder *b, const struct model_row *row, const struct model_block *block)
{
	const struct model_value *key;
	const struct model_node *node;

	if (row->class->id != PIB_copsecSecret)
		return;
	if (block->node_count != 1) {
		report_error(b->d, row->at,
			"a secret is for one node: it stands in <rules node=\"...\">");
		return;
	}
	node = block->nodes[0];
	key = &row->values[copsecSecretKey - 1];
	if (!node->has_seal)
		report_error(b->d, row->at,
			"the node \"%s\" has no key that secrets could be sealed to: its seal is "
			"missing",
			node->name);
	else if (key->kind == VALUE_OCTETS &&
		 !view_equal(key->octets, VIEW(node->seal.sha256, PIN_SIZE)))
		report_error(b->d, key->at, "this is not the seal of the node \"%s\"", node->name);
}

/* Rows besides rules, by themselves or in a list. */
static void build_row(struct builder *b, const struct element *el, struct model_block *block)
{
	if (el->row) {
		if (!el->faulty)
			check_secret(b, el->row, block);
		block->rows[block->row_count++] = el->row;
	}
	for (const struct element *row = el->first_child; !el->row && row; row = row->next)
		if (row->row)
			block->rows[block->row_count++] = row->row;
}

/* The rules without a name of this role or node are counted here. */
static size_t *counter_of(struct builder *b, const struct model_block *block, const char **ret_name)
{
	const struct model_role *role = block->role_count ? block->roles[0] : NULL;
	struct named *n;

	if (role == &b->m->everybody) {
		*ret_name = "all";
		return &b->m->everybody.rule_count;
	}
	if (!role && !block->node_count)
		return NULL;
	*ret_name = role ? role->name : block->nodes[0]->name;
	n = names_find(&b->places, view_of_string(*ret_name));
	if (!n || !n->object)
		return NULL;
	return role ? &((struct model_role *)n->object)->rule_count
		    : &((struct model_node *)n->object)->rule_count;
}

/* NAME-N: the N-th rule that the first role or node of its block gets. */
static void name_rule(struct builder *b, const struct model_block *block, struct model_rule *rule)
{
	char name[NAME_LENGTH_MAX + 24];
	const char *owner;
	size_t *count = counter_of(b, block, &owner);
	struct named *n;

	if (!count)
		return;
	++*count;
	if (rule->name || rule->row)
		return;
	snprintf(name, sizeof name, "%s-%zu", owner, *count);
	rule->name = keep(b, name);
	if (!rule->name)
		return;
	n = names_find(&b->rules, view_of_string(rule->name));
	if (n)
		report_error(b->d, n->at,
			"the name \"%s\" is what the rule without a name gets that is number %zu "
			"of the %s \"%s\"",
			name, *count, block->node_count ? "node" : "role", owner);
	else
		*names_add(&b->rules, rule->name) = (struct named){
			.name = rule->name, .at = rule->at, .kind = KIND_RULE, .object = rule};
}

void name_rules(struct builder *b)
{
	for (size_t i = 0; i < b->m->block_count; i++)
		for (size_t r = 0; r < b->m->blocks[i].rule_count; r++)
			name_rule(b, &b->m->blocks[i], &b->m->blocks[i].rules[r]);
}

/* Home's rules stand in sets that are named by their roles, others' in sets for whoever has them. */
static const struct model_role *everybody(struct builder *b, struct place at)
{
	if (b->m->authority == AUTHORITY_HOME)
		report_error(b->d, at, "home's rules are for roles that it names");
	return &b->m->everybody;
}

static uint32_t seconds_of(const struct element *el, enum attribute_id id)
{
	const struct attribute *a = element_attribute(el, id);
	uint32_t seconds = 0;
	struct error e;

	return a && !parse_duration(view_of_string(a->value), &seconds, &e) ? seconds : 0;
}

static const struct model_offer *new_offer(struct builder *b, const struct element *el)
{
	struct model_offer *offer = &b->m->offers[b->m->offer_count];

	define(b, &b->offers, el, KIND_OFFER, offer);
	if (el->faulty)
		return NULL;
	offer->name = element_value(el, ATTRIBUTE_NAME);
	offer->at = el->at;
	offer->about = element_value(el, ATTRIBUTE_ABOUT);
	offer->longest = seconds_of(el, ATTRIBUTE_FOR);
	offer->usual = seconds_of(el, ATTRIBUTE_USUAL);
	offer->across_boot = element_yes(el, ATTRIBUTE_ACROSS_BOOT);
	if (!offer->about)
		report_error(b->d, el->at, "<offer> needs the attribute about");
	if (offer->longest && offer->usual > offer->longest)
		report_error(b->d, element_place(el, ATTRIBUTE_USUAL),
			"the offer would usually be on for longer than it may");
	b->m->offer_count++;
	return offer;
}

static void build_offer(struct builder *b, const struct element *el, struct model_block *block)
{
	const struct attribute *name = element_attribute(el, ATTRIBUTE_NAME);
	struct named *begun = name ? names_find(&b->offers, view_of_string(name->value)) : NULL;
	const struct model_offer *offer =
		begun && el->attribute_count == 1 ? begun->object : new_offer(b, el);

	if (!el->first_child)
		report_error(b->d, el->at, "the offer has no rules here");
	for (const struct element *child = el->first_child; child; child = child->next)
		if (child->rule)
			build_rule(b, child, block, offer);
}

static void build_child(struct builder *b, const struct element *el, struct model_block *block)
{
	if (el->rule->kind == ELEMENT_OFFER)
		build_offer(b, el, block);
	else if (el->rule->kind != ELEMENT_ROW && el->rule->kind != ELEMENT_LIST)
		build_rule(b, el, block, NULL);
	else if (el->row && el->class->id == PIB_ipSecRule && !el->faulty)
		build_row_rule(b, el->row, block);
	else
		build_row(b, el, block);
}

static void block_roles(struct builder *b, const struct element *el, struct model_block *block)
{
	struct words w = words_of(el, ATTRIBUTE_FOR);

	block->roles = take(b, count_words(el, ATTRIBUTE_FOR), sizeof *block->roles);
	while (block->roles && words_next(&w)) {
		struct named *n;

		if (view_equal(w.word, view_of_string("*"))) {
			block->roles[block->role_count++] = everybody(b, w.at);
			continue;
		}
		n = refer(b, &b->places, w.word, w.at, 1u << KIND_ROLE, "role");
		if (n && n->object)
			block->roles[block->role_count++] = n->object;
	}
}

static void block_nodes(struct builder *b, const struct element *el, struct model_block *block)
{
	struct words w = words_of(el, ATTRIBUTE_NODE);

	block->nodes = take(b, count_words(el, ATTRIBUTE_NODE), sizeof *block->nodes);
	while (block->nodes && words_next(&w)) {
		struct named *n = refer(b, &b->places, w.word, w.at, 1u << KIND_NODE, "node");
		const struct model_node *node = n ? n->object : NULL;

		if (node && !node->has_key && !node->guardian)
			report_error(b->d, w.at,
				"the node \"%s\" has neither a key nor a guardian: nobody enforces "
				"its rules",
				node->name);
		else if (node)
			block->nodes[block->node_count++] = node;
	}
	if (block->node_count && b->m->authority != AUTHORITY_HOME)
		report_error(b->d, element_place(el, ATTRIBUTE_NODE),
			"only home has rules for single nodes");
}

/* Does a node of its own key have these rules? Then a tunnel needs an end that is written. */
static bool is_for_keys(const struct builder *b, const struct model_block *block)
{
	for (size_t i = 0; i < block->node_count; i++)
		if (block->nodes[i]->has_key)
			return true;
	for (size_t n = 0; n < b->m->node_count; n++) {
		const struct model_node *node = &b->m->nodes[n];

		for (size_t i = 0; node->has_key && i < block->role_count; i++)
			if (node_has_role(node, block->roles[i]->name))
				return true;
	}
	return block->role_count == 0 && block->node_count == 0;
}

static void check_tunnels(struct builder *b, const struct model_block *block)
{
	const bool keys = is_for_keys(b, block);

	for (size_t i = 0; i < block->rule_count; i++) {
		const struct model_rule *rule = &block->rules[i];

		if (rule->via_guardian && (keys || rule->forward))
			report_error(b->d, rule->at,
				"the protection \"%s\" is a tunnel: the rule needs via",
				rule->protections[0]->name);
	}
}

void build_rules(struct builder *b, const struct element *el)
{
	struct model_block *block = &b->m->blocks[b->m->block_count];
	size_t children = 0, rows = 0;

	block->exactly = strcmp(element_value(el, ATTRIBUTE_HAVING), "exactly") == 0;
	if (!element_attribute(el, ATTRIBUTE_FOR) == !element_attribute(el, ATTRIBUTE_NODE) &&
		(!block->exactly || !element_attribute(el, ATTRIBUTE_FOR)))
		report_error(b->d, el->at,
			element_attribute(el, ATTRIBUTE_FOR)
				? "<rules> has both for and node only with having=\"exactly\""
				: "<rules> needs either for or node");
	for (const struct element *child = el->first_child; child; child = child->next) {
		children++;
		for (const struct element *inner = child->first_child; inner; inner = inner->next) {
			children += child->rule && child->rule->kind == ELEMENT_OFFER;
			rows++;
		}
	}
	block->rules = take(b, children, sizeof *block->rules);
	block->rows = take(b, children + rows, sizeof *block->rows);
	if (!block->rules || !block->rows)
		return;
	block_roles(b, el, block);
	block_nodes(b, el, block);
	for (const struct element *child = el->first_child; child; child = child->next)
		if (child->rule)
			build_child(b, child, block);
	check_tunnels(b, block);
	b->m->block_count++;
}
