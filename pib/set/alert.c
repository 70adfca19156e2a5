/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/document.h"

static const struct member members[] = {
	{MEMBER_OCTETS, copsecAlertHeadTenant, offsetof(struct alert, tenant)},
	{MEMBER_OCTETS, copsecAlertHeadNode, offsetof(struct alert, node)},
	{MEMBER_U64, copsecAlertHeadSerial, offsetof(struct alert, serial)},
	{MEMBER_U64, copsecAlertHeadTime, offsetof(struct alert, time)},
	{MEMBER_OCTETS, copsecAlertHeadKind, offsetof(struct alert, kind)},
	{MEMBER_ENUM, copsecAlertHeadSeverity, offsetof(struct alert, severity)},
	{MEMBER_OCTETS, copsecAlertHeadSubject, offsetof(struct alert, subject)},
	{MEMBER_ENUM, copsecAlertHeadSourceType, offsetof(struct alert, source_type)},
	{MEMBER_OCTETS, copsecAlertHeadSource, offsetof(struct alert, source)},
	{MEMBER_ENUM, copsecAlertHeadDestinationType, offsetof(struct alert, destination_type)},
	{MEMBER_OCTETS, copsecAlertHeadDestination, offsetof(struct alert, destination)},
	{MEMBER_U32, copsecAlertHeadProtocol, offsetof(struct alert, protocol)},
	{MEMBER_U32, copsecAlertHeadPort, offsetof(struct alert, port)},
	{MEMBER_U64, copsecAlertHeadCount, offsetof(struct alert, count)},
	{MEMBER_OCTETS, copsecAlertHeadText, offsetof(struct alert, text)},
};
static const struct record head = {.class = PIB_copsecAlertHead, MEMBERS(members)};

static enum err check(const void *document, struct error *e)
{
	const struct alert *a = document;
	enum err err = check_name(a->tenant, "the tenant", e);

	if (!err)
		err = check_name(a->node, "the node", e);
	return err ? err : check_name(a->kind, "the kind", e);
}

static const struct document document = {
	.name = "alert",
	.size = sizeof(struct alert),
	.head = &head,
	.check = check,
};

enum err alert_encode(const struct alert *a, struct buffer *out, struct error *e)
{
	return document_encode(&document, a, out, e);
}

enum err alert_decode(
	struct view content, struct arena *arena, struct alert *ret_alert, struct error *e)
{
	return document_decode(&document, content, arena, ret_alert, e);
}
