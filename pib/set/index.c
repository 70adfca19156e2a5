/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/document.h"

static const struct member head_members[] = {
	{MEMBER_OCTETS, copsecIndexHeadTenant, offsetof(struct set_index, tenant)},
	{MEMBER_U64, copsecIndexHeadSerial, offsetof(struct set_index, serial)},
	{MEMBER_U64, copsecIndexHeadNotBefore, offsetof(struct set_index, not_before)},
	{MEMBER_U64, copsecIndexHeadNotAfter, offsetof(struct set_index, not_after)},
};
static const struct record head = {.class = PIB_copsecIndexHead, MEMBERS(head_members)};

static const struct member entry_members[] = {
	{MEMBER_OCTETS, copsecIndexEntryName, offsetof(struct set_entry, name)},
	{MEMBER_U64, copsecIndexEntrySerial, offsetof(struct set_entry, serial)},
	{MEMBER_DIGEST, copsecIndexEntryRoot, offsetof(struct set_entry, root)},
};
static const struct record entry = {
	.class = PIB_copsecIndexEntry,
	.size = sizeof(struct set_entry),
	MEMBERS(entry_members),
	.limit = INDEX_ENTRIES_MAX,
	.plural = "sets",
};

static const struct document_list lists[] = {
	{&entry, offsetof(struct set_index, entries), offsetof(struct set_index, entry_count)},
};

static enum err check(const void *document, struct error *e)
{
	const struct set_index *i = document;
	enum err err = check_name(i->tenant, "the tenant", e);

	if (!err)
		err = check_times(i->not_before, i->not_after, e);
	return err ? err : check_entries(i->entries, i->entry_count, e);
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
