/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include <string.h>

#include "common/crypto/digest.h"
#include "pep/enforce/stored.h"
#include "pib/set/bundle.h"

static enum err prepare_octets(struct enforcement *n, enum stored what, struct buffer *octets,
                               struct error *e)
{
	enum err err = octets->error;

	if (err)
		error_set(e, err, "no memory to store the policy");
	else
		err = n->identity.storage.prepare(n->identity.storage.context, what,
		                                  buffer_view(octets), e);
	buffer_fini(octets);
	return err;
}

enum err prepare_storage(struct enforcement *n, const struct state *state,
                         const struct floors *floors, struct error *e)
{
	struct buffer octets;
	enum err err;

	buffer_init(&octets, BUNDLE_MAX);
	err = stored_put(state, &octets, e);
	if (err)
		buffer_fini(&octets);
	else
		err = prepare_octets(n, STORED_STATE, &octets, e);
	if (err)
		return err;
	buffer_init(&octets, FLOORS_FILE_MAX);
	floors_put(floors, &octets);
	err = prepare_octets(n, STORED_FLOORS, &octets, e);
	if (err)
		n->identity.storage.abandon(n->identity.storage.context);
	return err;
}

enum err commit_floors(struct enforcement *n, struct error *e)
{
	const struct storage *s = &n->identity.storage;
	enum err err = s->commit(s->context, STORED_FLOORS, e);

	return err ? err : s->sync(s->context, e);
}

static bool digest_of(const struct state *state, uint8_t ret[TRIAL_DIGEST])
{
	return state && !sha256_of(state->home.index_cms, ret);
}

enum err remember_trial(struct enforcement *n, const struct state *new,
                        const struct state *previous, enum confirm_phase phase,
                        uint64_t deadline)
{
	const struct storage *s = &n->identity.storage;
	struct trial t = {.phase = phase, .deadline = deadline};
	struct buffer octets;
	struct error e;
	enum err err = E_OK;

	if (!digest_of(new, t.new) || !digest_of(previous, t.previous))
		return E_MEMORY;
	memcpy(t.boot, n->identity.boot, sizeof t.boot);
	/* After a trial that failed, the file of the state is not what is in force, and the file of the
	 * one before is. */
	if (phase == CONFIRM_TRIAL && n->confirm.phase != CONFIRM_BACK)
		err = s->keep(s->context, &e);
	buffer_init(&octets, TRIAL_FILE_MAX);
	trial_put(&t, &octets);
	if (!err)
		err = prepare_octets(n, STORED_TRIAL, &octets, &e);
	else
		buffer_fini(&octets);
	return err ? err : s->commit(s->context, STORED_TRIAL, &e);
}

void forget_trial(struct enforcement *n)
{
	const struct storage *s = &n->identity.storage;

	in_force_fini(&n->other);
	s->forget(s->context, STORED_TRIAL);
	s->forget(s->context, STORED_PREVIOUS);
}

bool is_digest_of(const uint8_t digest[TRIAL_DIGEST], const struct state *state)
{
	uint8_t found[TRIAL_DIGEST];

	return digest_of(state, found) && !memcmp(found, digest, sizeof found);
}
