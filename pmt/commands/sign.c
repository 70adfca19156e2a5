/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/crypto/cms.h"
#include "pmt/commands/signing.h"

enum { OPTION_PASSPHRASE_FILE = 256, OPTION_WITH_FALLBACK };

const struct option_row sign_options[] = {
	{'k', "key", "FILE", "sign with this key; may be given more than once"},
	{OPTION_PASSPHRASE_FILE, "passphrase-file", "FILE",
		"take the passphrase from its first line"},
	{'o', "output", "FILE", "the signed bundle; else it takes the place of the unsigned one"},
	{OPTION_WITH_FALLBACK, "with-fallback", "BUNDLE",
		"also sign the way back to this one, under the next serial"},
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
static enum err sign_bundle(
	struct bundle *b, struct arena *arena, const struct key *key, struct error *e)
{
	enum err code = sign_document(arena, key, &b->index, e);

	if (!code && b->trust.len)
		code = complete_document(arena, key, &b->trust, e);
	for (size_t i = 0; i < b->delegation_count && !code; i++)
		code = complete_document(arena, key, &b->delegations[i], e);
	for (size_t i = 0; i < b->assignment_count && !code; i++)
		code = complete_document(arena, key, &b->assignments[i], e);
	for (size_t i = 0; i < b->set_count && !code; i++)
		code = complete_document(arena, key, &b->sets[i].cms, e);
	return code;
}

enum err signers_load(struct signers *s, struct error *e)
{
	const struct passphrase passphrase = {passphrase_ask, &s->source};
	enum err code = E_OK;

	for (size_t i = 0; i < s->count && !code; i++)
		code = key_load(s->paths[i], &passphrase, &s->keys[i], e);
	return code;
}

void signers_fini(struct signers *s)
{
	for (size_t i = 0; i < s->count; i++)
		key_free(s->keys[i]);
}

enum err signers_sign(
	const struct signers *s, struct bundle *b, struct arena *arena, struct error *e)
{
	enum err code = E_OK;

	for (size_t i = 0; i < s->count && !code; i++) {
		code = sign_bundle(b, arena, s->keys[i], e);
		if (code)
			error_prefix(e, "%s", s->paths[i]);
	}
	return code;
}

enum err bundle_save(
	const struct bundle *b, struct arena *arena, const char *output, struct error *e)
{
	struct set_index index;
	struct cms_info info;
	struct buffer out;
	enum err code;

	buffer_init(&out, BUNDLE_MAX);
	code = bundle_write(b, &out, e);
	if (!code)
		code = bundle_index(b, arena, &index, e);
	if (!code)
		code = cms_inspect(b->index, &info, e);
	if (!code)
		code = file_replace(output, buffer_view(&out), 0644, e);
	if (!code)
		printf("%s: tenant %.*s, serial %" PRIu64 ", %zu sets, %zu nodes, signed by %zu\n",
			output, (int)index.tenant.len, (const char *)index.tenant.data,
			index.serial, b->set_count, b->assignment_count, info.signers);
	buffer_fini(&out);
	return code;
}

void put_fallback_path(const char *path, struct buffer *out)
{
	static const char ending[] = ".bundle";
	size_t stem = strlen(path);

	if (stem > sizeof ending - 1 && strcmp(path + stem - (sizeof ending - 1), ending) == 0)
		stem -= sizeof ending - 1;
	buffer_put_text(out, "%.*s.fallback.bundle", (int)stem, path);
}

/* The way back from it, valid for as long. */
static enum err save_fallback(const struct signers *s, struct bundle_file *f, const char *old_path,
	const char *output, struct error *e)
{
	struct renew_summary summary;
	struct renew_terms terms = {0};
	struct bundle_file old;
	struct set_index index;
	struct bundle back;
	struct buffer path;
	enum err code = bundle_file_read(&old, old_path, e);

	buffer_init(&path, 8192);
	put_fallback_path(output, &path);
	if (!code)
		code = bundle_index(&f->bundle, &f->arena, &index, e);
	if (!code) {
		terms.not_before = index.not_before;
		terms.not_after = index.not_after;
		code = renew(&old.bundle, &f->bundle, &terms, &f->arena, &back, &summary, e);
	}
	if (!code)
		code = signers_sign(s, &back, &f->arena, e);
	if (!code) {
		print_left_out(&summary);
		code = bundle_save(&back, &f->arena, buffer_string(&path), e);
	}
	buffer_fini(&path);
	bundle_file_fini(&old);
	return code;
}

void print_left_out(const struct renew_summary *summary)
{
	for (size_t i = 0; i < summary->left_out_count; i++)
		fprintf(stderr,
			"warning: the node \"%s\" is newer than this policy, which has nothing for "
			"it\n",
			summary->left_out[i]);
}

int command_sign(void *context, int argc, char **argv)
{
	const char *output = NULL, *fallback = NULL, *path;
	struct signers signers = {0};
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
		else if (id == OPTION_WITH_FALLBACK)
			fallback = o.value;
		else if (id == OPTION_PASSPHRASE_FILE)
			signers.source.file = o.value;
		else if (signers.count == SIGNERS_MAX)
			return command_misused(argv[0], "more than %d keys", SIGNERS_MAX);
		else
			signers.paths[signers.count++] = o.value;
	}
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the bundle");
	if (!path)
		return EXIT_BAD_USAGE;
	if (signers.count == 0)
		return command_misused(argv[0], "--key is missing");
	output = output ? output : path;
	code = bundle_file_read(&f, path, &e);
	if (!code)
		code = signers_load(&signers, &e);
	if (!code)
		code = signers_sign(&signers, &f.bundle, &f.arena, &e);
	if (!code)
		code = bundle_save(&f.bundle, &f.arena, output, &e);
	if (!code && fallback)
		code = save_fallback(&signers, &f, fallback, output, &e);
	signers_fini(&signers);
	bundle_file_fini(&f);
	return code ? command_failed(argv[0], &e) : EXIT_SUCCESS;
}
