/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "common/crypto/cms.h"
#include "common/crypto/digest.h"
#include "pib/set/verification.h"

static void wrong(struct verification *v, const struct error *e)
{
	refuse(v, &v->owner->trust.envelope, e->code, "the trust list: %s", e->text);
}

static void wrongly_signed(struct verification *v, const struct error *e)
{
	refuse_document(v, &v->owner->trust.envelope,
		e->code == E_UNTRUSTED ? DOCUMENT_SIGNERS : DOCUMENT_SIGNATURE, e->code,
		"the trust list: %s", e->text);
}

/* The list before is trusted: somebody else has verified it, or the disk says so. */
static enum err read_present(
	struct verification *v, struct trust_list *ret_list, struct error *e)
{
	return trust_list_decode(v->terms->trust_in_force, &v->owner->arena, ret_list, e);
}

static void follow(struct verification *v, const struct trust_list *present)
{
	const struct trust_list *next = &v->owner->trust.list;
	const struct pri_row *envelope = &v->owner->trust.envelope;
	uint8_t digest[SHA256_SIZE];

	if (next->serial <= present->serial)
		refuse_document(v, envelope, DOCUMENT_SERIAL, E_STALE,
			"the trust list has serial %llu, but %llu is in force",
			(unsigned long long)next->serial, (unsigned long long)present->serial);
	if (sha256_of(v->terms->trust_in_force, digest))
		no_memory(v);
	else if (!view_equal(next->previous, VIEW(digest, sizeof digest)))
		refuse_document(v, envelope, DOCUMENT_SERIAL, E_MISMATCH,
			"the trust list of serial %llu does not follow the one in force",
			(unsigned long long)next->serial);
}

static void verify_next_time(struct verification *v)
{
	const struct trust_list *next = &v->owner->trust.list;
	uint64_t now = v->terms->now_utc;

	if (now < next->not_before || now > next->not_after)
		refuse_document(v, &v->owner->trust.envelope,
			now < next->not_before ? DOCUMENT_NOT_YET_VALID : DOCUMENT_EXPIRED, E_EXPIRED,
			"the trust list is to be taken up from %llu to %llu, and it is %llu",
			(unsigned long long)next->not_before, (unsigned long long)next->not_after,
			(unsigned long long)now);
}

/* Signed under the present list, or, if there is none, by those that the node was set up with. */
static void verify_next(struct verification *v)
{
	struct trust_list present;
	struct trust *signers = NULL;
	struct cms_result result;
	struct error e;
	bool chained = v->terms->trust_in_force.len != 0;
	enum err err = E_OK;

	if (chained) {
		err = read_present(v, &present, &e);
		if (!err)
			err = trust_list_signers(&present, TRUST_TRUST, &signers, &e);
	}
	if (err) {
		wrong(v, &e);
		return;
	}
	err = cms_verify(
		v->owner->trust.cms, chained ? signers : v->terms->trust, &result, &e);
	trust_free(signers);
	if (err) {
		wrongly_signed(v, &e);
		return;
	}
	if (trust_list_decode(result.content, &v->owner->arena, &v->owner->trust.list, &e)) {
		wrong(v, &e);
		return;
	}
	if (chained)
		follow(v, &present);
	verify_next_time(v);
}

/* It is in force: its signers may be no longer those who may sign the next. */
static void take_present(struct verification *v)
{
	struct error e;

	if (trust_list_decode(
		    v->owner->trust.content, &v->owner->arena, &v->owner->trust.list, &e))
		wrong(v, &e);
}

static void take_signers(struct verification *v)
{
	struct error e;

	for (unsigned use = 0; use < TRUST_USES && !v->err; use++) {
		if (trust_list_signers(&v->owner->trust.list, use, &v->owned[use], &e))
			wrong(v, &e);
		v->signers[use] = v->owned[use];
	}
}

void verify_trust(struct verification *v)
{
	struct state_trust *t = &v->owner->trust;
	struct view present = v->terms->trust_in_force;
	struct prid prid = {pib_class(PIB_copsecTrust), AUTHORITY_HOME};
	struct error e;

	for (unsigned use = 0; use < TRUST_USES; use++)
		v->signers[use] = v->terms->trust;
	if (!v->owner->state.trust) {
		if (present.len)
			refuse_row(v, &prid, PIB_FAULT_REFERENCE, 0, E_MISSING,
				"the trust list in force is missing");
		return;
	}
	if (cms_content(t->cms, &t->content, &e))
		wrongly_signed(v, &e);
	else if (v->terms->from_disk || view_equal(t->content, present))
		take_present(v);
	else
		verify_next(v);
	if (!v->err && t->list.authority != AUTHORITY_HOME)
		refuse_document(v, &t->envelope, DOCUMENT_AUTHORITY, E_MISMATCH,
			"the trust list is of authority %s", authority_name(t->list.authority));
	if (!v->err)
		take_signers(v);
}
