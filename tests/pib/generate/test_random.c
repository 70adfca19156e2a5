/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole way, from a module's text to octets, with random classes: what random_module.c knows of
 * them and the plain model of model.c against libsmi, the generator and the library. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pib/schema/print.h"
#include "tests/pib/generate/model.h"
#include "tests/pib/schema/random.h"
#include "tests/suite.h"

#include "random-model.inc"

enum { CLASSES = sizeof model / sizeof *model, ROUNDS = 60 };

struct instance {
	const struct model_class *class;
	uint32_t number;
	struct model_value values[MODEL_ATTRIBUTES];
};

static struct random r = {RANDOM_SEED};

static const struct pib_class *class_of(const struct model_class *m)
{
	const struct pib_class *class = pib_class_by_name(m->name);

	ck_assert_msg(class, "%s", m->name);
	return class;
}

/* Number of attribute i of the model in the class. */
static unsigned number_of(const struct model_class *m, unsigned i)
{
	return i + 1 + m->has_index;
}

/* ---- random values ---- */

static uint64_t near_an_edge(int64_t least, uint64_t greatest)
{
	uint64_t edge = random_below(&r, 2) ? (uint64_t)least : greatest;

	return edge + random_below(&r, 5) - 2;
}

/* Any value, allowed or not. */
static void random_value(const struct model_attribute *a, struct model_value *v)
{
	unsigned range = a->range_count ? (unsigned)random_below(&r, a->range_count) : 0;
	int64_t least = a->range_count ? a->ranges[range].least : a->least;
	uint64_t greatest = a->range_count ? (uint64_t)a->ranges[range].greatest : a->greatest;
	uint64_t n = random_below(&r, 2) ? near_an_edge(least, greatest) :
					   (uint64_t)least + random_magnitude(&r) %
							   ((greatest - (uint64_t)least) | 1);

	memset(v, 0, sizeof *v);
	v->state = MODEL_GIVEN;
	switch (a->kind) {
	case MODEL_SIGNED:
		v->number = (int64_t)n;
		break;
	case MODEL_UNSIGNED:
		v->natural = n;
		break;
	case MODEL_LABELS:
		v->number = a->labels[random_below(&r, a->label_count)] +
			!random_below(&r, 6);
		break;
	case MODEL_BITS:
		for (unsigned i = 0; i < a->label_count; i++)
			v->natural |= (random_u64(&r) & 1) << a->labels[i];
		if (!random_below(&r, 6))
			v->natural ^= UINT64_C(1) << random_below(&r,
					      8 * ((uint64_t)a->labels[a->label_count - 1] / 8 + 1));
		break;
	case MODEL_OCTETS:
		v->octets_len = n % MODEL_OCTETS_MAX;
		for (size_t i = 0; i < v->octets_len; i++)
			v->octets[i] = (uint8_t)random_u64(&r);
		break;
	case MODEL_OID:
		v->arc_count = 2 + (unsigned)random_below(&r, MODEL_ARCS_MAX - 1);
		v->arcs[0] = (uint32_t)random_below(&r, 3);
		v->arcs[1] = (uint32_t)random_below(&r, 40);
		for (unsigned i = 2; i < v->arc_count; i++)
			v->arcs[i] = (uint32_t)random_magnitude(&r);
		break;
	}
}

static void random_allowed(const struct model_attribute *a, struct model_value *v)
{
	do
		random_value(a, v);
	while (!model_allows(a, v));
}

static bool random_refused(const struct model_attribute *a, struct model_value *v)
{
	for (int tries = 0; tries < 50; tries++) {
		random_value(a, v);
		if (!model_allows(a, v))
			return true;
	}
	return false;
}

/* Left out are some of the last attributes, if they have defaults. */
static void random_instance(const struct model_class *m, struct instance *ret)
{
	unsigned from = m->count;

	ret->class = m;
	ret->number = (uint32_t)random_magnitude(&r) | 1;
	while (from > 0 && m->attributes[from - 1].has_default && random_below(&r, 3))
		from--;
	for (unsigned i = 0; i < m->count; i++) {
		struct model_value *v = &ret->values[i];

		random_allowed(&m->attributes[i], v);
		if (i >= from)
			v->state = MODEL_LEFT_OUT;
		else if (!random_below(&r, 8))
			v->state = MODEL_NULL;
	}
}

static size_t encode(const struct instance *x, uint8_t *out)
{
	static const struct model_attribute index = {.kind = MODEL_UNSIGNED, .tag = 0x42};
	const struct model_value number = {.state = MODEL_GIVEN, .natural = x->number};
	size_t len = x->class->has_index ? model_encode(&index, &number, out) : 0;

	for (unsigned i = 0; i < x->class->count; i++)
		if (x->values[i].state != MODEL_LEFT_OUT)
			len += model_encode(&x->class->attributes[i], &x->values[i], out + len);
	return len;
}

/* ---- the library's side ---- */

static void set(struct pri *pri, unsigned n, const struct model_attribute *a,
	const struct model_value *v)
{
	struct oid oid = {.count = (uint8_t)v->arc_count};

	switch (a->kind) {
	case MODEL_SIGNED:
		if (a->tag == 0x4a)
			pri_set_i64(pri, n, v->number);
		else
			pri_set_i32(pri, n, (int32_t)v->number);
		break;
	case MODEL_LABELS:
		pri_set_i32(pri, n, (int32_t)v->number);
		break;
	case MODEL_UNSIGNED:
		if (a->tag == 0x4b)
			pri_set_u64(pri, n, v->natural);
		else
			pri_set_u32(pri, n, (uint32_t)v->natural);
		break;
	case MODEL_OCTETS:
		pri_set_octets(pri, n, VIEW(v->octets, v->octets_len));
		break;
	case MODEL_BITS:
		pri_set_bits(pri, n, v->natural);
		break;
	case MODEL_OID:
		memcpy(oid.arcs, v->arcs, v->arc_count * sizeof *v->arcs);
		pri_set_oid(pri, n, &oid);
		break;
	}
}

static void build(struct pri *pri, const struct instance *x)
{
	pri_init(pri, class_of(x->class)->id, x->number);
	for (unsigned i = 0; i < x->class->count; i++) {
		if (x->values[i].state == MODEL_NULL)
			pri_set_null(pri, number_of(x->class, i));
		else if (x->values[i].state == MODEL_GIVEN)
			set(pri, number_of(x->class, i), &x->class->attributes[i], &x->values[i]);
	}
	ck_assert_msg(!pri->error.code, "%s", pri->error.text);
}

/* What the library has for the attribute, as the model has it. */
static void take(const struct pri *pri, unsigned n, const struct model_attribute *a,
	struct model_value *v)
{
	const struct oid *oid;
	struct view octets;

	memset(v, 0, sizeof *v);
	v->state = pri_has(pri, n) ? MODEL_GIVEN : MODEL_NULL;
	if (v->state == MODEL_NULL)
		return;
	switch (a->kind) {
	case MODEL_SIGNED:
		v->number = a->tag == 0x4a ? pri_i64(pri, n) : pri_i32(pri, n);
		break;
	case MODEL_LABELS:
		v->number = pri_i32(pri, n);
		break;
	case MODEL_UNSIGNED:
		v->natural = a->tag == 0x4b ? pri_u64(pri, n) : pri_u32(pri, n);
		break;
	case MODEL_OCTETS:
		octets = pri_octets(pri, n);
		ck_assert_uint_le(octets.len, MODEL_OCTETS_MAX);
		v->octets_len = octets.len;
		if (octets.len)
			memcpy(v->octets, octets.data, octets.len);
		break;
	case MODEL_BITS:
		v->natural = pri_bits(pri, n);
		break;
	case MODEL_OID:
		oid = pri_oid(pri, n);
		ck_assert_uint_le(oid->count, MODEL_ARCS_MAX);
		v->arc_count = oid->count;
		memcpy(v->arcs, oid->arcs, oid->count * sizeof *v->arcs);
		break;
	}
}

/* What an instance says once it was sent: defaults in place of what was NULL or left out. */
static void settle(struct instance *x)
{
	for (unsigned i = 0; i < x->class->count; i++)
		if (x->values[i].state != MODEL_GIVEN && x->class->attributes[i].has_default)
			model_default(&x->class->attributes[i], &x->values[i]);
}

static void assert_same(const struct instance *x, const struct pri *pri)
{
	ck_assert_uint_eq(pri->instance, x->number);
	for (unsigned i = 0; i < x->class->count; i++) {
		const struct model_attribute *a = &x->class->attributes[i];
		struct model_value v;

		take(pri, number_of(x->class, i), a, &v);
		ck_assert_msg(v.state == x->values[i].state &&
				(v.state == MODEL_NULL || model_compare(a, &v, &x->values[i]) == 0),
			"%s, attribute %u", x->class->name, i);
	}
}

/* ---- tests ---- */

START_TEST(the_tables_say_what_the_module_says)
{
	ck_assert_uint_eq(PIB_CLASS_COUNT, CLASSES);
	for (size_t c = 0; c < CLASSES; c++) {
		const struct pib_class *class = class_of(&model[c]);

		ck_assert_uint_eq(class->attribute_count, model[c].count + model[c].has_index);
		ck_assert_uint_eq(class->index_attribute, model[c].has_index);
		ck_assert_uint_eq((unsigned)class->access, model[c].access);
		ck_assert_uint_eq(class->unique_count, model[c].unique_count);
		for (unsigned i = 0; i < model[c].unique_count; i++) {
			ck_assert_int_eq(class->unique[i].class, class->id);
			ck_assert_uint_eq(class->unique[i].attribute,
				number_of(&model[c], model[c].unique[i]));
		}
		for (unsigned i = 0; i < model[c].count; i++) {
			const struct model_attribute *m = &model[c].attributes[i];
			const struct pib_attribute *a = pib_attribute(class, number_of(&model[c], i));
			struct model_value expected, found;
			struct pri pri;

			ck_assert_uint_eq(a->tag, m->tag);
			ck_assert_int_eq(a->has_default, m->has_default);
			ck_assert_uint_eq(a->label_count, m->label_count);
			if (!m->has_default)
				continue;
			pri_init(&pri, class->id, 1);
			pri.values[a->number - 1] = pri_default(a);
			model_default(m, &expected);
			take(&pri, a->number, m, &found);
			ck_assert_msg(model_compare(m, &found, &expected) == 0, "%s", a->name);
		}
	}
}
END_TEST

START_TEST(both_encode_and_decode_alike)
{
	for (size_t c = 0; c < ROUNDS * CLASSES; c++) {
		static uint8_t octets[MODEL_EPD_MAX];
		struct instance x;
		struct pib_fault fault;
		struct buffer out;
		struct error error;
		struct prid prid;
		struct pri built, decoded;
		size_t len;

		random_instance(&model[c % CLASSES], &x);
		build(&built, &x);
		len = encode(&x, octets);
		buffer_init(&out, MODEL_EPD_MAX);
		ck_assert_msg(!epd_encode(&out, &built, &error), "%s", error.text);
		ck_assert_msg(view_equal(buffer_view(&out), VIEW(octets, len)), "%s", x.class->name);
		prid = (struct prid){built.class, built.instance};
		ck_assert_msg(!epd_decode(&prid, VIEW(octets, len), &decoded, &fault, &error), "%s",
			error.text);
		ck_assert(!decoded.extra);
		settle(&x);
		assert_same(&x, &decoded);
		buffer_fini(&out);
	}
}
END_TEST

/* ---- tolerance ---- */

/* The values once more, each with a length in a longer form, or with INTEGER's tag where that is
 * forgiven, or neither; returns how many octets. */
static size_t write_otherwise(const uint8_t *octets, size_t len, uint8_t *out)
{
	size_t at = 0;

	for (size_t i = 0; i < len;) {
		unsigned form = octets[i + 1] & 0x80 ? octets[i + 1] & 0x7fU : 0;
		size_t contents = form ? 0 : octets[i + 1], zeros = random_below(&r, 4);

		for (unsigned k = 0; k < form; k++)
			contents = contents * 256 + octets[i + 2 + k];
		out[at++] = octets[i] == 0x42 && random_below(&r, 2) ? 0x02 : octets[i];
		if (zeros || form) {
			out[at++] = (uint8_t)(0x80 + zeros + 2);
			while (zeros--)
				out[at++] = 0;
			out[at++] = (uint8_t)(contents / 256);
		}
		out[at++] = (uint8_t)(contents % 256);
		i += 2 + form;
		memcpy(out + at, octets + i, contents);
		at += contents;
		i += contents;
	}
	return at;
}

START_TEST(what_the_standards_leave_open_is_understood)
{
	for (size_t c = 0; c < ROUNDS * CLASSES; c++) {
		static const uint8_t more[] = {0x05, 0x00, 0x04, 0x01, 'x'};
		static uint8_t octets[MODEL_EPD_MAX], other[2 * MODEL_EPD_MAX];
		struct pib_fault fault;
		struct instance x;
		struct error error;
		struct prid prid;
		struct pri pri;
		bool extra = random_below(&r, 2);
		size_t len;

		random_instance(&model[c % CLASSES], &x);
		for (unsigned i = 0; extra && i < x.class->count; i++)
			if (x.values[i].state == MODEL_LEFT_OUT)
				x.values[i].state = MODEL_GIVEN;
		len = write_otherwise(octets, encode(&x, octets), other);
		if (extra) {
			memcpy(other + len, more, sizeof more);
			len += sizeof more;
		}
		prid = (struct prid){class_of(x.class), x.number};
		ck_assert_msg(!epd_decode(&prid, VIEW(other, len), &pri, &fault, &error), "%s",
			error.text);
		ck_assert_int_eq(pri.extra, extra);
		settle(&x);
		assert_same(&x, &pri);
	}
}
END_TEST

START_TEST(every_length_is_answered)
{
	for (size_t c = 0; c < CLASSES; c++) {
		static uint8_t octets[MODEL_EPD_MAX];
		struct instance x;
		size_t whole;

		random_instance(&model[c], &x);
		whole = encode(&x, octets);
		for (size_t len = 0; len < whole; len++) {
			/* In memory of its size, for AddressSanitizer. */
			uint8_t *exact = malloc(len + 1);
			struct prid prid = {class_of(x.class), x.number};
			struct pib_fault fault;
			struct error error;
			struct pri pri;

			ck_assert_ptr_nonnull(exact);
			memcpy(exact + 1, octets, len);
			if (epd_decode(&prid, VIEW(exact + 1, len), &pri, &fault, &error))
				ck_assert(fault.kind == PIB_FAULT_LENGTH ||
					fault.kind == PIB_FAULT_TOO_FEW);
			else
				ck_assert(pib_attribute(pri.class,
						(unsigned)pri.class->attribute_count)
						->has_default);
			free(exact);
		}
	}
}
END_TEST

START_TEST(what_the_model_refuses_is_refused_with_its_place)
{
	unsigned refused = 0;

	for (size_t c = 0; c < ROUNDS * CLASSES; c++) {
		static uint8_t octets[MODEL_EPD_MAX];
		const struct model_class *m = &model[c % CLASSES];
		unsigned i = (unsigned)random_below(&r, m->count);
		struct pib_fault fault;
		struct instance x;
		struct error error;
		struct prid prid;
		struct pri pri;
		size_t len;

		random_instance(m, &x);
		for (unsigned before = 0; before <= i; before++)
			if (x.values[before].state == MODEL_LEFT_OUT)
				x.values[before].state = MODEL_GIVEN;
		if (!random_refused(&m->attributes[i], &x.values[i]))
			continue;
		len = encode(&x, octets);
		prid = (struct prid){class_of(m), x.number};
		ck_assert_msg(epd_decode(&prid, VIEW(octets, len), &pri, &fault, &error),
			"%s, attribute %u", m->name, i);
		ck_assert_uint_eq(fault.attribute, number_of(m, i));
		ck_assert_int_eq(fault.kind, PIB_FAULT_VALUE);
		refused++;
	}
	ck_assert_uint_gt(refused, ROUNDS * CLASSES / 4);
}
END_TEST

static void print(const struct model_attribute *a, const struct model_value *v, char *text)
{
	const char *separator = "";

	switch (a->kind) {
	case MODEL_SIGNED:
		sprintf(text, "%" PRId64, v->number);
		break;
	case MODEL_UNSIGNED:
		sprintf(text, "%" PRIu64, v->natural);
		break;
	case MODEL_LABELS:
		for (unsigned i = 0; i < a->label_count; i++)
			if (a->labels[i] == v->number)
				sprintf(text, "l%u", i);
		break;
	case MODEL_BITS:
		text += sprintf(text, "{");
		for (unsigned i = 0; i < a->label_count; i++) {
			if (v->natural >> a->labels[i] & 1) {
				text += sprintf(text, "%sl%u", separator, i);
				separator = " ";
			}
		}
		sprintf(text, "}");
		break;
	case MODEL_OCTETS:
		text += sprintf(text, "0x");
		for (size_t i = 0; i < v->octets_len; i++)
			text += sprintf(text, "%02x", v->octets[i]);
		break;
	case MODEL_OID:
		for (unsigned i = 0; i < v->arc_count; i++)
			text += sprintf(text, "%s%" PRIu32, i ? "." : "", v->arcs[i]);
		break;
	}
}

/* A reference has the class's name before its number. */
static bool ends_in(struct view v, const char *end)
{
	size_t len = strlen(end);

	return v.len >= len && memcmp(v.data + v.len - len, end, len) == 0;
}

START_TEST(values_are_printed_as_they_are)
{
	for (size_t c = 0; c < ROUNDS * CLASSES; c++) {
		const struct model_class *m = &model[c % CLASSES];
		unsigned i = (unsigned)random_below(&r, m->count);
		char expected[3 * MODEL_OCTETS_MAX];
		struct model_value v;
		struct buffer out;
		struct pri pri;

		random_allowed(&m->attributes[i], &v);
		if (v.octets_len)
			v.octets[0] |= 0x80; /* no text */
		pri_init(&pri, class_of(m)->id, 1);
		set(&pri, number_of(m, i), &m->attributes[i], &v);
		buffer_init(&out, MODEL_EPD_MAX);
		pri_print_value(&out, &pri, number_of(m, i));
		print(&m->attributes[i], &v, expected);
		ck_assert_msg(ends_in(buffer_view(&out), expected), "%.*s, not %s", (int)out.len,
			(const char *)out.data, expected);
		buffer_fini(&out);
	}
}
END_TEST

START_TEST(both_have_the_same_order)
{
	for (size_t c = 0; c < ROUNDS * CLASSES; c++) {
		const struct model_class *m = &model[c % CLASSES];
		struct instance x, y;
		struct pri a, b;

		random_instance(m, &x);
		random_instance(m, &y);
		for (unsigned i = 0; i < m->count; i++) {
			x.values[i].state = y.values[i].state = MODEL_GIVEN;
			if (random_below(&r, 2))
				y.values[i] = x.values[i];
		}
		build(&a, &x);
		build(&b, &y);
		for (unsigned i = 0; i < m->count; i++) {
			int expected = model_compare(&m->attributes[i], &x.values[i], &y.values[i]);
			int found = pri_compare_attribute(&a, &b, number_of(m, i));

			ck_assert_msg((found > 0) - (found < 0) == expected, "%s, attribute %u",
				m->name, i);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pib-random");
	TCase *c = tcase_create("random");

	printf("seed %#" PRIx64 "\n", (uint64_t)RANDOM_SEED);
	tcase_add_test(c, the_tables_say_what_the_module_says);
	tcase_add_test(c, both_encode_and_decode_alike);
	tcase_add_test(c, what_the_standards_leave_open_is_understood);
	tcase_add_test(c, every_length_is_answered);
	tcase_add_test(c, what_the_model_refuses_is_refused_with_its_place);
	tcase_add_test(c, values_are_printed_as_they_are);
	tcase_add_test(c, both_have_the_same_order);
	suite_add_tcase(suite, c);
	return suite_main(suite);
}
