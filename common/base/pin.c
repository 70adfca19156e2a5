/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/pin.h"

#include <string.h>

#include "common/base/bytes.h"

static const char prefix[] = "sha256:";

enum err pin_parse(const char *text, struct pin *ret_pin, struct error *e)
{
	struct pin p;

	if (strncmp(text, prefix, sizeof prefix - 1) != 0 ||
	    !hex_decode(p.sha256, sizeof p.sha256, text + sizeof prefix - 1))
		return error_set(e, E_SYNTAX, "'%.80s' is not sha256: and %d hexadecimal digits",
				 text, 2 * PIN_SIZE);
	*ret_pin = p;
	return E_OK;
}

void pin_format(const struct pin *p, char out[PIN_TEXT_SIZE])
{
	memcpy(out, prefix, sizeof prefix - 1);
	hex_encode(out + sizeof prefix - 1, VIEW(p->sha256, sizeof p->sha256));
}

bool pin_equal(const struct pin *a, const struct pin *b)
{
	return memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0;
}

bool pin_list_has(const struct pin_list *list, const struct pin *p)
{
	for (size_t i = 0; i < list->count; i++)
		if (pin_equal(&list->items[i], p))
			return true;
	return false;
}
