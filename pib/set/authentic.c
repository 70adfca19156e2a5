/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/cms.h"
#include "pib/set/verification.h"

/* What is signed is decoded as soon as it is known to be signed. */

bool verify_document(struct verification *v, const struct pri_row *envelope, struct view cms,
	const struct trust *signers, struct view *ret_content)
{
	struct cms_result result;
	char name[PRID_TEXT_SIZE];
	struct error e;

	if (cms_verify(cms, signers, &result, &e)) {
		prid_format(&envelope->prid, name);
		refuse_document(v, envelope,
			e.code == E_UNTRUSTED ? DOCUMENT_SIGNERS : DOCUMENT_SIGNATURE, e.code,
			"%s: %s", name, e.text);
		return false;
	}
	*ret_content = result.content;
	return true;
}

void decoding_failed(
	struct verification *v, const struct pri_row *envelope, const struct error *e)
{
	char name[PRID_TEXT_SIZE];

	prid_format(&envelope->prid, name);
	refuse(v, envelope, e->code, "%s: %s", name, e->text);
}

void verify_policy_of(struct verification *v, const struct speaker *s)
{
	const struct trust *signers = s->signers[TRUST_POLICY];
	struct state_owner *o = v->owner;
	struct state_voice *voice = s->voice;
	struct view content;
	struct error e;

	if (verify_document(v, &voice->index_envelope, voice->index_cms, signers, &content)) {
		if (set_index_decode(content, &o->arena, &voice->index, &e))
			decoding_failed(v, &voice->index_envelope, &e);
		else if (voice->index.authority != voice->authority)
			refuse_document(v, &voice->index_envelope, DOCUMENT_AUTHORITY, E_MISMATCH,
				"the index of authority %s stands in the place of authority %s",
				authority_name(voice->index.authority),
				authority_name(voice->authority));
	}
	for (size_t i = 0; i < o->state.set_count; i++) {
		struct state_set *set = &o->sets[i];

		if (block_authority(set->envelope.prid.instance) != voice->authority)
			continue;
		if (verify_document(v, &set->envelope, set->cms, signers, &content) &&
			manifest_decode(content, &set->manifest, &e))
			decoding_failed(v, &set->envelope, &e);
	}
}

/* Only home signs these. A list of signers need not have any for delegations. */
static void verify_delegations(struct verification *v, const struct speaker *s)
{
	struct state_owner *o = v->owner;
	struct view content;
	struct error e;

	for (size_t i = 0; i < o->state.delegation_count; i++) {
		struct state_delegation *d = &o->delegations[i];

		if (!s->signers[TRUST_DELEGATION])
			refuse_document(v, &d->envelope, DOCUMENT_SIGNERS, E_UNTRUSTED,
				"copsecDelegation.%u: the trust list has too few keys that may sign it",
				d->envelope.prid.instance);
		else if (verify_document(v, &d->envelope, d->cms, s->signers[TRUST_DELEGATION],
				 &content) &&
			 delegation_decode(content, &o->arena, &d->delegation, &e))
			decoding_failed(v, &d->envelope, &e);
	}
}

/* Is the bundle's authority one that speaks by home's leave, which is not looked at yet? */
static bool is_guest(const struct verification *v)
{
	return v->terms->leave && v->owner->state.home.authority != AUTHORITY_HOME;
}

void verify_signatures(struct verification *v)
{
	const struct speaker *s = speaker_of(v, v->owner->state.home.authority);
	struct state_owner *o = v->owner;
	struct view content;
	struct error e;

	if (is_guest(v))
		return;
	verify_policy_of(v, s);
	verify_delegations(v, s);
	for (size_t i = 0; i < o->state.assignment_count; i++) {
		struct state_assignment *a = &o->assignments[i];

		if (verify_document(v, &a->envelope, a->cms, s->signers[TRUST_ASSIGNMENT],
			    &content) &&
			assignment_decode(content, &o->arena, &a->assignment, &e))
			decoding_failed(v, &a->envelope, &e);
	}
}

static void verify_not_revoked(struct verification *v, const struct state_assignment *a)
{
	const struct assignment *of = &a->assignment;
	const struct {
		struct view key;
		const char *what;
	} keys[] = {
		{VIEW(of->node_key, sizeof of->node_key), "key"},
		{of->report_key, "report key"},
		{of->ike_key, "IKE key"},
		{of->seal_key, "key for secrets"},
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (keys[i].key.len &&
			trust_list_revokes(&v->owner->state.home.trust->list, keys[i].key))
			refuse_document(v, &a->envelope, DOCUMENT_REVOKED, E_UNTRUSTED,
				"the %s of node %.*s is revoked", keys[i].what, NAME(of->node));
}

static void verify_own_assignment(struct verification *v, const struct state_assignment *a)
{
	char found[PIN_TEXT_SIZE], own[PIN_TEXT_SIZE];
	struct pin pin;

	memcpy(pin.sha256, a->assignment.node_key, sizeof pin.sha256);
	if (!pin_equal(&pin, v->node->key)) {
		pin_format(&pin, found);
		pin_format(v->node->key, own);
		refuse_document(v, &a->envelope, DOCUMENT_NODE, E_MISMATCH,
			"the assignment is for the key %s, not for %s", found, own);
	}
	if (!view_equal(a->assignment.node, v->node->pepid))
		refuse_document(v, &a->envelope, DOCUMENT_NODE, E_MISMATCH,
			"the assignment is for node %.*s, not for %.*s", NAME(a->assignment.node),
			NAME(v->node->pepid));
}

static void verify_manifest_place(struct verification *v, const struct state_set *set)
{
	const struct manifest *m = &set->manifest;

	if (block_policy_set_instance(m->block) != set->envelope.prid.instance)
		refuse_document(v, &set->envelope, DOCUMENT_BLOCK, E_CONFLICT,
			"set %.*s owns block %#x, but its manifest stands at copsecPolicySet.%u",
			NAME(m->name), m->block, set->envelope.prid.instance);
	if (m->node.len && v->node &&
		!view_equal(m->node, VIEW(v->node->key->sha256, sizeof v->node->key->sha256)))
		refuse_document(v, &set->envelope, DOCUMENT_NODE, E_DENIED,
			"set %.*s is for another node", NAME(m->name));
}

static void verify_tenant(struct verification *v, const struct pri_row *envelope, const char *what,
	struct view name, struct view tenant, struct view ours)
{
	if (!view_equal(tenant, ours))
		refuse_document(v, envelope, DOCUMENT_TENANT, E_MISMATCH,
			"%s %.*s is of tenant %.*s, the index of %.*s", what, NAME(name),
			NAME(tenant), NAME(ours));
}

static int compare_by_node(const void *a, const void *b)
{
	const struct state_assignment *const *x = a, *const *y = b;

	return view_compare((*x)->assignment.node, (*y)->assignment.node);
}

static int compare_by_key(const void *a, const void *b)
{
	const struct state_assignment *const *x = a, *const *y = b;

	return memcmp((*x)->assignment.node_key, (*y)->assignment.node_key, NODE_KEY);
}

static void verify_distinct(
	struct verification *v, const char *what, int (*compare)(const void *, const void *))
{
	const struct state *s = &v->owner->state;
	const struct state_assignment **sorted;

	sorted = arena_calloc(&v->owner->arena, s->assignment_count, sizeof *sorted);
	if (!sorted) {
		no_memory(v);
		return;
	}
	for (size_t i = 0; i < s->assignment_count; i++)
		sorted[i] = &s->assignments[i];
	if (s->assignment_count)
		qsort(sorted, s->assignment_count, sizeof *sorted, compare);
	for (size_t i = 1; i < s->assignment_count; i++)
		if (!compare(&sorted[i - 1], &sorted[i]))
			refuse_document(v, &sorted[i]->envelope, DOCUMENT_NODE, E_DUPLICATE,
				"the assignments of %.*s and %.*s are for the same %s",
				NAME(sorted[i - 1]->assignment.node),
				NAME(sorted[i]->assignment.node), what);
}

void verify_sets_of(struct verification *v, const struct speaker *s)
{
	const struct state *state = &v->owner->state;
	struct view tenant = s->voice->index.tenant;

	if (s->voice->trust)
		verify_tenant(v, &s->trust->envelope, "the trust list of", s->trust->list.tenant,
			s->trust->list.tenant, tenant);
	for (size_t i = 0; i < state->set_count; i++) {
		const struct state_set *set = &state->sets[i];

		if (block_authority(set->envelope.prid.instance) != s->voice->authority)
			continue;
		verify_tenant(v, &set->envelope, "set", set->manifest.name, set->manifest.tenant,
			tenant);
		verify_manifest_place(v, set);
	}
}

static void verify_delegations_whose(struct verification *v)
{
	const struct state *s = &v->owner->state;

	for (size_t i = 0; i < s->delegation_count; i++) {
		const struct delegation *d = &s->delegations[i].delegation;

		verify_tenant(v, &s->delegations[i].envelope, "delegation", d->name, d->tenant,
			s->home.index.tenant);
		if (s->home.trust && trust_list_revokes(&s->home.trust->list, VIEW(d->key, NODE_KEY)))
			refuse_document(v, &s->delegations[i].envelope, DOCUMENT_REVOKED,
				E_UNTRUSTED, "the key of delegation %.*s is revoked", NAME(d->name));
		for (size_t k = 0; k < i; k++)
			if (view_equal(d->name, s->delegations[k].delegation.name))
				refuse_document(v, &s->delegations[i].envelope, DOCUMENT_CONTENT,
					E_DUPLICATE, "delegation %.*s is there twice",
					NAME(d->name));
	}
}

void verify_whose(struct verification *v)
{
	const struct state *s = &v->owner->state;
	struct speaker *own = speaker_of(v, s->home.authority);

	if (is_guest(v))
		return;
	if (v->terms->tenant.len && !view_equal(s->home.index.tenant, v->terms->tenant))
		refuse_document(v, &s->home.index_envelope, DOCUMENT_TENANT, E_MISMATCH,
			"the index is of tenant %.*s, not of %.*s", NAME(s->home.index.tenant),
			NAME(v->terms->tenant));
	own->voice->name = s->home.index.tenant;
	verify_delegations_whose(v);
	for (size_t i = 0; i < s->assignment_count; i++) {
		const struct state_assignment *a = &s->assignments[i];

		verify_tenant(v, &a->envelope, "the assignment of", a->assignment.node,
			a->assignment.tenant, s->home.index.tenant);
		if (v->node)
			verify_own_assignment(v, a);
		if (s->home.trust)
			verify_not_revoked(v, a);
	}
	if (s->assignment_count > 1) {
		verify_distinct(v, "node", compare_by_node);
		verify_distinct(v, "key", compare_by_key);
	}
	verify_sets_of(v, own);
}
