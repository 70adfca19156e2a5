/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A policy file and its parts, read and checked: document, model, and all that is to be said about
 * them. What comes later (compilation, tests) adds its findings to the same diagnostics.
 */
#ifndef COPSEC_PMT_LANGUAGE_POLICY_FILE_H
#define COPSEC_PMT_LANGUAGE_POLICY_FILE_H

#include "pmt/language/model.h"

struct policy_file {
	struct diagnostics diagnostics;
	struct document document;
	struct model model;
};

/*
 * Whatever it returns, policy_file_fini() is called once. E_OK also when the policy is wrong: then
 * diagnostics.errors is not 0, and the model is not to be used. Fails when the file cannot be read.
 */
enum err policy_file_read(struct policy_file *f, const char *path, struct error *e) MUST_USE;
/* The same with one more part, which stands on the command line. */
enum err policy_file_read_with(
	struct policy_file *f, const char *path, struct view part, struct error *e) MUST_USE;
/* The same of a text alone; messages show `name` for its file. */
enum err policy_file_read_text(
	struct policy_file *f, const char *name, struct view text, struct error *e) MUST_USE;
void policy_file_fini(struct policy_file *f);

#endif
