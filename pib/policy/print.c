/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/policy.h"

#include "pib/policy/algorithms.h"
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

void policy_print_verdict(struct buffer *b, const struct policy_verdict *verdict)
{
	switch (verdict->action) {
	case POLICY_DISCARD:
		buffer_put_text(b, "discard");
		break;
	case POLICY_PROTECT:
		buffer_put_text(b, "protect with ");
		print_quoted(b, view_of_string(verdict->protection->name));
		if (verdict->demand == POLICY_PREFERRED)
			buffer_put_text(b, ", or in clear");
		break;
	case POLICY_BYPASS:
		buffer_put_text(b, "bypass");
		break;
	}
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
	if (!rule->stateful)
		buffer_put_text(b, ", without state");
	if (rule->log)
		buffer_put_text(b, ", log");
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

void policy_print_protection(struct buffer *b, const struct policy_protection *p)
{
	static const char *const authentications[] = {
		[POLICY_RAW_KEY] = "raw keys",
		[POLICY_CERTIFICATE] = "certificates",
		[POLICY_PRESHARED_KEY] = "a pre-shared key",
	};
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
		print_esp(b, &p->proposals[i]);
	for (size_t i = 0; i < p->ike->proposal_count; i++)
		print_ike_proposal(b, &p->ike->proposals[i]);
	buffer_put_text(b, "  by %s", authentications[p->ike->authentication]);
	print_identity(b, "as", &p->ike->local);
	print_identity(b, "peer", &p->ike->peer);
	if (p->ike->peer_address.family != FLOW_ANY_FAMILY) {
		buffer_put_text(b, ", at ");
		print_address(b, &p->ike->peer_address);
	}
	buffer_put_text(b, "%s\n", p->ike->log ? ", logged" : "");
}
