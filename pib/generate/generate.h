/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of pib-generate.
 *
 *	generate.c  arguments, and the files that are written
 *	read.c      modules, by libsmi, into a struct schema
 *	clauses.c   what the clauses of SPPI say of a class or an attribute
 *	names.c     the header with the enumerators
 *	tables.c    the constant tables of pib/schema/schema.h
 *	page.c      the classes of a module for a manual page
 *
 * The program lives for one run: memory is released by its end. What the tables cannot express ends
 * it by die().
 */
#ifndef COPSEC_PIB_GENERATE_GENERATE_H
#define COPSEC_PIB_GENERATE_GENERATE_H

#include <smi.h>
#include <stdbool.h>
#include <stdio.h>

enum {
	CLASSES_MAX = 512,
	ATTRIBUTES_MAX = 127, /* RFC 3159 §10 */
	LABELS_MAX = 512,
	IDENTIFIER_MAX = 160,
};

struct class {
	char name[IDENTIFIER_MAX];
	SmiNode *table, *row;
	SmiNode *attributes[ATTRIBUTES_MAX];
	unsigned count;
};

/* In numeric order of the rows' OIDs. */
struct schema {
	struct class classes[CLASSES_MAX];
	unsigned count;
};

struct label {
	const char *name;
	long long number;
};

/* Says why and exits with status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- read.c ---- */

/* All classes of the modules; what these import gives textual conventions only. */
void read_schema(struct schema *schema, const char *path, char **modules, int count);

/* ---- clauses.c ---- */

struct syntax {
	const char *name; /* enumerator of enum pib_syntax */
	unsigned tag;
};

struct syntax syntax_of(SmiNode *attribute);
/* Enumerators of schema.h. */
const char *role_of(SmiNode *attribute);
const char *format_of(SmiNode *attribute);
const char *access_of(const struct class *class);
const char *index_of(const struct class *class);
/* The class that it extends or augments, which has a PIB-INDEX; else itself. */
const struct class *base_of(const struct schema *schema, const struct class *class);
/* 0 if the row has no InstanceId of its own. */
unsigned index_attribute_of(const struct class *class);
bool is_index(const struct class *class, const SmiNode *attribute);
/* Dies if the attribute cannot have the value of its DEFVAL. */
void check_default(SmiNode *attribute);
int compare_oids(const SmiNode *a, const SmiNode *b);
/* `whose` is for the message if there is none. */
const struct class *class_of_row(const struct schema *schema, const SmiNode *row,
	const char *whose);
/* The named type nearest to what the attribute says: its textual convention, or the base type. */
SmiType *named_type(SmiNode *attribute);
bool is_convention(const SmiType *type);
bool has_type(SmiNode *attribute, const char *name);
long long number_of(const SmiValue *value, const char *whose);
/* Ascending; none unless the attribute is an enumeration or BITS. */
unsigned labels_of(SmiNode *attribute, struct label labels[LABELS_MAX]);
/* Of an element of a table, which is one of its INSTALL-ERRORS. */
struct label install_error(SmiNode *element, const char *class);

/* ---- names.c, tables.c, page.c ---- */

void write_names(const struct schema *schema, FILE *out);
void write_tables(const struct schema *schema, FILE *out);
/* In mdoc, a subsection for each class of the module. */
void write_page(const struct schema *schema, FILE *out, const char *module);

#endif
