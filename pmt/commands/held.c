/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/held.h"

#include <stdlib.h>
#include <string.h>

#include "pib/plan/plan.h"

enum { HELD_SHOWN = 8 /* rules of chains */ };

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
			if (shown++ < HELD_SHOWN) {
				buffer_put_text(out, "    chain %s: ", c->name);
				plan_print_rule(r, out);
				buffer_put_u8(out, '\n');
			}
		}
	if (shown > HELD_SHOWN)
		buffer_put_text(out, "    and %zu more\n", shown - HELD_SHOWN);
}

/* Of the protections of one name, which have several tunnels and may be demanded by one authority
 * and preferred by another, the one of the verdict. */
static bool carries(const struct plan_spd *spd, const struct held_question *q)
{
	const struct policy_protection *protection = q->verdict.protection;
	const struct policy_address *end = &protection->endpoint;
	const uint8_t *there =
		spd->direction == PLAN_SPD_OUT ? spd->tunnel_destination : spd->tunnel_source;

	return spd->family == q->family &&
	       spd->optional == (q->verdict.demand == POLICY_PREFERRED) &&
	       strcmp(spd->cause.name ? spd->cause.name : "", protection->name) == 0 &&
	       (protection->mode != POLICY_TUNNEL ||
		       memcmp(there, end->octets, end->family == FLOW_IPV6 ? 16 : 4) == 0);
}

static void put_spd(const struct plan *plan, const struct held_question *q, struct buffer *out)
{
	uint32_t reqid = 0;

	for (size_t i = 0; i < plan->spd_count && !reqid; i++)
		if (carries(&plan->spd[i], q))
			reqid = plan->spd[i].reqid;
	for (size_t i = 0; i < plan->protection_count; i++)
		if (plan->protections[i].reqid == reqid)
			buffer_put_text(out,
				"    protection %s: number %u in the mark, reqid %#x\n",
				plan->protections[i].name, plan->protections[i].number,
				plan->protections[i].reqid);
	for (size_t i = 0; i < plan->spd_count; i++)
		if (carries(&plan->spd[i], q)) {
			buffer_put_text(out, "    SPD ");
			plan_print_spd(&plan->spd[i], out);
			buffer_put_u8(out, '\n');
		}
}

/* The policies that the node has for one place, and what others say there. */
struct heard {
	struct policy_layer layers[POLICY_LAYERS_MAX];
};

static bool has_roles(const struct plan_input *input, const char *roles)
{
	for (size_t i = 0; i < input->policy_count; i++)
		if (strcmp(input->policies[i].roles, roles) == 0)
			return true;
	return false;
}

static enum err add_policy(const struct voice *voices, size_t voice_count,
	const struct reading_node *node, const char *roles, struct heard *heard,
	struct plan_policy *policies, struct plan_input *input, struct error *e)
{
	struct voice_set sets[POLICY_LAYERS_MAX];
	size_t count = 0;
	enum err code;

	if (has_roles(input, roles))
		return E_OK;
	code = voices_at(voices, voice_count, node, roles, sets, &count, e);
	if (code || count == 0 || sets[0].voice != voices)
		return code;
	heard += input->policy_count;
	for (size_t i = 1; i < count; i++)
		heard->layers[i - 1] =
			(struct policy_layer){sets[i].voice->authority, sets[i].set->policy};
	policies[input->policy_count++] = (struct plan_policy){.roles = roles,
		.policy = sets[0].set->policy,
		.others = heard->layers,
		.other_count = count - 1};
	return E_OK;
}

enum err put_held(const struct voice *voices, size_t voice_count, const struct held_question *q,
	struct buffer *out, struct error *e)
{
	const struct reading_node *node = q->node;
	const size_t room = node->interface_count + 1;
	struct plan_interface *interfaces = calloc(room, sizeof *interfaces);
	struct plan_policy *policies = calloc(room, sizeof *policies);
	struct heard *heard = calloc(room, sizeof *heard);
	struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT,
		.policies = policies,
		.interfaces = interfaces,
		.interface_count = node->interface_count,
		.node_roles = node->roles};
	struct plan_cause cause;
	struct plan *plan = NULL;
	enum err code = E_OK;

	if (!interfaces || !policies || !heard)
		code = error_set(e, E_MEMORY, "out of memory");
	for (size_t i = 0; i < node->interface_count && !code; i++) {
		interfaces[i] = (struct plan_interface){
			node->interfaces[i].name, node->interfaces[i].roles};
		code = add_policy(voices, voice_count, node, node->interfaces[i].roles, heard,
			policies, &input, e);
	}
	if (!code)
		code = add_policy(
			voices, voice_count, node, node->roles, heard, policies, &input, e);
	if (!code)
		code = plan_build(&input, &plan, &cause, e);
	if (!code) {
		for (size_t i = 0; i < q->rule_count; i++)
			put_filter(plan, q->rules[i], out);
		if (q->verdict.protection)
			put_spd(plan, q, out);
	}
	plan_free(plan);
	free(interfaces);
	free(policies);
	free(heard);
	return code;
}
