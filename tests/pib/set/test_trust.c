/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trust lists: as documents, and what a state makes of them. */
#include "pib/set/trust_list.h"

#include <string.h>

#include "common/crypto/digest.h"
#include "tests/pib/set/world.h"
#include "tests/suite.h"

enum { BIG = 1 << 26 };

static struct pri_failures failures;
static struct error error;
static struct world *w;
static struct buffer in_force; /* the content of the list in force */

static void set_up(void)
{
	w = world_new();
	w->assignment_documents[ALICE].sent = false;
	w->set_documents[HOST].sent = false;
	w->trust_document.sent = true;
	buffer_init(&in_force, BIG);
}

static void tear_down(void)
{
	world_free(w);
	buffer_fini(&in_force);
}

static struct view text(const char *s)
{
	return view_of_string(s);
}

/* Signs everything and has it verified. */
static enum err verify(void)
{
	struct state *state = NULL;
	struct pri_store *rows;
	struct buffer run;
	struct view piece;
	enum err err;

	world_roots(w);
	world_sign(w);
	buffer_init(&run, BIG);
	world_node(w, &run);
	piece = buffer_view(&run);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&piece, 1, &rows, &failures, &error), "%s", error.text);
	w->terms.trust_in_force = buffer_view(&in_force);
	err = state_verify_node(rows, &w->terms, &w->node, &state, &failures, &error);
	pri_store_free(rows);
	buffer_fini(&run);
	if (!err) {
		ck_assert_int_eq(state->home.trust != NULL, w->trust_document.sent);
		if (state->home.trust)
			ck_assert(view_equal(
				state->home.trust->content, buffer_view(&w->trust_content)));
		state_free(state);
	}
	return err;
}

/* Signers of everything but the list itself; bit n is key n. */
static void signers(unsigned keys)
{
	for (size_t i = 0; i < SETS; i++)
		w->set_documents[i].signers = keys;
	for (size_t i = 0; i < NODES; i++)
		w->assignment_documents[i].signers = keys;
	w->index_document.signers = keys;
}

/* The list as it stands is accepted, and the next one follows it. */
static void accept_list(void)
{
	static uint8_t previous[SHA256_SIZE];

	ck_assert_msg(!verify(), "%s", error.text);
	buffer_reset(&in_force);
	buffer_put_view(&in_force, buffer_view(&w->trust_content));
	ck_assert_int_eq(sha256_of(buffer_view(&in_force), previous), E_OK);
	w->trust_list.previous = VIEW(previous, sizeof previous);
	w->trust_list.serial++;
}

START_TEST(the_first_list_is_signed_by_those_the_node_was_set_up_with)
{
	/* Key 3 is not among them, and is among those of the list. */
	w->trust_document.signers = 1 | 8;
	signers(1 | 2);
	ck_assert_int_eq(verify(), E_UNTRUSTED);
	ck_assert_ptr_nonnull(strstr(error.text, "the trust list: signed by 1 of the 3"));
	w->trust_document.signers = 1 | 2;
	signers(2 | 8);
	ck_assert_msg(!verify(), "%s", error.text);
	/* From now on the list counts, and not the set-up. */
	w->trust_list.keys = w->trust_keys + 1;
	w->trust_list.key_count = 3;
	signers(1 | 2);
	ck_assert_int_eq(verify(), E_UNTRUSTED);
	ck_assert_ptr_nonnull(strstr(error.text, "signed by 1 of the 3 trusted keys"));
}
END_TEST

START_TEST(signers_change_from_list_to_list)
{
	/* 0 and 1, then 1 and 2, then 2 and 3; each list is signed by those before, both of them. */
	for (unsigned first = 0; first < 3; first++) {
		w->trust_list.keys = w->trust_keys + first;
		w->trust_list.key_count = 2;
		w->trust_document.signers = first ? 3u << (first - 1) : 3;
		signers(3u << first);
		accept_list();
	}
	/* Those who signed first have no say any more. */
	w->trust_document.signers = 1 | 2;
	ck_assert_int_eq(verify(), E_UNTRUSTED);
}
END_TEST

static void nothing(void)
{
}

/* What is in force needs neither a signature nor time. */
static void again(void)
{
	w->trust_list.serial--;
	w->trust_list.previous = VIEW_NONE;
	w->trust_document.signers = 0;
	w->terms.now_utc = NOW + 500;
}

static void missing(void)
{
	w->trust_document.sent = false;
}

static void same_serial(void)
{
	w->trust_list.serial--;
}

static void does_not_follow(void)
{
	w->trust_list.previous = VIEW_NONE;
}

static void one_was_left_out(void)
{
	static uint8_t other[SHA256_SIZE];

	memcpy(other, w->trust_list.previous.data, sizeof other);
	other[5] ^= 1;
	w->trust_list.previous = VIEW(other, sizeof other);
}

static void too_late(void)
{
	w->trust_list.not_after = NOW - 1;
}

static void too_early(void)
{
	w->trust_list.not_before = NOW + 1;
}

static void one_signer(void)
{
	w->trust_document.signers = 4;
}

static void nobody_signs(void)
{
	w->trust_document.signers = 0;
}

static void of_another_tenant(void)
{
	w->trust_list.tenant = text("evil");
}

static void of_the_operator(void)
{
	w->trust_list.authority = AUTHORITY_OPERATOR;
}

static void node_key_revoked(void)
{
	memcpy(w->revoked[0].key, w->assignments[GW1].node_key, NODE_KEY);
	w->trust_list.revoked_count = 1;
}

static void report_key_revoked(void)
{
	static const uint8_t key[NODE_KEY] = {7};

	w->assignments[GW1].report_key = VIEW(key, sizeof key);
	memcpy(w->revoked[0].key, key, NODE_KEY);
	w->trust_list.revoked_count = 1;
}

/* Key 0 is revoked: what it signed does not count. */
static void a_signer_less(void)
{
	w->trust_list.keys = w->trust_keys + 1;
	w->trust_list.key_count = 3;
	memcpy(w->revoked[0].key, w->trust_keys[0].key, NODE_KEY);
	w->trust_list.revoked_count = 1;
}

static void a_signer_without_the_use(void)
{
	w->trust_keys[0].uses = 1u << TRUST_ASSIGNMENT | 1u << TRUST_TRUST;
}

static const struct {
	void (*change)(void);
	enum err err;
	const char *text;
} nexts[] = {
	{nothing, E_OK, ""},
	{again, E_OK, ""},
	{missing, E_MISSING, "the trust list in force is missing"},
	{same_serial, E_STALE, "the trust list has serial 1, but 1 is in force"},
	{does_not_follow, E_MISMATCH, "the trust list of serial 2 does not follow the one in force"},
	{one_was_left_out, E_MISMATCH, "the trust list of serial 2 does not follow the one in for"},
	{too_late, E_EXPIRED, "the trust list is to be taken up from "
			      "2027-01-15T07:59:50Z to 2027-01-15T07:59:59Z"},
	{too_early, E_EXPIRED, "the trust list is to be taken up from 2027-01-15T08:00:01Z"},
	{one_signer, E_UNTRUSTED, "the trust list: signed by 1 of the 4 trusted keys"},
	{nobody_signs, E_UNTRUSTED, "the trust list: not signed, and 2 of the 4 trusted keys "
			       "must sign"},
	{of_another_tenant, E_MISMATCH, "is of tenant evil, the index of acme"},
	{of_the_operator, E_MISMATCH, "the trust list is of authority operator"},
	{node_key_revoked, E_UNTRUSTED, "the key of node gw1 is revoked"},
	{report_key_revoked, E_UNTRUSTED, "the report key of node gw1 is revoked"},
	{a_signer_less, E_UNTRUSTED, "copsecIndex.1: signed by 1 of the 3 trusted keys"},
	{a_signer_without_the_use, E_UNTRUSTED, "copsecIndex.1: signed by 1 of the 3 trusted"},
};

START_TEST(the_next_list_follows_the_one_in_force)
{
	enum err err;

	/* So that the next one is another in any case. */
	w->trust_keys[3].name = text("before");
	accept_list();
	if (nexts[_i].change != again)
		w->trust_keys[3].name = text("after");
	nexts[_i].change();
	err = verify();
	ck_assert_msg(err == nexts[_i].err, "%d: %s", err, error.text);
	if (err) {
		ck_assert_msg(strstr(error.text, nexts[_i].text), "%s", error.text);
		ck_assert_uint_gt(failures.count, 0);
	}
}
END_TEST

START_TEST(the_next_list_may_need_more_signers_than_anything_else)
{
	w->trust_list.trust_threshold = 3;
	accept_list();
	w->trust_document.signers = 1 | 2;
	ck_assert_int_eq(verify(), E_UNTRUSTED);
	w->trust_document.signers = 1 | 2 | 8;
	ck_assert_msg(!verify(), "%s", error.text);
}
END_TEST

START_TEST(a_list_from_disk_is_the_one_in_force)
{
	w->terms.from_disk = true;
	w->terms.now_utc = NOW + 500;
	w->trust_list.serial = 9;
	w->trust_document.signers = 8;
	ck_assert_msg(!verify(), "%s", error.text);
	/* It counts for what lies beside it. */
	signers(8);
	ck_assert_int_eq(verify(), E_UNTRUSTED);
}
END_TEST

static void no_keys(void)
{
	w->trust_list.key_count = 0;
}

static void too_few_for_policy(void)
{
	for (size_t i = 1; i < KEYS; i++)
		w->trust_keys[i].uses = 1u << TRUST_ASSIGNMENT | 1u << TRUST_TRUST;
}

static void threshold_too_high(void)
{
	w->trust_list.trust_threshold = KEYS + 1;
}

static void threshold_of_none(void)
{
	w->trust_list.threshold = 0;
}

static void same_key_twice(void)
{
	w->trust_keys[2] = w->trust_keys[1];
}

static void other_certificate(void)
{
	w->trust_keys[2].certificate = w->trust_keys[1].certificate;
}

static void no_certificate(void)
{
	w->trust_keys[2].certificate = VIEW_NONE;
}

static void broken_certificate(void)
{
	w->trust_keys[2].certificate.len--;
}

static void a_certifier(void)
{
	w->trust_keys[2].kind = TRUST_CERTIFIER;
}

static void revoked_by_itself(void)
{
	memcpy(w->revoked[0].key, w->trust_keys[2].key, NODE_KEY);
	w->trust_list.revoked_count = 1;
}

static void revoked_twice(void)
{
	w->trust_list.revoked_count = 2;
}

static void of_the_responder(void)
{
	w->trust_list.authority = AUTHORITY_RESPONDER;
}

static void ends_before_it_begins(void)
{
	w->trust_list.not_after = w->trust_list.not_before - 1;
}

static void no_tenant(void)
{
	w->trust_list.tenant = VIEW_NONE;
}

static const struct {
	void (*spoil)(void);
	enum err err;
	const char *text;
} bad_lists[] = {
	{no_keys, E_RANGE, "trust list: 2 keys must sign policy, and there are 0 that may"},
	{too_few_for_policy, E_RANGE, "trust list: 2 keys must sign policy, and there are 1 that"},
	{threshold_too_high, E_RANGE, "trust list: 5 keys must sign the next list, and there are 4"},
	{threshold_of_none, E_RANGE, "trust list: 0 keys must sign policy"},
	{same_key_twice, E_DUPLICATE, "trust list: key 3: is key 2 too"},
	{other_certificate, E_MISMATCH, "trust list: key 3: is not the key of its certificate"},
	{no_certificate, E_UNSUPPORTED, "trust list: key 3: has no certificate"},
	{broken_certificate, E_SYNTAX, "trust list: key 3: "},
	{a_certifier, E_UNSUPPORTED, "trust list: key 3: certifies other keys"},
	{revoked_by_itself, E_CONFLICT, "trust list: key 3: is revoked by the same list"},
	{revoked_twice, E_DUPLICATE, "trust list: revoked key 2 is 1 too"},
	{of_the_responder, E_RANGE, "trust list: authority responder has a delegation"},
	{ends_before_it_begins, E_RANGE, "trust list: not-before"},
	{no_tenant, E_SYNTAX, "trust list: the tenant"},
};

START_TEST(a_bad_list_is_not_written)
{
	struct buffer b;

	bad_lists[_i].spoil();
	buffer_init(&b, BIG);
	ck_assert_int_eq(trust_list_encode(&w->trust_list, &b, &error), bad_lists[_i].err);
	ck_assert_msg(!strncmp(error.text, bad_lists[_i].text, strlen(bad_lists[_i].text)), "%s",
		error.text);
	ck_assert_uint_eq(b.len, 0);
	buffer_fini(&b);
}
END_TEST

START_TEST(a_list_comes_back_as_it_was)
{
	struct trust_list l;
	struct arena arena;
	struct buffer b;
	size_t whole = 0;

	memcpy(w->revoked[1].key, "another", 7);
	w->revoked[1].since = 5;
	w->revoked[1].reason = text("lost");
	w->trust_list.revoked_count = 2;
	arena_init(&arena, 1 << 28);
	buffer_init(&b, BIG);
	ck_assert_msg(!trust_list_encode(&w->trust_list, &b, &error), "%s", error.text);
	ck_assert_msg(!trust_list_decode(buffer_view(&b), &arena, &l, &error), "%s", error.text);
	ck_assert_uint_eq(l.key_count, KEYS);
	ck_assert_uint_eq(l.threshold, 2);
	ck_assert_mem_eq(l.keys[2].key, w->trust_keys[2].key, NODE_KEY);
	ck_assert(view_equal(l.keys[3].certificate, w->trust_keys[3].certificate));
	ck_assert_uint_eq(l.revoked_count, 2);
	ck_assert(view_equal(l.revoked[1].reason, text("lost")));
	ck_assert(trust_list_revokes(&l, VIEW(w->revoked[1].key, NODE_KEY)));
	ck_assert(!trust_list_revokes(&l, VIEW(w->trust_keys[1].key, NODE_KEY)));
	/* Cut where a PRI ends it is a shorter list; anywhere else nothing. */
	for (size_t len = 0; len < b.len; len++) {
		arena_reset(&arena);
		whole += !trust_list_decode(VIEW(b.data, len), &arena, &l, &error);
	}
	/* Two revoked keys, and keys as long as the threshold is met. */
	ck_assert_uint_eq(whole, 4);
	arena_fini(&arena);
	buffer_fini(&b);
}
END_TEST

START_TEST(a_bundle_carries_the_list_behind_its_index)
{
	struct bundle bundle, back;
	struct trust_list l;
	struct buffer rows, file, wrong;
	struct arena arena;

	w->assignment_documents[ALICE].sent = w->set_documents[HOST].sent = true;
	world_roots(w);
	world_sign(w);
	arena_init(&arena, 1 << 28);
	buffer_init(&rows, BIG);
	buffer_init(&file, BIG);
	buffer_init(&wrong, BIG);
	world_bundle(w, &arena, &rows, &bundle);
	ck_assert_int_eq(bundle_write_objects(&bundle, &file, &error), E_OK);
	ck_assert_msg(!bundle_read_objects(buffer_view(&file), &arena, &back, &error), "%s",
		error.text);
	ck_assert(view_equal(back.trust, bundle.trust));
	ck_assert_int_eq(bundle_trust(&back, &arena, &l, &error), E_OK);
	ck_assert_uint_eq(l.serial, 1);
	/* Twice, and in the wrong place. */
	buffer_put_view(&wrong, buffer_view(&file));
	bundle_put_trust(AUTHORITY_HOME, bundle.trust, &wrong);
	ck_assert_int_eq(
		bundle_read_objects(buffer_view(&wrong), &arena, &back, &error), E_UNEXPECTED);
	ck_assert_ptr_nonnull(strstr(error.text, "copsecTrust.1"));
	arena_fini(&arena);
	buffer_fini(&rows);
	buffer_fini(&file);
	buffer_fini(&wrong);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
	Suite *s = suite_create("trust");
	TCase *c = tcase_create("trust");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, the_first_list_is_signed_by_those_the_node_was_set_up_with);
	tcase_add_test(c, signers_change_from_list_to_list);
	tcase_add_loop_test(c, the_next_list_follows_the_one_in_force, 0, COUNT(nexts));
	tcase_add_test(c, the_next_list_may_need_more_signers_than_anything_else);
	tcase_add_test(c, a_list_from_disk_is_the_one_in_force);
	tcase_add_loop_test(c, a_bad_list_is_not_written, 0, COUNT(bad_lists));
	tcase_add_test(c, a_list_comes_back_as_it_was);
	tcase_add_test(c, a_bundle_carries_the_list_behind_its_index);
	suite_add_tcase(s, c);
	return suite_main(s);
}
