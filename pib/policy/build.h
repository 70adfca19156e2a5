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
	const struct policy_filling *filling; /* NULL: nobody fills groups */
	struct policy *policy;
	struct pri_failures *failures;
	struct error *error; /* the first */
	enum err err;        /* its code */
	struct tag_list selector_sets, action_sets, proposal_sets, esp_sets, ah_sets, ipcomp_sets,
		ike_sets, ike_action_sets, credential_sets, credential_fields, ipso_sets,
		period_sets;
	/* Those that are built, each at the place of its first row in period_sets; NULL: none yet. */
	const struct policy_schedule **schedules;
	struct address_group *address_groups; /* by ascending tag */
	size_t address_group_count;
	struct port_group *port_groups;
	size_t port_group_count;
	struct policy_rule *rules;
	size_t match_count; /* of all rules */
	struct policy_need *needs;
	size_t need_count;
	size_t need_capacity;
};

/* A new Diffie-Hellman exchange for new keys: what the association asks for where the transform
 * says nothing. Keys that stand in a transform count only where nothing is negotiated. */
struct secrecy {
	const struct pri *association;
	bool wanted;
	uint32_t group;
	bool keys;
};

/* Notes what is wrong with a PRI; returns the code that goes with the kind. */
enum err refuse(struct build *b, const struct pri *pri, unsigned attribute,
	enum pib_fault_kind kind, const char *format, ...) PRINTF_LIKE(5, 6);
/* The same as the error of this name in the INSTALL-ERRORS of the PRI's class. */
enum err refuse_own(struct build *b, const struct pri *pri, unsigned attribute,
	const char *install_error, const char *format, ...) PRINTF_LIKE(5, 6);
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
/* The row that extends a PRI; false if there is none. */
bool build_extension(
	const struct build *b, const struct pri *base, enum pib_class_id class, struct pri *ret);
struct tag_list build_tag_list(const struct tag_list *all, uint32_t tag);
/* A copy of a text attribute; NULL and no octets are "". */
enum err build_text(
	struct build *b, const struct pri *pri, unsigned attribute, const char **ret) MUST_USE;
/* "WHAT-NUMBER", for what has no name. */
enum err build_name(struct build *b, const char *what, uint32_t number, const char **ret) MUST_USE;

/* A copy; without octets none. What is secret is wiped with the policy. */
enum err build_octets(struct build *b, struct view v, struct view *ret) MUST_USE;
enum err build_secret(struct build *b, struct view v, struct view *ret) MUST_USE;
enum err build_strategy(struct build *b, const struct pri *pri, unsigned attribute,
	enum policy_strategy *ret) MUST_USE;

/* needs.c */
enum err build_needs(struct build *b) MUST_USE;
/* Notes that this attribute of the PRI, for the value that it has, needs something. */
enum err build_need(struct build *b, const struct pri *pri, unsigned attribute) MUST_USE;

/* selectors.c */
enum err build_groups(struct build *b) MUST_USE;
/* From the type, octets and prefix length of some class. E_UNSUPPORTED, E_RANGE and nothing said.
 */
enum err build_prefix(int32_t type, struct view octets, uint32_t bits, enum flow_family *ret_family,
	struct flow_interval *ret) MUST_USE;
/* The one address that the instance of ipSecAddress holds. */
enum err build_single_address(struct build *b, const struct pri *from, unsigned attribute,
	struct policy_address *ret) MUST_USE;
/* Matches of the rule's selector set, with the rule's number. */
enum err build_matches(
	struct build *b, const struct pri *rule, uint32_t number, struct policy_rule *ret) MUST_USE;

/* transforms.c */
bool build_is_group(uint32_t number);
/* *ret is a struct policy_esp, policy_ah, policy_ipcomp. */
enum err build_esp(
	struct build *b, const struct pri *pri, const struct secrecy *secrecy, void *ret) MUST_USE;
enum err build_ah(
	struct build *b, const struct pri *pri, const struct secrecy *secrecy, void *ret) MUST_USE;
enum err build_ipcomp(
	struct build *b, const struct pri *pri, const struct secrecy *secrecy, void *ret) MUST_USE;
enum err build_proposal(struct build *b, const struct pri *pri, const struct secrecy *secrecy,
	struct policy_proposal *ret) MUST_USE;

/* ike.c */
enum err build_key_exchange(
	struct build *b, const struct pri *pri, struct policy_protection *p) MUST_USE;

/* protections.c */
enum err policy_build_protections(struct build *b) MUST_USE;

/* actions.c */
enum err build_steps(struct build *b, const struct pri *rule, struct policy_rule *ret) MUST_USE;

/* conditions.c */
enum err build_schedule(struct build *b, const struct pri *from, unsigned attribute,
	const struct policy_schedule **ret) MUST_USE;
enum err build_ipso(struct build *b, const struct pri *rule, struct policy_rule *ret) MUST_USE;

/* names.c: groups and their members, keys of peers, sealed secrets */
enum err policy_build_names(struct build *b) MUST_USE;

/* rules.c */
enum err build_offers(struct build *b) MUST_USE;
enum err policy_build_rules(struct build *b) MUST_USE;

/* All rows of a class, sorted as struct tagged says; `tag` and `order` are attributes, 0 for none.
 */
enum err build_collect(struct build *b, enum pib_class_id class, unsigned tag, unsigned order,
	struct tag_list *ret) MUST_USE;

#endif
