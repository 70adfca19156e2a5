/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/capabilities.h"

static bool decode(const struct pri_row *row, struct pri *ret_pri)
{
	struct pib_fault fault;
	struct error ignored;

	return !pri_row_decode(row, ret_pri, &fault, &ignored);
}

bool capabilities_support(const struct pri_store *s, enum pib_class_id class, unsigned attribute)
{
	struct pri_cursor c = pri_store_class(s, PIB_frwkPrcSupport);
	struct pri_row row;
	struct pri pri;

	while (pri_store_next(&c, &row)) {
		struct view bits;

		if (!decode(&row, &pri) ||
			!oid_equal(pri_oid(&pri, frwkPrcSupportSupportedPrc), &pib_class(class)->row))
			continue;
		bits = pri_octets(&pri, frwkPrcSupportSupportedAttrs);
		return (attribute - 1) / 8 < bits.len &&
		       bits.data[(attribute - 1) / 8] & 0x80 >> (attribute - 1) % 8;
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
