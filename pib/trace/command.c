/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/trace/command.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cops/cops.h"
#include "common/service/control.h"
#include "common/trace/capture.h"
#include "pib/trace/message.h"

enum {
	TEXT_MAX = 64 * 1024 * 1024, /* of one message */
	CALL_MS = 3600 * 1000,       /* to wait for a message; then it is asked again */
};

const struct option_row trace_options[] = {
	{'n', "count", "N", "end after so many messages"},
	{'r', "read", "FILE", "out of a capture (pcap, pcapng) instead of the daemon; - is stdin"},
	{'p', "port", "PORT", "the port of COPS in the capture, instead of 3288; 0: any"},
	{'h', "help", NULL, "print this help"},
	{0},
};

struct tracing {
	const struct trace_command *command;
	uint64_t left; /* messages to be printed */
	struct buffer text;
	struct buffer octets;
};

static void put_time(uint64_t time_us)
{
	time_t seconds = (time_t)(time_us / 1000000);
	char text[32] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s.%06" PRIu64, text, time_us % 1000000);
}

/* What a daemon says of itself is printed like what comes from outside. */
static void put_clean(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void print_message(struct tracing *t, uint64_t time_us, const char *from, const char *to,
	struct view octets, size_t length)
{
	if (!t->left)
		return;
	t->left--;
	buffer_reset(&t->text);
	trace_print_message(octets, length, &t->text);
	put_time(time_us);
	printf("  ");
	put_clean(from);
	printf(" > ");
	put_clean(to);
	printf("\n%s\n", buffer_string(&t->text));
}

/* ---- Out of a file ---- */

static void on_message(void *owner, uint64_t time_us, const struct endpoint *from,
	const struct endpoint *to, struct view message)
{
	char sender[ENDPOINT_TEXT_SIZE], receiver[ENDPOINT_TEXT_SIZE];

	endpoint_format(from, sender);
	endpoint_format(to, receiver);
	print_message(owner, time_us, sender, receiver, message, message.len);
}

static void on_remark(void *owner, uint64_t time_us, const struct endpoint *from,
	const struct endpoint *to, const char *text)
{
	char sender[ENDPOINT_TEXT_SIZE], receiver[ENDPOINT_TEXT_SIZE];
	struct tracing *t = owner;

	if (!t->left)
		return;
	endpoint_format(from, sender);
	endpoint_format(to, receiver);
	put_time(time_us);
	printf("  %s > %s\n  (%s)\n\n", sender, receiver, text);
}

static const struct flows_events events = {on_message, on_remark};

static int read_file(struct tracing *t, const char *path, uint16_t port)
{
	const char *program = t->command->program;
	struct capture_count count;
	struct error e;

	if (capture_read(path, port, &events, t, &count, &e)) {
		fprintf(stderr, "%s: trace: %s\n", program, e.text);
		return EXIT_BAD_INPUT;
	}
	if (count.cut || count.fragments)
		fprintf(stderr, "%s: trace: %" PRIu64 " packets were captured in part, %" PRIu64
			" are fragments; neither can be read\n", program, count.cut, count.fragments);
	if (!count.segments) {
		fprintf(stderr, "%s: trace: %s: none of its %" PRIu64 " packets is of TCP port %u; see "
			"--port\n", program, path, count.packets, (unsigned)port);
		return EXIT_BAD_INPUT;
	}
	return EXIT_SUCCESS;
}

/* ---- Out of the daemon ---- */

static void print_record(struct tracing *t, const json_t *record)
{
	const char *hex = json_string_value(json_object_get(record, "octets"));
	const char *peer = json_string_value(json_object_get(record, "peer"));
	bool out = json_is_true(json_object_get(record, "out"));
	size_t len = hex ? strlen(hex) / 2 : 0;
	uint8_t *octets;

	buffer_reset(&t->octets);
	octets = buffer_reserve(&t->octets, len);
	if (!hex || !peer || !octets || !hex_decode(octets, len, hex)) {
		puts("  (a message that the daemon did not put into words)\n");
		return;
	}
	buffer_grow(&t->octets, len);
	print_message(t, (uint64_t)json_integer_value(json_object_get(record, "time")),
		out ? t->command->daemon : peer, out ? peer : t->command->daemon,
		buffer_view(&t->octets),
		(size_t)json_integer_value(json_object_get(record, "length")));
}

/* One request and its answer; *from is the number to ask for then. */
static enum err ask(struct tracing *t, json_int_t *from, struct error *e)
{
	json_t *request = json_pack("{s:s}", "command", "trace"), *result = NULL;
	const json_t *record;
	json_int_t lost;
	enum err err;
	size_t i;

	if (request && *from)
		json_object_set_new(request, "from", json_integer(*from));
	err = request ? control_call(t->command->socket, request, CALL_MS, &result, e)
		      : error_set(e, E_MEMORY, "out of memory");
	json_decref(request);
	if (err)
		return err;
	lost = json_integer_value(json_object_get(result, "lost"));
	if (lost)
		printf("  (%" PRId64 " messages passed faster than they were asked for)\n\n",
			(int64_t)lost);
	json_array_foreach(json_object_get(result, "messages"), i, record)
		print_record(t, record);
	fflush(stdout);
	*from = json_integer_value(json_object_get(result, "next"));
	json_decref(result);
	return E_OK;
}

static int follow(struct tracing *t)
{
	json_int_t from = 0;
	struct error e;
	enum err err = E_OK;

	while (t->left && !ferror(stdout) && (!err || err == E_TIMEOUT))
		err = ask(t, &from, &e);
	if (!err || err == E_TIMEOUT)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s: trace: %s\n", t->command->program, e.text);
	return EXIT_BAD_INPUT;
}

/* ---- The command ---- */

static bool read_number(const char *text, uint64_t most, uint64_t *ret)
{
	char *end;

	*ret = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end && *ret <= most;
}

static int help(const struct trace_command *t)
{
	const struct command_row row = {"trace", NULL, TRACE_SYNOPSIS, TRACE_LINE, trace_options};
	struct buffer text;

	buffer_init(&text, 1 << 16);
	command_help(t->program, &row, &text);
	fputs(buffer_string(&text), stdout);
	buffer_fini(&text);
	return EXIT_SUCCESS;
}

static int bad_usage(const struct trace_command *t, const char *text)
{
	fprintf(stderr, "%s: trace: %s\n", t->program, text);
	return EXIT_BAD_USAGE;
}

int trace_run(const struct trace_command *command, int argc, char **argv)
{
	struct tracing t = {.command = command, .left = UINT64_MAX};
	const char *path = NULL;
	uint64_t port = COPS_PORT;
	bool has_port = false;
	struct options o;
	int id, status;

	options_begin(&o, trace_options, argc, argv);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == 'h')
			return help(command);
		if (id == 'r')
			path = o.value;
		else if (id == OPTIONS_BAD)
			return bad_usage(command, o.message);
		else if (id == 'n' && (!read_number(o.value, INT64_MAX, &t.left) || !t.left))
			return bad_usage(command, "--count takes a number above 0");
		else if (id == 'p' && !read_number(o.value, UINT16_MAX, &port))
			return bad_usage(command, "--port takes a number up to 65535");
		has_port |= id == 'p';
	}
	if (o.argc)
		return bad_usage(command, "takes no argument; a capture is named by --read");
	if (has_port && !path)
		return bad_usage(command, "--port goes with --read");
	buffer_init(&t.text, TEXT_MAX);
	buffer_init(&t.octets, TEXT_MAX);
	status = path ? read_file(&t, path, (uint16_t)port) : follow(&t);
	buffer_fini(&t.text);
	buffer_fini(&t.octets);
	return status;
}
