/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include "pib/set/documents.h"

#include <stdlib.h>
#include <string.h>

bool combination_has(const char *combination, const char *role)
{
	size_t len = strlen(role);

	for (const char *p = combination; *p;) {
		const char *end = strchrnul(p, '+');

		if ((size_t)(end - p) == len && memcmp(p, role, len) == 0)
			return true;
		p = *end ? end + 1 : end;
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *role_combination(struct builder *b, const struct element *el, enum attribute_id id)
{
	struct words w = words_of(el, id);
	const char **roles = take(b, count_words(el, id), sizeof *roles);
	struct buffer text;
	size_t count = 0;
	const char *kept;

	while (roles && words_next(&w)) {
		struct named *n = refer(b, &b->places, w.word, w.at, 1u << KIND_ROLE, "role");
		bool twice = false;

		for (size_t i = 0; n && i < count; i++)
			twice = twice || strcmp(roles[i], n->name) == 0;
		if (twice)
			report_error(b->d, w.at, "the role \"%s\" stands here twice", n->name);
		else if (n)
			roles[count++] = n->name;
	}
	if (count)
		qsort(roles, count, sizeof *roles, by_text);
	buffer_init(&text, COMBINATION_LENGTH_MAX + 1);
	for (size_t i = 0; i < count; i++)
		buffer_put_text(&text, "%s%s", i ? "+" : "", roles[i]);
	if (text.error || text.len > COMBINATION_LENGTH_MAX)
		report_error(b->d, element_place(el, id),
			"the roles together are longer than %d characters", COMBINATION_LENGTH_MAX);
	kept = keep(b, buffer_string(&text));
	buffer_fini(&text);
	return kept ? kept : "";
}

static bool pin_of(const struct element *el, enum attribute_id id, struct pin *ret)
{
	const struct attribute *a = element_attribute(el, id);
	struct error e;

	return a && !pin_parse(a->value, ret, &e);
}

static void build_interface(struct builder *b, const struct element *el, struct model_node *node)
{
	struct model_interface *interface = &node->interfaces[node->interface_count];
	const char *name = element_value(el, ATTRIBUTE_NAME);

	if (el->faulty)
		return;
	for (size_t i = 0; i < node->interface_count; i++)
		if (strcmp(node->interfaces[i].name, name) == 0)
			report_error(b->d, element_place(el, ATTRIBUTE_NAME),
				"the node has an interface \"%s\" already", name);
	if (node->interface_count == MODEL_INTERFACES_MAX) {
		report_error(b->d, el->at, "more than %d interfaces", MODEL_INTERFACES_MAX);
		return;
	}
	interface->name = name;
	interface->at = el->at;
	interface->roles = role_combination(b, el, ATTRIBUTE_ROLES);
	interface->addresses = literal_addresses(b, el, ATTRIBUTE_ADDRESS);
	append_addresses(b, &node->addresses, &interface->addresses);
	node->interface_count++;
}

/* Keys must differ: who has a node's key is that node. */
static void check_key(struct builder *b, const struct element *el, const struct model_node *node)
{
	for (const struct model_node *other = b->m->nodes; node->has_key && other < node; other++)
		if (other->has_key && pin_equal(&other->key, &node->key))
			report_error(b->d, element_place(el, ATTRIBUTE_KEY),
				"the node \"%s\" has the same key", other->name);
	if (node->has_key && node->has_report && pin_equal(&node->key, &node->report))
		report_error(b->d, element_place(el, ATTRIBUTE_REPORT),
			"reports need a key of their own");
	if (node->has_seal && ((node->has_key && pin_equal(&node->key, &node->seal)) ||
				      (node->has_report && pin_equal(&node->report, &node->seal))))
		report_error(b->d, element_place(el, ATTRIBUTE_SEAL),
			"secrets need a key of their own");
}

void build_node(struct builder *b, const struct element *el)
{
	struct model_node *node = &b->m->nodes[b->m->node_count];
	size_t interfaces = 0;

	define(b, &b->places, el, KIND_NODE, node);
	if (el->faulty)
		return;
	for (const struct element *child = el->first_child; child; child = child->next)
		interfaces++;
	node->name = element_value(el, ATTRIBUTE_NAME);
	node->at = element_place(el, ATTRIBUTE_NAME);
	node->has_key = pin_of(el, ATTRIBUTE_KEY, &node->key);
	node->has_report = pin_of(el, ATTRIBUTE_REPORT, &node->report);
	node->has_seal = pin_of(el, ATTRIBUTE_SEAL, &node->seal);
	node->roles = role_combination(b, el, ATTRIBUTE_ROLES);
	node->addresses = literal_addresses(b, el, ATTRIBUTE_ADDRESS);
	node->interfaces = take(b, interfaces + 1, sizeof *node->interfaces);
	if (!node->interfaces)
		return;
	for (const struct element *child = el->first_child; child; child = child->next)
		if (child->rule)
			build_interface(b, child, node);
	if (!el->first_child) {
		node->interfaces[0] =
			(struct model_interface){.name = "*", .at = node->at, .roles = node->roles};
		node->interface_count = 1;
	}
	if (node->has_key && b->m->authority != AUTHORITY_HOME)
		report_error(b->d, element_place(el, ATTRIBUTE_KEY),
			"only home has nodes with keys; without one it is a name for its addresses");
	check_key(b, el, node);
	normalize_addresses(&node->addresses);
	b->m->node_count++;
}

bool node_has_role(const struct model_node *node, const char *role)
{
	bool used = combination_has(node->roles, role);

	for (size_t i = 0; i < node->interface_count; i++)
		used = used || combination_has(node->interfaces[i].roles, role);
	return used;
}

static void set_guardian(struct builder *b, const struct element *el, struct model_node *ward)
{
	const struct attribute *a = element_attribute(el, ATTRIBUTE_GUARDIAN);
	struct named *n = refer(b, &b->places, view_of_string(a->value), a->value_at,
		1u << KIND_NODE, "node");
	const struct model_node *guardian = n ? n->object : NULL;
	size_t wards = 0;

	if (ward->has_key)
		report_error(b->d, a->value_at,
			"a node with a key enforces its rules itself, and has no guardian");
	if (ward->addresses.count == 0)
		report_error(b->d, el->at, "a node with a guardian is known by its address");
	if (el->first_child)
		report_error(
			b->d, el->first_child->at, "of a node with a guardian no interfaces are known");
	if (!guardian)
		return;
	if (!guardian->has_key || !*guardian->roles)
		report_error(b->d, a->value_at,
			"\"%s\" cannot be a guardian: it needs a key and roles of the node as a whole",
			guardian->name);
	for (const struct model_node *other = b->m->nodes; other < ward; other++)
		wards += other->guardian == guardian ? other->addresses.count : 0;
	if (wards + ward->addresses.count > ASSIGNMENT_WARDS_MAX)
		report_error(b->d, a->value_at, "\"%s\" would guard more than %d addresses",
			guardian->name, ASSIGNMENT_WARDS_MAX);
	ward->guardian = guardian;
}

void find_guardians(struct builder *b, const struct element *root)
{
	for (const struct element *el = root->first_child; el; el = el->next) {
		const struct attribute *name;
		struct named *n;

		if (!el->rule || el->rule->kind != ELEMENT_NODE || el->faulty ||
			!element_attribute(el, ATTRIBUTE_GUARDIAN))
			continue;
		name = element_attribute(el, ATTRIBUTE_NAME);
		n = names_find(&b->places, view_of_string(name->value));
		if (n && n->kind == KIND_NODE && n->object)
			set_guardian(b, el, n->object);
	}
}

/* Which addresses a role means: those of nodes that have it, and of interfaces that do. */
void fill_roles(struct builder *b)
{
	for (size_t r = 0; r < b->m->role_count; r++) {
		struct model_role *role = &b->m->roles[r];

		role->used = b->m->authority != AUTHORITY_HOME; /* the nodes are home's */
		for (size_t n = 0; n < b->m->node_count; n++) {
			const struct model_node *node = &b->m->nodes[n];

			role->used = role->used || ((node->has_key || node->guardian) &&
							      node_has_role(node, role->name));
			if (combination_has(node->roles, role->name)) {
				append_addresses(b, &role->addresses, &node->addresses);
				continue;
			}
			for (size_t i = 0; i < node->interface_count; i++)
				if (combination_has(node->interfaces[i].roles, role->name))
					append_addresses(b, &role->addresses,
						&node->interfaces[i].addresses);
		}
		normalize_addresses(&role->addresses);
	}
}

void build_role(struct builder *b, const struct element *el)
{
	struct model_role *role = &b->m->roles[b->m->role_count];

	define(b, &b->places, el, KIND_ROLE, role);
	if (el->faulty)
		return;
	role->name = element_value(el, ATTRIBUTE_NAME);
	role->at = el->at;
	b->m->role_count++;
}
