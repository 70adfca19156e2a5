/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/decision.h"

#include <string.h>

struct reader {
	struct arena *arena;
	struct verdict *verdict;
	struct view *installs;
	size_t install_count, install_room;
	struct pri *roles, *errors;
	size_t role_count, error_count;
	bool incarnated;
	struct view pdp_name, pdp_text;
};

static enum err no_memory(struct reader *r)
{
	struct error e;

	error_set(&e, E_MEMORY, "no memory to take the decision apart");
	return verdict_whole(r->verdict, &e);
}

/* What frwkPibIncarnation may say of what we do not let anybody choose. */
static const struct {
	unsigned attribute;
	int32_t only; /* besides NULL */
	const char *instead;
} incarnation_only[] = {
	{frwkPibIncarnationLongevity, frwkPibIncarnationLongevity_expireNever,
	 "signed policy stays in force until signed policy replaces it"},
	{frwkPibIncarnationInCtxtSet, 1, "there is one context, of policy"},
	{frwkPibIncarnationActive, 1, "the context is always active"},
};

static void read_incarnation(struct reader *r, const struct pri *pri, const struct prid *prid)
{
	struct error e;

	for (size_t i = 0; i < sizeof incarnation_only / sizeof incarnation_only[0]; i++) {
		unsigned attribute = incarnation_only[i].attribute;

		if (!pri_has(pri, attribute) || pri_i32(pri, attribute) == incarnation_only[i].only)
			continue;
		error_set(&e, E_UNSUPPORTED, "%s %d is not supported: %s",
		          pib_attribute(prid->class, attribute)->name, pri_i32(pri, attribute),
		          incarnation_only[i].instead);
		verdict_pri(r->verdict,
		            (struct pib_fault){PIB_FAULT_ENUM_UNSUPPORTED, (uint8_t)attribute, 0},
		            prid, &e);
	}
	if (pri_has(pri, frwkPibIncarnationTtl) && pri_u32(pri, frwkPibIncarnationTtl)) {
		error_set(&e, E_UNSUPPORTED,
		          "frwkPibIncarnationTtl %u is not supported: signed policy does not expire "
		          "with a session", pri_u32(pri, frwkPibIncarnationTtl));
		verdict_pri(r->verdict,
		            (struct pib_fault){PIB_FAULT_VALUE_UNSUPPORTED, frwkPibIncarnationTtl, 0},
		            prid, &e);
	}
	if (r->incarnated) {
		error_set(&e, E_DUPLICATE, "more than one frwkPibIncarnation");
		verdict_pri(r->verdict, (struct pib_fault){PIB_FAULT_INSTANCE, 0, 0}, prid, &e);
	}
	r->incarnated = true;
	r->pdp_name = pri_octets(pri, frwkPibIncarnationName);
}

static enum err keep(struct reader *r, struct pri **list, size_t *count, size_t limit,
                     const struct pri *pri, const struct prid *prid)
{
	struct error e;

	if (*count == limit) {
		error_set(&e, E_LIMIT, "more than %zu rows of class %s", limit, prid->class->name);
		return verdict_pri(r->verdict, (struct pib_fault){PIB_FAULT_SPACE, 0, 0}, prid, &e);
	}
	if (!*list)
		*list = arena_calloc(r->arena, limit, sizeof **list);
	if (!*list)
		return no_memory(r);
	(*list)[(*count)++] = *pri;
	return E_OK;
}

static enum err read_framework(struct reader *r, const struct prid *prid, struct view epd)
{
	struct pib_fault fault = {0};
	struct error e;
	struct pri pri;

	if (epd_decode(prid, epd, &pri, &fault, &e)) {
		verdict_pri(r->verdict, fault, prid, &e);
		return E_OK;
	}
	switch ((int)prid->class->id) {
	case PIB_frwkPibIncarnation:
		read_incarnation(r, &pri, prid);
		return E_OK;
	case PIB_frwkRoleCombo:
	case PIB_frwkIfRoleCombo:
		return keep(r, &r->roles, &r->role_count, DECISION_ROLES_MAX, &pri, prid);
	case PIB_frwkError:
		return keep(r, &r->errors, &r->error_count, DECISION_ERRORS_MAX, &pri, prid);
	case PIB_copsecFailure:
		r->pdp_text = pri_octets(&pri, copsecFailureText);
		return E_OK;
	default:
		error_set(&e, E_UNSUPPORTED, "class %s is not supported", prid->class->name);
		verdict_pri(r->verdict, (struct pib_fault){PIB_FAULT_CLASS, 0, 0}, prid, &e);
		return E_OK;
	}
}

/* Outside every set. copsecFailure goes with frwkError: the PDP's words on our request. */
static bool is_framework(const struct prid *prid)
{
	return prid->class->id == PIB_copsecFailure ||
	       !strcmp(prid->class->module, "FRAMEWORK-PIB");
}

/* Joins the pair to the run before it if they are neighbours; only the last object of a piece may
 * lack its padding, and then nothing can follow it. */
static enum err add_install(struct reader *r, struct view pair)
{
	struct view *last = r->install_count ? &r->installs[r->install_count - 1] : NULL;

	if (last && last->data + last->len == pair.data && last->len % 4 == 0) {
		last->len += pair.len;
		return E_OK;
	}
	if (r->install_count == r->install_room) {
		size_t room = r->install_room ? 2 * r->install_room : 64;
		struct view *grown = arena_calloc(r->arena, room, sizeof *grown);

		if (!grown)
			return no_memory(r);
		if (r->install_count)
			memcpy(grown, r->installs, r->install_count * sizeof *grown);
		r->installs = grown;
		r->install_room = room;
	}
	r->installs[r->install_count++] = pair;
	return E_OK;
}

static enum err read_pair(struct reader *r, const struct pr_object *name,
                          const struct pr_object *values)
{
	struct pib_fault fault = {0};
	struct prid prid;
	struct error e;

	if (prid_decode(name->contents, &prid, &fault, &e)) {
		/* Its class is unknown: RFC 3084 wants the PRID back all the same. */
		if (pib_fault_object(&fault).general)
			verdict_general(r->verdict, pib_fault_object(&fault).code,
			                pib_fault_object(&fault).subcode, &e);
		else
			pri_failures_add(&r->verdict->failures, fault, name->contents, "%s", e.text);
		verdict_why(r->verdict, &e);
		return E_OK;
	}
	if (!pib_class_installs(prid.class) && prid.class->id != PIB_copsecFailure) {
		error_set(&e, E_UNSUPPORTED, "class %s cannot be installed", prid.class->name);
		verdict_pri(r->verdict, (struct pib_fault){PIB_FAULT_NOTIFY_ONLY, 0, 0}, &prid, &e);
		return E_OK;
	}
	if (is_framework(&prid))
		return read_framework(r, &prid, values->contents);
	return add_install(r, VIEW(name->raw.data, name->raw.len + values->raw.len));
}

static enum err read_install(struct reader *r, struct view run)
{
	struct cursor c = cursor_over(run);

	while (cursor_left(&c)) {
		struct pr_object name, values;
		enum err err = pr_next(&c, &name);

		if (!err)
			err = pr_next(&c, &values);
		if (!err)
			err = read_pair(r, &name, &values);
		if (err)
			return err;
	}
	return E_OK;
}

enum err decision_read(const struct transfer_piece *pieces, size_t count, struct arena *arena,
                       struct decision *ret, struct verdict *verdict)
{
	struct reader r = {.arena = arena, .verdict = verdict};
	struct view *removes = arena_calloc(arena, count ? count : 1, sizeof *removes);
	size_t remove_count = 0;

	if (!removes)
		return no_memory(&r);
	for (size_t i = 0; i < count; i++) {
		bool install = pieces[i].kind == PIECE_INSTALL;
		uint16_t code, sub_code;
		struct error e;
		enum err err = pr_check(install ? PR_IN_INSTALL : PR_IN_REMOVE, pieces[i].octets,
		                        &code, &sub_code, &e);

		if (err)
			return verdict_general(verdict, code, sub_code, &e);
		if (!install)
			removes[remove_count++] = pieces[i].octets;
		else if ((err = read_install(&r, pieces[i].octets)))
			return err;
	}
	if (verdict->why.code)
		return verdict->why.code;
	*ret = (struct decision){
		.removes = removes,
		.remove_count = remove_count,
		.installs = r.installs,
		.install_count = r.install_count,
		.pdp_name = r.pdp_name,
		.pdp_text = r.pdp_text,
		.roles = r.roles,
		.role_count = r.role_count,
		.errors = r.errors,
		.error_count = r.error_count,
	};
	return E_OK;
}
