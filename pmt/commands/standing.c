/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/standing.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/service/control.h"

enum { CALL_MS = 10000, ASK_EVERY_MS = 200, BAR_WIDTH = 40 };

enum standing { IN_FORCE, FAILED, BEHIND, CONNECTED, SILENT, AWAY, NEVER_SEEN, STANDINGS };
/* The first words are those of the control socket. */
static const struct {
	const char *word, *line;
	bool pending; /* will report, or refuse */
} standings[STANDINGS] = {
	[IN_FORCE] = {"in force", "have it in force", false},
	[FAILED] = {"failed", "have refused it", false},
	[BEHIND] = {"behind", "have not reported it yet", true},
	[CONNECTED] = {"connected", "are connected and have reported nothing yet", true},
	[SILENT] = {"silent", "are connected and do not report", false},
	[AWAY] = {"away", "are away", false},
	[NEVER_SEEN] = {"never seen", "were never seen", false},
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static enum standing standing_of(const json_t *node)
{
	for (int s = 0; s < STANDINGS; s++)
		if (strcmp(standings[s].word, text_of(node, "standing")) == 0)
			return (enum standing)s;
	return BEHIND;
}

enum err standing_ask(const char *socket, json_t **ret, struct error *e)
{
	json_t *request = json_pack("{s:s}", "command", "nodes");
	enum err code = request ? control_call(socket, request, CALL_MS, ret, e)
				: error_set(e, E_MEMORY, "out of memory");

	json_decref(request);
	return code;
}

static size_t count(const json_t *answer, enum standing wanted)
{
	const json_t *node;
	size_t i, n = 0;

	json_array_foreach(json_object_get(answer, "nodes"), i, node) n +=
		standing_of(node) == wanted;
	return n;
}

/* Names and reasons come from nodes. */
static void put_clean(FILE *to, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, to);
}

static void put_nodes(const json_t *answer, enum standing wanted)
{
	const json_t *node;
	size_t i, n = 0;

	json_array_foreach(
		json_object_get(answer, "nodes"), i, node) if (standing_of(node) == wanted)
	{
		fputs(n++ ? ", " : ": ", stdout);
		put_clean(stdout, text_of(node, "node"));
	}
}

void standing_print(const json_t *answer)
{
	const json_int_t serial = json_integer_value(json_object_get(answer, "serial"));
	const json_t *node;
	size_t i;

	if (!serial) {
		puts("nothing is published yet");
		return;
	}
	printf("serial %" JSON_INTEGER_FORMAT ", %zu nodes\n", serial,
		json_array_size(json_object_get(answer, "nodes")));
	for (int s = 0; s < STANDINGS; s++) {
		if (count(answer, (enum standing)s) == 0)
			continue;
		printf("%zu %s", count(answer, (enum standing)s), standings[s].line);
		put_nodes(answer, (enum standing)s);
		putchar('\n');
	}
	json_array_foreach(
		json_object_get(answer, "nodes"), i, node) if (standing_of(node) == FAILED)
	{
		fputs("  ", stdout);
		put_clean(stdout, text_of(node, "node"));
		fputs(": ", stdout);
		put_clean(stdout, text_of(node, "reason"));
		putchar('\n');
	}
}

bool standing_any_failed(const json_t *answer)
{
	return count(answer, FAILED) > 0;
}

/* --- waiting --- */

static size_t count_pending(const json_t *answer, uint64_t serial)
{
	const uint64_t now = (uint64_t)json_integer_value(json_object_get(answer, "serial"));
	size_t pending = 0;

	for (int s = 0; s < STANDINGS; s++)
		if (standings[s].pending)
			pending += count(answer, (enum standing)s);
	/* Until the decision point has it, nobody can. */
	return now < serial ? pending + 1 : pending;
}

static void show_bar(const json_t *answer, size_t pending)
{
	const size_t all = json_array_size(json_object_get(answer, "nodes"));
	const size_t done = all > pending ? all - pending : 0;
	const int filled = (int)(all ? done * BAR_WIDTH / all : BAR_WIDTH);

	fprintf(stderr, "\r[%-*.*s] %zu of %zu", BAR_WIDTH, filled,
		"########################################", done, all);
	fflush(stderr);
}

/* Who was pending in the answer before and is not any more. */
static void show_lines(const json_t *before, const json_t *now)
{
	const json_t *node, *old;
	size_t i, k;

	json_array_foreach(json_object_get(now, "nodes"), i, node)
	{
		bool was_pending = true;

		json_array_foreach(json_object_get(before, "nodes"), k,
			old) if (strcmp(text_of(old, "node"), text_of(node, "node")) == 0)
			was_pending = standings[standing_of(old)].pending;
		if (!was_pending || standings[standing_of(node)].pending)
			continue;
		put_clean(stderr, text_of(node, "node"));
		fprintf(stderr, ": %s%s", standings[standing_of(node)].word,
			*text_of(node, "reason") ? ": " : "");
		put_clean(stderr, text_of(node, "reason"));
		fputc('\n', stderr);
	}
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum err standing_wait(
	const char *socket, uint64_t serial, uint64_t timeout_ms, json_t **ret, struct error *e)
{
	const uint64_t until = now_ms() + timeout_ms;
	const bool terminal = isatty(STDERR_FILENO);
	json_t *before = NULL, *now = NULL;
	size_t pending;
	enum err code;

	for (;;) {
		code = standing_ask(socket, &now, e);
		if (code)
			break;
		pending = count_pending(now, serial);
		if (terminal)
			show_bar(now, pending);
		else
			show_lines(before, now);
		if (pending && now_ms() >= until)
			code = error_set(
				e, E_TIMEOUT, "%zu nodes have not reported in time", pending);
		if (!pending || code)
			break;
		json_decref(before);
		before = now;
		now = NULL;
		poll(NULL, 0, ASK_EVERY_MS);
	}
	if (terminal)
		fputc('\n', stderr);
	json_decref(before);
	*ret = now;
	return code;
}
