/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pdp/tenant.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { BIG = 1 << 26 };

const char *const tenant_nodes[NODES] = {"gw1", "alice"};

static struct key *make_key(const char *name)
{
	struct key *key;
	struct error e;

	ck_assert_msg(!key_generate(name, &key, &e), "%s", e.text);
	return key;
}

struct tenant *tenant_new(uint64_t now)
{
	struct tenant *t = calloc(1, sizeof *t);
	struct world *w = world_new();

	t->world = w;
	t->pdp = make_key("pdp");
	t->publisher = make_key("publisher");
	t->stranger = make_key("stranger");
	for (size_t i = 0; i < NODES; i++) {
		struct assignment *a = &w->assignments[i];
		struct pin pin;

		t->node_keys[i] = make_key(tenant_nodes[i]);
		t->report_keys[i] = make_key("report");
		pin = key_pin(t->node_keys[i]);
		memcpy(a->node_key, pin.sha256, sizeof a->node_key);
		t->report_pins[i] = key_pin(t->report_keys[i]);
		a->report_key = VIEW(t->report_pins[i].sha256, PIN_SIZE);
	}
	for (size_t i = 0; i < SETS; i++) {
		w->manifests[i].not_before = now - 1000;
		w->manifests[i].not_after = now + 1000;
	}
	w->index.not_before = now - 1000;
	w->index.not_after = now + 1000;
	buffer_init(&t->objects, BIG);
	return t;
}

struct tenant *tenant_free(struct tenant *t)
{
	world_free(t->world);
	for (size_t i = 0; i < NODES; i++) {
		key_free(t->node_keys[i]);
		key_free(t->report_keys[i]);
	}
	key_free(t->pdp);
	key_free(t->publisher);
	key_free(t->stranger);
	buffer_fini(&t->objects);
	free(t);
	return NULL;
}

void tenant_pack_again(struct tenant *t)
{
	struct buffer rows;
	struct bundle bundle;
	struct arena arena;
	struct error e;

	arena_init(&arena, BIG);
	buffer_init(&rows, BIG);
	buffer_reset(&t->objects);
	world_bundle(t->world, &arena, &rows, &bundle);
	ck_assert_msg(!bundle_write_objects(&bundle, &t->objects, &e), "%s", e.text);
	buffer_fini(&rows);
	arena_fini(&arena);
}

void tenant_pack(struct tenant *t, uint64_t serial)
{
	struct world *w = t->world;

	w->index.serial = serial;
	for (size_t i = 0; i < SETS; i++)
		w->manifests[i].serial = serial;
	for (size_t i = 0; i < NODES; i++) {
		w->assignments[i].serial = serial;
		w->assignments[i].least_index_serial = serial;
	}
	world_roots(w);
	world_sign(w);
	tenant_pack_again(t);
}

struct publication *tenant_publication(struct tenant *t, const struct publication *current)
{
	struct publication *p = NULL;
	struct error e;

	ck_assert_msg(!publication_verify(buffer_view(&t->objects), t->world->trust, "acme",
			      current, t->world->index.not_before + 1000, &p, &e),
		"%s", e.text);
	return p;
}

void tenant_compliance(const struct key *key, const char *node, const struct report_origin *origin,
	uint64_t serial, uint64_t now, struct buffer *out)
{
	const struct compliance compliance = {
		.node = view_of_string(node),
		.decision = origin->decision,
		.session = origin->session,
		.index_serial = serial,
		.time = now,
	};
	struct buffer content, document, signed_document;
	struct error e;
	struct pri pri;

	buffer_init(&content, BIG);
	buffer_init(&document, BIG);
	buffer_init(&signed_document, BIG);
	ck_assert_msg(!compliance_encode(&compliance, &content, &e), "%s", e.text);
	ck_assert_msg(!cms_wrap(buffer_view(&content), &document, &e), "%s", e.text);
	ck_assert_msg(!cms_add_signer(buffer_view(&document), key, CMS_SIGN_WITH_CERTIFICATE,
			      &signed_document, &e),
		"%s", e.text);
	pri_init(&pri, PIB_copsecCompliance, 1);
	pri_set_octets(&pri, copsecComplianceSigned, buffer_view(&signed_document));
	ck_assert_msg(!pri_put(out, &pri, &e), "%s", e.text);
	buffer_fini(&content);
	buffer_fini(&document);
	buffer_fini(&signed_document);
}
