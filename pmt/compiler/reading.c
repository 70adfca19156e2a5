/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/reading.h"

#include <string.h>

#include "pib/set/bundle.h"
#include "pib/store/store.h"
#include "pmt/compiler/cases.h"
#include "pmt/compiler/groups.h"

enum { READING_ARENA = 256 << 20 };

static enum err no_memory(struct error *e)
{
	return error_set(e, E_MEMORY, "out of memory");
}

static enum err read_set(struct reading *r, const struct bundle *b, size_t which, struct error *e)
{
	struct reading_set *set = &r->sets[which];
	struct pri_failures failures;
	struct pri_store *store = NULL;
	struct manifest manifest;
	enum err code;

	pri_failures_init(&failures);
	code = bundle_manifest(b, which, &manifest, e);
	if (!code)
		code = pri_store_build(&b->sets[which].rows, 1, &store, &failures, e);
	if (!code)
		code = policy_new(store, &set->policy, &failures, e);
	set->store = store;
	if (code) {
		set->store = pri_store_free(store);
		return code;
	}
	set->name = (const char *)arena_copy(&r->arena, manifest.name).data;
	set->roles = (const char *)arena_copy(&r->arena, manifest.roles).data;
	r->set_count++;
	return set->name && set->roles ? E_OK : no_memory(e);
}

static const char *keep(struct reading *r, struct view text)
{
	const char *kept = (const char *)arena_copy(&r->arena, text).data;

	return kept ? kept : "";
}

static enum err read_node(struct reading *r, const struct bundle *b, size_t which, struct error *e)
{
	struct reading_node *node = &r->nodes[which];
	struct assignment a;
	enum err code = bundle_assignment(b, which, &r->arena, &a, e);

	if (code)
		return code;
	node->name = keep(r, a.node);
	node->roles = keep(r, a.roles);
	node->interfaces = arena_calloc(&r->arena, a.interface_count + 1, sizeof *node->interfaces);
	if (!node->interfaces)
		return no_memory(e);
	for (size_t i = 0; i < a.interface_count; i++)
		node->interfaces[i] = (struct reading_interface){
			keep(r, a.interfaces[i].name), keep(r, a.interfaces[i].roles)};
	node->interface_count = a.interface_count;
	r->node_count++;
	return E_OK;
}

static enum err read_bundle(struct reading *r, struct view file, struct error *e)
{
	struct bundle bundle;
	enum err code = bundle_read(file, &r->arena, &bundle, e);

	if (code)
		return code;
	r->sets = arena_calloc(&r->arena, bundle.set_count + 1, sizeof *r->sets);
	r->nodes = arena_calloc(&r->arena, bundle.assignment_count + 1, sizeof *r->nodes);
	if (!r->sets || !r->nodes)
		return no_memory(e);
	code = groups_permitted(r, &bundle, e);
	for (size_t i = 0; i < bundle.set_count && !code; i++)
		code = read_set(r, &bundle, i, e);
	for (size_t i = 0; i < r->set_count && !code; i++)
		code = groups_uses(r, &r->sets[i], e);
	for (size_t i = 0; i < bundle.assignment_count && !code; i++)
		code = read_node(r, &bundle, i, e);
	return code;
}

static void add_role(struct reading *r, const char *roles)
{
	if (*roles && !reading_role(r, roles))
		r->names[r->roles.count++] = roles;
}

/*
 * Who does not know the nodes has rules for interfaces of whatever roles: one with none of those
 * that the rules name, one with each of them, and one with all.
 */
static enum err imagine_roles(struct reading *r, struct error *e)
{
	struct buffer all;
	size_t most = 2;
	const char *kept;

	for (size_t i = 0; i < r->set_count; i++)
		most += 2 * r->sets[i].policy->rule_count;
	r->names = arena_calloc(&r->arena, most, sizeof *r->names);
	if (!r->names)
		return no_memory(e);
	r->roles.names = r->names;
	add_role(r, READING_OTHER_ROLE);
	buffer_init(&all, 1 << 16);
	for (size_t i = 0; i < r->set_count; i++)
		for (size_t k = 0; k < 2 * r->sets[i].policy->rule_count; k++) {
			const struct policy_rule *rule = &r->sets[i].policy->rules[k / 2];
			const size_t before = r->roles.count;

			add_role(r, k % 2 ? rule->out_role : rule->in_role);
			if (r->roles.count > before)
				buffer_put_text(&all, "%s%s", all.len ? "+" : "",
					r->names[r->roles.count - 1]);
		}
	kept = arena_strdup(&r->arena, buffer_string(&all));
	buffer_fini(&all);
	if (!kept)
		return no_memory(e);
	add_role(r, kept);
	return E_OK;
}

static enum err number_roles(struct reading *r, struct error *e)
{
	size_t most = 1;

	for (size_t i = 0; i < r->node_count; i++)
		most += r->nodes[i].interface_count;
	r->names = arena_calloc(&r->arena, most, sizeof *r->names);
	if (!r->names)
		return no_memory(e);
	r->roles.names = r->names;
	for (size_t i = 0; i < r->node_count; i++)
		for (size_t k = 0; k < r->nodes[i].interface_count; k++)
			add_role(r, r->nodes[i].interfaces[k].roles);
	return E_OK;
}

enum err reading_init(struct reading *r, struct view bundle, struct error *e)
{
	enum err code;

	*r = (struct reading){0};
	arena_init(&r->arena, READING_ARENA);
	code = read_bundle(r, bundle, e);
	if (code)
		return code;
	return r->node_count ? number_roles(r, e) : imagine_roles(r, e);
}

void reading_fini(struct reading *r)
{
	for (size_t i = 0; i < r->set_count; i++) {
		for (size_t k = 0; k < FLOW_DIRECTIONS; k++)
			flow_manager_free(r->sets[i].manager[k]);
		cases_free(&r->sets[i]);
		pri_store_free(r->sets[i].store);
		policy_free(r->sets[i].policy);
	}
	arena_fini(&r->arena);
}

struct reading_set *reading_find(struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->set_count; i++)
		if (strcmp(r->sets[i].name, name) == 0)
			return &r->sets[i];
	return NULL;
}

struct reading_set *reading_set_at(struct reading *r, const char *node, const char *roles)
{
	const size_t len = strlen(roles);

	for (size_t i = 0; *roles && i < r->set_count; i++) {
		const char *name = r->sets[i].name;

		if (strncmp(name, roles, len) == 0 && name[len] == '@' &&
			strcmp(name + len + 1, node) == 0)
			return &r->sets[i];
	}
	return reading_find(r, roles);
}

const struct reading_node *reading_node(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->node_count; i++)
		if (strcmp(r->nodes[i].name, name) == 0)
			return &r->nodes[i];
	return NULL;
}

const char *reading_interface_roles(const struct reading_node *node, const char *interface)
{
	const char *others = "";

	for (size_t i = 0; i < node->interface_count; i++)
		if (strcmp(node->interfaces[i].name, interface) == 0)
			return node->interfaces[i].roles;
		else if (strcmp(node->interfaces[i].name, "*") == 0)
			others = node->interfaces[i].roles;
	return others;
}

uint16_t reading_role(const struct reading *r, const char *roles)
{
	for (size_t i = 0; i < r->roles.count; i++)
		if (strcmp(r->names[i], roles) == 0)
			return (uint16_t)(i + 1);
	return 0;
}

enum err reading_diagram(
	struct reading *r, struct reading_set *set, enum flow_direction direction, struct error *e)
{
	struct flow_manager *manager;
	enum err code;

	if (set->manager[direction])
		return E_OK;
	manager = flow_manager_new(FLOW_NODES_DEFAULT);
	if (!manager)
		return no_memory(e);
	code = policy_diagram(
		set->policy, direction, &r->roles, manager, &set->diagram[direction], e);
	if (code)
		flow_manager_free(manager);
	else
		set->manager[direction] = manager;
	return code;
}
