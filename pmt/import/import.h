/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A first policy out of what a node has now.
 *
 * A reader (nft.c, iptables.c) turns the text of a packet filter into chains of rules, each with
 * the flows that it is for and what it does with them. import_flatten() follows the jumps from each
 * base chain and makes one list of items out of all; write.c writes them as a policy.
 * swanctl.c makes its items itself.
 *
 * Nothing is left out in silence. A rule that a policy cannot say, or that we do not understand, is
 * reported at its place and stands in the policy as a comment. A rule that nodes need none for
 * (replies of known connections, loopback) is a comment too. What is taken over decides the same
 * flows as before, where the others do not come in between.
 *
 * Everything lives in the import's arena; memory failures stick in `no_memory`.
 */
#ifndef COPSEC_PMT_IMPORT_IMPORT_H
#define COPSEC_PMT_IMPORT_IMPORT_H

#include "pib/flow/flow.h"
#include "pmt/language/diagnostics.h"

enum {
	IMPORT_ITEMS_MAX = 65536, /* of the policy that is made */
	IMPORT_DEPTH_MAX = 16,    /* of jumps */
	IMPORT_JUMPS_MAX = 65536, /* followed from one base chain */
	IMPORT_INTERFACES_MAX = 250,
};

/* Flows, and the interfaces that they take; NULL: any. */
struct import_condition {
	struct flow_match match;
	const char *in, *out;
	bool impossible; /* no flow is meant */
};

enum import_verdict {
	IMPORT_NOTHING, /* goes on with the next rule */
	IMPORT_ACCEPT,
	IMPORT_DROP,
	IMPORT_RETURN,
	IMPORT_JUMP,
	IMPORT_GOTO
};

struct import_rule {
	struct import_rule *next;
	struct place at;
	struct import_condition when;
	enum import_verdict verdict;
	const char *target; /* of a jump: the chain's name */
	bool log;
	const char *left;     /* why it cannot be taken over; NULL: it can */
	const char *needless; /* why nodes need no rule for it; NULL: they do */
	bool told;            /* as a comment: chains may be jumped to more than once */
};

struct import_chain {
	struct import_chain *next;
	const char *name;
	struct place at;
	bool base; /* a hook leads here */
	enum flow_direction hook;
	enum flow_family family;
	bool accepts; /* what the chain's policy does with the rest */
	struct import_rule *first, *last;
};

enum import_kind { IMPORT_ITEM_ALLOW, IMPORT_ITEM_DENY, IMPORT_ITEM_PROTECT, IMPORT_ITEM_COMMENT };

struct import_item {
	enum import_kind kind;
	enum flow_direction direction;
	struct import_condition when;
	bool log;
	bool both;              /* and its mirror */
	struct place at;        /* where it comes from */
	const char *text;       /* of a comment */
	const char *protection; /* of a protect */
	const char *via;        /* of a tunnel */
};

struct import {
	struct arena arena;
	struct diagnostics *d;
	uint32_t file; /* of the text, in the diagnostics */
	struct import_chain *first, *last;
	struct import_item *items;
	size_t item_count, item_capacity;
	size_t taken, needless, left; /* rules */
	const char *interfaces[IMPORT_INTERFACES_MAX]; /* that rules name */
	size_t interface_count;
	struct buffer protections;    /* their elements, as text */
	bool no_memory;
};

/* E_MEMORY. import_fini() in any case. */
enum err import_init(struct import *im, struct diagnostics *d, struct error *e) MUST_USE;
void import_fini(struct import *im);

/* The formats. What is wrong with the text as a whole comes back as an error. */
enum err import_nft(struct import *im, struct view text, struct error *e) MUST_USE;
enum err import_iptables(struct import *im, struct view text, struct error *e) MUST_USE;
enum err import_swanctl(struct import *im, struct view text, struct error *e) MUST_USE;

struct import_names {
	const char *tenant, *role;
	const char *node, *key; /* both or none */
	const char *source;     /* what it is made from */
};
/* The policy, appended. */
void import_write(const struct import *im, const struct import_names *names, struct buffer *out);

/* --- for readers --- */

struct import_chain *import_chain_add(struct import *im, const char *name, struct place at);
struct import_chain *import_chain_find(const struct import *im, const char *name);
/* NULL without memory. */
struct import_rule *import_rule_add(struct import *im, struct import_chain *chain, struct place at);
/* Formatted, in the arena; "" without memory. */
const char *import_text(struct import *im, const char *format, ...) PRINTF_LIKE(2, 3);
/* What stands in the text, for a sentence: cut after IMPORT_WORD_SIZE - 1 octets, and printable. */
enum { IMPORT_WORD_SIZE = 120 };
const char *import_word(const char *text, char out[IMPORT_WORD_SIZE]);
/* Why the rule cannot be taken over; the first reason stays. */
void import_leave(struct import *im, struct import_rule *rule, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Narrows a field of the condition to the intervals, or to the others. Addresses: narrow the family
 * as well. */
void import_narrow(struct import *im, struct import_condition *when, enum flow_field field,
	const struct flow_interval *list, size_t count, bool negated);
void import_narrow_number(struct import *im, struct import_condition *when, enum flow_field field,
	uint64_t low, uint64_t high);
/* The interface that the rule names, for its condition; NULL, and the rule is left, if there can be
 * none of that name, or there are too many. */
const char *import_interface(struct import *im, struct import_rule *rule, const char *name);
/* An address, a prefix or FIRST-LAST. */
bool import_address(const char *text, enum flow_family *ret_family, struct flow_interval *ret);
/* 80, 8000-8010 or a name such as https; `separator` stands in a range. */
bool import_port(const char *text, char separator, struct flow_interval *ret);
/* A number or a name, by the names that nft and iptables print. */
bool import_protocol(const char *text, uint8_t *ret);
bool import_icmp(const char *text, bool v6, uint8_t *ret);

/* Says that something is left out, at its place and as a comment. */
void import_tell(struct import *im, struct place at, const char *format, ...) PRINTF_LIKE(3, 4);
/* NULL without memory or room. */
struct import_item *import_item_add(struct import *im, enum import_kind kind, struct place at);
/* Makes the items of all base chains. */
void import_flatten(struct import *im);

#endif
