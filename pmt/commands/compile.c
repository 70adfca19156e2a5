/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "pmt/commands/command.h"
#include "pmt/commands/policy.h"
#include "pmt/compiler/changes.h"
#include "pmt/compiler/unable.h"

enum {
	OPTION_SERIAL = 256,
	OPTION_PREVIOUS,
	OPTION_DROP_SIGNATURES,
	OPTION_TIME,
	OPTION_NOT_BEFORE,
	OPTION_NOT_AFTER
};

const struct option_row compile_options[] = {
	{'o', "output", "FILE", "the bundle; else the policy's name with .bundle at its end"},
	{OPTION_SERIAL, "serial", "NUMBER",
		"of the new bundle; nodes never go back to a smaller one"},
	{OPTION_PREVIOUS, "previous", "BUNDLE",
		"the last bundle: what is the same keeps number, serial and signatures"},
	{OPTION_DROP_SIGNATURES, "drop-signatures", NULL,
		"do not take over signatures of the previous bundle"},
	{OPTION_TIME, "time", "TIME", "take this as the present time"},
	{OPTION_NOT_BEFORE, "not-before", "TIME", "valid from then on; else the present time"},
	{OPTION_NOT_AFTER, "not-after", "TIME",
		"valid until then; else 3650 days after the beginning"},
	{0},
};

/* What the command line of compile says. */
struct compile_wish {
	const char *output, *previous;
	struct compile_terms terms;
	bool has_serial, has_before, has_after;
	uint64_t time;
};

static bool compile_option(struct compile_wish *w, int id, const char *name, const char *value)
{
	switch (id) {
	case 'o':
		w->output = value;
		return true;
	case OPTION_SERIAL:
		w->has_serial = true;
		return command_number(name, "serial", value, &w->terms.serial);
	case OPTION_PREVIOUS:
		w->previous = value;
		return true;
	case OPTION_DROP_SIGNATURES:
		w->terms.drop_signatures = true;
		return true;
	case OPTION_TIME:
		return command_time(name, "time", value, &w->time);
	case OPTION_NOT_BEFORE:
		w->has_before = true;
		return command_time(name, "not-before", value, &w->terms.not_before);
	default:
		w->has_after = true;
		return command_time(name, "not-after", value, &w->terms.not_after);
	}
}

/* The serial of the last bundle's index; the compiler sees to the others. */
static enum err last_serial(struct bundle_file *previous, uint64_t *ret_serial, struct error *e)
{
	struct set_index index;
	enum err code = bundle_index(&previous->bundle, &previous->arena, &index, e);

	if (!code)
		*ret_serial = index.serial;
	return code;
}

static enum err fill_terms(struct compile_wish *w, struct bundle_file *previous, struct error *e)
{
	uint64_t last = 0;
	enum err code = w->previous ? last_serial(previous, &last, e) : E_OK;

	if (code)
		return code;
	if (last == UINT64_MAX)
		return error_set(e, E_LIMIT, "%s has the last serial there is", w->previous);
	if (!w->has_serial)
		w->terms.serial = last + 1;
	if (w->previous)
		w->terms.previous = &previous->bundle;
	if (!w->has_before)
		w->terms.not_before = w->time;
	if (!w->has_after)
		w->terms.not_after = w->terms.not_before + POLICY_VALIDITY;
	if (w->terms.not_after <= w->terms.not_before)
		return error_set(
			e, E_RANGE, "the policy would never be valid: it ends before it begins");
	return E_OK;
}

/* POLICY.xml -> POLICY.bundle */
static void output_name(const char *policy, struct buffer *out)
{
	size_t len = strlen(policy);

	if (len > 4 && strcmp(policy + len - 4, ".xml") == 0)
		len -= 4;
	buffer_put(out, policy, len);
	buffer_put_text(out, ".bundle");
}

static void print_set_change(const struct set_change *c)
{
	printf("  set %.*s: ", (int)c->name.len, (const char *)c->name.data);
	switch (c->change) {
	case CHANGE_NEW:
		printf("new, %zu PRIs\n", c->pris);
		break;
	case CHANGE_GONE:
		printf("gone, %zu PRIs\n", c->removed);
		break;
	case CHANGE_RENEWED:
		printf("%zu PRIs as before, under a new serial\n", c->pris);
		break;
	default:
		printf("%zu PRIs added, %zu changed, %zu removed, %zu as before\n", c->added,
			c->changed, c->removed, c->pris - c->added - c->changed);
	}
}

static void print_node_change(const struct node_change *c)
{
	static const char *const words[] = {
		[CHANGE_CONTENT] = "changed", [CHANGE_NEW] = "new", [CHANGE_GONE] = "gone"};

	printf("  node %.*s: %s\n", (int)c->name.len, (const char *)c->name.data, words[c->change]);
}

/* What changed, and of the rest how much there is. */
static void print_changes(const struct changes *c, const char *previous)
{
	size_t sets = 0, nodes = 0;

	for (size_t i = 0; i < c->set_count; i++)
		sets += c->sets[i].change == CHANGE_NONE;
	for (size_t i = 0; i < c->node_count; i++)
		nodes += c->nodes[i].change == CHANGE_NONE;
	printf("against %s: %zu sets and %zu nodes are as before; %zu of %zu documents are signed "
	       "already\n",
		previous, sets, nodes, c->signed_documents, c->documents);
	for (size_t i = 0; i < c->set_count; i++)
		if (c->sets[i].change != CHANGE_NONE)
			print_set_change(&c->sets[i]);
	for (size_t i = 0; i < c->node_count; i++)
		if (c->nodes[i].change != CHANGE_NONE)
			print_node_change(&c->nodes[i]);
}

static enum err say_changes(struct view octets, const struct bundle_file *previous,
	const char *previous_name, struct error *e)
{
	struct bundle bundle;
	struct changes changes;
	struct arena arena;
	enum err code;

	arena_init(&arena, (size_t)4 * BUNDLE_MAX);
	code = bundle_read(octets, &arena, &bundle, e);
	if (!code)
		code = changes_find(&bundle, &previous->bundle, &arena, &changes, e);
	if (!code)
		print_changes(&changes, previous_name);
	arena_fini(&arena);
	return code;
}

static enum err write_after(struct compile_wish *w, struct policy_file *f,
	struct bundle_file *previous, const char *path, struct error *e)
{
	struct compile_summary s;
	struct buffer bundle;
	enum err code = fill_terms(w, previous, e);

	if (code)
		return code;
	buffer_init(&bundle, BUNDLE_MAX);
	code = compile_policy(&f->model, &w->terms, &bundle, &s, e);
	if (!code)
		code = unable_find(&f->model, buffer_view(&bundle), &f->diagnostics, e);
	if (!code)
		code = file_replace(path, buffer_view(&bundle), 0644, e);
	if (!code)
		printf("%s: serial %llu, %zu nodes, %zu sets, %zu rules, %zu PRIs, %zu octets, not "
		       "signed\n",
			path, (unsigned long long)w->terms.serial, s.nodes, s.sets, s.rules, s.pris,
			s.octets);
	if (!code && w->previous)
		code = say_changes(buffer_view(&bundle), previous, w->previous, e);
	buffer_fini(&bundle);
	return code;
}

static enum err write_bundle(
	struct compile_wish *w, struct policy_file *f, const char *path, struct error *e)
{
	struct bundle_file previous;
	enum err code;

	if (!w->previous)
		return write_after(w, f, NULL, path, e);
	code = bundle_file_read(&previous, w->previous, e);
	if (!code)
		code = write_after(w, f, &previous, path, e);
	bundle_file_fini(&previous);
	return code;
}

int command_compile(void *context, int argc, char **argv)
{
	struct compile_wish w = {.time = now_utc()};
	int id, status = EXIT_SUCCESS;
	struct policy_file f;
	struct buffer output;
	const char *path;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, compile_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		if (!compile_option(&w, id, argv[0], o.value))
			return EXIT_BAD_USAGE;
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the policy");
	if (!path)
		return EXIT_BAD_USAGE;
	buffer_init(&output, 8192);
	output_name(path, &output);
	status = policy_open(argv[0], path, &f);
	if (!status && write_bundle(&w, &f, w.output ? w.output : buffer_string(&output), &e))
		status = command_failed(argv[0], &e);
	if (!status)
		policy_print_findings(&f);
	buffer_fini(&output);
	policy_file_fini(&f);
	return status;
}
