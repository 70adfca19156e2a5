/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/convert.h"

#include <stdlib.h>

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

static enum err read_node(struct converter *c, size_t which)
{
	enum err code =
		bundle_assignment(c->bundle, which, &c->arena, &c->nodes[which], c->e);

	if (!code && c->nodes[which].ward_count)
		code = error_set(c->e, E_UNSUPPORTED,
			"the node \"%.*s\" guards others, whose rules cannot be told from its own",
			(int)c->nodes[which].node.len, (const char *)c->nodes[which].node.data);
	return code;
}

static enum err convert_with(struct converter *c)
{
	const struct bundle *b = c->bundle;
	struct set_index index;
	enum err code = bundle_index(b, &c->arena, &index, c->e);

	c->stale = STALE_KEEP;
	c->rules = arena_calloc(&c->arena, CONVERT_RULES_MAX, sizeof *c->rules);
	c->set_names = arena_calloc(&c->arena, b->set_count + 1, sizeof *c->set_names);
	c->set_roles = arena_calloc(&c->arena, b->set_count + 1, sizeof *c->set_roles);
	c->set_nodes = arena_calloc(&c->arena, b->set_count + 1, sizeof *c->set_nodes);
	c->nodes = arena_calloc(&c->arena, b->assignment_count + 1, sizeof *c->nodes);
	c->serves_interfaces = arena_calloc(&c->arena, b->set_count + 1, sizeof(bool));
	c->serves_nodes = arena_calloc(&c->arena, b->set_count + 1, sizeof(bool));
	if (!code && (!c->rules || !c->set_names || !c->set_roles || !c->set_nodes || !c->nodes || !c->serves_interfaces ||
			     !c->serves_nodes))
		code = convert_no_memory(c);
	for (size_t i = 0; i < b->assignment_count && !code; i++)
		code = read_node(c, i);
	for (size_t i = 0; i < b->set_count && !code; i++)
		code = convert_read_set(c, i);
	for (size_t i = 0; i < b->set_count && !code; i++) {
		c->serves_interfaces[i] = convert_serves(c, i, false);
		c->serves_nodes[i] = convert_serves(c, i, true);
	}
	if (!code)
		code = convert_put_policy(c, &index);
	if (!code)
		code = convert_put_rules(c);
	buffer_put_text(c->out, "</policy>\n");
	return code ? code : c->out->error ? error_set(c->e, c->out->error, "out of memory") : E_OK;
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
