/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/difference.h"

#include <string.h>

#include "common/cops/pr.h"
#include "pib/schema/ber.h"

/* A walk over one store, one row ahead. */
struct walk {
	struct pri_cursor cursor;
	struct pri_row row;
	bool ahead; /* `row` was read and not used */
};

static void look_ahead(struct walk *old, struct walk *new)
{
	if (!old->ahead && !new->ahead)
		pri_cursor_skip_equal(&old->cursor, &new->cursor);
	old->ahead = old->ahead || pri_store_next(&old->cursor, &old->row);
	new->ahead = new->ahead || pri_store_next(&new->cursor, &new->row);
}

static int compare(const struct walk *old, const struct walk *new)
{
	if (!old->ahead || !new->ahead)
		return old->ahead ? -1 : 1;
	return prid_compare(&old->row.prid, &new->row.prid);
}

enum err pri_store_difference(const struct pri_store *old, const struct pri_store *new,
	struct buffer *removes, struct buffer *installs)
{
	struct walk from = {.cursor = pri_store_all(old)}, to = {.cursor = pri_store_all(new)};

	for (;;) {
		int order;

		look_ahead(&from, &to);
		if (!from.ahead && !to.ahead)
			return removes->error ? removes->error : installs->error;
		order = compare(&from, &to);
		if (order < 0)
			pr_put(removes, PR_PRID, from.row.prid_contents);
		else if (order > 0 || !view_equal(from.row.objects, to.row.objects))
			buffer_put_view(installs, to.row.objects);
		from.ahead = from.ahead && order > 0;
		to.ahead = to.ahead && order < 0;
	}
}

/* The row's OID without the InstanceId. */
static void put_class(struct buffer *out, const struct pib_class *class)
{
	struct buffer contents;

	buffer_init(&contents, PR_OID_MAX);
	ber_put_oid(&contents, &class->row);
	pr_put(out, PR_PPRID, buffer_view(&contents));
	if (contents.error)
		out->error = contents.error;
	buffer_fini(&contents);
}

void pri_store_put_all_classes(struct buffer *out)
{
	for (int id = 0; id < PIB_CLASS_COUNT; id++) {
		const struct pib_class *class = pib_class((enum pib_class_id)id);

		if (pib_class_installs(class) && strcmp(class->module, "FRAMEWORK-PIB") != 0)
			put_class(out, class);
	}
}
