/* SPDX-License-Identifier: GPL-3.0-or-later */
/* publish: a bundle goes to a decision point, to all of its nodes or to some of them first. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmt/commands/conversation.h"
#include "pmt/commands/preflight.h"
#include "pmt/commands/rollout.h"
#include "pmt/commands/signing.h"
#include "pmt/commands/subject.h"

enum {
	OPTION_TRUST = 't',
	OPTION_THRESHOLD = 256,
	OPTION_IN_FORCE,
	OPTION_DRY_RUN,
	OPTION_WAIT,
	OPTION_CANARY,
	OPTION_CANARY_ROLE,
	OPTION_HOLD,
	OPTION_FALLBACK,
	OPTION_PROMOTE,
	OPTION_REPLACE,
	HOLD_MS = 600000,
};

const struct option_row publish_options[] = {
	CONVERSATION_OPTIONS,
	{OPTION_TRUST, "trust", "FILE",
		"first verify it as nodes will, by these certificates (PEM)"},
	{OPTION_THRESHOLD, "threshold", "NUMBER", "how many of them must have signed; else 1"},
	{OPTION_IN_FORCE, "in-force", "BUNDLE",
		"what nodes have now: refuse what is older, or another tenant's"},
	{OPTION_DRY_RUN, "dry-run", NULL,
		"send nothing; show what it would change of what is in force"},
	{OPTION_WAIT, "wait", NULL, "until every node that is there has it, and say who has not"},
	{OPTION_CANARY, "canary", "N%", "let this share of the nodes try it first"},
	{OPTION_CANARY_ROLE, "canary-role", "ROLE", "let the nodes with this role try it first"},
	{OPTION_HOLD, "hold", "TIME", "how long they try it before the others get it; else 10m"},
	{OPTION_FALLBACK, "fallback", "BUNDLE",
		"the way back, if it fails them; else NAME.fallback.bundle beside the bundle"},
	{OPTION_PROMOTE, "promote", "SERIAL", "give what is tried to all nodes"},
	{OPTION_REPLACE, "replace", NULL, "end what somebody else lets nodes try"},
	{0},
};

struct wish {
	struct conversation_terms pdp;
	struct preflight bundle;
	bool dry_run, wait, replace;
	uint64_t promote; /* serial; 0: nothing */
	struct trial_wish trial;
};

/* ---- What is not worth sending ---- */

static enum err check_there(const struct wish *w, const struct set_index *index,
	const struct standing_table *there, struct error *e)
{
	const struct publishing_state *s = &there->state;
	const uint64_t newest = s->tried ? s->tried : s->serial;
	char pin[PIN_TEXT_SIZE];

	/* Another authority's goes beside it, in its own name and under its own serials. */
	if (index->authority != AUTHORITY_HOME)
		return E_OK;
	pin_format(&s->publisher, pin);
	if (s->tenant.len && !view_equal(s->tenant, index->tenant))
		return error_set(e, E_MISMATCH,
			"the bundle is of the tenant %.*s, the decision point is %s's",
			(int)index->tenant.len, (const char *)index->tenant.data, there->tenant);
	if (index->serial <= newest)
		return error_set(e, E_STALE,
			"the bundle has the serial %" PRIu64 ", the decision point has %" PRIu64,
			index->serial, newest);
	if (s->tried && !w->replace)
		return error_set(e, E_CONFLICT,
			"serial %" PRIu64 " is being tried, published by %s; --replace ends that",
			s->tried, pin);
	if (w->trial.on && s->tried)
		return error_set(e, E_CONFLICT,
			"serial %" PRIu64 " is being tried: one policy after the other", s->tried);
	if (w->trial.on && !s->serial)
		return error_set(e, E_NOT_FOUND,
			"there is no policy in force that the other nodes could keep");
	return E_OK;
}

/* ---- The comparison ---- */

/* 0 or the exit status, with the complaint printed. */
static int open_in_force(
	const char *name, const struct wish *w, struct conversation *c, struct subject *s)
{
	const struct publishing_order fetch = {.action = PUBLISHING_FETCH};
	struct buffer objects;
	struct error e;
	int status;

	if (!c)
		return subject_open(name, w->bundle.in_force, s);
	buffer_init(&objects, BUNDLE_MAX);
	if (conversation_order(c, &fetch, VIEW_NONE, &objects, &e)) {
		*s = (struct subject){0};
		status = command_failed(name, &e);
	} else {
		status = subject_open_objects(name, "what is in force", buffer_view(&objects), s);
	}
	buffer_fini(&objects);
	return status;
}

static int dry_run(const char *name, const struct wish *w, struct conversation *c)
{
	struct subject before, after = {0};
	int status = open_in_force(name, w, c, &before);

	if (!status) {
		status = subject_open(name, w->bundle.path, &after);
		if (!status)
			status = diff_run(name, &before, &after, false);
		subject_fini(&after);
	}
	subject_fini(&before);
	return status;
}

/* ---- Publishing ---- */

static int send_it(const char *name, const struct wish *w, struct bundle_file *f, struct rollout *r,
	const struct set_index *index)
{
	struct error e;

	if (index->authority != AUTHORITY_HOME && (w->trial.on || w->wait))
		return command_misused(
			name, "only home's policy is tried, and waited for, node by node");
	if (w->trial.on)
		return rollout_try(r, name, &w->trial, f, index->serial);
	if (rollout_publish(r, f, &e))
		return command_failed(name, &e);
	printf("%s: published, tenant %.*s%s%s, serial %" PRIu64 "\n", w->bundle.path,
		(int)index->tenant.len, (const char *)index->tenant.data,
		index->authority == AUTHORITY_HOME ? "" : " as ",
		index->authority == AUTHORITY_HOME ? "" : authority_name(index->authority),
		index->serial);
	fflush(stdout);
	return w->wait ? rollout_wait(r, name, index->serial) : EXIT_SUCCESS;
}

static int with_pdp(const char *name, const struct wish *w, struct bundle_file *f,
	const struct set_index *index)
{
	struct standing_table there = {0};
	struct conversation *c = NULL;
	int status = EXIT_SUCCESS;
	struct error e;
	enum err code = conversation_begin(&w->pdp, &c, &e);

	if (!code)
		code = conversation_follow(c, &there, &e);
	if (!code && !w->promote)
		code = check_there(w, index, &there, &e);
	if (code) {
		status = code == E_AGAIN ? EXIT_INTERRUPTED : command_failed(name, &e);
	} else if (w->dry_run) {
		status = dry_run(name, w, c);
	} else {
		struct rollout r = {c, &there, w->pdp.timeout_ms};

		status = w->promote ? rollout_promote(&r, name, w->promote, w->wait)
				    : send_it(name, w, f, &r, index);
	}
	conversation_end(c);
	standing_fini(&there);
	return status;
}

/* The way back must be one: signed as well as the way there, and newer. */
static enum err check_fallback(const struct wish *w, struct bundle_file *back, struct error *e)
{
	const struct preflight flight = {
		w->trial.fallback, w->bundle.trust, w->bundle.threshold, w->bundle.path};
	struct set_index index;
	enum err code = preflight_check(&flight, back, &index, e);

	if (code == E_SYSTEM)
		return error_set(e, code,
			"there is no way back, %s: pmt sign --with-fallback makes one",
			w->trial.fallback);
	if (code)
		error_prefix(e, "the way back, %s", w->trial.fallback);
	return code;
}

static int publish(const char *name, struct wish *w)
{
	struct bundle_file f, back = {0};
	struct set_index index;
	int status = EXIT_SUCCESS;
	struct buffer path;
	struct error e;
	enum err code = preflight_check(&w->bundle, &f, &index, &e);

	buffer_init(&path, 8192);
	arena_init(&back.arena, 1);
	if (!code && w->trial.on) {
		put_fallback_path(w->bundle.path, &path);
		if (!w->trial.fallback)
			w->trial.fallback = buffer_string(&path);
		code = check_fallback(w, &back, &e);
		w->trial.back = &back;
	}
	if (code)
		status = command_failed(name, &e);
	else if (w->dry_run && !w->pdp.pdp)
		status = dry_run(name, w, NULL);
	else
		status = with_pdp(name, w, &f, &index);
	bundle_file_fini(&back);
	bundle_file_fini(&f);
	buffer_fini(&path);
	return status;
}

/* ---- The command line ---- */

static bool take_share(const char *name, const char *text, struct trial_wish *trial)
{
	char *end;
	unsigned long share = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || strcmp(end, "%") != 0 || share < 1 || share > 100) {
		command_misused(name, "\"%s\" is not a share for --canary, such as 5%%", text);
		return false;
	}
	trial->on = true;
	trial->share = (uint32_t)share;
	return true;
}

static bool take_option(const char *name, struct wish *w, int id, const char *value)
{
	switch (id) {
	case OPTION_TRUST:
		w->bundle.trust = value;
		return true;
	case OPTION_THRESHOLD:
		return command_number(name, "threshold", value, &w->bundle.threshold);
	case OPTION_IN_FORCE:
		w->bundle.in_force = value;
		return true;
	case OPTION_DRY_RUN:
		return w->dry_run = true;
	case OPTION_WAIT:
		return w->wait = true;
	case OPTION_CANARY:
		return take_share(name, value, &w->trial);
	case OPTION_CANARY_ROLE:
		w->trial.roles = value;
		return w->trial.on = true;
	case OPTION_HOLD:
		return command_duration(name, "hold", value, &w->trial.hold_ms);
	case OPTION_FALLBACK:
		w->trial.fallback = value;
		return true;
	case OPTION_PROMOTE:
		return command_number(name, "promote", value, &w->promote);
	case OPTION_REPLACE:
		return w->replace = true;
	default:
		return conversation_option(&w->pdp, name, id, value);
	}
}

static const char *wrong_wish(const struct wish *w)
{
	const struct trial_wish *t = &w->trial;

	if (t->share && t->roles)
		return "--canary and --canary-role are two answers to one question";
	if (!t->on && (t->fallback || t->hold_ms != HOLD_MS))
		return "--hold and --fallback belong to --canary or --canary-role";
	if (t->on && (w->dry_run || w->promote))
		return "a canary is for what is published";
	if (w->promote && w->dry_run)
		return "--promote and --dry-run exclude each other";
	if (w->bundle.threshold > UINT32_MAX)
		return "the threshold is too great";
	if (w->dry_run && !w->pdp.pdp && !w->bundle.in_force)
		return "--dry-run compares with what is in force at --pdp, or with --in-force";
	return NULL;
}

int command_publish(void *context, int argc, char **argv)
{
	struct wish w = {.pdp.timeout_ms = CONVERSATION_TIMEOUT_MS,
		.bundle.threshold = 1,
		.trial.hold_ms = HOLD_MS};
	const char *missing;
	int id, status = EXIT_SUCCESS;
	struct options o;

	(void)context;
	command_begin(&o, publish_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		if (!take_option(argv[0], &w, id, o.value))
			return EXIT_BAD_USAGE;
	if (id < 0)
		return status;
	missing = wrong_wish(&w);
	if (missing)
		return command_misused(argv[0], "%s", missing);
	missing = conversation_lacks(&w.pdp);
	if (missing && !(w.dry_run && !w.pdp.pdp))
		return command_misused(argv[0], "--%s is missing", missing);
	if (w.promote && o.argc == 0)
		return with_pdp(argv[0], &w, NULL, NULL);
	w.bundle.path = w.promote ? NULL : command_operand(&o, argv[0], "the bundle");
	if (w.promote)
		return command_misused(argv[0], "\"%s\" is too much", o.argv[0]);
	return w.bundle.path ? publish(argv[0], &w) : EXIT_BAD_USAGE;
}
