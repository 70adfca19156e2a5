/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of the full storey: an element for each class of provisioning instances that may stand
 * in a policy set, in it an attribute for each attribute of the class. All comes from the schema
 * (pib/schema); by name only those attributes are known here that mean something when they are left
 * out though the PIB has no default for them.
 *
 * An element is called as its class, <ipSecRule>; an attribute as the PIB's without the name of the
 * class in front: direction. A row that extends another is an element inside the other's. Everything
 * here is constant.
 */
#ifndef COPSEC_PMT_LANGUAGE_CLASSES_H
#define COPSEC_PMT_LANGUAGE_CLASSES_H

#include "pib/schema/schema.h"

/* The class with an element that follows this one in the schema, the first one for NULL; NULL after
 * the last. */
const struct pib_class *class_next(const struct pib_class *class);
/* By the name of an element; NULL if there is none. */
const struct pib_class *class_of_element(const char *name);
/* Its rows belong to rows of another class. */
bool class_extends(const struct pib_class *class);
/* The class whose rows extend rows of this one; NULL if there is none. */
const struct pib_class *class_extension(const struct pib_class *class);
/* The attribute that says in which list a row is; NULL if its rows are in none. */
const struct pib_attribute *class_tag(const struct pib_class *class);

enum { CLASS_WORD_SIZE = 64 };

void class_word(const struct pib_class *class, const struct pib_attribute *a,
	char word[CLASS_WORD_SIZE]);
/* The attribute with this word; NULL if the class has none. InstanceIds have no word. */
const struct pib_attribute *class_attribute(const struct pib_class *class, const char *word);

/* What is meant by an attribute that is left out. */
enum absence_kind {
	ABSENT_REQUIRED, /* it must not be */
	ABSENT_SCHEMA,   /* the PIB's own default; it is left out of the row too */
	ABSENT_VALUE,    /* `value` */
	ABSENT_NONE,     /* of a reference: none */
	ABSENT_ALL,      /* of BITS: all of them */
	ABSENT_ROLES,    /* the roles that the set is for */
	ABSENT_SEAL,     /* the key that secrets of the node are sealed to */
	ABSENT_PLACE,    /* of Order: the place among the others */
	ABSENT_LIKE,     /* the same as `other` */
	ABSENT_FAMILY,   /* of the address `other`: its type */
	ABSENT_WHOLE,    /* of the address `other`: the number of its bits */
	ABSENT_LENGTH,   /* of the cipher `other`, if that is called by its name: the key's length */
};

struct absence {
	enum absence_kind kind;
	const char *value; /* as an author writes it */
	uint8_t other;     /* number of an attribute of the same class */
};

struct absence class_absence(const struct pib_class *class, const struct pib_attribute *a);

#endif
