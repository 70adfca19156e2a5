/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The meaning of the IPsec PIB: a policy set as typed rules and protections.
 *
 * A policy is built from the store of one set whose PRIs have passed the store's checks. What the
 * set says and this suite cannot do (IPSO, time periods, fallbacks, static SAs, DNS addresses, ...)
 * is refused with the PRID, the attribute, the kind of CPERR and a sentence; nothing that changes
 * what is let through or how it is protected is left out in silence. What RFC 3585 and the PIB
 * number differently is dealt with in build.c and nowhere else (standards: smaller Order wins,
 * protocol 255 is any, one row is a cross product).
 *
 * Rules stand in their order: the first that matches decides, none means discard. Their matches are
 * those of pib/flow; rule i of the list has the number i + 1 there. `in` and `out` rules judge
 * packets to and from this node on an interface of the set's roles, `forward` rules packets in
 * transit. A bi-directional rule is the rule (out) and its mirror (in); in forward rules the two
 * directions are both there and the interfaces' roles change places too.
 *
 * A policy owns all that it points to, and copies: the store may go. It never changes.
 */
#ifndef COPSEC_PIB_POLICY_POLICY_H
#define COPSEC_PIB_POLICY_POLICY_H

#include "pib/flow/diagram.h"
#include "pib/store/store.h"

enum {
	POLICY_RULES_MAX = 65536, /* as many as Order has values */
	POLICY_MATCHES_MAX = 1 << 20,
	POLICY_PROTECTIONS_MAX = 4096,
};

enum policy_action { POLICY_DISCARD, POLICY_PROTECT, POLICY_BYPASS };
enum policy_mode { POLICY_TRANSPORT, POLICY_TUNNEL };
/* Preferred falls back to clear when the peer speaks no IKE. */
enum policy_demand { POLICY_REQUIRED, POLICY_PREFERRED };
enum policy_initiator { POLICY_INITIATOR = 1, POLICY_RESPONDER = 2, POLICY_BOTH = 3 };
enum policy_df { POLICY_DF_COPY = 1, POLICY_DF_SET = 2, POLICY_DF_CLEAR = 3 };
enum policy_authentication { POLICY_RAW_KEY = 1, POLICY_CERTIFICATE = 2, POLICY_PRESHARED_KEY = 3 };

/* `family` FLOW_ANY_FAMILY: none. */
struct policy_address {
	enum flow_family family;
	uint8_t octets[16];
};

/* A transform set to propose. Numbers of IANA's IKEv2 registry; 0 = none. */
struct policy_esp {
	uint32_t instance; /* of ipSecEspTransform */
	uint16_t encryption;
	uint16_t key_length; /* bits, 0 where the cipher has one length */
	uint16_t integrity;
	uint16_t group; /* for perfect forward secrecy */
	bool esn;
	uint32_t replay_window; /* packets; 0 = no replay protection */
	uint32_t lifetime_seconds;
	uint64_t lifetime_kilobytes; /* 0 = no limit */
};

struct policy_ike_proposal {
	uint32_t instance; /* of ipSecIkeProposal */
	uint16_t encryption;
	uint16_t key_length;
	uint16_t integrity;
	uint16_t prf;
	uint16_t group;
	uint32_t lifetime_seconds;
	uint64_t lifetime_kilobytes;
};

/* An IKE identity: IpsecDoiIdentType (0 = none: any for the peer, the key's own for the local
 * end), and its value; a peer's in string form, with wildcards (draft §5.5). */
struct policy_identity {
	uint8_t type;
	bool negated;
	struct view value;
};

/* How keys are agreed upon. Version 2 only. */
struct policy_ike {
	uint32_t instance; /* of ipSecIkeAssociation */
	enum policy_authentication authentication;
	struct policy_identity local;
	struct policy_identity peer;
	struct policy_address peer_address;          /* where to start an SA without a packet */
	struct view preshared_key;                   /* secret; empty: obtained by other means */
	const struct policy_ike_proposal *proposals; /* in order of preference, at least one */
	size_t proposal_count;
	bool log;
};

struct policy_protection {
	const char *name;  /* copsecNegotiationActionName, or "protection-N" */
	uint32_t instance; /* of ipSecNegotiationAction */
	uint32_t number;   /* its place in policy.protections, from 1 on */
	enum policy_mode mode;
	enum policy_demand demand;
	struct policy_address endpoint;     /* of the peer's gateway, in tunnel mode only */
	enum policy_df df;                  /* in tunnel mode only */
	uint32_t idle_seconds;              /* delete an SA that is idle that long; 0 = never */
	const struct policy_esp *proposals; /* in order of preference, at least one */
	size_t proposal_count;
	const struct policy_ike *ike;
};

enum policy_rule_direction {
	POLICY_IN = 1,
	POLICY_OUT = 2,
	POLICY_BOTH_DIRECTIONS = 3,
};

struct policy_rule {
	const char *name;  /* copsecRuleName, or "rule-ORDER" */
	uint32_t instance; /* of ipSecRule */
	uint32_t number;   /* its place in policy.rules, from 1 on; its number in diagrams */
	uint32_t order;
	bool forward;
	enum policy_rule_direction direction; /* of a forward rule: in and out mean the same */
	const char *in_role; /* of a forward rule, "" = any interface with a role */
	const char *out_role;
	const struct flow_match *matches; /* as written: not mirrored, without roles */
	size_t match_count;               /* 0: the selectors contradict themselves */
	enum policy_action action;
	const struct policy_protection *protection; /* NULL unless POLICY_PROTECT */
	enum policy_initiator initiator;
	bool auto_start;
	bool stateful;   /* replies pass with the connection */
	bool log;        /* packets */
	bool log_action; /* negotiations */
};

struct policy {
	struct arena arena;
	const char *roles;          /* role combination of all rules, "" without rules */
	const char *capability_set; /* ipSecRuleIfCapSetName of all rules */
	const struct policy_rule *rules;
	size_t rule_count;
	const struct policy_protection *protections;
	size_t protection_count;
};

/* Refuses all that it finds at once: each failure with its PRI is in `failures`, the first one in
 * `error`. E_UNSUPPORTED, E_RANGE, E_REFERENCE, ...; E_LIMIT and E_MEMORY may come without a PRI.
 */
enum err policy_new(const struct pri_store *store, struct policy **ret,
	struct pri_failures *failures, struct error *error) MUST_USE;
struct policy *policy_free(struct policy *policy); /* takes NULL, returns NULL */

/* May a policy set hold instances of this class? What a node says that it supports. */
bool policy_supports(enum pib_class_id class);
/* May the attribute, of a class that is supported, have another value than its default? */
bool policy_supports_attribute(enum pib_class_id class, unsigned attribute);

/* Has an interface of this role combination all roles that a forward rule names? "" in the rule
 * means any interface that has a role; an interface without one is never meant. */
bool policy_role_matches(const char *rule_role, const char *interface_roles);

/* The role combinations of the interfaces concerned: number n of FLOW_IN_ROLE and FLOW_OUT_ROLE is
 * names[n - 1], 0 an interface without a role. Only forward rules look at it; may be NULL for the
 * others. */
struct policy_roles {
	const char *const *names;
	size_t count;
};

/* The first-match list for one direction; matches live in the arena and borrow from the policy.
 * The direction field of the matches is not narrowed, the role fields are in forward rules only. */
enum err policy_matches(const struct policy *policy, enum flow_direction direction,
	const struct policy_roles *roles, struct arena *arena, struct flow_match **ret,
	size_t *ret_count, struct error *error) MUST_USE;
/* Its diagram; leaves are rule numbers, 0 = no rule. */
enum err policy_diagram(const struct policy *policy, enum flow_direction direction,
	const struct policy_roles *roles, struct flow_manager *m, flow_ref *ret,
	struct error *error) MUST_USE;

/* The rule that decides this flow, by reading them one after the other; NULL: no rule, discard. */
const struct policy_rule *policy_evaluate(
	const struct policy *policy, const struct flow *flow, const struct policy_roles *roles);
/* By its number in a diagram; NULL for 0 and for numbers that no rule has. */
const struct policy_rule *policy_rule(const struct policy *policy, uint32_t number);

/* The same name, mode, demand, endpoint, proposals and IKE, whatever the InstanceIds: two sets that
 * came from one protection of the author may share one reqid. */
bool policy_protection_equal(const struct policy_protection *a, const struct policy_protection *b);

/* One line without its end: `rule 3 "web": out to 2001:db8::/32 tcp 443: protect with strong`. */
void policy_print_rule(struct buffer *b, const struct policy_rule *rule);
/* Name, mode, demand, proposals, IKE; one line each. Never a key. */
void policy_print_protection(struct buffer *b, const struct policy_protection *protection);

#endif
