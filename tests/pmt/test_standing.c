/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for the nodes of a decision point, which here is a control socket with prepared answers.
 */
#include "pmt/commands/standing.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/service/control.h"
#include "tests/suite.h"

enum { ANSWERS_MAX = 4, TIMEOUT_MS = 20000 };

/* Answers to "nodes", one after the other; the last stays. */
struct script {
	const char *answers[ANSWERS_MAX];
	size_t next;
};

static char folder[] = "/tmp/copsec-standing-XXXXXX";
static char socket_path[64];
static pid_t server;

static enum err answer(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct script *s = context;

	(void)request;
	(void)e;
	*ret = json_loads(s->answers[s->next], 0, NULL);
	if (s->next + 1 < ANSWERS_MAX && s->answers[s->next + 1])
		s->next++;
	return E_OK;
}

static void serve(struct script *s, int ready)
{
	static const struct control_command commands[] = {{"nodes", answer, "the nodes"}, {0}};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct control_server *control;
	struct error e;

	if (control_server_new(loop, socket_path, (uid_t)-1, commands, s, &control, &e))
		_exit(EXIT_FAILURE);
	if (write(ready, "r", 1) != 1)
		_exit(EXIT_FAILURE);
	ev_run(loop, 0);
	_exit(EXIT_SUCCESS);
}

static void start(struct script s)
{
	int ready[2];
	char c;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(socket_path, sizeof socket_path, "%s/s", folder);
	ck_assert_int_eq(pipe(ready), 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0)
		serve(&s, ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

static void stop(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(socket_path);
	rmdir(folder);
}

#define ANSWER(serial, nodes) "{\"serial\": " #serial ", \"nodes\": [" nodes "]}"
#define NODE(name, standing, reason)                                                               \
	"{\"node\": \"" name "\", \"standing\": \"" standing "\", \"reason\": \"" reason "\"}"

/* Not while the decision point has the one before, nor while a node is behind. */
START_TEST(waits_until_nobody_will_report_any_more)
{
	json_t *last = NULL;
	struct error e;

	start((struct script){
		.answers = {ANSWER(6, NODE("a", "in force", "") ", " NODE("b", "away", "")),
			ANSWER(7, NODE("a", "behind", "") ", " NODE("b", "away", "")),
			ANSWER(7, NODE("a", "in force", "") ", " NODE("b", "connected", "")),
			ANSWER(7, NODE("a", "in force", "") ", " NODE("b", "in force", ""))}});
	ck_assert_int_eq(standing_wait(socket_path, 7, TIMEOUT_MS, &last, &e), E_OK);
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(json_object_get(last, "nodes"), 1), "standing")),
		"in force");
	ck_assert(!standing_any_failed(last));
	json_decref(last);
	stop();
}
END_TEST

START_TEST(does_not_wait_for_who_refused_or_is_away)
{
	json_t *last = NULL;
	struct error e;

	start((struct script){
		.answers = {ANSWER(7, NODE("a", "failed", "no room") ", " NODE(
					      "b", "away", "") ", " NODE("c", "never seen", ""))}});
	ck_assert_int_eq(standing_wait(socket_path, 7, TIMEOUT_MS, &last, &e), E_OK);
	ck_assert(standing_any_failed(last));
	json_decref(last);
	stop();
}
END_TEST

START_TEST(gives_up_in_time_and_tells_how_it_stands)
{
	json_t *last = NULL;
	struct error e;

	start((struct script){.answers = {ANSWER(7, NODE("a", "behind", ""))}});
	ck_assert_int_eq(standing_wait(socket_path, 7, 1, &last, &e), E_TIMEOUT);
	ck_assert_str_eq(e.text, "1 nodes have not reported in time");
	ck_assert_ptr_nonnull(last);
	json_decref(last);
	stop();
}
END_TEST

START_TEST(nobody_there_is_said)
{
	json_t *last = NULL;
	struct error e;

	ck_assert_int_ne(standing_wait("/nonexistent/s", 7, 1, &last, &e), E_OK);
	ck_assert_ptr_null(last);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pmt/standing");
	TCase *t = tcase_create("standing");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, waits_until_nobody_will_report_any_more);
	tcase_add_test(t, does_not_wait_for_who_refused_or_is_away);
	tcase_add_test(t, gives_up_in_time_and_tells_how_it_stands);
	tcase_add_test(t, nobody_there_is_said);
	suite_add_tcase(s, t);
	return suite_main(s);
}
