/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/integrity/integrity.h"
#include "tests/common/cops/octets.h"
#include "tests/suite.h"

enum { UTC = 1000 };

/* Two ends with the same keys, each with its own copy of them: they share no memory. */
struct pair {
	struct integrity_keys pep_keys, pdp_keys;
	struct integrity_key pep_items[2], pdp_items[2];
	struct integrity *pep, *pdp;
};

static struct integrity_key key_of(uint32_t id, enum integrity_algorithm algorithm)
{
	static char peer[] = "any";
	struct integrity_key key = {.id = id, .algorithm = algorithm, .peer = peer,
				    .until = UINT64_MAX, .secret_len = 32};

	for (uint8_t i = 0; i < 32; i++)
		key.secret[i] = i;
	return key;
}

static void pair_init(struct pair *p, enum integrity_algorithm algorithm)
{
	p->pep_items[0] = p->pdp_items[0] = key_of(7, algorithm);
	p->pep_items[1] = p->pdp_items[1] = key_of(8, algorithm);
	p->pep_items[0].until = p->pdp_items[0].until = 2000;
	p->pep_items[1].from = p->pdp_items[1].from = 1500;
	p->pep_keys = (struct integrity_keys){p->pep_items, 2};
	p->pdp_keys = (struct integrity_keys){p->pdp_items, 2};
	p->pep = integrity_new(&p->pep_keys, view_of_string("pdp"));
	p->pdp = integrity_new(&p->pdp_keys, view_of_string("pep"));
	ck_assert(p->pep && p->pdp);
}

static void pair_fini(struct pair *p)
{
	integrity_free(p->pep);
	integrity_free(p->pdp);
}

static struct buffer build(enum cops_op op)
{
	struct buffer b;
	size_t begun;

	buffer_init(&b, 4096);
	begun = cops_begin(&b, op, 0, 0);
	if (op == COPS_OPN)
		cops_put_pepid(&b, view_of_string("pep1.example"));
	if (op == COPS_CAT)
		cops_put_ka_timer(&b, 30);
	cops_end(&b, begun);
	return b;
}

static struct buffer sealed_at(struct integrity *i, enum cops_op op, uint64_t utc)
{
	struct buffer b = build(op);

	ck_assert_int_eq(integrity_seal(i, utc, &b), E_OK);
	return b;
}

static struct buffer sealed(struct integrity *i, enum cops_op op)
{
	return sealed_at(i, op, UTC);
}

static enum err judge_at(struct integrity *i, const struct buffer *b, uint64_t utc,
			 struct integrity_fault *fault)
{
	struct view copy = octets_copy(buffer_view(b));
	enum err err = integrity_verify(i, utc, copy, fault);

	octets_free(copy);
	return err;
}

static enum err judge(struct integrity *i, const struct buffer *b)
{
	struct integrity_fault fault;

	return judge_at(i, b, UTC, &fault);
}

static void pass(struct integrity *from, struct integrity *to, enum cops_op op, uint64_t utc)
{
	struct buffer b = sealed_at(from, op, utc);
	struct integrity_fault fault;

	ck_assert_int_eq(judge_at(to, &b, utc, &fault), E_OK);
	buffer_fini(&b);
}

static void open_pair(struct pair *p)
{
	pass(p->pep, p->pdp, COPS_OPN, UTC);
	ck_assert(!integrity_is_up(p->pep) && !integrity_is_up(p->pdp));
	pass(p->pdp, p->pep, COPS_CAT, UTC);
	ck_assert(integrity_is_up(p->pep) && integrity_is_up(p->pdp));
}

static uint32_t number_of(const struct buffer *b)
{
	struct cursor c = cursor_over(VIEW(b->data + b->len - 16, 4));

	return cursor_u32(&c);
}

/* Digests that `openssl dgst -mac HMAC` made of the octets before them. */
START_TEST(digests_that_another_program_made)
{
	static const struct {
		const char *message;
		enum integrity_algorithm algorithm;
		uint32_t id;
		const char *key; /* NULL: 00 to 1f */
	} cases[] = {
		{"100600000000003400140b01706570312e6578616d706c650000000000181001000000010000000a"
		 "fafa6f899a2dab4a944f4293",
		 INTEGRITY_HMAC_MD5_96, 1, "cops-test-key"},
		{"100600000000003400140b01706570312e6578616d706c650000000000181001000000010000000a"
		 "815664aab440b2068b051a71",
		 INTEGRITY_HMAC_SHA256_96, 1, "cops-test-key"},
		{"100900000000002000181001000000070000002a20a2b966f1f54932365471c4",
		 INTEGRITY_HMAC_SHA256_96, 7, NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct integrity_key key = key_of(cases[i].id, cases[i].algorithm);
		struct integrity_keys keys = {&key, 1};
		struct view message = octets_of_hex(cases[i].message);
		struct integrity_fault fault;
		struct integrity *s;

		if (cases[i].key) {
			key.secret_len = strlen(cases[i].key);
			memcpy(key.secret, cases[i].key, key.secret_len);
		}
		s = integrity_new(&keys, view_of_string("pep1.example"));
		ck_assert(integrity_is_in(message));
		ck_assert_int_eq(integrity_verify(s, UTC, message, &fault), E_OK);
		integrity_free(s);
		/* The other algorithm makes another digest. */
		key.algorithm = !key.algorithm;
		s = integrity_new(&keys, view_of_string("pep1.example"));
		ck_assert_int_eq(integrity_verify(s, UTC, message, &fault), E_SIGNATURE);
		integrity_free(s);
		octets_free(message);
	}
}
END_TEST

/* RFC 2748 section 4.1: the OPN's number is for the PDP, the CAT's for the PEP. */
START_TEST(each_end_counts_from_what_the_other_said)
{
	struct pair p;
	struct buffer opn, cat, b;

	pair_init(&p, INTEGRITY_HMAC_SHA256_96);
	p.pdp_items[0].used = 77770;
	p.pdp_items[0].was_used = true;
	opn = sealed(p.pep, COPS_OPN);
	ck_assert_uint_eq(number_of(&opn), UTC);
	ck_assert_int_eq(judge(p.pdp, &opn), E_OK);
	cat = sealed(p.pdp, COPS_CAT);
	ck_assert_uint_eq(number_of(&cat), 77771);
	ck_assert_int_eq(judge(p.pep, &cat), E_OK);
	for (uint32_t i = 1; i <= 3; i++) {
		b = sealed(p.pep, COPS_KA);
		ck_assert_uint_eq(number_of(&b), 77771 + i);
		ck_assert_int_eq(judge(p.pdp, &b), E_OK);
		buffer_fini(&b);
		b = sealed(p.pdp, COPS_KA);
		ck_assert_uint_eq(number_of(&b), UTC + i);
		ck_assert_int_eq(judge(p.pep, &b), E_OK);
		buffer_fini(&b);
	}
	buffer_fini(&opn);
	buffer_fini(&cat);
	pair_fini(&p);
}
END_TEST

START_TEST(zero_comes_behind_the_last_number)
{
	enum { LATE = 0xfffffffe }; /* in the year 2106 */
	struct pair p;
	struct buffer b;

	pair_init(&p, INTEGRITY_HMAC_MD5_96);
	pass(p.pep, p.pdp, COPS_OPN, LATE);
	pass(p.pdp, p.pep, COPS_CAT, LATE);
	for (uint32_t due = 0xffffffff, i = 0; i < 5; i++, due++) {
		struct integrity_fault fault;

		b = sealed_at(p.pdp, COPS_KA, LATE);
		ck_assert_uint_eq(number_of(&b), due);
		ck_assert_int_eq(judge_at(p.pep, &b, LATE, &fault), E_OK);
		buffer_fini(&b);
	}
	pair_fini(&p);
}
END_TEST

START_TEST(the_first_numbers_of_sessions_never_come_twice)
{
	struct pair p;
	uint32_t last = 0;

	pair_init(&p, INTEGRITY_HMAC_SHA256_96);
	for (int session = 0; session < 5; session++) {
		struct integrity *pep = integrity_new(&p.pep_keys, view_of_string("pdp"));
		struct integrity *pdp = integrity_new(&p.pdp_keys, view_of_string("pep"));
		struct buffer opn = sealed(pep, COPS_OPN), cat, ka;

		ck_assert_int_eq(judge(pdp, &opn), E_OK);
		cat = sealed(pdp, COPS_CAT);
		ck_assert_int_eq(judge(pep, &cat), E_OK);
		ck_assert_uint_gt(number_of(&cat), last);
		ka = sealed(pep, COPS_KA);
		ck_assert_int_eq(judge(pdp, &ka), E_OK);
		last = number_of(&ka);
		buffer_fini(&opn);
		buffer_fini(&cat);
		buffer_fini(&ka);
		integrity_free(pep);
		integrity_free(pdp);
	}
	pair_fini(&p);
}
END_TEST

START_TEST(both_ends_know_a_session_by_the_same_name)
{
	struct session_binding pep, pdp, next;
	struct pair p;

	pair_init(&p, INTEGRITY_HMAC_SHA256_96);
	ck_assert_int_eq(integrity_binding(p.pep, &pep), E_UNEXPECTED);
	open_pair(&p);
	ck_assert_int_eq(integrity_binding(p.pep, &pep), E_OK);
	ck_assert_int_eq(integrity_binding(p.pdp, &pdp), E_OK);
	ck_assert(view_equal(binding_view(&pep), binding_view(&pdp)));
	/* The next session with the same keys. */
	integrity_free(p.pep);
	integrity_free(p.pdp);
	p.pep = integrity_new(&p.pep_keys, view_of_string("pdp"));
	p.pdp = integrity_new(&p.pdp_keys, view_of_string("pep"));
	open_pair(&p);
	ck_assert_int_eq(integrity_binding(p.pep, &next), E_OK);
	ck_assert(!view_equal(binding_view(&pep), binding_view(&next)));
	pair_fini(&p);
}
END_TEST

START_TEST(any_changed_octet_is_refused)
{
	static const enum integrity_algorithm algorithms[] = {INTEGRITY_HMAC_SHA256_96,
							      INTEGRITY_HMAC_MD5_96};

	for (size_t a = 0; a < 2; a++) {
		struct pair p;
		struct buffer b;

		pair_init(&p, algorithms[a]);
		open_pair(&p);
		b = sealed(p.pep, COPS_OPN);
		for (size_t at = 0; at < b.len; at++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				b.data[at] ^= (uint8_t)(1u << bit);
				ck_assert_int_ne(judge(p.pdp, &b), E_OK);
				b.data[at] ^= (uint8_t)(1u << bit);
			}
		}
		for (size_t len = 0; len < b.len; len++) {
			struct buffer cut = {.data = b.data, .len = len};

			ck_assert_int_ne(judge(p.pdp, &cut), E_OK);
		}
		ck_assert_uint_eq(integrity_refused(p.pdp), b.len * 9);
		/* Nothing of this has moved the number on. */
		ck_assert_int_eq(judge(p.pdp, &b), E_OK);
		buffer_fini(&b);
		pair_fini(&p);
	}
}
END_TEST

/* Of ten messages any but the next one is refused, whatever came before. */
START_TEST(any_reordering_and_any_replay_is_refused)
{
	uint64_t seed = 20748;

	for (int run = 0; run < 200; run++) {
		struct buffer b[10];
		struct pair p;
		size_t due = 0;

		pair_init(&p, INTEGRITY_HMAC_SHA256_96);
		open_pair(&p);
		for (size_t i = 0; i < 10; i++)
			b[i] = sealed(p.pep, COPS_KA);
		for (int tries = 0; tries < 60; tries++) {
			size_t i = chance(&seed) % 10;
			struct integrity_fault fault;
			enum err err = judge_at(p.pdp, &b[i], UTC, &fault);

			ck_assert_msg(err == (i == due ? E_OK : E_STALE), "seed 20748, run %d", run);
			if (err)
				ck_assert_uint_eq(fault.code, COPS_ERROR_AUTH_FAILURE);
			due += !err;
		}
		for (size_t i = 0; i < 10; i++)
			buffer_fini(&b[i]);
		pair_fini(&p);
	}
}
END_TEST

/* RFC 2748 section 4.1: what the peer is told. */
START_TEST(each_fault_has_its_error)
{
	static const struct {
		const char *why, *message;
		enum err err;
		uint16_t code, sub_code;
	} cases[] = {
		{"no object", "1009000000000008", E_MISSING, 15, 0x1001},
		{"another object at the end", "100800000000001000080801000b0000", E_MISSING, 15, 0x1001},
		{"of TLS", "10060000000000100008100200000001", E_UNKNOWN, 13, 0x1002},
		{"of a kind that nobody knows", "10060000000000100008100300000001", E_UNKNOWN, 13,
		 0x1003},
		{"a key that is not there",
		 "100900000000002000181001000000090000002a000000000000000000000000", E_SIGNATURE, 14, 0},
		{"a digest that is too long",
		 "100900000000002400" "1c1001000000070000002a20a2b966f1f54932365471c48ddd02b3",
		 E_SIGNATURE, 14, 0},
		{"no digest", "1009000000000014000c1001000000070000002a", E_SIGNATURE, 14, 0},
		{"no key id", "100900000000000c00041001", E_SIGNATURE, 14, 0},
		{"an object that overruns", "100900000000000c00181001", E_MISSING, 15, 0x1001},
		{"not the last object",
		 "100900000000002800181001000000070000002a20a2b966f1f54932365471c40008080100010000",
		 E_MISSING, 15, 0x1001},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view message = octets_of_hex(cases[i].message);
		struct integrity_fault fault = {0};
		struct pair p;

		pair_init(&p, INTEGRITY_HMAC_SHA256_96);
		ck_assert_msg(integrity_verify(p.pdp, UTC, message, &fault) == cases[i].err, "%s: %s",
			      cases[i].why, fault.error.text);
		ck_assert_int_eq(fault.error.code, cases[i].err);
		ck_assert_uint_eq(fault.code, cases[i].code);
		ck_assert_uint_eq(fault.sub_code, cases[i].sub_code);
		octets_free(message);
		pair_fini(&p);
	}
}
END_TEST

START_TEST(keys_change_under_a_running_session)
{
	struct integrity_fault fault;
	struct buffer b;
	struct pair p;

	pair_init(&p, INTEGRITY_HMAC_SHA256_96);
	open_pair(&p);
	pass(p.pep, p.pdp, COPS_KA, 1749);
	b = sealed_at(p.pep, COPS_KA, 1750);
	/* Its key id. */
	ck_assert_uint_eq(b.data[b.len - 17], 8);
	/* The receiver's clock may be slow, or fast, as far as the lifetimes overlap. */
	ck_assert_int_eq(judge_at(p.pdp, &b, 1499, &fault), E_SIGNATURE);
	ck_assert_int_eq(judge_at(p.pdp, &b, 1500, &fault), E_OK);
	buffer_fini(&b);
	pass(p.pdp, p.pep, COPS_KA, 3000);
	pair_fini(&p);
}
END_TEST

START_TEST(nothing_is_sealed_that_cannot_be)
{
	struct integrity_keys none = {NULL, 0};
	struct integrity *i = integrity_new(&none, view_of_string("pep"));
	struct buffer b = build(COPS_KA), small;
	struct pair p;

	ck_assert_int_eq(integrity_seal(i, UTC, &b), E_MISSING);
	integrity_free(i);
	pair_init(&p, INTEGRITY_HMAC_SHA256_96);
	ck_assert_int_eq(integrity_seal(p.pep, UTC, &b), E_OK);
	/* The PDP has not said its number. */
	ck_assert_int_eq(integrity_seal(p.pep, UTC, &b), E_UNEXPECTED);
	buffer_fini(&b);
	buffer_init(&small, 8 + INTEGRITY_OBJECT - 1);
	buffer_put_zeros(&small, 8);
	ck_assert_int_eq(integrity_seal(p.pdp, UTC, &small), E_LIMIT);
	buffer_fini(&small);
	pair_fini(&p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("common/integrity");
	TCase *tc = tcase_create("integrity");

	tcase_add_test(tc, digests_that_another_program_made);
	tcase_add_test(tc, each_end_counts_from_what_the_other_said);
	tcase_add_test(tc, zero_comes_behind_the_last_number);
	tcase_add_test(tc, the_first_numbers_of_sessions_never_come_twice);
	tcase_add_test(tc, both_ends_know_a_session_by_the_same_name);
	tcase_add_test(tc, any_changed_octet_is_refused);
	tcase_add_test(tc, any_reordering_and_any_replay_is_refused);
	tcase_add_test(tc, each_fault_has_its_error);
	tcase_add_test(tc, keys_change_under_a_running_session);
	tcase_add_test(tc, nothing_is_sealed_that_cannot_be);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
