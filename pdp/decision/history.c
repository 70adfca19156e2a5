/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/history.h"

#include <inttypes.h>

static void forget(struct earlier *e)
{
	e->delta = delta_free(e->delta);
	e->publication = publication_free(e->publication);
}

void history_fini(struct history *h)
{
	for (size_t i = 0; i < STORE_EARLIER_MAX; i++)
		forget(&h->list[i]);
}

void history_append(struct history *h, struct publication *p)
{
	for (size_t i = 0; i < STORE_EARLIER_MAX; i++) {
		if (h->list[i].publication)
			continue;
		h->list[i].publication = p;
		return;
	}
	publication_free(p);
}

void history_succeed(struct history *h, struct publication *p, const struct history *before)
{
	if (!p)
		return;
	history_append(h, publication_share(p));
	for (size_t i = 0; i < STORE_EARLIER_MAX; i++)
		if (before->list[i].publication)
			history_append(h, publication_share(before->list[i].publication));
}

static size_t position_of(const struct history *h, uint64_t serial)
{
	for (size_t i = 0; i < STORE_EARLIER_MAX; i++)
		if (h->list[i].publication && publication_serial(h->list[i].publication) == serial)
			return i;
	return STORE_EARLIER_MAX;
}

const struct publication *history_find(const struct history *h, uint64_t serial)
{
	size_t at = position_of(h, serial);

	return at < STORE_EARLIER_MAX ? h->list[at].publication : NULL;
}

enum err history_update(struct history *h, struct update *u, uint64_t holds,
	const struct publication *now, const struct publication_node *node, const char *pdp_name,
	struct error *error)
{
	size_t at = position_of(h, holds);
	enum err result = E_OK;

	if (at == STORE_EARLIER_MAX)
		return error_set(error, E_NOT_FOUND, "serial %" PRIu64 " is not kept", holds);
	if (!h->list[at].delta)
		result = delta_new(h->list[at].publication, now, &h->list[at].delta, error);
	if (!result)
		return update_delta(u, h->list[at].delta, node, pdp_name, error);
	/* Not for every node again. */
	forget(&h->list[at]);
	return result;
}
