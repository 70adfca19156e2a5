/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/internal.h"

#include <string.h>

#include "pdp/decision/claim.h"
#include "pib/framework/esp_needs.h"

/* JSON is UTF-8; names are octets of somebody's choice. */
static json_t *json_text(struct view text)
{
	json_t *value = json_stringn((const char *)text.data, text.len);
	char ascii[SET_NAME_MAX + 1];
	size_t len = text.len < SET_NAME_MAX ? text.len : SET_NAME_MAX;

	if (value)
		return value;
	for (size_t i = 0; i < len; i++)
		ascii[i] = (char)(text.data[i] < 0x80 ? text.data[i] : '?');
	return json_stringn(ascii, len);
}

static enum publishing_standing standing_of(const struct server *s,
	const struct publication_node *node, const struct seat *seat)
{
	const struct peer *p = seat->peer;
	const struct store_report *report = seat->report;

	if (!p)
		return report ? STANDING_AWAY : STANDING_NEVER_SEEN;
	if (p->late)
		return STANDING_SILENT;
	if (!report)
		return STANDING_CONNECTED;
	/* Its last word was on something else. */
	if (!p->state || p->asked || p->outdated || p->awaited)
		return STANDING_BEHIND;
	if (!report->success)
		return STANDING_FAILED;
	return report->serial == server_node_serial(s, node) ? STANDING_IN_FORCE : STANDING_BEHIND;
}

struct node_standing server_standing(
	const struct server *s, const struct publication_node *node)
{
	static const struct store_report none = {.text = ""};
	const struct seat *seat = server_seat(s, node);
	const struct store_report *report = seat->report ? seat->report : &none;

	return (struct node_standing){
		.node = view_of_string(node->name),
		.standing = standing_of(s, node, seat),
		.serial = report->serial,
		.since = report->since,
		.reported = report->time,
		.tries = s->trial && publication_owns(s->tried.publication, node),
		.reason = view_of_string(report->text),
	};
}

static json_t *describe_node(const struct server *s, const struct publication_node *node)
{
	const struct node_standing standing = server_standing(s, node);
	const struct seat *seat = server_seat(s, node);
	char address[ENDPOINT_TEXT_SIZE] = "";

	if (seat->peer)
		endpoint_format(&seat->peer->address, address);
	return json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:b, s:s}", "node",
		json_text(standing.node), "standing", publishing_standing_word(standing.standing),
		"address", address, "serial", (json_int_t)standing.serial, "since",
		(json_int_t)standing.since, "reported", (json_int_t)standing.reported, "tries",
		(int)standing.tries, "reason", (const char *)standing.reason.data);
}

/* Takes both; NULL unless all of it is there. */
static json_t *with_serial(const struct server *s, const char *key, json_t *list, bool whole)
{
	if (!whole) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:I, s:I, s:o}", "serial", (json_int_t)server_serial(s), "tried",
		(json_int_t)server_tried_serial(s), key, list);
}

static json_t *describe_roles(const struct pri_store *request)
{
	struct pri_cursor c = pri_store_class(request, PIB_frwkRoleCombo);
	struct capability_roles roles;
	json_t *list = json_array();

	while (list && capabilities_next_roles(&c, &roles))
		json_array_append_new(list, json_pack("{s:I, s:o, s:o}", "interface",
			(json_int_t)roles.interface, "roles", json_text(roles.roles), "capabilities",
			json_text(roles.capability_set)));
	return list;
}

static json_t *describe_support(const struct pri_store *request)
{
	struct pri_cursor c = pri_store_class(request, PIB_frwkPrcSupport);
	struct capability_support support;
	json_t *list = json_array();

	while (list && capabilities_next_support(&c, &support)) {
		json_t *without = json_array();

		for (unsigned n = 1; n <= support.class->attribute_count; n++)
			if (!capabilities_has(&support, n))
				json_array_append_new(without,
					json_string(pib_attribute(support.class, n)->name));
		json_array_append_new(list, json_pack("{s:s, s:o}", "class", support.class->name,
			"without", without));
	}
	return list;
}

static json_t *describe_limits(const struct pri_store *request)
{
	struct pri_cursor c = pri_store_class(request, PIB_frwkCompLimits);
	json_t *list = json_array();
	char text[ERROR_TEXT_SIZE];

	while (list && capabilities_next_limit(&c, text))
		json_array_append_new(list, json_string(text));
	return list;
}

static json_t *describe_algorithms(const struct pri_store *request, int32_t use, int32_t type)
{
	struct capability_algorithms has;
	struct buffer names;
	json_t *text;

	capabilities_algorithms(request, &has);
	buffer_init(&names, 4096);
	esp_needs_names(&has, use, type, &names);
	text = json_string(buffer_string(&names));
	buffer_fini(&names);
	return text;
}

static json_t *describe_extended(const struct pri_store *request)
{
	struct capability_algorithms has;

	capabilities_algorithms(request, &has);
	return json_boolean(esp_needs_extended(&has));
}

static json_t *describe_request(const struct pri_store *request)
{
	struct capability_device device = capabilities_device(request);

	return json_pack("{s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "description",
		json_text(device.description), "max_message", (json_int_t)device.max_message,
		"max_contexts", (json_int_t)device.max_contexts, "holds",
		(json_int_t)claim_serial(request), "roles", describe_roles(request), "support",
		describe_support(request), "limits", describe_limits(request),
		"esp_encryption", describe_algorithms(request, copsecAlgorithmUse_esp,
			copsecAlgorithmType_encryption),
		"esp_integrity", describe_algorithms(request, copsecAlgorithmUse_esp,
			copsecAlgorithmType_integrity),
		"esp_extended", describe_extended(request),
		"ah_integrity", describe_algorithms(request, copsecAlgorithmUse_ah,
			copsecAlgorithmType_integrity));
}

static json_t *describe_traffic(const struct peer *p)
{
	json_t *rows = json_array();

	for (size_t i = 0; rows && i < p->traffic->count; i++) {
		const struct traffic_row *row = &p->traffic->rows[i];
		char prid[PRID_TEXT_SIZE] = "";

		if (row->cause.class)
			prid_format(&row->cause, prid);
		json_array_append_new(rows,
			json_pack("{s:o, s:s, s:I, s:I}", "name",
				json_text(view_of_string(row->name)), "prid", prid, "packets",
				(json_int_t)row->packets, "octets", (json_int_t)row->octets));
	}
	return json_pack("{s:I, s:o}", "reported", (json_int_t)p->traffic_time, "rows", rows);
}

enum err server_describe_node(
	const struct server *s, const char *name, json_t **ret_node, struct error *error)
{
	const struct publication_node *node = server_find_name(s, name);
	const struct peer *p;
	json_t *description;

	if (!node)
		return error_set(error, E_NOT_FOUND, "the policy has no node %s", name);
	p = server_seat(s, node)->peer;
	description = describe_node(s, node);
	if (p && p->request && description &&
		json_object_update_new(description, describe_request(p->request)))
		description = NULL;
	if (p && description &&
		json_object_set_new(description, "tolerated",
			server_describe_oddities(session_counters(p->session))))
		description = NULL;
	if (p && p->traffic && description &&
		json_object_set_new(description, "accounting", describe_traffic(p)))
		description = NULL;
	if (!description)
		return error_set(error, E_MEMORY, "out of memory");
	*ret_node = description;
	return E_OK;
}

json_t *server_describe_nodes(const struct server *s)
{
	size_t count = server_node_count(s);
	json_t *nodes = json_array();
	bool whole = nodes != NULL;

	for (size_t i = 0; whole && i < count; i++)
		whole = !json_array_append_new(nodes, describe_node(s, server_node(s, i)));
	return with_serial(s, "nodes", nodes, whole);
}

static json_t *describe_set(enum authority authority, const struct set_entry *set)
{
	char root[2 * SET_ROOT + 1];

	hex_encode(root, VIEW(set->root, SET_ROOT));
	return json_pack("{s:o, s:s, s:I, s:s}", "set", json_text(set->name), "authority",
		authority_name(authority), "serial", (json_int_t)set->serial, "root", root);
}

json_t *server_describe_policy(const struct server *s)
{
	const struct set_index *index =
		s->force.publication ? publication_index(s->force.publication) : NULL;
	json_t *sets = json_array();
	bool whole = sets != NULL;

	for (enum authority a = AUTHORITY_HOME; a <= AUTHORITY_LOCAL; a++) {
		if (a != AUTHORITY_HOME)
			index = s->guests.list[a] ? guest_index(s->guests.list[a]) : NULL;
		for (size_t i = 0; whole && index && i < index->entry_count; i++)
			whole = !json_array_append_new(sets, describe_set(a, &index->entries[i]));
	}
	return with_serial(s, "sets", sets, whole);
}

enum err server_outcome(const struct server *s, const char *node, uint64_t reports,
	json_t **ret_node, struct error *error)
{
	const struct publication_node *known = server_find_name(s, node);
	json_t *description;

	if (!known)
		return error_set(error, E_NOT_FOUND, "the policy has no node %s", node);
	if (compliance_count(s->compliance, node) <= reports)
		return error_set(error, E_AGAIN, "node %s has not answered", node);
	description = describe_node(s, known);
	if (!description)
		return error_set(error, E_MEMORY, "out of memory");
	*ret_node = description;
	return E_OK;
}

enum err server_resend(
	struct server *s, const char *node, uint64_t *ret_reports, struct error *error)
{
	const struct publication_node *known = server_find_name(s, node);
	struct peer *p;

	if (!known)
		return error_set(error, E_NOT_FOUND, "the policy has no node %s", node);
	p = server_seat(s, known)->peer;
	if (!p || !p->state)
		return error_set(error, E_NOT_FOUND, "node %s is not connected", node);
	if (p->awaited || p->outdated || p->asked)
		return error_set(error, E_AGAIN, "node %s has not answered what it was sent before",
			node);
	*ret_reports = compliance_count(s->compliance, node);
	p->outdated = true;
	p->holds = 0; /* so that everything is sent */
	link_pump(p->link);
	return E_OK;
}

bool server_converged(const struct server *s)
{
	for (size_t i = 0; i < server_node_count(s); i++)
		if (server_standing(s, server_node(s, i)).standing != STANDING_IN_FORCE)
			return false;
	return s->force.publication != NULL;
}

json_t *server_describe_refusals(const struct server *s)
{
	json_t *rows = json_array();

	refusals_add_json(&s->refused.connections, "connections", rows);
	refusals_add_json(&s->refused.peers, "peers", rows);
	refusals_add_json(&s->refused.messages, "messages", rows);
	refusals_add_json(&s->refused.bundles, "bundles", rows);
	refusals_add_json(&s->refused.reports, "reports", rows);
	return rows;
}
