/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One verification of a state, for the files of this folder only:
 *
 *	state.c      the stages in order, and what comes out
 *	assemble.c   which rows are what: envelopes, documents, places
 *	trusted.c    trust lists, and so whose signatures count
 *	authentic.c  signatures, and whose documents they are
 *	guests.c     the same of other authorities than home, by home's leave
 *	fresh.c      serials and validity
 *	evidence.c   the alerts that a responder answers
 *	content.c    roots, completeness, and the PRIs themselves
 */
#ifndef COPSEC_PIB_SET_VERIFICATION_H
#define COPSEC_PIB_SET_VERIFICATION_H

#include "pib/set/envelope.h"
#include "pib/set/state.h"

enum { SHOWN = 64 /* octets of a name in a sentence */ };

enum { AUTHORITIES = AUTHORITY_LOCAL };

struct state_owner {
	struct state state; /* first: state_free() gets its address */
	struct arena arena;
	struct pri_store *envelopes;
	struct state_trust trust[AUTHORITIES]; /* by authority - 1 */
	struct state_voice others[AUTHORITIES];
	struct state_delegation *delegations;
	struct state_assignment *assignments;
	struct state_set *sets;
	struct pri_store **rows; /* of each set */
};

/* An authority while it is verified. */
struct speaker {
	struct state_voice *voice; /* NULL: it does not speak here */
	struct state_trust *trust; /* its list; there is one if voice->trust is set */
	const struct trust *signers[TRUST_USES]; /* who may sign what */
	struct trust *owned[TRUST_USES];         /* of a trust list or delegation */
};

/* One verification. */
struct verification {
	const struct pri_store *rows;
	const struct state_terms *terms;
	const struct state_node *node; /* NULL for a bundle */
	struct state_owner *owner;
	struct speaker speakers[AUTHORITIES]; /* by authority - 1 */
	struct state_leave leave;             /* at a node, once its assignment is verified */
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

static inline struct speaker *speaker_of(struct verification *v, enum authority a)
{
	return &v->speakers[a - 1];
}

/* trusted.c: what of a list each authority has in common */
void list_is_wrong(struct verification *v, struct speaker *s, const struct error *e);
void list_is_wrongly_signed(struct verification *v, struct speaker *s, const struct error *e);
/* Of what is in force; empty: none. */
struct view list_in_force(const struct verification *v, enum authority a);
/* Decodes the content that is known to be good. */
void take_list(struct verification *v, struct speaker *s);
/* Signed by these, it is the next one after that in force (empty: the first one). */
void take_next_list(struct verification *v, struct speaker *s, const struct trust *setup);
void take_signers(struct verification *v, struct speaker *s);

/* guests.c: the same serial of the set was in force, or comes from the disk */
bool was_in_force(const struct verification *v, const struct manifest *m);

/* authentic.c */
bool verify_document(struct verification *v, const struct pri_row *envelope, struct view cms,
	const struct trust *signers, struct view *ret_content);
void decoding_failed(
	struct verification *v, const struct pri_row *envelope, const struct error *e);
/* Index and manifests, by the speaker's keys. */
void verify_policy_of(struct verification *v, const struct speaker *s);
/* Manifests stand in their places, and in the speaker's name. */
void verify_sets_of(struct verification *v, const struct speaker *s);

/* The stages. Each goes on after a refusal; the next one is not begun. */
void assemble(struct verification *v);
void verify_trust(struct verification *v);
void verify_signatures(struct verification *v);
void verify_whose(struct verification *v);
void verify_guests(struct verification *v);
void verify_serials(struct verification *v);
void verify_validity(struct verification *v);
void verify_roots(struct verification *v);
void verify_completeness(struct verification *v);
void check_sets(struct verification *v);
void verify_evidence(struct verification *v);

#endif
