/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decision point and its nodes. */
#include "pdp/decision/server.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "tests/pdp/fixture.h"
#include "tests/suite.h"

/* ---- Tests: who may speak ---- */

START_TEST(an_unknown_key_is_turned_away_in_the_handshake)
{
	struct client c = node_client(GW1);

	c.key = tenant->stranger;
	publish(20);
	connect_client(&c);
	UNTIL(c.ended);
	ck_assert(!c.opened);
	ck_assert_ptr_nonnull(strstr(c.why.text, "refused our key"));
	drop_client(&c);
}
END_TEST

START_TEST(a_node_may_use_no_name_but_its_own)
{
	struct client c = node_client(GW1);

	c.pepid = "alice";
	publish(20);
	connect_client(&c);
	UNTIL(c.ended || c.close_code);
	ck_assert(!c.opened);
	ck_assert_uint_eq(c.close_code, COPS_ERROR_AUTH_FAILURE);
	ck_assert_str_eq(standing("alice"), "never seen");
	ck_assert_str_eq(standing("gw1"), "never seen");
	drop_client(&c);
}
END_TEST

START_TEST(a_client_type_is_for_those_who_may_use_it)
{
	static const struct {
		uint16_t client_type;
		uint16_t code;
	} rows[] = {
		{COPS_CLIENT_PUBLISHING, COPS_ERROR_AUTH_FAILURE},
		{0x4999, COPS_ERROR_UNSUPPORTED_CLIENT_TYPE},
	};
	struct client publisher = node_client(GW1);

	publish(20);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct client c = node_client(GW1);

		c.client_type = rows[i].client_type;
		connect_client(&c);
		UNTIL(c.ended || c.close_code);
		ck_assert(!c.opened);
		ck_assert_uint_eq(c.close_code, rows[i].code);
		drop_client(&c);
	}
	/* A publisher is no node, though its key is known. */
	publisher.key = tenant->publisher;
	connect_client(&publisher);
	UNTIL(publisher.ended || publisher.close_code);
	ck_assert_uint_eq(publisher.close_code, COPS_ERROR_AUTH_FAILURE);
	drop_client(&publisher);
}
END_TEST

/* ---- Serving ---- */

START_TEST(a_node_gets_its_full_state_and_its_report_counts)
{
	struct client gw1 = node_client(GW1), alice = node_client(ALICE);

	publish(20);
	ck_assert(!converged(20));
	connect_client(&gw1);
	UNTIL(gw1.decisions && strcmp(standing("gw1"), "in force") == 0);
	ck_assert_uint_eq(gw1.serial, 20);
	ck_assert_uint_eq(gw1.sets, 2);
	ck_assert_uint_eq(gw1.nulls, 0);
	ck_assert(!converged(20));
	connect_client(&alice);
	UNTIL(converged(20));
	ck_assert_uint_eq(alice.sets, 1);
	ck_assert(!converged(21));
	drop_client(&alice);
	UNTIL(strcmp(standing("alice"), "away") == 0);
	ck_assert(!converged(20));
	drop_client(&gw1);
}
END_TEST

static void put_combination(struct buffer *out, uint32_t instance, const char *roles, int index)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkRoleCombo, instance);
	pri_set_text(&pri, frwkRoleComboRoles, roles);
	pri_set_text(&pri, frwkRoleComboCapSetName, "");
	ck_assert_int_eq(pri_put(out, &pri, &failure), E_OK);
	pri_init(&pri, PIB_frwkIfRoleCombo, instance);
	pri_set_i32(&pri, frwkIfRoleComboIfIndex, index);
	ck_assert_int_eq(pri_put(out, &pri, &failure), E_OK);
}

static void put_support(struct buffer *out, enum pib_class_id class, uint8_t attributes)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkPrcSupport, 1);
	pri_set_row(&pri, frwkPrcSupportSupportedPrc, class);
	pri_set_octets(&pri, frwkPrcSupportSupportedAttrs, VIEW(&attributes, 1));
	ck_assert_int_eq(pri_put(out, &pri, &failure), E_OK);
}

static void says_capabilities(struct buffer *out)
{
	struct pri pri;

	put_support(out, PIB_frwkPibIncarnation, 0xe1);
	pri_init(&pri, PIB_frwkPibIncarnation, 1);
	pri_set_text(&pri, frwkPibIncarnationName, "");
	pri_set_text(&pri, frwkPibIncarnationId, "");
	for (unsigned n = frwkPibIncarnationLongevity; n < frwkPibIncarnationFullState; n++)
		pri_set_null(&pri, n);
	pri_set_bool(&pri, frwkPibIncarnationFullState, true);
	ck_assert_int_eq(pri_put(out, &pri, &failure), E_OK);
	pri_init(&pri, PIB_frwkDeviceId, 1);
	pri_set_text(&pri, frwkDeviceIdDescr, "a test");
	pri_set_u32(&pri, frwkDeviceIdMaxMsg, 4096);
	pri_set_u32(&pri, frwkDeviceIdMaxContexts, 1);
	ck_assert_int_eq(pri_put(out, &pri, &failure), E_OK);
	pri_init(&pri, PIB_frwkCompLimits, 1);
	pri_set_row(&pri, frwkCompLimitsComponent, PIB_ipSecStaticAction);
	pri_set_u32(&pri, frwkCompLimitsAttrPos, ipSecStaticActionAction);
	pri_set_bool(&pri, frwkCompLimitsNegation, false);
	pri_set_i32(&pri, frwkCompLimitsType, frwkCompLimitsType_attrEnumSupLimited);
	pri_set_i32(&pri, frwkCompLimitsSubType, frwkCompLimitsSubType_enumMax);
	pri_set_octets(&pri, frwkCompLimitsGuidance, VIEW("\0\0\0\2", 4));
	ck_assert_int_eq(pri_put(out, &pri, &failure), E_OK);
	put_combination(out, 1, "host", 2);
}

/* Interface 2 has other roles now, 3 comes: without an incarnation, so it is incremental. */
static void says_changes(struct buffer *out)
{
	put_combination(out, 1, "server", 2);
	put_combination(out, 2, "", 3);
}

static void says_nonsense(struct buffer *out)
{
	put_combination(out, 1, "*+host", 2);
	put_combination(out, 2, "b+a", 3);
}

/* Another REQ in the same request state. */
static void ask_again(struct client *c)
{
	struct buffer claim;
	struct view named;

	buffer_init(&claim, BIG);
	c->says(&claim);
	named = buffer_view(&claim);
	ck_assert_int_eq(pep_session_update(c->session, c->handle, &named, 1, link_now()), E_OK);
	link_pump(c->link);
	buffer_fini(&claim);
}

static json_t *describe(const char *node)
{
	json_t *description;

	ck_assert_msg(!server_describe_node(server, node, &description, &failure), "%s", failure.text);
	return description;
}

static const char *roles_of(const json_t *description, size_t which)
{
	return json_string_value(json_object_get(
		json_array_get(json_object_get(description, "roles"), which), "roles"));
}

START_TEST(what_a_node_says_of_itself_is_known_while_it_is_there)
{
	struct client c = node_client(ALICE);
	json_t *d;

	publish(20);
	d = describe("alice");
	ck_assert_ptr_null(json_object_get(d, "roles"));
	json_decref(d);
	ck_assert_int_eq(server_describe_node(server, "nobody", &d, &failure), E_NOT_FOUND);

	c.says = says_capabilities;
	connect_client(&c);
	UNTIL(c.serial);
	d = describe("alice");
	ck_assert_str_eq(json_string_value(json_object_get(d, "description")), "a test");
	ck_assert_int_eq(json_integer_value(json_object_get(d, "max_message")), 4096);
	ck_assert(json_is_false(json_object_get(d, "esp_extended")));
	ck_assert_str_eq(json_string_value(json_object_get(d, "ah_integrity")), "none");
	ck_assert_uint_eq(json_array_size(json_object_get(d, "roles")), 1);
	ck_assert_str_eq(roles_of(d, 0), "host");
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(d, "limits"), 0)),
		"ipSecStaticAction.ipSecStaticActionAction at most discard");
	ck_assert_str_eq(json_string_value(json_array_get(
				 json_object_get(json_array_get(json_object_get(d, "support"), 0),
					 "without"),
				 0)),
		"frwkPibIncarnationLongevity");
	json_decref(d);

	/* On the same handle only what changed. */
	UNTIL(strcmp(standing("alice"), "in force") == 0);
	c.says = says_changes;
	ask_again(&c);
	UNTIL(c.decisions == 2);
	ck_assert_uint_eq(c.nulls, 1);
	d = describe("alice");
	ck_assert_uint_eq(json_array_size(json_object_get(d, "roles")), 2);
	ck_assert_str_eq(roles_of(d, 0), "server");
	ck_assert_str_eq(json_string_value(json_object_get(d, "description")), "a test");
	json_decref(d);

	drop_client(&c);
	UNTIL(strcmp(standing("alice"), "away") == 0);
	d = describe("alice");
	ck_assert_ptr_null(json_object_get(d, "roles"));
	json_decref(d);
}
END_TEST

/* frwkRoleCombo.1 as RFC 3084's example would have it: INTEGER's tag on an Unsigned32. */
static void says_integer(struct buffer *out)
{
	struct pri pri;
	size_t before = out->len;

	pri_init(&pri, PIB_frwkRoleCombo, 1);
	pri_set_text(&pri, frwkRoleComboRoles, "host");
	pri_set_octets(&pri, frwkRoleComboCapSetName, VIEW_NONE);
	ck_assert_int_eq(pri_put(out, &pri, &failure), E_OK);
	for (size_t i = before + 20; i < out->len; i++)
		if (out->data[i] == 0x42) {
			out->data[i] = 0x02;
			return;
		}
	ck_abort_msg("no Unsigned32");
}

START_TEST(what_is_tolerated_of_a_node_is_counted)
{
	struct client c = node_client(ALICE);
	json_t *d, *tolerated;

	publish(20);
	c.says = says_integer;
	connect_client(&c);
	UNTIL(strcmp(standing("alice"), "in force") == 0);
	d = describe("alice");
	tolerated = json_object_get(d, "tolerated");
	ck_assert_int_eq(
		json_integer_value(json_object_get(tolerated, "integer-for-unsigned32")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(tolerated, "solicited")), 0);
	/* And it is read as if it were right. */
	ck_assert_str_eq(roles_of(d, 0), "host");
	json_decref(d);
	drop_client(&c);
}
END_TEST

/* An accounting report of a row of that class. */
static void account(struct client *c, enum pib_class_id class)
{
	struct buffer b;
	struct view run;
	struct pri pri;

	pri_init(&pri, class, 1);
	if (class == PIB_copsecTraffic) {
		pri_set_prid(&pri, copsecTrafficInstance, PIB_ipSecRule, 5);
		pri_set_text(&pri, copsecTrafficName, "web");
		pri_set_u64(&pri, copsecTrafficPackets, 17);
		pri_set_u64(&pri, copsecTrafficOctets, 1700);
	} else {
		pri_set_octets(&pri, copsecComplianceSigned, VIEW_NONE);
	}
	buffer_init(&b, 1000);
	ck_assert_int_eq(pri_put(&b, &pri, &failure), E_OK);
	run = buffer_view(&b);
	ck_assert_int_eq(
		pep_session_tell(c->session, c->handle, COPS_ACCOUNTING, &run, 1, link_now()), E_OK);
	link_pump(c->link);
	buffer_fini(&b);
}

static bool has_accounting(const char *node, json_t **ret_accounting)
{
	json_t *d = describe(node);

	*ret_accounting = json_incref(json_object_get(d, "accounting"));
	json_decref(d);
	return *ret_accounting != NULL;
}

static json_int_t reports_refused(void)
{
	json_t *rows = server_describe_refusals(server), *row;
	json_int_t n = 0;
	size_t i;

	json_array_foreach(rows, i, row)
		if (!strcmp(json_string_value(json_object_get(row, "what")), "reports"))
			n += json_integer_value(json_object_get(row, "count"));
	json_decref(rows);
	return n;
}

START_TEST(what_a_node_has_counted_is_shown_while_it_is_there)
{
	struct client alice = node_client(ALICE), gw1 = node_client(GW1);
	json_t *accounting, *row;

	publish(20);
	connect_client(&alice);
	UNTIL(strcmp(standing("alice"), "in force") == 0);
	ck_assert(!has_accounting("alice", &accounting));
	account(&alice, PIB_copsecTraffic);
	UNTIL(has_accounting("alice", &accounting));
	row = json_array_get(json_object_get(accounting, "rows"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "name")), "web");
	ck_assert_str_eq(json_string_value(json_object_get(row, "prid")), "ipSecRule.5");
	ck_assert_int_eq(json_integer_value(json_object_get(row, "packets")), 17);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "octets")), 1700);
	json_decref(accounting);
	/* It says nothing of the policy. */
	ck_assert_str_eq(standing("alice"), "in force");

	/* What is none is refused. */
	connect_client(&gw1);
	UNTIL(strcmp(standing("gw1"), "in force") == 0);
	account(&gw1, PIB_copsecCompliance);
	UNTIL(reports_refused() == 1);
	ck_assert(!has_accounting("gw1", &accounting));
	drop_client(&gw1);
	drop_client(&alice);
	UNTIL(strcmp(standing("alice"), "away") == 0);
	ck_assert(!has_accounting("alice", &accounting));
}
END_TEST

START_TEST(a_wrong_request_is_answered_with_each_of_its_errors)
{
	struct client c = node_client(ALICE);

	publish(20);
	c.says = says_nonsense;
	connect_client(&c);
	UNTIL(c.decisions == 1);
	ck_assert_uint_eq(c.errors, 2);
	ck_assert_uint_eq(c.serial, 0);
	ck_assert_ptr_nonnull(strstr(buffer_string(&c.refusal), "frwkRoleCombo.1: no role comb"));
	/* It has learnt from it. */
	c.says = says_capabilities;
	ask_again(&c);
	UNTIL(c.serial);
	drop_client(&c);
}
END_TEST

START_TEST(a_node_that_holds_the_serial_gets_a_null_decision)
{
	struct client current = node_client(GW1), old = node_client(ALICE);

	publish(20);
	current.holds = 20;
	connect_client(&current);
	UNTIL(current.decisions);
	ck_assert_uint_eq(current.nulls, 1);
	ck_assert_uint_eq(current.serial, 0);
	UNTIL(strcmp(standing("gw1"), "in force") == 0);

	old.holds = 19;
	connect_client(&old);
	UNTIL(old.decisions);
	ck_assert_uint_eq(old.nulls, 0);
	ck_assert_uint_eq(old.serial, 20);
	drop_client(&current);
	drop_client(&old);
}
END_TEST

START_TEST(a_publication_reaches_every_connected_node)
{
	struct client nodes[NODES];

	publish(20);
	for (size_t i = 0; i < NODES; i++) {
		nodes[i] = node_client(i);
		connect_client(&nodes[i]);
	}
	UNTIL(converged(20));
	publish(21);
	UNTIL(converged(21));
	for (size_t i = 0; i < NODES; i++) {
		ck_assert_uint_eq(nodes[i].serial, 21);
		ck_assert_uint_eq(nodes[i].decisions, 2);
		ck_assert_uint_eq(nodes[i].deltas, 1);
		drop_client(&nodes[i]);
	}
}
END_TEST

START_TEST(a_refused_bundle_changes_nothing)
{
	struct client gw1 = node_client(GW1);

	publish(20);
	connect_client(&gw1);
	UNTIL(gw1.decisions);

	tenant->world->index_document.signers = 1;
	tenant_pack(tenant, 21);
	ck_assert(!publish_objects());
	ck_assert_ptr_nonnull(strstr(failure.text, "trusted"));
	ck_assert_uint_eq(server_serial(server), 20);
	tenant->world->index_document.signers = 3;
	tenant_pack(tenant, 20);
	ck_assert(!publish_objects());
	ck_assert_ptr_nonnull(strstr(failure.text, "20"));
	ck_assert_uint_eq(server_serial(server), 20);

	/* The next decision that the node gets is the next good one. */
	publish(22);
	UNTIL(gw1.serial == 22);
	ck_assert_uint_eq(gw1.decisions, 2);
	drop_client(&gw1);
}
END_TEST

START_TEST(a_node_is_sent_nothing_while_it_has_not_reported)
{
	struct client gw1 = node_client(GW1), alice = node_client(ALICE);

	gw1.silent = true;
	publish(20);
	connect_client(&gw1);
	connect_client(&alice);
	UNTIL(gw1.decisions && alice.serial == 20);
	for (uint64_t serial = 21; serial <= 23; serial++) {
		publish(serial);
		UNTIL(alice.serial == serial);
	}
	ck_assert_uint_eq(gw1.decisions, 1);
	/* It catches up in one step. */
	gw1.silent = false;
	client_report(&gw1, gw1.unreported);
	link_pump(gw1.link);
	UNTIL(converged(23));
	ck_assert_uint_eq(gw1.serial, 23);
	ck_assert_uint_eq(gw1.decisions, 2);
	drop_client(&gw1);
	drop_client(&alice);
}
END_TEST

START_TEST(a_node_that_does_not_report_is_silent)
{
	struct client gw1 = node_client(GW1), alice = node_client(ALICE);

	server = server_free(server);
	settings.report_timeout = 200;
	start_server();
	gw1.silent = true;
	publish(20);
	connect_client(&gw1);
	connect_client(&alice);
	UNTIL(strcmp(standing("gw1"), "silent") == 0 && strcmp(standing("alice"), "in force") == 0);
	client_report(&gw1, gw1.unreported);
	link_pump(gw1.link);
	UNTIL(strcmp(standing("gw1"), "in force") == 0);
	/* What is silent and gone is gone. */
	publish(21);
	UNTIL(strcmp(standing("gw1"), "silent") == 0);
	drop_client(&gw1);
	UNTIL(strcmp(standing("gw1"), "away") == 0);
	drop_client(&alice);
}
END_TEST

static bool is_served(const char *node)
{
	json_t *result = NULL;
	enum err code = command("resend", json_pack("{s:s}", "node", node), &result);

	json_decref(result);
	ck_assert(code == E_OK || code == E_NOT_FOUND);
	return code == E_OK;
}

/* It stays connected, and may begin anew. */
START_TEST(a_state_or_client_type_that_is_closed_is_served_no_more)
{
	struct client gw1 = node_client(GW1), alice = node_client(ALICE);

	publish(20);
	connect_client(&gw1);
	connect_client(&alice);
	UNTIL(converged(20));
	ck_assert_int_eq(
		pep_session_delete(gw1.session, gw1.handle, COPS_REASON_UNSPECIFIED), E_OK);
	link_pump(gw1.link);
	session_close(alice.session, COPS_CLIENT_PROVISIONING, COPS_ERROR_SHUTTING_DOWN);
	link_pump(alice.link);
	UNTIL(strcmp(standing("alice"), "away") == 0);
	UNTIL(!is_served("gw1"));
	publish(21);

	client_request(&gw1);
	link_pump(gw1.link);
	UNTIL(gw1.serial == 21);
	ck_assert_int_eq(
		pep_session_open(alice.session, COPS_CLIENT_PROVISIONING, NULL, link_now()), E_OK);
	link_pump(alice.link);
	UNTIL(alice.serial == 21);
	ck_assert(!gw1.ended && !alice.ended);
	ck_assert_uint_eq(alice.decisions, 2);
	drop_client(&gw1);
	drop_client(&alice);
}
END_TEST

START_TEST(a_node_that_the_new_policy_does_not_have_is_closed)
{
	struct client gw1 = node_client(GW1), alice = node_client(ALICE);

	publish(20);
	connect_client(&gw1);
	connect_client(&alice);
	UNTIL(converged(20));
	tenant->world->assignment_documents[ALICE].sent = false;
	publish(21);
	UNTIL(alice.ended && gw1.serial == 21);
	ck_assert_uint_eq(alice.close_code, COPS_ERROR_AUTH_FAILURE);
	ck_assert_str_eq(standing("alice"), "");
	UNTIL(converged(21));
	drop_client(&gw1);
	drop_client(&alice);
}
END_TEST

START_TEST(of_two_connections_of_a_node_the_newer_counts)
{
	struct client before = node_client(GW1), after = node_client(GW1);

	publish(20);
	connect_client(&before);
	UNTIL(before.decisions);
	connect_client(&after);
	UNTIL(after.decisions && before.ended);
	ck_assert_uint_eq(before.close_code, COPS_ERROR_COMMUNICATION);
	publish(21);
	UNTIL(after.serial == 21);
	ck_assert_uint_eq(before.serial, 20);
	drop_client(&before);
	drop_client(&after);
}
END_TEST

START_TEST(what_a_node_refuses_is_told)
{
	struct client gw1 = node_client(GW1);
	json_t *result = NULL;

	gw1.refuses = true;
	publish(20);
	connect_client(&gw1);
	UNTIL(strcmp(standing("gw1"), "failed") == 0);
	ck_assert_int_eq(command("outcome",
				 json_pack("{s:s,s:i}", "node", "gw1", "reports", 0), &result),
		E_OK);
	ck_assert_str_eq(
		json_string_value(json_object_get(result, "reason")), "malformedDecision");
	json_decref(result);
	drop_client(&gw1);
}
END_TEST

START_TEST(an_unsigned_report_does_not_make_a_node_green)
{
	struct client gw1 = node_client(GW1);

	gw1.unsigned_only = true;
	publish(20);
	connect_client(&gw1);
	UNTIL(strcmp(standing("gw1"), "failed") == 0);
	drop_client(&gw1);
}
END_TEST

/* ---- Control ---- */

START_TEST(a_state_is_sent_again_and_its_outcome_waited_for)
{
	struct client gw1 = node_client(GW1);
	json_t *sent = NULL, *result = NULL;
	json_int_t reports;

	publish(20);
	ck_assert_int_eq(command("resend", json_pack("{s:s}", "node", "gw1"), &sent), E_NOT_FOUND);
	ck_assert_str_eq(failure.text, "node gw1 is not connected");
	ck_assert_int_eq(command("resend", json_pack("{s:s}", "node", "bob"), &sent), E_NOT_FOUND);
	ck_assert_str_eq(failure.text, "the policy has no node bob");
	ck_assert_int_eq(command("resend", json_object(), &sent), E_MISSING);

	connect_client(&gw1);
	UNTIL(strcmp(standing("gw1"), "in force") == 0);
	gw1.silent = true;
	ck_assert_int_eq(command("resend", json_pack("{s:s}", "node", "gw1"), &sent), E_OK);
	reports = json_integer_value(json_object_get(sent, "reports"));
	ck_assert_int_eq(reports, 1);
	UNTIL(gw1.decisions == 2);
	ck_assert_int_eq(command("outcome",
				 json_pack("{s:s,s:I}", "node", "gw1", "reports", reports),
				 &result),
		E_AGAIN);
	/* One after the other. */
	ck_assert_int_eq(command("resend", json_pack("{s:s}", "node", "gw1"), &result), E_AGAIN);

	changes = 0;
	client_report(&gw1, gw1.unreported);
	link_pump(gw1.link);
	UNTIL(changes);
	ck_assert_int_eq(command("outcome",
				 json_pack("{s:s,s:I}", "node", "gw1", "reports", reports),
				 &result),
		E_OK);
	ck_assert_str_eq(json_string_value(json_object_get(result, "standing")), "in force");
	json_decref(result);
	json_decref(sent);
	drop_client(&gw1);
}
END_TEST

START_TEST(the_policy_is_described)
{
	json_t *result = NULL, *sets;

	ck_assert_int_eq(command("policy", json_object(), &result), E_OK);
	ck_assert_int_eq(json_integer_value(json_object_get(result, "serial")), 0);
	json_decref(result);
	ck_assert(!converged(0));
	publish(20);
	ck_assert_int_eq(command("policy", json_object(), &result), E_OK);
	sets = json_object_get(result, "sets");
	ck_assert_uint_eq(json_array_size(sets), SETS);
	ck_assert_str_eq(
		json_string_value(json_object_get(json_array_get(sets, HOST), "set")), "host");
	ck_assert_uint_eq(strlen(json_string_value(
				  json_object_get(json_array_get(sets, HOST), "root"))),
		64);
	json_decref(result);
}
END_TEST

/* ---- The end, and the next beginning ---- */

START_TEST(after_a_stop_the_loop_has_nothing_left_to_do)
{
	struct client gw1 = node_client(GW1), handshake = node_client(ALICE);

	publish(20);
	connect_client(&gw1);
	UNTIL(strcmp(standing("gw1"), "in force") == 0);
	/* Another one is somewhere between TCP and TLS. */
	connect_client(&handshake);
	UNTIL(handshake.session);
	server_stop(server);
	ev_run(loop, 0);
	ck_assert(!guard_fired);
	ck_assert(gw1.ended);
	ck_assert_uint_eq(gw1.close_code, COPS_ERROR_SHUTTING_DOWN);
	ck_assert(handshake.ended);
	drop_client(&gw1);
	drop_client(&handshake);
}
END_TEST

START_TEST(a_new_server_goes_on_where_the_old_one_stopped)
{
	struct client gw1 = node_client(GW1);

	publish(20);
	connect_client(&gw1);
	UNTIL(strcmp(standing("gw1"), "in force") == 0);
	drop_client(&gw1);
	server = server_free(server);

	start_server();
	ck_assert_uint_eq(server_serial(server), 20);
	ck_assert_str_eq(standing("gw1"), "away");
	ck_assert_str_eq(standing("alice"), "never seen");
	gw1 = node_client(GW1);
	gw1.holds = 20;
	connect_client(&gw1);
	UNTIL(gw1.nulls && strcmp(standing("gw1"), "in force") == 0);
	tenant_pack(tenant, 20);
	ck_assert(!publish_objects());
	drop_client(&gw1);
}
END_TEST

START_TEST(a_server_dies_with_its_peers_connected)
{
	struct client gw1 = node_client(GW1);

	publish(20);
	connect_client(&gw1);
	UNTIL(gw1.decisions);
	server = server_free(server);
	UNTIL(gw1.ended);
	drop_client(&gw1);
}
END_TEST

START_TEST(a_success_with_warnings_is_a_success)
{
	struct client gw1 = node_client(GW1);
	json_t *result = NULL;
	const json_t *one;
	size_t i;

	gw1.warns = true;
	publish(20);
	connect_client(&gw1);
	UNTIL(!strcmp(standing("gw1"), "in force"));
	ck_assert_int_eq(command("nodes", json_object(), &result), E_OK);
	json_array_foreach(json_object_get(result, "nodes"), i, one)
		if (!strcmp(json_string_value(json_object_get(one, "node")), "gw1"))
			ck_assert_ptr_nonnull(
				strstr(json_string_value(json_object_get(one, "reason")),
					"ipSecRule.7: priInstanceInvalid"));
	json_decref(result);
	drop_client(&gw1);
}
END_TEST

/* ---- What an operator wants ---- */

START_TEST(nodes_are_sent_to_another_pdp_and_served_again)
{
	struct client gw1 = node_client(GW1), again = node_client(GW1);
	struct client alice = node_client(ALICE);
	json_t *result = NULL;
	struct endpoint to;

	ck_assert_int_eq(endpoint_parse("192.0.2.9", COPS_PORT, &to, &failure), E_OK);
	publish(20);
	connect_client(&gw1);
	UNTIL(gw1.decisions);
	ck_assert_int_eq(
		command("redirect", json_pack("{s:s}", "to", "192.0.2.9"), &result), E_OK);
	UNTIL(gw1.ended);
	ck_assert_uint_eq(gw1.close_code, COPS_ERROR_REDIRECT);
	ck_assert(endpoint_equal(&gw1.sent_to, &to));
	connect_client(&alice);
	UNTIL(alice.close_code);
	ck_assert(!alice.opened && endpoint_equal(&alice.sent_to, &to));
	/* Publishers stay. */
	publish(21);

	ck_assert_int_eq(
		command("redirect", json_pack("{s:s}", "to", "nowhere"), &result), E_SYNTAX);
	ck_assert_int_eq(command("redirect", json_object(), &result), E_MISSING);
	ck_assert_int_eq(command("redirect", json_pack("{s:s}", "to", ""), &result), E_OK);
	connect_client(&again);
	UNTIL(again.decisions);
	drop_client(&gw1);
	drop_client(&alice);
	drop_client(&again);
}
END_TEST

START_TEST(a_node_is_asked_for_its_request_again)
{
	struct client gw1 = node_client(GW1);
	json_t *result = NULL;

	publish(20);
	ck_assert_int_eq(
		command("synchronize", json_pack("{s:s}", "node", "gw1"), &result), E_NOT_FOUND);
	ck_assert_int_eq(
		command("synchronize", json_pack("{s:s}", "node", "nobody"), &result), E_NOT_FOUND);
	connect_client(&gw1);
	UNTIL(gw1.serial && !strcmp(standing("gw1"), "in force"));
	gw1.holds = gw1.serial;
	ck_assert_int_eq(
		command("synchronize", json_pack("{s:s}", "node", "gw1"), &result), E_OK);
	UNTIL(gw1.nulls);
	ck_assert_uint_eq(gw1.synchronizations, 1);
	ck_assert_uint_eq(gw1.synchronized_state, 0);
	ck_assert_uint_eq(gw1.decisions, 2);
	/* By the handle of its request state. */
	UNTIL(!strcmp(standing("gw1"), "in force"));
	ck_assert_int_eq(command("synchronize",
				 json_pack("{s:s, s:b}", "node", "gw1", "newest", 1), &result),
		E_OK);
	UNTIL(gw1.nulls == 2);
	ck_assert_uint_eq(gw1.synchronizations, 2);
	ck_assert_uint_eq(gw1.synchronized_state, gw1.handle);
	drop_client(&gw1);
}
END_TEST

static json_int_t counted(const char *what)
{
	json_t *result = NULL, *row;
	json_int_t n = 0;
	size_t i;

	ck_assert_int_eq(command("status", json_object(), &result), E_OK);
	json_array_foreach(json_object_get(result, "client-types"), i, row)
		if (json_integer_value(json_object_get(row, "client-type")) ==
			COPS_CLIENT_PROVISIONING)
			n = json_integer_value(json_object_get(row, what));
	json_decref(result);
	return n;
}

START_TEST(what_sessions_counted_outlives_them)
{
	struct client gw1 = node_client(GW1);

	publish(20);
	connect_client(&gw1);
	UNTIL(!strcmp(standing("gw1"), "in force"));
	/* OPN, REQ, RPT. */
	ck_assert_int_eq(counted("messages-in"), 3);
	ck_assert_int_eq(counted("messages-out"), 2);
	drop_client(&gw1);
	UNTIL(!strcmp(standing("gw1"), "away"));
	ck_assert_int_eq(counted("messages-in"), 3);
	ck_assert_int_eq(counted("open-attempts"), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("server");
	TCase *c = tcase_create("server");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, fixture_set_up, fixture_tear_down);
	tcase_add_test(c, an_unknown_key_is_turned_away_in_the_handshake);
	tcase_add_test(c, a_node_may_use_no_name_but_its_own);
	tcase_add_test(c, a_client_type_is_for_those_who_may_use_it);
	tcase_add_test(c, a_node_gets_its_full_state_and_its_report_counts);
	tcase_add_test(c, what_a_node_says_of_itself_is_known_while_it_is_there);
	tcase_add_test(c, what_is_tolerated_of_a_node_is_counted);
	tcase_add_test(c, what_a_node_has_counted_is_shown_while_it_is_there);
	tcase_add_test(c, a_wrong_request_is_answered_with_each_of_its_errors);
	tcase_add_test(c, a_node_that_holds_the_serial_gets_a_null_decision);
	tcase_add_test(c, a_publication_reaches_every_connected_node);
	tcase_add_test(c, a_refused_bundle_changes_nothing);
	tcase_add_test(c, a_node_is_sent_nothing_while_it_has_not_reported);
	tcase_add_test(c, a_node_that_does_not_report_is_silent);
	tcase_add_test(c, a_state_or_client_type_that_is_closed_is_served_no_more);
	tcase_add_test(c, a_node_that_the_new_policy_does_not_have_is_closed);
	tcase_add_test(c, of_two_connections_of_a_node_the_newer_counts);
	tcase_add_test(c, what_a_node_refuses_is_told);
	tcase_add_test(c, an_unsigned_report_does_not_make_a_node_green);
	tcase_add_test(c, a_state_is_sent_again_and_its_outcome_waited_for);
	tcase_add_test(c, the_policy_is_described);
	tcase_add_test(c, after_a_stop_the_loop_has_nothing_left_to_do);
	tcase_add_test(c, a_new_server_goes_on_where_the_old_one_stopped);
	tcase_add_test(c, a_server_dies_with_its_peers_connected);
	tcase_add_test(c, a_success_with_warnings_is_a_success);
	tcase_add_test(c, nodes_are_sent_to_another_pdp_and_served_again);
	tcase_add_test(c, a_node_is_asked_for_its_request_again);
	tcase_add_test(c, what_sessions_counted_outlives_them);
	suite_add_tcase(s, c);
	return suite_main(s);
}
