/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/documents.h"

#include <string.h>

#include "common/cops/pr.h"
#include "pib/schema/pri.h"

enum {
	ROLE_MAX = 31, /* octets, RFC 3318 §3 */
	ROLE_COMBINATION_MAX = 255,
	HEAD_INSTANCE = 1,
	NAME_SHOWN = 64, /* octets of a name in a sentence */
};

/* For "%.*s"; only with names that name_valid() has seen. */
static int shown(struct view name)
{
	return name.len < NAME_SHOWN ? (int)name.len : NAME_SHOWN;
}

static bool role_valid(struct view role)
{
	if (role.len < 1 || role.len > ROLE_MAX)
		return false;
	for (size_t i = 0; i < role.len; i++) {
		uint8_t c = role.data[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (!letter &&
			(i == 0 || !((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_')))
			return false;
	}
	return true;
}

bool role_combination_valid(struct view roles)
{
	struct view previous = VIEW_NONE;
	size_t start = 0;

	if (roles.len > ROLE_COMBINATION_MAX)
		return false;
	if (!roles.len)
		return true;
	for (size_t i = 0; i <= roles.len; i++) {
		struct view role;

		if (i < roles.len && roles.data[i] != '+')
			continue;
		role = VIEW(roles.data + start, i - start);
		if (!role_valid(role) || (previous.len && view_compare(previous, role) >= 0))
			return false;
		previous = role;
		start = i + 1;
	}
	return true;
}

/* Names get into logs, messages and file names: no control characters, never empty. */
static bool name_valid(struct view name)
{
	if (name.len < 1 || name.len > SET_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] < 0x20 || name.data[i] == 0x7f)
			return false;
	return true;
}

static enum err check_name(struct view name, const char *what, struct error *e)
{
	if (name_valid(name))
		return E_OK;
	return error_set(e, E_SYNTAX, "%s must be 1 to %d octets without control characters", what,
		(int)SET_NAME_MAX);
}

static enum err check_roles(struct view roles, const char *what, struct error *e)
{
	if (role_combination_valid(roles))
		return E_OK;
	return error_set(e, E_SYNTAX,
		"%s must be roles in ASCII order with '+' between them, without a wildcard", what);
}

static enum err check_times(uint64_t not_before, uint64_t not_after, struct error *e)
{
	if (not_before <= not_after)
		return E_OK;
	return error_set(e, E_RANGE, "not-before %llu is later than not-after %llu",
		(unsigned long long)not_before, (unsigned long long)not_after);
}

static enum err check_key(struct view key, const char *what, struct error *e)
{
	if (!key.len || key.len == NODE_KEY)
		return E_OK;
	return error_set(
		e, E_LENGTH, "%s has %zu octets instead of %d", what, key.len, (int)NODE_KEY);
}

/* The next PRI of a document, which must be this one. */
static enum err next_pri(struct cursor *run, enum pib_class_id class, uint32_t instance,
	struct pri *ret_pri, struct error *e)
{
	char found[PRID_TEXT_SIZE], wanted[PRID_TEXT_SIZE];
	struct prid must = {pib_class(class), instance}, prid;
	struct pr_object object;
	struct pib_fault fault;
	enum err err;

	prid_format(&must, wanted);
	if (!cursor_left(run))
		return error_set(e, E_MISSING, "%s is missing", wanted);
	if (pr_next(run, &object))
		return error_set(e, run->error, "octet %zu, before %s: %s", run->at, wanted,
			err_text(run->error));
	if (object.s_num != PR_PRID)
		return error_set(e, E_UNEXPECTED, "%s instead of the PRID of %s",
			pr_s_num_name(object.s_num), wanted);
	err = prid_decode(object.contents, &prid, &fault, e);
	if (err)
		return err;
	if (prid_compare(&prid, &must)) {
		prid_format(&prid, found);
		return error_set(e, E_UNEXPECTED, "%s instead of %s", found, wanted);
	}
	if (!cursor_left(run))
		return error_set(e, E_MISSING, "%s has no EPD", wanted);
	if (pr_next(run, &object))
		return error_set(e, run->error, "EPD of %s: %s", wanted, err_text(run->error));
	if (object.s_num != PR_EPD)
		return error_set(e, E_UNEXPECTED, "%s instead of the EPD of %s",
			pr_s_num_name(object.s_num), wanted);
	return epd_decode(&prid, object.contents, ret_pri, &fault, e);
}

static void copy_octets(uint8_t *to, size_t len, struct view from)
{
	memset(to, 0, len);
	if (from.len == len)
		memcpy(to, from.data, len);
}

static enum err check_size(struct view content, struct error *e)
{
	if (content.len <= DOCUMENT_MAX)
		return E_OK;
	return error_set(
		e, E_LIMIT, "has %zu octets, more than %d", content.len, (int)DOCUMENT_MAX);
}

/* What encoding wrote, checks included, goes to `out` as a whole or not at all. */
static enum err encoded(enum err err, struct buffer *part, const char *document, struct buffer *out,
	struct error *e)
{
	if (!err && part->error)
		err = error_set(
			e, part->error, "more than %d octets, or no memory", (int)DOCUMENT_MAX);
	if (!err) {
		buffer_put_view(out, buffer_view(part));
		if (out->error)
			err = error_set(e, out->error, "no room for %zu octets", part->len);
	}
	buffer_fini(part);
	if (err)
		error_prefix(e, "%s", document);
	return err;
}

/* What was decoded, encoded again with its checks, must be what was there. */
static enum err decoded(enum err err, struct buffer *again, const char *document,
	struct view content, struct error *e)
{
	if (!err && !view_equal(content, buffer_view(again)))
		err = error_set(e, E_SYNTAX,
			"is not written as it must be, or says more than is known here");
	buffer_fini(again);
	if (err)
		error_prefix(e, "%s", document);
	return err;
}

static enum err check_manifest(const struct manifest *m, struct error *e)
{
	enum err err = check_name(m->tenant, "the tenant", e);

	if (!err)
		err = check_name(m->name, "the name", e);
	if (!err)
		err = check_roles(m->roles, "the role combination", e);
	if (!err)
		err = check_key(m->node, "the node's key digest", e);
	if (!err)
		err = check_times(m->not_before, m->not_after, e);
	if (err)
		return err;
	if (!m->node.len && !view_equal(m->name, m->roles))
		return error_set(e, E_MISMATCH, "the name %.*s is not the role combination",
			shown(m->name), (const char *)m->name.data);
	if (block_with(m->block) != m->block || block_authority(m->block) != m->authority)
		return error_set(e, E_RANGE, "block %#x is no block of authority %s", m->block,
			authority_name(m->authority));
	return E_OK;
}

static enum err write_manifest(const struct manifest *m, struct buffer *out, struct error *e)
{
	struct pri pri;
	enum err err = check_manifest(m, e);

	if (err)
		return err;
	pri_init(&pri, PIB_copsecManifest, block_policy_set_instance(m->block));
	pri_set_octets(&pri, copsecManifestTenant, m->tenant);
	pri_set_octets(&pri, copsecManifestName, m->name);
	pri_set_i32(&pri, copsecManifestAuthority, (int32_t)m->authority);
	pri_set_octets(&pri, copsecManifestRoles, m->roles);
	pri_set_octets(&pri, copsecManifestNode, m->node);
	pri_set_u64(&pri, copsecManifestSerial, m->serial);
	pri_set_u64(&pri, copsecManifestNotBefore, m->not_before);
	pri_set_u64(&pri, copsecManifestNotAfter, m->not_after);
	pri_set_i32(&pri, copsecManifestStaleRule, (int32_t)m->stale_rule);
	pri_set_u32(&pri, copsecManifestBlockFirst, m->block);
	pri_set_octets(&pri, copsecManifestRoot, VIEW(m->root, sizeof m->root));
	pri_set_bool(&pri, copsecManifestNoConfirm, m->no_confirm);
	return epd_encode(out, &pri, e);
}

/* There is no PRID beside the values, so the instance stands in the first of them only. */
static enum err read_instance(struct view content, struct prid *ret_prid, struct error *e)
{
	struct cursor c = cursor_over(content);
	uint8_t tag = cursor_u8(&c);
	size_t len = cursor_u8(&c);
	struct view number = cursor_take(&c, len);
	uint64_t instance = 0;

	for (size_t i = 0; i < number.len && i < sizeof instance; i++)
		instance = instance << 8 | number.data[i];
	if (c.error || tag != pib_attribute(ret_prid->class, copsecManifestPrid)->tag ||
		number.len > 5 || !instance || instance > UINT32_MAX)
		return error_set(e, E_SYNTAX, "does not start with an InstanceId");
	ret_prid->instance = (uint32_t)instance;
	return E_OK;
}

static enum err read_manifest(struct view content, struct manifest *m, struct error *e)
{
	struct prid prid = {.class = pib_class(PIB_copsecManifest)};
	struct pib_fault fault;
	struct pri pri;
	enum err err = check_size(content, e);

	if (!err)
		err = read_instance(content, &prid, e);
	if (!err)
		err = epd_decode(&prid, content, &pri, &fault, e);
	if (err)
		return err;
	*m = (struct manifest){
		.tenant = pri_octets(&pri, copsecManifestTenant),
		.name = pri_octets(&pri, copsecManifestName),
		.authority = (enum authority)pri_i32(&pri, copsecManifestAuthority),
		.roles = pri_octets(&pri, copsecManifestRoles),
		.node = pri_octets(&pri, copsecManifestNode),
		.serial = pri_u64(&pri, copsecManifestSerial),
		.not_before = pri_u64(&pri, copsecManifestNotBefore),
		.not_after = pri_u64(&pri, copsecManifestNotAfter),
		.stale_rule = (enum stale_rule)pri_i32(&pri, copsecManifestStaleRule),
		.block = pri_u32(&pri, copsecManifestBlockFirst),
		.no_confirm = pri_bool(&pri, copsecManifestNoConfirm),
	};
	copy_octets(m->root, sizeof m->root, pri_octets(&pri, copsecManifestRoot));
	return E_OK;
}

enum err manifest_encode(const struct manifest *m, struct buffer *out, struct error *e)
{
	struct buffer part;

	buffer_init(&part, DOCUMENT_MAX);
	return encoded(write_manifest(m, &part, e), &part, "manifest", out, e);
}

enum err manifest_decode(struct view content, struct manifest *ret_manifest, struct error *e)
{
	struct buffer again;
	struct manifest m;
	enum err err;

	buffer_init(&again, DOCUMENT_MAX);
	err = read_manifest(content, &m, e);
	if (!err)
		err = write_manifest(&m, &again, e);
	err = decoded(err, &again, "manifest", content, e);
	if (!err)
		*ret_manifest = m;
	return err;
}

/* How many entries stand behind the head. */
static size_t entries_of(struct view content)
{
	struct cursor run = cursor_over(content);
	struct pr_object object;
	size_t n = 0;

	while (cursor_left(&run) && !pr_next(&run, &object))
		n += object.s_num == PR_PRID;
	return n ? n - 1 : 0;
}

static enum err check_count(size_t count, size_t limit, const char *what, struct error *e)
{
	if (count <= limit)
		return E_OK;
	return error_set(e, E_LIMIT, "%zu %s, more than %zu", count, what, limit);
}

/* Two classes have entries of the same shape: name, serial and root of a set. */
struct entry_class {
	enum pib_class_id class;
	uint8_t name;
	uint8_t serial;
	uint8_t root;
};

static const struct entry_class index_entry = {
	PIB_copsecIndexEntry, copsecIndexEntryName, copsecIndexEntrySerial, copsecIndexEntryRoot};
static const struct entry_class compliance_entry = {PIB_copsecComplianceSet,
	copsecComplianceSetName, copsecComplianceSetSerial, copsecComplianceSetRoot};

static const struct set_entry *find_entry(
	const struct set_entry *entries, size_t count, struct view name)
{
	for (size_t i = 0; i < count; i++)
		if (view_equal(entries[i].name, name))
			return &entries[i];
	return NULL;
}

static enum err write_entries(const struct entry_class *class, const struct set_entry *entries,
	size_t count, size_t limit, struct buffer *out, struct error *e)
{
	enum err err = check_count(count, limit, "sets", e);
	struct pri pri;

	for (size_t i = 0; i < count && !err; i++) {
		err = check_name(entries[i].name, "the name of a set", e);
		if (!err && find_entry(entries, i, entries[i].name))
			err = error_set(e, E_DUPLICATE, "set %.*s is there twice",
				shown(entries[i].name), (const char *)entries[i].name.data);
		if (err)
			return err;
		pri_init(&pri, class->class, (uint32_t)i + 1);
		pri_set_octets(&pri, class->name, entries[i].name);
		pri_set_u64(&pri, class->serial, entries[i].serial);
		pri_set_octets(&pri, class->root, VIEW(entries[i].root, sizeof entries[i].root));
		err = pri_put(out, &pri, e);
	}
	return err;
}

static enum err read_entries(const struct entry_class *class, struct cursor *run,
	struct view content, size_t limit, struct arena *arena,
	const struct set_entry **ret_entries, size_t *ret_count, struct error *e)
{
	size_t count = entries_of(content);
	struct set_entry *entries;
	struct pri pri;
	enum err err = check_count(count, limit, "sets", e);

	if (err)
		return err;
	entries = arena_calloc(arena, count, sizeof *entries);
	if (!entries)
		return error_set(e, E_MEMORY, "no memory for %zu sets", count);
	for (size_t i = 0; i < count; i++) {
		err = next_pri(run, class->class, (uint32_t)i + 1, &pri, e);
		if (err)
			return err;
		entries[i].name = pri_octets(&pri, class->name);
		entries[i].serial = pri_u64(&pri, class->serial);
		copy_octets(entries[i].root, sizeof entries[i].root, pri_octets(&pri, class->root));
	}
	*ret_entries = entries;
	*ret_count = count;
	return E_OK;
}

static enum err write_index(const struct set_index *i, struct buffer *out, struct error *e)
{
	struct pri pri;
	enum err err = check_name(i->tenant, "the tenant", e);

	if (!err)
		err = check_times(i->not_before, i->not_after, e);
	if (err)
		return err;
	pri_init(&pri, PIB_copsecIndexHead, HEAD_INSTANCE);
	pri_set_octets(&pri, copsecIndexHeadTenant, i->tenant);
	pri_set_u64(&pri, copsecIndexHeadSerial, i->serial);
	pri_set_u64(&pri, copsecIndexHeadNotBefore, i->not_before);
	pri_set_u64(&pri, copsecIndexHeadNotAfter, i->not_after);
	err = pri_put(out, &pri, e);
	if (err)
		return err;
	return write_entries(&index_entry, i->entries, i->entry_count, INDEX_ENTRIES_MAX, out, e);
}

static enum err read_index(
	struct view content, struct arena *arena, struct set_index *i, struct error *e)
{
	struct cursor run = cursor_over(content);
	struct pri pri;
	enum err err = check_size(content, e);

	if (!err)
		err = next_pri(&run, PIB_copsecIndexHead, HEAD_INSTANCE, &pri, e);
	if (err)
		return err;
	*i = (struct set_index){
		.tenant = pri_octets(&pri, copsecIndexHeadTenant),
		.serial = pri_u64(&pri, copsecIndexHeadSerial),
		.not_before = pri_u64(&pri, copsecIndexHeadNotBefore),
		.not_after = pri_u64(&pri, copsecIndexHeadNotAfter),
	};
	return read_entries(&index_entry, &run, content, INDEX_ENTRIES_MAX, arena, &i->entries,
		&i->entry_count, e);
}

enum err set_index_encode(const struct set_index *i, struct buffer *out, struct error *e)
{
	struct buffer part;

	buffer_init(&part, DOCUMENT_MAX);
	return encoded(write_index(i, &part, e), &part, "index", out, e);
}

enum err set_index_decode(
	struct view content, struct arena *arena, struct set_index *ret_index, struct error *e)
{
	struct buffer again;
	struct set_index i;
	enum err err;

	buffer_init(&again, DOCUMENT_MAX);
	err = read_index(content, arena, &i, e);
	if (!err)
		err = write_index(&i, &again, e);
	err = decoded(err, &again, "index", content, e);
	if (!err)
		*ret_index = i;
	return err;
}

const struct set_entry *set_index_find(const struct set_index *i, struct view name)
{
	return find_entry(i->entries, i->entry_count, name);
}

static const struct assigned_interface *find_interface(
	const struct assigned_interface *interfaces, size_t count, struct view name)
{
	for (size_t i = 0; i < count; i++)
		if (view_equal(interfaces[i].name, name))
			return &interfaces[i];
	return NULL;
}

static enum err write_interfaces(const struct assignment *a, struct buffer *out, struct error *e)
{
	enum err err = check_count(a->interface_count, ASSIGNMENT_INTERFACES_MAX, "interfaces", e);
	struct pri pri;

	for (size_t i = 0; i < a->interface_count && !err; i++) {
		const struct assigned_interface *interface = &a->interfaces[i];

		err = check_name(interface->name, "the name of an interface", e);
		if (!err)
			err = check_roles(interface->roles, "the roles of an interface", e);
		if (!err && find_interface(a->interfaces, i, interface->name))
			err = error_set(e, E_DUPLICATE, "interface %.*s is there twice",
				shown(interface->name), (const char *)interface->name.data);
		if (err)
			return err;
		pri_init(&pri, PIB_copsecAssignmentInterface, (uint32_t)i + 1);
		pri_set_octets(&pri, copsecAssignmentInterfaceInterface, interface->name);
		pri_set_octets(&pri, copsecAssignmentInterfaceRoles, interface->roles);
		err = pri_put(out, &pri, e);
	}
	return err;
}

static enum err write_assignment(const struct assignment *a, struct buffer *out, struct error *e)
{
	struct pri pri;
	enum err err = check_name(a->tenant, "the tenant", e);

	if (!err)
		err = check_name(a->node, "the node", e);
	if (!err)
		err = check_key(a->report_key, "the report key's digest", e);
	if (!err)
		err = check_roles(a->roles, "the roles of the node", e);
	if (err)
		return err;
	pri_init(&pri, PIB_copsecAssignmentHead, HEAD_INSTANCE);
	pri_set_octets(&pri, copsecAssignmentHeadTenant, a->tenant);
	pri_set_octets(&pri, copsecAssignmentHeadNode, a->node);
	pri_set_octets(&pri, copsecAssignmentHeadNodeKey, VIEW(a->node_key, sizeof a->node_key));
	pri_set_octets(&pri, copsecAssignmentHeadReportKey, a->report_key);
	pri_set_octets(&pri, copsecAssignmentHeadRoles, a->roles);
	pri_set_u64(&pri, copsecAssignmentHeadSerial, a->serial);
	pri_set_u64(&pri, copsecAssignmentHeadLeastIndexSerial, a->least_index_serial);
	err = pri_put(out, &pri, e);
	return err ? err : write_interfaces(a, out, e);
}

static enum err read_interfaces(struct cursor *run, struct view content, struct arena *arena,
	struct assignment *a, struct error *e)
{
	size_t count = entries_of(content);
	struct assigned_interface *interfaces;
	struct pri pri;
	enum err err = check_count(count, ASSIGNMENT_INTERFACES_MAX, "interfaces", e);

	if (err)
		return err;
	interfaces = arena_calloc(arena, count, sizeof *interfaces);
	if (!interfaces)
		return error_set(e, E_MEMORY, "no memory for %zu interfaces", count);
	for (size_t i = 0; i < count; i++) {
		err = next_pri(run, PIB_copsecAssignmentInterface, (uint32_t)i + 1, &pri, e);
		if (err)
			return err;
		interfaces[i].name = pri_octets(&pri, copsecAssignmentInterfaceInterface);
		interfaces[i].roles = pri_octets(&pri, copsecAssignmentInterfaceRoles);
	}
	a->interfaces = interfaces;
	a->interface_count = count;
	return E_OK;
}

static enum err read_assignment(
	struct view content, struct arena *arena, struct assignment *a, struct error *e)
{
	struct cursor run = cursor_over(content);
	struct pri pri;
	enum err err = check_size(content, e);

	if (!err)
		err = next_pri(&run, PIB_copsecAssignmentHead, HEAD_INSTANCE, &pri, e);
	if (err)
		return err;
	*a = (struct assignment){
		.tenant = pri_octets(&pri, copsecAssignmentHeadTenant),
		.node = pri_octets(&pri, copsecAssignmentHeadNode),
		.report_key = pri_octets(&pri, copsecAssignmentHeadReportKey),
		.roles = pri_octets(&pri, copsecAssignmentHeadRoles),
		.serial = pri_u64(&pri, copsecAssignmentHeadSerial),
		.least_index_serial = pri_u64(&pri, copsecAssignmentHeadLeastIndexSerial),
	};
	copy_octets(a->node_key, sizeof a->node_key, pri_octets(&pri, copsecAssignmentHeadNodeKey));
	return read_interfaces(&run, content, arena, a, e);
}

enum err assignment_encode(const struct assignment *a, struct buffer *out, struct error *e)
{
	struct buffer part;

	buffer_init(&part, DOCUMENT_MAX);
	return encoded(write_assignment(a, &part, e), &part, "assignment", out, e);
}

enum err assignment_decode(struct view content, struct arena *arena,
	struct assignment *ret_assignment, struct error *e)
{
	struct assignment a;
	struct buffer again;
	enum err err;

	buffer_init(&again, DOCUMENT_MAX);
	err = read_assignment(content, arena, &a, e);
	if (!err)
		err = write_assignment(&a, &again, e);
	err = decoded(err, &again, "assignment", content, e);
	if (!err)
		*ret_assignment = a;
	return err;
}

struct view assignment_roles(const struct assignment *a, struct view interface)
{
	const struct assigned_interface *found =
		find_interface(a->interfaces, a->interface_count, interface);

	if (!found)
		found = find_interface(a->interfaces, a->interface_count, VIEW("*", 1));
	return found ? found->roles : VIEW_NONE;
}

bool assignment_demands(const struct assignment *a, struct view set_name)
{
	if (!set_name.len)
		return false;
	for (size_t i = 0; i < a->interface_count; i++)
		if (view_equal(a->interfaces[i].roles, set_name))
			return true;
	return view_equal(a->roles, set_name);
}

static enum err write_compliance(const struct compliance *c, struct buffer *out, struct error *e)
{
	struct pri pri;
	enum err err = check_name(c->node, "the node", e);

	if (err)
		return err;
	pri_init(&pri, PIB_copsecComplianceHead, HEAD_INSTANCE);
	pri_set_octets(&pri, copsecComplianceHeadNode, c->node);
	pri_set_u32(&pri, copsecComplianceHeadDecision, c->decision);
	pri_set_u64(&pri, copsecComplianceHeadIndexSerial, c->index_serial);
	pri_set_u64(&pri, copsecComplianceHeadTime, c->time);
	pri_set_octets(&pri, copsecComplianceHeadSession, binding_view(&c->session));
	err = pri_put(out, &pri, e);
	if (err)
		return err;
	return write_entries(&compliance_entry, c->sets, c->set_count, COMPLIANCE_SETS_MAX, out, e);
}

static enum err read_compliance(
	struct view content, struct arena *arena, struct compliance *c, struct error *e)
{
	struct cursor run = cursor_over(content);
	struct pri pri;
	enum err err = check_size(content, e);

	if (!err)
		err = next_pri(&run, PIB_copsecComplianceHead, HEAD_INSTANCE, &pri, e);
	if (err)
		return err;
	*c = (struct compliance){
		.node = pri_octets(&pri, copsecComplianceHeadNode),
		.decision = pri_u32(&pri, copsecComplianceHeadDecision),
		.index_serial = pri_u64(&pri, copsecComplianceHeadIndexSerial),
		.time = pri_u64(&pri, copsecComplianceHeadTime),
	};
	copy_octets(c->session.octets, sizeof c->session.octets,
		pri_octets(&pri, copsecComplianceHeadSession));
	return read_entries(&compliance_entry, &run, content, COMPLIANCE_SETS_MAX, arena, &c->sets,
		&c->set_count, e);
}

enum err compliance_encode(const struct compliance *c, struct buffer *out, struct error *e)
{
	struct buffer part;

	buffer_init(&part, DOCUMENT_MAX);
	return encoded(write_compliance(c, &part, e), &part, "compliance report", out, e);
}

enum err compliance_decode(struct view content, struct arena *arena,
	struct compliance *ret_compliance, struct error *e)
{
	struct compliance c;
	struct buffer again;
	enum err err;

	buffer_init(&again, DOCUMENT_MAX);
	err = read_compliance(content, arena, &c, e);
	if (!err)
		err = write_compliance(&c, &again, e);
	err = decoded(err, &again, "compliance report", content, e);
	if (!err)
		*ret_compliance = c;
	return err;
}
