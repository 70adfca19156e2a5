/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/bundle.h"

#include <string.h>

#include "common/cops/pr.h"
#include "common/crypto/cms.h"
#include "pib/set/delegation.h"
#include "pib/set/envelope.h"

static const uint8_t magic[8] = "COPSEC\r\n";

/* One PRID and EPD of the run. */
struct binding {
	struct prid prid;
	struct view epd;
	size_t start; /* in the run */
	size_t end;
};

static enum err next_object(
	struct cursor *run, uint8_t wanted, struct pr_object *ret_object, struct error *e)
{
	size_t at = run->at;

	if (!cursor_left(run))
		return error_set(e, E_TRUNCATED, "ends where %s must stand", pr_s_num_name(wanted));
	if (pr_next(run, ret_object))
		return error_set(
			e, run->error, "object at octet %zu: %s", at, err_text(run->error));
	if (ret_object->s_num != wanted)
		return error_set(e, E_UNEXPECTED, "object at octet %zu: %s instead of %s", at,
			pr_s_num_name(ret_object->s_num), pr_s_num_name(wanted));
	return E_OK;
}

static enum err next_binding(struct cursor *run, struct binding *b, struct error *e)
{
	struct pr_object object;
	struct pib_fault fault;
	enum err err;

	b->start = run->at;
	err = next_object(run, PR_PRID, &object, e);
	if (!err)
		err = prid_decode(object.contents, &b->prid, &fault, e);
	if (!err)
		err = next_object(run, PR_EPD, &object, e);
	if (err)
		return err;
	b->epd = object.contents;
	b->end = run->at;
	return E_OK;
}

static enum err unexpected(const struct binding *b, const char *why, struct error *e)
{
	char name[PRID_TEXT_SIZE];

	prid_format(&b->prid, name);
	return error_set(e, E_UNEXPECTED, "%s at octet %zu %s", name, b->start, why);
}

/* How many rows of a class there are, so that arrays can be allocated at once. */
static enum err count_class(struct view objects, enum pib_class_id class, size_t limit,
	size_t *ret_count, struct error *e)
{
	struct cursor run = cursor_over(objects);
	struct binding b;
	size_t n = 0;
	enum err err;

	while (cursor_left(&run)) {
		err = next_binding(&run, &b, e);
		if (err)
			return err;
		n += b.prid.class->id == class;
		if (n > limit)
			return error_set(
				e, E_LIMIT, "more than %zu %s", limit, pib_class(class)->name);
	}
	*ret_count = n;
	return E_OK;
}

struct reading {
	struct view objects;
	struct bundle *bundle;
	struct prid previous; /* inside the present set; class NULL at its start */
};

static enum err open_envelope(const struct binding *b, struct view *ret_cms, struct error *e)
{
	struct pib_fault fault;

	return envelope_open(&b->prid, b->epd, ret_cms, &fault, e);
}

static enum err take_assignment(struct reading *r, const struct binding *b, struct error *e)
{
	struct bundle *bundle = r->bundle;

	if (bundle->set_count || b->prid.instance != bundle->assignment_count + 1)
		return unexpected(b, "is out of order", e);
	if (bundle->authority != AUTHORITY_HOME)
		return unexpected(b, "is for home to say", e);
	return open_envelope(b, &bundle->assignments[bundle->assignment_count++], e);
}

static enum err take_trust(struct reading *r, const struct binding *b, struct error *e)
{
	struct bundle *bundle = r->bundle;

	if (bundle->trust.len || bundle->delegation_count || bundle->assignment_count ||
		bundle->set_count || b->prid.instance != (uint32_t)bundle->authority)
		return unexpected(b, "is out of order", e);
	return open_envelope(b, &bundle->trust, e);
}

static enum err take_delegation(struct reading *r, const struct binding *b, struct error *e)
{
	struct bundle *bundle = r->bundle;

	if (bundle->assignment_count || bundle->set_count ||
		b->prid.instance != bundle->delegation_count + 1)
		return unexpected(b, "is out of order", e);
	if (bundle->authority != AUTHORITY_HOME)
		return unexpected(b, "is for home to say", e);
	return open_envelope(b, &bundle->delegations[bundle->delegation_count++], e);
}

static enum err take_policy_set(struct reading *r, const struct binding *b, struct error *e)
{
	struct bundle *bundle = r->bundle;
	struct bundle_set *set = &bundle->sets[bundle->set_count];
	uint32_t block = block_with(b->prid.instance);

	if (b->prid.instance != block_policy_set_instance(block))
		return unexpected(b, "does not have the first instance of a block", e);
	if (bundle->set_count && set[-1].block >= block)
		return unexpected(b, "is out of order", e);
	if (block_authority(block) != bundle->authority)
		return unexpected(b, "lies in a block of another authority", e);
	set->block = block;
	set->rows = VIEW(r->objects.data + b->end, 0);
	set->objects = VIEW(r->objects.data + b->start, b->end - b->start);
	bundle->set_count++;
	r->previous.class = NULL;
	return open_envelope(b, &set->cms, e);
}

static enum err take_row(struct reading *r, const struct binding *b, struct error *e)
{
	struct bundle_set *set = r->bundle->sets + r->bundle->set_count - 1;

	if (!envelope_is_inside(b->prid.class))
		return unexpected(b, "does not belong into a bundle", e);
	if (!r->bundle->set_count || block_with(b->prid.instance) != set->block)
		return unexpected(b, "lies outside the block of its set", e);
	if (r->previous.class && prid_compare(&r->previous, &b->prid) >= 0)
		return unexpected(b, "is out of order", e);
	r->previous = b->prid;
	set->rows.len += b->end - b->start;
	set->objects.len += b->end - b->start;
	return E_OK;
}

static enum err take_index(struct reading *r, const struct binding *b, struct error *e)
{
	if (b->prid.instance < AUTHORITY_HOME || b->prid.instance > AUTHORITY_LOCAL)
		return unexpected(b, "is the index of no authority", e);
	r->bundle->authority = (enum authority)b->prid.instance;
	return open_envelope(b, &r->bundle->index, e);
}

static enum err take_binding(struct reading *r, const struct binding *b, struct error *e)
{
	bool first = b->start == 0;

	if (first != (b->prid.class->id == PIB_copsecIndex))
		return unexpected(b, "stands where the copsecIndex, once and at first, must stand", e);
	if (first)
		return take_index(r, b, e);
	if (b->prid.class->id == PIB_copsecTrust)
		return take_trust(r, b, e);
	if (b->prid.class->id == PIB_copsecDelegation)
		return take_delegation(r, b, e);
	if (b->prid.class->id == PIB_copsecAssignment)
		return take_assignment(r, b, e);
	if (b->prid.class->id == PIB_copsecPolicySet)
		return take_policy_set(r, b, e);
	return take_row(r, b, e);
}

static enum err read_objects(
	struct view objects, struct arena *arena, struct bundle *bundle, struct error *e)
{
	struct reading r = {.objects = objects, .bundle = bundle};
	struct cursor run = cursor_over(objects);
	size_t delegations, assignments, sets;
	struct binding b;
	enum err err;

	if (objects.len > BUNDLE_MAX || objects.len % 4)
		return error_set(e, E_LENGTH, "%zu octets of objects: more than %d, or cut off",
			objects.len, (int)BUNDLE_MAX);
	err = count_class(objects, PIB_copsecDelegation, BUNDLE_DELEGATIONS_MAX, &delegations, e);
	if (!err)
		err = count_class(
			objects, PIB_copsecAssignment, BUNDLE_ASSIGNMENTS_MAX, &assignments, e);
	if (!err)
		err = count_class(objects, PIB_copsecPolicySet, BUNDLE_SETS_MAX, &sets, e);
	if (err)
		return err;
	bundle->assignments = arena_calloc(arena, assignments, sizeof *bundle->assignments);
	bundle->delegations = arena_calloc(arena, delegations, sizeof *bundle->delegations);
	bundle->sets = arena_calloc(arena, sets, sizeof *bundle->sets);
	if (!bundle->delegations || !bundle->assignments || !bundle->sets)
		return error_set(e, E_MEMORY, "no memory for %zu assignments and %zu sets",
			assignments, sets);
	while (!err && cursor_left(&run)) {
		err = next_binding(&run, &b, e);
		if (!err)
			err = take_binding(&r, &b, e);
	}
	if (!err && !bundle->index.len)
		err = error_set(e, E_MISSING, "there is no copsecIndex");
	return err;
}

enum err bundle_read_objects(
	struct view objects, struct arena *arena, struct bundle *ret_bundle, struct error *e)
{
	struct bundle bundle = {.objects = objects};
	enum err err = read_objects(objects, arena, &bundle, e);

	if (err)
		error_prefix(e, "bundle");
	else
		*ret_bundle = bundle;
	return err;
}

enum err bundle_header(struct view file, struct view *ret_objects, struct error *e)
{
	struct cursor c = cursor_over(file);
	struct view start = cursor_take(&c, sizeof magic);
	uint32_t version = cursor_u32(&c);
	uint32_t reserved = cursor_u32(&c);

	if (c.error || !view_equal(start, VIEW(magic, sizeof magic)))
		return error_set(e, E_SYNTAX, "bundle: does not begin as a bundle file does");
	if (version != BUNDLE_VERSION || reserved)
		return error_set(e, E_VERSION, "bundle: version %u, flags %#x; known is version %d",
			version, reserved, (int)BUNDLE_VERSION);
	*ret_objects = cursor_rest(&c);
	return E_OK;
}

enum err bundle_read(
	struct view file, struct arena *arena, struct bundle *ret_bundle, struct error *e)
{
	struct view objects;
	enum err err = bundle_header(file, &objects, e);

	return err ? err : bundle_read_objects(objects, arena, ret_bundle, e);
}

void bundle_put_header(struct buffer *out)
{
	buffer_put(out, magic, sizeof magic);
	buffer_put_u32(out, BUNDLE_VERSION);
	buffer_put_u32(out, 0);
}

void bundle_put_index(enum authority authority, struct view cms, struct buffer *out)
{
	envelope_put(PIB_copsecIndex, authority, cms, out);
}

void bundle_put_trust(enum authority authority, struct view cms, struct buffer *out)
{
	envelope_put(PIB_copsecTrust, authority, cms, out);
}

void bundle_put_delegation(uint32_t instance, struct view cms, struct buffer *out)
{
	envelope_put(PIB_copsecDelegation, instance, cms, out);
}

void bundle_put_assignment(uint32_t instance, struct view cms, struct buffer *out)
{
	envelope_put(PIB_copsecAssignment, instance, cms, out);
}

void bundle_put_policy_set(uint32_t block, struct view cms, struct buffer *out)
{
	envelope_put(PIB_copsecPolicySet, block_policy_set_instance(block), cms, out);
}

enum err bundle_write_objects(const struct bundle *b, struct buffer *out, struct error *e)
{
	bundle_put_index(b->authority, b->index, out);
	if (b->trust.len)
		bundle_put_trust(b->authority, b->trust, out);
	for (size_t i = 0; i < b->delegation_count; i++)
		bundle_put_delegation((uint32_t)i + 1, b->delegations[i], out);
	for (size_t i = 0; i < b->assignment_count; i++)
		bundle_put_assignment((uint32_t)i + 1, b->assignments[i], out);
	for (size_t i = 0; i < b->set_count; i++) {
		if (i && b->sets[i - 1].block >= b->sets[i].block)
			return error_set(e, E_CONFLICT,
				"block %#x of a set is not above the one before", b->sets[i].block);
		bundle_put_policy_set(b->sets[i].block, b->sets[i].cms, out);
		buffer_put_view(out, b->sets[i].rows);
	}
	if (out->error)
		return error_set(e, out->error,
			"the bundle, or a signed document in it, is too long: %s",
			err_text(out->error));
	return E_OK;
}

enum err bundle_write(const struct bundle *b, struct buffer *out, struct error *e)
{
	bundle_put_header(out);
	return bundle_write_objects(b, out, e);
}

enum err bundle_index(
	const struct bundle *b, struct arena *arena, struct set_index *ret_index, struct error *e)
{
	struct view content;
	enum err err = cms_content(b->index, &content, e);

	return err ? err : set_index_decode(content, arena, ret_index, e);
}

enum err bundle_delegation(const struct bundle *b, size_t which, struct arena *arena,
	struct delegation *ret_delegation, struct error *e)
{
	struct view content;
	enum err err = cms_content(b->delegations[which], &content, e);

	return err ? err : delegation_decode(content, arena, ret_delegation, e);
}

enum err bundle_trust(
	const struct bundle *b, struct arena *arena, struct trust_list *ret_list, struct error *e)
{
	struct view content;
	enum err err = cms_content(b->trust, &content, e);

	return err ? err : trust_list_decode(content, arena, ret_list, e);
}

enum err bundle_assignment(const struct bundle *b, size_t which, struct arena *arena,
	struct assignment *ret_assignment, struct error *e)
{
	struct view content;
	enum err err = cms_content(b->assignments[which], &content, e);

	return err ? err : assignment_decode(content, arena, ret_assignment, e);
}

enum err bundle_manifest(
	const struct bundle *b, size_t which, struct manifest *ret_manifest, struct error *e)
{
	struct view content;
	enum err err = cms_content(b->sets[which].cms, &content, e);

	return err ? err : manifest_decode(content, ret_manifest, e);
}
