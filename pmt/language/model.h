/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A policy as its author means it: names resolved, words turned into values.
 *
 * model_build() takes a document that grammar.h has checked and reports what its elements say
 * wrongly about each other: names that nobody defines or that two do, nodes with the same key,
 * a service that is none, a forward rule's roles in a rule that is none... The model is complete
 * only if the diagnostics hold no error.
 *
 * Everything lives in the model's arena or in the document's; both must outlive what uses them.
 * Lists keep the order of the document.
 */
#ifndef COPSEC_PMT_LANGUAGE_MODEL_H
#define COPSEC_PMT_LANGUAGE_MODEL_H

#include "common/base/pin.h"
#include "pib/schema/schema.h"
#include "pib/policy/algorithms.h"
#include "pib/set/delegation.h"
#include "pmt/language/document.h"
#include "pmt/language/value.h"

enum {
	MODEL_PROTECTIONS_MAX = 255, /* the node's marks have eight bits for them */
	MODEL_RULES_MAX = 32768,     /* of one role combination: ipSecRuleOrder has 16 bits */
	MODEL_INTERFACES_MAX = 256   /* of one node */
};

/* Sorted, without repetition. `any`: all addresses, and the list is empty. */
struct model_group;

struct address_list {
	struct address_range *items;
	size_t count;
	bool any;
	const struct model_group **groups; /* and who is in these; of rules, tests and statements */
	size_t group_count;
};

/* What a service or a rule means by protocol and port. No ports: any. */
struct traffic {
	uint8_t protocol; /* PROTOCOL_ANY */
	struct port_range *ports;
	size_t port_count;
	struct icmp_match icmp;
	int8_t dscp; /* DSCP_ANY */
};

struct traffic_list {
	struct traffic *items;
	size_t count;
};

/* Who besides home may speak at the nodes. */
struct model_admitted {
	enum authority authority;
	struct place at;
	const char *tenant; /* "*": whoever a visited network is */
	bool has_trust;
	struct pin trust; /* of the content of its first trust list */
};

struct model_network {
	const char *name;
	struct address_list addresses;
};

struct model_group {
	const char *name;
	struct place at;
	struct address_list addresses; /* that home names */
	bool directory;                /* adds others... */
	struct address_list permitted; /* ...of these */
	bool granted;                  /* some delegation lets it */
};

struct model_service {
	const char *name;
	struct traffic_list traffic;
};

struct model_role {
	const char *name;
	struct place at;
	struct address_list addresses; /* of all nodes and interfaces that have it */
	size_t rule_count;             /* for the names of rules without one */
	bool used;                     /* by a node that is compiled for */
};

struct model_interface {
	const char *name;
	struct place at;
	const char *roles; /* a role combination, "" for none */
	struct address_list addresses;
};

struct model_node {
	const char *name;
	struct place at;
	bool has_key, has_report, has_seal;
	struct pin key, report, seal;
	const char *roles;
	struct address_list addresses;      /* of its interfaces too */
	struct model_interface *interfaces; /* at least one */
	size_t interface_count;
	/* Of a node without a key, whose rules its guardian enforces; else NULL. */
	const struct model_node *guardian;
	size_t rule_count; /* for the names of rules without one */
};

enum ike_authentication {
	AUTHENTICATION_KEY,
	AUTHENTICATION_CERTIFICATE,
	AUTHENTICATION_SECRET,
};

struct model_ike {
	const struct algorithm *encryption;
	const struct algorithm *integrity; /* NULL with a combined cipher */
	const struct algorithm *prf;
	const struct algorithm *group;
	enum ike_authentication authentication;
	uint32_t lifetime; /* seconds */
};

struct model_esp {
	const struct algorithm *encryption;
	const struct algorithm *integrity; /* NULL with a combined cipher */
	const struct algorithm *group;
	bool esn;
	uint32_t lifetime;
};

struct model_protection {
	const char *name;
	struct place at;
	bool tunnel;
	bool preferred;
	struct model_ike *ike; /* one at least, and all with the same authentication */
	size_t ike_count;
	struct model_esp *esp;
	size_t esp_count;
};

struct model_row;
struct model_list;

/* What an attribute of a row is. */
enum model_value_kind {
	VALUE_LEFT_OUT, /* of the row too: the schema's default */
	VALUE_NULL,
	VALUE_NUMBER, /* two's complement; BITS; of a reference: none */
	VALUE_OCTETS,
	VALUE_ROW,
	VALUE_LIST,
	VALUE_ADDRESSES,  /* the list of rows that a network, role or node is */
	VALUE_PROTECTION, /* the row or list that a protection has in the attribute's class */
	VALUE_ROLES,      /* those of the set */
	VALUE_SEAL,       /* the key that secrets of the set's node are sealed to */
	VALUE_PLACE,      /* a rule's among the rules, a row's in its list */
};

struct model_value {
	enum model_value_kind kind;
	struct place at; /* of the element, if it is left out */
	enum pib_class_id class; /* of VALUE_PROTECTION: of the row, or of the list's rows */
	union {
		uint64_t number;
		struct view octets;
		const struct model_row *row;
		const struct model_list *list;
		const struct address_list *addresses;
		const struct model_protection *protection;
	};
};

/* A row that the author wrote as such. */
struct model_row {
	const struct pib_class *class;
	struct place at;
	const char *id;                  /* NULL: none */
	uint32_t number;                 /* of its InstanceId in the set's block; 0: a free one */
	size_t index;                    /* among model.rows; not of an extension */
	struct model_value *values;      /* attribute n is values[n - 1] */
	struct model_row *extension;     /* NULL: none */
	const struct model_list *list;   /* that it is in; NULL: none */
	uint32_t place;                  /* in there, from 1 on */
	const struct model_row *sibling; /* the next one in there */
};

struct model_list {
	const struct pib_class *class;
	struct place at;
	const char *name;
	bool written;    /* as <list>; else by rows alone */
	uint32_t number; /* of its TagId; 0: a free one */
	size_t index;    /* among model.lists */
	struct model_row *first, *last;
	uint32_t count;
};

enum verdict {
	VERDICT_ALLOW,
	VERDICT_DENY,
	VERDICT_PROTECT,
};

/* Times at which all that it says holds; 0 in a mask: any. */
struct model_period {
	bool except;
	bool has_first, has_last, has_times;
	int64_t first, last; /* seconds from 1970 as its clock shows them */
	uint32_t months, weekdays, days, days_from_end; /* as policy_period */
	uint32_t from_second, to_second;
};

struct model_schedule {
	const char *name;
	struct place at;
	const char *zone; /* "UTC", "local" or a zone's name */
	struct model_period *periods;
	size_t period_count;
};

struct model_offer {
	const char *name;
	struct place at;
	const char *about;
	uint32_t longest, usual; /* seconds; 0: for ever, as long as it may */
	bool across_boot;
};

/* For what a limit counts; the numbers of copsecRuleRateScope. */
enum limit_scope {
	LIMIT_OF_RULE = 1,
	LIMIT_OF_SOURCE,
	LIMIT_OF_DESTINATION,
};

/* Of flows that begin in a unit of time, or that are there. */
struct model_limit {
	uint32_t count;   /* 0: none */
	uint32_t seconds; /* of a rate: its unit of time */
	uint32_t burst;   /* of a rate; 0: as count */
	enum limit_scope scope;
};

struct model_rule {
	const char *name;
	struct place at;
	const struct model_row *row; /* NULL: the rest says what the rule is */
	enum verdict verdict;
	/* Of VERDICT_PROTECT: one at least, all of them tunnels or none; the first that succeeds. */
	const struct model_protection **protections;
	size_t protection_count;
	struct address_range via; /* of a tunnel */
	bool via_guardian;        /* instead: of whoever guards the other end */
	bool in, out, forward;
	bool both; /* with its mirror: alone, out and its mirror; with forward, both ways through */
	struct address_list from, to;
	struct traffic_list traffic;
	const char *in_role, *out_role; /* of a forward rule; NULL: any */
	bool log;
	const struct model_schedule *schedule; /* NULL: always */
	const struct model_offer *offer;       /* NULL: whatever is switched on */
	bool shadow;
	bool stateful;
	struct model_limit rate, connections;
};

struct model_block {
	const struct model_role **roles;
	size_t role_count;
	bool exactly; /* for who has these roles alone, and all of them; with nodes: for these */
	const struct model_node **nodes; /* instead: these alone */
	size_t node_count;
	struct model_rule *rules;
	size_t rule_count;
	const struct model_row **rows; /* besides those of rules */
	size_t row_count;
};

struct model_members {
	const struct model_group *group;
	struct address_list addresses;
};

struct model_expect {
	struct place at;
	enum verdict verdict;
	const struct model_protection *protection; /* NULL: any */
	const struct model_role *role; /* of these two one is NULL; not home's: both for everybody */
	const struct model_node *node;
	enum { EXPECT_IN, EXPECT_OUT, EXPECT_FORWARD } direction;
	struct address_list from, to;
	struct traffic_list traffic;
	const char *in_role, *out_role;
	const struct model_rule *rule; /* NULL: any */
	bool has_time;                 /* else at any time */
	int64_t time;                  /* seconds from 1970 as each schedule's clock shows them */
	const struct model_offer **offers; /* that are on */
	size_t offer_count;
	struct model_members *members; /* that groups have besides */
	size_t member_count;
};

/* What all these flows must get at least, over the whole network (reasoning/prove.h). */
struct model_proof {
	struct place at;
	enum verdict bound;                        /* VERDICT_DENY or VERDICT_PROTECT */
	const struct model_protection *protection; /* NULL: any */
	bool in, out, forward;                     /* one at least */
	struct address_list from, to;
	struct address_list except_from, except_to; /* empty: none; of groups, who is in them */
	struct traffic_list traffic;
};

/* Bounds as pib/set/delegation.h has them; tenant, serial and times are the compiler's. */
struct model_delegation {
	const char *name;
	struct place at;
	uint32_t valid;                 /* seconds */
	const struct model_role **roles; /* only nodes with one of these; none: all */
	size_t role_count;
	struct delegation bounds;
};

enum stale_policy {
	STALE_POLICY_KEEP,
	STALE_POLICY_TIGHTEN,
	STALE_POLICY_QUARANTINE,
	STALE_POLICY_END,
};

struct model {
	struct arena arena;
	struct place at; /* of the policy itself */
	const struct diagnostics *places; /* what every `at` is a place in */
	const char *tenant;
	enum authority authority;
	enum stale_policy stale;
	struct model_admitted *admitted;
	size_t admitted_count;
	struct model_role everybody; /* "*": what rules of others than home may be for */
	struct model_network *networks;
	size_t network_count;
	struct model_group *groups;
	size_t group_count;
	struct model_delegation *delegations;
	size_t delegation_count;
	struct model_service *services;
	size_t service_count;
	struct model_role *roles;
	size_t role_count;
	struct model_node *nodes;
	size_t node_count;
	struct model_protection *protections;
	size_t protection_count;
	struct model_schedule *schedules;
	size_t schedule_count;
	struct model_offer *offers;
	size_t offer_count;
	struct model_block *blocks;
	size_t block_count;
	struct model_expect *expects;
	size_t expect_count;
	struct model_proof *proofs;
	size_t proof_count;
	struct model_row **rows;
	size_t row_count;
	struct model_list **lists;
	size_t list_count;
	struct model_rule **rules; /* of all blocks, if they have a name */
	size_t rule_count;
};

void model_init(struct model *m);
void model_fini(struct model *m);

/* E_MEMORY; everything else goes to `d`. */
enum err model_build(struct model *m, const struct document *doc, struct diagnostics *d,
	struct error *e) MUST_USE;

/* The services that a policy need not define: one line each, `ssh: tcp 22`. */
void model_print_services(struct buffer *out);
/* The name of the one with exactly this definition, as `tcp="53" udp="53"`; NULL if none has it. */
const char *model_known_service(const char *definition);

/* Is the role among those of the combination? */
bool combination_has(const char *combination, const char *role);
/* Has the node as a whole, or one of its interfaces, the role? */
bool node_has_role(const struct model_node *node, const char *role);
/* By its name, or by that of one that was made of it for a guardian: NAME.WARD. NULL if there is
 * none. */
const struct model_rule *model_rule(const struct model *m, const char *name);

#endif
