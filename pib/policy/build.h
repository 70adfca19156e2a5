/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A policy under construction, for the files of pib/policy only.
 *
 * What refuses a PRI says so by refuse() and goes on with the next one, so that a report can name
 * all of them. Functions return the first error that stops their own object; E_MEMORY and E_LIMIT
 * stop everything (build_stops).
 */
#ifndef COPSEC_PIB_POLICY_BUILD_H
#define COPSEC_PIB_POLICY_BUILD_H

#include "pib/policy/policy.h"

/* The rows of a class that stand in tag lists, sorted by tag, then order, then instance. */
struct tagged {
	uint32_t tag;
	uint32_t order;
	uint32_t instance;
};

struct tag_list {
	const struct tagged *items;
	size_t count;
};

/* The addresses of a group; a family without any is absent. */
struct address_group {
	uint32_t tag;
	bool has[2]; /* by family */
	struct flow_intervals addresses[2];
};

struct port_group {
	uint32_t tag;
	struct flow_intervals ports;
};

struct build {
	const struct pri_store *store;
	struct policy *policy;
	struct pri_failures *failures;
	struct error *error; /* the first */
	enum err err;        /* its code */
	struct tag_list selector_sets, action_sets, proposal_sets, esp_sets, ike_sets;
	struct address_group *address_groups; /* by ascending tag */
	size_t address_group_count;
	struct port_group *port_groups;
	size_t port_group_count;
	struct policy_rule *rules;
	size_t match_count; /* of all rules */
};

/* Notes what is wrong with a PRI; returns the code that goes with the kind. */
enum err refuse(struct build *b, const struct pri *pri, unsigned attribute,
	enum pib_fault_kind kind, const char *format, ...) PRINTF_LIKE(5, 6);
/* E_MEMORY, noted. */
enum err build_no_memory(struct build *b) MUST_USE;
static inline bool build_stops(enum err err)
{
	return err == E_MEMORY || err == E_LIMIT;
}

/* The PRI that an attribute leads to. The store's checks have seen it, so failing is an error of
 * whoever left them out; it is refused as a reference all the same. */
enum err build_follow(struct build *b, const struct pri *from, unsigned attribute,
	enum pib_class_id class, uint32_t instance, struct pri *ret) MUST_USE;
/* The row that extends a PRI; false if there is none. Attributes in it that nothing here can enforce
 * are refused. */
bool build_extension(
	struct build *b, const struct pri *base, enum pib_class_id class, struct pri *ret);
struct tag_list build_tag_list(const struct tag_list *all, uint32_t tag);
/* A copy of a text attribute; NULL and no octets are "". */
enum err build_text(
	struct build *b, const struct pri *pri, unsigned attribute, const char **ret) MUST_USE;
/* "WHAT-NUMBER", for what has no name. */
enum err build_name(struct build *b, const char *what, uint32_t number, const char **ret) MUST_USE;

/* selectors.c */
enum err build_groups(struct build *b) MUST_USE;
/* The one address that the instance of ipSecAddress holds. */
enum err build_single_address(struct build *b, const struct pri *from, unsigned attribute,
	struct policy_address *ret) MUST_USE;
/* Matches of the rule's selector set, with the rule's number. */
enum err build_matches(
	struct build *b, const struct pri *rule, uint32_t number, struct policy_rule *ret) MUST_USE;

/* protections.c */
enum err policy_build_protections(struct build *b) MUST_USE;

#endif
