/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a client says on the control socket: lines of JSON, cut into pieces at every 0xff (which no
 * UTF-8 contains). Every line has one reply, in order; what `echo` got is what was sent.
 *
 * Reaches: control_server_new, client_read, client_step, handle, client_reply, unknown_command,
 * control_server_retry.
 */
#include <errno.h>
#include <ev.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/service/control.h"
#include "tests/fuzz/fuzz.h"

enum { REPLIES_MAX = 64 << 20, CUT = 0xff, TURNS = CONTROL_LINE_MAX / 4096 + 2 };

struct run {
	struct control_server *server;
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

static bool pull(int fd, struct run *r)
{
	uint8_t *room = buffer_reserve(&r->replies, 65536);
	ssize_t n;

	REQUIRE(room != NULL);
	n = recv(fd, room, 65536, MSG_DONTWAIT);
	if (n > 0)
		buffer_grow(&r->replies, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void turn(struct ev_loop *loop, struct run *r)
{
	ev_run(loop, EVRUN_NOWAIT);
	if (r->waits)
		control_server_retry(r->server);
	ev_run(loop, EVRUN_NOWAIT);
}

/* Sends up to the next cut; false when there is nothing left to send, or nobody to take it. */
static bool say(int fd, struct view *input, struct run *r)
{
	const uint8_t *cut = input->len ? memchr(input->data, CUT, input->len) : NULL;
	size_t len = cut ? (size_t)(cut - input->data) : input->len;
	ssize_t n = len ? send(fd, input->data, len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

	if (!input->len || (n < 0 && errno != EAGAIN))
		return false;
	len = n < 0 ? 0 : (size_t)n;
	buffer_put(&r->requests, input->data, len);
	if (cut && input->data + len == cut)
		len++;
	*input = VIEW(input->data + len, input->len - len);
	return true;
}

static size_t lines(struct view text, size_t *ret_rest)
{
	size_t count = 0;

	*ret_rest = 0;
	for (size_t i = 0; i < text.len; i++) {
		++*ret_rest;
		if (text.data[i] != '\n')
			continue;
		count++;
		*ret_rest = 0;
	}
	return count;
}

/* Nothing more is owed to the client. */
static bool is_settled(const struct run *r)
{
	size_t unfinished, said_in_part;
	size_t asked = lines(buffer_view(&r->requests), &unfinished);

	return asked == lines(buffer_view(&r->replies), &said_in_part) && !said_in_part &&
		unfinished < CONTROL_LINE_MAX;
}

/* The client gives its pieces, then takes what it is told until nothing comes any more. */
static void converse(struct ev_loop *loop, int fd, struct view input, struct run *r)
{
	size_t before;

	while (say(fd, &input, r)) {
		turn(loop, r);
		if (!pull(fd, r))
			return;
	}
	do {
		before = r->replies.len;
		for (int i = 0; i < TURNS && !is_settled(r); i++) {
			turn(loop, r);
			if (!pull(fd, r))
				return;
		}
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

static void connect_to(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	REQUIRE(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ev_loop *loop = ev_default_loop(0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct run r = {0};
	struct error e;
	char path[sizeof((struct sockaddr_un *)NULL)->sun_path];

	snprintf(path, sizeof path, "%s/copsec-fuzz-%ld", fuzz_temporary_folder(), (long)getpid());
	buffer_init(&r.requests, size + 1);
	buffer_init(&r.replies, REPLIES_MAX);
	REQUIRE(loop && fd >= 0);
	REQUIRE(control_server_new(loop, path, (uid_t)-1, commands, &r, &r.server, &e) == E_OK);
	connect_to(fd, path);
	converse(loop, fd, VIEW(data, size), &r);
	close(fd);
	ev_run(loop, EVRUN_NOWAIT);
	control_server_free(r.server);
	judge(&r);
	buffer_fini(&r.requests);
	buffer_fini(&r.replies);
	return 0;
}
