/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diff: what a change of a policy means, flow by flow. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/commands/command.h"
#include "pmt/commands/subject.h"
#include "pmt/reasoning/diff.h"

enum { DIFF_TEXT_MAX = 64 << 20, WHO_SHOWN = 4, EXIT_WIDENS = 3 };

const struct option_row diff_options[] = {
	{'j', "json", NULL, "as JSON"},
	{0},
};

static const char *const directions[] = {"in", "out", "forward"};

static const struct {
	const char *shown, *word; /* to people; in JSON */
} effects[] = {
	[DIFF_WIDENS] = {"WIDENS", "widens"},
	[DIFF_CHANGES] = {"CHANGES", "changes"},
	[DIFF_TIGHTENS] = {"tightens", "tightens"},
	[DIFF_LOGS] = {"logs", "logs"},
};

static void put_who(const struct diff_place *place, struct buffer *out)
{
	for (size_t i = 0; i < place->who_count && i < WHO_SHOWN; i++)
		buffer_put_text(out, "%s%s", i ? ", " : "", place->who[i]);
	if (place->who_count > WHO_SHOWN)
		buffer_put_text(out, " and %zu more", place->who_count - WHO_SHOWN);
}

static void put_place(const struct diff_place *place, struct buffer *out)
{
	const char *was = *place->before ? place->before : "(no role)",
		   *is = *place->after ? place->after : "(no role)";

	buffer_put_text(out, "%s, %s", is, directions[place->direction]);
	if (strcmp(was, is) != 0)
		buffer_put_text(out, ", before with the roles %s", was);
	buffer_put_text(out, " (");
	put_who(place, out);
	buffer_put_text(out, ")\n");
}

static void put_verdict(const struct policy_verdict *verdict, struct buffer *out)
{
	print_verdict(verdict, out);
	policy_print_manner(out, verdict);
}

static void put_change(const struct subject *before, const struct subject *after,
	const struct diff *d, const struct diff_change *change, struct buffer *out)
{
	buffer_put_text(out, "  %-8s ", effects[change->effect].shown);
	put_verdict(&change->before, out);
	buffer_put_text(out, " -> ");
	put_verdict(&change->after, out);
	if (change->when->count) {
		buffer_put_text(out, ", ");
		cases_print(change->when, out);
	}
	buffer_put_u8(out, '\n');
	for (size_t i = 0; i < change->box_count; i++) {
		buffer_put_text(out, "    ");
		subject_print_match(after, &d->roles, &change->boxes[i], out);
		buffer_put_u8(out, '\n');
	}
	if (change->more_boxes)
		buffer_put_text(out, "    and others\n");
	buffer_put_text(out, "    such as ");
	print_flow(&change->sample, &d->roles, out);
	buffer_put_text(out, ":\n      before ");
	subject_print_rule(before, change->rule_before, out);
	buffer_put_text(out, ", now ");
	subject_print_rule(after, change->rule_after, out);
	buffer_put_u8(out, '\n');
}

static void put_nodes(const char *what, const char **names, size_t count, struct buffer *out)
{
	for (size_t i = 0; i < count; i++)
		buffer_put_text(out, "node %s is %s\n", names[i], what);
}

static void put_diff(const struct subject *before, const struct subject *after,
	const struct diff *d, struct buffer *out)
{
	put_nodes("new", d->new_nodes, d->new_count, out);
	put_nodes("gone", d->gone_nodes, d->gone_count, out);
	for (size_t i = 0; i < d->place_count; i++) {
		put_place(&d->places[i], out);
		for (size_t k = 0; k < d->places[i].change_count; k++)
			put_change(before, after, d, &d->places[i].changes[k], out);
	}
	if (d->changes == 0)
		buffer_put_text(out, "no flow is treated in another way\n");
	else
		buffer_put_text(out, "%zu changes, %zu of them let more pass\n", d->changes, d->widening);
}

/* --- JSON --- */

static json_t *take_text(struct buffer *text)
{
	json_t *string = json_string(buffer_string(text));

	buffer_reset(text);
	return string;
}

static json_t *json_change(const struct subject *before, const struct subject *after,
	const struct diff *d, const struct diff_change *change, struct buffer *text)
{
	json_t *object = json_object(), *flows = json_array();

	put_verdict(&change->before, text);
	json_object_set_new(object, "before", take_text(text));
	put_verdict(&change->after, text);
	json_object_set_new(object, "after", take_text(text));
	json_object_set_new(object, "effect", json_string(effects[change->effect].word));
	json_object_set_new(object, "widens", json_boolean(diff_lets_more(change->effect)));
	cases_print(change->when, text);
	json_object_set_new(object, "when", take_text(text));
	for (size_t i = 0; i < change->box_count; i++) {
		subject_print_match(after, &d->roles, &change->boxes[i], text);
		json_array_append_new(flows, take_text(text));
	}
	json_object_set_new(object, "flows", flows);
	json_object_set_new(object, "more", json_boolean(change->more_boxes));
	print_flow(&change->sample, &d->roles, text);
	json_object_set_new(object, "sample", take_text(text));
	subject_print_rule(before, change->rule_before, text);
	json_object_set_new(object, "ruleBefore", take_text(text));
	subject_print_rule(after, change->rule_after, text);
	json_object_set_new(object, "ruleAfter", take_text(text));
	return object;
}

static json_t *json_names(const char **names, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static void print_json(
	const struct subject *before, const struct subject *after, const struct diff *d)
{
	json_t *all = json_object(), *places = json_array();
	struct buffer text;

	buffer_init(&text, DIFF_TEXT_MAX);
	for (size_t i = 0; i < d->place_count; i++) {
		const struct diff_place *place = &d->places[i];
		json_t *changes = json_array();

		for (size_t k = 0; k < place->change_count; k++)
			json_array_append_new(
				changes, json_change(before, after, d, &place->changes[k], &text));
		json_array_append_new(places,
			json_pack("{s:s, s:s, s:s, s:o, s:o}", "direction",
				directions[place->direction], "rolesBefore", place->before, "roles",
				place->after, "at", json_names(place->who, place->who_count),
				"changes", changes));
	}
	json_object_set_new(all, "newNodes", json_names(d->new_nodes, d->new_count));
	json_object_set_new(all, "goneNodes", json_names(d->gone_nodes, d->gone_count));
	json_object_set_new(all, "places", places);
	json_object_set_new(all, "changes", json_integer((json_int_t)d->changes));
	json_object_set_new(all, "widening", json_integer((json_int_t)d->widening));
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
	buffer_fini(&text);
}

int diff_run(const char *name, struct subject *before, struct subject *after, bool json)
{
	int status = EXIT_SUCCESS;
	struct buffer out;
	struct error e;
	struct diff d;

	buffer_init(&out, DIFF_TEXT_MAX);
	if (diff_find(&d, &before->reading, &after->reading, &e)) {
		status = command_failed(name, &e);
	} else if (json) {
		print_json(before, after, &d);
	} else {
		put_diff(before, after, &d, &out);
		status = command_output(name, &out);
	}
	if (!status && d.widening)
		status = EXIT_WIDENS;
	diff_fini(&d);
	buffer_fini(&out);
	return status;
}

int command_diff(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS;
	struct subject before, after;
	bool json = false;
	struct options o;

	(void)context;
	command_begin(&o, diff_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		json = true;
	if (id < 0)
		return status;
	if (o.argc != 2)
		return command_misused(
			argv[0], "two policies or bundles are compared, not %d", o.argc);
	status = subject_open(argv[0], o.argv[0], &before);
	if (!status) {
		status = subject_open(argv[0], o.argv[1], &after);
		if (!status)
			status = diff_run(argv[0], &before, &after, json);
		subject_fini(&after);
	}
	subject_fini(&before);
	return status;
}
