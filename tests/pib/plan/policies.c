/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pib/plan/policies.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct policy_esp esp = {
	.instance = 1, .encryption = 20, .key_length = 256, .lifetime_seconds = 3600};
static const struct policy_proposal esp_proposal = {.esp = &esp, .esp_count = 1};
static const struct policy_ike_proposal proposal = {.instance = 1,
	.encryption = 20,
	.key_length = 256,
	.prf = 6,
	.group = 20,
	.lifetime_seconds = 28800};
static const struct policy_ike ike = {.instance = 1,
	.authentication = POLICY_RAW_KEY,
	.peer_address = {.family = FLOW_ANY_FAMILY},
	.proposals = &proposal,
	.proposal_count = 1};

#define PROTECTION(n, text, how, must, ...)                                                        \
	{                                                                                          \
		.name = text, .instance = 100 + n, .number = n, .mode = how, .demand = must,       \
		.proposals = &esp_proposal, .proposal_count = 1, .ike = &ike, .ike_count = 1,      \
		__VA_ARGS__                                                                        \
	}

const struct policy_protection test_protections[TEST_PROTECTIONS - 1] = {
	PROTECTION(
		1, "strong", POLICY_TRANSPORT, POLICY_REQUIRED, .endpoint.family = FLOW_ANY_FAMILY),
	PROTECTION(
		2, "soft", POLICY_TRANSPORT, POLICY_PREFERRED, .endpoint.family = FLOW_ANY_FAMILY),
	PROTECTION(3, "tunnel", POLICY_TUNNEL, POLICY_REQUIRED,
		.endpoint = {.family = FLOW_IPV4, .octets = {198, 51, 100, 2}},
		.df = POLICY_DF_COPY),
};

static struct flow_intervals one(struct arena *arena, struct flow_interval interval)
{
	struct flow_interval *list = arena_alloc(arena, sizeof *list);

	*list = interval;
	return (struct flow_intervals){list, 1};
}

static struct flow_intervals numbers(struct arena *arena, uint64_t low, uint64_t high)
{
	return one(arena, (struct flow_interval){FLOW_VALUE(low), FLOW_VALUE(high)});
}

static void put_prefix(
	struct arena *arena, struct flow_match *match, enum flow_field field, const char *text)
{
	enum flow_family family = strchr(text, ':') ? FLOW_IPV6 : FLOW_IPV4;
	unsigned bits = family == FLOW_IPV6 ? 128 : 32;
	uint8_t octets[16] = {0};
	char address[64];
	char *slash;

	snprintf(address, sizeof address, "%s", text);
	slash = strchr(address, '/');
	if (slash) {
		*slash = '\0';
		bits = (unsigned)strtoul(slash + 1, NULL, 10);
	}
	ck_assert_int_eq(inet_pton(family == FLOW_IPV6 ? AF_INET6 : AF_INET, address, octets), 1);
	match->field[field] = one(arena, flow_prefix(family, octets, bits));
	match->field[FLOW_FAMILY] = numbers(arena, family, family);
}

static void put_match(struct arena *arena, struct flow_match *match, const struct test_rule *rule)
{
	struct error error;

	if (rule->source)
		put_prefix(arena, match, FLOW_SOURCE, rule->source);
	if (rule->destination)
		put_prefix(arena, match, FLOW_DESTINATION, rule->destination);
	if (rule->protocol)
		match->field[FLOW_PROTOCOL] = numbers(arena, rule->protocol, rule->protocol);
	if (rule->port)
		match->field[FLOW_DESTINATION_PORT] =
			numbers(arena, rule->port, rule->port_last ? rule->port_last : rule->port);
	if (rule->dscp)
		match->field[FLOW_DSCP] = numbers(arena, rule->dscp, rule->dscp);
	ck_assert_int_eq(flow_match_complete(arena, match), E_OK);
	ck_assert_int_eq(flow_match_check(match, &error), E_OK);
}

struct policy *test_policy(
	struct arena *arena, const char *roles, const struct test_rule *rules, size_t count)
{
	struct policy *policy = arena_alloc(arena, sizeof *policy);
	struct policy_rule *list = arena_calloc(arena, count + 1, sizeof *list);

	for (size_t i = 0; i < count; i++) {
		struct flow_match *match = arena_alloc(arena, sizeof *match);
		struct policy_step *step = arena_calloc(arena, 1, sizeof *step);

		*step = (struct policy_step){
			.kind = rules[i].action == POLICY_DISCARD   ? POLICY_STEP_DISCARD
				: rules[i].action == POLICY_PROTECT ? POLICY_STEP_NEGOTIATE
								    : POLICY_STEP_BYPASS,
			.answer = rules[i].answer ? rules[i].answer : POLICY_SILENCE};
		put_match(arena, match, &rules[i]);
		match->number = (uint32_t)i + 1;
		list[i] = (struct policy_rule){.name = rules[i].name,
			.instance = (uint32_t)i + 1,
			.number = (uint32_t)i + 1,
			.order = (uint32_t)i + 1,
			.forward = rules[i].forward,
			.direction = rules[i].direction,
			.in_role = rules[i].in_role ? rules[i].in_role : "",
			.out_role = rules[i].out_role ? rules[i].out_role : "",
			.matches = match,
			.match_count = 1,
			.steps = step,
			.step_count = 1,
			.rate = rules[i].rate,
			.connections = rules[i].connections,
			.action = rules[i].action,
			.protection = rules[i].protection
					      ? &test_protections[rules[i].protection - 1]
					      : NULL,
			.initiator = POLICY_BOTH,
			.stateful = !rules[i].stateless,
			.log = rules[i].log};
	}
	*policy = (struct policy){.roles = roles,
		.rules = list,
		.rule_count = count,
		.protections = test_protections,
		.protection_count = TEST_PROTECTIONS - 1};
	return policy;
}

/* ---- What the chains do ---- */

/* False: the packet has no such thing, so a rule that asks for it does not match. */
static bool load(const struct test_packet *p, enum plan_key key, struct plan_value *ret)
{
	const struct flow *f = &p->flow;
	bool six = f->family == FLOW_IPV6;
	bool ports = flow_protocol_has_ports(f->protocol);
	bool icmp = flow_protocol_is_icmp(f->protocol);

	memset(ret, 0, sizeof *ret);
	switch (key) {
	case PLAN_KEY_FAMILY:
		*ret = plan_number(key, six ? 10 : 2);
		return true;
	case PLAN_KEY_PROTOCOL:
		*ret = plan_number(key, f->protocol);
		return true;
	case PLAN_KEY_SOURCE4:
	case PLAN_KEY_SOURCE6:
	case PLAN_KEY_SOURCE6_NETWORK:
		memcpy(ret->octets, f->source, plan_key_forms[key].width);
		return six == (key != PLAN_KEY_SOURCE4);
	case PLAN_KEY_DESTINATION4:
	case PLAN_KEY_DESTINATION6:
	case PLAN_KEY_DESTINATION6_NETWORK:
		memcpy(ret->octets, f->destination, plan_key_forms[key].width);
		return six == (key != PLAN_KEY_DESTINATION4);
	case PLAN_KEY_SOURCE_PORT:
		*ret = plan_number(key, f->source_port);
		return ports;
	case PLAN_KEY_DESTINATION_PORT:
		*ret = plan_number(key, f->destination_port);
		return ports;
	case PLAN_KEY_ICMP_TYPE:
		*ret = plan_number(key, f->icmp_type);
		return icmp;
	case PLAN_KEY_ICMP_CODE:
		*ret = plan_number(key, f->icmp_code);
		return icmp;
	case PLAN_KEY_DSCP4:
		*ret = plan_number(
			key, (uint32_t)f->dscp << 2 | 1); /* ECN is no business of ours */
		return !six;
	case PLAN_KEY_DSCP6:
		*ret = plan_number(key, 0x6000u | (uint32_t)f->dscp << 6 | 1);
		return six;
	case PLAN_KEY_LABEL:
		*ret = plan_number(key, 0xf00000u | f->label);
		return six;
	case PLAN_KEY_TCP_FLAGS:
		*ret = plan_number(key, p->tcp_flags);
		return f->protocol == 6;
	case PLAN_KEY_IN_INDEX:
		*ret = plan_number(key, p->in && strcmp(p->in, "lo") == 0 ? 1 : 7);
		return p->in != NULL;
	case PLAN_KEY_OUT_INDEX:
		*ret = plan_number(key, p->out && strcmp(p->out, "lo") == 0 ? 1 : 7);
		return p->out != NULL;
	case PLAN_KEY_IN_NAME:
		*ret = plan_name(p->in ? p->in : "");
		return p->in != NULL;
	case PLAN_KEY_OUT_NAME:
	case PLAN_KEY_FIB_OUT_NAME:
		*ret = plan_name(p->out ? p->out : "");
		return p->out != NULL;
	case PLAN_KEY_SOCKET_USER:
		*ret = plan_number(key, p->user);
		return p->out && !p->in;
	case PLAN_KEY_MARK:
		*ret = plan_number(key, p->mark);
		return true;
	case PLAN_KEY_CT_MARK:
		*ret = plan_number(key, p->ct_mark);
		return true;
	case PLAN_KEY_CT_STATE:
		*ret = plan_number(key, p->ct_state);
		return true;
	case PLAN_KEY_CT_DIRECTION:
		*ret = plan_number(key, p->ct_direction);
		return true;
	case PLAN_KEY_FIB_TYPE:
		*ret = plan_number(key, p->in && p->out ? 1 : 2);
		return true;
	case PLAN_KEY_IPSEC_IN:
		*ret = plan_number(key, p->ipsec_in);
		return p->ipsec_in != 0;
	case PLAN_KEY_IPSEC_OUT:
		*ret = plan_number(key, p->ipsec_out);
		return p->ipsec_out != 0;
	case PLAN_KEY_COUNT:
		break;
	}
	ck_abort_msg("no such key");
}

static bool load_masked(
	const struct test_packet *p, const struct plan_step *s, struct plan_value *ret)
{
	if (!load(p, s->key, ret))
		return false;
	for (size_t i = 0; s->masked && i < plan_key_forms[s->key].width; i++)
		ret->octets[i] &= s->mask[i];
	return true;
}

static bool between(enum plan_key key, const struct plan_value *v, const struct plan_value *low,
	const struct plan_value *high)
{
	size_t width = plan_key_forms[key].width;

	return memcmp(low, v, width) <= 0 && memcmp(v, high, width) <= 0;
}

static const struct plan_element *look_up(const struct plan_step *s, const struct plan_value *v)
{
	for (size_t i = 0; i < s->element_count; i++)
		if (between(s->key, v, &s->elements[i].low, &s->elements[i].high))
			return &s->elements[i];
	return NULL;
}

enum { DEPTH_MAX = 16 }; /* the kernel's */

bool test_accepts(const struct plan *plan, enum plan_hook hook, struct test_packet *packet,
	const struct plan_counter **ret_counter)
{
	const struct plan_rule *stack[DEPTH_MAX];
	const struct plan_chain *chain = plan->chains;
	const struct plan_rule *rule;
	size_t depth = 0;

	*ret_counter = NULL;
	while (chain && chain->hook != hook)
		chain = chain->next;
	if (!chain)
		return true;
	rule = chain->rules;
	for (;;) {
		const struct plan_rule *current = rule;
		bool go_on = true;

		if (!rule) {
			if (depth == 0)
				return hook <= PLAN_HOOK_OUTPUT_ROUTE; /* the chain's own default */
			rule = stack[--depth];
			continue;
		}
		rule = current->next;
		for (size_t i = 0; i < current->step_count && go_on; i++) {
			const struct plan_step *s = &current->steps[i];
			enum plan_step_kind kind = s->kind;
			const struct plan_chain *to = kind >= PLAN_JUMP ? s->chain : NULL;
			struct plan_value v;

			if (kind == PLAN_MATCH) {
				go_on = load_masked(packet, s, &v) &&
					between(s->key, &v, &s->low, &s->high) != s->negate;
				continue;
			}
			if (kind == PLAN_MAP) {
				const struct plan_element *e =
					load_masked(packet, s, &v) ? look_up(s, &v) : NULL;

				if (!e) {
					go_on = false;
					continue;
				}
				kind = e->verdict;
				to = e->chain;
			}
			switch (kind) {
			case PLAN_MARK:
				packet->mark = (packet->mark & s->keep) | s->set;
				break;
			case PLAN_CT_MARK:
				packet->ct_mark = (packet->ct_mark & s->keep) | s->set;
				break;
			case PLAN_COUNT:
				*ret_counter = s->counter;
				break;
			case PLAN_RATE:
				go_on = !packet->over_rate;
				break;
			case PLAN_CONNECTIONS:
				go_on = !packet->over_connections;
				break;
			case PLAN_ACCEPT:
				return true;
			case PLAN_DROP:
			case PLAN_REJECT:
				return false;
			case PLAN_JUMP:
				ck_assert_uint_lt(depth, DEPTH_MAX);
				stack[depth++] = rule;
				rule = to->rules;
				go_on = false;
				break;
			case PLAN_GOTO:
				rule = to->rules;
				go_on = false;
				break;
			default:
				break;
			}
		}
	}
}
