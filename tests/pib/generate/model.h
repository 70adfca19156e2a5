/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What random_module.c knows of the classes that it made, and BER of its own: slow and plain, and
 * with nothing taken from the library that is tested with it.
 */
#ifndef COPSEC_TESTS_PIB_GENERATE_MODEL_H
#define COPSEC_TESTS_PIB_GENERATE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_kind { MODEL_SIGNED, MODEL_LABELS, MODEL_UNSIGNED, MODEL_OCTETS, MODEL_BITS, MODEL_OID };

enum { MODEL_ATTRIBUTES = 20, MODEL_OCTETS_MAX = 256, MODEL_ARCS_MAX = 8, MODEL_EPD_MAX = 8192 };

struct model_attribute {
	enum model_kind kind;
	uint8_t tag;
	int64_t least; /* that the type can hold; of octets: their number */
	uint64_t greatest;
	unsigned range_count;
	struct {
		int64_t least, greatest;
	} ranges[3];
	unsigned label_count;
	int64_t labels[9]; /* label i is called "l" and i */
	bool has_default;
	int64_t default_number; /* of BITS: the one bit; of octets: so many of 0xa5 */
};

struct model_class {
	const char *name;
	bool has_index; /* an InstanceId of its own, before the attributes */
	unsigned access; /* as enum pib_access counts */
	unsigned unique_count;
	unsigned unique[2]; /* attributes of UNIQUENESS, from 0 on */
	unsigned count;
	struct model_attribute attributes[MODEL_ATTRIBUTES];
};

struct model_value {
	enum { MODEL_NULL, MODEL_LEFT_OUT, MODEL_GIVEN } state;
	int64_t number;   /* signed, labels */
	uint64_t natural; /* unsigned; BITS: bit n is named bit n */
	uint8_t octets[MODEL_OCTETS_MAX];
	size_t octets_len;
	uint32_t arcs[MODEL_ARCS_MAX];
	unsigned arc_count;
};

/* Is the value one that the attribute may have? */
bool model_allows(const struct model_attribute *a, const struct model_value *v);
/* What stands for a value that is NULL or left out; the attribute has a default. */
void model_default(const struct model_attribute *a, struct model_value *ret);
/* Appends tag, length and contents; returns how many octets. */
size_t model_encode(const struct model_attribute *a, const struct model_value *v, uint8_t *out);
/* As strcmp() does; neither is NULL. */
int model_compare(
	const struct model_attribute *a, const struct model_value *x, const struct model_value *y);

#endif
