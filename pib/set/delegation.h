/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The delegation: home lends a part of its voice to a key that a decision point holds, within bounds.
 * A responder may answer alarms by sets that make nodes stricter, for a while; a directory may fill
 * groups and peers that home has named, and answer questions. A document as the others (documents.h),
 * signed by those who may sign delegations.
 *
 * The questions at the end are the bounds, asked of what somebody wants to do under a delegation.
 * Each refusal is a sentence.
 */
#ifndef COPSEC_PIB_SET_DELEGATION_H
#define COPSEC_PIB_SET_DELEGATION_H

#include "pib/set/documents.h"

enum {
	DELEGATION_ROWS_MAX = 512, /* of each kind */
	DELEGATION_ADDRESS_MAX = 16,
};

enum delegation_never { /* the numbers of copsecDelegationNeverKind */
	NEVER_NODE = 1,
	NEVER_ROLE,
	NEVER_ADDRESSES,
};

enum delegation_grant { /* the numbers of copsecDelegationGrantKind */
	GRANT_GROUP = 1,
	GRANT_PEER,
	GRANT_ANSWER,
	GRANT_SA_KEYS,
	GRANT_BINDING,
};

enum response_action { /* the numbers of copsecResponseAction */
	RESPONSE_ISOLATE = 1,
	RESPONSE_BLOCK,
	RESPONSE_TELL,
};

/* A prefix; the numbers of InetAddressType are those of the PIB: 0 none, 1 IPv4, 2 IPv6. */
struct inet_prefix {
	int type;
	struct view address; /* 4 or 16 octets */
	uint32_t length;
};

struct never_touch {
	enum delegation_never kind;
	struct view name; /* PEPID or role */
	struct inet_prefix prefix;
};

struct trusted_sensor {
	struct view role;
	struct view alert; /* kind of alert; empty: any */
	uint32_t least;    /* so many sensors must say the same */
};

struct grant {
	enum delegation_grant kind;
	struct view name; /* "*": any that home has declared */
	uint32_t most;    /* 0: no limit */
};

struct granted_prefix {
	uint32_t grant; /* its place in the list, from 1 */
	struct inet_prefix prefix;
};

struct granted_identity {
	uint32_t grant;
	uint32_t type; /* of the IPsec DOI */
	struct view value;
};

struct response {
	struct view name;
	struct view alert;
	struct view sensor_role;
	uint32_t sensors;
	uint32_t within; /* seconds */
	int severity;
	enum response_action action;
	struct view roles;
	uint32_t duration; /* seconds */
};

struct admission {
	uint32_t grant;
	struct view role;
	int condition;
	uint32_t grace; /* seconds */
};

struct delegation {
	struct view tenant;
	struct view name;
	enum authority authority; /* responder or directory */
	uint8_t key[NODE_KEY];
	struct view certificate; /* DER, of that key */
	uint64_t serial;
	uint64_t not_before; /* seconds since 1970, UTC: of what is signed under it, too */
	uint64_t not_after;
	uint32_t longest_duration; /* seconds, of a set or an answer */
	uint32_t most_nodes;
	uint32_t most_rules;
	bool may_isolate;
	const struct never_touch *never;
	size_t never_count;
	const struct trusted_sensor *sensors;
	size_t sensor_count;
	const struct grant *grants;
	size_t grant_count;
	const struct granted_prefix *prefixes;
	size_t prefix_count;
	const struct granted_identity *identities;
	size_t identity_count;
	const struct response *responses;
	size_t response_count;
	const struct admission *admissions;
	size_t admission_count;
};

/*
 * Refused are also: bounds of the other authority's, rows that refer to no grant or to one of
 * another kind, prefixes with octets behind their length, a response that lasts longer, isolates
 * or listens to others than the bounds permit, and a certificate of another key.
 */
enum err delegation_encode(
	const struct delegation *d, struct buffer *out, struct error *e) MUST_USE;
enum err delegation_decode(struct view content, struct arena *arena,
	struct delegation *ret_delegation, struct error *e) MUST_USE;

/* May a set with this manifest be signed under it? Tenant, authority, times. E_DENIED, E_RANGE. */
enum err delegation_permits_set(
	const struct delegation *d, const struct manifest *m, struct error *e) MUST_USE;
/* May a set under it apply to a node of this name, with these roles on itself or an interface? */
enum err delegation_permits_node(const struct delegation *d, struct view pepid,
	struct view roles, struct error *e) MUST_USE;
/* May a rule under it discard flows of these addresses? Not if any of them is never to be touched. */
enum err delegation_permits_discard(const struct delegation *d, const struct inet_prefix *of,
	struct error *e) MUST_USE;
/* May it make this a member of the group, or an address of the peer? */
enum err delegation_permits_member(const struct delegation *d, enum delegation_grant kind,
	struct view name, const struct inet_prefix *member, struct error *e) MUST_USE;

#endif
