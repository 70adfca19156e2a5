/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/capabilities.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { GUIDANCE_SHOWN = 32 /* octets */ };

static bool decode(const struct pri_row *row, struct pri *ret_pri)
{
	struct pib_fault fault;
	struct error ignored;

	return !pri_row_decode(row, ret_pri, &fault, &ignored);
}

bool capabilities_next_support(struct pri_cursor *c, struct capability_support *ret_support)
{
	struct pri_row row;
	struct pri pri;

	while (pri_store_next(c, &row)) {
		const struct pib_class *class = NULL;

		if (decode(&row, &pri))
			class = pib_class_by_row(pri_oid(&pri, frwkPrcSupportSupportedPrc));
		if (!class)
			continue;
		*ret_support = (struct capability_support){
			class, pri_octets(&pri, frwkPrcSupportSupportedAttrs)};
		return true;
	}
	return false;
}

bool capabilities_has(const struct capability_support *support, unsigned attribute)
{
	size_t octet = (attribute - 1) / 8;

	return octet < support->attributes.len &&
	       support->attributes.data[octet] & 0x80 >> (attribute - 1) % 8;
}

bool capabilities_support(const struct pri_store *s, enum pib_class_id class, unsigned attribute)
{
	struct pri_cursor c = pri_store_class(s, PIB_frwkPrcSupport);
	struct capability_support support;

	while (capabilities_next_support(&c, &support))
		if (support.class->id == class)
			return capabilities_has(&support, attribute);
	return false;
}

/* RFC 3318 §5: how to read the guidance. A number if it has four or eight octets. */
static void describe_limit(const struct pri *pri, const struct pib_class *class, char *text)
{
	static const char *const relations[] = {
		[frwkCompLimitsSubType_none] = "is limited",
		[frwkCompLimitsSubType_lengthMin] = "at least %s long",
		[frwkCompLimitsSubType_lengthMax] = "at most %s long",
		[frwkCompLimitsSubType_rangeMin] = "at least %s",
		[frwkCompLimitsSubType_rangeMax] = "at most %s",
		[frwkCompLimitsSubType_enumMin] = "at least %s",
		[frwkCompLimitsSubType_enumMax] = "at most %s",
		[frwkCompLimitsSubType_enumOnly] = "only %s",
		[frwkCompLimitsSubType_valueOnly] = "only %s",
		[frwkCompLimitsSubType_bitMask] = "only the bits %s",
	};
	const struct pib_attribute *a =
		pib_attribute(class, pri_u32(pri, frwkCompLimitsAttrPos));
	/* A peer may send NULL, which reads as 0. */
	int32_t kind = pri_i32(pri, frwkCompLimitsSubType);
	const char *relation = pri_i32(pri, frwkCompLimitsType) ==
				       frwkCompLimitsType_priSpaceLimited
		? "at most %s instances"
		: relations[kind ? kind : frwkCompLimitsSubType_none];
	const char *percent = strchr(relation, '%'), *label = NULL;
	struct view guidance = pri_octets(pri, frwkCompLimitsGuidance);
	char value[2 * GUIDANCE_SHOWN + 1];

	if (guidance.len == 4 || guidance.len == 8) {
		uint64_t number = 0;

		for (size_t i = 0; i < guidance.len; i++)
			number = number << 8 | guidance.data[i];
		snprintf(value, sizeof value, "%" PRIu64, number);
		label = a && number <= INT32_MAX ? pib_label(a, (int32_t)number) : NULL;
	} else if (!guidance.len) {
		snprintf(value, sizeof value, "empty");
	} else {
		hex_encode(value, VIEW(guidance.data, guidance.len < GUIDANCE_SHOWN
					       ? guidance.len : GUIDANCE_SHOWN));
	}
	snprintf(text, ERROR_TEXT_SIZE, "%s%s%s%s %.*s%s%s", class->name, a ? "." : "",
		a ? a->name : "", pri_bool(pri, frwkCompLimitsNegation) ? " not" : "",
		percent ? (int)(percent - relation) : (int)strlen(relation), relation,
		percent ? label ? label : value : "", percent ? percent + 2 : "");
}

bool capabilities_next_limit(struct pri_cursor *c, char ret_text[ERROR_TEXT_SIZE])
{
	struct pri_row row;
	struct pri pri;

	while (pri_store_next(c, &row)) {
		const struct pib_class *class = NULL;

		if (decode(&row, &pri))
			class = pib_class_by_row(pri_oid(&pri, frwkCompLimitsComponent));
		if (!class)
			continue;
		describe_limit(&pri, class, ret_text);
		return true;
	}
	return false;
}

struct capability_device capabilities_device(const struct pri_store *s)
{
	struct pri_cursor c = pri_store_class(s, PIB_frwkDeviceId);
	struct capability_device device = {VIEW_NONE, UINT32_MAX, UINT32_MAX};
	struct pri_row row;
	struct pri pri;

	if (pri_store_next(&c, &row) && decode(&row, &pri))
		device = (struct capability_device){
			.description = pri_octets(&pri, frwkDeviceIdDescr),
			.max_message = pri_u32(&pri, frwkDeviceIdMaxMsg),
			.max_contexts = pri_u32(&pri, frwkDeviceIdMaxContexts),
		};
	return device;
}

bool capabilities_next_roles(struct pri_cursor *c, struct capability_roles *ret_roles)
{
	struct pri base, interface;
	struct pri_row row;

	while (pri_store_next(c, &row)) {
		if (!decode(&row, &base))
			continue;
		*ret_roles = (struct capability_roles){
			.roles = pri_octets(&base, frwkRoleComboRoles),
			.capability_set = pri_octets(&base, frwkRoleComboCapSetName),
		};
		if (pri_store_get(c->store, PIB_frwkIfRoleCombo, row.prid.instance, &interface))
			ret_roles->interface =
				(uint32_t)pri_i32(&interface, frwkIfRoleComboIfIndex);
		return true;
	}
	return false;
}

enum err capabilities_put_algorithms(
	const struct capability_algorithms *a, struct buffer *out, struct error *e)
{
	enum err err = E_OK;
	struct pri pri;

	for (size_t i = 0; i < a->count && !err; i++) {
		pri_init(&pri, PIB_copsecAlgorithm, (uint32_t)i + 1);
		pri_set_i32(&pri, copsecAlgorithmUse, a->list[i].use);
		pri_set_i32(&pri, copsecAlgorithmType, a->list[i].type);
		pri_set_u32(&pri, copsecAlgorithmNumber, a->list[i].number);
		pri_set_u32(&pri, copsecAlgorithmKeyLength, a->list[i].key_length);
		err = pri_put(out, &pri, e);
	}
	return err;
}

void capabilities_algorithms(const struct pri_store *s, struct capability_algorithms *ret_algorithms)
{
	struct pri_cursor c = pri_store_class(s, PIB_copsecAlgorithm);
	struct pri_row row;
	struct pri pri;

	ret_algorithms->count = 0;
	while (ret_algorithms->count < CAPABILITY_ALGORITHMS_MAX && pri_store_next(&c, &row))
		if (decode(&row, &pri))
			ret_algorithms->list[ret_algorithms->count++] =
				(struct capability_algorithm){
					.use = pri_i32(&pri, copsecAlgorithmUse),
					.type = pri_i32(&pri, copsecAlgorithmType),
					.number = pri_u32(&pri, copsecAlgorithmNumber),
					.key_length = pri_u32(&pri, copsecAlgorithmKeyLength),
				};
}
