/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/reasoning/prove.h"

#include <stdlib.h>
#include <string.h>

#include "pib/flow/lists.h"
#include "pib/flow/sets.h"
#include "pmt/compiler/region.h"

enum { PROVE_ARENA = 512 << 20, PROVE_NODES_MAX = 1 << 22 };

/* The addresses of all interfaces that a set serves. */
struct ends {
	bool used;    /* an interface of a node has exactly these roles */
	bool unknown; /* of one of them the policy gives no address */
	struct address_list addresses;
};

struct prover {
	const struct model *m;
	struct reading *reading;
	struct sayer sayers[POLICY_LAYERS_MAX]; /* the first is home */
	size_t sayer_count;
	struct ends *ends; /* by set */
	struct address_list known;
	struct arena arena;
};

/* One statement. */
struct run {
	struct prover *p;
	const struct model_proof *statement;
	const struct policy_protection *wanted; /* the compiled one; NULL: any */
	struct policy_verdicts *verdicts;
	struct flow_manager *m;
	struct arena arena;
	struct flow_match *boxes;
	size_t box_count;
	flow_ref region; /* the boxes without what is excepted */
	flow_ref from_known, to_known;
	flow_ref *leaving; /* by set: what its interfaces let out, and not well enough */
	struct error *e;
};

static enum err no_memory(struct error *e)
{
	return error_set(e, E_MEMORY, "out of memory");
}

/* --- how good a protection is --- */

/* Bits of security: NIST SP 800-57 part 1, tables 2 and 3. */
static unsigned cipher_bits(uint16_t encryption, uint16_t key_length)
{
	enum { ENCR_3DES = 3, ENCR_CHACHA20_POLY1305 = 28 };

	if (encryption == ENCR_3DES)
		return 112;
	return encryption == ENCR_CHACHA20_POLY1305 ? 256 : key_length;
}

static unsigned group_bits(uint16_t group)
{
	static const struct {
		uint16_t group;
		unsigned bits;
	} groups[] = {{2, 80}, {5, 80}, {14, 112}, {15, 128}, {16, 128}, {17, 128}, {18, 192},
		{19, 128}, {20, 192}, {21, 256}, {31, 128}, {32, 224}};

	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (groups[i].group == group)
			return groups[i].bits;
	return 0;
}

/* Octets by which a packet is authenticated: the tag of a combined cipher, or the HMAC's. */
static unsigned tag_octets(uint16_t encryption, uint16_t integrity)
{
	static const struct {
		uint16_t encryption, integrity;
		unsigned octets;
	} tags[] = {{14, 0, 8}, {15, 0, 12}, {16, 0, 16}, {18, 0, 8}, {19, 0, 12}, {20, 0, 16},
		{28, 0, 16}, {0, 1, 12}, {0, 2, 12}, {0, 12, 16}, {0, 13, 24}, {0, 14, 32}};

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (integrity ? tags[i].integrity == integrity : tags[i].encryption == encryption)
			return tags[i].octets;
	return 0;
}

struct quality {
	unsigned cipher, group, tag;
};

static void lower(struct quality *q, unsigned cipher, unsigned group, unsigned tag)
{
	q->cipher = cipher < q->cipher ? cipher : q->cipher;
	q->group = group < q->group ? group : q->group;
	q->tag = tag < q->tag ? tag : q->tag;
}

/* The worst that peers may agree on. */
static struct quality quality_of(const struct policy_protection *p)
{
	struct quality q = {~0u, ~0u, ~0u};

	for (size_t i = 0; i < p->proposal_count; i++) {
		const struct policy_proposal *proposal = &p->proposals[i];

		/* AH alone keeps nothing secret. */
		if (!proposal->esp_count)
			lower(&q, 0, q.group, q.tag);
		/* Without a group of its own its keys come from the exchange of IKE. */
		for (size_t j = 0; j < proposal->esp_count; j++)
			lower(&q,
				cipher_bits(
					proposal->esp[j].encryption, proposal->esp[j].key_length),
				proposal->esp[j].group ? group_bits(proposal->esp[j].group)
						       : q.group,
				tag_octets(
					proposal->esp[j].encryption, proposal->esp[j].integrity));
	}
	for (size_t k = 0; k < p->ike_count; k++) {
		for (size_t i = 0; i < p->ike[k].proposal_count; i++) {
			const struct policy_ike_proposal *ike = &p->ike[k].proposals[i];

			lower(&q, cipher_bits(ike->encryption, ike->key_length),
				group_bits(ike->group),
				tag_octets(ike->encryption, ike->integrity));
		}
	}
	return q;
}

bool protection_at_least(const struct policy_protection *p, const struct policy_protection *wanted)
{
	const struct quality a = quality_of(p), b = quality_of(wanted);

	if (p->demand == POLICY_PREFERRED && wanted->demand == POLICY_REQUIRED)
		return false;
	return policy_protection_equal(p, wanted) ||
	       (a.cipher >= b.cipher && a.group >= b.group && a.tag >= b.tag);
}

/* Is this less than what the statement demands? */
static bool is_weak(const struct run *r, const struct policy_verdict *v)
{
	struct policy_protection as_demanded;

	if (v->action == POLICY_DISCARD)
		return false;
	if (v->action == POLICY_BYPASS || r->statement->bound == VERDICT_DENY)
		return true;
	if (r->wanted) {
		as_demanded = *v->protection;
		as_demanded.demand = v->demand;
		return v->compound || !protection_at_least(&as_demanded, r->wanted);
	}
	return v->demand == POLICY_PREFERRED;
}

static uint32_t weak_number(void *context, uint32_t number)
{
	const struct run *r = context;

	return is_weak(r, policy_verdicts_get(r->verdicts, number));
}

/* --- which addresses are whose --- */

static bool add_addresses(
	struct prover *p, struct address_list *list, const struct address_list *more)
{
	struct address_range *items =
		arena_calloc(&p->arena, list->count + more->count + 1, sizeof *items);

	if (!items)
		return false;
	if (list->count)
		memcpy(items, list->items, list->count * sizeof *items);
	if (more->count)
		memcpy(items + list->count, more->items, more->count * sizeof *items);
	list->items = items;
	list->count += more->count;
	return true;
}

/* A node with one interface has its addresses there, wherever they are written. */
static const struct address_list *addresses_of(
	const struct model_node *node, const struct model_interface *interface)
{
	return node->interface_count == 1 ? &node->addresses : &interface->addresses;
}

static enum err find_ends(struct prover *p, struct error *e)
{
	for (size_t i = 0; i < p->m->node_count; i++) {
		const struct model_node *node = &p->m->nodes[i];

		for (size_t k = 0; node->has_key && k < node->interface_count; k++) {
			const struct model_interface *interface = &node->interfaces[k];
			const struct address_list *own = addresses_of(node, interface);
			struct reading_set *set =
				reading_set_at(p->reading, node->name, interface->roles);
			struct ends *ends = set ? &p->ends[set - p->reading->sets] : NULL;

			if (!add_addresses(p, &p->known, own) ||
				(ends && !add_addresses(p, &ends->addresses, own)))
				return no_memory(e);
			if (!ends)
				continue;
			ends->used = true;
			ends->unknown = ends->unknown || own->count == 0;
		}
	}
	return E_OK;
}

enum err prover_new(
	const struct model *m, struct reading *reading, struct prover **ret, struct error *e)
{
	struct prover *p = calloc(1, sizeof *p);
	enum err code = p ? E_OK : no_memory(e);

	if (code)
		return code;
	p->m = m;
	p->reading = reading;
	p->sayers[p->sayer_count++] = (struct sayer){reading, authority_name(m->authority)};
	arena_init(&p->arena, PROVE_ARENA);
	p->ends = arena_calloc(&p->arena, reading->set_count + 1, sizeof *p->ends);
	code = p->ends ? find_ends(p, e) : no_memory(e);
	if (code)
		prover_free(p);
	else
		*ret = p;
	return code;
}

enum err prover_add(struct prover *p, struct reading *other, const char *authority, struct error *e)
{
	if (p->sayer_count == POLICY_LAYERS_MAX)
		return error_set(e, E_LIMIT, "more than %d authorities", POLICY_LAYERS_MAX);
	p->sayers[p->sayer_count++] = (struct sayer){other, authority};
	return E_OK;
}

struct prover *prover_free(struct prover *p)
{
	if (p)
		arena_fini(&p->arena);
	free(p);
	return NULL;
}

/* --- regions --- */

static const struct traffic_list any_traffic = {.items = &(struct traffic){.protocol = PROTOCOL_ANY,
							.icmp = {ICMP_ANY, ICMP_ANY},
							.dscp = DSCP_ANY},
	.count = 1};
static const struct address_list any_address = {.any = true};

static enum err flows_of(struct run *r, const struct address_list *from,
	const struct address_list *to, flow_ref *ret)
{
	struct flow_match *boxes;
	size_t count;

	if (region_boxes(&r->arena, from, to, &any_traffic, &boxes, &count))
		return no_memory(r->e);
	return flows_of_matches(r->m, boxes, count, ret, r->e);
}

/* What the statement speaks of: boxes, and of them what is not excepted. */
static enum err find_region(struct run *r)
{
	const struct model_proof *s = r->statement;
	flow_ref except;
	enum err code;

	if (region_boxes(&r->arena, &s->from, &s->to, &s->traffic, &r->boxes, &r->box_count))
		return no_memory(r->e);
	code = flows_of_matches(r->m, r->boxes, r->box_count, &r->region, r->e);
	if (!code && (s->except_from.count || s->except_from.any)) {
		code = flows_of(r, &s->except_from, &any_address, &except);
		if (!code)
			code = flows_difference(r->m, r->region, except, &r->region, r->e);
	}
	if (!code && (s->except_to.count || s->except_to.any)) {
		code = flows_of(r, &any_address, &s->except_to, &except);
		if (!code)
			code = flows_difference(r->m, r->region, except, &r->region, r->e);
	}
	return code;
}

/*
 * What a policy lets through in this direction that is less than the statement wants, of its
 * region. `interfaces`: the numbers of their roles, of a node that passes it on.
 */
static enum err weak_flows(struct run *r, const struct policy *policy,
	enum flow_direction direction, const struct flow_intervals *interfaces, flow_ref *ret)
{
	flow_ref all = FLOWS_NONE;
	enum err code = E_OK;

	for (size_t i = 0; i < r->box_count && !code; i++) {
		struct flow_match box = r->boxes[i];
		flow_ref part;

		if (interfaces)
			box.field[FLOW_IN_ROLE] = box.field[FLOW_OUT_ROLE] = *interfaces;
		code = policy_partition(policy, direction, &r->p->reading->roles, &box, r->m,
			r->verdicts, &part, r->e);
		if (!code)
			code = flow_map(r->m, part, weak_number, r, &part, r->e);
		if (!code)
			code = flows_union(r->m, all, part, &all, r->e);
	}
	return code ? code : flows_intersection(r->m, all, r->region, ret, r->e);
}

static bool has_group(const struct address_list *list, const char *name)
{
	for (size_t i = 0; i < list->group_count; i++)
		if (strcmp(list->groups[i]->name, name) == 0)
			return true;
	return false;
}

/* The statement is about flows from others than a group, or to others: nobody of them is in it. */
static bool is_excepted(const struct model_proof *s, const struct circumstances *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->on[i].kind == CONDITION_MEMBERS &&
			((c->on[i].source && has_group(&s->except_from, c->on[i].name)) ||
				(c->on[i].destination && has_group(&s->except_to, c->on[i].name))))
			return true;
	return false;
}

/* The statement's boxes between these interfaces, or as they are. */
static enum err narrow_to_boxes(
	struct run *r, const struct flow_intervals *interfaces, flow_ref *set)
{
	struct flow_match *boxes;
	flow_ref region = r->region;
	enum err code = E_OK;

	if (interfaces) {
		boxes = arena_calloc(&r->arena, r->box_count + 1, sizeof *boxes);
		if (!boxes)
			return no_memory(r->e);
		for (size_t i = 0; i < r->box_count; i++) {
			boxes[i] = r->boxes[i];
			boxes[i].field[FLOW_IN_ROLE] = boxes[i].field[FLOW_OUT_ROLE] = *interfaces;
		}
		code = flows_of_matches(r->m, boxes, r->box_count, &region, r->e);
		if (!code)
			code = flows_intersection(r->m, region, r->region, &region, r->e);
	}
	return code ? code : flows_intersection(r->m, *set, region, set, r->e);
}

struct weak_context {
	const struct run *r;
	const struct policy_merged *merged;
};

static uint32_t weak_decision(void *context, uint32_t number)
{
	const struct weak_context *c = context;

	return is_weak(c->r, &c->merged->decisions[number].verdict);
}

/* The same of what several layers come to. */
static enum err weak_together(struct run *r, const struct sayings *s, enum flow_direction direction,
	const struct flow_intervals *interfaces, flow_ref *ret)
{
	struct policy_merged merged;
	struct weak_context context = {r, &merged};
	enum err code = policy_merge(s->layers, s->count, direction, &r->p->reading->roles, r->m,
		&r->arena, &merged, r->e);

	if (!code)
		code = flow_map(r->m, merged.diagram, weak_decision, &context, ret, r->e);
	return code ? code : narrow_to_boxes(r, interfaces, ret);
}

static bool any_is_excepted(const struct run *r, const struct sayings *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (is_excepted(r->statement, saying_when(&s->list[i])))
			return true;
	return false;
}

/* In any of the cases. */
static enum err weak_somehow(struct run *r, struct reading_set *set, enum flow_direction direction,
	const struct flow_intervals *interfaces, flow_ref *ret)
{
	struct sayings s;
	flow_ref all = FLOWS_NONE, part;
	bool more = false;
	enum err code = sayings_begin(&s, r->p->sayers, r->p->sayer_count, set, r->e);

	if (!code)
		code = sayings_next(&s, &more, r->e);
	while (!code && more) {
		if (!any_is_excepted(r, &s)) {
			code = s.count > 1 ? weak_together(r, &s, direction, interfaces, &part)
					   : weak_flows(r, s.layers[0].policy, direction,
						     interfaces, &part);
			if (!code)
				code = flows_union(r->m, all, part, &all, r->e);
		}
		if (!code)
			code = sayings_next(&s, &more, r->e);
	}
	if (!code)
		*ret = all;
	return code;
}

/* The first of those that are not nothing. */
static const struct circumstances *when_of(const struct sayings *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (saying_when(&s->list[i])->count)
			return saying_when(&s->list[i]);
	return NULL;
}

/* What lets the example pass in a case in which something does: the rule, and the case. */
static void find_rule(
	struct run *r, struct reading_set *set, const struct flow *flow, struct proof_step *step)
{
	const struct policy_rule *rules[POLICY_LAYERS_MAX];
	struct sayings s;
	bool more = false;
	struct error ignored;

	if (sayings_begin(&s, r->p->sayers, r->p->sayer_count, set, &ignored))
		return;
	while (!sayings_next(&s, &more, &ignored) && more) {
		struct policy_decision decision = sayings_decide(&s, flow, rules);

		if (any_is_excepted(r, &s) || !is_weak(r, &decision.verdict))
			continue;
		step->rule = decision.rule;
		step->sayer = s.list[decision.layer].sayer;
		step->verdict = decision.verdict;
		step->when = when_of(&s);
		return;
	}
}

/* Narrows *set to the flows that come from, or go to, the addresses of the interfaces. */
static enum err narrow_to_ends(struct run *r, const struct ends *ends, bool source, flow_ref *set)
{
	flow_ref own;
	enum err code;

	if (ends->unknown)
		return E_OK;
	code = source ? flows_of(r, &ends->addresses, &any_address, &own)
		      : flows_of(r, &any_address, &ends->addresses, &own);
	return code ? code : flows_intersection(r->m, *set, own, set, r->e);
}

/* --- where the example goes --- */

static bool has_address(const struct address_list *list, const struct flow *f, bool source)
{
	const struct flow_value v = flow_address(f->family, source ? f->source : f->destination);
	struct flow_match match = {0};
	struct arena arena;
	bool has;

	arena_init(&arena, 1 << 20);
	has = region_addresses(&arena, &match, FLOW_SOURCE, list, f->family) &&
	      flow_intervals_contain(match.field[FLOW_SOURCE], v);
	arena_fini(&arena);
	return has;
}

/* An interface that the set serves, and whose address this is or may be. */
static void add_step(
	struct run *r, struct proof *ret, enum flow_direction direction, struct reading_set *set)
{
	const bool source = direction == FLOW_OUT;
	struct proof_step *step = &ret->path[ret->step_count];
	struct flow flow = ret->flow;

	flow.direction = direction;
	for (size_t i = 0; i < r->p->m->node_count; i++) {
		const struct model_node *node = &r->p->m->nodes[i];

		for (size_t k = 0; node->has_key && k < node->interface_count; k++) {
			const struct address_list *own = addresses_of(node, &node->interfaces[k]);

			if (reading_set_at(r->p->reading, node->name, node->interfaces[k].roles) !=
					set ||
				(own->count && !has_address(own, &flow, source)))
				continue;
			*step = (struct proof_step){.direction = direction,
				.node = node->name,
				.interface = node->interfaces[k].name,
				.set = set->name};
			find_rule(r, set, &flow, step);
			ret->step_count++;
			return;
		}
	}
}

/* The set that lets the example out at its source, if a node has that address. */
static void add_source_step(struct run *r, struct proof *ret)
{
	struct reading *reading = r->p->reading;

	for (size_t i = 0; i < reading->set_count; i++)
		if (r->p->ends[i].used && r->leaving[i] != FLOWS_NONE &&
			flows_contain(r->m, r->leaving[i], &ret->flow)) {
			add_step(r, ret, FLOW_OUT, &reading->sets[i]);
			return;
		}
}

static enum err take_sample(
	struct run *r, flow_ref flows, enum flow_direction direction, struct proof *ret)
{
	if (flows_sample(r->m, flows, &ret->flow))
		return error_set(r->e, E_BUG, "there is no flow where there must be one");
	ret->flow.direction = direction;
	ret->holds = false;
	return E_OK;
}

/* --- the three ways --- */

/* What leaves each set's interfaces; and all sources that nobody stops. */
static enum err find_leaving(struct run *r, flow_ref *ret_sources)
{
	struct prover *p = r->p;
	flow_ref open, left;
	enum err code = flows_difference(r->m, r->region, r->from_known, &open, r->e);

	for (size_t i = 0; i < p->reading->set_count && !code; i++) {
		r->leaving[i] = FLOWS_NONE;
		if (!p->ends[i].used)
			continue;
		code = weak_somehow(r, &p->reading->sets[i], FLOW_OUT, NULL, &left);
		if (!code)
			code = narrow_to_ends(r, &p->ends[i], true, &left);
		if (!code)
			code = flows_union(r->m, open, left, &open, r->e);
		r->leaving[i] = code ? FLOWS_NONE : left;
	}
	*ret_sources = open;
	return code;
}

static enum err prove_arrivals(struct run *r, flow_ref sources, struct proof *ret)
{
	struct prover *p = r->p;
	enum err code = E_OK;

	for (size_t i = 0; i < p->reading->set_count && !code && ret->holds; i++) {
		flow_ref found;

		if (!p->ends[i].used)
			continue;
		code = weak_somehow(r, &p->reading->sets[i], FLOW_IN, NULL, &found);
		if (!code)
			code = narrow_to_ends(r, &p->ends[i], false, &found);
		if (!code)
			code = flows_intersection(r->m, found, sources, &found, r->e);
		if (code || found == FLOWS_NONE)
			continue;
		code = take_sample(r, found, FLOW_IN, ret);
		add_source_step(r, ret);
		add_step(r, ret, FLOW_IN, &p->reading->sets[i]);
	}
	return code;
}

static enum err prove_departures(struct run *r, struct proof *ret)
{
	struct prover *p = r->p;
	enum err code = E_OK;

	for (size_t i = 0; i < p->reading->set_count && !code && ret->holds; i++) {
		flow_ref found;

		if (r->leaving[i] == FLOWS_NONE)
			continue;
		code = flows_difference(r->m, r->leaving[i], r->to_known, &found, r->e);
		if (code || found == FLOWS_NONE)
			continue;
		code = take_sample(r, found, FLOW_OUT, ret);
		add_step(r, ret, FLOW_OUT, &p->reading->sets[i]);
	}
	return code;
}

static bool same_interfaces(
	struct reading *r, const struct reading_node *a, const struct reading_node *b)
{
	if (reading_set_at(r, a->name, a->roles) != reading_set_at(r, b->name, b->roles) ||
		strcmp(a->roles, b->roles) != 0 || a->interface_count != b->interface_count)
		return false;
	for (size_t i = 0; i < a->interface_count; i++)
		if (strcmp(a->interfaces[i].roles, b->interfaces[i].roles) != 0)
			return false;
	return true;
}

static enum err interfaces_of(
	struct run *r, const struct reading_node *node, struct flow_intervals *ret)
{
	struct flow_interval *list =
		arena_calloc(&r->arena, node->interface_count + 1, sizeof *list);
	size_t count = 0;

	if (!list)
		return no_memory(r->e);
	for (size_t i = 0; i < node->interface_count; i++) {
		const uint16_t n = reading_role(r->p->reading, node->interfaces[i].roles);

		if (n)
			list[count++] = (struct flow_interval){FLOW_VALUE(n), FLOW_VALUE(n)};
	}
	*ret = count ? flow_intervals_join(FLOW_IN_ROLE, list, count) : (struct flow_intervals){0};
	return E_OK;
}

static enum err prove_node(
	struct run *r, const struct reading_node *node, flow_ref foreign, struct proof *ret)
{
	struct reading_set *set = reading_set_at(r->p->reading, node->name, node->roles);
	struct flow_intervals interfaces;
	flow_ref found;
	enum err code = interfaces_of(r, node, &interfaces);

	if (code || !set || interfaces.count == 0)
		return code;
	code = weak_somehow(r, set, FLOW_FORWARD, &interfaces, &found);
	if (!code)
		code = flows_intersection(r->m, found, foreign, &found, r->e);
	if (code || found == FLOWS_NONE)
		return code;
	code = take_sample(r, found, FLOW_FORWARD, ret);
	ret->path[ret->step_count] = (struct proof_step){
		.direction = FLOW_FORWARD, .node = node->name, .set = set->name};
	find_rule(r, set, &ret->flow, &ret->path[ret->step_count++]);
	return code;
}

/* Nodes with the same roles in the same places pass on the same. */
static enum err prove_transit(struct run *r, struct proof *ret)
{
	const struct reading *reading = r->p->reading;
	flow_ref foreign;
	enum err code = flows_difference(r->m, r->region, r->from_known, &foreign, r->e);

	if (!code)
		code = flows_difference(r->m, foreign, r->to_known, &foreign, r->e);
	for (size_t i = 0; i < reading->node_count && !code && ret->holds; i++) {
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = same_interfaces(
				r->p->reading, &reading->nodes[k], &reading->nodes[i]);
		if (!seen)
			code = prove_node(r, &reading->nodes[i], foreign, ret);
	}
	return code;
}

/* Of an authority that knows no nodes: what every node does at least, by the rules for everybody,
 * whatever home says. */
static enum err prove_floor(struct run *r, struct proof *ret)
{
	const struct {
		enum flow_direction direction;
		bool asked;
	} ways[] = {{FLOW_IN, r->statement->in}, {FLOW_OUT, r->statement->out},
		{FLOW_FORWARD, r->statement->forward}};
	const struct flow_interval all = {FLOW_VALUE(1), FLOW_VALUE(r->p->reading->roles.count)};
	const struct flow_intervals interfaces = {&all, 1};
	struct reading_set *set = reading_find(r->p->reading, "*");
	enum err code = E_OK;

	for (size_t i = 0; i < 3 && !code && ret->holds; i++) {
		flow_ref found = r->region;

		if (!ways[i].asked)
			continue;
		if (set)
			code = weak_somehow(r, set, ways[i].direction,
				ways[i].direction == FLOW_FORWARD ? &interfaces : NULL, &found);
		if (code || found == FLOWS_NONE)
			continue;
		code = take_sample(r, found, ways[i].direction, ret);
		ret->path[ret->step_count] = (struct proof_step){.direction = ways[i].direction,
			.node = "every node",
			.set = set ? set->name : "*"};
		if (set && !code)
			find_rule(r, set, &ret->flow, &ret->path[ret->step_count++]);
	}
	return code;
}

static enum err prove_all(struct run *r, struct proof *ret)
{
	flow_ref sources;
	enum err code = find_region(r);

	ret->empty = !code && r->region == FLOWS_NONE;
	if (!code && r->p->m->authority != AUTHORITY_HOME)
		return prove_floor(r, ret);
	if (!code)
		code = flows_of(r, &r->p->known, &any_address, &r->from_known);
	if (!code)
		code = flows_of(r, &any_address, &r->p->known, &r->to_known);
	if (!code)
		code = find_leaving(r, &sources);
	if (!code && r->statement->in)
		code = prove_arrivals(r, sources, ret);
	if (!code && r->statement->out && ret->holds)
		code = prove_departures(r, ret);
	if (!code && r->statement->forward && ret->holds)
		code = prove_transit(r, ret);
	return code;
}

/* As some set has it; NULL if no set protects anything by it. */
static const struct policy_protection *find_protection(
	const struct reading *reading, const char *name)
{
	for (size_t i = 0; i < reading->set_count; i++) {
		const struct policy *policy = reading->sets[i].policy;

		for (size_t k = 0; k < policy->protection_count; k++)
			if (strcmp(policy->protections[k].name, name) == 0)
				return &policy->protections[k];
	}
	return NULL;
}

enum err prover_prove(
	struct prover *p, const struct model_proof *statement, struct proof *ret, struct error *e)
{
	struct run r = {.p = p, .statement = statement, .e = e};
	enum err code = E_OK;

	*ret = (struct proof){.holds = true};
	if (statement->protection) {
		r.wanted = find_protection(p->reading, statement->protection->name);
		if (!r.wanted)
			return error_set(e, E_NOT_FOUND,
				"no rule protects anything with \"%s\": nothing can be compared "
				"with "
				"it",
				statement->protection->name);
	}
	arena_init(&r.arena, PROVE_ARENA);
	r.m = flow_manager_new(PROVE_NODES_MAX);
	r.verdicts = policy_verdicts_new();
	r.leaving = arena_calloc(&r.arena, p->reading->set_count + 1, sizeof *r.leaving);
	if (!r.m || !r.verdicts || !r.leaving)
		code = no_memory(e);
	if (!code)
		code = prove_all(&r, ret);
	flow_manager_free(r.m);
	policy_verdicts_free(r.verdicts);
	arena_fini(&r.arena);
	return code;
}
