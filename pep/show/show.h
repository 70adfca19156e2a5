/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of pepd as tables for a terminal. */
#ifndef COPSEC_PEP_SHOW_SHOW_H
#define COPSEC_PEP_SHOW_SHOW_H

#include <jansson.h>
#include <stdbool.h>

/* The answer to "policy". */
void show_policy(const json_t *answer);
/* The answer to "sa". */
void show_associations(const json_t *answer);

/* What has happened, out of pepd at this socket; with `follow` also what happens then, until there is
 * nobody to tell it. JSON is one object a line. An exit status. */
int show_events(const char *socket, bool follow, bool json);

#endif
