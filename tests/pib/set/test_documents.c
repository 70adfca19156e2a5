/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/documents.h"

#include <stdio.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pib/schema/pri.h"
#include "tests/suite.h"

enum { BIG = 1 << 20 };

static struct error error;

static struct view text(const char *s)
{
	return view_of_string(s);
}

static struct manifest example_manifest(void)
{
	struct manifest m = {
		.tenant = text("acme"),
		.name = text("gateway+lan"),
		.authority = AUTHORITY_HOME,
		.roles = text("gateway+lan"),
		.serial = 7,
		.not_before = 1767225600,
		.not_after = 1798761600,
		.stale_rule = STALE_KEEP,
		.block = 2 << 20,
		.no_confirm = true,
	};

	memset(m.root, 0xab, sizeof m.root);
	return m;
}

/* Written by hand from X.690 and the module: INTEGER 02, OCTET STRING 04, Unsigned32 42,
 * Unsigned64 4b; numbers are signed, so 2^31 and more have a zero in front. */
static const char manifest_octets[] = "42 03 20 00 01"
				      "04 04 61 63 6d 65"
				      "04 0b 67 61 74 65 77 61 79 2b 6c 61 6e"
				      "02 01 01"
				      "04 0b 67 61 74 65 77 61 79 2b 6c 61 6e"
				      "04 00"
				      "4b 01 07"
				      "4b 04 69 55 b9 00"
				      "4b 04 6b 36 ec 80"
				      "02 01 01"
				      "42 03 20 00 00"
				      "04 20 ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab"
				      "      ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab"
				      "02 01 01";

static struct view from_hex(const char *hex, uint8_t *out)
{
	char digits[3] = "";
	size_t n = 0, len = 0;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		digits[n++] = *hex;
		if (n == 2) {
			ck_assert(hex_decode(out + len++, 1, digits));
			n = 0;
		}
	}
	return VIEW(out, len);
}

START_TEST(a_manifest_is_the_epd_that_the_module_describes)
{
	struct manifest m = example_manifest(), again;
	uint8_t octets[200];
	struct view vector = from_hex(manifest_octets, octets);
	struct buffer b;

	buffer_init(&b, BIG);
	ck_assert_msg(!manifest_encode(&m, &b, &error), "%s", error.text);
	ck_assert(view_equal(buffer_view(&b), vector));
	ck_assert_msg(!manifest_decode(vector, &again, &error), "%s", error.text);
	ck_assert(view_equal(again.tenant, m.tenant));
	ck_assert(view_equal(again.name, m.name));
	ck_assert_int_eq(again.authority, m.authority);
	ck_assert(view_equal(again.roles, m.roles));
	ck_assert_uint_eq(again.node.len, 0);
	ck_assert_uint_eq(again.serial, m.serial);
	ck_assert_uint_eq(again.not_before, m.not_before);
	ck_assert_uint_eq(again.not_after, m.not_after);
	ck_assert_int_eq(again.stale_rule, m.stale_rule);
	ck_assert_uint_eq(again.block, m.block);
	ck_assert_mem_eq(again.root, m.root, sizeof m.root);
	ck_assert(again.no_confirm);
	buffer_fini(&b);
}
END_TEST

/* Each spoils one value of the example. */
static void no_tenant(struct manifest *m)
{
	m->tenant = VIEW_NONE;
}

static void control_character(struct manifest *m)
{
	m->tenant = text("ac\nme");
}

static void name_is_not_the_roles(struct manifest *m)
{
	m->name = text("gateway");
}

static void roles_out_of_order(struct manifest *m)
{
	m->name = m->roles = text("lan+gateway");
}

static void short_node(struct manifest *m)
{
	m->node = text("0123456789");
}

static void ends_before_it_begins(struct manifest *m)
{
	m->not_after = m->not_before - 1;
}

static void inside_a_block(struct manifest *m)
{
	m->block++;
}

static void block_of_another(struct manifest *m)
{
	m->block |= 1 << 28;
}

static void authority_of_another_block(struct manifest *m)
{
	m->authority = AUTHORITY_OPERATOR;
}

static void authority_unknown(struct manifest *m)
{
	m->authority = (enum authority)7;
	m->block |= 6u << 28;
}

static void stale_rule_unknown(struct manifest *m)
{
	m->stale_rule = (enum stale_rule)5;
}

static void home_ends(struct manifest *m)
{
	m->stale_rule = STALE_END;
}

static void one_node_named_like_roles(struct manifest *m)
{
	static const uint8_t key[NODE_KEY] = {1};

	m->node = VIEW(key, sizeof key);
}

static void one_node_without_roles(struct manifest *m)
{
	one_node_named_like_roles(m);
	m->name = text("a@b");
	m->roles = VIEW_NONE;
}

static const struct {
	void (*spoil)(struct manifest *m);
	enum err err;
} bad_manifests[] = {
	{no_tenant, E_SYNTAX},
	{control_character, E_SYNTAX},
	{name_is_not_the_roles, E_MISMATCH},
	{roles_out_of_order, E_SYNTAX},
	{short_node, E_LENGTH},
	{ends_before_it_begins, E_RANGE},
	{inside_a_block, E_RANGE},
	{block_of_another, E_RANGE},
	{authority_of_another_block, E_RANGE},
	{authority_unknown, E_RANGE},
	{stale_rule_unknown, E_RANGE},
	{home_ends, E_RANGE},
	{one_node_named_like_roles, E_SYNTAX},
	{one_node_without_roles, E_SYNTAX},
};

START_TEST(a_bad_manifest_is_not_written)
{
	struct manifest m = example_manifest();
	struct buffer b;

	bad_manifests[_i].spoil(&m);
	buffer_init(&b, BIG);
	ck_assert_int_eq(manifest_encode(&m, &b, &error), bad_manifests[_i].err);
	ck_assert_int_eq(strncmp(error.text, "manifest: ", 10), 0);
	ck_assert_uint_eq(b.len, 0);
	buffer_fini(&b);
}
END_TEST

/* Position and new value of an octet of the vector above, each leading to another refusal than
 * "not canonical", or to that one. */
static const struct {
	size_t at;
	uint8_t value;
	enum err err;
	const char *why;
} bad_octets[] = {
	{0, 0x02, E_SYNTAX,
		"INTEGER's tag, which is forgiven on the wire, but not under a signature"},
	{0, 0x04, E_SYNTAX, "no InstanceId at all"},
	{4, 0x02, E_SYNTAX, "an InstanceId that is not that of the block"},
	{7, '\n', E_SYNTAX, "control character in the tenant"},
	{13, 'G', E_MISMATCH, "name and roles differ"},
	{26, 7, E_RANGE, "authority 7"},
	{26, 2, E_RANGE, "operator in a block of home"},
};

START_TEST(a_changed_manifest_is_refused)
{
	uint8_t octets[200];
	struct view v = from_hex(manifest_octets, octets);
	struct manifest m;

	octets[bad_octets[_i].at] = bad_octets[_i].value;
	ck_assert_msg(manifest_decode(v, &m, &error) == bad_octets[_i].err, "%s: %s",
		bad_octets[_i].why, error.text);
}
END_TEST

START_TEST(a_manifest_has_exactly_one_length)
{
	uint8_t octets[400] = {0};
	struct view v = from_hex(manifest_octets, octets);
	struct manifest m;

	for (size_t len = 0; len <= 2 * v.len; len++) {
		uint8_t *exact = malloc(len + 1);

		memcpy(exact, octets, len);
		ck_assert_int_eq(
			manifest_decode(VIEW(exact, len), &m, &error) == E_OK, len == v.len);
		free(exact);
	}
	/* One attribute more than is known here may restrict the others. */
	memcpy(octets + v.len, "\x02\x01\x01", 3);
	ck_assert_int_eq(manifest_decode(VIEW(octets, v.len + 3), &m, &error), E_SYNTAX);
}
END_TEST

static void fill_entries(struct set_entry *entries, char (*names)[32], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof names[i], "r%zu", i);
		entries[i] = (struct set_entry){.name = text(names[i]), .serial = i + 1};
		memset(entries[i].root, (int)i, sizeof entries[i].root);
	}
}

START_TEST(an_index_comes_back_as_it_was)
{
	static const size_t counts[] = {0, 1, 2, INDEX_ENTRIES_MAX};
	static struct set_entry entries[INDEX_ENTRIES_MAX];
	static char names[INDEX_ENTRIES_MAX][32];
	struct set_index i = {.tenant = text("acme"), .authority = AUTHORITY_HOME,
		.serial = UINT64_MAX,
		.not_before = 1,
		.not_after = 2,
		.entries = entries,
		.entry_count = counts[_i]};
	struct set_index again;
	struct arena arena;
	struct buffer b;

	fill_entries(entries, names, counts[_i]);
	arena_init(&arena, BIG);
	buffer_init(&b, BIG);
	ck_assert_msg(!set_index_encode(&i, &b, &error), "%s", error.text);
	ck_assert_msg(!set_index_decode(buffer_view(&b), &arena, &again, &error), "%s", error.text);
	ck_assert(view_equal(again.tenant, i.tenant));
	ck_assert_uint_eq(again.serial, i.serial);
	ck_assert_uint_eq(again.not_before, 1);
	ck_assert_uint_eq(again.not_after, 2);
	ck_assert_uint_eq(again.entry_count, counts[_i]);
	for (size_t j = 0; j < counts[_i]; j++) {
		const struct set_entry *e = set_index_find(&again, entries[j].name);

		ck_assert_ptr_nonnull(e);
		ck_assert_uint_eq(e->serial, j + 1);
		ck_assert_mem_eq(e->root, entries[j].root, sizeof e->root);
	}
	ck_assert_ptr_null(set_index_find(&again, text("nobody")));
	arena_fini(&arena);
	buffer_fini(&b);
}
END_TEST

START_TEST(an_index_is_refused)
{
	static struct set_entry entries[INDEX_ENTRIES_MAX + 1];
	static char names[INDEX_ENTRIES_MAX + 1][32];
	struct set_index i = {.tenant = text("acme"), .authority = AUTHORITY_HOME, .entries = entries};
	struct buffer b;

	fill_entries(entries, names, INDEX_ENTRIES_MAX + 1);
	buffer_init(&b, BIG);
	i.entry_count = INDEX_ENTRIES_MAX + 1;
	ck_assert_int_eq(set_index_encode(&i, &b, &error), E_LIMIT);
	i.entry_count = 3;
	entries[2].name = entries[0].name;
	ck_assert_int_eq(set_index_encode(&i, &b, &error), E_DUPLICATE);
	ck_assert_str_eq(error.text, "index: set r0 is there twice");
	entries[2].name = VIEW_NONE;
	ck_assert_int_eq(set_index_encode(&i, &b, &error), E_SYNTAX);
	ck_assert_uint_eq(b.len, 0);
	buffer_fini(&b);
}
END_TEST

static void put_entry(struct buffer *out, enum pib_class_id class, uint32_t instance)
{
	uint8_t root[SET_ROOT] = {0};
	char name[16];
	struct pri p;

	pri_init(&p, class, instance);
	if (class == PIB_copsecIndexHead) {
		pri_set_text(&p, copsecIndexHeadTenant, "acme");
		pri_set_u64(&p, copsecIndexHeadSerial, 1);
		pri_set_u64(&p, copsecIndexHeadNotBefore, 1);
		pri_set_u64(&p, copsecIndexHeadNotAfter, 1);
	} else {
		snprintf(name, sizeof name, "r%u", instance);
		pri_set_text(&p, copsecIndexEntryName, name);
		pri_set_u64(&p, copsecIndexEntrySerial, 1);
		pri_set_octets(&p, copsecIndexEntryRoot, VIEW(root, sizeof root));
	}
	ck_assert_msg(!pri_put(out, &p, &error), "%s", error.text);
}

static const struct {
	struct {
		enum pib_class_id class;
		uint32_t instance;
	} rows[4];
	enum err err;
} orders[] = {
	{{{PIB_copsecIndexHead, 1}, {PIB_copsecIndexEntry, 1}, {PIB_copsecIndexEntry, 2}}, E_OK},
	{{{PIB_copsecIndexHead, 1}}, E_OK},
	{{{0, 0}}, E_MISSING},
	{{{PIB_copsecIndexEntry, 1}}, E_UNEXPECTED},
	{{{PIB_copsecIndexHead, 2}}, E_UNEXPECTED},
	{{{PIB_copsecIndexHead, 1}, {PIB_copsecIndexEntry, 2}}, E_UNEXPECTED},
	{{{PIB_copsecIndexHead, 1}, {PIB_copsecIndexEntry, 2}, {PIB_copsecIndexEntry, 1}},
		E_UNEXPECTED},
	{{{PIB_copsecIndexHead, 1}, {PIB_copsecIndexEntry, 1}, {PIB_copsecIndexEntry, 1}},
		E_UNEXPECTED},
	{{{PIB_copsecIndexHead, 1}, {PIB_copsecIndexHead, 1}}, E_UNEXPECTED},
	{{{PIB_copsecIndexHead, 1}, {PIB_copsecComplianceSet, 1}}, E_UNEXPECTED},
};

START_TEST(rows_of_a_document_stand_in_one_order)
{
	struct set_index i;
	struct arena arena;
	struct buffer b;

	arena_init(&arena, BIG);
	buffer_init(&b, BIG);
	for (size_t j = 0; j < 4 && orders[_i].rows[j].instance; j++)
		put_entry(&b, orders[_i].rows[j].class, orders[_i].rows[j].instance);
	ck_assert_msg(set_index_decode(buffer_view(&b), &arena, &i, &error) == orders[_i].err, "%s",
		error.text);
	arena_fini(&arena);
	buffer_fini(&b);
}
END_TEST

START_TEST(an_index_cut_anywhere_is_refused)
{
	struct set_index i;
	struct arena arena;
	struct buffer b;

	arena_init(&arena, BIG);
	buffer_init(&b, BIG);
	put_entry(&b, PIB_copsecIndexHead, 1);
	put_entry(&b, PIB_copsecIndexEntry, 1);
	ck_assert_int_eq(set_index_decode(buffer_view(&b), &arena, &i, &error), E_OK);
	ck_assert_uint_eq(i.entry_count, 1);
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *exact = malloc(len + 1);
		struct cursor run = cursor_over(VIEW(b.data, len));
		struct pr_object object;
		size_t whole = 0;

		/* A cut behind the head leaves an index without sets, which is well formed. */
		while (cursor_left(&run) && !pr_next(&run, &object))
			whole++;
		memcpy(exact, b.data, len);
		ck_assert_int_eq(set_index_decode(VIEW(exact, len), &arena, &i, &error) == E_OK,
			!run.error && whole == 2 && len % 4 == 0);
		free(exact);
	}
	/* And one more octet is one too many. */
	buffer_put_u8(&b, 0);
	ck_assert_int_ne(set_index_decode(buffer_view(&b), &arena, &i, &error), E_OK);
	arena_fini(&arena);
	buffer_fini(&b);
}
END_TEST

static const uint8_t a_key[NODE_KEY] = {1}, another_key[NODE_KEY] = {2};

static struct set_entry entry_for(const char *name, const uint8_t *key, const char *roles)
{
	return (struct set_entry){.name = text(name),
		.node = key ? VIEW(key, NODE_KEY) : VIEW_NONE,
		.roles = roles ? text(roles) : VIEW_NONE};
}

START_TEST(a_node_gets_its_own_set_and_not_the_common_one)
{
	const struct set_entry entries[] = {entry_for("host", NULL, NULL),
		entry_for("host@alice", a_key, "host"), entry_for("lan", NULL, NULL),
		entry_for("lan@bob", another_key, "lan")};
	const struct set_index i = {.tenant = text("acme"), .authority = AUTHORITY_HOME, .entries = entries, .entry_count = 4};
	struct assignment alice = {.node_key = {1}, .roles = text("host")};
	struct assignment bob = {.node_key = {2}, .roles = text("lan")};
	struct assignment carol = {.node_key = {3}, .roles = text("lan")};
	const struct manifest common = {.name = text("host"), .roles = text("host")};
	const struct manifest own = {
		.name = text("host@alice"), .roles = text("host"), .node = VIEW(a_key, NODE_KEY)};
	struct set_index again;
	struct arena arena;
	struct buffer b;

	arena_init(&arena, BIG);
	buffer_init(&b, BIG);
	ck_assert_msg(!set_index_encode(&i, &b, &error), "%s", error.text);
	ck_assert_msg(!set_index_decode(buffer_view(&b), &arena, &again, &error), "%s", error.text);
	ck_assert_ptr_eq(assignment_set(&alice, &again, text("host")), &again.entries[1]);
	ck_assert_ptr_eq(assignment_set(&alice, &again, text("lan")), &again.entries[2]);
	ck_assert_ptr_eq(assignment_set(&bob, &again, text("host")), &again.entries[0]);
	ck_assert_ptr_eq(assignment_set(&bob, &again, text("lan")), &again.entries[3]);
	ck_assert_ptr_eq(assignment_set(&carol, &again, text("lan")), &again.entries[2]);
	ck_assert_ptr_null(assignment_set(&carol, &again, text("server")));
	ck_assert(assignment_demands(&alice, &again, &own));
	ck_assert(!assignment_demands(&alice, &again, &common));
	bob.roles = text("host");
	ck_assert(assignment_demands(&bob, &again, &common));
	ck_assert(!assignment_demands(&bob, &again, &own));
	ck_assert(!assignment_demands(&carol, &again, &common));
	arena_fini(&arena);
	buffer_fini(&b);
}
END_TEST

static const struct {
	const char *name;
	const uint8_t *key;
	const char *roles;
	enum err err;
	const char *text;
} bad_places[] = {
	{"host@alice", NULL, NULL, E_SYNTAX, "index: set host@alice: its name is no role comb"},
	{"host", a_key, "host", E_SYNTAX, "index: set host: it serves one node, and is named lik"},
	{"host@alice", a_key, NULL, E_SYNTAX, "index: set host@alice: node and roles go together"},
	{"host", NULL, "host", E_SYNTAX, "index: set host: node and roles go together"},
	{"host@alice", a_key, "*+host", E_SYNTAX, "index: set host@alice: the role combination"},
	{"host@2", another_key, "lan", E_DUPLICATE, "index: set host@2: it serves the same as set"},
};

START_TEST(an_index_that_serves_in_disorder_is_refused)
{
	struct set_entry entries[] = {entry_for("lan@bob", another_key, "lan"),
		entry_for(bad_places[_i].name, bad_places[_i].key, bad_places[_i].roles)};
	const struct set_index i = {.tenant = text("acme"), .authority = AUTHORITY_HOME, .entries = entries, .entry_count = 2};
	struct buffer b;

	buffer_init(&b, BIG);
	ck_assert_int_eq(set_index_encode(&i, &b, &error), bad_places[_i].err);
	ck_assert_msg(!strncmp(error.text, bad_places[_i].text, strlen(bad_places[_i].text)), "%s",
		error.text);
	buffer_fini(&b);
}
END_TEST

static const struct {
	struct assigned_authority authorities[2];
	enum err err;
	const char *text;
} authorities[] = {
	{{{AUTHORITY_OPERATOR, {(const uint8_t *)"isp", 3}, {a_key, NODE_KEY}},
		 {AUTHORITY_VISITED, {(const uint8_t *)"*", 1}, {NULL, 0}}},
		E_OK, ""},
	{{{AUTHORITY_RESPONDER, {(const uint8_t *)"alarm", 5}, {NULL, 0}},
		 {AUTHORITY_DIRECTORY, {(const uint8_t *)"alarm", 5}, {NULL, 0}}},
		E_OK, ""},
	{{{AUTHORITY_OPERATOR, {(const uint8_t *)"isp", 3}, {NULL, 0}},
		 {AUTHORITY_OPERATOR, {(const uint8_t *)"isp", 3}, {a_key, NODE_KEY}}},
		E_DUPLICATE, "assignment: authority operator isp is there twice"},
	{{{AUTHORITY_HOME, {(const uint8_t *)"acme", 4}, {NULL, 0}},
		 {AUTHORITY_VISITED, {(const uint8_t *)"*", 1}, {NULL, 0}}},
		E_RANGE, "assignment: authority home is not home's to admit"},
	{{{AUTHORITY_LOCAL, {(const uint8_t *)"me", 2}, {NULL, 0}},
		 {AUTHORITY_VISITED, {(const uint8_t *)"*", 1}, {NULL, 0}}},
		E_RANGE, "assignment: authority local is not home's to admit"},
	{{{AUTHORITY_RESPONDER, {(const uint8_t *)"alarm", 5}, {a_key, NODE_KEY}},
		 {AUTHORITY_VISITED, {(const uint8_t *)"*", 1}, {NULL, 0}}},
		E_RANGE, "assignment: authority responder has a delegation, no trust list"},
	{{{AUTHORITY_OPERATOR, {(const uint8_t *)"", 0}, {NULL, 0}},
		 {AUTHORITY_VISITED, {(const uint8_t *)"*", 1}, {NULL, 0}}},
		E_SYNTAX, "assignment: the name of an authority must be"},
};

START_TEST(an_assignment_says_who_else_may_speak)
{
	const struct assignment a = {.tenant = text("acme"),
		.node = text("alice"),
		.seal_key = VIEW(a_key, NODE_KEY),
		.authorities = authorities[_i].authorities,
		.authority_count = 2};
	struct assignment again;
	struct arena arena;
	struct buffer b;

	arena_init(&arena, BIG);
	buffer_init(&b, BIG);
	ck_assert_int_eq(assignment_encode(&a, &b, &error), authorities[_i].err);
	if (authorities[_i].err) {
		ck_assert_msg(!strncmp(error.text, authorities[_i].text,
				      strlen(authorities[_i].text)),
			"%s", error.text);
	} else {
		ck_assert_int_eq(assignment_decode(buffer_view(&b), &arena, &again, &error), E_OK);
		ck_assert_uint_eq(again.authority_count, 2);
		for (size_t i = 0; i < 2; i++) {
			ck_assert_int_eq(
				again.authorities[i].authority, a.authorities[i].authority);
			ck_assert(view_equal(again.authorities[i].name, a.authorities[i].name));
			ck_assert(view_equal(again.authorities[i].trust, a.authorities[i].trust));
		}
		ck_assert(view_equal(again.seal_key, a.seal_key));
		ck_assert_uint_eq(again.ike_key.len, 0);
	}
	arena_fini(&arena);
	buffer_fini(&b);
}
END_TEST

START_TEST(an_assignment_comes_back_and_knows_its_roles)
{
	const struct assigned_interface interfaces[] = {
		{text("eth0"), text("lan")}, {text("*"), text("host")}, {text("wlan0"), VIEW_NONE}};
	uint8_t report[NODE_KEY] = {1, 2, 3};
	struct assignment a = {
		.tenant = text("acme"),
		.node = text("gw1.acme.example"),
		.node_key = {9, 8, 7},
		.report_key = VIEW(report, sizeof report),
		.roles = text("gateway"),
		.serial = 3,
		.least_index_serial = 2,
		.interfaces = interfaces,
		.interface_count = 3,
	};
	struct assignment b;
	struct arena arena;
	struct buffer octets;

	arena_init(&arena, BIG);
	buffer_init(&octets, BIG);
	ck_assert_msg(!assignment_encode(&a, &octets, &error), "%s", error.text);
	ck_assert_msg(
		!assignment_decode(buffer_view(&octets), &arena, &b, &error), "%s", error.text);
	ck_assert(view_equal(b.tenant, a.tenant));
	ck_assert(view_equal(b.node, a.node));
	ck_assert_mem_eq(b.node_key, a.node_key, NODE_KEY);
	ck_assert(view_equal(b.report_key, a.report_key));
	ck_assert(view_equal(b.roles, a.roles));
	ck_assert_uint_eq(b.serial, 3);
	ck_assert_uint_eq(b.least_index_serial, 2);
	ck_assert_uint_eq(b.interface_count, 3);
	ck_assert(view_equal(assignment_roles(&b, text("eth0")), text("lan")));
	ck_assert(view_equal(assignment_roles(&b, text("eth1")), text("host")));
	ck_assert_uint_eq(assignment_roles(&b, text("wlan0")).len, 0);
	ck_assert(assignment_has_roles(&b, text("gateway")));
	ck_assert(assignment_has_roles(&b, text("lan")));
	ck_assert(assignment_has_roles(&b, text("host")));
	ck_assert(!assignment_has_roles(&b, text("server")));
	ck_assert(!assignment_has_roles(&b, VIEW_NONE));
	arena_fini(&arena);
	buffer_fini(&octets);
}
END_TEST

START_TEST(an_assignment_is_refused)
{
	struct assigned_interface interfaces[] = {
		{text("eth0"), text("lan")}, {text("eth0"), text("host")}};
	struct assignment a = {.tenant = text("acme"),
		.node = text("alice"),
		.interfaces = interfaces,
		.interface_count = 2};
	struct buffer b;

	buffer_init(&b, BIG);
	ck_assert_int_eq(assignment_encode(&a, &b, &error), E_DUPLICATE);
	interfaces[1].name = text("eth1");
	interfaces[1].roles = text("*+host");
	ck_assert_int_eq(assignment_encode(&a, &b, &error), E_SYNTAX);
	interfaces[1].roles = text("host");
	a.node = VIEW_NONE;
	ck_assert_int_eq(assignment_encode(&a, &b, &error), E_SYNTAX);
	a.node = text("alice");
	a.report_key = text("short");
	ck_assert_int_eq(assignment_encode(&a, &b, &error), E_LENGTH);
	a.report_key = VIEW_NONE;
	ck_assert_int_eq(assignment_encode(&a, &b, &error), E_OK);
	buffer_fini(&b);
}
END_TEST

START_TEST(a_compliance_report_comes_back_as_it_was)
{
	const struct set_entry sets[] = {
		{.name = text("host"), .serial = 5, .root = {1}},
		{.name = text("lan"), .serial = 6, .root = {2}},
	};
	struct compliance c = {.node = text("alice"),
		.decision = 4,
		.index_serial = 12,
		.time = 1767225600,
		.session = {{1, 2, 3, [31] = 4}},
		.sets = sets,
		.set_count = 2};
	struct compliance again;
	struct arena arena;
	struct buffer b;

	arena_init(&arena, BIG);
	buffer_init(&b, BIG);
	ck_assert_msg(!compliance_encode(&c, &b, &error), "%s", error.text);
	ck_assert_msg(
		!compliance_decode(buffer_view(&b), &arena, &again, &error), "%s", error.text);
	ck_assert(view_equal(again.node, c.node));
	ck_assert_uint_eq(again.decision, 4);
	ck_assert_uint_eq(again.index_serial, 12);
	ck_assert_uint_eq(again.time, c.time);
	ck_assert_mem_eq(&again.session, &c.session, sizeof c.session);
	ck_assert_uint_eq(again.set_count, 2);
	ck_assert(view_equal(again.sets[1].name, text("lan")));
	ck_assert_uint_eq(again.sets[1].serial, 6);
	ck_assert_mem_eq(again.sets[1].root, sets[1].root, SET_ROOT);
	arena_fini(&arena);
	buffer_fini(&b);
}
END_TEST

START_TEST(blocks)
{
	ck_assert_uint_eq(block_of(AUTHORITY_HOME, 0), 0);
	ck_assert_uint_eq(block_of(AUTHORITY_HOME, 255), 0x0ff00000);
	ck_assert_uint_eq(block_of(AUTHORITY_LOCAL, 1), 0x50100000);
	ck_assert_uint_eq(block_with(0x501fffff), 0x50100000);
	ck_assert_uint_eq(block_last(0x50100000), 0x501fffff);
	ck_assert_int_eq(block_authority(0x50100000), AUTHORITY_LOCAL);
	ck_assert_uint_eq(block_policy_set_instance(0x50100000), 0x50100001);
	ck_assert_str_eq(authority_name(AUTHORITY_VISITED), "visited");
	ck_assert_str_eq(authority_name((enum authority)0), "unknown");
	ck_assert_str_eq(authority_name((enum authority)7), "unknown");
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
	Suite *s = suite_create("documents");
	TCase *c = tcase_create("documents");

	tcase_add_test(c, a_manifest_is_the_epd_that_the_module_describes);
	tcase_add_loop_test(c, a_bad_manifest_is_not_written, 0, COUNT(bad_manifests));
	tcase_add_loop_test(c, a_changed_manifest_is_refused, 0, COUNT(bad_octets));
	tcase_add_test(c, a_manifest_has_exactly_one_length);
	tcase_add_loop_test(c, an_index_comes_back_as_it_was, 0, 4);
	tcase_add_test(c, an_index_is_refused);
	tcase_add_loop_test(c, rows_of_a_document_stand_in_one_order, 0, COUNT(orders));
	tcase_add_test(c, an_index_cut_anywhere_is_refused);
	tcase_add_test(c, an_assignment_comes_back_and_knows_its_roles);
	tcase_add_test(c, a_node_gets_its_own_set_and_not_the_common_one);
	tcase_add_loop_test(
		c, an_index_that_serves_in_disorder_is_refused, 0, COUNT(bad_places));
	tcase_add_loop_test(c, an_assignment_says_who_else_may_speak, 0, COUNT(authorities));
	tcase_add_test(c, an_assignment_is_refused);
	tcase_add_test(c, a_compliance_report_comes_back_as_it_was);
	tcase_add_test(c, blocks);
	suite_add_tcase(s, c);
	return suite_main(s);
}
