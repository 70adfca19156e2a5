/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/bounds.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pib/flow/lists.h"
#include "pib/schema/subcode.h"

struct check {
	const struct delegation *d;
	const struct policy *policy;
	struct pri_failures *failures;
	struct error *error;
	enum err err;
	struct policy_roles roles; /* that its rules name */
};

static void beyond(struct check *c, enum pib_class_id class, uint32_t instance, const char *format,
	...) PRINTF_LIKE(4, 5);
static void beyond(struct check *c, enum pib_class_id class, uint32_t instance, const char *format, ...)
{
	struct prid prid = {pib_class(class), instance};
	char place[PRID_TEXT_SIZE], text[ERROR_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	prid_format(&prid, place);
	pri_failures_add_prid(c->failures, pib_install_fault(prid.class, "bounds", 0), &prid,
		"%s: %s", place, text);
	if (!c->err)
		c->err = error_set(c->error, E_DENIED, "%s: %s", place, text);
}

/* ---- Responder ---- */

/* What becomes of flows in one direction. */
enum { PASSES, DISCARDED, UNMATCHED };

struct fates {
	bool any[3];
};

static enum err find_fates(
	struct check *c, enum flow_direction direction, struct fates *ret)
{
	const uint32_t outside = (uint32_t)c->policy->rule_count + 1;
	struct flow_manager *m = flow_manager_new(FLOW_NODES_DEFAULT);
	bool *seen = calloc(outside + 1, sizeof *seen);
	struct flow_interval some = {FLOW_VALUE(1), flow_field_last(FLOW_IN_ROLE)};
	struct flow_match box = {.number = 1};
	struct arena arena;
	flow_ref diagram;
	enum err err = m && seen ? E_OK : error_set(c->error, E_MEMORY, "no memory for bounds");

	/* What has no role passes nothing in any case. */
	box.field[FLOW_IN_ROLE] = box.field[FLOW_OUT_ROLE] = (struct flow_intervals){&some, 1};
	arena_init(&arena, SIZE_MAX);
	if (!err)
		err = policy_diagram(c->policy, direction, &c->roles, m, &diagram, c->error);
	if (!err)
		err = flow_match_complete(&arena, &box);
	if (!err)
		err = flow_restrict(m, diagram, &box, outside, &diagram, c->error);
	if (!err)
		err = flow_numbers(m, diagram, seen, outside + 1);
	for (uint32_t n = 0; !err && n < outside; n++) {
		const struct policy_rule *rule = policy_rule(c->policy, n);

		if (!seen[n])
			continue;
		ret->any[!rule ? UNMATCHED : rule->action == POLICY_BYPASS ? PASSES : DISCARDED] = true;
	}
	arena_fini(&arena);
	flow_manager_free(m);
	free(seen);
	return err;
}

static bool meets(const struct flow_intervals *list, const struct flow_interval *one)
{
	for (size_t i = 0; i < list->count; i++)
		if (flow_value_compare(list->list[i].low, one->high) <= 0 &&
			flow_value_compare(one->low, list->list[i].high) <= 0)
			return true;
	return false;
}

/* A match is about the addresses that it names on either side, or, if it names none, about all.
 * Whoever is blocked cannot call the name server either, but that does not touch the name server. */
static bool touches(const struct flow_match *match, const struct inet_prefix *never)
{
	const enum flow_family family = never->type == 1 ? FLOW_IPV4 : FLOW_IPV6;
	const struct flow_interval of = {FLOW_VALUE(family), FLOW_VALUE(family)};
	const struct flow_interval range =
		flow_prefix(family, never->address.data, never->length);
	const struct flow_intervals *source = &match->field[FLOW_SOURCE];
	const struct flow_intervals *destination = &match->field[FLOW_DESTINATION];

	if (match->field[FLOW_FAMILY].count && !meets(&match->field[FLOW_FAMILY], &of))
		return false;
	return meets(source, &range) || meets(destination, &range) ||
	       (!source->count && !destination->count);
}

static void check_never(struct check *c, const struct policy_rule *rule)
{
	for (size_t i = 0; i < c->d->never_count; i++) {
		for (size_t m = 0; c->d->never[i].kind == NEVER_ADDRESSES && m < rule->match_count;
			m++) {
			if (!touches(&rule->matches[m], &c->d->never[i].prefix))
				continue;
			beyond(c, PIB_ipSecRule, rule->instance,
				"discards flows of addresses that are never to be touched (never %zu)",
				i + 1);
			break;
		}
	}
}

static enum err check_directions(struct check *c)
{
	struct fates all[FLOW_DIRECTIONS] = {{{false}}};
	bool passes = false, unmatched = false;
	enum err err = E_OK;

	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS && !err; d++) {
		err = find_fates(c, d, &all[d]);
		passes = passes || all[d].any[PASSES];
		unmatched = unmatched || all[d].any[UNMATCHED];
	}
	if (err)
		return err;
	if ((!passes || unmatched) && !c->d->may_isolate)
		beyond(c, PIB_ipSecRule, c->policy->rules[0].instance,
			"what no rule names is discarded too, and the delegation permits no "
			"quarantine");
	for (size_t i = 0; passes && i < c->policy->rule_count; i++)
		if (c->policy->rules[i].action == POLICY_DISCARD)
			check_never(c, &c->policy->rules[i]);
	return E_OK;
}

static enum err collect_roles(struct check *c, const char ***ret)
{
	const char **names = calloc(2 * c->policy->rule_count + 1, sizeof *names);
	size_t count = 0;

	if (!names)
		return error_set(c->error, E_MEMORY, "no memory for bounds");
	for (size_t i = 0; i < 2 * c->policy->rule_count; i++) {
		const struct policy_rule *rule = &c->policy->rules[i / 2];
		const char *role = i % 2 ? rule->out_role : rule->in_role;
		size_t k = 0;

		while (k < count && strcmp(names[k], role) != 0)
			k++;
		if (*role && k == count)
			names[count++] = role;
	}
	c->roles = (struct policy_roles){names, count};
	*ret = names;
	return E_OK;
}

static enum err check_responder(struct check *c)
{
	const char **names = NULL;
	enum err err;

	if (c->policy->rule_count > c->d->most_rules)
		beyond(c, PIB_ipSecRule, c->policy->rules[c->d->most_rules].instance,
			"%zu rules, the delegation permits %u", c->policy->rule_count,
			c->d->most_rules);
	for (size_t i = 0; i < c->policy->rule_count; i++)
		if (c->policy->rules[i].action == POLICY_PROTECT)
			beyond(c, PIB_ipSecRule, c->policy->rules[i].instance,
				"a responder's rules discard or let pass, and demand nothing");
	if (c->err || !c->policy->rule_count)
		return E_OK;
	err = collect_roles(c, &names);
	if (err)
		return err;
	err = check_directions(c);
	free(names);
	return err;
}

/* ---- Directory ---- */

static const struct grant *find_grant(
	const struct delegation *d, enum delegation_grant kind, const char *name)
{
	for (size_t i = 0; i < d->grant_count; i++)
		if (d->grants[i].kind == kind &&
			(view_equal(d->grants[i].name, view_of_string(name)) ||
				view_equal(d->grants[i].name, VIEW("*", 1))))
			return &d->grants[i];
	return NULL;
}

/* An interval of a member is a prefix, for that is what its row says. */
static struct inet_prefix prefix_of(const struct policy_member *member, uint8_t octets[16])
{
	const bool four = member->family == FLOW_IPV4;
	uint8_t last[16];
	uint32_t length = 0;

	flow_address_octets(member->addresses.low, octets);
	flow_address_octets(member->addresses.high, last);
	while (length < (four ? 32u : 128u) &&
		(octets[length / 8] >> (7 - length % 8) & 1) ==
			(last[length / 8] >> (7 - length % 8) & 1))
		length++;
	return (struct inet_prefix){four ? 1 : 2, VIEW(octets, four ? 4u : 16u), length};
}

static void check_members(struct check *c)
{
	for (size_t i = 0; i < c->policy->member_count; i++) {
		const struct policy_member *member = &c->policy->members[i];
		const struct grant *grant = find_grant(c->d, GRANT_GROUP, member->group);
		struct view name = view_of_string(member->group);
		uint8_t octets[16];
		struct inet_prefix prefix = prefix_of(member, octets);
		size_t before = 0;
		struct error e;

		if (delegation_permits_member(c->d, GRANT_GROUP, name, &prefix, &e)) {
			beyond(c, PIB_copsecGroupMember, member->instance, "%s", e.text);
			continue;
		}
		for (size_t k = 0; k < i && grant->most; k++)
			before += strcmp(c->policy->members[k].group, member->group) == 0;
		if (grant->most && before >= grant->most)
			beyond(c, PIB_copsecGroupMember, member->instance,
				"group %s has more members than the %u that are granted",
				member->group, grant->most);
	}
}

static void check_peers(struct check *c)
{
	for (size_t i = 0; i < c->policy->peer_key_count; i++) {
		const struct policy_peer_key *key = &c->policy->peer_keys[i];
		const struct grant *grant = find_grant(c->d, GRANT_PEER, key->peer);
		const bool four = key->address.family == FLOW_IPV4;
		const struct inet_prefix prefix = {four ? 1 : 2,
			VIEW(key->address.octets, four ? 4u : 16u), four ? 32 : 128};
		size_t before = 0;
		struct error e;

		if (!grant) {
			beyond(c, PIB_copsecPeerKey, key->instance, "nothing is granted for %s",
				key->peer);
			continue;
		}
		if (key->address.family != FLOW_ANY_FAMILY &&
			delegation_permits_member(
				c->d, GRANT_PEER, view_of_string(key->peer), &prefix, &e))
			beyond(c, PIB_copsecPeerKey, key->instance, "%s", e.text);
		for (size_t k = 0; k < i && grant->most; k++)
			before += strcmp(c->policy->peer_keys[k].peer, key->peer) == 0;
		if (grant->most && before >= grant->most)
			beyond(c, PIB_copsecPeerKey, key->instance,
				"peer %s has more keys than the %u that are granted", key->peer,
				grant->most);
	}
}

enum err bounds_check(const struct delegation *d, const struct policy *policy,
	struct pri_failures *failures, struct error *error)
{
	struct check c = {.d = d, .policy = policy, .failures = failures, .error = error};
	enum err err = E_OK;

	if (d->authority == AUTHORITY_RESPONDER) {
		err = check_responder(&c);
	} else {
		check_members(&c);
		check_peers(&c);
	}
	return err ? err : c.err;
}
