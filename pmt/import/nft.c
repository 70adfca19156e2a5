/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `nft -j list ruleset` prints (libnftables-json(5)): an array of tables, chains, sets and
 * rules. Chains are named TABLE-FAMILY TABLE CHAIN here, so that two tables do not mix.
 *
 * Each member of the array is parsed by itself, so that what is said about it has its place in the
 * text. A rule with a verdict map becomes a rule for each of its elements.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/import/import.h"

enum {
	ELEMENTS_MAX = 65536, /* of a set */
	SETS_MAX = 1024,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMP = 1,
	PROTOCOL_ICMPV6 = 58
};

struct named_set {
	const char *table; /* family and name */
	const char *name;
	json_t *elements;
};

struct reader {
	struct import *im;
	json_t *document; /* all members, with their places beside them */
	struct place *places;
	size_t count;
	struct named_set sets[SETS_MAX];
	size_t set_count;
	const char *table; /* of the rule that is read */
	enum flow_family table_family;
	struct import_rule *rule;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const char *table_of(struct reader *r, const json_t *object, const char *name)
{
	return import_text(r->im, "%s %s", text_of(object, "family"), text_of(object, name));
}

/* A scalar as the text that nft prints; NULL if it is none. */
static const char *scalar(struct reader *r, const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value))
		return import_text(r->im, "%lld", (long long)json_integer_value(value));
	return NULL;
}

/* --- values --- */

typedef bool value_fn(struct reader *r, const json_t *value, struct flow_interval *ret);

struct values {
	struct flow_interval *list;
	size_t count;
};

static const json_t *find_set(struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->set_count; i++)
		if (strcmp(r->sets[i].table, r->table) == 0 && strcmp(r->sets[i].name, name) == 0)
			return r->sets[i].elements;
	return NULL;
}

static bool add_value(struct reader *r, const json_t *value, value_fn *read, struct values *v)
{
	const json_t *inner = json_object_get(value, "elem");

	if (inner)
		value = json_object_get(inner, "val");
	if (v->count == ELEMENTS_MAX || !value || !read(r, value, &v->list[v->count]))
		return false;
	v->count++;
	return true;
}

/* The right side of a match: one value, a set of them, or the name of one. */
static bool read_values(struct reader *r, const json_t *right, value_fn *read, struct values *v)
{
	const json_t *list = json_object_get(right, "set"), *element;
	const char *name = json_string_value(right);
	size_t i;

	if (name && *name == '@') {
		list = find_set(r, name + 1);
		if (!list)
			return false;
	}
	if (json_is_array(right))
		list = right;
	if (list && !json_is_array(list))
		return add_value(r, list, read, v);
	if (!list)
		return add_value(r, right, read, v);
	json_array_foreach(list, i, element) if (!add_value(r, element, read, v)) return false;
	return true;
}

/* The two ends of a range, each read alone. */
static bool read_range(
	struct reader *r, const json_t *value, value_fn *read, struct flow_interval *ret)
{
	const json_t *range = json_object_get(value, "range");
	struct flow_interval low, high;

	if (!range || !read(r, json_array_get(range, 0), &low) ||
		!read(r, json_array_get(range, 1), &high) ||
		flow_value_compare(low.low, high.high) > 0)
		return false;
	*ret = (struct flow_interval){low.low, high.high};
	return true;
}

static bool read_address(
	struct reader *r, const json_t *value, enum flow_family family, struct flow_interval *ret)
{
	const json_t *prefix = json_object_get(value, "prefix");
	const char *text = scalar(r, value);
	enum flow_family got;

	if (prefix)
		text = import_text(r->im, "%s/%lld", text_of(prefix, "addr"),
			(long long)json_integer_value(json_object_get(prefix, "len")));
	return text && import_address(text, &got, ret) && got == family;
}

static bool value_ip(struct reader *r, const json_t *value, struct flow_interval *ret)
{
	return read_range(r, value, value_ip, ret) || read_address(r, value, FLOW_IPV4, ret);
}

static bool value_ip6(struct reader *r, const json_t *value, struct flow_interval *ret)
{
	return read_range(r, value, value_ip6, ret) || read_address(r, value, FLOW_IPV6, ret);
}

static bool value_port(struct reader *r, const json_t *value, struct flow_interval *ret)
{
	const char *text = scalar(r, value);

	return read_range(r, value, value_port, ret) || (text && import_port(text, '-', ret));
}

static bool set_number(struct flow_interval *ret, uint8_t n)
{
	*ret = (struct flow_interval){FLOW_VALUE(n), FLOW_VALUE(n)};
	return true;
}

static bool value_protocol(struct reader *r, const json_t *value, struct flow_interval *ret)
{
	const char *text = scalar(r, value);
	uint8_t n;

	return text && import_protocol(text, &n) && set_number(ret, n);
}

static bool value_icmp(struct reader *r, const json_t *value, struct flow_interval *ret)
{
	const char *text = scalar(r, value);
	uint8_t n;

	return text && import_icmp(text, false, &n) && set_number(ret, n);
}

static bool value_icmp6(struct reader *r, const json_t *value, struct flow_interval *ret)
{
	const char *text = scalar(r, value);
	uint8_t n;

	return text && import_icmp(text, true, &n) && set_number(ret, n);
}

static bool value_family(struct reader *r, const json_t *value, struct flow_interval *ret)
{
	const char *text = scalar(r, value);

	if (!text || (strcmp(text, "ipv4") != 0 && strcmp(text, "ipv6") != 0))
		return false;
	return set_number(ret, strcmp(text, "ipv6") == 0 ? FLOW_IPV6 : FLOW_IPV4);
}

/* --- matches --- */

/* What stands on the left, the field that it is, and what it means for protocol and family. */
static const struct field {
	const char *protocol, *name; /* of a payload; protocol NULL: a meta key */
	enum flow_field field;
	value_fn *read;
	int implies_protocol; /* -1: none */
	int implies_family;   /* -1: none */
} fields[] = {
	{"ip", "saddr", FLOW_SOURCE, value_ip, -1, FLOW_IPV4},
	{"ip", "daddr", FLOW_DESTINATION, value_ip, -1, FLOW_IPV4},
	{"ip6", "saddr", FLOW_SOURCE, value_ip6, -1, FLOW_IPV6},
	{"ip6", "daddr", FLOW_DESTINATION, value_ip6, -1, FLOW_IPV6},
	{"ip", "protocol", FLOW_PROTOCOL, value_protocol, -1, FLOW_IPV4},
	{"ip6", "nexthdr", FLOW_PROTOCOL, value_protocol, -1, FLOW_IPV6},
	{"tcp", "dport", FLOW_DESTINATION_PORT, value_port, PROTOCOL_TCP, -1},
	{"udp", "dport", FLOW_DESTINATION_PORT, value_port, PROTOCOL_UDP, -1},
	{"th", "dport", FLOW_DESTINATION_PORT, value_port, -1, -1},
	{"icmp", "type", FLOW_ICMP_TYPE, value_icmp, PROTOCOL_ICMP, FLOW_IPV4},
	{"icmpv6", "type", FLOW_ICMP_TYPE, value_icmp6, PROTOCOL_ICMPV6, FLOW_IPV6},
	{NULL, "l4proto", FLOW_PROTOCOL, value_protocol, -1, -1},
	{NULL, "nfproto", FLOW_FAMILY, value_family, -1, -1},
};

static const struct field *find_field(const json_t *left)
{
	const json_t *payload = json_object_get(left, "payload"),
		     *meta = json_object_get(left, "meta");

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].protocol
				? strcmp(text_of(payload, "protocol"), fields[i].protocol) == 0 &&
					  strcmp(text_of(payload, "field"), fields[i].name) == 0
				: strcmp(text_of(meta, "key"), fields[i].name) == 0)
			return &fields[i];
	return NULL;
}

static const char *left_name(struct reader *r, const json_t *left)
{
	const json_t *payload = json_object_get(left, "payload"),
		     *meta = json_object_get(left, "meta"), *ct = json_object_get(left, "ct");

	if (payload)
		return import_text(
			r->im, "%s %s", text_of(payload, "protocol"), text_of(payload, "field"));
	if (meta || ct)
		return import_text(
			r->im, "%s %s", meta ? "meta" : "ct", text_of(meta ? meta : ct, "key"));
	return "a computed value";
}

static void match_field(struct reader *r, const struct field *field, const json_t *left,
	const json_t *right, bool no)
{
	struct import_condition *when = &r->rule->when;
	struct values v = {.list = calloc(ELEMENTS_MAX, sizeof *v.list)};

	if (!v.list) {
		r->im->no_memory = true;
		return;
	}
	if (!read_values(r, right, field->read, &v)) {
		import_leave(r->im, r->rule, "what %s is compared with", left_name(r, left));
	} else {
		if (field->implies_protocol >= 0)
			import_narrow_number(r->im, when, FLOW_PROTOCOL,
				(uint64_t)field->implies_protocol,
				(uint64_t)field->implies_protocol);
		if (field->implies_family >= 0)
			import_narrow_number(r->im, when, FLOW_FAMILY,
				(uint64_t)field->implies_family, (uint64_t)field->implies_family);
		import_narrow(r->im, when, field->field, v.list, v.count, no);
	}
	free(v.list);
}

static void match_interface(struct reader *r, bool in, const json_t *right, bool no)
{
	const char *name = json_string_value(right);

	if (!name || *name == '@')
		import_leave(r->im, r->rule, "several interfaces at once");
	else if (strchr(name, '*'))
		import_leave(r->im, r->rule, "interfaces by the beginning of their names");
	else if (no && strcmp(name, "lo") != 0)
		import_leave(r->im, r->rule, "all interfaces but one");
	else if (!no)
		*(in ? &r->rule->when.in : &r->rule->when.out) =
			import_interface(r->im, r->rule, name);
}

/* First packets are what a policy judges, so only "new" says something. */
static void match_state(struct reader *r, const json_t *right, bool no)
{
	const json_t *list = json_object_get(right, "set"), *state;
	bool fresh = false, invalid = false;
	size_t i;

	if (json_is_array(right))
		list = right;
	if (json_is_string(right)) {
		fresh = strcmp(json_string_value(right), "new") == 0;
		invalid = strcmp(json_string_value(right), "invalid") == 0;
	}
	json_array_foreach(list, i, state)
	{
		const char *word = json_string_value(state);

		fresh = fresh || (word && strcmp(word, "new") == 0);
		invalid = invalid || (word && strcmp(word, "invalid") == 0);
	}
	if (fresh != no)
		return;
	r->rule->needless = invalid && !no ? "packets of no connection are dropped anyway"
					   : "packets of known connections pass with them";
}

static void read_match(struct reader *r, const json_t *left, const json_t *right, bool no)
{
	const json_t *meta = json_object_get(left, "meta"), *ct = json_object_get(left, "ct");
	const struct field *field = find_field(left);
	const char *key = text_of(meta, "key");

	if (field)
		match_field(r, field, left, right, no);
	else if (strcmp(key, "iif") == 0 || strcmp(key, "iifname") == 0)
		match_interface(r, true, right, no);
	else if (strcmp(key, "oif") == 0 || strcmp(key, "oifname") == 0)
		match_interface(r, false, right, no);
	else if (ct && strcmp(text_of(ct, "key"), "state") == 0)
		match_state(r, right, no);
	else
		import_leave(r->im, r->rule, "it asks for %s", left_name(r, left));
}

/* --- statements --- */

/* Sets the verdict, if the statement is one. */
static bool read_verdict(struct reader *r, const char *word, const json_t *value)
{
	static const struct {
		const char *word;
		enum import_verdict verdict;
	} verdicts[] = {{"accept", IMPORT_ACCEPT}, {"drop", IMPORT_DROP}, {"reject", IMPORT_DROP},
		{"return", IMPORT_RETURN}, {"jump", IMPORT_JUMP}, {"goto", IMPORT_GOTO}};

	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
		if (strcmp(verdicts[i].word, word) == 0) {
			r->rule->verdict = verdicts[i].verdict;
			r->rule->target =
				import_text(r->im, "%s %s", r->table, text_of(value, "target"));
			return true;
		}
	return false;
}

static bool says_nothing(const char *word)
{
	return strcmp(word, "counter") == 0 || strcmp(word, "comment") == 0;
}

static void read_statement(struct reader *r, const char *word, const json_t *value)
{
	const char *operator= text_of(value, "op");

	if (strcmp(word, "match") == 0) {
		if (*operator&& strcmp(operator, "==") != 0 && strcmp(operator, "!=") != 0 &&
			strcmp(operator, "in") != 0)
			import_leave(r->im, r->rule, "it compares by %s", operator);
		else
			read_match(r, json_object_get(value, "left"),
				json_object_get(value, "right"), strcmp(operator, "!=") == 0);
	} else if (strcmp(word, "log") == 0) {
		r->rule->log = true;
	} else if (!read_verdict(r, word, value) && !says_nothing(word)) {
		import_leave(r->im, r->rule, "%s is nothing that a policy says", word);
	}
}

static json_t *find_vmap(const json_t *expressions)
{
	json_t *statement;
	size_t i;

	json_array_foreach(expressions, i, statement)
	{
		json_t *map = json_object_get(statement, "vmap");

		if (map)
			return map;
	}
	return NULL;
}

/* All statements; where the verdict map stands, one of its elements. */
static void read_rule_once(struct reader *r, const json_t *expressions, const json_t *element,
	struct import_chain *chain, struct place at)
{
	const json_t *value, *map;
	json_t *statement;
	const char *word;
	size_t i;

	r->rule = import_rule_add(r->im, chain, at);
	if (!r->rule)
		return;
	json_array_foreach(expressions, i, statement)
	{
		word = json_object_iter_key(json_object_iter(statement));
		value = json_object_iter_value(json_object_iter(statement));
		if (!word)
			continue;
		map = strcmp(word, "vmap") == 0 ? value : NULL;
		if (map && element) {
			json_t *verdict = json_array_get(element, 1);
			const char *name = json_object_iter_key(json_object_iter(verdict));

			read_match(
				r, json_object_get(map, "key"), json_array_get(element, 0), false);
			if (!name || !read_verdict(r, name, json_object_get(verdict, name)))
				import_leave(r->im, r->rule, "a verdict that we do not know");
		} else if (map) {
			import_leave(r->im, r->rule, "a verdict map with a name");
		} else {
			read_statement(r, word, value);
		}
	}
	if (!r->rule->left && !r->rule->needless && r->rule->verdict == IMPORT_NOTHING)
		r->rule->needless = r->rule->log ? "it only logs" : "it only counts";
}

static void read_rule(struct reader *r, const json_t *rule, struct place at)
{
	const json_t *expressions = json_object_get(rule, "expr"), *element;
	struct import_chain *chain;
	const json_t *elements;
	size_t i;

	r->table = table_of(r, rule, "table");
	chain = import_chain_find(
		r->im, import_text(r->im, "%s %s", r->table, text_of(rule, "chain")));
	if (!chain) {
		import_tell(r->im, at, "a rule of the chain \"%s\", which is no packet filter",
			text_of(rule, "chain"));
		return;
	}
	elements = json_object_get(json_object_get(find_vmap(expressions), "data"), "set");
	if (!elements) {
		read_rule_once(r, expressions, NULL, chain, at);
		return;
	}
	json_array_foreach(elements, i, element) read_rule_once(r, expressions, element, chain, at);
}

static bool family_of(const char *name, enum flow_family *ret)
{
	if (strcmp(name, "inet") == 0)
		*ret = FLOW_ANY_FAMILY;
	else if (strcmp(name, "ip") == 0)
		*ret = FLOW_IPV4;
	else if (strcmp(name, "ip6") == 0)
		*ret = FLOW_IPV6;
	else
		return false;
	return true;
}

/* Chains of a hook that is none of ours have no name here, so their rules are reported. */
static void read_chain(struct reader *r, const json_t *object, struct place at)
{
	static const struct {
		const char *name;
		enum flow_direction hook;
	} hooks[] = {{"input", FLOW_IN}, {"output", FLOW_OUT}, {"forward", FLOW_FORWARD}};
	const char *hook = text_of(object, "hook");
	struct import_chain *chain;
	enum flow_family family;
	bool filter = strcmp(text_of(object, "type"), "filter") == 0;

	if (!family_of(text_of(object, "family"), &family) || (*hook && !filter))
		return;
	for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
		if (!*hook || strcmp(hooks[i].name, hook) == 0) {
			chain = import_chain_add(r->im,
				import_text(r->im, "%s %s", table_of(r, object, "table"),
					text_of(object, "name")),
				at);
			if (!chain)
				return;
			chain->base = *hook != '\0';
			chain->hook = hooks[i].hook;
			chain->family = family;
			chain->accepts = strcmp(text_of(object, "policy"), "drop") != 0;
			return;
		}
}

static void read_set(struct reader *r, json_t *object)
{
	if (r->set_count == SETS_MAX)
		return;
	r->sets[r->set_count++] = (struct named_set){.table = table_of(r, object, "table"),
		.name = text_of(object, "name"),
		.elements = json_object_get(object, "elem")};
}

/* --- the text --- */

/* The end of the JSON value that begins at `at`, by its brackets. */
static size_t value_end(struct view text, size_t at)
{
	size_t depth = 0;
	bool quoted = false;

	for (; at < text.len; at++) {
		const uint8_t c = text.data[at];

		if (quoted && c == '\\')
			at++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == '{')
			depth++;
		else if (!quoted && c == '}' && --depth == 0)
			return at + 1;
	}
	return text.len;
}

/* Finds each member of the array "nftables". */
static enum err read_members(struct reader *r, struct view text, struct error *e)
{
	const uint8_t *array = memchr(text.data, '[', text.len);
	size_t at = array ? (size_t)(array - text.data) + 1 : text.len, capacity = 0;

	r->document = json_array();
	while (at < text.len && text.data[at] != ']') {
		char word[IMPORT_WORD_SIZE];
		json_error_t why;
		json_t *member;
		size_t end;

		if (text.data[at] != '{') {
			at++;
			continue;
		}
		end = value_end(text, at);
		member = json_loadb((const char *)text.data + at, end - at, 0, &why);
		if (!member)
			return error_set(e, E_SYNTAX, "this is not JSON of nft: %s",
				import_word(why.text, word));
		if (r->count == capacity) {
			struct place *places;

			capacity = capacity ? 2 * capacity : 256;
			places = realloc(r->places, capacity * sizeof *places);
			if (!places) {
				json_decref(member);
				return error_set(e, E_MEMORY, "out of memory");
			}
			r->places = places;
		}
		r->places[r->count++] =
			(struct place){r->im->file, (uint32_t)at, (uint32_t)(end - at)};
		json_array_append_new(r->document, member);
		at = end;
	}
	return r->count ? E_OK
			: error_set(e, E_SYNTAX,
				  "there is no ruleset of `nft -j list ruleset` in it");
}

enum err import_nft(struct import *im, struct view text, struct error *e)
{
	struct reader *r = calloc(1, sizeof *r);
	json_t *member, *inner;
	enum err code;
	size_t i;

	if (!r)
		return error_set(e, E_MEMORY, "out of memory");
	r->im = im;
	code = read_members(r, text, e);
	if (!code) {
		json_array_foreach(r->document, i, member)
		{
			if ((inner = json_object_get(member, "chain")))
				read_chain(r, inner, r->places[i]);
			else if ((inner = json_object_get(member, "set")))
				read_set(r, inner);
		}
		json_array_foreach(r->document, i,
			member) if (!im->no_memory && (inner = json_object_get(member, "rule")))
			read_rule(r, inner, r->places[i]);
		import_flatten(im);
		code = im->no_memory ? error_set(e, E_MEMORY, "out of memory") : E_OK;
	}
	json_decref(r->document);
	free(r->places);
	free(r);
	return code;
}
