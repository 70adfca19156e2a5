/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Instances of any class with random values that are allowed. */
#ifndef COPSEC_TESTS_PIB_SCHEMA_INSTANCES_H
#define COPSEC_TESTS_PIB_SCHEMA_INSTANCES_H

#include "pib/schema/pri.h"
#include "tests/pib/schema/random.h"

enum { RANDOM_OCTETS_MAX = 300 };

/* Where the octet strings of an instance are, which borrows them. */
struct octets_for {
	uint8_t of[PIB_ATTRIBUTES_MAX][RANDOM_OCTETS_MAX];
};

/* Some attributes NULL, some left to their default. */
void random_instance(struct random *r, struct pri *pri, enum pib_class_id id,
	struct octets_for *octets);
void random_attribute(struct random *r, struct pri *pri, const struct pib_attribute *a,
	uint8_t octets[RANDOM_OCTETS_MAX]);

#endif
