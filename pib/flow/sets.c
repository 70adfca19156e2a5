/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/flow/sets.h"

#include <stdlib.h>
#include <string.h>

#include "pib/flow/nodes.h"

enum err flows_of_matches(struct flow_manager *m, const struct flow_match *matches, size_t count,
	flow_ref *ret, struct error *error)
{
	struct flow_match *ones = calloc(count + 1, sizeof *ones);
	enum err err;

	if (!ones)
		return error_set(error, E_MEMORY, "no memory for %zu matches", count);
	for (size_t i = 0; i < count; i++) {
		ones[i] = matches[i];
		ones[i].number = 1;
	}
	err = flow_build(m, ones, count, ret, error);
	free(ones);
	return err;
}

static uint32_t is_number(void *context, uint32_t number)
{
	const uint32_t *wanted = context;

	return number == *wanted;
}

enum err flows_with_number(struct flow_manager *m, flow_ref diagram, uint32_t number, flow_ref *ret,
	struct error *error)
{
	return flow_map(m, diagram, is_number, &number, ret, error);
}

static uint32_t in_either(void *context, uint32_t a, uint32_t b)
{
	(void)context;
	return a | b;
}

static bool union_known(void *context, flow_ref a, flow_ref b, flow_ref *ret)
{
	(void)context;
	if (a == b || b == FLOWS_NONE || a == FLOWS_ALL)
		*ret = a;
	else if (a == FLOWS_NONE || b == FLOWS_ALL)
		*ret = b;
	else
		return false;
	return true;
}

enum err flows_union(
	struct flow_manager *m, flow_ref a, flow_ref b, flow_ref *ret, struct error *error)
{
	const struct flow_operation operation = {in_either, union_known, NULL};

	return flow_apply(m, a, b, &operation, ret, error);
}

static uint32_t in_both(void *context, uint32_t a, uint32_t b)
{
	(void)context;
	return a & b;
}

static bool intersection_known(void *context, flow_ref a, flow_ref b, flow_ref *ret)
{
	(void)context;
	if (a == b || a == FLOWS_NONE || b == FLOWS_ALL)
		*ret = a;
	else if (b == FLOWS_NONE || a == FLOWS_ALL)
		*ret = b;
	else
		return false;
	return true;
}

enum err flows_intersection(
	struct flow_manager *m, flow_ref a, flow_ref b, flow_ref *ret, struct error *error)
{
	const struct flow_operation operation = {in_both, intersection_known, NULL};

	return flow_apply(m, a, b, &operation, ret, error);
}

static uint32_t in_first_only(void *context, uint32_t a, uint32_t b)
{
	(void)context;
	return a & !b;
}

static bool difference_known(void *context, flow_ref a, flow_ref b, flow_ref *ret)
{
	(void)context;
	if (a == b || a == FLOWS_NONE || b == FLOWS_ALL)
		*ret = FLOWS_NONE;
	else if (b == FLOWS_NONE)
		*ret = a;
	else
		return false;
	return true;
}

enum err flows_difference(
	struct flow_manager *m, flow_ref a, flow_ref b, flow_ref *ret, struct error *error)
{
	const struct flow_operation operation = {in_first_only, difference_known, NULL};

	return flow_apply(m, a, b, &operation, ret, error);
}

enum err flows_complement(struct flow_manager *m, flow_ref a, flow_ref *ret, struct error *error)
{
	return flows_difference(m, FLOWS_ALL, a, ret, error);
}

bool flows_contain(const struct flow_manager *m, flow_ref set, const struct flow *flow)
{
	return flow_evaluate(m, set, flow) != 0;
}

enum err flows_sample(const struct flow_manager *m, flow_ref set, struct flow *ret)
{
	return flow_sample(m, set, 1, ret);
}
