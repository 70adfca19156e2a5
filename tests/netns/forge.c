/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forge [-k KEY]... [-e EDIT]... [-n NODE [-l SET] [-a SET] [-t SET=BUNDLE]] BUNDLE OUT
 * forge -d BUNDLE DIRECTORY
 *
 * What a decision point or a publisher could try, made out of an honest bundle. With keys all
 * documents are written and signed anew, after the edits, so that nothing but the edit is wrong;
 * without keys the old documents stay. OUT holds S-objects without a bundle file's header: all of
 * the bundle, or what node -n would get; without set -l, with a set -a more that is not for the node,
 * with the set of another bundle -t in place of its own. With -d the signed documents themselves go
 * into files, for others to verify: index.der and SET.der.
 *
 * EDIT is KIND:SET or KIND:SET:OTHER
 *   signature     the last octet of the set's signature is another one
 *   overlap       the set claims the block of the other
 *   intrude       a row that the set brings lies in the block of the other
 *   stray         a row that the set brings lies in a block of nobody
 *   reference     a row of the set refers to one of the other set
 *   class         a row of a class that nobody knows
 *   ber           a value with the tag of another type
 *   length        a value that is longer than its row
 *   attributes    a row without its last attribute
 *   twice         a row comes twice
 *   content       a row has another value than was signed
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/cops/pr.h"
#include "common/crypto/cms.h"
#include "pib/schema/pri.h"
#include "pib/set/bundle.h"
#include "pib/set/envelope.h"
#include "pib/store/store.h"

enum {
	SETS_MAX = 64,
	KEYS_MAX = 8,
	EDITS_MAX = 8,
	ARENA_MAX = 64 << 20,
	NOBODYS_SET = 200, /* no policy of a test has so many */
	NEW_INSTANCE = 60000,
};

struct set {
	struct manifest manifest;
	struct buffer rows, cms;
	uint32_t envelope; /* its block */
};

struct forgery {
	struct arena arena;
	struct buffer file;
	struct bundle bundle;
	struct set sets[SETS_MAX];
	struct set_index index;
	struct buffer index_cms;
	struct buffer more; /* rows that no root counts */
	struct key *keys[KEYS_MAX];
	size_t key_count;
};

static _Noreturn void die(const char *what, const struct error *e)
{
	fprintf(stderr, "forge: %s%s%s\n", what, e ? ": " : "", e ? e->text : "");
	exit(2);
}

static void read_bundle(struct forgery *f, const char *path)
{
	struct error e;

	arena_init(&f->arena, ARENA_MAX);
	buffer_init(&f->file, BUNDLE_MAX);
	buffer_init(&f->more, BUNDLE_MAX);
	buffer_init(&f->index_cms, BUNDLE_MAX);
	if (file_read(path, &f->file, NULL, &e) ||
		bundle_read(buffer_view(&f->file), &f->arena, &f->bundle, &e) ||
		bundle_index(&f->bundle, &f->arena, &f->index, &e))
		die(path, &e);
	if (f->bundle.set_count > SETS_MAX)
		die("too many sets", NULL);
	buffer_put_view(&f->index_cms, f->bundle.index);
	for (size_t i = 0; i < f->bundle.set_count; i++) {
		struct set *s = &f->sets[i];

		if (bundle_manifest(&f->bundle, i, &s->manifest, &e))
			die(path, &e);
		buffer_init(&s->rows, BUNDLE_MAX);
		buffer_init(&s->cms, BUNDLE_MAX);
		buffer_put_view(&s->rows, f->bundle.sets[i].rows);
		buffer_put_view(&s->cms, f->bundle.sets[i].cms);
		s->envelope = f->bundle.sets[i].block;
	}
}

static void free_bundle(struct forgery *f)
{
	for (size_t i = 0; i < f->bundle.set_count; i++) {
		buffer_fini(&f->sets[i].rows);
		buffer_fini(&f->sets[i].cms);
	}
	for (size_t i = 0; i < f->key_count; i++)
		key_free(f->keys[i]);
	buffer_fini(&f->index_cms);
	buffer_fini(&f->more);
	buffer_fini(&f->file);
	arena_fini(&f->arena);
	free(f);
}

static struct set *find_set(struct forgery *f, const char *name)
{
	for (size_t i = 0; i < f->bundle.set_count; i++)
		if (name && view_equal(f->sets[i].manifest.name, view_of_string(name)))
			return &f->sets[i];
	die(name ? name : "an edit needs another set", NULL);
}

/* ---- Rows ---- */

struct row {
	struct prid prid;
	struct view objects, epd;
};

static bool next_row(struct cursor *c, struct row *ret)
{
	const uint8_t *start = c->data + c->at;
	struct pr_object prid, epd;
	struct pib_fault fault;
	struct error e;

	if (!cursor_left(c))
		return false;
	if (pr_next(c, &prid) || pr_next(c, &epd) ||
		prid_decode(prid.contents, &ret->prid, &fault, &e))
		die("a row does not decode", NULL);
	ret->objects = VIEW(start, prid.raw.len + epd.raw.len);
	ret->epd = epd.contents;
	return true;
}

static void put_row(struct buffer *out, const struct prid *prid, struct view epd)
{
	prid_put(out, prid);
	pr_put(out, PR_EPD, epd);
}

/* Writes the rows of a set anew, with the chosen one as `edit` makes it. */
static void each_row(struct set *s, bool (*edit)(struct buffer *out, struct row *row, uint32_t with),
	uint32_t with)
{
	struct cursor c = cursor_over(buffer_view(&s->rows));
	struct buffer out;
	struct row row;
	bool done = false;

	buffer_init(&out, BUNDLE_MAX);
	while (next_row(&c, &row)) {
		if (!done && edit(&out, &row, with))
			done = true;
		else
			buffer_put_view(&out, row.objects);
	}
	if (!done)
		die("no row of the set can be changed so", NULL);
	buffer_fini(&s->rows);
	s->rows = out;
}

static struct buffer copy(struct view octets)
{
	struct buffer b;

	buffer_init(&b, BUNDLE_MAX);
	buffer_put_view(&b, octets);
	return b;
}

/* The row with one octet of its values changed by `with`. */
static void put_changed(struct buffer *out, const struct row *row, size_t at, uint32_t with)
{
	struct buffer epd = copy(row->epd);

	epd.data[at] ^= (uint8_t)with;
	put_row(out, &row->prid, buffer_view(&epd));
	buffer_fini(&epd);
}

static bool edit_ber(struct buffer *out, struct row *row, uint32_t with)
{
	put_changed(out, row, 0, with);
	return true;
}

static bool edit_length(struct buffer *out, struct row *row, uint32_t with)
{
	put_changed(out, row, 1, with);
	return true;
}

static bool edit_content(struct buffer *out, struct row *row, uint32_t with)
{
	if (row->epd.data[row->epd.len - 2] != 1)
		return false;
	put_changed(out, row, row->epd.len - 1, with);
	return true;
}

static bool edit_attributes(struct buffer *out, struct row *row, uint32_t with)
{
	(void)with;
	put_row(out, &row->prid, VIEW(row->epd.data, (size_t)row->epd.data[1] + 2));
	return true;
}

static bool edit_twice(struct buffer *out, struct row *row, uint32_t with)
{
	(void)with;
	buffer_put_view(out, row->objects);
	buffer_put_view(out, row->objects);
	return true;
}

/* The first reference of the row leads into another block. */
static bool edit_reference(struct buffer *out, struct row *row, uint32_t block)
{
	struct pib_fault fault;
	struct error e;
	struct pri pri;

	if (row->prid.class->id != PIB_ipSecRule && row->prid.class->id != PIB_copsecRule)
		return false;
	if (epd_decode(&row->prid, row->epd, &pri, &fault, &e))
		die("a row does not decode", &e);
	pri_set_u32(&pri, ipSecRuleIpSecSelectorSetId,
		block + (pri_u32(&pri, ipSecRuleIpSecSelectorSetId) & BLOCK_INSTANCE_MAX));
	if (pri_put(out, &pri, &e))
		die("a row does not encode", &e);
	return true;
}

/* A copy of the set's first row, as a row of the block. */
static void bring_row(struct forgery *f, struct set *s, uint32_t block)
{
	struct cursor c = cursor_over(buffer_view(&s->rows));
	struct pib_fault fault;
	struct error e;
	struct row row;
	struct pri pri;

	if (!next_row(&c, &row) || epd_decode(&row.prid, row.epd, &pri, &fault, &e))
		die("a row does not decode", NULL);
	pri.instance = block + NEW_INSTANCE;
	pri_set_u32(&pri, 1, pri.instance);
	if (pri_put(&f->more, &pri, &e))
		die("a row does not encode", &e);
}

/* 1.3.6.1.4.1.32473.1.2.99.1.1.INSTANCE, with a row like any other. */
static void bring_class(struct forgery *f)
{
	static const uint8_t prid[] = {0x06, 0x0e, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xfd, 0x59,
		0x01, 0x02, 0x63, 0x01, 0x01, 0x05};
	static const uint8_t epd[] = {0x42, 0x01, 0x05};

	pr_put(&f->more, PR_PRID, VIEW(prid, sizeof prid));
	pr_put(&f->more, PR_EPD, VIEW(epd, sizeof epd));
}

static bool is(const char *kind, const char *name)
{
	return strcmp(kind, name) == 0;
}

static void apply(struct forgery *f, const char *text)
{
	char words[256], *save, *kind, *name, *other;
	struct set *s;

	snprintf(words, sizeof words, "%s", text);
	kind = strtok_r(words, ":", &save);
	name = strtok_r(NULL, ":", &save);
	other = strtok_r(NULL, ":", &save);
	s = find_set(f, name);
	if (is(kind, "overlap"))
		s->manifest.block = find_set(f, other)->manifest.block;
	else if (is(kind, "intrude"))
		bring_row(f, s, find_set(f, other)->manifest.block);
	else if (is(kind, "stray"))
		bring_row(f, s, block_of(AUTHORITY_HOME, NOBODYS_SET));
	else if (is(kind, "reference"))
		each_row(s, edit_reference, find_set(f, other)->manifest.block);
	else if (is(kind, "class"))
		bring_class(f);
	else if (is(kind, "ber"))
		each_row(s, edit_ber, 0x42 ^ 0x04);
	else if (is(kind, "length"))
		each_row(s, edit_length, 0x40);
	else if (is(kind, "attributes"))
		each_row(s, edit_attributes, 0);
	else if (is(kind, "twice"))
		each_row(s, edit_twice, 0);
	else if (is(kind, "content"))
		each_row(s, edit_content, 0x01);
	else if (!is(kind, "signature"))
		die(kind, NULL);
}

/* After signing. */
static void break_signature(struct forgery *f, const char *text)
{
	static const char kind[] = "signature:";
	struct set *s;

	if (strncmp(text, kind, sizeof kind - 1) != 0)
		return;
	s = find_set(f, text + sizeof kind - 1);
	s->cms.data[s->cms.len - 1] ^= 1;
}

/* ---- Documents ---- */

static void root_of(struct set *s)
{
	struct view run = buffer_view(&s->rows);
	struct pri_failures failures;
	struct pri_store *store;
	struct error e;

	pri_failures_init(&failures);
	/* Rows that come twice make no store; whatever the root says, they are refused before. */
	if (pri_store_build(&run, 1, &store, &failures, &e))
		return;
	if (pri_store_root(store, s->manifest.root))
		die("root", NULL);
	pri_store_free(store);
}

static void sign(struct forgery *f, struct view content, struct buffer *out)
{
	struct buffer one, two, swap;
	struct error e;

	buffer_init(&one, BUNDLE_MAX);
	buffer_init(&two, BUNDLE_MAX);
	if (cms_wrap(content, &one, &e))
		die("cannot sign", &e);
	for (size_t i = 0; i < f->key_count; i++) {
		buffer_reset(&two);
		if (cms_add_signer(buffer_view(&one), f->keys[i], CMS_SIGN_PLAIN, &two, &e))
			die("cannot sign", &e);
		swap = one;
		one = two;
		two = swap;
	}
	buffer_reset(out);
	buffer_put_view(out, buffer_view(&one));
	buffer_fini(&one);
	buffer_fini(&two);
}

static void sign_all(struct forgery *f)
{
	struct set_entry *entries = arena_calloc(&f->arena, f->index.entry_count, sizeof *entries);
	struct buffer content;
	struct error e;

	if (!entries)
		die("out of memory", NULL);
	memcpy(entries, f->index.entries, f->index.entry_count * sizeof *entries);
	buffer_init(&content, BUNDLE_MAX);
	for (size_t i = 0; i < f->bundle.set_count; i++) {
		struct set *s = &f->sets[i];

		root_of(s);
		buffer_reset(&content);
		if (manifest_encode(&s->manifest, &content, &e))
			die("manifest", &e);
		sign(f, buffer_view(&content), &s->cms);
		for (size_t j = 0; j < f->index.entry_count; j++)
			if (view_equal(entries[j].name, s->manifest.name))
				memcpy(entries[j].root, s->manifest.root, SET_ROOT);
	}
	f->index.entries = entries;
	buffer_reset(&content);
	if (set_index_encode(&f->index, &content, &e))
		die("index", &e);
	sign(f, buffer_view(&content), &f->index_cms);
	buffer_fini(&content);
}

/* ---- Out ---- */

struct wish {
	const char *node, *leave_out, *add, *take;
};

static void put_set(struct forgery *f, const struct wish *w, size_t which, struct buffer *out)
{
	struct set *s = &f->sets[which];
	const char *path = w->take ? strchr(w->take, '=') : NULL;

	if (path && view_equal(s->manifest.name, VIEW(w->take, (size_t)(path - w->take)))) {
		struct forgery *other = calloc(1, sizeof *other);
		struct wish plain = {0};

		if (!other)
			die("out of memory", NULL);
		read_bundle(other, path + 1);
		put_set(other, &plain, which, out);
		free_bundle(other);
		return;
	}
	bundle_put_policy_set(s->envelope, buffer_view(&s->cms), out);
	buffer_put_view(out, buffer_view(&s->rows));
}

static bool named(struct view name, const char *text)
{
	return text && view_equal(name, view_of_string(text));
}

static void put_bundle(struct forgery *f, const struct wish *w, struct buffer *out)
{
	bundle_put_index(AUTHORITY_HOME, buffer_view(&f->index_cms), out);
	for (size_t i = 0; i < f->bundle.assignment_count; i++)
		bundle_put_assignment((uint32_t)i + 1, f->bundle.assignments[i], out);
	for (size_t i = 0; i < f->bundle.set_count; i++)
		if (!named(f->sets[i].manifest.name, w->leave_out))
			put_set(f, w, i, out);
}

static void put_node(struct forgery *f, const struct wish *w, struct buffer *out)
{
	struct assignment a;
	struct error e;
	size_t which = 0;

	for (;; which++) {
		if (which == f->bundle.assignment_count)
			die("no assignment for this node", NULL);
		if (bundle_assignment(&f->bundle, which, &f->arena, &a, &e))
			die("assignment", &e);
		if (named(a.node, w->node))
			break;
	}
	bundle_put_assignment(1, f->bundle.assignments[which], out);
	bundle_put_index(AUTHORITY_HOME, buffer_view(&f->index_cms), out);
	for (size_t i = 0; i < f->bundle.set_count; i++) {
		struct view name = f->sets[i].manifest.name;

		if ((assignment_has_roles(&a, name) && !named(name, w->leave_out)) ||
			named(name, w->add))
			put_set(f, w, i, out);
	}
}

static void write_document(const char *directory, struct view name, struct view cms)
{
	char path[4096];
	struct error e;

	snprintf(path, sizeof path, "%s/%.*s.der", directory, (int)name.len,
		(const char *)name.data);
	if (file_replace(path, cms, 0644, &e))
		die(path, &e);
}

static void write_documents(const struct forgery *f, const char *directory)
{
	write_document(directory, view_of_string("index"), f->bundle.index);
	for (size_t i = 0; i < f->bundle.set_count; i++)
		write_document(directory, f->sets[i].manifest.name, f->bundle.sets[i].cms);
}

int main(int argc, char **argv)
{
	struct forgery *f = calloc(1, sizeof *f);
	const char *edits[EDITS_MAX];
	size_t edit_count = 0;
	bool documents = false;
	struct wish w = {0};
	struct buffer out;
	struct error e;
	int letter;

	while (f && (letter = getopt(argc, argv, "k:e:n:l:a:t:d")) > 0) {
		if (letter == 'k' && f->key_count < KEYS_MAX) {
			if (key_load(optarg, NULL, &f->keys[f->key_count++], &e))
				die("key", &e);
		} else if (letter == 'e' && edit_count < EDITS_MAX) {
			edits[edit_count++] = optarg;
		} else if (letter == 'd') {
			documents = true;
		} else if (letter == 'n') {
			w.node = optarg;
		} else if (letter == 'l') {
			w.leave_out = optarg;
		} else if (letter == 'a') {
			w.add = optarg;
		} else if (letter == 't') {
			w.take = optarg;
		} else {
			die("wrong option", NULL);
		}
	}
	if (!f || argc - optind != 2)
		die("a bundle and an output, please", NULL);
	read_bundle(f, argv[optind]);
	if (documents) {
		write_documents(f, argv[optind + 1]);
		free_bundle(f);
		return 0;
	}
	for (size_t i = 0; i < edit_count; i++)
		apply(f, edits[i]);
	if (f->key_count)
		sign_all(f);
	for (size_t i = 0; i < edit_count; i++)
		break_signature(f, edits[i]);
	buffer_init(&out, 2 * BUNDLE_MAX);
	if (w.node)
		put_node(f, &w, &out);
	else
		put_bundle(f, &w, &out);
	buffer_put_view(&out, buffer_view(&f->more));
	if (out.error || file_replace(argv[optind + 1], buffer_view(&out), 0644, &e))
		die("cannot write", NULL);
	buffer_fini(&out);
	free_bundle(f);
	return 0;
}
