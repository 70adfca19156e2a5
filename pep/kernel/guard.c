/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/guard.h"

#include <stdlib.h>

#include "pep/kernel/exchange.h"
#include "pep/kernel/nft.h"

struct guard {
	struct exchange exchange;
};

enum err guard_change(struct guard *g, uint32_t mark_mask, struct error *error)
{
	struct kernel_fault fault;
	struct requests r;
	struct answer answer;
	struct plan *plan;
	enum err err = plan_guard(mark_mask, &plan, error);

	if (err)
		return err;
	exchange_begin(&g->exchange, &r);
	nft_replace(&r, plan, NFT_ANY_GENERATION);
	err = exchange_run(
		&g->exchange, KERNEL_NFT, &r, r.first + (uint32_t)r.count - 2, &answer, error);
	if (!err && answer.error)
		err = answer_refused(&answer, &r, "the kernel refuses the guard", &fault, error);
	else if (!err && !answer.acknowledged)
		err = error_set(error, E_TIMEOUT, "the kernel did not answer about the guard");
	requests_fini(&r);
	plan_free(plan);
	return err;
}

enum err guard_open(uint32_t mark_mask, struct guard **ret, struct error *error)
{
	struct guard *g = calloc(1, sizeof *g);
	struct kernel_transport transport;
	enum err err;

	if (!g)
		return error_set(error, E_MEMORY, "no memory for the guard");
	err = kernel_sockets(&transport, error);
	if (err) {
		free(g);
		return err;
	}
	exchange_init(&g->exchange, &transport);
	err = guard_change(g, mark_mask, error);
	if (err) {
		guard_close(g);
		return err;
	}
	*ret = g;
	return E_OK;
}

struct guard *guard_close(struct guard *g)
{
	if (g) {
		exchange_fini(&g->exchange);
		free(g);
	}
	return NULL;
}
