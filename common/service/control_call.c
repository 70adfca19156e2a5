/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { READ_PIECE = 16 * 1024 };

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What is left of the time becomes the socket's own time limit. */
static enum err limit_time(int fd, uint64_t deadline, const char *path, struct error *e)
{
	uint64_t now = now_ms();
	uint64_t left = deadline > now ? deadline - now : 0;
	struct timeval t = {.tv_sec = (time_t)(left / 1000),
			    .tv_usec = (suseconds_t)(left % 1000 * 1000)};

	if (left == 0)
		return error_set(e, E_TIMEOUT, "%s: no reply in time", path);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) < 0)
		return error_set_sys(e, errno, "%s", path);
	return E_OK;
}

static enum err send_request(int fd, const json_t *request, uint64_t deadline, const char *path,
			     struct error *e)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	enum err err = E_OK;

	if (!text || len >= CONTROL_LINE_MAX) {
		free(text);
		return error_set(e, E_LIMIT, "the request is too large");
	}
	text[len++] = '\n'; /* in the NUL's place */
	for (size_t sent = 0; sent < len && !err;) {
		ssize_t n;

		err = limit_time(fd, deadline, path, e);
		if (err)
			break;
		n = send(fd, text + sent, len - sent, MSG_NOSIGNAL);
		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EPIPE || errno == ECONNRESET)
			break; /* the daemon may have said why */
		else if (errno != EAGAIN && errno != EINTR)
			err = error_set_sys(e, errno, "%s: sending", path);
	}
	free(text);
	return err;
}

static enum err receive_line(int fd, struct buffer *line, uint64_t deadline, const char *path,
			     struct error *e)
{
	for (;;) {
		uint8_t *to = buffer_reserve(line, READ_PIECE);
		enum err err = limit_time(fd, deadline, path, e);
		ssize_t n;

		if (!to)
			return error_set(e, line->error, "%s: the reply is too large", path);
		if (err)
			return err;
		n = recv(fd, to, READ_PIECE, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0 && errno != ECONNRESET)
			return error_set_sys(e, errno, "%s: receiving", path);
		if (n <= 0)
			return error_set(e, E_CLOSED, "%s: the daemon closed without a reply",
					 path);
		buffer_grow(line, (size_t)n);
		if (memchr(to, '\n', (size_t)n))
			return E_OK;
	}
}

static enum err code_of(const char *text)
{
	for (int code = E_OK + 1; code < ERR_COUNT; code++)
		if (strcmp(err_text((enum err)code), text) == 0)
			return (enum err)code;
	return E_PROTOCOL;
}

static enum err read_reply(struct view line, const char *path, json_t **ret_result,
			   struct error *e)
{
	json_error_t where;
	json_t *reply = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES,
				   &where);
	json_t *result = json_object_get(reply, "result");
	const char *code, *text;
	enum err err = E_OK;

	if (result)
		*ret_result = json_incref(result);
	else if (json_unpack(reply, "{s:{s:s,s:s}}", "error", "code", &code, "text", &text) == 0)
		err = error_set(e, code_of(code), "%s", text);
	else
		err = error_set(e, E_PROTOCOL, "%s: the reply is neither result nor error", path);
	json_decref(reply);
	return err;
}

enum err control_call(const char *path, const json_t *request, uint64_t timeout_ms,
		      json_t **ret_result, struct error *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t deadline = now_ms() + timeout_ms;
	struct buffer line;
	enum err err;
	int fd;

	if (strlen(path) >= sizeof address.sun_path)
		return error_set(e, E_LENGTH, "%.80s...: a socket's path has at most %zu octets",
				 path, sizeof address.sun_path - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set_sys(e, errno, "%s", path);
	buffer_init(&line, CONTROL_REPLY_MAX + READ_PIECE);
	err = limit_time(fd, deadline, path, e);
	if (!err && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		err = errno == EAGAIN ? error_set(e, E_TIMEOUT, "%s: nobody takes the call", path)
				      : error_set_sys(e, errno, "%s: is the daemon running?", path);
	if (!err)
		err = send_request(fd, request, deadline, path, e);
	if (!err)
		err = receive_line(fd, &line, deadline, path, e);
	if (!err)
		err = read_reply(buffer_view(&line), path, ret_result, e);
	buffer_fini(&line);
	close(fd);
	return err;
}
