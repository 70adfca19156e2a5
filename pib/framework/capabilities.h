/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a node can do, as the PRIs of its request state say it: read from them at the PDP, and by the
 * node itself, which sends the same PRIs. All views borrow from the store.
 */
#ifndef COPSEC_PIB_FRAMEWORK_CAPABILITIES_H
#define COPSEC_PIB_FRAMEWORK_CAPABILITIES_H

#include "pib/store/store.h"

/* Does it list the attribute as supported? The first frwkPrcSupport of a class counts. */
bool capabilities_support(
	const struct pri_store *s, enum pib_class_id class, unsigned attribute);

struct capability_support {
	const struct pib_class *class;
	struct view attributes; /* bits, attribute 1 first */
};
/* Classes in turn, with a cursor over pri_store_class(s, PIB_frwkPrcSupport); those that are not
 * known here are left out. */
bool capabilities_next_support(struct pri_cursor *c, struct capability_support *ret_support);
bool capabilities_has(const struct capability_support *support, unsigned attribute);

/* A frwkCompLimits as a line for people: "ipSecRule.ipSecRuleOrder at most 65535". */
bool capabilities_next_limit(struct pri_cursor *c, char ret_text[ERROR_TEXT_SIZE]);

struct capability_device {
	struct view description; /* empty if the node does not say */
	uint32_t max_message;    /* octets */
	uint32_t max_contexts;
};
struct capability_device capabilities_device(const struct pri_store *s);

/* Role combinations in turn, with a cursor over pri_store_class(s, PIB_frwkRoleCombo); that of the
 * node itself has no interface. */
struct capability_roles {
	uint32_t interface; /* ifIndex; 0: of the node */
	struct view roles;
	struct view capability_set;
};
bool capabilities_next_roles(struct pri_cursor *c, struct capability_roles *ret_roles);

/* copsecAlgorithm: an algorithm by its IKEv2 number, and what the node can use it for. */
enum { CAPABILITY_ALGORITHMS_MAX = 64 };

struct capability_algorithm {
	int32_t use;  /* of copsecAlgorithmUse */
	int32_t type; /* of copsecAlgorithmType */
	uint32_t number;
	uint32_t key_length; /* bits; 0 where there is but one */
};

struct capability_algorithms {
	size_t count;
	struct capability_algorithm list[CAPABILITY_ALGORITHMS_MAX];
	bool no_tunnel; /* ESP in tunnel mode was tried, and refused; a frwkCompLimits says so */
};

enum err capabilities_put_algorithms(const struct capability_algorithms *a, struct buffer *out,
	struct error *e) MUST_USE;
/* The first CAPABILITY_ALGORITHMS_MAX that a request state names. */
void capabilities_algorithms(const struct pri_store *s, struct capability_algorithms *ret_algorithms);

#endif
