/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who sends garbage again and again waits; nobody waits for what another did. */
#include "tests/suite.h"

#include <string.h>

#include "pdp/decision/offenders.h"

static const struct offence_limit limit = {3, 1000};

static struct endpoint at(const char *text)
{
	struct endpoint endpoint;
	struct error e;

	ck_assert_int_eq(endpoint_parse(text, 3288, &endpoint, &e), E_OK);
	return endpoint;
}

START_TEST(who_offends_too_often_waits)
{
	struct offenders *o = calloc(1, sizeof *o);
	struct endpoint a = at("192.0.2.1"), same = at("192.0.2.1:99"), b = at("192.0.2.2");
	struct pin key = {{1}};

	ck_assert(!offenders_note(o, &limit, &a, NULL, 10));
	ck_assert(!offenders_note(o, &limit, &same, NULL, 20));
	ck_assert(!offenders_must_wait(o, &limit, &a, NULL, 21));
	ck_assert(offenders_note(o, &limit, &a, NULL, 30));
	ck_assert(offenders_must_wait(o, &limit, &same, NULL, 1029));
	ck_assert(!offenders_must_wait(o, &limit, &a, NULL, 1030));
	/* The other address does not, nor who shows a key at this one. */
	ck_assert(!offenders_must_wait(o, &limit, &b, NULL, 31));
	ck_assert(!offenders_must_wait(o, &limit, &a, &key, 31));
	/* After the wait it begins anew. */
	ck_assert(!offenders_note(o, &limit, &a, NULL, 1031));
	ck_assert(!offenders_must_wait(o, &limit, &a, NULL, 1032));
	free(o);
}
END_TEST

START_TEST(seldom_enough_is_never_too_often)
{
	struct offenders *o = calloc(1, sizeof *o);
	struct endpoint a = at("2001:db8::1");

	for (uint64_t now = 0; now < 100000; now += 500)
		ck_assert(!offenders_note(o, &limit, &a, NULL, now));
	free(o);
}
END_TEST

START_TEST(a_full_table_forgets_the_oldest)
{
	struct offenders *o = calloc(1, sizeof *o);
	struct endpoint a = at("192.0.2.1");
	struct pin key = {{0}};

	for (unsigned i = 0; i <= OFFENDERS_MAX; i++) {
		memcpy(key.sha256, &i, sizeof i);
		for (unsigned n = 0; n < limit.offences; n++)
			ck_assert(offenders_note(o, &limit, &a, &key, i) == (n == 2));
	}
	ck_assert(offenders_must_wait(o, &limit, &a, &key, OFFENDERS_MAX + 500));
	memset(&key, 0, sizeof key);
	ck_assert(!offenders_must_wait(o, &limit, &a, &key, 10));
	ck_assert_uint_eq(o->count, OFFENDERS_MAX);
	free(o);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offenders");
	TCase *t = tcase_create("offenders");

	tcase_add_test(t, who_offends_too_often_waits);
	tcase_add_test(t, seldom_enough_is_never_too_often);
	tcase_add_test(t, a_full_table_forgets_the_oldest);
	suite_add_tcase(s, t);
	return suite_main(s);
}
