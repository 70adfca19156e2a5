/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/envelope.h"

static const struct {
	enum pib_class_id class;
	uint8_t attribute;
} envelopes[] = {
	{PIB_copsecPolicySet, copsecPolicySetSigned},
	{PIB_copsecIndex, copsecIndexSigned},
	{PIB_copsecAssignment, copsecAssignmentSigned},
	{PIB_copsecTrust, copsecTrustSigned},
	{PIB_copsecDelegation, copsecDelegationSigned},
};

unsigned envelope_attribute(const struct pib_class *class)
{
	for (size_t i = 0; i < sizeof envelopes / sizeof envelopes[0]; i++)
		if (envelopes[i].class == class->id)
			return envelopes[i].attribute;
	return 0;
}

bool envelope_is(const struct pib_class *class)
{
	return envelope_attribute(class) != 0;
}

/* Whether two rows have the same OID but for the last `levels` arcs. */
static bool akin(const struct pib_class *class, enum pib_class_id other, unsigned levels)
{
	struct oid above = pib_class(other)->row;

	above.count = (uint8_t)(above.count - levels);
	return oid_has_prefix(&class->row, &above);
}

bool envelope_is_inside(const struct pib_class *class)
{
	/* Row: module.group.table.1 */
	return akin(class, PIB_ipSecRule, 3) || akin(class, PIB_copsecRule, 2);
}

static enum err refuse(const struct prid *prid, enum pib_fault_kind kind, unsigned attribute,
	const char *why, struct pib_fault *ret_fault, struct error *e)
{
	char name[PRID_TEXT_SIZE];

	prid_format(prid, name);
	*ret_fault = (struct pib_fault){.kind = kind, .attribute = (uint8_t)attribute};
	return error_set(e, pib_fault_err(kind), "%s: %s %s", name,
		pib_attribute(prid->class, attribute)->name, why);
}

enum err envelope_open(const struct prid *prid, struct view epd, struct view *ret_cms,
	struct pib_fault *ret_fault, struct error *e)
{
	unsigned attribute = envelope_attribute(prid->class);
	struct pri pri;
	enum err err = epd_decode(prid, epd, &pri, ret_fault, e);

	if (err)
		return err;
	if (!pri_has(&pri, attribute) || !pri_octets(&pri, attribute).len)
		return refuse(prid, PIB_FAULT_VALUE, attribute, "is empty", ret_fault, e);
	for (size_t i = attribute; i < prid->class->attribute_count; i++)
		if (pri.values[i].state == PRI_SET)
			return refuse(prid, PIB_FAULT_VALUE, (unsigned)i + 1,
				"is not signed, so it must not be there", ret_fault, e);
	if (pri.extra)
		return refuse(prid, PIB_FAULT_VALUE, attribute,
			"is followed by values that are not signed", ret_fault, e);
	*ret_cms = pri_octets(&pri, attribute);
	return E_OK;
}

void envelope_put(enum pib_class_id class, uint32_t instance, struct view cms, struct buffer *out)
{
	struct error e;
	struct pri pri;

	pri_init(&pri, class, instance);
	pri_set_octets(&pri, envelope_attribute(pib_class(class)), cms);
	if (pri_put(out, &pri, &e) && !out->error)
		out->error = E_LIMIT;
}
