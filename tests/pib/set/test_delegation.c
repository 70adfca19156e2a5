/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/delegation.h"

#include <string.h>

#include "tests/pib/set/world.h"
#include "tests/suite.h"

enum { BIG = 1 << 22 };

static struct error error;
static struct world *w;

/* Lists as large as any test needs; what is not set up is of no length. */
static struct never_touch never[3];
static struct trusted_sensor sensors[2];
static struct grant grants[3];
static struct granted_prefix prefixes[3];
static struct granted_identity identities[2];
static struct response responses[2];
static struct admission admissions[2];
static struct delegation d;

static struct view text(const char *s)
{
	return view_of_string(s);
}

static struct inet_prefix v4(const char *four, uint32_t length)
{
	return (struct inet_prefix){1, VIEW(four, 4), length};
}

static struct inet_prefix v6(const char *sixteen, uint32_t length)
{
	return (struct inet_prefix){2, VIEW(sixteen, 16), length};
}

static const char documentation[16] = {0x20, 0x01, 0x0d, (char)0xb8};

static void lend(enum authority authority)
{
	d = (struct delegation){
		.tenant = text("acme"),
		.name = text("alarm"),
		.authority = authority,
		.certificate = w->trust_keys[0].certificate,
		.serial = 1,
		.not_before = NOW,
		.not_after = NOW + 86400,
		.longest_duration = 3600,
		.most_nodes = 5,
		.never = never,
		.sensors = sensors,
		.grants = grants,
		.prefixes = prefixes,
		.identities = identities,
		.responses = responses,
		.admissions = admissions,
	};
	memcpy(d.key, w->trust_keys[0].key, NODE_KEY);
}

static void lend_to_responder(void)
{
	lend(AUTHORITY_RESPONDER);
	d.most_rules = 20;
	d.may_isolate = true;
	never[0] = (struct never_touch){.kind = NEVER_NODE, .name = text("ns1")};
	never[1] = (struct never_touch){.kind = NEVER_ROLE, .name = text("resolver")};
	never[2] = (struct never_touch){
		.kind = NEVER_ADDRESSES, .prefix = v4("\xc0\x00\x02\x00", 24)};
	d.never_count = 3;
	sensors[0] = (struct trusted_sensor){.role = text("ids"), .alert = text("scan"), .least = 2};
	sensors[1] = (struct trusted_sensor){.role = text("ids"), .least = 3};
	d.sensor_count = 2;
	responses[0] = (struct response){
		.name = text("quarantine"),
		.sensor_role = text("ids"),
		.sensors = 2,
		.within = 60,
		.severity = 1,
		.action = RESPONSE_ISOLATE,
		.duration = 600,
	};
	responses[1] = responses[0];
	responses[1].name = text("block");
	responses[1].action = RESPONSE_BLOCK;
	responses[1].roles = text("gateway");
	d.response_count = 2;
}

static void lend_to_directory(void)
{
	lend(AUTHORITY_DIRECTORY);
	grants[0] = (struct grant){.kind = GRANT_GROUP, .name = text("admitted"), .most = 100};
	grants[1] = (struct grant){.kind = GRANT_PEER, .name = text("*")};
	grants[2] = (struct grant){.kind = GRANT_BINDING, .name = text("alice")};
	d.grant_count = 3;
	prefixes[0] = (struct granted_prefix){1, v4("\x0a\x00\x00\x00", 8)};
	prefixes[1] = (struct granted_prefix){1, v6(documentation, 32)};
	prefixes[2] = (struct granted_prefix){2, v4("\xc6\x33\x64\x00", 24)};
	d.prefix_count = 3;
	identities[0] = (struct granted_identity){2, 2, text("*.example.com")};
	d.identity_count = 1;
	admissions[0] = (struct admission){1, text("host"), 1, 60};
	d.admission_count = 1;
}

static void set_up(void)
{
	w = world_new();
	lend_to_responder();
}

static void tear_down(void)
{
	world_free(w);
}

static void comes_back(void)
{
	struct delegation again;
	struct arena arena;
	struct buffer b, c;
	size_t whole = 0;

	arena_init(&arena, 1 << 28);
	buffer_init(&b, BIG);
	buffer_init(&c, BIG);
	ck_assert_msg(!delegation_encode(&d, &b, &error), "%s", error.text);
	ck_assert_msg(!delegation_decode(buffer_view(&b), &arena, &again, &error), "%s",
		error.text);
	ck_assert_int_eq(delegation_encode(&again, &c, &error), E_OK);
	ck_assert(view_equal(buffer_view(&b), buffer_view(&c)));
	ck_assert_uint_eq(again.never_count, d.never_count);
	ck_assert_uint_eq(again.sensor_count, d.sensor_count);
	ck_assert_uint_eq(again.grant_count, d.grant_count);
	ck_assert_uint_eq(again.prefix_count, d.prefix_count);
	ck_assert_uint_eq(again.identity_count, d.identity_count);
	ck_assert_uint_eq(again.response_count, d.response_count);
	ck_assert_uint_eq(again.admission_count, d.admission_count);
	ck_assert_uint_eq(again.longest_duration, 3600);
	ck_assert_int_eq(again.may_isolate, d.may_isolate);
	/* Cut where a PRI ends it says less, if that is sound; anywhere else nothing. */
	for (size_t len = 0; len < b.len; len++) {
		arena_reset(&arena);
		whole += !delegation_decode(VIEW(b.data, len), &arena, &again, &error);
	}
	ck_assert_uint_le(whole, 9);
	arena_fini(&arena);
	buffer_fini(&b);
	buffer_fini(&c);
}

START_TEST(a_delegation_comes_back_as_it_was)
{
	comes_back();
	lend_to_directory();
	comes_back();
}
END_TEST

static void to_home(void)
{
	d.authority = AUTHORITY_HOME;
}

static void to_operator(void)
{
	d.authority = AUTHORITY_OPERATOR;
}

static void other_key(void)
{
	d.key[0] ^= 1;
}

static void no_certificate(void)
{
	d.certificate = VIEW_NONE;
}

static void never_node_with_addresses(void)
{
	never[0].prefix = never[2].prefix;
}

static void never_addresses_with_name(void)
{
	never[2].name = text("ns1");
}

static void never_nobody(void)
{
	never[0].name = VIEW_NONE;
}

static void never_bad_role(void)
{
	never[1].name = text("a+b");
}

static void never_host_bits(void)
{
	never[2].prefix.length = 1;
}

static void never_too_long(void)
{
	never[2].prefix.length = 33;
}

static void never_short_address(void)
{
	never[2].prefix.address.len = 3;
}

static void never_twice(void)
{
	never[1] = never[0];
}

static void sensor_without_role(void)
{
	sensors[0].role = VIEW_NONE;
}

static void sensor_twice(void)
{
	sensors[1].alert = sensors[0].alert;
}

static void response_too_long(void)
{
	responses[1].duration = 3601;
}

static void response_isolates(void)
{
	d.may_isolate = false;
}

static void response_to_anybody(void)
{
	responses[0].sensor_role = text("printer");
}

static void response_without_sensors(void)
{
	d.sensor_count = 0;
}

static void response_bad_roles(void)
{
	responses[1].roles = text("*+gateway");
}

static void response_twice(void)
{
	responses[1].name = responses[0].name;
}

static void ends_first(void)
{
	d.not_after = NOW - 1;
}


static void responder_with_grant(void)
{
	lend_to_directory();
	d.authority = AUTHORITY_RESPONDER;
}

static void directory_with_sensors(void)
{
	d.authority = AUTHORITY_DIRECTORY;
}

static void directory_that_isolates(void)
{
	lend_to_directory();
	d.may_isolate = true;
}

static void prefix_of_no_grant(void)
{
	lend_to_directory();
	prefixes[2].grant = 4;
}

static void prefix_of_a_binding(void)
{
	lend_to_directory();
	prefixes[2].grant = 3;
}

static void prefix_twice(void)
{
	lend_to_directory();
	prefixes[2] = prefixes[0];
}

static void identity_of_a_group(void)
{
	lend_to_directory();
	identities[0].grant = 1;
}

static void admission_to_a_peer(void)
{
	lend_to_directory();
	admissions[0].grant = 2;
}

static void grant_twice(void)
{
	lend_to_directory();
	grants[2] = grants[1];
}

static const struct {
	void (*spoil)(void);
	enum err err;
	const char *text;
} bad[] = {
	{to_home, E_RANGE, "authority home cannot be lent these bounds"},
	{to_operator, E_RANGE, "authority operator cannot be lent these bounds"},
	{responder_with_grant, E_RANGE, "authority responder cannot be lent these bounds"},
	{directory_with_sensors, E_RANGE, "authority directory cannot be lent these bounds"},
	{directory_that_isolates, E_RANGE, "authority directory cannot be lent these bounds"},
	{other_key, E_MISMATCH, "the key is not that of the certificate"},
	{no_certificate, E_UNSUPPORTED, "without certificate"},
	{ends_first, E_RANGE, "not-before"},
	{never_node_with_addresses, E_SYNTAX, "never 1 has a name and addresses"},
	{never_addresses_with_name, E_SYNTAX, "never 3 has addresses and a name"},
	{never_nobody, E_SYNTAX, "what is never touched must be"},
	{never_bad_role, E_SYNTAX, "never 2 is no role"},
	{never_host_bits, E_SYNTAX, "never 3 is no prefix"},
	{never_too_long, E_SYNTAX, "never 3 is no prefix"},
	{never_short_address, E_SYNTAX, "never 3 is no prefix"},
	{never_twice, E_DUPLICATE, "never 2 is 1 too"},
	{sensor_without_role, E_SYNTAX, "sensor 1 has no role"},
	{sensor_twice, E_DUPLICATE, "sensor 2 is 1 too"},
	{response_too_long, E_RANGE, "response 2: lasts 3601 s, longer than the 3600 s"},
	{response_isolates, E_RANGE, "response 1: isolates, which the bounds do not permit"},
	{response_to_anybody, E_RANGE, "response 1: listens to sensors that the bounds do not"},
	{response_without_sensors, E_RANGE, "response 1: listens to sensors"},
	{response_bad_roles, E_SYNTAX, "response 2: the roles of a response"},
	{response_twice, E_DUPLICATE, "response 2 is 1 too"},
	{prefix_of_no_grant, E_REFERENCE, "prefix 3: there is no grant 4"},
	{prefix_of_a_binding, E_MISMATCH, "prefix 3: grant 3 is of another kind"},
	{prefix_twice, E_DUPLICATE, "prefix 3 is 1 too"},
	{identity_of_a_group, E_MISMATCH, "identity 1: grant 1 is of another kind"},
	{admission_to_a_peer, E_MISMATCH, "admission 1: grant 2 is of another kind"},
	{grant_twice, E_DUPLICATE, "grant 3 is 2 too"},
};

START_TEST(a_bad_delegation_is_not_written)
{
	struct buffer b;

	bad[_i].spoil();
	buffer_init(&b, BIG);
	ck_assert_int_eq(delegation_encode(&d, &b, &error), bad[_i].err);
	ck_assert_msg(!strncmp(error.text, "delegation: ", 12) &&
			      !strncmp(error.text + 12, bad[_i].text, strlen(bad[_i].text)),
		"%s", error.text);
	ck_assert_uint_eq(b.len, 0);
	buffer_fini(&b);
}
END_TEST

static const struct {
	enum authority authority;
	int64_t begins, ends; /* against the delegation's beginning */
	enum err err;
} sets[] = {
	{AUTHORITY_RESPONDER, 0, 3600, E_OK},
	{AUTHORITY_RESPONDER, 82800, 86400, E_OK},
	{AUTHORITY_RESPONDER, 0, 3601, E_RANGE},
	{AUTHORITY_RESPONDER, -1, 3599, E_RANGE},
	{AUTHORITY_RESPONDER, 83000, 86401, E_RANGE},
	{AUTHORITY_DIRECTORY, 0, 3600, E_DENIED},
	{AUTHORITY_HOME, 0, 3600, E_DENIED},
};

START_TEST(a_set_keeps_within_authority_and_time)
{
	struct manifest m = {
		.tenant = text("acme"),
		.authority = sets[_i].authority,
		.not_before = (uint64_t)(NOW + sets[_i].begins),
		.not_after = (uint64_t)(NOW + sets[_i].ends),
	};

	ck_assert_int_eq(delegation_permits_set(&d, &m, &error), sets[_i].err);
	m.tenant = text("other");
	ck_assert_int_eq(delegation_permits_set(&d, &m, &error), E_DENIED);
}
END_TEST

START_TEST(some_are_never_touched)
{
	const struct inet_prefix inside = v4("\xc0\x00\x02\x80", 25), one = v4("\xc0\x00\x02\x07", 32),
				 around = v4("\xc0\x00\x00\x00", 16), all = v4("\0\0\0\0", 0),
				 beside = v4("\xc0\x00\x03\x00", 24),
				 all6 = v6("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 0);

	ck_assert_int_eq(delegation_permits_node(&d, text("alice"), text("host+lan"), &error), E_OK);
	ck_assert_int_eq(delegation_permits_node(&d, text("ns1"), text("host"), &error), E_DENIED);
	ck_assert_str_eq(error.text, "node ns1 is never to be touched");
	ck_assert_int_eq(
		delegation_permits_node(&d, text("ns2"), text("host+resolver"), &error), E_DENIED);
	ck_assert_int_eq(
		delegation_permits_node(&d, text("ns2"), text("resolvers"), &error), E_OK);
	ck_assert_int_eq(delegation_permits_discard(&d, &inside, &error), E_DENIED);
	ck_assert_int_eq(delegation_permits_discard(&d, &one, &error), E_DENIED);
	ck_assert_int_eq(delegation_permits_discard(&d, &around, &error), E_DENIED);
	ck_assert_int_eq(delegation_permits_discard(&d, &all, &error), E_DENIED);
	ck_assert_int_eq(delegation_permits_discard(&d, &beside, &error), E_OK);
	ck_assert_int_eq(delegation_permits_discard(&d, &all6, &error), E_OK);
}
END_TEST

START_TEST(a_directory_fills_what_is_granted)
{
	const struct inet_prefix inside = v4("\x0a\x01\x02\x03", 32), outside = v4("\x0b\0\0\0", 8),
				 wider = v4("\x08\0\0\0", 5), peer = v4("\xc6\x33\x64\x07", 32),
				 six = v6(documentation, 64);

	lend_to_directory();
	ck_assert_int_eq(
		delegation_permits_member(&d, GRANT_GROUP, text("admitted"), &inside, &error), E_OK);
	ck_assert_int_eq(
		delegation_permits_member(&d, GRANT_GROUP, text("admitted"), &six, &error), E_OK);
	ck_assert_int_eq(
		delegation_permits_member(&d, GRANT_GROUP, text("admitted"), &outside, &error),
		E_DENIED);
	ck_assert_str_eq(error.text, "the addresses are not within what is granted for admitted");
	ck_assert_int_eq(
		delegation_permits_member(&d, GRANT_GROUP, text("admitted"), &wider, &error),
		E_DENIED);
	ck_assert_int_eq(
		delegation_permits_member(&d, GRANT_GROUP, text("servers"), &inside, &error),
		E_DENIED);
	ck_assert_str_eq(error.text, "nothing is granted for servers");
	/* Of peers it may fill any, with these addresses. */
	ck_assert_int_eq(
		delegation_permits_member(&d, GRANT_PEER, text("servers"), &peer, &error), E_OK);
	ck_assert_int_eq(
		delegation_permits_member(&d, GRANT_PEER, text("servers"), &inside, &error),
		E_DENIED);
	ck_assert_int_eq(
		delegation_permits_member(&d, GRANT_BINDING, text("alice"), &inside, &error),
		E_DENIED);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
	Suite *s = suite_create("delegation");
	TCase *c = tcase_create("delegation");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_delegation_comes_back_as_it_was);
	tcase_add_loop_test(c, a_bad_delegation_is_not_written, 0, COUNT(bad));
	tcase_add_loop_test(c, a_set_keeps_within_authority_and_time, 0, COUNT(sets));
	tcase_add_test(c, some_are_never_touched);
	tcase_add_test(c, a_directory_fills_what_is_granted);
	suite_add_tcase(s, c);
	return suite_main(s);
}
