/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "pib/framework/traffic.h"

/* *ret_readings is for the caller to free. */
static enum err read_counters(const struct enforcement *n, struct kernel_counter **ret_readings,
                              struct error *e)
{
	const struct plan *plan = n->now.plan;
	struct kernel_counter *readings = calloc(plan->counter_count + 1, sizeof *readings);

	if (!readings)
		return error_set(e, E_MEMORY, "no memory for %zu counters", plan->counter_count);
	if (kernel_read_counters(n->kernel, plan, readings, e)) {
		free(readings);
		return e->code;
	}
	*ret_readings = readings;
	return E_OK;
}

enum err enforcement_rules(const struct enforcement *n, json_t **ret, struct error *e)
{
	const struct plan *plan = n->now.plan;
	struct kernel_counter *readings;
	json_t *list;

	if (read_counters(n, &readings, e))
		return e->code;
	list = json_array();
	for (const struct plan_counter *c = plan->counters; c; c = c->next) {
		char prid[PRID_TEXT_SIZE] = "";

		if (c->cause.prid.class)
			prid_format(&c->cause.prid, prid);
		json_array_append_new(list,
		        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "counter", c->name, "roles",
		                  c->roles, "rule", c->cause.name ? c->cause.name : "", "prid", prid,
		                  "packets", (json_int_t)readings[c->number].packets, "octets",
		                  (json_int_t)readings[c->number].octets));
	}
	free(readings);
	*ret = list;
	return E_OK;
}

enum err enforcement_traffic(const struct enforcement *n, struct buffer *out, struct error *e)
{
	struct traffic traffic = {.count = 0};
	struct kernel_counter *readings;

	if (read_counters(n, &readings, e))
		return e->code;
	for (const struct plan_counter *c = n->now.plan->counters; c; c = c->next) {
		struct traffic_row row = {.cause = c->cause.prid,
		                          .packets = readings[c->number].packets,
		                          .octets = readings[c->number].octets};

		/* What is no rule's says by its own name why it drops. */
		snprintf(row.name, sizeof row.name, "%s",
		         c->roles[0] && c->cause.name ? c->cause.name : c->name);
		traffic_add(&traffic, &row);
	}
	free(readings);
	return traffic_put(&traffic, out, e);
}
