/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/service/completion.h"
#include "common/service/control.h"
#include "common/service/options.h"
#include "common/service/refusals.h"
#include "common/service/settings.h"
#include "pib/trace/command.h"

#define ABOUT "Looks at a running pdpd, and tells it what to do."

enum { CALL_TIMEOUT_MS = 10000 };

struct pdpctl {
	const char *socket;
};

static const struct option_row rows[] = {
	{'s', "socket", "PATH", "control socket, instead of /run/copsec/pdpd.sock"},
	{'h', "help", NULL, "print this and exit"},
	{'V', "version", NULL, "print the version and exit"},
	{0},
};

static const struct option_row show_rows[] = {
	{'j', "json", NULL, "print JSON"},
	{0},
};

static const struct option_row wait_rows[] = {
	{'j', "json", NULL, "print JSON"},
	{'n', "serial", "SERIAL", "for this serial or a newer one"},
	{'t', "timeout", "TIME", "give up after this time, for example 30s (the default)"},
	{0},
};

static const struct option_row synchronize_rows[] = {
	{'N', "newest", NULL, "for its newest request state alone, by its handle"},
	{0},
};

static int fail(const char *command, const char *text, int status)
{
	fprintf(stderr, "pdpctl: %s: %s\n", command, text);
	return status;
}

/* Takes the request. */
static int call(const struct pdpctl *ctl, json_t *request, uint64_t timeout_ms, json_t **ret_result)
{
	const char *command = json_string_value(json_object_get(request, "command"));
	struct error error;
	int status = EXIT_SUCCESS;

	if (control_call(ctl->socket, request, timeout_ms, ret_result, &error))
		status = fail(command, error.text, EXIT_BAD_INPUT);
	json_decref(request);
	return status;
}

static void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	putchar('\n');
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* False: there is nothing more to tell. */
static bool print_serial(const json_t *result)
{
	int64_t serial = number_of(result, "serial"), tried = number_of(result, "tried");

	if (serial)
		printf("policy serial %" PRId64 "\n", serial);
	if (tried)
		printf("some nodes try serial %" PRId64 "\n", tried);
	if (!serial)
		puts("nothing is published yet: see \"pmt publish\"");
	return serial != 0;
}

static void print_nodes(const json_t *result)
{
	const json_t *nodes = json_object_get(result, "nodes");
	const bool tried = number_of(result, "tried");
	const json_t *node;
	size_t i;

	if (!print_serial(result))
		return;
	printf("%-20s %s%-10s %8s  %-20s %s\n", "NODE", tried ? "TRIES " : "", "STANDING",
		"SERIAL", "SINCE (UTC)", "REASON");
	json_array_foreach(nodes, i, node) {
		time_t since = (time_t)number_of(node, "since");
		char when[32] = "-";
		struct tm tm;

		if (since && gmtime_r(&since, &tm))
			strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
		printf("%-20s %s%-10s %8" PRId64 "  %-20s %s\n", text_of(node, "node"),
			!tried                                          ? ""
			: json_is_true(json_object_get(node, "tries")) ? "yes   "
									: "-     ",
			text_of(node, "standing"), (int64_t)number_of(node, "serial"), when,
			text_of(node, "reason"));
	}
}

static void print_policy(const json_t *result)
{
	const json_t *sets = json_object_get(result, "sets");
	const json_t *set;
	size_t i;

	if (!print_serial(result))
		return;
	printf("%-24s %-9s %8s  %s\n", "SET", "AUTHORITY", "SERIAL", "ROOT");
	json_array_foreach(sets, i, set) {
		printf("%-24s %-9s %8" PRId64 "  %s\n", text_of(set, "set"),
			text_of(set, "authority"), (int64_t)number_of(set, "serial"),
			text_of(set, "root"));
	}
}

/* Options of a command; false: the exit status is in *ret_status. */
struct command_options {
	bool json, newest;
	uint64_t timeout_ms;
	json_int_t serial;
};

static bool read_options(const struct option_row *table, int argc, char **argv,
	struct command_options *ret, struct options *o, int *ret_status)
{
	int id;

	*ret = (struct command_options){.timeout_ms = 30000};
	options_begin(o, table, argc, argv);
	while ((id = options_next(o)) != OPTIONS_END) {
		char *end;

		if (id == 'j') {
			ret->json = true;
		} else if (id == 'N') {
			ret->newest = true;
		} else if (id == 'n') {
			ret->serial = strtoll(o->value, &end, 10);
			if (*end || end == o->value || ret->serial < 0) {
				*ret_status = fail(
					argv[0], "--serial takes a number", EXIT_BAD_USAGE);
				return false;
			}
		} else if (id == 't') {
			if (!duration_parse(o->value, &ret->timeout_ms)) {
				*ret_status = fail(argv[0],
					"--timeout takes a time, for example 30s", EXIT_BAD_USAGE);
				return false;
			}
		} else {
			*ret_status = fail(argv[0], o->message, EXIT_BAD_USAGE);
			return false;
		}
	}
	return true;
}

static int show(const struct pdpctl *ctl, int argc, char **argv,
	void (*print)(const json_t *result))
{
	struct command_options wanted;
	json_t *result = NULL;
	struct options o;
	int status;

	if (!read_options(show_rows, argc, argv, &wanted, &o, &status))
		return status;
	if (o.argc)
		return fail(argv[0], "takes no argument", EXIT_BAD_USAGE);
	status = call(ctl, json_pack("{s:s}", "command", argv[0]), CALL_TIMEOUT_MS, &result);
	if (!status)
		(wanted.json ? print_json : print)(result);
	json_decref(result);
	return status;
}

static int run_nodes(void *context, int argc, char **argv)
{
	return show(context, argc, argv, print_nodes);
}

static void print_roles(const json_t *list)
{
	const json_t *row;
	size_t i;

	puts("\nROLES");
	json_array_foreach(list, i, row) {
		const char *roles = text_of(row, "roles"), *set = text_of(row, "capabilities");
		json_int_t interface = number_of(row, "interface");
		char of[32] = "node";

		if (interface)
			snprintf(of, sizeof of, "interface %" PRId64, (int64_t)interface);
		printf("  %-16s %s%s%s\n", of, *roles ? roles : "none", *set ? ", capability set " : "",
			set);
	}
}

static void print_limits(const json_t *support, const json_t *limits)
{
	const json_t *row, *name;
	size_t i, k;

	printf("\nSUPPORTS %zu classes, without\n", json_array_size(support));
	json_array_foreach(support, i, row)
		json_array_foreach(json_object_get(row, "without"), k, name)
			printf("  %s\n", json_string_value(name));
	puts("\nLIMITS");
	json_array_foreach(limits, i, row)
		printf("  %s\n", json_string_value(row));
}

/* Those that are not zero, below the heading if there are any. */
static void print_counts(const char *heading, json_t *counts)
{
	const char *name;
	json_t *value;

	json_object_foreach(counts, name, value)
		if (json_integer_value(value) && strcmp(name, "client-type") != 0) {
			if (heading)
				puts(heading);
			heading = NULL;
			printf("  %-26s %" PRId64 "\n", name, (int64_t)json_integer_value(value));
		}
}

static void print_accounting(const json_t *accounting)
{
	time_t when = (time_t)number_of(accounting, "reported");
	const json_t *row;
	char text[32] = "";
	struct tm tm;
	size_t i;

	if (!accounting)
		return;
	if (gmtime_r(&when, &tm))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	printf("\nCOUNTED, as it said at %s UTC\n", text);
	json_array_foreach(json_object_get(accounting, "rows"), i, row)
		printf("  %12" PRId64 " packets %15" PRId64 " octets  %s\n",
			(int64_t)number_of(row, "packets"), (int64_t)number_of(row, "octets"),
			text_of(row, "name"));
}

static void print_node(const json_t *node)
{
	printf("%s: %s, serial %" PRId64 "%s%s\n", text_of(node, "node"),
		text_of(node, "standing"), (int64_t)number_of(node, "serial"),
		*text_of(node, "reason") ? ": " : "", text_of(node, "reason"));
	if (!json_object_get(node, "roles")) {
		puts("It is not connected, so nothing is known of what it can do.");
		return;
	}
	printf("%s; messages of up to %" PRId64 " octets\n", text_of(node, "description"),
		(int64_t)number_of(node, "max_message"));
	printf("ESP: %s; with %s; %s extended sequence numbers\nAH: %s\n",
		text_of(node, "esp_encryption"), text_of(node, "esp_integrity"),
		json_is_true(json_object_get(node, "esp_extended")) ? "with" : "without",
		text_of(node, "ah_integrity"));
	print_roles(json_object_get(node, "roles"));
	print_limits(json_object_get(node, "support"), json_object_get(node, "limits"));
	print_counts("\nTOLERATED in its session", json_object_get(node, "tolerated"));
	print_accounting(json_object_get(node, "accounting"));
}

static int run_node(void *context, int argc, char **argv)
{
	struct command_options wanted;
	json_t *result = NULL;
	struct options o;
	int status;

	if (!read_options(show_rows, argc, argv, &wanted, &o, &status))
		return status;
	if (o.argc != 1)
		return fail(argv[0], "takes the name of one node", EXIT_BAD_USAGE);
	status = call(context, json_pack("{s:s, s:s}", "command", "node", "node", o.argv[0]),
		CALL_TIMEOUT_MS, &result);
	if (!status)
		(wanted.json ? print_json : print_node)(result);
	json_decref(result);
	return status;
}

static int run_policy(void *context, int argc, char **argv)
{
	return show(context, argc, argv, print_policy);
}

static int run_resend(void *context, int argc, char **argv)
{
	json_t *sent = NULL, *node = NULL;
	int status;

	if (argc != 2)
		return fail(argv[0], "takes the name of one node", EXIT_BAD_USAGE);
	status = call(context, json_pack("{s:s, s:s}", "command", "resend", "node", argv[1]),
		CALL_TIMEOUT_MS, &sent);
	if (!status)
		status = call(context,
			json_pack("{s:s, s:s, s:I}", "command", "outcome", "node", argv[1],
				"reports", number_of(sent, "reports")),
			CALL_TIMEOUT_MS, &node);
	if (!status && strcmp(text_of(node, "standing"), "failed") == 0)
		status = fail(argv[1], text_of(node, "reason"), EXIT_BAD_INPUT);
	else if (!status)
		printf("%s: %s, serial %" PRId64 "\n", argv[1], text_of(node, "standing"),
			(int64_t)number_of(node, "serial"));
	json_decref(sent);
	json_decref(node);
	return status;
}

static int run_redirect(void *context, int argc, char **argv)
{
	json_t *result = NULL;
	int status;

	if (argc != 2)
		return fail(argv[0], "takes the address of a PDP, or \"off\"", EXIT_BAD_USAGE);
	status = call(context,
		json_pack("{s:s, s:s}", "command", "redirect", "to",
			strcmp(argv[1], "off") == 0 ? "" : argv[1]),
		CALL_TIMEOUT_MS, &result);
	json_decref(result);
	return status;
}

static int run_synchronize(void *context, int argc, char **argv)
{
	struct command_options wanted;
	json_t *result = NULL;
	struct options o;
	int status;

	if (!read_options(synchronize_rows, argc, argv, &wanted, &o, &status))
		return status;
	if (o.argc != 1)
		return fail(argv[0], "takes the name of one node", EXIT_BAD_USAGE);
	status = call(context,
		json_pack("{s:s, s:s, s:b}", "command", "synchronize", "node", o.argv[0], "newest",
			(int)wanted.newest),
		CALL_TIMEOUT_MS, &result);
	json_decref(result);
	return status;
}

static void print_status(const json_t *result)
{
	const char *to = text_of(result, "redirect");
	json_t *row;
	size_t i;

	printf("%s: %" PRId64 " connections, %" PRId64 " of them nodes; serial %" PRId64 "\n",
		text_of(result, "name"), (int64_t)number_of(result, "connections"),
		(int64_t)number_of(result, "nodes"), (int64_t)number_of(result, "serial"));
	if (*to)
		printf("nodes are sent to %s\n", to);
	json_array_foreach(json_object_get(result, "client-types"), i, row) {
		char heading[32];

		snprintf(heading, sizeof heading, "client-type 0x%04x",
			(unsigned)number_of(row, "client-type"));
		print_counts(heading, row);
	}
	print_counts("tolerated", json_object_get(result, "tolerated"));
	print_counts("refused by a limit", json_object_get(result, "limits"));
	print_counts("connections", json_object_get(result, "connection-limits"));
}

static int run_status(void *context, int argc, char **argv)
{
	return show(context, argc, argv, print_status);
}

static int run_refusals(void *context, int argc, char **argv)
{
	return show(context, argc, argv, refusals_print);
}

/* Those for whose sake a wait was in vain; silent if that cannot be found out. */
static void print_missing(const struct pdpctl *ctl, json_int_t serial)
{
	json_t *request = json_pack("{s:s}", "command", "nodes");
	json_t *result = NULL;
	struct error ignored;
	const json_t *node;
	size_t i;

	if (!request || control_call(ctl->socket, request, CALL_TIMEOUT_MS, &result, &ignored)) {
		json_decref(request);
		return;
	}
	if (!number_of(result, "serial") || number_of(result, "serial") < serial)
		fprintf(stderr, "pdpctl: wait: the policy published has serial %" PRId64 "\n",
			(int64_t)number_of(result, "serial"));
	json_array_foreach(json_object_get(result, "nodes"), i, node) {
		const char *standing = text_of(node, "standing"), *reason = text_of(node, "reason");

		if (strcmp(standing, "in force") != 0)
			fprintf(stderr, "pdpctl: wait: %s: %s%s%s\n", text_of(node, "node"),
				standing, *reason ? ": " : "", reason);
	}
	json_decref(result);
	json_decref(request);
}

static int run_wait(void *context, int argc, char **argv)
{
	struct command_options wanted;
	json_t *result = NULL;
	struct options o;
	int status;

	if (!read_options(wait_rows, argc, argv, &wanted, &o, &status))
		return status;
	if (o.argc)
		return fail(argv[0], "takes no argument", EXIT_BAD_USAGE);
	status = call(context,
		json_pack("{s:s, s:I}", "command", "wait", "serial", wanted.serial),
		wanted.timeout_ms, &result);
	if (!status)
		(wanted.json ? print_json : print_nodes)(result);
	else
		print_missing(context, wanted.serial);
	json_decref(result);
	return status;
}

static const struct command_row commands[];

static int run_completion(void *context, int argc, char **argv)
{
	const struct completion c = {.program = "pdpctl", .options = rows, .commands = commands};

	(void)context;
	return completion_run(&c, argc, argv);
}

static int run_trace(void *context, int argc, char **argv)
{
	const struct pdpctl *ctl = context;
	const struct trace_command trace = {"pdpctl", "pdpd", ctl->socket};

	return trace_run(&trace, argc, argv);
}

static const struct command_row commands[] = {
	{"nodes", run_nodes, "[--json]", "every node of the policy, and what it last reported",
		show_rows},
	{"node", run_node, "[--json] NODE", "one node, and what it says that it can do", show_rows},
	{"policy", run_policy, "[--json]", "the serial in force and its sets", show_rows},
	{"resend", run_resend, "NODE", "send the full state to a node again, and print its answer",
		NULL},
	{"status", run_status, "[--json]", "connections, and what their sessions counted", show_rows},
	{"refusals", run_refusals, "[--json]", "what was refused, counted by reason", show_rows},
	{"redirect", run_redirect, "ADDRESS|off",
		"send every node to another PDP, those that come too, until \"off\"", NULL},
	{"synchronize", run_synchronize, "[--newest] NODE", "ask a node for its requests again",
		synchronize_rows},
	{"wait", run_wait, "[--serial SERIAL] [--timeout TIME] [--json]",
		"until every node has reported the policy in force; exit 1 if not in time",
		wait_rows},
	{"trace", run_trace, TRACE_SYNOPSIS, TRACE_LINE, trace_options},
	{"completion", run_completion, "SHELL", "print completion for bash or zsh", NULL},
	{0},
};

static int help(FILE *to, const struct command_row *command, int status)
{
	struct buffer text;

	buffer_init(&text, 1 << 16);
	if (command)
		command_help("pdpctl", command, &text);
	else
		options_help("pdpctl", "[OPTION...] COMMAND", ABOUT, rows, commands, &text);
	fputs(buffer_string(&text), to);
	buffer_fini(&text);
	return status;
}

int main(int argc, char **argv)
{
	struct pdpctl ctl = {.socket = "/run/copsec/pdpd.sock"};
	const struct command_row *command;
	struct options o;
	int id;

	options_begin(&o, rows, argc, argv);
	while ((id = options_next(&o)) != OPTIONS_END) {
		switch (id) {
		case 's':
			ctl.socket = o.value;
			break;
		case 'h':
			return help(stdout, NULL, EXIT_SUCCESS);
		case 'V':
			puts("pdpctl (Copsec) " COPSEC_VERSION);
			return EXIT_SUCCESS;
		default:
			fprintf(stderr, "pdpctl: %s; see pdpctl --help\n", o.message);
			return EXIT_BAD_USAGE;
		}
	}
	if (!o.argc)
		return help(stderr, NULL, EXIT_BAD_USAGE);
	command = command_find(commands, o.argv[0]);
	if (!command) {
		struct buffer names;

		buffer_init(&names, 4096);
		command_names(commands, &names);
		fprintf(stderr, "pdpctl: no command '%s'; %s\n", o.argv[0], buffer_string(&names));
		buffer_fini(&names);
		return EXIT_BAD_USAGE;
	}
	if (o.argc == 2 && strcmp(o.argv[1], "--help") == 0)
		return help(stdout, command, EXIT_SUCCESS);
	return command->run(&ctl, o.argc, o.argv);
}
