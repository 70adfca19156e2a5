/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/subject.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "pmt/commands/command.h"
#include "pmt/compiler/region.h"

enum { ADDRESSES_ARENA = 64 << 20 };

int subject_open(const char *name, const char *path, struct subject *s)
{
	return subject_open_with(name, path, VIEW_NONE, s);
}

int subject_open_with(const char *name, const char *path, struct view part, struct subject *s)
{
	int status = EXIT_SUCCESS;
	struct error e;

	*s = (struct subject){.is_policy = !is_bundle(path)};
	buffer_init(&s->bundle, BUNDLE_MAX);
	arena_init(&s->reading.arena, 1);
	if (s->is_policy) {
		status = policy_open_with(name, path, part, &s->policy);
		if (!status && policy_try(&s->policy, &s->bundle, &e))
			status = command_failed(name, &e);
	} else if (file_read(path, &s->bundle, NULL, &e)) {
		status = command_failed(name, &e);
	}
	if (!status && reading_init(&s->reading, buffer_view(&s->bundle), &e)) {
		error_prefix(&e, "%s", path);
		status = command_failed(name, &e);
	}
	return status;
}

/* As a file of theirs would have it. */
static enum err write_bundle(struct view objects, struct buffer *out, struct error *e)
{
	struct bundle bundle;
	struct arena arena;
	enum err code;

	arena_init(&arena, BUNDLE_MAX);
	code = bundle_read_objects(objects, &arena, &bundle, e);
	if (!code)
		code = bundle_write(&bundle, out, e);
	arena_fini(&arena);
	return code;
}

int subject_open_objects(
	const char *name, const char *what, struct view objects, struct subject *s)
{
	struct error e;

	*s = (struct subject){0};
	buffer_init(&s->bundle, BUNDLE_MAX);
	arena_init(&s->reading.arena, 1);
	if (!write_bundle(objects, &s->bundle, &e) &&
		!reading_init(&s->reading, buffer_view(&s->bundle), &e))
		return EXIT_SUCCESS;
	error_prefix(&e, "%s", what);
	return command_failed(name, &e);
}

void subject_fini(struct subject *s)
{
	reading_fini(&s->reading);
	buffer_fini(&s->bundle);
	if (s->is_policy)
		policy_file_fini(&s->policy);
}

/* --- names of addresses --- */

static bool is_list(const struct address_list *list, enum flow_family family,
	struct flow_intervals wanted, struct arena *arena)
{
	struct flow_match match = {0};

	if (!region_addresses(arena, &match, FLOW_SOURCE, list, family))
		return false;
	if (match.field[FLOW_SOURCE].count != wanted.count)
		return false;
	for (size_t i = 0; i < wanted.count; i++) {
		const struct flow_interval *a = &match.field[FLOW_SOURCE].list[i],
					   *b = &wanted.list[i];

		if (flow_value_compare(a->low, b->low) || flow_value_compare(a->high, b->high))
			return false;
	}
	return true;
}

/* A network before a role before a node: the author's word for exactly these addresses. */
static const char *name_of(const struct model *m, enum flow_family family,
	struct flow_intervals addresses, struct arena *arena)
{
	for (size_t i = 0; i < m->network_count; i++)
		if (is_list(&m->networks[i].addresses, family, addresses, arena))
			return m->networks[i].name;
	for (size_t i = 0; i < m->role_count; i++)
		if (is_list(&m->roles[i].addresses, family, addresses, arena))
			return m->roles[i].name;
	for (size_t i = 0; i < m->node_count; i++)
		if (is_list(&m->nodes[i].addresses, family, addresses, arena))
			return m->nodes[i].name;
	return NULL;
}

static bool print_name(
	void *context, struct buffer *out, enum flow_family family, struct flow_intervals addresses)
{
	const struct model *m = context;
	struct arena arena;
	const char *name;

	arena_init(&arena, ADDRESSES_ARENA);
	name = name_of(m, family, addresses, &arena);
	if (name)
		buffer_put_text(out, "%s (%s)", name, family == FLOW_IPV6 ? "IPv6" : "IPv4");
	arena_fini(&arena);
	return name != NULL;
}

/* --- printing --- */

static void print_roles(const char *word, struct flow_intervals numbers,
	const struct policy_roles *roles, struct buffer *out)
{
	const char *between = "";

	if (numbers.count == 0)
		return;
	buffer_put_text(out, " %s ", word);
	for (size_t i = 0; i < numbers.count; i++)
		for (uint64_t n = numbers.list[i].low.low; n <= numbers.list[i].high.low; n++) {
			if (n > roles->count)
				break;
			buffer_put_text(
				out, "%s%s", between, n ? roles->names[n - 1] : "(no role)");
			between = " or ";
		}
}

void subject_print_match(const struct subject *s, const struct policy_roles *roles,
	const struct flow_match *match, struct buffer *out)
{
	const struct flow_names names = {.addresses = print_name,
		/* The callback only reads. */
		.context = (void *)(uintptr_t)&s->policy.model};
	struct flow_match plain = *match;

	plain.field[FLOW_IN_ROLE] = plain.field[FLOW_OUT_ROLE] = (struct flow_intervals){0};
	flow_print_match(out, &plain, s->is_policy ? &names : NULL);
	print_roles("in by", match->field[FLOW_IN_ROLE], roles, out);
	print_roles("out by", match->field[FLOW_OUT_ROLE], roles, out);
}

void subject_print_rule(const struct subject *s, const struct policy_rule *rule, struct buffer *out)
{
	const struct model_rule *written = NULL;

	if (!rule) {
		buffer_put_text(out, "no rule");
		return;
	}
	buffer_put_text(out, "\"%s\"", rule->name);
	if (s->is_policy)
		written = model_rule(&s->policy.model, rule->name);
	if (written) {
		buffer_put_text(out, " at ");
		place_print(&s->policy.diagnostics, written->at, out);
	}
}

void print_verdict(const struct policy_verdict *verdict, struct buffer *out)
{
	if (verdict->compound)
		policy_print_verdict(out, verdict);
	else if (verdict->action == POLICY_PROTECT)
		buffer_put_text(out, "protect with %s%s", verdict->protection->name,
			verdict->demand == POLICY_PREFERRED ? ", or in clear" : "");
	else
		buffer_put_text(out, verdict->action == POLICY_BYPASS ? "allow" : "deny");
}

void print_flow(const struct flow *flow, const struct policy_roles *roles, struct buffer *out)
{
	flow_print(out, flow);
	if (flow->direction != FLOW_FORWARD)
		return;
	buffer_put_text(out, ", in by %s, out by %s",
		flow->in_role && flow->in_role <= roles->count ? roles->names[flow->in_role - 1]
							       : "(no role)",
		flow->out_role && flow->out_role <= roles->count ? roles->names[flow->out_role - 1]
								 : "(no role)");
}
