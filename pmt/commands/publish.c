/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * publish: a COPS client that gives a bundle to a decision point and waits for its answer. The
 * bundle goes in one REQ of client-type 0x4953; the answer is a NULL decision, or one that installs
 * a frwkError and the reason.
 */
#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/endpoint.h"
#include "common/link/link.h"
#include "common/service/settings.h"
#include "pib/schema/pri.h"
#include "pmt/commands/command.h"
#include "pmt/commands/preflight.h"
#include "pmt/commands/standing.h"
#include "pmt/commands/subject.h"

enum {
	OPTION_PDP = 256,
	OPTION_PDP_PIN,
	OPTION_TIMEOUT,
	OPTION_PASSPHRASE_FILE,
	OPTION_TRUST,
	OPTION_THRESHOLD,
	OPTION_IN_FORCE,
	OPTION_DRY_RUN,
	OPTION_WAIT,
	OPTION_CONTROL,
	TIMEOUT_MS = 60000
};

const struct option_row publish_options[] = {
	{OPTION_PDP, "pdp", "ADDRESS",
		"of the decision point; port 3288, or as in [2001:db8::1]:3288"},
	{OPTION_PDP_PIN, "pdp-pin", "PIN", "of the decision point's key"},
	{'k', "key", "FILE", "the key of the publisher"},
	{OPTION_PASSPHRASE_FILE, "passphrase-file", "FILE",
		"take the key's passphrase from its first line"},
	{OPTION_TIMEOUT, "timeout", "TIME", "give up after this time; else 60s"},
	{'t', "trust", "FILE", "first verify it as nodes will, by these certificates (PEM)"},
	{OPTION_THRESHOLD, "threshold", "NUMBER", "how many of them must have signed; else 1"},
	{OPTION_IN_FORCE, "in-force", "BUNDLE",
		"what nodes have now: refuse what is older, or another tenant's"},
	{OPTION_DRY_RUN, "dry-run", NULL, "send nothing; show what it would change of --in-force"},
	{OPTION_WAIT, "wait", NULL, "until every node that is there has it, and say who has not"},
	{OPTION_CONTROL, "control", "PATH",
		"control socket of the decision point, for --wait; else " STANDING_CONTROL_PATH},
	{0},
};

struct publisher {
	struct ev_loop *loop;
	struct ev_timer timeout;
	struct link *link;
	struct session *session;
	struct pin pdp_pin;
	const char *pepid;
	struct view objects;
	bool answered, accepted;
	struct error why; /* of what went wrong, the first */
};

static uint32_t random_number(void *user)
{
	(void)user;
	return arc4random();
}

static void fail(struct publisher *p, enum err code, const char *text)
{
	if (!p->answered && !p->why.code)
		error_set(&p->why, code, "%s", text);
}

static void finish(struct publisher *p)
{
	session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
}

static void send_bundle(struct publisher *p)
{
	uint32_t handle;
	enum err code = pep_session_request(
		p->session, COPS_CLIENT_PUBLISHING, &p->objects, 1, link_now(), &handle);

	if (!code)
		return;
	error_set(&p->why, code, "the bundle cannot be sent: %s", err_text(code));
	finish(p);
}

/* The reason out of the PRIs that a refusal installs; keeps a general one if there is none. */
static void read_refusal(struct publisher *p, struct view named)
{
	struct cursor c = cursor_over(named);
	struct pr_object prid_object, epd_object;

	while (cursor_left(&c) && !pr_next(&c, &prid_object) && !pr_next(&c, &epd_object)) {
		struct pib_fault fault;
		struct prid prid;
		struct error e;
		struct pri pri;
		struct view text;

		if (prid_decode(prid_object.contents, &prid, &fault, &e) ||
			prid.class->id != PIB_copsecFailure ||
			epd_decode(&prid, epd_object.contents, &pri, &fault, &e))
			continue;
		text = pri_octets(&pri, copsecFailureText);
		error_set(
			&p->why, E_DENIED, "refused: %.*s", (int)text.len, (const char *)text.data);
	}
}

static void on_decision(struct publisher *p, const struct session_event *event)
{
	struct cops_decision d;
	size_t at = 0;

	p->accepted = true;
	while (cops_next_decision(event->message, &at, &d)) {
		if (d.command == COPS_NULL_DECISION)
			continue;
		p->accepted = false;
		error_set(&p->why, E_DENIED, "refused, without a reason");
		read_refusal(p, d.named);
	}
	p->answered = true;
	if (pep_session_report(p->session, event->decision, COPS_SUCCESS, NULL, 0))
		fail(p, E_PROTOCOL, "the answer cannot be reported");
	finish(p);
}

static void on_event(struct publisher *p, struct link *l, const struct session_event *event)
{
	switch (event->kind) {
	case SESSION_START_TLS:
		link_start_tls(l);
		break;
	case SESSION_OPENED:
		send_bundle(p);
		break;
	case SESSION_DECISION:
		on_decision(p, event);
		break;
	case SESSION_CLIENT_CLOSED:
	case SESSION_DENIED:
	case SESSION_REFUSED:
	case SESSION_STATE_LOST:
		if (!p->answered && !p->why.code)
			error_set(&p->why, E_DENIED,
				"the decision point takes no policy from us: %s",
				event->error.code ? event->error.text
						  : cops_error_name(event->code));
		finish(p);
		break;
	case SESSION_CLOSED:
		if (event->error.code)
			fail(p, event->error.code, event->error.text);
		break;
	default:
		break;
	}
}

static void on_drain(void *owner, struct link *l)
{
	struct publisher *p = owner;
	struct session_event event;

	while (session_next_event(p->session, &event))
		on_event(p, l, &event);
}

static bool on_authorize(void *owner, struct link *l, const struct pin *peer)
{
	struct publisher *p = owner;
	char pin[PIN_TEXT_SIZE];

	(void)l;
	if (pin_equal(peer, &p->pdp_pin))
		return true;
	pin_format(peer, pin);
	if (!p->why.code)
		error_set(&p->why, E_UNTRUSTED, "the decision point has another key, %s", pin);
	return false;
}

static void on_connected(void *owner, struct link *l)
{
	struct publisher *p = owner;
	struct session_config config = session_config_default(SESSION_PEP);

	config.pepid = p->pepid;
	config.random = random_number;
	p->session = session_new(SESSION_PEP, &config, link_now());
	if (!p->session || pep_session_open(p->session, COPS_CLIENT_PUBLISHING, NULL, link_now())) {
		fail(p, E_MEMORY, "no memory for a session");
		ev_break(p->loop, EVBREAK_ALL);
		return;
	}
	link_attach(l, &link_session, p->session);
}

static void on_ended(void *owner, const struct error *why)
{
	struct publisher *p = owner;

	p->link = NULL;
	fail(p, why->code, why->text);
	/* The loop ends by itself once our last words have gone out. */
	ev_timer_stop(p->loop, &p->timeout);
}

static const struct link_events events = {
	.connected = on_connected,
	.authorize = on_authorize,
	.drain = on_drain,
	.ended = on_ended,
};

static void on_timeout(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct publisher *p = w->data;

	(void)revents;
	fail(p, E_TIMEOUT, "no answer in time");
	ev_break(loop, EVBREAK_ALL);
}

/* Runs until there is an answer, or none can come any more. */
static enum err run(struct publisher *p, const struct key *key, const struct endpoint *pdp,
	uint64_t timeout_ms, struct error *e)
{
	struct net *net = NULL;
	enum err code;

	p->loop = ev_loop_new(EVFLAG_AUTO);
	if (!p->loop)
		return error_set(e, E_SYSTEM, "no event loop");
	ev_timer_init(&p->timeout, on_timeout, (double)timeout_ms / 1000, 0);
	p->timeout.data = p;
	code = net_new(p->loop, key, &net, e);
	if (!code)
		code = link_connect(p->loop, net, pdp, 1, NULL, &events, p, &p->link, e);
	if (!code) {
		ev_timer_start(p->loop, &p->timeout);
		ev_run(p->loop, 0);
		ev_timer_stop(p->loop, &p->timeout);
	}
	p->link = link_abort(p->link);
	session_free(p->session);
	net_free(net);
	ev_loop_destroy(p->loop);
	if (!code && !p->accepted) {
		*e = p->why;
		code = e->code ? e->code : error_set(e, E_CLOSED, "closed without an answer");
	}
	return code;
}

struct wish {
	const char *pdp, *pin, *key, *control;
	struct preflight bundle;
	bool dry_run, wait;
	uint64_t timeout_ms;
	struct passphrase_source source;
};

static enum err send_to_pdp(struct wish *w, const struct bundle_file *f, struct error *e)
{
	const struct passphrase passphrase = {passphrase_ask, &w->source};
	struct publisher p = {0};
	struct key *key = NULL;
	struct endpoint pdp;
	enum err code = endpoint_parse(w->pdp, COPS_PORT, &pdp, e);

	if (!code)
		code = pin_parse(w->pin, &p.pdp_pin, e);
	if (!code)
		code = key_load(w->key, &passphrase, &key, e);
	if (!code) {
		p.objects = bundle_file_objects(f);
		p.pepid = *key_name(key) ? key_name(key) : "pmt";
		code = run(&p, key, &pdp, w->timeout_ms, e);
	}
	key_free(key);
	return code;
}

static int dry_run(const char *name, const struct wish *w)
{
	struct subject before, after;
	int status = subject_open(name, w->bundle.in_force, &before);

	if (!status) {
		status = subject_open(name, w->bundle.path, &after);
		if (!status)
			status = diff_run(name, &before, &after, false);
		subject_fini(&after);
	}
	subject_fini(&before);
	return status;
}

static int wait_for_nodes(const char *name, const struct wish *w, uint64_t serial)
{
	json_t *answer = NULL;
	int status = EXIT_SUCCESS;
	struct error e;

	if (standing_wait(w->control, serial, w->timeout_ms, &answer, &e))
		status = command_failed(name, &e);
	if (answer) {
		standing_print(answer);
		if (standing_any_failed(answer))
			status = EXIT_BAD_INPUT;
	}
	json_decref(answer);
	return status;
}

static int publish(const char *name, struct wish *w)
{
	struct set_index index;
	struct bundle_file f;
	int status = EXIT_SUCCESS;
	struct error e;

	if (preflight_check(&w->bundle, &f, &index, &e) ||
		(!w->dry_run && send_to_pdp(w, &f, &e))) {
		status = command_failed(name, &e);
	} else if (w->dry_run) {
		status = dry_run(name, w);
	} else {
		printf("%s: published, tenant %.*s, serial %" PRIu64 "\n", w->bundle.path,
			(int)index.tenant.len, (const char *)index.tenant.data, index.serial);
		fflush(stdout);
		if (w->wait)
			status = wait_for_nodes(name, w, index.serial);
	}
	bundle_file_fini(&f);
	return status;
}

int command_publish(void *context, int argc, char **argv)
{
	struct wish w = {
		.timeout_ms = TIMEOUT_MS, .bundle.threshold = 1, .control = STANDING_CONTROL_PATH};
	int id, status = EXIT_SUCCESS;
	struct options o;

	(void)context;
	command_begin(&o, publish_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		switch (id) {
		case OPTION_PDP:
			w.pdp = o.value;
			break;
		case OPTION_PDP_PIN:
			w.pin = o.value;
			break;
		case 'k':
			w.key = o.value;
			break;
		case OPTION_PASSPHRASE_FILE:
			w.source.file = o.value;
			break;
		case 't':
			w.bundle.trust = o.value;
			break;
		case OPTION_THRESHOLD:
			if (!command_number(argv[0], "threshold", o.value, &w.bundle.threshold))
				return EXIT_BAD_USAGE;
			break;
		case OPTION_IN_FORCE:
			w.bundle.in_force = o.value;
			break;
		case OPTION_DRY_RUN:
			w.dry_run = true;
			break;
		case OPTION_WAIT:
			w.wait = true;
			break;
		case OPTION_CONTROL:
			w.control = o.value;
			break;
		default:
			if (!duration_parse(o.value, &w.timeout_ms))
				return command_misused(
					argv[0], "\"%s\" is not a time such as 30s", o.value);
		}
	}
	if (id < 0)
		return status;
	if (w.dry_run && !w.bundle.in_force)
		return command_misused(
			argv[0], "--dry-run compares with --in-force, which is missing");
	if (!w.dry_run && (!w.pdp || !w.pin || !w.key))
		return command_misused(argv[0], "--%s is missing",
			!w.pdp   ? "pdp"
			: !w.pin ? "pdp-pin"
				 : "key");
	if (w.bundle.threshold > UINT32_MAX)
		return command_misused(argv[0], "the threshold is too great");
	w.bundle.path = command_operand(&o, argv[0], "the bundle");
	if (!w.bundle.path)
		return EXIT_BAD_USAGE;
	return publish(argv[0], &w);
}
