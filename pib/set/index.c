/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/document.h"

static const struct member head_members[] = {
	{MEMBER_OCTETS, copsecIndexHeadTenant, offsetof(struct set_index, tenant)},
	{MEMBER_U64, copsecIndexHeadSerial, offsetof(struct set_index, serial)},
	{MEMBER_U64, copsecIndexHeadNotBefore, offsetof(struct set_index, not_before)},
	{MEMBER_U64, copsecIndexHeadNotAfter, offsetof(struct set_index, not_after)},
	{MEMBER_ENUM, copsecIndexHeadAuthority, offsetof(struct set_index, authority)},
};
static const struct record head = {.class = PIB_copsecIndexHead, MEMBERS(head_members)};

static const struct member entry_members[] = {
	{MEMBER_OCTETS, copsecIndexEntryName, offsetof(struct set_entry, name)},
	{MEMBER_U64, copsecIndexEntrySerial, offsetof(struct set_entry, serial)},
	{MEMBER_DIGEST, copsecIndexEntryRoot, offsetof(struct set_entry, root)},
	{MEMBER_OCTETS, copsecIndexEntryNode, offsetof(struct set_entry, node)},
	{MEMBER_OCTETS, copsecIndexEntryRoles, offsetof(struct set_entry, roles)},
};
static const struct record entry_record = {
	.class = PIB_copsecIndexEntry,
	.size = sizeof(struct set_entry),
	MEMBERS(entry_members),
	.limit = INDEX_ENTRIES_MAX,
	.plural = "sets",
};

static const struct document_list lists[] = {
	{&entry_record, offsetof(struct set_index, entries), offsetof(struct set_index, entry_count)},
};

static bool serve_the_same(const struct set_entry *a, const struct set_entry *b)
{
	return view_equal(a->node, b->node) && view_equal(set_entry_roles(a), set_entry_roles(b));
}

/* A common set is named like its roles, one for a single node like no roles. */
static enum err check_place(const struct set_index *i, const struct set_entry *entry, struct error *e)
{
	enum err err = check_key(entry->node, "the node's key digest", e);

	if (!err && entry->roles.len)
		err = check_roles(i->authority, entry->roles, "the role combination", e);
	if (!err && (entry->node.len != 0) == roles_valid(i->authority, entry->name))
		err = error_set(e, E_SYNTAX,
			entry->node.len ? "it serves one node, and is named like roles"
					: "its name is no role combination");
	if (!err && (entry->node.len != 0) != (entry->roles.len != 0))
		err = error_set(e, E_SYNTAX, "node and roles go together");
	return err;
}

static enum err check_places(const struct set_index *i, struct error *e)
{
	for (size_t k = 0; k < i->entry_count; k++) {
		const struct set_entry *entry = &i->entries[k];
		enum err err = check_place(i, entry, e);

		for (size_t other = 0; other < k && !err; other++)
			if (serve_the_same(entry, &i->entries[other]))
				err = error_set(e, E_DUPLICATE, "it serves the same as set %.*s",
					shown(i->entries[other].name),
					(const char *)i->entries[other].name.data);
		if (err) {
			error_prefix(e, "set %.*s", shown(entry->name),
				(const char *)entry->name.data);
			return err;
		}
	}
	return E_OK;
}

static enum err check(const void *document, struct error *e)
{
	const struct set_index *i = document;
	enum err err = check_name(i->tenant, "the tenant", e);

	if (!err)
		err = check_times(i->not_before, i->not_after, e);
	if (!err)
		err = check_entries(i->entries, i->entry_count, e);
	return err ? err : check_places(i, e);
}

static const struct document document = {
	.name = "index",
	.size = sizeof(struct set_index),
	.head = &head,
	.lists = lists,
	.list_count = sizeof lists / sizeof lists[0],
	.check = check,
};

enum err set_index_encode(const struct set_index *i, struct buffer *out, struct error *e)
{
	return document_encode(&document, i, out, e);
}

enum err set_index_decode(
	struct view content, struct arena *arena, struct set_index *ret_index, struct error *e)
{
	return document_decode(&document, content, arena, ret_index, e);
}

const struct set_entry *set_index_find(const struct set_index *i, struct view name)
{
	return find_entry(i->entries, i->entry_count, name);
}

struct view set_entry_roles(const struct set_entry *entry)
{
	return entry->roles.len ? entry->roles : entry->name;
}
