/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/voices.h"

#include <stdlib.h>

#include "pib/framework/roles.h"
#include "pmt/commands/command.h"
#include "pmt/compiler/cases.h"

static enum err find_authority(struct subject *s, enum authority *ret, struct error *e)
{
	struct set_index index;
	struct bundle bundle;
	struct arena arena;
	enum err code;

	arena_init(&arena, BUNDLE_MAX);
	code = bundle_read(buffer_view(&s->bundle), &arena, &bundle, e);
	if (!code)
		code = bundle_index(&bundle, &arena, &index, e);
	*ret = code ? AUTHORITY_HOME : index.authority;
	arena_fini(&arena);
	return code;
}

int voices_add(
	const char *name, const char *path, struct voice *voices, size_t *count, struct subject *s)
{
	const bool first = *count == 0;
	enum authority authority;
	struct error e;

	voices[*count] = (struct voice){s, authority_name(AUTHORITY_HOME), path};
	(*count)++;
	if (find_authority(s, &authority, &e))
		return command_failed(name, &e);
	if (first != (authority == AUTHORITY_HOME))
		return command_misused(name,
			first ? "\"%s\" is not home's, which comes first"
			      : "\"%s\" is home's, and there is only one home",
			path);
	voices[*count - 1].authority = authority_name(authority);
	return EXIT_SUCCESS;
}

int voices_open(
	const char *name, const char *path, struct voice *voices, size_t *count, struct subject *s)
{
	int status = subject_open(name, path, s);

	if (!status)
		return voices_add(name, path, voices, count, s);
	voices[(*count)++] = (struct voice){s, "", path};
	return status;
}

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
			if (role_pattern_matches(
				    view_of_string(reading->sets[k].name), view_of_string(roles)))
				code = add_plain(&voices[i], &reading->sets[k], ret, ret_count, e);
	}
	return code;
}
