/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The signed documents: manifest of a set, index of a tenant, assignment of a node, and the
 * compliance report that a node's enforcer signs.
 *
 * These are the contents that a CMS SignedData carries (common/crypto/cms.h), in and out. A
 * manifest is the EPD of class copsecManifest; the others are a run of PRID and EPD objects, the
 * head first (instance 1), then the entries as instances 1, 2, 3... Decoding is strict: there is
 * exactly one way to write a document, every limit below is checked, names are well formed and
 * distinct. A document with an attribute that we do not know is refused, for it may restrict the
 * others.
 *
 * Decoded arrays live in the arena that is passed, decoded views borrow from the content; encoding
 * appends to the buffer and refuses what decoding would refuse.
 */
#ifndef COPSEC_PIB_SET_DOCUMENTS_H
#define COPSEC_PIB_SET_DOCUMENTS_H

#include "common/base/arena.h"
#include "common/base/binding.h"
#include "pib/set/block.h"

enum {
	SET_ROOT = 32,
	NODE_KEY = 32,      /* SHA-256 of a SubjectPublicKeyInfo */
	SET_NAME_MAX = 255, /* octets of any name in here */
	INDEX_ENTRIES_MAX = BLOCK_SETS_MAX,
	ASSIGNMENT_INTERFACES_MAX = 256,
	ASSIGNMENT_AUTHORITIES_MAX = 32,
	ASSIGNMENT_WARDS_MAX = 256,
	COMPLIANCE_SETS_MAX = BLOCK_SETS_MAX,
	DOCUMENT_MAX = 56 * 1024, /* of a content: an EPD holds it with its signatures */
};

enum stale_rule { /* the numbers of copsecManifestStaleRule */
	STALE_KEEP = 1,
	STALE_TIGHTEN,
	STALE_QUARANTINE,
	STALE_END, /* not for home */
};

struct manifest {
	struct view tenant;
	struct view name; /* of a role set: the role combination */
	enum authority authority;
	struct view roles;
	struct view node; /* NODE_KEY octets for a set of one node, else empty */
	uint64_t serial;
	uint64_t not_before; /* seconds since 1970, UTC */
	uint64_t not_after;
	enum stale_rule stale_rule;
	uint32_t block; /* first of the InstanceIds, see block.h */
	uint8_t root[SET_ROOT];
	bool no_confirm;
};
enum err manifest_encode(const struct manifest *m, struct buffer *out, struct error *e) MUST_USE;
enum err manifest_decode(
	struct view content, struct manifest *ret_manifest, struct error *e) MUST_USE;

struct set_entry {
	struct view name;
	uint64_t serial;
	uint8_t root[SET_ROOT];
	/* In an index only: of a set for one node its key and the role combination that it serves
	 * there; both empty for a common set, whose name says it. */
	struct view node;
	struct view roles;
};

struct set_index {
	struct view tenant;
	enum authority authority; /* all of whose sets these are */
	uint64_t serial;
	uint64_t not_before;
	uint64_t not_after;
	const struct set_entry *entries;
	size_t entry_count;
};
enum err set_index_encode(const struct set_index *i, struct buffer *out, struct error *e) MUST_USE;
enum err set_index_decode(struct view content, struct arena *arena, struct set_index *ret_index,
	struct error *e) MUST_USE;
/* NULL if there is none. */
const struct set_entry *set_index_find(const struct set_index *i, struct view name);
/* The role combination that a set serves; of another authority than home, a pattern of such. */
struct view set_entry_roles(const struct set_entry *entry);

struct assigned_interface {
	struct view name; /* "*": every interface that is not named */
	struct view roles;
};

/* Who besides home may speak at a node. */
struct assigned_authority {
	enum authority authority;
	struct view name;  /* of the tenant that it is, or of the delegation */
	struct view trust; /* SHA-256 of its first trust list, or empty */
};

/* A node that cannot protect itself, at some of its addresses. */
struct assigned_ward {
	struct view node; /* what people call it */
	struct view roles;
	int address_type; /* 1 IPv4, 2 IPv6 */
	struct view address;
	uint32_t prefix_length;
};

struct assignment {
	struct view tenant;
	struct view node; /* PEPID */
	uint8_t node_key[NODE_KEY];
	struct view report_key; /* NODE_KEY octets or empty */
	struct view roles;      /* of the node */
	uint64_t serial;
	uint64_t least_index_serial;
	const struct assigned_interface *interfaces;
	size_t interface_count;
	struct view ike_key;  /* NODE_KEY octets or empty, as the next */
	struct view seal_key; /* that secrets are sealed to */
	const struct assigned_authority *authorities;
	size_t authority_count;
	const struct assigned_ward *wards; /* whose guardian the node is */
	size_t ward_count;
};
enum err assignment_encode(
	const struct assignment *a, struct buffer *out, struct error *e) MUST_USE;
enum err assignment_decode(struct view content, struct arena *arena,
	struct assignment *ret_assignment, struct error *e) MUST_USE;
/* The roles of an interface: its own entry, else that of "*", else empty. */
struct view assignment_roles(const struct assignment *a, struct view interface);
/* Whether the node or one of its interfaces has this combination; the empty one is none. */
bool assignment_has_roles(const struct assignment *a, struct view roles);
/* The set that serves this combination at the node: one for the node alone, if there is one, and not
 * the common one. NULL if there is neither. */
const struct set_entry *assignment_set(
	const struct assignment *a, const struct set_index *i, struct view roles);
/* Whether the node is to have this set. */
bool assignment_demands(
	const struct assignment *a, const struct set_index *i, const struct manifest *m);

/* What a sensor saw, signed by its report key. Types of addresses as in InetAddressType. */
struct alert {
	struct view tenant;
	struct view node; /* the sensor */
	uint64_t serial;
	uint64_t time; /* seconds since 1970, UTC */
	struct view kind;
	int severity;
	struct view subject; /* PEPID of whom it is about, or empty */
	int source_type;
	struct view source;
	int destination_type;
	struct view destination;
	uint32_t protocol;
	uint32_t port;
	uint64_t count;
	struct view text;
};
enum err alert_encode(const struct alert *a, struct buffer *out, struct error *e) MUST_USE;
enum err alert_decode(struct view content, struct arena *arena, struct alert *ret_alert,
	struct error *e) MUST_USE;

struct compliance {
	struct view node;
	uint32_t decision; /* counts the decisions of a session, from 1 */
	uint64_t index_serial;
	uint64_t time; /* seconds since 1970, UTC */
	struct session_binding session; /* in which the decision came */
	const struct set_entry *sets;
	size_t set_count;
};
enum err compliance_encode(
	const struct compliance *c, struct buffer *out, struct error *e) MUST_USE;
enum err compliance_decode(struct view content, struct arena *arena,
	struct compliance *ret_compliance, struct error *e) MUST_USE;

#endif
