/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/previous.h"

static void raise(struct previous *p, uint64_t serial)
{
	if (serial > p->serial)
		p->serial = serial;
}

enum err previous_read(struct previous *p, const struct bundle *bundle, const char *tenant,
	struct arena *arena, struct error *e)
{
	struct previous found = {.bundle = bundle};
	enum err code = bundle_index(bundle, arena, &found.index, e);

	if (!code && !view_equal(found.index.tenant, view_of_string(tenant)))
		code = error_set(e, E_MISMATCH, "it is of another tenant, \"%.*s\"",
			(int)found.index.tenant.len, (const char *)found.index.tenant.data);
	found.manifests = arena_calloc(arena, bundle->set_count + 1, sizeof *found.manifests);
	found.assignments =
		arena_calloc(arena, bundle->assignment_count + 1, sizeof *found.assignments);
	if (!code && (!found.manifests || !found.assignments))
		code = error_set(e, E_MEMORY, "out of memory");
	found.serial = code ? 0 : found.index.serial;
	for (size_t i = 0; !code && i < bundle->set_count; i++) {
		code = bundle_manifest(bundle, i, &found.manifests[i], e);
		if (!code)
			raise(&found, found.manifests[i].serial);
	}
	for (size_t i = 0; !code && i < bundle->assignment_count; i++) {
		code = bundle_assignment(bundle, i, arena, &found.assignments[i], e);
		if (!code)
			raise(&found, found.assignments[i].serial);
	}
	if (!code)
		*p = found;
	return code;
}

size_t previous_set(const struct previous *p, struct view name)
{
	for (size_t i = 0; p->bundle && i < p->bundle->set_count; i++)
		if (view_equal(p->manifests[i].name, name))
			return i;
	return PREVIOUS_NONE;
}

size_t previous_assignment(const struct previous *p, struct view node)
{
	for (size_t i = 0; p->bundle && i < p->bundle->assignment_count; i++)
		if (view_equal(p->assignments[i].node, node))
			return i;
	return PREVIOUS_NONE;
}

bool previous_is_valid(const struct manifest *m, uint64_t not_before, uint64_t not_after)
{
	return m->not_before <= not_before && m->not_after <= not_after &&
	       m->not_after >= not_before &&
	       m->not_after - not_before >= (not_after - not_before) / 2;
}
