/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The real pepd in a network namespace of its own, with this program as its PDP, over TLS: policy in,
 * report out, and the kernel keeps it whoever dies.
 */
#include "tests/suite.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/link/link.h"
#include "common/service/control.h"
#include "pep/kernel/kernel.h"
#include "tests/pib/set/world.h"

enum { BIG = 1 << 26, SKIP = 77, PATIENCE_MS = 60000, FAR_FUTURE = 2000000000 };

struct bench {
	struct world *w;
	char directory[64];
	struct key *pdp_key, *node_key, *report_key;
	struct ev_loop *loop;
	struct net *net;
	struct net_listener *listener, *other; /* two PDPs; `other` may be NULL */
	struct net_listener *came_to;         /* the last connection */
	struct kernel *kernel;
	pid_t pepd;

	struct link *link;
	struct session *session;
	struct session_config config;
	struct pin node_pin;

	/* What happened last. */
	unsigned openings, requests, reports, ended, synchronized;
	struct endpoint last_pdp; /* of the last opening */
	bool has_last_pdp;
	char incarnation[32]; /* Id of the last REQ */
	bool full;            /* it had full state */
	uint32_t state;
	uint8_t handle[4]; /* of it, as the node has it */
	enum cops_report_type report;
	uint32_t reported; /* decision */
	struct buffer said;  /* the report's objects */
	bool overdue, forging;
	bool other_is_plain; /* and the node would do without TLS */
	bool is_shy;         /* TLS with us always fails */
};

/* ---- The PDP ---- */

static void on_request(struct bench *b, const struct session_event *event)
{
	struct pri_failures failures;
	struct pri_store *store;
	struct view run;
	struct error e;
	struct pri pri;
	size_t at = 0;

	ck_assert(cops_next_named(event->message, &at, &run));
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &store, &failures, &e), "%s", e.text);
	ck_assert(pri_store_get(store, PIB_frwkPibIncarnation, 1, &pri));
	/* The first one of a request state is whole (RFC 3318 section 2.2). */
	b->full = pri_bool(&pri, frwkPibIncarnationFullState);
	ck_assert(b->full || event->state == b->state);
	snprintf(b->incarnation, sizeof b->incarnation, "%.*s",
	         (int)pri_octets(&pri, frwkPibIncarnationId).len,
	         (const char *)pri_octets(&pri, frwkPibIncarnationId).data);
	pri_store_free(store);
	b->state = event->state;
	ck_assert_uint_eq(event->handle.len, sizeof b->handle);
	memcpy(b->handle, event->handle.data, sizeof b->handle);
	b->requests++;
}

static void on_report(struct bench *b, const struct session_event *event)
{
	struct view run;

	buffer_reset(&b->said);
	for (size_t at = 0; cops_next_named(event->message, &at, &run);)
		buffer_put_view(&b->said, run);
	b->report = event->report;
	b->reported = event->decision;
	b->reports++;
}

static void on_drain(void *owner, struct link *l)
{
	struct bench *b = owner;
	struct session_event event;

	while (session_next_event(b->session, &event)) {
		switch ((int)event.kind) {
		case SESSION_START_TLS:
			link_start_tls(l);
			break;
		case SESSION_OPENING:
			b->openings++;
			b->has_last_pdp = event.last_pdp != NULL;
			if (event.last_pdp)
				b->last_pdp = cops_server(event.last_pdp);
			ck_assert(view_equal(event.pepid, view_of_string("gw1")));
			ck_assert_uint_eq(event.client_type, COPS_CLIENT_PROVISIONING);
			ck_assert_int_eq(pdp_session_accept(b->session, event.client_type), E_OK);
			break;
		case SESSION_REQUEST:
			on_request(b, &event);
			break;
		case SESSION_REPORT:
			on_report(b, &event);
			break;
		case SESSION_SYNCHRONIZED:
			b->synchronized++;
			break;
		case SESSION_ODD:
			/* What was forged is answered too. */
			if (b->forging)
				break;
			/* fall through */
		case SESSION_REFUSED:
			ck_abort_msg("pepd is odd: %s", event.error.text);
			break;
		default:
			break;
		}
	}
}

static bool on_authorize(void *owner, struct link *l, const struct pin *peer)
{
	struct bench *b = owner;

	(void)l;
	return !b->is_shy && pin_equal(peer, &b->node_pin);
}

static void on_ended(void *owner, const struct error *why)
{
	struct bench *b = owner;

	(void)why;
	b->ended++;
	b->link = NULL;
	session_free(b->session);
	b->session = NULL;
}

static const struct link_events link_events = {NULL, on_authorize, on_drain, on_ended};

/* What the PDP says behind the back of its session. */
static struct view forged;

static struct view output_or_forged(const void *session)
{
	return forged.len ? forged : session_output(session);
}

static void sent_or_forged(void *session, size_t octets)
{
	if (forged.len)
		forged = VIEW(forged.data + octets, forged.len - octets);
	else
		session_sent(session, octets);
}

static struct link_session forging_session;

/* A decision for the node's request state: `objects` behind the Handle, in octets. */
static void forge_decision(struct bench *b, uint8_t flags, const void *objects, size_t len)
{
	static uint8_t octets[128];
	const uint8_t head[] = {0x10 | flags, COPS_DEC, 0x49, 0x50, 0, 0, 0, (uint8_t)(16 + len), 0, 8,
		COPS_HANDLE, COPS_ONLY, b->handle[0], b->handle[1], b->handle[2], b->handle[3]};

	ck_assert_uint_le(sizeof head + len, sizeof octets);
	memcpy(octets, head, sizeof head);
	memcpy(octets + sizeof head, objects, len);
	forged = VIEW(octets, sizeof head + len);
	b->forging = true;
	link_pump(b->link);
}

static void on_accepted(void *owner, struct net_listener *l, struct net_connection *c)
{
	struct bench *b = owner;
	struct session_config config = b->config;
	struct error e;

	b->came_to = l;
	if (b->other_is_plain && l == b->other)
		config.security = SESSION_PLAIN;
	/* A node speaks over one connection; its old one may not have ended yet. */
	if (b->link)
		b->link = link_abort(b->link);
	session_free(b->session);
	b->session = session_new(SESSION_PDP, &config, link_now());
	ck_assert_int_eq(link_accept(b->loop, c, &link_events, b, &b->link, &e), E_OK);
	forged = VIEW_NONE;
	forging_session = link_session;
	forging_session.output = output_or_forged;
	forging_session.sent = sent_or_forged;
	link_attach(b->link, &forging_session, b->session);
}

static const struct net_listener_events listener_events = {on_accepted, NULL};

static struct net_listener *listener_at(struct bench *b, const struct endpoint *at)
{
	struct net_listener *l;
	struct error e;

	ck_assert_msg(!net_listen(b->net, at, &(struct net_listener_limits){0}, NULL,
	                          &listener_events, b, &l, &e), "%s", e.text);
	return l;
}

static void listen_at(struct bench *b, const struct endpoint *at)
{
	b->listener = listener_at(b, at);
}

/* ---- Waiting for events, never for time ---- */

static void on_overdue(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)revents;
	*(bool *)w->data = true;
	ev_break(loop, EVBREAK_ONE);
}

typedef bool condition(struct bench *b);

static void wait_for(struct bench *b, condition *met, const char *what)
{
	struct ev_timer patience;

	ev_timer_init(&patience, on_overdue, PATIENCE_MS / 1000.0, 0);
	patience.data = &b->overdue;
	ev_timer_start(b->loop, &patience);
	while (!met(b) && !b->overdue)
		ev_run(b->loop, EVRUN_ONCE);
	ev_timer_stop(b->loop, &patience);
	ck_assert_msg(!b->overdue, "waited in vain: %s", what);
}

static bool has_request(struct bench *b)
{
	return b->requests > 0;
}

static bool has_report(struct bench *b)
{
	return b->reports > 0;
}

static void decide(struct bench *b, struct view install)
{
	struct pdp_transaction t = {.installs = &install, .install_count = 1};
	uint32_t decision;

	b->reports = 0;
	if (install.len)
		ck_assert_int_eq(pdp_session_decide(b->session, b->state, &t, &decision), E_OK);
	else
		ck_assert_int_eq(pdp_session_decide_null(b->session, b->state, &decision), E_OK);
	link_pump(b->link);
	wait_for(b, has_report, "a report");
	ck_assert_uint_eq(b->reported, decision);
}

/* ---- The node ---- */

static void write_file(const struct bench *b, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", b->directory, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void write_settings(struct bench *b)
{
	char pdp[ENDPOINT_TEXT_SIZE], other[ENDPOINT_TEXT_SIZE] = "", pin[PIN_TEXT_SIZE], text[4096], path[128];
	struct pin pdp_pin = key_pin(b->pdp_key);
	struct buffer pem;
	struct error e;

	endpoint_format(net_listener_endpoint(b->listener), pdp);
	if (b->other)
		endpoint_format(net_listener_endpoint(b->other), other);
	pin_format(&pdp_pin, pin);
	snprintf(text, sizeof text,
	         "name = gw1\npdp = %s %s\npdp-return = 100ms\npdp-key = %s\nkey = %s/node.key\ntrust = %s/trust.pem\n"
	         "report-key = %s/report.key\ntrust-threshold = %d\nstate-directory = %s/state\n"
	         "control = %s/control\nretry-least = 20ms\nretry-most = 100ms\nlog = info\n%s",
	         pdp, other, pin, b->directory, b->directory, b->directory, THRESHOLD, b->directory,
	         b->directory,
	         b->other_is_plain ? "security = plain-without-any-protection\n" : "");
	write_file(b, "pepd.conf", text);
	buffer_init(&pem, BIG);
	for (int i = 0; i < TRUSTED; i++)
		ck_assert_int_eq(key_certificate_pem(b->w->keys[i], &pem, &e), E_OK);
	write_file(b, "trust.pem", buffer_string(&pem));
	buffer_fini(&pem);
	snprintf(path, sizeof path, "%s/node.key", b->directory);
	ck_assert_int_eq(key_save(b->node_key, path, NULL, &e), E_OK);
	snprintf(path, sizeof path, "%s/report.key", b->directory);
	ck_assert_int_eq(key_save(b->report_key, path, NULL, &e), E_OK);
}

/* Runs it to its end, or in the background (then its process id). */
static pid_t run(const char *program, const char *first, const char *second, const char *third)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	execl(program, program, first, second, third, (char *)NULL);
	_exit(127);
}

static int status_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void start_pepd(struct bench *b)
{
	char settings[128];

	snprintf(settings, sizeof settings, "%s/pepd.conf", b->directory);
	b->requests = 0;
	b->pepd = run(PEPD, "-f", "-c", settings);
}

/* A child of pepd, by the name that it gives itself. */
static pid_t child_of(pid_t parent, const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	ck_assert_ptr_nonnull(proc);
	while (!found && (entry = readdir(proc))) {
		char path[300], comm[32], line[512] = "";
		int pid, ppid;
		FILE *f;

		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(line, sizeof line, f) &&
		    sscanf(line, "%d (%31[^)]) %*c %d", &pid, comm, &ppid) == 3 &&
		    ppid == parent && !strcmp(comm, name))
			found = pid;
		fclose(f);
	}
	closedir(proc);
	return found;
}

/* Its end is what is waited for, not its signal. */
static void kill_and_wait(pid_t pid, int number)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(kill(pid, number), 0);
	ck_assert_int_eq(poll(&ended, 1, PATIENCE_MS), 1);
	close(pidfd);
}

static void plan_id(struct bench *b, char ret[17])
{
	struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT, .node_roles = ""};
	struct kernel_status status;
	struct plan *closed;
	struct error e;

	ck_assert_int_eq(plan_bootstrap(&input, &closed, &e), E_OK);
	ck_assert_msg(!kernel_status(b->kernel, closed, &status, &e), "%s", e.text);
	snprintf(ret, 17, "%s", status.table ? status.plan_id : "");
	plan_free(closed);
}

static void check_compliance(struct bench *b)
{
	struct cursor c = cursor_over(buffer_view(&b->said));
	struct pin pin = key_pin(b->report_key);
	struct pr_object name, values;
	struct compliance said;
	struct pib_fault fault;
	struct arena arena;
	struct view content;
	struct prid prid;
	struct error e;
	struct pri pri;

	ck_assert_int_eq(pr_next(&c, &name), E_OK);
	ck_assert_int_eq(pr_next(&c, &values), E_OK);
	ck_assert_int_eq(prid_decode(name.contents, &prid, &fault, &e), E_OK);
	ck_assert_int_eq(epd_decode(&prid, values.contents, &pri, &fault, &e), E_OK);
	ck_assert_int_eq(prid.class->id, PIB_copsecCompliance);
	ck_assert_msg(!cms_verify_pinned(pri_octets(&pri, copsecComplianceSigned), &pin, &content,
	                                 &e), "%s", e.text);
	arena_init(&arena, BIG);
	ck_assert_int_eq(compliance_decode(content, &arena, &said, &e), E_OK);
	ck_assert_uint_eq(said.index_serial, b->w->index.serial);
	ck_assert_uint_eq(said.decision, b->reported);
	ck_assert_mem_eq(&said.session, link_binding(b->link), sizeof said.session);
	arena_fini(&arena);
}

/* ---- A bench ---- */

static void make_policy(struct bench *b)
{
	struct world *w = b->w;

	/* No rules: everything is dropped, which is a policy too. */
	for (int i = 0; i < SETS; i++) {
		w->rows[i]->count = 0;
		w->manifests[i].not_after = FAR_FUTURE;
		w->manifests[i].not_before = 0;
	}
	w->index.not_before = 0;
	w->index.not_after = FAR_FUTURE;
	memcpy(w->assignments[GW1].node_key, b->node_pin.sha256, NODE_KEY);
	w->set_documents[HOST].sent = false;
	w->assignment_documents[ALICE].sent = false;
	world_roots(w);
	world_sign(w);
}

static void bench_init(struct bench *b)
{
	struct endpoint at;
	struct error e;

	memset(b, 0, sizeof *b);
	b->w = world_new();
	snprintf(b->directory, sizeof b->directory, "/tmp/copsec-pepd-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(b->directory));
	ck_assert_int_eq(key_generate("pdp", &b->pdp_key, &e), E_OK);
	ck_assert_int_eq(key_generate("gw1", &b->node_key, &e), E_OK);
	ck_assert_int_eq(key_generate("gw1 report", &b->report_key, &e), E_OK);
	b->node_pin = key_pin(b->node_key);
	b->config = session_config_default(SESSION_PDP);
	b->loop = ev_loop_new(EVFLAG_AUTO);
	buffer_init(&b->said, BIG);
	ck_assert_int_eq(net_new(b->loop, b->pdp_key, &b->net, &e), E_OK);
	ck_assert_int_eq(endpoint_parse("127.0.0.1:0", 0, &at, &e), E_OK);
	listen_at(b, &at);
	ck_assert_msg(!kernel_open(&b->kernel, &e), "%s", e.text);
	make_policy(b);
	write_settings(b);
}

static void bench_fini(struct bench *b)
{
	char command[128];

	link_abort(b->link);
	session_free(b->session);
	net_listener_free(b->listener);
	if (b->other)
		net_listener_free(b->other);
	net_free(b->net);
	ev_loop_destroy(b->loop);
	kernel_free(b->kernel);
	key_free(b->pdp_key);
	key_free(b->node_key);
	key_free(b->report_key);
	buffer_fini(&b->said);
	world_free(b->w);
	snprintf(command, sizeof command, "rm -rf %s", b->directory);
	ck_assert_int_eq(system(command), 0);
}

static int pepctl(struct bench *b, const char *command)
{
	char control[128];

	snprintf(control, sizeof control, "%s/control", b->directory);
	return status_of(run(PEPCTL, "-s", control, command));
}

/* A figure of RFC 2940's table for a PDP and client-type, as pepctl status --json has it; -1 if
 * there is no such row. */
static json_int_t table_says(struct bench *b, const struct endpoint *pdp, int client_type,
                             const char *what)
{
	json_t *request = json_pack("{s:s}", "command", "status"), *status = NULL, *server, *row;
	char control[128], address[ENDPOINT_TEXT_SIZE];
	json_int_t n = -1;
	size_t i, k;
	struct error e;

	snprintf(control, sizeof control, "%s/control", b->directory);
	endpoint_format(pdp, address);
	ck_assert_msg(!control_call(control, request, PATIENCE_MS, &status, &e), "%s", e.text);
	json_array_foreach(json_object_get(status, "servers"), i, server) {
		if (strcmp(json_string_value(json_object_get(server, "address")), address) != 0)
			continue;
		if (client_type < 0)
			n = json_integer_value(json_object_get(server, what));
		json_array_foreach(json_object_get(server, "client-types"), k, row)
			if (json_integer_value(json_object_get(row, "client-type")) == client_type)
				n = json_integer_value(json_object_get(row, what));
	}
	json_decref(status);
	json_decref(request);
	return n;
}

/* Whether this is kept for pepctl log -e, of this decision. */
static bool has_event(struct bench *b, const char *name, json_int_t decision)
{
	json_t *request = json_pack("{s:s}", "command", "events"), *answer = NULL, *event;
	char control[128];
	bool found = false;
	struct error e;
	size_t i;

	snprintf(control, sizeof control, "%s/control", b->directory);
	ck_assert_msg(!control_call(control, request, PATIENCE_MS, &answer, &e), "%s", e.text);
	json_array_foreach(json_object_get(answer, "events"), i, event)
		found |= !strcmp(json_string_value(json_object_get(event, "event")), name) &&
		         json_integer_value(json_object_get(event, "decision")) == decision;
	json_decref(answer);
	json_decref(request);
	return found;
}

START_TEST(policy_outlives_everybody)
{
	char closed[17], policy[17], now[17], settings[128];
	struct buffer rows;
	struct bench b;
	pid_t net, enforce;

	bench_init(&b);
	buffer_init(&rows, BIG);
	plan_id(&b, now);
	ck_assert_str_eq(now, "");

	/* pepd --> REQ, nothing in force; the node is closed already. */
	start_pepd(&b);
	wait_for(&b, has_request, "the first request");
	ck_assert_str_eq(b.incarnation, "");
	plan_id(&b, closed);
	ck_assert_str_ne(closed, "");

	/* DEC --> RPT Success, signed. */
	world_node(b.w, &rows);
	decide(&b, buffer_view(&rows));
	ck_assert_msg(b.report == COPS_SUCCESS, "refused");
	check_compliance(&b);
	plan_id(&b, policy);
	ck_assert_str_ne(policy, closed);
	ck_assert_int_eq(pepctl(&b, "status"), 0);
	ck_assert_int_eq(pepctl(&b, "policy"), 0);
	ck_assert_int_eq(pepctl(&b, "sa"), 0);
	ck_assert(has_event(&b, "in force", 1));
	ck_assert(!has_event(&b, "refused", 2));

	/* DEC with one octet changed --> RPT Failure, and the kernel is as it was. */
	rows.data[rows.len / 2] ^= 1;
	decide(&b, buffer_view(&rows));
	ck_assert_int_eq(b.report, COPS_FAILURE);
	plan_id(&b, now);
	ck_assert_str_eq(now, policy);
	ck_assert_int_eq(pepctl(&b, "status"), 3);
	ck_assert(has_event(&b, "refused", 2));

	/* net dies: another one asks, and says what is in force. */
	net = child_of(b.pepd, "pepd-net");
	enforce = child_of(b.pepd, "pepd-enforce");
	ck_assert_int_gt(net, 0);
	ck_assert_int_gt(enforce, 0);
	b.requests = 0;
	kill_and_wait(net, SIGKILL);
	wait_for(&b, has_request, "a request after the death of net");
	ck_assert_str_eq(b.incarnation, "20");
	ck_assert_int_eq(child_of(b.pepd, "pepd-enforce"), enforce);
	decide(&b, VIEW_NONE);
	ck_assert_int_eq(b.report, COPS_SUCCESS);
	check_compliance(&b);

	/* enforce dies: the kernel does not notice. */
	b.requests = 0;
	kill_and_wait(enforce, SIGKILL);
	plan_id(&b, now);
	ck_assert_str_eq(now, policy);
	wait_for(&b, has_request, "a request after the death of enforce");
	ck_assert_str_eq(b.incarnation, "20");
	plan_id(&b, now);
	ck_assert_str_eq(now, policy);

	/* The supervisor dies: the others follow, the policy does not. */
	net = child_of(b.pepd, "pepd-net");
	enforce = child_of(b.pepd, "pepd-enforce");
	kill_and_wait(b.pepd, SIGKILL);
	ck_assert_int_eq(status_of(b.pepd), 128 + SIGKILL);
	while (!kill(enforce, 0) || !kill(net, 0))
		ev_run(b.loop, EVRUN_NOWAIT);
	plan_id(&b, now);
	ck_assert_str_eq(now, policy);

	/* Again from the start, by the disk; then the end in order, and the explicit one. */
	start_pepd(&b);
	wait_for(&b, has_request, "a request after the restart");
	ck_assert_str_eq(b.incarnation, "20");
	snprintf(settings, sizeof settings, "%s/pepd.conf", b.directory);
	ck_assert_int_eq(status_of(run(PEPD, "--clear", "-c", settings)), 1);
	/* A signal to all, as a terminal sends it, ends no child before the supervisor says so. */
	net = child_of(b.pepd, "pepd-net");
	enforce = child_of(b.pepd, "pepd-enforce");
	ck_assert_int_eq(kill(net, SIGINT), 0);
	ck_assert_int_eq(kill(enforce, SIGTERM), 0);
	decide(&b, VIEW_NONE);
	ck_assert_int_eq(b.report, COPS_SUCCESS);
	ck_assert_int_eq(child_of(b.pepd, "pepd-net"), net);
	ck_assert_int_eq(child_of(b.pepd, "pepd-enforce"), enforce);
	ck_assert_int_eq(kill(b.pepd, SIGTERM), 0);
	ck_assert_int_eq(status_of(b.pepd), 0);
	plan_id(&b, now);
	ck_assert_str_eq(now, policy);
	ck_assert_int_eq(status_of(run(PEPD, "--clear", "-c", settings)), 0);
	plan_id(&b, now);
	ck_assert_str_eq(now, "");
	buffer_fini(&rows);
	bench_fini(&b);
}
END_TEST

static bool has_ended_twice(struct bench *b)
{
	return b->ended > 1;
}

START_TEST(a_pdp_with_another_key_is_not_spoken_to)
{
	struct endpoint at;
	struct bench b;
	struct error e;

	bench_init(&b);
	/* At the same place, but the settings name the key of before. */
	at = *net_listener_endpoint(b.listener);
	net_listener_free(b.listener);
	net_free(b.net);
	key_free(b.pdp_key);
	ck_assert_int_eq(key_generate("impostor", &b.pdp_key, &e), E_OK);
	ck_assert_int_eq(net_new(b.loop, b.pdp_key, &b.net, &e), E_OK);
	listen_at(&b, &at);
	start_pepd(&b);
	wait_for(&b, has_ended_twice, "two refusals");
	ck_assert_uint_eq(b.openings, 0);
	ck_assert_int_eq(pepctl(&b, "status"), 3);
	ck_assert_int_eq(kill(b.pepd, SIGTERM), 0);
	ck_assert_int_eq(status_of(b.pepd), 0);
	bench_fini(&b);
}
END_TEST

/* ---- More than one PDP ---- */

static bool is_with_other(struct bench *b)
{
	return b->requests && b->came_to == b->other;
}

static bool is_with_first(struct bench *b)
{
	return b->requests && b->came_to == b->listener;
}

static bool has_synchronized(struct bench *b)
{
	return b->synchronized > 0;
}

static void begin_with_two(struct bench *b)
{
	struct endpoint at;
	struct error e;

	bench_init(b);
	ck_assert_int_eq(endpoint_parse("127.0.0.1:0", 0, &at, &e), E_OK);
	b->other = listener_at(b, &at);
	write_settings(b);
}

/* What the policy's world has for this node, reported as success. */
static void put_in_force(struct bench *b)
{
	struct buffer installs;

	buffer_init(&installs, BIG);
	world_node(b->w, &installs);
	decide(b, buffer_view(&installs));
	ck_assert_int_eq(b->report, COPS_SUCCESS);
	buffer_fini(&installs);
}

/* A node that gets roles says so, and an SSQ would have to wait until that is answered. */
static void put_first_in_force(struct bench *b)
{
	b->requests = 0;
	put_in_force(b);
	wait_for(b, has_request, "a request with the new roles");
	decide(b, VIEW_NONE);
}

static void end_pepd(struct bench *b)
{
	ck_assert_int_eq(kill(b->pepd, SIGTERM), 0);
	ck_assert_int_eq(status_of(b->pepd), 0);
}

static bool has_synchronized_eight(struct bench *b)
{
	return b->synchronized == 8;
}

static bool has_ended(struct bench *b)
{
	return b->ended > 0;
}

/* Each SSQ waits for the REQ that a decision holds up; eight may, the ninth ends the session. */
START_TEST(too_many_wishes_to_synchronize_end_the_session)
{
	for (unsigned wishes = 8; wishes <= 9; wishes++) {
		struct bench b;

		bench_init(&b);
		start_pepd(&b);
		wait_for(&b, has_request, "a request");
		for (unsigned i = 0; i < wishes; i++)
			ck_assert_int_eq(
				pdp_session_synchronize(b.session, COPS_CLIENT_PROVISIONING,
					i % 2 ? b.state : 0),
				E_OK);
		link_pump(b.link);
		if (wishes > 8) {
			wait_for(&b, has_ended, "the end");
			ck_assert_uint_eq(b.synchronized, 0);
		} else {
			put_first_in_force(&b);
			wait_for(&b, has_synchronized_eight, "eight SSCs");
			ck_assert_uint_eq(b.ended, 0);
		}
		end_pepd(&b);
		bench_fini(&b);
	}
}
END_TEST

START_TEST(a_redirection_is_followed_and_the_last_pdp_named)
{
	struct bench b;

	begin_with_two(&b);
	start_pepd(&b);
	wait_for(&b, is_with_first, "the first PDP");
	ck_assert(!b.has_last_pdp);
	put_first_in_force(&b);

	/* All of it again, at the wish of the PDP. */
	b.requests = 0;
	ck_assert_int_eq(pdp_session_synchronize(b.session, COPS_CLIENT_PROVISIONING, 0), E_OK);
	link_pump(b.link);
	wait_for(&b, has_synchronized, "SSC");
	ck_assert_uint_eq(b.requests, 1);
	ck_assert(b.full);
	decide(&b, VIEW_NONE);

	b.requests = 0;
	ck_assert_int_eq(pdp_session_redirect(b.session, COPS_CLIENT_CONNECTION,
	                                      net_listener_endpoint(b.other)), E_OK);
	link_pump(b.link);
	wait_for(&b, is_with_other, "the other PDP");
	ck_assert(b.full);
	ck_assert(b.has_last_pdp);
	ck_assert(endpoint_equal(&b.last_pdp, net_listener_endpoint(b.listener)));
	/* It says what it holds, and a NULL decision will do. */
	ck_assert_str_eq(b.incarnation, "20");
	decide(&b, VIEW_NONE);

	/* What was counted at the first outlives its session: OPN, REQ, RPT, REQ, RPT, REQ, SSC,
	 * RPT against CAT, DEC, DEC, SSQ, DEC, CC. enforce hears of it within a second. */
	while (table_says(&b, net_listener_endpoint(b.other), COPS_CLIENT_PROVISIONING,
	                  "messages-out") < 3)
		ev_run(b.loop, EVRUN_NOWAIT);
	ck_assert_int_eq(table_says(&b, net_listener_endpoint(b.listener),
	                            COPS_CLIENT_PROVISIONING, "messages-out"), 8);
	ck_assert_int_eq(table_says(&b, net_listener_endpoint(b.listener),
	                            COPS_CLIENT_PROVISIONING, "messages-in"), 6);
	ck_assert_int_eq(table_says(&b, net_listener_endpoint(b.listener),
	                            COPS_CLIENT_PROVISIONING, "last-error"), COPS_ERROR_REDIRECT);
	ck_assert_int_eq(table_says(&b, net_listener_endpoint(b.listener), -1,
	                            "connect-attempts"), 1);
	ck_assert_int_eq(table_says(&b, net_listener_endpoint(b.other), 0, "keep-alive"), 30);
	end_pepd(&b);
	bench_fini(&b);
}
END_TEST

/* The first wants TLS, which then fails; the other one has none. */
START_TEST(who_demands_tls_gets_it_and_nobody_else)
{
	struct bench b;

	begin_with_two(&b);
	b.other_is_plain = b.is_shy = true;
	write_settings(&b);
	start_pepd(&b);
	wait_for(&b, is_with_other, "the PDP without TLS");
	ck_assert_uint_ge(b.ended, 2);
	decide(&b, VIEW_NONE);
	end_pepd(&b);
	bench_fini(&b);
}
END_TEST

START_TEST(tls_is_used_at_once_where_it_is_demanded)
{
	struct bench b;

	begin_with_two(&b);
	b.other_is_plain = true;
	write_settings(&b);
	start_pepd(&b);
	wait_for(&b, has_request, "a request");
	ck_assert(is_with_first(&b));
	ck_assert_ptr_nonnull(link_pin(b.link));
	decide(&b, VIEW_NONE);
	end_pepd(&b);
	bench_fini(&b);
}
END_TEST

static bool is_asked_again(struct bench *b)
{
	return b->openings > 1 && b->requests;
}

/* One state is what a node has; closing it ends serving, not enforcement. */
START_TEST(request_states_at_the_wish_of_a_pdp)
{
	char policy[17], now[17];
	uint32_t decision;
	struct bench b;

	bench_init(&b);
	start_pepd(&b);
	wait_for(&b, has_request, "a request");
	put_first_in_force(&b);
	plan_id(&b, policy);

	b.reports = 0;
	ck_assert_int_eq(pdp_session_decide_state(b.session, b.state, COPS_INSTALL, &decision),
	                 E_OK);
	link_pump(b.link);
	wait_for(&b, has_report, "a report");
	ck_assert_int_eq(b.report, COPS_FAILURE);
	ck_assert_mem_eq(b.said.data, "\x00\x08\x04\x01\x00\x06", 6); /* GPERR 6 */

	b.reports = b.requests = 0;
	b.openings = 1;
	ck_assert_int_eq(pdp_session_decide_state(b.session, b.state, COPS_REMOVE, &decision),
	                 E_OK);
	link_pump(b.link);
	wait_for(&b, is_asked_again, "a new session");
	ck_assert_uint_eq(b.reports, 1);
	ck_assert_int_eq(b.report, COPS_SUCCESS);
	ck_assert_str_eq(b.incarnation, "20");
	plan_id(&b, now);
	ck_assert_str_eq(now, policy);
	decide(&b, VIEW_NONE);
	end_pepd(&b);
	bench_fini(&b);
}
END_TEST

static bool has_request_or_new_session(struct bench *b)
{
	return b->requests || b->openings > 1;
}

/* Each costs the state, and the node asks again: not for ever. */
START_TEST(malformed_decisions_without_end_are_no_storm)
{
	static const uint8_t unknown_object[] = {0, 4, 20, 1};
	struct bench b;
	unsigned asked = 0;

	bench_init(&b);
	start_pepd(&b);
	wait_for(&b, has_request, "a request");
	while (b.openings == 1) {
		ck_assert_uint_le(++asked, 4);
		b.requests = 0;
		forge_decision(&b, COPS_FLAG_SOLICITED, unknown_object, sizeof unknown_object);
		wait_for(&b, has_request_or_new_session, "a request, or a new session");
	}
	ck_assert_uint_eq(asked, 4);
	/* The next session is as good as any. */
	wait_for(&b, has_request, "a request of the new session");
	put_first_in_force(&b);
	end_pepd(&b);
	bench_fini(&b);
}
END_TEST

static void synchronize(struct bench *b, uint32_t state)
{
	ck_assert_int_eq(pdp_session_synchronize(b->session, COPS_CLIENT_PROVISIONING, state), E_OK);
	link_pump(b->link);
}

static bool has_all_it_wished(struct bench *b)
{
	return b->requests && b->synchronized == 2;
}

/* Each SSQ has its SSC, behind a REQ that waits for the answer of the one before: whatever that is. */
START_TEST(wishes_to_synchronize_wait_their_turn)
{
	static const uint8_t null_decision[] = {0, 8, COPS_CONTEXT, COPS_ONLY, 0, COPS_R_CONFIGURATION, 0,
		0, 0, 8, COPS_DECISION, COPS_DECISION_FLAGS, 0, 0, 0, 0};
	static const uint8_t malformed[] = {0, 8, 99, 1, 0, 0, 0, 0};
	struct bench b;

	bench_init(&b);
	start_pepd(&b);
	wait_for(&b, has_request, "a request");
	put_first_in_force(&b);
	synchronize(&b, 0);
	wait_for(&b, has_synchronized, "SSC");

	/* Its REQ stays unanswered. Behind the report of a decision that is no answer, the next REQ
	 * could not be sent. */
	synchronize(&b, b.state);
	b.reports = 0;
	forge_decision(&b, 0, null_decision, sizeof null_decision);
	wait_for(&b, has_report, "a report");
	ck_assert_uint_eq(b.synchronized, 1);
	synchronize(&b, 0);
	b.requests = b.synchronized = 0;
	decide(&b, VIEW(malformed, sizeof malformed));
	ck_assert_int_eq(b.report, COPS_FAILURE);
	wait_for(&b, has_all_it_wished, "a request and two SSCs");
	decide(&b, VIEW_NONE);
	end_pepd(&b);
	bench_fini(&b);
}
END_TEST

/* The disk refuses the serial floors after the kernel has taken the policy. */
START_TEST(what_fails_later_is_told_and_its_repair_too)
{
	char floors[128], inside[140];
	struct bench b;

	bench_init(&b);
	start_pepd(&b);
	wait_for(&b, has_request, "a request");
	put_first_in_force(&b);
	snprintf(floors, sizeof floors, "%s/state/floors", b.directory);
	snprintf(inside, sizeof inside, "%s/in-the-way", floors);
	ck_assert_int_eq(unlink(floors), 0);
	ck_assert_int_eq(mkdir(floors, 0700), 0);
	ck_assert_int_eq(mkdir(inside, 0700), 0);
	b.w->index.serial++;
	world_sign(b.w);
	put_in_force(&b);

	/* RPT Failure without the Solicited flag. */
	b.reports = 0;
	wait_for(&b, has_report, "a failure of later");
	ck_assert_int_eq(b.report, COPS_FAILURE);
	ck_assert_uint_eq(b.reported, 0);
	ck_assert_uint_eq(b.said.data[2], PR_GPERR);

	/* REQ, and the report of its decision says what holds. */
	b.requests = 0;
	ck_assert_int_eq(rmdir(inside), 0);
	ck_assert_int_eq(rmdir(floors), 0);
	wait_for(&b, has_request, "a request after the repair");
	decide(&b, VIEW_NONE);
	ck_assert_int_eq(b.report, COPS_SUCCESS);
	check_compliance(&b);
	ck_assert_int_eq(pepctl(&b, "status"), 0);
	end_pepd(&b);
	bench_fini(&b);
}
END_TEST

START_TEST(the_preferred_pdp_is_returned_to)
{
	struct endpoint first;
	struct bench b;

	begin_with_two(&b);
	first = *net_listener_endpoint(b.listener);
	net_listener_free(b.listener);
	b.listener = NULL;
	start_pepd(&b);
	wait_for(&b, is_with_other, "the other PDP");
	decide(&b, VIEW_NONE);
	b.requests = 0;
	listen_at(&b, &first);
	wait_for(&b, is_with_first, "the first PDP");
	decide(&b, VIEW_NONE);
	ck_assert(endpoint_equal(&b.last_pdp, net_listener_endpoint(b.other)));
	end_pepd(&b);
	bench_fini(&b);
}
END_TEST

START_TEST(wrong_settings_end_it_at_once)
{
	char settings[128];
	struct bench b;

	bench_init(&b);
	snprintf(settings, sizeof settings, "%s/pepd.conf", b.directory);
	ck_assert_int_eq(status_of(run(PEPD, "-n", "-c", settings)), 0);
	write_file(&b, "pepd.conf", "name = gw1\nname = gw1\nno-such-key = 1\n");
	ck_assert_int_eq(status_of(run(PEPD, "-n", "-c", settings)), 1);
	ck_assert_int_eq(status_of(run(PEPD, "-f", "-c", settings)), 1);
	/* Good settings, but a key that is not there: closed, and no daemon that pretends. */
	write_settings(&b);
	snprintf(settings, sizeof settings, "%s/trust.pem", b.directory);
	ck_assert_int_eq(unlink(settings), 0);
	start_pepd(&b);
	ck_assert_int_eq(status_of(b.pepd), 1);
	bench_fini(&b);
}
END_TEST

/* As root, or as root of a user namespace. */
static bool own_namespace(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	uid_t uid = getuid();
	char map[64];
	int fd;

	if (unshare(CLONE_NEWNET)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
			return false;
		fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
		snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
		if (fd < 0 || write(fd, map, strlen(map)) < 0)
			return false;
		close(fd);
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		return false;
	close(fd);
	return true;
}

int main(void)
{
	Suite *suite = suite_create("pepd");
	TCase *t = tcase_create("processes");

	if (!own_namespace()) {
		printf("skipped: no network namespace: %s\n", strerror(errno));
		return SKIP;
	}
	tcase_set_timeout(t, 240);
	tcase_add_test(t, policy_outlives_everybody);
	tcase_add_test(t, a_pdp_with_another_key_is_not_spoken_to);
	tcase_add_test(t, too_many_wishes_to_synchronize_end_the_session);
	tcase_add_test(t, a_redirection_is_followed_and_the_last_pdp_named);
	tcase_add_test(t, who_demands_tls_gets_it_and_nobody_else);
	tcase_add_test(t, tls_is_used_at_once_where_it_is_demanded);
	tcase_add_test(t, request_states_at_the_wish_of_a_pdp);
	tcase_add_test(t, malformed_decisions_without_end_are_no_storm);
	tcase_add_test(t, wishes_to_synchronize_wait_their_turn);
	tcase_add_test(t, what_fails_later_is_told_and_its_repair_too);
	tcase_add_test(t, the_preferred_pdp_is_returned_to);
	tcase_add_test(t, wrong_settings_end_it_at_once);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
