/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/service/control.h"

struct record {
	struct event event; /* without its text */
	uint64_t time_us;
	char text[ERROR_TEXT_SIZE];
};

struct events {
	void (*told)(void *context);
	void *context;
	uint64_t next; /* number of the one to come; the first is 1 */
	struct record kept[EVENTS_KEPT_MAX]; /* number n at n % EVENTS_KEPT_MAX */
};

static const char *const names[EVENT_KINDS] = {
	[EVENT_RESTORED] = "restored",
	[EVENT_IN_FORCE] = "in force",
	[EVENT_UNCHANGED] = "unchanged",
	[EVENT_REFUSED] = "refused",
	[EVENT_TIME] = "time",
	[EVENT_DRIFT] = "drift",
	[EVENT_REPAIRED] = "repaired",
	[EVENT_NOT_REPAIRED] = "not repaired",
	[EVENT_CUT] = "connections cut",
	[EVENT_TRIAL] = "trial",
	[EVENT_TRIAL_FAILED] = "trial failed",
};

struct events *events_new(void (*told)(void *context), void *context)
{
	struct events *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->told = told;
	v->context = context;
	v->next = 1;
	return v;
}

struct events *events_free(struct events *v)
{
	free(v);
	return NULL;
}

static uint64_t time_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void events_add(struct events *v, const struct event *event)
{
	struct record *r = &v->kept[v->next++ % EVENTS_KEPT_MAX];

	r->event = *event;
	r->event.text = NULL;
	r->time_us = time_us();
	snprintf(r->text, sizeof r->text, "%s", event->text ? event->text : "");
	v->told(v->context);
}

static uint64_t oldest(const struct events *v)
{
	return v->next > EVENTS_KEPT_MAX ? v->next - EVENTS_KEPT_MAX : 1;
}

static json_t *describe(const struct events *v, uint64_t number)
{
	const struct record *r = &v->kept[number % EVENTS_KEPT_MAX];
	const struct event *event = &r->event;

	return json_pack("{s:I, s:I, s:s, s:I, s:I, s:I, s:o}", "number", (json_int_t)number,
	                 "time", (json_int_t)r->time_us, "event", names[event->kind], "index",
	                 (json_int_t)event->index, "decision", (json_int_t)event->decision,
	                 "count", (json_int_t)event->count, "text",
	                 control_text(view_of_string(r->text)));
}

enum err events_answer(struct events *v, const json_t *request, json_t **ret_result,
                       struct error *e)
{
	const json_t *asked = json_object_get(request, "from");
	uint64_t from = oldest(v), lost = 0;
	json_t *list;

	if (asked && (!json_is_integer(asked) || json_integer_value(asked) < 1 ||
	              (uint64_t)json_integer_value(asked) > v->next))
		return error_set(e, E_RANGE, "events: \"from\" is a number out of the reply before");
	if (asked && (uint64_t)json_integer_value(asked) == v->next)
		return error_set(e, E_AGAIN, "nothing has happened");
	if (asked && (uint64_t)json_integer_value(asked) < from)
		lost = from - (uint64_t)json_integer_value(asked);
	else if (asked)
		from = (uint64_t)json_integer_value(asked);
	list = json_array();
	for (uint64_t n = from; list && n < v->next; n++)
		if (json_array_append_new(list, describe(v, n))) {
			json_decref(list);
			list = NULL;
		}
	*ret_result = list ? json_pack("{s:I, s:I, s:o}", "next", (json_int_t)v->next, "lost",
	                               (json_int_t)lost, "events", list)
	                   : NULL;
	return *ret_result ? E_OK : error_set(e, E_MEMORY, "no memory for events");
}
