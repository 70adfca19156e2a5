/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PDP whose decisions are all in force, as it lies on the disk: what LastPDPAddr names after a
 * restart (RFC 2748 section 2.5). Endpoint, then a digest over it and the index in force, so that
 * what is damaged, or belongs to a state that is not in force any more, says nothing.
 */
#ifndef COPSEC_PEP_ENFORCE_IN_SYNC_H
#define COPSEC_PEP_ENFORCE_IN_SYNC_H

#include "common/base/endpoint.h"
#include "pep/enforce/storage.h"

/* NULL: there is none. */
enum err in_sync_write(const struct storage *storage, const struct endpoint *pdp,
                       struct view index, struct error *e) MUST_USE;
/* E_NOT_FOUND: none; E_MISMATCH: what is there says nothing. */
enum err in_sync_read(const struct storage *storage, struct view index, struct endpoint *ret_pdp,
                      struct error *e) MUST_USE;

#endif
