/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which change leads from one store to another: the opposite of pri_store_change(), which makes the
 * new one out of the old one and this change, octet for octet.
 *
 * It names each PRID that goes and each row that comes or is another, and nothing else. Blocks with
 * equal hashes are not looked into, so the work goes with what changed. In both stores a row that
 * extends another has its base, as checks demand: a base takes its extensions with it.
 */
#ifndef COPSEC_PIB_STORE_DIFFERENCE_H
#define COPSEC_PIB_STORE_DIFFERENCE_H

#include "pib/store/store.h"

/* Appends PRID objects to `removes`, and PRID and EPD objects to `installs`, each in numeric OID
 * order. E_LIMIT and E_MEMORY are the buffers'. */
enum err pri_store_difference(const struct pri_store *old, const struct pri_store *new,
	struct buffer *removes, struct buffer *installs) MUST_USE;

/* Appends a PPRID object for every class that a decision may install, framework classes left out:
 * as the removes of a change they leave nothing but the installs, whatever was there before. */
void pri_store_put_all_classes(struct buffer *out);

#endif
