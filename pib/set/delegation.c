/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/delegation.h"

#include <string.h>

#include "common/crypto/trust.h"
#include "pib/framework/roles.h"
#include "pib/set/document.h"

/* ---- The document ---- */

static const struct member head_members[] = {
	{MEMBER_OCTETS, copsecDelegationHeadTenant, offsetof(struct delegation, tenant)},
	{MEMBER_OCTETS, copsecDelegationHeadName, offsetof(struct delegation, name)},
	{MEMBER_ENUM, copsecDelegationHeadAuthority, offsetof(struct delegation, authority)},
	{MEMBER_DIGEST, copsecDelegationHeadKey, offsetof(struct delegation, key)},
	{MEMBER_OCTETS, copsecDelegationHeadCertificate, offsetof(struct delegation, certificate)},
	{MEMBER_U64, copsecDelegationHeadSerial, offsetof(struct delegation, serial)},
	{MEMBER_U64, copsecDelegationHeadNotBefore, offsetof(struct delegation, not_before)},
	{MEMBER_U64, copsecDelegationHeadNotAfter, offsetof(struct delegation, not_after)},
	{MEMBER_U32, copsecDelegationHeadLongestDuration,
		offsetof(struct delegation, longest_duration)},
	{MEMBER_U32, copsecDelegationHeadMostNodes, offsetof(struct delegation, most_nodes)},
	{MEMBER_U32, copsecDelegationHeadMostRules, offsetof(struct delegation, most_rules)},
	{MEMBER_BOOL, copsecDelegationHeadMayIsolate, offsetof(struct delegation, may_isolate)},
};
static const struct record head = {.class = PIB_copsecDelegationHead, MEMBERS(head_members)};

static const struct member never_members[] = {
	{MEMBER_ENUM, copsecDelegationNeverKind, offsetof(struct never_touch, kind)},
	{MEMBER_OCTETS, copsecDelegationNeverName, offsetof(struct never_touch, name)},
	{MEMBER_ENUM, copsecDelegationNeverAddressType, offsetof(struct never_touch, prefix.type)},
	{MEMBER_OCTETS, copsecDelegationNeverAddress, offsetof(struct never_touch, prefix.address)},
	{MEMBER_U32, copsecDelegationNeverPrefixLength,
		offsetof(struct never_touch, prefix.length)},
};
static const struct member sensor_members[] = {
	{MEMBER_OCTETS, copsecDelegationSensorRole, offsetof(struct trusted_sensor, role)},
	{MEMBER_OCTETS, copsecDelegationSensorKind, offsetof(struct trusted_sensor, alert)},
	{MEMBER_U32, copsecDelegationSensorLeast, offsetof(struct trusted_sensor, least)},
};
static const struct member grant_members[] = {
	{MEMBER_ENUM, copsecDelegationGrantKind, offsetof(struct grant, kind)},
	{MEMBER_OCTETS, copsecDelegationGrantName, offsetof(struct grant, name)},
	{MEMBER_U32, copsecDelegationGrantMost, offsetof(struct grant, most)},
};
static const struct member prefix_members[] = {
	{MEMBER_U32, copsecDelegationPrefixGrantId, offsetof(struct granted_prefix, grant)},
	{MEMBER_ENUM, copsecDelegationPrefixAddressType,
		offsetof(struct granted_prefix, prefix.type)},
	{MEMBER_OCTETS, copsecDelegationPrefixAddress,
		offsetof(struct granted_prefix, prefix.address)},
	{MEMBER_U32, copsecDelegationPrefixPrefixLength,
		offsetof(struct granted_prefix, prefix.length)},
};
static const struct member identity_members[] = {
	{MEMBER_U32, copsecDelegationIdentityGrantId, offsetof(struct granted_identity, grant)},
	{MEMBER_U32, copsecDelegationIdentityType, offsetof(struct granted_identity, type)},
	{MEMBER_OCTETS, copsecDelegationIdentityValue, offsetof(struct granted_identity, value)},
};
static const struct member response_members[] = {
	{MEMBER_OCTETS, copsecResponseName, offsetof(struct response, name)},
	{MEMBER_OCTETS, copsecResponseKind, offsetof(struct response, alert)},
	{MEMBER_OCTETS, copsecResponseSensorRole, offsetof(struct response, sensor_role)},
	{MEMBER_U32, copsecResponseSensors, offsetof(struct response, sensors)},
	{MEMBER_U32, copsecResponseWithin, offsetof(struct response, within)},
	{MEMBER_ENUM, copsecResponseSeverity, offsetof(struct response, severity)},
	{MEMBER_ENUM, copsecResponseAction, offsetof(struct response, action)},
	{MEMBER_OCTETS, copsecResponseRoles, offsetof(struct response, roles)},
	{MEMBER_U32, copsecResponseDuration, offsetof(struct response, duration)},
};
static const struct member admission_members[] = {
	{MEMBER_U32, copsecAdmissionGrantId, offsetof(struct admission, grant)},
	{MEMBER_OCTETS, copsecAdmissionRole, offsetof(struct admission, role)},
	{MEMBER_ENUM, copsecAdmissionCondition, offsetof(struct admission, condition)},
	{MEMBER_U32, copsecAdmissionGrace, offsetof(struct admission, grace)},
};

#define RECORD(name, id, c_type, what)                                                             \
	static const struct record name##_record = {                                               \
		.class = id,                                                                       \
		.size = sizeof(struct c_type),                                                     \
		MEMBERS(name##_members),                                                           \
		.limit = DELEGATION_ROWS_MAX,                                                      \
		.plural = what,                                                                    \
	}

RECORD(never, PIB_copsecDelegationNever, never_touch, "that are never touched");
RECORD(sensor, PIB_copsecDelegationSensor, trusted_sensor, "sensors");
RECORD(grant, PIB_copsecDelegationGrant, grant, "grants");
RECORD(prefix, PIB_copsecDelegationPrefix, granted_prefix, "prefixes");
RECORD(identity, PIB_copsecDelegationIdentity, granted_identity, "identities");
RECORD(response, PIB_copsecResponse, response, "responses");
RECORD(admission, PIB_copsecAdmission, admission, "admissions");

#define LIST(record, list, count)                                                                  \
	{                                                                                          \
		&record##_record, offsetof(struct delegation, list),                               \
			offsetof(struct delegation, count)                                         \
	}

static const struct document_list lists[] = {
	LIST(never, never, never_count),
	LIST(sensor, sensors, sensor_count),
	LIST(grant, grants, grant_count),
	LIST(prefix, prefixes, prefix_count),
	LIST(identity, identities, identity_count),
	LIST(response, responses, response_count),
	LIST(admission, admissions, admission_count),
};

/* ---- Prefixes ---- */

static size_t octets_of(int type)
{
	return type == 1 ? 4 : type == 2 ? 16 : 0;
}

static bool bit_at(struct view address, uint32_t n)
{
	return address.data[n / 8] >> (7 - n % 8) & 1;
}

static bool prefix_valid(const struct inet_prefix *p)
{
	if (!octets_of(p->type) || p->address.len != octets_of(p->type) ||
		p->length > 8 * p->address.len)
		return false;
	for (uint32_t n = p->length; n < 8 * p->address.len; n++)
		if (bit_at(p->address, n))
			return false;
	return true;
}

static bool same_start(const struct inet_prefix *a, const struct inet_prefix *b, uint32_t bits)
{
	if (a->type != b->type)
		return false;
	for (uint32_t n = 0; n < bits; n++)
		if (bit_at(a->address, n) != bit_at(b->address, n))
			return false;
	return true;
}

static bool prefix_within(const struct inet_prefix *p, const struct inet_prefix *outer)
{
	return p->length >= outer->length && same_start(p, outer, outer->length);
}

/* Of two prefixes one is within the other, or they have nothing in common. */
static bool prefixes_meet(const struct inet_prefix *a, const struct inet_prefix *b)
{
	return same_start(a, b, a->length < b->length ? a->length : b->length);
}

static bool same_prefix(const struct inet_prefix *a, const struct inet_prefix *b)
{
	return a->length == b->length && same_start(a, b, a->length);
}

static enum err check_prefix(const struct inet_prefix *p, const char *what, size_t i,
	struct error *e)
{
	if (prefix_valid(p))
		return E_OK;
	return error_set(e, E_SYNTAX,
		"%s %zu is no prefix of IPv4 or IPv6 addresses with zeros behind its length", what,
		i + 1);
}

/* ---- Checks ---- */

static enum err twice(const char *what, size_t i, size_t k, struct error *e)
{
	return error_set(e, E_DUPLICATE, "%s %zu is %zu too", what, i + 1, k + 1);
}

static bool same_never(const struct never_touch *a, const struct never_touch *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == NEVER_ADDRESSES ? same_prefix(&a->prefix, &b->prefix)
					  : view_equal(a->name, b->name);
}

static enum err check_never(const struct delegation *d, struct error *e)
{
	for (size_t i = 0; i < d->never_count; i++) {
		const struct never_touch *n = &d->never[i];
		bool addresses = n->kind == NEVER_ADDRESSES;
		enum err err = E_OK;

		if (addresses && n->name.len)
			err = error_set(e, E_SYNTAX, "never %zu has addresses and a name", i + 1);
		else if (addresses)
			err = check_prefix(&n->prefix, "never", i, e);
		else if (n->prefix.type || n->prefix.address.len || n->prefix.length)
			err = error_set(e, E_SYNTAX, "never %zu has a name and addresses", i + 1);
		else if (n->kind == NEVER_ROLE && !role_valid(n->name))
			err = error_set(e, E_SYNTAX, "never %zu is no role", i + 1);
		else
			err = check_name(n->name, "what is never touched", e);
		for (size_t k = 0; k < i && !err; k++)
			if (same_never(n, &d->never[k]))
				err = twice("never", i, k, e);
		if (err)
			return err;
	}
	return E_OK;
}

static enum err check_sensors(const struct delegation *d, struct error *e)
{
	for (size_t i = 0; i < d->sensor_count; i++) {
		const struct trusted_sensor *s = &d->sensors[i];

		if (!role_valid(s->role))
			return error_set(e, E_SYNTAX, "sensor %zu has no role", i + 1);
		for (size_t k = 0; k < i; k++)
			if (view_equal(s->role, d->sensors[k].role) &&
				view_equal(s->alert, d->sensors[k].alert))
				return twice("sensor", i, k, e);
	}
	return E_OK;
}

static enum err check_grants(const struct delegation *d, struct error *e)
{
	for (size_t i = 0; i < d->grant_count; i++) {
		enum err err = check_name(d->grants[i].name, "the name of a grant", e);

		for (size_t k = 0; k < i && !err; k++)
			if (d->grants[i].kind == d->grants[k].kind &&
				view_equal(d->grants[i].name, d->grants[k].name))
				err = twice("grant", i, k, e);
		if (err)
			return err;
	}
	return E_OK;
}

/* Kinds as bits. */
static enum err check_grant_of(const struct delegation *d, uint32_t grant, unsigned kinds,
	const char *what, size_t i, struct error *e)
{
	if (!grant || grant > d->grant_count)
		return error_set(e, E_REFERENCE, "%s %zu: there is no grant %u", what, i + 1, grant);
	if (kinds >> d->grants[grant - 1].kind & 1)
		return E_OK;
	return error_set(
		e, E_MISMATCH, "%s %zu: grant %u is of another kind", what, i + 1, grant);
}

static enum err check_prefixes(const struct delegation *d, struct error *e)
{
	const unsigned kinds = 1u << GRANT_GROUP | 1u << GRANT_PEER | 1u << GRANT_ANSWER |
			       1u << GRANT_SA_KEYS;

	for (size_t i = 0; i < d->prefix_count; i++) {
		const struct granted_prefix *p = &d->prefixes[i];
		enum err err = check_grant_of(d, p->grant, kinds, "prefix", i, e);

		if (!err)
			err = check_prefix(&p->prefix, "prefix", i, e);
		for (size_t k = 0; k < i && !err; k++)
			if (p->grant == d->prefixes[k].grant &&
				same_prefix(&p->prefix, &d->prefixes[k].prefix))
				err = twice("prefix", i, k, e);
		if (err)
			return err;
	}
	return E_OK;
}

static enum err check_identities(const struct delegation *d, struct error *e)
{
	for (size_t i = 0; i < d->identity_count; i++) {
		const struct granted_identity *id = &d->identities[i];
		enum err err = check_grant_of(d, id->grant, 1u << GRANT_PEER, "identity", i, e);

		for (size_t k = 0; k < i && !err; k++)
			if (id->grant == d->identities[k].grant &&
				id->type == d->identities[k].type &&
				view_equal(id->value, d->identities[k].value))
				err = twice("identity", i, k, e);
		if (err)
			return err;
	}
	return E_OK;
}

static bool listens_to(const struct delegation *d, struct view role)
{
	for (size_t i = 0; i < d->sensor_count; i++)
		if (view_equal(d->sensors[i].role, role))
			return true;
	return !role.len && d->sensor_count;
}

static enum err check_response(const struct delegation *d, const struct response *r,
	struct error *e)
{
	enum err err = check_name(r->name, "the name of a response", e);

	if (!err)
		err = check_roles(AUTHORITY_HOME, r->roles, "the roles of a response", e);
	if (!err && !listens_to(d, r->sensor_role))
		err = error_set(e, E_RANGE, "listens to sensors that the bounds do not name");
	if (!err && r->duration > d->longest_duration)
		err = error_set(e, E_RANGE, "lasts %u s, longer than the %u s of the bounds",
			r->duration, d->longest_duration);
	if (!err && r->action == RESPONSE_ISOLATE && !d->may_isolate)
		err = error_set(e, E_RANGE, "isolates, which the bounds do not permit");
	return err;
}

static enum err check_responses(const struct delegation *d, struct error *e)
{
	for (size_t i = 0; i < d->response_count; i++) {
		enum err err = check_response(d, &d->responses[i], e);

		if (err) {
			error_prefix(e, "response %zu", i + 1);
			return err;
		}
		for (size_t k = 0; k < i; k++)
			if (view_equal(d->responses[i].name, d->responses[k].name))
				return twice("response", i, k, e);
	}
	return E_OK;
}

static enum err check_admissions(const struct delegation *d, struct error *e)
{
	for (size_t i = 0; i < d->admission_count; i++) {
		const struct admission *a = &d->admissions[i];
		enum err err = check_grant_of(d, a->grant, 1u << GRANT_GROUP, "admission", i, e);

		if (!err && a->role.len && !role_valid(a->role))
			err = error_set(e, E_SYNTAX, "admission %zu is of no role", i + 1);
		for (size_t k = 0; k < i && !err; k++)
			if (a->grant == d->admissions[k].grant &&
				view_equal(a->role, d->admissions[k].role))
				err = twice("admission", i, k, e);
		if (err)
			return err;
	}
	return E_OK;
}

/* Each authority has bounds of its own, and none of the other's. */
static enum err check_part(const struct delegation *d, struct error *e)
{
	size_t of_responder = d->never_count + d->sensor_count + d->response_count;
	size_t of_directory =
		d->grant_count + d->prefix_count + d->identity_count + d->admission_count;

	if (d->authority == AUTHORITY_RESPONDER && !of_directory)
		return E_OK;
	if (d->authority == AUTHORITY_DIRECTORY && !of_responder && !d->may_isolate &&
		!d->most_rules)
		return E_OK;
	return error_set(e, E_RANGE, "authority %s cannot be lent these bounds",
		authority_name(d->authority));
}

static enum err check_certificate(const struct delegation *d, struct error *e)
{
	struct trust *alone;
	enum err err;

	if (!d->certificate.len)
		return error_set(e, E_UNSUPPORTED, "without certificate, which is not supported");
	err = trust_of(&d->certificate, 1, 1, &alone, e);
	if (err)
		return err;
	if (memcmp(trust_pin(alone, 0)->sha256, d->key, NODE_KEY))
		err = error_set(e, E_MISMATCH, "the key is not that of the certificate");
	trust_free(alone);
	return err;
}

static enum err check(const void *document, struct error *e)
{
	static enum err (*const checks[])(const struct delegation *d, struct error *e) = {
		check_part, check_certificate, check_never, check_sensors, check_grants,
		check_prefixes, check_identities, check_responses, check_admissions};
	const struct delegation *d = document;
	enum err err = check_name(d->tenant, "the tenant", e);

	if (!err)
		err = check_name(d->name, "the name", e);
	if (!err)
		err = check_times(d->not_before, d->not_after, e);
	for (size_t i = 0; i < sizeof checks / sizeof checks[0] && !err; i++)
		err = checks[i](d, e);
	return err;
}

static const struct document document = {
	.name = "delegation",
	.size = sizeof(struct delegation),
	.head = &head,
	.lists = lists,
	.list_count = sizeof lists / sizeof lists[0],
	.check = check,
};

enum err delegation_encode(const struct delegation *d, struct buffer *out, struct error *e)
{
	return document_encode(&document, d, out, e);
}

enum err delegation_decode(struct view content, struct arena *arena,
	struct delegation *ret_delegation, struct error *e)
{
	return document_decode(&document, content, arena, ret_delegation, e);
}

/* ---- The bounds ---- */

enum err delegation_permits_set(
	const struct delegation *d, const struct manifest *m, struct error *e)
{
	if (!view_equal(d->tenant, m->tenant) || d->authority != m->authority)
		return error_set(e, E_DENIED,
			"delegation %.*s is of authority %s of tenant %.*s, the set of %s of %.*s",
			shown(d->name), (const char *)d->name.data, authority_name(d->authority),
			shown(d->tenant), (const char *)d->tenant.data,
			authority_name(m->authority), shown(m->tenant),
			(const char *)m->tenant.data);
	if (m->not_before < d->not_before || m->not_after > d->not_after)
		return error_set(e, E_RANGE,
			"from %llu to %llu is not within the delegation's %llu to %llu",
			(unsigned long long)m->not_before, (unsigned long long)m->not_after,
			(unsigned long long)d->not_before, (unsigned long long)d->not_after);
	if (m->not_after - m->not_before > d->longest_duration)
		return error_set(e, E_RANGE, "lasts %llu s, the delegation permits %u s",
			(unsigned long long)(m->not_after - m->not_before), d->longest_duration);
	return E_OK;
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

enum err delegation_permits_node(const struct delegation *d, struct view pepid,
	struct view roles, struct error *e)
{
	for (size_t i = 0; i < d->never_count; i++) {
		const struct never_touch *n = &d->never[i];

		if (n->kind == NEVER_NODE && view_equal(n->name, pepid))
			return error_set(e, E_DENIED, "node %.*s is never to be touched",
				shown(pepid), (const char *)pepid.data);
		if (n->kind == NEVER_ROLE && has_role(roles, n->name))
			return error_set(e, E_DENIED, "role %.*s is never to be touched",
				shown(n->name), (const char *)n->name.data);
	}
	return E_OK;
}

enum err delegation_permits_discard(
	const struct delegation *d, const struct inet_prefix *of, struct error *e)
{
	if (!prefix_valid(of))
		return error_set(e, E_SYNTAX, "no prefix of addresses");
	for (size_t i = 0; i < d->never_count; i++)
		if (d->never[i].kind == NEVER_ADDRESSES && prefixes_meet(of, &d->never[i].prefix))
			return error_set(e, E_DENIED,
				"some of these addresses are never to be touched (never %zu)",
				i + 1);
	return E_OK;
}

enum err delegation_permits_member(const struct delegation *d, enum delegation_grant kind,
	struct view name, const struct inet_prefix *member, struct error *e)
{
	bool granted = false;

	if (!prefix_valid(member))
		return error_set(e, E_SYNTAX, "no prefix of addresses");
	for (size_t i = 0; i < d->grant_count; i++) {
		const struct grant *g = &d->grants[i];

		if (g->kind != kind ||
			(!view_equal(g->name, name) && !view_equal(g->name, VIEW("*", 1))))
			continue;
		granted = true;
		for (size_t k = 0; k < d->prefix_count; k++)
			if (d->prefixes[k].grant == i + 1 &&
				prefix_within(member, &d->prefixes[k].prefix))
				return E_OK;
	}
	return error_set(e, E_DENIED,
		granted ? "the addresses are not within what is granted for %.*s"
			: "nothing is granted for %.*s",
		shown(name), (const char *)name.data);
}
