/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/process.h"

#include <stdio.h>

#include "pep/enforce/associations.h"
#include "pep/enforce/explain.h"

enum { PLAN_TEXT_MAX = CONTROL_REPLY_MAX / 2 };

static enum err control_status(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;
	json_t *status = enforcement_status(p->enforcement, now_utc());

	(void)request;
	if (!status)
		return error_set(e, E_MEMORY, "no memory for the status");
	json_object_set_new(status, "pdp", pdps_describe(&p->pdps, p->net != NULL));
	json_object_set_new(status, "servers", pdps_describe_table(&p->pdps));
	json_object_set_new(status, "connections", connections_describe(p->connections));
	if (connections_disorder(p->connections)) {
		char text[ERROR_TEXT_SIZE + 64];

		snprintf(text, sizeof text, "connections of before may go on: %s",
		         connections_disorder(p->connections));
		json_array_append_new(json_object_get(status, "disorder"),
		                      control_text(view_of_string(text)));
	}
	if (p->pdps.state != CONTACT_OPEN) {
		char text[MESSAGE_TEXT_MAX + 32];

		snprintf(text, sizeof text, "no session with a PDP%s%s",
		         p->pdps.reason[0] ? ": " : "", p->pdps.reason);
		json_array_append_new(json_object_get(status, "disorder"),
		                      control_text(view_of_string(text)));
	}
	*ret = status;
	return E_OK;
}

static enum err control_policy(void *context, const json_t *request, json_t **ret, struct error *e)
{
	const json_t *set = json_object_get(request, "set");
	struct process *p = context;

	if (set && !json_is_string(set))
		return error_set(e, E_RANGE, "set: a name is wanted");
	return enforcement_policy(p->enforcement, json_string_value(set), now_utc(), ret, e);
}

static enum err control_plan(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;
	struct buffer b;

	(void)request;
	buffer_init(&b, PLAN_TEXT_MAX);
	enforcement_print_plan(p->enforcement, &b);
	*ret = b.error ? NULL : json_stringn((const char *)b.data, b.len);
	buffer_fini(&b);
	return *ret ? E_OK : error_set(e, E_LIMIT, "the plan is too long to be shown");
}

static enum err control_explain(void *context, const json_t *request, json_t **ret,
                                struct error *e)
{
	struct process *p = context;

	return explain_answer(enforcement_plan(p->enforcement),
	                      enforcement_interfaces(p->enforcement), request, ret, e);
}

static enum err control_sa(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;

	(void)request;
	return associations_answer(p->kernel, enforcement_plan(p->enforcement), ret, e);
}

static enum err control_rules(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;

	(void)request;
	return enforcement_rules(p->enforcement, ret, e);
}

static enum err control_log(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;
	const char *levels = json_string_value(json_object_get(request, "levels"));
	struct buffer b;
	enum err err = levels ? log_configure(p->log, levels, e) : E_OK;

	if (err)
		return err;
	buffer_init(&b, 4096);
	log_levels(p->log, &b);
	*ret = json_string(buffer_string(&b));
	buffer_fini(&b);
	return E_OK;
}

static enum err control_trace(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;

	return trace_live_answer(p->trace, request, now_ms(), ret, e);
}

static enum err control_events(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;

	return events_answer(p->events, request, ret, e);
}

static enum err control_refusals(void *context, const json_t *request, json_t **ret,
                                 struct error *e)
{
	struct process *p = context;

	(void)request;
	*ret = json_array();
	refusals_add_json(&p->refused, "decisions", *ret);
	refusals_add_json(control_server_refusals(p->control), "control", *ret);
	return *ret ? E_OK : error_set(e, E_MEMORY, "no memory for the counters");
}

const struct control_command process_commands[] = {
	{"status", control_status, "what is in force, since when, and what is not in order"},
	{"policy", control_policy, "sets in force and their rules; of the one that \"set\" names"},
	{"explain", control_explain, "what becomes of a flow: \"direction\", \"from\", \"to\" and more"},
	{"plan", control_plan, "what the kernel is to hold, as text"},
	{"sa", control_sa, "SAs in the kernel by protection, without their keys"},
	{"rules", control_rules, "rules and reasons of drops, with their counters"},
	{"refusals", control_refusals, "what was refused, counted by reason"},
	{"trace", control_trace, "the messages of the session as they pass"},
	{"events", control_events, "what was done and met with, as it happens"},
	{"log", control_log, "levels of the log; \"levels\" sets them"},
	{0},
};
