/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include "pmt/language/times.h"

static void expect_verdict(struct builder *b, const struct element *el, struct model_expect *expect)
{
	const struct attribute *a = element_attribute(el, ATTRIBUTE_VERDICT);
	struct words w = words_of(el, ATTRIBUTE_VERDICT);
	struct named *n;

	if (!a || !words_next(&w))
		return;
	expect->verdict = view_equal(w.word, view_of_string("allow"))  ? VERDICT_ALLOW
			  : view_equal(w.word, view_of_string("deny")) ? VERDICT_DENY
								       : VERDICT_PROTECT;
	if (!words_next(&w))
		return;
	n = refer(b, &b->protections, w.word, w.at, 1u << KIND_PROTECTION, "protection");
	expect->protection = n ? n->object : NULL;
}

/* Exactly one of node and role, and one of in, out and forward. */
static void expect_place(struct builder *b, const struct element *el, struct model_expect *expect)
{
	const struct attribute *role = element_attribute(el, ATTRIBUTE_ROLE);
	const struct attribute *node = element_attribute(el, ATTRIBUTE_NODE);
	bool in = element_yes(el, ATTRIBUTE_IN), out = element_yes(el, ATTRIBUTE_OUT);
	bool forward = element_yes(el, ATTRIBUTE_FORWARD);
	struct named *n;

	if (!role == !node && (role || b->m->authority == AUTHORITY_HOME))
		report_error(b->d, el->at, "<expect> needs either role or node");
	if (node && b->m->authority != AUTHORITY_HOME)
		report_error(b->d, node->value_at, "only home knows nodes");
	if (in + out + forward != 1)
		report_error(b->d, el->at, "<expect> needs exactly one of in, out and forward");
	expect->direction = in ? EXPECT_IN : out ? EXPECT_OUT : EXPECT_FORWARD;
	if (!forward && (expect->in_role || expect->out_role))
		report_error(b->d,
			element_place(el, expect->in_role ? ATTRIBUTE_IN_ROLE : ATTRIBUTE_OUT_ROLE),
			"only what passes through has in-role and out-role");
	if (role) {
		n = refer(b, &b->places, view_of_string(role->value), role->value_at,
			1u << KIND_ROLE, "role");
		expect->role = n ? n->object : NULL;
		if (expect->role && !expect->role->used)
			report_error(b->d, role->value_at, "no node with a key has the role \"%s\"",
				role->value);
	}
	if (node) {
		n = refer(b, &b->places, view_of_string(node->value), node->value_at,
			1u << KIND_NODE, "node");
		expect->node = n ? n->object : NULL;
		if (expect->node && !expect->node->has_key && !expect->node->guardian)
			report_error(b->d, node->value_at,
				"the node \"%s\" has neither a key nor a guardian", node->value);
		if (expect->node && expect->node->guardian && forward)
			report_error(b->d, node->value_at,
				"nothing passes through \"%s\", as it has a guardian", node->value);
	}
}

static void expect_circumstances(
	struct builder *b, const struct element *el, struct model_expect *expect)
{
	const struct attribute *at = element_attribute(el, ATTRIBUTE_AT);
	struct words w = words_of(el, ATTRIBUTE_OFFERS);
	struct error e;

	expect->has_time =
		at && !parse_moment(view_of_string(at->value), false, &expect->time, &e);
	expect->offers =
		take(b, count_words(el, ATTRIBUTE_OFFERS), sizeof(struct model_offer *));
	while (expect->offers && words_next(&w)) {
		struct named *n =
			refer(b, &b->offers, w.word, w.at, 1u << KIND_OFFER, "offer");

		if (n && n->object)
			expect->offers[expect->offer_count++] = n->object;
	}
}

static void expect_members(
	struct builder *b, const struct element *el, struct model_expect *expect)
{
	size_t count = 0;

	for (const struct element *child = el->first_child; child; child = child->next)
		count++;
	expect->members = take(b, count, sizeof *expect->members);
	for (const struct element *child = el->first_child; expect->members && child;
		child = child->next) {
		struct model_members *m = &expect->members[expect->member_count];
		const struct attribute *name = element_attribute(child, ATTRIBUTE_GROUP);
		struct named *n;

		if (!child->rule || child->faulty)
			continue;
		n = refer(b, &b->places, view_of_string(name->value), name->value_at,
			1u << KIND_GROUP, "group");
		m->group = n ? n->object : NULL;
		m->addresses = addresses_of_peers(b, child, ATTRIBUTE_ADDRESSES);
		if (m->addresses.any || m->addresses.group_count)
			report_error(b->d, element_place(child, ATTRIBUTE_ADDRESSES),
				"members of a group are addresses that are known");
		if (m->group && !m->group->directory)
			report_error(
				b->d, name->value_at, "nobody but home fills \"%s\"", m->group->name);
		if (m->group)
			expect->member_count++;
	}
}

/* Members that the test names are those that a group in from or to means. */
static void expect_groups(struct builder *b, const struct element *el, enum attribute_id id,
	const struct model_expect *expect, struct address_list *list)
{
	const size_t groups = list->group_count;

	for (size_t i = 0; i < expect->member_count; i++)
		for (size_t k = 0; k < groups; k++)
			if (list->groups[k] == expect->members[i].group)
				append_addresses(b, list, &expect->members[i].addresses);
	resolve_groups(b, list, false);
	if (groups && list->count == 0)
		report_error(b->d, element_place(el, id), "nobody is in this group in this test");
}

static void build_expect(struct builder *b, const struct element *el)
{
	struct model_expect *expect = &b->m->expects[b->m->expect_count];
	const struct attribute *rule = element_attribute(el, ATTRIBUTE_RULE);
	struct named *n;

	if (el->faulty)
		return;
	expect->at = el->at;
	expect_verdict(b, el, expect);
	expect->in_role = role_of(b, el, ATTRIBUTE_IN_ROLE);
	expect->out_role = role_of(b, el, ATTRIBUTE_OUT_ROLE);
	expect_place(b, el, expect);
	expect->from = addresses_of_peers(b, el, ATTRIBUTE_FROM);
	expect->to = addresses_of_peers(b, el, ATTRIBUTE_TO);
	expect->traffic = traffic_of_services(b, el);
	expect_members(b, el, expect);
	expect_groups(b, el, ATTRIBUTE_FROM, expect, &expect->from);
	expect_groups(b, el, ATTRIBUTE_TO, expect, &expect->to);
	check_families(b, el, &expect->from, &expect->to);
	expect_circumstances(b, el, expect);
	if (rule) {
		n = refer(b, &b->rules, view_of_string(rule->value), rule->value_at,
			1u << KIND_RULE, "rule");
		expect->rule = n ? n->object : NULL;
	}
	b->m->expect_count++;
}

static struct address_list exception(
	struct builder *b, const struct element *el, enum attribute_id id)
{
	return element_attribute(el, id) ? addresses_of_peers(b, el, id)
					 : (struct address_list){0};
}

/* Whom home names in them; that the others are in them is a case of its own. */
static void except_groups(struct builder *b, struct address_list *list)
{
	const size_t groups = list->group_count;

	resolve_groups(b, list, false);
	list->group_count = groups;
}

static void build_proof(struct builder *b, const struct element *el)
{
	struct model_proof *proof = &b->m->proofs[b->m->proof_count];
	struct words w = words_of(el, ATTRIBUTE_AT_LEAST);
	struct named *n;

	if (el->faulty || !words_next(&w))
		return;
	proof->at = el->at;
	proof->bound = view_equal(w.word, view_of_string("deny")) ? VERDICT_DENY : VERDICT_PROTECT;
	if (view_equal(w.word, view_of_string("allow")))
		report_error(b->d, w.at, "every flow is at least allowed: this says nothing");
	if (words_next(&w)) {
		n = refer(b, &b->protections, w.word, w.at, 1u << KIND_PROTECTION, "protection");
		proof->protection = n ? n->object : NULL;
	}
	proof->in = element_yes(el, ATTRIBUTE_IN);
	proof->out = element_yes(el, ATTRIBUTE_OUT);
	proof->forward = element_yes(el, ATTRIBUTE_FORWARD);
	if (!proof->in && !proof->out && !proof->forward)
		proof->in = proof->out = proof->forward = true;
	proof->from = addresses_of_peers(b, el, ATTRIBUTE_FROM);
	proof->to = addresses_of_peers(b, el, ATTRIBUTE_TO);
	proof->except_from = exception(b, el, ATTRIBUTE_EXCEPT_FROM);
	proof->except_to = exception(b, el, ATTRIBUTE_EXCEPT_TO);
	except_groups(b, &proof->except_from);
	except_groups(b, &proof->except_to);
	proof->traffic = traffic_of_services(b, el);
	resolve_groups(b, &proof->from, true);
	resolve_groups(b, &proof->to, true);
	check_families(b, el, &proof->from, &proof->to);
	b->m->proof_count++;
}

void build_tests(struct builder *b, const struct element *el)
{
	for (const struct element *child = el->first_child; child; child = child->next)
		if (child->rule && child->rule->kind == ELEMENT_PROVE)
			build_proof(b, child);
		else if (child->rule)
			build_expect(b, child);
}
