/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/document.h"

static const struct member head_members[] = {
	{MEMBER_OCTETS, copsecComplianceHeadNode, offsetof(struct compliance, node)},
	{MEMBER_U32, copsecComplianceHeadDecision, offsetof(struct compliance, decision)},
	{MEMBER_U64, copsecComplianceHeadIndexSerial, offsetof(struct compliance, index_serial)},
	{MEMBER_U64, copsecComplianceHeadTime, offsetof(struct compliance, time)},
	{MEMBER_DIGEST, copsecComplianceHeadSession, offsetof(struct compliance, session.octets)},
};
static const struct record head = {.class = PIB_copsecComplianceHead, MEMBERS(head_members)};

static const struct member set_members[] = {
	{MEMBER_OCTETS, copsecComplianceSetName, offsetof(struct set_entry, name)},
	{MEMBER_U64, copsecComplianceSetSerial, offsetof(struct set_entry, serial)},
	{MEMBER_DIGEST, copsecComplianceSetRoot, offsetof(struct set_entry, root)},
};
static const struct record set = {
	.class = PIB_copsecComplianceSet,
	.size = sizeof(struct set_entry),
	MEMBERS(set_members),
	.limit = COMPLIANCE_SETS_MAX,
	.plural = "sets",
};

static const struct document_list lists[] = {
	{&set, offsetof(struct compliance, sets), offsetof(struct compliance, set_count)},
};

static enum err check(const void *document, struct error *e)
{
	const struct compliance *c = document;
	enum err err = check_name(c->node, "the node", e);

	return err ? err : check_entries(c->sets, c->set_count, e);
}

static const struct document document = {
	.name = "compliance report",
	.size = sizeof(struct compliance),
	.head = &head,
	.lists = lists,
	.list_count = sizeof lists / sizeof lists[0],
	.check = check,
};

enum err compliance_encode(const struct compliance *c, struct buffer *out, struct error *e)
{
	return document_encode(&document, c, out, e);
}

enum err compliance_decode(struct view content, struct arena *arena,
	struct compliance *ret_compliance, struct error *e)
{
	return document_decode(&document, content, arena, ret_compliance, e);
}
