/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/show/show.h"

#include <stdio.h>

#include "pep/show/answer.h"

static void show_rule(const json_t *rule)
{
	const char *why = answer_string(rule, "why");

	printf("  %-6s ", json_is_true(json_object_get(rule, "counts")) ? "yes" : "no");
	show_clean(answer_string(rule, "text"));
	if (why[0])
		printf(" (%s)", why);
	putchar('\n');
}

static void show_set(const json_t *set)
{
	const json_t *rules = json_object_get(set, "rules");
	const char *roles = answer_string(set, "roles");
	json_t *rule;
	size_t i;

	putchar('\n');
	show_clean(answer_string(set, "authority"));
	putchar('/');
	show_clean(answer_string(set, "name"));
	printf(" of ");
	show_clean(answer_string(set, "tenant"));
	printf(", serial %" JSON_INTEGER_FORMAT ": ", answer_number(set, "serial"));
	puts(answer_string(set, "standing"));
	printf("  valid from ");
	show_time(answer_number(set, "not_before"));
	printf(" to ");
	show_time(answer_number(set, "not_after"));
	printf("\n  roles ");
	show_clean(roles[0] ? roles : "(all)");
	printf(", %" JSON_INTEGER_FORMAT " rows", answer_number(set, "rows"));
	if (answer_number(set, "members"))
		printf(", %" JSON_INTEGER_FORMAT " members of groups", answer_number(set, "members"));
	puts(json_is_true(json_object_get(set, "own")) ? ", for this node alone" : "");
	if (json_array_size(rules))
		printf("  %-6s %s\n", "COUNTS", "RULE");
	json_array_foreach(rules, i, rule)
		show_rule(rule);
	if (answer_number(set, "omitted"))
		printf("  and %" JSON_INTEGER_FORMAT " rules more: name this set to see them\n",
		       answer_number(set, "omitted"));
}

void show_policy(const json_t *answer)
{
	const json_t *sets = json_object_get(answer, "sets");
	json_t *set;
	size_t i;

	if (!answer_number(answer, "index")) {
		puts("No policy is in force: the node is closed.");
		return;
	}
	show_clean(answer_string(answer, "tenant"));
	printf(", index %" JSON_INTEGER_FORMAT ", in force since ", answer_number(answer, "index"));
	show_time(answer_number(answer, "since"));
	putchar('\n');
	json_array_foreach(sets, i, set)
		show_set(set);
}
