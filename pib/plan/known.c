/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/build.h"

#include <stdlib.h>
#include <string.h>

const char *const build_stage_names[] = {"in", "out", "forward", "mark-out", "mark-forward"};
const char *const build_leg_names[] = {"out", "came"};

struct plan_chain *build_known_chain(
	struct build *b, enum stage stage, struct protecting *p, enum leg leg)
{
	struct writer *w = &b->w;
	const struct marks *m = &b->plan->marks;
	bool marking = stage >= STAGE_MARK_OUT;
	struct plan_chain **place =
		marking ? &p->marks[stage - STAGE_MARK_OUT][leg] : &p->replies[stage][leg];
	struct plan_chain *chain;

	if (*place)
		return *place;
	chain = *place = writer_chain(w, PLAN_HOOK_NONE,
		writer_name(w,
			writer_text(w, "%s-%s.", marking ? "set" : "known",
				stage == STAGE_FORWARD || stage == STAGE_MARK_FORWARD
					? writer_text(w, "forward-%s", build_leg_names[leg])
					: build_stage_names[stage] + (marking ? 5 : 0)),
			p->plan->name));
	if (marking || stage == STAGE_IN) {
		step_mark(w, ~m->flow, marks_value(m, p->plan->number, leg == LEG_CAME));
		if (leg == LEG_OUT)
			step_count(w, p->handed);
		if (marking)
			step_accept(w);
		writer_rule(w, chain, &p->plan->cause);
		if (marking)
			return chain;
	}
	if (leg == LEG_OUT) {
		step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_TCP);
		step_masked(w, PLAN_KEY_TCP_FLAGS, TCP_SYN, TCP_SYN);
		step_clamp(w);
		writer_rule(w, chain, &p->plan->cause);
	}
	if (p->plan->required)
		step_is(w, leg == LEG_OUT ? PLAN_KEY_IPSEC_OUT : PLAN_KEY_IPSEC_IN, p->plan->reqid);
	step_accept(w);
	writer_rule(w, chain, &p->plan->cause);
	if (p->plan->required) {
		step_count(w, p->refused);
		step_drop(w);
		writer_rule(w, chain, &p->plan->cause);
	}
	return chain;
}

static int element_order(const void *a, const void *b)
{
	const struct plan_element *x = a, *y = b;
	uint32_t left, right;

	memcpy(&left, x->low.octets, sizeof left);
	memcpy(&right, y->low.octets, sizeof right);
	return left < right ? -1 : left > right;
}

/* Where a packet of a known connection goes, by the connection's mark; `turned`: it goes the other
 * way than the connection's first packet. */
static struct plan_chain *put_known(
	struct build *b, enum stage stage, bool turned, const char *name)
{
	struct writer *w = &b->w;
	const struct marks *m = &b->plan->marks;
	bool forward = stage == STAGE_FORWARD || stage == STAGE_MARK_FORWARD;
	struct plan_element elements[2 * MARK_PROTECTIONS_MAX + 1];
	struct plan_cause cause = build_compiled_in("packets of known connections");
	struct plan_chain *chain;
	size_t count = 0;

	elements[count++] = build_element(0, 0, PLAN_KEY_CT_MARK);
	for (unsigned n = 1; n <= MARK_PROTECTIONS_MAX; n++) {
		struct protecting *p = &b->protecting[n - 1];

		if (!p->plan || (forward ? !p->plan->transit : !p->plan->own))
			continue;
		for (enum leg first = LEG_OUT; first <= LEG_CAME; first++) {
			enum leg leg = turned == (first == LEG_OUT) ? LEG_CAME : LEG_OUT;

			/* A packet that enters the node came; one that leaves it goes out. */
			if (!forward)
				leg = stage == STAGE_IN ? LEG_CAME : LEG_OUT;
			elements[count] = build_element(marks_value(m, n, first == LEG_CAME),
				marks_value(m, n, first == LEG_CAME), PLAN_KEY_CT_MARK);
			elements[count].verdict = PLAN_GOTO;
			elements[count++].chain = build_known_chain(b, stage, p, leg);
		}
	}
	qsort(elements, count, sizeof *elements, element_order);
	chain = writer_chain(w, PLAN_HOOK_NONE, name);
	step_map(w, PLAN_KEY_CT_MARK, m->flow, elements, count);
	writer_rule(w, chain, &cause);
	return chain;
}

/* ICMP errors go where their connection's packets go. Redirects and the rest are no errors. */
static struct plan_chain *put_errors(
	struct build *b, const struct plan_chain *known, const char *name)
{
	struct writer *w = &b->w;
	struct plan_chain *chain = writer_chain(w, PLAN_HOOK_NONE, name);
	struct plan_cause cause = build_compiled_in("ICMP errors of known connections");

	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_ICMP);
	step_is(w, PLAN_KEY_ICMP_TYPE, 3); /* unreachable */
	step_goto(w, known);
	writer_rule(w, chain, &cause);
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_ICMP);
	step_range(w, PLAN_KEY_ICMP_TYPE, 11, 12); /* time exceeded, parameter problem */
	step_goto(w, known);
	writer_rule(w, chain, &cause);
	step_is(w, PLAN_KEY_PROTOCOL, PROTOCOL_ICMPV6);
	step_range(w, PLAN_KEY_ICMP_TYPE, 1, 4); /* all that IPv6 has */
	step_goto(w, known);
	writer_rule(w, chain, &cause);
	return chain;
}

/* Sends packets of known connections their way from a base chain. */
void build_known(struct build *b, struct plan_chain *base, enum stage stage)
{
	struct writer *w = &b->w;
	const struct marks *m = &b->plan->marks;
	struct plan_cause cause = build_compiled_in("known connections");
	bool forward = stage == STAGE_FORWARD || stage == STAGE_MARK_FORWARD;
	const char *name = build_stage_names[stage];
	struct plan_chain *reply = put_known(b, stage, true, writer_text(w, "known-%s", name));
	struct plan_chain *errors = put_errors(b, reply, writer_text(w, "errors-%s", name));

	step_is(w, PLAN_KEY_CT_DIRECTION, DIRECTION_REPLY);
	step_masked(w, PLAN_KEY_CT_STATE, STATE_ESTABLISHED, STATE_ESTABLISHED);
	step_masked(w, PLAN_KEY_CT_MARK, m->passed, m->passed);
	step_jump(w, reply);
	writer_rule(w, base, &cause);
	if (forward)
		step_is(w, PLAN_KEY_CT_DIRECTION, DIRECTION_REPLY);
	step_masked(w, PLAN_KEY_CT_STATE, STATE_RELATED, STATE_RELATED);
	step_masked(w, PLAN_KEY_CT_MARK, m->passed, m->passed);
	step_jump(w, errors);
	writer_rule(w, base, &cause);
	if (!forward)
		return;
	/* In transit the way tells which side is the protected one. */
	reply = put_known(b, stage, false, writer_text(w, "known-%s-original", name));
	errors = put_errors(b, reply, writer_text(w, "errors-%s-original", name));
	step_is(w, PLAN_KEY_CT_DIRECTION, DIRECTION_ORIGINAL);
	step_masked(w, PLAN_KEY_CT_STATE, STATE_RELATED, STATE_RELATED);
	step_masked(w, PLAN_KEY_CT_MARK, m->passed, m->passed);
	step_jump(w, errors);
	writer_rule(w, base, &cause);
}
