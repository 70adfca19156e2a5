/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the PIB and the model behind it, RFC 3585, say the same with different numbers.
 *
 * The typed view speaks as the model does; the rows of a set, and who writes them, speak as the PIB
 * does. All differences are here, in one table and two functions; what is not here is equal in
 * both. What the model has and the PIB cannot say (compound actions, rules that are not enabled,
 * vendor ids of transforms, masks with holes) has no number and no place here.
 */
#ifndef COPSEC_PIB_POLICY_MODEL_H
#define COPSEC_PIB_POLICY_MODEL_H

#include "common/base/bytes.h"
#include "common/base/error.h"

enum model_concept {
	MODEL_EXECUTION_STRATEGY, /* RFC 3460: 1 until success, 2 all; PIB: 1 all, 2 until success
				   */
	MODEL_EXCHANGE_MODE,      /* 1 base, 2 main, 4 aggressive; PIB: 0, 1, 2 */
	MODEL_GRANULARITY,        /* 1 subnet, 2 address, 3 protocol, 4 port; PIB: BITS 0 to 3 */
	MODEL_AH_TRANSFORM,       /* RFC 2407: 2 MD5, 3 SHA; PIB: IpsecDoiAuthAlgorithm 1, 2 */
	MODEL_CONCEPTS
};

/* E_NOT_FOUND: the other side has no such number. */
enum err model_of_pib(enum model_concept concept, uint32_t pib, uint32_t *ret) MUST_USE;
enum err model_to_pib(enum model_concept concept, uint32_t model, uint32_t *ret) MUST_USE;

enum { MODEL_ORDER_LAST = 65535 };
/* Of rules: the model's larger Priority, and the PIB's smaller Order, come first. Both ways. */
uint32_t model_priority_or_order(uint32_t value);
/* Lifetimes have 64 bits in the model and 32 in the PIB; one that does not fit is for as long as
 * can be said, never for ever (0). */
uint32_t model_lifetime(uint64_t seconds);

#endif
