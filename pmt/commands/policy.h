/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands share that begin with a policy file: reading it, printing what is wrong with
 * it, and compiling it to see what nodes would make of it.
 */
#ifndef COPSEC_PMT_COMMANDS_POLICY_H
#define COPSEC_PMT_COMMANDS_POLICY_H

#include "pmt/compiler/compile.h"
#include "pmt/language/policy_file.h"

enum { POLICY_VALIDITY = 3650 * 24 * 60 * 60 /* seconds that one is valid for, unless told */ };

/* Reads the policy and prints what is wrong with it; EXIT_SUCCESS if nothing is. `f` wants
 * policy_file_fini() in any case. */
int policy_open(const char *name, const char *path, struct policy_file *f);
int policy_open_with(const char *name, const char *path, struct view part, struct policy_file *f);
/* To stderr. */
void policy_print_findings(struct policy_file *f);
/* Appends a bundle nobody keeps, to see what would be in it. */
enum err policy_try(const struct policy_file *f, struct buffer *out, struct error *e) MUST_USE;

#endif
