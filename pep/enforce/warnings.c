/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/warnings.h"

#include <inttypes.h>

#include "pib/schema/subcode.h"

static bool is_there(const struct pri_store *before, const struct prid *prid)
{
	struct pri_row row;

	return before && pri_store_find(before, prid, &row);
}

static void warn_of_removes(
	struct view run, const struct pri_store *before, struct pri_failures *warnings)
{
	struct cursor c = cursor_over(run);
	struct pib_fault fault;
	struct pr_object object;
	struct prid prid;
	struct error e;

	while (cursor_left(&c) && warnings->count < PRI_FAILURES_MAX && !pr_next(&c, &object)) {
		if (object.s_num != PR_PRID || prid_decode(object.contents, &prid, &fault, &e) ||
			is_there(before, &prid))
			continue;
		pri_failures_add_prid(warnings,
			(struct pib_fault){PIB_FAULT_INSTANCE, 0, 0}, &prid,
			"removed, but it was not there");
	}
}

static void warn_of_installs(struct view run, struct pri_failures *warnings)
{
	struct cursor c = cursor_over(run);
	struct pr_object name, values;
	struct pib_fault fault;
	struct prid prid;
	struct error e;
	struct pri pri;

	while (cursor_left(&c) && warnings->count < PRI_FAILURES_MAX && !pr_next(&c, &name) &&
		!pr_next(&c, &values)) {
		uint8_t beyond;

		if (prid_decode(name.contents, &prid, &fault, &e) ||
			epd_decode(&prid, values.contents, &pri, &fault, &e) || !pri.extra)
			continue;
		beyond = (uint8_t)(prid.class->attributes[prid.class->attribute_count - 1].number +
				   1);
		pri_failures_add_prid(warnings,
			(struct pib_fault){PIB_FAULT_VALUE_UNSUPPORTED, beyond, 0}, &prid,
			"attributes from number %u on are not known here and count for nothing",
			beyond);
	}
}

void decision_warn(
	const struct decision *d, const struct pri_store *before, struct pri_failures *warnings)
{
	for (size_t i = 0; i < d->remove_count; i++)
		warn_of_removes(d->removes[i], before, warnings);
	for (size_t i = 0; i < d->install_count; i++)
		warn_of_installs(d->installs[i], warnings);
}

static bool is_known(const struct state *before, const struct manifest *m)
{
	const struct state_set *set =
		before ? state_find_set(before, m->authority, m->name) : NULL;

	return set && set->manifest.serial == m->serial;
}

void decision_warn_ended(const struct state *state, const struct state *before, uint64_t now_utc,
	struct pri_failures *warnings)
{
	for (size_t i = 0; i < state->set_count; i++) {
		const struct state_set *set = &state->sets[i];
		const struct manifest *m = &set->manifest;
		const struct pib_class *class = set->envelope.prid.class;

		if (is_known(before, m) || !state_set_has_ended(state, set, now_utc))
			continue;
		pri_failures_add_prid(warnings,
			pib_install_fault(class, "expired", copsecPolicySetSigned),
			&set->envelope.prid,
			"set %.*s of authority %s, serial %" PRIu64 ", had ended before it came: "
			"it has no say",
			(int)m->name.len, (const char *)m->name.data, authority_name(m->authority),
			m->serial);
	}
}
