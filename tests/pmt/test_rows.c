/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The full storey: what it says of the schema is true, every attribute of every class that may
 * stand in a set can be said, and the RELAX NG schema is of one mind with our own check about right
 * and wrong files.
 */
#include <libxml/relaxng.h>
#include <stdlib.h>
#include <string.h>

#include "pib/schema/print.h"
#include "pib/store/reference.h"
#include "pmt/language/classes.h"
#include "pmt/language/grammar.h"
#include "pmt/language/notation.h"
#include "pmt/language/schema.h"
#include "tests/pmt/policy_text.h"



/* xorshift: the same cases in every run. */
static uint64_t random_start(void)
{
	enum { SEED = 20261123 };

	printf("seed %d\n", SEED);
	return SEED;
}

static size_t random_below(uint64_t *state, size_t bound)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (size_t)(*state % bound);
}

static void read_file(const char *path, struct buffer *out)
{
	FILE *f = fopen(path, "re");
	size_t n;

	ck_assert_msg(f != NULL, "cannot open %s", path);
	buffer_init(out, 8 << 20);
	do {
		uint8_t *room = buffer_reserve(out, 65536);

		ck_assert_ptr_nonnull(room);
		n = fread(room, 1, 65536, f);
		buffer_grow(out, n);
	} while (n);
	fclose(f);
}

/* --- the schema --- */

START_TEST(words_are_unambiguous)
{
	static const char *const taken[] = {"id", "number", "old", "xmlns"};
	const struct pib_class *class;
	char word[CLASS_WORD_SIZE];

	for (class = class_next(NULL); class; class = class_next(class)) {
		size_t tags = 0, extensions = 0;
		const struct pib_class *other;

		for (size_t k = 0; k < class->attribute_count; k++) {
			const struct pib_attribute *a = &class->attributes[k];

			tags += a->role == PIB_TAG;
			if (a->role == PIB_INSTANCE)
				continue;
			class_word(class, a, word);
			ck_assert_msg(class_attribute(class, word) == a, "%s", a->name);
			for (size_t t = 0; t < sizeof taken / sizeof *taken; t++)
				ck_assert_str_ne(word, taken[t]);
			ck_assert_msg(a->syntax != PIB_OID || a->role == PIB_PRID,
				"%s: there is no way to write it", a->name);
		}
		for (other = class_next(NULL); other; other = class_next(other))
			extensions += class_extends(other) && other->base == class->id;
		ck_assert_uint_le(tags, 1);
		ck_assert_uint_le(extensions, 1);
		ck_assert(!class_extends(class) || class_of_element(pib_class(class->base)->name));
	}
}
END_TEST

static bool leads_to(const struct pib_class *from, const struct pib_class *to)
{
	for (size_t i = 0; i < from->attribute_count; i++) {
		const struct pib_attribute *a = &from->attributes[i];

		if ((a->role == PIB_REFERENCE || a->role == PIB_TAG_REFERENCE) &&
			a->target == to->id)
			return true;
		if (a->role == PIB_PRID && reference_may_lead_to(from, a, to))
			return true;
	}
	return false;
}

/* So that following them comes to an end; extensions belong to their base. */
START_TEST(references_have_no_circle)
{
	static bool reach[PIB_CLASS_COUNT][PIB_CLASS_COUNT];
	const struct pib_class *from, *to;

	for (from = class_next(NULL); from; from = class_next(from))
		for (to = class_next(NULL); to; to = class_next(to))
			if (leads_to(from, to))
				reach[from->base][to->id] = true;
	for (int via = 0; via < PIB_CLASS_COUNT; via++)
		for (int i = 0; i < PIB_CLASS_COUNT; i++)
			for (int k = 0; k < PIB_CLASS_COUNT; k++)
				reach[i][k] |= reach[i][via] && reach[via][k];
	for (int i = 0; i < PIB_CLASS_COUNT; i++)
		ck_assert_msg(!reach[i][i], "%s leads to itself",
			pib_class((enum pib_class_id)i)->name);
}
END_TEST

/* What is said in the manual of the classes: each attribute of the PIBs that may stand in a set has
 * one row, in the order of the schema, and there are no others. */
START_TEST(the_manual_has_a_row_for_each_attribute)
{
	struct buffer page;
	const struct pib_class *class = class_next(NULL);
	size_t attribute = 0;

	read_file(SOURCE_DIR "/doc/man/copsec-policy.5", &page);
	for (char *line = strtok(strstr(buffer_string(&page), ".Sh CLASSES"), "\n");
		line && strncmp(line, ".Sh EXAMPLES", 12) != 0; line = strtok(NULL, "\n")) {
		char word[CLASS_WORD_SIZE], expected[200];

		if (strncmp(line, ".It ", 4) != 0 || strncmp(line, ".It Em", 6) == 0)
			continue;
		ck_assert_msg(class != NULL, "too much: %s", line);
		if (class->attributes[attribute].role == PIB_INSTANCE)
			snprintf(word, sizeof word, "number");
		else
			class_word(class, &class->attributes[attribute], word);
		snprintf(expected, sizeof expected, ".It %s Ta Ic %s Ta ",
			class->attributes[attribute].name, word);
		ck_assert_msg(strncmp(line, expected, strlen(expected)) == 0,
			"there is \"%s\" for \"%s\"", line, expected);
		if (++attribute == class->attribute_count) {
			class = class_next(class);
			attribute = 0;
		}
	}
	ck_assert_msg(class == NULL, "%s is missing", class ? class->name : "");
	buffer_fini(&page);
}
END_TEST

/* --- the example with every class --- */

static void mark(const struct element *el, bool (*said)[PIB_ATTRIBUTES_MAX])
{
	const struct element *list = el->parent;

	for (size_t i = 0; i < el->attribute_count; i++)
		if (el->attributes[i].pib)
			said[el->class->id][el->attributes[i].pib->number - 1] = true;
	if (el->class && class_tag(el->class) && list && list->rule->kind == ELEMENT_LIST)
		said[el->class->id][class_tag(el->class)->number - 1] = true;
	for (const struct element *child = el->first_child; child; child = child->next)
		mark(child, said);
}

START_TEST(the_example_says_every_attribute)
{
	static bool said[PIB_CLASS_COUNT][PIB_ATTRIBUTES_MAX];
	const struct pib_class *class;
	struct policy_file f;
	struct error e;

	ck_assert_int_eq(policy_file_read(&f, SOURCE_DIR "/pmt/examples/classes.xml", &e), E_OK);
	ck_assert_uint_eq(f.diagnostics.errors, 0);
	mark(f.document.root, said);
	for (class = class_next(NULL); class; class = class_next(class))
		for (size_t k = 0; k < class->attribute_count; k++)
			ck_assert_msg(said[class->id][k] ||
					      class->attributes[k].role == PIB_INSTANCE,
				"%s is not said", class->attributes[k].name);
	policy_file_fini(&f);
}
END_TEST

/* --- values --- */

static const struct {
	const char *class, *word, *text, *shown; /* as pri_print_value() does; NULL: it is refused */
} values[] = {
	{"ipSecRule", "direction", "bi-directional", "bi-directional"},
	{"ipSecRule", "direction", "3", NULL},
	{"ipSecRule", "direction", "null:", "NULL"},
	{"ipSecRule", "autoStart", "yes", NULL},
	{"ipSecRule", "order", "65535", "65535"},
	{"ipSecRule", "order", "0065535", "65535"},
	{"ipSecRule", "order", "65536", NULL},
	{"ipSecRule", "order", "", NULL},
	{"ipSecRule", "order", " 5", NULL},
	{"ipSecRule", "roles", "a+b", "\"a+b\""},
	{"ipSecRule", "roles", "text:hex:00", "\"hex:00\""},
	{"ipSecRule", "roles", "hex:612b62", "\"a+b\""},
	{"ipSecRule", "roles", "hex:6", NULL},
	{"ipSecSelector", "dscp", "-1", "-1"},
	{"ipSecSelector", "dscp", "-2", NULL},
	{"ipSecSelector", "protocol", "-1", NULL},
	{"ipSecStaticAction", "spi", "4294967295", "4294967295"},
	{"ipSecStaticAction", "spi", "4294967296", NULL},
	{"ipSecStaticAction", "lifetimeSeconds", "90m", "5400"},
	{"ipSecStaticAction", "lifetimeSeconds", "9999999999d", NULL},
	{"ipSecStaticAction", "lifetimeKilobytes", "18446744073709551615", "18446744073709551615"},
	{"ipSecStaticAction", "lifetimeKilobytes", "18446744073709551616", NULL},
	{"ipSecStaticAction", "lifetimeKilobytes", "5m", NULL},
	{"ipSecAssociation", "granularity", "port subnet", "{subnet port}"},
	{"ipSecAssociation", "granularity", "", "{}"},
	{"ipSecAssociation", "granularity", "subnet,port", NULL},
	{"ipSecAssociation", "dhGroup", "ecp384", "20"},
	{"ipSecAssociation", "dhGroup", "x25519", NULL}, /* IKEv1 has no number for it */
	{"copsecEspTransform", "group", "x25519", "31"},
	{"copsecIkeProposal", "prf", "sha512", "7"},
	{"copsecIkeProposal", "integrity", "sha512", "14"},
	{"ipSecEspTransform", "cipherTransformId", "aes256gcm16", "20"},
	{"ipSecEspTransform", "integrityTransformId", "aes256gcm16", NULL},
	{"ipSecAddress", "addrMin", "192.0.2.1", "192.0.2.1"},
	{"ipSecAddress", "addrMin", "2001:db8::1", "2001:db8::1"},
	{"ipSecAddress", "addrMin", "192.0.2.0/24", NULL},
	{"ipSecAddress", "addrMin", "192.0.2.1-192.0.2.2", NULL},
	{"ipSecAddress", "addrMin", "www.example", NULL},
	{"ipSecIkeAssociation", "vendorId", "0aFF", "0x0aff"},
	{"ipSecIkeAssociation", "vendorId", "0a F", NULL},
	{"ipSecIkeAssociation", "vendorId", "text:ab", "\"ab\""},
	{"copsecCredential", "key", "00", NULL},
	{"copsecCredential", "key",
		"sha256:00000000000000000000000000000000000000000000000000000000000000ff",
		"0x00000000000000000000000000000000000000000000000000000000000000ff"},
	{"ipSecRule", "roles", "sha256:00", "\"sha256:00\""},
	{"copsecPeerKey", "notAfter", "1970-01-02T00:00:01Z", "86401"},
	{"copsecPeerKey", "notAfter", "1970-02-30T00:00:01Z", NULL},
	{"copsecPeerKey", "notAfter", "86401", "86401"},
};
enum { VALUES = sizeof values / sizeof *values };

static void set(struct pri *pri, const struct pib_attribute *a, const struct notation *n)
{
	struct pri_value *v = &pri->values[a->number - 1];

	v->state = n->kind == NOTATION_IS_NULL ? PRI_NULL : PRI_SET;
	if (n->kind == NOTATION_IS_OCTETS)
		v->octets = n->octets;
	else
		v->natural = n->number;
}

START_TEST(values_are_read_and_written)
{
	const struct pib_class *class = class_of_element(values[_i].class);
	const struct pib_attribute *a = class_attribute(class, values[_i].word);
	struct notation n, back;
	struct buffer shown, text;
	struct arena arena;
	struct pri pri;
	struct error e;

	arena_init(&arena, 1 << 20);
	buffer_init(&shown, 1000);
	buffer_init(&text, 1000);
	if (notation_read(a, values[_i].text, &arena, &n, &e)) {
		ck_assert_msg(values[_i].shown == NULL, "%s: %s", values[_i].text, e.text);
	} else {
		ck_assert_msg(values[_i].shown != NULL, "%s \"%s\"", a->name, values[_i].text);
		pri_init(&pri, class->id, 1);
		set(&pri, a, &n);
		pri_print_value(&shown, &pri, a->number);
		ck_assert_str_eq(buffer_string(&shown), values[_i].shown);
		notation_write(&pri, a->number, &text);
		ck_assert_int_eq(notation_read(a, buffer_string(&text), &arena, &back, &e), E_OK);
		ck_assert_int_eq(n.kind, back.kind);
		ck_assert_uint_eq(n.number, back.number);
		ck_assert(view_equal(n.octets, back.octets));
	}
	buffer_fini(&shown);
	buffer_fini(&text);
	arena_fini(&arena);
}
END_TEST

/* Octets come back whatever they are. */
START_TEST(all_texts_come_back)
{
	static const char *const attributes[][2] = {{"ipSecRule", "roles"},
		{"ipSecIkeAssociation", "vendorId"}, {"ipSecAddress", "addrMin"}};
	static const char *const starts[] = {"", "hex:", "text:", "null:", "file:"};
	uint64_t state = random_start();

	for (int round = 0; round < 3000; round++) {
		const size_t which = random_below(&state, 3);
		const struct pib_class *class = class_of_element(attributes[which][0]);
		const struct pib_attribute *a = class_attribute(class, attributes[which][1]);
		const char *start = starts[random_below(&state, 5)];
		uint8_t octets[40];
		size_t len = strlen(start);
		struct notation back;
		struct buffer text;
		struct arena arena;
		struct pri pri;
		struct error e;

		memcpy(octets, start, len);
		for (size_t rest = random_below(&state, 30); rest; rest--)
			octets[len++] = (uint8_t)random_below(&state, round % 2 ? 256 : 128);
		pri_init(&pri, class->id, 1);
		pri_set_octets(&pri, a->number, VIEW(octets, len));
		buffer_init(&text, 1000);
		arena_init(&arena, 1 << 20);
		notation_write(&pri, a->number, &text);
		ck_assert_int_eq(notation_read(a, buffer_string(&text), &arena, &back, &e), E_OK);
		ck_assert_msg(view_equal(back.octets, VIEW(octets, len)), "%s",
			buffer_string(&text));
		buffer_fini(&text);
		arena_fini(&arena);
	}
}
END_TEST

/* --- of one mind with RELAX NG --- */

static bool structure_is_right(struct view text)
{
	char folder[] = "/tmp/copsec-policy-XXXXXX";
	struct diagnostics d;
	struct document doc;
	struct error e;
	bool right;
	FILE *out;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	out = fopen("p.xml", "we");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(text.data, 1, text.len, out), text.len);
	ck_assert_int_eq(fclose(out), 0);
	diagnostics_init(&d);
	document_init(&doc);
	ck_assert_int_eq(document_read(&doc, "p.xml", &d, &e), E_OK);
	ck_assert_uint_eq(d.errors, 0);
	grammar_check(doc.root, &d);
	right = d.errors == 0;
	document_fini(&doc);
	diagnostics_fini(&d);
	unlink("p.xml");
	rmdir(folder);
	return right;
}

static void be_silent(void *user, xmlErrorPtr error)
{
	(void)user;
	(void)error;
}

static bool schema_takes(xmlRelaxNGPtr schema, struct view text)
{
	xmlDocPtr doc = xmlReadMemory((const char *)text.data, (int)text.len, "p.xml", NULL, 0);
	xmlRelaxNGValidCtxtPtr valid = xmlRelaxNGNewValidCtxt(schema);
	int result;

	ck_assert_ptr_nonnull(doc);
	ck_assert_ptr_nonnull(valid);
	xmlRelaxNGSetValidStructuredErrors(valid, be_silent, NULL);
	result = xmlRelaxNGValidateDoc(valid, doc);
	ck_assert_int_ge(result, 0);
	xmlRelaxNGFreeValidCtxt(valid);
	xmlFreeDoc(doc);
	return result == 0;
}

/* Attributes of a text: where its name begins, its value, and behind it. */
struct span {
	size_t name, value, end;
};

static size_t find_attributes(struct view text, struct span *ret, size_t most)
{
	size_t count = 0;

	for (size_t i = 1; i + 2 < text.len && count < most; i++) {
		struct span s;

		if (text.data[i] != '=' || text.data[i + 1] != '"')
			continue;
		s.value = i + 2;
		for (s.name = i; text.data[s.name - 1] > ' '; s.name--)
			continue;
		for (s.end = s.value; text.data[s.end] != '"'; s.end++)
			continue;
		if (memcmp(text.data + s.name, "xmlns", 5) != 0)
			ret[count++] = s;
		i = s.end;
	}
	return count;
}

static void put_range(struct buffer *out, struct view text, size_t from, size_t to)
{
	buffer_put(out, text.data + from, to - from);
}

/* One change: a value becomes another's or a word, an attribute another's, or it is left out. */
static void mutate(struct view text, const struct span *spans, size_t count, uint64_t *state,
	struct buffer *out)
{
	static const char *const words[] = {"", "none", "null:", "0", "1", "-1", "65536", "true",
		"in", "subnet", "aes256gcm16", "ecp384", "8h", "hex:00", "hex:0", "text:x", " 5",
		"5 ", "+5", "007", "2026-01-31T12:00:00Z", "192.0.2.1", "2001:db8::1", "copy",
		"99999999999999999999", "a b", "yes", "a:b", "1048576"};
	const struct span *at = &spans[random_below(state, count)];
	const struct span *other = &spans[random_below(state, count)];

	put_range(out, text, 0, at->name);
	switch (random_below(state, 4)) {
	case 0:
		put_range(out, text, at->name, at->value);
		put_range(out, text, other->value, other->end);
		put_range(out, text, at->end, text.len);
		break;
	case 1:
		put_range(out, text, at->name, at->value);
		buffer_put_text(out, "%s",
			words[random_below(state, sizeof words / sizeof *words)]);
		put_range(out, text, at->end, text.len);
		break;
	case 2:
		put_range(out, text, other->name, other->value);
		put_range(out, text, at->value, text.len);
		break;
	default:
		put_range(out, text, at->end + 1, text.len);
	}
}

/* Must it be there? Of an optional attribute a few are enough: libxml2 needs four times the time for
 * each more. */
static bool is_needed(const struct element *el, const struct attribute *a)
{
	const struct pib_attribute *tag = el->class ? class_tag(el->class) : NULL;

	if (a->pib)
		return a->pib == tag ||
		       class_absence(el->class, a->pib).kind == ABSENT_REQUIRED;
	return a->rule && a->rule->required;
}

static void put_element(const struct element *el, uint64_t *state, struct buffer *out)
{
	enum { SOME = 5 };
	size_t kept = 0;

	buffer_put_text(out, "<%s", el->name);
	for (size_t i = 0; i < el->attribute_count; i++) {
		const struct attribute *a = &el->attributes[i];

		if (is_needed(el, a) || (kept < SOME && random_below(state, 2))) {
			kept += !is_needed(el, a);
			buffer_put_text(out, " %s=\"%s\"", a->name, a->value);
		}
	}
	buffer_put_text(out, ">");
	for (const struct element *child = el->first_child; child; child = child->next)
		put_element(child, state, out);
	buffer_put_text(out, "</%s>", el->name);
}

static void put_alone(const struct element *el, uint64_t *state, struct buffer *out)
{
	const bool rule = el->class && el->class->id == PIB_ipSecRule;

	buffer_put_text(out, "<policy xmlns=\"" POLICY_NAMESPACE "\" tenant=\"acme\">%s",
		rule ? "<rules for=\"a\">" : "<pib>");
	put_element(el, state, out);
	buffer_put_text(out, "%s</policy>", rule ? "</rules>" : "</pib>");
}

struct minds {
	xmlRelaxNGPtr schema;
	uint64_t state;
	size_t right, wrong;
};

static void compare(struct minds *m, struct view text, int rounds)
{
	enum { SPANS_MAX = 2000 };
	static struct span spans[SPANS_MAX];
	const size_t count = find_attributes(text, spans, SPANS_MAX);

	ck_assert_msg(structure_is_right(text) && schema_takes(m->schema, text), "%.*s",
		(int)text.len, (const char *)text.data);
	while (rounds-- > 0) {
		struct buffer changed;
		xmlDocPtr doc;
		bool ours;

		buffer_init(&changed, 1 << 20);
		mutate(text, spans, count, &m->state, &changed);
		doc = xmlReadMemory((const char *)changed.data, (int)changed.len, "p.xml", NULL,
			XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
		/* Twice the same attribute is no XML. */
		if (doc) {
			ours = structure_is_right(buffer_view(&changed));
			ck_assert_msg(ours == schema_takes(m->schema, buffer_view(&changed)),
				"%s says the schema, %s say we:\n%s", ours ? "no" : "yes",
				ours ? "yes" : "no", buffer_string(&changed));
			m->right += ours;
			m->wrong += !ours;
		}
		xmlFreeDoc(doc);
		buffer_fini(&changed);
	}
}

START_TEST(the_schema_and_we_are_of_one_mind)
{
	xmlRelaxNGParserCtxtPtr parser =
		xmlRelaxNGNewParserCtxt(SOURCE_DIR "/pmt/policy.rng");
	struct minds m = {.schema = xmlRelaxNGParse(parser), .state = random_start()};
	struct policy_file f;
	struct error e;

	ck_assert_ptr_nonnull(m.schema);
	ck_assert_int_eq(policy_file_read(&f, SOURCE_DIR "/pmt/examples/classes.xml", &e), E_OK);
	for (const struct element *part = f.document.root->first_child; part; part = part->next)
		for (const struct element *el = part->first_child; el; el = el->next) {
			struct buffer alone;

			if (!el->class && el->rule->kind != ELEMENT_LIST)
				continue;
			for (int round = 0; round < 20; round++) {
				buffer_init(&alone, 1 << 16);
				put_alone(el, &m.state, &alone);
				compare(&m, buffer_view(&alone), 4);
				buffer_fini(&alone);
			}
		}
	policy_file_fini(&f);
	ck_assert_uint_gt(m.right, 100);
	ck_assert_uint_gt(m.wrong, 100);
	xmlRelaxNGFree(m.schema);
	xmlRelaxNGFreeParserCtxt(parser);
	xmlCleanupParser();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pmt-rows");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, words_are_unambiguous);
	tcase_add_test(tc, references_have_no_circle);
	tcase_add_test(tc, the_manual_has_a_row_for_each_attribute);
	tcase_add_test(tc, the_example_says_every_attribute);
	tcase_add_loop_test(tc, values_are_read_and_written, 0, VALUES);
	tcase_add_test(tc, all_texts_come_back);
	tcase_add_test(tc, the_schema_and_we_are_of_one_mind);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
