/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Authorities besides home. Home's documents, which are verified already, say who they may be. */
#include <string.h>

#include "common/crypto/cms.h"
#include "common/crypto/digest.h"
#include "pib/set/verification.h"

/* ---- Operator and visited network: by their trust lists ---- */

static bool is_named(const struct assigned_authority *a, struct view tenant)
{
	return view_equal(a->name, tenant) ||
	       (a->authority == AUTHORITY_VISITED && view_equal(a->name, VIEW("*", 1)));
}

/* What the assignment says of this tenant in this part; NULL: nothing. */
static const struct assigned_authority *find_leave(
	const struct verification *v, enum authority authority, struct view tenant)
{
	for (size_t i = 0; i < v->leave.authority_count; i++) {
		const struct assigned_authority *a = &v->leave.authorities[i];

		if (a->authority == authority && is_named(a, tenant))
			return a;
	}
	return NULL;
}

static bool may_speak(const struct verification *v, enum authority authority)
{
	for (size_t i = 0; i < v->leave.authority_count; i++)
		if (v->leave.authorities[i].authority == authority)
			return true;
	return false;
}

static void refuse_voice(struct verification *v, const struct speaker *s, const char *why)
{
	refuse_document(v, &s->voice->index_envelope, DOCUMENT_AUTHORITY, E_DENIED,
		"authority %s has no say here: %s", authority_name(s->voice->authority), why);
}

/* A list that home has named may take the place of any older one of its tenant. */
static void take_named_list(struct verification *v, struct speaker *s)
{
	struct view present = list_in_force(v, s->voice->authority);
	const struct trust_list *list = &s->trust->list;
	struct trust_list before;
	struct error e;

	take_list(v, s);
	if (v->err || !present.len)
		return;
	if (trust_list_decode(present, &v->owner->arena, &before, &e))
		list_is_wrong(v, s, &e);
	else if (view_equal(before.tenant, list->tenant) && list->serial <= before.serial)
		refuse_document(v, &s->trust->envelope, DOCUMENT_SERIAL, E_STALE,
			"the trust list has serial %llu, but %llu is in force",
			(unsigned long long)list->serial, (unsigned long long)before.serial);
}

/* Nobody knows who that is but by its own word: at least it has signed that. */
static void take_own_list(struct verification *v, struct speaker *s)
{
	struct trust *own = NULL;
	struct cms_result result;
	struct error e;

	take_list(v, s);
	if (v->err)
		return;
	if (trust_list_signers(&s->trust->list, TRUST_TRUST, &own, &e) ||
		cms_verify(s->trust->cms, own, &result, &e))
		list_is_wrongly_signed(v, s, &e);
	trust_free(own);
}

/* The one in force, the one that home names, the next after that in force, or one's own. */
static void verify_list(struct verification *v, struct speaker *s)
{
	struct state_trust *t = s->trust;
	enum authority authority = s->voice->authority;
	struct view present = list_in_force(v, authority);
	uint8_t digest[SHA256_SIZE];
	bool named = false, any = false;
	struct error e;

	if (cms_content(t->cms, &t->content, &e)) {
		list_is_wrongly_signed(v, s, &e);
		return;
	}
	if (sha256_of(t->content, digest)) {
		no_memory(v);
		return;
	}
	for (size_t i = 0; i < v->leave.authority_count; i++) {
		const struct assigned_authority *a = &v->leave.authorities[i];

		if (a->authority != authority)
			continue;
		named = named || view_equal(a->trust, VIEW(digest, sizeof digest));
		any = any || (authority == AUTHORITY_VISITED && !a->trust.len);
	}
	if (v->terms->from_disk || (present.len && view_equal(t->content, present)))
		take_list(v, s);
	else if (named)
		take_named_list(v, s);
	else if (present.len)
		take_next_list(v, s, NULL);
	else if (any)
		take_own_list(v, s);
	else
		refuse_document(v, &t->envelope, DOCUMENT_SIGNERS, E_UNTRUSTED,
			"the trust list of authority %s is not the one that home names",
			authority_name(authority));
}

static void verify_tenant_voice(struct verification *v, struct speaker *s)
{
	const struct assigned_authority *leave;

	if (!s->voice->trust) {
		refuse_document(v, &s->voice->index_envelope, DOCUMENT_SIGNERS, E_UNTRUSTED,
			"authority %s has no trust list, so nobody knows its keys",
			authority_name(s->voice->authority));
		return;
	}
	verify_list(v, s);
	if (v->err)
		return;
	leave = find_leave(v, s->voice->authority, s->trust->list.tenant);
	if (!leave) {
		refuse_document(v, &s->trust->envelope, DOCUMENT_AUTHORITY, E_DENIED,
			"authority %s: home does not name the tenant %.*s",
			authority_name(s->voice->authority), NAME(s->trust->list.tenant));
		return;
	}
	s->voice->name = s->trust->list.tenant;
	take_signers(v, s);
	if (!v->err)
		verify_policy_of(v, s);
	if (!v->err && !view_equal(s->voice->index.tenant, s->voice->name))
		refuse_document(v, &s->voice->index_envelope, DOCUMENT_TENANT, E_MISMATCH,
			"the index is of tenant %.*s, the trust list of %.*s",
			NAME(s->voice->index.tenant), NAME(s->voice->name));
}

/* ---- Responder and directory: by what home lends them ---- */

static const struct delegation *find_delegation(
	const struct verification *v, enum authority authority)
{
	for (size_t i = 0; i < v->leave.delegation_count; i++) {
		const struct delegation *d = v->leave.delegations[i];

		if (d->authority == authority && find_leave(v, authority, d->name))
			return d;
	}
	return NULL;
}

/* What is in force under a delegation that has become narrower ends, and refuses nothing. */
bool was_in_force(const struct verification *v, const struct manifest *m)
{
	const struct state_set *set = NULL;

	if (v->terms->in_force)
		set = state_find_set(v->terms->in_force, m->authority, m->name);
	return v->terms->from_disk || (set && set->manifest.serial == m->serial);
}

static void verify_bounds(struct verification *v, const struct state_set *set)
{
	const struct manifest *m = &set->manifest;
	const struct delegation *d = speaker_of(v, m->authority)->voice->delegation;
	struct error e;

	if (was_in_force(v, m))
		return;
	/* After its end, or under a loan that home has cut short, it has no say and refuses nothing;
	 * should it ever get one, the bounds are asked again (state_set_counts()). */
	if (!(v->node && state_set_has_ended(&v->owner->state, set, v->terms->now_utc)) &&
		delegation_permits_set(d, m, &e))
		refuse_document(v, &set->envelope, DOCUMENT_BOUNDS, e.code, "set %.*s: %s",
			NAME(m->name), e.text);
	else if (m->stale_rule != STALE_END)
		refuse_document(v, &set->envelope, DOCUMENT_BOUNDS, E_RANGE,
			"set %.*s does not end by itself, as what is lent must", NAME(m->name));
}

/* Is the node, or one of its interfaces, one that must not be touched? */
static void verify_may_touch(struct verification *v, const struct state_set *set)
{
	const struct assignment *a = &v->owner->state.assignments[0].assignment;
	const struct delegation *d = speaker_of(v, set->manifest.authority)->voice->delegation;
	struct error e;
	enum err err;

	if (was_in_force(v, &set->manifest))
		return;
	err = delegation_permits_node(d, a->node, a->roles, &e);
	for (size_t i = 0; i < a->interface_count && !err; i++)
		if (state_set_fits(set, a->interfaces[i].roles))
			err = delegation_permits_node(d, a->node, a->interfaces[i].roles, &e);
	if (err)
		refuse_document(v, &set->envelope, DOCUMENT_BOUNDS, err, "set %.*s: %s",
			NAME(set->manifest.name), e.text);
}

static void verify_lent_voice(struct verification *v, struct speaker *s)
{
	const struct state *state = &v->owner->state;
	const struct delegation *d = find_delegation(v, s->voice->authority);
	struct error e;

	if (!d) {
		refuse_voice(v, s, "there is no delegation of home for it");
		return;
	}
	if (s->voice->trust) {
		refuse_voice(v, s, "it has a trust list, where home says its key");
		return;
	}
	s->voice->name = d->name;
	s->voice->delegation = d;
	if (trust_of(&d->certificate, 1, 1, &s->owned[TRUST_POLICY], &e)) {
		refuse_voice(v, s, e.text);
		return;
	}
	s->signers[TRUST_POLICY] = s->owned[TRUST_POLICY];
	verify_policy_of(v, s);
	if (v->err)
		return;
	if (!view_equal(s->voice->index.tenant, v->leave.tenant))
		refuse_document(v, &s->voice->index_envelope, DOCUMENT_TENANT, E_MISMATCH,
			"the index is of tenant %.*s, home of %.*s", NAME(s->voice->index.tenant),
			NAME(v->leave.tenant));
	for (size_t i = 0; i < state->set_count; i++) {
		const struct state_set *set = &state->sets[i];

		if (block_authority(set->envelope.prid.instance) != s->voice->authority)
			continue;
		verify_bounds(v, set);
		if (v->node)
			verify_may_touch(v, set);
	}
}

/* ---- All of them ---- */

/* A node's own assignment, and the delegations beside it. */
static void find_own_leave(struct verification *v)
{
	const struct state *s = &v->owner->state;
	const struct delegation **delegations =
		arena_calloc(&v->owner->arena, s->delegation_count + 1, sizeof *delegations);

	if (!delegations) {
		no_memory(v);
		return;
	}
	for (size_t i = 0; i < s->delegation_count; i++)
		delegations[i] = &s->delegations[i].delegation;
	v->leave = (struct state_leave){
		.tenant = s->home.index.tenant,
		.authorities = s->assignments[0].assignment.authorities,
		.authority_count = s->assignments[0].assignment.authority_count,
		.delegations = delegations,
		.delegation_count = s->delegation_count,
	};
}

void verify_guests(struct verification *v)
{
	if (v->node)
		find_own_leave(v);
	else if (v->terms->leave)
		v->leave = *v->terms->leave;
	else
		return;
	for (enum authority a = AUTHORITY_OPERATOR; a <= AUTHORITY_DIRECTORY; a++) {
		struct speaker *s = speaker_of(v, a);

		if (!s->voice)
			continue;
		if (!may_speak(v, a))
			refuse_voice(v, s, "home does not name it");
		else if (a == AUTHORITY_RESPONDER || a == AUTHORITY_DIRECTORY)
			verify_lent_voice(v, s);
		else
			verify_tenant_voice(v, s);
		if (!v->err)
			verify_sets_of(v, s);
	}
}
