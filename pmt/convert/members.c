/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/converter.h"

#include <stdlib.h>
#include <string.h>

static int by_tag(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

typedef void read_member_fn(
	struct converter *c, const struct pri *pri, struct member *m, struct buffer *text);

static void read_address(
	struct converter *c, const struct pri *pri, struct member *m, struct buffer *text)
{
	struct address_range a = {.family = FAMILY_IPV4};
	const struct view min = pri_octets(pri, ipSecAddressAddrMin),
			  max = pri_octets(pri, ipSecAddressAddrMax);

	if (pri_i32(pri, ipSecAddressAddressType) == ipSecAddressAddressType_ipv6)
		a.family = FAMILY_IPV6;
	a.prefix_length = (uint8_t)pri_u32(pri, ipSecAddressAddrPrefixLength);
	memcpy(a.min, min.data, min.len < 16 ? min.len : 16);
	memcpy(a.max, max.data, max.len < 16 ? max.len : 16);
	m->tag = pri_u32(pri, ipSecAddressGroupId);
	m->order = pri->instance;
	print_address(&a, text);
	m->text = convert_keep(c, text);
}

static void read_port(
	struct converter *c, const struct pri *pri, struct member *m, struct buffer *text)
{
	const uint32_t min = pri_u32(pri, ipSecL4PortPortMin),
		       max = pri_u32(pri, ipSecL4PortPortMax);

	m->tag = pri_u32(pri, ipSecL4PortGroupId);
	m->order = min;
	buffer_put_text(text, "%u", min);
	if (max != min)
		buffer_put_text(text, "-%u", max);
	m->text = convert_keep(c, text);
}

static void read_selector(
	struct converter *c, const struct pri *pri, struct member *m, struct buffer *text)
{
	struct prid prid = {0};

	(void)c;
	(void)text;
	m->tag = pri_u32(pri, ipSecSelectorSetSelectorSetId);
	m->order = pri_u32(pri, ipSecSelectorSetOrder);
	if (pri_prid(pri, ipSecSelectorSetSelectorId, &prid))
		m->selector = prid.instance;
}

static enum err read_members(
	struct set_reader *s, enum pib_class_id class, read_member_fn *read, struct members *ret)
{
	struct converter *c = s->c;
	struct pri_cursor cursor = pri_store_class(s->store, class);
	struct pri_row row;
	struct buffer text;
	size_t count = 0;

	while (pri_store_next(&cursor, &row))
		count++;
	ret->list = arena_calloc(&c->arena, count + 1, sizeof *ret->list);
	if (!ret->list)
		return convert_no_memory(c);
	buffer_init(&text, 4096);
	cursor = pri_store_class(s->store, class);
	while (pri_store_next(&cursor, &row)) {
		struct pib_fault fault;
		struct pri pri;
		enum err code = pri_row_decode(&row, &pri, &fault, c->e);

		if (code) {
			buffer_fini(&text);
			return code;
		}
		read(c, &pri, &ret->list[ret->count++], &text);
	}
	buffer_fini(&text);
	qsort(ret->list, ret->count, sizeof *ret->list, by_tag);
	return E_OK;
}

size_t convert_first(const struct members *m, uint32_t tag)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (m->list[middle].tag < tag)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *convert_words(struct set_reader *s, const struct members *m, uint32_t tag)
{
	struct buffer text;
	const char *kept;

	buffer_init(&text, WORDS_MAX);
	for (size_t i = convert_first(m, tag); tag && i < m->count && m->list[i].tag == tag; i++)
		buffer_put_text(&text, "%s%s", text.len ? " " : "", m->list[i].text);
	/* Of any, a second group is made of the two whole families. */
	if (strcmp(buffer_string(&text), "0.0.0.0/0 ::/0") == 0)
		buffer_reset(&text);
	kept = convert_keep(s->c, &text);
	buffer_fini(&text);
	return kept;
}

enum err convert_read_members(struct set_reader *s)
{
	enum err code = read_members(s, PIB_ipSecAddress, read_address, &s->addresses);

	if (!code)
		code = read_members(s, PIB_ipSecL4Port, read_port, &s->ports);
	if (!code)
		code = read_members(s, PIB_ipSecSelectorSet, read_selector, &s->selectors);
	return code;
}
