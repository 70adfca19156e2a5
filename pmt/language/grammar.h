/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy language as a table: its elements, what stands in each, their attributes with type,
 * default and meaning. From the table come the structural check, the RELAX NG schema and the
 * lists in the manual, so that they cannot disagree.
 *
 * The structural check judges each element by itself: is it known, may it stand here, are its
 * attributes known, complete and well written. What one element says about another is model.h's.
 */
#ifndef COPSEC_PMT_LANGUAGE_GRAMMAR_H
#define COPSEC_PMT_LANGUAGE_GRAMMAR_H

#include "pmt/language/document.h"

enum element_kind {
	ELEMENT_POLICY,
	ELEMENT_PART,
	ELEMENT_INCLUDE,
	ELEMENT_ADMIT,
	ELEMENT_NETWORK,
	ELEMENT_GROUP,
	ELEMENT_SERVICE,
	ELEMENT_ROLE,
	ELEMENT_NODE,
	ELEMENT_INTERFACE,
	ELEMENT_PROTECTION,
	ELEMENT_IKE,
	ELEMENT_ESP,
	ELEMENT_SCHEDULE,
	ELEMENT_PERIOD,
	ELEMENT_EXCEPT,
	ELEMENT_RULES,
	ELEMENT_OFFER,
	ELEMENT_ALLOW,
	ELEMENT_DENY,
	ELEMENT_PROTECT,
	ELEMENT_DELEGATION,
	ELEMENT_NEVER,
	ELEMENT_SENSOR,
	ELEMENT_RESPONSE,
	ELEMENT_GRANT,
	ELEMENT_ADMISSION,
	ELEMENT_PIB,
	ELEMENT_LIST,
	ELEMENT_ROW,       /* any class that stands by itself; see classes.h */
	ELEMENT_EXTENSION, /* any class that extends another */
	ELEMENT_TESTS,
	ELEMENT_EXPECT,
	ELEMENT_MEMBER,
	ELEMENT_PROVE,
	ELEMENT_KINDS
};

enum attribute_id {
	ATTRIBUTE_ABOUT,
	ATTRIBUTE_ACROSS_BOOT,
	ATTRIBUTE_ACTION,
	ATTRIBUTE_ADDRESS,
	ATTRIBUTE_ADDRESSES,
	ATTRIBUTE_ANSWER,
	ATTRIBUTE_AT,
	ATTRIBUTE_AT_LEAST,
	ATTRIBUTE_AUTHENTICATION,
	ATTRIBUTE_AUTHORITY,
	ATTRIBUTE_BINDING,
	ATTRIBUTE_BOTH,
	ATTRIBUTE_BURST,
	ATTRIBUTE_CERTIFICATE,
	ATTRIBUTE_CONDITION,
	ATTRIBUTE_CONNECTIONS,
	ATTRIBUTE_CONNECTIONS_FOR,
	ATTRIBUTE_DAYS,
	ATTRIBUTE_DAYS_FROM_END,
	ATTRIBUTE_DEMAND,
	ATTRIBUTE_DSCP,
	ATTRIBUTE_ENCRYPTION,
	ATTRIBUTE_ESN,
	ATTRIBUTE_EXCEPT_FROM,
	ATTRIBUTE_EXCEPT_TO,
	ATTRIBUTE_FILLED_BY,
	ATTRIBUTE_FOR,
	ATTRIBUTE_FORWARD,
	ATTRIBUTE_FROM,
	ATTRIBUTE_GRACE,
	ATTRIBUTE_GROUP,
	ATTRIBUTE_HAVING,
	ATTRIBUTE_GUARDIAN,
	ATTRIBUTE_HREF,
	ATTRIBUTE_ICMP,
	ATTRIBUTE_ICMPV6,
	ATTRIBUTE_ID,
	ATTRIBUTE_IN,
	ATTRIBUTE_IN_ROLE,
	ATTRIBUTE_INTEGRITY,
	ATTRIBUTE_ISOLATE,
	ATTRIBUTE_KEY,
	ATTRIBUTE_KIND,
	ATTRIBUTE_LEAST,
	ATTRIBUTE_LIFETIME,
	ATTRIBUTE_LOG,
	ATTRIBUTE_LONGEST,
	ATTRIBUTE_MODE,
	ATTRIBUTE_MONTHS,
	ATTRIBUTE_MOST,
	ATTRIBUTE_MOST_NODES,
	ATTRIBUTE_MOST_RULES,
	ATTRIBUTE_NAME,
	ATTRIBUTE_NODE,
	ATTRIBUTE_NUMBER,
	ATTRIBUTE_OF,
	ATTRIBUTE_OFFERS,
	ATTRIBUTE_OLD,
	ATTRIBUTE_OUT,
	ATTRIBUTE_OUT_ROLE,
	ATTRIBUTE_PEER,
	ATTRIBUTE_PRF,
	ATTRIBUTE_PROTOCOL,
	ATTRIBUTE_RATE,
	ATTRIBUTE_RATE_FOR,
	ATTRIBUTE_REPORT,
	ATTRIBUTE_ROLE,
	ATTRIBUTE_ROLES,
	ATTRIBUTE_RULE,
	ATTRIBUTE_SA_KEYS,
	ATTRIBUTE_SEAL,
	ATTRIBUTE_SENSOR,
	ATTRIBUTE_SERVICE,
	ATTRIBUTE_SEVERITY,
	ATTRIBUTE_SHADOW,
	ATTRIBUTE_STALE,
	ATTRIBUTE_STATEFUL,
	ATTRIBUTE_TCP,
	ATTRIBUTE_TENANT,
	ATTRIBUTE_TIMES,
	ATTRIBUTE_TO,
	ATTRIBUTE_TRUST,
	ATTRIBUTE_UDP,
	ATTRIBUTE_UNTIL,
	ATTRIBUTE_USUAL,
	ATTRIBUTE_VALID,
	ATTRIBUTE_VERDICT,
	ATTRIBUTE_VIA,
	ATTRIBUTE_WEEKDAYS,
	ATTRIBUTE_WHEN,
	ATTRIBUTE_WITH,
	ATTRIBUTE_WITHIN,
	ATTRIBUTE_ZONE,
	ATTRIBUTE_COUNT
};

enum grammar_type {
	TYPE_TEXT, /* anything, up to 255 octets */
	TYPE_NAME,
	TYPE_NAMES, /* words, one at least; so all plurals below */
	TYPE_ROLE,
	TYPE_ROLES,
	TYPE_ROLES_OR_NONE, /* words, perhaps none */
	TYPE_ROLES_OR_ALL,  /* words, or "*" */
	TYPE_NODE_NAME,
	TYPE_INTERFACE, /* name of a network interface, or "*" */
	TYPE_PATH,
	TYPE_PIN,
	TYPE_ADDRESSES, /* single addresses, prefixes, ranges */
	TYPE_SINGLES,   /* single addresses */
	TYPE_PEERS,     /* "any", or words each a name or an address */
	TYPE_GATEWAY,   /* a name or a single address */
	TYPE_PORTS,     /* "any", or words each a port or range */
	TYPE_ICMP,
	TYPE_PROTOCOLS,
	TYPE_YES_NO,
	TYPE_BASE64, /* octets; blanks and lines between do not matter */
	TYPE_NAME_OR_ALL, /* or "*" */
	TYPE_CHOICE, /* one of `choices` */
	TYPE_DURATION,
	TYPE_NUMBER, /* from 1 on */
	TYPE_INSTANCE, /* a number within the block of a set */
	TYPE_LISTED,   /* a class whose rows are in lists */
	TYPE_RATE,   /* 10/minute */
	TYPE_DSCPS,
	TYPE_MOMENT, /* a date, perhaps with a time */
	TYPE_TIMES,  /* 08:00-18:00 */
	TYPE_MONTHS,
	TYPE_WEEKDAYS,
	TYPE_DAYS, /* of a month */
	TYPE_ZONE,
	TYPE_ENCRYPTION,
	TYPE_INTEGRITY,
	TYPE_GROUP,
	TYPE_VERDICT, /* allow, deny, protect, protect NAME */
	TYPE_COUNT
};

struct grammar_attribute {
	enum attribute_id id;
	enum grammar_type type;
	bool required;
	const char *initial; /* what is meant when it is left out; NULL: nothing, see `about` */
	const char *about;
	const char *choices; /* of TYPE_CHOICE, separated by a blank */
};

struct grammar_element {
	enum element_kind kind;
	const char *name;
	const char *about;
	uint64_t children;                          /* bit n: element kind n may stand in it */
	const struct grammar_attribute *attributes; /* ends with a row without `about` */
};

const struct grammar_element *grammar_element(enum element_kind kind);
const char *grammar_attribute_name(enum attribute_id id);

/*
 * Sets element.rule where an element may stand, attribute.rule where a value is well written, and
 * element.faulty where an attribute is wrong or missing; reports what is not as it should be.
 */
void grammar_check(struct element *root, struct diagnostics *d);

/* Of an element that passed; NULL if the attribute is not there. */
const struct attribute *element_attribute(const struct element *el, enum attribute_id id);
/* Its value, or its default; NULL if it has neither. */
const char *element_value(const struct element *el, enum attribute_id id);
/* For TYPE_YES_NO. */
bool element_yes(const struct element *el, enum attribute_id id);
/* The attribute's value if it is there, else the element's name. */
struct place element_place(const struct element *el, enum attribute_id id);

/* Values of the type are words separated by blanks. */
bool grammar_is_list(enum grammar_type type);

#endif
