/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a node's kernel has the algorithms that a policy protects with: better refused as a
 * whole, with words for what is missing, than in force with protections that can never come to be.
 * Only what rules lead to counts, from whichever class its numbers come.
 */
#ifndef COPSEC_PIB_FRAMEWORK_ESP_NEEDS_H
#define COPSEC_PIB_FRAMEWORK_ESP_NEEDS_H

#include "pib/framework/capabilities.h"
#include "pib/policy/policy.h"

/*
 * E_UNSUPPORTED with a failure (CPERR 4, with the attribute) for each ESP transform that needs an
 * algorithm or extended sequence numbers which are not among these, and (CPERR 5) for each
 * protection in tunnel mode if there is none; the PRI is that which the numbers stand in. E_MEMORY without
 * a failure.
 */
enum err esp_needs_check(const struct policy *policy, const struct capability_algorithms *has,
	struct pri_failures *failures, struct error *e) MUST_USE;

/* Names of the algorithms of one type that a node can use in ESP or AH: "a, b"; "none". Appends. */
void esp_needs_names(const struct capability_algorithms *has, int32_t use, int32_t type,
	struct buffer *out);
/* Can it use extended sequence numbers in ESP? */
bool esp_needs_extended(const struct capability_algorithms *has);

#endif
