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

enum err report_success(const struct state *state, const char *pepid,
                        const struct decision_origin *origin, uint64_t now_utc, const struct key *report_key, struct buffer *out,
                        struct error *e)
{
	struct set_entry sets[COMPLIANCE_SETS_MAX];
	struct compliance c = {
		.node = view_of_string(pepid),
		.decision = origin->number,
		.session = origin->session,
		.index_serial = state->home.index.serial,
		.time = now_utc,
		.sets = sets,
		.set_count = state->set_count,
	};
	struct buffer document;
	size_t before = out->len;
	struct pri pri;
	enum err err;

	if (state->set_count > COMPLIANCE_SETS_MAX)
		return error_set(e, E_LIMIT, "%zu sets are more than a report can name",
		                 state->set_count);
	for (size_t i = 0; i < state->set_count; i++) {
		const struct manifest *m = &state->sets[i].manifest;

		sets[i] = (struct set_entry){.name = m->name, .serial = m->serial};
		memcpy(sets[i].root, m->root, sizeof sets[i].root);
	}
	buffer_init(&document, 4 * DOCUMENT_MAX);
	err = sign(&c, report_key, &document, e);
	if (!err) {
		pri_init(&pri, PIB_copsecCompliance, 1);
		pri_set_octets(&pri, copsecComplianceSigned, buffer_view(&document));
		err = pri_put(out, &pri, e);
	}
	buffer_fini(&document);
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
