/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed documents: CMS SignedData (RFC 5652), in DER, content (id-data) attached.
 *
 * Written and read here is one strict profile, so that no octet of a document can be changed
 * without notice and little code stands before a signature is checked: definite minimal lengths,
 * sets in order, no octet left over; signers by subject key identifier; signed attributes always
 * there, with content type and message digest; ECDSA with SHA-256, SHA-384 or SHA-512; neither
 * CRLs nor unsigned attributes. `openssl cms -verify` accepts what is written here, and documents
 * by `openssl cms -sign -binary -nodetach -keyid -nocerts` are accepted here.
 *
 * An unsigned document is the same with no SignerInfo. Signing adds one and leaves the others
 * octet for octet. Views that come back point into the document given. Output buffers are appended
 * to, and left as they were on failure.
 */
#ifndef COPSEC_COMMON_CRYPTO_CMS_H
#define COPSEC_COMMON_CRYPTO_CMS_H

#include "common/base/bytes.h"
#include "common/base/pin.h"
#include "common/crypto/key.h"
#include "common/crypto/trust.h"

enum {
	CMS_CONTENT_MAX = 16 * 1024 * 1024, /* octets of content */
	CMS_SIGNERS_MAX = 16,               /* SignerInfos in one document */
	CMS_KEY_ID_MAX = 64,                /* octets of a subject key identifier */
	CMS_ATTRIBUTES_MAX = 16,            /* signed attributes of one signer */
};

/* Deterministic: equal content, equal octets. */
enum err cms_wrap(struct view content, struct buffer *out, struct error *e) MUST_USE;

enum cms_sign_flags {
	CMS_SIGN_PLAIN = 0,
	CMS_SIGN_WITH_CERTIFICATE = 1, /* embed the signer's certificate, for cms_verify_pinned() */
};

/* `out` gets the document with one more signer; E_DUPLICATE if this key has signed already. */
enum err cms_add_signer(struct view document, const struct key *key, enum cms_sign_flags flags,
			struct buffer *out, struct error *e) MUST_USE;

/* What a document says of itself; nothing of it is verified. */
struct cms_info {
	struct view content;
	size_t signers;
	struct view key_ids[CMS_SIGNERS_MAX]; /* subject key identifiers */
	struct view certificate;              /* the embedded one, DER; empty if there is none */
};
enum err cms_inspect(struct view document, struct cms_info *ret_info, struct error *e) MUST_USE;
/* The content alone, not verified. */
enum err cms_content(struct view document, struct view *ret_content, struct error *e) MUST_USE;

struct cms_result {
	struct view content;
	size_t signers; /* distinct trusted keys that signed */
	struct pin pins[CMS_SIGNERS_MAX];
};
/*
 * k of n: at least as many distinct trusted keys as the threshold says have signed. Signers that
 * the list does not know are passed over; a signature in the name of a trusted key that does not
 * verify is E_SIGNATURE, too few are E_UNTRUSTED. A document with certificates is E_UNEXPECTED.
 */
enum err cms_verify(struct view document, const struct trust *trust, struct cms_result *ret_result,
		    struct error *e) MUST_USE;
/* One signer, whose self-signed certificate is embedded and whose key has this pin. */
enum err cms_verify_pinned(struct view document, const struct pin *pin, struct view *ret_content,
			   struct error *e) MUST_USE;

#endif
