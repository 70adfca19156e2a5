/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/service/control.h"

static json_t *json_hex(struct view v)
{
	char hex[2 * SET_ROOT + 1];

	hex_encode(hex, v);
	return json_string(hex);
}

static json_t *json_time(uint64_t seconds)
{
	return json_integer((json_int_t)seconds);
}

static json_t *status_sets(const struct state *s, uint64_t now_utc)
{
	json_t *sets = json_array();
	uint64_t until = UINT64_MAX;

	for (size_t i = 0; s && i < s->set_count; i++) {
		const struct manifest *m = &s->sets[i].manifest;

		json_array_append_new(sets,
		        json_pack("{s:o, s:I, s:s, s:o, s:o, s:I, s:b}", "name", control_text(m->name),
		                  "serial", (json_int_t)m->serial, "authority",
		                  authority_name(m->authority), "root",
		                  json_hex(VIEW(m->root, sizeof m->root)), "not_after",
		                  json_time(m->not_after), "rows",
		                  (json_int_t)pri_store_count(s->sets[i].rows), "counts",
		                  state_set_counts(s, &s->sets[i], now_utc, &until)));
	}
	return sets;
}

static json_t *status_interfaces(const struct enforcement *n)
{
	json_t *interfaces = json_array();

	for (size_t i = 0; i < n->interfaces.count; i++) {
		const struct node_interface *at = &n->interfaces.list[i];

		json_array_append_new(interfaces,
		        json_pack("{s:I, s:o, s:o}", "index", (json_int_t)at->index, "name",
		                  control_text(view_of_string(at->name)), "roles",
		                  control_text(request_interface_roles(n->now.state, at->name))));
	}
	return interfaces;
}

static void add_disorder(json_t *list, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_disorder(json_t *list, const char *format, ...)
{
	char text[2 * ERROR_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	json_array_append_new(list, control_text(view_of_string(text)));
}

static void kernel_disorder(const struct enforcement *n, json_t *list)
{
	struct kernel_status status = {0};
	struct error e;

	if (kernel_status(n->kernel, n->now.plan, &status, &e)) {
		add_disorder(list, "the kernel does not say what it holds: %s", e.text);
		return;
	}
	if (!status.table)
		add_disorder(list, "the packet filter is gone from the kernel");
	else if (strcmp(status.plan_id, n->now.plan->id))
		add_disorder(list, "the packet filter is not that of the policy in force");
	if (!status.spd_as_planned)
		add_disorder(list, "the SPD is not that of the policy in force (%zu entries of ours)",
		             status.spd_entries);
}

/* What becomes of a set after its time. */
static const char *stale_text(enum stale_rule rule)
{
	static const char *const texts[] = {
		[STALE_KEEP] = "keep: it is obeyed still",
		[STALE_TIGHTEN] = "tighten: nothing passes in clear",
		[STALE_QUARANTINE] = "quarantine: only the way to the PDP is open",
	};

	return rule >= STALE_KEEP && rule <= STALE_QUARANTINE ? texts[rule] : "unknown";
}

static json_t *status_disorder(const struct enforcement *n, uint64_t now_utc)
{
	const struct state *s = n->now.state;
	json_t *list = json_array();

	if (!s)
		add_disorder(list, "no policy is in force: the node is closed but for the way to "
		                   "its PDP");
	if (n->now.plan)
		kernel_disorder(n, list);
	if (n->kernel_dirty)
		add_disorder(list, "it is not known what the kernel holds: %s", n->disorder.text);
	if (n->leftovers)
		add_disorder(list, "the kernel holds more than it should: %s",
		             n->disorder.text);
	if (n->not_stored)
		add_disorder(list, "the policy in force would not survive a reboot: %s",
		             n->disorder.text);
	if (n->not_restored)
		add_disorder(list, "%s", n->disorder.text);
	if (n->floors_lost.code)
		add_disorder(list, "an older policy might come back unnoticed: %s",
		             n->floors_lost.text);
	if (n->now.lacking.code)
		add_disorder(list, "%s: what needs it does not pass", n->now.lacking.text);
	if (n->last.any && n->last.why.code)
		add_disorder(list, "the last decision was refused");
	if (n->trial_lost.code)
		add_disorder(list, "the policy before cannot be gone back to: %s", n->trial_lost.text);
	if (n->confirm.phase == CONFIRM_PROBE)
		add_disorder(list, "the PDP was not heard under policy %" PRIu64 ": the one before is probed",
		             n->other.state->home.index.serial);
	if (n->confirm.phase == CONFIRM_BACK)
		add_disorder(list, "policy %" PRIu64 " cut this node off from its PDP: the one before is in "
		             "force", n->other.state->home.index.serial);
	if (n->pdp_error[0])
		add_disorder(list, "%s", n->pdp_error);
	if (n->interfaces.omitted)
		add_disorder(list, "%zu interfaces are more than the PDP is told of",
		             n->interfaces.omitted);
	for (size_t i = 0; s && i < n->interfaces.count; i++)
		if (!request_interface_roles(s, n->interfaces.list[i].name).len)
			add_disorder(list, "interface %s has no role: nothing passes it",
			             n->interfaces.list[i].name);
	for (const struct plan_conflict *c = n->now.plan ? n->now.plan->conflicts : NULL; c;
	     c = c->next)
		add_disorder(list, "roles %s: what authorities demand does not go together, and is "
		                   "discarded (%s)", c->roles, c->cause.name);
	for (size_t i = 0; s && i < s->set_count; i++)
		if (s->sets[i].manifest.not_after < later(now_utc, n->ended) &&
		    s->sets[i].manifest.stale_rule != STALE_END)
			add_disorder(list, "set %.*s is past its time; %s",
			             (int)s->sets[i].manifest.name.len,
			             (const char *)s->sets[i].manifest.name.data,
			             stale_text(s->sets[i].manifest.stale_rule));
	if (s && s->assignments[0].assignment.report_key.len) {
		struct pin ours = key_pin(n->identity.report_key);

		if (!view_equal(s->assignments[0].assignment.report_key,
		                VIEW(ours.sha256, sizeof ours.sha256)))
			add_disorder(list, "the signed assignment names another report key than ours");
	}
	return list;
}

static json_t *status_decision(const struct outcome *o)
{
	if (!o->any)
		return json_null();
	return json_pack("{s:I, s:I, s:s, s:o}", "number", (json_int_t)o->number, "time",
	                 (json_int_t)o->time, "result", o->why.code ? "failure" : "success",
	                 "reason", control_text(view_of_string(o->why.code ? o->why.text : "")));
}

json_t *enforcement_status(const struct enforcement *n, uint64_t now_utc)
{
	const struct state *s = n->now.state;
	struct pin report_key = key_pin(n->identity.report_key);
	char key[PIN_TEXT_SIZE], report[PIN_TEXT_SIZE];

	pin_format(&n->identity.node_key, key);
	pin_format(&report_key, report);
	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
	                 "node", n->identity.pepid, "key", key, "report_key", report, "tenant",
	                 control_text(s ? s->home.index.tenant : VIEW_NONE), "index",
	                 (json_int_t)enforcement_serial(n), "since", (json_int_t)n->since,
	                 "plan", n->now.plan ? n->now.plan->id : "", "sets", status_sets(s, later(now_utc, n->ended)),
	                 "roles", control_text(s ? s->assignments[0].assignment.roles : VIEW_NONE),
	                 "interfaces", status_interfaces(n), "pdp_name",
	                 control_text(view_of_string(n->pdp_name)), "decision",
	                 status_decision(&n->last), "disorder", status_disorder(n, now_utc), "drifts",
	                 (json_int_t)n->drifts);
}
