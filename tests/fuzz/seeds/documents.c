/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What comes of the policies in corpus/policy: their bundles, signed; the documents in them; what a
 * node is to make of it.
 */
#include "common/cops/pr.h"
#include "common/crypto/cms.h"
#include "pib/set/bundle.h"
#include "pib/store/difference.h"
#include "pib/store/store.h"
#include "pmt/compiler/compile.h"
#include "pmt/language/policy_file.h"
#include "tests/fuzz/seeds/seeds.h"

enum { ARENA_MAX = 16 << 20, NOW = 1790000000, RESTARTS = 8, KEEPS_ROOTS = 1, NOT_SIGNED = 4 };

static const struct {
	const char *name, *path;
	bool decisions; /* short enough for the fuzzers that do most with an input */
} policies[] = {
	{"tiny", FUZZ_FOLDER "/corpus/policy/good-tiny", true},
	{"protected", FUZZ_FOLDER "/corpus/policy/good-protected", true},
	{"gateway", FUZZ_FOLDER "/corpus/policy/good-gateway", true},
	{"office", FUZZ_FOLDER "/../../pmt/examples/office.xml", false},
};

struct made {
	const char *name;
	struct arena arena;
	struct buffer file;   /* unsigned */
	struct bundle bundle; /* of it */
};

static void compile(struct made *m, size_t which, uint64_t serial)
{
	struct compile_terms terms = {
		.serial = serial, .not_before = NOW, .not_after = (uint64_t)4 * NOW};
	struct compile_summary summary;
	struct policy_file policy;
	struct error e;

	m->name = policies[which].name;
	arena_init(&m->arena, ARENA_MAX);
	buffer_init(&m->file, SEED_MAX);
	REQUIRE(policy_file_read(&policy, policies[which].path, &e) == E_OK);
	REQUIRE(!policy.diagnostics.errors);
	REQUIRE(compile_policy(&policy.model, &terms, &m->file, &summary, &e) == E_OK);
	REQUIRE(bundle_read(buffer_view(&m->file), &m->arena, &m->bundle, &e) == E_OK);
	policy_file_fini(&policy);
}

static void made_fini(struct made *m)
{
	buffer_fini(&m->file);
	arena_fini(&m->arena);
}

static struct view signed_copy(const struct seeds *s, struct made *m, struct view cms)
{
	struct buffer out;
	struct view copy;

	buffer_init(&out, SEED_MAX);
	seed_sign(cms, s->signers, SIGNERS, &out);
	copy = arena_copy(&m->arena, buffer_view(&out));
	REQUIRE(copy.len == out.len);
	buffer_fini(&out);
	return copy;
}

static void make_bundle(const struct seeds *s, struct made *m)
{
	struct bundle b = m->bundle;
	struct buffer out;
	struct error e;

	b.sets = arena_calloc(&m->arena, b.set_count, sizeof *b.sets);
	b.assignments = arena_calloc(&m->arena, b.assignment_count, sizeof *b.assignments);
	REQUIRE(b.sets && b.assignments);
	b.index = signed_copy(s, m, b.index);
	for (size_t i = 0; i < b.assignment_count; i++)
		b.assignments[i] = signed_copy(s, m, m->bundle.assignments[i]);
	for (size_t i = 0; i < b.set_count; i++) {
		b.sets[i] = m->bundle.sets[i];
		b.sets[i].cms = signed_copy(s, m, b.sets[i].cms);
	}
	buffer_init(&out, SEED_MAX);
	REQUIRE(bundle_write(&b, &out, &e) == E_OK);
	seed_write(s, "bundle", buffer_view(&out), "good-%s", m->name);
	buffer_fini(&out);
}

/* ---- documents: kind, content ---- */

enum kind { MANIFEST, INDEX, ASSIGNMENT, COMPLIANCE };

static void put_document(const struct seeds *s, enum kind kind, const char *what,
	const struct made *m, struct view content)
{
	struct buffer out;

	buffer_init(&out, SEED_MAX);
	buffer_put_u8(&out, (uint8_t)kind);
	buffer_put_view(&out, content);
	seed_write(s, "documents", buffer_view(&out), "good-%s-of-%s", what, m->name);
	buffer_fini(&out);
}

static struct view content_of(struct view cms)
{
	struct view content;
	struct error e;

	REQUIRE(cms_content(cms, &content, &e) == E_OK);
	return content;
}

static void make_compliance(const struct seeds *s, struct made *m)
{
	struct assignment a;
	struct set_index index;
	struct compliance c = {.decision = 1, .time = NOW + 10, .session = {{0x5e}}};
	struct buffer out;
	struct error e;

	REQUIRE(bundle_assignment(&m->bundle, 0, &m->arena, &a, &e) == E_OK);
	REQUIRE(bundle_index(&m->bundle, &m->arena, &index, &e) == E_OK);
	c.node = a.node;
	c.index_serial = index.serial;
	c.sets = index.entries;
	c.set_count = index.entry_count;
	buffer_init(&out, SEED_MAX);
	REQUIRE(compliance_encode(&c, &out, &e) == E_OK);
	put_document(s, COMPLIANCE, "compliance", m, buffer_view(&out));
	buffer_fini(&out);
}

static void make_contents(const struct seeds *s, struct made *m)
{
	const struct bundle *b = &m->bundle;

	put_document(s, INDEX, "index", m, content_of(b->index));
	put_document(s, ASSIGNMENT, "assignment", m, content_of(b->assignments[0]));
	put_document(s, MANIFEST, "manifest", m, content_of(b->sets[0].cms));
	put_document(s, MANIFEST, "other-manifest", m, content_of(b->sets[b->set_count - 1].cms));
	make_compliance(s, m);
}

/* ---- state: options, objects ---- */

static void make_state(const struct seeds *s, const struct made *m)
{
	struct buffer out;

	for (uint8_t options = 0; options <= KEEPS_ROOTS; options++) {
		buffer_init(&out, SEED_MAX);
		buffer_put_u8(&out, options);
		buffer_put_view(&out, m->bundle.objects);
		seed_write(s, "state", buffer_view(&out), "good-%s-%u", m->name, options);
		buffer_fini(&out);
	}
}

/* ---- decision: options, mishap, pieces ---- */

/* What the node gw1, or the only one, is to have. */
static struct view node_objects(struct made *m)
{
	struct bundle b = m->bundle;
	struct bundle_set *sets = arena_calloc(&m->arena, b.set_count, sizeof *sets);
	struct set_index index;
	struct assignment a;
	struct buffer out;
	struct view copy;
	size_t which = 0;
	struct error e;

	REQUIRE(sets != NULL);
	for (size_t i = 0; i < b.assignment_count; i++) {
		REQUIRE(bundle_assignment(&b, i, &m->arena, &a, &e) == E_OK);
		if (view_equal(a.node, view_of_string("gw1")))
			which = i;
	}
	REQUIRE(bundle_assignment(&b, which, &m->arena, &a, &e) == E_OK);
	REQUIRE(bundle_index(&b, &m->arena, &index, &e) == E_OK);
	b.assignments += which;
	b.assignment_count = 1;
	b.sets = sets;
	b.set_count = 0;
	for (size_t i = 0; i < m->bundle.set_count; i++) {
		struct manifest manifest;

		REQUIRE(bundle_manifest(&m->bundle, i, &manifest, &e) == E_OK);
		if (assignment_demands(&a, &index, &manifest))
			sets[b.set_count++] = m->bundle.sets[i];
	}
	buffer_init(&out, SEED_MAX);
	REQUIRE(bundle_write_objects(&b, &out, &e) == E_OK);
	copy = arena_copy(&m->arena, buffer_view(&out));
	buffer_fini(&out);
	return copy;
}

static void begin(struct buffer *out, uint8_t options, uint8_t mishap)
{
	buffer_put_u8(out, options);
	buffer_put_u8(out, mishap);
}

static void put_piece(struct buffer *out, bool remove, struct view octets)
{
	buffer_put_u8(out, remove);
	buffer_put_u16(out, (uint16_t)octets.len);
	buffer_put_view(out, octets);
}

static void end(struct buffer *out)
{
	buffer_put_u8(out, 0xff);
}

static void put_full(struct buffer *out, uint8_t options, uint8_t mishap, struct view objects)
{
	struct buffer all;

	buffer_init(&all, SEED_MAX);
	pri_store_put_all_classes(&all);
	begin(out, options, mishap);
	put_piece(out, true, buffer_view(&all));
	put_piece(out, false, objects);
	end(out);
	buffer_fini(&all);
}

static void finish(const struct seeds *s, const char *target, struct buffer *out, const char *what,
	const struct made *m, const char *how)
{
	seed_write(s, target, buffer_view(out), "%s-%s%s", what, m->name, how);
	buffer_reset(out);
}

static void make_decisions(const struct seeds *s, struct made *m, struct made *next)
{
	struct view objects = node_objects(m), later = node_objects(next);
	struct buffer out;

	buffer_init(&out, SEED_MAX);
	put_full(&out, RESTARTS, 0, objects);
	finish(s, "decision", &out, "good", m, "");
	put_full(&out, 0, 0, objects);
	put_full(&out, RESTARTS, 0, later);
	finish(s, "decision", &out, "good", m, "-then-another");
	put_full(&out, RESTARTS, 1, objects);
	finish(s, "decision", &out, "bad", m, "-refused");
	put_full(&out, RESTARTS, 2, objects);
	finish(s, "decision", &out, "bad", m, "-lost");
	put_full(&out, RESTARTS, 3, objects);
	finish(s, "decision", &out, "good", m, "-with-a-rest");
	put_full(&out, NOT_SIGNED, 0, objects);
	finish(s, "decision", &out, "bad", m, "-not-signed");
	buffer_fini(&out);
}

void make_documents(const struct seeds *s)
{
	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
		struct made m, next;

		compile(&m, i, 7);
		compile(&next, i, 8);
		make_bundle(s, &m);
		make_contents(s, &m);
		if (policies[i].decisions) {
			make_state(s, &m);
			make_decisions(s, &m, &next);
		}
		made_fini(&m);
		made_fini(&next);
	}
}
