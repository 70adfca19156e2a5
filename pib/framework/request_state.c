/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/request_state.h"

#include <stdio.h>

#include "common/cops/pr.h"
#include "pib/framework/capabilities.h"
#include "pib/framework/roles.h"
#include "pib/store/check.h"

struct request {
	struct buffer removes;  /* PRID objects */
	struct buffer installs; /* PRID and EPD objects */
	bool full_state;
};

static void read_incarnation(struct request *r, const struct prid *prid, struct view epd)
{
	struct pib_fault fault;
	struct error ignored;
	struct pri pri;

	/* If it does not decode, the check of the outcome says so. */
	if (!epd_decode(prid, epd, &pri, &fault, &ignored))
		r->full_state = pri_bool(&pri, frwkPibIncarnationFullState);
}

static enum err broken(
	const struct cursor *run, struct pri_failures *failures, struct error *e)
{
	error_set(e, run->error ? run->error : E_UNEXPECTED,
		"octet %zu of a request: no pair of PRID and EPD", run->at);
	pri_failures_add(failures, (struct pib_fault){.kind = PIB_FAULT_MALFORMED}, VIEW_NONE,
		"%s", e->text);
	return e->code;
}

/* An empty EPD means remove (RFC 3318 §2.3.4), and only here. */
static enum err read_piece(
	struct request *r, struct view piece, struct pri_failures *failures, struct error *e)
{
	struct cursor run = cursor_over(piece);
	struct pr_object name, values;
	struct pib_fault fault;
	struct error ignored;
	struct prid prid;

	while (cursor_left(&run)) {
		if (pr_next(&run, &name) || name.s_num != PR_PRID || !cursor_left(&run) ||
			pr_next(&run, &values) || values.s_num != PR_EPD)
			return broken(&run, failures, e);
		if (!values.contents.len) {
			pr_put(&r->removes, PR_PRID, name.contents);
			continue;
		}
		pr_put(&r->installs, PR_PRID, name.contents);
		pr_put(&r->installs, PR_EPD, values.contents);
		if (!prid_decode(name.contents, &prid, &fault, &ignored) &&
			prid.class->id == PIB_frwkPibIncarnation)
			read_incarnation(r, &prid, values.contents);
	}
	return E_OK;
}

static enum err too_much(size_t rows, struct pri_failures *failures, struct error *e)
{
	error_set(e, E_LIMIT, "a request state of %zu PRIs, more than %d of them or %d octets", rows,
		(int)REQUEST_STATE_ROWS_MAX, (int)REQUEST_STATE_OCTETS_MAX);
	pri_failures_add(
		failures, (struct pib_fault){.kind = PIB_FAULT_MEMORY}, VIEW_NONE, "%s", e->text);
	return e->code;
}

static enum err read_request(struct request *r, const struct view *pieces, size_t count,
	struct pri_failures *failures, struct error *e)
{
	enum err err = E_OK;

	for (size_t i = 0; i < count && !err; i++)
		err = read_piece(r, pieces[i], failures, e);
	if (!err && (r->removes.error || r->installs.error))
		err = too_much(0, failures, e);
	return err;
}

/* One fault of a PRI, with its sentence. */
static void fault(struct pri_failures *failures, struct error *e, const struct prid *prid,
	enum pib_fault_kind kind, unsigned attribute, const char *why)
{
	char name[PRID_TEXT_SIZE], text[ERROR_TEXT_SIZE];

	prid_format(prid, name);
	snprintf(text, sizeof text, "%s: %s", name, why);
	pri_failures_add_prid(failures,
		(struct pib_fault){.kind = kind, .attribute = (uint8_t)attribute}, prid, "%s", text);
	if (!e->code)
		error_set(e, pib_fault_err(kind), "%s", text);
}

static void check_removes(const struct pri_store *before, const struct request *r,
	struct pri_failures *failures, struct error *e)
{
	struct cursor run = cursor_over(buffer_view(&r->removes));
	struct pr_object name;
	struct pib_fault ignored;
	struct error unknown;
	struct pri_row row;
	struct prid prid;

	while (cursor_left(&run) && !pr_next(&run, &name))
		if (!prid_decode(name.contents, &prid, &ignored, &unknown) &&
			!(before && pri_store_find(before, &prid, &row)))
			fault(failures, e, &prid, PIB_FAULT_INSTANCE, 0,
				"is to be removed, but was never there");
}

static void check_one(const struct pri_store *s, enum pib_class_id class,
	struct pri_failures *failures, struct error *e)
{
	struct pri_cursor c = pri_store_class(s, class);
	struct pri_row row;

	if (!pri_store_next(&c, &row))
		return;
	while (pri_store_next(&c, &row))
		fault(failures, e, &row.prid, PIB_FAULT_INSTANCE, 0, "there must be but one");
}

static bool has_capability_set(const struct pri_store *s, struct view name)
{
	struct pib_fault ignored;
	struct error error;
	struct pri_row row;
	struct pri pri;

	for (struct pri_cursor c = pri_store_class(s, PIB_frwkCapabilitySet);
		pri_store_next(&c, &row);)
		if (!pri_row_decode(&row, &pri, &ignored, &error) &&
			view_equal(pri_octets(&pri, frwkCapabilitySetName), name))
			return true;
	return false;
}

static void check_roles(const struct pri_store *s, struct pri_failures *failures, struct error *e)
{
	struct pib_fault ignored;
	struct error error;
	struct pri_row row;
	struct pri pri;

	for (struct pri_cursor c = pri_store_class(s, PIB_frwkRoleCombo); pri_store_next(&c, &row);) {
		struct view set;

		if (pri_row_decode(&row, &pri, &ignored, &error))
			continue;
		set = pri_octets(&pri, frwkRoleComboCapSetName);
		if (!role_combination_valid(pri_octets(&pri, frwkRoleComboRoles)))
			fault(failures, e, &row.prid, PIB_FAULT_VALUE, frwkRoleComboRoles,
				"no role combination, which has roles in ASCII order with '+' "
				"between them and no wildcard");
		if (set.len && !has_capability_set(s, set))
			fault(failures, e, &row.prid, PIB_FAULT_REFERENCE, frwkRoleComboCapSetName,
				"there is no capability set of this name");
	}
}

/* What is beyond references and types. */
static enum err check_meaning(const struct pri_store *s, struct pri_failures *failures,
	struct error *e)
{
	e->code = E_OK;
	check_one(s, PIB_frwkPibIncarnation, failures, e);
	check_one(s, PIB_frwkDeviceId, failures, e);
	check_roles(s, failures, e);
	return e->code;
}

static enum err change(const struct pri_store *before, const struct request *r,
	struct pri_store **ret_state, struct pri_failures *failures, struct error *e)
{
	struct view removes = buffer_view(&r->removes), installs = buffer_view(&r->installs);
	struct pri_change all = {&removes, before ? 1 : 0, &installs, 1};
	struct pri_store *state = NULL;
	enum err err;

	e->code = E_OK;
	check_removes(before, r, failures, e);
	if (e->code)
		return e->code;
	if (before)
		err = pri_store_change(before, &all, &state, failures, e);
	else
		err = pri_store_build(&installs, 1, &state, failures, e);
	if (!err && (pri_store_count(state) > REQUEST_STATE_ROWS_MAX ||
			    pri_store_octets(state) > REQUEST_STATE_OCTETS_MAX))
		err = too_much(pri_store_count(state), failures, e);
	if (!err)
		err = pri_store_check_request(state, failures, e);
	if (!err)
		err = check_meaning(state, failures, e);
	if (err)
		pri_store_free(state);
	else
		*ret_state = state;
	return err;
}

static bool knows_increments(const struct pri_store *s)
{
	return s && capabilities_support(s, PIB_frwkPibIncarnation, frwkPibIncarnationFullState);
}

/* Who never says whether it is all always says all. */
static enum err check_first(struct pri_store **state, const struct request *r,
	struct pri_failures *failures, struct error *e)
{
	const struct prid incarnation = {pib_class(PIB_frwkPibIncarnation), 1};

	if (r->full_state || !knows_increments(*state))
		return E_OK;
	e->code = E_OK;
	fault(failures, e, &incarnation, PIB_FAULT_INSTANCE, 0,
		"the first request must have full state");
	*state = pri_store_free(*state);
	return e->code;
}

enum err request_state_change(const struct pri_store *before, const struct view *pieces,
	size_t count, struct pri_store **ret_state, bool *ret_incremental,
	struct pri_failures *failures, struct error *e)
{
	struct pri_store *state;
	struct request r = {0};
	bool incremental;
	enum err err;

	buffer_init(&r.removes, REQUEST_STATE_OCTETS_MAX);
	buffer_init(&r.installs, REQUEST_STATE_OCTETS_MAX);
	err = read_request(&r, pieces, count, failures, e);
	incremental = !r.full_state && knows_increments(before);
	if (!err)
		err = change(incremental ? before : NULL, &r, &state, failures, e);
	if (!err && !before)
		err = check_first(&state, &r, failures, e);
	if (!err) {
		*ret_state = state;
		*ret_incremental = incremental;
	}
	buffer_fini(&r.removes);
	buffer_fini(&r.installs);
	return err;
}
