/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/state.h"

#include <stdio.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pib/schema/subcode.h"
#include "pib/set/verification.h"
#include "tests/pib/set/world.h"
#include "tests/suite.h"

enum { BIG = 1 << 26 };

static struct error error;
static struct pri_failures failures;

static struct view text(const char *s)
{
	return view_of_string(s);
}

/* In three pieces that are cut between rows, as net would pass them on; the last one first. */
static enum err build(struct view run, struct pri_store **ret_store)
{
	struct cursor c = cursor_over(run);
	size_t cuts[4] = {0, 0, 0, run.len};
	struct view pieces[3];
	struct pr_object object;

	for (size_t n = 0; cursor_left(&c) && !pr_next(&c, &object); n++) {
		if (n == 9)
			cuts[1] = cuts[2] = c.at;
		if (n == 19)
			cuts[2] = c.at;
	}
	for (size_t i = 0; i < 3; i++)
		pieces[2 - i] = VIEW(run.data + cuts[i], cuts[i + 1] - cuts[i]);
	return pri_store_build(pieces, 3, ret_store, &failures, &error);
}

static enum err verify_octets(
	const struct world *w, bool bundle, struct view run, struct state **ret_state)
{
	struct pri_store *rows;
	enum err err;

	pri_failures_init(&failures);
	err = build(run, &rows);
	if (err)
		return err;
	err = bundle ? state_verify_bundle(rows, &w->terms, ret_state, &failures, &error)
		     : state_verify_node(rows, &w->terms, &w->node, ret_state, &failures, &error);
	/* A state must not need the rows any more. */
	pri_store_free(rows);
	return err;
}

static void put_run(struct world *w, bool bundle, struct buffer *out)
{
	struct bundle b;
	struct arena arena;
	struct buffer rows;

	if (!bundle) {
		world_node(w, out);
		return;
	}
	arena_init(&arena, BIG);
	buffer_init(&rows, BIG);
	world_bundle(w, &arena, &rows, &b);
	/* Not by bundle_write_objects(), which would refuse what is tried here. */
	if (w->index_document.sent)
		bundle_put_index(AUTHORITY_HOME, b.index, out);
	for (size_t i = 0; i < b.assignment_count; i++)
		bundle_put_assignment((uint32_t)i + 1, b.assignments[i], out);
	for (size_t i = 0; i < b.set_count; i++) {
		bundle_put_policy_set(b.sets[i].block, b.sets[i].cms, out);
		buffer_put_view(out, b.sets[i].rows);
	}
	buffer_put_view(out, buffer_view(&w->more));
	arena_fini(&arena);
	buffer_fini(&rows);
}

/* A node gets its own: gw1's assignment, the sets gateway and lan. */
static struct world *node_world(void)
{
	struct world *w = world_new();

	w->assignment_documents[ALICE].sent = false;
	w->set_documents[HOST].sent = false;
	return w;
}

static void add_floor(struct world *w, bool set, const char *name, uint64_t serial)
{
	static struct serial_floor floors[3];
	static struct serial_floors all;

	/* Others around it, out of order. */
	floors[0] = (struct serial_floor){text(name), serial};
	floors[1] = (struct serial_floor){text("aardvark"), 99};
	floors[2] = (struct serial_floor){text("zebra"), 99};
	all = (struct serial_floors){0};
	if (set) {
		all.sets = floors;
		all.set_count = 3;
	} else {
		all.assignments = floors;
		all.assignment_count = 3;
	}
	w->terms.floors = &all;
}

static void index_floor(struct world *w, uint64_t serial)
{
	static struct serial_floors all;

	all = (struct serial_floors){.index = serial};
	w->terms.floors = &all;
}

static void put_more(struct world *w, enum pib_class_id class, uint32_t instance)
{
	struct rows r = {.count = 0};

	rows_add(&r, class, instance);
	rows_put(&r, &w->more);
	rows_fini(&r);
}

/* Nothing. */
static void nothing(struct world *w)
{
	(void)w;
}

/* Signatures. */
static void index_unsigned(struct world *w)
{
	w->index_document.signers = 0;
}

static void index_one_signer(struct world *w)
{
	w->index_document.signers = 1;
}

static void index_other_two(struct world *w)
{
	w->index_document.signers = 2 | 4;
}

static void index_one_and_a_stranger(struct world *w)
{
	w->index_document.signers = 1 | 8;
}

static void set_one_signer(struct world *w)
{
	w->set_documents[LAN].signers = 4;
}

static void assignment_by_a_stranger(struct world *w)
{
	w->assignment_documents[GW1].signers = 8;
}

static void index_is_a_manifest(struct world *w)
{
	buffer_reset(&w->index_document.cms);
	buffer_put_view(&w->index_document.cms, buffer_view(&w->set_documents[LAN].cms));
}

static void set_is_no_cms(struct world *w)
{
	buffer_reset(&w->set_documents[LAN].cms);
	buffer_put_text(&w->set_documents[LAN].cms, "not a signed document");
}

/* Whose. */
static void tenant_demanded(struct world *w)
{
	w->terms.tenant = text("acme");
}

static void other_tenant_demanded(struct world *w)
{
	w->terms.tenant = text("umbrella");
}

static void set_of_other_tenant(struct world *w)
{
	w->manifests[LAN].tenant = text("umbrella");
}

static void assignment_of_other_tenant(struct world *w)
{
	w->assignments[GW1].tenant = text("umbrella");
}

static void other_node_key(struct world *w)
{
	w->pin.sha256[31] ^= 1;
}

static void other_pepid(struct world *w)
{
	w->node.pepid = text("gw2");
}

static void assignment_at_another_place(struct world *w)
{
	w->assignment_documents[GW1].sent = false;
	w->assignment_documents[ALICE].sent = true;
}

static void operator_speaks(struct world *w)
{
	struct manifest *m = &w->manifests[LAN];

	m->authority = AUTHORITY_OPERATOR;
	m->block = w->envelope_blocks[LAN] = block_of(AUTHORITY_OPERATOR, 2);
	rows_policy(w->rows[LAN], m->block, "lan");
}

static void manifests_swapped(struct world *w)
{
	w->envelope_blocks[LAN] = w->manifests[GATEWAY].block;
	w->envelope_blocks[GATEWAY] = w->manifests[LAN].block;
}

static void overlapping_blocks(struct world *w)
{
	w->manifests[LAN].block = w->manifests[GATEWAY].block;
}

/* gw1 gets lan as a set of its own, in place of a common one. */
static void set_of_one_node(struct world *w)
{
	w->manifests[LAN].node = VIEW(w->assignments[GW1].node_key, NODE_KEY);
	w->manifests[LAN].name = text("lan@gw1");
}

static void set_of_another_node(struct world *w)
{
	static const uint8_t other[NODE_KEY] = {1};

	w->manifests[LAN].node = VIEW(other, sizeof other);
	w->manifests[LAN].name = text("lan@other");
}

static void set_of_a_node_without_the_roles(struct world *w)
{
	w->manifests[LAN].node = VIEW(w->assignments[ALICE].node_key, NODE_KEY);
	w->manifests[LAN].name = text("lan@alice");
}

static void index_names_another_node(struct world *w)
{
	w->entries[LAN].node = VIEW(w->assignments[ALICE].node_key, NODE_KEY);
}

/* The common set beside the one for gw1 alone. */
static void common_set_too(struct world *w)
{
	w->manifests[HOST].node = VIEW(w->assignments[GW1].node_key, NODE_KEY);
	w->manifests[HOST].name = text("lan@gw1");
	w->manifests[HOST].roles = text("lan");
	rows_policy(w->rows[HOST], w->manifests[HOST].block, "lan");
	w->set_documents[HOST].sent = true;
}

static void common_set_instead(struct world *w)
{
	common_set_too(w);
	w->set_documents[HOST].sent = false;
}

static void own_set_instead(struct world *w)
{
	common_set_too(w);
	w->set_documents[LAN].sent = false;
}

static void same_node_twice(struct world *w)
{
	w->assignments[ALICE].node = text("gw1");
}

static void same_key_twice(struct world *w)
{
	memcpy(w->assignments[ALICE].node_key, w->assignments[GW1].node_key, NODE_KEY);
}

/* Serials. */
static void index_as_before(struct world *w)
{
	index_floor(w, 20);
}

static void index_older(struct world *w)
{
	index_floor(w, 21);
}

static void set_as_before(struct world *w)
{
	add_floor(w, true, "lan", 12);
}

static void set_older(struct world *w)
{
	add_floor(w, true, "lan", 13);
}

static void assignment_as_before(struct world *w)
{
	add_floor(w, false, "gw1", 5);
}

static void assignment_older(struct world *w)
{
	add_floor(w, false, "gw1", 6);
}

static void index_below_assignment(struct world *w)
{
	w->assignments[GW1].least_index_serial = 21;
}

/* Validity. */
static void last_second(struct world *w)
{
	w->terms.now_utc = NOW + 1000;
}

static void first_second(struct world *w)
{
	w->terms.now_utc = NOW - 1000;
}

static void too_late(struct world *w)
{
	w->terms.now_utc = NOW + 1001;
}

static void too_early(struct world *w)
{
	w->terms.now_utc = NOW - 1001;
}

static void set_expired(struct world *w)
{
	w->manifests[LAN].not_after = NOW - 1;
}

static void expired_but_from_disk(struct world *w)
{
	too_late(w);
	w->terms.from_disk = true;
}

/* Roots. */
static void row_changed(struct world *w)
{
	pri_set_u32(rows_get(w->rows[LAN], PIB_ipSecL4Port, w->manifests[LAN].block + 1),
		ipSecL4PortPortMax, 81);
}

static void row_removed(struct world *w)
{
	rows_drop(w->rows[LAN], PIB_copsecRule, w->manifests[LAN].block + 2);
}

static void row_added(struct world *w)
{
	put_more(w, PIB_ipSecL4Port, w->manifests[LAN].block + 50);
}

static void rows_of_another_set(struct world *w)
{
	rows_policy(w->rows[LAN], w->manifests[LAN].block, "gateway");
}

/* Completeness. */
static void set_missing(struct world *w)
{
	w->set_documents[LAN].sent = false;
	w->rows[LAN]->count = 0;
}

static void set_without_manifest(struct world *w)
{
	w->set_documents[LAN].sent = false;
	put_more(w, PIB_ipSecL4Port, w->manifests[LAN].block + 50);
}

static void set_not_in_the_index(struct world *w)
{
	w->entries[LAN] = w->entries[SETS - 1];
	w->index.entry_count--;
}

static void index_names_another_serial(struct world *w)
{
	w->entries[LAN].serial++;
}

static void index_names_another_root(struct world *w)
{
	w->entries[LAN].root[0] ^= 1;
}

static void set_for_nobody(struct world *w)
{
	w->set_documents[HOST].sent = true;
}

static void role_without_a_set(struct world *w)
{
	w->interfaces[GW1].roles = text("server");
	w->set_documents[LAN].sent = false;
}

static void index_names_one_more(struct world *w)
{
	w->entries[SETS] = (struct set_entry){.name = text("server"), .serial = 1};
	w->index.entry_count++;
}

static void name_twice(struct world *w)
{
	w->manifests[HOST].name = w->manifests[HOST].roles = text("lan");
	w->manifests[HOST].serial = w->manifests[LAN].serial;
	w->set_documents[HOST].sent = true;
}

static void name_twice_in_rows(struct world *w)
{
	/* The index can name one of them only. */
	w->entries[HOST] = (struct set_entry){.name = text("host"), .serial = 11};
}

static void stray_row(struct world *w)
{
	put_more(w, PIB_ipSecL4Port, block_of(AUTHORITY_HOME, 9) + 1);
}

/* What stands around the sets. */
static void no_index(struct world *w)
{
	w->index_document.sent = false;
}

static void second_index(struct world *w)
{
	put_more(w, PIB_copsecIndex, 2);
}

static void no_assignment(struct world *w)
{
	w->assignment_documents[GW1].sent = false;
}

static void second_assignment(struct world *w)
{
	w->assignment_documents[ALICE].sent = true;
}

static void bare_manifest(struct world *w)
{
	put_more(w, PIB_copsecManifest, 1);
}

static void roles_by_the_pdp(struct world *w)
{
	put_more(w, PIB_frwkRoleCombo, 1);
}

static void serial_beside_the_signature(struct world *w)
{
	struct pri p;

	pri_init(&p, PIB_copsecPolicySet, block_of(AUTHORITY_HOME, 9) + 1);
	pri_set_octets(&p, copsecPolicySetSigned, buffer_view(&w->set_documents[LAN].cms));
	pri_set_u64(&p, copsecPolicySetSerial, 99);
	ck_assert_int_eq(pri_put(&w->more, &p, &error), E_OK);
}

/* The PRIs. */
static void dangling_reference(struct world *w)
{
	rows_drop(w->rows[LAN], PIB_ipSecStaticAction, w->manifests[LAN].block + 1);
}

static void rule_of_other_roles(struct world *w)
{
	pri_set_text(rows_get(w->rows[LAN], PIB_ipSecRule, w->manifests[LAN].block + 2),
		ipSecRuleRoles, "host");
}

static void tag_of_another_block(struct world *w)
{
	pri_set_u32(rows_get(w->rows[LAN], PIB_ipSecAddress, w->manifests[LAN].block + 1),
		ipSecAddressGroupId, w->manifests[GATEWAY].block + 1);
}

static void row_of_another_block(struct world *w)
{
	rows_add(w->rows[LAN], PIB_ipSecL4Port, block_of(AUTHORITY_HOME, 9) + 1);
}

static void set_without_rows(struct world *w)
{
	w->rows[LAN]->count = 0;
}

/* Which of the two verifications a row concerns. */
enum { NODE = 1, BUNDLE = 2, BOTH = 3 };

static const struct variation {
	const char *name;
	unsigned where;
	void (*values)(struct world *w);    /* before roots are computed: all agrees */
	void (*documents)(struct world *w); /* before signing */
	void (*sent)(struct world *w);      /* after signing */
	enum err err;
	const char *text;
	enum pib_class_id class; /* of the first PRI that the report names */
} variations[] = {
#define V(name, where, values, documents, sent, ...)                                               \
	{                                                                                          \
		name, where, values, documents, sent, __VA_ARGS__                                  \
	}
	V("sound", BOTH, nothing, nothing, nothing, E_OK, NULL, 0),
	V("two other signers", BOTH, index_other_two, nothing, nothing, E_OK, NULL, 0),
	V("tenant as demanded", BOTH, tenant_demanded, nothing, nothing, E_OK, NULL, 0),
	V("index at its floor", BOTH, index_as_before, nothing, nothing, E_OK, NULL, 0),
	V("set at its floor", BOTH, set_as_before, nothing, nothing, E_OK, NULL, 0),
	V("assignment at its floor", BOTH, assignment_as_before, nothing, nothing, E_OK, NULL, 0),
	V("last second", BOTH, last_second, nothing, nothing, E_OK, NULL, 0),
	V("first second", BOTH, first_second, nothing, nothing, E_OK, NULL, 0),
	V("expired, from disk", BOTH, expired_but_from_disk, nothing, nothing, E_OK, NULL, 0),
	V("empty set", BOTH, set_without_rows, nothing, nothing, E_OK, NULL, 0),

	V("unsigned index", BOTH, index_unsigned, nothing, nothing, E_UNTRUSTED,
		"copsecIndex.1: ", PIB_copsecIndex),
	V("one signer", BOTH, index_one_signer, nothing, nothing, E_UNTRUSTED,
		"copsecIndex.1: ", PIB_copsecIndex),
	V("one signer and a stranger", BOTH, index_one_and_a_stranger, nothing, nothing,
		E_UNTRUSTED, "copsecIndex.1: ", PIB_copsecIndex),
	V("one signer of a set", BOTH, set_one_signer, nothing, nothing, E_UNTRUSTED,
		"copsecPolicySet.2097153: ", PIB_copsecPolicySet),
	V("stranger signs assignment", BOTH, assignment_by_a_stranger, nothing, nothing,
		E_UNTRUSTED, "copsecAssignment.1: ", PIB_copsecAssignment),
	V("index is a manifest", BOTH, nothing, nothing, index_is_a_manifest, E_UNKNOWN,
		"copsecIndex.1: index: ", PIB_copsecIndex),
	V("no CMS", BOTH, nothing, nothing, set_is_no_cms, E_TYPE,
		"copsecPolicySet.2097153: ", PIB_copsecPolicySet),

	V("other tenant demanded", BOTH, other_tenant_demanded, nothing, nothing, E_MISMATCH,
		"the index is of tenant acme, not of umbrella", PIB_copsecIndex),
	V("set of another tenant", BOTH, set_of_other_tenant, nothing, nothing, E_MISMATCH,
		"set lan is of tenant umbrella, the index of acme", PIB_copsecPolicySet),
	V("assignment of another tenant", BOTH, assignment_of_other_tenant, nothing, nothing,
		E_MISMATCH, "the assignment of gw1 is of tenant umbrella, the index of acme",
		PIB_copsecAssignment),
	V("other key", NODE, other_node_key, nothing, nothing, E_MISMATCH,
		"the assignment is for the key sha256:40", PIB_copsecAssignment),
	V("other PEPID", NODE, other_pepid, nothing, nothing, E_MISMATCH,
		"the assignment is for node gw1, not for gw2", PIB_copsecAssignment),
	V("assignment at another place", NODE, assignment_at_another_place, nothing, nothing,
		E_MISSING, "copsecAssignment.1 is missing", PIB_copsecAssignment),
	V("operator", BOTH, operator_speaks, nothing, nothing, E_DENIED,
		"lies in a block of authority operator, which has no index here", PIB_copsecPolicySet),
	V("manifests swapped", BOTH, nothing, nothing, manifests_swapped, E_CONFLICT,
		"but its manifest stands at copsecPolicySet.", PIB_copsecPolicySet),
	V("overlapping blocks", BOTH, nothing, overlapping_blocks, nothing, E_CONFLICT,
		"set lan owns block 0, but its manifest stands at copsecPolicySet.2097153",
		PIB_copsecPolicySet),
	V("set of one node", BOTH, set_of_one_node, nothing, nothing, E_OK, NULL, 0),
	V("set of another node", NODE, set_of_another_node, nothing, nothing, E_DENIED,
		"set lan@other is for another node", PIB_copsecPolicySet),
	V("set of no node", BUNDLE, set_of_another_node, nothing, nothing, E_MISSING,
		"set lan is missing, but the assignment of gw1 demands it", PIB_copsecIndex),
	V("set of a node without the roles", BUNDLE, set_of_a_node_without_the_roles, nothing,
		nothing, E_MISSING, "set lan is missing, but the assignment of gw1 demands it",
		PIB_copsecIndex),
	V("index names another node", BOTH, set_of_one_node, index_names_another_node, nothing,
		E_MISMATCH, "the index names serial 12 for another node", PIB_copsecPolicySet),
	V("common set in place of its own", NODE, common_set_instead, nothing, nothing,
		E_UNEXPECTED, "set lan is for none of this node's roles", PIB_copsecPolicySet),
	V("common set beside its own", NODE, common_set_too, nothing, nothing, E_UNEXPECTED,
		"set lan is for none of this node's roles", PIB_copsecPolicySet),
	V("its own set in place of the common one", NODE, own_set_instead, nothing, nothing, E_OK,
		NULL, 0),
	V("node twice", BUNDLE, same_node_twice, nothing, nothing, E_DUPLICATE,
		"the assignments of gw1 and gw1 are for the same node", PIB_copsecAssignment),
	V("key twice", BUNDLE, same_key_twice, nothing, nothing, E_DUPLICATE,
		"are for the same key", PIB_copsecAssignment),

	V("older index", BOTH, index_older, nothing, nothing, E_STALE,
		"the index has serial 20, but 21 was accepted before", PIB_copsecIndex),
	V("older set", BOTH, set_older, nothing, nothing, E_STALE,
		"set lan has serial 12, but 13 was accepted before", PIB_copsecPolicySet),
	V("older assignment", BOTH, assignment_older, nothing, nothing, E_STALE,
		"the assignment of gw1 has serial 5, but 6 was accepted before",
		PIB_copsecAssignment),
	V("index below what is asked for", BOTH, index_below_assignment, nothing, nothing, E_STALE,
		"the index has serial 20, but the assignment of gw1 asks for 21 at least",
		PIB_copsecIndex),

	V("too late", BOTH, too_late, nothing, nothing, E_EXPIRED,
		"the index is not valid after 2027-01-15T08:16:40Z, and it is 2027-01-15T08:16:41Z", PIB_copsecIndex),
	V("too early", BOTH, too_early, nothing, nothing, E_EXPIRED,
		"the index is not valid before 2027-01-15T07:43:20Z, and it is 2027-01-15T07:43:19Z", PIB_copsecIndex),
	V("set expired", BOTH, set_expired, nothing, nothing, E_EXPIRED,
		"set lan is not valid after 2027-01-15T07:59:59Z", PIB_copsecPolicySet),

	V("row changed", BOTH, nothing, nothing, row_changed, E_MISMATCH, "PRIs have root ",
		PIB_copsecPolicySet),
	V("row removed", BOTH, nothing, nothing, row_removed, E_MISMATCH, "PRIs have root ",
		PIB_copsecPolicySet),
	V("row added", BOTH, nothing, nothing, row_added, E_MISMATCH, "PRIs have root ",
		PIB_copsecPolicySet),
	V("other rows", BOTH, nothing, nothing, rows_of_another_set, E_MISMATCH, "PRIs have root ",
		PIB_copsecPolicySet),

	V("set missing", BOTH, nothing, nothing, set_missing, E_MISSING,
		"set lan is missing, but the assignment of gw1 demands it", PIB_copsecIndex),
	V("manifest missing", NODE, nothing, nothing, set_without_manifest, E_MISSING,
		"set lan is missing, but the assignment of gw1 demands it", PIB_copsecIndex),
	V("set not in the index", BOTH, nothing, set_not_in_the_index, nothing, E_UNEXPECTED,
		"set lan is not in the index", PIB_copsecPolicySet),
	V("index names another serial", BOTH, nothing, index_names_another_serial, nothing,
		E_MISMATCH, "set lan has serial 12, the index names serial 13",
		PIB_copsecPolicySet),
	V("index names another root", BOTH, nothing, index_names_another_root, nothing, E_MISMATCH,
		"set lan has serial 12, the index names serial 12 with another root",
		PIB_copsecPolicySet),
	V("set for nobody", NODE, set_for_nobody, nothing, nothing, E_UNEXPECTED,
		"set host is for none of this node's roles", PIB_copsecPolicySet),
	V("role without a set", BOTH, role_without_a_set, nothing, nothing, E_MISSING,
		"set server is missing, but the assignment of gw1 demands it", PIB_copsecIndex),
	V("index names one more", BUNDLE, nothing, index_names_one_more, nothing, E_MISSING,
		"set server is missing, but the index of authority home names it", PIB_copsecIndex),
	V("name twice", BOTH, name_twice, name_twice_in_rows, nothing, E_DUPLICATE,
		"set lan is there twice", PIB_copsecPolicySet),
	V("stray row", BOTH, nothing, nothing, stray_row, E_UNEXPECTED,
		"ipSecL4Port.9437185 lies in block 0x900000, which belongs to no set here",
		PIB_ipSecL4Port),
	V("row of another block, signed", BOTH, row_of_another_block, nothing, nothing, E_MISMATCH,
		"PRIs have root ", PIB_copsecPolicySet),

	V("no index", BOTH, no_index, nothing, nothing, E_MISSING, "copsecIndex.1 is missing",
		PIB_copsecIndex),
	V("second index", BUNDLE, second_index, nothing, nothing, E_DUPLICATE,
		"there is another copsecIndex beside copsecIndex.1", PIB_copsecIndex),
	V("no assignment", NODE, no_assignment, nothing, nothing, E_MISSING,
		"copsecAssignment.1 is missing", PIB_copsecAssignment),
	V("second assignment", NODE, second_assignment, nothing, nothing, E_DUPLICATE,
		"2 assignments, but a node has one", PIB_copsecAssignment),
	V("bare manifest", BOTH, bare_manifest, nothing, nothing, E_UNEXPECTED,
		"copsecManifest.1 has no place in a policy", PIB_copsecManifest),
	V("role combination by the PDP", BOTH, roles_by_the_pdp, nothing, nothing, E_UNEXPECTED,
		"frwkRoleCombo.1 has no place in a policy", PIB_frwkRoleCombo),
	V("serial beside the signature", BOTH, nothing, nothing, serial_beside_the_signature,
		E_RANGE, "copsecPolicySetName is not signed", PIB_copsecPolicySet),

	V("dangling reference", BOTH, dangling_reference, nothing, nothing, E_REFERENCE,
		"set lan: ipSecActionSet.2097153: ipSecActionSetActionId: there is no "
		"ipSecStaticAction.2097153 in the set",
		PIB_ipSecActionSet),
	V("rule of other roles", BOTH, rule_of_other_roles, nothing, nothing, E_MISMATCH,
		"set lan: ipSecRule.2097154 has roles other than those of the set", PIB_ipSecRule),
	V("tag of another block", BOTH, tag_of_another_block, nothing, nothing, E_RANGE,
		"set lan: ipSecAddress.2097153: ipSecAddressGroupId 1 lies outside",
		PIB_ipSecAddress),
#undef V
};

enum { VARIATIONS = sizeof variations / sizeof variations[0] };

/* What has an error of its own in the INSTALL-ERRORS of the class, and so CPERR 13. */
static const struct declared {
	const char *variation;
	enum document_error what;
} declared[] = {
	{"unsigned index", DOCUMENT_SIGNERS},
	{"one signer", DOCUMENT_SIGNERS},
	{"one signer and a stranger", DOCUMENT_SIGNERS},
	{"one signer of a set", DOCUMENT_SIGNERS},
	{"stranger signs assignment", DOCUMENT_SIGNERS},
	{"index is a manifest", DOCUMENT_CONTENT},
	{"no CMS", DOCUMENT_SIGNATURE},
	{"other tenant demanded", DOCUMENT_TENANT},
	{"set of another tenant", DOCUMENT_TENANT},
	{"assignment of another tenant", DOCUMENT_TENANT},
	{"other key", DOCUMENT_NODE},
	{"other PEPID", DOCUMENT_NODE},
	{"operator", DOCUMENT_AUTHORITY},
	{"manifests swapped", DOCUMENT_BLOCK},
	{"overlapping blocks", DOCUMENT_BLOCK},
	{"set of another node", DOCUMENT_NODE},
	{"index names another node", DOCUMENT_INDEX},
	{"common set in place of its own", DOCUMENT_NODE},
	{"common set beside its own", DOCUMENT_NODE},
	{"node twice", DOCUMENT_NODE},
	{"key twice", DOCUMENT_NODE},
	{"older index", DOCUMENT_SERIAL},
	{"older set", DOCUMENT_SERIAL},
	{"older assignment", DOCUMENT_SERIAL},
	{"index below what is asked for", DOCUMENT_SERIAL},
	{"too late", DOCUMENT_EXPIRED},
	{"too early", DOCUMENT_NOT_YET_VALID},
	{"set expired", DOCUMENT_EXPIRED},
	{"row changed", DOCUMENT_ROOT},
	{"row removed", DOCUMENT_ROOT},
	{"row added", DOCUMENT_ROOT},
	{"other rows", DOCUMENT_ROOT},
	{"row of another block, signed", DOCUMENT_ROOT},
	{"set not in the index", DOCUMENT_INDEX},
	{"index names another serial", DOCUMENT_INDEX},
	{"index names another root", DOCUMENT_INDEX},
	{"set for nobody", DOCUMENT_NODE},
	{"name twice", DOCUMENT_INDEX},
};

/* The sub-code is the number that the module gives the name. */
static void check_cperr(const struct variation *v, const struct pri_failure *f)
{
	struct pib_error_object object = pib_fault_object(&f->fault);
	const char *name = pib_subcode_name(pib_class(v->class), object.code, object.subcode);
	const struct declared *d = NULL;

	for (size_t i = 0; i < sizeof declared / sizeof declared[0]; i++)
		if (!strcmp(declared[i].variation, v->name))
			d = &declared[i];
	ck_assert_msg((object.code == PR_CPERR_PRI_SPECIFIC_ERROR) == (d != NULL), "%s: CPERR %u",
		v->name, object.code);
	if (d)
		ck_assert_msg(name && !strcmp(name, document_error_name(d->what)), "%s: %s", v->name,
			name ? name : "no such error");
}

/* Or they would be refused as values, and nobody would notice. */
START_TEST(every_document_declares_the_errors_that_it_can_have)
{
	static const struct {
		enum pib_class_id class;
		unsigned without;
	} classes[] = {
		{PIB_copsecPolicySet, 0},
		{PIB_copsecIndex, 1 << DOCUMENT_ROOT | 1 << DOCUMENT_INDEX | 1 << DOCUMENT_BLOCK},
		{PIB_copsecAssignment, 1 << DOCUMENT_ROOT | 1 << DOCUMENT_INDEX | 1 << DOCUMENT_BLOCK},
		{PIB_copsecTrust, 1 << DOCUMENT_ROOT | 1 << DOCUMENT_INDEX | 1 << DOCUMENT_BLOCK},
	};

	for (unsigned what = 0; what < DOCUMENT_ERRORS; what++)
		for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
			struct pib_fault fault = pib_install_fault(pib_class(classes[i].class),
				document_error_name((enum document_error)what), 1);

			ck_assert_msg((fault.kind == PIB_FAULT_SPECIFIC) ==
					      !(classes[i].without & 1u << what),
				"%s: %s", pib_class(classes[i].class)->name,
				document_error_name((enum document_error)what));
		}
}
END_TEST

/* Even: at a node; odd: a bundle. */
START_TEST(each_variation_gets_its_answer)
{
	const struct variation *v = &variations[_i / 2];
	bool bundle = _i % 2;
	struct state *state = (struct state *)&failures;
	struct buffer run;
	struct world *w;
	struct pib_fault fault;
	struct prid prid;
	struct error e;
	enum err err;

	if (!(v->where & (bundle ? BUNDLE : NODE)))
		return;
	w = bundle ? world_new() : node_world();
	buffer_init(&run, BIG);
	v->values(w);
	world_roots(w);
	v->documents(w);
	world_sign(w);
	v->sent(w);
	put_run(w, bundle, &run);
	err = verify_octets(w, bundle, buffer_view(&run), &state);
	ck_assert_msg(err == v->err, "%s: %d, %s", v->name, err, error.text);
	if (err) {
		const struct pri_failure *f = &failures.list[0];

		ck_assert_msg(strstr(error.text, v->text), "%s: %s", v->name, error.text);
		ck_assert_ptr_eq(state, &failures);
		ck_assert_uint_gt(failures.count, 0);
		ck_assert_msg(strstr(error.text, f->text), "%s: %s", v->name, f->text);
		ck_assert_int_eq(prid_decode(VIEW(f->prid, f->prid_len), &prid, &fault, &e), E_OK);
		ck_assert_msg(prid.class->id == v->class, "%s: %s", v->name, prid.class->name);
		ck_assert(!pib_fault_object(&f->fault).general);
		check_cperr(v, f);
	} else {
		ck_assert_uint_eq(failures.count, 0);
		state_free(state);
	}
	buffer_fini(&run);
	world_free(w);
}
END_TEST

START_TEST(a_state_shows_what_was_sent)
{
	struct world *w = node_world();
	const struct state_set *set;
	struct buffer run, again;
	struct state *state;
	struct pri pri;

	buffer_init(&run, BIG);
	buffer_init(&again, BIG);
	world_roots(w);
	world_sign(w);
	put_run(w, false, &run);
	ck_assert_int_eq(verify_octets(w, false, buffer_view(&run), &state), E_OK);
	ck_assert_uint_eq(state->home.index.serial, 20);
	ck_assert_uint_eq(state->assignment_count, 1);
	ck_assert_uint_eq(state->set_count, 2);
	ck_assert_ptr_eq(state_find_assignment(state, text("gw1")), state->assignments);
	ck_assert_ptr_null(state_find_assignment(state, text("alice")));
	ck_assert_ptr_null(state_find_set(state, AUTHORITY_HOME, text("host")));
	set = state_find_set(state, AUTHORITY_HOME, text("lan"));
	ck_assert_ptr_eq(set, &state->sets[1]);
	ck_assert(view_equal(set->cms, buffer_view(&w->set_documents[LAN].cms)));
	ck_assert(pri_store_get(set->rows, PIB_ipSecL4Port, w->manifests[LAN].block + 2, &pri));
	ck_assert_uint_eq(pri_u32(&pri, ipSecL4PortPortMin), 443);
	/* The set goes out as it came in. */
	bundle_put_policy_set(w->manifests[LAN].block, set->cms, &again);
	rows_put(w->rows[LAN], &again);
	buffer_reset(&run);
	state_set_put(set, &run);
	ck_assert(view_equal(buffer_view(&run), buffer_view(&again)));
	state_free(state);
	buffer_fini(&run);
	buffer_fini(&again);
	world_free(w);
}
END_TEST

/* What is in force stays acceptable after its time, so that another set can change. */
START_TEST(validity_is_asked_of_what_is_new_only)
{
	struct world *w = node_world();
	struct state *before, *after;
	struct buffer run;

	buffer_init(&run, BIG);
	world_roots(w);
	world_sign(w);
	put_run(w, false, &run);
	ck_assert_int_eq(verify_octets(w, false, buffer_view(&run), &before), E_OK);

	/* The same again, too late. */
	too_late(w);
	ck_assert_int_eq(verify_octets(w, false, buffer_view(&run), &after), E_EXPIRED);
	w->terms.in_force = before;
	ck_assert_msg(!verify_octets(w, false, buffer_view(&run), &after), "%s", error.text);
	state_free(after);

	/* Other content under a serial that is in force, first of a set, then of the index. */
	w->manifests[LAN].not_after = NOW + 3000;
	world_sign(w);
	buffer_reset(&run);
	put_run(w, false, &run);
	ck_assert_int_eq(verify_octets(w, false, buffer_view(&run), &after), E_CONFLICT);
	ck_assert_str_eq(error.text, "set lan has serial 12, under which other content is in force");
	w->index.not_after = NOW + 3000;
	world_sign(w);
	buffer_reset(&run);
	put_run(w, false, &run);
	ck_assert_int_eq(verify_octets(w, false, buffer_view(&run), &after), E_CONFLICT);
	ck_assert_str_eq(
		error.text, "the index has serial 20, under which other content is in force");

	/* A new index and a new set lan with a time of their own; gateway is as before. */
	row_changed(w);
	w->manifests[LAN].serial++;
	w->manifests[LAN].not_after = NOW + 2000;
	w->index.serial++;
	w->index.not_after = NOW + 2000;
	world_roots(w);
	world_sign(w);
	buffer_reset(&run);
	put_run(w, false, &run);
	ck_assert_msg(!verify_octets(w, false, buffer_view(&run), &after), "%s", error.text);
	state_free(after);

	/* A new set lan that is too late itself. */
	w->manifests[LAN].not_after = NOW + 1000;
	world_sign(w);
	buffer_reset(&run);
	put_run(w, false, &run);
	ck_assert_int_eq(verify_octets(w, false, buffer_view(&run), &after), E_EXPIRED);
	ck_assert_msg(strstr(error.text, "set lan is not valid after"), "%s", error.text);

	/* And a new index that is. */
	w->manifests[LAN].not_after = NOW + 2000;
	w->index.not_after = NOW + 1000;
	world_sign(w);
	buffer_reset(&run);
	put_run(w, false, &run);
	ck_assert_int_eq(verify_octets(w, false, buffer_view(&run), &after), E_EXPIRED);
	ck_assert_msg(strstr(error.text, "the index is not valid after"), "%s", error.text);

	/* The rows of the set in force under another serial are another set. */
	rows_policy(w->rows[LAN], w->manifests[LAN].block, "lan");
	w->manifests[LAN].not_after = NOW + 1000;
	w->index.not_after = NOW + 2000;
	world_roots(w);
	ck_assert_mem_eq(state_find_set(before, AUTHORITY_HOME, text("lan"))->manifest.root, w->manifests[LAN].root,
		SET_ROOT);
	world_sign(w);
	buffer_reset(&run);
	put_run(w, false, &run);
	ck_assert_int_eq(verify_octets(w, false, buffer_view(&run), &after), E_EXPIRED);
	ck_assert_msg(strstr(error.text, "set lan is not valid after"), "%s", error.text);
	state_free(before);
	buffer_fini(&run);
	world_free(w);
}
END_TEST

/* The order of design.md: with faults of several stages, the earlier one is answered. */
static const struct {
	const char *name;
	void (*values)(struct world *w);
	void (*documents)(struct world *w);
	void (*sent)(struct world *w);
} stages[] = {
	{"one signer", set_one_signer, nothing, nothing},
	{"set of another tenant", set_of_other_tenant, nothing, nothing},
	{"older set", set_older, nothing, nothing},
	{"set expired", set_expired, nothing, nothing},
	{"row changed", nothing, nothing, row_changed},
	{"index names another serial", nothing, index_names_another_serial, nothing},
	{"rule of other roles", rule_of_other_roles, nothing, nothing},
};

static const char *const stage_texts[] = {
	"copsecPolicySet.2097153: ",
	"is of tenant umbrella",
	"was accepted before",
	"is not valid after",
	"PRIs have root ",
	"the index names serial 13",
	"has roles other than",
};

enum { STAGES = sizeof stages / sizeof stages[0] };

START_TEST(the_first_stage_that_finds_a_fault_answers)
{
	int first = _i / STAGES, second = _i % STAGES;
	struct world *w = node_world();
	struct state *state;
	struct buffer run;

	buffer_init(&run, BIG);
	stages[first].values(w);
	stages[second].values(w);
	world_roots(w);
	stages[first].documents(w);
	if (first != second)
		stages[second].documents(w);
	world_sign(w);
	stages[first].sent(w);
	stages[second].sent(w);
	put_run(w, false, &run);
	ck_assert_int_ne(verify_octets(w, false, buffer_view(&run), &state), E_OK);
	ck_assert_msg(strstr(error.text, stage_texts[first < second ? first : second]),
		"%s and %s: %s", stages[first].name, stages[second].name, error.text);
	buffer_fini(&run);
	world_free(w);
}
END_TEST

/* As small as a state can be that has it all: one set with two kinds of rows. */
static void make_small(struct world *w)
{
	struct rows *r = w->rows[GATEWAY];

	w->set_documents[LAN].sent = false;
	w->assignments[GW1].interface_count = 0;
	r->count = 0;
	rows_add(r, PIB_ipSecL4Port, 1);
	pri_set_u32(rows_get(r, PIB_ipSecL4Port, 1), ipSecL4PortGroupId, 1);
	rows_add(r, PIB_ipSecNegotiationAction, 1);
	pri_set_u32(rows_get(r, PIB_ipSecNegotiationAction, 1),
		ipSecNegotiationActionIpSecAssociationId, 1);
	rows_add(r, PIB_ipSecAssociation, 1);
	pri_set_u32(rows_get(r, PIB_ipSecAssociation, 1), ipSecAssociationProposalSetId, 1);
	rows_add(r, PIB_ipSecProposalSet, 1);
	pri_set_u32(rows_get(r, PIB_ipSecProposalSet, 1), ipSecProposalSetProposalSetId, 1);
	pri_set_u32(rows_get(r, PIB_ipSecProposalSet, 1), ipSecProposalSetProposalId, 1);
	rows_add(r, PIB_ipSecProposal, 1);
}

static size_t incarnation_octets(struct view run)
{
	struct cursor c = cursor_over(run);
	struct pr_object object;

	ck_assert_int_eq(pr_next(&c, &object), E_OK);
	ck_assert_int_eq(pr_next(&c, &object), E_OK);
	return c.at;
}

/* The proof of it all: change any octet, in any of these ways, and the state is refused. */
START_TEST(one_octet_changed_anywhere_is_refused)
{
	static const uint8_t changes[] = {0x01, 0x80, 0xff};
	struct world *w = node_world();
	struct state *state;
	struct buffer run;
	size_t accepted = 0;

	buffer_init(&run, BIG);
	make_small(w);
	world_roots(w);
	world_sign(w);
	put_run(w, false, &run);
	ck_assert_msg(!verify_octets(w, false, buffer_view(&run), &state), "%s", error.text);
	state_free(state);
	/* The incarnation is not signed; see the next test. */
	for (size_t i = incarnation_octets(buffer_view(&run)); i < run.len; i++) {
		run.data[i] ^= changes[_i];
		if (!verify_octets(w, false, buffer_view(&run), &state)) {
			state_free(state);
			printf("octet %zu of %zu: accepted as %02x\n", i, run.len, run.data[i]);
			accepted++;
		}
		run.data[i] ^= changes[_i];
	}
	ck_assert_uint_eq(accepted, 0);
	buffer_fini(&run);
	world_free(w);
}
END_TEST

/* Nothing unsigned changes what is enforced. */
START_TEST(the_incarnation_changes_nothing)
{
	struct world *w = node_world();
	struct state *state;
	struct buffer run;
	uint8_t root[PRI_STORE_ROOT];
	size_t end;

	buffer_init(&run, BIG);
	make_small(w);
	world_roots(w);
	world_sign(w);
	put_run(w, false, &run);
	end = incarnation_octets(buffer_view(&run));
	for (size_t i = 0; i < end; i++) {
		run.data[i] ^= 1;
		if (!verify_octets(w, false, buffer_view(&run), &state)) {
			ck_assert_uint_eq(state->set_count, 1);
			ck_assert_int_eq(pri_store_root(state->sets[0].rows, root), E_OK);
			ck_assert_mem_eq(root, w->manifests[GATEWAY].root, sizeof root);
			ck_assert_uint_eq(state->home.index.serial, 20);
			state_free(state);
		}
		run.data[i] ^= 1;
	}
	/* And without it the state is the same. */
	ck_assert_int_eq(
		verify_octets(w, false, VIEW(run.data + end, run.len - end), &state), E_OK);
	state_free(state);
	buffer_fini(&run);
	world_free(w);
}
END_TEST

/* Rows left out, one after the other: none can be missed. */
START_TEST(one_row_left_out_is_refused)
{
	struct world *w = node_world();
	struct pr_object prid, epd;
	struct buffer run, less;
	struct state *state;
	struct cursor c;

	buffer_init(&run, BIG);
	buffer_init(&less, BIG);
	world_roots(w);
	world_sign(w);
	put_run(w, false, &run);
	c = cursor_over(buffer_view(&run));
	c.at = incarnation_octets(buffer_view(&run));
	while (cursor_left(&c)) {
		size_t start = c.at;

		ck_assert_int_eq(pr_next(&c, &prid), E_OK);
		ck_assert_int_eq(pr_next(&c, &epd), E_OK);
		buffer_reset(&less);
		buffer_put(&less, run.data, start);
		buffer_put(&less, run.data + c.at, run.len - c.at);
		ck_assert_int_ne(verify_octets(w, false, buffer_view(&less), &state), E_OK);
	}
	buffer_fini(&run);
	buffer_fini(&less);
	world_free(w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("state");
	TCase *c = tcase_create("state");

	tcase_set_timeout(c, 100);
	tcase_add_loop_test(c, each_variation_gets_its_answer, 0, 2 * VARIATIONS);
	tcase_add_test(c, every_document_declares_the_errors_that_it_can_have);
	tcase_add_test(c, a_state_shows_what_was_sent);
	tcase_add_test(c, validity_is_asked_of_what_is_new_only);
	tcase_add_loop_test(c, the_first_stage_that_finds_a_fault_answers, 0, STAGES * STAGES);
	tcase_add_loop_test(c, one_octet_changed_anywhere_is_refused, 0, 3);
	tcase_add_test(c, the_incarnation_changes_nothing);
	tcase_add_test(c, one_row_left_out_is_refused);
	suite_add_tcase(s, c);
	return suite_main(s);
}
