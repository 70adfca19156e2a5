/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bundle: everything that an authority publishes, as the compiler writes it, signers complete
 * it and `pmt publish` sends it. File: "COPSEC\r\n", u32 version, u32 zero, then S-objects:
 * copsecIndex.N, N being the number of the authority; copsecTrust.N if there is a trust list; of
 * home alone copsecDelegation.1, .2, ... and copsecAssignment.1, .2, ...; then set by set
 * copsecPolicySet followed by its PRIs in numeric OID order. A PDP gets the same objects, without
 * the file's first 16 octets, in pieces.
 *
 * This is the form to write, to sign and to show; nothing is verified here (pib/set/state.h does
 * that, from the same objects). Reading is strict about order and limits and looks no further than
 * PRIDs and the classes that carry signed documents. All views of a bundle that was read
 * borrow from the octets that were read; the arrays live in the arena.
 */
#ifndef COPSEC_PIB_SET_BUNDLE_H
#define COPSEC_PIB_SET_BUNDLE_H

#include "pib/set/trust_list.h"

enum {
	BUNDLE_VERSION = 1,
	BUNDLE_HEADER = 16,
	BUNDLE_MAX = 64 << 20, /* octets of a file */
	BUNDLE_ASSIGNMENTS_MAX = 65536,
	BUNDLE_DELEGATIONS_MAX = ASSIGNMENT_AUTHORITIES_MAX,
	BUNDLE_SETS_MAX = BLOCK_SETS_MAX,
};

struct delegation;

struct bundle_set {
	uint32_t block;
	struct view cms;  /* the signed manifest */
	struct view rows; /* PRID and EPD objects of the set, in order, without copsecPolicySet */
	struct view objects; /* filled by reading only: copsecPolicySet and rows as they stand */
};

struct bundle {
	enum authority authority;
	struct view index;        /* CMS */
	struct view trust;        /* CMS; empty: no trust list */
	struct view *delegations; /* CMS each; of home only, as the next */
	size_t delegation_count;
	struct view *assignments; /* CMS each */
	size_t assignment_count;
	struct bundle_set *sets; /* by ascending block */
	size_t set_count;
	struct view objects; /* filled by reading only: all of them, to be verified or sent */
};

/* A whole file. */
enum err bundle_read(
	struct view file, struct arena *arena, struct bundle *ret_bundle, struct error *e) MUST_USE;
/* The objects alone, as published. */
enum err bundle_read_objects(struct view objects, struct arena *arena, struct bundle *ret_bundle,
	struct error *e) MUST_USE;

/* The whole file, or the objects alone; E_LIMIT or E_MEMORY are the buffer's. */
enum err bundle_write(const struct bundle *b, struct buffer *out, struct error *e) MUST_USE;
enum err bundle_write_objects(const struct bundle *b, struct buffer *out, struct error *e) MUST_USE;

/* The file's first octets alone, for those who keep objects in another order. */
void bundle_put_header(struct buffer *out);
enum err bundle_header(struct view file, struct view *ret_objects, struct error *e) MUST_USE;

/* The contents as they claim to be, signed or not: for showing, signing and comparing. */
enum err bundle_index(const struct bundle *b, struct arena *arena, struct set_index *ret_index,
	struct error *e) MUST_USE;
/* Only if there is one. */
enum err bundle_trust(const struct bundle *b, struct arena *arena, struct trust_list *ret_list,
	struct error *e) MUST_USE;
enum err bundle_delegation(const struct bundle *b, size_t which, struct arena *arena,
	struct delegation *ret_delegation, struct error *e) MUST_USE;
enum err bundle_assignment(const struct bundle *b, size_t which, struct arena *arena,
	struct assignment *ret_assignment, struct error *e) MUST_USE;
enum err bundle_manifest(const struct bundle *b, size_t which, struct manifest *ret_manifest,
	struct error *e) MUST_USE;

/* One row that carries a signed document. A document that is too long for an EPD makes the buffer
 * fail with E_LIMIT. */
void bundle_put_index(enum authority authority, struct view cms, struct buffer *out);
void bundle_put_trust(enum authority authority, struct view cms, struct buffer *out);
void bundle_put_delegation(uint32_t instance, struct view cms, struct buffer *out);
void bundle_put_assignment(uint32_t instance, struct view cms, struct buffer *out);
void bundle_put_policy_set(uint32_t block, struct view cms, struct buffer *out);

#endif
