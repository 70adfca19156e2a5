/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * explain: what becomes of one flow at one node; which rule decides, why those before it did not,
 * and what the kernel will hold for it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pib/plan/plan.h"
#include "pmt/commands/command.h"
#include "pmt/commands/subject.h"
#include "pmt/language/value.h"

enum {
	OPTION_NODE = 256,
	OPTION_INTERFACE,
	OPTION_OUT_INTERFACE,
	OPTION_IN,
	OPTION_OUT,
	OPTION_FORWARD,
	OPTION_FROM,
	OPTION_TO,
	OPTION_PROTOCOL,
	OPTION_PORT,
	OPTION_SOURCE_PORT,
	OPTION_ICMP,
	TEXT_MAX = 16 << 20,
	EXPLAIN_ARENA = 512 << 20,
	KERNEL_SHOWN = 8, /* entries of each kind */
	PORT_EPHEMERAL = 49152,
	PROTOCOL_TCP = 6
};

const struct option_row explain_options[] = {
	{OPTION_NODE, "node", "NODE", "at this node"},
	{OPTION_INTERFACE, "interface", "NAME",
		"by this interface; else by its only one, or one that no rule names"},
	{OPTION_OUT_INTERFACE, "out-interface", "NAME", "where a forwarded flow leaves"},
	{OPTION_IN, "in", NULL, "what comes to the node"},
	{OPTION_OUT, "out", NULL, "what the node starts"},
	{OPTION_FORWARD, "forward", NULL, "what passes through it"},
	{OPTION_FROM, "from", "ADDRESS", "or the name of a node"},
	{OPTION_TO, "to", "ADDRESS", "or the name of a node"},
	{OPTION_PROTOCOL, "protocol", "PROTOCOL", "name or number; else tcp"},
	{OPTION_PORT, "port", "NUMBER", "that is called"},
	{OPTION_SOURCE_PORT, "source-port", "NUMBER", "that calls; else 49152"},
	{OPTION_ICMP, "icmp", "TYPE", "type, or type/code"},
	{0},
};

struct question {
	const char *node, *interface, *out_interface, *from, *to;
	bool direction[FLOW_DIRECTIONS];
	struct flow flow;
};

/* --- the question --- */

static bool set_number(const char *command, const char *option, const char *text, uint16_t *ret)
{
	uint64_t n;

	if (!command_number(command, option, text, &n))
		return false;
	if (n > UINT16_MAX) {
		command_misused(command, "--%s has no %s", option, text);
		return false;
	}
	*ret = (uint16_t)n;
	return true;
}

static bool set_icmp(const char *command, const char *text, struct flow *flow)
{
	struct icmp_match icmp;
	struct error e;

	if (parse_icmp(view_of_string(text), &icmp, &e)) {
		command_misused(command, "%s", e.text);
		return false;
	}
	flow->icmp_type = (uint8_t)(icmp.type < 0 ? 0 : icmp.type);
	flow->icmp_code = (uint8_t)(icmp.code < 0 ? 0 : icmp.code);
	return true;
}

static bool read_option(struct question *q, int id, const char *name, const char *value)
{
	struct error e;

	switch (id) {
	case OPTION_NODE:
		q->node = value;
		return true;
	case OPTION_INTERFACE:
		q->interface = value;
		return true;
	case OPTION_OUT_INTERFACE:
		q->out_interface = value;
		return true;
	case OPTION_IN:
	case OPTION_OUT:
	case OPTION_FORWARD:
		q->direction[id - OPTION_IN] = true;
		return true;
	case OPTION_FROM:
		q->from = value;
		return true;
	case OPTION_TO:
		q->to = value;
		return true;
	case OPTION_PROTOCOL:
		if (!parse_protocol(view_of_string(value), &q->flow.protocol, &e))
			return true;
		command_misused(name, "%s", e.text);
		return false;
	case OPTION_PORT:
		return set_number(name, "port", value, &q->flow.destination_port);
	case OPTION_SOURCE_PORT:
		return set_number(name, "source-port", value, &q->flow.source_port);
	default:
		return set_icmp(name, value, &q->flow);
	}
}

/* An address, or a node's of that family; FLOW_ANY_FAMILY takes the first there is. */
static bool find_address(const struct subject *s, const char *word, enum flow_family family,
	enum flow_family *ret_family, uint8_t octets[16])
{
	struct address_range a;
	struct error e;

	memset(octets, 0, 16);
	if (!parse_address(view_of_string(word), &a, &e) && address_is_single(&a)) {
		*ret_family = a.family == FAMILY_IPV6 ? FLOW_IPV6 : FLOW_IPV4;
		memcpy(octets, a.min, a.family == FAMILY_IPV6 ? 16 : 4);
		return family == FLOW_ANY_FAMILY || family == *ret_family;
	}
	for (size_t i = 0; s->is_policy && i < s->policy.model.node_count; i++) {
		const struct model_node *node = &s->policy.model.nodes[i];

		if (strcmp(node->name, word) != 0)
			continue;
		for (size_t k = node->addresses.count; k > 0; k--) {
			a = node->addresses.items[k - 1];
			*ret_family = a.family == FAMILY_IPV6 ? FLOW_IPV6 : FLOW_IPV4;
			memcpy(octets, a.min, a.family == FAMILY_IPV6 ? 16 : 4);
			if (family == FLOW_ANY_FAMILY || family == *ret_family)
				return true;
		}
	}
	return false;
}

/* The end that is an address says the family for one that is a name. */
static int find_ends(const char *name, const struct subject *s, struct question *q)
{
	enum flow_family from = FLOW_ANY_FAMILY, to = FLOW_ANY_FAMILY;
	struct address_range literal;
	const char *wrong = q->from;
	struct error e;

	if (!parse_address(view_of_string(q->to), &literal, &e))
		from = literal.family == FAMILY_IPV6 ? FLOW_IPV6 : FLOW_IPV4;
	if (find_address(s, q->from, from, &from, q->flow.source)) {
		wrong = q->to;
		if (find_address(s, q->to, from, &to, q->flow.destination)) {
			q->flow.family = to;
			return EXIT_SUCCESS;
		}
	}
	return command_misused(name,
		"\"%s\" is neither an address nor a node with one, of the family of the other end",
		wrong);
}

static int find_place(const char *name, struct subject *s, struct question *q,
	const struct reading_node **ret_node, const char **ret_set)
{
	const struct reading_node *node = reading_node(&s->reading, q->node);
	const char *in = q->interface ? q->interface : "*";

	if (!node)
		return command_misused(name, "there is no node \"%s\" with a key", q->node);
	if (!q->interface && node->interface_count == 1)
		in = node->interfaces[0].name;
	*ret_node = node;
	if (q->flow.direction == FLOW_FORWARD) {
		if (!q->interface || !q->out_interface)
			return command_misused(name,
				"with --forward, --interface and --out-interface say the way");
		q->flow.in_role =
			reading_role(&s->reading, reading_interface_roles(node, q->interface));
		q->flow.out_role =
			reading_role(&s->reading, reading_interface_roles(node, q->out_interface));
		*ret_set = node->roles;
	} else {
		*ret_set = reading_interface_roles(node, in);
		if (!**ret_set && !q->interface)
			return command_misused(name, "the node has several interfaces; name one");
	}
	return EXIT_SUCCESS;
}

/* --- why not --- */

/* The first field by which the flow is not in the match; FLOW_FIELDS if it is. */
static enum flow_field failing_field(const struct flow_match *match, const struct flow *flow)
{
	for (int f = 0; f < FLOW_FIELDS; f++)
		if (f != FLOW_DIRECTION && match->field[f].count &&
			!flow_intervals_contain(
				match->field[f], flow_get(flow, (enum flow_field)f)))
			return (enum flow_field)f;
	return FLOW_FIELDS;
}

/* What the rule wants and the flow has not: of its matches, the one that came furthest. */
static void put_reason(const struct subject *s, const struct flow_match *matches, size_t count,
	uint32_t rule, const struct flow *flow, struct buffer *out)
{
	const struct flow_match *best = NULL;
	enum flow_field furthest = FLOW_FAMILY;
	struct flow_match wanted = {.number = 1};

	for (size_t i = 0; i < count; i++) {
		enum flow_field field = failing_field(&matches[i], flow);

		if (matches[i].number == rule && (!best || field > furthest)) {
			best = &matches[i];
			furthest = field;
		}
	}
	if (!best) {
		buffer_put_text(out, "it is not for this direction");
		return;
	}
	wanted.field[furthest] = best->field[furthest];
	if (furthest == FLOW_SOURCE || furthest == FLOW_DESTINATION)
		wanted.field[FLOW_FAMILY] = best->field[FLOW_FAMILY];
	buffer_put_text(out, "it wants ");
	if (furthest == FLOW_FAMILY)
		buffer_put_text(out, "%s", flow->family == FLOW_IPV4 ? "IPv6" : "IPv4");
	else
		subject_print_match(s, &s->reading.roles, &wanted, out);
}

static enum err put_rules_before(const struct subject *s, const struct reading_set *set,
	const struct policy_rule *decider, const struct flow *flow, struct buffer *out,
	struct error *e)
{
	const uint32_t end = decider ? decider->number : (uint32_t)set->policy->rule_count + 1;
	struct flow_match *matches;
	struct arena arena;
	size_t count;
	enum err code;

	arena_init(&arena, EXPLAIN_ARENA);
	code = policy_matches(
		set->policy, flow->direction, &s->reading.roles, &arena, &matches, &count, e);
	for (uint32_t n = 1; n < end && !code; n++) {
		buffer_put_text(out, "    not by ");
		subject_print_rule(s, policy_rule(set->policy, n), out);
		buffer_put_text(out, ": ");
		put_reason(s, matches, count, n, flow, out);
		buffer_put_u8(out, '\n');
	}
	arena_fini(&arena);
	return code;
}

/* --- the kernel --- */

static bool caused_by(const struct plan_cause *cause, enum pib_class_id class, uint32_t instance)
{
	return cause->prid.class && cause->prid.class->id == class &&
	       cause->prid.instance == instance;
}

static void put_filter(const struct plan *plan, const struct policy_rule *rule, struct buffer *out)
{
	size_t shown = 0;

	for (const struct plan_counter *c = plan->counters; c; c = c->next)
		if (caused_by(&c->cause, PIB_ipSecRule, rule->instance))
			buffer_put_text(out, "    counter %s\n", c->name);
	for (const struct plan_chain *c = plan->chains; c; c = c->next)
		for (const struct plan_rule *r = c->rules; r; r = r->next) {
			if (!caused_by(&r->cause, PIB_ipSecRule, rule->instance))
				continue;
			if (shown++ < KERNEL_SHOWN) {
				buffer_put_text(out, "    chain %s: ", c->name);
				plan_print_rule(r, out);
				buffer_put_u8(out, '\n');
			}
		}
	if (shown > KERNEL_SHOWN)
		buffer_put_text(out, "    and %zu more\n", shown - KERNEL_SHOWN);
}

static void put_spd(const struct plan *plan, const struct policy_protection *protection,
	enum flow_family family, struct buffer *out)
{
	for (size_t i = 0; i < plan->protection_count; i++)
		if (strcmp(plan->protections[i].name, protection->name) == 0)
			buffer_put_text(out,
				"    protection %s: number %u in the mark, reqid %#x\n",
				plan->protections[i].name, plan->protections[i].number,
				plan->protections[i].reqid);
	for (size_t i = 0; i < plan->spd_count; i++)
		if (plan->spd[i].family == family &&
			strcmp(plan->spd[i].cause.name ? plan->spd[i].cause.name : "",
				protection->name) == 0) {
			buffer_put_text(out, "    SPD ");
			plan_print_spd(&plan->spd[i], out);
			buffer_put_u8(out, '\n');
		}
}

static enum err put_kernel(const struct subject *s, const struct reading_node *node,
	const struct policy_rule *rule, enum flow_family family, struct buffer *out,
	struct error *e)
{
	struct plan_interface *interfaces = calloc(node->interface_count + 1, sizeof *interfaces);
	struct plan_policy *policies = calloc(s->reading.set_count + 1, sizeof *policies);
	struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT,
		.policies = policies,
		.policy_count = s->reading.set_count,
		.interfaces = interfaces,
		.interface_count = node->interface_count,
		.node_roles = node->roles};
	struct plan_cause cause;
	struct plan *plan = NULL;
	enum err code = E_OK;

	if (!interfaces || !policies)
		code = error_set(e, E_MEMORY, "out of memory");
	for (size_t i = 0; i < s->reading.set_count && !code; i++)
		policies[i] =
			(struct plan_policy){s->reading.sets[i].name, s->reading.sets[i].policy};
	for (size_t i = 0; i < node->interface_count && !code; i++)
		interfaces[i] = (struct plan_interface){
			node->interfaces[i].name, node->interfaces[i].roles};
	if (!code)
		code = plan_build(&input, &plan, &cause, e);
	if (!code) {
		buffer_put_text(out, "  the kernel holds\n");
		put_filter(plan, rule, out);
		if (rule->protection)
			put_spd(plan, rule->protection, family, out);
	}
	plan_free(plan);
	free(interfaces);
	free(policies);
	return code;
}

/* --- the answer --- */

static enum err answer(struct subject *s, const struct question *q, const struct reading_node *node,
	const char *set_name, struct buffer *out, struct error *e)
{
	const struct reading_set *set = reading_set_at(&s->reading, node->name, set_name);
	const struct policy_rule *rule =
		set ? policy_evaluate(set->policy, &q->flow, &s->reading.roles) : NULL;
	const struct policy_verdict verdict = policy_verdict_of(rule);
	enum err code = E_OK;

	buffer_put_text(out, "%s (%s): ", node->name, *set_name ? set_name : "no role");
	print_flow(&q->flow, &s->reading.roles, out);
	buffer_put_text(out, "\n  home: ");
	print_verdict(&verdict, out);
	if (!set) {
		buffer_put_text(out, ", for an interface without a role drops everything\n");
		return E_OK;
	}
	buffer_put_text(out, rule ? " by " : ", for there is ");
	subject_print_rule(s, rule, out);
	buffer_put_text(out, "%s\n", rule ? "" : " that matches");
	code = put_rules_before(s, set, rule, &q->flow, out, e);
	if (!code && rule)
		code = put_kernel(s, node, rule, q->flow.family, out, e);
	return code;
}

static int explain(const char *name, struct subject *s, struct question *q)
{
	const struct reading_node *node;
	const char *set;
	int status = find_ends(name, s, q);
	struct buffer out;
	struct error e;

	if (!status)
		status = find_place(name, s, q, &node, &set);
	if (status)
		return status;
	buffer_init(&out, TEXT_MAX);
	status = answer(s, q, node, set, &out, &e) ? command_failed(name, &e)
						   : command_output(name, &out);
	buffer_fini(&out);
	return status;
}

static int check_question(const char *name, struct question *q)
{
	if (!q->node || !q->from || !q->to)
		return command_misused(name, "--%s is missing",
			!q->node   ? "node"
			: !q->from ? "from"
				   : "to");
	if (q->direction[FLOW_IN] + q->direction[FLOW_OUT] + q->direction[FLOW_FORWARD] != 1)
		return command_misused(name, "one of --in, --out and --forward is needed");
	q->flow.direction = q->direction[FLOW_IN]    ? FLOW_IN
			    : q->direction[FLOW_OUT] ? FLOW_OUT
						     : FLOW_FORWARD;
	if (!flow_protocol_has_ports(q->flow.protocol))
		q->flow.source_port = q->flow.destination_port = 0;
	return EXIT_SUCCESS;
}

int command_explain(void *context, int argc, char **argv)
{
	struct question q = {.flow = {.protocol = PROTOCOL_TCP, .source_port = PORT_EPHEMERAL}};
	int id, status = EXIT_SUCCESS;
	const char *path;
	struct subject s;
	struct options o;

	(void)context;
	command_begin(&o, explain_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		if (!read_option(&q, id, argv[0], o.value))
			return EXIT_BAD_USAGE;
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the policy or the bundle");
	if (!path)
		return EXIT_BAD_USAGE;
	status = check_question(argv[0], &q);
	if (status)
		return status;
	status = subject_open(argv[0], path, &s);
	if (!status)
		status = explain(argv[0], &s, &q);
	subject_fini(&s);
	return status;
}
