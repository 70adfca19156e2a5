/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/notation.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pib/schema/check.h"
#include "pmt/language/value.h"

#define PIN_PREFIX "sha256:"

enum { NAME_MAX_OCTETS = 63, SHOWN_MAX = 60, LABELS_TEXT_MAX = 400, TIME_LENGTH = 20 };

/* --- algorithms --- */

enum registry { REGISTRY_IKEV2, REGISTRY_PRF, REGISTRY_DOI, REGISTRY_IKEV1 };

/* In which registry the numbers of an attribute stand, by its textual convention and how its name
 * ends. */
static const struct numbering {
	const char *type, *ending;
	enum algorithm_kind kind;
	enum registry registry;
} numberings[] = {
	{"CopsecIkeNumber", "Encryption", ALGORITHM_ENCRYPTION, REGISTRY_IKEV2},
	{"CopsecIkeNumber", "Integrity", ALGORITHM_INTEGRITY, REGISTRY_IKEV2},
	{"CopsecIkeNumber", "Prf", ALGORITHM_INTEGRITY, REGISTRY_PRF},
	{"CopsecIkeNumber", "Group", ALGORITHM_GROUP, REGISTRY_IKEV2},
	{"IpsecDoiEspTransform", "", ALGORITHM_ENCRYPTION, REGISTRY_DOI},
	{"IpsecDoiAuthAlgorithm", "", ALGORITHM_INTEGRITY, REGISTRY_DOI},
	{"IkeEncryptionAlgorithm", "", ALGORITHM_ENCRYPTION, REGISTRY_IKEV1},
	{"IkeHashAlgorithm", "", ALGORITHM_INTEGRITY, REGISTRY_IKEV1},
	{"IkeGroupDescription", "", ALGORITHM_GROUP, REGISTRY_IKEV1},
};

/* RFC 9370's hybrids: what algorithms.h does not know and is newer than all of it. */
enum { ML_KEM_512 = 35, ML_KEM_1024 = 37 };

static bool ends_with(const char *name, const char *ending)
{
	size_t length = strlen(name), tail = strlen(ending);

	return length >= tail && strcmp(name + length - tail, ending) == 0;
}

static const struct numbering *numbering_of(const struct pib_attribute *a)
{
	for (size_t i = 0; i < sizeof numberings / sizeof *numberings; i++)
		if (strcmp(a->type, numberings[i].type) == 0 &&
			ends_with(a->name, numberings[i].ending))
			return &numberings[i];
	return NULL;
}

static uint32_t number_in(const struct algorithm *a, enum registry registry)
{
	switch (registry) {
	case REGISTRY_PRF:
		return a->prf;
	case REGISTRY_DOI:
		return a->doi;
	case REGISTRY_IKEV1:
		return a->ikev1;
	default:
		return a->number;
	}
}

bool notation_has_algorithm(const struct pib_attribute *a, const struct algorithm *algorithm)
{
	const struct numbering *n = numbering_of(a);

	return n && n->kind == algorithm->kind && number_in(algorithm, n->registry);
}

bool notation_is_old(const struct pib_attribute *a, uint64_t number)
{
	const struct numbering *n = numbering_of(a);
	const struct algorithm *known;

	if (!n || number == 0)
		return false;
	for (size_t i = 0; (known = algorithm_at(i)); i++)
		if (known->kind == n->kind && number_in(known, n->registry) == number)
			return known->old;
	return !(n->kind == ALGORITHM_GROUP && n->registry == REGISTRY_IKEV2 &&
		 number >= ML_KEM_512 && number <= ML_KEM_1024);
}

/* True if the word is the name of one that has a number there. */
static bool read_algorithm(const struct pib_attribute *a, const char *text, struct notation *ret)
{
	const struct numbering *n = numbering_of(a);
	const struct algorithm *known =
		n ? algorithm_find(n->kind, view_of_string(text)) : NULL;

	if (!known || !notation_has_algorithm(a, known))
		return false;
	*ret = (struct notation){.kind = NOTATION_IS_NUMBER,
		.number = number_in(known, n->registry),
		.algorithm = known};
	return true;
}

/* --- numbers --- */

/* A point of it, in seconds since 1970. */
static bool is_time(const struct pib_attribute *a)
{
	return strcmp(a->type, "CopsecTime") == 0;
}

bool notation_is_seconds(const struct pib_attribute *a)
{
	return strcmp(a->units, "seconds") == 0 && !is_time(a);
}

static bool is_signed(const struct pib_attribute *a)
{
	return a->syntax == PIB_INTEGER32 || a->syntax == PIB_INTEGER64;
}

static bool valid_number(const struct pib_attribute *a, uint64_t number)
{
	return is_signed(a) ? pib_signed_valid(a, (int64_t)number) : pib_unsigned_valid(a, number);
}

/* Digits, after a minus sign if the attribute has one. */
static bool read_decimal(const struct pib_attribute *a, const char *text, uint64_t *ret)
{
	const bool negative = *text == '-' && is_signed(a);
	const char *p = text + negative;
	uint64_t n = 0;

	if (!*p)
		return false;
	for (; *p; p++) {
		const uint64_t digit = (uint64_t)(*p - '0');

		if (*p < '0' || *p > '9' || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (is_signed(a) && n > INT64_MAX)
		return false;
	*ret = negative ? 0 - n : n;
	return true;
}

/* 2026-01-31T12:00:00Z as seconds since 1970. */
static bool read_time(const char *text, uint64_t *ret)
{
	struct tm tm = {0}, back;
	time_t t;
	char same[TIME_LENGTH + 1];
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end || strlen(text) != TIME_LENGTH)
		return false;
	t = timegm(&tm);
	/* What was put right by timegm() was no date. */
	if (t < 0 || !gmtime_r(&t, &back) ||
		strftime(same, sizeof same, "%Y-%m-%dT%H:%M:%SZ", &back) != TIME_LENGTH ||
		strcmp(same, text) != 0)
		return false;
	*ret = (uint64_t)t;
	return true;
}

/* "0 to 65535", "1 to 5 or 7" */
static void put_ranges(const struct pib_attribute *a, struct buffer *out)
{
	for (size_t i = 0; i < a->range_count; i++) {
		const struct pib_range *r = &a->ranges[i];

		buffer_put_text(out, "%s", i ? " or " : "");
		if (is_signed(a))
			buffer_put_text(out, "%" PRId64, (int64_t)r->least);
		else
			buffer_put_text(out, "%" PRIu64, r->least);
		if (r->greatest == r->least)
			continue;
		if (is_signed(a))
			buffer_put_text(out, " to %" PRId64, (int64_t)r->greatest);
		else
			buffer_put_text(out, " to %" PRIu64, r->greatest);
	}
}

static enum err bad_number(const struct pib_attribute *a, const char *text, struct error *e)
{
	struct buffer ranges;

	buffer_init(&ranges, LABELS_TEXT_MAX);
	put_ranges(a, &ranges);
	if (!ranges.len)
		buffer_put_text(&ranges, "%s",
			a->syntax == PIB_UNSIGNED64   ? "0 to 18446744073709551615"
			: a->syntax == PIB_UNSIGNED32 ? "0 to 4294967295"
						      : "-2147483648 to 2147483647");
	error_set(e, E_RANGE, "\"%.*s\" is not a number from %s%s", SHOWN_MAX, text,
		buffer_string(&ranges),
		numbering_of(a) ? ", nor the name of an algorithm with a number "
						  "here"
		: notation_is_seconds(a) ? ", nor a time like 90s, 15m, 8h or 30d"
		: is_time(a)             ? ", nor a time like 2026-01-31T12:00:00Z"
					 : "");
	buffer_fini(&ranges);
	return E_RANGE;
}

static enum err read_number(
	const struct pib_attribute *a, const char *text, struct notation *ret, struct error *e)
{
	uint64_t n = 0;
	uint32_t seconds;
	struct error ignored;
	bool good = read_decimal(a, text, &n);

	if (!good && read_algorithm(a, text, ret))
		return E_OK;
	if (!good && notation_is_seconds(a) &&
		!parse_duration(view_of_string(text), &seconds, &ignored)) {
		n = seconds;
		good = true;
	}
	if (!good && is_time(a))
		good = read_time(text, &n);
	if (!good || !valid_number(a, n))
		return bad_number(a, text, e);
	*ret = (struct notation){.kind = NOTATION_IS_NUMBER, .number = n};
	return E_OK;
}

/* --- labels --- */

static bool find_label(const struct pib_attribute *a, struct view word, int32_t *ret)
{
	for (size_t i = 0; i < a->label_count; i++)
		if (view_equal(word, view_of_string(a->labels[i].name))) {
			*ret = a->labels[i].number;
			return true;
		}
	return false;
}

static enum err bad_label(const struct pib_attribute *a, struct view word, struct error *e)
{
	struct buffer labels;

	buffer_init(&labels, LABELS_TEXT_MAX);
	for (size_t i = 0; i < a->label_count; i++)
		buffer_put_text(&labels, "%s%s", i ? ", " : "", a->labels[i].name);
	error_set(e, E_UNKNOWN, "\"%.*s\" is not one of %s",
		(int)(word.len > SHOWN_MAX ? SHOWN_MAX : word.len), (const char *)word.data,
		labels.error ? "its words" : buffer_string(&labels));
	buffer_fini(&labels);
	return E_UNKNOWN;
}

static enum err read_labels(
	const struct pib_attribute *a, const char *text, struct notation *ret, struct error *e)
{
	struct view rest = view_of_string(text), word;
	uint64_t bits = 0;
	int32_t number;

	while ((word = next_word(&rest)).len) {
		if (!find_label(a, word, &number))
			return bad_label(a, word, e);
		bits |= UINT64_C(1) << number;
	}
	*ret = (struct notation){.kind = NOTATION_IS_NUMBER, .number = bits};
	return E_OK;
}

/* --- octets --- */

static const struct {
	const char *prefix;
	enum pib_format format;
	bool file;
} forms[] = {
	{"hex:", PIB_FORMAT_HEX, false},
	{"text:", PIB_FORMAT_TEXT, false},
	{"file:", PIB_FORMAT_TEXT, true},
	/* For who asks whether a text may stand as it is. */
	{NOTATION_NULL, PIB_FORMAT_TEXT, false},
};

static bool begins_with_form(struct view text)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (text.len >= strlen(forms[i].prefix) &&
			memcmp(text.data, forms[i].prefix, strlen(forms[i].prefix)) == 0)
			return true;
	return false;
}

static enum err read_hex(const char *text, struct arena *arena, struct view *ret, struct error *e)
{
	size_t len = strlen(text);
	uint8_t *octets;

	if (len % 2 || len / 2 > NOTATION_OCTETS_MAX)
		return error_set(e, E_SYNTAX, "\"%.*s\" is not an even number of hex digits",
			SHOWN_MAX, text);
	octets = arena_alloc(arena, len / 2 + 1);
	if (!octets)
		return error_set(e, E_MEMORY, "out of memory");
	if (!hex_decode(octets, len / 2, text))
		return error_set(e, E_SYNTAX, "\"%.*s\" is not hex digits", SHOWN_MAX, text);
	*ret = VIEW(octets, len / 2);
	return E_OK;
}

static enum err read_address(
	const char *text, struct arena *arena, struct view *ret, struct error *e)
{
	struct address_range a;
	struct view word = view_of_string(text);

	if (*text == '\0') {
		*ret = VIEW_NONE;
		return E_OK;
	}
	if (parse_address(word, &a, e) || !address_is_single(&a) || strchr(text, '/'))
		return error_set(e, E_SYNTAX, "\"%.*s\" is not an address", SHOWN_MAX, text);
	*ret = arena_copy(arena, VIEW(a.min, a.family == FAMILY_IPV6 ? 16 : 4));
	return ret->data ? E_OK : error_set(e, E_MEMORY, "out of memory");
}

enum err notation_check_size(const struct pib_attribute *a, size_t size, struct error *e)
{
	struct buffer sizes;

	if (size <= NOTATION_OCTETS_MAX && pib_size_valid(a, size))
		return E_OK;
	buffer_init(&sizes, LABELS_TEXT_MAX);
	put_ranges(a, &sizes);
	error_set(e, E_LENGTH, "these are %zu octets; there may be %s", size,
		sizes.len ? buffer_string(&sizes) : "49152 at most");
	buffer_fini(&sizes);
	return E_LENGTH;
}

static enum err check_path(const char *path, struct error *e)
{
	return *path && *path != '/' ? E_OK
				     : error_set(e, E_SYNTAX,
					       "\"%.*s\" is not the path of a file, relative to the "
					       "policy's folder",
					       SHOWN_MAX, path);
}

static enum err read_octets(const struct pib_attribute *a, const char *text, struct arena *arena,
	struct notation *ret, struct error *e)
{
	enum pib_format format = a->format;
	bool written = false;
	enum err code = E_OK;

	*ret = (struct notation){.kind = NOTATION_IS_OCTETS};
	/* As pins are written. */
	if (format == PIB_FORMAT_HEX && strncmp(text, PIN_PREFIX, strlen(PIN_PREFIX)) == 0)
		text += strlen(PIN_PREFIX);
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const size_t prefix = strlen(forms[i].prefix);

		if (strncmp(text, forms[i].prefix, prefix) != 0)
			continue;
		text += prefix;
		format = forms[i].format;
		written = true;
		if (!forms[i].file)
			break;
		ret->kind = NOTATION_IS_FILE;
		ret->octets = view_of_string(text);
		return check_path(text, e);
	}
	if (format == PIB_FORMAT_TEXT)
		ret->octets = view_of_string(text);
	else if (format == PIB_FORMAT_ADDRESS && !written)
		code = read_address(text, arena, &ret->octets, e);
	else
		code = read_hex(text, arena, &ret->octets, e);
	return code ? code : notation_check_size(a, ret->octets.len, e);
}

/* --- */

bool notation_is_reference(const struct pib_attribute *a)
{
	return a->role == PIB_REFERENCE || a->role == PIB_TAG || a->role == PIB_TAG_REFERENCE ||
	       a->role == PIB_PRID;
}

enum err notation_read(const struct pib_attribute *a, const char *text, struct arena *arena,
	struct notation *ret, struct error *e)
{
	int32_t number;

	if (strcmp(text, NOTATION_NULL) == 0 && a->role != PIB_TAG) {
		*ret = (struct notation){.kind = NOTATION_IS_NULL};
		return E_OK;
	}
	if (notation_is_reference(a)) {
		*ret = (struct notation){.kind = NOTATION_IS_NAME, .octets = view_of_string(text)};
		if (a->role != PIB_TAG && strcmp(text, NOTATION_NONE) == 0)
			ret->kind = NOTATION_IS_NONE;
		return parse_name(ret->octets, NAME_MAX_OCTETS, e);
	}
	switch (a->syntax) {
	case PIB_ENUMERATION:
		if (!find_label(a, view_of_string(text), &number))
			return bad_label(a, view_of_string(text), e);
		*ret = (struct notation){
			.kind = NOTATION_IS_NUMBER, .number = (uint64_t)(int64_t)number};
		return E_OK;
	case PIB_BITS:
		return read_labels(a, text, ret, e);
	case PIB_OCTETS:
		return read_octets(a, text, arena, ret, e);
	case PIB_OID:
		return error_set(e, E_UNSUPPORTED, "an OBJECT IDENTIFIER that names no row");
	default:
		return read_number(a, text, ret, e);
	}
}

/* --- writing --- */

/* Can stand in an attribute's quotes, whatever is done to blanks there. */
static bool is_clean(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return false;
	return !begins_with_form(text);
}

static void write_hex(struct view octets, struct buffer *out)
{
	for (size_t i = 0; i < octets.len; i++)
		buffer_put_text(out, "%02x", octets.data[i]);
}

static void write_octets(const struct pib_attribute *a, struct view octets, struct buffer *out)
{
	char text[INET6_ADDRSTRLEN];

	if (a->format == PIB_FORMAT_HEX) {
		write_hex(octets, out);
	} else if (a->format == PIB_FORMAT_TEXT && is_clean(octets)) {
		buffer_put_view(out, octets);
	} else if (a->format == PIB_FORMAT_ADDRESS && (octets.len == 4 || octets.len == 16)) {
		inet_ntop(octets.len == 4 ? AF_INET : AF_INET6, octets.data, text, sizeof text);
		buffer_put_text(out, "%s", text);
	} else if (octets.len) {
		buffer_put_text(out, "hex:");
		write_hex(octets, out);
	}
}

void notation_write(const struct pri *pri, unsigned attribute, struct buffer *out)
{
	const struct pib_attribute *a = pib_attribute(pri->class, attribute);
	const char *between = "";

	if (!pri_has(pri, attribute)) {
		buffer_put_text(out, NOTATION_NULL);
		return;
	}
	switch (a->syntax) {
	case PIB_INTEGER32:
		buffer_put_text(out, "%" PRId32, pri_i32(pri, attribute));
		break;
	case PIB_ENUMERATION:
		buffer_put_text(out, "%s", pib_label(a, pri_i32(pri, attribute)));
		break;
	case PIB_INTEGER64:
		buffer_put_text(out, "%" PRId64, pri_i64(pri, attribute));
		break;
	case PIB_UNSIGNED32:
		buffer_put_text(out, "%" PRIu32, pri_u32(pri, attribute));
		break;
	case PIB_UNSIGNED64:
		buffer_put_text(out, "%" PRIu64, pri_u64(pri, attribute));
		break;
	case PIB_BITS:
		for (size_t i = 0; i < a->label_count; i++)
			if (pri_bits(pri, attribute) >> a->labels[i].number & 1) {
				buffer_put_text(out, "%s%s", between, a->labels[i].name);
				between = " ";
			}
		break;
	case PIB_OCTETS:
		write_octets(a, pri_octets(pri, attribute), out);
		break;
	case PIB_OID: /* all that may stand in a set are references */
		break;
	}
}
