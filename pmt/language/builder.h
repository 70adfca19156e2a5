/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the makers of the model share; only they include this. Each family of elements has a file:
 * it reads its elements and its attributes, which grammar.h has checked, fills its part of the
 * model and reports what they say wrongly about others.
 *
 *	authorities.c  the policy's own, and <admit>
 *	addresses.c    <network>, and what from and to mean
 *	services.c     <service>, and what the attribute service means
 *	nodes.c        <role>, <node>, <interface>
 *	protections.c  <protection>, <ike>, <esp>
 *	schedules.c    <schedule>
 *	row_builder.c  <pib>, <list> and the rows in them and in <rules>
 *	row_values.c   what stands in the attributes of rows
 *	rules.c        <rules> and what stands in it
 *	delegations.c  <delegation> and what stands in it
 *	expectations.c <tests>
 *	model.c        the order of all that
 *
 * Memory comes out of the model's arena. Nobody has to look at each answer: a failed take() sets
 * no_memory, and model_build() says so at the end; a maker only must not use what it did not get.
 */
#ifndef COPSEC_PMT_LANGUAGE_BUILDER_H
#define COPSEC_PMT_LANGUAGE_BUILDER_H

#include "pmt/language/grammar.h"
#include "pmt/language/model.h"
#include "pmt/language/names.h"

/* What a name in a table of names stands for. */
enum {
	KIND_NETWORK,
	KIND_ROLE,
	KIND_NODE,
	KIND_SERVICE,
	KIND_PROTECTION,
	KIND_RULE,
	KIND_SCHEDULE,
	KIND_OFFER,
	KIND_GROUP,
	KIND_DELEGATION,
	KIND_ROW,
	KIND_LIST,
};

struct builder {
	struct model *m;
	struct diagnostics *d;
	struct names places; /* networks, roles and nodes: what from and to may name */
	struct names services;
	struct names protections;
	struct names rules;
	struct names schedules;
	struct names offers;
	struct names delegations;
	struct names rows;  /* "ipSecSelector web" */
	struct names lists; /* "ipSecAddress office" */
	const struct document *doc;
	bool no_memory;
};

/* Zeroed; NULL without memory. */
void *take(struct builder *b, size_t count, size_t size);
const char *keep(struct builder *b, const char *text);

/* The words of an attribute, each with its place. */
struct words {
	const struct attribute *attribute;
	struct view rest;
	struct view word;
	struct place at;
};
struct words words_of(const struct element *el, enum attribute_id id);
bool words_next(struct words *w);
size_t count_words(const struct element *el, enum attribute_id id);

/* A name is given once; the second time is reported, with the place of the first. */
void define(struct builder *b, struct names *table, const struct element *el, unsigned kind,
	void *object);
/* What a name in a reference stands for; reports when nothing does. */
struct named *refer(struct builder *b, const struct names *table, struct view word, struct place at,
	unsigned kinds, const char *what);

/* Sorts, and leaves out what lies inside another. */
void normalize_addresses(struct address_list *list);
/* The addresses of an attribute that holds nothing else. */
struct address_list literal_addresses(
	struct builder *b, const struct element *el, enum attribute_id id);
void append_addresses(
	struct builder *b, struct address_list *list, const struct address_list *more);
/* What from or to means. */
struct address_list addresses_of_peers(
	struct builder *b, const struct element *el, enum attribute_id id);
/* Without groups: in their place the members that home names, and with `permitted` all that a
 * directory may put in. */
void resolve_groups(struct builder *b, struct address_list *list, bool permitted);
/* The same without those of the attribute `except`. */
struct address_list addresses_of_peers_but(struct builder *b, const struct element *el,
	enum attribute_id id, enum attribute_id except);
/* Reports when no flow can have both. */
void check_families(struct builder *b, const struct element *el, const struct address_list *from,
	const struct address_list *to);
/* What the service attribute of a rule or an expectation means. */
struct traffic_list traffic_of_services(struct builder *b, const struct element *el);
/* The role combination that a list of roles makes; never NULL. */
const char *role_combination(struct builder *b, const struct element *el, enum attribute_id id);
/* A role that is declared; NULL if the attribute is not there. */
const char *role_of(struct builder *b, const struct element *el, enum attribute_id id);

void build_authority(struct builder *b, const struct element *root);
void build_admit(struct builder *b, const struct element *el);
void build_network(struct builder *b, const struct element *el);
void build_service(struct builder *b, const struct element *el);
void build_role(struct builder *b, const struct element *el);
void build_node(struct builder *b, const struct element *el);
void build_protection(struct builder *b, const struct element *el);
void build_group(struct builder *b, const struct element *el);
void build_delegation(struct builder *b, const struct element *el);
void build_schedule_element(struct builder *b, const struct element *el);
void build_rules(struct builder *b, const struct element *el);
void build_tests(struct builder *b, const struct element *el);

/* What there is; values come last, when all that they may name is known. */
bool reserve_rows(struct builder *b, const struct element *root);
void declare_rows(struct builder *b, const struct element *root);
void fill_rows(struct builder *b, const struct element *root);
/* The values of a row, with those that were left out. */
void read_row_values(struct builder *b, const struct element *el, struct model_row *row);
/* NULL if there is none of this class. */
struct model_list *find_row_list(
	struct builder *b, const struct pib_class *class, const char *name);
struct named *find_row_id(struct builder *b, const struct pib_class *class, const char *id);
/* With its name alone; NULL without memory. */
struct named *add_row_name(struct builder *b, struct names *names, const struct pib_class *class,
	const char *name);

/* Once all nodes are known: who guards whom. */
void find_guardians(struct builder *b, const struct element *root);
/* Then: which addresses a role means. */
void fill_roles(struct builder *b);
/* Rules get their names once all explicit names are known. */
void name_rules(struct builder *b);

#endif
