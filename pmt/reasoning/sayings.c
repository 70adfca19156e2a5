/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/reasoning/sayings.h"

#include "pib/framework/roles.h"

static enum err add_set(struct sayings *s, size_t sayer, struct reading_set *set,
	size_t *combinations, struct error *e)
{
	struct saying *saying = &s->list[s->count];
	enum err code;

	if (s->count == POLICY_LAYERS_MAX)
		return error_set(e, E_LIMIT, "more than %d sets have a say for the roles %s",
			POLICY_LAYERS_MAX, s->list[0].set->roles);
	*saying = (struct saying){.sayer = sayer, .set = set};
	code = cases_of(s->sayers[sayer].reading, set, &saying->cases, &saying->case_count, e);
	if (code)
		return code;
	*combinations *= saying->case_count;
	if (*combinations > SAYINGS_CASES_MAX)
		return error_set(e, E_LIMIT,
			"for the roles %s more than %d cases of schedules, offers and groups",
			s->list[0].set->roles, SAYINGS_CASES_MAX);
	s->count++;
	return E_OK;
}

enum err sayings_begin(struct sayings *s, const struct sayer *sayers, size_t count,
	struct reading_set *home, struct error *e)
{
	size_t combinations = 1;
	enum err code;

	*s = (struct sayings){.sayers = sayers};
	s->list[0].set = home;
	code = add_set(s, 0, home, &combinations, e);
	for (size_t i = 1; i < count && !code; i++) {
		struct reading *reading = sayers[i].reading;

		for (size_t k = 0; k < reading->set_count && !code; k++)
			if (role_pattern_matches(view_of_string(reading->sets[k].name),
				    view_of_string(home->roles)))
				code = add_set(s, i, &reading->sets[k], &combinations, e);
	}
	return code;
}

/* As one counts, the last one first; false after the last combination. */
static bool advance(struct sayings *s)
{
	for (size_t i = s->count; i-- > 0;) {
		if (++s->list[i].at < s->list[i].case_count)
			return true;
		s->list[i].at = 0;
	}
	return false;
}

enum err sayings_next(struct sayings *s, bool *ret_more, struct error *e)
{
	*ret_more = s->begun ? advance(s) : true;
	s->begun = true;
	for (size_t i = 0; i < s->count && *ret_more; i++) {
		const struct saying *saying = &s->list[i];
		const struct sayer *sayer = &s->sayers[saying->sayer];
		struct reading_set *now;
		enum err code =
			cases_set(sayer->reading, saying->set, saying_when(saying), &now, e);

		if (code)
			return code;
		s->layers[i] = (struct policy_layer){sayer->authority, now->policy};
	}
	return E_OK;
}

const struct circumstances *saying_when(const struct saying *saying)
{
	return &saying->cases[saying->at];
}

struct policy_decision sayings_decide(const struct sayings *s, const struct flow *flow,
	const struct policy_rule *rules[POLICY_LAYERS_MAX])
{
	for (size_t i = 0; i < s->count; i++)
		rules[i] = policy_evaluate(s->layers[i].policy, flow, &s->sayers[0].reading->roles);
	return policy_decide(s->layers, s->count, rules);
}
