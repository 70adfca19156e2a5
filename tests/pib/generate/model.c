/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pib/generate/model.h"

#include <string.h>

bool model_allows(const struct model_attribute *a, const struct model_value *v)
{
	bool is_signed = a->kind == MODEL_SIGNED;
	int64_t n = is_signed ? v->number : (int64_t)v->natural;

	switch (a->kind) {
	case MODEL_LABELS:
		for (unsigned i = 0; i < a->label_count; i++)
			if (a->labels[i] == v->number)
				return true;
		return false;
	case MODEL_BITS:
		for (unsigned bit = 0; bit < 64; bit++) {
			bool named = false;

			for (unsigned i = 0; i < a->label_count; i++)
				named = named || a->labels[i] == (int64_t)bit;
			if (v->natural >> bit & 1 && !named)
				return false;
		}
		return true;
	case MODEL_OID:
		return true;
	case MODEL_OCTETS:
		n = (int64_t)v->octets_len;
		break;
	default:
		break;
	}
	if (a->range_count) {
		for (unsigned i = 0; i < a->range_count; i++)
			if (n >= a->ranges[i].least && n <= a->ranges[i].greatest &&
				(is_signed || n >= 0))
				return true;
		return false;
	}
	if (is_signed)
		return n >= a->least && n <= (int64_t)a->greatest;
	if (a->kind == MODEL_OCTETS)
		return true;
	return v->natural >= (uint64_t)a->least && v->natural <= a->greatest;
}

void model_default(const struct model_attribute *a, struct model_value *ret)
{
	*ret = (struct model_value){.state = MODEL_GIVEN};
	ret->number = a->default_number;
	ret->natural = a->kind == MODEL_BITS ? UINT64_C(1) << a->default_number :
					       (uint64_t)a->default_number;
	if (a->kind == MODEL_OCTETS) {
		ret->octets_len = (size_t)a->default_number;
		memset(ret->octets, 0xa5, ret->octets_len);
	}
}

/* One bit after the other, most significant first, in as many octets as it takes. */
static size_t put_number(bool negative, uint64_t bits, uint8_t contents[9])
{
	size_t octets = 9;

	contents[0] = negative ? 0xff : 0;
	for (unsigned i = 0; i < 8; i++)
		contents[1 + i] = (uint8_t)(bits / (UINT64_C(1) << (56 - 8 * i)) % 256);
	while (octets > 1 && contents[0] == (negative ? 0xff : 0) &&
		(contents[1] >= 0x80) == negative) {
		memmove(contents, contents + 1, --octets);
	}
	return octets;
}

static size_t put_arc(uint64_t arc, uint8_t *contents)
{
	uint8_t digits[10];
	size_t count = 0, at = 0;

	do {
		digits[count++] = (uint8_t)(arc % 128);
		arc /= 128;
	} while (arc);
	while (count--)
		contents[at++] = (uint8_t)(digits[count] + (count ? 128 : 0));
	return at;
}

static size_t put_contents(
	const struct model_attribute *a, const struct model_value *v, uint8_t *contents)
{
	size_t len = 0;

	switch (a->kind) {
	case MODEL_SIGNED:
	case MODEL_LABELS:
		return put_number(v->number < 0, (uint64_t)v->number, contents);
	case MODEL_UNSIGNED:
		return put_number(false, v->natural, contents);
	case MODEL_OCTETS:
		memcpy(contents, v->octets, v->octets_len);
		return v->octets_len;
	case MODEL_BITS:
		len = (size_t)a->labels[a->label_count - 1] / 8 + 1;
		memset(contents, 0, len);
		for (size_t bit = 0; bit < 8 * len; bit++)
			if (v->natural >> bit & 1)
				contents[bit / 8] = (uint8_t)(contents[bit / 8] + (128 >> bit % 8));
		return len;
	case MODEL_OID:
		len = put_arc(UINT64_C(40) * v->arcs[0] + v->arcs[1], contents);
		for (unsigned i = 2; i < v->arc_count; i++)
			len += put_arc(v->arcs[i], contents + len);
		return len;
	}
	return 0;
}

size_t model_encode(const struct model_attribute *a, const struct model_value *v, uint8_t *out)
{
	uint8_t contents[MODEL_OCTETS_MAX + 16];
	size_t len, at = 0;

	if (v->state == MODEL_NULL) {
		out[at++] = 0x05;
		out[at++] = 0;
		return at;
	}
	len = put_contents(a, v, contents);
	out[at++] = a->tag;
	if (len > 255) {
		out[at++] = 0x82;
		out[at++] = (uint8_t)(len / 256);
	} else if (len > 127) {
		out[at++] = 0x81;
	}
	out[at++] = (uint8_t)(len % 256);
	memcpy(out + at, contents, len);
	return at + len;
}

int model_compare(
	const struct model_attribute *a, const struct model_value *x, const struct model_value *y)
{
	switch (a->kind) {
	case MODEL_SIGNED:
	case MODEL_LABELS:
		return x->number < y->number ? -1 : x->number > y->number;
	case MODEL_UNSIGNED:
	case MODEL_BITS:
		return x->natural < y->natural ? -1 : x->natural > y->natural;
	case MODEL_OCTETS:
		for (size_t i = 0; i < x->octets_len && i < y->octets_len; i++)
			if (x->octets[i] != y->octets[i])
				return x->octets[i] < y->octets[i] ? -1 : 1;
		return x->octets_len < y->octets_len ? -1 : x->octets_len > y->octets_len;
	case MODEL_OID:
		for (unsigned i = 0; i < x->arc_count && i < y->arc_count; i++)
			if (x->arcs[i] != y->arcs[i])
				return x->arcs[i] < y->arcs[i] ? -1 : 1;
		return x->arc_count < y->arc_count ? -1 : x->arc_count > y->arc_count;
	}
	return 0;
}
