/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/walk.h"

#include <string.h>

#include "pib/plan/build.h"

enum {
	JUMPS_MAX = 16, /* as many as the kernel allows */
	ROUTE_LOCAL = 2,
	TCP_ACK = 0x10,
};

struct walk {
	const struct plan *plan;
	const struct plan_packet *packet;
	struct plan_end end;
	bool decided; /* of the hook */
	bool dropped;
};

/* ---- What a step looks at ---- */

static struct plan_value dscp6(uint8_t dscp)
{
	/* Version, traffic class and the begin of the label in 16 bits. */
	return (struct plan_value){{(uint8_t)(dscp >> 2), (uint8_t)(dscp << 6)}};
}

static struct plan_value label_of(uint32_t label)
{
	return (struct plan_value){
		{(uint8_t)(label >> 16), (uint8_t)(label >> 8), (uint8_t)label}};
}

static struct plan_value octets_of(const uint8_t *octets, size_t count)
{
	struct plan_value v = {{0}};

	memcpy(v.octets, octets, count);
	return v;
}

static struct plan_value value_of(const struct walk *w, enum plan_key key)
{
	const struct plan_packet *p = w->packet;
	const struct flow *f = &p->flow;

	switch (key) {
	case PLAN_KEY_FAMILY:
		return plan_number(key, f->family == FLOW_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6);
	case PLAN_KEY_PROTOCOL:
		return plan_number(key, f->protocol);
	case PLAN_KEY_SOURCE4:
	case PLAN_KEY_SOURCE6:
	case PLAN_KEY_SOURCE6_NETWORK:
		return octets_of(f->source, plan_key_forms[key].width);
	case PLAN_KEY_DESTINATION4:
	case PLAN_KEY_DESTINATION6:
	case PLAN_KEY_DESTINATION6_NETWORK:
		return octets_of(f->destination, plan_key_forms[key].width);
	case PLAN_KEY_SOURCE_PORT:
		return plan_number(key, f->source_port);
	case PLAN_KEY_DESTINATION_PORT:
		return plan_number(key, f->destination_port);
	case PLAN_KEY_ICMP_TYPE:
		return plan_number(key, f->icmp_type);
	case PLAN_KEY_ICMP_CODE:
		return plan_number(key, f->icmp_code);
	case PLAN_KEY_DSCP4:
		return plan_number(key, (uint32_t)f->dscp << 2);
	case PLAN_KEY_DSCP6:
		return dscp6(f->dscp);
	case PLAN_KEY_LABEL:
		return label_of(f->label);
	case PLAN_KEY_TCP_FLAGS:
		return plan_number(key, p->known ? TCP_ACK : TCP_SYN);
	case PLAN_KEY_IN_NAME:
		return plan_name(p->in);
	case PLAN_KEY_OUT_NAME:
	case PLAN_KEY_FIB_OUT_NAME:
		return plan_name(p->out);
	case PLAN_KEY_MARK:
		return plan_number(key, w->end.mark);
	case PLAN_KEY_CT_MARK:
		return plan_number(key, w->end.ct_mark);
	case PLAN_KEY_CT_STATE:
		return plan_number(key, p->known ? STATE_ESTABLISHED : STATE_NEW);
	case PLAN_KEY_CT_DIRECTION:
		return plan_number(key, DIRECTION_ORIGINAL);
	case PLAN_KEY_FIB_TYPE:
		return plan_number(key, f->direction == FLOW_FORWARD ? ROUTE_UNICAST : ROUTE_LOCAL);
	default:
		/* Not the loopback, and root's socket. */
		return (struct plan_value){{0}};
	}
}

static bool exists(const struct walk *w, enum plan_key key)
{
	const struct flow *f = &w->packet->flow;
	bool icmp = f->protocol == PROTOCOL_ICMP || f->protocol == PROTOCOL_ICMPV6;

	switch (key) {
	case PLAN_KEY_SOURCE4:
	case PLAN_KEY_DESTINATION4:
	case PLAN_KEY_DSCP4:
		return f->family == FLOW_IPV4;
	case PLAN_KEY_SOURCE6:
	case PLAN_KEY_DESTINATION6:
	case PLAN_KEY_SOURCE6_NETWORK:
	case PLAN_KEY_DESTINATION6_NETWORK:
	case PLAN_KEY_DSCP6:
	case PLAN_KEY_LABEL:
		return f->family == FLOW_IPV6;
	case PLAN_KEY_ICMP_TYPE:
	case PLAN_KEY_ICMP_CODE:
		return icmp;
	case PLAN_KEY_TCP_FLAGS:
		return f->protocol == PROTOCOL_TCP;
	default:
		return true;
	}
}

/* As the plan has its elements in order. */
static int compare(enum plan_key key, const struct plan_value *a, const struct plan_value *b)
{
	uint32_t x, y;

	if (!plan_key_forms[key].host_order)
		return memcmp(a->octets, b->octets, plan_key_forms[key].width);
	memcpy(&x, a->octets, sizeof x);
	memcpy(&y, b->octets, sizeof y);
	return (x > y) - (x < y);
}

static struct plan_value looked_at(const struct walk *w, const struct plan_step *s)
{
	struct plan_value v = value_of(w, s->key);

	for (size_t i = 0; s->masked && i < sizeof s->mask; i++)
		v.octets[i] &= s->mask[i];
	return v;
}

static bool matches(const struct walk *w, const struct plan_step *s)
{
	struct plan_value v;

	if (s->key == PLAN_KEY_IPSEC_IN || s->key == PLAN_KEY_IPSEC_OUT)
		return !s->negate;
	if (!exists(w, s->key))
		return false;
	v = looked_at(w, s);
	return (compare(s->key, &v, &s->low) >= 0 && compare(s->key, &v, &s->high) <= 0) !=
	       s->negate;
}

static const struct plan_element *look_up(const struct walk *w, const struct plan_step *s)
{
	size_t low = 0, high = s->element_count;
	struct plan_value v;

	if (!exists(w, s->key))
		return NULL;
	v = looked_at(w, s);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct plan_element *e = &s->elements[middle];

		if (compare(s->key, &v, &e->low) < 0)
			high = middle;
		else if (compare(s->key, &v, &e->high) > 0)
			low = middle + 1;
		else
			return e;
	}
	return NULL;
}

/* ---- Chains ---- */

struct place {
	const struct plan_rule *rule; /* the next one */
};

static void decide(struct walk *w, enum plan_step_kind verdict)
{
	w->decided = true;
	w->dropped = verdict != PLAN_ACCEPT;
	w->end.rejected = verdict == PLAN_REJECT;
}

/* Where the walk goes on: to another chain, to the verdict, or (false) to the rule's next step. */
static bool lead(struct walk *w, enum plan_step_kind verdict, const struct plan_chain *to,
	struct place *stack, size_t *depth)
{
	if (!to) {
		decide(w, verdict);
		return true;
	}
	if (verdict == PLAN_JUMP) {
		if (*depth + 1 == JUMPS_MAX) {
			decide(w, PLAN_DROP);
			return true;
		}
		++*depth;
	}
	stack[*depth].rule = to->rules;
	return true;
}

static bool take_step(
	struct walk *w, const struct plan_step *s, struct place *stack, size_t *depth)
{
	const struct plan_element *e;

	switch (s->kind) {
	case PLAN_MAP:
		e = look_up(w, s);
		return e && lead(w, e->verdict, e->chain, stack, depth);
	case PLAN_MARK:
		w->end.mark = (w->end.mark & s->keep) | s->set;
		return false;
	case PLAN_CT_MARK:
		w->end.ct_mark = (w->end.ct_mark & s->keep) | s->set;
		return false;
	case PLAN_COUNT:
		w->end.counter = s->counter;
		return false;
	case PLAN_ACCEPT:
	case PLAN_DROP:
	case PLAN_REJECT:
		decide(w, s->kind);
		return true;
	case PLAN_JUMP:
	case PLAN_GOTO:
		return lead(w, s->kind, s->chain, stack, depth);
	default:
		return false;
	}
}

static void take_rule(
	struct walk *w, const struct plan_rule *rule, struct place *stack, size_t *depth)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct plan_step *s = &rule->steps[i];

		if (s->kind == PLAN_MATCH) {
			if (!matches(w, s))
				return;
			continue;
		}
		if (take_step(w, s, stack, depth))
			break;
	}
	if (rule->cause.prid.class || (w->decided && !(w->end.cause && w->end.cause->prid.class)))
		w->end.cause = &rule->cause;
}

static bool judges(enum plan_hook hook)
{
	return hook == PLAN_HOOK_INPUT || hook == PLAN_HOOK_OUTPUT || hook == PLAN_HOOK_FORWARD;
}

static void take_hook(struct walk *w, enum plan_hook hook)
{
	const struct plan_chain *base = w->plan->chains;
	struct place stack[JUMPS_MAX];
	size_t depth = 0;

	while (base && base->hook != hook)
		base = base->next;
	if (!base || w->dropped)
		return;
	w->decided = false;
	stack[0].rule = base->rules;
	while (!w->decided) {
		const struct plan_rule *rule = stack[depth].rule;

		if (!rule && !depth)
			decide(w, judges(hook) ? PLAN_DROP : PLAN_ACCEPT);
		else if (!rule)
			depth--;
		if (!rule)
			continue;
		stack[depth].rule = rule->next;
		take_rule(w, rule, stack, &depth);
	}
}

static const struct plan_protection *protection_of(const struct plan *plan, uint32_t mark)
{
	unsigned number = (mark & plan->marks.number) >> plan->marks.shift;

	for (size_t i = 0; number && i < plan->protection_count; i++)
		if (plan->protections[i].number == number)
			return &plan->protections[i];
	return NULL;
}

void plan_walk(const struct plan *plan, const struct plan_packet *packet, struct plan_end *ret)
{
	static const enum plan_hook hooks[FLOW_DIRECTIONS][2] = {
		[FLOW_IN] = {PLAN_HOOK_PREROUTING, PLAN_HOOK_INPUT},
		[FLOW_OUT] = {PLAN_HOOK_OUTPUT_ROUTE, PLAN_HOOK_OUTPUT},
		[FLOW_FORWARD] = {PLAN_HOOK_PREROUTING, PLAN_HOOK_FORWARD},
	};
	struct walk w = {.plan = plan,
		.packet = packet,
		.end = {.mark = packet->mark, .ct_mark = packet->ct_mark}};

	for (size_t i = 0; i < 2; i++)
		take_hook(&w, hooks[packet->flow.direction][i]);
	w.end.accepted = !w.dropped;
	w.end.protection = protection_of(plan, w.end.mark);
	*ret = w.end;
}
