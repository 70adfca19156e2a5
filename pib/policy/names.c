/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What crosses the borders of sets by name, groups and peers; and secrets, which only an enforcer
 * can read. */
#include "pib/policy/build.h"

#include <string.h>

static enum err read_group(struct build *b, const struct pri *pri, void *ret)
{
	struct policy_group *group = ret;

	group->instance = pri->instance;
	group->tag = pri_u32(pri, copsecGroupAddressGroupId);
	group->authority = (enum policy_authority)pri_i32(pri, copsecGroupAuthority);
	return build_text(b, pri, copsecGroupName, &group->name);
}

static enum err read_member(struct build *b, const struct pri *pri, void *ret)
{
	struct policy_member *member = ret;
	enum err err;

	member->instance = pri->instance;
	member->not_after = pri_u64(pri, copsecGroupMemberNotAfter);
	if (build_prefix(pri_i32(pri, copsecGroupMemberAddressType),
		    pri_octets(pri, copsecGroupMemberAddress),
		    pri_u32(pri, copsecGroupMemberPrefixLength), &member->family,
		    &member->addresses))
		return refuse(b, pri, copsecGroupMemberAddress, PIB_FAULT_VALUE,
			"type, octets and prefix length make no address");
	err = build_text(b, pri, copsecGroupMemberGroup, &member->group);
	return err ? err : build_text(b, pri, copsecGroupMemberNode, &member->node);
}

/* An address of type unknown is none. */
static enum err read_address(struct build *b, const struct pri *pri, struct policy_address *address)
{
	int32_t type = pri_i32(pri, copsecPeerKeyAddressType);
	struct view octets = pri_octets(pri, copsecPeerKeyAddress);
	struct flow_interval only;

	address->family = FLOW_ANY_FAMILY;
	if (type == copsecPeerKeyAddressType_unknown && octets.len == 0)
		return E_OK;
	if (build_prefix(type, octets, octets.len == 4 ? 32 : 128, &address->family, &only))
		return refuse(b, pri, copsecPeerKeyAddress, PIB_FAULT_VALUE,
			"type and octets make no address");
	memcpy(address->octets, octets.data, octets.len);
	return E_OK;
}

static enum err read_peer_key(struct build *b, const struct pri *pri, void *ret)
{
	struct policy_peer_key *key = ret;
	enum err err;

	key->instance = pri->instance;
	key->not_before = pri_u64(pri, copsecPeerKeyNotBefore);
	key->not_after = pri_u64(pri, copsecPeerKeyNotAfter);
	if (key->not_after && key->not_after < key->not_before)
		return refuse(b, pri, copsecPeerKeyNotAfter, PIB_FAULT_VALUE,
			"the key ends before it begins");
	key->identity.type = (uint8_t)pri_u32(pri, copsecPeerKeyIdentityType);
	err = build_octets(b, pri_octets(pri, copsecPeerKeyIdentityValue), &key->identity.value);
	if (!err)
		err = build_octets(b, pri_octets(pri, copsecPeerKeyKey), &key->key);
	if (!err)
		err = build_text(b, pri, copsecPeerKeyPeer, &key->peer);
	return err ? err : read_address(b, pri, &key->address);
}

/* What a secret may stand for. */
static const struct owner {
	enum pib_class_id class;
	enum policy_secret_use use;
} owners[] = {
	{PIB_ipSecIkeAssociation, POLICY_SECRET_PRESHARED_KEY},
	{PIB_ipSecEspTransform, POLICY_SECRET_INTEGRITY_KEY},
	{PIB_ipSecEspTransform, POLICY_SECRET_CIPHER_KEY},
	{PIB_ipSecAhTransform, POLICY_SECRET_INTEGRITY_KEY},
};

static enum err read_sealed(struct build *b, const struct pri *pri, void *ret)
{
	struct policy_sealed *sealed = ret;
	bool fits = false;
	enum err err;

	sealed->instance = pri->instance;
	sealed->use = (enum policy_secret_use)pri_i32(pri, copsecSecretUse);
	if (!pri_prid(pri, copsecSecretOwner, &sealed->owner))
		return refuse(b, pri, copsecSecretOwner, PIB_FAULT_REFERENCE,
			"the owner is of no class that is known");
	for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
		fits = fits ||
		       (owners[i].class == sealed->owner.class->id && owners[i].use == sealed->use);
	if (!fits)
		return refuse_own(b, pri, copsecSecretUse, "use", "%s has no such secret",
			sealed->owner.class->name);
	err = build_octets(b, pri_octets(pri, copsecSecretKey), &sealed->key);
	return err ? err : build_octets(b, pri_octets(pri, copsecSecretSealed), &sealed->sealed);
}

/* All rows of a class as a list, each refused by itself. */
static enum err read_all(struct build *b, enum pib_class_id class, size_t size,
	enum err (*read)(struct build *b, const struct pri *pri, void *ret), const void **ret,
	size_t *ret_count)
{
	struct tag_list rows = {NULL, 0};
	char *list;
	enum err err = build_collect(b, class, 0, 0, &rows);

	if (err)
		return err;
	list = arena_calloc(&b->policy->arena, rows.count + 1, size);
	if (!list)
		return build_no_memory(b);
	*ret = list;
	*ret_count = rows.count;
	for (size_t i = 0; i < rows.count; i++) {
		struct pri pri;

		if (!pri_store_get(b->store, class, rows.items[i].instance, &pri))
			continue;
		err = read(b, &pri, list + i * size);
		if (build_stops(err))
			return err;
	}
	return E_OK;
}

enum err policy_build_names(struct build *b)
{
	const void *lists[4] = {NULL};
	size_t counts[4] = {0};
	enum err err;

	err = read_all(
		b, PIB_copsecGroup, sizeof(struct policy_group), read_group, &lists[0], &counts[0]);
	if (!err)
		err = read_all(b, PIB_copsecGroupMember, sizeof(struct policy_member), read_member,
			&lists[1], &counts[1]);
	if (!err)
		err = read_all(b, PIB_copsecPeerKey, sizeof(struct policy_peer_key), read_peer_key,
			&lists[2], &counts[2]);
	if (!err)
		err = read_all(b, PIB_copsecSecret, sizeof(struct policy_sealed), read_sealed,
			&lists[3], &counts[3]);
	b->policy->groups = lists[0];
	b->policy->group_count = counts[0];
	b->policy->members = lists[1];
	b->policy->member_count = counts[1];
	b->policy->peer_keys = lists[2];
	b->policy->peer_key_count = counts[2];
	b->policy->sealed = lists[3];
	b->policy->sealed_count = counts[3];
	return err;
}
