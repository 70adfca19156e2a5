/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is a value one that the attribute may have? Shared by the builder and by the decoder. */
#ifndef COPSEC_PIB_SCHEMA_CHECK_H
#define COPSEC_PIB_SCHEMA_CHECK_H

#include "pib/schema/schema.h"

bool pib_signed_valid(const struct pib_attribute *attribute, int64_t number);
bool pib_unsigned_valid(const struct pib_attribute *attribute, uint64_t number);
bool pib_size_valid(const struct pib_attribute *attribute, size_t size);
bool pib_bits_valid(const struct pib_attribute *attribute, uint64_t bits);
/* Octets that BITS of this attribute take: up to the last named bit. */
size_t pib_bits_octets(const struct pib_attribute *attribute);

#endif
