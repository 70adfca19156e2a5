/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "pib/plan/build.h"

static void put_guard(struct build *b, enum plan_hook hook, const char *name, enum plan_key index,
	const struct plan_counter *unseen)
{
	struct writer *w = &b->w;
	struct plan_chain *base = writer_chain(w, hook, name);
	struct plan_cause local = build_compiled_in("loopback");
	struct plan_cause seen = build_compiled_in("our chains have seen it");
	uint32_t passed = b->plan->marks.passed;

	if (index != PLAN_KEY_COUNT) {
		step_is(w, index, LOOPBACK_INDEX);
		step_accept(w);
		writer_rule(w, base, &local);
	}
	step_masked(w, PLAN_KEY_MARK, passed, passed);
	step_accept(w);
	writer_rule(w, base, &seen);
	step_count(w, unseen);
	step_drop(w);
	writer_rule(w, base, &unseen->cause);
}

enum err plan_guard(uint32_t mark_mask, struct plan **ret, struct error *error)
{
	struct plan_cause cause = build_compiled_in("what our chains have not seen");
	struct build b = {.error = error, .plan = plan_new(PLAN_GUARD_TABLE)};
	const struct plan_counter *unseen;
	enum err err;

	if (!b.plan)
		return error_set(error, E_MEMORY, "no memory for the guard");
	b.plan->owned = true;
	writer_init(&b.w, b.plan);
	err = marks_from_mask(mark_mask, &b.plan->marks, error);
	if (!err) {
		unseen = writer_counter(&b.w, "unseen", "", &cause);
		put_guard(&b, PLAN_HOOK_GUARD_INPUT, "input", PLAN_KEY_IN_INDEX, unseen);
		put_guard(&b, PLAN_HOOK_GUARD_OUTPUT, "output", PLAN_KEY_OUT_INDEX, unseen);
		put_guard(&b, PLAN_HOOK_GUARD_FORWARD, "forward", PLAN_KEY_COUNT, unseen);
		err = build_names(&b);
		if (err)
			error_set(error, err, "the guard cannot be built: %s", err_text(err));
	}
	if (err) {
		plan_free(b.plan);
		return err;
	}
	*ret = b.plan;
	return E_OK;
}
