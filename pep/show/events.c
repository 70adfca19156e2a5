/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/show/show.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/service/control.h"
#include "pep/show/answer.h"

enum { WAIT_MS = 3600 * 1000 }; /* for something to happen; then it is asked again */

static void show_event(const json_t *event)
{
	const char *text = answer_string(event, "text");

	show_time(answer_number(event, "time") / 1000000);
	printf("  %-15s", answer_string(event, "event"));
	if (answer_number(event, "decision"))
		printf(" decision %" JSON_INTEGER_FORMAT ",", answer_number(event, "decision"));
	printf(" index %" JSON_INTEGER_FORMAT, answer_number(event, "index"));
	if (answer_number(event, "count"))
		printf(", %" JSON_INTEGER_FORMAT, answer_number(event, "count"));
	if (text[0]) {
		printf(": ");
		show_clean(text);
	}
	putchar('\n');
}

static void show_answer(const json_t *answer, bool json)
{
	json_t *event;
	size_t i;

	/* Not among lines for machines: there a gap of the numbers says so. */
	if (!json && answer_number(answer, "lost"))
		printf("(%" JSON_INTEGER_FORMAT " events passed faster than they were asked for)\n",
		       answer_number(answer, "lost"));
	json_array_foreach(json_object_get(answer, "events"), i, event) {
		if (json) {
			json_dumpf(event, stdout, JSON_COMPACT);
			putchar('\n');
		} else {
			show_event(event);
		}
	}
	fflush(stdout);
}

/* One request and its answer; *from is the number to ask for then. */
static enum err ask(const char *socket, bool json, json_int_t *from, struct error *e)
{
	json_t *request = json_pack("{s:s}", "command", "events"), *answer = NULL;
	enum err err;

	if (request && *from)
		json_object_set_new(request, "from", json_integer(*from));
	err = request ? control_call(socket, request, WAIT_MS, &answer, e)
	              : error_set(e, E_MEMORY, "out of memory");
	json_decref(request);
	if (err)
		return err;
	show_answer(answer, json);
	*from = answer_number(answer, "next");
	json_decref(answer);
	return E_OK;
}

int show_events(const char *socket, bool follow, bool json)
{
	json_int_t from = 0;
	struct error e;
	enum err err = ask(socket, json, &from, &e);

	while (follow && !ferror(stdout) && (!err || err == E_TIMEOUT))
		err = ask(socket, json, &from, &e);
	if (!err || err == E_TIMEOUT)
		return EXIT_SUCCESS;
	fprintf(stderr, "pepctl: %s\n", e.text);
	return EXIT_FAILURE;
}
