/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A COPS message as text: its objects, and inside them PRIDs and attributes by the names of the
 * schema. Any octets can be given: what cannot be read is said where it stands. Nothing that came
 * from outside can move a cursor.
 */
#ifndef COPSEC_PIB_TRACE_MESSAGE_H
#define COPSEC_PIB_TRACE_MESSAGE_H

#include "common/base/bytes.h"

/* `length`: of the whole message, if `octets` are only its beginning. */
void trace_print_message(struct view octets, size_t length, struct buffer *out);

#endif
