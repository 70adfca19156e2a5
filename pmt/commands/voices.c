/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/voices.h"

#include "pib/framework/roles.h"
#include "pmt/compiler/cases.h"

static enum err add_plain(const struct voice *voice, struct reading_set *set,
	struct voice_set ret[POLICY_LAYERS_MAX], size_t *count, struct error *e)
{
	const struct circumstances nothing = {0};
	struct reading_set *plain;
	enum err code;

	if (*count == POLICY_LAYERS_MAX)
		return error_set(
			e, E_LIMIT, "more than %d sets have a say there", POLICY_LAYERS_MAX);
	code = cases_set(&voice->subject->reading, set, &nothing, &plain, e);
	if (!code)
		ret[(*count)++] = (struct voice_set){voice, plain};
	return code;
}

enum err voices_at(const struct voice *voices, size_t count, const struct reading_node *node,
	const char *roles, struct voice_set ret[POLICY_LAYERS_MAX], size_t *ret_count,
	struct error *e)
{
	struct reading_set *home = reading_set_at(&voices[0].subject->reading, node->name, roles);
	enum err code = E_OK;

	*ret_count = 0;
	if (home)
		code = add_plain(&voices[0], home, ret, ret_count, e);
	for (size_t i = 1; i < count; i++) {
		struct reading *reading = &voices[i].subject->reading;

		for (size_t k = 0; k < reading->set_count && !code; k++)
			if (role_pattern_matches(view_of_string(reading->sets[k].name),
				    view_of_string(roles)))
				code = add_plain(&voices[i], &reading->sets[k], ret, ret_count, e);
	}
	return code;
}
