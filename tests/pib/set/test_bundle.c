/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/bundle.h"

#include <string.h>

#include "common/cops/pr.h"
#include "tests/pib/set/world.h"
#include "tests/suite.h"

enum { BIG = 1 << 26 };

static struct error error;

struct file {
	struct world *world;
	struct arena arena;
	struct buffer rows;
	struct buffer octets;
	struct bundle written;
	struct bundle bundle; /* as read */
};

static void pack(struct file *f)
{
	arena_init(&f->arena, BIG);
	buffer_init(&f->rows, BIG);
	buffer_init(&f->octets, BIG);
	world_roots(f->world);
	world_sign(f->world);
	world_bundle(f->world, &f->arena, &f->rows, &f->written);
	ck_assert_msg(!bundle_write(&f->written, &f->octets, &error), "%s", error.text);
}

static void file_init(struct file *f)
{
	f->world = world_new();
	pack(f);
}

/* For tests that read it once for each of its octets. */
static void small_file_init(struct file *f)
{
	f->world = world_new();
	f->world->assignment_documents[ALICE].sent = false;
	f->world->set_documents[HOST].sent = false;
	f->world->set_documents[LAN].sent = false;
	f->world->set_documents[GATEWAY].signers = 0;
	f->world->index_document.signers = 0;
	pack(f);
}

static void file_fini(struct file *f)
{
	world_free(f->world);
	arena_fini(&f->arena);
	buffer_fini(&f->rows);
	buffer_fini(&f->octets);
}

static enum err read_file(struct file *f)
{
	return bundle_read(buffer_view(&f->octets), &f->arena, &f->bundle, &error);
}

START_TEST(a_bundle_comes_back_as_it_was)
{
	struct buffer again;
	struct file f;

	file_init(&f);
	ck_assert_msg(!read_file(&f), "%s", error.text);
	ck_assert(view_equal(f.bundle.index, f.written.index));
	ck_assert_uint_eq(f.bundle.assignment_count, NODES);
	for (size_t i = 0; i < NODES; i++)
		ck_assert(view_equal(f.bundle.assignments[i], f.written.assignments[i]));
	ck_assert_uint_eq(f.bundle.set_count, SETS);
	for (size_t i = 0; i < SETS; i++) {
		const struct bundle_set *set = &f.bundle.sets[i];

		ck_assert_uint_eq(set->block, f.written.sets[i].block);
		ck_assert(view_equal(set->cms, f.written.sets[i].cms));
		ck_assert(view_equal(set->rows, f.written.sets[i].rows));
		ck_assert(set->objects.data + set->objects.len == set->rows.data + set->rows.len);
	}
	ck_assert(view_equal(f.bundle.objects,
		VIEW(f.octets.data + BUNDLE_HEADER, f.octets.len - BUNDLE_HEADER)));
	buffer_init(&again, BIG);
	ck_assert_int_eq(bundle_write(&f.bundle, &again, &error), E_OK);
	ck_assert(view_equal(buffer_view(&again), buffer_view(&f.octets)));
	buffer_fini(&again);
	file_fini(&f);
}
END_TEST

START_TEST(the_file_begins_as_described)
{
	struct file f;

	file_init(&f);
	ck_assert_mem_eq(f.octets.data, "COPSEC\r\n\0\0\0\1\0\0\0\0", BUNDLE_HEADER);
	/* The first object is a PRID in BER: S-Num 1, S-Type 1, OBJECT IDENTIFIER. */
	ck_assert_mem_eq(f.octets.data + BUNDLE_HEADER + 2, "\1\1\6", 3);
	file_fini(&f);
}
END_TEST

START_TEST(contents_can_be_shown_before_they_are_verified)
{
	struct set_index index;
	struct assignment assignment;
	struct manifest manifest;
	struct file f;

	file_init(&f);
	ck_assert_int_eq(read_file(&f), E_OK);
	ck_assert_int_eq(bundle_index(&f.bundle, &f.arena, &index, &error), E_OK);
	ck_assert_uint_eq(index.entry_count, SETS);
	ck_assert_int_eq(bundle_assignment(&f.bundle, ALICE, &f.arena, &assignment, &error), E_OK);
	ck_assert(view_equal(assignment.node, VIEW("alice", 5)));
	ck_assert_int_eq(bundle_manifest(&f.bundle, LAN, &manifest, &error), E_OK);
	ck_assert(view_equal(manifest.name, VIEW("lan", 3)));
	ck_assert_uint_eq(manifest.block, f.bundle.sets[LAN].block);
	file_fini(&f);
}
END_TEST

START_TEST(a_bundle_without_nodes_and_sets_is_one)
{
	struct bundle b;
	struct file f;

	file_init(&f);
	b = (struct bundle){.authority = AUTHORITY_HOME, .index = f.written.index};
	buffer_reset(&f.octets);
	ck_assert_int_eq(bundle_write(&b, &f.octets, &error), E_OK);
	ck_assert_int_eq(read_file(&f), E_OK);
	ck_assert_uint_eq(f.bundle.assignment_count + f.bundle.set_count, 0);
	file_fini(&f);
}
END_TEST

/* Cut anywhere but between two rows behind the index, a file is refused. */
START_TEST(a_bundle_cut_anywhere_is_refused)
{
	struct cursor run;
	struct pr_object object;
	size_t next = BUNDLE_HEADER, rows = 0;
	struct file f;

	small_file_init(&f);
	run = cursor_over(VIEW(f.octets.data + BUNDLE_HEADER, f.octets.len - BUNDLE_HEADER));
	for (size_t len = 0; len < f.octets.len; len++) {
		uint8_t *exact;
		bool whole = false;

		if (len == next) {
			whole = rows++ > 0;
			ck_assert_int_eq(pr_next(&run, &object), E_OK);
			ck_assert_int_eq(pr_next(&run, &object), E_OK);
			next = BUNDLE_HEADER + run.at;
		}
		exact = malloc(len + 1);
		memcpy(exact, f.octets.data, len);
		ck_assert_msg(!bundle_read(VIEW(exact, len), &f.arena, &f.bundle, &error) == whole,
			"%zu: %s", len, error.text);
		free(exact);
	}
	file_fini(&f);
}
END_TEST

/* What comes out of any octet changed is refused, or is another bundle, and never a crash. */
START_TEST(no_octet_makes_reading_fall)
{
	struct buffer again;
	struct file f;

	small_file_init(&f);
	buffer_init(&again, BIG);
	for (size_t i = 0; i < f.octets.len; i++) {
		for (unsigned bit = 0; bit < 8; bit += 7) {
			f.octets.data[i] ^= (uint8_t)(1u << bit);
			arena_reset(&f.arena);
			if (!read_file(&f)) {
				buffer_reset(&again);
				ck_assert_int_eq(bundle_write(&f.bundle, &again, &error), E_OK);
				ck_assert_uint_eq(again.len, f.octets.len);
			}
			f.octets.data[i] ^= (uint8_t)(1u << bit);
		}
	}
	buffer_fini(&again);
	file_fini(&f);
}
END_TEST

/* Rows of the test below, by name. */
enum row {
	END,
	INDEX,
	INDEX2, /* of the operator, as those below that end with 2nd */
	INDEX9,
	TRUST,
	TRUST_2ND,
	LENT1,
	LENT2,
	NODE1,
	NODE2,
	NODE3,
	SET0,
	SET1,
	SET1B,
	SET_2ND,
	RULE0,
	PORT0,
	RULE1,
	OTHER
};

static const struct {
	enum row rows[8];
	enum err err;
	const char *text;
} orders[] = {
	{{INDEX, NODE1, NODE2, SET0, RULE0, PORT0, SET1, RULE1}, E_OK, NULL},
	{{INDEX, SET0, SET1}, E_OK, NULL},
	{{INDEX, NODE1}, E_OK, NULL},
	{{END}, E_MISSING, "there is no copsecIndex"},
	{{INDEX, TRUST, LENT1, LENT2, NODE1, SET0}, E_OK, NULL},
	{{INDEX2, TRUST_2ND, SET_2ND}, E_OK, NULL},
	{{INDEX9}, E_UNEXPECTED, "copsecIndex.9 at octet 0 is the index of no authority"},
	{{INDEX, INDEX2}, E_UNEXPECTED, "copsecIndex.2 at octet"},
	{{INDEX2, TRUST}, E_UNEXPECTED, "copsecTrust.1 at octet"},
	{{INDEX, TRUST_2ND}, E_UNEXPECTED, "copsecTrust.2 at octet"},
	{{INDEX2, NODE1}, E_UNEXPECTED, "is for home to say"},
	{{INDEX2, LENT1}, E_UNEXPECTED, "is for home to say"},
	{{INDEX2, SET0}, E_UNEXPECTED, "lies in a block of another authority"},
	{{INDEX, SET_2ND}, E_UNEXPECTED, "lies in a block of another authority"},
	{{INDEX, LENT2}, E_UNEXPECTED, "is out of order"},
	{{INDEX, NODE1, LENT1}, E_UNEXPECTED, "is out of order"},
	{{INDEX, LENT1, TRUST}, E_UNEXPECTED, "is out of order"},
	{{NODE1, INDEX}, E_UNEXPECTED, "copsecAssignment.1 at octet 0 stands where"},
	{{INDEX, INDEX}, E_UNEXPECTED, "copsecIndex.1 at octet"},
	{{INDEX, NODE1, NODE1}, E_UNEXPECTED, "copsecAssignment.1 at octet"},
	{{INDEX, NODE1, NODE3}, E_UNEXPECTED, "is out of order"},
	{{INDEX, NODE2}, E_UNEXPECTED, "copsecAssignment.2 at octet"},
	{{INDEX, SET0, NODE1}, E_UNEXPECTED, "is out of order"},
	{{INDEX, SET1, SET0}, E_UNEXPECTED, "copsecPolicySet.1 at octet"},
	{{INDEX, SET0, SET0}, E_UNEXPECTED, "is out of order"},
	{{INDEX, SET1B}, E_UNEXPECTED, "does not have the first instance of a block"},
	{{INDEX, RULE0}, E_UNEXPECTED, "ipSecRule.1 at octet"},
	{{INDEX, SET1, RULE0}, E_UNEXPECTED, "lies outside the block of its set"},
	{{INDEX, SET0, RULE1}, E_UNEXPECTED, "lies outside the block of its set"},
	{{INDEX, SET0, PORT0, RULE0}, E_UNEXPECTED, "ipSecRule.1 at octet"},
	{{INDEX, SET0, RULE0, RULE0}, E_UNEXPECTED, "is out of order"},
	{{INDEX, SET0, OTHER}, E_UNEXPECTED, "does not belong into a bundle"},
};

static void put_row(struct buffer *out, enum row row)
{
	static const uint32_t block1 = 1 << 20;
	struct view cms = VIEW("cms", 3);
	struct rows r = {.count = 0};

	switch (row) {
	case END:
		break;
	case INDEX:
		bundle_put_index(AUTHORITY_HOME, cms, out);
		break;
	case INDEX2:
		bundle_put_index(AUTHORITY_OPERATOR, cms, out);
		break;
	case INDEX9:
		bundle_put_index((enum authority)9, cms, out);
		break;
	case TRUST:
		bundle_put_trust(AUTHORITY_HOME, cms, out);
		break;
	case TRUST_2ND:
		bundle_put_trust(AUTHORITY_OPERATOR, cms, out);
		break;
	case LENT1:
	case LENT2:
		bundle_put_delegation(1 + row - LENT1, cms, out);
		break;
	case SET_2ND:
		bundle_put_policy_set(block_of(AUTHORITY_OPERATOR, 0), cms, out);
		break;
	case NODE1:
	case NODE2:
	case NODE3:
		bundle_put_assignment(1 + row - NODE1, cms, out);
		break;
	case SET0:
		bundle_put_policy_set(0, cms, out);
		break;
	case SET1:
		bundle_put_policy_set(block1, cms, out);
		break;
	case SET1B:
		bundle_put_policy_set(block1 + 1, cms, out);
		break;
	case RULE0:
	case RULE1:
		rows_add(&r, PIB_ipSecRule, row == RULE0 ? 1 : block1 + 1);
		break;
	case PORT0:
		rows_add(&r, PIB_ipSecL4Port, 1);
		break;
	case OTHER:
		rows_add(&r, PIB_copsecIndexHead, 1);
		break;
	}
	rows_put(&r, out);
	rows_fini(&r);
}

START_TEST(rows_of_a_bundle_stand_in_one_order)
{
	struct bundle bundle;
	struct arena arena;
	struct buffer b;
	enum err err;

	buffer_init(&b, BIG);
	arena_init(&arena, BIG);
	for (size_t i = 0; i < 8 && orders[_i].rows[i]; i++)
		put_row(&b, orders[_i].rows[i]);
	err = bundle_read_objects(buffer_view(&b), &arena, &bundle, &error);
	ck_assert_msg(err == orders[_i].err, "%s", error.text);
	if (err)
		ck_assert_msg(strstr(error.text, orders[_i].text), "%s", error.text);
	arena_fini(&arena);
	buffer_fini(&b);
}
END_TEST

START_TEST(other_files_are_refused)
{
	struct file f;

	file_init(&f);
	f.octets.data[11] = 2;
	ck_assert_int_eq(read_file(&f), E_VERSION);
	f.octets.data[11] = 1;
	f.octets.data[15] = 1;
	ck_assert_int_eq(read_file(&f), E_VERSION);
	f.octets.data[15] = 0;
	f.octets.data[6] = '\n';
	ck_assert_int_eq(read_file(&f), E_SYNTAX);
	file_fini(&f);
}
END_TEST

/* Unsigned values beside a signed document are not for anybody to see. */
START_TEST(nothing_stands_beside_a_document)
{
	struct bundle bundle;
	struct arena arena;
	struct buffer b;
	struct pri p;

	buffer_init(&b, BIG);
	arena_init(&arena, BIG);
	bundle_put_index(AUTHORITY_HOME, VIEW("cms", 3), &b);
	pri_init(&p, PIB_copsecPolicySet, 1);
	pri_set_text(&p, copsecPolicySetSigned, "cms");
	pri_set_u64(&p, copsecPolicySetSerial, 9);
	ck_assert_int_eq(pri_put(&b, &p, &error), E_OK);
	ck_assert_int_eq(bundle_read_objects(buffer_view(&b), &arena, &bundle, &error), E_RANGE);
	ck_assert_msg(strstr(error.text, "is not signed"), "%s", error.text);
	buffer_reset(&b);
	bundle_put_index(AUTHORITY_HOME, VIEW_NONE, &b);
	ck_assert_int_ne(bundle_read_objects(buffer_view(&b), &arena, &bundle, &error), E_OK);
	arena_fini(&arena);
	buffer_fini(&b);
}
END_TEST

START_TEST(a_document_that_fits_no_epd_is_not_written)
{
	static const uint8_t octets[70000];
	struct bundle bundle = {.authority = AUTHORITY_HOME, .index = VIEW(octets, sizeof octets)};
	struct buffer b;

	buffer_init(&b, BIG);
	ck_assert_int_eq(bundle_write(&bundle, &b, &error), E_LIMIT);
	buffer_fini(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bundle");
	TCase *c = tcase_create("bundle");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_bundle_comes_back_as_it_was);
	tcase_add_test(c, the_file_begins_as_described);
	tcase_add_test(c, contents_can_be_shown_before_they_are_verified);
	tcase_add_test(c, a_bundle_without_nodes_and_sets_is_one);
	tcase_add_test(c, a_bundle_cut_anywhere_is_refused);
	tcase_add_test(c, no_octet_makes_reading_fall);
	tcase_add_loop_test(
		c, rows_of_a_bundle_stand_in_one_order, 0, sizeof orders / sizeof orders[0]);
	tcase_add_test(c, other_files_are_refused);
	tcase_add_test(c, nothing_stands_beside_a_document);
	tcase_add_test(c, a_document_that_fits_no_epd_is_not_written);
	suite_add_tcase(s, c);
	return suite_main(s);
}
