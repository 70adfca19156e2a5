/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What pepctl does with each answer of pepd: take fields out of it, and print them so that nothing
 * that came from a policy or a PDP moves the cursor. A field that is missing reads as "" or 0.
 */
#ifndef COPSEC_PEP_SHOW_ANSWER_H
#define COPSEC_PEP_SHOW_ANSWER_H

#include <jansson.h>

const char *answer_string(const json_t *object, const char *key);
json_int_t answer_number(const json_t *object, const char *key);

void show_clean(const char *text);
/* Local time, from seconds since 1970. */
void show_time(json_int_t seconds);
/* Takes the answer. An exit status. */
int show_json(json_t *answer);

#endif
