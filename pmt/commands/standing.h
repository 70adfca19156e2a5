/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who has a policy: what a decision point says of its nodes, kept up to date while it is followed
 * (conversation.h), or as its control socket says it once.
 */
#ifndef COPSEC_PMT_COMMANDS_STANDING_H
#define COPSEC_PMT_COMMANDS_STANDING_H

#include <jansson.h>
#include <stdio.h>

#include "pib/publishing/standing.h"

#define STANDING_CONTROL_PATH "/run/copsec/pdpd.sock"

/* Views into the table's memory. */
struct standing_node {
	bool known;
	struct node_standing now;
	char *name, *reason;            /* of it, printable */
	bool was_there;                 /* has been connected since the table was begun */
	enum publishing_standing shown; /* by standing_show_lines(); 0: not yet */
};

/* All zeros before the first standing_begin(). */
struct standing_table {
	struct publishing_state state; /* without roles and tenant, which stand here: */
	char *roles, *tenant;
	bool begun;
	struct standing_node *nodes;
	size_t count, known;
};
void standing_fini(struct standing_table *t);

/* What comes next is all of it anew; who was there is remembered. */
void standing_begin(struct standing_table *t);
/* What a decision to a follower installs. */
enum err standing_take(struct standing_table *t, struct view installs, struct error *e) MUST_USE;
/* Has it the state and all the nodes? */
bool standing_is_whole(const struct standing_table *t);

/* From a control socket on this machine, as pdpctl(8) asks it. */
enum err standing_ask(const char *socket, struct standing_table *t, struct error *e) MUST_USE;

size_t standing_count(const struct standing_table *t, enum publishing_standing wanted);
/*
 * How many of them may still report, or refuse, what they are to have: those that are behind or
 * have said nothing yet, and those that were there and are gone.
 */
size_t standing_pending(const struct standing_table *t);
bool standing_is_pending(const struct standing_node *node);

/* What is in force, then who has it, who failed and why, who is behind, who is away: a line for
 * each of these, and one more for each node that failed. */
void standing_print(const struct standing_table *t);
/* A new reference; NULL when memory is out. */
json_t *standing_json(const struct standing_table *t);

/* A bar of `done` of `all` in place of the last one, on stderr; and its end. */
void progress_bar(size_t done, size_t all);
void progress_end(void);
/* Progress on stderr: a bar, or a line for each node that is pending no more. */
void standing_show_bar(const struct standing_table *t);
void standing_show_lines(struct standing_table *t);

#endif
