/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is wrong with a PRI, in the words of RFC 3084 §4.4 and §4.5.
 *
 * Decoders and checkers fill a `struct pib_fault` beside the sentence in `struct error`; one table
 * (fault.c) turns it into the GPERR or CPERR object of a failure report.
 */
#ifndef COPSEC_PIB_SCHEMA_FAULT_H
#define COPSEC_PIB_SCHEMA_FAULT_H

#include "common/base/bytes.h"

enum pib_fault_kind {
	PIB_FAULT_NONE,
	PIB_FAULT_TAG,               /* no ASN.1 tag of SPPI; detail is the tag */
	PIB_FAULT_LENGTH,            /* an ASN.1 length that is wrong */
	PIB_FAULT_MEMORY,            /* we have no room for it */
	PIB_FAULT_MALFORMED,         /* objects in the wrong order, prefix in an install, ... */
	PIB_FAULT_OBJECT,            /* unknown S-object; detail is S-Num << 8 | S-Type */
	PIB_FAULT_PADDING,           /* S-object with wrong padding */
	PIB_FAULT_CLASS,             /* class not known */
	PIB_FAULT_INSTANCE,          /* this instance cannot be installed or removed now */
	PIB_FAULT_SPACE,             /* no room for more instances of the class */
	PIB_FAULT_TYPE,              /* attribute of the wrong type */
	PIB_FAULT_VALUE,             /* value illegal */
	PIB_FAULT_VALUE_UNSUPPORTED, /* value legal, but we cannot do it */
	PIB_FAULT_ENUM_UNSUPPORTED,  /* the same for an enumeration */
	PIB_FAULT_TOO_LONG,          /* value longer than we can hold */
	PIB_FAULT_REFERENCE,         /* refers to a PRI that does not exist */
	PIB_FAULT_NOTIFY_ONLY,       /* class cannot be installed */
	PIB_FAULT_TOO_FEW,           /* attributes missing that have no default */
	PIB_FAULT_STILL_REFERENCED,  /* removed while others refer to it */
	PIB_FAULT_SPECIFIC,          /* the class's own error; detail is its number */
	PIB_FAULT_KIND_COUNT
};

struct pib_fault {
	enum pib_fault_kind kind;
	uint8_t attribute; /* number of the attribute, 0 if it is none in particular */
	uint16_t detail;
};

/* A GPERR if `general`, else a CPERR, which goes with an ErrorPRID. */
struct pib_error_object {
	bool general;
	uint16_t code;
	uint16_t subcode;
};

struct pib_error_object pib_fault_object(const struct pib_fault *fault);
/* The code that a function returns with such a fault. */
enum err pib_fault_err(enum pib_fault_kind kind);

#endif
