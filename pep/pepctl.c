/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pepctl: asks the running pepd. */
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/service/completion.h"
#include "common/service/control.h"
#include "common/service/options.h"
#include "common/service/refusals.h"
#include "pep/settings.h"
#include "pep/show/answer.h"
#include "pep/show/show.h"
#include "pib/trace/command.h"

#define ABOUT "Shows what pepd enforces on this node."

enum {
	CALL_MS = 10000,
	EXIT_NOT_IN_ORDER = 3,
	OPTION_JSON = 256,
};

struct pepctl {
	const char *socket;
};

static const struct option_row rows[] = {
	{'s', "socket", "PATH", "talk to pepd at PATH instead of " PEP_CONTROL_PATH},
	{'V', "version", NULL, "print the version"},
	{'h', "help", NULL, "print this help"},
	{0},
};

static const struct option_row show_rows[] = {
	{OPTION_JSON, "json", NULL, "print the answer as JSON"},
	{'h', "help", NULL, "print this help"},
	{0},
};

static const struct option_row plain_rows[] = {
	{'h', "help", NULL, "print this help"},
	{0},
};

static const struct option_row log_rows[] = {
	{'e', "events", NULL, "what pepd did and met with, instead of the log's levels"},
	{'f', "follow", NULL, "the same, and then what happens, as it does"},
	{OPTION_JSON, "json", NULL, "print events as JSON, one a line"},
	{'h', "help", NULL, "print this help"},
	{0},
};

/* As those of pmt explain. */
enum {
	OPTION_IN = 512,
	OPTION_OUT,
	OPTION_FORWARD,
	OPTION_FROM,
	OPTION_TO,
	OPTION_PROTOCOL,
	OPTION_PORT,
	OPTION_SOURCE_PORT,
	OPTION_ICMP,
	OPTION_DSCP,
	OPTION_INTERFACE,
	OPTION_OUT_INTERFACE,
};

static const struct option_row explain_rows[] = {
	{OPTION_IN, "in", NULL, "what comes to this node"},
	{OPTION_OUT, "out", NULL, "what it starts"},
	{OPTION_FORWARD, "forward", NULL, "what passes through it"},
	{OPTION_FROM, "from", "ADDRESS", "where it comes from"},
	{OPTION_TO, "to", "ADDRESS", "where it goes"},
	{OPTION_PROTOCOL, "protocol", "PROTOCOL", "name or number; else tcp"},
	{OPTION_PORT, "port", "NUMBER", "that is called"},
	{OPTION_SOURCE_PORT, "source-port", "NUMBER", "that calls; else 49152"},
	{OPTION_ICMP, "icmp", "TYPE", "type, or type/code"},
	{OPTION_DSCP, "dscp", "NUMBER", "else 0"},
	{OPTION_INTERFACE, "interface", "NAME", "by this interface; else by the way to the peer"},
	{OPTION_OUT_INTERFACE, "out-interface", "NAME", "where a forwarded flow leaves"},
	{OPTION_JSON, "json", NULL, "print the answer as JSON"},
	{'h', "help", NULL, "print this help"},
	{0},
};

static const struct command_row commands[];

static void put_label(const char *label, size_t row)
{
	printf("%-13s", row ? "" : label);
}

/* Parses the options of a subcommand. False: *ret_status is how to end. */
static bool parse(const char *name, int argc, char **argv, int operands, bool *ret_json,
                  int *ret_status, const char **ret_operand)
{
	const struct command_row *command = command_find(commands, name);
	struct options o;
	struct buffer help;
	int id;

	options_begin(&o, command->options, argc, argv);
	while ((id = options_next(&o)) != OPTIONS_END) {
		switch (id) {
		case OPTION_JSON:
			*ret_json = true;
			break;
		case 'h':
			buffer_init(&help, 65536);
			command_help("pepctl", command, &help);
			fputs(buffer_string(&help), stdout);
			buffer_fini(&help);
			*ret_status = EXIT_SUCCESS;
			return false;
		default:
			fprintf(stderr, "pepctl: %s: %s\n", name, o.message);
			*ret_status = EXIT_BAD_USAGE;
			return false;
		}
	}
	if (o.argc > operands) {
		fprintf(stderr, "pepctl: %s: unexpected argument '%s'\n", name, o.argv[operands]);
		*ret_status = EXIT_BAD_USAGE;
		return false;
	}
	*ret_operand = o.argc ? o.argv[0] : NULL;
	return true;
}

static json_t *ask(const struct pepctl *p, json_t *request)
{
	json_t *answer = NULL;
	struct error e;

	if (control_call(p->socket, request, CALL_MS, &answer, &e)) {
		fprintf(stderr, "pepctl: %s\n", e.text);
		answer = NULL;
	}
	json_decref(request);
	return answer;
}

static json_t *ask_plain(const struct pepctl *p, const char *command)
{
	return ask(p, json_pack("{s:s}", "command", command));
}

static void print_policy(const json_t *status)
{
	const json_t *sets = json_object_get(status, "sets");
	size_t i;
	json_t *set;

	put_label("policy", 0);
	if (answer_number(status, "index")) {
		show_clean(answer_string(status, "tenant"));
		printf(", index %" JSON_INTEGER_FORMAT ", in force since ",
		       answer_number(status, "index"));
		show_time(answer_number(status, "since"));
		putchar('\n');
	} else {
		puts("none, the node is closed");
	}
	json_array_foreach(sets, i, set) {
		put_label("sets", i);
		show_clean(answer_string(set, "name"));
		printf(" %" JSON_INTEGER_FORMAT ", %s, %" JSON_INTEGER_FORMAT " rows\n",
		       answer_number(set, "serial"), answer_string(set, "authority"),
		       answer_number(set, "rows"));
	}
}

static void print_pdp(const json_t *pdp)
{
	const char *address = answer_string(pdp, "address");

	put_label("pdp", 0);
	if (!address[0])
		address = "none known";
	if (!strcmp(answer_string(pdp, "state"), "open"))
		printf("%s, session open since ", address);
	else
		printf("%s, %s, no session since ", address, answer_string(pdp, "state"));
	show_time(answer_number(pdp, "since"));
	putchar('\n');
}

static void print_decision(const json_t *decision)
{
	put_label("decision", 0);
	if (!json_is_object(decision)) {
		puts("none since pepd was started");
		return;
	}
	printf("%" JSON_INTEGER_FORMAT ", %s, ", answer_number(decision, "number"),
	       answer_string(decision, "result"));
	show_time(answer_number(decision, "time"));
	if (answer_string(decision, "reason")[0]) {
		printf("\n%-13s", "");
		show_clean(answer_string(decision, "reason"));
	}
	putchar('\n');
}

static void print_status(const json_t *status)
{
	const json_t *interfaces = json_object_get(status, "interfaces");
	const json_t *disorder = json_object_get(status, "disorder");
	json_t *item;
	size_t i;

	put_label("node", 0);
	show_clean(answer_string(status, "node"));
	printf(" %s\n", answer_string(status, "key"));
	print_policy(status);
	print_pdp(json_object_get(status, "pdp"));
	print_decision(json_object_get(status, "decision"));
	if (answer_string(status, "roles")[0]) {
		put_label("roles", 0);
		show_clean(answer_string(status, "roles"));
		putchar('\n');
	}
	json_array_foreach(interfaces, i, item) {
		const char *roles = answer_string(item, "roles");

		put_label("interfaces", i);
		show_clean(answer_string(item, "name"));
		putchar(' ');
		show_clean(roles[0] ? roles : "(no role)");
		putchar('\n');
	}
	put_label("plan", 0);
	puts(answer_string(status, "plan"));
	if (!json_array_size(disorder)) {
		puts("Everything is in order.");
		return;
	}
	puts("Not in order:");
	json_array_foreach(disorder, i, item) {
		printf("  ");
		show_clean(json_string_value(item));
		putchar('\n');
	}
}

static int run_status(void *context, int argc, char **argv)
{
	bool json = false;
	const char *operand;
	bool in_order;
	json_t *status;
	int end;

	if (!parse("status", argc, argv, 0, &json, &end, &operand))
		return end;
	status = ask_plain(context, "status");
	if (!status)
		return EXIT_FAILURE;
	in_order = json_array_size(json_object_get(status, "disorder")) == 0;
	if (!json) {
		print_status(status);
		json_decref(status);
	} else if (show_json(status)) {
		return EXIT_FAILURE;
	}
	return in_order ? EXIT_SUCCESS : EXIT_NOT_IN_ORDER;
}

static int run_policy(void *context, int argc, char **argv)
{
	json_t *request, *answer;
	bool json = false;
	const char *set;
	int end;

	if (!parse("policy", argc, argv, 1, &json, &end, &set))
		return end;
	request = json_pack("{s:s}", "command", "policy");
	if (set)
		json_object_set_new(request, "set", json_string(set));
	answer = ask(context, request);
	if (!answer)
		return EXIT_FAILURE;
	if (json)
		return show_json(answer);
	show_policy(answer);
	json_decref(answer);
	return EXIT_SUCCESS;
}

static int run_sa(void *context, int argc, char **argv)
{
	bool json = false;
	const char *operand;
	json_t *answer;
	int end;

	if (!parse("sa", argc, argv, 0, &json, &end, &operand))
		return end;
	answer = ask_plain(context, "sa");
	if (!answer)
		return EXIT_FAILURE;
	if (json)
		return show_json(answer);
	show_associations(answer);
	json_decref(answer);
	return EXIT_SUCCESS;
}

static int run_plan(void *context, int argc, char **argv)
{
	bool json = false;
	const char *operand;
	json_t *plan;
	int end;

	if (!parse("plan", argc, argv, 0, &json, &end, &operand))
		return end;
	plan = ask_plain(context, "plan");
	if (!plan)
		return EXIT_FAILURE;
	fputs(json_is_string(plan) ? json_string_value(plan) : "", stdout);
	json_decref(plan);
	return EXIT_SUCCESS;
}

static int run_rules(void *context, int argc, char **argv)
{
	bool json = false;
	const char *operand;
	json_t *rules, *rule;
	size_t i;
	int end;

	if (!parse("rules", argc, argv, 0, &json, &end, &operand))
		return end;
	rules = ask_plain(context, "rules");
	if (!rules)
		return EXIT_FAILURE;
	if (json)
		return show_json(rules);
	/* The counter's name in the kernel: SET/RULE, or the reason of a drop. */
	printf("%12s %16s  %-32s %s\n", "PACKETS", "OCTETS", "PRI", "COUNTER");
	json_array_foreach(rules, i, rule) {
		const char *prid = answer_string(rule, "prid");

		printf("%12" JSON_INTEGER_FORMAT " %16" JSON_INTEGER_FORMAT "  %-32s ",
		       answer_number(rule, "packets"), answer_number(rule, "octets"),
		       prid[0] ? prid : "-");
		show_clean(answer_string(rule, "counter"));
		putchar('\n');
	}
	json_decref(rules);
	return EXIT_SUCCESS;
}

static int run_refusals(void *context, int argc, char **argv)
{
	bool json = false;
	const char *operand;
	json_t *refusals;
	int end;

	if (!parse("refusals", argc, argv, 0, &json, &end, &operand))
		return end;
	refusals = ask_plain(context, "refusals");
	if (!refusals)
		return EXIT_FAILURE;
	if (json)
		return show_json(refusals);
	refusals_print(refusals);
	json_decref(refusals);
	return EXIT_SUCCESS;
}

static int log_usage(const char *why)
{
	fprintf(stderr, "pepctl: log: %s\n", why);
	return EXIT_BAD_USAGE;
}

static int show_levels(void *context, const char *levels)
{
	json_t *request = json_pack("{s:s}", "command", "log"), *answer;

	if (levels)
		json_object_set_new(request, "levels", json_string(levels));
	answer = ask(context, request);
	if (!answer)
		return EXIT_FAILURE;
	puts(json_is_string(answer) ? json_string_value(answer) : "");
	json_decref(answer);
	return EXIT_SUCCESS;
}

static int run_log(void *context, int argc, char **argv)
{
	const struct pepctl *p = context;
	bool json = false, events = false, follow = false;
	struct options o;
	struct buffer help;
	int id;

	options_begin(&o, log_rows, argc, argv);
	while ((id = options_next(&o)) != OPTIONS_END) {
		switch (id) {
		case 'e':
			events = true;
			break;
		case 'f':
			events = follow = true;
			break;
		case OPTION_JSON:
			json = true;
			break;
		case 'h':
			buffer_init(&help, 65536);
			command_help("pepctl", command_find(commands, "log"), &help);
			fputs(buffer_string(&help), stdout);
			buffer_fini(&help);
			return EXIT_SUCCESS;
		default:
			return log_usage(o.message);
		}
	}
	if (o.argc > 1)
		return log_usage("too many arguments");
	if (events && o.argc)
		return log_usage("levels do not go with --events and --follow");
	if (json && !events)
		return log_usage("--json goes with --events or --follow");
	return events ? show_events(p->socket, follow, json)
	              : show_levels(context, o.argc ? o.argv[0] : NULL);
}

/* ---- explain ---- */

static bool set_number(json_t *request, const char *key, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (!*text || *end || n > UINT16_MAX)
		return false;
	return !json_object_set_new(request, key, json_integer((json_int_t)n));
}

static bool set_protocol(json_t *request, const char *text)
{
	const struct protoent *known = getprotobyname(text);

	if (known)
		return !json_object_set_new(request, "protocol", json_integer(known->p_proto));
	return set_number(request, "protocol", text);
}

static bool set_icmp(json_t *request, const char *text)
{
	const char *slash = strchr(text, '/');
	char type[16];

	snprintf(type, sizeof type, "%.*s", slash ? (int)(slash - text) : 15, text);
	return set_number(request, "icmp_type", type) &&
	       (!slash || set_number(request, "icmp_code", slash + 1));
}

/* False: the value is none. */
static bool set_option(json_t *request, int id, const char *value)
{
	static const struct {
		int id;
		const char *key, *text; /* text: the value itself, where the option has none */
	} texts[] = {
		{OPTION_IN, "direction", "in"},
		{OPTION_OUT, "direction", "out"},
		{OPTION_FORWARD, "direction", "forward"},
		{OPTION_FROM, "from", NULL},
		{OPTION_TO, "to", NULL},
		{OPTION_INTERFACE, "interface", NULL},
		{OPTION_OUT_INTERFACE, "out_interface", NULL},
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].id == id)
			return !json_object_set_new(request, texts[i].key,
			                            json_string(texts[i].text ? texts[i].text : value));
	switch (id) {
	case OPTION_PROTOCOL:
		return set_protocol(request, value);
	case OPTION_PORT:
		return set_number(request, "port", value);
	case OPTION_SOURCE_PORT:
		return set_number(request, "source_port", value);
	case OPTION_DSCP:
		return set_number(request, "dscp", value);
	default:
		return set_icmp(request, value);
	}
}

static void print_explanation(const json_t *answer)
{
	static const struct {
		const char *key, *label;
	} lines[] = {
		{"verdict", "verdict"}, {"rule", "rule"},           {"prid", "PRI"},
		{"counter", "counter"}, {"protection", "protected"}, {"in", "comes in"},
		{"out", "goes out"},
	};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		if (!answer_string(answer, lines[i].key)[0])
			continue;
		put_label(lines[i].label, 0);
		show_clean(answer_string(answer, lines[i].key));
		if (!strcmp(lines[i].key, "protection"))
			printf(", %s, reqid 0x%" PRIx64,
			       json_is_true(json_object_get(answer, "required")) ? "required" : "preferred",
			       (uint64_t)answer_number(answer, "reqid"));
		putchar('\n');
	}
}

static int run_explain(void *context, int argc, char **argv)
{
	json_t *request = json_pack("{s:s, s:i, s:i}", "command", "explain", "protocol", IPPROTO_TCP,
	                            "source_port", 49152),
	       *answer;
	bool json = false;
	struct options o;
	struct buffer help;
	int id;

	options_begin(&o, explain_rows, argc, argv);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTION_JSON) {
			json = true;
		} else if (id == 'h') {
			buffer_init(&help, 65536);
			command_help("pepctl", command_find(commands, "explain"), &help);
			fputs(buffer_string(&help), stdout);
			buffer_fini(&help);
			json_decref(request);
			return EXIT_SUCCESS;
		} else if (id < OPTION_IN || !set_option(request, id, o.value)) {
			fprintf(stderr, "pepctl: explain: %s%s\n",
			        id < OPTION_IN ? o.message : "no such value: ",
			        id < OPTION_IN || !o.value ? "" : o.value);
			json_decref(request);
			return EXIT_BAD_USAGE;
		}
	}
	if (o.argc || !json_object_get(request, "direction") || !json_object_get(request, "from") ||
	    !json_object_get(request, "to")) {
		fprintf(stderr, "pepctl: explain: --in, --out or --forward, --from and --to are wanted\n");
		json_decref(request);
		return EXIT_BAD_USAGE;
	}
	answer = ask(context, request);
	if (!answer)
		return EXIT_FAILURE;
	if (json)
		return show_json(answer);
	print_explanation(answer);
	json_decref(answer);
	return EXIT_SUCCESS;
}

static int run_completion(void *context, int argc, char **argv)
{
	const struct completion c = {.program = "pepctl", .options = rows, .commands = commands};

	(void)context;
	return completion_run(&c, argc, argv);
}

static int run_trace(void *context, int argc, char **argv)
{
	const struct pepctl *p = context;
	const struct trace_command trace = {"pepctl", "pepd", p->socket};

	return trace_run(&trace, argc, argv);
}

static const struct command_row commands[] = {
	{"status", run_status, "[--json]", "what is in force, and what is not in order", show_rows},
	{"policy", run_policy, "[--json] [SET]", "sets in force, their rules, and what counts now", show_rows},
	{"sa", run_sa, "[--json]", "SAs in the kernel, by protection", show_rows},
	{"rules", run_rules, "[--json]", "rules and reasons of drops, with their counters", show_rows},
	{"refusals", run_refusals, "[--json]", "what was refused, counted by reason", show_rows},
	{"explain", run_explain, "--in|--out|--forward --from ADDRESS --to ADDRESS [OPTION...]",
	 "what becomes of a flow, by what is in force", explain_rows},
	{"plan", run_plan, "", "what the kernel is to hold", plain_rows},
	{"log", run_log, "[LEVELS | -e | -f [--json]]",
	 "show events, or show or set the levels of pepd's log", log_rows},
	{"trace", run_trace, TRACE_SYNOPSIS, TRACE_LINE, trace_options},
	{"completion", run_completion, "SHELL", "print completion for bash or zsh", NULL},
	{0},
};

static int print_text(struct buffer *text)
{
	fputs(buffer_string(text), stdout);
	buffer_fini(text);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct pepctl p = {PEP_CONTROL_PATH};
	const struct command_row *command;
	struct options o;
	struct buffer text;
	int id;

	buffer_init(&text, 65536);
	options_begin(&o, rows, argc, argv);
	while ((id = options_next(&o)) != OPTIONS_END) {
		switch (id) {
		case 's':
			p.socket = o.value;
			break;
		case 'V':
			puts("pepctl (Copsec) " COPSEC_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			options_help("pepctl", "[OPTION...] COMMAND", ABOUT, rows, commands, &text);
			return print_text(&text);
		default:
			fprintf(stderr, "pepctl: %s\n", o.message);
			return EXIT_BAD_USAGE;
		}
	}
	command = o.argc ? command_find(commands, o.argv[0]) : NULL;
	if (!command) {
		command_names(commands, &text);
		fprintf(stderr, "pepctl: %s%s%s. %s\n", o.argc ? "there is no command '" : "a command is missing",
		        o.argc ? o.argv[0] : "", o.argc ? "'" : "", buffer_string(&text));
		buffer_fini(&text);
		return EXIT_BAD_USAGE;
	}
	return command->run(&p, o.argc, o.argv);
}
