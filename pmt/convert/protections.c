/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/converter.h"

#include <string.h>

#include "pib/policy/algorithms.h"

static void put_algorithm(struct buffer *out, const char *name, const struct algorithm *a)
{
	if (a)
		buffer_put_text(out, " %s=\"%s\"", name, a->name);
}

static bool put_esp(struct buffer *out, const struct policy_esp *esp)
{
	const struct algorithm *cipher =
		algorithm_of(ALGORITHM_ENCRYPTION, esp->encryption, esp->key_length);
	const struct algorithm *integrity = algorithm_of(ALGORITHM_INTEGRITY, esp->integrity, 0);
	const struct algorithm *group = algorithm_of(ALGORITHM_GROUP, esp->group, 0);

	if (!cipher || !group || (!integrity && esp->integrity))
		return false;
	buffer_put_text(out, "    <esp");
	put_algorithm(out, "encryption", cipher);
	put_algorithm(out, "integrity", integrity);
	put_algorithm(out, "group", group);
	buffer_put_text(out, " esn=\"%s\" lifetime=\"%us\"%s/>\n", esp->esn ? "yes" : "no",
		esp->lifetime_seconds,
		cipher->old || group->old || (integrity && integrity->old) ? " old=\"yes\"" : "");
	return true;
}

static bool put_ike(
	struct buffer *out, const struct policy_ike *ike, const struct policy_ike_proposal *p)
{
	static const char *const words[] = {
		[POLICY_RAW_KEY] = "key",
		[POLICY_CERTIFICATE] = "certificate",
		[POLICY_PRESHARED_KEY] = "secret",
	};
	const struct algorithm *cipher =
		algorithm_of(ALGORITHM_ENCRYPTION, p->encryption, p->key_length);
	const struct algorithm *integrity = algorithm_of(ALGORITHM_INTEGRITY, p->integrity, 0);
	const struct algorithm *prf = algorithm_of_prf(p->prf);
	const struct algorithm *group = algorithm_of(ALGORITHM_GROUP, p->group, 0);

	if (!cipher || !prf || !group || (!integrity && p->integrity))
		return false;
	buffer_put_text(out, "    <ike");
	put_algorithm(out, "encryption", cipher);
	put_algorithm(out, "integrity", integrity);
	put_algorithm(out, "prf", prf);
	put_algorithm(out, "group", group);
	buffer_put_text(out, " authentication=\"%s\" lifetime=\"%us\"%s/>\n",
		words[ike->authentication], p->lifetime_seconds,
		cipher->old || prf->old || group->old || (integrity && integrity->old)
			? " old=\"yes\""
			: "");
	return true;
}

/* One proposal of ESP alone, and one key exchange by IKEv2: that is what a <protection> says. */
static bool put_protection(struct buffer *out, const struct policy_protection *p)
{
	bool known = p->proposal_count == 1 && p->proposals->ah_count == 0 &&
		     p->proposals->ipcomp_count == 0 && p->ike_count == 1 && p->ike->version == 2 &&
		     p->ike->authentication != POLICY_NOBODY;

	if (!known)
		return false;

	buffer_put_text(out, "mode=\"%s\" demand=\"%s\">\n",
		p->mode == POLICY_TUNNEL ? "tunnel" : "transport",
		p->demand == POLICY_PREFERRED ? "preferred" : "required");
	for (size_t i = 0; known && i < p->ike->proposal_count; i++)
		known = put_ike(out, p->ike, &p->ike->proposals[i]);
	for (size_t i = 0; known && i < p->proposals->esp_count; i++)
		known = put_esp(out, &p->proposals->esp[i]);
	return known;
}

/* The same name must mean the same in all sets, but for the other end of a tunnel. */
static enum err add_protection(
	struct set_reader *s, const char *rule, const struct policy_protection *p)
{
	struct converter *c = s->c;
	struct buffer text;
	const char *kept;

	buffer_init(&text, 1 << 20);
	if (!put_protection(&text, p)) {
		buffer_fini(&text);
		return convert_refuse(s, rule, "its protection says more than <protection> can");
	}
	kept = convert_keep(c, &text);
	buffer_fini(&text);
	for (size_t i = 0; i < c->protection_count; i++)
		if (strcmp(c->protections[i].name, p->name) == 0)
			return strcmp(c->protections[i].text, kept) == 0
				       ? E_OK
				       : convert_refuse(s, rule, "two protections have one name");
	if (c->protection_count == PROTECTIONS_MAX)
		return error_set(c->e, E_LIMIT, "more than %d protections", PROTECTIONS_MAX);
	c->protections[c->protection_count++] =
		(struct named_text){arena_strdup(&c->arena, p->name), kept};
	return E_OK;
}

enum err convert_read_action(
	struct set_reader *s, const struct policy_rule *compiled, struct rule *rule)
{
	const struct policy_protection *p = compiled->protection;
	struct address_range via = {0};
	struct buffer text;

	rule->action = compiled->action;
	if (!p)
		return E_OK;
	rule->protection = arena_strdup(&s->c->arena, p->name);
	if (p->mode == POLICY_TUNNEL) {
		via.family = p->endpoint.family == FLOW_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
		via.prefix_length = p->endpoint.family == FLOW_IPV6 ? 128 : 32;
		memcpy(via.min, p->endpoint.octets, 16);
		memcpy(via.max, p->endpoint.octets, 16);
		buffer_init(&text, 64);
		print_address(&via, &text);
		rule->via = convert_keep(s->c, &text);
		buffer_fini(&text);
	}
	return add_protection(s, rule->name, p);
}
