/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What iptables-save prints: tables, chains with their policies, and a rule a line in the words of
 * iptables. Only the table filter is a packet filter; of the others every rule is reported.
 */
#include <stdlib.h>
#include <string.h>

#include "pmt/import/import.h"

enum { WORDS_MAX = 128, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, LIST_MAX = 256 };

struct reader {
	struct import *im;
	struct view text;
	enum flow_family family; /* ip6tables-save prints addresses of one family too */
	struct place line;
	char *words[WORDS_MAX]; /* of the line, in the arena */
	size_t count;
	size_t at; /* the word to be read */
	struct import_rule *rule;
	uint8_t protocol; /* 0: not said */
	bool filter;
};

/* Words are separated by blanks; in double quotes blanks and \" are part of them. */
static bool split(struct reader *r, struct view line)
{
	char *copy = arena_calloc(&r->im->arena, line.len + 1, 1), *to = copy;

	r->count = r->at = 0;
	if (!copy) {
		r->im->no_memory = true;
		return false;
	}
	memcpy(copy, line.data, line.len);
	for (const char *p = copy; *p && r->count < WORDS_MAX;) {
		bool quoted = false;
		char *word;

		while (*p == ' ' || *p == '\t' || *p == '\r')
			p++;
		if (!*p)
			break;
		word = to;
		for (; *p && (quoted || (*p != ' ' && *p != '\t' && *p != '\r')); p++) {
			if (*p == '"')
				quoted = !quoted;
			else if (*p == '\\' && p[1])
				*to++ = *++p;
			else
				*to++ = *p;
		}
		if (*p)
			p++;
		*to++ = '\0';
		r->words[r->count++] = word;
	}
	return r->count < WORDS_MAX;
}

static const char *next(struct reader *r)
{
	return r->at < r->count ? r->words[r->at++] : "";
}

/* --- matches --- */

typedef void match_fn(struct reader *r, bool negated);

static void match_addresses(struct reader *r, bool negated, enum flow_field field)
{
	char *words = arena_strdup(&r->im->arena, next(r)), *rest = words;
	struct flow_interval list[LIST_MAX];
	enum flow_family family = r->family;
	size_t count = 0;

	for (char *word; words && (word = strsep(&rest, ",")) && count < LIST_MAX;)
		if (!import_address(word, &family, &list[count++])) {
			import_leave(r->im, r->rule, "\"%s\" is not an address", word);
			return;
		}
	import_narrow_number(r->im, &r->rule->when, FLOW_FAMILY, family, family);
	import_narrow(r->im, &r->rule->when, field, list, count, negated);
}

static void match_source(struct reader *r, bool negated)
{
	match_addresses(r, negated, FLOW_SOURCE);
}

static void match_destination(struct reader *r, bool negated)
{
	match_addresses(r, negated, FLOW_DESTINATION);
}

/* True for all but loopback: `! -i lo`. */
static bool interface_of(struct reader *r, bool negated, const char **ret)
{
	const char *name = next(r);

	if (negated && strcmp(name, "lo") == 0)
		return false;
	if (negated)
		import_leave(r->im, r->rule, "all interfaces but one");
	else if (strchr(name, '+'))
		import_leave(r->im, r->rule, "interfaces by the beginning of their names");
	else
		*ret = import_interface(r->im, r->rule, name);
	return true;
}

static void match_in(struct reader *r, bool negated)
{
	interface_of(r, negated, &r->rule->when.in);
}

static void match_out(struct reader *r, bool negated)
{
	interface_of(r, negated, &r->rule->when.out);
}

static void match_protocol(struct reader *r, bool negated)
{
	const char *word = next(r);

	if (strcmp(word, "all") == 0)
		return;
	if (negated || !import_protocol(word, &r->protocol)) {
		import_leave(
			r->im, r->rule, "the protocol %s%s", negated ? "other than " : "", word);
		return;
	}
	import_narrow_number(r->im, &r->rule->when, FLOW_PROTOCOL, r->protocol, r->protocol);
}

static void match_ports(struct reader *r, bool negated)
{
	char *words = arena_strdup(&r->im->arena, next(r)), *rest = words;
	struct flow_interval list[LIST_MAX];
	size_t count = 0;

	for (char *word; words && (word = strsep(&rest, ",")) && count < LIST_MAX;)
		if (!import_port(word, ':', &list[count++])) {
			import_leave(r->im, r->rule, "\"%s\" is not a port", word);
			return;
		}
	import_narrow(r->im, &r->rule->when, FLOW_DESTINATION_PORT, list, count, negated);
}

static void match_source_ports(struct reader *r, bool negated)
{
	(void)negated;
	import_leave(r->im, r->rule, "the port %s that it comes from", next(r));
}

static void match_icmp(struct reader *r, bool negated)
{
	const char *word = next(r), *slash = strchr(word, '/');
	char type_text[64];
	uint8_t type, code;

	if (strcmp(word, "any") == 0)
		return;
	if (slash && (size_t)(slash - word) < sizeof type_text) {
		memcpy(type_text, word, (size_t)(slash - word));
		type_text[slash - word] = '\0';
		word = type_text;
	}
	if (negated || !import_icmp(word, r->protocol == 58, &type) ||
		(slash && !import_icmp(slash + 1, true, &code))) {
		import_leave(r->im, r->rule, "ICMP of the type %s%s", negated ? "other than " : "",
			word);
		return;
	}
	import_narrow_number(r->im, &r->rule->when, FLOW_ICMP_TYPE, type, type);
	if (slash)
		import_narrow_number(r->im, &r->rule->when, FLOW_ICMP_CODE, code, code);
}

/* First packets are what a policy judges, so only NEW says something. */
static void match_state(struct reader *r, bool negated)
{
	const char *states = next(r);
	bool fresh = strstr(states, "NEW") != NULL;

	if (fresh != negated)
		return;
	r->rule->needless = strstr(states, "INVALID") && !negated
				    ? "packets of no connection are dropped anyway"
				    : "packets of known connections pass with them";
}

static void match_module(struct reader *r, bool negated)
{
	(void)negated;
	next(r);
}

static void match_nothing(struct reader *r, bool negated)
{
	if (negated)
		import_leave(r->im, r->rule, "packets that begin no connection");
}

static void match_comment(struct reader *r, bool negated)
{
	(void)negated;
	next(r);
}

static void match_range_source(struct reader *r, bool negated)
{
	match_addresses(r, negated, FLOW_SOURCE);
}

static void match_range_destination(struct reader *r, bool negated)
{
	match_addresses(r, negated, FLOW_DESTINATION);
}

static void target(struct reader *r, bool negated);

static void target_goto(struct reader *r, bool negated)
{
	(void)negated;
	r->rule->verdict = IMPORT_GOTO;
	r->rule->target = next(r);
}

static const struct {
	const char *word;
	match_fn *read;
} matches[] = {
	{"-s", match_source},
	{"--source", match_source},
	{"-d", match_destination},
	{"--destination", match_destination},
	{"-i", match_in},
	{"--in-interface", match_in},
	{"-o", match_out},
	{"--out-interface", match_out},
	{"-p", match_protocol},
	{"--protocol", match_protocol},
	{"--dport", match_ports},
	{"--dports", match_ports},
	{"--destination-port", match_ports},
	{"--destination-ports", match_ports},
	{"--sport", match_source_ports},
	{"--sports", match_source_ports},
	{"--source-port", match_source_ports},
	{"--icmp-type", match_icmp},
	{"--icmpv6-type", match_icmp},
	{"--ctstate", match_state},
	{"--state", match_state},
	{"-m", match_module},
	{"--match", match_module},
	{"--comment", match_comment},
	{"--syn", match_nothing},
	{"--src-range", match_range_source},
	{"--dst-range", match_range_destination},
	{"-j", target},
	{"--jump", target},
	{"-g", target_goto},
	{"--goto", target_goto},
};

/* --- targets --- */

static void target(struct reader *r, bool negated)
{
	const char *name = next(r);
	struct import_rule *rule = r->rule;

	(void)negated;
	if (strcmp(name, "ACCEPT") == 0) {
		rule->verdict = IMPORT_ACCEPT;
	} else if (strcmp(name, "DROP") == 0) {
		rule->verdict = IMPORT_DROP;
	} else if (strcmp(name, "REJECT") == 0) {
		rule->verdict = IMPORT_DROP;
		r->at = r->count; /* how it answers */
	} else if (strcmp(name, "RETURN") == 0) {
		rule->verdict = IMPORT_RETURN;
	} else if (import_chain_find(r->im, name)) {
		rule->verdict = IMPORT_JUMP;
		rule->target = name;
	} else {
		import_leave(r->im, rule, "the target %s", name);
		r->at = r->count;
	}
}

static void read_word(struct reader *r)
{
	bool negated = strcmp(r->words[r->at], "!") == 0;
	const char *word;

	r->at += negated;
	word = next(r);
	for (size_t i = 0; i < sizeof matches / sizeof *matches; i++)
		if (strcmp(matches[i].word, word) == 0) {
			matches[i].read(r, negated);
			return;
		}
	import_leave(r->im, r->rule, "\"%s\" is nothing that a policy says", word);
}

/* What the rule does is known even where it cannot be taken over: that matters to what is said. */
static void find_verdict(struct reader *r)
{
	for (size_t i = 0; i + 1 < r->count; i++)
		if (strcmp(r->words[i], "-j") == 0 || strcmp(r->words[i], "-g") == 0) {
			r->at = i + 1;
			(r->words[i][1] == 'j' ? target : target_goto)(r, false);
			return;
		}
}

static void read_rule(struct reader *r)
{
	struct import_chain *chain;

	r->at = 1;
	chain = import_chain_find(r->im, next(r));
	if (!r->filter || !chain) {
		import_tell(r->im, r->line,
			r->filter ? "a rule of no chain" : "a rule of another table than filter");
		return;
	}
	r->rule = import_rule_add(r->im, chain, r->line);
	if (!r->rule)
		return;
	r->protocol = 0;
	while (r->at < r->count && !r->rule->left)
		read_word(r);
	if (r->rule->left)
		find_verdict(r);
	/* A log line and nothing else decides nothing. */
	if (!r->rule->left && r->rule->verdict == IMPORT_NOTHING && !r->rule->needless)
		r->rule->needless = "it only counts";
}

static void read_chain(struct reader *r)
{
	static const struct {
		const char *name;
		enum flow_direction hook;
	} hooks[] = {{"INPUT", FLOW_IN}, {"OUTPUT", FLOW_OUT}, {"FORWARD", FLOW_FORWARD}};
	struct import_chain *chain;

	if (!r->filter)
		return;
	r->at = 1;
	chain = import_chain_add(r->im, r->words[0] + 1, r->line);
	for (size_t i = 0; chain && i < sizeof hooks / sizeof *hooks; i++)
		if (strcmp(chain->name, hooks[i].name) == 0) {
			chain->base = true;
			chain->hook = hooks[i].hook;
			chain->family = r->family;
			chain->accepts = strcmp(next(r), "ACCEPT") == 0;
		}
}

static void read_line(struct reader *r, struct view line)
{
	if (line.len == 0 || line.data[0] == '#')
		return;
	if (!split(r, line) || r->count == 0) {
		if (r->count)
			import_tell(r->im, r->line, "a line of too many words");
		return;
	}
	if (r->words[0][0] == '*')
		r->filter = strcmp(r->words[0], "*filter") == 0;
	else if (r->words[0][0] == ':')
		read_chain(r);
	else if (strcmp(r->words[0], "-A") == 0)
		read_rule(r);
	else if (strcmp(r->words[0], "COMMIT") != 0)
		import_tell(
			r->im, r->line, "\"%s\" is nothing that iptables-save prints", r->words[0]);
}

/* Nothing else says which of the two has printed it. */
static enum flow_family family_of(struct view text)
{
	static const char *const words[] = {"icmp6", "icmpv6", "ipv6-icmp", "-s ::", "-d ::"};

	if (memmem(text.data, text.len, "ip6tables-save", strlen("ip6tables-save")))
		return FLOW_IPV6;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (memmem(text.data, text.len, words[i], strlen(words[i])))
			return FLOW_IPV6;
	return FLOW_IPV4;
}

enum err import_iptables(struct import *im, struct view text, struct error *e)
{
	struct reader *r = arena_alloc(&im->arena, sizeof *r);

	if (!r)
		return error_set(e, E_MEMORY, "out of memory");
	*r = (struct reader){.im = im, .text = text, .family = family_of(text)};
	for (size_t at = 0; at < text.len && !im->no_memory;) {
		const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
		size_t len = end ? (size_t)(end - text.data) - at : text.len - at;

		r->line = (struct place){im->file, (uint32_t)at, (uint32_t)len};
		read_line(r, VIEW(text.data + at, len));
		at += len + 1;
	}
	if (!im->no_memory && !im->first)
		return error_set(e, E_SYNTAX, "there is no table filter of iptables-save in it");
	import_flatten(im);
	return im->no_memory ? error_set(e, E_MEMORY, "out of memory") : E_OK;
}
