/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keygen, sign and verify: keys, and what they vouch for. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/crypto/cms.h"
#include "pib/set/state.h"
#include "pmt/commands/command.h"

enum {
	OPTION_NO_PASSPHRASE = 256,
	OPTION_PASSPHRASE_FILE,
	OPTION_THRESHOLD,
	OPTION_TIME,
	SIGNERS_MAX = CMS_SIGNERS_MAX
};

#define PASSPHRASE_FILE_ROW                                                                        \
	{                                                                                          \
		OPTION_PASSPHRASE_FILE, "passphrase-file", "FILE",                                 \
			"take the passphrase from its first line"                                  \
	}

const struct option_row keygen_options[] = {
	{OPTION_NO_PASSPHRASE, "no-passphrase", NULL, "write the key without encryption"},
	PASSPHRASE_FILE_ROW,
	{'f', "force", NULL, "replace a key that is there"},
	{0},
};
const struct option_row sign_options[] = {
	{'k', "key", "FILE", "sign with this key; may be given more than once"},
	PASSPHRASE_FILE_ROW,
	{'o', "output", "FILE", "the signed bundle; else it takes the place of the unsigned one"},
	{0},
};
const struct option_row verify_options[] = {
	{'t', "trust", "FILE", "certificates of those who may sign (PEM)"},
	{OPTION_THRESHOLD, "threshold", "NUMBER", "how many of them must have signed; else 1"},
	{OPTION_TIME, "time", "TIME", "take this as the present time"},
	{0},
};

/* --- keygen --- */

static enum err check_absent(const char *path, struct error *e)
{
	if (access(path, F_OK) < 0)
		return E_OK;
	return error_set(e, E_CONFLICT, "%s is there already; see --force", path);
}

/* NAME.key, NAME.crt; the name of the key itself is what stands behind the last slash. */
static enum err make_key(
	const char *name, bool force, const struct passphrase *passphrase, struct error *e)
{
	const char *slash = strrchr(name, '/'), *common_name = slash ? slash + 1 : name;
	struct buffer private, certificate;
	char pin_text[PIN_TEXT_SIZE];
	struct key *key = NULL;
	struct pin pin;
	enum err code = E_OK;

	buffer_init(&private, 4096);
	buffer_init(&certificate, 4096);
	buffer_put_text(&private, "%s.key", name);
	buffer_put_text(&certificate, "%s.crt", name);
	if (private.error || certificate.error)
		code = error_set(e, E_LENGTH, "the name is too long");
	if (!code && !force)
		code = check_absent(buffer_string(&private), e);
	if (!code && !force)
		code = check_absent(buffer_string(&certificate), e);
	if (!code)
		code = key_generate(common_name, &key, e);
	if (!code)
		code = key_save(key, buffer_string(&private), passphrase, e);
	if (!code)
		code = key_save_certificate(key, buffer_string(&certificate), e);
	if (!code) {
		pin = key_pin(key);
		pin_format(&pin, pin_text);
		puts(pin_text);
	}
	key_free(key);
	buffer_fini(&private);
	buffer_fini(&certificate);
	return code;
}

int command_keygen(void *context, int argc, char **argv)
{
	struct passphrase_source source = {.twice = true};
	const struct passphrase passphrase = {passphrase_ask, &source};
	bool encrypted = true, force = false;
	int id, status = EXIT_SUCCESS;
	const char *name;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, keygen_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		if (id == OPTION_NO_PASSPHRASE)
			encrypted = false;
		else if (id == OPTION_PASSPHRASE_FILE)
			source.file = o.value;
		else
			force = true;
	}
	if (id < 0)
		return status;
	name = command_operand(&o, argv[0], "the name of the key");
	if (!name)
		return EXIT_BAD_USAGE;
	if (make_key(name, force, encrypted ? &passphrase : NULL, &e))
		return command_failed(argv[0], &e);
	return EXIT_SUCCESS;
}

/* --- sign --- */

/* Whether the signature that a document has of this key is good. */
static enum err check_own(struct view document, const struct key *key, struct error *e)
{
	struct trust *own = NULL;
	struct cms_result result;
	struct buffer pem;
	enum err code;

	buffer_init(&pem, 1 << 16);
	code = key_certificate_pem(key, &pem, e);
	if (!code)
		code = trust_parse(buffer_view(&pem), 1, &own, e);
	if (!code)
		code = cms_verify(document, own, &result, e);
	trust_free(own);
	buffer_fini(&pem);
	return code;
}

/* `document` gets one more signer; the new one lies in the arena. */
static enum err sign_document(
	struct arena *arena, const struct key *key, struct view *document, struct error *e)
{
	struct buffer out;
	struct view copy;
	enum err code;

	buffer_init(&out, CMS_CONTENT_MAX);
	code = cms_add_signer(*document, key, CMS_SIGN_PLAIN, &out, e);
	if (!code) {
		copy = arena_copy(arena, buffer_view(&out));
		if (copy.data)
			*document = copy;
		else
			code = error_set(e, E_MEMORY, "out of memory");
	}
	buffer_fini(&out);
	return code;
}

/* What has not changed since the last bundle may have this key's signature already. */
static enum err complete_document(
	struct arena *arena, const struct key *key, struct view *document, struct error *e)
{
	enum err code = sign_document(arena, key, document, e);

	return code == E_DUPLICATE ? check_own(*document, key, e) : code;
}

/* No two bundles have the same index, so who has signed that has signed this bundle. */
static enum err sign_bundle(struct bundle_file *f, const struct key *key, struct error *e)
{
	enum err code = sign_document(&f->arena, key, &f->bundle.index, e);

	for (size_t i = 0; i < f->bundle.assignment_count && !code; i++)
		code = complete_document(&f->arena, key, &f->bundle.assignments[i], e);
	for (size_t i = 0; i < f->bundle.set_count && !code; i++)
		code = complete_document(&f->arena, key, &f->bundle.sets[i].cms, e);
	return code;
}

static enum err sign_with(struct bundle_file *f, const char *path,
	const struct passphrase *passphrase, struct error *e)
{
	struct key *key;
	enum err code = key_load(path, passphrase, &key, e);

	if (code)
		return code;
	code = sign_bundle(f, key, e);
	if (code)
		error_prefix(e, "%s", path);
	key_free(key);
	return code;
}

static enum err write_signed(struct bundle_file *f, const char *output, struct error *e)
{
	struct set_index index;
	struct cms_info info;
	struct buffer out;
	enum err code;

	buffer_init(&out, BUNDLE_MAX);
	code = bundle_write(&f->bundle, &out, e);
	if (!code)
		code = bundle_index(&f->bundle, &f->arena, &index, e);
	if (!code)
		code = cms_inspect(f->bundle.index, &info, e);
	if (!code)
		code = file_replace(output, buffer_view(&out), 0644, e);
	if (!code)
		printf("%s: tenant %.*s, serial %" PRIu64 ", %zu sets, %zu nodes, signed by %zu\n",
			output, (int)index.tenant.len, (const char *)index.tenant.data,
			index.serial, f->bundle.set_count, f->bundle.assignment_count,
			info.signers);
	buffer_fini(&out);
	return code;
}

int command_sign(void *context, int argc, char **argv)
{
	struct passphrase_source source = {0};
	const struct passphrase passphrase = {passphrase_ask, &source};
	const char *keys[SIGNERS_MAX], *output = NULL, *path;
	size_t key_count = 0;
	int id, status = EXIT_SUCCESS;
	struct bundle_file f;
	struct options o;
	struct error e;
	enum err code;

	(void)context;
	command_begin(&o, sign_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		if (id == 'o')
			output = o.value;
		else if (id == OPTION_PASSPHRASE_FILE)
			source.file = o.value;
		else if (key_count == SIGNERS_MAX)
			return command_misused(argv[0], "more than %d keys", SIGNERS_MAX);
		else
			keys[key_count++] = o.value;
	}
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the bundle");
	if (!path)
		return EXIT_BAD_USAGE;
	if (key_count == 0)
		return command_misused(argv[0], "--key is missing");
	code = bundle_file_read(&f, path, &e);
	for (size_t i = 0; i < key_count && !code; i++)
		code = sign_with(&f, keys[i], &passphrase, &e);
	if (!code)
		code = write_signed(&f, output ? output : path, &e);
	bundle_file_fini(&f);
	return code ? command_failed(argv[0], &e) : EXIT_SUCCESS;
}

/* --- verify --- */

static void print_verified(const struct state *state, const struct cms_result *result)
{
	printf("tenant %.*s, serial %" PRIu64 ", %zu sets, %zu nodes\n",
		(int)state->index.tenant.len, (const char *)state->index.tenant.data,
		state->index.serial, state->set_count, state->assignment_count);
	for (size_t i = 0; i < result->signers; i++) {
		char pin[PIN_TEXT_SIZE];

		pin_format(&result->pins[i], pin);
		printf("signed by %s\n", pin);
	}
}

/*
 * What a PDP will do with the bundle, and all that each node will, but for its own floors. Of a
 * refusal everything that was found is printed: the first is in *e, the others here.
 */
static enum err verify_bundle(
	const struct bundle_file *f, const struct state_terms *terms, struct error *e)
{
	struct view objects = bundle_file_objects(f);
	struct pri_failures failures;
	struct pri_store *rows = NULL;
	struct state *state = NULL;
	struct cms_result result;
	enum err code;

	pri_failures_init(&failures);
	code = pri_store_build(&objects, 1, &rows, &failures, e);
	if (!code)
		code = state_verify_bundle(rows, terms, &state, &failures, e);
	for (size_t i = 1; code && i < failures.count; i++)
		fprintf(stderr, "pmt verify: %s\n", failures.list[i].text);
	if (!code)
		code = cms_verify(f->bundle.index, terms->trust, &result, e);
	if (!code)
		print_verified(state, &result);
	state_free(state);
	pri_store_free(rows);
	return code;
}

int command_verify(void *context, int argc, char **argv)
{
	struct state_terms terms = {.now_utc = now_utc()};
	const char *trust_path = NULL, *path;
	uint64_t threshold = 1;
	int id, status = EXIT_SUCCESS;
	struct trust *trust = NULL;
	struct bundle_file f;
	struct options o;
	struct error e;
	enum err code;

	(void)context;
	command_begin(&o, verify_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		if (id == 't')
			trust_path = o.value;
		else if (id == OPTION_THRESHOLD &&
			 !command_number(argv[0], "threshold", o.value, &threshold))
			return EXIT_BAD_USAGE;
		else if (id == OPTION_TIME &&
			 !command_time(argv[0], "time", o.value, &terms.now_utc))
			return EXIT_BAD_USAGE;
	}
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the bundle");
	if (!path)
		return EXIT_BAD_USAGE;
	if (!trust_path)
		return command_misused(argv[0], "--trust is missing");
	if (threshold > UINT32_MAX)
		return command_misused(argv[0], "the threshold is too great");
	code = trust_load(trust_path, (uint32_t)threshold, &trust, &e);
	if (code)
		return command_failed(argv[0], &e);
	terms.trust = trust;
	code = bundle_file_read(&f, path, &e);
	if (!code)
		code = verify_bundle(&f, &terms, &e);
	bundle_file_fini(&f);
	trust_free(trust);
	return code ? command_failed(argv[0], &e) : EXIT_SUCCESS;
}
