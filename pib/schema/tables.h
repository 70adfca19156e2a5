/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is generated, for schema.c alone: all classes, ascending by id and by the row's OID. */
#ifndef COPSEC_PIB_SCHEMA_TABLES_H
#define COPSEC_PIB_SCHEMA_TABLES_H

#include "pib/schema/schema.h"

extern const struct pib_class pib_classes[PIB_CLASS_COUNT];

#endif
