/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/trust_list.h"

#include <string.h>

#include "pib/set/document.h"

static const struct member head_members[] = {
	{MEMBER_OCTETS, copsecTrustHeadTenant, offsetof(struct trust_list, tenant)},
	{MEMBER_ENUM, copsecTrustHeadAuthority, offsetof(struct trust_list, authority)},
	{MEMBER_U64, copsecTrustHeadSerial, offsetof(struct trust_list, serial)},
	{MEMBER_U64, copsecTrustHeadNotBefore, offsetof(struct trust_list, not_before)},
	{MEMBER_U64, copsecTrustHeadNotAfter, offsetof(struct trust_list, not_after)},
	{MEMBER_U32, copsecTrustHeadThreshold, offsetof(struct trust_list, threshold)},
	{MEMBER_U32, copsecTrustHeadTrustThreshold, offsetof(struct trust_list, trust_threshold)},
	{MEMBER_OCTETS, copsecTrustHeadPrevious, offsetof(struct trust_list, previous)},
};
static const struct record head = {.class = PIB_copsecTrustHead, MEMBERS(head_members)};

static const struct member key_members[] = {
	{MEMBER_DIGEST, copsecTrustKeyKey, offsetof(struct trust_key, key)},
	{MEMBER_OCTETS, copsecTrustKeyCertificate, offsetof(struct trust_key, certificate)},
	{MEMBER_ENUM, copsecTrustKeyKind, offsetof(struct trust_key, kind)},
	{MEMBER_BITS, copsecTrustKeyUses, offsetof(struct trust_key, uses)},
	{MEMBER_OCTETS, copsecTrustKeyName, offsetof(struct trust_key, name)},
};
static const struct record key_record = {
	.class = PIB_copsecTrustKey,
	.size = sizeof(struct trust_key),
	MEMBERS(key_members),
	.limit = TRUST_LIST_KEYS_MAX,
	.plural = "keys",
};

static const struct member revoked_members[] = {
	{MEMBER_DIGEST, copsecTrustRevokedKey, offsetof(struct revoked_key, key)},
	{MEMBER_U64, copsecTrustRevokedSince, offsetof(struct revoked_key, since)},
	{MEMBER_OCTETS, copsecTrustRevokedReason, offsetof(struct revoked_key, reason)},
};
static const struct record revoked_record = {
	.class = PIB_copsecTrustRevoked,
	.size = sizeof(struct revoked_key),
	MEMBERS(revoked_members),
	.limit = TRUST_LIST_REVOKED_MAX,
	.plural = "revoked keys",
};

static const struct document_list lists[] = {
	{&key_record, offsetof(struct trust_list, keys), offsetof(struct trust_list, key_count)},
	{&revoked_record, offsetof(struct trust_list, revoked),
		offsetof(struct trust_list, revoked_count)},
};

bool trust_list_revokes(const struct trust_list *l, struct view key)
{
	for (size_t i = 0; i < l->revoked_count; i++)
		if (view_equal(key, VIEW(l->revoked[i].key, NODE_KEY)))
			return true;
	return false;
}

static uint32_t threshold_for(const struct trust_list *l, enum trust_use use)
{
	return use == TRUST_TRUST && l->trust_threshold ? l->trust_threshold : l->threshold;
}

static size_t signers_for(
	const struct trust_list *l, enum trust_use use, struct view certificates[TRUST_LIST_KEYS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < l->key_count; i++)
		if (l->keys[i].uses >> use & 1)
			certificates[count++] = l->keys[i].certificate;
	return count;
}

enum err trust_list_signers(
	const struct trust_list *l, enum trust_use use, struct trust **ret_trust, struct error *e)
{
	struct view certificates[TRUST_LIST_KEYS_MAX];
	size_t count = signers_for(l, use, certificates);

	if (use == TRUST_DELEGATION && count < threshold_for(l, use)) {
		*ret_trust = NULL;
		return E_OK;
	}
	return trust_of(certificates, count, threshold_for(l, use), ret_trust, e);
}

static enum err check_key_of(const struct trust_list *l, size_t i, struct error *e)
{
	const struct trust_key *key = &l->keys[i];
	struct trust *alone;
	enum err err;

	if (key->kind != TRUST_SIGNER)
		return error_set(e, E_UNSUPPORTED, "certifies other keys, which is not supported");
	if (!key->certificate.len)
		return error_set(e, E_UNSUPPORTED, "has no certificate, which is not supported");
	if (trust_list_revokes(l, VIEW(key->key, NODE_KEY)))
		return error_set(e, E_CONFLICT, "is revoked by the same list");
	for (size_t k = 0; k < i; k++)
		if (!memcmp(key->key, l->keys[k].key, NODE_KEY))
			return error_set(e, E_DUPLICATE, "is key %zu too", k + 1);
	err = trust_of(&key->certificate, 1, 1, &alone, e);
	if (err)
		return err;
	if (memcmp(trust_pin(alone, 0)->sha256, key->key, NODE_KEY))
		err = error_set(e, E_MISMATCH, "is not the key of its certificate");
	trust_free(alone);
	return err;
}

static enum err check_signers(const struct trust_list *l, enum trust_use use, const char *what,
	struct error *e)
{
	struct view certificates[TRUST_LIST_KEYS_MAX];
	size_t count = signers_for(l, use, certificates);

	if (threshold_for(l, use) && count >= threshold_for(l, use))
		return E_OK;
	return error_set(e, E_RANGE, "%u keys must sign %s, and there are %zu that may",
		threshold_for(l, use), what, count);
}

static enum err check(const void *document, struct error *e)
{
	const struct trust_list *l = document;
	enum err err = check_name(l->tenant, "the tenant", e);

	if (!err)
		err = check_times(l->not_before, l->not_after, e);
	if (!err)
		err = check_key(l->previous, "the digest of the list before", e);
	if (!err && l->authority > AUTHORITY_VISITED)
		err = error_set(e, E_RANGE, "authority %s has a delegation, no trust list",
			authority_name(l->authority));
	if (!err && l->key_count > TRUST_LIST_KEYS_MAX)
		err = error_set(e, E_LIMIT, "%zu keys, more than %d", l->key_count,
			(int)TRUST_LIST_KEYS_MAX);
	for (size_t i = 0; i < l->key_count && !err; i++) {
		err = check_key_of(l, i, e);
		if (err)
			error_prefix(e, "key %zu", i + 1);
	}
	for (size_t i = 0; i < l->revoked_count && !err; i++)
		for (size_t k = 0; k < i && !err; k++)
			if (!memcmp(l->revoked[i].key, l->revoked[k].key, NODE_KEY))
				err = error_set(e, E_DUPLICATE, "revoked key %zu is %zu too", i + 1,
					k + 1);
	if (!err)
		err = check_signers(l, TRUST_POLICY, "policy", e);
	if (!err)
		err = check_signers(l, TRUST_ASSIGNMENT, "assignments", e);
	return err ? err : check_signers(l, TRUST_TRUST, "the next list", e);
}

static const struct document document = {
	.name = "trust list",
	.size = sizeof(struct trust_list),
	.head = &head,
	.lists = lists,
	.list_count = sizeof lists / sizeof lists[0],
	.check = check,
};

enum err trust_list_encode(const struct trust_list *l, struct buffer *out, struct error *e)
{
	return document_encode(&document, l, out, e);
}

enum err trust_list_decode(
	struct view content, struct arena *arena, struct trust_list *ret_list, struct error *e)
{
	return document_decode(&document, content, arena, ret_list, e);
}
