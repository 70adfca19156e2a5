/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "common/base/utc.h"
#include "common/crypto/cms.h"
#include "common/crypto/digest.h"
#include "pib/set/verification.h"

void list_is_wrong(struct verification *v, struct speaker *s, const struct error *e)
{
	refuse(v, &s->trust->envelope, e->code, "the trust list: %s", e->text);
}

void list_is_wrongly_signed(struct verification *v, struct speaker *s, const struct error *e)
{
	refuse_document(v, &s->trust->envelope,
		e->code == E_UNTRUSTED ? DOCUMENT_SIGNERS : DOCUMENT_SIGNATURE, e->code,
		"the trust list: %s", e->text);
}

struct view list_in_force(const struct verification *v, enum authority a)
{
	const struct state_voice *voice = NULL;

	if (a == v->owner->state.home.authority)
		return v->terms->trust_in_force;
	if (v->terms->in_force)
		voice = state_voice(v->terms->in_force, a);
	return voice && voice->trust ? voice->trust->content : VIEW_NONE;
}

static void follow(
	struct verification *v, struct speaker *s, struct view present, const struct trust_list *list)
{
	const struct trust_list *next = &s->trust->list;
	const struct pri_row *envelope = &s->trust->envelope;
	uint8_t digest[SHA256_SIZE];

	if (next->serial <= list->serial)
		refuse_document(v, envelope, DOCUMENT_SERIAL, E_STALE,
			"the trust list has serial %llu, but %llu is in force",
			(unsigned long long)next->serial, (unsigned long long)list->serial);
	if (sha256_of(present, digest))
		no_memory(v);
	else if (!view_equal(next->previous, VIEW(digest, sizeof digest)))
		refuse_document(v, envelope, DOCUMENT_SERIAL, E_MISMATCH,
			"the trust list of serial %llu does not follow the one in force",
			(unsigned long long)next->serial);
}

static void verify_next_time(struct verification *v, const struct state_trust *t)
{
	const struct trust_list *next = &t->list;
	uint64_t now = v->terms->now_utc;
	char first[UTC_TEXT_SIZE], last[UTC_TEXT_SIZE], present[UTC_TEXT_SIZE];

	if (now >= next->not_before && now <= next->not_after)
		return;
	utc_format(next->not_before, first);
	utc_format(next->not_after, last);
	utc_format(now, present);
	refuse_document(v, &t->envelope,
		now < next->not_before ? DOCUMENT_NOT_YET_VALID : DOCUMENT_EXPIRED, E_EXPIRED,
		"the trust list is to be taken up from %s to %s, and it is %s", first, last,
		present);
}

/* The list before is trusted: somebody else has verified it, or the disk says so. */
void take_next_list(struct verification *v, struct speaker *s, const struct trust *setup)
{
	struct view present = list_in_force(v, s->voice->authority);
	struct trust_list list;
	struct trust *signers = NULL;
	struct cms_result result;
	struct error e;
	enum err err = E_OK;

	if (present.len) {
		err = trust_list_decode(present, &v->owner->arena, &list, &e);
		if (!err)
			err = trust_list_signers(&list, TRUST_TRUST, &signers, &e);
	}
	if (err) {
		trust_free(signers);
		list_is_wrong(v, s, &e);
		return;
	}
	err = cms_verify(s->trust->cms, present.len ? signers : setup, &result, &e);
	trust_free(signers);
	if (err) {
		list_is_wrongly_signed(v, s, &e);
		return;
	}
	if (trust_list_decode(result.content, &v->owner->arena, &s->trust->list, &e)) {
		list_is_wrong(v, s, &e);
		return;
	}
	if (present.len)
		follow(v, s, present, &list);
	verify_next_time(v, s->trust);
}

/* Of one in force the signers may be no longer those who may sign the next. */
void take_list(struct verification *v, struct speaker *s)
{
	struct error e;

	if (trust_list_decode(s->trust->content, &v->owner->arena, &s->trust->list, &e))
		list_is_wrong(v, s, &e);
}

void take_signers(struct verification *v, struct speaker *s)
{
	struct error e;

	if (s->trust->list.authority != s->voice->authority) {
		refuse_document(v, &s->trust->envelope, DOCUMENT_AUTHORITY, E_MISMATCH,
			"the trust list is of authority %s", authority_name(s->trust->list.authority));
		return;
	}
	for (unsigned use = 0; use < TRUST_USES && !v->err; use++) {
		if (trust_list_signers(&s->trust->list, use, &s->owned[use], &e))
			list_is_wrong(v, s, &e);
		s->signers[use] = s->owned[use];
	}
}

/* Of home, or of the one authority of a bundle; what home says of guests is not verified yet. */
void verify_trust(struct verification *v)
{
	struct speaker *s = speaker_of(v, v->owner->state.home.authority);
	struct state_trust *t = s->trust;
	struct view present = v->terms->trust_in_force;
	struct prid prid = {pib_class(PIB_copsecTrust), s->voice->authority};
	struct error e;

	for (unsigned use = 0; use < TRUST_USES; use++)
		s->signers[use] = v->terms->trust;
	if (v->terms->leave && s->voice->authority != AUTHORITY_HOME)
		return;
	if (!s->voice->trust) {
		if (present.len)
			refuse_row(v, &prid, PIB_FAULT_REFERENCE, 0, E_MISSING,
				"the trust list in force is missing");
		return;
	}
	if (cms_content(t->cms, &t->content, &e))
		list_is_wrongly_signed(v, s, &e);
	else if (v->terms->from_disk || view_equal(t->content, present))
		take_list(v, s);
	else
		take_next_list(v, s, v->terms->trust);
	if (!v->err)
		take_signers(v, s);
}
