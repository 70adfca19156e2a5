/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The main() of every unit test: one Check suite a program. */
#ifndef COPSEC_TESTS_SUITE_H
#define COPSEC_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

static inline int suite_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
