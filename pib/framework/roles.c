/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/roles.h"

bool role_valid(struct view role)
{
	if (role.len < 1 || role.len > ROLE_MAX)
		return false;
	for (size_t i = 0; i < role.len; i++) {
		uint8_t c = role.data[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (!letter &&
			(i == 0 || !((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_')))
			return false;
	}
	return true;
}

bool role_next(struct view roles, size_t *at, struct view *ret_role)
{
	size_t start = *at, end = start;

	if (start >= roles.len)
		return false;
	while (end < roles.len && roles.data[end] != '+')
		end++;
	*ret_role = VIEW(roles.data + start, end - start);
	*at = end + 1;
	return true;
}

bool role_combination_valid(struct view roles)
{
	struct view role, previous = VIEW_NONE;
	size_t at = 0;

	if (roles.len > ROLE_COMBINATION_MAX ||
		(roles.len && roles.data[roles.len - 1] == '+'))
		return false;
	while (role_next(roles, &at, &role)) {
		if (!role_valid(role) || (previous.len && view_compare(previous, role) >= 0))
			return false;
		previous = role;
	}
	return true;
}

static bool has_wildcard(struct view pattern)
{
	return pattern.len && pattern.data[0] == '*';
}

/* What a pattern asks for beside the wildcard. */
static struct view named(struct view pattern)
{
	size_t skip = pattern.len > 1 ? 2 : 1;

	return has_wildcard(pattern) ? VIEW(pattern.data + skip, pattern.len - skip) : pattern;
}

bool role_pattern_valid(struct view pattern)
{
	if (!has_wildcard(pattern) || pattern.len == 1)
		return has_wildcard(pattern) || role_combination_valid(pattern);
	return pattern.len <= ROLE_COMBINATION_MAX && pattern.data[1] == '+' && pattern.len > 2 &&
	       role_combination_valid(named(pattern));
}

/* Both in the same order, so that one walk is enough. */
static bool includes(struct view roles, struct view wanted)
{
	struct view want, have;
	size_t at = 0, among = 0;

	while (role_next(wanted, &at, &want)) {
		do {
			if (!role_next(roles, &among, &have))
				return false;
		} while (!view_equal(have, want));
	}
	return true;
}

bool role_pattern_matches(struct view pattern, struct view roles)
{
	return has_wildcard(pattern) ? includes(roles, named(pattern)) : view_equal(pattern, roles);
}

bool role_patterns_overlap(struct view a, struct view b)
{
	if (has_wildcard(a))
		return has_wildcard(b) || role_pattern_matches(a, b);
	return role_pattern_matches(b, a);
}
