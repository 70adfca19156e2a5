/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `pmt publish` as a program against a decision point that lives in this process and behaves as
 * each case wants it to.
 */
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/link/link.h"
#include "pib/publishing/order.h"
#include "pib/publishing/standing.h"
#include "pib/schema/pri.h"
#include "pib/set/bundle.h"
#include "tests/suite.h"

enum { OUTPUT_MAX = 1 << 20, ARGUMENTS_MAX = 16 };

enum behaviour {
	ACCEPT,
	REFUSE,          /* with a reason */
	REFUSE_SILENTLY, /* with frwkError alone */
	REFUSE_CLIENT,   /* does not know the client-type */
	UNAUTHORIZED,    /* the publisher's key */
	NO_ANSWER,
	HANG_UP, /* instead of an answer */
	HAS_NEWER,
	OTHER_TENANT,
	TRYING,
};

/* The decision point. */
struct pdp {
	enum behaviour behaviour;
	struct ev_loop *loop;
	struct net *net;
	struct net_listener *listener;
	struct link *link;
	struct session *session;
	struct session_config config;
	const char *tenant;
	uint64_t serial, tried; /* that it says it has */
	uint32_t asked;         /* the state of the order */
	struct buffer received;
	bool reported;
};

/* A decision point without nodes. */
static void tell(struct pdp *p, uint32_t state)
{
	const struct publishing_state now = {
		.tenant = view_of_string(p->tenant), .serial = p->serial, .tried = p->tried};
	struct pdp_transaction transaction = {.install_count = 1};
	struct view installs;
	struct buffer out;
	uint32_t decision;
	struct error e;

	buffer_init(&out, 4096);
	ck_assert_int_eq(publishing_state_put(&now, &out, &e), E_OK);
	installs = buffer_view(&out);
	transaction.installs = &installs;
	ck_assert_int_eq(pdp_session_decide(p->session, state, &transaction, &decision), E_OK);
	buffer_fini(&out);
}

static void refuse(struct pdp *p, uint32_t state, bool reason)
{
	struct pdp_transaction transaction = {.install_count = 1};
	struct buffer out;
	struct view installs;
	uint32_t decision;
	struct error e;
	struct pri pri;

	buffer_init(&out, 4096);
	pri_init(&pri, PIB_frwkError, 1);
	pri_set_u32(&pri, frwkErrorCode, PR_CPERR_PRI_INSTANCE_INVALID);
	pri_set_u32(&pri, frwkErrorSubCode, 0);
	pri_set_row(&pri, frwkErrorPrc, PIB_copsecPolicySet);
	pri_set_u32(&pri, frwkErrorInstance, 0);
	ck_assert_int_eq(pri_put(&out, &pri, &e), E_OK);
	if (reason) {
		pri_init(&pri, PIB_copsecFailure, 1);
		pri_set_oid(&pri, copsecFailureInstance, &oid_none);
		pri_set_text(&pri, copsecFailureText, "the moon is not right");
		ck_assert_int_eq(pri_put(&out, &pri, &e), E_OK);
	}
	installs = buffer_view(&out);
	transaction.installs = &installs;
	ck_assert_int_eq(pdp_session_decide(p->session, state, &transaction, &decision), E_OK);
	buffer_fini(&out);
}

static void on_request(struct pdp *p, const struct session_event *event)
{
	struct publishing_order order;
	uint32_t decision;
	struct buffer all;
	struct view piece;
	struct error e;
	size_t at = 0;

	buffer_init(&all, BUNDLE_MAX);
	while (cops_next_named(event->message, &at, &piece))
		buffer_put_view(&all, piece);
	piece = buffer_view(&all);
	ck_assert_msg(!publishing_order_take(&piece, &order, &e), "%s", e.text);
	if (order.action != PUBLISHING_FOLLOW) {
		p->asked = event->state;
		ck_assert_uint_eq(order.base, p->serial);
	}
	buffer_put_view(&p->received, piece);
	buffer_fini(&all);
	if (order.action == PUBLISHING_FOLLOW) {
		tell(p, event->state);
		return;
	}
	switch (p->behaviour) {
	case ACCEPT:
		ck_assert_int_eq(
			pdp_session_decide_null(p->session, event->state, &decision), E_OK);
		break;
	case REFUSE:
	case REFUSE_SILENTLY:
		refuse(p, event->state, p->behaviour == REFUSE);
		break;
	case HANG_UP:
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
		break;
	default:
		break;
	}
}

static void on_drain(void *owner, struct link *l)
{
	struct pdp *p = owner;
	struct session_event event;

	while (session_next_event(p->session, &event)) {
		if (event.kind == SESSION_START_TLS)
			link_start_tls(l);
		else if (event.kind == SESSION_OPENING && p->behaviour == REFUSE_CLIENT)
			ck_assert_int_eq(pdp_session_refuse(p->session, event.client_type,
						 COPS_ERROR_UNSUPPORTED_CLIENT_TYPE, 0),
				E_OK);
		else if (event.kind == SESSION_OPENING)
			ck_assert_int_eq(pdp_session_accept(p->session, event.client_type), E_OK);
		else if (event.kind == SESSION_REQUEST)
			on_request(p, &event);
		else if (event.kind == SESSION_REPORT)
			p->reported |= event.state == p->asked && event.report == COPS_SUCCESS;
	}
}

static bool on_authorize(void *owner, struct link *l, const struct pin *peer)
{
	struct pdp *p = owner;

	(void)l;
	(void)peer;
	return p->behaviour != UNAUTHORIZED;
}

static void on_ended(void *owner, const struct error *why)
{
	struct pdp *p = owner;

	(void)why;
	p->link = NULL;
}

static void on_accepted(void *owner, struct net_listener *l, struct net_connection *c)
{
	static const struct link_events events = {
		.authorize = on_authorize, .drain = on_drain, .ended = on_ended};
	struct pdp *p = owner;
	struct error e;

	(void)l;
	ck_assert_ptr_null(p->session);
	p->session = session_new(SESSION_PDP, &p->config, link_now());
	ck_assert_ptr_nonnull(p->session);
	ck_assert_int_eq(link_accept(p->loop, c, &events, p, &p->link, &e), E_OK);
	link_attach(p->link, &link_session, p->session);
}

static void pdp_init(struct pdp *p, enum behaviour behaviour, const struct key *key)
{
	static const struct net_listener_events events = {.accepted = on_accepted};
	static const struct net_listener_limits limits = {0};
	struct endpoint at;
	struct error e;

	*p = (struct pdp){.behaviour = behaviour,
		.tenant = "acme",
		.serial = 3,
		.config = session_config_default(SESSION_PDP)};
	buffer_init(&p->received, BUNDLE_MAX);
	p->loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_int_eq(net_new(p->loop, key, &p->net, &e), E_OK);
	ck_assert_int_eq(endpoint_parse("127.0.0.1:0", 0, &at, &e), E_OK);
	ck_assert_int_eq(
		net_listen(p->net, &at, &limits, NULL, &events, p, &p->listener, &e), E_OK);
}

static void pdp_fini(struct pdp *p)
{
	link_abort(p->link);
	session_free(p->session);
	net_listener_free(p->listener);
	net_free(p->net);
	ev_loop_destroy(p->loop);
	buffer_fini(&p->received);
}

/* --- pmt as a child --- */

struct child {
	pid_t pid;
	int output; /* stdout and stderr */
	struct buffer said;
	struct ev_loop *loop;
};

static void start(struct child *c, const char *const *arguments)
{
	char *argv[ARGUMENTS_MAX + 2] = {strdup(PMT)};
	int ends[2];

	for (size_t i = 0; arguments[i]; i++)
		argv[i + 1] = strdup(arguments[i]);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	c->pid = fork();
	ck_assert_int_ge(c->pid, 0);
	if (c->pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	close(ends[1]);
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
	c->output = ends[0];
	buffer_init(&c->said, OUTPUT_MAX);
}

/* False at the end of the output. */
static bool hear(struct child *c)
{
	uint8_t *room = buffer_reserve(&c->said, 4096);
	ssize_t n;

	ck_assert_ptr_nonnull(room);
	n = read(c->output, room, 4096);
	if (n > 0)
		buffer_grow(&c->said, (size_t)n);
	return n > 0;
}

static int finish(struct child *c)
{
	int status;

	close(c->output);
	ck_assert_int_eq(waitpid(c->pid, &status, 0), c->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void run(const char *const *arguments)
{
	struct child c;
	int status;

	start(&c, arguments);
	while (hear(&c))
		;
	status = finish(&c);
	ck_assert_msg(status == 0, "status %d: %s", status, buffer_string(&c.said));
	buffer_fini(&c.said);
}

static void on_output(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)revents;
	if (!hear(w->data))
		ev_break(loop, EVBREAK_ALL);
}

/* --- cases --- */

#define REAL_PIN "the decision point's"

static const struct {
	const char *why;
	enum behaviour behaviour;
	const char *bundle, *pin, *timeout;
	int status;
	const char *says;
	bool arrives; /* the bundle, octet by octet */
} cases[] = {
	{"taken", ACCEPT, "signed.bundle", REAL_PIN, "60s", 0,
		"signed.bundle: published, tenant acme, serial 4", true},
	{"refused, with the reason", REFUSE, "signed.bundle", REAL_PIN, "60s", 1,
		"pmt publish: refused: the moon is not right", true},
	{"refused, without one", REFUSE_SILENTLY, "signed.bundle", REAL_PIN, "60s", 1,
		"pmt publish: refused, without a reason", true},
	{"not a place to publish", REFUSE_CLIENT, "signed.bundle", REAL_PIN, "60s", 1,
		"pmt publish: the decision point takes no policy from us: the PDP closed the "
		"client-type",
		false},
	{"not by this key", UNAUTHORIZED, "signed.bundle", REAL_PIN, "60s", 1,
		"pmt publish: reading from TLS: the peer refused our key", false},
	{"not to somebody else", ACCEPT, "signed.bundle",
		"sha256:00000000000000000000000000000000000000000000000000000000000000ff", "60s", 1,
		"pmt publish: the decision point has another key, sha256:", false},
	{"no answer", NO_ANSWER, "signed.bundle", REAL_PIN, "300ms", 1,
		"pmt publish: no answer in time", true},
	{"cut off", HANG_UP, "signed.bundle", REAL_PIN, "60s", 1,
		"pmt publish: the decision point takes no policy from us: the PDP closed", true},
	{"not signed", ACCEPT, "unsigned.bundle", REAL_PIN, "60s", 1,
		"pmt publish: the bundle is not signed", false},
	{"older than what is there", HAS_NEWER, "signed.bundle", REAL_PIN, "60s", 1,
		"pmt publish: the bundle has the serial 4, the decision point has 5", false},
	{"somebody else's", OTHER_TENANT, "signed.bundle", REAL_PIN, "60s", 1,
		"pmt publish: the bundle is of the tenant acme, the decision point is umbrella's",
		false},
	{"during a trial", TRYING, "signed.bundle", REAL_PIN, "60s", 1,
		"pmt publish: the bundle has the serial 4, the decision point has 9", false},
};

static void prepare(const char *folder)
{
	const char *const compile[] = {"compile", "--serial", "4", "-o", "unsigned.bundle",
		SOURCE_DIR "/pmt/examples/office.xml", NULL};
	const char *const keygen[] = {"keygen", "--no-passphrase", "ann", NULL};
	const char *const sign[] = {
		"sign", "--key", "ann.key", "-o", "signed.bundle", "unsigned.bundle", NULL};

	ck_assert_int_eq(chdir(folder), 0);
	run(compile);
	run(keygen);
	run(sign);
}

static void clean(const char *folder)
{
	static const char *const files[] = {
		"unsigned.bundle", "signed.bundle", "ann.key", "ann.crt"};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(files[i]);
	rmdir(folder);
}

START_TEST(publish_ends_as_the_decision_point_says)
{
	char folder[] = "/tmp/copsec-publish-XXXXXX", address[ENDPOINT_TEXT_SIZE],
	     pin[PIN_TEXT_SIZE];
	const char *arguments[] = {"publish", "--pdp", address, "--pdp-pin", pin, "--key",
		"ann.key", "--timeout", cases[_i].timeout, cases[_i].bundle, NULL};
	struct child child;
	struct ev_io output;
	struct buffer file;
	struct key *key;
	struct pin real;
	struct error e;
	struct pdp pdp;
	int status;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	prepare(folder);
	ck_assert_int_eq(key_generate("pdp", &key, &e), E_OK);
	pdp_init(&pdp, cases[_i].behaviour, key);
	pdp.serial = cases[_i].behaviour == HAS_NEWER ? 5 : 3;
	pdp.tried = cases[_i].behaviour == TRYING ? 9 : 0;
	pdp.tenant = cases[_i].behaviour == OTHER_TENANT ? "umbrella" : "acme";
	endpoint_format(net_listener_endpoint(pdp.listener), address);
	real = key_pin(key);
	pin_format(&real, pin);
	if (strcmp(cases[_i].pin, REAL_PIN) != 0)
		arguments[4] = cases[_i].pin;
	start(&child, arguments);
	ev_io_init(&output, on_output, child.output, EV_READ);
	output.data = &child;
	ev_io_start(pdp.loop, &output);
	ev_run(pdp.loop, 0);
	ev_io_stop(pdp.loop, &output);
	/* The child is gone: what it has sent last is still to be read. */
	while (pdp.link)
		ev_run(pdp.loop, EVRUN_ONCE);
	status = finish(&child);
	ck_assert_msg(
		status == cases[_i].status && strncmp(buffer_string(&child.said), cases[_i].says,
						      strlen(cases[_i].says)) == 0,
		"%s: status %d: %s", cases[_i].why, status, buffer_string(&child.said));
	buffer_init(&file, BUNDLE_MAX);
	ck_assert_int_eq(file_read(cases[_i].bundle, &file, NULL, &e), E_OK);
	buffer_consume(&file, BUNDLE_HEADER);
	if (cases[_i].arrives)
		ck_assert(view_equal(buffer_view(&file), buffer_view(&pdp.received)));
	else
		ck_assert_uint_eq(pdp.received.len, 0);
	/* RFC 3084 section 2.2: each decision is reported. */
	ck_assert_int_eq(pdp.reported, cases[_i].arrives && cases[_i].behaviour <= REFUSE_SILENTLY);
	buffer_fini(&file);
	buffer_fini(&child.said);
	pdp_fini(&pdp);
	key_free(key);
	clean(folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pmt-publish");
	TCase *tc = tcase_create("publish");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, publish_ends_as_the_decision_point_says, 0, sizeof cases / sizeof *cases);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
