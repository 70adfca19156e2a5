/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/policy.h"

#include "pib/policy/algorithms.h"
#include "pib/policy/periods.h"
#include "pib/policy/verdicts.h"

enum { ITEMS_SHOWN = 8 }; /* of a list; then "and N more" */

/* What came from outside, in quotes: nothing that a terminal would obey. */
static void print_quoted(struct buffer *b, struct view text)
{
	buffer_put_text(b, "\"");
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c == '"' || c == '\\')
			buffer_put_text(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buffer_put_text(b, "\\x%02x", c);
		else
			buffer_put_u8(b, c);
	}
	buffer_put_text(b, "\"");
}

static void print_direction(struct buffer *b, const struct policy_rule *rule)
{
	if (!rule->forward) {
		buffer_put_text(b, "%s",
			rule->direction == POLICY_IN    ? "in"
			: rule->direction == POLICY_OUT ? "out"
							: "out and mirrored in");
		return;
	}
	buffer_put_text(
		b, rule->direction == POLICY_BOTH_DIRECTIONS ? "forward and back" : "forward");
	if (*rule->in_role) {
		buffer_put_text(b, " in by ");
		print_quoted(b, view_of_string(rule->in_role));
	}
	if (*rule->out_role) {
		buffer_put_text(b, " out by ");
		print_quoted(b, view_of_string(rule->out_role));
	}
}

static void print_transform(struct buffer *b, const struct policy_static_sa *sa)
{
	buffer_put_text(b, "%s %s SA 0x%x without negotiation",
		sa->mode == POLICY_TUNNEL ? "tunnel" : "transport",
		sa->esp  ? "ESP"
		: sa->ah ? "AH"
			 : "IPComp",
		(unsigned)sa->spi);
}

/* "protect with "outer", then with "inner"", "protect with "gw1", else with "gw2", else bypass" */
static void print_steps(struct buffer *b, const struct policy_rule *rule)
{
	const char *between = rule->strategy == POLICY_DO_ALL ? ", then " : ", else ";

	for (size_t i = 0; i < rule->step_count; i++) {
		const struct policy_step *step = &rule->steps[i];

		buffer_put_text(b, "%s", i ? between : "");
		switch (step->kind) {
		case POLICY_STEP_BYPASS:
			buffer_put_text(b, "bypass");
			break;
		case POLICY_STEP_DISCARD:
			buffer_put_text(b, "discard");
			break;
		case POLICY_STEP_REJECT_IKE:
			buffer_put_text(b, "reject IKE");
			break;
		case POLICY_STEP_STATIC_SA:
			buffer_put_text(b, "protect with a ");
			print_transform(b, step->sa);
			break;
		case POLICY_STEP_NEGOTIATE:
			buffer_put_text(b, "protect with ");
			print_quoted(b, view_of_string(step->protection->name));
			break;
		}
	}
}

void policy_print_verdict(struct buffer *b, const struct policy_verdict *verdict)
{
	switch (verdict->action) {
	case POLICY_DISCARD:
		buffer_put_text(b, "discard");
		break;
	case POLICY_PROTECT:
		if (verdict->compound) {
			print_steps(b, verdict->compound);
		} else {
			buffer_put_text(b, "protect with ");
			print_quoted(b, view_of_string(verdict->protection->name));
		}
		if (verdict->demand == POLICY_PREFERRED)
			buffer_put_text(b, ", or in clear");
		break;
	case POLICY_BYPASS:
		buffer_put_text(b, "bypass");
		break;
	}
}

static void print_limit(struct buffer *b, const struct policy_limit *limit)
{
	static const char *const scopes[] = {
		[POLICY_OF_RULE] = "",
		[POLICY_OF_SOURCE] = " for each source",
		[POLICY_OF_DESTINATION] = " for each destination",
	};

	if (!limit->count)
		return;
	buffer_put_text(b, ", %u %s", (unsigned)limit->count,
		limit->seconds ? "new ones in " : "at a time");
	if (limit->seconds)
		buffer_put_text(b, "%u s", (unsigned)limit->seconds);
	if (limit->burst)
		buffer_put_text(b, " (%u at once)", (unsigned)limit->burst);
	buffer_put_text(b, "%s", scopes[limit->scope]);
}

void policy_print_manner(struct buffer *b, const struct policy_verdict *verdict)
{
	if (verdict->action != POLICY_DISCARD && !verdict->manner.stateful)
		buffer_put_text(b, ", without state");
	if (verdict->manner.log)
		buffer_put_text(b, ", log");
	print_limit(b, &verdict->manner.rate);
	print_limit(b, &verdict->manner.connections);
}

void policy_print_rule(struct buffer *b, const struct policy_rule *rule)
{
	struct policy_verdict verdict;

	buffer_put_text(b, "rule %u ", (unsigned)rule->number);
	print_quoted(b, view_of_string(rule->name));
	buffer_put_text(b, ": ");
	print_direction(b, rule);
	if (rule->match_count == 0)
		buffer_put_text(b, ", nothing");
	for (size_t i = 0; i < rule->match_count; i++) {
		if (i == ITEMS_SHOWN) {
			buffer_put_text(b, " and %zu more", rule->match_count - i);
			break;
		}
		buffer_put_text(b, i ? "; or " : ", ");
		flow_print_match(b, &rule->matches[i], NULL);
	}
	buffer_put_text(b, ": ");
	verdict = policy_verdict_of(rule);
	policy_print_verdict(b, &verdict);
	policy_print_manner(b, &verdict);
	if (rule->shadow)
		buffer_put_text(b, ", only counted");
	if (rule->schedule && rule->schedule->count) {
		buffer_put_text(b, ", at the times of ");
		print_quoted(b, view_of_string(rule->schedule->periods[0].name));
	}
	if (rule->offer) {
		buffer_put_text(b, ", offered as ");
		print_quoted(b, view_of_string(rule->offer->name));
	}
}

/* ---- Protections ---- */

static void print_algorithm(
	struct buffer *b, enum algorithm_kind kind, uint16_t number, uint16_t key_length)
{
	const struct algorithm *a = algorithm_of(kind, number, key_length);

	if (a)
		buffer_put_text(b, "%s", a->name);
	else
		buffer_put_text(b, "%u", number);
}

static void print_esp(struct buffer *b, const struct policy_esp *esp)
{
	buffer_put_text(b, "  esp ");
	print_algorithm(b, ALGORITHM_ENCRYPTION, esp->encryption, esp->key_length);
	if (esp->integrity) {
		buffer_put_text(b, "-");
		print_algorithm(b, ALGORITHM_INTEGRITY, esp->integrity, 0);
	}
	if (esp->group) {
		buffer_put_text(b, "-");
		print_algorithm(b, ALGORITHM_GROUP, esp->group, 0);
	}
	if (esp->esn)
		buffer_put_text(b, ", esn");
	buffer_put_text(b, ", replay window %u, for %u s", (unsigned)esp->replay_window,
		(unsigned)esp->lifetime_seconds);
	if (esp->lifetime_kilobytes)
		buffer_put_text(b, " or %ju KiB", (uintmax_t)esp->lifetime_kilobytes);
	buffer_put_text(b, "\n");
}

static void print_ah(struct buffer *b, const struct policy_ah *ah)
{
	buffer_put_text(b, "  ah ");
	print_algorithm(b, ALGORITHM_INTEGRITY, ah->integrity, 0);
	if (ah->group) {
		buffer_put_text(b, "-");
		print_algorithm(b, ALGORITHM_GROUP, ah->group, 0);
	}
	buffer_put_text(b, "%s, replay window %u, for %u s\n", ah->esn ? ", esn" : "",
		(unsigned)ah->replay_window, (unsigned)ah->lifetime_seconds);
}

static void print_ike_proposal(struct buffer *b, const struct policy_ike_proposal *p)
{
	const struct algorithm *prf = algorithm_of_prf(p->prf);

	buffer_put_text(b, "  ike ");
	print_algorithm(b, ALGORITHM_ENCRYPTION, p->encryption, p->key_length);
	if (p->integrity) {
		buffer_put_text(b, "-");
		print_algorithm(b, ALGORITHM_INTEGRITY, p->integrity, 0);
	}
	if (prf)
		buffer_put_text(b, "-prf%s", prf->name);
	buffer_put_text(b, "-");
	print_algorithm(b, ALGORITHM_GROUP, p->group, 0);
	buffer_put_text(b, ", for %u s\n", (unsigned)p->lifetime_seconds);
}

static void print_address(struct buffer *b, const struct policy_address *address)
{
	struct flow_value v = flow_address(address->family, address->octets);
	struct flow_interval i = flow_prefix(
		address->family, address->octets, address->family == FLOW_IPV4 ? 32 : 128);

	i.low = v;
	flow_print_addresses(b, address->family, i);
}

static void print_identity(
	struct buffer *b, const char *who, const struct policy_identity *identity)
{
	if (!identity->type && !identity->value.len)
		return;
	buffer_put_text(b, ", %s %stype %u ", who, identity->negated ? "not " : "", identity->type);
	print_quoted(b, identity->value);
}

static void print_proposal(struct buffer *b, const struct policy_proposal *p)
{
	for (size_t i = 0; i < p->esp_count; i++)
		print_esp(b, &p->esp[i]);
	for (size_t i = 0; i < p->ah_count; i++)
		print_ah(b, &p->ah[i]);
	for (size_t i = 0; i < p->ipcomp_count; i++)
		buffer_put_text(b, "  ipcomp %u, for %u s\n", p->ipcomp[i].algorithm,
			(unsigned)p->ipcomp[i].lifetime_seconds);
}

static void print_credentials(
	struct buffer *b, const char *who, const struct policy_credentials *credentials)
{
	for (size_t i = 0; i < credentials->count; i++) {
		const struct policy_credential *c = &credentials->list[i];

		buffer_put_text(b, "  %s %s", who,
			c->type == POLICY_KERBEROS ? "a Kerberos ticket" : "a certificate");
		for (size_t j = 0; j < c->criterion_count; j++) {
			buffer_put_text(b, "%s %s%s ", j ? " and" : " with",
				c->criteria[j].negated ? "not " : "", c->criteria[j].name);
			print_quoted(b, view_of_string(c->criteria[j].value));
		}
		buffer_put_text(b, "\n");
	}
}

static void print_ike(struct buffer *b, const struct policy_ike *ike)
{
	static const char *const authentications[] = {
		[POLICY_RAW_KEY] = "raw keys",
		[POLICY_CERTIFICATE] = "certificates",
		[POLICY_PRESHARED_KEY] = "a pre-shared key",
		[POLICY_NOBODY] = "nothing",
	};

	for (size_t i = 0; i < ike->proposal_count; i++)
		print_ike_proposal(b, &ike->proposals[i]);
	if (ike->version == 1)
		buffer_put_text(b, "  by IKE version 1");
	else
		buffer_put_text(b, "  by %s", authentications[ike->authentication]);
	print_identity(b, "as", &ike->local);
	print_identity(b, "peer", &ike->peer);
	if (ike->peer_address.family != FLOW_ANY_FAMILY) {
		buffer_put_text(b, ", at ");
		print_address(b, &ike->peer_address);
	}
	buffer_put_text(b, "%s\n", ike->log ? ", logged" : "");
	print_credentials(b, "the peer shows", &ike->peer_credentials);
	print_credentials(b, "shown is", &ike->local_credentials);
}

void policy_print_protection(struct buffer *b, const struct policy_protection *p)
{
	static const char *const dfs[] = {
		[POLICY_DF_COPY] = "copied",
		[POLICY_DF_SET] = "set",
		[POLICY_DF_CLEAR] = "cleared",
	};

	buffer_put_text(b, "protection ");
	print_quoted(b, view_of_string(p->name));
	buffer_put_text(b, ": %s, %s", p->mode == POLICY_TUNNEL ? "tunnel" : "transport",
		p->demand == POLICY_REQUIRED ? "required" : "preferred");
	if (p->mode == POLICY_TUNNEL) {
		buffer_put_text(b, ", to ");
		print_address(b, &p->endpoint);
		buffer_put_text(b, ", DF %s", dfs[p->df]);
	}
	if (p->idle_seconds)
		buffer_put_text(b, ", idle for %u s at most", (unsigned)p->idle_seconds);
	buffer_put_text(b, "\n");
	for (size_t i = 0; i < p->proposal_count; i++)
		print_proposal(b, &p->proposals[i]);
	for (size_t i = 0; i < p->ike_count; i++)
		print_ike(b, &p->ike[i]);
}
