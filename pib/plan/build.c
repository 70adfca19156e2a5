/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pib/plan/able.h"

static const struct plan_cause closed_node = {.name = "closed node"};

struct plan_cause build_compiled_in(const char *what)
{
	return (struct plan_cause){.name = what};
}

struct plan_cause build_keep_cause(struct build *b, struct plan_cause cause)
{
	cause.name = writer_text(&b->w, "%s", cause.name);
	return cause;
}

/* ---- Interfaces and sets ---- */

struct set *build_find_set(struct build *b, const char *roles)
{
	for (size_t i = 0; i < b->input->policy_count; i++)
		if (strcmp(b->input->policies[i].roles, roles) == 0)
			return &b->sets[i];
	return NULL;
}

static enum err check_input(struct build *b)
{
	const struct plan_input *input = b->input;

	if (input->endpoint_count > PLAN_ENDPOINTS_MAX)
		return error_set(b->error, E_LIMIT, "more than %d PDPs", PLAN_ENDPOINTS_MAX);
	if (input->interface_count > PLAN_INTERFACES_MAX)
		return error_set(b->error, E_LIMIT, "more than %d interfaces", PLAN_INTERFACES_MAX);
	if (input->policy_count > PLAN_POLICIES_MAX)
		return error_set(b->error, E_LIMIT, "more than %d policy sets", PLAN_POLICIES_MAX);
	for (size_t i = 0; i < input->interface_count; i++) {
		const struct plan_interface *one = &input->interfaces[i];

		if (!one->name[0] || strlen(one->name) > 15)
			return error_set(b->error, E_LENGTH, "\"%s\" cannot be an interface's name",
				one->name);
		for (size_t j = 0; j < i; j++)
			if (strcmp(one->name, input->interfaces[j].name) == 0)
				return error_set(b->error, E_DUPLICATE,
					"interface %s is there twice", one->name);
		if (one->roles[0] && !build_find_set(b, one->roles))
			return error_set(b->error, E_REFERENCE,
				"no policy set for the roles %s of interface %s", one->roles,
				one->name);
	}
	if (input->node_roles && input->node_roles[0] && !build_find_set(b, input->node_roles))
		return error_set(b->error, E_REFERENCE,
			"no policy set for the roles %s of the node", input->node_roles);
	return E_OK;
}

static enum err collect_roles(struct build *b)
{
	b->roles = calloc(b->input->interface_count + 1, sizeof *b->roles);
	if (!b->roles)
		return error_set(b->error, E_MEMORY, "no memory for a plan");
	for (size_t i = 0; i < b->input->interface_count; i++) {
		const char *roles = b->input->interfaces[i].roles;
		size_t j = 0;

		while (j < b->role_count && strcmp(b->roles[j], roles) != 0)
			j++;
		if (roles[0] && j == b->role_count)
			b->roles[b->role_count++] = roles;
	}
	return E_OK;
}

/* What all authorities come to; of home alone it is what home says. */
static enum err join_layers(struct build *b, struct set *set)
{
	const struct plan_policy *source = set->source;
	const struct policy_roles roles = {b->roles, b->role_count};
	const bool transit =
		b->input->node_roles && strcmp(source->roles, b->input->node_roles) == 0;
	struct policy_layer layers[POLICY_LAYERS_MAX] = {{"home", source->policy}};
	enum err err;

	set->policy = source->policy;
	if (!source->other_count)
		return E_OK;
	if (source->other_count >= POLICY_LAYERS_MAX)
		return error_set(b->error, E_LIMIT,
			"%zu sets of other authorities for the roles %s, %d at most",
			source->other_count, source->roles, POLICY_LAYERS_MAX - 1);
	memcpy(layers + 1, source->others, source->other_count * sizeof *layers);
	err = policy_join(layers, 1 + source->other_count, transit ? &roles : NULL, b->diagrams,
		&b->joints, &set->joint, b->error);
	if (!err)
		set->policy = &set->joint.policy;
	return err;
}

static enum err collect_sets(struct build *b)
{
	for (size_t i = 0; i < b->input->policy_count; i++) {
		struct set *set = &b->sets[i];
		const struct policy *policy;
		enum err err;

		set->source = &b->input->policies[i];
		err = join_layers(b, set);
		if (err)
			return err;
		policy = set->policy;
		set->name = writer_name(&b->w, "", set->source->roles);
		set->numbers = calloc(policy->protection_count + 1, sizeof *set->numbers);
		set->counters = calloc(policy->rule_count + 1, sizeof(struct plan_counter *));
		if (!set->numbers || !set->counters)
			return error_set(b->error, E_MEMORY, "no memory for a plan");
		for (int d = 0; d < FLOW_DIRECTIONS; d++) {
			for (int leg = 0; leg < LEGS; leg++) {
				set->leaves[d][leg] =
					calloc(policy->rule_count + 1, sizeof(struct plan_chain *));
				if (!set->leaves[d][leg])
					return error_set(
						b->error, E_MEMORY, "no memory for a plan");
			}
		}
	}
	if (b->input->node_roles && b->input->node_roles[0])
		b->node = build_find_set(b, b->input->node_roles);
	return E_OK;
}

bool build_set_in_use(const struct build *b, const struct set *set)
{
	for (size_t i = 0; i < b->role_count; i++)
		if (strcmp(b->roles[i], set->source->roles) == 0)
			return true;
	return false;
}

/* ---- Interfaces lead to chains ---- */

static int name_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct plan_value));
}

void build_interfaces(struct build *b, struct plan_chain *chain, enum plan_key key,
	choose_fn *choose, void *context, struct plan_chain *unknown)
{
	struct writer *w = &b->w;
	struct plan_element elements[PLAN_INTERFACES_MAX];
	struct plan_cause cause = build_compiled_in("roles of interfaces");
	struct plan_chain *others = unknown;
	size_t count = 0;

	for (size_t i = 0; i < b->input->interface_count; i++) {
		const struct plan_interface *one = &b->input->interfaces[i];
		struct plan_chain *to = one->roles[0] ? choose(b, one->roles, context) : unknown;

		if (strcmp(one->name, "*") == 0) {
			others = to;
			continue;
		}
		elements[count++] = (struct plan_element){.low = plan_name(one->name),
			.high = plan_name(one->name),
			.verdict = to ? PLAN_GOTO : PLAN_ACCEPT,
			.chain = to};
	}
	qsort(elements, count, sizeof *elements, name_order);
	if (count > 0) {
		step_map(w, key, 0, elements, count);
		writer_rule(w, chain, &cause);
	}
	if (others)
		step_goto(w, others);
	else
		step_accept(w);
	writer_rule(w, chain, &cause);
}

static struct plan_chain *choose_in(struct build *b, const char *roles, void *context)
{
	(void)context;
	return build_find_set(b, roles)->judge_in;
}

static struct plan_chain *choose_out(struct build *b, const char *roles, void *context)
{
	(void)context;
	return build_find_set(b, roles)->judge_out;
}

static struct plan_chain *choose_mark_out(struct build *b, const char *roles, void *context)
{
	(void)context;
	return build_find_set(b, roles)->mark_out;
}

/* ---- Base chains ---- */

static void put_loopback(struct build *b, struct plan_chain *base, enum plan_key key)
{
	struct plan_cause cause = build_compiled_in("loopback");

	step_is(&b->w, key, LOOPBACK_INDEX);
	step_accept(&b->w);
	writer_rule(&b->w, base, &cause);
}

static void put_jump(struct build *b, struct plan_chain *base, const struct plan_chain *to)
{
	step_jump(&b->w, to);
	writer_rule(&b->w, base, &closed_node);
}

static void put_prerouting(struct build *b, struct plan_chain **mark_from)
{
	struct writer *w = &b->w;
	struct plan_chain *base = writer_chain(w, PLAN_HOOK_PREROUTING, "prerouting");
	struct plan_cause cause = build_compiled_in("marks begin empty");
	struct plan_cause local = build_compiled_in("not transit");

	step_mark(w, ~b->plan->marks.mask, b->plan->marks.passed);
	writer_rule(w, base, &cause);
	if (!b->protects_forward)
		return;
	step_is_not(w, PLAN_KEY_FIB_TYPE, ROUTE_UNICAST);
	step_accept(w);
	writer_rule(w, base, &local);
	build_known(b, base, STAGE_MARK_FORWARD);
	build_interfaces(b, base, PLAN_KEY_IN_NAME, build_choose_role, mark_from, NULL);
}

static void put_output_route(struct build *b)
{
	struct writer *w = &b->w;
	const struct marks *m = &b->plan->marks;
	struct plan_chain *base = writer_chain(w, PLAN_HOOK_OUTPUT_ROUTE, "output-route");
	struct plan_cause nested = build_compiled_in("outer packets keep their mark");
	struct plan_cause cause = build_compiled_in("marks begin empty");

	put_loopback(b, base, PLAN_KEY_OUT_INDEX);
	for (int i = 0; i < 3; i++) {
		static const uint8_t outer[] = {PROTOCOL_ESP, PROTOCOL_AH, PROTOCOL_IPCOMP};

		step_is(w, PLAN_KEY_PROTOCOL, outer[i]);
		step_accept(w);
		writer_rule(w, base, &nested);
	}
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
	step_is(w, PLAN_KEY_SOURCE_PORT, PORT_IKE_NAT);
	step_accept(w);
	writer_rule(w, base, &nested);
	/* Only where there are some: a mark that changes makes the kernel look the route up again.
	 */
	step_masked_not(w, PLAN_KEY_MARK, m->mask, 0);
	step_mark(w, ~m->mask, 0);
	writer_rule(w, base, &cause);
	put_jump(b, base, b->neighbours);
	build_known(b, base, STAGE_MARK_OUT);
	put_jump(b, base, b->closed_out);
	build_interfaces(b, base, PLAN_KEY_OUT_NAME, choose_mark_out, NULL, NULL);
}

static void put_invalid(struct build *b, struct plan_chain *base)
{
	struct writer *w = &b->w;

	step_masked(w, PLAN_KEY_CT_STATE, STATE_INVALID, STATE_INVALID);
	step_count(w, b->invalid);
	step_drop(w);
	writer_rule(w, base, &b->invalid->cause);
}

/* A connection that was cut does not come back by its next packet. */
static void put_not_syn(struct build *b, struct plan_chain *base)
{
	struct writer *w = &b->w;

	step_masked(w, PLAN_KEY_CT_STATE, STATE_NEW, STATE_NEW);
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_TCP);
	step_masked_not(w, PLAN_KEY_TCP_FLAGS, TCP_STATE_FLAGS, TCP_SYN);
	step_count(w, b->not_syn);
	step_drop(w);
	writer_rule(w, base, &b->not_syn->cause);
}

static void put_input(struct build *b)
{
	struct plan_chain *base = writer_chain(&b->w, PLAN_HOOK_INPUT, "input");

	put_loopback(b, base, PLAN_KEY_IN_INDEX);
	put_jump(b, base, b->neighbours);
	put_invalid(b, base);
	build_known(b, base, STAGE_IN);
	put_not_syn(b, base);
	put_jump(b, base, b->closed_in);
	build_interfaces(b, base, PLAN_KEY_IN_NAME, choose_in, NULL, b->drop_no_role);
}

/*
 * IKE's ports are open in every plan, and port 4500 anybody may bind: what leaves from them must
 * come from a daemon of root's, or carry the mark of a protection (ESP in UDP keeps the socket of
 * the packet inside). This stands before what connections have already, for an answer is a way out
 * too.
 */
static void put_ike_is_roots(struct build *b, struct plan_chain *base)
{
	static const uint16_t ports[] = {PORT_IKE, PORT_IKE_NAT};
	struct plan_cause cause = build_compiled_in("IKE is spoken by root only");
	struct writer *w = &b->w;

	for (int i = 0; i < 2; i++) {
		step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_UDP);
		step_is(w, PLAN_KEY_SOURCE_PORT, ports[i]);
		step_is_not(w, PLAN_KEY_SOCKET_USER, 0);
		step_masked(w, PLAN_KEY_MARK, b->plan->marks.flow, 0);
		step_goto(w, b->drop_no_rule);
		writer_rule(w, base, &cause);
	}
}

/*
 * What the kernel says to whom a rule turns away: it belongs to a connection that never was, so
 * nothing else lets it out. Only the kernel sends a reset of a related connection, and only
 * root an ICMP error.
 */
static void put_answers(struct build *b, struct plan_chain *base)
{
	static const struct {
		uint32_t protocol, type, code;
	} errors[] = {
		{PROTOCOL_ICMP, ICMP_UNREACHABLE, ICMP_ADMIN_PROHIBITED},
		{PROTOCOL_ICMPV6, ICMPV6_UNREACHABLE, ICMPV6_ADMIN_PROHIBITED},
	};
	struct plan_cause cause = build_compiled_in("answers to who is turned away");
	struct writer *w = &b->w;

	if (!b->answers)
		return;
	for (int i = 0; i < 2; i++) {
		step_is(w, PLAN_KEY_PROTOCOL, errors[i].protocol);
		step_is(w, PLAN_KEY_ICMP_TYPE, errors[i].type);
		step_is(w, PLAN_KEY_ICMP_CODE, errors[i].code);
		step_accept(w);
		writer_rule(w, base, &cause);
	}
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_TCP);
	step_masked(w, PLAN_KEY_TCP_FLAGS, TCP_RST, TCP_RST);
	step_masked(w, PLAN_KEY_CT_STATE, STATE_RELATED, STATE_RELATED);
	step_accept(w);
	writer_rule(w, base, &cause);
}

static void put_output(struct build *b)
{
	struct plan_chain *base = writer_chain(&b->w, PLAN_HOOK_OUTPUT, "output");
	struct plan_cause seen = build_compiled_in("seen: the guard lets it pass");

	put_loopback(b, base, PLAN_KEY_OUT_INDEX);
	step_mark(&b->w, ~b->plan->marks.passed, b->plan->marks.passed);
	writer_rule(&b->w, base, &seen);
	put_ike_is_roots(b, base);
	put_jump(b, base, b->neighbours);
	put_answers(b, base);
	put_invalid(b, base);
	build_known(b, base, STAGE_OUT);
	put_not_syn(b, base);
	put_jump(b, base, b->closed_out);
	build_interfaces(b, base, PLAN_KEY_OUT_NAME, choose_out, NULL, b->drop_no_role);
}

static void put_forward(struct build *b, struct plan_chain **judge_from)
{
	struct writer *w = &b->w;
	struct plan_chain *base = writer_chain(w, PLAN_HOOK_FORWARD, "forward");
	struct plan_cause cause = build_compiled_in("no transit");

	if (!b->node) {
		step_goto(w, b->drop_no_role);
		writer_rule(w, base, &cause);
		return;
	}
	put_invalid(b, base);
	build_known(b, base, STAGE_FORWARD);
	put_not_syn(b, base);
	build_interfaces(b, base, PLAN_KEY_IN_NAME, build_choose_role, judge_from, b->drop_no_role);
}

static enum err put_chains(struct build *b)
{
	struct transit transit = {0};
	enum err err = E_OK;

	build_closed(b);
	for (size_t i = 0; i < b->input->policy_count && !err; i++)
		if (build_set_in_use(b, &b->sets[i]))
			err = build_own_rules(b, &b->sets[i]);
	if (err)
		return err;
	transit.judge_from = calloc(b->role_count + 1, sizeof(struct plan_chain *));
	transit.mark_from = calloc(b->role_count + 1, sizeof(struct plan_chain *));
	if (!transit.judge_from || !transit.mark_from)
		err = E_MEMORY;
	else if (b->node)
		err = build_transit(b, &transit);
	if (!err) {
		put_prerouting(b, transit.mark_from);
		if (b->protects_out)
			put_output_route(b);
		put_input(b);
		put_output(b);
		put_forward(b, transit.judge_from);
	}
	free(transit.judge_from);
	free(transit.mark_from);
	return err ? err : b->w.error;
}

static enum err build(struct build *b)
{
	enum err err = check_input(b);

	if (!err)
		err = collect_roles(b);
	if (!err)
		err = collect_sets(b);
	if (!err)
		err = build_protections(b);
	if (!err)
		err = build_spd(b);
	if (!err)
		err = put_chains(b);
	return err ? err : build_names(b);
}

struct plan *plan_new(const char *table)
{
	struct plan *plan = calloc(1, sizeof *plan);

	if (!plan)
		return NULL;
	plan->table = table;
	plan->self = plan;
	plan->holders = 1;
	arena_init(&plan->arena, PLAN_OCTETS_MAX);
	return plan;
}

/* The first thing that a policy needs and nobody can do. */
static enum err refuse_unable(
	const struct plan_input *input, struct plan_cause *ret_cause, struct error *error)
{
	for (size_t i = 0; i < input->policy_count; i++) {
		const struct plan_policy *one = &input->policies[i];
		const struct policy_need *need = plan_unable(one->policy, error);

		for (size_t k = 0; k < one->other_count && !need; k++)
			need = plan_unable(one->others[k].policy, error);
		if (need) {
			ret_cause->prid = need->prid;
			return error->code;
		}
	}
	return E_OK;
}

enum err plan_build(const struct plan_input *input, struct plan **ret, struct plan_cause *ret_cause,
	struct error *error)
{
	struct build b = {.input = input, .error = error, .blame = ret_cause};
	enum err err;

	*ret_cause = (struct plan_cause){.name = ""};
	error->code = E_OK;
	b.plan = plan_new(PLAN_TABLE);
	if (!b.plan)
		return error_set(error, E_MEMORY, "no memory for a plan");
	writer_init(&b.w, b.plan);
	arena_init(&b.joints, PLAN_OCTETS_MAX);
	b.sets = calloc(input->policy_count + 1, sizeof *b.sets);
	b.diagrams = flow_manager_new(FLOW_NODES_DEFAULT);
	err = refuse_unable(input, ret_cause, error);
	if (!err)
		err = marks_from_mask(input->mark_mask, &b.plan->marks, error);
	if (!err)
		err = b.sets && b.diagrams ? build(&b) : E_MEMORY;
	if (err && error->code == E_OK)
		error_set(error, err, "the plan cannot be built: %s", err_text(err));
	for (size_t i = 0; b.sets && i < input->policy_count; i++) {
		free(b.sets[i].numbers);
		free(b.sets[i].counters);
		for (int d = 0; d < FLOW_DIRECTIONS; d++)
			for (int leg = 0; leg < LEGS; leg++)
				free(b.sets[i].leaves[d][leg]);
	}
	free(b.sets);
	free(b.protecting);
	free(b.roles);
	flow_manager_free(b.diagrams);
	arena_fini(&b.joints);
	if (err) {
		plan_free(b.plan);
		return err;
	}
	*ret = b.plan;
	return E_OK;
}

enum err plan_bootstrap(const struct plan_input *input, struct plan **ret, struct error *error)
{
	struct plan_input closed = {.mark_mask = input->mark_mask,
		.endpoints = input->endpoints,
		.endpoint_count = input->endpoint_count,
		.node_roles = ""};
	struct plan_cause cause;

	return plan_build(&closed, ret, &cause, error);
}

struct plan *plan_hold(const struct plan *plan)
{
	plan->self->holders++;
	return plan->self;
}

struct plan *plan_free(struct plan *plan)
{
	if (plan && --plan->holders == 0) {
		arena_fini(&plan->arena);
		free(plan);
	}
	return NULL;
}
