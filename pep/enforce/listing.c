/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/listing.h"

#include <stdlib.h>

#include "common/service/control.h"
#include "pib/policy/bounds.h"

enum { RULE_TEXT_MAX = 65536 };

struct listing {
	const struct state *state;
	const struct listing_terms *terms;
	struct policy **policies; /* as state->sets */
	struct policy_filling filling;
	size_t text; /* octets of rules so far */
};

/* ---- Sets become policies ---- */

static bool is_of(const struct state_set *set, enum authority authority)
{
	return set->manifest.authority == authority;
}

static bool has_say(const struct listing *l, const struct state_set *set)
{
	uint64_t until = UINT64_MAX;

	return state_set_counts(l->state, set, l->terms->now_utc, &until);
}

static enum err read_set(struct listing *l, size_t i, struct error *e)
{
	const struct state_set *set = &l->state->sets[i];
	struct pri_failures failures;

	pri_failures_init(&failures);
	return policy_new_filled(set->rows, is_of(set, AUTHORITY_HOME) ? &l->filling : NULL,
	                         &l->policies[i], &failures, e);
}

/* Those of the directories that have a say; *ret_members is for the caller to free. */
static enum err collect_members(struct listing *l, const struct policy_member ***ret_members,
                                struct error *e)
{
	const struct policy_member **members;
	size_t count = 0;

	for (size_t i = 0; i < l->state->set_count; i++)
		count += l->policies[i] ? l->policies[i]->member_count : 0;
	members = calloc(count + 1, sizeof *members);
	if (!members)
		return error_set(e, E_MEMORY, "no memory for the sets");
	count = 0;
	for (size_t i = 0; i < l->state->set_count; i++) {
		const struct policy *policy = l->policies[i];

		if (!policy || !has_say(l, &l->state->sets[i]))
			continue;
		for (size_t k = 0; k < policy->member_count; k++)
			if (!policy->members[k].not_after ||
			    policy->members[k].not_after >= l->terms->now_utc)
				members[count++] = &policy->members[k];
	}
	l->filling = (struct policy_filling){members, count};
	*ret_members = members;
	return E_OK;
}

/* Who fills groups comes before whose groups are filled. */
static enum err read_sets(struct listing *l, const struct policy_member ***ret_members,
                          struct error *e)
{
	enum err err = E_OK;

	for (size_t i = 0; i < l->state->set_count && !err; i++)
		if (is_of(&l->state->sets[i], AUTHORITY_DIRECTORY))
			err = read_set(l, i, e);
	if (!err)
		err = collect_members(l, ret_members, e);
	for (size_t i = 0; i < l->state->set_count && !err; i++)
		if (!is_of(&l->state->sets[i], AUTHORITY_DIRECTORY))
			err = read_set(l, i, e);
	return err;
}

/* ---- What counts ---- */

struct standing {
	bool counts; /* its rules do */
	const char *text;
};

static struct standing standing_of(const struct listing *l, size_t i)
{
	const struct state_set *set = &l->state->sets[i];
	const struct manifest *m = &set->manifest;
	const struct state_voice *voice = state_voice(l->state, m->authority);
	const struct delegation *d = voice ? voice->delegation : NULL;
	bool past = l->terms->now_utc > m->not_after;
	struct pri_failures unheard;
	struct error e;

	if (!has_say(l, set)) {
		if (!pri_store_count(set->rows))
			return (struct standing){false, "empty"};
		if (past)
			return (struct standing){false, "ended"};
		return (struct standing){false, "not covered by its delegation"};
	}
	pri_failures_init(&unheard);
	if (d && bounds_check(d, l->policies[i], &unheard, &e))
		return (struct standing){false, "beyond the bounds of its delegation"};
	if (!past)
		return (struct standing){true, "in force"};
	if (m->stale_rule == STALE_QUARANTINE)
		return (struct standing){false, "past its time: quarantine"};
	if (m->stale_rule == STALE_TIGHTEN && is_of(set, AUTHORITY_HOME))
		return (struct standing){true, "past its time: tightened, nothing passes in clear"};
	return (struct standing){true, "past its time: kept"};
}

/* NULL: the rule counts. */
static const char *why_not(const struct listing *l, const struct standing *standing,
                           const struct policy_rule *rule)
{
	const struct policy_moment *moment = &l->terms->moment;

	if (!standing->counts)
		return "its set does not count";
	if (rule->offer && !(moment->is_on && moment->is_on(moment->context, rule->offer)))
		return "not switched on";
	switch (policy_schedule_counts(rule->schedule, moment->utc, moment->clock)) {
	case POLICY_COUNTS_NOT:
		return "outside its times";
	case POLICY_MAY_COUNT:
		return "its time zone is not known";
	default:
		return NULL;
	}
}

/* ---- The answer ---- */

static json_t *describe_rule(struct listing *l, const struct standing *standing,
                             const struct policy_rule *rule)
{
	const char *why = why_not(l, standing, rule);
	struct buffer text;
	json_t *value;

	buffer_init(&text, RULE_TEXT_MAX);
	policy_print_rule(&text, rule);
	l->text += text.len;
	value = json_pack("{s:I, s:o, s:o, s:b, s:s}", "number", (json_int_t)rule->number, "name",
	                  control_text(view_of_string(rule->name)), "text",
	                  text.error ? NULL : control_text(buffer_view(&text)), "counts", !why,
	                  "why", why ? why : "");
	buffer_fini(&text);
	return value;
}

/* NULL: no memory. */
static json_t *describe_rules(struct listing *l, const struct standing *standing,
                              const struct policy *policy, size_t *ret_omitted)
{
	json_t *rules = json_array();

	*ret_omitted = 0;
	for (size_t i = 0; rules && i < policy->rule_count; i++) {
		if (l->text > LISTING_TEXT_MAX)
			++*ret_omitted;
		else if (json_array_append_new(rules,
		                               describe_rule(l, standing, &policy->rules[i]))) {
			json_decref(rules);
			return NULL;
		}
	}
	return rules;
}

static json_t *describe_set(struct listing *l, size_t i)
{
	const struct state_set *set = &l->state->sets[i];
	const struct manifest *m = &set->manifest;
	const struct standing standing = standing_of(l, i);
	const struct policy *policy = l->policies[i];
	size_t omitted;
	json_t *rules = describe_rules(l, &standing, policy, &omitted);

	if (!rules)
		return NULL;
	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:I, s:I, s:b, s:s, s:o, s:I}",
	                 "authority", authority_name(m->authority), "tenant",
	                 control_text(m->tenant), "name", control_text(m->name), "roles",
	                 control_text(m->roles), "serial", (json_int_t)m->serial, "not_before",
	                 (json_int_t)m->not_before, "not_after", (json_int_t)m->not_after,
	                 "own", m->node.len > 0, "rows",
	                 (json_int_t)pri_store_count(set->rows), "members",
	                 (json_int_t)policy->member_count, "counts", standing.counts,
	                 "standing", standing.text, "rules", rules, "omitted",
	                 (json_int_t)omitted);
}

static enum err describe(struct listing *l, json_t **ret_sets, struct error *e)
{
	const char *wanted = l->terms->set;
	json_t *sets = json_array();
	bool found = !wanted;

	for (size_t i = 0; sets && i < l->state->set_count; i++) {
		if (wanted && !view_equal(l->state->sets[i].manifest.name, view_of_string(wanted)))
			continue;
		found = true;
		if (json_array_append_new(sets, describe_set(l, i))) {
			json_decref(sets);
			sets = NULL;
		}
	}
	if (!sets)
		return error_set(e, E_MEMORY, "no memory for the sets");
	if (!found) {
		json_decref(sets);
		return error_set(e, E_NOT_FOUND, "no set in force is called '%.100s'", wanted);
	}
	*ret_sets = sets;
	return E_OK;
}

enum err listing_of_sets(const struct state *s, const struct listing_terms *terms,
                         json_t **ret_sets, struct error *e)
{
	static const struct state none;
	struct listing l = {.state = s ? s : &none, .terms = terms};
	const struct policy_member **members = NULL;
	enum err err;

	l.policies = calloc(l.state->set_count + 1, sizeof(struct policy *));
	err = l.policies ? read_sets(&l, &members, e)
	                 : error_set(e, E_MEMORY, "no memory for the sets");
	if (!err)
		err = describe(&l, ret_sets, e);
	for (size_t i = 0; l.policies && i < l.state->set_count; i++)
		policy_free(l.policies[i]);
	free(l.policies);
	free(members);
	return err;
}
