/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Roles and role combinations (RFC 3318 §2.1, §3).
 *
 * A combination is roles in ASCII order joined by '+'; the empty one is "no role". A pattern may
 * begin with the wildcard, which stands for any further roles, wherever they sort: "*+b" matches
 * "a+b+c" and "b", "*" matches everything, "b" matches "b" alone. Only a PDP writes wildcards.
 */
#ifndef COPSEC_PIB_FRAMEWORK_ROLES_H
#define COPSEC_PIB_FRAMEWORK_ROLES_H

#include "common/base/bytes.h"

enum {
	ROLE_MAX = 31, /* octets */
	ROLE_COMBINATION_MAX = 255,
};

bool role_valid(struct view role);
bool role_combination_valid(struct view roles);
bool role_pattern_valid(struct view pattern);

/* The next role of a valid combination or pattern, the wildcard included; false at its end. */
bool role_next(struct view roles, size_t *at, struct view *ret_role);

/* Both valid. Case matters. */
bool role_pattern_matches(struct view pattern, struct view roles);
/* Could an interface have roles that both match? Both valid. */
bool role_patterns_overlap(struct view a, struct view b);

#endif
