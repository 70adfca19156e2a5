/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A signed document's content: an octet that says which kind, the content. There is exactly one way
 * to write a document, so what was decoded gives its octets back.
 *
 * Reaches: manifest_decode, set_index_decode, assignment_decode, compliance_decode,
 * trust_list_decode, delegation_decode, their encoders, delegation_permits_...,
 * set_index_find, assignment_roles, assignment_has_roles, assignment_set, role_combination_valid.
 */
#include "pib/framework/roles.h"
#include "pib/set/delegation.h"
#include "pib/set/trust_list.h"
#include "tests/fuzz/fuzz.h"

enum { ARENA_MAX = 1 << 20, CONTENT_MAX = 1 << 17 };

static bool same_entries(
	const struct set_entry *a, size_t a_count, const struct set_entry *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!view_equal(a[i].name, b[i].name) || a[i].serial != b[i].serial ||
			memcmp(a[i].root, b[i].root, SET_ROOT) != 0)
			return false;
	return true;
}

static enum err manifest(struct view content, struct arena *arena, struct buffer *out,
	struct error *e)
{
	struct manifest m, again;
	enum err err = manifest_decode(content, &m, e);

	(void)arena;
	if (err)
		return err;
	REQUIRE(manifest_encode(&m, out, e) == E_OK);
	REQUIRE(manifest_decode(buffer_view(out), &again, e) == E_OK);
	REQUIRE(view_equal(m.tenant, again.tenant) && view_equal(m.name, again.name));
	REQUIRE(m.authority == again.authority && view_equal(m.roles, again.roles));
	REQUIRE(view_equal(m.node, again.node) && m.serial == again.serial);
	REQUIRE(m.not_before == again.not_before && m.not_after == again.not_after);
	REQUIRE(m.stale_rule == again.stale_rule && m.block == again.block);
	REQUIRE(memcmp(m.root, again.root, SET_ROOT) == 0 && m.no_confirm == again.no_confirm);
	REQUIRE(m.not_before <= m.not_after && role_combination_valid(m.roles));
	return E_OK;
}

static enum err set_index(struct view content, struct arena *arena, struct buffer *out,
	struct error *e)
{
	struct set_index i, again;
	enum err err = set_index_decode(content, arena, &i, e);

	if (err)
		return err;
	REQUIRE(set_index_encode(&i, out, e) == E_OK);
	REQUIRE(set_index_decode(buffer_view(out), arena, &again, e) == E_OK);
	REQUIRE(view_equal(i.tenant, again.tenant) && i.serial == again.serial);
	REQUIRE(i.not_before == again.not_before && i.not_after == again.not_after);
	REQUIRE(same_entries(i.entries, i.entry_count, again.entries, again.entry_count));
	for (size_t n = 0; n < i.entry_count; n++)
		REQUIRE(set_index_find(&i, i.entries[n].name) == &i.entries[n]);
	return E_OK;
}

static enum err assignment(struct view content, struct arena *arena, struct buffer *out,
	struct error *e)
{
	struct assignment a, again;
	enum err err = assignment_decode(content, arena, &a, e);

	if (err)
		return err;
	REQUIRE(assignment_encode(&a, out, e) == E_OK);
	REQUIRE(assignment_decode(buffer_view(out), arena, &again, e) == E_OK);
	REQUIRE(view_equal(a.tenant, again.tenant) && view_equal(a.node, again.node));
	REQUIRE(memcmp(a.node_key, again.node_key, NODE_KEY) == 0);
	REQUIRE(view_equal(a.report_key, again.report_key) && view_equal(a.roles, again.roles));
	REQUIRE(a.serial == again.serial && a.least_index_serial == again.least_index_serial);
	REQUIRE(a.interface_count == again.interface_count);
	for (size_t n = 0; n < a.interface_count; n++) {
		REQUIRE(view_equal(a.interfaces[n].name, again.interfaces[n].name));
		REQUIRE(view_equal(a.interfaces[n].roles, again.interfaces[n].roles));
		REQUIRE(view_equal(
			assignment_roles(&a, a.interfaces[n].name), a.interfaces[n].roles));
		REQUIRE(!a.interfaces[n].roles.len ||
			assignment_has_roles(&a, a.interfaces[n].roles));
	}
	return E_OK;
}

static enum err trust_list(struct view content, struct arena *arena, struct buffer *out,
	struct error *e)
{
	struct trust_list l;
	enum err err = trust_list_decode(content, arena, &l, e);

	if (err)
		return err;
	REQUIRE(trust_list_encode(&l, out, e) == E_OK);
	for (unsigned use = 0; use < TRUST_USES; use++) {
		struct trust *signers;

		REQUIRE(trust_list_signers(&l, use, &signers, e) == E_OK);
		REQUIRE(signers || use == TRUST_DELEGATION);
		trust_free(signers);
	}
	for (size_t n = 0; n < l.key_count; n++)
		REQUIRE(!trust_list_revokes(&l, VIEW(l.keys[n].key, NODE_KEY)));
	for (size_t n = 0; n < l.revoked_count; n++)
		REQUIRE(trust_list_revokes(&l, VIEW(l.revoked[n].key, NODE_KEY)));
	return E_OK;
}

static enum err delegation(struct view content, struct arena *arena, struct buffer *out,
	struct error *e)
{
	struct delegation d;
	struct manifest m = {.not_before = 5, .not_after = 500};
	enum err err = delegation_decode(content, arena, &d, e);

	if (err)
		return err;
	REQUIRE(delegation_encode(&d, out, e) == E_OK);
	m.tenant = d.tenant;
	m.authority = d.authority;
	fuzz_either(delegation_permits_set(&d, &m, e));
	fuzz_either(delegation_permits_node(&d, d.name, d.tenant, e));
	for (size_t n = 0; n < d.never_count; n++)
		if (d.never[n].kind == NEVER_ADDRESSES)
			REQUIRE(delegation_permits_discard(&d, &d.never[n].prefix, e) == E_DENIED);
	for (size_t n = 0; n < d.prefix_count; n++) {
		const struct grant *g = &d.grants[d.prefixes[n].grant - 1];

		REQUIRE(delegation_permits_member(
				&d, g->kind, g->name, &d.prefixes[n].prefix, e) == E_OK);
	}
	return E_OK;
}

static enum err compliance(struct view content, struct arena *arena, struct buffer *out,
	struct error *e)
{
	struct compliance c, again;
	enum err err = compliance_decode(content, arena, &c, e);

	if (err)
		return err;
	REQUIRE(compliance_encode(&c, out, e) == E_OK);
	REQUIRE(compliance_decode(buffer_view(out), arena, &again, e) == E_OK);
	REQUIRE(view_equal(c.node, again.node) && c.decision == again.decision);
	REQUIRE(c.index_serial == again.index_serial && c.time == again.time);
	REQUIRE(view_equal(binding_view(&c.session), binding_view(&again.session)));
	REQUIRE(same_entries(c.sets, c.set_count, again.sets, again.set_count));
	return E_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static enum err (*const kinds[])(struct view, struct arena *, struct buffer *,
		struct error *) = {manifest, set_index, assignment, compliance, trust_list,
		delegation};
	struct cursor input = cursor_over(VIEW(data, size));
	uint8_t kind = cursor_u8(&input) % (sizeof kinds / sizeof kinds[0]);
	struct view content = cursor_rest(&input);
	struct buffer out;
	struct arena arena;
	struct error e;
	enum err err;

	arena_init(&arena, ARENA_MAX);
	buffer_init(&out, CONTENT_MAX);
	err = kinds[kind](content, &arena, &out, &e);
	if (err)
		fuzz_require_sentence(err, &e);
	else
		REQUIRE(view_equal(content, buffer_view(&out)));
	fuzz_accepted = !err;
	buffer_fini(&out);
	arena_fini(&arena);
	return 0;
}
