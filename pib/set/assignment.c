/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/document.h"

static const struct member head_members[] = {
	{MEMBER_OCTETS, copsecAssignmentHeadTenant, offsetof(struct assignment, tenant)},
	{MEMBER_OCTETS, copsecAssignmentHeadNode, offsetof(struct assignment, node)},
	{MEMBER_DIGEST, copsecAssignmentHeadNodeKey, offsetof(struct assignment, node_key)},
	{MEMBER_OCTETS, copsecAssignmentHeadReportKey, offsetof(struct assignment, report_key)},
	{MEMBER_OCTETS, copsecAssignmentHeadRoles, offsetof(struct assignment, roles)},
	{MEMBER_U64, copsecAssignmentHeadSerial, offsetof(struct assignment, serial)},
	{MEMBER_U64, copsecAssignmentHeadLeastIndexSerial,
		offsetof(struct assignment, least_index_serial)},
	{MEMBER_OCTETS, copsecAssignmentHeadIkeKey, offsetof(struct assignment, ike_key)},
	{MEMBER_OCTETS, copsecAssignmentHeadSealKey, offsetof(struct assignment, seal_key)},
};
static const struct record head = {.class = PIB_copsecAssignmentHead, MEMBERS(head_members)};

static const struct member interface_members[] = {
	{MEMBER_OCTETS, copsecAssignmentInterfaceInterface,
		offsetof(struct assigned_interface, name)},
	{MEMBER_OCTETS, copsecAssignmentInterfaceRoles, offsetof(struct assigned_interface, roles)},
};
static const struct record interface_record = {
	.class = PIB_copsecAssignmentInterface,
	.size = sizeof(struct assigned_interface),
	MEMBERS(interface_members),
	.limit = ASSIGNMENT_INTERFACES_MAX,
	.plural = "interfaces",
};

static const struct member authority_members[] = {
	{MEMBER_ENUM, copsecAssignmentAuthorityAuthority,
		offsetof(struct assigned_authority, authority)},
	{MEMBER_OCTETS, copsecAssignmentAuthorityName, offsetof(struct assigned_authority, name)},
	{MEMBER_OCTETS, copsecAssignmentAuthorityTrust, offsetof(struct assigned_authority, trust)},
};
static const struct record authority_record = {
	.class = PIB_copsecAssignmentAuthority,
	.size = sizeof(struct assigned_authority),
	MEMBERS(authority_members),
	.limit = ASSIGNMENT_AUTHORITIES_MAX,
	.plural = "authorities",
};

static const struct member ward_members[] = {
	{MEMBER_OCTETS, copsecAssignmentWardNode, offsetof(struct assigned_ward, node)},
	{MEMBER_OCTETS, copsecAssignmentWardRoles, offsetof(struct assigned_ward, roles)},
	{MEMBER_ENUM, copsecAssignmentWardAddressType, offsetof(struct assigned_ward, address_type)},
	{MEMBER_OCTETS, copsecAssignmentWardAddress, offsetof(struct assigned_ward, address)},
	{MEMBER_U32, copsecAssignmentWardPrefixLength, offsetof(struct assigned_ward, prefix_length)},
};
static const struct record ward_record = {
	.class = PIB_copsecAssignmentWard,
	.size = sizeof(struct assigned_ward),
	MEMBERS(ward_members),
	.limit = ASSIGNMENT_WARDS_MAX,
	.plural = "wards",
};

static const struct document_list lists[] = {
	{&interface_record, offsetof(struct assignment, interfaces),
		offsetof(struct assignment, interface_count)},
	{&authority_record, offsetof(struct assignment, authorities),
		offsetof(struct assignment, authority_count)},
	{&ward_record, offsetof(struct assignment, wards), offsetof(struct assignment, ward_count)},
};

static const struct assigned_interface *find_interface(
	const struct assigned_interface *interfaces, size_t count, struct view name)
{
	for (size_t i = 0; i < count; i++)
		if (view_equal(interfaces[i].name, name))
			return &interfaces[i];
	return NULL;
}

static enum err check_interfaces(const struct assignment *a, struct error *e)
{
	for (size_t i = 0; i < a->interface_count; i++) {
		const struct assigned_interface *interface = &a->interfaces[i];
		enum err err = check_name(interface->name, "the name of an interface", e);

		if (!err)
			err = check_roles(
				AUTHORITY_HOME, interface->roles, "the roles of an interface", e);
		if (!err && find_interface(a->interfaces, i, interface->name))
			err = error_set(e, E_DUPLICATE, "interface %.*s is there twice",
				shown(interface->name), (const char *)interface->name.data);
		if (err)
			return err;
	}
	return E_OK;
}

static bool same_authority(const struct assigned_authority *a, const struct assigned_authority *b)
{
	return a->authority == b->authority && view_equal(a->name, b->name);
}

/* Home needs no leave, and nobody gives it to the person at the node but the node. */
static enum err check_authorities(const struct assignment *a, struct error *e)
{
	for (size_t i = 0; i < a->authority_count; i++) {
		const struct assigned_authority *authority = &a->authorities[i];
		bool lends = authority->authority == AUTHORITY_RESPONDER ||
			     authority->authority == AUTHORITY_DIRECTORY;
		enum err err = check_name(authority->name, "the name of an authority", e);

		if (!err)
			err = check_key(authority->trust, "the digest of an authority's trust", e);
		if (!err && (authority->authority == AUTHORITY_HOME ||
				    authority->authority == AUTHORITY_LOCAL))
			err = error_set(e, E_RANGE, "authority %s is not home's to admit",
				authority_name(authority->authority));
		if (!err && lends && authority->trust.len)
			err = error_set(e, E_RANGE, "authority %s has a delegation, no trust list",
				authority_name(authority->authority));
		for (size_t k = 0; k < i && !err; k++)
			if (same_authority(authority, &a->authorities[k]))
				err = error_set(e, E_DUPLICATE, "authority %s %.*s is there twice",
					authority_name(authority->authority),
					shown(authority->name),
					(const char *)authority->name.data);
		if (err)
			return err;
	}
	return E_OK;
}

static bool same_ward(const struct assigned_ward *a, const struct assigned_ward *b)
{
	return view_equal(a->node, b->node) && a->address_type == b->address_type &&
	       view_equal(a->address, b->address) && a->prefix_length == b->prefix_length;
}

static enum err check_wards(const struct assignment *a, struct error *e)
{
	for (size_t i = 0; i < a->ward_count; i++) {
		const struct assigned_ward *ward = &a->wards[i];
		const size_t octets = ward->address_type == 1 ? 4 : ward->address_type == 2 ? 16 : 0;
		enum err err = check_name(ward->node, "the name of a ward", e);

		if (!err)
			err = check_roles(AUTHORITY_HOME, ward->roles, "the roles of a ward", e);
		if (!err && (!octets || ward->address.len != octets ||
				    ward->prefix_length > 8 * octets))
			err = error_set(e, E_SYNTAX, "ward %zu has no prefix of IPv4 or IPv6", i + 1);
		for (size_t k = 0; k < i && !err; k++)
			if (same_ward(ward, &a->wards[k]))
				err = error_set(e, E_DUPLICATE, "ward %zu is %zu too", i + 1, k + 1);
		if (err)
			return err;
	}
	return E_OK;
}

static enum err check(const void *document, struct error *e)
{
	const struct assignment *a = document;
	enum err err = check_name(a->tenant, "the tenant", e);

	if (!err)
		err = check_name(a->node, "the node", e);
	if (!err)
		err = check_key(a->report_key, "the report key's digest", e);
	if (!err)
		err = check_key(a->ike_key, "the IKE key's digest", e);
	if (!err)
		err = check_key(a->seal_key, "the digest of the key for secrets", e);
	if (!err)
		err = check_roles(AUTHORITY_HOME, a->roles, "the roles of the node", e);
	if (!err)
		err = check_interfaces(a, e);
	if (!err)
		err = check_authorities(a, e);
	return err ? err : check_wards(a, e);
}

static const struct document document = {
	.name = "assignment",
	.size = sizeof(struct assignment),
	.head = &head,
	.lists = lists,
	.list_count = sizeof lists / sizeof lists[0],
	.check = check,
};

enum err assignment_encode(const struct assignment *a, struct buffer *out, struct error *e)
{
	return document_encode(&document, a, out, e);
}

enum err assignment_decode(struct view content, struct arena *arena,
	struct assignment *ret_assignment, struct error *e)
{
	return document_decode(&document, content, arena, ret_assignment, e);
}

struct view assignment_roles(const struct assignment *a, struct view interface)
{
	const struct assigned_interface *found =
		find_interface(a->interfaces, a->interface_count, interface);

	if (!found)
		found = find_interface(a->interfaces, a->interface_count, VIEW("*", 1));
	return found ? found->roles : VIEW_NONE;
}

bool assignment_has_roles(const struct assignment *a, struct view roles)
{
	if (!roles.len)
		return false;
	for (size_t i = 0; i < a->interface_count; i++)
		if (view_equal(a->interfaces[i].roles, roles))
			return true;
	return view_equal(a->roles, roles);
}

static bool is_of_node(const struct assignment *a, struct view node)
{
	return view_equal(node, VIEW(a->node_key, sizeof a->node_key));
}

const struct set_entry *assignment_set(
	const struct assignment *a, const struct set_index *i, struct view roles)
{
	const struct set_entry *common = NULL;

	for (size_t k = 0; k < i->entry_count; k++) {
		const struct set_entry *entry = &i->entries[k];

		if (!view_equal(set_entry_roles(entry), roles))
			continue;
		if (is_of_node(a, entry->node))
			return entry;
		if (!entry->node.len)
			common = entry;
	}
	return common;
}

bool assignment_demands(
	const struct assignment *a, const struct set_index *i, const struct manifest *m)
{
	const struct set_entry *entry;

	if (!assignment_has_roles(a, m->roles) || (m->node.len && !is_of_node(a, m->node)))
		return false;
	entry = assignment_set(a, i, m->roles);
	return entry && view_equal(entry->name, m->name);
}
