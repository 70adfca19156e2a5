/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/unable.h"

#include <string.h>

#include "pib/plan/able.h"
#include "pmt/compiler/reading.h"

/* Where a thing stands that was warned of, so that sets that share it say so once. */
struct told {
	struct place at;
	const char *what;
	struct told *next;
};

struct unable_run {
	const struct model *m;
	struct diagnostics *d;
	struct arena arena;
	struct told *told;
	size_t count;
};

static void tell(struct unable_run *r, struct place at, const char *what)
{
	struct told *t;

	for (t = r->told; t; t = t->next)
		if (t->what == what && t->at.file == at.file && t->at.offset == at.offset)
			return;
	t = arena_calloc(&r->arena, 1, sizeof *t);
	if (t) {
		*t = (struct told){at, what, r->told};
		r->told = t;
		r->count++;
	}
	report_warning(r->d, at, "no node enforces %s yet, and each refuses a policy with it", what);
}

static bool tell_rule(
	struct unable_run *r, const struct policy *p, uint32_t instance, const char *what)
{
	const struct model_rule *written = NULL;

	for (size_t i = 0; i < p->rule_count && !written; i++)
		if (p->rules[i].instance == instance)
			written = model_rule(r->m, p->rules[i].name);
	if (written)
		tell(r, written->at, what);
	return written;
}

static bool tell_protection(
	struct unable_run *r, const struct policy *p, uint32_t instance, const char *what)
{
	for (size_t i = 0; i < p->protection_count; i++)
		for (size_t k = 0; k < r->m->protection_count; k++)
			if (p->protections[i].instance == instance &&
				strcmp(r->m->protections[k].name, p->protections[i].name) == 0) {
				tell(r, r->m->protections[k].at, what);
				return true;
			}
	return false;
}

static bool tell_group(
	struct unable_run *r, const struct policy *p, uint32_t instance, const char *what)
{
	for (size_t i = 0; i < p->group_count; i++)
		for (size_t k = 0; k < r->m->group_count; k++)
			if (p->groups[i].instance == instance &&
				strcmp(r->m->groups[k].name, p->groups[i].name) == 0) {
				tell(r, r->m->groups[k].at, what);
				return true;
			}
	return false;
}

static bool tell_instance(struct unable_run *r, const struct policy *p,
	const struct policy_need *need, const char *what)
{
	switch ((int)need->prid.class->id) {
	case PIB_ipSecRule:
	case PIB_copsecRule:
		return tell_rule(r, p, need->prid.instance, what);
	case PIB_ipSecNegotiationAction:
	case PIB_copsecNegotiationAction:
		return tell_protection(r, p, need->prid.instance, what);
	case PIB_copsecGroup:
		return tell_group(r, p, need->prid.instance, what);
	/* Said at the rules that ask for them. */
	case PIB_ipSecRuleTimePeriod:
	case PIB_ipSecRuleTimePeriodSet:
	case PIB_copsecTimePeriod:
	case PIB_copsecOffer:
		return true;
	default:
		return false;
	}
}

static void look_at(struct unable_run *r, const struct policy *p)
{
	for (size_t i = 0; i < p->need_count; i++) {
		const struct policy_need *need = &p->needs[i];
		/* What will not be shown need not be looked for. */
		const char *what = plan_unable_what(need->prid.class->id, need->attribute);

		if (what && r->count < DIAGNOSTICS_MAX && !tell_instance(r, p, need, what))
			tell(r, r->m->at, what);
	}
}

enum err unable_find(
	const struct model *m, struct view bundle, struct diagnostics *d, struct error *e)
{
	struct unable_run r = {.m = m, .d = d};
	struct reading reading;
	enum err code = reading_init(&reading, bundle, e);

	arena_init(&r.arena, SIZE_MAX);
	for (size_t i = 0; i < reading.set_count && !code; i++)
		look_at(&r, reading.sets[i].policy);
	arena_fini(&r.arena);
	reading_fini(&reading);
	return code;
}
