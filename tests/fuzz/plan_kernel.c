/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/plan_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "tests/require.h"

struct kernel {
	char holds[sizeof((struct plan *)NULL)->id];
	enum mishap mishap;
	bool rest;
};

struct kernel *plan_kernel_new(void)
{
	struct kernel *k = calloc(1, sizeof *k);

	REQUIRE(k != NULL);
	return k;
}

struct kernel *kernel_free(struct kernel *k)
{
	free(k);
	return NULL;
}

void plan_kernel_befall(struct kernel *k, enum mishap mishap)
{
	k->mishap = mishap;
}

const char *plan_kernel_holds(const struct kernel *k)
{
	return k->holds;
}

/* What the first rule of all is there for, as if that one was refused. */
static struct plan_cause first_cause(const struct plan *plan)
{
	for (const struct plan_chain *c = plan->chains; c; c = c->next)
		if (c->rules)
			return c->rules->cause;
	return (struct plan_cause){0};
}

enum err kernel_apply(struct kernel *k, const struct plan *plan, struct kernel_fault *fault,
	struct error *error)
{
	enum mishap mishap = k->mishap;

	if (mishap == REFUSES || mishap == LOSES_ITS_WAY) {
		k->mishap = NO_MISHAP;
		fault->cause = first_cause(plan);
		fault->dirty = mishap == LOSES_ITS_WAY;
		if (fault->dirty)
			strcpy(k->holds, "?");
		return error_set(error, E_SYSTEM, "the fuzzer refuses plan %s", plan->id);
	}
	memcpy(k->holds, plan->id, sizeof k->holds);
	k->rest = true;
	return E_OK;
}

bool kernel_settled(const struct kernel *k)
{
	return !k->rest;
}

enum err kernel_listen(struct kernel *kernel, int ret_fd[KERNEL_BUSES], struct error *error)
{
	(void)kernel;
	(void)ret_fd;
	return error_set(error, E_UNSUPPORTED, "nobody tells of changes");
}

enum err kernel_look(struct kernel *kernel, bool *ret_drift, struct error *error)
{
	(void)kernel;
	(void)error;
	*ret_drift = false;
	return E_OK;
}

enum err kernel_settle(struct kernel *k, struct error *error)
{
	if (k->mishap == KEEPS_A_REST) {
		k->mishap = NO_MISHAP;
		return error_set(error, E_SYSTEM, "the fuzzer keeps something");
	}
	k->rest = false;
	return E_OK;
}

enum err kernel_read_counters(struct kernel *k, const struct plan *plan,
	struct kernel_counter *readings, struct error *error)
{
	(void)k;
	(void)error;
	memset(readings, 0, plan->counter_count * sizeof *readings);
	return E_OK;
}

enum err kernel_status(struct kernel *k, const struct plan *plan, struct kernel_status *ret,
	struct error *error)
{
	(void)error;
	*ret = (struct kernel_status){
		.table = k->holds[0] != '\0',
		.spd_entries = plan->spd_count + k->rest,
		.spd_as_planned = !strcmp(k->holds, plan->id),
	};
	memcpy(ret->plan_id, k->holds, sizeof ret->plan_id);
	return E_OK;
}
