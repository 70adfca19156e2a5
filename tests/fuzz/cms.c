/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A signed document. trust.pem beside this file holds the certificates of the keys that signed the
 * corpus; the keys are nowhere.
 *
 * Reaches: cms_inspect, cms_content, cms_verify, cms_verify_pinned, cms_wrap, cms_add_signer.
 */
#include "common/crypto/cms.h"
#include "tests/fuzz/fuzz.h"

enum { DOCUMENT_MAX_HERE = 1 << 20 };

/* Made once: loading costs more than what is tested. */
static const struct trust *trust(void)
{
	static struct trust *loaded;
	struct error e;

	if (!loaded)
		REQUIRE(trust_load(fuzz_trust(), 2, &loaded, &e) == E_OK);
	return loaded;
}

static const struct key *key(void)
{
	static struct key *made;
	struct error e;

	if (!made)
		REQUIRE(key_generate("fuzzer", &made, &e) == E_OK);
	return made;
}

/* There is one way to write an unsigned document. */
static void wrap(struct view document, const struct cms_info *info)
{
	struct cms_info again;
	struct buffer out;
	struct error e;

	buffer_init(&out, DOCUMENT_MAX_HERE);
	REQUIRE(cms_wrap(info->content, &out, &e) == E_OK);
	REQUIRE(cms_inspect(buffer_view(&out), &again, &e) == E_OK);
	REQUIRE(view_equal(info->content, again.content) && again.signers == 0);
	if (!info->signers && !info->certificate.len)
		REQUIRE(view_equal(document, buffer_view(&out)));
	buffer_fini(&out);
}

/* One signer more; content and the others stay. */
static void sign(struct view document, const struct cms_info *info)
{
	enum err err;
	struct cms_info after;
	struct buffer out;
	struct error e;
	size_t kept = 0;

	buffer_init(&out, DOCUMENT_MAX_HERE);
	err = cms_add_signer(document, key(), CMS_SIGN_PLAIN, &out, &e);
	if (err) {
		fuzz_require_sentence(err, &e);
		REQUIRE(out.len == 0);
	} else {
		REQUIRE(cms_inspect(buffer_view(&out), &after, &e) == E_OK);
		REQUIRE(view_equal(info->content, after.content));
		REQUIRE(after.signers == info->signers + 1);
		for (size_t i = 0; i < info->signers; i++)
			for (size_t j = 0; j < after.signers; j++)
				kept += view_equal(info->key_ids[i], after.key_ids[j]);
		REQUIRE(kept >= info->signers);
	}
	buffer_fini(&out);
}

/* How many keys there are among the signers: a key counts once, however often it signs. */
static size_t distinct_keys(const struct cms_info *info)
{
	size_t count = 0;

	for (size_t i = 0; i < info->signers; i++) {
		size_t before = 0;

		while (before < i && !view_equal(info->key_ids[before], info->key_ids[i]))
			before++;
		count += before == i;
	}
	return count;
}

static void verify(struct view document, const struct cms_info *info)
{
	struct cms_result result;
	struct view content;
	struct pin pin;
	struct error e;

	if (cms_verify(document, trust(), &result, &e) == E_OK) {
		REQUIRE(result.signers >= trust_threshold(trust()) &&
			result.signers <= distinct_keys(info));
		REQUIRE(view_equal(result.content, info->content));
		fuzz_accepted = true;
	} else {
		fuzz_require_sentence(e.code, &e);
	}
	pin = *trust_pin(trust(), 0);
	if (cms_verify_pinned(document, &pin, &content, &e) == E_OK) {
		REQUIRE(info->certificate.len && view_equal(content, info->content));
		fuzz_accepted = true;
	} else {
		fuzz_require_sentence(e.code, &e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view document = VIEW(data, size), content;
	struct cms_info info;
	struct error e;
	enum err err = cms_inspect(document, &info, &e);

	if (err) {
		fuzz_require_sentence(err, &e);
		REQUIRE(cms_content(document, &content, &e) != E_OK);
		return 0;
	}
	REQUIRE(info.signers <= CMS_SIGNERS_MAX);
	REQUIRE(cms_content(document, &content, &e) == E_OK && view_equal(content, info.content));
	wrap(document, &info);
	/* Signing costs most of the time; a document that is full refuses it early. */
	if (info.content.len % 4 == 0)
		sign(document, &info);
	verify(document, &info);
	return 0;
}
