/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/resign.h"

#include "common/cops/pr.h"
#include "common/crypto/cms.h"
#include "pib/set/documents.h"
#include "pib/set/envelope.h"
#include "tests/fuzz/fuzz.h"

enum { OCTETS_MAX = 4 << 20 };

struct known {
	struct view name; /* of the set */
	uint8_t root[SET_ROOT];
};

struct work {
	const struct resigner *r;
	const struct pri_store *rows;
	struct arena arena;
	struct known sets[BLOCK_SETS_MAX];
	size_t set_count;
};

const struct resigner *resigner(void)
{
	static struct resigner r;
	struct buffer pem;
	struct error e;

	if (r.key)
		return &r;
	buffer_init(&pem, 1 << 16);
	REQUIRE(key_generate("fuzzer", &r.key, &e) == E_OK);
	REQUIRE(key_certificate_pem(r.key, &pem, &e) == E_OK);
	REQUIRE(trust_parse(buffer_view(&pem), 1, &r.trust, &e) == E_OK);
	buffer_fini(&pem);
	return &r;
}

static void root_of(const struct work *w, uint32_t block, uint8_t ret[SET_ROOT])
{
	struct pri_store *rows;

	REQUIRE(pri_store_slice(
			w->rows, envelope_is_inside, block, block_last(block), &rows) == E_OK);
	REQUIRE(pri_store_root(rows, ret) == E_OK);
	pri_store_free(rows);
}

static bool manifest(struct work *w, struct view content, struct buffer *out)
{
	struct manifest m;
	struct error e;

	if (manifest_decode(content, &m, &e))
		return false;
	if (w->rows)
		root_of(w, m.block, m.root);
	if (w->set_count < BLOCK_SETS_MAX) {
		struct known *known = &w->sets[w->set_count++];

		known->name = arena_copy(&w->arena, m.name);
		memcpy(known->root, m.root, SET_ROOT);
	}
	return manifest_encode(&m, out, &e) == E_OK;
}

static bool set_index(struct work *w, struct view content, struct buffer *out)
{
	struct set_index i;
	struct set_entry *entries;
	struct error e;

	if (set_index_decode(content, &w->arena, &i, &e))
		return false;
	entries = arena_calloc(&w->arena, i.entry_count + 1, sizeof *entries);
	REQUIRE(entries != NULL);
	for (size_t n = 0; n < i.entry_count; n++) {
		entries[n] = i.entries[n];
		for (size_t k = 0; k < w->set_count; k++)
			if (view_equal(w->sets[k].name, entries[n].name))
				memcpy(entries[n].root, w->sets[k].root, SET_ROOT);
	}
	i.entries = entries;
	return set_index_encode(&i, out, &e) == E_OK;
}

static bool assignment(struct work *w, struct view content, struct buffer *out)
{
	struct assignment a;
	struct pin pin = key_pin(w->r->key);
	struct error e;

	if (assignment_decode(content, &w->arena, &a, &e))
		return false;
	if (!w->r->keep_node) {
		memcpy(a.node_key, pin.sha256, NODE_KEY);
		a.report_key = a.report_key.len ? VIEW(a.node_key, NODE_KEY) : VIEW_NONE;
	}
	return assignment_encode(&a, out, &e) == E_OK;
}

static void sign(struct work *w, const struct prid *prid, struct view cms, struct buffer *out)
{
	struct view content = cms;
	struct buffer document, wrapped, made;
	struct error e;
	bool known;

	buffer_init(&document, OCTETS_MAX);
	buffer_init(&wrapped, OCTETS_MAX);
	buffer_init(&made, OCTETS_MAX);
	fuzz_either(cms_content(cms, &content, &e));
	if (prid->class->id == PIB_copsecPolicySet)
		known = manifest(w, content, &document);
	else if (prid->class->id == PIB_copsecIndex)
		known = set_index(w, content, &document);
	else
		known = assignment(w, content, &document);
	if (!known) {
		buffer_reset(&document);
		buffer_put_view(&document, content);
	}
	REQUIRE(cms_wrap(buffer_view(&document), &wrapped, &e) == E_OK);
	REQUIRE(cms_add_signer(buffer_view(&wrapped), w->r->key, CMS_SIGN_PLAIN, &made, &e) ==
		E_OK);
	envelope_put(prid->class->id, prid->instance, buffer_view(&made), out);
	buffer_fini(&document);
	buffer_fini(&wrapped);
	buffer_fini(&made);
}

/* One binding; manifests come before the index that names their roots. */
static void binding(struct work *w, const struct pr_object *name, const struct pr_object *values,
	bool manifests, struct buffer *out)
{
	struct pib_fault fault;
	struct prid prid;
	struct view cms;
	struct error e;
	bool is_manifest;

	if (prid_decode(name->contents, &prid, &fault, &e))
		prid.class = NULL;
	is_manifest = prid.class && prid.class->id == PIB_copsecPolicySet;
	if (is_manifest != manifests)
		return;
	if (prid.class && envelope_is(prid.class) &&
		envelope_open(&prid, values->contents, &cms, &fault, &e) == E_OK) {
		sign(w, &prid, cms, out);
		return;
	}
	pr_put(out, PR_PRID, name->contents);
	pr_put(out, PR_EPD, values->contents);
}

static void bindings(struct work *w, struct view objects, bool manifests, struct buffer *out)
{
	struct cursor run = cursor_over(objects);
	struct pr_object name, values;

	while (cursor_left(&run) && pr_next(&run, &name) == E_OK && cursor_left(&run) &&
		pr_next(&run, &values) == E_OK)
		binding(w, &name, &values, manifests, out);
}

void resign(const struct resigner *r, const struct pri_store *rows, struct view objects,
	struct buffer *out)
{
	struct work w = {.r = r, .rows = rows};
	uint16_t code, sub_code;
	struct error e;

	if (pr_check(PR_IN_INSTALL, objects, &code, &sub_code, &e)) {
		buffer_put_view(out, objects);
		return;
	}
	arena_init(&w.arena, OCTETS_MAX);
	bindings(&w, objects, true, out);
	bindings(&w, objects, false, out);
	arena_fini(&w.arena);
}
