/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/schema/subcode.h"

#include <string.h>

#include "common/cops/pr.h"

struct pib_fault pib_install_fault(
	const struct pib_class *class, const char *name, unsigned attribute)
{
	for (size_t i = 0; i < class->install_error_count; i++)
		if (!strcmp(class->install_errors[i].name, name))
			return (struct pib_fault){
				.kind = PIB_FAULT_SPECIFIC,
				.attribute = (uint8_t)attribute,
				.detail = (uint16_t)class->install_errors[i].number,
			};
	return (struct pib_fault){.kind = PIB_FAULT_VALUE, .attribute = (uint8_t)attribute};
}

const char *pib_subcode_name(const struct pib_class *class, uint16_t cperr, uint16_t subcode)
{
	const struct pib_attribute *attribute;

	if (cperr == PR_CPERR_PRI_SPECIFIC_ERROR) {
		for (size_t i = 0; i < class->install_error_count; i++)
			if (class->install_errors[i].number == subcode)
				return class->install_errors[i].name;
		return NULL;
	}
	if (cperr < PR_CPERR_ATTR_VALUE_INVALID || cperr > PR_CPERR_ATTR_REFERENCE_UNKNOWN)
		return NULL;
	attribute = pib_attribute(class, subcode);
	return attribute ? attribute->name : NULL;
}
