/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/model.h"

#include <stddef.h>

static const struct number {
	enum model_concept concept;
	uint32_t model;
	uint32_t pib;
} numbers[] = {
	{MODEL_EXECUTION_STRATEGY, 1, 2},
	{MODEL_EXECUTION_STRATEGY, 2, 1},
	{MODEL_EXCHANGE_MODE, 1, 0},
	{MODEL_EXCHANGE_MODE, 2, 1},
	{MODEL_EXCHANGE_MODE, 4, 2},
	{MODEL_GRANULARITY, 1, 0},
	{MODEL_GRANULARITY, 2, 1},
	{MODEL_GRANULARITY, 3, 2},
	{MODEL_GRANULARITY, 4, 3},
	{MODEL_AH_TRANSFORM, 2, 1},
	{MODEL_AH_TRANSFORM, 3, 2},
};
enum { NUMBER_COUNT = sizeof numbers / sizeof *numbers };

enum err model_of_pib(enum model_concept concept, uint32_t pib, uint32_t *ret)
{
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		if (numbers[i].concept == concept && numbers[i].pib == pib) {
			*ret = numbers[i].model;
			return E_OK;
		}
	}
	return E_NOT_FOUND;
}

enum err model_to_pib(enum model_concept concept, uint32_t model, uint32_t *ret)
{
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		if (numbers[i].concept == concept && numbers[i].model == model) {
			*ret = numbers[i].pib;
			return E_OK;
		}
	}
	return E_NOT_FOUND;
}

uint32_t model_priority_or_order(uint32_t value)
{
	return value > MODEL_ORDER_LAST ? 0 : MODEL_ORDER_LAST - value;
}

uint32_t model_lifetime(uint64_t seconds)
{
	return seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}
