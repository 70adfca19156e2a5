/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policies for tests, written as tables, and what the chains of a plan do to a packet. */
#ifndef COPSEC_TESTS_PIB_PLAN_POLICIES_H
#define COPSEC_TESTS_PIB_PLAN_POLICIES_H

#include "pib/plan/vocabulary.h"
#include "pib/policy/policy.h"

enum test_protection { NONE, STRONG, SOFT, TUNNEL, TEST_PROTECTIONS };

struct test_rule {
	const char *name;
	enum policy_rule_direction direction;
	enum policy_action action;
	enum test_protection protection;
	const char *source; /* an address or prefix; NULL: any */
	const char *destination;
	uint8_t protocol;   /* 0: any */
	uint16_t port;      /* destination; 0: any */
	uint16_t port_last; /* 0: only that one */
	uint8_t dscp;       /* 0: any */
	bool stateless;
	bool log;
	bool forward;
	const char *in_role;
	const char *out_role;
	struct policy_limit rate;
	struct policy_limit connections;
	enum policy_answer answer; /* 0: none */
};

/* Required in transport, preferred in transport, required in a tunnel; numbers from 1 on. */
extern const struct policy_protection test_protections[TEST_PROTECTIONS - 1];

/* A policy with these rules, in the arena. */
struct policy *test_policy(
	struct arena *arena, const char *roles, const struct test_rule *rules, size_t count);

/* A packet as the chains see it. */
struct test_packet {
	struct flow flow;
	const char *in; /* interface, NULL: none */
	const char *out;
	uint8_t tcp_flags;
	uint32_t user; /* of the socket */
	uint32_t mark;
	uint32_t ct_mark;
	uint32_t ct_state;
	uint8_t ct_direction;
	uint32_t ipsec_in;
	uint32_t ipsec_out;
	bool over_rate; /* of every limit of this kind */
	bool over_connections;
};

enum {
	CT_INVALID = 1,
	CT_ESTABLISHED = 2,
	CT_RELATED = 4,
	CT_NEW = 8,
	TCP_SYN_FLAG = 2,
	TCP_ACK_FLAG = 16
};

/* Runs the chain of this hook; a plan without one accepts. Marks change in the packet. The last
 * counter that counted goes to *ret_counter (NULL: none did). */
bool test_accepts(const struct plan *plan, enum plan_hook hook, struct test_packet *packet,
	const struct plan_counter **ret_counter);

#endif
