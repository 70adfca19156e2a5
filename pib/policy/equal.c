/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is the same in two sets, whatever the InstanceIds. */
#include <string.h>

#include "pib/policy/verdicts.h"

static bool same_address(const struct policy_address *a, const struct policy_address *b)
{
	return a->family == b->family &&
	       (a->family == FLOW_ANY_FAMILY || !memcmp(a->octets, b->octets, sizeof a->octets));
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* ---- Transforms ---- */

static bool same_esp(const struct policy_esp *a, const struct policy_esp *b)
{
	return a->encryption == b->encryption && a->key_length == b->key_length &&
	       a->integrity == b->integrity && a->group == b->group &&
	       a->additional_group == b->additional_group && a->esn == b->esn &&
	       a->replay_window == b->replay_window && a->lifetime_seconds == b->lifetime_seconds &&
	       a->lifetime_kilobytes == b->lifetime_kilobytes &&
	       view_equal(a->cipher_key, b->cipher_key) &&
	       view_equal(a->integrity_key, b->integrity_key);
}

static bool same_ah(const struct policy_ah *a, const struct policy_ah *b)
{
	return a->integrity == b->integrity && a->group == b->group &&
	       a->additional_group == b->additional_group && a->esn == b->esn &&
	       a->replay_window == b->replay_window && a->lifetime_seconds == b->lifetime_seconds &&
	       a->lifetime_kilobytes == b->lifetime_kilobytes &&
	       view_equal(a->integrity_key, b->integrity_key);
}

static bool same_ipcomp(const struct policy_ipcomp *a, const struct policy_ipcomp *b)
{
	return a->algorithm == b->algorithm && a->dictionary_log == b->dictionary_log &&
	       a->lifetime_seconds == b->lifetime_seconds &&
	       a->lifetime_kilobytes == b->lifetime_kilobytes;
}

#define SAME_LISTS(a, b, list, count, same)                                                        \
	(same_##same##_lists((a)->list, (a)->count, (b)->list, (b)->count))

#define DEFINE_SAME_LISTS(name)                                                                    \
	static bool same_##name##_lists(const struct policy_##name *a, size_t a_count,             \
		const struct policy_##name *b, size_t b_count)                                     \
	{                                                                                          \
		for (size_t i = 0; i < a_count && a_count == b_count; i++)                         \
			if (!same_##name(&a[i], &b[i]))                                            \
				return false;                                                      \
		return a_count == b_count;                                                         \
	}

DEFINE_SAME_LISTS(esp)
DEFINE_SAME_LISTS(ah)
DEFINE_SAME_LISTS(ipcomp)

static bool same_proposal(const struct policy_proposal *a, const struct policy_proposal *b)
{
	return SAME_LISTS(a, b, esp, esp_count, esp) && SAME_LISTS(a, b, ah, ah_count, ah) &&
	       SAME_LISTS(a, b, ipcomp, ipcomp_count, ipcomp);
}

DEFINE_SAME_LISTS(proposal)

/* ---- Key exchanges ---- */

static bool same_identity(const struct policy_identity *a, const struct policy_identity *b)
{
	return a->type == b->type && a->negated == b->negated && view_equal(a->value, b->value);
}

static bool same_criterion(const struct policy_criterion *a, const struct policy_criterion *b)
{
	return same_text(a->name, b->name) && same_text(a->value, b->value) &&
	       a->negated == b->negated;
}

DEFINE_SAME_LISTS(criterion)

static bool same_credential(const struct policy_credential *a, const struct policy_credential *b)
{
	return a->type == b->type && a->revocation == b->revocation &&
	       view_equal(a->crl_distribution_point, b->crl_distribution_point) &&
	       view_equal(a->anchor, b->anchor) && view_equal(a->key, b->key) &&
	       SAME_LISTS(a, b, criteria, criterion_count, criterion);
}

DEFINE_SAME_LISTS(credential)

static bool same_ike_proposal(
	const struct policy_ike_proposal *a, const struct policy_ike_proposal *b)
{
	return a->encryption == b->encryption && a->key_length == b->key_length &&
	       a->integrity == b->integrity && a->prf == b->prf && a->group == b->group &&
	       a->additional_group == b->additional_group && a->method == b->method &&
	       a->lifetime_seconds == b->lifetime_seconds &&
	       a->lifetime_kilobytes == b->lifetime_kilobytes;
}

DEFINE_SAME_LISTS(ike_proposal)

static bool same_ends(const struct policy_ike *a, const struct policy_ike *b)
{
	return a->authentication == b->authentication &&
	       a->peer_authentication == b->peer_authentication &&
	       same_identity(&a->local, &b->local) && same_identity(&a->peer, &b->peer) &&
	       same_address(&a->peer_address, &b->peer_address) &&
	       same_text(a->peer_name, b->peer_name) && a->peer_authority == b->peer_authority &&
	       SAME_LISTS(a, b, peer_credentials.list, peer_credentials.count, credential) &&
	       SAME_LISTS(a, b, local_credentials.list, local_credentials.count, credential) &&
	       view_equal(a->preshared_key, b->preshared_key);
}

static bool same_ike(const struct policy_ike *a, const struct policy_ike *b)
{
	return same_ends(a, b) && a->version == b->version && a->exchange == b->exchange &&
	       a->aggressive_group == b->aggressive_group &&
	       a->least_lifetime_seconds == b->least_lifetime_seconds &&
	       a->least_lifetime_kilobytes == b->least_lifetime_kilobytes &&
	       a->idle_seconds == b->idle_seconds && view_equal(a->vendor_id, b->vendor_id) &&
	       a->dpd_seconds == b->dpd_seconds && a->mobike == b->mobike &&
	       a->reauthentication_seconds == b->reauthentication_seconds && a->log == b->log &&
	       SAME_LISTS(a, b, proposals, proposal_count, ike_proposal);
}

DEFINE_SAME_LISTS(ike)

/* Schedules of key exchanges are the same only if they are one: in another set they are others. */
static bool same_ike_rule(const struct policy_ike_rule *a, const struct policy_ike_rule *b)
{
	if (!a || !b)
		return a == b;
	return a->strategy == b->strategy && a->initiator == b->initiator &&
	       a->auto_start == b->auto_start && a->schedule == b->schedule;
}

/* ---- Protections and steps ---- */

bool policy_protection_equal(const struct policy_protection *a, const struct policy_protection *b)
{
	return same_text(a->name, b->name) && a->mode == b->mode && a->demand == b->demand &&
	       same_address(&a->endpoint, &b->endpoint) && a->df == b->df &&
	       a->hide_dscp == b->hide_dscp && a->idle_seconds == b->idle_seconds &&
	       a->least_lifetime_seconds == b->least_lifetime_seconds &&
	       a->least_lifetime_kilobytes == b->least_lifetime_kilobytes &&
	       a->granularity == b->granularity && a->least == b->least &&
	       a->ratchet == b->ratchet && a->ask == b->ask &&
	       a->jitter_milliseconds == b->jitter_milliseconds && a->always_udp == b->always_udp &&
	       SAME_LISTS(a, b, proposals, proposal_count, proposal) &&
	       SAME_LISTS(a, b, ike, ike_count, ike) && same_ike_rule(a->ike_rule, b->ike_rule);
}

static bool same_sa(const struct policy_static_sa *a, const struct policy_static_sa *b)
{
	return a->mode == b->mode && same_address(&a->endpoint, &b->endpoint) && a->df == b->df &&
	       a->spi == b->spi && a->lifetime_seconds == b->lifetime_seconds &&
	       a->lifetime_kilobytes == b->lifetime_kilobytes && !a->esp == !b->esp &&
	       !a->ah == !b->ah && (!a->esp || same_esp(a->esp, b->esp)) &&
	       (!a->ah || same_ah(a->ah, b->ah)) &&
	       (!a->ipcomp || (b->ipcomp && same_ipcomp(a->ipcomp, b->ipcomp))) &&
	       a->udp == b->udp && a->esn == b->esn && a->fresh_keys == b->fresh_keys;
}

bool policy_step_equal(const struct policy_step *a, const struct policy_step *b)
{
	if (a->kind != b->kind || a->answer != b->answer)
		return false;
	if (a->kind == POLICY_STEP_NEGOTIATE)
		return a->protection == b->protection ||
		       policy_protection_equal(a->protection, b->protection);
	return a->kind != POLICY_STEP_STATIC_SA || a->sa == b->sa || same_sa(a->sa, b->sa);
}
