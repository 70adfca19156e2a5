/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/standing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/service/control.h"

enum { CALL_MS = 10000, BAR_WIDTH = 40 };

static const struct {
	const char *line;
	bool pending; /* will report, or refuse */
} standings[STANDINGS_END] = {
	[STANDING_IN_FORCE] = {"have it in force", false},
	[STANDING_FAILED] = {"have refused it", false},
	[STANDING_BEHIND] = {"have not reported it yet", true},
	[STANDING_CONNECTED] = {"are connected and have reported nothing yet", true},
	[STANDING_SILENT] = {"are connected and do not report", false},
	[STANDING_AWAY] = {"are away", false},
	[STANDING_NEVER_SEEN] = {"were never seen", false},
};

/* ---- The table ---- */

static void free_nodes(struct standing_node *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(nodes[i].name);
		free(nodes[i].reason);
	}
	free(nodes);
}

void standing_fini(struct standing_table *t)
{
	free_nodes(t->nodes, t->count);
	free(t->roles);
	free(t->tenant);
	*t = (struct standing_table){0};
}

void standing_begin(struct standing_table *t)
{
	t->begun = false;
	t->known = 0;
}

bool standing_is_whole(const struct standing_table *t)
{
	return t->begun && t->known == t->count;
}

/* Names and reasons come from elsewhere, and go to a terminal. */
static char *copy(struct view text)
{
	char *out = malloc(text.len + 1);

	for (size_t i = 0; out && i < text.len; i++)
		out[i] = (char)(text.data[i] < 0x20 || text.data[i] > 0x7e ? '?' : text.data[i]);
	if (out)
		out[text.len] = '\0';
	return out;
}

static bool is_there(enum publishing_standing standing)
{
	return standing != STANDING_AWAY && standing != STANDING_NEVER_SEEN;
}

/* Nodes mostly keep their numbers. */
static bool was_there(const struct standing_node *old, size_t count, size_t guess, const char *name)
{
	if (guess < count && old[guess].name && strcmp(old[guess].name, name) == 0)
		return old[guess].was_there;
	for (size_t i = 0; i < count; i++)
		if (old[i].name && strcmp(old[i].name, name) == 0)
			return old[i].was_there;
	return false;
}

static enum err take_state(
	struct standing_table *t, const struct publishing_state *state, struct error *e)
{
	bool same = t->begun && t->state.serial == state->serial &&
		    t->state.tried == state->tried && t->count == state->nodes;
	struct standing_node *nodes;
	char *roles, *tenant;

	if (same)
		return E_OK;
	nodes = calloc((size_t)state->nodes + 1, sizeof *nodes);
	roles = copy(state->roles);
	tenant = copy(state->tenant);
	if (!nodes || !roles || !tenant) {
		free(nodes);
		free(roles);
		free(tenant);
		return error_set(e, E_MEMORY, "no memory for %" PRIu32 " nodes", state->nodes);
	}
	/* Until its row comes, a node is what it was before under this number. */
	for (size_t i = 0; i < state->nodes && i < t->count; i++) {
		nodes[i] = t->nodes[i];
		nodes[i].known = false;
		nodes[i].shown = 0;
	}
	for (size_t i = state->nodes; i < t->count; i++) {
		free(t->nodes[i].name);
		free(t->nodes[i].reason);
	}
	free(t->nodes);
	free(t->roles);
	free(t->tenant);
	t->state = *state;
	t->state.roles = view_of_string(roles);
	t->state.tenant = view_of_string(tenant);
	t->roles = roles;
	t->tenant = tenant;
	t->nodes = nodes;
	t->count = state->nodes;
	t->known = 0;
	t->begun = true;
	return E_OK;
}

static enum err take_node(
	struct standing_table *t, size_t which, const struct node_standing *now, struct error *e)
{
	struct standing_node *node = &t->nodes[which];
	char *name = copy(now->node), *reason = copy(now->reason);
	bool before;

	if (!name || !reason) {
		free(name);
		free(reason);
		return error_set(e, E_MEMORY, "no memory for a node");
	}
	before = was_there(t->nodes, t->count, which, name);
	t->known += !node->known;
	if (!node->name || strcmp(node->name, name) != 0)
		node->shown = 0;
	free(node->name);
	free(node->reason);
	node->name = name;
	node->reason = reason;
	node->known = true;
	node->now = *now;
	node->now.node = view_of_string(name);
	node->now.reason = view_of_string(reason);
	node->was_there = before || is_there(now->standing);
	return E_OK;
}

enum err standing_take(struct standing_table *t, struct view installs, struct error *e)
{
	struct cursor run = cursor_over(installs);
	struct publishing_item item;
	enum err code;

	do {
		code = publishing_next(&run, &item, e);
		if (!code && item.kind == PUBLISHING_STATE)
			code = take_state(t, &item.state, e);
		else if (!code && item.kind == PUBLISHING_NODE && item.instance <= t->count)
			code = take_node(t, item.instance - 1, &item.node, e);
		else if (!code && item.kind != PUBLISHING_END)
			code = error_set(e, E_PROTOCOL, "something else than standings");
	} while (!code && item.kind != PUBLISHING_END);
	return code;
}

/* ---- From a control socket ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static enum publishing_standing standing_of(const char *word)
{
	for (unsigned s = 1; s < STANDINGS_END; s++)
		if (strcmp(publishing_standing_word((enum publishing_standing)s), word) == 0)
			return (enum publishing_standing)s;
	return STANDING_BEHIND;
}

static enum err take_json(struct standing_table *t, const json_t *answer, struct error *e)
{
	const json_t *nodes = json_object_get(answer, "nodes"), *node;
	const struct publishing_state state = {
		.serial = number_of(answer, "serial"),
		.tried = number_of(answer, "tried"),
		.nodes = (uint32_t)json_array_size(nodes),
	};
	enum err code = take_state(t, &state, e);
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		const struct node_standing now = {
			.node = view_of_string(text_of(node, "node")),
			.standing = standing_of(text_of(node, "standing")),
			.serial = number_of(node, "serial"),
			.since = number_of(node, "since"),
			.reported = number_of(node, "reported"),
			.tries = json_is_true(json_object_get(node, "tries")),
			.reason = view_of_string(text_of(node, "reason")),
		};

		if (!code)
			code = take_node(t, i, &now, e);
	}
	return code;
}

enum err standing_ask(const char *socket, struct standing_table *t, struct error *e)
{
	json_t *request = json_pack("{s:s}", "command", "nodes"), *answer = NULL;
	enum err code = request ? control_call(socket, request, CALL_MS, &answer, e)
				: error_set(e, E_MEMORY, "out of memory");

	standing_begin(t);
	if (!code)
		code = take_json(t, answer, e);
	json_decref(request);
	json_decref(answer);
	return code;
}

/* ---- What it says ---- */

size_t standing_count(const struct standing_table *t, enum publishing_standing wanted)
{
	size_t count = 0;

	for (size_t i = 0; i < t->count; i++)
		count += t->nodes[i].now.standing == wanted;
	return count;
}

bool standing_is_pending(const struct standing_node *node)
{
	return !node->known || standings[node->now.standing].pending ||
	       (node->now.standing == STANDING_AWAY && node->was_there);
}

size_t standing_pending(const struct standing_table *t)
{
	size_t pending = 0;

	for (size_t i = 0; i < t->count; i++)
		pending += standing_is_pending(&t->nodes[i]);
	return pending;
}

static void print_names(const struct standing_table *t, enum publishing_standing wanted)
{
	const char *between = ": ";

	for (size_t i = 0; i < t->count; i++) {
		if (t->nodes[i].now.standing != wanted)
			continue;
		printf("%s%s%s", between, t->nodes[i].name,
			t->nodes[i].now.tries ? " (tries)" : "");
		between = ", ";
	}
}

static void print_trial(const struct standing_table *t)
{
	if (!t->state.tried)
		return;
	printf("serial %" PRIu64 " is tried", t->state.tried);
	if (t->state.share)
		printf(" by %" PRIu32 " %% of the nodes", t->state.share);
	else if (t->roles && *t->roles)
		printf(" by nodes with the roles %s", t->roles);
	putchar('\n');
}

void standing_print(const struct standing_table *t)
{
	if (!t->state.serial) {
		puts("nothing is published yet");
		return;
	}
	printf("serial %" PRIu64 ", %zu nodes\n", t->state.serial, t->count);
	print_trial(t);
	for (unsigned s = 1; s < STANDINGS_END; s++) {
		size_t count = standing_count(t, (enum publishing_standing)s);

		if (!count)
			continue;
		printf("%zu %s", count, standings[s].line);
		print_names(t, (enum publishing_standing)s);
		putchar('\n');
	}
	for (size_t i = 0; i < t->count; i++)
		if (t->nodes[i].now.standing == STANDING_FAILED)
			printf("  %s: %s\n", t->nodes[i].name, t->nodes[i].reason);
}

static json_t *node_json(const struct standing_node *node)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:s}", "node", node->name, "standing",
		publishing_standing_word(node->now.standing), "serial",
		(json_int_t)node->now.serial, "since", (json_int_t)node->now.since, "reported",
		(json_int_t)node->now.reported, "tries", (int)node->now.tries, "reason",
		node->reason);
}

json_t *standing_json(const struct standing_table *t)
{
	json_t *nodes = json_array();
	bool whole = nodes != NULL;

	for (size_t i = 0; whole && i < t->count; i++)
		whole = !json_array_append_new(nodes, node_json(&t->nodes[i]));
	if (!whole) {
		json_decref(nodes);
		return NULL;
	}
	return json_pack("{s:I, s:I, s:I, s:s, s:o}", "serial", (json_int_t)t->state.serial,
		"tried", (json_int_t)t->state.tried, "share", (json_int_t)t->state.share, "roles",
		t->roles ? t->roles : "", "nodes", nodes);
}

/* ---- Progress ---- */

void progress_bar(size_t done, size_t all)
{
	const int filled = (int)(all ? done * BAR_WIDTH / all : BAR_WIDTH);

	fprintf(stderr, "\r[%-*.*s] %zu of %zu", BAR_WIDTH, filled,
		"########################################", done, all);
	fflush(stderr);
}

void progress_end(void)
{
	fputc('\n', stderr);
}

void standing_show_bar(const struct standing_table *t)
{
	progress_bar(t->count - standing_pending(t), t->count);
}

void standing_show_lines(struct standing_table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct standing_node *node = &t->nodes[i];

		if (!node->known || node->shown == node->now.standing)
			continue;
		node->shown = node->now.standing;
		if (standings[node->now.standing].pending)
			continue;
		fprintf(stderr, "%s: %s%s%s\n", node->name,
			publishing_standing_word(node->now.standing), *node->reason ? ": " : "",
			node->reason);
	}
}
