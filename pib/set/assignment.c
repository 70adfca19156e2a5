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

static const struct document_list lists[] = {
	{&interface_record, offsetof(struct assignment, interfaces),
		offsetof(struct assignment, interface_count)},
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
			err = check_roles(interface->roles, "the roles of an interface", e);
		if (!err && find_interface(a->interfaces, i, interface->name))
			err = error_set(e, E_DUPLICATE, "interface %.*s is there twice",
				shown(interface->name), (const char *)interface->name.data);
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
		err = check_roles(a->roles, "the roles of the node", e);
	return err ? err : check_interfaces(a, e);
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

bool assignment_demands(const struct assignment *a, struct view set_name)
{
	if (!set_name.len)
		return false;
	for (size_t i = 0; i < a->interface_count; i++)
		if (view_equal(a->interfaces[i].roles, set_name))
			return true;
	return view_equal(a->roles, set_name);
}
