/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/document.h"

static const struct member members[] = {
	{MEMBER_OCTETS, copsecManifestTenant, offsetof(struct manifest, tenant)},
	{MEMBER_OCTETS, copsecManifestName, offsetof(struct manifest, name)},
	{MEMBER_ENUM, copsecManifestAuthority, offsetof(struct manifest, authority)},
	{MEMBER_OCTETS, copsecManifestRoles, offsetof(struct manifest, roles)},
	{MEMBER_OCTETS, copsecManifestNode, offsetof(struct manifest, node)},
	{MEMBER_U64, copsecManifestSerial, offsetof(struct manifest, serial)},
	{MEMBER_U64, copsecManifestNotBefore, offsetof(struct manifest, not_before)},
	{MEMBER_U64, copsecManifestNotAfter, offsetof(struct manifest, not_after)},
	{MEMBER_ENUM, copsecManifestStaleRule, offsetof(struct manifest, stale_rule)},
	{MEMBER_U32, copsecManifestBlockFirst, offsetof(struct manifest, block)},
	{MEMBER_DIGEST, copsecManifestRoot, offsetof(struct manifest, root)},
	{MEMBER_BOOL, copsecManifestNoConfirm, offsetof(struct manifest, no_confirm)},
};
static const struct record record = {.class = PIB_copsecManifest, MEMBERS(members)};

static enum err check_manifest(const struct manifest *m, struct error *e)
{
	enum err err = check_name(m->tenant, "the tenant", e);

	if (!err)
		err = check_name(m->name, "the name", e);
	if (!err)
		err = check_roles(m->authority, m->roles, "the role combination", e);
	if (!err)
		err = check_key(m->node, "the node's key digest", e);
	if (!err)
		err = check_times(m->not_before, m->not_after, e);
	if (err)
		return err;
	if (!m->node.len && !view_equal(m->name, m->roles))
		return error_set(e, E_MISMATCH, "the name %.*s is not the role combination",
			shown(m->name), (const char *)m->name.data);
	if (m->node.len && (!m->roles.len || roles_valid(m->authority, m->name)))
		return error_set(e, E_SYNTAX,
			"the set %.*s of one node needs roles, and a name that is none",
			shown(m->name), (const char *)m->name.data);
	if (m->stale_rule == STALE_END && m->authority == AUTHORITY_HOME)
		return error_set(e, E_RANGE, "a set of home does not end, but has the stale rule end");
	if (block_with(m->block) != m->block || block_authority(m->block) != m->authority)
		return error_set(e, E_RANGE, "block %#x is no block of authority %s", m->block,
			authority_name(m->authority));
	return E_OK;
}

static enum err write(const struct manifest *m, struct buffer *out, struct error *e)
{
	enum err err = check_manifest(m, e);
	struct pri pri;

	if (err)
		return err;
	pri_init(&pri, record.class, block_policy_set_instance(m->block));
	record_set(&record, m, &pri);
	return epd_encode(out, &pri, e);
}

/* There is no PRID beside the values, so the instance stands in the first of them only. */
static enum err read_instance(struct view content, struct prid *ret_prid, struct error *e)
{
	struct cursor c = cursor_over(content);
	uint8_t tag = cursor_u8(&c);
	size_t len = cursor_u8(&c);
	struct view number = cursor_take(&c, len);
	uint64_t instance = 0;

	for (size_t i = 0; i < number.len && i < sizeof instance; i++)
		instance = instance << 8 | number.data[i];
	if (c.error || tag != pib_attribute(ret_prid->class, copsecManifestPrid)->tag ||
		number.len > 5 || !instance || instance > UINT32_MAX)
		return error_set(e, E_SYNTAX, "does not start with an InstanceId");
	ret_prid->instance = (uint32_t)instance;
	return E_OK;
}

static enum err read(struct view content, struct manifest *m, struct error *e)
{
	struct prid prid = {.class = pib_class(record.class)};
	struct pib_fault fault;
	struct pri pri;
	enum err err = check_size(content, e);

	if (!err)
		err = read_instance(content, &prid, e);
	if (!err)
		err = epd_decode(&prid, content, &pri, &fault, e);
	if (!err)
		record_get(&record, &pri, m);
	return err;
}

enum err manifest_encode(const struct manifest *m, struct buffer *out, struct error *e)
{
	struct buffer part;

	buffer_init(&part, DOCUMENT_MAX);
	return encoded(write(m, &part, e), &part, "manifest", out, e);
}

enum err manifest_decode(struct view content, struct manifest *ret_manifest, struct error *e)
{
	struct buffer again;
	struct manifest m;
	enum err err;

	buffer_init(&again, DOCUMENT_MAX);
	err = read(content, &m, e);
	if (!err)
		err = write(&m, &again, e);
	err = decoded(err, &again, "manifest", content, e);
	if (!err)
		*ret_manifest = m;
	return err;
}
