/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A policy or a bundle, whichever a command got, as its nodes will read it; and how the flows and
 * rules of either are shown. A policy has names for addresses and places for rules, a bundle has
 * neither.
 */
#ifndef COPSEC_PMT_COMMANDS_SUBJECT_H
#define COPSEC_PMT_COMMANDS_SUBJECT_H

#include "pib/policy/verdicts.h"
#include "pmt/commands/policy.h"
#include "pmt/compiler/reading.h"

struct subject {
	bool is_policy;
	struct policy_file policy; /* only if it is one */
	struct buffer bundle;
	struct reading reading;
};

/* An exit status; what is wrong is printed. subject_fini() in any case. */
int subject_open(const char *name, const char *path, struct subject *s);
/* A policy with one more part, which stands on the command line (policy_file_read_with). */
int subject_open_with(const char *name, const char *path, struct view part, struct subject *s);
/* The objects of a bundle that stand nowhere in a file; `what` is their name in complaints. */
int subject_open_objects(
	const char *name, const char *what, struct view objects, struct subject *s);
void subject_fini(struct subject *s);

/* Prints flows as from, to, service and the roles of interfaces; `roles` gives their numbers. */
void subject_print_match(const struct subject *s, const struct policy_roles *roles,
	const struct flow_match *match, struct buffer *out);
/* `"host-web" at office.xml:35:6`, or `no rule`. */
void subject_print_rule(
	const struct subject *s, const struct policy_rule *rule, struct buffer *out);
/* deny, allow, protect with strong */
void print_verdict(const struct policy_verdict *verdict, struct buffer *out);
/* Source and destination, with the names of the interfaces' roles in transit. */
void print_flow(const struct flow *flow, const struct policy_roles *roles, struct buffer *out);

/* Prints what the second changes of the first, and returns the exit status; diff.c. */
int diff_run(const char *name, struct subject *before, struct subject *after, bool json);

#endif
