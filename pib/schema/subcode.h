/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the sub-code of a CPERR says of a class (RFC 3084 §4.5): with the codes 3 to 7 the number of
 * an attribute; with priSpecificError (13) one of the errors that the class declares itself, in the
 * INSTALL-ERRORS clause of its module (RFC 3159 §7.4). Checks name such an error; its number comes
 * from the module.
 */
#ifndef COPSEC_PIB_SCHEMA_SUBCODE_H
#define COPSEC_PIB_SCHEMA_SUBCODE_H

#include "pib/schema/fault.h"
#include "pib/schema/schema.h"

/* The class's own error of this name. A class that declares none of this name has an illegal value
 * of the attribute. */
struct pib_fault pib_install_fault(
	const struct pib_class *class, const char *name, unsigned attribute);

/* The attribute or the error that a sub-code means; NULL if it means neither. */
const char *pib_subcode_name(const struct pib_class *class, uint16_t cperr, uint16_t subcode);

#endif
