/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/show/show.h"

#include <inttypes.h>
#include <stdio.h>

#include "pep/show/answer.h"

static void show_algorithm(const json_t *algorithm, const char *between)
{
	const char *name = answer_string(algorithm, "name");

	if (!name[0])
		return;
	printf("%s", between);
	show_clean(name);
	if (answer_number(algorithm, "key_bits"))
		printf(" (key of %" JSON_INTEGER_FORMAT " bits)", answer_number(algorithm, "key_bits"));
}

static void show_limit(const json_t *sa, const char *key, const char *unit)
{
	if (answer_number(sa, key))
		printf(", ends after %" JSON_INTEGER_FORMAT " %s", answer_number(sa, key), unit);
}

static void show_sa(const json_t *sa)
{
	const json_t *cipher = json_object_get(sa, "cipher");
	json_int_t made = answer_number(sa, "made");

	printf("  0x%08" PRIx64 "  %s > %s  %s %s%s%s\n", (uint64_t)answer_number(sa, "spi"),
	       answer_string(sa, "source"), answer_string(sa, "destination"),
	       answer_string(sa, "protocol"), answer_string(sa, "mode"),
	       json_is_true(json_object_get(sa, "udp")) ? ", in UDP" : "",
	       json_is_true(json_object_get(sa, "esn")) ? ", esn" : "");
	printf("%14s", "");
	show_algorithm(cipher, "");
	show_algorithm(json_object_get(sa, "integrity"), answer_string(cipher, "name")[0] ? ", " : "");
	printf("\n%14s%" JSON_INTEGER_FORMAT " packets, %" JSON_INTEGER_FORMAT " octets", "",
	       answer_number(sa, "packets"), answer_number(sa, "octets"));
	if (answer_number(sa, "replays") || answer_number(sa, "forged"))
		printf(", dropped %" JSON_INTEGER_FORMAT " replayed and %" JSON_INTEGER_FORMAT " forged",
		       answer_number(sa, "replays"), answer_number(sa, "forged"));
	printf("\n%14smade ", "");
	show_time(made);
	if (answer_number(sa, "seconds_max")) {
		printf(", ends ");
		show_time(made + answer_number(sa, "seconds_max"));
	}
	show_limit(sa, "octets_max", "octets");
	show_limit(sa, "packets_max", "packets");
	putchar('\n');
}

/* Each protection once, above its own. */
static void show_heading(const json_t *sa, const json_t *before)
{
	if (before && answer_number(sa, "reqid") == answer_number(before, "reqid"))
		return;
	if (answer_string(sa, "protection")[0])
		show_clean(answer_string(sa, "protection"));
	else
		printf("%s", answer_string(sa, "standing"));
	printf(", reqid 0x%" PRIx64 "\n", (uint64_t)answer_number(sa, "reqid"));
}

void show_associations(const json_t *answer)
{
	const json_t *sas = json_object_get(answer, "sas"), *before = NULL;
	json_t *sa;
	size_t i;

	if (!json_array_size(sas))
		puts("The kernel has no SA.");
	json_array_foreach(sas, i, sa) {
		show_heading(sa, before);
		show_sa(sa);
		before = sa;
	}
	if (answer_number(answer, "omitted"))
		printf("and %" JSON_INTEGER_FORMAT " more\n", answer_number(answer, "omitted"));
}
