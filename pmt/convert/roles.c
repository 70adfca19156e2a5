/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/converter.h"

#include <string.h>

bool convert_text_equal(struct view v, const char *text)
{
	return view_equal(v, view_of_string(text));
}

bool convert_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

struct view convert_set_roles(const struct converter *c, struct view roles)
{
	const bool pattern = c->bundle->authority != AUTHORITY_HOME && roles.len > 2 &&
			     memcmp(roles.data, "*+", 2) == 0;

	return pattern ? VIEW(roles.data + 2, roles.len - 2) : roles;
}

bool convert_serves(const struct converter *c, size_t set, bool forward)
{
	const char *roles = c->set_roles[set], *node = c->set_nodes[set];

	if (c->bundle->authority != AUTHORITY_HOME)
		return true;
	for (size_t i = 0; i < c->bundle->assignment_count; i++) {
		const struct assignment *a = &c->nodes[i];

		if (node && !convert_text_equal(a->node, node))
			continue;
		if (forward && convert_text_equal(a->roles, roles))
			return true;
		for (size_t k = 0; !forward && k < a->interface_count; k++)
			if (convert_text_equal(a->interfaces[k].roles, roles))
				return true;
	}
	return false;
}

/* Would the set have the rule, were it written for one of the set's roles? */
static bool concerns(const struct converter *c, const struct rule *rule, size_t set)
{
	return ((rule->in || rule->out || rule->both) && c->serves_interfaces[set]) ||
	       (rule->forward && c->serves_nodes[set]);
}

/* A role is the rule's if all sets with it that the rule concerns have the rule, and some does. */
static bool is_for(const struct converter *c, const struct rule *rule, const char *role)
{
	bool some = false;

	for (size_t i = 0; i < c->bundle->set_count; i++) {
		if (c->in_rows[i] || !combination_has(c->set_roles[i], role))
			continue;
		if (concerns(c, rule, i) && !rule->sets[i])
			return false;
		some = some || rule->sets[i];
	}
	return some;
}

struct role_list {
	const char **names;
	size_t count, most; /* without memory there is no room */
};

/* Those of the combination that are not there yet. */
static void add_roles(struct converter *c, struct role_list *list, struct view rest)
{
	while (rest.len) {
		const uint8_t *end = memchr(rest.data, '+', rest.len);
		const size_t len = end ? (size_t)(end - rest.data) : rest.len;
		const struct view role = VIEW(rest.data, len);
		bool known = list->count == list->most;
		const char *name;

		for (size_t n = 0; n < list->count && !known; n++)
			known = convert_text_equal(role, list->names[n]);
		name = known ? NULL : (const char *)arena_copy(&c->arena, role).data;
		if (name)
			list->names[list->count++] = name;
		rest = VIEW(rest.data + len + (end != NULL), rest.len - len - (end != NULL));
	}
}

const char **convert_list_roles(struct converter *c)
{
	const struct bundle *b = c->bundle;
	const bool home = b->authority == AUTHORITY_HOME;
	struct role_list list = {0};
	size_t most = 1;

	for (size_t i = 0; i < b->set_count && !home; i++)
		most += strlen(c->set_roles[i]) / 2 + 1;
	for (size_t i = 0; i < b->assignment_count; i++) {
		most += c->nodes[i].roles.len / 2 + 1;
		for (size_t k = 0; k < c->nodes[i].interface_count; k++)
			most += c->nodes[i].interfaces[k].roles.len / 2 + 1;
		for (size_t k = 0; k < c->nodes[i].ward_count; k++)
			most += c->nodes[i].wards[k].roles.len / 2 + 1;
	}
	list.names = arena_calloc(&c->arena, most + 1, sizeof *list.names);
	list.most = list.names ? most : 0;
	for (size_t i = 0; i < b->set_count && !home; i++)
		add_roles(c, &list, view_of_string(c->set_roles[i]));
	for (size_t i = 0; i < b->assignment_count; i++) {
		add_roles(c, &list, c->nodes[i].roles);
		for (size_t k = 0; k < c->nodes[i].interface_count; k++)
			add_roles(c, &list, c->nodes[i].interfaces[k].roles);
		for (size_t k = 0; k < c->nodes[i].ward_count; k++)
			add_roles(c, &list, c->nodes[i].wards[k].roles);
	}
	return list.names;
}

static bool is_common(const struct converter *c, const struct rule *rule)
{
	for (size_t i = 0; i < c->bundle->set_count; i++)
		if (rule->sets[i] && !c->set_nodes[i])
			return true;
	return false;
}

static void put_nodes(const struct converter *c, const struct rule *rule, struct buffer *out)
{
	const char *between = "";

	buffer_put_text(out, "node=\"");
	for (size_t i = 0; i < c->bundle->set_count; i++) {
		bool named = !rule->sets[i];

		for (size_t k = 0; k < i && !named; k++)
			named = rule->sets[k] && strcmp(c->set_nodes[k], c->set_nodes[i]) == 0;
		if (named)
			continue;
		buffer_put_text(out, "%s%s", between, c->set_nodes[i]);
		between = " ";
	}
	buffer_put_u8(out, '"');
}

enum err convert_rule_roles(
	struct converter *c, const struct rule *rule, const char **roles, struct buffer *out)
{
	const char *between = "";
	bool covered = true;

	if (!is_common(c, rule)) {
		put_nodes(c, rule, out);
		return E_OK;
	}
	buffer_put_text(out, "for=\"");
	for (size_t n = 0; roles[n]; n++)
		if (is_for(c, rule, roles[n])) {
			buffer_put_text(out, "%s%s", between, roles[n]);
			between = " ";
		}
	buffer_put_u8(out, '"');
	for (size_t i = 0; i < c->bundle->set_count && covered; i++) {
		bool has = !rule->sets[i];

		for (size_t n = 0; roles[n] && !has; n++)
			has = combination_has(c->set_roles[i], roles[n]) &&
			      is_for(c, rule, roles[n]);
		covered = has;
	}
	return covered ? E_OK
		       : error_set(c->e, E_UNSUPPORTED,
				 "the rule \"%s\" stands in sets that no roles have in common",
				 rule->name);
}
