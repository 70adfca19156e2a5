/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prove: statements about the whole network, those in the policy or one on the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/commands/command.h"
#include "pmt/commands/voices.h"
#include "pmt/reasoning/prove.h"

enum {
	OPTION_AT_LEAST = 256,
	OPTION_FROM,
	OPTION_EXCEPT_FROM,
	OPTION_TO,
	OPTION_EXCEPT_TO,
	OPTION_SERVICE,
	OPTION_IN,
	OPTION_OUT,
	OPTION_FORWARD,
	STATEMENT_MAX = 1 << 16,
	TEXT_MAX = 1 << 20
};

const struct option_row prove_options[] = {
	{OPTION_AT_LEAST, "at-least", "VERDICT",
		"this statement instead of the policy's: deny, protect, or \"protect NAME\""},
	{OPTION_FROM, "from", "PEERS", "networks, roles, nodes, addresses"},
	{OPTION_EXCEPT_FROM, "except-from", "PEERS", "but not from these"},
	{OPTION_TO, "to", "PEERS", "networks, roles, nodes, addresses"},
	{OPTION_EXCEPT_TO, "except-to", "PEERS", "but not to these"},
	{OPTION_SERVICE, "service", "SERVICES", "of these services; else any"},
	{OPTION_IN, "in", NULL, "what reaches a node"},
	{OPTION_OUT, "out", NULL, "what a node starts towards others than nodes"},
	{OPTION_FORWARD, "forward", NULL, "what a node passes on between others than nodes"},
	{0},
};

/* The statement as the element that it would be in the policy. */
static void put_attribute(struct buffer *part, int id, const char *value)
{
	for (const struct option_row *row = prove_options; row->name; row++)
		if (row->id == id)
			buffer_put_text(part, " %s=\"", row->name);
	for (const char *p = value ? value : "yes"; *p; p++)
		if (*p == '"' || *p == '<' || *p == '&')
			buffer_put_text(part, "&#%d;", *p);
		else
			buffer_put_u8(part, (uint8_t)*p);
	buffer_put_u8(part, '"');
}

static void put_step(const struct voice *voices, const struct proof_step *step, struct buffer *out)
{
	static const char *const words[] = {"reaches", "leaves", "passes through"};

	buffer_put_text(out, "    %s %s", words[step->direction], step->node);
	if (step->interface && strcmp(step->interface, "*") != 0)
		buffer_put_text(out, " %s", step->interface);
	buffer_put_text(out, " (%s): ", step->set);
	if (step->rule) {
		print_verdict(&step->verdict, out);
		buffer_put_text(out, " by ");
	}
	if (step->sayer)
		buffer_put_text(out, "%s's ", voices[step->sayer].authority);
	subject_print_rule(voices[step->sayer].subject, step->rule, out);
	if (step->when) {
		buffer_put_text(out, ", ");
		cases_print(step->when, out);
	}
	buffer_put_u8(out, '\n');
}

/* As its author wrote it. */
static void put_statement(const struct subject *s, struct place at, struct buffer *out)
{
	const struct source *source = &s->policy.diagnostics.sources[at.file];
	size_t start = at.offset, end = at.offset;
	bool blank = false;
	uint8_t quote = 0;

	for (; end < source->text.len; end++) {
		const uint8_t c = source->text.data[end];

		if (!quote && (c == '>' || c == '/'))
			break;
		if (c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
	}
	for (; start < end; start++) {
		const uint8_t c = source->text.data[start];

		if (c <= ' ') {
			blank = true;
			continue;
		}
		if (blank)
			buffer_put_u8(out, ' ');
		blank = false;
		buffer_put_u8(out, c == 0x7f ? '?' : c);
	}
}

static void put_proof(const struct voice *voices, const struct model_proof *statement,
	const struct proof *proof, struct buffer *out)
{
	const struct subject *s = voices[0].subject;

	place_print(&s->policy.diagnostics, statement->at, out);
	buffer_put_text(out, ": %s: ", !proof->holds ? "FALSE" : "holds");
	put_statement(s, statement->at, out);
	buffer_put_text(out, "%s\n", proof->empty ? " (no flow is meant)" : "");
	if (proof->holds)
		return;
	buffer_put_text(out, "  for example ");
	print_flow(&proof->flow, &s->reading.roles, out);
	buffer_put_u8(out, '\n');
	for (size_t i = 0; i < proof->step_count; i++)
		put_step(voices, &proof->path[i], out);
}

static int prove_statements(
	const char *name, const struct voice *voices, size_t count, struct buffer *out)
{
	struct subject *s = voices[0].subject;
	const struct model *m = &s->policy.model;
	struct prover *prover = NULL;
	size_t failed = 0;
	struct error e;
	enum err code = prover_new(m, &s->reading, &prover, &e);

	for (size_t i = 1; i < count && !code; i++)
		code = prover_add(prover, &voices[i].subject->reading, voices[i].authority, &e);
	if (code) {
		prover_free(prover);
		return command_failed(name, &e);
	}
	for (size_t i = 0; i < m->proof_count; i++) {
		struct proof proof;

		if (prover_prove(prover, &m->proofs[i], &proof, &e)) {
			place_print(&s->policy.diagnostics, m->proofs[i].at, out);
			fprintf(stderr, "%s: error: %s\n", buffer_string(out), e.text);
			prover_free(prover);
			return EXIT_BAD_INPUT;
		}
		put_proof(voices, &m->proofs[i], &proof, out);
		failed += !proof.holds;
	}
	buffer_put_text(
		out, "%zu of %zu statements hold\n", m->proof_count - failed, m->proof_count);
	prover_free(prover);
	return failed ? EXIT_BAD_INPUT : EXIT_SUCCESS;
}

/* One on the command line stands alone. */
static void keep_last(struct model *m)
{
	m->proofs = &m->proofs[m->proof_count - 1];
	m->proof_count = 1;
}

/* The policy that the statements are of, and whoever else has a say. */
static int prove(const char *name, char *const *paths, size_t count, struct view part)
{
	struct subject subjects[POLICY_LAYERS_MAX];
	struct voice voices[POLICY_LAYERS_MAX] = {{&subjects[0], "", paths[0]}};
	size_t opened = 1;
	struct buffer out;
	int status = subject_open_with(name, paths[0], part, &subjects[0]);

	buffer_init(&out, TEXT_MAX);
	if (!status && count > 1) {
		opened = 0;
		status = voices_add(name, paths[0], voices, &opened, &subjects[0]);
	}
	for (size_t i = 1; i < count && !status; i++)
		status = voices_open(name, paths[i], voices, &opened, &subjects[i]);
	if (!status && part.len)
		keep_last(&subjects[0].policy.model);
	if (!status) {
		status = prove_statements(name, voices, opened, &out);
		fputs(buffer_string(&out), stdout);
	}
	for (size_t i = 0; i < opened; i++)
		subject_fini(&subjects[i]);
	buffer_fini(&out);
	return status;
}

int command_prove(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS;
	bool has_bound = false, has_other = false;
	struct buffer part;
	struct options o;

	(void)context;
	buffer_init(&part, STATEMENT_MAX);
	buffer_put_text(&part, "<part xmlns=\"" POLICY_NAMESPACE "\"><tests><prove");
	command_begin(&o, prove_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		has_bound = has_bound || id == OPTION_AT_LEAST;
		has_other = has_other || id != OPTION_AT_LEAST;
		put_attribute(&part, id, o.value);
	}
	buffer_put_text(&part, "/></tests></part>");
	if (id == 0 && o.argc == 0)
		status = command_misused(argv[0], "the policy is missing");
	else if (id == 0 && o.argc > POLICY_LAYERS_MAX)
		status = command_misused(argv[0], "more than %d authorities", POLICY_LAYERS_MAX);
	else if (id == 0 && has_other && !has_bound)
		status = command_misused(argv[0], "--at-least is missing");
	else if (id == 0 && is_bundle(o.argv[0]))
		status = command_misused(argv[0],
			"a bundle does not know the addresses of its nodes; name a policy");
	if (id == 0 && !status)
		status = prove(argv[0], o.argv, (size_t)o.argc,
			has_bound ? buffer_view(&part) : VIEW_NONE);
	buffer_fini(&part);
	return status;
}
