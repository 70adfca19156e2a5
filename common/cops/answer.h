/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Our errors in the words of the protocol: one table (answer.c) from a code of ours to the Error
 * object of a CC or DEC, the Reason of a DRQ (RFC 2748 sections 2.2.5 and 2.2.8) and the GPERR of a
 * report (RFC 3084 section 4.4). What is wrong with a single PRI has its own codes, and their table
 * in pib/schema/fault.c.
 */
#ifndef COPSEC_COMMON_COPS_ANSWER_H
#define COPSEC_COMMON_COPS_ANSWER_H

#include "common/cops/message.h"

void cops_fault_error(const struct cops_fault *fault, uint16_t *ret_code, uint16_t *ret_sub_code);
void cops_fault_reason(const struct cops_fault *fault, uint16_t *ret_code, uint16_t *ret_sub_code);
/* Of an error that concerns a decision as a whole. */
uint16_t cops_gperr(enum err code);

#endif
