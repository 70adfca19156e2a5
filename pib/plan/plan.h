/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From policy to what the kernel shall hold: the SPD and the packet filter of one node, by one
 * plan.
 *
 * plan_build() is a pure function of the checked policies, the interfaces' roles, the PDPs and the
 * mask; the same input gives the same plan, octet by octet. A plan is data in a small closed
 * vocabulary: SPD entries, and one nftables table (inet copsec) of named counters and chains whose
 * rules are lists of steps. `pmt explain` prints it, pep/kernel/ applies it; neither adds meaning.
 * Every object says what caused it.
 *
 * What the chains do, in the order a packet meets them:
 *   - prerouting: mark bits are cleared and `passed` is set. If forward rules protect, transit gets
 *     the mark of its protection here, for the routing and the FWD check come next.
 *   - output-route (type route: the lookup is repeated under the new mark): only if out rules
 * protect; gives packets the mark of their protection. A flow without one is not touched.
 *   - input, output, forward: judge. On output `passed` is set first, for what is not seen here the
 *     guard drops (plan_guard). Loopback; replies and ICMP errors of connections that a
 * stateful rule let through (by the connection's mark); what a closed node needs (neighbour
 * discovery, MLD, DHCP, DNS, IKE, ESP, the PDPs); then the rules of the interface's role
 * combination, or for transit those of the node's set with the roles of both interfaces. The first
 * match decides, every packet of the original direction is judged. No match: dropped, counter
 * "no-rule". An interface without a role lets nothing pass but what a closed node needs: counter
 * "no-role".
 *   - a rule with limits looks at what begins: within them it goes on, beyond it is dropped: counter
 *     "over-limit/SET/RULE".
 *   - a flow that must be protected passes only if it came out of, or is about to go into, an SA
 * with the protection's reqid: counter "no-sa/NAME". So it stays closed even if the SPD is flushed.
 *     What is handed to the SPD for protection counts in "protect/NAME", whether there is an SA or
 * not.
 *
 * A forward rule protects transit on the side of its out_role: from in_role to out_role on the way
 * out, and by its mirror, if it has one, what comes in there.
 *
 * The SPD holds, for each protection and direction, one entry for any addresses, selected by mark.
 * Its last entries block input and transit that our chains have not seen.
 *
 * A chain is named by what it does, including where it leads: its name ends with a digest of its
 * content. So chains of one name are the same in any plan, with all that they lead to, and who puts
 * a plan in place of another adds and deletes chains but never changes one: only base chains keep
 * their name when they change. Names depend on the input alone, not on the plan before.
 *
 * A plan lives in its own arena: plan_free() releases all. It borrows nothing but the PIB classes.
 */
#ifndef COPSEC_PIB_PLAN_PLAN_H
#define COPSEC_PIB_PLAN_PLAN_H

#include "pib/flow/flow.h"
#include "pib/plan/marks.h"
#include "pib/schema/pri.h"

struct policy;
struct policy_layer;

enum {
	PLAN_NAME_SIZE = 120,    /* names in the kernel, with their NUL */
	PLAN_ENDPOINTS_MAX = 32, /* ways to PDPs */
	PLAN_INTERFACES_MAX = 256,
	PLAN_POLICIES_MAX = 256,
	PLAN_SOURCES_MAX = 65536, /* that one limit can tell apart at a time */
};

#define PLAN_TABLE "copsec"
#define PLAN_GUARD_TABLE "copsec-guard"

/* ---- What goes in ---- */

/* The way to PDPs stays open: TCP to this port of the addresses with this prefix. */
struct plan_endpoint {
	enum flow_family family;
	uint8_t address[16]; /* the first 4 octets for IPv4 */
	uint8_t prefix_len;  /* bits */
	uint16_t port;
};

/* Interfaces are told apart by name, so a plan holds for one that appears later. */
struct plan_interface {
	const char *name;  /* "*": every interface not named */
	const char *roles; /* role combination, as the set for it is called; "": no role */
};

/* A checked policy and the role combination that it serves; and what other authorities say there,
 * who can only make it stricter (pib/policy/layers.h). */
struct plan_policy {
	const char *roles;
	const struct policy *policy;
	const struct policy_layer *others;
	size_t other_count;
};

struct plan;

struct plan_input {
	uint32_t mark_mask; /* MARK_MASK_DEFAULT */
	const struct plan_endpoint *endpoints;
	size_t endpoint_count;
	const struct plan_policy *policies;
	size_t policy_count;
	const struct plan_interface *interfaces;
	size_t interface_count;
	const char *node_roles; /* their policy's forward rules judge transit; "": there is no
				   transit */
	/* The plan in force, or NULL. A protection keeps its number in the mark as long as it is
	 * there, and a number that has just gone is taken last: marks of connections outlive a
	 * plan. */
	const struct plan *previous;
};

/* ---- What comes out ---- */

/* The PRI that an object is there for; prid.class is NULL for what is compiled in. */
struct plan_cause {
	struct prid prid;
	const char *name; /* of the rule or protection, or what the compiled-in object is for */
};

enum { PLAN_SPD_PRIORITY_LAST = 0x7fffffff }; /* of the entries that block */

enum plan_spd_direction { PLAN_SPD_IN, PLAN_SPD_OUT, PLAN_SPD_FORWARD };

struct plan_spd {
	enum plan_spd_direction direction;
	enum flow_family family; /* any addresses of this family */
	uint32_t mark;
	uint32_t mask;
	uint32_t priority; /* lower is first */
	bool block;        /* no template: drop */
	uint32_t reqid;
	bool tunnel;
	bool optional; /* level use: without an SA the packet goes in clear */
	enum flow_family tunnel_family;
	uint8_t tunnel_source[16]; /* all zero: any */
	uint8_t tunnel_destination[16];
	struct plan_cause cause;
};

enum plan_hook {
	PLAN_HOOK_NONE, /* a chain that others go to */
	PLAN_HOOK_PREROUTING,
	PLAN_HOOK_OUTPUT_ROUTE, /* type route */
	PLAN_HOOK_INPUT,
	PLAN_HOOK_OUTPUT,
	PLAN_HOOK_FORWARD,
	PLAN_HOOK_GUARD_INPUT, /* these after the others */
	PLAN_HOOK_GUARD_OUTPUT,
	PLAN_HOOK_GUARD_FORWARD,
	PLAN_HOOK_COUNT
};

/* What a step can look at. */
enum plan_key {
	PLAN_KEY_FAMILY,
	PLAN_KEY_PROTOCOL,
	PLAN_KEY_SOURCE4,
	PLAN_KEY_DESTINATION4,
	PLAN_KEY_SOURCE6,
	PLAN_KEY_DESTINATION6,
	PLAN_KEY_SOURCE6_NETWORK, /* the first 64 bits */
	PLAN_KEY_DESTINATION6_NETWORK,
	PLAN_KEY_SOURCE_PORT,
	PLAN_KEY_DESTINATION_PORT,
	PLAN_KEY_ICMP_TYPE,
	PLAN_KEY_ICMP_CODE,
	PLAN_KEY_DSCP4,
	PLAN_KEY_DSCP6,
	PLAN_KEY_LABEL,
	PLAN_KEY_TCP_FLAGS,
	PLAN_KEY_IN_INDEX,
	PLAN_KEY_OUT_INDEX,
	PLAN_KEY_IN_NAME,
	PLAN_KEY_OUT_NAME,
	PLAN_KEY_SOCKET_USER, /* of a packet of this node; nothing to see for one without a socket
			       */
	PLAN_KEY_MARK,
	PLAN_KEY_CT_MARK,
	PLAN_KEY_CT_STATE,
	PLAN_KEY_CT_DIRECTION,
	PLAN_KEY_FIB_TYPE,
	PLAN_KEY_FIB_OUT_NAME,
	PLAN_KEY_IPSEC_IN,  /* reqid of the SA that the packet came out of */
	PLAN_KEY_IPSEC_OUT, /* reqid of the SA that it is about to go into */
	PLAN_KEY_COUNT
};

/* A value of a key as the kernel has it: network order for what comes out of the packet, host order
 * for the rest, NUL-padded for names. */
struct plan_value {
	uint8_t octets[16];
};

enum plan_step_kind {
	PLAN_MATCH, /* go on with the rule only if (key & mask) is in low..high (or is not: negate)
		     */
	PLAN_MAP,  /* look (key & mask) up; goes where the element says; goes on if there is none */
	PLAN_MARK, /* mark = (mark & keep) | set */
	PLAN_CT_MARK, /* the same for the connection's mark */
	PLAN_COUNT,   /* counter */
	PLAN_LOG,     /* prefix; at most 10 a second for each rule */
	PLAN_CLAMP,   /* TCP MSS to what the route carries */
	PLAN_RATE,    /* go on with the rule only while no more than this begins; of each value of
		       * the key if there is one. Beyond PLAN_SOURCES_MAX values there is no going
		       * on for those that come new */
	PLAN_CONNECTIONS, /* the same while no more than this are there at a time */
	PLAN_REJECT,      /* drop, and say so to whoever sent it */
	PLAN_ACCEPT,
	PLAN_DROP,
	PLAN_JUMP,
	PLAN_GOTO,
	PLAN_STEP_KINDS
};

struct plan_chain;

/* What a sender is told. */
enum plan_answer {
	PLAN_UNREACHABLE = 1, /* ICMP destination unreachable, administratively prohibited */
	PLAN_RESET,           /* TCP reset; of TCP only */
};

/* Leads to the chain by goto, or by jump where it says so; no chain: accept or drop. */
struct plan_element {
	struct plan_value low;
	struct plan_value high; /* equal to low in a map without intervals */
	enum plan_step_kind verdict;
	const struct plan_chain *chain;
};

struct plan_step {
	enum plan_step_kind kind;
	enum plan_key key;
	bool masked;
	bool negate;
	bool interval;   /* of a map: some element has low < high */
	bool keyed;      /* of a limit: of each value of the key */
	uint8_t mask[4]; /* a key that is masked has at most 4 octets */
	union {
		struct {
			struct plan_value low, high;
		};
		struct {
			const struct plan_element *elements; /* ascending, disjoint */
			size_t element_count;
		};
		struct {
			uint32_t keep, set;
		};
		struct {
			uint32_t limit;
			uint32_t seconds, burst; /* of a rate */
		};
		enum plan_answer answer;
		const char *text; /* log prefix */
		const struct plan_counter *counter;
		const struct plan_chain *chain;
	};
};

struct plan_rule {
	const struct plan_step *steps;
	size_t step_count;
	struct plan_cause cause;
	struct plan_rule *next;
};

struct plan_chain {
	const char *name;    /* of the kernel's chain */
	const char *content; /* ends with the digest of all that the chain does; the names of its
				sets begin with it. The name itself unless there is a hook */
	enum plan_hook hook; /* a base chain's default is drop where it judges, accept elsewhere */
	struct plan_rule *rules;
	struct plan_rule *last;
	struct plan_chain *next;
	size_t number; /* in the plan's order */
};

/* One for each rule of each set, and one for each reason of a drop that is not a rule. */
struct plan_counter {
	const char *name;        /* in the kernel, unique */
	const char *roles;       /* the set of the rule; "" for reasons */
	struct plan_cause cause; /* .name: the rule's */
	struct plan_counter *next;
	size_t number;
};

/* What begins with its name, by that: open addressing. */
struct plan_index {
	const char *const **places;
	size_t size; /* a power of two, or 0 */
	size_t count;
};

/* Demands of authorities that do not go together: flows of this rule are dropped for that alone. */
struct plan_conflict {
	struct plan_cause cause;
	const char *roles;
	struct plan_conflict *next;
};

/* A protection that some rule asks for. The reqid comes from what the protection says, so an SA
 * made under one never counts for another, neither after a change nor after a restart; it is in
 * PLAN_REQID_BASE .. PLAN_REQID_LAST. The number is its place in the mark. */
enum { PLAN_REQID_BASE = 0x43000000, PLAN_REQID_LAST = 0x43ffffff };

struct plan_protection {
	const char *name;
	struct plan_cause cause;
	unsigned number;
	uint32_t reqid;
	bool required;
	bool own;     /* for traffic of the node itself */
	bool transit; /* for traffic that it forwards */
};

struct plan {
	struct arena arena;
	const char *table; /* of family inet */
	bool owned;        /* goes with the socket that makes it; nobody else can change it */
	struct marks marks;
	struct plan_protection *protections;
	size_t protection_count;
	struct plan_spd *spd; /* in the order in which they are to be added */
	size_t spd_count;
	struct plan_conflict *conflicts; /* list */
	struct plan_counter *counters;   /* list */
	size_t counter_count;
	struct plan_chain *chains; /* list */
	size_t chain_count;
	size_t rule_count;
	struct plan_index chains_by_name, counters_by_name;
	char id[17]; /* hexadecimal digest of all that it says: the same id, the same plan */
	/* How many hold it, and itself for those who may only read it. */
	unsigned holders;
	struct plan *self;
};

/* What makes a plan impossible: `ret_cause` (never NULL) says which PRI, the error why. E_LIMIT:
 * more protections than marks, or a diagram beyond its limit; E_UNSUPPORTED: the kernel cannot do
 * it; E_REFERENCE: an interface's role combination, or the node's, without a policy. */
enum err plan_build(const struct plan_input *input, struct plan **ret, struct plan_cause *ret_cause,
	struct error *error) MUST_USE;

/* The closed node: no policy, no roles; what precedes every policy stands alone. Of the input only
 * mark_mask and the endpoints count. */
enum err plan_bootstrap(
	const struct plan_input *input, struct plan **ret, struct error *error) MUST_USE;

/* What drops packets that lack the mark "passed", but for loopback: a table of its own, for the
 * time when somebody has flushed the other one. */
enum err plan_guard(uint32_t mark_mask, struct plan **ret, struct error *error) MUST_USE;

/* Another holder: the plan lives until each has called plan_free(). Not for several threads. */
struct plan *plan_hold(const struct plan *plan);
struct plan *plan_free(struct plan *plan); /* takes NULL, returns NULL */

/* NULL if there is none of this name. */
const struct plan_chain *plan_find_chain(const struct plan *plan, const char *name);
const struct plan_counter *plan_find_counter(const struct plan *plan, const char *name);

/* Reads close to `ip xfrm policy` and `nft list ruleset`. */
void plan_print(const struct plan *plan, struct buffer *out);
/* One SPD entry or one rule, on a line, for messages. */
void plan_print_spd(const struct plan_spd *entry, struct buffer *out);
void plan_print_rule(const struct plan_rule *rule, struct buffer *out);

/* How the keys look; shared with whoever hands them to the kernel. */
struct plan_key_form {
	const char *text; /* as nft writes it */
	uint8_t width;    /* octets */
	bool host_order;  /* a number of the machine's own byte order */
	bool name;        /* NUL-padded text */
};
extern const struct plan_key_form plan_key_forms[PLAN_KEY_COUNT];

#endif
