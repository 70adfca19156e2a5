/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/show/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *answer_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

json_int_t answer_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

void show_clean(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

void show_time(json_int_t seconds)
{
	time_t t = (time_t)seconds;
	char text[64];
	struct tm tm;

	if (localtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
		printf("%s", text);
	else
		printf("?");
}

int show_json(json_t *answer)
{
	int failed = json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) || putchar('\n') < 0;

	json_decref(answer);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
