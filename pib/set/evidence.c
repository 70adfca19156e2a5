/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The alerts that led to a responder's set: an enforcer counts the sensors itself. */
#include <string.h>

#include "common/crypto/cms.h"
#include "pib/framework/roles.h"
#include "pib/set/verification.h"

enum { EVIDENCE_MAX = 64 /* rows of a set that are looked at */ };

struct witness {
	struct assignment sensor;
	struct alert alert;
	const struct response *response;
};

static const struct response *find_response(const struct delegation *d, struct view name)
{
	for (size_t i = 0; i < d->response_count; i++)
		if (view_equal(d->responses[i].name, name))
			return &d->responses[i];
	return NULL;
}

static bool has_role(struct view roles, struct view wanted)
{
	struct view role;
	size_t at = 0;

	while (role_next(roles, &at, &role))
		if (view_equal(role, wanted))
			return true;
	return false;
}

/* Home says who the sensor is, the sensor what it saw. */
static enum err read_witness(struct verification *v, const struct delegation *d,
	const struct pri *row, struct witness *ret, struct error *e)
{
	struct arena *arena = &v->owner->arena;
	struct cms_result result;
	struct view content;
	struct pin pin;
	enum err err;

	ret->response = find_response(d, pri_octets(row, copsecEvidenceResponse));
	if (!ret->response)
		return error_set(e, E_DENIED, "the delegation has no such response");
	err = cms_verify(pri_octets(row, copsecEvidenceAssignment),
		speaker_of(v, AUTHORITY_HOME)->signers[TRUST_ASSIGNMENT], &result, e);
	if (!err)
		err = assignment_decode(result.content, arena, &ret->sensor, e);
	if (!err && (!view_equal(ret->sensor.tenant, v->leave.tenant) ||
			    ret->sensor.report_key.len != sizeof pin.sha256))
		err = error_set(e, E_DENIED, "the sensor is of another tenant, or signs nothing");
	if (err)
		return err;
	memcpy(pin.sha256, ret->sensor.report_key.data, sizeof pin.sha256);
	err = cms_verify_pinned(pri_octets(row, copsecEvidenceAlert), &pin, &content, e);
	if (!err)
		err = alert_decode(content, arena, &ret->alert, e);
	if (!err && (!view_equal(ret->alert.node, ret->sensor.node) ||
			    !view_equal(ret->alert.tenant, ret->sensor.tenant)))
		err = error_set(e, E_MISMATCH, "the alert is in another's name");
	return err;
}

static bool is_about(struct view kind, const struct witness *w)
{
	return !kind.len || view_equal(kind, w->alert.kind);
}

/* Different sensors with this role that say this. */
static uint32_t count_sensors(
	const struct witness *list, size_t count, struct view role, struct view kind)
{
	uint32_t sensors = 0;

	for (size_t i = 0; i < count; i++) {
		bool counted = !is_about(kind, &list[i]) ||
			       (role.len && !has_role(list[i].sensor.roles, role));

		for (size_t k = 0; k < i && !counted; k++)
			counted = is_about(kind, &list[k]) &&
				  view_equal(list[k].sensor.report_key, list[i].sensor.report_key);
		sensors += !counted;
	}
	return sensors;
}

static bool is_met(const struct delegation *d, const struct witness *list, size_t count)
{
	bool trusted = false;

	for (size_t i = 0; i < d->sensor_count && !trusted; i++)
		trusted = count_sensors(list, count, d->sensors[i].role, d->sensors[i].alert) >=
			  d->sensors[i].least;
	for (size_t i = 0; i < count && trusted; i++) {
		const struct response *r = list[i].response;

		if (count_sensors(list, count, r->sensor_role, r->alert) < r->sensors)
			return false;
	}
	return trusted;
}

static void verify_set_evidence(struct verification *v, const struct state_set *set)
{
	const struct delegation *d = speaker_of(v, AUTHORITY_RESPONDER)->voice->delegation;
	struct pri_cursor c = pri_store_class(set->rows, PIB_copsecEvidence);
	struct witness *list = arena_calloc(&v->owner->arena, EVIDENCE_MAX, sizeof *list);
	size_t count = 0;
	struct pri_row row;
	struct error e;
	struct pri pri;

	if (!list) {
		no_memory(v);
		return;
	}
	while (pri_store_next(&c, &row) && count < EVIDENCE_MAX) {
		if (!pri_store_get(set->rows, PIB_copsecEvidence, row.prid.instance, &pri))
			continue;
		if (read_witness(v, d, &pri, &list[count], &e))
			refuse_row(v, &row.prid, PIB_FAULT_VALUE, copsecEvidenceAlert, e.code,
				"set %.*s: copsecEvidence.%u: %s", NAME(set->manifest.name),
				row.prid.instance, e.text);
		else
			count++;
	}
	if (!v->err && !is_met(d, list, count))
		refuse_document(v, &set->envelope, DOCUMENT_BOUNDS, E_DENIED,
			"set %.*s: %zu alerts are not what home asks for before it is answered",
			NAME(set->manifest.name), count);
}

void verify_evidence(struct verification *v)
{
	const struct state *s = &v->owner->state;

	if (!v->node)
		return;
	for (size_t i = 0; i < s->set_count; i++)
		if (s->sets[i].manifest.authority == AUTHORITY_RESPONDER &&
			pri_store_count(s->sets[i].rows) &&
			!was_in_force(v, &s->sets[i].manifest))
			verify_set_evidence(v, &s->sets[i]);
}
