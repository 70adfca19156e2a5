/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of plan_build(), and what they share while a plan is being built.
 *
 * build.c      input, sets, interfaces, base chains
 * protections.c numbers, reqids and the SPD
 * closed.c     what a closed node needs, and the reasons of drops
 * known.c      packets of connections that a stateful rule let through
 * limits.c     how much of what a rule allows
 * rules.c      rules and their diagrams
 * names.c      chains get their names once all are written
 * guard.c      plan_guard()
 *
 * Memory failures stick in the writer; functions that can fail otherwise return it.
 */
#ifndef COPSEC_PIB_PLAN_BUILD_H
#define COPSEC_PIB_PLAN_BUILD_H

#include "pib/plan/vocabulary.h"
#include "pib/policy/joint.h"

enum {
	/* Numbers that the kernel's headers give; a plan is built where those need not be. */
	FAMILY_IPV4 = 2,
	FAMILY_IPV6 = 10,
	LOOPBACK_INDEX = 1,
	STATE_INVALID = 1,
	STATE_ESTABLISHED = 2,
	STATE_RELATED = 4,
	STATE_NEW = 8,
	DIRECTION_ORIGINAL = 0,
	DIRECTION_REPLY = 1,
	ROUTE_UNICAST = 1,

	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ESP = 50,
	PROTOCOL_AH = 51,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_IPCOMP = 108,
	ICMP_UNREACHABLE = 3,
	ICMP_ADMIN_PROHIBITED = 13,
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_ADMIN_PROHIBITED = 1,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_STATE_FLAGS = 0x17, /* FIN, SYN, RST, ACK */
	PORT_DNS = 53,
	PORT_DHCP_SERVER = 67,
	PORT_DHCP_CLIENT = 68,
	PORT_IKE = 500,
	PORT_DHCPV6_CLIENT = 546,
	PORT_DHCPV6_SERVER = 547,
	PORT_IKE_NAT = 4500,

	SPD_PRIORITY = 1000,

	PLAN_OCTETS_MAX = 1 << 30,
	PRINT_MAX = 1 << 30,
	NODE_EDGES_AS_RULES =
		8, /* fewer maps load faster: the kernel looks for each among all, one by one */
	NODE_EDGES_SPLIT = 128, /* more become a map of maps */
};

/* Where a chain of rules or of diagram nodes stands, and so what its leaves do. */
enum stage {
	STAGE_IN,
	STAGE_OUT,
	STAGE_FORWARD,
	STAGE_MARK_OUT,     /* output-route: the mark of a protection, no verdict */
	STAGE_MARK_FORWARD, /* prerouting */
};

/* The protection's side of the node, as seen by a packet. */
enum leg { LEG_OUT, LEG_CAME, LEGS };

struct set {
	const struct plan_policy *source;
	const struct policy *policy; /* what counts: home's, or what all authorities come to */
	struct policy_joint joint;   /* if there are others */
	const char *name;  /* of its chains */
	unsigned *numbers; /* of the plan's protection for each of the policy's, 0: not used */
	struct plan_counter **counters;                    /* by rule */
	struct plan_chain **leaves[FLOW_DIRECTIONS][LEGS]; /* by rule */
	struct plan_chain *judge_in, *judge_out, *mark_out;
};

/* What is kept about a protection while the plan is built. */
struct protecting {
	const struct policy_protection *policy;
	struct plan_protection *plan;
	struct plan_counter *refused;        /* no-sa/NAME */
	struct plan_counter *handed;         /* protect/NAME */
	struct plan_chain *replies[3][LEGS]; /* by STAGE_IN, OUT, FORWARD */
	struct plan_chain *marks[2][LEGS];   /* by STAGE_MARK_OUT, MARK_FORWARD */
};

struct build {
	const struct plan_input *input;
	struct plan *plan;
	struct writer w;
	struct error *error;
	struct plan_cause *blame;
	struct set *sets;
	struct set *node;              /* whose forward rules judge transit; NULL: none */
	struct protecting *protecting; /* by number - 1 */
	struct flow_manager *diagrams;
	struct arena joints; /* of the sets */
	const char **roles;  /* distinct combinations of the interfaces */
	size_t role_count;
	struct plan_counter *no_rule, *no_role, *not_syn, *invalid;
	struct plan_chain *drop_no_rule, *drop_no_role;
	struct plan_chain *neighbours, *closed_in, *closed_out;
	bool protects_out, protects_forward;
	bool answers; /* some rule tells who is turned away */
};

/* ---- build.c ---- */

/* Empty, for one holder; NULL when memory is exhausted. */
struct plan *plan_new(const char *table);
struct plan_cause build_compiled_in(const char *what);
/* The same with a name that lives as long as the plan. */
struct plan_cause build_keep_cause(struct build *b, struct plan_cause cause);
/* NULL: there is no set for these roles. */
struct set *build_find_set(struct build *b, const char *roles);
/* Does an interface have exactly the set's roles? */
bool build_set_in_use(const struct build *b, const struct set *set);
/* Sends packets to the chain for their interface's roles: `choose` answers NULL for "accept".
 * Interfaces without a role go to `unknown`, NULL too for "accept". */
typedef struct plan_chain *choose_fn(struct build *b, const char *roles, void *context);
void build_interfaces(struct build *b, struct plan_chain *chain, enum plan_key key,
	choose_fn *choose, void *context, struct plan_chain *unknown);

/* ---- protections.c ---- */

/* Finds the protections that rules in use ask for; gives reqids and numbers. */
enum err build_protections(struct build *b) MUST_USE;
enum err build_spd(struct build *b) MUST_USE;

/* ---- closed.c ---- */

void build_closed(struct build *b);
/* An element that accepts. */
struct plan_element build_element(uint32_t low, uint32_t high, enum plan_key key);

/* ---- known.c ---- */

extern const char *const build_stage_names[];
extern const char *const build_leg_names[];
/* Sends packets of known connections their way from a base chain. */
void build_known(struct build *b, struct plan_chain *base, enum stage stage);
/* What a protection does to packets whatever rule asked for it. In the stages that mark: gives the
 * mark; in those that judge: demands the SA. */
struct plan_chain *build_known_chain(
	struct build *b, enum stage stage, struct protecting *p, enum leg leg);

/* ---- limits.c ---- */

/* Leads to `pass` what is within the limits of the rule, whose counter this is; `pass` itself for a
 * rule without limits. */
struct plan_chain *build_limits(struct build *b, const char *name, const struct policy_rule *rule,
	const struct plan_counter *counter, struct plan_chain *pass);

/* ---- rules.c ---- */

/* The chains of one set for its interfaces. */
enum err build_own_rules(struct build *b, struct set *set) MUST_USE;
/* The chains of the node's set for transit, by the roles that packets come from (b->roles). */
struct transit {
	struct plan_chain **judge_from;
	struct plan_chain **mark_from;
};
enum err build_transit(struct build *b, const struct transit *ret) MUST_USE;
struct plan_chain *build_choose_role(struct build *b, const char *roles, void *context);

/* ---- names.c ---- */

/* Names every chain by its content, leaves out those that nothing leads to, and names the plan. */
enum err build_names(struct build *b) MUST_USE;

#endif
