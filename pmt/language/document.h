/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XML of a policy as a tree in which everything has a place.
 *
 * libxml2's SAX2 reader says what is well-formed; the tags themselves are looked at again in the
 * text, so that an element, an attribute and a word in an attribute's value each have their own
 * place. Nothing is fetched: a document type declaration is refused (so there are no entities
 * besides the five of XML), as are text between elements, foreign namespaces and encodings other
 * than UTF-8.
 *
 * `<include href="FILE"/>` below the root is replaced by the children of FILE's root, `<part>`.
 * FILE is relative to the file that includes it and must lie in the folder of the policy or below;
 * links that lead outside are refused too.
 *
 * Elements and attributes live in an arena of the document; places live in the diagnostics that
 * were given. Names are checked by grammar.h, not here.
 */
#ifndef COPSEC_PMT_LANGUAGE_DOCUMENT_H
#define COPSEC_PMT_LANGUAGE_DOCUMENT_H

#include "pmt/language/diagnostics.h"

#define POLICY_NAMESPACE "urn:copsec:policy:1"

enum {
	DOCUMENT_DEPTH_MAX = 16,         /* elements in each other */
	DOCUMENT_INCLUDE_DEPTH_MAX = 8,  /* files in each other */
	DOCUMENT_ELEMENTS_MAX = 4000000, /* in all files */
	DOCUMENT_ATTRIBUTES_MAX = 64     /* of one element */
};

struct grammar_element;
struct grammar_attribute;
struct model_row;
struct pib_attribute;
struct pib_class;

struct attribute {
	const char *name;
	const char *value;
	struct place name_at;
	struct place value_at;
	bool literal; /* the value is written without references: its octets are those of the text
		       */
	const struct grammar_attribute *rule; /* set by grammar_check() */
	const struct pib_attribute *pib;      /* the same, of a row of a class */
};

struct element {
	const char *name;
	struct place at; /* its name */
	struct attribute *attributes;
	size_t attribute_count;
	struct element *parent, *next, *first_child, *last_child;
	const struct grammar_element *rule; /* set by grammar_check(); NULL = to be passed over */
	bool faulty; /* set by grammar_check(): an attribute is wrong or missing */
	const struct pib_class *class; /* set by grammar_check(), of a row */
	struct model_row *row;         /* set by model_build(), of a row */
};

struct document {
	struct arena arena;
	struct element *root; /* NULL when nothing could be read */
	size_t element_count;
	bool incomplete; /* a file could not be read to its end */
	int folder;      /* the policy's, as a descriptor; -1: none */
};

void document_init(struct document *doc);
void document_fini(struct document *doc);

/*
 * Reads the policy at `path` and what it includes. What is wrong goes to `d`; `doc` then holds what
 * could be read, so that the checks can go on. Fails only when the file cannot be read at all.
 */
enum err document_read(
	struct document *doc, const char *path, struct diagnostics *d, struct error *e) MUST_USE;

/* The same of a text, which has no folder and so no parts; messages show `name` for its file. */
enum err document_read_text(struct document *doc, const char *name, struct view text,
	struct diagnostics *d, struct error *e) MUST_USE;

/*
 * Adds what stands in `text` behind the policy's own elements, as an included part would; messages
 * show `name` for its file. `text` begins as a part does: <part xmlns="...">.
 */
enum err document_add(struct document *doc, const char *name, struct view text,
	struct diagnostics *d, struct error *e) MUST_USE;

/* Appends the octets of a file in the policy's folder or below; `path` is relative to it. */
enum err document_read_file(const struct document *doc, const char *path, struct buffer *out,
	struct error *e) MUST_USE;

/* The place of value[from, from + length), or of the whole value where that is not known. */
struct place attribute_place(const struct attribute *a, size_t from, size_t length);

#endif
