/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket: a server in this process on a loop that is turned by hand, raw clients that
 * send pieces, and control_call() from a child process, as the tools use it.
 */
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/service/control.h"
#include "common/service/notify.h"
#include "tests/suite.h"

enum { LARGE = 300 * 1024 };

static char directory[32];
static char path[64];
static struct ev_loop *loop;
static struct control_server *server;

static enum err echo(void *context, const json_t *request, json_t **ret_result, struct error *e)
{
	(void)context;
	(void)e;
	*ret_result = json_incref(json_object_get(request, "value"));
	return E_OK;
}

static enum err refuse(void *context, const json_t *request, json_t **ret_result, struct error *e)
{
	(void)context;
	(void)request;
	(void)ret_result;
	return error_set(e, E_NOT_FOUND, "no node \xff of that name");
}

static enum err large(void *context, const json_t *request, json_t **ret_result, struct error *e)
{
	size_t len = (size_t)json_integer_value(json_object_get(request, "len"));
	char *text = malloc(len + 1);

	(void)context;
	(void)e;
	memset(text, 'x', len);
	text[len] = 0;
	*ret_result = json_string(text);
	free(text);
	return E_OK;
}

static enum err stop(void *context, const json_t *request, json_t **ret_result, struct error *e)
{
	(void)context;
	(void)request;
	(void)ret_result;
	(void)e;
	control_server_free(server);
	server = NULL;
	return E_OK;
}

static bool door_open;
static unsigned knocks;

static enum err knock(void *context, const json_t *request, json_t **ret_result, struct error *e)
{
	(void)context;
	(void)request;
	(void)ret_result;
	knocks++;
	return door_open ? E_OK : error_set(e, E_AGAIN, "the door is closed");
}

static const struct control_command commands[] = {
	{"knock", knock, "wait until the door is open"},
	{"echo", echo, "answer with `value`"},
	{"refuse", refuse, "answer with an error"},
	{"large", large, "answer with `len` octets"},
	{"stop", stop, "end the server"},
	{0},
};

static void setup(void)
{
	struct error e;

	strcpy(directory, "/tmp/copsec-ctl-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/control", directory);
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_msg(control_server_new(loop, path, (uid_t)-1, commands, NULL, &server, &e) ==
		      E_OK, "%s", e.text);
}

static void teardown(void)
{
	control_server_free(server);
	ev_loop_destroy(loop);
	/* The socket file has gone with its server. */
	ck_assert_int_eq(rmdir(directory), 0);
}

static int connect_raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void turn(unsigned times)
{
	while (times--)
		ev_run(loop, EVRUN_NOWAIT);
}

/* Reads until a line or the end has come; the number of octets, without the end of line. */
static ssize_t read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	for (unsigned turns = 0; turns < 10000;) {
		ssize_t n = recv(fd, line + len, size - len, MSG_PEEK);
		char *end = n > 0 ? memchr(line + len, '\n', (size_t)n) : NULL;

		if (n == 0)
			return len ? (ssize_t)len : -1;
		if (n < 0) {
			ck_assert_int_eq(errno, EAGAIN);
			turn(1);
			turns++;
			continue;
		}
		/* Only this line is taken. */
		n = recv(fd, line + len, end ? (size_t)(end + 1 - line) - len : (size_t)n, 0);
		ck_assert_int_gt(n, 0);
		len += (size_t)n;
		if (end) {
			*end = 0;
			return (ssize_t)len - 1;
		}
		ck_assert_uint_lt(len, size);
	}
	ck_abort_msg("no line came");
}

static void send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;
		if (n < 0)
			turn(1);
		else {
			text += n;
			len -= (size_t)n;
		}
	}
}

START_TEST(each_line_is_answered_by_a_line)
{
	static const struct {
		const char *request;
		const char *reply;
	} rows[] = {
		{"{\"command\":\"echo\",\"value\":[1,{\"a\":null}]}", "{\"result\":[1,{\"a\":null}]}"},
		{"{\"command\":\"echo\"}", "{\"result\":true}"},
		{"{\"command\":\"refuse\"}",
		 "{\"error\":{\"code\":\"not found\",\"text\":\"no node ? of that name\"}}"},
		{"{\"command\":\"dance\"}",
		 "{\"error\":{\"code\":\"unknown\",\"text\":\"there is no command 'dance'; commands are "
		 "knock, echo, refuse, large, stop\"}}"},
		{"{\"command\":7}", "{\"error\":{\"code\":\"missing\",\"text\":\"the request is not an "
				    "object with a `command`\"}}"},
		{"[]", "{\"error\":{\"code\":\"missing\",\"text\":\"the request is not an object with a "
		       "`command`\"}}"},
		{"", NULL},
		{"{", NULL},
		{"{\"command\":\"echo\",\"command\":\"echo\"}", NULL},
		{"{\"command\":\"echo\"} x", NULL},
		{"\xff", NULL},
	};
	char line[1024];
	int fd = connect_raw();

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		send_all(fd, rows[i].request, strlen(rows[i].request));
		send_all(fd, "\n", 1);
		ck_assert_int_gt(read_line(fd, line, sizeof line), 0);
		if (rows[i].reply)
			ck_assert_str_eq(line, rows[i].reply);
		else
			ck_assert_ptr_nonnull(strstr(line, "the request is not JSON: "));
	}
	close(fd);
	turn(2);
}
END_TEST

START_TEST(a_request_that_must_wait_is_handled_again_on_retry)
{
	static const char requests[] = "{\"command\":\"knock\"}\n{\"command\":\"echo\",\"value\":2}\n";
	char line[256];
	int fd = connect_raw(), gone = connect_raw();

	door_open = false;
	knocks = 0;
	send_all(fd, requests, sizeof requests - 1);
	send_all(gone, requests, sizeof requests - 1);
	turn(10);
	ck_assert_uint_eq(knocks, 2);
	ck_assert_int_lt(recv(fd, line, sizeof line, 0), 0);
	/* Who does not wait any longer is forgotten. */
	close(gone);
	turn(3);
	control_server_retry(server);
	turn(3);
	ck_assert_uint_eq(knocks, 3);
	ck_assert_int_lt(recv(fd, line, sizeof line, 0), 0);

	door_open = true;
	control_server_retry(server);
	ck_assert_int_gt(read_line(fd, line, sizeof line), 0);
	ck_assert_str_eq(line, "{\"result\":true}");
	/* What was asked behind it comes after it. */
	ck_assert_int_gt(read_line(fd, line, sizeof line), 0);
	ck_assert_str_eq(line, "{\"result\":2}");
	ck_assert_uint_eq(knocks, 4);
	close(fd);
	turn(2);
}
END_TEST

START_TEST(pieces_and_several_lines_at_once_are_read)
{
	static const char request[] = "{\"command\":\"echo\",\"value\":1}\n";
	static const char both[] = "{\"command\":\"echo\",\"value\":2}\n{\"command\":\"echo\","
				   "\"value\":3}\n{\"comm";
	char line[1024];
	int fd = connect_raw();

	for (size_t i = 0; i + 1 < sizeof request; i++) {
		send_all(fd, request + i, 1);
		turn(2);
	}
	read_line(fd, line, sizeof line);
	ck_assert_str_eq(line, "{\"result\":1}");
	send_all(fd, both, sizeof both - 1);
	read_line(fd, line, sizeof line);
	ck_assert_str_eq(line, "{\"result\":2}");
	read_line(fd, line, sizeof line);
	ck_assert_str_eq(line, "{\"result\":3}");
	send_all(fd, "and\":\"echo\",\"value\":4}\n", 23);
	read_line(fd, line, sizeof line);
	ck_assert_str_eq(line, "{\"result\":4}");
	/* A line that never ends is dropped with its client. */
	send_all(fd, "{\"com", 5);
	close(fd);
	turn(2);
}
END_TEST

START_TEST(a_line_that_is_too_long_ends_the_client)
{
	static char line[CONTROL_LINE_MAX + 1024];
	static char request[CONTROL_LINE_MAX];
	int fd = connect_raw();
	size_t used;

	/* Just fits: the limit with its end of line. */
	memset(request, ' ', sizeof request);
	used = (size_t)snprintf(request, sizeof request, "{\"command\":\"echo\"}");
	request[used] = ' ';
	request[sizeof request - 1] = '\n';
	send_all(fd, request, sizeof request);
	read_line(fd, line, sizeof line);
	ck_assert_str_eq(line, "{\"result\":true}");
	/* Just does not. */
	request[sizeof request - 1] = ' ';
	send_all(fd, request, sizeof request);
	send_all(fd, "\n", 1);
	read_line(fd, line, sizeof line);
	ck_assert_ptr_nonnull(strstr(line, "\"limit reached\""));
	ck_assert_int_eq(recv(fd, line, 1, 0) <= 0, 1);
	close(fd);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_not_read)
{
	static char line[LARGE + 1024];
	char request[128];
	int slow = connect_raw(), quick = connect_raw();

	snprintf(request, sizeof request, "{\"command\":\"large\",\"len\":%d}\n", LARGE);
	for (unsigned i = 0; i < 3; i++)
		send_all(slow, request, strlen(request));
	turn(100);
	/* Another client is served meanwhile. */
	send_all(quick, "{\"command\":\"echo\"}\n", 19);
	read_line(quick, line, sizeof line);
	ck_assert_str_eq(line, "{\"result\":true}");
	/* And the slow one gets all that it asked for when it reads. */
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(read_line(slow, line, sizeof line), LARGE + 13);
	close(slow);
	close(quick);
	turn(3);
}
END_TEST

START_TEST(too_large_a_reply_becomes_an_error)
{
	char request[128], line[1024];
	int fd = connect_raw();

	snprintf(request, sizeof request, "{\"command\":\"large\",\"len\":%d}\n", CONTROL_REPLY_MAX);
	send_all(fd, request, strlen(request));
	read_line(fd, line, sizeof line);
	ck_assert_str_eq(line, "{\"error\":{\"code\":\"limit reached\",\"text\":\"the reply is too "
			       "large\"}}");
	close(fd);
}
END_TEST

START_TEST(clients_are_limited)
{
	int fds[CONTROL_CLIENTS_MAX];
	char line[1024];
	int fd;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = connect_raw();
		turn(1);
	}
	fd = connect_raw();
	read_line(fd, line, sizeof line);
	ck_assert_ptr_nonnull(strstr(line, "\"limit reached\""));
	ck_assert_int_eq(read_line(fd, line, sizeof line), -1);
	close(fd);
	/* One goes, the next may come. */
	close(fds[0]);
	turn(3);
	fds[0] = connect_raw();
	send_all(fds[0], "{\"command\":\"echo\"}\n", 19);
	read_line(fds[0], line, sizeof line);
	ck_assert_str_eq(line, "{\"result\":true}");
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	turn(3);
}
END_TEST

START_TEST(a_handler_may_end_the_server)
{
	char line[1024];
	int fd = connect_raw();

	send_all(fd, "{\"command\":\"stop\"}\n{\"command\":\"echo\"}\n", 38);
	read_line(fd, line, sizeof line);
	ck_assert_str_eq(line, "{\"result\":true}");
	ck_assert_int_le(recv(fd, line, 1, 0), 0);
	ck_assert_ptr_null(server);
	ck_assert_int_ne(access(path, F_OK), 0);
	close(fd);
}
END_TEST

START_TEST(the_socket_belongs_to_one_daemon)
{
	struct control_server *other;
	struct error e;
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(control_server_new(loop, path, (uid_t)-1, commands, NULL, &other, &e),
			 E_CONFLICT);
	ck_assert_int_eq(access(path, F_OK), 0);
	control_server_free(server);
	server = NULL;

	/* A dead daemon's socket is replaced; a file is not. */
	{
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		strcpy(address.sun_path, path);
		ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
		close(fd);
	}
	ck_assert_msg(control_server_new(loop, path, (uid_t)-1, commands, NULL, &server, &e) ==
		      E_OK, "%s", e.text);
	control_server_free(server);
	server = NULL;
	fclose(fopen(path, "w"));
	ck_assert_int_eq(control_server_new(loop, path, (uid_t)-1, commands, NULL, &other, &e),
			 E_CONFLICT);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

static void on_end(struct ev_loop *l, ev_io *io, int events)
{
	(void)io;
	(void)events;
	ev_break(l, EVBREAK_ALL);
}

/* What control_call() gets, tried in a child while this process turns the loop until it ends. */
static void in_child(int (*body)(void))
{
	int status = 0, ends[2];
	pid_t pid;
	ev_io io;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		_exit(body());
	/* Only the child holds the writing end now. */
	close(ends[1]);
	ev_io_init(&io, on_end, ends[0], EV_READ);
	ev_io_start(loop, &io);
	ev_run(loop, 0);
	ev_io_stop(loop, &io);
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "step %d failed",
		      WEXITSTATUS(status));
}

static int call_steps(void)
{
	json_t *request = json_pack("{s:s,s:i}", "command", "echo", "value", 5);
	json_t *result = NULL;
	struct error e;

	if (control_call(path, request, 10000, &result, &e) || json_integer_value(result) != 5)
		return 1;
	json_decref(result);
	json_object_set_new(request, "command", json_string("refuse"));
	if (control_call(path, request, 10000, &result, &e) != E_NOT_FOUND ||
	    strcmp(e.text, "no node ? of that name") != 0)
		return 2;
	json_object_set_new(request, "command", json_string("large"));
	json_object_set_new(request, "len", json_integer(LARGE));
	if (control_call(path, request, 10000, &result, &e) || json_string_length(result) != LARGE)
		return 3;
	json_decref(result);
	json_object_set_new(request, "len", json_integer(CONTROL_REPLY_MAX));
	if (control_call(path, request, 10000, &result, &e) != E_LIMIT)
		return 4;
	json_decref(request);
	return 0;
}

START_TEST(the_tools_get_results_and_errors)
{
	in_child(call_steps);
}
END_TEST

START_TEST(a_daemon_that_does_not_answer_is_given_up)
{
	json_t *request = json_pack("{s:s}", "command", "echo"), *result;
	struct error e;

	/* The loop does not turn, so nobody answers. */
	ck_assert_int_eq(control_call(path, request, 50, &result, &e), E_TIMEOUT);
	turn(3);
	control_server_free(server);
	server = NULL;
	ck_assert_int_eq(control_call(path, request, 50, &result, &e), E_SYSTEM);
	ck_assert_ptr_nonnull(strstr(e.text, "is the daemon running?"));
	json_decref(request);
}
END_TEST

START_TEST(the_service_manager_is_told)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct error e;
	char text[64] = "";
	char name[80];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(service_notify("READY=1", &e), E_OK);
	snprintf(name, sizeof name, "@copsec-notify-%d", (int)getpid());
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	ck_assert_int_eq(service_notify("READY=1", &e), E_SYSTEM);
	strcpy(address.sun_path, name);
	address.sun_path[0] = 0;
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	ck_assert_msg(service_notify("READY=1\nSTATUS=serving", &e) == E_OK, "%s", e.text);
	ck_assert_int_eq(recv(fd, text, sizeof text - 1, 0), 22);
	ck_assert_str_eq(text, "READY=1\nSTATUS=serving");
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "relative", 1), 0);
	ck_assert_int_eq(service_notify("READY=1", &e), E_SYNTAX);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *control = tcase_create("control");

	tcase_add_checked_fixture(control, setup, teardown);
	tcase_set_timeout(control, 60);
	tcase_add_test(control, each_line_is_answered_by_a_line);
	tcase_add_test(control, a_request_that_must_wait_is_handled_again_on_retry);
	tcase_add_test(control, pieces_and_several_lines_at_once_are_read);
	tcase_add_test(control, a_line_that_is_too_long_ends_the_client);
	tcase_add_test(control, a_client_that_does_not_read_is_not_read);
	tcase_add_test(control, too_large_a_reply_becomes_an_error);
	tcase_add_test(control, clients_are_limited);
	tcase_add_test(control, a_handler_may_end_the_server);
	tcase_add_test(control, the_socket_belongs_to_one_daemon);
	tcase_add_test(control, the_tools_get_results_and_errors);
	tcase_add_test(control, a_daemon_that_does_not_answer_is_given_up);
	tcase_add_test(control, the_service_manager_is_told);
	suite_add_tcase(suite, control);
	return suite_main(suite);
}
