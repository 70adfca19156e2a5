/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/schema/fault.h"

#include <assert.h>

#include "common/cops/pr.h"

enum subcode { NOTHING, ATTRIBUTE, DETAIL };

/* RFC 3084 §4.4 and §4.5. The attribute's number belongs to CPERR 3 to 7 only. */
static const struct {
	enum err err;
	bool general;
	uint16_t code;
	enum subcode subcode;
} faults[PIB_FAULT_KIND_COUNT] = {
	[PIB_FAULT_NONE] = {E_OK, true, PR_GPERR_UNKNOWN_ERROR, NOTHING},
	[PIB_FAULT_TAG] = {E_SYNTAX, true, PR_GPERR_UNKNOWN_ASN1_TAG, DETAIL},
	[PIB_FAULT_LENGTH] = {E_LENGTH, true, PR_GPERR_INVALID_ASN1_LENGTH, NOTHING},
	[PIB_FAULT_MEMORY] = {E_MEMORY, true, PR_GPERR_AVAIL_MEM_EXHAUSTED, NOTHING},
	[PIB_FAULT_MALFORMED] = {E_UNEXPECTED, true, PR_GPERR_MALFORMED_DECISION, NOTHING},
	[PIB_FAULT_OBJECT] = {E_UNKNOWN, true, PR_GPERR_UNKNOWN_COPS_PR_OBJECT, DETAIL},
	[PIB_FAULT_PADDING] = {E_PADDING, true, PR_GPERR_INVALID_OBJECT_PAD, NOTHING},
	[PIB_FAULT_CLASS] = {E_UNKNOWN, false, PR_CPERR_UNKNOWN_PRC, NOTHING},
	[PIB_FAULT_INSTANCE] = {E_RANGE, false, PR_CPERR_PRI_INSTANCE_INVALID, NOTHING},
	[PIB_FAULT_SPACE] = {E_LIMIT, false, PR_CPERR_PRI_SPACE_EXHAUSTED, NOTHING},
	[PIB_FAULT_TYPE] = {E_TYPE, false, PR_CPERR_INVALID_ATTR_TYPE, NOTHING},
	[PIB_FAULT_VALUE] = {E_RANGE, false, PR_CPERR_ATTR_VALUE_INVALID, ATTRIBUTE},
	[PIB_FAULT_VALUE_UNSUPPORTED] = {E_UNSUPPORTED, false, PR_CPERR_ATTR_VALUE_SUP_LIMITED,
		ATTRIBUTE},
	[PIB_FAULT_ENUM_UNSUPPORTED] = {E_UNSUPPORTED, false, PR_CPERR_ATTR_ENUM_SUP_LIMITED,
		ATTRIBUTE},
	[PIB_FAULT_TOO_LONG] = {E_LIMIT, false, PR_CPERR_ATTR_MAX_LENGTH_EXCEEDED, ATTRIBUTE},
	[PIB_FAULT_REFERENCE] = {E_REFERENCE, false, PR_CPERR_ATTR_REFERENCE_UNKNOWN, ATTRIBUTE},
	[PIB_FAULT_NOTIFY_ONLY] = {E_DENIED, false, PR_CPERR_PRI_NOTIFY_ONLY, NOTHING},
	[PIB_FAULT_TOO_FEW] = {E_MISSING, false, PR_CPERR_TOO_FEW_ATTRS, NOTHING},
	[PIB_FAULT_STILL_REFERENCED] = {E_IN_USE, false, PR_CPERR_DELETED_IN_REF, NOTHING},
	[PIB_FAULT_SPECIFIC] = {E_RANGE, false, PR_CPERR_PRI_SPECIFIC_ERROR, DETAIL},
};

struct pib_error_object pib_fault_object(const struct pib_fault *fault)
{
	struct pib_error_object object;

	assert((unsigned)fault->kind < PIB_FAULT_KIND_COUNT);
	object.general = faults[fault->kind].general;
	object.code = faults[fault->kind].code;
	object.subcode = faults[fault->kind].subcode == ATTRIBUTE ? fault->attribute :
		faults[fault->kind].subcode == DETAIL		  ? fault->detail :
								    0;
	return object;
}

enum err pib_fault_err(enum pib_fault_kind kind)
{
	assert((unsigned)kind < PIB_FAULT_KIND_COUNT);
	return faults[kind].err;
}
