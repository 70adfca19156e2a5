/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 128, PORT_MAX = 65535, PROTOCOL_MAX = 254, DSCP_MAX = 63 };

struct named_number {
	const char *name;
	uint8_t number;
};

/* IANA protocol numbers that people write as words. */
static const struct named_number protocols[] = {
	{"icmp", 1},
	{"igmp", 2},
	{"tcp", 6},
	{"udp", 17},
	{"dccp", 33},
	{"gre", 47},
	{"esp", 50},
	{"ah", 51},
	{"icmpv6", 58},
	{"ospf", 89},
	{"pim", 103},
	{"vrrp", 112},
	{"sctp", 132},
	{"udplite", 136},
};

struct view next_word(struct view *rest)
{
	struct view word;

	while (rest->len && strchr(" \t\r\n", rest->data[0]))
		*rest = VIEW(rest->data + 1, rest->len - 1);
	word = VIEW(rest->data, 0);
	while (word.len < rest->len && !strchr(" \t\r\n", rest->data[word.len]))
		word.len++;
	/* Of nothing, there is no address to add to. */
	if (word.len)
		*rest = VIEW(rest->data + word.len, rest->len - word.len);
	return word;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* For messages: a word is shown, but not a novel. */
static int shown(struct view word)
{
	return word.len > 60 ? 60 : (int)word.len;
}

enum err parse_number(struct view word, uint32_t max, uint32_t *ret, struct error *e)
{
	uint64_t n = 0;

	if (word.len == 0 || word.len > 10)
		goto bad;
	for (size_t i = 0; i < word.len; i++) {
		if (!is_digit(word.data[i]))
			goto bad;
		n = n * 10 + (uint64_t)(word.data[i] - '0');
	}
	if (n > max)
		goto bad;
	*ret = (uint32_t)n;
	return E_OK;
bad:
	return error_set(e, E_RANGE, "\"%.*s\" is not a number from 0 to %u", shown(word),
		(const char *)word.data, max);
}

static bool parse_one_address(struct view word, enum ip_family *family, uint8_t octets[16])
{
	char text[WORD_MAX];

	if (word.len == 0 || word.len >= sizeof text)
		return false;
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	memset(octets, 0, 16);
	*family = memchr(word.data, ':', word.len) ? FAMILY_IPV6 : FAMILY_IPV4;
	return inet_pton(*family == FAMILY_IPV6 ? AF_INET6 : AF_INET, text, octets) == 1;
}

static uint8_t family_bits(enum ip_family family)
{
	return family == FAMILY_IPV6 ? 128 : 32;
}

/* Octet i of the mask of a prefix. */
static uint8_t mask_octet(uint8_t prefix_length, size_t i)
{
	unsigned before = (unsigned)i * 8;

	if (prefix_length >= before + 8)
		return 0xff;
	if (prefix_length <= before)
		return 0;
	return (uint8_t)(0xff << (8 - (prefix_length - before)));
}

static bool has_host_bits(const struct address_range *a)
{
	for (size_t i = 0; i < family_bits(a->family) / 8u; i++)
		if (a->min[i] & (uint8_t)~mask_octet(a->prefix_length, i))
			return true;
	return false;
}

static enum err parse_prefix_length(struct view word, struct address_range *a, struct error *e)
{
	struct view digits = word;
	const uint8_t *slash = memchr(word.data, '/', word.len);
	uint32_t length;
	struct address_range whole;
	struct buffer right;

	digits = VIEW(slash + 1, word.len - (size_t)(slash + 1 - word.data));
	if (parse_number(digits, family_bits(a->family), &length, e))
		return error_set(e, E_RANGE,
			"the prefix length of \"%.*s\" is not a number from 0 to %u", shown(word),
			(const char *)word.data, family_bits(a->family));
	a->prefix_length = (uint8_t)length;
	if (!has_host_bits(a))
		return E_OK;
	whole = *a;
	for (size_t i = 0; i < sizeof whole.min; i++)
		whole.min[i] = whole.max[i] = whole.min[i] & mask_octet(a->prefix_length, i);
	buffer_init(&right, WORD_MAX);
	print_address(&whole, &right);
	error_set(e, E_RANGE, "\"%.*s\" has bits beyond its prefix; did you mean %s?", shown(word),
		(const char *)word.data, buffer_string(&right));
	buffer_fini(&right);
	return E_RANGE;
}

enum err parse_address(struct view word, struct address_range *ret, struct error *e)
{
	struct address_range a = {0};
	const uint8_t *dash = memchr(word.data, '-', word.len);
	const uint8_t *slash = memchr(word.data, '/', word.len);
	size_t first = dash    ? (size_t)(dash - word.data)
		       : slash ? (size_t)(slash - word.data)
			       : word.len;
	enum ip_family family;

	if (!parse_one_address(VIEW(word.data, first), &a.family, a.min))
		return error_set(e, E_SYNTAX, "\"%.*s\" is not an address, a prefix or a range",
			shown(word), (const char *)word.data);
	memcpy(a.max, a.min, sizeof a.max);
	a.prefix_length = family_bits(a.family);
	if (dash) {
		if (!parse_one_address(VIEW(dash + 1, word.len - first - 1), &family, a.max) ||
			family != a.family || memcmp(a.min, a.max, sizeof a.min) > 0)
			return error_set(e, E_SYNTAX, "\"%.*s\" is not a range of addresses",
				shown(word), (const char *)word.data);
	} else if (slash && parse_prefix_length(word, &a, e)) {
		return e->code;
	}
	*ret = a;
	return E_OK;
}

bool address_is_single(const struct address_range *a)
{
	return a->prefix_length == family_bits(a->family) && memcmp(a->min, a->max, 16) == 0;
}

void address_bounds(const struct address_range *a, uint8_t first[16], uint8_t last[16])
{
	memcpy(first, a->min, 16);
	memcpy(last, a->max, 16);
	for (size_t i = 0; i < family_bits(a->family) / 8u; i++) {
		first[i] &= mask_octet(a->prefix_length, i);
		last[i] |= (uint8_t)~mask_octet(a->prefix_length, i);
	}
}

struct address_range address_between(
	enum ip_family family, const uint8_t first[16], const uint8_t last[16])
{
	const uint8_t bits = family == FAMILY_IPV6 ? 128 : 32;
	struct address_range r = {.family = family, .prefix_length = bits};
	uint8_t prefix_first[16], prefix_last[16];

	memcpy(r.min, first, sizeof r.min);
	memcpy(r.max, first, sizeof r.max);
	for (uint8_t length = 0; length <= bits; length++) {
		r.prefix_length = length;
		address_bounds(&r, prefix_first, prefix_last);
		if (memcmp(prefix_first, first, 16) == 0 && memcmp(prefix_last, last, 16) == 0)
			return r;
	}
	r.prefix_length = bits;
	memcpy(r.max, last, sizeof r.max);
	return r;
}

bool address_intersection(const struct address_range *a, const struct address_range *b,
	struct address_range *ret)
{
	uint8_t a_first[16], a_last[16], b_first[16], b_last[16];
	const uint8_t *first, *last;

	if (a->family != b->family)
		return false;
	address_bounds(a, a_first, a_last);
	address_bounds(b, b_first, b_last);
	first = memcmp(a_first, b_first, 16) > 0 ? a_first : b_first;
	last = memcmp(a_last, b_last, 16) < 0 ? a_last : b_last;
	if (memcmp(first, last, 16) > 0)
		return false;
	*ret = address_between(a->family, first, last);
	return true;
}

bool address_contains(const struct address_range *outer, const struct address_range *inner)
{
	uint8_t outer_first[16], outer_last[16], inner_first[16], inner_last[16];

	if (outer->family != inner->family)
		return false;
	address_bounds(outer, outer_first, outer_last);
	address_bounds(inner, inner_first, inner_last);
	return memcmp(outer_first, inner_first, 16) <= 0 && memcmp(inner_last, outer_last, 16) <= 0;
}

void print_address(const struct address_range *a, struct buffer *out)
{
	char min[INET6_ADDRSTRLEN], max[INET6_ADDRSTRLEN];
	int af = a->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;

	inet_ntop(af, a->min, min, sizeof min);
	inet_ntop(af, a->max, max, sizeof max);
	buffer_put_text(out, "%s", min);
	if (memcmp(a->min, a->max, 16) != 0)
		buffer_put_text(out, "-%s", max);
	else if (a->prefix_length != family_bits(a->family))
		buffer_put_text(out, "/%u", a->prefix_length);
}

enum err parse_ports(struct view word, struct port_range *ret, struct error *e)
{
	const uint8_t *dash = memchr(word.data, '-', word.len);
	size_t first = dash ? (size_t)(dash - word.data) : word.len;
	uint32_t min = 0, max = 0;
	bool good = !parse_number(VIEW(word.data, first), PORT_MAX, &min, e);

	max = min;
	if (good && dash)
		good = !parse_number(VIEW(dash + 1, word.len - first - 1), PORT_MAX, &max, e);
	if (!good || min == 0 || min > max)
		return error_set(e, E_RANGE, "\"%.*s\" is not a port or a range of ports (1-65535)",
			shown(word), (const char *)word.data);
	*ret = (struct port_range){(uint16_t)min, (uint16_t)max};
	return E_OK;
}

enum err parse_icmp(struct view word, struct icmp_match *ret, struct error *e)
{
	const uint8_t *slash = memchr(word.data, '/', word.len);
	size_t first = slash ? (size_t)(slash - word.data) : word.len;
	uint32_t type, code = 0;

	if (view_equal(word, view_of_string("any"))) {
		*ret = (struct icmp_match){ICMP_ANY, ICMP_ANY};
		return E_OK;
	}
	if (parse_number(VIEW(word.data, first), 255, &type, e) ||
		(slash && parse_number(VIEW(slash + 1, word.len - first - 1), 255, &code, e)))
		return error_set(e, E_SYNTAX,
			"\"%.*s\" is not an ICMP type (8), a type and code (3/1) or the word any",
			shown(word), (const char *)word.data);
	*ret = (struct icmp_match){(int16_t)type, slash ? (int16_t)code : ICMP_ANY};
	return E_OK;
}

enum err parse_protocol(struct view word, uint8_t *ret, struct error *e)
{
	uint32_t number;

	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		if (view_equal(word, view_of_string(protocols[i].name))) {
			*ret = protocols[i].number;
			return E_OK;
		}
	if (parse_number(word, PROTOCOL_MAX, &number, e))
		return error_set(e, E_SYNTAX,
			"\"%.*s\" is not an IP protocol: neither a number from 0 to %d nor a "
			"name such as tcp, gre, sctp",
			shown(word), (const char *)word.data, PROTOCOL_MAX);
	*ret = (uint8_t)number;
	return E_OK;
}

enum err parse_duration(struct view word, uint32_t *ret, struct error *e)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	uint32_t n;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (word.len < 2 || word.data[word.len - 1] != (uint8_t)units[i].unit)
			continue;
		if (parse_number(
			    VIEW(word.data, word.len - 1), UINT32_MAX / units[i].seconds, &n, e) ||
			n == 0)
			break;
		*ret = n * units[i].seconds;
		return E_OK;
	}
	return error_set(e, E_SYNTAX, "\"%.*s\" is not a duration such as 90s, 15m, 8h or 30d",
		shown(word), (const char *)word.data);
}

enum err parse_base64(struct view text, struct buffer *out, struct error *e)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	size_t digits = 0, padding = 0;

	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.data[i];
		const char *digit = c && c != '=' ? strchr(letters, c) : NULL;

		if (c && strchr(" \t\r\n", c))
			continue;
		if (c == '=')
			padding++;
		if ((!digit && c != '=') || (digit && padding))
			return error_set(e, E_SYNTAX, "that is not base64");
		if (!digit)
			continue;
		bits = bits << 6 | (uint32_t)(digit - letters);
		digits++;
		if (out && digits % 4 != 1)
			buffer_put_u8(out, (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4))));
	}
	if (digits == 0 || digits % 4 == 1 || padding > 2 || (digits + padding) % 4)
		return error_set(e, E_SYNTAX, "that is not base64, or not all of it");
	return out && out->error ? error_set(e, out->error, "too many octets") : E_OK;
}

enum err parse_count(struct view word, uint32_t *ret, struct error *e)
{
	uint32_t n;

	if (parse_number(word, UINT32_MAX, &n, e) || n == 0)
		return error_set(e, E_RANGE, "\"%.*s\" is not a number from 1 to %u", shown(word),
			(const char *)word.data, UINT32_MAX);
	*ret = n;
	return E_OK;
}

static const struct {
	const char *name;
	uint32_t seconds;
} rate_units[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};

const char *rate_unit(uint32_t seconds)
{
	for (size_t i = 0; i < sizeof rate_units / sizeof *rate_units; i++)
		if (rate_units[i].seconds == seconds)
			return rate_units[i].name;
	return NULL;
}

enum err parse_rate(
	struct view word, uint32_t *ret_count, uint32_t *ret_seconds, struct error *e)
{
	const uint8_t *slash = memchr(word.data, '/', word.len);
	const size_t first = slash ? (size_t)(slash - word.data) : word.len;
	uint32_t n;

	for (size_t i = 0; slash && i < sizeof rate_units / sizeof *rate_units; i++)
		if (view_equal(VIEW(slash + 1, word.len - first - 1),
			    view_of_string(rate_units[i].name)) &&
			!parse_count(VIEW(word.data, first), &n, e)) {
			*ret_count = n;
			*ret_seconds = rate_units[i].seconds;
			return E_OK;
		}
	return error_set(e, E_SYNTAX,
		"\"%.*s\" is not a rate such as 10/minute (second, minute, hour, day)",
		shown(word), (const char *)word.data);
}

/* IANA, Differentiated Services Field Codepoints. */
static const struct {
	const char *name;
	uint8_t dscp;
} code_points[] = {
	{"cs0", 0},
	{"cs1", 8},
	{"cs2", 16},
	{"cs3", 24},
	{"cs4", 32},
	{"cs5", 40},
	{"cs6", 48},
	{"cs7", 56},
	{"af11", 10},
	{"af12", 12},
	{"af13", 14},
	{"af21", 18},
	{"af22", 20},
	{"af23", 22},
	{"af31", 26},
	{"af32", 28},
	{"af33", 30},
	{"af41", 34},
	{"af42", 36},
	{"af43", 38},
	{"ef", 46},
	{"va", 44},
	{"le", 1},
};

const char *dscp_name(uint8_t dscp)
{
	for (size_t i = 0; i < sizeof code_points / sizeof *code_points; i++)
		if (code_points[i].dscp == dscp)
			return code_points[i].name;
	return NULL;
}

enum err parse_dscp(struct view word, uint8_t *ret, struct error *e)
{
	uint32_t number;

	for (size_t i = 0; i < sizeof code_points / sizeof *code_points; i++)
		if (view_equal(word, view_of_string(code_points[i].name))) {
			*ret = code_points[i].dscp;
			return E_OK;
		}
	if (parse_number(word, DSCP_MAX, &number, e))
		return error_set(e, E_SYNTAX,
			"\"%.*s\" is not a code point: neither a number from 0 to %d nor a name "
			"such as ef, af41, cs1",
			shown(word), (const char *)word.data, DSCP_MAX);
	*ret = (uint8_t)number;
	return E_OK;
}

enum err parse_name(struct view word, size_t max, struct error *e)
{
	bool good = word.len > 0 && is_letter(word.data[0]);

	for (size_t i = 0; i < word.len; i++)
		good = good && (is_letter(word.data[i]) || is_digit(word.data[i]) ||
				       (word.data[i] && strchr(".-_", word.data[i])));
	if (!good)
		return error_set(e, E_SYNTAX,
			"\"%.*s\" is not a name: a letter, then letters, digits, '.', '-' and "
			"'_'",
			shown(word), (const char *)word.data);
	if (word.len > max)
		return error_set(e, E_LENGTH, "\"%.*s\" is longer than %zu characters", shown(word),
			(const char *)word.data, max);
	return E_OK;
}
