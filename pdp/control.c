/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/control.h"

#include "common/cops/cops.h"

static enum err answer(json_t *value, json_t **ret_result, struct error *error)
{
	if (!value)
		return error_set(error, E_MEMORY, "out of memory");
	*ret_result = value;
	return E_OK;
}

static enum err nodes(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	(void)request;
	return answer(server_describe_nodes(context), ret_result, error);
}

static enum err node(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	const char *name = json_string_value(json_object_get(request, "node"));
	json_t *description = NULL;

	if (!name)
		return error_set(error, E_MISSING, "node: which one?");
	if (server_describe_node(context, name, &description, error))
		return error->code;
	return answer(description, ret_result, error);
}

static enum err policy(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	(void)request;
	return answer(server_describe_policy(context), ret_result, error);
}

static enum err resend(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	const char *node = json_string_value(json_object_get(request, "node"));
	uint64_t reports;

	if (!node)
		return error_set(error, E_MISSING, "resend: which node?");
	if (server_resend(context, node, &reports, error))
		return error->code;
	return answer(json_pack("{s:I}", "reports", (json_int_t)reports), ret_result, error);
}

/* Stays open until the node has answered what "resend" sent it. */
static enum err outcome(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	const char *node = json_string_value(json_object_get(request, "node"));
	json_int_t reports = json_integer_value(json_object_get(request, "reports"));
	json_t *description = NULL;

	if (!node)
		return error_set(error, E_MISSING, "outcome: of which node?");
	if (server_outcome(context, node, (uint64_t)reports, &description, error))
		return error->code;
	return answer(description, ret_result, error);
}

/* Stays open until it holds: E_AGAIN has the control server ask again after every change. */
static enum err wait(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	json_int_t serial = json_integer_value(json_object_get(request, "serial"));

	if (!server_converged(context) || (json_int_t)server_serial(context) < serial)
		return error_set(error, E_AGAIN, "not every node is there yet");
	return nodes(context, request, ret_result, error);
}

static enum err status(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	(void)request;
	return answer(server_describe_status(context), ret_result, error);
}

static enum err refusals(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	(void)request;
	return answer(server_describe_refusals(context), ret_result, error);
}

static enum err redirect(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	const char *to = json_string_value(json_object_get(request, "to"));
	struct endpoint endpoint;

	if (!to)
		return error_set(error, E_MISSING, "redirect: to which PDP?");
	if (*to && endpoint_parse(to, COPS_PORT, &endpoint, error))
		return error->code;
	server_redirect(context, *to ? &endpoint : NULL);
	return answer(json_true(), ret_result, error);
}

static enum err synchronize(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	const char *node = json_string_value(json_object_get(request, "node"));

	if (!node)
		return error_set(error, E_MISSING, "synchronize: which node?");
	if (server_synchronize(context, node, json_is_true(json_object_get(request, "newest")), error))
		return error->code;
	return answer(json_true(), ret_result, error);
}

static enum err trace(void *context, const json_t *request, json_t **ret_result,
	struct error *error)
{
	return server_trace(context, request, ret_result, error);
}

const struct control_command pdp_control_commands[] = {
	{"nodes", nodes, "every node of the policy, and what it reported"},
	{"node", node, "one node, and what it says that it can do"},
	{"policy", policy, "the serial in force and its sets"},
	{"resend", resend, "send the full state to a node again"},
	{"outcome", outcome, "what a node answered to that"},
	{"status", status, "connections, and what their sessions counted"},
	{"refusals", refusals, "what was refused, counted by reason"},
	{"redirect", redirect, "send the nodes to another PDP, or no longer"},
	{"synchronize", synchronize, "ask a node for its request again"},
	{"wait", wait, "until every node has the policy in force"},
	{"trace", trace, "the messages of all sessions as they pass"},
	{0},
};
