/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed documents, by enough and by too few. */
#include <string.h>

#include "common/crypto/cms.h"
#include "common/crypto/der.h"
#include "tests/fuzz/seeds/seeds.h"

static const char content[] = "a document of four times nine octets";

static void make(const struct seeds *s, const char *name, struct key *const *keys, size_t count)
{
	struct buffer plain, document;
	struct error e;

	buffer_init(&plain, SEED_MAX);
	buffer_init(&document, SEED_MAX);
	REQUIRE(cms_wrap(VIEW(content, sizeof content - 1), &plain, &e) == E_OK);
	seed_sign(buffer_view(&plain), keys, count, &document);
	seed_write(s, "cms", buffer_view(&document), "%s", name);
	if (keys == s->signers && count == SIGNERS) {
		document.data[document.len - 1] ^= 1;
		seed_write(s, "cms", buffer_view(&document), "bad-broken-signature");
		seed_write(s, "cms", VIEW(document.data, document.len / 2), "bad-cut");
	}
	buffer_fini(&plain);
	buffer_fini(&document);
}

/* The only signer's SignerInfo; the document ends with the set that holds it. */
static struct view signer_info(struct view document)
{
	struct cursor c = cursor_over(document);
	struct cursor outer = cursor_over(der_take(&c, DER_SEQUENCE)), data;
	struct view set = VIEW_NONE;

	der_take(&outer, DER_OID);
	data = cursor_over(der_take(&outer, DER_CONTEXT_0_CONSTRUCTED));
	data = cursor_over(der_take(&data, DER_SEQUENCE));
	der_take(&data, DER_INTEGER);
	der_take(&data, DER_SET);
	der_take(&data, DER_SEQUENCE);
	set = der_take(&data, DER_SET);
	REQUIRE(!c.error && !outer.error && cursor_done(&data) == E_OK);
	return set;
}

/* Puts an element around what the buffer holds. */
static void enclose(struct buffer *b, enum der_tag tag, struct view before)
{
	struct buffer whole;

	buffer_init(&whole, SEED_MAX);
	der_put_header(&whole, tag, before.len + b->len);
	buffer_put_view(&whole, before);
	buffer_put_view(&whole, buffer_view(b));
	buffer_fini(b);
	*b = whole;
}

/* One key signs twice, which no tool of ours does: two of two are needed, and this is one. */
static void make_twice(const struct seeds *s)
{
	static const uint8_t signed_data[] = {
		0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
	struct buffer plain, first, second, out;
	struct view a, b, head;
	struct cursor c;
	struct error e;

	buffer_init(&plain, SEED_MAX);
	buffer_init(&first, SEED_MAX);
	buffer_init(&second, SEED_MAX);
	buffer_init(&out, SEED_MAX);
	REQUIRE(cms_wrap(VIEW(content, sizeof content - 1), &plain, &e) == E_OK);
	seed_sign(buffer_view(&plain), s->signers, 1, &first);
	seed_sign(buffer_view(&plain), s->signers, 1, &second);
	a = signer_info(buffer_view(&first));
	b = signer_info(buffer_view(&second));
	/* DER puts the members of a set in order. */
	if (a.len > b.len || (a.len == b.len && memcmp(a.data, b.data, a.len) > 0)) {
		head = a;
		a = b;
		b = head;
	}
	buffer_put_view(&out, a);
	buffer_put_view(&out, b);
	enclose(&out, DER_SET, VIEW_NONE);
	/* What stands before the signers stays. */
	c = cursor_over(buffer_view(&first));
	c = cursor_over(der_take(&c, DER_SEQUENCE));
	der_take(&c, DER_OID);
	c = cursor_over(der_take(&c, DER_CONTEXT_0_CONSTRUCTED));
	head = der_take(&c, DER_SEQUENCE);
	head.len = (size_t)(signer_info(buffer_view(&first)).data - head.data) -
		(der_size(signer_info(buffer_view(&first)).len) -
			signer_info(buffer_view(&first)).len);
	enclose(&out, DER_SEQUENCE, head);
	enclose(&out, DER_CONTEXT_0_CONSTRUCTED, VIEW_NONE);
	enclose(&out, DER_SEQUENCE, VIEW(signed_data, sizeof signed_data));
	seed_write(s, "cms", buffer_view(&out), "bad-one-signer-twice");
	buffer_fini(&plain);
	buffer_fini(&first);
	buffer_fini(&second);
	buffer_fini(&out);
}

static void make_with_certificate(const struct seeds *s)
{
	struct buffer plain, document;
	struct error e;

	buffer_init(&plain, SEED_MAX);
	buffer_init(&document, SEED_MAX);
	REQUIRE(cms_wrap(VIEW(content, sizeof content - 1), &plain, &e) == E_OK);
	REQUIRE(cms_add_signer(buffer_view(&plain), s->signers[0], CMS_SIGN_WITH_CERTIFICATE,
			&document, &e) == E_OK);
	seed_write(s, "cms", buffer_view(&document), "good-with-certificate");
	buffer_fini(&plain);
	buffer_fini(&document);
}

void make_signatures(const struct seeds *s)
{
	struct key *all[] = {s->signers[0], s->stranger, s->signers[1]};
	struct key *stranger[] = {s->signers[0], s->stranger};

	make(s, "bad-unsigned", NULL, 0);
	make(s, "bad-one-signer", s->signers, 1);
	make(s, "good-two-signers", s->signers, SIGNERS);
	make(s, "good-two-and-a-stranger", all, 3);
	make(s, "bad-a-stranger", stranger, 2);
	make_with_certificate(s);
	make_twice(s);
}
