/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/report.h"

#include <string.h>

#include "common/crypto/cms.h"
#include "pep/ipc/message.h"

static enum err sign(const struct compliance *c, const struct key *key, struct buffer *out,
                     struct error *e)
{
	struct buffer content, unsigned_document;
	enum err err;

	buffer_init(&content, DOCUMENT_MAX);
	buffer_init(&unsigned_document, 2 * DOCUMENT_MAX);
	err = compliance_encode(c, &content, e);
	if (!err)
		err = cms_wrap(buffer_view(&content), &unsigned_document, e);
	if (!err)
		err = cms_add_signer(buffer_view(&unsigned_document), key,
		                     CMS_SIGN_WITH_CERTIFICATE, out, e);
	buffer_fini(&content);
	buffer_fini(&unsigned_document);
	return err;
}

/* "operator/NAME"; of home the name alone. */
static struct view long_name(struct arena *arena, enum authority authority, struct view name)
{
	struct buffer text;
	struct view kept;

	if (authority == AUTHORITY_HOME)
		return name;
	buffer_init(&text, 2 * SET_NAME_MAX);
	buffer_put_text(&text, "%s/", authority_name(authority));
	buffer_put_view(&text, name);
	kept = text.error ? VIEW_NONE : arena_copy(arena, buffer_view(&text));
	buffer_fini(&text);
	return kept;
}

/* Sets, and for each other authority its index as if it were one, without a root. */
static enum err put_entries(const struct state *state, struct arena *arena, struct compliance *c,
                            struct error *e)
{
	size_t count = state->set_count + state->other_count;
	struct set_entry *entries = arena_calloc(arena, count + 1, sizeof *entries);

	if (count > COMPLIANCE_SETS_MAX)
		return error_set(e, E_LIMIT, "%zu sets are more than a report can name", count);
	for (size_t i = 0; entries && i < count; i++) {
		const struct state_voice *voice =
			i < state->set_count ? NULL : &state->others[i - state->set_count];
		const struct manifest *m = voice ? NULL : &state->sets[i].manifest;

		entries[i].name = voice ? long_name(arena, voice->authority, VIEW_NONE)
		                        : long_name(arena, m->authority, m->name);
		entries[i].serial = voice ? voice->index.serial : m->serial;
		if (m)
			memcpy(entries[i].root, m->root, sizeof m->root);
		if (!entries[i].name.data)
			entries = NULL;
	}
	if (!entries)
		return error_set(e, E_MEMORY, "no memory for a report");
	c->sets = entries;
	c->set_count = count;
	return E_OK;
}

enum err report_success(const struct state *state, const char *pepid,
                        const struct decision_origin *origin, uint64_t now_utc, const struct key *report_key, struct buffer *out,
                        struct error *e)
{
	struct compliance c = {
		.node = view_of_string(pepid),
		.decision = origin->number,
		.session = origin->session,
		.index_serial = state->home.index.serial,
		.time = now_utc,
	};
	struct buffer document;
	size_t before = out->len;
	struct arena arena;
	struct pri pri;
	enum err err;

	arena_init(&arena, 4 * DOCUMENT_MAX);
	buffer_init(&document, 4 * DOCUMENT_MAX);
	err = put_entries(state, &arena, &c, e);
	if (!err)
		err = sign(&c, report_key, &document, e);
	if (!err) {
		pri_init(&pri, PIB_copsecCompliance, 1);
		pri_set_octets(&pri, copsecComplianceSigned, buffer_view(&document));
		err = pri_put(out, &pri, e);
	}
	buffer_fini(&document);
	arena_fini(&arena);
	if (err)
		out->len = before;
	return err;
}

static void put_failure_text(uint32_t instance, struct view prid, const char *text,
                             struct buffer *out)
{
	struct pib_fault fault;
	struct prid failing;
	struct pri pri;
	struct error e;

	pri_init(&pri, PIB_copsecFailure, instance);
	if (prid.len && !prid_decode(prid, &failing, &fault, &e))
		pri_set_prid(&pri, copsecFailureInstance, failing.class->id, failing.instance);
	else
		pri_set_oid(&pri, copsecFailureInstance, &oid_none);
	pri_set_text(&pri, copsecFailureText, text);
	/* Fails only if there is no room, which who asked for it sees at the buffer. */
	if (pri_put(out, &pri, &e) && !out->error)
		out->error = E_BUG;
}

void report_unsigned(const struct error *why, struct buffer *out)
{
	put_failure_text(1, VIEW_NONE, why->text, out);
}

/* Whether the failure can be said of a PRI: its PRID must be known and its code a CPERR. */
static bool has_prid(const struct pri_failure *f)
{
	return f->prid_len && !pib_fault_object(&f->fault).general;
}

/* As many as fit, each whole. */
static void put_faults(const struct pri_failures *faults, uint32_t instance, struct buffer *out)
{
	size_t whole = out->len;

	for (size_t i = 0; i < faults->count && !out->error; i++) {
		const struct pri_failure *f = &faults->list[i];
		struct pib_error_object code = pib_fault_object(&f->fault);
		struct view prid = VIEW(f->prid, f->prid_len);

		if (!has_prid(f))
			continue;
		pr_put(out, PR_ERROR_PRID, prid);
		pr_put_error(out, PR_CPERR, code.code, code.subcode);
		put_failure_text(instance++, prid, f->text, out);
		if (out->error || out->len > MESSAGE_PIECE_MAX)
			break;
		whole = out->len;
	}
	out->len = whole;
	out->error = E_OK;
}

void report_warnings(const struct pri_failures *warnings, struct buffer *out)
{
	put_faults(warnings, 1, out);
}

void report_failure(const struct verdict *v, struct buffer *out)
{
	bool any_prid = false;
	uint32_t instance = 1;

	for (size_t i = 0; i < v->failures.count; i++)
		any_prid |= has_prid(&v->failures.list[i]);
	/* RFC 3084 wants a code in any case. */
	if (v->general || !any_prid) {
		uint16_t code = v->general ? v->general : PR_GPERR_UNKNOWN_PIB_DATA;

		pr_put_error(out, PR_GPERR, code, v->general_sub);
		put_failure_text(instance++, VIEW_NONE, v->why.text, out);
	}
	put_faults(&v->failures, instance, out);
}
