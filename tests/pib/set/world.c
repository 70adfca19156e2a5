/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pib/set/world.h"

#include <check.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BIG = 1 << 26 };

static const char *const set_names[SETS] = {"gateway", "host", "lan"};
static const char *const node_names[NODES] = {"gw1", "alice"};

static struct view text(const char *s)
{
	return view_of_string(s);
}

static void make_keys(struct world *w)
{
	struct buffer pem;
	struct error e;

	buffer_init(&pem, BIG);
	for (size_t i = 0; i < KEYS; i++) {
		char name[16];

		snprintf(name, sizeof name, "signer%zu", i);
		ck_assert_msg(!key_generate(name, &w->keys[i], &e), "%s", e.text);
		if (i < TRUSTED)
			ck_assert_int_eq(key_certificate_pem(w->keys[i], &pem, &e), E_OK);
	}
	ck_assert_msg(!trust_parse(buffer_view(&pem), THRESHOLD, &w->trust, &e), "%s", e.text);
	buffer_fini(&pem);
}

static void document_init(struct document *d)
{
	d->signers = 3;
	d->sent = true;
	buffer_init(&d->cms, BIG);
}

/* Out of the PEM of its certificate. */
static struct view certificate_of(const struct key *key, struct buffer *der)
{
	struct buffer pem;
	struct error e;
	BIO *bio;
	X509 *certificate;
	unsigned char *octets = NULL;
	int len;

	buffer_init(&pem, BIG);
	ck_assert_int_eq(key_certificate_pem(key, &pem, &e), E_OK);
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	len = i2d_X509(certificate, &octets);
	ck_assert_int_gt(len, 0);
	buffer_put(der, octets, (size_t)len);
	OPENSSL_free(octets);
	X509_free(certificate);
	BIO_free(bio);
	buffer_fini(&pem);
	return buffer_view(der);
}

static void make_trust_list(struct world *w)
{
	for (size_t i = 0; i < KEYS; i++) {
		struct pin pin = key_pin(w->keys[i]);

		buffer_init(&w->certificates[i], BIG);
		w->trust_keys[i] = (struct trust_key){
			.certificate = certificate_of(w->keys[i], &w->certificates[i]),
			.kind = TRUST_SIGNER,
			.uses = 15,
			.name = text("somebody"),
		};
		memcpy(w->trust_keys[i].key, pin.sha256, NODE_KEY);
	}
	w->trust_list = (struct trust_list){
		.tenant = text("acme"),
		.authority = AUTHORITY_HOME,
		.serial = 1,
		.not_before = NOW - 10,
		.not_after = NOW + 10,
		.threshold = 2,
		.keys = w->trust_keys,
		.key_count = KEYS,
		.revoked = w->revoked,
	};
	document_init(&w->trust_document);
	w->trust_document.sent = false;
	buffer_init(&w->trust_content, BIG);
}

static void make_sets(struct world *w)
{
	for (uint32_t i = 0; i < SETS; i++) {
		uint32_t block = block_of(AUTHORITY_HOME, i);

		w->manifests[i] = (struct manifest){
			.tenant = text("acme"),
			.name = text(set_names[i]),
			.authority = AUTHORITY_HOME,
			.roles = text(set_names[i]),
			.serial = 10 + i,
			.not_before = NOW - 1000,
			.not_after = NOW + 1000,
			.stale_rule = STALE_KEEP,
			.block = block,
		};
		w->rows[i] = calloc(1, sizeof *w->rows[i]);
		rows_policy(w->rows[i], block, set_names[i]);
		w->envelope_blocks[i] = block;
		document_init(&w->set_documents[i]);
	}
	w->index = (struct set_index){
		.tenant = text("acme"),
		.authority = AUTHORITY_HOME,
		.serial = 20,
		.not_before = NOW - 1000,
		.not_after = NOW + 1000,
		.entries = w->entries,
		.entry_count = SETS,
	};
	document_init(&w->index_document);
}

static void make_assignments(struct world *w)
{
	for (size_t i = 0; i < NODES; i++) {
		w->assignments[i] = (struct assignment){
			.tenant = text("acme"),
			.node = text(node_names[i]),
			.roles = text(i == GW1 ? "gateway" : "host"),
			.serial = 5,
			.least_index_serial = 20,
			.interfaces = &w->interfaces[i],
			.interface_count = 1,
		};
		memset(w->assignments[i].node_key, 0x40 + (int)i, NODE_KEY);
		w->interfaces[i] =
			(struct assigned_interface){text("*"), text(i == GW1 ? "lan" : "host")};
		document_init(&w->assignment_documents[i]);
	}
	memcpy(w->pin.sha256, w->assignments[GW1].node_key, sizeof w->pin.sha256);
}

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof *w);

	make_keys(w);
	make_trust_list(w);
	make_sets(w);
	make_assignments(w);
	buffer_init(&w->more, BIG);
	w->terms = (struct state_terms){.trust = w->trust, .now_utc = NOW};
	w->node = (struct state_node){.key = &w->pin, .pepid = text("gw1")};
	return w;
}

struct world *world_free(struct world *w)
{
	for (size_t i = 0; i < KEYS; i++)
		key_free(w->keys[i]);
	trust_free(w->trust);
	for (size_t i = 0; i < SETS; i++) {
		rows_fini(w->rows[i]);
		free(w->rows[i]);
		buffer_fini(&w->set_documents[i].cms);
	}
	for (size_t i = 0; i < NODES; i++)
		buffer_fini(&w->assignment_documents[i].cms);
	for (size_t i = 0; i < KEYS; i++)
		buffer_fini(&w->certificates[i]);
	buffer_fini(&w->trust_document.cms);
	buffer_fini(&w->trust_content);
	buffer_fini(&w->index_document.cms);
	buffer_fini(&w->more);
	free(w);
	return NULL;
}

void world_roots(struct world *w)
{
	for (size_t i = 0; i < SETS; i++) {
		struct pri_failures failures;
		struct pri_store *s;
		struct buffer b;
		struct view run;
		struct error e;

		buffer_init(&b, BIG);
		rows_put(w->rows[i], &b);
		run = buffer_view(&b);
		pri_failures_init(&failures);
		ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &e), "%s", e.text);
		ck_assert_int_eq(pri_store_root(s, w->manifests[i].root), E_OK);
		pri_store_free(s);
		buffer_fini(&b);
		w->entries[i].name = w->manifests[i].name;
		w->entries[i].serial = w->manifests[i].serial;
		memcpy(w->entries[i].root, w->manifests[i].root, SET_ROOT);
		w->entries[i].node = w->manifests[i].node;
		w->entries[i].roles =
			w->manifests[i].node.len ? w->manifests[i].roles : VIEW_NONE;
	}
}

static void sign(struct world *w, struct document *d, struct view content)
{
	struct buffer other;
	struct error e;

	buffer_reset(&d->cms);
	buffer_init(&other, BIG);
	ck_assert_msg(!cms_wrap(content, &d->cms, &e), "%s", e.text);
	for (size_t i = 0; i < KEYS; i++) {
		struct buffer swap;

		if (!(d->signers >> i & 1))
			continue;
		buffer_reset(&other);
		ck_assert_msg(!cms_add_signer(
				      buffer_view(&d->cms), w->keys[i], CMS_SIGN_PLAIN, &other, &e),
			"%s", e.text);
		swap = d->cms;
		d->cms = other;
		other = swap;
	}
	buffer_fini(&other);
}

void world_sign(struct world *w)
{
	struct buffer b;
	struct error e;

	buffer_init(&b, BIG);
	if (w->trust_document.sent) {
		buffer_reset(&w->trust_content);
		ck_assert_msg(!trust_list_encode(&w->trust_list, &w->trust_content, &e), "%s",
			e.text);
		sign(w, &w->trust_document, buffer_view(&w->trust_content));
	}
	for (size_t i = 0; i < SETS; i++) {
		buffer_reset(&b);
		ck_assert_msg(!manifest_encode(&w->manifests[i], &b, &e), "%s", e.text);
		sign(w, &w->set_documents[i], buffer_view(&b));
	}
	for (size_t i = 0; i < NODES; i++) {
		buffer_reset(&b);
		ck_assert_msg(!assignment_encode(&w->assignments[i], &b, &e), "%s", e.text);
		sign(w, &w->assignment_documents[i], buffer_view(&b));
	}
	buffer_reset(&b);
	ck_assert_msg(!set_index_encode(&w->index, &b, &e), "%s", e.text);
	sign(w, &w->index_document, buffer_view(&b));
	buffer_fini(&b);
}

void world_node(struct world *w, struct buffer *out)
{
	struct error e;
	struct pri p;

	pri_init(&p, PIB_frwkPibIncarnation, 1);
	for (size_t i = 0; i < p.class->attribute_count; i++)
		if (p.class->attributes[i].role != PIB_INSTANCE)
			pri_set_null(&p, p.class->attributes[i].number);
	pri_set_text(&p, frwkPibIncarnationName, "pdp");
	pri_set_text(&p, frwkPibIncarnationId, "20");
	ck_assert_msg(!pri_put(out, &p, &e), "%s", e.text);
	for (uint32_t i = 0; i < NODES; i++)
		if (w->assignment_documents[i].sent)
			bundle_put_assignment(
				i + 1, buffer_view(&w->assignment_documents[i].cms), out);
	if (w->trust_document.sent)
		bundle_put_trust(AUTHORITY_HOME, buffer_view(&w->trust_document.cms), out);
	if (w->index_document.sent)
		bundle_put_index(AUTHORITY_HOME, buffer_view(&w->index_document.cms), out);
	for (size_t i = 0; i < SETS; i++) {
		if (!w->set_documents[i].sent)
			continue;
		bundle_put_policy_set(
			w->envelope_blocks[i], buffer_view(&w->set_documents[i].cms), out);
		rows_put(w->rows[i], out);
	}
	buffer_put_view(out, buffer_view(&w->more));
	ck_assert_int_eq(out->error, E_OK);
}

void world_bundle(struct world *w, struct arena *arena, struct buffer *rows, struct bundle *out)
{
	size_t ends[SETS];

	*out = (struct bundle){
		.authority = AUTHORITY_HOME,
		.index = buffer_view(&w->index_document.cms),
		.trust = w->trust_document.sent ? buffer_view(&w->trust_document.cms) : VIEW_NONE,
		.assignments = arena_calloc(arena, NODES, sizeof *out->assignments),
		.sets = arena_calloc(arena, SETS, sizeof *out->sets),
	};
	for (size_t i = 0; i < NODES; i++)
		if (w->assignment_documents[i].sent)
			out->assignments[out->assignment_count++] =
				buffer_view(&w->assignment_documents[i].cms);
	for (size_t i = 0; i < SETS; i++) {
		rows_put(w->rows[i], rows);
		ends[i] = rows->len;
	}
	for (size_t i = 0; i < SETS; i++) {
		size_t start = i ? ends[i - 1] : 0;

		if (w->set_documents[i].sent)
			out->sets[out->set_count++] = (struct bundle_set){
				.block = w->envelope_blocks[i],
				.cms = buffer_view(&w->set_documents[i].cms),
				.rows = VIEW(rows->data + start, ends[i] - start),
			};
	}
}
