/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/stored.h"

#include "pib/set/bundle.h"

static void put_voice(const struct state_voice *voice, struct buffer *out)
{
	buffer_put_view(out, voice->index_envelope.objects);
	if (voice->trust)
		buffer_put_view(out, voice->trust->envelope.objects);
}

enum err stored_put(const struct state *state, struct buffer *out, struct error *e)
{
	bundle_put_header(out);
	put_voice(&state->home, out);
	for (size_t i = 0; i < state->other_count; i++)
		put_voice(&state->others[i], out);
	for (size_t i = 0; i < state->delegation_count; i++)
		buffer_put_view(out, state->delegations[i].envelope.objects);
	buffer_put_view(out, state->assignments[0].envelope.objects);
	for (size_t i = 0; i < state->set_count; i++)
		state_set_put(&state->sets[i], out);
	return out->error ? error_set(e, out->error, "no memory to store the state") : E_OK;
}

enum err stored_read(struct view octets, struct pri_store **ret, struct error *e)
{
	struct pri_failures failures;
	struct view objects;
	enum err err = bundle_header(octets, &objects, e);

	pri_failures_init(&failures);
	return err ? err : pri_store_build(&objects, 1, ret, &failures, e);
}
