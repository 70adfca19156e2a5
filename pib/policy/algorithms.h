/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Algorithms by the names that people use, with their numbers in IANA's IKEv2 registry and, where
 * there are any, in those of IKEv1 and its IPsec DOI, which the base classes of the PIB are
 * written in. Names are put together as strongSwan's proposals do: cipher, key length in bits, and
 * for the ciphers that authenticate by themselves the octets of the tag: aes256gcm16.
 */
#ifndef COPSEC_PIB_POLICY_ALGORITHMS_H
#define COPSEC_PIB_POLICY_ALGORITHMS_H

#include "common/base/bytes.h"

enum algorithm_kind {
	ALGORITHM_ENCRYPTION,
	ALGORITHM_INTEGRITY, /* and the PRF of the same hash */
	ALGORITHM_GROUP,
};

struct algorithm {
	const char *name;
	enum algorithm_kind kind;
	uint16_t number;     /* IKEv2: transform type 1, 3 or 4 */
	uint16_t key_length; /* bits; 0 where the transform has but one length */
	bool combined;       /* cipher with its own integrity (RFC 5282) */
	bool old;            /* not to be used any more: RFC 8221, RFC 8247 */
	uint16_t prf;        /* IKEv2 transform type 2, of a hash */
	uint16_t doi;        /* IpsecDoiEspTransform, IpsecDoiAuthAlgorithm; 0 = none */
	uint16_t ikev1;      /* IkeEncryptionAlgorithm, IkeHashAlgorithm, IkeGroupDescription */
};

/* All of them in turn; NULL after the last. */
const struct algorithm *algorithm_at(size_t index);
/* NULL if there is none of this kind and name. */
const struct algorithm *algorithm_find(enum algorithm_kind kind, struct view name);
/* By its numbers in IKEv2; a key length counts for ciphers only. NULL if there is none. */
const struct algorithm *algorithm_of(
	enum algorithm_kind kind, uint32_t number, uint32_t key_length);
/* The hash whose PRF has this number; NULL if there is none. */
const struct algorithm *algorithm_of_prf(uint32_t prf);
/* By its number in the IPsec DOI. */
const struct algorithm *algorithm_of_doi(
	enum algorithm_kind kind, uint32_t doi, uint32_t key_length);
/* By its number in IKE version 1. */
const struct algorithm *algorithm_of_ikev1(
	enum algorithm_kind kind, uint32_t number, uint32_t key_length);
/* The names of a kind, those that are old left out: "a, b, c". */
void algorithm_names(enum algorithm_kind kind, struct buffer *out);

#endif
