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

static const char *endpoint_text(struct converter *c, const struct policy_address *endpoint)
{
	struct address_range via = {.family = FAMILY_IPV4, .prefix_length = 32};
	struct buffer text;
	const char *kept;

	if (endpoint->family == FLOW_IPV6) {
		via.family = FAMILY_IPV6;
		via.prefix_length = 128;
	}
	memcpy(via.min, endpoint->octets, 16);
	memcpy(via.max, endpoint->octets, 16);
	buffer_init(&text, 64);
	print_address(&via, &text);
	kept = convert_keep(c, &text);
	buffer_fini(&text);
	return kept;
}

/* Of several protections the first that succeeds; tunnels all end at the same place. */
static enum err read_protections(
	struct set_reader *s, const struct policy_rule *compiled, struct rule *rule)
{
	struct buffer names;
	enum err code = E_OK;

	buffer_init(&names, TEXT_MAX);
	for (size_t i = 0; i < compiled->step_count && !code; i++) {
		const struct policy_protection *p = compiled->steps[i].protection;
		const char *via = NULL;

		if (!p) {
			code = convert_refuse(s, rule->name, "not all that it tries is a protection");
			break;
		}
		if (p->mode == POLICY_TUNNEL)
			via = endpoint_text(s->c, &p->endpoint);
		if (i && !convert_same_text(via, rule->via))
			code = convert_refuse(
				s, rule->name, "its protections end at different places");
		rule->via = via;
		buffer_put_text(&names, "%s%s", i ? " " : "", p->name);
		if (!code)
			code = add_protection(s, rule->name, p);
	}
	rule->protections = convert_keep(s->c, &names);
	buffer_fini(&names);
	return code;
}

enum err convert_read_action(
	struct set_reader *s, const struct policy_rule *compiled, struct rule *rule)
{
	rule->action = compiled->action;
	if (compiled->step_count != 1 && compiled->strategy != POLICY_UNTIL_SUCCESS)
		return convert_refuse(s, rule->name, "it does one thing after the other");
	if (compiled->action == POLICY_PROTECT || compiled->step_count != 1)
		return read_protections(s, compiled, rule);
	return E_OK;
}
