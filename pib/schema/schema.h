/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The provisioning classes that this build knows, as constant tables.
 *
 * The tables and the enumerators in "pib/names.h" are generated at build time from the SPPI modules
 * in pib/modules/ (RFC 3159); a class added to a module there is all it takes. Names:
 *
 *   PIB_ipSecRule                       class: the table's name without "Table"; enum pib_class_id
 *   ipSecRuleOrder                      attribute number (1, 2, ...) of its class
 *   ipSecRuleDirection_bi_directional   enumerated value, or number of a named bit; '-' becomes '_'
 *   PIB_CLASS_COUNT, PIB_ATTRIBUTES_MAX number of classes; most attributes that a class has
 *
 * Class ids ascend in numeric order of the rows' OIDs, so (class id, InstanceId) sorts as the PRID
 * does. Everything here is constant, lives for ever and may be shared freely.
 */
#ifndef COPSEC_PIB_SCHEMA_SCHEMA_H
#define COPSEC_PIB_SCHEMA_SCHEMA_H

#include "pib/names.h"
#include "pib/schema/oid.h"

/* Base types; pib_attribute.tag is the octet on the wire (RFC 3159 §3). */
enum pib_syntax {
	PIB_INTEGER32,
	PIB_ENUMERATION, /* signed as Integer32, only labelled values */
	PIB_UNSIGNED32,
	PIB_INTEGER64,
	PIB_UNSIGNED64,
	PIB_OCTETS,
	PIB_BITS,
	PIB_OID,
};

/* What a value means to the store (RFC 3159 §3, §8). */
enum pib_role {
	PIB_PLAIN,
	PIB_INSTANCE,      /* InstanceId */
	PIB_REFERENCE,     /* ReferenceId: a PRI of class `target`; 0 none */
	PIB_TAG,           /* TagId */
	PIB_TAG_REFERENCE, /* TagReferenceId: tag list of `target`.`target_attribute`; 0 none */
	PIB_PRID,          /* Prid: a PRI of any class; 0.0 none */
	PIB_PRC,           /* PrcIdentifierOid(OrZero): a row's OID */
};

/* How people like to see an OCTET STRING. */
enum pib_format {
	PIB_FORMAT_HEX,
	PIB_FORMAT_TEXT,    /* UTF-8 */
	PIB_FORMAT_ADDRESS, /* InetAddress: 4 or 16 octets, else text */
};

struct pib_label {
	int32_t number;
	const char *name;
};

/* Both ends included. Of a number: its values, in two's complement if the syntax is signed; of an
 * OCTET STRING: its sizes. */
struct pib_range {
	uint64_t least;
	uint64_t greatest;
};

/* One attribute of some class: in UNIQUENESS it may be the base class's. */
struct pib_attribute_ref {
	enum pib_class_id class;
	uint8_t attribute;
};

struct pib_attribute {
	const char *name;
	const char *type; /* textual convention, "" if there is none */
	const char *units; /* "" if there are none */
	uint8_t number;
	enum pib_syntax syntax;
	uint8_t tag;
	enum pib_role role;
	enum pib_format format;
	enum pib_class_id target; /* of PIB_REFERENCE and PIB_TAG_REFERENCE */
	uint8_t target_attribute; /* of PIB_TAG_REFERENCE */
	bool has_default;
	uint64_t default_number;    /* two's complement; BITS: bit n of the number is named bit n */
	struct view default_octets; /* OCTET STRING, and the contents octets of an OID */
	const struct pib_range *ranges;
	size_t range_count; /* 0: all that the syntax can hold */
	const struct pib_label *labels; /* of an enumeration or BITS, ascending */
	size_t label_count;
};

enum pib_access { PIB_INSTALL, PIB_NOTIFY, PIB_INSTALL_NOTIFY, PIB_REPORT_ONLY };

enum pib_index { PIB_INDEX, PIB_AUGMENTS, PIB_EXTENDS };

struct pib_class {
	enum pib_class_id id;
	const char *name;   /* "ipSecRule" */
	const char *module; /* "IPSEC-POLICY-PIB" */
	struct oid row;     /* ...Table.1; a PRID is this and the InstanceId */
	enum pib_access access;
	enum pib_index index;
	enum pib_class_id base;  /* of PIB_AUGMENTS and PIB_EXTENDS; else the class itself */
	uint8_t index_attribute; /* number of the InstanceId; 0 if the row has none of its own */
	const struct pib_attribute *attributes; /* attribute n is attributes[n - 1] */
	size_t attribute_count;
	const struct pib_attribute_ref *unique; /* none: duplicates are allowed */
	size_t unique_count;
	const struct pib_label *install_errors;
	size_t install_error_count;
};

/* Never NULL: an id that is no enumerator is our own mistake. */
const struct pib_class *pib_class(enum pib_class_id id);
/* NULL if there is no such class. */
const struct pib_class *pib_class_by_row(const struct oid *row);
const struct pib_class *pib_class_by_name(const char *name);

/* NULL if the class has no such attribute. */
const struct pib_attribute *pib_attribute(const struct pib_class *class, unsigned number);
const struct pib_attribute *pib_attribute_by_name(const struct pib_class *class, const char *name);
/* NULL if the number has no label. */
const char *pib_label(const struct pib_attribute *attribute, int32_t number);
/* False if there is no such label. */
bool pib_label_number(const struct pib_attribute *attribute, const char *label,
	int32_t *ret_number);

/* May it stand in an Install decision? In a request? (RFC 3159 §7.3) */
bool pib_class_installs(const struct pib_class *class);
bool pib_class_notifies(const struct pib_class *class);

#endif
