/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list: what a policy or a bundle names, a line each. Nothing is verified. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pib/policy/policy.h"
#include "pib/store/store.h"
#include "pmt/commands/command.h"
#include "pmt/commands/policy.h"

enum { OPTION_NAMES = 256, LIST_ARENA = 64 << 20 };

const struct option_row list_options[] = {
	{'j', "json", NULL, "as JSON"},
	{OPTION_NAMES, "names", "KIND",
		"the names alone of nodes, roles, networks, services, protections, rules or sets"},
	{0},
};

/* In the order in which they are printed; a name may be there for several kinds. */
enum kind { NODES, ROLES, NETWORKS, SERVICES, PROTECTIONS, RULES, SETS, KINDS };
static const struct {
	const char *one, *many;
} kinds[KINDS] = {
	[NODES] = {"node", "nodes"},
	[ROLES] = {"role", "roles"},
	[NETWORKS] = {"network", "networks"},
	[SERVICES] = {"service", "services"},
	[PROTECTIONS] = {"protection", "protections"},
	[RULES] = {"rule", "rules"},
	[SETS] = {"set", "sets"},
};

struct item {
	enum kind kind;
	const char *name, *about;
};

struct list {
	struct arena arena;
	struct item *items;
	size_t count, capacity;
	bool no_memory;
};

static void add(struct list *l, enum kind kind, struct view name, struct buffer *about)
{
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? 2 * l->capacity : 64;
		struct item *items = realloc(l->items, capacity * sizeof *items);

		if (!items) {
			l->no_memory = true;
			return;
		}
		l->items = items;
		l->capacity = capacity;
	}
	l->items[l->count] = (struct item){kind, (const char *)arena_copy(&l->arena, name).data,
		arena_strdup(&l->arena, buffer_string(about))};
	l->no_memory = l->no_memory || !l->items[l->count].name || !l->items[l->count].about;
	l->count++;
	buffer_reset(about);
}

static bool has(const struct list *l, enum kind kind, struct view name)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].kind == kind && view_equal(view_of_string(l->items[i].name), name))
			return true;
	return false;
}

static void put_addresses(struct buffer *out, const struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			buffer_put_u8(out, ' ');
		print_address(&list->items[i], out);
	}
}

/* --- a policy --- */

static void list_rules(struct list *l, const struct model_block *block, const struct policy_file *f,
	struct buffer *about)
{
	for (size_t i = 0; i < block->rule_count; i++) {
		buffer_put_text(about, "for");
		for (size_t k = 0; k < block->role_count; k++)
			buffer_put_text(about, " %s", block->roles[k]->name);
		buffer_put_text(about, ", ");
		place_print(&f->diagnostics, block->rules[i].at, about);
		add(l, RULES, view_of_string(block->rules[i].name), about);
	}
}

static size_t rules_of(const struct model *m, const struct model_role *role)
{
	size_t count = 0;

	for (size_t i = 0; i < m->block_count; i++)
		for (size_t k = 0; k < m->blocks[i].role_count; k++)
			if (m->blocks[i].roles[k] == role)
				count += m->blocks[i].rule_count;
	return count;
}

static void list_model(struct list *l, const struct policy_file *f)
{
	const struct model *m = &f->model;
	struct buffer about;

	buffer_init(&about, 1 << 20);
	for (size_t i = 0; i < m->node_count; i++) {
		buffer_put_text(&about, "%s ", *m->nodes[i].roles ? m->nodes[i].roles : "no role,");
		put_addresses(&about, &m->nodes[i].addresses);
		add(l, NODES, view_of_string(m->nodes[i].name), &about);
	}
	for (size_t i = 0; i < m->role_count; i++) {
		buffer_put_text(&about, "rules: %zu%s", rules_of(m, &m->roles[i]),
			m->roles[i].used ? "" : ", no node with a key has it");
		add(l, ROLES, view_of_string(m->roles[i].name), &about);
	}
	for (size_t i = 0; i < m->network_count; i++) {
		put_addresses(&about, &m->networks[i].addresses);
		add(l, NETWORKS, view_of_string(m->networks[i].name), &about);
	}
	for (size_t i = 0; i < m->service_count; i++)
		add(l, SERVICES, view_of_string(m->services[i].name), &about);
	for (size_t i = 0; i < m->protection_count; i++) {
		const struct model_protection *p = &m->protections[i];

		buffer_put_text(&about, "%s, %s", p->tunnel ? "tunnel" : "transport",
			p->preferred ? "preferred" : "required");
		add(l, PROTECTIONS, view_of_string(p->name), &about);
	}
	for (size_t i = 0; i < m->block_count; i++)
		list_rules(l, &m->blocks[i], f, &about);
	buffer_fini(&about);
}

/* --- a bundle --- */

/* The roles of a combination, each once. */
static void list_roles(struct list *l, struct view combination, struct buffer *about)
{
	while (combination.len) {
		const uint8_t *end = memchr(combination.data, '+', combination.len);
		struct view role = combination;

		if (end)
			role.len = (size_t)(end - combination.data);
		if (!has(l, ROLES, role))
			add(l, ROLES, role, about);
		combination.data += role.len + (end != NULL);
		combination.len -= role.len + (end != NULL);
	}
}

static enum err list_nodes(
	struct list *l, struct bundle_file *f, struct buffer *about, struct error *e)
{
	for (size_t i = 0; i < f->bundle.assignment_count; i++) {
		struct assignment a;
		enum err code = bundle_assignment(&f->bundle, i, &f->arena, &a, e);

		if (code)
			return code;
		list_roles(l, a.roles, about);
		for (size_t k = 0; k < a.interface_count; k++)
			list_roles(l, a.interfaces[k].roles, about);
		buffer_put_text(about, "%.*s, serial %llu",
			a.roles.len ? (int)a.roles.len : (int)strlen("no role"),
			a.roles.len ? (const char *)a.roles.data : "no role",
			(unsigned long long)a.serial);
		add(l, NODES, a.node, about);
	}
	return E_OK;
}

static enum err list_policy(struct list *l, const struct pri_store *store, const struct manifest *m,
	struct buffer *about, struct error *e)
{
	struct pri_failures failures;
	struct policy *policy;
	enum err code;

	pri_failures_init(&failures);
	code = policy_new(store, &policy, &failures, e);
	if (code)
		return code;
	for (size_t i = 0; i < policy->protection_count; i++) {
		const struct view name = view_of_string(policy->protections[i].name);

		if (!has(l, PROTECTIONS, name))
			add(l, PROTECTIONS, name, about);
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		buffer_put_text(about, "set %.*s, ", (int)m->name.len, (const char *)m->name.data);
		policy_print_rule(about, &policy->rules[i]);
		add(l, RULES, view_of_string(policy->rules[i].name), about);
	}
	policy_free(policy);
	return E_OK;
}

static enum err list_bundle(struct list *l, struct bundle_file *f, struct error *e)
{
	struct pri_store *store = NULL;
	struct pri_failures failures;
	struct buffer about;
	struct manifest m;
	enum err code;

	buffer_init(&about, 1 << 20);
	code = list_nodes(l, f, &about, e);
	for (size_t i = 0; i < f->bundle.set_count && !code; i++) {
		pri_failures_init(&failures);
		code = bundle_manifest(&f->bundle, i, &m, e);
		if (!code)
			code = pri_store_build(&f->bundle.sets[i].rows, 1, &store, &failures, e);
		if (code)
			break;
		buffer_put_text(&about, "serial %llu, %zu PRIs", (unsigned long long)m.serial,
			pri_store_count(store));
		add(l, SETS, m.name, &about);
		code = list_policy(l, store, &m, &about, e);
		store = pri_store_free(store);
	}
	buffer_fini(&about);
	return code;
}

/* --- printing --- */

static int find_kind(const char *word)
{
	for (int k = 0; k < KINDS; k++)
		if (strcmp(kinds[k].many, word) == 0 || strcmp(kinds[k].one, word) == 0)
			return k;
	return -1;
}

/* Names come from a file that nobody has verified. */
static void put_clean(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void print_text(const struct list *l, int only)
{
	for (int k = 0; k < KINDS; k++)
		for (size_t i = 0; i < l->count; i++) {
			const struct item *item = &l->items[i];
			bool twice = false;

			if ((int)item->kind != k || (only >= 0 && only != k))
				continue;
			for (size_t n = 0; only >= 0 && n < i; n++)
				twice = twice || (l->items[n].kind == item->kind &&
							 strcmp(l->items[n].name, item->name) == 0);
			if (twice)
				continue;
			if (only < 0)
				printf("%-10s  ", kinds[k].one);
			put_clean(item->name);
			if (only < 0 && *item->about) {
				fputs("  ", stdout);
				put_clean(item->about);
			}
			putchar('\n');
		}
}

static void print_json(const struct list *l)
{
	json_t *all = json_object();

	for (int k = 0; k < KINDS; k++) {
		json_t *names = json_array();

		for (size_t i = 0; i < l->count; i++)
			if ((int)l->items[i].kind == k)
				json_array_append_new(
					names, json_pack("{s:s*, s:s*}", "name", l->items[i].name,
						       "about", l->items[i].about));
		json_object_set_new(all, kinds[k].many, names);
	}
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

static int list_file(const char *name, const char *path, struct list *l)
{
	struct bundle_file bundle;
	struct policy_file policy;
	struct error e;
	int status = EXIT_SUCCESS;

	if (is_bundle(path)) {
		if (bundle_file_read(&bundle, path, &e) || list_bundle(l, &bundle, &e))
			status = command_failed(name, &e);
		bundle_file_fini(&bundle);
	} else {
		status = policy_open(name, path, &policy);
		if (!status)
			list_model(l, &policy);
		policy_file_fini(&policy);
	}
	if (!status && l->no_memory) {
		error_set(&e, E_MEMORY, "out of memory");
		status = command_failed(name, &e);
	}
	return status;
}

int command_list(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS, only = -1;
	struct list l = {0};
	bool json = false;
	const char *path;
	struct options o;

	(void)context;
	command_begin(&o, list_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		json = json || id == 'j';
		if (id != OPTION_NAMES)
			continue;
		only = find_kind(o.value);
		if (only < 0)
			return command_misused(argv[0], "there are no \"%s\" to list", o.value);
	}
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the policy or the bundle");
	if (!path)
		return EXIT_BAD_USAGE;
	arena_init(&l.arena, LIST_ARENA);
	status = list_file(argv[0], path, &l);
	if (!status && json)
		print_json(&l);
	else if (!status)
		print_text(&l, only);
	free(l.items);
	arena_fini(&l.arena);
	return status;
}
