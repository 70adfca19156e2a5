/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/build.h"

#include <stdlib.h>
#include <string.h>

static struct plan_cause cause_of_protection(const struct policy_protection *p)
{
	return (struct plan_cause){
		.prid = {.class = pib_class(PIB_ipSecNegotiationAction), .instance = p->instance},
		.name = p->name};
}

static uint32_t protection_digest(const struct policy_protection *p)
{
	struct buffer text;
	uint64_t hash = 0xcbf29ce484222325u;

	buffer_init(&text, PRINT_MAX);
	policy_print_protection(&text, p);
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ text.data[i]) * 0x100000001b3u;
	buffer_fini(&text);
	hash ^= hash >> 24 ^ hash >> 48;
	return (uint32_t)hash & (PLAN_REQID_LAST - PLAN_REQID_BASE);
}

static struct protecting *find_protecting(
	struct build *b, struct protecting *list, const struct policy_protection *p)
{
	for (size_t i = 0; i < b->plan->protection_count; i++)
		if (policy_protection_equal(list[i].policy, p))
			return &list[i];
	return NULL;
}

static const struct plan_protection *previous_protection(const struct build *b, uint32_t reqid)
{
	const struct plan *previous = b->input->previous;

	for (size_t i = 0; previous && i < previous->protection_count; i++)
		if (previous->protections[i].reqid == reqid)
			return &previous->protections[i];
	return NULL;
}

static bool reqid_taken(const struct build *b, uint32_t reqid)
{
	for (size_t i = 0; i < b->plan->protection_count; i++)
		if (b->plan->protections[i].reqid == reqid)
			return true;
	return false;
}

/* Numbers that the previous plan gave to the same protection stay; others get one that neither plan
 * has, and only if there is none, one that has just become free. */
static void give_numbers(struct build *b)
{
	bool here[MARK_PROTECTIONS_MAX + 1] = {false};
	bool before[MARK_PROTECTIONS_MAX + 1] = {false};

	if (b->input->previous)
		for (size_t i = 0; i < b->input->previous->protection_count; i++)
			before[b->input->previous->protections[i].number] = true;
	for (size_t i = 0; i < b->plan->protection_count; i++) {
		struct plan_protection *p = &b->plan->protections[i];
		const struct plan_protection *old = previous_protection(b, p->reqid);

		if (old) {
			p->number = old->number;
			here[p->number] = true;
		}
	}
	for (size_t i = 0; i < b->plan->protection_count; i++) {
		struct plan_protection *p = &b->plan->protections[i];

		for (int round = 0; round < 2 && !p->number; round++)
			for (unsigned n = 1; n <= MARK_PROTECTIONS_MAX && !p->number; n++)
				if (!here[n] && (round > 0 || !before[n]))
					p->number = n;
		here[p->number] = true;
	}
}

/* One of a set's rules asks for this protection. */
static enum err use_protection(struct build *b, struct protecting *list,
	const struct policy_protection *policy, bool transit)
{
	struct protecting *p = find_protecting(b, list, policy);

	if (!p) {
		struct plan_protection *made = &b->plan->protections[b->plan->protection_count];
		uint32_t digest = protection_digest(policy);

		*b->blame = cause_of_protection(policy);
		if (b->plan->protection_count == MARK_PROTECTIONS_MAX)
			return error_set(b->error, E_LIMIT,
				"protection %s: a node holds at most %d", policy->name,
				MARK_PROTECTIONS_MAX);
		if (policy->mode == POLICY_TUNNEL && policy->endpoint.family == FLOW_ANY_FAMILY)
			return error_set(b->error, E_UNSUPPORTED,
				"protection %s: a tunnel without the address of its other end",
				policy->name);
		while (reqid_taken(b, PLAN_REQID_BASE + digest))
			digest = (digest + 1) & (PLAN_REQID_LAST - PLAN_REQID_BASE);
		made->cause = build_keep_cause(b, cause_of_protection(policy));
		made->name = made->cause.name;
		made->reqid = PLAN_REQID_BASE + digest;
		made->required = policy->demand == POLICY_REQUIRED;
		p = &list[b->plan->protection_count++];
		p->policy = policy;
		p->plan = made;
	}
	if (transit)
		p->plan->transit = true;
	else
		p->plan->own = true;
	return E_OK;
}

static void put_counters(struct build *b)
{
	struct writer *w = &b->w;

	for (unsigned n = 1; n <= MARK_PROTECTIONS_MAX; n++) {
		struct protecting *p = &b->protecting[n - 1];

		if (!p->plan)
			continue;
		p->handed = writer_counter(
			w, writer_name(w, "protect/", p->plan->name), "", &p->plan->cause);
		p->refused = writer_counter(
			w, writer_name(w, "no-sa/", p->plan->name), "", &p->plan->cause);
	}
}

enum err build_protections(struct build *b)
{
	struct protecting *list = calloc(MARK_PROTECTIONS_MAX + 1, sizeof *list);

	b->plan->protections =
		arena_calloc(&b->plan->arena, MARK_PROTECTIONS_MAX, sizeof *b->plan->protections);
	b->protecting = calloc(MARK_PROTECTIONS_MAX + 1, sizeof *b->protecting);
	if (!list || !b->plan->protections || !b->protecting) {
		free(list);
		return error_set(b->error, E_MEMORY, "no memory for a plan");
	}
	for (size_t i = 0; i < b->input->policy_count; i++) {
		const struct policy *policy = b->sets[i].policy;
		bool own = build_set_in_use(b, &b->sets[i]);

		for (size_t j = 0; j < policy->rule_count; j++) {
			const struct policy_rule *rule = &policy->rules[j];
			enum err err;

			if (rule->action != POLICY_PROTECT ||
				(rule->forward ? &b->sets[i] != b->node : !own))
				continue;
			err = use_protection(b, list, rule->protection, rule->forward);
			if (err) {
				free(list);
				return err;
			}
			if (rule->forward)
				b->protects_forward = true;
			else
				b->protects_out = true; /* of an in rule: its replies */
		}
	}
	give_numbers(b);
	for (size_t i = 0; i < b->plan->protection_count; i++)
		b->protecting[list[i].plan->number - 1] = list[i];
	for (size_t i = 0; i < b->input->policy_count; i++) {
		const struct policy *policy = b->sets[i].policy;

		for (size_t j = 0; j < policy->protection_count; j++) {
			const struct protecting *p =
				find_protecting(b, list, &policy->protections[j]);

			if (p)
				b->sets[i].numbers[j] = p->plan->number;
		}
	}
	free(list);
	put_counters(b);
	return E_OK;
}

static void put_spd(struct build *b, struct plan_spd entry)
{
	for (enum flow_family family = FLOW_IPV4; family <= FLOW_IPV6; family++) {
		entry.family = family;
		b->plan->spd[b->plan->spd_count++] = entry;
	}
}

enum err build_spd(struct build *b)
{
	const struct marks *m = &b->plan->marks;

	b->plan->spd = arena_calloc(
		&b->plan->arena, 6 * b->plan->protection_count + 4, sizeof *b->plan->spd);
	if (!b->plan->spd)
		return error_set(b->error, E_MEMORY, "no memory for a plan");
	for (unsigned n = 1; n <= MARK_PROTECTIONS_MAX; n++) {
		const struct protecting *p = &b->protecting[n - 1];
		struct plan_spd entry;

		if (!p->plan)
			continue;
		entry = (struct plan_spd){.mask = m->flow,
			.priority = SPD_PRIORITY,
			.reqid = p->plan->reqid,
			.tunnel = p->policy->mode == POLICY_TUNNEL,
			.optional = !p->plan->required,
			.tunnel_family = p->policy->endpoint.family,
			.cause = p->plan->cause};
		entry.mark = marks_value(m, n, false);
		entry.direction = PLAN_SPD_OUT;
		if (entry.tunnel)
			memcpy(entry.tunnel_destination, p->policy->endpoint.octets, 16);
		put_spd(b, entry);
		entry.mark = marks_value(m, n, true);
		memset(entry.tunnel_destination, 0, 16);
		if (entry.tunnel)
			memcpy(entry.tunnel_source, p->policy->endpoint.octets, 16);
		entry.direction = PLAN_SPD_IN;
		if (p->plan->own)
			put_spd(b, entry);
		entry.direction = PLAN_SPD_FORWARD;
		if (p->plan->transit)
			put_spd(b, entry);
	}
	for (enum plan_spd_direction d = PLAN_SPD_IN; d <= PLAN_SPD_FORWARD; d++)
		if (d != PLAN_SPD_OUT)
			put_spd(b, (struct plan_spd){.direction = d,
					   .mask = m->passed,
					   .priority = PLAN_SPD_PRIORITY_LAST,
					   .block = true,
					   .cause = build_compiled_in(
						   "what our chains have not seen")});
	return E_OK;
}
