/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "pib/framework/roles.h"
#include "pib/set/verification.h"

enum { SHOWN_ROOT = 8 /* octets */ };

static void verify_root(struct verification *v, size_t i)
{
	struct state_owner *o = v->owner;
	const struct manifest *m = &o->sets[i].manifest;
	char found[2 * SHOWN_ROOT + 1], wanted[2 * SHOWN_ROOT + 1];
	uint8_t root[PRI_STORE_ROOT];

	if (pri_store_slice(
		    v->rows, envelope_is_inside, m->block, block_last(m->block), &o->rows[i]) ||
		pri_store_root(o->rows[i], root)) {
		no_memory(v);
		return;
	}
	o->sets[i].rows = o->rows[i];
	if (!memcmp(root, m->root, sizeof root))
		return;
	hex_encode(found, VIEW(root, SHOWN_ROOT));
	hex_encode(wanted, VIEW(m->root, SHOWN_ROOT));
	refuse_document(v, &o->sets[i].envelope, DOCUMENT_ROOT, E_MISMATCH,
		"set %.*s: its %zu PRIs have root %s..., signed is %s...", NAME(m->name),
		pri_store_count(o->rows[i]), found, wanted);
}

void verify_roots(struct verification *v)
{
	for (size_t i = 0; i < v->owner->state.set_count; i++)
		verify_root(v, i);
}

static const char *difference(const struct set_entry *entry, const struct manifest *m)
{
	if (entry->serial != m->serial)
		return "";
	if (memcmp(entry->root, m->root, sizeof m->root))
		return " with another root";
	if (!view_equal(entry->node, m->node))
		return " for another node";
	return view_equal(set_entry_roles(entry), m->roles) ? NULL : " for other roles";
}

/* Is a set of another authority than home for the node, or for one of its interfaces? */
static bool is_for_node(const struct assignment *a, const struct set_entry *entry)
{
	struct view pattern = set_entry_roles(entry);
	bool fits = a->roles.len && role_pattern_matches(pattern, a->roles);

	if (entry->node.len && !view_equal(entry->node, VIEW(a->node_key, sizeof a->node_key)))
		return false;
	for (size_t i = 0; i < a->interface_count && !fits; i++)
		fits = a->interfaces[i].roles.len &&
		       role_pattern_matches(pattern, a->interfaces[i].roles);
	return fits;
}

static bool is_demanded(const struct assignment *a, const struct state_voice *voice,
	const struct set_entry *entry, const struct manifest *m)
{
	return m->authority == AUTHORITY_HOME ? assignment_demands(a, &voice->index, m)
					      : entry && is_for_node(a, entry);
}

static void verify_set_is_listed(struct verification *v, const struct state_set *set)
{
	const struct state *s = &v->owner->state;
	const struct manifest *m = &set->manifest;
	const struct state_voice *voice = state_voice(s, m->authority);
	const struct set_entry *entry = set_index_find(&voice->index, m->name);

	if (!entry)
		refuse_document(v, &set->envelope, DOCUMENT_INDEX, E_UNEXPECTED,
			"set %.*s is not in the index", NAME(m->name));
	else if (difference(entry, m))
		refuse_document(v, &set->envelope, DOCUMENT_INDEX, E_MISMATCH,
			"set %.*s has serial %llu, the index names serial %llu%s", NAME(m->name),
			(unsigned long long)m->serial, (unsigned long long)entry->serial,
			difference(entry, m));
	if (v->node && !is_demanded(&s->assignments[0].assignment, voice, entry, m))
		refuse_document(v, &set->envelope, DOCUMENT_NODE, E_UNEXPECTED,
			"set %.*s is for none of this node's roles", NAME(m->name));
}

static void verify_demand(struct verification *v, const struct assignment *a, struct view roles)
{
	const struct state *s = &v->owner->state;
	const struct set_entry *entry = assignment_set(a, &s->home.index, roles);
	struct view name = entry ? entry->name : roles;

	if (roles.len && !(entry && state_find_set(s, AUTHORITY_HOME, name)))
		refuse_row(v, &s->home.index_envelope.prid, PIB_FAULT_REFERENCE,
			envelope_attribute(s->home.index_envelope.prid.class), E_MISSING,
			"set %.*s is missing, but the assignment of %.*s demands it", NAME(name),
			NAME(a->node));
}

static void verify_demands(struct verification *v, const struct assignment *a)
{
	verify_demand(v, a, a->roles);
	for (size_t i = 0; i < a->interface_count; i++) {
		struct view roles = a->interfaces[i].roles;
		bool said = view_equal(roles, a->roles);

		for (size_t j = 0; j < i && !said; j++)
			said = view_equal(roles, a->interfaces[j].roles);
		if (!said)
			verify_demand(v, a, roles);
	}
}

static bool is_for_some_node(const struct state *s, const struct set_entry *entry)
{
	for (size_t i = 0; i < s->assignment_count; i++) {
		const struct assignment *a = &s->assignments[i].assignment;

		if (view_equal(entry->node, VIEW(a->node_key, sizeof a->node_key)))
			return assignment_has_roles(a, entry->roles);
	}
	return false;
}

static void set_is_missing(
	struct verification *v, const struct state_voice *voice, const struct set_entry *entry)
{
	const struct prid *prid = &voice->index_envelope.prid;

	refuse_row(v, prid, PIB_FAULT_REFERENCE, envelope_attribute(prid->class), E_MISSING,
		"set %.*s is missing, but the index of authority %s names it", NAME(entry->name),
		authority_name(voice->authority));
}

static void verify_index_is_met(struct verification *v)
{
	const struct state *s = &v->owner->state;
	const struct state_voice *voice = &s->home;

	for (size_t i = 0; i < voice->index.entry_count; i++) {
		const struct set_entry *entry = &voice->index.entries[i];

		if (!state_find_set(s, voice->authority, entry->name))
			set_is_missing(v, voice, entry);
		if (voice->authority == AUTHORITY_HOME && entry->node.len &&
			!is_for_some_node(s, entry))
			refuse_document(v, &voice->index_envelope, DOCUMENT_NODE, E_MISMATCH,
				"set %.*s is for a node that no assignment names with roles %.*s",
				NAME(entry->name), NAME(entry->roles));
	}
}

/* All that another authority has for this node. */
static void verify_voice_is_whole(struct verification *v, const struct state_voice *voice)
{
	const struct state *s = &v->owner->state;

	for (size_t i = 0; i < voice->index.entry_count; i++) {
		const struct set_entry *entry = &voice->index.entries[i];

		if (is_for_node(&s->assignments[0].assignment, entry) &&
			!state_find_set(s, voice->authority, entry->name))
			set_is_missing(v, voice, entry);
	}
}

static bool may_still_speak(const struct verification *v, const struct state_voice *voice)
{
	for (size_t i = 0; i < v->leave.authority_count; i++)
		if (v->leave.authorities[i].authority == voice->authority &&
			view_equal(v->leave.authorities[i].name, voice->name))
			return true;
	return false;
}

/* Whoever serves the sets can withhold news, but not take away what is in force: an authority falls
 * silent by its own signature, by home's, or by the end of what it was lent. A network that is
 * visited is left without its leave. */
static void verify_nobody_is_silenced(struct verification *v)
{
	const struct state *old = v->terms->in_force;

	for (size_t i = 0; old && i < old->other_count; i++) {
		const struct state_voice *before = &old->others[i];
		const struct state_voice *now = state_voice(&v->owner->state, before->authority);
		const struct delegation *d = before->delegation;

		if ((now && view_equal(now->name, before->name)) || !may_still_speak(v, before) ||
			before->authority == AUTHORITY_VISITED ||
			(d && v->terms->now_utc > d->not_after))
			continue;
		refuse_row(v, &before->index_envelope.prid, PIB_FAULT_REFERENCE, 0, E_MISSING,
			"what authority %s (%.*s) says is in force, and missing here",
			authority_name(before->authority), NAME(before->name));
	}
}

static bool has_block(const struct state *s, uint32_t block)
{
	for (size_t i = 0; i < s->set_count; i++)
		if (s->sets[i].manifest.block == block)
			return true;
	return false;
}

static void verify_no_strays(struct verification *v)
{
	const struct state *s = &v->owner->state;
	char name[PRID_TEXT_SIZE];
	struct pri_row row;

	for (struct pri_cursor c = pri_store_all(v->rows); pri_store_next(&c, &row);) {
		if (!envelope_is_inside(row.prid.class) ||
			has_block(s, block_with(row.prid.instance)))
			continue;
		prid_format(&row.prid, name);
		refuse_row(v, &row.prid, PIB_FAULT_INSTANCE, 0, E_UNEXPECTED,
			"%s lies in block %#x, which belongs to no set here", name,
			block_with(row.prid.instance));
	}
}

void verify_completeness(struct verification *v)
{
	const struct state *s = &v->owner->state;

	for (size_t i = 0; i < s->set_count; i++)
		if (state_find_set(s, s->sets[i].manifest.authority, s->sets[i].manifest.name) !=
			&s->sets[i])
			refuse_document(v, &s->sets[i].envelope, DOCUMENT_INDEX, E_DUPLICATE,
				"set %.*s is there twice", NAME(s->sets[i].manifest.name));
	for (size_t i = 0; i < s->set_count; i++)
		verify_set_is_listed(v, &s->sets[i]);
	for (size_t i = 0; i < s->assignment_count; i++)
		verify_demands(v, &s->assignments[i].assignment);
	if (!v->node)
		verify_index_is_met(v);
	for (size_t i = 0; i < s->other_count; i++)
		verify_voice_is_whole(v, &s->others[i]);
	if (v->node)
		verify_nobody_is_silenced(v);
	verify_no_strays(v);
}

/* A rule of another role combination than its set would be a rule for nobody. */
static void check_roles(struct verification *v, const struct state_set *set)
{
	static const struct {
		enum pib_class_id class;
		uint8_t attribute;
	} with_roles[] = {
		{PIB_ipSecRule, ipSecRuleRoles},
		{PIB_ipSecIkeRule, ipSecIkeRuleRoles},
	};
	struct pri_row row;
	struct pri pri;

	for (size_t i = 0; i < sizeof with_roles / sizeof with_roles[0]; i++) {
		unsigned attribute = with_roles[i].attribute;

		for (struct pri_cursor c = pri_store_class(set->rows, with_roles[i].class);
			pri_store_next(&c, &row);) {
			if (!pri_store_get(
				    set->rows, row.prid.class->id, row.prid.instance, &pri) ||
				view_equal(pri_octets(&pri, attribute), set->manifest.roles))
				continue;
			refuse_row(v, &row.prid, PIB_FAULT_VALUE, attribute, E_MISMATCH,
				"set %.*s: %s.%u has roles other than those of the set",
				NAME(set->manifest.name), row.prid.class->name, row.prid.instance);
		}
	}
}

#define BY(authority) (1u << AUTHORITY_##authority)

/* What only some may say; rules anybody. */
static const struct {
	enum pib_class_id class;
	unsigned who;
} reserved[] = {
	{PIB_copsecGroup, BY(HOME)},
	{PIB_copsecGroupMember, BY(DIRECTORY)},
	{PIB_copsecPeer, BY(HOME)},
	{PIB_copsecPeerKey, BY(HOME) | BY(DIRECTORY)},
	{PIB_copsecSecret, BY(HOME)},
	{PIB_copsecOffer, BY(HOME)},
	{PIB_copsecCredential, BY(HOME)},
	{PIB_ipSecCredential, BY(HOME)},
	{PIB_ipSecCredentialSet, BY(HOME)},
	{PIB_ipSecCredentialFields, BY(HOME)},
	{PIB_copsecEvidence, BY(RESPONDER)},
};

static bool may_say(enum authority authority, const struct pib_class *class)
{
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (reserved[i].class == class->id)
			return reserved[i].who >> authority & 1;
	return authority != AUTHORITY_DIRECTORY;
}

/* Others never name endpoints' keys or credentials, and a directory makes no rules. */
static void check_classes(struct verification *v, const struct state_set *set)
{
	const struct manifest *m = &set->manifest;
	char name[PRID_TEXT_SIZE];
	struct pri_row row;

	for (struct pri_cursor c = pri_store_all(set->rows); pri_store_next(&c, &row);) {
		if (may_say(m->authority, row.prid.class))
			continue;
		prid_format(&row.prid, name);
		refuse_row(v, &row.prid, PIB_FAULT_INSTANCE, 0, E_DENIED,
			"set %.*s: %s is not for authority %s to say", NAME(m->name), name,
			authority_name(m->authority));
	}
}

/* The rows of the set in force that this one replaces; NULL if it is a new one. */
static const struct pri_store *rows_before(const struct verification *v, const struct manifest *m)
{
	const struct state_set *set = NULL;

	if (v->terms->in_force)
		set = state_find_set(v->terms->in_force, m->authority, m->name);
	return set && set->manifest.block == m->block ? set->rows : NULL;
}

void check_sets(struct verification *v)
{
	const struct state *s = &v->owner->state;

	for (size_t i = 0; i < s->set_count; i++) {
		const struct state_set *set = &s->sets[i];
		struct pri_bounds bounds = {
			set->manifest.block + 1, block_last(set->manifest.block)};
		struct error e;

		if (pri_store_check_change(rows_before(v, &set->manifest), set->rows, bounds,
			    v->failures, &e)) {
			error_prefix(&e, "set %.*s", NAME(set->manifest.name));
			if (!v->err) {
				*v->e = e;
				v->err = e.code;
			}
		}
		check_roles(v, set);
		check_classes(v, set);
	}
}
