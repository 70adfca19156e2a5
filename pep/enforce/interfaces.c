/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/interfaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_index(const void *a, const void *b)
{
	const struct node_interface *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

enum err interfaces_read(struct node_interfaces *ret, struct error *e)
{
	struct if_nameindex *names = if_nameindex();

	if (!names)
		return error_set_sys(e, errno, "cannot list the interfaces");
	ret->count = 0;
	ret->omitted = 0;
	for (struct if_nameindex *n = names; n->if_index; n++) {
		struct node_interface *to = &ret->list[ret->count];

		if (!strcmp(n->if_name, "lo"))
			continue;
		if (ret->count == INTERFACES_MAX) {
			ret->omitted++;
			continue;
		}
		*to = (struct node_interface){.index = n->if_index};
		strncpy(to->name, n->if_name, sizeof to->name - 1);
		ret->count++;
	}
	if_freenameindex(names);
	qsort(ret->list, ret->count, sizeof ret->list[0], by_index);
	return E_OK;
}

bool interfaces_equal(const struct node_interfaces *a, const struct node_interfaces *b)
{
	if (a->count != b->count || a->omitted != b->omitted)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->list[i].index != b->list[i].index ||
		    strcmp(a->list[i].name, b->list[i].name))
			return false;
	return true;
}

const struct node_interface *interfaces_find(const struct node_interfaces *i, unsigned index)
{
	for (size_t n = 0; n < i->count; n++)
		if (i->list[n].index == index)
			return &i->list[n];
	return NULL;
}
