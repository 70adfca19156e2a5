/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/verdict.h"

#include "common/cops/answer.h"

void verdict_init(struct verdict *v)
{
	v->general = 0;
	v->general_sub = 0;
	v->why = (struct error){0};
	pri_failures_init(&v->failures);
	pri_failures_init(&v->warnings);
}

enum err verdict_why(struct verdict *v, const struct error *why)
{
	if (!v->why.code)
		v->why = *why;
	return why->code;
}

enum err verdict_general(struct verdict *v, uint16_t gperr, uint16_t sub_code,
                         const struct error *why)
{
	if (!v->general) {
		v->general = gperr;
		v->general_sub = sub_code;
	}
	return verdict_why(v, why);
}

enum err verdict_whole(struct verdict *v, const struct error *why)
{
	return verdict_general(v, cops_gperr(why->code), 0, why);
}

enum err verdict_pri(struct verdict *v, struct pib_fault fault, const struct prid *prid,
                     const struct error *why)
{
	struct pib_error_object object = pib_fault_object(&fault);

	if (object.general)
		return verdict_general(v, object.code, object.subcode, why);
	pri_failures_add_prid(&v->failures, fault, prid, "%s", why->text);
	return verdict_why(v, why);
}
