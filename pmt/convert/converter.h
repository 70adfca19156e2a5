/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of convert.h share; only they include this.
 *
 *	members.c      groups of addresses and ports, lists of selectors
 *	traffic.c      from, to and service of a rule, out of its selectors
 *	protections.c  what a rule does, and <protection>
 *	conditions.c   schedules, offers and groups
 *	authorities.c  whom home admits, and what it delegates
 *	rules.c        the rules of a set, laid beside those of the sets before
 *	roles.c        for which roles a rule was written
 *	write.c        all of it as text
 *	verbatim.c     a set as rows, where words are not enough
 *	proof.c        whether the text says all of it
 *	convert.c      the order of all that
 *
 * Memory comes out of the converter's arena.
 */
#ifndef COPSEC_PMT_CONVERT_CONVERTER_H
#define COPSEC_PMT_CONVERT_CONVERTER_H

#include "pib/policy/policy.h"
#include "pib/store/store.h"
#include "pmt/convert/convert.h"
#include "pmt/language/model.h"

enum {
	TEXT_MAX = 64 << 20,
	WORDS_MAX = 4 << 20,
	SERVICES_MAX = 65536,
	PROTECTIONS_MAX = 4096,
	CONDITIONS_MAX = 1024 /* schedules, and offers */
};

/* A member of a group or of a list, by the tag that binds them. */
struct member {
	uint32_t tag, order;
	const char *text;  /* of an address or a port */
	uint32_t selector; /* of a selector set */
};

struct members {
	struct member *list;
	size_t count;
};

/* A rule of the policy, as all sets together have it. */
struct rule {
	const char *name;
	bool in, out, both; /* judged at interfaces */
	bool forward, forward_both;
	bool log, shadow, stateful;
	struct policy_limit rate, connections;
	enum policy_action action;
	const char *protections, *via; /* NULL: none */
	const char *in_role, *out_role;
	const char *from, *to, *service; /* "": any */
	const char *dscp;                /* NULL: any */
	const char *schedule, *offer;    /* NULL: none */
	bool *sets;                      /* that have it */
	size_t before;                   /* rules that must stand before it and do not yet */
	bool written;
};

struct named_text {
	const char *name, *text;
};

struct named_texts {
	struct named_text items[CONDITIONS_MAX];
	size_t count;
};

struct converter {
	const struct bundle *bundle;
	struct arena arena;
	struct rule *rules;
	size_t rule_count;
	size_t *follows; /* pairs: a rule, and one that a set has directly behind it */
	size_t follow_count, follow_capacity;
	struct named_text services[SERVICES_MAX], protections[PROTECTIONS_MAX];
	size_t service_count, protection_count;
	struct named_texts schedules, offers, groups;
	struct named_texts declared; /* roles and nodes that no assignment has */
	const char *spare_role;      /* one that no node has, for a delegation to nobody */
	const char **set_names;
	const char **set_roles; /* that they serve; "*" is everybody */
	const char **set_nodes; /* of a set for one node its name; else NULL */
	bool *serves_interfaces, *serves_nodes; /* by set */
	bool *in_rows;                          /* by set: no short rule is for it */
	struct assignment *nodes;
	struct set_index index;
	enum stale_rule stale;
	struct buffer *out;
	struct error *e;
};

/* What is read of one set. */
struct set_reader {
	struct converter *c;
	size_t which;
	struct pri_store *store;
	struct policy *policy;
	struct members addresses, ports, selectors;
};

enum err convert_no_memory(struct converter *c);
/* The text, kept; the buffer is empty again. "" without memory. */
const char *convert_keep(struct converter *c, struct buffer *text);
/* With the set and the rule: the language has no word for it. */
enum err convert_refuse(struct set_reader *s, const char *rule, const char *what);

enum err convert_read_members(struct set_reader *s) MUST_USE;
/* The first with the tag; the others follow it. */
size_t convert_first(const struct members *m, uint32_t tag);
/* Their texts with blanks between; tag 0 is any, "". */
const char *convert_words(struct set_reader *s, const struct members *m, uint32_t tag);

/* From, to and service out of the selectors; all of a rule have the same addresses. */
enum err convert_read_selectors(
	struct set_reader *s, uint32_t instance, struct rule *rule) MUST_USE;
enum err convert_read_action(struct set_reader *s, const struct policy_rule *compiled,
	struct rule *rule) MUST_USE;
enum err convert_read_conditions(struct set_reader *s, const struct policy_rule *compiled,
	struct rule *rule) MUST_USE;
enum err convert_read_groups(struct set_reader *s) MUST_USE;
enum err convert_read_set(struct converter *c, size_t which) MUST_USE;

bool convert_text_equal(struct view v, const char *text);
/* Both may be NULL. */
bool convert_same_text(const char *a, const char *b);
/* Of a manifest's roles those that the policy names: of others than home "*+access" stands for whoever
 * has the role access. */
struct view convert_set_roles(const struct converter *c, struct view roles);
/* Does the set serve interfaces, or nodes as a whole? Of others than home both. */
bool convert_serves(const struct converter *c, size_t set, bool forward);
/* All roles, each once: home's in the order of the nodes, others' in that of the sets. NULL ends
 * them, and is all without memory. */
const char **convert_list_roles(struct converter *c);
/* `for="..."`, or `node="..."` if only sets of single nodes have it. Every set that has the rule must
 * have one of its roles, or no policy says this. */
enum err convert_rule_roles(struct converter *c, const struct rule *rule, const char **roles,
	struct buffer *out) MUST_USE;

/* In an attribute's quotes. */
void convert_put_text(struct buffer *out, struct view text);
/* Of an InetAddressType. */
void convert_put_prefix(struct buffer *out, int type, struct view address, uint32_t length);
enum err convert_put_policy(struct converter *c) MUST_USE;
enum err convert_put_rules(struct converter *c) MUST_USE;
enum err convert_put_verbatim(struct converter *c, size_t which) MUST_USE;
/* E_UNSUPPORTED, or what the compiler says: it is not the policy of the bundle. */
enum err convert_prove(struct converter *c, struct view text) MUST_USE;
/* What only delegations name. */
enum err convert_put_names(struct converter *c, const char **roles) MUST_USE;
enum err convert_put_authorities(struct converter *c, const char **roles) MUST_USE;

#endif
