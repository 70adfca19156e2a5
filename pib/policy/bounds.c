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
	uint32_t discards; /* instance of a rule that does */
};

/* Of the flows from or to these addresses, or of all (NULL). */
static enum err find_fates(struct check *c, enum flow_direction direction,
	const struct inet_prefix *of, enum flow_field side, struct fates *ret)
{
	static const char *const anything[] = {""};
	const struct policy_roles roles = {anything, 1};
	const uint32_t outside = (uint32_t)c->policy->rule_count + 1;
	struct flow_manager *m = flow_manager_new(FLOW_NODES_DEFAULT);
	bool *seen = calloc(outside + 1, sizeof *seen);
	struct flow_interval family, range;
	struct flow_match box = {.number = 1};
	struct arena arena;
	flow_ref diagram;
	enum err err = m && seen ? E_OK : error_set(c->error, E_MEMORY, "no memory for bounds");

	arena_init(&arena, SIZE_MAX);
	if (!err)
		err = policy_diagram(c->policy, direction, &roles, m, &diagram, c->error);
	if (!err && of) {
		enum flow_family f = of->type == 1 ? FLOW_IPV4 : FLOW_IPV6;

		family = (struct flow_interval){FLOW_VALUE(f), FLOW_VALUE(f)};
		range = flow_prefix(f, of->address.data, of->length);
		box.field[FLOW_FAMILY] = (struct flow_intervals){&family, 1};
		box.field[side] = (struct flow_intervals){&range, 1};
		err = flow_match_complete(&arena, &box);
		if (!err)
			err = flow_restrict(m, diagram, &box, outside, &diagram, c->error);
	}
	if (!err)
		err = flow_numbers(m, diagram, seen, outside + 1);
	for (uint32_t n = 0; !err && n < outside; n++) {
		const struct policy_rule *rule = policy_rule(c->policy, n);

		if (!seen[n])
			continue;
		ret->any[!rule ? UNMATCHED : rule->action == POLICY_BYPASS ? PASSES : DISCARDED] = true;
		if (rule && rule->action == POLICY_DISCARD)
			ret->discards = rule->instance;
	}
	arena_fini(&arena);
	flow_manager_free(m);
	free(seen);
	return err;
}

static enum err check_never(struct check *c, enum flow_direction direction)
{
	static const enum flow_field sides[] = {FLOW_SOURCE, FLOW_DESTINATION};

	for (size_t i = 0; i < c->d->never_count; i++) {
		for (size_t s = 0; s < 2 && c->d->never[i].kind == NEVER_ADDRESSES; s++) {
			struct fates fates = {.discards = 0};
			enum err err = find_fates(
				c, direction, &c->d->never[i].prefix, sides[s], &fates);

			if (err)
				return err;
			if (fates.any[DISCARDED])
				beyond(c, PIB_ipSecRule, fates.discards,
					"discards flows of addresses that are never to be touched "
					"(never %zu)", i + 1);
			else if (fates.any[UNMATCHED])
				beyond(c, PIB_ipSecRule, c->policy->rules[0].instance,
					"no rule lets flows of addresses pass that are never to be "
					"touched (never %zu)", i + 1);
		}
	}
	return E_OK;
}

static enum err check_directions(struct check *c)
{
	struct fates all[FLOW_DIRECTIONS] = {{.discards = 0}};
	bool passes = false, unmatched = false;
	enum err err = E_OK;

	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS && !err; d++) {
		err = find_fates(c, d, NULL, FLOW_SOURCE, &all[d]);
		passes = passes || all[d].any[PASSES];
		unmatched = unmatched || all[d].any[UNMATCHED];
	}
	if (err)
		return err;
	if (!passes || unmatched) {
		if (!c->d->may_isolate)
			beyond(c, PIB_ipSecRule, c->policy->rules[0].instance,
				"what no rule names is discarded too, and the delegation permits no "
				"quarantine");
		if (!passes)
			return E_OK;
	}
	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS && !err; d++)
		err = check_never(c, d);
	return err;
}

static enum err check_responder(struct check *c)
{
	if (c->policy->rule_count > c->d->most_rules)
		beyond(c, PIB_ipSecRule, c->policy->rules[c->d->most_rules].instance,
			"%zu rules, the delegation permits %u", c->policy->rule_count,
			c->d->most_rules);
	for (size_t i = 0; i < c->policy->rule_count; i++)
		if (c->policy->rules[i].action == POLICY_PROTECT)
			beyond(c, PIB_ipSecRule, c->policy->rules[i].instance,
				"a responder's rules discard or let pass, and demand nothing");
	return c->err || !c->policy->rule_count ? E_OK : check_directions(c);
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
