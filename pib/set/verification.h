/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One verification of a state, for the files of this folder only:
 *
 *	state.c      the stages in order, and what comes out
 *	assemble.c   which rows are what: envelopes, documents, places
 *	trusted.c    the trust list, and so whose signatures count
 *	authentic.c  signatures, and whose documents they are
 *	fresh.c      serials and validity
 *	content.c    roots, completeness, and the PRIs themselves
 */
#ifndef COPSEC_PIB_SET_VERIFICATION_H
#define COPSEC_PIB_SET_VERIFICATION_H

#include "pib/set/envelope.h"
#include "pib/set/state.h"

enum { SHOWN = 64 /* octets of a name in a sentence */ };

struct state_owner {
	struct state state; /* first: state_free() gets its address */
	struct arena arena;
	struct pri_store *envelopes;
	struct state_trust trust;
	struct state_assignment *assignments;
	struct state_set *sets;
	struct pri_store **rows; /* of each set */
};

/* One verification. */
struct verification {
	const struct pri_store *rows;
	const struct state_terms *terms;
	const struct state_node *node; /* NULL for a bundle */
	struct state_owner *owner;
	const struct trust *signers[TRUST_USES]; /* who may sign what */
	struct trust *owned[TRUST_USES];         /* of a trust list */
	struct pri_failures *failures;
	struct error *e;
	enum err err; /* of the first refusal */
};

#define NAME(view) (int)((view).len < SHOWN ? (view).len : SHOWN), (const char *)(view).data

void refuse_row(struct verification *v, const struct prid *prid, enum pib_fault_kind kind,
	unsigned attribute, enum err err, const char *format, ...) PRINTF_LIKE(6, 7);

/* What is wrong with a signed document: the INSTALL-ERRORS of the classes that carry one. */
enum document_error {
	DOCUMENT_SIGNATURE,     /* it is no signed document, or was changed since */
	DOCUMENT_SIGNERS,       /* not signed by those who must */
	DOCUMENT_TENANT,        /* of another tenant */
	DOCUMENT_NODE,          /* for another node */
	DOCUMENT_AUTHORITY,     /* of an authority that has no say here */
	DOCUMENT_SERIAL,        /* older than what was accepted, or a second one under a serial */
	DOCUMENT_NOT_YET_VALID,
	DOCUMENT_EXPIRED,
	DOCUMENT_CONTENT,       /* it does not say what a document of its kind must */
	DOCUMENT_BOUNDS,        /* beyond what was delegated */
	DOCUMENT_REVOKED,       /* names a key that is revoked */
	DOCUMENT_ROOT,          /* its instances are not those that were signed */
	DOCUMENT_INDEX,         /* not as the index says */
	DOCUMENT_BLOCK,         /* owns other InstanceIds than those of its place */
	DOCUMENT_ERRORS
};
/* As the modules spell it. */
const char *document_error_name(enum document_error what);

void refuse_document(struct verification *v, const struct pri_row *envelope,
	enum document_error what, enum err err, const char *format, ...) PRINTF_LIKE(5, 6);

/* For what is wrong with its content. */
#define refuse(v, envelope, err, ...)                                                              \
	refuse_document(v, envelope, DOCUMENT_CONTENT, err, __VA_ARGS__)

enum err no_memory(struct verification *v);

/* The stages. Each goes on after a refusal; the next one is not begun. */
void assemble(struct verification *v);
void verify_trust(struct verification *v);
void verify_signatures(struct verification *v);
void verify_whose(struct verification *v);
void verify_serials(struct verification *v);
void verify_validity(struct verification *v);
void verify_roots(struct verification *v);
void verify_completeness(struct verification *v);
void check_sets(struct verification *v);

#endif
