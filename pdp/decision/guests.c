/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/guests.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cops/pr.h"
#include "common/crypto/cms.h"
#include "pib/framework/roles.h"
#include "pib/policy/bounds.h"
#include "pib/set/state.h"
#include "pib/store/difference.h"

enum { GUEST_ARENA = 16 << 20 };

struct guest {
	struct arena arena;
	struct buffer objects; /* what `bundle` borrows from */
	struct bundle bundle;
	struct set_index index;
	struct manifest *manifests; /* as bundle.sets */
};

struct guest *guest_free(struct guest *guest)
{
	if (guest) {
		buffer_fini(&guest->objects);
		arena_fini(&guest->arena);
		free(guest);
	}
	return NULL;
}

void guests_fini(struct guests *g)
{
	for (size_t i = 0; i < sizeof g->list / sizeof g->list[0]; i++)
		guest_free(g->list[i]);
	guest_free(g->before);
	*g = (struct guests){.latest = NULL};
}

uint64_t guest_serial(const struct guest *guest)
{
	return guest->index.serial;
}

enum authority guest_authority(const struct guest *guest)
{
	return guest->bundle.authority;
}

const struct set_index *guest_index(const struct guest *guest)
{
	return &guest->index;
}

struct view guest_objects(const struct guest *guest)
{
	return buffer_view(&guest->objects);
}

enum err guest_of_store(struct view objects, struct guest **ret_guest, struct error *error)
{
	struct guest *guest = calloc(1, sizeof *guest);
	enum err result = E_OK;

	if (!guest)
		return error_set(error, E_MEMORY, "bundle: out of memory");
	arena_init(&guest->arena, GUEST_ARENA);
	buffer_init(&guest->objects, PUBLICATION_MAX);
	buffer_put_view(&guest->objects, objects);
	if (guest->objects.error)
		result = error_set(error, guest->objects.error, "bundle: %s",
			err_text(guest->objects.error));
	if (!result)
		result = bundle_read_objects(
			buffer_view(&guest->objects), &guest->arena, &guest->bundle, error);
	if (!result)
		result = bundle_index(&guest->bundle, &guest->arena, &guest->index, error);
	if (!result) {
		guest->manifests = arena_calloc(
			&guest->arena, guest->bundle.set_count + 1, sizeof *guest->manifests);
		if (!guest->manifests)
			result = error_set(error, E_MEMORY, "bundle: out of memory");
	}
	for (size_t i = 0; !result && i < guest->bundle.set_count; i++)
		result = bundle_manifest(&guest->bundle, i, &guest->manifests[i], error);
	if (result)
		guest_free(guest);
	else
		*ret_guest = guest;
	return result;
}

/* ---- Verification ---- */

struct verifying {
	const struct publication *home;
	const struct state_leave *leave;
	struct pri_failures failures;
	struct error *error;
};

/* What each enforcer judges by itself too: a bundle that all would refuse is not served. */
static enum err check_bounds(struct verifying *v, const struct state *state)
{
	const struct delegation *d = state->home.delegation;
	size_t nodes = 0;

	for (size_t i = 0; d && i < state->set_count; i++) {
		struct policy *policy = NULL;
		enum err result =
			policy_new(state->sets[i].rows, &policy, &v->failures, v->error);

		if (!result)
			result = bounds_check(d, policy, &v->failures, v->error);
		policy_free(policy);
		if (result)
			return result;
	}
	if (!d || d->authority != AUTHORITY_RESPONDER)
		return E_OK;
	for (size_t n = 0; n < publication_node_count(v->home); n++) {
		const struct publication_node *node = publication_node(v->home, n);
		bool touched = false;

		if (!publication_admits(v->home, node, d->authority, state->home.index.tenant))
			continue;
		for (size_t i = 0; i < state->set_count && !touched; i++)
			touched = pri_store_count(state->sets[i].rows) &&
				  publication_fits(v->home, node, &state->sets[i].manifest);
		nodes += touched;
	}
	if (nodes > d->most_nodes)
		return error_set(v->error, E_DENIED,
			"the sets are for %zu nodes, the delegation permits %u at a time", nodes,
			d->most_nodes);
	return E_OK;
}

static enum err verify_rows(
	struct verifying *v, struct view objects, const struct state_terms *terms)
{
	struct pri_store *rows = NULL;
	struct state *state = NULL;
	enum err result = pri_store_build(&objects, 1, &rows, &v->failures, v->error);

	if (!result)
		result = state_verify_bundle(rows, terms, &state, &v->failures, v->error);
	if (!result)
		result = check_bounds(v, state);
	state_free(state);
	pri_store_free(rows);
	return result;
}

enum err guest_verify(struct view objects, const struct publication *home,
	const struct guests *g, uint64_t now_utc, struct guest **ret_guest, struct error *error)
{
	struct verifying *v = calloc(1, sizeof *v);
	const struct guest *before = NULL;
	struct state_terms terms = {.now_utc = now_utc};
	struct state_leave leave;
	struct guest *guest = NULL;
	struct bundle bundle;
	struct arena arena;
	enum err result;

	if (!v)
		return error_set(error, E_MEMORY, "bundle: out of memory");
	arena_init(&arena, GUEST_ARENA);
	*v = (struct verifying){.home = home, .leave = &leave, .error = error};
	pri_failures_init(&v->failures);
	result = bundle_read_objects(objects, &arena, &bundle, error);
	if (!result && !home)
		result = error_set(error, E_DENIED,
			"authority %s: nothing of home is published that could admit it",
			authority_name(bundle.authority));
	if (!result)
		result = publication_leave(home, &arena, &leave, error);
	if (!result) {
		before = g->list[bundle.authority];
		terms.leave = &leave;
		if (before && before->bundle.trust.len)
			result = cms_content(before->bundle.trust, &terms.trust_in_force, error);
	}
	if (!result)
		result = verify_rows(v, objects, &terms);
	if (!result)
		result = guest_of_store(objects, &guest, error);
	if (!result && before && guest->index.serial <= before->index.serial)
		result = error_set(error, E_STALE,
			"the index of authority %s has serial %" PRIu64 ", but %" PRIu64 " is there",
			authority_name(guest->bundle.authority), guest->index.serial,
			before->index.serial);
	arena_fini(&arena);
	free(v);
	if (result)
		guest_free(guest);
	else
		*ret_guest = guest;
	return result;
}

void guests_adopt(struct guests *g, struct guest *guest)
{
	struct guest **place = &g->list[guest->bundle.authority];

	guest_free(g->before);
	g->before = *place;
	*place = g->latest = guest;
}

/* ---- What a node gets ---- */

static bool is_served(const struct publication *home, const struct publication_node *node,
	const struct guest *guest)
{
	return guest && publication_admits(
				home, node, guest->bundle.authority, guest->index.tenant);
}

uint64_t guests_version(const struct guests *g, const struct publication *home,
	const struct publication_node *node)
{
	uint64_t version = 0;

	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_LOCAL; a++)
		if (is_served(home, node, g->list[a]))
			version += g->list[a]->index.serial;
	return version;
}

static void put_guest(const struct publication *home, const struct publication_node *node,
	const struct guest *guest, struct buffer *out)
{
	bundle_put_index(guest->bundle.authority, guest->bundle.index, out);
	if (guest->bundle.trust.len)
		bundle_put_trust(guest->bundle.authority, guest->bundle.trust, out);
	for (size_t i = 0; i < guest->bundle.set_count; i++)
		if (publication_fits(home, node, &guest->manifests[i]))
			buffer_put_view(out, guest->bundle.sets[i].objects);
}

void guests_put(const struct guests *g, const struct publication *home,
	const struct publication_node *node, struct buffer *out)
{
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_LOCAL; a++)
		if (is_served(home, node, g->list[a]))
			put_guest(home, node, g->list[a], out);
}

/* The part of a guest that the node gets, as a store; NULL gives an empty one. */
static enum err store_of(const struct publication *home, const struct publication_node *node,
	const struct guest *guest, struct pri_store **ret_store, struct error *error)
{
	struct pri_failures *failures = malloc(sizeof *failures);
	struct buffer objects;
	struct view run;
	enum err result;

	if (!failures)
		return error_set(error, E_MEMORY, "delta: out of memory");
	pri_failures_init(failures);
	buffer_init(&objects, PUBLICATION_MAX);
	if (guest)
		put_guest(home, node, guest, &objects);
	run = buffer_view(&objects);
	result = objects.error ? error_set(error, objects.error, "delta: out of memory")
			       : pri_store_build(&run, 1, ret_store, failures, error);
	buffer_fini(&objects);
	free(failures);
	return result;
}

enum err guests_update(const struct guests *g, const struct publication *home,
	const struct publication_node *node, uint64_t version, struct update *u,
	struct error *error)
{
	uint64_t now = guests_version(g, home, node);
	const struct guest *before = is_served(home, node, g->before) ? g->before : NULL;
	struct pri_store *old = NULL, *new = NULL;
	enum err result;

	if (version == now)
		return E_OK;
	if (!is_served(home, node, g->latest) ||
		now - g->latest->index.serial + (before ? before->index.serial : 0) != version)
		return error_set(error, E_NOT_FOUND, "what node %s holds is not kept", node->name);
	result = store_of(home, node, before, &old, error);
	if (!result)
		result = store_of(home, node, g->latest, &new, error);
	if (!result) {
		result = pri_store_difference(old, new, &u->removes, &u->installs);
		if (result)
			error_set(error, result, "delta: %s", err_text(result));
	}
	pri_store_free(old);
	pri_store_free(new);
	return result;
}

/* ---- What it says that it has ---- */

static size_t count_claims(const struct pri_store *request)
{
	struct pri_cursor c = pri_store_class(request, PIB_copsecPolicySet);
	struct pri_row row;
	size_t count = 0;

	while (pri_store_next(&c, &row))
		count += block_authority(row.prid.instance) != AUTHORITY_HOME;
	return count;
}

static bool claims(const struct pri_store *request, const struct manifest *m)
{
	struct pri pri;

	return pri_store_get(
		       request, PIB_copsecPolicySet, block_policy_set_instance(m->block), &pri) &&
	       view_equal(m->name, pri_octets(&pri, copsecPolicySetName)) &&
	       m->serial == pri_u64(&pri, copsecPolicySetSerial) &&
	       view_equal(VIEW(m->root, sizeof m->root), pri_octets(&pri, copsecPolicySetRoot));
}

bool guests_met(const struct guests *g, const struct publication *home,
	const struct publication_node *node, const struct pri_store *request)
{
	size_t wanted = 0;

	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_LOCAL; a++) {
		const struct guest *guest = g->list[a];

		for (size_t i = 0; is_served(home, node, guest) && i < guest->bundle.set_count;
			i++) {
			if (!publication_fits(home, node, &guest->manifests[i]))
				continue;
			if (!claims(request, &guest->manifests[i]))
				return false;
			wanted++;
		}
	}
	return wanted == count_claims(request);
}
