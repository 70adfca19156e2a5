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

/* Of the protections of one name, which have several tunnels, the one to this end. */
static bool carries(const struct plan_spd *spd, const struct policy_protection *protection,
	enum flow_family family)
{
	const struct policy_address *end = &protection->endpoint;
	const uint8_t *there =
		spd->direction == PLAN_SPD_OUT ? spd->tunnel_destination : spd->tunnel_source;

	return spd->family == family &&
	       strcmp(spd->cause.name ? spd->cause.name : "", protection->name) == 0 &&
	       (protection->mode != POLICY_TUNNEL ||
		       memcmp(there, end->octets, end->family == FLOW_IPV6 ? 16 : 4) == 0);
}

static void put_spd(const struct plan *plan, const struct policy_protection *protection,
	enum flow_family family, struct buffer *out)
{
	uint32_t reqid = 0;

	for (size_t i = 0; i < plan->spd_count && !reqid; i++)
		if (carries(&plan->spd[i], protection, family))
			reqid = plan->spd[i].reqid;
	for (size_t i = 0; i < plan->protection_count; i++)
		if (plan->protections[i].reqid == reqid)
			buffer_put_text(out,
				"    protection %s: number %u in the mark, reqid %#x\n",
				plan->protections[i].name, plan->protections[i].number,
				plan->protections[i].reqid);
	for (size_t i = 0; i < plan->spd_count; i++)
		if (carries(&plan->spd[i], protection, family)) {
			buffer_put_text(out, "    SPD ");
			plan_print_spd(&plan->spd[i], out);
			buffer_put_u8(out, '\n');
		}
}

/* The policies that the node has, by the roles that they are for. */
static size_t node_policies(
	struct subject *s, const struct reading_node *node, struct plan_policy *out)
{
	size_t count = 0;

	for (size_t i = 0; i <= node->interface_count; i++) {
		const char *roles =
			i < node->interface_count ? node->interfaces[i].roles : node->roles;
		const struct reading_set *set = reading_set_at(&s->reading, node->name, roles);
		bool had = false;

		for (size_t n = 0; n < count; n++)
			had |= strcmp(out[n].roles, roles) == 0;
		if (set && !had)
			out[count++] = (struct plan_policy){.roles = roles, .policy = set->policy};
	}
	return count;
}

enum err put_held(struct subject *s, const struct reading_node *node,
	const struct policy_rule *rule, enum flow_family family, struct buffer *out,
	struct error *e)
{
	struct plan_interface *interfaces = calloc(node->interface_count + 1, sizeof *interfaces);
	struct plan_policy *policies = calloc(node->interface_count + 1, sizeof *policies);
	struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT,
		.policies = policies,
		.interfaces = interfaces,
		.interface_count = node->interface_count,
		.node_roles = node->roles};
	struct plan_cause cause;
	struct plan *plan = NULL;
	enum err code = E_OK;

	if (!interfaces || !policies)
		code = error_set(e, E_MEMORY, "out of memory");
	for (size_t i = 0; i < node->interface_count && !code; i++)
		interfaces[i] = (struct plan_interface){
			node->interfaces[i].name, node->interfaces[i].roles};
	if (!code)
		input.policy_count = node_policies(s, node, policies);
	if (!code)
		code = plan_build(&input, &plan, &cause, e);
	if (!code) {
		put_filter(plan, rule, out);
		if (rule->protection)
			put_spd(plan, rule->protection, family, out);
	}
	plan_free(plan);
	free(interfaces);
	free(policies);
	return code;
}
