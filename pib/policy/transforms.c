/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transforms and proposals.
 *
 * The base classes number algorithms as IKE version 1 and its DOI do; the rows that extend them do
 * so as version 2 does, and take their place. What has no such row is translated, for the kernel
 * does not care who negotiated.
 */
#include "pib/policy/build.h"

#include <stdlib.h>

#include "pib/policy/algorithms.h"

enum {
	LIFETIME_DEFAULT = 8 * 3600, /* s, where the PIB says 0 */
	REPLAY_WINDOW_DEFAULT = 64,
	IPCOMP_LAST = 4,    /* of IpsecDoiIpcompTransform */
	PROPOSALS_MAX = 64, /* transforms of one kind in one proposal */
};

/* ---- ESP ---- */

bool build_is_group(uint32_t number)
{
	return algorithm_of(ALGORITHM_GROUP, number, 0) != NULL;
}

static enum err check_esp(struct build *b, const struct pri *pri, unsigned encryption_attribute,
	unsigned integrity_attribute, const struct algorithm *encryption,
	const struct algorithm *integrity, struct policy_esp *esp)
{
	if (!encryption)
		return refuse(b, pri, encryption_attribute, PIB_FAULT_VALUE_UNSUPPORTED,
			"the cipher and its key length are not known");
	if (!encryption->combined && !integrity)
		return refuse(b, pri, integrity_attribute, PIB_FAULT_VALUE_UNSUPPORTED,
			"%s without an integrity algorithm that is known", encryption->name);
	if (encryption->combined && integrity)
		return refuse(b, pri, integrity_attribute, PIB_FAULT_VALUE,
			"%s has its own integrity, %s is too much", encryption->name,
			integrity->name);
	esp->encryption = encryption->number;
	esp->key_length = encryption->key_length;
	esp->integrity = integrity ? integrity->number : 0;
	return E_OK;
}

/* In IKEv1's numbers; the key length counts for ciphers that have several. */
static enum err read_esp_base(struct build *b, const struct pri *pri, struct policy_esp *esp)
{
	uint32_t cipher = pri_u32(pri, ipSecEspTransformCipherTransformId);
	uint32_t hash = pri_u32(pri, ipSecEspTransformIntegrityTransformId);
	const struct algorithm *encryption = algorithm_of_doi(
		ALGORITHM_ENCRYPTION, cipher, pri_u32(pri, ipSecEspTransformCipherKeyLength));
	const struct algorithm *integrity = algorithm_of_doi(ALGORITHM_INTEGRITY, hash, 0);

	if (!encryption)
		encryption = algorithm_of_doi(ALGORITHM_ENCRYPTION, cipher, 0);
	if (hash && !integrity)
		return refuse(b, pri, ipSecEspTransformIntegrityTransformId,
			PIB_FAULT_VALUE_UNSUPPORTED, "integrity algorithm %u is not known",
			(unsigned)hash);
	return check_esp(b, pri, ipSecEspTransformCipherTransformId,
		ipSecEspTransformIntegrityTransformId, encryption, integrity, esp);
}

static enum err read_esp_extension(struct build *b, const struct pri *pri, struct policy_esp *esp)
{
	uint32_t hash = pri_u32(pri, copsecEspTransformIntegrity);
	uint32_t group = pri_u32(pri, copsecEspTransformGroup);
	const struct algorithm *integrity = algorithm_of(ALGORITHM_INTEGRITY, hash, 0);

	if (hash && !integrity)
		return refuse(b, pri, copsecEspTransformIntegrity, PIB_FAULT_VALUE_UNSUPPORTED,
			"integrity algorithm %u is not known", (unsigned)hash);
	if (group && !build_is_group(group))
		return refuse(b, pri, copsecEspTransformGroup, PIB_FAULT_VALUE_UNSUPPORTED,
			"group %u is not known", (unsigned)group);
	esp->group = (uint16_t)group;
	esp->additional_group = (uint16_t)pri_u32(pri, copsecEspTransformAdditionalGroup);
	esp->esn = pri_bool(pri, copsecEspTransformEsn);
	return check_esp(b, pri, copsecEspTransformEncryption, copsecEspTransformIntegrity,
		algorithm_of(ALGORITHM_ENCRYPTION, pri_u32(pri, copsecEspTransformEncryption),
			pri_u32(pri, copsecEspTransformKeyLength)),
		integrity, esp);
}

/* ---- What all transforms have ---- */

static uint32_t lifetime_of(const struct pri *pri, unsigned attribute)
{
	uint32_t seconds = pri_u32(pri, attribute);

	return seconds ? seconds : LIFETIME_DEFAULT;
}

static uint32_t window_of(const struct pri *pri, unsigned use_attribute, unsigned size_attribute)
{
	uint32_t size = pri_u32(pri, size_attribute);

	if (pri_has(pri, use_attribute) && !pri_bool(pri, use_attribute))
		return 0;
	return size ? size : REPLAY_WINDOW_DEFAULT;
}

/* The group of the association counts where the transform has none. */
static enum err add_group(struct build *b, const struct secrecy *secrecy, uint16_t *group)
{
	if (*group || !secrecy->wanted)
		return E_OK;
	if (!build_is_group(secrecy->group))
		return refuse(b, secrecy->association, ipSecAssociationDhGroup,
			PIB_FAULT_VALUE_UNSUPPORTED, "group %u is not known",
			(unsigned)secrecy->group);
	*group = (uint16_t)secrecy->group;
	return E_OK;
}

enum err build_esp(struct build *b, const struct pri *pri, const struct secrecy *secrecy, void *ret)
{
	struct policy_esp esp = {
		.instance = pri->instance,
		.lifetime_seconds = lifetime_of(pri, ipSecEspTransformMaxLifetimeSeconds),
		.lifetime_kilobytes = pri_u64(pri, ipSecEspTransformMaxLifetimeKilobytes),
		.replay_window = window_of(pri, ipSecEspTransformUseReplayPrevention,
			ipSecEspTransformReplayPreventionWindowSize),
	};
	struct pri extension;
	enum err err;

	esp.extended = build_extension(b, pri, PIB_copsecEspTransform, &extension);
	if (esp.extended)
		err = read_esp_extension(b, &extension, &esp);
	else
		err = read_esp_base(b, pri, &esp);
	if (!err)
		err = add_group(b, secrecy, &esp.group);
	if (!err && secrecy->keys)
		err = build_secret(b, pri_octets(pri, ipSecEspTransformCipherKey), &esp.cipher_key);
	if (!err && secrecy->keys)
		err = build_secret(
			b, pri_octets(pri, ipSecEspTransformIntegrityKey), &esp.integrity_key);
	if (!err)
		*(struct policy_esp *)ret = esp;
	return err;
}

/* ---- AH ---- */

static enum err read_ah_integrity(
	struct build *b, const struct pri *pri, const struct pri *extension, struct policy_ah *ah)
{
	uint32_t number = pri_u32(pri, ipSecAhTransformTransformId);
	const struct algorithm *integrity = algorithm_of_doi(ALGORITHM_INTEGRITY, number, 0);
	unsigned attribute = ipSecAhTransformTransformId;

	if (extension) {
		pri = extension;
		attribute = copsecAhTransformIntegrity;
		number = pri_u32(extension, attribute);
		integrity = algorithm_of(ALGORITHM_INTEGRITY, number, 0);
	}
	if (!integrity)
		return refuse(b, pri, attribute, PIB_FAULT_VALUE_UNSUPPORTED,
			"integrity algorithm %u is not known", (unsigned)number);
	ah->integrity = integrity->number;
	return E_OK;
}

enum err build_ah(struct build *b, const struct pri *pri, const struct secrecy *secrecy, void *ret)
{
	struct policy_ah ah = {
		.instance = pri->instance,
		.lifetime_seconds = lifetime_of(pri, ipSecAhTransformMaxLifetimeSeconds),
		.lifetime_kilobytes = pri_u64(pri, ipSecAhTransformMaxLifetimeKilobytes),
		.replay_window = window_of(pri, ipSecAhTransformUseReplayPrevention,
			ipSecAhTransformReplayPreventionWindowSize),
	};
	struct pri extension;
	bool extended = build_extension(b, pri, PIB_copsecAhTransform, &extension);
	enum err err = read_ah_integrity(b, pri, extended ? &extension : NULL, &ah);

	if (!err && extended) {
		ah.group = (uint16_t)pri_u32(&extension, copsecAhTransformGroup);
		ah.additional_group =
			(uint16_t)pri_u32(&extension, copsecAhTransformAdditionalGroup);
		ah.esn = pri_bool(&extension, copsecAhTransformEsn);
		if (ah.group && !build_is_group(ah.group))
			err = refuse(b, &extension, copsecAhTransformGroup,
				PIB_FAULT_VALUE_UNSUPPORTED, "group %u is not known",
				(unsigned)ah.group);
	}
	if (!err)
		err = add_group(b, secrecy, &ah.group);
	if (!err && secrecy->keys)
		err = build_secret(
			b, pri_octets(pri, ipSecAhTransformIntegrityKey), &ah.integrity_key);
	if (!err)
		*(struct policy_ah *)ret = ah;
	return err;
}

/* ---- IPComp ---- */

enum err build_ipcomp(
	struct build *b, const struct pri *pri, const struct secrecy *secrecy, void *ret)
{
	uint32_t algorithm = pri_u32(pri, ipSecCompTransformAlgorithm);

	(void)secrecy;
	if (algorithm == 0 || algorithm > IPCOMP_LAST)
		return refuse(b, pri, ipSecCompTransformAlgorithm, PIB_FAULT_VALUE_UNSUPPORTED,
			"compression algorithm %u is not known", (unsigned)algorithm);
	*(struct policy_ipcomp *)ret = (struct policy_ipcomp){
		.instance = pri->instance,
		.algorithm = (uint8_t)algorithm,
		.dictionary_log = (uint16_t)pri_u32(pri, ipSecCompTransformDictionarySize),
		.lifetime_seconds = lifetime_of(pri, ipSecCompTransformMaxLifetimeSeconds),
		.lifetime_kilobytes = pri_u64(pri, ipSecCompTransformMaxLifetimeKilobytes),
	};
	return E_OK;
}

/* ---- Proposals ---- */

/* The three kinds of transforms, as a proposal refers to them. */
static const struct kind {
	uint8_t set_attribute; /* of ipSecProposal */
	size_t tags;           /* of the sets, in struct build */
	enum pib_class_id set_class;
	uint8_t member_attribute;
	enum pib_class_id class;
	size_t size;
	enum err (*read)(
		struct build *b, const struct pri *pri, const struct secrecy *secrecy, void *ret);
} kinds[] = {
	{ipSecProposalEspTransformSetId, offsetof(struct build, esp_sets), PIB_ipSecEspTransformSet,
		ipSecEspTransformSetTransformId, PIB_ipSecEspTransform, sizeof(struct policy_esp),
		build_esp},
	{ipSecProposalAhTransformSetId, offsetof(struct build, ah_sets), PIB_ipSecAhTransformSet,
		ipSecAhTransformSetTransformId, PIB_ipSecAhTransform, sizeof(struct policy_ah),
		build_ah},
	{ipSecProposalCompTransformSetId, offsetof(struct build, ipcomp_sets),
		PIB_ipSecCompTransformSet, ipSecCompTransformSetTransformId, PIB_ipSecCompTransform,
		sizeof(struct policy_ipcomp), build_ipcomp},
};

/* The transforms of one kind; none if the proposal refers to no set. */
static enum err read_kind(struct build *b, const struct pri *proposal, const struct kind *kind,
	const struct secrecy *secrecy, const void **ret, size_t *ret_count)
{
	uint32_t tag = pri_u32(proposal, kind->set_attribute);
	struct tag_list list = build_tag_list(
		(const struct tag_list *)(const void *)((const char *)b + kind->tags), tag);
	char *transforms;
	enum err err = E_OK;

	if (!tag)
		return E_OK;
	if (list.count == 0)
		return refuse(b, proposal, kind->set_attribute, PIB_FAULT_REFERENCE,
			"the proposal has an empty set of transforms");
	if (list.count > PROPOSALS_MAX)
		return refuse(b, proposal, kind->set_attribute, PIB_FAULT_SPACE,
			"more than %d transforms", PROPOSALS_MAX);
	transforms = arena_calloc(&b->policy->arena, list.count, kind->size);
	if (!transforms)
		return build_no_memory(b);
	for (size_t i = 0; i < list.count && !err; i++) {
		struct pri entry, transform;

		err = build_follow(b, proposal, kind->set_attribute, kind->set_class,
			list.items[i].instance, &entry);
		if (!err)
			err = build_follow(b, &entry, kind->member_attribute, kind->class,
				pri_u32(&entry, kind->member_attribute), &transform);
		if (!err)
			err = kind->read(b, &transform, secrecy, transforms + i * kind->size);
	}
	*ret = transforms;
	*ret_count = list.count;
	return err;
}

enum err build_proposal(struct build *b, const struct pri *pri, const struct secrecy *secrecy,
	struct policy_proposal *ret)
{
	const void *lists[3] = {NULL};
	size_t counts[3] = {0};
	enum err err = E_OK;

	for (size_t i = 0; i < 3 && !err; i++)
		err = read_kind(b, pri, &kinds[i], secrecy, &lists[i], &counts[i]);
	if (err)
		return err;
	if (!counts[0] && !counts[1])
		return refuse(b, pri, ipSecProposalEspTransformSetId, PIB_FAULT_REFERENCE,
			"the proposal has neither an ESP nor an AH transform");
	*ret = (struct policy_proposal){
		pri->instance, lists[0], counts[0], lists[1], counts[1], lists[2], counts[2]};
	return counts[0] ? E_OK : build_need(b, pri, ipSecProposalEspTransformSetId);
}
