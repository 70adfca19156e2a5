/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/convert.h"

#include <stdlib.h>
#include <string.h>

#include "pmt/convert/converter.h"

enum { CONVERT_ARENA = 1 << 30 };

enum err convert_no_memory(struct converter *c)
{
	return error_set(c->e, E_MEMORY, "out of memory");
}

const char *convert_keep(struct converter *c, struct buffer *text)
{
	const char *kept = arena_strdup(&c->arena, buffer_string(text));

	buffer_reset(text);
	return kept ? kept : "";
}

enum err convert_refuse(struct set_reader *s, const char *rule, const char *what)
{
	return error_set(s->c->e, E_UNSUPPORTED, "the set \"%s\", rule \"%s\": %s",
		s->c->set_names[s->which], rule, what);
}

static enum err read_manifest(struct converter *c, size_t which)
{
	struct buffer name;
	struct manifest m;
	enum err code = bundle_manifest(c->bundle, which, &m, c->e);

	if (code)
		return code;
	c->stale = m.stale_rule;
	buffer_init(&name, 4096);
	buffer_put_view(&name, m.name);
	c->set_names[which] = convert_keep(c, &name);
	buffer_put_view(&name, convert_set_roles(c, m.roles));
	c->set_roles[which] = convert_keep(c, &name);
	buffer_fini(&name);
	if (m.node.len)
		c->set_nodes[which] = strchrnul(c->set_names[which], '@') + 1;
	c->serves_interfaces[which] = convert_serves(c, which, false);
	c->serves_nodes[which] = convert_serves(c, which, true);
	return E_OK;
}

static enum err read_documents(struct converter *c)
{
	const struct bundle *b = c->bundle;
	enum err code = bundle_index(b, &c->arena, &c->index, c->e);

	c->stale = STALE_KEEP;
	c->rules = arena_calloc(&c->arena, CONVERT_RULES_MAX, sizeof *c->rules);
	c->set_names = arena_calloc(&c->arena, b->set_count + 1, sizeof *c->set_names);
	c->set_roles = arena_calloc(&c->arena, b->set_count + 1, sizeof *c->set_roles);
	c->set_nodes = arena_calloc(&c->arena, b->set_count + 1, sizeof *c->set_nodes);
	c->nodes = arena_calloc(&c->arena, b->assignment_count + 1, sizeof *c->nodes);
	c->serves_interfaces = arena_calloc(&c->arena, b->set_count + 1, sizeof(bool));
	c->serves_nodes = arena_calloc(&c->arena, b->set_count + 1, sizeof(bool));
	c->in_rows = arena_calloc(&c->arena, b->set_count + 1, sizeof(bool));
	if (!code && (!c->rules || !c->set_names || !c->set_roles || !c->set_nodes || !c->nodes ||
			     !c->serves_interfaces || !c->serves_nodes || !c->in_rows))
		code = convert_no_memory(c);
	for (size_t i = 0; i < b->assignment_count && !code; i++)
		code = bundle_assignment(b, i, &c->arena, &c->nodes[i], c->e);
	for (size_t i = 0; i < b->set_count && !code; i++)
		code = read_manifest(c, i);
	return code;
}

/* Of what passes a guardian: what it would make of its wards' rules is there already, and cannot be
 * told from its own. */
static bool is_of_guardian(const struct converter *c, size_t set)
{
	for (size_t i = 0; c->set_nodes[set] && i < c->bundle->assignment_count; i++)
		if (c->nodes[i].ward_count &&
			convert_text_equal(c->nodes[i].node, c->set_nodes[set]) &&
			convert_text_equal(c->nodes[i].roles, c->set_roles[set]))
			return true;
	return false;
}

static enum err put_rows(struct converter *c, size_t set)
{
	if (!c->serves_interfaces[set] && !c->serves_nodes[set])
		return error_set(c->e, E_UNSUPPORTED, "the set \"%s\" is for no node of the bundle",
			c->set_names[set]);
	return convert_put_verbatim(c, set);
}

/* Short words, but where only rows can say it, or everywhere rows. */
static enum err put(struct converter *c, bool all_in_rows)
{
	const size_t sets = c->bundle->set_count;
	enum err code = E_OK;

	c->rule_count = c->service_count = c->protection_count = c->schedules.count = 0;
	c->offers.count = c->groups.count = c->declared.count = c->follow_count = 0;
	for (size_t i = 0; i < sets && !code; i++) {
		c->in_rows[i] = all_in_rows || is_of_guardian(c, i);
		if (!c->in_rows[i])
			code = convert_read_set(c, i);
	}
	if (!code)
		code = convert_put_policy(c);
	if (!code)
		code = convert_put_rules(c);
	for (size_t i = 0; i < sets && !code; i++)
		if (c->in_rows[i])
			code = put_rows(c, i);
	return code;
}

static enum err finish(struct converter *c, size_t before)
{
	buffer_put_text(c->out, "</policy>\n");
	if (c->out->error)
		return error_set(c->e, c->out->error, "out of memory");
	return convert_prove(c, VIEW(c->out->data + before, c->out->len - before));
}

/* Short words if they say all of it, else rows; of all sets, for short rules are for whoever has a
 * role. Only a guardian's set is one of its own, which no role's rules reach. */
static enum err convert_with(struct converter *c)
{
	const size_t before = c->out->len;
	enum err code = read_documents(c);

	if (code)
		return code;
	code = put(c, false);
	if (!code)
		code = finish(c, before);
	if (!code || err_category(code) == ERR_CAT_LIMIT)
		return code;
	c->out->len = before;
	code = put(c, true);
	return code ? code : finish(c, before);
}

enum err convert(const struct bundle *b, struct buffer *out, struct error *e)
{
	struct converter *c = calloc(1, sizeof *c);
	enum err code;

	if (!c)
		return error_set(e, E_MEMORY, "out of memory");
	c->bundle = b;
	c->out = out;
	c->e = e;
	arena_init(&c->arena, CONVERT_ARENA);
	code = convert_with(c);
	arena_fini(&c->arena);
	free(c->follows);
	free(c);
	return code;
}
