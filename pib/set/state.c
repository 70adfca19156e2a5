/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pib/framework/roles.h"
#include "pib/schema/subcode.h"
#include "pib/set/verification.h"

enum { STATE_MEMORY_MAX = 128 << 20 /* octets of what is decoded out of the documents */ };

static const char *const error_names[DOCUMENT_ERRORS] = {
	[DOCUMENT_SIGNATURE] = "signature",
	[DOCUMENT_SIGNERS] = "signers",
	[DOCUMENT_TENANT] = "tenant",
	[DOCUMENT_NODE] = "node",
	[DOCUMENT_AUTHORITY] = "authority",
	[DOCUMENT_SERIAL] = "serial",
	[DOCUMENT_NOT_YET_VALID] = "notYetValid",
	[DOCUMENT_EXPIRED] = "expired",
	[DOCUMENT_CONTENT] = "content",
	[DOCUMENT_BOUNDS] = "bounds",
	[DOCUMENT_REVOKED] = "revoked",
	[DOCUMENT_ROOT] = "root",
	[DOCUMENT_INDEX] = "index",
	[DOCUMENT_BLOCK] = "block",
};

const char *document_error_name(enum document_error what)
{
	return error_names[what];
}

static void note(struct verification *v, const struct prid *prid, struct pib_fault fault,
	enum err err, const char *text)
{
	pri_failures_add_prid(v->failures, fault, prid, "%s", text);
	if (!v->err)
		v->err = error_set(v->e, err, "%s", text);
}

void refuse_row(struct verification *v, const struct prid *prid, enum pib_fault_kind kind,
	unsigned attribute, enum err err, const char *format, ...)
{
	struct pib_fault fault = {.kind = kind, .attribute = (uint8_t)attribute};
	char text[ERROR_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	note(v, prid, fault, err, text);
}

void refuse_document(struct verification *v, const struct pri_row *envelope,
	enum document_error what, enum err err, const char *format, ...)
{
	const struct pib_class *class = envelope->prid.class;
	struct pib_fault fault =
		pib_install_fault(class, error_names[what], envelope_attribute(class));
	char text[ERROR_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	note(v, &envelope->prid, fault, err, text);
}

enum err no_memory(struct verification *v)
{
	return v->err = error_set(
		       v->e, E_MEMORY, "no memory to verify %zu PRIs", pri_store_count(v->rows));
}

static void (*const stages[])(struct verification *v) = {
	assemble,
	verify_trust,
	verify_signatures,
	verify_whose,
	verify_guests,
	verify_serials,
	verify_validity,
	verify_roots,
	verify_completeness,
	check_sets,
	verify_evidence,
};

static enum err verify(const struct pri_store *rows, const struct state_terms *terms,
	const struct state_node *node, struct state **ret_state, struct pri_failures *failures,
	struct error *e)
{
	struct state_owner *owner = calloc(1, sizeof *owner);
	struct verification v = {
		.rows = rows,
		.terms = terms,
		.node = node,
		.owner = owner,
		.failures = failures,
		.e = e,
	};

	if (!owner)
		return no_memory(&v);
	arena_init(&owner->arena, STATE_MEMORY_MAX);
	for (size_t i = 0; i < sizeof stages / sizeof stages[0] && !v.err; i++)
		stages[i](&v);
	for (size_t a = 0; a < AUTHORITIES; a++)
		for (size_t i = 0; i < TRUST_USES; i++)
			trust_free(v.speakers[a].owned[i]);
	if (v.err)
		state_free(&owner->state);
	else
		*ret_state = &owner->state;
	return v.err;
}

enum err state_verify_node(const struct pri_store *rows, const struct state_terms *terms,
	const struct state_node *node, struct state **ret_state, struct pri_failures *failures,
	struct error *e)
{
	return verify(rows, terms, node, ret_state, failures, e);
}

enum err state_verify_bundle(const struct pri_store *rows, const struct state_terms *terms,
	struct state **ret_state, struct pri_failures *failures, struct error *e)
{
	return verify(rows, terms, NULL, ret_state, failures, e);
}

struct state *state_free(struct state *s)
{
	struct state_owner *o = (struct state_owner *)s;

	if (!o)
		return NULL;
	for (size_t i = 0; i < s->set_count; i++)
		pri_store_free(o->rows[i]);
	pri_store_free(o->envelopes);
	arena_fini(&o->arena);
	free(o);
	return NULL;
}

const struct state_voice *state_voice(const struct state *s, enum authority authority)
{
	if (s->home.authority == authority)
		return &s->home;
	for (size_t i = 0; i < s->other_count; i++)
		if (s->others[i].authority == authority)
			return &s->others[i];
	return NULL;
}

const struct state_set *state_find_set(
	const struct state *s, enum authority authority, struct view name)
{
	for (size_t i = 0; i < s->set_count; i++)
		if (s->sets[i].manifest.authority == authority &&
			view_equal(s->sets[i].manifest.name, name))
			return &s->sets[i];
	return NULL;
}

bool state_set_fits(const struct state_set *set, struct view roles)
{
	return roles.len && role_pattern_matches(set->manifest.roles, roles);
}

/* Ends at `last`: until then it is so, and never again. */
static bool lasts(uint64_t last, uint64_t now_utc, uint64_t *ret_until)
{
	if (now_utc > last)
		return false;
	if (last < *ret_until)
		*ret_until = last;
	return true;
}

bool state_set_counts(
	const struct state *s, const struct state_set *set, uint64_t now_utc, uint64_t *ret_until)
{
	const struct manifest *m = &set->manifest;
	const struct state_voice *voice = state_voice(s, m->authority);
	const struct delegation *d;
	struct error e;

	if (m->authority == AUTHORITY_HOME)
		return true;
	if (!voice || pri_store_count(set->rows) == 0 ||
		(m->stale_rule == STALE_END && !lasts(m->not_after, now_utc, ret_until)))
		return false;
	d = voice->delegation;
	return !d || (lasts(d->not_after, now_utc, ret_until) && !delegation_permits_set(d, m, &e));
}

bool state_set_has_ended(const struct state *s, const struct state_set *set, uint64_t now_utc)
{
	const struct manifest *m = &set->manifest;
	const struct state_voice *voice = state_voice(s, m->authority);

	if (m->authority == AUTHORITY_HOME)
		return false;
	return (m->stale_rule == STALE_END && now_utc > m->not_after) ||
	       (voice && voice->delegation && now_utc > voice->delegation->not_after);
}

const struct state_assignment *state_find_assignment(const struct state *s, struct view pepid)
{
	for (size_t i = 0; i < s->assignment_count; i++)
		if (view_equal(s->assignments[i].assignment.node, pepid))
			return &s->assignments[i];
	return NULL;
}

void state_set_put(const struct state_set *set, struct buffer *out)
{
	buffer_put_view(out, set->envelope.objects);
	pri_store_put(set->rows, out);
}
