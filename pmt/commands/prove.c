/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prove: statements about the whole network, those in the policy or one on the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/commands/command.h"
#include "pmt/commands/subject.h"
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

static void put_step(const struct subject *s, const struct proof_step *step, struct buffer *out)
{
	static const char *const words[] = {"reaches", "leaves", "passes through"};

	buffer_put_text(out, "    %s %s", words[step->direction], step->node);
	if (step->interface && strcmp(step->interface, "*") != 0)
		buffer_put_text(out, " %s", step->interface);
	buffer_put_text(out, " (%s): ", step->set);
	if (step->rule) {
		const struct policy_verdict verdict = policy_verdict_of(step->rule);

		print_verdict(&verdict, out);
		buffer_put_text(out, " by ");
	}
	subject_print_rule(s, step->rule, out);
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

static void put_proof(const struct subject *s, const struct model_proof *statement,
	const struct proof *proof, struct buffer *out)
{
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
		put_step(s, &proof->path[i], out);
}

static int prove_statements(const char *name, struct subject *s, struct buffer *out)
{
	const struct model *m = &s->policy.model;
	struct prover *prover = NULL;
	size_t failed = 0;
	struct error e;

	if (prover_new(m, &s->reading, &prover, &e))
		return command_failed(name, &e);
	for (size_t i = 0; i < m->proof_count; i++) {
		struct proof proof;

		if (prover_prove(prover, &m->proofs[i], &proof, &e)) {
			place_print(&s->policy.diagnostics, m->proofs[i].at, out);
			fprintf(stderr, "%s: error: %s\n", buffer_string(out), e.text);
			prover_free(prover);
			return EXIT_BAD_INPUT;
		}
		put_proof(s, &m->proofs[i], &proof, out);
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

int command_prove(void *context, int argc, char **argv)
{
	int id, status = EXIT_SUCCESS;
	bool has_bound = false, has_other = false;
	struct buffer part, out;
	struct subject s;
	struct options o;
	const char *path;

	(void)context;
	buffer_init(&part, STATEMENT_MAX);
	buffer_init(&out, TEXT_MAX);
	buffer_put_text(&part, "<part xmlns=\"" POLICY_NAMESPACE "\"><tests><prove");
	command_begin(&o, prove_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		has_bound = has_bound || id == OPTION_AT_LEAST;
		has_other = has_other || id != OPTION_AT_LEAST;
		put_attribute(&part, id, o.value);
	}
	buffer_put_text(&part, "/></tests></part>");
	path = id < 0 ? NULL : command_operand(&o, argv[0], "the policy");
	if (id == 0 && !path)
		status = EXIT_BAD_USAGE;
	else if (path && has_other && !has_bound)
		status = command_misused(argv[0], "--at-least is missing");
	else if (path && is_bundle(path))
		status = command_misused(argv[0],
			"a bundle does not know the addresses of its nodes; name a policy");
	if (path && !status) {
		status = subject_open_with(
			argv[0], path, has_bound ? buffer_view(&part) : VIEW_NONE, &s);
		if (!status && has_bound)
			keep_last(&s.policy.model);
		if (!status) {
			status = prove_statements(argv[0], &s, &out);
			fputs(buffer_string(&out), stdout);
		}
		subject_fini(&s);
	}
	buffer_fini(&part);
	buffer_fini(&out);
	return status;
}
