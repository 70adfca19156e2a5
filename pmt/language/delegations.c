/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include "common/crypto/trust.h"

#include <string.h>

enum { FAMILY_BITS_MAX = 128, CERTIFICATE_MAX = 8192 };

static uint32_t duration_of(const struct element *el, enum attribute_id id)
{
	const char *value = element_value(el, id);
	uint32_t seconds = 0;
	struct error e;

	return value && !parse_duration(view_of_string(value), &seconds, &e) ? seconds : 0;
}

static uint32_t number_of(const struct element *el, enum attribute_id id)
{
	const char *value = element_value(el, id);
	uint32_t n = 0;
	struct error e;

	return value && !parse_count(view_of_string(value), &n, &e) ? n : 0;
}

static struct view text_of(const struct element *el, enum attribute_id id)
{
	const char *value = element_value(el, id);

	return value ? view_of_string(value) : VIEW_NONE;
}

/* Which of the words of `choices` it is, from 1 on: the numbers of the PIB. */
static int choice_of(const struct element *el, enum attribute_id id, const char *const *choices)
{
	const char *value = element_value(el, id);
	int i = 0;

	while (choices[i] && strcmp(choices[i], value) != 0)
		i++;
	return i + 1;
}

/* --- prefixes --- */

/* How many rows a list becomes at most: a range is cut into two runs of prefixes. */
static size_t prefix_limit(const struct address_list *list)
{
	size_t limit = 0;

	for (size_t i = 0; i < list->count; i++)
		limit += memcmp(list->items[i].min, list->items[i].max, 16) == 0
				 ? 1
				 : 2 * (size_t)FAMILY_BITS_MAX;
	return limit;
}

static void put_prefix(struct builder *b, enum ip_family family, const uint8_t first[16],
	uint8_t length, struct inet_prefix *ret)
{
	const size_t octets = family == FAMILY_IPV6 ? 16 : 4;
	uint8_t *kept = take(b, 1, octets);

	if (!kept)
		return;
	memcpy(kept, first, octets);
	*ret = (struct inet_prefix){.type = family == FAMILY_IPV6 ? 2 : 1,
		.address = VIEW(kept, octets),
		.length = length};
}

/* The greatest prefixes from the first address on, one after the other. */
static size_t cut_prefixes(
	struct builder *b, const struct address_range *a, struct inet_prefix *ret)
{
	const uint8_t bits = a->family == FAMILY_IPV6 ? 128 : 32;
	uint8_t first[16], last[16];
	size_t count = 0;

	address_bounds(a, first, last);
	for (;;) {
		struct address_range r = {.family = a->family, .prefix_length = bits};
		uint8_t low[16], high[16];

		memcpy(r.min, first, 16);
		memcpy(r.max, first, 16);
		for (uint8_t length = 0; length <= bits; length++) {
			r.prefix_length = length;
			address_bounds(&r, low, high);
			if (memcmp(low, first, 16) == 0 && memcmp(high, last, 16) <= 0)
				break;
		}
		put_prefix(b, a->family, first, r.prefix_length, &ret[count++]);
		if (memcmp(high, last, 16) >= 0)
			return count;
		memcpy(first, high, 16);
		for (size_t i = bits / 8u; i-- > 0;)
			if (++first[i])
				break;
	}
}

static struct inet_prefix *prefixes_of(
	struct builder *b, const struct address_list *list, size_t *ret_count)
{
	struct inet_prefix *prefixes = take(b, prefix_limit(list), sizeof *prefixes);

	*ret_count = 0;
	for (size_t i = 0; prefixes && i < list->count; i++)
		*ret_count += cut_prefixes(b, &list->items[i], prefixes + *ret_count);
	return prefixes;
}

/* Addresses that can be said as prefixes: anybody as the two families. */
static struct address_list bounded(
	struct builder *b, const struct element *el, enum attribute_id id)
{
	static struct address_range families[] = {
		{.family = FAMILY_IPV4}, {.family = FAMILY_IPV6}};
	struct address_list list = {0};

	if (element_attribute(el, id))
		list = addresses_of_peers(b, el, id);
	if (list.group_count)
		report_error(b->d, element_place(el, id), "a group is no bound for anything");
	if (list.any)
		list = (struct address_list){.items = families, .count = 2};
	return list;
}

/* --- rows that come in a number not known before --- */

static void *grow(struct builder *b, const void *old, size_t count, size_t more, size_t size)
{
	char *items = take(b, count + more, size);

	if (items && count)
		memcpy(items, old, count * size);
	return items;
}

static void build_never(struct builder *b, const struct element *el, struct delegation *d)
{
	const struct address_list list = bounded(b, el, ATTRIBUTE_ADDRESSES);
	struct words nodes = words_of(el, ATTRIBUTE_NODE), roles = words_of(el, ATTRIBUTE_ROLE);
	size_t count;
	const struct inet_prefix *prefixes = prefixes_of(b, &list, &count);
	struct never_touch *never = grow(b, d->never, d->never_count,
		count_words(el, ATTRIBUTE_NODE) + count_words(el, ATTRIBUTE_ROLE) + count,
		sizeof *never);

	if (!never || !prefixes)
		return;
	d->never = never;
	never += d->never_count;
	while (words_next(&nodes))
		if (refer(b, &b->places, nodes.word, nodes.at, 1u << KIND_NODE, "node"))
			*never++ = (struct never_touch){.kind = NEVER_NODE, .name = nodes.word};
	while (words_next(&roles))
		if (refer(b, &b->places, roles.word, roles.at, 1u << KIND_ROLE, "role"))
			*never++ = (struct never_touch){.kind = NEVER_ROLE, .name = roles.word};
	for (size_t i = 0; i < count; i++)
		*never++ = (struct never_touch){.kind = NEVER_ADDRESSES, .prefix = prefixes[i]};
	d->never_count = (size_t)(never - d->never);
}

static void build_sensor(struct builder *b, const struct element *el, struct delegation *d)
{
	struct trusted_sensor *sensors =
		grow(b, d->sensors, d->sensor_count, 1, sizeof *sensors);

	role_of(b, el, ATTRIBUTE_ROLE);
	if (!sensors)
		return;
	sensors[d->sensor_count++] = (struct trusted_sensor){.role = text_of(el, ATTRIBUTE_ROLE),
		.alert = text_of(el, ATTRIBUTE_KIND),
		.least = number_of(el, ATTRIBUTE_LEAST)};
	d->sensors = sensors;
}

/* A role combination: names in order, with pluses between. */
static struct view combination_of(struct builder *b, const struct element *el, enum attribute_id id)
{
	const char *kept = role_combination(b, el, id);

	return view_of_string(kept);
}

static void build_response(struct builder *b, const struct element *el, struct delegation *d)
{
	static const char *const actions[] = {"isolate", "block", "tell", NULL};
	static const char *const severities[] = {"notice", "warning", "critical", NULL};
	struct response *responses =
		grow(b, d->responses, d->response_count, 1, sizeof *responses);

	role_of(b, el, ATTRIBUTE_SENSOR);
	if (!responses)
		return;
	responses[d->response_count++] = (struct response){
		.name = text_of(el, ATTRIBUTE_NAME),
		.alert = text_of(el, ATTRIBUTE_KIND),
		.sensor_role = text_of(el, ATTRIBUTE_SENSOR),
		.sensors = number_of(el, ATTRIBUTE_LEAST),
		.within = duration_of(el, ATTRIBUTE_WITHIN),
		.severity = choice_of(el, ATTRIBUTE_SEVERITY, severities),
		.action = (enum response_action)choice_of(el, ATTRIBUTE_ACTION, actions),
		.roles = combination_of(b, el, ATTRIBUTE_ROLES),
		.duration = duration_of(el, ATTRIBUTE_FOR)};
	d->responses = responses;
}

/* --- what a directory may --- */

/* Of all groups that the policy has, or of the one with this name. */
static void permit(struct builder *b, struct view name, const struct address_list *addresses)
{
	for (size_t i = 0; i < b->m->group_count; i++) {
		struct model_group *group = &b->m->groups[i];

		if (!group->directory || (!view_equal(name, view_of_string("*")) &&
						 !view_equal(name, view_of_string(group->name))))
			continue;
		group->granted = true;
		append_addresses(b, &group->permitted, addresses);
		normalize_addresses(&group->permitted);
	}
}

static void check_granted_group(struct builder *b, const struct attribute *a)
{
	const struct model_group *group;
	struct named *n;

	if (strcmp(a->value, "*") == 0)
		return;
	n = refer(b, &b->places, view_of_string(a->value), a->value_at, 1u << KIND_GROUP, "group");
	group = n ? n->object : NULL;
	if (group && !group->directory)
		report_error(b->d, a->value_at, "nobody but home fills \"%s\"", group->name);
}

static void build_grant(struct builder *b, const struct element *el, struct delegation *d)
{
	static const enum attribute_id kinds[] = {
		[GRANT_GROUP] = ATTRIBUTE_GROUP,
		[GRANT_PEER] = ATTRIBUTE_PEER,
		[GRANT_ANSWER] = ATTRIBUTE_ANSWER,
		[GRANT_SA_KEYS] = ATTRIBUTE_SA_KEYS,
		[GRANT_BINDING] = ATTRIBUTE_BINDING,
	};
	const struct address_list list = bounded(b, el, ATTRIBUTE_ADDRESSES);
	const struct attribute *named = NULL;
	struct granted_prefix *prefixes;
	const struct inet_prefix *cut;
	enum delegation_grant kind = GRANT_GROUP;
	struct grant *grants;
	size_t said = 0, count;

	for (enum delegation_grant k = GRANT_GROUP; k <= GRANT_BINDING; k++)
		if (element_attribute(el, kinds[k])) {
			named = element_attribute(el, kinds[k]);
			kind = k;
			said++;
		}
	if (said != 1) {
		report_error(b->d, el->at,
			"<grant> needs exactly one of group, peer, answer, sa-keys and binding");
		return;
	}
	if (kind == GRANT_GROUP)
		check_granted_group(b, named);
	cut = prefixes_of(b, &list, &count);
	grants = grow(b, d->grants, d->grant_count, 1, sizeof *grants);
	prefixes = grow(b, d->prefixes, d->prefix_count, count, sizeof *prefixes);
	if (!cut || !grants || !prefixes)
		return;
	grants[d->grant_count++] = (struct grant){.kind = kind,
		.name = view_of_string(named->value),
		.most = number_of(el, ATTRIBUTE_MOST)};
	for (size_t i = 0; i < count; i++)
		prefixes[d->prefix_count++] =
			(struct granted_prefix){(uint32_t)d->grant_count, cut[i]};
	d->grants = grants;
	d->prefixes = prefixes;
	if (kind == GRANT_GROUP)
		permit(b, view_of_string(named->value), &list);
}

static void build_admission(struct builder *b, const struct element *el, struct delegation *d)
{
	static const char *const conditions[] = {"current", "known", NULL};
	const struct attribute *group = element_attribute(el, ATTRIBUTE_GROUP);
	struct admission *admissions =
		grow(b, d->admissions, d->admission_count, 1, sizeof *admissions);
	uint32_t grant = 0;

	role_of(b, el, ATTRIBUTE_ROLE);
	for (uint32_t i = 0; i < d->grant_count && !grant; i++)
		if (d->grants[i].kind == GRANT_GROUP &&
			view_equal(d->grants[i].name, view_of_string(group->value)))
			grant = i + 1;
	if (!grant)
		report_error(b->d, group->value_at,
			"the group \"%s\" is not granted before in this delegation", group->value);
	if (!admissions || !grant)
		return;
	admissions[d->admission_count++] = (struct admission){.grant = grant,
		.role = text_of(el, ATTRIBUTE_ROLE),
		.condition = choice_of(el, ATTRIBUTE_CONDITION, conditions),
		.grace = duration_of(el, ATTRIBUTE_GRACE)};
	d->admissions = admissions;
}

/* --- the delegation --- */

static const struct {
	enum element_kind kind;
	enum authority authority; /* whose it is */
	void (*build)(struct builder *b, const struct element *el, struct delegation *d);
} parts[] = {
	{ELEMENT_NEVER, AUTHORITY_RESPONDER, build_never},
	{ELEMENT_SENSOR, AUTHORITY_RESPONDER, build_sensor},
	{ELEMENT_RESPONSE, AUTHORITY_RESPONDER, build_response},
	{ELEMENT_GRANT, AUTHORITY_DIRECTORY, build_grant},
	{ELEMENT_ADMISSION, AUTHORITY_DIRECTORY, build_admission},
};

static void build_part(struct builder *b, const struct element *el, struct delegation *d)
{
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (parts[i].kind != el->rule->kind || el->faulty)
			continue;
		if (parts[i].authority != d->authority)
			report_error(b->d, el->at, "<%s> is for a %s, not for a %s", el->name,
				authority_name(parts[i].authority), authority_name(d->authority));
		else
			parts[i].build(b, el, d);
	}
}

/* What would be refused when it is compiled is told here. */
static void try_bounds(struct builder *b, const struct element *el, const struct delegation *d)
{
	struct delegation tried = *d;
	struct buffer content;
	struct error e;

	tried.tenant = view_of_string(b->m->tenant);
	tried.serial = 1;
	tried.not_after = 1;
	buffer_init(&content, DOCUMENT_MAX);
	if (delegation_encode(&tried, &content, &e))
		report_error(b->d, el->at, "%s", e.text);
	buffer_fini(&content);
}

static void read_certificate(struct builder *b, const struct element *el, struct delegation *d)
{
	const struct attribute *a = element_attribute(el, ATTRIBUTE_CERTIFICATE);
	struct trust *alone = NULL;
	struct buffer der;
	struct error e;
	enum err code;

	buffer_init(&der, CERTIFICATE_MAX);
	code = parse_base64(view_of_string(a->value), &der, &e);
	d->certificate = arena_copy(&b->m->arena, buffer_view(&der));
	buffer_fini(&der);
	if (!d->certificate.data)
		b->no_memory = true;
	if (!code && d->certificate.data)
		code = trust_of(&d->certificate, 1, 1, &alone, &e);
	if (code)
		report_error(b->d, a->value_at, "that is no certificate of a key that can sign: %s",
			e.text);
	if (alone)
		memcpy(d->key, trust_pin(alone, 0)->sha256, NODE_KEY);
	trust_free(alone);
}

void build_delegation(struct builder *b, const struct element *el)
{
	struct model_delegation *delegation = &b->m->delegations[b->m->delegation_count];
	const size_t errors = b->d->errors;
	struct words w = words_of(el, ATTRIBUTE_FOR);
	struct delegation *d = &delegation->bounds;

	define(b, &b->delegations, el, KIND_DELEGATION, delegation);
	if (el->faulty)
		return;
	if (b->m->authority != AUTHORITY_HOME)
		report_error(b->d, el->at, "only home delegates");
	delegation->name = element_value(el, ATTRIBUTE_NAME);
	delegation->at = el->at;
	delegation->valid = duration_of(el, ATTRIBUTE_VALID);
	delegation->roles = take(b, count_words(el, ATTRIBUTE_FOR), sizeof(struct model_role *));
	while (delegation->roles && words_next(&w)) {
		struct named *n = refer(b, &b->places, w.word, w.at, 1u << KIND_ROLE, "role");

		if (n && n->object)
			delegation->roles[delegation->role_count++] = n->object;
	}
	d->name = view_of_string(delegation->name);
	d->authority = strcmp(element_value(el, ATTRIBUTE_AUTHORITY), "responder") == 0
			       ? AUTHORITY_RESPONDER
			       : AUTHORITY_DIRECTORY;
	read_certificate(b, el, d);
	d->longest_duration = duration_of(el, ATTRIBUTE_LONGEST);
	d->most_nodes = number_of(el, ATTRIBUTE_MOST_NODES);
	d->most_rules = number_of(el, ATTRIBUTE_MOST_RULES);
	d->may_isolate = element_yes(el, ATTRIBUTE_ISOLATE);
	for (const struct element *child = el->first_child; child; child = child->next)
		if (child->rule)
			build_part(b, child, d);
	if (b->d->errors == errors && !b->no_memory && b->m->tenant)
		try_bounds(b, el, d);
	b->m->delegation_count++;
}
