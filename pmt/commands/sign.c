/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/file.h"
#include "common/crypto/cms.h"
#include "pmt/commands/command.h"

enum { OPTION_PASSPHRASE_FILE = 256, SIGNERS_MAX = CMS_SIGNERS_MAX };

const struct option_row sign_options[] = {
	{'k', "key", "FILE", "sign with this key; may be given more than once"},
	{OPTION_PASSPHRASE_FILE, "passphrase-file", "FILE",
		"take the passphrase from its first line"},
	{'o', "output", "FILE", "the signed bundle; else it takes the place of the unsigned one"},
	{0},
};

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
