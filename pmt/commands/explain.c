/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * explain: what becomes of one flow at one node; which rule decides, why those before it did not,
 * and what the kernel will hold for it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/commands/command.h"
#include "pmt/commands/held.h"
#include "pmt/commands/subject.h"
#include "pmt/compiler/cases.h"
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

/* What the rule wants with these matches and the flow has not: of the one that came furthest. */
static void put_reason(const struct subject *s, const struct policy_roles *roles,
	const struct flow_match *matches, size_t count, const struct flow *flow,
	struct buffer *out)
{
	const struct flow_match *best = NULL;
	enum flow_field furthest = FLOW_FAMILY;
	struct flow_match wanted = {.number = 1};

	for (size_t i = 0; i < count; i++) {
		enum flow_field field = failing_field(&matches[i], flow);

		if (!best || field > furthest) {
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
		subject_print_match(s, roles, &wanted, out);
}

static enum err put_rules_before(const struct subject *s, const struct policy_roles *roles,
	const struct reading_set *set, const struct policy_rule *decider, const struct flow *flow,
	struct buffer *out, struct error *e)
{
	const uint32_t end = decider ? decider->number : (uint32_t)set->policy->rule_count + 1;
	struct flow_match *matches;
	size_t count, at = 0, end_at = 0;
	struct arena arena;
	enum err code;

	arena_init(&arena, EXPLAIN_ARENA);
	code = policy_matches(set->policy, flow->direction, roles, &arena, &matches, &count, e);
	for (uint32_t n = 1; n < end && !code; n++) {
		/* The list has the matches of a rule side by side, in the rules' order. */
		while (at < count && matches[at].number < n)
			at++;
		for (end_at = at; end_at < count && matches[end_at].number == n;)
			end_at++;
		buffer_put_text(out, "    not by ");
		subject_print_rule(s, policy_rule(set->policy, n), out);
		buffer_put_text(out, ": ");
		put_reason(s, roles, matches + at, end_at - at, flow, out);
		buffer_put_u8(out, '\n');
	}
	arena_fini(&arena);
	return code;
}

/* --- the answer --- */

/* One set of a voice that has a say at this place, and what it says. */
struct saying {
	const struct voice *voice;
	const struct reading_set *set;
	const struct policy_rule *rule; /* NULL: none matches */
};

struct explanation {
	struct voice voices[POLICY_LAYERS_MAX];
	size_t voice_count;
	const struct question *q;
	const struct reading_node *node;
	const char *roles; /* of the interface, or of the node in transit */
	struct saying sayings[POLICY_LAYERS_MAX];
	size_t saying_count;
	const struct policy_rule *rules[POLICY_LAYERS_MAX]; /* of the decision */
};

/* Home's roles have their numbers in its reading, and rules name roles by words. */
static const struct policy_roles *roles_of(const struct explanation *x)
{
	return &x->voices[0].subject->reading.roles;
}

/* Of home the set for these roles; of others each whose pattern fits them. */
static enum err hear(struct explanation *x, const struct flow *flow, struct error *e)
{
	struct voice_set sets[POLICY_LAYERS_MAX];
	enum err code = voices_at(
		x->voices, x->voice_count, x->node, x->roles, sets, &x->saying_count, e);

	for (size_t i = 0; i < x->saying_count && !code; i++)
		x->sayings[i] = (struct saying){sets[i].voice, sets[i].set,
			policy_evaluate(sets[i].set->policy, flow, roles_of(x))};
	return code;
}

static struct policy_decision decide(struct explanation *x)
{
	struct policy_layer layers[POLICY_LAYERS_MAX];

	for (size_t i = 0; i < x->saying_count; i++) {
		layers[i] = (struct policy_layer){
			x->sayings[i].voice->authority, x->sayings[i].set->policy};
		x->rules[i] = x->sayings[i].rule;
	}
	return policy_decide(layers, x->saying_count, x->rules);
}

static void put_verdict(const struct saying *y, struct buffer *out)
{
	const struct policy_verdict verdict = policy_verdict_of(y->rule);

	print_verdict(&verdict, out);
	buffer_put_text(out, y->rule ? " by " : ", for there is ");
	subject_print_rule(y->voice->subject, y->rule, out);
	buffer_put_text(out, "%s\n", y->rule ? "" : " that matches");
}

static void put_tunnel(
	const struct explanation *x, const struct policy_protection *protection, struct buffer *out)
{
	const struct policy_address *end = &protection->endpoint;
	const struct model *m = &x->voices[0].subject->policy.model;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(end->family == FLOW_IPV6 ? AF_INET6 : AF_INET, end->octets, text, sizeof text);
	buffer_put_text(out, "  through a tunnel to %s", text);
	for (size_t i = 0; x->voices[0].subject->is_policy && i < m->node_count; i++)
		for (size_t k = 0; k < m->nodes[i].addresses.count; k++) {
			const struct address_range *a = &m->nodes[i].addresses.items[k];
			const bool ipv6 = a->family == FAMILY_IPV6;

			if (ipv6 == (end->family == FLOW_IPV6) && address_is_single(a) &&
				memcmp(a->min, end->octets, ipv6 ? 16 : 4) == 0)
				buffer_put_text(out, ", the node \"%s\"", m->nodes[i].name);
		}
	buffer_put_text(out, "; on the way it is ESP, which every node lets out and in\n");
}

static void put_together(
	const struct explanation *x, const struct policy_decision *d, struct buffer *out)
{
	buffer_put_text(out, "  together: ");
	print_verdict(&d->verdict, out);
	if (d->incomparable)
		buffer_put_text(out, ", for they want different protections");
	else
		buffer_put_text(
			out, ", which is what %s says", x->sayings[d->layer].voice->authority);
	buffer_put_u8(out, '\n');
}

/* The rule that decides, and beside it, if the flow passes, those that limit or log it. */
static enum err put_kernel(const struct explanation *x, const struct policy_decision *d,
	struct buffer *out, struct error *e)
{
	struct held_question q = {
		.node = x->node, .verdict = d->verdict, .family = x->q->flow.family};

	if (d->rule)
		q.rules[q.rule_count++] = d->rule;
	for (size_t i = 0; i < x->saying_count && d->verdict.action != POLICY_DISCARD; i++) {
		const struct policy_rule *rule = x->sayings[i].rule;

		if (i != d->layer && (rule->log || rule->rate.count || rule->connections.count))
			q.rules[q.rule_count++] = rule;
	}
	if (q.rule_count == 0)
		return E_OK;
	buffer_put_text(out, "  the kernel holds\n");
	return put_held(x->voices, x->voice_count, &q, out, e);
}

/* Answers pass if nobody wants the flow without state. */
static bool is_stateful(const struct explanation *x, const struct policy_decision *d)
{
	bool is = d->verdict.action != POLICY_DISCARD;

	for (size_t i = 0; i < x->saying_count && is; i++)
		is = x->sayings[i].rule->stateful;
	return is;
}

/* Transit is judged as it begins: what the other side may begin is another question. */
static enum err put_other_way(
	struct explanation *x, bool stateful, struct buffer *out, struct error *e)
{
	struct flow back = x->q->flow;
	enum err code;

	if (stateful)
		buffer_put_text(out, "  answers pass with the connection\n");
	memcpy(back.source, x->q->flow.destination, sizeof back.source);
	memcpy(back.destination, x->q->flow.source, sizeof back.destination);
	back.in_role = x->q->flow.out_role;
	back.out_role = x->q->flow.in_role;
	code = hear(x, &back, e);
	if (code)
		return code;
	buffer_put_text(out, "  the same from the other side: ");
	print_flow(&back, roles_of(x), out);
	buffer_put_u8(out, '\n');
	for (size_t i = 0; i < x->saying_count; i++) {
		buffer_put_text(out, "    %s: ", x->sayings[i].voice->authority);
		put_verdict(&x->sayings[i], out);
	}
	return E_OK;
}

/* When something is on that changes what this set says. */
static enum err put_cases(const struct explanation *x, const struct saying *y, struct buffer *out,
	struct error *e)
{
	struct reading *reading = &y->voice->subject->reading;
	struct reading_set *set = reading_find(reading, y->set->name), *now;
	const struct circumstances *cases;
	size_t count = 0;
	enum err code = cases_of(reading, set, &cases, &count, e);

	for (size_t i = 1; i < count && !code; i++) {
		struct saying other = {.voice = y->voice};

		code = cases_set(reading, set, &cases[i], &now, e);
		if (code)
			break;
		other.rule = policy_evaluate(now->policy, &x->q->flow, roles_of(x));
		if (!other.rule || (y->rule && strcmp(other.rule->name, y->rule->name) == 0))
			continue;
		buffer_put_text(out, "    ");
		cases_print(&cases[i], out);
		buffer_put_text(out, ": ");
		put_verdict(&other, out);
	}
	return code;
}

static enum err put_sayings(struct explanation *x, struct buffer *out, struct error *e)
{
	enum err code = E_OK;

	for (size_t i = 0; i < x->saying_count && !code; i++) {
		const struct saying *y = &x->sayings[i];

		buffer_put_text(out, "  %s", y->voice->authority);
		if (x->voice_count > 1)
			buffer_put_text(out, " (%s, %s)", y->voice->path, y->set->name);
		buffer_put_text(out, ": ");
		put_verdict(y, out);
		code = put_rules_before(
			y->voice->subject, roles_of(x), y->set, y->rule, &x->q->flow, out, e);
		if (!code)
			code = put_cases(x, y, out, e);
	}
	return code;
}

static enum err answer(struct explanation *x, struct buffer *out, struct error *e)
{
	struct policy_decision d;
	enum err code = hear(x, &x->q->flow, e);

	if (code)
		return code;
	buffer_put_text(out, "%s (%s): ", x->node->name, *x->roles ? x->roles : "no role");
	print_flow(&x->q->flow, roles_of(x), out);
	buffer_put_u8(out, '\n');
	if (!x->saying_count || x->sayings[0].voice != &x->voices[0]) {
		buffer_put_text(
			out, "  home: deny, for an interface without a role drops everything\n");
		return E_OK;
	}
	d = decide(x);
	code = put_sayings(x, out, e);
	if (!code && x->voice_count > 1)
		put_together(x, &d, out);
	if (!code && d.verdict.protection && d.verdict.protection->mode == POLICY_TUNNEL)
		put_tunnel(x, d.verdict.protection, out);
	if (!code)
		code = put_kernel(x, &d, out, e);
	if (!code && x->q->flow.direction == FLOW_FORWARD)
		code = put_other_way(x, is_stateful(x, &d), out, e);
	return code;
}

static int explain(const char *name, struct explanation *x, struct question *q)
{
	struct subject *home = x->voices[0].subject;
	int status = find_ends(name, home, q);
	struct buffer out;
	struct error e;

	if (!status)
		status = find_place(name, home, q, &x->node, &x->roles);
	if (status)
		return status;
	x->q = q;
	buffer_init(&out, TEXT_MAX);
	status = answer(x, &out, &e) ? command_failed(name, &e) : command_output(name, &out);
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
	struct subject subjects[POLICY_LAYERS_MAX];
	struct explanation x = {0};
	struct options o;

	(void)context;
	command_begin(&o, explain_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		if (!read_option(&q, id, argv[0], o.value))
			return EXIT_BAD_USAGE;
	if (id < 0)
		return status;
	if (o.argc == 0)
		return command_misused(argv[0], "the policy or the bundle is missing");
	if (o.argc > POLICY_LAYERS_MAX)
		return command_misused(argv[0], "more than %d authorities", POLICY_LAYERS_MAX);
	status = check_question(argv[0], &q);
	if (status)
		return status;
	for (int i = 0; i < o.argc && !status; i++)
		status = voices_open(argv[0], o.argv[i], x.voices, &x.voice_count, &subjects[i]);
	if (!status)
		status = explain(argv[0], &x, &q);
	for (size_t i = 0; i < x.voice_count; i++)
		subject_fini(&subjects[i]);
	return status;
}
