/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The meaning of the IPsec PIB: a policy set as typed rules and protections.
 *
 * A policy is built from the store of one set whose PRIs have passed the store's checks, and says
 * all that the set says: rules with their actions, protections down to the transforms and keys, the
 * key exchanges and whom they accept, times, IP security options, and what COPSEC-PIB adds. Much of
 * that no kernel or daemon here can do; so it also lists what it needs (needs.h), and who enforces
 * refuses what he cannot do. Only what has no meaning is refused here, with the PRID, the
 * attribute, the kind of CPERR and a sentence. What RFC 3585 and the PIB number differently is
 * dealt with in model.h and nowhere else.
 *
 * Rules stand in their order: the first that matches decides, none means discard. Their matches are
 * those of pib/flow; rule i of the list has the number i + 1 there. `in` and `out` rules judge
 * packets to and from this node on an interface of the set's roles, `forward` rules packets in
 * transit. A bi-directional rule is the rule (out) and its mirror (in); in forward rules the two
 * directions are both there and the interfaces' roles change places too. A shadow rule only counts,
 * and decides nothing.
 *
 * A policy owns all that it points to, and copies: the store may go. It never changes. Secrets in
 * it are wiped with it.
 */
#ifndef COPSEC_PIB_POLICY_POLICY_H
#define COPSEC_PIB_POLICY_POLICY_H

#include "pib/flow/diagram.h"
#include "pib/policy/needs.h"
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
enum policy_authentication {
	POLICY_RAW_KEY = 1,
	POLICY_CERTIFICATE = 2,
	POLICY_PRESHARED_KEY = 3,
	POLICY_NOBODY = 4, /* RFC 7619 */
};

/* `family` FLOW_ANY_FAMILY: none. */
struct policy_address {
	enum flow_family family;
	uint8_t octets[16];
};

/* ---- Transforms ---- */

/* Numbers of IANA's IKEv2 registry; 0 = none. */
struct policy_esp {
	uint32_t instance; /* of ipSecEspTransform */
	bool extended;     /* what is meant stands in its copsecEspTransform */
	uint16_t encryption;
	uint16_t key_length; /* bits, 0 where the cipher has one length */
	uint16_t integrity;
	uint16_t group;            /* for perfect forward secrecy */
	uint16_t additional_group; /* RFC 9370 */
	bool esn;
	uint32_t replay_window; /* packets; 0 = no replay protection */
	uint32_t lifetime_seconds;
	uint64_t lifetime_kilobytes; /* 0 = no limit */
	struct view cipher_key;      /* secret; of an association without negotiation only */
	struct view integrity_key;
};

struct policy_ah {
	uint32_t instance; /* of ipSecAhTransform */
	uint16_t integrity;
	uint16_t group;
	uint16_t additional_group;
	bool esn;
	uint32_t replay_window;
	uint32_t lifetime_seconds;
	uint64_t lifetime_kilobytes;
	struct view integrity_key;
};

struct policy_ipcomp {
	uint32_t instance;       /* of ipSecCompTransform */
	uint8_t algorithm;       /* IpsecDoiIpcompTransform */
	uint16_t dictionary_log; /* log2 of the largest dictionary; 0 = as the algorithm has it */
	uint32_t lifetime_seconds;
	uint64_t lifetime_kilobytes;
};

/* One of each kind that is there, together; of a kind the first that both ends like. */
struct policy_proposal {
	uint32_t instance; /* of ipSecProposal */
	const struct policy_esp *esp;
	size_t esp_count;
	const struct policy_ah *ah;
	size_t ah_count;
	const struct policy_ipcomp *ipcomp;
	size_t ipcomp_count;
};

/* ---- Key exchange ---- */

/* In IKE version 1, what has a number there is translated to that of version 2. */
struct policy_ike_proposal {
	uint32_t instance; /* of ipSecIkeProposal */
	uint16_t encryption;
	uint16_t key_length;
	uint16_t integrity;
	uint16_t prf;
	uint16_t group;
	uint16_t additional_group;
	uint16_t method; /* IkeAuthMethod, of version 1 */
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

/* A part of a credential must have this value, or must not; `*` stands for any characters. */
struct policy_criterion {
	const char *name; /* "subjectName", "issuerName", "serialNumber", ... */
	const char *value;
	bool negated;
};

enum policy_credential_type { POLICY_X509 = 1, POLICY_KERBEROS = 2 };
enum policy_revocation { POLICY_NOT_LOOKED_AT = 1, POLICY_IF_KNOWN = 2, POLICY_MUST_BE_KNOWN = 3 };

struct policy_credential {
	uint32_t instance; /* of ipSecCredential */
	enum policy_credential_type type;
	const struct policy_criterion *criteria; /* all must hold */
	size_t criterion_count;
	struct view crl_distribution_point;
	struct view anchor; /* certificate in DER; empty: any that the node trusts */
	struct view key;    /* SHA-256 of the only key that is accepted; empty: any */
	enum policy_revocation revocation;
};

/* One of them is enough; none: any. */
struct policy_credentials {
	const struct policy_credential *list;
	size_t count;
};

/* As copsecManifestAuthority. */
enum policy_authority {
	POLICY_BY_HOME = 1,
	POLICY_BY_OPERATOR,
	POLICY_BY_VISITED,
	POLICY_BY_RESPONDER,
	POLICY_BY_DIRECTORY,
	POLICY_BY_LOCAL,
};

/* When a rule counts; NULL: always (periods.h). */
struct policy_schedule;

/* As RFC 3460 numbers them (model.h). */
enum policy_strategy {
	POLICY_UNTIL_SUCCESS = 1, /* in order, until one succeeds */
	POLICY_DO_ALL = 2,        /* each, in order */
};

enum policy_exchange { POLICY_BASE_MODE = 1, POLICY_MAIN_MODE = 2, POLICY_AGGRESSIVE_MODE = 4 };

/* How keys are agreed upon. */
struct policy_ike {
	uint32_t instance;                         /* of ipSecIkeAssociation */
	uint8_t version;                           /* 1 or 2 */
	enum policy_exchange exchange;             /* of version 1 */
	uint16_t aggressive_group;                 /* of aggressive mode */
	enum policy_authentication authentication; /* of version 2 */
	enum policy_authentication peer_authentication;
	struct policy_identity local;
	struct policy_identity peer;
	struct policy_address peer_address;   /* where to start an SA without a packet */
	uint32_t peer_instance;               /* of ipSecIkePeerEndpoint; 0: none */
	const char *peer_name;                /* "" = it has none */
	enum policy_authority peer_authority; /* who gives it keys */
	struct policy_credentials peer_credentials;
	struct policy_credentials local_credentials;
	struct view preshared_key;                   /* secret; empty: obtained by other means */
	const struct policy_ike_proposal *proposals; /* in order of preference, at least one */
	size_t proposal_count;
	uint32_t least_lifetime_seconds; /* accepted from the peer; 0 = any */
	uint64_t least_lifetime_kilobytes;
	uint32_t idle_seconds; /* 0 = never given up for being idle */
	struct view vendor_id;
	uint32_t dpd_seconds; /* 0 = a silent peer is never asked */
	bool mobike;
	uint32_t reauthentication_seconds; /* 0 = never */
	bool log;
};

/* Several key exchanges to choose from. */
struct policy_ike_rule {
	uint32_t instance; /* of ipSecIkeRule */
	enum policy_strategy strategy;
	enum policy_initiator initiator;
	bool auto_start;
	const struct policy_schedule *schedule;
};

/* ---- Protections ---- */

enum policy_granularity {
	POLICY_EACH_SUBNET = 1,
	POLICY_EACH_ADDRESS,
	POLICY_EACH_PROTOCOL,
	POLICY_EACH_PORT,
};

/* How much must be known of the other end before traffic may use an association. */
enum policy_rung { POLICY_ENCRYPTED = 1, POLICY_AUTHENTICATED = 2, POLICY_AUTHORISED = 3 };

/* A negotiated association. */
struct policy_protection {
	const char *name;  /* copsecNegotiationActionName, or "protection-N" */
	uint32_t instance; /* of ipSecNegotiationAction */
	uint32_t number;   /* its place in policy.protections, from 1 on */
	enum policy_mode mode;
	enum policy_demand demand;
	struct policy_address endpoint; /* of the peer's gateway, in tunnel mode only */
	enum policy_df df;              /* in tunnel mode only */
	bool hide_dscp;                 /* in tunnel mode: the outer header has 0 */
	uint32_t idle_seconds;          /* delete an SA that is idle that long; 0 = never */
	uint32_t least_lifetime_seconds;
	uint64_t least_lifetime_kilobytes;
	enum policy_granularity granularity;
	enum policy_rung least;
	bool ratchet; /* a rung once reached with a peer is not given up */
	bool ask;     /* the PDP, before an association is made or used */
	uint32_t jitter_milliseconds;
	bool always_udp;                         /* RFC 3948, even if nobody translates addresses */
	const struct policy_proposal *proposals; /* in order of preference, at least one */
	size_t proposal_count;
	const struct policy_ike *ike; /* in order; NULL without a key exchange that is known */
	size_t ike_count;
	const struct policy_ike_rule *ike_rule; /* NULL: there is but one key exchange */
};

/* An association without negotiation. */
struct policy_static_sa {
	uint32_t instance; /* of ipSecStaticAction */
	enum policy_mode mode;
	struct policy_address endpoint;
	enum policy_df df;
	uint32_t spi;
	uint32_t lifetime_seconds; /* the smaller of its own and the transform's; 0 = for ever */
	uint64_t lifetime_kilobytes;
	const struct policy_esp *esp; /* one of the three */
	const struct policy_ah *ah;
	const struct policy_ipcomp *ipcomp;
	bool udp;
	bool esn;
	bool fresh_keys; /* made for this set alone (RFC 8221) */
};

/* ---- Actions ---- */

enum policy_step_kind {
	POLICY_STEP_BYPASS,
	POLICY_STEP_DISCARD,
	POLICY_STEP_REJECT_IKE,
	POLICY_STEP_STATIC_SA,
	POLICY_STEP_NEGOTIATE,
};

enum policy_answer { POLICY_SILENCE = 1, POLICY_UNREACHABLE = 2, POLICY_RESET = 3 };

struct policy_step {
	uint32_t instance; /* of ipSecActionSet */
	enum policy_step_kind kind;
	enum policy_answer answer;                  /* to who is discarded */
	const struct policy_static_sa *sa;          /* of POLICY_STEP_STATIC_SA */
	const struct policy_protection *protection; /* of POLICY_STEP_NEGOTIATE */
	bool log_action;
	bool log;
};

/* ---- Rules ---- */

enum policy_scope { POLICY_OF_RULE = 1, POLICY_OF_SOURCE = 2, POLICY_OF_DESTINATION = 3 };

/* Flows that may begin, or be there; count 0 = no limit. */
struct policy_limit {
	uint32_t count;
	uint32_t seconds; /* of a rate: the unit of time; 0 of flows that are there */
	uint32_t burst;   /* of a rate; 0 = as count */
	enum policy_scope scope;
};

/* Rules that are off until somebody at the node switches them on. */
struct policy_offer {
	uint32_t instance; /* of copsecOffer */
	const char *name;
	const char *about;
	uint32_t longest_seconds; /* 0 = until it is switched off */
	uint32_t usual_seconds;
	bool across_boot;
};

/* A condition on an IP security option (RFC 1108): one of its filters. */
struct policy_ipso {
	uint32_t instance; /* of ipSecIpsoFilter */
	bool negated;
	bool by_authority; /* else by classification */
	uint8_t classification;
	uint8_t authority;
};

/* A name for an address group, and who else may fill it. */
struct policy_group {
	uint32_t instance; /* of copsecGroup */
	uint32_t tag;
	const char *name;
	enum policy_authority authority;
};

/* A member of a group, in the set of whoever fills it; or a key of a peer. Times are seconds since
 * 1970 UTC, 0 = as long as the set. */
struct policy_member {
	uint32_t instance; /* of copsecGroupMember */
	const char *group;
	enum flow_family family;
	struct flow_interval addresses;
	uint64_t not_after;
	const char *node; /* PEPID, "" = none */
};

struct policy_peer_key {
	uint32_t instance; /* of copsecPeerKey */
	const char *peer;
	struct view key; /* SubjectPublicKeyInfo in DER */
	struct policy_identity identity;
	struct policy_address address;
	uint64_t not_before;
	uint64_t not_after;
};

enum policy_secret_use {
	POLICY_SECRET_PRESHARED_KEY = 1,
	POLICY_SECRET_INTEGRITY_KEY = 2,
	POLICY_SECRET_CIPHER_KEY = 3,
};

/* A secret that only one enforcer can open: what it stands for, and what it is. */
struct policy_sealed {
	uint32_t instance; /* of copsecSecret */
	struct prid owner;
	enum policy_secret_use use;
	struct view key;    /* SHA-256 of the public key that it is sealed to */
	struct view sealed; /* CMS EnvelopedData in DER */
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
	const struct policy_ipso *ipso;   /* if there are any, one must hold too */
	size_t ipso_count;
	enum policy_strategy strategy;
	const struct policy_step *steps; /* at least one */
	size_t step_count;
	/* What the steps come to (policy_outcome); `protection` is the first that is negotiated,
	 * NULL unless there is one and the action is POLICY_PROTECT. */
	enum policy_action action;
	enum policy_demand demand;
	const struct policy_protection *protection;
	const struct policy_schedule *schedule; /* NULL: always */
	const struct policy_offer *offer;       /* NULL: whatever is switched on */
	bool shadow;                            /* only counts */
	struct policy_limit rate;
	struct policy_limit connections;
	enum policy_initiator initiator;
	bool auto_start;
	bool stateful;   /* replies pass with the connection */
	bool log;        /* packets */
	bool log_action; /* negotiations */
	/* Of what several authorities come to (joint.h): the next rule that has a part in it with its
	 * limits and its log; and whether it discards only because their demands do not go together. */
	const struct policy_rule *beside;
	bool incomparable;
};

struct policy_secret {
	struct view octets;
	struct policy_secret *next;
};

struct policy {
	struct arena arena;
	const char *roles;          /* role combination of all rules, "" without rules */
	const char *capability_set; /* ipSecRuleIfCapSetName of all rules */
	const struct policy_rule *rules;
	size_t rule_count;
	const struct policy_protection *protections;
	size_t protection_count;
	const struct policy_schedule **schedules; /* each once, of rules and key exchanges */
	size_t schedule_count;
	const struct policy_offer *offers;
	size_t offer_count;
	const struct policy_group *groups;
	size_t group_count;
	const struct policy_member *members;
	size_t member_count;
	const struct policy_peer_key *peer_keys;
	size_t peer_key_count;
	const struct policy_sealed *sealed;
	size_t sealed_count;
	const struct policy_need *needs;
	size_t need_count;
	struct policy_secret *secrets; /* for policy_free() alone */
};

/* Refuses all that it finds at once: each failure with its PRI is in `failures`, the first one in
 * `error`. E_UNSUPPORTED, E_RANGE, E_REFERENCE, ...; E_LIMIT and E_MEMORY may come without a PRI.
 */
enum err policy_new(const struct pri_store *store, struct policy **ret,
	struct pri_failures *failures, struct error *error) MUST_USE;
/* The same with members for the groups that the policy leaves to a directory, by their names. A
 * group that nobody fills matches nothing. Members of other groups are left alone. */
struct policy_filling {
	const struct policy_member *const *members;
	size_t count;
};
enum err policy_new_filled(const struct pri_store *store, const struct policy_filling *filling,
	struct policy **ret, struct pri_failures *failures, struct error *error) MUST_USE;
struct policy *policy_free(struct policy *policy); /* takes NULL, returns NULL */

/* How strict steps are together. Of all that are done the strictest counts, and of those that are
 * tried the one that cannot fail; protection that falls back to clear is preferred, not required.
 */
void policy_outcome(enum policy_strategy strategy, const struct policy_step *steps, size_t count,
	enum policy_action *ret_action, enum policy_demand *ret_demand);

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
/* Forward rules between interfaces of these two role combinations. A match that is the mirror of
 * what is written has the rule's number plus the number of rules: on which side of the node packets
 * are protected depends on it. */
enum err policy_transit_matches(const struct policy *policy, const char *in, const char *out,
	struct arena *arena, struct flow_match **ret, size_t *ret_count, struct error *error) MUST_USE;
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
/* The same kind, protection, association and answer; what is logged does not count. */
bool policy_step_equal(const struct policy_step *a, const struct policy_step *b);

/* One line without its end: `rule 3 "web": out to 2001:db8::/32 tcp 443: protect with strong`. */
void policy_print_rule(struct buffer *b, const struct policy_rule *rule);
/* Name, mode, demand, proposals, IKE; one line each. Never a key. */
void policy_print_protection(struct buffer *b, const struct policy_protection *protection);

#endif
