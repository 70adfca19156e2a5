/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/internal.h"

#include <stdlib.h>

#include "pdp/decision/claim.h"
#include "pib/framework/request_state.h"
#include "pib/schema/pri.h"

enum { PIECES_MAX = 4096, REFUSAL_MAX = 16384 };

static void put_error(const struct pri_failure *failure, uint32_t instance, struct buffer *out)
{
	struct pib_error_object object = pib_fault_object(&failure->fault);
	struct pib_fault ignored;
	struct oid oid = oid_none;
	struct error e;
	struct pri pri;

	pri_init(&pri, PIB_frwkError, instance);
	pri_set_u32(&pri, frwkErrorCode,
		object.general ? PR_CPERR_PRI_INSTANCE_INVALID : object.code);
	pri_set_u32(&pri, frwkErrorSubCode, object.general ? 0 : object.subcode);
	pri_set_u32(&pri, frwkErrorInstance, 0);
	/* A PRID, perhaps of a class that only the node knows. */
	if (failure->prid_len && !prid_decode_oid(VIEW(failure->prid, failure->prid_len), &oid,
					 &ignored, &e) &&
		oid.count > 2)
		pri_set_u32(&pri, frwkErrorInstance, oid.arcs[--oid.count]);
	pri_set_oid(&pri, frwkErrorPrc, &oid);
	if (pri_put(out, &pri, &e) && !out->error)
		out->error = e.code;
}

enum err request_refuse(struct peer *p, uint32_t state, const struct pri_failures *failures,
	const struct error *why)
{
	struct pdp_transaction transaction = {.install_count = 1};
	struct view installs;
	struct buffer out;
	uint32_t decision;
	struct error e;
	struct pri pri;
	enum err err;

	buffer_init(&out, REFUSAL_MAX);
	for (size_t i = 0; i < failures->count; i++)
		put_error(&failures->list[i], (uint32_t)i + 1, &out);
	pri_init(&pri, PIB_copsecFailure, 1);
	pri_set_oid(&pri, copsecFailureInstance, &oid_none);
	pri_set_text(&pri, copsecFailureText, why->text);
	err = pri_put(&out, &pri, &e);
	installs = buffer_view(&out);
	transaction.installs = &installs;
	if (!err)
		err = pdp_session_decide(p->session, state, &transaction, &decision);
	buffer_fini(&out);
	return err;
}

/* Nodes of one kind say the same of what they support. */
static void share(struct peer *p)
{
	for (const struct peer *other = p->server->peers; other; other = other->next)
		if (other != p && other->request) {
			pri_store_share(p->request, other->request);
			return;
		}
}

static enum err change(struct peer *p, const struct view *pieces, size_t count,
	bool *ret_same_claim, struct pri_failures *failures, struct error *why)
{
	struct pri_store *request;
	bool incremental;
	enum err err = request_state_change(
		p->request, pieces, count, &request, &incremental, failures, why);

	if (err)
		return err;
	*ret_same_claim = incremental && claim_serial(p->request) == claim_serial(request);
	pri_store_free(p->request);
	p->request = request;
	share(p);
	return E_OK;
}

enum err request_take(struct peer *p, uint32_t state, const struct cops_message *message,
	bool *ret_same_claim, struct error *why)
{
	struct pri_failures *failures = calloc(1, sizeof *failures);
	struct view *pieces = calloc(PIECES_MAX, sizeof *pieces);
	size_t count = 0, at = 0;
	enum err err;

	if (!failures || !pieces) {
		err = error_set(why, E_MEMORY, "request: out of memory");
	} else {
		pri_failures_init(failures);
		while (count < PIECES_MAX && cops_next_named(message, &at, &pieces[count]))
			count++;
		if (count == PIECES_MAX)
			err = error_set(why, E_LIMIT, "a request in more than %d pieces",
				(int)PIECES_MAX - 1);
		else
			err = change(p, pieces, count, ret_same_claim, failures, why);
		if (err && request_refuse(p, state, failures, why))
			err = E_CLOSED;
	}
	free(pieces);
	free(failures);
	return err;
}
