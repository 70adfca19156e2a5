/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/converter.h"

#include <string.h>

enum {
	ENDS_MAX = 256, /* of a rule on one side */
	CODE_POINTS = 64,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMP = 1,
	PROTOCOL_ICMPV6 = 58
};

struct traffic_words {
	struct buffer tcp, udp, icmp, icmpv6, protocol;
	bool any;
};

static struct buffer *words_for(struct traffic_words *w, uint32_t protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return &w->tcp;
	case PROTOCOL_UDP:
		return &w->udp;
	case PROTOCOL_ICMP:
		return &w->icmp;
	case PROTOCOL_ICMPV6:
		return &w->icmpv6;
	default:
		return &w->protocol;
	}
}

static enum err add_traffic(
	struct set_reader *s, const char *rule, const struct pri *selector, struct traffic_words *w)
{
	const uint32_t protocol = pri_u32(selector, ipSecSelectorProtocol);
	const struct prid extension_of = {pib_class(PIB_copsecSelector), selector->instance};
	struct buffer *words = words_for(w, protocol);
	int32_t type = -1, icmp_code = -1;
	struct pri extension;
	struct pri_row row;
	struct pib_fault fault;

	if (pri_u32(selector, ipSecSelectorSrcPortGroupId) ||
		pri_i32(selector, ipSecSelectorFlowLabel) != -1)
		return convert_refuse(s, rule, "source ports and flow labels have no word here");
	if (pri_store_find(s->store, &extension_of, &row) &&
		!pri_row_decode(&row, &extension, &fault, s->c->e)) {
		type = pri_i32(&extension, copsecSelectorIcmpType);
		icmp_code = pri_i32(&extension, copsecSelectorIcmpCode);
	}
	if (words->len)
		buffer_put_u8(words, ' ');
	if (protocol == PROTOCOL_ANY)
		w->any = true;
	else if (protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP)
		buffer_put_text(words, "%s",
			pri_u32(selector, ipSecSelectorDstPortGroupId)
				? convert_words(s, &s->ports,
					  pri_u32(selector, ipSecSelectorDstPortGroupId))
				: "any");
	else if (pri_u32(selector, ipSecSelectorDstPortGroupId))
		return convert_refuse(
			s, rule, "ports of other protocols than TCP and UDP have no word here");
	else if (protocol != PROTOCOL_ICMP && protocol != PROTOCOL_ICMPV6)
		buffer_put_text(words, "%u", protocol);
	else if (type < 0)
		buffer_put_text(words, "any");
	else if (icmp_code < 0)
		buffer_put_text(words, "%d", (int)type);
	else
		buffer_put_text(words, "%d/%d", (int)type, (int)icmp_code);
	return E_OK;
}

static void put_words(struct buffer *out, const char *name, struct buffer *words)
{
	if (words->len)
		buffer_put_text(
			out, "%s%s=\"%s\"", out->len ? " " : "", name, buffer_string(words));
}

/* The name of the service with this definition; a new one if there is none. */
static enum err name_service(struct converter *c, const char *definition, const char **ret)
{
	const char *known = model_known_service(definition);
	struct buffer name;

	for (size_t i = 0; i < c->service_count && !known; i++)
		if (strcmp(c->services[i].text, definition) == 0)
			known = c->services[i].name;
	if (known) {
		*ret = known;
		return E_OK;
	}
	if (c->service_count == SERVICES_MAX)
		return error_set(c->e, E_LIMIT, "more than %d services", SERVICES_MAX);
	buffer_init(&name, 64);
	buffer_put_text(&name, "service-%zu", c->service_count + 1);
	*ret = convert_keep(c, &name);
	buffer_fini(&name);
	c->services[c->service_count++] =
		(struct named_text){*ret, arena_strdup(&c->arena, definition)};
	return E_OK;
}

static enum err finish_traffic(struct converter *c, struct traffic_words *w, const char **ret)
{
	struct buffer definition;
	enum err code = E_OK;

	*ret = "";
	buffer_init(&definition, TEXT_MAX);
	put_words(&definition, "tcp", &w->tcp);
	put_words(&definition, "udp", &w->udp);
	put_words(&definition, "icmp", &w->icmp);
	put_words(&definition, "icmpv6", &w->icmpv6);
	put_words(&definition, "protocol", &w->protocol);
	if (!w->any)
		code = name_service(c, buffer_string(&definition), ret);
	buffer_fini(&definition);
	return code;
}

/*
 * The code points of a rule: every one of its selectors stands there once for each of them. Only
 * the selectors with the first one are looked at for the rest.
 */
struct code_points {
	bool seen[CODE_POINTS + 1]; /* the last: any */
	int32_t first;
	size_t selectors, of_first, count;
};

static bool add_code_point(struct code_points *d, const struct pri *selector)
{
	const int32_t dscp = pri_i32(selector, ipSecSelectorDscp);
	const size_t which = dscp == DSCP_ANY ? CODE_POINTS : (size_t)dscp;

	if (d->selectors++ == 0)
		d->first = dscp;
	d->count += !d->seen[which];
	d->seen[which] = true;
	d->of_first += dscp == d->first;
	return dscp == d->first;
}

static const char *code_points_text(struct converter *c, const struct code_points *d)
{
	struct buffer text;
	const char *kept;

	if (d->first == DSCP_ANY)
		return NULL;
	buffer_init(&text, 4096);
	for (size_t i = 0; i < CODE_POINTS; i++)
		if (d->seen[i]) {
			const char *name = dscp_name((uint8_t)i);

			buffer_put_text(&text, "%s", text.len ? " " : "");
			if (name)
				buffer_put_text(&text, "%s", name);
			else
				buffer_put_text(&text, "%zu", i);
		}
	kept = convert_keep(c, &text);
	buffer_fini(&text);
	return kept;
}

/* The ends of a rule's selectors on one side: addresses, and groups by their names. */
struct end_words {
	const char *texts[ENDS_MAX];
	size_t count;
};

/* True for the first of them: only the selectors between the first ends are looked at for the rest,
 * as there is one of each kind between any two. */
static enum err add_end(struct set_reader *s, const char *rule, struct end_words *ends,
	uint32_t tag, bool *ret_first)
{
	const char *text = NULL;

	for (size_t i = 0; tag && i < s->policy->group_count && !text; i++)
		if (s->policy->groups[i].tag == tag)
			text = arena_strdup(&s->c->arena, s->policy->groups[i].name);
	if (!text)
		text = convert_words(s, &s->addresses, tag);
	for (size_t i = 0; i < ends->count; i++)
		if (strcmp(ends->texts[i], text) == 0) {
			*ret_first = i == 0;
			return E_OK;
		}
	if (ends->count == ENDS_MAX)
		return convert_refuse(s, rule, "it names too many groups");
	*ret_first = ends->count == 0;
	ends->texts[ends->count++] = text;
	return E_OK;
}

static const char *join_ends(struct set_reader *s, const struct end_words *ends)
{
	struct buffer text;
	const char *kept;

	buffer_init(&text, TEXT_MAX);
	for (size_t i = 0; i < ends->count; i++)
		buffer_put_text(&text, "%s%s", text.len ? " " : "", ends->texts[i]);
	kept = convert_keep(s->c, &text);
	buffer_fini(&text);
	return kept;
}

enum err convert_read_selectors(struct set_reader *s, uint32_t instance, struct rule *rule)
{
	struct traffic_words w = {0};
	struct code_points points = {0};
	struct end_words froms = {0}, tos = {0};
	size_t selectors = 0;
	const struct prid prid = {pib_class(PIB_ipSecRule), instance};
	struct buffer *const all[] = {&w.tcp, &w.udp, &w.icmp, &w.icmpv6, &w.protocol};
	struct pri_row row;
	struct pib_fault fault;
	struct pri pri, selector;
	uint32_t tag;
	enum err code;

	for (size_t i = 0; i < 5; i++)
		buffer_init(all[i], WORDS_MAX);
	if (!pri_store_find(s->store, &prid, &row))
		return convert_refuse(s, rule->name, "it has no row");
	code = pri_row_decode(&row, &pri, &fault, s->c->e);
	tag = code ? 0 : pri_u32(&pri, ipSecRuleIpSecSelectorSetId);
	for (size_t i = convert_first(&s->selectors, tag);
		!code && i < s->selectors.count && s->selectors.list[i].tag == tag; i++) {
		const struct prid at = {
			pib_class(PIB_ipSecSelector), s->selectors.list[i].selector};
		bool first_from = false, first_to = false;

		selectors++;
		if (!pri_store_find(s->store, &at, &row))
			code = convert_refuse(s, rule->name, "a selector is missing");
		if (!code)
			code = pri_row_decode(&row, &selector, &fault, s->c->e);
		if (!code)
			code = add_end(s, rule->name, &froms,
				pri_u32(&selector, ipSecSelectorSrcAddressGroupId), &first_from);
		if (!code)
			code = add_end(s, rule->name, &tos,
				pri_u32(&selector, ipSecSelectorDstAddressGroupId), &first_to);
		if (!code && first_from && first_to && add_code_point(&points, &selector))
			code = add_traffic(s, rule->name, &selector, &w);
	}
	if (!code && !selectors)
		code = convert_refuse(s, rule->name, "it has no selector");
	if (!code && points.selectors * froms.count * tos.count != selectors)
		code = convert_refuse(s, rule->name, "its selectors have different addresses");
	rule->from = join_ends(s, &froms);
	rule->to = join_ends(s, &tos);
	if (!code && points.of_first * points.count != points.selectors)
		code = convert_refuse(s, rule->name, "its selectors have different code points");
	rule->dscp = code ? NULL : code_points_text(s->c, &points);
	if (!code)
		code = finish_traffic(s->c, &w, &rule->service);
	for (size_t i = 0; i < 5; i++)
		buffer_fini(all[i]);
	return code;
}
