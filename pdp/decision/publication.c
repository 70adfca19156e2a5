/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/publication.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/cms.h"
#include "pib/framework/roles.h"
#include "pib/schema/pri.h"
#include "pib/set/delegation.h"
#include "pib/set/state.h"

/* Assignments, sets and index entries as structs, which are larger than their octets. */
enum { PUBLICATION_ARENA = 16 * PUBLICATION_MAX };

struct publication {
	unsigned owners;
	struct arena arena;
	struct buffer objects; /* what `bundle` borrows from */
	struct bundle bundle;
	struct set_index index;
	struct assignment *assignments; /* as in the bundle */
	struct publication_node *nodes; /* as in the bundle */
	const struct publication_node **by_key, **by_name; /* the same, ascending */
	struct manifest *manifests;     /* as bundle.sets */
	struct delegation *delegations; /* as in the bundle */
};

static struct publication *publication_new(void)
{
	struct publication *p = calloc(1, sizeof *p);

	if (p) {
		p->owners = 1;
		arena_init(&p->arena, PUBLICATION_ARENA);
		buffer_init(&p->objects, PUBLICATION_MAX);
	}
	return p;
}

struct publication *publication_share(struct publication *p)
{
	p->owners++;
	return p;
}

struct publication *publication_free(struct publication *p)
{
	if (p && --p->owners == 0) {
		buffer_fini(&p->objects);
		arena_fini(&p->arena);
		free(p);
	}
	return NULL;
}

static enum err read_node(struct publication *p, size_t which, struct error *error)
{
	const struct assignment *assignment = &p->assignments[which];
	struct publication_node *node = &p->nodes[which];
	struct view name = arena_copy(&p->arena, assignment->node);

	if (!name.data)
		return error_set(error, E_MEMORY, "publication: no memory for node names");
	node->name = (const char *)name.data;
	memcpy(node->key.sha256, assignment->node_key, PIN_SIZE);
	node->has_report_key = assignment->report_key.len == PIN_SIZE;
	if (node->has_report_key)
		memcpy(node->report_key.sha256, assignment->report_key.data, PIN_SIZE);
	node->which = which;
	return E_OK;
}

static enum err objects_complete(const struct publication *p, struct error *error)
{
	if (p->objects.error)
		return error_set(error, p->objects.error, "publication: %s (at most %d octets)",
			err_text(p->objects.error), PUBLICATION_MAX);
	return E_OK;
}

static int compare_keys(const void *a, const void *b)
{
	const struct publication_node *const *x = a, *const *y = b;

	return memcmp((*x)->key.sha256, (*y)->key.sha256, PIN_SIZE);
}

static int compare_names(const void *a, const void *b)
{
	const struct publication_node *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Nobody is to be two nodes, nor two be one: verification sees to that, a database may not. */
static enum err sort_nodes(struct publication *p, const struct publication_node **nodes,
	int (*compare)(const void *, const void *), const char *what, struct error *error)
{
	size_t count = p->bundle.assignment_count;

	for (size_t i = 0; i < count; i++)
		nodes[i] = &p->nodes[i];
	qsort(nodes, count, sizeof *nodes, compare);
	for (size_t i = 1; i < count; i++)
		if (compare(&nodes[i - 1], &nodes[i]) == 0)
			return error_set(error, E_DUPLICATE,
				"the assignments of %s and %s are for the same %s",
				nodes[i - 1]->name, nodes[i]->name, what);
	return E_OK;
}

/* Reads what p->objects holds. */
static enum err publication_read(struct publication *p, struct error *error)
{
	enum err result;

	result = bundle_read_objects(buffer_view(&p->objects), &p->arena, &p->bundle, error);
	if (!result)
		result = bundle_index(&p->bundle, &p->arena, &p->index, error);
	if (result)
		return result;

	p->assignments = arena_calloc(
		&p->arena, p->bundle.assignment_count + 1, sizeof *p->assignments);
	p->nodes = arena_calloc(&p->arena, p->bundle.assignment_count + 1, sizeof *p->nodes);
	p->by_key = arena_calloc(&p->arena, p->bundle.assignment_count + 1, sizeof *p->by_key);
	p->by_name = arena_calloc(&p->arena, p->bundle.assignment_count + 1, sizeof *p->by_name);
	p->manifests = arena_calloc(&p->arena, p->bundle.set_count + 1, sizeof *p->manifests);
	p->delegations =
		arena_calloc(&p->arena, p->bundle.delegation_count + 1, sizeof *p->delegations);
	if (!p->assignments || !p->nodes || !p->by_key || !p->by_name || !p->manifests ||
		!p->delegations)
		return error_set(error, E_MEMORY, "publication: out of memory");

	for (size_t i = 0; !result && i < p->bundle.assignment_count; i++) {
		result = bundle_assignment(&p->bundle, i, &p->arena, &p->assignments[i], error);
		if (!result)
			result = read_node(p, i, error);
	}
	if (!result)
		result = sort_nodes(p, p->by_key, compare_keys, "key", error);
	if (!result)
		result = sort_nodes(p, p->by_name, compare_names, "node", error);
	for (size_t i = 0; !result && i < p->bundle.set_count; i++)
		result = bundle_manifest(&p->bundle, i, &p->manifests[i], error);
	for (size_t i = 0; !result && i < p->bundle.delegation_count; i++)
		result = bundle_delegation(&p->bundle, i, &p->arena, &p->delegations[i], error);
	return result;
}

/* The serials of what is in force: nothing new may lie below. */
static enum err floors_of(const struct publication *current, struct arena *arena,
	struct serial_floors *ret_floors, struct error *error)
{
	struct serial_floor *assignments, *sets;

	*ret_floors = (struct serial_floors){0};
	if (!current)
		return E_OK;
	assignments = arena_calloc(
		arena, current->bundle.assignment_count + 1, sizeof *assignments);
	sets = arena_calloc(arena, current->bundle.set_count + 1, sizeof *sets);
	if (!assignments || !sets)
		return error_set(error, E_MEMORY, "publication: out of memory");
	for (size_t i = 0; i < current->bundle.assignment_count; i++)
		assignments[i] = (struct serial_floor){
			current->assignments[i].node, current->assignments[i].serial};
	for (size_t i = 0; i < current->bundle.set_count; i++)
		sets[i] = (struct serial_floor){
			current->manifests[i].name, current->manifests[i].serial};
	*ret_floors = (struct serial_floors){
		.index = current->index.serial,
		.assignments = assignments,
		.assignment_count = current->bundle.assignment_count,
		.sets = sets,
		.set_count = current->bundle.set_count,
	};
	return E_OK;
}

static enum err verify_objects(struct publication *p, const struct state_terms *terms,
	struct error *error)
{
	struct pri_failures *failures = calloc(1, sizeof *failures);
	struct view piece = buffer_view(&p->objects);
	struct pri_store *rows = NULL;
	struct state *state = NULL;
	enum err result;

	if (!failures)
		return error_set(error, E_MEMORY, "publication: out of memory");
	pri_failures_init(failures);
	result = pri_store_build(&piece, 1, &rows, failures, error);
	if (!result)
		result = state_verify_bundle(rows, terms, &state, failures, error);
	state_free(state);
	pri_store_free(rows);
	free(failures);
	return result;
}

enum err publication_verify(struct view objects, const struct trust *trust, const char *tenant,
	const struct publication *current, uint64_t now_utc, struct publication **ret_publication,
	struct error *error)
{
	struct publication *p = publication_new();
	struct serial_floors floors;
	struct state_terms terms = {
		.trust = trust,
		.tenant = view_of_string(tenant),
		.floors = &floors,
		.now_utc = now_utc,
	};
	enum err result = E_OK;

	if (!p)
		return error_set(error, E_MEMORY, "publication: out of memory");
	if (current && current->bundle.trust.len)
		result = cms_content(current->bundle.trust, &terms.trust_in_force, error);
	buffer_put_view(&p->objects, objects);
	if (!result)
		result = objects_complete(p, error);
	if (!result)
		result = floors_of(current, &p->arena, &floors, error);
	/* Signatures first: only a verified bundle is looked into. */
	if (!result)
		result = verify_objects(p, &terms, error);
	if (!result)
		result = publication_read(p, error);
	if (!result && current && p->index.serial == current->index.serial)
		result = error_set(error, E_STALE,
			"the index has serial %" PRIu64 ", as that in force", p->index.serial);
	if (result)
		publication_free(p);
	else
		*ret_publication = p;
	return result;
}

enum err publication_of_store(const struct store_publication *stored,
	struct publication **ret_publication, struct error *error)
{
	struct publication *p = publication_new();
	enum err result;

	if (!p)
		return error_set(error, E_MEMORY, "publication: out of memory");
	buffer_put_view(&p->objects, stored->index);
	for (size_t i = 0; i < stored->assignment_count; i++)
		buffer_put_view(&p->objects, stored->assignments[i].octets);
	for (size_t i = 0; i < stored->set_count; i++)
		buffer_put_view(&p->objects, stored->sets[i].octets);
	result = objects_complete(p, error);
	if (!result)
		result = publication_read(p, error);
	if (result)
		publication_free(p);
	else
		*ret_publication = p;
	return result;
}

uint64_t publication_serial(const struct publication *p)
{
	return p->index.serial;
}

const struct set_index *publication_index(const struct publication *p)
{
	return &p->index;
}

size_t publication_node_count(const struct publication *p)
{
	return p->bundle.assignment_count;
}

const struct publication_node *publication_node(const struct publication *p, size_t which)
{
	return &p->nodes[which];
}

static const struct publication_node *find(const struct publication *p,
	const struct publication_node **sorted, const struct publication_node *wanted,
	int (*compare)(const void *, const void *))
{
	const struct publication_node **found = bsearch(
		&wanted, sorted, p->bundle.assignment_count, sizeof *sorted, compare);

	return found ? *found : NULL;
}

const struct publication_node *publication_find_key(
	const struct publication *p, const struct pin *key)
{
	return find(p, p->by_key, &(struct publication_node){.key = *key}, compare_keys);
}

const struct publication_node *publication_find_name(
	const struct publication *p, const char *name)
{
	return find(p, p->by_name, &(struct publication_node){.name = name}, compare_names);
}

bool publication_owns(const struct publication *p, const struct publication_node *node)
{
	return node->which < p->bundle.assignment_count && node == &p->nodes[node->which];
}

bool publication_has_roles(
	const struct publication *p, const struct publication_node *node, struct view roles)
{
	const struct assignment *a = &p->assignments[node->which];
	char text[ROLE_COMBINATION_MAX + sizeof "*+"];
	struct view pattern;
	bool has;

	if (!roles.len || roles.len > ROLE_COMBINATION_MAX)
		return false;
	snprintf(text, sizeof text, "*+%.*s", (int)roles.len, (const char *)roles.data);
	pattern = view_of_string(text);
	has = role_pattern_matches(pattern, a->roles);
	for (size_t i = 0; !has && i < a->interface_count; i++)
		has = role_pattern_matches(pattern, a->interfaces[i].roles);
	return has;
}

static enum err put_incarnation(const struct publication *p, const char *pdp_name,
	struct buffer *out, struct error *error)
{
	char serial[24];
	struct pri pri;

	snprintf(serial, sizeof serial, "%" PRIu64, p->index.serial);
	pri_init(&pri, PIB_frwkPibIncarnation, 1);
	pri_set_text(&pri, frwkPibIncarnationName, pdp_name);
	pri_set_text(&pri, frwkPibIncarnationId, serial);
	/* Not supported, and said so by NULL (RFC 3084 §4.3): a stale rule takes their place. */
	for (unsigned n = frwkPibIncarnationLongevity; n <= frwkPibIncarnationFullState; n++)
		pri_set_null(&pri, n);
	return pri_put(out, &pri, error);
}

size_t publication_set_count(const struct publication *p)
{
	return p->bundle.set_count;
}

const struct manifest *publication_manifest(const struct publication *p, size_t set)
{
	return &p->manifests[set];
}

struct view publication_set_objects(const struct publication *p, size_t set)
{
	return p->bundle.sets[set].objects;
}

bool publication_demands(
	const struct publication *p, const struct publication_node *node, size_t set)
{
	return assignment_demands(
		&p->assignments[node->which], &p->index, &p->manifests[set]);
}

static struct view assignment_cms(
	const struct publication *p, const struct publication_node *node)
{
	return p->bundle.assignments[node->which];
}

static bool same_assignment(const struct publication *p, const struct publication_node *node,
	const struct publication *before)
{
	const struct publication_node *then =
		before ? publication_find_name(before, node->name) : NULL;

	return then && view_equal(assignment_cms(before, then), assignment_cms(p, node));
}

/* ---- Others who may speak ---- */

bool publication_same_delegations(const struct publication *a, const struct publication *b)
{
	if (a->bundle.delegation_count != b->bundle.delegation_count)
		return false;
	for (size_t i = 0; i < a->bundle.delegation_count; i++)
		if (!view_equal(a->bundle.delegations[i], b->bundle.delegations[i]))
			return false;
	return true;
}

static bool names(const struct assignment *a, enum authority authority, struct view name)
{
	for (size_t i = 0; i < a->authority_count; i++) {
		const struct assigned_authority *one = &a->authorities[i];

		if (one->authority == authority &&
			(view_equal(one->name, name) ||
				(authority == AUTHORITY_VISITED &&
					view_equal(one->name, VIEW("*", 1)))))
			return true;
	}
	return false;
}

static bool is_lent(enum authority authority)
{
	return authority == AUTHORITY_RESPONDER || authority == AUTHORITY_DIRECTORY;
}

bool publication_admits(const struct publication *p, const struct publication_node *node,
	enum authority authority, struct view tenant)
{
	const struct assignment *a = &p->assignments[node->which];

	if (!is_lent(authority))
		return names(a, authority, tenant);
	for (size_t i = 0; i < p->bundle.delegation_count; i++)
		if (p->delegations[i].authority == authority &&
			names(a, authority, p->delegations[i].name))
			return true;
	return false;
}

bool publication_fits(const struct publication *p, const struct publication_node *node,
	const struct manifest *m)
{
	const struct assignment *a = &p->assignments[node->which];
	bool fits = a->roles.len && role_pattern_matches(m->roles, a->roles);

	if (m->node.len && !view_equal(m->node, VIEW(a->node_key, sizeof a->node_key)))
		return false;
	for (size_t i = 0; i < a->interface_count && !fits; i++)
		fits = a->interfaces[i].roles.len &&
		       role_pattern_matches(m->roles, a->interfaces[i].roles);
	return fits;
}

static bool is_known(const struct assigned_authority *list, size_t count,
	const struct assigned_authority *one)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].authority == one->authority &&
			view_equal(list[i].name, one->name) &&
			view_equal(list[i].trust, one->trust))
			return true;
	return false;
}

enum err publication_leave(const struct publication *p, struct arena *arena,
	struct state_leave *ret_leave, struct error *error)
{
	enum { LEAVE_MAX = 1024 };
	struct assigned_authority *list = arena_calloc(arena, LEAVE_MAX, sizeof *list);
	const struct delegation **delegations =
		arena_calloc(arena, p->bundle.delegation_count + 1, sizeof *delegations);
	size_t count = 0;

	if (!list || !delegations)
		return error_set(error, E_MEMORY, "publication: out of memory");
	for (size_t i = 0; i < p->bundle.assignment_count; i++)
		for (size_t k = 0; k < p->assignments[i].authority_count; k++) {
			const struct assigned_authority *one = &p->assignments[i].authorities[k];

			if (is_known(list, count, one))
				continue;
			if (count == LEAVE_MAX)
				return error_set(error, E_LIMIT,
					"home admits more than %d other authorities", LEAVE_MAX);
			list[count++] = *one;
		}
	for (size_t i = 0; i < p->bundle.delegation_count; i++)
		delegations[i] = &p->delegations[i];
	*ret_leave = (struct state_leave){
		.tenant = p->index.tenant,
		.authorities = list,
		.authority_count = count,
		.delegations = delegations,
		.delegation_count = p->bundle.delegation_count,
	};
	return E_OK;
}

static void put_delegations(const struct publication *p, const struct publication_node *node,
	struct buffer *out)
{
	const struct assignment *a = &p->assignments[node->which];

	for (size_t i = 0; i < p->bundle.delegation_count; i++)
		if (names(a, p->delegations[i].authority, p->delegations[i].name))
			bundle_put_delegation((uint32_t)i + 1, p->bundle.delegations[i], out);
}

enum err publication_put_head(const struct publication *p, const struct publication_node *node,
	const char *pdp_name, const struct publication *before, struct buffer *out,
	struct error *error)
{
	enum err result = put_incarnation(p, pdp_name, out, error);

	if (result)
		return result;
	if (!same_assignment(p, node, before))
		bundle_put_assignment(1, assignment_cms(p, node), out);
	if (!before)
		put_delegations(p, node, out);
	bundle_put_index(p->bundle.authority, p->bundle.index, out);
	if (p->bundle.trust.len && !(before && view_equal(before->bundle.trust, p->bundle.trust)))
		bundle_put_trust(p->bundle.authority, p->bundle.trust, out);
	return E_OK;
}

void publication_put_all(const struct publication *p, struct buffer *out)
{
	buffer_put_view(out, buffer_view(&p->objects));
}

enum err publication_put_node(const struct publication *p, const struct publication_node *node,
	const char *pdp_name, struct buffer *out, struct error *error)
{
	enum err result = publication_put_head(p, node, pdp_name, NULL, out, error);

	if (result)
		return result;
	for (size_t i = 0; i < p->bundle.set_count; i++)
		if (publication_demands(p, node, i))
			buffer_put_view(out, p->bundle.sets[i].objects);
	if (out->error)
		return error_set(error, out->error, "state of node %s: %s", node->name,
			err_text(out->error));
	return E_OK;
}

size_t publication_node_octets(const struct publication *p, const struct publication_node *node)
{
	size_t octets =
		assignment_cms(p, node).len + p->bundle.index.len + p->bundle.trust.len;

	for (size_t i = 0; i < p->bundle.set_count; i++)
		if (publication_demands(p, node, i))
			octets += p->bundle.sets[i].objects.len;
	return octets;
}

enum err publication_to_store(const struct publication *p, const char *publisher,
	uint64_t published, struct arena *arena, struct store_publication *ret_stored,
	struct error *error)
{
	struct store_item *assignments =
		arena_calloc(arena, p->bundle.assignment_count + 1, sizeof *assignments);
	struct store_item *sets = arena_calloc(arena, p->bundle.set_count + 1, sizeof *sets);
	struct buffer row;
	struct view index = VIEW_NONE;
	enum err result = E_OK;

	buffer_init(&row, BUNDLE_MAX);
	/* The tenant's documents are kept as one. */
	bundle_put_index(p->bundle.authority, p->bundle.index, &row);
	if (p->bundle.trust.len)
		bundle_put_trust(p->bundle.authority, p->bundle.trust, &row);
	for (size_t i = 0; i < p->bundle.delegation_count; i++)
		bundle_put_delegation((uint32_t)i + 1, p->bundle.delegations[i], &row);
	index = arena_copy(arena, buffer_view(&row));
	if (row.error || !assignments || !sets || !index.data)
		result = E_MEMORY;

	for (size_t i = 0; !result && i < p->bundle.assignment_count; i++) {
		buffer_reset(&row);
		bundle_put_assignment((uint32_t)i + 1, p->bundle.assignments[i], &row);
		assignments[i].name = p->nodes[i].name;
		assignments[i].serial = p->assignments[i].serial;
		assignments[i].octets = arena_copy(arena, buffer_view(&row));
		if (row.error || !assignments[i].octets.data)
			result = E_MEMORY;
	}
	for (size_t i = 0; !result && i < p->bundle.set_count; i++) {
		struct view name = arena_copy(arena, p->manifests[i].name);

		sets[i].name = (const char *)name.data;
		sets[i].serial = p->manifests[i].serial;
		sets[i].octets = p->bundle.sets[i].objects;
		if (!name.data)
			result = E_MEMORY;
	}
	buffer_fini(&row);
	if (result)
		return error_set(error, result, "publication: out of memory");

	*ret_stored = (struct store_publication){
		.serial = p->index.serial,
		.published = published,
		.publisher = publisher,
		.index = index,
		.assignments = assignments,
		.assignment_count = p->bundle.assignment_count,
		.sets = sets,
		.set_count = p->bundle.set_count,
	};
	return E_OK;
}
