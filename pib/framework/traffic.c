/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/traffic.h"

#include <string.h>

#include "common/cops/pr.h"

void traffic_add(struct traffic *t, const struct traffic_row *row)
{
	struct traffic_row *place = NULL;

	if (!row->packets)
		return;
	if (t->count < TRAFFIC_ROWS_MAX) {
		t->rows[t->count++] = *row;
		return;
	}
	for (size_t i = 0; i < t->count; i++)
		if (!place || t->rows[i].packets < place->packets)
			place = &t->rows[i];
	if (row->packets > place->packets)
		*place = *row;
}

enum err traffic_put(const struct traffic *t, struct buffer *out, struct error *e)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct traffic_row *row = &t->rows[i];
		struct pri pri;

		pri_init(&pri, PIB_copsecTraffic, (uint32_t)i + 1);
		if (row->cause.class)
			pri_set_prid(&pri, copsecTrafficInstance, row->cause.class->id,
				row->cause.instance);
		else
			pri_set_oid(&pri, copsecTrafficInstance, &oid_none);
		pri_set_text(&pri, copsecTrafficName, row->name);
		pri_set_u64(&pri, copsecTrafficPackets, row->packets);
		pri_set_u64(&pri, copsecTrafficOctets, row->octets);
		if (pri_put(out, &pri, e))
			return e->code;
	}
	return E_OK;
}

static enum err read_row(struct traffic *t, const struct pr_object *name,
	const struct pr_object *values, struct error *e)
{
	struct traffic_row row = {0};
	struct pib_fault fault;
	struct prid prid;
	struct view text;
	struct pri pri;

	if (name->s_num != PR_PRID || values->s_num != PR_EPD)
		return error_set(e, E_UNEXPECTED, "an accounting report has other objects than PRID "
						  "and EPD");
	if (prid_decode(name->contents, &prid, &fault, e))
		return e->code;
	if (prid.class->id != PIB_copsecTraffic)
		return error_set(e, E_UNEXPECTED, "an accounting report has a %s", prid.class->name);
	if (t->count == TRAFFIC_ROWS_MAX)
		return error_set(e, E_LIMIT, "an accounting report has more than %d rows",
			TRAFFIC_ROWS_MAX);
	if (epd_decode(&prid, values->contents, &pri, &fault, e))
		return e->code;
	/* zeroDotZero is no PRI. */
	if (!pri_prid(&pri, copsecTrafficInstance, &row.cause))
		row.cause = (struct prid){0};
	text = pri_octets(&pri, copsecTrafficName);
	if (text.len)
		memcpy(row.name, text.data, text.len < TRAFFIC_NAME_MAX ? text.len : TRAFFIC_NAME_MAX);
	row.packets = pri_u64(&pri, copsecTrafficPackets);
	row.octets = pri_u64(&pri, copsecTrafficOctets);
	t->rows[t->count++] = row;
	return E_OK;
}

enum err traffic_read(struct traffic *t, struct view run, struct error *e)
{
	const size_t before = t->count;
	struct cursor c = cursor_over(run);
	struct pr_object name, values;
	enum err err = E_OK;

	while (!err && cursor_left(&c)) {
		if (pr_next(&c, &name) || pr_next(&c, &values))
			err = error_set(e, c.error ? c.error : E_SYNTAX,
				"an accounting report cannot be read");
		else
			err = read_row(t, &name, &values, e);
	}
	if (err)
		t->count = before;
	return err;
}
