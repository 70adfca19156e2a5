/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's SAs by the protection that each is for, as `pepctl sa` shows them. An SA belongs to the
 * protection whose reqid it has: one of our reqids that no protection in force has is what a policy
 * before left behind, and protects nothing any more; any other reqid is somebody else's.
 */
#ifndef COPSEC_PEP_ENFORCE_ASSOCIATIONS_H
#define COPSEC_PEP_ENFORCE_ASSOCIATIONS_H

#include <jansson.h>

#include "pep/kernel/kernel.h"

/* `plan` may be NULL: then none is of a protection in force. *ret is a new object. */
enum err associations_answer(struct kernel *kernel, const struct plan *plan, json_t **ret,
                             struct error *e) MUST_USE;

#endif
