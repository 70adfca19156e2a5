/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a client says on the control socket: lines of JSON, cut into pieces at every 0xff (which no
 * UTF-8 contains). Every line has one reply, in order; what `echo` got is what was sent.
 *
 * Reaches: all of common/service/control_exchange.h.
 */
#include "common/service/control_exchange.h"
#include "tests/fuzz/fuzz.h"

enum {
	REPLIES_MAX = 64 << 20,
	CUT = 0xff,
	ODD_PIECE = 7,
	LINES_MAX = 16, /* a reply costs more than all else, and many say no more than a few */
};

struct run {
	struct control_exchange exchange;
	struct buffer requests;
	struct buffer replies;
	bool waits; /* a client does */
};

static enum err echo(void *context, const json_t *request, json_t **ret_result, struct error *e)
{
	(void)context;
	*ret_result = json_deep_copy(request);
	return *ret_result ? E_OK : error_set(e, E_MEMORY, "no memory");
}

static enum err fail(void *context, const json_t *request, json_t **ret_result, struct error *e)
{
	const char *text = json_string_value(json_object_get(request, "text"));

	(void)context;
	(void)ret_result;
	return error_set(e, E_DENIED, "refused: %.100s", text ? text : "");
}

/* Answers when it is asked for the second time. */
static enum err wait_once(
	void *context, const json_t *request, json_t **ret_result, struct error *e)
{
	struct run *r = context;

	(void)request;
	(void)ret_result;
	r->waits = !r->waits;
	return r->waits ? error_set(e, E_AGAIN, "not yet") : E_OK;
}

static const struct control_command commands[] = {
	{"echo", echo, "gives the request back"},
	{"fail", fail, "fails"},
	{"wait", wait_once, "answers later"},
	{NULL, NULL, NULL},
};

/* The client takes `most` octets of what it is told. */
static void pull(struct run *r, size_t most)
{
	struct view out = control_exchange_output(&r->exchange);

	if (!out.len)
		return;
	out.len = out.len < most ? out.len : most;
	buffer_put_view(&r->replies, out);
	control_exchange_sent(&r->exchange, out.len);
}

static void turn(struct run *r, size_t most)
{
	while (control_exchange_step(&r->exchange, commands, r))
		pull(r, most);
	pull(r, most);
	(void)control_exchange_retry(&r->exchange);
}

/* Sends up to the next cut; false when there is nothing left to send, or nobody to take it. */
static bool say(struct view *input, struct run *r)
{
	size_t room = control_exchange_room(&r->exchange);
	const uint8_t *cut = input->len ? memchr(input->data, CUT, input->len) : NULL;
	size_t len = cut ? (size_t)(cut - input->data) : input->len;
	uint8_t *to;

	if (!input->len || r->exchange.state >= EXCHANGE_ENDING)
		return false;
	if (!room && control_exchange_reads(&r->exchange))
		control_exchange_overflow(&r->exchange);
	len = len < room ? len : room;
	if (len) {
		to = control_exchange_reserve(&r->exchange, len);
		REQUIRE(to != NULL);
		memcpy(to, input->data, len);
		control_exchange_receive(&r->exchange, len);
		buffer_put(&r->requests, input->data, len);
	}
	if (cut && input->data + len == cut)
		len++;
	*input = fuzz_after(*input, len);
	return true;
}

/* The client gives its pieces, then takes what it is told until nothing comes any more. Every other
 * run it takes a piece of an odd size at a time. */
static void converse(struct view input, struct run *r)
{
	size_t before, most = input.len % 2 ? ODD_PIECE : REPLIES_MAX;

	while (say(&input, r))
		turn(r, most);
	do {
		before = r->replies.len;
		turn(r, REPLIES_MAX);
		if (r->exchange.in.len == CONTROL_LINE_MAX && control_exchange_reads(&r->exchange))
			control_exchange_overflow(&r->exchange);
		turn(r, REPLIES_MAX);
	} while (r->replies.len != before);
}

static json_t *next_line(struct cursor *c, bool *ret_whole)
{
	struct cursor peek = *c;
	struct view rest = cursor_rest(&peek);
	const uint8_t *end = rest.len ? memchr(rest.data, '\n', rest.len) : NULL;
	json_error_t where;

	*ret_whole = end != NULL;
	if (!end)
		return NULL;
	rest = cursor_take(c, (size_t)(end - rest.data) + 1);
	return json_loadb((const char *)rest.data, rest.len - 1, JSON_REJECT_DUPLICATES, &where);
}

static bool is_command(const json_t *request, const char *name)
{
	const char *said = json_string_value(json_object_get(request, "command"));

	return said && strcmp(said, name) == 0;
}

/* The reply to one line. */
static void judge_reply(const json_t *request, const json_t *reply)
{
	const json_t *result = json_object_get(reply, "result");
	const json_t *error = json_object_get(reply, "error");

	REQUIRE(json_object_size(reply) == 1 && (result || error));
	if (error)
		REQUIRE(json_is_string(json_object_get(error, "code")) &&
			json_is_string(json_object_get(error, "text")));
	if (is_command(request, "echo"))
		REQUIRE(result && json_equal(request, result));
	else if (is_command(request, "wait"))
		REQUIRE(json_is_true(result));
	else
		REQUIRE(error != NULL);
}

static void judge(const struct run *r)
{
	struct cursor asked = cursor_over(buffer_view(&r->requests));
	struct cursor said = cursor_over(buffer_view(&r->replies));
	bool whole_request = true, whole_reply = true;

	while (whole_request && whole_reply) {
		json_t *request = next_line(&asked, &whole_request);
		json_t *reply = next_line(&said, &whole_reply);

		if (whole_request && whole_reply) {
			judge_reply(request, reply);
			fuzz_accepted = json_object_get(reply, "result") != NULL;
		}
		/* The one reply without a line: that the line is too long. */
		if (whole_reply && !whole_request)
			REQUIRE(cursor_left(&asked) >= CONTROL_LINE_MAX);
		/* And then nothing is read any more. */
		if (whole_request && !whole_reply)
			REQUIRE(r->requests.len > CONTROL_LINE_MAX);
		json_decref(request);
		json_decref(reply);
	}
	REQUIRE(cursor_left(&said) == 0);
}

static struct view few_lines(struct view input)
{
	size_t lines = 0, len = 0;

	while (len < input.len && lines < LINES_MAX)
		lines += input.data[len++] == '\n';
	return VIEW(input.data, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = {0};

	buffer_init(&r.requests, size + 1);
	buffer_init(&r.replies, REPLIES_MAX);
	control_exchange_init(&r.exchange);
	converse(few_lines(VIEW(data, size)), &r);
	control_exchange_fini(&r.exchange);
	judge(&r);
	buffer_fini(&r.requests);
	buffer_fini(&r.replies);
	return 0;
}
