/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trust: puts a trust list into a bundle, before it is signed. The next list names the one before
 * it and is signed by those whom that one trusts; the rest of the bundle by those of its own.
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/crypto/cms.h"
#include "common/crypto/digest.h"
#include "pmt/commands/policy.h"
#include "pmt/commands/signing.h"

enum {
	OPTION_THRESHOLD = 256,
	OPTION_TRUST_THRESHOLD,
	OPTION_PREVIOUS,
	OPTION_REVOKE,
	OPTION_TIME,
	CERTIFICATE_MAX = 64 * 1024
};

const struct option_row trust_options[] = {
	{OPTION_THRESHOLD, "threshold", "NUMBER", "how many of the keys must sign; else 1"},
	{OPTION_TRUST_THRESHOLD, "trust-threshold", "NUMBER",
		"how many must sign the next list; else as many"},
	{OPTION_PREVIOUS, "previous", "BUNDLE", "the bundle with the list before"},
	{OPTION_REVOKE, "revoke", "PIN", "a key that counts for nothing any more"},
	{'o', "output", "FILE",
		"the bundle with the list; else it takes the place of the one given"},
	{OPTION_TIME, "time", "TIME", "take this as the present time"},
	{0},
};

struct wish {
	const char *output, *previous;
	uint64_t threshold, trust_threshold;
	struct revoked_key revoked[TRUST_LIST_REVOKED_MAX];
	struct trust_key keys[TRUST_LIST_KEYS_MAX];
	struct trust_list list;
};

static enum err no_memory(struct error *e)
{
	return error_set(e, E_MEMORY, "out of memory");
}

/* The first certificate of a PEM file, as DER in the arena. */
static enum err read_certificate(
	const char *path, struct arena *arena, struct trust_key *key, struct error *e)
{
	struct trust *parsed = NULL;
	unsigned char *der = NULL;
	X509 *certificate = NULL;
	struct buffer pem;
	BIO *bio = NULL;
	int len = -1;
	enum err code;

	buffer_init(&pem, CERTIFICATE_MAX);
	code = file_read(path, &pem, NULL, e);
	if (!code)
		code = trust_parse(buffer_view(&pem), 1, &parsed, e);
	if (code)
		error_prefix(e, "%s", path);
	if (!code) {
		memcpy(key->key, trust_pin(parsed, 0)->sha256, NODE_KEY);
		key->name = arena_copy(arena, view_of_string(trust_name(parsed, 0)));
		bio = BIO_new_mem_buf(pem.data, (int)pem.len);
		certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
		len = certificate ? i2d_X509(certificate, &der) : -1;
		if (len > 0)
			key->certificate = arena_copy(arena, VIEW(der, (size_t)len));
		if (!key->certificate.data || !key->name.data)
			code = no_memory(e);
	}
	key->kind = TRUST_SIGNER;
	key->uses = (1u << TRUST_USES) - 1;
	OPENSSL_free(der);
	X509_free(certificate);
	BIO_free(bio);
	trust_free(parsed);
	buffer_fini(&pem);
	return code;
}

/* Serial and name of the list before. */
static enum err follow(
	struct wish *w, struct bundle_file *before, struct arena *arena, struct error *e)
{
	struct trust_list old;
	struct view content;
	uint8_t digest[NODE_KEY];
	enum err code = bundle_file_read(before, w->previous, e);

	if (!code && !before->bundle.trust.len)
		return error_set(e, E_NOT_FOUND, "%s has no trust list", w->previous);
	if (!code)
		code = bundle_trust(&before->bundle, &before->arena, &old, e);
	if (!code)
		code = cms_content(before->bundle.trust, &content, e);
	if (code)
		return code;
	w->list.serial = old.serial + 1;
	if (sha256_of(content, digest))
		return no_memory(e);
	w->list.previous = arena_copy(arena, VIEW(digest, sizeof digest));
	return w->list.previous.data ? E_OK : no_memory(e);
}

static enum err put_list(struct wish *w, struct bundle_file *f, struct error *e)
{
	struct buffer content, cms;
	struct set_index index;
	enum err code = bundle_index(&f->bundle, &f->arena, &index, e);

	buffer_init(&content, DOCUMENT_MAX);
	buffer_init(&cms, CMS_CONTENT_MAX);
	if (!code) {
		w->list.tenant = index.tenant;
		w->list.authority = f->bundle.authority;
		w->list.not_after = w->list.not_before + POLICY_VALIDITY;
		w->list.threshold = (uint32_t)w->threshold;
		w->list.trust_threshold = (uint32_t)w->trust_threshold;
		code = trust_list_encode(&w->list, &content, e);
	}
	if (!code)
		code = cms_wrap(buffer_view(&content), &cms, e);
	if (!code) {
		f->bundle.trust = arena_copy(&f->arena, buffer_view(&cms));
		if (!f->bundle.trust.data)
			code = no_memory(e);
	}
	buffer_fini(&content);
	buffer_fini(&cms);
	return code;
}

static enum err add_list(struct wish *w, int count, char **operands, struct error *e)
{
	struct bundle_file f, before = {0};
	enum err code = bundle_file_read(&f, operands[0], e);

	arena_init(&before.arena, 1);
	for (int i = 1; i < count && !code; i++)
		code = read_certificate(operands[i], &f.arena, &w->keys[w->list.key_count++], e);
	w->list.keys = w->keys;
	w->list.revoked = w->revoked;
	w->list.serial = 1;
	if (!code && w->previous)
		code = follow(w, &before, &f.arena, e);
	if (!code)
		code = put_list(w, &f, e);
	if (!code)
		code = bundle_save(&f.bundle, &f.arena, w->output ? w->output : operands[0], e);
	if (!code)
		printf("trust list %llu: %zu keys, %u must sign, %zu are revoked\n",
			(unsigned long long)w->list.serial, w->list.key_count, w->list.threshold,
			w->list.revoked_count);
	bundle_file_fini(&before);
	bundle_file_fini(&f);
	return code;
}

static bool read_option(struct wish *w, int id, const char *name, const char *value)
{
	struct revoked_key *revoked = &w->revoked[w->list.revoked_count];
	struct error e;
	struct pin pin;

	switch (id) {
	case OPTION_THRESHOLD:
		return command_number(name, "threshold", value, &w->threshold);
	case OPTION_TRUST_THRESHOLD:
		return command_number(name, "trust-threshold", value, &w->trust_threshold);
	case OPTION_PREVIOUS:
		w->previous = value;
		return true;
	case 'o':
		w->output = value;
		return true;
	case OPTION_TIME:
		return command_time(name, "time", value, &w->list.not_before);
	default:
		if (w->list.revoked_count == TRUST_LIST_REVOKED_MAX || pin_parse(value, &pin, &e)) {
			command_misused(name, "\"%s\" cannot be revoked", value);
			return false;
		}
		memcpy(revoked->key, pin.sha256, NODE_KEY);
		revoked->since = now_utc();
		w->list.revoked_count++;
		return true;
	}
}

int command_trust(void *context, int argc, char **argv)
{
	struct wish *w = calloc(1, sizeof *w);
	int id, status = EXIT_SUCCESS;
	struct options o;
	struct error e;

	(void)context;
	if (!w) {
		no_memory(&e);
		return command_failed(argv[0], &e);
	}
	w->threshold = 1;
	w->list.not_before = now_utc();
	command_begin(&o, trust_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		if (!read_option(w, id, argv[0], o.value)) {
			free(w);
			return EXIT_BAD_USAGE;
		}
	if (id == 0 && (o.argc < 2 || o.argc > TRUST_LIST_KEYS_MAX + 1))
		status = command_misused(argv[0], "a bundle and 1 to %d certificates are needed",
			TRUST_LIST_KEYS_MAX);
	else if (id == 0 && (w->threshold > UINT32_MAX || w->trust_threshold > UINT32_MAX))
		status = command_misused(argv[0], "the threshold is too great");
	else if (id == 0 && add_list(w, o.argc, o.argv, &e))
		status = command_failed(argv[0], &e);
	free(w);
	return status;
}
